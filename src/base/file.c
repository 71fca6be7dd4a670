/* Whole files and descriptors. See file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rand.h"

#define READ_STEP 16384
#define TEMP_NAME_TRIES 16

void fd_close(int *fd) {
    if (*fd < 0)
        return;
    int saved = errno;
    (void)close(*fd); /* not again on EINTR: on Linux the descriptor is gone */
    errno = saved;
    *fd = -1;
}

bool file_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

static int open_retry(const char *path, int flags, mode_t mode) {
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Reads one byte more than the limit to tell "just fits" from "too large". */
static int read_rest(int fd, size_t limit, struct buf *ret, struct err *err) {
    size_t total = 0;
    for (;;) {
        size_t want = limit - total < READ_STEP ? limit - total + 1 : READ_STEP;
        char *to = buf_reserve(ret, want);
        if (!to)
            return err_set(err, ERR_TOO_LARGE, "the buffer's limit of %zu bytes", ret->limit);
        ssize_t n = read(fd, to, want);
        if (n == 0)
            return 0;
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return err_errno(err, errno, "read");
        }
        total += (size_t)n;
        if (total > limit)
            return err_set(err, ERR_TOO_LARGE, "more than %zu bytes", limit);
        ret->n += (size_t)n;
    }
}

int fd_read_all(int fd, size_t limit, struct buf *ret, struct err *err) {
    size_t before = ret->n;
    int rc = read_rest(fd, limit, ret, err);
    if (rc)
        ret->n = before;
    return rc;
}

int file_read(const char *path, size_t limit, struct buf *ret, struct err *err) {
    _cleanup_fd int fd = open_retry(path, O_RDONLY | O_NOCTTY, 0);
    if (fd < 0)
        return err_errno(err, errno, "open %s", path);
    int rc = fd_read_all(fd, limit, ret, err);
    if (rc)
        (void)err_wrap(err, "%s", path);
    return rc;
}

int fd_write_all(int fd, struct str data, struct err *err) {
    while (data.n) {
        ssize_t n = write(fd, data.p, data.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "write");
        data = str_from_byte(data, (size_t)n);
    }
    return 0;
}

/* The directory part of a path, "." when it has none. */
static int dir_of(const char *path, char ret[PATH_MAX], struct err *err) {
    struct str p = str_from(path);
    ptrdiff_t slash = str_rfind_byte(p, '/');
    struct str dir = slash < 0 ? S(".") : slash == 0 ? S("/") : str_cut(p, (size_t)slash);
    if (dir.n >= PATH_MAX)
        return err_set(err, ERR_INVALID, "path of %zu bytes", p.n);
    memcpy(ret, dir.p, dir.n);
    ret[dir.n] = 0;
    return 0;
}

int file_sync_dir(const char *path, struct err *err) {
    _cleanup_fd int fd = open_retry(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return err_errno(err, errno, "open %s", path);
    if (fsync(fd) != 0 && errno != EINVAL) /* EINVAL: a file system without it */
        return err_errno(err, errno, "fsync %s", path);
    return 0;
}

/* A new file of a random name beside path. */
static int open_temp(const char *path, char ret_name[PATH_MAX], int *ret_fd, struct err *err) {
    for (int i = 0; i < TEMP_NAME_TRIES; i++) {
        char suffix[9];
        rand_text(rand_system(), suffix, sizeof suffix - 1);
        if (snprintf(ret_name, PATH_MAX, "%s.%s.tmp", path, suffix) >= PATH_MAX)
            return err_set(err, ERR_INVALID, "path of %zu bytes", strlen(path));
        *ret_fd = open_retry(ret_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        if (*ret_fd >= 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    return err_errno(err, errno, "create %s", ret_name);
}

static int fill_temp(int fd, struct str data, mode_t mode, struct err *err) {
    int rc = fd_write_all(fd, data, err);
    if (rc)
        return rc;
    if (fchmod(fd, mode) != 0)
        return err_errno(err, errno, "chmod");
    if (fsync(fd) != 0)
        return err_errno(err, errno, "fsync");
    return 0;
}

int file_write_atomic(const char *path, struct str data, mode_t mode, struct err *err) {
    char temp[PATH_MAX], dir[PATH_MAX];
    _cleanup_fd int fd = -1;
    int rc = dir_of(path, dir, err);
    if (!rc)
        rc = open_temp(path, temp, &fd, err);
    if (rc)
        return rc;
    rc = fill_temp(fd, data, mode, err);
    if (!rc && rename(temp, path) != 0)
        rc = err_errno(err, errno, "rename");
    if (rc) {
        (void)unlink(temp);
        (void)err_wrap(err, "write %s", path);
        return rc;
    }
    return file_sync_dir(dir, err);
}

static int make_one(const char *path, mode_t mode, struct err *err) {
    if (mkdir(path, mode) == 0)
        return 0;
    int e = errno;
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return err_errno(err, e == EEXIST ? ENOTDIR : e, "mkdir %s", path);
}

int file_mkdir_p(const char *path, mode_t mode, struct err *err) {
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= PATH_MAX)
        return err_set(err, ERR_INVALID, "path of %zu bytes", n);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        int rc = make_one(part, mode, err);
        if (rc)
            return rc;
    }
    return 0;
}

int file_remove(const char *path, struct err *err) {
    if (unlink(path) != 0 && errno != ENOENT)
        return err_errno(err, errno, "remove %s", path);
    return 0;
}
