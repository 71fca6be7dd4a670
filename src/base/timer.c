/* Timers. See timer.h. A binary heap of pointers; each timer knows its place, so that it can be moved or
 * removed. */
#include "base/timer.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/vec.h"

static bool before(const struct timer *a, const struct timer *b) {
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void set(struct timers *ts, size_t i, struct timer *t) {
    ts->heap[i] = t;
    t->place = i + 1;
}

static void sift_up(struct timers *ts, size_t i, struct timer *t) {
    while (i > 0 && before(t, ts->heap[(i - 1) / 2])) {
        set(ts, i, ts->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    set(ts, i, t);
}

static void sift_down(struct timers *ts, size_t i, struct timer *t) {
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < ts->n && before(ts->heap[child + 1], ts->heap[child]))
            child++;
        if (child >= ts->n || !before(ts->heap[child], t))
            break;
        set(ts, i, ts->heap[child]);
        i = child;
    }
    set(ts, i, t);
}

void timers_fini(struct timers *ts) {
    for (size_t i = 0; i < ts->n; i++)
        ts->heap[i]->place = 0;
    free(ts->heap);
    *ts = (struct timers)TIMERS_INIT;
}

void timers_stop(struct timers *ts, struct timer *t) {
    if (!t->place)
        return;
    size_t i = t->place - 1;
    check(i < ts->n && ts->heap[i] == t);
    struct timer *last = ts->heap[--ts->n];
    t->place = 0;
    if (last == t)
        return;
    if (i > 0 && before(last, ts->heap[(i - 1) / 2]))
        sift_up(ts, i, last);
    else
        sift_down(ts, i, last);
}

void timers_start(struct timers *ts, struct timer *t, int64_t due_ns) {
    check(t->fire);
    timers_stop(ts, t);
    t->due_ns =
        due_ns > ts->running_ns ? due_ns : ts->running_ns + 1; /* not in this round: it would never end */
    t->order = ++ts->started;
    if (ts->n == ts->cap)
        vec_grow((void **)&ts->heap, &ts->cap, ts->n + 1, sizeof(*ts->heap));
    ts->n++;
    sift_up(ts, ts->n - 1, t);
}

size_t timers_run(struct timers *ts, int64_t now_ns) {
    size_t fired = 0;
    ts->running_ns = now_ns;
    while (ts->n && ts->heap[0]->due_ns <= now_ns) {
        struct timer *t = ts->heap[0];
        timers_stop(ts, t);
        fired++;
        t->fire(t);
    }
    ts->running_ns = INT64_MIN;
    return fired;
}

void timers_check(const struct timers *ts) {
    for (size_t i = 0; i < ts->n; i++) {
        check(ts->heap[i]->place == i + 1);
        check(i == 0 || !before(ts->heap[i], ts->heap[(i - 1) / 2]));
    }
}
