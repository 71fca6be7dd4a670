/* api/strategic: applying */
#include "api/strategic.h"

#include "api/types/ids.h"
#include "unit/api/patch_test.h"

static int apply(struct arena *a, uint32_t type, const struct jval *original, const struct jval *patch,
                 struct jval *out, struct err *err) {
    return strategic_apply(a, pos_type(&builtin, type), original, patch, out, err);
}

static void patches_type(uint32_t type, const char *original, const char *patch, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval o = tree(&a, original), p = tree(&a, patch), out;
    assert_ok(apply(&a, type, &o, &p, &out, &err), &err);
    assert_tree(&a, &out, expected);
    assert_tree(&a, &o, original);
    assert_tree(&a, &p, patch);
}

static void refuses_type(uint32_t type, const char *original, const char *patch, const char *message) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval o = tree(&a, original), p = tree(&a, patch), out = jval_int(7);
    assert_fails(apply(&a, type, &o, &p, &out, &err), ERR_INVALID);
    assert_string_equal(err.msg, message);
    assert_int_equal(out.i, 7);
}

/* Of the parts of a pod's spec. */
static void patches(const char *original, const char *patch, const char *expected) {
    patches_type(TY_CORE_POD_SPEC, original, patch, expected);
}
static void refuses(const char *original, const char *patch, const char *message) {
    refuses_type(TY_CORE_POD_SPEC, original, patch, message);
}
static void patches_meta(const char *original, const char *patch, const char *expected) {
    patches_type(TY_META_OBJECT_META, original, patch, expected);
}

/* Maps and plain values. */

TEST(test_strategic__sets_and_changes_members) {
    patches("{'nodeName':'a','priority':1}", "{'nodeName':'b','hostname':'h'}",
            "{'nodeName':'b','priority':1,'hostname':'h'}");
}

TEST(test_strategic__null_deletes_a_member) {
    patches("{'nodeName':'a','priority':1}", "{'nodeName':null}", "{'priority':1}");
}

TEST(test_strategic__null_for_an_absent_member_does_nothing) {
    patches("{'priority':1}", "{'nodeName':null}", "{'priority':1}");
}

TEST(test_strategic__null_deletes_a_list) {
    patches("{'containers':[{'name':'a'}],'priority':1}", "{'containers':null}", "{'priority':1}");
}

TEST(test_strategic__null_deletes_a_map) {
    patches("{'nodeSelector':{'a':'b'}}", "{'nodeSelector':null}", "{}");
}

TEST(test_strategic__merges_nested_maps) {
    patches("{'securityContext':{'runAsUser':1,'seLinuxOptions':{'level':'a','role':'r'}}}",
            "{'securityContext':{'seLinuxOptions':{'level':'b'},'fsGroup':2}}",
            "{'securityContext':{'runAsUser':1,'fsGroup':2,'seLinuxOptions':{'level':'b','role':'r'}}}");
}

TEST(test_strategic__merges_string_maps) {
    patches_meta("{'labels':{'a':'1','b':'2'}}", "{'labels':{'b':'3','c':'4','a':null}}",
                 "{'labels':{'b':'3','c':'4'}}");
}

TEST(test_strategic__empty_patch_changes_nothing) {
    patches("{'containers':[{'name':'a'}]}", "{}", "{'containers':[{'name':'a'}]}");
}

TEST(test_strategic__empty_map_in_patch_merges_nothing) {
    patches("{'securityContext':{'runAsUser':1}}", "{'securityContext':{}}",
            "{'securityContext':{'runAsUser':1}}");
}

TEST(test_strategic__new_empty_map_is_kept) {
    patches("{}", "{'securityContext':{}}", "{'securityContext':{}}");
}

TEST(test_strategic__change_of_type_replaces) {
    patches("{'nodeName':'a','containers':[{'name':'a'}]}", "{'nodeName':{'x':1},'containers':'none'}",
            "{'nodeName':{'x':1},'containers':'none'}");
}

TEST(test_strategic__new_value_loses_its_nulls) {
    patches("{}", "{'securityContext':{'runAsUser':null,'fsGroup':1,'seLinuxOptions':{'level':null}}}",
            "{'securityContext':{'fsGroup':1,'seLinuxOptions':{}}}");
}

TEST(test_strategic__new_annotations_lose_their_nulls) {
    patches_meta("{}", "{'annotations':{'a':'1','b':null}}", "{'annotations':{'a':'1'}}");
}

