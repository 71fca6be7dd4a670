/* Pods from their first sight to their end: what the runtime is asked for and what the API is told. */
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "kubelet_world.h"
#include "unit/unit.h"

#define PODS_TEST(name)                                                                                      \
    static void name##_with(struct kubelet_world *w);                                                        \
    TEST(name) {                                                                                             \
        struct kubelet_world w;                                                                              \
        kubelet_world_init(&w);                                                                              \
        kubelet_world_start(&w);                                                                             \
        name##_with(&w);                                                                                     \
        kubelet_world_fini(&w);                                                                              \
    }                                                                                                        \
    static void name##_with(struct kubelet_world *w)

static bool phase(struct kubelet_world *w, const char *name, const char *want) {
    return str_eq(str_from(kubelet_world_phase(w, name)), str_from(want));
}

static bool reason(struct kubelet_world *w, const char *name, const char *want) {
    return str_eq(str_from(kubelet_world_reason(w, name)), str_from(want));
}

PODS_TEST(test_kubelet_pods__containers_start_in_order) {
    kubelet_world_pod(w, "p",
                      "\"initContainers\":[{\"name\":\"i\",\"image\":\"r.io/done:1\"}],"
                      "\"containers\":[{\"name\":\"c\",\"image\":\"r.io/run:1\"}]");
    kubelet_world_wait(phase(w, "p", "Running"));
    struct str journal = fake_journal(w->runtime, &w->a);
    ptrdiff_t sandbox = str_find(journal, S("RunPodSandbox p")),
              init = str_find(journal, S("StartContainer i")), app = str_find(journal, S("StartContainer c"));
    if (sandbox < 0 || init < 0 || app < 0)
        fail_msg("%.*s", STR_ARG(journal));
    assert_true(sandbox < init && init < app);
    const struct core_pod *p = kubelet_world_get(w, "p");
    assert_true(p->status.pod_ip.n > 0 && p->status.start_time.set);
    kubelet_world_wait(kubelet_world_event(w, "Started"));
}

PODS_TEST(test_kubelet_pods__what_ends_is_done_or_failed) {
    kubelet_world_pod(
        w, "good", "\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"r.io/done:1\"}]");
    kubelet_world_pod(
        w, "bad", "\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"r.io/fail:1\"}]");
    kubelet_world_wait(phase(w, "good", "Succeeded") && phase(w, "bad", "Failed"));
    kubelet_world_wait(fake_ready(w->runtime) == 0);
}

PODS_TEST(test_kubelet_pods__what_fails_again_and_again_waits) {
    kubelet_world_pod(w, "p", "\"containers\":[{\"name\":\"c\",\"image\":\"r.io/fail:1\"}]");
    kubelet_world_wait(reason(w, "p", "CrashLoopBackOff"));
    kubelet_world_wait(kubelet_world_event(w, "BackOff"));
}

PODS_TEST(test_kubelet_pods__images_that_cannot_be_pulled_are_told) {
    kubelet_world_pod(w, "p", "\"containers\":[{\"name\":\"c\",\"image\":\"r.io/none:1\"}]");
    kubelet_world_wait(reason(w, "p", "ErrImagePull") || reason(w, "p", "ImagePullBackOff"));
    kubelet_world_pod(
        w, "never",
        "\"containers\":[{\"name\":\"c\",\"image\":\"r.io/none:1\",\"imagePullPolicy\":\"Never\"}]");
    kubelet_world_wait(reason(w, "never", "ErrImageNeverPull"));
}

PODS_TEST(test_kubelet_pods__missing_configuration_is_waited_for) {
    kubelet_world_pod(
        w, "p",
        "\"containers\":[{\"name\":\"c\",\"image\":\"r.io/run:1\",\"envFrom\":[{\"configMapRef\":"
        "{\"name\":\"settings\"}}]}]");
    kubelet_world_wait(reason(w, "p", "CreateContainerConfigError"));
    assert_int_equal(fake_running(w->runtime), 0);
}

