/* api/ref */
#include "api/ref.h"

#include "api/types/apiextensions.h"
#include "api/types/apps.h"
#include "api/types/authentication.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "unit/unit.h"

static struct ref packed(uint32_t type, const void *object) {
    return ref_packed(&builtin, type, object);
}

static void assert_json(struct ref r, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct jval v = ref_tree(r, &a);
    json_write(&out, &v);
    assert_str(buf_view(&out), expected);
}

static struct jval parse(struct arena *a, const char *text) {
    struct jval v;
    struct err err = ERR_INIT;
    assert_ok(json_parse(a, str_from(text), NULL, NULL, &v, &err), &err);
    return v;
}

TEST(test_ref__absent_differs_from_null) {
    struct core_pod pod = {0};
    struct ref r = packed(TY_CORE_POD, &pod);
    assert_int_equal(ref_kind(r), REF_MAP);
    assert_int_equal(ref_kind(ref_path(r, S("metadata.name"))), REF_ABSENT);
    assert_int_equal(ref_kind(ref_path(r, S("spec.containers"))), REF_NULL);
    assert_int_equal(ref_kind(ref_path(r, S("spec.initContainers"))), REF_ABSENT);
    assert_int_equal(ref_kind(ref_path(r, S("spec.nothing.of.that"))), REF_ABSENT);
    assert_int_equal(ref_kind(packed(TY_CORE_POD, NULL)), REF_ABSENT);
}

TEST(test_ref__omitempty_follows_go) {
    struct core_pod pod = {0};
    assert_json(packed(TY_CORE_POD, &pod), "{\"metadata\":{},\"spec\":{\"containers\":null},\"status\":{}}");
    struct core_container c = {0};
    assert_json(packed(TY_CORE_CONTAINER, &c), "{\"name\":\"\",\"resources\":{}}");
    struct core_service_port port = {0};
    assert_json(packed(TY_CORE_SERVICE_PORT, &port), "{\"port\":0,\"targetPort\":0}");
    struct core_resource_field_selector sel = {.resource = STR_INIT("limits.cpu")};
    assert_json(packed(TY_CORE_RESOURCE_FIELD_SELECTOR, &sel),
                "{\"divisor\":\"0\",\"resource\":\"limits.cpu\"}");
}

TEST(test_ref__optional_zero_is_present) {
    struct apps_deployment_spec spec = {.replicas = {0, true}};
    struct ref r = packed(TY_APPS_DEPLOYMENT_SPEC, &spec);
    assert_int_equal(ref_kind(ref_get(r, S("replicas"))), REF_INT);
    assert_int_equal(ref_int(ref_get(r, S("replicas"))), 0);
    assert_int_equal(ref_kind(ref_get(r, S("selector"))), REF_NULL);
    assert_int_equal(ref_kind(ref_get(r, S("paused"))), REF_ABSENT);
    spec.paused = true;
    assert_true(ref_bool(ref_get(r, S("paused"))));
}

TEST(test_ref__reads_leaves) {
    struct str_entry labels[] = {{STR_INIT("a"), STR_INIT("1")}, {STR_INIT("b"), STR_INIT("2")}};
    struct core_pod pod = {.metadata = {.name = STR_INIT("web"),
                                        .generation = 7,
                                        .labels = {labels, 2},
                                        .creation_timestamp = {.sec = 1000000000, .set = true}},
                           .spec = {.priority = {-5, true}}};
    _cleanup_arena struct arena a = ARENA_INIT;
    struct ref r = packed(TY_CORE_POD, &pod);
    assert_str(ref_str(ref_path(r, S("metadata.name")), &a), "web");
    assert_int_equal(ref_int(ref_path(r, S("metadata.generation"))), 7);
    assert_int_equal(ref_int(ref_path(r, S("spec.priority"))), -5);
    assert_str(ref_str(ref_path(r, S("metadata.labels.b")), &a), "2");
    assert_int_equal(ref_kind(ref_path(r, S("metadata.labels.c"))), REF_ABSENT);
    assert_str(ref_str(ref_path(r, S("metadata.creationTimestamp")), &a), "2001-09-09T01:46:40Z");
    assert_str(ref_str(ref_path(r, S("metadata.generation")), &a), NULL);
    assert_int_equal(ref_int(ref_path(r, S("metadata.name"))), 0);
}

