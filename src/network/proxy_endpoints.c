/* See proxy_priv.h: from slices to the endpoints of one port. */
#include <netinet/in.h>
#include <stdlib.h>

#include "api/object.h"
#include "base/arena.h"
#include "base/vec.h"
#include "network/proxy_priv.h"

struct found {
    const struct discovery_endpoint *endpoint;
    struct proxy_endpoint to;
    bool ready, serving, terminating, local;
};

struct finding {
    struct arena *arena;
    struct str node;
    struct {
        struct found *v;
        size_t n, cap;
    } list;
};

static bool given(struct opt_bool b, bool otherwise) {
    return b.set ? b.v : otherwise;
}

static void find_endpoint(struct finding *f, const struct discovery_endpoint *e, uint8_t family,
                          uint16_t port) {
    struct found x = {.endpoint = e, .to = {.port = port}};
    if (!e->addresses.n || !ip_parse(e->addresses.v[0], IP_LEGACY, &x.to.ip) || x.to.ip.family != family)
        return;
    x.ready = given(e->conditions.ready, true);
    x.serving = given(e->conditions.serving, x.ready);
    x.terminating = given(e->conditions.terminating, false);
    x.local = !str_empty(f->node) && str_eq(e->node_name, f->node);
    if (x.ready || (x.serving && x.terminating))
        vec_push_in(f->arena, &f->list, x);
}

static bool is_protocol(struct str text, uint8_t protocol) {
    switch (protocol) {
    case IPPROTO_UDP: return str_eq(text, S("UDP"));
    case IPPROTO_SCTP: return str_eq(text, S("SCTP"));
    default: return str_empty(text) || str_eq(text, S("TCP"));
    }
}

static void find_in_slice(struct finding *f, const struct discovery_endpoint_slice *slice, uint8_t family,
                          struct str port_name, uint8_t protocol) {
    for (uint32_t i = 0; i < slice->ports.n; i++) {
        const struct discovery_endpoint_port *port = &slice->ports.v[i];
        struct str name = port->name.p ? port->name : S("");
        if (!str_eq(name, port_name) || !is_protocol(port->protocol, protocol) || !port->port.set ||
            port->port.v < 1 || port->port.v > 65535)
            continue;
        for (uint32_t k = 0; k < slice->endpoints.n; k++)
            find_endpoint(f, &slice->endpoints.v[k], family, (uint16_t)port->port.v);
    }
}

/* -- hints: endpoints that are near, when all endpoints say for whom they are -- */

static bool for_node(const struct discovery_endpoint *e, struct str node) {
    for (uint32_t i = 0; e->hints && i < e->hints->for_nodes.n; i++)
        if (str_eq(e->hints->for_nodes.v[i].name, node))
            return true;
    return false;
}

static bool for_zone(const struct discovery_endpoint *e, struct str zone) {
    for (uint32_t i = 0; e->hints && i < e->hints->for_zones.n; i++)
        if (str_eq(e->hints->for_zones.v[i].name, zone))
            return true;
    return false;
}

enum near { NEAR_ANY, NEAR_NODE, NEAR_ZONE };

/* CONFORMS: a hint counts only when every ready endpoint has one, and one of them is for us. */
static enum near nearness(const struct finding *f, struct str node, struct str zone) {
    bool all_nodes = true, all_zones = true, my_node = false, my_zone = false;
    for (size_t i = 0; i < f->list.n; i++) {
        const struct discovery_endpoint *e = f->list.v[i].endpoint;
        if (!f->list.v[i].ready)
            continue;
        all_nodes &= e->hints && e->hints->for_nodes.n > 0;
        all_zones &= e->hints && e->hints->for_zones.n > 0;
        my_node |= for_node(e, node);
        my_zone |= !str_empty(zone) && for_zone(e, zone);
    }
    return all_nodes && my_node ? NEAR_NODE : all_zones && my_zone ? NEAR_ZONE : NEAR_ANY;
}

static bool is_near(const struct found *x, enum near near, struct str node, struct str zone) {
    return near == NEAR_ANY ||
           (near == NEAR_NODE ? for_node(x->endpoint, node) : for_zone(x->endpoint, zone));
}

/* -- choosing -- */

static int endpoint_cmp(const void *a, const void *b) {
    const struct proxy_endpoint *x = a, *y = b;
    int c = ip_cmp(x->ip, y->ip);
    return c ? c : (x->port > y->port) - (x->port < y->port);
}

static void sort_unique(struct proxy_candidates *c) {
    if (c->n < 2)
        return;
    qsort(c->v, c->n, sizeof *c->v, endpoint_cmp);
    size_t n = 1;
    for (size_t i = 1; i < c->n; i++)
        if (endpoint_cmp(&c->v[i], &c->v[n - 1]) != 0)
            c->v[n++] = c->v[i];
    c->n = n;
}

/* Those that are ready, or when there is none, those that still serve while they end. */
static void choose(const struct finding *f, bool local_only, enum near near, struct str node, struct str zone,
                   struct proxy_candidates *ret) {
    for (int fallback = 0; fallback < 2 && ret->n == 0; fallback++)
        for (size_t i = 0; i < f->list.n; i++) {
            const struct found *x = &f->list.v[i];
            if ((fallback ? !x->ready : x->ready) && (!local_only || x->local) &&
                (fallback || is_near(x, near, node, zone)))
                vec_push_in(f->arena, ret, x->to);
        }
    sort_unique(ret);
}

void proxy_select(struct arena *a, const struct proxy *p, const struct proxy_service *s, uint8_t family,
                  struct str port_name, uint8_t protocol, struct proxy_selection *ret) {
    struct finding f = {.arena = a, .node = p->config.node};
    struct str zone = str_from(p->zone);
    *ret = (struct proxy_selection){.local_ready = 0};
    for (size_t i = 0; i < s->slices.n; i++) {
        const struct discovery_endpoint_slice *slice = s->slices.v[i]->body;
        if (str_eq(slice->address_type, family == 4 ? S("IPv4") : S("IPv6")))
            find_in_slice(&f, slice, family, port_name.p ? port_name : S(""), protocol);
    }
    choose(&f, false, nearness(&f, f.node, zone), f.node, zone, &ret->all);
    choose(&f, true, NEAR_ANY, f.node, zone, &ret->local);
    for (size_t i = 0; i < f.list.n; i++) {
        if (!f.list.v[i].local)
            continue;
        ret->local_ready += f.list.v[i].ready;
        vec_push_in(a, &ret->local_ips, f.list.v[i].to.ip);
    }
}
