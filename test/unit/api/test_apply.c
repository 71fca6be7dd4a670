/* api/managed: server-side apply: merging, ownership, conflicts, removal. */
#include "apply_world.h"
#include "thing.h"

#include "api/types/ids.h"
#include "unit/unit.h"

static struct world w;

/* Each test starts with no object. */
static void things(void) {
    world_fini(&w);
    world_init(&w, thing_pos(), "x.io/v1");
}

static void deployments(void) {
    world_fini(&w);
    world_init(&w, pos_type(&builtin, TY_APPS_DEPLOYMENT), "apps/v1");
}

/* ---- creating, merging ---- */

TEST(test_apply__creates) {
    things();
    world_apply(&w, "a", "{'metadata':{'name':'t'},'spec':{'number':1,'text':'x'}}");
    assert_object(&w, "{'metadata':{'name':'t'},'spec':{'number':1,'text':'x'}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:number':{},'f:text':{}}}");
    assert_true(w.last.object_changed && w.last.entries_changed);
}

TEST(test_apply__does_not_own_identity) {
    things();
    world_apply(&w, "a",
                "{'kind':'Thing','metadata':{'name':'t','namespace':'n','uid':'u','resourceVersion':'1','"
                "labels':{'l':'1'}}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:metadata':{'f:labels':{'f:l':{}}}}");
}

TEST(test_apply__twice_changes_nothing) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1,'items':[{'name':'i','value':1}],'tags':[2,1]}}");
    struct timestamp then = world_entries(&w).v[0].time;
    world_apply(&w, "a", "{'spec':{'number':1,'items':[{'name':'i','value':1}],'tags':[2,1]}}");
    assert_false(w.last.object_changed);
    assert_false(w.last.entries_changed);
    assert_int_equal(world_entries(&w).v[0].time.sec, then.sec);
}

TEST(test_apply__keeps_what_others_set) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1}}");
    world_apply(&w, "b", "{'spec':{'text':'x'}}");
    assert_object(&w, "{'spec':{'number':1,'text':'x'}}");
    assert_managers(&w,
                    "a Apply x.io/v1 {'f:spec':{'f:number':{}}}; b Apply x.io/v1 {'f:spec':{'f:text':{}}}");
}

TEST(test_apply__own_value_changes_without_conflict) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1}}");
    world_apply(&w, "a", "{'spec':{'number':2}}");
    assert_object(&w, "{'spec':{'number':2}}");
    assert_int_equal(world_entries(&w).v[0].time.sec, 1001);
}

TEST(test_apply__no_schema_at_all) {
    things();
    w.pos = (struct pos){0};
    world_apply(&w, "a", "{'spec':{'m':{'k':1},'l':[1,2]}}");
    world_apply(&w, "b", "{'spec':{'m':{'j':2}}}");
    assert_object(&w, "{'spec':{'l':[1,2],'m':{'j':2,'k':1}}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'.':{},'f:l':{},'f:m':{'.':{},'f:k':{}}}}; "
                        "b Apply x.io/v1 {'f:spec':{'.':{},'f:m':{'.':{},'f:j':{}}}}");
    world_conflicts(&w, "c", "{'spec':{'l':[1]}}", "a .spec.l");
    world_apply(&w, "a", "{'spec':{'l':[1,2]}}");
    assert_object(&w, "{'spec':{'l':[1,2],'m':{'j':2}}}");
}

TEST(test_apply__empty_configuration_of_nobody) {
    things();
    world_apply(&w, "a", "{}");
    assert_object(&w, "{}");
    assert_managers(&w, "");
}

/* ---- ownership, conflicts ---- */

TEST(test_apply__other_value_is_a_conflict) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1}}");
    world_conflicts(&w, "b", "{'spec':{'number':2}}", "a .spec.number");
    assert_object(&w, "{'spec':{'number':1}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:number':{}}}");
}

