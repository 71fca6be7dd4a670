/* The smaller plugins: namespaces, priorities, tolerations, classes, protection, runtimes, certificates. */
#include "full_world.h"
#include "unit/unit.h"

#define NS "/api/v1/namespaces/default"
#define PODS NS "/pods"
#define POD(name_, spec_)                                                                                    \
    "{\"metadata\":{\"name\":\"" name_ "\"},\"spec\":{" spec_                                                \
    "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}"
#define CLASSES "/apis/scheduling.k8s.io/v1/priorityclasses"
#define CLAIM(spec_)                                                                                         \
    "{\"metadata\":{\"name\":\"c\"},\"spec\":{" spec_                                                        \
    "\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}"

/* -- NamespaceLifecycle -- */

TEST(test_admission_namespace_lifecycle__needs_the_namespace) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r =
        server_post(&w, "/api/v1/namespaces/none/configmaps", "{\"metadata\":{\"name\":\"a\"}}");
    assert_answer(r, 404);
    assert_str(r.message, "namespaces \"none\" not found");
    full_world_fini(&w);
}

TEST(test_admission_namespace_lifecycle__makes_nothing_in_one_that_goes) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, "/api/v1/namespaces", "{\"metadata\":{\"name\":\"x\"}}");
    full_world_make(&w, "/api/v1/namespaces/x/configmaps", "{\"metadata\":{\"name\":\"a\"}}");
    assert_answer(server_delete(&w, "/api/v1/namespaces/x", NULL), 200);
    struct server_answer r =
        server_post(&w, "/api/v1/namespaces/x/configmaps", "{\"metadata\":{\"name\":\"b\"}}");
    assert_answer(r, 403);
    assert_str(r.message,
               "configmaps \"b\" is forbidden: unable to create new content in namespace x because it is "
               "being terminated");
    assert_field(r, "details.causes.0.reason", "NamespaceTerminating");
    assert_field(r, "details.causes.0.field", "metadata.namespace");
    assert_answer(server_patch(&w, "/api/v1/namespaces/x/configmaps/a", "merge", "{\"data\":{\"k\":\"v\"}}"),
                  200);
    assert_answer(server_delete(&w, "/api/v1/namespaces/x/configmaps/a", NULL), 200);
    full_world_fini(&w);
}

TEST(test_admission_namespace_lifecycle__keeps_system_namespaces) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = server_delete(&w, "/api/v1/namespaces/default", NULL);
    assert_answer(r, 403);
    assert_str(r.message, "namespaces \"default\" is forbidden: this namespace may not be deleted");
    full_world_fini(&w);
}

/* -- Priority -- */

TEST(test_admission_priority__gives_the_class_its_number) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, CLASSES,
                    "{\"metadata\":{\"name\":\"high\"},\"value\":1000,\"preemptionPolicy\":\"Never\"}");
    struct server_answer r = full_world_make(&w, PODS, POD("a", "\"priorityClassName\":\"high\","));
    assert_field(r, "spec.priority", "1000");
    assert_field(r, "spec.preemptionPolicy", "Never");
    r = full_world_make(&w, PODS, POD("b", ""));
    assert_field(r, "spec.priority", "0");
    assert_field(r, "spec.preemptionPolicy", "PreemptLowerPriority");
    r = server_post(&w, PODS, POD("c", "\"priorityClassName\":\"none\","));
    assert_answer(r, 403);
    assert_str(r.message, "pods \"c\" is forbidden: no PriorityClass with name none was found");
    r = server_post(&w, PODS, POD("c", "\"priority\":7,"));
    assert_answer(r, 403);
    full_world_fini(&w);
}

TEST(test_admission_priority__knows_one_default) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, CLASSES, "{\"metadata\":{\"name\":\"std\"},\"value\":5,\"globalDefault\":true}");
    struct server_answer r = full_world_make(&w, PODS, POD("a", ""));
    assert_field(r, "spec.priorityClassName", "std");
    assert_field(r, "spec.priority", "5");
    r = server_post(&w, CLASSES, "{\"metadata\":{\"name\":\"other\"},\"value\":6,\"globalDefault\":true}");
    assert_answer(r, 403);
    assert_true(
        str_find(r.message, S("PriorityClass std is already marked as default. Only one default can exist")) >
        0);
    full_world_fini(&w);
}

TEST(test_admission_priority__updates_may_leave_it_out) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, CLASSES, "{\"metadata\":{\"name\":\"std\"},\"value\":5,\"globalDefault\":true}");
    full_world_make(&w, PODS, POD("a", ""));
    struct server_answer r =
        server_patch(&w, PODS "/a", "merge", "{\"spec\":{\"priority\":null,\"preemptionPolicy\":null}}");
    assert_answer(r, 200);
    assert_field(r, "spec.priority", "5");
    full_world_fini(&w);
}

/* -- DefaultTolerationSeconds -- */

TEST(test_admission_default_tolerations__adds_what_is_not_there) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(&w, PODS, POD("a", ""));
    assert_field(r, "spec.tolerations.0.key", "node.kubernetes.io/not-ready");
    assert_field(r, "spec.tolerations.0.tolerationSeconds", "300");
    assert_field(r, "spec.tolerations.1.key", "node.kubernetes.io/unreachable");
    r = full_world_make(&w, PODS, POD("b", "\"tolerations\":[{\"operator\":\"Exists\"}],"));
    assert_true(!server_field(&w, &r, "spec.tolerations.1").p);
    full_world_fini(&w);
}

/* -- classes -- */

