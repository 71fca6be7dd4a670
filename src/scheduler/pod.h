/* scheduler/pod: one pod as the scheduler holds it, from the moment it is seen until it is gone or has ended.
 *
 *     seen ─→ gated ─→ active ⇄ in a cycle ─→ assumed ─→ bound
 *                        ↑ ↓          │          │
 *                     backoff ←── unschedulable ←┘ (binding failed)
 *
 * The scheduler's thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/object.h"
#include "api/types/core.h"
#include "scheduler/pod_facts.h"

struct binding;
struct profile;
struct sched_node;
struct volume_plan;

enum pod_state {
    POD_FOREIGN,       /* no profile of ours, or being deleted: not queued */
    POD_GATED,         /* a PreEnqueue plugin keeps it back */
    POD_ACTIVE,        /* to be scheduled now */
    POD_BACKOFF,       /* to be scheduled when some time has passed */
    POD_UNSCHEDULABLE, /* to be scheduled when something has changed */
    POD_CYCLING,       /* out of the queue, its cycle runs */
    POD_ASSUMED,       /* counted on its node, the binding is under way or not seen yet */
    POD_BOUND,         /* spec.nodeName is set */
};

struct sched_pod {
    const struct object *object; /* one reference; its uid is the key */
    struct pod_facts *facts;     /* one reference */
    const struct profile *profile;
    enum pod_state state;

    struct sched_node *node; /* assumed and bound */
    uint32_t node_place;     /* in its pods */

    struct sched_node *nominated; /* where room is being made for it */

    /* the queue's */
    size_t place;                /* in the heap or list of its state */
    int64_t queued_ns;           /* since when it has been waiting, for equal priorities */
    int64_t ready_ns;            /* end of the backoff */
    int64_t parked_ns;           /* when it became unschedulable */
    unsigned attempts;           /* cycles */
    unsigned rejections, errors; /* cycles that ended so, in a row */
    uint64_t rejected_by;        /* plugins, by number in the profile */
    uint32_t wakes_on;           /* events that those plugins care about; enum sched_event_type */
    bool failed_by_error;

    struct binding *binding;     /* under way */
    struct volume_plan *volumes; /* what is to be written of its volumes; NULL: nothing */
};

static inline const struct core_pod *sched_pod_body(const struct sched_pod *p) {
    return p->object->body;
}
