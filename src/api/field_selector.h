/* api/field_selector: filters on fields: "spec.nodeName=n1,status.phase!=Failed".
 *
 * A selector is a list of terms that must all hold, sorted. Which labels there are, and what they read, a
 * kind's selectors table says (struct kind_selector); label and path are joined once by
 * field_selector_resolve, then objects are matched through refs, or through a callback where the value is
 * made by code.
 *
 * Compiled selectors live in the arena they were made in and never change: any thread may match.
 */
#pragma once

#include "api/kind.h"
#include "api/ref.h"

struct arena;
struct buf;
struct err;

struct field_term {
    struct str field; /* the label, as written; the kind's own after field_selector_resolve */
    struct str value;
    bool is_not;
    struct str path; /* what it reads in the hub's type; set by field_selector_resolve, may be empty */
};

/* Zeroed, it matches everything. */
struct field_selector {
    const struct field_term *v;
    uint32_t n;
};

/* Longer texts are refused with ERR_TOO_LARGE. */
#define FIELD_SELECTOR_BYTES_MAX (256u * 1024)

/* Reads a text; "" matches everything. In values a backslash stands before each comma, equals sign and
 * backslash. Copies what it keeps. CONFORMS: fields.ParseSelector. */
int field_selector_parse(struct arena *a, struct str text, struct field_selector *ret, struct err *err);

/* Appends the text, which reads back as the same selector. */
void field_selector_write(struct buf *out, const struct field_selector *s);

/* Looks up each label among those of the kind; ERR_INVALID names one that it does not have. The result lives
 * in the arena and shares the strings of `s`. */
int field_selector_resolve(struct arena *a, const struct field_selector *s, const struct kind *kind,
                           struct field_selector *ret, struct err *err);

/* The value of a field as text, absent counts as "". */
typedef struct str (*field_value_fn)(void *ctx, const struct field_term *term);

bool field_selector_matches(const struct field_selector *s, field_value_fn value, void *ctx);

/* Matches an object of the hub's type by the paths of a resolved selector; where a path is empty, `value` is
 * asked, or counts as "" when it is NULL. Numbers and booleans compare as their JSON text. `scratch` takes
 * texts that have to be made. */
bool field_selector_matches_ref(const struct field_selector *s, struct ref object, field_value_fn value,
                                void *ctx, struct arena *scratch);

/* Whether the selector wants the field to have exactly this value; the first such term counts. */
bool field_selector_requires(const struct field_selector *s, struct str field, struct str *ret_value);
