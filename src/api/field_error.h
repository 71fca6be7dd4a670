/* api/field_error: where in an object something is wrong, and what: field paths and lists of field errors.
 *
 * A path is a chain of frames on the C stack, one per step, made with the at_*() macros as a checker walks
 * down an object; it becomes text only when an error is recorded, so that checking a valid object allocates
 * nothing:
 *
 *     static void check_ports(struct field_errors *errors, const struct field_path *p, ...) {
 *         for (uint32_t i = 0; i < n; i++)
 *             if (str_empty(ports[i].name))
 *                 field_required(errors, at_field(at_index(p, i), "name"));
 *     }
 *
 * A frame lives until the end of the block it is written in: pass it down, never return or keep it.
 *
 * Lists are bounded: errors past FIELD_ERRORS_MAX are counted and dropped, paths and values are cut at
 * FIELD_TEXT_MAX bytes, so that a hostile object cannot make a large answer. Texts live in the list's arena.
 * One list belongs to one thread.
 *
 * CONFORMS: upstream's field errors: the types, the cause reason of each, and the shape of the text
 * ("spec.x: Invalid value: \"a\": why").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/value.h"
#include "base/str.h"

struct arena;
struct buf;

#define FIELD_ERRORS_MAX 256
#define FIELD_TEXT_MAX 4096 /* bytes of one path, one shown value, one explanation */

enum field_step { STEP_FIELD, STEP_INDEX, STEP_KEY };

struct field_path {
    const struct field_path *parent; /* NULL: the object itself */
    struct str name;                 /* STEP_FIELD: may hold several steps, "spec.template"; STEP_KEY */
    uint32_t index;                  /* STEP_INDEX */
    uint8_t step;                    /* enum field_step */
};

#define at_field(parent_, literal_) (&(const struct field_path){.parent = (parent_), .name = S(literal_)})
#define at_index(parent_, i_)                                                                                \
    (&(const struct field_path){.parent = (parent_), .index = (i_), .step = STEP_INDEX})
#define at_key(parent_, key_)                                                                                \
    (&(const struct field_path){.parent = (parent_), .name = (key_), .step = STEP_KEY})

/* A field whose name is only known at run time. */
#define at_name(parent_, name_) (&(const struct field_path){.parent = (parent_), .name = (name_)})

/* Appends the path's text: spec.containers[0].resources.limits[cpu]. */
void field_path_text(struct buf *out, const struct field_path *p);

enum field_error_type {
    FIELD_ERROR_REQUIRED,
    FIELD_ERROR_INVALID,
    FIELD_ERROR_NOT_SUPPORTED,
    FIELD_ERROR_DUPLICATE,
    FIELD_ERROR_FORBIDDEN,
    FIELD_ERROR_NOT_FOUND,
    FIELD_ERROR_TOO_LONG,
    FIELD_ERROR_TOO_SHORT,
    FIELD_ERROR_TOO_MANY,
    FIELD_ERROR_TOO_FEW,
    FIELD_ERROR_TYPE_INVALID,
    FIELD_ERROR_INTERNAL,
};

/* The reason in a Status cause: FieldValueRequired, … Constant. */
struct str field_error_reason(enum field_error_type type);

struct field_error {
    struct str field; /* path text */
    struct str body;  /* what is wrong, without the path: Required value: … */
    enum field_error_type type;
};

struct field_errors {
    struct arena *arena;
    struct field_error *v;
    uint32_t n, cap;
    uint32_t dropped; /* errors past FIELD_ERRORS_MAX */
};

#define FIELD_ERRORS_INIT(arena_)                                                                            \
    { .arena = (arena_) }

/* How many were recorded, dropped ones included: to see whether a check found anything. */
static inline uint32_t field_errors_count(const struct field_errors *e) {
    return e->n + e->dropped;
}

/* A value that an error shows. Make it with bad(), which takes strings, numbers, booleans and the optional
 * forms of these; with BAD_NULL; or with bad_json for anything else, shown as its JSON. */
