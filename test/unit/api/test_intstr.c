/* api/intstr */
#include "api/intstr.h"

#include "unit/unit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct str text_of(const char *s) {
    return str_make(s, strlen(s));
}

TEST(test_intstr__reads_integers) {
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } table[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+7", true, 7},
        {"-7", true, -7},
        {"0000000000000000000000000000007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"", false, 0},
        {"+", false, 0},
        {"-", false, 0},
        {"+-1", false, 0},
        {" 1", false, 0},
        {"1_000", false, 0},
        {"0x1", false, 0},
        {"1.0", false, 0},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        int64_t v = 99;
        assert_int_equal(int_parse(text_of(table[i].text), &v), table[i].ok);
        assert_int_equal(v, table[i].ok ? table[i].value : 99);
    }
}

TEST(test_intstr__parses_flags) {
    struct int_or_string v = intstr_parse(S("80"));
    assert_true(v.set && !v.is_str && v.i == 80);
    v = intstr_parse(S("http"));
    assert_true(v.set && v.is_str);
    assert_str(v.s, "http");
    v = intstr_parse(S("2147483648"));
    assert_true(v.is_str);
    v = intstr_parse(S("25%"));
    assert_true(v.is_str);
    v = intstr_parse(S(""));
    assert_true(v.is_str);
}

TEST(test_intstr__reads_json_numbers) {
    struct int_or_string v = {0};
    struct err err = ERR_INIT;
    assert_ok(intstr_from_json_number(S("-2147483648"), &v, &err), &err);
    assert_int_equal(v.i, INT32_MIN);
    assert_fails(intstr_from_json_number(S("2147483648"), &v, &err), ERR_INVALID);
    assert_fails(intstr_from_json_number(S("1.5"), &v, &err), ERR_INVALID);
    assert_fails(intstr_from_json_number(S("1e3"), &v, &err), ERR_INVALID);
    assert_int_equal(v.i, INT32_MIN);
}

TEST(test_intstr__compares_by_kind_and_value) {
    struct int_or_string none = {0};
    assert_true(intstr_equal(none, none));
    assert_false(intstr_equal(none, intstr_of_int(0)));
    assert_false(intstr_equal(intstr_of_str(S("")), none));
    assert_true(intstr_equal(intstr_of_int(5), intstr_of_int(5)));
    assert_false(intstr_equal(intstr_of_int(5), intstr_of_int(6)));
    assert_false(intstr_equal(intstr_of_int(5), intstr_of_str(S("5"))));
    assert_true(intstr_equal(intstr_of_str(S("a")), intstr_of_str(S("a"))));
    assert_false(intstr_equal(intstr_of_str(S("a")), intstr_of_str(S("b"))));
    assert_true(intstr_equal(intstr_of_str(STR_NONE), intstr_of_str(S(""))));
}

TEST(test_intstr__number_and_text) {
    char out[INTSTR_TEXT_MAX];
    assert_int_equal(intstr_int(intstr_of_int(-3)), -3);
    assert_int_equal(intstr_int(intstr_of_str(S("42"))), 42);
    assert_int_equal(intstr_int(intstr_of_str(S("http"))), 0);
    assert_int_equal(intstr_int(intstr_of_str(S("9999999999"))), 0);
    assert_str(intstr_text(intstr_of_int(INT32_MIN), out), "-2147483648");
    assert_str(intstr_text(intstr_of_str(S("25%")), out), "25%");
}

TEST(test_intstr__scales_percentages) {
    static const struct {
        const char *text;
        int32_t total, up, down;
    } table[] = {
        {"0%", 10, 0, 0},
        {"100%", 10, 10, 10},
        {"25%", 10, 3, 2},
        {"25%", 4, 1, 1},
        {"25%", 3, 1, 0},
        {"1%", 1, 1, 0},
        {"150%", 10, 15, 15},
        {"50%", 0, 0, 0},
        {"+50%", 10, 5, 5},
        {"-25%", 10, -2, -3},
        {"99%", 2147483647, 2126008811, 2126008810},
        {"100%", 2147483647, 2147483647, 2147483647},
        {"200%", 2147483647, 2147483647, 2147483647},
        {"-200%", 2147483647, INT32_MIN, INT32_MIN},
        {"9223372036854775807%", 100, INT32_MAX, INT32_MAX},
        {"-9223372036854775808%", 100, INT32_MIN, INT32_MIN},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct int_or_string v = intstr_of_str(text_of(table[i].text));
        int32_t n = 0;
        struct err err = ERR_INIT;
        assert_ok(intstr_scaled(v, table[i].total, true, &n, &err), &err);
        assert_int_equal(n, table[i].up);
        assert_ok(intstr_scaled(v, table[i].total, false, &n, &err), &err);
        assert_int_equal(n, table[i].down);
    }
}

TEST(test_intstr__scaling_leaves_numbers_alone) {
    int32_t n = 0;
    assert_ok(intstr_scaled(intstr_of_int(7), 3, true, &n, NULL), NULL);
    assert_int_equal(n, 7);
}

TEST(test_intstr__scaling_fails_for_other_text) {
    static const char *const bad[][2] = {
        {"7", "invalid value for IntOrString: invalid type: string is not a percentage"},
        {"", "invalid value for IntOrString: invalid type: string is not a percentage"},
        {"a%", "invalid value for IntOrString: invalid value \"a%\""},
        {"%", "invalid value for IntOrString: invalid value \"%\""},
        {"1.5%", "invalid value for IntOrString: invalid value \"1.5%\""},
        {"5%%", "invalid value for IntOrString: invalid value \"5%%\""},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        int32_t n = 77;
        struct err err = ERR_INIT;
        assert_fails(intstr_scaled(intstr_of_str(text_of(bad[i][0])), 3, true, &n, &err), ERR_INVALID);
        assert_string_equal(err.msg, bad[i][1]);
        assert_int_equal(n, 77);
    }
    int32_t n;
    assert_fails(intstr_scaled((struct int_or_string){0}, 3, true, &n, NULL), ERR_INVALID);
}
