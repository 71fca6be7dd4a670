/* The ring of a resource's latest events. See cache.h for how much it keeps.
 *
 * All functions: the resource's lock is held. Whether a watcher still needs the oldest event is asked seldom,
 * since that looks at all watchers: only when the ring is full, and then not again before a part of it was
 * written anew.
 */
#include "apiserver/cache_priv.h"

#include <stdlib.h>

static struct ring_event *slots_new(uint32_t cap) {
    struct ring_event *slots = calloc(cap, sizeof *slots);
    if (!slots)
        panic("out of memory");
    return slots;
}

void ring_init(struct ring *g, uint64_t base) {
    *g = (struct ring){.base = base, .first = 1, .next = 1};
}

static void drop_first(struct ring *g) {
    struct ring_event *e = ring_at(g, g->first++);
    g->base = e->revision;
    g->bytes -= e->bytes;
    object_unref(e->object);
    object_unref(e->previous);
    *e = (struct ring_event){0};
}

void ring_fini(struct ring *g) {
    while (g->first < g->next)
        drop_first(g);
    free(g->slots);
    *g = (struct ring){0};
}

static void grow(struct ring *g) {
    uint32_t cap = g->cap ? g->cap * 2 : CACHE_RING_MIN;
    struct ring_event *slots = slots_new(cap);
    for (uint64_t p = g->first; p < g->next; p++)
        slots[p & (cap - 1)] = *ring_at(g, p);
    free(g->slots);
    g->slots = slots;
    g->cap = cap;
}

/* Whether the oldest event has not been read by a watcher that it may be for. */
static bool first_is_needed(struct cached *r) {
    struct ring *g = &r->ring;
    if (r->needed > g->first)
        return false;
    if (g->next < r->look_at)
        return true;
    r->needed = watch_least_position(r);
    r->look_at = g->next + (g->next - g->first) / 8 + 1;
    return r->needed <= g->first;
}

static void make_room(struct cached *r) {
    struct ring *g = &r->ring;
    while (g->next - g->first >= CACHE_RING_MIN && g->bytes > CACHE_RING_KEEP_BYTES &&
           (g->bytes > CACHE_RING_MAX_BYTES || !first_is_needed(r)))
        drop_first(g);
    if (g->next - g->first < g->cap)
        return;
    if (g->cap < CACHE_RING_MAX)
        grow(g);
    else
        drop_first(g);
}

void ring_append(struct cached *r, const struct ring_event *e) {
    struct ring *g = &r->ring;
    make_room(r);
    *ring_at(g, g->next) = *e;
    g->bytes += e->bytes;
    g->next++;
    watch_mark(r, e, g->next - 1);
}

uint64_t ring_find(const struct ring *g, uint64_t revision) {
    uint64_t low = g->first, high = g->next;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        if (ring_at(g, mid)->revision <= revision)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}
