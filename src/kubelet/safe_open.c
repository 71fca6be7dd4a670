/* Opening inside a folder. See safe_open.h. */
#include "kubelet/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#define PATH_BYTES_MAX 4096
#define RACE_TRIES 64 /* a rename elsewhere may make openat2 give up */

bool safe_path_is_local(struct str path) {
    struct str part, rest = path;
    if (path.n >= PATH_BYTES_MAX || (path.n && (path.p[0] == '/' || memchr(path.p, 0, path.n))))
        return false;
    while (rest.n) {
        str_split(rest, '/', &part, &rest);
        if (str_eq(part, S("..")))
            return false;
    }
    return true;
}

static int open_once(int dir_fd, const char *path, const struct open_how *how) {
    return (int)syscall(SYS_openat2, dir_fd, path, how, sizeof *how);
}

int safe_open_in(int dir_fd, struct str path, int flags, mode_t mode, enum safe_links links, int *ret_fd,
                 struct err *err) {
    char text[PATH_BYTES_MAX];
    if (!safe_path_is_local(path))
        return err_set(err, ERR_INVALID, "path \"%.*s\" leads out of its folder", STR_ARG(path));
    snprintf(text, sizeof text, "%.*s", STR_ARG(path.n ? path : S(".")));
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_NO_MAGICLINKS |
                   (links == SAFE_LINKS_NONE ? RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH : RESOLVE_IN_ROOT),
    };
    int fd = -1;
    for (int i = 0; i < RACE_TRIES && fd < 0; i++) {
        fd = open_once(dir_fd, text, &how);
        if (fd < 0 && errno != EAGAIN && errno != EINTR)
            break;
    }
    if (fd < 0)
        return err_errno(err, errno, "open \"%s\"", text);
    *ret_fd = fd;
    return 0;
}

int safe_mkdir_in(int dir_fd, struct str path, mode_t mode, int *ret_fd, struct err *err) {
    if (!safe_path_is_local(path))
        return err_set(err, ERR_INVALID, "path \"%.*s\" leads out of its folder", STR_ARG(path));
    _cleanup_fd int at = -1;
    int rc = safe_open_in(dir_fd, S("."), O_PATH | O_DIRECTORY, 0, SAFE_LINKS_NONE, &at, err);
    struct str part, rest = path;
    while (rc == 0 && rest.n) {
        char name[NAME_MAX + 1];
        int next;
        str_split(rest, '/', &part, &rest);
        if (!part.n || str_eq(part, S(".")))
            continue;
        if (part.n > NAME_MAX)
            return err_set(err, ERR_INVALID, "a part of path \"%.*s\" is too long", STR_ARG(path));
        snprintf(name, sizeof name, "%.*s", STR_ARG(part));
        if (mkdirat(at, name, mode) < 0 && errno != EEXIST)
            return err_errno(err, errno, "make folder \"%.*s\"", STR_ARG(path));
        /* what is there now must be a folder itself, not a link to one */
        rc = safe_open_in(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, SAFE_LINKS_NONE, &next, err);
        if (rc == 0) {
            fd_close(&at);
            at = next;
        }
    }
    if (rc == 0)
        *ret_fd = fd_take(&at);
    return rc;
}

int safe_read_in(const char *dir, struct str path, size_t limit, struct buf *ret, struct err *err) {
    _cleanup_fd int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_fd int fd = -1;
    struct stat st;
    if (root < 0)
        return err_errno(err, errno, "open %s", dir);
    int rc = safe_open_in(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, SAFE_LINKS_INSIDE, &fd, err);
    if (rc)
        return rc;
    if (fstat(fd, &st) < 0)
        return err_errno(err, errno, "look at \"%.*s\"", STR_ARG(path));
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "\"%.*s\" is no regular file", STR_ARG(path));
    return fd_read_all(fd, limit, ret, err);
}
