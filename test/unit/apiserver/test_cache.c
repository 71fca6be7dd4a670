/* The cache: writing, reading, snapshots, loading, storage keys. */
#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "api/proto.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/cache_priv.h"
#include "base/arena.h"
#include "base/buf.h"
#include "cache_world.h"
#include "store/store.h"
#include "unit/unit.h"

static const struct kind *config_map(void) {
    return &kinds[KIND_CORE_CONFIG_MAP];
}

static struct str value_of(const struct object *o) {
    return str_map_get(((const struct core_config_map *)o->body)->data, S("v"));
}

/* "ns/name=value …" of all in a tree */
static const char *show(const struct cow *tree) {
    static char text[4096];
    size_t n = 0;
    struct cow_iter it;
    text[0] = 0;
    cow_foreach (item, &it, cow_all(&it, tree)) {
        const struct object *o = item->value;
        struct str v = o->kind == config_map() ? value_of(o) : S("");
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s=%.*s", n ? " " : "", STR_ARG(item->key),
                              STR_ARG(v));
    }
    return text;
}

/* -- writing -- */

TEST(test_cache__a_writer_reads_what_he_wrote) {
    struct cache_world w;
    cache_world_init(&w);
    struct outcome o = cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "1", 0);
    assert_int_equal(o.code, 0);
    assert_int_equal(o.rv, 1);
    struct object *got = cache_get(cache_world_config_maps(&w), S("ns"), S("a"));
    assert_non_null(got);
    assert_str(value_of(got), "1");
    assert_str(got->meta->resource_version, "1");
    object_unref(got);
    assert_null(cache_get(cache_world_config_maps(&w), S("ns"), S("b")));
    assert_null(cache_get(cache_world_pods(&w), S("ns"), S("a")));
    cache_world_fini(&w);
}

TEST(test_cache__json_has_the_revision_and_is_what_the_body_says) {
    struct cache_world w;
    cache_world_init(&w);
    for (int i = 0; i < 12; i++)
        assert_int_equal(
            cache_world_put_config_map(&w, i ? CACHE_UPDATE : CACHE_CREATE, "ns", "a", "1", 0).code, 0);
    struct object *got = cache_get(cache_world_config_maps(&w), S("ns"), S("a"));
    assert_str(
        object_form(got, FORM_JSON),
        "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\","
        "\"resourceVersion\":\"12\"},\"data\":{\"v\":\"1\"}}");
    struct buf again = BUF_INIT;
    api_write_json(&again, got->kind->set, got->kind->type, got->body);
    assert_str_equal(buf_view(&again), object_form(got, FORM_JSON));
    buf_fini(&again);
    object_unref(got);
    cache_world_fini(&w);
}

TEST(test_cache__what_stands_before_the_revision_moves_with_it) {
    struct cache_world w;
    cache_world_init(&w);
    const char *json =
        "{\"metadata\":{\"name\":\"a\",\"generateName\":\"gen\",\"namespace\":\"ns\",\"selfLink\":"
        "\"self\",\"uid\":\"u-1\"}}";
    assert_int_equal(cache_world_put(&w, CACHE_CREATE, config_map(), "ns", "a", json, 0).code, 0);
    struct object *got = cache_get(cache_world_config_maps(&w), S("ns"), S("a"));
    const struct core_config_map *m = got->body;
    assert_str(m->type_meta.kind, "ConfigMap");
    assert_str(m->type_meta.api_version, "v1");
    assert_str(m->metadata.name, "a");
    assert_str(m->metadata.generate_name, "gen");
    assert_str(m->metadata.namespace, "ns");
    assert_str(m->metadata.self_link, "self");
    assert_str(m->metadata.uid, "u-1");
    object_unref(got);
    cache_world_fini(&w);
}

