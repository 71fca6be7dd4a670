/* Nodes: silence, taints, evictions, pod ranges, orphaned pods. */
#include "api/meta.h"
#include "api/types/coordination.h"
#include "controller/node_health.h"
#include "controller/taints.h"
#include "unit/controller/cluster.h"

#include <stdio.h>

#include "base/clock.h"

static void put_node(struct cluster *w, const char *name, const char *zone) {
    char json[1024];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"topology.kubernetes.io/zone\":\"%s\"}},\"status\":{"
        "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"lastHeartbeatTime\":"
        "\"2027-01-15T08:00:00Z\",\"lastTransitionTime\":\"2027-01-15T08:00:00Z\"}]}}",
        name, zone);
    fake_put(w->fake, KIND(CORE_NODE), json);
    cluster_settle(w);
}

static void beat(struct cluster *w, const char *name) {
    char json[512], time[TIME_TEXT_SIZE];
    (void)time_format(time, clock_wall_ns(sim_clock(w->sim)) / NS_PER_SEC, 0, TIME_MICRO);
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"kube-node-lease\"},\"spec\":{\"renewTime\":\"%s\"}}",
        name, time);
    fake_put(w->fake, KIND(COORDINATION_LEASE), json);
}

static void put_pod(struct cluster *w, const char *name, const char *node, const char *tolerations) {
    char json[1024];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},\"spec\":{\"nodeName\":\"%s\","
        "\"tolerations\":"
        "[%s],\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]},\"status\":{\"phase\":\"Running\","
        "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
        name, node, tolerations);
    fake_put(w->fake, KIND(CORE_POD), json);
    cluster_settle(w);
}

static const struct core_node *node(struct cluster *w, const char *name) {
    return body_of(w, core_node, CORE_NODE, "", name);
}

static bool is_going(struct cluster *w, const char *pod) {
    return !cluster_has(w, KIND(CORE_POD), "default", pod) ||
           meta_is_deleting(&body_of(w, core_pod, CORE_POD, "default", pod)->metadata);
}

TEST(test_node__a_silent_one_becomes_unknown_and_its_pods_not_ready) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "node-lifecycle-controller");
    put_node(&w, "quiet", "a");
    put_node(&w, "loud", "b");
    put_pod(&w, "p", "quiet", "");
    for (int i = 0; i < 14; i++) {
        beat(&w, "loud");
        cluster_pass(&w, 5);
    }
    assert_str(node_readiness(node(&w, "loud")), "True");
    const struct core_node *n = node(&w, "quiet");
    assert_str(node_readiness(n), "Unknown");
    assert_str(node_condition(n, S("Ready"))->reason, "NodeStatusUnknown");
    assert_str(node_condition(n, S("MemoryPressure"))->reason, "NodeStatusNeverUpdated");
    assert_non_null(taint_find(&n->spec.taints, TAINT_UNREACHABLE, S("NoSchedule")));
    assert_non_null(taint_find(&n->spec.taints, TAINT_UNREACHABLE, S("NoExecute")));
    const struct core_pod *p = body_of(&w, core_pod, CORE_POD, "default", "p");
    assert_str(p->status.conditions.v[0].status, "False");
    /* it speaks again */
    fake_merge(w.fake, KIND(CORE_NODE), "", "quiet",
               "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"lastHeartbeatTime\":"
               "\"2027-01-15T08:05:00Z\",\"lastTransitionTime\":\"2027-01-15T08:05:00Z\"}]}}");
    cluster_settle(&w);
    assert_int_equal(node(&w, "quiet")->spec.taints.n, 0);
}

TEST(test_node__taints_follow_conditions_at_once) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "node-lifecycle-controller");
    put_node(&w, "n", "a");
    fake_merge(w.fake, KIND(CORE_NODE), "", "n",
               "{\"spec\":{\"unschedulable\":true,\"taints\":[{\"key\":\"mine\",\"effect\":\"NoSchedule\"}]},"
               "\"status\":{"
               "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"},{\"type\":\"DiskPressure\","
               "\"status\":\"True\"}]}}");
    cluster_settle(&w);
    const struct core_node *n = node(&w, "n");
    assert_int_equal(n->spec.taints.n, 3);
    assert_non_null(taint_find(&n->spec.taints, S("mine"), S("NoSchedule")));
    assert_non_null(taint_find(&n->spec.taints, S("node.kubernetes.io/disk-pressure"), S("NoSchedule")));
    assert_non_null(taint_find(&n->spec.taints, S("node.kubernetes.io/unschedulable"), S("NoSchedule")));
}

TEST(test_node__when_all_are_silent_nobody_is_evicted) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "node-lifecycle-controller");
    put_node(&w, "n1", "a");
    put_node(&w, "n2", "b");
    cluster_pass(&w, 120);
    assert_str(node_readiness(node(&w, "n1")), "Unknown");
    assert_null(taint_find(&node(&w, "n1")->spec.taints, TAINT_UNREACHABLE, S("NoExecute")));
    assert_non_null(taint_find(&node(&w, "n1")->spec.taints, TAINT_UNREACHABLE, S("NoSchedule")));
}

