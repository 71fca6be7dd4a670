/* api/convert_scale */
#include "api/convert_scale.h"

#include "api/json.h"
#include "api/types/ids.h"
#include "unit/api/patch_test.h"

static void *object(struct arena *a, uint32_t type, const char *text) {
    struct err err = ERR_INIT;
    struct jval in = tree(a, text);
    void *out;
    assert_ok(api_from_tree(a, &builtin, type, &in, NULL, &out, &err), &err);
    return out;
}

static void scales(uint32_t type, const char *text, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct autoscaling_scale scale;
    assert_ok(scale_of(&a, type, object(&a, type, text), &scale, &err), &err);
    struct jval out = api_to_tree(&a, &builtin, TY_AUTOSCALING_SCALE, &scale);
    assert_tree(&a, &out, expected);
}

static void selects(const char *selector, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct autoscaling_scale scale;
    struct str text = arena_printf(&a, "{'spec':{'selector':%s}}", selector);
    void *d = object(&a, TY_APPS_DEPLOYMENT, text.p);
    assert_ok(scale_of(&a, TY_APPS_DEPLOYMENT, d, &scale, &err), &err);
    assert_str(scale.status.selector, expected);
}

static const uint32_t workloads[] = {TY_APPS_DEPLOYMENT, TY_APPS_REPLICA_SET, TY_APPS_STATEFUL_SET};

TEST(test_convert_scale__shows_wanted_and_actual_replicas) {
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        scales(
            workloads[i],
            "{'metadata':{'name':'n','namespace':'ns','uid':'u','resourceVersion':'7','labels':{'x':'y'},"
            "'creationTimestamp':'2024-01-01T00:00:00Z'},'spec':{'replicas':3,'selector':{'matchLabels':{'a':"
            "'b'}}},"
            "'status':{'replicas':2}}",
            "{'apiVersion':'autoscaling/v1','kind':'Scale','metadata':{'name':'n','namespace':'ns','uid':'u',"
            "'resourceVersion':'7','creationTimestamp':'2024-01-01T00:00:00Z'},'spec':{'replicas':3},"
            "'status':{'replicas':2,'selector':'a=b'}}");
}

TEST(test_convert_scale__controllers_select_by_labels) {
    scales(TY_CORE_REPLICATION_CONTROLLER, "{'spec':{'replicas':1,'selector':{'b':'2','a':'1'}}}",
           "{'apiVersion':'autoscaling/v1','kind':'Scale','metadata':{},'spec':{'replicas':1},"
           "'status':{'replicas':0,'selector':'a=1,b=2'}}");
}

TEST(test_convert_scale__selectors_are_text_in_key_order) {
    selects("{}", "");
    selects("null", "");
    selects(
        "{'matchLabels':{'z':'1','b':'2'},'matchExpressions':[{'key':'c','operator':'In','values':['y','x']},"
        "{'key':'a','operator':'NotIn','values':['v']},{'key':'d','operator':'Exists'},"
        "{'key':'e','operator':'DoesNotExist'}]}",
        "a notin (v),b=2,c in (x,y),d,!e,z=1");
}

TEST(test_convert_scale__unknown_operators_are_refused) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct autoscaling_scale scale;
    void *d = object(&a, TY_APPS_DEPLOYMENT,
                     "{'spec':{'selector':{'matchExpressions':[{'key':'a','operator':'Near'}]}}}");
    assert_fails(scale_of(&a, TY_APPS_DEPLOYMENT, d, &scale, &err), ERR_INVALID);
    assert_string_equal(err.msg, "\"Near\" is not a valid label selector operator");
}

TEST(test_convert_scale__applies_a_number_and_nothing_else) {
    const uint32_t types[] = {TY_APPS_DEPLOYMENT, TY_APPS_REPLICA_SET, TY_APPS_STATEFUL_SET,
                              TY_CORE_REPLICATION_CONTROLLER};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        void *before =
            object(&a, types[i], "{'metadata':{'name':'n'},'spec':{'replicas':3,'minReadySeconds':5}}");
        void *after;
        assert_ok(scale_apply(&a, types[i], before, 9, &after, &err), &err);
        struct jval old = api_to_tree(&a, &builtin, types[i], before);
        struct jval new = api_to_tree(&a, &builtin, types[i], after);
        assert_int_equal(jval_path(&old, "spec.replicas")->i, 3);
        assert_int_equal(jval_path(&new, "spec.replicas")->i, 9);
        assert_int_equal(jval_path(&new, "spec.minReadySeconds")->i, 5);
        assert_str(jval_get_str(jval_get(&new, S("metadata")), S("name")), "n");
    }
}

TEST(test_convert_scale__other_kinds_cannot_be_scaled) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct autoscaling_scale scale;
    void *pod = object(&a, TY_CORE_POD, "{}"), *out;
    assert_fails(scale_of(&a, TY_CORE_POD, pod, &scale, &err), ERR_UNSUPPORTED);
    assert_string_equal(err.msg, "Pod cannot be scaled");
    assert_fails(scale_apply(&a, TY_CORE_POD, pod, 1, &out, &err), ERR_UNSUPPORTED);
}
