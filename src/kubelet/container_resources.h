/* kubelet/container_resources: what a container and a pod may use, in the terms of the kernel.
 *
 * CONFORMS: upstream's conversions and out-of-memory scores (kubelet.tsv: cgroup, oom, qos). Pure; results
 * live in the arena. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "base/str.h"

struct arena;
struct core_container;
struct core_pod;
struct cri_linux_container_resources;

#define CPU_SHARES_MIN 2
#define CPU_SHARES_MAX 262144
#define CPU_QUOTA_MIN_US 1000
#define CPU_PERIOD_US 100000

/* Of the node, the same for every pod. */
struct container_node {
    int64_t memory_capacity; /* bytes */
    bool cpu_quota_off;      /* cpuCFSQuota: false */
    int64_t cpu_period_us;   /* 0: CPU_PERIOD_US */
    bool cgroup_v2;
    bool single_oom_kill;            /* the kernel kills one process of a container, not all */
    bool limits_swap;                /* the kernel can, and containers get none */
    struct str_array hugepage_sizes; /* "2MB", "1GB": what the machine has */
    bool seccomp_default;            /* RuntimeDefault instead of Unconfined */
    struct str seccomp_dir;          /* of localhost profiles */
};

int64_t cpu_shares(int64_t milli);
int64_t cpu_quota(int64_t milli, int64_t period_us);

/* CONFORMS: the linear mapping of shares (2…262144) to weights (1…10000). */
int64_t cpu_weight_of_shares(int64_t shares);

/* "2MB" of "hugepages-2Mi"; STR_NONE when the size is malformed. */
struct str hugepage_size_of(struct str resource, struct arena *a);

int64_t oom_score_adj(const struct core_pod *pod, const struct core_container *c, int64_t memory_capacity);

/* What the container asks for; c is in the pod, or an ephemeral container. */
struct cri_linux_container_resources *container_resources(const struct core_pod *pod,
                                                          const struct core_container *c,
                                                          const struct container_node *node, struct arena *a);

/* Sums over the pod as the scheduler counts them: the greater of app containers with sidecars and of each
 * init container with the sidecars before it; pod-level amounts and the overhead as the API has it. */
struct pod_amounts {
    int64_t cpu_request_milli, memory_request;
    int64_t cpu_limit_milli, memory_limit;
    bool has_cpu_limit, has_memory_limit; /* every container has one, or the pod */
};
struct pod_amounts pod_amounts_of(const struct core_pod *pod);
