/* What objects use of quotas, and what pods need. */
#include "api/json.h"
#include "api/pod_amounts.h"
#include "api/quantity.h"
#include "api/quota_usage.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "unit/unit.h"

static void *read(struct arena *a, uint16_t kind, const char *json) {
    struct err err = ERR_INIT;
    void *body;
    assert_ok(api_read_json(a, &builtin, kinds[kind].type, str_from(json), NULL, &body, &err), &err);
    return body;
}

static const char *text_of(const struct quantity *q) {
    static char text[QUANTITY_TEXT_MAX];
    quantity_format(q, text);
    return text;
}

static const char *request(const struct core_pod *p, const char *name) {
    struct quantity q = pod_request(p, str_from(name));
    return text_of(&q);
}

static const char *limit(const struct core_pod *p, const char *name) {
    struct quantity q = pod_spec_amount(&p->spec, POD_LIMIT, str_from(name));
    return q.set ? text_of(&q) : "none";
}

static const char *usage(uint16_t kind, const void *object, const char *name) {
    struct quantity q = quota_usage_of(&kinds[kind], object, str_from(name), 0);
    return text_of(&q);
}

TEST(test_pod_amounts__adds_containers_and_sidecars) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct core_pod *p = read(&a, KIND_CORE_POD,
                                    "{\"spec\":{\"initContainers\":[{\"name\":\"side\",\"restartPolicy\":"
                                    "\"Always\",\"resources\":{\"requests\":{"
                                    "\"cpu\":\"100m\"}}},{\"name\":\"i\",\"resources\":{\"requests\":{"
                                    "\"cpu\":\"2\"}}}],\"containers\":[{\"name\":\"a\","
                                    "\"resources\":{\"requests\":{\"cpu\":\"500m\"}}},{\"name\":\"b\","
                                    "\"resources\":{\"requests\":{\"cpu\":\"1\"}}}]}}");
    assert_string_equal(request(p, "cpu"), "2100m"); /* the init container beside the sidecar */
    assert_string_equal(request(p, "memory"), "0");
    assert_string_equal(limit(p, "cpu"), "none");
}

TEST(test_pod_amounts__pod_level_and_overhead) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct core_pod *p =
        read(&a, KIND_CORE_POD,
             "{\"spec\":{\"overhead\":{\"cpu\":\"50m\"},\"resources\":{\"requests\":{\"cpu\":\"3\"}},"
             "\"containers\":[{"
             "\"name\":\"a\",\"resources\":{\"requests\":{\"cpu\":\"1\"},\"limits\":{\"cpu\":\"2\"}}}]}}");
    assert_string_equal(request(p, "cpu"), "3050m");
    assert_string_equal(limit(p, "cpu"), "2050m");
}

TEST(test_pod_amounts__counts_what_a_resized_pod_still_has) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct core_pod *p = read(&a, KIND_CORE_POD,
                                    "{\"spec\":{\"containers\":[{\"name\":\"a\",\"resources\":{\"requests\":{"
                                    "\"cpu\":\"1\"}}}]},\"status\":{"
                                    "\"containerStatuses\":[{\"name\":\"a\",\"allocatedResources\":{\"cpu\":"
                                    "\"2\"},\"resources\":{\"requests\":{\"cpu\":"
                                    "\"1500m\"}}}]}}");
    assert_string_equal(request(p, "cpu"), "2");
}

TEST(test_quota_usage__knows_whose_a_resource_is) {
    assert_true(quota_resource_kind(S("count/deployments.apps")) == &kinds[KIND_APPS_DEPLOYMENT]);
    assert_true(quota_resource_kind(S("count/pods")) == &kinds[KIND_CORE_POD]);
    assert_true(quota_resource_kind(S("requests.nvidia.com/gpu")) == &kinds[KIND_CORE_POD]);
    assert_true(quota_resource_kind(S("hugepages-2Mi")) == &kinds[KIND_CORE_POD]);
    assert_true(quota_resource_kind(S("requests.storage")) == &kinds[KIND_CORE_PERSISTENT_VOLUME_CLAIM]);
    assert_true(quota_resource_kind(S("gold.storageclass.storage.k8s.io/persistentvolumeclaims")) ==
                &kinds[KIND_CORE_PERSISTENT_VOLUME_CLAIM]);
    assert_true(quota_resource_kind(S("services.loadbalancers")) == &kinds[KIND_CORE_SERVICE]);
    assert_true(quota_resource_kind(S("secrets")) == &kinds[KIND_CORE_SECRET]);
    assert_null(quota_resource_kind(S("count/things.example.com")));
    assert_null(quota_resource_kind(S("nonsense")));
}

