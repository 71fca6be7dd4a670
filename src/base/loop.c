/* Event loops. See loop.h.
 *
 * The mailbox is a lock-free stack of messages: senders push, the loop takes all of them at once and turns
 * them around. Only the sender that finds it empty wakes the loop, so a burst costs one wake-up. When the
 * loop has quit, a mark in place of the stack turns senders away; `posting` counts those that are between
 * looking and waking, for whom the loop waits before it closes what they wake.
 *
 *     open ──quit──▶ draining (on_quit, mailbox closed, last messages run) ──▶ closed (libuv handles closed)
 *
 * Timers are our own heap on one uv_timer: starting and stopping are plain calls, a timer needs no
 * asynchronous close, and the same code serves the simulation.
 */
#include "base/loop.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/sim.h"
#include "base/thread.h"
#include "base/timefmt.h"

#define CLOSE_TURNS_MAX 100000

struct loop {
    _Atomic(struct loop_msg *) inbox; /* newest first, or &closed_mark */
    _Atomic(uint32_t) posting;
    _Atomic(uint32_t) queued; /* in the inbox or about to run */
    _Atomic(bool) quitting;
    struct loop_msg *ready; /* taken from the inbox, oldest first */
    struct timers timers;
    struct clock *clock;
    struct loop_options options;
    char name[16];
    struct loop_msg quit_msg;
    /* with libuv */
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t alarm;
    struct thread thread;
    _Atomic(pthread_t) runs_on;
    _Atomic(bool) running;
    /* in a simulation */
    struct sim_source source;
};

static void refuse(struct loop_msg *msg) {
    (void)msg;
    panic("loop: the mark of a closed mailbox ran");
}

static struct loop_msg closed_mark = {.run = refuse};

static bool is_simulated(const struct loop *l) {
    return l->source.sim != NULL;
}

/* -- the mailbox -- */

static int post(struct loop *l, struct loop_msg *msg) {
    struct loop_msg *head = atomic_load_explicit(&l->inbox, memory_order_relaxed);
    do {
        if (head == &closed_mark)
            return ERR_CLOSED;
        msg->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&l->inbox, &head, msg, memory_order_release,
                                                    memory_order_relaxed));
    if (!head && !is_simulated(l))
        (void)uv_async_send(&l->wake);
    return 0;
}

static int post_counted(struct loop *l, struct loop_msg *msg, uint32_t max) {
    check(msg->run);
    (void)atomic_fetch_add(&l->posting, 1);
    int rc = ERR_AGAIN;
    if (atomic_fetch_add_explicit(&l->queued, 1, memory_order_relaxed) < max)
        rc = post(l, msg);
    if (rc)
        (void)atomic_fetch_sub_explicit(&l->queued, 1, memory_order_relaxed);
    (void)atomic_fetch_sub(&l->posting, 1);
    return rc;
}

int loop_post(struct loop *l, struct loop_msg *msg) {
    return post_counted(l, msg, UINT32_MAX);
}

int loop_try_post(struct loop *l, struct loop_msg *msg) {
    return post_counted(l, msg, l->options.queue_max);
}

struct call {
    struct loop_msg msg;
    void (*fn)(void *arg);
    void *arg;
};

static void run_call(struct loop_msg *msg) {
    struct call c = *(struct call *)msg;
    free(msg);
    c.fn(c.arg);
}

int loop_call(struct loop *l, void (*fn)(void *arg), void *arg) {
    struct call *c = malloc(sizeof *c);
    if (!c)
        panic("out of memory");
    *c = (struct call){.msg = {.run = run_call}, .fn = fn, .arg = arg};
    int rc = loop_post(l, &c->msg);
    if (rc)
        free(c);
    return rc;
}

size_t loop_queued(const struct loop *l) {
    return atomic_load_explicit(&l->queued, memory_order_relaxed);
}

