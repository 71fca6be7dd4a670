/* scheduler/plugins/taint_toleration: nodes that keep pods away, and pods that do not mind.
 * CONFORMS: scheduler.tsv TaintToleration. */
#include "scheduler/plugins/plugins.h"

static bool keeps_away(const struct core_taint *t) {
    return str_eq(t->effect, S("NoSchedule")) || str_eq(t->effect, S("NoExecute"));
}

static const struct core_taint *first_untolerated(const struct pod_facts *f, const struct core_node *n) {
    for (uint32_t i = 0; i < n->spec.taints.n; i++)
        if (keeps_away(&n->spec.taints.v[i]) && !facts_tolerate(f, &n->spec.taints.v[i]))
            return &n->spec.taints.v[i];
    return NULL;
}

static enum code taint_filter(const struct plugin *p, struct cycle *c, const struct sched_node *n) {
    (void)p;
    const struct core_taint *t = n->node->spec.taints.n ? first_untolerated(c->facts, n->node) : NULL;
    if (!t)
        return CODE_SUCCESS;
    cycle_reason(c, "node(s) had untolerated taint {%.*s: %.*s}", STR_ARG(t->key), STR_ARG(t->value));
    return CODE_UNRESOLVABLE;
}

/* Of tolerations only those that can mean PreferNoSchedule. */
static bool minds(const struct pod_facts *f, const struct core_taint *taint) {
    const struct core_toleration_array *list = &f->pod->spec.tolerations;
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_toleration *t = &list->v[i];
        if ((!t->effect.n || str_eq(t->effect, S("PreferNoSchedule"))) && toleration_matches(t, taint))
            return false;
    }
    return true;
}

static void taint_score(const struct plugin *p, struct cycle *c, int64_t *ret_scores) {
    (void)p;
    for (uint32_t i = 0; i < c->n_feasible; i++) {
        const struct core_taint_array *taints = &c->feasible[i]->node->spec.taints;
        for (uint32_t j = 0; j < taints->n; j++)
            ret_scores[i] +=
                str_eq(taints->v[j].effect, S("PreferNoSchedule")) && minds(c->facts, &taints->v[j]);
    }
}

static void taint_normalize(const struct plugin *p, struct cycle *c, int64_t *scores) {
    (void)p;
    normalize_by_max(c, scores, true);
}

static bool taint_hint(const struct plugin *p, struct scheduler *s, const struct sched_pod *pod,
                       const struct sched_event *e) {
    (void)p;
    (void)s;
    return !e->node || !e->node->node || !first_untolerated(pod->facts, e->node->node);
}

const struct plugin_ops plugin_taint_toleration = {.name = "TaintToleration",
                                                   .weight = 3,
                                                   .events = EVENT_NODE_ADD | EVENT_NODE_TAINT | EVENT_SELF,
                                                   .filter = taint_filter,
                                                   .score = taint_score,
                                                   .normalize = taint_normalize,
                                                   .hint = taint_hint};
