/* api/fieldset: path elements, FieldsV1 text, set operations. */
#include "api/fieldset.h"

#include "base/arena.h"
#include "base/buf.h"
#include "unit/unit.h"

static struct fieldset read_set(struct arena *a, const char *text) {
    struct fieldset set;
    struct err err = ERR_INIT;
    assert_ok(fieldset_read(a, str_from(text), &set, &err), &err);
    return set;
}

static void assert_set(const struct fieldset *set, const char *expected) {
    _cleanup_buf struct buf out = BUF_INIT;
    fieldset_write(&out, set);
    assert_str(buf_view(&out), expected);
}

static void assert_round_trip(const char *text) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = read_set(&a, text);
    assert_set(&set, text);
}

typedef struct fieldset (*binary_fn)(struct arena *a, const struct fieldset *x, const struct fieldset *y);

static void assert_binary(binary_fn fn, const char *x, const char *y, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset sx = read_set(&a, x), sy = read_set(&a, y), out = fn(&a, &sx, &sy);
    assert_set(&out, expected);
    assert_set(&sx, x);
    assert_set(&sy, y);
}

TEST(test_fieldset__writes_what_it_read) {
    assert_round_trip("{}");
    assert_round_trip("{\"f:spec\":{\"f:replicas\":{}}}");
    assert_round_trip("{\"f:metadata\":{\"f:labels\":{\".\":{},\"f:app\":{}}}}");
    assert_round_trip("{\"f:ports\":{\"k:{\\\"containerPort\\\":80,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},"
                      "\"f:name\":{}}}}");
    assert_round_trip("{\"f:metadata\":{\"f:finalizers\":{\".\":{},\"v:\\\"x/y\\\"\":{}}}}");
    assert_round_trip("{\"f:a\":{\"i:0\":{},\"i:1\":{\"f:b\":{}}}}");
}

TEST(test_fieldset__orders_fields_keys_values_indexes) {
    assert_round_trip(
        "{\"f:aaa\":{},\"f:aab\":{},\"k:{\\\"name\\\":\\\"first\\\"}\":{},\"k:{\\\"name\\\":\\\"second\\\"}"
        "\":{},"
        "\"k:{\\\"port\\\":443,\\\"protocol\\\":\\\"tcp\\\"}\":{},\"v:1\":{},\"v:2\":{},\"v:\\\"aa\\\"\":{},"
        "\"v:true\":{},\"i:1\":{},\"i:4\":{}}");
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = read_set(
        &a, "{\"i:4\":{},\"v:true\":{},\"v:\\\"a\\\"\":{},\"v:null\":{},\"v:10\":{},\"v:9\":{},\"v:1.5\":{},"
            "\"k:{\\\"a\\\":2}\":{},\"k:{\\\"a\\\":10}\":{},\"k:{}\":{},\"f:b\":{},\"f:a\":{}}");
    assert_set(
        &set,
        "{\"f:a\":{},\"f:b\":{},\"k:{}\":{},\"k:{\\\"a\\\":2}\":{},\"k:{\\\"a\\\":10}\":{},"
        "\"v:1.5\":{},\"v:9\":{},\"v:10\":{},\"v:\\\"a\\\"\":{},\"v:true\":{},\"v:null\":{},\"i:4\":{}}");
}

TEST(test_fieldset__orders_lists_and_maps_among_values) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = read_set(&a, "{\"v:{\\\"a\\\":1}\":{},\"v:[1,2]\":{},\"v:[1]\":{},\"v:{\\\"a\\\":0}"
                                       "\":{},\"v:false\":{},\"v:true\":{}}");
    assert_set(&set, "{\"v:false\":{},\"v:true\":{},\"v:[1]\":{},\"v:[1,2]\":{},\"v:{\\\"a\\\":0}\":{},\"v:{"
                     "\\\"a\\\":1}\":{}}");
}

