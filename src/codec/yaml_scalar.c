/* What plain scalars stand for, and floats as text. See yaml_priv.h. */
#include "codec/yaml_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "codec/json_lex.h"

#define NUMBER_MAX 1024 /* longer text is no number to anybody */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* --- words --- */

static const struct {
    const char *text; /* lower case, capitalised and upper case count */
    struct yaml_scalar scalar;
} words[] = {
    {"y", {.kind = YAML_BOOL, .b = true}},
    {"yes", {.kind = YAML_BOOL, .b = true}},
    {"true", {.kind = YAML_BOOL, .b = true}},
    {"on", {.kind = YAML_BOOL, .b = true}},
    {"n", {.kind = YAML_BOOL, .b = false}},
    {"no", {.kind = YAML_BOOL, .b = false}},
    {"false", {.kind = YAML_BOOL, .b = false}},
    {"off", {.kind = YAML_BOOL, .b = false}},
    {"null", {.kind = YAML_NULL}},
    {"~", {.kind = YAML_NULL}},
    {"", {.kind = YAML_NULL}},
    {"<<", {.kind = YAML_MERGE}},
};

/* Whether s is the word in one of the three ways to write it. */
static bool is_word(struct str s, const char *word) {
    size_t n = strlen(word);
    if (s.n != n)
        return false;
    bool lower = true, upper = true, capital = true;
    for (size_t i = 0; i < n; i++) {
        char c = word[i], big = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        lower = lower && s.p[i] == c;
        upper = upper && s.p[i] == big;
        capital = capital && s.p[i] == (i ? c : big);
    }
    return lower || upper || capital;
}

/* .nan .NaN .NAN; .inf .Inf .INF with a sign in front. */
static bool special_float(struct str s, double *ret) {
    if (str_eq(s, S(".nan")) || str_eq(s, S(".NaN")) || str_eq(s, S(".NAN"))) {
        *ret = NAN;
        return true;
    }
    bool negative = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_from_byte(s, 1);
    if (!str_eq(s, S(".inf")) && !str_eq(s, S(".Inf")) && !str_eq(s, S(".INF")))
        return false;
    *ret = negative ? -INFINITY : INFINITY;
    return true;
}

/* --- numbers --- */

/* Digits of a base; false when one is not, when there are none, or when they do not fit. */
static bool digits_to_u64(struct str s, unsigned base, uint64_t *ret) {
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i] | 0x20;
        unsigned digit = is_digit(s.p[i])       ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 16;
        if (digit >= base || __builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
            return false;
    }
    *ret = v;
    return s.n > 0;
}

/* CONFORMS: strconv.ParseInt with base 0: 0x, 0o, 0b, and octal for a mere 0. */
static bool to_integer(struct str s, struct yaml_scalar *ret) {
    bool negative = s.p[0] == '-', sign = negative || s.p[0] == '+';
    uint64_t v;
    unsigned base = 10;
    s = str_from_byte(s, sign);
    if (s.n > 1 && s.p[0] == '0') {
        char c = s.p[1] | 0x20;
        base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
        s = str_from_byte(s, c == 'x' || c == 'b' || c == 'o' ? 2 : 1);
    }
    if (!digits_to_u64(s, base, &v))
        return false;
    if (v <= (uint64_t)INT64_MAX + negative)
        *ret = (struct yaml_scalar){.kind = YAML_INT, .i = negative ? (int64_t)(0 - v) : (int64_t)v};
    else if (!sign)
        *ret = (struct yaml_scalar){.kind = YAML_UINT, .u = v};
    else
        return false;
    return true;
}

/* [-+]? ( .digits | digits [. digits?] ) ( [eE] [-+]? digits )?, and not too large for a double. */
static bool to_float(struct str s, struct yaml_scalar *ret) {
    size_t i = s.p[0] == '-' || s.p[0] == '+', from = i;
    while (i < s.n && is_digit(s.p[i]))
        i++;
    size_t whole = i - from, fraction = 0;
    if (i < s.n && s.p[i] == '.') {
        for (i++; i < s.n && is_digit(s.p[i]); i++)
            fraction++;
    }
    if (whole + fraction == 0)
        return false;
    if (i < s.n && (s.p[i] | 0x20) == 'e') {
        i++;
        i += i < s.n && (s.p[i] == '-' || s.p[i] == '+');
        size_t exponent = i;
        while (i < s.n && is_digit(s.p[i]))
            i++;
        if (i == exponent)
            return false;
    }
    ret->kind = YAML_FLOAT;
    return i == s.n && json_number_double(str_from_byte(s, s.p[0] == '+'), &ret->d);
}

static struct yaml_scalar number_or_string(struct str s) {
    struct yaml_scalar scalar, string = {.kind = YAML_STR};
    char plain[NUMBER_MAX];
    size_t n = 0;
    if (s.n > sizeof plain)
        return string;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '_')
            plain[n++] = s.p[i];
    check(n > 0); /* s begins with a sign or a digit */
    struct str p = {plain, n};
    return to_integer(p, &scalar) || to_float(p, &scalar) ? scalar : string;
}

/* --- times --- */

