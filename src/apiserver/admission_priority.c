/* Priority: pods get the number that their class names, and there is one default class at most. See
 * admission.h. CONFORMS: KEP-268. */
#include "api/types/core.h"
#include "api/types/scheduling.h"
#include "apiserver/admission_priv.h"

#define NEVER_LOWER S("PreemptLowerPriority")

static struct str policy_of(const struct scheduling_priority_class *class) {
    return class && class->preemption_policy.p ? class->preemption_policy : NEVER_LOWER;
}

/* The default class; the lowest of several. */
static const struct scheduling_priority_class *default_class(const struct admission_request *r,
                                                             struct str but) {
    const struct cache_snapshot *s = call_snapshot(r->call, KIND_SCHEDULING_PRIORITY_CLASS);
    const struct scheduling_priority_class *best = NULL;
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &s->tree)) {
        const struct scheduling_priority_class *c = ((const struct object *)item->value)->body;
        if (c->global_default && !str_eq(c->metadata.name, but) && (!best || c->value < best->value))
            best = c;
    }
    return best;
}

static enum admission_verdict set_priority(const struct admission_request *r, struct core_pod *p,
                                           const struct scheduling_priority_class *class,
                                           struct status **ret_status) {
    int32_t value = class ? class->value : 0;
    struct str policy = policy_of(class);
    if (p->spec.priority.set && p->spec.priority.v != value)
        return admission_forbid(
            r, ret_status,
            "the integer value of priority (%d) must not be provided in pod spec; priority "
            "admission controller computed %d from the given PriorityClass name",
            p->spec.priority.v, value);
    if (p->spec.preemption_policy.p && !str_eq(p->spec.preemption_policy, policy))
        return admission_forbid(
            r, ret_status,
            "the string value of PreemptionPolicy (%.*s) must not be provided in pod spec; "
            "priority admission controller computed %.*s from the given PriorityClass name",
            STR_ARG(p->spec.preemption_policy), STR_ARG(policy));
    p->spec.priority.v = value;
    p->spec.priority.set = true;
    p->spec.preemption_policy = policy;
    return ADMIT_NEXT;
}

static enum admission_verdict create_pod(const struct admission_request *r, struct status **ret_status) {
    struct core_pod *p = r->object;
    const struct scheduling_priority_class *class = NULL;
    if (str_empty(p->spec.priority_class_name)) {
        class = default_class(r, S(""));
        if (class)
            p->spec.priority_class_name = class->metadata.name;
    } else {
        const struct object *o =
            call_lookup(r->call, KIND_SCHEDULING_PRIORITY_CLASS, S(""), p->spec.priority_class_name);
        if (!o)
            return admission_forbid(r, ret_status, "no PriorityClass with name %.*s was found",
                                    STR_ARG(p->spec.priority_class_name));
        class = o->body;
    }
    return set_priority(r, p, class, ret_status);
}

/* What was computed once stays, for clients that leave it out. */
static void update_pod(const struct admission_request *r) {
    struct core_pod *p = r->object;
    const struct core_pod *old = r->old;
    if (!p->spec.priority.set)
        p->spec.priority = old->spec.priority;
    if (!p->spec.preemption_policy.p)
        p->spec.preemption_policy = old->spec.preemption_policy;
}

static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    (void)a;
    if (!admission_is_main(r, KIND_CORE_POD))
        return ADMIT_NEXT;
    if (r->operation == ADMIT_CREATE)
        return create_pod(r, ret_status);
    update_pod(r);
    return ADMIT_NEXT;
}

static enum admission_verdict validate(struct admission *a, struct admission_request *r,
                                       struct status **ret_status) {
    (void)a;
    if (!admission_is_main(r, KIND_SCHEDULING_PRIORITY_CLASS))
        return ADMIT_NEXT;
    const struct scheduling_priority_class *c = r->object;
    const struct scheduling_priority_class *other =
        c->global_default ? default_class(r, c->metadata.name) : NULL;
    if (!other)
        return ADMIT_NEXT;
    return admission_forbid(r, ret_status,
                            "PriorityClass %.*s is already marked as default. Only one default can exist",
                            STR_ARG(other->metadata.name));
}

const struct admission_plugin admission_priority = {
    .name = "Priority",
    .operations = ADMIT_CREATE | ADMIT_UPDATE,
    .mutate = mutate,
    .validate = validate,
};
