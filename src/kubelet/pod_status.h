/* kubelet/pod_status: what the API is told of a pod: a pure function of its specification, what the runtime
 * has, what the probes found, and what was told before.
 *
 * CONFORMS: upstream's phases, container states and conditions (kubelet.tsv: phase, state, conditions). Any
 * thread; the result lives in the arena and borrows from the arguments.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "base/str.h"
#include "kubelet/pod_view.h"
#include "kubelet/probe_results.h"

struct arena;
struct core_pod;
struct core_pod_status;

/* Why a container does not run although it should; kept by the worker from its last attempt. */
struct waiting_reason {
    struct str container, reason, message;
    int64_t until_ns;   /* monotonic: it is not tried before; 0: any time */
    int64_t generation; /* of the pod that was tried */
};

/* What is to be told of a resize. FAILED: accepted, but it could not be carried out. */
enum resize_state { RESIZE_NONE, RESIZE_DEFERRED, RESIZE_INFEASIBLE, RESIZE_FAILED };

struct pod_status_inputs {
    const struct core_pod *pod; /* its status is what was told before */
    const struct pod_view *view;
    const struct probe_results *probes;
    const struct waiting_reason *waiting;
    uint32_t n_waiting;
    struct str_array host_ips; /* of the node */
    int64_t now_sec;
    bool is_static;
    bool never_ran; /* refused: nothing was or will be started */
    /* Set once the kubelet has decided to end the pod: eviction, deadline, refusal. "" phase: nothing was
     * decided. */
    struct str end_phase, end_reason, end_message;
    bool disrupted; /* condition DisruptionTarget by the kubelet */
    struct str disruption_message;
    const struct core_pod *allocated; /* with the resources that were accepted; NULL: as told before */
    /* What a container was given; NULL: not known. */
    const struct core_resource_requirements *(*actuated)(void *arg, struct str id, struct str name);
    void *actuated_arg;
    enum resize_state resize;
    struct str resize_message;
    bool ending; /* containers are being stopped, or were: they are not restarted */
};

void pod_status_make(const struct pod_status_inputs *in, struct arena *a, struct core_pod_status *ret);

/* Phase of the containers alone. */
struct str pod_phase(const struct core_pod *pod, const struct core_pod_status *containers);

/* Succeeded or Failed. */
bool pod_phase_is_final(struct str phase);
