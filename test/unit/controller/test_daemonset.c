/* Daemon sets: placement, rolling, surge, failed pods. */
#include "api/meta.h"
#include "unit/controller/cluster.h"

#include <stdio.h>
#include <stdlib.h>

static void put_node(struct cluster *w, const char *name, const char *more) {
    char json[512];
    (void)snprintf(json, sizeof json, "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"disk\":\"ssd\"}}%s}",
                   name, more);
    fake_put(w->fake, KIND(CORE_NODE), json);
    cluster_settle(w);
}

static void put_set(struct cluster *w, const char *strategy, const char *pod_more) {
    char json[2048];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"agent\",\"namespace\":\"default\"},\"spec\":{%s\"selector\":{"
        "\"matchLabels\":{\"app\":\"agent\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"agent\"}},"
        "\"spec\":{%s\"containers\":[{\"name\":\"c\",\"image\":\"v1\"}]}}}}",
        strategy, pod_more);
    fake_put(w->fake, KIND(APPS_DAEMON_SET), json);
    cluster_settle(w);
}

static void set_image(struct cluster *w, const char *image) {
    char json[256];
    (void)snprintf(
        json, sizeof json,
        "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"%s\"}]}}}}", image);
    fake_merge(w->fake, KIND(APPS_DAEMON_SET), "default", "agent", json);
    cluster_settle(w);
}

static const struct apps_daemon_set *get(struct cluster *w) {
    return body_of(w, apps_daemon_set, APPS_DAEMON_SET, "default", "agent");
}

static size_t pods_of_image(struct cluster *w, const char *image) {
    struct object **all;
    size_t n = fake_all(w->fake, KIND(CORE_POD), &all), count = 0;
    for (size_t i = 0; i < n; i++) {
        const struct core_pod *p = all[i]->body;
        count += !meta_is_deleting(&p->metadata) && str_eq(p->spec.containers.v[0].image, str_from(image));
        object_unref(all[i]);
    }
    free(all);
    return count;
}

TEST(test_daemonset__every_node_has_one_and_new_nodes_get_one) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "daemonset-controller");
    put_node(&w, "n1", "");
    put_node(&w, "n2", "");
    put_set(&w, "", "");
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 2);
    put_node(&w, "n3", "");
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 3);
    cluster_run_all(&w);
    const struct apps_daemon_set *ds = get(&w);
    assert_int_equal(ds->status.desired_number_scheduled, 3);
    assert_int_equal(ds->status.number_available, 3);
    assert_int_equal(ds->status.updated_number_scheduled, 3);
    const struct core_pod *p = cluster_first_owned(&w, KIND(CORE_POD), ds->metadata.uid)->body;
    const struct core_node_selector_term *t =
        &p->spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution
             ->node_selector_terms.v[0];
    assert_str(t->match_fields.v[0].key, "metadata.name");
    assert_true(p->spec.tolerations.n >= 6);
    assert_true(str_map_get(p->metadata.labels, S("controller-revision-hash")).n > 0);
}

TEST(test_daemonset__respects_selectors_and_taints) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "daemonset-controller");
    put_node(&w, "good", "");
    put_node(&w, "tainted", ",\"spec\":{\"taints\":[{\"key\":\"k\",\"effect\":\"NoSchedule\"}]}");
    put_node(&w, "cordoned",
             ",\"spec\":{\"unschedulable\":true,\"taints\":[{\"key\":\"node.kubernetes.io/unschedulable\","
             "\"effect\":\"NoSchedule\"}]}");
    put_set(&w, "", "\"nodeSelector\":{\"disk\":\"ssd\"},");
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 2); /* good, and cordoned by its own toleration */
    fake_merge(w.fake, KIND(CORE_NODE), "", "good", "{\"metadata\":{\"labels\":{\"disk\":\"hdd\"}}}");
    cluster_settle(&w);
    cluster_run_all(&w);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 1);
    fake_merge(w.fake, KIND(CORE_NODE), "", "cordoned",
               "{\"spec\":{\"taints\":[{\"key\":\"k\",\"effect\":\"NoExecute\"}]}}");
    cluster_settle(&w);
    cluster_run_all(&w);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 0);
}

