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

/* ---- order of lists ---- */

static void assert_order(const char *live, const char *config, const char *expected) {
    things();
    static const char form[] = "{'spec':{'tags':%s}}";
    world_update(&w, "u", arena_printf(&w.a, form, live).p);
    world_apply(&w, "a", arena_printf(&w.a, form, config).p);
    assert_object(&w, arena_printf(&w.a, form, expected).p);
}

TEST(test_apply_order__new_items_go_last) {
    assert_order("[1,2]", "[3,4]", "[1,2,3,4]");
}

TEST(test_apply_order__applied_order_wins) {
    assert_order("[1,2,3]", "[3,2,1]", "[3,2,1]");
    assert_order("[1,2,3,4]", "[4,1]", "[2,3,4,1]");
}

TEST(test_apply_order__others_keep_their_place_before_shared_items) {
    assert_order("[1,2,3]", "[2]", "[1,2,3]");
    assert_order("[1,2,3,4]", "[2,4]", "[1,2,3,4]");
    assert_order("[9,1,8,2,7]", "[1,2]", "[9,1,8,2,7]");
}

TEST(test_apply_order__new_items_between_shared_ones) {
    assert_order("[1,2]", "[1,5,2]", "[1,5,2]");
    assert_order("[1,8,2]", "[1,5,2]", "[1,8,5,2]");
    assert_order("[1,2]", "[5,1,2]", "[5,1,2]");
    assert_order("[9,1,2]", "[5,1,2]", "[9,5,1,2]");
}

TEST(test_apply_order__nothing_to_merge_with) {
    assert_order("[]", "[2,1]", "[2,1]");
    assert_order("[2,1]", "[]", "[2,1]");
    assert_order("[1]", "[1]", "[1]");
}

TEST(test_apply_order__of_keyed_items) {
    things();
    world_update(&w, "u", "{'spec':{'items':[{'name':'a'},{'name':'b'},{'name':'c'}]}}");
    world_apply(&w, "a", "{'spec':{'items':[{'name':'c','value':1},{'name':'d'},{'name':'a'}]}}");
    assert_object(&w, "{'spec':{'items':[{'name':'b'},{'name':'c','value':1},{'name':'d'},{'name':'a'}]}}");
}

TEST(test_apply_order__changing_the_order_alone_changes_the_object) {
    things();
    world_apply(&w, "a", "{'spec':{'tags':[1,2]}}");
    world_apply(&w, "a", "{'spec':{'tags':[2,1]}}");
    assert_object(&w, "{'spec':{'tags':[2,1]}}");
    assert_true(w.last.object_changed);
    assert_false(w.last.entries_changed);
}

/* ---- repeated items ---- */

TEST(test_apply_repeated__applied_item_replaces_all) {
    things();
    world_update(&w, "u", "{'spec':{'tags':[1,1,3,4]}}");
    world_conflicts(&w, "a", "{'spec':{'tags':[1]}}", "u .spec.tags[=1]");
    world_force(&w, "a", "{'spec':{'tags':[1]}}");
    assert_object(&w, "{'spec':{'tags':[1,3,4]}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:tags':{'v:1':{}}}}; "
                        "u Update x.io/v1 {'f:spec':{'.':{},'f:tags':{'.':{},'v:3':{},'v:4':{}}}}");
}

TEST(test_apply_repeated__others_stay) {
    things();
    world_update(&w, "u", "{'spec':{'tags':[1,1,3,4]}}");
    world_apply(&w, "a", "{'spec':{'tags':[5]}}");
    assert_object(&w, "{'spec':{'tags':[1,1,3,4,5]}}");
}

TEST(test_apply_repeated__changed_keyed_item) {
    things();
    world_update(&w, "u",
                 "{'spec':{'items':[{'name':'a','value':1},{'name':'a','value':2},{'name':'b','value':3}]}}");
    world_conflicts(&w, "a", "{'spec':{'items':[{'name':'a','value':3}]}}", "u .spec.items[name=\"a\"]");
    world_force(&w, "a", "{'spec':{'items':[{'name':'a','value':3}]}}");
    assert_object(&w, "{'spec':{'items':[{'name':'a','value':3},{'name':'b','value':3}]}}");
    assert_managers(
        &w,
        "a Apply x.io/v1 "
        "{'f:spec':{'f:items':{'k:{\\'name\\':\\'a\\'}':{'.':{},'f:name':{},'f:value':{}}}}}; "
        "u Update x.io/v1 "
        "{'f:spec':{'.':{},'f:items':{'.':{},'k:{\\'name\\':\\'b\\'}':{'.':{},'f:name':{},'f:value':{}}}}}");
}

