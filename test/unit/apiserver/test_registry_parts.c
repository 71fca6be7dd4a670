/* Subresources that are updates of a part of the object, graceful deletion, namespaces. */
#include "base/sim.h"
#include "server_world.h"
#include "unit/unit.h"

#define PODS "/api/v1/namespaces/default/pods"
#define CSRS "/apis/certificates.k8s.io/v1/certificatesigningrequests"

static struct server_answer make_pod(struct server_world *w, const char *name, const char *more) {
    struct str body = arena_printf(
        &w->arena,
        "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]%s}}",
        name, more);
    struct server_answer r = server_post(w, PODS, body.p);
    assert_answer(r, 201);
    return r;
}

TEST(test_registry_parts__ephemeral_containers_are_added) {
    struct server_world w;
    server_world_init(&w);
    make_pod(&w, "p", "");
    struct server_answer r = server_patch(
        &w, PODS "/p/ephemeralcontainers", "strategic",
        "{\"metadata\":{\"labels\":{\"x\":\"y\"}},\"spec\":{\"nodeName\":\"n\",\"ephemeralContainers\":[{"
        "\"name\":\"e\",\"image\":\"i\"}]}}");
    assert_answer(r, 200);
    assert_field(r, "spec.ephemeralContainers.0.name", "e");
    assert_field(r, "spec.nodeName", NULL);
    assert_field(r, "metadata.generation", "2");
    r = server_patch(&w, PODS "/p", "strategic",
                     "{\"spec\":{\"ephemeralContainers\":[{\"name\":\"f\",\"image\":\"i\"}]}}");
    assert_answer(r, 422);
    server_world_fini(&w);
}

TEST(test_registry_parts__resize_changes_resources_alone) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r = server_post(
        &w, PODS,
        "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\","
        "\"resources\":{\"requests\":{\"cpu\":\"500m\"}}}]}}");
    assert_answer(r, 201);
    static const char bigger[] =
        "{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"other\",\"resources\":{\"requests\":"
        "{\"cpu\":\"1\"}}}]}}";
    r = server_patch(&w, PODS "/p/resize", "strategic", bigger);
    assert_answer(r, 200);
    assert_field(r, "spec.containers.0.image", "i");
    assert_field(r, "spec.containers.0.resources.requests.cpu", "1");
    assert_field(r, "metadata.generation", "2");
    r = server_patch(
        &w, PODS "/p", "strategic",
        "{\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"2\"}}}]}}");
    assert_answer(r, 422);
    server_world_fini(&w);
}

TEST(test_registry_parts__pods_go_gracefully) {
    struct server_world w;
    server_world_init(&w);
    make_pod(&w, "p", ",\"nodeName\":\"n\",\"terminationGracePeriodSeconds\":20");
    struct server_answer r = server_delete(&w, PODS "/p", NULL);
    assert_answer(r, 200);
    assert_field(r, "kind", "Pod");
    assert_field(r, "metadata.deletionGracePeriodSeconds", "20");
    assert_field(r, "metadata.deletionTimestamp", "2026-01-01T00:00:20Z");
    assert_field(r, "metadata.generation", "2");
    uint64_t rv = r.rv;
    r = server_delete(&w, PODS "/p", "{\"gracePeriodSeconds\":30}"); /* may only become shorter */
    assert_answer(r, 200);
    assert_int_equal(r.rv, rv);
    r = server_delete(&w, PODS "/p?gracePeriodSeconds=5", NULL);
    assert_answer(r, 200);
    assert_field(r, "metadata.deletionTimestamp", "2026-01-01T00:00:05Z");
    assert_field(r, "metadata.generation", "2");
    r = server_patch(&w, PODS "/p", "merge",
                     "{\"metadata\":{\"deletionTimestamp\":null,\"labels\":{\"a\":\"b\"}}}");
    assert_answer(r, 200);
    assert_field(r, "metadata.deletionGracePeriodSeconds", "5");
    r = server_delete(&w, PODS "/p", "{\"gracePeriodSeconds\":0}"); /* the kubelet is done */
    assert_answer(r, 200);
    assert_field(r, "metadata.deletionGracePeriodSeconds", "0");
    assert_answer(server_get(&w, PODS "/p"), 404);
    server_world_fini(&w);
}

TEST(test_registry_parts__pods_that_run_nowhere_go_at_once) {
    struct server_world w;
    server_world_init(&w);
    make_pod(&w, "p", "");
    assert_answer(server_delete(&w, PODS "/p", NULL), 200);
    assert_answer(server_get(&w, PODS "/p"), 404);
    make_pod(&w, "q", ",\"nodeName\":\"n\"");
    assert_answer(server_patch(&w, PODS "/q", "merge", "{\"metadata\":{\"finalizers\":[\"example.com/f\"]}}"),
                  200);
    struct server_answer r = server_delete(&w, PODS "/q", "{\"gracePeriodSeconds\":0}");
    assert_answer(r, 200);
    assert_field(r, "metadata.deletionGracePeriodSeconds", "0");
    assert_answer(server_patch(&w, PODS "/q", "merge", "{\"metadata\":{\"finalizers\":null}}"), 200);
    assert_answer(server_get(&w, PODS "/q"), 404);
    server_world_fini(&w);
}

