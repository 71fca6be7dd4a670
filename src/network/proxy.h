/* network/proxy: services: which packets go to which endpoints.
 *
 * The kernel's side is one nftables table per IP family with a constant number of rules. Everything that
 * differs between services is elements of maps: address . protocol . port → how to choose, address . protocol
 * . port . number → endpoint. How to choose (from how many, with affinity) is a class, which has one small
 * chain, shared by all services of that class. So a packet costs the same whatever the number of services,
 * and a change of a service is a few elements in one transaction. docs/decisions tells why.
 *
 * This half is pure: Service and EndpointSlice objects go in, a plan (the difference to what the last plan
 * left) comes out. proxy_apply.h brings plans to the kernel. One thread; objects are shared and kept by
 * reference.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/ip.h"
#include "base/arena.h"
#include "base/str.h"

struct buf;
struct object;
struct proxy;

struct proxy_config {
    struct str node, zone;   /* whose endpoints are local; zone "": not known. Copied */
    const struct cidr *pods; /* of the whole cluster: senders that are no strangers. Copied, as all lists */
    unsigned n_pods;
    const struct cidr *node_pods; /* of this node: get the node's address when they leave the cluster */
    unsigned n_node_pods;
    const struct cidr *services; /* addresses that never leave the machine */
    unsigned n_services;
    const struct ip
        *local; /* service addresses that this machine answers itself while they have no endpoints */
    unsigned n_local;
};

struct proxy *proxy_new(const struct proxy_config *config);
void proxy_free(struct proxy *p);

/* Objects as they are now; references are taken. */
void proxy_put_service(struct proxy *p, const struct object *service);
void proxy_remove_service(struct proxy *p, struct str ns, struct str name);
void proxy_put_slice(struct proxy *p, const struct object *slice);
void proxy_remove_slice(struct proxy *p, struct str ns, struct str name);
/* Hints of slices are about it. */
void proxy_set_zone(struct proxy *p, struct str zone);
/* config.node_pods, which is known late. Whether it changed: then only a full plan is right. */
bool proxy_set_node_pods(struct proxy *p, const struct cidr *v, unsigned n);

/* Whether the next plan may have something to do. */
bool proxy_dirty(const struct proxy *p);
size_t proxy_service_count(const struct proxy *p);

/* -- plans -- */

/* Frontends are address . protocol . port, or protocol . port on any address of the node. */
enum proxy_set {
    PROXY_SERVICES,   /* frontend → chain of a class */
    PROXY_EXTERNAL,   /* the same for senders outside of the cluster, where it differs */
    PROXY_NODE_PORTS, /* the same two for ports of the node */
    PROXY_NODE_PORTS_EXTERNAL,
    PROXY_STICKY, /* frontend → how long clients are remembered */
    PROXY_STICKY_NODE_PORTS,
    PROXY_ENDPOINTS, /* frontend . number → address . port, one map for each of the first four */
    PROXY_ENDPOINTS_EXTERNAL,
    PROXY_ENDPOINTS_NODE_PORTS,
    PROXY_ENDPOINTS_NODE_PORTS_EXTERNAL,
    PROXY_REFUSED, /* frontend → reject or drop, one map for each of the first four */
    PROXY_REFUSED_EXTERNAL,
    PROXY_REFUSED_NODE_PORTS,
    PROXY_REFUSED_NODE_PORTS_EXTERNAL,
    PROXY_MASQUERADE, /* frontends whose senders always get the node's address */
    PROXY_MASQUERADE_NODE_PORTS,
    PROXY_CLUSTER_IPS,
    PROXY_HAIRPIN,    /* address . address of endpoints on this node */
    PROXY_FIREWALLED, /* frontends with source ranges */
    PROXY_ALLOWED,    /* frontend . source range */
    PROXY_SETS,
};

/* One element; bytes are as the kernel wants them, but for data that is a verdict: a class, or for refusals
 * one number, 1 for silence. */
struct proxy_element {
    uint8_t family; /* 4, 6 */
    uint8_t set;    /* enum proxy_set */
    uint8_t key_bytes, data_bytes;
    bool has_end; /* an end of the key, as long as the key, lies behind the data */
    const uint8_t *bytes;
};

/* How a service chooses, and of PROXY_STICKY how long clients are remembered. */
struct proxy_class {
    uint8_t family;
    uint8_t set;        /* up to PROXY_STICKY_NODE_PORTS; of the sticky ones the first stands for both */
    uint32_t endpoints; /* from how many */
    uint32_t seconds;   /* of affinity; 0: none */
    uint32_t refs;      /* elements that lead here */
    bool programmed;
};
/* What is in an element of the sets up to PROXY_STICKY_NODE_PORTS. */
struct proxy_class proxy_element_class(const struct proxy_element *e);
#define PROXY_CHAIN_NAME 48
void proxy_class_name(const struct proxy_class *c, char out[PROXY_CHAIN_NAME]);

/* What the kernel remembers and must forget: flows of UDP, and clients that stick to an endpoint. */
struct proxy_stale {
    uint8_t protocol;
    struct ip frontend; /* family 0: any */
    uint16_t port;      /* that senders used */
    struct ip endpoint; /* family 0: flows that were not sent to any endpoint */
    uint16_t endpoint_port;
};

struct proxy_plan {
    struct arena arena;
    bool full; /* not a difference: the whole table */
    struct {
        struct proxy_element *v;
        size_t n, cap;
    } remove, add;
    struct {
        struct proxy_class *v; /* copies */
        size_t n, cap;
    } chains_add, chains_remove;
    struct {
        struct proxy_stale *v;
        size_t n, cap;
    } flows, clients;
};
#define PROXY_PLAN_INIT                                                                                      \
    { .arena = ARENA_INIT }
void proxy_plan_fini(struct proxy_plan *plan);
#define _cleanup_proxy_plan __attribute__((cleanup(proxy_plan_fini)))

/* The difference to the last plan. The caller brings it to the kernel; when that fails, he asks for the full
 * one. */
void proxy_plan_next(struct proxy *p, struct proxy_plan *ret);
/* All there is, whatever was planned before. */
void proxy_plan_full(struct proxy *p, struct proxy_plan *ret);
bool proxy_plan_empty(const struct proxy_plan *plan);

/* As text, one line per change, for tests and logs. */
void proxy_plan_print(const struct proxy_plan *plan, struct buf *out);

const struct proxy_config *proxy_config(const struct proxy *p);

/* -- health checks of load balancers -- */

struct proxy_health {
    uint16_t port;
    struct str ns, name; /* borrowed until the next change */
    unsigned local;      /* ready endpoints on this node */
};
/* Services with a health check port; returns how many, at most max are filled in. */
size_t proxy_health(const struct proxy *p, struct proxy_health *ret, size_t max);
