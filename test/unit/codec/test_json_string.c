/* JSON strings, read and written. */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "unit/unit.h"

/* Parses `"<inside>"` into the arena. */
static int parse_string(struct arena *a, const char *inside, struct str *ret, struct err *err) {
    struct jval v;
    int rc = json_parse(a, arena_printf(a, "\"%s\"", inside), NULL, NULL, &v, err);
    if (rc == 0) {
        assert_int_equal(v.kind, J_STRING);
        *ret = jval_as_str(&v);
    }
    return rc;
}

static void reads(const char *inside, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str s;
    assert_ok(parse_string(&a, inside, &s, &err), &err);
    assert_str(s, expected);
}

static void refuses(const char *inside, const char *message) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str s;
    assert_fails(parse_string(&a, inside, &s, &err), ERR_INVALID);
    assert_string_equal(err.msg, message);
}

static void writes(struct str s, const char *expected) {
    _cleanup_buf struct buf b = BUF_INIT;
    json_write_string(&b, s);
    assert_str(buf_view(&b), expected);
}

TEST(test_json_string__plain_text_points_into_the_input) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    struct str text = S("\"no escape in here, longer than a vector\"");
    assert_ok(json_parse(&a, text, NULL, NULL, &v, &err), &err);
    assert_ptr_equal(v.s, text.p + 1);
    assert_int_equal(v.n, text.n - 2);
}

TEST(test_json_string__reads_every_escape) {
    reads("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t");
    reads("\\u0041\\u00e9\\u20ac\\ud83d\\ude00", "A\u00e9\u20ac\U0001f600");
    reads("\\uABCD\\uabcd", "\uabcd\uabcd");
    reads("sixteen bytes or more before \\n and after it, as well",
          "sixteen bytes or more before \n and after it, as well");
}

TEST(test_json_string__lone_surrogates_become_the_replacement) {
    reads("\\ud800", "\ufffd");
    reads("\\udc00", "\ufffd");
    reads("\\ud800\\ud800", "\ufffd\ufffd");
    reads("\\ud800\\u0041", "\ufffdA");
    reads("\\ud83dx\\ude00", "\ufffdx\ufffd");
    reads("\\ud800\\ud83d\\ude00", "\ufffd\U0001f600");
}

TEST(test_json_string__reads_nul) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str s;
    assert_ok(parse_string(&a, "a\\u0000b", &s, &err), &err);
    assert_str_equal(s, str_make("a\0b", 3));
}

TEST(test_json_string__refuses_bad_escapes) {
    refuses("\\x41", "invalid JSON: '\\' at byte 1 where a valid escape is expected");
    refuses("ab\\u12g4", "invalid JSON: '\\' at byte 3 where a valid escape is expected");
    refuses("\\u123", "invalid JSON: '\\' at byte 1 where a valid escape is expected");
    refuses("\\", "invalid JSON: the text ends at byte 3 where the end of the string is expected");
}

TEST(test_json_string__refuses_control_characters) {
    refuses("a\nb",
            "invalid JSON: byte 0x0a at byte 2 where an escape instead of the control character is expected");
    refuses(
        "0123456789abcdef\x01",
        "invalid JSON: byte 0x01 at byte 17 where an escape instead of the control character is expected");
    reads("\x7f", "\x7f");
}

TEST(test_json_string__checks_utf8) {
    reads("gr\u00fc\u00dfe \u4f60\u597d \U0001f600 and plain text again, long enough",
          "gr\u00fc\u00dfe \u4f60\u597d \U0001f600 and plain text again, long enough");
    refuses("\xc3\x28", "invalid JSON: byte 0xc3 at byte 1 where UTF-8 text is expected");
    refuses("abc\x80", "invalid JSON: byte 0x80 at byte 4 where UTF-8 text is expected");
    refuses("\xc0\x80", "invalid JSON: byte 0xc0 at byte 1 where UTF-8 text is expected");
    refuses("\xed\xa0\x80", "invalid JSON: byte 0xed at byte 1 where UTF-8 text is expected");
    refuses("\xf4\x90\x80\x80", "invalid JSON: byte 0xf4 at byte 1 where UTF-8 text is expected");
    refuses("\u00e9\xff", "invalid JSON: byte 0xff at byte 3 where UTF-8 text is expected");
    refuses("\xe2\x82", "invalid JSON: byte 0xe2 at byte 1 where UTF-8 text is expected");
}

