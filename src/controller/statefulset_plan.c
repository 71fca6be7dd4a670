/* controller/statefulset_plan: the next steps of a stateful set. */
#include "controller/statefulset_plan.h"

#include "api/intstr.h"
#include "api/meta.h"

int32_t stateful_start(const struct apps_stateful_set *s) {
    return s->spec.ordinals ? s->spec.ordinals->start : 0;
}

int32_t stateful_replicas(const struct apps_stateful_set *s) {
    return s->spec.replicas.set ? s->spec.replicas.v : 1;
}

int32_t stateful_partition(const struct apps_stateful_set *s) {
    const struct apps_rolling_update_stateful_set_strategy *ru = s->spec.update_strategy.rolling_update;
    return ru && ru->partition.set ? ru->partition.v : 0;
}

int32_t stateful_ordinal(const struct apps_stateful_set *s, struct str name) {
    ptrdiff_t dash = str_rfind_byte(name, '-');
    int64_t v;
    if (dash < 0 || !str_eq(str_cut(name, (size_t)dash), s->metadata.name))
        return -1;
    struct str digits = str_from_byte(name, (size_t)dash + 1);
    bool canonical = digits.n == 1 || (digits.n && digits.p[0] != '0');
    return canonical && str_to_i64(digits, &v) && v >= 0 && v <= INT32_MAX ? (int32_t)v : -1;
}

/* -- health -- */

struct planning {
    struct arena *a;
    const struct stateful_view *v;
    struct stateful_plan plan;
    bool ordered;
};

static bool is_going(const struct set_slot *s) {
    return s->pod && meta_is_deleting(s->pod->meta);
}

static bool is_ready(const struct set_slot *s) {
    return s->pod && str_eq(pod_of(s->pod)->status.phase, S("Running")) && pod_is_ready(pod_of(s->pod));
}

static bool is_available(struct planning *x, const struct set_slot *s) {
    return is_ready(s) && pod_is_available(pod_of(s->pod), x->v->set->spec.min_ready_seconds, x->v->now_ns,
                                           &x->plan.wait_ns);
}

static bool is_healthy(struct planning *x, const struct set_slot *s) {
    return !is_going(s) && is_available(x, s);
}

static void step(struct planning *x, enum stateful_step_kind kind, const struct set_slot *slot) {
    x->plan.v[x->plan.n++] = (struct stateful_step){kind, slot};
}

/* -- the three parts -- */

/* False: nothing after this one may be done now. */
static bool process_slot(struct planning *x, const struct set_slot *s) {
    if (!s->pod) {
        step(x, STEP_CREATE, s);
        return !x->ordered;
    }
    if (pod_is_finished(pod_of(s->pod)) && !is_going(s)) {
        step(x, STEP_RECREATE, s);
        return !x->ordered;
    }
    return !x->ordered || is_healthy(x, s);
}

/* With ordered management a pod that is not healthy holds the others up, unless it is the first such. */
static bool process_condemned(struct planning *x, const struct set_slot *s, const struct set_slot *sick) {
    if (is_going(s))
        return !x->ordered;
    if (x->ordered && s != sick && !is_available(x, s))
        return false;
    step(x, STEP_DELETE, s);
    return !x->ordered;
}

static const struct set_slot *first_sick(struct planning *x) {
    for (size_t i = 0; i < x->v->n; i++)
        if (!is_healthy(x, &x->v->slots[i]))
            return &x->v->slots[i];
    for (size_t i = x->v->n_condemned; i-- > 0;)
        if (!is_healthy(x, &x->v->condemned[i]))
            return &x->v->condemned[i];
    return NULL;
}

static int32_t max_unavailable(const struct stateful_view *v) {
    const struct apps_rolling_update_stateful_set_strategy *ru = v->set->spec.update_strategy.rolling_update;
    int32_t n = 1;
    if (!ru || !ru->max_unavailable.set ||
        intstr_scaled(ru->max_unavailable, stateful_replicas(v->set), true, &n, NULL) || n < 1)
        return 1;
    return n;
}

/* One at a time from the highest ordinal down, waiting for each that was replaced to be healthy again. */
static void roll_one(struct planning *x, size_t partition) {
    for (size_t i = x->v->n; i > partition; i--) {
        const struct set_slot *s = &x->v->slots[i - 1];
        if (s->pod && !s->is_update && !is_going(s))
            step(x, STEP_DELETE, s);
        if (x->plan.n || !is_healthy(x, s))
            return;
    }
}

/* So many may be missing at once; those that are broken already are replaced for nothing. */
static void roll_many(struct planning *x, size_t partition, int32_t budget) {
    for (size_t i = partition; i < x->v->n; i++)
        budget -= !is_healthy(x, &x->v->slots[i]);
    for (size_t i = x->v->n; i > partition; i--) {
        const struct set_slot *s = &x->v->slots[i - 1];
        if (!s->pod || s->is_update || is_going(s))
            continue;
        bool broken = !is_healthy(x, s);
        if (!broken && budget-- <= 0)
            continue;
        step(x, STEP_DELETE, s);
    }
}

static void roll(struct planning *x) {
    int32_t max = max_unavailable(x->v), partition = stateful_partition(x->v->set);
    size_t from = (size_t)partition < x->v->n ? (size_t)partition : x->v->n;
    if (max == 1)
        roll_one(x, from);
    else
        roll_many(x, from, max);
}

struct stateful_plan stateful_plan_steps(struct arena *a, const struct stateful_view *v) {
    struct planning x = {.a = a, .v = v};
    x.ordered = !str_eq(v->set->spec.pod_management_policy, S("Parallel"));
    x.plan.v = arena_new_n(a, v->n * 2 + v->n_condemned + 1, struct stateful_step);
    const struct set_slot *sick = first_sick(&x);
    for (size_t i = 0; i < v->n; i++)
        if (!process_slot(&x, &v->slots[i]))
            return x.plan;
    for (size_t i = 0; i < v->n_condemned; i++)
        if (!process_condemned(&x, &v->condemned[i], sick))
            return x.plan;
    if (!x.plan.n && !str_eq(v->set->spec.update_strategy.type, S("OnDelete")))
        roll(&x);
    return x.plan;
}
