/* Cgroups of pods. See cgroup.h, cgroup_files.h. */
#include "kubelet/cgroup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/pod_qos.h"
#include "api/types/core.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "kubelet/cgroup_files.h"
#include "kubelet/container_resources.h"

#define UNSET (-1)

static const struct str classes[] = {STR_INIT("Guaranteed"), STR_INIT("Burstable"), STR_INIT("BestEffort")};
#define CLASS_COUNT 3

struct cgroups {
    struct cgroup_options o;
    struct cgroup_files *files;
    struct arena arena;
    struct str tiers[CLASS_COUNT]; /* by class: the path its pods lie in */
};

/* --- names --- */

static struct str tier_of(const struct cgroups *g, struct str qos_class) {
    for (int i = 1; i < CLASS_COUNT; i++)
        if (str_eq(qos_class, classes[i]))
            return g->tiers[i];
    return g->tiers[0];
}

/* CONFORMS: systemd's slices: the name has all of the path, with dashes; a dash of a uid is an underscore. */
static struct str slice_of(struct str tier, struct str uid, struct arena *a) {
    ptrdiff_t slash = str_rfind_byte(tier, '/');
    struct str slice = str_from_byte(tier, (size_t)(slash + 1));
    struct str stem = str_cut(slice, slice.n - 6); /* without ".slice" */
    char *escaped = arena_strz(a, uid);
    for (char *c = escaped; *c; c++)
        *c = *c == '-' ? '_' : *c;
    return arena_printf(a, "%.*s-pod%s.slice", STR_ARG(stem), escaped);
}

struct str cgroup_pod_path(const struct cgroups *g, struct str qos_class, struct str uid, struct arena *a) {
    struct str tier = tier_of(g, qos_class);
    if (!g->o.systemd)
        return arena_printf(a, "%.*s/pod%.*s", STR_ARG(tier), STR_ARG(uid));
    return arena_printf(a, "%.*s/%.*s", STR_ARG(tier), STR_ARG(slice_of(tier, uid, a)));
}

struct str cgroup_parent_of(const struct cgroups *g, const struct core_pod *pod, struct arena *a) {
    struct str qos = pod_qos_class(&pod->spec), uid = pod->metadata.uid;
    return g->o.systemd ? slice_of(tier_of(g, qos), uid, a) : cgroup_pod_path(g, qos, uid, a);
}

static void name_tiers(struct cgroups *g, const char *parent) {
    struct arena *a = &g->arena;
    const char *p = !parent || strcmp(parent, "/") == 0 ? "" : parent;
    const char *all = g->o.systemd ? "kubepods.slice" : "kubepods";
    const char *burstable = g->o.systemd ? "kubepods-burstable.slice" : "burstable";
    const char *best_effort = g->o.systemd ? "kubepods-besteffort.slice" : "besteffort";
    g->tiers[0] = arena_printf(a, "%s/%s", p, all);
    g->tiers[1] = arena_printf(a, "%s/%s/%s", p, all, burstable);
    g->tiers[2] = arena_printf(a, "%s/%s/%s", p, all, best_effort);
}

/* --- beginning and end --- */

int cgroups_new(const struct cgroup_options *options, struct cgroups **ret, struct err *err) {
    struct cgroups *g = calloc(1, sizeof *g);
    if (!g)
        panic("out of memory");
    arena_init(&g->arena);
    g->o = *options;
    if (!g->o.cpu_period_us)
        g->o.cpu_period_us = CPU_PERIOD_US;
    int rc = cgroup_files_new(options->mount ? options->mount : "/sys/fs/cgroup", &g->files, err);
    if (rc) {
        cgroups_free(g);
        return rc;
    }
    name_tiers(g, options->parent);
    *ret = g;
    return 0;
}

void cgroups_free(struct cgroups *g) {
    if (!g)
        return;
    cgroup_files_free(g->files);
    arena_fini(&g->arena);
    free(g);
}

bool cgroups_are_v2(const struct cgroups *g) {
    return cgroup_files_v2(g->files);
}

/* --- values --- */

int cgroups_make_tiers(struct cgroups *g, int64_t cpu_milli, int64_t memory_bytes, struct err *err) {
    struct cgroup_values all = {.shares = cpu_milli ? cpu_shares(cpu_milli) : UNSET,
                                .memory = memory_bytes ? memory_bytes : UNSET,
                                .quota = UNSET,
                                .pids = UNSET};
    struct cgroup_values least = {.shares = CPU_SHARES_MIN, .memory = UNSET, .quota = UNSET, .pids = UNSET};
    int rc = cgroup_files_make(g->files, g->tiers[0], &all, err);
    for (int i = 1; rc == 0 && i < CLASS_COUNT; i++)
        rc = cgroup_files_make(g->files, g->tiers[i], &least, err);
    return rc;
}

