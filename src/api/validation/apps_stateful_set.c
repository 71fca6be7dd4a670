/* Rules of apps/v1 StatefulSet and ControllerRevision. */
#include "api/types/apps.h"
#include "api/validation/workload.h"
#include "codec/json.h"

/* ---- StatefulSet ---- */

static void check_rolling_update(struct field_errors *e, const struct field_path *p,
                                 const struct apps_rolling_update_stateful_set_strategy *r) {
    check_opt_non_negative(e, at_field(p, "partition"), r->partition);
    if (!r->max_unavailable.set)
        return;
    const struct field_path *max = at_field(p, "maxUnavailable");
    check_int_or_percent(e, max, r->max_unavailable);
    if (int_or_percent_number(r->max_unavailable) == 0)
        field_invalid(e, max, bad(r->max_unavailable), "cannot be 0");
    check_at_most_100_percent(e, max, r->max_unavailable);
}

static void check_update_strategy(struct field_errors *e, const struct field_path *p,
                                  const struct apps_stateful_set_update_strategy *s) {
    const struct field_path *rolling = at_field(p, "rollingUpdate");
    if (str_empty(s->type)) {
        field_required(e, p);
    } else if (str_eq(s->type, S("OnDelete"))) {
        if (s->rolling_update)
            field_invalid(e, rolling,
                          bad_object(e, TY_APPS_ROLLING_UPDATE_STATEFUL_SET_STRATEGY, s->rolling_update),
                          "only allowed for updateStrategy 'RollingUpdate'");
    } else if (str_eq(s->type, S("RollingUpdate"))) {
        if (s->rolling_update)
            check_rolling_update(e, rolling, s->rolling_update);
    } else {
        field_invalid(e, p, bad_object(e, TY_APPS_STATEFUL_SET_UPDATE_STRATEGY, s),
                      "must be 'RollingUpdate' or 'OnDelete'");
    }
}

static void check_management(struct field_errors *e, const struct field_path *p, struct str policy) {
    if (!check_required(e, p, policy) || str_eq(policy, S("OrderedReady")) || str_eq(policy, S("Parallel")))
        return;
    field_invalid(e, p, bad(policy), "must be 'OrderedReady' or 'Parallel'");
}

static void check_spec(struct validation *v, const struct apps_stateful_set_spec *s,
                       const struct apps_stateful_set_spec *old) {
    static const struct str retention[] = {STR_INIT("Retain"), STR_INIT("Delete")};
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *template = at_field(p, "template"),
                            *claims = at_field(p, "persistentVolumeClaimRetentionPolicy");
    check_management(e, at_field(p, "podManagementPolicy"), s->pod_management_policy);
    check_update_strategy(e, at_field(p, "updateStrategy"), &s->update_strategy);
    if (s->persistent_volume_claim_retention_policy) {
        check_supported(e, at_field(claims, "whenDeleted"),
                        s->persistent_volume_claim_retention_policy->when_deleted, STR_SET(retention));
        check_supported(e, at_field(claims, "whenScaled"),
                        s->persistent_volume_claim_retention_policy->when_scaled, STR_SET(retention));
    }
    check_opt_non_negative(e, at_field(p, "replicas"), s->replicas);
    check_non_negative(e, at_field(p, "minReadySeconds"), s->min_ready_seconds);
    if (s->ordinals)
        check_non_negative(e, at_field(p, "ordinals.start"), s->ordinals->start);
    if (!old)
        check_optional_format(e, at_field(p, "serviceName"), s->service_name, name_check_dns1123_label);
    bool usable = check_workload_selector(v, at_field(p, "selector"), s->selector, "stateful set");
    check_workload_template(v, template, &s->template, old ? &old->template : NULL,
                            usable ? s->selector : NULL);
    check_endless_template(e, template, &s->template);
}

static void create_stateful_set(struct validation *v, const void *object) {
    check_spec(v, &((const struct apps_stateful_set *)object)->spec, NULL);
}

static void update_stateful_set(struct validation *v, const void *object, const void *old_object) {
    static const struct str mutable[] = {
        STR_INIT("replicas"),
        STR_INIT("ordinals"),
        STR_INIT("template"),
        STR_INIT("updateStrategy"),
        STR_INIT("minReadySeconds"),
        STR_INIT("persistentVolumeClaimRetentionPolicy"),
        STR_INIT("revisionHistoryLimit"),
    };
    const struct apps_stateful_set *s = object, *old = old_object;
    check_spec(v, &s->spec, &old->spec);
    if (!api_equal_but(&builtin, TY_APPS_STATEFUL_SET_SPEC, &s->spec, &old->spec, mutable,
                       sizeof mutable / sizeof mutable[0]))
        field_forbidden(v->errors, at_field(NULL, "spec"),
                        "a stateful set can only change its 'replicas', 'ordinals', 'template', "
                        "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' "
                        "and 'minReadySeconds'");
}

static void status_stateful_set(struct validation *v, const void *object, const void *old_object) {
    const struct apps_stateful_set_status *s = &((const struct apps_stateful_set *)object)->status,
                                          *old = &((const struct apps_stateful_set *)old_object)->status;
    const struct status_count counts[] = {
        {"replicas", s->replicas},
        {"readyReplicas", s->ready_replicas},
        {"currentReplicas", s->current_replicas},
        {"updatedReplicas", s->updated_replicas},
        {"availableReplicas", s->available_replicas},
        {"observedGeneration", s->observed_generation},
        {"collisionCount", s->collision_count.set ? s->collision_count.v : 0},
    };
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "status");
    check_counts(e, p, counts, sizeof counts / sizeof counts[0]);
    check_count_within(e, p, "readyReplicas", s->ready_replicas, s->replicas, "status.replicas");
    check_count_within(e, p, "currentReplicas", s->current_replicas, s->replicas, "status.replicas");
    check_count_within(e, p, "updatedReplicas", s->updated_replicas, s->replicas, "status.replicas");
    check_count_within(e, p, "availableReplicas", s->available_replicas, s->replicas, "status.replicas");
    check_count_within(e, p, "availableReplicas", s->available_replicas, s->ready_replicas,
                       "status.readyReplicas");
    check_collision_count(e, p, s->collision_count, old->collision_count);
}

const struct validator validator_apps_stateful_set = {.type = TY_APPS_STATEFUL_SET,
                                                      .name = name_check_dns1123_label,
                                                      .create = create_stateful_set,
                                                      .update = update_stateful_set,
                                                      .status = status_stateful_set};

/* ---- ControllerRevision ---- */

static void create_revision(struct validation *v, const void *object) {
    const struct apps_controller_revision *r = object;
    const struct field_path *data = at_field(NULL, "data");
    if (str_empty(r->data) || str_eq(r->data, S("null")))
        field_required(v->errors, data);
    else if (!str_has_prefix(str_trim(r->data), S("{")))
        field_invalid(v->errors, data, bad(r->data), "must be a JSON object");
    check_non_negative(v->errors, at_field(NULL, "revision"), r->revision);
}

static void update_revision(struct validation *v, const void *object, const void *old) {
    create_revision(v, object);
    check_immutable(v->errors, at_field(NULL, "data"), TY_APPS_CONTROLLER_REVISION, S("data"), object, old);
}

const struct validator validator_apps_controller_revision = {.type = TY_APPS_CONTROLLER_REVISION,
                                                             .name = name_check_dns1123_subdomain,
                                                             .create = create_revision,
                                                             .update = update_revision};
