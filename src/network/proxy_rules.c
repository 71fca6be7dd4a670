/* See proxy_sets.h. In nft's words, for IPv4:
 *
 *     chain before      { type filter hook prerouting priority dstnat - 10; ct state new jump firewall,
 * refuse } chain before_out  { type filter hook output priority dstnat - 10; ct state new jump refuse_out }
 *     chain prerouting  { type nat hook prerouting priority dstnat
 *                         ip saddr != @cluster_pods ip daddr . meta l4proto . th dport vmap @external
 *                         ip daddr . meta l4proto . th dport vmap @services
 *                         fib daddr type local … vmap @node_ports_external, @node_ports }
 *     chain output      { the same without strangers }
 *     chain svc-3       { dnat to ip daddr . meta l4proto . th dport . numgen random mod 3 map @endpoints }
 *     chain svc-3-sticky{ dnat to ip saddr . ip daddr . meta l4proto . th dport map @affinity; as above }
 *     chain forward     { type filter hook forward; ct state new ct status dnat jump remember
 *                         ip daddr @service_ranges jump unknown }
 *     chain postrouting { type nat hook postrouting priority srcnat; hairpin, masquerade, pods to the world }
 *
 * Everything is something that the nft program can print. A key begins in register 0; what is looked up lands
 * behind it.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>

#include "base/err.h"
#include "network/proxy_sets.h"

#define CLUSTER_PODS "cluster_pods"
#define NODE_PODS "node_pods"
#define SERVICE_RANGES "service_ranges"
#define ORIGINAL 0 /* the direction of who began */

/* -- sets -- */

static const char *const set_names[PROXY_SETS] = {
    [PROXY_SERVICES] = "services",
    [PROXY_EXTERNAL] = "external",
    [PROXY_NODE_PORTS] = "node_ports",
    [PROXY_NODE_PORTS_EXTERNAL] = "node_ports_external",
    [PROXY_STICKY] = "sticky",
    [PROXY_STICKY_NODE_PORTS] = "sticky_node_ports",
    [PROXY_ENDPOINTS] = "endpoints",
    [PROXY_ENDPOINTS_EXTERNAL] = "endpoints_external",
    [PROXY_ENDPOINTS_NODE_PORTS] = "endpoints_node_ports",
    [PROXY_ENDPOINTS_NODE_PORTS_EXTERNAL] = "endpoints_node_ports_external",
    [PROXY_REFUSED] = "refused",
    [PROXY_REFUSED_EXTERNAL] = "refused_external",
    [PROXY_REFUSED_NODE_PORTS] = "refused_node_ports",
    [PROXY_REFUSED_NODE_PORTS_EXTERNAL] = "refused_node_ports_external",
    [PROXY_MASQUERADE] = "masquerade",
    [PROXY_MASQUERADE_NODE_PORTS] = "masquerade_node_ports",
    [PROXY_CLUSTER_IPS] = "cluster_ips",
    [PROXY_HAIRPIN] = "hairpin",
    [PROXY_FIREWALLED] = "firewalled",
    [PROXY_ALLOWED] = "allowed",
};

static bool is_node_ports(enum proxy_set set) {
    switch (set) {
    case PROXY_NODE_PORTS:
    case PROXY_NODE_PORTS_EXTERNAL:
    case PROXY_STICKY_NODE_PORTS:
    case PROXY_ENDPOINTS_NODE_PORTS:
    case PROXY_ENDPOINTS_NODE_PORTS_EXTERNAL:
    case PROXY_REFUSED_NODE_PORTS:
    case PROXY_REFUSED_NODE_PORTS_EXTERNAL:
    case PROXY_MASQUERADE_NODE_PORTS: return true;
    default: return false;
    }
}