TEST(test_strategic__unknown_members_are_kept) {
    patches("{'nodeName':'a'}", "{'unheardOf':{'x':[1]},'other':2}",
            "{'nodeName':'a','unheardOf':{'x':[1]},'other':2}");
}

TEST(test_strategic__unknown_maps_merge_and_unknown_lists_replace) {
    patches("{'unheardOf':{'a':1,'l':[1,2]}}", "{'unheardOf':{'b':2,'l':[3]}}",
            "{'unheardOf':{'a':1,'b':2,'l':[3]}}");
}

TEST(test_strategic__patch_must_be_an_object) {
    refuses("{}", "[]", "a strategic merge patch is an object");
}

TEST(test_strategic__merges_into_nothing) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval p = tree(&a, "{'nodeName':'a','containers':[{'name':'c','$patch':'delete'}]}"), out;
    assert_ok(apply(&a, TY_CORE_POD_SPEC, NULL, &p, &out, &err), &err);
    assert_tree(&a, &out, "{'nodeName':'a','containers':[]}");
}

TEST(test_strategic__goes_through_inlined_types) {
    patches("{'ephemeralContainers':[{'name':'a','env':[{'name':'x','value':'1'}]}]}",
            "{'ephemeralContainers':[{'name':'a','env':[{'name':'x','value':'2'}]}]}",
            "{'ephemeralContainers':[{'name':'a','env':[{'name':'x','value':'2'}]}]}");
}

/* Lists without merge strategy. */

TEST(test_strategic__atomic_list_of_values_is_replaced) {
    patches("{'containers':[{'name':'a','args':['x','y']}]}", "{'containers':[{'name':'a','args':['z']}]}",
            "{'containers':[{'name':'a','args':['z']}]}");
}

TEST(test_strategic__atomic_list_of_maps_is_replaced) {
    patches("{'tolerations':[{'key':'a'},{'key':'b'}]}", "{'tolerations':[{'key':'c'}]}",
            "{'tolerations':[{'key':'c'}]}");
}

TEST(test_strategic__atomic_list_becomes_empty) {
    patches("{'tolerations':[{'key':'a'}]}", "{'tolerations':[]}", "{'tolerations':[]}");
}

/* Lists of maps merged by key. */

TEST(test_strategic__merges_items_by_key) {
    patches("{'containers':[{'name':'a','image':'1'},{'name':'b','image':'1'}]}",
            "{'containers':[{'name':'b','image':'2'}]}",
            "{'containers':[{'name':'a','image':'1'},{'name':'b','image':'2'}]}");
}

TEST(test_strategic__new_item_goes_to_the_front) {
    patches("{'containers':[{'name':'a'},{'name':'b'}]}", "{'containers':[{'name':'c'}]}",
            "{'containers':[{'name':'c'},{'name':'a'},{'name':'b'}]}");
}

TEST(test_strategic__new_items_keep_the_order_of_the_patch) {
    patches("{'containers':[{'name':'a'}]}", "{'containers':[{'name':'c'},{'name':'b'}]}",
            "{'containers':[{'name':'c'},{'name':'b'},{'name':'a'}]}");
}

TEST(test_strategic__named_items_take_the_order_of_the_patch) {
    patches("{'containers':[{'name':'a'},{'name':'b'},{'name':'c'}]}",
            "{'containers':[{'name':'c','tty':true},{'name':'a','tty':true}]}",
            "{'containers':[{'name':'b'},{'name':'c','tty':true},{'name':'a','tty':true}]}");
}

TEST(test_strategic__unnamed_items_stay_before_what_followed_them) {
    patches("{'containers':[{'name':'a'},{'name':'b'},{'name':'c'}]}",
            "{'containers':[{'name':'a','tty':true},{'name':'c','tty':true}]}",
            "{'containers':[{'name':'a','tty':true},{'name':'b'},{'name':'c','tty':true}]}");
}

TEST(test_strategic__new_item_between_known_ones) {
    patches("{'containers':[{'name':'a'},{'name':'b'}]}",
            "{'containers':[{'name':'a','tty':true},{'name':'n'},{'name':'b','tty':true}]}",
            "{'containers':[{'name':'a','tty':true},{'name':'n'},{'name':'b','tty':true}]}");
}

TEST(test_strategic__empty_patch_list_keeps_the_items) {
    patches("{'containers':[{'name':'a'}]}", "{'containers':[]}", "{'containers':[{'name':'a'}]}");
}

TEST(test_strategic__items_into_an_empty_list) {
    patches("{'containers':[]}", "{'containers':[{'name':'a'},{'name':'b'}]}",
            "{'containers':[{'name':'a'},{'name':'b'}]}");
}

