/* Tests of calls: shorthands, codes of answers, tries that are repeated. On the fake. */
#include "client/client.h"

#include <stdio.h>

#include "api/meta.h"
#include "api/types/core.h"
#include "base/clock.h"
#include "base/sim.h"
#include "base/timefmt.h"
#include "fake_client.h"
#include "unit/unit.h"

struct world_of_one {
    struct sim *sim;
    struct fake *fake;
    struct client *client;
};

static void setup(struct world_of_one *w) {
    w->sim = sim_new(unit_seed(), 1000 * NS_PER_SEC);
    w->fake = fake_new(w->sim);
    w->client = fake_client(w->fake);
}

static void teardown(struct world_of_one *w) {
    fake_free(w->fake);
    sim_free(w->sim);
}

static struct core_config_map config_map(const char *name) {
    return (struct core_config_map){.metadata = {.name = str_from(name), .namespace = S("default")}};
}

TEST(test_client__creates_gets_updates_deletes) {
    struct world_of_one w;
    setup(&w);
    struct err err = ERR_INIT;
    struct core_config_map cm = config_map("a");
    struct object *o;
    assert_ok(client_create(w.client, KIND(CORE_CONFIG_MAP), S("default"), &cm, &o, &err), &err);
    assert_str(o->meta->name, "a");
    assert_true(o->meta->uid.n == 36 && o->rv == 1);
    assert_fails(client_create(w.client, KIND(CORE_CONFIG_MAP), S("default"), &cm, NULL, &err), ERR_EXISTS);

    struct core_config_map changed = *(const struct core_config_map *)o->body;
    struct str_entry data = {S("k"), S("v")};
    changed.data = (struct str_map){&data, 1};
    struct object *updated;
    assert_ok(client_update(w.client, KIND(CORE_CONFIG_MAP), &changed, &updated, &err), &err);
    assert_fails(client_update(w.client, KIND(CORE_CONFIG_MAP), &changed, NULL, &err), ERR_CONFLICT);
    object_unref(o);

    assert_ok(client_get(w.client, KIND(CORE_CONFIG_MAP), S("default"), S("a"), &o, &err), &err);
    assert_true(o->rv == updated->rv);
    object_unref(o);
    object_unref(updated);
    struct client_delete other = {.uid = S("somebody else"), .grace_seconds = -1};
    assert_fails(client_delete(w.client, KIND(CORE_CONFIG_MAP), S("default"), S("a"), &other, &err),
                 ERR_CONFLICT);
    assert_ok(client_delete(w.client, KIND(CORE_CONFIG_MAP), S("default"), S("a"), NULL, &err), &err);
    assert_fails(client_get(w.client, KIND(CORE_CONFIG_MAP), S("default"), S("a"), NULL, &err),
                 ERR_NOT_FOUND);
    teardown(&w);
}

TEST(test_client__patches_and_status_are_apart) {
    struct world_of_one w;
    setup(&w);
    struct err err = ERR_INIT;
    fake_put(w.fake, KIND(CORE_NODE), "{\"metadata\":{\"name\":\"n1\"}}");
    struct object *o;
    assert_ok(client_patch(w.client, KIND(CORE_NODE), S(""), S("n1"), S("status"), CLIENT_PATCH_STRATEGIC,
                           S("{\"spec\":{\"unschedulable\":true},\"status\":{\"phase\":\"Running\"}}"), &o,
                           &err),
              &err);
    const struct core_node *n = o->body;
    assert_str(n->status.phase, "Running");
    assert_false(n->spec.unschedulable);
    object_unref(o);
    assert_ok(client_patch(w.client, KIND(CORE_NODE), S(""), S("n1"), S(""), CLIENT_PATCH_MERGE,
                           S("{\"spec\":{\"unschedulable\":true},\"status\":{\"phase\":\"Gone\"}}"), &o,
                           &err),
              &err);
    n = o->body;
    assert_str(n->status.phase, "Running");
    assert_true(n->spec.unschedulable);
    assert_int_equal(o->meta->generation, 2);
    object_unref(o);
    teardown(&w);
}

TEST(test_client__lists_select) {
    struct world_of_one w;
    setup(&w);
    fake_put(w.fake, KIND(CORE_POD),
             "{\"metadata\":{\"name\":\"a\",\"namespace\":\"x\",\"labels\":{\"app\":\"web\"}}}");
    fake_put(w.fake, KIND(CORE_POD), "{\"metadata\":{\"name\":\"b\",\"namespace\":\"x\"}}");
    fake_put(w.fake, KIND(CORE_POD),
             "{\"metadata\":{\"name\":\"c\",\"namespace\":\"y\",\"labels\":{\"app\":\"web\"}}}");
    struct err err = ERR_INIT;
    _cleanup_client_answer struct client_answer a = CLIENT_ANSWER_INIT;
    struct client_call call = {.verb = CLIENT_LIST, .kind = KIND(CORE_POD), .label_selector = S("app=web")};
    assert_ok(client_do(w.client, &call, &a, &err), &err);
    assert_int_equal(a.n_items, 2);
    client_answer_fini(&a);
    call.ns = S("x");
    assert_ok(client_do(w.client, &call, &a, &err), &err);
    assert_int_equal(a.n_items, 1);
    assert_str(a.items[0]->meta->name, "a");
    assert_str(a.resource_version, "3");
    teardown(&w);
}

