/* Pods whose containers get other resources while they run. */
#include "api/quantity.h"
#include "base/clock.h"
#include "base/err.h"
#include "kubelet_world.h"
#include "unit/unit.h"

#define RESIZE_TEST(name)                                                                                    \
    static void name##_with(struct kubelet_world *w);                                                        \
    TEST(name) {                                                                                             \
        struct kubelet_world w;                                                                              \
        kubelet_world_init(&w);                                                                              \
        kubelet_world_start(&w);                                                                             \
        name##_with(&w);                                                                                     \
        kubelet_world_fini(&w);                                                                              \
    }                                                                                                        \
    static void name##_with(struct kubelet_world *w)

/* A pod with one container c, whose resources are JSON. */
static const char *spec(struct kubelet_world *w, const char *resources, const char *more) {
    return arena_printf(&w->a,
                        "\"containers\":[{\"name\":\"c\",\"image\":\"r.io/run:1\",\"resources\":{%s}%s}]",
                        resources, more)
        .p;
}

#define SMALL                                                                                                \
    "\"requests\":{\"cpu\":\"100m\",\"memory\":\"16Mi\"},\"limits\":{\"cpu\":\"200m\",\"memory\":\"32Mi\"}"
#define LARGE                                                                                                \
    "\"requests\":{\"cpu\":\"200m\",\"memory\":\"16Mi\"},\"limits\":{\"cpu\":\"400m\",\"memory\":\"64Mi\"}"
#define HUGE_CPU "\"requests\":{\"cpu\":\"9000\",\"memory\":\"16Mi\"}"

static const struct core_container_status *status(struct kubelet_world *w) {
    const struct core_pod *p = kubelet_world_get(w, "p");
    return p && p->status.container_statuses.n ? &p->status.container_statuses.v[0] : NULL;
}

static int64_t given_milli(struct kubelet_world *w) {
    const struct core_container_status *s = status(w);
    const struct quantity *q = s && s->resources ? quantity_map_get(s->resources->requests, S("cpu")) : NULL;
    return q ? quantity_milli_value(q) : -1;
}

static int64_t allocated_milli(struct kubelet_world *w) {
    const struct core_container_status *s = status(w);
    const struct quantity *q = s ? quantity_map_get(s->allocated_resources, S("cpu")) : NULL;
    return q ? quantity_milli_value(q) : -1;
}

/* The reason of the condition; NULL: it is not there. */
static const char *condition(struct kubelet_world *w, const char *type) {
    const struct core_pod *p = kubelet_world_get(w, "p");
    for (uint32_t i = 0; p && i < p->status.conditions.n; i++)
        if (str_eq(p->status.conditions.v[i].type, str_from(type)))
            return arena_strz(&w->a, p->status.conditions.v[i].reason);
    return NULL;
}

static bool pending(struct kubelet_world *w, const char *reason) {
    const char *have = condition(w, "PodResizePending");
    return have && str_eq(str_from(have), str_from(reason));
}

static bool failed(struct kubelet_world *w) {
    const char *have = condition(w, "PodResizeInProgress");
    return have && str_eq(str_from(have), S("Error"));
}

static void run_pod(struct kubelet_world *w, const char *resources, const char *more) {
    kubelet_world_pod(w, "p", spec(w, resources, more));
    kubelet_world_wait(given_milli(w) == 100);
    (void)fake_journal(w->runtime, &w->a);
}

static void resize(struct kubelet_world *w, const char *resources, const char *more) {
    fake_merge(w->api, KIND(CORE_POD), "default", "p",
               arena_printf(&w->a, "{\"spec\":{%s}}", spec(w, resources, more)).p);
}

static bool journal_has(struct kubelet_world *w, const char *text) {
    return str_find(fake_journal(w->runtime, &w->a), str_from(text)) >= 0;
}

RESIZE_TEST(test_kubelet_resize__running_containers_get_more) {
    run_pod(w, SMALL, "");
    assert_int_equal(allocated_milli(w), 100);
    resize(w, LARGE, "");
    kubelet_world_wait(given_milli(w) == 200);
    assert_int_equal(allocated_milli(w), 200);
    assert_true(journal_has(w, "UpdateContainerResources c shares=204 quota=40000 memory=67108864\n"));
    assert_int_equal(status(w)->restart_count, 0);
    kubelet_world_wait(!condition(w, "PodResizeInProgress") && !condition(w, "PodResizePending"));
}

RESIZE_TEST(test_kubelet_resize__containers_restart_when_their_policy_says_so) {
    const char *policy = ",\"resizePolicy\":[{\"resourceName\":\"memory\",\"restartPolicy\":"
                         "\"RestartContainer\"}]";
    run_pod(w, SMALL, policy);
    resize(w, LARGE, policy);
    kubelet_world_wait(given_milli(w) == 200 && status(w)->restart_count == 1);
    struct str journal = fake_journal(w->runtime, &w->a);
    assert_true(str_find(journal, S("StopContainer c")) >= 0);
    assert_true(str_find(journal, S("UpdateContainerResources")) < 0);
}

RESIZE_TEST(test_kubelet_resize__what_can_never_fit_is_infeasible) {
    run_pod(w, SMALL, "");
    resize(w, HUGE_CPU, "");
    kubelet_world_wait(pending(w, "Infeasible"));
    assert_int_equal(allocated_milli(w), 100);
    assert_int_equal(given_milli(w), 100);
    assert_false(journal_has(w, "UpdateContainerResources"));
    resize(w, SMALL, "");
    kubelet_world_wait(!condition(w, "PodResizePending"));
}

RESIZE_TEST(test_kubelet_resize__failures_are_told_and_tried_again) {
    run_pod(w, SMALL, "");
    fake_fail(w->runtime, RUNTIME_UPDATE_CONTAINER_RESOURCES, 1000, ERR_INTERNAL, "no such file", false);
    resize(w, LARGE, "");
    kubelet_world_wait(failed(w));
    fake_fail(w->runtime, RUNTIME_UPDATE_CONTAINER_RESOURCES, 0, 0, "", false);
    fake_merge(w->api, KIND(CORE_POD), "default", "p", "{\"metadata\":{\"labels\":{\"look\":\"again\"}}}");
    kubelet_world_wait(given_milli(w) == 200 && !condition(w, "PodResizeInProgress"));
}
