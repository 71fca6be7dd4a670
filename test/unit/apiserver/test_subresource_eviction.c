/* pods/eviction: budgets are kept. */
#include "apiserver/registry.h"
#include "base/sim.h"
#include "full_world.h"
#include "unit/unit.h"

#define PODS "/api/v1/namespaces/default/pods"
#define BUDGETS "/apis/policy/v1/namespaces/default/poddisruptionbudgets"

static void make_pod(struct server_world *w, const char *name, bool ready) {
    struct str body =
        arena_printf(&w->arena,
                     "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"app\":\"a\"}},\"spec\":{\"nodeName\":"
                     "\"n\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
                     name);
    full_world_make(w, PODS, body.p);
    struct str url = arena_printf(&w->arena, PODS "/%s/status", name);
    body = arena_printf(
        &w->arena,
        "{\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\"}]}}",
        ready ? "True" : "False");
    assert_answer(server_patch(w, url.p, "merge", body.p), 200);
}

static void make_budget(struct server_world *w, const char *name, int allowed, int healthy, int desired) {
    struct str body =
        arena_printf(&w->arena,
                     "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"minAvailable\":1,\"selector\":{"
                     "\"matchLabels\":{\"app\":\"a\"}}}}",
                     name);
    full_world_make(w, BUDGETS, body.p);
    struct str url = arena_printf(&w->arena, BUDGETS "/%s/status", name);
    body = arena_printf(
        &w->arena,
        "{\"status\":{\"observedGeneration\":1,\"disruptionsAllowed\":%d,\"currentHealthy\":%d,"
        "\"desiredHealthy\":%d,\"expectedPods\":3,\"conditions\":[{\"type\":\"DisruptionAllowed\",\"status\":"
        "\"True\",\"reason\":\"SufficientPods\",\"message\":\"\",\"lastTransitionTime\":"
        "\"2025-01-01T00:00:00Z\"}]}}",
        allowed, healthy, desired);
    assert_answer(server_patch(w, url.p, "merge", body.p), 200);
}

static struct server_answer evict(struct server_world *w, const char *name) {
    struct str url = arena_printf(&w->arena, PODS "/%s/eviction", name);
    struct str body = arena_printf(&w->arena, "{\"metadata\":{\"name\":\"%s\"}}", name);
    return server_post(w, url.p, body.p);
}

TEST(test_subresource_eviction__needs_no_budget) {
    struct server_world w;
    full_world_init(&w);
    make_pod(&w, "p", true);
    struct server_answer r = evict(&w, "p");
    assert_answer(r, 201);
    assert_field(r, "status", "Success");
    r = server_get(&w, PODS "/p");
    assert_answer(r, 200);
    assert_field(r, "metadata.deletionGracePeriodSeconds", "30");
    assert_field(r, "status.conditions.1.type", "DisruptionTarget");
    assert_field(r, "status.conditions.1.reason", "EvictionByEvictionAPI");
    full_world_fini(&w);
}

TEST(test_subresource_eviction__takes_from_the_budget) {
    struct server_world w;
    full_world_init(&w);
    make_pod(&w, "p", true);
    make_pod(&w, "q", true);
    make_budget(&w, "b", 1, 2, 1);
    assert_answer(evict(&w, "p"), 201);
    struct server_answer r = server_get(&w, BUDGETS "/b");
    assert_field(r, "status.disruptionsAllowed", "0");
    assert_field(r, "status.disruptedPods", "{\"p\":\"2026-01-01T00:00:00Z\"}");
    assert_field(r, "status.conditions.0.status", "False");
    assert_field(r, "status.conditions.0.reason", "InsufficientPods");
    r = evict(&w, "q");
    assert_answer(r, 429);
    assert_str(r.message, "Cannot evict pod as it would violate the pod's disruption budget.");
    assert_field(r, "details.causes.0.reason", "DisruptionBudget");
    assert_field(r, "details.causes.0.message",
                 "The disruption budget b needs 1 healthy pods and has 2 currently");
    full_world_fini(&w);
}

