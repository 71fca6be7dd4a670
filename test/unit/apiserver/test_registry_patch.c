/* PATCH in all four types. */
#include "server_world.h"
#include "unit/unit.h"

#define MAPS "/api/v1/namespaces/default/configmaps"
#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"

static struct server_answer make_map(struct server_world *w) {
    struct server_answer r =
        server_post(w, MAPS, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\",\"l\":\"x\"}}");
    assert_answer(r, 201);
    return r;
}

static void make_deployment(struct server_world *w) {
    assert_answer(
        server_post(
            w, DEPLOYMENTS,
            "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},"
            "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":"
            "\"c\",\"image\":\"i\"}]}}}}"),
        201);
}

TEST(test_registry_patch__merges) {
    struct server_world w;
    server_world_init(&w);
    make_map(&w);
    struct server_answer r = server_patch(&w, MAPS "/a", "merge", "{\"data\":{\"k\":null,\"m\":\"y\"}}");
    assert_answer(r, 200);
    assert_field(r, "data.k", NULL);
    assert_field(r, "data.l", "x");
    assert_field(r, "data.m", "y");
    server_world_fini(&w);
}

TEST(test_registry_patch__runs_json_patches) {
    struct server_world w;
    server_world_init(&w);
    make_map(&w);
    struct server_answer r =
        server_patch(&w, MAPS "/a", "json", "[{\"op\":\"replace\",\"path\":\"/data/k\",\"value\":\"w\"}]");
    assert_answer(r, 200);
    assert_field(r, "data.k", "w");
    r = server_patch(&w, MAPS "/a", "json", "[{\"op\":\"test\",\"path\":\"/data/k\",\"value\":\"other\"}]");
    assert_answer(r, 422);
    assert_str(r.reason, "Invalid");
    r = server_patch(&w, MAPS "/a", "json", "{\"op\":\"test\"}");
    assert_answer(r, 400);
    r = server_patch(&w, MAPS "/a", "json", "nonsense");
    assert_answer(r, 400);
    server_world_fini(&w);
}

TEST(test_registry_patch__merges_lists_by_the_schema) {
    struct server_world w;
    server_world_init(&w);
    make_deployment(&w);
    struct server_answer r = server_patch(
        &w, DEPLOYMENTS "/d", "strategic",
        "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"side\",\"image\":\"s\"}]}}}}");
    assert_answer(r, 200);
    assert_field(r, "spec.template.spec.containers.0.name", "side");
    assert_field(r, "spec.template.spec.containers.1.name", "c");
    server_world_fini(&w);
}

TEST(test_registry_patch__does_nothing_when_nothing_changes) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer made = make_map(&w);
    struct server_answer r = server_patch(&w, MAPS "/a", "merge", "{\"data\":{\"k\":\"v\"}}");
    assert_answer(r, 200);
    assert_int_equal(r.rv, made.rv);
    server_world_fini(&w);
}

TEST(test_registry_patch__honours_a_version_in_the_patch) {
    struct server_world w;
    server_world_init(&w);
    make_map(&w);
    struct server_answer r =
        server_patch(&w, MAPS "/a", "merge", "{\"metadata\":{\"resourceVersion\":\"999\"}}");
    assert_answer(r, 409);
    server_world_fini(&w);
}

TEST(test_registry_patch__refuses_what_does_not_fit_the_schema) {
    struct server_world w;
    server_world_init(&w);
    make_map(&w);
    struct server_answer r = server_patch(&w, MAPS "/a", "merge", "{\"data\":7}");
    assert_answer(r, 422);
    assert_true(str_has_prefix(r.message, S(" \"\" is invalid: patch: Invalid value: ")));
    r = server_patch(&w, MAPS "/a?fieldValidation=Strict", "merge", "{\"foo\":7}");
    assert_answer(r, 422);
    assert_true(str_find(r.message, S("strict decoding error: unknown field \"foo\"")) > 0);
    r = server_patch(&w, MAPS "/a", "merge", "{\"foo\":7}");
    assert_answer(r, 200);
    assert_int_equal(r.n_warnings, 1);
    r = server_patch(&w, MAPS "/a", "merge", "{\"kind\":\"Secret\"}");
    assert_answer(r, 400);
    r = server_patch(&w, MAPS "/a", "merge", "{\"metadata\":{\"name\":\"b\"}}");
    assert_answer(r, 400);
    r = server_patch(&w, MAPS "/b", "merge", "{}");
    assert_answer(r, 404);
    r = server_request(&w, "PATCH", MAPS "/a", "application/json", S("{}"));
    assert_answer(r, 415);
    server_world_fini(&w);
}

