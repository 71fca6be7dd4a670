/* daemonset_plan: which nodes need a pod of a daemon set, and which pods have to go.
 *
 * Pure over what was seen. daemonset.c acts. CONFORMS: upstream's placement, rolling update and surge.
 */
#pragma once

#include "api/types/apps.h"
#include "controller/pods.h"

/* One node and the set's pods on it (oldest first). Nodes that are gone have node NULL. */
struct daemon_node {
    struct str name;
    const struct core_node *node;
    struct objects pods;
    bool should_run, may_stay;
};

struct daemon_view {
    const struct apps_daemon_set *ds;
    struct str hash; /* of the present template */
    int64_t now_ns;
    struct daemon_node *nodes;
    size_t n;
};

struct err;

struct daemon_plan {
    struct str *create; /* names of nodes */
    size_t n_create;
    struct objects remove;
    struct objects failed, succeeded; /* among remove: to be told */
    int64_t retry_ns;                 /* look again then; 0: not for this */
};

/* The pod as it would be on a node: tolerations and affinity of its own. Borrows from the set. */
struct core_pod *daemon_pod(struct arena *a, const struct object *set, struct str node, struct str hash);
/* The tolerations every pod of a daemon set has. */
struct core_toleration_array daemon_tolerations(struct arena *a, const struct core_pod_spec *spec);
/* Fills in should_run and may_stay. */
void daemon_judge(struct arena *a, const struct apps_daemon_set *ds, struct daemon_node *node);
/* Name of the node a pod is for: where it runs, or what its affinity says; "" when neither. */
struct str daemon_target(const struct core_pod *p);

/* Whether a failed pod may be replaced now; asked once for each. */
typedef bool (*daemon_may_retry_fn)(void *arg, struct str node, int64_t *ret_wait_ns);

/* Missing and superfluous pods. */
void daemon_plan_place(struct arena *a, const struct daemon_view *v, daemon_may_retry_fn may_retry, void *arg,
                       struct daemon_plan *plan);
/* One step of a rolling update. */
int daemon_plan_roll(struct arena *a, const struct daemon_view *v, struct daemon_plan *plan, struct err *err);
struct apps_daemon_set_status daemon_status(const struct daemon_view *v, int64_t *ret_wait_ns);
