/* ReplicaSets and ReplicationControllers keep their numbers of pods. */
#include "api/meta.h"
#include "base/timefmt.h"
#include "controller/replicas.h"
#include "unit/controller/cluster.h"

#include <stdio.h>
#include <stdlib.h>

static void put_set(struct cluster *w, const char *name, int replicas, const char *more) {
    char json[1024];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},\"spec\":{\"replicas\":%d,%s"
                   "\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"template\":{\"metadata\":{\"labels\":{"
                   "\"app\":\"web\",\"tier\":\"front\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":"
                   "\"i\"}]}}}}",
                   name, replicas, more);
    fake_put(w->fake, KIND(APPS_REPLICA_SET), json);
    cluster_settle(w);
}

static const struct apps_replica_set *get_set(struct cluster *w, const char *name) {
    return body_of(w, apps_replica_set, APPS_REPLICA_SET, "default", name);
}

TEST(test_replicaset__makes_the_pods_that_are_missing) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller");
    put_set(&w, "web", 3, "");
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 3);
    const struct apps_replica_set *rs = get_set(&w, "web");
    const struct core_pod *p = cluster_first_owned(&w, KIND(CORE_POD), rs->metadata.uid)->body;
    assert_true(str_has_prefix(p->metadata.name, S("web-")));
    assert_str(str_map_get(p->metadata.labels, S("tier")), "front");
    const struct meta_owner_reference *owner = meta_controller(&p->metadata);
    assert_str(owner->kind, "ReplicaSet");
    assert_str(owner->api_version, "apps/v1");
    assert_true(owner->block_owner_deletion.v);
    assert_int_equal(rs->status.replicas, 3);
    assert_int_equal(rs->status.ready_replicas, 0);
    assert_int_equal(rs->status.observed_generation, rs->metadata.generation);
    cluster_run_all(&w);
    rs = get_set(&w, "web");
    assert_int_equal(rs->status.ready_replicas, 3);
    assert_int_equal(rs->status.available_replicas, 3);
    assert_int_equal(rs->status.fully_labeled_replicas, 3);
}

TEST(test_replicaset__makes_large_numbers_in_bursts) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller");
    put_set(&w, "web", 1234, "");
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 1234);
    assert_int_equal(get_set(&w, "web")->status.replicas, 1234);
}

TEST(test_replicaset__looks_at_changes_of_large_sets_together) {
    assert_int_equal(replicas_delay_ns(0), 0);
    assert_int_equal(replicas_delay_ns(499), 0);
    assert_int_equal(replicas_delay_ns(10000), 200 * NS_PER_MS);
}

TEST(test_replicaset__deletes_unready_and_unscheduled_pods_first) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller");
    put_set(&w, "web", 4, "");
    cluster_run_all(&w);
    struct object **pods;
    size_t n = fake_all(w.fake, KIND(CORE_POD), &pods);
    char sick[2][64];
    for (size_t i = 0; i < n; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%.*s", STR_ARG(pods[i]->meta->name));
        if (i < 2) {
            (void)snprintf(sick[i], sizeof sick[i], "%s", name);
            fake_merge(w.fake, KIND(CORE_POD), "default", name,
                       "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\"}]}}");
        }
        object_unref(pods[i]);
    }
    free(pods);
    cluster_settle(&w);
    fake_merge(w.fake, KIND(APPS_REPLICA_SET), "default", "web", "{\"spec\":{\"replicas\":2}}");
    cluster_settle(&w);
    cluster_run_all(&w);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 2);
    assert_false(cluster_has(&w, KIND(CORE_POD), "default", sick[0]));
    assert_false(cluster_has(&w, KIND(CORE_POD), "default", sick[1]));
}

TEST(test_replicaset__replaces_pods_that_failed_or_went) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller");
    put_set(&w, "web", 2, "");
    cluster_run_all(&w);
    const struct object *p = cluster_first_owned(&w, KIND(CORE_POD), get_set(&w, "web")->metadata.uid);
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(p->meta->name));
    cluster_finish_pod(&w, "default", name, "Failed", 1);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 3); /* the failed one stays for its logs */
    assert_int_equal(get_set(&w, "web")->status.replicas, 2);
    fake_remove(w.fake, KIND(CORE_POD), "default", name);
    cluster_settle(&w);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 2);
}

