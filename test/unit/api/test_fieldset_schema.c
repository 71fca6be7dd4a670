/* api/fieldset: sets of values by schema, and what differs between two values. */
#include "api/fieldset.h"

#include "api/types/apps.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "unit/unit.h"

static struct ref tree(struct arena *a, struct pos p, const char *text) {
    struct jval *v = arena_new(a, struct jval);
    struct err err = ERR_INIT;
    assert_ok(json_parse(a, str_from(text), NULL, NULL, v, &err), &err);
    return ref_tree_at(p, v);
}

static void assert_set(const struct fieldset *set, const char *expected) {
    _cleanup_buf struct buf out = BUF_INIT;
    fieldset_write(&out, set);
    assert_str(buf_view(&out), expected);
}

static void assert_fields(struct pos p, const char *value, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = fieldset_of(&a, tree(&a, p, value));
    assert_set(&set, expected);
}

static void assert_diff(struct pos p, const char *before, const char *after, const char *added,
                        const char *modified, const char *removed) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct ref x = tree(&a, p, before), y = tree(&a, p, after);
    struct fieldset_diff d = fieldset_compare(&a, x, y);
    assert_set(&d.added, added);
    assert_set(&d.modified, modified);
    assert_set(&d.removed, removed);
    d = fieldset_compare(&a, y, x);
    assert_set(&d.added, removed);
    assert_set(&d.modified, modified);
    assert_set(&d.removed, added);
}

static struct pos type(uint32_t id) {
    return pos_type(&builtin, id);
}

static const struct pos untyped;

TEST(test_fieldset_of__leaves_without_structs) {
    assert_fields(type(TY_APPS_DEPLOYMENT),
                  "{\"spec\":{\"replicas\":1,\"paused\":false},\"kind\":\"Deployment\"}",
                  "{\"f:kind\":{},\"f:spec\":{\"f:paused\":{},\"f:replicas\":{}}}");
}

TEST(test_fieldset_of__list_items_by_key) {
    assert_fields(type(TY_CORE_POD_SPEC),
                  "{\"containers\":[{\"name\":\"b\",\"image\":\"x\"},{\"name\":\"a\"}]}",
                  "{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\".\":{},\"f:name\":{}},"
                  "\"k:{\\\"name\\\":\\\"b\\\"}\":{\".\":{},\"f:image\":{},\"f:name\":{}}}}");
}

TEST(test_fieldset_of__absent_keys_take_their_default) {
    assert_fields(type(TY_CORE_CONTAINER),
                  "{\"ports\":[{\"containerPort\":80},{\"containerPort\":80,\"protocol\":\"UDP\"}]}",
                  "{\"f:ports\":{\"k:{\\\"containerPort\\\":80,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},\"f:"
                  "containerPort\":{}},"
                  "\"k:{\\\"containerPort\\\":80,\\\"protocol\\\":\\\"UDP\\\"}\":{\".\":{},\"f:"
                  "containerPort\":{},\"f:protocol\":{}}}}");
}

TEST(test_fieldset_of__maps_have_their_entries) {
    assert_fields(type(TY_META_OBJECT_META), "{\"labels\":{\"b\":\"1\",\"a\":\"2\"}}",
                  "{\"f:labels\":{\"f:a\":{},\"f:b\":{}}}");
}

TEST(test_fieldset_of__empty_and_null_are_leaves) {
    assert_fields(type(TY_META_OBJECT_META), "{\"labels\":{},\"annotations\":null}",
                  "{\"f:annotations\":{},\"f:labels\":{}}");
    assert_fields(type(TY_CORE_POD_SPEC), "{\"securityContext\":{},\"nodeName\":null}",
                  "{\"f:nodeName\":{},\"f:securityContext\":{}}");
    assert_fields(type(TY_META_OBJECT_META), "{\"finalizers\":[]}", "{}");
}

TEST(test_fieldset_of__atomic_values_are_leaves) {
    assert_fields(type(TY_CORE_POD_SPEC),
                  "{\"nodeSelector\":{\"a\":\"b\"},\"tolerations\":[{\"key\":\"x\"}]}",
                  "{\"f:nodeSelector\":{},\"f:tolerations\":{}}");
    assert_fields(type(TY_APPS_DEPLOYMENT_SPEC), "{\"selector\":{\"matchLabels\":{\"a\":\"b\"}}}",
                  "{\"f:selector\":{}}");
    assert_fields(type(TY_META_OBJECT_META), "{\"ownerReferences\":[{\"uid\":\"u\",\"name\":\"n\"}]}",
                  "{\"f:ownerReferences\":{\"k:{\\\"uid\\\":\\\"u\\\"}\":{}}}");
}

