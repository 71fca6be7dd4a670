/* See nft.h. A message's attributes nest: each is written with an open length that is closed when its content
 * is there. All offsets are into one growing buffer, since growing moves it. */
#include "network/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "base/err.h"
#include "network/nft_priv.h"

#define MESSAGE_BYTES_MAX 60000u /* of elements: their list's length has 16 bits */

/* -- messages and attributes -- */

void nft_message_begin(struct nft_batch *b, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id) {
    check(!b->message);
    struct nlmsghdr h = {
        .nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags), .nlmsg_seq = b->seq++};
    struct nfgenmsg g = {.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(res_id)};
    b->message = b->bytes.n + 1; // so that 0 is none
    buf_put(&b->bytes, &h, sizeof h);
    buf_put(&b->bytes, &g, sizeof g);
}

void nft_message_end(struct nft_batch *b) {
    check(b->message && !b->nest && !b->expr);
    uint32_t n = (uint32_t)(b->bytes.n - (b->message - 1));
    memcpy(b->bytes.p + b->message - 1, &n, sizeof n); // nlmsg_len comes first
    b->message = 0;
}

void nft_put(struct nft_batch *b, uint16_t type, const void *data, size_t n) {
    check(n <= UINT16_MAX - sizeof(struct nlattr));
    struct nlattr a = {.nla_len = (uint16_t)(sizeof a + n), .nla_type = type};
    buf_put(&b->bytes, &a, sizeof a);
    buf_put(&b->bytes, data, n);
    buf_put(&b->bytes, "\0\0\0", NLA_ALIGN(n) - n);
}

void nft_put_u32(struct nft_batch *b, uint16_t type, uint32_t v) {
    v = htonl(v);
    nft_put(b, type, &v, sizeof v);
}

void nft_put_text(struct nft_batch *b, uint16_t type, const char *text) {
    size_t n = strlen(text);
    check(n < NFT_NAME_MAX);
    nft_put(b, type, text, n + 1);
}

size_t nft_nest(struct nft_batch *b, uint16_t type) {
    size_t at = b->bytes.n;
    struct nlattr a = {.nla_type = (uint16_t)(type | NLA_F_NESTED)};
    buf_put(&b->bytes, &a, sizeof a);
    return at;
}

void nft_unnest(struct nft_batch *b, size_t at) {
    size_t n = b->bytes.n - at;
    check(n <= UINT16_MAX);
    uint16_t length = (uint16_t)n;
    memcpy(b->bytes.p + at, &length, sizeof length);
}

/* A value inside its nest. */
void nft_put_data(struct nft_batch *b, uint16_t type, const void *data, size_t n) {
    size_t at = nft_nest(b, type);
    nft_put(b, NFTA_DATA_VALUE, data, n);
    nft_unnest(b, at);
}

void nft_put_verdict(struct nft_batch *b, uint16_t type, int verdict, const char *chain) {
    size_t at = nft_nest(b, type);
    size_t inner = nft_nest(b, NFTA_DATA_VERDICT);
    nft_put_u32(b, NFTA_VERDICT_CODE, (uint32_t)verdict);
    if (chain)
        nft_put_text(b, NFTA_VERDICT_CHAIN, chain);
    nft_unnest(b, inner);
    nft_unnest(b, at);
}

static void begin(struct nft_batch *b, uint16_t type, uint16_t flags) {
    nft_message_begin(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, b->family, 0);
}

/* -- tables and chains -- */

void nft_begin(struct nft_batch *b, uint8_t family, const char *table) {
    *b = (struct nft_batch){.table = table, .family = family, .seq = 1};
    nft_message_begin(b, NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES);
    nft_message_end(b);
}

void nft_fini(struct nft_batch *b) {
    buf_fini(&b->bytes);
}

bool nft_empty(const struct nft_batch *b) {
    return b->seq <= 2;
}

