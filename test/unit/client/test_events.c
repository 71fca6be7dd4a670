/* Tests of the event recorder and its correlation. On the fake. */
#include "client/events.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/meta.h"
#include "api/types/core.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/sim.h"
#include "base/timefmt.h"
#include "client/event_correlate.h"
#include "fake_client.h"
#include "unit/unit.h"

struct scene {
    struct sim *sim;
    struct fake *fake;
    struct loop *loop;
    struct event_recorder *recorder;
    struct object *pod;
};

static void setup(struct scene *s) {
    struct err err = ERR_INIT;
    s->sim = sim_new(unit_seed(), 1000 * NS_PER_SEC);
    s->fake = fake_new(s->sim);
    s->loop = sim_loop_new(s->sim, "test");
    fake_put(s->fake, KIND(CORE_POD), "{\"metadata\":{\"name\":\"p\",\"namespace\":\"x\",\"uid\":\"u1\"}}");
    s->pod = fake_get(s->fake, KIND(CORE_POD), "x", "p");
    assert_ok(
        event_recorder_new(fake_client(s->fake), s->loop, "test-controller", S("host"), &s->recorder, &err),
        &err);
}

static void teardown(struct scene *s) {
    event_recorder_free(s->recorder);
    object_unref(s->pod);
    loop_free(s->loop);
    fake_free(s->fake);
    sim_free(s->sim);
}

/* "Reason message ×count", one per line, in order of their names. */
static void assert_events(struct scene *s, const char *wanted) {
    sim_settle(s->sim);
    _cleanup_buf struct buf text = BUF_INIT;
    struct object **all;
    size_t n = fake_all(s->fake, KIND(CORE_EVENT), &all);
    for (size_t i = 0; i < n; i++) {
        const struct core_event *e = all[i]->body;
        buf_printf(&text, "%.*s %.*s x%d\n", STR_ARG(e->reason), STR_ARG(e->message), (int)e->count);
        object_unref(all[i]);
    }
    free(all);
    assert_string_equal(buf_cstr(&text), wanted);
}

TEST(test_events__fields_are_upstreams) {
    struct scene s;
    setup(&s);
    event_record(s.recorder, s.pod, "Warning", "Failed", "no %s", "luck");
    sim_settle(s.sim);
    struct object **all;
    assert_int_equal(fake_all(s.fake, KIND(CORE_EVENT), &all), 1);
    const struct core_event *e = all[0]->body;
    assert_str(e->metadata.namespace, "x");
    assert_true(str_has_prefix(e->metadata.name, S("p.")));
    assert_str(e->involved_object.kind, "Pod");
    assert_str(e->involved_object.api_version, "v1");
    assert_str(e->involved_object.uid, "u1");
    assert_str(e->involved_object.resource_version, "1");
    assert_str(e->type, "Warning");
    assert_str(e->message, "no luck");
    assert_str(e->source.component, "test-controller");
    assert_str(e->source.host, "host");
    assert_str(e->reporting_component, "test-controller");
    assert_int_equal(e->first_timestamp.sec, 1000);
    assert_int_equal(e->last_timestamp.sec, 1000);
    object_unref(all[0]);
    free(all);
    teardown(&s);
}

TEST(test_events__cluster_scoped_objects_have_theirs_in_default) {
    struct scene s;
    setup(&s);
    struct core_object_reference ref = {.kind = S("Node"), .name = S("n1")};
    event_record_ref(s.recorder, &ref, "Normal", "Ready", "it is");
    sim_settle(s.sim);
    assert_true(str_has_prefix(str_from(fake_calls(s.fake)), S("create events default/n1.")));
    teardown(&s);
}

TEST(test_events__equal_ones_are_counted) {
    struct scene s;
    setup(&s);
    for (int i = 0; i < 3; i++) {
        event_record(s.recorder, s.pod, "Normal", "Again", "the same");
        sim_run_ns(s.sim, NS_PER_SEC);
    }
    event_record(s.recorder, s.pod, "Normal", "Other", "one more");
    assert_events(&s, "Again the same x3\nOther one more x1\n");
    struct object **all;
    size_t n = fake_all(s.fake, KIND(CORE_EVENT), &all);
    const struct core_event *e = all[0]->body;
    assert_int_equal(e->last_timestamp.sec - e->first_timestamp.sec, 2);
    for (size_t i = 0; i < n; i++)
        object_unref(all[i]);
    free(all);
    teardown(&s);
}

TEST(test_events__one_that_is_gone_is_made_again) {
    struct scene s;
    setup(&s);
    event_record(s.recorder, s.pod, "Normal", "Again", "the same");
    sim_settle(s.sim);
    struct object **all;
    assert_int_equal(fake_all(s.fake, KIND(CORE_EVENT), &all), 1);
    char name[128];
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(all[0]->meta->name));
    fake_remove(s.fake, KIND(CORE_EVENT), "x", name);
    object_unref(all[0]);
    free(all);
    event_record(s.recorder, s.pod, "Normal", "Again", "the same");
    assert_events(&s, "Again the same x2\n");
    teardown(&s);
}

