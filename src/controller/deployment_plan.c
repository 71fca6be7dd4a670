/* controller/deployment_plan: how large each replica set of a deployment should be next. */
#include "controller/deployment_plan.h"

#include <stdlib.h>

#include "api/intstr.h"
#include "base/err.h"

static int32_t min32(int32_t a, int32_t b) {
    return a < b ? a : b;
}

static int32_t max32(int32_t a, int32_t b) {
    return a > b ? a : b;
}

int deployment_limits(int32_t replicas, bool rolling, struct int_or_string max_surge,
                      struct int_or_string max_unavailable, struct deployment_limits *ret, struct err *err) {
    *ret = (struct deployment_limits){.replicas = replicas, .rolling = rolling};
    if (!rolling)
        return 0;
    if (!max_surge.set)
        max_surge = intstr_of_int(0);
    if (!max_unavailable.set)
        max_unavailable = intstr_of_int(0);
    int rc = intstr_scaled(max_surge, replicas, true, &ret->surge, err);
    if (!rc)
        rc = intstr_scaled(max_unavailable, replicas, false, &ret->unavailable, err);
    if (rc)
        return rc;
    if (ret->surge == 0 && ret->unavailable == 0)
        ret->unavailable = 1;
    ret->unavailable = min32(ret->unavailable, replicas);
    return 0;
}

/* -- orders -- */

static int cmp_age(const struct set_state *a, const struct set_state *b) {
    if (a->created_sec != b->created_sec)
        return a->created_sec < b->created_sec ? -1 : 1;
    return str_cmp(a->name, b->name);
}

static int cmp_oldest(const void *pa, const void *pb) {
    return cmp_age(*(struct set_state *const *)pa, *(struct set_state *const *)pb);
}

static int cmp_largest_newest(const void *pa, const void *pb) {
    const struct set_state *a = *(struct set_state *const *)pa, *b = *(struct set_state *const *)pb;
    return a->replicas != b->replicas ? (a->replicas > b->replicas ? -1 : 1) : cmp_age(b, a);
}

static int cmp_largest_oldest(const void *pa, const void *pb) {
    const struct set_state *a = *(struct set_state *const *)pa, *b = *(struct set_state *const *)pb;
    return a->replicas != b->replicas ? (a->replicas > b->replicas ? -1 : 1) : cmp_age(a, b);
}

static struct set_state **sorted(struct set_state *sets, uint32_t n, struct arena *a,
                                 int (*cmp)(const void *, const void *)) {
    struct set_state **v = arena_new_n(a, n ? n : 1, struct set_state *);
    for (uint32_t i = 0; i < n; i++)
        v[i] = &sets[i];
    if (n)
        qsort(v, n, sizeof *v, cmp);
    return v;
}

/* -- sums -- */

static int64_t sum_targets(const struct set_state *sets, uint32_t n) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += sets[i].target;
    return sum;
}

static int64_t sum_available(const struct set_state *sets, uint32_t n) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += sets[i].available;
    return sum;
}

static struct set_state *new_set(struct set_state *sets, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (sets[i].is_new)
            return &sets[i];
    return NULL;
}

/* -- scaling what is there -- */

bool deployment_is_scaling(const struct deployment_limits *l, const struct set_state *sets, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (sets[i].replicas > 0 && sets[i].desired_mark >= 0 && sets[i].desired_mark != l->replicas)
            return true;
    return false;
}

/* The only set with pods; with none, the new or else the newest; NULL when several have pods. */
static struct set_state *only_set(struct set_state *sets, uint32_t n) {
    struct set_state *active = NULL, *newest = NULL;
    uint32_t n_active = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (sets[i].replicas > 0) {
            active = &sets[i];
            n_active++;
        }
        if (!newest || cmp_age(newest, &sets[i]) < 0)
            newest = &sets[i];
    }
    if (n_active == 1)
        return active;
    struct set_state *fresh = new_set(sets, n);
    return n_active ? NULL : fresh ? fresh : newest;
}

static int32_t share(const struct deployment_limits *l, const struct set_state *s, int64_t to_add,
                     int64_t added) {
    if (s->replicas == 0 || to_add == 0 || to_add == added)
        return 0;
    int64_t part = -(int64_t)s->replicas;
    if (l->replicas > 0) {
        int64_t before = s->max_mark > 0 ? s->max_mark : l->status_replicas;
        if (before <= 0)
            return 0;
        int64_t product = (int64_t)s->replicas * ((int64_t)l->replicas + l->surge);
        part = (2 * product + before) / (2 * before) - s->replicas;
    }
    int64_t allowed = to_add - added;
    if (to_add > 0)
        return (int32_t)(part < allowed ? part : allowed);
    return (int32_t)(part > allowed ? part : allowed);
}

