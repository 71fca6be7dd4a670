/* Rules of core/v1 ResourceQuota and LimitRange. */
#include "api/quantity.h"
#include "api/resource_name.h"
#include "api/types/core.h"
#include "api/validation/resources.h"
#include "api/validation/validation.h"

/* ---- scopes of quotas ---- */

enum scope {
    SCOPE_TERMINATING,
    SCOPE_NOT_TERMINATING,
    SCOPE_BEST_EFFORT,
    SCOPE_NOT_BEST_EFFORT,
    SCOPE_PRIORITY_CLASS,
    SCOPE_CROSS_NAMESPACE,
    SCOPE_ATTRIBUTES_CLASS,
    SCOPES,
};

static const struct str scope_names[SCOPES] = {
    STR_INIT("Terminating"),           STR_INIT("NotTerminating"), STR_INIT("BestEffort"),
    STR_INIT("NotBestEffort"),         STR_INIT("PriorityClass"),  STR_INIT("CrossNamespacePodAffinity"),
    STR_INIT("VolumeAttributesClass"),
};

/* The scope of that name, SCOPES when there is none. */
static enum scope scope_find(struct str name) {
    int i = 0;
    while (i < SCOPES && !str_eq(scope_names[i], name))
        i++;
    return (enum scope)i;
}

static bool is_pod_compute(struct str name) {
    static const struct str names[] = {STR_INIT("cpu"),          STR_INIT("memory"),
                                       STR_INIT("limits.cpu"),   STR_INIT("limits.memory"),
                                       STR_INIT("requests.cpu"), STR_INIT("requests.memory")};
    return str_set_has(STR_SET(names), name);
}

static bool suits(enum scope scope, struct str resource) {
    bool pods = str_eq(resource, S("pods"));
    if (scope == SCOPE_BEST_EFFORT)
        return pods;
    if (scope == SCOPE_ATTRIBUTES_CLASS)
        return str_eq(resource, S("persistentvolumeclaims")) || str_eq(resource, S("requests.storage"));
    return pods || is_pod_compute(resource);
}

/* Bit per scope that does not suit one of the limited resources. */
static uint32_t unsuitable_scopes(const struct quantity_map *hard) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < hard->n; i++)
        for (int s = 0; s < SCOPES && resource_name_is_quota_standard(hard->v[i].key); s++)
            if (!suits((enum scope)s, hard->v[i].key))
                bits |= 1u << s;
    return bits;
}

static bool conflict(uint32_t scopes) {
    const uint32_t best_effort = 1u << SCOPE_BEST_EFFORT | 1u << SCOPE_NOT_BEST_EFFORT;
    const uint32_t terminating = 1u << SCOPE_TERMINATING | 1u << SCOPE_NOT_TERMINATING;
    return (scopes & best_effort) == best_effort || (scopes & terminating) == terminating;
}

static void check_scopes(struct field_errors *e, const struct field_path *p,
                         const struct core_resource_quota_spec *spec) {
    uint32_t unsuitable = unsuitable_scopes(&spec->hard), used = 0;
    for (uint32_t i = 0; i < spec->scopes.n; i++) {
        struct str name = spec->scopes.v[i];
        enum scope scope = scope_find(name);
        if (scope == SCOPES) {
            field_invalid(e, p, bad(name), "unsupported scope");
            continue;
        }
        if (unsuitable >> scope & 1)
            field_invalid(e, p, bad(name), "unsupported scope applied to resource");
        used |= 1u << scope;
    }
    if (conflict(used))
        field_invalid(e, p, bad_field(e, TY_CORE_RESOURCE_QUOTA_SPEC, S("scopes"), spec),
                      "conflicting scopes");
}

