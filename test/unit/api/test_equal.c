/* api/equal */
#include "api/equal.h"

#include "api/types/apiextensions.h"
#include "api/types/apps.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "unit/unit.h"

static bool same(uint32_t type, const void *a, const void *b) {
    bool equal = api_equal(&builtin, type, a, b);
    assert_true(equal == api_equal(&builtin, type, b, a));
    if (equal)
        assert_true(api_hash(&builtin, type, a) == api_hash(&builtin, type, b));
    else
        assert_true(api_hash(&builtin, type, a) != api_hash(&builtin, type, b));
    return equal;
}

TEST(test_equal__of_empty_objects) {
    struct core_pod a = {0}, b = {0};
    assert_true(same(TY_CORE_POD, &a, &b));
    assert_true(same(TY_CORE_POD, &a, &a));
}

TEST(test_equal__sees_a_leaf_deep_down) {
    struct core_container ca[] = {{.name = STR_INIT("x"), .image = STR_INIT("i:1")}};
    struct core_container cb[] = {{.name = STR_INIT("x"), .image = STR_INIT("i:1")}};
    struct apps_deployment a = {.spec.template.spec.containers = {ca, 1}};
    struct apps_deployment b = {.spec.template.spec.containers = {cb, 1}};
    assert_true(same(TY_APPS_DEPLOYMENT, &a, &b));
    cb[0].image = S("i:2");
    assert_false(same(TY_APPS_DEPLOYMENT, &a, &b));
}

TEST(test_equal__absent_and_empty_lists_are_equal) {
    struct core_container none[1];
    struct str_entry no_labels[1];
    struct core_pod a = {0};
    struct core_pod b = {.metadata.labels = {no_labels, 0}, .spec.containers = {none, 0}};
    assert_true(same(TY_CORE_POD, &a, &b));
}

TEST(test_equal__absent_and_empty_strings) {
    struct core_pod a = {.spec.node_name = STR_NONE}, b = {.spec.node_name = STR_INIT("")};
    assert_true(same(TY_CORE_POD, &a, &b));
    struct core_persistent_volume_claim_spec c = {.storage_class_name = STR_NONE},
                                             d = {.storage_class_name = STR_INIT("")};
    assert_false(same(TY_CORE_PERSISTENT_VOLUME_CLAIM_SPEC, &c, &d));
}

TEST(test_equal__absent_and_zero_numbers_differ_when_optional) {
    struct apps_deployment_spec a = {0}, b = {.replicas = {0, true}};
    assert_false(same(TY_APPS_DEPLOYMENT_SPEC, &a, &b));
    struct apps_deployment_spec c = {.replicas = {5, false}};
    assert_true(same(TY_APPS_DEPLOYMENT_SPEC, &a, &c));
}

TEST(test_equal__absent_and_empty_messages_differ) {
    struct core_pod_security_context empty = {0};
    struct core_pod_spec a = {0}, b = {.security_context = &empty};
    assert_false(same(TY_CORE_POD_SPEC, &a, &b));
}

TEST(test_equal__quantities_by_value) {
    struct quantity_entry la[] = {{STR_INIT("memory"), {1024, 0, QUANTITY_BINARY_SI, true}}};
    struct quantity_entry lb[] = {{STR_INIT("memory"), {1024, 0, QUANTITY_DECIMAL_SI, true}}};
    struct core_resource_requirements a = {.limits = {la, 1}}, b = {.limits = {lb, 1}};
    assert_true(same(TY_CORE_RESOURCE_REQUIREMENTS, &a, &b));
    lb[0].value.nanos = 1;
    assert_false(same(TY_CORE_RESOURCE_REQUIREMENTS, &a, &b));
    lb[0] = (struct quantity_entry){S("cpu"), la[0].value};
    assert_false(same(TY_CORE_RESOURCE_REQUIREMENTS, &a, &b));
}

