/* Reading and changing JSON trees of objects. See object.h. */
#include "ctl/object.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "codec/json.h"

struct str object_str(const struct jval *o, const char *dotted) {
    const struct jval *v = jval_path(o, dotted);
    return v && v->kind == J_STRING ? jval_as_str(v) : S("");
}

int64_t object_int(const struct jval *o, const char *dotted, int64_t otherwise) {
    const struct jval *v = jval_path(o, dotted);
    return v && v->kind == J_INT ? v->i : otherwise;
}

bool object_bool(const struct jval *o, const char *dotted) {
    const struct jval *v = jval_path(o, dotted);
    return v && v->kind == J_BOOL && v->b;
}

const struct jval *object_array(const struct jval *o, const char *dotted) {
    const struct jval *v = jval_path(o, dotted);
    return v && v->kind == J_ARRAY ? v : NULL;
}

static struct str of_map(const struct jval *o, const char *path, struct str key) {
    const struct jval *v = jval_get(jval_path(o, path), key);
    return v && v->kind == J_STRING ? jval_as_str(v) : STR_NONE;
}

struct str object_annotation(const struct jval *o, struct str key) {
    return of_map(o, "metadata.annotations", key);
}

struct str object_label(const struct jval *o, struct str key) {
    return of_map(o, "metadata.labels", key);
}

#define OBJECT_STEPS_MAX 32

static size_t split_path(const char *dotted, struct str keys[OBJECT_STEPS_MAX]) {
    struct str rest = str_from(dotted);
    size_t n = 0;
    for (bool more = true; more;) {
        check(n < OBJECT_STEPS_MAX);
        more = str_split(rest, '.', &keys[n], &rest);
        n++;
    }
    return n;
}

struct jval object_with_keys(struct arena *a, const struct jval *o, const struct str *keys, size_t n,
                             struct jval value) {
    static const struct jval empty = {.kind = J_OBJECT};
    if (n == 0)
        return value;
    if (!o || o->kind != J_OBJECT)
        o = &empty;
    return jval_with(a, o, keys[0], object_with_keys(a, jval_get(o, keys[0]), keys + 1, n - 1, value));
}

struct jval object_without_keys(struct arena *a, const struct jval *o, const struct str *keys, size_t n) {
    const struct jval *member = jval_get(o, keys[0]);
    if (!member)
        return *o;
    if (n == 1)
        return jval_without(a, o, keys[0]);
    if (member->kind != J_OBJECT)
        return *o;
    return jval_with(a, o, keys[0], object_without_keys(a, member, keys + 1, n - 1));
}

struct jval object_with(struct arena *a, const struct jval *o, const char *dotted, struct jval value) {
    struct str keys[OBJECT_STEPS_MAX];
    size_t n = split_path(dotted, keys);
    return object_with_keys(a, o, keys, n, value);
}

struct jval object_without(struct arena *a, const struct jval *o, const char *dotted) {
    struct str keys[OBJECT_STEPS_MAX];
    size_t n = split_path(dotted, keys);
    return object_without_keys(a, o, keys, n);
}

struct jval object_with_annotation(struct arena *a, const struct jval *o, struct str key, struct str value) {
    struct str keys[] = {S("metadata"), S("annotations"), key};
    return object_with_keys(a, o, keys, 3, jval_str(value));
}

void jlist_add(struct arena *a, struct jlist *l, struct jval v) {
    vec_push_in(a, l, v);
}

struct str object_json(struct arena *a, const struct jval *o) {
    _cleanup_buf struct buf out = BUF_INIT;
    json_write(&out, o);
    return buf_to_arena(&out, a);
}

/* -- selectors -- */

struct requirement {
    struct str key, text;
};

static struct str expression_text(struct arena *a, const struct jval *e) {
    struct str key = object_str(e, "key"), op = object_str(e, "operator");
    const struct jval *values = object_array(e, "values");
    _cleanup_buf struct buf b = BUF_INIT;
    if (str_eq(op, S("Exists")))
        return key;
    if (str_eq(op, S("DoesNotExist")))
        return arena_printf(a, "!%.*s", STR_ARG(key));
    buf_printf(&b, "%.*s %s (", STR_ARG(key), str_eq(op, S("NotIn")) ? "notin" : "in");
    for (uint32_t i = 0; values && i < values->n; i++)
        if (values->items[i].kind == J_STRING)
            buf_printf(&b, "%s%.*s", i ? "," : "", STR_ARG(jval_as_str(&values->items[i])));
    buf_byte(&b, ')');
    return buf_to_arena(&b, a);
}

static int by_key(const void *a, const void *b) {
    const struct requirement *x = a, *y = b;
    return str_cmp(x->key, y->key);
}

struct str selector_text(struct arena *a, const struct jval *selector) {
    const struct jval *labels = jval_get(selector, S("matchLabels")),
                      *expressions = object_array(selector, "matchExpressions");
    _cleanup_buf struct buf b = BUF_INIT;
    VEC(struct requirement) all = {0};
    for (uint32_t i = 0; labels && labels->kind == J_OBJECT && i < labels->n; i++) {
        const struct jmember *m = &labels->members[i];
        struct str value = m->value.kind == J_STRING ? jval_as_str(&m->value) : S("");
        struct requirement r = {m->key, arena_printf(a, "%.*s=%.*s", STR_ARG(m->key), STR_ARG(value))};
        vec_push_in(a, &all, r);
    }
    for (uint32_t i = 0; expressions && i < expressions->n; i++) {
        const struct jval *e = &expressions->items[i];
        struct requirement r = {object_str(e, "key"), expression_text(a, e)};
        vec_push_in(a, &all, r);
    }
    if (all.n)
        qsort(all.v, all.n, sizeof *all.v, by_key);
    vec_foreach (r, &all)
        buf_printf(&b, "%s%.*s", b.n ? "," : "", STR_ARG(r->text));
    return buf_to_arena(&b, a);
}
