/* Templates of JSON paths. */
#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "ctl/jsonpath.h"
#include "unit/unit.h"

static const char document[] =
    "{\"kind\":\"List\",\"items\":["
    "{\"name\":\"a\",\"n\":1,\"tags\":[\"x\",\"y\"],\"meta\":{\"k8s.io/app\":\"web\"}},"
    "{\"name\":\"b\",\"n\":20,\"tags\":[],\"ok\":true}]}";

/* What the template makes of the document; missing_ok as kubectl's default. */
static int print(const char *template, bool missing_ok, struct buf *out, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval root;
    struct jsonpath *j;
    assert_ok(json_parse(&a, str_from(document), NULL, NULL, &root, err), err);
    int rc = jsonpath_parse(&a, str_from(template), &j, err);
    return rc ? rc : jsonpath_print(j, &root, missing_ok, out, err);
}

static void assert_prints(const char *template, const char *expected) {
    _cleanup_buf struct buf out = BUF_INIT;
    struct err err = ERR_INIT;
    assert_ok(print(template, true, &out, &err), &err);
    assert_str(buf_view(&out), expected);
}

static void assert_refused(const char *template, const char *why) {
    _cleanup_buf struct buf out = BUF_INIT;
    struct err err = ERR_INIT;
    assert_true(print(template, false, &out, &err) < 0);
    assert_string_equal(err.msg, why);
}

TEST(test_jsonpath__fields_and_texts) {
    assert_prints("kind: {.kind}!", "kind: List!");
    assert_prints("{ .kind }{\"\\n\"}{$.kind}", "List\nList");
    assert_prints("{.items[0]['name']}", "a");
    assert_prints("{.items[0].meta.k8s\\.io/app}", "web");
    assert_prints("plain", "plain");
}

TEST(test_jsonpath__lists) {
    assert_prints("{.items[*].name}", "a b");
    assert_prints("{.items[-1].name}", "b");
    assert_prints("{.items[0:1].name}", "a");
    assert_prints("{.items[0].tags[1]}", "y");
    assert_prints("{.items[0].tags}", "[\"x\",\"y\"]");
    assert_prints("{.items[*]['name','n']}", "a b 1 20");
}

TEST(test_jsonpath__everything_below) {
    assert_prints("{..name}", "a b");
    assert_prints("{.items[*].meta}", "{\"k8s.io/app\":\"web\"}");
}

TEST(test_jsonpath__filters) {
    assert_prints("{.items[?(@.name==\"b\")].n}", "20");
    assert_prints("{.items[?(@.n<20)].name}", "a");
    assert_prints("{.items[?(@.n>=1)].name}", "a b");
    assert_prints("{.items[?(@.ok)].name}", "b");
    assert_prints("{.items[?(@.ok==true)].name}", "b");
    assert_prints("{.items[?(@.name!='a')].name}", "b");
}

TEST(test_jsonpath__ranges) {
    assert_prints("{range .items[*]}{.name}={.n}{\"\\n\"}{end}", "a=1\nb=20\n");
    assert_prints("{range .items[*]}{range .tags[*]}<{@}>{end};{end}", "<x><y>;;");
}

TEST(test_jsonpath__missing_fields) {
    assert_prints("{.nothing.there}", "");
    assert_refused("{.nothing}", "nothing is not found");
}

TEST(test_jsonpath__says_what_is_wrong) {
    assert_refused("{.items[", "unterminated array");
    assert_refused("{.kind", "unclosed action");
    assert_refused("{.items[9]}", "array index out of bounds: index 9, length 2");
    assert_refused("{end}", "not in range, nothing to end");
    assert_refused("{\"a}", "unterminated quoted string");
}

TEST(test_jsonpath__relaxed_forms) {
    static const char *const forms[] = {"a.b", ".a.b", "{a.b}", "{.a.b}"};
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str template;
    for (size_t i = 0; i < 4; i++) {
        assert_ok(jsonpath_relaxed(&a, str_from(forms[i]), &template, &err), &err);
        assert_str(template, "{.a.b}");
    }
    assert_fails(jsonpath_relaxed(&a, S("{a"), &template, &err), ERR_INVALID);
    assert_fails(jsonpath_relaxed(&a, S(""), &template, &err), ERR_INVALID);
}

TEST(test_jsonpath__values_as_json) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct err err = ERR_INIT;
    struct jval root;
    struct jsonpath *j;
    assert_ok(json_parse(&a, str_from(document), NULL, NULL, &root, &err), &err);
    assert_ok(jsonpath_parse(&a, S("{.items[*].name}"), &j, &err), &err);
    assert_ok(jsonpath_print_json(j, &root, true, &out, &err), &err);
    assert_str(buf_view(&out), "[\n    \"a\",\n    \"b\"\n]\n");
}
