/* Files of cgroups. See cgroup_files.h. */
#include "kubelet/cgroup_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/vec.h"
#include "kubelet/cgroup.h"
#include "kubelet/container_resources.h"

#define FILE_MAX (1u << 20)
#define DEPTH_MAX 64

struct cgroup_files {
    struct arena arena;
    struct str mount;
    bool v2;
    struct str *roots; /* version 1: the hierarchies; version 2: the mount alone */
    unsigned n_roots;
};

/* --- what the machine has --- */

static bool has_file(struct str dir, const char *name, struct arena *a) {
    return file_exists(arena_printf(a, "%.*s/%s", STR_ARG(dir), name).p);
}

/* Links (cpu -> cpu,cpuacct) lead to hierarchies that are found by their own names. "unified", a version 2
 * without controllers beside, gets no values, but the runtime makes cgroups in it that must be removed. */
static void find_hierarchies(struct cgroup_files *f) {
    struct {
        struct str *v;
        size_t n, cap;
    } found = {0};
    DIR *d = opendir(f->mount.p);
    for (const struct dirent *e; d && (e = readdir(d));) {
        struct str dir = arena_printf(&f->arena, "%.*s/%s", STR_ARG(f->mount), e->d_name);
        struct stat st;
        if (e->d_name[0] != '.' && lstat(dir.p, &st) == 0 && S_ISDIR(st.st_mode) &&
            has_file(dir, "cgroup.procs", &f->arena))
            vec_push_in(&f->arena, &found, dir);
    }
    if (d)
        closedir(d);
    f->roots = found.v;
    f->n_roots = (unsigned)found.n;
}

int cgroup_files_new(const char *mount, struct cgroup_files **ret, struct err *err) {
    struct cgroup_files *f = calloc(1, sizeof *f);
    if (!f)
        panic("out of memory");
    arena_init(&f->arena);
    f->mount = arena_str(&f->arena, str_from(mount));
    f->v2 = has_file(f->mount, "cgroup.controllers", &f->arena);
    if (f->v2) {
        f->roots = &f->mount;
        f->n_roots = 1;
    } else {
        find_hierarchies(f);
    }
    if (f->n_roots == 0) {
        cgroup_files_free(f);
        return err_set(err, ERR_UNSUPPORTED, "there are no cgroups at %s", mount);
    }
    *ret = f;
    return 0;
}

void cgroup_files_free(struct cgroup_files *f) {
    if (!f)
        return;
    arena_fini(&f->arena);
    free(f);
}

bool cgroup_files_v2(const struct cgroup_files *f) {
    return f->v2;
}

/* The folder of a cgroup in the hierarchy that has this controller; STR_NONE: there is none. */
static struct str dir_of(const struct cgroup_files *f, const char *controller, struct str path,
                         struct arena *a) {
    if (f->v2)
        return arena_printf(a, "%.*s%.*s", STR_ARG(f->mount), STR_ARG(path));
    struct str dir = arena_printf(a, "%.*s/%s", STR_ARG(f->mount), controller); /* a name or a link to it */
    return file_exists(dir.p) ? arena_printf(a, "%.*s%.*s", STR_ARG(dir), STR_ARG(path)) : STR_NONE;
}

/* --- writing --- */

