/* kubelet: runs the pods of one node.
 *
 *     API, static pod folder ──▶ pods.c ──▶ pod_sync.c (one reconciler, key = uid) ──▶ runtime, volumes,
 * cgroups ▲                                   ▲   │ └───────── pod_told.c (status) ◀────┼───┘ pod_cache.c
 * (what the runtime has) ────────┤ prober.c (what probes find) ───────────────┘ node_*.c: the Node object,
 * its Lease, its conditions; evict.c; server.c: port 10250
 *
 * Decisions are pure functions (pod_actions.c, pod_status.c); acting on them is straight-line code that may
 * block, on a pool of worker threads. A restart of the kubelet neither kills nor forgets a pod: all it knows
 * is in the API and the runtime.
 *
 * Starts and stops on the owner's thread; everything else on threads of its own. CONFORMS: kubelet.tsv.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "base/str.h"
#include "kubelet/config.h"

struct client;
struct err;
struct kubelet;
struct metrics;
struct runtime;

struct kubelet_options {
    struct client *client; /* as system:node:<name> */
    struct runtime *runtime;
    struct str node_name;
    struct str_array node_ips;     /* the node's own; empty: of the default route */
    struct str root_dir;           /* /var/lib/kubelet */
    struct str pod_logs_dir;       /* /var/log/pods */
    struct str container_logs_dir; /* /var/log/containers; "" no links */
    struct str static_pod_dir;     /* "" none */
    struct str cgroup_root;        /* "" the root */
    const char *cgroup_mount;      /* NULL: /sys/fs/cgroup */
    struct str cluster_domain;
    struct str_array cluster_dns;
    struct str resolv_conf; /* /etc/resolv.conf */
    struct str_map node_labels;
    bool register_node;
    bool unschedulable;                                /* registers with a taint, keeps out new pods */
    uint32_t max_pods;                                 /* 0: 110 */
    const char *cert_path, *key_path, *client_ca_path; /* of the server on port 10250 */
    struct str address;                                /* to serve on, "" all */
    uint16_t port;                                     /* 0: 10250 */
    uint16_t healthz_port;                             /* 0: 10248 */
    struct str image_name_pause;                       /* never collected */
    struct metrics *metrics;
    /* What tunes the parts; what stands above wins. max_pods 0: all at its default. Texts are borrowed until
     * kubelet_stop. */
    struct kubelet_config config;
};

int kubelet_start(const struct kubelet_options *o, struct kubelet **ret, struct err *err);

/* Opens its ports; the files of its certificate are there. Without it pods run all the same. */
int kubelet_serve(struct kubelet *k, struct err *err);

/* Pods go on running. */
void kubelet_stop(struct kubelet *k);

/* Stops all pods of the node and removes what they had on it: `coxswain down`. */
int kubelet_remove_pods(struct kubelet *k, int64_t grace_ms, struct err *err);
