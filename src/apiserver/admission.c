/* The chain of admission plugins. See admission.h. */
#include "apiserver/admission.h"

#include <stdlib.h>

#include "apiserver/admission_priv.h"
#include "apiserver/admission_quota.h"
#include "apiserver/authz.h"
#include "base/err.h"

/* In this order. CONFORMS: upstream's order of plugins that are on by default. */
static const struct admission_plugin *const plugins[] = {
    &admission_namespace_lifecycle,
    &admission_limit_ranger,
    &admission_service_account,
    &admission_node_restriction,
    &admission_taint_nodes,
    /* Pod Security comes in here */
    &admission_priority,
    &admission_default_tolerations,
    &admission_default_storage_class,
    &admission_storage_protection,
    &admission_claim_resize,
    &admission_runtime_class,
    &admission_csr_approval,
    &admission_csr_signing,
    &admission_csr_subject,
    &admission_default_ingress_class,
    &admission_pod_topology_labels,
    /* mutating and validating policies and webhooks come in here */
    &admission_rbac,
    &admission_resource_quota,
};
#define N_PLUGINS (sizeof plugins / sizeof *plugins)

struct admission {
    struct apiserver *server;
    struct quota_ledger *quota;
};

struct admission *admission_new(struct apiserver *server) {
    struct admission *a = calloc(1, sizeof *a);
    if (!a)
        panic("out of memory");
    a->server = server;
    a->quota = quota_ledger_new(server);
    return a;
}

void admission_free(struct admission *a) {
    if (!a)
        return;
    quota_ledger_free(a->quota);
    free(a);
}

struct apiserver *admission_server(struct admission *a) {
    return a->server;
}

void admission_trim(struct admission *a) {
    quota_ledger_trim(a->quota);
}

struct quota_ledger *admission_quota(struct admission *a) {
    return a->quota;
}

/* One plugin. */
static enum admission_verdict step(struct admission *a, struct admission_request *r, struct status **status) {
    const struct admission_plugin *p = plugins[r->step];
    if (!(p->operations & r->operation))
        return ADMIT_NEXT;
    if (r->mutating)
        return p->mutate ? p->mutate(a, r, status) : ADMIT_NEXT;
    return p->validate ? p->validate(a, r, status) : ADMIT_NEXT;
}

/* Goes on from the present step to the end, a refusal, or a plugin that waits. */
static void walk(struct admission *a, struct admission_request *r) {
    struct status *status = NULL;
    for (; r->step < N_PLUGINS; r->step++) {
        enum admission_verdict v = step(a, r, &status);
        if (v == ADMIT_WAIT)
            return; /* r is no longer ours */
        if (v == ADMIT_DENY) {
            check(status);
            break;
        }
    }
    r->done(r, status);
}

static void start(struct admission *a, struct admission_request *r, bool mutating) {
    r->step = 0;
    r->mutating = mutating;
    walk(a, r);
}

void admission_mutate(struct admission *a, struct admission_request *r) {
    start(a, r, true);
}

void admission_validate(struct admission *a, struct admission_request *r) {
    start(a, r, false);
}

void admission_resume(struct admission_request *r, struct status *status) {
    if (status) {
        r->done(r, status);
        return;
    }
    r->step++;
    walk(r->call->server->admission, r);
}

/* -- what plugins share -- */

static struct str shown_name(const struct admission_request *r) {
    if (!str_empty(r->name))
        return r->name;
    if (!r->object || r->object_type != r->kind->type)
        return S("");
    const struct meta_object_meta *m = object_meta_in(r->kind, r->object);
    return str_empty(m->name) ? m->generate_name : m->name;
}

enum admission_verdict admission_forbid(const struct admission_request *r, struct status **ret_status,
                                        const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str why = arena_vprintf(admission_arena(r), fmt, ap);
    va_end(ap);
    *ret_status = status_forbidden(admission_arena(r), status_of(r->kind, shown_name(r)), why);
    return ADMIT_DENY;
}

const struct object *call_lookup(const struct call *c, uint16_t kind, struct str ns, struct str name) {
    struct object *o = cache_get(cache_of(c->server->cache, &kinds[kind]), ns, name);
    if (o)
        arena_hold(c->arena, object_release_any, o);
    return o;
}

const struct object *admission_lookup(const struct admission *a, const struct admission_request *r,
                                      uint16_t kind, struct str ns, struct str name) {
    (void)a;
    return call_lookup(r->call, kind, ns, name);
}

static void drop_snapshot(void *snapshot) {
    cache_snapshot_fini(snapshot);
}

const struct cache_snapshot *call_snapshot(const struct call *c, uint16_t kind) {
    struct cache_snapshot *s = arena_new(c->arena, struct cache_snapshot);
    cache_snapshot(cache_of(c->server->cache, &kinds[kind]), s);
    arena_hold(c->arena, drop_snapshot, s);
    return s;
}

bool call_may(const struct call *c, struct str verb, struct str group, struct str resource,
              struct str subresource, struct str ns, struct str name) {
    struct access what = {
        .user = &c->user,
        .verb = verb,
        .is_resource = true,
        .group = group,
        .version = S("*"),
        .resource = resource,
        .subresource = subresource,
        .ns = ns,
        .name = name,
    };
    return authz_check(c->server->authz, &what, c->arena, NULL) == AUTHZ_ALLOW;
}

static bool says_true(const struct object *o, struct str annotation) {
    return annotation.n && str_eq(str_map_get(o->meta->annotations, annotation), S("true"));
}

static bool is_better(const struct object *o, const struct object *than) {
    if (!than)
        return true;
    int64_t mine = o->meta->creation_timestamp.sec, other = than->meta->creation_timestamp.sec;
    return mine != other ? mine > other : str_cmp(o->meta->name, than->meta->name) < 0;
}

const struct object *admission_default_class(const struct admission_request *r, uint16_t kind,
                                             struct str annotation, struct str older_annotation) {
    const struct cache_snapshot *s = call_snapshot(r->call, kind);
    const struct object *best = NULL;
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &s->tree)) {
        const struct object *o = item->value;
        if ((says_true(o, annotation) || says_true(o, older_annotation)) && is_better(o, best))
            best = o;
    }
    return best;
}