struct nft_set_spec proxy_set_spec(const struct packet_family *f, enum proxy_set set) {
    struct nft_set_spec s = {.name = set_names[set]};
    unsigned n = 0;
    if (set == PROXY_CLUSTER_IPS || set == PROXY_HAIRPIN) {
        s.key[n++] = f->address;
        s.key[n++] = set == PROXY_HAIRPIN ? f->address : NFT_TYPE_NONE;
        return s;
    }
    if (!is_node_ports(set))
        s.key[n++] = f->address;
    s.key[n++] = NFT_TYPE_PROTO;
    s.key[n++] = NFT_TYPE_PORT;
    if (set >= PROXY_ENDPOINTS && set < PROXY_REFUSED) {
        s.key[n++] = NFT_TYPE_MARK;
        s.data[0] = f->address;
        s.data[1] = NFT_TYPE_PORT;
    } else if (set == PROXY_ALLOWED) {
        s.key[n++] = f->address;
        s.intervals = true;
    } else {
        s.verdicts = set < PROXY_MASQUERADE;
    }
    return s;
}

/* A set of networks; each is its first address, and the one behind its last as an end. */
static void add_networks(struct nft_batch *b, const struct packet_family *f, const char *name,
                         const struct cidr *v, unsigned n) {
    nft_set_add(b, &(struct nft_set_spec){.name = name, .key = {f->address}, .intervals = true});
    nft_elements_begin(b, name, true);
    for (unsigned i = 0; i < n; i++) {
        struct packet_key first = {.n = 0}, end = {.n = 0};
        struct ip behind;
        bool inside = false;
        for (unsigned k = 0; k < n; k++)
            inside |= k != i && cidr_contains_cidr(v[k], v[i]) && (v[k].bits != v[i].bits || k < i);
        if (v[i].ip.family != f->number || inside)
            continue;
        packet_key_ip(&first, cidr_first(v[i]));
        nft_element(b, &(struct nft_element){first.bytes, first.n});
        if (!ip_add(cidr_last(v[i]), 1, &behind))
            continue; // up to the end of all addresses
        packet_key_ip(&end, behind);
        nft_element(b, &(struct nft_element){end.bytes, end.n, .interval_end = true});
    }
    nft_elements_end(b);
}

static void add_sets(struct nft_batch *b, const struct packet_family *f, const struct proxy_config *c) {
    for (int i = 0; i < PROXY_SETS; i++) {
        struct nft_set_spec spec = proxy_set_spec(f, (enum proxy_set)i);
        nft_set_add(b, &spec);
    }
    nft_set_add(b, &(struct nft_set_spec){.name = PROXY_AFFINITY,
                                          .key = {f->address, f->address, NFT_TYPE_PROTO, NFT_TYPE_PORT},
                                          .data = {f->address, NFT_TYPE_PORT},
                                          .dynamic = true});
    add_networks(b, f, CLUSTER_PODS, c->pods, c->n_pods);
    add_networks(b, f, NODE_PODS, c->node_pods, c->n_node_pods);
    add_networks(b, f, SERVICE_RANGES, c->services, c->n_services);
}

/* -- frontends -- */

/* The packet's frontend from a register on; returns the next free one. */
static unsigned x_frontend(struct nft_batch *b, const struct packet_family *f, bool node_ports, unsigned at) {
    if (!node_ports) {
        packet_x_daddr(b, f, at);
        at += f->words;
    }
    packet_x_proto(b, at);
    packet_x_dport(b, at + 1);
    return at + 2;
}

/* What the connection was first sent to. */
static unsigned x_original(struct nft_batch *b, const struct packet_family *f, bool node_ports, unsigned at) {
    if (!node_ports) {
        nft_x_ct(b, f->number == 4 ? NFT_CT_DST_IP : NFT_CT_DST_IP6, ORIGINAL, at);
        at += f->words;
    }
    packet_x_proto(b, at);
    nft_x_ct(b, NFT_CT_PROTO_DST, ORIGINAL, at + 1);
    return at + 2;
}

static void x_if_stranger(struct nft_batch *b, const struct packet_family *f) {
    packet_x_saddr(b, f, 0);
    nft_x_member(b, CLUSTER_PODS, 0, true);
}

