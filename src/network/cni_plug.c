/* See cni_priv.h: the pod's interface in the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "network/cni_priv.h"
#include "network/netlink.h"
#include "network/route.h"

#include <linux/if.h>
#include <linux/netlink.h>

#define MAC_TAG_BRIDGE 0x57
#define MAC_TAG_POD 0x58

struct ip cni_gateway(struct cidr subnet) {
    struct ip ip = cidr_first(subnet);
    (void)ip_add(ip, 1, &ip);
    return ip;
}

void cni_host_name(struct str container, struct str ifname, char ret[LINK_NAME_MAX + 1]) {
    uint64_t h = hash_fnv1a_64(container);
    h = hash_fnv1a_64_add(hash_fnv1a_64_add(h, S("/")), ifname);
    (void)snprintf(ret, LINK_NAME_MAX + 1, "cox%012llx", (unsigned long long)(h >> 16));
}

/* -- namespaces -- */

int cni_netns_open(const char *path, int *ret_fd, struct err *err) {
    _cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "cannot open the network namespace %s", path);
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC)
        return err_set(err, ERR_NOT_FOUND, "%s is no network namespace", path);
    *ret_fd = fd_take(&fd);
    return 0;
}

/* A socket inside of the namespace; the program itself comes back. */
static int open_inside(int netns, struct netlink *ret, struct err *err) {
    _cleanup_fd int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0 || setns(netns, CLONE_NEWNET) < 0)
        return err_errno(err, errno, "cannot enter the pod's network namespace");
    int rc = netlink_open(ret, NETLINK_ROUTE, err);
    if (setns(home, CLONE_NEWNET) < 0)
        panic("cannot leave the pod's network namespace");
    return rc;
}

int cni_plug_exists(int netns, struct str ifname, bool *ret, struct err *err) {
    _cleanup_netlink struct netlink nl = NETLINK_INIT;
    int rc = open_inside(netns, &nl, err);
    if (rc)
        return rc;
    char name[LINK_NAME_MAX + 1] = "";
    memcpy(name, ifname.p, ifname.n);
    struct link l;
    struct err e = ERR_INIT;
    rc = link_find(&nl, name, &l, &e);
    *ret = rc == 0;
    return rc && rc != ERR_NOT_FOUND ? err_set(err, rc, "%s", e.msg) : 0;
}

int cni_loopback_up(int netns, bool only_check, struct err *err) {
    _cleanup_netlink struct netlink nl = NETLINK_INIT;
    struct link l;
    int rc = open_inside(netns, &nl, err);
    if (!rc)
        rc = link_find(&nl, "lo", &l, err);
    if (rc || (l.flags & IFF_UP))
        return rc;
    return only_check ? err_set(err, ERR_CONFLICT, "the pod's loopback interface is down")
                      : link_set_up(&nl, l.index, err);
}

/* -- the node's side -- */

static int set_switch(const char *bridge, const char *name, char value, struct err *err) {
    char path[128];
    if (bridge)
        (void)snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/%s", bridge, name);
    else
        (void)snprintf(path, sizeof path, "/proc/sys/net/%s", name);
    _cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    char now = 0;
    if (fd < 0)
        return err_errno(err, errno, "cannot open %s", path);
    if (read(fd, &now, 1) == 1 && now == value)
        return 0; // also where it cannot be written
    fd_close(&fd);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, &value, 1) == 1 ? 0 : err_errno(err, errno, "cannot set %s", path);
}

/* Pods talk to each other through the node's routing although they are on one link: it must route, and must
 * not tell them of the direct way. */
