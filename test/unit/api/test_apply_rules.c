/* api/managed: server-side apply: order of lists, repeated items, what is refused, types of the server. */
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
