/* See link.h. */
#include "network/link.h"

#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "network/netlink.h"

/* -- reading -- */

static void copy_text(char *out, size_t size, const struct nlattr *a) {
    size_t n = mnl_attr_get_payload_len(a);
    n = n < size - 1 ? n : size - 1;
    memcpy(out, mnl_attr_get_payload(a), n);
    out[n] = '\0';
}

static uint32_t attr_u32(const struct nlattr *a) {
    return a && mnl_attr_get_payload_len(a) == sizeof(uint32_t) ? mnl_attr_get_u32(a) : 0;
}

static void read_vxlan(const struct nlattr *data, struct link *l) {
    const struct nlattr *v[IFLA_VXLAN_LOCAL6 + 1];
    netlink_nested(data, v, IFLA_VXLAN_LOCAL6);
    l->vxlan_id = attr_u32(v[IFLA_VXLAN_ID]);
    if (v[IFLA_VXLAN_PORT] && mnl_attr_get_payload_len(v[IFLA_VXLAN_PORT]) == 2)
        l->vxlan_port = __builtin_bswap16(mnl_attr_get_u16(v[IFLA_VXLAN_PORT]));
    const struct nlattr *local = v[IFLA_VXLAN_LOCAL] ? v[IFLA_VXLAN_LOCAL] : v[IFLA_VXLAN_LOCAL6];
    size_t n = local ? mnl_attr_get_payload_len(local) : 0;
    if (n == 4 || n == 16)
        l->vxlan_local = ip_from_bytes(mnl_attr_get_payload(local), n);
}

static void read_info(const struct nlattr *nest, struct link *l) {
    const struct nlattr *info[IFLA_INFO_DATA + 1];
    netlink_nested(nest, info, IFLA_INFO_DATA);
    if (info[IFLA_INFO_KIND])
        copy_text(l->kind, sizeof l->kind, info[IFLA_INFO_KIND]);
    if (info[IFLA_INFO_DATA] && strcmp(l->kind, "vxlan") == 0)
        read_vxlan(info[IFLA_INFO_DATA], l);
}

static void read_link(const struct nlmsghdr *h, void *arg) {
    if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg)))
        return;
    const struct ifinfomsg *i = mnl_nlmsg_get_payload(h);
    const struct nlattr *a[IFLA_LINKINFO + 1];
    netlink_attrs(h, sizeof *i, a, IFLA_LINKINFO);
    struct link *l = arg;
    *l = (struct link){.index = i->ifi_index, .flags = i->ifi_flags};
    l->master = (int)attr_u32(a[IFLA_MASTER]);
    l->mtu = attr_u32(a[IFLA_MTU]);
    if (a[IFLA_IFNAME])
        copy_text(l->name, sizeof l->name, a[IFLA_IFNAME]);
    if (a[IFLA_ADDRESS] && mnl_attr_get_payload_len(a[IFLA_ADDRESS]) == LINK_MAC_BYTES)
        memcpy(l->mac, mnl_attr_get_payload(a[IFLA_ADDRESS]), LINK_MAC_BYTES);
    if (a[IFLA_LINKINFO])
        read_info(a[IFLA_LINKINFO], l);
}

static struct nlmsghdr *link_begin(struct netlink *nl, uint16_t type, uint16_t flags, int index) {
    struct nlmsghdr *h = netlink_begin(nl, type, flags);
    struct ifinfomsg *i = netlink_extra(h, sizeof *i);
    i->ifi_family = AF_UNSPEC;
    i->ifi_index = index;
    return h;
}

static int get(struct netlink *nl, const struct nlmsghdr *h, struct link *ret, struct err *err) {
    struct link l = {.index = 0};
    int rc = netlink_call(nl, h, read_link, &l, err);
    if (rc)
        return rc;
    if (!l.index)
        return err_set(err, ERR_NOT_FOUND, "no such interface");
    *ret = l;
    return 0;
}

int link_find(struct netlink *nl, const char *name, struct link *ret, struct err *err) {
    struct nlmsghdr *h = link_begin(nl, RTM_GETLINK, 0, 0);
    mnl_attr_put_strz(h, IFLA_IFNAME, name);
    int rc = get(nl, h, ret, err);
    return rc ? (err_wrap(err, "interface %s", name), rc) : 0;
}

int link_by_index(struct netlink *nl, int index, struct link *ret, struct err *err) {
    int rc = get(nl, link_begin(nl, RTM_GETLINK, 0, index), ret, err);
    return rc ? (err_wrap(err, "interface number %d", index), rc) : 0;
}

/* -- making -- */

#define MAKE (NLM_F_CREATE | NLM_F_EXCL)

static struct nlmsghdr *make_begin(struct netlink *nl, const char *name, const uint8_t *mac, uint32_t mtu) {
    struct nlmsghdr *h = link_begin(nl, RTM_NEWLINK, MAKE, 0);
    struct ifinfomsg *i = mnl_nlmsg_get_payload(h);
    i->ifi_flags = i->ifi_change = IFF_UP;
    mnl_attr_put_strz(h, IFLA_IFNAME, name);
    if (mac)
        mnl_attr_put(h, IFLA_ADDRESS, LINK_MAC_BYTES, mac);
    if (mtu)
        mnl_attr_put_u32(h, IFLA_MTU, mtu);
    return h;
}

static int finish(struct netlink *nl, const struct nlmsghdr *h, const char *what, const char *name,
                  struct err *err) {
    int rc = netlink_call(nl, h, NULL, NULL, err);
    return rc ? (err_wrap(err, "%s %s", what, name), rc) : 0;
}

