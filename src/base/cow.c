/* Changing the copy-on-write tree. See cow.h for what it offers, cow_priv.h for the nodes.
 *
 * A change walks from the root to a leaf and makes each node on the way exclusive: a node whose count is 1,
 * below exclusive parents, is reachable from this handle only and is changed in place; another is copied, and
 * the copy takes its place in the (exclusive) parent. A count can only grow through a handle that reaches the
 * node, so 1 means ours even while other threads drop their snapshots.
 *
 * Full nodes split, nodes that fall below a quarter join or share with a neighbour. Changes to the set of
 * children gather the node's parts in a scratch array and write them back, in one or two nodes: rare enough
 * to be simple. A leaf that is full and grows at its end keeps its items and the new one starts the next
 * leaf, so that ascending keys fill leaves wholly.
 *
 * Considered and rejected: freeing by epochs instead of counts (cheaper copies, but one snapshot kept long,
 * as paged lists do, would keep every later version too); separators that point into keys (a removal at a
 * leaf's front would change nodes above).
 */
#include <assert.h>
#include <stdlib.h>

#include "base/cow_priv.h"
#include "base/err.h"

#define NODE_MIN (COW_FANOUT / 4)        /* fewer: join or share with a neighbour */
#define JOIN_MAX (COW_FANOUT * 3 / 4)    /* joined nodes get room to grow */
#define SCRATCH_MAX (2 * COW_FANOUT + 1) /* children of two inner nodes */

static_assert(COW_FANOUT % COW_BLOCK == 0, "searches go by cache lines of heads");
static_assert(NODE_MIN >= 2, "an inner node needs a neighbour for each child");

/* An inner node's parts, unpacked. */
struct scratch {
    unsigned n;
    struct cow_node *child[SCRATCH_MAX];
    uint32_t count[SCRATCH_MAX];
    struct str sep[SCRATCH_MAX]; /* sep[i] between child i and i + 1 */
};

/* The way from the root to a leaf. */
struct path {
    unsigned depth;
    struct {
        struct cow_inner *node;
        unsigned child;
    } at[COW_DEPTH_MAX];
};

static void *node_alloc(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    if (!p)
        panic("out of memory (%zu bytes)", bytes);
    return p;
}

/* From the i-th on there are no heads. */
static void end_heads(struct cow_node *node, unsigned i) {
    memset(node->heads + i, 0xff, (COW_FANOUT - i) * sizeof *node->heads);
}

static void node_init(struct cow_node *node, unsigned level) {
    atomic_init(&node->refs, 1);
    end_heads(node, 0);
    node->n = 0;
    node->level = (uint8_t)level;
    node->skip = 0;
}

static struct cow_leaf *leaf_new(void) {
    struct cow_leaf *leaf = node_alloc(sizeof *leaf);
    node_init(&leaf->node, 0);
    return leaf;
}

static struct cow_inner *inner_new(unsigned level) {
    check(level < COW_DEPTH_MAX);
    struct cow_inner *in = node_alloc(sizeof *in);
    node_init(&in->node, level);
    in->seps = NULL;
    return in;
}

/* -- reference counts -- */

static inline void node_ref(struct cow_node *node) {
    uint32_t before = atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
    check(before > 0 && before < UINT32_MAX);
}

static inline bool node_drop(struct cow_node *node) {
    uint32_t before = atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel);
    check(before > 0);
    return before == 1;
}

static inline bool is_exclusive(const struct cow_node *node) {
    return atomic_load_explicit(&node->refs, memory_order_acquire) == 1;
}

static void seps_unref(struct cow_seps *s) {
    if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
        free(s);
}

static void node_unref(struct cow_node *node, const struct cow_ops *ops);

static void leaf_free(struct cow_leaf *leaf, const struct cow_ops *ops) {
    if (ops->release)
        for (unsigned i = 0; i < leaf->node.n; i++)
            ops->release(leaf->items[i].value);
    free(leaf);
}

