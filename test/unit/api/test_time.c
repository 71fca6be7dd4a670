/* api/time */
#include "api/time.h"

#include "unit/unit.h"

static struct timestamp at(int64_t sec, int32_t nsec) {
    return (struct timestamp){.sec = sec, .nsec = nsec, .set = true};
}

TEST(test_time__seconds_there_and_back) {
    struct timestamp t = {0};
    struct err err = ERR_INIT;
    char out[TIME_TEXT_SIZE];
    assert_ok(timestamp_parse(S("2026-01-02T03:04:05Z"), &t, &err), &err);
    assert_true(t.set);
    assert_int_equal(t.sec, 1767323045);
    assert_str(str_make(out, timestamp_format(t, out)), "2026-01-02T03:04:05Z");
    assert_ok(timestamp_parse(S("2026-01-02T05:04:05.75+02:00"), &t, &err), &err);
    assert_int_equal(t.sec, 1767323045);
    assert_int_equal(t.nsec, 750000000);
    assert_str(str_make(out, timestamp_format(t, out)), "2026-01-02T03:04:05Z");
    assert_str(str_make(out, timestamp_format_micro(t, out)), "2026-01-02T03:04:05.750000Z");
}

TEST(test_time__micro_wants_six_decimals) {
    struct timestamp t = at(5, 5);
    struct err err = ERR_INIT;
    assert_ok(timestamp_parse_micro(S("2026-01-02T03:04:05.000001Z"), &t, &err), &err);
    assert_int_equal(t.nsec, 1000);
    assert_fails(timestamp_parse_micro(S("2026-01-02T03:04:05.1Z"), &t, &err), ERR_INVALID);
    assert_fails(timestamp_parse(S("yesterday"), &t, &err), ERR_INVALID);
    assert_string_equal(err.msg, "cannot parse \"yesterday\" as a time like 2006-01-02T15:04:05Z07:00");
    assert_int_equal(t.nsec, 1000);
}

TEST(test_time__absent_prints_nothing) {
    char out[TIME_TEXT_SIZE] = "x";
    assert_int_equal(timestamp_format((struct timestamp){0}, out), 0);
    assert_string_equal(out, "");
    assert_int_equal(timestamp_format_micro((struct timestamp){0}, out), 0);
    assert_int_equal(timestamp_to_ns((struct timestamp){0}), 0);
    assert_false(timestamp_add((struct timestamp){0}, 5).set);
}

TEST(test_time__nanoseconds_there_and_back) {
    static const int64_t table[] = {
        0, 1, -1, 999999999, 1000000000, -1000000000, -1000000001, 1767323045123456789, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct timestamp t = timestamp_from_ns(table[i]);
        assert_true(t.set && t.nsec >= 0 && t.nsec < 1000000000);
        assert_int_equal(timestamp_to_ns(t), table[i]);
    }
    struct timestamp t = timestamp_from_ns_in_seconds(-1);
    assert_int_equal(t.sec, -1);
    assert_int_equal(t.nsec, 0);
    assert_int_equal(timestamp_to_ns(at(INT64_MAX, 0)), INT64_MAX);
    assert_int_equal(timestamp_to_ns(at(INT64_MIN, 0)), INT64_MIN);
}

TEST(test_time__adds_and_subtracts) {
    struct timestamp t = timestamp_add(at(10, 900000000), 200000000);
    assert_int_equal(t.sec, 11);
    assert_int_equal(t.nsec, 100000000);
    t = timestamp_add(at(10, 100000000), -200000000);
    assert_int_equal(t.sec, 9);
    assert_int_equal(t.nsec, 900000000);
    assert_int_equal(timestamp_add(at(INT64_MAX, 0), INT64_MAX).sec, INT64_MAX);
    assert_int_equal(timestamp_add(at(INT64_MIN, 0), INT64_MIN).sec, INT64_MIN);
    assert_int_equal(timestamp_sub(at(11, 100000000), at(10, 900000000)), 200000000);
    assert_int_equal(timestamp_sub(at(10, 900000000), at(11, 100000000)), -200000000);
    assert_int_equal(timestamp_sub(at(INT64_MAX, 0), at(INT64_MIN, 0)), INT64_MAX);
    assert_int_equal(timestamp_sub(at(INT64_MIN, 0), at(INT64_MAX, 0)), INT64_MIN);
    assert_int_equal(timestamp_sub(at(INT64_MIN, 0), at(0, 1)), INT64_MIN);
}

TEST(test_time__absent_comes_first) {
    struct timestamp none = {0};
    assert_true(timestamp_equal(none, none));
    assert_true(timestamp_cmp(none, at(INT64_MIN, 0)) < 0);
    assert_true(timestamp_cmp(at(0, 0), none) > 0);
    assert_true(timestamp_cmp(at(1, 0), at(0, 999999999)) > 0);
    assert_true(timestamp_cmp(at(1, 1), at(1, 2)) < 0);
    assert_true(timestamp_equal(at(1, 1), at(1, 1)));
}