TEST(test_cache__expectations_hold) {
    struct cache_world w;
    cache_world_init(&w);
    assert_int_equal(cache_world_put_config_map(&w, CACHE_UPDATE, "ns", "a", "1", 7).code, ERR_NOT_FOUND);
    assert_int_equal(cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "1", 0).code, 0);
    assert_int_equal(cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "2", 0).code, ERR_EXISTS);
    assert_int_equal(cache_world_put_config_map(&w, CACHE_UPDATE, "ns", "a", "2", 9).code, ERR_CONFLICT);
    assert_int_equal(cache_world_put_config_map(&w, CACHE_UPDATE, "ns", "a", "3", 1).code, 0);
    assert_int_equal(cache_world_delete(&w, config_map(), "ns", "a", 1).code, ERR_CONFLICT);
    assert_int_equal(cache_world_delete(&w, config_map(), "ns", "a", 2).code, 0);
    assert_int_equal(cache_world_delete(&w, config_map(), "ns", "a", 0).code, ERR_NOT_FOUND);
    assert_null(cache_get(cache_world_config_maps(&w), S("ns"), S("a")));
    assert_int_equal(cache_revision(w.cache), 3);
    cache_world_fini(&w);
}

TEST(test_cache__metadata_must_say_what_the_key_says) {
    struct cache_world w;
    cache_world_init(&w);
    const char *json = "{\"metadata\":{\"name\":\"b\",\"namespace\":\"ns\"}}";
    assert_int_equal(cache_world_put(&w, CACHE_CREATE, config_map(), "ns", "a", json, 0).code, ERR_INVALID);
    assert_int_equal(cache_world_put(&w, CACHE_CREATE, config_map(), "ns/b", "", json, 0).code, ERR_INVALID);
    assert_int_equal(cache_world_put(&w, CACHE_CREATE, config_map(), "", "b", json, 0).code, ERR_INVALID);
    assert_int_equal(cache_world_put(&w, CACHE_CREATE, config_map(), "ns", "b", json, 0).code, 0);
    cache_world_fini(&w);
}

TEST(test_cache__a_value_cannot_pretend_to_be_the_revision) {
    struct cache_world w;
    cache_world_init(&w);
    const char *json =
        "{\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\",\"generateName\":"
        "\"\\\"resourceVersion\\\":\\\"00000000000000000000\\\"\",\"annotations\":{\"resourceVersion\":"
        "\"00000000000000000000\"}}}";
    assert_int_equal(cache_world_put(&w, CACHE_CREATE, config_map(), "ns", "a", json, 0).code, 0);
    struct object *got = cache_get(cache_world_config_maps(&w), S("ns"), S("a"));
    assert_str(got->meta->resource_version, "1");
    assert_str(str_map_get(got->meta->annotations, S("resourceVersion")), "00000000000000000000");
    assert_str(got->meta->generate_name, "\"resourceVersion\":\"00000000000000000000\"");
    object_unref(got);
    cache_world_fini(&w);
}

TEST(test_cache__large_objects_and_keys_are_refused) {
    struct cache_world w;
    cache_world_init(&w);
    char *json = malloc(4u << 20);
    assert_non_null(json);
    size_t n =
        (size_t)snprintf(json, 100, "{\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\"},\"data\":{\"v\":\"");
    memset(json + n, 'x', 3u << 20);
    memcpy(json + n + (3u << 20), "\"}}", 4);
    assert_int_equal(cache_world_put(&w, CACHE_CREATE, config_map(), "ns", "a", json, 0).code, ERR_TOO_LARGE);
    memset(json, 'x', 3000);
    json[3000] = 0;
    assert_int_equal(cache_world_delete(&w, config_map(), "ns", json, 0).code, ERR_TOO_LARGE);
    assert_null(cache_get(cache_world_config_maps(&w), S("ns"), str_from(json)));
    free(json);
    cache_world_fini(&w);
}

static void count_answer(void *arg, int code, const struct object *object, const struct err *err) {
    (void)err;
    assert_int_equal(code, ERR_NOT_FOUND);
    assert_null(object);
    ++*(int *)arg;
}

TEST(test_cache__the_answer_comes_on_the_callers_loop) {
    struct cache_world w;
    int answers = 0;
    cache_world_init(&w);
    struct cache_write cw = {
        .op = CACHE_DELETE,
        .kind = config_map(),
        .ns = S("ns"),
        .name = S("none"),
        .loop = w.loop,
        .done = count_answer,
        .arg = &answers,
    };
    assert_int_equal(cache_submit(w.cache, &cw, NULL), 0);
    assert_int_equal(answers, 0);
    sim_settle(w.sim);
    assert_int_equal(answers, 1);
    cache_world_fini(&w);
}

/* -- snapshots -- */

