/* Rules of apps/v1 Deployment and ReplicaSet. */
#include "api/types/apps.h"
#include "api/validation/workload.h"

#define STATUS at_field(NULL, "status")

/* ---- Deployment ---- */

static void check_rolling_update(struct field_errors *e, const struct field_path *p,
                                 const struct apps_rolling_update_deployment *r) {
    check_int_or_percent(e, at_field(p, "maxUnavailable"), r->max_unavailable);
    check_int_or_percent(e, at_field(p, "maxSurge"), r->max_surge);
    if (int_or_percent_number(r->max_unavailable) == 0 && int_or_percent_number(r->max_surge) == 0)
        field_invalid(e, at_field(p, "maxUnavailable"), bad(r->max_unavailable),
                      "may not be 0 when `maxSurge` is 0");
    check_at_most_100_percent(e, at_field(p, "maxUnavailable"), r->max_unavailable);
}

static void check_strategy(struct field_errors *e, const struct field_path *p,
                           const struct apps_deployment_strategy *s) {
    static const struct str types[] = {STR_INIT("Recreate"), STR_INIT("RollingUpdate")};
    if (str_eq(s->type, types[0])) {
        if (s->rolling_update)
            field_forbidden(e, at_field(p, "rollingUpdate"),
                            "may not be specified when strategy `type` is 'Recreate'");
    } else if (str_eq(s->type, types[1])) {
        if (s->rolling_update)
            check_rolling_update(e, at_field(p, "rollingUpdate"), s->rolling_update);
        else
            field_required(e, at_field(p, "rollingUpdate"));
    } else {
        field_not_supported(e, p, bad(s->type), types, 2);
    }
}

static void check_deployment_spec(struct validation *v, const struct apps_deployment_spec *s,
                                  const struct apps_deployment_spec *old) {
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *template = at_field(p, "template");
    check_opt_non_negative(e, at_field(p, "replicas"), s->replicas);
    bool usable = check_workload_selector(v, at_field(p, "selector"), s->selector, "deployment");
    check_workload_template(v, template, &s->template, old ? &old->template : NULL,
                            usable ? s->selector : NULL);
    check_endless_template(e, template, &s->template);
    check_strategy(e, at_field(p, "strategy"), &s->strategy);
    check_non_negative(e, at_field(p, "minReadySeconds"), s->min_ready_seconds);
    check_opt_non_negative(e, at_field(p, "revisionHistoryLimit"), s->revision_history_limit);
    if (!s->progress_deadline_seconds.set)
        return;
    check_non_negative(e, at_field(p, "progressDeadlineSeconds"), s->progress_deadline_seconds.v);
    if (s->progress_deadline_seconds.v <= s->min_ready_seconds)
        field_invalid(e, at_field(p, "progressDeadlineSeconds"), bad(s->progress_deadline_seconds.v),
                      "must be greater than minReadySeconds");
}

static void create_deployment(struct validation *v, const void *object) {
    check_deployment_spec(v, &((const struct apps_deployment *)object)->spec, NULL);
}

static void update_deployment(struct validation *v, const void *object, const void *old_object) {
    const struct apps_deployment *d = object, *old = old_object;
    check_deployment_spec(v, &d->spec, &old->spec);
    check_immutable(v->errors, at_field(NULL, "spec.selector"), TY_APPS_DEPLOYMENT_SPEC, S("selector"),
                    &d->spec, &old->spec);
}

static void status_deployment(struct validation *v, const void *object, const void *old_object) {
    const struct apps_deployment_status *s = &((const struct apps_deployment *)object)->status,
                                        *old = &((const struct apps_deployment *)old_object)->status;
    const struct status_count counts[] = {
        {"observedGeneration", s->observed_generation},
        {"replicas", s->replicas},
        {"updatedReplicas", s->updated_replicas},
        {"readyReplicas", s->ready_replicas},
        {"availableReplicas", s->available_replicas},
        {"unavailableReplicas", s->unavailable_replicas},
        {"terminatingReplicas", s->terminating_replicas.set ? s->terminating_replicas.v : 0},
        {"collisionCount", s->collision_count.set ? s->collision_count.v : 0},
    };
    struct field_errors *e = v->errors;
    check_counts(e, STATUS, counts, sizeof counts / sizeof counts[0]);
    check_count_within(e, STATUS, "updatedReplicas", s->updated_replicas, s->replicas, "status.replicas");
    check_count_within(e, STATUS, "readyReplicas", s->ready_replicas, s->replicas, "status.replicas");
    check_count_within(e, STATUS, "availableReplicas", s->available_replicas, s->replicas, "status.replicas");
    check_count_within(e, STATUS, "availableReplicas", s->available_replicas, s->ready_replicas,
                       "readyReplicas");
    check_collision_count(e, STATUS, s->collision_count, old->collision_count);
}

const struct validator validator_apps_deployment = {.type = TY_APPS_DEPLOYMENT,
                                                    .name = name_check_dns1123_subdomain,
                                                    .create = create_deployment,
                                                    .update = update_deployment,
                                                    .status = status_deployment};

/* ---- ReplicaSet ---- */

static void check_replica_set_spec(struct validation *v, const struct apps_replica_set_spec *s,
                                   const struct apps_replica_set_spec *old) {
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *template = at_field(p, "template");
    check_opt_non_negative(e, at_field(p, "replicas"), s->replicas);
    check_non_negative(e, at_field(p, "minReadySeconds"), s->min_ready_seconds);
    bool usable = check_workload_selector(v, at_field(p, "selector"), s->selector, "replica set");
    check_workload_template(v, template, &s->template, old ? &old->template : NULL,
                            usable ? s->selector : NULL);
    check_endless_template(e, template, &s->template);
}

static void create_replica_set(struct validation *v, const void *object) {
    check_replica_set_spec(v, &((const struct apps_replica_set *)object)->spec, NULL);
}

static void update_replica_set(struct validation *v, const void *object, const void *old_object) {
    const struct apps_replica_set *r = object, *old = old_object;
    check_replica_set_spec(v, &r->spec, &old->spec);
    check_immutable(v->errors, at_field(NULL, "spec.selector"), TY_APPS_REPLICA_SET_SPEC, S("selector"),
                    &r->spec, &old->spec);
}

static void status_replica_set(struct validation *v, const void *object, const void *old) {
    (void)old;
    const struct apps_replica_set_status *s = &((const struct apps_replica_set *)object)->status;
    const struct status_count counts[] = {
        {"replicas", s->replicas},
        {"fullyLabeledReplicas", s->fully_labeled_replicas},
        {"readyReplicas", s->ready_replicas},
        {"availableReplicas", s->available_replicas},
        {"terminatingReplicas", s->terminating_replicas.set ? s->terminating_replicas.v : 0},
        {"observedGeneration", s->observed_generation},
    };
    struct field_errors *e = v->errors;
    check_counts(e, STATUS, counts, sizeof counts / sizeof counts[0]);
    check_count_within(e, STATUS, "fullyLabeledReplicas", s->fully_labeled_replicas, s->replicas, "replicas");
    check_count_within(e, STATUS, "readyReplicas", s->ready_replicas, s->replicas, "replicas");
    check_count_within(e, STATUS, "availableReplicas", s->available_replicas, s->replicas, "replicas");
    check_count_within(e, STATUS, "availableReplicas", s->available_replicas, s->ready_replicas,
                       "readyReplicas");
}

const struct validator validator_apps_replica_set = {.type = TY_APPS_REPLICA_SET,
                                                     .name = name_check_dns1123_subdomain,
                                                     .create = create_replica_set,
                                                     .update = update_replica_set,
                                                     .status = status_replica_set};
