/* Reading the copy-on-write tree. See cow.h. */
#include "base/cow_priv.h"

#include "base/err.h"

/* End of the run of heads equal to v among the first n, which begins at `at`. */
static unsigned end_of_run(const struct cow_node *node, unsigned n, unsigned at, uint64_t v) {
    if (at + 1 == n || node->heads[at + 1] != v)
        return at + 1;
    return v == UINT64_MAX ? n : cow_count_less(node, v + 1);
}

unsigned cow_inner_find(const struct cow_inner *in, const struct cow_probe *p) {
    const struct cow_node *node = &in->node;
    unsigned n = node->n - 1u;
    int c = cow_compare_prefix(node, p);
    if (c)
        return c < 0 ? 0 : n;
    uint64_t head = cow_probe_head(p, node->skip);
    unsigned low = cow_count_less(node, head);
    if (low >= n || node->heads[low] != head)
        return low;
    unsigned high = end_of_run(node, n, low, head);
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (cow_compare(cow_sep(in->seps, mid), p, node->skip + 8) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

unsigned cow_leaf_find(const struct cow_leaf *leaf, const struct cow_probe *p, bool *ret_equal) {
    const struct cow_node *node = &leaf->node;
    *ret_equal = false;
    int c = cow_compare_prefix(node, p);
    if (c)
        return c < 0 ? 0 : node->n;
    uint64_t head = cow_probe_head(p, node->skip);
    unsigned low = cow_count_less(node, head);
    if (low >= node->n || node->heads[low] != head)
        return low;
    unsigned high = end_of_run(node, node->n, low, head);
    while (low < high) {
        unsigned mid = (low + high) / 2;
        c = cow_compare(leaf->items[mid].key, p, node->skip + 8);
        if (c == 0) {
            *ret_equal = true;
            return mid;
        }
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static inline const struct cow_leaf *descend(const struct cow_node *node, const struct cow_probe *p) {
    while (node->level) {
        const struct cow_inner *in = cow_as_inner(node);
        bool above_leaves = node->level == 1;
        node = in->child[cow_inner_find(in, p)];
        if (above_leaves)
            cow_prefetch(node);
        else
            cow_prefetch_inner(node);
    }
    return cow_as_leaf(node);
}

/* Whether the key, whose head equals that of item i, is the key of item i. The text is compared only when the
 * prefix and the head do not cover the whole key: it lies elsewhere and is the costliest byte to get. */
static inline bool is_item(const struct cow_leaf *leaf, unsigned i, struct str key) {
    const struct cow_node *node = &leaf->node;
    if (leaf->items[i].key.n != key.n)
        return false;
    if (key.n > node->skip + 8)
        return memcmp(leaf->items[i].key.p, key.p, key.n) == 0;
    return cow_same_bytes(node->prefix, key.p, node->skip);
}

void *cow_get(const struct cow *c, struct str key) {
    if (!c->root)
        return NULL;
    struct cow_probe p = {key, COW_AT};
    const struct cow_leaf *leaf = descend(c->root, &p);
    const struct cow_node *node = &leaf->node;
    if (key.n < node->skip)
        return NULL;
    uint64_t head = cow_head(key, node->skip, 0);
    for (unsigned i = cow_count_less(node, head); i < node->n && node->heads[i] == head; i++)
        if (is_item(leaf, i, key))
            return leaf->items[i].value;
    return NULL;
}

static uint64_t rank_of(const struct cow_node *node, const struct cow_probe *p) {
    uint64_t before = 0;
    while (node->level) {
        const struct cow_inner *in = cow_as_inner(node);
        unsigned at = cow_inner_find(in, p);
        node = in->child[at];
        cow_prefetch(node);
        for (unsigned i = 0; i < at; i++)
            before += in->count[i];
    }
    bool equal;
    return before + cow_leaf_find(cow_as_leaf(node), p, &equal);
}

uint64_t cow_rank(const struct cow *c, struct str key) {
    struct cow_probe p = {key, COW_AT};
    return c->root ? rank_of(c->root, &p) : 0;
}

uint64_t cow_count_range(const struct cow *c, struct str from, struct str to) {
    uint64_t low = cow_rank(c, from), high = to.p ? cow_rank(c, to) : c->n;
    return high > low ? high - low : 0;
}

uint64_t cow_count_prefix(const struct cow *c, struct str prefix) {
    struct cow_probe p = {prefix, COW_AFTER_PREFIX};
    return c->root ? rank_of(c->root, &p) - cow_rank(c, prefix) : 0;
}

const struct cow_item *cow_nth(const struct cow *c, uint64_t i) {
    if (i >= c->n)
        return NULL;
    const struct cow_node *node = c->root;
    while (node->level) {
        const struct cow_inner *in = cow_as_inner(node);
        unsigned k = 0;
        for (; i >= in->count[k]; k++)
            i -= in->count[k];
        node = in->child[k];
    }
    return &cow_as_leaf(node)->items[i];
}

const struct cow_item *cow_first(const struct cow *c) {
    return cow_nth(c, 0);
}

const struct cow_item *cow_last(const struct cow *c) {
    return c->n ? cow_nth(c, c->n - 1) : NULL;
}

/* -- iterators -- */

static void enter_leaf(struct cow_iter *it, const struct cow_leaf *leaf) {
    it->leaf = leaf;
    it->begin = leaf == it->first_leaf ? it->first : leaf->items;
    it->end = leaf == it->last_leaf ? it->last : leaf->items + leaf->node.n;
}

/* Descends to the probe and notes the path. */
static const struct cow_leaf *descend_noting(struct cow_iter *it, const struct cow_probe *p) {
    const struct cow_node *node = it->root;
    it->depth = 0;
    while (node->level) {
        const struct cow_inner *in = cow_as_inner(node);
        unsigned at = cow_inner_find(in, p);
        check(it->depth < COW_DEPTH_MAX);
        it->path[it->depth].node = in;
        it->path[it->depth++].child = at;
        node = in->child[at];
    }
    return cow_as_leaf(node);
}

static struct cow_iter *start_empty(struct cow_iter *it) {
    it->at = it->begin = it->end = it->first = it->last = NULL;
    it->leaf = it->first_leaf = it->last_leaf = NULL;
    it->root = NULL;
    it->depth = 0;
    return it;
}

/* `to` NULL: up to the end. from must not lie behind to. */
static struct cow_iter *start(struct cow_iter *it, const struct cow *c, const struct cow_probe *from,
                              const struct cow_probe *to) {
    if (!c->root)
        return start_empty(it);
    bool equal;
    it->root = c->root;
    it->last_leaf = NULL;
    it->last = NULL;
    if (to) {
        it->last_leaf = descend(c->root, to);
        it->last = it->last_leaf->items + cow_leaf_find(it->last_leaf, to, &equal);
    }
    it->first_leaf = descend_noting(it, from);
    it->first = it->first_leaf->items + cow_leaf_find(it->first_leaf, from, &equal);
    enter_leaf(it, it->first_leaf);
    it->at = it->begin;
    return it;
}

struct cow_iter *cow_all(struct cow_iter *it, const struct cow *c) {
    return start(it, c, &(struct cow_probe){S(""), COW_AT}, NULL);
}

struct cow_iter *cow_range(struct cow_iter *it, const struct cow *c, struct str from, struct str to) {
    if (to.p && str_cmp(from, to) >= 0)
        return start_empty(it);
    struct cow_probe low = {from, COW_AT}, high = {to, COW_AT};
    return start(it, c, &low, to.p ? &high : NULL);
}

struct cow_iter *cow_prefix(struct cow_iter *it, const struct cow *c, struct str prefix) {
    struct cow_probe low = {prefix, COW_AT}, high = {prefix, COW_AFTER_PREFIX};
    return start(it, c, &low, &high);
}

struct cow_iter *cow_prefix_after(struct cow_iter *it, const struct cow *c, struct str prefix,
                                  struct str after) {
    int order = str_cmp(after, prefix);
    if (order < 0)
        return cow_prefix(it, c, prefix);
    if (!str_has_prefix(after, prefix))
        return start_empty(it);
    struct cow_probe low = {after, COW_AFTER}, high = {prefix, COW_AFTER_PREFIX};
    return start(it, c, &low, &high);
}

/* Any key of the last leaf leads there again. */
struct cow_iter *cow_seek_end(struct cow_iter *it) {
    if (!it->root)
        return it;
    struct cow_probe p = {STR_NONE, COW_AFTER_PREFIX};
    if (it->last_leaf)
        p = (struct cow_probe){it->last_leaf->items[0].key, COW_AT};
    enter_leaf(it, descend_noting(it, &p));
    check(!it->last_leaf || it->leaf == it->last_leaf);
    it->at = it->end;
    return it;
}

/* Moves the path to the neighbouring leaf. NULL when there is none. */
static const struct cow_leaf *step(struct cow_iter *it, bool forward) {
    unsigned d = it->depth;
    while (d > 0) {
        unsigned child = it->path[d - 1].child;
        if (forward ? child + 1u < it->path[d - 1].node->node.n : child > 0)
            break;
        d--;
    }
    if (d == 0)
        return NULL;
    it->path[d - 1].child += forward ? 1u : -1u;
    const struct cow_node *node = it->path[d - 1].node->child[it->path[d - 1].child];
    for (; node->level; d++) {
        const struct cow_inner *in = cow_as_inner(node);
        it->path[d].node = in;
        it->path[d].child = forward ? 0 : in->node.n - 1u;
        node = in->child[it->path[d].child];
    }
    return cow_as_leaf(node);
}

/* The leaf after the next will be wanted soon. */
static void prefetch_ahead(const struct cow_iter *it, bool forward) {
    if (it->depth == 0)
        return;
    const struct cow_inner *in = it->path[it->depth - 1].node;
    unsigned child = it->path[it->depth - 1].child + (forward ? 1u : -1u);
    if (child >= in->node.n)
        return;
    const struct cow_leaf *leaf = cow_as_leaf(in->child[child]);
    __builtin_prefetch(leaf);
    for (size_t at = 0; at < 256; at += 64)
        __builtin_prefetch((const char *)leaf->items + at);
}

const struct cow_item *cow_next_slow(struct cow_iter *it) {
    while (it->leaf && it->leaf != it->last_leaf) {
        const struct cow_leaf *leaf = step(it, true);
        if (!leaf)
            return NULL;
        enter_leaf(it, leaf);
        prefetch_ahead(it, true);
        it->at = it->begin;
        if (it->at != it->end)
            return it->at++;
    }
    return NULL;
}

const struct cow_item *cow_prev_slow(struct cow_iter *it) {
    while (it->leaf && it->leaf != it->first_leaf) {
        const struct cow_leaf *leaf = step(it, false);
        if (!leaf)
            return NULL;
        enter_leaf(it, leaf);
        prefetch_ahead(it, false);
        it->at = it->end;
        if (it->at != it->begin)
            return --it->at;
    }
    return NULL;
}

/* -- checking -- */

static void check_heads(const struct cow_node *node, unsigned i, struct str key) {
    check(key.n >= node->skip && memcmp(key.p, node->prefix, node->skip) == 0);
    check(node->heads[i] == cow_head(key, node->skip, 0));
}

static uint64_t check_leaf(const struct cow_leaf *leaf, struct str low, struct str high) {
    for (unsigned i = 0; i < leaf->node.n; i++) {
        struct str key = leaf->items[i].key;
        check(leaf->items[i].value);
        check(i == 0 || str_cmp(leaf->items[i - 1].key, key) < 0);
        check(str_cmp(low, key) <= 0 && (!high.p || str_cmp(key, high) < 0));
        check_heads(&leaf->node, i, key);
    }
    return leaf->node.n;
}

/* Keys below the node are in [low, high). Returns how many. The depth is bounded by the level. */
static uint64_t check_node(const struct cow_node *node, struct str low, struct str high) {
    check(atomic_load(&node->refs) > 0 && node->n > 0 && node->n <= COW_FANOUT);
    check(node->skip <= COW_PREFIX_MAX && node->level <= COW_DEPTH_MAX);
    for (unsigned i = node->n - (node->level > 0); i < COW_FANOUT; i++)
        check(node->heads[i] == COW_NO_HEAD);
    if (node->level == 0)
        return check_leaf(cow_as_leaf(node), low, high);
    const struct cow_inner *in = cow_as_inner(node);
    check(node->n >= 2 && in->seps->n == node->n - 1u);
    uint64_t total = 0;
    for (unsigned i = 0; i < node->n; i++) {
        struct str from = i ? cow_sep(in->seps, i - 1) : low;
        struct str to = i + 1u < node->n ? cow_sep(in->seps, i) : high;
        check(i + 1u == node->n || str_cmp(from, to) < 0);
        if (i)
            check_heads(node, i - 1, from);
        check(in->child[i]->level + 1 == node->level);
        check(check_node(in->child[i], from, to) == in->count[i]);
        total += in->count[i];
    }
    return total;
}

void cow_check(const struct cow *c) {
    check(!c->root == (c->n == 0));
    check(!c->root || check_node(c->root, S(""), STR_NONE) == c->n);
}

static size_t node_bytes(const struct cow_node *node) {
    if (node->level == 0)
        return sizeof(struct cow_leaf);
    const struct cow_inner *in = cow_as_inner(node);
    size_t n = sizeof *in + sizeof *in->seps + (in->seps->n ? in->seps->ends[in->seps->n - 1] : 0);
    for (unsigned i = 0; i < node->n; i++)
        n += node_bytes(in->child[i]);
    return n;
}

size_t cow_memory_bytes(const struct cow *c) {
    return c->root ? node_bytes(c->root) : 0;
}
