/* api/managed: tracking of creates and updates, lists of managers, versions, filters. */
#include "api/managed.h"

#include "api/json.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "apply_world.h"
#include "thing.h"
#include "unit/unit.h"

static struct world w;

static void things(void) {
    world_fini(&w);
    world_init(&w, thing_pos(), "x.io/v1");
}

#define fmt(...) world_text(&w, __VA_ARGS__)
#define entry(manager, fields) world_entry(&w, manager, fields)

/* ---- create, update ---- */

TEST(test_managed__create_owns_everything) {
    things();
    world_update(&w, "u", "{'metadata':{'name':'t','labels':{'l':'1'}},'spec':{'number':1}}");
    assert_managers(
        &w, "u Update x.io/v1 {'f:metadata':{'f:labels':{'.':{},'f:l':{}}},'f:spec':{'.':{},'f:number':{}}}");
}

TEST(test_managed__update_owns_what_it_changed) {
    things();
    world_update(&w, "u", "{'spec':{'number':1,'text':'x'}}");
    world_update(&w, "v", "{'spec':{'number':2,'text':'x','struct':{'x':1}}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:text':{}}}; "
                        "v Update x.io/v1 {'f:spec':{'f:number':{},'f:struct':{'.':{},'f:x':{}}}}");
}

TEST(test_managed__update_of_nothing_is_nothing) {
    things();
    world_update(&w, "u", "{'spec':{'number':1}}");
    world_update(&w, "v", "{'spec':{'number':1}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}");
    assert_false(w.last.entries_changed);
    assert_int_equal(world_entries(&w).v[0].time.sec, 1000);
}

TEST(test_managed__removed_fields_have_no_owner) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1,'text':'x'}}");
    world_update(&w, "u", "{'spec':{'text':'x'}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:text':{}}}");
    world_update(&w, "u", "{}");
    assert_managers(&w, "");
}

TEST(test_managed__update_takes_without_asking) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1}}");
    world_update(&w, "u", "{'spec':{'number':2}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'f:number':{}}}");
    world_conflicts(&w, "a", "{'spec':{'number':1}}", "u .spec.number");
}

TEST(test_managed__update_of_the_same_manager_adds_up) {
    things();
    world_update(&w, "u", "{'spec':{'number':1}}");
    world_update(&w, "u", "{'spec':{'number':1,'text':'x'}}");
    world_update(&w, "u", "{'spec':{'text':'y'}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:text':{}}}");
    assert_int_equal(world_entries(&w).v[0].time.sec, 1002);
}

TEST(test_managed__time_stays_when_another_takes_a_field) {
    things();
    world_update(&w, "u", "{'spec':{'number':1,'text':'x'}}");
    world_update(&w, "v", "{'spec':{'number':2,'text':'x'}}");
    assert_int_equal(world_entries(&w).v[0].time.sec, 1000);
    assert_int_equal(world_entries(&w).v[1].time.sec, 1001);
}

TEST(test_managed__nameless_manager_is_unknown) {
    things();
    world_update(&w, "", "{'spec':{'number':1}}");
    world_apply(&w, "", "{'spec':{'text':'x'}}");
    assert_managers(&w, "unknown Apply x.io/v1 {'f:spec':{'f:text':{}}}; unknown Update x.io/v1 "
                        "{'f:spec':{'.':{},'f:number':{}}}");
}

TEST(test_managed__subresources_are_managers_of_their_own) {
    things();
    world_update(&w, "u", "{'spec':{'number':1}}");
    world_update_sub(&w, "status", "u", "{'spec':{'number':1},'status':{'phase':'P'}}");
    world_update_sub(&w, "status", "u", "{'spec':{'number':1},'status':{'phase':'Q'}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}; u Update x.io/v1/status "
                        "{'f:status':{'.':{},'f:phase':{}}}");
}

TEST(test_managed__atomic_parts_have_one_owner) {
    things();
    world_update(&w, "u", "{'spec':{'order':[1],'options':{'a':'b'},'frozen':{'x':1}}}");
    world_update(&w, "v", "{'spec':{'order':[1,2],'options':{'a':'b','c':'d'},'frozen':{'x':1}}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:frozen':{}}}; v Update x.io/v1 "
                        "{'f:spec':{'f:options':{},'f:order':{}}}");
}

