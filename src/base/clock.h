/* base/clock: what time it is, from the system or from a simulation.
 *
 * Code that needs the time takes a `struct clock *`: clock_system() in production, a struct clock_sim in
 * tests and in the simulator, where time stands still until someone advances it. Wall time (since 1970) is
 * for what is written down; monotonic time (since some start) is for how long and how late. Timers: timer.h,
 * loop.h.
 *
 * Reading a clock: any thread. Advancing a simulated one: its owner's thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct clock;

struct clock_ops {
    /* Never NULL; any thread. */
    int64_t (*wall_ns)(const struct clock *c);
    int64_t (*mono_ns)(const struct clock *c);
    /* Returns when mono_ns has reached the time; may block the calling thread. */
    void (*sleep_until)(struct clock *c, int64_t mono_ns);
};

struct clock {
    const struct clock_ops *ops;
};

/* Borrowed, lives as long as the process. */
struct clock *clock_system(void);

static inline int64_t clock_wall_ns(const struct clock *c) {
    return c->ops->wall_ns(c);
}

static inline int64_t clock_mono_ns(const struct clock *c) {
    return c->ops->mono_ns(c);
}

static inline int64_t clock_wall_sec(const struct clock *c) {
    int64_t ns = clock_wall_ns(c);
    return ns / 1000000000 - (ns % 1000000000 < 0);
}

/* Blocks the calling thread: for workers and tests, never on a loop's thread. */
static inline void clock_sleep_ns(struct clock *c, int64_t ns) {
    if (ns > 0)
        c->ops->sleep_until(c, clock_mono_ns(c) + ns);
}

/* Simulated. Both times move only by the calls below. */
struct clock_sim {
    struct clock clock; /* what is handed out */
    _Atomic(int64_t) wall, mono;
    /* Called by a sleep, must advance the clock to mono_ns; NULL: the sleep itself advances it. */
    void (*on_sleep)(void *arg, int64_t mono_ns);
    void *on_sleep_arg;
};

/* Returns &c->clock. The monotonic time starts at one second, the wall time at wall_ns. */
struct clock *clock_sim_init(struct clock_sim *c, int64_t wall_ns);

/* Moves both times forward, ns >= 0. */
void clock_sim_advance(struct clock_sim *c, int64_t ns);

/* Moves both forward to this monotonic time; nothing when it has passed. */
void clock_sim_advance_to(struct clock_sim *c, int64_t mono_ns);

/* Steps the wall clock alone, in either direction, as a time server would. */
void clock_sim_set_wall(struct clock_sim *c, int64_t wall_ns);
