/* controller/taints: which taints of a node a pod bears. */
#include "controller/taints.h"

#include "api/intstr.h"
#include "base/timefmt.h"

static bool numbers_compare(const struct core_taint *t, const struct core_toleration *by) {
    int64_t taint, bound;
    if (!int_parse(t->value, &taint) || !int_parse(by->value, &bound))
        return false;
    return str_eq(by->operator, S("Lt")) ? taint < bound : taint > bound;
}

bool taint_tolerated_by(const struct core_taint *t, const struct core_toleration *by) {
    if (by->effect.n && !str_eq(by->effect, t->effect))
        return false;
    if (by->key.n && !str_eq(by->key, t->key))
        return false;
    if (str_eq(by->operator, S("Exists")))
        return true;
    if (!by->operator.n || str_eq(by->operator, S("Equal")))
        return str_eq(by->value, t->value);
    return (str_eq(by->operator, S("Lt")) || str_eq(by->operator, S("Gt"))) && numbers_compare(t, by);
}

const struct core_toleration *taint_toleration(const struct core_taint *t,
                                               const struct core_toleration_array *by) {
    for (uint32_t i = 0; i < by->n; i++)
        if (taint_tolerated_by(t, &by->v[i]))
            return &by->v[i];
    return NULL;
}

bool taints_tolerated(const struct core_taint_array *taints, const struct core_toleration_array *by,
                      struct str effect, struct str or_effect) {
    for (uint32_t i = 0; i < taints->n; i++) {
        const struct core_taint *t = &taints->v[i];
        bool counts = str_eq(t->effect, effect) || (or_effect.n && str_eq(t->effect, or_effect));
        if (counts && !taint_toleration(t, by))
            return false;
    }
    return true;
}

const struct core_taint *taint_find(const struct core_taint_array *taints, struct str key,
                                    struct str effect) {
    for (uint32_t i = 0; i < taints->n; i++)
        if (str_eq(taints->v[i].key, key) && str_eq(taints->v[i].effect, effect))
            return &taints->v[i];
    return NULL;
}

int64_t taints_stay_ns(const struct core_taint_array *taints, const struct core_toleration_array *by) {
    int64_t least = -1;
    for (uint32_t i = 0; i < taints->n; i++) {
        const struct core_taint *t = &taints->v[i];
        if (!str_eq(t->effect, S("NoExecute")))
            continue;
        const struct core_toleration *tolerated = taint_toleration(t, by);
        if (!tolerated)
            return 0;
        if (!tolerated->toleration_seconds.set)
            continue;
        int64_t seconds = tolerated->toleration_seconds.v;
        if (seconds <= 0)
            return 0;
        int64_t ns = seconds > INT64_MAX / NS_PER_SEC ? INT64_MAX : seconds * NS_PER_SEC;
        if (least < 0 || ns < least)
            least = ns;
    }
    return least;
}
