/* base/clock and base/timer */
#include "base/clock.h"
#include "base/rand.h"
#include "base/timer.h"
#include "unit/unit.h"

TEST(test_clock__system_goes_forward) {
    struct clock *c = clock_system();
    int64_t before = clock_mono_ns(c);
    clock_sleep_ns(c, 2000000);
    assert_true(clock_mono_ns(c) - before >= 2000000);
    assert_true(clock_wall_sec(c) > 1600000000);
    clock_sleep_ns(c, -5);
}

TEST(test_clock__simulated_stands_still_until_advanced) {
    struct clock_sim sim;
    struct clock *c = clock_sim_init(&sim, 1700000000000000000);
    int64_t mono = clock_mono_ns(c);
    assert_int_equal(clock_mono_ns(c), mono);
    clock_sim_advance(&sim, 5);
    assert_int_equal(clock_mono_ns(c), mono + 5);
    assert_true(clock_wall_ns(c) == 1700000000000000005);
    clock_sim_advance_to(&sim, mono); /* has passed */
    assert_int_equal(clock_mono_ns(c), mono + 5);
}

TEST(test_clock__wall_steps_leave_monotonic_alone) {
    struct clock_sim sim;
    struct clock *c = clock_sim_init(&sim, 100);
    int64_t mono = clock_mono_ns(c);
    clock_sim_set_wall(&sim, -1);
    assert_int_equal(clock_mono_ns(c), mono);
    assert_int_equal(clock_wall_ns(c), -1);
    assert_int_equal(clock_wall_sec(c), -1);
}

TEST(test_clock__simulated_sleep_advances) {
    struct clock_sim sim;
    struct clock *c = clock_sim_init(&sim, 0);
    clock_sleep_ns(c, 3000000000);
    assert_int_equal(clock_wall_sec(c), 3);
}

TEST(test_clock__simulated_time_does_not_go_back) {
    struct clock_sim sim;
    clock_sim_init(&sim, 0);
    assert_aborts(clock_sim_advance(&sim, -1));
}

/* -- timers -- */

struct probe {
    struct timer timer;
    struct timers *set;
    int64_t again_ns; /* > 0: starts itself again at this time */
    struct probe *stops;
    unsigned fired;
};

static struct probe *last_fired[64];
static size_t n_fired;

static void fire(struct timer *t) {
    struct probe *p = (struct probe *)t;
    p->fired++;
    last_fired[n_fired++ % 64] = p;
    if (p->again_ns)
        timers_start(p->set, t, p->again_ns);
    if (p->stops)
        timers_stop(p->set, &p->stops->timer);
}

static void setup(struct timers *ts, struct probe *probes, size_t n) {
    *ts = (struct timers)TIMERS_INIT;
    n_fired = 0;
    for (size_t i = 0; i < n; i++)
        probes[i] = (struct probe){.timer = {.fire = fire}, .set = ts};
}

TEST(test_timer__fires_in_order_of_time_then_start) {
    struct timers ts;
    struct probe p[4];
    setup(&ts, p, 4);
    timers_start(&ts, &p[0].timer, 30);
    timers_start(&ts, &p[1].timer, 10);
    timers_start(&ts, &p[2].timer, 20);
    timers_start(&ts, &p[3].timer, 10);
    assert_int_equal(timers_next_ns(&ts), 10);
    assert_int_equal(timers_run(&ts, 9), 0);
    assert_int_equal(timers_run(&ts, 20), 3);
    assert_ptr_equal(last_fired[0], &p[1]);
    assert_ptr_equal(last_fired[1], &p[3]);
    assert_ptr_equal(last_fired[2], &p[2]);
    assert_true(timer_running(&p[0].timer));
    assert_false(timer_running(&p[1].timer));
    timers_fini(&ts);
    assert_false(timer_running(&p[0].timer));
}

TEST(test_timer__start_moves_a_running_one) {
    struct timers ts;
    struct probe p[2];
    setup(&ts, p, 2);
    timers_start(&ts, &p[0].timer, 10);
    timers_start(&ts, &p[1].timer, 20);
    timers_start(&ts, &p[0].timer, 30);
    timers_start(&ts, &p[1].timer, 5);
    assert_int_equal(timers_run(&ts, 10), 1);
    assert_int_equal(p[1].fired, 1);
    assert_int_equal(timers_next_ns(&ts), 30);
    timers_fini(&ts);
}

TEST(test_timer__started_while_firing_waits_for_the_next_round) {
    struct timers ts;
    struct probe p[1];
    setup(&ts, p, 1);
    p[0].again_ns = 10;
    timers_start(&ts, &p[0].timer, 10);
    assert_int_equal(timers_run(&ts, 10), 1);
    assert_true(timer_running(&p[0].timer));
    assert_int_equal(timers_run(&ts, 11), 1);
    timers_fini(&ts);
}

TEST(test_timer__may_stop_another_that_is_due) {
    struct timers ts;
    struct probe p[2];
    setup(&ts, p, 2);
    p[0].stops = &p[1];
    timers_start(&ts, &p[0].timer, 10);
    timers_start(&ts, &p[1].timer, 10);
    assert_int_equal(timers_run(&ts, 10), 1);
    assert_int_equal(p[1].fired, 0);
    timers_stop(&ts, &p[1].timer);
    assert_int_equal(timers_next_ns(&ts), INT64_MAX);
    timers_fini(&ts);
}

TEST(test_timer__random_starts_and_stops_keep_order) {
    struct timers ts;
    static struct probe p[50];
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    setup(&ts, p, 50);
    int64_t now = 0;
    for (unsigned step = 0; step < 20000; step++) {
        struct timer *t = &p[rand_below(r, 50)].timer;
        if (rand_chance(r, 0.3))
            timers_stop(&ts, t);
        else
            timers_start(&ts, t, now + rand_range(r, 1, 100));
        timers_check(&ts);
        if (step % 10 == 0) {
            now += 7;
            n_fired = 0;
            (void)timers_run(&ts, now);
            for (size_t i = 1; i < n_fired; i++)
                assert_true(last_fired[i - 1]->timer.due_ns <= last_fired[i]->timer.due_ns);
            assert_true(timers_next_ns(&ts) > now);
        }
    }
    timers_fini(&ts);
}
