/* The state of one kind, fed from outside. See mirror.h. */
#include "client/mirror.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/thread.h"

static const struct cow_ops object_ops = {.retain = object_retain_any, .release = object_release_any};

struct cursor {
    struct mirror *mirror;
    struct cursor *next, *prev;
    uint64_t position;
    void (*wake)(void *arg);
    void *arg;
};

struct mirror {
    const struct kind *kind;
    bool on_nodes;
    atomic_bool synced;
    void (*wake)(void *arg);
    void *wake_arg;

    struct mutex lock; /* all that follows */
    struct cow tree, by_node, by_owner;
    uint64_t revision;
    /* events [first, next) by position; event p lies at ring[p % cap] */
    struct source_event *ring;
    uint32_t cap, max;
    uint64_t first, next;
    struct cursor *cursors;
};

struct mirror *mirror_new(const struct kind *kind, unsigned ring_max) {
    struct mirror *m = calloc(1, sizeof *m);
    if (!m)
        panic("out of memory");
    m->kind = kind;
    m->on_nodes = kind == &kinds[KIND_CORE_POD];
    m->max = ring_max ? ring_max : MIRROR_RING_MAX;
    mutex_init(&m->lock);
    cow_init(&m->tree, &object_ops);
    cow_init(&m->by_node, &object_ops);
    cow_init(&m->by_owner, &object_ops);
    return m;
}

void mirror_set_wake(struct mirror *m, void (*wake)(void *arg), void *arg) {
    m->wake_arg = arg;
    m->wake = wake;
}

/* -- keys -- */

static struct str key_of(struct arena *a, struct str first, const struct meta_object_meta *m) {
    if (!first.p)
        return m->namespace.n ? arena_printf(a, "%.*s/%.*s", STR_ARG(m->namespace), STR_ARG(m->name))
                              : arena_str(a, m->name);
    return m->namespace.n
               ? arena_printf(a, "%.*s/%.*s/%.*s", STR_ARG(first), STR_ARG(m->namespace), STR_ARG(m->name))
               : arena_printf(a, "%.*s/%.*s", STR_ARG(first), STR_ARG(m->name));
}

static struct mirror_item item_of(struct arena *a, const struct kind *kind, const void *body,
                                  const struct meta_object_meta *meta) {
    struct mirror_item k = {.node_key = STR_NONE, .owner_key = STR_NONE};
    if (kind == &kinds[KIND_CORE_POD]) {
        struct str node = ((const struct core_pod *)body)->spec.node_name;
        k.node_key = key_of(a, node.p ? node : S(""), meta);
        k.key = str_from_byte(k.node_key, node.n + 1);
    } else {
        k.key = key_of(a, STR_NONE, meta);
    }
    const struct meta_owner_reference *owner = meta_controller(meta);
    if (owner)
        k.owner_key = key_of(a, owner->uid, meta);
    return k;
}

struct mirror_item mirror_freeze(const struct kind *kind, void *body, struct arena *arena) {
    struct mirror_item item = item_of(arena, kind, body, object_meta_in(kind, body));
    item.object = object_freeze(kind, body, arena);
    return item;
}

/* -- the ring; the lock is held -- */

static struct source_event *ring_at(const struct mirror *m, uint64_t position) {
    return &m->ring[position % m->cap];
}

static void ring_drop_to(struct mirror *m, uint64_t position) {
    while (m->first < position) {
        struct source_event *e = ring_at(m, m->first++);
        object_unref(e->object);
        object_unref(e->previous);
    }
}

/* What every cursor has read is not needed. */
static void ring_trim(struct mirror *m) {
    uint64_t least = m->next;
    for (const struct cursor *c = m->cursors; c; c = c->next)
        if (c->position < least)
            least = c->position;
    ring_drop_to(m, least);
}

static void ring_grow(struct mirror *m) {
    uint32_t cap = m->cap ? m->cap * 2 : 16;
    if (cap > m->max)
        cap = m->max;
    struct source_event *ring = calloc(cap, sizeof *ring);
    if (!ring)
        panic("out of memory");
    for (uint64_t p = m->first; p < m->next; p++)
        ring[p % cap] = *ring_at(m, p);
    free(m->ring);
    m->ring = ring;
    m->cap = cap;
}

/* Takes over the references. */
static void ring_append(struct mirror *m, enum informer_event_type type, struct object *object,
                        struct object *previous) {
    if (!m->cursors) {
        object_unref(object);
        object_unref(previous);
        return;
    }
    if (m->next - m->first == m->cap && m->cap < m->max)
        ring_grow(m);
    if (m->next - m->first == m->cap)
        ring_drop_to(m, m->first + 1);
    *ring_at(m, m->next++) = (struct source_event){.type = type, .object = object, .previous = previous};
}

/* -- changes -- */

static void drop(struct object *o) {
    object_unref(o);
}

/* Takes the keys of `old` besides `key` out of the indexes, unless the new item has the same. */
static void unindex(struct mirror *m, const struct object *old, const struct mirror_item *now) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct mirror_item was = item_of(&a, m->kind, old->body, old->meta);
    if (was.node_key.p && !(now && str_eq(was.node_key, now->node_key)))
        drop(cow_take(&m->by_node, was.node_key));
    if (was.owner_key.p && !(now && now->owner_key.p && str_eq(was.owner_key, now->owner_key)))
        drop(cow_take(&m->by_owner, was.owner_key));
}

static void advance(struct mirror *m, uint64_t revision) {
    if (revision > m->revision)
        m->revision = revision;
}

