/* api/strategic: making patches */
#include "api/strategic.h"
#include "api/types/ids.h"
#include "unit/api/patch_test.h"

/* The patch between two objects is `expected`, and it works. */
static void creates_type(uint32_t type, const char *original, const char *modified, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval o = tree(&a, original), m = tree(&a, modified), patch, out;
    struct pos pos = pos_type(&builtin, type);
    assert_ok(strategic_create(&a, pos, &o, &m, &patch, &err), &err);
    assert_tree(&a, &patch, expected);
    assert_ok(strategic_apply(&a, pos, &o, &patch, &out, &err), &err);
    assert_tree(&a, &out, modified);
}

static void creates(const char *original, const char *modified, const char *expected) {
    creates_type(TY_CORE_POD_SPEC, original, modified, expected);
}

/* The patch of a client-side apply, and what it makes of current. */
static void applies_type(uint32_t type, const char *original, const char *modified, const char *current,
                         const char *expected_patch, const char *expected_result) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval o = tree(&a, original), m = tree(&a, modified), c = tree(&a, current), patch, out;
    struct pos pos = pos_type(&builtin, type);
    assert_ok(strategic_create_three_way(&a, pos, &o, &m, &c, true, &patch, &err), &err);
    assert_tree(&a, &patch, expected_patch);
    assert_ok(strategic_apply(&a, pos, &c, &patch, &out, &err), &err);
    assert_tree(&a, &out, expected_result);
}

static void applies(const char *original, const char *modified, const char *current,
                    const char *expected_patch, const char *expected_result) {
    applies_type(TY_CORE_POD_SPEC, original, modified, current, expected_patch, expected_result);
}

/* Without overwriting: 0, or ERR_CONFLICT with the message. */
static void conflicts(uint32_t type, const char *original, const char *modified, const char *current,
                      const char *message) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval o = tree(&a, original), m = tree(&a, modified), c = tree(&a, current), patch;
    int rc = strategic_create_three_way(&a, pos_type(&builtin, type), &o, &m, &c, false, &patch, &err);
    if (!message) {
        assert_ok(rc, &err);
        return;
    }
    assert_fails(rc, ERR_CONFLICT);
    assert_string_equal(err.msg, message);
}

/* Two-way. */

TEST(test_strategic_diff__equal_objects_give_an_empty_patch) {
    creates("{'nodeName':'a','containers':[{'name':'c'}]}", "{'nodeName':'a','containers':[{'name':'c'}]}",
            "{}");
}

TEST(test_strategic_diff__additions_changes_and_deletions) {
    creates("{'nodeName':'a','priority':1}", "{'nodeName':'b','hostname':'h'}",
            "{'nodeName':'b','hostname':'h','priority':null}");
}

TEST(test_strategic_diff__goes_into_maps) {
    creates("{'securityContext':{'runAsUser':1,'fsGroup':2}}", "{'securityContext':{'runAsUser':3}}",
            "{'securityContext':{'fsGroup':null,'runAsUser':3}}");
}

TEST(test_strategic_diff__change_of_type_gives_the_value) {
    creates("{'nodeName':'a'}", "{'nodeName':{'x':1}}", "{'nodeName':{'x':1}}");
}

TEST(test_strategic_diff__atomic_lists_are_given_whole) {
    creates("{'tolerations':[{'key':'a'}]}", "{'tolerations':[{'key':'a'},{'key':'b'}]}",
            "{'tolerations':[{'key':'a'},{'key':'b'}]}");
}

TEST(test_strategic_diff__changed_item_with_order) {
    creates("{'containers':[{'name':'a','image':'1'},{'name':'b','image':'1'}]}",
            "{'containers':[{'name':'a','image':'1'},{'name':'b','image':'2'}]}",
            "{'$setElementOrder/containers':[{'name':'a'},{'name':'b'}],"
            "'containers':[{'name':'b','image':'2'}]}");
}

TEST(test_strategic_diff__added_item_in_its_place) {
    creates("{'containers':[{'name':'a'},{'name':'c'}]}",
            "{'containers':[{'name':'a'},{'name':'b'},{'name':'c'}]}",
            "{'$setElementOrder/containers':[{'name':'a'},{'name':'b'},{'name':'c'}],"
            "'containers':[{'name':'b'}]}");
}

TEST(test_strategic_diff__removed_item_is_a_deletion) {
    creates("{'containers':[{'name':'a'},{'name':'b'}]}", "{'containers':[{'name':'b'}]}",
            "{'$setElementOrder/containers':[{'name':'b'}],'containers':[{'name':'a','$patch':'delete'}]}");
}

