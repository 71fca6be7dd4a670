/* Whole folders. See tree.h. */
#include "kubelet/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Called for each entry of a folder; a code below 0 ends the walk. */
typedef int (*entry_fn)(int dir_fd, const char *name, const struct stat *st, unsigned depth, void *arg,
                        struct err *err);

static int walk(int dir_fd, unsigned depth, entry_fn fn, void *arg, struct err *err) {
    if (depth > TREE_DEPTH_MAX)
        return err_set(err, ERR_TOO_LARGE, "folders are nested too deep");
    int again = openat(dir_fd, ".", DIR_FLAGS);
    DIR *d = again < 0 ? NULL : fdopendir(again);
    if (!d) {
        int e = errno;
        fd_close(&again);
        return err_errno(err, e, "read a folder");
    }
    int rc = 0;
    for (const struct dirent *e; rc == 0 && (e = readdir(d));) {
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            rc = fn(dir_fd, e->d_name, &st, depth, arg, err);
        else if (errno != ENOENT)
            rc = err_errno(err, errno, "look at %s", e->d_name);
    }
    closedir(d);
    return rc;
}

/* --- removing --- */

static int remove_entry(int dir_fd, const char *name, const struct stat *st, unsigned depth, void *arg,
                        struct err *err) {
    const dev_t *dev = arg;
    if (st->st_dev != *dev)
        return err_set(err, ERR_CONFLICT, "%s is still mounted", name);
    if (S_ISDIR(st->st_mode)) {
        _cleanup_fd int fd = openat(dir_fd, name, DIR_FLAGS);
        struct stat now;
        if (fd < 0 || fstat(fd, &now) < 0)
            return err_errno(err, errno, "open folder %s", name);
        if (now.st_dev != *dev) /* mounted since */
            return err_set(err, ERR_CONFLICT, "%s is still mounted", name);
        int rc = walk(fd, depth + 1, remove_entry, arg, err);
        if (rc)
            return rc;
    }
    if (unlinkat(dir_fd, name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
        return err_errno(err, errno, "remove %s", name);
    return 0;
}

int tree_remove_at(int dir_fd, const char *name, struct err *err) {
    struct stat st, parent;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : err_errno(err, errno, "look at %s", name);
    if (dir_fd != AT_FDCWD && fstat(dir_fd, &parent) == 0 && parent.st_dev != st.st_dev)
        return err_set(err, ERR_CONFLICT, "%s is still mounted", name);
    return remove_entry(dir_fd, name, &st, 0, &st.st_dev, err);
}

int tree_remove(const char *path, struct err *err) {
    return tree_remove_at(AT_FDCWD, path, err);
}

/* --- counting --- */

static int count_entry(int dir_fd, const char *name, const struct stat *st, unsigned depth, void *arg,
                       struct err *err) {
    *(unsigned long *)arg += S_ISREG(st->st_mode);
    if (!S_ISDIR(st->st_mode))
        return 0;
    _cleanup_fd int fd = openat(dir_fd, name, DIR_FLAGS);
    return fd < 0 ? 0 : walk(fd, depth + 1, count_entry, arg, err);
}

unsigned long tree_count_files(int dir_fd) {
    unsigned long n = 0;
    (void)walk(dir_fd, 0, count_entry, &n, NULL);
    return n;
}

struct sum {
    uint64_t bytes;
    dev_t dev;
};

static int sum_entry(int dir_fd, const char *name, const struct stat *st, unsigned depth, void *arg,
                     struct err *err) {
    struct sum *s = arg;
    if (st->st_dev != s->dev)
        return 0;
    s->bytes += (uint64_t)st->st_blocks * 512;
    if (!S_ISDIR(st->st_mode))
        return 0;
    _cleanup_fd int fd = openat(dir_fd, name, DIR_FLAGS);
    return fd < 0 ? 0 : walk(fd, depth + 1, sum_entry, arg, err);
}

uint64_t tree_bytes(const char *path) {
    _cleanup_fd int fd = open(path, DIR_FLAGS);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return 0;
    struct sum s = {.bytes = (uint64_t)st.st_blocks * 512, .dev = st.st_dev};
    (void)walk(fd, 0, sum_entry, &s, NULL);
    return s.bytes;
}

/* --- ownership --- */

struct gift {
    gid_t gid;
    bool read_only;
    dev_t dev;
};

static mode_t group_mode(mode_t mode, bool read_only) {
    mode |= read_only ? 0440 : 0660;
    return S_ISDIR(mode) ? mode | S_ISGID | 0110 : mode;
}

/* The descriptor may be O_PATH: modes are set through /proc then. */
static int give(int fd, const struct gift *g, const struct stat *st, struct err *err) {
    char path[64];
    if (fchownat(fd, "", (uid_t)-1, g->gid, AT_EMPTY_PATH) < 0)
        return err_errno(err, errno, "give a file to group %u", g->gid);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    mode_t mode = group_mode(st->st_mode, g->read_only) & 07777;
    if ((st->st_mode & 07777) != mode && chmod(path, mode) < 0)
        return err_errno(err, errno, "change the mode of a file");
    return 0;
}

static int give_entry(int dir_fd, const char *name, const struct stat *st, unsigned depth, void *arg,
                      struct err *err) {
    const struct gift *g = arg;
    if (st->st_dev != g->dev)
        return 0;
    if (!S_ISDIR(st->st_mode) && !S_ISREG(st->st_mode)) /* links, devices, sockets: the owner only */
        return fchownat(dir_fd, name, (uid_t)-1, g->gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT
                   ? err_errno(err, errno, "give %s to group %u", name, g->gid)
                   : 0;
    _cleanup_fd int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat now;
    if (fd < 0 || fstat(fd, &now) < 0)
        return errno == ENOENT ? 0 : err_errno(err, errno, "open %s", name);
    if (now.st_dev != g->dev || (!S_ISDIR(now.st_mode) && !S_ISREG(now.st_mode)))
        return 0; /* something else by now */
    int rc = S_ISDIR(now.st_mode) ? walk(fd, depth + 1, give_entry, arg, err) : 0;
    return rc ? rc : give(fd, g, &now, err);
}

int tree_give_to_group(const char *path, int64_t gid, bool read_only, struct err *err) {
    _cleanup_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, errno, "open %s", path);
    struct gift g = {.gid = (gid_t)gid, .read_only = read_only, .dev = st.st_dev};
    int rc = walk(fd, 0, give_entry, &g, err);
    return rc ? rc : give(fd, &g, &st, err);
}

bool tree_root_is_of_group(const char *path, int64_t gid, bool read_only) {
    struct stat st;
    return stat(path, &st) == 0 && st.st_gid == (gid_t)gid &&
           (st.st_mode & 07777) == (group_mode(st.st_mode, read_only) & 07777);
}
