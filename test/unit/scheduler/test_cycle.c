/* Scheduling as a user sees it: where pods go, and what is said when they do not. */
#include <stdio.h>

#include "api/types/scheduler_config.h"
#include "unit/scheduler/world.h"

TEST(test_scheduler__binds_a_pod_and_says_so) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "4", "8Gi", "", "");
    world_pod(&w, "p", "", "\"cpu\":\"1\"", "");
    world_pass(&w, 2);
    assert_string_equal(world_where(&w, "p"), "a");
    assert_int_equal(world_events(&w, "Scheduled"), 1);
    assert_int_equal(scheduler_bound(w.scheduler), 1);
    assert_int_equal(scheduler_waiting(w.scheduler), 0);
}

TEST(test_scheduler__without_nodes_a_pod_waits_for_one) {
    _cleanup_world struct world w;
    world_open(&w);
    world_pod(&w, "p", "", "", "");
    assert_string_equal(world_why(&w, "p"), "no nodes available to schedule pods");
    world_node(&w, "a", "4", "8Gi", "", "");
    world_pass(&w, 2);
    assert_string_equal(world_where(&w, "p"), "a");
}

TEST(test_scheduler__says_why_each_node_is_refused) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "1", "8Gi", "", "");
    world_node(&w, "b", "1", "1Gi", "", "");
    world_node(&w, "c", "9", "9Gi", "",
               "\"taints\":[{\"key\":\"k\",\"value\":\"v\",\"effect\":\"NoSchedule\"}]");
    world_node(&w, "d", "9", "9Gi", "", "\"unschedulable\":true");
    world_pod(&w, "p", "", "\"cpu\":\"2\",\"memory\":\"2Gi\"", "");
    assert_string_equal(world_where(&w, "p"), "");
    assert_string_equal(world_why(&w, "p"),
                        "0/4 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint {k: "
                        "v}, 1 node(s) were unschedulable, 2 Insufficient cpu. "
                        "preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.");
    world_pass(&w, 2);
    assert_int_equal(world_events(&w, "FailedScheduling"), 1);
}

TEST(test_scheduler__room_that_becomes_free_is_used) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "1", "8Gi", "", "");
    world_pod(&w, "first", "", "\"cpu\":\"1\"", "");
    world_pod(&w, "second", "", "\"cpu\":\"1\"", "");
    assert_string_equal(world_where(&w, "first"), "a");
    assert_string_equal(world_where(&w, "second"), "");
    fake_remove(w.fake, KIND(CORE_POD), "default", "first");
    world_pass(&w, 3);
    assert_string_equal(world_where(&w, "second"), "a");
}

TEST(test_scheduler__a_pod_that_ended_takes_no_room) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "1", "8Gi", "", "");
    world_pod(&w, "first", "", "\"cpu\":\"1\"", "");
    world_pod(&w, "second", "", "\"cpu\":\"1\"", "");
    fake_merge(w.fake, KIND(CORE_POD), "default", "first", "{\"status\":{\"phase\":\"Succeeded\"}}");
    world_pass(&w, 3);
    assert_string_equal(world_where(&w, "second"), "a");
}

TEST(test_scheduler__a_node_never_gets_more_than_it_has) {
    _cleanup_world struct world w;
    world_open(&w);
    fake_set_faults(
        w.fake,
        &(struct fake_faults){.unavailable = 0.2, .delay_ns = NS_PER_SEC / 2, .watch_delay_ns = NS_PER_SEC});
    world_node(&w, "a", "5", "8Gi", "", "");
    world_node(&w, "b", "5", "8Gi", "", "");
    char name[8];
    for (int i = 0; i < 14; i++) {
        (void)snprintf(name, sizeof name, "p%d", i);
        world_pod(&w, name, "", "\"cpu\":\"1\"", "");
    }
    world_pass(&w, 120);
    int on_a = 0, on_b = 0;
    for (int i = 0; i < 14; i++) {
        (void)snprintf(name, sizeof name, "p%d", i);
        on_a += strcmp(world_where(&w, name), "a") == 0;
        on_b += strcmp(world_where(&w, name), "b") == 0;
    }
    assert_int_equal(on_a, 5);
    assert_int_equal(on_b, 5);
    fake_set_faults(w.fake, &(struct fake_faults){0});
}

TEST(test_scheduler__a_gate_keeps_a_pod_back_until_it_is_removed) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "4", "8Gi", "", "");
    world_pod(&w, "p", "", "", "\"schedulingGates\":[{\"name\":\"g\"}]");
    assert_string_equal(world_where(&w, "p"), "");
    fake_merge(w.fake, KIND(CORE_POD), "default", "p", "{\"spec\":{\"schedulingGates\":null}}");
    world_pass(&w, 2);
    assert_string_equal(world_where(&w, "p"), "a");
}

