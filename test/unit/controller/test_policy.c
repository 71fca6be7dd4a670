/* Budgets, quotas, roles, finished jobs. */
#include "api/meta.h"
#include "api/quantity.h"
#include "api/types/batch.h"
#include "api/types/policy.h"
#include "api/types/rbac.h"
#include "unit/controller/cluster.h"

#include <stdio.h>
#include <stdlib.h>

static void put_set(struct cluster *w, int replicas) {
    char json[1024];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"},\"spec\":{\"replicas\":%d,\"selector\":{"
        "\"matchLabels\":{\"app\":\"web\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"}},"
        "\"spec\":{"
        "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"100m\"}}}]}}}"
        "}",
        replicas);
    fake_put(w->fake, KIND(APPS_REPLICA_SET), json);
    cluster_settle(w);
}

static const struct policy_pod_disruption_budget_status *budget(struct cluster *w, const char *spec) {
    char json[512];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"b\",\"namespace\":\"default\"},\"spec\":{%s,\"selector\":{"
                   "\"matchLabels\":{"
                   "\"app\":\"web\"}}}}",
                   spec);
    fake_put(w->fake, KIND(POLICY_POD_DISRUPTION_BUDGET), json);
    cluster_settle(w);
    return &body_of(w, policy_pod_disruption_budget, POLICY_POD_DISRUPTION_BUDGET, "default", "b")->status;
}

TEST(test_disruption__budgets_count_healthy_pods) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller disruption-controller");
    put_set(&w, 10);
    const struct policy_pod_disruption_budget_status *s = budget(&w, "\"minAvailable\":8");
    assert_int_equal(s->disruptions_allowed, 0); /* none is ready yet */
    assert_str(s->conditions.v[0].reason, "InsufficientPods");
    cluster_run_all(&w);
    s = budget(&w, "\"minAvailable\":8");
    assert_int_equal(s->disruptions_allowed, 2);
    assert_int_equal(s->current_healthy, 10);
    assert_int_equal(s->desired_healthy, 8);
    assert_int_equal(s->expected_pods, 10);
    assert_str(s->conditions.v[0].status, "True");
    s = budget(&w, "\"maxUnavailable\":\"25%\"");
    assert_int_equal(s->desired_healthy, 7);
    assert_int_equal(s->disruptions_allowed, 3);
    s = budget(&w, "\"minAvailable\":\"55%\"");
    assert_int_equal(s->desired_healthy, 6);
    assert_int_equal(s->disruptions_allowed, 4);
}

TEST(test_disruption__what_is_being_evicted_is_not_healthy) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller disruption-controller");
    put_set(&w, 3);
    cluster_run_all(&w);
    (void)budget(&w, "\"minAvailable\":2");
    const struct object *p = cluster_first_owned(
        &w, KIND(CORE_POD), body_of(&w, apps_replica_set, APPS_REPLICA_SET, "default", "web")->metadata.uid);
    char json[256];
    (void)snprintf(
        json, sizeof json,
        "{\"status\":{\"disruptionsAllowed\":0,\"disruptedPods\":{\"%.*s\":\"2027-01-15T08:00:03Z\"}}}",
        STR_ARG(p->meta->name));
    fake_merge(w.fake, KIND(POLICY_POD_DISRUPTION_BUDGET), "default", "b", json);
    cluster_settle(&w);
    const struct policy_pod_disruption_budget_status *s =
        &body_of(&w, policy_pod_disruption_budget, POLICY_POD_DISRUPTION_BUDGET, "default", "b")->status;
    assert_int_equal(s->disruptions_allowed, 0);
    assert_int_equal(s->current_healthy, 2);
    cluster_pass(&w, 180); /* it was not evicted after all */
    s = &body_of(&w, policy_pod_disruption_budget, POLICY_POD_DISRUPTION_BUDGET, "default", "b")->status;
    assert_int_equal(s->disruptions_allowed, 1);
    assert_int_equal(s->disrupted_pods.n, 0);
}