TEST(test_apply__same_value_is_shared) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1}}");
    world_apply(&w, "b", "{'spec':{'number':1}}");
    assert_managers(&w,
                    "a Apply x.io/v1 {'f:spec':{'f:number':{}}}; b Apply x.io/v1 {'f:spec':{'f:number':{}}}");
    assert_false(w.last.object_changed);
    assert_true(w.last.entries_changed);
}

TEST(test_apply__shared_field_conflicts_with_the_other_owner) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1}}");
    world_apply(&w, "b", "{'spec':{'number':1}}");
    world_conflicts(&w, "a", "{'spec':{'number':2}}", "b .spec.number");
}

TEST(test_apply__force_takes_over) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1,'text':'x'}}");
    world_force(&w, "b", "{'spec':{'number':2}}");
    assert_object(&w, "{'spec':{'number':2,'text':'x'}}");
    assert_managers(&w,
                    "a Apply x.io/v1 {'f:spec':{'f:text':{}}}; b Apply x.io/v1 {'f:spec':{'f:number':{}}}");
}

TEST(test_apply__who_loses_everything_goes) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1}}");
    world_force(&w, "b", "{'spec':{'number':2}}");
    assert_managers(&w, "b Apply x.io/v1 {'f:spec':{'f:number':{}}}");
}

TEST(test_apply__force_without_conflict_is_nothing_special) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1}}");
    world_force(&w, "b", "{'spec':{'number':1,'text':'x'}}");
    assert_managers(
        &w,
        "a Apply x.io/v1 {'f:spec':{'f:number':{}}}; b Apply x.io/v1 {'f:spec':{'f:number':{},'f:text':{}}}");
}

TEST(test_apply__conflicts_by_manager_then_path) {
    things();
    world_apply(&w, "z", "{'spec':{'number':1}}");
    world_apply(&w, "a", "{'spec':{'text':'x','struct':{'x':1,'y':2}}}");
    world_conflicts(&w, "m", "{'spec':{'number':2,'text':'y','struct':{'x':2,'y':3}}}",
                    "a .spec.text; a .spec.struct.x; a .spec.struct.y; z .spec.number");
}

TEST(test_apply__unowned_fields_are_no_conflict) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1,'text':'x'}}");
    world_apply(&w, "b", "{'spec':{'text':'x'}}");
    world_apply(&w, "b", "{}");
    world_apply(&w, "a", "{'spec':{'number':1}}");
    assert_object(&w, "{'spec':{'number':1}}");
    world_apply(&w, "c", "{'spec':{'text':'z'}}");
    assert_object(&w, "{'spec':{'number':1,'text':'z'}}");
}

TEST(test_apply__conflict_with_an_updater) {
    things();
    world_update(&w, "u", "{'spec':{'number':1}}");
    world_conflicts(&w, "a", "{'spec':{'number':2}}", "u .spec.number");
    world_force(&w, "a", "{'spec':{'number':2}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:number':{}}}; u Update x.io/v1 {'f:spec':{}}");
}

TEST(test_apply__same_value_as_an_updater_is_shared) {
    things();
    world_update(&w, "u", "{'spec':{'number':1}}");
    world_apply(&w, "a", "{'spec':{'number':1}}");
    assert_managers(
        &w, "a Apply x.io/v1 {'f:spec':{'f:number':{}}}; u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}");
}

TEST(test_apply__manager_of_the_same_name_but_other_operation_is_another) {
    things();
    world_update(&w, "a", "{'spec':{'number':1}}");
    world_conflicts(&w, "a", "{'spec':{'number':2}}", "a .spec.number");
}

TEST(test_apply__new_object_kind_of_value_in_the_untyped) {
    things();
    world_apply(&w, "a", "{'spec':{'free':{'k':1}}}");
    world_conflicts(&w, "b", "{'spec':{'free':[1]}}", "a .spec.free.k");
    world_force(&w, "b", "{'spec':{'free':[1]}}");
    assert_object(&w, "{'spec':{'free':[1]}}");
    assert_managers(&w, "b Apply x.io/v1 {'f:spec':{'f:free':{}}}");
}

