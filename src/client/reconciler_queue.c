/* The keys of a reconciler: waiting, running, coming back later. See reconciler_priv.h.
 *
 *     add ──▶ queued ──take──▶ running ──done──▶ gone, queued (came in meanwhile), or delayed (failed,
 * requeue)
 *
 * A queued key whose writes the informers do not show yet is parked instead of taken, until an event of
 * theirs.
 *
 * A key has one entry whatever it does; equal keys that wait are one. The reconciler's lock is held.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "base/rand.h"
#include "base/timefmt.h"
#include "client/reconciler_priv.h"

#define RETRY_JITTER 0.1
#define RETRY_DOUBLINGS_MAX 40u
#define PARKED_NS NS_PER_SEC           /* looked at again without an event */
#define AWAIT_MOST_NS (5 * NS_PER_MIN) /* then it runs all the same */

static int64_t now_ns(const struct reconciler *rc) {
    return clock_mono_ns(loop_clock(rc->options.loop));
}

static double seconds(int64_t ns) {
    return (double)ns / (double)NS_PER_SEC;
}

/* -- metrics -- */

void queue_metrics_init(struct reconciler *rc) {
    struct metrics *m = rc->options.metrics;
    struct str name = str_from(rc->name);
    double buckets[10];
    metric_buckets_exponential(buckets, 10, 1e-8, 10);
#define DESC(name_, help_)                                                                                   \
    (&(struct metric_desc){.name = (name_), .help = (help_), .labels = {"name"}, .shared = true})
#define TIMES(name_, help_)                                                                                  \
    (&(struct metric_desc){.name = (name_),                                                                  \
                           .help = (help_),                                                                  \
                           .labels = {"name"},                                                               \
                           .shared = true,                                                                   \
                           .buckets = buckets,                                                               \
                           .n_buckets = 10})
    rc->metrics = (struct queue_metrics){
        .adds =
            counter_with(metrics_counter(m, DESC("workqueue_adds_total", "Keys added to the queue.")), name),
        .retries = counter_with(
            metrics_counter(m, DESC("workqueue_retries_total", "Keys that came back after a failure.")),
            name),
        .depth = gauge_with(metrics_gauge(m, DESC("workqueue_depth", "Keys that wait in the queue.")), name),
        .unfinished =
            gauge_with(metrics_gauge(m, DESC("workqueue_unfinished_work_seconds",
                                             "Sum of the time that present runs have taken by now.")),
                       name),
        .longest = gauge_with(metrics_gauge(m, DESC("workqueue_longest_running_processor_seconds",
                                                    "Time that the longest present run has taken by now.")),
                              name),
        .wait = histogram_with(metrics_histogram(m, TIMES("workqueue_queue_duration_seconds",
                                                          "Time that a key waits in the queue.")),
                               name),
        .work = histogram_with(
            metrics_histogram(m, TIMES("workqueue_work_duration_seconds", "Time that a run takes.")), name),
    };
#undef DESC
#undef TIMES
    rc->has_metrics = true;
}

void queue_metrics_running(struct reconciler *rc) {
    int64_t now = now_ns(rc), sum = 0, longest = 0;
    for (unsigned i = 0; i < rc->options.concurrency; i++) {
        int64_t takes = rc->slots[i].runs ? now - rc->slots[i].runs->started_ns : 0;
        sum += takes;
        longest = takes > longest ? takes : longest;
    }
    gauge_set(rc->metrics.unfinished, seconds(sum));
    gauge_set(rc->metrics.longest, seconds(longest));
}

/* -- entries -- */

static struct rkey *rkey_of(struct timer *t) {
    return (struct rkey *)((char *)t - offsetof(struct rkey, timer));
}

static void push(struct reconciler *rc, struct rkey *k) {
    k->queued = true;
    k->queued_ns = now_ns(rc);
    k->next = NULL;
    *(rc->first ? &rc->last->next : &rc->first) = k;
    rc->last = k;
    rc->n_queued++;
    if (rc->has_metrics) {
        counter_inc(rc->metrics.adds);
        gauge_set(rc->metrics.depth, (double)rc->n_queued);
    }
}

/* An entry that does nothing and has nothing to remember goes. */
static void release(struct reconciler *rc, struct rkey *k) {
    if (k->queued || k->running || k->failures || k->writes || timer_running(&k->timer))
        return;
    (void)map_take(&rc->keys, k->key);
    free(k);
}

static void add(struct reconciler *rc, struct rkey *k) {
    if (k->running)
        k->again = true;
    else if (!k->queued)
        push(rc, k);
}

static void on_due(struct timer *t) {
    struct rkey *k = rkey_of(t);
    k->backoff = false;
    add(k->rc, k);
}

static struct rkey *entry(struct reconciler *rc, struct str key) {
    struct rkey *k = map_get(&rc->keys, key);
    if (k)
        return k;
    k = calloc(1, sizeof *k + key.n);
    if (!k)
        panic("out of memory");
    k->rc = rc;
    k->timer.fire = on_due;
    if (key.n)
        memcpy(k->bytes, key.p, key.n);
    k->key = str_make(k->bytes, key.n);
    (void)map_put(&rc->keys, k->key, k);
    return k;
}

