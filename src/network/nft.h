/* network/nft: batches of changes to nftables, as bytes for the kernel.
 *
 *     _cleanup_nft struct nft_batch b;
 *     nft_begin(&b, NFPROTO_IPV4, "coxswain");
 *     nft_table_add(&b);
 *     nft_map_add(&b, &(struct nft_set_spec){.name = "services", …});
 *     nft_elements_begin(&b, "services", true);
 *     nft_element(&b, &(struct nft_element){.key = key, .key_bytes = 12, .data = data, .data_bytes = 8});
 *     nft_elements_end(&b);
 *     nft_commit(&b, &nl, &err);
 *
 * A batch is one transaction: all of it happens or nothing. It writes what nfnetlink reads, without a library
 * between: see docs/decisions for what that buys. Names are of this program and shorter than NFT_NAME_MAX.
 *
 * Memory: the batch owns its bytes; what it is told is copied. One thread. nft_commit blocks for the kernel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct netlink;
struct nlattr;
struct nlmsghdr;

#define NFT_NAME_MAX 64u
#define NFT_KEY_MAX 64u /* bytes of a key, and of data */

struct nft_batch {
    struct buf bytes;
    const char *table;
    uint8_t family;
    uint32_t seq;
    uint32_t set_ids;
    /* offsets of what is open; 0: nothing */
    size_t message, nest, list, expr;
    const char *set; /* whose elements are being written */
    bool adding;
};

/* An empty batch; `table` outlives it. */
void nft_begin(struct nft_batch *b, uint8_t family, const char *table);
void nft_fini(struct nft_batch *b);
#define _cleanup_nft __attribute__((cleanup(nft_fini)))

/* Nothing but the frame. */
bool nft_empty(const struct nft_batch *b);

/* Sends the batch over a NETLINK_NETFILTER socket. On failure nothing was changed; the message names the
 * first thing that was refused. The batch is used up. */
int nft_commit(struct nft_batch *b, struct netlink *nl, struct err *err);

/* -- tables and chains -- */

void nft_table_add(struct nft_batch *b);
/* The table must be there: add it before, when in doubt. */
void nft_table_delete(struct nft_batch *b);

struct nft_hook {
    const char *type; /* "filter", "nat" */
    uint32_t hook;    /* NF_INET_… */
    int32_t priority;
};
/* hook NULL: a chain that others go to. */
void nft_chain_add(struct nft_batch *b, const char *name, const struct nft_hook *hook);
/* With its rules. */
void nft_chain_delete(struct nft_batch *b, const char *name);

/* -- sets and maps -- */

/* Types as nft prints them; each takes whole words of four bytes in a key. */
enum nft_type {
    NFT_TYPE_NONE = 0,
    NFT_TYPE_IPV4 = 7,
    NFT_TYPE_IPV6 = 8,
    NFT_TYPE_PROTO = 12,
    NFT_TYPE_PORT = 13,
    NFT_TYPE_MARK = 19,
};
#define NFT_FIELDS_MAX 5u

struct nft_set_spec {
    const char *name;
    enum nft_type key[NFT_FIELDS_MAX];  /* up to the first NFT_TYPE_NONE */
    enum nft_type data[NFT_FIELDS_MAX]; /* of maps */
    bool verdicts;                      /* a map to chains */
    bool intervals;                     /* keys have an end */
    bool dynamic;                       /* rules add elements, which time out */
};
void nft_set_add(struct nft_batch *b, const struct nft_set_spec *spec);

struct nft_element {
    const void *key;
    size_t key_bytes;
    const void *key_end; /* of intervals of several fields, as long as the key; else NULL */
    bool interval_end;   /* of intervals of one field: the first key behind it */
    const void *data;    /* of maps to data */
    size_t data_bytes;
    const char *chain; /* of maps to verdicts: go there */
    bool drop;         /* the same: drop */
};
void nft_elements_begin(struct nft_batch *b, const char *set, bool add);
void nft_element(struct nft_batch *b, const struct nft_element *e);
void nft_elements_end(struct nft_batch *b);
/* Removes all elements. */
void nft_set_flush(struct nft_batch *b, const char *set);

/* -- rules: expressions between begin and end; registers are numbers of words, 0 to 15 -- */

void nft_rule_begin(struct nft_batch *b, const char *chain);
void nft_rule_end(struct nft_batch *b);

void nft_x_payload(struct nft_batch *b, uint32_t base, uint32_t offset, uint32_t n, unsigned to);
void nft_x_meta(struct nft_batch *b, uint32_t key, unsigned to);
/* direction < 0: the key has none. */
void nft_x_ct(struct nft_batch *b, uint32_t key, int direction, unsigned to);
void nft_x_cmp(struct nft_batch *b, uint32_t op, unsigned reg, const void *data, size_t n);
void nft_x_mask(struct nft_batch *b, unsigned reg, unsigned to, uint32_t mask);
void nft_x_number(struct nft_batch *b, unsigned to, uint32_t value);
/* In the set, or with invert not in it. */
void nft_x_member(struct nft_batch *b, const char *set, unsigned reg, bool invert);
/* The rule ends here when the map has no such key. */
void nft_x_map(struct nft_batch *b, const char *map, unsigned reg, unsigned to);
void nft_x_verdict_map(struct nft_batch *b, const char *map, unsigned reg);
void nft_x_random(struct nft_batch *b, uint32_t below, unsigned to);
/* The type of the packet's destination address (RTN_…), as this machine sees it. */
void nft_x_fib_daddr_type(struct nft_batch *b, unsigned to);
void nft_x_dnat(struct nft_batch *b, unsigned address, unsigned port);
void nft_x_masquerade(struct nft_batch *b);
void nft_x_reject(struct nft_batch *b, uint32_t type, uint8_t code);
/* Puts key → data into a dynamic map, or makes it live longer. */
void nft_x_remember(struct nft_batch *b, const char *map, unsigned key, unsigned data, uint64_t timeout_ms);
/* NF_ACCEPT, NF_DROP, NFT_RETURN, or NFT_GOTO and NFT_JUMP with a chain. */
void nft_x_verdict(struct nft_batch *b, int verdict, const char *chain);
