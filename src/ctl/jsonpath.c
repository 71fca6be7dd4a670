/* Evaluating templates. See jsonpath.h. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "codec/json.h"
#include "ctl/jsonpath_priv.h"
#include "ctl/table_print.h"

#define JP_VALUES_MAX (4u << 20)
#define JP_RANGE_DEPTH_MAX 32

struct eval {
    struct arena *a;
    bool missing_ok;
    struct err *err;
    size_t work;
};

static int eval_path(struct eval *e, const struct jp_list *path, const struct jval *from,
                     struct jsonpath_values *ret);

static int put(struct eval *e, struct jsonpath_values *to, const struct jval *v) {
    if (e->work++ > JP_VALUES_MAX)
        return err_set(e->err, ERR_TOO_LARGE, "too many values");
    vec_push_in(e->a, to, v);
    return 0;
}

static int eval_field(struct eval *e, const struct jp_node *n, const struct jval *from,
                      struct jsonpath_values *to) {
    const struct jval *v = jval_get(from, n->name);
    if (v)
        return put(e, to, v);
    if (e->missing_ok)
        return 0;
    return err_set(e->err, ERR_NOT_FOUND, "%.*s is not found", STR_ARG(n->name));
}

static int eval_every(struct eval *e, const struct jval *from, struct jsonpath_values *to) {
    int rc = 0;
    if (from->kind == J_ARRAY)
        for (uint32_t i = 0; i < from->n && rc == 0; i++)
            rc = put(e, to, &from->items[i]);
    if (from->kind == J_OBJECT)
        for (uint32_t i = 0; i < from->n && rc == 0; i++)
            rc = put(e, to, &from->members[i].value);
    return rc;
}

static int eval_slice(struct eval *e, const struct jp_node *n, const struct jval *from,
                      struct jsonpath_values *to) {
    int64_t len = from->n, start = n->part[0], end = n->single ? start + 1 : n->has_end ? n->part[1] : len;
    if (from->kind != J_ARRAY) {
        if (from->kind == J_NULL)
            return 0;
        return err_set(e->err, ERR_INVALID, "the value is not array or slice");
    }
    if (start < 0)
        start += len;
    if (n->single)
        end = start + 1;
    else if (end < 0)
        end += len;
    if (start < 0 || (n->single && start >= len))
        return err_set(e->err, ERR_INVALID, "array index out of bounds: index %lld, length %lld",
                       (long long)start, (long long)len);
    int rc = 0;
    for (int64_t i = start; i < end && i < len && rc == 0; i += n->part[2] > 0 ? n->part[2] : 1)
        rc = put(e, to, &from->items[i]);
    return rc;
}

/* The value and everything in it. */
static int eval_recursive(struct eval *e, const struct jval *from, struct jsonpath_values *to) {
    int rc = from->kind == J_OBJECT || from->kind == J_ARRAY ? put(e, to, from) : 0;
    if (from->kind == J_OBJECT)
        for (uint32_t i = 0; i < from->n && rc == 0; i++)
            rc = eval_recursive(e, &from->members[i].value, to);
    if (from->kind == J_ARRAY)
        for (uint32_t i = 0; i < from->n && rc == 0; i++)
            rc = eval_recursive(e, &from->items[i], to);
    return rc;
}

/* -- filters -- */

static bool compare(const struct jval *a, const struct jval *b, struct str op) {
    int c = 0;
    bool comparable = true;
    if ((a->kind == J_INT || a->kind == J_DOUBLE) && (b->kind == J_INT || b->kind == J_DOUBLE)) {
        double x = a->kind == J_INT ? (double)a->i : a->d, y = b->kind == J_INT ? (double)b->i : b->d;
        c = (x > y) - (x < y);
    } else if (a->kind == J_STRING && b->kind == J_STRING) {
        c = str_cmp(jval_as_str(a), jval_as_str(b));
    } else {
        comparable = false;
    }
    if (str_eq(op, S("==")))
        return comparable ? c == 0 : jval_equal(a, b);
    if (str_eq(op, S("!=")))
        return comparable ? c != 0 : !jval_equal(a, b);
    if (!comparable)
        return false;
    return (op.p[0] == '<' && c < 0) || (op.p[0] == '>' && c > 0) || (op.n == 2 && c == 0);
}

static int filter_one(struct eval *e, const struct jp_node *n, const struct jval *item, bool *ret_fits) {
    struct jsonpath_values left = {0}, right = {0};
    bool missing_ok = e->missing_ok;
    e->missing_ok = true; /* what is not there does not fit */
    int rc = eval_path(e, &n->parts[0], item, &left);
    if (rc == 0 && !str_eq(n->op, S("exists")))
        rc = eval_path(e, &n->parts[1], item, &right);
    e->missing_ok = missing_ok;
    if (rc)
        return rc;
    if (str_eq(n->op, S("exists")))
        return *ret_fits = left.n > 0, 0;
    if (left.n > 1 || right.n > 1)
        return err_set(e->err, ERR_INVALID, "can only compare one element at a time");
    *ret_fits = left.n && right.n && compare(left.v[0], right.v[0], n->op);
    return 0;
}

static int eval_filter(struct eval *e, const struct jp_node *n, const struct jval *from,
                       struct jsonpath_values *to) {
    struct jsonpath_values items = {0};
    int rc = eval_every(e, from, &items);
    for (size_t i = 0; i < items.n && rc == 0; i++) {
        bool fits = false;
        rc = filter_one(e, n, items.v[i], &fits);
        if (rc == 0 && fits)
            rc = put(e, to, items.v[i]);
    }
    return rc;
}

/* -- paths -- */

