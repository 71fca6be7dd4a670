/* scheduler/sched_metrics: what the scheduler counts. Inside scheduler/ only, on its thread; readers are
 * elsewhere.
 *
 * CONFORMS: names, labels and buckets of upstream's stable metrics.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "scheduler/framework.h"

struct metrics;
struct pod_queue;
struct sched_metrics;

/* m NULL: everything is counted for nobody. Lives as long as the scheduler. */
struct sched_metrics *sched_metrics_new(struct metrics *m);
void sched_metrics_free(struct sched_metrics *m);

/* The end of a cycle. profile: its place among the scheduler's. */
void sched_metrics_cycle(struct sched_metrics *m, uint32_t profile, struct str name, enum code code,
                         int64_t took_ns);
/* A pod was bound after so many cycles. */
void sched_metrics_bound(struct sched_metrics *m, unsigned attempts);
void sched_metrics_preemption(struct sched_metrics *m, unsigned victims);
void sched_metrics_queue(struct sched_metrics *m, const struct pod_queue *q);
