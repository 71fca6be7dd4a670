/* The runtime interface against a real containerd and runc. */
#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "base/workers.h"
#include "e2e/runtime/node.h"
#include "runtime/cri.h"
#include "runtime/pause_image.h"
#include "unit/unit.h"

#define RUNNING 1
#define EXITED 2

static struct str read_text(struct node *n, const char *path) {
    _cleanup_buf struct buf b = BUF_INIT;
    assert_ok(file_read(path, 1 << 20, &b, &n->err), &n->err);
    return buf_to_arena(&b, &n->arena);
}

static const struct cri_exec_sync_response *exec_in(struct node *n, struct str id, const char *script) {
    struct str command[] = {S("sh"), S("-c"), str_from(script)};
    struct cri_exec_sync_request in = {.container_id = id, .cmd = {command, 3}, .timeout = 10};
    struct runtime_call call = node_call(n);
    const struct cri_exec_sync_response *out = NULL;
    assert_ok(runtime_exec_sync(n->runtime, &call, &in, &out, &n->err), &n->err);
    return out;
}

TEST(test_containerd__a_pod_lives_and_dies) {
    struct node n;
    struct cri_pod_sandbox_config *pod;
    node_start(&n, "a");
    struct str sandbox = node_run_sandbox(&n, "web", &pod);
    struct str id =
        node_run_container(&n, sandbox, pod, "main", "echo hello; echo oops >&2; exec sleep 1000");
    assert_int_equal(node_container(&n, id)->state, RUNNING);

    const struct cri_exec_sync_response *out = exec_in(&n, id, "echo from inside; hostname; exit 7");
    assert_int_equal(out->exit_code, 7);
    assert_str(out->stdout, "from inside\ne2e\n");

    struct runtime_call call = node_call(&n);
    const struct cri_container_stats_response *stats = NULL;
    assert_ok(runtime_container_stats(n.runtime, &call,
                                      &(struct cri_container_stats_request){.container_id = id}, &stats,
                                      &n.err),
              &n.err);
    assert_true(stats->stats->memory->working_set_bytes->value > 0);

    assert_ok(runtime_stop_container(n.runtime, &call,
                                     &(struct cri_stop_container_request){.container_id = id, .timeout = 0},
                                     NULL, &n.err),
              &n.err);
    const struct cri_container_status *s = node_await(&n, id, EXITED);
    assert_int_equal(s->exit_code, 137);

    char path[200];
    snprintf(path, sizeof path, "%s/main.log", n.logs);
    struct str log = read_text(&n, path);
    assert_true(str_find(log, S(" stdout F hello\n")) > 0);
    assert_true(str_find(log, S(" stderr F oops\n")) > 0);
    node_stop(&n);
}

TEST(test_containerd__pause_is_ours_and_answers_signals) {
    struct node n;
    node_start(&n, "p");
    bool there;
    assert_ok(image_load_has(&n.loader, S(PAUSE_IMAGE), &there, &n.err), &n.err);
    assert_true(there);
    assert_ok(pause_image_ensure(&n.loader, &n.err), &n.err);
    int64_t before = clock_mono_ns(clock_system());
    struct str sandbox = node_run_sandbox(&n, "p", NULL);
    node_remove_sandbox(&n, sandbox);
    /* SIGTERM ends it at once, nobody has to wait for a time limit */
    assert_true(clock_mono_ns(clock_system()) - before < 5000000000);
    node_stop(&n);
}

TEST(test_containerd__missing_things_are_not_found) {
    struct node n;
    node_start(&n, "m");
    struct runtime_call call = node_call(&n);
    assert_fails(runtime_container_status(n.runtime, &call,
                                          &(struct cri_container_status_request){.container_id = S("none")},
                                          NULL, &n.err),
                 ERR_NOT_FOUND);
    assert_non_null(strstr(n.err.msg, "none"));
    assert_fails(runtime_pod_sandbox_status(
                     n.runtime, &call, &(struct cri_pod_sandbox_status_request){.pod_sandbox_id = S("none")},
                     NULL, &n.err),
                 ERR_NOT_FOUND);
    bool there = true;
    assert_ok(image_load_has(&n.loader, S("coxswain.local/none:1"), &there, &n.err), &n.err);
    assert_false(there);
    node_stop(&n);
}

