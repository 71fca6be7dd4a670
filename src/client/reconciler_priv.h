/* What the files of reconcilers share. Inside client/ only.
 *
 * world.c             snapshots of one run
 * reconciler.c        watching, running, starting and stopping
 * reconciler_queue.c  which keys wait, run or come back later
 */
#pragma once

#include <stdatomic.h>

#include "base/loop.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/timer.h"
#include "base/vec.h"
#include "base/workers.h"
#include "client/informer_priv.h"
#include "client/reconciler.h"
#include "client/writes.h"

void world_init(struct world *w, struct informer *const *informers, uint32_t n, struct arena *arena);
void world_fini(struct world *w);

/* One key that waits, runs, comes back later or has failed lately. */
struct rkey {
    struct reconciler *rc;
    struct rkey *next; /* behind it in the queue */
    struct timer timer;
    bool queued, running;
    bool again;            /* came in while it runs */
    bool backoff;          /* the timer runs because it failed */
    bool parked;           /* would run, but informers do not show its writes yet */
    struct writes *writes; /* what it awaits; NULL: nothing */
    unsigned failures;
    int64_t queued_ns, started_ns, written_ns;
    struct str key;
    char bytes[];
};

/* One run at a time; as many as the concurrency. */
struct slot {
    struct work work;
    struct reconciler *rc;
    struct rkey *runs; /* the lock is held to look */
    struct slot *next; /* free ones */
};

struct queue_metrics {
    struct counter *adds, *retries;
    struct gauge *depth, *unfinished, *longest;
    struct histogram *wait, *work;
};

struct rwatch {
    struct reconciler *rc;
    struct informer *informer;
    reconcile_map_fn map;
    void *arg;
    bool written;
    struct informer_listener listener;
    struct sync_note note;
    bool noted;
};

struct reconciler {
    struct reconciler_options options; /* watches apart */
    char name[64];
    struct rwatch *watches;
    struct informer **informers; /* of watches, for worlds */
    uint32_t n_watches;
    atomic_uint unsynced;
    struct queue_metrics metrics;
    bool has_metrics;

    struct mutex lock; /* all that follows */
    bool started, stopping;
    struct map keys; /* key → struct rkey, whose bytes the key is */
    struct rkey *first, *last;
    size_t n_queued, n_running;
    VEC(struct rkey *) awaiting; /* those that have writes */
    struct timers delays;
    struct slot *slots, *free_slots;
    unsigned n_busy_slots;
    bool pool_full;
    struct waiter *idle; /* somebody waits for the last run */

    /* the alarm, on the loop */
    struct loop_msg arm;
    bool arming; /* arm is posted */
    struct timer alarm;
};

/* The lock is held for all of these. */
void queue_add(struct reconciler *rc, struct str key);
void queue_add_after(struct reconciler *rc, struct str key, int64_t after_ns);
/* The next key, running from now on; NULL: none waits. Keys whose writes do not show yet are passed over:
 * they come back when an event shows them. */
struct rkey *queue_take(struct reconciler *rc);
/* It has run. requeue_ns <= 0: not again. */
void queue_done(struct reconciler *rc, struct rkey *k, bool failed, int64_t requeue_ns);
/* It has not run after all, and waits again. */
void queue_put_back(struct reconciler *rc, struct rkey *k);
/* What a run has written, or NULL; taken over. Before queue_done. */
void queue_await(struct reconciler *rc, struct rkey *k, struct writes *writes);
/* An informer has moved on: keys that awaited it run. */
void queue_look_again(struct reconciler *rc);
/* Adds the keys whose time has come; when the next one is due, INT64_MAX: none. */
int64_t queue_due(struct reconciler *rc);
void queue_fini(struct reconciler *rc);

void queue_metrics_init(struct reconciler *rc);
void queue_metrics_running(struct reconciler *rc); /* how long runs take by now */

/* The earliest delay has changed. */
void reconciler_arm(struct reconciler *rc);