TEST(test_node__zones_limit_evictions) {
    assert_int_equal(zone_state_of(5, 1, 0.55), ZONE_NORMAL);
    assert_int_equal(zone_state_of(0, 3, 0.55), ZONE_FULL);
    assert_int_equal(zone_state_of(2, 4, 0.55), ZONE_PARTIAL);
    assert_int_equal(zone_state_of(1, 2, 0.55), ZONE_NORMAL); /* too few to tell */
    assert_true(zone_rate(ZONE_PARTIAL, 10, 50, 0.1, 0.01) == 0);
    assert_true(zone_rate(ZONE_PARTIAL, 100, 50, 0.1, 0.01) == 0.01);
    assert_true(zone_rate(ZONE_FULL, 10, 50, 0.1, 0.01) == 0.1);
}

TEST(test_node__pods_leave_by_what_they_tolerate) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "taint-eviction-controller");
    put_node(&w, "n", "a");
    put_pod(&w, "now", "n", "");
    put_pod(&w, "later", "n",
            "{\"key\":\"k\",\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":60}");
    put_pod(&w, "never", "n", "{\"operator\":\"Exists\"}");
    fake_merge(w.fake, KIND(CORE_NODE), "", "n",
               "{\"spec\":{\"taints\":[{\"key\":\"k\",\"effect\":\"NoExecute\"}]}}");
    cluster_settle(&w);
    assert_true(is_going(&w, "now"));
    assert_false(is_going(&w, "later"));
    cluster_pass(&w, 50);
    assert_false(is_going(&w, "later"));
    cluster_pass(&w, 15);
    assert_true(is_going(&w, "later"));
    assert_false(is_going(&w, "never"));
    put_pod(&w, "new", "n", "");
    assert_true(is_going(&w, "new"));
}

TEST(test_node__a_taint_that_goes_in_time_spares_the_pod) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "taint-eviction-controller");
    put_node(&w, "n", "a");
    put_pod(&w, "p", "n", "{\"key\":\"k\",\"operator\":\"Exists\",\"tolerationSeconds\":60}");
    fake_merge(w.fake, KIND(CORE_NODE), "", "n",
               "{\"spec\":{\"taints\":[{\"key\":\"k\",\"effect\":\"NoExecute\"}]}}");
    cluster_pass(&w, 30);
    fake_merge(w.fake, KIND(CORE_NODE), "", "n", "{\"spec\":{\"taints\":[]}}");
    cluster_pass(&w, 300);
    assert_false(is_going(&w, "p"));
}

TEST(test_node__each_gets_a_range_of_its_own) {
    _cleanup_cluster struct cluster w;
    cluster_open_with(&w, "node-ipam-controller",
                      (struct controllers_options){.allocate_node_cidrs = true,
                                                   .cluster_cidrs = S("10.244.0.0/22,fd00::/56"),
                                                   .service_cidrs = S("10.244.1.0/24")});
    put_node(&w, "n1", "a");
    put_node(&w, "n2", "a");
    put_node(&w, "n3", "a");
    put_node(&w, "n4", "a"); /* of four ranges one is for services */
    assert_str(node(&w, "n1")->spec.pod_cidr, "10.244.0.0/24");
    assert_str(node(&w, "n1")->spec.pod_cidrs.v[1], "fd00::/64");
    assert_str(node(&w, "n2")->spec.pod_cidr, "10.244.2.0/24");
    assert_str(node(&w, "n3")->spec.pod_cidr, "10.244.3.0/24");
    assert_int_equal(node(&w, "n4")->spec.pod_cidrs.n, 0);
    fake_remove(w.fake, KIND(CORE_NODE), "", "n2");
    cluster_pass(&w, 600);
    assert_str(node(&w, "n4")->spec.pod_cidr, "10.244.2.0/24");
}

TEST(test_node__pods_of_a_node_that_is_gone_are_collected) {
    _cleanup_cluster struct cluster w;
    cluster_open_with(&w, "pod-garbage-collector-controller",
                      (struct controllers_options){.terminated_pod_threshold = 2});
    put_node(&w, "n", "a");
    put_pod(&w, "stays", "n", "");
    put_pod(&w, "lost", "gone", "");
    cluster_pass(&w, 30);
    assert_false(is_going(&w, "lost"));
    cluster_pass(&w, 40);
    assert_true(is_going(&w, "lost"));
    assert_false(is_going(&w, "stays"));
    for (int i = 0; i < 4; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "done%d", i);
        put_pod(&w, name, "n", "");
        cluster_finish_pod(&w, "default", name, "Succeeded", 0);
    }
    cluster_pass(&w, 30);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 3);
}

TEST(test_node__ttl_annotation_follows_the_size_of_the_cluster) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "ttl-controller");
    put_node(&w, "n", "a");
    assert_str(str_map_get(node(&w, "n")->metadata.annotations, S("node.alpha.kubernetes.io/ttl")), "0");
}
