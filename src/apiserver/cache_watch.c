/* Watchers: cursors into a ring, and how they are woken.
 *
 * A watcher is idle when it has read all there is; then it is linked where the next event for it is found: in
 * the list of its group (resource and loop), or, when it asks for one namespace or node, in the place of
 * that name's hash. An event moves all lists of groups, each in one step, and of a place those that it is
 * for, to the wakers of their loops; one message to each loop wakes them there. A watcher that is busy, woken
 * or reading, is not touched again until it has come to the end. So an event costs nothing for watchers that
 * it is not for, or that are behind anyway.
 *
 * A place remembers where its watcher goes on: at the event that woke it, since all before were not for it.
 *
 *   idle ──event──▶ woken ──loop──▶ reading ──cache_next gives 0──▶ idle
 *
 * Locks: the resource's for idle, position and the lists of idle ones; the waker's for its list of woken
 * ones. The batch being woken belongs to the loop alone, on which watchers also come and go.
 */
#include <stddef.h>
#include <stdlib.h>

#include "api/types/meta.h"
#include "apiserver/cache_priv.h"
#include "base/hash.h"

#define PLACES_MIN 64u
#define SCAN_MAX 1024u /* events looked at in one go while the lock is held */

#define watcher_of(l, member) ((struct cache_watcher *)((char *)(l)-offsetof(struct cache_watcher, member)))

/* -- wakers -- */

static void waker_release(struct shared *s) {
    struct waker *k = (struct waker *)s;
    mutex_fini(&k->lock);
    free(k);
}

/* On the loop. Watchers may go, also others than the one that is woken, or come, while one is woken. */
static void waker_run(struct loop_msg *msg) {
    struct waker *k = (struct waker *)((char *)msg - offsetof(struct waker, msg));
    mutex_lock(&k->lock);
    k->posted = false;
    link_move_all(&k->woken, &k->batch);
    mutex_unlock(&k->lock);
    while (!link_empty(&k->batch)) {
        struct cache_watcher *w = watcher_of(k->batch.next, link);
        link_del(&w->link);
        w->wake(w);
    }
    shared_unref(&k->shared);
}

static void waker_post(struct waker *k) {
    mutex_lock(&k->lock);
    bool post = !k->posted && !link_empty(&k->woken);
    k->posted |= post;
    mutex_unlock(&k->lock);
    if (!post)
        return;
    shared_ref(&k->shared);
    if (loop_post(k->loop, &k->msg) < 0)
        shared_unref(&k->shared); /* the loop has quit: nobody there to wake, ever */
}

void cache_wake(struct cache *c) {
    mutex_lock(&c->lock);
    size_t n = c->wakers.n;
    mutex_unlock(&c->lock);
    for (size_t i = 0; i < n; i++) {
        mutex_lock(&c->lock);
        struct waker *k = c->wakers.v[i];
        mutex_unlock(&c->lock);
        waker_post(k);
    }
}

static struct waker *waker_of(struct cache *c, struct loop *loop) {
    _cleanup_unlock struct mutex *held = mutex_hold(&c->lock);
    vec_foreach (k, &c->wakers)
        if ((*k)->loop == loop)
            return *k;
    struct waker *k = calloc(1, sizeof *k);
    if (!k)
        panic("out of memory");
    shared_init(&k->shared, waker_release);
    mutex_init(&k->lock);
    k->msg.run = waker_run;
    k->loop = loop;
    link_init(&k->woken);
    link_init(&k->batch);
    vec_push(&c->wakers, k);
    return k;
}

void waker_fini(struct cache *c) {
    vec_foreach (k, &c->wakers)
        shared_unref(&(*k)->shared);
    vec_fini(&c->wakers);
}

/* -- idle watchers -- */

static bool is_idle(const struct cache_watcher *w) {
    return w->idle && (w->filtered || w->epoch == w->group->epoch);
}

static uint64_t hash_ns(struct str ns) {
    return hash_bytes(ns) ^ 1;
}

static struct cache_link *place_of(const struct cached *r, uint64_t hash) {
    return &r->places[hash & (r->n_places - 1)];
}

