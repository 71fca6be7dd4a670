/* Rules of scheduling.k8s.io/v1 PriorityClass, coordination.k8s.io/v1 Lease, node.k8s.io/v1 RuntimeClass. */
#include "api/types/scheduling.h"
#include "api/types/coordination.h"
#include "api/types/node.h"
#include "api/validation/meta.h"
#include "api/validation/pod.h"
#include "api/validation/resources.h"
#include "api/validation/validation.h"

#define USER_PRIORITY_MAX 1000000000

/* ---- PriorityClass ---- */

static const struct {
    struct str name;
    int32_t value;
} system_classes[] = {
    {STR_INIT("system-node-critical"), 2000001000},
    {STR_INIT("system-cluster-critical"), 2000000000},
};

static bool is_system_class(const struct scheduling_priority_class *c) {
    for (size_t i = 0; i < sizeof system_classes / sizeof system_classes[0]; i++)
        if (str_eq(c->metadata.name, system_classes[i].name))
            return c->value == system_classes[i].value && !c->global_default;
    return false;
}

static void create_priority(struct validation *v, const void *object) {
    static const struct str policies[] = {STR_INIT("Never"), STR_INIT("PreemptLowerPriority")};
    const struct scheduling_priority_class *c = object;
    struct field_errors *e = v->errors;
    if (str_has_prefix(c->metadata.name, S("system-"))) {
        if (!is_system_class(c))
            field_forbidden(e, at_field(NULL, "metadata.name"),
                            "the prefix 'system-' is for the system's own classes, with their own values");
    } else if (c->value > USER_PRIORITY_MAX) {
        field_forbidden(e, at_field(NULL, "value"), "maximum allowed value of a user defined priority is %d",
                        USER_PRIORITY_MAX);
    }
    check_enum(e, at_field(NULL, "preemptionPolicy"), c->preemption_policy, STR_SET(policies));
}

static void update_priority(struct validation *v, const void *object, const void *old_object) {
    const struct scheduling_priority_class *c = object, *old = old_object;
    if (c->value != old->value)
        field_forbidden(v->errors, at_field(NULL, "value"), "may not be changed in an update.");
    check_immutable(v->errors, at_field(NULL, "preemptionPolicy"), TY_SCHEDULING_PRIORITY_CLASS,
                    S("preemptionPolicy"), c, old);
}

const struct validator validator_scheduling_priority_class = {.type = TY_SCHEDULING_PRIORITY_CLASS,
                                                              .name = name_check_dns1123_subdomain,
                                                              .create = create_priority,
                                                              .update = update_priority};

/* ---- Lease ---- */

static void create_lease(struct validation *v, const void *object) {
    const struct coordination_lease_spec *s = &((const struct coordination_lease *)object)->spec;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *strategy = at_field(p, "strategy");
    if (s->lease_duration_seconds.set)
        check_positive(e, at_field(p, "leaseDurationSeconds"), s->lease_duration_seconds.v);
    if (s->lease_transitions.set)
        check_non_negative(e, at_field(p, "leaseTransitions"), s->lease_transitions.v);
    if (s->strategy.p) {
        static const struct str known[] = {STR_INIT("OldestEmulationVersion")};
        if (str_find_byte(s->strategy, '/') >= 0)
            check_label_key(e, strategy, s->strategy);
        else
            check_supported(e, strategy, s->strategy, STR_SET(known));
    }
    if (!str_empty(s->preferred_holder) && str_empty(s->strategy))
        field_forbidden(e, at_field(p, "preferredHolder"), "only together with a strategy");
}

const struct validator validator_coordination_lease = {
    .type = TY_COORDINATION_LEASE, .name = name_check_dns1123_subdomain, .create = create_lease};

/* ---- RuntimeClass ---- */

static struct str seconds_key(const struct opt_i64 *seconds) {
    return seconds->set ? str_make((const char *)&seconds->v, sizeof seconds->v) : STR_NONE;
}

/* Key, operator, value and effect as one part each, seconds beside the value. */
static bool toleration_seen(struct seen *keys, struct seen *values, const struct core_toleration *t) {
    bool key = seen_before3(keys, t->key, t->operator, t->effect);
    bool value = seen_before3(values, t->key, t->value, seconds_key(&t->toleration_seconds));
    return key && value;
}

static void check_scheduling(struct field_errors *e, const struct field_path *p,
                             const struct node_scheduling *s) {
    const struct field_path *list = at_field(p, "tolerations");
    SEEN(keys);
    SEEN(values);
    check_labels(e, at_field(p, "nodeSelector"), &s->node_selector);
    check_tolerations(e, list, &s->tolerations);
    for (uint32_t i = 0; i < s->tolerations.n; i++) {
        if (!toleration_seen(&keys, &values, &s->tolerations.v[i]))
            continue;
        bool twice = false;
        for (uint32_t k = 0; !twice && k < i; k++)
            twice = api_equal(&builtin, TY_CORE_TOLERATION, &s->tolerations.v[k], &s->tolerations.v[i]);
        if (twice)
            field_duplicate(e, at_index(list, i), bad_object(e, TY_CORE_TOLERATION, &s->tolerations.v[i]));
    }
}

static void create_runtime(struct validation *v, const void *object) {
    const struct node_runtime_class *r = object;
    check_required_format(v->errors, at_field(NULL, "handler"), r->handler, name_check_dns1123_label);
    if (r->overhead)
        check_container_resources(v->errors, at_field(NULL, "overhead"), &r->overhead->pod_fixed);
    if (r->scheduling)
        check_scheduling(v->errors, at_field(NULL, "scheduling"), r->scheduling);
}

static void update_runtime(struct validation *v, const void *object, const void *old) {
    create_runtime(v, object);
    check_immutable(v->errors, at_field(NULL, "handler"), TY_NODE_RUNTIME_CLASS, S("handler"), object, old);
}

const struct validator validator_node_runtime_class = {.type = TY_NODE_RUNTIME_CLASS,
                                                       .name = name_check_dns1123_subdomain,
                                                       .create = create_runtime,
                                                       .update = update_runtime};
