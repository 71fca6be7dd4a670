/* scheduler/plugins/inter_pod_affinity: pods that want to be near, or far from, others.
 *
 * Terms are matched once against each kind of pod (facts), never against single pods; one walk over the nodes
 * then counts, per term, how many pods it means in each topology domain. CONFORMS: scheduler.tsv
 * InterPodAffinity.
 */
#include "scheduler/plugins/plugins.h"
#include "scheduler/plugins/tally.h"

const struct inter_pod_args inter_pod_args_default = {.hard_weight = 1};

struct counted {
    uint32_t topology;
    int64_t *counts; /* by value */
};

struct inter_pod_state {
    struct counted *affinity; /* per required term of the pod: pods that match all of them */
    struct counted *anti;     /* per required anti-affinity term */
    int64_t affinity_total;   /* pods counted for any term */
    bool matches_itself;
    struct counted *existing; /* anti-affinity of others against this pod, by topology key */
    uint32_t n_existing;
};

static bool term_means(const struct cycle *c, const struct affinity_term *t, const struct pod_facts *f) {
    struct str_map labels = {0};
    if (t->by_namespace_labels)
        labels = scheduler_namespace_labels(c->s, f->ns);
    return affinity_term_matches(t, f, labels);
}

static bool means_all(const struct cycle *c, const struct affinity_terms *terms, const struct pod_facts *f) {
    for (uint32_t i = 0; i < terms->n; i++)
        if (!term_means(c, &terms->v[i], f))
            return false;
    return terms->n > 0;
}

/* -- what is counted for filtering -- */

static struct counted *counters_of(struct cycle *c, const struct affinity_terms *terms) {
    struct counted *v = arena_new_n(c->arena, terms->n, struct counted);
    for (uint32_t i = 0; i < terms->n; i++)
        v[i] = (struct counted){terms->v[i].topology, tally_counts(c, terms->v[i].topology)};
    return v;
}

static struct counted *existing_counter(struct inter_pod_state *st, struct cycle *c, uint32_t topology) {
    for (uint32_t i = 0; i < st->n_existing; i++)
        if (st->existing[i].topology == topology)
            return &st->existing[i];
    if (!st->existing)
        st->existing = arena_new_n(c->arena, symbols_count(&c->nodes->facts->topology), struct counted);
    st->existing[st->n_existing] = (struct counted){topology, tally_counts(c, topology)};
    return &st->existing[st->n_existing++];
}

static void count_existing(struct inter_pod_state *st, struct cycle *c, struct tally *t) {
    vec_foreach (f, &c->nodes->with_affinity)
        for (uint32_t i = 0; i < (*f)->anti_affinity.n; i++) {
            const struct affinity_term *term = &(*f)->anti_affinity.v[i];
            if (term_means(c, term, c->facts))
                tally_add(t, c, *f, term->topology, existing_counter(st, c, term->topology)->counts, 1, 0);
        }
}

static void count_own(struct inter_pod_state *st, struct cycle *c, struct tally *t) {
    const struct pod_facts *own = c->facts;
    if (!own->affinity.n && !own->anti_affinity.n)
        return;
    vec_foreach (f, &c->nodes->facts->by_id) {
        if (!*f || !(*f)->n_pods)
            continue;
        if (means_all(c, &own->affinity, *f))
            for (uint32_t i = 0; i < own->affinity.n; i++)
                tally_add(t, c, *f, st->affinity[i].topology, st->affinity[i].counts, 1, 0);
        for (uint32_t i = 0; i < own->anti_affinity.n; i++)
            if (term_means(c, &own->anti_affinity.v[i], *f))
                tally_add(t, c, *f, st->anti[i].topology, st->anti[i].counts, 1, 0);
    }
}

static void total_affinity(struct inter_pod_state *st, const struct cycle *c) {
    for (uint32_t i = 0; i < c->facts->affinity.n; i++) {
        uint32_t n = nodes_topology_values(c->nodes, st->affinity[i].topology);
        for (uint32_t v = 0; v < n; v++)
            st->affinity_total += st->affinity[i].counts[v];
    }
}

