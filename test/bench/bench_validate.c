/* Validation of a pod and of a deployment as one write of the API server does it. */
#include "api/default.h"
#include "api/json.h"
#include "api/types/ids.h"
#include "api/validate.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "bench/bench.h"
#include "bench/pods.h"

#define GOAL_US 10 /* a small part of what reading and writing the object costs */

static struct arena keep = ARENA_INIT;

static void *read_object(uint32_t type, struct str text) {
    void *object;
    check(api_read_json(&keep, &builtin, type, text, NULL, &object, NULL) == 0);
    api_default(&keep, &builtin, type, object, clock_system());
    return object;
}

static const char deployment_text[] = "{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"},\"spec\":{"
                                      "\"selector\":{\"matchLabels\":{\"app\":\"web\"}},"
                                      "\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{"
                                      "\"containers\":[{\"name\":\"web\",\"image\":\"web:1\","
                                      "\"ports\":[{\"containerPort\":80}],\"resources\":{\"limits\":{\"cpu\":"
                                      "\"500m\",\"memory\":\"256Mi\"}}}]}}}}";

/* Runs the check for a fifth of a second; prints microseconds for one. */
#define MEASURE(name, call)                                                                                  \
    do {                                                                                                     \
        struct field_errors errors = FIELD_ERRORS_INIT(&keep);                                               \
        uint64_t n = 0;                                                                                      \
        double start = bench_now(), end;                                                                     \
        do {                                                                                                 \
            for (int i = 0; i < 64; i++, n++)                                                                \
                call;                                                                                        \
            end = bench_now();                                                                               \
        } while (end - start < 0.2);                                                                         \
        check(errors.n == 0);                                                                                \
        bench_at_most(name, (end - start) / (double)n * 1e6, "us", "-", GOAL_US);                            \
    } while (0)

int main(void) {
    struct buf text = BUF_INIT;
    pods_write_one(&text, 1);
    const struct kind *pod_kind = &kinds[KIND_CORE_POD], *deployment_kind = &kinds[KIND_APPS_DEPLOYMENT];
    const void *pod = read_object(TY_CORE_POD, buf_view(&text)),
               *old = read_object(TY_CORE_POD, buf_view(&text));
    const void *deployment = read_object(TY_APPS_DEPLOYMENT, str_from(deployment_text));
    MEASURE("validate_pod_create", validate_create(NULL, pod_kind, pod, &errors));
    MEASURE("validate_pod_update", validate_update(NULL, pod_kind, pod, old, &errors));
    MEASURE("validate_pod_status", validate_status_update(NULL, pod_kind, pod, old, &errors));
    MEASURE("validate_deployment_create", validate_create(NULL, deployment_kind, deployment, &errors));
    buf_fini(&text);
    arena_fini(&keep);
}
