/* base/sim: loops and workers on one thread, in an order that the seed decides. */
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/rand.h"
#include "base/sim.h"
#include "base/timefmt.h"
#include "base/workers.h"
#include "unit/unit.h"

/* A small cluster: two loops that send each other work through a pool, and timers, all of which leave a
 * trace. */
struct actor {
    struct loop_msg msg;
    struct work work;
    struct timer timer;
    struct loop *loop;
    struct workers *pool;
    struct buf *trace;
    char name;
    unsigned left;
};

#define actor_of(field, p) ((struct actor *)((char *)(p)-offsetof(struct actor, field)))

static void on_timer(struct timer *t) {
    struct actor *a = actor_of(timer, t);
    buf_printf(a->trace, "%c%u ", a->name, a->left);
    if (a->left-- > 0)
        check(workers_submit(a->pool, &a->work) == 0);
}

static void on_msg(struct loop_msg *msg) {
    struct actor *a = actor_of(msg, msg);
    loop_timer_start(a->loop, &a->timer, (int64_t)(a->left % 3) * NS_PER_MS);
}

static void on_work(struct work *w) {
    struct actor *a = actor_of(work, w);
    if (a->left % 4 == 0)
        clock_sleep_ns(loop_clock(a->loop), NS_PER_MS / 2);
    check(loop_post(a->loop, &a->msg) == 0);
}

static void run_cluster(uint64_t seed, struct buf *trace) {
    struct sim *s = sim_new(seed, 0);
    struct workers *pool = NULL;
    check(workers_start(&(struct workers_options){.threads = 1, .queue_max = 100, .sim = s}, &pool, NULL) ==
          0);
    struct loop *loops[2] = {sim_loop_new(s, "one"), sim_loop_new(s, "two")};
    struct actor actors[6];
    for (unsigned i = 0; i < 6; i++) {
        actors[i] = (struct actor){
            .loop = loops[i % 2], .pool = pool, .trace = trace, .name = (char)('a' + i), .left = 8};
        actors[i].msg.run = on_msg;
        actors[i].work.run = on_work;
        actors[i].timer.fire = on_timer;
        check(loop_post(actors[i].loop, &actors[i].msg) == 0);
    }
    while (sim_step(s))
        ;
    for (unsigned i = 0; i < 6; i++)
        check(actors[i].left == UINT32_MAX);
    workers_stop(pool);
    loop_free(loops[0]);
    loop_free(loops[1]);
    sim_free(s);
}

TEST(test_sim__same_seed_same_run) {
    _cleanup_buf struct buf first = BUF_INIT, again = BUF_INIT, other = BUF_INIT;
    run_cluster(1, &first);
    run_cluster(1, &again);
    assert_true(first.n > 100);
    assert_true(str_eq(buf_view(&first), buf_view(&again)));
    unsigned different = 0;
    for (uint64_t seed = 2; seed < 12; seed++) {
        buf_clear(&other);
        run_cluster(seed, &other);
        different += !str_eq(buf_view(&first), buf_view(&other));
        assert_int_equal(other.n, first.n);
    }
    assert_true(different > 5);
}

static unsigned fired;

static void count_fire(struct timer *t) {
    (void)t;
    fired++;
}

TEST(test_sim__time_jumps_to_the_next_timer) {
    struct sim *s = sim_new(1, 1000 * NS_PER_SEC);
    struct loop *l = sim_loop_new(s, "l");
    struct timer day = {.fire = count_fire}, hour = {.fire = count_fire};
    fired = 0;
    loop_timer_start(l, &day, 24 * NS_PER_HOUR);
    loop_timer_start(l, &hour, NS_PER_HOUR);
    assert_true(sim_step(s)); /* to the hour */
    assert_true(sim_step(s));
    assert_int_equal(fired, 1);
    assert_int_equal(clock_wall_sec(sim_clock(s)), 1000 + 3600);
    sim_run_ns(s, 22 * NS_PER_HOUR);
    assert_int_equal(fired, 1);
    sim_run_ns(s, NS_PER_HOUR + 1);
    assert_int_equal(fired, 2);
    assert_false(sim_step(s));
    assert_int_equal(sim_steps(s), 2);
    loop_timer_start(l, &day, NS_PER_HOUR);
    sim_settle(s); /* does not move the clock */
    assert_int_equal(fired, 2);
    assert_true(loop_is_current(l));
    assert_null(loop_uv(l));
    assert_ptr_equal(loop_sim(l), s);
    loop_free(l);
    sim_free(s);
}

static bool has_fired(void *arg) {
    return fired >= *(unsigned *)arg;
}

TEST(test_sim__run_until_gives_up_in_time) {
    struct sim *s = sim_new(1, 0);
    struct loop *l = sim_loop_new(s, "l");
    struct timer t = {.fire = count_fire};
    fired = 0;
    loop_timer_start(l, &t, 5 * NS_PER_SEC);
    unsigned one = 1, two = 2;
    assert_false(sim_run_until(s, has_fired, &one, 4 * NS_PER_SEC));
    assert_true(sim_run_until(s, has_fired, &one, 4 * NS_PER_SEC));
    assert_false(sim_run_until(s, has_fired, &two, NS_PER_SEC));
    loop_free(l);
    sim_free(s);
}

/* Work that blocks on a waiter lets others go on. */
struct blocked {
    struct work work;
    struct waiter waiter;
    struct loop_msg reply;
    bool done;
};

static void send_reply(struct loop_msg *msg) {
    waiter_signal(&((struct blocked *)((char *)msg - offsetof(struct blocked, reply)))->waiter);
}

static struct loop *server;

static void ask_and_wait(struct work *w) {
    struct blocked *b = (struct blocked *)w;
    check(loop_post(server, &b->reply) == 0);
    waiter_wait(&b->waiter);
    b->done = true;
}

TEST(test_sim__blocked_work_steps_the_rest) {
    struct sim *s = sim_new(unit_seed(), 0);
    struct workers *pool = NULL;
    server = sim_loop_new(s, "server");
    assert_int_equal(
        workers_start(&(struct workers_options){.threads = 2, .queue_max = 9, .sim = s}, &pool, NULL), 0);
    struct blocked b[3];
    for (size_t i = 0; i < 3; i++) {
        b[i] = (struct blocked){.work = {.run = ask_and_wait}, .reply = {.run = send_reply}};
        waiter_init(&b[i].waiter, workers_sim(pool));
        assert_int_equal(workers_submit(pool, &b[i].work), 0);
    }
    sim_settle(s);
    for (size_t i = 0; i < 3; i++) {
        assert_true(b[i].done);
        waiter_fini(&b[i].waiter);
    }
    struct waiter never;
    waiter_init(&never, s);
    assert_false(waiter_wait_ns(&never, NS_PER_SEC));
    assert_aborts(waiter_wait(&never));
    waiter_fini(&never);
    workers_stop(pool);
    loop_free(server);
    sim_free(s);
}

TEST(test_sim__sources_must_be_gone_before_it) {
    struct sim *s = sim_new(1, 0);
    struct loop *l = sim_loop_new(s, "l");
    assert_aborts(sim_free(s));
    loop_free(l);
    sim_free(s);
    sim_free(NULL);
}