static enum code inter_pod_pre_filter(const struct plugin *p, struct cycle *c) {
    const struct pod_facts *f = c->facts;
    if (!f->affinity.n && !f->anti_affinity.n && !c->nodes->with_affinity.n)
        return CODE_SKIP;
    struct inter_pod_state *st = c->state[p->index] = arena_new(c->arena, struct inter_pod_state);
    struct tally t;
    tally_init(&t, c);
    st->affinity = counters_of(c, &f->affinity);
    st->anti = counters_of(c, &f->anti_affinity);
    count_existing(st, c, &t);
    count_own(st, c, &t);
    if (!st->n_existing && !f->affinity.n && !f->anti_affinity.n)
        return CODE_SKIP;
    tally_run(&t, c, NULL);
    total_affinity(st, c);
    st->matches_itself = means_all(c, &f->affinity, f);
    return CODE_SUCCESS;
}

static void change(struct counted *k, const struct sched_node *n, int64_t by) {
    uint32_t value = node_topology(n, k->topology);
    if (value != TOPOLOGY_NONE)
        k->counts[value] += by;
}

static void inter_pod_adjust(const struct plugin *p, struct cycle *c, const struct sched_node *n,
                             const struct sched_pod *pod, int sign) {
    struct inter_pod_state *st = c->state[p->index];
    const struct pod_facts *f = pod->facts, *own = c->facts;
    for (uint32_t i = 0; i < f->anti_affinity.n; i++)
        if (term_means(c, &f->anti_affinity.v[i], own))
            change(existing_counter(st, c, f->anti_affinity.v[i].topology), n, sign);
    for (uint32_t i = 0; i < own->anti_affinity.n; i++)
        if (term_means(c, &own->anti_affinity.v[i], f))
            change(&st->anti[i], n, sign);
    if (!means_all(c, &own->affinity, f))
        return;
    for (uint32_t i = 0; i < own->affinity.n; i++) {
        change(&st->affinity[i], n, sign);
        st->affinity_total += node_topology(n, st->affinity[i].topology) != TOPOLOGY_NONE ? sign : 0;
    }
}

/* -- the filter -- */

static bool affinity_holds(const struct inter_pod_state *st, const struct cycle *c,
                           const struct sched_node *n) {
    bool all_there = true;
    for (uint32_t i = 0; i < c->facts->affinity.n; i++) {
        uint32_t value = node_topology(n, st->affinity[i].topology);
        if (value == TOPOLOGY_NONE)
            return false;
        all_there = all_there && st->affinity[i].counts[value] > 0;
    }
    /* the first of a group that wants to be together */
    return all_there || (st->affinity_total == 0 && st->matches_itself);
}

static bool any_there(const struct counted *v, uint32_t n_counted, const struct sched_node *n) {
    for (uint32_t i = 0; i < n_counted; i++) {
        uint32_t value = node_topology(n, v[i].topology);
        if (value != TOPOLOGY_NONE && v[i].counts[value] > 0)
            return true;
    }
    return false;
}

static enum code inter_pod_filter(const struct plugin *p, struct cycle *c, const struct sched_node *n) {
    const struct inter_pod_state *st = c->state[p->index];
    if (!affinity_holds(st, c, n)) {
        cycle_reason(c, "node(s) didn't match pod affinity rules");
        return CODE_UNRESOLVABLE;
    }
    if (any_there(st->anti, c->facts->anti_affinity.n, n)) {
        cycle_reason(c, "node(s) didn't match pod anti-affinity rules");
        return CODE_UNSCHEDULABLE;
    }
    if (any_there(st->existing, st->n_existing, n)) {
        cycle_reason(c, "node(s) didn't satisfy existing pods anti-affinity rules");
        return CODE_UNSCHEDULABLE;
    }
    return CODE_SUCCESS;
}

/* -- the score -- */

struct score_state {
    int64_t **by_topology; /* by key; NULL: nothing wanted there */
    uint32_t n;
};

static const struct inter_pod_args *args_of(const struct plugin *p) {
    return p->args ? p->args : &inter_pod_args_default;
}

static void want(struct score_state *st, struct cycle *c, struct tally *t, const struct pod_facts *f,
                 uint32_t topology, int64_t weight) {
    if (!weight)
        return;
    if (!st->by_topology[topology])
        st->by_topology[topology] = tally_counts(c, topology);
    tally_add(t, c, f, topology, st->by_topology[topology], weight, 0);
}

