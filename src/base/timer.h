/* base/timer: a set of timers on one clock, earliest first.
 *
 * What loop.h is built with; of use alone where somebody polls, and in tests. A timer lies in its owner's
 * memory; it can be started again, earlier or later, and stopped at any time, also from timers that fire. One
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer;

typedef void (*timer_fn)(struct timer *t);

/* Zero is a timer that is not running. Embed it where fire can find its owner. */
struct timer {
    timer_fn fire; /* set by the owner before the first start */
    int64_t due_ns;
    uint64_t order; /* timers due at the same time fire in the order they were started */
    size_t place;   /* in the heap, plus one; 0: not running */
};

struct timers {
    struct timer **heap; /* owned; the timers are not */
    size_t n, cap;
    uint64_t started;
    int64_t running_ns; /* the time of the present timers_run */
};

#define TIMERS_INIT                                                                                          \
    { .running_ns = INT64_MIN }

/* Timers still running are forgotten. */
void timers_fini(struct timers *ts);

/* Fires once at the monotonic time due_ns; moves a running one. */
void timers_start(struct timers *ts, struct timer *t, int64_t due_ns);

/* Fine when it is not running. */
void timers_stop(struct timers *ts, struct timer *t);

static inline bool timer_running(const struct timer *t) {
    return t->place != 0;
}

/* When the earliest is due, INT64_MAX when there is none. */
static inline int64_t timers_next_ns(const struct timers *ts) {
    return ts->n ? ts->heap[0]->due_ns : INT64_MAX;
}

/* Fires those that are due, but none that are started meanwhile. Returns how many. */
size_t timers_run(struct timers *ts, int64_t now_ns);

/* Aborts when an invariant is broken. */
void timers_check(const struct timers *ts);