static void check_scope_values(struct field_errors *e, const struct field_path *p,
                               const struct core_scoped_resource_selector_requirement *r) {
    const struct field_path *values = at_field(p, "values");
    if (str_eq(r->operator, S("In")) || str_eq(r->operator, S("NotIn"))) {
        if (r->values.n == 0)
            field_required_because(
                e, values,
                "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
    } else if (str_eq(r->operator, S("Exists")) || str_eq(r->operator, S("DoesNotExist"))) {
        if (r->values.n)
            field_invalid(e, values, bad(r->values.n),
                          "must be no value when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
        field_invalid(e, at_field(p, "operator"), bad(r->operator), "not a valid selector operator");
    }
}

static void check_scope_selector(struct field_errors *e, const struct field_path *p,
                                 const struct core_resource_quota_spec *spec) {
    uint32_t unsuitable = unsuitable_scopes(&spec->hard), used = 0;
    for (uint32_t i = 0; i < spec->scope_selector->match_expressions.n; i++) {
        const struct core_scoped_resource_selector_requirement *r =
            &spec->scope_selector->match_expressions.v[i];
        const struct field_path *at = at_index(at_field(p, "matchExpressions"), i);
        enum scope scope = scope_find(r->scope_name);
        if (scope == SCOPES)
            field_invalid(e, at_field(at, "scopeName"), bad(r->scope_name), "unsupported scope");
        else if (unsuitable >> scope & 1)
            field_invalid(e, p, bad(r->scope_name), "unsupported scope applied to resource");
        if (scope != SCOPES && scope != SCOPE_PRIORITY_CLASS && scope != SCOPE_ATTRIBUTES_CLASS &&
            !str_eq(r->operator, S("Exists")))
            field_invalid(e, at_field(at, "operator"), bad(r->operator), "must be 'Exists' for this scope");
        check_scope_values(e, at, r);
        used |= scope == SCOPES ? 0 : 1u << scope;
    }
    if (conflict(used))
        field_invalid(e, p, bad_object(e, TY_CORE_SCOPE_SELECTOR, spec->scope_selector),
                      "conflicting scopes");
}

/* ---- quotas ---- */

static void check_quota_amounts(struct field_errors *e, const struct field_path *p,
                                const struct quantity_map *amounts) {
    for (uint32_t i = 0; i < amounts->n; i++) {
        check_quota_resource_name(e, at_key(p, amounts->v[i].key), amounts->v[i].key);
        check_resource_amount(e, at_key(p, amounts->v[i].key), amounts->v[i].key, &amounts->v[i].value);
    }
}

static void create_quota(struct validation *v, const void *object) {
    const struct core_resource_quota_spec *spec = &((const struct core_resource_quota *)object)->spec;
    const struct field_path *p = at_field(NULL, "spec");
    check_quota_amounts(v->errors, at_field(p, "hard"), &spec->hard);
    check_scopes(v->errors, at_field(p, "scopes"), spec);
    if (spec->scope_selector)
        check_scope_selector(v->errors, at_field(p, "scopeSelector"), spec);
}

/* As sets. The names are few; what is none of them is refused elsewhere. */
static bool same_scopes(const struct str_array *a, const struct str_array *b) {
    uint32_t of_a = 0, of_b = 0;
    for (uint32_t i = 0; i < a->n; i++)
        of_a |= 1u << scope_find(a->v[i]);
    for (uint32_t i = 0; i < b->n; i++)
        of_b |= 1u << scope_find(b->v[i]);
    return of_a == of_b;
}

static void update_quota(struct validation *v, const void *object, const void *old_object) {
    const struct core_resource_quota *quota = object, *old = old_object;
    create_quota(v, object);
    if (!same_scopes(&quota->spec.scopes, &old->spec.scopes))
        field_invalid(v->errors, at_field(NULL, "spec.scopes"),
                      bad_field(v->errors, TY_CORE_RESOURCE_QUOTA_SPEC, S("scopes"), &quota->spec),
                      IMMUTABLE_TEXT);
}

static void update_quota_status(struct validation *v, const void *object, const void *old) {
    (void)old;
    const struct core_resource_quota_status *s = &((const struct core_resource_quota *)object)->status;
    check_quota_amounts(v->errors, at_field(NULL, "status.hard"), &s->hard);
    check_quota_amounts(v->errors, at_field(NULL, "status.used"), &s->used);
}

const struct validator validator_core_resource_quota = {.type = TY_CORE_RESOURCE_QUOTA,
                                                        .name = name_check_dns1123_subdomain,
                                                        .create = create_quota,
                                                        .update = update_quota,
                                                        .status = update_quota_status};

/* ---- limit ranges ---- */

static void check_limit_type(struct field_errors *e, const struct field_path *p, struct str type) {
    static const struct str types[] = {STR_INIT("Pod"), STR_INIT("Container"),
                                       STR_INIT("PersistentVolumeClaim")};
    if (check_label_key(e, p, type) && str_find_byte(type, '/') < 0 && !str_set_has(STR_SET(types), type))
        field_invalid(e, p, bad(type), "must be a standard limit type or fully qualified");
}

static void check_limit_names(struct field_errors *e, const struct field_path *p, struct str type,
                              const struct quantity_map *amounts) {
    bool container = str_eq(type, S("Pod")) || str_eq(type, S("Container"));
    for (uint32_t i = 0; i < amounts->n; i++)
        (container ? check_container_resource_name : check_resource_name)(e, at_key(p, amounts->v[i].key),
                                                                          amounts->v[i].key);
}

/* low must not be above high; the error is at p and shows what is there. */
static void check_order(struct field_errors *e, const struct field_path *p, const struct quantity *shown,
                        const struct quantity *low, const char *low_name, const struct quantity *high,
                        const char *high_name) {
    if (!low || !high || quantity_cmp(low, high) <= 0)
        return;
    char a[QUANTITY_TEXT_MAX], b[QUANTITY_TEXT_MAX];
    quantity_format(low, a);
    quantity_format(high, b);
    field_invalid(e, p, bad_quantity(e, shown), "%s value %s is greater than %s value %s", low_name, a,
                  high_name, b);
}

static void check_ratio(struct field_errors *e, const struct field_path *p, const struct quantity *ratio,
                        const struct quantity *min, const struct quantity *max) {
    if (!ratio)
        return;
    if (quantity_cmp_int(ratio, 1) < 0)
        field_invalid(e, p, bad_quantity(e, ratio), "ratio is less than 1");
    if (!min || !max || quantity_sign(min) <= 0)
        return;
    double most = quantity_as_double(max) / quantity_as_double(min);
    if (quantity_as_double(ratio) > most)
        field_invalid(e, p, bad_quantity(e, ratio), "ratio is greater than max/min = %f", most);
}

/* All that is said of one resource. */
static void check_limits_of(struct field_errors *e, const struct field_path *p,
                            const struct core_limit_range_item *l, struct str name) {
    const struct quantity *min = quantity_map_get(l->min, name), *max = quantity_map_get(l->max, name);
    const struct quantity *limit = quantity_map_get(l->default_, name);
    const struct quantity *request = quantity_map_get(l->default_request, name);
    const struct field_path *at_min = at_key(at_field(p, "min"), name);
    const struct field_path *at_request = at_key(at_field(p, "defaultRequest"), name);
    const struct field_path *at_default = at_key(at_field(p, "default"), name);
    check_order(e, at_min, min, min, "min", max, "max");
    check_order(e, at_request, request, min, "min", request, "default request");
    check_order(e, at_request, request, request, "default request", max, "max");
    check_order(e, at_request, request, request, "default request", limit, "default limit");
    check_order(e, at_default, limit, min, "min", limit, "default");
    check_order(e, at_default, limit, limit, "default", max, "max");
    check_ratio(e, at_key(at_field(p, "maxLimitRequestRatio"), name),
                quantity_map_get(l->max_limit_request_ratio, name), min, max);
    if (limit && request && !resource_name_can_overcommit(name) && !quantity_equal(limit, request))
        field_invalid(e, at_request, bad_quantity(e, request),
                      "must equal the default value of a resource that cannot "
                      "be overcommitted");
}

static void check_limit(struct field_errors *e, const struct field_path *p,
                        const struct core_limit_range_item *l) {
    const struct {
        struct str name;
        const struct quantity_map *amounts;
        bool default_;
    } maps[] = {
        {S("max"), &l->max, false},
        {S("min"), &l->min, false},
        {S("default"), &l->default_, true},
        {S("defaultRequest"), &l->default_request, true},
        {S("maxLimitRequestRatio"), &l->max_limit_request_ratio, false},
    };
    const size_t n = sizeof maps / sizeof maps[0];
    bool of_pod = str_eq(l->type, S("Pod"));
    check_limit_type(e, at_field(p, "type"), l->type);
    for (size_t m = 0; m < n; m++) {
        const struct field_path *at = at_name(p, maps[m].name);
        if (!maps[m].default_ || !of_pod)
            check_limit_names(e, at, l->type, maps[m].amounts);
        else if (maps[m].amounts->n)
            field_forbidden(e, at, "may not be specified when `type` is 'Pod'");
    }
    if (str_eq(l->type, S("PersistentVolumeClaim")) && !quantity_map_get(l->min, S("storage")) &&
        !quantity_map_get(l->max, S("storage")))
        field_required_because(e, at_field(p, "limits"),
                               "either minimum or maximum storage value is required");
    /* each resource once: where it is met first */
    for (size_t m = 0; m < n; m++)
        for (uint32_t i = 0; i < maps[m].amounts->n; i++) {
            struct str name = maps[m].amounts->v[i].key;
            bool met = false;
            for (size_t k = 0; k < m; k++)
                met |= quantity_map_get(*maps[k].amounts, name) != NULL;
            if (!met)
                check_limits_of(e, p, l, name);
        }
}

static void create_limits(struct validation *v, const void *object) {
    const struct core_limit_range_item_array *list = &((const struct core_limit_range *)object)->spec.limits;
    const struct field_path *p = at_field(NULL, "spec.limits");
    SEEN(types);
    for (uint32_t i = 0; i < list->n; i++) {
        if (seen_before(&types, list->v[i].type))
            field_duplicate(v->errors, at_field(at_index(p, i), "type"), bad(list->v[i].type));
        check_limit(v->errors, at_index(p, i), &list->v[i]);
    }
}

const struct validator validator_core_limit_range = {
    .type = TY_CORE_LIMIT_RANGE, .name = name_check_dns1123_subdomain, .create = create_limits};
