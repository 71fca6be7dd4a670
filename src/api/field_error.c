/* Field paths and field errors as text. See field_error.h. */
#include "api/field_error.h"

#include <stdarg.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#define PATH_STEPS_MAX 256

static const struct {
    struct str reason, text;
} types[] = {
    [FIELD_ERROR_REQUIRED] = {STR_INIT("FieldValueRequired"), STR_INIT("Required value")},
    [FIELD_ERROR_INVALID] = {STR_INIT("FieldValueInvalid"), STR_INIT("Invalid value")},
    [FIELD_ERROR_NOT_SUPPORTED] = {STR_INIT("FieldValueNotSupported"), STR_INIT("Unsupported value")},
    [FIELD_ERROR_DUPLICATE] = {STR_INIT("FieldValueDuplicate"), STR_INIT("Duplicate value")},
    [FIELD_ERROR_FORBIDDEN] = {STR_INIT("FieldValueForbidden"), STR_INIT("Forbidden")},
    [FIELD_ERROR_NOT_FOUND] = {STR_INIT("FieldValueNotFound"), STR_INIT("Not found")},
    [FIELD_ERROR_TOO_LONG] = {STR_INIT("FieldValueTooLong"), STR_INIT("Too long")},
    [FIELD_ERROR_TOO_SHORT] = {STR_INIT("FieldValueTooShort"), STR_INIT("Too short")},
    [FIELD_ERROR_TOO_MANY] = {STR_INIT("FieldValueTooMany"), STR_INIT("Too many")},
    [FIELD_ERROR_TOO_FEW] = {STR_INIT("FieldValueTooFew"), STR_INIT("Too few")},
    [FIELD_ERROR_TYPE_INVALID] = {STR_INIT("FieldValueTypeInvalid"), STR_INIT("Invalid value")},
    [FIELD_ERROR_INTERNAL] = {STR_INIT("InternalError"), STR_INIT("Internal error")},
};

struct str field_error_reason(enum field_error_type type) {
    return types[type].reason;
}

/* ---- paths ---- */

static void put_step(struct buf *out, const struct field_path *step, bool first) {
    switch ((enum field_step)step->step) {
    case STEP_FIELD:
        if (!first)
            buf_byte(out, '.');
        buf_str(out, step->name);
        break;
    case STEP_INDEX:
        buf_byte(out, '[');
        buf_u64(out, step->index);
        buf_byte(out, ']');
        break;
    case STEP_KEY:
        buf_byte(out, '[');
        buf_str(out, step->name);
        buf_byte(out, ']');
        break;
    }
}

void field_path_text(struct buf *out, const struct field_path *p) {
    const struct field_path *steps[PATH_STEPS_MAX];
    size_t n = 0;
    for (; p; p = p->parent) {
        check(n < PATH_STEPS_MAX);
        steps[n++] = p;
    }
    for (size_t i = n; i-- > 0;)
        put_step(out, steps[i], i == n - 1);
}

/* ---- values ---- */

/* Unicode that Go's quoting escapes although it is valid: controls, spaces other than ' ', format characters,
 * private use, noncharacters. */
static bool prints(uint32_t c) {
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x7F, 0xA0},     {0xAD, 0xAD},        {0x600, 0x605},   {0x61C, 0x61C},   {0x6DD, 0x6DD},
        {0x70F, 0x70F},   {0x1680, 0x1680},    {0x180E, 0x180E}, {0x2000, 0x200F}, {0x2028, 0x202F},
        {0x205F, 0x206F}, {0x3000, 0x3000},    {0xE000, 0xF8FF}, {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB},
        {0xFFFE, 0xFFFF}, {0xE0000, 0x10FFFF},
    };
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (c >= hidden[i].first && c <= hidden[i].last)
            return false;
    return true;
}

static uint32_t decode(const unsigned char *p, size_t n) {
    static const unsigned char mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t c = p[0] & mask[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3Fu);
    return c;
}

static void quote_ascii(struct buf *out, unsigned char c) {
    static const char names[] = "abtnvfr"; /* from \a, 7, to \r, 13 */
    if (c == '"' || c == '\\')
        buf_printf(out, "\\%c", c);
    else if (c >= 7 && c <= 13)
        buf_printf(out, "\\%c", names[c - 7]);
    else if (c < 0x20 || c == 0x7F)
        buf_printf(out, "\\x%02x", c);
    else
        buf_byte(out, (char)c);
}

