/* Rules of flowcontrol.apiserver.k8s.io/v1: FlowSchema, PriorityLevelConfiguration.
 *
 * The server's own objects, which it cannot do without, keep their fixed specs.
 */
#include "api/types/flowcontrol.h"

#include "api/validation/meta.h"
#include "api/validation/validation.h"

#define PRECEDENCE_MAX 10000
#define PRECEDENCE_EXEMPT 1
#define QUEUES_MAX 10000000
#define HASH_BITS_MAX 60

#define EXEMPT S("exempt")
#define CATCH_ALL S("catch-all")

/* ---- lists in rules ---- */

static void check_star(struct field_errors *e, const struct field_path *p, const struct str_array *list) {
    for (uint32_t i = 0; list->n > 1 && i < list->n; i++)
        if (str_eq(list->v[i], S("*"))) {
            field_invalid(e, p, bad(list->v[i]), "if '*' is present, must not specify other values");
            return;
        }
}

static void check_list(struct field_errors *e, const struct field_path *p, const struct str_array *list) {
    if (list->n == 0)
        field_required(e, p);
    check_star(e, p, list);
}

static void check_verbs(struct field_errors *e, const struct field_path *p, const struct str_array *verbs) {
    static const struct str known[] = {
        STR_INIT("create"), STR_INIT("delete"), STR_INIT("deletecollection"),
        STR_INIT("get"),    STR_INIT("list"),   STR_INIT("patch"),
        STR_INIT("proxy"),  STR_INIT("update"), STR_INIT("watch"),
    };
    check_list(e, p, verbs);
    for (uint32_t i = 0; i < verbs->n; i++)
        if (!str_eq(verbs->v[i], S("*")) && !str_set_has(STR_SET(known), verbs->v[i])) {
            field_not_supported(e, p, bad(verbs->v[i]), known, sizeof known / sizeof known[0]);
            return;
        }
}

/* A path, perhaps with a star as its last part. */
static void check_url(struct field_errors *e, const struct field_path *p, struct str url) {
    ptrdiff_t star = str_find_byte(url, '*');
    if (str_eq(url, S("/")) || str_eq(url, S("*")))
        return;
    if (!str_has_prefix(url, S("/")))
        field_invalid(e, p, bad(url), "must start with slash");
    else if (str_find_byte(url, ' ') >= 0)
        field_invalid(e, p, bad(url), "must not contain white-space");
    else if (str_find(url, S("//")) >= 0)
        field_invalid(e, p, bad(url), "must not contain double slash");
    else if (star >= 0 && ((size_t)star != url.n - 1 || url.p[star - 1] != '/'))
        field_invalid(e, p, bad(url), "a wildcard is only allowed as the last part of the path");
}

static void check_resource_rule(struct field_errors *e, const struct field_path *p,
                                const struct flowcontrol_resource_policy_rule *r) {
    const struct field_path *namespaces = at_field(p, "namespaces");
    check_verbs(e, at_field(p, "verbs"), &r->verbs);
    check_list(e, at_field(p, "apiGroups"), &r->api_groups);
    check_list(e, at_field(p, "resources"), &r->resources);
    if (r->namespaces.n == 0 && !r->cluster_scope)
        field_required_because(e, namespaces, "unless clusterScope is true");
    check_star(e, namespaces, &r->namespaces);
    for (uint32_t i = 0; i < r->namespaces.n; i++)
        if (!str_eq(r->namespaces.v[i], S("*")))
            check_dns_label(e, at_index(namespaces, i), r->namespaces.v[i]);
}

static void check_url_rule(struct field_errors *e, const struct field_path *p,
                           const struct flowcontrol_non_resource_policy_rule *r) {
    const struct field_path *urls = at_field(p, "nonResourceURLs");
    check_verbs(e, at_field(p, "verbs"), &r->verbs);
    check_list(e, urls, &r->non_resource_urls);
    for (uint32_t i = 0; i < r->non_resource_urls.n; i++)
        check_url(e, at_index(urls, i), r->non_resource_urls.v[i]);
}

/* ---- subjects ---- */

static void check_account(struct field_errors *e, const struct field_path *p,
                          const struct flowcontrol_service_account_subject *a) {
    if (!a) {
        field_required_because(e, p, "serviceAccount is required when subject kind is 'ServiceAccount'");
        return;
    }
    if (check_required(e, at_field(p, "name"), a->name) && !str_eq(a->name, S("*")))
        check_dns_subdomain(e, at_field(p, "name"), a->name);
    check_required_format(e, at_field(p, "namespace"), a->namespace, name_check_dns1123_label);
}

