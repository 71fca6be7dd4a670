/* See nft.h: the expressions of rules. */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "base/err.h"
#include "network/nft.h"
#include "network/nft_priv.h"

/* Registers of four bytes; the sixteen of them hold what a rule works with. */
static uint32_t word(unsigned reg) {
    check(reg < 16);
    return NFT_REG32_00 + reg;
}

struct open_expr {
    size_t expr, data;
};

static struct open_expr open_expr(struct nft_batch *b, const char *name) {
    check(b->nest);
    struct open_expr x = {.expr = nft_nest(b, NFTA_LIST_ELEM)};
    nft_put_text(b, NFTA_EXPR_NAME, name);
    x.data = nft_nest(b, NFTA_EXPR_DATA);
    return x;
}

static void close_expr(struct nft_batch *b, struct open_expr x) {
    nft_unnest(b, x.data);
    nft_unnest(b, x.expr);
}

void nft_x_payload(struct nft_batch *b, uint32_t base, uint32_t offset, uint32_t n, unsigned to) {
    struct open_expr x = open_expr(b, "payload");
    nft_put_u32(b, NFTA_PAYLOAD_DREG, word(to));
    nft_put_u32(b, NFTA_PAYLOAD_BASE, base);
    nft_put_u32(b, NFTA_PAYLOAD_OFFSET, offset);
    nft_put_u32(b, NFTA_PAYLOAD_LEN, n);
    close_expr(b, x);
}

void nft_x_meta(struct nft_batch *b, uint32_t key, unsigned to) {
    struct open_expr x = open_expr(b, "meta");
    nft_put_u32(b, NFTA_META_KEY, key);
    nft_put_u32(b, NFTA_META_DREG, word(to));
    close_expr(b, x);
}

void nft_x_ct(struct nft_batch *b, uint32_t key, int direction, unsigned to) {
    struct open_expr x = open_expr(b, "ct");
    nft_put_u32(b, NFTA_CT_KEY, key);
    nft_put_u32(b, NFTA_CT_DREG, word(to));
    if (direction >= 0) {
        uint8_t d = (uint8_t)direction;
        nft_put(b, NFTA_CT_DIRECTION, &d, 1);
    }
    close_expr(b, x);
}

void nft_x_cmp(struct nft_batch *b, uint32_t op, unsigned reg, const void *data, size_t n) {
    struct open_expr x = open_expr(b, "cmp");
    nft_put_u32(b, NFTA_CMP_SREG, word(reg));
    nft_put_u32(b, NFTA_CMP_OP, op);
    nft_put_data(b, NFTA_CMP_DATA, data, n);
    close_expr(b, x);
}

void nft_x_mask(struct nft_batch *b, unsigned reg, unsigned to, uint32_t mask) {
    uint32_t zero = 0;
    struct open_expr x = open_expr(b, "bitwise");
    nft_put_u32(b, NFTA_BITWISE_SREG, word(reg));
    nft_put_u32(b, NFTA_BITWISE_DREG, word(to));
    nft_put_u32(b, NFTA_BITWISE_LEN, sizeof mask);
    nft_put_data(b, NFTA_BITWISE_MASK, &mask, sizeof mask);
    nft_put_data(b, NFTA_BITWISE_XOR, &zero, sizeof zero);
    close_expr(b, x);
}

void nft_x_number(struct nft_batch *b, unsigned to, uint32_t value) {
    struct open_expr x = open_expr(b, "immediate");
    nft_put_u32(b, NFTA_IMMEDIATE_DREG, word(to));
    nft_put_data(b, NFTA_IMMEDIATE_DATA, &value, sizeof value);
    close_expr(b, x);
}

static struct open_expr open_lookup(struct nft_batch *b, const char *set, unsigned reg) {
    struct open_expr x = open_expr(b, "lookup");
    nft_put_text(b, NFTA_LOOKUP_SET, set);
    nft_put_u32(b, NFTA_LOOKUP_SREG, word(reg));
    return x;
}

void nft_x_member(struct nft_batch *b, const char *set, unsigned reg, bool invert) {
    struct open_expr x = open_lookup(b, set, reg);
    if (invert)
        nft_put_u32(b, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
    close_expr(b, x);
}

void nft_x_map(struct nft_batch *b, const char *map, unsigned reg, unsigned to) {
    struct open_expr x = open_lookup(b, map, reg);
    nft_put_u32(b, NFTA_LOOKUP_DREG, word(to));
    close_expr(b, x);
}

void nft_x_verdict_map(struct nft_batch *b, const char *map, unsigned reg) {
    struct open_expr x = open_lookup(b, map, reg);
    nft_put_u32(b, NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
    close_expr(b, x);
}

void nft_x_random(struct nft_batch *b, uint32_t below, unsigned to) {
    struct open_expr x = open_expr(b, "numgen");
    nft_put_u32(b, NFTA_NG_DREG, word(to));
    nft_put_u32(b, NFTA_NG_MODULUS, below);
    nft_put_u32(b, NFTA_NG_TYPE, NFT_NG_RANDOM);
    nft_put_u32(b, NFTA_NG_OFFSET, 0);
    close_expr(b, x);
}

void nft_x_fib_daddr_type(struct nft_batch *b, unsigned to) {
    struct open_expr x = open_expr(b, "fib");
    nft_put_u32(b, NFTA_FIB_DREG, word(to));
    nft_put_u32(b, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    nft_put_u32(b, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
    close_expr(b, x);
}

void nft_x_dnat(struct nft_batch *b, unsigned address, unsigned port) {
    struct open_expr x = open_expr(b, "nat");
    nft_put_u32(b, NFTA_NAT_TYPE, NFT_NAT_DNAT);
    nft_put_u32(b, NFTA_NAT_FAMILY, b->family);
    nft_put_u32(b, NFTA_NAT_REG_ADDR_MIN, word(address));
    nft_put_u32(b, NFTA_NAT_REG_PROTO_MIN, word(port));
    nft_put_u32(b, NFTA_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
    close_expr(b, x);
}

void nft_x_masquerade(struct nft_batch *b) {
    struct open_expr x = open_expr(b, "masq");
    nft_put_u32(b, NFTA_MASQ_FLAGS, NF_NAT_RANGE_PROTO_RANDOM_FULLY); // or two connections may take one port
    close_expr(b, x);
}

void nft_x_reject(struct nft_batch *b, uint32_t type, uint8_t code) {
    struct open_expr x = open_expr(b, "reject");
    nft_put_u32(b, NFTA_REJECT_TYPE, type);
    nft_put(b, NFTA_REJECT_ICMP_CODE, &code, 1);
    close_expr(b, x);
}

void nft_x_remember(struct nft_batch *b, const char *map, unsigned key, unsigned data, uint64_t timeout_ms) {
    struct open_expr x = open_expr(b, "dynset");
    nft_put_text(b, NFTA_DYNSET_SET_NAME, map);
    nft_put_u32(b, NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
    nft_put_u32(b, NFTA_DYNSET_SREG_KEY, word(key));
    nft_put_u32(b, NFTA_DYNSET_SREG_DATA, word(data));
    uint64_t timeout = htobe64(timeout_ms);
    nft_put(b, NFTA_DYNSET_TIMEOUT, &timeout, sizeof timeout);
    close_expr(b, x);
}

void nft_x_verdict(struct nft_batch *b, int verdict, const char *chain) {
    struct open_expr x = open_expr(b, "immediate");
    nft_put_u32(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    nft_put_verdict(b, NFTA_IMMEDIATE_DATA, verdict, chain);
    close_expr(b, x);
}
