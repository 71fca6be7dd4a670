/* Rules of scheduling.k8s.io/v1alpha2 Workload and PodGroup: upstream declares them beside the types.
 *
 * Fields of features that are off by default are checked as if these were on: who serves this group wants
 * them.
 *
 * CONFORMS: declarative validation: required, format, minimum, maxItems, list keys, unions, immutability.
 */
#include "api/types/scheduling.h"
#include "api/validation/validation.h"

#define CLAIMS_MAX 4
#define TEMPLATES_MAX 8
#define TOPOLOGY_MAX 1
#define PRIORITY_MAX 1000000000

/* What a pod group and its template have in common. */
struct group_rules {
    const struct scheduling_v1alpha2_pod_group_scheduling_policy *policy;
    const struct scheduling_v1alpha2_pod_group_scheduling_constraints *constraints;
    const struct scheduling_v1alpha2_pod_group_resource_claim_array *claims;
    struct str disruption_mode, priority_class_name;
    struct opt_i32 priority;
};

/* Exactly one member of a union; members lists them all. */
static void check_union(struct field_errors *e, const struct field_path *p, int n, const char *members) {
    if (n != 1)
        field_invalid(e, p, bad(S("")), "must specify exactly one of: %s", members);
}

static void check_policy(struct field_errors *e, const struct field_path *p,
                         const struct scheduling_v1alpha2_pod_group_scheduling_policy *policy) {
    check_union(e, p, !!policy->basic + !!policy->gang, "`basic`, `gang`");
    if (!policy->gang)
        return;
    const struct field_path *count = at_field(p, "gang.minCount");
    if (policy->gang->min_count == 0)
        field_required(e, count);
    else if (policy->gang->min_count < 1)
        field_invalid(e, count, bad(policy->gang->min_count), "must be greater than or equal to 1");
}

static void check_claims(struct field_errors *e, const struct field_path *p,
                         const struct scheduling_v1alpha2_pod_group_resource_claim_array *claims) {
    SEEN(names);
    check_max_items(e, p, claims->n, CLAIMS_MAX);
    for (uint32_t i = 0; i < claims->n; i++) {
        const struct scheduling_v1alpha2_pod_group_resource_claim *c = &claims->v[i];
        const struct field_path *at = at_index(p, i);
        if (seen_before(&names, c->name))
            field_duplicate(e, at, bad(c->name));
        check_required_format(e, at_field(at, "name"), c->name, name_check_dns1123_label);
        check_union(e, at, !!c->resource_claim_name.p + !!c->resource_claim_template_name.p,
                    "`resourceClaimName`, `resourceClaimTemplateName`");
        if (c->resource_claim_name.p)
            check_dns_subdomain(e, at_field(at, "resourceClaimName"), c->resource_claim_name);
        if (c->resource_claim_template_name.p)
            check_dns_subdomain(e, at_field(at, "resourceClaimTemplateName"),
                                c->resource_claim_template_name);
    }
}

static void check_group(struct field_errors *e, const struct field_path *p, const struct group_rules *g) {
    static const struct str modes[] = {STR_INIT("Pod"), STR_INIT("PodGroup")};
    const struct field_path *topology = at_field(p, "schedulingConstraints.topology");
    check_policy(e, at_field(p, "schedulingPolicy"), g->policy);
    if (g->constraints) {
        check_max_items(e, topology, g->constraints->topology.n, TOPOLOGY_MAX);
        for (uint32_t i = 0; i < g->constraints->topology.n; i++)
            check_required_format(e, at_field(at_index(topology, i), "key"),
                                  g->constraints->topology.v[i].key, name_check_qualified);
    }
    check_claims(e, at_field(p, "resourceClaims"), g->claims);
    if (g->disruption_mode.p)
        check_supported(e, at_field(p, "disruptionMode"), g->disruption_mode, STR_SET(modes));
    check_optional_format(e, at_field(p, "priorityClassName"), g->priority_class_name,
                          name_check_dns1123_subdomain);
    if (g->priority.set && g->priority.v > PRIORITY_MAX)
        field_invalid(e, at_field(p, "priority"), bad(g->priority.v), "must be less than or equal to %d",
                      PRIORITY_MAX);
}

/* ---- Workload ---- */

