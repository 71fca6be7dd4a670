/* kubelet/prober, in a simulation with a fake runtime */
#include "api/json.h"
#include "api/object.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/sim.h"
#include "base/workers.h"
#include "kubelet/prober.h"
#include "runtime/fake.h"
#include "unit/unit.h"

#define S_NS 1000000000ll

struct fixture {
    struct sim *sim;
    struct loop *loop;
    struct workers *workers;
    struct fake_runtime *fake;
    struct prober *prober;
    struct object *pod;
    struct container_view container;
    struct sandbox_view sandbox;
    struct pod_view view;
    struct arena a;
    unsigned changed, unhealthy;
};

static void on_changed(void *arg, struct str uid) {
    struct fixture *f = arg;
    assert_str(uid, "u");
    f->changed++;
}

static void on_unhealthy(void *arg, const struct object *pod, struct str container, enum probe_kind kind,
                         bool errored, struct str output) {
    (void)pod, (void)container, (void)kind, (void)errored, (void)output;
    ((struct fixture *)arg)->unhealthy++;
}

/* One more container in a sandbox of its own; its id in the arena. */
static struct str make_container(struct fixture *f) {
    struct cri_pod_sandbox_metadata pod = {.name = S("p"), .namespace = S("ns"), .uid = S("u")};
    struct cri_pod_sandbox_config sandbox = {.metadata = &pod};
    struct cri_container_metadata meta = {.name = S("c")};
    struct cri_image_spec image = {.image = S("i")};
    struct cri_container_config config = {.metadata = &meta, .image = &image};
    const struct cri_run_pod_sandbox_response *s = NULL;
    const struct cri_create_container_response *c = NULL;
    const struct cri_start_container_response *started;
    struct runtime *r = fake_runtime(f->fake);
    struct runtime_call call = {.arena = &f->a};
    struct err err = ERR_INIT;
    assert_ok(runtime_run_pod_sandbox(r, &call, &(struct cri_run_pod_sandbox_request){.config = &sandbox}, &s,
                                      &err),
              &err);
    struct cri_create_container_request request = {
        .pod_sandbox_id = s->pod_sandbox_id, .config = &config, .sandbox_config = &sandbox};
    assert_ok(runtime_create_container(r, &call, &request, &c, &err), &err);
    assert_ok(runtime_start_container(r, &call,
                                      &(struct cri_start_container_request){.container_id = c->container_id},
                                      &started, &err),
              &err);
    return c->container_id;
}

static void fixture_init(struct fixture *f, const char *probes) {
    *f = (struct fixture){.a = ARENA_INIT, .sim = sim_new(unit_seed(), 1700000000 * S_NS)};
    f->loop = sim_loop_new(f->sim, "probes");
    struct err err = ERR_INIT;
    assert_ok(
        workers_start(&(struct workers_options){.name = "w", .threads = 1, .queue_max = 16, .sim = f->sim},
                      &f->workers, &err),
        &err);
    f->fake = fake_runtime_new(sim_clock(f->sim));
    f->prober = prober_new(&(struct prober_options){.loop = f->loop,
                                                    .workers = f->workers,
                                                    .runtime = fake_runtime(f->fake),
                                                    .clock = sim_clock(f->sim),
                                                    .rand = sim_rand(f->sim),
                                                    .changed = on_changed,
                                                    .unhealthy = on_unhealthy,
                                                    .arg = f});
    struct arena a = ARENA_INIT;
    struct str json =
        arena_printf(&f->a,
                     "{\"metadata\":{\"uid\":\"u\",\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":"
                     "\"c\",%s}]}}",
                     probes);
    void *pod = NULL;
    assert_ok(api_read_json(&a, &builtin, TY_CORE_POD, json, NULL, &pod, &err), &err);
    f->pod = object_freeze(&kinds[KIND_CORE_POD], pod, &a);
    fake_image(f->fake,
               &(struct fake_image){.name = S("i"), .uid = -1, .pulled = true, .runs_for_ever = true});
    f->container = (struct container_view){
        .id = make_container(f), .name = S("c"), .state = CONTAINER_RUNNING, .started_ns = 1700000000 * S_NS};
    f->view = (struct pod_view){
        .uid = S("u"), .sandboxes = &f->sandbox, .containers = &f->container, .n_containers = 1};
}

static void fixture_fini(struct fixture *f) {
    prober_free(f->prober);
    sim_settle(f->sim);
    workers_stop(f->workers);
    loop_free(f->loop);
    runtime_free(fake_runtime(f->fake));
    object_unref(f->pod);
    sim_free(f->sim);
    arena_fini(&f->a);
}

