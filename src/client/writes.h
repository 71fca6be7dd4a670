/* writes: what runs of one key have written, so that the next run waits until the informers show it. Inside
 * client/ only; reconcilers hand it out as struct reconcile.writer.
 *
 * A snapshot may be older than our own last write, and a controller that acts on one acts twice: it takes
 * away a second pod, or makes one too many. So each write is remembered by what an informer must have
 * reached: the revision that was answered, or the end of an object that was deleted. A write whose outcome
 * nobody knows (the connection broke) is looked up first.
 *
 * Kinds that the reconciler does not watch as a whole are not waited for: there is no picture of them that
 * could be old.
 *
 * Threads: answers may come in on any; all else is called by who runs the key, or under the reconciler's lock
 * while nobody does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct client;
struct err;
struct informer;
struct writes;

/* Writes through `inner`, which outlives it. The informers are those of the reconciler, borrowed. */
struct writes *writes_new(struct client *inner, struct informer *const *informers, uint32_t n);
/* Calls under way must have ended. NULL is fine. */
void writes_free(struct writes *w);

/* The client to write with; a part of it. */
struct client *writes_client(struct writes *w);

/* Something is awaited of which the outcome is not known yet. */
bool writes_unknown(const struct writes *w);
/* Asks what became of it; blocks. What could not be asked stays unknown, and the error is told. */
int writes_settle(struct writes *w, struct err *err);

/* Whether the informers show all of it; what they show is forgotten. */
bool writes_shown(struct writes *w);
