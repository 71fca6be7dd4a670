/* Following the store: loading, and what happens on the store's thread for each commit. See cache.c for the
 * order in which things become visible.
 */
#include "apiserver/cache_priv.h"

/* What one key of a commit became. Holds both references. */
struct change {
    struct cached *resource;
    struct ring_event event;
};

/* -- trees -- */

/* Takes an object from an index, where it is under "by/key". */
static void index_take(struct cow *index, struct str by, struct str key) {
    struct buf b = BUF_INIT;
    buf_str(&b, by);
    buf_byte(&b, '/');
    buf_str(&b, key);
    object_release_any(cow_take(index, buf_view(&b)));
    buf_fini(&b);
}

static void put_by_owner(struct cached *r, const struct cache_draft *d, const struct object *previous,
                         struct object *o) {
    struct str before = previous ? cache_owner_uid(previous->meta) : STR_NONE;
    if (before.p && !str_eq(before, cache_owner_uid(o->meta)))
        index_take(&r->by_owner, before, d->key);
    if (d->owner_key.p)
        object_release_any(cow_put(&r->by_owner, d->owner_key, object_ref(o)));
}

/* Puts a frozen draft in place; the reference to what it replaces, or NULL. */
static struct object *put(struct cached *r, const struct cache_draft *d, struct object *o) {
    struct object *previous = cow_put(&r->tree, d->key, object_ref(o));
    if (r->node) {
        if (previous && !str_eq(r->node(previous), r->node(o)))
            index_take(&r->by_node, r->node(previous), d->key);
        object_release_any(cow_put(&r->by_node, d->node_key, object_ref(o)));
    }
    put_by_owner(r, d, previous, o);
    return previous;
}

static struct object *take(struct cached *r, struct str key) {
    struct object *previous = cow_get(&r->tree, key);
    if (!previous)
        return NULL;
    struct str owner = cache_owner_uid(previous->meta);
    if (r->node)
        index_take(&r->by_node, r->node(previous), key);
    if (owner.p)
        index_take(&r->by_owner, owner, key);
    return cow_take(&r->tree, key);
}

/* -- loading -- */

struct loading {
    struct cache *cache;
    struct scratch *scratch;
    struct err *err;
    int code;
};

/* Whatever is wrong with stored bytes: they are corrupt, and the key says where. */
static int corrupt(struct str key, struct err *err) {
    err->code = ERR_CORRUPT;
    return err_wrap(err, "%.*s", STR_ARG(key));
}

static bool load_one(void *arg, const struct store_kv *kv) {
    struct loading *l = arg;
    struct cached *r;
    struct str key;
    struct cache_draft d;
    if (!cache_key_split(l->cache, kv->key, &r, &key))
        return true;
    int code = draft_from_bytes(r, key, kv->value, l->scratch, &d, l->err);
    arena_reset(&l->scratch->arena);
    if (code < 0) {
        l->code = corrupt(kv->key, l->err);
        return false;
    }
    struct object *o = draft_freeze(&d, kv->mod_rev);
    object_unref(put(r, &d, o));
    object_unref(o);
    return true;
}

/* -- commits -- */

static void note_broken(struct cache *c, struct str key, struct err *err) {
    (void)corrupt(key, err);
    mutex_lock(&c->lock);
    if (!c->broken) {
        c->broken = err->code;
        memcpy(c->broken_why, err->msg, sizeof c->broken_why);
    }
    mutex_unlock(&c->lock);
}

/* The object that a key became, one reference; the draft keeps its keys. NULL: it cannot be read. */
static struct object *made(struct cached *r, struct str key, const struct store_kv *kv,
                           struct cache_pending *mine, struct cache_draft *d) {
    if (mine) {
        *d = mine->draft;
        mine->has_draft = false;
        return draft_freeze(d, kv->mod_rev);
    }
    struct err err = ERR_INIT;
    struct scratch *s = scratch_take(r->cache);
    int code = draft_from_bytes(r, key, kv->value, s, d, &err);
    scratch_give(r->cache, s);
    if (code < 0)
        note_broken(r->cache, kv->key, &err);
    return code < 0 ? NULL : draft_freeze(d, kv->mod_rev);
}

