/* JSON text to trees. */
#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "unit/unit.h"

/* Parses and writes again. */
static void becomes(const char *text, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    assert_ok(json_parse(&a, str_from(text), NULL, NULL, &v, &err), &err);
    json_write(&b, &v);
    assert_str(buf_view(&b), expected);
}

static void refused(const char *text, const char *message) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval v = jval_int(42);
    assert_fails(json_parse(&a, str_from(text), NULL, NULL, &v, &err), ERR_INVALID);
    assert_string_equal(err.msg, message);
    assert_int_equal(v.i, 42);
}

TEST(test_json_parse__scalars) {
    becomes("null", "null");
    becomes(" true\n", "true");
    becomes("false", "false");
    becomes("-12", "-12");
    becomes("\"a\"", "\"a\"");
    becomes("1.50", "1.5");
}

TEST(test_json_parse__containers) {
    becomes("[]", "[]");
    becomes("{}", "{}");
    becomes(" [ ] ", "[]");
    becomes("\t{\r\n}", "{}");
    becomes("[1,[2,[3,[]]],{}]", "[1,[2,[3,[]]],{}]");
    becomes("{\"a\":{\"b\":[{\"c\":null}]},\"d\":1}", "{\"a\":{\"b\":[{\"c\":null}]},\"d\":1}");
    becomes(" { \"a\" : [ 1 , true , \"x\" ] , \"b\" : { } } ", "{\"a\":[1,true,\"x\"],\"b\":{}}");
}

TEST(test_json_parse__members_are_sorted_by_bytes) {
    becomes("{\"b\":1,\"a\":2,\"\":3,\"B\":4,\"aa\":5,\"\u00e9\":6,\"~\":7}",
            "{\"\":3,\"B\":4,\"a\":2,\"aa\":5,\"b\":1,\"~\":7,\"\u00e9\":6}");
    becomes(
        "{\"k9\":9,\"k8\":8,\"k7\":7,\"k6\":6,\"k5\":5,\"k4\":4,\"k3\":3,\"k2\":2,\"k1\":1,\"j9\":0,\"j8\":0,"
        "\"j7\":0,\"j6\":0,\"j5\":0,\"j4\":0,\"j3\":0,\"j2\":0,\"j1\":0}",
        "{\"j1\":0,\"j2\":0,\"j3\":0,\"j4\":0,\"j5\":0,\"j6\":0,\"j7\":0,\"j8\":0,\"j9\":0,\"k1\":1,\"k2\":2,"
        "\"k3\":3,\"k4\":4,\"k5\":5,\"k6\":6,\"k7\":7,\"k8\":8,\"k9\":9}");
}

TEST(test_json_parse__of_duplicate_keys_the_last_wins) {
    becomes("{\"a\":1,\"a\":2}", "{\"a\":2}");
    becomes("{\"b\":0,\"a\":{\"x\":1},\"a\":{\"y\":2},\"a\":3}", "{\"a\":3,\"b\":0}");
    becomes("{\"a\":1,\"\\u0061\":2}", "{\"a\":2}");
}

TEST(test_json_parse__duplicate_keys_are_reported_with_path) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct strict_errors strict = {.arena = &a};
    struct err err = ERR_INIT;
    struct jval v;
    assert_ok(json_parse(
                  &a,
                  S("{\"spec\":{\"containers\":[{},{\"name\":\"a\",\"name\":\"b\"}],\"x\":1,\"x\":2,\"x\":3},"
                    "\"spec\":null}"),
                  NULL, &strict, &v, &err),
              &err);
    assert_int_equal(strict.n, 3);
    assert_str(strict.v[0], "duplicate field \"spec.containers[1].name\"");
    assert_str(strict.v[1], "duplicate field \"spec.x\"");
    assert_str(strict.v[2], "duplicate field \"spec\"");
}

