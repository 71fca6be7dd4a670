/* Rotating logs. See log_file.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/vec.h"
#include "kubelet/log_file.h"

#define COPY_STEP 65536
#define TIME_LEN 15 /* yyyymmdd-hhmmss */

struct names {
    struct str *v;
    size_t n, cap;
};

static bool is_stamp(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (i == 8 ? s.p[i] != '-' : s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n == TIME_LEN;
}

/* Files beside the log with its name and a dot: full paths, in the order of time. */
static int list_rotated(const char *path, struct arena *a, struct names *ret_rotated,
                        struct names *ret_leavings, struct err *err) {
    struct str whole = str_from(path);
    ptrdiff_t slash = str_rfind_byte(whole, '/');
    struct str dir = arena_str(a, str_cut(whole, slash > 0 ? (size_t)slash : 1));
    struct str prefix = arena_printf(a, "%s.", path + slash + 1);
    DIR *d = opendir(dir.p);
    if (!d)
        return errno == ENOENT ? 0 : err_errno(err, errno, "open %s", dir.p);
    for (const struct dirent *e; (e = readdir(d));) {
        struct str name = str_from(e->d_name), rest = str_from_byte(name, prefix.n);
        if (!str_has_prefix(name, prefix))
            continue;
        struct str full = arena_printf(a, "%.*s/%s", STR_ARG(dir), e->d_name);
        bool packed = str_has_suffix(rest, S(".gz"));
        if (is_stamp(packed ? str_cut(rest, rest.n - 3) : rest))
            vec_push_in(a, ret_rotated, full);
        else if (str_has_suffix(rest, S(".tmp")))
            vec_push_in(a, ret_leavings, full);
    }
    closedir(d);
    if (ret_rotated->n)
        qsort(ret_rotated->v, ret_rotated->n, sizeof *ret_rotated->v, str_cmp_qsort);
    return 0;
}

/* --- compressing --- */

static int pack_into(int from, gzFile to, const char *path, struct err *err) {
    static const char trouble[] = "compress log";
    char *step = malloc(COPY_STEP);
    if (!step)
        panic("out of memory");
    int rc = 0;
    ssize_t n;
    while (rc == 0 && (n = read(from, step, COPY_STEP)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || gzwrite(to, step, (unsigned)n) != n)
            rc = err_errno(err, n < 0 || errno ? errno : EIO, "%s %s", trouble, path);
    }
    free(step);
    return rc;
}

/* <path>.gz in place of it; a crash leaves a .tmp, which the next rotation removes. */
static int pack(const char *path, struct arena *a, struct err *err) {
    struct str tmp = arena_printf(a, "%s.tmp", path), packed = arena_printf(a, "%s.gz", path);
    _cleanup_fd int from = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int to = open(tmp.p, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    gzFile z = from < 0 || to < 0 ? NULL : gzdopen(to, "wb");
    if (!z) {
        int e = errno;
        fd_close(&to);
        return err_errno(err, e, "compress log %s", path);
    }
    int rc = pack_into(from, z, path, err);
    if (gzclose(z) != Z_OK && rc == 0)
        rc = err_set(err, ERR_IO, "compress log %s", path);
    if (rc == 0 && rename(tmp.p, packed.p) < 0)
        rc = err_errno(err, errno, "rename %s", tmp.p);
    if (rc) {
        (void)unlink(tmp.p);
        return rc;
    }
    (void)unlink(path);
    return 0;
}

/* --- rotating --- */

static int tidy(const struct log_rotation *r, struct arena *a, struct err *err) {
    struct names rotated = {0}, leavings = {0};
    int rc = list_rotated(r->path, a, &rotated, &leavings, err);
    if (rc)
        return rc;
    vec_foreach (name, &leavings)
        (void)unlink(name->p);
    /* room for the file that is rotated now and the new one */
    size_t keep = r->max_files > 2 ? r->max_files - 2 : 0, drop = rotated.n > keep ? rotated.n - keep : 0;
    for (size_t i = 0; i < rotated.n && rc == 0; i++) {
        if (i < drop)
            (void)unlink(rotated.v[i].p);
        else if (!str_has_suffix(rotated.v[i], S(".gz")))
            rc = pack(rotated.v[i].p, a, err);
    }
    return rc;
}

static struct str rotated_name(const struct log_rotation *r, struct arena *a) {
    time_t now = (time_t)clock_wall_sec(r->clock);
    struct tm tm;
    gmtime_r(&now, &tm);
    return arena_printf(a, "%s.%04d%02d%02d-%02d%02d%02d", r->path, tm.tm_year + 1900, tm.tm_mon + 1,
                        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static int rotate_now(const struct log_rotation *r, struct arena *a, struct err *err) {
    struct str name = rotated_name(r, a);
    if (file_exists(name.p))
        return err_set(err, ERR_AGAIN, "log %s was rotated this second", r->path);
    if (rename(r->path, name.p) < 0)
        return err_errno(err, errno, "rename log %s", r->path);
    int rc = r->reopen(r->arg, err);
    if (rc == 0)
        return 0;
    if (!file_exists(r->path) && rename(name.p, r->path) < 0) /* the runtime still writes to it */
        err_wrap(err, "log %s stays renamed", r->path);
    return rc;
}

int log_file_rotate(const struct log_rotation *r, bool *ret_rotated, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct stat st;
    if (lstat(r->path, &st) < 0)
        return err_errno(err, errno, "look at log %s", r->path);
    bool due = S_ISREG(st.st_mode) && st.st_size > r->max_bytes;
    int rc = due ? tidy(r, &a, err) : 0;
    if (rc == 0 && due)
        rc = rotate_now(r, &a, err);
    if (rc == 0 && ret_rotated)
        *ret_rotated = due;
    return rc;
}

int log_file_remove(const char *path, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct names rotated = {0}, leavings = {0};
    int rc = list_rotated(path, &a, &rotated, &leavings, err);
    vec_foreach (name, &rotated)
        (void)unlink(name->p);
    vec_foreach (name, &leavings)
        (void)unlink(name->p);
    return rc ? rc : file_remove(path, err);
}
