/* How pods end: grace periods, hooks, and what shortens them. */
#include "base/clock.h"
#include "base/err.h"
#include "client/client.h"
#include "kubelet_world.h"
#include "unit/unit.h"

#define SECOND 1000000000ll

#define STOP_TEST(name)                                                                                      \
    static void name##_with(struct kubelet_world *w);                                                        \
    TEST(name) {                                                                                             \
        struct kubelet_world w;                                                                              \
        kubelet_world_init(&w);                                                                              \
        kubelet_world_start(&w);                                                                             \
        name##_with(&w);                                                                                     \
        kubelet_world_fini(&w);                                                                              \
    }                                                                                                        \
    static void name##_with(struct kubelet_world *w)

static void delete_pod(struct kubelet_world *w, const char *name, int64_t grace) {
    struct err err = ERR_INIT;
    struct client_delete o = {.grace_seconds = grace};
    int rc = client_delete(fake_client(w->api), KIND(CORE_POD), S("default"), str_from(name), &o, &err);
    assert_ok(rc, &err);
}

static bool has_phase(struct kubelet_world *w, const char *phase) {
    return str_eq(str_from(kubelet_world_phase(w, "p")), str_from(phase));
}

static void run_pod(struct kubelet_world *w, const char *spec) {
    kubelet_world_pod(w, "p", spec);
    kubelet_world_wait(has_phase(w, "Running"));
}

#define RUNS "\"terminationGracePeriodSeconds\":600,\"containers\":[{\"name\":\"c\",\"image\":\"r.io/run:1\""
#define PATIENT RUNS "}]"
#define SLEEPS RUNS ",\"lifecycle\":{\"preStop\":{\"sleep\":{\"seconds\":500}}}}]"

STOP_TEST(test_kubelet_stop__pod_goes_when_its_containers_have_ended) {
    run_pod(w, PATIENT);
    delete_pod(w, "p", 600);
    kubelet_world_wait(has_phase(w, "gone"));
    assert_int_equal(fake_running(w->runtime), 0);
    assert_int_equal(fake_ready(w->runtime), 0);
    kubelet_world_wait(kubelet_world_event(w, "Killing"));
}

STOP_TEST(test_kubelet_stop__shorter_grace_counts_at_once) {
    fake_ignore_term(w->runtime, true);
    run_pod(w, PATIENT);
    delete_pod(w, "p", 600);
    kubelet_world_wait(fake_runtime_calls(w->runtime, RUNTIME_STOP_CONTAINER) == 1);
    int64_t begin = clock_mono_ns(clock_system());
    delete_pod(w, "p", 1);
    kubelet_world_wait(has_phase(w, "gone"));
    assert_true(clock_mono_ns(clock_system()) - begin >= SECOND);
    assert_int_equal(fake_runtime_calls(w->runtime, RUNTIME_STOP_CONTAINER), 2);
}

STOP_TEST(test_kubelet_stop__longer_grace_changes_nothing) {
    fake_ignore_term(w->runtime, true);
    run_pod(w, PATIENT);
    delete_pod(w, "p", 2);
    kubelet_world_wait(fake_runtime_calls(w->runtime, RUNTIME_STOP_CONTAINER) == 1);
    fake_merge(w->api, KIND(CORE_POD), "default", "p", "{\"metadata\":{\"deletionGracePeriodSeconds\":600}}");
    kubelet_world_wait(has_phase(w, "gone"));
    assert_int_equal(fake_runtime_calls(w->runtime, RUNTIME_STOP_CONTAINER), 1);
}

/* kubectl delete --force: the API's copy goes first. */
STOP_TEST(test_kubelet_stop__pod_that_is_gone_from_the_api_is_stopped_soon) {
    fake_ignore_term(w->runtime, true);
    run_pod(w, PATIENT);
    delete_pod(w, "p", 600);
    kubelet_world_wait(fake_runtime_calls(w->runtime, RUNTIME_STOP_CONTAINER) == 1);
    fake_remove(w->api, KIND(CORE_POD), "default", "p");
    kubelet_world_wait(fake_running(w->runtime) == 0 && fake_ready(w->runtime) == 0);
}

STOP_TEST(test_kubelet_stop__sleeping_hook_ends_when_the_grace_does) {
    run_pod(w, SLEEPS);
    delete_pod(w, "p", 600);
    struct arena *a = &w->a;
    kubelet_world_wait(kubelet_world_event(w, "Killing"));
    delete_pod(w, "p", 1);
    kubelet_world_wait(has_phase(w, "gone"));
    assert_true(str_find(fake_journal(w->runtime, a), S("StopContainer c 2")) >= 0);
}

STOP_TEST(test_kubelet_stop__no_hook_runs_without_grace) {
    run_pod(w, SLEEPS);
    delete_pod(w, "p", 600);
    delete_pod(w, "p", 0);
    kubelet_world_wait(fake_running(w->runtime) == 0);
}