TEST(test_fieldset__puts_self_first) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = read_set(&a, "{\"f:a\":{\"f:b\":{},\".\":{}}}");
    assert_set(&set, "{\"f:a\":{\".\":{},\"f:b\":{}}}");
}

TEST(test_fieldset__a_lone_self_is_a_leaf) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = read_set(&a, "{\"f:a\":{\".\":{}}}");
    assert_set(&set, "{\"f:a\":{}}");
    assert_int_equal(fieldset_size(&set), 1);
}

TEST(test_fieldset__root_is_never_a_member) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = read_set(&a, "{\".\":{},\"f:a\":{}}");
    assert_false(set.member);
    assert_set(&set, "{\"f:a\":{}}");
}

TEST(test_fieldset__skips_unknown_elements) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = read_set(&a, "{\"f:a\":{},\"r:b\":{\"f:c\":[1,{}]},\"\":{},\"x\":3}");
    assert_set(&set, "{\"f:a\":{}}");
}

TEST(test_fieldset__unites_repeated_elements) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = read_set(&a, "{\"f:b\":{\"f:x\":{}},\"f:a\":{},\"f:b\":{\"f:y\":{}}}");
    assert_set(&set, "{\"f:a\":{},\"f:b\":{\"f:x\":{},\"f:y\":{}}}");
    set = read_set(&a,
                   "{\"k:{\\\"b\\\":1,\\\"a\\\":2}\":{},\"k:{ \\\"a\\\":2, \\\"b\\\":1.0 }\":{\"f:z\":{}}}");
    assert_set(&set, "{\"k:{\\\"a\\\":2,\\\"b\\\":1}\":{\".\":{},\"f:z\":{}}}");
}

TEST(test_fieldset__refuses_what_is_no_set) {
    static const char *const bad[] = {"",
                                      "[]",
                                      "null",
                                      "{",
                                      "{\"f:a\"}",
                                      "{\"f:a\":1}",
                                      "{\"f:a\":{},}",
                                      "{\"f:a\":{}} x",
                                      "{\"k:1\":{}}",
                                      "{\"k:\":{}}",
                                      "{\"k:{]\":{}}",
                                      "{\"v:\":{}}",
                                      "{\"v:tru\":{}}",
                                      "{\"i:x\":{}}",
                                      "{\"i:1.5\":{}}",
                                      "{\"i:\":{}}",
                                      "{\"f:a\":{} \"f:b\":{}}",
                                      "{f:a:{}}",
                                      "{\"f:\\u12\":{}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct fieldset set = {.cap = 77};
        struct err err = ERR_INIT;
        assert_true(fieldset_read(&a, str_from(bad[i]), &set, &err) < 0);
        assert_int_equal(set.cap, 77);
        assert_true(err.msg[0] != 0);
    }
}

TEST(test_fieldset__bounds_depth) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf text = BUF_INIT;
    for (int i = 0; i < 5000; i++)
        buf_lit(&text, "{\"f:a\":");
    struct fieldset set;
    assert_fails(fieldset_read(&a, buf_view(&text), &set, NULL), ERR_TOO_LARGE);
}

TEST(test_fieldset__escapes_html_in_names_and_values) {
    assert_round_trip("{\"f:a\\u003cb\":{},\"v:\\\"x\\\\u0026y\\\"\":{}}");
}

TEST(test_fieldset__union) {
    assert_binary(fieldset_union, "{\"f:a\":{}}", "{\"f:b\":{}}", "{\"f:a\":{},\"f:b\":{}}");
    assert_binary(fieldset_union, "{}", "{\"f:b\":{}}", "{\"f:b\":{}}");
    assert_binary(fieldset_union, "{\"f:b\":{}}", "{}", "{\"f:b\":{}}");
    assert_binary(fieldset_union, "{\"f:a\":{\"f:x\":{}}}", "{\"f:a\":{}}",
                  "{\"f:a\":{\".\":{},\"f:x\":{}}}");
}

