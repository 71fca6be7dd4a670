/* api/quantity: amounts of resources: exact decimal numbers with a suffix, such as 500m, 2Gi or 1e3.
 *
 * A quantity lies between -(2⁶³-1) and 2⁶³-1 and has at most nine decimals. What does not fit is brought in,
 * never refused: magnitudes are capped, further decimals are rounded up, away from zero. Arithmetic saturates
 * at the same bounds. A quantity that is not set counts as 0.
 *
 * Pure functions on plain values (struct quantity, api/value.h); any thread, nothing is allocated.
 */
#pragma once

#include "api/value.h"

struct err;

/* Reads "[+-]digits[.digits]suffix"; digits on one side of the point are enough. Suffixes: n u m k M G T P E,
 * Ki Mi Gi Ti Pi Ei, e3, E-3. Spaces are not accepted. *ret is untouched on failure. */
int quantity_parse(struct str text, struct quantity *ret, struct err *err);

/* The same for the text of a JSON string or number, which may have white space around it. */
int quantity_parse_json(struct str text, struct quantity *ret, struct err *err);

/* Room for any quantity, with the NUL. */
#define QUANTITY_TEXT_MAX 64

/* The canonical text: no fraction, the largest suffix that loses nothing, of the kind that the quantity was
 * written with. Binary suffixes give way to decimal ones for fractions and for magnitudes below 1024. Returns
 * the length; a NUL follows. CONFORMS: Quantity.String. */
size_t quantity_format(const struct quantity *q, char out[QUANTITY_TEXT_MAX]);

/* Makes value × 10^scale; scale from -9 on. Saturates. */
struct quantity quantity_from_scaled(int64_t value, int scale, enum quantity_format format);

static inline struct quantity quantity_from_int(int64_t value, enum quantity_format format) {
    return quantity_from_scaled(value, 0, format);
}

static inline struct quantity quantity_from_milli(int64_t value, enum quantity_format format) {
    return quantity_from_scaled(value, -3, format);
}

/* q += y, q -= y. A q of zero takes over y's format, so that sums are written like what they sum up. */
void quantity_add(struct quantity *q, const struct quantity *y);
void quantity_sub(struct quantity *q, const struct quantity *y);
void quantity_neg(struct quantity *q);
void quantity_mul(struct quantity *q, int64_t factor);

/* Rounds to a multiple of 10^scale, away from zero. False when that changed the value. */
bool quantity_round_up(struct quantity *q, int scale);

/* By value, whatever the formats: <0, 0, >0. */
static inline int quantity_cmp(const struct quantity *a, const struct quantity *b) {
    if (a->units != b->units)
        return a->units < b->units ? -1 : 1;
    return (a->nanos > b->nanos) - (a->nanos < b->nanos);
}

static inline bool quantity_equal(const struct quantity *a, const struct quantity *b) {
    return a->units == b->units && a->nanos == b->nanos;
}

static inline int quantity_cmp_int(const struct quantity *q, int64_t v) {
    if (q->units != v)
        return q->units < v ? -1 : 1;
    return (q->nanos > 0) - (q->nanos < 0);
}

static inline bool quantity_is_zero(const struct quantity *q) {
    return q->units == 0 && q->nanos == 0;
}

/* -1, 0, 1. */
static inline int quantity_sign(const struct quantity *q) {
    return quantity_cmp_int(q, 0);
}

/* The amount in units of 10^scale, rounded away from zero, saturating at ±(2⁶³-1). */
int64_t quantity_scaled_value(const struct quantity *q, int scale);

static inline int64_t quantity_value(const struct quantity *q) {
    return quantity_scaled_value(q, 0);
}

static inline int64_t quantity_milli_value(const struct quantity *q) {
    return quantity_scaled_value(q, -3);
}

/* The amount when it is a whole number; false otherwise, *ret_value is untouched then. */
bool quantity_as_int(const struct quantity *q, int64_t *ret_value);

/* The nearest double, or its neighbour: for metrics. */
double quantity_as_double(const struct quantity *q);
