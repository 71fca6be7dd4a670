/* base/cow: an ordered map from text to pointers, with O(1) snapshots.
 *
 * A B+tree of fat nodes that are counted and shared. A `struct cow` is a handle on one state of it;
 * cow_snapshot makes a second handle on the same state. A change through a handle copies the nodes on its
 * path that another handle shares, and changes in place those that it alone holds. So the cost of a change
 * without snapshots is that of a plain B+tree, and with them it is one path of nodes.
 *
 *     struct cow pods;
 *     cow_init(&pods, &object_ops);
 *     old = cow_put(&pods, object_key(o), object_ref(o));
 *
 *     struct cow snap;
 *     cow_snapshot(&pods, &snap);                  // give it to readers
 *     struct cow_iter it;
 *     cow_foreach (item, &it, cow_prefix(&it, &snap, S("default/"))) use(item->key, item->value);
 *     cow_fini(&snap);
 *
 * Threads. A handle that is changed belongs to one writer (serialised by its owner). A handle that nobody
 * changes may be read by any number of threads, without locks, while the writer goes on with its own.
 * Snapshots are taken by the writer, or from a handle nobody changes, and handed over with the usual care
 * (cell.h, chan.h); they may be dropped on any thread.
 *
 * Memory. The tree holds one reference to each value, through the ops; nodes that are copied retain what they
 * copy. Keys are borrowed and must live as long as their value: let the key lie inside the value. What reads
 * return is borrowed from the handle; a writer's own reads last until its next change.
 *
 * Cost at n entries: get, put, take, seek, nth, rank and counting a range O(log n); the next item O(1);
 * dropping the last handle O(n).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define COW_KEY_MAX (1u << 20) /* bytes of a key */
#define COW_COUNT_MAX UINT32_MAX

/* For counted values. Called from whichever thread copies or drops a node. */
struct cow_ops {
    /* NULL: values are not counted. */
    void (*retain)(void *value);
    void (*release)(void *value);
};

struct cow_node;

struct cow {
    struct cow_node *root; /* NULL: empty */
    const struct cow_ops *ops;
    uint64_t n; /* entries */
};

/* One entry. */
struct cow_item {
    struct str key;
    void *value;
};

/* ops live as long as the tree; NULL: values are not counted. Allocates nothing. */
void cow_init(struct cow *c, const struct cow_ops *ops);

/* Drops the handle; the tree goes with the last one. The handle is empty and usable again. */
void cow_fini(struct cow *c);
#define _cleanup_cow __attribute__((cleanup(cow_fini)))

/* *ret becomes a second handle on the present state. */
void cow_snapshot(const struct cow *c, struct cow *ret);

/* Whether two handles show the same unchanged state: cheap, may be false for equal content. */
static inline bool cow_same(const struct cow *a, const struct cow *b) {
    return a->root == b->root;
}

static inline uint64_t cow_count(const struct cow *c) {
    return c->n;
}

/* The value, or NULL. */
void *cow_get(const struct cow *c, struct str key);

/* Sets the value of the key (not NULL). Takes over the caller's reference to it, and hands the reference to
 * the value it replaces, or NULL, to the caller. */
void *cow_put(struct cow *c, struct str key, void *value);

/* Removes the key; hands the reference to its value, or NULL when there was none, to the caller. */
void *cow_take(struct cow *c, struct str key);

/* Removes everything. */
static inline void cow_clear(struct cow *c) {
    cow_fini(c);
}

/* How many keys are less than this one. */
uint64_t cow_rank(const struct cow *c, struct str key);

/* How many keys are in [from, to); an absent `to` means to the end. */
uint64_t cow_count_range(const struct cow *c, struct str from, struct str to);
uint64_t cow_count_prefix(const struct cow *c, struct str prefix);

/* The entry with exactly i smaller keys, or NULL. */
const struct cow_item *cow_nth(const struct cow *c, uint64_t i);

const struct cow_item *cow_first(const struct cow *c);
const struct cow_item *cow_last(const struct cow *c);

/* -- scanning --
 *
 * An iterator stands between two entries of a range. It borrows the handle, which must not change meanwhile;
 * it owns nothing and needs no end. All functions that set it up return it. */

#define COW_DEPTH_MAX 12

struct cow_leaf;
struct cow_inner;

struct cow_iter {
    const struct cow_item *at;          /* what next returns */
    const struct cow_item *begin, *end; /* the part of the present leaf inside the range */
    const struct cow_leaf *leaf;        /* the present leaf, NULL: an empty range */
    const struct cow_leaf *first_leaf, *last_leaf;
    const struct cow_item *first, *last; /* bounds of the range: begin in first_leaf, end in last_leaf */
    const struct cow_node *root;
    unsigned depth; /* of path */
    struct {
        const struct cow_inner *node;
        unsigned child;
    } path[COW_DEPTH_MAX];
};

/* Everything. */
struct cow_iter *cow_all(struct cow_iter *it, const struct cow *c);

/* [from, to); an absent `to` means to the end. Stands at the beginning. */
struct cow_iter *cow_range(struct cow_iter *it, const struct cow *c, struct str from, struct str to);

/* What begins so. */
struct cow_iter *cow_prefix(struct cow_iter *it, const struct cow *c, struct str prefix);

/* The same, but only keys greater than `after` (for continuing a list). */
struct cow_iter *cow_prefix_after(struct cow_iter *it, const struct cow *c, struct str prefix,
                                  struct str after);

/* Moves to the end of the range, to scan backwards with cow_prev. */
struct cow_iter *cow_seek_end(struct cow_iter *it);

const struct cow_item *cow_next_slow(struct cow_iter *it);
const struct cow_item *cow_prev_slow(struct cow_iter *it);

/* The entry behind where the iterator stands, stepping over it; NULL at the end of the range. */
static inline const struct cow_item *cow_next(struct cow_iter *it) {
    return it->at != it->end ? it->at++ : cow_next_slow(it);
}

/* The entry before, stepping back over it; NULL at the beginning of the range. */
static inline const struct cow_item *cow_prev(struct cow_iter *it) {
    return it->at != it->begin ? --it->at : cow_prev_slow(it);
}

/* cow_foreach (item, &it, cow_prefix(&it, &snap, S("default/"))) … */
#define cow_foreach(item, it, start)                                                                         \
    for (const struct cow_item *item = ((void)(start), cow_next(it)); item; item = cow_next(it))

/* -- comparing -- */

/* One of both may be NULL. */
typedef void (*cow_diff_fn)(void *arg, void *old_value, void *value);

/* Tells, in order, every key with this prefix whose value is another one, or is in one of two states only.
 * Nodes that both share are not looked into: of states that are close it costs little more than walking over
 * the nodes. Neither handle may change meanwhile. */
void cow_diff(const struct cow *old, const struct cow *now, struct str prefix, cow_diff_fn fn, void *arg);

/* Aborts when an invariant is broken. Walks the whole tree. */
void cow_check(const struct cow *c);

/* Bytes of all nodes reachable from the handle, shared or not. Walks the inner nodes. */
size_t cow_memory_bytes(const struct cow *c);
