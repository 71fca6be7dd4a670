/* KYAML. See kyaml.h. */
#include "ctl/kyaml.h"

#include "base/buf.h"
#include "codec/json.h"

static void write_value(struct buf *out, const struct jval *v, unsigned depth);

static void indent(struct buf *out, unsigned depth) {
    for (unsigned i = 0; i < depth; i++)
        buf_lit(out, "  ");
}

/* Whether a key may stand without quotes: it cannot be read as anything but a text. */
static bool is_plain_key(struct str k) {
    static const char *const words[] = {"y",     "n",    "yes", "no",  "on", "off", "true",
                                        "false", "null", "nan", "inf", "t",  "f",   "~"};
    if (!k.n || !((k.p[0] >= 'a' && k.p[0] <= 'z') || (k.p[0] >= 'A' && k.p[0] <= 'Z') || k.p[0] == '_'))
        return false;
    for (size_t i = 0; i < k.n; i++) {
        char ch = k.p[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' ||
              ch == '-' || ch == '.' || ch == '/'))
            return false;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq_nocase(k, str_from(words[i])))
            return false;
    return true;
}

static void write_object(struct buf *out, const struct jval *v, unsigned depth) {
    if (!v->n) {
        buf_lit(out, "{}");
        return;
    }
    buf_lit(out, "{\n");
    for (uint32_t i = 0; i < v->n; i++) {
        indent(out, depth + 1);
        if (is_plain_key(v->members[i].key))
            buf_str(out, v->members[i].key);
        else
            json_write_string(out, v->members[i].key);
        buf_lit(out, ": ");
        write_value(out, &v->members[i].value, depth + 1);
        buf_lit(out, ",\n");
    }
    indent(out, depth);
    buf_byte(out, '}');
}

/* Objects of a list share its lines: [{ … }, { … }]. */
static void write_array(struct buf *out, const struct jval *v, unsigned depth) {
    bool cuddled = v->n > 0;
    for (uint32_t i = 0; i < v->n; i++)
        cuddled = cuddled && ((v->items[i].kind == J_OBJECT || v->items[i].kind == J_ARRAY) && v->items[i].n);
    buf_byte(out, '[');
    for (uint32_t i = 0; i < v->n; i++) {
        if (cuddled) {
            buf_str(out, i ? S(", ") : S(""));
            write_value(out, &v->items[i], depth);
            continue;
        }
        buf_byte(out, '\n');
        indent(out, depth + 1);
        write_value(out, &v->items[i], depth + 1);
        buf_byte(out, ',');
    }
    if (v->n && !cuddled) {
        buf_byte(out, '\n');
        indent(out, depth);
    }
    buf_byte(out, ']');
}

/* Lines of a longer text stand below each other; a backslash joins them. */
static void write_text(struct buf *out, struct str s, unsigned depth) {
    struct str line;
    if (str_find_byte(s, '\n') < 0) {
        json_write_string(out, s);
        return;
    }
    buf_lit(out, "\"\\\n");
    while (s.n) {
        _cleanup_buf struct buf quoted = BUF_INIT;
        bool more = str_split(s, '\n', &line, &s);
        indent(out, depth + 1);
        buf_byte(out, line.n && line.p[0] == ' ' ? '\\' : ' '); /* blanks that belong to the text */
        json_write_string(&quoted, line);
        buf_put(out, quoted.p + 1, quoted.n - 2);
        buf_str(out, more ? S("\\n\\\n") : S("\\\n"));
    }
    indent(out, depth + 1);
    buf_byte(out, '"');
}

static void write_value(struct buf *out, const struct jval *v, unsigned depth) {
    switch (v->kind) {
    case J_OBJECT: write_object(out, v, depth); break;
    case J_ARRAY: write_array(out, v, depth); break;
    case J_STRING: write_text(out, jval_as_str(v), depth); break;
    default: json_write(out, v); break;
    }
}

void kyaml_write(struct buf *out, const struct jval *v) {
    write_value(out, v, 0);
    buf_byte(out, '\n');
}
