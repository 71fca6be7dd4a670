/* YAML made to hurt: refused, and quickly. */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/timefmt.h"
#include "codec/yaml.h"
#include "unit/unit.h"

/* Generous for sanitizers on a busy machine; what would blow up takes minutes. */
#define SECONDS_MAX 10

static int64_t started_ns;

static void begin(void) {
    started_ns = clock_mono_ns(clock_system());
}

static void in_time(void) {
    assert_true(clock_mono_ns(clock_system()) - started_ns <= SECONDS_MAX * NS_PER_SEC);
}

static void repeat(struct buf *b, const char *piece, size_t n) {
    for (size_t i = 0; i < n; i++)
        buf_str(b, str_from(piece));
}

static void refuses(const struct buf *b, int code, const char *message) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval v = jval_int(77);
    assert_fails(yaml_parse(&a, buf_view(b), NULL, NULL, &v, &err), code);
    assert_string_equal(err.msg, message);
    assert_int_equal(v.i, 77);
    assert_true(arena_total_bytes(&a) < 64 * b->n + (8u << 20));
}

#define EXCESSIVE "yaml: document contains excessive aliasing"

TEST(test_yaml_hostile__billion_laughs) {
    for (int fanout = 2; fanout <= 30; fanout += 7) {
        _cleanup_buf struct buf b = BUF_INIT;
        buf_lit(&b, "a0: &a0 [lol,lol]\n");
        for (int i = 1; i < 40; i++) {
            buf_printf(&b, "a%d: &a%d [", i, i);
            for (int k = 0; k < fanout; k++)
                buf_printf(&b, "*a%d,", i - 1);
            buf_lit(&b, "]\n");
        }
        begin();
        refuses(&b, ERR_TOO_LARGE, EXCESSIVE);
        in_time();
    }
}

TEST(test_yaml_hostile__laughing_maps) {
    _cleanup_buf struct buf b = BUF_INIT;
    buf_lit(&b, "a0: &a0 {x: 1, y: 2}\n");
    for (int i = 1; i < 40; i++)
        buf_printf(&b, "a%d: &a%d {l: *a%d, r: *a%d}\n", i, i, i - 1, i - 1);
    begin();
    refuses(&b, ERR_TOO_LARGE, EXCESSIVE);
    in_time();
}

TEST(test_yaml_hostile__one_large_string_many_times) {
    _cleanup_buf struct buf b = BUF_INIT;
    buf_lit(&b, "a: &a ");
    repeat(&b, "xxxxxxxxxxxxxxxx", 4096);
    buf_lit(&b, "\nb: [*a");
    repeat(&b, ",*a", 20000);
    buf_lit(&b, "]\n");
    begin();
    refuses(&b, ERR_TOO_LARGE, EXCESSIVE);
    in_time();
}

TEST(test_yaml_hostile__one_large_map_merged_many_times) {
    _cleanup_buf struct buf b = BUF_INIT;
    buf_lit(&b, "a: &a {");
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "k%d: 1,", i);
    buf_lit(&b, "}\nb:\n");
    repeat(&b, "- <<: *a\n", 20000);
    begin();
    refuses(&b, ERR_TOO_LARGE, EXCESSIVE);
    in_time();
}

TEST(test_yaml_hostile__honest_aliases_are_accepted) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    buf_lit(&b, "base: &base\n  image: nginx\n  env: [{name: A, value: b}]\nitems:\n");
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "- <<: *base\n  name: n%d\n", i);
    assert_ok(yaml_parse(&a, buf_view(&b), NULL, NULL, &v, &err), &err);
    assert_int_equal(jval_get(&v, S("items"))->n, 1000);
}

TEST(test_yaml_hostile__aliases_do_not_get_around_the_depth) {
    for (uint32_t links = 48; links < 50; links++) { /* each one level deeper than the one before */
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf b = BUF_INIT;
        struct json_limits limits = {.depth = 50};
        struct err err = ERR_INIT;
        struct jval v;
        buf_lit(&b, "- &a0 []\n");
        for (uint32_t i = 1; i <= links; i++)
            buf_printf(&b, "- &a%u [*a%u]\n", i, i - 1);
        assert_int_equal(yaml_parse(&a, buf_view(&b), &limits, NULL, &v, &err),
                         links > 48 ? ERR_TOO_LARGE : 0);
        assert_string_equal(err.msg, links > 48 ? "yaml: exceeded max depth of 50" : "");
    }
}

