/* api/json_patch */
#include "api/json_patch.h"

#include "unit/api/patch_test.h"

/* `document` patched is `expected`, and stays as it was itself. */
static void patches(const char *document, const char *patch, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval doc = tree(&a, document), p = tree(&a, patch), out;
    struct json_patch read;
    assert_ok(json_patch_read(&a, &p, &read, &err), &err);
    assert_ok(json_patch_apply(&a, &read, &doc, &out, &err), &err);
    assert_tree(&a, &out, expected);
    assert_tree(&a, &doc, document);
    assert_tree(&a, &p, patch);
}

/* The patch does not apply; the message is `message`. */
static void refuses(const char *document, const char *patch, int code, const char *message) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval doc = tree(&a, document), p = tree(&a, patch), out = jval_int(7);
    struct json_patch read;
    assert_ok(json_patch_read(&a, &p, &read, &err), &err);
    assert_fails(json_patch_apply(&a, &read, &doc, &out, &err), code);
    assert_string_equal(err.msg, message);
    assert_int_equal(out.i, 7);
    assert_tree(&a, &doc, document);
}

/* The text is no patch. */
static void malformed(const char *patch, int code, const char *message) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval p = tree(&a, patch);
    struct json_patch read;
    assert_fails(json_patch_read(&a, &p, &read, &err), code);
    assert_string_equal(err.msg, message);
}

/* RFC 6902, appendix A, by number. */

TEST(test_json_patch__rfc_a1_adds_an_object_member) {
    patches("{'foo':'bar'}", "[{'op':'add','path':'/baz','value':'qux'}]", "{'baz':'qux','foo':'bar'}");
}

TEST(test_json_patch__rfc_a2_adds_an_array_element) {
    patches("{'foo':['bar','baz']}", "[{'op':'add','path':'/foo/1','value':'qux'}]",
            "{'foo':['bar','qux','baz']}");
}

TEST(test_json_patch__rfc_a3_removes_an_object_member) {
    patches("{'baz':'qux','foo':'bar'}", "[{'op':'remove','path':'/baz'}]", "{'foo':'bar'}");
}

TEST(test_json_patch__rfc_a4_removes_an_array_element) {
    patches("{'foo':['bar','qux','baz']}", "[{'op':'remove','path':'/foo/1'}]", "{'foo':['bar','baz']}");
}

TEST(test_json_patch__rfc_a5_replaces_a_value) {
    patches("{'baz':'qux','foo':'bar'}", "[{'op':'replace','path':'/baz','value':'boo'}]",
            "{'baz':'boo','foo':'bar'}");
}

TEST(test_json_patch__rfc_a6_moves_a_value) {
    patches("{'foo':{'bar':'baz','waldo':'fred'},'qux':{'corge':'grault'}}",
            "[{'op':'move','from':'/foo/waldo','path':'/qux/thud'}]",
            "{'foo':{'bar':'baz'},'qux':{'corge':'grault','thud':'fred'}}");
}

TEST(test_json_patch__rfc_a7_moves_an_array_element) {
    patches("{'foo':['all','grass','cows','eat']}", "[{'op':'move','from':'/foo/1','path':'/foo/3'}]",
            "{'foo':['all','cows','eat','grass']}");
}

TEST(test_json_patch__rfc_a8_tests_a_value) {
    patches("{'baz':'qux','foo':['a',2,'c']}",
            "[{'op':'test','path':'/baz','value':'qux'},{'op':'test','path':'/foo/1','value':2}]",
            "{'baz':'qux','foo':['a',2,'c']}");
}

TEST(test_json_patch__rfc_a9_fails_when_a_test_does_not_hold) {
    refuses("{'baz':'qux'}", "[{'op':'test','path':'/baz','value':'bar'}]", ERR_CONFLICT,
            "operation 0 (test \"/baz\"): the value differs");
}

