/* The frame of validation tests. See valid.h. */
#include "valid.h"

#include "api/json.h"
#include "base/arena.h"
#include "base/buf.h"

/* ---- JSON with edits ---- */

static struct str double_quotes(struct arena *a, struct str s) {
    char *p = arena_bytes(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        p[i] = (char)(s.p[i] == '\'' ? '"' : s.p[i]);
    return str_make(p, s.n);
}

static struct jval parse(struct arena *a, struct str text) {
    struct jval v = jval_null();
    struct err err = ERR_INIT;
    int rc = json_parse(a, double_quotes(a, text), NULL, NULL, &v, &err);
    if (rc != 0)
        fail_msg("%.*s: %s", STR_ARG(text), err.msg);
    return v;
}

/* Cuts the first step off a path: a name, an index or a bracketed key. */
static struct str next_step(struct str *path, bool *ret_bracket) {
    struct str step, p = *path;
    *ret_bracket = str_has_prefix(p, S("["));
    if (*ret_bracket) {
        ptrdiff_t end = str_find_byte(p, ']');
        assert_true(end > 0);
        step = str_make(p.p + 1, (size_t)end - 1);
        p = str_from_byte(p, (size_t)end + 1);
    } else {
        size_t n = 0;
        while (n < p.n && p.p[n] != '.' && p.p[n] != '[')
            n++;
        step = str_cut(p, n);
        p = str_from_byte(p, n);
    }
    *path = str_has_prefix(p, S(".")) ? str_from_byte(p, 1) : p;
    return step;
}

static struct jval edited(struct arena *a, const struct jval *v, struct str path, const struct jval *value);

static struct jval edited_item(struct arena *a, const struct jval *v, uint64_t index, struct str rest,
                               const struct jval *value) {
    assert_true(v && v->kind == J_ARRAY && index <= v->n);
    uint32_t n = v->n + (index == v->n);
    struct jval *items = arena_new_n(a, n, struct jval);
    if (v->n)
        memcpy(items, v->items, v->n * sizeof *items);
    if (!value && str_empty(rest)) {
        memmove(&items[index], &items[index + 1], (n - index - 1) * sizeof *items);
        return jval_array(items, n - 1);
    }
    items[index] = edited(a, index < v->n ? &v->items[index] : NULL, rest, value);
    return jval_array(items, n);
}

/* v with the value at the path; value NULL leaves it out. */
static struct jval edited(struct arena *a, const struct jval *v, struct str path, const struct jval *value) {
    if (str_empty(path))
        return *value;
    bool bracket;
    uint64_t index;
    struct str step = next_step(&path, &bracket);
    if (bracket && str_to_u64(step, &index) && v && v->kind == J_ARRAY)
        return edited_item(a, v, index, path, value);
    if (bracket && str_eq(step, S("0")) && (!v || v->kind == J_NULL)) {
        struct jval empty = jval_array(NULL, 0);
        return edited_item(a, &empty, 0, path, value);
    }
    struct jval none = jval_object(NULL, 0);
    if (!v || v->kind == J_NULL)
        v = &none;
    if (!value && str_empty(path))
        return jval_without(a, v, step);
    return jval_with(a, v, arena_str(a, step), edited(a, jval_get(v, step), path, value));
}

static struct jval with_edits(struct arena *a, struct jval v, const char *edits) {
    struct str rest = str_from(edits);
    while (!str_empty(rest)) {
        struct str edit = rest;
        ptrdiff_t end = str_find(rest, S(" ;; "));
        rest = end < 0 ? STR_NONE : str_from_byte(rest, (size_t)end + 4);
        if (end >= 0)
            edit = str_cut(edit, (size_t)end);
        ptrdiff_t equals = str_find(edit, S(" = "));
        if (equals < 0) {
            v = parse(a, edit);
            continue;
        }
        struct str path = str_cut(edit, (size_t)equals), text = str_from_byte(edit, (size_t)equals + 3);
        if (str_eq(text, S("-"))) {
            v = edited(a, &v, path, NULL);
        } else {
            struct jval value = parse(a, text);
            v = edited(a, &v, path, &value);
        }
    }
    return v;
}

static void *read_tree(struct arena *a, uint32_t type, const struct jval *tree) {
    struct buf *text = arena_new(a, struct buf);
    json_write(text, tree);
    struct str copy = buf_to_arena(text, a);
    buf_fini(text);
    struct strict_errors strict = {.arena = a};
    struct json_read_options options = {.strict = &strict};
    void *object = NULL;
    struct err err = ERR_INIT;
    if (api_read_json(a, &builtin, type, copy, &options, &object, &err) != 0)
        fail_msg("%.*s: %s", STR_ARG(copy), err.msg);
    if (strict.n)
        fail_msg("%.*s", STR_ARG(strict.v[0]));
    return object;
}

void *valid_read(struct arena *a, uint32_t type, const char *json) {
    struct jval tree = parse(a, str_from(json));
    return read_tree(a, type, &tree);
}

/* ---- errors ---- */

static bool line_matches(struct str expected, struct str actual) {
    if (str_has_suffix(expected, S("*")))
        return str_has_prefix(actual, str_cut(expected, expected.n - 1));
    return str_eq(expected, actual);
}

static struct str error_lines(struct buf *out, const struct field_errors *errors) {
    for (uint32_t i = 0; i < errors->n; i++) {
        field_error_text(out, &errors->v[i]);
        buf_byte(out, '\n');
    }
    return buf_view(out);
}

void assert_errors(const struct field_errors *errors, const char *expected, const char *file, int line) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct str actual = error_lines(&b, errors), rest = actual, want = str_from(expected),
               previous = STR_NONE;
    bool same = true;
    while (same && !str_empty(want)) {
        struct str w, a;
        str_split(want, '\n', &w, &want);
        do {
            same = !str_empty(rest);
            str_split(rest, '\n', &a, &rest);
        } while (same && previous.p && str_eq(a, previous));
        previous = a;
        same = same && line_matches(w, a);
    }
    while (same && !str_empty(rest)) {
        struct str a;
        str_split(rest, '\n', &a, &rest);
        same = previous.p && str_eq(a, previous);
    }
    if (!same) {
        print_error("%s:%d: expected\n%s\nbut there was\n%.*s\n", file, line, expected, STR_ARG(actual));
        _fail(file, line);
    }
}

