/* api/managed: tracking of creates and updates, lists of managers, versions, filters. */
#include "api/managed.h"

#include "api/field_error.h"
#include "api/json.h"
#include "api/status.h"
#include "api/types/apps.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "apply_world.h"
#include "base/buf.h"
#include "base/thread.h"
#include "thing.h"
#include "unit/unit.h"

static struct world w;

static void things(void) {
    world_fini(&w);
    world_init(&w, thing_pos(), "x.io/v1");
}

static void pods(void) {
    world_fini(&w);
    world_init(&w, pos_type(&builtin, TY_CORE_POD), "v1");
}

static const char *fmt(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *fmt(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    struct str s = arena_vprintf(&w.a, format, ap);
    va_end(ap);
    return s.p;
}

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

static const char *entry(const char *manager, const char *fields) {
    return fmt("{'manager':'%s','operation':'Update','apiVersion':'x.io/"
               "v1','fieldsType':'FieldsV1','time':'2020-01-01T00:00:00Z','fieldsV1':%s}",
               manager, fields);
}

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

/* ---- filters ---- */

TEST(test_managed_filter__status_is_not_tracked_on_the_main_resource) {
    things();
    struct fieldset status = {0};
    fieldset_insert_names(&w.a, &status, "status");
    struct managed_filter filter = {.api_version = S("x.io/v1"), .except = &status};
    w.req.filters = &filter;
    w.req.n_filters = 1;
    world_update(&w, "u", "{'spec':{'number':1},'status':{'phase':'P'}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}");
    world_apply(&w, "a", "{'spec':{'number':1},'status':{'phase':'Q'}}");
    assert_managers(
        &w, "a Apply x.io/v1 {'f:spec':{'f:number':{}}}; u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}");
}

TEST(test_managed_filter__reset_fields_are_no_conflict) {
    things();
    world_apply_sub(&w, "status", "ctl", "{'status':{'phase':'P'}}");
    struct fieldset status = {0};
    fieldset_insert_names(&w.a, &status, "status");
    struct managed_filter filter = {.api_version = S("x.io/v1"), .except = &status};
    w.req.filters = &filter;
    w.req.n_filters = 1;
    world_apply(&w, "a", "{'spec':{'number':1},'status':{'phase':'Q'}}");
    assert_managers(
        &w,
        "ctl Apply x.io/v1/status {'f:status':{'f:phase':{}}}; a Apply x.io/v1 {'f:spec':{'f:number':{}}}");
}

TEST(test_managed_filter__only_status_on_its_subresource) {
    things();
    world_update(&w, "u", "{'spec':{'number':1}}");
    struct fieldset status = {0};
    fieldset_insert_names(&w.a, &status, "status");
    struct managed_filter filter = {.api_version = S("x.io/v1"), .only = &status};
    w.req.filters = &filter;
    w.req.n_filters = 1;
    world_update_sub(&w, "status", "v",
                     "{'metadata':{'labels':{'a':'b'}},'spec':{'number':2},'status':{'phase':'P'}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}; v Update x.io/v1/status "
                        "{'f:status':{'.':{},'f:phase':{}}}");
}

TEST(test_managed_filter__is_of_one_version) {
    things();
    struct fieldset spec = {0};
    fieldset_insert_names(&w.a, &spec, "spec");
    struct managed_filter filter = {.api_version = S("x.io/v9"), .except = &spec};
    w.req.filters = &filter;
    w.req.n_filters = 1;
    world_update(&w, "u", "{'spec':{'number':1}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}");
}

/* ---- versions ---- */

/* x.io/v2 calls spec.number `spec.text` (a string), v0 is gone, v9 is broken. */
static int convert(void *ctx, struct arena *a, struct ref object, struct str api_version, struct ref *ret,
                   struct err *err) {
    (*(int *)ctx)++;
    if (str_eq(api_version, S("x.io/v0")))
        return err_set(err, ERR_NOT_FOUND, "no version v0");
    if (str_eq(api_version, S("x.io/v9")))
        return err_set(err, ERR_UNSUPPORTED, "broken");
    struct jval t = ref_tree(object, a);
    const struct jval *spec = jval_get(&t, S("spec"));
    bool to_v2 = str_eq(api_version, S("x.io/v2"));
    struct str from = to_v2 ? S("number") : S("text"), to = to_v2 ? S("text") : S("number");
    const struct jval *v = jval_get(spec, from);
    struct jval *out = arena_new(a, struct jval);
    *out = jval_with(a, &t, S("apiVersion"), jval_str(api_version));
    if (v) {
        struct jval moved = to_v2 ? jval_str(arena_printf(a, "%d", (int)v->i)) : jval_int(v->s[0] - '0');
        struct jval rest = jval_without(a, spec, from);
        *out = jval_with(a, out, S("spec"), jval_with(a, &rest, to, moved));
    }
    *ret = ref_tree_at(object.pos, out);
    return 0;
}

static int conversions;

static void versions(void) {
    things();
    conversions = 0;
    w.req.convert = convert;
    w.req.convert_ctx = &conversions;
}

TEST(test_managed_version__conflict_is_found_in_the_owners_version) {
    versions();
    w.req.api_version = S("x.io/v2");
    world_apply(&w, "two", "{'spec':{'text':'5'}}");
    w.live = world_parse(&w, "{'apiVersion':'x.io/v1','spec':{'number':5}}");
    struct meta_managed_fields_entry_array e = w.last.entries;
    struct jval *live = arena_new(&w.a, struct jval);
    *live = managed_set_tree(&w.a, w.live, e);
    w.live = live;
    w.req.api_version = S("x.io/v1");
    world_conflicts(&w, "one", "{'spec':{'number':6}}", "two .spec.text");
    world_apply(&w, "one", "{'spec':{'number':5}}");
    assert_managers(
        &w, "two Apply x.io/v2 {'f:spec':{'f:text':{}}}; one Apply x.io/v1 {'f:spec':{'f:number':{}}}");
    world_update(&w, "u", "{'spec':{'number':7}}");
    assert_managers(&w, "u Update x.io/v1 {'f:spec':{'f:number':{}}}");
}

TEST(test_managed_version__applier_changes_its_version) {
    versions();
    w.req.api_version = S("x.io/v2");
    world_apply(&w, "a", "{'spec':{'text':'5','labels':{'l':'1'}}}");
    struct meta_managed_fields_entry_array e = w.last.entries;
    w.req.api_version = S("x.io/v1");
    struct jval *live = arena_new(&w.a, struct jval);
    *live = managed_set_tree(&w.a, world_parse(&w, "{'spec':{'number':5,'labels':{'l':'1'}}}"), e);
    w.live = live;
    world_apply(&w, "a", "{'spec':{'number':5}}");
    assert_object(&w, "{'spec':{'number':5}}");
    assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:number':{}}}");
}

TEST(test_managed_version__owner_of_another_version_keeps_what_is_left_out) {
    versions();
    world_apply(&w, "a", "{'spec':{'number':5,'labels':{'l':'1'}}}");
    struct meta_managed_fields_entry_array e = w.last.entries;
    struct meta_managed_fields_entry both[2] = {e.v[0], e.v[0]};
    both[1].manager = S("two");
    both[1].api_version = S("x.io/v2");
    both[1].fields_v1 = S("{\"f:spec\":{\"f:text\":{}}}");
    struct jval *live = arena_new(&w.a, struct jval);
    *live = managed_set_tree(&w.a, w.live, (struct meta_managed_fields_entry_array){both, 2});
    w.live = live;
    world_apply(&w, "a", "{}");
    assert_object(&w, "{'spec':{'number':5}}");
    assert_managers(&w, "two Apply x.io/v2 {'f:spec':{'f:text':{}}}");
}

TEST(test_managed_version__managers_of_a_version_that_is_gone_go) {
    versions();
    world_update(&w, "u", "{'spec':{'number':1}}");
    struct meta_managed_fields_entry e[2] = {world_entries(&w).v[0], world_entries(&w).v[0]};
    e[1].api_version = S("x.io/v0");
    struct jval *live = arena_new(&w.a, struct jval);
    *live = managed_set_tree(&w.a, w.live, (struct meta_managed_fields_entry_array){e, 2});
    w.live = live;
    world_update(&w, "v", "{'spec':{'number':1,'text':'x'}}");
    assert_managers(
        &w, "u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}; v Update x.io/v1 {'f:spec':{'f:text':{}}}");
    w.live = live;
    world_apply(&w, "a", "{'spec':{'number':1}}");
    assert_managers(
        &w, "a Apply x.io/v1 {'f:spec':{'f:number':{}}}; u Update x.io/v1 {'f:spec':{'.':{},'f:number':{}}}");
}

TEST(test_managed_version__failing_conversion_fails) {
    versions();
    world_update(&w, "u", "{'spec':{'number':1}}");
    struct meta_managed_fields_entry e[2] = {world_entries(&w).v[0], world_entries(&w).v[0]};
    e[1].api_version = S("x.io/v9");
    struct jval *live = arena_new(&w.a, struct jval);
    *live = managed_set_tree(&w.a, w.live, (struct meta_managed_fields_entry_array){e, 2});
    w.live = live;
    assert_int_equal(world_update_rc(&w, "v", "{'spec':{'number':2}}"), ERR_UNSUPPORTED);
    assert_int_equal(world_apply_rc(&w, "v", "{'spec':{'number':1}}", false), ERR_UNSUPPORTED);
}

TEST(test_managed_version__same_version_is_never_converted) {
    versions();
    world_update(&w, "u", "{'spec':{'number':1}}");
    world_apply(&w, "a", "{'spec':{'number':1,'text':'x'}}");
    world_apply(&w, "a", "{'spec':{'number':1}}");
    assert_int_equal(conversions, 0);
}

/* ---- schema changes ---- */

TEST(test_managed_schema__owner_of_parts_owns_the_whole_that_became_atomic) {
    things();
    w.live =
        world_parse(&w, fmt("{'metadata':{'managedFields':[%s]},'spec':{'frozen':{'x':1,'y':2},'order':[1]}}",
                            entry("u", "{'f:spec':{'f:frozen':{'f:x':{}},'f:order':{'v:1':{}}}}")));
    world_conflicts(&w, "a", "{'spec':{'frozen':{'y':3}}}", "u .spec.frozen");
    world_force(&w, "a", "{'spec':{'frozen':{'y':3}}}");
    assert_managers(&w,
                    "a Apply x.io/v1 {'f:spec':{'f:frozen':{}}}; u Update x.io/v1 {'f:spec':{'f:order':{}}}");
}

/* ---- client-side apply ---- */

#define LAST "kubectl.kubernetes.io/last-applied-configuration"

TEST(test_managed_kubectl__takes_over_what_client_side_apply_left) {
    pods();
    world_update(
        &w, "kubectl-client-side-apply",
        "{'metadata':{'name':'p','annotations':{'" LAST
        "':'{\\'apiVersion\\':\\'v1\\',\\'spec\\':{\\'nodeName\\':\\'a\\',\\'hostname\\':\\'h\\'}}'}},"
        "'spec':{'nodeName':'a','hostname':'changed'}}");
    world_apply(&w, "kubectl", "{'spec':{'nodeName':'b'}}");
    world_conflicts(&w, "kubectl", "{'spec':{'nodeName':'b','hostname':'mine'}}",
                    "kubectl-client-side-apply .spec.hostname");
}

TEST(test_managed_kubectl__other_names_do_not_take_over) {
    pods();
    world_update(
        &w, "kubectl-client-side-apply",
        "{'metadata':{'annotations':{'" LAST
        "':'{\\'apiVersion\\':\\'v1\\',\\'spec\\':{\\'nodeName\\':\\'a\\'}}'}},'spec':{'nodeName':'a'}}");
    world_conflicts(&w, "flux", "{'spec':{'nodeName':'b'}}", "kubectl-client-side-apply .spec.nodeName");
}

TEST(test_managed_kubectl__unusable_record_is_no_permission) {
    pods();
    static const char *const bad[] = {
        "no json", "[]", "{}", "{\\'apiVersion\\':\\'v2\\',\\'spec\\':{\\'nodeName\\':\\'a\\'}}",
        "{\\'apiVersion\\':\\'v1\\',\\'bogus\\':1,\\'spec\\':{\\'nodeName\\':\\'a\\'}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pods();
        world_update(&w, "old",
                     fmt("{'metadata':{'annotations':{'" LAST "':'%s'}},'spec':{'nodeName':'a'}}", bad[i]));
        world_conflicts(&w, "kubectl", "{'spec':{'nodeName':'b'}}", "old .spec.nodeName");
    }
}

TEST(test_managed_kubectl__record_follows) {
    pods();
    world_update(&w, "old", "{'metadata':{'annotations':{'" LAST "':'{}','x':'y'}},'spec':{'nodeName':'a'}}");
    world_apply(&w, "kubectl", "{'metadata':{'annotations':{'k':'v'}},'spec':{'hostname':'h'}}");
    struct ref r = ref_path(ref_tree_at(w.pos, w.live), S("metadata.annotations"));
    assert_str(ref_str(ref_get(r, S(LAST)), &w.a), "{\"apiVersion\":\"v1\",\"metadata\":{\"annotations\":{"
                                                   "\"k\":\"v\"}},\"spec\":{\"hostname\":\"h\"}}\n");
    assert_true(w.last.object_changed);
    world_apply(&w, "flux", "{'spec':{'subdomain':'s'}}");
    r = ref_path(ref_tree_at(w.pos, w.live), S("metadata.annotations"));
    assert_str(ref_str(ref_get(r, S(LAST)), &w.a), "{\"apiVersion\":\"v1\",\"metadata\":{\"annotations\":{"
                                                   "\"k\":\"v\"}},\"spec\":{\"hostname\":\"h\"}}\n");
}

TEST(test_managed_kubectl__no_record_is_made) {
    pods();
    world_apply(&w, "kubectl", "{'spec':{'hostname':'h'}}");
    assert_object(&w, "{'spec':{'hostname':'h'}}");
}

TEST(test_managed_kubectl__record_that_is_too_large_goes) {
    pods();
    world_update(&w, "old", "{'metadata':{'annotations':{'" LAST "':'{}'}}}");
    char *big = arena_bytes(&w.a, 300 * 1024 + 1);
    memset(big, 'x', 300 * 1024);
    big[300 * 1024] = 0;
    world_apply(&w, "kubectl", fmt("{'metadata':{'annotations':{'k':'%s'}}}", big));
    struct ref r = ref_path(ref_tree_at(w.pos, w.live), S("metadata.annotations"));
    assert_int_equal(ref_kind(ref_get(r, S(LAST))), REF_ABSENT);
    assert_int_equal(ref_kind(ref_get(r, S("k"))), REF_STRING);
}

/* ---- texts ---- */

TEST(test_managed_conflict__one) {
    things();
    world_update(&w, "mgr", "{'spec':{'number':1}}");
    world_conflicts(&w, "a", "{'spec':{'number':2}}", "mgr .spec.number");
    struct status *st = managed_conflict_status(&w.a, w.last.conflicts, w.last.n_conflicts);
    assert_int_equal(st->body.code, 409);
    assert_str(st->body.reason, "Conflict");
    assert_str(st->body.message,
               "Apply failed with 1 conflict: conflict with \"mgr\" using x.io/v1: .spec.number");
    assert_int_equal(st->details.causes.n, 1);
    assert_str(st->details.causes.v[0].reason, "FieldManagerConflict");
    assert_str(st->details.causes.v[0].message, "conflict with \"mgr\" using x.io/v1");
    assert_str(st->details.causes.v[0].field, ".spec.number");
}

TEST(test_managed_conflict__several) {
    things();
    world_update(&w, "b", "{'spec':{'number':1,'text':'x'}}");
    world_apply(&w, "a", "{'spec':{'struct':{'x':1}}}");
    world_update_sub(&w, "status", "b",
                     "{'spec':{'number':1,'text':'x','struct':{'x':1}},'status':{'phase':'P'}}");
    world_conflicts(&w, "c", "{'spec':{'number':2,'text':'y','struct':{'x':2}},'status':{'phase':'Q'}}",
                    "a .spec.struct.x; b .spec.number; b .spec.text; b .status.phase");
    struct status *st = managed_conflict_status(&w.a, w.last.conflicts, w.last.n_conflicts);
    assert_str(st->body.message,
               "Apply failed with 4 conflicts: conflicts with \"a\":\n- .spec.struct.x\nconflicts with \"b\" "
               "using x.io/v1:\n- .spec.number\n- .spec.text\n"
               "conflicts with \"b\" with subresource \"status\" using x.io/v1:\n- .status.phase");
    assert_int_equal(st->details.causes.n, 4);
}

TEST(test_managed_name__from_the_user_agent) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_str(managed_name(&a, S("given"), S("kubectl/v1")), "given");
    assert_str(managed_name(&a, S(""), S("kubectl/v1.36 (linux/amd64)")), "kubectl");
    assert_str(managed_name(&a, STR_NONE, S("no slash")), "no slash");
    assert_str(managed_name(&a, STR_NONE,
                            S("a\x01\xff\xc2\xa0"
                              "b\xc3\xa9/1")),
               "ab\xc3\xa9");
    assert_str(managed_name(&a, STR_NONE, S("")), "unknown");
    assert_str(managed_name(&a, STR_NONE, S("\n/x")), "unknown");
    char longer[300];
    memset(longer, 'x', sizeof longer);
    assert_int_equal(managed_name(&a, STR_NONE, str_make(longer, sizeof longer)).n, MANAGER_NAME_MAX);
}

