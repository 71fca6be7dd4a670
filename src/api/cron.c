/* Cron schedules. See cron.h. */
#include "api/cron.h"

#include "api/intstr.h"
#include "api/time_zone.h"
#include "base/err.h"
#include "base/timefmt.h"

#define YEARS_MAX 5

struct bounds {
    const char *what;
    int64_t min, max;
    const char *names; /* three letters each, from `min` on; NULL: none */
};

static const struct bounds minute_bounds = {"minute", 0, 59, NULL}, hour_bounds = {"hour", 0, 23, NULL},
                           day_bounds = {"day of month", 1, 31, NULL},
                           month_bounds = {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
                           weekday_bounds = {"day of week", 0, 6, "sunmontuewedthufrisat"};

/* ---- fields ---- */

static bool read_value(struct str s, const struct bounds *b, int64_t *ret) {
    for (int64_t i = 0; b->names && s.n == 3 && i <= b->max - b->min; i++)
        if (str_eq_nocase(s, str_make(b->names + 3 * i, 3))) {
            *ret = b->min + i;
            return true;
        }
    return int_parse(s, ret) && *ret >= 0;
}

static uint64_t range_bits(int64_t first, int64_t last, int64_t step) {
    uint64_t bits = 0;
    for (int64_t i = first; i <= last; i += step)
        bits |= UINT64_C(1) << i;
    return bits;
}

/* One item of a field's list: a, a-b, *, each with /step. */
static int read_item(struct str s, const struct bounds *b, uint64_t *bits, bool *any, struct err *err) {
    struct str range, step_text, low, high;
    bool has_step = str_split(s, '/', &range, &step_text), two = str_split(range, '-', &low, &high);
    int64_t first = b->min, last = b->max, step = 1;
    bool star = str_eq(low, S("*")) || str_eq(low, S("?"));
    if (!star) {
        if (!read_value(low, b, &first) || (two && !read_value(high, b, &last)))
            return err_set(err, ERR_INVALID, "%s: no number: %.*s", b->what, STR_ARG(s));
        if (!two && !has_step)
            last = first;
    }
    if (has_step && (!int_parse(step_text, &step) || step < 0))
        return err_set(err, ERR_INVALID, "%s: no number after the slash: %.*s", b->what, STR_ARG(s));
    if (first < b->min || last > b->max)
        return err_set(err, ERR_INVALID, "%s: not within %d and %d: %.*s", b->what, (int)b->min, (int)b->max,
                       STR_ARG(s));
    if (first > last)
        return err_set(err, ERR_INVALID, "%s: the range ends before it begins: %.*s", b->what, STR_ARG(s));
    if (step == 0)
        return err_set(err, ERR_INVALID, "%s: the step is zero: %.*s", b->what, STR_ARG(s));
    *any = *any || (star && step == 1);
    *bits |= range_bits(first, last, step > b->max ? b->max + 1 : step);
    return 0;
}

static int read_field(struct str field, const struct bounds *b, uint64_t *ret_bits, bool *ret_any,
                      struct err *err) {
    *ret_bits = 0;
    *ret_any = false;
    while (!str_empty(field)) {
        struct str item;
        str_split(field, ',', &item, &field);
        if (str_empty(item))
            continue;
        int rc = read_item(item, b, ret_bits, ret_any, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Cuts the next word off; empty at the end. */
static struct str next_word(struct str *s) {
    *s = str_trim(*s);
    size_t n = 0;
    while (n < s->n && s->p[n] != ' ' && (s->p[n] < '\t' || s->p[n] > '\r'))
        n++;
    struct str word = str_cut(*s, n);
    *s = str_from_byte(*s, n);
    return word;
}

static int read_fields(struct str text, struct cron *ret, struct err *err) {
    static const struct bounds *const bounds[5] = {&minute_bounds, &hour_bounds, &day_bounds, &month_bounds,
                                                   &weekday_bounds};
    uint64_t bits[5];
    bool any[5];
    for (size_t i = 0; i < 5; i++) {
        struct str word = next_word(&text);
        if (str_empty(word))
            return err_set(err, ERR_INVALID, "there must be five fields, found %zu", i);
        int rc = read_field(word, bounds[i], &bits[i], &any[i], err);
        if (rc != 0)
            return rc;
    }
    if (!str_empty(str_trim(text)))
        return err_set(err, ERR_INVALID, "there must be five fields, found more");
    ret->minutes = bits[0];
    ret->hours = (uint32_t)bits[1];
    ret->days = (uint32_t)bits[2];
    ret->months = (uint32_t)bits[3];
    ret->weekdays = (uint32_t)bits[4];
    ret->any_day = any[2];
    ret->any_weekday = any[4];
    return 0;
}

/* ---- descriptors ---- */

static int read_descriptor(struct str text, struct cron *ret, struct err *err) {
    static const struct {
        struct str name, fields;
    } known[] = {
        {STR_INIT("@yearly"), STR_INIT("0 0 1 1 *")},  {STR_INIT("@annually"), STR_INIT("0 0 1 1 *")},
        {STR_INIT("@monthly"), STR_INIT("0 0 1 * *")}, {STR_INIT("@weekly"), STR_INIT("0 0 * * 0")},
        {STR_INIT("@daily"), STR_INIT("0 0 * * *")},   {STR_INIT("@midnight"), STR_INIT("0 0 * * *")},
        {STR_INIT("@hourly"), STR_INIT("0 * * * *")},
    };
    static const struct str every = STR_INIT("@every ");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (str_eq(text, known[i].name))
            return read_fields(known[i].fields, ret, err);
    int64_t ns;
    if (!str_has_prefix(text, every))
        return err_set(err, ERR_INVALID, "unknown descriptor: %.*s", STR_ARG(text));
    if (!duration_parse(str_from_byte(text, every.n), &ns))
        return err_set(err, ERR_INVALID, "no duration: %.*s", STR_ARG(text));
    ret->every_sec = ns < NS_PER_SEC ? 1 : ns / NS_PER_SEC;
    return 0;
}

bool cron_text_names_zone(struct str text) {
    return str_has_prefix(text, S("TZ=")) || str_has_prefix(text, S("CRON_TZ="));
}

int cron_parse(struct str text, struct cron *ret, struct err *err) {
    struct cron c = {0};
    if (cron_text_names_zone(text)) {
        struct str prefix;
        if (!str_split(text, ' ', &prefix, &text))
            return err_set(err, ERR_INVALID, "there is nothing after the time zone");
        struct str name;
        str_split(prefix, '=', &name, &c.zone);
        text = str_trim(text);
    }
    if (str_empty(text))
        return err_set(err, ERR_INVALID, "the schedule is empty");
    int rc = text.p[0] == '@' ? read_descriptor(text, &c, err) : read_fields(text, &c, err);
    if (rc == 0)
        *ret = c;
    return rc;
}

/* ---- times ---- */

static bool day_matches(const struct cron *c, const struct civil *t) {
    bool day = c->days >> t->day & 1, weekday = c->weekdays >> t->weekday & 1;
    return c->any_day || c->any_weekday ? day && weekday : day || weekday;
}

/* Midnight of the day `days` after t, or of the first of the next month. */
static int64_t later_midnight(const struct time_zone *zone, const struct civil *t, bool next_month) {
    int64_t day = days_from_civil(t->year, t->month, t->day) + 1;
    if (next_month)
        day = days_from_civil(t->year, t->month, 1) + days_in_month(t->year, t->month);
    return time_zone_moment(zone, day * 86400);
}

/* Steps over what cannot match, the largest unit first, as local time; each step leads forward. */
bool cron_next(const struct cron *c, const struct time_zone *zone, int64_t sec, int64_t *ret_sec) {
    if (c->every_sec) {
        *ret_sec = sec + c->every_sec;
        return true;
    }
    if (!c->minutes || !c->hours || !c->months) /* lists of nothing but commas */
        return false;
    int64_t t = sec + 1, last_year = time_to_civil(sec + time_zone_offset(zone, sec)).year + YEARS_MAX;
    for (;;) {
        struct civil local = time_to_civil(t + time_zone_offset(zone, t));
        int64_t next;
        if (local.year > last_year)
            return false;
        if (!(c->months >> local.month & 1))
            next = later_midnight(zone, &local, true);
        else if (!day_matches(c, &local))
            next = later_midnight(zone, &local, false);
        else if (!(c->hours >> local.hour & 1))
            next = t + 3600 - local.minute * 60 - local.second;
        else if (!(c->minutes >> local.minute & 1) || local.second != 0)
            next = t + 60 - local.second;
        else
            break;
        t = next > t ? next : t + 60; /* whatever a zone's file says, time goes on */
    }
    *ret_sec = t;
    return true;
}
