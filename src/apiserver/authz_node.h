/* apiserver/authz_node: what a kubelet may do: what its own pods need, and little else.
 *
 * A user system:node:NAME in the group system:nodes is the node NAME. Objects that belong to nodes through
 * pods are looked up in a graph that the caller supplies; everything else is answered by the static rules of
 * the role system:node. What is not allowed here is left to RBAC, which has nothing for nodes by default.
 * Pure; any thread. CONFORMS: the Node authoriser of 1.36; the admission plugin NodeRestriction limits writes
 * further, by what is in them.
 */
#pragma once

#include "apiserver/authz.h"

struct arena;
struct core_persistent_volume;
struct core_pod;
struct rbac_policy_rule_array;

enum node_object {
    NODE_POD,
    NODE_SECRET,
    NODE_CONFIG_MAP,
    NODE_CLAIM, /* a persistent volume claim */
    NODE_VOLUME,
    NODE_ATTACHMENT,
    NODE_SERVICE_ACCOUNT,
    NODE_RESOURCE_CLAIM,
    NODE_RESOURCE_SLICE,
    NODE_POD_CERTIFICATE,
};

struct node_graph_ops {
    /* Whether the object belongs to the node: names it, or is used by a pod bound to it. ns is "" where the
     * kind has none. */
    bool (*reaches)(void *arg, struct str node, enum node_object kind, struct str ns, struct str name);
};

struct node_graph {
    const struct node_graph_ops *ops;
    void *arg;
};

/* Whether this user is a node; *ret_node may be "" for a node without a name, which may do nothing. */
bool node_identity(const struct user *u, struct str *ret_node);

/* AUTHZ_ALLOW or AUTHZ_NO_OPINION, which users that are no nodes always get. rules: of system:node. */
enum decision node_check(const struct node_graph *graph, const struct rbac_policy_rule_array *rules,
                         const struct access *what, struct arena *arena, struct str *ret_reason);

/* -- the edges of the graph -- */

/* Whether a pod uses the object of its namespace: a secret, a config map, a claim, a service account or a
 * resource claim. Mirror pods use nothing: their owner is a file, which must not open doors. */
bool node_pod_uses(const struct core_pod *pod, enum node_object kind, struct str name);

/* Whether kubelets need this secret to mount the volume. */
bool node_volume_uses_secret(const struct core_persistent_volume *pv, struct str ns, struct str name);