int link_add_bridge(struct netlink *nl, const char *name, const uint8_t mac[LINK_MAC_BYTES], uint32_t mtu,
                    struct err *err) {
    struct nlmsghdr *h = make_begin(nl, name, mac, mtu);
    struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO);
    mnl_attr_put_strz(h, IFLA_INFO_KIND, "bridge");
    mnl_attr_nest_end(h, info);
    return finish(nl, h, "cannot make bridge", name, err);
}

static void put_peer(struct nlmsghdr *h, const struct link_veth *v) {
    struct nlattr *peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
    struct ifinfomsg *i = netlink_extra(h, sizeof *i);
    i->ifi_family = AF_UNSPEC;
    mnl_attr_put_strz(h, IFLA_IFNAME, v->peer_name);
    mnl_attr_put_u32(h, IFLA_NET_NS_FD, (uint32_t)v->peer_netns_fd);
    mnl_attr_put(h, IFLA_ADDRESS, LINK_MAC_BYTES, v->peer_mac);
    if (v->mtu)
        mnl_attr_put_u32(h, IFLA_MTU, v->mtu);
    mnl_attr_nest_end(h, peer);
}

int link_add_veth(struct netlink *nl, const struct link_veth *v, struct err *err) {
    struct nlmsghdr *h = make_begin(nl, v->name, NULL, v->mtu);
    mnl_attr_put_u32(h, IFLA_MASTER, (uint32_t)v->master);
    struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO);
    mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
    struct nlattr *data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
    put_peer(h, v);
    mnl_attr_nest_end(h, data);
    mnl_attr_nest_end(h, info);
    return finish(nl, h, "cannot make interface", v->name, err);
}

int link_add_vxlan(struct netlink *nl, const struct link_vxlan *v, struct err *err) {
    struct nlmsghdr *h = make_begin(nl, v->name, v->mac, v->mtu);
    struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO);
    mnl_attr_put_strz(h, IFLA_INFO_KIND, "vxlan");
    struct nlattr *data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
    mnl_attr_put_u32(h, IFLA_VXLAN_ID, v->id);
    mnl_attr_put_u16(h, IFLA_VXLAN_PORT, __builtin_bswap16(v->port));
    uint8_t bytes[16];
    size_t n = ip_to_bytes(v->local, bytes);
    mnl_attr_put(h, n == 4 ? IFLA_VXLAN_LOCAL : IFLA_VXLAN_LOCAL6, n, bytes);
    mnl_attr_put_u8(h, IFLA_VXLAN_LEARNING, 0);
    mnl_attr_nest_end(h, data);
    mnl_attr_nest_end(h, info);
    return finish(nl, h, "cannot make VXLAN interface", v->name, err);
}

/* -- changing -- */

int link_set_up(struct netlink *nl, int index, struct err *err) {
    struct nlmsghdr *h = link_begin(nl, RTM_NEWLINK, 0, index);
    struct ifinfomsg *i = mnl_nlmsg_get_payload(h);
    i->ifi_flags = i->ifi_change = IFF_UP;
    return finish(nl, h, "cannot bring up", "interface", err);
}

int link_set_mtu(struct netlink *nl, int index, uint32_t mtu, struct err *err) {
    struct nlmsghdr *h = link_begin(nl, RTM_NEWLINK, 0, index);
    mnl_attr_put_u32(h, IFLA_MTU, mtu);
    return finish(nl, h, "cannot set the MTU of", "interface", err);
}

int link_set_hairpin(struct netlink *nl, int index, struct err *err) {
    struct nlmsghdr *h = link_begin(nl, RTM_SETLINK, 0, index);
    ((struct ifinfomsg *)mnl_nlmsg_get_payload(h))->ifi_family = AF_BRIDGE;
    struct nlattr *port = mnl_attr_nest_start(h, IFLA_PROTINFO);
    mnl_attr_put_u8(h, IFLA_BRPORT_MODE, 1);
    mnl_attr_nest_end(h, port);
    return finish(nl, h, "cannot set hairpin mode of", "bridge port", err);
}

int link_delete(struct netlink *nl, const char *name, struct err *err) {
    struct nlmsghdr *h = link_begin(nl, RTM_DELLINK, 0, 0);
    mnl_attr_put_strz(h, IFLA_IFNAME, name);
    int rc = netlink_call(nl, h, NULL, NULL, err);
    return rc == ERR_NOT_FOUND ? 0 : rc ? (err_wrap(err, "cannot remove interface %s", name), rc) : 0;
}

/* -- texts -- */

void link_mac_of(struct ip ip, uint8_t tag, uint8_t ret[LINK_MAC_BYTES]) {
    ret[0] = 0x0a; // locally administered, one receiver
    ret[1] = tag;
    for (unsigned i = 0; i < 4; i++)
        ret[2 + i] = (uint8_t)(ip.lo >> (24 - 8 * i));
}

void link_mac_format(const uint8_t mac[LINK_MAC_BYTES], char out[LINK_MAC_TEXT]) {
    (void)snprintf(out, LINK_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                   mac[4], mac[5]);
}

bool link_name_ok(struct str name) {
    if (name.n == 0 || name.n > LINK_NAME_MAX || str_eq(name, S(".")) || str_eq(name, S("..")))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c <= ' ' || c >= 0x7f || c == '/' || c == ':')
            return false;
    }
    return true;
}
