/* kubelet/pod_actions */
#include "pod_world.h"
#include "unit/unit.h"

#define APP "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"}]}}"
#define TWO "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"},{\"name\":\"b\",\"image\":\"i\"}]}}"
#define INIT                                                                                                 \
    "{\"spec\":{\"initContainers\":[{\"name\":\"x\"},{\"name\":\"y\"}],\"containers\":[{\"name\":\"a\"},"    \
    "{\"name\":\"b\"}]}}"
#define SIDECAR                                                                                              \
    "{\"spec\":{\"initContainers\":[{\"name\":\"s\",\"restartPolicy\":\"Always\",\"startupProbe\":{}},"      \
    "{\"name\":\"y\"}],\"containers\":[{\"name\":\"a\"}]}}"

#define WORLD(json)                                                                                          \
    __attribute__((cleanup(pod_world_fini))) struct pod_world w;                                             \
    pod_world_init(&w, json)

TEST(test_pod_actions__new_pod_gets_sandbox_and_containers) {
    WORLD(TWO);
    assert_str(world_plan(&w), "sandbox(0) start:a start:b");
}

TEST(test_pod_actions__healthy_pod_needs_nothing) {
    WORLD(APP);
    world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    assert_str(world_plan(&w), "");
    struct pod_actions p = world_actions(&w);
    assert_false(pod_actions_any(&p));
}

TEST(test_pod_actions__dead_sandbox_is_replaced_and_rest_stopped) {
    WORLD(TWO);
    world_sandbox(&w, false);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    assert_str(world_plan(&w), "stop sandbox(1) start:a start:b");
}

TEST(test_pod_actions__sandbox_without_address_is_replaced) {
    WORLD(APP);
    world_sandbox(&w, true)->ips.n = 0;
    assert_str(world_plan(&w), "stop sandbox(1) start:a");
}

TEST(test_pod_actions__two_ready_sandboxes_are_replaced) {
    WORLD(APP);
    world_sandbox(&w, true);
    world_sandbox(&w, true);
    assert_str(world_plan(&w), "stop sandbox(2) start:a");
}