static size_t problems(const struct meta_managed_fields_entry *e, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_errors errors = FIELD_ERRORS_INIT(&a);
    managed_check(&errors, at_field(NULL, "metadata.managedFields"),
                  (struct meta_managed_fields_entry_array){(struct meta_managed_fields_entry *)e, 1});
    if (errors.n)
        assert_str(errors.v[0].field, expected);
    return errors.n;
}

TEST(test_managed_check__entries) {
    char longer[300];
    memset(longer, 'x', sizeof longer);
    struct meta_managed_fields_entry ok = {.manager = S("m\"\\ \xc3\xa9"),
                                           .operation = S("Apply"),
                                           .fields_type = S("FieldsV1")},
                                     e = ok;
    assert_int_equal(problems(&ok, ""), 0);
    e.operation = S("Update");
    e.fields_type = STR_NONE;
    assert_int_equal(problems(&e, ""), 0);
    e.operation = S("Fly");
    assert_int_equal(problems(&e, "metadata.managedFields[0].operation"), 1);
    e = ok;
    e.fields_type = S("FieldsV2");
    assert_int_equal(problems(&e, "metadata.managedFields[0].fieldsType"), 1);
    e = ok;
    e.manager = str_make(longer, MANAGER_NAME_MAX + 1);
    assert_int_equal(problems(&e, "metadata.managedFields[0].manager"), 1);
    e.manager = S("a\nb");
    assert_int_equal(problems(&e, "metadata.managedFields[0].manager"), 1);
    e.manager = S("a\xff");
    assert_int_equal(problems(&e, "metadata.managedFields[0].manager"), 1);
    e = ok;
    e.subresource = str_make(longer, MANAGED_SUBRESOURCE_MAX + 1);
    assert_int_equal(problems(&e, "metadata.managedFields[0].subresource"), 1);
}

