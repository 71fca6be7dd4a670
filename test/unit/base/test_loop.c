/* base/loop, base/workers */
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/thread.h"
#include "base/timefmt.h"
#include "base/workers.h"
#include "unit/unit.h"

static struct loop *start_loop(void) {
    struct loop *l = NULL;
    struct err err = ERR_INIT;
    assert_ok(loop_start(&(struct loop_options){.name = "test"}, &l, &err), &err);
    return l;
}

struct note {
    struct loop_msg msg;
    struct loop *loop;
    struct waiter *done;
    unsigned number;
};

static unsigned order[64];
static unsigned n_order;

static void write_down(struct loop_msg *msg) {
    struct note *n = (struct note *)msg;
    check(loop_is_current(n->loop));
    order[n_order++ % 64] = n->number;
    if (n->done)
        waiter_signal(n->done);
}

TEST(test_loop__runs_messages_in_order_on_its_thread) {
    struct loop *l = start_loop();
    struct waiter done;
    waiter_init(&done, NULL);
    struct note notes[10];
    n_order = 0;
    for (unsigned i = 0; i < 10; i++) {
        notes[i] =
            (struct note){.msg = {.run = write_down}, .loop = l, .number = i, .done = i == 9 ? &done : NULL};
        assert_int_equal(loop_post(l, &notes[i].msg), 0);
    }
    waiter_wait(&done);
    assert_false(loop_is_current(l));
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(order[i], i);
    waiter_fini(&done);
    loop_stop(l);
}

static void count_up(void *arg) {
    (void)atomic_fetch_add((_Atomic(unsigned) *)arg, 1);
}

TEST(test_loop__stop_runs_what_was_posted_before) {
    for (int round = 0; round < 20; round++) {
        _Atomic(unsigned) n = 0;
        struct loop *l = start_loop();
        for (int i = 0; i < 100; i++)
            assert_int_equal(loop_call(l, count_up, &n), 0);
        loop_stop(l);
        assert_int_equal(n, 100);
    }
    loop_stop(NULL);
}

static void post_again(void *arg) {
    struct note *n = arg;
    if (n->number++ < 5)
        check(loop_call(n->loop, post_again, n) == 0);
    else
        waiter_signal(n->done);
}

TEST(test_loop__messages_may_post_messages) {
    struct waiter done;
    waiter_init(&done, NULL);
    struct note n = {.loop = start_loop(), .done = &done};
    assert_int_equal(loop_call(n.loop, post_again, &n), 0);
    waiter_wait(&done);
    loop_stop(n.loop);
    assert_int_equal(n.number, 6);
    waiter_fini(&done);
}

TEST(test_loop__try_post_obeys_the_bound) {
    struct loop *l = NULL;
    assert_int_equal(loop_new(&(struct loop_options){.name = "test", .queue_max = 2}, &l, NULL), 0);
    struct note notes[4];
    for (unsigned i = 0; i < 4; i++)
        notes[i] = (struct note){.msg = {.run = write_down}, .loop = l, .number = i};
    n_order = 0;
    assert_int_equal(loop_try_post(l, &notes[0].msg), 0);
    assert_int_equal(loop_try_post(l, &notes[1].msg), 0);
    assert_fails(loop_try_post(l, &notes[2].msg), ERR_AGAIN);
    assert_int_equal(loop_post(l, &notes[3].msg), 0); /* bounded by its senders */
    assert_int_equal(loop_queued(l), 3);
    loop_quit(l);
    loop_quit(l);
    loop_run(l);
    assert_int_equal(n_order, 3);
    assert_int_equal(loop_queued(l), 0);
    assert_fails(loop_post(l, &notes[2].msg), ERR_CLOSED);
    assert_fails(loop_call(l, count_up, NULL), ERR_CLOSED);
    assert_string_equal(loop_name(l), "test");
    loop_free(l);
}

TEST(test_loop__that_never_ran_can_be_freed) {
    struct loop *l = NULL;
    assert_int_equal(loop_new(&(struct loop_options){0}, &l, NULL), 0);
    loop_free(l);
    loop_free(NULL);
}

