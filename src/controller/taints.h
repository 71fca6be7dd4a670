/* taints: which taints of a node a pod bears, and for how long.
 *
 * Pure functions; any thread. CONFORMS: core/v1 ToleratesTaint.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/types/core.h"

bool taint_tolerated_by(const struct core_taint *t, const struct core_toleration *by);
/* The first toleration that bears it, or NULL. */
const struct core_toleration *taint_toleration(const struct core_taint *t,
                                               const struct core_toleration_array *by);
/* Whether every taint with this effect (and, when the second is not empty, that one) is tolerated. */
bool taints_tolerated(const struct core_taint_array *taints, const struct core_toleration_array *by,
                      struct str effect, struct str or_effect);
const struct core_taint *taint_find(const struct core_taint_array *taints, struct str key, struct str effect);

/* How long a pod with these tolerations may stay with the NoExecute taints: < 0 for ever, 0 not at all, else
 * nanoseconds from the moment it began. CONFORMS: the smallest tolerationSeconds counts. */
int64_t taints_stay_ns(const struct core_taint_array *taints, const struct core_toleration_array *by);
