/* api/pod_requests */
#include <stdio.h>

#include "api/json.h"
#include "api/pod_requests.h"
#include "api/quantity.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "unit/unit.h"

static int64_t milli(const char *spec, const char *resource, bool limits) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    void *s = NULL;
    assert_ok(api_read_json(&a, &builtin, TY_CORE_POD_SPEC, str_from(spec), NULL, &s, &err), &err);
    struct quantity_map m = limits ? pod_limits(s, &a) : pod_requests(s, &a);
    const struct quantity *q = quantity_map_get(m, str_from(resource));
    return q ? quantity_milli_value(q) : -1;
}

#define CPU(v) "\"resources\":{\"requests\":{\"cpu\":\"" v "\"},\"limits\":{\"cpu\":\"" v "\"}}"

TEST(test_pod_requests__sums_app_containers) {
    const char *spec =
        "{\"containers\":[{" CPU("100m") "},{" CPU("1") "},{\"resources\":{\"requests\":{\"a\":1}}}]}";
    assert_int_equal(milli(spec, "cpu", false), 1100);
    assert_int_equal(milli(spec, "a", false), 1000);
    assert_int_equal(milli(spec, "memory", false), -1);
}

TEST(test_pod_requests__largest_init_container_counts) {
    assert_int_equal(
        milli("{\"initContainers\":[{" CPU("3") "},{" CPU("2") "}],\"containers\":[{" CPU("1") "}]}", "cpu",
              false),
        3000);
}

TEST(test_pod_requests__sidecars_run_beside_apps_and_later_init_containers) {
    const char *sidecar = "{\"restartPolicy\":\"Always\"," CPU("1") "}";
    char spec[512];
    snprintf(spec, sizeof spec, "{\"initContainers\":[%s,{%s}],\"containers\":[{%s}]}", sidecar, CPU("4"),
             CPU("2"));
    assert_int_equal(milli(spec, "cpu", false), 5000);
    snprintf(spec, sizeof spec, "{\"initContainers\":[{%s},%s],\"containers\":[{%s}]}", CPU("2"), sidecar,
             CPU("2"));
    assert_int_equal(milli(spec, "cpu", false), 3000);
}

TEST(test_pod_requests__pod_level_resources_replace_and_overhead_adds) {
    const char *spec =
        "{\"resources\":{\"requests\":{\"cpu\":\"5\"}},\"overhead\":{\"cpu\":\"250m\",\"memory\":\"1\"},"
        "\"containers\":[{" CPU("1") "}]}";
    assert_int_equal(milli(spec, "cpu", false), 5250);
    assert_int_equal(milli(spec, "cpu", true), 1250);
    assert_int_equal(milli(spec, "memory", true), -1);
    assert_int_equal(milli(spec, "memory", false), 1000);
}
