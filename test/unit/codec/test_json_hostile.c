/* JSON made to hurt: what it costs is bounded. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "unit/unit.h"

TEST(test_json_hostile__deep_nesting_is_refused) {
    enum { DEPTH = 100000 };
    static char text[DEPTH * 2];
    static const char *const opens[] = {"[", "{\"\":"};
    for (size_t k = 0; k < 2; k++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf b = BUF_INIT;
        struct err err = ERR_INIT;
        struct jval v;
        for (int i = 0; i < DEPTH; i++)
            buf_str(&b, str_from(opens[k]));
        memset(text, k ? '}' : ']', DEPTH);
        buf_put(&b, text, DEPTH);
        assert_fails(json_parse(&a, buf_view(&b), NULL, NULL, &v, &err), ERR_TOO_LARGE);
        assert_non_null(strstr(err.msg, "nested deeper than 1000 levels"));
        assert_fails(json_compact(&b, buf_view(&b), NULL, &err), ERR_TOO_LARGE);
        assert_true(arena_total_bytes(&a) < 1024);
    }
}

TEST(test_json_hostile__a_thousand_levels_are_read_and_written) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT, out = BUF_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    for (unsigned i = 0; i < JSON_DEPTH_MAX / 2; i++)
        buf_lit(&b, "[{\"a\":");
    buf_byte(&b, '1');
    for (unsigned i = 0; i < JSON_DEPTH_MAX / 2; i++)
        buf_lit(&b, "}]");
    assert_ok(json_parse(&a, buf_view(&b), NULL, NULL, &v, &err), &err);
    struct jval copy = jval_copy(&a, &v);
    assert_true(jval_equal(&v, &copy));
    json_write(&out, &copy);
    assert_str_equal(buf_view(&out), buf_view(&b));
    buf_clear(&out);
    assert_ok(json_compact(&out, buf_view(&b), NULL, &err), &err);
    assert_str_equal(buf_view(&out), buf_view(&b));
}

TEST(test_json_hostile__a_string_of_escapes_is_linear) {
    enum { BYTES = 3 * 1024 * 1024 };
    static const char *const escapes[] = {"\\n", "\\u0041", "\\ud800", "\\ud83d\\ude00", "\\\\"};
    for (size_t k = 0; k < sizeof escapes / sizeof *escapes; k++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf b = BUF_INIT;
        struct err err = ERR_INIT;
        struct jval v;
        buf_byte(&b, '"');
        while (b.n < BYTES)
            buf_str(&b, str_from(escapes[k]));
        buf_byte(&b, '"');
        assert_ok(json_parse(&a, buf_view(&b), NULL, NULL, &v, &err), &err);
        assert_true(arena_total_bytes(&a) < b.n + 4096);
    }
}

TEST(test_json_hostile__a_million_members_stay_within_bounds) {
    for (int same = 0; same < 2; same++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf b = BUF_INIT;
        struct strict_errors strict = {.arena = &a};
        struct err err = ERR_INIT;
        struct jval v;
        buf_byte(&b, '{');
        for (uint64_t i = 0; i < 1000000; i++)
            buf_printf(&b, "%s\"k%u\":0", i ? "," : "", (unsigned)(same ? 7 : i * 7919 % 1000003));
        buf_byte(&b, '}');
        assert_ok(json_parse(&a, buf_view(&b), NULL, &strict, &v, &err), &err);
        assert_int_equal(v.n, same ? 1 : 1000000);
        assert_int_equal(strict.n, same);
        assert_true(arena_total_bytes(&a) < 3 * (size_t)JSON_SIZE_MAX);
    }
}

TEST(test_json_hostile__too_many_values_are_refused) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    size_t n = 2 * (size_t)(JSON_MEMBERS_MAX + 1) + 1;
    char *text = malloc(n);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = i % 2 ? '1' : ',';
    text[0] = '[';
    text[n - 1] = ']';
    assert_fails(json_parse(&a, str_make(text, n), NULL, NULL, &v, &err), ERR_TOO_LARGE);
    assert_string_equal(err.msg, "JSON has more than 4194304 values");
    free(text);
}

TEST(test_json_hostile__cut_text_fails_at_every_byte) {
    static const char text[] =
        "{\"a\":[1,-2.5e+3,\"x\\u00e9\\n\u00e9\",true,false,null,{},[]],\"b\":{\"c\":\"\"}}";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf b = BUF_INIT;
        struct err err = ERR_INIT;
        struct jval v;
        /* A heap copy of just that length, so that a read past it is seen. */
        char *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, text, n);
        assert_fails(json_parse(&a, str_make(cut, n), NULL, NULL, &v, &err), ERR_INVALID);
        assert_true(str_has_prefix(str_from(err.msg), S("invalid JSON: ")));
        assert_fails(json_compact(&b, str_make(cut, n), NULL, &err), ERR_INVALID);
        free(cut);
    }
}
