/* controller/cronjob_plan: when a cron job runs next. */
#include "controller/cronjob_plan.h"

#include "api/cron.h"

/* Where to begin to look. */
static int64_t earliest(const struct batch_cron_job *cj, int64_t now_sec) {
    int64_t sec = cj->status.last_schedule_time.set ? cj->status.last_schedule_time.sec
                                                    : cj->metadata.creation_timestamp.sec;
    if (cj->spec.starting_deadline_seconds.set && now_sec - cj->spec.starting_deadline_seconds.v > sec)
        sec = now_sec - cj->spec.starting_deadline_seconds.v;
    return sec;
}

/* The latest time in (from, to], found without stepping through all: first in bounds that double backwards
 * from `to`, so that a schedule of every minute that slept for a year costs little. */
static bool latest_before(const struct cron *c, const struct time_zone *zone, int64_t from, int64_t to,
                          int64_t *ret) {
    for (int64_t back = 60;; back *= 2) {
        int64_t start = to - back < from ? from : to - back, at;
        bool found = false;
        while (cron_next(c, zone, start, &at) && at <= to) {
            found = true;
            *ret = start = at;
        }
        if (found || to - back <= from)
            return found;
    }
}

static uint32_t count_missed(const struct cron *c, const struct time_zone *zone, int64_t from, int64_t to) {
    uint32_t n = 0;
    while (n <= CRONJOB_MISSED_MANY && cron_next(c, zone, from, &from) && from <= to)
        n++;
    return n;
}

struct cronjob_times cronjob_times(const struct batch_cron_job *cj, const struct cron *schedule,
                                   const struct time_zone *zone, int64_t now_sec) {
    struct cronjob_times t = {.due = false};
    int64_t from = earliest(cj, now_sec);
    if (schedule->every_sec) { /* counted from where we look, so never doubled back */
        int64_t passed = now_sec > from ? (now_sec - from) / schedule->every_sec : 0;
        t.due = passed > 0;
        t.due_sec = from + passed * schedule->every_sec;
        t.missed = passed > CRONJOB_MISSED_MANY ? CRONJOB_MISSED_MANY + 1 : (uint32_t)passed;
        t.has_next = true;
        t.next_sec = from + (passed + 1) * schedule->every_sec;
        return t;
    }
    t.due = now_sec > from && latest_before(schedule, zone, from, now_sec, &t.due_sec);
    t.missed = t.due ? count_missed(schedule, zone, from, now_sec) : 0;
    t.has_next = cron_next(schedule, zone, now_sec, &t.next_sec);
    return t;
}
