/* JSON text to JSON text: compact and indented. See json.h. */
#include "codec/json.h"

#include "base/buf.h"
#include "base/err.h"
#include "codec/json_lex.h"

int json_compact(struct buf *out, struct str text, const struct json_limits *limits, struct err *err) {
    size_t size_max = limits && limits->size_bytes ? limits->size_bytes : JSON_SIZE_MAX;
    if (text.n > size_max)
        return err_set(err, ERR_TOO_LARGE, "JSON of %zu bytes; at most %zu are accepted", text.n, size_max);
    struct json_lex l = json_lex_init(text, err);
    json_space(&l);
    const char *start = l.p;
    bool compact;
    int rc = json_skip(&l, limits && limits->depth ? limits->depth : JSON_DEPTH_MAX, &compact);
    if (rc)
        return rc;
    struct str value = {start, (size_t)(l.p - start)};
    rc = json_end(&l);
    if (rc)
        return rc;
    char *to = buf_reserve(out, value.n);
    if (!to)
        return 0;
    if (compact)
        memcpy(to, value.p, value.n);
    out->n += compact ? value.n : json_squeeze(to, value);
    return 0;
}

static void new_line(struct buf *out, const char *indent, uint32_t level) {
    size_t n = strlen(indent);
    buf_byte(out, '\n');
    for (uint32_t i = 0; i < level; i++)
        buf_put(out, indent, n);
}

static void write_indented(struct buf *out, const struct jval *v, const char *indent, uint32_t level) {
    bool object = v->kind == J_OBJECT;
    if ((!object && v->kind != J_ARRAY) || v->n == 0) {
        json_write(out, v);
        return;
    }
    buf_byte(out, object ? '{' : '[');
    for (uint32_t i = 0; i < v->n; i++) {
        if (i)
            buf_byte(out, ',');
        new_line(out, indent, level + 1);
        if (object) {
            json_write_string(out, v->members[i].key);
            buf_lit(out, ": ");
        }
        write_indented(out, object ? &v->members[i].value : &v->items[i], indent, level + 1);
    }
    new_line(out, indent, level);
    buf_byte(out, object ? '}' : ']');
}

void json_write_indented(struct buf *out, const struct jval *v, const char *indent) {
    write_indented(out, v, indent, 0);
}

/* Behind the string that starts at p. */
static const char *string_end(const char *p) {
    for (p++; *p != '"';)
        p += 1 + (*p == '\\');
    return p + 1;
}

static const char *skip_space(const char *p, const char *end) {
    while (p < end && json_is_space(*p))
        p++;
    return p;
}

void json_indent(struct buf *out, struct str text, const char *indent) {
    const char *p = text.p, *end = text.p + text.n;
    uint32_t level = 0;
    while ((p = skip_space(p, end)) < end) {
        const char *from = p;
        char c = *p++;
        if (c == '{' || c == '[') {
            buf_byte(out, c);
            p = skip_space(p, end);
            if (p < end && (*p == '}' || *p == ']'))
                buf_byte(out, *p++);
            else
                new_line(out, indent, ++level);
        } else if (c == '}' || c == ']') {
            new_line(out, indent, level ? --level : 0);
            buf_byte(out, c);
        } else if (c == ',') {
            buf_byte(out, c);
            new_line(out, indent, level);
        } else if (c == ':') {
            buf_lit(out, ": ");
        } else {
            if (c == '"')
                p = string_end(from);
            buf_put(out, from, (size_t)(p - from));
        }
    }
}