TEST(test_strategic_diff__deletions_come_last) {
    creates("{'containers':[{'name':'a'},{'name':'b'}]}", "{'containers':[{'name':'c'}]}",
            "{'$setElementOrder/containers':[{'name':'c'}],'containers':[{'name':'c'},"
            "{'name':'a','$patch':'delete'},{'name':'b','$patch':'delete'}]}");
}

TEST(test_strategic_diff__reordered_items_give_only_the_order) {
    creates("{'containers':[{'name':'a'},{'name':'b'}]}", "{'containers':[{'name':'b'},{'name':'a'}]}",
            "{'$setElementOrder/containers':[{'name':'b'},{'name':'a'}]}");
}

TEST(test_strategic_diff__items_of_a_new_list) {
    creates("{'containers':[]}", "{'containers':[{'name':'a'}]}", "{'containers':[{'name':'a'}]}");
    creates("{}", "{'containers':[{'name':'a'}]}", "{'containers':[{'name':'a'}]}");
}

TEST(test_strategic_diff__all_items_removed) {
    creates("{'containers':[{'name':'a'}]}", "{'containers':[]}",
            "{'containers':[{'name':'a','$patch':'delete'}]}");
    creates("{'containers':[{'name':'a'}]}", "{}", "{'containers':null}");
}

TEST(test_strategic_diff__equal_keys_are_paired_in_order) {
    creates_type(TY_CORE_SERVICE_SPEC,
                 "{'ports':[{'port':53,'protocol':'UDP'},{'port':53,'protocol':'TCP'}],'type':'a'}",
                 "{'ports':[{'port':53,'protocol':'UDP'},{'port':53,'protocol':'TCP'}],'type':'b'}",
                 "{'type':'b'}");
}

TEST(test_strategic_diff__values_are_added_and_deleted) {
    creates_type(TY_META_OBJECT_META, "{'finalizers':['a','b']}", "{'finalizers':['b','c']}",
                 "{'$deleteFromPrimitiveList/finalizers':['a'],'$setElementOrder/finalizers':['b','c'],"
                 "'finalizers':['c']}");
}

TEST(test_strategic_diff__reordered_values_give_only_the_order) {
    creates_type(TY_META_OBJECT_META, "{'finalizers':['a','b']}", "{'finalizers':['b','a']}",
                 "{'$setElementOrder/finalizers':['b','a']}");
}

TEST(test_strategic_diff__all_values_deleted) {
    creates_type(TY_META_OBJECT_META, "{'finalizers':['b','a']}", "{'finalizers':[]}",
                 "{'$deleteFromPrimitiveList/finalizers':['a','b']}");
}

TEST(test_strategic_diff__union_says_which_keys_remain) {
    creates_type(TY_APPS_DEPLOYMENT_SPEC,
                 "{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1}}}",
                 "{'strategy':{'type':'Recreate'}}",
                 "{'strategy':{'$retainKeys':['type'],'type':'Recreate','rollingUpdate':null}}");
}

TEST(test_strategic_diff__equal_union_says_nothing) {
    creates_type(TY_APPS_DEPLOYMENT_SPEC, "{'strategy':{'type':'Recreate'}}",
                 "{'strategy':{'type':'Recreate'}}", "{}");
}

TEST(test_strategic_diff__union_in_items) {
    creates("{'volumes':[{'name':'v','emptyDir':{}}]}", "{'volumes':[{'name':'v','configMap':{'name':'c'}}]}",
            "{'$setElementOrder/"
            "volumes':[{'name':'v'}],'volumes':[{'name':'v','$retainKeys':['configMap','name'],"
            "'configMap':{'name':'c'},'emptyDir':null}]}");
}

TEST(test_strategic_diff__map_with_replace_strategy_is_given_whole) {
    creates_type(TY_POLICY_POD_DISRUPTION_BUDGET_SPEC, "{'selector':{'matchLabels':{'a':'1'}}}",
                 "{'selector':{'matchLabels':{'a':'1','b':'2'}}}",
                 "{'selector':{'matchLabels':{'a':'1','b':'2'}}}");
    creates_type(TY_POLICY_POD_DISRUPTION_BUDGET_SPEC, "{'selector':{'matchLabels':{'a':'1'}}}",
                 "{'selector':{'matchLabels':{'a':'1'}}}", "{}");
}

TEST(test_strategic_diff__items_need_merge_keys) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval o = tree(&a, "{'containers':[{'name':'a'}]}"), m = tree(&a, "{'containers':[{'image':'x'}]}"),
                p;
    assert_fails(strategic_create(&a, pos_type(&builtin, TY_CORE_POD_SPEC), &o, &m, &p, &err), ERR_INVALID);
    assert_string_equal(err.msg, "map: map[image:x] does not contain declared merge key: name");
}

