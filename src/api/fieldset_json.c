/* FieldsV1 text. See fieldset.h.
 *
 * The text is read in one pass by the lexer: it is almost always our own, so its keys come in order and
 * without escapes, and strings can stay where they are.
 */
#include "api/fieldset.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "codec/json_lex.h"

struct reader {
    struct json_lex lex;
    struct arena *arena;
    uint32_t depth;
};

enum el_result { EL_OK, EL_SELF, EL_UNKNOWN };

static int read_json(struct reader *r, struct str text, struct jval *ret) {
    static const struct json_limits limits = {.depth = FIELDSET_DEPTH_MAX};
    return json_parse(r->arena, text, &limits, NULL, ret, r->lex.err);
}

/* The element that a key of the text stands for; negative on errors. */
static int read_el(struct reader *r, struct str key, struct path_el *ret) {
    if (str_eq(key, S(".")))
        return EL_SELF;
    if (key.n < 2 || key.p[1] != ':')
        return EL_UNKNOWN;
    struct str rest = str_from_byte(key, 2);
    int rc = 0;
    switch (key.p[0]) {
    case 'f': *ret = path_field(rest); return EL_OK;
    case 'k':
        ret->kind = PATH_KEY;
        rc = read_json(r, rest, &ret->v);
        if (rc == 0 && ret->v.kind != J_OBJECT)
            rc = err_set(r->lex.err, ERR_INVALID, "\"%.*s\" is not made of key fields", STR_ARG(key));
        break;
    case 'v':
        ret->kind = PATH_VALUE;
        rc = read_json(r, rest, &ret->v);
        break;
    case 'i': {
        int64_t i;
        if (!str_to_i64(rest, &i))
            return err_set(r->lex.err, ERR_INVALID, "\"%.*s\" is no index", STR_ARG(key));
        *ret = (struct path_el){PATH_INDEX, jval_int(i)};
        break;
    }
    default: return EL_UNKNOWN;
    }
    if (rc < 0)
        (void)err_wrap(r->lex.err, "path element");
    return rc;
}

static int read_node(struct reader *r, struct fieldset *node);

static int read_kid(struct reader *r, struct fieldset *node, struct str key) {
    struct fieldset kid = {0};
    int what = read_el(r, key, &kid.el);
    if (what < 0)
        return what;
    if (what != EL_OK) {
        if (what == EL_SELF)
            node->member = true;
        return json_skip(&r->lex, FIELDSET_DEPTH_MAX, NULL);
    }
    int rc = read_node(r, &kid);
    if (rc < 0)
        return rc;
    *fieldset_push(r->arena, node, &kid.el) = kid;
    return 0;
}

static int kid_cmp(const void *a, const void *b) {
    return path_el_cmp(&((const struct fieldset *)a)->el, &((const struct fieldset *)b)->el);
}

/* Brings the children in order; the same element twice is united. */
static void sort_kids(struct reader *r, struct fieldset *node) {
    bool sorted = true;
    for (uint32_t i = 1; i < node->n && sorted; i++)
        sorted = path_el_cmp(&node->kids[i - 1].el, &node->kids[i].el) < 0;
    if (sorted)
        return;
    qsort(node->kids, node->n, sizeof *node->kids, kid_cmp);
    uint32_t n = 0;
    for (uint32_t i = 0; i < node->n; i++) {
        if (n && kid_cmp(&node->kids[n - 1], &node->kids[i]) == 0)
            node->kids[n - 1] = fieldset_union(r->arena, &node->kids[n - 1], &node->kids[i]);
        else
            node->kids[n++] = node->kids[i];
    }
    node->n = n;
}

/* Reads one object. A node that leads nowhere is a member. */
static int read_node(struct reader *r, struct fieldset *node) {
    if (json_peek(&r->lex) != '{')
        return json_fail(&r->lex, "an object");
    if (++r->depth > FIELDSET_DEPTH_MAX + 1)
        return json_fail_depth(&r->lex, FIELDSET_DEPTH_MAX + 1);
    r->lex.p++;
    for (bool first = true; json_peek(&r->lex) != '}'; first = false) {
        if (!first) {
            if (json_peek(&r->lex) != ',')
                return json_fail(&r->lex, "',' or '}'");
            r->lex.p++;
        }
        if (json_peek(&r->lex) != '"')
            return json_fail(&r->lex, "a string");
        r->lex.p++;
        struct json_span span;
        int rc = json_string(&r->lex, &span);
        if (rc < 0)
            return rc;
        if (json_peek(&r->lex) != ':')
            return json_fail(&r->lex, "':'");
        r->lex.p++;
        json_space(&r->lex);
        rc = read_kid(r, node, json_span_str(r->arena, span, false));
        if (rc < 0)
            return rc;
    }
    r->lex.p++;
    r->depth--;
    sort_kids(r, node);
    node->member |= node->n == 0;
    return 0;
}

int fieldset_read(struct arena *a, struct str text, struct fieldset *ret_set, struct err *err) {
    if (text.n > JSON_SIZE_MAX)
        return err_set(err, ERR_TOO_LARGE, "field set of %zu bytes", text.n);
    struct reader r = {.lex = json_lex_init(text, err), .arena = a};
    struct fieldset set = {0};
    int rc = read_node(&r, &set);
    if (rc == 0)
        rc = json_end(&r.lex);
    if (rc < 0) {
        (void)err_wrap(err, "field set");
        return rc;
    }
    set.member = false;
    *ret_set = set;
    return 0;
}

/* The key of an element, as a JSON string. `tmp` is room for its text. */
static void write_key(struct buf *out, struct buf *tmp, const struct path_el *el) {
    static const char prefix[] = {
        [PATH_FIELD] = 'f', [PATH_KEY] = 'k', [PATH_VALUE] = 'v', [PATH_INDEX] = 'i'};
    buf_clear(tmp);
    buf_byte(tmp, prefix[el->kind]);
    buf_byte(tmp, ':');
    if (el->kind == PATH_FIELD)
        buf_str(tmp, jval_as_str(&el->v));
    else
        json_write(tmp, &el->v);
    json_write_string(out, buf_view(tmp));
}

static void write_node(struct buf *out, struct buf *tmp, const struct fieldset *node) {
    buf_byte(out, '{');
    if (node->member && node->n)
        buf_lit(out, "\".\":{},");
    for (uint32_t i = 0; i < node->n; i++) {
        if (i)
            buf_byte(out, ',');
        write_key(out, tmp, &node->kids[i].el);
        buf_byte(out, ':');
        write_node(out, tmp, &node->kids[i]);
    }
    buf_byte(out, '}');
}

void fieldset_write(struct buf *out, const struct fieldset *set) {
    _cleanup_buf struct buf tmp = BUF_INIT;
    struct fieldset root = *set;
    root.member = false;
    write_node(out, &tmp, &root);
}