TEST(test_cache_snapshot__does_not_change) {
    struct cache_world w;
    struct cache_snapshot before, after;
    cache_world_init(&w);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "1", 0);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "b", "1", 0);
    cache_snapshot(cache_world_config_maps(&w), &before);
    (void)cache_world_put_config_map(&w, CACHE_UPDATE, "ns", "a", "2", 0);
    (void)cache_world_delete(&w, config_map(), "ns", "b", 0);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "c", "1", 0);
    cache_snapshot(cache_world_config_maps(&w), &after);
    assert_string_equal(show(&before.tree), "ns/a=1 ns/b=1");
    assert_int_equal(before.revision, 2);
    assert_string_equal(show(&after.tree), "ns/a=2 ns/c=1");
    assert_int_equal(after.revision, 5);
    cache_snapshot_fini(&before);
    cache_snapshot_fini(&after);
    cache_world_fini(&w);
}

TEST(test_cache_snapshot__is_as_new_as_the_whole_store) {
    struct cache_world w;
    struct cache_snapshot s;
    cache_world_init(&w);
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "1", 0);
    (void)cache_world_put_pod(&w, CACHE_CREATE, "ns", "p", "", 0);
    cache_snapshot(cache_world_config_maps(&w), &s);
    assert_int_equal(s.revision, 2);
    cache_snapshot_fini(&s);
    cache_world_fini(&w);
}

TEST(test_cache_snapshot__finds_pods_by_node) {
    struct cache_world w;
    struct cache_snapshot s;
    cache_world_init(&w);
    (void)cache_world_put_pod(&w, CACHE_CREATE, "ns", "a", "", 0);
    (void)cache_world_put_pod(&w, CACHE_CREATE, "ns", "b", "n1", 0);
    (void)cache_world_put_pod(&w, CACHE_CREATE, "os", "c", "n1", 0);
    cache_snapshot(cache_world_pods(&w), &s);
    assert_string_equal(show(&s.by_node), "/ns/a= n1/ns/b= n1/os/c=");
    cache_snapshot_fini(&s);
    (void)cache_world_put_pod(&w, CACHE_UPDATE, "ns", "a", "n1", 0);
    (void)cache_world_put_pod(&w, CACHE_UPDATE, "ns", "b", "n1", 0);
    (void)cache_world_delete(&w, &kinds[KIND_CORE_POD], "os", "c", 0);
    cache_snapshot(cache_world_pods(&w), &s);
    assert_string_equal(show(&s.by_node), "n1/ns/a= n1/ns/b=");
    assert_int_equal(cow_count(&s.tree), 2);
    cache_snapshot_fini(&s);
    cache_world_fini(&w);
}

/* -- loading -- */

TEST(test_cache_load__sqlite_gives_the_same_objects_and_revisions) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/db", unit_tmpdir());
    struct err err = ERR_INIT;
    struct cache_world w = {0};
    struct store_sqlite_options options = {.path = path};
    struct store_op ops[1] = {{.key = S("/registry/masterleases/10.0.0.1"), .value = S("not an object")}};
    for (int round = 0; round < 2; round++) {
        assert_ok(store_sqlite_open(&options, &w.store, &err), &err);
        if (round == 0)
            assert_ok(store_commit_wait(w.store, ops, 1, NULL, &err), &err);
        for (int i = 0; round == 0 && i < 2000; i++) { /* more than is replayed */
            char name[32], value[600];
            (void)snprintf(name, sizeof name, "n%d", i % 50);
            int n = snprintf(value, sizeof value,
                             "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\","
                             "\"namespace\":\"ns\"},\"data\":{\"v\":\"%d\"}}",
                             name, i);
            char key[64];
            (void)snprintf(key, sizeof key, "/registry/configmaps/ns/%s", name);
            struct store_op op = {.key = str_from(key), .value = str_make(value, (size_t)n)};
            struct store_commit c = {.ops = &op, .n = 1};
            assert_ok(store_commit(w.store, &c, &err), &err);
        }
        assert_ok(store_commit_wait(w.store, ops, 1, NULL, &err), &err);
        assert_ok(cache_open(w.store, &w.cache, &err), &err);
        struct cache_snapshot s;
        cache_snapshot(cache_world_config_maps(&w), &s);
        assert_int_equal(cow_count(&s.tree), 50);
        assert_int_equal(s.revision, 2002 + round);
        const struct object *o = cow_get(&s.tree, S("ns/n7"));
        assert_int_equal(o->rv, 1959);
        assert_str(value_of(o), "1957");
        assert_str(object_form(o, FORM_JSON),
                   "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"n7\","
                   "\"namespace\":\"ns\",\"resourceVersion\":\"1959\"},\"data\":{\"v\":\"1957\"}}");
        cache_snapshot_fini(&s);
        cache_close(w.cache);
        store_close(w.store);
    }
}

