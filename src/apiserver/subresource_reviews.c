/* Reviews: questions to the authenticators and authorisers. Nothing is stored. See subresource.h. */
#include "api/field_error.h"
#include "api/field_selector.h"
#include "api/types/authentication.h"
#include "api/types/authorization.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/types/rbac.h"
#include "api/validate.h"
#include "apiserver/admission_priv.h"
#include "apiserver/authn.h"
#include "apiserver/authz.h"
#include "apiserver/authz_node.h"
#include "apiserver/subresource_priv.h"
#include "base/clock.h"
#include "base/err.h"

static bool is_valid(struct call *c, const void *object) {
    struct field_errors e = FIELD_ERRORS_INIT(c->arena);
    validate_create(NULL, c->info.kind, object, &e);
    if (field_errors_count(&e) == 0)
        return true;
    call_answer_status(c, status_invalid(c->arena, status_of(c->info.kind, S("")), &e));
    return false;
}

/* The body, admitted and checked; then answer(c, body). */
static void answer_checked(struct call *c, void (*answer)(struct call *c, void *body)) {
    void *body = subresource_body(c);
    if (!body)
        return;
    struct meta_object_meta *m = object_meta_in(c->info.kind, body);
    if (c->info.kind->namespaced)
        m->namespace = c->info.access.ns;
    if (!is_valid(c, body))
        return;
    subresource_admit(&(struct subresource_walk){
        .call = c,
        .object = body,
        .object_type = c->info.kind->type,
        .name = S(""),
        .next = answer,
        .arg = body,
    });
}

static void answer_body(struct call *c, void *body) {
    call_answer_body(c, 201, c->info.kind->type, body);
}

/* -- TokenReview -- */

static void review_token(struct call *c, void *body) {
    struct authentication_token_review *r = body;
    struct user u = {.name = S("")};
    struct str_array audiences = {0};
    struct err err = ERR_INIT;
    memset(&r->status, 0, sizeof r->status);
    if (str_empty(r->spec.token)) {
        call_answer_status(
            c, status_bad_request(c->arena, "token is required for TokenReview in authentication"));
        return;
    }
    if (!c->server->authn) {
        r->status.error = S("this server authenticates nobody");
    } else if (authn_token(c->server->authn, r->spec.token, r->spec.audiences, c->arena, &u, &audiences,
                           &err) < 0) {
        r->status.error = arena_str(c->arena, str_from(err.msg));
    } else {
        r->status.authenticated = true;
        r->status.audiences = audiences;
        subresource_user_info(c, &u, &r->status.user);
    }
    answer_body(c, r);
}

void subresource_token_review(struct call *c) {
    answer_checked(c, review_token);
}

/* -- SubjectAccessReview and its like -- */

/* Selectors narrow what is asked; the authoriser of nodes looks at them. What cannot be read narrows nothing.
 */
static const struct field_selector *fields_of(struct call *c,
                                              const struct authorization_field_selector_attributes *f) {
    if (!f || str_empty(f->raw_selector))
        return NULL;
    struct field_selector *s = arena_new(c->arena, struct field_selector);
    return field_selector_parse(c->arena, f->raw_selector, s, NULL) < 0 ? NULL : s;
}

static void decide(struct call *c, const struct user *u, const struct authorization_resource_attributes *a,
                   const struct authorization_non_resource_attributes *n,
                   struct authorization_subject_access_review_status *to) {
    struct access what = {.user = u};
    if (a) {
        what = (struct access){
            .user = u,
            .verb = a->verb,
            .is_resource = true,
            .group = a->group,
            .version = a->version,
            .resource = a->resource,
            .subresource = a->subresource,
            .ns = a->namespace,
            .name = a->name,
            .fields = fields_of(c, a->field_selector),
        };
    } else {
        what.verb = n->verb;
        what.path = n->path;
    }
    memset(to, 0, sizeof *to);
    to->reason = S("");
    to->allowed = authz_check(c->server->authz, &what, c->arena, &to->reason) == AUTHZ_ALLOW;
}

static struct user user_of(struct call *c, const struct authorization_subject_access_review_spec *s) {
    struct user u = {.name = s->user, .uid = s->uid, .groups = s->groups};
    struct user_extra *extra = arena_new_n(c->arena, s->extra.n + 1u, struct user_extra);
    for (uint32_t i = 0; i < s->extra.n; i++)
        extra[i] = (struct user_extra){.key = s->extra.v[i].key, .values = s->extra.v[i].value.items};
    u.extra = extra;
    u.n_extra = s->extra.n;
    return u;
}

