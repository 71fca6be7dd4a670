/* api/field_error */
#include "api/field_error.h"

#include "base/arena.h"
#include "base/buf.h"
#include "unit/unit.h"

static struct str path_text(struct buf *out, const struct field_path *p) {
    buf_clear(out);
    field_path_text(out, p);
    return buf_view(out);
}

static struct str quoted(struct buf *out, struct str s) {
    buf_clear(out);
    field_quote(out, s);
    return buf_view(out);
}

static struct str all_text(struct buf *out, const struct field_errors *e) {
    buf_clear(out);
    field_errors_text(out, e);
    return buf_view(out);
}

TEST(test_field_path__prints_steps) {
    _cleanup_buf struct buf b = BUF_INIT;
    const struct field_path *spec = at_field(NULL, "spec");
    assert_str(path_text(&b, spec), "spec");
    const struct field_path *port =
        at_field(at_index(at_field(at_index(at_field(spec, "containers"), 0), "ports"), 12), "name");
    assert_str(path_text(&b, port), "spec.containers[0].ports[12].name");
    assert_str(path_text(&b, at_key(at_field(spec, "limits"), S("nvidia.com/gpu"))),
               "spec.limits[nvidia.com/gpu]");
    assert_str(path_text(&b, at_name(at_field(NULL, "spec.template"), S("x"))), "spec.template.x");
    assert_str(path_text(&b, at_index(NULL, 3)), "[3]");
}

TEST(test_field_path__of_the_object_itself_is_empty) {
    _cleanup_buf struct buf b = BUF_INIT;
    assert_str(path_text(&b, NULL), "");
}

TEST(test_field_quote__escapes_as_go_does) {
    _cleanup_buf struct buf b = BUF_INIT;
    assert_str(quoted(&b, S("")), "\"\"");
    assert_str(quoted(&b, S("a\"b\\c")), "\"a\\\"b\\\\c\"");
    assert_str(quoted(&b, S("\a\b\t\n\v\f\r\x01\x7f")), "\"\\a\\b\\t\\n\\v\\f\\r\\x01\\x7f\"");
    assert_str(quoted(&b, S("größe 日本 😀")), "\"größe 日本 😀\"");
    assert_str(quoted(&b, S("\xC2\xA0\xE2\x80\x8B\xEF\xBB\xBF\xF3\xA0\x80\x81")),
               "\"\\u00a0\\u200b\\ufeff\\U000e0001\"");
}

TEST(test_field_quote__escapes_invalid_bytes_one_by_one) {
    _cleanup_buf struct buf b = BUF_INIT;
    assert_str(quoted(&b, S("a\xFF\xC3(\xE2\x82")), "\"a\\xff\\xc3(\\xe2\\x82\"");
    assert_str(quoted(&b, S("\x80\xED\xA0\x80")), "\"\\x80\\xed\\xa0\\x80\"");
}

TEST(test_field_error__bodies_of_each_type) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    const struct field_path *p = at_field(NULL, "x");
    static const struct str supported[] = {STR_INIT("A"), STR_INIT("B")};

    field_required(&e, p);
    field_required_because(&e, p, "needed for %s", "y");
    field_invalid(&e, p, bad(S("a b")), "must be %d", 1);
    field_type_invalid(&e, p, bad(7), "must be text");
    field_forbidden(&e, p, "may not be set");
    field_not_supported(&e, p, bad(S("C")), supported, 2);
    field_not_supported(&e, p, bad(S("C")), NULL, 0);
    field_duplicate(&e, p, bad(S("d")));
    field_not_found(&e, p, bad(S("n")));
    field_too_long(&e, p, 63);
    field_too_long(&e, p, 1);
    field_too_many(&e, p, 5, 4);
    field_too_many(&e, p, 2, 1);
    field_too_few(&e, p, 0, 1);
    field_internal(&e, p, "no %s", "idea");

    static const char *const bodies[] = {
        "Required value",
        "Required value: needed for y",
        "Invalid value: \"a b\": must be 1",
        "Invalid value: 7: must be text",
        "Forbidden: may not be set",
        "Unsupported value: \"C\": supported values: \"A\", \"B\"",
        "Unsupported value: \"C\"",
        "Duplicate value: \"d\"",
        "Not found: \"n\"",
        "Too long: may not be more than 63 bytes",
        "Too long: may not be more than 1 byte",
        "Too many: 5: must have at most 4 items",
        "Too many: 2: must have at most 1 item",
        "Too few: 0: must have at least 1 item",
        "Internal error: no idea",
    };
    assert_int_equal(e.n, sizeof bodies / sizeof bodies[0]);
    for (size_t i = 0; i < e.n; i++) {
        assert_str(e.v[i].field, "x");
        assert_str(e.v[i].body, bodies[i]);
    }
}