TEST(test_fieldset__intersection) {
    assert_binary(fieldset_intersection, "{\"f:a\":{},\"f:b\":{}}", "{\"f:b\":{},\"f:c\":{}}",
                  "{\"f:b\":{}}");
    assert_binary(fieldset_intersection, "{\"f:a\":{\"f:x\":{}}}", "{\"f:a\":{}}", "{}");
    assert_binary(fieldset_intersection, "{\"f:a\":{\".\":{},\"f:x\":{}}}", "{\"f:a\":{\".\":{},\"f:y\":{}}}",
                  "{\"f:a\":{}}");
    assert_binary(fieldset_intersection, "{\"f:a\":{}}", "{}", "{}");
}

TEST(test_fieldset__difference_is_of_members_only) {
    assert_binary(fieldset_difference, "{\"f:a\":{},\"f:b\":{}}", "{\"f:b\":{}}", "{\"f:a\":{}}");
    assert_binary(fieldset_difference, "{\"f:a\":{\".\":{},\"f:x\":{}}}", "{\"f:a\":{}}",
                  "{\"f:a\":{\"f:x\":{}}}");
    assert_binary(fieldset_difference, "{\"f:a\":{\".\":{},\"f:x\":{}}}", "{\"f:a\":{\"f:x\":{}}}",
                  "{\"f:a\":{}}");
    assert_binary(fieldset_difference, "{\"f:a\":{\"f:x\":{}}}", "{\"f:a\":{\"f:x\":{}}}", "{}");
}

TEST(test_fieldset__difference_below_takes_children_too) {
    assert_binary(fieldset_difference_below, "{\"f:a\":{\".\":{},\"f:x\":{}},\"f:b\":{}}", "{\"f:a\":{}}",
                  "{\"f:b\":{}}");
    assert_binary(fieldset_difference_below, "{\"f:a\":{\"f:x\":{},\"f:y\":{}}}", "{\"f:a\":{\"f:x\":{}}}",
                  "{\"f:a\":{\"f:y\":{}}}");
    assert_binary(fieldset_difference_below, "{\"f:a\":{}}", "{\"f:a\":{\"f:x\":{}}}", "{\"f:a\":{}}");
}

TEST(test_fieldset__below) {
    assert_binary(fieldset_below, "{\"f:metadata\":{\"f:labels\":{}},\"f:status\":{\"f:x\":{\"f:y\":{}}}}",
                  "{\"f:status\":{}}", "{\"f:status\":{\"f:x\":{\"f:y\":{}}}}");
    assert_binary(fieldset_below, "{\"f:a\":{\".\":{},\"f:x\":{},\"f:y\":{}}}", "{\"f:a\":{\"f:x\":{}}}",
                  "{\"f:a\":{\"f:x\":{}}}");
}

TEST(test_fieldset__leaves) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = read_set(&a, "{\"f:a\":{\".\":{},\"f:x\":{}},\"f:b\":{}}"),
                    leaves = fieldset_leaves(&a, &set);
    assert_set(&leaves, "{\"f:a\":{\"f:x\":{}},\"f:b\":{}}");
}

TEST(test_fieldset__equal_and_covers) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset x = read_set(&a, "{\"f:a\":{\".\":{},\"f:x\":{}},\"f:b\":{}}"),
                    y = read_set(&a, "{\"f:b\":{},\"f:a\":{\"f:x\":{},\".\":{}}}");
    struct fieldset z = read_set(&a, "{\"f:a\":{\"f:x\":{}}}"), none = {0};
    assert_true(fieldset_equal(&x, &y));
    assert_false(fieldset_equal(&x, &z));
    assert_true(fieldset_covers(&x, &z) && fieldset_covers(&x, &y) && fieldset_covers(&x, &none));
    assert_false(fieldset_covers(&z, &x));
    assert_true(fieldset_empty(&none) && !fieldset_empty(&z));
    struct fieldset parent = read_set(&a, "{\"f:a\":{}}");
    assert_false(fieldset_covers(&z, &parent));
}

