/* kubelet/resolv_conf: how a pod resolves names: the node's resolv.conf, the pod's policy, what comes out.
 *
 * CONFORMS: upstream's DNS policies and limits (kubelet.tsv: dns). Pure; results live in the arena and borrow
 * from the arguments. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "api/value.h"
#include "base/str.h"

struct arena;
struct core_pod;

#define DNS_SERVERS_MAX 3u
#define DNS_SEARCHES_MAX 32u
#define DNS_SEARCH_BYTES_MAX 2048u

struct dns_config {
    struct str_array servers, searches, options; /* options as they are written: "ndots:5" */
};

/* Reads the text of a resolv.conf; what is malformed is left out. */
struct dns_config resolv_conf_read(struct str text, struct arena *a);

struct dns_node {
    struct str_array cluster_servers; /* clusterDNS */
    struct str cluster_domain;
    const struct dns_config *host; /* of the node's resolv.conf */
};

struct dns_result {
    struct dns_config config;
    bool cut;             /* limits were exceeded: event DNSConfigForming */
    bool missing_cluster; /* ClusterFirst without clusterDNS: event MissingClusterDNS */
};

/* For the sandbox of the pod. */
struct dns_result dns_for_pod(const struct core_pod *pod, const struct dns_node *node, struct arena *a);