#define FIXTURE(probes)                                                                                      \
    __attribute__((cleanup(fixture_fini))) struct fixture f;                                                 \
    fixture_init(&f, probes)

#define PROBE(kind, more) "\"" kind "\":{\"exec\":{\"command\":[\"" kind "\"]},\"periodSeconds\":10" more "}"

static enum probe_result result(struct fixture *f, enum probe_kind kind) {
    struct probe_results r;
    prober_results(f->prober, S("u"), &f->a, &r);
    return probe_result_of(&r, f->container.id, kind);
}

static void run(struct fixture *f, int64_t seconds) {
    prober_update(f->prober, f->pod, &f->view);
    sim_run_ns(f->sim, seconds * S_NS);
}

TEST(test_prober__readiness_needs_one_success_and_three_failures) {
    FIXTURE(PROBE("readinessProbe", ""));
    fake_exec(f.fake, "readinessProbe", 0, "");
    run(&f, 11);
    assert_int_equal(result(&f, PROBE_READINESS), PROBE_SUCCESS);
    fake_exec(f.fake, "readinessProbe", 1, "no");
    run(&f, 20);
    assert_int_equal(result(&f, PROBE_READINESS), PROBE_SUCCESS);
    run(&f, 10);
    assert_int_equal(result(&f, PROBE_READINESS), PROBE_FAILURE);
    assert_int_equal(f.changed, 2);
    assert_int_equal(f.unhealthy, 3);
}

TEST(test_prober__liveness_waits_for_startup) {
    FIXTURE(PROBE("startupProbe", ",\"failureThreshold\":30") "," PROBE("livenessProbe",
                                                                        ",\"failureThreshold\":1"));
    fake_exec(f.fake, "startupProbe", 1, "");
    fake_exec(f.fake, "livenessProbe", 1, "");
    run(&f, 60);
    assert_int_equal(result(&f, PROBE_LIVENESS), PROBE_UNKNOWN);
    fake_exec(f.fake, "startupProbe", 0, "");
    run(&f, 11);
    assert_int_equal(result(&f, PROBE_STARTUP), PROBE_SUCCESS);
    run(&f, 11);
    assert_int_equal(result(&f, PROBE_LIVENESS), PROBE_FAILURE);
}

TEST(test_prober__failed_liveness_holds_until_a_new_container_runs) {
    FIXTURE(PROBE("livenessProbe", ",\"failureThreshold\":1"));
    fake_exec(f.fake, "livenessProbe", 1, "");
    run(&f, 11);
    assert_int_equal(result(&f, PROBE_LIVENESS), PROBE_FAILURE);
    unsigned runs = fake_runtime_calls(f.fake, RUNTIME_EXEC_SYNC);
    run(&f, 60);
    assert_int_equal(fake_runtime_calls(f.fake, RUNTIME_EXEC_SYNC), runs);
    f.container.id = make_container(&f);
    run(&f, 11);
    assert_true(fake_runtime_calls(f.fake, RUNTIME_EXEC_SYNC) > runs);
}

TEST(test_prober__initial_delay_is_kept) {
    FIXTURE(PROBE("readinessProbe", ",\"initialDelaySeconds\":30"));
    fake_exec(f.fake, "readinessProbe", 0, "");
    run(&f, 29);
    assert_int_equal(fake_runtime_calls(f.fake, RUNTIME_EXEC_SYNC), 0);
    run(&f, 12);
    assert_int_equal(result(&f, PROBE_READINESS), PROBE_SUCCESS);
}

TEST(test_prober__nothing_is_probed_that_does_not_run) {
    FIXTURE(PROBE("readinessProbe", ""));
    fake_exec(f.fake, "readinessProbe", 0, "");
    f.container.state = CONTAINER_EXITED;
    run(&f, 60);
    assert_int_equal(fake_runtime_calls(f.fake, RUNTIME_EXEC_SYNC), 0);
}

TEST(test_prober__forgotten_pods_are_probed_no_more) {
    FIXTURE(PROBE("readinessProbe", ""));
    fake_exec(f.fake, "readinessProbe", 0, "");
    run(&f, 11);
    prober_forget(f.prober, S("u"));
    sim_run_ns(f.sim, S_NS);
    unsigned runs = fake_runtime_calls(f.fake, RUNTIME_EXEC_SYNC);
    sim_run_ns(f.sim, 60 * S_NS);
    assert_int_equal(fake_runtime_calls(f.fake, RUNTIME_EXEC_SYNC), runs);
    assert_int_equal(result(&f, PROBE_READINESS), PROBE_UNKNOWN);
}