/* Calls itself as deep as the tree is high: at most COW_DEPTH_MAX. */
static void node_unref(struct cow_node *node, const struct cow_ops *ops) {
    if (!node_drop(node))
        return;
    if (node->level == 0) {
        leaf_free((struct cow_leaf *)node, ops);
        return;
    }
    struct cow_inner *in = (struct cow_inner *)node;
    for (unsigned i = 0; i < node->n; i++)
        node_unref(in->child[i], ops);
    seps_unref(in->seps);
    free(in);
}

/* -- prefixes and heads -- */

static uint32_t common_prefix(struct str a, struct str b) {
    size_t max = a.n < b.n ? a.n : b.n, n = 0;
    if (max > COW_PREFIX_MAX)
        max = COW_PREFIX_MAX;
    while (n < max && a.p[n] == b.p[n])
        n++;
    return (uint32_t)n;
}

static void set_prefix(struct cow_node *node, struct str key, uint32_t skip) {
    node->skip = skip;
    if (skip)
        memcpy(node->prefix, key.p, skip);
}

/* Shortens the prefix; the bytes that leave it move into the heads. */
static void shorten_prefix(struct cow_node *node, uint32_t skip) {
    uint32_t by = node->skip - skip;
    uint64_t front = cow_head(str_make(node->prefix, node->skip), skip, 0);
    for (unsigned i = 0; i < node->n; i++)
        node->heads[i] = by >= 8 ? front : front | node->heads[i] >> (8 * by);
    node->skip = skip;
}

/* After the set of items was cut or joined: the longest common prefix, and heads anew. */
static void leaf_refresh(struct cow_leaf *leaf, bool heads_valid) {
    struct cow_node *node = &leaf->node;
    uint32_t skip = common_prefix(leaf->items[0].key, leaf->items[node->n - 1].key);
    if (heads_valid && skip == node->skip)
        return;
    for (unsigned i = 0; i < node->n; i++)
        __builtin_prefetch(leaf->items[i].key.p + skip);
    set_prefix(node, leaf->items[0].key, skip);
    for (unsigned i = 0; i < node->n; i++)
        node->heads[i] = cow_head(leaf->items[i].key, skip, 0);
}

/* -- copying -- */

static struct cow_node *leaf_copy(const struct cow_leaf *from, const struct cow_ops *ops) {
    struct cow_leaf *to = leaf_new();
    unsigned n = from->node.n;
    for (unsigned i = 0; ops->retain && i < n; i++)
        __builtin_prefetch(from->items[i].value, 1);
    to->node.n = from->node.n;
    to->node.skip = from->node.skip;
    memcpy(to->node.prefix, from->node.prefix, from->node.skip);
    memcpy(to->node.heads, from->node.heads, n * sizeof *to->node.heads);
    memcpy(to->items, from->items, n * sizeof *to->items);
    for (unsigned i = 0; ops->retain && i < n; i++)
        ops->retain(to->items[i].value);
    return &to->node;
}

static struct cow_node *inner_copy(const struct cow_inner *from) {
    struct cow_inner *to = inner_new(from->node.level);
    unsigned n = from->node.n;
    for (unsigned i = 0; i < n; i++)
        __builtin_prefetch(from->child[i], 1);
    to->node.n = from->node.n;
    to->node.skip = from->node.skip;
    memcpy(to->node.prefix, from->node.prefix, from->node.skip);
    memcpy(to->node.heads, from->node.heads, (n - 1) * sizeof *to->node.heads);
    memcpy(to->child, from->child, n * sizeof(*to->child));
    memcpy(to->count, from->count, n * sizeof *to->count);
    to->seps = from->seps;
    (void)atomic_fetch_add_explicit(&to->seps->refs, 1, memory_order_relaxed);
    for (unsigned i = 0; i < n; i++)
        node_ref(to->child[i]);
    return &to->node;
}