TEST(test_strategic__two_empty_lists_stay_empty) {
    patches("{'containers':[]}", "{'containers':[]}", "{'containers':[]}");
}

TEST(test_strategic__items_into_an_absent_list) {
    patches("{}", "{'containers':[{'name':'b'},{'name':'a'}]}", "{'containers':[{'name':'b'},{'name':'a'}]}");
}

TEST(test_strategic__null_inside_an_item_deletes) {
    patches("{'containers':[{'name':'a','image':'1','tty':true}]}",
            "{'containers':[{'name':'a','image':null}]}", "{'containers':[{'name':'a','tty':true}]}");
}

TEST(test_strategic__new_item_loses_its_nulls) {
    patches("{'containers':[{'name':'a'}]}", "{'containers':[{'name':'b','image':null}]}",
            "{'containers':[{'name':'b'},{'name':'a'}]}");
}

TEST(test_strategic__merges_lists_inside_items) {
    patches("{'containers':[{'name':'a','env':[{'name':'x','value':'1'},{'name':'y','value':'2'}]}]}",
            "{'containers':[{'name':'a','env':[{'name':'y','value':'3'}]}]}",
            "{'containers':[{'name':'a','env':[{'name':'x','value':'1'},{'name':'y','value':'3'}]}]}");
}

TEST(test_strategic__merge_key_may_be_a_number) {
    patches("{'containers':[{'name':'a','ports':[{'containerPort':80,'name':'w'}]}]}",
            "{'containers':[{'name':'a','ports':[{'containerPort':80,'hostPort':8080}]}]}",
            "{'containers':[{'name':'a','ports':[{'containerPort':80,'name':'w','hostPort':8080}]}]}");
}

TEST(test_strategic__numbers_are_keys_by_value) {
    patches("{'containers':[{'name':'a','ports':[{'containerPort':80}]}]}",
            "{'containers':[{'name':'a','ports':[{'containerPort':80.0,'name':'w'}]}]}",
            "{'containers':[{'name':'a','ports':[{'containerPort':80.0,'name':'w'}]}]}");
}

TEST(test_strategic__other_merge_keys) {
    patches("{'containers':[{'name':'a','volumeMounts':[{'mountPath':'/x','name':'v'}]}],"
            "'hostAliases':[{'ip':'::1','hostnames':['h']}]}",
            "{'containers':[{'name':'a','volumeMounts':[{'mountPath':'/x','name':'w'}]}],"
            "'hostAliases':[{'ip':'::1','hostnames':['i']}]}",
            "{'containers':[{'name':'a','volumeMounts':[{'mountPath':'/x','name':'w'}]}],"
            "'hostAliases':[{'ip':'::1','hostnames':['i']}]}");
    patches_meta("{'ownerReferences':[{'uid':'1','name':'a'}]}",
                 "{'ownerReferences':[{'uid':'1','name':'b'}]}",
                 "{'ownerReferences':[{'uid':'1','name':'b'}]}");
}

TEST(test_strategic__first_of_equal_keys_is_merged) {
    patches_type(TY_CORE_SERVICE_SPEC,
                 "{'ports':[{'port':53,'protocol':'UDP'},{'port':53,'protocol':'TCP'}]}",
                 "{'ports':[{'port':53,'name':'dns'}]}",
                 "{'ports':[{'port':53,'protocol':'UDP','name':'dns'},{'port':53,'protocol':'TCP'}]}");
}

TEST(test_strategic__equal_keys_in_the_patch_merge_with_each_other) {
    patches("{'containers':[]}", "{'containers':[{'name':'a','image':'1'},{'name':'a','tty':true}]}",
            "{'containers':[{'name':'a','image':'1','tty':true}]}");
    patches("{'containers':[{'name':'a'}]}",
            "{'containers':[{'name':'a','image':'1'},{'name':'a','image':'2'}]}",
            "{'containers':[{'name':'a','image':'2'}]}");
}

TEST(test_strategic__merges_conditions_by_type) {
    patches_type(TY_CORE_POD_STATUS, "{'conditions':[{'type':'Ready','status':'False'}]}",
                 "{'conditions':[{'type':'Ready','status':'True'},{'type':'X','status':'True'}]}",
                 "{'conditions':[{'type':'Ready','status':'True'},{'type':'X','status':'True'}]}");
}

/* What is wrong with items. */

