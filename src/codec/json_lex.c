/* The rare cases of the lexer. See json_lex.h. */
#include "codec/json_lex.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"

int json_fail(const struct json_lex *l, const char *expected) {
    size_t at = (size_t)(l->p - l->text);
    if (l->p >= l->end)
        return err_set(l->err, ERR_INVALID, "invalid JSON: the text ends at byte %zu where %s is expected",
                       at, expected);
    unsigned char c = (unsigned char)*l->p;
    if (c > ' ' && c < 0x7f)
        return err_set(l->err, ERR_INVALID, "invalid JSON: '%c' at byte %zu where %s is expected", c, at,
                       expected);
    return err_set(l->err, ERR_INVALID, "invalid JSON: byte 0x%02x at byte %zu where %s is expected", c, at,
                   expected);
}

int json_fail_depth(const struct json_lex *l, uint32_t depth_max) {
    return err_set(l->err, ERR_TOO_LARGE, "JSON is nested deeper than %u levels at byte %zu", depth_max,
                   (size_t)(l->p - l->text));
}

int json_fail_number(struct err *err, struct str number) {
    return err_set(err, ERR_INVALID, "json: cannot unmarshal number %.*s into Go value of type float64",
                   STR_ARG(str_cut(number, 64)));
}

/* --- strings --- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Checks the escape at `at`; returns what is behind it, or NULL. */
static const char *escape_end(const char *at, const char *end) {
    if (end - at < 2)
        return NULL;
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return at + 2;
    case 'u': break;
    default: return NULL;
    }
    if (end - at < 6)
        return NULL;
    for (int i = 2; i < 6; i++)
        if (hex_digit(at[i]) < 0)
            return NULL;
    return at + 6;
}

/* Behind the run of non-ASCII bytes at `at`; where it is not UTF-8, there. */
static const char *utf8_run_end(const char *at, const char *end, bool *ret_valid) {
    const char *stop = at;
    while (stop < end && (signed char)*stop < 0)
        stop++;
    size_t n = utf8_valid_prefix((struct str){at, (size_t)(stop - at)});
    *ret_valid = n == (size_t)(stop - at);
    return at + n;
}

int json_string_slow(struct json_lex *l, const char *at, struct json_span *ret) {
    const char *start = l->p;
    bool escaped = false, valid = true;
    while (at < l->end && *at != '"') {
        if (*at == '\\') {
            const char *next = escape_end(at, l->end);
            if (!next) {
                bool cut = l->end - at < 6 && !memchr(at + 1, '"', (size_t)(l->end - at - 1));
                l->p = cut ? l->end : at;
                return json_fail(l, "a valid escape");
            }
            escaped = true;
            at = next;
        } else if ((signed char)*at < 0) {
            at = utf8_run_end(at, l->end, &valid);
            l->p = at;
            if (!valid)
                return json_fail(l, "UTF-8 text");
        } else {
            l->p = at;
            return json_fail(l, "an escape instead of the control character");
        }
        at = json_plain_end(at, l->end);
    }
    l->p = at;
    if (at >= l->end)
        return json_fail(l, "the end of the string");
    *ret = (struct json_span){start, (size_t)(at - start), escaped};
    l->p = at + 1;
    return 0;
}

static uint32_t hex4(const char *p) {
    return (uint32_t)(hex_digit(p[0]) << 12 | hex_digit(p[1]) << 8 | hex_digit(p[2]) << 4 | hex_digit(p[3]));
}

