/* POST: what the server makes of a new object. */
#include "server_world.h"
#include "unit/unit.h"

#define MAPS "/api/v1/namespaces/default/configmaps"

TEST(test_registry_create__fills_in_what_is_the_servers) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r =
        server_post(&w, MAPS,
                    "{\"metadata\":{\"name\":\"a\",\"uid\":\"mine\",\"generation\":7,\"deletionTimestamp\":"
                    "\"2020-01-01T00:00:00Z\",\"selfLink\":\"x\"},\"data\":{\"k\":\"v\"}}");
    assert_answer(r, 201);
    assert_field(r, "kind", "ConfigMap");
    assert_field(r, "apiVersion", "v1");
    assert_field(r, "metadata.namespace", "default");
    assert_field(r, "metadata.creationTimestamp", "2026-01-01T00:00:00Z");
    assert_field(r, "metadata.deletionTimestamp", NULL);
    assert_field(r, "metadata.selfLink", NULL);
    assert_field(r, "metadata.generation", NULL);
    assert_int_equal(server_field(&w, &r, "metadata.uid").n, 36);
    assert_true(r.rv > 0);
    assert_field(r, "metadata.managedFields.0.manager", "unit");
    assert_field(r, "metadata.managedFields.0.operation", "Update");
    struct server_answer g = server_get(&w, MAPS "/a");
    assert_answer(g, 200);
    assert_str_equal(g.text, r.text);
    server_world_fini(&w);
}

TEST(test_registry_create__refuses_a_name_that_is_taken) {
    struct server_world w;
    server_world_init(&w);
    assert_answer(server_post(&w, MAPS, "{\"metadata\":{\"name\":\"a\"}}"), 201);
    struct server_answer r = server_post(&w, MAPS, "{\"metadata\":{\"name\":\"a\"}}");
    assert_answer(r, 409);
    assert_str(r.reason, "AlreadyExists");
    assert_str(r.message, "configmaps \"a\" already exists");
    server_world_fini(&w);
}

TEST(test_registry_create__makes_names) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r = server_post(&w, MAPS, "{\"metadata\":{\"generateName\":\"a-\"}}");
    assert_answer(r, 201);
    struct str name = server_field(&w, &r, "metadata.name");
    assert_true(str_has_prefix(name, S("a-")) && name.n == 7);
    r = server_post(&w, MAPS, "{\"metadata\":{}}");
    assert_answer(r, 422);
    assert_str(r.message,
               "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required");
    server_world_fini(&w);
}

TEST(test_registry_create__refuses_another_namespace) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r = server_post(&w, MAPS, "{\"metadata\":{\"name\":\"a\",\"namespace\":\"other\"}}");
    assert_answer(r, 400);
    assert_str(r.message,
               "the namespace of the provided object does not match the namespace sent on the request");
    r = server_post(&w, "/api/v1/configmaps", "{\"metadata\":{\"name\":\"a\"}}");
    assert_answer(r, 405);
    server_world_fini(&w);
}

TEST(test_registry_create__refuses_a_resource_version) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r =
        server_post(&w, MAPS, "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"5\"}}");
    assert_answer(r, 500);
    assert_str(r.message, "resourceVersion should not be set on objects to be created");
    server_world_fini(&w);
}

TEST(test_registry_create__tells_of_unknown_fields_as_asked) {
    static const char body[] = "{\"metadata\":{\"name\":\"a\"},\"data\":{},\"foo\":1}";
    struct server_world w;
    server_world_init(&w);
    struct server_answer r = server_post(&w, MAPS "?fieldValidation=Strict", body);
    assert_answer(r, 400);
    assert_str(r.message,
               "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: "
               "unknown field \"foo\"");
    r = server_post(&w, MAPS "?dryRun=All", body);
    assert_answer(r, 201);
    assert_int_equal(r.n_warnings, 1);
    assert_str(r.warnings[0], "unknown field \"foo\"");
    r = server_post(&w, MAPS "?fieldValidation=Ignore", body);
    assert_answer(r, 201);
    assert_int_equal(r.n_warnings, 0);
    server_world_fini(&w);
}

TEST(test_registry_create__refuses_bodies_of_other_kinds) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r =
        server_post(&w, MAPS, "{\"apiVersion\":\"v1\",\"kind\":\"Nonsense\",\"metadata\":{\"name\":\"a\"}}");
    assert_answer(r, 400);
    assert_str(r.message,
               "Nonsense in version \"v1\" cannot be handled as a ConfigMap: no kind \"Nonsense\" is "
               "registered for version \"v1\"");
    r = server_post(&w, "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
                    "{\"apiVersion\":\"autoscaling/"
                    "v1\",\"kind\":\"HorizontalPodAutoscaler\",\"metadata\":{\"name\":\"a\"}}");
    assert_answer(r, 400);
    assert_str(r.message,
               "the API version in the data (autoscaling/v1) does not match the expected API version "
               "(autoscaling/v2)");
    r = server_post(&w, MAPS, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"data\":7}");
    assert_answer(r, 400);
    assert_true(
        str_has_prefix(r.message, S("ConfigMap in version \"v1\" cannot be handled as a ConfigMap: ")));
    r = server_post(&w, MAPS, "nonsense");
    assert_answer(r, 400);
    r = server_request(&w, "POST", MAPS, "text/plain", S("x"));
    assert_answer(r, 415);
    server_world_fini(&w);
}

TEST(test_registry_create__reads_yaml) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r =
        server_request(&w, "POST", MAPS, "application/yaml",
                       S("kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: a\ndata:\n  k: v\n"));
    assert_answer(r, 201);
    assert_field(r, "data.k", "v");
    server_world_fini(&w);
}

