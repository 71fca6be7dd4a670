/* pods/binding: a pod gets its node, once. */
#include "full_world.h"
#include "unit/unit.h"

#define PODS "/api/v1/namespaces/default/pods"
#define TO(node_) "{\"metadata\":{\"name\":\"p\"},\"target\":{\"kind\":\"Node\",\"name\":\"" node_ "\"}}"

static void make_pod(struct server_world *w, const char *spec) {
    struct str body = arena_printf(
        &w->arena,
        "{\"metadata\":{\"name\":\"p\"},\"spec\":{%s\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
        spec);
    full_world_make(w, PODS, body.p);
}

TEST(test_subresource_binding__sets_the_node_once) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, "/api/v1/nodes",
                    "{\"metadata\":{\"name\":\"n1\",\"labels\":{\"topology.kubernetes.io/zone\":\"z\"}}}");
    make_pod(&w, "");
    struct server_answer r = server_post(
        &w, PODS "/p/binding",
        "{\"metadata\":{\"name\":\"p\",\"annotations\":{\"a\":\"b\"}},\"target\":{\"name\":\"n1\"}}");
    assert_answer(r, 201);
    assert_field(r, "kind", "Status");
    assert_field(r, "status", "Success");
    r = server_get(&w, PODS "/p");
    assert_field(r, "spec.nodeName", "n1");
    assert_field(r, "metadata.annotations", "{\"a\":\"b\"}");
    assert_field(r, "metadata.labels", "{\"topology.kubernetes.io/zone\":\"z\"}");
    assert_field(r, "status.conditions.0.type", "PodScheduled");
    assert_field(r, "status.conditions.0.status", "True");
    assert_field(r, "status.conditions.0.lastTransitionTime", "2026-01-01T00:00:00Z");
    r = server_post(&w, PODS "/p/binding", TO("n2"));
    assert_answer(r, 409);
    assert_str(r.message,
               "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node "
               "\"n1\"");
    full_world_fini(&w);
}

TEST(test_subresource_binding__works_by_the_older_resource) {
    struct server_world w;
    full_world_init(&w);
    make_pod(&w, "");
    assert_answer(server_post(&w, "/api/v1/namespaces/default/bindings", TO("n1")), 201);
    struct server_answer r = server_get(&w, PODS "/p");
    assert_field(r, "spec.nodeName", "n1");
    full_world_fini(&w);
}

TEST(test_subresource_binding__leaves_gated_and_ending_pods) {
    struct server_world w;
    full_world_init(&w);
    make_pod(&w, "\"schedulingGates\":[{\"name\":\"x.io/g\"}],");
    struct server_answer r = server_post(&w, PODS "/p/binding", TO("n1"));
    assert_answer(r, 409);
    assert_true(str_find(r.message, S("pod p has non-empty .spec.schedulingGates")) > 0);
    full_world_fini(&w);
}

TEST(test_subresource_binding__checks_what_it_is_asked) {
    struct server_world w;
    full_world_init(&w);
    make_pod(&w, "");
    assert_answer(
        server_post(&w, PODS "/p/binding", "{\"metadata\":{\"name\":\"q\"},\"target\":{\"name\":\"n\"}}"),
        400);
    assert_answer(server_post(&w, PODS "/p/binding", "{\"target\":{\"name\":\"\"}}"), 422);
    assert_answer(server_post(&w, PODS "/p/binding", "{\"target\":{\"kind\":\"Pod\",\"name\":\"n\"}}"), 422);
    assert_answer(server_post(&w, PODS "/none/binding", "{\"target\":{\"name\":\"n\"}}"), 404);
    assert_answer(
        server_post(&w, PODS "/p/binding", "{\"metadata\":{\"uid\":\"x\"},\"target\":{\"name\":\"n\"}}"),
        409);
    assert_answer(server_post(&w, PODS "/p/binding?dryRun=All", TO("n1")), 201);
    struct server_answer r = server_get(&w, PODS "/p");
    assert_true(!server_field(&w, &r, "spec.nodeName").p);
    full_world_fini(&w);
}