TEST(test_fieldset_of__sets_by_value) {
    assert_fields(type(TY_META_OBJECT_META), "{\"finalizers\":[\"b\",\"a\"]}",
                  "{\"f:finalizers\":{\"v:\\\"a\\\"\":{},\"v:\\\"b\\\"\":{}}}");
}

TEST(test_fieldset_of__repeated_items_are_one_leaf) {
    assert_fields(type(TY_CORE_POD_SPEC),
                  "{\"containers\":[{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"b\"},{\"name\":\"a\"}]}",
                  "{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{},\"k:{\\\"name\\\":\\\"b\\\"}\":{\"."
                  "\":{},\"f:name\":{}}}}");
    assert_fields(type(TY_META_OBJECT_META), "{\"finalizers\":[\"a\",\"a\",\"a\"]}",
                  "{\"f:finalizers\":{\"v:\\\"a\\\"\":{}}}");
}

TEST(test_fieldset_of__untyped_maps_are_granular_lists_atomic) {
    assert_fields(untyped, "{\"spec\":{\"a\":{\"b\":1},\"l\":[1,{}],\"e\":{},\"n\":null}}",
                  "{\"f:spec\":{\".\":{},\"f:a\":{\".\":{},\"f:b\":{}},\"f:e\":{},\"f:l\":{},\"f:n\":{}}}");
}

TEST(test_fieldset_of__raw_objects_are_granular) {
    struct apps_controller_revision rev = {.data = STR_INIT("{\"spec\":{\"a\":1}}"), .revision = 2};
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = fieldset_of(&a, ref_packed(&builtin, TY_APPS_CONTROLLER_REVISION, &rev));
    assert_set(&set, "{\"f:data\":{\"f:spec\":{\".\":{},\"f:a\":{}}},\"f:metadata\":{},\"f:revision\":{}}");
}

TEST(test_fieldset_of__packed_and_tree_agree) {
    struct core_container_port ports[] = {{.container_port = 80}};
    struct core_container cs[] = {{.name = STR_INIT("a"), .image = STR_INIT("i"), .ports = {ports, 1}}};
    struct str_entry labels[] = {{STR_INIT("x"), STR_INIT("y")}};
    struct core_pod pod = {.metadata = {.name = STR_INIT("p"), .labels = {labels, 1}},
                           .spec = {.containers = {cs, 1}}};
    _cleanup_arena struct arena a = ARENA_INIT;
    struct ref r = ref_packed(&builtin, TY_CORE_POD, &pod);
    struct jval v = ref_tree(r, &a);
    struct fieldset x = fieldset_of(&a, r), y = fieldset_of(&a, ref_tree_at(r.pos, &v));
    assert_true(fieldset_equal(&x, &y));
    struct fieldset_diff d = fieldset_compare(&a, r, ref_tree_at(r.pos, &v));
    assert_true(fieldset_diff_empty(&d));
}

TEST(test_fieldset_compare__leaves) {
    assert_diff(type(TY_APPS_DEPLOYMENT_SPEC), "{\"replicas\":1,\"paused\":true,\"minReadySeconds\":3}",
                "{\"replicas\":2,\"paused\":true,\"revisionHistoryLimit\":1}",
                "{\"f:revisionHistoryLimit\":{}}", "{\"f:replicas\":{}}", "{\"f:minReadySeconds\":{}}");
}

TEST(test_fieldset_compare__same_is_empty) {
    assert_diff(type(TY_CORE_POD_SPEC), "{\"containers\":[{\"name\":\"a\"}],\"nodeSelector\":{\"a\":\"b\"}}",
                "{\"containers\":[{\"name\":\"a\"}],\"nodeSelector\":{\"a\":\"b\"}}", "{}", "{}", "{}");
}

TEST(test_fieldset_compare__new_struct_is_reported_with_its_fields) {
    assert_diff(type(TY_CORE_POD_SPEC), "{}", "{\"securityContext\":{\"runAsUser\":1}}",
                "{\"f:securityContext\":{\".\":{},\"f:runAsUser\":{}}}", "{}", "{}");
}

