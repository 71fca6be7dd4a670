/* kubelet/pod_actions: what is to be done so that a pod runs as it should: a pure function of its
 * specification, what the runtime has, and what the probes found.
 *
 *     no usable sandbox            → stop what is left, make a sandbox, start from the first init container
 *     init containers, in order    → the next one, when the one before has succeeded (sidecars: has started)
 *     then app containers          → those that do not run and shall
 *     unhealthy, changed           → stop, and start again when their restart rule says so
 *     nothing runs, nothing shall  → stop the sandbox: the pod is done
 *
 * Whether a start is held back (CrashLoopBackOff, image pulls) is the worker's business (pod_sync.c). Any
 * thread.
 */
#pragma once

#include "kubelet/container_spec.h"
#include "kubelet/pod_view.h"
#include "kubelet/probe_results.h"

struct arena;
struct core_pod;

enum kill_reason { KILL_UNKNOWN, KILL_CHANGED, KILL_LIVENESS, KILL_STARTUP, KILL_POD_RESTART };

struct container_kill {
    const struct container_view *container;
    enum kill_reason reason;
};

struct pod_actions {
    bool stop_pod;         /* all containers and sandboxes, before anything else */
    bool make_sandbox;     /* then */
    bool restart_all;      /* a rule said so: containers go, the sandbox stays, init containers run again */
    uint32_t attempt;      /* of the new sandbox */
    struct str sandbox_id; /* of the present one; "" none */
    struct container_ref *starts; /* in this order */
    uint32_t n_starts;
    struct container_kill *kills;
    uint32_t n_kills;
};

/* probes may be NULL. Everything in the arena or borrowed from the arguments. */
void pod_actions_compute(const struct core_pod *pod, const struct pod_view *view,
                         const struct probe_results *probes, struct arena *a, struct pod_actions *ret);

/* Whether there is anything to do. */
bool pod_actions_any(const struct pod_actions *p);
