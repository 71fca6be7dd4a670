/* api/value: the leaf values of API objects as they lie in packed structs.
 *
 * Each has a zero that means absent (`set` false, or a NULL pointer in struct str), so that a zeroed struct
 * is an empty object. What they mean and how they are read and printed: quantity.h, time.h, intstr.h. Plain
 * data; owned by the object (or the stack) that embeds them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct opt_bool {
    bool v;
    bool set;
};
struct opt_i32 {
    int32_t v;
    bool set;
};
struct opt_u32 {
    uint32_t v;
    bool set;
};
struct opt_i64 {
    int64_t v;
    bool set;
};
struct opt_u64 {
    uint64_t v;
    bool set;
};
struct opt_f64 {
    double v;
    bool set;
};

enum quantity_format { QUANTITY_DECIMAL_SI = 0, QUANTITY_BINARY_SI = 1, QUANTITY_DECIMAL_EXPONENT = 2 };

/* units + nanos × 10⁻⁹, both of the same sign, |nanos| < 10⁹. Upstream caps quantities at 2⁶³−1 units and
 * rounds up past nano, so this is exact. */
struct quantity {
    int64_t units;
    int32_t nanos;
    uint8_t format; /* enum quantity_format: how it was written, kept for printing */
    bool set;       /* false: absent */
};

/* A point in time, UTC. Not set is Go's zero time: null or left out in JSON. */
struct timestamp {
    int64_t sec; /* since 1970, may be negative */
    int32_t nsec;
    bool set;
};

struct duration {
    int64_t ns;
    bool set;
};

struct int_or_string {
    struct str s; /* when is_str */
    int32_t i;    /* when not */
    bool is_str;
    bool set;
};

/* Generic views of generated lists (`struct core_container_array`) and maps (`struct str_map`). v == NULL is
 * absent; v != NULL with n == 0 is present and empty. */
struct any_array {
    void *v;
    uint32_t n;
};
struct str_array {
    struct str *v;
    uint32_t n;
};
struct i32_array {
    int32_t *v;
    uint32_t n;
};
struct i64_array {
    int64_t *v;
    uint32_t n;
};
struct u32_array {
    uint32_t *v;
    uint32_t n;
};
struct u64_array {
    uint64_t *v;
    uint32_t n;
};
struct f64_array {
    double *v;
    uint32_t n;
};
struct bool_array {
    bool *v;
    uint32_t n;
};
struct quantity_array {
    struct quantity *v;
    uint32_t n;
};
struct timestamp_array {
    struct timestamp *v;
    uint32_t n;
};
struct int_or_string_array {
    struct int_or_string *v;
    uint32_t n;
};

/* String-keyed maps: entries sorted by key, bytewise, each key once. */
struct str_entry {
    struct str key, value;
};
struct str_map {
    struct str_entry *v;
    uint32_t n;
};
struct quantity_entry {
    struct str key;
    struct quantity value;
};
struct quantity_map {
    struct quantity_entry *v;
    uint32_t n;
};
struct i32_entry {
    struct str key;
    int32_t value;
};
struct i32_map {
    struct i32_entry *v;
    uint32_t n;
};
struct i64_entry {
    struct str key;
    int64_t value;
};
struct i64_map {
    struct i64_entry *v;
    uint32_t n;
};
struct bool_entry {
    struct str key;
    bool value;
};
struct bool_map {
    struct bool_entry *v;
    uint32_t n;
};
struct timestamp_entry {
    struct str key;
    struct timestamp value;
};
struct timestamp_map {
    struct timestamp_entry *v;
    uint32_t n;
};

/* The value of a key in a string map; absent (p == NULL) when there is none. Binary search. */
struct str str_map_get(struct str_map m, struct str key);

/* The value of a key, or NULL. */
const struct quantity *quantity_map_get(struct quantity_map m, struct str key);
