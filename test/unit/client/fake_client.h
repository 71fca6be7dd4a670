/* An API in memory, for tests of everything that has a client: any kind, no rules but those of versions.
 *
 *     struct fake *f = fake_new(sim);                   // NULL: with a thread of its own
 *     fake_put(f, KIND(CORE_NODE), "{\"metadata\":{\"name\":\"n1\"}}");
 *     struct client *c = fake_client(f);                // borrowed
 *     …
 *     fake_free(f);
 *
 * What it does: create (generateName, uid, defaults), get, list with selectors, update and patch (JSON,
 * merge, strategic; apply is a merge that creates) with conflicts, status apart from the rest where a kind
 * has a status subresource, generation, delete with preconditions, grace, finalizers and propagation,
 * deletecollection, binding, eviction (a deletion). What it does not: validate, admit, authorise, collect
 * garbage.
 *
 * Faults are injected on purpose or at random, from the simulation's seed. Any thread, except setting up.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/types/ids.h"
#include "client/client.h"

struct fake;
struct sim;

/* Shorthand for rows, as in client/reconciler.h. */
#ifndef KIND
#define KIND(id) (&kinds[KIND_##id])
#endif

struct fake *fake_new(struct sim *sim);
/* Clients of it and their informers must be gone. */
void fake_free(struct fake *f);

/* A client of it, freed with it. fake_client_new: one of the caller's own, for client_free. */
struct client *fake_client(struct fake *f);
struct client *fake_client_new(struct fake *f);

/* -- setting up and looking, without a call -- */

/* Creates or replaces an object, read from JSON (defaults are filled in); aborts when it is malformed. */
void fake_put(struct fake *f, const struct kind *k, const char *json);
/* Merges JSON into an object that is there, as a kubelet or a user would change it (status too). */
void fake_merge(struct fake *f, const struct kind *k, const char *ns, const char *name, const char *json);
/* Removes it, whatever finalizers it has. */
void fake_remove(struct fake *f, const struct kind *k, const char *ns, const char *name);
/* A reference, or NULL. ns "" for cluster scope. */
struct object *fake_get(struct fake *f, const struct kind *k, const char *ns, const char *name);
size_t fake_count(struct fake *f, const struct kind *k);
/* All of a kind in order of their keys, one reference each; *ret is freed with free(). Returns how many. */
size_t fake_all(struct fake *f, const struct kind *k, struct object ***ret);
/* The objects' names in order, with spaces between; valid until the next call of this function. */
const char *fake_names(struct fake *f, const struct kind *k);
uint64_t fake_revision(struct fake *f);

/* -- watching the calls -- */

/* Writes since the last fake_calls_clear, as lines "create pods default/web-1" and "patch pods/status
 * default/a"; a failed one has its HTTP code behind it. Valid until the next call of this function. */
const char *fake_calls(struct fake *f);
void fake_calls_clear(struct fake *f);

/* Asked before each call (on the fake's thread); != 0: the call fails with that HTTP code and reason. */
typedef int (*fake_react_fn)(void *arg, const struct client_call *call, const char **ret_reason);
void fake_react(struct fake *f, fake_react_fn react, void *arg);

/* -- faults -- */

struct fake_faults {
    double conflict;        /* chance that an update or patch fails with 409 */
    double unavailable;     /* chance that a call fails with 503 before it does anything */
    double lost_answer;     /* chance that a call is done and its caller hears ERR_CLOSED */
    int64_t delay_ns;       /* calls take up to so long */
    int64_t watch_delay_ns; /* events come up to so much later */
    double watch_cut;       /* chance that an event is lost with its connection: sources list again */
};
void fake_set_faults(struct fake *f, const struct fake_faults *faults);

/* Sources hear nothing (those opened meanwhile have no first list) until they are resumed; then they list
 * again, as after a lost connection. */
void fake_watch_stop(struct fake *f);
void fake_watch_resume(struct fake *f);
