/* apiserver/cache: the world: every stored object, as of now, and what happened lately.
 *
 * Per resource (hub kind): a copy-on-write tree of frozen objects by key ("ns/name", or "name" for cluster
 * scope), and a ring of the latest events. All reads end here; writes go to the store and come back here as
 * events before their caller is told (so everybody reads his own writes).
 *
 * Threads: the store's thread alone changes trees and rings. Any thread takes snapshots (no lock) and reads
 * rings (one short lock a resource). Watchers belong to a loop and are woken on it, once for a batch of
 * events.
 *
 * Revisions: a snapshot's revision R means: all changes of this resource up to R are in it and none after.
 * Upstream's rules of resourceVersion (exact, not older than, 410) are the registry's (list.c, watch.c) on
 * top of this.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/object.h"
#include "base/cow.h"

struct cache;  /* all resources */
struct cached; /* one resource */
struct err;
struct loop;
struct store;

/* A ring keeps the latest events of its resource: always CACHE_RING_MIN, and more while states that only it
 * still holds take less than CACHE_RING_KEEP_BYTES, or less than CACHE_RING_MAX_BYTES while a watcher needs
 * them. */
#define CACHE_RING_MIN 128u
#define CACHE_RING_MAX 65536u /* events */
#define CACHE_RING_KEEP_BYTES (8u << 20)
#define CACHE_RING_MAX_BYTES (64u << 20)

/* Commits before the present that are replayed when the cache is opened, so that watchers resume after a
 * restart. */
#define CACHE_REPLAY 4000u

/* Loads all objects from the store and follows it. Blocks. Objects that cannot be decoded are an error that
 * names the key; keys that belong to no kind are left alone. */
int cache_open(struct store *store, struct cache **ret_cache, struct err *err);

/* Watchers and writes must be gone. Does not close the store. NULL is fine. */
void cache_close(struct cache *c);

/* 0, or ERR_CORRUPT when another writer put something into the store that cannot be decoded: the first such
 * key. What was there before stays in the cache. */
int cache_health(struct cache *c, struct err *err);

/* The resource of a kind (any version: its hub's). Never NULL for stored kinds. */
struct cached *cache_of(struct cache *c, const struct kind *k);

/* The last revision of the whole store that readers can see. */
uint64_t cache_revision(const struct cache *c);

/* False when a revision is still to come for readers of this resource: what any snapshot of it says is not,
 * although a snapshot may be newer than cache_revision for a moment. */
bool cache_has_reached(struct cached *r, uint64_t revision);

/* -- reading -- */

struct cache_snapshot {
    struct cow tree;    /* "ns/name" or "name" → struct object */
    struct cow by_node; /* pods: "node/ns/name" → struct object, node "" before they are bound; else empty */
    struct cow by_owner; /* "uid/ns/name" ("uid/name") → struct object, by the uid of the controlling owner */
    uint64_t revision;
    bool past; /* of cache_snapshot_at: without by_node and by_owner */
};

/* Of trees of objects. */
extern const struct cow_ops cache_objects;
/* The node of a pod, "" before it is bound. */
struct str cache_node_of(const struct object *pod);

/* A consistent state of one resource. Free with cache_snapshot_fini. */
void cache_snapshot(struct cached *r, struct cache_snapshot *ret_snapshot);
void cache_snapshot_fini(struct cache_snapshot *s);

/* The state as it was at a revision: of the present when nothing has changed since, else by taking back what
 * the ring has, else from the store's history, which blocks for a while. ERR_EXPIRED when it is forgotten;
 * ERR_INVALID when the revision is still to come. */
int cache_snapshot_at(struct cached *r, uint64_t revision, struct cache_snapshot *ret_snapshot,
                      struct err *err);

/* One object with a reference for the caller, or NULL. */
struct object *cache_get(struct cached *r, struct str ns, struct str name);

/* -- writing -- */

enum cache_op { CACHE_CREATE, CACHE_UPDATE, CACHE_DELETE };

/* The outcome, on the loop that was given: code as the store's (ERR_EXISTS, ERR_CONFLICT, ERR_NOT_FOUND,
 * ERR_AGAIN, ERR_NO_SPACE, …). object: what is stored now (or was deleted), with its new resourceVersion;
 * borrowed for the call. */
typedef void (*cache_done_fn)(void *arg, int code, const struct object *object, const struct err *err);

struct cache_write {
    enum cache_op op;
    const struct kind *kind; /* hub */
    struct str ns, name;     /* copied */
    void *body; /* packed struct, resourceVersion ignored; deletes: the last state to show, NULL: what is
                   there */
    struct arena *arena; /* body lies in it; taken over in any case */
    uint64_t expect_rv;  /* update, delete: 0 is any; an update of any state creates what is not there */
    bool soft;           /* leases, events: may be lost by a crash */
    struct loop *loop;   /* NULL: done runs on the store's thread */
    cache_done_fn done;
    void *arg;
};

/* Queues a write. 0, or ERR_AGAIN / ERR_CLOSED / ERR_TOO_LARGE at once (done is not called; the arena is
 * freed). done is not called either when the loop has quit meanwhile. */
int cache_submit(struct cache *c, const struct cache_write *w, struct err *err);

/* -- watching -- */

enum cache_event_type { CACHE_ADDED, CACHE_MODIFIED, CACHE_DELETED };

/* object: the new state; for CACHE_DELETED the last state with the revision of the deletion. previous: NULL
 * for CACHE_ADDED. Both with a reference for the receiver. */
struct cache_event {
    enum cache_event_type type;
    uint64_t revision;
    struct object *object, *previous;
};
void cache_event_fini(struct cache_event *e);

struct cache_link {
    struct cache_link *next, *prev;
};

struct watch_group; /* the watchers of one resource on one loop */

/* A cursor into a resource's ring. Embedded by its owner, used on one loop only. */
struct cache_watcher {
    struct cached *resource;
    struct loop *loop;
    void (*wake)(struct cache_watcher *w); /* on the loop: there are new events; read until there are none */
    struct str ns;                         /* woken only for this namespace; "" is all */
    struct str node;                       /* pods only: woken only for pods on this node; "" is all */
    /* private from here */
    struct cache_link link;     /* among the idle of its place, or those to be woken */
    struct cache_link all_link; /* among the resource's */
    struct watch_group *group;
    uint64_t position; /* of the next event to read */
    uint64_t after;    /* events up to this revision are not for it */
    uint64_t epoch;    /* of the group, when it became idle */
    uint64_t hash;     /* of ns or node */
    bool idle, filtered;
};

/* Starts after `revision`. ERR_EXPIRED when the ring does not reach back that far. When there are events
 * already, the watcher is woken for them, too. */
int cache_watch(struct cached *r, struct cache_watcher *w, uint64_t revision, struct err *err);

/* Up to max events; 0 when there are none now; ERR_EXPIRED (negative) when the watcher fell off the end. With
 * ns or node set, others may be left out. *ret_revision: everything up to it was seen (for bookmarks). */
int cache_next(struct cache_watcher *w, struct cache_event *ret_events, unsigned max, uint64_t *ret_revision);

void cache_unwatch(struct cache_watcher *w);

/* Storage keys, upstream's layout: /registry/pods/ns/name, /registry/apps group's without the group where
 * upstream has it so. Written into the arena. */
struct str cache_storage_key(struct arena *a, const struct kind *k, struct str ns, struct str name);
