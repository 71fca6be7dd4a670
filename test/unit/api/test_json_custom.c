/* A set of descriptors that is not the built-in one, with a field that keeps its value as a tree. */
#include "api/json.h"
#include "base/arena.h"
#include "base/buf.h"
#include "unit/unit.h"

struct thing {
    struct str name;
    struct jval data;
    struct any_array more; /* of struct jval */
};

static const char pool[] = "\"\":\"Thing\":\"data\":\"more\":\"name\":                                       "
                           "                         ";
static const struct ty_name names[] = {{1, 0, 0}, {4, 5, 0}, {12, 4, 0}, {19, 4, 0}, {26, 4, 0}};
static const struct ty_field fields[] = {
    {.name = 4, .offset = offsetof(struct thing, name), .leaf = LEAF_STRING, .flags = FIELD_OMITEMPTY},
    {.name = 2, .offset = offsetof(struct thing, data), .leaf = LEAF_TREE, .flags = FIELD_OMITEMPTY},
    {.name = 3,
     .offset = offsetof(struct thing, more),
     .leaf = LEAF_TREE,
     .shape = SHAPE_LIST,
     .flags = FIELD_OMITEMPTY},
};
static const uint16_t by_name[] = {1, 2, 0};
static const struct ty_gv gvs[] = {{0, 0, 0, 0}};
static const struct ty_rule rules[1];
static const struct ty_type types[] = {{0}, {.name = 1, .n = 3, .size = sizeof(struct thing)}};
static const struct ty_set set = {
    .pool = pool,
    .names = names,
    .types = types,
    .fields = fields,
    .by_name = by_name,
    .gvs = gvs,
    .rules = rules,
    .n_names = 5,
    .n_types = 2,
    .n_fields = 3,
    .n_gvs = 1,
    .n_rules = 1,
};

static void comes_back(const char *text, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT, other = ARENA_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct err err = ERR_INIT;
    void *object;
    assert_ok(api_read_json(&a, &set, 1, str_from(text), NULL, &object, &err), &err);
    api_write_json(&out, &set, 1, object);
    assert_str(buf_view(&out), expected);
    struct jval tree = api_to_tree(&a, &set, 1, api_copy(&a, &set, 1, object));
    assert_ok(api_from_tree(&other, &set, 1, &tree, NULL, &object, &err), &err);
    arena_fini(&a);
    buf_clear(&out);
    api_write_json(&out, &set, 1, object);
    assert_str(buf_view(&out), expected);
}

TEST(test_json_custom__trees_come_back) {
    comes_back("{}", "{}");
    comes_back("{\"name\":\"x\",\"data\":null}", "{\"name\":\"x\"}");
    comes_back("{\"data\":\"s\",\"name\":\"x\"}", "{\"name\":\"x\",\"data\":\"s\"}");
    comes_back("{\"data\": { \"b\" : [1.50, \"\\n\"], \"a\" : {} } }",
               "{\"data\":{\"a\":{},\"b\":[1.5,\"\\n\"]}}");
    comes_back("{\"more\":[1,null,[true],{\"x\":\"\"}]}", "{\"more\":[1,null,[true],{\"x\":\"\"}]}");
}

TEST(test_json_custom__duplicates_in_trees_have_the_whole_path) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct strict_errors strict = {.arena = &a};
    struct json_read_options options = {.strict = &strict};
    struct err err = ERR_INIT;
    void *object;
    assert_ok(
        api_read_json(
            &a, &set, 1,
            S("{\"more\":[{},{\"a\":1,\"a\":2},[{\"b\":1,\"b\":2}]],\"data\":{\"c\":{\"d\":1,\"d\":2}}}"),
            &options, &object, &err),
        &err);
    assert_int_equal(strict.n, 3);
    assert_str(strict.v[0], "duplicate field \"more[1].a\"");
    assert_str(strict.v[1], "duplicate field \"more[2][0].b\"");
    assert_str(strict.v[2], "duplicate field \"data.c.d\"");
}

TEST(test_json_custom__trees_are_bounded_too) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    void *object;
    buf_lit(&b, "{\"data\":");
    for (int i = 0; i < 100000; i++)
        buf_byte(&b, '[');
    assert_fails(api_read_json(&a, &set, 1, buf_view(&b), NULL, &object, &err), ERR_TOO_LARGE);
    assert_string_equal(err.msg, "JSON is nested deeper than 1000 levels at byte 1007");
    assert_fails(api_read_json(&a, &set, 1, S("{\"data\":[1,}"), NULL, &object, &err), ERR_INVALID);
    assert_string_equal(err.msg, "invalid JSON: '}' at byte 11 where a value is expected");
}