TEST(test_ref__formats_leaves_as_json_does) {
    struct quantity_entry limits[] = {{STR_INIT("cpu"), {.nanos = 500000000, .set = true}},
                                      {STR_INIT("memory"), {1 << 30, 0, QUANTITY_BINARY_SI, true}}};
    struct core_container c = {.name = STR_INIT("x"), .resources = {.limits = {limits, 2}}};
    assert_json(ref_get(packed(TY_CORE_CONTAINER, &c), S("resources")),
                "{\"limits\":{\"cpu\":\"500m\",\"memory\":\"1Gi\"}}");
    struct str_entry data[] = {{STR_INIT("k"), STR_INIT("hello")}};
    struct core_secret s = {.data = {data, 1}};
    assert_json(packed(TY_CORE_SECRET, &s), "{\"data\":{\"k\":\"aGVsbG8=\"},\"metadata\":{}}");
    struct core_service_port port = {.port = 80,
                                     .target_port = {.s = STR_INIT("http"), .is_str = true, .set = true}};
    assert_json(packed(TY_CORE_SERVICE_PORT, &port), "{\"port\":80,\"targetPort\":\"http\"}");
}

TEST(test_ref__walks_lists) {
    struct core_container cs[] = {{.name = STR_INIT("a")}, {.name = STR_INIT("b")}};
    struct core_pod pod = {.spec = {.containers = {cs, 2}}};
    struct ref list = ref_path(packed(TY_CORE_POD, &pod), S("spec.containers"));
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_int_equal(ref_kind(list), REF_LIST);
    assert_int_equal(ref_len(list), 2);
    assert_str(ref_str(ref_get(ref_at(list, 1), S("name")), &a), "b");
    assert_int_equal(ref_kind(ref_at(list, 2)), REF_ABSENT);
    assert_int_equal(ref_len(ref_at(list, 0)), 0);
}

TEST(test_ref__iterates_in_name_order) {
    struct core_container c = {.name = STR_INIT("x"), .image = STR_INIT("i"), .tty = true};
    const char *names[] = {"image", "name", "resources", "tty"};
    size_t n = 0;
    for (struct ref_iter it = ref_iter(packed(TY_CORE_CONTAINER, &c)); ref_next(&it);)
        assert_str(it.name, names[n++]);
    assert_int_equal(n, 4);
    struct ref_iter none = ref_iter(ref_get(packed(TY_CORE_CONTAINER, &c), S("name")));
    assert_false(ref_next(&none));
}

TEST(test_ref__iterates_trees_with_positions) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval v = parse(&a, "{\"spec\":{\"replicas\":3,\"bogus\":1},\"kind\":\"Deployment\"}");
    struct ref r = ref_tree_at(pos_type(&builtin, TY_APPS_DEPLOYMENT), &v);
    struct ref spec = ref_get(r, S("spec"));
    assert_int_equal(spec.pos.type, TY_APPS_DEPLOYMENT_SPEC);
    struct ref_iter it = ref_iter(spec);
    assert_true(ref_next(&it));
    assert_str(it.name, "bogus");
    assert_null(it.value.pos.set);
    assert_true(ref_next(&it));
    assert_int_equal(it.value.pos.leaf, LEAF_I32);
    assert_false(ref_next(&it));
}

TEST(test_ref__flattens_inlined_structs) {
    struct core_volume v = {.name = STR_INIT("v")};
    struct core_empty_dir_volume_source dir = {.medium = STR_INIT("Memory")};
    v.volume_source.empty_dir = &dir;
    assert_json(packed(TY_CORE_VOLUME, &v), "{\"emptyDir\":{\"medium\":\"Memory\"},\"name\":\"v\"}");
}

TEST(test_ref__alias_looks_like_its_list) {
    struct str groups[] = {STR_INIT("x"), STR_INIT("y")};
    struct authentication_extra_value_entry extra[] = {{STR_INIT("scopes"), {.items = {groups, 2}}}};
    struct authentication_user_info u = {.extra = {extra, 1}};
    struct ref r = packed(TY_AUTHENTICATION_USER_INFO, &u);
    assert_json(r, "{\"extra\":{\"scopes\":[\"x\",\"y\"]}}");
    assert_int_equal(ref_len(ref_path(r, S("extra.scopes"))), 2);
    bool known;
    struct pos p = pos_member(pos_member(pos_type(&builtin, TY_AUTHENTICATION_USER_INFO), S("extra"), &known),
                              S("anything"), &known);
    assert_true(known);
    assert_int_equal(p.shape, SHAPE_LIST);
    assert_true(pos_atomic(p));
}

