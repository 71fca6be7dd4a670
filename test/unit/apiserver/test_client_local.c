/* The in-process client: calls, what they answer, informers over the cache. */
#include "apiserver/client_local.h"

#include <stdio.h>

#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/authz.h"
#include "base/loop.h"
#include "base/sim.h"
#include "client/informer.h"
#include "server_world.h"
#include "unit/unit.h"

struct client_world {
    struct server_world w; /* first */
    struct client *client;
};

static void init(struct client_world *x) {
    struct err err = ERR_INIT;
    server_world_init(&x->w);
    assert_ok(client_local_new(&x->w.server, &x->w.user, NULL, &x->client, &err), &err);
    client_set_name(x->client, S("tester"));
}

static void fini(struct client_world *x) {
    client_free(x->client);
    server_world_fini(&x->w);
}

static struct core_config_map map_of(const char *name, struct str_map data) {
    return (struct core_config_map){.metadata = {.name = str_from(name), .namespace = S("ns")}, .data = data};
}

static const struct kind *map_kind(void) {
    return &kinds[KIND_CORE_CONFIG_MAP];
}

static struct str data_of(const struct object *o, struct str key) {
    return str_map_get(((const struct core_config_map *)o->body)->data, key);
}

TEST(test_client_local__does_what_clients_do) {
    struct client_world x;
    struct err err = ERR_INIT;
    struct object *made = NULL, *got = NULL, *changed = NULL;
    struct str_entry v1[] = {{S("k"), S("1")}}, v2[] = {{S("k"), S("2")}};
    init(&x);
    struct core_config_map m = map_of("a", (struct str_map){v1, 1});
    assert_ok(client_create(x.client, map_kind(), S("ns"), &m, &made, &err), &err);
    assert_true(made->rv > 0);
    assert_str(made->meta->managed_fields.v[0].manager, "tester");
    assert_fails(client_create(x.client, map_kind(), S("ns"), &m, NULL, &err), ERR_EXISTS);
    assert_ok(client_get(x.client, map_kind(), S("ns"), S("a"), &got, &err), &err);
    assert_ptr_equal(got, made); /* no copy */
    m.data = (struct str_map){v2, 1};
    assert_ok(client_update(x.client, map_kind(), &m, &changed, &err), &err);
    assert_str(data_of(changed, S("k")), "2");
    m.metadata.resource_version = made->meta->resource_version;
    m.data = (struct str_map){v1, 1};
    assert_fails(client_update(x.client, map_kind(), &m, NULL, &err), ERR_CONFLICT);
    object_unref(changed);
    assert_ok(client_patch(x.client, map_kind(), S("ns"), S("a"), S(""), CLIENT_PATCH_MERGE,
                           S("{\"data\":{\"l\":\"3\"}}"), &changed, &err),
              &err);
    assert_str(data_of(changed, S("l")), "3");
    assert_ok(client_delete(x.client, map_kind(), S("ns"), S("a"), NULL, &err), &err);
    assert_fails(client_get(x.client, map_kind(), S("ns"), S("a"), NULL, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "configmaps \"a\" not found");
    object_unref(made);
    object_unref(got);
    object_unref(changed);
    fini(&x);
}

TEST(test_client_local__lists_and_deletes_many) {
    struct client_world x;
    struct err err = ERR_INIT;
    init(&x);
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        struct core_config_map m = map_of(names[i], (struct str_map){0});
        assert_ok(client_create(x.client, map_kind(), S("ns"), &m, NULL, &err), &err);
    }
    struct client_call call = {.verb = CLIENT_LIST, .kind = map_kind(), .ns = S("ns"), .limit = 2};
    _cleanup_client_answer struct client_answer a = CLIENT_ANSWER_INIT;
    assert_ok(client_do(x.client, &call, &a, &err), &err);
    assert_int_equal(a.n_items, 2);
    assert_str(a.items[1]->meta->name, "b");
    assert_str(a.resource_version, "3");
    assert_int_equal(a.remaining, 1);
    assert_true(a.continue_token.n > 0);
    client_answer_fini(&a);
    call = (struct client_call){.verb = CLIENT_DELETE_COLLECTION, .kind = map_kind(), .ns = S("ns")};
    assert_ok(client_do(x.client, &call, &a, &err), &err);
    assert_int_equal(a.type, map_kind()->list_type);
    client_answer_fini(&a);
    call = (struct client_call){.verb = CLIENT_LIST, .kind = map_kind(), .ns = S("ns")};
    assert_ok(client_do(x.client, &call, &a, &err), &err);
    assert_int_equal(a.n_items, 0);
    fini(&x);
}

