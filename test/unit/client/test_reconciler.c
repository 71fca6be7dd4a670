/* Tests of reconcilers: which keys run, when, how often, never twice at once. On the fake. */
#include "client/reconciler.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/meta.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "base/rand.h"
#include "base/sim.h"
#include "base/timefmt.h"
#include "base/workers.h"
#include "client/expect.h"
#include "client/reconciler_priv.h"
#include "fake_client.h"
#include "unit/unit.h"

struct scene {
    struct sim *sim;
    struct fake *fake;
    struct loop *loop;
    struct workers *workers;
    struct reconciler *rc;
    struct reconciler_options options;
    struct buf runs; /* keys that have run, with spaces between */
    /* what the next runs do */
    int fail, fail_code;
    int64_t requeue_ns, takes_ns;
    int running, running_max;
    unsigned failures;
    struct expectations *expectations;
    int more; /* so often the next run is asked for while it runs */
};

static void enqueue_x(void *arg) {
    reconciler_enqueue(((struct scene *)arg)->rc, S("x"));
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct scene *s = r->arg;
    buf_printf(&s->runs, "%.*s ", STR_ARG(key));
    s->running++;
    s->running_max = s->running > s->running_max ? s->running : s->running_max;
    s->failures = r->failures;
    r->requeue_after_ns = s->requeue_ns;
    s->requeue_ns = 0;
    for (; s->more > 0; s->more--)
        assert_ok(loop_call(s->loop, enqueue_x, s), NULL);
    if (s->takes_ns)
        clock_sleep_ns(r->clock, s->takes_ns);
    s->running--;
    if (s->fail > 0) {
        s->fail--;
        return err_set(err, ERR_AGAIN, "not now");
    }
    return 0;
}

static const struct reconciler_watch node_watch = {.of = {.kind = KIND(CORE_NODE)}, .map = map_self};

static void setup(struct scene *s) {
    *s = (struct scene){0};
    struct err err = ERR_INIT;
    s->sim = sim_new(unit_seed(), 1000 * NS_PER_SEC);
    s->fake = fake_new(s->sim);
    s->loop = sim_loop_new(s->sim, "test");
    assert_ok(workers_start(&(struct workers_options){.threads = 2, .queue_max = 64, .sim = s->sim},
                            &s->workers, &err),
              &err);
    s->options = (struct reconciler_options){
        .name = "test",
        .client = fake_client(s->fake),
        .loop = s->loop,
        .workers = s->workers,
        .watches = &node_watch,
        .n_watches = 1,
        .reconcile = reconcile,
        .arg = s,
    };
}

static void start(struct scene *s) {
    struct err err = ERR_INIT;
    assert_ok(reconciler_start(&s->options, &s->rc, &err), &err);
}

static void teardown(struct scene *s) {
    reconciler_stop(s->rc);
    sim_settle(s->sim);
    workers_stop(s->workers);
    loop_free(s->loop);
    fake_free(s->fake);
    sim_free(s->sim);
    buf_fini(&s->runs);
}

static void assert_runs(struct scene *s, const char *keys) {
    sim_settle(s->sim);
    assert_string_equal(buf_cstr(&s->runs), keys);
    buf_clear(&s->runs);
}

static void put(struct scene *s, const char *name) {
    char json[128];
    (void)snprintf(json, sizeof json, "{\"metadata\":{\"name\":\"%s\"}}", name);
    fake_put(s->fake, KIND(CORE_NODE), json);
}

TEST(test_reconciler__runs_what_is_there_and_what_changes) {
    struct scene s;
    setup(&s);
    put(&s, "a");
    put(&s, "b");
    start(&s);
    assert_runs(&s, "a b ");
    put(&s, "b");
    assert_runs(&s, "b ");
    fake_remove(s.fake, KIND(CORE_NODE), "", "a");
    assert_runs(&s, "a ");
    assert_int_equal(reconciler_busy(s.rc), 0);
    teardown(&s);
}

TEST(test_reconciler__equal_keys_that_wait_are_one) {
    struct scene s;
    setup(&s);
    start(&s);
    sim_settle(s.sim);
    for (int i = 0; i < 10; i++) {
        reconciler_enqueue(s.rc, S("x"));
        reconciler_enqueue(s.rc, S("y"));
    }
    assert_int_equal(reconciler_busy(s.rc), 2);
    assert_runs(&s, "x y ");
    teardown(&s);
}

TEST(test_reconciler__waits_for_the_first_list) {
    struct scene s;
    setup(&s);
    fake_watch_stop(s.fake);
    start(&s);
    reconciler_enqueue(s.rc, S("x"));
    assert_runs(&s, "");
    fake_watch_resume(s.fake);
    assert_runs(&s, "x ");
    teardown(&s);
}

