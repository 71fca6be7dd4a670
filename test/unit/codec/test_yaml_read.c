/* Reading YAML: each text against the JSON that upstream makes of it. */
#include "unit/unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "codec/yaml.h"

static void is_json_at(const char *yaml, const char *json, int line) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    if (yaml_to_json(&b, str_from(yaml), NULL, NULL, &err)) {
        print_error("%s\n: %s\n", yaml, err.msg);
        _fail(__FILE__, line);
    }
    if (!str_eq(buf_view(&b), str_from(json))) {
        print_error("%s\n: %.*s\nexpected %s\n", yaml, STR_ARG(buf_view(&b)), json);
        _fail(__FILE__, line);
    }
}
#define is_json(yaml, json) is_json_at((yaml), (json), __LINE__)

static void refuses_at(const char *yaml, const char *message, int line) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    int rc = yaml_to_json(&b, str_from(yaml), NULL, NULL, &err);
    if (rc == 0 || strcmp(err.msg, message) != 0) {
        print_error("%s\n: %s\nexpected %s\n", yaml, rc ? err.msg : "accepted", message);
        _fail(__FILE__, line);
    }
}
#define refuses(yaml, message) refuses_at((yaml), (message), __LINE__)

TEST(test_yaml_read__a_manifest) {
    is_json(
        "apiVersion: v1\n"
        "kind: Pod\n"
        "metadata:\n"
        "  name: web   # the name\n"
        "  labels: {app: web, tier: \"1\"}\n"
        "spec:\n"
        "  containers:\n"
        "  - name: c\n"
        "    image: nginx:1.25\n"
        "    args: [\"-c\", 'it''s', plain text]\n"
        "    ports:\n"
        "      - containerPort: 80\n"
        "  terminationGracePeriodSeconds: 0x1e\n",
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"labels\":{\"app\":\"web\",\"tier\":\"1\"},"
        "\"name\":\"web\"},\"spec\":{\"containers\":[{\"args\":[\"-c\",\"it's\",\"plain text\"],"
        "\"image\":\"nginx:1.25\",\"name\":\"c\",\"ports\":[{\"containerPort\":80}]}],"
        "\"terminationGracePeriodSeconds\":30}}");
}

TEST(test_yaml_read__json_is_yaml) {
    is_json("{\"a\": [1, 2.5, true, null, \"x\\u00e4\\n\"], \"b\": {}}",
            "{\"a\":[1,2.5,true,null,\"x\xc3\xa4\\n\"],\"b\":{}}");
}

TEST(test_yaml_read__booleans) {
    is_json("[y, Y, yes, Yes, YES, true, True, TRUE, on, On, ON]",
            "[true,true,true,true,true,true,true,true,true,true,true]");
    is_json("[n, N, no, No, NO, false, False, FALSE, off, Off, OFF]",
            "[false,false,false,false,false,false,false,false,false,false,false]");
    is_json("[yEs, tRUE, oN, \"yes\", 'no', yesno]", "[\"yEs\",\"tRUE\",\"oN\",\"yes\",\"no\",\"yesno\"]");
}

TEST(test_yaml_read__nulls) {
    is_json("[~, null, Null, NULL, nULL]", "[null,null,null,null,\"nULL\"]");
    is_json("-\n- \n", "[null,null]");
    is_json("a:\nb: ~\n", "{\"a\":null,\"b\":null}");
    is_json("", "null");
    is_json("# nothing\n", "null");
    is_json("---\n...\n", "null");
}

TEST(test_yaml_read__integers) {
    is_json("[0, 7, -7, +7, 1_000, 0x1F, 0XfF, -0x10, 0o17, 0755, 0b101, -0b11, 00]",
            "[0,7,-7,7,1000,31,255,-16,15,493,5,-3,0]");
    is_json("[9223372036854775807, -9223372036854775808]", "[9223372036854775807,-9223372036854775808]");
    is_json("[9223372036854775808, 18446744073709551615]", "[9223372036854776000,18446744073709552000]");
    is_json("[0x, 0xg, 0b2, 0o8, 1a, --1, +, -, 1-2, 0b]",
            "[\"0x\",\"0xg\",\"0b2\",\"0o8\",\"1a\",\"--1\",\"+\",\"-\",\"1-2\",\"0b\"]");
    is_json("[08, 09, 0_8]", "[8,9,8]"); /* no octal numbers: floats */
}