/* The character at s.p[i] of more than one byte: its length, 0 when it is not valid UTF-8. */
static size_t decode_at(struct str s, size_t i, uint32_t *ret_c) {
    const unsigned char *p = (const unsigned char *)s.p + i;
    size_t len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (s.n - i < len || utf8_valid_prefix(str_make(s.p + i, len)) != len)
        return 0;
    *ret_c = decode(p, len);
    return len;
}

void field_quote(struct buf *out, struct str s) {
    buf_byte(out, '"');
    for (size_t i = 0; i < s.n;) {
        unsigned char lead = (unsigned char)s.p[i];
        uint32_t c;
        size_t len = lead < 0x80 ? 1 : decode_at(s, i, &c);
        if (lead < 0x80)
            quote_ascii(out, lead);
        else if (len == 0)
            buf_printf(out, "\\x%02x", lead);
        else if (prints(c))
            buf_put(out, s.p + i, len);
        else
            buf_printf(out, c > 0xFFFF ? "\\U%08x" : "\\u%04x", c);
        i += len ? len : 1;
    }
    buf_byte(out, '"');
}

bool field_text_prints(struct str s) {
    for (size_t i = 0; i < s.n;) {
        unsigned char lead = (unsigned char)s.p[i];
        uint32_t c = lead;
        size_t len = lead < 0x80 ? 1 : decode_at(s, i, &c);
        if (len == 0 || c < 0x20 || !prints(c))
            return false;
        i += len;
    }
    return true;
}

/* The text up to FIELD_TEXT_MAX bytes, at a character's border; *ret_cut tells whether something is missing.
 */
static struct str shorten(struct str s, bool *ret_cut) {
    *ret_cut = s.n > FIELD_TEXT_MAX;
    if (!*ret_cut)
        return s;
    size_t n = FIELD_TEXT_MAX;
    while (n > FIELD_TEXT_MAX - 4 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    return str_cut(s, n);
}

static void put_value(struct buf *out, struct bad_value value) {
    bool cut = false;
    struct str s = shorten(value.s, &cut);
    switch (value.kind) {
    case BAD_KIND_NULL: buf_lit(out, "null"); break;
    case BAD_KIND_STR: field_quote(out, s); break;
    case BAD_KIND_INT: buf_i64(out, value.i); break;
    case BAD_KIND_BOOL: buf_str(out, value.i ? S("true") : S("false")); break;
    case BAD_KIND_JSON: buf_str(out, s); break;
    }
    if (cut)
        buf_lit(out, "...");
}

/* ---- recording ---- */

/* Room for one more error, or NULL when the list is full (which is counted). */
static struct field_error *next(struct field_errors *e) {
    if (e->n == FIELD_ERRORS_MAX) {
        e->dropped++;
        return NULL;
    }
    if (e->n == e->cap) {
        size_t cap = e->cap;
        vec_grow_in(e->arena, (void **)&e->v, &cap, e->n, e->n + 1, sizeof *e->v);
        e->cap = (uint32_t)cap;
    }
    return &e->v[e->n++];
}

static struct str path_to_arena(struct arena *a, const struct field_path *p) {
    _cleanup_buf struct buf text = BUF_INIT;
    field_path_text(&text, p);
    bool cut;
    struct str s = shorten(buf_view(&text), &cut);
    return cut ? arena_printf(a, "%.*s...", STR_ARG(s)) : arena_str(a, s);
}

/* detail: the explanation, absent when there is none. */
static void add(struct field_errors *e, enum field_error_type type, const struct field_path *p,
                const struct bad_value *value, struct str detail) {
    struct field_error *error = next(e);
    if (!error)
        return;
    _cleanup_buf struct buf body = BUF_INIT;
    buf_str(&body, types[type].text);
    if (value) {
        buf_lit(&body, ": ");
        put_value(&body, *value);
    }
    if (detail.p) {
        bool cut;
        buf_lit(&body, ": ");
        buf_str(&body, shorten(detail, &cut));
        if (cut)
            buf_lit(&body, "...");
    }
    *error = (struct field_error){
        .field = path_to_arena(e->arena, p), .body = buf_to_arena(&body, e->arena), .type = type};
}

void field_required(struct field_errors *e, const struct field_path *p) {
    add(e, FIELD_ERROR_REQUIRED, p, NULL, STR_NONE);
}

void field_duplicate(struct field_errors *e, const struct field_path *p, struct bad_value value) {
    add(e, FIELD_ERROR_DUPLICATE, p, &value, STR_NONE);
}

void field_not_found(struct field_errors *e, const struct field_path *p, struct bad_value value) {
    add(e, FIELD_ERROR_NOT_FOUND, p, &value, STR_NONE);
}

#define ADD_FORMATTED(type, value)                                                                           \
    do {                                                                                                     \
        _cleanup_buf struct buf detail_ = BUF_INIT;                                                          \
        va_list ap;                                                                                          \
        va_start(ap, fmt);                                                                                   \
        buf_vprintf(&detail_, fmt, ap);                                                                      \
        va_end(ap);                                                                                          \
        add(e, (type), p, (value), buf_view(&detail_));                                                      \
    } while (0)

void field_required_because(struct field_errors *e, const struct field_path *p, const char *fmt, ...) {
    ADD_FORMATTED(FIELD_ERROR_REQUIRED, NULL);
}

void field_invalid(struct field_errors *e, const struct field_path *p, struct bad_value value,
                   const char *fmt, ...) {
    ADD_FORMATTED(FIELD_ERROR_INVALID, &value);
}

void field_not_found_because(struct field_errors *e, const struct field_path *p, struct bad_value value,
                             const char *fmt, ...) {
    ADD_FORMATTED(FIELD_ERROR_NOT_FOUND, &value);
}

void field_type_invalid(struct field_errors *e, const struct field_path *p, struct bad_value value,
                        const char *fmt, ...) {
    ADD_FORMATTED(FIELD_ERROR_TYPE_INVALID, &value);
}

void field_forbidden(struct field_errors *e, const struct field_path *p, const char *fmt, ...) {
    ADD_FORMATTED(FIELD_ERROR_FORBIDDEN, NULL);
}

void field_internal(struct field_errors *e, const struct field_path *p, const char *fmt, ...) {
    ADD_FORMATTED(FIELD_ERROR_INTERNAL, NULL);
}

void field_not_supported(struct field_errors *e, const struct field_path *p, struct bad_value value,
                         const struct str *supported, size_t n) {
    _cleanup_buf struct buf list = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        buf_str(&list, i ? S(", ") : S("supported values: "));
        field_quote(&list, supported[i]);
    }
    add(e, FIELD_ERROR_NOT_SUPPORTED, p, &value, n ? buf_view(&list) : STR_NONE);
}

