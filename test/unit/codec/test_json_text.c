/* JSON text made compact and indented. */
#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "unit/unit.h"

static void compacts(const char *text, const char *expected) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    buf_byte(&b, '>');
    assert_ok(json_compact(&b, str_from(text), NULL, &err), &err);
    assert_str(str_from_byte(buf_view(&b), 1), expected);
}

static void refused(const char *text) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    assert_fails(json_compact(&b, str_from(text), NULL, &err), ERR_INVALID);
    assert_int_equal(b.n, 0);
}

TEST(test_json_text__compacting_drops_white_space_only) {
    compacts("1", "1");
    compacts(" \"a b\\\" c\" ", "\"a b\\\" c\"");
    compacts(" { \"b\" : [ 1 , 2.50 , { } , [ ] , true , null ] ,\n\t\"a\" : \"x  y\" }\r\n",
             "{\"b\":[1,2.50,{},[],true,null],\"a\":\"x  y\"}");
    compacts("{\"b\":1,\"a\":{\"b\":1,\"b\":1e5}}", "{\"b\":1,\"a\":{\"b\":1,\"b\":1e5}}");
    compacts("[\"\\\\\" , \"\\\"\" ]", "[\"\\\\\",\"\\\"\"]");
    compacts("[\"<\u2028>\"]", "[\"<\u2028>\"]");
}

TEST(test_json_text__compacting_checks) {
    refused("");
    refused("{");
    refused("{\"a\":}");
    refused("{\"a\":1 \"b\":2}");
    refused("{\"a\",1}");
    refused("{1:2}");
    refused("[1,2");
    refused("[1,,2]");
    refused("[1]]");
    refused("{\"a\":1,}");
    refused("[,1]");
    refused("[\"\\q\"]");
    refused("[\"\xff\"]");
    refused("[01]");
    refused("[tru]");
    refused("{]");
    refused("[}");
    refused("{} x");
}

TEST(test_json_text__compacting_obeys_the_limit_of_the_buffer) {
    _cleanup_buf struct buf b = {.limit = 4};
    struct err err = ERR_INIT;
    assert_ok(json_compact(&b, S("[1, 2]"), NULL, &err), &err);
    assert_true(b.overflow);
}

static const char sample[] = "{\"a\":[],\"b\":{},\"c\":[1,{\"d\":\"x,{}:\"}],\"e\":null}";
static const char indented[] = "{\n"
                               "    \"a\": [],\n"
                               "    \"b\": {},\n"
                               "    \"c\": [\n"
                               "        1,\n"
                               "        {\n"
                               "            \"d\": \"x,{}:\"\n"
                               "        }\n"
                               "    ],\n"
                               "    \"e\": null\n"
                               "}";

TEST(test_json_text__trees_are_indented) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    assert_ok(json_parse(&a, str_from(sample), NULL, NULL, &v, &err), &err);
    json_write_indented(&b, &v, "    ");
    assert_str(buf_view(&b), indented);
}

TEST(test_json_text__text_is_indented_alike) {
    _cleanup_buf struct buf b = BUF_INIT;
    json_indent(&b, str_from(sample), "    ");
    assert_str(buf_view(&b), indented);
    buf_clear(&b);
    json_indent(&b, str_from(indented), "    ");
    assert_str(buf_view(&b), indented);
    buf_clear(&b);
    json_indent(&b, S("\"a\\\"b\""), "\t");
    assert_str(buf_view(&b), "\"a\\\"b\"");
}

TEST(test_json_text__indented_text_compacts_back) {
    compacts(indented, sample);
}
