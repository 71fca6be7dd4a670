/* base/str */
#include "unit/unit.h"

TEST(test_str__splits_at_first_byte) {
    struct str head, tail;
    assert_true(str_split(S("a=b=c"), '=', &head, &tail));
    assert_str(head, "a");
    assert_str(tail, "b=c");
}

TEST(test_str__split_without_separator_gives_all_as_head) {
    struct str head, tail;
    assert_false(str_split(S("abc"), '=', &head, &tail));
    assert_str(head, "abc");
    assert_str(tail, "");
    assert_false(str_split(STR_NONE, '=', &head, &tail));
    assert_str(head, NULL);
}

TEST(test_str__compares_bytes_then_length) {
    assert_true(str_cmp(S("a"), S("b")) < 0);
    assert_true(str_cmp(S("ab"), S("a")) > 0);
    assert_true(str_cmp(S("\xff"), S("a")) > 0);
    assert_int_equal(str_cmp(S(""), STR_NONE), 0);
}

TEST(test_str__prefix_and_suffix) {
    assert_true(str_has_prefix(S("/registry/pods"), S("/registry/")));
    assert_false(str_has_prefix(S("/reg"), S("/registry/")));
    assert_true(str_has_suffix(S("a.yaml"), S(".yaml")));
    assert_false(str_has_suffix(S("yaml"), S(".yaml")));
    assert_true(str_has_prefix(S("x"), STR_NONE));
}

TEST(test_str__finds_bytes_and_needles) {
    assert_int_equal(str_find_byte(S("a/b/c"), '/'), 1);
    assert_int_equal(str_rfind_byte(S("a/b/c"), '/'), 3);
    assert_int_equal(str_find_byte(S("abc"), '/'), -1);
    assert_int_equal(str_rfind_byte(STR_NONE, '/'), -1);
    assert_int_equal(str_find(S("hello"), S("ll")), 2);
    assert_int_equal(str_find(S("hello"), S("lx")), -1);
    assert_int_equal(str_find(S(""), S("")), 0);
}

TEST(test_str__cuts_and_skips_within_bounds) {
    assert_str(str_from_byte(S("abc"), 1), "bc");
    assert_str(str_from_byte(S("abc"), 9), "");
    assert_str(str_cut(S("abc"), 2), "ab");
    assert_str(str_cut(S("abc"), 9), "abc");
}

TEST(test_str__trims_white_space) {
    assert_str(str_trim(S(" \t a b\r\n")), "a b");
    assert_str(str_trim(S("   ")), "");
}

TEST(test_str__ignores_ascii_case) {
    assert_true(str_eq_nocase(S("Content-Type"), S("content-TYPE")));
    assert_false(str_eq_nocase(S("Content"), S("content-")));
}

TEST(test_str__parses_unsigned) {
    uint64_t v;
    assert_true(str_to_u64(S("18446744073709551615"), &v));
    assert_true(v == UINT64_MAX);
    assert_true(str_to_u64(S("007"), &v));
    assert_int_equal(v, 7);
    static const char *const bad[] = {"",    "18446744073709551616", "-1", "+1", "1 ",
                                      "0x1", "100000000000000000000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(str_to_u64(str_from(bad[i]), &v));
}

TEST(test_str__parses_signed) {
    int64_t v;
    assert_true(str_to_i64(S("-9223372036854775808"), &v));
    assert_true(v == INT64_MIN);
    assert_true(str_to_i64(S("9223372036854775807"), &v));
    assert_true(v == INT64_MAX);
    assert_false(str_to_i64(S("9223372036854775808"), &v));
    assert_false(str_to_i64(S("-9223372036854775809"), &v));
    assert_false(str_to_i64(S("-"), &v));
    assert_false(str_to_i64(S("--1"), &v));
}

TEST(test_str__utf8_prefix_ends_at_first_bad_sequence) {
    assert_int_equal(utf8_valid_prefix(S("plain ascii text")), 16);
    assert_int_equal(utf8_valid_prefix(S("\xce\xba\xe2\x82\xac\xf0\x9f\x9a\xa3")), 9);
    assert_int_equal(utf8_valid_prefix(S("ab\xc0\x80")), 2);     /* overlong */
    assert_int_equal(utf8_valid_prefix(S("ab\xed\xa0\x80")), 2); /* surrogate */
    assert_int_equal(utf8_valid_prefix(S("ab\xf4\x90\x80\x80")), 2);
    assert_int_equal(utf8_valid_prefix(S("ab\xe2\x82")), 2); /* cut short */
    assert_int_equal(utf8_valid_prefix(S("12345678\x80")), 8);
}

TEST(test_str__utf8_encodes_each_length) {
    char out[4];
    assert_int_equal(utf8_encode('A', out), 1);
    assert_int_equal(utf8_encode(0x3ba, out), 2);
    assert_memory_equal(out, "\xce\xba", 2);
    assert_int_equal(utf8_encode(0x20ac, out), 3);
    assert_memory_equal(out, "\xe2\x82\xac", 3);
    assert_int_equal(utf8_encode(0x1f6a3, out), 4);
    assert_memory_equal(out, "\xf0\x9f\x9a\xa3", 4);
}
