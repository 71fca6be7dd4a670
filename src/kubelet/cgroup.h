/* kubelet/cgroup: the cgroups of pods and of their classes, on version 1 and 2, made by writing to their
 * files.
 *
 * CONFORMS: upstream's names and values (kubelet.tsv: cgroup, qos): kubepods, kubepods/burstable,
 * kubepods/besteffort, a cgroup for each pod; those of Guaranteed pods directly below kubepods. With the
 * systemd driver the same as slices; their folders are made here too, the runtime asks systemd for what is
 * inside.
 *
 * Blocking, but short: workers. Any thread; one caller per pod at a time. Controllers that the machine does
 * not have are passed over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "base/str.h"

struct arena;
struct cgroups;
struct core_pod;
struct err;

struct cgroup_options {
    const char *mount;  /* NULL: /sys/fs/cgroup */
    const char *parent; /* cgroupRoot: everything below it; NULL or "/": the root */
    bool systemd;
    bool cpu_quota_off;
    int64_t cpu_period_us; /* 0: CPU_PERIOD_US */
    int64_t pids_limit;    /* podPidsLimit; <= 0: none */
};

/* Finds out what the machine has. ERR_UNSUPPORTED when there are no cgroups. */
int cgroups_new(const struct cgroup_options *options, struct cgroups **ret, struct err *err);
void cgroups_free(struct cgroups *g);
bool cgroups_are_v2(const struct cgroups *g);

/* Makes the tiers; kubepods gets what pods may use together (0: no limit). */
int cgroups_make_tiers(struct cgroups *g, int64_t cpu_milli, int64_t memory_bytes, struct err *err);

/* Shares of burstable pods: the sum of their cpu requests. */
int cgroups_set_burstable(struct cgroups *g, int64_t cpu_milli, struct err *err);

/* Makes the pod's cgroup, or sets its values anew. */
int cgroup_make_pod(struct cgroups *g, const struct core_pod *pod, struct err *err);

/* What the runtime is told: the path, or the slice's name with systemd. In the arena. */
struct str cgroup_parent_of(const struct cgroups *g, const struct core_pod *pod, struct arena *a);

/* The path below the mount, of the pod and of the tiers ("" Guaranteed, "burstable", "besteffort"). */
struct str cgroup_pod_path(const struct cgroups *g, struct str qos_class, struct str uid, struct arena *a);

/* Removes the pod's cgroup with all below, whatever its class was. ERR_AGAIN while processes are in it. */
int cgroup_remove_pod(struct cgroups *g, struct str uid, struct err *err);

/* Removes the tiers with all below, when no pod is left. ERR_AGAIN while processes are in them. */
int cgroups_remove_tiers(struct cgroups *g, struct err *err);

/* Processes in the pod's cgroup and below, at most max; for killing what is left of a pod. Returns how many.
 */
unsigned cgroup_pod_processes(struct cgroups *g, struct str uid, int32_t *ret_pids, unsigned max);

/* Uids of all pods that have a cgroup. */
int cgroup_list_pods(struct cgroups *g, struct arena *a, struct str_array *ret_uids, struct err *err);

/* What a cgroup uses; path below the mount, "/" for the machine. Values that cannot be read are -1. */
struct cgroup_usage {
    int64_t cpu_ns, cpu_user_ns, cpu_system_ns;
    int64_t cpu_periods, cpu_throttled_periods, cpu_throttled_ns;
    int64_t memory_bytes, working_set_bytes, rss_bytes, cache_bytes, memory_limit_bytes;
    int64_t page_faults, major_page_faults;
    int64_t pids;
};
void cgroup_read_usage(const struct cgroups *g, struct str path, struct cgroup_usage *ret);
