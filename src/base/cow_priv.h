/* base/cow_priv: the nodes of the copy-on-write tree and the search inside them; for cow.c and cow_read.c
 * only.
 *
 * Beside each key (in a leaf) or separator (in an inner node) lies its head: the eight bytes behind the
 * prefix that all keys of the node share, as a big-endian number, zeros behind the end. A search compares the
 * prefix once and then numbers, which lie side by side; only for equal heads it must look at the text, which
 * lies elsewhere.
 */
#pragma once

#include <endian.h>
#include <stdatomic.h>

#include "base/cow.h"

#ifndef COW_FANOUT
#define COW_FANOUT 64 /* a test builds the tree with few, to make it high */
#endif
#define COW_PREFIX_MAX 116 /* fills the header up to two cache lines; what is longer is compared as text */

#define COW_NO_HEAD UINT64_MAX /* not less than anything */

struct cow_node {
    _Atomic(uint32_t) refs; /* handles and parents */
    uint16_t n;             /* items of a leaf, children of an inner node */
    uint8_t level;          /* 0: leaf */
    uint32_t skip;          /* length of prefix */
    char prefix[COW_PREFIX_MAX];
    uint64_t heads[COW_FANOUT]; /* inner: of the n - 1 separators; behind the last: COW_NO_HEAD */
} __attribute__((aligned(64)));

struct cow_leaf {
    struct cow_node node;
    struct cow_item items[COW_FANOUT];
};

/* The separators of an inner node, owned copies: they stay when the key they came from is removed. Shared by
 * copies of the node; never changed. */
struct cow_seps {
    _Atomic(uint32_t) refs;
    uint32_t n;
    uint32_t ends[COW_FANOUT]; /* separator i is bytes [ends[i - 1], ends[i]) */
    char bytes[];
};

/* Keys of child[i] are at least separator i - 1 and less than separator i. */
struct cow_inner {
    struct cow_node node;
    struct cow_node *child[COW_FANOUT];
    uint32_t count[COW_FANOUT]; /* items below child[i] */
    struct cow_seps *seps;
};

/* A place between keys that a search looks for. */
enum cow_where {
    COW_AT,           /* just before the key */
    COW_AFTER,        /* just behind it */
    COW_AFTER_PREFIX, /* behind everything that begins so */
};

struct cow_probe {
    struct str key;
    enum cow_where where;
};

static inline const struct cow_leaf *cow_as_leaf(const struct cow_node *n) {
    return (const struct cow_leaf *)n;
}

static inline const struct cow_inner *cow_as_inner(const struct cow_node *n) {
    return (const struct cow_inner *)n;
}

static inline struct str cow_sep(const struct cow_seps *s, unsigned i) {
    uint32_t from = i ? s->ends[i - 1] : 0;
    return str_make(s->bytes + from, s->ends[i] - from);
}

/* The eight bytes behind `skip` as a number, `pad` behind the end. */
static inline uint64_t cow_head(struct str key, size_t skip, unsigned char pad) {
    if (key.n >= skip + 8) {
        uint64_t v;
        memcpy(&v, key.p + skip, 8);
        return be64toh(v);
    }
    uint64_t v = 0;
    for (size_t i = skip; i < skip + 8; i++)
        v = v << 8 | (i < key.n ? (unsigned char)key.p[i] : pad);
    return v;
}

static inline uint64_t cow_probe_head(const struct cow_probe *p, size_t skip) {
    return cow_head(p->key, skip, p->where == COW_AFTER_PREFIX ? 0xff : 0);
}

/* <0: the key lies before the probe, >0: behind it, 0: it is the key itself (COW_AT). Both share `skip`
 * bytes. */
static inline int cow_compare(struct str key, const struct cow_probe *p, size_t skip) {
    size_t n = key.n < p->key.n ? key.n : p->key.n;
    int c = n > skip ? memcmp(key.p + skip, p->key.p + skip, n - skip) : 0;
    if (c || key.n < p->key.n)
        return c ? c : -1;
    if (p->where == COW_AFTER_PREFIX || (p->where == COW_AFTER && key.n == p->key.n))
        return -1;
    return key.n > p->key.n;
}

/* Equality of short texts without a call. */
static inline bool cow_same_bytes(const char *a, const char *b, size_t n) {
    if (n < 8)
        return memcmp(a, b, n) == 0;
    uint64_t x, y, differ = 0;
    for (size_t i = 0; i < n - 8; i += 8) {
        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        differ |= x ^ y;
    }
    memcpy(&x, a + n - 8, 8);
    memcpy(&y, b + n - 8, 8);
    return (differ | (x ^ y)) == 0;
}

/* Where the probe lies relative to the keys that share the node's prefix: <0 before all, >0 behind all, 0
 * among them. */
static inline int cow_compare_prefix(const struct cow_node *node, const struct cow_probe *p) {
    size_t n = node->skip < p->key.n ? node->skip : p->key.n;
    int c = n && !cow_same_bytes(p->key.p, node->prefix, n) ? memcmp(p->key.p, node->prefix, n) : 0;
    if (c || n == node->skip)
        return c;
    return p->where == COW_AFTER_PREFIX ? 1 : -1;
}

#define COW_BLOCK 8 /* heads in a cache line */

/* How many heads are less than v. Counts among the last heads of all cache lines, then within one line: two
 * steps, each of comparisons that do not wait for each other, where halving would take six that do. */
static inline unsigned cow_count_less(const struct cow_node *node, uint64_t v) {
    unsigned block = 0, n = 0;
    for (unsigned i = COW_BLOCK - 1; i < COW_FANOUT; i += COW_BLOCK)
        block += node->heads[i] < v;
    if (block == COW_FANOUT / COW_BLOCK)
        return COW_FANOUT;
    const uint64_t *heads = node->heads + block * COW_BLOCK;
    for (unsigned i = 0; i < COW_BLOCK; i++)
        n += heads[i] < v;
    return block * COW_BLOCK + n;
}

/* Index of the child whose range has the probe. */
unsigned cow_inner_find(const struct cow_inner *in, const struct cow_probe *p);

/* How many items lie before the probe; *ret_equal: the next one is the key itself. */
unsigned cow_leaf_find(const struct cow_leaf *leaf, const struct cow_probe *p, bool *ret_equal);

/* Brings the searched part of a node that is about to be searched into the cache. */
static inline void cow_prefetch(const struct cow_node *n) {
    for (size_t at = 0; at < sizeof *n; at += 64)
        __builtin_prefetch((const char *)n + at);
}

/* The same, with what a search in an inner node leads to. */
static inline void cow_prefetch_inner(const struct cow_node *n) {
    for (size_t at = 0; at < offsetof(struct cow_inner, count); at += 64)
        __builtin_prefetch((const char *)n + at);
}
