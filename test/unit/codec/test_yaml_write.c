/* Printing YAML: the exact text, and that it reads back. */
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rand.h"
#include "codec/yaml.h"

static void prints_at(const char *json, const char *yaml, int line) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    struct jval v, back;
    if (json_parse(&a, str_from(json), NULL, NULL, &v, &err))
        fail_msg("%s", err.msg);
    yaml_write(&b, &v);
    if (!str_eq(buf_view(&b), str_from(yaml))) {
        print_error("%s\nprinted\n%.*s\nexpected\n%s\n", json, STR_ARG(buf_view(&b)), yaml);
        _fail(__FILE__, line);
    }
    if (yaml_parse(&a, buf_view(&b), NULL, NULL, &back, &err) || !jval_equal(&back, &v)) {
        print_error("%s does not read back: %s\n", yaml, err.msg);
        _fail(__FILE__, line);
    }
}
#define prints(json, yaml) prints_at((json), (yaml), __LINE__)

TEST(test_yaml_write__maps_and_lists) {
    prints("{}", "{}\n");
    prints("[]", "[]\n");
    prints("null", "null\n");
    prints("{\"a\":{\"b\":{}},\"c\":[],\"d\":[{}]}", "a:\n  b: {}\nc: []\nd:\n- {}\n");
    prints("{\"v\":[\"A\",1,{\"B\":[2,3],\"C\":null}]}", "v:\n- A\n- 1\n- B:\n  - 2\n  - 3\n  C: null\n");
    prints("[[1,[2]],[[3]],{\"a\":[[4]]}]", "- - 1\n  - - 2\n- - - 3\n- a:\n  - - 4\n");
    prints("{\"a\":{\"b\":{\"c\":[{\"d\":1,\"e\":2}]}}}", "a:\n  b:\n    c:\n    - d: 1\n      e: 2\n");
}

TEST(test_yaml_write__a_config_map) {
    prints("{\"apiVersion\":\"v1\",\"data\":{\"conf\":\"a=1\\nb=2\\n\",\"count\":\"10\",\"ok\":\"true\"},"
           "\"kind\":\"ConfigMap\",\"metadata\":{\"creationTimestamp\":\"2024-01-02T03:04:05Z\","
           "\"name\":\"c\",\"uid\":\"5d2c2e41-0c44-4d5c-8a16-2c5fbcd0f6a1\"}}",
           "apiVersion: v1\ndata:\n  conf: |\n    a=1\n    b=2\n  count: \"10\"\n  ok: \"true\"\nkind: "
           "ConfigMap\n"
           "metadata:\n  creationTimestamp: \"2024-01-02T03:04:05Z\"\n  name: c\n"
           "  uid: 5d2c2e41-0c44-4d5c-8a16-2c5fbcd0f6a1\n");
}

TEST(test_yaml_write__numbers) {
    prints("[0,-7,9223372036854775807,1.5,-0.25,1e21,1e-7,1234567.5,100000000000000000000,0.0001,0.00001]",
           "- 0\n- -7\n- 9223372036854775807\n- 1.5\n- -0.25\n- 1e+21\n- 1e-07\n- 1.2345675e+06\n- 1e+20\n- "
           "0.0001\n"
           "- 1e-05\n");
    prints("[10000000000000000000,123456.5,1.7976931348623157e308,5e-324]",
           "- 10000000000000000000\n- 123456.5\n- 1.7976931348623157e+308\n- 5e-324\n");
}

TEST(test_yaml_write__strings_that_would_read_as_something_else_are_in_double_quotes) {
    prints("[\"\",\"~\",\"null\",\"yes\",\"n\",\"Off\",\"1\",\"-1\",\"0x1\",\"1_0\",\"1e3\",\".5\",\".inf\","
           "\"1:30\","
           "\"2001-01-01\",\"2001-1-1 1:2:3\",\"0o7\",\"+.INF\"]",
           "- \"\"\n- \"~\"\n- \"null\"\n- \"yes\"\n- \"n\"\n- \"Off\"\n- \"1\"\n- \"-1\"\n- \"0x1\"\n- "
           "\"1_0\"\n"
           "- \"1e3\"\n- \".5\"\n- \".inf\"\n- \"1:30\"\n- \"2001-01-01\"\n- \"2001-1-1 1:2:3\"\n- \"0o7\"\n"
           "- \"+.INF\"\n");
}

