/* Namespaces, nodes, volumes, claims and the small kinds of the core group. */
#include "full_world.h"
#include "unit/unit.h"

#define NS "/api/v1/namespaces/default"

TEST(test_strategy_namespace__begins_active_with_its_finalizer) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(&w, "/api/v1/namespaces", "{\"metadata\":{\"name\":\"x\"}}");
    assert_field(r, "status.phase", "Active");
    assert_field(r, "spec.finalizers", "[\"kubernetes\"]");
    assert_field(r, "metadata.labels", "{\"kubernetes.io/metadata.name\":\"x\"}");
    r = server_patch(
        &w, "/api/v1/namespaces/x", "merge",
        "{\"metadata\":{\"labels\":{\"kubernetes.io/metadata.name\":null}},\"spec\":{\"finalizers\":[]}}");
    assert_answer(r, 200);
    assert_field(r, "spec.finalizers", "[\"kubernetes\"]");
    assert_field(r, "metadata.labels", "{\"kubernetes.io/metadata.name\":\"x\"}");
    full_world_fini(&w);
}

TEST(test_strategy_namespace__goes_when_it_is_finalized) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, "/api/v1/namespaces", "{\"metadata\":{\"name\":\"x\"}}");
    struct server_answer r = server_delete(&w, "/api/v1/namespaces/x", NULL);
    assert_answer(r, 200);
    assert_field(r, "status.phase", "Terminating");
    assert_true(server_field(&w, &r, "metadata.deletionTimestamp").p);
    r = server_delete(&w, "/api/v1/namespaces/x", NULL);
    assert_true(r.code == 200 || r.code == 409);
    r = server_put(&w, "/api/v1/namespaces/x/finalize",
                   "{\"metadata\":{\"name\":\"x\"},\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{"
                   "\"phase\":\"Active\"}}");
    assert_answer(r, 200);
    assert_field(r, "status.phase", "Terminating");
    r = server_put(&w, "/api/v1/namespaces/x/finalize", "{\"metadata\":{\"name\":\"x\"},\"spec\":{}}");
    assert_answer(r, 200);
    assert_answer(server_get(&w, "/api/v1/namespaces/x"), 404);
    full_world_fini(&w);
}

TEST(test_strategy_namespace__waits_for_finalizers_of_both_kinds) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, "/api/v1/namespaces", "{\"metadata\":{\"name\":\"x\",\"finalizers\":[\"x.io/f\"]}}");
    assert_answer(server_delete(&w, "/api/v1/namespaces/x", NULL), 200);
    struct server_answer r =
        server_put(&w, "/api/v1/namespaces/x/finalize",
                   "{\"metadata\":{\"name\":\"x\",\"finalizers\":[\"x.io/f\"]},\"spec\":{}}");
    assert_answer(r, 200);
    assert_answer(server_get(&w, "/api/v1/namespaces/x"), 200);
    assert_answer(server_patch(&w, "/api/v1/namespaces/x", "merge", "{\"metadata\":{\"finalizers\":null}}"),
                  200);
    assert_answer(server_get(&w, "/api/v1/namespaces/x"), 404);
    full_world_fini(&w);
}

TEST(test_strategy_node__keeps_the_status_it_comes_with) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(&w, "/api/v1/nodes",
                                             "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"podCIDR\":\"10.0.0."
                                             "0/24\",\"podCIDRs\":[\"10.0.0.0/24\"]},"
                                             "\"status\":{\"capacity\":{\"cpu\":\"4\"}}}");
    assert_field(r, "status.capacity", "{\"cpu\":\"4\"}");
    r = server_patch(&w, "/api/v1/nodes/n/status", "merge",
                     "{\"spec\":{\"unschedulable\":true},\"status\":{\"capacity\":{\"cpu\":\"8\"}}}");
    assert_answer(r, 200);
    assert_field(r, "status.capacity", "{\"cpu\":\"8\"}");
    assert_true(!server_field(&w, &r, "spec.unschedulable").p);
    full_world_fini(&w);
}

TEST(test_strategy_node__both_forms_of_its_networks_agree) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, "/api/v1/nodes", "{\"metadata\":{\"name\":\"n\"}}");
    struct server_answer r =
        server_patch(&w, "/api/v1/nodes/n", "merge", "{\"spec\":{\"podCIDR\":\"10.0.0.0/24\"}}");
    assert_answer(r, 200);
    assert_field(r, "spec.podCIDRs", "[\"10.0.0.0/24\"]");
    full_world_fini(&w);
}