TEST(test_quota__says_what_is_used) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller resourcequota-controller");
    fake_put(w.fake, KIND(CORE_RESOURCE_QUOTA),
             "{\"metadata\":{\"name\":\"q\",\"namespace\":\"default\"},\"spec\":{\"hard\":{\"pods\":\"10\","
             "\"requests.cpu\":"
             "\"2\",\"count/replicasets.apps\":\"5\"}}}");
    put_set(&w, 4);
    cluster_pass(&w, 2);
    const struct core_resource_quota_status *s =
        &body_of(&w, core_resource_quota, CORE_RESOURCE_QUOTA, "default", "q")->status;
    assert_int_equal(quantity_value(quantity_map_get(s->used, S("pods"))), 4);
    assert_int_equal(quantity_milli_value(quantity_map_get(s->used, S("requests.cpu"))), 400);
    assert_int_equal(quantity_value(quantity_map_get(s->used, S("count/replicasets.apps"))), 1);
    assert_int_equal(quantity_value(quantity_map_get(s->hard, S("pods"))), 10);
    fake_merge(w.fake, KIND(APPS_REPLICA_SET), "default", "web", "{\"spec\":{\"replicas\":1}}");
    cluster_pass(&w, 2);
    cluster_run_all(&w);
    s = &body_of(&w, core_resource_quota, CORE_RESOURCE_QUOTA, "default", "q")->status;
    assert_int_equal(quantity_value(quantity_map_get(s->used, S("pods"))), 1);
}

TEST(test_clusterrole__collects_the_rules_of_others) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "clusterrole-aggregation-controller");
    fake_put(w.fake, KIND(RBAC_CLUSTER_ROLE),
             "{\"metadata\":{\"name\":\"all\"},\"aggregationRule\":{\"clusterRoleSelectors\":[{"
             "\"matchLabels\":{\"to\":"
             "\"all\"}}]}}");
    fake_put(w.fake, KIND(RBAC_CLUSTER_ROLE),
             "{\"metadata\":{\"name\":\"part\",\"labels\":{\"to\":\"all\"}},\"rules\":[{\"verbs\":[\"get\"],"
             "\"apiGroups\":["
             "\"\"],\"resources\":[\"pods\"]}]}");
    cluster_settle(&w);
    const struct rbac_cluster_role *r = body_of(&w, rbac_cluster_role, RBAC_CLUSTER_ROLE, "", "all");
    assert_int_equal(r->rules.n, 1);
    assert_str(r->rules.v[0].resources.v[0], "pods");
    fake_remove(w.fake, KIND(RBAC_CLUSTER_ROLE), "", "part");
    cluster_settle(&w);
    assert_int_equal(body_of(&w, rbac_cluster_role, RBAC_CLUSTER_ROLE, "", "all")->rules.n, 0);
}

TEST(test_ttl_after_finished__jobs_go_when_their_time_has_passed) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "ttl-after-finished-controller garbage-collector-controller");
    fake_put(w.fake, KIND(BATCH_JOB),
             "{\"metadata\":{\"name\":\"j\",\"namespace\":\"default\"},\"spec\":{\"ttlSecondsAfterFinished\":"
             "100,\"template\":{"
             "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}},\"status\":{\"conditions\":[{"
             "\"type\":\"Complete\","
             "\"status\":\"True\",\"lastTransitionTime\":\"2027-01-15T08:00:00Z\"}]}}");
    cluster_pass(&w, 90);
    assert_true(cluster_has(&w, KIND(BATCH_JOB), "default", "j"));
    cluster_pass(&w, 15);
    assert_false(cluster_has(&w, KIND(BATCH_JOB), "default", "j"));
}

TEST(test_endpoints__list_ready_and_other_addresses) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller endpoints-controller");
    put_set(&w, 3);
    fake_put(w.fake, KIND(CORE_SERVICE),
             "{\"metadata\":{\"name\":\"svc\",\"namespace\":\"default\"},\"spec\":{\"clusterIP\":\"10.96.0."
             "5\",\"selector\":{"
             "\"app\":\"web\"},\"ports\":[{\"port\":80,\"protocol\":\"TCP\",\"targetPort\":8080}]}}");
    cluster_settle(&w);
    assert_int_equal(body_of(&w, core_endpoints, CORE_ENDPOINTS, "default", "svc")->subsets.n, 0);
    cluster_run_all(&w);
    const struct core_endpoints *e = body_of(&w, core_endpoints, CORE_ENDPOINTS, "default", "svc");
    assert_int_equal(e->subsets.n, 1);
    assert_int_equal(e->subsets.v[0].addresses.n, 3);
    assert_int_equal(e->subsets.v[0].ports.v[0].port, 8080);
    fake_calls_clear(w.fake);
    cluster_restart(&w);
    assert_string_equal(fake_calls(w.fake), "");
    fake_remove(w.fake, KIND(CORE_SERVICE), "default", "svc");
    cluster_settle(&w);
    assert_false(cluster_has(&w, KIND(CORE_ENDPOINTS), "default", "svc"));
}