TEST(test_managed__repeated_items_have_one_owner) {
    things();
    world_update(&w, "u", "{'spec':{'tags':[1,3,4]}}");
    world_update(&w, "v", "{'spec':{'tags':[1,1,3,4]}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:tags':{'.':{},'v:3':{},'v:4':{}}}}; v Update "
                        "x.io/v1 {'f:spec':{'f:tags':{'v:1':{}}}}");
    world_update(&w, "x", "{'spec':{'tags':[1,3,4]}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:tags':{'.':{},'v:3':{},'v:4':{}}}}; x Update "
                        "x.io/v1 {'f:spec':{'f:tags':{'v:1':{}}}}");
}

TEST(test_managed__moved_items_change_nothing) {
    things();
    world_update(&w, "u", "{'spec':{'items':[{'name':'a'},{'name':'b'}]}}");
    world_update(&w, "v", "{'spec':{'items':[{'name':'b'},{'name':'a'}]}}");
    assert_managers(
        &w,
        "u Update x.io/v1 {'f:spec':{'.':{},'f:items':{'.':{},'k:{\\'name\\':\\'a\\'}':{'.':{},'f:name':{}},"
        "'k:{\\'name\\':\\'b\\'}':{'.':{},'f:name':{}}}}}");
}

TEST(test_managed__untracked_metadata) {
    things();
    world_update(&w, "u", "{'metadata':{'name':'t','namespace':'n','uid':'u','resourceVersion':'5'}}");
    assert_managers(&w, "");
    world_update(&w, "u", "{'metadata':{'name':'t'},'spec':{'number':1}}");
    assert_managers(&w, "");
}

/* ---- packed objects ---- */

static struct core_pod *pod_of(struct arena *a, const char *text) {
    void *pod;
    struct err err = ERR_INIT;
    struct str s = arena_str(a, str_from(text));
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\'')
            ((char *)s.p)[i] = '"';
    assert_ok(api_read_json(a, &builtin, TY_CORE_POD, s, NULL, &pod, &err), &err);
    return pod;
}

static struct meta_managed_fields_entry_array update_pod(struct arena *a, const struct core_pod *before,
                                                         struct core_pod *after, const char *manager,
                                                         const char *sub) {
    struct managed_request req = {.manager = str_from(manager),
                                  .api_version = S("v1"),
                                  .subresource = str_from(sub),
                                  .now = {.sec = 5, .set = true},
                                  .before = ref_packed(&builtin, TY_CORE_POD, before),
                                  .after = ref_packed(&builtin, TY_CORE_POD, after)};
    struct managed_result result;
    struct err err = ERR_INIT;
    assert_ok(managed_update(a, &req, &result, &err), &err);
    after->metadata.managed_fields = result.entries;
    return result.entries;
}

TEST(test_managed_packed__created_pod) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *pod = pod_of(
        &a, "{'metadata':{'name':'p','labels':{'run':'p'}},'spec':{'containers':[{'name':'c','image':'i',"
            "'ports':[{'containerPort':80,'protocol':'TCP'}],'env':[{'name':'A','value':'1'}]}],'dnsPolicy':'"
            "ClusterFirst'}}");
    struct meta_managed_fields_entry_array e = update_pod(&a, NULL, pod, "kubectl-run", "");
    assert_int_equal(e.n, 1);
    assert_str(e.v[0].fields_v1, "{\"f:metadata\":{\"f:labels\":{\".\":{},\"f:run\":{}}},\"f:spec\":{\"f:"
                                 "containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},"
                                 "\"f:env\":{\".\":{},\"k:{\\\"name\\\":\\\"A\\\"}\":{\".\":{},\"f:name\":{},"
                                 "\"f:value\":{}}},\"f:image\":{},\"f:name\":{},"
                                 "\"f:ports\":{\".\":{},\"k:{\\\"containerPort\\\":80,\\\"protocol\\\":"
                                 "\\\"TCP\\\"}\":{\".\":{},\"f:containerPort\":{},\"f:protocol\":{}}},"
                                 "\"f:resources\":{}}},\"f:dnsPolicy\":{}}}");
}