TEST(test_strategic__patch_item_needs_the_merge_key) {
    refuses("{'imagePullSecrets':[{'name':'a'}]}", "{'imagePullSecrets':[{}]}",
            "map: map[] does not contain declared merge key: name");
}

TEST(test_strategic__original_item_needs_the_merge_key) {
    refuses("{'imagePullSecrets':[{}]}", "{'imagePullSecrets':[{'name':'a'}]}",
            "map: map[] does not contain declared merge key: name");
}

TEST(test_strategic__message_shows_the_item) {
    refuses("{'containers':[]}", "{'containers':[{'image':'x','args':['a',1],'tty':true,'env':null}]}",
            "map: map[args:[a 1] env:<nil> image:x tty:true] does not contain declared merge key: name");
}

TEST(test_strategic__merge_key_must_be_a_plain_value) {
    refuses("{'containers':[]}", "{'containers':[{'name':{'a':1}}]}",
            "merge key name must be a string, number or boolean");
    refuses("{'containers':[]}", "{'containers':[{'name':['a']}]}",
            "merge key name must be a string, number or boolean");
}

TEST(test_strategic__mixed_lists_cannot_be_merged) {
    refuses("{'containers':[{'name':'a'}]}", "{'containers':['b']}",
            "a list of objects has an item that is none");
    refuses("{'containers':[{'name':'a'}]}", "{'containers':[null]}",
            "a list of objects has an item that is none");
}

TEST(test_strategic__lists_of_lists_cannot_be_merged) {
    refuses("{'containers':[]}", "{'containers':[[]]}", "lists of lists cannot be merged");
}

TEST(test_strategic__maps_in_a_list_of_values_cannot_be_merged) {
    refuses_type(TY_META_OBJECT_META, "{'finalizers':[]}", "{'finalizers':[{'a':1}]}",
                 "a list of objects without a merge key cannot be merged");
}

/* Lists of plain values with merge strategy. */

TEST(test_strategic__values_are_a_set) {
    patches_meta("{'finalizers':['a','b']}", "{'finalizers':['c','a']}", "{'finalizers':['c','a','b']}");
}

TEST(test_strategic__new_values_go_to_the_front) {
    patches_meta("{'finalizers':['a','b']}", "{'finalizers':['c']}", "{'finalizers':['c','a','b']}");
}

TEST(test_strategic__duplicate_values_collapse) {
    patches_meta("{'finalizers':['a','a','b']}", "{'finalizers':['c','c']}", "{'finalizers':['c','a','b']}");
}

TEST(test_strategic__values_into_an_absent_list) {
    patches_meta("{}", "{'finalizers':['b','a']}", "{'finalizers':['b','a']}");
}

/* $patch: replace. */

TEST(test_strategic__replace_takes_the_map_as_it_is) {
    patches("{'securityContext':{'runAsUser':1,'fsGroup':2}}",
            "{'securityContext':{'$patch':'replace','runAsUser':3}}", "{'securityContext':{'runAsUser':3}}");
}

TEST(test_strategic__replace_at_the_root) {
    patches("{'nodeName':'a','priority':1}", "{'$patch':'replace','nodeName':'b'}", "{'nodeName':'b'}");
}

TEST(test_strategic__replace_clears_a_map) {
    patches("{'securityContext':{'runAsUser':1}}", "{'securityContext':{'$patch':'replace'}}",
            "{'securityContext':{}}");
}

TEST(test_strategic__replace_of_an_absent_map_sets_it) {
    patches("{}", "{'securityContext':{'$patch':'replace','runAsUser':3}}",
            "{'securityContext':{'runAsUser':3}}");
}

TEST(test_strategic__replace_covers_lists_below) {
    patches("{'containers':[{'name':'a'}],'volumes':[{'name':'v'}]}",
            "{'$patch':'replace','containers':[{'name':'b'}]}", "{'containers':[{'name':'b'}]}");
}

TEST(test_strategic__replace_item_replaces_the_list) {
    patches("{'containers':[{'name':'a'},{'name':'b'}]}",
            "{'containers':[{'name':'c'},{'$patch':'replace'},{'name':'a','tty':true}]}",
            "{'containers':[{'name':'c'},{'name':'a','tty':true}]}");
}

TEST(test_strategic__replace_item_alone_clears_the_list) {
    patches("{'containers':[{'name':'a'}]}", "{'containers':[{'$patch':'replace'}]}", "{'containers':[]}");
}

