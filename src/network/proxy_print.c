/* See proxy.h: plans as text, in the manner of nft. */
#include <netinet/in.h>
#include <stdio.h>

#include "base/buf.h"
#include "network/proxy_priv.h"
#include "network/proxy_sets.h"

static const char *protocol_text(uint8_t p) {
    return p == IPPROTO_TCP ? "tcp" : p == IPPROTO_UDP ? "udp" : p == IPPROTO_SCTP ? "sctp" : "?";
}

static size_t print_field(struct buf *out, enum nft_type type, const uint8_t *p) {
    char text[IP_TEXT_MAX];
    uint32_t v;
    switch (type) {
    case NFT_TYPE_IPV4:
    case NFT_TYPE_IPV6: {
        size_t n = type == NFT_TYPE_IPV4 ? 4 : 16;
        buf_put(out, text, ip_format(ip_from_bytes(p, n), text));
        return n;
    }
    case NFT_TYPE_PROTO: buf_printf(out, "%s", protocol_text(p[0])); return 4;
    case NFT_TYPE_PORT: buf_printf(out, "%u", (unsigned)(p[0] << 8 | p[1])); return 4;
    default:
        memcpy(&v, p, sizeof v);
        buf_printf(out, "%u", v);
        return 4;
    }
}

static void print_fields(struct buf *out, const enum nft_type *types, const uint8_t *p) {
    for (unsigned i = 0; i < NFT_FIELDS_MAX && types[i]; i++) {
        if (i)
            buf_lit(out, " . ");
        p += print_field(out, types[i], p);
    }
}

static void print_verdict(struct buf *out, const struct proxy_element *e) {
    if (e->set > PROXY_STICKY_NODE_PORTS) {
        buf_printf(out, "%s", e->bytes[e->key_bytes] ? "drop" : "reject");
        return;
    }
    char name[PROXY_CHAIN_NAME];
    struct proxy_class c = proxy_element_class(e);
    proxy_class_name(&c, name);
    buf_printf(out, "%s", name);
}

static void print_element(struct buf *out, const char *verb, const struct proxy_element *e) {
    struct nft_set_spec spec = proxy_set_spec(packet_family(e->family), (enum proxy_set)e->set);
    buf_printf(out, "%s element %s %s { ", verb, e->family == 4 ? "ip" : "ip6", spec.name);
    print_fields(out, spec.key, e->bytes);
    if (e->has_end) {
        buf_lit(out, " to ");
        print_fields(out, spec.key, e->bytes + e->key_bytes + e->data_bytes);
    }
    if (e->data_bytes)
        buf_lit(out, " : ");
    if (spec.verdicts)
        print_verdict(out, e);
    else if (e->data_bytes)
        print_fields(out, spec.data, e->bytes + e->key_bytes);
    buf_lit(out, " }\n");
}

static void print_chain(struct buf *out, const char *verb, const struct proxy_class *c) {
    char name[PROXY_CHAIN_NAME];
    proxy_class_name(c, name);
    buf_printf(out, "%s chain %s %s\n", verb, c->family == 4 ? "ip" : "ip6", name);
}

static void print_ip(struct buf *out, struct ip ip) {
    char text[IP_TEXT_MAX] = "*";
    if (ip.family)
        (void)ip_format(ip, text);
    buf_printf(out, "%s", text);
}

static void print_stale(struct buf *out, const char *what, const struct proxy_stale *s) {
    buf_printf(out, "forget %s of %s ", what, protocol_text(s->protocol));
    print_ip(out, s->frontend);
    buf_printf(out, ":%u", s->port);
    if (s->endpoint.family) {
        buf_lit(out, " to ");
        print_ip(out, s->endpoint);
        buf_printf(out, ":%u", s->endpoint_port);
    }
    buf_byte(out, '\n');
}

void proxy_plan_print(const struct proxy_plan *plan, struct buf *out) {
    if (plan->full)
        buf_lit(out, "everything anew\n");
    for (size_t i = 0; i < plan->chains_add.n; i++)
        print_chain(out, "add", &plan->chains_add.v[i]);
    for (size_t i = 0; i < plan->remove.n; i++)
        print_element(out, "delete", &plan->remove.v[i]);
    for (size_t i = 0; i < plan->add.n; i++)
        print_element(out, "add", &plan->add.v[i]);
    for (size_t i = 0; i < plan->chains_remove.n; i++)
        print_chain(out, "delete", &plan->chains_remove.v[i]);
    for (size_t i = 0; i < plan->flows.n; i++)
        print_stale(out, "flows", &plan->flows.v[i]);
    for (size_t i = 0; i < plan->clients.n; i++)
        print_stale(out, "clients", &plan->clients.v[i]);
}
