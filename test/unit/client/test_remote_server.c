/* The remote transport against our own API server: TLS, HTTP/2, protobuf, certificates. */
#include <stdio.h>
#include <stdlib.h>

#include "api/equal.h"
#include "api/json.h"
#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/server.h"
#include "base/clock.h"
#include "base/timefmt.h"
#include "client/informer.h"
#include "client/kubeconfig.h"
#include "client/raw.h"
#include "client/reconciler.h"
#include "client/remote.h"
#include "unit/unit.h"

struct scene {
    struct apiserver *server;
    struct client *client;
};

static void setup(struct scene *s) {
    struct err err = ERR_INIT;
    struct apiserver_options o = {
        .data_dir = unit_tmpdir(),
        .memory_store = true,
        .bind_address = "127.0.0.1",
        .advertise_address = "127.0.0.1",
        .port_any = true,
        .loops = 1,
    };
    assert_ok(apiserver_start(&o, &s->server, &err), &err);
    struct client_config config;
    assert_ok(client_config_load(apiserver_admin_kubeconfig(s->server), NULL, &config, &err), &err);
    assert_ok(client_remote_new(&config, S("tester"), &s->client, &err), &err);
}

static void teardown(struct scene *s) {
    client_free(s->client);
    apiserver_stop(s->server, 0);
}

static int create_map(struct client *c, const char *name, struct object **ret, struct err *err) {
    struct str_entry data = {S("key"), S("value")};
    struct core_config_map cm = {
        .metadata = {.name = str_from(name), .namespace = S("default")},
        .data = {&data, 1},
    };
    return client_create(c, KIND(CORE_CONFIG_MAP), S("default"), &cm, ret, err);
}

TEST(test_remote_server__objects_are_made_read_changed_deleted) {
    struct scene s;
    struct err err = ERR_INIT;
    setup(&s);
    struct object *o, *p;
    assert_ok(create_map(s.client, "a", &o, &err), &err);
    assert_fails(create_map(s.client, "a", NULL, &err), ERR_EXISTS);
    assert_ok(client_get(s.client, KIND(CORE_CONFIG_MAP), S("default"), S("a"), &p, &err), &err);
    assert_true(api_equal(&builtin, o->kind->type, o->body, p->body));
    assert_str(((const struct core_config_map *)p->body)->type_meta.kind, "ConfigMap");
    object_unref(p);
    assert_ok(client_patch(s.client, o->kind, S("default"), S("a"), S(""), CLIENT_PATCH_APPLY,
                           S("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"data\":{\"more\":\"x\"}}"), &p,
                           &err),
              &err);
    assert_str(str_map_get(((const struct core_config_map *)p->body)->data, S("more")), "x");
    assert_fails(client_update(s.client, o->kind, o->body, NULL, &err), ERR_CONFLICT);
    assert_ok(client_update(s.client, o->kind, p->body, NULL, &err), &err);
    object_unref(o);
    object_unref(p);
    assert_ok(client_delete(s.client, KIND(CORE_CONFIG_MAP), S("default"), S("a"), NULL, &err), &err);
    assert_fails(client_get(s.client, KIND(CORE_CONFIG_MAP), S("default"), S("a"), NULL, &err),
                 ERR_NOT_FOUND);
    teardown(&s);
}

static size_t known(struct informer *i) {
    struct informer_snapshot s;
    informer_snapshot(i, &s);
    size_t n = cow_count(&s.tree);
    informer_snapshot_fini(&s);
    return n;
}

static void await(struct informer *i, size_t n) {
    for (int tries = 0; tries < 20000 && known(i) != n; tries++)
        clock_sleep_ns(clock_system(), NS_PER_MS);
    assert_int_equal(known(i), n);
}