TEST(test_registry_parts__a_finalizer_that_goes_early_leaves_the_grace_period) {
    struct server_world w;
    server_world_init(&w);
    make_pod(&w, "p", ",\"nodeName\":\"n\"");
    assert_answer(server_patch(&w, PODS "/p", "merge", "{\"metadata\":{\"finalizers\":[\"example.com/f\"]}}"),
                  200);
    assert_answer(server_delete(&w, PODS "/p", NULL), 200);
    assert_answer(server_patch(&w, PODS "/p", "merge", "{\"metadata\":{\"finalizers\":null}}"), 200);
    assert_answer(server_get(&w, PODS "/p"), 200);
    assert_answer(server_delete(&w, PODS "/p", "{\"gracePeriodSeconds\":0}"), 200);
    assert_answer(server_get(&w, PODS "/p"), 404);
    server_world_fini(&w);
}

TEST(test_registry_parts__namespaces_wait_for_what_is_in_them) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r = server_post(&w, "/api/v1/namespaces", "{\"metadata\":{\"name\":\"n\"}}");
    assert_answer(r, 201);
    assert_field(r, "status.phase", "Active");
    assert_field(r, "spec.finalizers", "[\"kubernetes\"]");
    assert_str(server_field(&w, &r, "metadata.labels"), "{\"kubernetes.io/metadata.name\":\"n\"}");
    r = server_delete(&w, "/api/v1/namespaces/n", NULL);
    assert_answer(r, 200);
    assert_field(r, "kind", "Namespace");
    assert_field(r, "status.phase", "Terminating");
    assert_field(r, "metadata.deletionTimestamp", "2026-01-01T00:00:00Z");
    uint64_t rv = r.rv;
    r = server_delete(&w, "/api/v1/namespaces/n", NULL);
    assert_answer(r, 200);
    assert_int_equal(r.rv, rv);
    r = server_put(&w, "/api/v1/namespaces/n",
                   "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"finalizers\":[]}}");
    assert_answer(r, 200);
    assert_answer(server_get(&w, "/api/v1/namespaces/n"), 200); /* spec.finalizers are finalize's */
    r = server_put(&w, "/api/v1/namespaces/n/finalize",
                   "{\"metadata\":{\"name\":\"n\"},\"spec\":{\"finalizers\":[]}}");
    assert_answer(r, 200);
    assert_answer(server_get(&w, "/api/v1/namespaces/n"), 404);
    server_world_fini(&w);
}

TEST(test_registry_parts__approval_changes_conditions) {
    struct server_world w;
    server_world_init(&w);
    static const char body[] = "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"signerName\":\"example.com/"
                               "s\",\"usages\":[\"client auth\"],\"request\":\"%s\"}}";
    static const char request[] =
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlISE1HNENBUUF3RERFS01BZ0dBMVVFQXd3QmVEQlpNQk1H"
        "QnlxR1NNNDlBZ0VHQ0NxR1NNNDlBd0VIQTBJQQpCREVtbGR5OHpkMnh6SVMzN2lHQzJJQlVhQUU3L0YrLy9sZ1hrTlAybDlY"
        "Tk5ta2pPWTNETURhU1BZbHhMaW8zCmM4M09kcm1idEI3Z09RakpJMGZWVDdtZ0FEQUtCZ2dxaGtqT1BRUURBZ05KQURCR0Fp"
        "RUEzS1lwUFNpelFFNkcKb0wzRmJBQ3dnVTh4ZGxna3JCVDRDZHJ0cEI5RlgxY0NJUURzWkIrTnowZ1RqcWhVR0c4YUpsSm9s"
        "SHdoWmFXOApKTXVUSXgza2tUcFNEZz09Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=";
    struct server_answer r = server_post(&w, CSRS, arena_printf(&w.arena, body, request).p);
    assert_answer(r, 201);
    r = server_patch(&w, CSRS "/c/approval", "merge",
                     "{\"spec\":{\"signerName\":\"x/y\"},\"status\":{\"conditions\":[{\"type\":\"Approved\","
                     "\"status\":\"True\",\"reason\":\"R\"}]}}");
    assert_answer(r, 200);
    assert_field(r, "spec.signerName", "example.com/s");
    assert_field(r, "status.conditions.0.type", "Approved");
    assert_field(r, "status.conditions.0.lastTransitionTime", "2026-01-01T00:00:00Z");
    r = server_patch(&w, CSRS "/c/status", "merge", "{\"status\":{\"conditions\":null}}");
    assert_field(r, "status.conditions.0.type", "Approved");
    server_world_fini(&w);
}
