/* Stateful sets: identity, order, claims, rolling. */
#include "api/meta.h"
#include "unit/controller/cluster.h"

#include <stdio.h>
#include <stdlib.h>

static void put_set(struct cluster *w, int replicas, const char *more) {
    char json[2048];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"db\",\"namespace\":\"default\"},\"spec\":{\"replicas\":%d,%"
                   "s\"serviceName\":\"svc\","
                   "\"selector\":{\"matchLabels\":{\"app\":\"db\"}},\"template\":{\"metadata\":{\"labels\":{"
                   "\"app\":\"db\"}},"
                   "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"v1\"}]}},\"volumeClaimTemplates\":["
                   "{\"metadata\":{"
                   "\"name\":\"data\"},\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{"
                   "\"requests\":{\"storage\":"
                   "\"1Gi\"}}}}]}}",
                   replicas, more);
    fake_put(w->fake, KIND(APPS_STATEFUL_SET), json);
    cluster_settle(w);
}

static void change(struct cluster *w, const char *json) {
    fake_merge(w->fake, KIND(APPS_STATEFUL_SET), "default", "db", json);
    cluster_settle(w);
}

#define NEW_IMAGE "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"v2\"}]}}}}"

static const struct apps_stateful_set *get(struct cluster *w) {
    return body_of(w, apps_stateful_set, APPS_STATEFUL_SET, "default", "db");
}

static bool has_pod(struct cluster *w, const char *name) {
    return cluster_has(w, KIND(CORE_POD), "default", name);
}

static bool is_image(struct cluster *w, const char *pod, const char *image) {
    return str_eq(body_of(w, core_pod, CORE_POD, "default", pod)->spec.containers.v[0].image,
                  str_from(image));
}

TEST(test_statefulset__pods_come_one_after_the_other_with_their_identity) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "statefulset-controller");
    put_set(&w, 3, "");
    assert_true(has_pod(&w, "db-0"));
    assert_false(has_pod(&w, "db-1"));
    (void)cluster_run_pods(&w);
    assert_true(has_pod(&w, "db-1"));
    assert_false(has_pod(&w, "db-2"));
    cluster_run_all(&w);
    const struct core_pod *p = body_of(&w, core_pod, CORE_POD, "default", "db-2");
    assert_str(str_map_get(p->metadata.labels, S("statefulset.kubernetes.io/pod-name")), "db-2");
    assert_str(str_map_get(p->metadata.labels, S("apps.kubernetes.io/pod-index")), "2");
    assert_str(p->spec.hostname, "db-2");
    assert_str(p->spec.subdomain, "svc");
    assert_str(p->spec.volumes.v[0].volume_source.persistent_volume_claim->claim_name, "data-db-2");
    assert_true(cluster_has(&w, KIND(CORE_PERSISTENT_VOLUME_CLAIM), "default", "data-db-2"));
    const struct apps_stateful_set *s = get(&w);
    assert_int_equal(s->status.ready_replicas, 3);
    assert_int_equal(s->status.current_replicas, 3);
    assert_str_equal(s->status.current_revision, s->status.update_revision);
    assert_str_equal(str_map_get(p->metadata.labels, S("controller-revision-hash")),
                     s->status.current_revision);
}

TEST(test_statefulset__parallel_pods_come_at_once) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "statefulset-controller");
    put_set(&w, 3, "\"podManagementPolicy\":\"Parallel\",");
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 3);
}

TEST(test_statefulset__ordinals_start_where_asked) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "statefulset-controller");
    put_set(&w, 2, "\"ordinals\":{\"start\":5},");
    cluster_run_all(&w);
    assert_true(has_pod(&w, "db-5") && has_pod(&w, "db-6"));
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 2);
}

TEST(test_statefulset__shrinks_from_the_top_and_keeps_claims) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "statefulset-controller");
    put_set(&w, 3, "");
    cluster_run_all(&w);
    change(&w, "{\"spec\":{\"replicas\":1}}");
    assert_true(has_pod(&w, "db-1")); /* not before db-2 is gone */
    cluster_run_all(&w);
    assert_true(has_pod(&w, "db-0"));
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 1);
    assert_int_equal(fake_count(w.fake, KIND(CORE_PERSISTENT_VOLUME_CLAIM)), 3);
}

TEST(test_statefulset__claims_follow_the_retention_policy) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "statefulset-controller garbage-collector-controller");
    put_set(
        &w, 3,
        "\"persistentVolumeClaimRetentionPolicy\":{\"whenDeleted\":\"Retain\",\"whenScaled\":\"Delete\"},");
    cluster_run_all(&w);
    change(&w, "{\"spec\":{\"replicas\":1}}");
    cluster_run_all(&w);
    assert_int_equal(fake_count(w.fake, KIND(CORE_PERSISTENT_VOLUME_CLAIM)), 1);
    assert_int_equal(
        body_of(&w, core_persistent_volume_claim, CORE_PERSISTENT_VOLUME_CLAIM, "default", "data-db-0")
            ->metadata.owner_references.n,
        0);
}

