/* DELETE: what goes at once, and what waits for whom. */
#include "apiserver/cache.h"
#include "server_world.h"
#include "unit/unit.h"

#define MAPS "/api/v1/namespaces/default/configmaps"

static struct server_answer make_map(struct server_world *w, const char *meta) {
    struct str body =
        arena_printf(&w->arena, "{\"metadata\":{\"name\":\"a\"%s},\"data\":{\"k\":\"v\"}}", meta);
    struct server_answer r = server_post(w, MAPS, body.p);
    assert_answer(r, 201);
    return r;
}

TEST(test_registry_delete__removes) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer made = make_map(&w, "");
    struct server_answer r = server_delete(&w, MAPS "/a", NULL);
    assert_answer(r, 200);
    assert_field(r, "kind", "Status");
    assert_field(r, "status", "Success");
    assert_field(r, "details.name", "a");
    assert_field(r, "details.kind", "configmaps");
    assert_str_equal(server_field(&w, &r, "details.uid"), server_field(&w, &made, "metadata.uid"));
    assert_answer(server_get(&w, MAPS "/a"), 404);
    r = server_delete(&w, MAPS "/a", NULL);
    assert_answer(r, 404);
    assert_str(r.message, "configmaps \"a\" not found");
    server_world_fini(&w);
}

TEST(test_registry_delete__answers_with_the_object_of_some_kinds) {
    struct server_world w;
    server_world_init(&w);
    assert_answer(
        server_post(&w, "/api/v1/namespaces/default/serviceaccounts", "{\"metadata\":{\"name\":\"a\"}}"),
        201);
    struct server_answer r = server_delete(&w, "/api/v1/namespaces/default/serviceaccounts/a", NULL);
    assert_answer(r, 200);
    assert_field(r, "kind", "ServiceAccount");
    server_world_fini(&w);
}

TEST(test_registry_delete__checks_preconditions) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer made = make_map(&w, "");
    struct server_answer r = server_delete(&w, MAPS "/a", "{\"preconditions\":{\"uid\":\"x\"}}");
    assert_answer(r, 409);
    assert_true(str_find(r.message, S("the UID in the precondition (x) does not match the UID in record")) >
                0);
    r = server_delete(&w, MAPS "/a", "{\"preconditions\":{\"resourceVersion\":\"999\"}}");
    assert_answer(r, 409);
    struct str body = arena_printf(
        &w.arena,
        "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"apps/v1\",\"preconditions\":{\"uid\":\"%.*s\"}}",
        STR_ARG(server_field(&w, &made, "metadata.uid")));
    assert_answer(server_delete(&w, MAPS "/a", body.p), 200);
    server_world_fini(&w);
}

TEST(test_registry_delete__waits_for_finalizers) {
    struct server_world w;
    server_world_init(&w);
    make_map(&w, ",\"finalizers\":[\"example.com/f\"]");
    struct server_answer r = server_delete(&w, MAPS "/a", NULL);
    assert_answer(r, 200);
    assert_field(r, "kind", "ConfigMap");
    assert_field(r, "metadata.deletionTimestamp", "2026-01-01T00:00:00Z");
    assert_field(r, "metadata.deletionGracePeriodSeconds", "0");
    struct server_answer again = server_delete(&w, MAPS "/a", NULL);
    assert_answer(again, 200);
    assert_int_equal(again.rv, r.rv);
    r = server_patch(&w, MAPS "/a", "merge",
                     "{\"metadata\":{\"finalizers\":[\"example.com/f\",\"example.com/g\"]}}");
    assert_answer(r, 422);
    r = server_patch(&w, MAPS "/a", "merge", "{\"metadata\":{\"finalizers\":null}}");
    assert_answer(r, 200);
    assert_answer(server_get(&w, MAPS "/a"), 404);
    server_world_fini(&w);
}

TEST(test_registry_delete__follows_the_propagation_policy) {
    struct server_world w;
    server_world_init(&w);
    make_map(&w, "");
    struct server_answer r = server_delete(&w, MAPS "/a", "{\"propagationPolicy\":\"Foreground\"}");
    assert_answer(r, 200);
    assert_field(r, "metadata.finalizers", "[\"foregroundDeletion\"]");
    r = server_delete(&w, MAPS "/a?propagationPolicy=Orphan", NULL);
    assert_answer(r, 200);
    assert_field(r, "metadata.finalizers", "[\"orphan\"]");
    r = server_delete(&w, MAPS "/a", "{\"propagationPolicy\":\"Background\"}");
    assert_answer(r, 200);
    assert_field(r, "kind", "Status");
    r = server_delete(&w, MAPS "/a", "{\"propagationPolicy\":\"Sideways\"}");
    assert_answer(r, 422);
    r = server_delete(&w, MAPS "/a", "{\"propagationPolicy\":\"Orphan\",\"orphanDependents\":true}");
    assert_answer(r, 422);
    server_world_fini(&w);
}

TEST(test_registry_delete__removes_nothing_on_a_dry_run) {
    struct server_world w;
    server_world_init(&w);
    make_map(&w, "");
    assert_answer(server_delete(&w, MAPS "/a?dryRun=All", NULL), 200);
    assert_answer(server_delete(&w, MAPS "/a", "{\"dryRun\":[\"All\"]}"), 200);
    assert_answer(server_get(&w, MAPS "/a"), 200);
    server_world_fini(&w);
}
