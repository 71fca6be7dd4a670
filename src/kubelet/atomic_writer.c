/* Folders of files that change as a whole. See atomic_writer.h. */
#include "kubelet/atomic_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/rand.h"
#include "base/timefmt.h"
#include "kubelet/safe_open.h"
#include "kubelet/tree.h"

#define DATA "..data"
#define DATA_NEW "..data_tmp"
#define GROUP_MAY_READ 0440
#define DIR_MODE 0755

struct writer {
    const struct atomic_file *files; /* no path twice */
    size_t n;
    const struct atomic_options *o;
    struct arena arena;
    int dir;
    char present[NAME_MAX + 1]; /* where ..data leads, "" nowhere */
    char next[NAME_MAX + 1];
};

static bool valid_path(struct str path) {
    return path.n && path.p[path.n - 1] != '/' && safe_path_is_local(path) && !str_has_prefix(path, S(".."));
}

/* Keeps the last of each path. */
static int take_files(struct writer *w, const struct atomic_file *files, size_t n, struct err *err) {
    struct atomic_file *kept = arena_new_n(&w->arena, n, struct atomic_file);
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;
        if (!valid_path(files[i].path))
            return err_set(err, ERR_INVALID, "\"%.*s\" cannot be the path of a file in a volume",
                           STR_ARG(files[i].path));
        while (at < w->n && !str_eq(kept[at].path, files[i].path))
            at++;
        kept[at] = files[i];
        w->n += at == w->n;
    }
    w->files = kept;
    return 0;
}

static mode_t mode_of(const struct writer *w, const struct atomic_file *f) {
    return w->o->gid >= 0 ? f->mode | GROUP_MAY_READ : f->mode;
}

/* --- what is there --- */

static void find_present(struct writer *w) {
    ssize_t n = readlinkat(w->dir, DATA, w->present, sizeof w->present - 1);
    w->present[n > 0 ? n : 0] = 0;
}

static bool same_file(struct writer *w, int present, const struct atomic_file *f) {
    _cleanup_buf struct buf now = BUF_INIT;
    _cleanup_fd int fd = -1;
    struct stat st;
    if (safe_open_in(present, f->path, O_RDONLY | O_NOFOLLOW, 0, SAFE_LINKS_NONE, &fd, NULL) ||
        fstat(fd, &st) < 0 || (st.st_mode & 07777) != mode_of(w, f) ||
        st.st_uid != (uid_t)(f->uid >= 0 ? f->uid : 0) || st.st_size != (off_t)f->content.n ||
        fd_read_all(fd, f->content.n, &now, NULL))
        return false;
    return str_eq(buf_view(&now), f->content);
}

