/* api/json_priv: what the readers and writers of json.h share: from text and from trees, to text and to
 * trees.
 *
 * A walk knows where it is by a chain of steps on the C stack, which costs a few stores a level and is only
 * looked at when there is something to report. Belongs to one thread.
 */
#pragma once

#include <stddef.h>

#include "api/json.h"
#include "api/quantity.h"
#include "base/timefmt.h"
#include "codec/json_lex.h"
#include "codec/json_path.h"

enum json_step_kind { STEP_FIELD, STEP_INDEX, STEP_KEY };

/* One step from the root to the value being read. Small: there is one on the stack for every level. */
struct json_step {
    struct json_step *up;
    uint16_t kind; /* enum json_step_kind */
    uint16_t type; /* STEP_FIELD: of the message */
    union {
        const struct ty_field *field; /* STEP_FIELD: NULL before the first */
        struct str key;               /* STEP_KEY */
        size_t index;                 /* STEP_INDEX */
    };
};

/* Memory that structs may take for a text: generous for real objects, which take two to three bytes for each
 * of theirs, and a bound for lists of `{}`. */
#define READ_BUDGET_BASE (1 << 20)
#define READ_BUDGET_FACTOR 64
#define READ_BUDGET_MAX (3 * (size_t)JSON_SIZE_MAX)

size_t reading_budget(size_t text_bytes);

struct reading {
    const struct ty_set *set;
    struct arena *arena;
    struct strict_errors *strict;
    struct err *err;
    struct json_step *top;
    uint32_t depth, depth_max;
    size_t budget;   /* bytes that structs, lists and maps may still take */
    bool wrong_type; /* the error is about a value, not about the text */
};

/* Takes bytes from the budget. */
int reading_spend_slow(struct reading *r) __attribute__((cold));
static inline int reading_spend(struct reading *r, size_t bytes) {
    if (bytes > r->budget)
        return reading_spend_slow(r);
    r->budget -= bytes;
    return 0;
}

/* What the reader wants in place of what it found: a message, or the field with its shape, or one item of it.
 */
enum json_want { WANT_FIELD, WANT_ITEM };

/* A value of the wrong JSON type; got: "string", "number 1.5". CONFORMS: Go's UnmarshalTypeError. */
int reading_wrong_type(struct reading *r, const struct ty_field *f, enum json_want want, struct str got)
    __attribute__((cold));

/* The same for a message where `type` is expected. */
int reading_wrong_message(struct reading *r, uint32_t type, const char *got) __attribute__((cold));

/* A string or number that its leaf cannot take: puts the path in front of r->err. */
int reading_bad_value(struct reading *r) __attribute__((cold));

/* Reports a field that is unknown or there twice; `key` is below the current step. */
void reading_report(struct reading *r, const char *what, struct str key) __attribute__((cold));

/* The path of the value being read, in the arena. */
struct str reading_path(const struct reading *r);

/* A new message for a pointer. */
int reading_new(struct reading *r, uint32_t type, void **ret);

/* Stands for a list or map that is present and empty. */
extern const uint64_t json_empty[1];

/* Bytes of a field in its struct. */
size_t json_field_size(const struct ty_set *set, const struct ty_field *f);

/* Puts map entries in the order of their keys, each key once: the last one wins, the others are reported.
 * Returns how many stay. */
uint32_t reading_sort_entries(struct reading *r, char *entries, uint32_t n, size_t entry_size)
    __attribute__((cold));

/* Leaves that are kept as JSON text. */
static inline bool json_leaf_is_raw(uint8_t leaf) {
    return leaf >= LEAF_RAW && leaf <= LEAF_ANY;
}

/* Reads what stands in JSON as a string or as a number into the C value of a leaf. Strings that the leaf
 * keeps are borrowed. */
int json_leaf_from_string(struct reading *r, const struct ty_field *f, enum json_want want, struct str s,
                          void *at);
int json_leaf_from_number(struct reading *r, const struct ty_field *f, enum json_want want,
                          const struct json_number *n, void *at);
int json_leaf_from_bool(struct reading *r, const struct ty_field *f, enum json_want want, bool b, void *at);

/* Sets the flag of an optional scalar behind its value. */
static inline void leaf_mark_set(uint8_t leaf, char *at) {
    switch ((enum leaf)leaf) {
    case LEAF_BOOL: at[offsetof(struct opt_bool, set)] = 1; return;
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: at[offsetof(struct opt_i32, set)] = 1; return;
    case LEAF_I64:
    case LEAF_U64:
    case LEAF_F64: at[offsetof(struct opt_i64, set)] = 1; return;
    default: return; /* the others know for themselves */
    }
}

