/* scheduler/pod_queue: pods that wait to be scheduled.
 *
 * Active ones lie in a heap in the order of the QueueSort plugin. A pod that was rejected is parked as
 * unschedulable until an event comes that a plugin which rejected it cares about; then it goes back, after a
 * backoff of 1 s that doubles with each rejection up to 10 s. What has been parked for five minutes is tried
 * again in any case. A pod whose cycle ended in an error waits for its backoff alone.
 *
 * When no pod is active, those in backoff that were rejected (not failed by an error) go before their time.
 * CONFORMS: scheduler.tsv queue. The scheduler's thread only; pods belong to the scheduler.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "scheduler/framework.h"
#include "scheduler/pod.h"

struct clock;

#define QUEUE_PARKED_MAX_NS (300 * INT64_C(1000000000))

struct pod_queue {
    const struct clock *clock;
    struct scheduler *s; /* for hints; may be NULL */
    int64_t backoff_min_ns, backoff_max_ns;
    bool (*before)(const struct sched_pod *a, const struct sched_pod *b);
    VEC(struct sched_pod *) active;        /* heap */
    VEC(struct sched_pod *) backoff;       /* heap by ready_ns */
    VEC(struct sched_pod *) unschedulable; /* no order */
    VEC(struct sched_pod *) gated;         /* no order */
    uint64_t moves;                        /* events that may have moved pods */
};

void pod_queue_init(struct pod_queue *q, const struct clock *clock, struct scheduler *s);
void pod_queue_fini(struct pod_queue *q);

/* A pod that is in no queue: active, or gated when a PreEnqueue plugin says so. */
void pod_queue_add(struct pod_queue *q, struct sched_pod *p);
/* Out of whichever queue it is in; fine when it is in none. */
void pod_queue_remove(struct pod_queue *q, struct sched_pod *p);
/* A pod that was taken out because it was changed comes back; `was`: where it was. One that could not be
 * placed is looked at again after its backoff. */
void pod_queue_return(struct pod_queue *q, struct sched_pod *p, enum pod_state was);

/* The next to be scheduled, now in state POD_CYCLING, or NULL. */
struct sched_pod *pod_queue_pop(struct pod_queue *q);

/* After a cycle: rejected_by is set. */
void pod_queue_park(struct pod_queue *q, struct sched_pod *p);
/* After a cycle, or a binding, that ended in an error. */
void pod_queue_retry(struct pod_queue *q, struct sched_pod *p);

/* Something happened in the cluster. Returns how many pods it moved. */
size_t pod_queue_move(struct pod_queue *q, const struct sched_event *e);

/* What is due: backoffs that are over, pods parked for too long. Returns when to call again, INT64_MAX:
 * nothing waits for time. */
int64_t pod_queue_flush(struct pod_queue *q);

static inline bool pod_queue_has_active(const struct pod_queue *q) {
    return q->active.n > 0;
}
size_t pod_queue_waiting(const struct pod_queue *q);