static bool is_up_to_date(struct writer *w) {
    if (!w->present[0])
        return false;
    _cleanup_fd int present = openat(w->dir, w->present, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (present < 0 || tree_count_files(present) != w->n)
        return false;
    for (size_t i = 0; i < w->n; i++)
        if (!same_file(w, present, &w->files[i]))
            return false;
    return true;
}

/* --- writing --- */

static void name_next(struct writer *w) {
    char suffix[11];
    time_t now = (time_t)clock_wall_sec(w->o->clock);
    struct tm tm;
    rand_text(w->o->rand, suffix, 10);
    gmtime_r(&now, &tm);
    snprintf(w->next, sizeof w->next, "..%04d_%02d_%02d_%02d_%02d_%02d.%s", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, suffix);
}

static int own(const struct writer *w, int fd, int64_t uid, mode_t mode, struct err *err) {
    gid_t gid = w->o->gid >= 0 ? (gid_t)w->o->gid : 0;
    if ((uid > 0 || gid) && fchown(fd, uid > 0 ? (uid_t)uid : 0, gid) < 0)
        return err_errno(err, errno, "give a file to user %lld and group %u", (long long)uid, gid);
    return fchmod(fd, mode) < 0 ? err_errno(err, errno, "set the mode of a file") : 0;
}

static int write_file(struct writer *w, int next, const struct atomic_file *f, struct err *err) {
    ptrdiff_t slash = str_rfind_byte(f->path, '/');
    struct str dir = str_cut(f->path, slash > 0 ? (size_t)slash : 0);
    struct str name = str_from_byte(f->path, (size_t)(slash + 1));
    _cleanup_fd int parent = -1;
    _cleanup_fd int fd = -1;
    int rc = safe_mkdir_in(next, dir, DIR_MODE, &parent, err);
    if (rc == 0)
        rc = safe_open_in(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, SAFE_LINKS_NONE, &fd,
                          err);
    if (rc == 0)
        rc = fd_write_all(fd, f->content, err);
    return rc ? rc : own(w, fd, f->uid, mode_of(w, f), err);
}

static int write_next(struct writer *w, struct err *err) {
    name_next(w);
    if (mkdirat(w->dir, w->next, DIR_MODE) < 0)
        return err_errno(err, errno, "make folder %s", w->next);
    _cleanup_fd int next = openat(w->dir, w->next, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (next < 0)
        return err_errno(err, errno, "open folder %s", w->next);
    int rc = own(w, next, 0, DIR_MODE, err);
    for (size_t i = 0; rc == 0 && i < w->n; i++)
        rc = write_file(w, next, &w->files[i], err);
    return rc;
}

static int swap(struct writer *w, struct err *err) {
    if (unlinkat(w->dir, DATA_NEW, 0) < 0 && errno != ENOENT)
        return err_errno(err, errno, "remove an old link");
    if (symlinkat(w->next, w->dir, DATA_NEW) < 0)
        return err_errno(err, errno, "make a link");
    return renameat(w->dir, DATA_NEW, w->dir, DATA) < 0 ? err_errno(err, errno, "replace a link") : 0;
}

/* --- the links that readers use --- */

static struct str first_part(struct str path) {
    struct str head, tail;
    str_split(path, '/', &head, &tail);
    return head;
}

static bool is_wanted(const struct writer *w, const char *name) {
    for (size_t i = 0; i < w->n; i++)
        if (str_eq(first_part(w->files[i].path), str_from(name)))
            return true;
    return false;
}

static int add_links(struct writer *w, struct err *err) {
    for (size_t i = 0; i < w->n; i++) {
        struct str part = first_part(w->files[i].path);
        struct str target = arena_printf(&w->arena, DATA "/%.*s", STR_ARG(part));
        if (symlinkat(target.p, w->dir, arena_strz(&w->arena, part)) < 0 && errno != EEXIST)
            return err_errno(err, errno, "make a link for %.*s", STR_ARG(part));
    }
    return 0;
}

/* Links of files that are no more, and folders of former content. */
static void remove_rest(struct writer *w) {
    int fd = openat(w->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return;
    for (const struct dirent *e; (e = readdir(d));) {
        bool former = strncmp(e->d_name, "..", 2) == 0 && e->d_name[2] && strcmp(e->d_name, DATA) != 0 &&
                      strcmp(e->d_name, w->next) != 0;
        if (former)
            (void)tree_remove_at(w->dir, e->d_name, NULL);
        else if (e->d_name[0] != '.' || (e->d_name[1] && e->d_name[1] != '.'))
            if (!is_wanted(w, e->d_name))
                (void)unlinkat(w->dir, e->d_name, 0);
    }
    closedir(d);
}

static int replace(struct writer *w, struct err *err) {
    int rc = write_next(w, err);
    if (rc == 0)
        rc = swap(w, err);
    if (rc) {
        (void)tree_remove_at(w->dir, w->next, NULL);
        return rc;
    }
    rc = add_links(w, err);
    remove_rest(w);
    return rc;
}

int atomic_write(const char *dir, const struct atomic_file *files, size_t n,
                 const struct atomic_options *options, bool *ret_changed, struct err *err) {
    struct writer w = {.o = options, .arena = ARENA_INIT};
    w.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (w.dir < 0)
        return err_errno(err, errno, "open %s", dir);
    bool changed = false;
    int rc = take_files(&w, files, n, err);
    if (rc == 0) {
        find_present(&w);
        changed = !is_up_to_date(&w);
    }
    if (rc == 0 && changed)
        rc = replace(&w, err);
    if (rc == 0 && ret_changed)
        *ret_changed = changed;
    fd_close(&w.dir);
    arena_fini(&w.arena);
    return rc;
}
