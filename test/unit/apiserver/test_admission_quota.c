/* Quotas: what is counted, what is refused, and that many calls at once stay within. */
#include "apiserver/admission.h"
#include "apiserver/registry.h"
#include "base/sim.h"
#include "full_world.h"
#include "unit/unit.h"

#define NS "/api/v1/namespaces/default"
#define MAPS NS "/configmaps"
#define PODS NS "/pods"

static void make_quota(struct server_world *w, const char *spec) {
    struct str body = arena_printf(&w->arena, "{\"metadata\":{\"name\":\"q\"},\"spec\":{%s}}", spec);
    full_world_make(w, NS "/resourcequotas", body.p);
}

static struct server_answer make_map(struct server_world *w, int i) {
    struct str body = arena_printf(&w->arena, "{\"metadata\":{\"name\":\"m%d\"}}", i);
    return server_post(w, MAPS, body.p);
}

static struct server_answer make_pod(struct server_world *w, const char *name, const char *resources) {
    struct str body =
        arena_printf(&w->arena,
                     "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":"
                     "\"i\",\"resources\":{%s}}]}}",
                     name, resources);
    return server_post(w, PODS, body.p);
}

#define assert_used(resource_, expected_)                                                                    \
    do {                                                                                                     \
        struct server_answer q_ = server_get(&w, NS "/resourcequotas/q");                                    \
        const struct jval *used_ = jval_get(jval_get(&q_.tree, S("status")), S("used"));                     \
        assert_str(jval_as_str(jval_get(used_, S(resource_))), (expected_));                                 \
    } while (0)

TEST(test_admission_quota__refuses_what_is_too_much) {
    struct server_world w;
    full_world_init(&w);
    make_quota(&w, "\"hard\":{\"configmaps\":\"2\"}");
    assert_answer(make_map(&w, 1), 201);
    assert_used("configmaps", "1");
    assert_answer(make_map(&w, 2), 201);
    assert_used("configmaps", "2");
    struct server_answer r = make_map(&w, 3);
    assert_answer(r, 403);
    assert_str(r.message, "configmaps \"m3\" is forbidden: exceeded quota: q, requested: configmaps=1, used: "
                          "configmaps=2, limited: configmaps=2");
    assert_answer(server_delete(&w, MAPS "/m1", NULL), 200);
    full_world_end_calls(&w);
    assert_answer(make_map(&w, 3), 201);
    full_world_fini(&w);
}

TEST(test_admission_quota__many_at_once_stay_within) {
    enum { CALLS = 40, HARD = 7 };
    struct server_world w;
    full_world_init(&w);
    make_quota(&w, "\"hard\":{\"count/configmaps\":\"7\"}");
    struct call *calls[CALLS];
    for (int i = 0; i < CALLS; i++) {
        calls[i] = server_call(&w, "POST", MAPS);
        calls[i]->body = arena_printf(&w.arena, "{\"metadata\":{\"name\":\"m%d\"}}", i);
        registry_run(calls[i]);
    }
    sim_settle(w.sim);
    int made = 0;
    for (int i = 0; i < CALLS; i++) {
        assert_true(*(bool *)calls[i]->door);
        made += calls[i]->http_code == 201;
        call_fini(calls[i]);
    }
    assert_int_equal(made, HARD);
    assert_used("count/configmaps", "7");
    full_world_fini(&w);
}

TEST(test_admission_quota__what_was_not_stored_is_given_back) {
    struct server_world w;
    full_world_init(&w);
    make_quota(&w, "\"hard\":{\"configmaps\":\"2\"}");
    assert_answer(make_map(&w, 1), 201);
    struct arena own = ARENA_INIT;
    struct call *c = server_call(&w, "POST", MAPS);
    c->arena = &own;
    c->body = S("{\"metadata\":{\"name\":\"m1\"}}");
    assert_int_equal(server_run(&w, c).code, 409);
    arena_fini(&own);
    assert_answer(server_post(&w, MAPS "?dryRun=All", "{\"metadata\":{\"name\":\"dry\"}}"), 201);
    assert_answer(make_map(&w, 2), 201);
    assert_answer(make_map(&w, 3), 403);
    full_world_fini(&w);
}

TEST(test_admission_quota__counts_what_pods_ask_for) {
    struct server_world w;
    full_world_init(&w);
    make_quota(&w, "\"hard\":{\"requests.cpu\":\"1\",\"limits.memory\":\"1Gi\",\"pods\":\"10\"}");
    struct server_answer r = make_pod(&w, "a", "");
    assert_answer(r, 403);
    assert_str(r.message,
               "pods \"a\" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu "
               "for: c");
    assert_answer(make_pod(&w, "a", "\"requests\":{\"cpu\":\"600m\"},\"limits\":{\"memory\":\"512Mi\"}"),
                  201);
    assert_used("requests.cpu", "600m");
    assert_used("limits.memory", "512Mi");
    r = make_pod(&w, "b", "\"requests\":{\"cpu\":\"600m\"},\"limits\":{\"memory\":\"512Mi\"}");
    assert_answer(r, 403);
    assert_str(r.message, "pods \"b\" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: "
                          "requests.cpu=600m, limited: requests.cpu=1");
    assert_answer(server_patch(&w, PODS "/a/status", "merge", "{\"status\":{\"phase\":\"Succeeded\"}}"), 200);
    full_world_end_calls(&w);
    assert_answer(make_pod(&w, "b", "\"requests\":{\"cpu\":\"600m\"},\"limits\":{\"memory\":\"512Mi\"}"),
                  201);
    full_world_fini(&w);
}

