/* codec/jval: a JSON value as an immutable tree in an arena.
 *
 * For what has no C struct: custom resources, patches, apply configurations, and the objects a patch works
 * on. Maps are sorted by key (bytes) and have each key once, so printing is byte-stable and look-up is a
 * binary search. Numbers follow upstream's unstructured objects: an integer that fits int64 is J_INT,
 * everything else J_DOUBLE.
 *
 * Nodes are never changed once reachable from two places; builders copy the spine they change. Any thread may
 * read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct buf;
struct err;

enum jkind { J_NULL, J_BOOL, J_INT, J_DOUBLE, J_STRING, J_ARRAY, J_OBJECT };

struct jmember;

struct jval {
    uint8_t kind; /* enum jkind; a zeroed jval is null */
    bool b;
    uint32_t n; /* string bytes, items, members */
    union {
        int64_t i;
        double d;
        const char *s;
        const struct jval *items;
        const struct jmember *members; /* sorted by key */
    };
};

struct jmember {
    struct str key;
    struct jval value;
};

static inline struct jval jval_null(void) {
    return (struct jval){.kind = J_NULL};
}
static inline struct jval jval_bool(bool b) {
    return (struct jval){.kind = J_BOOL, .b = b};
}
static inline struct jval jval_int(int64_t i) {
    return (struct jval){.kind = J_INT, .i = i};
}
static inline struct jval jval_double(double d) {
    return (struct jval){.kind = J_DOUBLE, .d = d};
}
/* Borrows the bytes; at most UINT32_MAX of them. */
static inline struct jval jval_str(struct str s) {
    return (struct jval){.kind = J_STRING, .n = (uint32_t)s.n, .s = s.p ? s.p : ""};
}
static inline struct jval jval_array(const struct jval *items, size_t n) {
    return (struct jval){.kind = J_ARRAY, .n = (uint32_t)n, .items = items};
}
/* members must be sorted by key and unique. */
static inline struct jval jval_object(const struct jmember *members, size_t n) {
    return (struct jval){.kind = J_OBJECT, .n = (uint32_t)n, .members = members};
}
static inline struct str jval_as_str(const struct jval *v) {
    return (struct str){v->s, v->n};
}

/* The member's value, or NULL (also when v is no object or NULL). */
const struct jval *jval_get(const struct jval *v, struct str key);

/* A member that is a string, else STR_NONE. */
struct str jval_get_str(const struct jval *v, struct str key);

/* Follows keys (dots separate: "spec.template.metadata"); NULL when a step is missing. */
const struct jval *jval_path(const struct jval *v, const char *dotted);

/* Deep equality. A J_INT equals a J_DOUBLE of the same value. */
bool jval_equal(const struct jval *a, const struct jval *b);

/* Deep copy, strings included. */
struct jval jval_copy(struct arena *a, const struct jval *v);

/* v (an object or null) with key set to value, or without key: a new object; v is untouched. */
struct jval jval_with(struct arena *a, const struct jval *v, struct str key, struct jval value);
struct jval jval_without(struct arena *a, const struct jval *v, struct str key);

/* Sorts by key; equal keys keep their order. */
void jmember_sort(struct jmember *v, size_t n);

/* Collects members in any order, then sorts; of equal keys the last wins. */
struct jobject {
    struct jmember *v;
    size_t n, cap;
};
void jobject_set(struct arena *a, struct jobject *o, struct str key, struct jval value);
struct jval jobject_done(struct jobject *o);
