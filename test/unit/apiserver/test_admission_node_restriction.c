/* What kubelets may write. */
#include "full_world.h"
#include "unit/unit.h"

#define PODS "/api/v1/namespaces/default/pods"
#define NODES "/api/v1/nodes"

static void be_node(struct server_world *w, const char *name) {
    struct str user = arena_printf(&w->arena, "system:node:%s", name);
    full_world_be(w, user.p, "system:nodes,system:authenticated");
}

static void be_admin(struct server_world *w) {
    full_world_be(w, "admin", "system:masters");
}

static struct str mirror(struct server_world *w, const char *node, const char *owner_uid) {
    return arena_printf(
        &w->arena,
        "{\"metadata\":{\"name\":\"m\",\"annotations\":{\"kubernetes.io/config.mirror\":\"x\","
        "\"kubernetes.io/config.hash\":\"x\",\"kubernetes.io/config.source\":\"file\"},"
        "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"n1\",\"uid\":\"%s\","
        "\"controller\":true}]},\"spec\":{\"nodeName\":\"%s\",\"containers\":[{\"name\":\"c\",\"image\":"
        "\"i\"}]}}",
        owner_uid, node);
}

TEST(test_admission_node_restriction__makes_its_own_node_only) {
    struct server_world w;
    full_world_init(&w);
    be_node(&w, "n1");
    struct server_answer r = full_world_make(
        &w, NODES,
        "{\"metadata\":{\"name\":\"n1\",\"labels\":{\"kubernetes.io/os\":\"linux\",\"zone\":\"a\"}}}");
    assert_field(r, "spec.taints.0.key", "node.kubernetes.io/not-ready");
    r = server_post(&w, NODES, "{\"metadata\":{\"name\":\"n2\"}}");
    assert_answer(r, 403);
    assert_str(r.message, "nodes \"n2\" is forbidden: node \"n1\" is not allowed to modify node \"n2\"");
    full_world_fini(&w);
}

TEST(test_admission_node_restriction__guards_labels_and_taints) {
    struct server_world w;
    full_world_init(&w);
    be_node(&w, "n1");
    struct server_answer r = server_post(&w, NODES,
                                         "{\"metadata\":{\"name\":\"n1\",\"labels\":{\"node-restriction."
                                         "kubernetes.io/x\":\"a\",\"a.k8s.io/y\":\"b\"}}}");
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("a.k8s.io/y, node-restriction.kubernetes.io/x")) > 0);
    full_world_make(&w, NODES, "{\"metadata\":{\"name\":\"n1\"}}");
    r = server_patch(&w, NODES "/n1", "merge", "{\"spec\":{\"taints\":null}}");
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("is not allowed to modify taints")) > 0);
    r = server_patch(&w, NODES "/n1/status", "merge",
                     "{\"metadata\":{\"labels\":{\"node-restriction.kubernetes.io/x\":\"a\"}}}");
    assert_answer(r, 403);
    r = server_patch(&w, NODES "/n1", "merge",
                     "{\"metadata\":{\"labels\":{\"x.node.kubernetes.io/a\":\"b\"}}}");
    assert_answer(r, 200);
    full_world_fini(&w);
}

TEST(test_admission_node_restriction__makes_mirror_pods_of_its_own) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer node = full_world_make(&w, NODES, "{\"metadata\":{\"name\":\"n1\"}}");
    struct str own = arena_str(&w.arena, server_field(&w, &node, "metadata.uid"));
    be_node(&w, "n1");
    struct server_answer r =
        server_post(&w, PODS,
                    "{\"metadata\":{\"name\":\"m\"},\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"name\":"
                    "\"c\",\"image\":\"i\"}]}}");
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("can only create mirror pods")) > 0);
    assert_answer(server_post(&w, PODS, mirror(&w, "n1", "wrong").p), 403);
    assert_answer(server_post(&w, PODS, mirror(&w, "n2", own.p).p), 403);
    assert_answer(server_post(&w, PODS, mirror(&w, "n1", own.p).p), 201);
    assert_answer(server_delete(&w, PODS "/m", "{\"gracePeriodSeconds\":0}"), 200);
    full_world_fini(&w);
}

TEST(test_admission_node_restriction__touches_its_own_pods_only) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, PODS,
                    "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"name\":"
                    "\"c\",\"image\":\"i\"}]}}");
    be_node(&w, "n2");
    assert_answer(server_patch(&w, PODS "/p/status", "merge", "{\"status\":{\"phase\":\"Running\"}}"), 403);
    assert_answer(server_delete(&w, PODS "/p", "{}"), 403);
    be_node(&w, "n1");
    assert_answer(server_patch(&w, PODS "/p/status", "merge", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}"),
                  403);
    assert_answer(server_patch(&w, PODS "/p/status", "merge", "{\"status\":{\"phase\":\"Running\"}}"), 200);
    assert_answer(server_patch(&w, PODS "/p", "merge", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}"), 403);
    assert_answer(server_delete(&w, PODS "/p", "{\"gracePeriodSeconds\":0}"), 200);
    full_world_fini(&w);
}

TEST(test_admission_node_restriction__leases_carry_its_name) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, "/api/v1/namespaces", "{\"metadata\":{\"name\":\"kube-node-lease\"}}");
    be_node(&w, "n1");
    const char *leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    assert_answer(
        server_post(&w, leases, "{\"metadata\":{\"name\":\"n2\"},\"spec\":{\"holderIdentity\":\"n1\"}}"),
        403);
    assert_answer(
        server_post(&w, leases, "{\"metadata\":{\"name\":\"n1\"},\"spec\":{\"holderIdentity\":\"n1\"}}"),
        201);
    assert_answer(server_post(&w, "/apis/coordination.k8s.io/v1/namespaces/default/leases",
                              "{\"metadata\":{\"name\":\"n1\"},\"spec\":{\"holderIdentity\":\"n1\"}}"),
                  403);
    full_world_fini(&w);
}

TEST(test_admission_node_restriction__reports_on_claims_only) {
    struct server_world w;
    full_world_init(&w);
    const char *claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    full_world_make(&w, claims,
                    "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],"
                    "\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}");
    be_node(&w, "n1");
    struct str url = arena_printf(&w.arena, "%s/c/status", claims);
    assert_answer(server_patch(&w, url.p, "merge", "{\"status\":{\"phase\":\"Bound\"}}"), 403);
    assert_answer(server_patch(&w, url.p, "merge", "{\"status\":{\"capacity\":{\"storage\":\"1Gi\"}}}"), 200);
    be_admin(&w);
    full_world_fini(&w);
}