static void create_workload(struct validation *v, const void *object) {
    const struct scheduling_v1alpha2_workload_spec *spec =
        &((const struct scheduling_v1alpha2_workload *)object)->spec;
    const struct field_path *templates = at_field(NULL, "spec.podGroupTemplates");
    const struct field_path *owner = at_field(NULL, "spec.controllerRef");
    struct field_errors *e = v->errors;
    if (spec->controller_ref) {
        check_optional_format(e, at_field(owner, "apiGroup"), spec->controller_ref->api_group,
                              name_check_dns1123_subdomain);
        check_required_format(e, at_field(owner, "kind"), spec->controller_ref->kind,
                              name_check_path_segment);
        check_required_format(e, at_field(owner, "name"), spec->controller_ref->name,
                              name_check_path_segment);
    }
    SEEN(names);
    if (spec->pod_group_templates.n == 0)
        field_required(e, templates);
    check_max_items(e, templates, spec->pod_group_templates.n, TEMPLATES_MAX);
    for (uint32_t i = 0; i < spec->pod_group_templates.n; i++) {
        const struct scheduling_v1alpha2_pod_group_template *t = &spec->pod_group_templates.v[i];
        const struct group_rules g = {&t->scheduling_policy, t->scheduling_constraints, &t->resource_claims,
                                      t->disruption_mode,    t->priority_class_name,    t->priority};
        if (seen_before(&names, t->name))
            field_duplicate(e, at_index(templates, i), bad(t->name));
        check_required_format(e, at_field(at_index(templates, i), "name"), t->name, name_check_dns1123_label);
        check_group(e, at_index(templates, i), &g);
    }
}

/* All fields of a struct stay. */
static void check_fixed(struct field_errors *e, const struct field_path *p, uint32_t type, const void *object,
                        const void *old) {
    const struct ty_field *f = ty_fields(&builtin, type), *end = f + builtin.types[type].n;
    for (; f < end; f++) {
        struct str name = ty_field_name(&builtin, f);
        check_immutable(e, at_name(p, name), type, name, object, old);
    }
}

static void update_workload(struct validation *v, const void *object, const void *old) {
    create_workload(v, object);
    check_fixed(v->errors, at_field(NULL, "spec"), TY_SCHEDULING_V1ALPHA2_WORKLOAD_SPEC,
                &((const struct scheduling_v1alpha2_workload *)object)->spec,
                &((const struct scheduling_v1alpha2_workload *)old)->spec);
}

const struct validator validator_scheduling_v1alpha2_workload = {.type = TY_SCHEDULING_V1ALPHA2_WORKLOAD,
                                                                 .name = name_check_dns1123_subdomain,
                                                                 .create = create_workload,
                                                                 .update = update_workload};

/* ---- PodGroup ---- */

static void create_group(struct validation *v, const void *object) {
    const struct scheduling_v1alpha2_pod_group_spec *spec =
        &((const struct scheduling_v1alpha2_pod_group *)object)->spec;
    const struct scheduling_v1alpha2_pod_group_template_reference *ref = spec->pod_group_template_ref;
    const struct group_rules g = {&spec->scheduling_policy,  spec->scheduling_constraints,
                                  &spec->resource_claims,    spec->disruption_mode,
                                  spec->priority_class_name, spec->priority};
    const struct field_path *p = at_field(NULL, "spec"), *at = at_field(p, "podGroupTemplateRef");
    struct field_errors *e = v->errors;
    if (ref) {
        check_union(e, at, !!ref->workload, "`workload`");
        if (ref->workload) {
            check_required_format(e, at_field(at, "workload.workloadName"), ref->workload->workload_name,
                                  name_check_dns1123_subdomain);
            check_required_format(e, at_field(at, "workload.podGroupTemplateName"),
                                  ref->workload->pod_group_template_name, name_check_dns1123_label);
        }
    }
    check_group(e, p, &g);
}

static void update_group(struct validation *v, const void *object, const void *old) {
    create_group(v, object);
    check_fixed(v->errors, at_field(NULL, "spec"), TY_SCHEDULING_V1ALPHA2_POD_GROUP_SPEC,
                &((const struct scheduling_v1alpha2_pod_group *)object)->spec,
                &((const struct scheduling_v1alpha2_pod_group *)old)->spec);
}

static void update_group_status(struct validation *v, const void *object, const void *old) {
    (void)old;
    const struct scheduling_v1alpha2_pod_group_resource_claim_status_array *list =
        &((const struct scheduling_v1alpha2_pod_group *)object)->status.resource_claim_statuses;
    const struct field_path *p = at_field(NULL, "status.resourceClaimStatuses");
    SEEN(names);
    check_max_items(v->errors, p, list->n, CLAIMS_MAX);
    for (uint32_t i = 0; i < list->n; i++) {
        if (seen_before(&names, list->v[i].name))
            field_duplicate(v->errors, at_index(p, i), bad(list->v[i].name));
        if (list->v[i].resource_claim_name.p)
            check_dns_subdomain(v->errors, at_field(at_index(p, i), "resourceClaimName"),
                                list->v[i].resource_claim_name);
    }
}

const struct validator validator_scheduling_v1alpha2_pod_group = {.type = TY_SCHEDULING_V1ALPHA2_POD_GROUP,
                                                                  .name = name_check_dns1123_subdomain,
                                                                  .create = create_group,
                                                                  .update = update_group,
                                                                  .status = update_group_status};