/* One \u escape, or a pair of surrogates; *p stands at the backslash and goes behind it. */
static uint32_t unescape_u(const char **p, const char *end) {
    const uint32_t replacement = 0xFFFD;
    uint32_t c = hex4(*p + 2);
    *p += 6;
    if (c < 0xD800 || c > 0xDFFF)
        return c;
    if (c > 0xDBFF || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return replacement;
    uint32_t low = hex4(*p + 2);
    if (low < 0xDC00 || low > 0xDFFF)
        return replacement;
    *p += 6;
    return 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
}

size_t json_unescape(struct json_span span, char *to) {
    const char *p = span.p, *end = span.p + span.n, *start = to;
    while (p < end) {
        const char *backslash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((backslash ? backslash : end) - p);
        memcpy(to, p, plain);
        to += plain;
        p += plain;
        if (p == end)
            break;
        switch (p[1]) {
        case 'u': to += utf8_encode(unescape_u(&p, end), to); continue;
        case 'b': *to++ = '\b'; break;
        case 'f': *to++ = '\f'; break;
        case 'n': *to++ = '\n'; break;
        case 'r': *to++ = '\r'; break;
        case 't': *to++ = '\t'; break;
        default: *to++ = p[1]; break;
        }
        p += 2;
    }
    return (size_t)(to - start);
}

struct str json_span_str(struct arena *a, struct json_span span, bool copy) {
    if (!span.escaped && !copy)
        return (struct str){span.p, span.n};
    char *to = arena_bytes(a, span.n);
    if (span.escaped)
        return (struct str){to, json_unescape(span, to)};
    if (span.n)
        memcpy(to, span.p, span.n);
    return (struct str){to, span.n};
}

/* --- numbers --- */

static const char *digits_end(const char *p, const char *end) {
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* The digits in [p, end) as an int64; false when they do not fit. */
static bool to_int64(const char *p, const char *end, bool negative, int64_t *ret) {
    uint64_t v = 0;
    if (end - p > 19)
        return false;
    for (; p < end; p++)
        v = v * 10 + (uint64_t)(*p - '0'); /* 19 digits fit in 64 bits */
    if (v > (uint64_t)INT64_MAX + negative)
        return false;
    *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

int json_number(struct json_lex *l, struct json_number *ret) {
    const char *start = l->p, *p = start;
    bool negative = *p == '-', whole = true;
    p += negative;
    const char *digits = p;
    p = p < l->end && *p == '0' ? p + 1 : digits_end(p, l->end);
    const char *digits_stop = p;
    bool good = p > digits;
    if (good && p < l->end && *p == '.') {
        const char *fraction = ++p;
        p = digits_end(p, l->end);
        good = p > fraction;
        whole = false;
    }
    if (good && p < l->end && (*p | 0x20) == 'e') {
        p++;
        p += p < l->end && (*p == '+' || *p == '-');
        const char *exponent = p;
        p = digits_end(p, l->end);
        good = p > exponent;
        whole = false;
    }
    l->p = p;
    if (!good)
        return json_fail(l, "a digit");
    *ret = (struct json_number){start, (size_t)(p - start), false, 0};
    ret->is_int = whole && to_int64(digits, digits_stop, negative, &ret->i);
    return 0;
}

/* Digits that can matter to the rounding of a double; what is behind them only counts as "more than". */
#define DIGITS_MAX 800

/* The number as digits × 10^exponent, without leading zeros, in a form of bounded length. */
struct decimal {
    char digits[DIGITS_MAX + 1];
    size_t n;
    int64_t exponent;
};

static void decimal_digit(struct decimal *d, char c, bool fraction) {
    if (fraction)
        d->exponent--;
    if (d->n == 0 && c == '0')
        return;
    if (d->n < DIGITS_MAX) {
        d->digits[d->n++] = c;
        return;
    }
    d->exponent++;
    if (c != '0' && d->digits[DIGITS_MAX - 1] == '0')
        d->digits[DIGITS_MAX - 1] = '1';
}

static void decimal_parse(struct str s, struct decimal *d) {
    size_t i = s.p[0] == '-';
    bool fraction = false;
    d->n = 0;
    d->exponent = 0;
    for (; i < s.n && (s.p[i] | 0x20) != 'e'; i++) {
        if (s.p[i] == '.')
            fraction = true;
        else
            decimal_digit(d, s.p[i], fraction);
    }
    if (i == s.n)
        return;
    i++;
    bool negative = s.p[i] == '-';
    i += s.p[i] == '-' || s.p[i] == '+';
    int64_t e = 0;
    for (; i < s.n; i++)
        if (e < 1000000000)
            e = e * 10 + (s.p[i] - '0');
    d->exponent += negative ? -e : e;
}

bool json_number_double(struct str number, double *ret_value) {
    struct decimal d;
    decimal_parse(number, &d);
    double v = 0;
    if (d.n) {
        char text[DIGITS_MAX + 32];
        memcpy(text, d.digits, d.n);
        int64_t e = d.exponent < -100000 ? -100000 : d.exponent > 100000 ? 100000 : d.exponent;
        snprintf(text + d.n, sizeof text - d.n, "e%d", (int)e);
        v = strtod(text, NULL);
    }
    if (!isfinite(v))
        return false;
    *ret_value = number.p[0] == '-' ? -v : v;
    return true;
}

/* --- values --- */

int json_literal(struct json_lex *l) {
    static const struct str words[] = {STR_INIT("true"), STR_INIT("false"), STR_INIT("null")};
    const struct str *w = *l->p == 't' ? &words[0] : *l->p == 'f' ? &words[1] : &words[2];
    for (size_t i = 0; i < w->n; i++, l->p++)
        if (l->p >= l->end || *l->p != w->p[i])
            return json_fail(l, "true, false or null");
    return 0;
}

const char *json_kind_of(char c) {
    switch (c) {
    case '"': return "string";
    case '{': return "object";
    case '[': return "array";
    case 't':
    case 'f': return "bool";
    case 'n': return "null";
    default: return c == '-' || (c >= '0' && c <= '9') ? "number" : NULL;
    }
}

/* Digits of the largest double. */
#define DOUBLE_DIGITS_MAX 309

static int skip_number(struct json_lex *l) {
    struct json_number n;
    int rc = json_number(l, &n);
    if (rc || n.is_int || l->too_large.p)
        return rc;
    struct str s = {n.p, n.n};
    bool exponent = str_find_byte(s, 'e') >= 0 || str_find_byte(s, 'E') >= 0;
    double d;
    if ((exponent || s.n >= DOUBLE_DIGITS_MAX) && !json_number_double(s, &d))
        l->too_large = s;
    return 0;
}

/* A string, number, true, false or null. */
static int skip_scalar(struct json_lex *l, char c) {
    struct json_span span;
    switch (c) {
    case '"': l->p++; return json_string(l, &span);
    case 't':
    case 'f':
    case 'n': return json_literal(l);
    default: return json_kind_of(c) ? skip_number(l) : json_fail(l, "a value");
    }
}

/* Open containers, one bit each: set for an object. */
struct nest {
    uint64_t bits[(JSON_DEPTH_MAX + 63) / 64];
    uint32_t n, max;
};

static inline bool nest_push(struct nest *s, bool object) {
    if (s->n >= s->max)
        return false;
    uint64_t bit = (uint64_t)1 << (s->n % 64), *word = &s->bits[s->n / 64];
    *word = object ? *word | bit : *word & ~bit;
    s->n++;
    return true;
}

static inline bool nest_object(const struct nest *s) {
    return s->bits[(s->n - 1) / 64] >> ((s->n - 1) % 64) & 1;
}

static inline char peek_noting_space(struct json_lex *l, bool *space) {
    const char *before = l->p;
    char c = json_peek(l);
    *space |= l->p != before;
    return c;
}

/* `"key":` of an object, the cursor at the opening quote. */
static inline int skip_key(struct json_lex *l, bool *space) {
    struct json_span key;
    if (l->p >= l->end || *l->p != '"')
        return json_fail(l, "a member name");
    l->p++;
    int rc = json_string(l, &key);
    if (rc)
        return rc;
    if (peek_noting_space(l, space) != ':')
        return json_fail(l, "':'");
    l->p++;
    return 0;
}

/* Behind a value: closes containers, then goes behind the comma (and, in an object, the key) to the next
 * value. s->n == 0: all is done. */
static inline int skip_after_value(struct json_lex *l, struct nest *s, bool *space) {
    while (s->n) {
        bool object = nest_object(s);
        char c = peek_noting_space(l, space);
        if (c == ',') {
            l->p++;
            if (!object)
                return 0;
            peek_noting_space(l, space);
            return skip_key(l, space);
        }
        if (c != (object ? '}' : ']'))
            return json_fail(l, object ? "',' or '}'" : "',' or ']'");
        l->p++;
        s->n--;
    }
    return 0;
}

int json_skip(struct json_lex *l, uint32_t depth_max, bool *ret_compact) {
    struct nest s = {.n = 0, .max = depth_max < JSON_DEPTH_MAX ? depth_max : JSON_DEPTH_MAX};
    bool space = false;
    json_space(l);
    do {
        int rc = 0;
        char c = peek_noting_space(l, &space);
        if (c == '{' || c == '[') {
            if (!nest_push(&s, c == '{'))
                return json_fail_depth(l, s.max);
            l->p++;
            char next = peek_noting_space(l, &space);
            if (next == (c == '{' ? '}' : ']'))
                rc = skip_after_value(l, &s, &space);
            else if (c == '{')
                rc = skip_key(l, &space);
        } else {
            rc = skip_scalar(l, c);
            if (rc == 0)
                rc = skip_after_value(l, &s, &space);
        }
        if (rc)
            return rc;
    } while (s.n);
    if (ret_compact)
        *ret_compact = !space;
    return 0;
}

size_t json_squeeze(char *to, struct str text) {
    const char *p = text.p, *end = text.p + text.n;
    char *start = to;
    while (p < end) {
        if (*p == '"') {
            const char *from = p++;
            while (*p != '"')
                p += 1 + (*p == '\\');
            p++;
            memcpy(to, from, (size_t)(p - from));
            to += p - from;
        } else if (json_is_space(*p)) {
            p++;
        } else {
            *to++ = *p++;
        }
    }
    return (size_t)(to - start);
}