TEST(test_json_patch__rfc_a10_adds_a_nested_object) {
    patches("{'foo':'bar'}", "[{'op':'add','path':'/child','value':{'grandchild':{}}}]",
            "{'foo':'bar','child':{'grandchild':{}}}");
}

TEST(test_json_patch__rfc_a11_ignores_unknown_members_of_an_operation) {
    patches("{'foo':'bar'}", "[{'op':'add','path':'/baz','value':'qux','xyz':123}]",
            "{'foo':'bar','baz':'qux'}");
}

TEST(test_json_patch__rfc_a12_cannot_add_to_what_is_not_there) {
    refuses("{'foo':'bar'}", "[{'op':'add','path':'/baz/bat','value':'qux'}]", ERR_INVALID,
            "operation 0 (add \"/baz/bat\"): there is no \"baz\"");
}

TEST(test_json_patch__rfc_a13_takes_the_last_of_duplicate_members) {
    malformed("[{'op':'add','path':'/baz','value':'qux','op':'nonsense'}]", ERR_INVALID,
              "operation 0: \"op\" must be add, remove, replace, move, copy or test");
}

TEST(test_json_patch__rfc_a14_unescapes_tilde_before_slash) {
    patches("{'/':9,'~1':10}", "[{'op':'test','path':'/~01','value':10}]", "{'/':9,'~1':10}");
}

TEST(test_json_patch__rfc_a15_does_not_take_strings_for_numbers) {
    refuses("{'/':9,'~1':10}", "[{'op':'test','path':'/~01','value':'10'}]", ERR_CONFLICT,
            "operation 0 (test \"/~01\"): the value differs");
}

TEST(test_json_patch__rfc_a16_adds_an_array_at_the_end) {
    patches("{'foo':['bar']}", "[{'op':'add','path':'/foo/-','value':['abc','def']}]",
            "{'foo':['bar',['abc','def']]}");
}

/* Pointers. */

TEST(test_json_patch__pointer_reaches_keys_with_slash_and_empty_keys) {
    patches("{'a/b':{'':1},'m~n':2}",
            "[{'op':'replace','path':'/a~1b/','value':3},{'op':'replace','path':'/m~0n','value':4}]",
            "{'a/b':{'':3},'m~n':4}");
}

TEST(test_json_patch__pointer_keeps_a_stray_tilde) {
    patches("{'~x':1,'y~':2}",
            "[{'op':'replace','path':'/~x','value':3},{'op':'replace','path':'/y~','value':4}]",
            "{'~x':3,'y~':4}");
}

TEST(test_json_patch__pointer_counts_negative_indexes_from_the_end) {
    patches("[1,2,3]", "[{'op':'replace','path':'/-1','value':9}]", "[1,2,9]");
    patches("[1,2,3]", "[{'op':'remove','path':'/-3'}]", "[2,3]");
    patches("[1,2,3]", "[{'op':'add','path':'/-1','value':4}]", "[1,2,3,4]");
    refuses("[1]", "[{'op':'remove','path':'/-2'}]", ERR_INVALID,
            "operation 0 (remove \"/-2\"): index -2 is out of range");
}

TEST(test_json_patch__pointer_takes_signs_and_leading_zeros) {
    patches("[1,2]", "[{'op':'remove','path':'/+01'}]", "[1]");
    refuses("[1,2]", "[{'op':'remove','path':'/+-1'}]", ERR_INVALID,
            "operation 0 (remove \"/+-1\"): \"+-1\" is no list index");
}

TEST(test_json_patch__pointer_must_begin_with_a_slash) {
    malformed("[{'op':'remove','path':'a/b'}]", ERR_INVALID,
              "operation 0: \"path\" must be empty or begin with a slash: \"a/b\"");
}

