/* network/packet: where things are in packets, for rules of either IP family. */
#pragma once

#include <stdint.h>
#include <string.h>

#include "api/ip.h"
#include "network/nft.h"

struct packet_family {
    uint8_t number;  /* 4, 6 */
    uint8_t nfproto; /* NFPROTO_… */
    uint32_t saddr, daddr, address_bytes;
    unsigned words; /* registers that an address takes */
    enum nft_type address;
};

extern const struct packet_family packet_ipv4, packet_ipv6;

static inline const struct packet_family *packet_family(uint8_t number) {
    return number == 6 ? &packet_ipv6 : &packet_ipv4;
}

/* Keys of sets, built field by field, each from a whole word on. */
struct packet_key {
    uint8_t bytes[NFT_KEY_MAX];
    size_t n;
};

static inline void packet_key_ip(struct packet_key *k, struct ip ip) {
    k->n += ip_to_bytes(ip, k->bytes + k->n);
}
static inline void packet_key_proto(struct packet_key *k, uint8_t protocol) {
    memcpy(k->bytes + k->n, (uint8_t[4]){protocol}, 4);
    k->n += 4;
}
static inline void packet_key_port(struct packet_key *k, uint16_t port) {
    memcpy(k->bytes + k->n, (uint8_t[4]){(uint8_t)(port >> 8), (uint8_t)port}, 4);
    k->n += 4;
}
static inline void packet_key_number(struct packet_key *k, uint32_t v) {
    memcpy(k->bytes + k->n, &v, 4);
    k->n += 4;
}

/* Expressions: the packet's addresses and destination port into registers. */
void packet_x_saddr(struct nft_batch *b, const struct packet_family *f, unsigned to);
void packet_x_daddr(struct nft_batch *b, const struct packet_family *f, unsigned to);
void packet_x_proto(struct nft_batch *b, unsigned to);
void packet_x_dport(struct nft_batch *b, unsigned to);
/* The rule goes on only for connections that were sent elsewhere, only for the first packet of one. */
void packet_x_if_dnat(struct nft_batch *b, unsigned scratch);
void packet_x_if_new(struct nft_batch *b, unsigned scratch);
/* The rule goes on only when the packet is, or with `not` is not, for an address of this machine. */
void packet_x_if_local(struct nft_batch *b, unsigned scratch, bool not );
