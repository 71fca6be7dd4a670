/* Rules of core/v1 ReplicationController, ServiceAccount and Binding. */
#include "api/types/core.h"
#include "api/validation/pod.h"
#include "api/validation/validation.h"

/* ---- ReplicationController ---- */

static bool selects(const struct str_map *selector, const struct str_map *labels) {
    for (uint32_t i = 0; i < selector->n; i++) {
        struct str value = str_map_get(*labels, selector->v[i].key);
        if (!value.p || !str_eq(value, selector->v[i].value))
            return false;
    }
    return true;
}

static void check_template(struct validation *v, const struct field_path *p,
                           const struct core_replication_controller_spec *spec,
                           const struct core_replication_controller_spec *old) {
    static const struct str always[] = {STR_INIT("Always")};
    const struct core_pod_template_spec *t = spec->template;
    struct field_errors *e = v->errors;
    if (!t) {
        field_required(e, p);
        return;
    }
    if (spec->selector.n && !selects(&spec->selector, &t->metadata.labels))
        field_invalid(e, at_field(p, "metadata.labels"),
                      bad_field(e, TY_META_OBJECT_META, S("labels"), &t->metadata),
                      "`selector` does not match template `labels`");
    check_pod_template(v, p, t, old ? old->template : NULL);
    if (!str_eq(t->spec.restart_policy, S("Always")))
        field_not_supported(e, at_field(p, "spec.restartPolicy"), bad(t->spec.restart_policy), always, 1);
    if (t->spec.active_deadline_seconds.set)
        field_forbidden(e, at_field(p, "spec.activeDeadlineSeconds"),
                        "activeDeadlineSeconds in ReplicationController is not supported");
}

static void check_controller(struct validation *v, const struct core_replication_controller_spec *spec,
                             const struct core_replication_controller_spec *old) {
    const struct field_path *p = at_field(NULL, "spec");
    struct field_errors *e = v->errors;
    check_non_negative(e, at_field(p, "minReadySeconds"), spec->min_ready_seconds);
    if (spec->selector.n == 0)
        field_required(e, at_field(p, "selector"));
    if (spec->replicas.set)
        check_non_negative(e, at_field(p, "replicas"), spec->replicas.v);
    else
        field_required(e, at_field(p, "replicas"));
    check_template(v, at_field(p, "template"), spec, old);
}

static void create_controller(struct validation *v, const void *object) {
    check_controller(v, &((const struct core_replication_controller *)object)->spec, NULL);
}

static void update_controller(struct validation *v, const void *object, const void *old) {
    check_controller(v, &((const struct core_replication_controller *)object)->spec,
                     &((const struct core_replication_controller *)old)->spec);
}

static void update_controller_status(struct validation *v, const void *object, const void *old) {
    (void)old;
    const struct core_replication_controller_status *s =
        &((const struct core_replication_controller *)object)->status;
    const struct field_path *p = at_field(NULL, "status");
    struct field_errors *e = v->errors;
    const struct field_path *available = at_field(p, "availableReplicas");
    static const char *const above = "cannot be greater than status.replicas";
    check_non_negative(e, at_field(p, "replicas"), s->replicas);
    check_non_negative(e, at_field(p, "fullyLabeledReplicas"), s->fully_labeled_replicas);
    check_non_negative(e, at_field(p, "readyReplicas"), s->ready_replicas);
    check_non_negative(e, available, s->available_replicas);
    check_non_negative(e, at_field(p, "observedGeneration"), s->observed_generation);
    if (s->fully_labeled_replicas > s->replicas)
        field_invalid(e, at_field(p, "fullyLabeledReplicas"), bad(s->fully_labeled_replicas), "%s", above);
    if (s->ready_replicas > s->replicas)
        field_invalid(e, at_field(p, "readyReplicas"), bad(s->ready_replicas), "%s", above);
    if (s->available_replicas > s->replicas)
        field_invalid(e, available, bad(s->available_replicas), "%s", above);
    if (s->available_replicas > s->ready_replicas)
        field_invalid(e, available, bad(s->available_replicas), "cannot be greater than readyReplicas");
}

const struct validator validator_core_replication_controller = {.type = TY_CORE_REPLICATION_CONTROLLER,
                                                                .name = name_check_dns1123_subdomain,
                                                                .create = create_controller,
                                                                .update = update_controller,
                                                                .status = update_controller_status};

/* ---- ServiceAccount ---- */

const struct validator validator_core_service_account = {.type = TY_CORE_SERVICE_ACCOUNT,
                                                         .name = name_check_dns1123_subdomain};

/* ---- Binding ---- */

static void create_binding(struct validation *v, const void *object) {
    static const struct str target_kinds[] = {STR_INIT("Node"), STR_INIT("<empty>")};
    const struct core_binding *b = object;
    if (!str_empty(b->target.kind) && !str_eq(b->target.kind, S("Node")))
        field_not_supported(v->errors, at_field(NULL, "target.kind"), bad(b->target.kind), target_kinds, 2);
    check_required(v->errors, at_field(NULL, "target.name"), b->target.name);
}

const struct validator validator_core_binding = {.type = TY_CORE_BINDING, .create = create_binding};

/* ---- what is asked for of a pod's logs ---- */

void validate_pod_log_options(const struct core_pod_log_options *o, struct field_errors *e) {
    static const struct str streams[] = {STR_INIT("All"), STR_INIT("Stdout"), STR_INIT("Stderr")};
    const struct field_path *stream = at_field(NULL, "stream");
    if (o->tail_lines.set)
        check_non_negative(e, at_field(NULL, "tailLines"), o->tail_lines.v);
    if (o->limit_bytes.set && o->limit_bytes.v < 1)
        field_invalid(e, at_field(NULL, "limitBytes"), bad(o->limit_bytes.v), "must be greater than 0");
    if (o->since_seconds.set && o->since_time.set)
        field_forbidden(e, NULL, "at most one of `sinceTime` or `sinceSeconds` may be specified");
    else if (o->since_seconds.set && o->since_seconds.v < 1)
        field_invalid(e, at_field(NULL, "sinceSeconds"), bad(o->since_seconds.v), "must be greater than 0");
    if (o->stream.p && check_enum(e, stream, o->stream, STR_SET(streams)) && !str_eq(o->stream, S("All")) &&
        o->tail_lines.set)
        field_forbidden(e, NULL, "`tailLines` and a specific `stream` cannot be used together");
}