TEST(test_fieldset__finds_paths) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set =
        read_set(&a, "{\"f:spec\":{\"f:ports\":{\"k:{\\\"port\\\":80}\":{\"f:name\":{}}}}}");
    struct jmember key = {S("port"), jval_int(80)};
    struct path_el path[] = {path_field(S("spec")),
                             path_field(S("ports")),
                             {PATH_KEY, jval_object(&key, 1)},
                             path_field(S("name"))};
    assert_true(fieldset_has(&set, path, 4));
    assert_false(fieldset_has(&set, path, 3));
    assert_non_null(fieldset_find(&set, path, 3));
    key.value = jval_int(81);
    assert_null(fieldset_find(&set, path, 3));
}

TEST(test_fieldset__prefixes) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = read_set(&a, "{\"f:a\":{\".\":{},\"f:x\":{}},\"f:b\":{}}"), none = {0};
    struct path_el in_a = path_field(S("a")), in_c = path_field(S("c"));
    struct fieldset below = fieldset_without_prefix(&set, &in_a);
    assert_set(&below, "{\"f:x\":{}}");
    struct fieldset back = fieldset_with_prefix(&a, &in_c, &below);
    assert_set(&back, "{\"f:c\":{\"f:x\":{}}}");
    below = fieldset_without_prefix(&set, &in_c);
    assert_true(fieldset_empty(&below));
    back = fieldset_with_prefix(&a, &in_c, &none);
    assert_true(fieldset_empty(&back));
}

TEST(test_fieldset__insert_keeps_order) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct fieldset set = {0};
    fieldset_insert_names(&a, &set, "metadata.name");
    fieldset_insert_names(&a, &set, "apiVersion");
    fieldset_insert_names(&a, &set, "metadata.labels.x");
    fieldset_insert_names(&a, &set, "metadata");
    fieldset_insert_names(&a, &set, "metadata.name");
    assert_set(&set,
               "{\"f:apiVersion\":{},\"f:metadata\":{\".\":{},\"f:labels\":{\"f:x\":{}},\"f:name\":{}}}");
}

static int append_path(void *ctx, const struct path *path) {
    path_write(ctx, path);
    buf_byte(ctx, ' ');
    return 0;
}

static int stop_at_once(void *ctx, const struct path *path) {
    (void)path;
    ++*(int *)ctx;
    return -5;
}

TEST(test_fieldset__each_visits_members_level_by_level) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct fieldset set = read_set(&a, "{\"f:a\":{\".\":{},\"f:x\":{}},\"f:b\":{\"f:y\":{}},\"f:c\":{}}");
    assert_int_equal(fieldset_each(&set, append_path, &out), 0);
    assert_str(buf_view(&out), ".a .c .a.x .b.y ");
    int calls = 0;
    assert_int_equal(fieldset_each(&set, stop_at_once, &calls), -5);
    assert_int_equal(calls, 1);
}

TEST(test_fieldset__prints_paths_as_upstream_does) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct fieldset set = read_set(&a, "{\"f:spec\":{\"f:replicas\":{},\"f:x\":{\"k:{\\\"name\\\":"
                                       "\\\"ngi\\\\\\\"nx\\\",\\\"port\\\":80}\":{\"f:image\":{}},"
                                       "\"v:\\\"a\\\\tb\\\\u0001\\\"\":{},\"v:true\":{},\"v:[1,\\\"a\\\"]\":{"
                                       "},\"v:{\\\"k\\\":null}\":{},\"i:7\":{}}}}");
    fieldset_each(&set, append_path, &out);
    assert_str(
        buf_view(&out),
        ".spec.replicas .spec.x[=\"a\\tb\\x01\"] .spec.x[=true] .spec.x[=[1,\"a\"]] .spec.x[={k=null}] "
        ".spec.x[7] .spec.x[name=\"ngi\\\"nx\",port=80].image ");
}