TEST(test_registry_create__stores_nothing_on_a_dry_run) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r = server_post(&w, MAPS "?dryRun=All", "{\"metadata\":{\"name\":\"a\"}}");
    assert_answer(r, 201);
    assert_field(r, "metadata.resourceVersion", NULL);
    assert_int_equal(server_field(&w, &r, "metadata.uid").n, 36);
    assert_answer(server_get(&w, MAPS "/a"), 404);
    server_world_fini(&w);
}

TEST(test_registry_create__converts_at_the_door) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r = server_post(
        &w, "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers",
        "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"maxReplicas\":3,\"targetCPUUtilizationPercentage\":50,"
        "\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"d\"}}}");
    assert_answer(r, 201);
    assert_field(r, "apiVersion", "autoscaling/v1");
    assert_field(r, "metadata.managedFields.0.apiVersion", "autoscaling/v1");
    assert_str(r.object->kind->api_version, "autoscaling/v2");
    r = server_get(&w, "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/a");
    assert_answer(r, 200);
    assert_field(r, "spec.metrics.0.resource.target.averageUtilization", "50");
    server_world_fini(&w);
}

TEST(test_registry_create__keeps_equal_owners_once) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r =
        server_post(&w, MAPS,
                    "{\"metadata\":{\"name\":\"a\",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":"
                    "\"Pod\",\"name\":\"p\",\"uid\":\"u\"},"
                    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"p\",\"uid\":\"u\"}]}}");
    assert_answer(r, 201);
    assert_field(r, "metadata.ownerReferences.1", NULL);
    assert_int_equal(r.n_warnings, 1);
    server_world_fini(&w);
}

TEST(test_registry_create__checks_the_field_manager) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r = server_post(&w, MAPS "?fieldManager=a%0Ab", "{\"metadata\":{\"name\":\"a\"}}");
    assert_answer(r, 422);
    assert_true(str_has_prefix(r.message, S("CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: ")));
    server_world_fini(&w);
}

TEST(test_registry_create__finds_no_resource_outside_of_its_scope) {
    struct server_world w;
    server_world_init(&w);
    assert_answer(server_get(&w, "/api/v1/configmaps/a"), 404);
    assert_answer(server_get(&w, "/api/v1/namespaces/default/nodes/a"), 404);
    assert_answer(server_get(&w, "/api/v1/namespaces/default/nothing/a"), 404);
    struct server_answer r = server_get(&w, MAPS "/a/status");
    assert_answer(r, 404);
    assert_str(r.message, "the server could not find the requested resource");
    server_world_fini(&w);
}

TEST(test_registry_create__merges_the_string_data_of_secrets) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r =
        server_post(&w, "/api/v1/namespaces/default/secrets",
                    "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"b2xk\",\"l\":\"bA==\"},\"stringData\":"
                    "{\"k\":\"new\"}}");
    assert_answer(r, 201);
    assert_field(r, "data.k", "bmV3");
    assert_field(r, "data.l", "bA==");
    assert_field(r, "stringData", NULL);
    r = server_patch(&w, "/api/v1/namespaces/default/secrets/a", "merge", "{\"stringData\":{\"m\":\"x\"}}");
    assert_answer(r, 200);
    assert_field(r, "data.m", "eA==");
    server_world_fini(&w);
}

TEST(test_registry_create__keeps_both_names_of_the_service_account) {
    static const char pod[] = "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"%s\":\"sa\",\"containers\":[{"
                              "\"name\":\"c\",\"image\":\"i\"}]}}";
    struct server_world w;
    server_world_init(&w);
    static const char *const fields[] = {"serviceAccount", "serviceAccountName"};
    for (size_t i = 0; i < 2; i++) {
        struct str body = arena_printf(&w.arena, pod, i ? "a" : "b", fields[i]);
        struct server_answer r = server_post(&w, "/api/v1/namespaces/default/pods", body.p);
        assert_answer(r, 201);
        assert_field(r, "spec.serviceAccount", "sa");
        assert_field(r, "spec.serviceAccountName", "sa");
    }
    server_world_fini(&w);
}

TEST(test_registry_create__events_of_both_groups_are_the_same) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r =
        server_post(&w, "/apis/events.k8s.io/v1/namespaces/default/events?fieldManager=m",
                    "{\"metadata\":{\"name\":\"e\"},\"eventTime\":\"2026-01-01T00:00:00.000000Z\","
                    "\"reportingController\":\"example.com/c\","
                    "\"reportingInstance\":\"i\",\"action\":\"A\",\"reason\":\"R\",\"type\":\"Normal\","
                    "\"note\":\"hello\",\"regarding\":{"
                    "\"kind\":\"Pod\",\"namespace\":\"default\",\"name\":\"p\"}}");
    assert_answer(r, 201);
    assert_field(r, "regarding.name", "p");
    assert_field(r, "metadata.managedFields.0.apiVersion", "events.k8s.io/v1");
    r = server_get(&w, "/api/v1/namespaces/default/events/e");
    assert_answer(r, 200);
    assert_field(r, "message", "hello");
    assert_field(r, "involvedObject.name", "p");
    r = server_patch(&w, "/api/v1/namespaces/default/events/e?fieldManager=n", "merge", "{\"count\":2}");
    assert_answer(r, 200);
    assert_field(r, "metadata.managedFields.0.apiVersion", "events.k8s.io/v1");
    assert_field(r, "metadata.managedFields.1.apiVersion", "v1");
    server_world_fini(&w);
}

TEST(test_registry_create__warns_of_resources_that_have_a_successor) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r =
        server_post(&w, "/api/v1/namespaces/default/endpoints", "{\"metadata\":{\"name\":\"e\"}}");
    assert_answer(r, 201);
    assert_int_equal(r.n_warnings, 1);
    assert_str(r.warnings[0], "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice");
    server_world_fini(&w);
}
