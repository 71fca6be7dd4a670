/* api/cron and api/time_zone. */
#include "api/cron.h"

#include "api/time_zone.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "unit/unit.h"

static int64_t moment(const char *text) {
    int64_t sec;
    int32_t nsec;
    assert_true(time_parse(str_from(text), TIME_SECONDS, &sec, &nsec));
    return sec;
}

static void assert_next(const char *schedule, const struct time_zone *zone, const char *from,
                        const char *expected) {
    struct cron c;
    struct err err = ERR_INIT;
    if (cron_parse(str_from(schedule), &c, &err) != 0)
        fail_msg("%s: %s", schedule, err.msg);
    int64_t sec;
    char text[TIME_TEXT_SIZE] = "never";
    if (cron_next(&c, zone, moment(from), &sec))
        (void)time_format(text, sec, 0, TIME_SECONDS);
    assert_string_equal(text, expected);
}

TEST(test_cron__next_time_is_the_first_match) {
    static const struct {
        const char *schedule, *from, *next;
    } cases[] = {
        {"* * * * *", "2024-01-01T00:00:00Z", "2024-01-01T00:01:00Z"},
        {"* * * * *", "2024-01-01T00:00:59Z", "2024-01-01T00:01:00Z"},
        {"*/15 * * * *", "2024-01-01T00:15:00Z", "2024-01-01T00:30:00Z"},
        {"20-35/15 * * * *", "2024-01-01T00:20:00Z", "2024-01-01T00:35:00Z"},
        {"50/5 * * * *", "2024-01-01T00:51:00Z", "2024-01-01T00:55:00Z"},
        {"0 3 * * *", "2024-01-01T03:00:00Z", "2024-01-02T03:00:00Z"},
        {"0 0 31 * *", "2024-04-01T00:00:00Z", "2024-05-31T00:00:00Z"},
        {"0 0 29 2 ?", "2024-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
        {"0 0 30 2 *", "2024-03-01T00:00:00Z", "never"},
        {"0 0 * * MON-fri", "2024-01-05T00:00:00Z", "2024-01-08T00:00:00Z"},
        {"0 0 * feb,Mar *", "2024-01-05T00:00:00Z", "2024-02-01T00:00:00Z"},
        {"0 0 13 * fri", "2024-01-06T00:00:00Z", "2024-01-12T00:00:00Z"}, /* either, both are restricted */
        {"0 0 */2 * sun", "2024-01-01T00:00:00Z", "2024-01-03T00:00:00Z"},
        {"0 0 * * 0", "2024-01-01T00:00:00Z", "2024-01-07T00:00:00Z"},
        {"  5   4 *\t* *  ", "2024-01-01T00:00:00Z", "2024-01-01T04:05:00Z"},
        {"@yearly", "2024-06-01T00:00:00Z", "2025-01-01T00:00:00Z"},
        {"@annually", "2024-06-01T00:00:00Z", "2025-01-01T00:00:00Z"},
        {"@monthly", "2024-06-01T00:00:00Z", "2024-07-01T00:00:00Z"},
        {"@weekly", "2024-06-03T00:00:00Z", "2024-06-09T00:00:00Z"},
        {"@daily", "2024-06-01T00:00:00Z", "2024-06-02T00:00:00Z"},
        {"@midnight", "2024-06-01T00:00:00Z", "2024-06-02T00:00:00Z"},
        {"@hourly", "2024-06-01T00:00:00Z", "2024-06-01T01:00:00Z"},
        {"@every 1h30m", "2024-06-01T00:00:07Z", "2024-06-01T01:30:07Z"},
        {"@every 1ms", "2024-06-01T00:00:07Z", "2024-06-01T00:00:08Z"},
        {", * * * *", "2024-01-01T00:00:00Z", "never"},
        {"0 0 , * ,", "2024-01-01T00:00:00Z", "never"},
        {"0 0 1 1 *", "1969-06-01T00:00:00Z", "1970-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_next(cases[i].schedule, NULL, cases[i].from, cases[i].next);
}

TEST(test_cron__refuses_what_is_no_schedule) {
    static const char *const wrong[] = {
        "",
        "   ",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 7",
        "5-1 * * * *",
        "*/0 * * * *",
        "1/2/3 * * * *",
        "a * * * *",
        "-1 * * * *",
        "1- * * * *",
        "1-2-3 * * * *",
        "* * * foo *",
        "@never",
        "@every",
        "@every x",
        "@DAILY",
        "TZ=UTC",
        "CRON_TZ=UTC ",
        "*/x * * * *",
        "99999999999999999999 * * * *",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct cron c;
        struct err err = ERR_INIT;
        if (cron_parse(str_from(wrong[i]), &c, &err) != ERR_INVALID)
            fail_msg("accepted: %s", wrong[i]);
    }
}

TEST(test_cron__large_steps_keep_the_first) {
    assert_next("0/99999999999 5 * * *", NULL, "2024-01-01T00:00:00Z", "2024-01-01T05:00:00Z");
}

TEST(test_cron__names_a_zone) {
    struct cron c;
    assert_int_equal(cron_parse(S("CRON_TZ=Asia/Tokyo 0 1 * * *"), &c, NULL), 0);
    assert_true(str_eq(c.zone, S("Asia/Tokyo")));
    assert_true(cron_text_names_zone(S("TZ=UTC * * * * *")));
    assert_false(cron_text_names_zone(S("* * * * *")));
}

/* A zone without a table, with a rule alone. */
static struct time_zone *zone_of(const char *rule) {
    static const char header[44] = {'T', 'Z', 'i', 'f', '2', [39] = 1};
    _cleanup_buf struct buf b = BUF_INIT;
    for (int i = 0; i < 2; i++) {
        buf_put(&b, header, sizeof header);
        buf_put(&b, "\0\0\0\0\0\0", 6);
    }
    buf_byte(&b, '\n');
    buf_str(&b, str_from(rule));
    buf_byte(&b, '\n');
    struct time_zone *z = NULL;
    return time_zone_read(buf_view(&b), &z, NULL) == 0 ? z : NULL;
}

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

TEST(test_time_zone__rules_have_summers) {
    static const struct {
        const char *rule, *at;
        int32_t offset;
    } cases[] = {
        {BERLIN, "2024-01-15T00:00:00Z", 3600},
        {BERLIN, "2024-03-31T00:59:59Z", 3600},
        {BERLIN, "2024-03-31T01:00:00Z", 7200},
        {BERLIN, "2024-10-27T00:59:59Z", 7200},
        {BERLIN, "2024-10-27T01:00:00Z", 3600},
        {"NZST-12NZDT,M9.5.0,M4.1.0/3", "2024-01-15T00:00:00Z", 13 * 3600},
        {"NZST-12NZDT,M9.5.0,M4.1.0/3", "2024-07-15T00:00:00Z", 12 * 3600},
        {"<+0330>-3:30", "2024-07-15T00:00:00Z", 12600},
        {"EST5EDT,M3.2.0,M11.1.0", "2024-03-10T06:59:59Z", -18000},
        {"EST5EDT,M3.2.0,M11.1.0", "2024-03-10T07:00:00Z", -14400},
        {"XXX0YYY,J60/0,J300/0", "2024-03-01T00:00:00Z", 3600},
        {"XXX0YYY,59/0,299/0", "2024-02-28T23:59:59Z", 0},
        {"XXX0YYY,59/0,299/0", "2024-02-29T00:00:00Z", 3600},
        {"LHST-10:30LHDT-11,M10.1.0,M4.1.0", "2024-01-01T00:00:00Z", 39600},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct time_zone *z = zone_of(cases[i].rule);
        assert_non_null(z);
        int32_t offset = time_zone_offset(z, moment(cases[i].at));
        if (offset != cases[i].offset)
            fail_msg("%s at %s: %d", cases[i].rule, cases[i].at, offset);
        time_zone_free(z);
    }
}

TEST(test_time_zone__refuses_damaged_files) {
    static const char *const wrong[] = {
        "CE-1", "CET", "CET-1CEST", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0/3x", "<CET-1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_null(zone_of(wrong[i]));
    struct time_zone *z = NULL;
    assert_int_equal(time_zone_read(S("TZif"), &z, NULL), ERR_INVALID);
    assert_int_equal(time_zone_read(STR_NONE, &z, NULL), ERR_INVALID);
}

TEST(test_time_zone__utc_needs_no_file) {
    struct time_zone *z = NULL;
    assert_int_equal(time_zone_load(S("UTC"), &z, NULL), 0);
    assert_int_equal(time_zone_offset(z, 0), 0);
    time_zone_free(z);
    assert_int_equal(time_zone_load(S("../etc/passwd"), &z, NULL), ERR_NOT_FOUND);
    assert_int_equal(time_zone_load(S("Local"), &z, NULL), ERR_NOT_FOUND);
}

TEST(test_time_zone__local_times_may_be_twice_or_never) {
    struct time_zone *z = zone_of(BERLIN);
    /* 02:30 is skipped; 02:00 in October occurs twice. */
    assert_int_equal(time_zone_moment(z, moment("2024-03-31T02:00:00Z")), moment("2024-03-31T01:00:00Z"));
    assert_int_equal(time_zone_moment(z, moment("2024-10-27T02:00:00Z")), moment("2024-10-27T00:00:00Z"));
    assert_int_equal(time_zone_moment(z, moment("2024-10-28T00:00:00Z")), moment("2024-10-27T23:00:00Z"));
    time_zone_free(z);
}

TEST(test_cron__follows_local_time) {
    struct time_zone *z = zone_of(BERLIN);
    assert_next("0 3 * * *", z, "2024-01-01T12:00:00Z", "2024-01-02T02:00:00Z");
    assert_next("30 2 * * *", z, "2024-03-30T12:00:00Z", "2024-04-01T00:30:00Z"); /* skipped on the 31st */
    assert_next("30 2 * * *", z, "2024-10-26T12:00:00Z", "2024-10-27T00:30:00Z"); /* twice on the 27th */
    assert_next("30 2 * * *", z, "2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z");
    assert_next("0 0 1 * *", z, "2024-06-15T12:00:00Z", "2024-06-30T22:00:00Z");
    time_zone_free(z);
}
