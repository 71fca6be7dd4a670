/* kubelet/pod_cache */
#include <stdio.h>

#include "api/types/cri.h"
#include "base/arena.h"
#include "base/clock.h"
#include "kubelet/cri_names.h"
#include "kubelet/pod_cache.h"
#include "runtime/fake.h"
#include "unit/unit.h"

struct fixture {
    struct clock_sim sim;
    struct fake_runtime *fake;
    struct pod_cache *cache;
    struct arena a;
    char told[256];
};

static void fixture_init(struct fixture *f) {
    *f = (struct fixture){.a = ARENA_INIT};
    struct clock *c = clock_sim_init(&f->sim, 1700000000000000000ll);
    f->fake = fake_runtime_new(c);
    fake_image(f->fake,
               &(struct fake_image){.name = S("i"), .uid = -1, .pulled = true, .runs_for_ever = true});
    f->cache = pod_cache_new(fake_runtime(f->fake), c);
}

static void fixture_fini(struct fixture *f) {
    pod_cache_free(f->cache);
    runtime_free(fake_runtime(f->fake));
    arena_fini(&f->a);
}

#define FIXTURE                                                                                              \
    __attribute__((cleanup(fixture_fini))) struct fixture f;                                                 \
    fixture_init(&f)

static struct str_map labels(struct fixture *f, const char *uid, const char *container) {
    struct str_entry *e = arena_new_n(&f->a, 4, struct str_entry);
    uint32_t n = 0;
    if (container)
        e[n++] = (struct str_entry){CRI_LABEL_CONTAINER_NAME, str_from(container)};
    e[n++] = (struct str_entry){CRI_LABEL_POD_NAME, S("p")};
    e[n++] = (struct str_entry){CRI_LABEL_POD_NAMESPACE, S("ns")};
    e[n++] = (struct str_entry){CRI_LABEL_POD_UID, str_from(uid)};
    return (struct str_map){e, n};
}

static struct str make_sandbox(struct fixture *f, const char *uid) {
    struct cri_pod_sandbox_metadata meta = {.name = S("p"), .namespace = S("ns"), .uid = str_from(uid)};
    struct cri_pod_sandbox_config config = {.metadata = &meta, .labels = labels(f, uid, NULL)};
    const struct cri_run_pod_sandbox_response *r = NULL;
    struct err err = ERR_INIT;
    struct runtime_call call = {.arena = &f->a};
    assert_ok(runtime_run_pod_sandbox(fake_runtime(f->fake), &call,
                                      &(struct cri_run_pod_sandbox_request){.config = &config}, &r, &err),
              &err);
    return r->pod_sandbox_id;
}

static struct str make_container(struct fixture *f, struct str sandbox, const char *uid, uint32_t attempt) {
    struct cri_container_metadata meta = {.name = S("main"), .attempt = attempt};
    struct cri_image_spec image = {.image = S("i")};
    struct cri_pod_sandbox_metadata pod = {.name = S("p"), .namespace = S("ns"), .uid = str_from(uid)};
    struct cri_pod_sandbox_config sandbox_config = {.metadata = &pod};
    struct cri_container_config config = {
        .metadata = &meta, .image = &image, .labels = labels(f, uid, "main")};
    const struct cri_create_container_response *r = NULL;
    const struct cri_start_container_response *started;
    struct err err = ERR_INIT;
    struct runtime_call call = {.arena = &f->a};
    struct cri_create_container_request request = {
        .pod_sandbox_id = sandbox, .config = &config, .sandbox_config = &sandbox_config};
    assert_ok(runtime_create_container(fake_runtime(f->fake), &call, &request, &r, &err), &err);
    assert_ok(runtime_start_container(fake_runtime(f->fake), &call,
                                      &(struct cri_start_container_request){.container_id = r->container_id},
                                      &started, &err),
              &err);
    return r->container_id;
}

static void on_changed(void *arg, struct str uid) {
    struct fixture *f = arg;
    size_t n = strlen(f->told);
    snprintf(f->told + n, sizeof f->told - n, "%.*s ", STR_ARG(uid));
}