struct alarm {
    struct timer timer;
    struct loop *loop;
    struct waiter done;
    int64_t started_ns, fired_ns;
    unsigned left;
};

static void on_fire(struct timer *t) {
    struct alarm *a = (struct alarm *)t;
    a->fired_ns = clock_mono_ns(loop_clock(a->loop));
    if (a->left-- > 1)
        loop_timer_start(a->loop, t, NS_PER_MS);
    else
        waiter_signal(&a->done);
}

static void start_alarm(void *arg) {
    struct alarm *a = arg;
    a->started_ns = clock_mono_ns(loop_clock(a->loop));
    loop_timer_start(a->loop, &a->timer, NS_PER_HOUR);
    loop_timer_start(a->loop, &a->timer, 3 * NS_PER_MS); /* moved */
}

TEST(test_loop__timer_fires_not_too_early) {
    struct alarm a = {.timer = {.fire = on_fire}, .loop = start_loop(), .left = 3};
    waiter_init(&a.done, NULL);
    assert_int_equal(loop_call(a.loop, start_alarm, &a), 0);
    assert_true(waiter_wait_ns(&a.done, 10 * NS_PER_SEC));
    loop_stop(a.loop);
    assert_true(a.fired_ns - a.started_ns >= 5 * NS_PER_MS);
    waiter_fini(&a.done);
}

static void stop_alarm(void *arg) {
    struct alarm *a = arg;
    loop_timer_start(a->loop, &a->timer, 0);
    loop_timer_stop(a->loop, &a->timer);
    loop_timer_start(a->loop, &a->timer, INT64_MAX);
}

TEST(test_loop__stopped_timer_does_not_fire) {
    struct alarm a = {.timer = {.fire = on_fire}, .loop = start_loop(), .left = 1};
    waiter_init(&a.done, NULL);
    assert_int_equal(loop_call(a.loop, stop_alarm, &a), 0);
    assert_false(waiter_wait_ns(&a.done, 20 * NS_PER_MS));
    loop_stop(a.loop);
    waiter_fini(&a.done);
}

/* Handles that users open on the loop are theirs to close when it quits. */
static uv_timer_t user_handle;

static void open_handle(void *arg) {
    check(uv_timer_init(loop_uv(arg), &user_handle) == 0);
}

static void close_handle(struct loop *l, void *arg) {
    *(bool *)arg = loop_is_current(l);
    uv_close((uv_handle_t *)&user_handle, NULL);
}

TEST(test_loop__on_quit_closes_handles_of_users) {
    struct loop *l = NULL;
    bool called = false;
    struct loop_options options = {.name = "test", .on_quit = close_handle, .on_quit_arg = &called};
    assert_int_equal(loop_start(&options, &l, NULL), 0);
    assert_int_equal(loop_call(l, open_handle, l), 0);
    loop_stop(l);
    assert_true(called);
}

/* Threads post while the loop stops under them: each message either runs or is refused. */
struct hammer {
    struct loop *loop;
    _Atomic(unsigned) ran, accepted;
    _Atomic(bool) go;
};

static void hammer_ran(void *arg) {
    (void)atomic_fetch_add(&((struct hammer *)arg)->ran, 1);
}

static void hammer_on(void *arg) {
    struct hammer *h = arg;
    while (!atomic_load(&h->go))
        ;
    while (loop_call(h->loop, hammer_ran, h) == 0)
        (void)atomic_fetch_add(&h->accepted, 1);
}

TEST(test_loop__posting_races_with_quitting) {
    for (int round = 0; round < 10; round++) {
        struct hammer h = {.ran = 0};
        assert_int_equal(loop_new(&(struct loop_options){.name = "test"}, &h.loop, NULL), 0);
        struct thread threads[3];
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(
                thread_start(&threads[i], &(struct thread_options){.name = "post"}, hammer_on, &h, NULL), 0);
        atomic_store(&h.go, true);
        loop_call(h.loop, (void (*)(void *))loop_quit, h.loop);
        loop_run(h.loop);
        for (size_t i = 0; i < 3; i++)
            thread_join(&threads[i]);
        assert_int_equal(h.ran, h.accepted);
        loop_free(h.loop);
    }
}

