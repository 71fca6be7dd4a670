/* What webhook configurations and admission policies share. See admission.h. */
#include "api/validation/admission.h"

#define CONDITIONS_MAX 64

static bool has(const struct str_array *list, struct str s) {
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i], s))
            return true;
    return false;
}

/* A star stands alone. */
static void check_star(struct field_errors *e, const struct field_path *p, const struct str_array *list) {
    if (list->n > 1 && has(list, S("*")))
        field_invalid(e, p, bad(S("*")), "if '*' is present, must not specify other values");
}

/* Resources and subresources: what a wildcard covers may not be named again. */
static void check_resources(struct field_errors *e, const struct field_path *p,
                            const struct str_array *resources) {
    bool all = has(resources, S("*/*")), any_sub = false;
    SEEN(whole); /* resources and subresources that stand beside a star */
    for (uint32_t i = 0; i < resources->n; i++) {
        struct str resource, sub;
        bool two = str_split(resources->v[i], '/', &resource, &sub);
        const struct field_path *at = at_index(p, i);
        if (str_empty(resources->v[i])) {
            field_required(e, at);
            continue;
        }
        if (two && str_eq(sub, S("*")))
            (void)seen_before2(&whole, S("resource"), resource);
        if (two && str_eq(resource, S("*")))
            (void)seen_before2(&whole, S("sub"), sub);
        any_sub = any_sub || two;
    }
    if (resources->n > 1 && all)
        field_invalid(e, p, bad(S("*/*")), "if '*/*' is present, must not specify other resources");
    if (has(resources, S("*")))
        for (uint32_t i = 0; i < resources->n; i++)
            if (str_find_byte(resources->v[i], '/') < 0 && !str_eq(resources->v[i], S("*")))
                field_invalid(e, p, bad(resources->v[i]), "'*' covers it already");
    for (uint32_t i = 0; any_sub && !all && i < resources->n; i++) {
        struct str resource, sub;
        if (!str_split(resources->v[i], '/', &resource, &sub))
            continue;
        const struct field_path *at = at_index(p, i);
        if (!str_eq(sub, S("*")) && seen_has(&whole, (struct seen_key){{S("resource"), resource}}))
            field_invalid(e, at, bad(resources->v[i]), "'%.*s/*' covers it already", STR_ARG(resource));
        if (!str_eq(resource, S("*")) && seen_has(&whole, (struct seen_key){{S("sub"), sub}}))
            field_invalid(e, at, bad(resources->v[i]), "'*/%.*s' covers it already", STR_ARG(sub));
    }
}

static void check_versions(struct field_errors *e, const struct field_path *p,
                           const struct str_array *versions) {
    if (versions->n == 0)
        field_required(e, p);
    check_star(e, p, versions);
    for (uint32_t i = 0; i < versions->n; i++)
        check_required(e, at_index(p, i), versions->v[i]);
}

void check_admission_rule(struct field_errors *e, const struct field_path *p,
                          const struct admissionregistration_rule_with_operations *r) {
    static const struct str operations[] = {STR_INIT("*"), STR_INIT("CONNECT"), STR_INIT("CREATE"),
                                            STR_INIT("DELETE"), STR_INIT("UPDATE")};
    static const struct str scopes[] = {STR_INIT("*"), STR_INIT("Cluster"), STR_INIT("Namespaced")};
    const struct field_path *list = at_field(p, "operations");
    if (r->operations.n == 0)
        field_required(e, list);
    check_star(e, list, &r->operations);
    for (uint32_t i = 0; i < r->operations.n; i++)
        check_supported(e, at_index(list, i), r->operations.v[i], STR_SET(operations));
    if (r->rule.api_groups.n == 0)
        field_required(e, at_field(p, "apiGroups"));
    check_star(e, at_field(p, "apiGroups"), &r->rule.api_groups);
    check_versions(e, at_field(p, "apiVersions"), &r->rule.api_versions);
    if (r->rule.resources.n == 0)
        field_required(e, at_field(p, "resources"));
    check_resources(e, at_field(p, "resources"), &r->rule.resources);
    if (r->rule.scope.p)
        check_supported(e, at_field(p, "scope"), r->rule.scope, STR_SET(scopes));
}

void check_match_conditions(struct field_errors *e, const struct field_path *p,
                            const struct admissionregistration_match_condition_array *conditions) {
    SEEN(names);
    check_max_items(e, p, conditions->n, CONDITIONS_MAX);
    for (uint32_t i = 0; i < conditions->n; i++) {
        const struct field_path *at = at_index(p, i);
        struct str name = conditions->v[i].name;
        if (str_empty(str_trim(conditions->v[i].expression)))
            field_required(e, at_field(at, "expression"));
        if (!check_required_format(e, at_field(at, "name"), name, name_check_qualified))
            continue;
        if (seen_before(&names, name))
            field_duplicate(e, at_field(at, "name"), bad(name));
    }
}

void check_failure_policy(struct field_errors *e, const struct field_path *p, struct str policy) {
    static const struct str policies[] = {STR_INIT("Fail"), STR_INIT("Ignore")};
    if (policy.p)
        check_supported(e, p, policy, STR_SET(policies));
}

void check_match_policy(struct field_errors *e, const struct field_path *p, struct str policy) {
    static const struct str policies[] = {STR_INIT("Equivalent"), STR_INIT("Exact")};
    if (policy.p)
        check_supported(e, p, policy, STR_SET(policies));
}
