/* cronjob_plan: when a cron job runs next, and what to do about the times that passed.
 *
 * Pure functions; any thread. CONFORMS: upstream's cron job controller (version 2).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/types/batch.h"

struct cron;
struct time_zone;

struct cronjob_times {
    bool due;        /* a time has come */
    int64_t due_sec; /* the latest that has */
    uint32_t missed; /* how many times have passed, capped */
    bool has_next;
    int64_t next_sec; /* the next one after now */
};

#define CRONJOB_MISSED_MANY 100u

/* Looks from the last schedule (or the creation) to now, but no further back than the starting deadline. */
struct cronjob_times cronjob_times(const struct batch_cron_job *cj, const struct cron *schedule,
                                   const struct time_zone *zone, int64_t now_sec);
