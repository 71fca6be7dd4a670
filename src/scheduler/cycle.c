/* scheduler/cycle: one pod after another gets its node chosen.
 *
 * A cycle is one stretch of work on the scheduler's thread: nothing changes while it runs. It ends with the
 * pod assumed onto a node, or with the pod back in the queue.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/timefmt.h"
#include "scheduler/scheduler_priv.h"

#define CYCLES_PER_TURN 32u
#define NODES_ALL_BELOW 100u
#define PERCENT_MIN 5u

/* -- candidates -- */

/* How many nodes that pass are enough. CONFORMS: scheduler.tsv search size. */
static size_t enough_nodes(const struct cycle *c, size_t n) {
    if (n < NODES_ALL_BELOW)
        return n;
    size_t percent = (size_t)c->profile->percentage_of_nodes;
    if (percent == 0) {
        percent = n / 125 < 50 ? 50 - n / 125 : 0;
        percent = percent > PERCENT_MIN ? percent : PERCENT_MIN;
    }
    if (percent >= 100)
        return n;
    size_t wanted = n * percent / 100;
    return wanted > NODES_ALL_BELOW ? wanted : NODES_ALL_BELOW;
}

static void try_node(struct cycle *c, struct sched_node *n) {
    enum code code = run_filters_with_nominated(c, n);
    c->codes[n->index] = (uint8_t)code;
    if (code == CODE_SUCCESS)
        c->feasible[c->n_feasible++] = n;
}

static void scan(struct cycle *c, struct sched_node *const *order, size_t n) {
    size_t enough = enough_nodes(c, n), start = c->s->next_start % n, tried = 0;
    while (tried < n && c->n_feasible < enough)
        try_node(c, order[(start + tried++) % n]);
    c->s->next_start = (start + tried) % n;
}

/* Only the nodes that PreFilter named; the others are counted together. */
static void scan_named(struct cycle *c, size_t n) {
    size_t tried = 0;
    memset(c->codes, CODE_UNRESOLVABLE, c->nodes->v.n);
    for (uint32_t i = 0; i < c->n_only; i++) {
        struct sched_node *node = nodes_find(c->nodes, c->only[i]);
        if (!node || !node->object)
            continue;
        try_node(c, node);
        tried++;
    }
    c->rejected_by |= UINT64_C(1) << c->only_by;
    for (size_t i = tried; i < n && !c->n_feasible; i++)
        cycle_reason(c, "node(s) didn't satisfy plugin(s) [%s]", c->profile->plugins[c->only_by].ops->name);
}

/* A node that was made room on goes first, and is taken when it will do. */
static bool take_nominated(struct cycle *c) {
    struct sched_node *n = c->pod->nominated;
    if (!n || !n->object)
        return false;
    c->quiet = true;
    bool fits = run_filters_with_nominated(c, n) == CODE_SUCCESS;
    c->quiet = false;
    if (fits)
        c->feasible[c->n_feasible++] = n;
    return fits;
}

/* -- choosing -- */

static struct sched_node *best_of(struct cycle *c) {
    uint32_t best = 0, ties = 1;
    for (uint32_t i = 1; i < c->n_feasible; i++) {
        if (c->scores[i] > c->scores[best]) {
            best = i;
            ties = 1;
        } else if (c->scores[i] == c->scores[best] && rand_below(c->s->rand, ++ties) == 0) {
            best = i;
        }
    }
    return c->feasible[best];
}

static enum code choose(struct cycle *c, struct sched_node **ret) {
    if (c->n_feasible == 1) {
        *ret = c->feasible[0];
        return CODE_SUCCESS;
    }
    enum code code = run_scores(c);
    if (code == CODE_SUCCESS)
        *ret = best_of(c);
    return code;
}

static enum code find_node(struct cycle *c, struct sched_node **ret) {
    struct sched_node *const *order;
    size_t n = nodes_order(c->nodes, &order);
    if (!n)
        return CODE_UNSCHEDULABLE;
    enum code code = run_pre_filter(c);
    if (code != CODE_SUCCESS) {
        memset(c->codes, code, c->nodes->v.n);
        return code;
    }
    c->filters_ran = true;
    if (!take_nominated(c)) {
        if (c->only)
            scan_named(c, n);
        else
            scan(c, order, n);
    }
    return c->n_feasible ? choose(c, ret) : CODE_UNSCHEDULABLE;
}

/* -- the cycle -- */

static void after_no_node(struct cycle *c) {
    struct sched_node *nominated = c->pod->nominated;
    for (uint32_t i = 0; i < c->profile->n_plugins && c->nodes->order.n; i++) {
        const struct plugin *p = &c->profile->plugins[i];
        if (p->ops->post_filter && p->ops->post_filter(p, c, &nominated) == CODE_SUCCESS)
            break;
    }
    if (nominated != c->pod->nominated)
        nodes_nominate(c->nodes, c->pod, nominated ? nominated->name : STR_NONE);
}

static void fail(struct cycle *c, enum code code) {
    struct sched_pod *pod = c->pod;
    if (code == CODE_ERROR) {
        report_failure(c->s, c, code);
        pod_queue_retry(&c->s->queue, pod);
        return;
    }
    after_no_node(c);
    report_failure(c->s, c, code);
    pod->rejected_by = c->rejected_by;
    pod_queue_park(&c->s->queue, pod);
}

static void schedule(struct scheduler *s, struct sched_pod *pod) {
    struct cycle *c = &s->cycle;
    struct sched_node *node = NULL;
    int64_t begin = clock_mono_ns(s->clock);
    cycle_begin(c, s, pod);
    enum code code = find_node(c, &node);
    sched_metrics_cycle(s->metrics, (uint32_t)(c->profile - s->profiles), c->profile->name, code,
                        clock_mono_ns(s->clock) - begin);
    if (code == CODE_SUCCESS)
        binding_start(s, c, node);
    else
        fail(c, code);
    cycle_end(c);
}

/* -- turns -- */

static bool may_run(const struct scheduler *s) {
    return s->acting && s->synced && !s->stopping && s->n_bindings < BINDINGS_MAX;
}

static void start_flush(struct scheduler *s) {
    int64_t next = pod_queue_flush(&s->queue);
    if (next == INT64_MAX)
        return;
    int64_t after = next - clock_mono_ns(s->clock);
    loop_timer_start(s->loop, &s->flush, after > 0 ? after : 0);
}

void cycle_wake(struct scheduler *s) {
    s->waiting = pod_queue_waiting(&s->queue);
    sched_metrics_queue(s->metrics, &s->queue);
    if (s->turn_posted || !may_run(s))
        return;
    if (s->queue.active.n || s->queue.backoff.n || s->queue.unschedulable.n) {
        s->turn_posted = true;
        if (loop_post(s->loop, &s->turn))
            s->turn_posted = false;
    }
}

void cycle_turn(struct loop_msg *msg) {
    struct scheduler *s = (struct scheduler *)((char *)msg - offsetof(struct scheduler, turn));
    s->turn_posted = false;
    unsigned budget = loop_sim(s->loop) ? 1 : CYCLES_PER_TURN;
    struct sched_pod *pod = NULL;
    while (may_run(s) && budget && (pod = pod_queue_pop(&s->queue))) {
        schedule(s, pod);
        budget--;
    }
    if (s->volume_waits.n)
        volume_plans_check(s);
    start_flush(s);
    s->waiting = pod_queue_waiting(&s->queue);
    if (pod_queue_has_active(&s->queue) || !budget)
        cycle_wake(s);
}