/* ---- cases ---- */

static void add_stored_meta(struct arena *a, struct jval *tree) {
    struct jval version = jval_str(S("7"));
    *tree = edited(a, tree, S("metadata.resourceVersion"), &version);
}

void assert_valid(const struct valid_case *c, const char *expected, const char *file, int line) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct arena scratch = ARENA_INIT;
    const struct kind *kind = &kinds[c->kind_index];
    struct jval tree = parse(&a, str_from(c->base_json));
    const void *old = NULL;
    if (c->old_edits_text) {
        add_stored_meta(&a, &tree);
        tree = with_edits(&a, tree, c->old_edits_text);
        old = read_tree(&a, kind->hub->type, &tree);
    }
    tree = with_edits(&a, tree, c->edits_text);
    const void *object = read_tree(&a, kind->hub->type, &tree);

    struct field_errors errors = FIELD_ERRORS_INIT(&scratch);
    if (!old)
        validate_create(&c->options, kind, object, &errors);
    else if (c->subresource)
        validate_subresource_update(&c->options, kind, str_from(c->subresource), object, old, &errors);
    else
        validate_update(&c->options, kind, object, old, &errors);
    assert_errors(&errors, expected, file, line);
    /* Checking a valid object allocates nothing. */
    if (errors.n == 0)
        assert_int_equal(arena_total_bytes(&scratch), 0);
    arena_fini(&scratch);
}