TEST(test_strategic__replace_item_wins_over_deletions) {
    patches("{'containers':[{'name':'a'},{'name':'b'}]}",
            "{'containers':[{'$patch':'replace'},{'name':'a','$patch':'delete'},{'name':'c'}]}",
            "{'containers':[{'name':'c'}]}");
}

TEST(test_strategic__replace_item_in_an_absent_list) {
    patches("{}", "{'containers':[{'$patch':'replace'},{'name':'c'}]}", "{'containers':[{'name':'c'}]}");
}

/* $patch: delete. */

TEST(test_strategic__delete_empties_a_map) {
    patches("{'securityContext':{'runAsUser':1},'priority':1}", "{'securityContext':{'$patch':'delete'}}",
            "{'securityContext':{},'priority':1}");
}

TEST(test_strategic__delete_of_an_absent_map_leaves_nothing) {
    patches("{'priority':1}", "{'securityContext':{'$patch':'delete'}}", "{'priority':1}");
}

TEST(test_strategic__delete_removes_an_item) {
    patches("{'containers':[{'name':'a'},{'name':'b'}]}", "{'containers':[{'name':'a','$patch':'delete'}]}",
            "{'containers':[{'name':'b'}]}");
}

TEST(test_strategic__delete_removes_all_items_of_that_key) {
    patches_type(TY_CORE_SERVICE_SPEC,
                 "{'ports':[{'port':53,'protocol':'UDP'},{'port':80},{'port':53,'protocol':'TCP'}]}",
                 "{'ports':[{'port':53,'$patch':'delete'}]}", "{'ports':[{'port':80}]}");
}

TEST(test_strategic__delete_of_an_unknown_item_does_nothing) {
    patches("{'containers':[{'name':'a'}]}", "{'containers':[{'name':'x','$patch':'delete'}]}",
            "{'containers':[{'name':'a'}]}");
}

TEST(test_strategic__delete_and_add_in_one_list) {
    patches("{'containers':[{'name':'a'},{'name':'b'}]}",
            "{'containers':[{'name':'a','$patch':'delete'},{'name':'c'}]}",
            "{'containers':[{'name':'c'},{'name':'b'}]}");
}

TEST(test_strategic__delete_then_add_the_same_key_replaces_the_item) {
    patches("{'containers':[{'name':'a','image':'1','tty':true}]}",
            "{'containers':[{'name':'a','$patch':'delete'},{'name':'a','image':'2'}]}",
            "{'containers':[{'name':'a','image':'2'}]}");
}

TEST(test_strategic__delete_needs_the_merge_key) {
    refuses("{'containers':[{'name':'a'}]}", "{'containers':[{'$patch':'delete'}]}",
            "map: map[$patch:delete] does not contain declared merge key: name");
}

TEST(test_strategic__delete_in_an_absent_list_leaves_no_directive) {
    patches("{}", "{'containers':[{'name':'a','$patch':'delete'},{'name':'b'}]}",
            "{'containers':[{'name':'b'}]}");
}

TEST(test_strategic__delete_below_an_absent_map_leaves_no_directive) {
    patches("{}", "{'securityContext':{'seLinuxOptions':{'$patch':'delete'},'runAsUser':1}}",
            "{'securityContext':{'runAsUser':1}}");
}

/* Other values of $patch. */

TEST(test_strategic__merge_directive_is_refused) {
    refuses("{'securityContext':{}}", "{'securityContext':{'$patch':'merge'}}",
            "$patch must be \"replace\" or \"delete\"");
    refuses("{'containers':[]}", "{'containers':[{'name':'a','$patch':'merge'}]}",
            "$patch of a list item must be \"replace\" or \"delete\"");
}

TEST(test_strategic__unknown_directives_are_refused) {
    refuses("{}", "{'$patch':'explode'}", "$patch must be \"replace\" or \"delete\"");
    refuses("{}", "{'$patch':1}", "$patch must be \"replace\" or \"delete\"");
    refuses("{}", "{'securityContext':{'$patch':'explode'}}", "$patch must be \"replace\" or \"delete\"");
}

/* $retainKeys. */

TEST(test_strategic__retain_keys_clears_the_others) {
    patches_type(
        TY_APPS_DEPLOYMENT_SPEC, "{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1}}}",
        "{'strategy':{'$retainKeys':['type'],'type':'Recreate'}}", "{'strategy':{'type':'Recreate'}}");
}

TEST(test_strategic__retain_keys_keeps_what_it_lists) {
    patches_type(TY_APPS_DEPLOYMENT_SPEC,
                 "{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1},'x':1}}",
                 "{'strategy':{'$retainKeys':['type','rollingUpdate']}}",
                 "{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1}}}");
}

