/* controller/gc_sweep: what the garbage collector does about owners that are gone, or going.
 *
 * Dependents are judged by what the caches say and deleted with uid and resourceVersion as preconditions: a
 * picture that was old costs a refused call and another look, never an object. That an owner is gone is
 * asked of the server, once in a run.
 *
 * CONFORMS: upstream's garbage collector (background, foreground, orphan; absent and misplaced owners).
 */
#include <stdlib.h>

#include "base/timefmt.h"
#include "base/vec.h"
#include "controller/calls.h"
#include "controller/gc_priv.h"
#include "controller/pods.h"

#define SWEEP_AT_ONCE 500u /* calls under way */

enum owner_state {
    OWNER_SOLID,   /* there, or not ours to judge */
    OWNER_WAITING, /* ends in the foreground */
    OWNER_ABSENT,
};

struct sweep {
    struct gc *gc;
    struct reconcile *r;
    struct arena *a;
    struct cow graph;
    struct map states; /* uid → enum owner_state + 1, of this run */
};

/* -- owners -- */

/* Where the owner would have to be. False: nowhere, a namespaced owner of a cluster-wide object. */
static bool owner_place(const struct object *o, const struct kind *k, struct str *ret_ns) {
    *ret_ns = k->namespaced ? o->meta->namespace : S("");
    return !k->namespaced || o->kind->namespaced;
}

static enum owner_state state_of_meta(const struct meta_object_meta *m) {
    return gc_in_foreground(m) ? OWNER_WAITING : OWNER_SOLID;
}

static int ask_server(struct sweep *s, const struct kind *k, struct str ns,
                      const struct meta_owner_reference *ref, enum owner_state *ret, struct err *err) {
    struct object *o = NULL;
    int rc = client_get(s->gc->c->client, k, ns, ref->name, &o, err);
    if (rc == ERR_NOT_FOUND) {
        *ret = OWNER_ABSENT;
        return 0;
    }
    if (rc)
        return rc;
    *ret = str_eq(o->meta->uid, ref->uid) ? state_of_meta(o->meta) : OWNER_ABSENT;
    object_unref(o);
    return 0;
}

static int find_owner_state(struct sweep *s, const struct object *o, const struct meta_owner_reference *ref,
                            enum owner_state *ret, struct err *err) {
    const struct kind *k = gc_kind_of(ref);
    struct str ns;
    *ret = OWNER_SOLID;
    if (!k)
        return 0;
    if (!owner_place(o, k, &ns)) {
        event_record(s->gc->c->events, o, "Warning", "OwnerRefInvalidNamespace",
                     "ownerRef %.*s/%.*s is of a namespaced kind, but this object has no namespace",
                     STR_ARG(ref->kind), STR_ARG(ref->name));
        return 0;
    }
    struct informer *informer = gc_informer(s->gc, k);
    struct object *known = informer ? informer_find(informer, ns, ref->name) : NULL;
    if (known && str_eq(known->meta->uid, ref->uid)) {
        *ret = state_of_meta(known->meta);
        object_unref(known);
        return 0;
    }
    object_unref(known);
    return ask_server(s, k, ns, ref, ret, err);
}

static int owner_state(struct sweep *s, const struct object *o, const struct meta_owner_reference *ref,
                       enum owner_state *ret, struct err *err) {
    /* the place is part of the question: the same uid may be named from a wrong namespace */
    struct str key = arena_printf(s->a, "%.*s/%.*s", STR_ARG(ref->uid), STR_ARG(o->meta->namespace));
    struct map_entry *e = map_upsert(&s->states, key, NULL);
    int rc = 0;
    if (e->u64) {
        *ret = (enum owner_state)(e->u64 - 1);
        return 0;
    }
    rc = find_owner_state(s, o, ref, ret, err);
    if (rc)
        map_remove_entry(&s->states, e);
    else
        e->u64 = (uint64_t)*ret + 1;
    return rc;
}

/* -- one object -- */

struct verdict {
    uint32_t solid, waiting, absent;
    struct str gone_refs; /* patch items that remove what is not solid */
};

static int judge(struct sweep *s, const struct object *o, struct verdict *v, struct err *err) {
    *v = (struct verdict){.gone_refs = S("")};
    for (uint32_t i = 0; i < o->meta->owner_references.n; i++) {
        const struct meta_owner_reference *ref = &o->meta->owner_references.v[i];
        enum owner_state state;
        int rc = owner_state(s, o, ref, &state, err);
        if (rc)
            return rc;
        v->solid += state == OWNER_SOLID;
        v->waiting += state == OWNER_WAITING;
        v->absent += state == OWNER_ABSENT;
        if (state != OWNER_SOLID)
            v->gone_refs = arena_printf(s->a, "%.*s%s{\"$patch\":\"delete\",\"uid\":\"%.*s\"}",
                                        STR_ARG(v->gone_refs), v->gone_refs.n ? "," : "", STR_ARG(ref->uid));
    }
    return 0;
}

