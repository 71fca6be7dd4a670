/* controller_priv: what the controllers are made of.
 *
 * A controller is a row of the table in table.c: a name, the service account it acts as, and a start function
 * that sets its state up and adds reconcilers. Their argument (struct reconcile.arg) is the struct
 * controller; its `client` is the identity to act as (r->client belongs to the manager and only reads).
 *
 * start and stop run one after the other; in between the reconcilers run on workers.
 */
#pragma once

#include "api/types/ids.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "client/client.h"
#include "client/events.h"
#include "client/informer.h"
#include "client/reconciler.h"
#include "controller/controller.h"

struct controller;
struct loop;
struct orphans;
struct workers;

#define CONTROLLER_RECONCILERS_MAX 8u

struct controller_row {
    const char *name;    /* as in --controllers */
    const char *account; /* service account in kube-system; also the name of its events' source. NULL: acts as
                            the manager itself */
    bool off;            /* only when named */
    int (*start)(struct controller *c, struct err *err);
    void (*stop)(struct controller *c); /* after its reconcilers have stopped; frees state; may be NULL */
};

extern const struct controller_row controller_rows[];
extern const size_t n_controller_rows;

struct controller {
    const struct controller_row *row;
    const struct controllers_options *options;
    struct client *client;  /* acts as the controller's account */
    struct client *watcher; /* the manager's: informers */
    struct event_recorder *events;
    struct loop *loop;
    struct workers *workers;
    struct clock *clock;
    struct rand *rand;
    struct metrics *metrics;
    struct orphans *orphan_pods; /* shared; see orphans.h */
    struct reconciler *reconcilers[CONTROLLER_RECONCILERS_MAX];
    uint32_t n_reconcilers;
    void *state; /* the controller's own */
    /* Set by start when it listens to informers itself: stops that, before the reconcilers stop. */
    void (*leave)(struct controller *c);
    struct controllers *manager;
};

/* Fills in what all reconcilers have in common and starts one. name, watches, n_watches, reconcile, writer
 * and concurrency come from options. ret may be NULL. */
int controller_add(struct controller *c, const struct reconciler_options *options, struct reconciler **ret,
                   struct err *err);

/* The controller as of this run: it writes through r->writer, so that the next run of the key does not act on
 * what is older than these writes. For reconcilers that were started with a writer; in the run's arena. */
struct controller *controller_in(struct reconcile *r);

/* Zeroed memory for the state, freed after stop. */
void *controller_state(struct controller *c, size_t bytes);

/* Runs fn(arg) on the controllers' loop and waits for it; at once when already there. */
void controller_on_loop(struct controller *c, void (*fn)(void *arg), void *arg);

/* All of a kind, with a map (NULL: only read) and its argument. */
#define WATCH_ALL(kind_id, map_, arg_)                                                                       \
    { .of = {.kind = KIND(kind_id)}, .map = (map_), .arg = (void *)(uintptr_t)(arg_) }

/* The same without a map, of a kind that the controller writes through r->writer. */
#define WATCH_WRITTEN(kind_id)                                                                               \
    { .of = {.kind = KIND(kind_id)}, .written = true }

/* Now, in wall-clock time. */
int64_t now_ns(const struct reconcile *r);
struct timestamp now_stamp(const struct reconcile *r); /* whole seconds, as the API keeps them */

/* "ns/name", or "name" without a namespace; in the arena. */
struct str key_of(struct arena *a, struct str ns, struct str name);
struct str object_key_of(struct arena *a, const struct object *o);
/* The parts of a key. */
void key_split(struct str key, struct str *ret_ns, struct str *ret_name);

/* What may be ignored by who deletes or releases: it is gone already. */
static inline int unless_gone(int rc) {
    return rc == ERR_NOT_FOUND ? 0 : rc;
}
/* Deletes the very object that was seen; one that is gone or replaced already is no failure. */
int delete_object(struct client *c, const struct object *o, struct str propagation, struct err *err);

/* There, and not being deleted; NULL is not. */
bool namespace_is_active(const struct object *ns);
