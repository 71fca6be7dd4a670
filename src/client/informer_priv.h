/* What the files of informers share. Inside client/ only.
 *
 * informer.c       shared informers of a client
 * informer_feed.c  telling one listener
 *
 * A listener that falls behind what its source remembers is told the difference between what it was told and
 * what is there now. For that a feed keeps a state of the tree it is sure to have told (`base`), and the
 * additions and deletions told since; a later state takes the place of base when everything that is in it was
 * told.
 */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/loop.h"
#include "base/thread.h"
#include "base/vec.h"
#include "client/client.h"
#include "client/informer.h"

/* The shared informers of one client. */
struct informers {
    struct mutex lock;
    VEC(struct informer *) all; /* borrowed */
};

/* All of them must be gone. NULL is fine. */
void informers_free(struct informers *all);

/* Somebody who waits for the first list. Called once, on any thread, under the informer's lock. */
struct sync_note {
    void (*synced)(struct sync_note *n);
    struct sync_note *next;
};

struct informer {
    struct client *client;
    struct informers *home;
    unsigned refs; /* under home's lock */
    struct arena arena;
    struct informer_options options; /* texts in the arena */
    struct informer_source *source;
    struct mutex lock; /* notes */
    struct sync_note *notes;
};

/* A reference more. */
struct informer *informer_ref(struct informer *i);

/* Calls note->synced when the first list is complete, at once when it is. */
void informer_note(struct informer *i, struct sync_note *note);
/* False: it was called. */
bool informer_unnote(struct informer *i, struct sync_note *note);