static bool has_dependents(struct sweep *s, const struct object *o) {
    struct cow_iter it;
    return cow_next(gc_dependents(&it, &s->graph, o->meta->uid, s->a)) != NULL;
}

static struct client_call delete_call(struct sweep *s, const struct object *o, const struct verdict *v) {
    struct meta_preconditions *p = arena_new(s->a, struct meta_preconditions);
    struct meta_delete_options *d = arena_new(s->a, struct meta_delete_options);
    *p = (struct meta_preconditions){.uid = o->meta->uid, .resource_version = o->meta->resource_version};
    d->preconditions = p;
    bool foreground =
        (v->waiting && has_dependents(s, o)) || meta_has_finalizer(o->meta, S("foregroundDeletion"));
    d->propagation_policy = meta_has_finalizer(o->meta, S("orphan")) ? S("Orphan")
                            : foreground                             ? S("Foreground")
                                                                     : S("Background");
    return (struct client_call){.verb = CLIENT_DELETE,
                                .kind = o->kind,
                                .ns = o->meta->namespace,
                                .name = o->meta->name,
                                .delete_options = d};
}

static struct client_call patch_call(const struct object *o, struct str patch) {
    return (struct client_call){.verb = CLIENT_PATCH,
                                .kind = o->kind,
                                .ns = o->meta->namespace,
                                .name = o->meta->name,
                                .patch = CLIENT_PATCH_STRATEGIC,
                                .patch_text = patch};
}

static struct str drop_refs_patch(struct sweep *s, const struct object *o, struct str items) {
    return arena_printf(s->a, "{\"metadata\":{\"uid\":\"%.*s\",\"ownerReferences\":[%.*s]}}",
                        STR_ARG(o->meta->uid), STR_ARG(items));
}

struct call_list {
    struct client_call *v;
    size_t n, cap;
};

/* What has to be done about a dependent, if anything, goes to the list. */
static int consider(struct sweep *s, const struct object *o, struct call_list *out, struct err *err) {
    struct verdict v;
    if (meta_is_deleting(o->meta) || !o->meta->owner_references.n)
        return 0;
    int rc = judge(s, o, &v, err);
    if (rc || (!v.waiting && !v.absent))
        return rc;
    if (v.solid)
        vec_push_in(s->a, out, patch_call(o, drop_refs_patch(s, o, v.gone_refs)));
    else
        vec_push_in(s->a, out, delete_call(s, o, &v));
    return 0;
}

static int make_calls(struct sweep *s, const struct call_list *list, struct err *err) {
    bool again = false;
    struct err failure = ERR_INIT;
    for (size_t from = 0; from < list->n; from += SWEEP_AT_ONCE) {
        uint32_t n = (uint32_t)(list->n - from < SWEEP_AT_ONCE ? list->n - from : SWEEP_AT_ONCE);
        struct call_result results[SWEEP_AT_ONCE];
        struct err first = ERR_INIT;
        (void)calls_all(s->gc->c->client, list->v + from, n, results, &first);
        for (uint32_t i = 0; i < n; i++) {
            int code = results[i].code;
            if (code == ERR_CONFLICT)
                again = true;
            else if (code && code != ERR_NOT_FOUND)
                (void)err_set(&failure, code, "%s", first.msg);
        }
        call_results_release(results, n);
    }
    if (failure.code) {
        *err = failure;
        return failure.code;
    }
    return again ? err_set(err, ERR_AGAIN, "objects changed meanwhile") : 0;
}

/* -- dependents of one owner -- */

static struct object *object_of_edge(const struct gc *gc, const struct gc_edge *e) {
    struct informer *informer = gc_informer(gc, e->kind);
    return informer ? informer_find(informer, e->ns, e->name) : NULL;
}

static int sweep_dependents(struct sweep *s, struct str uid, struct err *err) {
    struct call_list list = {.n = 0};
    struct cow_iter it;
    int rc = 0;
    cow_foreach (item, &it, gc_dependents(&it, &s->graph, uid, s->a)) {
        struct object *o = object_of_edge(s->gc, item->value);
        if (!o)
            continue;
        arena_hold(s->a, object_release_any, o);
        rc = consider(s, o, &list, err);
        if (rc)
            return rc;
    }
    return make_calls(s, &list, err);
}

/* -- foreground -- */

static int remove_finalizer(struct sweep *s, const struct object *o, const char *finalizer, struct err *err) {
    struct str patch = arena_printf(
        s->a, "{\"metadata\":{\"uid\":\"%.*s\",\"$deleteFromPrimitiveList/finalizers\":[\"%s\"]}}",
        STR_ARG(o->meta->uid), finalizer);
    struct client_call call = patch_call(o, patch);
    return unless_gone(client_do(s->gc->c->client, &call, NULL, err));
}