/* Moves what has come to the end of the ready list. `leave`: what the inbox holds afterwards. */
static void take_inbox(struct loop *l, struct loop_msg *leave) {
    struct loop_msg *taken = atomic_exchange_explicit(&l->inbox, leave, memory_order_acquire), *turned = NULL;
    while (taken && taken != &closed_mark) {
        struct loop_msg *next = taken->next;
        taken->next = turned;
        turned = taken;
        taken = next;
    }
    struct loop_msg **end = &l->ready;
    while (*end)
        end = &(*end)->next;
    *end = turned;
}

static void run_first(struct loop *l) {
    struct loop_msg *msg = l->ready;
    l->ready = msg->next;
    (void)atomic_fetch_sub_explicit(&l->queued, 1, memory_order_relaxed);
    msg->run(msg);
}

/* Runs what has come; what comes meanwhile waits for the next turn of the loop. */
static void run_batch(struct loop *l) {
    take_inbox(l, NULL);
    while (l->ready)
        run_first(l);
}

/* -- timers -- */

static void on_alarm(uv_timer_t *alarm);

static void set_alarm(struct loop *l) {
    int64_t next = timers_next_ns(&l->timers), now = clock_mono_ns(l->clock);
    if (next == INT64_MAX) {
        (void)uv_timer_stop(&l->alarm);
        return;
    }
    uv_update_time(&l->uv);
    uint64_t ms = next > now ? ((uint64_t)(next - now) + NS_PER_MS - 1) / NS_PER_MS : 0;
    check(uv_timer_start(&l->alarm, on_alarm, ms, 0) == 0);
}

static void on_alarm(uv_timer_t *alarm) {
    struct loop *l = alarm->data;
    (void)timers_run(&l->timers, clock_mono_ns(l->clock));
    set_alarm(l);
}

void loop_timer_start(struct loop *l, struct timer *t, int64_t after_ns) {
    int64_t now = clock_mono_ns(l->clock), due;
    if (__builtin_add_overflow(now, after_ns > 0 ? after_ns : 0, &due))
        due = INT64_MAX - 1;
    int64_t next = timers_next_ns(&l->timers);
    timers_start(&l->timers, t, due);
    if (!is_simulated(l) && timers_next_ns(&l->timers) < next)
        set_alarm(l);
}

void loop_timer_stop(struct loop *l, struct timer *t) {
    timers_stop(&l->timers, t);
}

/* -- on libuv -- */

static void on_wake(uv_async_t *wake) {
    run_batch(wake->data);
}

static void on_quit_msg(struct loop_msg *msg) {
    struct loop *l = (struct loop *)((char *)msg - offsetof(struct loop, quit_msg));
    uv_stop(&l->uv);
}

static struct loop *alloc_loop(const struct loop_options *options, struct clock *clock) {
    struct loop *l = calloc(1, sizeof *l);
    if (!l)
        panic("out of memory");
    l->options = *options;
    if (!l->options.queue_max)
        l->options.queue_max = LOOP_QUEUE_MAX;
    snprintf(l->name, sizeof l->name, "%s", options->name ? options->name : "loop");
    l->timers = (struct timers)TIMERS_INIT;
    l->clock = clock;
    l->quit_msg.run = on_quit_msg;
    return l;
}

int loop_new(const struct loop_options *options, struct loop **ret, struct err *err) {
    struct loop *l = alloc_loop(options, clock_system());
    int rc = uv_loop_init(&l->uv);
    if (rc == 0) {
        rc = uv_async_init(&l->uv, &l->wake, on_wake);
        if (rc)
            (void)uv_loop_close(&l->uv);
    }
    if (rc) {
        free(l);
        return err_set(err, ERR_IO, "start loop %s: %s", options->name ? options->name : "", uv_strerror(rc));
    }
    check(uv_timer_init(&l->uv, &l->alarm) == 0);
    l->wake.data = l->alarm.data = l;
    *ret = l;
    return 0;
}