TEST(test_scheduler__a_pod_of_another_scheduler_is_left_alone) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "4", "8Gi", "", "");
    world_pod(&w, "p", "", "", "\"schedulerName\":\"mine\"");
    world_pass(&w, 2);
    assert_string_equal(world_where(&w, "p"), "");
    assert_string_equal(world_why(&w, "p"), "");
}

TEST(test_scheduler__the_more_important_pod_goes_first) {
    _cleanup_world struct world w;
    world_open(&w);
    world_pod(&w, "low", "", "\"cpu\":\"1\"", "\"priority\":1,\"preemptionPolicy\":\"Never\"");
    world_pod(&w, "high", "", "\"cpu\":\"1\"", "\"priority\":9,\"preemptionPolicy\":\"Never\"");
    world_node(&w, "a", "1", "8Gi", "", "");
    world_pass(&w, 3);
    assert_string_equal(world_where(&w, "high"), "a");
    assert_string_equal(world_where(&w, "low"), "");
}

TEST(test_scheduler__pods_without_requests_spread_over_nodes) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "4", "8Gi", "", "");
    world_node(&w, "b", "4", "8Gi", "", "");
    world_pod(&w, "p", "", "", "");
    world_pod(&w, "q", "", "", "");
    assert_string_not_equal(world_where(&w, "p"), world_where(&w, "q"));
}

TEST(test_scheduler__a_new_scheduler_counts_what_is_there) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "2", "8Gi", "", "");
    world_pod(&w, "p", "", "\"cpu\":\"2\"", "");
    world_restart(&w);
    world_pod(&w, "q", "", "\"cpu\":\"1\"", "");
    assert_string_equal(world_where(&w, "q"), "");
}

TEST(test_scheduler__a_binding_that_fails_is_tried_again) {
    _cleanup_world struct world w;
    world_open(&w);
    fake_set_faults(w.fake, &(struct fake_faults){.unavailable = 0.7});
    world_node(&w, "a", "2", "8Gi", "", "");
    world_pod(&w, "p", "", "\"cpu\":\"2\"", "");
    world_pass(&w, 120);
    assert_string_equal(world_where(&w, "p"), "a");
    fake_set_faults(w.fake, &(struct fake_faults){0});
}

TEST(test_scheduler__required_anti_affinity_keeps_pods_apart) {
    _cleanup_world struct world w;
    world_open(&w);
    const char *apart =
        "\"affinity\":{\"podAntiAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{"
        "\"labelSelector\":{\"matchLabels\":{\"app\":\"x\"}},\"topologyKey\":\"kubernetes.io/"
        "hostname\"}]}}";
    world_node(&w, "a", "4", "8Gi", "", "");
    world_node(&w, "b", "4", "8Gi", "", "");
    world_pod(&w, "p", "\"app\":\"x\"", "", apart);
    world_pod(&w, "q", "\"app\":\"x\"", "", apart);
    world_pod(&w, "r", "\"app\":\"x\"", "", apart);
    assert_string_not_equal(world_where(&w, "p"), world_where(&w, "q"));
    assert_string_equal(world_where(&w, "r"), "");
    assert_non_null(strstr(world_why(&w, "r"),
                           "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules."));
    world_pod(&w, "s", "\"app\":\"x\"", "", "");
    assert_non_null(
        strstr(world_why(&w, "s"), "2 node(s) didn't satisfy existing pods anti-affinity rules."));
    fake_remove(w.fake, KIND(CORE_POD), "default", "s");
    fake_remove(w.fake, KIND(CORE_POD), "default", "p");
    world_pass(&w, 3);
    assert_string_not_equal(world_where(&w, "r"), "");
}

TEST(test_scheduler__required_affinity_follows_the_first_of_its_group) {
    _cleanup_world struct world w;
    world_open(&w);
    const char *near = "\"affinity\":{\"podAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{"
                       "\"labelSelector\":{\"matchLabels\":{\"app\":\"x\"}},\"topologyKey\":\"zone\"}]}}";
    world_node(&w, "a", "4", "8Gi", "\"zone\":\"1\"", "");
    world_node(&w, "b", "4", "8Gi", "\"zone\":\"2\"", "");
    world_pod(&w, "lost", "\"app\":\"y\"", "", near);
    assert_non_null(strstr(world_why(&w, "lost"), "2 node(s) didn't match pod affinity rules."));
    world_pod(&w, "first", "\"app\":\"x\"", "", near);
    for (char name[2] = "p"; *name < 'u'; ++*name) {
        world_pod(&w, name, "\"app\":\"x\"", "", near);
        assert_string_equal(world_where(&w, name), world_where(&w, "first"));
    }
    world_pass(&w, 12);
    assert_string_equal(world_where(&w, "lost"), world_where(&w, "first"));
}

