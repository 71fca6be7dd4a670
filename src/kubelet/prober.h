/* kubelet/prober: runs the probes of all pods and keeps what they found.
 *
 * One worker a container and sort of probe, with a timer on the prober's loop; runs happen on the shared
 * pool, since they block. The pod's worker tells which containers run now (prober_update) and reads results
 * (prober_results); when a result changes, changed() asks for the pod to be looked at.
 *
 * CONFORMS: kubelet.tsv, probe: gating, thresholds, hold, not running, deletion.
 *
 * Threads: update, forget and results from any thread; changed and unhealthy are called on the loop.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "kubelet/pod_view.h"
#include "kubelet/probe_results.h"

struct arena;
struct clock;
struct err;
struct loop;
struct object;
struct prober;
struct rand;
struct runtime;
struct workers;

struct prober_options {
    struct loop *loop;
    struct workers *workers;
    struct runtime *runtime;
    struct clock *clock;
    struct rand *rand;
    void (*changed)(void *arg, struct str uid);
    /* A run that failed, for an event. */
    void (*unhealthy)(void *arg, const struct object *pod, struct str container, enum probe_kind kind,
                      bool errored, struct str output);
    void *arg;
};

struct prober *prober_new(const struct prober_options *o);

/* Ends all workers; runs under way are waited for. Not on the loop. NULL is fine. */
void prober_free(struct prober *p);

/* The pod as it is now and what of it runs. Takes a reference of its own. */
void prober_update(struct prober *p, const struct object *pod, const struct pod_view *view);

/* The pod is gone. */
void prober_forget(struct prober *p, struct str uid);

/* Results of its containers, in the arena. */
void prober_results(struct prober *p, struct str uid, struct arena *a, struct probe_results *ret);
