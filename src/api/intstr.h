/* api/intstr: a number or a text: ports by number or name, counts or percentages.
 *
 * Plain values (struct int_or_string, api/value.h); strings are borrowed. Any thread, nothing is allocated.
 */
#pragma once

#include "api/value.h"

struct err;

/* A decimal number of 64 bits with an optional sign, + or -, and any number of leading zeros. CONFORMS:
 * strconv.ParseInt. */
bool int_parse(struct str text, int64_t *ret);

static inline struct int_or_string intstr_of_int(int32_t i) {
    return (struct int_or_string){.i = i, .set = true};
}

static inline struct int_or_string intstr_of_str(struct str s) {
    return (struct int_or_string){.s = s.p ? s : S(""), .is_str = true, .set = true};
}

/* A number when the text is one, with or without a sign, that fits 32 bits; the text otherwise: what a
 * command-line flag means. */
struct int_or_string intstr_parse(struct str text);

/* From the token of a JSON number: ERR_INVALID unless it is an integer of 32 bits. */
int intstr_from_json_number(struct str token, struct int_or_string *ret, struct err *err);

/* By kind and value; absent only equals absent. */
bool intstr_equal(struct int_or_string a, struct int_or_string b);

/* The number, also when it is written as text; 0 for other text. */
int32_t intstr_int(struct int_or_string v);

/* Room for the text of a number, with the NUL. */
#define INTSTR_TEXT_MAX 12

/* The text; of a number it lies in `out`. */
struct str intstr_text(struct int_or_string v, char out[INTSTR_TEXT_MAX]);

/* The number, or the percentage of the total, rounded up or down to a whole number and brought into the range
 * of int32_t. Fails for absent values and for text that is no percentage. */
int intstr_scaled(struct int_or_string v, int32_t total, bool round_up, int32_t *ret, struct err *err);
