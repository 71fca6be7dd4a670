/* kubelet/node: the Node object and its Lease: registers, keeps both fresh, and says how the node is.
 *
 * One thread of its own: the lease every 10 s, the status every 10 s when it changed and else every 5
 * minutes; both at once when node_poke is called. CONFORMS: kubelet.tsv, node status.
 */
#pragma once

#include "base/str.h"
#include "kubelet/node_facts.h"
#include "kubelet/node_status.h"

struct arena;
struct core_node;
struct err;
struct kubelet;
struct kubelet_node;
struct object;

int kubelet_node_start(struct kubelet *k, struct kubelet_node **ret, struct err *err);
void kubelet_node_stop(struct kubelet_node *n);

/* Something about the node has changed. Any thread. */
void kubelet_node_poke(struct kubelet_node *n);

void kubelet_node_set_pressure(struct kubelet_node *n, struct node_pressure p);
struct node_pressure kubelet_node_pressure(struct kubelet_node *n);

const struct node_facts *kubelet_node_facts(const struct kubelet_node *n);

/* The Node as the API has it, one reference; NULL: not known yet. */
struct object *kubelet_node_object(struct kubelet_node *n);
