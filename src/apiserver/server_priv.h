/* The parts that all of the API server shares. Made once by server.c, constant afterwards (each part guards
 * itself); inside src/apiserver/ only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct admission;
struct authn;
struct authz;
struct cache;
struct clock;
struct jwt_key;
struct metrics;
struct node_proxy;
struct pki_ca;
struct rand;
struct service_ips;
struct service_ports;
struct sim;
struct store;

struct apiserver {
    struct store *store;
    struct cache *cache;
    struct authn *authn;
    struct authz *authz;
    struct admission *admission;
    struct service_ips
        *service_ips; /* ClusterIPs: the IPAddress objects and what is handed out (alloc_ip.h) */
    struct service_ports *service_ports; /* NodePorts (alloc_port.h) */
    struct jwt_key *token_key;           /* signs service account tokens */
    struct str token_issuer;
    struct node_proxy *node_proxy; /* to kubelets: logs, exec, … */
    struct clock *clock;
    struct rand *rand;
    struct metrics *metrics;
    struct sim *sim; /* NULL outside of a simulation */
};
