/* Quantities: what is read prints as a text that reads back as the same amount, and arithmetic on two of them
 * keeps its laws. The input is one text, or two separated by a space. */
#include "api/quantity.h"
#include "fuzz/fuzz.h"

static void check_form(const struct quantity *q) {
    must(q->set);
    must(q->nanos > -1000000000 && q->nanos < 1000000000);
    must(q->units == 0 || q->nanos == 0 || (q->units < 0) == (q->nanos < 0));
    must(q->units > INT64_MIN);
}

static void check_text(const struct quantity *q) {
    char text[QUANTITY_TEXT_MAX], again[QUANTITY_TEXT_MAX];
    size_t n = quantity_format(q, text);
    must(n > 0 && n < sizeof text && text[n] == '\0');
    must(!memchr(text, '.', n));
    struct quantity back;
    must(quantity_parse(str_make(text, n), &back, NULL) == 0);
    must(quantity_equal(q, &back));
    if (q->format != QUANTITY_BINARY_SI || text[n - 1] == 'i')
        must(quantity_format(&back, again) == n && memcmp(text, again, n) == 0);
}

static void check_rounding(const struct quantity *q) {
    for (int scale = -9; scale <= 18; scale += 3) {
        struct quantity rounded = *q;
        bool exact = quantity_round_up(&rounded, scale);
        must(exact == quantity_equal(q, &rounded) || rounded.units == INT64_MAX ||
             rounded.units == -INT64_MAX);
        must(quantity_sign(&rounded) == quantity_sign(q));
        int64_t value = quantity_scaled_value(q, scale);
        must((value > 0) - (value < 0) == quantity_sign(q));
    }
}

static void check_pair(const struct quantity *a, const struct quantity *b) {
    struct quantity sum = *a, other = *b, difference = *a;
    quantity_add(&sum, b);
    quantity_add(&other, a);
    quantity_sub(&difference, b);
    check_form(&sum);
    check_form(&difference);
    check_text(&sum);
    must(quantity_equal(&sum, &other));
    must(quantity_sign(&difference) == quantity_cmp(a, b));
    quantity_mul(&sum, b->units);
    check_form(&sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct str first, second;
    (void)str_split(fuzz_text(data, n), ' ', &first, &second);
    struct quantity a, b;
    if (quantity_parse(first, &a, NULL))
        return 0;
    check_form(&a);
    check_text(&a);
    check_rounding(&a);
    if (quantity_parse(second, &b, NULL) == 0)
        check_pair(&a, &b);
    return 0;
}
