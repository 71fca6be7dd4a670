/* Amounts of resources. See quantity.h.
 *
 * All work is done on the amount in nanos, a 128-bit integer: the largest is below 2^93, so that a digit can
 * be shifted in, or two amounts added, before the bound is checked.
 */
#include "api/quantity.h"

#include "base/err.h"

__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

#define NANO_DIGITS 9
#define NANOS_PER_UNIT 1000000000

static const u128 nanos_max = (u128)INT64_MAX * NANOS_PER_UNIT;

/* One text cut in its parts. */
struct parts {
    struct str whole, fraction; /* digits only */
    struct str suffix;
    bool negative;
};

struct scale {
    int64_t decimal_exponent; /* of 10; clamped, any further one has the same effect */
    unsigned binary_shift;    /* or a power of 2 */
    enum quantity_format format;
};

/* Decimal exponents are clamped to this. A text would need as many digits to come back into range. */
#define EXPONENT_MAX (INT64_C(1) << 58)

static u128 saturate(u128 nanos) {
    return nanos > nanos_max ? nanos_max : nanos;
}

static i128 nanos_of(const struct quantity *q) {
    return (i128)q->units * NANOS_PER_UNIT + q->nanos;
}

static u128 magnitude(i128 nanos) {
    return nanos < 0 ? (u128)-nanos : (u128)nanos;
}

/* nanos is within bounds. */
static void set_nanos(struct quantity *q, bool negative, u128 nanos) {
    int64_t units = (int64_t)(nanos / NANOS_PER_UNIT);
    int32_t rest = (int32_t)(nanos % NANOS_PER_UNIT);
    q->units = negative ? -units : units;
    q->nanos = negative ? -rest : rest;
    q->set = true;
}