TEST(test_managed_same__ignores_times_only) {
    struct meta_managed_fields_entry x = {.manager = S("m"), .operation = S("Apply"), .time = {5, 0, true}},
                                     y = x;
    struct meta_managed_fields_entry_array ax = {&x, 1}, ay = {&y, 1}, none = {0};
    y.time.sec = 6;
    assert_true(managed_same(ax, ay));
    assert_false(managed_same(ax, none));
    y.fields_v1 = S("{}");
    assert_false(managed_same(ax, ay));
}

/* ---- deep objects, on the stack of a worker ---- */

static struct jval nested(struct arena *a, int levels, int64_t leaf) {
    struct jval v = jval_int(leaf);
    while (levels--) {
        struct jmember *m = arena_new(a, struct jmember);
        *m = (struct jmember){S("a"), v};
        v = jval_object(m, 1);
    }
    return v;
}

static void write_deep(void *levels) {
    _cleanup_arena struct arena a = ARENA_INIT;
    int n = *(int *)levels;
    struct jval apiversion = jval_str(S("v1")), x = nested(&a, n, 1), y = nested(&a, n, 2);
    struct jval before = jval_with(&a, &x, S("apiVersion"), apiversion),
                after = jval_with(&a, &y, S("apiVersion"), apiversion);
    struct managed_request req = {.manager = S("m"), .api_version = S("v1")};
    req.after = ref_tree_at((struct pos){0}, &before);
    struct managed_result result;
    int rc = managed_update(&a, &req, &result, NULL);
    check(rc == (n <= (int)MANAGED_DEPTH_MAX ? 0 : ERR_TOO_LARGE));
    if (rc == 0)
        before = managed_set_tree(&a, &before, result.entries);
    req.before = ref_tree_at((struct pos){0}, &before);
    req.after = req.config = ref_tree_at((struct pos){0}, &after);
    check(managed_update(&a, &req, &result, NULL) == rc);
    check(managed_apply(&a, &req, &result, NULL) == (rc ? rc : ERR_CONFLICT));
    req.force = true;
    check(managed_apply(&a, &req, &result, NULL) == rc);
}

