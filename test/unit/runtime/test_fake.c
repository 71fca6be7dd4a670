/* runtime/fake behaves like a runtime. */
#include "base/arena.h"
#include "base/clock.h"
#include "runtime/fake.h"
#include "unit/unit.h"

#define RUNNING 1
#define EXITED 2

struct world {
    struct clock_sim clock;
    struct fake_runtime *fake;
    struct runtime *r;
    struct arena arena;
    struct runtime_call call;
    struct err err;
};

static void start(struct world *w) {
    *w = (struct world){.arena = ARENA_INIT};
    w->fake = fake_runtime_new(clock_sim_init(&w->clock, 1000000000000));
    w->r = fake_runtime(w->fake);
    w->call = (struct runtime_call){.arena = &w->arena};
    fake_image(w->fake,
               &(struct fake_image){.name = S("web:1"), .uid = -1, .pulled = true, .runs_for_ever = true});
    fake_image(w->fake, &(struct fake_image){
                            .name = S("job:1"), .uid = 7, .exit_after_ns = 5000000000, .exit_code = 3});
}

static void stop(struct world *w) {
    runtime_free(w->r);
    arena_fini(&w->arena);
}

static struct str sandbox(struct world *w) {
    struct cri_pod_sandbox_metadata metadata = {.name = S("pod"), .uid = S("u1"), .namespace = S("ns")};
    struct str_entry labels[] = {{S("app"), S("x")}};
    struct cri_pod_sandbox_config config = {.metadata = &metadata, .labels = {labels, 1}};
    const struct cri_run_pod_sandbox_response *out = NULL;
    assert_ok(runtime_run_pod_sandbox(
                  w->r, &w->call, &(struct cri_run_pod_sandbox_request){.config = &config}, &out, &w->err),
              &w->err);
    return out->pod_sandbox_id;
}

static int create(struct world *w, struct str pod, struct str name, struct str image, struct str *ret_id) {
    struct cri_container_metadata metadata = {.name = name};
    struct cri_image_spec spec = {.image = image};
    struct cri_container_config config = {.metadata = &metadata, .image = &spec};
    const struct cri_create_container_response *out = NULL;
    int rc = runtime_create_container(
        w->r, &w->call, &(struct cri_create_container_request){.pod_sandbox_id = pod, .config = &config},
        &out, &w->err);
    if (rc == 0)
        *ret_id = out->container_id;
    return rc;
}

static struct str run(struct world *w, struct str pod, struct str name, struct str image) {
    struct str id = S("");
    assert_ok(create(w, pod, name, image, &id), &w->err);
    assert_ok(runtime_start_container(
                  w->r, &w->call, &(struct cri_start_container_request){.container_id = id}, NULL, &w->err),
              &w->err);
    return id;
}

static const struct cri_container_status *status(struct world *w, struct str id) {
    const struct cri_container_status_response *out = NULL;
    assert_ok(runtime_container_status(
                  w->r, &w->call, &(struct cri_container_status_request){.container_id = id}, &out, &w->err),
              &w->err);
    return out->status;
}

static int stop_container(struct world *w, struct str id, int64_t grace) {
    return runtime_stop_container(w->r, &w->call,
                                  &(struct cri_stop_container_request){.container_id = id, .timeout = grace},
                                  NULL, &w->err);
}

TEST(test_fake__life_of_a_pod) {
    struct world w;
    start(&w);
    struct str pod = sandbox(&w), id = run(&w, pod, S("main"), S("web:1"));
    assert_int_equal(status(&w, id)->state, RUNNING);
    assert_int_equal(fake_running(w.fake), 1);
    assert_int_equal(fake_ready(w.fake), 1);
    assert_ok(stop_container(&w, id, 30), &w.err);
    assert_int_equal(status(&w, id)->state, EXITED);
    assert_int_equal(status(&w, id)->exit_code, 143);
    assert_ok(runtime_remove_pod_sandbox(w.r, &w.call,
                                         &(struct cri_remove_pod_sandbox_request){.pod_sandbox_id = pod},
                                         NULL, &w.err),
              &w.err);
    assert_int_equal(fake_ready(w.fake), 0);
    assert_fails(runtime_container_status(
                     w.r, &w.call, &(struct cri_container_status_request){.container_id = id}, NULL, &w.err),
                 ERR_NOT_FOUND);
    assert_str(fake_journal(w.fake, &w.arena),
               "RunPodSandbox pod\nCreateContainer main\nStartContainer main\nStopContainer main 30\n"
               "RemovePodSandbox s1\n");
    stop(&w);
}

