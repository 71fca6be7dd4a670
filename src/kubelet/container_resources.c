/* Amounts in the terms of the kernel. See container_resources.h. */
#include "kubelet/container_resources.h"

#include "api/pod_amounts.h"
#include "api/pod_qos.h"
#include "api/quantity.h"
#include "api/resource_name.h"
#include "api/types/core.h"
#include "api/types/cri.h"
#include "base/arena.h"

#define PRIORITY_NODE_CRITICAL 2000001000
#define OOM_CRITICAL (-997)
#define OOM_BEST_EFFORT 1000

static int64_t min_i64(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t amount(struct quantity_map m, struct str name, bool milli) {
    const struct quantity *q = quantity_map_get(m, name);
    if (!q)
        return 0;
    return milli ? quantity_milli_value(q) : quantity_value(q);
}

static int64_t cpu_of(struct quantity_map m) {
    return amount(m, S("cpu"), true);
}

static int64_t memory_of(struct quantity_map m) {
    return amount(m, S("memory"), false);
}

/* --- conversions --- */

int64_t cpu_shares(int64_t milli) {
    if (milli <= 0)
        return CPU_SHARES_MIN;
    int64_t shares = milli >= CPU_SHARES_MAX ? CPU_SHARES_MAX : milli * 1024 / 1000;
    return min_i64(max_i64(shares, CPU_SHARES_MIN), CPU_SHARES_MAX);
}

int64_t cpu_quota(int64_t milli, int64_t period_us) {
    if (milli <= 0)
        return 0;
    return max_i64(min_i64(milli, INT32_MAX) * period_us / 1000, CPU_QUOTA_MIN_US);
}

int64_t cpu_weight_of_shares(int64_t shares) {
    shares = min_i64(max_i64(shares, CPU_SHARES_MIN), CPU_SHARES_MAX);
    return 1 + (shares - 2) * 9999 / 262142;
}

struct str hugepage_size_of(struct str resource, struct arena *a) {
    struct quantity q;
    static const char *const units[] = {"KB", "MB", "GB", "TB"};
    if (!str_has_prefix(resource, S("hugepages-")) || quantity_parse(str_from_byte(resource, 10), &q, NULL) ||
        quantity_sign(&q) <= 0)
        return STR_NONE;
    int64_t n = quantity_value(&q) / 1024;
    int unit = 0;
    for (; unit < 3 && n && n % 1024 == 0; unit++)
        n /= 1024;
    return n ? arena_printf(a, "%lld%s", (long long)n, units[unit]) : STR_NONE;
}

/* --- out of memory --- */

static bool is_sidecar(const struct core_container *c) {
    return str_eq(c->restart_policy, S("Always"));
}

/* With a pod-level request, what containers leave of it is shared out evenly. */
static int64_t memory_share(const struct core_pod *pod, const struct core_container *c) {
    int64_t own = memory_of(c->resources.requests), claimed = 0, n = pod->spec.containers.n;
    int64_t level = pod->spec.resources ? memory_of(pod->spec.resources->requests) : 0;
    if (level <= 0)
        return own;
    for (uint32_t i = 0; i < pod->spec.containers.n; i++)
        claimed += memory_of(pod->spec.containers.v[i].resources.requests);
    for (uint32_t i = 0; i < pod->spec.init_containers.n; i++)
        if (is_sidecar(&pod->spec.init_containers.v[i])) {
            claimed += memory_of(pod->spec.init_containers.v[i].resources.requests);
            n++;
        }
    return own + (level > claimed && n ? (level - claimed) / n : 0);
}

static int64_t score_of(const struct core_pod *pod, const struct core_container *c, int64_t capacity) {
    if (capacity <= 0)
        return OOM_BEST_EFFORT - 1;
    int64_t share = memory_share(pod, c);
    int64_t score = share >= capacity ? 0 : 1000 - (int64_t)((__int128)1000 * share / capacity);
    if (score < 1000 + OOM_CRITICAL)
        return 1000 + OOM_CRITICAL; /* above what is guaranteed */
    return score == OOM_BEST_EFFORT ? score - 1 : score;
}

static bool in_list(const struct core_container_array *list, const struct core_container *c) {
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i].name, c->name))
            return true;
    return false;
}