static void check_subject(struct field_errors *e, const struct field_path *p,
                          const struct flowcontrol_subject *s) {
    static const struct str known[] = {STR_INIT("Group"), STR_INIT("ServiceAccount"), STR_INIT("User")};
    const struct field_path *user = at_field(p, "user"), *group = at_field(p, "group"),
                            *account = at_field(p, "serviceAccount");
    if (!check_supported(e, at_field(p, "kind"), s->kind, STR_SET(known)))
        return;
    bool is_group = str_eq(s->kind, known[0]), is_account = str_eq(s->kind, known[1]),
         is_user = str_eq(s->kind, known[2]);
    if (is_account)
        check_account(e, account, s->service_account);
    else if (s->service_account)
        field_forbidden(e, account, "serviceAccount is forbidden for this kind of subject");
    if (is_user && !s->user)
        field_required_because(e, user, "user is required when subject kind is 'User'");
    else if (is_user)
        check_required(e, at_field(user, "name"), s->user->name);
    else if (s->user)
        field_forbidden(e, user, "user is forbidden for this kind of subject");
    if (is_group && !s->group)
        field_required_because(e, group, "group is required when subject kind is 'Group'");
    else if (is_group)
        check_required(e, at_field(group, "name"), s->group->name);
    else if (s->group)
        field_forbidden(e, group, "group is forbidden for this kind of subject");
}

/* ---- FlowSchema ---- */

static void check_rule(struct field_errors *e, const struct field_path *p,
                       const struct flowcontrol_policy_rules_with_subjects *r) {
    const struct field_path *subjects = at_field(p, "subjects");
    if (r->subjects.n == 0)
        field_required_because(e, subjects, "subjects must contain at least one value");
    for (uint32_t i = 0; i < r->subjects.n; i++)
        check_subject(e, at_index(subjects, i), &r->subjects.v[i]);
    if (r->resource_rules.n == 0 && r->non_resource_rules.n == 0)
        field_required_because(e, p,
                               "at least one of resourceRules and nonResourceRules has to be non-empty");
    for (uint32_t i = 0; i < r->resource_rules.n; i++)
        check_resource_rule(e, at_index(at_field(p, "resourceRules"), i), &r->resource_rules.v[i]);
    for (uint32_t i = 0; i < r->non_resource_rules.n; i++)
        check_url_rule(e, at_index(at_field(p, "nonResourceRules"), i), &r->non_resource_rules.v[i]);
}

static bool is_one(const struct str_array *list, struct str s) {
    return list->n == 1 && str_eq(list->v[0], s);
}

/* One rule for the two groups (or one of them), all resources and all paths. */
static bool is_rule_for_all(const struct flowcontrol_policy_rules_with_subjects_array *rules,
                            const struct str *groups, size_t n) {
    if (rules->n != 1 || rules->v[0].subjects.n != n || rules->v[0].resource_rules.n != 1 ||
        rules->v[0].non_resource_rules.n != 1)
        return false;
    const struct flowcontrol_policy_rules_with_subjects *r = &rules->v[0];
    for (size_t i = 0; i < n; i++)
        if (!str_eq(r->subjects.v[i].kind, S("Group")) || !r->subjects.v[i].group ||
            !str_eq(r->subjects.v[i].group->name, groups[i]))
            return false;
    const struct flowcontrol_resource_policy_rule *resource = &r->resource_rules.v[0];
    const struct flowcontrol_non_resource_policy_rule *url = &r->non_resource_rules.v[0];
    return is_one(&resource->verbs, S("*")) && is_one(&resource->api_groups, S("*")) &&
           is_one(&resource->resources, S("*")) && resource->cluster_scope &&
           is_one(&resource->namespaces, S("*")) && is_one(&url->verbs, S("*")) &&
           is_one(&url->non_resource_urls, S("*"));
}

static bool is_fixed_schema(const struct flowcontrol_flow_schema_spec *s, bool exempt) {
    static const struct str masters[] = {STR_INIT("system:masters")};
    static const struct str all[] = {STR_INIT("system:unauthenticated"), STR_INIT("system:authenticated")};
    if (exempt)
        return str_eq(s->priority_level_configuration.name, EXEMPT) &&
               s->matching_precedence == PRECEDENCE_EXEMPT && !s->distinguisher_method &&
               is_rule_for_all(&s->rules, masters, 1);
    return str_eq(s->priority_level_configuration.name, CATCH_ALL) &&
           s->matching_precedence == PRECEDENCE_MAX && s->distinguisher_method &&
           str_eq(s->distinguisher_method->type, S("ByUser")) && is_rule_for_all(&s->rules, all, 2);
}

