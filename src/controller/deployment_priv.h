/* deployment_priv: one run over one deployment: what deployment.c, deployment_sets.c and deployment_status.c
 * share.
 */
#pragma once

#include "api/types/apps.h"
#include "controller/controller_priv.h"
#include "controller/deployment_plan.h"
#include "controller/pods.h"

#define DEPLOYMENT_REVISION S("deployment.kubernetes.io/revision")
#define DEPLOYMENT_REVISION_HISTORY S("deployment.kubernetes.io/revision-history")
#define DEPLOYMENT_DESIRED_REPLICAS S("deployment.kubernetes.io/desired-replicas")
#define DEPLOYMENT_MAX_REPLICAS S("deployment.kubernetes.io/max-replicas")
#define DEPLOYMENT_TEMPLATE_HASH S("pod-template-hash")

struct rollout {
    struct controller *c;
    struct reconcile *r;
    struct arena *a;
    const struct object *object;
    struct apps_deployment d; /* as the server has it after our writes */
    struct deployment_limits limits;
    struct objects sets;      /* all it owns, oldest first; replaced by what our writes answer */
    struct set_state *states; /* parallel to sets */
    int32_t fresh;            /* index of the set of the present template, -1: none */
};

static inline const struct apps_replica_set *replica_set_of(const struct object *o) {
    return o->body;
}

/* -- deployment_sets.c -- */

/* Sorts the sets, makes their states, finds the new one. */
void rollout_look(struct rollout *x);
/* Keeps revisions and annotations of the new set up to date; makes it when it is missing and create is true.
 * Afterwards x->fresh is set, or still -1. */
int rollout_sync_new(struct rollout *x, bool create, struct err *err);
/* Writes the targets of all sets that changed, with events. *ret_scaled: whether a size changed. */
int rollout_apply(struct rollout *x, bool *ret_scaled, struct err *err);
/* Deletes old sets past the history limit. */
int rollout_cleanup(struct rollout *x, struct err *err);
bool templates_equal(const struct core_pod_template_spec *one, const struct core_pod_template_spec *other,
                     struct arena *a);

/* -- deployment_status.c -- */

int64_t replica_set_revision(const struct object *o);
bool rollout_has_deadline(const struct rollout *x);
/* What the sets add up to, with the condition Available; the other conditions are those of x->d. */
struct apps_deployment_status rollout_status(const struct rollout *x);
/* The same with the conditions of a rollout under way, written when it changed; asks for a later run when the
 * deadline is to be watched. */
int rollout_write_progress(struct rollout *x, struct err *err);
/* Written when it changed. */
int rollout_write_status(struct rollout *x, const struct apps_deployment_status *status, struct err *err);
bool rollout_complete(const struct rollout *x, const struct apps_deployment_status *status);
const struct apps_deployment_condition *deployment_condition(const struct apps_deployment_status *s,
                                                             struct str type);
/* Sets a condition; one of the same status and reason stays as it is. */
void deployment_set_condition(struct rollout *x, struct apps_deployment_status *s, struct str type,
                              struct str status, struct str reason, struct str message);
void deployment_remove_condition(struct arena *a, struct apps_deployment_status *s, struct str type);
/* Writes x->d with its present annotations and status. */
int rollout_write(struct rollout *x, struct err *err);