/* Until a containerd with another number answers. */
static void await_other(struct node *n, pid_t before) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct runtime_call call = {.arena = &a, .timeout_ms = 1000};
    for (int i = 0; i < 2000; i++) {
        pid_t pid = containerd_pid(n->containerd);
        if (pid && pid != before &&
            runtime_version(n->runtime, &call, &(struct cri_version_request){0}, NULL, NULL) == 0)
            return;
        clock_sleep_ns(clock_system(), 10000000);
    }
    panic("containerd does not come back");
}

TEST(test_containerd__killed_it_comes_back_and_the_container_is_still_there) {
    struct node n;
    struct cri_pod_sandbox_config *pod;
    node_start(&n, "k");
    struct str sandbox = node_run_sandbox(&n, "k", &pod);
    struct str id = node_run_container(&n, sandbox, pod, "main", "echo $$ > /tmp/mark; exec sleep 1000");
    int64_t started = node_container(&n, id)->started_at;
    for (int i = 0; i < 3; i++) {
        pid_t pid = containerd_pid(n.containerd);
        assert_int_equal(kill(pid, SIGKILL), 0);
        await_other(&n, pid);
    }
    assert_int_equal(containerd_restarts(n.containerd), 3);
    const struct cri_container_status *s = node_await(&n, id, RUNNING);
    assert_true(s->started_at == started);
    assert_str(exec_in(&n, id, "cat /tmp/mark")->stdout, "1\n");
    node_stop(&n);
}

TEST(test_containerd__former_one_is_taken_over) {
    struct node n;
    struct cri_pod_sandbox_config *pod;
    node_start(&n, "o");
    struct str sandbox = node_run_sandbox(&n, "o", &pod);
    struct str id = node_run_container(&n, sandbox, pod, "main", "exec sleep 1000");
    pid_t pid = containerd_pid(n.containerd);
    containerd_release(n.containerd);
    struct containerd_options o = {.dir = n.dir, .cni_conf_dir = n.dir, .cni_bin_dir = n.dir};
    assert_ok(containerd_start(&o, &n.containerd, &n.err), &n.err);
    assert_int_equal(containerd_pid(n.containerd), pid);
    /* it is watched like one of ours */
    assert_int_equal(kill(pid, SIGKILL), 0);
    await_other(&n, pid);
    /* and with another configuration it is replaced */
    pid = containerd_pid(n.containerd);
    containerd_release(n.containerd);
    o.log_level = "info";
    assert_ok(containerd_start(&o, &n.containerd, &n.err), &n.err);
    assert_int_not_equal(containerd_pid(n.containerd), pid);
    assert_int_equal(node_await(&n, id, RUNNING)->state, RUNNING);
    node_stop(&n);
}

TEST(test_containerd__cannot_start_says_why) {
    struct err err = ERR_INIT;
    struct containerd *c;
    char dir[100];
    snprintf(dir, sizeof dir, "%s/bad", getenv("E2E_DIR"));
    assert_fails(containerd_start(&(struct containerd_options){.dir = "relative"}, &c, &err), ERR_INVALID);
    struct containerd_options o = {.dir = dir, .program = "/bin/false"};
    assert_fails(containerd_start(&o, &c, &err), ERR_CLOSED);
    assert_non_null(strstr(err.msg, "containerd.log"));
    o.program = "/nonexistent/containerd";
    assert_fails(containerd_start(&o, &c, &err), ERR_NOT_FOUND);
}