/* Fine when there is no such file: a controller is missing. */
static int put(struct str dir, const char *name, struct str text, struct arena *a, struct err *err) {
    struct str path = arena_printf(a, "%.*s/%s", STR_ARG(dir), name);
    _cleanup_fd int fd = open(path.p, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(err, errno, "open %s", path.p);
    int rc = fd_write_all(fd, text, err);
    return rc ? err_wrap(err, "%s = %.*s", path.p, STR_ARG(text)) : 0;
}

static int put_number(struct str dir, const char *name, int64_t n, struct arena *a, struct err *err) {
    return put(dir, name, arena_printf(a, "%lld", (long long)n), a, err);
}

static int put_limit(struct str dir, const char *name, int64_t n, struct arena *a, struct err *err) {
    return n < 0 ? put(dir, name, S("max"), a, err) : put_number(dir, name, n, a, err);
}

/* Children may use what the machine has; what cannot be switched on is passed over one by one. */
static void delegate(struct str dir, struct arena *a) {
    _cleanup_buf struct buf b = BUF_INIT;
    static const char *const wanted[] = {"cpu", "cpuset", "memory", "pids", "io", "hugetlb"};
    if (file_read(arena_printf(a, "%.*s/cgroup.controllers", STR_ARG(dir)).p, FILE_MAX, &b, NULL))
        return;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (strstr(buf_cstr(&b), wanted[i]))
            (void)put(dir, "cgroup.subtree_control", arena_printf(a, "+%s", wanted[i]), a, NULL);
}

/* Makes path below root, each part, and lets children have the controllers above it. */
static int make_below(struct cgroup_files *f, struct str root, struct str path, struct arena *a,
                      struct err *err) {
    struct str dir = root, part, rest = path;
    while (rest.n) {
        str_split(rest, '/', &part, &rest);
        if (!part.n)
            continue;
        if (f->v2)
            delegate(dir, a);
        dir = arena_printf(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(part));
        if (mkdir(dir.p, 0755) < 0 && errno != EEXIST)
            return err_errno(err, errno, "make cgroup %s", dir.p);
    }
    return 0;
}

static int make_all(struct cgroup_files *f, struct str path, struct arena *a, struct err *err) {
    static const char *const used[] = {"cpu", "memory",
                                       "pids"}; /* the runtime makes the others when it needs them */
    if (f->v2)
        return make_below(f, f->mount, path, a, err);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof used / sizeof *used; i++) {
        struct str root = dir_of(f, used[i], S(""), a);
        if (root.p)
            rc = make_below(f, root, path, a, err);
    }
    return rc;
}

static int set_v2(struct str dir, const struct cgroup_values *v, struct arena *a, struct err *err) {
    int rc = v->shares < 0 ? 0 : put_number(dir, "cpu.weight", cpu_weight_of_shares(v->shares), a, err);
    int64_t period = v->period ? v->period : CPU_PERIOD_US;
    struct str quota = v->quota < 0 ? S("max") : arena_printf(a, "%lld", (long long)v->quota);
    if (rc == 0)
        rc = put(dir, "cpu.max", arena_printf(a, "%.*s %lld", STR_ARG(quota), (long long)period), a, err);
    if (rc == 0)
        rc = put_limit(dir, "memory.max", v->memory, a, err);
    return rc ? rc : put_limit(dir, "pids.max", v->pids, a, err);
}

static int set_v1(struct cgroup_files *f, struct str path, const struct cgroup_values *v, struct arena *a,
                  struct err *err) {
    struct str cpu = dir_of(f, "cpu", path, a), memory = dir_of(f, "memory", path, a);
    struct str pids = dir_of(f, "pids", path, a);
    int rc = 0;
    if (cpu.p && v->shares >= 0)
        rc = put_number(cpu, "cpu.shares", v->shares, a, err);
    if (rc == 0 && cpu.p)
        rc = put_number(cpu, "cpu.cfs_period_us", v->period ? v->period : CPU_PERIOD_US, a, err);
    if (rc == 0 && cpu.p)
        rc = put_number(cpu, "cpu.cfs_quota_us", v->quota, a, err);
    if (rc == 0 && memory.p)
        rc = put_number(memory, "memory.limit_in_bytes", v->memory, a, err);
    return rc || !pids.p ? rc : put_limit(pids, "pids.max", v->pids, a, err);
}

int cgroup_files_make(struct cgroup_files *f, struct str path, const struct cgroup_values *v,
                      struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    int rc = make_all(f, path, &a, err);
    if (rc)
        return rc;
    return f->v2 ? set_v2(dir_of(f, "", path, &a), v, &a, err) : set_v1(f, path, v, &a, err);
}

/* --- removing, listing --- */

typedef int (*child_fn)(void *arg, struct str dir, const char *name);

static int each_child(struct str dir, child_fn fn, void *arg) {
    DIR *d = opendir(dir.p);
    int rc = 0;
    for (const struct dirent *e; d && rc == 0 && (e = readdir(d));)
        if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = fn(arg, dir, e->d_name);
    if (d)
        closedir(d);
    return rc;
}

struct removal {
    struct arena *a;
    struct err *err;
    unsigned depth;
};

static int remove_dir(struct removal *r, struct str dir);

static int remove_child(void *arg, struct str dir, const char *name) {
    struct removal *r = arg;
    return remove_dir(r, arena_printf(r->a, "%.*s/%s", STR_ARG(dir), name));
}