/* ---- giving up ---- */

TEST(test_apply__left_out_field_is_removed) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1,'text':'x'}}");
    world_apply(&w, "a", "{'spec':{'number':1}}");
    assert_object(&w, "{'spec':{'number':1}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:number':{}}}");
}

TEST(test_apply__left_out_field_stays_when_another_applier_owns_it) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1,'text':'x'}}");
    world_apply(&w, "b", "{'spec':{'text':'x'}}");
    world_apply(&w, "a", "{'spec':{'number':1}}");
    assert_object(&w, "{'spec':{'number':1,'text':'x'}}");
    assert_managers(&w,
                    "b Apply x.io/v1 {'f:spec':{'f:text':{}}}; a Apply x.io/v1 {'f:spec':{'f:number':{}}}");
    world_apply(&w, "b", "{}");
    assert_object(&w, "{'spec':{'number':1}}");
}

TEST(test_apply__left_out_field_stays_when_an_updater_owns_it) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1,'text':'x'}}");
    world_update(&w, "u", "{'spec':{'number':2,'text':'x'}}");
    world_apply(&w, "a", "{'spec':{'text':'x'}}");
    assert_object(&w, "{'spec':{'number':2,'text':'x'}}");
    assert_managers(&w,
                    "a Apply x.io/v1 {'f:spec':{'f:text':{}}}; u Update x.io/v1 {'f:spec':{'f:number':{}}}");
}

TEST(test_apply__everything_left_out_removes_all_of_it) {
    things();
    world_apply(&w, "a",
                "{'metadata':{'name':'t','labels':{'l':'1'}},'spec':{'number':1,'items':[{'name':'i'}],'"
                "struct':{'x':1}}}");
    world_apply(&w, "a", "{'metadata':{'name':'t'}}");
    assert_object(&w, "{'metadata':{'name':'t'}}");
    assert_managers(&w, "");
}

TEST(test_apply__struct_goes_with_what_nobody_owns_in_it) {
    things();
    world_apply(&w, "a", "{'spec':{'struct':{'x':1}}}");
    /* A default that nobody owns. */
    world_default(&w, "{'spec':{'struct':{'x':1,'y':7}}}");
    world_apply(&w, "a", "{'spec':{}}");
    assert_object(&w, "{'spec':{}}");
}

TEST(test_apply__unowned_sibling_stays_when_its_struct_stays) {
    things();
    world_apply(&w, "a", "{'spec':{'struct':{'x':1,'z':'a'}}}");
    world_default(&w, "{'spec':{'struct':{'x':1,'y':7,'z':'a'}}}");
    world_apply(&w, "b", "{'spec':{'struct':{'z':'a'}}}");
    world_apply(&w, "a", "{}");
    assert_object(&w, "{'spec':{'struct':{'y':7,'z':'a'}}}");
}

TEST(test_apply__struct_stays_for_an_updater_of_one_field) {
    things();
    world_apply(&w, "a", "{'spec':{'struct':{'x':1}}}");
    world_update(&w, "u", "{'spec':{'struct':{'x':1,'y':1}}}");
    world_apply(&w, "a", "{}");
    assert_object(&w, "{'spec':{'struct':{'y':1}}}");
}

TEST(test_apply__null_for_a_struct_keeps_what_others_own) {
    things();
    world_apply(&w, "a", "{'spec':{'struct':{'x':1}}}");
    world_update(&w, "u", "{'spec':{'struct':{'x':1,'y':1}}}");
    world_apply(&w, "a", "{'spec':{'struct':null}}");
    assert_object(&w, "{'spec':{'struct':{'y':1}}}");
    assert_managers(
        &w,
        "a Apply x.io/v1 {'f:spec':{'f:struct':{}}}; u Update x.io/v1 {'f:spec':{'f:struct':{'f:y':{}}}}");
}

