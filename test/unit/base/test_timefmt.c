/* base/timefmt. Expected texts are what Go prints for the same values. */
#include "base/rand.h"
#include "base/timefmt.h"
#include "unit/unit.h"

TEST(test_timefmt__days_of_known_dates) {
    assert_int_equal(days_from_civil(1970, 1, 1), 0);
    assert_int_equal(days_from_civil(1969, 12, 31), -1);
    assert_int_equal(days_from_civil(2000, 2, 29), 11016);
    assert_int_equal(days_from_civil(2000, 3, 1), 11017);
    assert_int_equal(days_from_civil(1, 1, 1), -719162);
    assert_int_equal(days_from_civil(0, 3, 1), -719468);
}

TEST(test_timefmt__calendar_is_continuous) {
    int64_t day = days_from_civil(-1, 1, 1);
    int weekday = time_to_civil(day * 86400).weekday;
    for (int year = -1; year <= 2105; year++)
        for (int month = 1, yearday = 1; month <= 12; month++)
            for (int d = 1; d <= days_in_month(year, month);
                 d++, day++, yearday++, weekday = (weekday + 1) % 7) {
                struct civil c = time_to_civil(day * 86400 + 86399);
                if (c.year != year || c.month != month || c.day != d || c.yearday != yearday ||
                    c.weekday != weekday)
                    fail_msg("%d-%d-%d", year, month, d);
                if (days_from_civil(year, month, d) != day)
                    fail_msg("%d-%d-%d back", year, month, d);
            }
}

TEST(test_timefmt__broken_down_time_reads_back) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    for (int i = 0; i < 20000; i++) {
        int64_t sec = rand_range(r, -((int64_t)1 << 45), (int64_t)1 << 45);
        struct civil c = time_to_civil(sec);
        assert_true(time_from_civil(&c) == sec);
    }
    assert_int_equal(time_to_civil(0).weekday, 4);
    assert_int_equal(time_to_civil(-1).second, 59);
}

static void expect_time(int64_t sec, int32_t nsec, enum time_form form, const char *text) {
    char out[TIME_TEXT_SIZE];
    size_t n = time_format(out, sec, nsec, form);
    assert_string_equal(out, text);
    assert_int_equal(n, strlen(text));
}

TEST(test_timefmt__prints_each_form) {
    expect_time(1136214245, 0, TIME_SECONDS, "2006-01-02T15:04:05Z");
    expect_time(1136214245, 999999999, TIME_SECONDS, "2006-01-02T15:04:05Z");
    expect_time(1136214245, 0, TIME_MICRO, "2006-01-02T15:04:05.000000Z");
    expect_time(1136214245, 123456789, TIME_MICRO, "2006-01-02T15:04:05.123456Z");
    expect_time(1136214245, 0, TIME_NANO, "2006-01-02T15:04:05Z");
    expect_time(1136214245, 120000000, TIME_NANO, "2006-01-02T15:04:05.12Z");
    expect_time(1136214245, 1, TIME_NANO, "2006-01-02T15:04:05.000000001Z");
    expect_time(1136214245, 1000, TIME_NANO_FIXED, "2006-01-02T15:04:05.000001000Z");
    expect_time(-62135596800, 0, TIME_SECONDS, "0001-01-01T00:00:00Z");
    expect_time(253402300799, 0, TIME_SECONDS, "9999-12-31T23:59:59Z");
    expect_time(253402300800, 0, TIME_SECONDS, "10000-01-01T00:00:00Z");
}

TEST(test_timefmt__prints_the_extremes) {
    expect_time(INT64_MAX, 999999999, TIME_NANO, "292277026596-12-04T15:30:07.999999999Z");
    expect_time(INT64_MIN, 0, TIME_NANO, "-292277022657-01-27T08:29:52Z");
}

TEST(test_timefmt__prints_http_dates) {
    char out[TIME_TEXT_SIZE];
    assert_int_equal(time_format_http(out, 784111777), 29);
    assert_string_equal(out, "Sun, 06 Nov 1994 08:49:37 GMT");
}

static void expect_parsed(const char *text, enum time_form form, int64_t sec, int32_t nsec) {
    int64_t s = 0;
    int32_t ns = 0;
    if (!time_parse(str_from(text), form, &s, &ns))
        fail_msg("%s was refused", text);
    if (s != sec || ns != nsec)
        fail_msg("%s gave %lld and %d", text, (long long)s, ns);
}

