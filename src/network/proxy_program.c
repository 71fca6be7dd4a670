/* See proxy_priv.h: from a service and its endpoints to the elements it needs. */
#include <netinet/in.h>

#include "api/object.h"
#include "api/value.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "network/proxy_priv.h"

#define AFFINITY_DEFAULT_SECONDS 10800u

/* What is being built, for one service. */
struct build {
    struct proxy *proxy;
    struct proxy_service *service;
    const struct core_service_spec *spec;
    struct proxy_plan *plan;
    struct records *records;
    uint32_t affinity;
    bool internal_local, external_local;
    /* of the port and family at hand */
    const struct core_service_port *port;
    uint8_t family, protocol;
    struct proxy_selection selection;
};

/* -- records -- */

struct key {
    struct packet_key key, data, end;
};

static void put(struct records *out, uint8_t family, enum proxy_set set, const struct key *k) {
    uint8_t head[RECORD_HEAD] = {family, (uint8_t)set, (uint8_t)k->key.n, (uint8_t)k->data.n, k->end.n > 0};
    vec_push(&out->at, (uint32_t)out->bytes.n);
    buf_put(&out->bytes, head, sizeof head);
    buf_put(&out->bytes, k->key.bytes, k->key.n);
    buf_put(&out->bytes, k->data.bytes, k->data.n);
    buf_put(&out->bytes, k->end.bytes, k->end.n);
}

int record_cmp(const uint8_t *a, const uint8_t *b) {
    int c = memcmp(a, b, 3);
    return c ? c : memcmp(a + RECORD_HEAD, b + RECORD_HEAD, a[2]);
}

bool record_same(const uint8_t *a, const uint8_t *b) {
    return record_bytes(a) == record_bytes(b) && memcmp(a, b, record_bytes(a)) == 0;
}

struct proxy_element record_element(const uint8_t *r) {
    return (struct proxy_element){.family = r[0],
                                  .set = r[1],
                                  .key_bytes = r[2],
                                  .data_bytes = r[3],
                                  .has_end = r[4] != 0,
                                  .bytes = r + RECORD_HEAD};
}

/* -- groups -- */

/* Its place among the sorted candidates, or -1. */
static ptrdiff_t find_candidate(const struct proxy_candidates *c, const struct proxy_endpoint *e) {
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = ip_cmp(c->v[mid].ip, e->ip);
        if (!order)
            order = (c->v[mid].port > e->port) - (c->v[mid].port < e->port);
        if (!order)
            return (ptrdiff_t)mid;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return -1;
}

static void forget(struct build *b, const struct proxy_group *g, const struct proxy_endpoint *e) {
    for (int i = 0; i < 2; i++) {
        struct proxy_stale s = {.protocol = g->protocol,
                                .port = i ? g->node_port : g->port,
                                .endpoint = e->ip,
                                .endpoint_port = e->port};
        if (s.port && g->protocol == IPPROTO_UDP)
            vec_push_in(&b->plan->arena, &b->plan->flows, s);
        if (s.port && b->affinity)
            vec_push_in(&b->plan->arena, &b->plan->clients, s);
    }
}

/* The next candidate from *at on that is not in the group yet; NULL when there is none. */
static const struct proxy_endpoint *next_new(const struct proxy_candidates *want, const bool *kept,
                                             size_t *at) {
    while (*at < want->n && kept[*at])
        (*at)++;
    return *at < want->n ? &want->v[(*at)++] : NULL;
}

/* Who stays keeps his number; who is new takes the place of who goes, and the last fill what is still empty:
 * the fewest elements change. */
static void update_group(struct build *b, struct proxy_group *g, const struct proxy_candidates *want) {
    bool *kept = arena_new_n(&b->plan->arena, want->n, bool);
    bool *goes = arena_new_n(&b->plan->arena, g->endpoints.n, bool);
    size_t at = 0, n = g->endpoints.n;
    for (size_t i = 0; i < n; i++) {
        ptrdiff_t found = find_candidate(want, &g->endpoints.v[i]);
        if (found >= 0)
            kept[found] = true;
        else
            forget(b, g, &g->endpoints.v[i]);
        goes[i] = found < 0;
    }
    const struct proxy_endpoint *e;
    for (size_t i = 0; i < n; i++)
        if (goes[i] && (e = next_new(want, kept, &at))) {
            g->endpoints.v[i] = *e;
            goes[i] = false;
        }
    while ((e = next_new(want, kept, &at)))
        vec_push(&g->endpoints, *e);
    for (size_t i = 0; i < n; i++) {
        while (n > i && goes[n - 1])
            n--;
        if (i < n && goes[i])
            g->endpoints.v[i] = g->endpoints.v[--n];
    }
    if (want->n < g->endpoints.n)
        g->endpoints.n = n;
    check(g->endpoints.n == want->n);
}