TEST(test_remote_server__informers_follow) {
    struct scene s;
    struct err err = ERR_INIT;
    struct informer *i;
    setup(&s);
    for (int k = 0; k < 600; k++) { /* more than a page */
        char name[16];
        (void)snprintf(name, sizeof name, "m%d", k);
        assert_ok(create_map(s.client, name, NULL, &err), &err);
    }
    assert_ok(informer_get(s.client,
                           &(struct informer_options){.kind = KIND(CORE_CONFIG_MAP), .ns = S("default")}, &i,
                           &err),
              &err);
    assert_ok(informer_wait_synced(i, 20 * NS_PER_SEC, &err), &err);
    size_t n = known(i);
    assert_true(n >= 600);
    assert_ok(create_map(s.client, "new", NULL, &err), &err);
    await(i, n + 1);
    assert_ok(client_delete(s.client, KIND(CORE_CONFIG_MAP), S("default"), S("m1"), NULL, &err), &err);
    await(i, n);
    struct object *o = informer_find(i, S("default"), S("new"));
    assert_non_null(o);
    object_unref(o);
    informer_unref(i);
    teardown(&s);
}

/* What watchers have is without managed fields; writing it back leaves them as they were. */
TEST(test_remote_server__managed_fields_are_left_out_and_stay) {
    struct scene s;
    struct err err = ERR_INIT;
    struct informer *i;
    struct object *made, *seen, *after;
    setup(&s);
    assert_ok(create_map(s.client, "a", &made, &err), &err);
    assert_int_equal(made->meta->managed_fields.n, 1);
    assert_ok(informer_get(s.client, &(struct informer_options){.kind = KIND(CORE_CONFIG_MAP)}, &i, &err),
              &err);
    assert_ok(informer_wait_synced(i, 20 * NS_PER_SEC, &err), &err);
    seen = informer_find(i, S("default"), S("a"));
    assert_int_equal(seen->meta->managed_fields.n, 0);
    struct core_config_map changed = *(const struct core_config_map *)seen->body;
    changed.immutable = (struct opt_bool){true, true};
    assert_ok(client_update(s.client, KIND(CORE_CONFIG_MAP), &changed, &after, &err), &err);
    assert_int_equal(after->meta->managed_fields.n, 1);
    assert_true(str_find(after->meta->managed_fields.v[0].fields_v1, S("f:immutable")) > 0);
    assert_true(str_find(after->meta->managed_fields.v[0].fields_v1, S("f:key")) > 0);
    object_unref(made);
    object_unref(seen);
    object_unref(after);
    informer_unref(i);
    teardown(&s);
}

TEST(test_remote_server__many_informers_share_a_connection) {
    struct scene s;
    struct err err = ERR_INIT;
    struct informer *all[40];
    size_t n = 0;
    setup(&s);
    for (uint32_t k = 0; k < n_kinds && n < 40; k++)
        if (kinds[k].verbs & VERB_WATCH && kinds[k].served && kinds[k].hub == &kinds[k])
            assert_ok(informer_get(s.client, &(struct informer_options){.kind = &kinds[k]}, &all[n++], &err),
                      &err);
    for (size_t k = 0; k < n; k++)
        assert_ok(informer_wait_synced(all[k], 20 * NS_PER_SEC, &err), &err);
    assert_ok(create_map(s.client, "a", NULL, &err), &err);
    for (size_t k = 0; k < n; k++)
        informer_unref(all[k]);
    teardown(&s);
}

TEST(test_remote_server__others_may_do_less) {
    struct scene s;
    struct err err = ERR_INIT;
    setup(&s);
    struct client *jo;
    const struct str groups[] = {S("system:authenticated")};
    assert_ok(client_as(s.client, S("jo"), groups, 1, &jo, &err), &err);
    assert_fails(create_map(jo, "a", NULL, &err), ERR_FORBIDDEN);
    assert_non_null(strstr(err.msg, "\"jo\""));
    client_free(jo);
    teardown(&s);
}

TEST(test_remote_server__raw_requests_reach_discovery) {
    struct scene s;
    struct err err = ERR_INIT;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct raw_answer answer;
    setup(&s);
    assert_ok(client_raw(s.client, &(struct raw_call){.path = S("/version")}, &a, &answer, &err), &err);
    assert_int_equal(answer.http_code, 200);
    assert_true(str_find(answer.body, S("\"major\"")) > 0);
    teardown(&s);
}