TEST(test_apply__null_for_an_own_struct_is_null) {
    things();
    world_apply(&w, "a", "{'spec':{'struct':{'x':1}}}");
    world_apply(&w, "a", "{'spec':{'struct':null}}");
    assert_object(&w, "{'spec':{'struct':null}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:struct':{}}}");
}

TEST(test_apply__empty_for_an_own_struct_is_empty) {
    things();
    world_apply(&w, "a", "{'spec':{'struct':{'x':1},'labels':{'k':'v'}}}");
    world_apply(&w, "a", "{'spec':{'struct':{},'labels':{}}}");
    assert_object(&w, "{'spec':{'labels':{},'struct':{}}}");
}

TEST(test_apply__took_over_by_an_update_stays) {
    things();
    world_apply(&w, "a", "{'spec':{'struct':{'z':'a'}}}");
    world_update(&w, "u", "{'spec':{'struct':{'z':'b','x':1}}}");
    world_apply(&w, "a", "{'spec':{'struct':null}}");
    assert_object(&w, "{'spec':{'struct':{'x':1,'z':'b'}}}");
}

/* ---- maps ---- */

TEST(test_apply__map_entries_are_owned_one_by_one) {
    things();
    world_apply(&w, "a", "{'spec':{'labels':{'x':'1','y':'2'}}}");
    world_apply(&w, "b", "{'spec':{'labels':{'y':'2','z':'3'}}}");
    assert_object(&w, "{'spec':{'labels':{'x':'1','y':'2','z':'3'}}}");
    world_apply(&w, "a", "{'spec':{'labels':{'x':'1'}}}");
    assert_object(&w, "{'spec':{'labels':{'x':'1','y':'2','z':'3'}}}");
    world_apply(&w, "b", "{}");
    assert_object(&w, "{'spec':{'labels':{'x':'1'}}}");
    world_conflicts(&w, "c", "{'spec':{'labels':{'x':'9','new':'1'}}}", "a .spec.labels.x");
}

TEST(test_apply__map_of_structs_merges_within_entries) {
    things();
    world_apply(&w, "a", "{'spec':{'subs':{'k':{'x':1}}}}");
    world_apply(&w, "b", "{'spec':{'subs':{'k':{'y':2},'l':{}}}}");
    assert_object(&w, "{'spec':{'subs':{'k':{'x':1,'y':2},'l':{}}}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:subs':{'f:k':{'.':{},'f:x':{}}}}}; "
                        "b Apply x.io/v1 {'f:spec':{'f:subs':{'f:k':{'.':{},'f:y':{}},'f:l':{}}}}");
    world_apply(&w, "b", "{}");
    assert_object(&w, "{'spec':{'subs':{'k':{'x':1}}}}");
}

TEST(test_apply__null_map_keeps_the_entries_of_others) {
    things();
    world_apply(&w, "a", "{'spec':{'labels':{'x':'1'}}}");
    world_apply(&w, "b", "{'spec':{'labels':null}}");
    assert_object(&w, "{'spec':{'labels':{'x':'1'}}}");
}

TEST(test_apply__atomic_map_is_one_value) {
    things();
    world_apply(&w, "a", "{'spec':{'options':{'x':'1'}}}");
    world_conflicts(&w, "b", "{'spec':{'options':{'y':'1'}}}", "a .spec.options");
    world_force(&w, "b", "{'spec':{'options':{'y':'1'}}}");
    assert_object(&w, "{'spec':{'options':{'y':'1'}}}");
    assert_managers(&w, "b Apply x.io/v1 {'f:spec':{'f:options':{}}}");
}

TEST(test_apply__atomic_struct_is_one_value) {
    things();
    world_apply(&w, "a", "{'spec':{'frozen':{'x':1}}}");
    world_apply(&w, "a", "{'spec':{'frozen':{'y':2}}}");
    assert_object(&w, "{'spec':{'frozen':{'y':2}}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:frozen':{}}}");
    world_conflicts(&w, "b", "{'spec':{'frozen':{'y':3}}}", "a .spec.frozen");
}