static inline struct cow_node *make_exclusive(struct cow_node **slot, const struct cow_ops *ops) {
    struct cow_node *node = *slot;
    if (__builtin_expect(is_exclusive(node), 1))
        return node;
    *slot = node->level ? inner_copy(cow_as_inner(node)) : leaf_copy(cow_as_leaf(node), ops);
    node_unref(node, ops);
    return *slot;
}

/* Walks to the leaf that the key belongs to, making all nodes on the way exclusive. */
static struct cow_leaf *descend_exclusive(struct cow *c, const struct cow_probe *p, struct path *path) {
    struct cow_node *node = make_exclusive(&c->root, c->ops);
    path->depth = 0;
    while (node->level) {
        struct cow_inner *in = (struct cow_inner *)node;
        unsigned i = cow_inner_find(in, p);
        check(path->depth < COW_DEPTH_MAX);
        path->at[path->depth].node = in;
        path->at[path->depth++].child = i;
        cow_prefetch(in->child[i]);
        node = make_exclusive(&in->child[i], c->ops);
    }
    return (struct cow_leaf *)node;
}

/* -- inner nodes as a whole -- */

static void gather(const struct cow_inner *in, struct scratch *s) {
    for (unsigned i = 0; i < in->node.n; i++) {
        s->child[s->n] = in->child[i];
        s->count[s->n] = in->count[i];
        if (i + 1u < in->node.n)
            s->sep[s->n] = cow_sep(in->seps, i);
        s->n++;
    }
}

/* Fills the node with children [from, to) of the scratch. The node's former separators, to which the scratch
 * may point, are returned; the caller drops them when done with the scratch. */
static struct cow_seps *scatter(struct cow_inner *in, const struct scratch *s, unsigned from, unsigned to) {
    unsigned n = to - from;
    check(n >= 1 && n <= COW_FANOUT && to <= s->n);
    struct cow_node *node = &in->node;
    size_t bytes = 0;
    for (unsigned i = from; i + 1 < to; i++)
        bytes += s->sep[i].n;
    struct cow_seps *old = in->seps;
    struct cow_seps *seps = malloc(sizeof *seps + bytes);
    if (!seps)
        panic("out of memory (%zu bytes)", bytes);
    atomic_init(&seps->refs, 1);
    seps->n = n - 1;
    node->n = (uint16_t)n;
    end_heads(node, n - 1);
    node->skip = 0;
    if (n > 1)
        set_prefix(node, s->sep[from], common_prefix(s->sep[from], s->sep[to - 2]));
    uint32_t end = 0;
    for (unsigned i = 0; i < n; i++) {
        in->child[i] = s->child[from + i];
        in->count[i] = s->count[from + i];
        if (i + 1 == n)
            break;
        struct str sep = s->sep[from + i];
        memcpy(seps->bytes + end, sep.p, sep.n);
        end += (uint32_t)sep.n;
        seps->ends[i] = end;
        node->heads[i] = cow_head(sep, node->skip, 0);
    }
    in->seps = seps;
    return old;
}

static uint32_t sum(const uint32_t *count, unsigned n) {
    uint32_t total = 0;
    for (unsigned i = 0; i < n; i++)
        total += count[i];
    return total;
}

/* -- inserting -- */

static void leaf_insert(struct cow_leaf *leaf, unsigned at, struct str key, void *value) {
    struct cow_node *node = &leaf->node;
    uint32_t shared = common_prefix(str_make(node->prefix, node->skip), key);
    if (node->n == 0)
        set_prefix(node, key, common_prefix(key, key));
    else if (shared < node->skip)
        shorten_prefix(node, shared);
    unsigned behind = node->n - at;
    memmove(node->heads + at + 1, node->heads + at, behind * sizeof *node->heads);
    memmove(leaf->items + at + 1, leaf->items + at, behind * sizeof *leaf->items);
    node->heads[at] = cow_head(key, node->skip, 0);
    leaf->items[at] = (struct cow_item){key, value};
    node->n++;
}