TEST(test_yaml_hostile__nested_flow) {
    _cleanup_buf struct buf lists = BUF_INIT, maps = BUF_INIT, keys = BUF_INIT;
    repeat(&lists, "[", 100000);
    repeat(&maps, "{a: ", 100000);
    repeat(&keys, "? ", 100000);
    begin();
    refuses(&lists, ERR_TOO_LARGE, "yaml: exceeded max depth of 1000");
    refuses(&maps, ERR_TOO_LARGE, "yaml: exceeded max depth of 1000");
    refuses(&keys, ERR_TOO_LARGE, "yaml: exceeded max depth of 1000");
    in_time();
}

TEST(test_yaml_hostile__nested_blocks) {
    _cleanup_buf struct buf dashes = BUF_INIT, lines = BUF_INIT;
    repeat(&dashes, "- ", 100000);
    for (int i = 0; i < 2000; i++) {
        repeat(&lines, " ", (size_t)i);
        buf_lit(&lines, "a:\n");
    }
    begin();
    refuses(&dashes, ERR_TOO_LARGE, "yaml: exceeded max depth of 1000");
    refuses(&lines, ERR_TOO_LARGE, "yaml: exceeded max depth of 1000");
    in_time();
}

TEST(test_yaml_hostile__the_depth_limit_is_exact) {
    for (int extra = 0; extra < 2; extra++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf b = BUF_INIT;
        struct json_limits limits = {.depth = 10};
        struct jval v;
        repeat(&b, "[", 10 + (size_t)extra);
        repeat(&b, "]", 10 + (size_t)extra);
        assert_int_equal(yaml_parse(&a, buf_view(&b), &limits, NULL, &v, NULL), extra ? ERR_TOO_LARGE : 0);
    }
}

TEST(test_yaml_hostile__the_size_limit_is_exact) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct json_limits limits = {.size_bytes = 4};
    struct jval v;
    struct err err = ERR_INIT;
    assert_ok(yaml_parse(&a, S("a: 1"), &limits, NULL, &v, &err), &err);
    assert_fails(yaml_parse(&a, S("a: 11"), &limits, NULL, &v, &err), ERR_TOO_LARGE);
}

static void accepts(const struct buf *b, struct arena *a, struct jval *ret) {
    struct err err = ERR_INIT;
    begin();
    assert_ok(yaml_parse(a, buf_view(b), NULL, NULL, ret, &err), &err);
    in_time();
}

TEST(test_yaml_hostile__huge_scalars) {
    static const char *const heads[] = {"", "\"", "'", "|\n ", ">\n "}, *const tails[] = {"", "\"", "'", "",
                                                                                          ""};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf b = BUF_INIT;
        struct jval v;
        buf_str(&b, str_from(heads[i]));
        repeat(&b, "abcdefghijklmno ", 1 << 15);
        buf_lit(&b, "x");
        buf_str(&b, str_from(tails[i]));
        accepts(&b, &a, &v);
        assert_int_equal(v.kind, J_STRING);
        assert_int_equal(v.n, (16 << 15) + 1);
    }
}

TEST(test_yaml_hostile__long_digits) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct jval v;
    repeat(&b, "9", 1 << 20);
    accepts(&b, &a, &v);
    assert_int_equal(v.kind, J_STRING);
}

TEST(test_yaml_hostile__many_keys_anchors_and_duplicates) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct strict_errors strict = {.arena = &a};
    struct err err = ERR_INIT;
    struct jval v;
    for (int i = 0; i < 30000; i++)
        buf_printf(&b, "k%d: &a%d x\nk%d: *a%d\n", 30000 - i, i, 30000 - i, i / 2);
    begin();
    assert_ok(yaml_parse(&a, buf_view(&b), NULL, &strict, &v, &err), &err);
    in_time();
    assert_int_equal(v.n, 30000);
    assert_int_equal(strict.n, 1);
    assert_true(strict.v[0].n < 10000);
}

/* Whatever is cut off or overwritten: an answer, never a crash. */
TEST(test_yaml_hostile__damaged_text) {
    static const char text[] = "%YAML 1.1\n--- !t &a\nk: [1, 'x', \"y\\n\", {a: b, ? c}, *a, !!binary aGk=]\n"
                               "<<: &m {p: 1}\nl: |+2\n   x\n\n  y\nm: >-\n  f\n  g\n? q\n: [*m, ~]\n...\n";
    for (size_t i = 0; i < sizeof text; i++) {
        static const char bytes[] = "\0\n\t :-[]{}&*!|>'\"%@`#?,\xff\xc3";
        for (size_t k = 0; k < sizeof bytes; k++) {
            _cleanup_arena struct arena a = ARENA_INIT;
            char damaged[sizeof text];
            struct jval v;
            memcpy(damaged, text, sizeof text);
            damaged[i] = bytes[k];
            (void)yaml_parse(&a, str_make(damaged, k ? sizeof text - 1 : i), NULL, NULL, &v, NULL);
        }
    }
}
