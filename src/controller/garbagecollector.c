/* controller/garbagecollector: hears of all objects, keeps the graph of owners, and says what to look at.
 *
 * It follows every kind that can be listed, watched and deleted, but events. What it does about it is in
 * gc_sweep.c.
 */
#include <stdlib.h>

#include "controller/gc_priv.h"
#include "controller/rows.h"

const struct kind *gc_kind_of(const struct meta_owner_reference *ref) {
    struct str group, version;
    if (!api_version_split(ref->api_version, &group, &version))
        return NULL;
    const struct kind *k = kind_find(group, version, ref->kind);
    return k && k->plural.n ? k->hub : NULL;
}

struct informer *gc_informer(const struct gc *gc, const struct kind *k) {
    return k->index < n_kinds ? gc->kinds[k->index].informer : NULL;
}

struct str gc_object_key(struct arena *a, const struct kind *k, struct str ns, struct str name) {
    return arena_printf(a, "o/%u/%.*s/%.*s", k->index, STR_ARG(ns), STR_ARG(name));
}

static void look_at(struct gc *gc, const struct kind *k, struct str ns, struct str name) {
    _cleanup_arena struct arena a = ARENA_INIT;
    reconciler_enqueue(gc->reconciler, gc_object_key(&a, k, ns, name));
}

static void look_at_dependents(struct gc *gc, struct str uid) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct cow_iter it;
    if (cow_next(gc_dependents(&it, &gc->graph.tree, uid, &a)))
        reconciler_enqueue(gc->reconciler, arena_printf(&a, "d/%.*s", STR_ARG(uid)));
}

/* Owners that end in the foreground wait for what happens to their dependents. */
static void look_at_waiting_owners(struct gc *gc, const struct object *dependent) {
    for (uint32_t i = 0; i < dependent->meta->owner_references.n; i++) {
        const struct meta_owner_reference *ref = &dependent->meta->owner_references.v[i];
        const struct kind *k = gc_kind_of(ref);
        struct informer *informer = k ? gc_informer(gc, k) : NULL;
        if (!informer)
            continue;
        struct str ns = k->namespaced ? dependent->meta->namespace : S("");
        struct object *owner = informer_find(informer, ns, ref->name);
        if (owner && str_eq(owner->meta->uid, ref->uid) && gc_in_foreground(owner->meta))
            look_at(gc, k, ns, ref->name);
        object_unref(owner);
    }
}

static bool owner_is_known(struct gc *gc, const struct object *o, const struct meta_owner_reference *ref) {
    const struct kind *k = gc_kind_of(ref);
    struct informer *informer = k ? gc_informer(gc, k) : NULL;
    if (!informer)
        return true;
    struct object *owner = informer_find(informer, k->namespaced ? o->meta->namespace : S(""), ref->name);
    bool known = owner && str_eq(owner->meta->uid, ref->uid) && !gc_in_foreground(owner->meta);
    object_unref(owner);
    return known;
}

static bool owners_are_known(struct gc *gc, const struct object *o) {
    for (uint32_t i = 0; i < o->meta->owner_references.n; i++)
        if (!owner_is_known(gc, o, &o->meta->owner_references.v[i]))
            return false;
    return true;
}

static bool same_owners(const struct object *a, const struct object *b) {
    if (!a || a->meta->owner_references.n != b->meta->owner_references.n)
        return false;
    for (uint32_t i = 0; i < a->meta->owner_references.n; i++) {
        const struct meta_owner_reference *x = &a->meta->owner_references.v[i],
                                          *y = &b->meta->owner_references.v[i];
        if (!str_eq(x->uid, y->uid) || x->block_owner_deletion.v != y->block_owner_deletion.v)
            return false;
    }
    return true;
}

static void on_change(struct gc *gc, const struct object *now, const struct object *before) {
    bool same = same_owners(before, now);
    if (!same)
        gc_graph_update(&gc->graph, before, now);
    if (gc_in_foreground(now->meta) || gc_is_orphaning(now->meta)) {
        if (!before || !meta_is_deleting(before->meta) || !same)
            look_at(gc, now->kind, now->meta->namespace, now->meta->name);
    } else if (!same && !owners_are_known(gc, now)) {
        look_at(gc, now->kind, now->meta->namespace, now->meta->name);
    }
    if (!same && before)
        look_at_waiting_owners(gc, before);
}

static void on_event(struct informer_listener *l, const struct informer_event *e) {
    struct gc *gc = ((struct gc_kind *)((char *)l - offsetof(struct gc_kind, listener)))->gc;
    if (e->type != INFORMER_DELETED) {
        on_change(gc, e->object, e->previous);
        return;
    }
    gc_graph_update(&gc->graph, e->object, NULL);
    look_at_dependents(gc, e->object->meta->uid);
    look_at_waiting_owners(gc, e->object);
}

/* -- following all kinds -- */

static bool is_followed(const struct kind *k) {
    const uint16_t needed = VERB_LIST | VERB_WATCH | VERB_DELETE;
    return k->served && k->hub == k && !k->virtual_ && (k->verbs & needed) == needed &&
           !str_eq(k->name, S("Event"));
}

static int follow(struct gc *gc, uint32_t i, struct err *err) {
    struct gc_kind *k = &gc->kinds[i];
    k->gc = gc;
    k->listener = (struct informer_listener){.loop = gc->c->loop, .on_event = on_event};
    int rc = informer_get(gc->c->watcher, &(struct informer_options){.kind = &kinds[i]}, &k->informer, err);
    if (!rc)
        informer_listen(k->informer, &k->listener);
    return rc;
}

struct follow_all {
    struct gc *gc;
    int rc;
    struct err *err;
};

/* Listeners begin and end on their loop. */
static void follow_all(void *arg) {
    struct follow_all *f = arg;
    for (uint32_t i = 0; i < n_kinds && !f->rc; i++)
        if (is_followed(&kinds[i]))
            f->rc = follow(f->gc, i, f->err);
}

static void unfollow_all(void *arg) {
    struct gc *gc = arg;
    for (uint32_t i = 0; i < n_kinds; i++)
        if (gc->kinds[i].informer)
            informer_unlisten(gc->kinds[i].informer, &gc->kinds[i].listener);
}

static void leave(struct controller *c) {
    controller_on_loop(c, unfollow_all, c->state);
}

int garbagecollector_start(struct controller *c, struct err *err) {
    struct gc *gc = controller_state(c, sizeof *gc);
    gc->c = c;
    gc->kinds = calloc(n_kinds, sizeof *gc->kinds);
    if (!gc->kinds)
        panic("out of memory");
    gc_graph_init(&gc->graph);
    int rc = controller_add(c, &(struct reconciler_options){.reconcile = gc_reconcile, .concurrency = 4},
                            &gc->reconciler, err);
    if (rc)
        return rc;
    c->leave = leave;
    struct follow_all f = {.gc = gc, .err = err};
    controller_on_loop(c, follow_all, &f);
    return f.rc;
}

void garbagecollector_stop(struct controller *c) {
    struct gc *gc = c->state;
    for (uint32_t i = 0; i < n_kinds; i++)
        informer_unref(gc->kinds[i].informer);
    gc_graph_fini(&gc->graph);
    free(gc->kinds);
}