TEST(test_cache_load__own_bytes_come_back_the_same) {
    struct cache_world w;
    cache_world_init(&w);
    (void)cache_world_put_pod(&w, CACHE_CREATE, "ns", "p", "node", 0);
    struct object *before = cache_get(cache_world_pods(&w), S("ns"), S("p"));
    cache_world_reopen(&w);
    struct object *after = cache_get(cache_world_pods(&w), S("ns"), S("p"));
    assert_ptr_not_equal(before, after);
    assert_int_equal(after->rv, 1);
    assert_str_equal(object_form(after, FORM_JSON), object_form(before, FORM_JSON));
    object_unref(before);
    object_unref(after);
    cache_world_fini(&w);
}

static void store_put(struct cache_world *w, struct str key, struct str value) {
    struct err err = ERR_INIT;
    struct store_op op = {.key = key, .value = value};
    struct store_commit c = {.ops = &op, .n = 1};
    assert_ok(store_commit(w->store, &c, &err), &err);
}

TEST(test_cache_load__protobuf_of_another_writer_is_read) {
    struct cache_world w;
    cache_world_init(&w);
    struct core_config_map m = {
        .metadata = {.name = S("a"), .namespace = S("ns")},
        .data = {.v = &(struct str_entry){S("v"), S("proto")}, .n = 1},
    };
    struct buf b = BUF_INIT;
    api_write_envelope(&b, &builtin, TY_CORE_CONFIG_MAP, &m, S("v1"), S("ConfigMap"));
    store_put(&w, S("/registry/configmaps/ns/a"), buf_view(&b));
    for (int i = 0; i < 2; i++) {
        struct object *o = cache_get(cache_world_config_maps(&w), S("ns"), S("a"));
        assert_non_null(o);
        assert_int_equal(o->rv, 1);
        assert_str(value_of(o), "proto");
        object_unref(o);
        cache_world_reopen(&w);
    }
    buf_fini(&b);
    cache_world_fini(&w);
}

TEST(test_cache_load__another_version_becomes_the_hub) {
    struct cache_world w;
    cache_world_init(&w);
    const struct kind *hub = &kinds[KIND_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER];
    const struct kind *v1 = &kinds[KIND_AUTOSCALING_V1_HORIZONTAL_POD_AUTOSCALER];
    assert_ptr_equal(v1->hub, hub->hub);
    const struct kind *other = hub->hub == hub ? v1 : hub;
    char json[512];
    (void)snprintf(
        json, sizeof json,
        "{\"kind\":\"HorizontalPodAutoscaler\",\"apiVersion\":\"%.*s\",\"metadata\":{\"name\":\"a\","
        "\"namespace\":\"ns\"},\"spec\":{\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"d\"},"
        "\"maxReplicas\":3}}",
        STR_ARG(other->api_version));
    store_put(&w, S("/registry/horizontalpodautoscalers/ns/a"), str_from(json));
    struct object *o = cache_get(cache_of(w.cache, other), S("ns"), S("a"));
    assert_non_null(o);
    assert_ptr_equal(o->kind, hub->hub);
    assert_true(str_find(object_form(o, FORM_JSON), hub->hub->api_version) > 0);
    object_unref(o);
    cache_world_fini(&w);
}