static struct proxy_group *get_group(struct build *b, bool local) {
    struct proxy_service *s = b->service;
    vec_foreach (g, &s->groups)
        if (g->family == b->family && g->protocol == b->protocol && g->local == local &&
            str_eq(str_from(g->port_name), str_cut(b->port->name, PROXY_PORT_NAME_MAX)))
            return g;
    struct proxy_group g = {.protocol = b->protocol, .family = b->family, .local = local};
    struct str name = str_cut(b->port->name, PROXY_PORT_NAME_MAX);
    if (name.n)
        memcpy(g.port_name, name.p, name.n);
    vec_push(&s->groups, g);
    return &s->groups.v[s->groups.n - 1];
}

/* Of the port at hand, brought up to date once. */
static const struct proxy_group *use_group(struct build *b, bool local) {
    struct proxy_group *g = get_group(b, local);
    g->port = (uint16_t)b->port->port;
    g->node_port = (uint16_t)b->port->node_port;
    if (!g->used) {
        g->used = true;
        update_group(b, g, local ? &b->selection.local : &b->selection.all);
    }
    return g;
}

/* -- frontends -- */

static void put_endpoints(struct build *b, enum proxy_set set, const struct packet_key *front,
                          const struct proxy_group *g) {
    for (size_t i = 0; i < g->endpoints.n; i++) {
        struct key k = {.key = *front};
        packet_key_number(&k.key, (uint32_t)i);
        packet_key_ip(&k.data, g->endpoints.v[i].ip);
        packet_key_port(&k.data, g->endpoints.v[i].port);
        put(b->records, b->family, PROXY_ENDPOINTS + set, &k);
    }
}

static void put_sticky(struct build *b, enum proxy_set set, const struct packet_key *front) {
    struct key k = {.key = *front};
    packet_key_number(&k.data, 0);
    packet_key_number(&k.data, b->affinity);
    put(b->records, b->family, set <= PROXY_EXTERNAL ? PROXY_STICKY : PROXY_STICKY_NODE_PORTS, &k);
}

static void put_refusal(struct build *b, enum proxy_set set, const struct packet_key *front, bool silent) {
    struct key k = {.key = *front};
    packet_key_number(&k.data, silent);
    put(b->records, b->family, PROXY_REFUSED + set, &k);
}

/* Where packets for a frontend go. */
static void put_frontend(struct build *b, enum proxy_set set, const struct packet_key *front, bool local) {
    const struct proxy_group *g = use_group(b, local);
    if (!g->endpoints.n) { // where others have endpoints there is silence, so that the sender tries again
        put_refusal(b, set, front, local && b->selection.all.n > 0);
        return;
    }
    struct key k = {.key = *front};
    bool sticky = b->affinity && g->endpoints.n > 1;
    packet_key_number(&k.data, (uint32_t)g->endpoints.n);
    packet_key_number(&k.data, sticky);
    put(b->records, b->family, set, &k);
    put_endpoints(b, set, front, g);
    if (sticky)
        put_sticky(b, set, front);
}

static struct packet_key address_key(const struct build *b, struct ip ip) {
    struct packet_key k = {.n = 0};
    packet_key_ip(&k, ip);
    packet_key_proto(&k, b->protocol);
    packet_key_port(&k, (uint16_t)b->port->port);
    return k;
}

static struct packet_key node_port_key(const struct build *b) {
    struct packet_key k = {.n = 0};
    packet_key_proto(&k, b->protocol);
    packet_key_port(&k, (uint16_t)b->port->node_port);
    return k;
}

/* Addresses from outside. With the local policy strangers get this node's endpoints and keep their address;
 * senders inside of the cluster get all endpoints, as if they had asked for the service's own address. */
