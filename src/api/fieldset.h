/* api/fieldset: sets of field paths, as managedFields record them (FieldsV1).
 *
 * A set is a trie in an arena: each node stands for a path from the root of an object, and is a member of the
 * set or only leads to members below it. Children are sorted by their path element, so that operations are
 * merges and the text is byte-stable. Results share subtrees with their inputs; nodes are never changed once
 * a set is made. The arena given must live as long as the result and as the inputs' arenas do.
 *
 * A path element is a field name, the key of a list item (values of its key fields), the value of an item of
 * a list that is a set, or an index. Element kinds sort in that order.
 *
 * CONFORMS: FieldsV1 of structured-merge-diff:
 * {"f:spec":{"f:ports":{"k:{\"port\":80}":{".":{},"f:port":{}}}}}. Any thread; the arena belongs to the
 * caller.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/ref.h"
#include "codec/jval.h"

struct arena;
struct buf;
struct err;

/* What lies deeper in an object is owned as one value, so that all walks fit a small stack. */
#define FIELDSET_DEPTH_MAX 128u

enum path_kind { PATH_FIELD, PATH_KEY, PATH_VALUE, PATH_INDEX };

struct path_el {
    uint8_t kind;  /* enum path_kind */
    struct jval v; /* FIELD: the name; KEY: object of the key fields; VALUE: any; INDEX: integer */
};

static inline struct path_el path_field(struct str name) {
    return (struct path_el){PATH_FIELD, jval_str(name)};
}

/* A path, last element first; NULL is the root. */
struct path {
    const struct path *parent;
    struct path_el el;
};

/* The order of elements: <0, 0, >0. Numbers compare by value; values of different kinds in the order numbers,
 * strings, bools, lists, maps, null. */
int path_el_cmp(const struct path_el *a, const struct path_el *b);

/* Appends ".spec.containers[name=\"nginx\"].image", ".metadata.finalizers[=\"x\"]". */
void path_write(struct buf *out, const struct path *path);

/* One node; the root's node is the set. A zeroed struct is the empty set. The root itself is never a member.
 */
struct fieldset {
    struct path_el el; /* not used at the root */
    struct fieldset *kids;
    uint32_t n, cap;
    bool member;
};

/* Reads FieldsV1 text. Element kinds that are not known are skipped. Keys and values that are no JSON, and
 * text that is not made of objects, are ERR_INVALID. */
int fieldset_read(struct arena *a, struct str text, struct fieldset *ret_set, struct err *err);

/* Appends FieldsV1 text; "{}" for the empty set. */
void fieldset_write(struct buf *out, const struct fieldset *set);

static inline bool fieldset_empty(const struct fieldset *set) {
    return set->n == 0;
}

/* Number of members. */
size_t fieldset_size(const struct fieldset *set);

bool fieldset_equal(const struct fieldset *a, const struct fieldset *b);

/* Whether all members of b are members of a. */
bool fieldset_covers(const struct fieldset *a, const struct fieldset *b);

/* Whether they have a member in common. */
bool fieldset_overlaps(const struct fieldset *a, const struct fieldset *b);

/* The node of a path of n elements, or NULL; it may be a member or not. */
const struct fieldset *fieldset_find(const struct fieldset *set, const struct path_el *path, size_t n);

/* The child of a node, or NULL. */
const struct fieldset *fieldset_kid(const struct fieldset *set, const struct path_el *el);

static inline bool fieldset_has(const struct fieldset *set, const struct path_el *path, size_t n) {
    const struct fieldset *node = fieldset_find(set, path, n);
    return node && node->member;
}

/* Appends a child that comes after all others; for building. The pointer is valid until the next one. */
struct fieldset *fieldset_push(struct arena *a, struct fieldset *set, const struct path_el *el);

/* Makes the path a member; for building. Only on sets that share nothing yet. n > 0. */
void fieldset_insert(struct arena *a, struct fieldset *set, const struct path_el *path, size_t n);

/* The same for a path of field names: "status", "metadata.name"; no escapes. */
void fieldset_insert_names(struct arena *a, struct fieldset *set, const char *dotted);

struct fieldset fieldset_union(struct arena *a, const struct fieldset *x, const struct fieldset *y);
struct fieldset fieldset_intersection(struct arena *a, const struct fieldset *x, const struct fieldset *y);

/* Members of x that are not members of y. */
struct fieldset fieldset_difference(struct arena *a, const struct fieldset *x, const struct fieldset *y);

/* Members of x that are neither members of y nor below one. */
struct fieldset fieldset_difference_below(struct arena *a, const struct fieldset *x,
                                          const struct fieldset *y);

/* Members of x that are members of y or lie below one. */
struct fieldset fieldset_below(struct arena *a, const struct fieldset *x, const struct fieldset *y);

/* Members that have no members below them. */
struct fieldset fieldset_leaves(struct arena *a, const struct fieldset *set);

/* The part of a set below an element, as a set of its own; and the set of one element with x below it. */
struct fieldset fieldset_without_prefix(const struct fieldset *set, const struct path_el *el);
struct fieldset fieldset_with_prefix(struct arena *a, const struct path_el *el, const struct fieldset *x);

/* Calls fn for each member: at every level members first, then what lies below, each in element order. Stops
 * when fn returns non-zero, which is returned. `path` is valid during the call. */
typedef int (*fieldset_fn)(void *ctx, const struct path *path);
int fieldset_each(const struct fieldset *set, fieldset_fn fn, void *ctx);

/* How the schema identifies item i of a list: by keys, by value or by index. Absent keys take their default;
 * *ret_complete is false when there is none, and the element lacks that key then. */
struct path_el path_el_of_item(struct arena *a, struct pos list, struct ref item, uint32_t i,
                               bool *ret_complete);

/* The items of a list with their elements, sorted by them (items with the same element by index). */
struct item {
    struct path_el el;
    uint32_t i; /* index in the list */
    bool complete;
    bool twice; /* not the only item with this element */
};
struct item *list_items(struct arena *a, struct ref list);

/* Whether apply treats the value in parts: a map, struct or list that is neither atomic nor an untyped list.
 */
bool ref_granular(struct ref r);

/* A packed raw value as an untyped tree; any other as it is, and so is a raw value that is nested too deep.
 */
struct ref ref_unpack(struct ref r, struct arena *a);

/* Every field that the value sets, as apply takes ownership of it: leaves, atomic values, list items, map
 * entries, and structs and maps that are null or empty. Items that are there twice are one leaf. */
struct fieldset fieldset_of(struct arena *a, struct ref r);

/* The set with all struct fields that lead to members being members too. */
struct fieldset fieldset_with_structs(struct arena *a, const struct fieldset *set, struct pos p);

/* The set as the schema sees it today: what lies below a value that is atomic becomes that value. Returns the
 * same nodes when nothing changes. */
struct fieldset fieldset_for_schema(struct arena *a, const struct fieldset *set, struct pos p);

/* What differs between two versions of an object. */
struct fieldset_diff {
    struct fieldset added, modified, removed;
};

/* Either side may be absent. Linear but for lists with keys, which are sorted. */
struct fieldset_diff fieldset_compare(struct arena *a, struct ref before, struct ref after);

static inline bool fieldset_diff_empty(const struct fieldset_diff *d) {
    return d->added.n == 0 && d->modified.n == 0 && d->removed.n == 0;
}