TEST(test_quota_usage__ended_pods_only_count) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const char *json =
        "{\"spec\":{\"containers\":[{\"name\":\"a\",\"resources\":{\"requests\":{\"cpu\":\"1\"}}}]},"
        "\"status\":{\"phase\":\"Failed\"}}";
    const struct core_pod *p = read(&a, KIND_CORE_POD, json);
    assert_string_equal(usage(KIND_CORE_POD, p, "pods"), "0");
    assert_string_equal(usage(KIND_CORE_POD, p, "requests.cpu"), "0");
    assert_string_equal(usage(KIND_CORE_POD, p, "count/pods"), "1");
}

TEST(test_quota_usage__node_ports_of_load_balancers) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct core_service *s =
        read(&a, KIND_CORE_SERVICE,
             "{\"spec\":{\"type\":\"LoadBalancer\",\"allocateLoadBalancerNodePorts\":false,\"ports\":[{"
             "\"port\":1,\"nodePort\":30000},{"
             "\"port\":2}]}}");
    assert_string_equal(usage(KIND_CORE_SERVICE, s, "services.nodeports"), "1");
    assert_string_equal(usage(KIND_CORE_SERVICE, s, "services.loadbalancers"), "1");
    assert_string_equal(usage(KIND_CORE_SERVICE, s, "services"), "1");
}

static bool matches(struct arena *a, const char *quota_spec, const char *pod) {
    struct str json = arena_printf(a, "{\"spec\":%s}", quota_spec);
    const struct core_resource_quota *q = read(a, KIND_CORE_RESOURCE_QUOTA, json.p);
    return quota_scopes_match(&q->spec, &kinds[KIND_CORE_POD], read(a, KIND_CORE_POD, pod));
}

TEST(test_quota_usage__scopes) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const char *plain = "{\"spec\":{\"containers\":[{\"name\":\"a\"}]}}";
    const char *high = "{\"spec\":{\"priorityClassName\":\"high\",\"activeDeadlineSeconds\":5,\"containers\":"
                       "[{\"name\":\"a\","
                       "\"resources\":{\"requests\":{\"cpu\":\"1\"}}}]}}";
    assert_true(matches(&a, "{\"scopes\":[\"NotTerminating\",\"BestEffort\"]}", plain));
    assert_false(matches(&a, "{\"scopes\":[\"NotTerminating\",\"BestEffort\"]}", high));
    assert_true(matches(&a, "{\"scopes\":[\"Terminating\",\"NotBestEffort\"]}", high));
    const char *in =
        "{\"scopeSelector\":{\"matchExpressions\":[{\"scopeName\":\"PriorityClass\",\"operator\":\"In\","
        "\"values\":[\"low\",\"high\"]}]}}";
    const char *not_in =
        "{\"scopeSelector\":{\"matchExpressions\":[{\"scopeName\":\"PriorityClass\",\"operator\":\"NotIn\","
        "\"values\":[\"high\"]}]}}";
    assert_true(matches(&a, in, high));
    assert_false(matches(&a, in, plain));
    assert_false(matches(&a, not_in, high));
    assert_true(matches(&a, not_in, plain));
    assert_false(matches(&a, "{\"scopes\":[\"CrossNamespacePodAffinity\"]}", plain));
    const struct core_resource_quota *q =
        read(&a, KIND_CORE_RESOURCE_QUOTA, "{\"spec\":{\"scopes\":[\"Terminating\"]}}");
    assert_false(quota_scopes_match(&q->spec, &kinds[KIND_CORE_SERVICE], read(&a, KIND_CORE_SERVICE, "{}")));
}

TEST(test_quota_usage__names_what_containers_leave_out) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct core_resource_quota *q = read(&a, KIND_CORE_RESOURCE_QUOTA,
                                               "{\"spec\":{\"hard\":{\"cpu\":\"1\",\"limits.memory\":\"1Gi\","
                                               "\"pods\":\"1\",\"requests.ephemeral-storage\":\"1Gi\"}}}");
    const struct core_pod *p = read(&a, KIND_CORE_POD,
                                    "{\"spec\":{\"containers\":[{\"name\":\"a\",\"resources\":{\"requests\":{"
                                    "\"cpu\":\"1\"}}},{\"name\":\"b\"}]}}");
    assert_str(quota_pod_omissions(&a, q->spec.hard, p), "cpu for: b; limits.memory for: a,b");
}
