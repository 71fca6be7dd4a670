/* What special subresources share. See subresource_priv.h. */
#include <stdlib.h>

#include "api/field_error.h"
#include "api/types/authentication.h"
#include "api/validate.h"
#include "apiserver/body.h"
#include "apiserver/server_priv.h"
#include "apiserver/subresource_priv.h"
#include "base/arena.h"

struct admitting {
    struct admission_request request;
    struct subresource_walk walk;
};

static void on_validated(struct admission_request *r, struct status *failure) {
    struct admitting *a = r->arg;
    struct call *c = r->call;
    if (failure)
        call_answer_status(c, failure);
    else
        a->walk.next(c, a->walk.arg);
}

static void on_mutated(struct admission_request *r, struct status *failure) {
    if (failure) {
        call_answer_status(r->call, failure);
        return;
    }
    r->done = on_validated;
    admission_validate(r->call->server->admission, r);
}

void subresource_admit(const struct subresource_walk *walk) {
    struct call *c = walk->call;
    if (!c->server->admission) {
        walk->next(c, walk->arg);
        return;
    }
    struct admitting *a = arena_new(c->arena, struct admitting);
    a->walk = *walk;
    a->request = (struct admission_request){
        .call = c,
        .operation = ADMIT_CREATE,
        .kind = c->info.kind->hub,
        .ns = c->info.kind->namespaced ? c->info.access.ns : S(""),
        .name = walk->name,
        .subresource = c->info.access.subresource.n ? c->info.access.subresource : S(""),
        .object = walk->object,
        .object_type = walk->object_type,
        .dry_run = c->options.dry_run,
        .done = on_mutated,
        .arg = a,
    };
    admission_mutate(c->server->admission, &a->request);
}

static const struct kind *body_kind(const struct call *c) {
    const struct kind_subresource *sub = c->info.subresource;
    return sub ? kind_find(sub->kind_group, sub->kind_version, sub->kind) : c->info.kind;
}

void *subresource_body(struct call *c) {
    struct body_type want = body_type_of(c->info.kind, c->info.subresource);
    struct status *failure = NULL;
    void *object;
    if (body_read(c, &want, &object, &failure) < 0) {
        call_answer_status(c, failure);
        return NULL;
    }
    const struct kind *k = body_kind(c);
    struct meta_object_meta *m = object_meta_in(k, object);
    if (c->info.kind->namespaced && !namespace_fits_request(m, c->info.access.ns)) {
        call_answer_status(c,
                           status_bad_request(c->arena, "the namespace of the provided object does not match "
                                                        "the namespace sent on the request"));
        return NULL;
    }
    return object;
}

static int by_key(const void *a, const void *b) {
    const struct authentication_extra_value_entry *x = a, *y = b;
    return str_cmp(x->key, y->key);
}

void subresource_user_info(struct call *c, const struct user *u, struct authentication_user_info *to) {
    *to = (struct authentication_user_info){.username = u->name, .uid = u->uid, .groups = u->groups};
    if (!u->n_extra)
        return;
    to->extra.v = arena_array(c->arena, u->n_extra, sizeof *to->extra.v);
    to->extra.n = u->n_extra;
    for (uint32_t i = 0; i < u->n_extra; i++) {
        to->extra.v[i].key = u->extra[i].key;
        to->extra.v[i].value.items = u->extra[i].values;
    }
    qsort(to->extra.v, to->extra.n, sizeof *to->extra.v, by_key);
}