TEST(test_reconciler__waits_for_kinds_it_only_reads) {
    struct scene s;
    setup(&s);
    const struct reconciler_watch watches[] = {{.of = {.kind = KIND(CORE_NODE)}}};
    s.options.watches = watches;
    fake_watch_stop(s.fake);
    start(&s);
    reconciler_enqueue(s.rc, S("x"));
    assert_runs(&s, "");
    fake_watch_resume(s.fake);
    assert_runs(&s, "x ");
    put(&s, "a");
    assert_runs(&s, "");
    teardown(&s);
}

TEST(test_reconciler__what_comes_in_while_it_runs_runs_once_more) {
    struct scene s;
    setup(&s);
    s.options.concurrency = 4;
    start(&s);
    sim_settle(s.sim);
    s.takes_ns = NS_PER_SEC;
    s.more = 3;
    reconciler_enqueue(s.rc, S("x"));
    sim_run_ns(s.sim, 5 * NS_PER_SEC);
    assert_runs(&s, "x x ");
    assert_int_equal(s.running_max, 1);
    teardown(&s);
}

TEST(test_reconciler__as_many_keys_at_once_as_allowed) {
    struct scene s;
    setup(&s);
    s.options.concurrency = 2;
    start(&s);
    sim_settle(s.sim);
    s.takes_ns = NS_PER_SEC;
    reconciler_enqueue(s.rc, S("x"));
    reconciler_enqueue(s.rc, S("y"));
    reconciler_enqueue(s.rc, S("z"));
    sim_run_ns(s.sim, 10 * NS_PER_SEC);
    assert_runs(&s, "x y z ");
    assert_int_equal(s.running_max, 2);
    teardown(&s);
}

TEST(test_reconciler__failures_come_back_later_and_later) {
    struct scene s;
    setup(&s);
    s.options.retry_min_ns = NS_PER_SEC;
    s.options.retry_max_ns = 3 * NS_PER_SEC;
    start(&s);
    sim_settle(s.sim);
    s.fail = 4;
    reconciler_enqueue(s.rc, S("x"));
    assert_runs(&s, "x ");
    sim_run_ns(s.sim, 999 * NS_PER_MS);
    assert_runs(&s, "");
    sim_run_ns(s.sim, 200 * NS_PER_MS); /* 1 s and up to a tenth more */
    assert_runs(&s, "x ");
    assert_int_equal(s.failures, 1);
    sim_run_ns(s.sim, 1800 * NS_PER_MS);
    assert_runs(&s, "");
    sim_run_ns(s.sim, 500 * NS_PER_MS);
    assert_runs(&s, "x ");
    sim_run_ns(s.sim, 3400 * NS_PER_MS); /* not 4 s */
    assert_runs(&s, "x ");
    sim_run_ns(s.sim, 3400 * NS_PER_MS);
    assert_runs(&s, "x ");
    assert_int_equal(s.failures, 4);
    sim_run_ns(s.sim, 100 * NS_PER_SEC); /* it has done */
    assert_runs(&s, "");
    reconciler_enqueue(s.rc, S("x"));
    assert_runs(&s, "x ");
    assert_int_equal(s.failures, 0);
    teardown(&s);
}

TEST(test_reconciler__success_forgets_the_retry) {
    struct scene s;
    setup(&s);
    s.options.retry_min_ns = NS_PER_SEC;
    start(&s);
    sim_settle(s.sim);
    s.fail = 1;
    reconciler_enqueue(s.rc, S("x"));
    assert_runs(&s, "x ");
    reconciler_enqueue(s.rc, S("x"));
    assert_runs(&s, "x ");
    sim_run_ns(s.sim, 10 * NS_PER_SEC);
    assert_runs(&s, "");
    teardown(&s);
}

TEST(test_reconciler__requeue_brings_it_back_once) {
    struct scene s;
    setup(&s);
    start(&s);
    sim_settle(s.sim);
    s.requeue_ns = NS_PER_MIN;
    reconciler_enqueue(s.rc, S("x"));
    assert_runs(&s, "x ");
    sim_run_ns(s.sim, NS_PER_MIN - 1);
    assert_runs(&s, "");
    sim_run_ns(s.sim, 1);
    assert_runs(&s, "x ");
    sim_run_ns(s.sim, 10 * NS_PER_MIN);
    assert_runs(&s, "");
    teardown(&s);
}

