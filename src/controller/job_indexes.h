/* job_indexes: sets of completion indexes as job statuses write them: "1,3-5,7".
 *
 * Sorted ranges in an arena; they never change. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct index_range {
    int32_t first, last; /* both included */
};

struct index_set {
    const struct index_range *v;
    uint32_t n;
};

/* What is malformed or not below `end` is left out, as upstream does. */
struct index_set indexes_parse(struct arena *a, struct str text, int32_t end);
struct str indexes_format(struct arena *a, const struct index_set *s);
bool indexes_has(const struct index_set *s, int32_t index);
int64_t indexes_count(const struct index_set *s);
/* The set and these, in any order, some perhaps twice; sorts them in place. */
struct index_set indexes_with(struct arena *a, const struct index_set *s, int32_t *more, size_t n);
/* How many are in both. */
int64_t indexes_common(const struct index_set *x, const struct index_set *y);
