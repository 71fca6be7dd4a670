/* api/ref: one way to look at any API value, packed struct or JSON tree.
 *
 * A `struct pos` is what the schema says of a value: its type, shape and rules. A `struct ref` is a pos with
 * a value behind it, either inside a packed struct or a node of a JSON tree (a patch, an applied
 * configuration, a custom resource). Generic read-only operations (equality, field sets, apply, field
 * selectors, OpenAPI, checks) are written once over refs. Only ref.c knows the difference. Hot codecs (JSON,
 * protobuf) walk descriptors directly instead.
 *
 * Refs are small values; they borrow everything. Any thread, as long as what they look at is not being built.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/schema.h"
#include "codec/jval.h"

struct arena;
struct err;

/* set == NULL: nothing is known (an untyped part of a tree): lists are atomic, maps granular.
 * Aliases (TYPE_ALIAS) are replaced by the list they stand for. Or-types (TYPE_OR_*) stay until a value tells
 * which of their forms it has. */
struct pos {
    const struct ty_set *set;
    const struct ty_field *field; /* NULL at the root */
    uint16_t type;                /* of messages */
    uint8_t leaf;                 /* enum leaf */
    uint8_t shape; /* SHAPE_ONE (also for optional fields, items and map values), _LIST, _MAP */
};

enum ref_rep { REP_NONE, REP_PACKED, REP_TREE };

struct ref {
    struct pos pos;
    enum ref_rep rep; /* REP_NONE: absent */
    const void *p;    /* the value in a struct, or a struct jval */
};

enum ref_kind {
    REF_ABSENT,
    REF_NULL,
    REF_BOOL,
    REF_INT,
    REF_DOUBLE,
    REF_STRING, /* strings, and what JSON writes as one: bytes, quantities, times, durations */
    REF_LIST,
    REF_MAP, /* messages and maps */
    REF_RAW, /* packed raw JSON (RawExtension, FieldsV1, JSON): read it with ref_tree */
};

struct pos pos_type(const struct ty_set *set, uint32_t type);

/* Position of a member by JSON name: the field of a message, the value type of a map; unknown names and
 * untyped positions give an untyped pos. *ret_known (may be NULL) tells whether the schema has it. */
struct pos pos_member(struct pos p, struct str name, bool *ret_known);

/* Position of the items of a list. */
struct pos pos_item(struct pos p);

/* The rule row of the position (list type, keys, patch strategy); never NULL. */
const struct ty_rule *pos_rule(struct pos p);

/* Whether any JSON value may stand there (untyped, raw objects): the value decides what it is. */
bool pos_open(struct pos p);

/* Whether apply owns the value as one piece: leaves, atomic lists, maps and structs. False for open
 * positions, where maps are granular and all else is atomic. */
bool pos_atomic(struct pos p);

struct ref ref_packed(const struct ty_set *set, uint32_t type, const void *object);
struct ref ref_tree_at(struct pos p, const struct jval *v);

enum ref_kind ref_kind(struct ref r);
bool ref_bool(struct ref r);
int64_t ref_int(struct ref r);
double ref_double(struct ref r);

/* The JSON string of a REF_STRING value; formatted ones (quantity, time, bytes) are made in `a`, others
 * borrowed. STR_NONE for other kinds. */
struct str ref_str(struct ref r, struct arena *a);

/* Member of a REF_MAP by JSON name; absent when there is none or it is left out of JSON (empty with
 * omitempty). */
struct ref ref_get(struct ref r, struct str name);

/* Follows dotted JSON names: "spec.nodeName". */
struct ref ref_path(struct ref r, struct str dotted);

/* Items of a REF_LIST. */
uint32_t ref_len(struct ref r);
struct ref ref_at(struct ref r, uint32_t i);

/* Members of a REF_MAP that are present in JSON, in name order (bytes).
 *     for (struct ref_iter it = ref_iter(r); ref_next(&it);) use(it.name, it.value); */
struct ref_iter {
    struct ref map;
    uint32_t i;
    struct str name;
    struct ref value;
};
struct ref_iter ref_iter(struct ref r);
bool ref_next(struct ref_iter *it);

/* Equality as JSON values (typed leaves by meaning: quantities, times, int-or-string; packed lists and maps
 * that are absent equal empty ones). */
bool ref_equal(struct ref a, struct ref b);

/* Whether two values are equal, as far as that is seen fast: packed ones at the same position, and trees of
 * the same nodes. False does not mean that they differ. */
bool ref_same(const struct ref *a, const struct ref *b);

/* The value as a tree. Strings are borrowed where possible; the source must outlive the tree. */
struct jval ref_tree(struct ref r, struct arena *a);
