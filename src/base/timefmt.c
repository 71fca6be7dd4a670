/* Dates, times and durations as text. See timefmt.h. */
#include "base/timefmt.h"

#include <stdio.h>

#include "base/err.h"

#define SEC_PER_DAY 86400

/* Calendar arithmetic counts years from March, so that the leap day is the last of a year; an era is the 400
 * years (146,097 days) after which the calendar repeats. 719,468 days lie between 0000-03-01 and 1970-01-01.
 */
int64_t days_from_civil(int64_t year, int month, int day) {
    check(month >= 1 && month <= 12 && day >= 1 && day <= 31);
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, struct civil *c) {
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0: March */
    c->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    c->month = (int)(month < 10 ? month + 3 : month - 9);
    c->year = year_of_era + era * 400 + (c->month <= 2);
}

int64_t time_from_civil(const struct civil *c) {
    return days_from_civil(c->year, c->month, c->day) * SEC_PER_DAY + c->hour * 3600 + c->minute * 60 +
           c->second;
}

struct civil time_to_civil(int64_t sec) {
    struct civil c;
    int64_t days = sec / SEC_PER_DAY, rest = sec % SEC_PER_DAY;
    if (rest < 0) {
        days--;
        rest += SEC_PER_DAY;
    }
    civil_from_days(days, &c);
    c.hour = (int)(rest / 3600);
    c.minute = (int)(rest / 60 % 60);
    c.second = (int)(rest % 60);
    int64_t weekday = (days + 4) % 7; /* day 0 was a Thursday */
    c.weekday = (int)(weekday < 0 ? weekday + 7 : weekday);
    c.yearday = (int)(days - days_from_civil(c.year, 1, 1) + 1);
    return c;
}

