/* TZif files and POSIX rules. See time_zone.h. */
#include "api/time_zone.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/timefmt.h"

#define ZONE_DIR "/usr/share/zoneinfo/"
#define ZONE_NAME_MAX 255
#define ZONE_FILE_MAX (64u * 1024)
#define TZIF_HEADER 44
#define SEC_PER_DAY 86400

/* A yearly change: the day, and the second of it in the local time before. */
struct change {
    char form; /* 'J': day 1…365 without leap days; 'N': day 0…365; 'M': month.week.weekday */
    int month, week, day;
    int32_t second;
};

struct rule {
    int32_t offset; /* standard time */
    int32_t summer_offset;
    struct change begin, end; /* of summer time */
    bool has_summer;
};

struct time_zone {
    struct arena arena;
    int64_t *moments; /* ascending */
    int32_t *offsets; /* from moments[i] on */
    uint32_t n;
    int32_t first_offset; /* before moments[0] */
    bool has_rule;        /* from the last moment on */
    struct rule rule;
};

/* ---- rules: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

static bool take_number(struct str *s, int max, int *ret) {
    int n = 0;
    size_t i = 0;
    for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
        n = n * 10 + (s->p[i] - '0');
        if (n > max)
            return false;
    }
    *s = str_from_byte(*s, i);
    *ret = n;
    return i > 0;
}

static bool take_byte(struct str *s, char c) {
    if (str_empty(*s) || s->p[0] != c)
        return false;
    *s = str_from_byte(*s, 1);
    return true;
}

/* hh[:mm[:ss]], with a sign; the hours may go beyond a day in rules. */
static bool take_time(struct str *s, int32_t *ret) {
    int sign = take_byte(s, '-') ? -1 : 1;
    if (sign > 0)
        (void)take_byte(s, '+');
    int hour, minute = 0, second = 0;
    if (!take_number(s, 167, &hour))
        return false;
    if (take_byte(s, ':') && !take_number(s, 59, &minute))
        return false;
    if (take_byte(s, ':') && !take_number(s, 59, &second))
        return false;
    *ret = sign * (hour * 3600 + minute * 60 + second);
    return true;
}

/* The name of a time: letters, or anything in <>. */
static bool take_name(struct str *s) {
    size_t i = 0;
    if (take_byte(s, '<')) {
        ptrdiff_t end = str_find_byte(*s, '>');
        if (end < 0)
            return false;
        *s = str_from_byte(*s, (size_t)end + 1);
        return true;
    }
    while (i < s->n && ((s->p[i] | 0x20) >= 'a' && (s->p[i] | 0x20) <= 'z'))
        i++;
    *s = str_from_byte(*s, i);
    return i >= 3;
}

static bool take_change(struct str *s, struct change *ret) {
    *ret = (struct change){.form = 'N', .second = 7200};
    if (!take_byte(s, ','))
        return false;
    bool fine;
    if (take_byte(s, 'M')) {
        ret->form = 'M';
        fine = take_number(s, 12, &ret->month) && take_byte(s, '.') && take_number(s, 5, &ret->week) &&
               take_byte(s, '.') && take_number(s, 6, &ret->day) && ret->month > 0 && ret->week > 0;
    } else {
        if (take_byte(s, 'J'))
            ret->form = 'J';
        fine = take_number(s, 365, &ret->day) && (ret->form == 'N' || ret->day > 0);
    }
    return fine && (!take_byte(s, '/') || take_time(s, &ret->second));
}

static bool read_rule(struct str s, struct rule *ret) {
    int32_t west;
    if (!take_name(&s) || !take_time(&s, &west))
        return false;
    *ret = (struct rule){.offset = -west};
    if (str_empty(s))
        return true;
    ret->has_summer = true;
    ret->summer_offset = ret->offset + 3600;
    if (!take_name(&s))
        return false;
    if (!str_empty(s) && s.p[0] != ',') {
        if (!take_time(&s, &west))
            return false;
        ret->summer_offset = -west;
    }
    return take_change(&s, &ret->begin) && take_change(&s, &ret->end) && str_empty(s);
}

/* The moment of a change in a year, in seconds of the local time before it. */
static int64_t change_in(const struct change *c, int64_t year) {
    int64_t first = days_from_civil(year, 1, 1), day = first + c->day;
    if (c->form == 'J') {
        bool leap = days_in_month(year, 2) == 29;
        day = first + c->day - 1 + (leap && c->day >= 60);
    } else if (c->form == 'M') {
        int64_t month = days_from_civil(year, c->month, 1);
        int weekday = (int)(((month + 4) % 7 + 7) % 7);
        int64_t in_month = (c->day - weekday + 7) % 7 + (c->week - 1) * 7;
        while (in_month >= days_in_month(year, c->month))
            in_month -= 7;
        day = month + in_month;
    }
    return day * SEC_PER_DAY + c->second;
}

static int32_t rule_offset(const struct rule *r, int64_t sec) {
    if (!r->has_summer)
        return r->offset;
    int64_t year = time_to_civil(sec + r->offset).year;
    int64_t begin = change_in(&r->begin, year) - r->offset;
    int64_t end = change_in(&r->end, year) - r->summer_offset;
    bool summer = begin < end ? sec >= begin && sec < end : sec >= begin || sec < end;
    return summer ? r->summer_offset : r->offset;
}

/* ---- files ---- */