TEST(test_client__codes_of_answers) {
    struct err err = ERR_INIT;
    struct meta_status st = {.reason = S("AlreadyExists"), .message = S("it exists")};
    assert_int_equal(client_error(200, NULL, &err), 0);
    assert_int_equal(client_error(409, &st, &err), ERR_EXISTS);
    assert_string_equal(err.msg, "it exists");
    st.reason = S("Conflict");
    assert_int_equal(client_error(409, &st, &err), ERR_CONFLICT);
    static const struct {
        int http, code;
    } rows[] = {{400, ERR_INVALID},     {401, ERR_UNAUTHORIZED}, {403, ERR_FORBIDDEN}, {404, ERR_NOT_FOUND},
                {405, ERR_UNSUPPORTED}, {406, ERR_UNSUPPORTED},  {410, ERR_EXPIRED},   {413, ERR_TOO_LARGE},
                {415, ERR_UNSUPPORTED}, {422, ERR_INVALID},      {429, ERR_AGAIN},     {500, ERR_INTERNAL},
                {503, ERR_AGAIN},       {504, ERR_TIMEOUT}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(client_error(rows[i].http, NULL, &err), rows[i].code);
}

/* Fails the first calls. */
struct failing {
    int left, code;
};

static int fail_first(void *arg, const struct client_call *call, const char **ret_reason) {
    struct failing *f = arg;
    (void)call;
    *ret_reason = "ServiceUnavailable";
    return f->left-- > 0 ? f->code : 0;
}

TEST(test_client__refusals_without_retry_after_stand) {
    struct world_of_one w;
    setup(&w);
    struct err err = ERR_INIT;
    struct failing f = {1, 503};
    fake_react(w.fake, fail_first, &f);
    fake_put(w.fake, KIND(CORE_NODE), "{\"metadata\":{\"name\":\"n1\"}}");
    assert_fails(client_get(w.client, KIND(CORE_NODE), S(""), S("n1"), NULL, &err), ERR_AGAIN);
    assert_int_equal(f.left, 0);
    teardown(&w);
}

TEST(test_client__reads_that_nobody_answered_are_repeated) {
    struct world_of_one w;
    setup(&w);
    struct err err = ERR_INIT;
    fake_put(w.fake, KIND(CORE_NODE), "{\"metadata\":{\"name\":\"n1\"}}");
    fake_set_faults(w.fake, &(struct fake_faults){.lost_answer = 0.4});
    for (int i = 0; i < 20; i++)
        assert_ok(client_get(w.client, KIND(CORE_NODE), S(""), S("n1"), NULL, &err), &err);
    fake_set_faults(w.fake, &(struct fake_faults){.lost_answer = 1});
    int64_t from = clock_mono_ns(sim_clock(w.sim));
    struct client_call call = {
        .verb = CLIENT_GET, .kind = KIND(CORE_NODE), .name = S("n1"), .timeout_ms = 3000};
    assert_fails(client_do(w.client, &call, NULL, &err), ERR_CLOSED);
    assert_true(clock_mono_ns(sim_clock(w.sim)) - from <= 3 * NS_PER_SEC);
    teardown(&w);
}

TEST(test_client__lost_writes_are_not_repeated) {
    struct world_of_one w;
    setup(&w);
    struct err err = ERR_INIT;
    fake_set_faults(w.fake, &(struct fake_faults){.lost_answer = 1});
    struct core_config_map cm = config_map("a");
    assert_fails(client_create(w.client, KIND(CORE_CONFIG_MAP), S("default"), &cm, NULL, &err), ERR_CLOSED);
    assert_string_equal(fake_calls(w.fake), "create configmaps default/a\n");
    teardown(&w);
}

TEST(test_client__deletion_waits_for_finalizers_and_grace) {
    struct world_of_one w;
    setup(&w);
    struct err err = ERR_INIT;
    fake_put(w.fake, KIND(CORE_POD),
             "{\"metadata\":{\"name\":\"p\",\"namespace\":\"x\",\"finalizers\":[\"a/b\"]},"
             "\"spec\":{\"nodeName\":\"n\",\"containers\":[{\"name\":\"c\"}]}}");
    assert_ok(client_delete(w.client, KIND(CORE_POD), S("x"), S("p"), NULL, &err), &err);
    struct object *o = fake_get(w.fake, KIND(CORE_POD), "x", "p");
    assert_true(o->meta->deletion_timestamp.set);
    assert_int_equal(o->meta->deletion_grace_period_seconds.v, 30);
    object_unref(o);
    assert_ok(client_patch(w.client, KIND(CORE_POD), S("x"), S("p"), S(""), CLIENT_PATCH_MERGE,
                           S("{\"metadata\":{\"finalizers\":null}}"), NULL, &err),
              &err);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 0);
    teardown(&w);
}

TEST(test_client__works_between_threads) {
    struct fake *f = fake_new(NULL);
    struct err err = ERR_INIT;
    struct core_config_map cm = config_map("a");
    for (int i = 0; i < 50; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "cm-%d", i);
        cm.metadata.name = str_from(name);
        assert_ok(client_create(fake_client(f), KIND(CORE_CONFIG_MAP), S("default"), &cm, NULL, &err), &err);
    }
    assert_int_equal(fake_count(f, KIND(CORE_CONFIG_MAP)), 50);
    fake_free(f);
}