TEST(test_daemonset__rolls_one_at_a_time) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "daemonset-controller");
    for (int i = 0; i < 5; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "n%d", i);
        put_node(&w, name, "");
    }
    put_set(&w, "\"updateStrategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxUnavailable\":1}},",
            "");
    cluster_run_all(&w);
    set_image(&w, "v2");
    for (int i = 0; i < 40 && pods_of_image(&w, "v2") < 5; i++) {
        assert_true(get(&w)->status.number_available >= 4);
        (void)cluster_run_pods(&w);
        cluster_pass(&w, 1);
    }
    cluster_run_all(&w);
    assert_int_equal(pods_of_image(&w, "v2"), 5);
    assert_int_equal(get(&w)->status.updated_number_scheduled, 5);
    assert_int_equal(fake_count(w.fake, KIND(APPS_CONTROLLER_REVISION)), 2);
}

TEST(test_daemonset__surges_when_asked) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "daemonset-controller");
    for (int i = 0; i < 4; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "n%d", i);
        put_node(&w, name, "");
    }
    put_set(&w,
            "\"updateStrategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":1,"
            "\"maxUnavailable\":0}},",
            "");
    cluster_run_all(&w);
    set_image(&w, "v2");
    for (int i = 0; i < 40 && pods_of_image(&w, "v1") > 0; i++) {
        assert_true(pods_of_image(&w, "v1") + pods_of_image(&w, "v2") <= 5);
        assert_int_equal(get(&w)->status.number_available, 4);
        (void)cluster_run_pods(&w);
        cluster_pass(&w, 1);
    }
    cluster_run_all(&w);
    assert_int_equal(pods_of_image(&w, "v2"), 4);
}

TEST(test_daemonset__on_delete_waits_for_somebody_to_delete) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "daemonset-controller");
    put_node(&w, "n1", "");
    put_set(&w, "\"updateStrategy\":{\"type\":\"OnDelete\"},", "");
    cluster_run_all(&w);
    set_image(&w, "v2");
    cluster_run_all(&w);
    assert_int_equal(pods_of_image(&w, "v1"), 1);
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s",
                   STR_ARG(cluster_first_owned(&w, KIND(CORE_POD), get(&w)->metadata.uid)->meta->name));
    fake_remove(w.fake, KIND(CORE_POD), "default", name);
    cluster_run_all(&w);
    assert_int_equal(pods_of_image(&w, "v2"), 1);
}

TEST(test_daemonset__failed_pods_are_replaced_later_and_later) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "daemonset-controller");
    put_node(&w, "n1", "");
    put_set(&w, "", "");
    int replaced = 0;
    for (int i = 0; i < 60; i++) {
        const struct object *p = cluster_first_owned(&w, KIND(CORE_POD), get(&w)->metadata.uid);
        if (p && !str_eq(((const struct core_pod *)p->body)->status.phase, S("Failed"))) {
            char name[64];
            (void)snprintf(name, sizeof name, "%.*s", STR_ARG(p->meta->name));
            cluster_finish_pod(&w, "default", name, "Failed", 1);
            replaced++;
        }
        cluster_pass(&w, 1);
    }
    assert_true(replaced >= 4 && replaced <= 8); /* at once, then after 1, 2, 4, 8, 16 and 32 seconds */
}

TEST(test_daemonset__at_rest_writes_nothing) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "daemonset-controller");
    put_node(&w, "n1", "");
    put_set(&w, "", "");
    cluster_run_all(&w);
    fake_calls_clear(w.fake);
    cluster_restart(&w);
    cluster_pass(&w, 600);
    assert_string_equal(fake_calls(w.fake), "");
}
