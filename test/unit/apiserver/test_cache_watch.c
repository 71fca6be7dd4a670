/* Watching the cache: order, filters, resuming, falling behind. */
#include <stdio.h>

#include "api/types/ids.h"
#include "base/arena.h"
#include "base/loop.h"
#include "cache_world.h"
#include "unit/unit.h"

static const struct kind *config_map(void) {
    return &kinds[KIND_CORE_CONFIG_MAP];
}

TEST(test_cache_watch__events_come_in_order_once) {
    struct cache_world w;
    struct recorder r = {0};
    cache_world_init(&w);
    assert_int_equal(recorder_start(&r, cache_world_config_maps(&w), w.loop, NULL, NULL, 0), 0);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "1", 0);
    (void)cache_world_put_pod(&w, CACHE_CREATE, "ns", "p", "", 0);
    (void)cache_world_put_config_map(&w, CACHE_UPDATE, "ns", "a", "2", 0);
    (void)cache_world_delete(&w, config_map(), "ns", "a", 0);
    assert_int_equal(r.wakes, 0);
    sim_settle(w.sim);
    assert_string_equal(recorder_take(&r), "+ns/a@1=1 ~ns/a@3=2 -ns/a@4=2");
    assert_int_equal(r.wakes, 1);
    assert_int_equal(r.revision, 4);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "3", 0);
    sim_settle(w.sim);
    assert_string_equal(recorder_take(&r), "+ns/a@5=3");
    assert_int_equal(r.wakes, 2);
    cache_unwatch(&r.watcher);
    (void)cache_world_put_config_map(&w, CACHE_UPDATE, "ns", "a", "4", 0);
    sim_settle(w.sim);
    assert_int_equal(r.wakes, 2);
    cache_world_fini(&w);
}

TEST(test_cache_watch__deleted_objects_carry_the_revision_of_the_deletion) {
    struct cache_world w;
    struct cache_watcher watcher = {0};
    struct cache_event e[4];
    struct recorder r = {0};
    cache_world_init(&w);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "1", 0);
    assert_int_equal(recorder_start(&r, cache_world_config_maps(&w), w.loop, NULL, NULL, 1), 0);
    (void)cache_world_delete(&w, config_map(), "ns", "a", 0);
    assert_int_equal(cache_next(&r.watcher, e, 4, NULL), 1);
    assert_int_equal(e[0].type, CACHE_DELETED);
    assert_int_equal(e[0].object->rv, 2);
    assert_int_equal(e[0].previous->rv, 1);
    assert_str(
        object_form(e[0].object, FORM_JSON),
        "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\","
        "\"resourceVersion\":\"2\"},\"data\":{\"v\":\"1\"}}");
    cache_event_fini(&e[0]);
    cache_unwatch(&r.watcher);
    cache_unwatch(&watcher); /* never started */
    cache_world_fini(&w);
}

TEST(test_cache_watch__the_last_state_shown_may_be_given_with_a_deletion) {
    struct cache_world w;
    struct recorder r = {0};
    cache_world_init(&w);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "1", 0);
    assert_int_equal(recorder_start(&r, cache_world_config_maps(&w), w.loop, NULL, NULL, 1), 0);
    assert_int_equal(cache_world_put_config_map(&w, CACHE_DELETE, "ns", "a", "last", 1).rv, 2);
    sim_settle(w.sim);
    assert_string_equal(recorder_take(&r), "-ns/a@2=last");
    cache_unwatch(&r.watcher);
    cache_world_fini(&w);
}

TEST(test_cache_watch__resumes_after_a_revision) {
    struct cache_world w;
    struct recorder r = {0};
    cache_world_init(&w);
    for (int i = 0; i < 5; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "n%d", i);
        (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", name, "1", 0);
        (void)cache_world_put_pod(&w, CACHE_CREATE, "ns", name, "", 0);
    }
    assert_int_equal(recorder_start(&r, cache_world_config_maps(&w), w.loop, NULL, NULL, 4), 0);
    sim_settle(w.sim);
    assert_string_equal(recorder_take(&r), "+ns/n2@5=1 +ns/n3@7=1 +ns/n4@9=1");
    assert_int_equal(r.revision, 10);
    cache_unwatch(&r.watcher);
    cache_world_fini(&w);
}

