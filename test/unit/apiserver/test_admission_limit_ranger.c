/* Limits and defaults of a namespace. */
#include "full_world.h"
#include "unit/unit.h"

#define NS "/api/v1/namespaces/default"
#define PODS NS "/pods"

static void make_limits(struct server_world *w, const char *item) {
    struct str body =
        arena_printf(&w->arena, "{\"metadata\":{\"name\":\"l\"},\"spec\":{\"limits\":[{%s}]}}", item);
    full_world_make(w, NS "/limitranges", body.p);
}

static struct server_answer make_pod(struct server_world *w, const char *resources) {
    struct str body =
        arena_printf(&w->arena,
                     "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":"
                     "\"i\",\"resources\":{%s}}]}}",
                     resources);
    return server_post(w, PODS, body.p);
}

TEST(test_admission_limit_ranger__fills_in_defaults) {
    struct server_world w;
    full_world_init(&w);
    make_limits(&w,
                "\"type\":\"Container\",\"default\":{\"cpu\":\"1\",\"memory\":\"1Gi\"},\"defaultRequest\":{"
                "\"cpu\":\"100m\",\"memory\":\"64Mi\"}");
    struct server_answer r = make_pod(&w, "\"requests\":{\"cpu\":\"200m\"}");
    assert_answer(r, 201);
    assert_field(r, "spec.containers.0.resources.requests", "{\"cpu\":\"200m\",\"memory\":\"64Mi\"}");
    assert_field(r, "spec.containers.0.resources.limits", "{\"cpu\":\"1\",\"memory\":\"1Gi\"}");
    const struct jval *annotations = jval_get(jval_get(&r.tree, S("metadata")), S("annotations"));
    assert_str(jval_as_str(jval_get(annotations, S("kubernetes.io/limit-ranger"))),
               "LimitRanger plugin set: memory request for container c; cpu, memory limit for container c");
    assert_field(r, "status.qosClass", "Burstable");
    full_world_fini(&w);
}

TEST(test_admission_limit_ranger__keeps_containers_within) {
    struct server_world w;
    full_world_init(&w);
    make_limits(&w,
                "\"type\":\"Container\",\"min\":{\"cpu\":\"100m\"},\"max\":{\"memory\":\"1Gi\"},\"default\":{"
                "\"memory\":\"1Gi\"},\"defaultRequest\":{\"cpu\":\"100m\"}");
    struct server_answer r = make_pod(&w, "\"requests\":{\"cpu\":\"50m\"},\"limits\":{\"memory\":\"2Gi\"}");
    assert_answer(r, 403);
    assert_str(r.message, "pods \"p\" is forbidden: [minimum cpu usage per Container is 100m, but request is "
                          "50m, maximum memory "
                          "usage per Container is 1Gi, but limit is 2Gi]");
    assert_answer(make_pod(&w, ""), 201);
    full_world_fini(&w);
}

TEST(test_admission_limit_ranger__keeps_ratios) {
    struct server_world w;
    full_world_init(&w);
    make_limits(&w, "\"type\":\"Container\",\"maxLimitRequestRatio\":{\"cpu\":\"2\"}");
    struct server_answer r = make_pod(&w, "\"requests\":{\"cpu\":\"1\"},\"limits\":{\"cpu\":\"3\"}");
    assert_answer(r, 403);
    assert_true(
        str_find(r.message, S("cpu max limit to request ratio per Container is 2, but provided ratio is "
                              "3.000000")) > 0);
    assert_answer(make_pod(&w, "\"requests\":{\"cpu\":\"1\"},\"limits\":{\"cpu\":\"2\"}"), 201);
    full_world_fini(&w);
}

TEST(test_admission_limit_ranger__keeps_pods_within) {
    struct server_world w;
    full_world_init(&w);
    make_limits(&w, "\"type\":\"Pod\",\"max\":{\"cpu\":\"1\"}");
    struct server_answer r = make_pod(&w, "");
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("maximum cpu usage per Pod is 1.  No limit is specified")) > 0);
    r = server_post(
        &w, PODS,
        "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\","
        "\"resources\":{\"limits\":{\"cpu\":\"600m\"}}},{\"name\":\"b\",\"image\":\"i\",\"resources\":{"
        "\"limits\":{\"cpu\":\"600m\"}}}]}}");
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("maximum cpu usage per Pod is 1, but limit is 1200m")) > 0);
    full_world_fini(&w);
}

TEST(test_admission_limit_ranger__looks_at_resizes) {
    struct server_world w;
    full_world_init(&w);
    make_limits(&w, "\"type\":\"Container\",\"max\":{\"cpu\":\"1\"}");
    assert_answer(make_pod(&w, "\"requests\":{\"cpu\":\"1\"},\"limits\":{\"cpu\":\"1\"}"), 201);
    struct server_answer r = server_patch(
        &w, PODS "/p/resize", "strategic",
        "{\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"2\"},\"limits\":{"
        "\"cpu\":\"2\"}}}]}}");
    assert_answer(r, 403);
    full_world_fini(&w);
}

TEST(test_admission_limit_ranger__keeps_claims_within) {
    struct server_world w;
    full_world_init(&w);
    make_limits(
        &w, "\"type\":\"PersistentVolumeClaim\",\"min\":{\"storage\":\"1Gi\"},\"max\":{\"storage\":\"2Gi\"}");
    struct server_answer r =
        server_post(&w, NS "/persistentvolumeclaims",
                    "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],"
                    "\"resources\":{\"requests\":{\"storage\":\"3Gi\"}}}}");
    assert_answer(r, 403);
    assert_str(r.message,
               "persistentvolumeclaims \"c\" is forbidden: maximum storage usage per PersistentVolumeClaim "
               "is 2Gi, but request is 3Gi");
    full_world_fini(&w);
}
