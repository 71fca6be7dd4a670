/* See hostport.h. */
#include "network/hostport.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>

#include "base/err.h"
#include "network/netlink.h"
#include "network/nft.h"
#include "network/packet.h"

#define TABLE "coxswain-ports"

static void add_sets(struct nft_batch *b, const struct packet_family *f) {
    nft_set_add(b, &(struct nft_set_spec){.name = "ports",
                                          .key = {NFT_TYPE_PROTO, NFT_TYPE_PORT},
                                          .data = {f->address, NFT_TYPE_PORT}});
    nft_set_add(b, &(struct nft_set_spec){.name = "ports_at",
                                          .key = {f->address, NFT_TYPE_PROTO, NFT_TYPE_PORT},
                                          .data = {f->address, NFT_TYPE_PORT}});
    nft_set_add(b, &(struct nft_set_spec){.name = "pods", .key = {f->address, f->address}});
}

/* Packets for this machine whose port is mapped. */
static void add_mapping(struct nft_batch *b, const struct packet_family *f) {
    unsigned proto = f->words, port = proto + 1, to = port + 1; // behind the address
    for (int any = 0; any < 2; any++) {
        nft_rule_begin(b, "map");
        packet_x_if_local(b, to, false);
        packet_x_daddr(b, f, 0);
        packet_x_proto(b, proto);
        packet_x_dport(b, port);
        nft_x_map(b, any ? "ports" : "ports_at", any ? proto : 0, to);
        nft_x_dnat(b, to, to + f->words);
        nft_rule_end(b);
    }
}

/* Answers must come back this way: when a pod reaches itself, and when the sender's address means nothing
 * outside of this machine. */
static void add_masquerade(struct nft_batch *b, const struct packet_family *f) {
    nft_rule_begin(b, "postrouting");
    packet_x_if_dnat(b, 0);
    packet_x_saddr(b, f, 0);
    packet_x_daddr(b, f, f->words);
    nft_x_member(b, "pods", 0, false);
    nft_x_masquerade(b);
    nft_rule_end(b);
    if (f->number != 4)
        return;
    nft_rule_begin(b, "postrouting");
    packet_x_if_dnat(b, 0);
    packet_x_saddr(b, f, 0);
    nft_x_mask(b, 0, 0, __builtin_bswap32(0xff000000));
    nft_x_cmp(b, NFT_CMP_EQ, 0, (uint8_t[]){127, 0, 0, 0}, 4);
    nft_x_masquerade(b);
    nft_rule_end(b);
}

/* Pods are reached from 127.0.0.1, so the bridge routes such addresses; that must not open the node's own
 * loopback to the pods. */
static void add_guard(struct nft_batch *b, const struct packet_family *f) {
    if (f->number != 4)
        return;
    uint32_t loopback = 1;
    nft_chain_add(b, "guard", &(struct nft_hook){"filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW});
    nft_rule_begin(b, "guard");
    nft_x_meta(b, NFT_META_IIF, 0);
    nft_x_cmp(b, NFT_CMP_NEQ, 0, &loopback, sizeof loopback);
    packet_x_daddr(b, f, 0);
    nft_x_mask(b, 0, 0, __builtin_bswap32(0xff000000));
    nft_x_cmp(b, NFT_CMP_EQ, 0, (uint8_t[]){127, 0, 0, 0}, 4);
    nft_x_verdict(b, NF_DROP, NULL);
    nft_rule_end(b);
}

static void add_rules(struct nft_batch *b, const struct packet_family *f) {
    nft_chain_add(b, "map", NULL);
    add_mapping(b, f);
    nft_chain_add(b, "prerouting", &(struct nft_hook){"nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST});
    nft_chain_add(b, "output", &(struct nft_hook){"nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST});
    for (int i = 0; i < 2; i++) {
        nft_rule_begin(b, i ? "output" : "prerouting");
        nft_x_verdict(b, NFT_JUMP, "map");
        nft_rule_end(b);
    }
    nft_chain_add(b, "postrouting", &(struct nft_hook){"nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC});
    add_masquerade(b, f);
    add_guard(b, f);
}

static void add_port(struct nft_batch *b, const struct hostport *p) {
    bool any = !p->host.family || ip_is_unspecified(p->host);
    struct packet_key key = {.n = 0}, to = {.n = 0}, pair = {.n = 0};
    if (!any)
        packet_key_ip(&key, p->host);
    packet_key_proto(&key, p->protocol);
    packet_key_port(&key, p->host_port);
    packet_key_ip(&to, p->pod);
    packet_key_port(&to, p->pod_port);
    nft_elements_begin(b, any ? "ports" : "ports_at", true);
    nft_element(b, &(struct nft_element){key.bytes, key.n, .data = to.bytes, .data_bytes = to.n});
    nft_elements_end(b);
    packet_key_ip(&pair, p->pod);
    packet_key_ip(&pair, p->pod);
    nft_elements_begin(b, "pods", true);
    nft_element(b, &(struct nft_element){pair.bytes, pair.n});
    nft_elements_end(b);
}

static int apply(struct netlink *nl, const struct packet_family *f, const struct hostport *ports, size_t n,
                 struct err *err) {
    _cleanup_nft struct nft_batch b;
    nft_begin(&b, f->nfproto, TABLE);
    nft_table_add(&b); // so that there is one to delete
    nft_table_delete(&b);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (ports[i].pod.family != f->number || (ports[i].host.family && ports[i].host.family != f->number))
            continue;
        if (!count++) {
            nft_table_add(&b);
            add_sets(&b, f);
            add_rules(&b, f);
        }
        add_port(&b, &ports[i]);
    }
    return nft_commit(&b, nl, err);
}

int hostport_apply(const struct hostport *ports, size_t n, struct err *err) {
    _cleanup_netlink struct netlink nl = NETLINK_INIT;
    int rc = netlink_open(&nl, NETLINK_NETFILTER, err);
    if (!rc)
        rc = apply(&nl, &packet_ipv4, ports, n, err);
    bool ipv6 = false;
    for (size_t i = 0; i < n; i++)
        ipv6 |= ports[i].pod.family == 6;
    if (!rc) { // a kernel without IPv6 has no such table to clear either
        struct err ignored = ERR_INIT;
        int rc6 = apply(&nl, &packet_ipv6, ports, n, ipv6 ? err : &ignored);
        rc = ipv6 ? rc6 : 0;
    }
    return rc ? (err_wrap(err, "cannot map host ports"), rc) : 0;
}