TEST(test_cache_watch__resumes_after_a_restart) {
    struct cache_world w;
    struct recorder r = {0};
    cache_world_init(&w);
    const unsigned writes = CACHE_REPLAY + 1000;
    char want[128];
    for (unsigned i = 0; i < writes; i++)
        (void)cache_world_put_config_map(&w, i ? CACHE_UPDATE : CACHE_CREATE, "ns", "a", "1", 0);
    (void)cache_world_delete(&w, config_map(), "ns", "a", 0);
    cache_world_reopen(&w);
    assert_int_equal(recorder_start(&r, cache_world_config_maps(&w), w.loop, NULL, NULL, writes - 2), 0);
    sim_settle(w.sim);
    (void)snprintf(want, sizeof want, "~ns/a@%u=1 ~ns/a@%u=1 -ns/a@%u=1", writes - 1, writes, writes + 1);
    assert_string_equal(recorder_take(&r), want);
    cache_unwatch(&r.watcher);
    assert_int_equal(recorder_start(&r, cache_world_config_maps(&w), w.loop, NULL, NULL, 100), ERR_EXPIRED);
    assert_int_equal(
        recorder_start(&r, cache_world_config_maps(&w), w.loop, NULL, NULL, writes + 1 - CACHE_REPLAY), 0);
    cache_unwatch(&r.watcher);
    cache_world_fini(&w);
}

TEST(test_cache_watch__a_revision_to_come_is_waited_for) {
    struct cache_world w;
    struct recorder r = {0};
    cache_world_init(&w);
    assert_int_equal(recorder_start(&r, cache_world_config_maps(&w), w.loop, NULL, NULL, 2), 0);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "1", 0);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "b", "1", 0);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "c", "1", 0);
    sim_settle(w.sim);
    assert_string_equal(recorder_take(&r), "+ns/c@3=1");
    cache_unwatch(&r.watcher);
    cache_world_fini(&w);
}

TEST(test_cache_watch__only_matching_events_wake_a_namespace) {
    struct cache_world w;
    struct recorder one = {0}, two = {0};
    cache_world_init(&w);
    assert_int_equal(recorder_start(&one, cache_world_config_maps(&w), w.loop, "one", NULL, 0), 0);
    assert_int_equal(recorder_start(&two, cache_world_config_maps(&w), w.other, "two", NULL, 0), 0);
    for (int i = 0; i < 3; i++) {
        (void)cache_world_put_config_map(&w, i ? CACHE_UPDATE : CACHE_CREATE, "one", "a", "1", 0);
        sim_settle(w.sim);
    }
    assert_int_equal(one.wakes, 3);
    assert_int_equal(two.wakes, 0);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "two", "a", "1", 0);
    sim_settle(w.sim);
    assert_string_equal(recorder_take(&one), "+one/a@1=1 ~one/a@2=1 ~one/a@3=1");
    assert_string_equal(recorder_take(&two), "+two/a@4=1");
    assert_int_equal(two.wakes, 1);
    assert_int_equal(two.revision, 4);
    cache_unwatch(&one.watcher);
    cache_unwatch(&two.watcher);
    cache_world_fini(&w);
}

TEST(test_cache_watch__only_matching_events_wake_a_node) {
    struct cache_world w;
    static struct recorder nodes[100], unbound, both;
    char names[100][8];
    cache_world_init(&w);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(names[i], sizeof names[i], "n%d", i);
        assert_int_equal(recorder_start(&nodes[i], cache_world_pods(&w), w.loop, NULL, names[i], 0), 0);
    }
    assert_int_equal(recorder_start(&unbound, cache_world_pods(&w), w.other, NULL, NULL, 0), 0);
    assert_int_equal(recorder_start(&both, cache_world_pods(&w), w.other, "ns", "n5", 0), 0);
    (void)cache_world_put_pod(&w, CACHE_CREATE, "ns", "p", "", 0);
    (void)cache_world_put_pod(&w, CACHE_UPDATE, "ns", "p", "n5", 0); /* bound */
    (void)cache_world_put_pod(&w, CACHE_CREATE, "os", "p", "n5", 0);
    (void)cache_world_put_pod(&w, CACHE_CREATE, "ns", "q", "n6", 0);
    (void)cache_world_delete(&w, &kinds[KIND_CORE_POD], "ns", "p", 0);
    sim_settle(w.sim);
    assert_string_equal(recorder_take(&nodes[5]), "~ns/p@2=n5 +os/p@3=n5 -ns/p@5=n5");
    assert_string_equal(recorder_take(&nodes[6]), "+ns/q@4=n6");
    assert_string_equal(recorder_take(&both), "~ns/p@2=n5 -ns/p@5=n5");
    assert_string_equal(recorder_take(&unbound), "+ns/p@1= ~ns/p@2=n5 +os/p@3=n5 +ns/q@4=n6 -ns/p@5=n5");
    for (int i = 0; i < 100; i++) {
        assert_int_equal(nodes[i].wakes, i == 5 || i == 6);
        cache_unwatch(&nodes[i].watcher);
    }
    cache_unwatch(&unbound.watcher);
    cache_unwatch(&both.watcher);
    cache_world_fini(&w);
}