TEST(test_strategic_diff__only_objects_make_patches) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval o = tree(&a, "{}"), l = tree(&a, "[]"), p;
    struct pos pos = pos_type(&builtin, TY_CORE_POD_SPEC);
    assert_fails(strategic_create(&a, pos, &o, &l, &p, &err), ERR_INVALID);
    assert_fails(strategic_create_three_way(&a, pos, &o, &o, &l, true, &p, &err), ERR_INVALID);
}

/* Three-way. */

TEST(test_strategic_diff__apply_of_the_same_gives_an_empty_patch) {
    applies("{'nodeName':'a'}", "{'nodeName':'a'}", "{'nodeName':'a','priority':1}", "{}",
            "{'nodeName':'a','priority':1}");
}

TEST(test_strategic_diff__apply_keeps_what_others_set) {
    applies("{'nodeName':'a'}", "{'nodeName':'b'}", "{'nodeName':'a','priority':1}", "{'nodeName':'b'}",
            "{'nodeName':'b','priority':1}");
}

TEST(test_strategic_diff__apply_deletes_what_it_had_set) {
    applies("{'nodeName':'a','hostname':'h'}", "{'nodeName':'a'}",
            "{'nodeName':'a','hostname':'h','priority':1}", "{'hostname':null}",
            "{'nodeName':'a','priority':1}");
}

TEST(test_strategic_diff__apply_restores_what_others_changed) {
    applies("{'nodeName':'a'}", "{'nodeName':'a'}", "{'nodeName':'x'}", "{'nodeName':'a'}",
            "{'nodeName':'a'}");
}

TEST(test_strategic_diff__apply_keeps_items_of_others) {
    applies("{'containers':[{'name':'a','image':'1'}]}", "{'containers':[{'name':'a','image':'2'}]}",
            "{'containers':[{'name':'a','image':'1','tty':true},{'name':'injected'}]}",
            "{'$setElementOrder/containers':[{'name':'a'}],'containers':[{'name':'a','image':'2'}]}",
            "{'containers':[{'name':'a','image':'2','tty':true},{'name':'injected'}]}");
}

TEST(test_strategic_diff__apply_deletes_its_items) {
    applies("{'containers':[{'name':'a'},{'name':'b'}]}", "{'containers':[{'name':'b'}]}",
            "{'containers':[{'name':'a'},{'name':'b'},{'name':'injected'}]}",
            "{'$setElementOrder/containers':[{'name':'b'}],'containers':[{'name':'a','$patch':'delete'}]}",
            "{'containers':[{'name':'b'},{'name':'injected'}]}");
}

TEST(test_strategic_diff__apply_adds_and_deletes_items) {
    applies("{'containers':[{'name':'a'},{'name':'b'}]}",
            "{'containers':[{'name':'b'},{'name':'c','tty':true}]}",
            "{'containers':[{'name':'a'},{'name':'b'}]}",
            "{'$setElementOrder/containers':[{'name':'b'},{'name':'c'}],"
            "'containers':[{'name':'c','tty':true},{'name':'a','$patch':'delete'}]}",
            "{'containers':[{'name':'b'},{'name':'c','tty':true}]}");
}

TEST(test_strategic_diff__apply_changes_and_deletes_in_one_item) {
    applies("{'containers':[{'name':'a','image':'1','stdin':true}]}",
            "{'containers':[{'name':'a','image':'2'}]}",
            "{'containers':[{'name':'a','image':'1','stdin':true,'tty':true}]}",
            "{'$setElementOrder/containers':[{'name':'a'}],"
            "'containers':[{'name':'a','image':'2','stdin':null}]}",
            "{'containers':[{'name':'a','image':'2','tty':true}]}");
}

TEST(test_strategic_diff__apply_adds_and_deletes_values) {
    applies_type(TY_META_OBJECT_META, "{'finalizers':['a','b']}", "{'finalizers':['b','c']}",
                 "{'finalizers':['a','b','x']}",
                 "{'$deleteFromPrimitiveList/finalizers':['a'],'$setElementOrder/finalizers':['b','c'],"
                 "'finalizers':['c']}",
                 "{'finalizers':['b','c','x']}");
}

TEST(test_strategic_diff__apply_null_deletes_what_others_set) {
    applies("{}", "{'priority':null}", "{'nodeName':'n','priority':1}", "{'priority':null}",
            "{'nodeName':'n'}");
}

TEST(test_strategic_diff__apply_changes_a_union) {
    applies_type(
        TY_APPS_DEPLOYMENT_SPEC, "{'strategy':{'type':'RollingUpdate'}}", "{'strategy':{'type':'Recreate'}}",
        "{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':'25%'}}}",
        "{'strategy':{'$retainKeys':['type'],'type':'Recreate'}}", "{'strategy':{'type':'Recreate'}}");
}

