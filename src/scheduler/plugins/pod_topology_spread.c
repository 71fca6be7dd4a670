/* scheduler/plugins/pod_topology_spread: pods of a kind spread evenly over zones, nodes, and so on.
 * CONFORMS: scheduler.tsv PodTopologySpread. */
#include "scheduler/plugins/plugins.h"

#include <math.h>

#include "api/meta.h"
#include "scheduler/plugins/tally.h"

#define SPREADS_MAX 32u /* bits of a node's mask */
#define HOSTNAME_KEY "kubernetes.io/hostname"
#define ZONE_KEY "topology.kubernetes.io/zone"

const struct spread_args spread_args_default = {.list = false};

struct domain_counts {
    const struct spread *of;
    int64_t *counts;  /* by value */
    uint8_t *present; /* by value: eligible nodes have it */
    uint32_t n_values, n_domains;
    int64_t min;
    bool min_stale;
};

struct spread_state {
    struct domain_counts v[SPREADS_MAX];
    uint32_t n;
    uint32_t *masks; /* by node: which constraints count it */
};

/* -- which nodes and pods count -- */

static bool tolerates_all(const struct pod_facts *f, const struct core_node *n) {
    for (uint32_t i = 0; i < n->spec.taints.n; i++) {
        const struct core_taint *t = &n->spec.taints.v[i];
        bool matters = str_eq(t->effect, S("NoSchedule")) || str_eq(t->effect, S("NoExecute"));
        if (matters && !facts_tolerate(f, t))
            return false;
    }
    return true;
}

static bool wants_node(const struct pod_facts *f, const struct sched_node *n) {
    struct str_map labels = n->object->meta->labels;
    return label_selector_matches(&f->node_labels, labels) &&
           (!f->has_node_terms || node_selector_matches(&f->node_terms, labels, n->name));
}

static uint32_t mask_of(const struct spread_state *st, const struct cycle *c, const struct sched_node *n,
                        bool all_keys) {
    uint32_t mask = 0;
    for (uint32_t i = 0; i < st->n; i++)
        if (node_topology(n, st->v[i].of->topology) != TOPOLOGY_NONE)
            mask |= 1u << i;
    if (all_keys && mask != (st->n == 32 ? UINT32_MAX : (1u << st->n) - 1))
        return 0;
    bool plain = !c->facts->has_node_terms && label_selector_is_everything(&c->facts->node_labels);
    bool wants = plain || wants_node(c->facts, n);
    for (uint32_t i = 0; i < st->n; i++)
        if ((!wants && st->v[i].of->honor_affinity) ||
            (st->v[i].of->honor_taints && !tolerates_all(c->facts, n->node)))
            mask &= ~(1u << i);
    return mask;
}

static void make_masks(struct spread_state *st, struct cycle *c, bool all_keys) {
    st->masks = cycle_per_node(c, uint32_t);
    vec_foreach (n, &c->nodes->v)
        if ((*n)->object)
            st->masks[(*n)->index] = mask_of(st, c, *n, all_keys);
}

static bool counts_pod(const struct spread *s, const struct cycle *c, const struct pod_facts *f) {
    return !f->deleting && str_eq(f->ns, c->facts->ns) && label_selector_matches(&s->labels, f->labels);
}

static void add_constraint(struct spread_state *st, struct cycle *c, const struct spread *s) {
    if (st->n == SPREADS_MAX)
        return;
    uint32_t n = nodes_topology_values(c->nodes, s->topology);
    st->v[st->n++] = (struct domain_counts){.of = s,
                                            .counts = tally_counts(c, s->topology),
                                            .present = arena_new_n(c->arena, n + 1, uint8_t),
                                            .n_values = n,
                                            .min_stale = true};
}

static void count_pods(struct spread_state *st, struct cycle *c) {
    struct tally t;
    tally_init(&t, c);
    vec_foreach (f, &c->nodes->facts->by_id)
        for (uint32_t i = 0; *f && (*f)->n_pods && i < st->n; i++)
            if (counts_pod(st->v[i].of, c, *f))
                tally_add(&t, c, *f, st->v[i].of->topology, st->v[i].counts, 1, i);
    tally_run(&t, c, st->masks);
}

/* -- DoNotSchedule -- */

static void find_domains(struct spread_state *st, const struct cycle *c) {
    vec_foreach (n, &c->nodes->v)
        for (uint32_t i = 0, mask = st->masks[(*n)->index]; mask >> i && i < st->n; i++) {
            uint32_t value = mask >> i & 1 ? node_topology(*n, st->v[i].of->topology) : TOPOLOGY_NONE;
            if (value == TOPOLOGY_NONE || st->v[i].present[value])
                continue;
            st->v[i].present[value] = 1;
            st->v[i].n_domains++;
        }
}