TEST(test_managed_packed__status_update) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *before = pod_of(&a, "{'metadata':{'name':'p'},'spec':{'containers':[{'name':'c'}]}}");
    update_pod(&a, NULL, before, "creator", "");
    struct str text = before->metadata.managed_fields.v[0].fields_v1;
    struct core_pod *after = pod_of(
        &a, "{'metadata':{'name':'p'},'spec':{'containers':[{'name':'c'}]},'status':{'phase':'Running'}}");
    struct meta_managed_fields_entry_array e = update_pod(&a, before, after, "kubelet", "status");
    assert_int_equal(e.n, 2);
    assert_str(e.v[1].fields_v1, "{\"f:status\":{\"f:phase\":{}}}");
    assert_str(e.v[1].subresource, "status");
    assert_ptr_equal(e.v[0].fields_v1.p, text.p); /* passed on, not written again */
}

TEST(test_managed_packed__agrees_with_trees) {
    static const char *const texts[] = {
        "{'metadata':{'name':'p','labels':{'a':'1'},'finalizers':['x']},'spec':{'containers':[{'name':'c','"
        "image':'1'}],'nodeName':'n'}}",
        "{'metadata':{'name':'p','labels':{'b':'1'},'finalizers':['y','x']},'spec':{'containers':[{'name':'d'"
        "},{'name':'c','image':'2','livenessProbe':{'periodSeconds':3}}]}}",
        "{'metadata':{'name':'p','annotations':{'z':''}},'spec':{'containers':[{'name':'d','env':[{'name':'E'"
        "}]}],'tolerations':[{'key':'k'}],'hostNetwork':true},'status':{'phase':'Running',"
        "'conditions':[{'type':'Ready','status':'True'}],'podIPs':[{'ip':'1.2.3.4'}]}}",
        "{'metadata':{'name':'p'},'spec':{'containers':[],'securityContext':{}},'status':{}}"};
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct core_pod *packed = NULL;
    struct meta_managed_fields_entry_array managed_tree = {0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct core_pod *next = pod_of(&a, texts[i]);
        struct ref before = ref_packed(&builtin, TY_CORE_POD, packed),
                   after = ref_packed(&builtin, TY_CORE_POD, next);
        struct jval tb = ref_tree(before, &a), ta = ref_tree(after, &a);
        struct managed_request req = {
            .manager = S("m"), .api_version = S("v1"), .now = {.sec = 5, .set = true}};
        const char *manager = i % 2 ? "even" : "odd";
        req.manager = str_from(manager);
        if (packed) {
            tb = managed_set_tree(&a, &tb, managed_tree);
            req.before = ref_tree_at(before.pos, &tb);
        }
        req.after = ref_tree_at(after.pos, &ta);
        struct managed_result result;
        assert_ok(managed_update(&a, &req, &result, NULL), NULL);
        struct meta_managed_fields_entry_array e = update_pod(&a, packed, next, manager, "");
        /* A created tree has no null list where the empty struct has one. */
        if (packed)
            assert_true(managed_same(e, result.entries));
        managed_tree = e;
        packed = next;
    }
}

/* ---- what clients write into managedFields ---- */

TEST(test_managed_sent__list_of_one_empty_entry_resets) {
    things();
    world_update(&w, "u", "{'spec':{'number':1}}");
    world_update(&w, "v", "{'metadata':{'managedFields':[{}]},'spec':{'number':2}}");
    assert_managers(&w, "");
    world_update(&w, "v", "{'spec':{'number':3}}");
    assert_managers(&w, "");
}

TEST(test_managed_sent__empty_list_does_not_reset) {
    things();
    world_update(&w, "u", "{'spec':{'number':1}}");
    world_update(&w, "v", "{'metadata':{'managedFields':[]},'spec':{'number':1}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}");
}

TEST(test_managed_sent__valid_entries_count) {
    things();
    world_update(&w, "u", "{'spec':{'number':1,'text':'x'}}");
    world_update(&w, "v",
                 fmt("{'metadata':{'managedFields':[%s]},'spec':{'number':2,'text':'x'}}",
                     entry("other", "{'f:spec':{'f:text':{},'f:number':{}}}")));
    assert_managers(
        &w, "v Update x.io/v1 {'f:spec':{'f:number':{}}}; other Update x.io/v1 {'f:spec':{'f:text':{}}}");
}