/* Of two times the earlier one counts. */
static void delay(struct reconciler *rc, struct rkey *k, int64_t after_ns) {
    int64_t due;
    if (__builtin_add_overflow(now_ns(rc), after_ns, &due))
        due = INT64_MAX - 1;
    if (timer_running(&k->timer) && k->timer.due_ns <= due)
        return;
    timers_start(&rc->delays, &k->timer, due);
    reconciler_arm(rc);
}

void queue_add(struct reconciler *rc, struct str key) {
    add(rc, entry(rc, key));
}

void queue_add_after(struct reconciler *rc, struct str key, int64_t after_ns) {
    if (after_ns <= 0)
        queue_add(rc, key);
    else
        delay(rc, entry(rc, key), after_ns);
}

/* -- writes that do not show yet -- */

static void forget_writes(struct reconciler *rc, struct rkey *k) {
    for (size_t i = 0; k->writes && i < rc->awaiting.n; i++)
        if (rc->awaiting.v[i] == k) {
            rc->awaiting.v[i] = rc->awaiting.v[--rc->awaiting.n];
            break;
        }
    writes_free(k->writes);
    k->writes = NULL;
}

/* Those whose outcome is not known are asked for by the run itself. */
static bool must_wait(struct reconciler *rc, struct rkey *k) {
    if (!k->writes || writes_unknown(k->writes))
        return false;
    if (!writes_shown(k->writes) && now_ns(rc) - k->written_ns < AWAIT_MOST_NS)
        return true;
    forget_writes(rc, k);
    return false;
}

void queue_await(struct reconciler *rc, struct rkey *k, struct writes *writes) {
    forget_writes(rc, k);
    if (!writes)
        return;
    k->writes = writes;
    k->written_ns = now_ns(rc);
    vec_push(&rc->awaiting, k);
    if (!writes_unknown(writes) && writes_shown(writes))
        forget_writes(rc, k);
}

void queue_look_again(struct reconciler *rc) {
    for (size_t i = rc->awaiting.n; i-- > 0;) {
        struct rkey *k = rc->awaiting.v[i];
        if (k->running || k->queued || must_wait(rc, k))
            continue;
        if (k->parked)
            add(rc, k);
        else if (!k->writes)
            release(rc, k);
    }
}

/* -- running -- */

static struct rkey *pop(struct reconciler *rc) {
    struct rkey *k = rc->first;
    rc->first = k->next;
    rc->n_queued--;
    k->queued = false;
    return k;
}

struct rkey *queue_take(struct reconciler *rc) {
    struct rkey *k = NULL;
    while (rc->first && !k) {
        k = pop(rc);
        k->parked = must_wait(rc, k);
        if (!k->parked)
            break;
        delay(rc, k, PARKED_NS);
        k = NULL;
    }
    if (!k)
        return NULL;
    rc->n_running++;
    k->running = true;
    k->again = false;
    k->started_ns = now_ns(rc);
    if (rc->has_metrics) {
        gauge_set(rc->metrics.depth, (double)rc->n_queued);
        histogram_observe(rc->metrics.wait, seconds(k->started_ns - k->queued_ns));
    }
    return k;
}

static int64_t backoff_ns(const struct reconciler *rc, unsigned failures) {
    int64_t ns = rc->options.retry_min_ns, most = rc->options.retry_max_ns;
    for (unsigned i = 1; i < failures && i < RETRY_DOUBLINGS_MAX && ns < most; i++)
        ns *= 2;
    return rand_jitter(client_rand(rc->options.client), ns < most ? ns : most, RETRY_JITTER);
}

/* What it wrote may be undone by others before any event tells of it, and then none does: it runs once more
 * when that shows. */
static void owe(struct reconciler *rc, struct rkey *k) {
    k->parked = true;
    delay(rc, k, PARKED_NS);
}

void queue_done(struct reconciler *rc, struct rkey *k, bool failed, int64_t requeue_ns) {
    k->running = false;
    rc->n_running--;
    if (rc->has_metrics)
        histogram_observe(rc->metrics.work, seconds(now_ns(rc) - k->started_ns));
    if (!failed) {
        k->failures = 0;
        if (k->backoff)
            timers_stop(&rc->delays, &k->timer);
        k->backoff = false;
    }
    if (rc->stopping) {
        release(rc, k);
        return;
    }
    if (failed) {
        k->failures++;
        k->backoff = !timer_running(&k->timer);
        if (rc->has_metrics)
            counter_inc(rc->metrics.retries);
        delay(rc, k, backoff_ns(rc, k->failures));
    }
    if (requeue_ns > 0)
        delay(rc, k, requeue_ns);
    if (k->again)
        push(rc, k);
    else if (k->writes)
        owe(rc, k);
    release(rc, k);
}

void queue_put_back(struct reconciler *rc, struct rkey *k) {
    k->running = false;
    rc->n_running--;
    if (rc->stopping)
        release(rc, k);
    else
        add(rc, k);
}

int64_t queue_due(struct reconciler *rc) {
    (void)timers_run(&rc->delays, now_ns(rc));
    return timers_next_ns(&rc->delays);
}

void queue_fini(struct reconciler *rc) {
    timers_fini(&rc->delays); /* looks at the keys' timers */
    map_foreach(e, &rc->keys) {
        struct rkey *k = e->value;
        writes_free(k->writes);
        free(k);
    }
    vec_fini(&rc->awaiting);
    map_fini(&rc->keys);
}