/* Moves the items from `at` on into a new leaf. */
static struct cow_leaf *leaf_split(struct cow_leaf *left, unsigned at) {
    struct cow_leaf *right = leaf_new();
    unsigned n = left->node.n - at;
    memcpy(right->items, left->items + at, n * sizeof *right->items);
    memcpy(right->node.heads, left->node.heads + at, n * sizeof *right->node.heads);
    memcpy(right->node.prefix, left->node.prefix, left->node.skip);
    right->node.skip = left->node.skip;
    right->node.n = (uint16_t)n;
    left->node.n = (uint16_t)at;
    end_heads(&left->node, at);
    leaf_refresh(left, true);
    leaf_refresh(right, true);
    return right;
}

/* The shortest text that parts the two: greater than left, not greater than right. */
static struct str separator(struct str left, struct str right) {
    size_t n = 0;
    while (n < left.n && left.p[n] == right.p[n])
        n++;
    check(n < right.n);
    return str_cut(right, n + 1);
}

/* Splits a full leaf for an insertion at `at` and inserts. Returns the new right one. */
static struct cow_leaf *leaf_split_insert(struct cow_leaf *left, unsigned at, struct str key, void *value) {
    struct cow_leaf *right;
    if (at == COW_FANOUT) {
        right = leaf_new();
        leaf_insert(right, 0, key, value);
        return right;
    }
    unsigned half = COW_FANOUT / 2;
    right = leaf_split(left, half);
    if (at <= half)
        leaf_insert(left, at, key, value);
    else
        leaf_insert(right, at - half, key, value);
    return right;
}

static void grow_root(struct cow *c, struct cow_node *right, struct str sep, uint32_t left_count,
                      uint32_t right_count) {
    struct cow_inner *root = inner_new(c->root->level + 1u);
    struct scratch s = {.n = 2};
    s.child[0] = c->root;
    s.child[1] = right;
    s.count[0] = left_count;
    s.count[1] = right_count;
    s.sep[0] = sep;
    seps_unref(scatter(root, &s, 0, 2));
    c->root = &root->node;
}

/* Puts (sep, right) behind child i. When the node is full it splits: *ret_right is the new node and *ret_sep
 * the separator before it, which lives in *ret_held. */
static void inner_insert(struct cow_inner *in, unsigned i, struct str sep, struct cow_node *right,
                         uint32_t right_count, struct cow_inner **ret_right, struct str *ret_sep,
                         struct cow_seps **ret_held) {
    struct scratch s;
    s.n = 0;
    gather(in, &s);
    unsigned behind = s.n - i - 1;
    memmove(s.child + i + 2, s.child + i + 1, behind * sizeof(*s.child));
    memmove(s.count + i + 2, s.count + i + 1, behind * sizeof *s.count);
    memmove(s.sep + i + 1, s.sep + i, behind * sizeof *s.sep);
    s.child[i + 1] = right;
    s.count[i + 1] = right_count;
    s.count[i] -= right_count;
    s.sep[i] = sep;
    s.n++;
    *ret_right = NULL;
    unsigned cut = s.n;
    if (s.n > COW_FANOUT) {
        cut = behind == 0 ? COW_FANOUT - 1 : COW_FANOUT / 2;
        *ret_right = inner_new(in->node.level);
        *ret_sep = s.sep[cut - 1];
        (void)scatter(*ret_right, &s, cut, s.n);
    }
    *ret_held = scatter(in, &s, 0, cut);
}

/* Links a new right neighbour of the leaf at the end of the path, splitting nodes on the way up as needed.
 * The counts on the path already include everything below. */