static struct object *deleted(const struct object *previous, uint64_t revision, struct cache_pending *mine) {
    if (!mine || !mine->has_draft)
        return object_at_revision(previous, revision);
    mine->has_draft = false;
    return draft_freeze(&mine->draft, revision);
}

static uint32_t only_ring_keeps(const struct ring_event *e) {
    size_t n = sizeof *e;
    if (e->previous)
        n += object_memory_bytes(e->previous);
    if (e->type == CACHE_DELETED)
        n += object_memory_bytes(e->object);
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* False when there is nothing to tell. */
static bool apply(struct cache *c, const struct store_kv *kv, struct cache_pending *mine,
                  struct change *ret_change) {
    struct cached *r;
    struct str key;
    struct cache_draft d = {0};
    if (!cache_key_split(c, kv->key, &r, &key))
        return false;
    struct ring_event e = {.revision = kv->mod_rev};
    if (kv->value.p) {
        e.object = made(r, key, kv, mine, &d);
        if (!e.object)
            return false;
        e.previous = put(r, &d, e.object);
        e.type = e.previous ? CACHE_MODIFIED : CACHE_ADDED;
    } else {
        e.previous = take(r, key);
        if (!e.previous)
            return false;
        e.object = deleted(e.previous, kv->mod_rev, mine);
        e.type = CACHE_DELETED;
    }
    e.bytes = only_ring_keeps(&e);
    if (mine)
        mine->object = object_ref(e.object);
    r->changed = true;
    *ret_change = (struct change){r, e};
    return true;
}

static void on_commit(void *arg, uint64_t revision, const struct store_kv *kvs,
                      const struct store_kv *previous, size_t n, void *const *tags) {
    struct cache *c = arg;
    struct change changes[STORE_BATCH_OPS_MAX];
    size_t changed = 0;
    (void)previous; /* the trees know */
    check(n <= STORE_BATCH_OPS_MAX);
    for (size_t i = 0; i < n; i++)
        changed += apply(c, &kvs[i], tags ? tags[i] : NULL, &changes[changed]);
    for (size_t i = 0; i < changed; i++)
        if (changes[i].resource->changed)
            cache_publish(changes[i].resource, revision);
    atomic_store(&c->revision, revision);
    for (size_t i = 0; i < changed; i++) {
        struct cached *r = changes[i].resource;
        mutex_lock(&r->lock);
        ring_append(r, &changes[i].event);
        mutex_unlock(&r->lock);
    }
    atomic_store(&c->told, revision);
    if (changed)
        cache_wake(c);
}

/* Revisions that another life of the store promised are used up: clients may have seen them. */
static void raise_to(atomic_ullong *revision, uint64_t least) {
    unsigned long long seen = atomic_load(revision);
    while (seen < least && !atomic_compare_exchange_weak(revision, &seen, least)) {
    }
}

/* Loads the state some revisions ago, and then lets history be told, which fills the rings. */
int cache_load(struct cache *c, struct err *err) {
    struct store *s = c->store;
    struct loading l = {.cache = c, .scratch = scratch_take(c), .err = err};
    uint64_t now = s->ops->revision(s), from = s->ops->back(s, CACHE_REPLAY);
    int r = 0;
    if (from) /* 0 would mean now */
        r = s->ops->range(s, S(REGISTRY), S("/registry0"), from, 0, load_one, &l, &from, err);
    scratch_give(c, l.scratch);
    if (r < 0 || l.code < 0)
        return r < 0 ? r : l.code;
    for (uint32_t i = 0; i < c->n_by_prefix; i++) {
        ring_init(&c->by_prefix[i]->ring, from);
        cache_publish(c->by_prefix[i], from);
    }
    atomic_store(&c->revision, from);
    atomic_store(&c->told, from);
    r = s->ops->observe(s, from, on_commit, c, err);
    if (r == 0) {
        raise_to(&c->revision, now);
        raise_to(&c->told, now);
    }
    return r < 0 ? r : cache_health(c, err);
}