TEST(test_managed_deep__fits_a_small_stack) {
    static const int levels[] = {2,
                                 FIELDSET_DEPTH_MAX - 1,
                                 FIELDSET_DEPTH_MAX,
                                 FIELDSET_DEPTH_MAX + 1,
                                 MANAGED_DEPTH_MAX,
                                 MANAGED_DEPTH_MAX + 1};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        struct thread t;
        int n = levels[i];
        struct thread_options options = {.name = "deep"};
        assert_ok(thread_start(&t, &options, write_deep, &n, NULL), NULL);
        thread_join(&t);
    }
}

TEST(test_managed_deep__what_is_too_deep_is_one_field) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval x = nested(&a, 200, 1), y = nested(&a, 200, 2);
    struct fieldset set = fieldset_of(&a, ref_tree_at((struct pos){0}, &x));
    assert_int_equal(fieldset_size(&set), FIELDSET_DEPTH_MAX);
    struct fieldset_diff d =
        fieldset_compare(&a, ref_tree_at((struct pos){0}, &x), ref_tree_at((struct pos){0}, &y));
    assert_int_equal(fieldset_size(&d.modified), 1);
    _cleanup_buf struct buf text = BUF_INIT;
    fieldset_write(&text, &set);
    struct fieldset back;
    assert_ok(fieldset_read(&a, buf_view(&text), &back, NULL), NULL);
    assert_true(fieldset_equal(&set, &back));
}