/* Twice as many places as there are watchers; those that are idle move. */
static void grow_places(struct cached *r) {
    struct cache_link *old = r->places;
    uint32_t n_old = r->n_places;
    r->n_places = n_old ? n_old * 2 : PLACES_MIN;
    r->places = calloc(r->n_places, sizeof *r->places);
    if (!r->places)
        panic("out of memory");
    for (uint32_t i = 0; i < r->n_places; i++)
        link_init(&r->places[i]);
    for (uint32_t i = 0; i < n_old; i++)
        while (!link_empty(&old[i])) {
            struct cache_watcher *w = watcher_of(old[i].next, link);
            link_del(&w->link);
            link_add(place_of(r, w->hash), &w->link);
        }
    free(old);
}

static void make_idle(struct cached *r, struct cache_watcher *w) {
    w->position = r->ring.next;
    w->epoch = w->group->epoch;
    w->idle = true;
    link_add(w->filtered ? place_of(r, w->hash) : &w->group->idle, &w->link);
}

/* -- who an event is for -- */

static bool on_node(const struct cached *r, const struct ring_event *e, struct str node) {
    return r->node &&
           (str_eq(r->node(e->object), node) || (e->previous && str_eq(r->node(e->previous), node)));
}

static bool is_for(const struct cached *r, const struct cache_watcher *w, const struct ring_event *e) {
    return (w->ns.n == 0 || str_eq(e->object->meta->namespace, w->ns)) &&
           (w->node.n == 0 || on_node(r, e, w->node));
}

static void wake_place(struct cached *r, uint64_t hash, const struct ring_event *e, uint64_t position) {
    struct cache_link *place = place_of(r, hash), *l, *next;
    for (l = place->next; l != place; l = next) {
        next = l->next;
        struct cache_watcher *w = watcher_of(l, link);
        if (w->hash != hash || !is_for(r, w, e))
            continue;
        link_del(l);
        w->idle = false;
        w->position = position;
        struct waker *k = w->group->waker;
        mutex_lock(&k->lock);
        link_add(&k->woken, l);
        mutex_unlock(&k->lock);
    }
}

void watch_mark(struct cached *r, const struct ring_event *e, uint64_t position) {
    vec_foreach (g, &r->groups) {
        if (link_empty(&(*g)->idle))
            continue;
        struct waker *k = (*g)->waker;
        (*g)->epoch++;
        mutex_lock(&k->lock);
        link_move_all(&(*g)->idle, &k->woken);
        mutex_unlock(&k->lock);
    }
    if (r->n_filtered == 0)
        return;
    wake_place(r, hash_ns(e->object->meta->namespace), e, position);
    if (!r->node)
        return;
    struct str now = r->node(e->object), before = e->previous ? r->node(e->previous) : now;
    wake_place(r, hash_bytes(now), e, position);
    if (!str_eq(now, before))
        wake_place(r, hash_bytes(before), e, position);
}

uint64_t watch_least_position(const struct cached *r) {
    uint64_t least = r->ring.next;
    for (const struct cache_link *l = r->watchers.next; l != &r->watchers; l = l->next) {
        const struct cache_watcher *w = watcher_of(l, all_link);
        if (w->position < least && w->position >= r->ring.first && !is_idle(w))
            least = w->position;
    }
    return least;
}

/* -- the interface -- */

static struct watch_group *group_of(struct cached *r, struct waker *k) {
    vec_foreach (g, &r->groups)
        if ((*g)->waker == k)
            return *g;
    struct watch_group *g = calloc(1, sizeof *g);
    if (!g)
        panic("out of memory");
    g->waker = k;
    link_init(&g->idle);
    vec_push(&r->groups, g);
    return g;
}

static void join(struct cached *r, struct cache_watcher *w) {
    w->filtered = w->ns.n || w->node.n;
    w->hash = w->node.n ? hash_bytes(w->node) : hash_ns(w->ns);
    link_init(&w->link);
    link_add(&r->watchers, &w->all_link);
    if (w->filtered && ++r->n_filtered * 2 > r->n_places)
        grow_places(r);
    if (w->position < r->needed)
        r->needed = w->position;
}