TEST(test_cache_watch__a_pod_that_leaves_a_node_is_seen_there) {
    struct cache_world w;
    struct recorder r = {0};
    cache_world_init(&w);
    (void)cache_world_put_pod(&w, CACHE_CREATE, "ns", "p", "n1", 0);
    assert_int_equal(recorder_start(&r, cache_world_pods(&w), w.loop, NULL, "n1", 1), 0);
    (void)cache_world_put_pod(&w, CACHE_UPDATE, "ns", "p", "n2", 0);
    (void)cache_world_put_pod(&w, CACHE_UPDATE, "ns", "p", "n3", 0);
    sim_settle(w.sim);
    assert_string_equal(recorder_take(&r), "~ns/p@2=n2");
    cache_unwatch(&r.watcher);
    cache_world_fini(&w);
}

/* Writes an object of so many KiB. */
static int update_large(struct cache_world *w, size_t kib) {
    static char json[400u << 10];
    size_t size = kib << 10;
    size_t n = (size_t)snprintf(json, 200,
                                "{\"metadata\":{\"name\":\"big\",\"namespace\":\"ns\"},\"data\":{\"w\":\"");
    assert_true(size <= sizeof json);
    memset(json + n, 'a', size - n - 4);
    memcpy(json + size - 4, "\"}}", 4);
    return cache_world_put(w, CACHE_UPDATE, config_map(), "ns", "big", json, 0).code;
}

TEST(test_cache_watch__who_falls_off_the_ring_is_told) {
    struct cache_world w;
    struct recorder r = {0};
    cache_world_init(&w);
    assert_int_equal(recorder_start(&r, cache_world_config_maps(&w), w.loop, NULL, NULL, 0), 0);
    for (int i = 0; i < (int)CACHE_RING_MIN + 100; i++)
        assert_int_equal(update_large(&w, 320), 0);
    struct cache_event e[2];
    assert_int_equal(cache_next(&r.watcher, e, 2, NULL), ERR_EXPIRED);
    assert_int_equal(cache_next(&r.watcher, e, 2, NULL), ERR_EXPIRED);
    sim_settle(w.sim);
    assert_int_equal(r.code, ERR_EXPIRED);
    cache_unwatch(&r.watcher);
    struct err err = ERR_INIT;
    assert_int_equal(cache_watch(cache_world_config_maps(&w), &r.watcher, 3, &err), ERR_EXPIRED);
    assert_string_equal(err.msg, "too old resource version: 3 (100)");
    cache_world_fini(&w);
}

TEST(test_cache_watch__who_is_behind_keeps_the_ring_within_its_limit) {
    struct cache_world w;
    struct recorder r = {0};
    cache_world_init(&w);
    int last = (int)CACHE_RING_MIN + 4;
    for (int i = 0; i < 8; i++)
        assert_int_equal(update_large(&w, 400), 0);
    /* more than is kept for nobody, less than is kept for him */
    assert_int_equal(recorder_start(&r, cache_world_config_maps(&w), w.loop, NULL, NULL, 8), 0);
    for (int i = 8; i < 8 + 30; i++)
        assert_int_equal(update_large(&w, 400), 0);
    for (int i = 0; i < last; i++)
        (void)cache_world_put_config_map(&w, CACHE_UPDATE, "ns", "small", "1", 0);
    sim_settle(w.sim);
    assert_int_equal(r.code, 0);
    assert_int_equal(r.watcher.position, (uint64_t)(8 + 30 + last) + 1);
    cache_unwatch(&r.watcher);
    cache_world_fini(&w);
}