TEST(test_strategic__retain_keys_in_list_items) {
    patches("{'volumes':[{'name':'v','emptyDir':{}},{'name':'w','emptyDir':{}}]}",
            "{'volumes':[{'name':'v','$retainKeys':['name','configMap'],'configMap':{'name':'c'}}]}",
            "{'volumes':[{'name':'v','configMap':{'name':'c'}},{'name':'w','emptyDir':{}}]}");
}

TEST(test_strategic__retain_keys_must_cover_the_patch) {
    refuses_type(TY_APPS_DEPLOYMENT_SPEC, "{'strategy':{}}",
                 "{'strategy':{'$retainKeys':['rollingUpdate'],'type':'Recreate'}}",
                 "$retainKeys does not list \"type\", which the patch sets");
}

TEST(test_strategic__retain_keys_need_not_cover_nulls_and_directives) {
    patches("{'nodeName':'n','tolerations':[],'containers':[{'name':'a'}]}",
            "{'$retainKeys':['nodeName','containers'],'priority':null,'$setElementOrder/containers':[]}",
            "{'nodeName':'n','containers':[{'name':'a'}]}");
}

TEST(test_strategic__retain_keys_must_be_a_list_of_names) {
    refuses("{}", "{'$retainKeys':'a'}", "$retainKeys must be a list of names");
    refuses("{}", "{'$retainKeys':[1]}", "$retainKeys must be a list of names");
}

TEST(test_strategic__empty_retain_keys_clears_everything) {
    patches("{'nodeName':'n'}", "{'$retainKeys':[]}", "{}");
}

TEST(test_strategic__retain_keys_of_a_new_map_are_not_kept) {
    patches_type(TY_APPS_DEPLOYMENT_SPEC, "{}", "{'strategy':{'$retainKeys':['type'],'type':'Recreate'}}",
                 "{'strategy':{'type':'Recreate'}}");
    patches("{'volumes':[]}", "{'volumes':[{'name':'v','$retainKeys':['name','emptyDir'],'emptyDir':{}}]}",
            "{'volumes':[{'name':'v','emptyDir':{}}]}");
}

/* $deleteFromPrimitiveList. */

TEST(test_strategic__deletes_values) {
    patches_meta("{'finalizers':['a','b','c']}", "{'$deleteFromPrimitiveList/finalizers':['a','c','x']}",
                 "{'finalizers':['b']}");
}

TEST(test_strategic__deletes_all_equal_values) {
    patches_meta("{'finalizers':['a','b','a']}", "{'$deleteFromPrimitiveList/finalizers':['a']}",
                 "{'finalizers':['b']}");
}

TEST(test_strategic__deletes_and_adds_values) {
    patches_meta("{'finalizers':['a','b']}",
                 "{'$deleteFromPrimitiveList/finalizers':['a'],'finalizers':['c']}",
                 "{'finalizers':['c','b']}");
}

TEST(test_strategic__deletes_values_of_lists_that_do_not_merge) {
    patches("{'containers':[{'name':'a','args':['x','y']}]}",
            "{'containers':[{'name':'a','$deleteFromPrimitiveList/args':['x']}]}",
            "{'containers':[{'name':'a','args':['y']}]}");
}

TEST(test_strategic__deleting_values_of_an_absent_list_does_nothing) {
    patches_meta("{'name':'n'}", "{'$deleteFromPrimitiveList/finalizers':['a']}", "{'name':'n'}");
}

TEST(test_strategic__deleting_values_below_an_absent_map_leaves_no_directive) {
    patches("{}", "{'securityContext':{'$deleteFromPrimitiveList/supplementalGroups':[1],'fsGroup':2}}",
            "{'securityContext':{'fsGroup':2}}");
}

TEST(test_strategic__deletion_of_values_must_name_a_list) {
    refuses_type(TY_META_OBJECT_META, "{}", "{'$deleteFromPrimitiveList':['a']}",
                 "\"$deleteFromPrimitiveList\" must be followed by a slash and the name of a list");
    refuses_type(TY_META_OBJECT_META, "{}", "{'$deleteFromPrimitiveListX/a':['a']}",
                 "\"$deleteFromPrimitiveListX/a\" must be followed by a slash and the name of a list");
    refuses_type(TY_META_OBJECT_META, "{'finalizers':['a']}", "{'$deleteFromPrimitiveList/finalizers':'a'}",
                 "\"finalizers\" must be a list");
}

