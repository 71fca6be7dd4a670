/* reconciler: everything that acts: watch kinds, map events to keys, bring one key's state towards what was
 * asked.
 *
 *     static int reconcile(struct reconcile *r, struct str key, struct err *err) {
 *         const struct object *o = world_get_key(&r->world, KIND(APPS_REPLICA_SET), key);
 *         …
 *     }
 *
 * A key is usually "ns/name" (or "name"). The same key never runs on two threads at once; keys that arrive
 * while it runs make it run once more afterwards; equal keys that wait are one. A failed key comes back after
 * a delay that doubles from retry_min to retry_max (with jitter); success forgets it. r->requeue_after_ns > 0
 * brings it back once more later; an earlier event brings it back earlier.
 *
 * reconcile runs on a thread of the shared pool and may block (client_do). It reads the world: snapshots of
 * all kinds the reconciler watches, each taken when it is first asked for in this run and then unchanged
 * until it ends; what it gets is borrowed until it returns. r->arena is emptied after it.
 *
 * A snapshot may be older than our own last write. Where acting on that would do harm, write through
 * r->writer (writer in the options): the key's next run then waits until the informers show what this one
 * wrote, with a lost answer also when it is not known whether it did. Expectations (expect.h) and uid and
 * resourceVersion preconditions are for what others write.
 *
 * In a simulation the pool is the simulation's, and all is deterministic.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cow.h"
#include "client/client.h"
#include "client/informer.h"

struct clock;
struct err;
struct event_recorder;
struct loop;
struct metrics;
struct rand;
struct reconciler;
struct workers;

/* -- the world -- */

struct world; /* embedded in struct reconcile; see below */

/* Objects, borrowed until the reconcile ends; NULL: not there. The kind must be one of the watched. */
const struct object *world_get(struct world *w, const struct kind *k, struct str ns, struct str name);
const struct object *world_get_key(struct world *w, const struct kind *k, struct str key);

/* Walks: all of a namespace ("" all), those a controller owns by uid, pods of a node.
 *     struct cow_iter it;
 *     cow_foreach (item, &it, world_in(w, &it, kind, ns)) { const struct object *o = item->value; … } */
const struct cow_item *world_in(struct world *w, struct cow_iter *it, const struct kind *k, struct str ns);
const struct cow_item *world_owned(struct world *w, struct cow_iter *it, const struct kind *k,
                                   struct str uid);
const struct cow_item *world_on_node(struct world *w, struct cow_iter *it, struct str node);

/* Revision of that kind's snapshot. */
uint64_t world_revision(struct world *w, const struct kind *k);

#define WORLD_KINDS_MAX 24u
struct world {
    struct informer *const *informers;
    uint32_t n;
    struct arena *arena; /* for keys */
    struct informer_snapshot snapshots[WORLD_KINDS_MAX];
    bool taken[WORLD_KINDS_MAX];
};

/* -- one run -- */

struct reconcile {
    struct world world;
    struct client *client;
    struct client *writer; /* remembers what is written; NULL: the options name none */
    struct event_recorder *events;
    struct clock *clock;
    struct rand *rand;
    struct arena *arena;
    void *arg;                /* the controller's own */
    int64_t requeue_after_ns; /* set by reconcile; 0: not */
    int64_t at_latest_ns;     /* the same, set by helpers (expect.h); the earlier counts */
    unsigned failures;        /* of this key, in a row */
};

typedef int (*reconcile_fn)(struct reconcile *r, struct str key, struct err *err);

/* Where keys go. Copies the key. Any thread. */
void reconciler_enqueue(struct reconciler *rc, struct str key);
void reconciler_enqueue_after(struct reconciler *rc, struct str key, int64_t after_ns);

/* Maps an event to keys with reconciler_enqueue; on the reconciler's loop, must not block. */
typedef void (*reconcile_map_fn)(struct reconciler *rc, const struct informer_event *e, void *arg);

/* Ready maps. */
void map_self(struct reconciler *rc, const struct informer_event *e, void *arg); /* the object's own key */
/* "ns/name" of the controlling owner (of the new and the previous state) when its kind is *(const struct kind
 * *)arg. */
void map_owner(struct reconciler *rc, const struct informer_event *e, void *arg);

struct reconciler_watch {
    struct informer_options of;
    reconcile_map_fn map; /* NULL: only to be read in the world */
    void *arg;            /* of map; NULL: the reconciler's */
    bool written;         /* without a map: r->writer writes this kind, so its events end a wait */
};

struct reconciler_options {
    const char *name; /* of metrics, logs, events: "replicaset-controller" */
    struct client *client;
    struct client *writer;                  /* what r->writer writes through; NULL: nothing is remembered */
    struct loop *loop;                      /* events and timers */
    struct workers *workers;                /* shared pool */
    unsigned concurrency;                   /* keys at once; 0: 1 */
    const struct reconciler_watch *watches; /* copied */
    size_t n_watches;
    reconcile_fn reconcile;
    void *arg;
    int64_t retry_min_ns, retry_max_ns; /* 0: 5 ms, 1,000 s */
    struct event_recorder *events;      /* may be NULL */
    struct metrics *metrics;            /* workqueue_* as upstream; may be NULL */
};

/* Starts when all its informers have their first list. Does not block. */
int reconciler_start(const struct reconciler_options *o, struct reconciler **ret, struct err *err);

/* No new keys; waits for the runs under way; frees. NULL is fine. Not on its loop. */
void reconciler_stop(struct reconciler *rc);

struct client *reconciler_client(struct reconciler *rc);
void *reconciler_arg(struct reconciler *rc);

/* Keys that wait or run, delayed ones apart; for tests and readiness. */
size_t reconciler_busy(struct reconciler *rc);

/* Shorthand for rows: KIND(CORE_POD). */
#define KIND(id) (&kinds[KIND_##id])
