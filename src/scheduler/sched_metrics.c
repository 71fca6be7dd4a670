/* Metrics of the scheduler. See sched_metrics.h. */
#include "scheduler/sched_metrics.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/metrics.h"
#include "base/timefmt.h"
#include "scheduler/scheduler_priv.h"

enum result { SCHEDULED, UNSCHEDULABLE, FAILED, RESULTS };

static const struct str results[RESULTS] = {STR_INIT("scheduled"), STR_INIT("unschedulable"),
                                            STR_INIT("error")};

/* Of one profile; handles are looked up once. */
struct profile_series {
    struct counter *attempts[RESULTS];
    struct histogram *durations[RESULTS];
};

enum queue_name { ACTIVE, BACKOFF, UNSCHEDULED, GATED, QUEUES };

struct sched_metrics {
    struct metrics *own; /* of nobody's */
    struct counter_vec *attempts;
    struct histogram_vec *durations;
    struct profile_series profiles[PROFILES_MAX];
    struct histogram *pod_attempts, *victims;
    struct counter *preemptions;
    struct gauge *pending[QUEUES];
};

/* Buckets that double. */
static struct histogram_vec *doubling(struct metrics *m, const char *name, const char *help, double from,
                                      size_t n, const char *label, const char *label2) {
    double bounds[METRIC_BUCKETS_MAX];
    metric_buckets_exponential(bounds, n, from, 2);
    return metrics_histogram(
        m, &(struct metric_desc){
               .name = name, .help = help, .labels = {label, label2}, .buckets = bounds, .n_buckets = n});
}

static void make_pending(struct sched_metrics *x, struct metrics *m) {
    static const struct str names[QUEUES] = {STR_INIT("active"), STR_INIT("backoff"),
                                             STR_INIT("unschedulable"), STR_INIT("gated")};
    struct gauge_vec *v =
        metrics_gauge(m, &(struct metric_desc){.name = "scheduler_pending_pods",
                                               .help = "Pods that wait for a node, by queue.",
                                               .labels = {"queue"}});
    for (int i = 0; i < QUEUES; i++)
        x->pending[i] = gauge_series(v, &names[i], 1);
}

struct sched_metrics *sched_metrics_new(struct metrics *m) {
    struct sched_metrics *x = calloc(1, sizeof *x);
    if (!x)
        panic("out of memory");
    x->own = m ? NULL : metrics_new();
    m = m ? m : x->own;
    x->attempts =
        metrics_counter(m, &(struct metric_desc){.name = "scheduler_schedule_attempts_total",
                                                 .help = "Attempts to find a node, by how they ended.",
                                                 .labels = {"profile", "result"}});
    x->durations = doubling(m, "scheduler_scheduling_attempt_duration_seconds",
                            "How long choosing a node took.", 0.001, 15, "profile", "result");
    x->pod_attempts = histogram_series(doubling(m, "scheduler_pod_scheduling_attempts",
                                                "Attempts until a pod had a node.", 1, 5, NULL, NULL),
                                       NULL, 0);
    x->victims =
        histogram_series(doubling(m, "scheduler_preemption_victims",
                                  "Pods that had to make room, of each preemption.", 1, 7, NULL, NULL),
                         NULL, 0);
    x->preemptions =
        counter_series(metrics_counter(m, &(struct metric_desc){.name = "scheduler_preemption_attempts_total",
                                                                .help = "Attempts to make room for a pod."}),
                       NULL, 0);
    make_pending(x, m);
    return x;
}

void sched_metrics_free(struct sched_metrics *m) {
    if (!m)
        return;
    metrics_free(m->own);
    free(m);
}

static enum result result_of(enum code code) {
    return code == CODE_SUCCESS ? SCHEDULED : code == CODE_ERROR ? FAILED : UNSCHEDULABLE;
}

void sched_metrics_cycle(struct sched_metrics *m, uint32_t profile, struct str name, enum code code,
                         int64_t took_ns) {
    enum result r = result_of(code);
    struct profile_series *s = &m->profiles[profile];
    if (!s->attempts[r]) {
        struct str labels[] = {name, results[r]};
        s->attempts[r] = counter_series(m->attempts, labels, 2);
        s->durations[r] = histogram_series(m->durations, labels, 2);
    }
    counter_inc(s->attempts[r]);
    histogram_observe(s->durations[r], (double)took_ns / NS_PER_SEC);
}

void sched_metrics_bound(struct sched_metrics *m, unsigned attempts) {
    histogram_observe(m->pod_attempts, attempts);
}

void sched_metrics_preemption(struct sched_metrics *m, unsigned victims) {
    counter_inc(m->preemptions);
    if (victims)
        histogram_observe(m->victims, victims);
}

void sched_metrics_queue(struct sched_metrics *m, const struct pod_queue *q) {
    gauge_set(m->pending[ACTIVE], (double)q->active.n);
    gauge_set(m->pending[BACKOFF], (double)q->backoff.n);
    gauge_set(m->pending[UNSCHEDULED], (double)q->unschedulable.n);
    gauge_set(m->pending[GATED], (double)q->gated.n);
}