enum bad_kind { BAD_KIND_NULL, BAD_KIND_STR, BAD_KIND_INT, BAD_KIND_BOOL, BAD_KIND_JSON };

struct bad_value {
    enum bad_kind kind;
    struct str s; /* BAD_KIND_STR: shown in quotes; BAD_KIND_JSON: shown as it is */
    int64_t i;    /* BAD_KIND_INT, BAD_KIND_BOOL */
};

#define BAD_NULL ((struct bad_value){.kind = BAD_KIND_NULL})

static inline struct bad_value bad_str(struct str s) {
    return (struct bad_value){.kind = BAD_KIND_STR, .s = s};
}
static inline struct bad_value bad_int(int64_t i) {
    return (struct bad_value){.kind = BAD_KIND_INT, .i = i};
}
static inline struct bad_value bad_bool(bool b) {
    return (struct bad_value){.kind = BAD_KIND_BOOL, .i = b};
}
static inline struct bad_value bad_json(struct str text) {
    return (struct bad_value){.kind = BAD_KIND_JSON, .s = text};
}
static inline struct bad_value bad_opt_i32(struct opt_i32 o) {
    return o.set ? bad_int(o.v) : BAD_NULL;
}
static inline struct bad_value bad_opt_i64(struct opt_i64 o) {
    return o.set ? bad_int(o.v) : BAD_NULL;
}
static inline struct bad_value bad_opt_bool(struct opt_bool o) {
    return o.set ? bad_bool(o.v) : BAD_NULL;
}
static inline struct bad_value bad_int_or_string(struct int_or_string v) {
    return !v.set ? BAD_NULL : v.is_str ? bad_str(v.s) : bad_int(v.i);
}

#define bad(value_)                                                                                          \
    _Generic((value_), struct str                                                                            \
             : bad_str, bool                                                                                 \
             : bad_bool, struct opt_i32                                                                      \
             : bad_opt_i32, struct opt_i64                                                                   \
             : bad_opt_i64, struct opt_bool                                                                  \
             : bad_opt_bool, struct int_or_string                                                            \
             : bad_int_or_string, default                                                                    \
             : bad_int)(value_)

/* Recording, one function per type. Explanations are printf texts without the path and the value. */
void field_required(struct field_errors *e, const struct field_path *p);
void field_required_because(struct field_errors *e, const struct field_path *p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void field_invalid(struct field_errors *e, const struct field_path *p, struct bad_value value,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void field_type_invalid(struct field_errors *e, const struct field_path *p, struct bad_value value,
                        const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void field_forbidden(struct field_errors *e, const struct field_path *p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* supported: what is accepted, shown in this order; n == 0 shows none. */
void field_not_supported(struct field_errors *e, const struct field_path *p, struct bad_value value,
                         const struct str *supported, size_t n);
void field_duplicate(struct field_errors *e, const struct field_path *p, struct bad_value value);
void field_not_found(struct field_errors *e, const struct field_path *p, struct bad_value value);
void field_not_found_because(struct field_errors *e, const struct field_path *p, struct bad_value value,
                             const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void field_too_long(struct field_errors *e, const struct field_path *p, size_t max_bytes);
void field_too_many(struct field_errors *e, const struct field_path *p, size_t actual, size_t max);
void field_too_few(struct field_errors *e, const struct field_path *p, size_t actual, size_t min);
void field_internal(struct field_errors *e, const struct field_path *p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends s as a Go string literal: quotes, escapes, characters that do not print as \u. */
void field_quote(struct buf *out, struct str s);

/* Whether all of s is characters that a quoted text shows as they are, spaces included. */
bool field_text_prints(struct str s);

/* Appends one error as text: "spec.x: Required value". */
void field_error_text(struct buf *out, const struct field_error *error);

/* Appends all as one text: nothing, the error, or "[a, b]" with equal texts once. */
void field_errors_text(struct buf *out, const struct field_errors *e);