static void set_saturated(struct quantity *q, i128 nanos) {
    set_nanos(q, nanos < 0, saturate(magnitude(nanos)));
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static struct str take_digits(struct str *text) {
    size_t n = 0;
    while (n < text->n && is_digit(text->p[n]))
        n++;
    struct str digits = str_cut(*text, n);
    *text = str_from_byte(*text, n);
    return digits;
}

static bool split(struct str text, struct parts *ret) {
    ret->negative = text.n && text.p[0] == '-';
    if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
        text = str_from_byte(text, 1);
    ret->whole = take_digits(&text);
    ret->fraction = STR_NONE;
    if (text.n && text.p[0] == '.') {
        text = str_from_byte(text, 1);
        ret->fraction = take_digits(&text);
    }
    ret->suffix = text;
    return ret->whole.n + ret->fraction.n > 0;
}

/* The number after the e of a decimal exponent. */
static bool read_exponent(struct str text, int64_t *ret) {
    bool negative = text.n && text.p[0] == '-';
    if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
        text = str_from_byte(text, 1);
    struct str digits = take_digits(&text);
    if (digits.n == 0 || text.n)
        return false;
    int64_t v = 0;
    for (size_t i = 0; i < digits.n && v < EXPONENT_MAX; i++)
        v = v * 10 + (digits.p[i] - '0');
    if (v > EXPONENT_MAX)
        v = EXPONENT_MAX;
    *ret = negative ? -v : v;
    return true;
}

static const char binary_prefixes[] = "KMGTPE";
static const char decimal_prefixes[] = "num\0kMGTPE"; /* 10^-9, 10^-6, …, 10^18 */
#define DECIMAL_PREFIXES 10

static bool read_suffix(struct str s, struct scale *ret) {
    *ret = (struct scale){.format = QUANTITY_DECIMAL_SI};
    if (s.n == 0)
        return true;
    if (s.n == 2 && s.p[1] == 'i') {
        const char *at = memchr(binary_prefixes, s.p[0], sizeof binary_prefixes - 1);
        if (!at)
            return false;
        ret->binary_shift = 10 * (unsigned)(at - binary_prefixes + 1);
        ret->format = QUANTITY_BINARY_SI;
        return true;
    }
    if (s.n == 1) {
        const char *at = s.p[0] ? memchr(decimal_prefixes, s.p[0], DECIMAL_PREFIXES) : NULL;
        if (!at)
            return false;
        ret->decimal_exponent = 3 * (at - decimal_prefixes) - NANO_DIGITS;
        return true;
    }
    ret->format = QUANTITY_DECIMAL_EXPONENT;
    return (s.p[0] == 'e' || s.p[0] == 'E') && read_exponent(str_from_byte(s, 1), &ret->decimal_exponent);
}

/* Appends the digits whose weight is at least a nano; `weight` counts down, one a digit. What lies below only
 * rounds up. */
static u128 append_digits(u128 nanos, struct str digits, int64_t *weight, bool *rest) {
    for (size_t i = 0; i < digits.n; i++, --*weight) {
        unsigned d = (unsigned)(digits.p[i] - '0');
        if (*weight >= 0)
            nanos = saturate(nanos * 10 + d);
        else
            *rest |= d != 0;
    }
    return nanos;
}

static u128 decimal_nanos(const struct parts *parts, int64_t exponent) {
    bool rest = false;
    int64_t weight = (int64_t)parts->whole.n - 1 + exponent + NANO_DIGITS;
    u128 nanos = append_digits(0, parts->whole, &weight, &rest);
    nanos = append_digits(nanos, parts->fraction, &weight, &rest);
    for (; weight >= 0 && nanos > 0 && nanos < nanos_max; weight--)
        nanos = saturate(nanos * 10);
    return saturate(nanos + rest);
}

/* Of the fraction, the product with the unit is made by hand from the last digit to the first: the carry that
 * comes out is its whole part, and any digit left behind rounds up. */
static u128 binary_nanos(const struct parts *parts, unsigned shift) {
    u128 whole = 0;
    for (size_t i = 0; i < parts->whole.n; i++)
        whole = saturate(whole * 10 + (unsigned)(parts->whole.p[i] - '0'));
    u128 unit = ((u128)1 << shift) * NANOS_PER_UNIT;
    u128 carry = 0;
    bool rest = false;
    for (size_t i = parts->fraction.n; i-- > 0;) {
        u128 product = unit * (unsigned)(parts->fraction.p[i] - '0') + carry;
        rest |= product % 10 != 0;
        carry = product / 10;
    }
    if (whole > nanos_max / unit)
        return nanos_max;
    return saturate(whole * unit + carry + rest);
}

int quantity_parse(struct str text, struct quantity *ret, struct err *err) {
    struct parts parts;
    struct scale scale;
    if (!split(text, &parts))
        return err_set(err, ERR_INVALID,
                       "a quantity has to match the regular expression "
                       "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    if (!read_suffix(parts.suffix, &scale))
        return err_set(err, ERR_INVALID, "a quantity cannot have the suffix '%.*s'",
                       STR_ARG(str_cut(parts.suffix, 64)));
    u128 nanos = scale.format == QUANTITY_BINARY_SI ? binary_nanos(&parts, scale.binary_shift)
                                                    : decimal_nanos(&parts, scale.decimal_exponent);
    if (scale.format == QUANTITY_BINARY_SI && nanos > 0 && nanos < NANOS_PER_UNIT)
        scale.format = QUANTITY_DECIMAL_SI;
    set_nanos(ret, parts.negative, nanos);
    ret->format = (uint8_t)scale.format;
    return 0;
}

int quantity_parse_json(struct str text, struct quantity *ret, struct err *err) {
    return quantity_parse(str_trim(text), ret, err);
}

static size_t put_u128(char *out, u128 v) {
    char digits[40];
    size_t n = 0;
    for (; v > UINT64_MAX; v /= 10)
        digits[n++] = (char)('0' + (unsigned)(v % 10));
    uint64_t low = (uint64_t)v;
    do
        digits[n++] = (char)('0' + low % 10);
    while (low /= 10);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    return n;
}

static size_t put_binary(char *out, uint64_t units) {
    size_t power = 0;
    for (; units % 1024 == 0 && power < sizeof binary_prefixes - 1; power++)
        units /= 1024;
    size_t n = put_u128(out, units);
    if (power) {
        out[n++] = binary_prefixes[power - 1];
        out[n++] = 'i';
    }
    return n;
}

static size_t put_decimal(char *out, const struct quantity *q) {
    u128 amount = magnitude(q->units);
    int exponent = 0;
    if (q->nanos) {
        amount = magnitude(nanos_of(q));
        exponent = -NANO_DIGITS;
    }
    for (; amount % 1000 == 0; exponent += 3)
        amount /= 1000;
    size_t n = put_u128(out, amount);
    if (exponent == 0)
        return n;
    if (q->format != QUANTITY_DECIMAL_EXPONENT) {
        out[n++] = decimal_prefixes[(exponent + NANO_DIGITS) / 3];
        return n;
    }
    out[n++] = 'e';
    if (exponent < 0)
        out[n++] = '-';
    return n + put_u128(out + n, magnitude(exponent));
}

size_t quantity_format(const struct quantity *q, char out[QUANTITY_TEXT_MAX]) {
    size_t n = 0;
    if (quantity_sign(q) < 0)
        out[n++] = '-';
    bool small = q->units > -1024 && q->units < 1024;
    if (quantity_is_zero(q))
        out[n++] = '0';
    else if (q->format == QUANTITY_BINARY_SI && !small && q->nanos == 0)
        n += put_binary(out + n, (uint64_t)magnitude(q->units));
    else
        n += put_decimal(out + n, q);
    out[n] = '\0';
    return n;
}

static u128 power_of_10(int n) {
    u128 v = 1;
    while (n-- > 0)
        v *= 10;
    return v;
}

struct quantity quantity_from_scaled(int64_t value, int scale, enum quantity_format format) {
    check(scale >= -NANO_DIGITS);
    struct quantity q = {.format = (uint8_t)format};
    u128 nanos = magnitude(value);
    for (int i = -NANO_DIGITS; i < scale && nanos > 0 && nanos < nanos_max; i++)
        nanos = saturate(nanos * 10);
    set_nanos(&q, value < 0, saturate(nanos));
    return q;
}

void quantity_add(struct quantity *q, const struct quantity *y) {
    if (quantity_is_zero(q))
        q->format = y->format;
    set_saturated(q, nanos_of(q) + nanos_of(y));
}

void quantity_sub(struct quantity *q, const struct quantity *y) {
    if (quantity_is_zero(q))
        q->format = y->format;
    set_saturated(q, nanos_of(q) - nanos_of(y));
}

void quantity_neg(struct quantity *q) {
    q->units = -q->units;
    q->nanos = -q->nanos;
}

void quantity_mul(struct quantity *q, int64_t factor) {
    i128 nanos = nanos_of(q);
    u128 a = magnitude(nanos), b = magnitude(factor);
    bool negative = (nanos < 0) != (factor < 0);
    set_nanos(q, negative, b && a > nanos_max / b ? nanos_max : a * b);
}

/* The amount in steps of 10^scale, the last one begun counting in full. */
static u128 steps_up(u128 nanos, int scale, u128 *ret_step) {
    check(scale >= -NANO_DIGITS && scale <= 18);
    *ret_step = power_of_10(scale + NANO_DIGITS);
    return nanos / *ret_step + (nanos % *ret_step != 0);
}

bool quantity_round_up(struct quantity *q, int scale) {
    i128 nanos = nanos_of(q);
    u128 step, before = magnitude(nanos);
    u128 after = steps_up(before, scale, &step) * step;
    set_nanos(q, nanos < 0, saturate(after));
    return after == before;
}

int64_t quantity_scaled_value(const struct quantity *q, int scale) {
    if (scale == 0 && q->nanos == 0)
        return q->units;
    i128 nanos = nanos_of(q);
    u128 step, steps = steps_up(magnitude(nanos), scale, &step);
    int64_t value = steps > INT64_MAX ? INT64_MAX : (int64_t)steps;
    return nanos < 0 ? -value : value;
}

bool quantity_as_int(const struct quantity *q, int64_t *ret_value) {
    if (q->nanos)
        return false;
    *ret_value = q->units;
    return true;
}

double quantity_as_double(const struct quantity *q) {
    return (double)q->units + (double)q->nanos / NANOS_PER_UNIT;
}