static void put_outside(struct build *b, enum proxy_set set, const struct packet_key *front) {
    put_frontend(b, set, front, false);
    if (b->external_local)
        put_frontend(b, set + 1, front, true); // the set for strangers
    else
        put(b->records, b->family, set == PROXY_SERVICES ? PROXY_MASQUERADE : PROXY_MASQUERADE_NODE_PORTS,
            &(struct key){.key = *front});
}

static void put_external(struct build *b, struct ip ip) {
    struct packet_key front = address_key(b, ip);
    put_outside(b, PROXY_SERVICES, &front);
}

static void put_node_ports(struct build *b) {
    struct packet_key front = node_port_key(b);
    put_outside(b, PROXY_NODE_PORTS, &front);
}

static bool answered_here(const struct proxy_config *c, struct ip ip) {
    for (unsigned i = 0; i < c->n_local; i++)
        if (ip_equal(c->local[i], ip))
            return true;
    return false;
}

static void put_cluster_ip(struct build *b, struct ip ip) {
    size_t n = b->internal_local ? b->selection.local.n : b->selection.all.n;
    if (n == 0 && answered_here(&b->proxy->config, ip))
        return;
    struct key k = {.key = {.n = 0}};
    struct packet_key front = address_key(b, ip);
    packet_key_ip(&k.key, ip);
    put(b->records, b->family, PROXY_CLUSTER_IPS, &k);
    put_frontend(b, PROXY_SERVICES, &front, b->internal_local);
}

/* -- source ranges of load balancers -- */

static void put_allowed(struct build *b, struct ip ip, struct cidr range) {
    struct key k = {.key = address_key(b, ip)};
    k.end = k.key;
    packet_key_ip(&k.key, cidr_first(range));
    packet_key_ip(&k.end, cidr_last(range));
    put(b->records, b->family, PROXY_ALLOWED, &k);
}

/* Ranges inside of others are left out: the kernel wants none to overlap. */
static bool is_covered(const struct str_array *ranges, uint32_t i, struct cidr c) {
    for (uint32_t k = 0; k < ranges->n; k++) {
        struct cidr other;
        if (k == i || !cidr_parse(str_trim(ranges->v[k]), IP_LEGACY, &other) ||
            other.ip.family != c.ip.family)
            continue;
        bool same = other.bits == c.bits && ip_equal(cidr_first(other), cidr_first(c));
        if (cidr_contains_cidr(other, c) && (!same || k < i))
            return true;
    }
    return false;
}

static void put_firewall(struct build *b, struct ip ip) {
    const struct str_array *ranges = &b->spec->load_balancer_source_ranges;
    if (!ranges->n)
        return;
    put(b->records, b->family, PROXY_FIREWALLED, &(struct key){.key = address_key(b, ip)});
    for (uint32_t i = 0; i < ranges->n; i++) {
        struct cidr c;
        if (cidr_parse(str_trim(ranges->v[i]), IP_LEGACY, &c) && c.ip.family == b->family &&
            !is_covered(ranges, i, c))
            put_allowed(b, ip, c);
    }
}

/* -- the service -- */

static bool ip_of(struct str text, uint8_t family, struct ip *ret) {
    return ip_parse(text, IP_LEGACY, ret) && ret->family == family;
}

static bool is_external_ip(const struct core_service_spec *spec, struct ip ip) {
    for (uint32_t i = 0; i < spec->external_ips.n; i++) {
        struct ip other;
        if (ip_parse(spec->external_ips.v[i], IP_LEGACY, &other) && ip_equal(ip, other))
            return true;
    }
    return false;
}

static void put_balancers(struct build *b, const struct core_service *service) {
    if (!str_eq(b->spec->type, S("LoadBalancer")))
        return;
    for (uint32_t i = 0; i < service->status.load_balancer.ingress.n; i++) {
        const struct core_load_balancer_ingress *in = &service->status.load_balancer.ingress.v[i];
        struct ip ip;
        if (!ip_of(in->ip, b->family, &ip) || str_eq(in->ip_mode, S("Proxy")))
            continue;
        if (!is_external_ip(b->spec, ip)) // else it is there already
            put_external(b, ip);
        put_firewall(b, ip);
    }
}