static int set_switches(const struct cni_config *c, struct err *err) {
    for (unsigned i = 0; i < c->n_subnets; i++) {
        bool v6 = c->subnets[i].ip.family == 6;
        int rc = set_switch(NULL, v6 ? "ipv6/conf/all/forwarding" : "ipv4/ip_forward", '1', err);
        if (rc)
            return rc;
    }
    int rc = set_switch("all", "send_redirects", '0', err);
    if (!rc)
        rc = set_switch(c->bridge, "send_redirects", '0', err);
    if (!rc)
        rc = set_switch(c->bridge, "route_localnet", '1',
                        err); // host ports on 127.0.0.1; hostport.c guards it
    return rc;
}

static int make_bridge(struct netlink *nl, const struct cni_config *c, struct link *ret, struct err *err) {
    uint8_t mac[LINK_MAC_BYTES];
    link_mac_of(cni_gateway(c->subnets[0]), MAC_TAG_BRIDGE, mac);
    int rc = link_add_bridge(nl, c->bridge, mac, c->mtu, err);
    if (rc && rc != ERR_EXISTS) // somebody else was quicker
        return rc;
    return link_find(nl, c->bridge, ret, err);
}

static int ensure_bridge(struct netlink *nl, const struct cni_config *c, struct link *ret, struct err *err) {
    struct err ignored = ERR_INIT;
    int rc = link_find(nl, c->bridge, ret, &ignored);
    if (rc == ERR_NOT_FOUND)
        rc = make_bridge(nl, c, ret, err);
    if (rc)
        return rc;
    if (strcmp(ret->kind, "bridge") != 0)
        return err_set(err, ERR_CONFLICT, "interface %s is there already and is not a bridge", c->bridge);
    if (!(ret->flags & IFF_UP))
        rc = link_set_up(nl, ret->index, err);
    if (!rc && c->mtu && ret->mtu != c->mtu)
        rc = link_set_mtu(nl, ret->index, c->mtu, err);
    for (unsigned i = 0; !rc && i < c->n_subnets; i++)
        rc = address_add(nl, ret->index, (struct cidr){cni_gateway(c->subnets[i]), c->subnets[i].bits}, err);
    return rc ? rc : set_switches(c, err);
}

static int make_veth(struct netlink *nl, struct cni_plug *p, int bridge, struct err *err) {
    char ifname[LINK_NAME_MAX + 1] = "";
    memcpy(ifname, p->attachment->ifname.p, p->attachment->ifname.n);
    struct link_veth v = {.name = p->host_name,
                          .master = bridge,
                          .peer_name = ifname,
                          .peer_netns_fd = p->netns,
                          .mtu = p->config->mtu};
    link_mac_of(p->attachment->ips[0], MAC_TAG_POD, v.peer_mac);
    int rc = link_add_veth(nl, &v, err);
    struct link l;
    if (!rc)
        rc = link_find(nl, p->host_name, &l, err);
    if (!rc)
        rc = link_set_hairpin(nl, l.index, err);
    if (rc)
        return rc;
    memcpy(p->host_mac, l.mac, sizeof l.mac);
    memcpy(p->pod_mac, v.peer_mac, sizeof v.peer_mac);
    return 0;
}

/* -- the pod's side -- */

static struct cidr alone(struct ip ip) {
    return (struct cidr){ip, ip.family == 4 ? 32 : 128};
}

static struct cidr everywhere(uint8_t family) {
    return (struct cidr){.ip = {.family = family}};
}

/* Of IPv6 the gateway is reached by the node's address, too: no router advertisements are needed. */
static int set_routes(struct netlink *nl, const struct cni_plug *p, int index, unsigned i, struct err *err) {
    struct ip gateway = cni_gateway(p->config->subnets[i]);
    struct route link = {.to = alone(gateway), .index = index};
    struct route rest = {.to = everywhere(gateway.family), .via = gateway, .index = index};
    int rc = route_set(nl, &link, err);
    return rc ? rc : route_set(nl, &rest, err);
}

