/* scheduler/pod_queue: two heaps, two lists, and the rules by which pods move between them. */
#include "scheduler/pod_queue.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/timefmt.h"

#define BACKOFF_WINDOW_NS NS_PER_SEC

void pod_queue_init(struct pod_queue *q, const struct clock *clock, struct scheduler *s) {
    *q = (struct pod_queue){
        .clock = clock, .s = s, .backoff_min_ns = NS_PER_SEC, .backoff_max_ns = 10 * NS_PER_SEC};
}

void pod_queue_fini(struct pod_queue *q) {
    vec_fini(&q->active);
    vec_fini(&q->backoff);
    vec_fini(&q->unschedulable);
    vec_fini(&q->gated);
}

/* -- heaps -- */

typedef bool (*before_fn)(const struct sched_pod *a, const struct sched_pod *b);

static bool ready_before(const struct sched_pod *a, const struct sched_pod *b) {
    return a->ready_ns < b->ready_ns;
}

static void set_place(struct sched_pod **v, size_t i, struct sched_pod *p) {
    v[i] = p;
    p->place = i;
}

static void sift_up(struct sched_pod **v, size_t i, before_fn before) {
    struct sched_pod *p = v[i];
    for (; i && before(p, v[(i - 1) / 2]); i = (i - 1) / 2)
        set_place(v, i, v[(i - 1) / 2]);
    set_place(v, i, p);
}

static void sift_down(struct sched_pod **v, size_t n, size_t i, before_fn before) {
    struct sched_pod *p = v[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(v[child + 1], v[child]))
            child++;
        if (!before(v[child], p))
            break;
        set_place(v, i, v[child]);
    }
    set_place(v, i, p);
}

#define HEAP_PUSH(list, p, before)                                                                           \
    do {                                                                                                     \
        vec_push(&(list), (p));                                                                              \
        sift_up((list).v, (list).n - 1, (before));                                                           \
    } while (0)

static void heap_remove(struct sched_pod **v, size_t *n, struct sched_pod *p, before_fn before) {
    size_t i = p->place;
    check(i < *n && v[i] == p);
    struct sched_pod *last = v[--*n];
    if (last == p)
        return;
    set_place(v, i, last);
    sift_up(v, i, before);
    sift_down(v, *n, last->place, before);
}

static void list_remove(struct sched_pod **v, size_t *n, struct sched_pod *p) {
    check(p->place < *n && v[p->place] == p);
    set_place(v, p->place, v[--*n]);
}

/* -- moving -- */

static bool default_before(const struct sched_pod *a, const struct sched_pod *b) {
    return a->queued_ns < b->queued_ns;
}

static before_fn order_of(const struct pod_queue *q) {
    return q->before ? q->before : default_before;
}

static bool is_gated(const struct sched_pod *p) {
    for (uint32_t i = 0; i < p->profile->n_plugins; i++) {
        const struct plugin *plugin = &p->profile->plugins[i];
        if (plugin->ops->pre_enqueue && plugin->ops->pre_enqueue(plugin, p) != CODE_SUCCESS)
            return true;
    }
    return false;
}

static void to_active(struct pod_queue *q, struct sched_pod *p) {
    if (is_gated(p)) {
        p->state = POD_GATED;
        p->place = q->gated.n;
        vec_push(&q->gated, p);
        return;
    }
    p->state = POD_ACTIVE;
    HEAP_PUSH(q->active, p, order_of(q));
}

void pod_queue_add(struct pod_queue *q, struct sched_pod *p) {
    p->queued_ns = clock_mono_ns(q->clock);
    p->attempts = p->rejections = p->errors = 0;
    p->rejected_by = 0;
    to_active(q, p);
}

void pod_queue_remove(struct pod_queue *q, struct sched_pod *p) {
    switch (p->state) {
    case POD_ACTIVE: heap_remove(q->active.v, &q->active.n, p, order_of(q)); break;
    case POD_BACKOFF: heap_remove(q->backoff.v, &q->backoff.n, p, ready_before); break;
    case POD_UNSCHEDULABLE: list_remove(q->unschedulable.v, &q->unschedulable.n, p); break;
    case POD_GATED: list_remove(q->gated.v, &q->gated.n, p); break;
    default: return;
    }
    p->state = POD_FOREIGN;
}

/* 1 s, 2 s, 4 s, 8 s, 10 s. */
static int64_t backoff_of(const struct pod_queue *q, unsigned failures) {
    int64_t ns = q->backoff_min_ns;
    for (unsigned i = 1; i < failures && ns < q->backoff_max_ns; i++)
        ns *= 2;
    return failures == 0 ? 0 : ns < q->backoff_max_ns ? ns : q->backoff_max_ns;
}