TEST(test_admission_default_storage_class__is_the_newest) {
    struct server_world w;
    full_world_init(&w);
    const char *classes = "/apis/storage.k8s.io/v1/storageclasses";
    full_world_make(
        &w, classes,
        "{\"metadata\":{\"name\":\"b\",\"annotations\":{\"storageclass.kubernetes.io/is-default-class\":"
        "\"true\"}},\"provisioner\":\"x.io/p\"}");
    full_world_pass(&w, 10);
    full_world_make(
        &w, classes,
        "{\"metadata\":{\"name\":\"d\",\"annotations\":{\"storageclass.kubernetes.io/is-default-class\":"
        "\"true\"}},\"provisioner\":\"x.io/p\"}");
    full_world_make(&w, classes, "{\"metadata\":{\"name\":\"a\"},\"provisioner\":\"x.io/p\"}");
    struct server_answer r = full_world_make(&w, NS "/persistentvolumeclaims", CLAIM(""));
    assert_field(r, "spec.storageClassName", "d");
    assert_field(r, "metadata.finalizers", "[\"kubernetes.io/pvc-protection\"]");
    assert_field(r, "status.phase", "Pending");
    full_world_fini(&w);
}

TEST(test_admission_default_storage_class__empty_names_none) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(
        &w, "/apis/storage.k8s.io/v1/storageclasses",
        "{\"metadata\":{\"name\":\"b\",\"annotations\":{\"storageclass.kubernetes.io/is-default-class\":"
        "\"true\"}},\"provisioner\":\"x.io/p\"}");
    struct server_answer r =
        full_world_make(&w, NS "/persistentvolumeclaims", CLAIM("\"storageClassName\":\"\","));
    assert_field(r, "spec.storageClassName", "");
    full_world_fini(&w);
}

TEST(test_admission_default_ingress_class__is_given) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(
        &w, "/apis/networking.k8s.io/v1/ingressclasses",
        "{\"metadata\":{\"name\":\"nginx\",\"annotations\":{\"ingressclass.kubernetes.io/is-default-class\":"
        "\"true\"}},\"spec\":{\"controller\":\"x.io/c\"}}");
    struct server_answer r = full_world_make(
        &w, "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
        "{\"metadata\":{\"name\":\"i\"},\"spec\":{\"defaultBackend\":{\"service\":{\"name\":\"s\",\"port\":{"
        "\"number\":80}}}}}");
    assert_field(r, "spec.ingressClassName", "nginx");
    full_world_fini(&w);
}

/* -- PersistentVolumeClaimResize -- */

TEST(test_admission_claim_resize__needs_a_class_that_allows_it) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, "/apis/storage.k8s.io/v1/storageclasses",
                    "{\"metadata\":{\"name\":\"fixed\"},\"provisioner\":\"x.io/p\"}");
    full_world_make(&w, NS "/persistentvolumeclaims", CLAIM("\"storageClassName\":\"fixed\","));
    const char *url = NS "/persistentvolumeclaims/c",
               *more = "{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"2Gi\"}}}}";
    struct server_answer r = server_patch(&w, url, "merge", more);
    assert_true(r.code == 403 || r.code == 422);
    assert_answer(server_patch(&w, NS "/persistentvolumeclaims/c/status", "merge",
                               "{\"status\":{\"phase\":\"Bound\"}}"),
                  200);
    r = server_patch(&w, url, "merge", more);
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("the storageclass that provisions the pvc must support resize")) > 0);
    assert_answer(server_patch(&w, "/apis/storage.k8s.io/v1/storageclasses/fixed", "merge",
                               "{\"allowVolumeExpansion\":true}"),
                  200);
    assert_answer(server_patch(&w, url, "merge", more), 200);
    full_world_fini(&w);
}

/* -- RuntimeClass -- */

TEST(test_admission_runtime_class__gives_overhead_and_place) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(
        &w, "/apis/node.k8s.io/v1/runtimeclasses",
        "{\"metadata\":{\"name\":\"vm\"},\"handler\":\"vm\",\"overhead\":{\"podFixed\":{\"cpu\":\"100m\"}},"
        "\"scheduling\":{\"nodeSelector\":{\"vm\":\"yes\"},\"tolerations\":[{\"key\":\"vm\",\"operator\":"
        "\"Exists\"}]}}");
    struct server_answer r = full_world_make(&w, PODS, POD("a", "\"runtimeClassName\":\"vm\","));
    assert_field(r, "spec.overhead", "{\"cpu\":\"100m\"}");
    assert_field(r, "spec.nodeSelector", "{\"vm\":\"yes\"}");
    assert_field(r, "spec.tolerations.2.key", "vm");
    r = server_post(&w, PODS, POD("b", "\"runtimeClassName\":\"none\","));
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("RuntimeClass \"none\" not found")) > 0);
    r = server_post(&w, PODS, POD("b", "\"runtimeClassName\":\"vm\",\"nodeSelector\":{\"vm\":\"no\"},"));
    assert_answer(r, 403);
    r = server_post(&w, PODS, POD("b", "\"overhead\":{\"cpu\":\"1\"},"));
    assert_answer(r, 403);
    full_world_fini(&w);
}

/* -- PodTopologyLabels -- */

TEST(test_admission_pod_topology_labels__come_from_the_node) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, "/api/v1/nodes",
                    "{\"metadata\":{\"name\":\"n\",\"labels\":{\"topology.kubernetes.io/zone\":\"z1\"}}}");
    struct server_answer r = full_world_make(&w, PODS, POD("a", "\"nodeName\":\"n\","));
    assert_field(r, "metadata.labels", "{\"topology.kubernetes.io/zone\":\"z1\"}");
    full_world_fini(&w);
}
