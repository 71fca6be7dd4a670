/* client/mirror: the state of one kind as somebody else's answers and events tell it: trees, and cursors that
 * follow them. What the informer sources of the remote transport are made of (and those of tests).
 *
 * The owner feeds it (one thread at a time); snapshots and cursors: any thread. Events are kept as long as a
 * cursor needs them, at most MIRROR_RING_MAX of them: a cursor that is further behind reads ERR_EXPIRED.
 *
 * Objects lie in the trees under keys that live in their own arenas: they are frozen here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/informer.h"

#define MIRROR_RING_MAX 4096u

struct arena;
struct mirror;

struct mirror *mirror_new(const struct kind *kind, unsigned ring_max); /* 0: MIRROR_RING_MAX */
/* Cursors must be closed. NULL is fine. */
void mirror_free(struct mirror *m);

/* Called after each change, on the feeding thread. */
void mirror_set_wake(struct mirror *m, void (*wake)(void *arg), void *arg);

/* An object and the keys it lies under, which are in its arena. */
struct mirror_item {
    struct object *object;
    struct str key;
    struct str node_key, owner_key; /* absent: not in that tree */
};

/* Freezes a body of the kind, with its keys in its arena. One reference, the caller's. */
struct mirror_item mirror_freeze(const struct kind *kind, void *body, struct arena *arena);

/* It is there now (added, or modified when its key was there). Takes over the reference. One that is no newer
 * than what is there changes nothing. */
void mirror_put(struct mirror *m, const struct mirror_item *item);

/* It is there no more; `last` has the revision of the deletion. Takes over the reference. */
void mirror_remove(struct mirror *m, struct object *last);

/* All that there is, as of a revision: tells the difference. Takes over the references. Synced from then on.
 */
void mirror_replace(struct mirror *m, const struct mirror_item *items, size_t n, uint64_t revision);

/* Everything up to this revision is in it (a bookmark). */
void mirror_reached(struct mirror *m, uint64_t revision);

bool mirror_synced(const struct mirror *m);
uint64_t mirror_revision(struct mirror *m);
void mirror_snapshot(struct mirror *m, struct informer_snapshot *ret);

/* Cursors, as in informer_source_ops. wake: on the feeding thread, must not call back. */
void *mirror_cursor_open(struct mirror *m, void (*wake)(void *arg), void *arg,
                         struct informer_snapshot *ret_snapshot);
int mirror_cursor_next(void *cursor, struct source_event *ret_events, unsigned max);
void mirror_cursor_close(void *cursor);
