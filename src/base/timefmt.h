/* base/timefmt: dates, times and durations as text, without the C library's locale and time zones.
 *
 * A point in time is seconds since 1970-01-01T00:00:00Z and nanoseconds 0…999,999,999 on top, in the
 * proleptic Gregorian calendar, UTC, no leap seconds. A duration is int64 nanoseconds. Pure functions, any
 * thread, nothing is allocated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define NS_PER_US 1000ll
#define NS_PER_MS 1000000ll
#define NS_PER_SEC 1000000000ll
#define NS_PER_MIN (60 * NS_PER_SEC)
#define NS_PER_HOUR (3600 * NS_PER_SEC)

/* A broken-down time. */
struct civil {
    int64_t year; /* astronomical: 0 is 1 BC */
    int month;    /* 1…12 */
    int day;      /* 1…31 */
    int hour, minute, second;
    int weekday; /* 0: Sunday */
    int yearday; /* 1…366 */
};

/* Days since 1970-01-01 of a date; month and day must be in range. */
int64_t days_from_civil(int64_t year, int month, int day);

/* Seconds since 1970 of date and time; weekday and yearday are ignored. */
int64_t time_from_civil(const struct civil *c);
struct civil time_to_civil(int64_t sec);

int days_in_month(int64_t year, int month);

enum time_form {
    TIME_SECONDS,    /* 2006-01-02T15:04:05Z            metav1.Time */
    TIME_MICRO,      /* 2006-01-02T15:04:05.000000Z     metav1.MicroTime: exactly six digits */
    TIME_NANO,       /* 2006-01-02T15:04:05.999999999Z  up to nine digits, trailing zeros left out */
    TIME_NANO_FIXED, /* 2006-01-02T15:04:05.000000000Z  exactly nine digits: container logs */
};

/* Room for any time, with the NUL. */
#define TIME_TEXT_SIZE 48

/* Prints in UTC, digits that do not fit the form are cut off. Returns the length; a NUL follows. */
size_t time_format(char out[TIME_TEXT_SIZE], int64_t sec, int32_t nsec, enum time_form form);

/* Parses what Go's time.Parse takes for the form: years 0000…9999, "Z" or an offset, a fraction of any length
 * for TIME_SECONDS and TIME_NANO (digits past nine are cut off), of exactly six or nine digits for the
 * others. */
bool time_parse(struct str text, enum time_form form, int64_t *ret_sec, int32_t *ret_nsec);

/* "Mon, 02 Jan 2006 15:04:05 GMT", the Date header. CONFORMS: RFC 9110 5.6.7. */
size_t time_format_http(char out[TIME_TEXT_SIZE], int64_t sec);

/* Splits wall-clock nanoseconds (clock_wall_ns) into seconds and nanoseconds, also before 1970. */
static inline void time_split_ns(int64_t ns, int64_t *ret_sec, int32_t *ret_nsec) {
    int64_t sec = ns / NS_PER_SEC, rest = ns % NS_PER_SEC;
    *ret_sec = rest < 0 ? sec - 1 : sec;
    *ret_nsec = (int32_t)(rest < 0 ? rest + NS_PER_SEC : rest);
}

/* Room for any duration, with the NUL. */
#define DURATION_TEXT_SIZE 32

/* "1h2m3.5s", "1.5µs", "0s". CONFORMS: time.Duration.String. Returns the length; a NUL follows. */
size_t duration_format(char out[DURATION_TEXT_SIZE], int64_t ns);

/* CONFORMS: time.ParseDuration: optional sign, then "0" or decimal numbers with ns, us, µs, ms, s, m, h. */
bool duration_parse(struct str text, int64_t *ret_ns);

/* The AGE column: "5s", "3m20s", "47m", "5h12m", "3d4h", "45d", "2y31d". CONFORMS: duration.HumanDuration. */
size_t duration_format_human(char out[DURATION_TEXT_SIZE], int64_t ns);
