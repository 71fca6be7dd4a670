/* controller/gc_graph: an index of all owner references. */
#include "controller/gc_graph.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/meta.h"
#include "base/err.h"

struct published {
    struct shared shared;
    struct cow tree;
};

static void edge_retain(void *value) {
    ((struct gc_edge *)value)->refs++;
}

static void edge_release(void *value) {
    struct gc_edge *e = value;
    if (e && --e->refs == 0)
        free(e);
}

static const struct cow_ops edge_ops = {.retain = edge_retain, .release = edge_release};

static void published_release(struct shared *s) {
    struct published *p = (struct published *)((char *)s - offsetof(struct published, shared));
    cow_fini(&p->tree);
    free(p);
}

static void publish(struct gc_graph *g) {
    struct published *p = calloc(1, sizeof *p);
    if (!p)
        panic("out of memory");
    shared_init(&p->shared, published_release);
    cow_snapshot(&g->tree, &p->tree);
    cell_set(&g->current, &p->shared);
}

void gc_graph_init(struct gc_graph *g) {
    cow_init(&g->tree, &edge_ops);
    cell_init(&g->current, NULL);
    publish(g);
}

void gc_graph_fini(struct gc_graph *g) {
    cell_fini(&g->current);
    cow_fini(&g->tree);
}

/* "/<index>/" */
static size_t put_index(char *p, uint16_t index) {
    char text[8];
    int n = snprintf(text, sizeof text, "/%u/", index);
    memcpy(p, text, (size_t)n);
    return (size_t)n;
}

static struct gc_edge *edge_new(const struct object *o, const struct meta_owner_reference *ref) {
    const struct meta_object_meta *m = o->meta;
    struct gc_edge *e = calloc(1, sizeof *e + ref->uid.n + m->namespace.n + m->name.n + 12);
    if (!e)
        panic("out of memory");
    char *p = e->key;
    memcpy(p, ref->uid.p, ref->uid.n);
    p += ref->uid.n;
    p += put_index(p, o->kind->index);
    e->ns = str_make(p, m->namespace.n);
    if (m->namespace.n)
        memcpy(p, m->namespace.p, m->namespace.n);
    p += m->namespace.n;
    *p++ = '/';
    e->name = str_make(p, m->name.n);
    memcpy(p, m->name.p, m->name.n);
    p += m->name.n;
    e->n = (size_t)(p - e->key);
    e->refs = 1;
    e->kind = o->kind;
    e->blocks = ref->block_owner_deletion.set && ref->block_owner_deletion.v;
    return e;
}

static const struct meta_owner_reference *ref_in(const struct object *o, struct str uid) {
    return o ? meta_owner(o->meta, uid) : NULL;
}

static bool same_ref(const struct meta_owner_reference *a, const struct meta_owner_reference *b) {
    return a && b && a->block_owner_deletion.set == b->block_owner_deletion.set &&
           a->block_owner_deletion.v == b->block_owner_deletion.v;
}

static bool remove_old(struct gc_graph *g, const struct object *before, const struct object *now) {
    bool changed = false;
    for (uint32_t i = 0; before && i < before->meta->owner_references.n; i++) {
        const struct meta_owner_reference *ref = &before->meta->owner_references.v[i];
        if (!ref->uid.n || ref_in(now, ref->uid))
            continue;
        struct gc_edge *e = edge_new(before, ref);
        edge_release(cow_take(&g->tree, str_make(e->key, e->n)));
        edge_release(e);
        changed = true;
    }
    return changed;
}

static bool put_new(struct gc_graph *g, const struct object *before, const struct object *now) {
    bool changed = false;
    for (uint32_t i = 0; now && i < now->meta->owner_references.n; i++) {
        const struct meta_owner_reference *ref = &now->meta->owner_references.v[i];
        if (!ref->uid.n || same_ref(ref_in(before, ref->uid), ref))
            continue;
        struct gc_edge *e = edge_new(now, ref);
        edge_release(cow_put(&g->tree, str_make(e->key, e->n), e));
        changed = true;
    }
    return changed;
}

void gc_graph_update(struct gc_graph *g, const struct object *before, const struct object *now) {
    bool changed = remove_old(g, before, now);
    changed = put_new(g, before, now) || changed;
    if (changed)
        publish(g);
}

void gc_graph_snapshot(struct gc_graph *g, struct cow *ret) {
    struct shared *s = cell_get(&g->current);
    cow_snapshot(&((struct published *)((char *)s - offsetof(struct published, shared)))->tree, ret);
    shared_unref(s);
}

struct cow_iter *gc_dependents(struct cow_iter *it, const struct cow *snapshot, struct str owner_uid,
                               struct arena *a) {
    return cow_prefix(it, snapshot, arena_printf(a, "%.*s/", STR_ARG(owner_uid)));
}
