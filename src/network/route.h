/* network/route: addresses, routes and neighbours of an interface; over rtnetlink.
 *
 * All of it acts in the network namespace of the socket (netlink.h). Blocking, one thread per socket. What is
 * listed comes as values in an arena of the caller.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/ip.h"
#include "network/link.h"

struct arena;
struct err;
struct netlink;

/* Who made a route, in its protocol field: ours, so that stale ones are found again. */
#define ROUTE_PROTOCOL 0xc5u

/* Adds; fine when it is there. */
int address_add(struct netlink *nl, int index, struct cidr address, struct err *err);
/* Fine when it is not there. */
int address_delete(struct netlink *nl, int index, struct cidr address, struct err *err);

struct address {
    int index;
    uint8_t scope; /* RT_SCOPE_… */
    struct cidr cidr;
};
struct address_list {
    struct address *v;
    size_t n, cap;
};
/* All of a family (4 or 6, 0 for both). */
int address_list(struct netlink *nl, struct arena *a, uint8_t family, struct address_list *ret,
                 struct err *err);

struct route {
    struct cidr to; /* bits 0 and address 0: default */
    struct ip via;  /* family 0: on the link itself */
    int index;
    struct ip source; /* family 0: chosen by the kernel */
    bool onlink;      /* via needs no route of its own */
    uint32_t mtu;     /* 0: the interface's */
};
/* Adds, or replaces what leads to the same network. */
int route_set(struct netlink *nl, const struct route *r, struct err *err);
/* Fine when it is not there. */
int route_delete(struct netlink *nl, const struct route *r, struct err *err);

struct route_list {
    struct route *v;
    size_t n, cap;
};
/* Those with ROUTE_PROTOCOL in the main table. */
int route_list(struct netlink *nl, struct arena *a, uint8_t family, struct route_list *ret, struct err *err);

/* How a packet to the address would go; via has family 0 when the address is on the link (or our own).
 * ERR_NOT_FOUND: there is no way. */
int route_lookup(struct netlink *nl, struct ip to, struct route *ret, struct err *err);

struct neighbour {
    int index;
    struct ip ip; /* the neighbour's; of a forwarding entry where its machine is */
    uint8_t mac[LINK_MAC_BYTES];
    bool forwarding; /* an entry of a VXLAN's forwarding table, not of the ARP cache */
};
/* Permanent entries: adds, or replaces what was. */
int neighbour_set(struct netlink *nl, const struct neighbour *n, struct err *err);
/* Fine when it is not there. */
int neighbour_delete(struct netlink *nl, const struct neighbour *n, struct err *err);

struct neighbour_list {
    struct neighbour *v;
    size_t n, cap;
};
/* The permanent ones of an interface. */
int neighbour_list(struct netlink *nl, struct arena *a, int index, bool forwarding,
                   struct neighbour_list *ret, struct err *err);