TEST(test_yaml_read__floats) {
    is_json("[1.5, -1.5, .5, -.5, +.5, 1., 1e3, 1.5e-3, 1E+2, 1_0.5]",
            "[1.5,-1.5,0.5,-0.5,0.5,1,1000,0.0015,100,10.5]");
    is_json("[1.0, -0.0, 1e20, 1e21, 1e-7]", "[1,0,100000000000000000000,1e+21,1e-7]");
    is_json("[1e400, 1e, 1.e, e5, ., .e5, 1.5.5, ._5]",
            "[\"1e400\",\"1e\",\"1.e\",\"e5\",\".\",\".e5\",\"1.5.5\",\"._5\"]");
    is_json("1e-400", "0");
}

TEST(test_yaml_read__no_base_60_and_no_times) {
    is_json(
        "[1:30, 12:30:45, 2001-12-14, 2001-12-14t21:59:43.10-05:00, 2001-12-14 21:59:43]",
        "[\"1:30\",\"12:30:45\",\"2001-12-14\",\"2001-12-14t21:59:43.10-05:00\",\"2001-12-14 21:59:43\"]");
}

TEST(test_yaml_read__refuses_what_json_cannot_hold) {
    refuses("[.inf]", "json: unsupported value: +Inf");
    refuses("a: -.Inf", "json: unsupported value: -Inf");
    refuses(".nan", "json: unsupported value: NaN");
    is_json("[.iNf, .nAn, +.nan]", "[\".iNf\",\".nAn\",\"+.nan\"]");
}

TEST(test_yaml_read__tags) {
    is_json(
        "[!!str 12, !!str true, !!int \"12\", !!float 1, !!bool \"yes\", !!null '', !!timestamp 2001-01-01]",
        "[\"12\",\"true\",12,1,true,null,\"2001-01-01\"]");
    is_json("[!custom 12, ! 12, !<tag:yaml.org,2002:str> 1]", "[\"12\",\"12\",\"1\"]");
    is_json("!!binary aGkh", "\"hi!\"");
    is_json("!!binary \"/w==\"", "\"\xef\xbf\xbd\"");
    is_json("!!map {a: !!seq [1]}", "{\"a\":[1]}");
    refuses("!!int x", "yaml: cannot decode !!str `x` as a !!int");
    refuses("!!bool 1", "yaml: cannot decode !!int `1` as a !!bool");
    refuses("!!null x", "yaml: cannot decode !!str `x` as a !!null");
    refuses("!!binary '***'", "yaml: !!binary value contains invalid base64 data");
}

TEST(test_yaml_read__keys_become_strings) {
    is_json("1: a\ntrue: b\n1.5: c\n2001-01-01: d\n\"x\": e\n0x10: f\n",
            "{\"1\":\"a\",\"1.5\":\"c\",\"16\":\"f\",\"2001-01-01\":\"d\",\"true\":\"b\",\"x\":\"e\"}");
    is_json("{0.1: a, -1e44: b, 123456789.5: c, 1.5e-9: d}",
            "{\"-.inf\":\"b\",\"0.1\":\"a\",\"1.2345679e+08\":\"c\",\"1.5e-09\":\"d\"}");
    is_json("{? a : b, ? c}", "{\"a\":\"b\",\"c\":null}");
    refuses("~: x", "yaml: line 1: null is no map key");
    refuses("a: 1\n? [a, b]\n: 1\n", "yaml: line 2: invalid map key: a list");
    refuses("{{}: 1}", "yaml: line 1: invalid map key: a map");
}

TEST(test_yaml_read__block_scalars) {
    is_json(
        "a: |\n  one\n   two\n\n  three\nb: |-\n  x\nc: |+\n  x\n\nd: >\n  one\n  two\n\n  three\n",
        "{\"a\":\"one\\n two\\n\\nthree\\n\",\"b\":\"x\",\"c\":\"x\\n\\n\",\"d\":\"one two\\nthree\\n\"}");
    is_json("- |2\n   x\n- >-\n  12\n", "[\" x\\n\",\"12\"]");
}

TEST(test_yaml_read__quoted_scalars) {
    is_json("\"a\\tb\\x41\\u00e4\\U0001F600\\e\\0\"", "\"a\\tbA\xc3\xa4\xf0\x9f\x98\x80\\u001b\\u0000\"");
    is_json("'a\n\n  b'", "\"a\\nb\"");
    is_json("\"a \\\n  b\"", "\"a b\"");
}