TEST(test_reconciler__of_two_delays_the_earlier_counts) {
    struct scene s;
    setup(&s);
    start(&s);
    sim_settle(s.sim);
    reconciler_enqueue_after(s.rc, S("x"), 10 * NS_PER_SEC);
    reconciler_enqueue_after(s.rc, S("x"), 2 * NS_PER_SEC);
    reconciler_enqueue_after(s.rc, S("x"), 5 * NS_PER_SEC);
    sim_run_ns(s.sim, 2 * NS_PER_SEC);
    assert_runs(&s, "x ");
    sim_run_ns(s.sim, 20 * NS_PER_SEC);
    assert_runs(&s, "");
    teardown(&s);
}

TEST(test_reconciler__stop_waits_for_runs_and_takes_no_more) {
    struct scene s;
    setup(&s);
    s.options.concurrency = 1;
    start(&s);
    sim_settle(s.sim);
    s.takes_ns = NS_PER_SEC;
    reconciler_enqueue(s.rc, S("x"));
    reconciler_enqueue(s.rc, S("y"));
    (void)sim_step(s.sim); /* ends inside of nothing: x has run to its end, or something else was done */
    reconciler_stop(s.rc);
    s.rc = NULL;
    assert_int_equal(s.running, 0);
    size_t runs = s.runs.n;
    sim_run_ns(s.sim, 10 * NS_PER_SEC);
    assert_int_equal(s.runs.n, runs);
    teardown(&s);
}

TEST(test_reconciler__a_full_pool_is_asked_again) {
    struct scene s;
    setup(&s);
    workers_stop(s.workers);
    struct err err = ERR_INIT;
    assert_ok(workers_start(&(struct workers_options){.threads = 1, .queue_max = 1, .sim = s.sim}, &s.workers,
                            &err),
              &err);
    s.options.workers = s.workers;
    s.options.concurrency = 8;
    start(&s);
    sim_settle(s.sim);
    for (char c = 'a'; c < 'i'; c++)
        reconciler_enqueue(s.rc, str_make(&c, 1));
    sim_run_ns(s.sim, NS_PER_SEC);
    assert_runs(&s, "a b c d e f g h ");
    teardown(&s);
}

TEST(test_reconciler__metrics_have_upstreams_names) {
    struct scene s;
    setup(&s);
    struct metrics *m = metrics_new();
    s.options.metrics = m;
    start(&s);
    sim_settle(s.sim);
    s.fail = 1;
    reconciler_enqueue(s.rc, S("x"));
    sim_run_ns(s.sim, NS_PER_SEC);
    _cleanup_buf struct buf text = BUF_INIT;
    metrics_write(m, &text);
    static const char *const lines[] = {
        "workqueue_adds_total{name=\"test\"} 2",
        "workqueue_retries_total{name=\"test\"} 1",
        "workqueue_depth{name=\"test\"} 0",
        "workqueue_queue_duration_seconds_count{name=\"test\"} 2",
        "workqueue_work_duration_seconds_count{name=\"test\"} 2",
        "workqueue_unfinished_work_seconds{name=\"test\"} 0",
        "workqueue_longest_running_processor_seconds{name=\"test\"} 0",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (str_find(buf_view(&text), str_from(lines[i])) < 0)
            fail_msg("%s is not in\n%s", lines[i], buf_cstr(&text));
    teardown(&s);
    metrics_free(m);
}

static int await_forever(struct reconcile *r, struct str key, struct err *err) {
    struct scene *s = r->arg;
    (void)err;
    buf_printf(&s->runs, "%.*s:%d ", STR_ARG(key), expectations_met_in(s->expectations, key, r));
    return 0;
}

TEST(test_reconciler__what_is_awaited_in_vain_brings_the_key_back) {
    struct scene s;
    setup(&s);
    s.expectations = expectations_new(sim_clock(s.sim));
    s.options.reconcile = await_forever;
    start(&s);
    sim_settle(s.sim);
    expect_creations(s.expectations, S("x"), 1);
    reconciler_enqueue(s.rc, S("x"));
    assert_runs(&s, "x:0 ");
    sim_run_ns(s.sim, 5 * NS_PER_MIN);
    assert_runs(&s, "");
    sim_run_ns(s.sim, NS_PER_SEC);
    assert_runs(&s, "x:1 ");
    expectations_free(s.expectations);
    teardown(&s);
}

/* -- the world -- */

static const struct kind *const replica_set = KIND(APPS_REPLICA_SET);

static int look(struct reconcile *r, struct str key, struct err *err) {
    struct scene *s = r->arg;
    (void)err;
    const struct object *o = world_get_key(&r->world, replica_set, key);
    if (!o)
        return 0;
    buf_printf(&s->runs, "%.*s:", STR_ARG(key));
    struct cow_iter it;
    cow_foreach (item, &it, world_owned(&r->world, &it, KIND(CORE_POD), o->meta->uid))
        buf_printf(&s->runs, " %.*s", STR_ARG(((const struct object *)item->value)->meta->name));
    int in = 0, on = 0;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_POD), S("x")))
        in++;
    cow_foreach (item, &it, world_on_node(&r->world, &it, S("n1")))
        on++;
    buf_printf(&s->runs, " in=%d on=%d ", in, on);
    assert_true(world_get(&r->world, replica_set, S("x"), S("rs")) == o);
    assert_true(world_revision(&r->world, replica_set) > 0);
    return 0;
}