TEST(test_fieldset_compare__null_is_not_absent) {
    assert_diff(type(TY_META_OBJECT_META), "{\"labels\":null}", "{\"labels\":{\"a\":\"b\"}}",
                "{\"f:labels\":{\"f:a\":{}}}", "{}", "{}");
    assert_diff(type(TY_META_OBJECT_META), "{}", "{\"labels\":null}", "{\"f:labels\":{}}", "{}", "{}");
    assert_diff(type(TY_META_OBJECT_META), "{\"labels\":{}}", "{\"labels\":null}", "{}", "{\"f:labels\":{}}",
                "{}");
    assert_diff(type(TY_META_OBJECT_META), "{\"labels\":{}}", "{\"labels\":{\"a\":\"b\"}}",
                "{\"f:labels\":{\"f:a\":{}}}", "{}", "{}");
    assert_diff(type(TY_META_OBJECT_META), "{}", "{\"finalizers\":[]}", "{\"f:finalizers\":{}}", "{}", "{}");
}

TEST(test_fieldset_compare__list_items_by_key_not_place) {
    assert_diff(type(TY_CORE_POD_SPEC),
                "{\"containers\":[{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"b\"}]}",
                "{\"containers\":[{\"name\":\"c\"},{\"name\":\"b\"},{\"name\":\"a\",\"image\":\"2\"}]}",
                "{\"f:containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:name\":{}}}}",
                "{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\"f:image\":{}}}}", "{}");
}

TEST(test_fieldset_compare__atomic_values_as_one) {
    assert_diff(type(TY_CORE_POD_SPEC), "{\"nodeSelector\":{\"a\":\"b\"},\"tolerations\":[{\"key\":\"x\"}]}",
                "{\"nodeSelector\":{\"a\":\"c\"},\"tolerations\":[{\"key\":\"x\"},{\"key\":\"y\"}]}", "{}",
                "{\"f:nodeSelector\":{},\"f:tolerations\":{}}", "{}");
}

TEST(test_fieldset_compare__sets) {
    assert_diff(type(TY_META_OBJECT_META), "{\"finalizers\":[\"a\",\"b\"]}", "{\"finalizers\":[\"c\",\"a\"]}",
                "{\"f:finalizers\":{\"v:\\\"c\\\"\":{}}}", "{}", "{\"f:finalizers\":{\"v:\\\"b\\\"\":{}}}");
}

TEST(test_fieldset_compare__repeated_items) {
    struct pos meta = type(TY_META_OBJECT_META), spec = type(TY_CORE_POD_SPEC);
    assert_diff(meta, "{\"finalizers\":[\"a\",\"a\"]}", "{\"finalizers\":[\"a\",\"a\"]}", "{}", "{}", "{}");
    assert_diff(meta, "{\"finalizers\":[\"a\",\"b\"]}", "{\"finalizers\":[\"a\",\"b\",\"a\"]}", "{}",
                "{\"f:finalizers\":{\"v:\\\"a\\\"\":{}}}", "{}");
    assert_diff(meta, "{\"finalizers\":[\"b\"]}", "{\"finalizers\":[\"a\",\"b\",\"a\"]}",
                "{\"f:finalizers\":{\"v:\\\"a\\\"\":{}}}", "{}", "{}");
    assert_diff(spec, "{\"containers\":[{\"name\":\"a\",\"image\":\"1\"}]}",
                "{\"containers\":[{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"a\",\"image\":\"2\"}]}", "{}",
                "{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{}}}",
                "{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\"f:image\":{},\"f:name\":{}}}}");
    assert_diff(spec, "{\"containers\":[{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"a\"}]}",
                "{\"containers\":[{\"name\":\"a\",\"image\":\"1\"},{\"name\":\"a\",\"image\":\"2\"}]}", "{}",
                "{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{}}}", "{}");
}

TEST(test_fieldset_compare__untyped_change_of_kind) {
    assert_diff(untyped, "{\"a\":1}", "{\"a\":{\"b\":2}}", "{\"f:a\":{\"f:b\":{}}}", "{\"f:a\":{}}", "{}");
    assert_diff(untyped, "{\"a\":[1]}", "{\"a\":{\"b\":2}}", "{\"f:a\":{\"f:b\":{}}}", "{\"f:a\":{}}", "{}");
    assert_diff(untyped, "{\"a\":1}", "{\"a\":\"1\"}", "{}", "{\"f:a\":{}}", "{}");
    assert_diff(untyped, "{\"a\":1}", "{\"a\":1.0}", "{}", "{}", "{}");
}