/* Adds an error about a size: "<what> 3 items". */
static void add_size(struct field_errors *e, enum field_error_type type, const struct field_path *p,
                     const struct bad_value *value, struct str what, size_t n, struct str unit) {
    _cleanup_buf struct buf text = BUF_INIT;
    buf_str(&text, what);
    buf_u64(&text, n);
    buf_str(&text, unit);
    if (n != 1)
        buf_byte(&text, 's');
    add(e, type, p, value, buf_view(&text));
}

void field_too_long(struct field_errors *e, const struct field_path *p, size_t max_bytes) {
    add_size(e, FIELD_ERROR_TOO_LONG, p, NULL, S("may not be more than "), max_bytes, S(" byte"));
}

void field_too_many(struct field_errors *e, const struct field_path *p, size_t actual, size_t max) {
    struct bad_value value = bad_int((int64_t)actual);
    add_size(e, FIELD_ERROR_TOO_MANY, p, &value, S("must have at most "), max, S(" item"));
}

void field_too_few(struct field_errors *e, const struct field_path *p, size_t actual, size_t min) {
    struct bad_value value = bad_int((int64_t)actual);
    add_size(e, FIELD_ERROR_TOO_FEW, p, &value, S("must have at least "), min, S(" item"));
}

/* ---- whole lists ---- */

void field_error_text(struct buf *out, const struct field_error *error) {
    buf_str(out, error->field);
    buf_lit(out, ": ");
    buf_str(out, error->body);
}

/* Whether an earlier error reads the same. */
static bool repeated(const struct field_errors *e, uint32_t i) {
    for (uint32_t k = 0; k < i; k++)
        if (str_eq(e->v[k].field, e->v[i].field) && str_eq(e->v[k].body, e->v[i].body))
            return true;
    return false;
}

void field_errors_text(struct buf *out, const struct field_errors *e) {
    uint32_t different = 0;
    for (uint32_t i = 0; i < e->n; i++)
        different += !repeated(e, i);
    if (different > 1)
        buf_byte(out, '[');
    bool first = true;
    for (uint32_t i = 0; i < e->n; i++) {
        if (repeated(e, i))
            continue;
        if (!first)
            buf_lit(out, ", ");
        first = false;
        field_error_text(out, &e->v[i]);
    }
    if (different > 1)
        buf_byte(out, ']');
}