/* One or two digits. */
static bool take_number(struct str *s, int low, int high, int *ret) {
    if (!s->n || !is_digit(s->p[0]))
        return false;
    size_t n = s->n > 1 && is_digit(s->p[1]) ? 2 : 1;
    int v = s->p[0] - '0';
    if (n == 2)
        v = v * 10 + s->p[1] - '0';
    *s = str_from_byte(*s, n);
    *ret = v;
    return v >= low && v <= high;
}

static bool take_byte(struct str *s, char c) {
    if (!s->n || s->p[0] != c)
        return false;
    *s = str_from_byte(*s, 1);
    return true;
}

static void take_fraction(struct str *s) {
    if (s->n < 2 || (s->p[0] != '.' && s->p[0] != ',') || !is_digit(s->p[1]))
        return;
    size_t n = 1;
    while (n < s->n && is_digit(s->p[n]))
        n++;
    *s = str_from_byte(*s, n);
}

/* Z, or +07:00 with both digits. */
static bool is_zone(struct str s) {
    int hour, minute;
    if (str_eq(s, S("Z")))
        return true;
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' || !is_digit(s.p[2]) ||
        !is_digit(s.p[5]))
        return false;
    s = str_from_byte(s, 1);
    return take_number(&s, 0, 24, &hour) && take_byte(&s, ':') && take_number(&s, 0, 60, &minute);
}

/* 2006-1-2, alone or with T15:4:5.999Z07:00 or a space and 15:4:5.999. CONFORMS: go-yaml's time formats. */
static bool is_time(struct str s) {
    int year = 0, month, day, n;
    if (s.n < 8 || s.p[4] != '-')
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (!is_digit(s.p[i]))
            return false;
        year = year * 10 + s.p[i] - '0';
    }
    s = str_from_byte(s, 5);
    if (!take_number(&s, 1, 12, &month) || !take_byte(&s, '-') || !take_number(&s, 1, 31, &day) ||
        day > days_in_month(year, month))
        return false;
    if (!s.n)
        return true;
    char between = s.p[0];
    if (between != ' ' && between != 'T' && between != 't')
        return false;
    s = str_from_byte(s, 1);
    if (!take_number(&s, 0, 23, &n) || !take_byte(&s, ':') || !take_number(&s, 0, 59, &n) ||
        !take_byte(&s, ':') || !take_number(&s, 0, 59, &n))
        return false;
    take_fraction(&s);
    return between == ' ' ? s.n == 0 : is_zone(s);
}

/* --- all together --- */

struct yaml_scalar yaml_resolve(struct str s) {
    struct yaml_scalar scalar = {.kind = YAML_FLOAT};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(s, words[i].text))
            return words[i].scalar;
    char c = s.p[0];
    bool number = is_digit(c) || c == '+' || c == '-';
    if ((number || c == '.') && special_float(s, &scalar.d))
        return scalar;
    if (c == '.' && !memchr(s.p, '_', s.n) && s.n <= NUMBER_MAX && to_float(s, &scalar))
        return scalar;
    if (!number)
        return (struct yaml_scalar){.kind = YAML_STR};
    return is_time(s) ? (struct yaml_scalar){.kind = YAML_TIME} : number_or_string(s);
}

/* [-+]? digit [digit_]* ( : [0-5]? digit )+ ( . [digit_]* )? */
bool yaml_is_base60(struct str s) {
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+'), groups = 0;
    if (i >= s.n || !is_digit(s.p[i]))
        return false;
    while (i < s.n && (is_digit(s.p[i]) || s.p[i] == '_'))
        i++;
    for (; i + 1 < s.n && s.p[i] == ':' && is_digit(s.p[i + 1]); groups++) {
        bool two = i + 2 < s.n && is_digit(s.p[i + 2]);
        if (two && s.p[i + 1] > '5')
            return false;
        i += two ? 3 : 2;
    }
    if (i < s.n && s.p[i] == '.')
        for (i++; i < s.n && (is_digit(s.p[i]) || s.p[i] == '_');)
            i++;
    return groups > 0 && i == s.n;
}

/* --- floats as text --- */

/* The fewest digits of d, which is finite and not negative, as "d.ddde±xx". */
static void shortest(double d, bool single, char text[40]) {
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, 40, "%.*e", digits - 1, d);
        if (single ? strtof(text, NULL) == (float)d : strtod(text, NULL) == d)
            return;
    }
}

void yaml_put_float(struct buf *out, double d, bool single) {
    char text[40], digits[24];
    if (single)
        d = (double)(float)d;
    if (signbit(d))
        buf_byte(out, '-');
    shortest(fabs(d), single, text);
    int n = 0, exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    for (const char *p = text; *p != 'e'; p++)
        if (is_digit(*p))
            digits[n++] = *p;
    if (exponent < -4 || exponent >= 6) {
        buf_byte(out, digits[0]);
        if (n > 1) {
            buf_byte(out, '.');
            buf_put(out, digits + 1, (size_t)(n - 1));
        }
        buf_printf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        return;
    }
    if (exponent < 0)
        buf_lit(out, "0.");
    for (int i = exponent + 1; i < 0; i++)
        buf_byte(out, '0');
    for (int i = 0; i < n || i <= exponent; i++) {
        if (i == exponent + 1 && i > 0)
            buf_byte(out, '.');
        buf_byte(out, i < n ? digits[i] : '0');
    }
}