int64_t oom_score_adj(const struct core_pod *pod, const struct core_container *c, int64_t memory_capacity) {
    struct str qos = pod_qos_class(&pod->spec);
    if ((pod->spec.priority.set && pod->spec.priority.v >= PRIORITY_NODE_CRITICAL) ||
        str_eq(qos, S("Guaranteed")))
        return OOM_CRITICAL;
    if (str_eq(qos, S("BestEffort")))
        return OOM_BEST_EFFORT;
    int64_t score = score_of(pod, c, memory_capacity);
    if (!is_sidecar(c) || !in_list(&pod->spec.init_containers, c))
        return score;
    for (uint32_t i = 0; i < pod->spec.containers.n; i++) /* a sidecar is not killed before those it serves */
        score = min_i64(score, score_of(pod, &pod->spec.containers.v[i], memory_capacity));
    return score;
}

/* --- one container --- */

static void put_hugepages(struct cri_linux_container_resources *r, const struct core_container *c,
                          const struct container_node *node, struct arena *a) {
    const struct quantity_map limits = c->resources.limits;
    r->hugepage_limits.v = arena_new_n(a, node->hugepage_sizes.n + limits.n, struct cri_hugepage_limit);
    for (uint32_t i = 0; i < node->hugepage_sizes.n; i++)
        r->hugepage_limits.v[r->hugepage_limits.n++].page_size = node->hugepage_sizes.v[i];
    for (uint32_t i = 0; i < limits.n; i++) {
        struct str size =
            resource_name_is_hugepages(limits.v[i].key) ? hugepage_size_of(limits.v[i].key, a) : STR_NONE;
        for (uint32_t j = 0; size.p && j < node->hugepage_sizes.n; j++)
            if (str_eq(r->hugepage_limits.v[j].page_size, size))
                r->hugepage_limits.v[j].limit = (uint64_t)quantity_value(&limits.v[i].value);
    }
}

static void put_unified(struct cri_linux_container_resources *r, const struct container_node *node,
                        struct arena *a) {
    if (!node->cgroup_v2)
        return;
    r->unified.v = arena_new_n(a, 2, struct str_entry);
    if (!node->single_oom_kill)
        r->unified.v[r->unified.n++] = (struct str_entry){S("memory.oom.group"), S("1")};
    if (node->limits_swap)
        r->unified.v[r->unified.n++] = (struct str_entry){S("memory.swap.max"), S("0")};
}

struct cri_linux_container_resources *container_resources(const struct core_pod *pod,
                                                          const struct core_container *c,
                                                          const struct container_node *node,
                                                          struct arena *a) {
    struct cri_linux_container_resources *r = arena_new(a, struct cri_linux_container_resources);
    const struct core_resource_requirements *level = pod->spec.resources;
    int64_t request = cpu_of(c->resources.requests), limit = cpu_of(c->resources.limits);
    int64_t memory = memory_of(c->resources.limits);
    if (!request && limit)
        request = limit;
    if (!limit && level)
        limit = cpu_of(level->limits);
    if (!memory && level)
        memory = memory_of(level->limits);
    r->cpu_shares = cpu_shares(request);
    r->memory_limit_in_bytes = memory;
    r->oom_score_adj = oom_score_adj(pod, c, node->memory_capacity);
    if (!node->cpu_quota_off) {
        r->cpu_period = node->cpu_period_us ? node->cpu_period_us : CPU_PERIOD_US;
        r->cpu_quota = cpu_quota(limit, r->cpu_period);
    }
    put_hugepages(r, c, node, a);
    put_unified(r, node, a);
    return r;
}

/* --- the pod --- */

static bool all_limited(const struct core_container_array *list, struct str resource) {
    for (uint32_t i = 0; i < list->n; i++)
        if (amount(list->v[i].resources.limits, resource, true) <= 0)
            return false;
    return true;
}

static bool has_limit(const struct core_pod_spec *s, struct str resource) {
    return (s->resources && amount(s->resources->limits, resource, true) > 0) ||
           (all_limited(&s->containers, resource) && all_limited(&s->init_containers, resource));
}

static int64_t sum_of(const struct core_pod *pod, enum pod_amount what, struct str resource, bool milli) {
    struct quantity q = pod_spec_amount(&pod->spec, what, resource);
    return !q.set ? 0 : milli ? quantity_milli_value(&q) : quantity_value(&q);
}

struct pod_amounts pod_amounts_of(const struct core_pod *pod) {
    return (struct pod_amounts){
        .cpu_request_milli = sum_of(pod, POD_REQUEST, S("cpu"), true),
        .memory_request = sum_of(pod, POD_REQUEST, S("memory"), false),
        .cpu_limit_milli = sum_of(pod, POD_LIMIT, S("cpu"), true),
        .memory_limit = sum_of(pod, POD_LIMIT, S("memory"), false),
        .has_cpu_limit = has_limit(&pod->spec, S("cpu")),
        .has_memory_limit = has_limit(&pod->spec, S("memory")),
    };
}
