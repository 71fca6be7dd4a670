/* Pods that wait: order, backoff, and what wakes them. */
#include "base/clock.h"
#include "base/timefmt.h"
#include "scheduler/plugins/plugins.h"
#include "scheduler/pod_queue.h"
#include "unit/unit.h"

struct bench {
    struct clock_sim time;
    struct pod_queue q;
    struct profile profile;
    struct pod_facts facts[3];
    struct core_pod bodies[3];
    struct object objects[3];
    struct sched_pod pods[3];
};

static const struct plugin_ops on_nodes = {.name = "OnNodes", .events = EVENT_NODE_ADD};

static void setup(struct bench *b) {
    *b = (struct bench){.profile = {.n_plugins = 2}};
    b->profile.plugins[0] = (struct plugin){.ops = &plugin_scheduling_gates};
    b->profile.plugins[1] = (struct plugin){.ops = &on_nodes, .index = 1};
    pod_queue_init(&b->q, clock_sim_init(&b->time, 0), NULL);
    b->q.before = plugin_priority_sort.before;
    for (int i = 0; i < 3; i++) {
        b->objects[i].body = &b->bodies[i];
        b->pods[i] =
            (struct sched_pod){.object = &b->objects[i], .facts = &b->facts[i], .profile = &b->profile};
    }
}

static void reject(struct bench *b, struct sched_pod *p) {
    assert_ptr_equal(pod_queue_pop(&b->q), p);
    p->rejected_by = 2;
    pod_queue_park(&b->q, p);
}

static void wake(struct bench *b) {
    (void)pod_queue_move(&b->q, &(struct sched_event){.type = EVENT_NODE_ADD});
}

TEST(test_pod_queue__important_first_then_as_they_came) {
    struct bench b;
    setup(&b);
    b.facts[2].priority = 5;
    for (int i = 0; i < 3; i++) {
        pod_queue_add(&b.q, &b.pods[i]);
        clock_sim_advance(&b.time, 1);
    }
    assert_ptr_equal(pod_queue_pop(&b.q), &b.pods[2]);
    assert_ptr_equal(pod_queue_pop(&b.q), &b.pods[0]);
    assert_ptr_equal(pod_queue_pop(&b.q), &b.pods[1]);
    assert_null(pod_queue_pop(&b.q));
    pod_queue_fini(&b.q);
}

TEST(test_pod_queue__only_events_of_who_rejected_it_wake_a_pod) {
    struct bench b;
    setup(&b);
    pod_queue_add(&b.q, &b.pods[0]);
    reject(&b, &b.pods[0]);
    assert_int_equal(pod_queue_move(&b.q, &(struct sched_event){.type = EVENT_POD_DELETE}), 0);
    assert_int_equal(b.pods[0].state, POD_UNSCHEDULABLE);
    assert_int_equal(pod_queue_move(&b.q, &(struct sched_event){.type = EVENT_NODE_ADD}), 1);
    assert_int_equal(b.pods[0].state, POD_BACKOFF);
    pod_queue_fini(&b.q);
}

TEST(test_pod_queue__the_backoff_doubles_up_to_ten_seconds) {
    static const int64_t seconds[] = {1, 2, 4, 8, 10, 10};
    struct bench b;
    setup(&b);
    pod_queue_add(&b.q, &b.pods[0]);
    for (int i = 0; i < 6; i++) {
        reject(&b, &b.pods[0]);
        wake(&b);
        assert_int_equal((b.pods[0].ready_ns - b.pods[0].parked_ns) / NS_PER_SEC, seconds[i]);
        clock_sim_advance(&b.time, seconds[i] * NS_PER_SEC);
        (void)pod_queue_flush(&b.q);
        assert_int_equal(b.pods[0].state, POD_ACTIVE);
    }
    pod_queue_fini(&b.q);
}

TEST(test_pod_queue__nothing_better_to_do_cuts_a_backoff_but_not_one_after_an_error) {
    struct bench b;
    setup(&b);
    pod_queue_add(&b.q, &b.pods[0]);
    reject(&b, &b.pods[0]);
    wake(&b);
    assert_int_equal(b.pods[0].state, POD_BACKOFF);
    assert_ptr_equal(pod_queue_pop(&b.q), &b.pods[0]);
    pod_queue_retry(&b.q, &b.pods[0]);
    assert_int_equal(b.pods[0].state, POD_BACKOFF);
    assert_null(pod_queue_pop(&b.q));
    pod_queue_fini(&b.q);
}

TEST(test_pod_queue__five_minutes_are_long_enough) {
    struct bench b;
    setup(&b);
    pod_queue_add(&b.q, &b.pods[0]);
    reject(&b, &b.pods[0]);
    clock_sim_advance(&b.time, QUEUE_PARKED_MAX_NS - 1);
    assert_int_equal(pod_queue_flush(&b.q), b.pods[0].parked_ns + QUEUE_PARKED_MAX_NS);
    assert_int_equal(b.pods[0].state, POD_UNSCHEDULABLE);
    clock_sim_advance(&b.time, 1);
    (void)pod_queue_flush(&b.q);
    assert_int_equal(b.pods[0].state, POD_ACTIVE);
    pod_queue_fini(&b.q);
}

TEST(test_pod_queue__any_pod_can_be_taken_out) {
    struct bench b;
    setup(&b);
    for (int i = 0; i < 3; i++)
        pod_queue_add(&b.q, &b.pods[i]);
    pod_queue_remove(&b.q, &b.pods[1]);
    pod_queue_remove(&b.q, &b.pods[1]);
    assert_int_equal(pod_queue_waiting(&b.q), 2);
    assert_ptr_equal(pod_queue_pop(&b.q), &b.pods[0]);
    assert_ptr_equal(pod_queue_pop(&b.q), &b.pods[2]);
    pod_queue_fini(&b.q);
}