TEST(test_json_patch__index_must_be_a_number_in_range) {
    refuses("{'a':[1]}", "[{'op':'remove','path':'/a/x'}]", ERR_INVALID,
            "operation 0 (remove \"/a/x\"): \"x\" is no list index");
    refuses("{'a':[1]}", "[{'op':'remove','path':'/a/1'}]", ERR_INVALID,
            "operation 0 (remove \"/a/1\"): index 1 is out of range");
    refuses("{'a':[1]}", "[{'op':'add','path':'/a/2','value':0}]", ERR_INVALID,
            "operation 0 (add \"/a/2\"): index 2 is out of range");
    refuses("{'a':[1]}", "[{'op':'add','path':'/a/99999999999999999999','value':0}]", ERR_INVALID,
            "operation 0 (add \"/a/99999999999999999999\"): \"99999999999999999999\" is no list index");
    refuses("{'a':[]}", "[{'op':'add','path':'/a/-1x','value':0}]", ERR_INVALID,
            "operation 0 (add \"/a/-1x\"): \"-1x\" is no list index");
}

TEST(test_json_patch__dash_is_only_for_adding) {
    patches("{'a':[]}", "[{'op':'add','path':'/a/-','value':1}]", "{'a':[1]}");
    refuses("{'a':[1]}", "[{'op':'replace','path':'/a/-','value':2}]", ERR_INVALID,
            "operation 0 (replace \"/a/-\"): \"-\" is no list index");
    patches("{'a':{'-':1}}", "[{'op':'remove','path':'/a/-'}]", "{'a':{}}");
}

TEST(test_json_patch__scalars_have_nothing_below) {
    refuses("{'a':'text'}", "[{'op':'add','path':'/a/b','value':1}]", ERR_INVALID,
            "operation 0 (add \"/a/b\"): what should hold \"b\" is no list and no object");
    refuses("{'a':null}", "[{'op':'test','path':'/a/b/c','value':1}]", ERR_INVALID,
            "operation 0 (test \"/a/b/c\"): what should hold \"b\" is no list and no object");
}

/* Operations. */

TEST(test_json_patch__add_replaces_an_existing_member) {
    patches("{'a':1}", "[{'op':'add','path':'/a','value':{'b':2}}]", "{'a':{'b':2}}");
}

TEST(test_json_patch__add_without_value_adds_null) {
    patches("{}", "[{'op':'add','path':'/a'}]", "{'a':null}");
}

TEST(test_json_patch__add_of_the_whole_document_replaces_it) {
    patches("{'a':1}", "[{'op':'add','path':'','value':[1]},{'op':'add','path':'/0','value':0}]", "[0,1]");
}

TEST(test_json_patch__remove_needs_the_member) {
    refuses("{'a':1}", "[{'op':'remove','path':'/b'}]", ERR_INVALID,
            "operation 0 (remove \"/b\"): there is no \"b\"");
    refuses("{'a':1}", "[{'op':'remove','path':''}]", ERR_INVALID,
            "operation 0 (remove \"\"): the whole document cannot be removed");
}

TEST(test_json_patch__replace_needs_the_member) {
    refuses("{'metadata':{}}", "[{'op':'replace','path':'/metadata/labels','value':{}}]", ERR_INVALID,
            "operation 0 (replace \"/metadata/labels\"): there is no \"labels\"");
}

TEST(test_json_patch__replace_of_the_whole_document) {
    patches("{'a':1}", "[{'op':'replace','path':'','value':{'b':2}}]", "{'b':2}");
}

TEST(test_json_patch__move_to_itself_changes_nothing) {
    patches("{'a':[1]}", "[{'op':'move','from':'/a','path':'/a'}]", "{'a':[1]}");
    refuses("{'a':1}", "[{'op':'move','from':'/b','path':'/b'}]", ERR_INVALID,
            "operation 0 (move \"/b\"): there is no \"b\"");
}

TEST(test_json_patch__move_cannot_go_inside_itself) {
    malformed("[{'op':'move','from':'/a','path':'/a/b'}]", ERR_INVALID,
              "operation 0: a value cannot be moved into itself");
    malformed("[{'op':'move','from':'','path':'/a'}]", ERR_INVALID,
              "operation 0: a value cannot be moved into itself");
    patches("{'a':{},'ab':{}}", "[{'op':'move','from':'/a','path':'/ab/c'}]", "{'ab':{'c':{}}}");
}

