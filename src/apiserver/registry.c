/* Which verb a call is; get. See registry.h. */
#include "apiserver/registry_priv.h"

#include "api/meta.h"
#include "apiserver/cache.h"
#include "apiserver/server_priv.h"
#include "base/arena.h"
#include "base/err.h"

/* -- get -- */

/* CONFORMS: any version that is not in the future is served with the newest state. */
static struct status *check_version(struct call *c, struct cached *r) {
    uint64_t rv = 0;
    struct err err = ERR_INIT;
    if (rv_parse(c->options.resource_version, &rv, &err) < 0) {
        return status_bad_request(c->arena, "%s", err.msg);
    }
    if (cache_has_reached(r, rv))
        return NULL;
    struct str why =
        arena_printf(c->arena, "Too large resource version: %llu, current: %llu", (unsigned long long)rv,
                     (unsigned long long)cache_revision(c->server->cache));
    struct status *st = status_timeout(c->arena, why, 1);
    st->body.message = why;
    status_add_cause(c->arena, st, S("ResourceVersionTooLarge"), STR_NONE, S("Too large resource version"));
    return st;
}

static void get(struct call *c) {
    const struct access *x = &c->info.access;
    struct cached *r = cache_of(c->server->cache, c->info.kind);
    struct status *failure = check_version(c, r);
    if (failure) {
        call_answer_status(c, failure);
        return;
    }
    struct str ns = c->info.kind->namespaced ? x->ns : S("");
    struct object *o = cache_get(r, ns, x->name);
    if (o)
        call_answer_object(c, 200, o);
    else
        call_answer_status(c, status_not_found(c->arena, call_target(c)));
}

/* -- which -- */

static const struct {
    struct str verb;
    uint16_t bit;
    void (*run)(struct call *c);
} verbs[] = {
    {STR_INIT("get"), VERB_GET, get},
    {STR_INIT("create"), VERB_CREATE, registry_create},
    {STR_INIT("update"), VERB_UPDATE, registry_put},
    {STR_INIT("patch"), VERB_PATCH, registry_patch},
    {STR_INIT("delete"), VERB_DELETE, registry_delete},
    {STR_INIT("deletecollection"), VERB_DELETECOLLECTION, registry_delete_collection},
};

/* Whether its body is the object itself, of which it changes a part. */
static bool is_part(const struct kind *k, const struct kind_subresource *sub) {
    const struct strategy *s = strategy_of(k->hub);
    return str_eq(sub->name, S("status")) || (sub->type == k->type && s && s->prepare_subresource);
}

static void refuse_verb(struct call *c) {
    call_answer_status(c, status_method_not_supported(c->arena, call_target(c), c->info.access.verb));
}

void registry_run(struct call *c) {
    const struct access *x = &c->info.access;
    const struct kind *k = c->info.kind;
    bool sub = x->subresource.n > 0;
    bool nowhere = k && k->namespaced && !x->ns.n && x->name.n; /* /api/v1/pods/x */
    if (!k || nowhere || (sub && !c->info.subresource) ||
        (!k->namespaced && x->ns.n && !str_eq(k->plural, S("namespaces")))) {
        call_answer_status(c, status_no_such_path(c->arena));
        return;
    }
    const struct subresource_row *row = subresource_find(k, x->subresource);
    unsigned allowed = sub ? c->info.subresource->verbs : k->verbs, i = 0;
    while (i < sizeof verbs / sizeof *verbs && !str_eq(verbs[i].verb, x->verb))
        i++;
    if (i == sizeof verbs / sizeof *verbs || !(allowed & verbs[i].bit)) {
        refuse_verb(c);
    } else if (row && row->run) {
        row->run(c);
    } else if ((sub && !is_part(k, c->info.subresource)) || k->hub->virtual_) {
        call_answer_status(c, status_no_such_path(c->arena));
    } else {
        call_warn_old(c);
        verbs[i].run(c);
    }
}
