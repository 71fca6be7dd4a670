/* See route.h. */
#include "network/route.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "network/netlink.h"

static uint8_t af_of(uint8_t family) {
    return family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
}

static void put_ip(struct nlmsghdr *h, uint16_t type, struct ip ip) {
    uint8_t bytes[16];
    size_t n = ip_to_bytes(ip, bytes);
    mnl_attr_put(h, type, n, bytes);
}

/* Family 0 when there is none. */
static struct ip attr_ip(const struct nlattr *a) {
    size_t n = a ? mnl_attr_get_payload_len(a) : 0;
    return n == 4 || n == 16 ? ip_from_bytes(mnl_attr_get_payload(a), n) : (struct ip){.family = 0};
}

static int attr_index(const struct nlattr *a) {
    return a && mnl_attr_get_payload_len(a) == sizeof(uint32_t) ? (int)mnl_attr_get_u32(a) : 0;
}

static void text_of(struct cidr c, char out[CIDR_TEXT_MAX]) {
    (void)cidr_format(c, out);
}

/* -- addresses -- */

static struct nlmsghdr *address_begin(struct netlink *nl, uint16_t type, uint16_t flags, int index,
                                      struct cidr address) {
    struct nlmsghdr *h = netlink_begin(nl, type, flags);
    struct ifaddrmsg *m = netlink_extra(h, sizeof *m);
    m->ifa_family = af_of(address.ip.family);
    m->ifa_prefixlen = address.bits;
    m->ifa_index = (uint32_t)index;
    if (address.ip.family == 6)
        m->ifa_flags = IFA_F_NODAD; // its owner gave it to nobody else: usable at once
    put_ip(h, IFA_LOCAL, address.ip);
    put_ip(h, IFA_ADDRESS, address.ip);
    return h;
}

int address_add(struct netlink *nl, int index, struct cidr address, struct err *err) {
    struct nlmsghdr *h = address_begin(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, address);
    int rc = netlink_call(nl, h, NULL, NULL, err);
    if (!rc || rc == ERR_EXISTS)
        return 0;
    char text[CIDR_TEXT_MAX];
    text_of(address, text);
    return err_wrap(err, "cannot add address %s", text), rc;
}

int address_delete(struct netlink *nl, int index, struct cidr address, struct err *err) {
    struct nlmsghdr *h = address_begin(nl, RTM_DELADDR, 0, index, address);
    int rc = netlink_call(nl, h, NULL, NULL, err);
    if (!rc || rc == ERR_NOT_FOUND)
        return 0;
    char text[CIDR_TEXT_MAX];
    text_of(address, text);
    return err_wrap(err, "cannot remove address %s", text), rc;
}

struct listing {
    struct arena *arena;
    union {
        struct address_list *addresses;
        struct route_list *routes;
        struct neighbour_list *neighbours;
    };
    int index;
    bool forwarding;
};

static void list_address(const struct nlmsghdr *h, void *arg) {
    if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifaddrmsg)))
        return;
    const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *a[IFA_LOCAL + 1];
    netlink_attrs(h, sizeof *m, a, IFA_LOCAL);
    struct ip ip = attr_ip(a[IFA_LOCAL] ? a[IFA_LOCAL] : a[IFA_ADDRESS]);
    struct listing *l = arg;
    if (ip.family)
        vec_push_in(l->arena, l->addresses,
                    ((struct address){.index = (int)m->ifa_index,
                                      .scope = m->ifa_scope,
                                      .cidr = {.ip = ip, .bits = m->ifa_prefixlen}}));
}

int address_list(struct netlink *nl, struct arena *a, uint8_t family, struct address_list *ret,
                 struct err *err) {
    struct nlmsghdr *h = netlink_begin(nl, RTM_GETADDR, NLM_F_DUMP);
    struct ifaddrmsg *m = netlink_extra(h, sizeof *m);
    m->ifa_family = af_of(family);
    return netlink_call(nl, h, list_address, &(struct listing){.arena = a, .addresses = ret}, err);
}

/* -- routes -- */

