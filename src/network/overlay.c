/* See overlay.h. */
#include "network/overlay.h"

#include <string.h>

#include "api/types/core.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "network/netlink.h"

#include <linux/if.h>

#define MAC_TAG_NODE 0x59

/* -- the plan -- */

static bool node_ip(const struct core_node *node, struct ip *ret) {
    for (uint32_t i = 0; i < node->status.addresses.n; i++) {
        const struct core_node_address *a = &node->status.addresses.v[i];
        if (str_eq(a->type, S("InternalIP")) && ip_parse(a->address, IP_LEGACY, ret))
            return true;
    }
    return false;
}

bool overlay_node_of(const struct core_node *node, struct overlay_node *ret) {
    struct overlay_node n = {.name = node->metadata.name};
    const struct str *cidrs = node->spec.pod_cidrs.n ? node->spec.pod_cidrs.v : &node->spec.pod_cidr;
    uint32_t count = node->spec.pod_cidrs.n ? node->spec.pod_cidrs.n : 1;
    for (uint32_t i = 0; i < count && n.n_pods < OVERLAY_PODS_MAX; i++)
        if (cidr_parse(cidrs[i], IP_LEGACY, &n.pods[n.n_pods]))
            n.n_pods++;
    if (!n.n_pods || !node_ip(node, &n.ip))
        return false;
    *ret = n;
    return true;
}

static void plan_vxlan(struct arena *a, const struct overlay_node *n, struct cidr pods, int vxlan,
                       struct overlay_plan *ret) {
    struct neighbour to = {.index = vxlan, .ip = cidr_first(pods)};
    link_mac_of(n->ip, MAC_TAG_NODE, to.mac);
    struct route r = {.to = pods, .via = to.ip, .index = vxlan, .onlink = true};
    vec_push_in(a, &ret->routes, r);
    vec_push_in(a, &ret->neighbours, to);
}

static void plan_node(struct arena *a, const struct overlay_node *n, int vxlan, struct overlay_plan *ret) {
    bool through = false;
    for (unsigned i = 0; i < n->n_pods; i++) {
        if (n->direct && n->pods[i].ip.family == n->ip.family) {
            struct route r = {.to = n->pods[i], .via = n->ip, .index = n->direct};
            vec_push_in(a, &ret->routes, r);
        } else if (vxlan) {
            plan_vxlan(a, n, n->pods[i], vxlan, ret);
            through = true;
        }
    }
    if (!through)
        return;
    struct neighbour f = {.index = vxlan, .ip = n->ip, .forwarding = true};
    link_mac_of(n->ip, MAC_TAG_NODE, f.mac);
    vec_push_in(a, &ret->forwards, f);
}

void overlay_plan(struct arena *a, const struct overlay_node *nodes, size_t n, struct str self, int vxlan,
                  struct overlay_plan *ret) {
    *ret = (struct overlay_plan){.routes = {.n = 0}};
    for (size_t i = 0; i < n; i++)
        if (!str_eq(nodes[i].name, self))
            plan_node(a, &nodes[i], vxlan, ret);
}

/* -- differences -- */

static bool same_route(const struct route *a, const struct route *b) {
    return cidr_cmp(a->to, b->to) == 0 && ip_equal(a->via, b->via) && a->index == b->index;
}

static bool same_neighbour(const struct neighbour *a, const struct neighbour *b) {
    return a->index == b->index && ip_equal(a->ip, b->ip) && memcmp(a->mac, b->mac, sizeof a->mac) == 0;
}

static bool has_route(const struct route_list *l, const struct route *r) {
    vec_foreach (x, l)
        if (same_route(x, r))
            return true;
    return false;
}

static bool has_destination(const struct route_list *l, const struct route *r) {
    vec_foreach (x, l)
        if (cidr_cmp(x->to, r->to) == 0)
            return true;
    return false;
}

static bool has_neighbour(const struct neighbour_list *l, const struct neighbour *n) {
    vec_foreach (x, l)
        if (same_neighbour(x, n))
            return true;
    return false;
}

/* The first failure is kept; what can be done is done. */
static void note(int rc, const struct err *e, int *first, struct err *err) {
    if (!rc || *first)
        return;
    *first = rc;
    if (err)
        *err = *e;
}

static void sync_neighbours(struct netlink *nl, const struct neighbour_list *have,
                            const struct neighbour_list *want, int *first, struct err *err) {
    struct err e = ERR_INIT;
    vec_foreach (n, have)
        if (!has_neighbour(want, n))
            note(neighbour_delete(nl, n, &e), &e, first, err);
    vec_foreach (n, want)
        if (!has_neighbour(have, n))
            note(neighbour_set(nl, n, &e), &e, first, err);
}

/* New routes first: one that leads elsewhere now is replaced without a gap. */
static void sync_routes(struct netlink *nl, const struct route_list *have, const struct route_list *want,
                        int *first, struct err *err) {
    struct err e = ERR_INIT;
    vec_foreach (r, want)
        if (!has_route(have, r))
            note(route_set(nl, r, &e), &e, first, err);
    vec_foreach (r, have)
        if (!has_destination(want, r))
            note(route_delete(nl, r, &e), &e, first, err);
}

/* -- the kernel -- */

/* The interface that has the address. */
static int uplink_of(struct netlink *nl, struct ip self, struct link *ret, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct address_list list = {.n = 0};
    int rc = address_list(nl, &a, self.family, &list, err);
    for (size_t i = 0; !rc && i < list.n; i++)
        if (ip_equal(list.v[i].cidr.ip, self))
            return link_by_index(nl, list.v[i].index, ret, err);
    char text[IP_TEXT_MAX];
    (void)ip_format(self, text);
    return rc ? rc
              : err_set(err, ERR_NOT_FOUND, "no interface of this machine has the node's address %s", text);
}