static void review_subject(struct call *c, void *body) {
    struct authorization_subject_access_review *r = body;
    struct user u = user_of(c, &r->spec);
    decide(c, &u, r->spec.resource_attributes, r->spec.non_resource_attributes, &r->status);
    answer_body(c, r);
}

static void review_local(struct call *c, void *body) {
    struct authorization_local_subject_access_review *r = body;
    struct user u = user_of(c, &r->spec);
    decide(c, &u, r->spec.resource_attributes, r->spec.non_resource_attributes, &r->status);
    answer_body(c, r);
}

static void review_self(struct call *c, void *body) {
    struct authorization_self_subject_access_review *r = body;
    decide(c, &c->user, r->spec.resource_attributes, r->spec.non_resource_attributes, &r->status);
    answer_body(c, r);
}

void subresource_access_review(struct call *c) {
    switch (c->info.kind->hub->index) {
    case KIND_AUTHORIZATION_SUBJECT_ACCESS_REVIEW: answer_checked(c, review_subject); break;
    case KIND_AUTHORIZATION_LOCAL_SUBJECT_ACCESS_REVIEW: answer_checked(c, review_local); break;
    default: answer_checked(c, review_self); break;
    }
}

/* -- SelfSubjectRulesReview -- */

static void add_rule(const struct rbac_policy_rule *from,
                     struct authorization_subject_rules_review_status *to) {
    if (from->non_resource_urls.n) {
        to->non_resource_rules.v[to->non_resource_rules.n++] = (struct authorization_non_resource_rule){
            .verbs = from->verbs,
            .non_resource_urls = from->non_resource_urls,
        };
        return;
    }
    to->resource_rules.v[to->resource_rules.n++] = (struct authorization_resource_rule){
        .verbs = from->verbs,
        .api_groups = from->api_groups,
        .resources = from->resources,
        .resource_names = from->resource_names,
    };
}

static void review_rules(struct call *c, void *body) {
    struct authorization_self_subject_rules_review *r = body;
    struct rbac_policy_rule_array rules = {0};
    struct authorization_subject_rules_review_status *s = &r->status;
    if (str_empty(r->spec.namespace)) {
        call_answer_status(c, status_bad_request(c->arena, "no namespace on request"));
        return;
    }
    memset(s, 0, sizeof *s);
    authz_rules(c->server->authz, &c->user, r->spec.namespace, c->arena, &rules, &s->incomplete);
    s->resource_rules.v = arena_new_n(c->arena, rules.n + 1u, struct authorization_resource_rule);
    s->non_resource_rules.v = arena_new_n(c->arena, rules.n + 1u, struct authorization_non_resource_rule);
    for (uint32_t i = 0; i < rules.n; i++)
        add_rule(&rules.v[i], s);
    struct str node;
    if (s->incomplete)
        s->evaluation_error = node_identity(&c->user, &node)
                                  ? S("node authorizer does not support user rule resolution")
                                  : S("a role that is bound does not exist");
    answer_body(c, r);
}

void subresource_rules_review(struct call *c) {
    answer_checked(c, review_rules);
}

/* -- SelfSubjectReview -- */

static void review_who(struct call *c, void *body) {
    struct authentication_self_subject_review *r = body;
    subresource_user_info(c, &c->user, &r->status.user_info);
    r->metadata.creation_timestamp = (struct timestamp){.sec = clock_wall_sec(c->server->clock), .set = true};
    answer_body(c, r);
}

void subresource_self_review(struct call *c) {
    answer_checked(c, review_who);
}

/* -- ComponentStatus: of the time when components answered at known ports -- */

static const struct {
    struct str name, message;
} components[] = {
    {STR_INIT("controller-manager"), STR_INIT("ok")},
    {STR_INIT("etcd-0"), STR_INIT("ok")},
    {STR_INIT("scheduler"), STR_INIT("ok")},
};

void subresource_component_status(struct call *c) {
    struct str name = c->info.access.name;
    size_t i = 0, n = sizeof components / sizeof *components;
    while (i < n && !str_eq(components[i].name, name))
        i++;
    if (i == n) {
        call_answer_status(c, status_not_found(c->arena, status_of(c->info.kind, name)));
        return;
    }
    struct core_component_status *s = arena_new(c->arena, struct core_component_status);
    s->metadata.name = components[i].name;
    s->conditions.v = arena_new(c->arena, struct core_component_condition);
    s->conditions.v[0] = (struct core_component_condition){
        .type = S("Healthy"),
        .status = S("True"),
        .message = components[i].message,
    };
    s->conditions.n = 1;
    call_warn_old(c);
    call_answer_body(c, 200, TY_CORE_COMPONENT_STATUS, s);
}