TEST(test_ref__or_types_look_like_what_is_there) {
    struct apiextensions_json_schema_props str_type = {.type = STR_INIT("string")},
                                           two[2] = {str_type, str_type};
    struct apiextensions_json_schema_props_or_array one = {.schema = &str_type},
                                                    many = {.j_son_schemas = {two, 2}}, none = {0};
    struct apiextensions_json_schema_props_or_bool yes = {.allows = true}, no = {0},
                                                   some = {.schema = &str_type};
    uint32_t or_array = TY_APIEXTENSIONS_JSON_SCHEMA_PROPS_OR_ARRAY;
    uint32_t or_bool = TY_APIEXTENSIONS_JSON_SCHEMA_PROPS_OR_BOOL;
    assert_json(packed(or_array, &one), "{\"type\":\"string\"}");
    assert_json(packed(or_array, &many), "[{\"type\":\"string\"},{\"type\":\"string\"}]");
    assert_json(packed(or_array, &none), "null");
    assert_json(packed(or_bool, &yes), "true");
    assert_json(packed(or_bool, &no), "false");
    assert_json(packed(or_bool, &some), "{\"type\":\"string\"}");
    struct str deps[] = {STR_INIT("b")};
    struct apiextensions_json_schema_props_or_string_array_entry dep[] = {
        {STR_INIT("a"), {.property = {deps, 1}}}};
    struct apiextensions_json_schema_props props = {.items = &one, .dependencies = {dep, 1}};
    assert_json(packed(TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, &props),
                "{\"dependencies\":{\"a\":[\"b\"]},\"items\":{\"type\":\"string\"}}");
}

TEST(test_ref__or_types_in_trees_follow_the_value) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval v = parse(&a, "{\"items\":{\"minimum\":1},\"additionalProperties\":false}");
    struct ref r = ref_tree_at(pos_type(&builtin, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS), &v);
    assert_int_equal(ref_path(r, S("items.minimum")).pos.leaf, LEAF_F64);
    assert_int_equal(ref_kind(ref_get(r, S("additionalProperties"))), REF_BOOL);
}

TEST(test_ref__raw_json_is_read_as_tree) {
    struct apps_controller_revision rev = {.data = STR_INIT("{\"spec\":{\"a\":[1,2]}}"), .revision = 3};
    struct ref r = packed(TY_APPS_CONTROLLER_REVISION, &rev);
    assert_int_equal(ref_kind(ref_get(r, S("data"))), REF_RAW);
    assert_json(r, "{\"data\":{\"spec\":{\"a\":[1,2]}},\"metadata\":{},\"revision\":3}");
    rev.data = STR_NONE;
    assert_int_equal(ref_kind(ref_get(r, S("data"))), REF_NULL);
}

TEST(test_ref__rules_belong_to_lists_not_items) {
    struct pos spec = pos_member(pos_type(&builtin, TY_CORE_POD), S("spec"), NULL);
    struct pos list = pos_member(spec, S("containers"), NULL);
    assert_int_equal(pos_rule(list)->list_type, LIST_MAP);
    assert_str(ty_name(&builtin, pos_rule(list)->keys[0]), "name");
    assert_false(pos_atomic(list));
    assert_int_equal(pos_rule(pos_item(list))->list_type, LIST_ATOMIC);
    assert_int_equal(pos_item(list).type, TY_CORE_CONTAINER);
    assert_false(pos_atomic(pos_item(list)));
}

TEST(test_ref__knows_what_is_atomic) {
    struct pos pod = pos_type(&builtin, TY_CORE_POD), spec = pos_member(pod, S("spec"), NULL);
    struct pos meta = pos_member(pod, S("metadata"), NULL);
    assert_false(pos_atomic(pod));
    assert_false(pos_atomic(pos_member(meta, S("labels"), NULL)));
    assert_false(pos_atomic(pos_member(meta, S("finalizers"), NULL)));
    assert_true(pos_atomic(pos_member(spec, S("nodeSelector"), NULL)));
    assert_true(pos_atomic(pos_member(spec, S("tolerations"), NULL)));
    assert_true(pos_atomic(pos_member(spec, S("hostname"), NULL)));
    assert_false(pos_atomic(pos_member(spec, S("imagePullSecrets"), NULL)));
    assert_true(pos_atomic(pos_item(pos_member(spec, S("imagePullSecrets"), NULL))));
    struct pos deployment = pos_member(pos_type(&builtin, TY_APPS_DEPLOYMENT), S("spec"), NULL);
    assert_true(pos_atomic(pos_member(deployment, S("selector"), NULL)));
}