TEST(test_equal__times_by_instant) {
    struct core_pod a = {.metadata.creation_timestamp = {100, 0, true}}, b = a;
    assert_true(same(TY_CORE_POD, &a, &b));
    b.metadata.creation_timestamp.sec++;
    assert_false(same(TY_CORE_POD, &a, &b));
    b.metadata.creation_timestamp = (struct timestamp){0};
    assert_false(same(TY_CORE_POD, &a, &b));
}

TEST(test_equal__order_of_lists_counts) {
    struct str x[] = {STR_INIT("a"), STR_INIT("b")}, y[] = {STR_INIT("b"), STR_INIT("a")};
    struct core_pod a = {.metadata.finalizers = {x, 2}}, b = {.metadata.finalizers = {y, 2}};
    assert_false(same(TY_CORE_POD, &a, &b));
    b.metadata.finalizers = (struct str_array){x, 1};
    assert_false(same(TY_CORE_POD, &a, &b));
}

TEST(test_equal__inlined_structs) {
    struct core_host_path_volume_source hp = {.path = STR_INIT("/x")}, hp2 = {.path = STR_INIT("/y")};
    struct core_volume a = {.name = STR_INIT("v"), .volume_source.host_path = &hp}, b = a;
    assert_true(same(TY_CORE_VOLUME, &a, &b));
    b.volume_source.host_path = &hp2;
    assert_false(same(TY_CORE_VOLUME, &a, &b));
}

TEST(test_equal__int_or_string) {
    struct core_service_port a = {.target_port = {.i = 80, .set = true}},
                             b = {.target_port = {.s = STR_INIT("80"), .is_str = true, .set = true}};
    assert_false(same(TY_CORE_SERVICE_PORT, &a, &b));
    b = a;
    assert_true(same(TY_CORE_SERVICE_PORT, &a, &b));
}

TEST(test_equal__recursive_types) {
    struct apiextensions_json_schema_props_entry pa[] = {{STR_INIT("x"), {.type = STR_INIT("string")}}};
    struct apiextensions_json_schema_props_entry pb[] = {{STR_INIT("x"), {.type = STR_INIT("integer")}}};
    struct apiextensions_json_schema_props a = {.properties = {pa, 1}}, b = {.properties = {pb, 1}};
    assert_false(same(TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, &a, &b));
    pb[0].value.type = S("string");
    assert_true(same(TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, &a, &b));
}

TEST(test_equal__of_one_field) {
    struct core_container c[] = {{.name = STR_INIT("x")}};
    struct core_pod_spec a = {.node_name = STR_INIT("n"), .containers = {c, 1}},
                         b = {.node_name = STR_INIT("n")};
    assert_true(api_equal_field(&builtin, TY_CORE_POD_SPEC, &a, &b, S("nodeName")));
    assert_false(api_equal_field(&builtin, TY_CORE_POD_SPEC, &a, &b, S("containers")));
}

TEST(test_equal__of_all_fields_but_some) {
    struct core_container c[] = {{.name = STR_INIT("x")}};
    struct core_pod_spec a = {.node_name = STR_INIT("n"), .containers = {c, 1}},
                         b = {.node_name = STR_INIT("m")};
    static const struct str both[] = {STR_INIT("nodeName"), STR_INIT("containers")};
    assert_true(api_equal_but(&builtin, TY_CORE_POD_SPEC, &a, &b, both, 2));
    assert_false(api_equal_but(&builtin, TY_CORE_POD_SPEC, &a, &b, both, 1));
    assert_false(api_equal_but(&builtin, TY_CORE_POD_SPEC, &a, &b, NULL, 0));
}

TEST(test_equal__but_knows_fields_of_embedded_structs) {
    struct core_secret_env_source a = {.local_object_reference.name = STR_INIT("a")};
    struct core_secret_env_source b = {.local_object_reference.name = STR_INIT("b")};
    static const struct str name[] = {STR_INIT("name")};
    assert_false(api_equal_but(&builtin, TY_CORE_SECRET_ENV_SOURCE, &a, &b, NULL, 0));
    assert_true(api_equal_but(&builtin, TY_CORE_SECRET_ENV_SOURCE, &a, &b, name, 1));
}