static bool is_leap(int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in_month(int64_t year, int month) {
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    check(month >= 1 && month <= 12);
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Exactly n digits of v, zeros in front. */
static char *put_digits(char *at, unsigned v, int n) {
    for (int i = n - 1; i >= 0; i--, v /= 10)
        at[i] = (char)('0' + v % 10);
    return at + n;
}

static char *put_fraction(char *at, int32_t nsec, enum time_form form) {
    if (form == TIME_SECONDS || (form == TIME_NANO && nsec == 0))
        return at;
    *at++ = '.';
    if (form == TIME_MICRO)
        return put_digits(at, (unsigned)nsec / 1000, 6);
    at = put_digits(at, (unsigned)nsec, 9);
    while (form == TIME_NANO && at[-1] == '0')
        at--;
    return at;
}

static char *put_year(char *at, int64_t year) {
    if (year >= 0 && year <= 9999)
        return put_digits(at, (unsigned)year, 4);
    return at + snprintf(at, 24, year < 0 ? "-%04lld" : "%lld", (long long)(year < 0 ? -year : year));
}

size_t time_format(char out[TIME_TEXT_SIZE], int64_t sec, int32_t nsec, enum time_form form) {
    check(nsec >= 0 && nsec < NS_PER_SEC);
    struct civil c = time_to_civil(sec);
    char *at = put_year(out, c.year);
    *at++ = '-';
    at = put_digits(at, (unsigned)c.month, 2);
    *at++ = '-';
    at = put_digits(at, (unsigned)c.day, 2);
    *at++ = 'T';
    at = put_digits(at, (unsigned)c.hour, 2);
    *at++ = ':';
    at = put_digits(at, (unsigned)c.minute, 2);
    *at++ = ':';
    at = put_digits(at, (unsigned)c.second, 2);
    at = put_fraction(at, nsec, form);
    *at++ = 'Z';
    *at = 0;
    return (size_t)(at - out);
}

size_t time_format_http(char out[TIME_TEXT_SIZE], int64_t sec) {
    static const char weekdays[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c = time_to_civil(sec);
    int n =
        snprintf(out, TIME_TEXT_SIZE, "%.3s, %02d %.3s %04lld %02d:%02d:%02d GMT", weekdays + 3 * c.weekday,
                 c.day, months + 3 * (c.month - 1), (long long)c.year, c.hour, c.minute, c.second);
    check(n > 0 && n < TIME_TEXT_SIZE);
    return (size_t)n;
}

/* -- parsing: a cursor over the text; each step returns false at the first mismatch -- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool eat(struct str *s, char c) {
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_from_byte(*s, 1);
    return true;
}

static bool eat_number(struct str *s, size_t digits, int low, int high, int *ret) {
    int v = 0;
    if (s->n < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (!is_digit(s->p[i]))
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = str_from_byte(*s, digits);
    *ret = v;
    return v >= low && v <= high;
}

/* Go takes an hour of one digit too. */
static bool eat_hour(struct str *s, int *ret) {
    bool one = s->n >= 2 && is_digit(s->p[0]) && !is_digit(s->p[1]);
    return eat_number(s, one ? 1 : 2, 0, 23, ret);
}

static bool eat_fraction(struct str *s, enum time_form form, int32_t *ret_nsec) {
    size_t wanted = form == TIME_MICRO ? 6 : form == TIME_NANO_FIXED ? 9 : 0;
    *ret_nsec = 0;
    size_t n = 1;
    if (s->n < 2 || (s->p[0] != '.' && s->p[0] != ',') || !is_digit(s->p[1]))
        return wanted == 0;
    int32_t unit = 100000000;
    for (; n < s->n && is_digit(s->p[n]); n++, unit /= 10)
        *ret_nsec += (s->p[n] - '0') * unit;
    *s = str_from_byte(*s, n);
    return wanted == 0 || n == wanted + 1;
}

static bool eat_offset(struct str *s, int *ret_sec) {
    int hour, minute;
    *ret_sec = 0;
    if (eat(s, 'Z'))
        return true;
    bool minus = s->n && s->p[0] == '-';
    if (!eat(s, '-') && !eat(s, '+'))
        return false;
    if (!eat_number(s, 2, 0, 24, &hour) || !eat(s, ':') || !eat_number(s, 2, 0, 60, &minute))
        return false;
    *ret_sec = (hour * 60 + minute) * 60 * (minus ? -1 : 1);
    return true;
}

static bool eat_date(struct str *s, struct civil *c) {
    int year;
    if (!eat_number(s, 4, 0, 9999, &year) || !eat(s, '-') || !eat_number(s, 2, 1, 12, &c->month) ||
        !eat(s, '-'))
        return false;
    c->year = year;
    return eat_number(s, 2, 1, days_in_month(year, c->month), &c->day);
}

static bool eat_clock(struct str *s, struct civil *c) {
    return eat_hour(s, &c->hour) && eat(s, ':') && eat_number(s, 2, 0, 59, &c->minute) && eat(s, ':') &&
           eat_number(s, 2, 0, 59, &c->second);
}

bool time_parse(struct str text, enum time_form form, int64_t *ret_sec, int32_t *ret_nsec) {
    struct civil c;
    int32_t nsec;
    int offset_sec;
    if (!eat_date(&text, &c) || !eat(&text, 'T') || !eat_clock(&text, &c) ||
        !eat_fraction(&text, form, &nsec) || !eat_offset(&text, &offset_sec) || text.n)
        return false;
    *ret_sec = time_from_civil(&c) - offset_sec;
    *ret_nsec = nsec;
    return true;
}

/* -- durations -- */

/* Prints v / 10^digits backwards before `at`, without trailing zeros of the fraction; returns the new start
 * and the whole part. */
static char *put_fraction_back(char *at, uint64_t v, int digits, uint64_t *ret_whole) {
    bool print = false;
    for (int i = 0; i < digits; i++, v /= 10) {
        unsigned digit = (unsigned)(v % 10);
        print = print || digit != 0;
        if (print)
            *--at = (char)('0' + digit);
    }
    if (print)
        *--at = '.';
    *ret_whole = v;
    return at;
}

static char *put_number_back(char *at, uint64_t v) {
    do {
        *--at = (char)('0' + v % 10);
    } while (v /= 10);
    return at;
}

static char *put_text_back(char *at, struct str s) {
    return memcpy(at - s.n, s.p, s.n);
}

/* Below a second: one unit, chosen so that the whole part is not zero. */
static char *put_small_back(char *at, uint64_t ns) {
    uint64_t whole;
    if (ns == 0)
        return put_text_back(at, S("0s"));
    if (ns < NS_PER_US) {
        at = put_text_back(at, S("ns"));
        return put_number_back(at, ns);
    }
    bool micro = ns < NS_PER_MS;
    at = put_text_back(at, micro ? S("µs") : S("ms"));
    at = put_fraction_back(at, ns, micro ? 3 : 6, &whole);
    return put_number_back(at, whole);
}

static char *put_large_back(char *at, uint64_t ns) {
    uint64_t sec;
    *--at = 's';
    at = put_fraction_back(at, ns, 9, &sec);
    at = put_number_back(at, sec % 60);
    if (sec < 60)
        return at;
    *--at = 'm';
    at = put_number_back(at, sec / 60 % 60);
    if (sec < 3600)
        return at;
    *--at = 'h';
    return put_number_back(at, sec / 3600);
}

size_t duration_format(char out[DURATION_TEXT_SIZE], int64_t ns) {
    char tmp[DURATION_TEXT_SIZE], *end = tmp + sizeof tmp;
    uint64_t v = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    char *at = v < NS_PER_SEC ? put_small_back(end, v) : put_large_back(end, v);
    if (ns < 0)
        *--at = '-';
    size_t n = (size_t)(end - at);
    check(n < DURATION_TEXT_SIZE);
    memcpy(out, at, n);
    out[n] = 0;
    return n;
}

static bool eat_unit(struct str *s, uint64_t *ret_ns) {
    static const struct {
        struct str name;
        uint64_t ns;
    } units[] = {
        {STR_INIT("ns"), 1},
        {STR_INIT("us"), NS_PER_US},
        {STR_INIT("\xc2\xb5s"), NS_PER_US}, /* U+00B5 micro sign */
        {STR_INIT("\xce\xbcs"), NS_PER_US}, /* U+03BC Greek mu */
        {STR_INIT("ms"), NS_PER_MS},
        {STR_INIT("s"), NS_PER_SEC},
        {STR_INIT("m"), NS_PER_MIN},
        {STR_INIT("h"), NS_PER_HOUR},
    };
    size_t n = 0;
    while (n < s->n && s->p[n] != '.' && !is_digit(s->p[n]))
        n++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (str_eq(units[i].name, str_cut(*s, n))) {
            *ret_ns = units[i].ns;
            *s = str_from_byte(*s, n);
            return true;
        }
    return false;
}

/* Digits up to 2^63; false on overflow. */
static bool eat_whole(struct str *s, uint64_t *ret) {
    uint64_t v = 0;
    while (s->n && is_digit(s->p[0])) {
        if (v > ((uint64_t)1 << 63) / 10)
            return false;
        v = v * 10 + (uint64_t)(s->p[0] - '0');
        if (v > (uint64_t)1 << 63)
            return false;
        *s = str_from_byte(*s, 1);
    }
    *ret = v;
    return true;
}

/* Digits behind the point: v / scale, as many digits as fit; the rest is read and dropped. */
static void eat_decimals(struct str *s, uint64_t *ret, double *ret_scale) {
    uint64_t v = 0;
    bool full = false;
    *ret_scale = 1;
    for (; s->n && is_digit(s->p[0]); *s = str_from_byte(*s, 1)) {
        uint64_t next = v * 10 + (uint64_t)(s->p[0] - '0');
        full = full || v > ((uint64_t)1 << 63) / 10 || next > (uint64_t)1 << 63;
        if (full)
            continue;
        v = next;
        *ret_scale *= 10;
    }
    *ret = v;
}

/* One number with its unit, in nanoseconds up to 2^63. */
static bool eat_part(struct str *s, uint64_t *ret_ns) {
    uint64_t whole, decimals = 0, unit;
    double scale = 1;
    size_t before = s->n;
    if (!eat_whole(s, &whole))
        return false;
    bool any = s->n != before;
    if (eat(s, '.')) {
        before = s->n;
        eat_decimals(s, &decimals, &scale);
        any = any || s->n != before;
    }
    if (!any || !eat_unit(s, &unit))
        return false;
    if (whole > ((uint64_t)1 << 63) / unit)
        return false;
    whole *= unit;
    if (decimals)
        whole += (uint64_t)((double)decimals * ((double)unit / scale));
    *ret_ns = whole;
    return whole <= (uint64_t)1 << 63;
}

bool duration_parse(struct str text, int64_t *ret_ns) {
    bool minus = text.n && text.p[0] == '-';
    if (!eat(&text, '-'))
        (void)eat(&text, '+');
    if (str_eq(text, S("0"))) {
        *ret_ns = 0;
        return true;
    }
    if (text.n == 0)
        return false;
    uint64_t total = 0;
    while (text.n) {
        uint64_t part;
        if (!eat_part(&text, &part) || __builtin_add_overflow(total, part, &total) ||
            total > (uint64_t)1 << 63)
            return false;
    }
    if (!minus && total > INT64_MAX)
        return false;
    *ret_ns = minus ? (int64_t)(0 - total) : (int64_t)total;
    return true;
}

/* "<big>A<small>B", the small part left out when zero. */
static int two_parts(char *out, int64_t big, char big_unit, int64_t small, char small_unit) {
    if (small == 0)
        return snprintf(out, DURATION_TEXT_SIZE, "%lld%c", (long long)big, big_unit);
    return snprintf(out, DURATION_TEXT_SIZE, "%lld%c%lld%c", (long long)big, big_unit, (long long)small,
                    small_unit);
}

static int human(char *out, int64_t ns) {
    int64_t sec = ns / NS_PER_SEC, min = sec / 60, hours = sec / 3600;
    if (sec < -1)
        return snprintf(out, DURATION_TEXT_SIZE, "<invalid>");
    if (sec < 120)
        return two_parts(out, sec < 0 ? 0 : sec, 's', 0, 0);
    if (min < 10)
        return two_parts(out, min, 'm', sec % 60, 's');
    if (min < 180)
        return two_parts(out, min, 'm', 0, 0);
    if (hours < 8)
        return two_parts(out, hours, 'h', min % 60, 'm');
    if (hours < 48)
        return two_parts(out, hours, 'h', 0, 0);
    if (hours < 192)
        return two_parts(out, hours / 24, 'd', hours % 24, 'h');
    if (hours < 2 * 365 * 24)
        return two_parts(out, hours / 24, 'd', 0, 0);
    if (hours < 8 * 365 * 24)
        return two_parts(out, hours / 24 / 365, 'y', hours / 24 % 365, 'd');
    return two_parts(out, hours / 24 / 365, 'y', 0, 0);
}

size_t duration_format_human(char out[DURATION_TEXT_SIZE], int64_t ns) {
    int n = human(out, ns);
    check(n > 0 && n < DURATION_TEXT_SIZE);
    return (size_t)n;
}