TEST(test_apply_repeated__unrelated_apply) {
    things();
    world_update(&w, "u", "{'spec':{'items':[{'name':'a','value':1},{'name':'a','value':2}]}}");
    world_apply(&w, "a", "{'spec':{'number':5}}");
    assert_object(&w, "{'spec':{'items':[{'name':'a','value':1},{'name':'a','value':2}],'number':5}}");
}

TEST(test_apply_repeated__applier_gives_up_what_an_updater_repeated) {
    things();
    world_apply(&w, "a", "{'spec':{'items':[{'name':'a','value':1},{'name':'b','value':3}]}}");
    world_update(&w, "u",
                 "{'spec':{'items':[{'name':'a','value':1},{'name':'a','value':2},{'name':'b','value':3}]}}");
    world_apply(&w, "a", "{'spec':{'items':[{'name':'b','value':3}]}}");
    assert_object(
        &w, "{'spec':{'items':[{'name':'a','value':1},{'name':'a','value':2},{'name':'b','value':3}]}}");
    assert_managers(&w,
                    "a Apply x.io/v1 "
                    "{'f:spec':{'f:items':{'k:{\\'name\\':\\'b\\'}':{'.':{},'f:name':{},'f:value':{}}}}}; "
                    "u Update x.io/v1 {'f:spec':{'f:items':{'k:{\\'name\\':\\'a\\'}':{}}}}");
}

/* ---- what is refused ---- */

TEST(test_apply_refused__unknown_fields) {
    things();
    world_refused(&w, "a", "{'spec':{'bogus':1}}", ".spec.bogus: field not declared in schema");
    world_refused(&w, "a", "{'spec':{'items':[{'name':'i','bogus':1}]}}",
                  ".spec.items[name=\"i\"].bogus: field not declared in schema");
    assert_null(w.live);
    world_apply(&w, "a", "{'spec':{'open':{'known':1,'bogus':{'x':1}},'free':{'y':2}}}");
    assert_managers(&w,
                    "a Apply x.io/v1 "
                    "{'f:spec':{'f:free':{'f:y':{}},'f:open':{'f:bogus':{'.':{},'f:x':{}},'f:known':{}}}}");
}

TEST(test_apply_refused__wrong_types) {
    things();
    world_refused(&w, "a", "{'spec':{'number':'1'}}", ".spec.number: expected number, got a string");
    world_refused(&w, "a", "{'spec':{'text':1}}", ".spec.text: expected string, got a number");
    world_refused(&w, "a", "{'spec':{'items':{}}}", ".spec.items: expected list, got a map");
    world_refused(&w, "a", "{'spec':{'labels':[]}}", ".spec.labels: expected map, got a list");
    world_refused(&w, "a", "{'spec':{'labels':{'a':true}}}", ".spec.labels.a: expected string, got a bool");
    world_refused(&w, "a", "{'spec':[]}", ".spec: expected map, got a list");
    world_refused(&w, "a", "{'spec':{'order':['x']}}", ".spec.order[0]: expected number, got a string");
    world_refused(&w, "a", "{'status':{'ready':1}}", ".status.ready: expected bool, got a number");
}

TEST(test_apply_refused__items_that_cannot_be_told_apart) {
    things();
    world_refused(&w, "a", "{'spec':{'items':[{'value':1}]}}", ".spec.items: element 0: leaves out a key");
    world_refused(&w, "a", "{'spec':{'items':[{'name':'a'},{'name':'a'}]}}",
                  ".spec.items: duplicate entries for key [name=\"a\"]");
    world_refused(&w, "a", "{'spec':{'ports':[{'port':1},{'port':1,'protocol':'TCP'}]}}",
                  ".spec.ports: duplicate entries for key [port=1,protocol=\"TCP\"]");
    world_refused(&w, "a", "{'spec':{'tags':[1,1]}}", ".spec.tags: duplicate entries for key [=1]");
    world_refused(&w, "a", "{'spec':{'tags':[null]}}",
                  ".spec.tags: element 0: items of a set are scalars, not null");
    world_refused(&w, "a", "{'spec':{'items':['x']}}",
                  ".spec.items: element 0: items of a list with keys are maps, not a string");
}

