/* JSON text into structs: what each leaf and shape takes, what null does, strict reports. */
#include <stdio.h>

#include "api/json.h"
#include "api/types/apiextensions.h"
#include "api/types/apps.h"
#include "api/types/autoscaling.h"
#include "api/types/coordination.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/types/policy.h"
#include "base/arena.h"
#include "base/buf.h"
#include "unit/unit.h"

static void *read(struct arena *a, uint32_t type, const char *text) {
    struct err err = ERR_INIT;
    void *object;
    assert_ok(api_read_json(a, &builtin, type, str_from(text), NULL, &object, &err), &err);
    return object;
}

/* --- leaves --- */

TEST(test_json_read__strings_are_copied_unless_borrowed) {
    static const char text[] = "{\"metadata\":{\"name\":\"plain\",\"namespace\":\"es\\u0063aped\"}}";
    for (int borrow = 0; borrow < 2; borrow++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct json_read_options options = {.borrow = borrow};
        struct err err = ERR_INIT;
        void *object;
        assert_ok(api_read_json(&a, &builtin, TY_CORE_POD, str_from(text), &options, &object, &err), &err);
        const struct core_pod *pod = object;
        assert_str(pod->metadata.name, "plain");
        assert_str(pod->metadata.namespace, "escaped");
        bool inside = pod->metadata.name.p > text && pod->metadata.name.p < text + sizeof text;
        assert_int_equal(inside, borrow);
    }
}

TEST(test_json_read__optional_scalars_know_zero_from_absent) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct apps_deployment *d = read(&a, TY_APPS_DEPLOYMENT, "{\"spec\":{\"replicas\":0,\"paused\":true}}");
    assert_true(d->spec.replicas.set);
    assert_int_equal(d->spec.replicas.v, 0);
    assert_true(d->spec.paused);
    assert_false(d->spec.revision_history_limit.set);
    struct core_service *s =
        read(&a, TY_CORE_SERVICE,
             "{\"spec\":{\"internalTrafficPolicy\":\"\",\"allocateLoadBalancerNodePorts\":false}}");
    assert_str(s->spec.internal_traffic_policy, "");
    assert_true(s->spec.allocate_load_balancer_node_ports.set);
    assert_false(s->spec.allocate_load_balancer_node_ports.v);
    assert_null(s->spec.ip_family_policy.p);
}

TEST(test_json_read__integers_are_exact) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod = read(&a, TY_CORE_POD,
                                "{\"metadata\":{\"generation\":9223372036854775807,"
                                "\"deletionGracePeriodSeconds\":-9223372036854775808},"
                                "\"spec\":{\"priority\":-2147483648}}");
    assert_true(pod->metadata.generation == INT64_MAX);
    assert_true(pod->metadata.deletion_grace_period_seconds.v == INT64_MIN);
    assert_int_equal(pod->spec.priority.v, INT32_MIN);
}

TEST(test_json_read__quantities_are_strings_or_numbers) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod =
        read(&a, TY_CORE_POD,
             "{\"spec\":{\"overhead\":{\"cpu\":\"250m\",\"memory\":1073741824,\"x\":1.5,\"y\":\" 2Gi \"}}}");
    struct quantity_map m = pod->spec.overhead;
    assert_int_equal(m.n, 4);
    assert_int_equal(m.v[0].value.nanos, 250000000);
    assert_int_equal(m.v[1].value.units, 1073741824);
    assert_int_equal(m.v[2].value.units, 1);
    assert_int_equal(m.v[2].value.nanos, 500000000);
    assert_int_equal(m.v[3].value.units, 2ll << 30);
}

TEST(test_json_read__times) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod =
        read(&a, TY_CORE_POD,
             "{\"metadata\":{\"creationTimestamp\":\"2026-02-03T04:05:06Z\","
             "\"deletionTimestamp\":\"2026-02-03T06:05:06+02:00\"},\"status\":{\"startTime\":null}}");
    assert_true(pod->metadata.creation_timestamp.set);
    assert_true(pod->metadata.creation_timestamp.sec == 1770091506);
    assert_true(pod->metadata.deletion_timestamp.sec == 1770091506);
    assert_false(pod->status.start_time.set);
    struct coordination_lease *lease =
        read(&a, TY_COORDINATION_LEASE, "{\"spec\":{\"renewTime\":\"2026-02-03T04:05:06.123456Z\"}}");
    assert_true(lease->spec.renew_time.sec == 1770091506);
    assert_int_equal(lease->spec.renew_time.nsec, 123456000);
}

