/* Label selectors: compiling, matching, printing. See label_selector.h; the text form is read in
 * label_parse.c.
 *
 * Objects have few labels and selectors few requirements. Up to LINEAR_MAX entries a walk that compares
 * lengths first beats a binary search, which has to look at the bytes to know where to turn.
 */
#include "api/label_selector.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/field_error.h"
#include "api/intstr.h"
#include "api/name.h"
#include "api/types/meta.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define LINEAR_MAX 12

static struct str find_label(struct str_map labels, struct str key) {
    if (labels.n > LINEAR_MAX)
        return str_map_get(labels, key);
    for (uint32_t i = 0; i < labels.n; i++)
        if (str_eq(labels.v[i].key, key))
            return labels.v[i].value.p ? labels.v[i].value : S("");
    return STR_NONE;
}

static bool has_value(const struct str *values, uint32_t n, struct str value) {
    for (uint32_t i = 0; i < n; i++)
        if (str_eq(values[i], value))
            return true;
    return false;
}

static bool has_sorted_value(const struct label_requirement *r, struct str value) {
    if (r->n <= LINEAR_MAX)
        return has_value(r->values, r->n, value);
    return bsearch(&value, r->values, r->n, sizeof *r->values, str_cmp_qsort) != NULL;
}

bool label_requirement_matches(const struct label_requirement *r, struct str_map labels) {
    struct str value = find_label(labels, r->key);
    bool there = value.p != NULL;
    int64_t number;
    switch ((enum label_op)r->op) {
    case LABEL_EQUALS:
    case LABEL_DOUBLE_EQUALS:
    case LABEL_IN: return there && has_sorted_value(r, value);
    case LABEL_NOT_EQUALS:
    case LABEL_NOT_IN: return !there || !has_sorted_value(r, value);
    case LABEL_EXISTS: return there;
    case LABEL_NOT_EXISTS: return !there;
    case LABEL_GREATER: return there && int_parse(value, &number) && number > r->bound;
    case LABEL_LESS: return there && int_parse(value, &number) && number < r->bound;
    }
    return false;
}

bool label_selector_matches(const struct label_selector *s, struct str_map labels) {
    if (s->nothing)
        return false;
    for (uint32_t i = 0; i < s->n; i++)
        if (!label_requirement_matches(&s->v[i], labels))
            return false;
    return true;
}

bool label_map_matches(struct str_map selector, struct str_map labels) {
    if (selector.n > labels.n)
        return false;
    for (uint32_t i = 0; i < selector.n; i++) {
        struct str value = find_label(labels, selector.v[i].key);
        if (!value.p || !str_eq(value, selector.v[i].value))
            return false;
    }
    return true;
}

static bool find_op(struct str text, enum label_op *ret) {
    static const struct {
        struct str text;
        enum label_op op;
    } table[] = {
        {STR_INIT("In"), LABEL_IN},
        {STR_INIT("NotIn"), LABEL_NOT_IN},
        {STR_INIT("Exists"), LABEL_EXISTS},
        {STR_INIT("DoesNotExist"), LABEL_NOT_EXISTS},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (str_eq(text, table[i].text)) {
            *ret = table[i].op;
            return true;
        }
    }
    return false;
}

static bool struct_requirement_matches(const struct meta_label_selector_requirement *r,
                                       struct str_map labels) {
    enum label_op op;
    if (!find_op(r->operator, & op) || (op == LABEL_IN || op == LABEL_NOT_IN) != (r->values.n > 0))
        return false;
    struct str value = find_label(labels, r->key);
    bool there = value.p != NULL, in = there && has_value(r->values.v, r->values.n, value);
    switch (op) {
    case LABEL_IN: return in;
    case LABEL_NOT_IN: return !in;
    case LABEL_EXISTS: return there;
    default: return !there;
    }
}

bool label_selector_struct_matches(const struct meta_label_selector *s, struct str_map labels) {
    if (!s || !label_map_matches(s->match_labels, labels))
        return false;
    for (uint32_t i = 0; i < s->match_expressions.n; i++)
        if (!struct_requirement_matches(&s->match_expressions.v[i], labels))
            return false;
    return true;
}