/* ---- lists ---- */

TEST(test_apply__atomic_list_is_one_value) {
    things();
    world_apply(&w, "a", "{'spec':{'order':[1,2]}}");
    world_conflicts(&w, "b", "{'spec':{'order':[2,1]}}", "a .spec.order");
    world_force(&w, "b", "{'spec':{'order':[3]}}");
    assert_object(&w, "{'spec':{'order':[3]}}");
}

TEST(test_apply__sets_unite) {
    things();
    world_apply(&w, "a", "{'spec':{'tags':[1,2]}}");
    world_apply(&w, "b", "{'spec':{'tags':[2,3]}}");
    assert_object(&w, "{'spec':{'tags':[1,2,3]}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:tags':{'v:1':{},'v:2':{}}}}; b Apply x.io/v1 "
                        "{'f:spec':{'f:tags':{'v:2':{},'v:3':{}}}}");
    world_apply(&w, "a", "{'spec':{'tags':[1]}}");
    assert_object(&w, "{'spec':{'tags':[1,2,3]}}");
    world_apply(&w, "b", "{'spec':{'tags':[3]}}");
    assert_object(&w, "{'spec':{'tags':[1,3]}}");
}

TEST(test_apply__finalizers_are_a_set) {
    deployments();
    world_apply(&w, "a", "{'metadata':{'finalizers':['x/a']}}");
    world_apply(&w, "b", "{'metadata':{'finalizers':['x/b']}}");
    assert_object(&w, "{'metadata':{'finalizers':['x/a','x/b']}}");
    world_apply(&w, "a", "{'metadata':{}}");
    assert_object(&w, "{'metadata':{'finalizers':['x/b']}}");
    assert_managers(&w, "b Apply apps/v1 {'f:metadata':{'f:finalizers':{'v:\\'x/b\\'':{}}}}");
}

TEST(test_apply__items_merge_by_key) {
    things();
    world_apply(&w, "a", "{'spec':{'items':[{'name':'i','value':1}]}}");
    world_apply(&w, "b", "{'spec':{'items':[{'name':'i','sub':{'x':1}},{'name':'j'}]}}");
    assert_object(&w, "{'spec':{'items':[{'name':'i','sub':{'x':1},'value':1},{'name':'j'}]}}");
    assert_managers(&w,
                    "a Apply x.io/v1 "
                    "{'f:spec':{'f:items':{'k:{\\'name\\':\\'i\\'}':{'.':{},'f:name':{},'f:value':{}}}}}; "
                    "b Apply x.io/v1 "
                    "{'f:spec':{'f:items':{'k:{\\'name\\':\\'i\\'}':{'.':{},'f:name':{},'f:sub':{'f:x':{}}},"
                    "'k:{\\'name\\':\\'j\\'}':{'.':{},'f:name':{}}}}}");
    world_conflicts(&w, "c", "{'spec':{'items':[{'name':'i','value':2}]}}",
                    "a .spec.items[name=\"i\"].value");
}

TEST(test_apply__left_out_item_goes) {
    things();
    world_apply(&w, "a", "{'spec':{'items':[{'name':'i'},{'name':'j'},{'name':'k'}]}}");
    world_apply(&w, "a", "{'spec':{'items':[{'name':'i'},{'name':'k'}]}}");
    assert_object(&w, "{'spec':{'items':[{'name':'i'},{'name':'k'}]}}");
}

TEST(test_apply__left_out_item_stays_for_a_co_owner) {
    things();
    world_apply(&w, "a", "{'spec':{'items':[{'name':'i','value':1}]}}");
    world_apply(&w, "b", "{'spec':{'items':[{'name':'i'}]}}");
    world_apply(&w, "a", "{}");
    assert_object(&w, "{'spec':{'items':[{'name':'i'}]}}");
}