TEST(test_strategic__deletion_of_values_is_not_for_maps) {
    refuses("{'containers':[{'name':'a'}]}", "{'$deleteFromPrimitiveList/containers':[{'name':'a'}]}",
            "$deleteFromPrimitiveList is for lists of plain values");
}

/* $setElementOrder. */

TEST(test_strategic__order_of_values) {
    patches_meta("{'finalizers':['a','b','c']}", "{'$setElementOrder/finalizers':['b','c','a']}",
                 "{'finalizers':['b','c','a']}");
}

TEST(test_strategic__order_of_items) {
    patches("{'containers':[{'name':'a'},{'name':'b'},{'name':'c'}]}",
            "{'$setElementOrder/containers':[{'name':'c'},{'name':'a'},{'name':'b'}]}",
            "{'containers':[{'name':'c'},{'name':'a'},{'name':'b'}]}");
}

TEST(test_strategic__order_with_changes) {
    patches("{'containers':[{'name':'a'},{'name':'b'}]}",
            "{'$setElementOrder/containers':[{'name':'b'},{'name':'n'},{'name':'a'}],"
            "'containers':[{'name':'n'},{'name':'a','tty':true}]}",
            "{'containers':[{'name':'b'},{'name':'n'},{'name':'a','tty':true}]}");
}

TEST(test_strategic__order_puts_new_items_at_the_end) {
    patches("{'containers':[{'name':'a'},{'name':'b'}]}",
            "{'$setElementOrder/containers':[{'name':'a'},{'name':'b'},{'name':'n'}],"
            "'containers':[{'name':'n'}]}",
            "{'containers':[{'name':'a'},{'name':'b'},{'name':'n'}]}");
}

TEST(test_strategic__order_leaves_unlisted_items_where_they_stood) {
    patches("{'containers':[{'name':'a'},{'name':'sidecar'},{'name':'b'}]}",
            "{'$setElementOrder/containers':[{'name':'a'},{'name':'b'}]}",
            "{'containers':[{'name':'a'},{'name':'sidecar'},{'name':'b'}]}");
    patches("{'containers':[{'name':'a'},{'name':'b'},{'name':'sidecar'}]}",
            "{'$setElementOrder/containers':[{'name':'b'},{'name':'a'}]}",
            "{'containers':[{'name':'b'},{'name':'a'},{'name':'sidecar'}]}");
}

TEST(test_strategic__order_with_deletions) {
    patches("{'containers':[{'name':'a'},{'name':'b'},{'name':'c'}]}",
            "{'$setElementOrder/containers':[{'name':'c'},{'name':'b'}],"
            "'containers':[{'name':'a','$patch':'delete'}]}",
            "{'containers':[{'name':'c'},{'name':'b'}]}");
}

TEST(test_strategic__order_with_deleted_values) {
    patches_meta("{'finalizers':['a','b','c']}",
                 "{'$setElementOrder/finalizers':['c','a','d'],'$deleteFromPrimitiveList/finalizers':['b'],"
                 "'finalizers':['d']}",
                 "{'finalizers':['c','a','d']}");
}

TEST(test_strategic__order_of_a_new_list) {
    patches("{}",
            "{'$setElementOrder/containers':[{'name':'a'},{'name':'b'}],"
            "'containers':[{'name':'a'},{'name':'b'}]}",
            "{'containers':[{'name':'a'},{'name':'b'}]}");
}

TEST(test_strategic__order_without_list_does_nothing) {
    patches("{'nodeName':'n'}", "{'$setElementOrder/containers':[{'name':'a'}]}", "{'nodeName':'n'}");
}

TEST(test_strategic__order_below_an_absent_map_leaves_no_directive) {
    patches_type(
        TY_APPS_DEPLOYMENT_SPEC, "{}",
        "{'template':{'spec':{'$setElementOrder/containers':[{'name':'a'}],'containers':[{'name':'a'}]}}}",
        "{'template':{'spec':{'containers':[{'name':'a'}]}}}");
}

TEST(test_strategic__order_must_agree_with_the_patch) {
    refuses("{'containers':[{'name':'a'}]}",
            "{'$setElementOrder/containers':[{'name':'a'}],'containers':[{'name':'b'}]}",
            "the patch's list is not in the order of its $setElementOrder");
    refuses("{'containers':[{'name':'a'}]}",
            "{'$setElementOrder/"
            "containers':[{'name':'a'},{'name':'b'}],'containers':[{'name':'b'},{'name':'a'}]}",
            "the patch's list is not in the order of its $setElementOrder");
    refuses_type(TY_META_OBJECT_META, "{'finalizers':['a']}",
                 "{'$setElementOrder/finalizers':['a'],'finalizers':['b']}",
                 "the patch's list is not in the order of its $setElementOrder");
}