static unsigned failures;
static void on_failure(void *arg, const char *file, const struct err *err) {
    (void)err;
    failures++;
    assert_non_null(strstr(file, (const char *)arg));
}

TEST(test_containerd__images_of_a_folder_are_loaded) {
    struct node n;
    char dir[200], path[300];
    node_start(&n, "i");
    snprintf(dir, sizeof dir, "%s/images", n.dir);
    assert_ok(file_mkdir_p(dir, 0755, &n.err), &n.err);
    snprintf(path, sizeof path, "%s/broken.tar", dir);
    assert_ok(file_write_atomic(path, S("no archive"), 0644, &n.err), &n.err);
    snprintf(path, sizeof path, "gzip -c %s > %s/busybox.tar.gz; echo > %s/README", getenv("E2E_BUSYBOX"),
             dir, dir);
    struct process_options o = {.argv = (const char *const[]){"sh", "-c", path, NULL}};
    assert_ok(process_run_ok(&o, &(struct process_io){0}, &n.err), &n.err);
    unsigned loaded = 0;
    failures = 0;
    assert_ok(image_load_dir(&n.loader, dir, on_failure, "broken.tar", &loaded, &n.err), &n.err);
    assert_int_equal(loaded, 1);
    assert_int_equal(failures, 1);
    assert_ok(image_load_dir(&n.loader, "/nonexistent", NULL, NULL, &loaded, &n.err), &n.err);
    assert_int_equal(loaded, 0);
    node_stop(&n);
}

struct seen {
    struct str id; /* whose end is waited for */
    struct waiter stopped, ended;
    atomic_bool told;
    int code;
};

static void on_event(void *arg, const struct cri_container_event_response *e) {
    struct seen *s = arg;
    if (e->container_event_type == 2 && str_eq(e->container_id, s->id) && !s->told) {
        s->told = true;
        waiter_signal(&s->stopped);
    }
}

static void on_end(void *arg, int code, const struct err *err) {
    struct seen *s = arg;
    (void)err;
    s->code = code;
    waiter_signal(&s->ended);
}

TEST(test_containerd__ends_of_containers_are_told) {
    struct node n;
    struct cri_pod_sandbox_config *pod;
    struct seen seen = {0};
    struct runtime_watch *watch = NULL;
    node_start(&n, "e");
    struct str sandbox = node_run_sandbox(&n, "e", &pod);
    seen.id =
        node_run_container(&n, sandbox, pod, "main", "while test ! -e /tmp/go; do sleep 0.1; done; exit 4");
    waiter_init(&seen.stopped, NULL);
    waiter_init(&seen.ended, NULL);
    struct runtime_watch_options o = {.on_event = on_event, .on_end = on_end, .arg = &seen};
    assert_ok(runtime_watch_start(n.runtime, &o, &watch, &n.err), &n.err);
    exec_in(&n, seen.id, "sleep 0.5; touch /tmp/go"); /* the watch begins meanwhile */
    bool told = waiter_wait_ns(&seen.stopped, 20000000000);
    assert_int_equal(node_await(&n, seen.id, EXITED)->exit_code, 4);
    runtime_watch_stop(n.runtime, watch);
    waiter_wait(&seen.ended);
    assert_int_equal(seen.code, ERR_CANCELLED);
    assert_true(told);
    waiter_fini(&seen.stopped);
    waiter_fini(&seen.ended);
    node_stop(&n);
}

TEST(test_containerd__says_that_it_is_ready) {
    struct node n;
    node_start(&n, "r");
    struct cri_status_request in = {.verbose = true};
    struct runtime_call call = node_call(&n);
    const struct cri_status_response *out = NULL;
    assert_ok(runtime_status(n.runtime, &call, &in, &out, &n.err), &n.err);
    assert_true(out->status->conditions.n >= 2);
    assert_str(out->status->conditions.v[0].type, "RuntimeReady");
    assert_true(out->status->conditions.v[0].status);
    node_stop(&n);
}
