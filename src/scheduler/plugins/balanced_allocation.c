/* scheduler/plugins/balanced_allocation: NodeResourcesBalancedAllocation: nodes whose resources are used
 * evenly. CONFORMS: scheduler.tsv NodeResourcesBalancedAllocation. */
#include <math.h>

#include "scheduler/plugins/plugins.h"

const struct balanced_args balanced_args_default = {.resources = {{RESOURCE_CPU, 1}, {RESOURCE_MEMORY, 1}},
                                                    .n_resources = 2};

static enum code balanced_pre_score(const struct plugin *p, struct cycle *c) {
    (void)p;
    return c->facts->best_effort ? CODE_SKIP : CODE_SUCCESS;
}

static double deviation(const double *f, uint32_t n) {
    if (n < 2)
        return 0;
    if (n == 2)
        return fabs(f[0] - f[1]) / 2;
    double mean = 0, sum = 0;
    for (uint32_t i = 0; i < n; i++)
        mean += f[i] / n;
    for (uint32_t i = 0; i < n; i++)
        sum += (f[i] - mean) * (f[i] - mean);
    return sqrt(sum / n);
}

int64_t balanced_score(const double *fractions, uint32_t n) {
    return (int64_t)((1 - deviation(fractions, n)) * SCORE_MAX);
}

static int64_t score_node(const struct balanced_args *a, const struct cycle *c, const struct sched_node *n) {
    double with[SCORED_RESOURCES_MAX], without[SCORED_RESOURCES_MAX];
    uint32_t used = 0;
    for (uint32_t i = 0; i < a->n_resources; i++) {
        uint32_t id = a->resources[i].resource;
        int64_t allocatable = nodes_allocatable(c->nodes, id, n);
        int64_t requested = nodes_requested(c->nodes, id, n), amount = facts_amount(c->facts, id);
        if (allocatable <= 0 || (id >= RESOURCE_OTHERS && !amount))
            continue;
        with[used] = fmin((double)(requested + amount) / (double)allocatable, 1);
        without[used++] = fmin((double)requested / (double)allocatable, 1);
    }
    return 50 + (50 + balanced_score(with, used) - balanced_score(without, used)) / 2;
}

static void balanced_scores(const struct plugin *p, struct cycle *c, int64_t *ret_scores) {
    const struct balanced_args *a = p->args ? p->args : &balanced_args_default;
    for (uint32_t i = 0; i < c->n_feasible; i++)
        ret_scores[i] = score_node(a, c, c->feasible[i]);
}

const struct plugin_ops plugin_balanced_allocation = {.name = "NodeResourcesBalancedAllocation",
                                                      .weight = 1,
                                                      .pre_score = balanced_pre_score,
                                                      .score = balanced_scores};