TEST(test_strategy_volume__notes_when_its_phase_changed) {
    struct server_world w;
    full_world_init(&w);
    const char *url = "/api/v1/persistentvolumes";
    struct server_answer r =
        full_world_make(&w, url,
                        "{\"metadata\":{\"name\":\"v\"},\"spec\":{\"capacity\":{\"storage\":\"1Gi\"},"
                        "\"accessModes\":[\"ReadWriteOnce\"],"
                        "\"hostPath\":{\"path\":\"/x\"}},\"status\":{\"phase\":\"Bound\"}}");
    assert_field(r, "status.phase", "Pending");
    assert_field(r, "status.lastPhaseTransitionTime", "2026-01-01T00:00:00Z");
    full_world_pass(&w, 60);
    r = server_patch(&w, "/api/v1/persistentvolumes/v/status", "merge",
                     "{\"status\":{\"phase\":\"Pending\"}}");
    assert_field(r, "status.lastPhaseTransitionTime", "2026-01-01T00:00:00Z");
    r = server_patch(&w, "/api/v1/persistentvolumes/v/status", "merge",
                     "{\"status\":{\"phase\":\"Available\"}}");
    assert_field(r, "status.lastPhaseTransitionTime", "2026-01-01T00:01:00Z");
    full_world_fini(&w);
}

TEST(test_strategy_claim__sources_say_the_same) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r =
        full_world_make(&w, NS "/persistentvolumeclaims",
                        "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],"
                        "\"resources\":{\"requests\":{\"storage\":"
                        "\"1Gi\"}},\"dataSource\":{\"kind\":\"PersistentVolumeClaim\",\"name\":\"b\"}}}");
    assert_field(r, "spec.dataSourceRef",
                 "{\"apiGroup\":null,\"kind\":\"PersistentVolumeClaim\",\"name\":\"b\"}");
    r = full_world_make(&w, NS "/persistentvolumeclaims",
                        "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],"
                        "\"resources\":{\"requests\":{\"storage\":"
                        "\"1Gi\"}},\"dataSourceRef\":{\"apiGroup\":\"x.io\",\"kind\":\"Thing\",\"name\":"
                        "\"t\",\"namespace\":\"other\"}}}");
    assert_field(r, "spec.dataSource", "{\"apiGroup\":\"x.io\",\"kind\":\"Thing\",\"name\":\"t\"}");
    assert_true(!server_field(&w, &r, "spec.dataSourceRef.namespace").p);
    full_world_fini(&w);
}

TEST(test_strategy_secret__keeps_its_type) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, NS "/secrets", "{\"metadata\":{\"name\":\"s\"},\"type\":\"x.io/t\"}");
    struct server_answer r =
        server_put(&w, NS "/secrets/s", "{\"metadata\":{\"name\":\"s\"},\"data\":{\"a\":\"Yg==\"}}");
    assert_answer(r, 422); /* an empty type became Opaque by default, and types do not change */
    r = server_put(&w, NS "/secrets/s",
                   "{\"metadata\":{\"name\":\"s\"},\"type\":\"x.io/t\",\"data\":{\"a\":\"Yg==\"}}");
    assert_answer(r, 200);
    assert_field(r, "type", "x.io/t");
    full_world_fini(&w);
}

TEST(test_strategy_service_account__keeps_names_of_secrets) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(
        &w, NS "/serviceaccounts",
        "{\"metadata\":{\"name\":\"a\"},\"secrets\":[{\"name\":\"s\",\"namespace\":\"x\",\"uid\":\"u\"}]}");
    assert_field(r, "secrets", "[{\"name\":\"s\"}]");
    full_world_fini(&w);
}

TEST(test_strategy_quota__drops_its_status) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(&w, NS "/resourcequotas",
                                             "{\"metadata\":{\"name\":\"q\"},\"spec\":{\"hard\":{\"pods\":"
                                             "\"1\"}},\"status\":{\"used\":{\"pods\":\"7\"}}}");
    assert_field(r, "status", "{}");
    full_world_fini(&w);
}

TEST(test_strategy_limit_range__gets_a_name) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(
        &w, NS "/limitranges", "{\"spec\":{\"limits\":[{\"type\":\"Pod\",\"max\":{\"cpu\":\"1\"}}]}}");
    struct str name = server_field(&w, &r, "metadata.name");
    assert_int_equal(name.n, 36);
    struct str url = arena_printf(&w.arena, NS "/limitranges/%.*s", STR_ARG(name));
    assert_answer(server_get(&w, url.p), 200);
    full_world_fini(&w);
}
