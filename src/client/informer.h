/* informer: all objects of one kind as of now, and what happens to them.
 *
 * An informer follows one kind (or a selected part of it). Its state is a copy-on-write tree of frozen
 * objects: snapshots are O(1) and may be read on any thread. Informers of one client are shared: asking twice
 * for the same options gives the same one. In-process there is no second copy of anything: state and events
 * are those of the server's cache.
 *
 * Listeners are told of events in order, on their loop. A listener that is added late first hears of
 * everything there is (as additions), so nobody misses anything.
 *
 * After a lost connection or a 410 a remote informer lists again and tells the difference; listeners never
 * hear of that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/object.h"
#include "base/cow.h"

struct client;
struct err;
struct informer;
struct loop;

struct informer_options {
    const struct kind *kind;                   /* hub version */
    struct str ns;                             /* "": all */
    struct str label_selector, field_selector; /* "": none; copied */
};

struct informer_snapshot {
    struct cow tree;     /* "ns/name" or "name" → struct object */
    struct cow by_node;  /* pods: "node/ns/name"; else empty */
    struct cow by_owner; /* "uid/ns/name" (cluster scope: "uid/name") of the controlling owner; objects
                            without one are not in it */
    uint64_t revision;
};
void informer_snapshot_fini(struct informer_snapshot *s);

enum informer_event_type { INFORMER_ADDED, INFORMER_MODIFIED, INFORMER_DELETED };

/* Borrowed for the call. */
struct informer_event {
    enum informer_event_type type;
    const struct object *object;   /* the new state; of deletions the last one known */
    const struct object *previous; /* NULL for additions */
};

/* Embedded by its owner. */
struct informer_listener {
    struct loop *loop;
    void (*on_event)(struct informer_listener *l, const struct informer_event *e);
    /* Once, when the first list is complete and told. May be NULL. */
    void (*on_synced)(struct informer_listener *l);
    /* private from here */
    struct informer_listener *next;
    void *private_;
};

/* One reference; starts following on first use. Does not block. */
int informer_get(struct client *c, const struct informer_options *o, struct informer **ret, struct err *err);
void informer_unref(struct informer *i);

const struct kind *informer_kind(const struct informer *i);
/* All objects of the kind, not a selected part. */
bool informer_is_whole(const struct informer *i);

/* Whether the first list is complete. */
bool informer_synced(const struct informer *i);
/* Blocks until it is (workers, mains; steps a simulation). ERR_TIMEOUT. */
int informer_wait_synced(struct informer *i, int64_t timeout_ns, struct err *err);

void informer_snapshot(struct informer *i, struct informer_snapshot *ret);

/* One object with a reference for the caller, or NULL. */
struct object *informer_find(struct informer *i, struct str ns, struct str name);

/* Add and remove on the listener's loop (or before it runs). After removal it is not called any more. */
void informer_listen(struct informer *i, struct informer_listener *l);
void informer_unlisten(struct informer *i, struct informer_listener *l);

/* -- for transports: where an informer takes its state from -- */

struct informer_source;

/* Events with a reference on both objects for the receiver. */
struct source_event {
    enum informer_event_type type;
    struct object *object, *previous;
};

struct informer_source_ops {
    /* Starts; wake is called (any thread, must not block) whenever there is something new for next(). */
    int (*start)(struct informer_source *s, void (*wake)(void *arg), void *arg, struct err *err);
    bool (*synced)(const struct informer_source *s);
    void (*snapshot)(struct informer_source *s, struct informer_snapshot *ret);
    /* A cursor for one listener's loop, at the state of *ret_snapshot (which may be NULL). Any number. */
    int (*cursor_open)(struct informer_source *s, struct loop *loop, void (*wake)(void *arg), void *arg,
                       struct informer_snapshot *ret_snapshot, void **ret_cursor, struct err *err);
    /* Up to max events; 0: none now; ERR_EXPIRED: fell behind, the caller opens a new cursor and tells the
     * difference. */
    int (*cursor_next)(void *cursor, struct source_event *ret_events, unsigned max);
    void (*cursor_close)(void *cursor);
    void (*free)(struct informer_source *s);
};

struct informer_source {
    const struct informer_source_ops *ops;
};