/* Turns until all handles have closed; one that nobody closes is a bug that would otherwise hang the stop. */
static void close_handles(struct loop *l) {
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->alarm, NULL);
    for (int turns = 0; uv_run(&l->uv, UV_RUN_NOWAIT) != 0; turns++) {
        if (turns == CLOSE_TURNS_MAX)
            panic("loop %s quits with open handles", l->name);
        if (turns > 100)
            (void)usleep(100);
    }
}

void loop_run(struct loop *l) {
    check(!is_simulated(l) && !atomic_load(&l->running));
    atomic_store(&l->runs_on, pthread_self());
    atomic_store(&l->running, true);
    (void)uv_run(&l->uv, UV_RUN_DEFAULT);
    check(atomic_load(&l->quitting));
    if (l->options.on_quit)
        l->options.on_quit(l, l->options.on_quit_arg);
    take_inbox(l, &closed_mark);
    while (atomic_load(&l->posting))
        (void)sched_yield();
    while (l->ready)
        run_first(l);
    close_handles(l);
}

void loop_quit(struct loop *l) {
    if (is_simulated(l) || atomic_exchange(&l->quitting, true))
        return;
    check(loop_post(l, &l->quit_msg) == 0);
}

void loop_free(struct loop *l) {
    if (!l)
        return;
    if (is_simulated(l)) {
        sim_remove(&l->source);
    } else {
        if (!atomic_load(&l->running))
            close_handles(l);
        check(uv_loop_close(&l->uv) == 0);
    }
    timers_fini(&l->timers);
    free(l);
}

static void thread_main(void *arg) {
    loop_run(arg);
}

int loop_start(const struct loop_options *options, struct loop **ret, struct err *err) {
    struct loop *l;
    int rc = loop_new(options, &l, err);
    if (rc)
        return rc;
    struct thread_options t = {.name = l->name, .stack_bytes = options->stack_bytes};
    rc = thread_start(&l->thread, &t, thread_main, l, err);
    if (rc) {
        loop_free(l);
        return rc;
    }
    *ret = l;
    return 0;
}

void loop_stop(struct loop *l) {
    if (!l)
        return;
    check(!loop_is_current(l));
    loop_quit(l);
    thread_join(&l->thread);
    loop_free(l);
}

/* -- in a simulation -- */

static struct loop *loop_of(const struct sim_source *src) {
    return (struct loop *)((char *)(uintptr_t)src - offsetof(struct loop, source));
}

static bool source_ready(const struct sim_source *src) {
    struct loop *l = loop_of(src);
    return l->ready || atomic_load(&l->inbox);
}

static int64_t source_next(const struct sim_source *src) {
    return timers_next_ns(&loop_of(src)->timers);
}

/* One message, or the timers that are due. */
static void source_run(struct sim_source *src) {
    struct loop *l = loop_of(src);
    if (timers_run(&l->timers, clock_mono_ns(l->clock)))
        return;
    take_inbox(l, NULL);
    if (l->ready)
        run_first(l);
}

struct loop *sim_loop_new(struct sim *s, const char *name) {
    struct loop *l = alloc_loop(&(struct loop_options){.name = name}, sim_clock(s));
    l->source = (struct sim_source){.ready = source_ready, .run = source_run, .next_ns = source_next};
    sim_add(s, &l->source);
    return l;
}

bool loop_is_current(const struct loop *l) {
    return is_simulated(l) ||
           (atomic_load(&l->running) && pthread_equal(atomic_load(&l->runs_on), pthread_self()));
}

const char *loop_name(const struct loop *l) {
    return l->name;
}

struct clock *loop_clock(const struct loop *l) {
    return l->clock;
}

struct uv_loop_s *loop_uv(struct loop *l) {
    return is_simulated(l) ? NULL : &l->uv;
}

struct sim *loop_sim(const struct loop *l) {
    return l->source.sim;
}
