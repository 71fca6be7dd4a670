/* The parts that all of the API server shares. Made once by server.c, constant afterwards (each part guards
 * itself); inside src/apiserver/ only.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct admission;
struct authn;
struct authz;
struct cache;
struct clock;
struct front;
struct jwt_signer;
struct metrics;
struct node_proxy;
struct pki_ca;
struct rand;
struct service_ips;
struct service_ports;
struct sim;
struct store;
struct watches;
struct documents;
struct http_server;
struct server_files;

struct apiserver {
    struct store *store;
    struct cache *cache;
    struct authn *authn;
    struct authz *authz;
    struct admission *admission;
    struct service_ips
        *service_ips; /* ClusterIPs: the IPAddress objects and what is handed out (alloc_ip.h) */
    struct service_ports *service_ports; /* NodePorts (alloc_port.h) */
    struct jwt_signer *token_signer;     /* signs service account tokens; NULL: none are made */
    struct str token_issuer;
    struct node_proxy *node_proxy; /* to kubelets: logs, exec, … */
    struct clock *clock;
    struct rand *rand;
    struct metrics *metrics;
    struct sim *sim; /* NULL outside of a simulation */
    struct str cluster_domain;
    /* the doors; NULL without */
    struct http_server *http;
    struct front *front;
    struct watches *watches;
    struct documents *documents;                /* discovery and OpenAPI (documents.h) */
    struct server_files *files;                 /* keys and certificates (server_files.h) */
    struct str advertise_address, external_url; /* "10.0.0.1", https://10.0.0.1:6443 */
    uint16_t port;
    atomic_bool started; /* first objects are there */
    atomic_bool stopping;
};