PODS_TEST(test_kubelet_pods__pods_that_do_not_fit_are_refused) {
    kubelet_world_wait(kubelet_world_event(w, "NodeReady"));
    kubelet_world_pod(w, "p",
                      "\"containers\":[{\"name\":\"c\",\"image\":\"r.io/run:1\",\"resources\":{\"requests\":"
                      "{\"cpu\":\"9000\"}}}]");
    kubelet_world_wait(phase(w, "p", "Failed"));
    assert_str(kubelet_world_get(w, "p")->status.reason, "OutOfcpu");
}

PODS_TEST(test_kubelet_pods__a_sandbox_that_dies_is_made_again) {
    kubelet_world_pod(w, "p", "\"containers\":[{\"name\":\"c\",\"image\":\"r.io/run:1\"}]");
    kubelet_world_wait(phase(w, "p", "Running"));
    fake_sandbox_die(w->runtime, S("s1"));
    kubelet_world_wait(fake_ready(w->runtime) == 1 && fake_running(w->runtime) == 1 &&
                       fake_runtime_calls(w->runtime, RUNTIME_RUN_POD_SANDBOX) == 2);
}

/* A restart of the kubelet neither kills nor forgets. */
PODS_TEST(test_kubelet_pods__a_new_kubelet_finds_what_runs) {
    kubelet_world_pod(w, "p", "\"containers\":[{\"name\":\"c\",\"image\":\"r.io/run:1\"}]");
    kubelet_world_wait(phase(w, "p", "Running"));
    kubelet_stop(w->k);
    (void)fake_journal(w->runtime, &w->a);
    kubelet_world_start(w);
    kubelet_world_pod(w, "q", "\"containers\":[{\"name\":\"c\",\"image\":\"r.io/run:1\"}]");
    kubelet_world_wait(phase(w, "q", "Running"));
    struct str journal = fake_journal(w->runtime, &w->a);
    assert_true(str_find(journal, S("StopContainer")) < 0 && str_find(journal, S("RunPodSandbox p")) < 0);
    assert_int_equal(fake_running(w->runtime), 2);
}

/* -- the node -- */

PODS_TEST(test_kubelet_node__registers_with_a_lease) {
    kubelet_world_wait(fake_count(w->api, KIND(COORDINATION_LEASE)) == 1);
    kubelet_world_wait(kubelet_world_event(w, "NodeReady"));
    struct object *o = fake_get(w->api, KIND(CORE_NODE), "", "n1");
    assert_non_null(o);
    const struct core_node *n = o->body;
    assert_str(str_map_get(n->metadata.labels, S("kubernetes.io/hostname")), "n1");
    assert_non_null(quantity_map_get(n->status.allocatable, S("memory")));
    object_unref(o);
}

/* -- static pods -- */

TEST(test_static_pods__files_become_pods_with_mirrors) {
    struct kubelet_world w;
    struct err err = ERR_INIT;
    kubelet_world_init(&w);
    const char *dir = kubelet_world_path(&w, "manifests"), *file = kubelet_world_path(&w, "manifests/a.yaml");
    w.o.static_pod_dir = str_from(dir);
    assert_ok(file_mkdir_p(dir, 0755, &err), &err);
    assert_ok(file_write_atomic(file,
                                S("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"
                                  "  containers: [{name: c, image: 'r.io/run:1'}]\n"),
                                0644, &err),
              &err);
    assert_ok(file_write_atomic(kubelet_world_path(&w, "manifests/b.yaml"), S("kind: Nothing\n"), 0644, &err),
              &err);
    kubelet_world_start(&w);
    kubelet_world_wait(phase(&w, "web-n1", "Running"));
    const struct core_pod *p = kubelet_world_get(&w, "web-n1");
    assert_non_null(str_map_get(p->metadata.annotations, S("kubernetes.io/config.mirror")).p);
    assert_str(str_map_get(p->metadata.annotations, S("kubernetes.io/config.source")), "file");
    assert_int_equal(unlink(file), 0);
    kubelet_world_wait(phase(&w, "web-n1", "gone") && fake_running(w.runtime) == 0);
    kubelet_world_fini(&w);
}