/* ---- the scale subresource ---- */

static const char *entries_text(struct meta_managed_fields_entry_array e) {
    struct str out = S("");
    for (uint32_t i = 0; i < e.n; i++)
        out = arena_printf(&w.a, "%.*s%s%.*s %.*s %.*s%s%.*s %.*s", STR_ARG(out), i ? "; " : "",
                           STR_ARG(e.v[i].manager), STR_ARG(e.v[i].operation), STR_ARG(e.v[i].api_version),
                           e.v[i].subresource.n ? "/" : "", STR_ARG(e.v[i].subresource),
                           STR_ARG(e.v[i].fields_v1));
    return out.p;
}

static struct managed_scale scale_map(void) {
    static struct managed_scale map;
    struct fieldset *set = arena_new(&w.a, struct fieldset);
    fieldset_insert_names(&w.a, set, "spec.number");
    map = (struct managed_scale){S("x.io/v1"), set};
    return map;
}

TEST(test_managed_scale__shows_the_owners_of_replicas) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1,'text':'x'}}");
    world_update(&w, "u", "{'spec':{'number':1,'text':'y'}}");
    struct managed_scale map = scale_map();
    assert_string_equal(entries_text(managed_scale_view(&w.a, world_entries(&w), &map, 1)),
                        "a Apply autoscaling/v1 {\"f:spec\":{\"f:replicas\":{}}}");
    map.api_version = S("x.io/v9");
    assert_int_equal(managed_scale_view(&w.a, world_entries(&w), &map, 1).n, 0);
}