static void expect_refused(const char *text, enum time_form form) {
    int64_t s = 42;
    int32_t ns = 42;
    if (time_parse(str_from(text), form, &s, &ns))
        fail_msg("%s was taken", text);
    assert_true(s == 42 && ns == 42);
}

TEST(test_timefmt__parses_times) {
    expect_parsed("2006-01-02T15:04:05Z", TIME_SECONDS, 1136214245, 0);
    expect_parsed("2006-01-02T15:04:05+07:00", TIME_SECONDS, 1136214245 - 7 * 3600, 0);
    expect_parsed("2006-01-02T15:04:05-00:30", TIME_SECONDS, 1136214245 + 1800, 0);
    expect_parsed("2006-01-02T15:04:05.5Z", TIME_SECONDS, 1136214245, 500000000);
    expect_parsed("2006-01-02T15:04:05,5Z", TIME_SECONDS, 1136214245, 500000000);
    expect_parsed("2006-01-02T15:04:05.1234567899Z", TIME_NANO, 1136214245, 123456789);
    expect_parsed("2006-01-02T5:04:05Z", TIME_SECONDS, 1136214245 - 36000, 0);
    expect_parsed("2006-01-02T15:04:05.123456Z", TIME_MICRO, 1136214245, 123456000);
    expect_parsed("2006-01-02T15:04:05.123456789Z", TIME_NANO_FIXED, 1136214245, 123456789);
    expect_parsed("0000-01-01T00:00:00Z", TIME_SECONDS, -62167219200, 0);
    expect_parsed("2024-02-29T00:00:00Z", TIME_SECONDS, 1709164800, 0);
}

TEST(test_timefmt__refuses_what_go_refuses) {
    static const char *const bad[] = {
        "",
        "2006-01-02",
        "2006-01-02 15:04:05Z",
        "2006-01-02t15:04:05Z",
        "2006-01-02T15:04:05z",
        "2006-01-02T15:04:05",
        "2006-01-02T15:04:05Zx",
        "2006-13-02T15:04:05Z",
        "2006-00-02T15:04:05Z",
        "2006-02-29T15:04:05Z",
        "2006-01-00T15:04:05Z",
        "2006-1-02T15:04:05Z",
        "2006-01-02T24:04:05Z",
        "2006-01-02T15:60:05Z",
        "2006-01-02T15:04:60Z",
        "2006-01-02T15:04:05.Z",
        "2006-01-02T15:04:05+0700",
        "2006-01-02T15:04:05+25:00",
        "20060-01-02T15:04:05Z",
        "-006-01-02T15:04:05Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused(bad[i], TIME_SECONDS);
    expect_refused("2006-01-02T15:04:05Z", TIME_MICRO);
    expect_refused("2006-01-02T15:04:05.12345Z", TIME_MICRO);
    expect_refused("2006-01-02T15:04:05.1234567Z", TIME_MICRO);
}

TEST(test_timefmt__every_cut_of_a_time_is_refused) {
    struct str whole = S("2006-01-02T15:04:05.123456+07:00");
    int64_t s;
    int32_t ns;
    for (size_t n = 0; n < whole.n; n++)
        assert_false(time_parse(str_cut(whole, n), TIME_MICRO, &s, &ns));
    assert_true(time_parse(whole, TIME_MICRO, &s, &ns));
}

TEST(test_timefmt__printed_times_read_back) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    for (int i = 0; i < 10000; i++) {
        int64_t sec = rand_range(r, -62167219200, 253402300799), back_sec;
        int32_t nsec = (int32_t)rand_below(r, 1000000000), back_nsec;
        char text[TIME_TEXT_SIZE];
        assert_true(time_parse(str_make(text, time_format(text, sec, nsec, TIME_NANO)), TIME_NANO, &back_sec,
                               &back_nsec));
        assert_true(back_sec == sec && back_nsec == nsec);
    }
}

TEST(test_timefmt__splits_nanoseconds_before_the_epoch) {
    int64_t sec;
    int32_t nsec;
    time_split_ns(-1, &sec, &nsec);
    assert_true(sec == -1 && nsec == 999999999);
    time_split_ns(-1000000000, &sec, &nsec);
    assert_true(sec == -1 && nsec == 0);
    time_split_ns(1500000000, &sec, &nsec);
    assert_true(sec == 1 && nsec == 500000000);
}

