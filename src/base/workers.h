/* base/workers: a pool of threads for work that may block, and a way to wait for one thing.
 *
 * Work lies in its owner's object and runs once per submission, on some thread of the pool. The queue is
 * bounded: when it is full, submitting fails with ERR_AGAIN and the caller decides (come back later, answer
 * 429). In a simulation the pool has no threads and work runs by sim_step.
 *
 * submit: any thread; start and stop: the owner.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"

struct err;
struct sim;
struct workers;

struct work {
    struct work *next; /* the queue's */
    void (*run)(struct work *w);
};

struct workers_options {
    const char *name;
    unsigned threads;   /* at least 1 */
    size_t queue_max;   /* waiting, not counting what runs; at least 1 */
    size_t stack_bytes; /* 0: THREAD_STACK_BYTES */
    struct sim *sim;    /* not NULL: no threads */
};

int workers_start(const struct workers_options *options, struct workers **ret, struct err *err);

/* Refuses new work, waits until all that was submitted has run, ends the threads, frees. NULL is fine. */
void workers_stop(struct workers *w);

/* 0, ERR_AGAIN when the queue is full, ERR_CLOSED when the pool stops. */
int workers_submit(struct workers *w, struct work *work);

size_t workers_queued(struct workers *w);
unsigned workers_busy(struct workers *w);
struct sim *workers_sim(const struct workers *w);

/* -- waiting for one thing --
 *
 *     struct waiter done;
 *     waiter_init(&done, workers_sim(pool));
 *     … somebody else: waiter_signal(&done);
 *     waiter_wait(&done);
 *
 * On the stack of who waits; it may go as soon as the wait has returned. */
struct waiter {
    struct mutex lock;
    struct cond cond;
    bool signalled;
    struct sim *sim;
};

/* sim: NULL outside of a simulation. */
void waiter_init(struct waiter *w, struct sim *sim);
void waiter_fini(struct waiter *w);
void waiter_signal(struct waiter *w);
void waiter_wait(struct waiter *w);
/* False when it was not signalled after so long (simulated time in a simulation). */
bool waiter_wait_ns(struct waiter *w, int64_t ns);