TEST(test_json_read__the_zero_time_is_no_time) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod =
        read(&a, TY_CORE_POD, "{\"metadata\":{\"creationTimestamp\":\"0001-01-01T00:00:00Z\"}}");
    assert_false(pod->metadata.creation_timestamp.set);
}

TEST(test_json_read__int_or_string_is_either) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct policy_pod_disruption_budget *b = read(
        &a, TY_POLICY_POD_DISRUPTION_BUDGET, "{\"spec\":{\"minAvailable\":3,\"maxUnavailable\":\"25%\"}}");
    assert_true(b->spec.min_available.set);
    assert_false(b->spec.min_available.is_str);
    assert_int_equal(b->spec.min_available.i, 3);
    assert_true(b->spec.max_unavailable.is_str);
    assert_str(b->spec.max_unavailable.s, "25%");
}

TEST(test_json_read__bytes_are_base64) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_secret *s = read(&a, TY_CORE_SECRET, "{\"data\":{\"a\":\"aGVsbG8=\",\"b\":\"\",\"c\":null}}");
    assert_int_equal(s->data.n, 3);
    assert_str(s->data.v[0].value, "hello");
    assert_str(s->data.v[1].value, "");
    assert_null(s->data.v[2].value.p);
}

TEST(test_json_read__raw_values_are_kept_as_compact_text) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod =
        read(&a, TY_CORE_POD,
             "{\"metadata\":{\"managedFields\":[{\"fieldsV1\": { \"f:b\" : {} , \"f:a\": {\"x y\" : 1.0} } },"
             "{\"fieldsV1\":{\"f:c\":{}}},{\"fieldsV1\":null}]}}");
    assert_str(pod->metadata.managed_fields.v[0].fields_v1, "{\"f:b\":{},\"f:a\":{\"x y\":1.0}}");
    assert_str(pod->metadata.managed_fields.v[1].fields_v1, "{\"f:c\":{}}");
    assert_null(pod->metadata.managed_fields.v[2].fields_v1.p);
}

/* --- lists and maps --- */

TEST(test_json_read__absent_null_and_empty_lists_differ) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod = read(&a, TY_CORE_POD,
                                "{\"spec\":{\"containers\":[],\"initContainers\":null},"
                                "\"metadata\":{\"labels\":{},\"annotations\":null}}");
    assert_non_null(pod->spec.containers.v);
    assert_int_equal(pod->spec.containers.n, 0);
    assert_null(pod->spec.init_containers.v);
    assert_null(pod->spec.volumes.v);
    assert_non_null(pod->metadata.labels.v);
    assert_int_equal(pod->metadata.labels.n, 0);
    assert_null(pod->metadata.annotations.v);
}

TEST(test_json_read__null_items_are_zero) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod = read(&a, TY_CORE_POD,
                                "{\"spec\":{\"containers\":[null,{\"args\":[null,\"x\"]}]},"
                                "\"metadata\":{\"labels\":{\"a\":null}}}");
    assert_int_equal(pod->spec.containers.n, 2);
    assert_int_equal(pod->spec.containers.v[0].name.n, 0);
    assert_int_equal(pod->spec.containers.v[1].args.n, 2);
    assert_int_equal(pod->spec.containers.v[1].args.v[0].n, 0);
    assert_int_equal(pod->metadata.labels.n, 1);
    assert_int_equal(pod->metadata.labels.v[0].value.n, 0);
}

TEST(test_json_read__long_lists_within_lists_stay_in_order) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    void *object;
    buf_lit(&b, "{\"spec\":{\"containers\":[");
    for (int i = 0; i < 100; i++) {
        buf_printf(&b, "%s{\"name\":\"c%d\",\"args\":[", i ? "," : "", i);
        for (int k = 0; k < i * 3; k++)
            buf_printf(&b, "%s\"a%d-%d\"", k ? "," : "", i, k);
        buf_lit(&b, "]}");
    }
    buf_lit(&b, "]}}");
    assert_ok(api_read_json(&a, &builtin, TY_CORE_POD, buf_view(&b), NULL, &object, &err), &err);
    const struct core_pod *pod = object;
    assert_int_equal(pod->spec.containers.n, 100);
    for (uint32_t i = 0; i < 100; i++) {
        const struct core_container *c = &pod->spec.containers.v[i];
        char want[32];
        snprintf(want, sizeof want, "c%u", i);
        assert_str(c->name, want);
        assert_int_equal(c->args.n, i * 3);
        for (uint32_t k = 0; k < c->args.n; k++) {
            snprintf(want, sizeof want, "a%u-%u", i, k);
            assert_str(c->args.v[k], want);
        }
    }
}