TEST(test_json_parse__strict_reports_are_limited) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct strict_errors strict = {.arena = &a};
    struct err err = ERR_INIT;
    struct jval v;
    for (int i = 0; i < 300; i++)
        buf_printf(&b, "%s\"k%d\":0,\"k%d\":0", i ? "," : "{", i, i);
    buf_byte(&b, '}');
    assert_ok(json_parse(&a, buf_view(&b), NULL, &strict, &v, &err), &err);
    assert_int_equal(strict.n, STRICT_MAX);
    assert_int_equal(v.n, 300);
}

TEST(test_json_parse__long_paths_are_cut) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct strict_errors strict = {.arena = &a};
    char key[1001];
    memset(key, 'k', sizeof key - 1);
    key[1000] = 0;
    struct err err = ERR_INIT;
    struct jval v;
    struct str text = arena_printf(&a, "{\"%s\":{\"a\":1,\"a\":2}}", key);
    assert_ok(json_parse(&a, text, NULL, &strict, &v, &err), &err);
    assert_int_equal(strict.n, 1);
    assert_true(strict.v[0].n < 300);
    assert_true(str_has_suffix(strict.v[0], S("kkk\u2026\"")));
}

TEST(test_json_parse__syntax_errors_name_the_place) {
    refused("", "invalid JSON: the text ends at byte 0 where a value is expected");
    refused("  ", "invalid JSON: the text ends at byte 2 where a value is expected");
    refused("[1,]", "invalid JSON: ']' at byte 3 where a value is expected");
    refused("[1 2]", "invalid JSON: '2' at byte 3 where ',' or ']' is expected");
    refused("{\"a\" 1}", "invalid JSON: '1' at byte 5 where ':' is expected");
    refused("{\"a\":1,}", "invalid JSON: '}' at byte 7 where a member name is expected");
    refused("{a:1}", "invalid JSON: 'a' at byte 1 where a member name is expected");
    refused("{\"a\":1", "invalid JSON: the text ends at byte 6 where ',' or '}' is expected");
    refused("[1}", "invalid JSON: '}' at byte 2 where ',' or ']' is expected");
    refused("tru", "invalid JSON: the text ends at byte 3 where true, false or null is expected");
    refused("nulL", "invalid JSON: 'L' at byte 3 where true, false or null is expected");
    refused("1 2", "invalid JSON: '2' at byte 2 where the end of the text is expected");
    refused("{}}", "invalid JSON: '}' at byte 2 where the end of the text is expected");
    refused("\xef\xbb\xbf{}", "invalid JSON: byte 0xef at byte 0 where a value is expected");
    refused("'a'", "invalid JSON: ''' at byte 0 where a value is expected");
}

TEST(test_json_parse__a_nul_is_no_end) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    assert_fails(json_parse(&a, str_make("1\0", 2), NULL, NULL, &v, &err), ERR_INVALID);
    assert_fails(json_parse(&a, str_make("\0", 1), NULL, NULL, &v, &err), ERR_INVALID);
    assert_fails(json_parse(&a, str_make("[\0]", 3), NULL, NULL, &v, &err), ERR_INVALID);
}

TEST(test_json_parse__limits_hold) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    struct json_limits limits = {.depth = 3, .size_bytes = 20};
    assert_ok(json_parse(&a, S("[[[1]]]"), &limits, NULL, &v, &err), &err);
    assert_fails(json_parse(&a, S("[[[[1]]]]"), &limits, NULL, &v, &err), ERR_TOO_LARGE);
    assert_string_equal(err.msg, "JSON is nested deeper than 3 levels at byte 3");
    assert_fails(json_parse(&a, S("[{\"a\":{\"b\":{}}}]"), &limits, NULL, &v, &err), ERR_TOO_LARGE);
    assert_fails(json_parse(&a, S("[1,2,3,4,5,6,7,8,9,10]"), &limits, NULL, &v, &err), ERR_TOO_LARGE);
    assert_string_equal(err.msg, "JSON of 22 bytes; at most 20 are accepted");
}