TEST(test_apply_refused__all_problems_are_told) {
    things();
    world_refused(
        &w, "a", "{'spec':{'x1':1,'x2':2}}",
        "errors:\n  .spec.x1: field not declared in schema\n  .spec.x2: field not declared in schema");
}

TEST(test_apply_refused__other_version) {
    things();
    world_refused(&w, "a", "{'apiVersion':'x.io/v2'}", "is of version \"x.io/v2\", expected \"x.io/v1\"");
}

TEST(test_apply_refused__managed_fields_in_the_configuration) {
    things();
    world_refused(&w, "a", "{'metadata':{'managedFields':[]}}", "metadata.managedFields must be nil");
    world_apply(&w, "a", "{'metadata':{'managedFields':null,'name':'t'}}");
}

TEST(test_apply_refused__unreadable_live_entries) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1}}");
    static const char *const bad[] = {
        "[{'manager':'x','operation':'Fly','apiVersion':'x.io/v1','fieldsType':'FieldsV1','fieldsV1':{}}]",
        "[{'manager':'x','operation':'Apply','fieldsType':'FieldsV1','fieldsV1':{}}]",
        "[{'manager':'x','operation':'Apply','apiVersion':'x.io/v1','fieldsV1':{}}]",
        "[{'manager':'x','operation':'Apply','apiVersion':'x.io/v1','fieldsType':'FieldsV2','fieldsV1':{}}]",
        "[{'manager':'x','operation':'Apply','apiVersion':'x.io/"
        "v1','fieldsType':'FieldsV1','fieldsV1':{'f:a':1}}]",
        "[{'manager':1}]",
        "[7]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        w.live = world_parse(&w, arena_printf(&w.a, "{'metadata':{'managedFields':%s}}", bad[i]).p);
        assert_int_equal(world_apply_rc(&w, "a", "{'spec':{'number':1}}", false), ERR_CORRUPT);
    }
}

/* ---- objects of the server's own types ---- */

TEST(test_apply_builtin__deployment) {
    deployments();
    world_apply(&w, "kubectl",
                "{'metadata':{'name':'web','labels':{'app':'web'}},'spec':{'replicas':3,'selector':{'"
                "matchLabels':{'app':'web'}},"
                "'template':{'metadata':{'labels':{'app':'web'}},'spec':{'containers':[{'name':'nginx','"
                "image':'nginx:1',"
                "'ports':[{'containerPort':80}],'env':[{'name':'A','value':'1'}],'resources':{'limits':{'cpu'"
                ":'500m'}}}]}}}}");
    assert_managers(
        &w, "kubectl Apply apps/v1 "
            "{'f:metadata':{'f:labels':{'f:app':{}}},'f:spec':{'f:replicas':{},'f:selector':{},"
            "'f:template':{'f:metadata':{'f:labels':{'f:app':{}}},'f:spec':{'f:containers':{'k:{\\'name\\':"
            "\\'nginx\\'}':{'.':{},"
            "'f:env':{'k:{\\'name\\':\\'A\\'}':{'.':{},'f:name':{},'f:value':{}}},'f:image':{},'f:name':{},"
            "'f:ports':{'k:{\\'containerPort\\':80,\\'protocol\\':\\'TCP\\'}':{'.':{},'f:containerPort':{}}},"
            "'f:resources':{'f:limits':{'f:cpu':{}}}}}}}}}");
    world_conflicts(&w, "hpa", "{'spec':{'replicas':5}}", "kubectl .spec.replicas");
    world_conflicts(&w, "ci",
                    "{'spec':{'template':{'spec':{'containers':[{'name':'nginx','image':'nginx:2'}]}}}}",
                    "kubectl .spec.template.spec.containers[name=\"nginx\"].image");
    world_apply(&w, "sidecar",
                "{'spec':{'template':{'spec':{'containers':[{'name':'proxy','image':'envoy'}]}}}}");
    assert_int_equal(jval_path(w.live, "spec.template.spec.containers")->n, 2);
}

