/* api/managed: filters, versions, client-side apply, texts, deep objects, the scale subresource. */
#include "api/managed.h"

#include "api/field_error.h"
#include "api/status.h"
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

#define fmt(...) world_text(&w, __VA_ARGS__)
#define entry(manager, fields) world_entry(&w, manager, fields)

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