static uint32_t be32(const char *p) {
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t be64(const char *p) {
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* The counts of one block of a file. */
struct tzif_block {
    uint32_t ut, std, leap, times, types, chars;
};

static bool read_header(struct str s, struct tzif_block *ret) {
    if (s.n < TZIF_HEADER || !str_has_prefix(s, S("TZif")))
        return false;
    *ret = (struct tzif_block){
        .ut = be32(s.p + 20),
        .std = be32(s.p + 24),
        .leap = be32(s.p + 28),
        .times = be32(s.p + 32),
        .types = be32(s.p + 36),
        .chars = be32(s.p + 40),
    };
    const uint32_t max = ZONE_FILE_MAX;
    return ret->ut <= max && ret->std <= max && ret->leap <= max && ret->times <= max && ret->types <= 256 &&
           ret->types > 0 && ret->chars <= max;
}

static size_t block_bytes(const struct tzif_block *b, size_t time_bytes) {
    return b->times * (time_bytes + 1) + b->types * 6 + b->chars + b->leap * (time_bytes + 4) + b->std +
           b->ut;
}

/* The table of the 64-bit block that begins at s. */
static bool read_table(struct time_zone *z, struct str s, const struct tzif_block *b) {
    const char *indexes = s.p + b->times * 8, *types = indexes + b->times;
    z->n = b->times;
    z->moments = arena_new_n(&z->arena, b->times + 1, int64_t);
    z->offsets = arena_new_n(&z->arena, b->times + 1, int32_t);
    z->first_offset = (int32_t)be32(types);
    for (uint32_t i = 0; i < b->times; i++) {
        uint8_t type = (uint8_t)indexes[i];
        z->moments[i] = be64(s.p + i * 8);
        if (type >= b->types || (i > 0 && z->moments[i] <= z->moments[i - 1]))
            return false;
        z->offsets[i] = (int32_t)be32(types + type * 6);
    }
    for (uint32_t i = 0; i < b->types; i++) {
        int32_t offset = (int32_t)be32(types + i * 6);
        if (offset < -SEC_PER_DAY || offset > SEC_PER_DAY)
            return false;
    }
    return true;
}

static bool read_tzif(struct time_zone *z, struct str s) {
    struct tzif_block b;
    if (!read_header(s, &b) || s.p[4] < '2')
        return false;
    s = str_from_byte(s, TZIF_HEADER + block_bytes(&b, 4));
    if (!read_header(s, &b) || s.n < TZIF_HEADER + block_bytes(&b, 8))
        return false;
    s = str_from_byte(s, TZIF_HEADER);
    if (!read_table(z, s, &b))
        return false;
    struct str footer = str_trim(str_from_byte(s, block_bytes(&b, 8)));
    z->has_rule = !str_empty(footer);
    return !z->has_rule || read_rule(footer, &z->rule);
}

/* UTC. */
static struct time_zone *zone_new(void) {
    struct time_zone *z = calloc(1, sizeof *z);
    check(z);
    z->arena = (struct arena)ARENA_INIT;
    return z;
}

int time_zone_read(struct str tzif, struct time_zone **ret, struct err *err) {
    struct time_zone *z = zone_new();
    if (tzif.n > ZONE_FILE_MAX || !read_tzif(z, tzif)) {
        time_zone_free(z);
        return err_set(err, ERR_INVALID, "damaged time zone file");
    }
    *ret = z;
    return 0;
}

void time_zone_free(struct time_zone *z) {
    if (!z)
        return;
    arena_fini(&z->arena);
    free(z);
}

/* Names that stay inside the database's folder. */
static bool is_zone_name(struct str name) {
    return name.n <= ZONE_NAME_MAX && name.p[0] != '/' && name.p[0] != '\\' && str_find(name, S("..")) < 0 &&
           str_find_byte(name, '\0') < 0 && !str_eq(name, S("Local"));
}

int time_zone_load(struct str name, struct time_zone **ret, struct err *err) {
    if (str_empty(name) || str_eq(name, S("UTC"))) {
        *ret = zone_new();
        return 0;
    }
    if (!is_zone_name(name))
        return err_set(err, ERR_NOT_FOUND, "unknown time zone");
    char path[sizeof ZONE_DIR + ZONE_NAME_MAX];
    memcpy(path, ZONE_DIR, sizeof ZONE_DIR - 1);
    memcpy(path + sizeof ZONE_DIR - 1, name.p, name.n);
    path[sizeof ZONE_DIR - 1 + name.n] = '\0';
    _cleanup_buf struct buf file = BUF_INIT;
    if (file_read(path, ZONE_FILE_MAX, &file, err) != 0)
        return err_set(err, ERR_NOT_FOUND, "unknown time zone");
    return time_zone_read(buf_view(&file), ret, err);
}

/* ---- questions ---- */

int32_t time_zone_offset(const struct time_zone *z, int64_t sec) {
    if (!z)
        return 0;
    if (z->n == 0 || sec >= z->moments[z->n - 1]) {
        if (z->has_rule)
            return rule_offset(&z->rule, sec);
        return z->n ? z->offsets[z->n - 1] : z->first_offset;
    }
    uint32_t low = 0, high = z->n; /* the first moment past sec */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (z->moments[mid] <= sec)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? z->offsets[low - 1] : z->first_offset;
}

int64_t time_zone_moment(const struct time_zone *z, int64_t local_sec) {
    int32_t before = time_zone_offset(z, local_sec - SEC_PER_DAY - SEC_PER_DAY / 2);
    int32_t after = time_zone_offset(z, local_sec + SEC_PER_DAY + SEC_PER_DAY / 2);
    int64_t earlier = local_sec - before, later = local_sec - after;
    if (time_zone_offset(z, earlier) == before || time_zone_offset(z, later) != after)
        return earlier;
    return later;
}
