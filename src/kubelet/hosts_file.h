/* kubelet/hosts_file: a pod's name and its /etc/hosts.
 *
 * CONFORMS: upstream's rules (kubelet.tsv: hostname, hosts). Pure; any thread.
 */
#pragma once

#include "base/str.h"

struct arena;
struct buf;
struct core_pod;
struct err;

struct pod_name {
    struct str hostname; /* what the sandbox is called */
    struct str host;     /* its first label or the override: as the hosts file has it */
    struct str domain;   /* "sub.ns.svc.cluster.local", or "" */
};

/* ERR_INVALID when setHostnameAsFQDN asks for a name of more than 64 bytes. Borrows from the pod and the
 * arena. */
int pod_name_of(const struct core_pod *pod, struct str cluster_domain, struct arena *a, struct pod_name *ret,
                struct err *err);

/* The text for a pod with these addresses. */
struct str_array;
void hosts_file_write(const struct core_pod *pod, const struct pod_name *name, const struct str_array *ips,
                      struct buf *out);

/* The same for a pod on the host's network: the node's file and the pod's aliases. */
void hosts_file_write_host(const struct core_pod *pod, struct str node_file, struct buf *out);