int cache_watch(struct cached *r, struct cache_watcher *w, uint64_t revision, struct err *err) {
    check(w->loop && w->wake && (w->node.n == 0 || r->node));
    struct waker *k = waker_of(r->cache, w->loop);
    mutex_lock(&r->lock);
    if (revision < r->ring.base) {
        uint64_t base = r->ring.base;
        mutex_unlock(&r->lock);
        return err_set(err, ERR_EXPIRED, "too old resource version: %llu (%llu)",
                       (unsigned long long)revision, (unsigned long long)base);
    }
    w->resource = r;
    w->group = group_of(r, k);
    w->after = revision;
    w->idle = false;
    w->position = ring_find(&r->ring, revision);
    join(r, w);
    bool behind = w->position < r->ring.next;
    if (!behind) {
        make_idle(r, w);
    } else {
        mutex_lock(&k->lock);
        link_add(&k->woken, &w->link);
        mutex_unlock(&k->lock);
    }
    mutex_unlock(&r->lock);
    if (behind)
        waker_post(k);
    return 0;
}

static void fill(struct cache_event *out, const struct ring_event *e) {
    *out = (struct cache_event){
        .type = e->type,
        .revision = e->revision,
        .object = object_ref(e->object),
        .previous = object_ref(e->previous),
    };
}

/* Reads on, from at most SCAN_MAX events. Returns how many were taken, or ERR_EXPIRED; *ret_end: the ring's
 * end was reached. */
static int read_some(struct cached *r, struct cache_watcher *w, struct cache_event *out, unsigned max,
                     bool *ret_end) {
    struct ring *g = &r->ring;
    if (w->position < g->first)
        return ERR_EXPIRED;
    unsigned n = 0;
    for (unsigned seen = 0; seen < SCAN_MAX && n < max && w->position < g->next; seen++) {
        const struct ring_event *e = ring_at(g, w->position++);
        if (e->revision > w->after && is_for(r, w, e))
            fill(&out[n++], e);
    }
    *ret_end = w->position == g->next;
    return (int)n;
}

/* Up to which revision all was seen: an event that shares its revision with the next one does not count. */
static uint64_t seen_up_to(const struct ring *g, const struct cache_watcher *w, uint64_t told) {
    uint64_t last = w->position > g->first ? ring_at(g, w->position - 1)->revision : g->base;
    if (w->position == g->next)
        return told > last ? told : last;
    return ring_at(g, w->position)->revision == last ? last - 1 : last;
}

int cache_next(struct cache_watcher *w, struct cache_event *ret_events, unsigned max,
               uint64_t *ret_revision) {
    struct cached *r = w->resource;
    check(max);
    for (;;) {
        uint64_t told = atomic_load(&r->cache->told);
        bool end = false;
        mutex_lock(&r->lock);
        if (is_idle(w))
            w->position = r->ring.next; /* what came meanwhile is not for it */
        int n = read_some(r, w, ret_events, max, &end);
        if (n >= 0 && ret_revision)
            *ret_revision = seen_up_to(&r->ring, w, told);
        if (n == 0 && end && !is_idle(w)) {
            struct waker *k = w->group->waker;
            mutex_lock(&k->lock);
            link_del(&w->link); /* it was woken, but came by itself before */
            mutex_unlock(&k->lock);
            make_idle(r, w);
        }
        mutex_unlock(&r->lock);
        if (n || end)
            return n;
    }
}

void cache_unwatch(struct cache_watcher *w) {
    struct cached *r = w->resource;
    struct waker *k;
    if (!r)
        return;
    mutex_lock(&r->lock);
    k = w->group->waker;
    mutex_lock(&k->lock);
    link_del(&w->link);
    mutex_unlock(&k->lock);
    link_del(&w->all_link);
    r->n_filtered -= w->filtered;
    mutex_unlock(&r->lock);
    w->resource = NULL;
}

void cache_event_fini(struct cache_event *e) {
    object_unref(e->object);
    object_unref(e->previous);
    e->object = e->previous = NULL;
}