TEST(test_json_patch__copy_is_independent_of_its_source) {
    patches("{'a':{'b':[1]}}",
            "[{'op':'add','path':'/a/b/-','value':2},{'op':'copy','from':'/a','path':'/c'},"
            "{'op':'add','path':'/a/b/-','value':3},{'op':'replace','path':'/c/b/0','value':9}]",
            "{'a':{'b':[1,2,3]},'c':{'b':[9,2]}}");
}

TEST(test_json_patch__copy_of_the_document_into_itself) {
    patches("{'a':1}", "[{'op':'copy','from':'','path':'/b'},{'op':'copy','from':'','path':'/b/c'}]",
            "{'a':1,'b':{'a':1,'c':{'a':1,'b':{'a':1}}}}");
}

TEST(test_json_patch__a_value_used_twice_is_two_values) {
    patches("{}",
            "[{'op':'add','path':'/a','value':[0]},{'op':'copy','from':'/a','path':'/b'},"
            "{'op':'add','path':'/a/-','value':1}]",
            "{'a':[0,1],'b':[0]}");
}

TEST(test_json_patch__test_compares_by_value) {
    patches("{'a':{'x':[1,{'y':null}]}}", "[{'op':'test','path':'/a','value':{'x':[1.0,{'y':null}]}}]",
            "{'a':{'x':[1,{'y':null}]}}");
    patches("{'a':1}", "[{'op':'test','path':'','value':{'a':1}}]", "{'a':1}");
    refuses("{'a':[1,2]}", "[{'op':'test','path':'/a','value':[2,1]}]", ERR_CONFLICT,
            "operation 0 (test \"/a\"): the value differs");
}

TEST(test_json_patch__test_sees_earlier_operations) {
    patches("{'a':{'b':[1]}}",
            "[{'op':'add','path':'/a/b/-','value':2},{'op':'test','path':'','value':{'a':{'b':[1,2]}}}]",
            "{'a':{'b':[1,2]}}");
}

TEST(test_json_patch__test_for_null_holds_where_nothing_is) {
    patches("{'a':1}", "[{'op':'test','path':'/b','value':null},{'op':'test','path':'/b'}]", "{'a':1}");
    refuses("{'a':1}", "[{'op':'test','path':'/b','value':1}]", ERR_CONFLICT,
            "operation 0 (test \"/b\"): the value differs");
}

TEST(test_json_patch__error_names_the_operation) {
    refuses("{}", "[{'op':'add','path':'/a','value':1},{'op':'remove','path':'/b'}]", ERR_INVALID,
            "operation 1 (remove \"/b\"): there is no \"b\"");
}

TEST(test_json_patch__no_operation_gives_the_same_document) {
    patches("{'a':[{}]}", "[]", "{'a':[{}]}");
}

/* Reading. */

TEST(test_json_patch__patch_must_be_a_list_of_objects) {
    malformed("{}", ERR_INVALID, "a JSON patch is a list of operations");
    malformed("[1]", ERR_INVALID, "operation 0: not an object");
    malformed("[{'op':'remove'}]", ERR_INVALID, "operation 0: \"path\" must be a string");
    malformed("[{'op':'remove','path':1}]", ERR_INVALID, "operation 0: \"path\" must be a string");
    malformed("[{'op':'copy','path':'/a'}]", ERR_INVALID, "operation 0: \"from\" must be a string");
    malformed("[{'path':'/a'}]", ERR_INVALID,
              "operation 0: \"op\" must be add, remove, replace, move, copy or test");
}

/* Limits. */

static struct jval repeat(struct arena *a, uint32_t n, struct jval item) {
    struct jval *items = arena_new_n(a, n, struct jval);
    for (uint32_t i = 0; i < n; i++)
        items[i] = item;
    return jval_array(items, n);
}

