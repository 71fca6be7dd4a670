/* network/link: network interfaces: find, make, change, remove; over rtnetlink.
 *
 * All of it acts in the network namespace of the socket (netlink.h). Blocking, one thread per socket; nothing
 * is kept.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/ip.h"

struct err;
struct netlink;

#define LINK_NAME_MAX 15u
#define LINK_KIND_MAX 15u
#define LINK_MAC_BYTES 6u

struct link {
    int index;
    int master; /* 0: none */
    uint32_t mtu;
    uint32_t flags; /* IFF_… */
    char name[LINK_NAME_MAX + 1];
    char kind[LINK_KIND_MAX + 1]; /* "bridge", "veth", "vxlan"; "" for devices */
    uint8_t mac[LINK_MAC_BYTES];
    /* of vxlan */
    uint32_t vxlan_id;
    uint16_t vxlan_port;
    struct ip vxlan_local;
};

/* ERR_NOT_FOUND when there is none. */
int link_find(struct netlink *nl, const char *name, struct link *ret, struct err *err);
int link_by_index(struct netlink *nl, int index, struct link *ret, struct err *err);

/* Makes a bridge that is up; ERR_EXISTS. */
int link_add_bridge(struct netlink *nl, const char *name, const uint8_t mac[LINK_MAC_BYTES], uint32_t mtu,
                    struct err *err);

struct link_veth {
    const char *name; /* of the end that stays here: up, a port of master */
    int master;
    const char *peer_name;
    int peer_netns_fd; /* the other end is born in there, down */
    uint8_t peer_mac[LINK_MAC_BYTES];
    uint32_t mtu;
};
int link_add_veth(struct netlink *nl, const struct link_veth *v, struct err *err);

struct link_vxlan {
    const char *name;
    uint32_t id;
    uint16_t port;
    struct ip local;
    uint8_t mac[LINK_MAC_BYTES];
    uint32_t mtu;
};
/* Learning is off: whoever makes it fills in the entries. Up. */
int link_add_vxlan(struct netlink *nl, const struct link_vxlan *v, struct err *err);

int link_set_up(struct netlink *nl, int index, struct err *err);
int link_set_mtu(struct netlink *nl, int index, uint32_t mtu, struct err *err);
/* Frames may leave by the port they came in on. */
int link_set_hairpin(struct netlink *nl, int index, struct err *err);

/* Fine when there is none. */
int link_delete(struct netlink *nl, const char *name, struct err *err);

/* A locally administered address that an IP stands for, so that peers need not tell each other. */
void link_mac_of(struct ip ip, uint8_t tag, uint8_t ret[LINK_MAC_BYTES]);

#define LINK_MAC_TEXT 18
void link_mac_format(const uint8_t mac[LINK_MAC_BYTES], char out[LINK_MAC_TEXT]);

/* 1 to 15 bytes without '/', ':' and white space, and neither "." nor "..": what the kernel takes as a name.
 */
bool link_name_ok(struct str name);