TEST(test_subresource_eviction__many_at_once_keep_the_budget) {
    enum { PODS_N = 6 };
    struct server_world w;
    full_world_init(&w);
    for (int i = 0; i < PODS_N; i++)
        make_pod(&w, arena_printf(&w.arena, "p%d", i).p, true);
    make_budget(&w, "b", 2, 6, 4);
    struct call *calls[PODS_N];
    for (int i = 0; i < PODS_N; i++) {
        calls[i] = server_call(&w, "POST", arena_printf(&w.arena, PODS "/p%d/eviction", i).p);
        calls[i]->body = S("{}");
        registry_run(calls[i]);
    }
    sim_settle(w.sim);
    int gone = 0, refused = 0;
    for (int i = 0; i < PODS_N; i++) {
        assert_true(*(bool *)calls[i]->door);
        gone += calls[i]->http_code == 201;
        refused += calls[i]->http_code == 429;
        call_fini(calls[i]);
    }
    assert_int_equal(gone, 2);
    assert_int_equal(refused, PODS_N - 2);
    full_world_fini(&w);
}

TEST(test_subresource_eviction__waits_for_the_budgets_controller) {
    struct server_world w;
    full_world_init(&w);
    make_pod(&w, "p", true);
    make_budget(&w, "b", 1, 2, 1);
    assert_answer(server_patch(&w, BUDGETS "/b", "merge", "{\"spec\":{\"minAvailable\":2}}"), 200);
    struct server_answer r = evict(&w, "p");
    assert_answer(r, 429);
    assert_field(r, "details.causes.0.message",
                 "The disruption budget b is still being processed by the server.");
    assert_field(r, "details.retryAfterSeconds", "10");
    full_world_fini(&w);
}

TEST(test_subresource_eviction__unhealthy_pods_may_go) {
    struct server_world w;
    full_world_init(&w);
    make_pod(&w, "p", false);
    make_pod(&w, "q", false);
    make_budget(&w, "b", 0, 1, 2);
    assert_answer(evict(&w, "p"), 429);
    assert_answer(server_patch(&w, BUDGETS "/b", "merge",
                               "{\"spec\":{\"unhealthyPodEvictionPolicy\":\"AlwaysAllow\"}}"),
                  200);
    assert_answer(evict(&w, "p"), 201);
    assert_answer(server_patch(&w, BUDGETS "/b", "merge", "{\"spec\":{\"unhealthyPodEvictionPolicy\":null}}"),
                  200);
    assert_answer(server_patch(&w, BUDGETS "/b/status", "merge",
                               "{\"status\":{\"observedGeneration\":9,\"currentHealthy\":2}}"),
                  200);
    assert_answer(evict(&w, "q"), 201);
    struct server_answer r = server_get(&w, BUDGETS "/b");
    assert_field(r, "status.disruptionsAllowed", "0");
    full_world_fini(&w);
}

TEST(test_subresource_eviction__refuses_several_budgets) {
    struct server_world w;
    full_world_init(&w);
    make_pod(&w, "p", true);
    make_budget(&w, "a", 1, 2, 1);
    make_budget(&w, "b", 1, 2, 1);
    struct server_answer r = evict(&w, "p");
    assert_answer(r, 500);
    assert_true(str_find(r.message, S("more than one PodDisruptionBudget")) > 0);
    full_world_fini(&w);
}

TEST(test_subresource_eviction__ended_pods_go_at_once) {
    struct server_world w;
    full_world_init(&w);
    make_pod(&w, "p", true);
    make_budget(&w, "b", 0, 1, 1);
    assert_answer(server_patch(&w, PODS "/p/status", "merge", "{\"status\":{\"phase\":\"Failed\"}}"), 200);
    assert_answer(evict(&w, "p"), 201);
    assert_answer(server_get(&w, PODS "/p"), 404);
    full_world_fini(&w);
}

TEST(test_subresource_eviction__dry_runs_change_nothing) {
    struct server_world w;
    full_world_init(&w);
    make_pod(&w, "p", true);
    make_budget(&w, "b", 1, 2, 1);
    assert_answer(server_post(&w, PODS "/p/eviction", "{\"deleteOptions\":{\"dryRun\":[\"All\"]}}"), 201);
    struct server_answer r = server_get(&w, BUDGETS "/b");
    assert_field(r, "status.disruptionsAllowed", "1");
    r = server_get(&w, PODS "/p");
    assert_true(!server_field(&w, &r, "metadata.deletionTimestamp").p);
    full_world_fini(&w);
}

TEST(test_subresource_eviction__checks_what_it_is_asked) {
    struct server_world w;
    full_world_init(&w);
    make_pod(&w, "p", true);
    assert_answer(server_post(&w, PODS "/none/eviction", "{}"), 404);
    assert_answer(server_post(&w, PODS "/p/eviction", "{\"metadata\":{\"name\":\"q\"}}"), 400);
    assert_answer(
        server_post(&w, PODS "/p/eviction", "{\"deleteOptions\":{\"preconditions\":{\"uid\":\"x\"}}}"), 409);
    full_world_fini(&w);
}