static int set_inside(struct cni_plug *p, struct err *err) {
    _cleanup_netlink struct netlink nl = NETLINK_INIT;
    char ifname[LINK_NAME_MAX + 1] = "";
    memcpy(ifname, p->attachment->ifname.p, p->attachment->ifname.n);
    struct link l, lo;
    int rc = open_inside(p->netns, &nl, err);
    if (!rc)
        rc = link_find(&nl, "lo", &lo, err);
    if (!rc && !(lo.flags & IFF_UP))
        rc = link_set_up(&nl, lo.index, err);
    if (!rc)
        rc = link_find(&nl, ifname, &l, err);
    for (unsigned i = 0; !rc && i < p->attachment->n_ips; i++)
        rc = address_add(&nl, l.index, alone(p->attachment->ips[i]), err);
    if (!rc)
        rc = link_set_up(&nl, l.index, err);
    for (unsigned i = 0; !rc && i < p->attachment->n_ips; i++)
        rc = set_routes(&nl, p, l.index, i, err);
    return rc;
}

int cni_plug_in(struct cni_plug *p, struct err *err) {
    _cleanup_netlink struct netlink nl = NETLINK_INIT;
    struct link bridge;
    int rc = netlink_open(&nl, NETLINK_ROUTE, err);
    if (!rc)
        rc = ensure_bridge(&nl, p->config, &bridge, err);
    if (rc)
        return rc;
    memcpy(p->bridge_mac, bridge.mac, sizeof bridge.mac);
    rc = make_veth(&nl, p, bridge.index, err);
    return rc ? rc : set_inside(p, err);
}

int cni_plug_out(const char *host_name, struct err *err) {
    _cleanup_netlink struct netlink nl = NETLINK_INIT;
    int rc = netlink_open(&nl, NETLINK_ROUTE, err);
    return rc ? rc : link_delete(&nl, host_name, err);
}

/* -- CHECK -- */

static int check_outside(struct cni_plug *p, struct err *err) {
    _cleanup_netlink struct netlink nl = NETLINK_INIT;
    struct link bridge, host;
    int rc = netlink_open(&nl, NETLINK_ROUTE, err);
    if (!rc)
        rc = link_find(&nl, p->config->bridge, &bridge, err);
    if (!rc)
        rc = link_find(&nl, p->host_name, &host, err);
    if (rc)
        return rc;
    if (host.master != bridge.index || !(host.flags & IFF_UP) || !(bridge.flags & IFF_UP))
        return err_set(err, ERR_CONFLICT, "interface %s is down or not a port of %s", p->host_name,
                       p->config->bridge);
    return 0;
}

static int check_address(struct netlink *nl, struct arena *a, int index, struct ip ip, struct err *err) {
    struct address_list list = {.n = 0};
    int rc = address_list(nl, a, ip.family, &list, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < list.n; i++)
        if (list.v[i].index == index && ip_equal(list.v[i].cidr.ip, ip))
            return 0;
    char text[IP_TEXT_MAX];
    (void)ip_format(ip, text);
    return err_set(err, ERR_CONFLICT, "the pod lost its address %s", text);
}

int cni_plug_check(struct cni_plug *p, struct err *err) {
    _cleanup_netlink struct netlink nl = NETLINK_INIT;
    _cleanup_arena struct arena a = ARENA_INIT;
    char ifname[LINK_NAME_MAX + 1] = "";
    memcpy(ifname, p->attachment->ifname.p, p->attachment->ifname.n);
    struct link l;
    int rc = check_outside(p, err);
    if (!rc)
        rc = open_inside(p->netns, &nl, err);
    if (!rc)
        rc = link_find(&nl, ifname, &l, err);
    if (!rc && !(l.flags & IFF_UP))
        rc = err_set(err, ERR_CONFLICT, "the pod's interface %s is down", ifname);
    for (unsigned i = 0; !rc && i < p->attachment->n_ips; i++) {
        struct route way;
        rc = check_address(&nl, &a, l.index, p->attachment->ips[i], err);
        if (!rc)
            rc = route_lookup(&nl, cni_gateway(p->config->subnets[i]), &way, err);
    }
    return rc;
}