TEST(test_apply__left_out_item_goes_with_fields_that_nobody_owns) {
    things();
    world_apply(&w, "a", "{'spec':{'items':[{'name':'i'},{'name':'j'}]}}");
    world_default(&w, "{'spec':{'items':[{'name':'i','value':5},{'name':'j','value':5}]}}");
    world_apply(&w, "a", "{'spec':{'items':[{'name':'j'}]}}");
    assert_object(&w, "{'spec':{'items':[{'name':'j','value':5}]}}");
}

TEST(test_apply__left_out_item_goes_though_an_updater_owns_a_field_of_it) {
    things();
    world_apply(&w, "a", "{'spec':{'items':[{'name':'i'},{'name':'j'}]}}");
    world_update(&w, "u", "{'spec':{'items':[{'name':'i','value':5},{'name':'j'}]}}");
    world_apply(&w, "a", "{'spec':{'items':[{'name':'j'}]}}");
    /* The updater owns the value alone; the item itself and its key were the applier's. */
    assert_object(&w, "{'spec':{'items':[{'name':'j'}]}}");
}

TEST(test_apply__nested_sets_in_items) {
    things();
    world_apply(&w, "a", "{'spec':{'items':[{'name':'i','tags':['x']}]}}");
    world_apply(&w, "b", "{'spec':{'items':[{'name':'i','tags':['y']}]}}");
    assert_object(&w, "{'spec':{'items':[{'name':'i','tags':['x','y']}]}}");
    world_apply(&w, "a", "{'spec':{'items':[{'name':'i'}]}}");
    assert_object(&w, "{'spec':{'items':[{'name':'i','tags':['y']}]}}");
}

TEST(test_apply__absent_key_means_its_default) {
    things();
    world_apply(&w, "a", "{'spec':{'ports':[{'port':80,'protocol':'TCP','name':'foo'}]}}");
    world_conflicts(&w, "b", "{'spec':{'ports':[{'port':80,'name':'bar'}]}}",
                    "a .spec.ports[port=80,protocol=\"TCP\"].name");
    world_apply(&w, "b", "{'spec':{'ports':[{'port':80,'protocol':'UDP','name':'bar'}]}}");
    assert_object(&w, "{'spec':{'ports':[{'name':'foo','port':80,'protocol':'TCP'},{'name':'bar','port':80,'"
                      "protocol':'UDP'}]}}");
    world_apply(&w, "c", "{'spec':{'ports':[{'port':80}]}}");
    assert_managers(
        &w, "a Apply x.io/v1 "
            "{'f:spec':{'f:ports':{'k:{\\'port\\':80,\\'protocol\\':\\'TCP\\'}':{'.':{},'f:name':{},'f:port':"
            "{},'f:protocol':{}}}}}; "
            "b Apply x.io/v1 "
            "{'f:spec':{'f:ports':{'k:{\\'port\\':80,\\'protocol\\':\\'UDP\\'}':{'.':{},'f:name':{},'f:port':"
            "{},'f:protocol':{}}}}}; "
            "c Apply x.io/v1 "
            "{'f:spec':{'f:ports':{'k:{\\'port\\':80,\\'protocol\\':\\'TCP\\'}':{'.':{},'f:port':{}}}}}");
}

TEST(test_apply__empty_list_owns_nothing_and_takes_nothing) {
    things();
    world_apply(&w, "a", "{'spec':{'items':[{'name':'i'}]}}");
    world_apply(&w, "b", "{'spec':{'items':[]}}");
    assert_object(&w, "{'spec':{'items':[{'name':'i'}]}}");
    assert_managers(&w,
                    "a Apply x.io/v1 {'f:spec':{'f:items':{'k:{\\'name\\':\\'i\\'}':{'.':{},'f:name':{}}}}}");
}

TEST(test_apply__all_own_items_left_out_but_not_the_list) {
    things();
    world_apply(&w, "a", "{'spec':{'items':[{'name':'i'}],'number':1}}");
    world_apply(&w, "a", "{'spec':{'items':[],'number':1}}");
    assert_object(&w, "{'spec':{'items':[],'number':1}}");
}