TEST(test_managed_sent__invalid_entries_do_not_count) {
    things();
    world_update(&w, "u", "{'spec':{'number':1}}");
    world_update(
        &w, "v",
        fmt("{'metadata':{'managedFields':[%s]},'spec':{'number':1}}", entry("other", "{'f:spec':7}")));
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}");
    world_update(&w, "v", "{'metadata':{'managedFields':'x'},'spec':{'number':1}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}");
}

TEST(test_managed_sent__do_not_count_on_subresources) {
    things();
    world_update(&w, "u", "{'spec':{'number':1}}");
    world_update_sub(
        &w, "status", "v",
        fmt("{'metadata':{'managedFields':[%s]},'spec':{'number':1}}", entry("other", "{'f:spec':{}}")));
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}");
    world_update_sub(&w, "status", "v", "{'metadata':{'managedFields':[{}]},'spec':{'number':1}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}");
}

TEST(test_managed_sent__may_come_with_a_create) {
    things();
    world_update(&w, "v",
                 fmt("{'metadata':{'managedFields':[%s]},'spec':{'number':1}}",
                     entry("other", "{'f:spec':{'f:text':{}}}")));
    assert_managers(
        &w,
        "v Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}; other Update x.io/v1 {'f:spec':{'f:text':{}}}");
}

TEST(test_managed_sent__repeated_identity_last_counts) {
    things();
    w.live =
        world_parse(&w, fmt("{'metadata':{'managedFields':[%s,%s,%s]},'spec':{'number':1}}",
                            entry("a", "{'f:x':{}}"), entry("b", "{'f:z':{}}"), entry("a", "{'f:y':{}}")));
    world_update(&w, "v", "{'spec':{'number':2}}");
    assert_managers(&w, "v Update x.io/v1 {'f:spec':{'f:number':{}}}; a Update x.io/v1 {'f:y':{}}; b Update "
                        "x.io/v1 {'f:z':{}}");
}

TEST(test_managed_sent__unreadable_live_entries_are_forgotten) {
    things();
    w.live = world_parse(&w, "{'metadata':{'managedFields':[{'manager':'x'}]},'spec':{'number':1}}");
    world_update(&w, "v", "{'spec':{'number':2}}");
    assert_managers(&w, "");
}

TEST(test_managed_sent__too_many_entries_are_refused) {
    things();
    struct meta_managed_fields_entry e = {
        .manager = S("m"), .operation = S("Update"), .api_version = S("v1"), .fields_type = S("FieldsV1")};
    struct meta_managed_fields_entry *v =
        arena_new_n(&w.a, MANAGED_ENTRIES_MAX + 1, struct meta_managed_fields_entry);
    for (uint32_t i = 0; i <= MANAGED_ENTRIES_MAX; i++)
        v[i] = e;
    struct jval *live = arena_new(&w.a, struct jval);
    *live = managed_set_tree(&w.a, world_parse(&w, "{'spec':{'number':1}}"),
                             (struct meta_managed_fields_entry_array){v, MANAGED_ENTRIES_MAX + 1});
    w.live = live;
    assert_int_equal(world_apply_rc(&w, "a", "{'spec':{'number':1}}", false), ERR_TOO_LARGE);
    world_update(&w, "u", "{'spec':{'number':2}}");
    assert_managers(&w, "");
}

/* ---- before the first apply ---- */

TEST(test_managed__first_apply_to_an_untracked_object) {
    things();
    w.live = world_parse(&w, "{'metadata':{'name':'t'},'spec':{'number':1,'text':'x'}}");
    world_conflicts(&w, "a", "{'spec':{'number':2}}", "before-first-apply .spec.number");
    world_force(&w, "a", "{'spec':{'number':2}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:number':{}}}; before-first-apply Update x.io/v1 "
                        "{'f:spec':{'.':{},'f:text':{}}}");
}

TEST(test_managed__first_apply_of_the_same_values) {
    things();
    w.live = world_parse(&w, "{'spec':{'number':1}}");
    world_apply(&w, "a", "{'spec':{'number':1}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:number':{}}}; before-first-apply Update x.io/v1 "
                        "{'f:spec':{'.':{},'f:number':{}}}");
}