TEST(test_scheduler__hard_spread_keeps_zones_level) {
    _cleanup_world struct world w;
    world_open(&w);
    const char *spread =
        "\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":\"zone\","
        "\"whenUnsatisfiable\":\"DoNotSchedule\",\"labelSelector\":{\"matchLabels\":{\"app\":\"x\"}"
        "}}]";
    world_node(&w, "a", "40", "80Gi", "\"zone\":\"1\"", "");
    world_node(&w, "b", "40", "80Gi", "\"zone\":\"2\"", "");
    world_node(&w, "c", "1", "80Gi", "\"zone\":\"3\"", "");
    world_node(&w, "d", "40", "80Gi", "", "");
    int n[4] = {0};
    char name[2] = "p";
    for (; *name < 'x'; ++*name) {
        world_pod(&w, name, "\"app\":\"x\"", "\"cpu\":\"1\"", spread);
        const char *where = world_where(&w, name);
        if (*where)
            n[*where - 'a']++;
    }
    assert_int_equal(n[0], 2);
    assert_int_equal(n[1], 2);
    assert_int_equal(n[2], 1);
    assert_int_equal(n[3], 0);
    assert_non_null(strstr(world_why(&w, "w"), "2 node(s) didn't match pod topology spread constraints"));
    assert_non_null(strstr(world_why(&w, "w"), "(missing required label)"));
}

TEST(test_scheduler__host_ports_are_given_once) {
    _cleanup_world struct world w;
    world_open(&w);
    const char *port =
        "\"initContainers\":[{\"name\":\"s\",\"image\":\"i\",\"restartPolicy\":\"Always\",\"ports\":[{"
        "\"containerPort\":80,\"hostPort\":80}]}]";
    world_node(&w, "a", "4", "8Gi", "", "");
    world_pod(&w, "p", "", "", port);
    world_pod(&w, "q", "", "", port);
    assert_string_equal(world_where(&w, "p"), "a");
    assert_non_null(
        strstr(world_why(&w, "q"), "1 node(s) didn't have free ports for the requested pod ports."));
}

TEST(test_scheduler__a_pod_that_names_its_node_by_affinity_goes_there) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "4", "8Gi", "", "");
    world_node(&w, "b", "1", "8Gi", "", "");
    const char *pinned =
        "\"affinity\":{\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":{"
        "\"nodeSelectorTerms\":[{\"matchFields\":[{\"key\":\"metadata.name\",\"operator\":\"In\","
        "\"values\":[\"b\"]}]}]}}}";
    world_pod(&w, "p", "", "\"cpu\":\"1\"", pinned);
    world_pod(&w, "q", "", "\"cpu\":\"1\"", pinned);
    assert_string_equal(world_where(&w, "p"), "b");
    assert_non_null(strstr(world_why(&w, "q"),
                           "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) "
                           "[NodeAffinity]."));
}

TEST(test_scheduler__profiles_have_names_weights_and_settings) {
    struct scheduler_config_plugin off = {.name = S("NodeResourcesFit")},
                                   on = {.name = S("ImageLocality"), .weight = {5, true}};
    struct scheduler_config_plugins plugins = {.multi_point = {.disabled = {&off, 1}, .enabled = {&on, 1}}};
    struct scheduler_config_plugin_config setting = {.name = S("InterPodAffinity"),
                                                     .args = S("{\"hardPodAffinityWeight\":7}")};
    struct scheduler_config_kube_scheduler_profile profiles[] = {
        {.scheduler_name = S("full"), .plugins = &plugins, .plugin_config = {&setting, 1}},
        {.scheduler_name = S("default-scheduler")},
    };
    struct scheduler_config_kube_scheduler_configuration config = {.profiles = {profiles, 2}};
    _cleanup_world struct world w;
    struct err err = ERR_INIT;
    world_open(&w);
    scheduler_stop(w.scheduler);
    w.scheduler = NULL;
    struct scheduler_options o = {.client = w.client, .config = &config};
    assert_ok(scheduler_start(&o, &w.scheduler, &err), &err);
    world_node(&w, "a", "1", "8Gi", "", "");
    world_pod(&w, "p", "", "\"cpu\":\"2\"", "");
    world_pod(&w, "q", "", "\"cpu\":\"2\"", "\"schedulerName\":\"full\"");
    assert_string_equal(world_where(&w, "p"), "");
    assert_string_equal(world_where(&w, "q"), "a");
}

TEST(test_scheduler__a_configuration_that_cannot_be_obeyed_is_refused) {
    struct scheduler_config_plugin off = {.name = S("NodePorts")}, on = {.name = S("Nonsense")};
    struct scheduler_config_plugins plugins = {.filter = {.disabled = {&off, 1}}};
    struct scheduler_config_kube_scheduler_profile profile = {.plugins = &plugins};
    struct scheduler_config_kube_scheduler_configuration config = {.profiles = {&profile, 1}};
    _cleanup_world struct world w;
    struct scheduler *s = NULL;
    world_open(&w);
    struct scheduler_options o = {.client = w.client, .config = &config};
    assert_fails(scheduler_start(&o, &s, NULL), ERR_UNSUPPORTED);
    plugins = (struct scheduler_config_plugins){.score = {.enabled = {&on, 1}}};
    assert_fails(scheduler_start(&o, &s, NULL), ERR_INVALID);
}