static int remove_dir(struct removal *r, struct str dir) {
    if (r->depth >= DEPTH_MAX)
        return err_set(r->err, ERR_TOO_LARGE, "cgroup %s is nested too deep", dir.p);
    r->depth++;
    int rc = each_child(dir, remove_child, r);
    r->depth--;
    if (rc)
        return rc;
    if (rmdir(dir.p) == 0 || errno == ENOENT)
        return 0;
    if (errno == EBUSY)
        return err_set(r->err, ERR_AGAIN, "processes are still in cgroup %s", dir.p);
    return err_errno(r->err, errno, "remove cgroup %s", dir.p);
}

int cgroup_files_remove(struct cgroup_files *f, struct str path, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct removal r = {.a = &a, .err = err};
    int first = 0;
    for (unsigned i = 0; i < f->n_roots; i++) { /* the other hierarchies are worth trying after a failure */
        int rc = remove_dir(&r, arena_printf(&a, "%.*s%.*s", STR_ARG(f->roots[i]), STR_ARG(path)));
        if (rc && !first) {
            first = rc;
            r.err = NULL;
        }
    }
    return first;
}

struct listing {
    struct arena *a;
    struct str *v;
    size_t n, cap;
};

static int list_child(void *arg, struct str dir, const char *name) {
    struct listing *l = arg;
    (void)dir;
    vec_push_in(l->a, l, arena_str(l->a, str_from(name)));
    return 0;
}

int cgroup_files_list(struct cgroup_files *f, struct str path, struct arena *a, struct str_array *ret,
                      struct err *err) {
    (void)err;
    struct listing l = {.a = a};
    struct str dir = dir_of(f, "memory", path, a);
    if (!dir.p)
        dir = arena_printf(a, "%.*s%.*s", STR_ARG(f->roots[0]), STR_ARG(path));
    (void)each_child(dir, list_child, &l);
    *ret = (struct str_array){.v = l.v, .n = (uint32_t)l.n};
    return 0;
}

struct gathering {
    struct arena *a;
    int32_t *pids;
    unsigned n, max, depth;
};

static int gather(struct gathering *g, struct str dir);

static int gather_child(void *arg, struct str dir, const char *name) {
    struct gathering *g = arg;
    return gather(g, arena_printf(g->a, "%.*s/%s", STR_ARG(dir), name));
}

static int gather(struct gathering *g, struct str dir) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct str line, rest;
    int64_t pid;
    if (g->depth >= DEPTH_MAX ||
        file_read(arena_printf(g->a, "%.*s/cgroup.procs", STR_ARG(dir)).p, FILE_MAX, &b, NULL))
        return 0;
    for (rest = buf_view(&b); rest.n && g->n < g->max;) {
        str_split(rest, '\n', &line, &rest);
        if (str_to_i64(line, &pid) && pid > 0 && pid <= INT32_MAX)
            g->pids[g->n++] = (int32_t)pid;
    }
    g->depth++;
    (void)each_child(dir, gather_child, g);
    g->depth--;
    return 0;
}

unsigned cgroup_files_processes(struct cgroup_files *f, struct str path, int32_t *ret_pids, unsigned max) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct gathering g = {.a = &a, .pids = ret_pids, .max = max};
    for (unsigned i = 0; i < f->n_roots && g.n == 0; i++) /* all hierarchies know the same ones */
        (void)gather(&g, arena_printf(&a, "%.*s%.*s", STR_ARG(f->roots[i]), STR_ARG(path)));
    return g.n;
}

/* --- usage --- */

#define TICK_NS 10000000ll /* CONFORMS: the kernel counts for user space in hundredths of a second */

/* A file with one number; "max" and what is not there are -1. */
static int64_t get_number(struct str dir, const char *name, struct arena *a) {
    _cleanup_buf struct buf b = BUF_INIT;
    int64_t n;
    if (!dir.p || file_read(arena_printf(a, "%.*s/%s", STR_ARG(dir), name).p, FILE_MAX, &b, NULL) ||
        !str_to_i64(str_trim(buf_view(&b)), &n))
        return -1;
    return n;
}

