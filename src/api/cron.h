/* api/cron: schedules of CronJobs: the five fields of cron, or @daily and its like.
 *
 *     minute hour day-of-month month day-of-week      "0 3 * * mon-fri"
 *
 * A field is a list of numbers, names (months and weekdays, any case), ranges a-b, * or ?, each with an
 * optional /step. Days match when both day fields do, or either when both are restricted. Descriptors:
 * @yearly @annually @monthly @weekly @daily @midnight @hourly, and "@every 1h30m". A prefix "TZ=zone " or
 * "CRON_TZ=zone " names a time zone.
 *
 * A schedule is a plain value that borrows the zone's name from the text. Any thread, nothing is allocated.
 *
 * CONFORMS: the standard parser of the cron library that upstream uses.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct time_zone;

struct cron {
    uint64_t minutes; /* bit per minute */
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; /* the field is a star */
    int64_t every_sec;         /* @every: nothing else counts; 0: none */
    struct str zone;           /* named in the text; absent: none */
};

/* ERR_INVALID, with what is wrong, for texts that are no schedule. */
int cron_parse(struct str text, struct cron *ret, struct err *err);

/* Whether there is a time zone in the text's front. */
bool cron_text_names_zone(struct str text);

/* The first moment after `sec` at which the schedule fires by the local time of the zone (NULL: UTC). False
 * when there is none within five years. A local time that is skipped does not fire; one that occurs twice
 * fires twice. */
bool cron_next(const struct cron *c, const struct time_zone *zone, int64_t sec, int64_t *ret_sec);