static void link_right(struct cow *c, const struct path *path, struct str sep, struct cow_node *right,
                       uint32_t right_count) {
    struct cow_seps *held[COW_DEPTH_MAX]; /* what sep may point into */
    unsigned n_held = 0;
    struct cow_inner *up = NULL;
    for (unsigned d = path->depth; d > 0; d--) {
        struct str up_sep = STR_NONE;
        inner_insert(path->at[d - 1].node, path->at[d - 1].child, sep, right, right_count, &up, &up_sep,
                     &held[n_held++]);
        if (!up)
            break;
        right = &up->node;
        right_count = sum(up->count, up->node.n);
        sep = up_sep;
    }
    if (up || path->depth == 0)
        grow_root(c, right, sep, (uint32_t)c->n - right_count, right_count);
    while (n_held)
        seps_unref(held[--n_held]);
}

static void add_to_counts(const struct path *path, uint32_t by) {
    for (unsigned d = 0; d < path->depth; d++)
        path->at[d].node->count[path->at[d].child] += by;
}

void *cow_put(struct cow *c, struct str key, void *value) {
    check(value && key.n <= COW_KEY_MAX);
    struct cow_probe p = {key, COW_AT};
    struct path path;
    if (!c->root)
        c->root = &leaf_new()->node;
    struct cow_leaf *leaf = descend_exclusive(c, &p, &path);
    bool equal;
    unsigned at = cow_leaf_find(leaf, &p, &equal);
    if (equal) {
        void *old = leaf->items[at].value;
        leaf->items[at] = (struct cow_item){key, value};
        return old;
    }
    check(c->n < COW_COUNT_MAX);
    c->n++;
    add_to_counts(&path, 1);
    if (leaf->node.n < COW_FANOUT) {
        leaf_insert(leaf, at, key, value);
        return NULL;
    }
    struct cow_leaf *right = leaf_split_insert(leaf, at, key, value);
    struct str sep = separator(leaf->items[leaf->node.n - 1].key, right->items[0].key);
    link_right(c, &path, sep, &right->node, right->node.n);
    return NULL;
}

/* -- removing -- */

/* Sets children k and k + 1 of `in` anew; right NULL: the two became one. Returns the former separators,
 * which `sep` may point into; the caller drops them. */
static struct cow_seps *replace_pair(struct cow_inner *in, unsigned k, uint32_t left_count,
                                     struct cow_node *right, uint32_t right_count, struct str sep) {
    struct scratch s;
    s.n = 0;
    gather(in, &s);
    s.count[k] = left_count;
    if (right) {
        s.count[k + 1] = right_count;
        s.sep[k] = sep;
    } else {
        unsigned behind = s.n - k - 2;
        memmove(s.child + k + 1, s.child + k + 2, behind * sizeof(*s.child));
        memmove(s.count + k + 1, s.count + k + 2, behind * sizeof *s.count);
        memmove(s.sep + k, s.sep + k + 1, behind * sizeof *s.sep);
        s.n--;
    }
    return scatter(in, &s, 0, s.n);
}

static void leaf_fill(struct cow_leaf *leaf, const struct cow_item *items, unsigned n) {
    check(n >= 1 && n <= COW_FANOUT);
    memcpy(leaf->items, items, n * sizeof *items);
    leaf->node.n = (uint16_t)n;
    end_heads(&leaf->node, n);
    leaf_refresh(leaf, false);
}

/* Joins two neighbouring leaves, both exclusive, or shares their items evenly. */
static void join_leaves(struct cow_inner *in, unsigned k) {
    struct cow_item items[2 * COW_FANOUT];
    struct cow_leaf *left = (struct cow_leaf *)in->child[k], *right = (struct cow_leaf *)in->child[k + 1];
    unsigned left_n = left->node.n, n = left_n + right->node.n;
    memcpy(items, left->items, left_n * sizeof *items);
    memcpy(items + left_n, right->items, (n - left_n) * sizeof *items);
    unsigned cut = n <= JOIN_MAX ? n : n / 2;
    leaf_fill(left, items, cut);
    if (cut == n) {
        free(right);
        seps_unref(replace_pair(in, k, n, NULL, 0, STR_NONE));
        return;
    }
    leaf_fill(right, items + cut, n - cut);
    struct str sep = separator(items[cut - 1].key, items[cut].key);
    seps_unref(replace_pair(in, k, cut, &right->node, n - cut, sep));
}

