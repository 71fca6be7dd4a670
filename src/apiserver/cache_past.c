/* States of a resource as they were: for continued lists, and lists at an exact revision. See cache.h.
 *
 * Nothing is kept for this: the present tree is shared, and what changed since is taken back event by event,
 * as far as the ring reaches; the store knows more, and is slower. Entries that are put back need keys that
 * live with them, so they become objects of their own around the old body.
 */
#include "apiserver/cache_priv.h"

#include <sched.h>

#include "api/types/meta.h"

/* How often to look again whether the ring has caught up with the tree; on the store's thread that is a few
 * instructions away. */
#define CATCH_UP_TRIES 10000u

/* -- taking back -- */

static struct str key_in(struct arena *a, const struct object *o) {
    const struct meta_object_meta *m = o->meta;
    return o->kind->namespaced ? arena_printf(a, "%.*s/%.*s", STR_ARG(m->namespace), STR_ARG(m->name))
                               : arena_str(a, m->name);
}

static void put_back(struct cow *tree, const struct object *o) {
    struct arena a;
    arena_init_sized(&a, ARENA_CHUNK_MIN);
    struct str key = key_in(&a, o);
    arena_hold(&a, object_release_any, object_ref(o));
    object_release_any(cow_put(tree, key, object_freeze(o->kind, o->body, &a)));
}

static void take_back(struct cow *tree, const struct ring_event *e) {
    struct arena a = ARENA_INIT;
    if (e->type == CACHE_ADDED)
        object_release_any(cow_take(tree, key_in(&a, e->object)));
    else
        put_back(tree, e->previous);
    arena_fini(&a);
}

/* Events after a revision up to another one, with references. */
struct events {
    struct ring_event *v;
    size_t n, cap;
};

static void events_fini(struct events *events) {
    vec_foreach (e, events) {
        object_unref(e->object);
        object_unref(e->previous);
    }
    vec_fini(events);
}

enum reach { REACH_ALL, REACH_LATER, REACH_NOT };

/* REACH_LATER: the last one is not in the ring yet. */
static enum reach collect(struct cached *r, uint64_t after, uint64_t last, struct events *events) {
    mutex_lock(&r->lock);
    const struct ring *g = &r->ring;
    enum reach reach = REACH_NOT;
    if (after >= g->base) {
        uint64_t p = ring_find(g, after), end = ring_find(g, last);
        reach = end > p && ring_at(g, end - 1)->revision == last ? REACH_ALL : REACH_LATER;
        for (; reach == REACH_ALL && p < end; p++) {
            struct ring_event e = *ring_at(g, p);
            e.object = object_ref(e.object);
            e.previous = object_ref(e.previous);
            vec_push(events, e);
        }
    }
    mutex_unlock(&r->lock);
    return reach;
}

/* False: the ring does not reach back so far. */
static bool from_ring(struct cached *r, const struct cache_state *now, uint64_t revision, struct cow *ret) {
    struct events events = {0};
    enum reach reach = REACH_LATER;
    for (unsigned i = 0; reach == REACH_LATER && i < CATCH_UP_TRIES; i++) {
        if (i)
            (void)sched_yield();
        reach = collect(r, revision, now->revision, &events);
    }
    if (reach == REACH_ALL) {
        cow_snapshot(&now->tree, ret);
        for (size_t i = events.n; i--;)
            take_back(ret, &events.v[i]);
    }
    events_fini(&events);
    return reach == REACH_ALL;
}

/* -- reading again -- */

struct reading {
    struct cached *resource;
    struct scratch *scratch;
    struct cow tree;
    struct err *err;
    int code;
};

static bool read_one(void *arg, const struct store_kv *kv) {
    struct reading *x = arg;
    struct cache_draft d;
    struct str key = str_from_byte(kv->key, sizeof REGISTRY - 1 + x->resource->prefix.n);
    x->code = draft_from_bytes(x->resource, key, kv->value, x->scratch, &d, x->err);
    arena_reset(&x->scratch->arena);
    if (x->code == 0)
        object_release_any(cow_put(&x->tree, d.key, draft_freeze(&d, kv->mod_rev)));
    return x->code == 0;
}

static int from_store(struct cached *r, uint64_t revision, struct cow *ret, struct err *err) {
    struct store *s = r->cache->store;
    struct reading x = {.resource = r, .scratch = scratch_take(r->cache), .err = err};
    struct buf from = BUF_INIT, to = BUF_INIT;
    uint64_t at;
    buf_lit(&from, REGISTRY);
    buf_str(&from, r->prefix);
    buf_str(&to, buf_view(&from));
    to.p[to.n - 1]++; /* of the slash that ends every prefix */
    cow_init(&x.tree, &cache_objects);
    int code = s->ops->range(s, buf_view(&from), buf_view(&to), revision, 0, read_one, &x, &at, err);
    buf_fini(&from);
    buf_fini(&to);
    scratch_give(r->cache, x.scratch);
    if (code == 0)
        code = x.code;
    if (code == 0)
        *ret = x.tree;
    else
        cow_fini(&x.tree);
    return code;
}

int cache_snapshot_at(struct cached *r, uint64_t revision, struct cache_snapshot *ret_snapshot,
                      struct err *err) {
    if (!cache_has_reached(r, revision))
        return err_set(err, ERR_INVALID, "revision %llu is still to come", (unsigned long long)revision);
    struct cache_state *now = (struct cache_state *)cell_get(&r->current);
    struct cache_snapshot s = {.revision = revision};
    int code = 0;
    cow_init(&s.by_node, &cache_objects);
    cow_init(&s.by_owner, &cache_objects);
    if (now->revision <= revision) {
        cow_snapshot(&now->tree, &s.tree);
        cow_snapshot(&now->by_node, &s.by_node);
        cow_snapshot(&now->by_owner, &s.by_owner);
    } else {
        s.past = true;
        if (!from_ring(r, now, revision, &s.tree))
            code = from_store(r, revision, &s.tree, err);
    }
    shared_unref(&now->shared);
    if (code == 0)
        *ret_snapshot = s;
    return code;
}
