/* Rules on where a pod may run: affinity, tolerations, topology spread. See pod.h. */
#include "api/validation/meta.h"
#include "api/validation/node_selector.h"
#include "api/validation/pod.h"
#include "base/arena.h"

#define REQUIRED "requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"

static void check_weight(struct field_errors *e, const struct field_path *p, int32_t weight) {
    if (weight < 1 || weight > 100)
        field_invalid(e, at_field(p, "weight"), bad(weight), "must be in the range 1-100");
}

/* ---- node affinity ---- */

static const struct core_node_selector *required_nodes(const struct core_pod_spec *spec) {
    if (!spec || !spec->affinity || !spec->affinity->node_affinity)
        return NULL;
    return spec->affinity->node_affinity->required_during_scheduling_ignored_during_execution;
}

static void check_node_affinity(struct pod_check *pc, const struct field_path *p,
                                const struct core_node_affinity *a) {
    if (a->required_during_scheduling_ignored_during_execution)
        check_node_selector(pc->e, at_field(p, REQUIRED),
                            a->required_during_scheduling_ignored_during_execution,
                            node_selector_has_odd_values(required_nodes(pc->old)));
    const struct core_preferred_scheduling_term_array *terms =
        &a->preferred_during_scheduling_ignored_during_execution;
    for (uint32_t i = 0; i < terms->n; i++) {
        const struct field_path *at = at_index(at_field(p, PREFERRED), i);
        check_weight(pc->e, at, terms->v[i].weight);
        check_node_selector_term(pc->e, at_field(at, "preference"), &terms->v[i].preference, true);
    }
}

/* ---- keys whose values come from the pod's own labels ---- */

static void check_keys(struct field_errors *e, const struct field_path *p, const struct str_array *keys,
                       const struct meta_label_selector *selector) {
    if (keys->n && !selector) {
        field_forbidden(e, p, "must not be specified when labelSelector is not set");
        return;
    }
    for (uint32_t i = 0; i < keys->n; i++)
        check_label_key(e, at_index(p, i), keys->v[i]);
}

/* The keys that a selector uses more than once. */
static void collect_repeated(const struct meta_label_selector *selector, struct seen *ret_repeated) {
    SEEN(used);
    for (uint32_t i = 0; i < selector->match_labels.n; i++)
        (void)seen_before(&used, selector->match_labels.v[i].key);
    for (uint32_t i = 0; i < selector->match_expressions.n; i++)
        if (seen_before(&used, selector->match_expressions.v[i].key))
            (void)seen_before(ret_repeated, selector->match_expressions.v[i].key);
}

/* CONFORMS: the server has merged each key into the selector as one expression, so one use is its own. */
static void check_keys_unused(struct field_errors *e, const struct field_path *p,
                              const struct str_array *keys, const struct meta_label_selector *selector) {
    if (keys->n == 0 || !selector)
        return;
    SEEN(repeated);
    collect_repeated(selector, &repeated);
    for (uint32_t i = 0; i < keys->n; i++)
        if (seen_has(&repeated, (struct seen_key){{keys->v[i]}}))
            field_invalid(e, at_index(p, i), bad(keys->v[i]), "exists in both this list and labelSelector");
}

static void check_match_label_keys(struct field_errors *e, const struct field_path *p,
                                   const struct core_pod_affinity_term *term) {
    const struct field_path *match = at_field(p, "matchLabelKeys"),
                            *mismatch = at_field(p, "mismatchLabelKeys");
    check_keys(e, match, &term->match_label_keys, term->label_selector);
    check_keys(e, mismatch, &term->mismatch_label_keys, term->label_selector);

    SEEN(others);
    for (uint32_t i = 0; i < term->mismatch_label_keys.n; i++)
        (void)seen_before(&others, term->mismatch_label_keys.v[i]);
    for (uint32_t i = 0; i < term->match_label_keys.n; i++)
        if (seen_has(&others, (struct seen_key){{term->match_label_keys.v[i]}}))
            field_invalid(e, at_index(match, i), bad(term->match_label_keys.v[i]),
                          "exists in both matchLabelKeys and mismatchLabelKeys");
    check_keys_unused(e, match, &term->match_label_keys, term->label_selector);
    check_keys_unused(e, mismatch, &term->mismatch_label_keys, term->label_selector);
}

/* ---- pod affinity ---- */

