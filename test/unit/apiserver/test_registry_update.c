/* PUT: what a client may change, and what stands in its way. */
#include "apiserver/subresource.h"
#include "base/sim.h"
#include "server_world.h"
#include "unit/unit.h"

#define MAPS "/api/v1/namespaces/default/configmaps"
#define LEASES "/apis/coordination.k8s.io/v1/namespaces/default/leases"
#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"

static const char *text(struct server_world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static const char *text(struct server_world *w, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str s = arena_vprintf(&w->arena, fmt, ap);
    va_end(ap);
    return s.p;
}

static struct server_answer make_map(struct server_world *w) {
    struct server_answer r = server_post(w, MAPS, "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}");
    assert_answer(r, 201);
    return r;
}

TEST(test_registry_update__changes_and_keeps_what_is_the_servers) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer made = make_map(&w);
    struct server_answer r =
        server_put(&w, MAPS "/a",
                   "{\"metadata\":{\"name\":\"a\",\"creationTimestamp\":null,\"deletionTimestamp\":"
                   "\"2020-01-01T00:00:00Z\"},\"data\":{\"k\":\"w\"}}");
    assert_answer(r, 200);
    assert_true(r.rv > made.rv);
    assert_field(r, "data.k", "w");
    assert_field(r, "metadata.creationTimestamp", "2026-01-01T00:00:00Z");
    assert_field(r, "metadata.deletionTimestamp", NULL);
    assert_str_equal(server_field(&w, &r, "metadata.uid"), server_field(&w, &made, "metadata.uid"));
    server_world_fini(&w);
}

TEST(test_registry_update__writes_nothing_when_nothing_changes) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer made = make_map(&w);
    sim_run_ns(w.sim, INT64_C(5000000000));
    struct server_answer r =
        server_put(&w, MAPS "/a", "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"v\"}}");
    assert_answer(r, 200);
    assert_int_equal(r.rv, made.rv);
    assert_str_equal(r.text, made.text);
    server_world_fini(&w);
}

TEST(test_registry_update__checks_the_resource_version) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer made = make_map(&w);
    const char *stale =
        text(&w, "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"%u\"},\"data\":{\"k\":\"1\"}}",
             (unsigned)made.rv);
    assert_answer(server_put(&w, MAPS "/a", stale), 200);
    struct server_answer r = server_put(&w, MAPS "/a", stale);
    assert_answer(r, 409);
    assert_str(r.reason, "Conflict");
    assert_str(r.message,
               "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please "
               "apply your changes to the latest version and try again");
    r = server_put(&w, MAPS "/a", "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"x\"}}");
    assert_answer(r, 400);
    server_world_fini(&w);
}

TEST(test_registry_update__wants_a_resource_version_for_some_kinds) {
    struct server_world w;
    server_world_init(&w);
    assert_answer(
        server_post(&w, LEASES, "{\"metadata\":{\"name\":\"l\"},\"spec\":{\"holderIdentity\":\"me\"}}"), 201);
    struct server_answer r =
        server_put(&w, LEASES "/l", "{\"metadata\":{\"name\":\"l\"},\"spec\":{\"holderIdentity\":\"you\"}}");
    assert_answer(r, 422);
    assert_str(r.message,
               "leases.coordination.k8s.io \"l\" is invalid: metadata.resourceVersion: Invalid value: 0: "
               "must be specified for an update");
    server_world_fini(&w);
}

TEST(test_registry_update__creates_kinds_that_may_be_created_so) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r =
        server_put(&w, LEASES "/l", "{\"metadata\":{\"name\":\"l\"},\"spec\":{\"holderIdentity\":\"me\"}}");
    assert_answer(r, 201);
    assert_int_equal(server_field(&w, &r, "metadata.uid").n, 36);
    r = server_put(&w, MAPS "/a", "{\"metadata\":{\"name\":\"a\"}}");
    assert_answer(r, 404);
    assert_str(r.message, "configmaps \"a\" not found");
    server_world_fini(&w);
}

TEST(test_registry_update__checks_names_and_uid) {
    struct server_world w;
    server_world_init(&w);
    make_map(&w);
    struct server_answer r = server_put(&w, MAPS "/a", "{\"metadata\":{\"name\":\"b\"}}");
    assert_answer(r, 400);
    assert_str(r.message, "the name of the object (b) does not match the name on the URL (a)");
    r = server_put(&w, MAPS "/a", "{\"metadata\":{}}");
    assert_answer(r, 400);
    r = server_put(&w, MAPS "/a", "{\"metadata\":{\"name\":\"a\",\"uid\":\"other\"}}");
    assert_answer(r, 409);
    assert_true(
        str_find(r.message, S("Precondition failed: UID in precondition: other, UID in object meta: ")) > 0);
    server_world_fini(&w);
}

static const char deployment[] = "{\"metadata\":{\"name\":\"d\",\"labels\":{\"l\":\"1\"}},\"spec\":{"
                                 "\"replicas\":%d,\"selector\":{\"matchLabels\":{\"a\":\"b\"}},"
                                 "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{"
                                 "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}},"
                                 "\"status\":{\"replicas\":%d}}";

