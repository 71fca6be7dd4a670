/* What the files of the fake share.
 *
 * fake_client.c   the client and its calls
 * fake_verbs.c    what the calls do
 * fake_source.c   the state, and informer sources that follow it
 */
#pragma once

#include "api/status.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/vec.h"
#include "client/informer.h"
#include "client/mirror.h"
#include "fake_client.h"

struct fake_source;

struct fake {
    struct sim *sim;
    struct loop *loop;
    struct client *client;
    struct clock *clock;
    struct rand *rand;
    struct mutex lock; /* all that follows */
    struct mirror *kinds[KIND_RESOURCES];
    uint64_t revision;
    VEC(struct fake_source *) sources;
    bool stopped;
    struct fake_faults faults;
    fake_react_fn react;
    void *react_arg;
    struct buf calls, calls_shown, names_shown;
};

/* -- the state; the lock is held -- */

struct mirror *fake_state(struct fake *f, const struct kind *k);
/* Borrowed until the next change. */
const struct object *fake_find(struct fake *f, const struct kind *k, struct str ns, struct str name);
/* Gives it the next revision, stores it, tells the sources. Takes over the arena. One reference for the
 * caller. */
struct object *fake_store(struct fake *f, const struct kind *k, void *body, struct arena *arena);
/* The last state with the next revision; one reference for the caller. */
struct object *fake_drop(struct fake *f, const struct object *o);

bool fake_selects(const struct kind *k, const struct object *o, struct str ns, struct str labels,
                  struct str fields);

int fake_source_open(struct fake *f, const struct informer_options *o, struct informer_source **ret);

/* -- calls; the lock is held -- */

/* Fills in the answer; its failures are Statuses. */
void fake_run(struct fake *f, const struct client_call *call, struct client_answer *answer);

/* For the setting up. */
struct object *fake_merge_into(struct fake *f, const struct object *old, struct str patch, struct arena *a);
