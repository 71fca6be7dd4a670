/* statefulset_priv: one run over one stateful set: what statefulset.c and statefulset_pods.c share. */
#pragma once

#include "controller/controller_priv.h"
#include "controller/statefulset_plan.h"

struct set_run {
    struct controller *c;
    struct reconcile *r;
    struct arena *a;
    const struct object *object;
    struct apps_stateful_set set;                /* with our collision count */
    const struct apps_stateful_set *current_set; /* as it was at the current revision */
    struct objects pods, revisions;
    struct str current, update; /* names of revisions */
    struct stateful_view v;
};

/* Makes the claims and the pod of a place; waits (ERR_AGAIN) for a claim that is being deleted. */
int set_make_pod(struct set_run *x, const struct set_slot *slot, struct err *err);
/* Brings the owner references of the claims of a pod in line with the retention policy. */
int set_retain_claims(struct set_run *x, const struct set_slot *slot, bool condemned, struct err *err);