/* -- workers -- */

struct job {
    struct work work;
    struct waiter *gate; /* waits for it first */
    _Atomic(unsigned) *done;
};

static void run_job(struct work *w) {
    struct job *j = (struct job *)w;
    if (j->gate)
        waiter_wait(j->gate);
    (void)atomic_fetch_add(j->done, 1);
}

TEST(test_workers__run_everything_before_they_stop) {
    struct workers *w = NULL;
    struct err err = ERR_INIT;
    assert_ok(
        workers_start(&(struct workers_options){.name = "w", .threads = 3, .queue_max = 1000}, &w, &err),
        &err);
    _Atomic(unsigned) done = 0;
    static struct job jobs[1000];
    for (size_t i = 0; i < 1000; i++) {
        jobs[i] = (struct job){.work = {.run = run_job}, .done = &done};
        assert_int_equal(workers_submit(w, &jobs[i].work), 0);
    }
    workers_stop(w);
    assert_int_equal(done, 1000);
    workers_stop(NULL);
}

TEST(test_workers__full_queue_refuses) {
    struct workers *w = NULL;
    assert_int_equal(workers_start(&(struct workers_options){.threads = 1, .queue_max = 2}, &w, NULL), 0);
    struct waiter gate;
    waiter_init(&gate, NULL);
    _Atomic(unsigned) done = 0;
    struct job jobs[4];
    for (size_t i = 0; i < 4; i++)
        jobs[i] = (struct job){.work = {.run = run_job}, .gate = &gate, .done = &done};
    assert_int_equal(workers_submit(w, &jobs[0].work), 0);
    while (workers_busy(w) == 0)
        clock_sleep_ns(clock_system(), NS_PER_MS);
    assert_int_equal(workers_submit(w, &jobs[1].work), 0);
    assert_int_equal(workers_submit(w, &jobs[2].work), 0);
    assert_fails(workers_submit(w, &jobs[3].work), ERR_AGAIN);
    assert_int_equal(workers_queued(w), 2);
    waiter_signal(&gate);
    workers_stop(w);
    assert_int_equal(done, 3);
    waiter_fini(&gate);
}

/* Submits until it is refused, which is only once the pool stops. */
struct insistent {
    struct work work;
    struct workers *pool;
    struct job jobs[2000];
    _Atomic(unsigned) done;
    unsigned accepted;
    int rc;
};

static void insist(struct work *w) {
    struct insistent *it = (struct insistent *)w;
    for (it->accepted = 0; it->accepted < 2000; it->accepted++) {
        struct job *j = &it->jobs[it->accepted];
        *j = (struct job){.work = {.run = run_job}, .done = &it->done};
        while ((it->rc = workers_submit(it->pool, &j->work)) == ERR_AGAIN)
            clock_sleep_ns(clock_system(), NS_PER_MS);
        if (it->rc)
            return;
        clock_sleep_ns(clock_system(), NS_PER_MS);
    }
}

TEST(test_workers__stopping_pool_refuses_new_work) {
    static struct insistent it;
    it.work.run = insist;
    assert_int_equal(workers_start(&(struct workers_options){.threads = 2, .queue_max = 1}, &it.pool, NULL),
                     0);
    assert_int_equal(workers_submit(it.pool, &it.work), 0);
    workers_stop(it.pool);
    assert_int_equal(it.rc, ERR_CLOSED);
    assert_int_equal(it.done, it.accepted);
}

TEST(test_waiter__signal_before_wait_counts) {
    struct waiter w;
    waiter_init(&w, NULL);
    assert_false(waiter_wait_ns(&w, NS_PER_MS));
    waiter_signal(&w);
    waiter_wait(&w);
    assert_true(waiter_wait_ns(&w, 0));
    waiter_fini(&w);
}
