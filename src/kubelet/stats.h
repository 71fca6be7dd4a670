/* kubelet/stats: what the node, its pods and their containers use: from cgroups of both versions, network
 * namespaces, file systems, and what the runtime says of what only it knows (writable layers), or of all
 * where its cgroups lie elsewhere.
 *
 * Blocks: workers. Results lie in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "kubelet/cgroup.h"
#include "kubelet/node_facts.h"

struct arena;
struct err;
struct kubelet;

struct stats_interface {
    struct str name;
    /* bytes, packets, errors, dropped */
    uint64_t rx[4], tx[4];
};

struct stats_interfaces {
    struct stats_interface *v;
    uint32_t n;
};

/* The node, a pod or a container. */
struct stats_entry {
    struct str ns, pod, uid, container, id, image; /* as far as it has them */
    struct str cgroup;                             /* below the mount */
    struct cgroup_usage use;                       /* -1: not known */
    int64_t started_ns;                            /* wall; 0: not known */
    int64_t fs_bytes, fs_inodes;                   /* writable layer; -1: not known */
    struct stats_interfaces net;                   /* of the node and of pods */
};

struct stats_pod {
    struct stats_entry self;
    struct stats_entry *containers; /* that run */
    uint32_t n_containers;
};

struct stats {
    int64_t now_ns; /* wall */
    struct stats_entry node;
    struct node_free free;
    const struct node_facts *facts;
    struct stats_pod *pods; /* that have a sandbox */
    uint32_t n_pods;
};

int stats_collect(struct kubelet *k, struct arena *a, struct stats *ret, struct err *err);

/* /proc/PID/net/dev, without the loopback. For tests. */
struct stats_interfaces stats_read_interfaces(struct str text, struct arena *a);