static int eval_node(struct eval *e, const struct jp_node *n, const struct jval *from,
                     struct jsonpath_values *to) {
    switch (n->kind) {
    case JP_FIELD: return eval_field(e, n, from, to);
    case JP_EVERY: return eval_every(e, from, to);
    case JP_SLICE: return eval_slice(e, n, from, to);
    case JP_RECURSIVE: return eval_recursive(e, from, to);
    case JP_FILTER: return eval_filter(e, n, from, to);
    case JP_LITERAL: return put(e, to, &n->value);
    default: return 0; /* unions are of all values at once */
    }
}

/* CONFORMS: the first part of all values, then the second of all */
static int eval_union(struct eval *e, const struct jp_node *n, const struct jsonpath_values *from,
                      struct jsonpath_values *to) {
    int rc = 0;
    for (size_t i = 0; i < n->n_parts && rc == 0; i++)
        for (size_t k = 0; k < from->n && rc == 0; k++)
            rc = eval_path(e, &n->parts[i], from->v[k], to);
    return rc;
}

static int eval_path(struct eval *e, const struct jp_list *path, const struct jval *from,
                     struct jsonpath_values *ret) {
    struct jsonpath_values now = {0};
    bool missing_ok = e->missing_ok;
    int rc = put(e, &now, from);
    for (size_t i = 0; i < path->n && rc == 0; i++) {
        struct jsonpath_values next = {0};
        e->missing_ok = missing_ok || (i && path->v[i - 1].kind == JP_RECURSIVE);
        if (path->v[i].kind == JP_UNION)
            rc = eval_union(e, &path->v[i], &now, &next);
        for (size_t k = 0; path->v[i].kind != JP_UNION && k < now.n && rc == 0; k++)
            rc = eval_node(e, &path->v[i], now.v[k], &next);
        now = next;
    }
    e->missing_ok = missing_ok;
    for (size_t k = 0; k < now.n && rc == 0; k++)
        rc = put(e, ret, now.v[k]);
    return rc;
}

/* -- templates -- */

static void write_value(struct buf *out, const struct jval *v) {
    if (v->kind == J_ARRAY || v->kind == J_OBJECT || v->kind == J_NULL)
        json_write(out, v);
    else
        go_value(out, v);
}

static void write_values(struct buf *out, const struct jsonpath_values *values, bool json) {
    _cleanup_arena struct arena a = ARENA_INIT;
    if (json) {
        struct jval *items = arena_new_n(&a, values->n + 1, struct jval);
        for (size_t i = 0; i < values->n; i++)
            items[i] = *values->v[i];
        struct jval list = jval_array(items, values->n);
        json_write_indented(out, &list, "    ");
        buf_byte(out, '\n');
        return;
    }
    for (size_t i = 0; i < values->n; i++) {
        if (i)
            buf_byte(out, ' ');
        write_value(out, values->v[i]);
    }
}

struct output {
    struct buf *out;               /* texts go here, */
    bool json;                     /* each path as JSON, */
    struct jsonpath_values *found; /* or values are collected */
};

static size_t end_of_range(const struct jsonpath *j, size_t at) {
    size_t depth = 0;
    for (; at < j->n; at++) {
        if (j->v[at].kind == JP_RANGE)
            depth++;
        else if (j->v[at].kind == JP_END && depth-- == 0)
            break;
    }
    return at;
}

static int run(struct eval *e, const struct jsonpath *j, size_t from, size_t to, const struct jval *root,
               const struct output *o, unsigned depth) {
    int rc = 0;
    if (depth > JP_RANGE_DEPTH_MAX)
        return err_set(e->err, ERR_TOO_LARGE, "ranges are nested too deep");
    for (size_t i = from; i < to && rc == 0; i++) {
        const struct jp_action *x = &j->v[i];
        struct jsonpath_values values = {0};
        if (x->kind == JP_END)
            return err_set(e->err, ERR_INVALID, "not in range, nothing to end");
        if (x->kind == JP_TEXT) {
            if (o->out && !o->json)
                buf_str(o->out, x->text);
            continue;
        }
        rc = eval_path(e, &x->path, root, &values);
        if (rc)
            return rc;
        if (x->kind == JP_RANGE) {
            size_t end = end_of_range(j, i + 1);
            for (size_t k = 0; k < values.n && rc == 0; k++)
                rc = run(e, j, i + 1, end, values.v[k], o, depth + 1);
            i = end;
            continue;
        }
        if (o->out)
            write_values(o->out, &values, o->json);
        for (size_t k = 0; o->found && k < values.n && rc == 0; k++)
            rc = put(e, o->found, values.v[k]);
    }
    return rc;
}

int jsonpath_find(const struct jsonpath *j, const struct jval *root, bool missing_ok, struct arena *a,
                  struct jsonpath_values *ret, struct err *err) {
    struct eval e = {a, missing_ok, err, 0};
    return run(&e, j, 0, j->n, root, &(struct output){.found = ret}, 0);
}

static int print(const struct jsonpath *j, const struct jval *root, bool missing_ok, bool json,
                 struct buf *out, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct eval e = {&a, missing_ok, err, 0};
    return run(&e, j, 0, j->n, root, &(struct output){.out = out, .json = json}, 0);
}

int jsonpath_print(const struct jsonpath *j, const struct jval *root, bool missing_ok, struct buf *out,
                   struct err *err) {
    return print(j, root, missing_ok, false, out, err);
}

int jsonpath_print_json(const struct jsonpath *j, const struct jval *root, bool missing_ok, struct buf *out,
                        struct err *err) {
    return print(j, root, missing_ok, true, out, err);
}