TEST(test_fieldset_compare__equal_meaning_is_no_change) {
    assert_diff(type(TY_CORE_RESOURCE_REQUIREMENTS), "{\"limits\":{\"cpu\":\"1\"}}",
                "{\"limits\":{\"cpu\":\"1000m\"}}", "{}", "{}", "{}");
}

TEST(test_fieldset_compare__against_nothing) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct ref r = tree(&a, untyped, "{\"a\":{\"b\":1}}"), none = ref_tree_at(untyped, NULL);
    struct fieldset_diff d = fieldset_compare(&a, none, r);
    assert_set(&d.added, "{\"f:a\":{\".\":{},\"f:b\":{}}}");
    d = fieldset_compare(&a, none, none);
    assert_true(fieldset_diff_empty(&d));
}

TEST(test_fieldset_compare__packed_objects) {
    struct core_pod before = {0}, after = {0};
    struct core_pod_condition conditions[] = {{.type = STR_INIT("Ready"), .status = STR_INIT("True")}};
    after.status.conditions.v = conditions;
    after.status.conditions.n = 1;
    after.status.phase = S("Running");
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset_diff d = fieldset_compare(&a, ref_packed(&builtin, TY_CORE_POD, &before),
                                              ref_packed(&builtin, TY_CORE_POD, &after));
    assert_set(&d.added, "{\"f:status\":{\"f:conditions\":{\".\":{},\"k:{\\\"type\\\":\\\"Ready\\\"}\":{\"."
                         "\":{},\"f:lastProbeTime\":{},"
                         "\"f:lastTransitionTime\":{},\"f:status\":{},\"f:type\":{}}},\"f:phase\":{}}}");
    assert_set(&d.modified, "{}");
    assert_set(&d.removed, "{}");
}

TEST(test_fieldset_with_structs__adds_fields_not_entries) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set;
    assert_ok(
        fieldset_read(&a,
                      S("{\"f:metadata\":{\"f:labels\":{\"f:x\":{}}},\"f:spec\":{\"f:containers\":{\"k:{"
                        "\\\"name\\\":\\\"a\\\"}\":{\"f:resources\":{\"f:limits\":{\"f:cpu\":{}}}}}}}"),
                      &set, NULL),
        NULL);
    set = fieldset_with_structs(&a, &set, type(TY_CORE_POD));
    assert_set(&set, "{\"f:metadata\":{\".\":{},\"f:labels\":{\".\":{},\"f:x\":{}}},\"f:spec\":{\".\":{},\"f:"
                     "containers\":{\".\":{},"
                     "\"k:{\\\"name\\\":\\\"a\\\"}\":{\"f:resources\":{\".\":{},\"f:limits\":{\".\":{},\"f:"
                     "cpu\":{}}}}}}}");
}

TEST(test_fieldset_for_schema__granular_became_atomic) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set;
    assert_ok(fieldset_read(&a,
                            S("{\"f:spec\":{\"f:nodeSelector\":{\"f:a\":{}},\"f:tolerations\":{\"k:{"
                              "\\\"key\\\":\\\"x\\\"}\":{\"f:value\":{}}},\"f:hostname\":{}}}"),
                            &set, NULL),
              NULL);
    struct fieldset now = fieldset_for_schema(&a, &set, type(TY_CORE_POD));
    assert_set(&now, "{\"f:spec\":{\"f:hostname\":{},\"f:nodeSelector\":{},\"f:tolerations\":{}}}");
    struct fieldset again = fieldset_for_schema(&a, &now, type(TY_CORE_POD));
    assert_ptr_equal(again.kids, now.kids);
}

TEST(test_fieldset_for_schema__leaves_of_granular_values_stay) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set;
    assert_ok(fieldset_read(&a, S("{\"f:metadata\":{\"f:labels\":{}},\"f:bogus\":{\"f:x\":{}}}"), &set, NULL),
              NULL);
    struct fieldset now = fieldset_for_schema(&a, &set, type(TY_CORE_POD));
    assert_ptr_equal(now.kids, set.kids);
}