/* "key: Invalid value: "a b": why; why": shaped like a field error. */
static int bad_text(struct err *err, const char *field, struct str text, const struct name_errors *errors) {
    _cleanup_buf struct buf message = BUF_INIT;
    buf_printf(&message, "%s: Invalid value: ", field);
    field_quote(&message, str_cut(text, 2 * (NAME_DNS_SUBDOMAIN_MAX + NAME_LABEL_MAX)));
    for (uint32_t i = 0; i < errors->n; i++)
        buf_printf(&message, "%s%.*s", i ? "; " : ": ", STR_ARG(errors->v[i]));
    return err_set(err, ERR_INVALID, "%s", buf_cstr(&message));
}

static int check_count(enum label_op op, uint32_t n, struct err *err) {
    switch (op) {
    case LABEL_IN:
    case LABEL_NOT_IN:
        if (n == 0)
            return err_set(err, ERR_INVALID,
                           "values: Invalid value: []: for 'in', 'notin' operators, values set can't be "
                           "empty");
        return 0;
    case LABEL_EXISTS:
    case LABEL_NOT_EXISTS:
        if (n != 0)
            return err_set(err, ERR_INVALID,
                           "values: Invalid value: values set must be empty for exists and does not exist");
        return 0;
    case LABEL_GREATER:
    case LABEL_LESS:
        if (n != 1)
            return err_set(err, ERR_INVALID,
                           "values: Invalid value: for 'Gt', 'Lt' operators, exactly one value is required");
        return 0;
    default:
        if (n != 1)
            return err_set(err, ERR_INVALID, "values: Invalid value: an exact match takes one value");
        return 0;
    }
}

static int check_values(struct str key, const struct str *values, uint32_t n, struct err *err) {
    for (uint32_t i = 0; i < n; i++) {
        struct name_errors errors = NAME_ERRORS_INIT;
        if (name_check_label_value(values[i], &errors)) {
            char field[NAME_DNS_SUBDOMAIN_MAX + NAME_LABEL_MAX + 32];
            snprintf(field, sizeof field, "values[%u][%.*s]", i, STR_ARG(key));
            return bad_text(err, field, values[i], &errors);
        }
    }
    return 0;
}

/* A sorted copy, each value once. */
static const struct str *sort_values(struct arena *a, const struct str *values, uint32_t *n) {
    if (*n < 2)
        return values;
    struct str *v = arena_new_n(a, *n, struct str);
    memcpy(v, values, *n * sizeof *v);
    qsort(v, *n, sizeof *v, str_cmp_qsort);
    uint32_t kept = 1;
    for (uint32_t i = 1; i < *n; i++)
        if (!str_eq(v[i], v[kept - 1]))
            v[kept++] = v[i];
    *n = kept;
    return v;
}

int label_requirement_make(struct arena *a, struct str key, enum label_op op, const struct str *values,
                           uint32_t n, struct label_requirement *ret, struct err *err) {
    struct name_errors errors = NAME_ERRORS_INIT;
    struct label_requirement r = {.key = key, .op = (uint8_t)op, .n = n};
    if (name_check_qualified(key, &errors))
        return bad_text(err, "key", key, &errors);
    int rc = check_count(op, n, err);
    if (!rc && (op == LABEL_GREATER || op == LABEL_LESS) && !int_parse(values[0], &r.bound))
        rc = err_set(err, ERR_INVALID,
                     "values[0]: Invalid value: for 'Gt', 'Lt' operators, the value must be an integer");
    if (!rc)
        rc = check_values(key, values, n, err);
    if (rc)
        return rc;
    r.values = sort_values(a, values, &r.n);
    *ret = r;
    return 0;
}

/* Any fixed order of what has the same key makes the canonical text the same for the same selector. */
static int cmp_requirements(const void *x, const void *y) {
    const struct label_requirement *a = x, *b = y;
    int c = str_cmp(a->key, b->key);
    if (c == 0)
        c = a->op - b->op;
    for (uint32_t i = 0; c == 0 && i < a->n && i < b->n; i++)
        c = str_cmp(a->values[i], b->values[i]);
    return c ? c : (a->n > b->n) - (a->n < b->n);
}

