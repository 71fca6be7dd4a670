/* codec/json_lex: the words of JSON text, shared by the readers of codec/ and api/.
 *
 * A lexer is a cursor over text that is not NUL-terminated. The short common cases (plain ASCII strings,
 * small integers) are inline; everything rare is in json_lex.c. Errors name the byte where the text went
 * wrong. CONFORMS: RFC 8259; strings are checked to be UTF-8 (RFC 3629). Belongs to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/str.h"

struct arena;
struct err;

struct json_lex {
    const char *p, *end; /* next byte; behind the last one */
    const char *text;    /* first byte, for error messages */
    struct err *err;
    struct str too_large; /* set by json_skip: a number beyond every double, that no tree can hold */
};

static inline struct json_lex json_lex_init(struct str text, struct err *err) {
    const char *p = text.p ? text.p : "";
    return (struct json_lex){.p = p, .end = p + text.n, .text = p, .err = err};
}

/* Reports that something else than `expected` ("a value") stands at the cursor, or that the text ends there.
 */
int json_fail(const struct json_lex *l, const char *expected) __attribute__((cold));

/* Reports a number that no double can hold. */
int json_fail_number(struct err *err, struct str number) __attribute__((cold));

/* Reports that the text is nested deeper than `depth_max`. */
int json_fail_depth(const struct json_lex *l, uint32_t depth_max) __attribute__((cold));

static inline bool json_is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline void json_space(struct json_lex *l) {
    while (l->p < l->end && json_is_space(*l->p))
        l->p++;
}

/* The next byte that is no white space, or 0 at the end. A NUL in the text is never valid either. */
static inline char json_peek(struct json_lex *l) {
    if (l->p < l->end && (unsigned char)*l->p > ' ')
        return *l->p;
    json_space(l);
    return l->p < l->end ? *l->p : 0;
}

/* Checks that only white space is left. */
static inline int json_end(struct json_lex *l) {
    json_space(l);
    return l->p < l->end ? json_fail(l, "the end of the text") : 0;
}

/* A string as it stands in the text, without its quotes. */
struct json_span {
    const char *p;
    size_t n;
    bool escaped; /* has escapes: json_unescape() it */
};

/* The general case of json_string: goes on at `at`, where a string that began at l->p holds a byte that is
 * not plain. */
int json_string_slow(struct json_lex *l, const char *at, struct json_span *ret);

/* First byte at or after p that a plain string does not hold: quote, backslash, control, not ASCII. Returns
 * `end` when there is none. */
static inline const char *json_plain_end(const char *p, const char *end) {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        __m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
                                    _mm_cmplt_epi8(v, space)); /* signed: bytes from 0x80 are negative */
        unsigned mask = (unsigned)_mm_movemask_epi8(stop);
        if (mask)
            return p + __builtin_ctz(mask);
        p += 16;
    }
#else
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    while (end - p >= 8) {
        uint64_t v, quote, backslash;
        memcpy(&v, p, 8);
        quote = v ^ ones * '"';
        backslash = v ^ ones * '\\';
        if (((v - ones * ' ') | (quote - ones) | (backslash - ones) | v) & high)
            break;
        p += 8;
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && (signed char)*p >= ' ')
        p++;
    return p;
}

/* Reads a string; the cursor stands behind its opening quote and comes to stand behind the closing one. */
static inline int json_string(struct json_lex *l, struct json_span *ret) {
    const char *at = json_plain_end(l->p, l->end);
    if (__builtin_expect(at < l->end && *at == '"', 1)) {
        *ret = (struct json_span){l->p, (size_t)(at - l->p), false};
        l->p = at + 1;
        return 0;
    }
    return json_string_slow(l, at, ret);
}

/* Reads `"key":` of an object, with white space before and within. */
static inline int json_key(struct json_lex *l, struct json_span *ret) {
    if (json_peek(l) != '"')
        return json_fail(l, "a member name");
    l->p++;
    int rc = json_string(l, ret);
    if (rc)
        return rc;
    if (json_peek(l) != ':')
        return json_fail(l, "':'");
    l->p++;
    return 0;
}

/* Writes the text of an escaped span (read by json_string, so valid) to `to`, which has room for span.n
 * bytes; returns its length. A surrogate escape without its other half becomes U+FFFD. */
size_t json_unescape(struct json_span span, char *to);

/* The text of a span: in the arena when it has escapes or when `copy`, else where it stands. Never absent. */
struct str json_span_str(struct arena *a, struct json_span span, bool copy);

struct json_number {
    const char *p;
    size_t n;
    bool is_int; /* an integer that fits int64 */
    int64_t i;   /* when is_int */
};

/* Reads a number; the cursor stands at its first byte. */
int json_number(struct json_lex *l, struct json_number *ret);

/* The nearest double. False when it is too large for one. Any length of digits. */
bool json_number_double(struct str number, double *ret_value);

/* Reads true, false or null; the cursor stands at its first byte, which is known. */
int json_literal(struct json_lex *l);

/* Checks one value and goes behind it; notes the first number that is too_large. *ret_compact (may be NULL):
 * no white space in it outside strings. */
int json_skip(struct json_lex *l, uint32_t depth_max, bool *ret_compact);

/* Copies valid JSON text without insignificant white space to `to`, which has room for text.n bytes; returns
 * the length. */
size_t json_squeeze(char *to, struct str text);

/* What a value that starts with c is called in errors: "string", "number", …; NULL when none starts so. */
const char *json_kind_of(char c);
