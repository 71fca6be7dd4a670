/* api/merge_patch */
#include "api/merge_patch.h"

#include "unit/api/patch_test.h"

static void patches(const char *target, const char *patch, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval t = tree(&a, target), p = tree(&a, patch), out;
    assert_ok(merge_patch_apply(&a, &t, &p, &out, &err), &err);
    assert_tree(&a, &out, expected);
    assert_tree(&a, &t, target);
}

/* The patch from `from` to `to` is `expected`, and it works. */
static void creates(const char *from, const char *to, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval f = tree(&a, from), t = tree(&a, to), patch, out;
    assert_ok(merge_patch_create(&a, &f, &t, &patch, &err), &err);
    assert_tree(&a, &patch, expected);
    assert_ok(merge_patch_apply(&a, &f, &patch, &out, &err), &err);
    assert_tree(&a, &out, to);
}

static void three_way(const char *original, const char *modified, const char *current, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval o = tree(&a, original), m = tree(&a, modified), c = tree(&a, current), patch;
    assert_ok(merge_patch_create_three_way(&a, &o, &m, &c, &patch, &err), &err);
    assert_tree(&a, &patch, expected);
}

/* RFC 7386, appendix A, in its order. */

TEST(test_merge_patch__rfc_01_replaces_a_member) {
    patches("{'a':'b'}", "{'a':'c'}", "{'a':'c'}");
}

TEST(test_merge_patch__rfc_02_adds_a_member) {
    patches("{'a':'b'}", "{'b':'c'}", "{'a':'b','b':'c'}");
}

TEST(test_merge_patch__rfc_03_null_removes_the_only_member) {
    patches("{'a':'b'}", "{'a':null}", "{}");
}

TEST(test_merge_patch__rfc_04_null_removes_one_of_two) {
    patches("{'a':'b','b':'c'}", "{'a':null}", "{'b':'c'}");
}

TEST(test_merge_patch__rfc_05_replaces_a_list_by_a_string) {
    patches("{'a':['b']}", "{'a':'c'}", "{'a':'c'}");
}

TEST(test_merge_patch__rfc_06_replaces_a_string_by_a_list) {
    patches("{'a':'c'}", "{'a':['b']}", "{'a':['b']}");
}

TEST(test_merge_patch__rfc_07_merges_nested_objects) {
    patches("{'a':{'b':'c'}}", "{'a':{'b':'d','c':null}}", "{'a':{'b':'d'}}");
}

TEST(test_merge_patch__rfc_08_replaces_a_list_of_objects) {
    patches("{'a':[{'b':'c'}]}", "{'a':[1]}", "{'a':[1]}");
}

TEST(test_merge_patch__rfc_09_replaces_a_list_document) {
    patches("['a','b']", "['c','d']", "['c','d']");
}

TEST(test_merge_patch__rfc_10_replaces_an_object_by_a_list) {
    patches("{'a':'b'}", "['c']", "['c']");
}

TEST(test_merge_patch__rfc_11_null_document) {
    patches("{'a':'foo'}", "null", "null");
}

TEST(test_merge_patch__rfc_12_string_document) {
    patches("{'a':'foo'}", "'bar'", "'bar'");
}

TEST(test_merge_patch__rfc_13_keeps_nulls_of_the_target) {
    patches("{'e':null}", "{'a':1}", "{'e':null,'a':1}");
}

TEST(test_merge_patch__rfc_14_object_over_a_list) {
    patches("[1,2]", "{'a':'b','c':null}", "{'a':'b'}");
}

TEST(test_merge_patch__rfc_15_drops_nulls_of_new_objects) {
    patches("{}", "{'a':{'bb':{'ccc':null}}}", "{'a':{'bb':{}}}");
}

TEST(test_merge_patch__keeps_nulls_inside_lists) {
    patches("{}", "{'a':[null,{'b':null}]}", "{'a':[null,{'b':null}]}");
}

TEST(test_merge_patch__empty_patch_changes_nothing) {
    patches("{'a':{'b':[1]}}", "{}", "{'a':{'b':[1]}}");
    patches("{'a':{'b':[1]}}", "{'a':{}}", "{'a':{'b':[1]}}");
}

TEST(test_merge_patch__depth_is_limited) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval patch = jval_object(NULL, 0), target = jval_null(), out;
    for (unsigned i = 0; i < JSON_DEPTH_MAX - 1; i++)
        patch = jval_with(&a, NULL, S("a"), patch);
    assert_ok(merge_patch_apply(&a, &target, &patch, &out, &err), &err);
    patch = jval_with(&a, NULL, S("a"), patch);
    assert_fails(merge_patch_apply(&a, &target, &patch, &out, &err), ERR_TOO_LARGE);
    assert_fails(merge_patch_create(&a, &patch, &patch, &out, &err), ERR_TOO_LARGE);
}

/* Creating. */

TEST(test_merge_patch__create_says_additions_changes_and_deletions) {
    creates("{'a':1,'b':2,'c':3}", "{'b':2,'c':4,'d':5}", "{'a':null,'c':4,'d':5}");
}

TEST(test_merge_patch__create_goes_into_objects) {
    creates("{'m':{'x':1,'y':2},'n':{'z':1}}", "{'m':{'x':1},'n':{'z':1}}", "{'m':{'y':null}}");
}

TEST(test_merge_patch__create_gives_whole_lists) {
    creates("{'l':[1,2]}", "{'l':[1,2,3]}", "{'l':[1,2,3]}");
    creates("{'l':[{'a':1}]}", "{'l':[{'a':1}]}", "{}");
}

TEST(test_merge_patch__create_of_equal_objects_is_empty) {
    creates("{'a':{'b':1.0}}", "{'a':{'b':1}}", "{}");
}

TEST(test_merge_patch__create_changes_types) {
    creates("{'a':{'b':1},'c':[1]}", "{'a':[1],'c':{'d':1}}", "{'a':[1],'c':{'d':1}}");
    creates("{'a':1}", "[1]", "[1]");
}

TEST(test_merge_patch__three_way_keeps_what_others_added) {
    three_way("{'a':1}", "{'a':2}", "{'a':1,'status':{'x':1}}", "{'a':2}");
}

TEST(test_merge_patch__three_way_deletes_what_was_applied_before) {
    three_way("{'m':{'a':1,'b':2}}", "{'m':{'a':1}}", "{'m':{'a':1,'b':2,'c':3}}", "{'m':{'b':null}}");
}

TEST(test_merge_patch__three_way_restores_what_others_changed) {
    three_way("{'a':1}", "{'a':1}", "{'a':9}", "{'a':1}");
}

TEST(test_merge_patch__three_way_deletes_what_is_set_to_null) {
    three_way("{}", "{'a':null,'b':{'c':null}}", "{'a':1,'b':{'c':2,'d':3}}", "{'a':null,'b':{'c':null}}");
}

TEST(test_merge_patch__three_way_merges_changes_and_deletions_of_one_object) {
    three_way("{'m':{'a':1,'b':2}}", "{'m':{'b':3}}", "{'m':{'a':1,'b':2}}", "{'m':{'a':null,'b':3}}");
}