/* Packets go where the four maps from `first` on say. Senders outside of the cluster are asked for first. */
static void add_dispatch(struct nft_batch *b, const struct packet_family *f, const char *chain,
                         enum proxy_set first, bool strangers) {
    static const uint8_t order[] = {PROXY_EXTERNAL, PROXY_SERVICES, PROXY_NODE_PORTS_EXTERNAL,
                                    PROXY_NODE_PORTS};
    for (size_t i = 0; i < sizeof order; i++) {
        bool external = i % 2 == 0;
        if (external && !strangers)
            continue;
        nft_rule_begin(b, chain);
        if (external)
            x_if_stranger(b, f);
        if (is_node_ports(order[i]))
            packet_x_if_local(b, 0, false);
        (void)x_frontend(b, f, is_node_ports(order[i]), 0);
        nft_x_verdict_map(b, set_names[first + order[i]], 0);
        nft_rule_end(b);
    }
}

/* -- chains -- */

static void add_jump(struct nft_batch *b, const char *chain, bool only_new, const char *to) {
    nft_rule_begin(b, chain);
    if (only_new)
        packet_x_if_new(b, 0);
    nft_x_verdict(b, NFT_JUMP, to);
    nft_rule_end(b);
}

static void add_reject(struct nft_batch *b, const struct packet_family *f) {
    nft_chain_add(b, PROXY_REJECT, NULL);
    nft_rule_begin(b, PROXY_REJECT);
    nft_x_meta(b, NFT_META_IIF, 0); // who is on this machine does not see a reset of its own packet
    nft_x_cmp(b, NFT_CMP_NEQ, 0, (uint8_t[4]){0}, 4);
    packet_x_proto(b, 0);
    nft_x_cmp(b, NFT_CMP_EQ, 0, (uint8_t[]){IPPROTO_TCP}, 1);
    nft_x_reject(b, NFT_REJECT_TCP_RST, 0);
    nft_rule_end(b);
    nft_rule_begin(b, PROXY_REJECT);
    nft_x_reject(b, NFT_REJECT_ICMP_UNREACH, f->number == 4 ? 3 : 4); // port unreachable
    nft_rule_end(b);
}

/* Load balancers with source ranges: who is in none is not heard. */
static void add_firewall(struct nft_batch *b, const struct packet_family *f) {
    nft_chain_add(b, "firewall", NULL);
    nft_rule_begin(b, "firewall");
    unsigned next = x_frontend(b, f, false, 0);
    nft_x_member(b, set_names[PROXY_FIREWALLED], 0, false);
    packet_x_saddr(b, f, next);
    nft_x_member(b, set_names[PROXY_ALLOWED], 0, true);
    nft_x_verdict(b, NF_DROP, NULL);
    nft_rule_end(b);
}

static void add_before(struct nft_batch *b, const struct packet_family *f) {
    int32_t priority = NF_IP_PRI_NAT_DST - 10;
    add_reject(b, f);
    add_firewall(b, f);
    nft_chain_add(b, "refuse", NULL);
    add_dispatch(b, f, "refuse", PROXY_REFUSED, true);
    nft_chain_add(b, "refuse_out", NULL);
    add_dispatch(b, f, "refuse_out", PROXY_REFUSED, false);
    nft_chain_add(b, "before", &(struct nft_hook){"filter", NF_INET_PRE_ROUTING, priority});
    add_jump(b, "before", true, "firewall");
    add_jump(b, "before", true, "refuse");
    nft_chain_add(b, "before_out", &(struct nft_hook){"filter", NF_INET_LOCAL_OUT, priority});
    add_jump(b, "before_out", true, "refuse_out");
}

