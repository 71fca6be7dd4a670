/* base/cell: things that are shared by count, and a cell that publishes the current one.
 *
 *     struct world { struct shared shared; … };
 *     cell_set(&current, &world->shared);        // the writer publishes a new state
 *     struct shared *s = cell_get(&current);     // any reader takes the newest, without a lock
 *     … shared_unref(s);
 *
 * Embed a struct shared in what is published. The cell owns one reference to its content; get gives the
 * caller one of his own. All functions: any thread. Readers never wait; they cost two atomic operations on
 * the cell and one on the thing.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct shared {
    _Atomic(int64_t) refs;
    void (*release)(struct shared *s); /* called by whoever drops the last reference */
};

/* One reference, the caller's. */
void shared_init(struct shared *s, void (*release)(struct shared *s));
struct shared *shared_ref(struct shared *s);
/* NULL is fine. */
void shared_unref(struct shared *s);

/* Embed by value. */
struct cell {
    _Atomic(uint64_t) word; /* address << 16 | readers that are just taking it */
};

/* Takes over the caller's reference to s, which may be NULL. */
void cell_init(struct cell *c, struct shared *s);

/* Drops the content. Nobody may use the cell meanwhile. */
void cell_fini(struct cell *c);

/* A new reference to the present content, or NULL. */
struct shared *cell_get(struct cell *c);

/* Publishes s (may be NULL), taking over the caller's reference; drops what was there. */
void cell_set(struct cell *c, struct shared *s);