TEST(test_yaml_write__strings_that_look_harmless_are_plain) {
    prints("[\"a "
           "b\",\"1.2.3\",\"10Gi\",\"500m\",\"a:b\",\"a#b\",\"-c\",\"?x\",\"<foo>\",\"x,y\",\"http://x/"
           "\",\"1:99\","
           "\"2001-13-01\",\"2001-02-30\",\"a'b\",\"a\\\"b\",\"x{}[]\",\"1 2\",\"\xe4\xbd\xa0\xe5\xa5\xbd\"]",
           "- a b\n- 1.2.3\n- 10Gi\n- 500m\n- a:b\n- a#b\n- -c\n- ?x\n- <foo>\n- x,y\n- http://x/\n- 1:99\n- "
           "2001-13-01\n"
           "- 2001-02-30\n- a'b\n- a\"b\n- x{}[]\n- 1 2\n- \xe4\xbd\xa0\xe5\xa5\xbd\n");
}

TEST(test_yaml_write__syntax_is_in_single_quotes) {
    prints("[\"-\",\"- a\",\"a: b\",\"a:\",\"a "
           "#b\",\"#a\",\"{a}\",\"[a\",\"&a\",\"*a\",\"!a\",\"|\",\">\",\"'a'\",\"\\\"a\\\"\","
           "\"%a\",\"@a\",\"`a\",\" a\",\"a \",\"?\",\"---a\",\"...\",\",a\",\"it's: x\"]",
           "- '-'\n- '- a'\n- 'a: b'\n- 'a:'\n- 'a #b'\n- '#a'\n- '{a}'\n- '[a'\n- '&a'\n- '*a'\n- '!a'\n- "
           "'|'\n- '>'\n"
           "- '''a'''\n- '\"a\"'\n- '%a'\n- '@a'\n- '`a'\n- ' a'\n- 'a '\n- '?'\n- '---a'\n- '...'\n- ',a'\n"
           "- 'it''s: x'\n");
}

TEST(test_yaml_write__special_characters_are_escaped) {
    prints(
        "[\"a\\tb\",\"\\u0000\",\"\\u001b\",\"\\r\",\"\\u007f\",\"\\ufeff\",\"\xf0\x9f\x98\x80\",\"\\u0085\","
        "\"a\\\"\\\\\\t\"]",
        "- \"a\\tb\"\n- \"\\0\"\n- \"\\e\"\n- \"\\r\"\n- \"\\x7F\"\n- \"\\uFEFF\"\n- \"\\U0001F600\"\n- "
        "\"\\N\"\n"
        "- \"a\\\"\\\\\\t\"\n");
}

TEST(test_yaml_write__several_lines_are_blocks) {
    prints("{\"a\":\"x\\ny\",\"b\":\"x\\ny\\n\",\"c\":\"x\\n\\n\",\"d\":\"\\nx\",\"e\":\" "
           "x\\ny\\n\",\"f\":\"\\n\",\"g\":\"x\\n\\n y\"}",
           "a: |-\n  x\n  y\nb: |\n  x\n  y\nc: |+\n  x\n\nd: |2-\n\n  x\ne: |2\n   x\n  y\nf: |2+\n\ng: "
           "|-\n  x\n\n   y\n");
    prints("[\"A\",\"B\\nC\"]", "- A\n- |-\n  B\n  C\n");
    prints("[[\"B\\nC\"],{\"k\":[\"D\\n\"]}]", "- - |-\n    B\n    C\n- k:\n  - |\n    D\n");
    prints("\"x\\ny\"", "|-\n  x\n  y\n");
    prints("{\"a\":\"x \\ny\",\"b\":\"x\\n\\ty\",\"c\":\"x\\r\\ny\",\"d\":\"x\\ny \"}",
           "a: \"x \\ny\"\nb: \"x\\n\\ty\"\nc: \"x\\r\\ny\"\nd: \"x\\ny \"\n");
}

