/* What belongs to the cluster: certificates, extensions, slices. */
#include "full_world.h"
#include "keys.h"
#include "unit/unit.h"

TEST(test_strategy_endpoint_slice__labels_are_generations) {
    struct server_world w;
    full_world_init(&w);
    const char *url = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    struct server_answer r = full_world_make(&w, url,
                                             "{\"metadata\":{\"name\":\"s\"},\"addressType\":\"IPv4\","
                                             "\"endpoints\":[{\"addresses\":[\"10.0.0.1\"]}]}");
    assert_field(r, "metadata.generation", "1");
    r = server_patch(&w, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/s", "merge",
                     "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
    assert_field(r, "metadata.generation", "2");
    r = server_patch(&w, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/s", "merge",
                     "{\"metadata\":{\"annotations\":{\"a\":\"b\"}}}");
    assert_field(r, "metadata.generation", "2");
    full_world_fini(&w);
}

TEST(test_strategy_api_service__local_ones_are_available) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(&w, "/apis/apiregistration.k8s.io/v1/apiservices",
                                             "{\"metadata\":{\"name\":\"v1.apps\"},\"spec\":{\"group\":"
                                             "\"apps\",\"version\":\"v1\",\"groupPriorityMinimum\":100,"
                                             "\"versionPriority\":10}}");
    assert_field(r, "status.conditions.0.type", "Available");
    assert_field(r, "status.conditions.0.reason", "Local");
    full_world_fini(&w);
}

#define CSRS "/apis/certificates.k8s.io/v1/certificatesigningrequests"

static void make_request(struct server_world *w, const char *signer) {
    struct str body = arena_printf(
        &w->arena,
        "{\"metadata\":{\"name\":\"r\"},\"spec\":{\"signerName\":\"%s\",\"usages\":[\"client auth\"],"
        "\"username\":\"mallory\",\"request\":\"%s\"}}",
        signer, CSR_EVE);
    full_world_make(w, CSRS, body.p);
}

TEST(test_strategy_csr__says_who_asked) {
    struct server_world w;
    full_world_init(&w);
    full_world_be(&w, "eve", "g1,system:masters");
    make_request(&w, "x.io/s");
    struct server_answer r = server_get(&w, CSRS "/r");
    assert_field(r, "spec.username", "eve");
    assert_field(r, "spec.groups", "[\"g1\",\"system:masters\"]");
    r = server_patch(&w, CSRS "/r", "merge",
                     "{\"spec\":{\"username\":\"mallory\"},\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
    assert_answer(r, 200);
    assert_field(r, "spec.username", "eve");
    full_world_fini(&w);
}

TEST(test_strategy_csr__approval_and_status_are_apart) {
    struct server_world w;
    full_world_init(&w);
    make_request(&w, "x.io/s");
    struct server_answer r = server_patch(&w, CSRS "/r/approval", "merge",
                                          "{\"status\":{\"certificate\":\"YQ==\",\"conditions\":[{\"type\":"
                                          "\"Approved\",\"status\":\"True\",\"reason\":\"x\"}]}}");
    assert_answer(r, 200);
    assert_field(r, "status.conditions.0.type", "Approved");
    assert_field(r, "status.conditions.0.lastUpdateTime", "2026-01-01T00:00:00Z");
    assert_true(!server_field(&w, &r, "status.certificate").p);
    r = server_patch(
        &w, CSRS "/r/status", "merge",
        "{\"status\":{\"conditions\":[{\"type\":\"Failed\",\"status\":\"True\",\"reason\":\"y\"}]}}");
    assert_answer(r, 200);
    assert_field(r, "status.conditions.0.type", "Approved");
    assert_field(r, "status.conditions.1.type", "Failed");
    full_world_fini(&w);
}

TEST(test_admission_csr__masters_come_from_no_request) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = server_post(&w, CSRS,
                                         "{\"metadata\":{\"name\":\"r\"},\"spec\":{\"signerName\":"
                                         "\"kubernetes.io/kube-apiserver-client\",\"usages\":["
                                         "\"client auth\"],\"request\":\"" CSR_MASTER "\"}}");
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("system:masters group is not allowed")) > 0);
    full_world_fini(&w);
}

TEST(test_admission_csr__approving_and_signing_need_the_signer) {
    struct server_world w;
    full_world_init(&w);
    make_request(&w, "x.io/s");
    full_world_make(&w, "/apis/rbac.authorization.k8s.io/v1/clusterroles",
                    "{\"metadata\":{\"name\":\"r\"},\"rules\":[{\"apiGroups\":[\"certificates.k8s.io\"],"
                    "\"resources\":[\"signers\"],"
                    "\"resourceNames\":[\"x.io/*\"],\"verbs\":[\"approve\"]}]}");
    full_world_make(
        &w, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "{\"metadata\":{\"name\":\"r\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
        "\"ClusterRole\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"eve\"}]}");
    const char *approve =
        "{\"status\":{\"conditions\":[{\"type\":\"Approved\",\"status\":\"True\",\"reason\":\"x\"}]}}";
    full_world_be(&w, "bob", "g");
    struct server_answer r = server_patch(&w, CSRS "/r/approval", "merge", approve);
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("user not permitted to approve requests with signerName \"x.io/s\"")) >
                0);
    full_world_be(&w, "eve", "g");
    assert_answer(server_patch(&w, CSRS "/r/approval", "merge", approve), 200);
    r = server_patch(
        &w, CSRS "/r/status", "merge",
        "{\"status\":{\"conditions\":[{\"type\":\"Failed\",\"status\":\"True\",\"reason\":\"y\"}]}}");
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("user not permitted to sign requests")) > 0);
    full_world_fini(&w);
}

TEST(test_strategy_priority_class__is_of_one_generation) {
    struct server_world w;
    full_world_init(&w);
    const char *url = "/apis/scheduling.k8s.io/v1/priorityclasses";
    struct server_answer r = full_world_make(&w, url, "{\"metadata\":{\"name\":\"a\"},\"value\":5}");
    assert_field(r, "metadata.generation", "1");
    r = server_patch(&w, "/apis/scheduling.k8s.io/v1/priorityclasses/a", "merge", "{\"description\":\"x\"}");
    assert_answer(r, 200);
    assert_field(r, "metadata.generation", "1");
    full_world_fini(&w);
}

TEST(test_strategy_csi_driver__counts_its_changes) {
    struct server_world w;
    full_world_init(&w);
    const char *url = "/apis/storage.k8s.io/v1/csidrivers";
    struct server_answer r = full_world_make(
        &w, url, "{\"metadata\":{\"name\":\"x.io\"},\"spec\":{\"preventPodSchedulingIfMissing\":true}}");
    assert_true(!server_field(&w, &r, "metadata.generation").p);
    assert_true(!server_field(&w, &r, "spec.preventPodSchedulingIfMissing").p);
    r = server_patch(&w, "/apis/storage.k8s.io/v1/csidrivers/x.io", "merge",
                     "{\"spec\":{\"requiresRepublish\":true}}");
    assert_answer(r, 200);
    assert_field(r, "metadata.generation", "1");
    full_world_fini(&w);
}