static struct meta_managed_fields_entry scale_entry(const char *manager, const char *operation,
                                                    const char *fields) {
    return (struct meta_managed_fields_entry){.manager = str_from(manager),
                                              .operation = str_from(operation),
                                              .api_version = S("autoscaling/v1"),
                                              .fields_type = S("FieldsV1"),
                                              .fields_v1 = str_from(fields),
                                              .time = {7, 0, true},
                                              .subresource = S("scale")};
}

static const char *back(struct meta_managed_fields_entry *scale, uint32_t n) {
    struct managed_scale map = scale_map();
    struct meta_managed_fields_entry_array out;
    assert_ok(managed_scale_back(&w.a, world_entries(&w), (struct meta_managed_fields_entry_array){scale, n},
                                 &map, 1, S("x.io/v1"), &out, NULL),
              NULL);
    return entries_text(out);
}

TEST(test_managed_scale__new_owner_takes_replicas) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1,'text':'x'}}");
    struct meta_managed_fields_entry scale = scale_entry("hpa", "Update", "{\"f:spec\":{\"f:replicas\":{}}}");
    assert_string_equal(back(&scale, 1), "a Apply x.io/v1 {\"f:spec\":{\"f:text\":{}}}; hpa Update "
                                         "x.io/v1/scale {\"f:spec\":{\"f:number\":{}}}");
}