/* -- durations -- */

static void expect_duration(int64_t ns, const char *text) {
    char out[DURATION_TEXT_SIZE];
    size_t n = duration_format(out, ns);
    assert_string_equal(out, text);
    assert_int_equal(n, strlen(text));
    int64_t back = 0;
    assert_true(duration_parse(str_from(text), &back));
    assert_true(back == ns);
}

TEST(test_timefmt__durations_print_as_go_prints_them_and_read_back) {
    expect_duration(0, "0s");
    expect_duration(1, "1ns");
    expect_duration(1100, "1.1\xc2\xb5s");
    expect_duration(2200000, "2.2ms");
    expect_duration(3300000000, "3.3s");
    expect_duration(4 * NS_PER_MIN + 5 * NS_PER_SEC, "4m5s");
    expect_duration(4 * NS_PER_MIN + 5001 * NS_PER_MS, "4m5.001s");
    expect_duration(5 * NS_PER_HOUR + 6 * NS_PER_MIN + 7001 * NS_PER_MS, "5h6m7.001s");
    expect_duration(8 * NS_PER_MIN + 1, "8m0.000000001s");
    expect_duration(100 * NS_PER_HOUR, "100h0m0s");
    expect_duration(INT64_MAX, "2562047h47m16.854775807s");
    expect_duration(INT64_MIN, "-2562047h47m16.854775808s");
    expect_duration(-NS_PER_SEC, "-1s");
    expect_duration(999999999, "999.999999ms");
    expect_duration(999, "999ns");
    expect_duration(1000, "1\xc2\xb5s");
}

TEST(test_timefmt__parses_what_go_parses) {
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"+0", 0},
        {"5s", 5 * NS_PER_SEC},
        {"+5s", 5 * NS_PER_SEC},
        {"-5s", -5 * NS_PER_SEC},
        {"5.0s", 5 * NS_PER_SEC},
        {"5.6s", 5600 * NS_PER_MS},
        {"5.s", 5 * NS_PER_SEC},
        {".5s", 500 * NS_PER_MS},
        {"1.004s", 1004 * NS_PER_MS},
        {"100.00100s", 100001 * NS_PER_MS},
        {"10ns", 10},
        {"11us", 11 * NS_PER_US},
        {"12\xc2\xb5s", 12 * NS_PER_US},
        {"12\xce\xbcs", 12 * NS_PER_US},
        {"3h30m", 210 * NS_PER_MIN},
        {"10.5s4m", 4 * NS_PER_MIN + 10500 * NS_PER_MS},
        {"-2m3.4s", -(2 * NS_PER_MIN + 3400 * NS_PER_MS)},
        {"52763797000ns", 52763797000},
        {"0.3333333333333333333h", 20 * NS_PER_MIN},
        {"9007199254740993ns", ((int64_t)1 << 53) + 1},
        {"9223372036854775807ns", INT64_MAX},
        {"9223372036854775.807us", INT64_MAX},
        {"-9223372036854775808ns", INT64_MIN},
        {"-2562047h47m16.854775808s", INT64_MIN},
        {"0.100000000000000000000h", 6 * NS_PER_MIN},
        {"0.830103483285477580700h", 49 * NS_PER_MIN + 48 * NS_PER_SEC + 372539827},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t ns = 0;
        if (!duration_parse(str_from(good[i].text), &ns) || ns != good[i].ns)
            fail_msg("%s gave %lld", good[i].text, (long long)ns);
    }
}

TEST(test_timefmt__refuses_durations_that_go_refuses) {
    static const char *const bad[] = {
        "",
        "3",
        "-",
        "s",
        ".",
        "-.",
        ".s",
        "+.s",
        "1d",
        "1 s",
        " 1s",
        "1s ",
        "--1s",
        "\x85\x85",
        "3000000h",
        "9223372036854775808ns",
        "9223372036854775.808us",
        "9223372036854ms775us808ns",
        "-9223372036854775809ns",
        "18446744073709551616ns",
        "9223372036854775808ns9223372036854775808ns",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ns = 42;
        if (duration_parse(str_from(bad[i]), &ns))
            fail_msg("%s gave %lld", bad[i], (long long)ns);
        assert_int_equal(ns, 42);
    }
}