/* -- apply -- */

TEST(test_registry_patch__apply_creates_and_changes) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r = server_patch(&w, MAPS "/a?fieldManager=m", "apply",
                                          "apiVersion: v1\nkind: ConfigMap\ndata:\n  k: v\n  l: x\n");
    assert_answer(r, 201);
    assert_field(r, "metadata.name", "a");
    assert_field(r, "metadata.managedFields.0.operation", "Apply");
    uint64_t rv = r.rv;
    r = server_patch(&w, MAPS "/a?fieldManager=m", "apply",
                     "apiVersion: v1\nkind: ConfigMap\ndata:\n  k: v\n  l: x\n");
    assert_answer(r, 200);
    assert_int_equal(r.rv, rv);
    r = server_patch(&w, MAPS "/a?fieldManager=m", "apply",
                     "apiVersion: v1\nkind: ConfigMap\ndata:\n  k: w\n");
    assert_answer(r, 200);
    assert_field(r, "data.k", "w");
    assert_field(r, "data.l", NULL);
    server_world_fini(&w);
}

TEST(test_registry_patch__apply_tells_conflicts) {
    struct server_world w;
    server_world_init(&w);
    assert_answer(server_patch(&w, MAPS "/a?fieldManager=m", "apply",
                               "{apiVersion: v1, kind: ConfigMap, data: {k: v}}"),
                  201);
    struct server_answer r = server_patch(&w, MAPS "/a?fieldManager=n", "apply",
                                          "{apiVersion: v1, kind: ConfigMap, data: {k: w}}");
    assert_answer(r, 409);
    assert_str(r.message, "Apply failed with 1 conflict: conflict with \"m\": .data.k");
    assert_field(r, "details.causes.0.reason", "FieldManagerConflict");
    r = server_patch(&w, MAPS "/a?fieldManager=n&force=true", "apply",
                     "{apiVersion: v1, kind: ConfigMap, data: {k: w}}");
    assert_answer(r, 200);
    assert_field(r, "data.k", "w");
    server_world_fini(&w);
}

TEST(test_registry_patch__apply_checks_its_parameters) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r = server_patch(&w, MAPS "/a", "apply", "{apiVersion: v1, kind: ConfigMap}");
    assert_answer(r, 422);
    assert_str(r.message, "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is "
                          "required for apply patch");
    r = server_patch(&w, MAPS "/a?force=true", "merge", "{}");
    assert_answer(r, 422);
    r = server_patch(&w, MAPS "/a?fieldManager=m", "apply", "{apiVersion: v2, kind: ConfigMap}");
    assert_answer(r, 400);
    r = server_patch(&w, MAPS "/a?fieldManager=m", "apply", "{apiVersion: v1, kind: ConfigMap, foo: 1}");
    assert_answer(r, 400);
    assert_true(str_find(r.message, S(".foo: field not declared in schema")) > 0);
    r = server_patch(&w, MAPS "/a?fieldManager=m", "apply", "a: [");
    assert_answer(r, 400);
    server_world_fini(&w);
}

TEST(test_registry_patch__apply_works_on_status_and_scale) {
    struct server_world w;
    server_world_init(&w);
    make_deployment(&w);
    struct server_answer r = server_patch(&w, DEPLOYMENTS "/d/status?fieldManager=m", "apply",
                                          "{apiVersion: apps/v1, kind: Deployment, status: {replicas: 3}}");
    assert_answer(r, 200);
    assert_field(r, "status.replicas", "3");
    r = server_patch(&w, DEPLOYMENTS "/d/scale?fieldManager=m", "apply",
                     "{apiVersion: autoscaling/v1, kind: Scale, spec: {replicas: 3}}");
    assert_answer(r, 409);
    r = server_patch(&w, DEPLOYMENTS "/d/scale?fieldManager=m&force=true", "apply",
                     "{apiVersion: autoscaling/v1, kind: Scale, spec: {replicas: 3}}");
    assert_answer(r, 200);
    assert_field(r, "spec.replicas", "3");
    server_world_fini(&w);
}
