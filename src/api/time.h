/* api/time: points in time of API objects: their JSON texts and their arithmetic.
 *
 * A thin layer over base/timefmt.h for struct timestamp (api/value.h). Plain values; any thread, nothing is
 * allocated. Sums saturate at the ends of time. What is absent stays absent.
 */
#pragma once

#include "api/value.h"
#include "base/timefmt.h"

struct err;

/* The two kinds of time in the API differ in text only: meta.v1.Time has seconds, MicroTime six decimals. */
int timestamp_parse(struct str text, struct timestamp *ret, struct err *err);
int timestamp_parse_micro(struct str text, struct timestamp *ret, struct err *err);

/* "2006-01-02T15:04:05Z", "2006-01-02T15:04:05.000000Z". Absent gives "". A NUL follows. */
size_t timestamp_format(struct timestamp t, char out[TIME_TEXT_SIZE]);
size_t timestamp_format_micro(struct timestamp t, char out[TIME_TEXT_SIZE]);

/* From and to wall-clock nanoseconds (clock_wall_ns); absent gives 0. */
struct timestamp timestamp_from_ns(int64_t wall_ns);
int64_t timestamp_to_ns(struct timestamp t);

/* The same, without what is below a second: what creationTimestamp and its like hold. */
struct timestamp timestamp_from_ns_in_seconds(int64_t wall_ns);

struct timestamp timestamp_add(struct timestamp t, int64_t ns);

/* a - b in nanoseconds, both set. */
int64_t timestamp_sub(struct timestamp a, struct timestamp b);

/* <0, 0, >0; absent comes first. */
int timestamp_cmp(struct timestamp a, struct timestamp b);

static inline bool timestamp_equal(struct timestamp a, struct timestamp b) {
    return timestamp_cmp(a, b) == 0;
}