static void put(struct mirror *m, const struct mirror_item *item) {
    struct object *old = cow_get(&m->tree, item->key);
    if (old && item->object->rv && old->rv >= item->object->rv) {
        object_unref(item->object);
        return;
    }
    if (old)
        unindex(m, old, item);
    old =
        cow_put(&m->tree, item->key, object_ref(item->object)); /* our reference to the old one is now ours */
    if (item->node_key.p)
        drop(cow_put(&m->by_node, item->node_key, object_ref(item->object)));
    if (item->owner_key.p)
        drop(cow_put(&m->by_owner, item->owner_key, object_ref(item->object)));
    advance(m, item->object->rv);
    ring_append(m, old ? INFORMER_MODIFIED : INFORMER_ADDED, item->object, old);
}

static void remove_key(struct mirror *m, struct str key, struct object *last) {
    struct object *old = cow_take(&m->tree, key);
    if (!old) {
        object_unref(last);
        return;
    }
    unindex(m, old, NULL);
    if (last)
        advance(m, last->rv);
    ring_append(m, INFORMER_DELETED, last ? last : object_ref(old), old);
}

static void wake_all(struct mirror *m) {
    ring_trim(m);
    for (struct cursor *c = m->cursors; c; c = c->next)
        c->wake(c->arg);
    mutex_unlock(&m->lock);
    if (m->wake)
        m->wake(m->wake_arg);
}

void mirror_put(struct mirror *m, const struct mirror_item *item) {
    mutex_lock(&m->lock);
    put(m, item);
    wake_all(m);
}

void mirror_remove(struct mirror *m, struct object *last) {
    _cleanup_arena struct arena a = ARENA_INIT;
    mutex_lock(&m->lock);
    remove_key(m, key_of(&a, STR_NONE, last->meta), last);
    wake_all(m);
}

/* Keys of the tree that are not among the items; in the arena, with the keys' own bytes. */
static size_t missing_keys(struct mirror *m, const struct mirror_item *items, size_t n, struct arena *a,
                           struct str **ret_keys) {
    _cleanup_map struct map there = MAP_INIT;
    for (size_t i = 0; i < n; i++)
        map_put_u64(&there, items[i].key, 1);
    struct str *keys = arena_new_n(a, cow_count(&m->tree) + 1, struct str);
    size_t n_keys = 0;
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &m->tree))
        if (!map_has(&there, item->key))
            keys[n_keys++] = arena_str(a, item->key);
    *ret_keys = keys;
    return n_keys;
}

void mirror_replace(struct mirror *m, const struct mirror_item *items, size_t n, uint64_t revision) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str *gone;
    mutex_lock(&m->lock);
    size_t n_gone = missing_keys(m, items, n, &a, &gone);
    for (size_t i = 0; i < n_gone; i++)
        remove_key(m, gone[i], NULL);
    for (size_t i = 0; i < n; i++)
        put(m, &items[i]);
    advance(m, revision);
    atomic_store(&m->synced, true);
    wake_all(m);
}

void mirror_reached(struct mirror *m, uint64_t revision) {
    _cleanup_unlock struct mutex *held = mutex_hold(&m->lock);
    advance(m, revision);
}

/* -- reading -- */

bool mirror_synced(const struct mirror *m) {
    return atomic_load(&m->synced);
}

uint64_t mirror_revision(struct mirror *m) {
    _cleanup_unlock struct mutex *held = mutex_hold(&m->lock);
    return m->revision;
}

static void snapshot(struct mirror *m, struct informer_snapshot *ret) {
    cow_snapshot(&m->tree, &ret->tree);
    cow_snapshot(&m->by_node, &ret->by_node);
    cow_snapshot(&m->by_owner, &ret->by_owner);
    ret->revision = m->revision;
}

void mirror_snapshot(struct mirror *m, struct informer_snapshot *ret) {
    _cleanup_unlock struct mutex *held = mutex_hold(&m->lock);
    snapshot(m, ret);
}

/* -- cursors -- */

void *mirror_cursor_open(struct mirror *m, void (*wake)(void *arg), void *arg,
                         struct informer_snapshot *ret_snapshot) {
    struct cursor *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    c->mirror = m;
    c->wake = wake;
    c->arg = arg;
    _cleanup_unlock struct mutex *held = mutex_hold(&m->lock);
    c->position = m->next;
    c->next = m->cursors;
    if (c->next)
        c->next->prev = c;
    m->cursors = c;
    if (ret_snapshot)
        snapshot(m, ret_snapshot);
    return c;
}

int mirror_cursor_next(void *cursor, struct source_event *ret_events, unsigned max) {
    struct cursor *c = cursor;
    struct mirror *m = c->mirror;
    _cleanup_unlock struct mutex *held = mutex_hold(&m->lock);
    if (c->position < m->first)
        return ERR_EXPIRED;
    unsigned n = 0;
    for (; n < max && c->position < m->next; n++) {
        const struct source_event *e = ring_at(m, c->position++);
        ret_events[n] = *e;
        (void)object_ref(e->object);
        (void)object_ref(e->previous);
    }
    if (n && c->position == m->next)
        ring_trim(m);
    return (int)n;
}

void mirror_cursor_close(void *cursor) {
    struct cursor *c = cursor;
    struct mirror *m = c->mirror;
    mutex_lock(&m->lock);
    *(c->prev ? &c->prev->next : &m->cursors) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    ring_trim(m);
    mutex_unlock(&m->lock);
    free(c);
}

void mirror_free(struct mirror *m) {
    if (!m)
        return;
    check(!m->cursors);
    ring_drop_to(m, m->next);
    free(m->ring);
    cow_fini(&m->tree);
    cow_fini(&m->by_node);
    cow_fini(&m->by_owner);
    mutex_fini(&m->lock);
    free(m);
}
