/* api/convert_scale: the scale subresource: the number of replicas of a workload, seen the same way for all.
 *
 * For deployments, replica sets, stateful sets and replication controllers of the built-in types. Any thread.
 */
#pragma once

#include "api/types/autoscaling.h"

struct arena;
struct err;

/* The scale of a workload; strings are borrowed from it. ERR_UNSUPPORTED for other types, ERR_INVALID when
 * its selector has an operator that does not exist. */
int scale_of(struct arena *a, uint32_t type, const void *object, struct autoscaling_scale *ret_scale,
             struct err *err);

/* The workload with another number of replicas: a new top with the rest shared. ERR_UNSUPPORTED likewise. */
int scale_apply(struct arena *a, uint32_t type, const void *object, int32_t replicas, void **ret_object,
                struct err *err);