TEST(test_json_read__maps_are_sorted_and_the_last_of_equal_keys_wins) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod = read(&a, TY_CORE_POD,
                                "{\"metadata\":{\"labels\":{\"b\":\"1\",\"a\":\"2\",\"c\":\"3\",\"a\":\"4\","
                                "\"\":\"5\",\"b\":\"6\"}}}");
    struct str_map m = pod->metadata.labels;
    assert_int_equal(m.n, 4);
    assert_str(m.v[0].key, "");
    assert_str(m.v[1].key, "a");
    assert_str(m.v[1].value, "4");
    assert_str(m.v[2].value, "6");
    assert_str(m.v[3].value, "3");
}

/* --- messages --- */

TEST(test_json_read__fields_come_in_any_order) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod =
        read(&a, TY_CORE_POD,
             " { \"spec\" : { \"nodeName\":\"n\", \"containers\":[{\"image\":\"i\",\"name\":\"c\"}] } ,"
             "\"apiVersion\":\"v1\" , \"metadata\":{\"uid\":\"u\",\"name\":\"p\"},\"kind\":\"Pod\"} ");
    assert_str(pod->type_meta.kind, "Pod");
    assert_str(pod->type_meta.api_version, "v1");
    assert_str(pod->metadata.name, "p");
    assert_str(pod->metadata.uid, "u");
    assert_str(pod->spec.node_name, "n");
    assert_str(pod->spec.containers.v[0].image, "i");
    assert_str(pod->spec.containers.v[0].name, "c");
}

TEST(test_json_read__names_match_exactly) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod =
        read(&a, TY_CORE_POD,
             "{\"Spec\":{\"nodeName\":\"n\"},\"spec\":{\"nodename\":\"m\",\"nodeName \":\"o\"},"
             "\"\":1,\"spe\":2,\"specs\":3}");
    assert_int_equal(pod->spec.node_name.n, 0);
}

TEST(test_json_read__names_may_be_escaped) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod = read(&a, TY_CORE_POD, "{\"\\u0073pec\":{\"node\\u004eame\":\"n\"}}");
    assert_str(pod->spec.node_name, "n");
}

TEST(test_json_read__of_repeated_fields_the_last_wins) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod =
        read(&a, TY_CORE_POD,
             "{\"spec\":{\"nodeName\":\"a\",\"priority\":1,\"hostname\":\"h\"},"
             "\"spec\":{\"nodeName\":\"b\",\"nodeName\":\"c\",\"priority\":2,\"priority\":null}}");
    assert_str(pod->spec.node_name, "c");
    assert_false(pod->spec.priority.set);
    assert_null(pod->spec.hostname.p);
}

TEST(test_json_read__null_is_an_empty_object) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod = read(&a, TY_CORE_POD, " null ");
    assert_null(pod->metadata.name.p);
    pod = read(&a, TY_CORE_POD, "{\"metadata\":null,\"spec\":{\"securityContext\":null,\"nodeName\":null}}");
    assert_null(pod->spec.security_context);
}

TEST(test_json_read__schemas_stand_for_one_of_their_fields) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct apiextensions_json_schema_props *s = read(
        &a, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS,
        "{\"additionalProperties\":false,\"additionalItems\":{\"type\":\"string\"},\"items\":[{\"type\":"
        "\"a\"},{\"type\":\"b\"}],"
        "\"dependencies\":{\"x\":[\"p\",\"q\"],\"y\":{\"type\":\"z\"}},\"not\":{\"items\":{\"type\":\"c\"}},"
        "\"enum\":[1,\"two\",null,{\"three\":3}],\"default\":{ \"a\": 1 },\"maximum\":1.5e3}");
    assert_false(s->additional_properties->allows);
    assert_null(s->additional_properties->schema);
    assert_true(s->additional_items->allows);
    assert_str(s->additional_items->schema->type, "string");
    assert_int_equal(s->items->j_son_schemas.n, 2);
    assert_str(s->items->j_son_schemas.v[1].type, "b");
    assert_null(s->items->schema);
    assert_str(s->not ->items->schema->type, "c");
    assert_int_equal(s->dependencies.n, 2);
    assert_str(s->dependencies.v[0].value.property.v[1], "q");
    assert_str(s->dependencies.v[1].value.schema->type, "z");
    assert_int_equal(s->enum_.n, 4);
    assert_str(s->enum_.v[1], "\"two\"");
    assert_null(s->enum_.v[2].p);
    assert_str(s->enum_.v[3], "{\"three\":3}");
    assert_str(s->default_, "{\"a\":1}");
    assert_true(s->maximum.v == 1500);
}