TEST(test_yaml_write__long_lines_are_folded_at_a_space) {
    const char *const half = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 1234567890";
    char json[600], yaml[600];
    snprintf(json, sizeof json, "{\"a\":\"%s %s \"}", half, half);
    snprintf(yaml, sizeof yaml,
             "a: '%s abcdefghijklmnopqrstuvwxyz\n  ABCDEFGHIJKLMNOPQRSTUVWXYZ 1234567890 '\n", half);
    prints(json, yaml);
    snprintf(json, sizeof json, "{\"a\":{\"b\":[\"%s %s\"]}}", half, half);
    snprintf(yaml, sizeof yaml,
             "a:\n  b:\n  - %s abcdefghijklmnopqrstuvwxyz\n    ABCDEFGHIJKLMNOPQRSTUVWXYZ 1234567890\n",
             half);
    prints(json, yaml);
    snprintf(json, sizeof json, "{\"a\":\"\\t%s %s\"}", half, half);
    snprintf(yaml, sizeof yaml,
             "a: \"\\t%s abcdefghijklmnopqrstuvwxyz\n  ABCDEFGHIJKLMNOPQRSTUVWXYZ 1234567890\"\n", half);
    prints(json, yaml);
    snprintf(json, sizeof json, "{\"a\":\"%s: %s%s\"}", half, half, half);
    snprintf(yaml, sizeof yaml,
             "a: '%s: abcdefghijklmnopqrstuvwxyz\n  ABCDEFGHIJKLMNOPQRSTUVWXYZ "
             "1234567890abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ\n  1234567890'\n",
             half);
    prints(json, yaml);
}

TEST(test_yaml_write__keys) {
    prints("{\"\":1,\"1\":2,\"a: b\":3,\"true\":4,\"y\":5,\"a\\tb\":6}",
           "\"\": 1\n\"1\": 2\n\"a\\tb\": 6\n'a: b': 3\n\"true\": 4\n\"y\": 5\n");
    prints("{\"a\\nb\":{\"c\":1}}", "? |-\n  a\n  b\n: c: 1\n");
    char json[400], yaml[400], key[131];
    memset(key, 'k', sizeof key);
    key[128] = 0;
    snprintf(json, sizeof json, "{\"%s\":[1]}", key);
    snprintf(yaml, sizeof yaml, "%s:\n- 1\n", key);
    prints(json, yaml);
    key[128] = 'k';
    key[129] = 0;
    snprintf(json, sizeof json, "{\"%s\":[1]}", key);
    snprintf(yaml, sizeof yaml, "? %s\n: - 1\n", key);
    prints(json, yaml);
}

TEST(test_yaml_write__merge_keys_are_quoted) {
    prints("{\"<<\":{\"a\":1}}", "\"<<\":\n  a: 1\n");
}

/* go-yaml's own list. */
TEST(test_yaml_write__keys_are_in_natural_order) {
    static const char *const order[] = {
        "",     ".1",     ".2",    ".a",    "1",     "2",   "a!10", "a/0001", "a/002", "a/3",  "a/10",
        "a/11", "a/0012", "a/100", "a~10",  "ab/1",  "b/1", "b/01", "b/2",    "b/02",  "b/3",  "b/03",
        "b1",   "b01",    "b3",    "c2.10", "c10.2", "d1",  "d7",   "d7abc",  "d12",   "d12a",
    };
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT, expected = BUF_INIT;
    struct jobject o = {0};
    size_t n = sizeof order / sizeof *order;
    for (size_t i = 0; i < n; i++)
        jobject_set(&a, &o, str_from(order[(i * 7) % n]), jval_int(0));
    struct jval v = jobject_done(&o);
    assert_int_equal(v.n, n);
    yaml_write(&b, &v);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        struct str rest = str_from_byte(buf_view(&b), at), line, tail;
        str_split(rest, '\n', &line, &tail);
        struct str key = str_cut(line, line.n - 3);
        if (key.n && key.p[0] == '"')
            key = str_make(key.p + 1, key.n - 2);
        assert_str(key, order[i]);
        at += line.n + 1;
    }
}