TEST(test_json_string__special_bytes_are_found_at_every_offset) {
    char text[80];
    for (size_t at = 1; at < 40; at++) {
        for (size_t n = at + 1; n < 44; n++) {
            _cleanup_arena struct arena a = ARENA_INIT;
            struct err err = ERR_INIT;
            struct jval v;
            memset(text, 'x', sizeof text);
            text[0] = '"';
            text[n] = '"';
            text[at] = '\x1f';
            assert_fails(json_parse(&a, str_make(text, n + 1), NULL, NULL, &v, &err), ERR_INVALID);
            memcpy(text + at, "\xc3\xa9", 2);
            text[n] = at + 1 < n ? 'x' : text[n];
            text[n + 1] = '"';
            assert_ok(json_parse(&a, str_make(text, n + 2), NULL, NULL, &v, &err), &err);
            assert_int_equal(v.n, n);
        }
    }
}

TEST(test_json_string__writes_with_gos_escapes) {
    writes(S("plain"), "\"plain\"");
    writes(S(""), "\"\"");
    writes(STR_NONE, "\"\"");
    writes(S("\"\\/"), "\"\\\"\\\\/\"");
    writes(S("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
    writes(str_make("\0\x01\x1f\x7f", 4), "\"\\u0000\\u0001\\u001f\x7f\"");
    writes(S("<a href=\"x\">&amp;"), "\"\\u003ca href=\\\"x\\\"\\u003e\\u0026amp;\"");
    writes(S("\u2028\u2029\u2027\u202a\u20ac"), "\"\\u2028\\u2029\u2027\u202a\u20ac\"");
    writes(S("\U0001f600\u00e9"), "\"\U0001f600\u00e9\"");
}

TEST(test_json_string__escapes_are_written_at_every_offset) {
    char text[64], expected[80];
    static const struct {
        char c;
        const char *escape;
    } escapes[] = {{'"', "\\\""},    {'\\', "\\\\"},   {'<', "\\u003c"},
                   {'>', "\\u003e"}, {'&', "\\u0026"}, {'\x1f', "\\u001f"}};
    for (size_t e = 0; e < sizeof escapes / sizeof *escapes; e++) {
        for (int at = 0; at < 40; at++) {
            memset(text, '=', sizeof text);
            text[at] = escapes[e].c;
            snprintf(expected, sizeof expected, "\"%.*s%s%.*s\"", at, text, escapes[e].escape, 40 - at,
                     text + at + 1);
            writes(str_make(text, 41), expected);
        }
    }
}

TEST(test_json_string__written_text_reads_back) {
    char text[512];
    size_t n = 0;
    for (int c = 0; c < 128; c++)
        text[n++] = (char)c;
    for (uint32_t cp = 0x80; cp < 0x110000 && n < sizeof text - 8; cp += cp < 0x3000 ? 97 : 0x8111)
        if (cp < 0xd800 || cp > 0xdfff)
            n += utf8_encode(cp, text + n);
    _cleanup_buf struct buf b = BUF_INIT;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    json_write_string(&b, str_make(text, n));
    assert_ok(json_parse(&a, buf_view(&b), NULL, NULL, &v, &err), &err);
    assert_str_equal(jval_as_str(&v), str_make(text, n));
}

/* Strings that came as protobuf may hold anything. CONFORMS: Go's encoding/json. */
TEST(test_json_string__bytes_that_are_not_utf8_are_written_as_the_replacement) {
    writes(S("\xff"), "\"\\ufffd\"");
    writes(S("a\xc3(\x80\x80z"), "\"a\\ufffd(\\ufffd\\ufffdz\"");
    writes(S("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
    writes(S("\xc3\xa4\xf0\x9f\x98"), "\"\xc3\xa4\\ufffd\\ufffd\\ufffd\"");
    writes(S("\xe2\x80"), "\"\\ufffd\\ufffd\"");
    writes(S("\xc3\xa4\xe2\x80\xa8\xc3\xb6\xe2\x80\xa6"), "\"\xc3\xa4\\u2028\xc3\xb6\xe2\x80\xa6\"");
    writes(S("0123456789abcdef\xff"), "\"0123456789abcdef\\ufffd\"");
}