/* A number of a file of "name number" lines. */
static int64_t get_named(struct str text, struct str name) {
    struct str line, key, value;
    int64_t n;
    while (text.n) {
        str_split(text, '\n', &line, &text);
        if (str_split(line, ' ', &key, &value) && str_eq(key, name))
            return str_to_i64(str_trim(value), &n) ? n : -1;
    }
    return -1;
}

static struct str read_stat(struct str dir, const char *name, struct arena *a) {
    _cleanup_buf struct buf b = BUF_INIT;
    if (!dir.p || file_read(arena_printf(a, "%.*s/%s", STR_ARG(dir), name).p, FILE_MAX, &b, NULL))
        return S("");
    return buf_to_arena(&b, a);
}

/* CONFORMS: what counts for eviction: usage without the file cache that can be dropped. */
static void set_working_set(struct cgroup_usage *u, int64_t inactive_file) {
    u->working_set_bytes = u->memory_bytes;
    if (u->memory_bytes >= 0 && inactive_file > 0)
        u->working_set_bytes = u->memory_bytes > inactive_file ? u->memory_bytes - inactive_file : 0;
}

static int64_t scaled(int64_t n, int64_t by) {
    return n < 0 ? -1 : n * by;
}

static void usage_v2(struct str dir, struct cgroup_usage *u, struct arena *a) {
    struct str memory = read_stat(dir, "memory.stat", a);
    struct str cpu = read_stat(dir, "cpu.stat", a);
    u->cpu_ns = scaled(get_named(cpu, S("usage_usec")), 1000);
    u->cpu_user_ns = scaled(get_named(cpu, S("user_usec")), 1000);
    u->cpu_system_ns = scaled(get_named(cpu, S("system_usec")), 1000);
    u->cpu_periods = get_named(cpu, S("nr_periods"));
    u->cpu_throttled_periods = get_named(cpu, S("nr_throttled"));
    u->cpu_throttled_ns = scaled(get_named(cpu, S("throttled_usec")), 1000);
    u->memory_bytes = get_number(dir, "memory.current", a);
    u->memory_limit_bytes = get_number(dir, "memory.max", a);
    u->rss_bytes = get_named(memory, S("anon"));
    u->cache_bytes = get_named(memory, S("file"));
    u->page_faults = get_named(memory, S("pgfault"));
    u->major_page_faults = get_named(memory, S("pgmajfault"));
    u->pids = get_number(dir, "pids.current", a);
    set_working_set(u, get_named(memory, S("inactive_file")));
}

static void usage_v1(const struct cgroup_files *f, struct str path, struct cgroup_usage *u, struct arena *a) {
    struct str dir = dir_of(f, "memory", path, a), memory = read_stat(dir, "memory.stat", a);
    struct str cpu = read_stat(dir_of(f, "cpu", path, a), "cpu.stat", a);
    struct str cpuacct = read_stat(dir_of(f, "cpuacct", path, a), "cpuacct.stat", a);
    u->cpu_ns = get_number(dir_of(f, "cpuacct", path, a), "cpuacct.usage", a);
    u->cpu_user_ns = scaled(get_named(cpuacct, S("user")), TICK_NS);
    u->cpu_system_ns = scaled(get_named(cpuacct, S("system")), TICK_NS);
    u->cpu_periods = get_named(cpu, S("nr_periods"));
    u->cpu_throttled_periods = get_named(cpu, S("nr_throttled"));
    u->cpu_throttled_ns = get_named(cpu, S("throttled_time"));
    u->memory_bytes = get_number(dir, "memory.usage_in_bytes", a);
    u->memory_limit_bytes = get_number(dir, "memory.limit_in_bytes", a);
    u->rss_bytes = get_named(memory, S("total_rss"));
    u->cache_bytes = get_named(memory, S("total_cache"));
    u->page_faults = get_named(memory, S("total_pgfault"));
    u->major_page_faults = get_named(memory, S("total_pgmajfault"));
    u->pids = get_number(dir_of(f, "pids", path, a), "pids.current", a);
    set_working_set(u, get_named(memory, S("total_inactive_file")));
}

void cgroup_files_usage(const struct cgroup_files *f, struct str path, struct cgroup_usage *ret) {
    _cleanup_arena struct arena a = ARENA_INIT;
    path = str_eq(path, S("/")) ? S("") : path;
    if (f->v2)
        usage_v2(dir_of(f, "", path, &a), ret, &a);
    else
        usage_v1(f, path, ret, &a);
}