/* --- strict --- */

static struct strict_errors strict_of(struct arena *a, uint32_t type, const char *text) {
    struct strict_errors strict = {.arena = a};
    struct json_read_options options = {.strict = &strict};
    struct err err = ERR_INIT;
    void *object;
    assert_ok(api_read_json(a, &builtin, type, str_from(text), &options, &object, &err), &err);
    return strict;
}

TEST(test_json_read__unknown_fields_are_reported_with_path) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct strict_errors s = strict_of(
        &a, TY_CORE_POD,
        "{\"foo\":{\"bar\":[1,2]},\"spec\":{\"foo\":1,\"containers\":[{},{\"ports\":[{\"foo\":null}]}],"
        "\"securityContext\":{\"b\\\"ar\":true},\"foo\":2},\"metadata\":{\"Name\":\"x\"}}");
    assert_int_equal(s.n, 5);
    assert_str(s.v[0], "unknown field \"foo\"");
    assert_str(s.v[1], "unknown field \"spec.foo\"");
    assert_str(s.v[2], "unknown field \"spec.containers[1].ports[0].foo\"");
    assert_str(s.v[3], "unknown field \"spec.securityContext.b\\\"ar\"");
    assert_str(s.v[4], "unknown field \"metadata.Name\"");
}

TEST(test_json_read__repeated_fields_and_keys_are_reported_with_path) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct strict_errors s = strict_of(
        &a, TY_CORE_POD,
        "{\"spec\":{\"nodeName\":\"a\",\"nodeName\":\"b\",\"nodeName\":\"c\","
        "\"containers\":[{\"name\":\"x\",\"name\":\"y\",\"resources\":{\"limits\":{\"cpu\":1,\"cpu\":2}}}]},"
        "\"metadata\":{\"labels\":{\"b\":\"\",\"a\":\"\",\"b\":\"\"}},\"spec\":{}}");
    assert_int_equal(s.n, 5);
    assert_str(s.v[0], "duplicate field \"spec.nodeName\"");
    assert_str(s.v[1], "duplicate field \"spec.containers[0].name\"");
    assert_str(s.v[2], "duplicate field \"spec.containers[0].resources.limits.cpu\"");
    assert_str(s.v[3], "duplicate field \"metadata.labels.b\"");
    assert_str(s.v[4], "duplicate field \"spec\"");
}

TEST(test_json_read__unknown_fields_below_maps_have_the_key_in_their_path) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct strict_errors s =
        strict_of(&a, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS,
                  "{\"properties\":{\"spec\":{\"properties\":{\"a.b\":{\"foo\":1,\"items\":{\"bar\":2}}}}}}");
    assert_int_equal(s.n, 2);
    assert_str(s.v[0], "unknown field \"properties.spec.properties.a.b.foo\"");
    assert_str(s.v[1], "unknown field \"properties.spec.properties.a.b.items.bar\"");
}

TEST(test_json_read__raw_values_are_not_strict) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct strict_errors s =
        strict_of(&a, TY_CORE_POD, "{\"metadata\":{\"managedFields\":[{\"fieldsV1\":{\"a\":1,\"a\":2}}]}}");
    assert_int_equal(s.n, 0);
}

/* --- looking at the head only --- */

static void peeks(const char *text, const char *api_version, const char *kind) {
    struct err err = ERR_INIT;
    struct str v, k;
    assert_ok(api_peek_json(str_from(text), &v, &k, &err), &err);
    assert_str(v, api_version);
    assert_str(k, kind);
}

TEST(test_json_read__peeking_finds_version_and_kind) {
    peeks("{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"spec\":{}}", "v1", "Pod");
    peeks(
        " { \"spec\" : {\"kind\":\"x\",\"a\":[{}]} , \"apiVersion\" : \"apps/v1\" , \"kind\" : \"Scale\" } ",
        "apps/v1", "Scale");
    peeks("{\"kind\":\"\"}", NULL, "");
    peeks("{\"apiVersion\":3,\"kind\":null,\"Kind\":\"x\"}", NULL, NULL);
    peeks("{}", NULL, NULL);
}

TEST(test_json_read__peeking_refuses_what_is_no_object) {
    static const char *const bad[] = {
        "", "[]", "null", "{", "{\"kind\"", "{\"kind\":}", "{\"kind\":\"a\" \"b\"}", "{\"a\":[}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = ERR_INIT;
        struct str v = STR_NONE, k = STR_NONE;
        assert_fails(api_peek_json(str_from(bad[i]), &v, &k, &err), ERR_INVALID);
    }
}