void nft_table_add(struct nft_batch *b) {
    begin(b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    nft_put_text(b, NFTA_TABLE_NAME, b->table);
    nft_put_u32(b, NFTA_TABLE_FLAGS, 0);
    nft_message_end(b);
}

void nft_table_delete(struct nft_batch *b) {
    begin(b, NFT_MSG_DELTABLE, 0);
    nft_put_text(b, NFTA_TABLE_NAME, b->table);
    nft_message_end(b);
}

void nft_chain_add(struct nft_batch *b, const char *name, const struct nft_hook *hook) {
    begin(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    nft_put_text(b, NFTA_CHAIN_TABLE, b->table);
    nft_put_text(b, NFTA_CHAIN_NAME, name);
    if (hook) {
        size_t at = nft_nest(b, NFTA_CHAIN_HOOK);
        nft_put_u32(b, NFTA_HOOK_HOOKNUM, hook->hook);
        nft_put_u32(b, NFTA_HOOK_PRIORITY, (uint32_t)hook->priority);
        nft_unnest(b, at);
        nft_put_text(b, NFTA_CHAIN_TYPE, hook->type);
        nft_put_u32(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
    }
    nft_message_end(b);
}

void nft_chain_delete(struct nft_batch *b, const char *name) {
    begin(b, NFT_MSG_DELRULE, 0);
    nft_put_text(b, NFTA_RULE_TABLE, b->table);
    nft_put_text(b, NFTA_RULE_CHAIN, name);
    nft_message_end(b);
    begin(b, NFT_MSG_DELCHAIN, 0);
    nft_put_text(b, NFTA_CHAIN_TABLE, b->table);
    nft_put_text(b, NFTA_CHAIN_NAME, name);
    nft_message_end(b);
}

/* -- sets -- */

static uint32_t type_bytes(enum nft_type t) {
    return t == NFT_TYPE_IPV6 ? 16 : t == NFT_TYPE_PROTO ? 1 : t == NFT_TYPE_PORT ? 2 : 4;
}

struct shape {
    uint32_t type, bytes; /* nft's number of a list of types; bytes of all */
    unsigned fields;
};

/* Fields of a list each begin at a whole word; a single one is as long as it is. */
static struct shape shape_of(const enum nft_type t[NFT_FIELDS_MAX]) {
    struct shape s = {.type = 0};
    for (; s.fields < NFT_FIELDS_MAX && t[s.fields]; s.fields++) {
        s.type = s.type << 6 | t[s.fields]; // CONFORMS: nft's TYPE_BITS
        s.bytes += (type_bytes(t[s.fields]) + 3) & ~3u;
    }
    if (s.fields == 1)
        s.bytes = type_bytes(t[0]);
    return s;
}

static void put_fields(struct nft_batch *b, const struct nft_set_spec *spec, struct shape key) {
    size_t desc = nft_nest(b, NFTA_SET_DESC), concat = nft_nest(b, NFTA_SET_DESC_CONCAT);
    for (unsigned i = 0; i < key.fields; i++) {
        size_t field = nft_nest(b, NFTA_LIST_ELEM);
        nft_put_u32(b, NFTA_SET_FIELD_LEN, type_bytes(spec->key[i]));
        nft_unnest(b, field);
    }
    nft_unnest(b, concat);
    nft_unnest(b, desc);
}

void nft_set_add(struct nft_batch *b, const struct nft_set_spec *spec) {
    struct shape key = shape_of(spec->key), data = shape_of(spec->data);
    uint32_t flags = (data.bytes || spec->verdicts ? NFT_SET_MAP : 0) |
                     (spec->dynamic ? NFT_SET_EVAL | NFT_SET_TIMEOUT : 0) |
                     (spec->intervals ? NFT_SET_INTERVAL : 0) |
                     (spec->intervals && key.fields > 1 ? NFT_SET_CONCAT : 0);
    begin(b, NFT_MSG_NEWSET, NLM_F_CREATE);
    nft_put_text(b, NFTA_SET_TABLE, b->table);
    nft_put_text(b, NFTA_SET_NAME, spec->name);
    nft_put_u32(b, NFTA_SET_FLAGS, flags);
    nft_put_u32(b, NFTA_SET_KEY_TYPE, key.type);
    nft_put_u32(b, NFTA_SET_KEY_LEN, key.bytes);
    if (spec->verdicts)
        nft_put_u32(b, NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
    if (data.bytes) {
        nft_put_u32(b, NFTA_SET_DATA_TYPE, data.type);
        nft_put_u32(b, NFTA_SET_DATA_LEN, data.bytes);
    }
    nft_put_u32(b, NFTA_SET_ID, ++b->set_ids);
    if (flags & NFT_SET_CONCAT)
        put_fields(b, spec, key);
    nft_message_end(b);
}

void nft_elements_begin(struct nft_batch *b, const char *set, bool add) {
    check(!b->set);
    b->set = set;
    b->adding = add;
}

static void elements_open(struct nft_batch *b) {
    begin(b, b->adding ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, b->adding ? NLM_F_CREATE : 0);
    nft_put_text(b, NFTA_SET_ELEM_LIST_TABLE, b->table);
    nft_put_text(b, NFTA_SET_ELEM_LIST_SET, b->set);
    b->list = nft_nest(b, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void elements_close(struct nft_batch *b) {
    if (!b->message)
        return;
    nft_unnest(b, b->list);
    nft_message_end(b);
}

void nft_element(struct nft_batch *b, const struct nft_element *e) {
    check(b->set && e->key_bytes <= NFT_KEY_MAX && e->data_bytes <= NFT_KEY_MAX);
    if (b->message && b->bytes.n - b->list > MESSAGE_BYTES_MAX)
        elements_close(b);
    if (!b->message)
        elements_open(b);
    size_t at = nft_nest(b, NFTA_LIST_ELEM);
    if (e->interval_end)
        nft_put_u32(b, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
    nft_put_data(b, NFTA_SET_ELEM_KEY, e->key, e->key_bytes);
    if (e->key_end)
        nft_put_data(b, NFTA_SET_ELEM_KEY_END, e->key_end, e->key_bytes);
    if (e->data_bytes)
        nft_put_data(b, NFTA_SET_ELEM_DATA, e->data, e->data_bytes);
    else if (e->chain || e->drop)
        nft_put_verdict(b, NFTA_SET_ELEM_DATA, e->chain ? NFT_GOTO : NF_DROP, e->chain);
    nft_unnest(b, at);
}

void nft_elements_end(struct nft_batch *b) {
    elements_close(b);
    b->set = NULL;
}

void nft_set_flush(struct nft_batch *b, const char *set) {
    begin(b, NFT_MSG_DELSETELEM, 0);
    nft_put_text(b, NFTA_SET_ELEM_LIST_TABLE, b->table);
    nft_put_text(b, NFTA_SET_ELEM_LIST_SET, set);
    nft_message_end(b);
}

void nft_rule_begin(struct nft_batch *b, const char *chain) {
    begin(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    nft_put_text(b, NFTA_RULE_TABLE, b->table);
    nft_put_text(b, NFTA_RULE_CHAIN, chain);
    b->nest = nft_nest(b, NFTA_RULE_EXPRESSIONS);
}

void nft_rule_end(struct nft_batch *b) {
    nft_unnest(b, b->nest);
    b->nest = 0;
    nft_message_end(b);
}
