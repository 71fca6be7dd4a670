/* Tests of writes that are awaited: a key does not run on a picture that is older than what it wrote. */
#include "client/writes.h"

#include <stdio.h>

#include "api/meta.h"
#include "api/types/core.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/sim.h"
#include "base/timefmt.h"
#include "base/workers.h"
#include "client/reconciler.h"
#include "fake_client.h"
#include "unit/unit.h"

struct scene {
    struct sim *sim;
    struct fake *fake;
    struct loop *loop;
    struct workers *workers;
    struct reconciler *rc;
    struct buf runs;
    void (*write)(struct reconcile *r, struct scene *s, struct str key); /* of the first run */
    bool lose_answer;                                                    /* of that write */
};

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct scene *s = r->arg;
    (void)err;
    size_t pods = 0;
    struct cow_iter it;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_POD), S("default")))
        pods += !meta_is_deleting(((const struct object *)item->value)->meta);
    buf_printf(&s->runs, "%.*s:%zu ", STR_ARG(key), pods);
    if (!s->write)
        return 0;
    if (s->lose_answer)
        fake_set_faults(s->fake, &(struct fake_faults){.lost_answer = 1});
    s->write(r, s, key);
    s->write = NULL;
    fake_set_faults(s->fake, &(struct fake_faults){0});
    return 0;
}

