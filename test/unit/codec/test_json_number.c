/* JSON numbers, read and written. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "unit/unit.h"

static struct jval number(const char *text) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    assert_ok(json_parse(&a, str_from(text), NULL, NULL, &v, &err), &err);
    return v;
}

static void is_int(const char *text, int64_t expected) {
    struct jval v = number(text);
    assert_int_equal(v.kind, J_INT);
    assert_true(v.i == expected);
}

static void is_double(const char *text, double expected) {
    struct jval v = number(text);
    assert_int_equal(v.kind, J_DOUBLE);
    assert_true(v.d == expected);
}

static void refused(const char *text) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    assert_fails(json_parse(&a, str_from(text), NULL, NULL, &v, &err), ERR_INVALID);
}

static void writes(double d, const char *expected) {
    _cleanup_buf struct buf b = BUF_INIT;
    json_write_double(&b, d);
    assert_str(buf_view(&b), expected);
}

TEST(test_json_number__integers_are_exact) {
    is_int("0", 0);
    is_int("-0", 0);
    is_int("7", 7);
    is_int("-2147483649", -2147483649);
    is_int("9007199254740993", 9007199254740993);
    is_int("9223372036854775807", INT64_MAX);
    is_int("-9223372036854775808", INT64_MIN);
}

TEST(test_json_number__what_is_no_int64_is_a_double) {
    is_double("9223372036854775808", 9223372036854775808.0);
    is_double("-9223372036854775809", -9223372036854775808.0);
    is_double("99999999999999999999", 1e20);
    is_double("1.0", 1);
    is_double("1e2", 100);
    is_double("1E+2", 100);
    is_double("-1.5e-3", -0.0015);
    is_double("1e-400", 0);
    is_double("0e999999999999999999999", 0);
}

TEST(test_json_number__doubles_are_rounded_to_the_nearest) {
    is_double("0.1", 0.1);
    is_double("2.2250738585072011e-308", 0x0.fffffffffffffp-1022);
    is_double("1.7976931348623157e308", DBL_MAX);
    is_double("9007199254740993.0", 9007199254740992.0);
    is_double("9007199254740993.00000000000000000000000000000000000000000001", 9007199254740994.0);
    is_double("5e-324", 0x1p-1074);
}

TEST(test_json_number__any_number_of_digits_is_rounded_exactly) {
    char text[4000];
    /* 2^53 + 1 lies halfway between two doubles: a one in place 3,000 decides. */
    memset(text, '0', sizeof text);
    memcpy(text, "9007199254740993.", 17);
    text[3500] = 0;
    is_double(text, 9007199254740992.0);
    text[3000] = '1';
    is_double(text, 9007199254740994.0);
    /* Digits before the point count for the exponent though they are not kept. */
    memset(text, '1', sizeof text);
    memcpy(text + 1200, "e-1199", 7);
    struct jval v = number(text);
    assert_int_equal(v.kind, J_DOUBLE);
    assert_true(fabs(v.d - 1.1111111111111112) < 1e-15);
    /* Leading zeros of the fraction do not use up digits. */
    memset(text, '0', sizeof text);
    text[1] = '.';
    memcpy(text + 1500, "25e1499", 8);
    is_double(text, 2.5);
}

TEST(test_json_number__too_large_is_an_error) {
    refused("1e400");
    refused("-1e309");
    refused("1e99999999999999999999");
    refused("1.8e308");
}

TEST(test_json_number__refuses_what_is_no_json_number) {
    static const char *const bad[] = {"-",    "+1",       "01",        "-01",   ".5",  "1.",  "1.e5",
                                      "1e",   "1e+",      "0x10",      "1_0",   "--1", "1-",  "NaN",
                                      "-NaN", "Infinity", "-Infinity", "1e5.5", "00",  "1..2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(bad[i]);
}

TEST(test_json_number__doubles_are_written_as_go_does) {
    writes(0, "0");
    writes(-0.0, "-0");
    writes(1, "1");
    writes(-1.5, "-1.5");
    writes(100, "100");
    writes(0.1, "0.1");
    writes(0.3, "0.3");
    writes(0.1 + 0.2, "0.30000000000000004");
    writes(1.0 / 3, "0.3333333333333333");
    writes(2.0 / 3, "0.6666666666666666");
    writes(123456789.125, "123456789.125");
    writes(1e15, "1000000000000000");
    writes(123456789012345680.0, "123456789012345680");
    writes(1e20, "100000000000000000000");
    writes(1e21, "1e+21");
    writes(1.5e21, "1.5e+21");
    writes(1e100, "1e+100");
    writes(1e-6, "0.000001");
    writes(1.25e-6, "0.00000125");
    writes(9.99e-7, "9.99e-7");
    writes(1e-7, "1e-7");
    writes(1.5e-10, "1.5e-10");
    writes(5e-324, "5e-324");
    writes(DBL_MAX, "1.7976931348623157e+308");
    writes(DBL_MIN, "2.2250738585072014e-308");
    writes(0x1p-1017, "7.120236347223045e-307");
    writes(0x1p-44, "5.684341886080802e-14");
    writes(9007199254740993e3, "9007199254740993000");
    writes(INFINITY, "null");
    writes(NAN, "null");
}

TEST(test_json_number__written_doubles_read_back) {
    uint64_t state = unit_seed() * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 20000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t bits = state ^ state >> 29;
        double d;
        memcpy(&d, &bits, sizeof d);
        if (i % 4 == 0)
            d = (double)(int64_t)(bits >> 20) / 1000;
        if (!isfinite(d))
            continue;
        _cleanup_buf struct buf b = BUF_INIT;
        json_write_double(&b, d);
        assert_true(strtod(buf_cstr(&b), NULL) == d);
    }
}
