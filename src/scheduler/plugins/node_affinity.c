/* scheduler/plugins/node_affinity: which nodes a pod asks for, by label and by name.
 * CONFORMS: scheduler.tsv NodeAffinity. */
#include "scheduler/plugins/plugins.h"

static bool pod_wants(const struct pod_facts *f, const struct sched_node *n) {
    struct str_map labels = n->object->meta->labels;
    return label_selector_matches(&f->node_labels, labels) &&
           (!f->has_node_terms || node_selector_matches(&f->node_terms, labels, n->name));
}

static bool profile_wants(const struct plugin *p, const struct sched_node *n) {
    const struct node_affinity_args *a = p->args;
    return !a || !a->has_required || node_selector_matches(&a->required, n->object->meta->labels, n->name);
}

/* The name a term pins, absent when it pins none; *ret_clash: it pins two. */
static struct str pinned_name(const struct node_selector_term *t, bool *ret_clash) {
    struct str name = STR_NONE;
    for (uint32_t i = 0; i < t->n_names; i++) {
        if (t->names[i].is_not)
            continue;
        if (name.p && !str_eq(name, t->names[i].name))
            *ret_clash = true;
        name = t->names[i].name;
    }
    return name;
}

/* When every term pins a node, only these are looked at: pods of daemon sets. */
static enum code find_pinned(struct cycle *c) {
    const struct node_selector *s = &c->facts->node_terms;
    struct str *names = arena_new_n(c->arena, s->n, struct str);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        bool clash = false;
        struct str name = pinned_name(&s->v[i], &clash);
        if (!name.p)
            return CODE_SUCCESS;
        if (!clash)
            names[n++] = name;
    }
    if (!n && s->n) {
        cycle_prefilter(c, "pod affinity terms conflict");
        return CODE_UNRESOLVABLE;
    }
    c->only = s->n ? names : NULL;
    c->n_only = n;
    return CODE_SUCCESS;
}

static enum code affinity_pre_filter(const struct plugin *p, struct cycle *c) {
    const struct pod_facts *f = c->facts;
    const struct node_affinity_args *a = p->args;
    if (!f->has_node_terms && label_selector_is_everything(&f->node_labels) && !(a && a->has_required))
        return CODE_SKIP;
    return f->has_node_terms ? find_pinned(c) : CODE_SUCCESS;
}

static enum code affinity_filter(const struct plugin *p, struct cycle *c, const struct sched_node *n) {
    if (!profile_wants(p, n)) {
        cycle_reason(c, "node(s) didn't match scheduler-enforced node affinity");
        return CODE_UNRESOLVABLE;
    }
    if (pod_wants(c->facts, n))
        return CODE_SUCCESS;
    cycle_reason(c, "node(s) didn't match Pod's node affinity/selector");
    return CODE_UNRESOLVABLE;
}

static enum code affinity_pre_score(const struct plugin *p, struct cycle *c) {
    const struct node_affinity_args *a = p->args;
    return c->facts->node_preferred.n || (a && a->preferred.n) ? CODE_SUCCESS : CODE_SKIP;
}

static void affinity_score(const struct plugin *p, struct cycle *c, int64_t *ret_scores) {
    const struct node_affinity_args *a = p->args;
    for (uint32_t i = 0; i < c->n_feasible; i++) {
        const struct sched_node *n = c->feasible[i];
        struct str_map labels = n->object->meta->labels;
        ret_scores[i] = node_selector_score(&c->facts->node_preferred, labels, n->name);
        if (a)
            ret_scores[i] += node_selector_score(&a->preferred, labels, n->name);
    }
}

static void affinity_normalize(const struct plugin *p, struct cycle *c, int64_t *scores) {
    (void)p;
    normalize_by_max(c, scores, false);
}

static bool affinity_hint(const struct plugin *p, struct scheduler *s, const struct sched_pod *pod,
                          const struct sched_event *e) {
    (void)s;
    return !e->node || !e->node->object || (profile_wants(p, e->node) && pod_wants(pod->facts, e->node));
}

const struct plugin_ops plugin_node_affinity = {.name = "NodeAffinity",
                                                .weight = 2,
                                                .events = EVENT_NODE_ADD | EVENT_NODE_LABEL | EVENT_SELF,
                                                .pre_filter = affinity_pre_filter,
                                                .filter = affinity_filter,
                                                .pre_score = affinity_pre_score,
                                                .score = affinity_score,
                                                .normalize = affinity_normalize,
                                                .hint = affinity_hint};
