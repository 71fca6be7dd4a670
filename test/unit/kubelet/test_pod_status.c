/* kubelet/pod_status */
#include "pod_world.h"
#include "unit/unit.h"

#define TWO "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"},{\"name\":\"b\",\"image\":\"i\"}]}}"
#define INIT "{\"spec\":{\"initContainers\":[{\"name\":\"x\"}],\"containers\":[{\"name\":\"a\"}]}}"

#define WORLD(json)                                                                                          \
    __attribute__((cleanup(pod_world_fini))) struct pod_world w;                                             \
    pod_world_init(&w, json)

static const struct core_pod_condition *condition(const struct core_pod_status *st, const char *type) {
    for (uint32_t i = 0; i < st->conditions.n; i++)
        if (str_eq(st->conditions.v[i].type, str_from(type)))
            return &st->conditions.v[i];
    fail_msg("no condition %s", type);
    return NULL;
}

static void assert_condition(const struct core_pod_status *st, const char *type, const char *status,
                             const char *reason) {
    assert_str(condition(st, type)->status, status);
    assert_true(str_eq(condition(st, type)->reason, str_from(reason)));
}

TEST(test_pod_status__new_pod_is_pending_and_creating) {
    WORLD(TWO);
    struct core_pod_status st = world_status(&w);
    assert_str(st.phase, "Pending");
    assert_str(st.container_statuses.v[0].state.waiting->reason, "ContainerCreating");
    assert_int_equal(st.start_time.sec, 1000);
    assert_condition(&st, "Initialized", "True", "");
    assert_condition(&st, "PodScheduled", "True", "");
    assert_condition(&st, "Ready", "False", "ContainersNotReady");
    assert_str(condition(&st, "Ready")->message, "containers with unready status: [a b]");
    assert_condition(&st, "PodReadyToStartContainers", "False", "");
}

TEST(test_pod_status__running_pod_is_ready_with_addresses) {
    WORLD(TWO);
    world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    world_container(&w, "b", CONTAINER_RUNNING, 0);
    struct core_pod_status st = world_status(&w);
    assert_str(st.phase, "Running");
    assert_str(st.pod_ip, "10.0.0.5");
    assert_true(st.container_statuses.v[0].ready && st.container_statuses.v[0].started.v);
    assert_str(st.container_statuses.v[0].container_id, "containerd://a-0");
    assert_condition(&st, "Ready", "True", "");
    assert_condition(&st, "ContainersReady", "True", "");
    assert_condition(&st, "PodReadyToStartContainers", "True", "");
}

TEST(test_pod_status__transition_time_moves_with_the_status_only) {
    WORLD(TWO);
    w.pod.status = world_status(&w);
    w.in.now_sec = 2000;
    world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    struct core_pod_status st = world_status(&w);
    assert_int_equal(condition(&st, "Ready")->last_transition_time.sec, 1000);
    assert_int_equal(condition(&st, "PodReadyToStartContainers")->last_transition_time.sec, 2000);
    assert_int_equal(st.start_time.sec, 1000);
}

TEST(test_pod_status__readiness_probe_decides) {
    WORLD("{\"spec\":{\"containers\":[{\"name\":\"a\",\"readinessProbe\":{}}]}}");
    world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    assert_false(world_status(&w).container_statuses.v[0].ready);
    assert_true(world_status(&w).container_statuses.v[0].started.v);
    world_probe(&w, "a-0", PROBE_READINESS, PROBE_SUCCESS);
    assert_true(world_status(&w).container_statuses.v[0].ready);
}

TEST(test_pod_status__startup_probe_holds_started_and_ready) {
    WORLD("{\"spec\":{\"containers\":[{\"name\":\"a\",\"startupProbe\":{}}]}}");
    world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    assert_false(world_status(&w).container_statuses.v[0].started.v);
    world_probe(&w, "a-0", PROBE_STARTUP, PROBE_SUCCESS);
    assert_true(world_status(&w).container_statuses.v[0].started.v);
    assert_true(world_status(&w).container_statuses.v[0].ready);
}

TEST(test_pod_status__crash_loop_waits_and_shows_how_it_ended) {
    WORLD(TWO);
    world_sandbox(&w, true);
    world_container(&w, "b", CONTAINER_RUNNING, 0);
    world_container(&w, "a", CONTAINER_EXITED, 1);
    world_container(&w, "a", CONTAINER_EXITED, 3);
    world_waits(&w, "a", "CrashLoopBackOff");
    struct core_pod_status st = world_status(&w);
    assert_str(st.container_statuses.v[0].state.waiting->reason, "CrashLoopBackOff");
    assert_int_equal(st.container_statuses.v[0].last_state.terminated->exit_code, 3);
    assert_int_equal(st.container_statuses.v[0].restart_count, 1);
    assert_str(st.phase, "Running");
}

TEST(test_pod_status__restarted_container_shows_its_previous_end) {
    WORLD(TWO);
    world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_EXITED, 7);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    struct core_pod_status st = world_status(&w);
    assert_non_null(st.container_statuses.v[0].state.running);
    assert_int_equal(st.container_statuses.v[0].last_state.terminated->exit_code, 7);
    assert_str(st.container_statuses.v[0].last_state.terminated->reason, "Error");
}

