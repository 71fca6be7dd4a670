/* base/str: strings as pointer and length, and their small helpers.
 *
 * A `struct str` borrows its bytes: from an arena, a literal or a frozen object, whose owner outlives it. It
 * is not NUL-terminated. Absent (p == NULL) is not empty (p != NULL, n == 0); functions that only care for
 * the text treat both as "". Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

/* A string from a literal; usable in constant initialisers as STR_INIT. */
#define S(lit) ((struct str){("" lit), sizeof(lit) - 1})
#define STR_INIT(lit)                                                                                        \
    { ("" lit), sizeof(lit) - 1 }
#define STR_NONE ((struct str){NULL, 0})

/* For printf: "%.*s", STR_ARG(s). Cut at INT_MAX. */
#define STR_ARG(s) ((int)((s).n > 0x7fffffff ? 0x7fffffff : (s).n)), ((s).p ? (s).p : "")

static inline struct str str_from(const char *z) {
    return (struct str){z, z ? strlen(z) : 0};
}

static inline struct str str_make(const char *p, size_t n) {
    return (struct str){p, n};
}

static inline bool str_empty(struct str s) {
    return s.n == 0;
}

static inline bool str_eq(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Byte order, shorter first on a tie. <0, 0, >0. */
static inline int str_cmp(struct str a, struct str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static inline bool str_has_prefix(struct str s, struct str prefix) {
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_has_suffix(struct str s, struct str suffix) {
    return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* The part from byte `from` (clamped) on. */
static inline struct str str_from_byte(struct str s, size_t from) {
    if (from > s.n)
        from = s.n;
    return (struct str){s.p ? s.p + from : NULL, s.n - from};
}

static inline struct str str_cut(struct str s, size_t n) {
    return (struct str){s.p, n < s.n ? n : s.n};
}

/* Index of the first/last byte c, or -1. */
ptrdiff_t str_find_byte(struct str s, char c);
ptrdiff_t str_rfind_byte(struct str s, char c);

/* Index of the first occurrence of needle, or -1. An empty needle is found at 0. */
ptrdiff_t str_find(struct str s, struct str needle);

/* Splits at the first byte c: *ret_head gets what is before, *ret_tail what is after. False (head = s, tail
 * empty) when there is none. */
bool str_split(struct str s, char c, struct str *ret_head, struct str *ret_tail);

/* Without leading and trailing ASCII white space. */
struct str str_trim(struct str s);

/* ASCII case only. */
bool str_eq_nocase(struct str a, struct str b);

/* Whole string as a decimal number with optional '-' (i64 only); false on anything else or overflow. */
bool str_to_i64(struct str s, int64_t *ret_value);
bool str_to_u64(struct str s, uint64_t *ret_value);

/* qsort/bsearch comparator on struct str. */
int str_cmp_qsort(const void *a, const void *b);

/* Length of the valid UTF-8 prefix of s (s.n when all is valid). Surrogates, overlong forms and code points
 * past U+10FFFF are invalid. CONFORMS: RFC 3629. */
size_t utf8_valid_prefix(struct str s);

/* Encodes a code point (must be valid), returns the number of bytes written, 1 to 4. */
size_t utf8_encode(uint32_t cp, char out[4]);