TEST(test_ref__unknown_names_are_untyped) {
    bool known = true;
    struct pos p = pos_member(pos_type(&builtin, TY_CORE_POD), S("bogus"), &known);
    assert_false(known);
    assert_null(p.set);
    assert_true(pos_open(p));
    assert_false(pos_atomic(p));
    assert_true(pos_open(pos_member(p, S("x"), &known)));
    assert_false(known);
    assert_null(pos_item(p).set);
    assert_int_equal(pos_rule(p)->n_keys, 0);
}

TEST(test_ref__equal_compares_meaning) {
    struct quantity_entry la[] = {{STR_INIT("cpu"), {1, 0, QUANTITY_DECIMAL_SI, true}}};
    struct quantity_entry lb[] = {{STR_INIT("cpu"), {1, 0, QUANTITY_DECIMAL_EXPONENT, true}}};
    struct core_resource_requirements x = {.limits = {la, 1}}, y = {.limits = {lb, 1}};
    uint32_t type = TY_CORE_RESOURCE_REQUIREMENTS;
    assert_true(ref_equal(packed(type, &x), packed(type, &y)));
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval v = parse(&a, "{\"limits\":{\"cpu\":\"1000m\"}}"),
                w = parse(&a, "{\"limits\":{\"cpu\":\"2\"}}");
    assert_true(ref_equal(packed(type, &x), ref_tree_at(pos_type(&builtin, type), &v)));
    assert_true(ref_equal(ref_tree_at(pos_type(&builtin, type), &v), packed(type, &x)));
    assert_false(ref_equal(packed(type, &x), ref_tree_at(pos_type(&builtin, type), &w)));
    lb[0].value.units = 2;
    assert_false(ref_equal(packed(type, &x), packed(type, &y)));
}

TEST(test_ref__equal_of_packed_and_tree) {
    struct core_container cs[] = {{.name = STR_INIT("a"), .image = STR_INIT("i")}};
    struct core_pod pod = {.metadata = {.name = STR_INIT("p")}, .spec = {.containers = {cs, 1}}};
    struct ref r = packed(TY_CORE_POD, &pod);
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval v = ref_tree(r, &a);
    assert_true(ref_equal(r, ref_tree_at(r.pos, &v)));
    assert_true(ref_equal(ref_tree_at((struct pos){0}, &v), r));
    cs[0].image = S("j");
    assert_false(ref_equal(r, ref_tree_at(r.pos, &v)));
}

TEST(test_ref__equal_of_numbers_and_kinds) {
    struct jval one = jval_int(1), one_double = jval_double(1), text = jval_str(S("1")),
                nothing = jval_null();
    struct pos p = {0};
    assert_true(ref_equal(ref_tree_at(p, &one), ref_tree_at(p, &one_double)));
    assert_false(ref_equal(ref_tree_at(p, &one), ref_tree_at(p, &text)));
    assert_true(ref_equal(ref_tree_at(p, &nothing), ref_tree_at(p, &nothing)));
    assert_false(ref_equal(ref_tree_at(p, &nothing), ref_tree_at(p, NULL)));
    assert_true(ref_equal(ref_tree_at(p, NULL), ref_tree_at(p, NULL)));
}

TEST(test_ref__equal_of_raw_ignores_form) {
    struct apps_controller_revision x = {.data = STR_INIT("{\"a\":1,\"b\":2}")},
                                    y = {.data = STR_INIT("{\"b\":2,\"a\":1}")};
    uint32_t type = TY_APPS_CONTROLLER_REVISION;
    assert_true(ref_equal(packed(type, &x), packed(type, &y)));
    y.data = S("{\"b\":3,\"a\":1}");
    assert_false(ref_equal(packed(type, &x), packed(type, &y)));
}
