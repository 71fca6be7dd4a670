/* serviceaccounts/token: a token for an account, perhaps bound to a pod, a secret or a node: it ends with
 * what it is bound to. See subresource.h. CONFORMS: KEP-1205, KEP-4193. */
#include "api/field_error.h"
#include "api/types/authentication.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/validate.h"
#include "apiserver/admission_priv.h"
#include "apiserver/sa_token.h"
#include "apiserver/subresource_priv.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "net/jwt.h"

/* Old clients do not read their tokens again: those that ask for this odd time get a year, and a warning is
 * counted when they use it after the time they asked for. */
#define MOUNTED_SECONDS 3607
#define EXTENDED_SECONDS (365 * 24 * 3600)
#define DEFAULT_SECONDS 3600

struct asking {
    struct authentication_token_request *request;
    const struct object *account;
};

static struct str group_of(const struct kind *k) {
    return k->group;
}

/* -- what it is bound to -- */

static struct status *other_uid(struct call *c, const struct object *o, struct str wanted) {
    return status_conflict(
        c->arena, status_of(o->kind, o->meta->name),
        arena_printf(
            c->arena,
            "the UID in the bound object reference (%.*s) does not match the UID in record. The object "
            "might have been deleted and then recreated",
            STR_ARG(wanted)));
}

static struct status *find_bound(struct call *c, const struct authentication_bound_object_reference *ref,
                                 uint16_t kind, struct str ns, const struct object **ret_object) {
    *ret_object = call_lookup(c, kind, ns, ref->name);
    if (!*ret_object)
        return status_not_found(c->arena, status_of(&kinds[kind], ref->name));
    if (!str_empty(ref->uid) && !str_eq(ref->uid, (*ret_object)->meta->uid))
        return other_uid(c, *ret_object, ref->uid);
    return NULL;
}

static struct sa_token_ref ref_to(const struct object *o) {
    return (struct sa_token_ref){.name = o->meta->name, .uid = o->meta->uid};
}

static struct status *bind_pod(struct call *c, const struct authentication_bound_object_reference *ref,
                               struct sa_token *t) {
    const struct object *o;
    struct status *failure = find_bound(c, ref, KIND_CORE_POD, t->ns, &o);
    if (failure)
        return failure;
    const struct core_pod *p = o->body;
    if (!str_eq(p->spec.service_account_name, t->account.name))
        return status_bad_request(c->arena,
                                  "cannot bind token for serviceaccount \"%.*s\" to pod running with "
                                  "different serviceaccount name.",
                                  STR_ARG(t->account.name));
    t->pod = ref_to(o);
    if (str_empty(p->spec.node_name))
        return NULL;
    const struct object *node = call_lookup(c, KIND_CORE_NODE, S(""), p->spec.node_name);
    t->node.name = p->spec.node_name;
    if (node)
        t->node.uid = node->meta->uid;
    return NULL;
}

static struct status *bind(struct call *c, const struct authentication_bound_object_reference *ref,
                           struct sa_token *t) {
    const struct object *o;
    struct status *failure;
    if (!str_eq(ref->api_version, S("v1")))
        return status_bad_request(c->arena, "cannot bind token to object of type %.*s, Kind=%.*s",
                                  STR_ARG(ref->api_version), STR_ARG(ref->kind));
    if (str_eq(ref->kind, S("Pod")))
        return bind_pod(c, ref, t);
    if (str_eq(ref->kind, S("Secret"))) {
        failure = find_bound(c, ref, KIND_CORE_SECRET, t->ns, &o);
        if (!failure)
            t->secret = ref_to(o);
        return failure;
    }
    if (str_eq(ref->kind, S("Node"))) {
        failure = find_bound(c, ref, KIND_CORE_NODE, S(""), &o);
        if (!failure)
            t->node = ref_to(o);
        return failure;
    }
    return status_bad_request(c->arena, "cannot bind token to object of type /v1, Kind=%.*s",
                              STR_ARG(ref->kind));
}

/* -- the token -- */

static bool is_own_audience(const struct call *c, struct str_array audiences) {
    return audiences.n == 1 && str_eq(audiences.v[0], c->server->token_issuer);
}

static void set_times(struct call *c, const struct authentication_token_request_spec *s, struct sa_token *t) {
    int64_t now = clock_wall_sec(c->server->clock), seconds = s->expiration_seconds.v;
    t->issued_sec = t->not_before_sec = now;
    t->expires_sec = now + seconds;
    if (seconds == MOUNTED_SECONDS && t->pod.name.n && is_own_audience(c, s->audiences)) {
        t->warn_after_sec = t->expires_sec;
        t->expires_sec = now + EXTENDED_SECONDS;
    }
}