/* Whether an optional value is absent. */
static inline bool leaf_absent(uint8_t leaf, const char *at) {
    switch ((enum leaf)leaf) {
    case LEAF_BOOL:
    case LEAF_BOOL_VALUE: return !((const struct opt_bool *)at)->set;
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: return !((const struct opt_i32 *)at)->set;
    case LEAF_I64:
    case LEAF_U64:
    case LEAF_F64:
    case LEAF_INT64_VALUE: return !((const struct opt_i64 *)at)->set;
    case LEAF_QUANTITY: return !((const struct quantity *)at)->set;
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP: return !((const struct timestamp *)at)->set;
    case LEAF_DURATION: return !((const struct duration *)at)->set;
    case LEAF_INT_OR_STRING: return !((const struct int_or_string *)at)->set;
    case LEAF_TREE: return ((const struct jval *)at)->kind == J_NULL;
    case LEAF_MESSAGE:
    case LEAF_STRING:
    case LEAF_BYTES:
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON:
    case LEAF_ANY: return !*(const void *const *)at; /* a pointer, or struct str, which begins with one */
    }
    return false;
}

/* Whether a plain value is what omitempty leaves out. CONFORMS: Go's encoding/json: structs, and what
 * upstream holds in structs (quantities, times, raw values), never are. */
static inline bool leaf_empty(uint8_t leaf, const char *at) {
    switch ((enum leaf)leaf) {
    case LEAF_STRING:
    case LEAF_BYTES: return ((const struct str *)at)->n == 0;
    case LEAF_ANY: return !((const struct str *)at)->p;
    case LEAF_BOOL: return !*(const bool *)at;
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: return *(const int32_t *)at == 0;
    case LEAF_I64:
    case LEAF_U64: return *(const int64_t *)at == 0;
    case LEAF_F64: return *(const double *)at == 0;
    case LEAF_INT64_VALUE:
    case LEAF_BOOL_VALUE:
    case LEAF_TREE: return leaf_absent(leaf, at);
    case LEAF_MESSAGE:
    case LEAF_QUANTITY:
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP:
    case LEAF_DURATION:
    case LEAF_INT_OR_STRING:
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON: return false;
    }
    return false;
}

/* Whether JSON leaves the field out. `at` is the field's place in the struct. */
static inline bool field_omitted(const struct ty_field *f, const char *at) {
    if (f->shape == SHAPE_LIST || f->shape == SHAPE_MAP)
        return (f->flags & FIELD_OMITEMPTY) && ((const struct any_array *)at)->n == 0;
    if (f->shape == SHAPE_OPT)
        return (f->flags & FIELD_OMITEMPTY) && leaf_absent(f->leaf, at);
    if ((f->flags & (FIELD_OMITEMPTY | FIELD_OMITZERO)) && leaf_empty(f->leaf, at))
        return true;
    return (f->flags & FIELD_OMITZERO) && f->leaf == LEAF_TIME && leaf_absent(LEAF_TIME, at);
}

/* Of a type whose JSON is that of one of its fields (TYPE_AS_FIELD): which one; NULL: null. CONFORMS: the
 * marshallers of JSONSchemaPropsOrBool and its like. */
const struct ty_field *json_shown_field(const struct ty_set *set, uint32_t type, const char *object);

/* The field of such a type that takes a value beginning with c (a kind by its first letter does as well:
 * "object", "array", "bool"). A schema in place of a bool means that it allows. */
const struct ty_field *json_read_as(const struct ty_set *set, uint32_t type, char c, char *object);

/* Room for every leaf that is text but no string of the user's: quantities, times, durations. */
#define JSON_LEAF_TEXT_MAX 64
_Static_assert(JSON_LEAF_TEXT_MAX >= QUANTITY_TEXT_MAX, "a quantity fits");
_Static_assert(JSON_LEAF_TEXT_MAX >= TIME_TEXT_SIZE, "a time fits");
_Static_assert(JSON_LEAF_TEXT_MAX >= DURATION_TEXT_SIZE, "a duration fits");

/* Prints a set quantity, time or duration; returns the length. */
size_t json_leaf_text(uint8_t leaf, const void *at, char out[JSON_LEAF_TEXT_MAX]);
