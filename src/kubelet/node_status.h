/* kubelet/node_status: the status of the Node object: a pure function of the machine's facts and what runs on
 * it.
 *
 * CONFORMS: kubelet.tsv, node: conditions with their reasons, addresses, capacity and allocatable, nodeInfo,
 * images. Any thread; results in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "kubelet/node_facts.h"

struct arena;
struct core_node;
struct core_node_status;
struct cri_image_array;

struct node_pressure {
    bool memory, disk, pid;
};

struct node_status_inputs {
    const struct core_node_status *before; /* NULL: none */
    const struct node_facts *facts;
    struct str name;
    struct str_array ips;
    struct str runtime; /* "containerd://1.6.20" */
    struct str kubelet_version;
    uint16_t kubelet_port;
    uint32_t max_pods;
    struct node_pressure pressure;
    struct str_array not_ready;           /* what is wrong; empty: ready */
    const struct cri_image_array *images; /* NULL: as before */
    int64_t now_sec;
    uint64_t reserved_memory_bytes, reserved_milli_cpu; /* for the system and the kubelet */
};

void node_status_make(const struct node_status_inputs *in, struct arena *a, struct core_node_status *ret);

/* Whether two statuses say the same, heartbeats aside. */
bool node_status_same(const struct core_node_status *x, const struct core_node_status *y, struct arena *a);

/* Labels every node has, and those that were asked for, in the arena. */
struct str_map node_labels(const struct node_facts *facts, struct str name, struct str_map more,
                           struct arena *a);