TEST(test_field_error__shows_values_by_their_type) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    int32_t i = -5;
    int64_t l = INT64_MIN;
    bool b = true;
    field_duplicate(&e, NULL, bad(i));
    field_duplicate(&e, NULL, bad(l));
    field_duplicate(&e, NULL, bad(b));
    field_duplicate(&e, NULL, bad(((struct opt_i32){.v = 3, .set = true})));
    field_duplicate(&e, NULL, bad(((struct opt_i64){.v = 3})));
    field_duplicate(&e, NULL, bad(((struct opt_bool){.set = true})));
    field_duplicate(&e, NULL, bad(((struct int_or_string){.is_str = true, .set = true, .s = S("http")})));
    field_duplicate(&e, NULL, bad(((struct int_or_string){.i = 80, .set = true})));
    field_duplicate(&e, NULL, BAD_NULL);
    field_duplicate(&e, NULL, bad_json(S("{\"a\":1}")));
    static const char *const values[] = {
        "-5", "-9223372036854775808", "true", "3", "null", "false", "\"http\"", "80", "null", "{\"a\":1}"};
    assert_int_equal(e.n, sizeof values / sizeof values[0]);
    for (size_t k = 0; k < e.n; k++)
        assert_str(str_from_byte(e.v[k].body, strlen("Duplicate value: ")), values[k]);
}

TEST(test_field_error__reasons_are_those_of_status_causes) {
    assert_str(field_error_reason(FIELD_ERROR_REQUIRED), "FieldValueRequired");
    assert_str(field_error_reason(FIELD_ERROR_INVALID), "FieldValueInvalid");
    assert_str(field_error_reason(FIELD_ERROR_NOT_SUPPORTED), "FieldValueNotSupported");
    assert_str(field_error_reason(FIELD_ERROR_DUPLICATE), "FieldValueDuplicate");
    assert_str(field_error_reason(FIELD_ERROR_FORBIDDEN), "FieldValueForbidden");
    assert_str(field_error_reason(FIELD_ERROR_NOT_FOUND), "FieldValueNotFound");
    assert_str(field_error_reason(FIELD_ERROR_TOO_LONG), "FieldValueTooLong");
    assert_str(field_error_reason(FIELD_ERROR_TOO_SHORT), "FieldValueTooShort");
    assert_str(field_error_reason(FIELD_ERROR_TOO_MANY), "FieldValueTooMany");
    assert_str(field_error_reason(FIELD_ERROR_TOO_FEW), "FieldValueTooFew");
    assert_str(field_error_reason(FIELD_ERROR_TYPE_INVALID), "FieldValueTypeInvalid");
    assert_str(field_error_reason(FIELD_ERROR_INTERNAL), "InternalError");
}

TEST(test_field_errors__joins_texts) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    assert_str(all_text(&b, &e), "");
    field_required(&e, at_field(NULL, "a"));
    assert_str(all_text(&b, &e), "a: Required value");
    field_required(&e, at_field(NULL, "a"));
    assert_str(all_text(&b, &e), "a: Required value");
    field_required(&e, at_field(NULL, "b"));
    assert_str(all_text(&b, &e), "[a: Required value, b: Required value]");
}

TEST(test_field_errors__keeps_a_bounded_number) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    for (uint32_t i = 0; i < FIELD_ERRORS_MAX + 10; i++)
        field_required(&e, at_index(NULL, i));
    assert_int_equal(e.n, FIELD_ERRORS_MAX);
    assert_int_equal(e.dropped, 10);
}

TEST(test_field_errors__cuts_long_texts) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    char text[3 * FIELD_TEXT_MAX];
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    struct str s = {text + 1, sizeof text - 1};
    field_invalid(&e, at_key(at_field(NULL, "labels"), s), bad(s), "no");
    assert_true(e.v[0].field.n <= FIELD_TEXT_MAX + 3);
    assert_true(str_has_suffix(e.v[0].field, S("\xC3\xA9...")));
    assert_true(e.v[0].body.n < FIELD_TEXT_MAX + 100);
    assert_true(str_has_suffix(e.v[0].body, S("\xC3\xA9\"...: no")));
}

TEST(test_field_errors__take_no_memory_when_there_are_none) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    assert_int_equal(e.n, 0);
    assert_int_equal(arena_total_bytes(&a), 0);
}