struct label_selector label_selector_of(struct label_requirement *requirements, uint32_t n) {
    if (n > 1)
        qsort(requirements, n, sizeof *requirements, cmp_requirements);
    return (struct label_selector){.v = requirements, .n = n};
}

int label_selector_compile(struct arena *a, const struct meta_label_selector *from,
                           struct label_selector *ret, struct err *err) {
    if (!from) {
        *ret = LABEL_NOTHING;
        return 0;
    }
    uint32_t n = 0;
    struct label_requirement *v =
        arena_new_n(a, (size_t)from->match_labels.n + from->match_expressions.n, struct label_requirement);
    for (uint32_t i = 0; i < from->match_labels.n; i++) {
        const struct str_entry *e = &from->match_labels.v[i];
        int rc = label_requirement_make(a, e->key, LABEL_EQUALS, &e->value, 1, &v[n++], err);
        if (rc)
            return rc;
    }
    for (uint32_t i = 0; i < from->match_expressions.n; i++) {
        const struct meta_label_selector_requirement *e = &from->match_expressions.v[i];
        enum label_op op;
        if (!find_op(e->operator, & op))
            return err_set(err, ERR_INVALID, "\"%.*s\" is not a valid label selector operator",
                           STR_ARG(str_cut(e->operator, 64)));
        int rc = label_requirement_make(a, e->key, op, e->values.v, e->values.n, &v[n++], err);
        if (rc)
            return rc;
    }
    *ret = label_selector_of(v, n);
    return 0;
}

struct label_selector label_selector_of_map(struct arena *a, struct str_map labels) {
    struct label_requirement *v = arena_new_n(a, labels.n, struct label_requirement);
    for (uint32_t i = 0; i < labels.n; i++)
        v[i] = (struct label_requirement){
            .key = labels.v[i].key, .op = LABEL_EQUALS, .values = &labels.v[i].value, .n = 1};
    return (struct label_selector){.v = v, .n = labels.n};
}

bool label_selector_requires(const struct label_selector *s, struct str key, struct str *ret_value) {
    for (uint32_t i = 0; i < s->n; i++) {
        const struct label_requirement *r = &s->v[i];
        bool exact = r->op == LABEL_EQUALS || r->op == LABEL_DOUBLE_EQUALS || r->op == LABEL_IN;
        if (exact && r->n == 1 && str_eq(r->key, key)) {
            *ret_value = r->values[0];
            return true;
        }
    }
    return false;
}

static void write_values(struct buf *out, const struct label_requirement *r) {
    for (uint32_t i = 0; i < r->n; i++) {
        if (i)
            buf_byte(out, ',');
        buf_str(out, r->values[i]);
    }
}

static void write_requirement(struct buf *out, const struct label_requirement *r) {
    static const char *const between[] = {
        [LABEL_EQUALS] = "=",    [LABEL_DOUBLE_EQUALS] = "==", [LABEL_NOT_EQUALS] = "!=",
        [LABEL_IN] = " in (",    [LABEL_NOT_IN] = " notin (",  [LABEL_EXISTS] = "",
        [LABEL_NOT_EXISTS] = "", [LABEL_GREATER] = ">",        [LABEL_LESS] = "<",
    };
    if (r->op == LABEL_NOT_EXISTS)
        buf_byte(out, '!');
    buf_str(out, r->key);
    buf_put(out, between[r->op], strlen(between[r->op]));
    write_values(out, r);
    if (r->op == LABEL_IN || r->op == LABEL_NOT_IN)
        buf_byte(out, ')');
}

void label_selector_write(struct buf *out, const struct label_selector *s) {
    for (uint32_t i = 0; i < s->n && !s->nothing; i++) {
        if (i)
            buf_byte(out, ',');
        write_requirement(out, &s->v[i]);
    }
}

void label_selector_show(struct buf *out, const struct meta_label_selector *s) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct label_selector compiled;
    if (label_selector_compile(&a, s, &compiled, NULL))
        buf_lit(out, "<error>");
    else if (compiled.n == 0)
        buf_lit(out, "<none>");
    else
        label_selector_write(out, &compiled);
}