static void want_of_others(const struct inter_pod_args *a, struct score_state *st, struct cycle *c,
                           struct tally *t) {
    vec_foreach (f, &c->nodes->with_affinity) {
        for (uint32_t i = 0; i < (*f)->affinity.n && a->hard_weight; i++)
            if (term_means(c, &(*f)->affinity.v[i], c->facts))
                want(st, c, t, *f, (*f)->affinity.v[i].topology, a->hard_weight);
        for (uint32_t i = 0; i < (*f)->preferred.n && !a->ignore_preferred_of_existing; i++)
            if (term_means(c, &(*f)->preferred.v[i], c->facts))
                want(st, c, t, *f, (*f)->preferred.v[i].topology, (*f)->preferred.v[i].weight);
    }
}

static void want_own(struct score_state *st, struct cycle *c, struct tally *t) {
    const struct affinity_terms *own = &c->facts->preferred;
    if (!own->n)
        return;
    vec_foreach (f, &c->nodes->facts->by_id)
        for (uint32_t i = 0; *f && (*f)->n_pods && i < own->n; i++)
            if (term_means(c, &own->v[i], *f))
                want(st, c, t, *f, own->v[i].topology, own->v[i].weight);
}

static enum code inter_pod_pre_score(const struct plugin *p, struct cycle *c) {
    if (!c->facts->preferred.n && !c->nodes->with_affinity.n)
        return CODE_SKIP;
    struct score_state *st = arena_new(c->arena, struct score_state);
    struct tally t;
    tally_init(&t, c);
    st->n = symbols_count(&c->nodes->facts->topology);
    st->by_topology = arena_new_n(c->arena, st->n, int64_t *);
    want_of_others(args_of(p), st, c, &t);
    want_own(st, c, &t);
    if (!t.entries.n)
        return CODE_SKIP;
    tally_run(&t, c, NULL);
    c->state[p->index] = st;
    return CODE_SUCCESS;
}

static void inter_pod_score(const struct plugin *p, struct cycle *c, int64_t *ret_scores) {
    const struct score_state *st = c->state[p->index];
    for (uint32_t i = 0; i < c->n_feasible; i++)
        for (uint32_t key = 0; key < st->n; key++) {
            uint32_t value = st->by_topology[key] ? node_topology(c->feasible[i], key) : TOPOLOGY_NONE;
            if (value != TOPOLOGY_NONE)
                ret_scores[i] += st->by_topology[key][value];
        }
}

static void inter_pod_normalize(const struct plugin *p, struct cycle *c, int64_t *scores) {
    (void)p;
    int64_t min = INT64_MAX, max = INT64_MIN;
    for (uint32_t i = 0; i < c->n_feasible; i++) {
        min = scores[i] < min ? scores[i] : min;
        max = scores[i] > max ? scores[i] : max;
    }
    for (uint32_t i = 0; i < c->n_feasible; i++)
        scores[i] = max > min ? SCORE_MAX * (scores[i] - min) / (max - min) : 0;
}

static bool inter_pod_hint(const struct plugin *p, struct scheduler *s, const struct sched_pod *pod,
                           const struct sched_event *e) {
    (void)p;
    struct cycle look = {.s = s};
    const struct pod_facts *own = pod->facts;
    if (!e->pod)
        return true;
    if (e->type == EVENT_POD_DELETE) {
        for (uint32_t i = 0; i < own->anti_affinity.n; i++)
            if (term_means(&look, &own->anti_affinity.v[i], e->pod))
                return true;
        for (uint32_t i = 0; i < e->pod->anti_affinity.n; i++)
            if (term_means(&look, &e->pod->anti_affinity.v[i], own))
                return true;
        return false;
    }
    return e->type == EVENT_POD_UPDATE || means_all(&look, &own->affinity, e->pod);
}

const struct plugin_ops plugin_inter_pod_affinity = {
    .name = "InterPodAffinity",
    .weight = 2,
    .events =
        EVENT_POD_ADD | EVENT_POD_DELETE | EVENT_POD_UPDATE | EVENT_NODE_ADD | EVENT_NODE_LABEL | EVENT_SELF,
    .pre_filter = inter_pod_pre_filter,
    .filter = inter_pod_filter,
    .adjust = inter_pod_adjust,
    .pre_score = inter_pod_pre_score,
    .score = inter_pod_score,
    .normalize = inter_pod_normalize,
    .hint = inter_pod_hint,
};