int cgroups_set_burstable(struct cgroups *g, int64_t cpu_milli, struct err *err) {
    struct cgroup_values v = {
        .shares = cpu_shares(cpu_milli), .memory = UNSET, .quota = UNSET, .pids = UNSET};
    return cgroup_files_make(g->files, g->tiers[1], &v, err);
}

static struct cgroup_values values_of(const struct cgroups *g, const struct core_pod *pod, struct str qos) {
    struct pod_amounts s = pod_amounts_of(pod);
    struct cgroup_values v = {.shares = CPU_SHARES_MIN,
                              .quota = UNSET,
                              .memory = UNSET,
                              .period = g->o.cpu_period_us,
                              .pids = g->o.pids_limit > 0 ? g->o.pids_limit : UNSET};
    if (str_eq(qos, classes[2]))
        return v;
    v.shares = cpu_shares(s.cpu_request_milli);
    if (s.has_cpu_limit && !g->o.cpu_quota_off)
        v.quota = cpu_quota(s.cpu_limit_milli, v.period);
    if (s.has_memory_limit)
        v.memory = s.memory_limit;
    return v;
}

int cgroup_make_pod(struct cgroups *g, const struct core_pod *pod, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str qos = pod_qos_class(&pod->spec);
    struct cgroup_values v = values_of(g, pod, qos);
    return cgroup_files_make(g->files, cgroup_pod_path(g, qos, pod->metadata.uid, &a), &v, err);
}

/* --- all pods --- */

static bool valid_uid(struct str uid) {
    return uid.n && str_find_byte(uid, '/') < 0 && uid.p[0] != '.';
}

int cgroup_remove_pod(struct cgroups *g, struct str uid, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    if (!valid_uid(uid))
        return err_set(err, ERR_INVALID, "\"%.*s\" is no pod's uid", STR_ARG(uid));
    int rc = 0;
    for (int i = 0; rc == 0 && i < CLASS_COUNT; i++)
        rc = cgroup_files_remove(g->files, cgroup_pod_path(g, classes[i], uid, &a), err);
    return rc;
}

int cgroups_remove_tiers(struct cgroups *g, struct err *err) {
    return cgroup_files_remove(g->files, g->tiers[0], err);
}

unsigned cgroup_pod_processes(struct cgroups *g, struct str uid, int32_t *ret_pids, unsigned max) {
    _cleanup_arena struct arena a = ARENA_INIT;
    unsigned n = 0;
    for (int i = 0; valid_uid(uid) && i < CLASS_COUNT && n == 0; i++)
        n = cgroup_files_processes(g->files, cgroup_pod_path(g, classes[i], uid, &a), ret_pids, max);
    return n;
}

/* The uid in the name of a pod's cgroup, STR_NONE when it is none. */
static struct str uid_in(const struct cgroups *g, struct str tier, struct str name, struct arena *a) {
    if (!g->o.systemd)
        return str_has_prefix(name, S("pod")) && name.n > 3 ? arena_str(a, str_from_byte(name, 3)) : STR_NONE;
    struct str prefix = slice_of(tier, S(""), a);
    prefix = str_cut(prefix, prefix.n - 6);
    if (!str_has_prefix(name, prefix) || !str_has_suffix(name, S(".slice")) || name.n <= prefix.n + 6)
        return STR_NONE;
    char *uid = arena_strz(a, str_make(name.p + prefix.n, name.n - prefix.n - 6));
    for (char *c = uid; *c; c++)
        *c = *c == '_' ? '-' : *c;
    return str_from(uid);
}

int cgroup_list_pods(struct cgroups *g, struct arena *a, struct str_array *ret_uids, struct err *err) {
    struct {
        struct str *v;
        size_t n, cap;
    } uids = {0};
    for (int i = 0; i < CLASS_COUNT; i++) {
        struct str_array names;
        int rc = cgroup_files_list(g->files, g->tiers[i], a, &names, err);
        if (rc)
            return rc;
        for (uint32_t j = 0; j < names.n; j++) {
            struct str uid = uid_in(g, g->tiers[i], names.v[j], a);
            if (uid.p)
                vec_push_in(a, &uids, uid);
        }
    }
    *ret_uids = (struct str_array){.v = uids.v, .n = (uint32_t)uids.n};
    return 0;
}

void cgroup_read_usage(const struct cgroups *g, struct str path, struct cgroup_usage *ret) {
    cgroup_files_usage(g->files, path, ret);
}