static void setup(struct scene *s) {
    static const struct reconciler_watch watches[] = {{.of = {.kind = KIND(CORE_POD)}, .written = true}};
    *s = (struct scene){0};
    struct err err = ERR_INIT;
    s->sim = sim_new(unit_seed(), 1000 * NS_PER_SEC);
    s->fake = fake_new(s->sim);
    s->loop = sim_loop_new(s->sim, "test");
    assert_ok(workers_start(&(struct workers_options){.threads = 2, .queue_max = 64, .sim = s->sim},
                            &s->workers, &err),
              &err);
    struct reconciler_options o = {.name = "test",
                                   .client = fake_client(s->fake),
                                   .writer = fake_client(s->fake),
                                   .loop = s->loop,
                                   .workers = s->workers,
                                   .watches = watches,
                                   .n_watches = 1,
                                   .reconcile = reconcile,
                                   .arg = s};
    fake_put(s->fake, KIND(CORE_POD), "{\"metadata\":{\"name\":\"a\",\"namespace\":\"default\"}}");
    assert_ok(reconciler_start(&o, &s->rc, &err), &err);
    sim_settle(s->sim);
    fake_watch_stop(s->fake);
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

static void assert_runs(struct scene *s, const char *runs) {
    sim_settle(s->sim);
    assert_string_equal(buf_cstr(&s->runs), runs);
    buf_clear(&s->runs);
}

static void run(struct scene *s, const char *key) {
    reconciler_enqueue(s->rc, str_from(key));
}

static void create_named(struct reconcile *r, struct scene *s, struct str key) {
    (void)key;
    struct core_pod p = {.metadata = {.name = S("b"), .namespace = S("default")}};
    int rc = client_create(r->writer, KIND(CORE_POD), S("default"), &p, NULL, NULL);
    assert_int_equal(rc, s->lose_answer ? ERR_CLOSED : 0);
}

static void create_generated(struct reconcile *r, struct scene *s, struct str key) {
    (void)key;
    struct str_entry label = {S("app"), S("web")};
    struct core_pod p = {
        .metadata = {.generate_name = S("web-"), .namespace = S("default"), .labels = {&label, 1}}};
    int rc = client_create(r->writer, KIND(CORE_POD), S("default"), &p, NULL, NULL);
    assert_int_equal(rc, s->lose_answer ? ERR_CLOSED : 0);
}

static void delete_pod(struct reconcile *r, struct scene *s, struct str key) {
    (void)key;
    const struct object *o = world_get(&r->world, KIND(CORE_POD), S("default"), S("a"));
    struct client_delete options = {.uid = o->meta->uid, .grace_seconds = 0};
    int rc = client_delete(r->writer, KIND(CORE_POD), S("default"), S("a"), &options, NULL);
    assert_int_equal(rc, s->lose_answer ? ERR_CLOSED : 0);
}

static void create_node(struct reconcile *r, struct scene *s, struct str key) {
    (void)s, (void)key;
    struct core_node n = {.metadata = {.name = S("n")}};
    assert_ok(client_create(r->writer, KIND(CORE_NODE), S(""), &n, NULL, NULL), NULL);
}

/* The key runs, writes, and does not run again before the informer tells of it. */
static void waits_for(void (*write)(struct reconcile *, struct scene *, struct str), bool lose_answer,
                      const char *after) {
    struct scene s;
    setup(&s);
    s.write = write;
    s.lose_answer = lose_answer;
    run(&s, "k");
    assert_runs(&s, "k:1 ");
    run(&s, "k");
    assert_runs(&s, "");
    run(&s, "other"); /* wrote nothing */
    assert_runs(&s, "other:1 ");
    fake_watch_resume(s.fake);
    assert_runs(&s, after);
    run(&s, "k");
    assert_runs(&s, after);
    teardown(&s);
}

TEST(test_writes__what_was_made_is_awaited) {
    waits_for(create_named, false, "k:2 ");
    waits_for(create_generated, false, "k:2 ");
}

TEST(test_writes__what_was_deleted_is_awaited) {
    waits_for(delete_pod, false, "k:0 ");
}

TEST(test_writes__without_an_answer_it_is_looked_up) {
    waits_for(create_named, true, "k:2 ");
    waits_for(create_generated, true, "k:2 ");
    waits_for(delete_pod, true, "k:0 ");
}

static int refuse_reads(void *arg, const struct client_call *call, const char **ret_reason) {
    (void)arg;
    *ret_reason = "ServiceUnavailable";
    return call->verb == CLIENT_GET ? 503 : 0;
}

static void create_and_lose(struct reconcile *r, struct scene *s, struct str key) {
    create_named(r, s, key);
    fake_remove(s->fake, KIND(CORE_POD), "default", "b");
}

TEST(test_writes__what_was_undone_unseen_brings_the_key_back) {
    struct scene s;
    setup(&s);
    s.write = create_and_lose;
    run(&s, "k");
    assert_runs(&s, "k:1 ");
    sim_run_ns(s.sim, 2 * NS_PER_SEC);
    assert_runs(&s, "");
    fake_watch_resume(s.fake);
    sim_run_ns(s.sim, 2 * NS_PER_SEC);
    assert_runs(&s, "k:1 ");
    sim_run_ns(s.sim, 100 * NS_PER_SEC);
    assert_runs(&s, "");
    teardown(&s);
}

TEST(test_writes__what_cannot_be_looked_up_is_looked_up_later) {
    struct scene s;
    setup(&s);
    s.write = create_named;
    s.lose_answer = true;
    run(&s, "k");
    assert_runs(&s, "k:1 ");
    fake_react(s.fake, refuse_reads, NULL);
    run(&s, "k");
    sim_run_ns(s.sim, NS_PER_SEC);
    fake_watch_resume(s.fake);
    assert_runs(&s, "");
    fake_react(s.fake, NULL, NULL);
    sim_run_ns(s.sim, 10 * NS_PER_SEC);
    assert_runs(&s, "k:2 ");
    teardown(&s);
}

TEST(test_writes__kinds_that_are_not_followed_are_not_awaited) {
    struct scene s;
    setup(&s);
    s.write = create_node;
    run(&s, "k");
    assert_runs(&s, "k:1 ");
    run(&s, "k");
    assert_runs(&s, "k:1 ");
    teardown(&s);
}

TEST(test_writes__what_never_shows_holds_nobody_up_forever) {
    struct scene s;
    setup(&s);
    s.write = create_named;
    run(&s, "k");
    assert_runs(&s, "k:1 ");
    run(&s, "k");
    sim_run_ns(s.sim, 4 * NS_PER_MIN);
    assert_runs(&s, "");
    sim_run_ns(s.sim, 2 * NS_PER_MIN);
    assert_runs(&s, "k:1 ");
    teardown(&s);
}