static enum code spread_pre_filter(const struct plugin *p, struct cycle *c) {
    bool any = false;
    for (uint32_t i = 0; i < c->facts->spreads.n; i++)
        any = any || c->facts->spreads.v[i].hard;
    if (!any)
        return CODE_SKIP;
    struct spread_state *st = c->state[p->index] = arena_new(c->arena, struct spread_state);
    for (uint32_t i = 0; i < c->facts->spreads.n; i++)
        if (c->facts->spreads.v[i].hard)
            add_constraint(st, c, &c->facts->spreads.v[i]);
    make_masks(st, c, true);
    find_domains(st, c);
    count_pods(st, c);
    return CODE_SUCCESS;
}

static void spread_adjust(const struct plugin *p, struct cycle *c, const struct sched_node *n,
                          const struct sched_pod *pod, int sign) {
    struct spread_state *st = c->state[p->index];
    for (uint32_t i = 0; i < st->n; i++) {
        if (!(st->masks[n->index] >> i & 1) || !counts_pod(st->v[i].of, c, pod->facts))
            continue;
        st->v[i].counts[node_topology(n, st->v[i].of->topology)] += sign;
        st->v[i].min_stale = true;
    }
}

static int64_t global_min(struct domain_counts *d) {
    if (d->n_domains < (uint32_t)d->of->domains_min)
        return 0;
    if (!d->min_stale)
        return d->min;
    int64_t min = INT64_MAX;
    for (uint32_t v = 0; v < d->n_values; v++)
        if (d->present[v] && d->counts[v] < min)
            min = d->counts[v];
    d->min = min == INT64_MAX ? 0 : min;
    d->min_stale = false;
    return d->min;
}

static enum code spread_filter(const struct plugin *p, struct cycle *c, const struct sched_node *n) {
    struct spread_state *st = c->state[p->index];
    for (uint32_t i = 0; i < st->n; i++) {
        struct domain_counts *d = &st->v[i];
        uint32_t value = node_topology(n, d->of->topology);
        if (value == TOPOLOGY_NONE) {
            cycle_reason(c, "node(s) didn't match pod topology spread constraints (missing required label)");
            return CODE_UNRESOLVABLE;
        }
        int64_t count = d->present[value] ? d->counts[value] : 0;
        if (count + d->of->counts_self - global_min(d) > d->of->skew_max) {
            cycle_reason(c, "node(s) didn't match pod topology spread constraints");
            return CODE_UNSCHEDULABLE;
        }
    }
    return CODE_SUCCESS;
}

/* -- ScheduleAnyway -- */

struct soft_state {
    struct spread_state s;
    double weights[SPREADS_MAX];
    bool per_node[SPREADS_MAX];    /* the hostname: counted on the node itself */
    uint8_t *counted[SPREADS_MAX]; /* by facts id, of those */
    uint8_t *ignored;              /* by feasible */
};

static const struct spread_args *args_of(const struct plugin *p) {
    return p->args ? p->args : &spread_args_default;
}

/* The constraints of a pod that has none, from what selects it. */
static struct spreads default_spreads(const struct spread_args *a, struct cycle *c) {
    struct label_selector labels;
    struct spreads none = {0};
    if (!scheduler_default_selector(c->s, c->pod, c->arena, &labels))
        return none;
    const struct core_topology_spread_constraint system[] = {
        {.max_skew = 3, .topology_key = S(HOSTNAME_KEY), .when_unsatisfiable = S("ScheduleAnyway")},
        {.max_skew = 5, .topology_key = S(ZONE_KEY), .when_unsatisfiable = S("ScheduleAnyway")},
    };
    const struct core_topology_spread_constraint *from = a->list ? a->v : system;
    uint32_t n = a->list ? a->n : 2;
    struct spread *v = arena_new_n(c->arena, n, struct spread);
    for (uint32_t i = 0; i < n; i++)
        v[i] = (struct spread){
            .labels = labels,
            .topology = symbol_of(&c->nodes->facts->topology, from[i].topology_key),
            .skew_max = from[i].max_skew,
            .domains_min = 1,
            .hard = str_eq(from[i].when_unsatisfiable, S("DoNotSchedule")),
            .honor_affinity = true,
            .counts_self = label_selector_matches(&labels, c->facts->labels),
        };
    nodes_know_topology(c->nodes);
    return (struct spreads){v, n};
}

static void find_soft_domains(struct soft_state *st, struct cycle *c, bool all_keys) {
    uint32_t n_ignored = 0;
    st->ignored = arena_new_n(c->arena, c->n_feasible, uint8_t);
    for (uint32_t j = 0; j < c->n_feasible; j++) {
        const struct sched_node *n = c->feasible[j];
        for (uint32_t i = 0; all_keys && i < st->s.n; i++)
            st->ignored[j] |= node_topology(n, st->s.v[i].of->topology) == TOPOLOGY_NONE;
        n_ignored += st->ignored[j];
        for (uint32_t i = 0; i < st->s.n && !st->ignored[j]; i++) {
            uint32_t value = node_topology(n, st->s.v[i].of->topology);
            if (value == TOPOLOGY_NONE || st->s.v[i].present[value])
                continue;
            st->s.v[i].present[value] = 1;
            st->s.v[i].n_domains++;
        }
    }
    for (uint32_t i = 0; i < st->s.n; i++) {
        uint32_t size = st->per_node[i] ? c->n_feasible - n_ignored : st->s.v[i].n_domains;
        st->weights[i] = log((double)size + 2);
    }
}