int overlay_mtu(struct netlink *nl, struct ip self, enum overlay_mode mode, uint32_t *ret, struct err *err) {
    struct link l;
    int rc = uplink_of(nl, self, &l, err);
    if (rc)
        return rc;
    uint32_t less = mode == OVERLAY_DIRECT ? 0 : OVERLAY_VXLAN_BYTES + (self.family == 6 ? 20 : 0);
    *ret = (l.mtu > 65535 ? 65535 : l.mtu) - less;
    return 0;
}

static const char *vxlan_name(const struct overlay_config *c) {
    return c->vxlan_name ? c->vxlan_name : OVERLAY_VXLAN_NAME;
}

static bool vxlan_fits(const struct link *l, const struct link_vxlan *v) {
    return strcmp(l->kind, "vxlan") == 0 && l->vxlan_id == v->id && l->vxlan_port == v->port &&
           ip_equal(l->vxlan_local, v->local) && memcmp(l->mac, v->mac, sizeof l->mac) == 0;
}

/* Makes it, or makes it anew when it is another than it should be. */
static int ensure_vxlan(struct netlink *nl, const struct overlay_config *c, const struct overlay_node *self,
                        struct link *ret, struct err *err) {
    struct link_vxlan v = {.name = vxlan_name(c),
                           .id = c->vxlan_id ? c->vxlan_id : OVERLAY_VXLAN_ID,
                           .port = c->vxlan_port ? c->vxlan_port : OVERLAY_VXLAN_PORT,
                           .local = self->ip};
    link_mac_of(self->ip, MAC_TAG_NODE, v.mac);
    int rc = overlay_mtu(nl, self->ip, OVERLAY_VXLAN, &v.mtu, err);
    if (rc)
        return rc;
    struct err ignored = ERR_INIT;
    rc = link_find(nl, v.name, ret, &ignored);
    if (!rc && !vxlan_fits(ret, &v)) {
        (void)link_delete(nl, v.name, &ignored);
        rc = ERR_NOT_FOUND;
    }
    if (rc == ERR_NOT_FOUND) {
        rc = link_add_vxlan(nl, &v, err);
        return rc ? rc : link_find(nl, v.name, ret, err);
    }
    if (!rc && ret->mtu != v.mtu)
        rc = link_set_mtu(nl, ret->index, v.mtu, err);
    if (!rc && !(ret->flags & IFF_UP))
        rc = link_set_up(nl, ret->index, err);
    return rc;
}

/* Our end of the tunnel has an address, which packets of the node itself to pods elsewhere come from. */
static int give_addresses(struct netlink *nl, const struct overlay_node *self, int vxlan, struct err *err) {
    int rc = 0;
    for (unsigned i = 0; !rc && i < self->n_pods; i++) {
        struct ip ip = cidr_first(self->pods[i]);
        rc = address_add(nl, vxlan, (struct cidr){ip, ip.family == 4 ? 32 : 128}, err);
    }
    return rc;
}

static bool find_direct(struct netlink *nl, const struct overlay_config *c, struct overlay_node *nodes,
                        size_t n) {
    bool all = true;
    for (size_t i = 0; i < n; i++) {
        struct route way;
        struct err ignored = ERR_INIT;
        nodes[i].direct = 0;
        if (str_eq(nodes[i].name, c->self))
            continue;
        if (c->mode != OVERLAY_VXLAN && route_lookup(nl, nodes[i].ip, &way, &ignored) == 0 && !way.via.family)
            nodes[i].direct = way.index;
        all &= nodes[i].direct != 0;
    }
    return all;
}

static int sync_all(struct netlink *nl, const struct overlay_config *c, const struct overlay_node *nodes,
                    size_t n, int vxlan, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct overlay_plan want, have = {.routes = {.n = 0}};
    overlay_plan(&a, nodes, n, c->self, vxlan, &want);
    int rc = route_list(nl, &a, 0, &have.routes, err);
    if (!rc && vxlan)
        rc = neighbour_list(nl, &a, vxlan, false, &have.neighbours, err);
    if (!rc && vxlan)
        rc = neighbour_list(nl, &a, vxlan, true, &have.forwards, err);
    if (rc)
        return rc;
    int first = 0;
    sync_neighbours(nl, &have.forwards, &want.forwards, &first, err);
    sync_neighbours(nl, &have.neighbours, &want.neighbours, &first, err);
    sync_routes(nl, &have.routes, &want.routes, &first, err);
    return first;
}

int overlay_apply(struct netlink *nl, const struct overlay_config *c, struct overlay_node *nodes, size_t n,
                  struct err *err) {
    const struct overlay_node *self = NULL;
    for (size_t i = 0; i < n; i++)
        if (str_eq(nodes[i].name, c->self))
            self = &nodes[i];
    if (!self)
        return err_set(err, ERR_NOT_FOUND, "node %.*s has no podCIDR or no address yet", STR_ARG(c->self));
    bool all_direct = find_direct(nl, c, nodes, n);
    struct link vxlan = {.index = 0};
    int rc;
    if (all_direct || c->mode == OVERLAY_DIRECT)
        rc = link_delete(nl, vxlan_name(c), err);
    else
        rc = ensure_vxlan(nl, c, self, &vxlan, err);
    if (!rc && vxlan.index)
        rc = give_addresses(nl, self, vxlan.index, err);
    return rc ? rc : sync_all(nl, c, nodes, n, vxlan.index, err);
}
