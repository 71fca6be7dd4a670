/* Files of several documents. See yaml.h. */
#include "base/arena.h"
#include "base/err.h"
#include "codec/json_lex.h"
#include "codec/yaml.h"

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void yaml_reader_init(struct yaml_reader *r, struct str text, const struct json_limits *limits) {
    size_t i = 0;
    while (i < text.n && is_space(text.p[i]))
        i++;
    *r = (struct yaml_reader){.rest = text, .json = i < text.n && text.p[i] == '{'};
    if (limits)
        r->limits = *limits;
}

/* The next line, with its end, is cut off the text. */
static struct str take_line(struct str *text) {
    ptrdiff_t end = str_find_byte(*text, '\n');
    struct str line = end < 0 ? *text : str_cut(*text, (size_t)end + 1);
    *text = str_from_byte(*text, line.n);
    return line;
}

/* UTF-16 has no bytes to find lines by. */
static bool is_utf16(struct str text) {
    return str_has_prefix(text, S("\xff\xfe")) || str_has_prefix(text, S("\xfe\xff"));
}

/* The text up to the next separator, which is dropped. CONFORMS: what stands behind --- on its line may only
 * be a comment. */
static int take_document(struct yaml_reader *r, struct str *ret, struct err *err) {
    struct str document = {r->rest.p, 0};
    if (is_utf16(r->rest)) {
        *ret = r->rest;
        r->rest = STR_NONE;
        return 0;
    }
    while (r->rest.n) {
        struct str line = take_line(&r->rest);
        if (str_has_prefix(line, S("---"))) {
            struct str behind = str_trim(str_from_byte(line, 3));
            if (behind.n && behind.p[0] != '#')
                return err_set(err, ERR_INVALID, "invalid Yaml document separator: %.*s", STR_ARG(behind));
            if (document.n)
                break;
        }
        document.n += line.n;
    }
    *ret = document;
    return 0;
}

static int next_yaml(struct yaml_reader *r, struct arena *a, struct strict_errors *strict,
                     struct jval *ret_value, bool *ret_found, struct err *err) {
    *ret_found = false;
    while (r->rest.n && !*ret_found) {
        struct str document;
        struct jval v;
        int rc = take_document(r, &document, err);
        if (!rc)
            rc = yaml_parse(a, document, &r->limits, strict, &v, err);
        if (rc)
            return rc;
        if (v.kind != J_NULL) {
            *ret_value = v;
            *ret_found = true;
        }
    }
    return 0;
}

static int next_json(struct yaml_reader *r, struct arena *a, struct strict_errors *strict,
                     struct jval *ret_value, bool *ret_found, struct err *err) {
    struct json_lex l = json_lex_init(r->rest, err);
    *ret_found = false;
    for (;;) {
        json_space(&l);
        const char *from = l.p;
        struct jval v;
        if (l.p == l.end)
            return 0;
        int rc = json_skip(&l, r->limits.depth ? r->limits.depth : JSON_DEPTH_MAX, NULL);
        if (rc)
            return rc;
        struct str text = arena_str(a, str_make(from, (size_t)(l.p - from)));
        rc = json_parse(a, text, &r->limits, strict, &v, err);
        if (rc)
            return rc;
        r->rest = str_make(l.p, (size_t)(l.end - l.p));
        if (v.kind != J_NULL) {
            *ret_value = v;
            *ret_found = true;
            return 0;
        }
    }
}

int yaml_reader_next(struct yaml_reader *r, struct arena *a, struct strict_errors *strict,
                     struct jval *ret_value, bool *ret_found, struct err *err) {
    bool found;
    int rc = (r->json ? next_json : next_yaml)(r, a, strict, ret_value, &found, err);
    if (rc)
        r->rest = STR_NONE;
    else
        *ret_found = found;
    return rc;
}