TEST(test_cache_watch__a_filtered_watcher_does_not_fall_off_unread_others) {
    struct cache_world w;
    struct recorder r = {0};
    cache_world_init(&w);
    assert_int_equal(recorder_start(&r, cache_world_config_maps(&w), w.loop, "quiet", NULL, 0), 0);
    for (int i = 0; i < (int)CACHE_RING_MIN + 100; i++)
        assert_int_equal(update_large(&w, 100), 0);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "quiet", "a", "1", 0);
    sim_settle(w.sim);
    assert_string_equal(recorder_take(&r), "+quiet/a@229=1");
    assert_int_equal(r.wakes, 1);
    cache_unwatch(&r.watcher);
    cache_world_fini(&w);
}

TEST(test_cache_watch__one_message_wakes_all_watchers_of_a_loop) {
    struct cache_world w;
    static struct recorder many[1000];
    cache_world_init(&w);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(recorder_start(&many[i], cache_world_config_maps(&w), w.loop, NULL, NULL, 0), 0);
    for (int i = 0; i < 10; i++)
        (void)cache_world_put_config_map(&w, CACHE_UPDATE, "ns", "a", "1", 0);
    assert_int_equal(loop_queued(w.loop), 1);
    sim_settle(w.sim);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(many[i].wakes, 1);
        assert_int_equal(many[i].revision, 10);
        cache_unwatch(&many[i].watcher);
    }
    cache_world_fini(&w);
}

/* A batch of the store shares one revision. */
static void put_two(struct cache_world *w) {
    struct err err = ERR_INIT;
    struct store_op ops[2] = {
        {.key = S("/registry/configmaps/ns/a"),
         .value =
             S("{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"namespace\":"
               "\"ns\"},\"data\":{\"v\":\"1\"}}")},
        {.key = S("/registry/configmaps/ns/b"),
         .value =
             S("{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"b\",\"namespace\":"
               "\"ns\"},\"data\":{\"v\":\"1\"}}")},
    };
    struct store_commit c = {.ops = ops, .n = 2};
    assert_ok(store_commit(w->store, &c, &err), &err);
}

TEST(test_cache_watch__half_a_batch_is_not_all_of_its_revision) {
    struct cache_world w;
    struct recorder r = {0};
    struct cache_event e;
    uint64_t revision = 0;
    cache_world_init(&w);
    assert_int_equal(recorder_start(&r, cache_world_config_maps(&w), w.loop, NULL, NULL, 0), 0);
    (void)cache_world_put_pod(&w, CACHE_CREATE, "ns", "p", "", 0);
    put_two(&w);
    assert_int_equal(cache_next(&r.watcher, &e, 1, &revision), 1);
    assert_int_equal(e.revision, 2);
    assert_int_equal(revision, 1);
    cache_event_fini(&e);
    assert_int_equal(cache_next(&r.watcher, &e, 1, &revision), 1);
    assert_int_equal(revision, 2);
    cache_event_fini(&e);
    cache_unwatch(&r.watcher);
    cache_world_fini(&w);
}

/* A watcher that ends another one, and itself, while both are being woken. */
static struct recorder *victim;
static void end_both(struct cache_watcher *w) {
    ((struct recorder *)w)->wakes++;
    cache_unwatch(&victim->watcher);
    cache_unwatch(w);
}

TEST(test_cache_watch__watchers_may_end_while_others_are_woken) {
    struct cache_world w;
    struct recorder a = {0}, b = {0}, c = {0};
    cache_world_init(&w);
    assert_int_equal(recorder_start(&a, cache_world_config_maps(&w), w.loop, NULL, NULL, 0), 0);
    assert_int_equal(recorder_start(&b, cache_world_config_maps(&w), w.loop, "ns", NULL, 0), 0);
    assert_int_equal(recorder_start(&c, cache_world_config_maps(&w), w.loop, NULL, NULL, 0), 0);
    a.watcher.wake = end_both;
    victim = &b;
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "1", 0);
    sim_settle(w.sim);
    assert_int_equal(a.wakes, 1);
    assert_int_equal(b.wakes, 0);
    assert_int_equal(c.wakes, 1);
    cache_unwatch(&c.watcher);
    cache_world_fini(&w);
}

TEST(test_cache_watch__a_posted_wake_outlives_the_cache) {
    struct cache_world w;
    struct recorder r = {0};
    cache_world_init(&w);
    assert_int_equal(recorder_start(&r, cache_world_config_maps(&w), w.loop, NULL, NULL, 0), 0);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "1", 0);
    cache_unwatch(&r.watcher);
    cache_close(w.cache);
    w.cache = NULL;
    sim_settle(w.sim);
    assert_int_equal(r.wakes, 0);
    cache_world_fini(&w);
}