static void start_backoff(struct pod_queue *q, struct sched_pod *p, int64_t from_ns, unsigned failures) {
    p->ready_ns = (from_ns + backoff_of(q, failures)) / BACKOFF_WINDOW_NS * BACKOFF_WINDOW_NS;
    if (p->ready_ns <= clock_mono_ns(q->clock)) {
        to_active(q, p);
        return;
    }
    p->state = POD_BACKOFF;
    HEAP_PUSH(q->backoff, p, ready_before);
}

struct sched_pod *pod_queue_pop(struct pod_queue *q) {
    struct sched_pod *p = NULL;
    if (q->active.n) {
        p = q->active.v[0];
    } else {
        /* nothing better to do: those that wait for their time go now */
        vec_foreach (b, &q->backoff)
            if (!(*b)->failed_by_error && (!p || ready_before(*b, p)))
                p = *b;
    }
    if (!p)
        return NULL;
    pod_queue_remove(q, p);
    p->state = POD_CYCLING;
    p->attempts++;
    p->rejected_by = 0;
    return p;
}

/* What may wake it; anything when no plugin in particular rejected it. */
static uint32_t events_of(const struct sched_pod *p) {
    uint32_t events = p->rejected_by ? 0 : UINT32_MAX;
    for (uint32_t i = 0; i < p->profile->n_plugins; i++)
        if (p->rejected_by >> i & 1)
            events |= p->profile->plugins[i].ops->events;
    return events;
}

void pod_queue_park(struct pod_queue *q, struct sched_pod *p) {
    p->wakes_on = events_of(p);
    p->rejections++;
    p->errors = 0;
    p->failed_by_error = false;
    p->parked_ns = clock_mono_ns(q->clock);
    p->state = POD_UNSCHEDULABLE;
    p->place = q->unschedulable.n;
    vec_push(&q->unschedulable, p);
}

void pod_queue_retry(struct pod_queue *q, struct sched_pod *p) {
    p->errors++;
    p->failed_by_error = true;
    start_backoff(q, p, clock_mono_ns(q->clock), p->errors);
}

static void unpark(struct pod_queue *q, struct sched_pod *p) {
    list_remove(q->unschedulable.v, &q->unschedulable.n, p);
    start_backoff(q, p, p->parked_ns, p->rejections);
}

void pod_queue_return(struct pod_queue *q, struct sched_pod *p, enum pod_state was) {
    if (was == POD_FOREIGN || was == POD_GATED)
        pod_queue_add(q, p);
    else if (was == POD_UNSCHEDULABLE || was == POD_BACKOFF)
        start_backoff(q, p, p->parked_ns, p->rejections);
    else
        to_active(q, p);
}

/* -- events -- */

static bool wakes(const struct pod_queue *q, const struct sched_pod *p, const struct sched_event *e) {
    if (!(p->wakes_on & e->type))
        return false;
    if (!p->rejected_by)
        return true;
    for (uint32_t i = 0; i < p->profile->n_plugins; i++) {
        const struct plugin *plugin = &p->profile->plugins[i];
        if (!(p->rejected_by >> i & 1) || !(plugin->ops->events & e->type))
            continue;
        if (!plugin->ops->hint || plugin->ops->hint(plugin, q->s, p, e))
            return true;
    }
    return false;
}

size_t pod_queue_move(struct pod_queue *q, const struct sched_event *e) {
    size_t moved = 0;
    q->moves++;
    for (size_t i = q->unschedulable.n; i-- > 0;)
        if (wakes(q, q->unschedulable.v[i], e)) {
            unpark(q, q->unschedulable.v[i]);
            moved++;
        }
    return moved;
}

/* -- time -- */

int64_t pod_queue_flush(struct pod_queue *q) {
    int64_t now = clock_mono_ns(q->clock), next = INT64_MAX;
    while (q->backoff.n && q->backoff.v[0]->ready_ns <= now) {
        struct sched_pod *p = q->backoff.v[0];
        pod_queue_remove(q, p);
        to_active(q, p);
    }
    for (size_t i = q->unschedulable.n; i-- > 0;)
        if (q->unschedulable.v[i]->parked_ns + QUEUE_PARKED_MAX_NS <= now)
            unpark(q, q->unschedulable.v[i]);
    vec_foreach (p, &q->unschedulable)
        next = (*p)->parked_ns + QUEUE_PARKED_MAX_NS < next ? (*p)->parked_ns + QUEUE_PARKED_MAX_NS : next;
    if (q->backoff.n && q->backoff.v[0]->ready_ns < next)
        next = q->backoff.v[0]->ready_ns;
    return next;
}

size_t pod_queue_waiting(const struct pod_queue *q) {
    return q->active.n + q->backoff.n + q->unschedulable.n + q->gated.n;
}
