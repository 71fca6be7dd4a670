/* api/time_zone: local time in the zones of the IANA database.
 *
 * A zone is read from the system's compiled files (TZif) and never changes afterwards: any thread may ask.
 * What lies past the file's table follows the rule at its end. "UTC" and "" need no file. Reading blocks, so
 * it is not for a loop's thread.
 *
 * CONFORMS: RFC 9636; names as Go's time.LoadLocation takes them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct time_zone;

/* ERR_NOT_FOUND: no such zone; ERR_INVALID: the file is damaged. "Local" is no zone. Free with
 * time_zone_free. */
int time_zone_load(struct str name, struct time_zone **ret, struct err *err);

/* From the content of a TZif file; nothing of it is kept. */
int time_zone_read(struct str tzif, struct time_zone **ret, struct err *err);
void time_zone_free(struct time_zone *z);

/* Seconds that local time is ahead of UTC at a moment. NULL is UTC. */
int32_t time_zone_offset(const struct time_zone *z, int64_t sec);

/* The first moment whose local time is, or is past, the given local seconds (as time_from_civil counts
 * them): of a time that occurs twice the first, of one that is skipped the moment of the change. */
int64_t time_zone_moment(const struct time_zone *z, int64_t local_sec);