static struct nlmsghdr *route_begin(struct netlink *nl, uint16_t type, uint16_t flags,
                                    const struct route *r) {
    struct nlmsghdr *h = netlink_begin(nl, type, flags);
    struct rtmsg *m = netlink_extra(h, sizeof *m);
    m->rtm_family = af_of(r->to.ip.family);
    m->rtm_dst_len = r->to.bits;
    m->rtm_table = RT_TABLE_MAIN;
    m->rtm_protocol = ROUTE_PROTOCOL;
    m->rtm_type = RTN_UNICAST;
    m->rtm_scope = r->via.family || r->to.ip.family == 6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    if (r->onlink)
        m->rtm_flags |= RTNH_F_ONLINK;
    if (r->to.bits)
        put_ip(h, RTA_DST, r->to.ip);
    if (r->via.family)
        put_ip(h, RTA_GATEWAY, r->via);
    if (r->index)
        mnl_attr_put_u32(h, RTA_OIF, (uint32_t)r->index);
    if (r->source.family)
        put_ip(h, RTA_PREFSRC, r->source);
    if (r->mtu) {
        struct nlattr *nest = mnl_attr_nest_start(h, RTA_METRICS);
        mnl_attr_put_u32(h, RTAX_MTU, r->mtu);
        mnl_attr_nest_end(h, nest);
    }
    return h;
}

int route_set(struct netlink *nl, const struct route *r, struct err *err) {
    struct nlmsghdr *h = route_begin(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r);
    int rc = netlink_call(nl, h, NULL, NULL, err);
    if (!rc)
        return 0;
    char text[CIDR_TEXT_MAX];
    text_of(r->to, text);
    return err_wrap(err, "cannot set the route to %s", text), rc;
}

int route_delete(struct netlink *nl, const struct route *r, struct err *err) {
    struct nlmsghdr *h = route_begin(nl, RTM_DELROUTE, 0, r);
    int rc = netlink_call(nl, h, NULL, NULL, err);
    if (!rc || rc == ERR_NOT_FOUND)
        return 0;
    char text[CIDR_TEXT_MAX];
    text_of(r->to, text);
    return err_wrap(err, "cannot remove the route to %s", text), rc;
}

static bool read_route(const struct nlmsghdr *h, struct route *ret, struct rtmsg *ret_head) {
    if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtmsg)))
        return false;
    const struct rtmsg *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *a[RTA_METRICS + 1];
    netlink_attrs(h, sizeof *m, a, RTA_METRICS);
    *ret_head = *m;
    *ret = (struct route){.via = attr_ip(a[RTA_GATEWAY]),
                          .index = attr_index(a[RTA_OIF]),
                          .source = attr_ip(a[RTA_PREFSRC]),
                          .onlink = (m->rtm_flags & RTNH_F_ONLINK) != 0};
    ret->to = (struct cidr){.ip = attr_ip(a[RTA_DST]), .bits = m->rtm_dst_len};
    if (!ret->to.ip.family)
        ret->to.ip.family = m->rtm_family == AF_INET ? 4 : 6;
    if (a[RTA_METRICS]) {
        const struct nlattr *v[RTAX_MTU + 1];
        netlink_nested(a[RTA_METRICS], v, RTAX_MTU);
        ret->mtu = (uint32_t)attr_index(v[RTAX_MTU]);
    }
    return true;
}

static void list_route(const struct nlmsghdr *h, void *arg) {
    struct listing *l = arg;
    struct route r;
    struct rtmsg m;
    if (read_route(h, &r, &m) && m.rtm_protocol == ROUTE_PROTOCOL && m.rtm_table == RT_TABLE_MAIN)
        vec_push_in(l->arena, l->routes, r);
}

int route_list(struct netlink *nl, struct arena *a, uint8_t family, struct route_list *ret, struct err *err) {
    struct nlmsghdr *h = netlink_begin(nl, RTM_GETROUTE, NLM_F_DUMP);
    struct rtmsg *m = netlink_extra(h, sizeof *m);
    m->rtm_family = af_of(family);
    return netlink_call(nl, h, list_route, &(struct listing){.arena = a, .routes = ret}, err);
}

static void take_route(const struct nlmsghdr *h, void *arg) {
    struct rtmsg m;
    (void)read_route(h, arg, &m);
}