static void add_dnat(struct nft_batch *b, const struct packet_family *f) {
    nft_chain_add(b, "prerouting", &(struct nft_hook){"nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST});
    add_dispatch(b, f, "prerouting", PROXY_SERVICES, true);
    nft_chain_add(b, "output", &(struct nft_hook){"nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST});
    add_dispatch(b, f, "output", PROXY_SERVICES, false);
}

static void add_masquerade(struct nft_batch *b, const struct packet_family *f, enum proxy_set set) {
    nft_rule_begin(b, "postrouting");
    packet_x_if_dnat(b, 0);
    (void)x_original(b, f, is_node_ports(set), 0);
    nft_x_member(b, set_names[set], 0, false);
    nft_x_masquerade(b);
    nft_rule_end(b);
}

/* Who is not in the cluster has no way back but through this node. */
static void add_strangers(struct nft_batch *b, const struct packet_family *f) {
    nft_rule_begin(b, "postrouting");
    packet_x_if_dnat(b, 0);
    x_if_stranger(b, f);
    nft_x_ct(b, f->number == 4 ? NFT_CT_DST_IP : NFT_CT_DST_IP6, ORIGINAL, 0);
    nft_x_member(b, set_names[PROXY_CLUSTER_IPS], 0, false);
    nft_x_masquerade(b);
    nft_rule_end(b);
}

static void add_hairpin(struct nft_batch *b, const struct packet_family *f) {
    nft_rule_begin(b, "postrouting");
    packet_x_if_dnat(b, 0);
    packet_x_saddr(b, f, 0);
    packet_x_daddr(b, f, f->words);
    nft_x_member(b, set_names[PROXY_HAIRPIN], 0, false);
    nft_x_masquerade(b);
    nft_rule_end(b);
}

/* Pods' addresses mean nothing outside of the cluster. */
static void add_egress(struct nft_batch *b, const struct packet_family *f) {
    uint8_t multicast = f->number == 4 ? 0xe0 : 0xff, low = f->number == 4 ? 0xf0 : 0xff;
    nft_rule_begin(b, "postrouting");
    packet_x_saddr(b, f, 0);
    nft_x_member(b, NODE_PODS, 0, false);
    packet_x_daddr(b, f, 0);
    nft_x_member(b, CLUSTER_PODS, 0, true);
    nft_x_mask(b, 0, 0, low); // the first byte of the address is the lowest of the word
    nft_x_cmp(b, NFT_CMP_NEQ, 0, (uint8_t[]){multicast, 0, 0, 0}, 4);
    nft_x_masquerade(b);
    nft_rule_end(b);
}

static void add_postrouting(struct nft_batch *b, const struct packet_family *f) {
    nft_chain_add(b, "postrouting", &(struct nft_hook){"nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC});
    add_hairpin(b, f);
    add_masquerade(b, f, PROXY_MASQUERADE);
    add_masquerade(b, f, PROXY_MASQUERADE_NODE_PORTS);
    add_strangers(b, f);
    add_egress(b, f);
}

/* What still goes to a service address behind the translation belongs to none that is known. An address with
 * services says so for other ports; others may be programmed any moment: silence, so that senders try again.
 */
static void add_unknown(struct nft_batch *b, const struct packet_family *f) {
    nft_chain_add(b, "unknown", NULL);
    nft_rule_begin(b, "unknown");
    packet_x_if_local(b, 0, false);
    nft_x_verdict(b, NFT_RETURN, NULL);
    nft_rule_end(b);
    nft_rule_begin(b, "unknown");
    packet_x_daddr(b, f, 0);
    nft_x_member(b, set_names[PROXY_CLUSTER_IPS], 0, false);
    nft_x_verdict(b, NFT_GOTO, PROXY_REJECT);
    nft_rule_end(b);
    nft_rule_begin(b, "unknown");
    nft_x_verdict(b, NF_DROP, NULL);
    nft_rule_end(b);
}

/* New connections to services with affinity, behind the translation: who went where. */
static void add_remember(struct nft_batch *b, const struct packet_family *f) {
    nft_chain_add(b, "remember", NULL);
    for (int node_ports = 0; node_ports < 2; node_ports++) {
        nft_rule_begin(b, "remember");
        (void)x_original(b, f, node_ports, 0);
        nft_x_verdict_map(b, set_names[node_ports ? PROXY_STICKY_NODE_PORTS : PROXY_STICKY], 0);
        nft_rule_end(b);
    }
}

static void add_behind(struct nft_batch *b, const struct packet_family *f, const char *chain, uint32_t hook,
                       bool leaving) {
    nft_chain_add(b, chain, &(struct nft_hook){"filter", hook, NF_IP_PRI_FILTER});
    nft_rule_begin(b, chain);
    packet_x_if_new(b, 0);
    packet_x_if_dnat(b, 0);
    nft_x_verdict(b, NFT_JUMP, "remember");
    nft_rule_end(b);
    if (!leaving)
        return;
    nft_rule_begin(b, chain);
    packet_x_daddr(b, f, 0);
    nft_x_member(b, SERVICE_RANGES, 0, false);
    nft_x_verdict(b, NFT_JUMP, "unknown");
    nft_rule_end(b);
}

void proxy_table_add(struct nft_batch *b, const struct packet_family *f, const struct proxy_config *c) {
    nft_table_add(b);
    add_sets(b, f, c);
    add_before(b, f);
    add_dnat(b, f);
    add_postrouting(b, f);
    add_unknown(b, f);
    add_remember(b, f);
    add_behind(b, f, "forward", NF_INET_FORWARD, true);
    add_behind(b, f, "output_filter", NF_INET_LOCAL_OUT, true);
    add_behind(b, f, "input", NF_INET_LOCAL_IN, false);
}

/* -- classes -- */

void proxy_class_name(const struct proxy_class *c, char out[PROXY_CHAIN_NAME]) {
    static const char *const kinds[] = {"svc", "ext", "node", "node-ext"};
    if (c->set == PROXY_STICKY)
        (void)snprintf(out, PROXY_CHAIN_NAME, "remember-%us", c->seconds);
    else
        (void)snprintf(out, PROXY_CHAIN_NAME, "%s-%u%s", kinds[c->set], c->endpoints,
                       c->seconds ? "-sticky" : "");
}

/* An endpoint by chance. */
static void add_choice(struct nft_batch *b, const struct packet_family *f, const struct proxy_class *c,
                       const char *chain) {
    nft_rule_begin(b, chain);
    unsigned number = x_frontend(b, f, is_node_ports(c->set), 0), to = number + 1;
    nft_x_random(b, c->endpoints, number);
    nft_x_map(b, set_names[PROXY_ENDPOINTS + c->set], 0, to);
    nft_x_dnat(b, to, to + f->words);
    nft_rule_end(b);
}

/* The endpoint the client had. */
static void add_memory(struct nft_batch *b, const struct packet_family *f, const char *chain) {
    nft_rule_begin(b, chain);
    packet_x_saddr(b, f, 0);
    unsigned to = x_frontend(b, f, false, f->words);
    nft_x_map(b, PROXY_AFFINITY, 0, to);
    nft_x_dnat(b, to, to + f->words);
    nft_rule_end(b);
}

/* Every new connection begins the time anew. */
static void add_update(struct nft_batch *b, const struct packet_family *f, const struct proxy_class *c,
                       const char *chain) {
    nft_rule_begin(b, chain);
    packet_x_saddr(b, f, 0);
    unsigned to = x_original(b, f, false, f->words);
    packet_x_daddr(b, f, to);
    packet_x_dport(b, to + f->words);
    nft_x_remember(b, PROXY_AFFINITY, 0, to, c->seconds * 1000ull);
    nft_rule_end(b);
}

void proxy_class_add(struct nft_batch *b, const struct packet_family *f, const struct proxy_class *c) {
    char name[PROXY_CHAIN_NAME];
    proxy_class_name(c, name);
    nft_chain_add(b, name, NULL);
    if (c->set == PROXY_STICKY) {
        add_update(b, f, c, name);
        return;
    }
    if (c->seconds)
        add_memory(b, f, name);
    add_choice(b, f, c, name);
}

void proxy_class_remove(struct nft_batch *b, const struct proxy_class *c) {
    char name[PROXY_CHAIN_NAME];
    proxy_class_name(c, name);
    nft_chain_delete(b, name);
}