TEST(test_timefmt__any_duration_reads_back) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    for (int i = 0; i < 20000; i++) {
        int64_t ns = (int64_t)(rand_u64(r) >> rand_below(r, 64)), back;
        char text[DURATION_TEXT_SIZE];
        assert_true(duration_parse(str_make(text, duration_format(text, ns)), &back));
        assert_true(back == ns);
    }
}

/* How upstream shortens ages, at the edges of each form. */
TEST(test_timefmt__age_column) {
    static const struct {
        int64_t sec;
        const char *text;
    } rows[] = {
        {-2, "<invalid>"},
        {-1, "0s"},
        {0, "0s"},
        {5, "5s"},
        {119, "119s"},
        {120, "2m"},
        {200, "3m20s"},
        {599, "9m59s"},
        {600, "10m"},
        {47 * 60 + 59, "47m"},
        {180 * 60 - 1, "179m"},
        {180 * 60, "3h"},
        {5 * 3600 + 12 * 60, "5h12m"},
        {8 * 3600 - 1, "7h59m"},
        {8 * 3600 + 59 * 60, "8h"},
        {48 * 3600 - 1, "47h"},
        {48 * 3600, "2d"},
        {76 * 3600, "3d4h"},
        {192 * 3600 - 1, "7d23h"},
        {192 * 3600, "8d"},
        {45 * 86400, "45d"},
        {(int64_t)730 * 86400 - 1, "729d"},
        {(int64_t)730 * 86400, "2y"},
        {(int64_t)(730 + 31) * 86400, "2y31d"},
        {(int64_t)8 * 365 * 86400 - 1, "7y364d"},
        {(int64_t)8 * 365 * 86400 + 86400, "8y"},
        {(int64_t)90 * 365 * 86400, "90y"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[DURATION_TEXT_SIZE];
        size_t n = duration_format_human(out, rows[i].sec * NS_PER_SEC);
        assert_string_equal(out, rows[i].text);
        assert_int_equal(n, strlen(rows[i].text));
    }
    char out[DURATION_TEXT_SIZE];
    duration_format_human(out, -1500 * NS_PER_MS);
    assert_string_equal(out, "0s");
}

/* Valid texts with bytes changed, dropped and doubled: whatever is taken prints and reads back to the same.
 */
static size_t damage(struct rand *r, const char *text, char *out) {
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        static const char bytes[] = "0123456789-+:.,TZhmsun\xc2\xb5 ";
        uint64_t what = rand_below(r, 24);
        if (what != 0)
            out[n++] = what == 1 ? bytes[rand_below(r, sizeof bytes)] : *p;
        if (what == 2)
            out[n++] = *p;
    }
    return n;
}

TEST(test_timefmt__damaged_times_are_refused_or_read_consistently) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    unsigned taken = 0;
    for (int i = 0; i < 50000; i++) {
        char text[128], again[TIME_TEXT_SIZE];
        size_t n = damage(r, "2006-01-02T15:04:05.123456-07:00", text);
        int64_t sec, back_sec;
        int32_t nsec, back_nsec;
        if (!time_parse(str_make(text, n), TIME_NANO, &sec, &nsec))
            continue;
        taken++;
        assert_true(nsec >= 0 && nsec < 1000000000);
        n = time_format(again, sec, nsec, TIME_NANO);
        if (again[0] == '-')
            continue; /* the offset led before the year 0 */
        assert_true(time_parse(str_make(again, n), TIME_NANO, &back_sec, &back_nsec));
        assert_true(back_sec == sec && back_nsec == nsec);
    }
    assert_in_range(taken, 1000, 49000);
}

TEST(test_timefmt__damaged_durations_are_refused_or_read_consistently) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    unsigned taken = 0;
    for (int i = 0; i < 50000; i++) {
        char text[128], again[DURATION_TEXT_SIZE];
        size_t n = damage(r, i % 2 ? "-1h15m30.918273645s" : "1.5ms20\xc2\xb5s7ns", text);
        int64_t ns, back;
        if (!duration_parse(str_make(text, n), &ns))
            continue;
        taken++;
        assert_true(duration_parse(str_make(again, duration_format(again, ns)), &back));
        assert_true(back == ns);
    }
    assert_in_range(taken, 1000, 49000);
}
