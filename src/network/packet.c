/* See packet.h. */
#include "network/packet.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

const struct packet_family packet_ipv4 = {.number = 4,
                                          .nfproto = NFPROTO_IPV4,
                                          .saddr = 12,
                                          .daddr = 16,
                                          .address_bytes = 4,
                                          .words = 1,
                                          .address = NFT_TYPE_IPV4};
const struct packet_family packet_ipv6 = {.number = 6,
                                          .nfproto = NFPROTO_IPV6,
                                          .saddr = 8,
                                          .daddr = 24,
                                          .address_bytes = 16,
                                          .words = 4,
                                          .address = NFT_TYPE_IPV6};

void packet_x_saddr(struct nft_batch *b, const struct packet_family *f, unsigned to) {
    nft_x_payload(b, NFT_PAYLOAD_NETWORK_HEADER, f->saddr, f->address_bytes, to);
}

void packet_x_daddr(struct nft_batch *b, const struct packet_family *f, unsigned to) {
    nft_x_payload(b, NFT_PAYLOAD_NETWORK_HEADER, f->daddr, f->address_bytes, to);
}

void packet_x_proto(struct nft_batch *b, unsigned to) {
    nft_x_meta(b, NFT_META_L4PROTO, to);
}

void packet_x_dport(struct nft_batch *b, unsigned to) {
    nft_x_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, to); // of TCP, UDP and SCTP alike
}

static void if_bits(struct nft_batch *b, unsigned reg, uint32_t bits) {
    uint32_t zero = 0;
    nft_x_mask(b, reg, reg, bits);
    nft_x_cmp(b, NFT_CMP_NEQ, reg, &zero, sizeof zero);
}

void packet_x_if_dnat(struct nft_batch *b, unsigned scratch) {
    nft_x_ct(b, NFT_CT_STATUS, -1, scratch);
    if_bits(b, scratch, IPS_DST_NAT);
}

void packet_x_if_new(struct nft_batch *b, unsigned scratch) {
    nft_x_ct(b, NFT_CT_STATE, -1, scratch);
    if_bits(b, scratch, NF_CT_STATE_BIT(IP_CT_NEW));
}

void packet_x_if_local(struct nft_batch *b, unsigned scratch, bool not ) {
    uint32_t local = RTN_LOCAL;
    nft_x_fib_daddr_type(b, scratch);
    nft_x_cmp(b, not ? NFT_CMP_NEQ : NFT_CMP_EQ, scratch, &local, sizeof local);
}