TEST(test_cache_load__what_cannot_be_read_is_named) {
    struct cache_world w;
    cache_world_init(&w);
    struct err err = ERR_INIT;
    (void)cache_world_put_config_map(&w, CACHE_CREATE, "ns", "a", "1", 0);
    store_put(&w, S("/registry/configmaps/ns/a"), S("{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}"));
    assert_int_equal(cache_health(w.cache, &err), ERR_CORRUPT);
    assert_true(strstr(err.msg, "/registry/configmaps/ns/a") != NULL);
    struct object *kept = cache_get(cache_world_config_maps(&w), S("ns"), S("a"));
    assert_str(value_of(kept), "1");
    object_unref(kept);
    cache_close(w.cache);
    w.cache = NULL;
    struct err again = ERR_INIT;
    assert_int_equal(cache_open(w.store, &w.cache, &again), ERR_CORRUPT);
    assert_true(strstr(again.msg, "/registry/configmaps/ns/a") != NULL);
    cache_world_fini(&w);
}

/* -- storage keys -- */

TEST(test_cache_key__follows_upstreams_layout) {
    static const struct {
        uint16_t kind;
        const char *ns, *name, *key;
    } rows[] = {
        {KIND_CORE_POD, "ns", "a", "/registry/pods/ns/a"},
        {KIND_CORE_SERVICE, "ns", "a", "/registry/services/specs/ns/a"},
        {KIND_CORE_ENDPOINTS, "ns", "a", "/registry/services/endpoints/ns/a"},
        {KIND_CORE_NODE, "", "a", "/registry/minions/a"},
        {KIND_CORE_REPLICATION_CONTROLLER, "ns", "a", "/registry/controllers/ns/a"},
        {KIND_NETWORKING_INGRESS, "ns", "a", "/registry/ingress/ns/a"},
        {KIND_NETWORKING_INGRESS_CLASS, "", "a", "/registry/ingressclasses/a"},
        {KIND_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION, "", "a.b",
         "/registry/apiextensions.k8s.io/customresourcedefinitions/a.b"},
        {KIND_APIREGISTRATION_API_SERVICE, "", "v1.", "/registry/apiregistration.k8s.io/apiservices/v1."},
        {KIND_EVENTS_EVENT, "ns", "a", "/registry/events/ns/a"},
        {KIND_COORDINATION_LEASE, "ns", "a", "/registry/leases/ns/a"},
    };
    _cleanup_arena struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_str(cache_storage_key(&a, &kinds[rows[i].kind], str_from(rows[i].ns), str_from(rows[i].name)),
                   rows[i].key);
}

TEST(test_cache_key__no_two_resources_share_a_place) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str keys[1024];
    size_t n = 0;
    for (uint32_t i = 0; i < n_kinds; i++)
        if (kinds[i].hub == &kinds[i] && !kinds[i].virtual_)
            keys[n++] = cache_storage_key(&a, &kinds[i], S(""), S(""));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            assert_true(i == k || !str_has_prefix(keys[i], keys[k]));
    assert_true(n > 50);
}

/* -- earlier states -- */

static void assert_state_at(struct cache_world *w, uint64_t revision, const char *expected) {
    struct cache_snapshot s;
    struct err err = ERR_INIT;
    struct cow_iter it;
    char text[256] = "";
    size_t n = 0;
    assert_ok(cache_snapshot_at(cache_world_config_maps(w), revision, &s, &err), &err);
    assert_int_equal(s.revision, revision);
    cow_foreach (item, &it, cow_all(&it, &s.tree)) {
        const struct object *o = item->value;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s=%.*s@%llu", n ? " " : "", STR_ARG(item->key),
                              STR_ARG(str_map_get(((const struct core_config_map *)o->body)->data, S("v"))),
                              (unsigned long long)o->rv);
    }
    cache_snapshot_fini(&s);
    assert_string_equal(text, expected);
}

static void write_history(struct cache_world *w) {
    assert_int_equal(cache_world_put_config_map(w, CACHE_CREATE, "ns", "a", "1", 0).rv, 1);
    assert_int_equal(cache_world_put_config_map(w, CACHE_CREATE, "ns", "b", "1", 0).rv, 2);
    assert_int_equal(cache_world_put_config_map(w, CACHE_UPDATE, "ns", "a", "2", 0).rv, 3);
    assert_int_equal(cache_world_put_pod(w, CACHE_CREATE, "ns", "p", "n", 0).rv, 4);
    assert_int_equal(cache_world_delete(w, &kinds[KIND_CORE_CONFIG_MAP], "ns", "b", 0).rv, 5);
}

