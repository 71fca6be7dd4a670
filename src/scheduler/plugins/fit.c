/* scheduler/plugins/fit: NodeResourcesFit: whether a node has room, and how well the pod fits.
 * CONFORMS: scheduler.tsv NodeResourcesFit. */
#include "scheduler/plugins/plugins.h"

const struct fit_args fit_args_default = {.strategy = FIT_LEAST_ALLOCATED,
                                          .resources = {{RESOURCE_CPU, 1}, {RESOURCE_MEMORY, 1}},
                                          .n_resources = 2};

static const struct fit_args *args_of(const struct plugin *p) {
    return p->args ? p->args : &fit_args_default;
}

static bool is_ignored(const struct fit_args *a, struct str name) {
    struct str group, rest;
    for (uint32_t i = 0; i < a->n_ignored; i++)
        if (str_eq(a->ignored[i], name))
            return true;
    if (!str_split(name, '/', &group, &rest))
        return false;
    for (uint32_t i = 0; i < a->n_ignored_groups; i++)
        if (str_eq(a->ignored_groups[i], group))
            return true;
    return false;
}

static enum code worse(enum code a, enum code b) {
    return a > b ? a : b;
}

static enum code check_amount(const struct fit_args *a, struct cycle *c, const struct sched_node *n,
                              const struct facts_request *r) {
    int64_t allocatable = nodes_allocatable(c->nodes, r->resource, n);
    if (r->amount <= allocatable - nodes_requested(c->nodes, r->resource, n))
        return CODE_SUCCESS;
    struct str name = symbol_text(&c->nodes->facts->resources, r->resource);
    if (r->resource >= RESOURCE_OTHERS && is_ignored(a, name))
        return CODE_SUCCESS;
    cycle_reason(c, "Insufficient %.*s", STR_ARG(name));
    return r->amount > allocatable ? CODE_UNRESOLVABLE : CODE_UNSCHEDULABLE;
}

static enum code fit_filter(const struct plugin *p, struct cycle *c, const struct sched_node *n) {
    enum code code = CODE_SUCCESS;
    if ((int64_t)n->pods.n + 1 > nodes_allocatable(c->nodes, RESOURCE_PODS, n)) {
        cycle_reason(c, "Too many pods");
        code = CODE_UNSCHEDULABLE;
    }
    for (uint32_t i = 0; i < c->facts->n_requests; i++)
        code = worse(code, check_amount(args_of(p), c, n, &c->facts->requests[i]));
    return code;
}

/* -- scores -- */

static int64_t shape_score(const struct fit_args *a, int64_t utilization) {
    for (uint32_t i = 0; i < a->n_shape; i++) {
        const struct shape_point *to = &a->shape[i];
        if (utilization > to->utilization)
            continue;
        if (i == 0)
            return to->score;
        const struct shape_point *from = to - 1;
        return from->score + (to->score - from->score) * (utilization - from->utilization) /
                                 (to->utilization - from->utilization);
    }
    return a->n_shape ? a->shape[a->n_shape - 1].score : 0;
}

static int64_t percent(int64_t part, int64_t of) {
    return (int64_t)((__int128)part * SCORE_MAX / of);
}

int64_t fit_score_one(const struct fit_args *a, int64_t requested, int64_t allocatable) {
    switch (a->strategy) {
    case FIT_LEAST_ALLOCATED:
        return requested > allocatable ? 0 : percent(allocatable - requested, allocatable);
    case FIT_MOST_ALLOCATED: return percent(requested < allocatable ? requested : allocatable, allocatable);
    case FIT_REQUESTED_TO_CAPACITY_RATIO:
        return shape_score(a, requested > allocatable ? 100 : percent(requested, allocatable));
    }
    return 0;
}

/* What the resource comes to with the pod; false: it does not count. */
static bool resource_use(const struct cycle *c, uint32_t resource, const struct sched_node *n,
                         int64_t *ret_requested, int64_t *ret_allocatable) {
    *ret_allocatable = nodes_allocatable(c->nodes, resource, n);
    if (*ret_allocatable <= 0)
        return false;
    if (resource == RESOURCE_CPU) {
        *ret_requested = c->nodes->scored_cpu[n->index] + c->facts->scored_cpu;
        return true;
    }
    if (resource == RESOURCE_MEMORY) {
        *ret_requested = c->nodes->scored_memory[n->index] + c->facts->scored_memory;
        return true;
    }
    int64_t amount = facts_amount(c->facts, resource);
    *ret_requested = nodes_requested(c->nodes, resource, n) + amount;
    return amount > 0 || resource < RESOURCE_OTHERS;
}

static int64_t score_node(const struct fit_args *a, const struct cycle *c, const struct sched_node *n) {
    int64_t sum = 0, weights = 0, requested, allocatable;
    bool ratio = a->strategy == FIT_REQUESTED_TO_CAPACITY_RATIO;
    for (uint32_t i = 0; i < a->n_resources; i++) {
        if (!resource_use(c, a->resources[i].resource, n, &requested, &allocatable))
            continue;
        int64_t score = fit_score_one(a, requested, allocatable);
        if (ratio && score <= 0)
            continue;
        sum += score * a->resources[i].weight;
        weights += a->resources[i].weight;
    }
    if (!weights)
        return 0;
    return ratio ? (2 * sum + weights) / (2 * weights) : sum / weights;
}

static void fit_score(const struct plugin *p, struct cycle *c, int64_t *ret_scores) {
    for (uint32_t i = 0; i < c->n_feasible; i++)
        ret_scores[i] = score_node(args_of(p), c, c->feasible[i]);
}

/* -- who waits for room -- */

static bool has_room(const struct nodes *nodes, const struct sched_pod *pod, const struct sched_node *n) {
    for (uint32_t i = 0; i < pod->facts->n_requests; i++) {
        const struct facts_request *r = &pod->facts->requests[i];
        if (r->amount > nodes_allocatable(nodes, r->resource, n) - nodes_requested(nodes, r->resource, n))
            return false;
    }
    return true;
}

static bool fit_hint(const struct plugin *p, struct scheduler *s, const struct sched_pod *pod,
                     const struct sched_event *e) {
    (void)p;
    return !e->node || has_room(scheduler_nodes(s), pod, e->node);
}

const struct plugin_ops plugin_fit = {.name = "NodeResourcesFit",
                                      .weight = 1,
                                      .events = EVENT_NODE_ADD | EVENT_NODE_ALLOCATABLE | EVENT_POD_DELETE |
                                                EVENT_POD_UPDATE | EVENT_SELF,
                                      .filter = fit_filter,
                                      .score = fit_score,
                                      .hint = fit_hint};
