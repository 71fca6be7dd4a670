/* Points in time of API objects. See time.h. */
#include "api/time.h"

#include "base/err.h"

static int parse(struct str text, enum time_form form, const char *layout, struct timestamp *ret,
                 struct err *err) {
    int64_t sec;
    int32_t nsec;
    if (!time_parse(text, form, &sec, &nsec))
        return err_set(err, ERR_INVALID, "cannot parse \"%.*s\" as a time like %s",
                       STR_ARG(str_cut(text, 64)), layout);
    *ret = (struct timestamp){.sec = sec, .nsec = nsec, .set = true};
    return 0;
}

int timestamp_parse(struct str text, struct timestamp *ret, struct err *err) {
    return parse(text, TIME_SECONDS, "2006-01-02T15:04:05Z07:00", ret, err);
}

int timestamp_parse_micro(struct str text, struct timestamp *ret, struct err *err) {
    return parse(text, TIME_MICRO, "2006-01-02T15:04:05.000000Z07:00", ret, err);
}

static size_t format(struct timestamp t, enum time_form form, char out[TIME_TEXT_SIZE]) {
    if (t.set)
        return time_format(out, t.sec, t.nsec, form);
    out[0] = '\0';
    return 0;
}

size_t timestamp_format(struct timestamp t, char out[TIME_TEXT_SIZE]) {
    return format(t, TIME_SECONDS, out);
}

size_t timestamp_format_micro(struct timestamp t, char out[TIME_TEXT_SIZE]) {
    return format(t, TIME_MICRO, out);
}

struct timestamp timestamp_from_ns(int64_t wall_ns) {
    struct timestamp t = {.set = true};
    time_split_ns(wall_ns, &t.sec, &t.nsec);
    return t;
}

struct timestamp timestamp_from_ns_in_seconds(int64_t wall_ns) {
    struct timestamp t = timestamp_from_ns(wall_ns);
    t.nsec = 0;
    return t;
}

/* sec seconds and nsec nanoseconds, 0 <= nsec < 10⁹, as nanoseconds. Below zero both the whole seconds and
 * their product may lie outside of what their sum is in. */
static int64_t total_ns(int64_t sec, int32_t nsec) {
    int64_t ns;
    if (sec < 0 && nsec > 0) {
        sec++;
        nsec -= (int32_t)NS_PER_SEC;
    }
    if (__builtin_mul_overflow(sec, NS_PER_SEC, &ns) || __builtin_add_overflow(ns, (int64_t)nsec, &ns))
        return sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

int64_t timestamp_to_ns(struct timestamp t) {
    return t.set ? total_ns(t.sec, t.nsec) : 0;
}

struct timestamp timestamp_add(struct timestamp t, int64_t ns) {
    if (!t.set)
        return t;
    struct timestamp d = timestamp_from_ns(ns);
    int64_t carry = 0;
    t.nsec += d.nsec;
    if (t.nsec >= NS_PER_SEC) {
        t.nsec -= (int32_t)NS_PER_SEC;
        carry = 1;
    }
    if (__builtin_add_overflow(t.sec, d.sec + carry, &t.sec))
        t.sec = ns < 0 ? INT64_MIN : INT64_MAX;
    return t;
}

int64_t timestamp_sub(struct timestamp a, struct timestamp b) {
    check(a.set && b.set);
    int64_t sec;
    int32_t nsec = a.nsec - b.nsec;
    if (__builtin_sub_overflow(a.sec, b.sec, &sec) || (nsec < 0 && sec == INT64_MIN))
        return a.sec < b.sec ? INT64_MIN : INT64_MAX;
    if (nsec < 0) {
        sec--;
        nsec += (int32_t)NS_PER_SEC;
    }
    return total_ns(sec, nsec);
}

int timestamp_cmp(struct timestamp a, struct timestamp b) {
    if (!a.set || !b.set)
        return a.set - b.set;
    if (a.sec != b.sec)
        return a.sec < b.sec ? -1 : 1;
    return (a.nsec > b.nsec) - (a.nsec < b.nsec);
}
