/* Rules of autoscaling: HorizontalPodAutoscaler and Scale. */
#include "api/types/autoscaling.h"

#include "api/quantity.h"
#include "api/validation/meta.h"
#include "api/validation/workload.h"

#define WINDOW_SEC_MAX 3600
#define PERIOD_SEC_MAX 1800

/* ---- metrics ---- */

static void check_target(struct field_errors *e, const struct field_path *p,
                         const struct autoscaling_metric_target *t) {
    static const struct str types[] = {STR_INIT("Utilization"), STR_INIT("Value"), STR_INIT("AverageValue")};
    if (check_required(e, at_field(p, "type"), t->type) && !str_set_has(STR_SET(types), t->type))
        field_invalid(e, at_field(p, "type"), bad(t->type), "must be Utilization, Value, or AverageValue");
    if (t->value.set && quantity_sign(&t->value) != 1)
        field_invalid(e, at_field(p, "value"), bad_quantity(e, &t->value), "must be positive");
    if (t->average_value.set && quantity_sign(&t->average_value) != 1)
        field_invalid(e, at_field(p, "averageValue"), bad_quantity(e, &t->average_value), "must be positive");
    if (t->average_utilization.set && t->average_utilization.v < 1)
        field_invalid(e, at_field(p, "averageUtilization"), bad(t->average_utilization),
                      "must be greater than 0");
}

static void check_identifier(struct field_errors *e, const struct field_path *p,
                             const struct autoscaling_metric_identifier *m) {
    check_required_format(e, at_field(p, "name"), m->name, name_check_path_segment);
}

static void check_reference(struct field_errors *e, const struct field_path *p,
                            const struct autoscaling_cross_version_object_reference *r) {
    check_required_format(e, at_field(p, "kind"), r->kind, name_check_path_segment);
    check_required_format(e, at_field(p, "name"), r->name, name_check_path_segment);
    struct str group, version;
    if (!str_empty(r->api_version) && !api_version_split(r->api_version, &group, &version))
        field_invalid(e, at_field(p, "apiVersion"), bad(r->api_version),
                      "must be a version or group/version");
}

static void check_object(struct field_errors *e, const struct field_path *p,
                         const struct autoscaling_object_metric_source *s) {
    check_reference(e, at_field(p, "describedObject"), &s->described_object);
    check_identifier(e, at_field(p, "metric"), &s->metric);
    check_target(e, at_field(p, "target"), &s->target);
    if (!s->target.value.set && !s->target.average_value.set)
        field_required_because(e, at_field(p, "target.averageValue"), "or a value");
}

static void check_external(struct field_errors *e, const struct field_path *p,
                           const struct autoscaling_external_metric_source *s) {
    check_identifier(e, at_field(p, "metric"), &s->metric);
    check_target(e, at_field(p, "target"), &s->target);
    if (!s->target.value.set && !s->target.average_value.set)
        field_required_because(e, at_field(p, "target.averageValue"), "or a value");
    if (s->target.value.set && s->target.average_value.set)
        field_forbidden(e, at_field(p, "target.value"), "value and averageValue exclude each other");
}

static void check_pods(struct field_errors *e, const struct field_path *p,
                       const struct autoscaling_pods_metric_source *s) {
    check_identifier(e, at_field(p, "metric"), &s->metric);
    check_target(e, at_field(p, "target"), &s->target);
    if (!s->target.average_value.set || quantity_sign(&s->target.average_value) != 1)
        field_required_because(e, at_field(p, "target.averageValue"), "a positive value");
}

/* Of a resource: exactly one of averageUtilization and averageValue. */
static void check_resource_target(struct field_errors *e, const struct field_path *p,
                                  const struct autoscaling_metric_target *t) {
    check_target(e, at_field(p, "target"), t);
    if (!t->average_utilization.set && !t->average_value.set)
        field_required_because(e, at_field(p, "target.averageUtilization"), "or an averageValue");
    if (t->average_utilization.set && t->average_value.set)
        field_forbidden(e, at_field(p, "target.averageValue"),
                        "averageValue and averageUtilization exclude each other");
}

enum metric_kind {
    METRIC_OBJECT,
    METRIC_PODS,
    METRIC_RESOURCE,
    METRIC_EXTERNAL,
    METRIC_CONTAINER,
    METRIC_KINDS
};

static const struct {
    struct str type, field;
} metric_kinds[METRIC_KINDS] = {
    [METRIC_OBJECT] = {STR_INIT("Object"), STR_INIT("object")},
    [METRIC_PODS] = {STR_INIT("Pods"), STR_INIT("pods")},
    [METRIC_RESOURCE] = {STR_INIT("Resource"), STR_INIT("resource")},
    [METRIC_EXTERNAL] = {STR_INIT("External"), STR_INIT("external")},
    [METRIC_CONTAINER] = {STR_INIT("ContainerResource"), STR_INIT("containerResource")},
};

/* The metric's source of the kind must be there, others must not. */
static void check_members(struct field_errors *e, const struct field_path *p,
                          const struct autoscaling_metric_spec *m) {
    static const struct str types[] = {STR_INIT("ContainerResource"), STR_INIT("External"),
                                       STR_INIT("Object"), STR_INIT("Pods"), STR_INIT("Resource")};
    const bool has[METRIC_KINDS] = {
        [METRIC_OBJECT] = m->object,
        [METRIC_PODS] = m->pods,
        [METRIC_RESOURCE] = m->resource,
        [METRIC_EXTERNAL] = m->external,
        [METRIC_CONTAINER] = m->container_resource,
    };
    if (!check_enum(e, at_field(p, "type"), m->type, STR_SET(types)))
        return;
    for (size_t i = 0; i < METRIC_KINDS; i++) {
        const struct field_path *at = at_name(p, metric_kinds[i].field);
        bool wanted = str_eq(m->type, metric_kinds[i].type);
        if (wanted && !has[i])
            field_required_because(e, at, "for this type of metric");
        if (!wanted && has[i])
            field_forbidden(e, at, "goes with another type of metric");
    }
}

