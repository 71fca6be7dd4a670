/* Defaults of the autoscaling group. See defaults_priv.h. */
#include "api/types/autoscaling.h"
#include "api/defaults/defaults_priv.h"

#define TARGET_CPU_PERCENT 80

static void scaling_rules(struct arena *a, struct autoscaling_hpa_scaling_rules **rules,
                          const struct autoscaling_hpa_scaling_policy *policies, uint32_t n) {
    default_new(a, *rules);
    struct autoscaling_hpa_scaling_rules *r = *rules;
    default_absent(&r->select_policy, AUTOSCALING_MAX_CHANGE_POLICY_SELECT);
    if (r->policies.v)
        return;
    r->policies.v = arena_new_n(a, n, struct autoscaling_hpa_scaling_policy);
    r->policies.n = n;
    memcpy(r->policies.v, policies, n * sizeof *policies);
}

/* Up at once by four pods or all of them again, down as far as it goes, each in a quarter of a minute. */
DEFAULTER(behavior, autoscaling_horizontal_pod_autoscaler_behavior, b) {
    const struct autoscaling_hpa_scaling_policy up[] = {{AUTOSCALING_PODS_SCALING_POLICY, 4, 15},
                                                        {AUTOSCALING_PERCENT_SCALING_POLICY, 100, 15}};
    const struct autoscaling_hpa_scaling_policy down[] = {{AUTOSCALING_PERCENT_SCALING_POLICY, 100, 15}};
    scaling_rules(a, &b->scale_up, up, 2);
    default_i32(&b->scale_up->stabilization_window_seconds, 0);
    scaling_rules(a, &b->scale_down, down, 1);
}

DEFAULTER(autoscaler, autoscaling_horizontal_pod_autoscaler, h) {
    struct autoscaling_horizontal_pod_autoscaler_spec *s = &h->spec;
    default_i32(&s->min_replicas, 1);
    if (s->metrics.n)
        return;
    s->metrics.v = arena_new(a, struct autoscaling_metric_spec);
    s->metrics.n = 1;
    struct autoscaling_metric_spec *m = s->metrics.v;
    m->type = AUTOSCALING_RESOURCE_METRIC_SOURCE_TYPE;
    m->resource = arena_new(a, struct autoscaling_resource_metric_source);
    m->resource->name = CORE_RESOURCE_CPU;
    m->resource->target.type = AUTOSCALING_UTILIZATION_METRIC_TYPE;
    m->resource->target.average_utilization = (struct opt_i32){TARGET_CPU_PERCENT, true};
}

/* In version 1 other metrics hide in annotations; the target is filled in when it becomes version 2. */
DEFAULTER(autoscaler_v1, autoscaling_v1_horizontal_pod_autoscaler, h) {
    default_i32(&h->spec.min_replicas, 1);
}

static const struct default_rule table[] = {
    {TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER, autoscaler},
    {TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER_BEHAVIOR, behavior},
    {TY_AUTOSCALING_V1_HORIZONTAL_POD_AUTOSCALER, autoscaler_v1},
};
DEFAULT_RULES(autoscaling_defaults, table);