static void match_kinds(struct soft_state *st, struct cycle *c) {
    struct tally t;
    tally_init(&t, c);
    for (uint32_t i = 0; i < st->s.n; i++)
        st->counted[i] = arena_new_n(c->arena, c->nodes->facts->by_id.n, uint8_t);
    vec_foreach (f, &c->nodes->facts->by_id)
        for (uint32_t i = 0; *f && (*f)->n_pods && i < st->s.n; i++) {
            bool counts = counts_pod(st->s.v[i].of, c, *f);
            st->counted[i][(*f)->id] = counts;
            if (counts && !st->per_node[i])
                tally_add(&t, c, *f, st->s.v[i].of->topology, st->s.v[i].counts, 1, i);
        }
    if (t.entries.n)
        tally_run(&t, c, st->s.masks);
}

static enum code spread_pre_score(const struct plugin *p, struct cycle *c) {
    bool own = c->facts->spreads.n > 0;
    struct spreads from = own ? c->facts->spreads : default_spreads(args_of(p), c);
    struct soft_state *st = arena_new(c->arena, struct soft_state);
    uint32_t hostname = symbol_find(&c->nodes->facts->topology, S(HOSTNAME_KEY));
    for (uint32_t i = 0; i < from.n; i++)
        if (!from.v[i].hard) {
            st->per_node[st->s.n % SPREADS_MAX] = from.v[i].topology == hostname;
            add_constraint(&st->s, c, &from.v[i]);
        }
    if (!st->s.n)
        return CODE_SKIP;
    bool all_keys = own || args_of(p)->list;
    find_soft_domains(st, c, all_keys);
    make_masks(&st->s, c, all_keys);
    match_kinds(st, c);
    c->state[p->index] = st;
    return CODE_SUCCESS;
}

static int64_t on_node(const struct sched_node *n, const uint8_t *counted) {
    int64_t sum = 0;
    vec_foreach (k, &n->kinds)
        sum += counted[k->facts->id] ? k->n : 0;
    return sum;
}

static void spread_score(const struct plugin *p, struct cycle *c, int64_t *ret_scores) {
    const struct soft_state *st = c->state[p->index];
    for (uint32_t j = 0; j < c->n_feasible; j++) {
        double sum = 0;
        for (uint32_t i = 0; i < st->s.n && !st->ignored[j]; i++) {
            const struct domain_counts *d = &st->s.v[i];
            uint32_t value = node_topology(c->feasible[j], d->of->topology);
            if (value == TOPOLOGY_NONE)
                continue;
            int64_t count = st->per_node[i] ? on_node(c->feasible[j], st->counted[i]) : d->counts[value];
            sum += (double)count * st->weights[i] + (double)(d->of->skew_max - 1);
        }
        ret_scores[j] = (int64_t)round(sum);
    }
}

static void spread_normalize(const struct plugin *p, struct cycle *c, int64_t *scores) {
    const struct soft_state *st = c->state[p->index];
    int64_t min = INT64_MAX, max = 0;
    for (uint32_t j = 0; j < c->n_feasible; j++) {
        if (st->ignored[j])
            continue;
        min = scores[j] < min ? scores[j] : min;
        max = scores[j] > max ? scores[j] : max;
    }
    for (uint32_t j = 0; j < c->n_feasible; j++) {
        if (st->ignored[j])
            scores[j] = 0;
        else
            scores[j] = max ? SCORE_MAX * (max + min - scores[j]) / max : SCORE_MAX;
    }
}

/* -- who waits -- */

static bool spread_hint(const struct plugin *p, struct scheduler *s, const struct sched_pod *pod,
                        const struct sched_event *e) {
    (void)p;
    (void)s;
    if (!e->pod)
        return true;
    const struct cycle look = {.facts = pod->facts};
    for (uint32_t i = 0; i < pod->facts->spreads.n; i++)
        if (counts_pod(&pod->facts->spreads.v[i], &look, e->pod) ||
            (e->previous && counts_pod(&pod->facts->spreads.v[i], &look, e->previous)))
            return true;
    /* a pod that now ends counted until now */
    return e->pod->deleting;
}

const struct plugin_ops plugin_pod_topology_spread = {
    .name = "PodTopologySpread",
    .weight = 2,
    .events = EVENT_POD_ADD | EVENT_POD_DELETE | EVENT_POD_UPDATE | EVENT_NODE_ADD | EVENT_NODE_DELETE |
              EVENT_NODE_LABEL | EVENT_NODE_TAINT | EVENT_SELF,
    .pre_filter = spread_pre_filter,
    .filter = spread_filter,
    .adjust = spread_adjust,
    .pre_score = spread_pre_score,
    .score = spread_score,
    .normalize = spread_normalize,
    .hint = spread_hint,
};
