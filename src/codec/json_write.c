/* Writing JSON: trees, strings, numbers. See json.h. */
#include "codec/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "codec/json_esc.h"
#include "codec/json_lex.h"

/* --- strings --- */

static const char hex[] = "0123456789abcdef";

/* The escape of c, written to `to` (room for 6); CONFORMS: Go's encoding/json with HTML escaping. */
static size_t escape_byte(unsigned char c, char *to) {
    static const char letters[] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['"'] = '"', ['\\'] = '\\'};
    to[0] = '\\';
    if (c < sizeof letters && letters[c]) {
        to[1] = letters[c];
        return 2;
    }
    memcpy(to + 1, "u00", 3);
    to[4] = hex[c >> 4];
    to[5] = hex[c & 15];
    return 6;
}

/* Whether the three bytes of U+2028 or U+2029 stand at p. */
static bool is_line_separator(const char *p, const char *end) {
    return end - p >= 3 && p[1] == '\x80' && (p[2] == '\xa8' || p[2] == '\xa9');
}

/* Valid UTF-8, with escapes for the line separators in it. */
static void put_utf8(struct buf *out, const char *p, const char *end) {
    while (p < end) {
        const char *stop = memchr(p, 0xe2, (size_t)(end - p));
        if (!stop)
            stop = end;
        buf_put(out, p, (size_t)(stop - p));
        p = stop;
        if (stop < end && is_line_separator(stop, end)) {
            buf_put(out, stop[2] == '\xa8' ? "\\u2028" : "\\u2029", 6);
            p += 3;
        } else if (stop < end) {
            buf_byte(out, *p++);
        }
    }
}

/* What is not ASCII, from p on: as far as it is UTF-8, or one replacement for one byte that is not. Returns
 * how many bytes that were. */
static size_t put_not_ascii(struct buf *out, const char *p, const char *end) {
    const char *stop = p;
    while (stop < end && (signed char)*stop < 0)
        stop++;
    size_t n = utf8_valid_prefix((struct str){p, (size_t)(stop - p)});
    put_utf8(out, p, p + n);
    if (n == 0)
        buf_lit(out, "\\ufffd");
    return n ? n : 1;
}

/* The escape of what stands at p, which json_escapes(); returns how many bytes it replaces. */
static size_t put_escape(struct buf *out, const char *p, const char *end) {
    unsigned char c = (unsigned char)*p;
    char text[6];
    if (c >= 0x80)
        return put_not_ascii(out, p, end);
    buf_put(out, text, escape_byte(c, text));
    return 1;
}

void json_put_escaped(struct buf *out, struct str s, enum json_escape what) {
    const char *p = s.p, *end = s.p + s.n;
    while (p < end) {
        const char *stop = json_unescaped_end(p, end, what);
        buf_put(out, p, (size_t)(stop - p));
        p = stop < end ? stop + put_escape(out, stop, end) : end;
    }
}

/* Most strings have nothing to escape: one pass. Not under a limit, since it takes room that it may not need.
 */
static bool write_plain(struct buf *out, struct str s) {
    char *to = buf_reserve(out, s.n + 18);
    if (!json_copy_plain(to + 1, s, JSON_ESCAPE_STRING))
        return false;
    to[0] = to[s.n + 1] = '"';
    out->n += s.n + 2;
    return true;
}

void json_write_string(struct buf *out, struct str s) {
    if (!out->limit && write_plain(out, s))
        return;
    buf_byte(out, '"');
    if (s.n)
        json_put_escaped(out, s, JSON_ESCAPE_STRING);
    buf_byte(out, '"');
}

/* --- numbers --- */

/* Makes the last digit of "d.ddde±xx" one more. Not a nine: what came of it was tried with a digit less. */
static bool digit_up(char *text) {
    char *last = strchr(text, 'e') - 1;
    if (*last == '9')
        return false;
    ++*last;
    return true;
}

/* d's shortest digits that read back as d, as "d.ddde±xx". A normal double holds every decimal of fifteen
 * digits, so a shorter form shows in trailing zeros; beyond, sixteen may do and seventeen always do. Above a
 * power of two doubles are twice as far apart as below, so there the decimal above may do when the nearest
 * does not. */
static void shortest(double d, char text[32]) {
    int exponent;
    bool power_of_two = frexp(d, &exponent) == 0.5;
    for (int digits = d < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        snprintf(text, 32, "%.*e", digits - 1, d);
        if (strtod(text, NULL) == d || (power_of_two && digit_up(text) && strtod(text, NULL) == d))
            return;
    }
}

/* Writes digits with the point after the first `whole` of them, padding with zeros. */
static void put_fixed(struct buf *out, const char *digits, int n, int whole) {
    if (whole <= 0) {
        buf_lit(out, "0.");
        for (int i = whole; i < 0; i++)
            buf_byte(out, '0');
        buf_put(out, digits, (size_t)n);
        return;
    }
    for (int i = 0; i < whole || i < n; i++) {
        if (i == whole)
            buf_byte(out, '.');
        buf_byte(out, i < n ? digits[i] : '0');
    }
}

/* CONFORMS: Go's encoding/json: exponents below 1e-6 and from 1e21, "e-7" but "e+21". */
void json_write_double(struct buf *out, double d) {
    if (!isfinite(d)) {
        buf_lit(out, "null"); /* JSON has no other word for it, and no JSON reads as one */
        return;
    }
    if (signbit(d))
        buf_byte(out, '-');
    d = fabs(d);
    if (d < 1e15 && d == (double)(int64_t)d) {
        buf_i64(out, (int64_t)d);
        return;
    }
    char text[32], digits[24];
    shortest(d, text);
    int n = 0, exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    for (const char *p = text; *p != 'e'; p++)
        if (*p >= '0' && *p <= '9')
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (d >= 1e-6 && d < 1e21) {
        put_fixed(out, digits, n, exponent + 1);
        return;
    }
    put_fixed(out, digits, n, 1);
    buf_printf(out, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
}

/* --- trees --- */

static void write_object(struct buf *out, const struct jval *v) {
    buf_byte(out, '{');
    for (uint32_t i = 0; i < v->n; i++) {
        if (i)
            buf_byte(out, ',');
        json_write_string(out, v->members[i].key);
        buf_byte(out, ':');
        json_write(out, &v->members[i].value);
    }
    buf_byte(out, '}');
}

void json_write(struct buf *out, const struct jval *v) {
    switch ((enum jkind)v->kind) {
    case J_NULL: buf_lit(out, "null"); return;
    case J_BOOL: buf_str(out, v->b ? S("true") : S("false")); return;
    case J_INT: buf_i64(out, v->i); return;
    case J_DOUBLE: json_write_double(out, v->d); return;
    case J_STRING: json_write_string(out, jval_as_str(v)); return;
    case J_OBJECT: write_object(out, v); return;
    case J_ARRAY:
        buf_byte(out, '[');
        for (uint32_t i = 0; i < v->n; i++) {
            if (i)
                buf_byte(out, ',');
            json_write(out, &v->items[i]);
        }
        buf_byte(out, ']');
        return;
    }
    panic("kind %u of a JSON value", v->kind);
}