TEST(test_admission_quota__scopes_choose_pods) {
    struct server_world w;
    full_world_init(&w);
    make_quota(&w, "\"scopes\":[\"BestEffort\"],\"hard\":{\"pods\":\"1\"}");
    assert_answer(make_pod(&w, "a", ""), 201);
    assert_answer(make_pod(&w, "b", ""), 403);
    assert_answer(make_pod(&w, "b", "\"requests\":{\"cpu\":\"1\"}"), 201);
    assert_used("pods", "1");
    full_world_fini(&w);
}

TEST(test_admission_quota__services_count_by_type) {
    struct server_world w;
    full_world_init(&w);
    make_quota(&w, "\"hard\":{\"services\":\"2\",\"services.nodeports\":\"1\"}");
    full_world_make(&w, NS "/services",
                    "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"type\":\"NodePort\",\"ports\":[{"
                    "\"port\":80}]}}");
    full_world_make(&w, NS "/services",
                    "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"ports\":[{\"port\":80}]}}");
    struct server_answer r =
        server_patch(&w, NS "/services/b", "merge", "{\"spec\":{\"type\":\"NodePort\"}}");
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("requested: services.nodeports=1, used: services.nodeports=1")) > 0);
    assert_answer(server_post(&w, NS "/services",
                              "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"ports\":[{\"port\":80}]}}"),
                  403);
    full_world_fini(&w);
}

static struct server_answer make_claim(struct server_world *w, const char *name, const char *class,
                                       const char *size) {
    struct str body =
        arena_printf(&w->arena,
                     "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"storageClassName\":\"%s\","
                     "\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":"
                     "\"%s\"}}}}",
                     name, class, size);
    return server_post(w, NS "/persistentvolumeclaims", body.p);
}

TEST(test_admission_quota__storage_counts_by_class) {
    struct server_world w;
    full_world_init(&w);
    make_quota(
        &w, "\"hard\":{\"requests.storage\":\"10Gi\",\"fast.storageclass.storage.k8s.io/requests.storage\":"
            "\"5Gi\"}");
    assert_answer(make_claim(&w, "a", "fast", "4Gi"), 201);
    struct server_answer r = make_claim(&w, "b", "fast", "2Gi");
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("used: fast.storageclass.storage.k8s.io/requests.storage=4Gi")) > 0);
    assert_answer(make_claim(&w, "b", "slow", "6Gi"), 201);
    assert_answer(make_claim(&w, "c", "slow", "1Gi"), 403);
    full_world_fini(&w);
}

TEST(test_admission_quota__other_namespaces_are_free) {
    struct server_world w;
    full_world_init(&w);
    make_quota(&w, "\"hard\":{\"configmaps\":\"0\"}");
    full_world_make(&w, "/api/v1/namespaces", "{\"metadata\":{\"name\":\"other\"}}");
    assert_answer(make_map(&w, 1), 403);
    full_world_make(&w, "/api/v1/namespaces/other/configmaps", "{\"metadata\":{\"name\":\"a\"}}");
    full_world_fini(&w);
}

TEST(test_admission_quota__follows_large_namespaces) {
    enum { MANY = 140 };
    struct server_world w;
    full_world_init(&w);
    make_quota(&w, "\"hard\":{\"requests.cpu\":\"200\",\"pods\":\"500\"}");
    for (int i = 0; i < MANY; i++)
        assert_answer(make_pod(&w, arena_printf(&w.arena, "p%d", i).p, "\"requests\":{\"cpu\":\"1\"}"), 201);
    assert_used("requests.cpu", "140");
    assert_answer(server_delete(&w, PODS "/p0", NULL), 200);
    assert_answer(server_patch(&w, PODS "/p1/status", "merge", "{\"status\":{\"phase\":\"Failed\"}}"), 200);
    full_world_end_calls(&w);
    assert_answer(make_pod(&w, "more", "\"requests\":{\"cpu\":\"500m\"}"), 201);
    assert_used("requests.cpu", "138500m");
    assert_used("pods", "139");
    assert_answer(
        server_patch(&w, NS "/resourcequotas/q", "merge", "{\"spec\":{\"hard\":{\"requests.cpu\":\"138\"}}}"),
        200);
    assert_answer(make_pod(&w, "even-more", "\"requests\":{\"cpu\":\"1m\"}"), 403);
    admission_trim(w.server.admission);
    full_world_pass(&w, 200);
    admission_trim(w.server.admission);
    assert_answer(make_pod(&w, "even-more", "\"requests\":{\"cpu\":\"1m\"}"), 403);
    full_world_fini(&w);
}