TEST(test_pod_status__phase_of_ended_containers_follows_policy) {
    static const struct {
        const char *policy;
        int a, b;
        const char *phase;
    } cases[] = {{"Never", 0, 0, "Succeeded"},
                 {"Never", 0, 1, "Failed"},
                 {"OnFailure", 0, 0, "Succeeded"},
                 {"OnFailure", 1, 0, "Running"},
                 {"Always", 0, 0, "Running"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        WORLD(TWO);
        w.pod.spec.restart_policy = str_from(cases[i].policy);
        struct sandbox_view *sandbox = world_sandbox(&w, true);
        world_container(&w, "a", CONTAINER_EXITED, cases[i].a);
        world_container(&w, "b", CONTAINER_EXITED, cases[i].b);
        w.pod.status.phase = S("Running");
        assert_str(world_status(&w).phase, "Running");
        sandbox->ready = false;
        assert_str(world_status(&w).phase, cases[i].phase);
    }
}

TEST(test_pod_status__pod_with_a_sidecar_still_running_has_not_ended) {
    WORLD("{\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"a\"}],"
          "\"initContainers\":[{\"name\":\"s\",\"restartPolicy\":\"Always\"}]},"
          "\"status\":{\"phase\":\"Running\"}}");
    struct sandbox_view *sandbox = world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_EXITED, 0);
    struct container_view *side = world_container(&w, "s", CONTAINER_RUNNING, 0);
    assert_str(world_status(&w).phase, "Running");
    w.in.ending = true;
    assert_str(world_status(&w).phase, "Running");
    side->state = CONTAINER_EXITED;
    sandbox->ready = false;
    assert_str(world_status(&w).phase, "Succeeded");
}

TEST(test_pod_status__final_phase_never_changes) {
    WORLD(TWO);
    w.pod.status.phase = S("Succeeded");
    world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    assert_str(world_status(&w).phase, "Succeeded");
    struct core_pod_status st = world_status(&w);
    assert_condition(&st, "Ready", "False", "PodCompleted");
}

TEST(test_pod_status__init_containers_hold_the_pod_back) {
    WORLD(INIT);
    struct sandbox_view *sandbox = world_sandbox(&w, true);
    struct container_view *x = world_container(&w, "x", CONTAINER_RUNNING, 0);
    struct core_pod_status st = world_status(&w);
    assert_str(st.phase, "Pending");
    assert_str(st.container_statuses.v[0].state.waiting->reason, "PodInitializing");
    assert_condition(&st, "Initialized", "False", "ContainersNotInitialized");
    assert_str(condition(&st, "Initialized")->message, "containers with incomplete status: [x]");
    x->state = CONTAINER_EXITED;
    st = world_status(&w);
    assert_condition(&st, "Initialized", "True", "");
    assert_true(st.init_container_statuses.v[0].ready);
    x->exit_code = 1;
    w.pod.spec.restart_policy = S("Never");
    sandbox->ready = false;
    assert_str(world_status(&w).phase, "Failed");
}

TEST(test_pod_status__lost_container_is_unknown) {
    WORLD(TWO);
    world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    world_container(&w, "b", CONTAINER_RUNNING, 0);
    w.pod.status = world_status(&w);
    w.view.n_containers = 0;
    w.in.ending = true;
    struct core_pod_status st = world_status(&w);
    assert_str(st.container_statuses.v[0].state.terminated->reason, "ContainerStatusUnknown");
    assert_int_equal(st.container_statuses.v[0].state.terminated->exit_code, 137);
}

TEST(test_pod_status__decided_end_shows_once_nothing_runs) {
    WORLD(TWO);
    world_sandbox(&w, true);
    struct container_view *a = world_container(&w, "a", CONTAINER_RUNNING, 0);
    w.pod.status = world_status(&w);
    w.pod.status.phase = S("Running");
    w.in.end_phase = S("Failed");
    w.in.end_reason = S("Evicted");
    w.in.ending = w.in.disrupted = true;
    assert_str(world_status(&w).phase, "Running");
    a->state = CONTAINER_EXITED;
    w.sandboxes[0].ready = false;
    struct core_pod_status st = world_status(&w);
    assert_str(st.phase, "Failed");
    assert_str(st.reason, "Evicted");
    assert_condition(&st, "DisruptionTarget", "True", "TerminationByKubelet");
}

TEST(test_pod_status__readiness_gates_count) {
    WORLD("{\"spec\":{\"readinessGates\":[{\"conditionType\":\"x/y\"}],\"containers\":[{\"name\":\"a\"}]}}");
    world_sandbox(&w, true);
    world_container(&w, "a", CONTAINER_RUNNING, 0);
    struct core_pod_status st = world_status(&w);
    assert_condition(&st, "ContainersReady", "True", "");
    assert_condition(&st, "Ready", "False", "ReadinessGatesNotReady");
    struct core_pod_condition gate = {.type = S("x/y"), .status = S("True")};
    w.pod.status.conditions = (struct core_pod_condition_array){&gate, 1};
    st = world_status(&w);
    assert_condition(&st, "Ready", "True", "");
    assert_condition(&st, "x/y", "True", "");
}