static void assert_history(struct cache_world *w) {
    assert_state_at(w, 1, "ns/a=1@1");
    assert_state_at(w, 2, "ns/a=1@1 ns/b=1@2");
    assert_state_at(w, 3, "ns/a=2@3 ns/b=1@2");
    assert_state_at(w, 4, "ns/a=2@3 ns/b=1@2");
    assert_state_at(w, 5, "ns/a=2@3");
}

TEST(test_cache__knows_earlier_states) {
    struct cache_world w;
    struct cache_snapshot s;
    cache_world_init(&w);
    write_history(&w);
    assert_history(&w);
    assert_fails(cache_snapshot_at(cache_world_config_maps(&w), 6, &s, NULL), ERR_INVALID);
    cache_world_fini(&w);
}

/* A commit publishes states before the cache's revision: who reads in between has a revision that is newer.
 */
TEST(test_cache__knows_the_revision_of_a_state_that_was_just_published) {
    struct cache_world w;
    struct cache_snapshot first, again;
    cache_world_init(&w);
    write_history(&w);
    cache_publish(cache_world_config_maps(&w), 6);
    cache_snapshot(cache_world_config_maps(&w), &first);
    assert_int_equal(first.revision, 6);
    assert_int_equal(cache_revision(w.cache), 5);
    assert_ok(cache_snapshot_at(cache_world_config_maps(&w), first.revision, &again, NULL), NULL);
    assert_int_equal(cow_count(&again.tree), cow_count(&first.tree));
    cache_snapshot_fini(&first);
    cache_snapshot_fini(&again);
    cache_world_fini(&w);
}

TEST(test_cache__reads_states_before_the_ring_from_the_store) {
    struct cache_world w;
    struct cache_snapshot s;
    cache_world_init(&w);
    write_history(&w);
    for (unsigned i = 0; i < CACHE_REPLAY + 10; i++)
        assert_int_equal(cache_world_put_pod(&w, CACHE_UPDATE, "ns", "p", i % 2 ? "n" : "m", 0).code, 0);
    assert_int_equal(cache_world_put_config_map(&w, CACHE_UPDATE, "ns", "a", "3", 0).code, 0);
    cache_world_reopen(&w);
    assert_history(&w);
    assert_ok(w.store->ops->compact(w.store, 3, NULL), NULL);
    assert_fails(cache_snapshot_at(cache_world_config_maps(&w), 2, &s, NULL), ERR_EXPIRED);
    cache_world_fini(&w);
}

TEST(test_cache__finds_objects_by_their_controller) {
    static const char owned[] =
        "{\"metadata\":{\"name\":\"a\",\"namespace\":\"ns\",\"ownerReferences\":[{\"apiVersion\":"
        "\"v1\",\"kind\":\"X\",\"name\":\"x\",\"uid\":\"%s\",\"controller\":%s}]}}";
    static const struct {
        const char *uid, *controller, *expected;
    } steps[] = {{"u1", "true", "u1/ns/a"},
                 {"u1-2", "true", "u1-2/ns/a"},
                 {"u1", "true", "u1/ns/a"},
                 {"u1", "false", ""}};
    struct cache_world w;
    const struct kind *k = &kinds[KIND_CORE_CONFIG_MAP];
    cache_world_init(&w);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char json[512];
        struct cache_snapshot s;
        struct cow_iter it;
        (void)snprintf(json, sizeof json, owned, steps[i].uid, steps[i].controller);
        assert_int_equal(cache_world_put(&w, CACHE_UPDATE, k, "ns", "a", json, 0).code, 0);
        cache_snapshot(cache_world_config_maps(&w), &s);
        struct str found = S("");
        cow_foreach (item, &it, cow_all(&it, &s.by_owner))
            found = item->key;
        assert_str(found, steps[i].expected);
        cache_snapshot_fini(&s);
    }
    char json[512];
    (void)snprintf(json, sizeof json, owned, "u", "true");
    assert_int_equal(cache_world_put(&w, CACHE_UPDATE, k, "ns", "a", json, 0).code, 0);
    assert_int_equal(cache_world_delete(&w, k, "ns", "a", 0).code, 0);
    struct cache_snapshot s;
    cache_snapshot(cache_world_config_maps(&w), &s);
    assert_int_equal(cow_count(&s.by_owner), 0);
    cache_snapshot_fini(&s);
    cache_world_fini(&w);
}
