/* Schedules and time zones: the first line is a schedule, the rest the file of a time zone. The next time is
 * later, local to a matching minute; a file is either refused or answers with offsets of sense. */
#include "api/cron.h"
#include "api/time_zone.h"
#include "base/timefmt.h"
#include "fuzz/fuzz.h"

static const int64_t moments[] = {0, 1700000000, -5000000000, 4102444800};

static void fuzz_schedule(const struct cron *c, const struct time_zone *zone, int64_t from) {
    int64_t next;
    if (!cron_next(c, zone, from, &next))
        return;
    must(next > from);
    if (c->every_sec)
        return;
    struct civil local = time_to_civil(next + time_zone_offset(zone, next));
    must(local.second == 0 && (c->minutes >> local.minute & 1) && (c->hours >> local.hour & 1) &&
         (c->months >> local.month & 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct str schedule, file;
    struct cron c;
    struct time_zone *zone = NULL;
    str_split(fuzz_text(data, n), '\n', &schedule, &file);
    bool parsed = cron_parse(schedule, &c, NULL) == 0;
    (void)time_zone_read(file, &zone, NULL);
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        int32_t offset = time_zone_offset(zone, moments[i]);
        must(offset >= -168 * 3600 && offset <= 168 * 3600);
        if (parsed)
            fuzz_schedule(&c, zone, moments[i]);
    }
    time_zone_free(zone);
    return 0;
}
