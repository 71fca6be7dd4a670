/* main/node: a node in one process: the container runtime under supervision, the kubelet, the pod network,
 * services, DNS. A remote client of the API like any node, also on the machine of the control plane.
 *
 * Start and stop from the process's first thread; root. Options are borrowed until node_stop has returned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "base/str.h"

struct err;
struct node;

struct node_options {
    const char *data_dir;         /* absolute */
    const char *server;           /* https://host:port */
    const char *token;            /* join token; NULL: certificates must be there already */
    const char *ca_file;          /* the cluster's authority, when the token does not pin it; NULL: none */
    const char *node_name;        /* NULL: the host's name, lower case */
    const char *node_ip;          /* NULL: of the route to the server */
    const char *runtime_endpoint; /* of a CRI runtime; NULL: a containerd of our own */
    const char *cluster_dns, *cluster_domain, *cluster_cidr, *service_cidr;
    const char *resolv_conf;
    const char *const *labels; /* key=value, NULL-terminated; NULL: none */
    const char *static_pod_dir;
    uint16_t kubelet_port, healthz_port;
    uint32_t max_pods;
    bool no_network; /* another one does that: CNI plugin, services, DNS */
};

int node_start(const struct node_options *o, struct node **ret, struct err *err);

/* Pods go on running. */
void node_stop(struct node *n);

/* Ends all pods and what the node has on this machine, then the runtime. Instead of node_stop. */
int node_remove(struct node *n, struct err *err);