/* Dependents that hold their owner back and are still there; *ret_circle: one of them ends in the foreground
 * itself. */
static uint32_t count_blocking(struct sweep *s, const struct object *o, bool *ret_circle) {
    struct cow_iter it;
    uint32_t n = 0;
    *ret_circle = false;
    cow_foreach (item, &it, gc_dependents(&it, &s->graph, o->meta->uid, s->a)) {
        const struct gc_edge *e = item->value;
        struct object *d = object_of_edge(s->gc, e);
        if (d) {
            n += e->blocks;
            *ret_circle = *ret_circle || gc_in_foreground(d->meta);
        }
        object_unref(d);
    }
    return n;
}

/* Owners and dependents in a circle would wait for each other for ever: this one stops holding its owners. */
static int unblock_owners(struct sweep *s, const struct object *o, struct err *err) {
    struct str items = S("");
    for (uint32_t i = 0; i < o->meta->owner_references.n; i++) {
        const struct meta_owner_reference *ref = &o->meta->owner_references.v[i];
        if (ref->block_owner_deletion.set && ref->block_owner_deletion.v)
            items = arena_printf(s->a, "%.*s%s{\"uid\":\"%.*s\",\"blockOwnerDeletion\":false}",
                                 STR_ARG(items), items.n ? "," : "", STR_ARG(ref->uid));
    }
    if (!items.n)
        return 0;
    struct client_call call = patch_call(o, drop_refs_patch(s, o, items));
    return unless_gone(client_do(s->gc->c->client, &call, NULL, err));
}

static int sweep_foreground(struct sweep *s, const struct object *o, struct err *err) {
    bool circle = false;
    uint32_t blocking = count_blocking(s, o, &circle);
    if (!blocking)
        return remove_finalizer(s, o, "foregroundDeletion", err);
    int rc = circle ? unblock_owners(s, o, err) : 0;
    return rc ? rc : sweep_dependents(s, o->meta->uid, err);
}

/* -- orphan -- */

static int orphan_dependents(struct sweep *s, const struct object *o, struct err *err) {
    struct call_list list = {.n = 0};
    struct cow_iter it;
    struct str items = arena_printf(s->a, "{\"$patch\":\"delete\",\"uid\":\"%.*s\"}", STR_ARG(o->meta->uid));
    cow_foreach (item, &it, gc_dependents(&it, &s->graph, o->meta->uid, s->a)) {
        struct object *d = object_of_edge(s->gc, item->value);
        if (!d)
            continue;
        arena_hold(s->a, object_release_any, d);
        if (meta_owner(d->meta, o->meta->uid))
            vec_push_in(s->a, &list, patch_call(d, drop_refs_patch(s, d, items)));
    }
    int rc = make_calls(s, &list, err);
    return rc ? rc : remove_finalizer(s, o, "orphan", err);
}

/* -- keys -- */

/* Each other is its own object: a fresh picture of it, since this is about what a cache may have missed. */
static int sweep_object(struct sweep *s, struct str key, struct err *err) {
    struct str index, rest, ns, name;
    uint64_t i = 0;
    if (!str_split(key, '/', &index, &rest) || !str_to_u64(index, &i) || i >= n_kinds ||
        !str_split(rest, '/', &ns, &name))
        return 0;
    struct object *o = NULL;
    int rc = client_get(s->gc->c->client, &kinds[i], ns, name, &o, err);
    if (rc)
        return unless_gone(rc);
    arena_hold(s->a, object_release_any, o);
    if (gc_is_orphaning(o->meta))
        return orphan_dependents(s, o, err);
    if (gc_in_foreground(o->meta))
        return sweep_foreground(s, o, err);
    struct call_list list = {.n = 0};
    rc = consider(s, o, &list, err);
    return rc ? rc : make_calls(s, &list, err);
}

static bool all_synced(const struct gc *gc) {
    for (uint32_t i = 0; i < n_kinds; i++)
        if (gc->kinds[i].informer && !informer_synced(gc->kinds[i].informer))
            return false;
    return true;
}

int gc_reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    struct sweep s = {.gc = c->state, .r = r, .a = r->arena, .states = MAP_INIT};
    if (!all_synced(s.gc)) {
        r->requeue_after_ns = NS_PER_SEC / 20;
        return 0;
    }
    gc_graph_snapshot(&s.gc->graph, &s.graph);
    struct str rest = str_from_byte(key, 2);
    int rc = key.p[0] == 'd' ? sweep_dependents(&s, rest, err) : sweep_object(&s, rest, err);
    cow_fini(&s.graph);
    map_fini(&s.states);
    return rc;
}