static void put_hairpins(struct build *b) {
    for (size_t i = 0; i < b->selection.local_ips.n; i++) {
        struct key k = {.key = {.n = 0}};
        packet_key_ip(&k.key, b->selection.local_ips.v[i]);
        packet_key_ip(&k.key, b->selection.local_ips.v[i]);
        put(b->records, b->family, PROXY_HAIRPIN, &k);
    }
}

static uint8_t protocol_of(struct str text) {
    return str_eq(text, S("UDP")) ? IPPROTO_UDP : str_eq(text, S("SCTP")) ? IPPROTO_SCTP : IPPROTO_TCP;
}

static void put_port(struct build *b, const struct core_service *service, struct ip cluster_ip) {
    b->protocol = protocol_of(b->port->protocol);
    proxy_select(&b->plan->arena, b->proxy, b->service, b->family, b->port->name, b->protocol, &b->selection);
    if (b->selection.local_ready > b->service->local_ready)
        b->service->local_ready = b->selection.local_ready;
    put_cluster_ip(b, cluster_ip);
    for (uint32_t i = 0; i < b->spec->external_ips.n; i++) {
        struct ip ip;
        if (ip_of(b->spec->external_ips.v[i], b->family, &ip))
            put_external(b, ip);
    }
    put_balancers(b, service);
    if (b->port->node_port && !str_eq(b->spec->type, S("ClusterIP")))
        put_node_ports(b);
    put_hairpins(b);
}

static bool is_ours(const struct core_service *service) {
    const struct core_service_spec *spec = &service->spec;
    return !str_eq(spec->type, S("ExternalName")) && !str_empty(spec->cluster_ip) &&
           !str_eq(spec->cluster_ip, S("None")) &&
           !str_map_get(service->metadata.labels, S("service.kubernetes.io/service-proxy-name")).p;
}

static uint32_t affinity_of(const struct core_service_spec *spec) {
    if (!str_eq(spec->session_affinity, S("ClientIP")))
        return 0;
    const struct core_session_affinity_config *c = spec->session_affinity_config;
    bool given =
        c && c->client_ip && c->client_ip->timeout_seconds.set && c->client_ip->timeout_seconds.v > 0;
    return given ? (uint32_t)c->client_ip->timeout_seconds.v : AFFINITY_DEFAULT_SECONDS;
}

static void put_service(struct build *b, const struct core_service *service) {
    const struct str *ips = b->spec->cluster_ips.n ? b->spec->cluster_ips.v : &b->spec->cluster_ip;
    uint32_t n = b->spec->cluster_ips.n ? b->spec->cluster_ips.n : 1;
    for (uint32_t i = 0; i < n; i++) {
        struct ip ip;
        if (!ip_parse(ips[i], IP_LEGACY, &ip))
            continue;
        b->family = ip.family;
        for (uint32_t k = 0; k < b->spec->ports.n; k++) {
            b->port = &b->spec->ports.v[k];
            put_port(b, service, ip);
        }
    }
}

static void drop_unused(struct build *b) {
    struct proxy_service *s = b->service;
    for (size_t i = s->groups.n; i-- > 0;) {
        struct proxy_group *g = &s->groups.v[i];
        if (g->used)
            continue;
        for (size_t k = 0; k < g->endpoints.n; k++)
            forget(b, g, &g->endpoints.v[k]);
        vec_fini(&g->endpoints);
        vec_remove(&s->groups, i);
    }
}

void proxy_program(struct proxy *p, struct proxy_service *s, struct proxy_plan *plan, struct records *ret) {
    const struct core_service *service = s->object ? s->object->body : NULL;
    struct build b = {.proxy = p, .service = s, .plan = plan, .records = ret};
    vec_foreach (g, &s->groups)
        g->used = false;
    s->local_ready = 0;
    s->health_port = 0;
    if (service && is_ours(service)) {
        b.spec = &service->spec;
        b.affinity = affinity_of(b.spec);
        b.internal_local = str_eq(b.spec->internal_traffic_policy, S("Local"));
        b.external_local = str_eq(b.spec->external_traffic_policy, S("Local"));
        s->health_port = b.external_local ? (uint16_t)b.spec->health_check_node_port : 0;
        put_service(&b, service);
    }
    drop_unused(&b);
}
