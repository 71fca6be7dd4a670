/* replicas: the engine of ReplicaSets and ReplicationControllers: as many pods as asked for.
 *
 * Both kinds are brought into one view; replicaset.c and replicationcontroller.c say how. What a controller
 * has done and not yet seen is kept as expectations, so that no pod is made or deleted twice.
 */
#pragma once

#include "api/types/apps.h"
#include "controller/claim.h"

#define REPLICAS_BURST 500u /* pods made or deleted in one go */

/* What both kinds have in common. */
struct replica_view {
    const struct object *object;
    int32_t replicas;
    int32_t min_ready_seconds;
    struct label_selector selector;
    const struct core_pod_template_spec *template;
    struct apps_replica_set_status status;
};

struct replica_ops {
    const struct kind *kind;
    bool counts_terminating; /* its status has terminatingReplicas */
    /* Fills in the view; borrows from the object and the arena. */
    int (*view)(const struct object *o, struct arena *a, struct replica_view *ret, struct err *err);
    bool (*selects)(const struct object *o, struct str_map labels);
    int32_t (*size)(const struct object *o); /* how many pods it says it has */
    int (*write_status)(struct client *c, const struct object *o,
                        const struct apps_replica_set_status *status, struct arena *a, struct err *err);
};

/* Start and stop functions of a controller of that kind. */
int replicas_start(struct controller *c, const struct replica_ops *ops, struct err *err);
void replicas_stop(struct controller *c);

/* A run looks at all pods, so what happens to those of a large set is looked at together: so much later. */
int64_t replicas_delay_ns(int32_t size);

/* What to do about the number of pods: > 0 make so many, < 0 delete so many. */
int64_t replicas_diff(int32_t wanted, size_t active);

/* The status that goes with these pods; keeps the conditions of `before` but for ReplicaFailure, which shows
 * `failure` (code 0: none; reason FailedCreate or FailedDelete). *ret_wait_ns as in pod_is_available. */
struct apps_replica_set_status replicas_status(const struct replica_view *v, const struct objects *pods,
                                               const struct err *failure, struct str reason, int64_t now_ns,
                                               struct arena *a, int64_t *ret_wait_ns);
