/* scheduler/nodes: the nodes as scheduling sees them: what each has, and what of it is taken.
 *
 * Kept up to date by events, pods that were assumed onto a node included. Amounts lie in one array of
 * integers per resource, topology values are numbers, and pods that look the same are counted together, so
 * that a scheduling cycle runs over plain arrays and allocates nothing per node.
 *
 * A pod may be known before its node is; such a node has no object and is never a candidate.
 * The scheduler's thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/object.h"
#include "api/types/core.h"
#include "base/map.h"
#include "base/vec.h"
#include "scheduler/pod_facts.h"

struct sched_pod;

/* Pods on a node that share their facts. */
struct facts_count {
    struct pod_facts *facts;
    uint32_t n;
};

#define TOPOLOGY_NONE UINT32_MAX

struct sched_node {
    struct str name;              /* inside the object, or own_name */
    char *own_name;               /* while there is no object */
    const struct object *object;  /* NULL: not seen yet, or gone */
    const struct core_node *node; /* its body */
    uint32_t index;               /* in nodes.v and in all arrays of amounts */
    VEC(struct sched_pod *) pods;
    VEC(struct facts_count) kinds; /* of pods */
    VEC(uint32_t) topology;        /* value by key, TOPOLOGY_NONE: no such label */
    uint32_t n_ports;              /* pods with host ports */
    uint32_t n_disks;              /* pods with volumes that exclude each other */
    uint32_t n_nominated;          /* pods that wait for room here */
};

/* NULL as long as no node has any. */
struct node_resource {
    int64_t *allocatable, *requested;
};

struct node_image {
    int64_t size_bytes;
    uint32_t n_nodes;
};

struct nodes {
    VEC(struct sched_node *) v;
    struct map by_name;
    VEC(struct node_resource) resources; /* by number */
    int64_t *scored_cpu, *scored_memory; /* requested, with defaults for containers that ask for nothing */
    size_t cap;                          /* of all arrays of amounts */
    VEC(struct map) topology;            /* by key: value → number */
    struct map images;                   /* owning: name → struct node_image */
    VEC(struct sched_node *) order;      /* those with objects, zones in turn */
    bool order_stale;
    struct facts_table *facts;
    /* facts with terms of pod affinity that are on some node, so that one need not look for them */
    VEC(struct pod_facts *) with_affinity;
    VEC(struct sched_pod *) nominated; /* pods that wait for room on some node */
};

void nodes_init(struct nodes *n, struct facts_table *facts);
void nodes_fini(struct nodes *n);

/* What of a node changed, for those who wait for something. */
enum node_change {
    NODE_ADDED = 1 << 0,
    NODE_ALLOCATABLE = 1 << 1,
    NODE_LABELS = 1 << 2,
    NODE_TAINTS = 1 << 3,
    NODE_CONDITIONS = 1 << 4,
};
/* Adds or replaces the object; returns enum node_change. */
unsigned nodes_set(struct nodes *n, const struct object *node);
void nodes_remove(struct nodes *n, struct str name);

struct sched_node *nodes_find(const struct nodes *n, struct str name);
/* Made without an object when there is none. */
struct sched_node *nodes_get(struct nodes *n, struct str name);

void nodes_add_pod(struct nodes *n, struct sched_node *node, struct sched_pod *pod);
void nodes_remove_pod(struct nodes *n, struct sched_node *node, struct sched_pod *pod);

/* Sets where room is being made for the pod; absent: nowhere. */
void nodes_nominate(struct nodes *n, struct sched_pod *pod, struct str name);

/* Candidates in the order in which they are tried. */
size_t nodes_order(struct nodes *n, struct sched_node *const **ret);

static inline int64_t nodes_allocatable(const struct nodes *n, uint32_t resource,
                                        const struct sched_node *node) {
    return resource < n->resources.n && n->resources.v[resource].allocatable
               ? n->resources.v[resource].allocatable[node->index]
               : 0;
}

static inline int64_t nodes_requested(const struct nodes *n, uint32_t resource,
                                      const struct sched_node *node) {
    return resource < n->resources.n && n->resources.v[resource].requested
               ? n->resources.v[resource].requested[node->index]
               : 0;
}

/* The number of the node's value of a topology key; keys must have been made known. */
static inline uint32_t node_topology(const struct sched_node *node, uint32_t key) {
    return key < node->topology.n ? node->topology.v[key] : TOPOLOGY_NONE;
}
/* Makes all keys that facts have named known to the nodes. */
void nodes_know_topology(struct nodes *n);
uint32_t nodes_topology_values(const struct nodes *n, uint32_t key);

const struct node_image *nodes_image(const struct nodes *n, struct str name);

/* Aborts when a sum does not hold. */
void nodes_check(const struct nodes *n);