TEST(test_yaml_read__anchors) {
    is_json("a: &x {b: [1]}\nc: *x\nd: [*x, &x 2, *x]\n",
            "{\"a\":{\"b\":[1]},\"c\":{\"b\":[1]},\"d\":[{\"b\":[1]},2,2]}");
    is_json("&k key: v\nother: *k\n*k : w\n", "{\"key\":\"w\",\"other\":\"key\"}");
    refuses("a: *nope", "yaml: unknown anchor 'nope' referenced");
    refuses("a: &x [1, *x]", "yaml: anchor 'x' value contains itself");
    refuses("a: &x {b: {c: *x}}", "yaml: anchor 'x' value contains itself");
}

TEST(test_yaml_read__merges) {
    is_json("base: &b {a: 1, c: 2}\nx:\n  <<: *b\n  c: 3\n",
            "{\"base\":{\"a\":1,\"c\":2},\"x\":{\"a\":1,\"c\":3}}");
    is_json("x:\n  c: 3\n  <<: {a: 1, c: 2}\n", "{\"x\":{\"a\":1,\"c\":2}}"); /* in the order of the text */
    is_json("- &a {k: a, a: 1}\n- &b {k: b, b: 1}\n- <<: [*a, *b]\n",
            "[{\"a\":1,\"k\":\"a\"},{\"b\":1,\"k\":\"b\"},{\"a\":1,\"b\":1,\"k\":\"a\"}]");
    is_json("{\"<<\": 1, !!merge <<: {b: 2}}", "{\"\\u003c\\u003c\":1,\"b\":2}");
    is_json("[<<]", "[\"\\u003c\\u003c\"]");
    refuses("<<: 1", "yaml: map merge requires map or sequence of maps as the value");
    refuses("<<: [{a: 1}, 2]", "yaml: map merge requires map or sequence of maps as the value");
    refuses("a: &l [{b: 1}]\n<<: *l\n", "yaml: map merge requires map or sequence of maps as the value");
}

TEST(test_yaml_read__last_of_equal_keys_wins) {
    is_json("a: 1\nb: 2\na: 3\n\"a\": 4\n", "{\"a\":4,\"b\":2}");
}

TEST(test_yaml_read__strict_names_keys_set_twice) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct strict_errors strict = {.arena = &a};
    struct jval v;
    assert_ok(yaml_parse(&a, S("a: 1\nb:\n  c: 1\n  c: 2\na: 3\na: 4\n"), NULL, &strict, &v, NULL), NULL);
    assert_int_equal(strict.n, 1);
    assert_str(strict.v[0], "yaml: unmarshal errors:\n  line 4: key \"c\" already set in map\n"
                            "  line 5: key \"a\" already set in map\n  line 6: key \"a\" already set in map");
    strict.n = 0;
    assert_ok(yaml_parse(&a, S("a: 1\nb: {a: 1}\n"), NULL, &strict, &v, NULL), NULL);
    assert_int_equal(strict.n, 0);
}

TEST(test_yaml_read__only_the_first_document_counts) {
    is_json("a: 1\n---\nb: [\n", "{\"a\":1}");
    is_json("%YAML 1.1\n---\na: 1\n...\nrubbish: [\n", "{\"a\":1}");
}

TEST(test_yaml_read__byte_order_marks) {
    struct err err = ERR_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    is_json("\xef\xbb\xbf"
            "a: 1\n",
            "{\"a\":1}");
    assert_ok(yaml_to_json(&b,
                           S("\xff\xfe"
                             "a\0:\0 \0\xe4\0\n\0"),
                           NULL, NULL, &err),
              &err);
    buf_byte(&b, '|');
    assert_ok(yaml_to_json(&b,
                           S("\xfe\xff"
                             "\0a\0:\0 \0\xe4\0\n"),
                           NULL, NULL, &err),
              &err);
    assert_str(buf_view(&b), "{\"a\":\"\xc3\xa4\"}|{\"a\":\"\xc3\xa4\"}");
}

