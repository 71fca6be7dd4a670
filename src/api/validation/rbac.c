/* Rules of rbac.authorization.k8s.io/v1: roles and bindings. Their names are path segments. */
#include "api/types/rbac.h"

#include "api/validation/meta.h"
#include "api/validation/validation.h"

/* ---- roles ---- */

static struct bad_value bad_urls(struct field_errors *e, const struct rbac_policy_rule *r) {
    return bad_field(e, TY_RBAC_POLICY_RULE, S("nonResourceURLs"), r);
}

static void check_rule(struct field_errors *e, const struct field_path *p, const struct rbac_policy_rule *r,
                       bool namespaced) {
    if (r->verbs.n == 0)
        field_required_because(e, at_field(p, "verbs"), "verbs must contain at least one value");
    if (r->non_resource_urls.n) {
        if (namespaced)
            field_invalid(e, at_field(p, "nonResourceURLs"), bad_urls(e, r),
                          "namespaced rules cannot apply to non-resource URLs");
        if (r->api_groups.n || r->resources.n || r->resource_names.n)
            field_invalid(e, at_field(p, "nonResourceURLs"), bad_urls(e, r),
                          "rules cannot apply to both regular resources and non-resource URLs");
        return;
    }
    if (r->api_groups.n == 0)
        field_required_because(e, at_field(p, "apiGroups"),
                               "resource rules must supply at least one api group");
    if (r->resources.n == 0)
        field_required_because(e, at_field(p, "resources"),
                               "resource rules must supply at least one resource");
}

static void check_rules(struct field_errors *e, const struct rbac_policy_rule_array *rules, bool namespaced) {
    for (uint32_t i = 0; i < rules->n; i++)
        check_rule(e, at_index(at_field(NULL, "rules"), i), &rules->v[i], namespaced);
}

static void create_role(struct validation *v, const void *object) {
    check_rules(v->errors, &((const struct rbac_role *)object)->rules, true);
}

const struct validator validator_rbac_role = {
    .type = TY_RBAC_ROLE, .name = name_check_path_segment, .create = create_role};

static bool has_odd_values(const struct rbac_aggregation_rule *rule) {
    for (uint32_t i = 0; rule && i < rule->cluster_role_selectors.n; i++)
        if (label_selector_has_odd_values(&rule->cluster_role_selectors.v[i]))
            return true;
    return false;
}

static void check_cluster_role(struct validation *v, const struct rbac_cluster_role *r, bool any_values) {
    const struct field_path *p = at_field(NULL, "aggregationRule.clusterRoleSelectors");
    check_rules(v->errors, &r->rules, false);
    if (!r->aggregation_rule)
        return;
    const struct meta_label_selector_array *selectors = &r->aggregation_rule->cluster_role_selectors;
    if (selectors->n == 0)
        field_required_because(v->errors, p, "at least one clusterRoleSelector required");
    for (uint32_t i = 0; i < selectors->n; i++)
        check_label_selector(v->errors, at_index(p, i), &selectors->v[i], any_values);
}

static void create_cluster_role(struct validation *v, const void *object) {
    check_cluster_role(v, object, false);
}

static void update_cluster_role(struct validation *v, const void *object, const void *old) {
    check_cluster_role(v, object, has_odd_values(((const struct rbac_cluster_role *)old)->aggregation_rule));
}

const struct validator validator_rbac_cluster_role = {.type = TY_RBAC_CLUSTER_ROLE,
                                                      .name = name_check_path_segment,
                                                      .create = create_cluster_role,
                                                      .update = update_cluster_role};

/* ---- bindings ---- */

static void check_role_ref(struct field_errors *e, const struct rbac_role_ref *r, bool cluster) {
    static const struct str groups[] = {STR_INIT("rbac.authorization.k8s.io")};
    static const struct str kinds_of_roles[] = {STR_INIT("ClusterRole"), STR_INIT("Role")};
    const struct field_path *p = at_field(NULL, "roleRef");
    struct str_set set = STR_SET(kinds_of_roles);
    if (cluster)
        set.n = 1;
    check_supported(e, at_field(p, "apiGroup"), r->api_group, STR_SET(groups));
    check_supported(e, at_field(p, "kind"), r->kind, set);
    check_required_format(e, at_field(p, "name"), r->name, name_check_path_segment);
}

static void check_subject(struct field_errors *e, const struct field_path *p, const struct rbac_subject *s,
                          bool cluster) {
    static const struct str none[] = {STR_INIT("")}, groups[] = {STR_INIT("rbac.authorization.k8s.io")};
    static const struct str kinds_of_subjects[] = {STR_INIT("ServiceAccount"), STR_INIT("User"),
                                                   STR_INIT("Group")};
    check_required(e, at_field(p, "name"), s->name);
    if (!check_supported(e, at_field(p, "kind"), s->kind, STR_SET(kinds_of_subjects)))
        return;
    if (!str_eq(s->kind, kinds_of_subjects[0])) {
        check_supported(e, at_field(p, "apiGroup"), s->api_group, STR_SET(groups));
        return;
    }
    check_optional_format(e, at_field(p, "name"), s->name, name_check_dns1123_subdomain);
    check_supported(e, at_field(p, "apiGroup"), s->api_group, STR_SET(none));
    if (cluster)
        check_required(e, at_field(p, "namespace"), s->namespace);
}

static void check_subjects(struct field_errors *e, const struct rbac_subject_array *subjects, bool cluster) {
    for (uint32_t i = 0; i < subjects->n; i++)
        check_subject(e, at_index(at_field(NULL, "subjects"), i), &subjects->v[i], cluster);
}

static void check_same_role(struct field_errors *e, const struct rbac_role_ref *r,
                            const struct rbac_role_ref *old) {
    if (!api_equal(&builtin, TY_RBAC_ROLE_REF, r, old))
        field_invalid(e, at_field(NULL, "roleRef"), bad_object(e, TY_RBAC_ROLE_REF, r),
                      "cannot change roleRef");
}

static void create_role_binding(struct validation *v, const void *object) {
    const struct rbac_role_binding *b = object;
    check_role_ref(v->errors, &b->role_ref, false);
    check_subjects(v->errors, &b->subjects, false);
}

static void update_role_binding(struct validation *v, const void *object, const void *old) {
    create_role_binding(v, object);
    check_same_role(v->errors, &((const struct rbac_role_binding *)object)->role_ref,
                    &((const struct rbac_role_binding *)old)->role_ref);
}

const struct validator validator_rbac_role_binding = {.type = TY_RBAC_ROLE_BINDING,
                                                      .name = name_check_path_segment,
                                                      .create = create_role_binding,
                                                      .update = update_role_binding};

static void create_cluster_role_binding(struct validation *v, const void *object) {
    const struct rbac_cluster_role_binding *b = object;
    check_role_ref(v->errors, &b->role_ref, true);
    check_subjects(v->errors, &b->subjects, true);
}

static void update_cluster_role_binding(struct validation *v, const void *object, const void *old) {
    create_cluster_role_binding(v, object);
    check_same_role(v->errors, &((const struct rbac_cluster_role_binding *)object)->role_ref,
                    &((const struct rbac_cluster_role_binding *)old)->role_ref);
}

const struct validator validator_rbac_cluster_role_binding = {.type = TY_RBAC_CLUSTER_ROLE_BINDING,
                                                              .name = name_check_path_segment,
                                                              .create = create_cluster_role_binding,
                                                              .update = update_cluster_role_binding};