static const char *relist(struct fixture *f) {
    struct err err = ERR_INIT;
    f->told[0] = 0;
    assert_ok(pod_cache_relist(f->cache, on_changed, f, &err), &err);
    return f->told;
}

static const struct pod_view *view(struct fixture *f, const char *uid) {
    const struct pod_view *v = NULL;
    struct err err = ERR_INIT;
    assert_ok(pod_cache_view(f->cache, str_from(uid), &f->a, &v, &err), &err);
    return v;
}

TEST(test_pod_cache__tells_of_pods_that_changed_only) {
    FIXTURE;
    struct str s = make_sandbox(&f, "u1");
    assert_string_equal(relist(&f), "u1 ");
    assert_string_equal(relist(&f), "");
    struct str c = make_container(&f, s, "u1", 0);
    assert_string_equal(relist(&f), "u1 ");
    make_sandbox(&f, "u2");
    assert_string_equal(relist(&f), "u2 ");
    fake_exit(f.fake, c, 1, NULL);
    assert_string_equal(relist(&f), "u1 ");
}

TEST(test_pod_cache__shows_containers_newest_first) {
    FIXTURE;
    struct str s = make_sandbox(&f, "u1");
    struct str old = make_container(&f, s, "u1", 0);
    fake_exit(f.fake, old, 7, NULL);
    clock_sim_advance(&f.sim, 1000000000);
    struct str young = make_container(&f, s, "u1", 1);
    const struct pod_view *v = view(&f, "u1");
    assert_int_equal(v->n_containers, 2);
    assert_true(str_eq(v->containers[0].id, young));
    assert_int_equal(v->containers[0].state, CONTAINER_RUNNING);
    assert_int_equal(v->containers[1].exit_code, 7);
    assert_str(v->name, "p");
    assert_true(v->sandboxes[0].ready && v->sandboxes[0].ips.n == 1);
    assert_true(str_eq(pod_view_previous(v, &v->containers[0])->id, old));
}

TEST(test_pod_cache__asks_the_runtime_once_until_something_changes) {
    FIXTURE;
    make_sandbox(&f, "u1");
    relist(&f);
    view(&f, "u1");
    unsigned asked = fake_runtime_calls(f.fake, RUNTIME_POD_SANDBOX_STATUS);
    view(&f, "u1");
    relist(&f);
    view(&f, "u1");
    assert_int_equal(fake_runtime_calls(f.fake, RUNTIME_POD_SANDBOX_STATUS), asked);
    pod_cache_touch(f.cache, S("u1"));
    view(&f, "u1");
    assert_int_equal(fake_runtime_calls(f.fake, RUNTIME_POD_SANDBOX_STATUS), asked + 1);
}

TEST(test_pod_cache__a_pod_that_is_gone_is_told_and_forgotten) {
    FIXTURE;
    struct str s = make_sandbox(&f, "u1");
    relist(&f);
    struct runtime_call call = {.arena = &f.a};
    const struct cri_remove_pod_sandbox_response *r;
    struct err err = ERR_INIT;
    assert_ok(runtime_remove_pod_sandbox(fake_runtime(f.fake), &call,
                                         &(struct cri_remove_pod_sandbox_request){.pod_sandbox_id = s}, &r,
                                         &err),
              &err);
    assert_string_equal(relist(&f), "u1 ");
    struct str *uids;
    assert_int_equal(pod_cache_uids(f.cache, &f.a, &uids), 0);
    assert_int_equal(view(&f, "u1")->n_sandboxes, 0);
}

TEST(test_pod_cache__a_failing_runtime_is_an_error_and_keeps_what_was_known) {
    FIXTURE;
    make_sandbox(&f, "u1");
    relist(&f);
    fake_fail(f.fake, RUNTIME_LIST_CONTAINERS, 1, ERR_CLOSED, "gone", false);
    struct err err = ERR_INIT;
    assert_int_equal(pod_cache_relist(f.cache, on_changed, &f, &err), ERR_CLOSED);
    assert_string_equal(relist(&f), "");
}