TEST(test_events__similar_ones_are_combined) {
    struct scene s;
    setup(&s);
    for (int i = 0; i < 12; i++)
        event_record(s.recorder, s.pod, "Normal", "Many", "number %d", i);
    sim_settle(s.sim);
    struct object **all;
    size_t n = fake_all(s.fake, KIND(CORE_EVENT), &all);
    assert_int_equal(n, 10); /* nine of their own, one for the rest */
    int combined = 0;
    for (size_t i = 0; i < n; i++) {
        const struct core_event *e = all[i]->body;
        if (str_has_prefix(e->message, S("(combined from similar events): ")))
            combined = e->count;
        object_unref(all[i]);
    }
    free(all);
    assert_int_equal(combined, 3);
    teardown(&s);
}

TEST(test_events__a_source_has_a_limit_for_each_object) {
    struct scene s;
    setup(&s);
    for (int i = 0; i < 40; i++)
        event_record(s.recorder, s.pod, "Normal", "Again", "the same");
    assert_events(&s, "Again the same x25\n");
    sim_run_ns(s.sim, 301 * NS_PER_SEC);
    event_record(s.recorder, s.pod, "Normal", "Again", "the same");
    event_record(s.recorder, s.pod, "Normal", "Again", "the same");
    assert_events(&s, "Again the same x41\n"); /* those that were not told count */
    teardown(&s);
}

TEST(test_events__refused_ones_come_back) {
    struct scene s;
    setup(&s);
    fake_set_faults(s.fake, &(struct fake_faults){.unavailable = 1});
    event_record(s.recorder, s.pod, "Normal", "Late", "but there");
    sim_run_ns(s.sim, 25 * NS_PER_SEC);
    assert_events(&s, "");
    fake_set_faults(s.fake, &(struct fake_faults){0});
    sim_run_ns(s.sim, 10 * NS_PER_SEC);
    assert_events(&s, "Late but there x1\n");
    teardown(&s);
}

TEST(test_events__hopeless_ones_are_given_up) {
    struct scene s;
    setup(&s);
    fake_set_faults(s.fake, &(struct fake_faults){.unavailable = 1});
    event_record(s.recorder, s.pod, "Normal", "Never", "there");
    sim_run_ns(s.sim, 300 * NS_PER_SEC);
    fake_set_faults(s.fake, &(struct fake_faults){0});
    sim_run_ns(s.sim, 300 * NS_PER_SEC);
    assert_events(&s, "");
    event_record(s.recorder, s.pod, "Normal", "Next", "one");
    assert_events(&s, "Next one x1\n");
    teardown(&s);
}

TEST(test_events__components_share_a_queue) {
    struct scene s;
    setup(&s);
    event_record(event_recorder_as(s.recorder, "other-controller"), s.pod, "Normal", "Other", "hello");
    sim_settle(s.sim);
    struct object **all;
    assert_int_equal(fake_all(s.fake, KIND(CORE_EVENT), &all), 1);
    const struct core_event *e = all[0]->body;
    assert_str(e->source.component, "other-controller");
    object_unref(all[0]);
    free(all);
    teardown(&s);
}

TEST(test_events__what_waits_is_sent_before_the_end) {
    struct scene s;
    setup(&s);
    event_record(s.recorder, s.pod, "Normal", "Last", "words");
    event_recorder_free(s.recorder);
    s.recorder = NULL;
    assert_events(&s, "Last words x1\n");
    event_record(NULL, s.pod, "Normal", "Nothing", "happens");
    teardown(&s);
}

TEST(test_events__the_end_does_not_wait_for_ever) {
    struct scene s;
    setup(&s);
    fake_set_faults(s.fake, &(struct fake_faults){.unavailable = 1});
    event_record(s.recorder, s.pod, "Normal", "Never", "sent");
    sim_run_ns(s.sim, NS_PER_SEC);
    event_recorder_free(s.recorder);
    s.recorder = NULL;
    teardown(&s);
}

TEST(test_events__long_texts_are_cut) {
    struct scene s;
    setup(&s);
    char text[3000], name[254];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    memset(name + 230, '.', 10);
    struct core_object_reference ref = {.kind = S("Node"), .name = str_from(name)};
    event_record_ref(s.recorder, &ref, "Normal", "Long", "%s", text);
    sim_settle(s.sim);
    struct object **all;
    assert_int_equal(fake_all(s.fake, KIND(CORE_EVENT), &all), 1);
    const struct core_event *e = all[0]->body;
    assert_int_equal(e->message.n, 1024);
    assert_true(e->metadata.name.n <= 253);
    assert_true(str_find(e->metadata.name, S("..")) < 0);
    object_unref(all[0]);
    free(all);
    teardown(&s);
}

TEST(test_event_correlate__forgets_what_was_not_used_for_longest) {
    struct event_correlator *c = event_correlator_new();
    _cleanup_arena struct arena a = ARENA_INIT;
    uint64_t key;
    for (unsigned i = 0; i <= EVENT_CACHE_MAX; i++) {
        struct core_event e = {.metadata = {.name = S("e")}, .count = 1, .reason = S("R")};
        e.involved_object.name = arena_printf(&a, "o%u", i);
        assert_int_equal(event_correlate(c, &e, 1, &a, &key), EVENT_CREATE);
        event_correlator_sent(c, key, &e);
    }
    struct core_event last = {.reason = S("R"), .involved_object = {.name = S("o4096")}, .count = 1};
    assert_int_equal(event_correlate(c, &last, 1, &a, &key), EVENT_PATCH);
    assert_str(last.metadata.name, "e");
    struct core_event first = {.reason = S("R"), .involved_object = {.name = S("o0")}, .count = 1};
    assert_int_equal(event_correlate(c, &first, 1, &a, &key), EVENT_CREATE);
    event_correlator_free(c);
}