static void check_metric(struct field_errors *e, const struct field_path *p,
                         const struct autoscaling_metric_spec *m) {
    check_members(e, p, m);
    if (m->object)
        check_object(e, at_field(p, "object"), m->object);
    if (m->external)
        check_external(e, at_field(p, "external"), m->external);
    if (m->pods)
        check_pods(e, at_field(p, "pods"), m->pods);
    if (m->resource) {
        const struct field_path *at = at_field(p, "resource");
        check_required(e, at_field(at, "name"), m->resource->name);
        check_resource_target(e, at, &m->resource->target);
    }
    if (m->container_resource) {
        const struct field_path *at = at_field(p, "containerResource");
        check_required(e, at_field(at, "name"), m->container_resource->name);
        check_required(e, at_field(at, "container"), m->container_resource->container);
        check_resource_target(e, at, &m->container_resource->target);
    }
}

/* ---- behavior ---- */

static void check_policy(struct field_errors *e, const struct field_path *p,
                         const struct autoscaling_hpa_scaling_policy *policy) {
    static const struct str types[] = {STR_INIT("Pods"), STR_INIT("Percent")};
    check_supported(e, at_field(p, "type"), policy->type, STR_SET(types));
    check_positive(e, at_field(p, "value"), policy->value);
    check_range(e, at_field(p, "periodSeconds"), policy->period_seconds, 1, PERIOD_SEC_MAX);
}

static void check_rules(struct field_errors *e, const struct field_path *p,
                        const struct autoscaling_hpa_scaling_rules *r) {
    static const struct str policies[] = {STR_INIT("Max"), STR_INIT("Min"), STR_INIT("Disabled")};
    const struct field_path *at = at_field(p, "policies");
    if (!r)
        return;
    if (r->stabilization_window_seconds.set)
        check_range(e, at_field(p, "stabilizationWindowSeconds"), r->stabilization_window_seconds.v, 0,
                    WINDOW_SEC_MAX);
    if (r->select_policy.p)
        check_supported(e, at_field(p, "selectPolicy"), r->select_policy, STR_SET(policies));
    if (r->policies.n == 0)
        field_required_because(e, at, "at least one policy");
    for (uint32_t i = 0; i < r->policies.n; i++)
        check_policy(e, at_index(at, i), &r->policies.v[i]);
    if (r->tolerance.set)
        check_non_negative_quantity(e, at_field(p, "tolerance"), &r->tolerance);
}

/* ---- HorizontalPodAutoscaler ---- */

static void create_autoscaler(struct validation *v, const void *object) {
    const struct autoscaling_horizontal_pod_autoscaler_spec *s =
        &((const struct autoscaling_horizontal_pod_autoscaler *)object)->spec;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *metrics = at_field(p, "metrics"),
                            *behavior = at_field(p, "behavior");
    if (s->min_replicas.set && s->min_replicas.v < 1)
        field_invalid(e, at_field(p, "minReplicas"), bad(s->min_replicas),
                      "must be greater than or equal to 1");
    if (s->max_replicas == 0)
        field_required_because(e, at_field(p, "maxReplicas"), "must be greater than or equal to 1");
    else if (s->max_replicas < 1)
        field_invalid(e, at_field(p, "maxReplicas"), bad(s->max_replicas), "must be greater than 0");
    if (s->min_replicas.set && s->max_replicas < s->min_replicas.v)
        field_invalid(e, at_field(p, "maxReplicas"), bad(s->max_replicas),
                      "must be greater than or equal to `minReplicas`");
    check_reference(e, at_field(p, "scaleTargetRef"), &s->scale_target_ref);
    for (uint32_t i = 0; i < s->metrics.n; i++)
        check_metric(e, at_index(metrics, i), &s->metrics.v[i]);
    if (s->behavior) {
        check_rules(e, at_field(behavior, "scaleUp"), s->behavior->scale_up);
        check_rules(e, at_field(behavior, "scaleDown"), s->behavior->scale_down);
    }
}

static void status_autoscaler(struct validation *v, const void *object, const void *old) {
    (void)old;
    const struct autoscaling_horizontal_pod_autoscaler_status *s =
        &((const struct autoscaling_horizontal_pod_autoscaler *)object)->status;
    check_non_negative(v->errors, at_field(NULL, "status.currentReplicas"), s->current_replicas);
    check_non_negative(v->errors, at_field(NULL, "status.desiredReplicas"), s->desired_replicas);
}

const struct validator validator_autoscaling_horizontal_pod_autoscaler = {
    .type = TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER,
    .name = name_check_dns1123_subdomain,
    .create = create_autoscaler,
    .status = status_autoscaler};

/* ---- Scale ---- */

static void create_scale(struct validation *v, const void *object) {
    const struct autoscaling_scale *s = object;
    check_non_negative(v->errors, at_field(NULL, "spec.replicas"), s->spec.replicas);
}

const struct validator validator_autoscaling_scale = {
    .type = TY_AUTOSCALING_SCALE, .name = name_check_dns1123_subdomain, .create = create_scale};