TEST(test_pod_actions__ended_container_restarts_by_policy) {
    static const struct {
        const char *policy;
        int code;
        const char *plan;
    } cases[] = {{"Always", 0, "start:a"}, {"Always", 1, "start:a"}, {"OnFailure", 1, "start:a"},
                 {"OnFailure", 0, "stop"}, {"Never", 1, "stop"},     {"Never", 0, "stop"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        WORLD(APP);
        w.pod.spec.restart_policy = str_from(cases[i].policy);
        world_sandbox(&w, true);
        world_container(&w, "a", CONTAINER_EXITED, cases[i].code);
        assert_str(world_plan(&w), cases[i].plan);
    }
}

TEST(test_pod_actions__done_pod_whose_sandbox_is_gone_stays_done) {
    WORLD(APP);
    w.pod.spec.restart_policy = S("Never");
    world_sandbox(&w, false);
    world_container(&w, "a", CONTAINER_EXITED, 1);
    assert_str(world_plan(&w), "");
}

TEST(test_pod_actions__lost_sandbox_of_failing_pod_restarts_only_what_failed) {
    WORLD(TWO);
    w.pod.spec.restart_policy = S("OnFailure");
    world_sandbox(&w, false);
    world_container(&w, "a", CONTAINER_EXITED, 0);
    world_container(&w, "b", CONTAINER_EXITED, 2);
    assert_str(world_plan(&w), "sandbox(1) start:b");
}

TEST(test_pod_actions__init_containers_run_one_by_one) {
    WORLD(INIT);
    assert_str(world_plan(&w), "sandbox(0) start:x");
    world_sandbox(&w, true);
    struct container_view *x = world_container(&w, "x", CONTAINER_RUNNING, 0);
    assert_str(world_plan(&w), "");
    x->state = CONTAINER_EXITED;
    assert_str(world_plan(&w), "start:y");
    world_container(&w, "y", CONTAINER_EXITED, 0);
    assert_str(world_plan(&w), "start:a start:b");
}

TEST(test_pod_actions__failed_init_container_runs_again_unless_never) {
    WORLD(INIT);
    world_sandbox(&w, true);
    world_container(&w, "x", CONTAINER_EXITED, 1);
    assert_str(world_plan(&w), "start:x");
    w.pod.spec.restart_policy = S("Never");
    assert_str(world_plan(&w), "stop");
}

TEST(test_pod_actions__init_containers_run_again_on_new_sandbox) {
    WORLD(INIT);
    world_sandbox(&w, false);
    world_container(&w, "x", CONTAINER_EXITED, 0);
    world_container(&w, "y", CONTAINER_EXITED, 0);
    world_container(&w, "a", CONTAINER_EXITED, 137);
    assert_str(world_plan(&w), "sandbox(1) start:x");
    world_sandbox(&w, true);
    world_container(&w, "x", CONTAINER_EXITED, 0);
    assert_str(world_plan(&w), "start:y");
}

TEST(test_pod_actions__init_records_may_be_gone_once_apps_ran) {
    WORLD(INIT);
    world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    world_container(&w, "b", CONTAINER_RUNNING, 0);
    assert_str(world_plan(&w), "");
}

TEST(test_pod_actions__sidecar_must_have_started_before_the_next) {
    WORLD(SIDECAR);
    world_sandbox(&w, true);
    world_container(&w, "s", CONTAINER_RUNNING, 0);
    assert_str(world_plan(&w), "");
    world_probe(&w, "s-0", PROBE_STARTUP, PROBE_SUCCESS);
    assert_str(world_plan(&w), "start:y");
}

TEST(test_pod_actions__sidecar_restarts_beside_apps) {
    WORLD(SIDECAR);
    world_sandbox(&w, true);
    world_container(&w, "s", CONTAINER_EXITED, 0);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    assert_str(world_plan(&w), "start:s");
}

TEST(test_pod_actions__sidecars_alone_do_not_keep_a_pod) {
    WORLD(SIDECAR);
    w.pod.spec.restart_policy = S("Never");
    world_sandbox(&w, true);
    world_container(&w, "s", CONTAINER_RUNNING, 0);
    world_container(&w, "a", CONTAINER_EXITED, 0);
    assert_str(world_plan(&w), "stop");
}

TEST(test_pod_actions__unhealthy_container_is_killed_and_restarted) {
    WORLD(APP);
    world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    world_probe(&w, "a-0", PROBE_LIVENESS, PROBE_FAILURE);
    assert_str(world_plan(&w), "kill:a-0 start:a");
    assert_int_equal(world_actions(&w).kills[0].reason, KILL_LIVENESS);
    w.pod.spec.restart_policy = S("Never");
    assert_str(world_plan(&w), "stop kill:a-0");
}

TEST(test_pod_actions__changed_image_replaces_container) {
    WORLD(APP);
    world_sandbox(&w, true);
    struct container_view *v = world_container(&w, "a", CONTAINER_RUNNING, 0);
    char hash[9];
    container_hash(&w.pod.spec.containers.v[0], hash);
    v->hash = str_from(hash);
    assert_str(world_plan(&w), "");
    w.pod.spec.containers.v[0].image = S("other");
    assert_str(world_plan(&w), "kill:a-0 start:a");
    assert_int_equal(world_actions(&w).kills[0].reason, KILL_CHANGED);
}

TEST(test_pod_actions__ephemeral_container_starts_once) {
    WORLD("{\"spec\":{\"containers\":[{\"name\":\"a\"}],\"ephemeralContainers\":[{\"name\":\"d\","
          "\"targetContainerName\":\"a\"}]}}");
    world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    assert_str(world_plan(&w), "start:d");
    world_container(&w, "d", CONTAINER_EXITED, 1);
    assert_str(world_plan(&w), "");
}

TEST(test_pod_actions__restart_rules_come_before_policies) {
    WORLD("{\"spec\":{\"containers\":[{\"name\":\"a\",\"restartPolicyRules\":[{\"action\":\"Restart\","
          "\"exitCodes\":"
          "{\"operator\":\"In\",\"values\":[42]}}]},{\"name\":\"b\"}]}}");
    w.pod.spec.restart_policy = S("Never");
    world_sandbox(&w, true);
    world_container(&w, "b", CONTAINER_RUNNING, 0);
    struct container_view *a = world_container(&w, "a", CONTAINER_EXITED, 42);
    assert_str(world_plan(&w), "start:a");
    a->exit_code = 41;
    assert_str(world_plan(&w), "");
}

TEST(test_pod_actions__rule_may_restart_all_containers) {
    WORLD("{\"spec\":{\"containers\":[{\"name\":\"a\",\"restartPolicyRules\":[{\"action\":"
          "\"RestartAllContainers\","
          "\"exitCodes\":{\"operator\":\"In\",\"values\":[42]}}]},{\"name\":\"b\"}]}}");
    world_sandbox(&w, true);
    world_container(&w, "b", CONTAINER_RUNNING, 0);
    world_container(&w, "a", CONTAINER_EXITED, 42);
    assert_str(world_plan(&w), "restart-all kill:b-0");
}