TEST(test_registry_update__keeps_status_and_spec_apart) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer r = server_post(&w, DEPLOYMENTS, text(&w, deployment, 2, 5));
    assert_answer(r, 201);
    assert_field(r, "status.replicas", NULL);
    r = server_put(&w, DEPLOYMENTS "/d/status", text(&w, deployment, 9, 1));
    assert_answer(r, 200);
    assert_field(r, "spec.replicas", "2");
    assert_field(r, "status.replicas", "1");
    assert_field(r, "metadata.managedFields.1.subresource", "status");
    r = server_put(&w, DEPLOYMENTS "/d", text(&w, deployment, 3, 7));
    assert_answer(r, 200);
    assert_field(r, "spec.replicas", "3");
    assert_field(r, "status.replicas", "1");
    r = server_get(&w, DEPLOYMENTS "/d/status");
    assert_answer(r, 200);
    assert_field(r, "status.replicas", "1");
    server_world_fini(&w);
}

TEST(test_registry_update__validates) {
    struct server_world w;
    server_world_init(&w);
    assert_answer(server_post(&w, DEPLOYMENTS, text(&w, deployment, 2, 5)), 201);
    struct server_answer r = server_put(&w, DEPLOYMENTS "/d", text(&w, deployment, -2, 5));
    assert_answer(r, 422);
    assert_str(r.message,
               "Deployment.apps \"d\" is invalid: spec.replicas: Invalid value: -2: must be greater than or "
               "equal to 0");
    assert_field(r, "details.causes.0.field", "spec.replicas");
    server_world_fini(&w);
}

TEST(test_registry_update__scales) {
    struct server_world w;
    server_world_init(&w);
    assert_answer(server_post(&w, DEPLOYMENTS, text(&w, deployment, 2, 5)), 201);
    struct server_answer r = server_get(&w, DEPLOYMENTS "/d/scale");
    assert_answer(r, 200);
    assert_field(r, "kind", "Scale");
    assert_field(r, "spec.replicas", "2");
    assert_field(r, "status.selector", "a=b");
    r = server_put(&w, DEPLOYMENTS "/d/scale?fieldManager=me",
                   "{\"metadata\":{\"name\":\"d\",\"namespace\":\"default\"},\"spec\":{\"replicas\":4}}");
    assert_answer(r, 200);
    assert_field(r, "spec.replicas", "4");
    r = server_patch(&w, DEPLOYMENTS "/d/scale", "merge", "{\"spec\":{\"replicas\":6}}");
    assert_answer(r, 200);
    assert_field(r, "spec.replicas", "6");
    r = server_get(&w, DEPLOYMENTS "/d");
    assert_field(r, "spec.replicas", "6");
    assert_true(str_find(r.text, S("\"subresource\":\"scale\"")) > 0);
    assert_answer(server_patch(&w, DEPLOYMENTS "/d/scale", "merge", "{\"spec\":{\"replicas\":-6}}"), 422);
    assert_answer(server_get(&w, MAPS "/a/scale"), 404);
    server_world_fini(&w);
}

TEST(test_registry_update__stores_nothing_on_a_dry_run) {
    struct server_world w;
    server_world_init(&w);
    struct server_answer made = make_map(&w);
    struct server_answer r =
        server_put(&w, MAPS "/a?dryRun=All", "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"w\"}}");
    assert_answer(r, 200);
    assert_field(r, "data.k", "w");
    assert_int_equal(r.rv, made.rv);
    r = server_get(&w, MAPS "/a");
    assert_field(r, "data.k", "v");
    server_world_fini(&w);
}

TEST(test_registry_update__tracks_managers_of_several_versions) {
    static const char url[] =
        "/apis/autoscaling/%s/namespaces/default/horizontalpodautoscalers%s?fieldManager=%s";
    struct server_world w;
    server_world_init(&w);
    struct server_answer r = server_post(
        &w, text(&w, url, "v1", "", "one"),
        "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"maxReplicas\":3,\"targetCPUUtilizationPercentage\":50,"
        "\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"d\"}}}");
    assert_answer(r, 201);
    r = server_patch(&w, text(&w, url, "v2", "/a", "two"), "merge", "{\"spec\":{\"maxReplicas\":4}}");
    assert_answer(r, 200);
    assert_field(r, "metadata.managedFields.0.manager", "one");
    assert_field(r, "metadata.managedFields.0.apiVersion", "autoscaling/v1");
    assert_field(r, "metadata.managedFields.1.manager", "two");
    assert_field(r, "metadata.managedFields.1.apiVersion", "autoscaling/v2");
    struct str first = server_field(&w, &r, "metadata.managedFields.0.fieldsV1");
    assert_true(str_find(first, S("f:targetCPUUtilizationPercentage")) > 0);
    assert_true(str_find(first, S("f:maxReplicas")) < 0);
    server_world_fini(&w);
}

TEST(test_registry_update__tops_of_all_kinds_fit_where_statuses_are_set) {
    struct server_world w;
    server_world_init(&w);
    for (uint32_t i = 0; i < n_kinds; i++)
        for (unsigned k = 0; kinds[i].hub == &kinds[i] && k < kinds[i].n_subresources; k++)
            if (str_eq(kinds[i].subresources[k].name, S("status"))) {
                size_t size = builtin.types[kinds[i].type].size;
                void *a = arena_alloc(&w.arena, size), *old = arena_alloc(&w.arena, size);
                subresource_keep_but(&kinds[i], a, old, "status");
            }
    server_world_fini(&w);
}