static int run(struct arena *a, const struct jval *patch, const struct jval *doc, struct jval *out,
               struct err *err) {
    struct json_patch read;
    int rc = json_patch_read(a, patch, &read, err);
    return rc ? rc : json_patch_apply(a, &read, doc, out, err);
}

TEST(test_json_patch__number_of_operations_is_limited) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval doc = tree(&a, "{'a':[]}"), add = tree(&a, "{'op':'add','path':'/a/0','value':1}"), out;
    struct jval ok = repeat(&a, JSON_PATCH_OPERATIONS_MAX, add);
    struct jval more = repeat(&a, JSON_PATCH_OPERATIONS_MAX + 1, add);
    assert_ok(run(&a, &ok, &doc, &out, &err), &err);
    assert_int_equal(jval_get(&out, S("a"))->n, JSON_PATCH_OPERATIONS_MAX);
    assert_fails(run(&a, &more, &doc, &out, &err), ERR_TOO_LARGE);
}

TEST(test_json_patch__copies_are_limited_in_sum) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    char *big = arena_bytes(&a, 1024 * 1024);
    memset(big, 'x', 1024 * 1024);
    struct jval doc = jval_with(&a, NULL, S("a"), jval_str(str_make(big, 1024 * 1024))), out;
    struct jval copy = tree(&a, "{'op':'copy','from':'/a','path':'/b'}");
    struct jval two = repeat(&a, 2, copy), three = repeat(&a, 3, copy);
    assert_ok(run(&a, &two, &doc, &out, &err), &err);
    assert_fails(run(&a, &three, &doc, &out, &err), ERR_TOO_LARGE);
}

TEST(test_json_patch__doubling_copies_stop_early) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval doc = tree(&a, "{'a':[1]}"), out;
    struct jval p = repeat(&a, 64, tree(&a, "{'op':'copy','from':'/a','path':'/a/-'}"));
    assert_fails(run(&a, &p, &doc, &out, &err), ERR_TOO_LARGE);
    assert_true(arena_total_bytes(&a) < 128u * 1024 * 1024);
}

TEST(test_json_patch__moving_many_items_many_times_is_refused) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval doc = repeat(&a, 200000, jval_int(1)), out;
    struct jval p = repeat(&a, JSON_PATCH_OPERATIONS_MAX, tree(&a, "{'op':'add','path':'/0','value':1}"));
    assert_fails(run(&a, &p, &doc, &out, &err), ERR_TOO_LARGE);
}

TEST(test_json_patch__depth_is_limited) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval doc = tree(&a, "{'a':[],'b':[]}"), out;
    struct jval nest[2] = {tree(&a, "{'op':'move','from':'/a','path':'/b/-'}"), /* b: [a] */
                           tree(&a, "{'op':'move','from':'/b','path':'/a'}")};
    struct jval *ops = arena_new_n(&a, 6000, struct jval);
    for (uint32_t i = 0; i < 6000; i += 3) {
        ops[i] = nest[0];
        ops[i + 1] = nest[1];
        ops[i + 2] = tree(&a, "{'op':'add','path':'/b','value':[]}");
    }
    struct jval few = jval_array(ops, 900), many = jval_array(ops, 6000);
    assert_ok(run(&a, &few, &doc, &out, &err), &err);
    assert_fails(run(&a, &many, &doc, &out, &err), ERR_TOO_LARGE);
}

TEST(test_json_patch__pointers_are_limited) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    char *path = arena_bytes(&a, JSON_DEPTH_MAX + 1);
    memset(path, '/', JSON_DEPTH_MAX + 1);
    struct jval doc = jval_null(), out, op = tree(&a, "{'op':'test'}");
    op = jval_with(&a, &op, S("path"), jval_str(str_make(path, JSON_DEPTH_MAX + 1)));
    struct jval p = jval_array(&op, 1);
    assert_fails(run(&a, &p, &doc, &out, &err), ERR_TOO_LARGE);
}
