/* Rules of policy/v1 PodDisruptionBudget. */
#include "api/types/policy.h"

#include "api/validation/meta.h"
#include "api/validation/workload.h"

static void check_bound(struct field_errors *e, const struct field_path *p, struct int_or_string value) {
    if (!value.set)
        return;
    check_int_or_percent(e, p, value);
    check_at_most_100_percent(e, p, value);
}

static void create(struct validation *v, const void *object) {
    static const struct str policies[] = {STR_INIT("IfHealthyBudget"), STR_INIT("AlwaysAllow")};
    const struct policy_pod_disruption_budget_spec *s =
        &((const struct policy_pod_disruption_budget *)object)->spec;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec");
    if (s->min_available.set && s->max_unavailable.set)
        field_invalid(e, p, bad_object(e, TY_POLICY_POD_DISRUPTION_BUDGET_SPEC, s),
                      "minAvailable and maxUnavailable exclude each other");
    check_bound(e, at_field(p, "minAvailable"), s->min_available);
    check_bound(e, at_field(p, "maxUnavailable"), s->max_unavailable);
    if (s->selector)
        check_label_selector(e, at_field(p, "selector"), s->selector, false);
    if (s->unhealthy_pod_eviction_policy.p)
        check_supported(e, at_field(p, "unhealthyPodEvictionPolicy"), s->unhealthy_pod_eviction_policy,
                        STR_SET(policies));
}

/* Selector values that are no label values stay accepted once they are stored. */
static void update(struct validation *v, const void *object, const void *old_object) {
    const struct policy_pod_disruption_budget *b = object, *old = old_object;
    if (!label_selector_has_odd_values(old->spec.selector)) {
        create(v, object);
        return;
    }
    struct policy_pod_disruption_budget rest = *b;
    rest.spec.selector = NULL;
    create(v, &rest);
    check_label_selector(v->errors, at_field(NULL, "spec.selector"), b->spec.selector, true);
}

static void status(struct validation *v, const void *object, const void *old) {
    (void)old;
    const struct policy_pod_disruption_budget_status *s =
        &((const struct policy_pod_disruption_budget *)object)->status;
    const struct status_count counts[] = {
        {"disruptionsAllowed", s->disruptions_allowed},
        {"currentHealthy", s->current_healthy},
        {"desiredHealthy", s->desired_healthy},
        {"expectedPods", s->expected_pods},
    };
    const struct field_path *p = at_field(NULL, "status");
    check_conditions(v->errors, at_field(p, "conditions"), &s->conditions);
    check_counts(v->errors, p, counts, sizeof counts / sizeof counts[0]);
}

const struct validator validator_policy_pod_disruption_budget = {.type = TY_POLICY_POD_DISRUPTION_BUDGET,
                                                                 .name = name_check_dns1123_subdomain,
                                                                 .create = create,
                                                                 .update = update,
                                                                 .status = status};