int route_lookup(struct netlink *nl, struct ip to, struct route *ret, struct err *err) {
    struct nlmsghdr *h = netlink_begin(nl, RTM_GETROUTE, 0);
    struct rtmsg *m = netlink_extra(h, sizeof *m);
    m->rtm_family = af_of(to.family);
    m->rtm_dst_len = to.family == 4 ? 32 : 128;
    put_ip(h, RTA_DST, to);
    struct route r = {.index = 0};
    int rc = netlink_call(nl, h, take_route, &r, err);
    if (rc)
        return rc == ERR_IO ? err_set(err, ERR_NOT_FOUND, "there is no route to it") : rc;
    if (!r.index)
        return err_set(err, ERR_NOT_FOUND, "there is no route to it");
    *ret = r;
    return 0;
}

/* -- neighbours -- */

static struct nlmsghdr *neighbour_begin(struct netlink *nl, uint16_t type, uint16_t flags,
                                        const struct neighbour *n) {
    struct nlmsghdr *h = netlink_begin(nl, type, flags);
    struct ndmsg *m = netlink_extra(h, sizeof *m);
    m->ndm_family = n->forwarding ? AF_BRIDGE : af_of(n->ip.family);
    m->ndm_ifindex = n->index;
    m->ndm_state = NUD_PERMANENT;
    if (n->forwarding)
        m->ndm_flags = NTF_SELF;
    put_ip(h, NDA_DST, n->ip);
    mnl_attr_put(h, NDA_LLADDR, LINK_MAC_BYTES, n->mac);
    return h;
}

int neighbour_set(struct netlink *nl, const struct neighbour *n, struct err *err) {
    struct nlmsghdr *h = neighbour_begin(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, n);
    int rc = netlink_call(nl, h, NULL, NULL, err);
    return rc ? (err_wrap(err, "cannot set a neighbour"), rc) : 0;
}

int neighbour_delete(struct netlink *nl, const struct neighbour *n, struct err *err) {
    struct nlmsghdr *h = neighbour_begin(nl, RTM_DELNEIGH, 0, n);
    int rc = netlink_call(nl, h, NULL, NULL, err);
    return rc && rc != ERR_NOT_FOUND ? (err_wrap(err, "cannot remove a neighbour"), rc) : 0;
}

static void list_neighbour(const struct nlmsghdr *h, void *arg) {
    if (h->nlmsg_type != RTM_NEWNEIGH || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct ndmsg)))
        return;
    const struct ndmsg *m = mnl_nlmsg_get_payload(h);
    struct listing *l = arg;
    const struct nlattr *a[NDA_LLADDR + 1];
    netlink_attrs(h, sizeof *m, a, NDA_LLADDR);
    struct neighbour n = {.index = m->ndm_ifindex, .ip = attr_ip(a[NDA_DST]), .forwarding = l->forwarding};
    if (m->ndm_ifindex != l->index || !(m->ndm_state & NUD_PERMANENT) || !n.ip.family || !a[NDA_LLADDR] ||
        mnl_attr_get_payload_len(a[NDA_LLADDR]) != LINK_MAC_BYTES)
        return;
    memcpy(n.mac, mnl_attr_get_payload(a[NDA_LLADDR]), LINK_MAC_BYTES);
    vec_push_in(l->arena, l->neighbours, n);
}

int neighbour_list(struct netlink *nl, struct arena *a, int index, bool forwarding,
                   struct neighbour_list *ret, struct err *err) {
    struct nlmsghdr *h = netlink_begin(nl, RTM_GETNEIGH, NLM_F_DUMP);
    struct ndmsg *m = netlink_extra(h, sizeof *m);
    m->ndm_family = forwarding ? AF_BRIDGE : AF_INET;
    m->ndm_ifindex = index;
    struct listing l = {.arena = a, .neighbours = ret, .index = index, .forwarding = forwarding};
    if (forwarding) { // a bridge's entries are asked for by the index inside an attribute in some kernels
        m->ndm_ifindex = 0;
        m->ndm_flags = 0;
    }
    return netlink_call(nl, h, list_neighbour, &l, err);
}
