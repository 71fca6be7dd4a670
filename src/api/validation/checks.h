/* api/validation: the checks that many kinds share: presence, closed sets, ranges, sizes, immutability.
 *
 * Each records what is wrong and returns whether the value is fine, for callers that check on only then.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/field_error.h"

/* A set of accepted texts; errors show it in this order. */
struct str_set {
    const struct str *v;
    size_t n;
};
#define STR_SET(array_) ((struct str_set){(array_), sizeof(array_) / sizeof((array_)[0])})

bool str_set_has(struct str_set set, struct str s);

/* Non-empty. */
bool check_required(struct field_errors *e, const struct field_path *p, struct str value);

/* One of the set; empty counts as any other value. */
bool check_supported(struct field_errors *e, const struct field_path *p, struct str value,
                     struct str_set set);

/* Required, and one of the set. */
bool check_enum(struct field_errors *e, const struct field_path *p, struct str value, struct str_set set);

/* One of the set when present and not empty. */
bool check_optional_enum(struct field_errors *e, const struct field_path *p, struct str value,
                         struct str_set set);

bool check_non_negative(struct field_errors *e, const struct field_path *p, int64_t value);
bool check_positive(struct field_errors *e, const struct field_path *p, int64_t value);
bool check_non_negative_quantity(struct field_errors *e, const struct field_path *p,
                                 const struct quantity *q);
bool check_positive_quantity(struct field_errors *e, const struct field_path *p, const struct quantity *q);
bool check_range(struct field_errors *e, const struct field_path *p, int64_t value, int64_t min, int64_t max);

/* 1..65535 */
bool check_port(struct field_errors *e, const struct field_path *p, int64_t port);

/* At most max bytes. */
bool check_max_bytes(struct field_errors *e, const struct field_path *p, struct str value, size_t max);
bool check_max_items(struct field_errors *e, const struct field_path *p, size_t n, size_t max);

/* A quantity as an error shows it. */
struct bad_value bad_quantity(struct field_errors *e, const struct quantity *q);

/* One field of a packed struct of the type, as an error shows it. */
struct bad_value bad_field(struct field_errors *e, uint32_t type, struct str json_name, const void *object);

/* A packed struct of the type, as an error shows it. */
struct bad_value bad_object(struct field_errors *e, uint32_t type, const void *object);

/* A field that an update may not change, of two structs of the type; p is the field's path. */
bool check_immutable(struct field_errors *e, const struct field_path *p, uint32_t type, struct str json_name,
                     const void *object, const void *old);

#define IMMUTABLE_TEXT "field is immutable"
