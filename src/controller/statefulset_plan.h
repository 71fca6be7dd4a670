/* statefulset_plan: the next steps of a stateful set: which pods to make, which to delete.
 *
 * Pure over what was seen; statefulset.c acts. With ordered pod management there is at most one step, and
 * none while a pod before it is not healthy. CONFORMS: upstream's stateful set control.
 */
#pragma once

#include "api/types/apps.h"
#include "controller/pods.h"

/* A place for a pod: one of those asked for, or one to be given up. */
struct set_slot {
    int32_t ordinal;
    const struct object *pod; /* NULL: none */
    bool is_update;           /* of the new revision; of a missing pod: what it is to be */
};

struct stateful_view {
    const struct apps_stateful_set *set;
    int64_t now_ns;
    struct set_slot *slots; /* asked for, ascending */
    size_t n;
    struct set_slot *condemned; /* descending */
    size_t n_condemned;
};

enum stateful_step_kind {
    STEP_CREATE,
    STEP_DELETE,
    STEP_RECREATE /* it has ended: delete, to be made anew */
};

struct stateful_step {
    enum stateful_step_kind kind;
    const struct set_slot *slot;
};

struct stateful_plan {
    struct stateful_step *v;
    size_t n;
    int64_t wait_ns; /* look again then: a pod becomes available; 0: not for this */
};

struct stateful_plan stateful_plan_steps(struct arena *a, const struct stateful_view *v);

/* First ordinal, and number of pods asked for. */
int32_t stateful_start(const struct apps_stateful_set *s);
int32_t stateful_replicas(const struct apps_stateful_set *s);
/* Number of places that keep the old revision. */
int32_t stateful_partition(const struct apps_stateful_set *s);
/* "<set>-<ordinal>" → ordinal; -1: no pod of this set. */
int32_t stateful_ordinal(const struct apps_stateful_set *s, struct str pod_name);