static void create_schema(struct validation *v, const void *object) {
    static const struct str methods[] = {STR_INIT("ByNamespace"), STR_INIT("ByUser")};
    const struct flowcontrol_flow_schema *f = object;
    const struct flowcontrol_flow_schema_spec *s = &f->spec;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *precedence = at_field(p, "matchingPrecedence");
    bool exempt = str_eq(f->metadata.name, EXEMPT);
    if ((exempt || str_eq(f->metadata.name, CATCH_ALL)) && !is_fixed_schema(s, exempt))
        field_invalid(e, p, bad_object(e, TY_FLOWCONTROL_FLOW_SCHEMA_SPEC, s),
                      "spec of '%s' must equal the fixed value", exempt ? "exempt" : "catch-all");
    check_range(e, precedence, s->matching_precedence, 1, PRECEDENCE_MAX);
    if (s->matching_precedence == PRECEDENCE_EXEMPT && !exempt)
        field_invalid(e, precedence, bad(s->matching_precedence),
                      "only the schema named 'exempt' may have it");
    if (s->distinguisher_method)
        check_supported(e, at_field(p, "distinguisherMethod.type"), s->distinguisher_method->type,
                        STR_SET(methods));
    check_required_format(e, at_field(p, "priorityLevelConfiguration.name"),
                          s->priority_level_configuration.name, name_check_dns1123_subdomain);
    for (uint32_t i = 0; i < s->rules.n; i++)
        check_rule(e, at_index(at_field(p, "rules"), i), &s->rules.v[i]);
}

static void status_schema(struct validation *v, const void *object, const void *old) {
    const struct flowcontrol_flow_schema_status *s =
        &((const struct flowcontrol_flow_schema *)object)->status;
    (void)old;
    SEEN(seen);
    for (uint32_t i = 0; i < s->conditions.n; i++) {
        const struct field_path *p = at_field(at_index(at_field(NULL, "status.conditions"), i), "type");
        if (seen_before(&seen, s->conditions.v[i].type))
            field_duplicate(v->errors, p, bad(s->conditions.v[i].type));
        check_required(v->errors, p, s->conditions.v[i].type);
    }
}

const struct validator validator_flowcontrol_flow_schema = {.type = TY_FLOWCONTROL_FLOW_SCHEMA,
                                                            .name = name_check_dns1123_subdomain,
                                                            .create = create_schema,
                                                            .status = status_schema};

/* ---- PriorityLevelConfiguration ---- */

/* How many bits shuffle sharding takes for a hand. */
static unsigned hash_bits(int32_t queues, int32_t hand) {
    unsigned bits = 0;
    for (int32_t i = 0; i < hand && bits <= HASH_BITS_MAX; i++) {
        unsigned n = 0;
        while (n < 31 && (INT64_C(1) << n) < (int64_t)queues - i)
            n++;
        bits += n;
    }
    return bits;
}

static void check_queuing(struct field_errors *e, const struct field_path *p,
                          const struct flowcontrol_queuing_configuration *q) {
    const struct field_path *hand = at_field(p, "handSize");
    if (q->queue_length_limit <= 0)
        field_invalid(e, at_field(p, "queueLengthLimit"), bad(q->queue_length_limit), "must be positive");
    if (q->queues <= 0)
        field_invalid(e, at_field(p, "queues"), bad(q->queues), "must be positive");
    else if (q->queues > QUEUES_MAX)
        field_invalid(e, at_field(p, "queues"), bad(q->queues), "must not be greater than %d", QUEUES_MAX);
    if (q->hand_size <= 0)
        field_invalid(e, hand, bad(q->hand_size), "must be positive");
    else if (q->hand_size > q->queues)
        field_invalid(e, hand, bad(q->hand_size), "should not be greater than queues (%d)", q->queues);
    else if (hash_bits(q->queues, q->hand_size) > HASH_BITS_MAX)
        field_invalid(e, hand, bad(q->hand_size), "takes more than %d bits with this number of queues",
                      HASH_BITS_MAX);
}

