/* Numbers or texts. See intstr.h. */
#include "api/intstr.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"

bool int_parse(struct str text, int64_t *ret) {
    bool negative = text.n && text.p[0] == '-';
    if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
        text = str_from_byte(text, 1);
    if (!text.n)
        return false;
    int64_t v = 0; /* counts downwards: there is one more number below zero than above */
    for (size_t i = 0; i < text.n; i++) {
        int d = text.p[i] - '0';
        if (d < 0 || d > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, d, &v))
            return false;
    }
    if (!negative && v == INT64_MIN)
        return false;
    *ret = negative ? v : -v;
    return true;
}

static bool fits_i32(int64_t v) {
    return v >= INT32_MIN && v <= INT32_MAX;
}

struct int_or_string intstr_parse(struct str text) {
    int64_t v;
    if (int_parse(text, &v) && fits_i32(v))
        return intstr_of_int((int32_t)v);
    return intstr_of_str(text);
}

int intstr_from_json_number(struct str token, struct int_or_string *ret, struct err *err) {
    int64_t v;
    if (!str_to_i64(token, &v) || !fits_i32(v))
        return err_set(err, ERR_INVALID, "cannot read the number %.*s into a value of 32 bits",
                       STR_ARG(str_cut(token, 64)));
    *ret = intstr_of_int((int32_t)v);
    return 0;
}

bool intstr_equal(struct int_or_string a, struct int_or_string b) {
    if (a.set != b.set || a.is_str != b.is_str)
        return false;
    return !a.set || (a.is_str ? str_eq(a.s, b.s) : a.i == b.i);
}

int32_t intstr_int(struct int_or_string v) {
    if (!v.is_str)
        return v.i;
    int64_t i;
    return int_parse(v.s, &i) && fits_i32(i) ? (int32_t)i : 0;
}

struct str intstr_text(struct int_or_string v, char out[INTSTR_TEXT_MAX]) {
    if (v.is_str)
        return v.s;
    int n = snprintf(out, INTSTR_TEXT_MAX, "%" PRId32, v.i);
    return str_make(out, (size_t)n);
}

static int32_t clamp_i32(int64_t v) {
    return v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

static int32_t percent_of(int64_t percent, int32_t total, bool round_up) {
    int64_t product;
    if (__builtin_mul_overflow(percent, (int64_t)total, &product))
        return (percent < 0) == (total < 0) ? INT32_MAX : INT32_MIN;
    int64_t quotient = product / 100, rest = product % 100;
    if (round_up && rest > 0)
        quotient++;
    if (!round_up && rest < 0)
        quotient--;
    return clamp_i32(quotient);
}

int intstr_scaled(struct int_or_string v, int32_t total, bool round_up, int32_t *ret, struct err *err) {
    if (!v.set)
        return err_set(err, ERR_INVALID, "nil value for IntOrString");
    if (!v.is_str) {
        *ret = v.i;
        return 0;
    }
    int64_t percent;
    if (!str_has_suffix(v.s, S("%")))
        return err_set(err, ERR_INVALID,
                       "invalid value for IntOrString: invalid type: string is not a percentage");
    if (!int_parse(str_cut(v.s, v.s.n - 1), &percent))
        return err_set(err, ERR_INVALID, "invalid value for IntOrString: invalid value \"%.*s\"",
                       STR_ARG(str_cut(v.s, 64)));
    *ret = percent_of(percent, total, round_up);
    return 0;
}