TEST(test_replicaset__adopts_what_it_selects_and_releases_what_it_does_not) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller");
    fake_put(w.fake, KIND(CORE_POD),
             "{\"metadata\":{\"name\":\"stray\",\"namespace\":\"default\",\"labels\":{\"app\":\"web\"}},"
             "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    put_set(&w, "web", 2, "");
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 2);
    const struct apps_replica_set *rs = get_set(&w, "web");
    assert_int_equal(cluster_count_owned(&w, KIND(CORE_POD), rs->metadata.uid), 2);
    fake_merge(w.fake, KIND(CORE_POD), "default", "stray", "{\"metadata\":{\"labels\":{\"app\":\"debug\"}}}");
    cluster_settle(&w);
    assert_null(meta_controller(&body_of(&w, core_pod, CORE_POD, "default", "stray")->metadata));
    assert_int_equal(cluster_count_owned(&w, KIND(CORE_POD), rs->metadata.uid), 2);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 3);
}

TEST(test_replicaset__does_not_act_twice_on_an_old_picture) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller");
    put_set(&w, "web", 0, "");
    fake_set_faults(w.fake, &(struct fake_faults){.watch_delay_ns = 2 * NS_PER_SEC});
    fake_merge(w.fake, KIND(APPS_REPLICA_SET), "default", "web", "{\"spec\":{\"replicas\":20}}");
    cluster_pass(&w, 30);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 20);
    fake_merge(w.fake, KIND(APPS_REPLICA_SET), "default", "web", "{\"spec\":{\"replicas\":5}}");
    cluster_pass(&w, 30);
    cluster_run_all(&w);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 5);
}

static int refuse_pods(void *arg, const struct client_call *call, const char **ret_reason) {
    int *left = arg;
    if (call->verb != CLIENT_CREATE || call->kind != KIND(CORE_POD) || --*left >= 0)
        return 0;
    *ret_reason = "Forbidden";
    return 403;
}

TEST(test_replicaset__tells_when_pods_are_refused_and_stops_early) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller");
    int allowed = 3;
    fake_react(w.fake, refuse_pods, &allowed);
    put_set(&w, "web", 100, "");
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 3);
    assert_true(allowed > -20); /* it did not try all hundred */
    const struct apps_replica_set *rs = get_set(&w, "web");
    assert_int_equal(rs->status.conditions.n, 1);
    assert_str(rs->status.conditions.v[0].type, "ReplicaFailure");
    assert_str(rs->status.conditions.v[0].reason, "FailedCreate");
    fake_react(w.fake, NULL, NULL);
    cluster_pass(&w, 120);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 100);
    assert_int_equal(get_set(&w, "web")->status.conditions.n, 0);
}

TEST(test_replicaset__pods_are_available_after_min_ready_seconds) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller");
    put_set(&w, "web", 2, "\"minReadySeconds\":30,");
    (void)cluster_run_pods(&w);
    assert_int_equal(get_set(&w, "web")->status.ready_replicas, 2);
    assert_int_equal(get_set(&w, "web")->status.available_replicas, 0);
    cluster_pass(&w, 31);
    assert_int_equal(get_set(&w, "web")->status.available_replicas, 2);
}

TEST(test_replicaset__writes_no_status_that_did_not_change) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller");
    put_set(&w, "web", 2, "");
    cluster_run_all(&w);
    fake_calls_clear(w.fake);
    cluster_restart(&w);
    cluster_pass(&w, 600);
    assert_string_equal(fake_calls(w.fake), "");
}

TEST(test_replicaset__counts_pods_that_are_ending) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicaset-controller");
    put_set(&w, "web", 2, "");
    cluster_run_all(&w);
    fake_merge(w.fake, KIND(APPS_REPLICA_SET), "default", "web", "{\"spec\":{\"replicas\":1}}");
    cluster_settle(&w);
    assert_int_equal(get_set(&w, "web")->status.replicas, 1);
    assert_true(get_set(&w, "web")->status.terminating_replicas.v <= 1);
    cluster_run_all(&w);
    assert_int_equal(get_set(&w, "web")->status.terminating_replicas.v, 0);
}

TEST(test_replicationcontroller__keeps_its_pods) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "replicationcontroller-controller");
    fake_put(
        w.fake, KIND(CORE_REPLICATION_CONTROLLER),
        "{\"metadata\":{\"name\":\"rc\",\"namespace\":\"default\"},\"spec\":{\"replicas\":3,\"selector\":{"
        "\"app\":\"a\"},\"template\":{\"metadata\":{\"labels\":{\"app\":\"a\"}},\"spec\":{\"containers\":["
        "{\"name\":\"c\",\"image\":\"i\"}]}}}}");
    cluster_settle(&w);
    cluster_run_all(&w);
    const struct core_replication_controller *rc =
        body_of(&w, core_replication_controller, CORE_REPLICATION_CONTROLLER, "default", "rc");
    assert_int_equal(rc->status.available_replicas, 3);
    fake_calls_clear(w.fake);
    cluster_restart(&w);
    assert_string_equal(fake_calls(w.fake), "");
}
