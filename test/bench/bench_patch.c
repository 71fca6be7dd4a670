/* Defaults, patches and conversions of a pod and its like, as one write of the API server does them. */
#include "api/convert.h"
#include "api/default.h"
#include "api/json.h"
#include "api/json_patch.h"
#include "api/merge_patch.h"
#include "api/ref.h"
#include "api/strategic.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "bench/bench.h"

static const char pod_text[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web-0\",\"namespace\":\"default\","
    "\"labels\":"
    "{\"app\":\"web\",\"tier\":\"front\"},\"annotations\":{\"a.example/x\":\"1\",\"a.example/"
    "y\":\"2\"}},\"spec\":"
    "{\"containers\":[{\"name\":\"web\",\"image\":\"web:1.2\",\"args\":[\"--port\",\"80\"],\"env\":["
    "{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\",\"value\":\"2\"},{\"name\":\"C\",\"valueFrom\":{"
    "\"fieldRef\":"
    "{\"fieldPath\":\"metadata.name\"}}}],\"ports\":[{\"containerPort\":80}],\"resources\":{\"limits\":{"
    "\"cpu\":"
    "\"500m\",\"memory\":\"256Mi\"}},\"readinessProbe\":{\"httpGet\":{\"port\":80}},\"volumeMounts\":[{"
    "\"name\":"
    "\"data\",\"mountPath\":\"/"
    "data\"}]},{\"name\":\"side\",\"image\":\"side\"}],\"volumes\":[{\"name\":\"data\","
    "\"emptyDir\":{}},{\"name\":\"config\",\"configMap\":{\"name\":\"c\"}}],\"tolerations\":[{\"key\":\"k\","
    "\"operator\":\"Exists\"}]}}";

static const char strategic_text[] =
    "{\"metadata\":{\"labels\":{\"tier\":\"back\"}},\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":"
    "\"web:1.3\",\"env\":[{\"name\":\"B\",\"value\":\"3\"}]}]}}";
static const char merge_text[] =
    "{\"metadata\":{\"labels\":{\"tier\":\"back\"},\"annotations\":{\"a.example/x\":null}}}";
static const char json_text[] =
    "[{\"op\":\"test\",\"path\":\"/metadata/name\",\"value\":\"web-0\"},"
    "{\"op\":\"replace\",\"path\":\"/spec/containers/0/image\",\"value\":\"web:1.3\"},"
    "{\"op\":\"add\",\"path\":\"/metadata/labels/x\",\"value\":\"y\"}]";

static struct arena keep = ARENA_INIT;

static struct jval parse(const char *text) {
    struct jval v;
    check(json_parse(&keep, str_from(text), NULL, NULL, &v, NULL) == 0);
    return v;
}

/* Runs `statement` with a fresh arena `a` for a fifth of a second; prints microseconds for one. */
#define MEASURE(name, statement)                                                                             \
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
        bench_figure(name, (end - start) / (double)n * 1e6, "us");                                           \
    } while (0)

int main(void) {
    struct jval pod = parse(pod_text), strategic = parse(strategic_text), merge = parse(merge_text);
    struct jval operations = parse(json_text), modified, out;
    struct pos schema = pos_type(&builtin, TY_CORE_POD);
    struct json_patch json;
    void *object, *full, *converted;
    check(api_from_tree(&keep, &builtin, TY_CORE_POD, &pod, NULL, &object, NULL) == 0);
    check(json_patch_read(&keep, &operations, &json, NULL) == 0);
    check(strategic_apply(&keep, schema, &pod, &strategic, &modified, NULL) == 0);
    full = api_copy(&keep, &builtin, TY_CORE_POD, object);
    api_default(&keep, &builtin, TY_CORE_POD, full, clock_system());

    MEASURE("pod_copy", full = api_copy(&a, &builtin, TY_CORE_POD, object));
    MEASURE("pod_copy_and_default", {
        full = api_copy(&a, &builtin, TY_CORE_POD, object);
        api_default(&a, &builtin, TY_CORE_POD, full, clock_system());
    });
    MEASURE("json_patch", check(json_patch_apply(&a, &json, &pod, &out, NULL) == 0));
    MEASURE("merge_patch", check(merge_patch_apply(&a, &pod, &merge, &out, NULL) == 0));
    MEASURE("strategic_patch", check(strategic_apply(&a, schema, &pod, &strategic, &out, NULL) == 0));
    MEASURE("strategic_three_way",
            check(strategic_create_three_way(&a, schema, &pod, &modified, &pod, true, &out, NULL) == 0));

    struct jval event =
        parse("{\"metadata\":{\"name\":\"e\"},\"reason\":\"r\",\"message\":\"m\",\"count\":3}");
    check(api_from_tree(&keep, &builtin, TY_CORE_EVENT, &event, NULL, &object, NULL) == 0);
    MEASURE("event_convert",
            check(api_convert(&a, &builtin, TY_CORE_EVENT, object, TY_EVENTS_EVENT, &converted, NULL) == 0));
    arena_fini(&keep);
    return 0;
}
