/* What field ownership costs a write of a pod: comparing, tracking an update, applying a configuration. */
#include "api/equal.h"
#include "api/json.h"
#include "api/managed.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/err.h"
#include "bench/bench.h"
#include "bench/pods.h"

static struct arena keep = ARENA_INIT;

static struct core_pod *read_pod(void) {
    _cleanup_buf struct buf text = BUF_INIT;
    pods_write_one(&text, 7);
    void *pod;
    check(api_read_json(&keep, &builtin, TY_CORE_POD, buf_to_arena(&text, &keep), NULL, &pod, NULL) == 0);
    return pod;
}

/* Runs `statement` with a fresh arena `a` for a fifth of a second; prints microseconds for one. */
#define MEASURE(name, goal, statement)                                                                       \
    do {                                                                                                     \
        uint64_t n = 0;                                                                                      \
        struct arena a = ARENA_INIT;                                                                         \
        double start = bench_now(), end;                                                                     \
        do {                                                                                                 \
            for (int i = 0; i < 64; i++, n++) {                                                              \
                statement;                                                                                   \
                arena_reset(&a);                                                                             \
            }                                                                                                \
            end = bench_now();                                                                               \
        } while (end - start < 0.2);                                                                         \
        arena_fini(&a);                                                                                      \
        bench_at_most(name, (end - start) / (double)n * 1e6, "us", "-", goal);                               \
    } while (0)

static struct ref pod_ref(const struct core_pod *pod) {
    return ref_packed(&builtin, TY_CORE_POD, pod);
}

static void bench_compare(const struct core_pod *x, const struct core_pod *y) {
    volatile uint64_t sink = 0;
    MEASURE("equal_pod", 5, sink += api_equal(&builtin, TY_CORE_POD, x, y));
    MEASURE("hash_pod", 5, sink += api_hash(&builtin, TY_CORE_POD, x));
    MEASURE("ref_equal_pod", 10, sink += ref_equal(pod_ref(x), pod_ref(y)));
    MEASURE("fieldset_compare_pod", 10, sink += fieldset_compare(&a, pod_ref(x), pod_ref(y)).added.n);
    MEASURE("fieldset_of_pod", 30, sink += fieldset_of(&a, pod_ref(x)).n);
    struct str text = x->metadata.managed_fields.v[x->metadata.managed_fields.n - 1].fields_v1;
    struct fieldset set;
    MEASURE("fieldset_read", 10, check(fieldset_read(&a, text, &set, NULL) == 0));
}

static void bench_update(struct core_pod *x, struct core_pod *y) {
    struct managed_request req = {.manager = S("kubelet"),
                                  .api_version = S("v1"),
                                  .subresource = S("status"),
                                  .now = {.sec = 1700000000, .set = true},
                                  .before = pod_ref(x),
                                  .after = pod_ref(y)};
    struct managed_result result;
    MEASURE("managed_update_none", 10, check(managed_update(&a, &req, &result, NULL) == 0));
    y->status.conditions.v[0].status = S("Unknown");
    y->status.conditions.v[0].last_transition_time.sec++;
    y->status.pod_ip = S("10.1.2.3");
    MEASURE("managed_update_status", 60, check(managed_update(&a, &req, &result, NULL) == 0));
    req.before = ref_tree_at(req.before.pos, NULL);
    MEASURE("managed_update_create", 80, check(managed_update(&a, &req, &result, NULL) == 0));
}

static void bench_apply(const struct core_pod *x) {
    struct jval config = ref_tree(pod_ref(x), &keep);
    struct jval meta = jval_without(&keep, jval_get(&config, S("metadata")), S("managedFields"));
    config = jval_with(&keep, &config, S("metadata"), meta);
    config = jval_without(&keep, &config, S("status"));
    struct core_pod live = *x;
    struct managed_request req = {.manager = S("applier"),
                                  .api_version = S("v1"),
                                  .now = {.sec = 1700000000, .set = true},
                                  .before = pod_ref(&live),
                                  .config = ref_tree_at(pos_type(&builtin, TY_CORE_POD), &config)};
    struct managed_result result;
    check(managed_apply(&keep, &req, &result, NULL) == 0);
    live.metadata.managed_fields = result.entries;
    MEASURE("managed_apply_none", 200, check(managed_apply(&a, &req, &result, NULL) == 0));
    struct jval less = jval_without(&keep, jval_get(&config, S("spec")), S("tolerations"));
    config = jval_with(&keep, &config, S("spec"), less);
    MEASURE("managed_apply_removal", 500, check(managed_apply(&a, &req, &result, NULL) == 0));
}

int main(void) {
    struct core_pod *x = read_pod(), *y = read_pod();
    bench_compare(x, y);
    bench_update(x, y);
    bench_apply(x);
    arena_fini(&keep);
    return 0;
}