TEST(test_fake__images_are_pulled_before_they_run) {
    struct world w;
    start(&w);
    struct str pod = sandbox(&w), id;
    assert_fails(create(&w, pod, S("job"), S("job:1"), &id), ERR_NOT_FOUND);
    struct cri_image_spec spec = {.image = S("job:1")};
    assert_ok(
        runtime_pull_image(w.r, &w.call, &(struct cri_pull_image_request){.image = &spec}, NULL, &w.err),
        &w.err);
    const struct cri_image_status_response *image = NULL;
    assert_ok(runtime_image_status(w.r, &w.call, &(struct cri_image_status_request){.image = &spec}, &image,
                                   &w.err),
              &w.err);
    assert_int_equal(image->image->uid->value, 7);
    assert_ok(create(&w, pod, S("job"), S("job:1"), &id), &w.err);
    spec.image = S("none:1");
    assert_fails(
        runtime_pull_image(w.r, &w.call, &(struct cri_pull_image_request){.image = &spec}, NULL, &w.err),
        ERR_NOT_FOUND);
    stop(&w);
}

TEST(test_fake__containers_exit_when_their_time_has_come) {
    struct world w;
    start(&w);
    fake_image(w.fake, &(struct fake_image){
                           .name = S("job:1"), .pulled = true, .exit_after_ns = 5000000000, .exit_code = 3});
    struct str id = run(&w, sandbox(&w), S("job"), S("job:1"));
    clock_sim_advance(&w.clock, 4999999999);
    assert_int_equal(status(&w, id)->state, RUNNING);
    clock_sim_advance(&w.clock, 1);
    assert_int_equal(status(&w, id)->state, EXITED);
    assert_int_equal(status(&w, id)->exit_code, 3);
    assert_str(status(&w, id)->reason, "Error");
    stop(&w);
}

TEST(test_fake__grace_time_is_waited_for) {
    struct world w;
    start(&w);
    struct str id = run(&w, sandbox(&w), S("main"), S("web:1"));
    fake_ignore_term(w.fake, true);
    int64_t before = clock_mono_ns(&w.clock.clock);
    assert_ok(stop_container(&w, id, 30), &w.err);
    assert_true(clock_mono_ns(&w.clock.clock) - before == 30000000000);
    assert_int_equal(status(&w, id)->exit_code, 137);
    stop(&w);
}

TEST(test_fake__faults_come_as_ordered) {
    struct world w;
    start(&w);
    struct str pod = sandbox(&w), id = S("");
    fake_fail(w.fake, RUNTIME_CREATE_CONTAINER, 1, ERR_INTERNAL, "disk on fire", false);
    assert_fails(create(&w, pod, S("a"), S("web:1"), &id), ERR_INTERNAL);
    assert_string_equal(w.err.msg, "disk on fire");
    assert_ok(create(&w, pod, S("a"), S("web:1"), &id), &w.err);
    fake_fail(w.fake, RUNTIME_CREATE_CONTAINER, 1, ERR_TIMEOUT, "lost", true);
    assert_fails(create(&w, pod, S("b"), S("web:1"), &id), ERR_TIMEOUT);
    const struct cri_list_containers_response *list = NULL;
    assert_ok(runtime_list_containers(w.r, &w.call, &(struct cri_list_containers_request){0}, &list, &w.err),
              &w.err);
    assert_int_equal(list->containers.n, 2);
    fake_delay(w.fake, RUNTIME_VERSION, 3000000000);
    w.call.timeout_ms = 2000;
    assert_fails(runtime_version(w.r, &w.call, &(struct cri_version_request){0}, NULL, &w.err), ERR_TIMEOUT);
    assert_int_equal(fake_runtime_calls(w.fake, RUNTIME_VERSION), 1);
    stop(&w);
}