TEST(test_client_local__acts_as_its_user) {
    struct client_world x;
    struct client *other;
    struct err err = ERR_INIT;
    init(&x);
    assert_ok(authz_new(x.w.server.cache, &x.w.server.authz, &err), &err);
    assert_ok(client_as(x.client, S("mallory"), NULL, 0, &other, &err), &err);
    assert_fails(client_get(other, map_kind(), S("ns"), S("a"), NULL, &err), ERR_FORBIDDEN);
    assert_string_equal(
        err.msg, "configmaps \"a\" is forbidden: User \"mallory\" cannot get resource \"configmaps\" in "
                 "API group \"\" in the namespace \"ns\"");
    assert_fails(client_get(x.client, map_kind(), S("ns"), S("a"), NULL, &err), ERR_NOT_FOUND);
    struct informer *i;
    assert_fails(informer_get(other, &(struct informer_options){.kind = map_kind()}, &i, &err),
                 ERR_FORBIDDEN);
    assert_ok(informer_get(x.client, &(struct informer_options){.kind = map_kind()}, &i, &err), &err);
    informer_unref(i);
    client_free(other);
    authz_free(x.w.server.authz);
    fini(&x);
}

/* -- informers -- */

struct hearing {
    struct informer_listener listener; /* first */
    char log[512];
    size_t n;
    bool synced;
};

static void on_event(struct informer_listener *l, const struct informer_event *e) {
    struct hearing *h = (struct hearing *)l;
    int n = snprintf(h->log + h->n, sizeof h->log - h->n, "%s%c%.*s", h->n ? " " : "", "+~-"[e->type],
                     STR_ARG(e->object->meta->name));
    h->n += (size_t)n;
}

static void on_synced(struct informer_listener *l) {
    ((struct hearing *)l)->synced = true;
}

static void make_pod(struct client_world *x, const char *name, const char *node, const char *label) {
    struct str body = arena_printf(
        &x->w.arena,
        "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"l\":\"%s\"},\"ownerReferences\":[{"
        "\"apiVersion\":\"v1\",\"kind\":\"X\",\"name\":\"x\",\"uid\":\"u\",\"controller\":true}]},"
        "\"spec\":{\"nodeName\":\"%s\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
        name, label, node);
    assert_answer(server_post(&x->w, "/api/v1/namespaces/ns/pods", body.p), 201);
}

static void follow(struct client_world *x, struct informer_options o, struct informer **i,
                   struct hearing *h) {
    struct err err = ERR_INIT;
    *h = (struct hearing){.listener = {.loop = x->w.loop, .on_event = on_event, .on_synced = on_synced}};
    o.kind = &kinds[KIND_CORE_POD];
    assert_ok(informer_get(x->client, &o, i, &err), &err);
    informer_listen(*i, &h->listener);
}

TEST(test_client_local__informers_follow_the_cache) {
    struct client_world x;
    struct informer *all, *node, *label, *ns;
    struct hearing h_all, h_node, h_label, h_ns;
    init(&x);
    make_pod(&x, "p", "n1", "1");
    make_pod(&x, "q", "n2", "2");
    follow(&x, (struct informer_options){0}, &all, &h_all);
    follow(&x, (struct informer_options){.field_selector = S("spec.nodeName=n1")}, &node, &h_node);
    follow(&x, (struct informer_options){.label_selector = S("l=2")}, &label, &h_label);
    follow(&x, (struct informer_options){.ns = S("other")}, &ns, &h_ns);
    sim_settle(x.w.sim);
    assert_true(h_all.synced && h_ns.synced);
    make_pod(&x, "r", "n1", "1");
    assert_answer(server_patch(&x.w, "/api/v1/namespaces/ns/pods/p", "merge",
                               "{\"metadata\":{\"labels\":{\"l\":\"2\"}}}"),
                  200);
    assert_answer(server_patch(&x.w, "/api/v1/namespaces/ns/pods/q", "merge",
                               "{\"metadata\":{\"labels\":{\"l\":\"1\"}}}"),
                  200);
    assert_answer(server_delete(&x.w, "/api/v1/namespaces/ns/pods/r", "{\"gracePeriodSeconds\":0}"), 200);
    sim_settle(x.w.sim);
    assert_string_equal(h_all.log, "+p +q +r ~p ~q -r");
    assert_string_equal(h_node.log, "+p +r ~p -r");
    assert_string_equal(h_label.log, "+q +p -q");
    assert_string_equal(h_ns.log, "");
    struct informer_snapshot s;
    informer_snapshot(node, &s);
    assert_int_equal(cow_count(&s.tree), 1);
    assert_str(cow_first(&s.tree)->key, "ns/p");
    assert_str(cow_first(&s.by_owner)->key, "u/ns/p");
    assert_str(cow_first(&s.by_node)->key, "n1/ns/p");
    informer_snapshot_fini(&s);
    informer_snapshot(ns, &s);
    assert_int_equal(cow_count(&s.tree), 0);
    informer_snapshot_fini(&s);
    struct informer *is[] = {all, node, label, ns};
    struct hearing *hs[] = {&h_all, &h_node, &h_label, &h_ns};
    for (size_t i = 0; i < 4; i++) {
        informer_unlisten(is[i], &hs[i]->listener);
        informer_unref(is[i]);
    }
    sim_settle(x.w.sim);
    fini(&x);
}