TEST(test_yaml_write__bytes_that_are_not_utf8_are_replaced) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct jmember m = {S("k\xff"), jval_str(S("a\xc3(\xe2\x82"))};
    struct jval v = jval_object(&m, 1);
    yaml_write(&b, &v);
    assert_str(buf_view(&b), "k\xef\xbf\xbd: a\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\n");
}

/* --- random trees --- */

static struct str random_string(struct arena *a, struct rand *r) {
    static const char *const pieces[] = {
        "a",
        "b c",
        " ",
        "  ",
        "\n",
        "\t",
        ":",
        ": ",
        "#",
        " #",
        "-",
        "- ",
        "'",
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&",
        "*",
        "!",
        "|",
        ">",
        "%",
        "@",
        "`",
        "?",
        "? ",
        "=",
        "~",
        "1",
        "0x",
        ".",
        "e",
        "yes",
        "null",
        "---",
        "...",
        "<<",
        "\r",
        "\xc2\x85",
        "\xe2\x80\xa8",
        "\xe2\x80\xa9",
        "\xef\xbb\xbf",
        "\xf0\x9f\x98\x80",
        "\xc3\xa4",
        "\x7f",
        "\x01",
        "2001-01-01",
        "long words to fold the line at, somewhere",
        "\n\n",
        " \n",
        "\n ",
        "0",
        "_",
    };
    _cleanup_buf struct buf b = BUF_INIT;
    for (uint64_t n = rand_below(r, rand_chance(r, 0.1) ? 40 : 5); n > 0; n--)
        buf_str(&b, str_from(pieces[rand_below(r, sizeof pieces / sizeof *pieces)]));
    return buf_to_arena(&b, a);
}

static struct jval random_tree(struct arena *a, struct rand *r, unsigned depth) {
    switch (rand_below(r, depth ? 9 : 6)) {
    case 0: return jval_null();
    case 1: return jval_bool(rand_chance(r, 0.5));
    case 2: return jval_int((int64_t)(rand_u64(r) >> rand_below(r, 64)));
    case 3: return jval_double(ldexp(rand_unit(r) - 0.5, (int)rand_range(r, -60, 60)));
    case 4:
    case 5: return jval_str(random_string(a, r));
    case 6: {
        size_t n = rand_below(r, 4);
        struct jval *items = arena_new_n(a, n, struct jval);
        for (size_t i = 0; i < n; i++)
            items[i] = random_tree(a, r, depth - 1);
        return jval_array(items, n);
    }
    default: {
        struct jobject o = {0};
        for (uint64_t n = rand_below(r, 5); n > 0; n--)
            jobject_set(a, &o, random_string(a, r), random_tree(a, r, depth - 1));
        return jobject_done(&o);
    }
    }
}

TEST(test_yaml_write__random_trees_read_back) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    for (int i = 0; i < 20000; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf b = BUF_INIT;
        struct err err = ERR_INIT;
        struct jval v = random_tree(&a, r, 4), back = jval_null();
        yaml_write(&b, &v);
        if (yaml_parse(&a, buf_view(&b), NULL, NULL, &back, &err) || !jval_equal(&back, &v)) {
            _cleanup_buf struct buf json = BUF_INIT, again = BUF_INIT;
            json_write(&json, &v);
            json_write(&again, &back);
            fail_msg("%.*s\nprinted\n%.*s\nreads %s%.*s", STR_ARG(buf_view(&json)), STR_ARG(buf_view(&b)),
                     err.msg, STR_ARG(buf_view(&again)));
        }
    }
}