static void check_pod_term(struct field_errors *e, const struct field_path *p,
                           const struct core_pod_affinity_term *term, bool any_values) {
    check_label_selector(e, at_field(p, "labelSelector"), term->label_selector, any_values);
    check_label_selector(e, at_field(p, "namespaceSelector"), term->namespace_selector, any_values);
    for (uint32_t i = 0; i < term->namespaces.n; i++)
        check_dns_label(e, at_index(at_field(p, "namespaces"), i), term->namespaces.v[i]);
    check_match_label_keys(e, p, term);
    const struct field_path *key = at_field(p, "topologyKey");
    if (str_empty(term->topology_key))
        field_required_because(e, key, "can not be empty");
    else
        check_label_key(e, key, term->topology_key);
}

static void check_pod_terms(struct field_errors *e, const struct field_path *p,
                            const struct core_pod_affinity_term_array *required,
                            const struct core_weighted_pod_affinity_term_array *preferred, bool any_values) {
    for (uint32_t i = 0; i < required->n; i++)
        check_pod_term(e, at_index(at_field(p, REQUIRED), i), &required->v[i], any_values);
    for (uint32_t i = 0; i < preferred->n; i++) {
        const struct field_path *at = at_index(at_field(p, PREFERRED), i);
        check_weight(e, at, preferred->v[i].weight);
        check_pod_term(e, at_field(at, "podAffinityTerm"), &preferred->v[i].pod_affinity_term, any_values);
    }
}

static bool term_has_odd_values(const struct core_pod_affinity_term *term) {
    return label_selector_has_odd_values(term->label_selector) ||
           label_selector_has_odd_values(term->namespace_selector);
}

static bool terms_have_odd_values(const struct core_pod_affinity_term_array *required,
                                  const struct core_weighted_pod_affinity_term_array *preferred) {
    for (uint32_t i = 0; i < required->n; i++)
        if (term_has_odd_values(&required->v[i]))
            return true;
    for (uint32_t i = 0; i < preferred->n; i++)
        if (term_has_odd_values(&preferred->v[i].pod_affinity_term))
            return true;
    return false;
}

/* Whether the stored spec has selectors that today's rules refuse; they may stay. */
static bool old_affinity_is_odd(const struct core_pod_spec *old) {
    const struct core_affinity *a = old ? old->affinity : NULL;
    if (!a)
        return false;
    return (a->pod_affinity &&
            terms_have_odd_values(&a->pod_affinity->required_during_scheduling_ignored_during_execution,
                                  &a->pod_affinity->preferred_during_scheduling_ignored_during_execution)) ||
           (a->pod_anti_affinity &&
            terms_have_odd_values(
                &a->pod_anti_affinity->required_during_scheduling_ignored_during_execution,
                &a->pod_anti_affinity->preferred_during_scheduling_ignored_during_execution));
}

void check_affinity(struct pod_check *pc, const struct field_path *p) {
    const struct core_affinity *a = pc->spec->affinity;
    if (!a)
        return;
    if (a->node_affinity)
        check_node_affinity(pc, at_field(p, "nodeAffinity"), a->node_affinity);
    if (!a->pod_affinity && !a->pod_anti_affinity)
        return;
    bool any_values = old_affinity_is_odd(pc->old);
    if (a->pod_affinity)
        check_pod_terms(pc->e, at_field(p, "podAffinity"),
                        &a->pod_affinity->required_during_scheduling_ignored_during_execution,
                        &a->pod_affinity->preferred_during_scheduling_ignored_during_execution, any_values);
    if (a->pod_anti_affinity)
        check_pod_terms(pc->e, at_field(p, "podAntiAffinity"),
                        &a->pod_anti_affinity->required_during_scheduling_ignored_during_execution,
                        &a->pod_anti_affinity->preferred_during_scheduling_ignored_during_execution,
                        any_values);
}

/* ---- tolerations ---- */