TEST(test_yaml_read__syntax_errors_have_lines) {
    refuses("a: b: c", "yaml: mapping values are not allowed in this context");
    refuses("a: 1\nb: c: d\n", "yaml: line 2: mapping values are not allowed in this context");
    refuses("a:\n\t- b\n", "yaml: line 2: found character that cannot start any token");
    refuses("a: [1,\n  2\nb: 3\n", "yaml: line 2: did not find expected ',' or ']'");
    refuses("a: 'x\n", "yaml: line 2: found unexpected end of stream");
    refuses("a: \"\\q\"\n", "yaml: found unknown escape character");
    refuses("a: 1\n b: 2\n", "yaml: line 2: mapping values are not allowed in this context");
    refuses("- a\nb: c\n", "yaml: line 1: did not find expected '-' indicator");
    refuses("a: @x", "yaml: found character that cannot start any token");
    refuses("a: \x01", "yaml: control characters are not allowed");
    refuses("a: \xff", "yaml: invalid leading UTF-8 octet");
}

TEST(test_yaml_read__the_tree_owes_nothing_to_the_text) {
    _cleanup_arena struct arena a = ARENA_INIT;
    char text[] = "name: value";
    struct jval v;
    assert_ok(yaml_parse(&a, str_from(text), NULL, NULL, &v, NULL), NULL);
    memset(text, 'x', sizeof text);
    assert_str(jval_get_str(&v, S("name")), "value");
}

/* --- several documents --- */

static void documents_at(const char *text, const char *const *json, size_t n, int line) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct yaml_reader r;
    struct err err = ERR_INIT;
    yaml_reader_init(&r, str_from(text), NULL);
    for (size_t i = 0; i <= n; i++) {
        _cleanup_buf struct buf b = BUF_INIT;
        struct jval v;
        bool found;
        if (yaml_reader_next(&r, &a, NULL, &v, &found, &err)) {
            print_error("%s\n: %s\n", text, err.msg);
            _fail(__FILE__, line);
        }
        if (found)
            json_write(&b, &v);
        if (found != (i < n) || (found && !str_eq(buf_view(&b), str_from(json[i])))) {
            print_error("%s\n: document %zu: %.*s\n", text, i, STR_ARG(buf_view(&b)));
            _fail(__FILE__, line);
        }
    }
}
#define documents(text, ...)                                                                                 \
    documents_at((text), (const char *const[]){__VA_ARGS__},                                                 \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), __LINE__)

TEST(test_yaml_reader__takes_one_document_after_another) {
    documents("a: 1\n---\nb: 2\n", "{\"a\":1}", "{\"b\":2}");
    documents("---\na: 1\n---   # comment\nb: 2\n---", "{\"a\":1}", "{\"b\":2}");
    documents("a: 1\r\n---\r\nb: 2\r\n", "{\"a\":1}", "{\"b\":2}");
    documents("a: |\n  ---\n  x\n--- \n[2]", "{\"a\":\"---\\nx\\n\"}", "[2]");
}

TEST(test_yaml_reader__leaves_out_empty_documents) {
    documents_at("", NULL, 0, __LINE__);
    documents_at("---\n---\n\n---\n# nothing\n---\nnull\n", NULL, 0, __LINE__);
    documents("\n---\n---\na: 1\n---\n---\n~\n---\nb: 1\n---\n", "{\"a\":1}", "{\"b\":1}");
}

TEST(test_yaml_reader__takes_json_values_one_after_another) {
    documents(" {\"a\": 1}{\"b\":2}\n\n[3] null 4 ", "{\"a\":1}", "{\"b\":2}", "[3]", "4");
}

TEST(test_yaml_reader__stops_at_errors) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct yaml_reader r;
    struct err err = ERR_INIT;
    struct jval v;
    bool found = true;
    yaml_reader_init(&r, S("a: 1\n---\nx: [\n---\nb: 1\n"), NULL);
    assert_ok(yaml_reader_next(&r, &a, NULL, &v, &found, &err), &err);
    assert_true(found);
    assert_fails(yaml_reader_next(&r, &a, NULL, &v, &found, &err), ERR_INVALID);
    assert_string_equal(err.msg, "yaml: line 1: did not find expected node content");
    assert_ok(yaml_reader_next(&r, &a, NULL, &v, &found, &err), &err);
    assert_false(found);
    yaml_reader_init(&r, S("a: 1\n--- b\n"), NULL);
    assert_fails(yaml_reader_next(&r, &a, NULL, &v, &found, &err), ERR_INVALID);
    assert_string_equal(err.msg, "invalid Yaml document separator: b");
    yaml_reader_init(&r, S("{\"a\": 1} {\"b\": "), NULL);
    assert_ok(yaml_reader_next(&r, &a, NULL, &v, &found, &err), &err);
    assert_fails(yaml_reader_next(&r, &a, NULL, &v, &found, &err), ERR_INVALID);
}