TEST(test_managed__untracked_object_stays_so_under_updates) {
    things();
    w.live = world_parse(&w, "{'spec':{'number':1}}");
    world_update(&w, "u", "{'spec':{'number':2}}");
    assert_managers(&w, "");
}

/* ---- order and number ---- */

TEST(test_managed_order__apply_first_then_time_then_name) {
    things();
    world_update(&w, "z", "{'spec':{'number':1}}");
    world_apply(&w, "y", "{'spec':{'text':'x'}}");
    world_apply(&w, "b", "{'spec':{'labels':{'b':'1'}}}");
    w.now--;
    world_apply(&w, "a", "{'spec':{'labels':{'a':'1'}}}");
    world_update(&w, "m", "{'spec':{'number':2,'text':'x','labels':{'a':'1','b':'1'}}}");
    assert_managers(
        &w, "y Apply x.io/v1 {'f:spec':{'f:text':{}}}; a Apply x.io/v1 {'f:spec':{'f:labels':{'f:a':{}}}}; "
            "b Apply x.io/v1 {'f:spec':{'f:labels':{'f:b':{}}}}; z Update x.io/v1 {'f:spec':{}}; m Update "
            "x.io/v1 {'f:spec':{'f:number':{}}}");
}

static void update_many(int from, int to) {
    for (int i = from; i < to; i++) {
        struct str labels = S("");
        for (int k = 0; k <= i; k++)
            labels = arena_printf(&w.a, "%.*s%s'l%02d':'1'", STR_ARG(labels), k ? "," : "", k);
        world_update(&w, fmt("m%02d", i), fmt("{'spec':{'labels':{%.*s}}}", STR_ARG(labels)));
    }
}

TEST(test_managed_cap__ten_updaters_are_kept) {
    things();
    update_many(0, 10);
    assert_int_equal(world_entries(&w).n, 10);
    assert_str(world_entries(&w).v[0].manager, "m00");
}

TEST(test_managed_cap__the_oldest_are_merged) {
    things();
    update_many(0, 11);
    struct meta_managed_fields_entry_array e = world_entries(&w);
    assert_int_equal(e.n, 10);
    assert_str(e.v[0].manager, "ancient-changes");
    assert_str(e.v[0].fields_v1, "{\"f:spec\":{\".\":{},\"f:labels\":{\".\":{},\"f:l00\":{},\"f:l01\":{}}}}");
    assert_int_equal(e.v[0].time.sec, 1001);
    assert_str(e.v[1].manager, "m02");
    update_many(11, 13);
    e = world_entries(&w);
    assert_int_equal(e.n, 10);
    assert_str(e.v[0].manager, "ancient-changes");
    assert_str(e.v[0].fields_v1, "{\"f:spec\":{\".\":{},\"f:labels\":{\".\":{},\"f:l00\":{},\"f:l01\":{},\"f:"
                                 "l02\":{},\"f:l03\":{}}}}");
    assert_str(e.v[9].manager, "m12");
}

TEST(test_managed_cap__appliers_do_not_count) {
    things();
    for (int i = 0; i < 15; i++)
        world_apply(&w, fmt("a%d", i), fmt("{'spec':{'labels':{'l%d':'1'}}}", i));
    assert_int_equal(world_entries(&w).n, 15);
}

TEST(test_managed_cap__each_version_has_its_own_bucket) {
    things();
    for (int i = 0; i < 14; i++) {
        w.req.api_version = i % 2 ? S("x.io/v2") : S("x.io/v1");
        struct str labels = S("");
        for (int k = 0; k <= i; k++)
            labels = arena_printf(&w.a, "%.*s%s'l%02d':'1'", STR_ARG(labels), k ? "," : "", k);
        world_update(&w, fmt("m%02d", i), fmt("{'spec':{'labels':{%.*s}}}", STR_ARG(labels)));
    }
    struct meta_managed_fields_entry_array e = world_entries(&w);
    assert_int_equal(e.n, 10);
    int buckets = 0;
    for (uint32_t i = 0; i < e.n; i++)
        buckets += str_eq(e.v[i].manager, S("ancient-changes"));
    assert_int_equal(buckets, 2);
}