static void check_limited(struct field_errors *e, const struct field_path *p,
                          const struct flowcontrol_limited_priority_level_configuration *l) {
    static const struct str types[] = {STR_INIT("Queue"), STR_INIT("Reject")};
    const struct field_path *response = at_field(p, "limitResponse"),
                            *queuing = at_field(response, "queuing");
    if (l->nominal_concurrency_shares.set)
        check_non_negative(e, at_field(p, "nominalConcurrencyShares"), l->nominal_concurrency_shares.v);
    if (check_supported(e, at_field(response, "type"), l->limit_response.type, STR_SET(types))) {
        bool queue = str_eq(l->limit_response.type, types[0]);
        if (!queue && l->limit_response.queuing)
            field_forbidden(e, queuing, "must be nil if limited.limitResponse.type is not Queue");
        else if (queue && !l->limit_response.queuing)
            field_required_because(e, queuing, "must not be empty if limited.limitResponse.type is Queue");
        else if (queue)
            check_queuing(e, queuing, l->limit_response.queuing);
    }
    if (l->lendable_percent.set)
        check_range(e, at_field(p, "lendablePercent"), l->lendable_percent.v, 0, 100);
    if (l->borrowing_limit_percent.set)
        check_non_negative(e, at_field(p, "borrowingLimitPercent"), l->borrowing_limit_percent.v);
}

static void check_exempt(struct field_errors *e, const struct field_path *p,
                         const struct flowcontrol_exempt_priority_level_configuration *x) {
    if (x->nominal_concurrency_shares.set)
        check_non_negative(e, at_field(p, "nominalConcurrencyShares"), x->nominal_concurrency_shares.v);
    if (x->lendable_percent.set)
        check_range(e, at_field(p, "lendablePercent"), x->lendable_percent.v, 0, 100);
}

static bool is_fixed_catch_all(const struct flowcontrol_priority_level_configuration_spec *s) {
    const struct flowcontrol_limited_priority_level_configuration *l = s->limited;
    return str_eq(s->type, S("Limited")) && l && !s->exempt && l->nominal_concurrency_shares.set &&
           l->nominal_concurrency_shares.v == 5 && str_eq(l->limit_response.type, S("Reject")) &&
           !l->limit_response.queuing && (!l->lendable_percent.set || l->lendable_percent.v == 0) &&
           !l->borrowing_limit_percent.set;
}

static void create_level(struct validation *v, const void *object) {
    static const struct str types[] = {STR_INIT("Exempt"), STR_INIT("Limited")};
    const struct flowcontrol_priority_level_configuration *c = object;
    const struct flowcontrol_priority_level_configuration_spec *s = &c->spec;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *type = at_field(p, "type"),
                            *limited = at_field(p, "limited"), *exempt = at_field(p, "exempt");
    bool named_exempt = str_eq(c->metadata.name, EXEMPT), is_exempt = str_eq(s->type, types[0]);
    if (str_eq(c->metadata.name, CATCH_ALL) && !is_fixed_catch_all(s))
        field_invalid(e, p, bad_object(e, TY_FLOWCONTROL_PRIORITY_LEVEL_CONFIGURATION_SPEC, s),
                      "spec of 'catch-all' must equal the fixed value");
    if (named_exempt != is_exempt)
        field_invalid(e, type, bad(s->type), "must be 'Exempt' if and only if the name is 'exempt'");
    if (!check_supported(e, type, s->type, STR_SET(types)))
        return;
    if (is_exempt) {
        if (s->limited)
            field_forbidden(e, limited, "must be nil if the type is not Limited");
        if (s->exempt)
            check_exempt(e, exempt, s->exempt);
        return;
    }
    if (s->exempt)
        field_forbidden(e, exempt, "must be nil if the type is not Exempt");
    if (!s->limited)
        field_required_because(e, limited, "must not be empty when type is Limited");
    else
        check_limited(e, limited, s->limited);
}

static void status_level(struct validation *v, const void *object, const void *old) {
    const struct flowcontrol_priority_level_configuration_status *s =
        &((const struct flowcontrol_priority_level_configuration *)object)->status;
    (void)old;
    SEEN(seen);
    for (uint32_t i = 0; i < s->conditions.n; i++) {
        const struct field_path *p = at_field(at_index(at_field(NULL, "status.conditions"), i), "type");
        if (seen_before(&seen, s->conditions.v[i].type))
            field_duplicate(v->errors, p, bad(s->conditions.v[i].type));
        check_required(v->errors, p, s->conditions.v[i].type);
    }
}

const struct validator validator_flowcontrol_priority_level_configuration = {
    .type = TY_FLOWCONTROL_PRIORITY_LEVEL_CONFIGURATION,
    .name = name_check_dns1123_subdomain,
    .create = create_level,
    .status = status_level};