TEST(test_strategic_diff__apply_changes_a_union_item) {
    applies("{'volumes':[{'name':'v','emptyDir':{}}]}", "{'volumes':[{'name':'v','configMap':{'name':'c'}}]}",
            "{'volumes':[{'name':'v','emptyDir':{}},{'name':'token','projected':{}}]}",
            "{'$setElementOrder/"
            "volumes':[{'name':'v'}],'volumes':[{'name':'v','$retainKeys':['configMap','name'],"
            "'configMap':{'name':'c'},'emptyDir':null}]}",
            "{'volumes':[{'name':'v','configMap':{'name':'c'}},{'name':'token','projected':{}}]}");
}

TEST(test_strategic_diff__apply_to_an_empty_last_configuration) {
    applies("{}", "{'containers':[{'name':'a','image':'1'}]}", "{'containers':[{'name':'a','image':'2'}]}",
            "{'$setElementOrder/containers':[{'name':'a'}],'containers':[{'name':'a','image':'1'}]}",
            "{'containers':[{'name':'a','image':'1'}]}");
}

/* Conflicts. */

TEST(test_strategic_diff__no_conflict_when_others_changed_other_fields) {
    conflicts(TY_CORE_POD_SPEC, "{'nodeName':'a'}", "{'nodeName':'b'}", "{'nodeName':'a','priority':1}",
              NULL);
}

TEST(test_strategic_diff__no_conflict_when_both_want_the_same) {
    conflicts(TY_CORE_POD_SPEC, "{'nodeName':'a','priority':1}", "{'nodeName':'b','priority':2}",
              "{'nodeName':'b','priority':1}", NULL);
}

TEST(test_strategic_diff__conflict_when_others_changed_the_field) {
    conflicts(TY_CORE_POD_SPEC, "{'nodeName':'a'}", "{'nodeName':'b'}", "{'nodeName':'c'}",
              "\"nodeName\" has been changed by others since it was last applied");
}

TEST(test_strategic_diff__conflict_when_a_deleted_field_was_changed) {
    conflicts(TY_CORE_POD_SPEC, "{'nodeName':'a'}", "{}", "{'nodeName':'c'}",
              "\"nodeName\" has been changed by others since it was last applied");
}

TEST(test_strategic_diff__conflict_inside_items) {
    conflicts(TY_CORE_POD_SPEC, "{'containers':[{'name':'a','image':'1'}]}",
              "{'containers':[{'name':'a','image':'2'}]}", "{'containers':[{'name':'a','image':'3'}]}",
              "\"image\" has been changed by others since it was last applied");
}

TEST(test_strategic_diff__no_conflict_between_different_items) {
    conflicts(TY_CORE_POD_SPEC, "{'containers':[{'name':'a','image':'1'},{'name':'b','image':'1'}]}",
              "{'containers':[{'name':'a','image':'2'},{'name':'b','image':'1'}]}",
              "{'containers':[{'name':'a','image':'2'},{'name':'b','image':'1'},{'name':'c'}]}", NULL);
}

TEST(test_strategic_diff__conflict_when_others_deleted_a_changed_item) {
    conflicts(TY_CORE_POD_SPEC, "{'containers':[{'name':'a','image':'1'},{'name':'b'}]}",
              "{'containers':[{'name':'a','image':'2'},{'name':'b'}]}", "{'containers':[{'name':'b'}]}",
              "\"containers\" has been changed by others since it was last applied");
}

TEST(test_strategic_diff__no_conflict_in_merged_lists_of_values) {
    conflicts(TY_META_OBJECT_META, "{'finalizers':['a']}", "{'finalizers':['a','b']}",
              "{'finalizers':['a','c']}", NULL);
}

TEST(test_strategic_diff__conflict_in_atomic_lists) {
    conflicts(TY_CORE_POD_SPEC, "{'tolerations':[{'key':'a'}]}", "{'tolerations':[{'key':'b'}]}",
              "{'tolerations':[{'key':'c'}]}",
              "\"key\" has been changed by others since it was last applied");
    conflicts(TY_CORE_CONTAINER, "{'args':['a']}", "{'args':['b','c']}", "{'args':['b']}",
              "\"args\" has been changed by others since it was last applied");
    conflicts(TY_CORE_CONTAINER, "{'args':['a']}", "{'args':['b']}", "{'args':['c']}",
              "\"args\" has been changed by others since it was last applied");
}

TEST(test_strategic_diff__no_conflict_in_atomic_lists_of_values_in_another_order) {
    conflicts(TY_CORE_CONTAINER, "{'args':['a']}", "{'args':['b','c']}", "{'args':['c','b']}", NULL);
}

TEST(test_strategic_diff__conflict_of_types) {
    conflicts(TY_CORE_POD_SPEC, "{'nodeName':'a'}", "{'nodeName':'b'}", "{'nodeName':{'x':1}}",
              "\"nodeName\" has been changed by others since it was last applied");
}