TEST(test_managed_scale__owner_who_stays_keeps_its_entry) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1,'text':'x'}}");
    struct meta_managed_fields_entry scale = scale_entry("a", "Apply", "{\"f:spec\":{\"f:replicas\":{}}}");
    scale.subresource = STR_NONE;
    assert_string_equal(back(&scale, 1), "a Apply x.io/v1 {\"f:spec\":{\"f:number\":{},\"f:text\":{}}}");
}

TEST(test_managed_scale__owner_of_nothing_else_goes) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1}}");
    assert_string_equal(back(NULL, 0), "");
}

TEST(test_managed_scale__owner_of_other_fields_gets_replicas_too) {
    things();
    world_apply_sub(&w, "scale", "a", "{'spec':{'text':'x'}}");
    struct meta_managed_fields_entry scale = scale_entry("a", "Apply", "{\"f:spec\":{\"f:replicas\":{}}}");
    assert_string_equal(back(&scale, 1),
                        "a Apply x.io/v1/scale {\"f:spec\":{\"f:number\":{},\"f:text\":{}}}");
}

TEST(test_managed_scale__unreadable_entries_are_refused) {
    things();
    world_apply(&w, "a", "{'spec':{'number':1}}");
    struct meta_managed_fields_entry scale = scale_entry("a", "Fly", "{}");
    struct managed_scale map = scale_map();
    struct meta_managed_fields_entry_array out = {.n = 5};
    assert_fails(managed_scale_back(&w.a, world_entries(&w),
                                    (struct meta_managed_fields_entry_array){&scale, 1}, &map, 1,
                                    S("x.io/v1"), &out, NULL),
                 ERR_INVALID);
    assert_int_equal(out.n, 5);
}