TEST(test_strategic__order_needs_lists) {
    refuses("{'containers':[]}", "{'$setElementOrder/containers':{}}", "\"containers\" must be a list");
    refuses("{'containers':[]}", "{'$setElementOrder/containers':[],'containers':null}",
            "\"containers\" must be a list");
    refuses("{'containers':'x'}", "{'$setElementOrder/containers':[]}", "\"containers\" must be a list");
}

TEST(test_strategic__order_needs_merge_keys) {
    refuses("{'containers':[{'name':'a'}]}", "{'$setElementOrder/containers':[{}]}",
            "map: map[] does not contain declared merge key: name");
}

TEST(test_strategic__order_is_for_merged_lists) {
    refuses("{'tolerations':[{'key':'a'}]}", "{'$setElementOrder/tolerations':[{'key':'a'}]}",
            "the order of \"tolerations\" cannot be set: the list is not merged");
}

TEST(test_strategic__order_must_name_a_list) {
    refuses("{}", "{'$setElementOrder':[]}",
            "\"$setElementOrder\" must be followed by a slash and the name of a list");
}

/* Strategies of maps. */

TEST(test_strategic__maps_with_replace_strategy_are_replaced) {
    patches_type(
        TY_POLICY_POD_DISRUPTION_BUDGET_SPEC, "{'selector':{'matchLabels':{'a':'1'}},'minAvailable':1}",
        "{'selector':{'matchLabels':{'b':'2'}}}", "{'selector':{'matchLabels':{'b':'2'}},'minAvailable':1}");
}

TEST(test_strategic__whole_object) {
    patches_type(TY_CORE_POD,
                 "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p','labels':{'a':'1'}},"
                 "'spec':{'containers':[{'name':'c','image':'i:1','env':[{'name':'E','value':'1'}]}]}}",
                 "{'metadata':{'labels':{'b':'2'}},"
                 "'spec':{'containers':[{'name':'c','image':'i:2','env':[{'name':'F','value':'2'}]}]}}",
                 "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p','labels':{'a':'1','b':'2'}},"
                 "'spec':{'containers':[{'name':'c','image':'i:2',"
                 "'env':[{'name':'F','value':'2'},{'name':'E','value':'1'}]}]}}");
}

/* Limits. */

TEST(test_strategic__depth_is_limited) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval deep = jval_object(NULL, 0), out;
    for (unsigned i = 0; i <= JSON_DEPTH_MAX; i++)
        deep = jval_with(&a, NULL, S("a"), deep);
    assert_fails(apply(&a, TY_CORE_POD, NULL, &deep, &out, &err), ERR_TOO_LARGE);
    assert_fails(apply(&a, TY_CORE_POD, &deep, &deep, &out, &err), ERR_TOO_LARGE);
}

/* An object with `list` at key, whose n items are named after their index modulo `names`. */
static struct jval named_items(struct arena *a, const char *list, uint32_t n, uint32_t names,
                               struct jval inner) {
    struct jval *items = arena_new_n(a, n, struct jval);
    for (uint32_t i = 0; i < n; i++) {
        items[i] = jval_with(a, &inner, S("name"), jval_str(arena_printf(a, "n%u", i % names)));
    }
    return jval_with(a, NULL, str_from(list), jval_array(items, n));
}

TEST(test_strategic__large_lists_merge_fast) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval none = jval_object(NULL, 0), out;
    struct jval original = named_items(&a, "containers", 100000, 100000, none);
    struct jval patch = named_items(&a, "containers", 100000, 50000, none);
    assert_ok(apply(&a, TY_CORE_POD_SPEC, &original, &patch, &out, &err), &err);
    assert_int_equal(jval_get(&out, S("containers"))->n, 100000);
}

TEST(test_strategic__many_patches_of_one_large_item_are_refused) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval out, one = tree(&a, "{'env':[{'name':'x'}]}");
    struct jval original =
        named_items(&a, "containers", 1, 1, named_items(&a, "env", 20000, 20000, jval_null()));
    struct jval patch = named_items(&a, "containers", 20000, 1, one);
    assert_fails(apply(&a, TY_CORE_POD_SPEC, &original, &patch, &out, &err), ERR_TOO_LARGE);
    assert_true(arena_total_bytes(&a) < 128u * 1024 * 1024);
}