static bool is_saturated(const struct deployment_limits *l, const struct set_state *s) {
    return s && s->desired_mark == l->replicas && s->replicas == l->replicas && s->available == l->replicas;
}

static void scale_in_proportion(const struct deployment_limits *l, struct set_state *sets, uint32_t n,
                                struct arena *a) {
    int64_t all = 0, allowed = l->replicas > 0 ? (int64_t)l->replicas + l->surge : 0, added = 0;
    for (uint32_t i = 0; i < n; i++)
        all += sets[i].replicas;
    int64_t to_add = allowed - all;
    struct set_state **v = sorted(sets, n, a, to_add > 0 ? cmp_largest_newest : cmp_largest_oldest);
    for (uint32_t i = 0; i < n && v[i]->replicas > 0; i++) {
        int32_t part = share(l, v[i], to_add, added);
        v[i]->target = v[i]->replicas + part;
        added += part;
    }
    /* what rounding left goes to the largest */
    if (n && v[0]->replicas > 0)
        v[0]->target = max32(0, (int32_t)(v[0]->target + to_add - added));
}

void deployment_plan_scale(const struct deployment_limits *l, struct set_state *sets, uint32_t n,
                           struct arena *a) {
    struct set_state *only = only_set(sets, n);
    if (only) {
        only->target = l->replicas;
        return;
    }
    if (is_saturated(l, new_set(sets, n))) {
        (void)deployment_plan_recreate_down(sets, n);
        return;
    }
    if (l->rolling)
        scale_in_proportion(l, sets, n, a);
}

/* -- rolling -- */

int32_t deployment_plan_new_size(const struct deployment_limits *l, const struct set_state *sets, uint32_t n,
                                 int32_t present) {
    if (!l->rolling)
        return l->replicas;
    int64_t current = sum_targets(sets, n), max = (int64_t)l->replicas + l->surge;
    if (current >= max)
        return present;
    int64_t up = max - current, missing = (int64_t)l->replicas - present;
    return present + (int32_t)(up < missing ? up : missing);
}

/* Old pods that are not available anyway go first. Returns what is left of the budget. */
static int64_t drop_unhealthy(struct set_state **old, uint32_t n, int64_t budget) {
    for (uint32_t i = 0; i < n && budget > 0; i++) {
        if (old[i]->is_new || old[i]->target == 0 || old[i]->target <= old[i]->available)
            continue;
        int64_t sick = old[i]->target - old[i]->available;
        int32_t down = (int32_t)(sick < budget ? sick : budget);
        old[i]->target -= down;
        budget -= down;
    }
    return budget;
}

static void drop_surplus(struct set_state **old, uint32_t n, int64_t surplus) {
    for (uint32_t i = 0; i < n && surplus > 0; i++) {
        if (old[i]->is_new || old[i]->target == 0)
            continue;
        int32_t down = (int32_t)(old[i]->target < surplus ? old[i]->target : surplus);
        old[i]->target -= down;
        surplus -= down;
    }
}

static void shrink_old(const struct deployment_limits *l, struct set_state *sets, uint32_t n,
                       struct arena *a) {
    const struct set_state *fresh = new_set(sets, n);
    int64_t min_available = (int64_t)l->replicas - l->unavailable;
    int64_t sick_new = fresh ? (int64_t)fresh->target - fresh->available : 0;
    int64_t budget = sum_targets(sets, n) - min_available - sick_new;
    if (budget <= 0)
        return;
    struct set_state **old = sorted(sets, n, a, cmp_oldest);
    budget = drop_unhealthy(old, n, budget);
    int64_t surplus = sum_available(sets, n) - min_available;
    /* A set that was shrunk just now may still count pods as available that are going: no more than the
     * budget. */
    drop_surplus(old, n, surplus < budget ? surplus : budget);
}

void deployment_plan_rolling(const struct deployment_limits *l, struct set_state *sets, uint32_t n,
                             struct arena *a) {
    struct set_state *fresh = new_set(sets, n);
    if (fresh) {
        fresh->target = fresh->replicas > l->replicas ? l->replicas
                                                      : deployment_plan_new_size(l, sets, n, fresh->replicas);
        if (fresh->target != fresh->replicas)
            return;
    }
    shrink_old(l, sets, n, a);
}

bool deployment_plan_recreate_down(struct set_state *sets, uint32_t n) {
    bool changed = false;
    for (uint32_t i = 0; i < n; i++) {
        if (sets[i].is_new || sets[i].replicas == 0)
            continue;
        sets[i].target = 0;
        changed = true;
    }
    return changed;
}
