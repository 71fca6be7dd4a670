/* Worker pools and waiters. See workers.h. */
#include "base/workers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/sim.h"

struct workers {
    struct mutex lock;
    struct cond has_work;
    struct work *first, *last;
    size_t queued, queue_max;
    unsigned busy, n_threads;
    bool stopping;
    struct sim_source source; /* in a simulation */
    struct thread threads[];
};

static struct work *take_first(struct workers *w) {
    struct work *work = w->first;
    w->first = work->next;
    w->queued--;
    return work;
}

/* Runs until the pool stops and the queue is empty. */
static void worker_main(void *arg) {
    struct workers *w = arg;
    mutex_lock(&w->lock);
    for (;;) {
        while (!w->first && !w->stopping)
            cond_wait(&w->has_work, &w->lock);
        if (!w->first)
            break;
        struct work *work = take_first(w);
        w->busy++;
        mutex_unlock(&w->lock);
        work->run(work);
        mutex_lock(&w->lock);
        w->busy--;
    }
    mutex_unlock(&w->lock);
}

static struct workers *workers_of(const struct sim_source *src) {
    return (struct workers *)((char *)(uintptr_t)src - offsetof(struct workers, source));
}

static bool source_ready(const struct sim_source *src) {
    return workers_of(src)->first != NULL;
}

static void source_run(struct sim_source *src) {
    struct workers *w = workers_of(src);
    struct work *work = take_first(w);
    w->busy++;
    work->run(work);
    w->busy--;
}

static int start_threads(struct workers *w, const struct workers_options *o, struct err *err) {
    for (unsigned i = 0; i < o->threads; i++) {
        char name[32];
        snprintf(name, sizeof name, "%.10s-%u", o->name ? o->name : "worker", i);
        struct thread_options t = {.name = name, .stack_bytes = o->stack_bytes};
        int rc = thread_start(&w->threads[i], &t, worker_main, w, err);
        if (rc)
            return rc;
        w->n_threads++;
    }
    return 0;
}

int workers_start(const struct workers_options *o, struct workers **ret, struct err *err) {
    check(o->threads > 0 && o->queue_max > 0);
    struct workers *w = calloc(1, sizeof *w + o->threads * sizeof *w->threads);
    if (!w)
        panic("out of memory");
    w->queue_max = o->queue_max;
    mutex_init(&w->lock);
    cond_init(&w->has_work);
    if (o->sim) {
        w->source = (struct sim_source){.ready = source_ready, .run = source_run};
        sim_add(o->sim, &w->source);
    } else {
        int rc = start_threads(w, o, err);
        if (rc) {
            workers_stop(w);
            return rc;
        }
    }
    *ret = w;
    return 0;
}

void workers_stop(struct workers *w) {
    if (!w)
        return;
    mutex_lock(&w->lock);
    w->stopping = true;
    cond_broadcast(&w->has_work);
    mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->n_threads; i++)
        thread_join(&w->threads[i]);
    while (w->first)
        source_run(&w->source);
    sim_remove(&w->source);
    cond_fini(&w->has_work);
    mutex_fini(&w->lock);
    free(w);
}

int workers_submit(struct workers *w, struct work *work) {
    check(work->run);
    _cleanup_unlock struct mutex *held = mutex_hold(&w->lock);
    if (w->stopping)
        return ERR_CLOSED;
    if (w->queued == w->queue_max)
        return ERR_AGAIN;
    work->next = NULL;
    if (w->first)
        w->last->next = work;
    else
        w->first = work;
    w->last = work;
    w->queued++;
    cond_signal(&w->has_work);
    return 0;
}

size_t workers_queued(struct workers *w) {
    _cleanup_unlock struct mutex *held = mutex_hold(&w->lock);
    return w->queued;
}

unsigned workers_busy(struct workers *w) {
    _cleanup_unlock struct mutex *held = mutex_hold(&w->lock);
    return w->busy;
}

struct sim *workers_sim(const struct workers *w) {
    return w->source.sim;
}

/* -- waiters -- */

void waiter_init(struct waiter *w, struct sim *sim) {
    mutex_init(&w->lock);
    cond_init(&w->cond);
    w->signalled = false;
    w->sim = sim;
}

void waiter_fini(struct waiter *w) {
    cond_fini(&w->cond);
    mutex_fini(&w->lock);
}

/* Signals under the lock: the waiter may be gone as soon as it is released. */
void waiter_signal(struct waiter *w) {
    mutex_lock(&w->lock);
    w->signalled = true;
    cond_broadcast(&w->cond);
    mutex_unlock(&w->lock);
}

static bool is_signalled(void *arg) {
    return ((struct waiter *)arg)->signalled;
}

void waiter_wait(struct waiter *w) {
    if (w->sim) {
        if (!sim_run_until(w->sim, is_signalled, w, INT64_MAX))
            panic("sim: deadlock, nobody can signal a waiter");
        return;
    }
    _cleanup_unlock struct mutex *held = mutex_hold(&w->lock);
    while (!w->signalled)
        cond_wait(&w->cond, &w->lock);
}

bool waiter_wait_ns(struct waiter *w, int64_t ns) {
    if (w->sim)
        return sim_run_until(w->sim, is_signalled, w, ns);
    int64_t until = clock_mono_ns(clock_system()) + ns;
    _cleanup_unlock struct mutex *held = mutex_hold(&w->lock);
    while (!w->signalled)
        if (!cond_wait_until(&w->cond, &w->lock, until))
            return w->signalled;
    return true;
}