/* The same for inner nodes; the separator between them comes down, or another goes up. */
static void join_inners(struct cow_inner *in, unsigned k) {
    struct scratch s;
    struct cow_inner *left = (struct cow_inner *)in->child[k], *right = (struct cow_inner *)in->child[k + 1];
    s.n = 0;
    gather(left, &s);
    s.sep[s.n - 1] = cow_sep(in->seps, k);
    gather(right, &s);
    unsigned cut = s.n <= JOIN_MAX ? s.n : s.n / 2;
    uint32_t left_count = sum(s.count, cut), right_count = sum(s.count + cut, s.n - cut);
    struct cow_seps *old_left = scatter(left, &s, 0, cut), *old_right = right->seps, *old;
    if (cut == s.n) {
        free(right);
        old = replace_pair(in, k, left_count, NULL, 0, STR_NONE);
    } else {
        old_right = scatter(right, &s, cut, s.n);
        old = replace_pair(in, k, left_count, &right->node, right_count, s.sep[cut - 1]);
    }
    seps_unref(old_left);
    seps_unref(old_right);
    seps_unref(old);
}

/* Joins nodes on the path that have become small, from the leaf upwards, and drops empty or needless roots.
 */
static void shrink(struct cow *c, const struct path *path) {
    for (unsigned d = path->depth; d > 0; d--) {
        struct cow_inner *in = path->at[d - 1].node;
        unsigned i = path->at[d - 1].child, k = i ? i - 1 : 0;
        if (in->child[i]->n >= NODE_MIN)
            break;
        struct cow_node *left = make_exclusive(&in->child[k], c->ops);
        (void)make_exclusive(&in->child[k + 1], c->ops);
        if (left->level)
            join_inners(in, k);
        else
            join_leaves(in, k);
    }
    while (c->root->level && c->root->n == 1) {
        struct cow_inner *root = (struct cow_inner *)c->root;
        c->root = root->child[0];
        seps_unref(root->seps);
        free(root);
    }
    if (c->root->n == 0) {
        free(c->root);
        c->root = NULL;
    }
}

/* Looks first, so that a key that is not there costs no copies. */
void *cow_take(struct cow *c, struct str key) {
    if (!cow_get(c, key))
        return NULL;
    struct cow_probe p = {key, COW_AT};
    struct path path;
    struct cow_leaf *leaf = descend_exclusive(c, &p, &path);
    struct cow_node *node = &leaf->node;
    bool equal;
    unsigned at = cow_leaf_find(leaf, &p, &equal);
    check(equal);
    void *old = leaf->items[at].value;
    unsigned behind = node->n - at - 1u;
    memmove(node->heads + at, node->heads + at + 1, behind * sizeof *node->heads);
    memmove(leaf->items + at, leaf->items + at + 1, behind * sizeof *leaf->items);
    node->n--;
    node->heads[node->n] = COW_NO_HEAD;
    c->n--;
    add_to_counts(&path, UINT32_MAX); /* -1 */
    if (node->n < NODE_MIN)
        shrink(c, &path);
    return old;
}

/* -- handles -- */

static const struct cow_ops uncounted = {NULL, NULL};

void cow_init(struct cow *c, const struct cow_ops *ops) {
    *c = (struct cow){.ops = ops ? ops : &uncounted};
}

void cow_fini(struct cow *c) {
    if (c->root)
        node_unref(c->root, c->ops);
    c->root = NULL;
    c->n = 0;
}

void cow_snapshot(const struct cow *c, struct cow *ret) {
    if (c->root)
        node_ref(c->root);
    *ret = *c;
}