static struct status *sign(struct call *c, const struct sa_token *t, struct str *ret_token) {
    struct err err = ERR_INIT;
    if (!c->server->token_signer)
        return status_internal_error(c->arena, S("this server has no key to sign tokens with"));
    struct jval claims = sa_token_claims(t, c->arena);
    if (jwt_sign(c->server->token_signer, &claims, c->arena, ret_token, &err) < 0)
        return status_internal_error(c->arena, arena_str(c->arena, str_from(err.msg)));
    return NULL;
}

static struct status *make(struct call *c, const struct asking *q) {
    struct authentication_token_request *r = q->request;
    char id[RAND_UUID_SIZE];
    rand_uuid(c->server->rand, id);
    struct sa_token t = {
        .ns = c->info.access.ns,
        .account = ref_to(q->account),
        .issuer = c->server->token_issuer,
        .id = arena_str(c->arena, str_from(id)),
        .audiences = r->spec.audiences,
    };
    struct status *failure = r->spec.bound_object_ref ? bind(c, r->spec.bound_object_ref, &t) : NULL;
    if (failure)
        return failure;
    set_times(c, &r->spec, &t);
    failure = sign(c, &t, &r->status.token);
    r->status.expiration_timestamp =
        (struct timestamp){.sec = t.issued_sec + r->spec.expiration_seconds.v, .set = true};
    return failure;
}

static void admitted(struct call *c, void *arg) {
    struct asking *q = arg;
    struct status *failure = make(c, q);
    if (failure)
        call_answer_status(c, failure);
    else
        call_answer_body(c, 201, TY_AUTHENTICATION_TOKEN_REQUEST, q->request);
}

/* -- what is asked -- */

static struct status *check_request(struct call *c, struct authentication_token_request *r) {
    struct str name = c->info.access.name;
    const struct kind *k = kind_find(S("authentication.k8s.io"), S("v1"), S("TokenRequest"));
    struct field_errors e = FIELD_ERRORS_INIT(c->arena);
    if (!str_empty(r->metadata.name) && !str_eq(r->metadata.name, name))
        return status_bad_request(
            c->arena,
            "metadata.name: Invalid value: \"%.*s\": must match the service account name if "
            "specified",
            STR_ARG(r->metadata.name));
    r->metadata.name = name;
    r->metadata.namespace = c->info.access.ns;
    r->metadata.creation_timestamp = (struct timestamp){.sec = clock_wall_sec(c->server->clock), .set = true};
    if (r->spec.audiences.n == 0) {
        struct str *v = arena_new(c->arena, struct str);
        *v = c->server->token_issuer;
        r->spec.audiences = (struct str_array){v, 1};
    }
    if (!r->spec.expiration_seconds.set)
        r->spec.expiration_seconds = (struct opt_i64){.v = DEFAULT_SECONDS, .set = true};
    memset(&r->status, 0, sizeof r->status);
    validate_create(NULL, k, r, &e);
    if (r->spec.audiences.n > SA_TOKEN_AUDIENCES_MAX)
        field_too_many(&e, at_field(NULL, "spec.audiences"), r->spec.audiences.n, SA_TOKEN_AUDIENCES_MAX);
    if (field_errors_count(&e) == 0)
        return NULL;
    struct status_target t = {.group = group_of(k), .kind = k->name, .name = name};
    return status_invalid(c->arena, t, &e);
}

void subresource_token(struct call *c) {
    struct asking *q = arena_new(c->arena, struct asking);
    q->request = subresource_body(c);
    if (!q->request)
        return;
    struct str name = c->info.access.name;
    q->account = call_lookup(c, KIND_CORE_SERVICE_ACCOUNT, c->info.access.ns, name);
    struct status *failure =
        q->account ? check_request(c, q->request)
                   : status_not_found(c->arena, status_of(&kinds[KIND_CORE_SERVICE_ACCOUNT], name));
    if (failure) {
        call_answer_status(c, failure);
        return;
    }
    subresource_admit(&(struct subresource_walk){
        .call = c,
        .object = q->request,
        .object_type = TY_AUTHENTICATION_TOKEN_REQUEST,
        .name = name,
        .next = admitted,
        .arg = q,
    });
}