TEST(test_apply_builtin__equal_quantity_is_no_conflict) {
    deployments();
    world_apply(
        &w, "a",
        "{'spec':{'template':{'spec':{'containers':[{'name':'c','resources':{'limits':{'cpu':'1'}}}]}}}}");
    world_apply(&w, "b",
                "{'spec':{'template':{'spec':{'containers':[{'name':'c','resources':{'limits':{'cpu':'1000m'}"
                "}}]}}}}");
    assert_false(w.last.object_changed);
    world_conflicts(
        &w, "b",
        "{'spec':{'template':{'spec':{'containers':[{'name':'c','resources':{'limits':{'cpu':'2'}}}]}}}}",
        "a .spec.template.spec.containers[name=\"c\"].resources.limits.cpu");
}

TEST(test_apply_builtin__giving_replicas_away) {
    deployments();
    world_apply(&w, "kubectl", "{'spec':{'replicas':3,'paused':true}}");
    world_apply(&w, "hpa", "{'spec':{'replicas':3}}");
    world_apply(&w, "kubectl", "{'spec':{'paused':true}}");
    world_apply(&w, "hpa", "{'spec':{'replicas':8}}");
    assert_object(&w, "{'spec':{'paused':true,'replicas':8}}");
}

TEST(test_apply_builtin__removing_a_probe_takes_its_defaults_along) {
    deployments();
    world_apply(&w, "a",
                "{'spec':{'template':{'spec':{'containers':[{'name':'c','livenessProbe':{'tcpSocket':{'port':"
                "80}}}]}}}}");
    world_default(&w,
                  "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'i',"
                  "'livenessProbe':{'tcpSocket':{'port':80},'periodSeconds':10,'timeoutSeconds':1}}]}}}}");
    world_apply(&w, "a", "{'spec':{'template':{'spec':{'containers':[{'name':'c'}]}}}}");
    assert_object(&w, "{'spec':{'template':{'spec':{'containers':[{'image':'i','name':'c'}]}}}}");
}

TEST(test_apply_builtin__conditions_through_status) {
    deployments();
    world_apply_sub(&w, "status", "ctl", "{'status':{'conditions':[{'type':'Available','status':'True'}]}}");
    world_apply_sub(&w, "status", "other",
                    "{'status':{'conditions':[{'type':'Progressing','status':'True'}]}}");
    world_apply(&w, "ctl", "{'spec':{'paused':true}}");
    assert_managers(&w, "ctl Apply apps/v1/status "
                        "{'f:status':{'f:conditions':{'k:{\\'type\\':\\'Available\\'}':{'.':{},'f:status':{},"
                        "'f:type':{}}}}}; "
                        "other Apply apps/v1/status "
                        "{'f:status':{'f:conditions':{'k:{\\'type\\':\\'Progressing\\'}':{'.':{},'f:status':{"
                        "},'f:type':{}}}}}; "
                        "ctl Apply apps/v1 {'f:spec':{'f:paused':{}}}");
}

TEST(test_apply_builtin__owner_references_by_uid) {
    deployments();
    world_apply(&w, "a",
                "{'metadata':{'ownerReferences':[{'uid':'1','kind':'K','name':'n','apiVersion':'v1'}]}}");
    world_apply(&w, "b",
                "{'metadata':{'ownerReferences':[{'uid':'2','kind':'K','name':'m','apiVersion':'v1'}]}}");
    world_conflicts(
        &w, "c", "{'metadata':{'ownerReferences':[{'uid':'1','kind':'K','name':'other','apiVersion':'v1'}]}}",
        "a .metadata.ownerReferences[uid=\"1\"]");
    assert_managers(&w, "a Apply apps/v1 {'f:metadata':{'f:ownerReferences':{'k:{\\'uid\\':\\'1\\'}':{}}}}; "
                        "b Apply apps/v1 {'f:metadata':{'f:ownerReferences':{'k:{\\'uid\\':\\'2\\'}':{}}}}");
}