static unsigned events;
static int ended;
static void on_event(void *arg, const struct cri_container_event_response *e) {
    (void)arg;
    (void)e;
    events++;
}
static void on_end(void *arg, int code, const struct err *err) {
    (void)arg;
    (void)err;
    ended = code;
}

TEST(test_fake__events_are_told) {
    struct world w;
    start(&w);
    struct runtime_watch *watch;
    struct runtime_watch_options o = {.on_event = on_event, .on_end = on_end};
    events = 0;
    ended = 0;
    assert_ok(runtime_watch_start(w.r, &o, &watch, &w.err), &w.err);
    struct str id = run(&w, sandbox(&w), S("main"), S("web:1"));
    assert_int_equal(events, 3);
    fake_exit(w.fake, id, 137, "OOMKilled");
    assert_int_equal(events, 4);
    assert_str(status(&w, id)->reason, "OOMKilled");
    runtime_watch_stop(w.r, watch);
    assert_int_equal(ended, ERR_CANCELLED);
    fake_events(w.fake, false);
    assert_ok(runtime_watch_start(w.r, &o, &watch, &w.err), &w.err);
    assert_int_equal(ended, ERR_UNSUPPORTED);
    runtime_watch_stop(w.r, watch);
    stop(&w);
}

TEST(test_fake__lists_are_filtered) {
    struct world w;
    start(&w);
    struct str pod = sandbox(&w), other = sandbox(&w);
    run(&w, pod, S("a"), S("web:1"));
    run(&w, other, S("b"), S("web:1"));
    struct cri_container_filter filter = {.pod_sandbox_id = other};
    const struct cri_list_containers_response *list = NULL;
    assert_ok(runtime_list_containers(w.r, &w.call, &(struct cri_list_containers_request){.filter = &filter},
                                      &list, &w.err),
              &w.err);
    assert_int_equal(list->containers.n, 1);
    assert_str(list->containers.v[0].metadata->name, "b");
    struct str_entry labels[] = {{S("app"), S("y")}};
    struct cri_pod_sandbox_filter pods = {.label_selector = {labels, 1}};
    const struct cri_list_pod_sandbox_response *found = NULL;
    assert_ok(runtime_list_pod_sandbox(w.r, &w.call, &(struct cri_list_pod_sandbox_request){.filter = &pods},
                                       &found, &w.err),
              &w.err);
    assert_int_equal(found->items.n, 0);
    stop(&w);
}

TEST(test_fake__exec_answers_as_told) {
    struct world w;
    start(&w);
    struct str id = run(&w, sandbox(&w), S("main"), S("web:1"));
    fake_exec(w.fake, "cat /ready", 1, "no such file");
    struct str command[] = {S("cat"), S("/ready")};
    const struct cri_exec_sync_response *out = NULL;
    struct cri_exec_sync_request in = {.container_id = id, .cmd = {command, 2}};
    assert_ok(runtime_exec_sync(w.r, &w.call, &in, &out, &w.err), &w.err);
    assert_int_equal(out->exit_code, 1);
    assert_str(out->stdout, "no such file");
    fake_exec(w.fake, "cat", 0, "");
    assert_ok(runtime_exec_sync(w.r, &w.call, &in, &out, &w.err), &w.err);
    assert_int_equal(out->exit_code, 0);
    fake_exit(w.fake, id, 0, NULL);
    assert_fails(runtime_exec_sync(w.r, &w.call, &in, &out, &w.err), ERR_INTERNAL);
    stop(&w);
}