static void check_toleration(struct field_errors *e, const struct field_path *p,
                             const struct core_toleration *t) {
    static const struct str operators[] = {STR_INIT("Equal"), STR_INIT("Exists")};
    const struct field_path *operator= at_field(p, "operator");
    bool exists = str_eq(t->operator, S("Exists"));
    check_optional_format(e, at_field(p, "key"), t->key, name_check_qualified);
    if (str_empty(t->key) && !exists)
        field_invalid(e, operator, bad(t->operator),
                      "must be Exists when `key` is empty, which matches all keys and values");
    if (t->toleration_seconds.set && !str_eq(t->effect, S("NoExecute")))
        field_invalid(e, at_field(p, "effect"), bad(t->effect),
                      "must be 'NoExecute' when `tolerationSeconds` is set");
    if (exists) {
        if (!str_empty(t->value))
            field_invalid(e, operator, bad_object(e, TY_CORE_TOLERATION, t),
                          "value must be empty when `operator` is 'Exists'");
    } else if (str_empty(t->operator) || str_eq(t->operator, S("Equal"))) {
        check_label_value(e, operator, t->value);
    } else {
        field_not_supported(e, operator, bad(t->operator), operators, 2);
    }
    if (!str_empty(t->effect))
        check_taint_effect(e, at_field(p, "effect"), t->effect);
}

void check_tolerations(struct field_errors *e, const struct field_path *p,
                       const struct core_toleration_array *tolerations) {
    for (uint32_t i = 0; i < tolerations->n; i++)
        check_toleration(e, at_index(p, i), &tolerations->v[i]);
}

/* ---- topology spread ---- */

static void check_min_domains(struct field_errors *e, const struct field_path *p,
                              const struct core_topology_spread_constraint *c) {
    if (!c->min_domains.set)
        return;
    check_positive(e, p, c->min_domains.v);
    if (!str_eq(c->when_unsatisfiable, S("DoNotSchedule")))
        field_invalid(e, p, bad(c->min_domains),
                      "can only be used if whenUnsatisfiable is DoNotSchedule, not %.*s",
                      STR_ARG(c->when_unsatisfiable));
}

static void check_constraint(struct pod_check *pc, const struct field_path *p,
                             const struct core_topology_spread_constraint *c, bool any_values) {
    static const struct str actions[] = {STR_INIT("DoNotSchedule"), STR_INIT("ScheduleAnyway")};
    static const struct str policies[] = {STR_INIT("Honor"), STR_INIT("Ignore")};
    struct field_errors *e = pc->e;
    check_positive(e, at_field(p, "maxSkew"), c->max_skew);
    if (str_empty(c->topology_key))
        field_required_because(e, at_field(p, "topologyKey"), "can not be empty");
    else
        check_label_key(e, at_field(p, "topologyKey"), c->topology_key);
    check_supported(e, at_field(p, "whenUnsatisfiable"), c->when_unsatisfiable, STR_SET(actions));
    check_min_domains(e, at_field(p, "minDomains"), c);
    if (c->node_affinity_policy.p)
        check_supported(e, at_field(p, "nodeAffinityPolicy"), c->node_affinity_policy, STR_SET(policies));
    if (c->node_taints_policy.p)
        check_supported(e, at_field(p, "nodeTaintsPolicy"), c->node_taints_policy, STR_SET(policies));
    check_keys(e, at_field(p, "matchLabelKeys"), &c->match_label_keys, c->label_selector);
    check_keys_unused(e, at_field(p, "matchLabelKeys"), &c->match_label_keys, c->label_selector);
    check_label_selector(e, at_field(p, "labelSelector"), c->label_selector, any_values);
}

static bool old_spread_is_odd(const struct core_pod_spec *old) {
    for (uint32_t i = 0; old && i < old->topology_spread_constraints.n; i++)
        if (label_selector_has_odd_values(old->topology_spread_constraints.v[i].label_selector))
            return true;
    return false;
}

void check_topology_spread(struct pod_check *pc, const struct field_path *p) {
    const struct core_topology_spread_constraint_array *list = &pc->spec->topology_spread_constraints;
    if (list->n == 0)
        return;
    bool any_values = old_spread_is_odd(pc->old);
    SEEN(pairs);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_topology_spread_constraint *c = &list->v[i];
        check_constraint(pc, at_index(p, i), c, any_values);
        if (seen_before2(&pairs, c->topology_key, c->when_unsatisfiable)) {
            struct str pair = arena_printf(pc->e->arena, "{%.*s, %.*s}", STR_ARG(c->topology_key),
                                           STR_ARG(c->when_unsatisfiable));
            field_duplicate(pc->e, at_field(at_index(p, i), "{topologyKey, whenUnsatisfiable}"), bad(pair));
        }
    }
}
