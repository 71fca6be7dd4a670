/* The cache: opening, closing, reading. See cache.h.
 *
 * The store's thread publishes each state of a resource in a cell; readers take it from there without a lock.
 * The order of publishing gives readers what they are promised:
 *   1. the states of all resources that a commit changed
 *   2. cache->revision: who reads it and then takes a snapshot has all changes up to it
 *   3. the rings
 *   4. cache->told: who reads it and then a ring to its end has seen all events up to it
 *   5. watchers are woken, then the writer is told
 */
#include "apiserver/cache_priv.h"

#include <stdlib.h>

#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/ids.h"

const struct cow_ops cache_objects = {.retain = object_retain_any, .release = object_release_any};

struct str cache_node_of(const struct object *o) {
    struct str node = ((const struct core_pod *)o->body)->spec.node_name;
    return node.p ? node : S("");
}

struct str cache_owner_uid(const struct meta_object_meta *m) {
    const struct meta_owner_reference *o = meta_controller(m);
    return o && o->uid.n ? o->uid : STR_NONE;
}

/* -- states -- */

static void state_release(struct shared *s) {
    struct cache_state *state = (struct cache_state *)s;
    cow_fini(&state->tree);
    cow_fini(&state->by_node);
    cow_fini(&state->by_owner);
    free(state);
}

void cache_publish(struct cached *r, uint64_t revision) {
    struct cache_state *state = malloc(sizeof *state);
    if (!state)
        panic("out of memory");
    shared_init(&state->shared, state_release);
    cow_snapshot(&r->tree, &state->tree);
    cow_snapshot(&r->by_node, &state->by_node);
    cow_snapshot(&r->by_owner, &state->by_owner);
    state->revision = revision;
    cell_set(&r->current, &state->shared);
    r->changed = false;
}

void cache_snapshot(struct cached *r, struct cache_snapshot *ret_snapshot) {
    uint64_t revision = atomic_load(&r->cache->revision);
    struct cache_state *state = (struct cache_state *)cell_get(&r->current);
    cow_snapshot(&state->tree, &ret_snapshot->tree);
    cow_snapshot(&state->by_node, &ret_snapshot->by_node);
    cow_snapshot(&state->by_owner, &ret_snapshot->by_owner);
    ret_snapshot->past = false;
    ret_snapshot->revision = state->revision > revision ? state->revision : revision;
    shared_unref(&state->shared);
}

void cache_snapshot_fini(struct cache_snapshot *s) {
    cow_fini(&s->tree);
    cow_fini(&s->by_node);
    cow_fini(&s->by_owner);
}

struct object *cache_get(struct cached *r, struct str ns, struct str name) {
    char key[STORE_KEY_MAX];
    if (ns.n >= sizeof key || name.n >= sizeof key - ns.n)
        return NULL;
    size_t n = 0;
    if (ns.n) {
        memcpy(key, ns.p, ns.n);
        key[ns.n] = '/';
        n = ns.n + 1;
    }
    if (name.n)
        memcpy(key + n, name.p, name.n);
    struct cache_state *state = (struct cache_state *)cell_get(&r->current);
    struct object *o = object_ref(cow_get(&state->tree, str_make(key, n + name.n)));
    shared_unref(&state->shared);
    return o;
}

uint64_t cache_revision(const struct cache *c) {
    return atomic_load(&c->revision);
}

bool cache_has_reached(struct cached *r, uint64_t revision) {
    if (revision <= cache_revision(r->cache))
        return true;
    struct cache_state *now = (struct cache_state *)cell_get(&r->current);
    bool reached = revision <= now->revision; /* states are published before the cache's revision */
    shared_unref(&now->shared);
    return reached;
}

struct cached *cache_of(struct cache *c, const struct kind *k) {
    check(k->hub && k->hub->set == &builtin);
    struct cached *r = &c->resources[k->hub->index];
    return r->kind ? r : NULL;
}

int cache_health(struct cache *c, struct err *err) {
    mutex_lock(&c->lock);
    int r = c->broken ? err_set(err, c->broken, "%s", c->broken_why) : 0;
    mutex_unlock(&c->lock);
    return r;
}

/* -- opening and closing -- */

static bool is_stored(const struct kind *k) {
    return k->hub == k && !k->virtual_ && k->plural.n && k->set->types[k->type].flags & TYPE_OBJECT_META;
}

static void resource_init(struct cache *c, struct cached *r, const struct kind *k) {
    struct arena a = ARENA_INIT;
    struct str prefix = cache_prefix(&a, k);
    char *copy = malloc(prefix.n);
    if (!copy)
        panic("out of memory");
    memcpy(copy, prefix.p, prefix.n);
    arena_fini(&a);
    r->cache = c;
    r->kind = k;
    r->prefix = str_make(copy, prefix.n);
    r->node = k->index == KIND_CORE_POD ? cache_node_of : NULL;
    cow_init(&r->tree, &cache_objects);
    cow_init(&r->by_node, &cache_objects);
    cow_init(&r->by_owner, &cache_objects);
    cell_init(&r->current, NULL);
    mutex_init(&r->lock);
    link_init(&r->watchers);
    c->by_prefix[c->n_by_prefix++] = r;
}

static void resource_fini(struct cached *r) {
    check(link_empty(&r->watchers));
    ring_fini(&r->ring);
    vec_foreach (g, &r->groups)
        free(*g);
    vec_fini(&r->groups);
    free(r->places);
    mutex_fini(&r->lock);
    cell_fini(&r->current);
    cow_fini(&r->by_node);
    cow_fini(&r->by_owner);
    cow_fini(&r->tree);
    free((char *)r->prefix.p);
}

static int cmp_prefix(const void *a, const void *b) {
    return str_cmp((*(struct cached *const *)a)->prefix, (*(struct cached *const *)b)->prefix);
}

int cache_open(struct store *store, struct cache **ret_cache, struct err *err) {
    struct cache *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    c->store = store;
    mutex_init(&c->lock);
    c->resources = calloc(n_kinds, sizeof *c->resources);
    c->by_prefix = calloc(n_kinds, sizeof *c->by_prefix);
    if (!c->resources || !c->by_prefix)
        panic("out of memory");
    for (uint32_t i = 0; i < n_kinds; i++)
        if (is_stored(&kinds[i]))
            resource_init(c, &c->resources[i], &kinds[i]);
    qsort(c->by_prefix, c->n_by_prefix, sizeof *c->by_prefix, cmp_prefix);
    int r = cache_load(c, err);
    if (r < 0)
        cache_close(c);
    else
        *ret_cache = c;
    return r;
}

static void ignore_events(void *arg, uint64_t revision, const struct store_kv *kvs,
                          const struct store_kv *previous, size_t n, void *const *tags) {
    (void)arg, (void)revision, (void)kvs, (void)previous, (void)n, (void)tags;
}

void cache_close(struct cache *c) {
    if (!c)
        return;
    struct err err = ERR_INIT; /* a store that is closing calls nobody */
    (void)c->store->ops->observe(c->store, c->store->ops->revision(c->store), ignore_events, NULL, &err);
    for (uint32_t i = 0; i < c->n_by_prefix; i++)
        resource_fini(c->by_prefix[i]);
    waker_fini(c);
    scratch_fini(c);
    mutex_fini(&c->lock);
    free(c->by_prefix);
    free(c->resources);
    free(c);
}