TEST(test_statefulset__rolls_from_the_top_and_waits_for_each) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "statefulset-controller");
    put_set(&w, 3, "");
    cluster_run_all(&w);
    struct str first = get(&w)->status.current_revision;
    change(&w, NEW_IMAGE);
    cluster_pass(&w, 5);
    assert_true(is_image(&w, "db-1", "v1")); /* db-2 is not ready yet */
    assert_true(is_image(&w, "db-0", "v1"));
    cluster_run_all(&w);
    assert_true(is_image(&w, "db-0", "v2") && is_image(&w, "db-1", "v2") && is_image(&w, "db-2", "v2"));
    const struct apps_stateful_set *s = get(&w);
    assert_false(str_eq(s->status.current_revision, first));
    assert_str_equal(s->status.current_revision, s->status.update_revision);
    assert_int_equal(s->status.updated_replicas, 3);
}

TEST(test_statefulset__a_partition_keeps_the_lower_ordinals) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "statefulset-controller");
    put_set(&w, 3, "\"updateStrategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":2}},");
    cluster_run_all(&w);
    change(&w, NEW_IMAGE);
    cluster_run_all(&w);
    assert_true(is_image(&w, "db-0", "v1") && is_image(&w, "db-1", "v1") && is_image(&w, "db-2", "v2"));
    const struct apps_stateful_set *s = get(&w);
    assert_int_equal(s->status.updated_replicas, 1);
    assert_int_equal(s->status.current_replicas, 2);
    fake_remove(w.fake, KIND(CORE_POD), "default", "db-0");
    cluster_run_all(&w);
    assert_true(is_image(&w, "db-0", "v1")); /* made anew from the old revision */
    change(&w, "{\"spec\":{\"updateStrategy\":{\"rollingUpdate\":{\"partition\":0}}}}");
    cluster_run_all(&w);
    assert_true(is_image(&w, "db-0", "v2"));
}

TEST(test_statefulset__several_may_be_missing_when_allowed) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "statefulset-controller");
    put_set(&w, 5,
            "\"podManagementPolicy\":\"Parallel\",\"updateStrategy\":{\"type\":\"RollingUpdate\","
            "\"rollingUpdate\":{"
            "\"maxUnavailable\":2}},");
    cluster_run_all(&w);
    change(&w, NEW_IMAGE);
    for (int i = 0; i < 30; i++) {
        struct object **all;
        size_t n = fake_all(w.fake, KIND(CORE_POD), &all);
        int ready = 0;
        for (size_t j = 0; j < n; j++) {
            const struct core_pod *p = all[j]->body;
            ready += !meta_is_deleting(&p->metadata) && str_eq(p->status.phase, S("Running"));
            object_unref(all[j]);
        }
        free(all);
        assert_true(ready >= 3);
        (void)cluster_run_pods(&w);
        cluster_pass(&w, 1);
    }
    assert_true(is_image(&w, "db-0", "v2") && is_image(&w, "db-4", "v2"));
}

TEST(test_statefulset__failed_pods_are_made_anew_under_their_name) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "statefulset-controller");
    put_set(&w, 1, "");
    cluster_run_all(&w);
    struct str uid = body_of(&w, core_pod, CORE_POD, "default", "db-0")->metadata.uid;
    cluster_finish_pod(&w, "default", "db-0", "Failed", 1);
    cluster_run_all(&w);
    assert_false(str_eq(body_of(&w, core_pod, CORE_POD, "default", "db-0")->metadata.uid, uid));
}

TEST(test_statefulset__leaves_pods_with_other_names_alone) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "statefulset-controller");
    fake_put(w.fake, KIND(CORE_POD),
             "{\"metadata\":{\"name\":\"stranger\",\"namespace\":\"default\",\"labels\":{\"app\":\"db\"}},"
             "\"spec\":{"
             "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    put_set(&w, 1, "");
    cluster_run_all(&w);
    assert_null(meta_controller(&body_of(&w, core_pod, CORE_POD, "default", "stranger")->metadata));
}

TEST(test_statefulset__at_rest_writes_nothing) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "statefulset-controller");
    put_set(&w, 2, "");
    cluster_run_all(&w);
    fake_calls_clear(w.fake);
    cluster_restart(&w);
    cluster_pass(&w, 600);
    assert_string_equal(fake_calls(w.fake), "");
}

TEST(test_statefulset__any_number_may_be_asked_for) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "statefulset-controller");
    put_set(&w, 2147483647, "\"ordinals\":{\"start\":5},");
    assert_true(has_pod(&w, "db-5"));
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 1);
    (void)cluster_run_pods(&w);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 2);
}