TEST(test_reconciler__world_shows_owned_pods_and_owners_are_woken) {
    struct scene s;
    setup(&s);
    const struct reconciler_watch watches[] = {
        {.of = {.kind = KIND(APPS_REPLICA_SET)}, .map = map_self},
        {.of = {.kind = KIND(CORE_POD)}, .map = map_owner, .arg = (void *)(uintptr_t)replica_set},
    };
    s.options.watches = watches;
    s.options.n_watches = 2;
    s.options.reconcile = look;
    fake_put(s.fake, replica_set, "{\"metadata\":{\"name\":\"rs\",\"namespace\":\"x\",\"uid\":\"u1\"}}");
    start(&s);
    assert_runs(&s, "x/rs: in=0 on=0 ");
    fake_put(s.fake, KIND(CORE_POD),
             "{\"metadata\":{\"name\":\"p1\",\"namespace\":\"x\",\"ownerReferences\":[{\"apiVersion\":"
             "\"apps/v1\",\"kind\":\"ReplicaSet\",\"name\":\"rs\",\"uid\":\"u1\",\"controller\":true}]},"
             "\"spec\":{\"nodeName\":\"n1\"}}");
    assert_runs(&s, "x/rs: p1 in=1 on=1 ");
    fake_put(s.fake, KIND(CORE_POD), "{\"metadata\":{\"name\":\"p2\",\"namespace\":\"x\"}}");
    assert_runs(&s, "");
    /* who lost a pod hears of it, too */
    fake_put(s.fake, KIND(CORE_POD), "{\"metadata\":{\"name\":\"p1\",\"namespace\":\"x\"}}");
    assert_runs(&s, "x/rs: in=2 on=0 ");
    teardown(&s);
}

/* -- threads: each key is on one thread at a time, and the last change of each is seen -- */

#define KEYS 16

struct race {
    _Atomic(int) running[KEYS];
    _Atomic(int) wanted[KEYS], seen[KEYS];
    _Atomic(int) runs;
};

static int run_race(struct reconcile *r, struct str key, struct err *err) {
    struct race *race = r->arg;
    int k = key.p[0] - 'a';
    if (atomic_fetch_add(&race->running[k], 1) != 0)
        panic("key %c on two threads", 'a' + k);
    atomic_store(&race->seen[k], atomic_load(&race->wanted[k]));
    int n = atomic_fetch_add(&race->runs, 1);
    (void)atomic_fetch_sub(&race->running[k], 1);
    return n % 7 == 0 ? err_set(err, ERR_CONFLICT, "once more") : 0;
}

TEST(test_reconciler__one_key_on_one_thread) {
    struct fake *f = fake_new(NULL);
    struct err err = ERR_INIT;
    struct loop *loop;
    struct workers *workers;
    struct race race = {0};
    struct reconciler *rc;
    assert_ok(loop_start(&(struct loop_options){.name = "test"}, &loop, &err), &err);
    assert_ok(workers_start(&(struct workers_options){.threads = 4, .queue_max = 64}, &workers, &err), &err);
    struct reconciler_options o = {
        .name = "race",
        .client = fake_client(f),
        .loop = loop,
        .workers = workers,
        .concurrency = 4,
        .reconcile = run_race,
        .arg = &race,
        .watches = &node_watch,
        .n_watches = 1,
        .retry_min_ns = NS_PER_MS,
    };
    assert_ok(reconciler_start(&o, &rc, &err), &err);
    for (int i = 0; i < 20000; i++) {
        char c = (char)('a' + i % KEYS);
        (void)atomic_fetch_add(&race.wanted[i % KEYS], 1);
        reconciler_enqueue(rc, str_make(&c, 1));
    }
    while (reconciler_busy(rc))
        clock_sleep_ns(clock_system(), NS_PER_MS);
    for (int k = 0; k < KEYS; k++)
        assert_int_equal(race.seen[k], race.wanted[k]);
    reconciler_stop(rc);
    workers_stop(workers);
    loop_stop(loop);
    fake_free(f);
}
