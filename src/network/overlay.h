/* network/overlay: how packets get from the pods of one node to those of another.
 *
 * To a node on a link of ours its podCIDR is a plain route. To others there is a VXLAN interface: the podCIDR
 * is routed to the network's own address on it, whose MAC address follows from the node's IP, and a
 * forwarding entry says which machine has it. Nodes need to tell each other nothing but what Node objects
 * say.
 *
 * overlay_plan is pure. overlay_apply compares the plan with what the kernel has (our routes bear a protocol
 * number, the neighbours lie on our interface) and changes the difference; called again it does nothing, so
 * it is called whenever anything may have changed. Blocking, any one thread; nothing is kept.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/ip.h"
#include "network/link.h"
#include "network/route.h"

struct arena;
struct core_node;
struct err;
struct netlink;

#define OVERLAY_PODS_MAX 2u
#define OVERLAY_VXLAN_NAME "cox-vxlan"
#define OVERLAY_VXLAN_ID 1u
#define OVERLAY_VXLAN_PORT 8472u
#define OVERLAY_VXLAN_BYTES 50u /* what its headers take of a packet between IPv4 nodes */

enum overlay_mode {
    OVERLAY_AUTO,   /* routes where nodes share a link, VXLAN otherwise */
    OVERLAY_DIRECT, /* routes only; the network between the nodes knows the podCIDRs */
    OVERLAY_VXLAN,  /* VXLAN only, for links that drop packets of addresses they do not know */
};

struct overlay_node {
    struct str name;
    struct ip ip;
    struct cidr pods[OVERLAY_PODS_MAX];
    unsigned n_pods;
    int direct; /* the interface on whose link it is; 0: none */
};

struct overlay_config {
    struct str self; /* our node's name */
    enum overlay_mode mode;
    const char *vxlan_name; /* NULL: the default */
    uint32_t vxlan_id;      /* 0: the default */
    uint16_t vxlan_port;    /* 0: the default */
};

/* What a Node object says; false when it has no address or no podCIDR (yet). Borrows. */
bool overlay_node_of(const struct core_node *node, struct overlay_node *ret);

struct overlay_plan {
    struct route_list routes;
    struct neighbour_list neighbours, forwards;
};

/* vxlan: number of the interface, 0: there is none, nodes that are not direct are left out. */
void overlay_plan(struct arena *a, const struct overlay_node *nodes, size_t n, struct str self, int vxlan,
                  struct overlay_plan *ret);

/* Brings the kernel of this network namespace to it. Nodes' `direct` is filled in. When one entry cannot be
 * set, the rest is set all the same; the error is of the first. */
int overlay_apply(struct netlink *nl, const struct overlay_config *c, struct overlay_node *nodes, size_t n,
                  struct err *err);

/* What pods' interfaces may have: that of the interface with this address, less what VXLAN takes. */
int overlay_mtu(struct netlink *nl, struct ip self, enum overlay_mode mode, uint32_t *ret, struct err *err);
