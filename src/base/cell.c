/* Shared things and publishing cells. See cell.h.
 *
 * The trouble with "load the pointer, then count the reference" is the moment between. Here a reader first
 * counts itself in the cell, in the same atomic operation that reads the address; so the publisher, when it
 * exchanges the word, learns how many readers have seen the old address but not counted themselves on the
 * thing yet, and adds them there (split reference counts). While a thing is in a cell it holds PUBLISHED
 * references, more than readers can be in that moment, so that its count cannot reach zero before the
 * publisher has settled the account.
 *
 * Considered and rejected: a mutex (a reader preempted inside stops all others); hazard pointers (per-thread
 * state for a handful of cells).
 */
#include "base/cell.h"

#include <stddef.h>

#include "base/err.h"

#define COUNT_BITS 16
#define COUNT_MASK 0xffffu
#define READERS_MAX 60000u /* at one moment in one cell; threads are far fewer */
#define PUBLISHED ((int64_t)1 << COUNT_BITS)

void shared_init(struct shared *s, void (*release)(struct shared *s)) {
    atomic_init(&s->refs, 1);
    s->release = release;
}

static void add(struct shared *s, int64_t by) {
    int64_t before = atomic_fetch_add_explicit(&s->refs, by, memory_order_relaxed);
    check(before > 0);
}

static void drop(struct shared *s, int64_t by) {
    int64_t before = atomic_fetch_sub_explicit(&s->refs, by, memory_order_acq_rel);
    check(before >= by);
    if (before == by)
        s->release(s);
}

struct shared *shared_ref(struct shared *s) {
    add(s, 1);
    return s;
}

void shared_unref(struct shared *s) {
    if (s)
        drop(s, 1);
}

static uint64_t pack(struct shared *s) {
    uint64_t address = (uint64_t)(uintptr_t)s;
    check(address >> (64 - COUNT_BITS) == 0);
    if (s)
        add(s, PUBLISHED - 1); /* the caller's reference is the last of them */
    return address << COUNT_BITS;
}

static struct shared *thing_in(uint64_t word) {
    return (struct shared *)(uintptr_t)(word >> COUNT_BITS);
}

void cell_init(struct cell *c, struct shared *s) {
    atomic_init(&c->word, pack(s));
}

/* The readers still counted in the word will find the thing gone from the cell and drop a reference of the
 * thing instead: those they drop are left to them. */
static void settle(uint64_t word) {
    struct shared *s = thing_in(word);
    if (s)
        drop(s, PUBLISHED - (int64_t)(word & COUNT_MASK));
}

void cell_fini(struct cell *c) {
    settle(atomic_exchange_explicit(&c->word, 0, memory_order_acq_rel));
}

void cell_set(struct cell *c, struct shared *s) {
    settle(atomic_exchange_explicit(&c->word, pack(s), memory_order_acq_rel));
}

struct shared *cell_get(struct cell *c) {
    uint64_t word = atomic_fetch_add_explicit(&c->word, 1, memory_order_acquire);
    check((word & COUNT_MASK) < READERS_MAX);
    struct shared *s = thing_in(word++);
    if (s)
        add(s, 1);
    while (thing_in(word) == s && (word & COUNT_MASK) > 0)
        if (atomic_compare_exchange_weak_explicit(&c->word, &word, word - 1, memory_order_release,
                                                  memory_order_relaxed))
            return s;
    if (s)
        drop(s, 1); /* the publisher counted us */
    return s;
}
