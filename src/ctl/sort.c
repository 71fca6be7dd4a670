/* Objects in the order of a field. See sort.h. */
#include "ctl/sort.h"

#include <stdlib.h>

#include "api/quantity.h"
#include "ctl/jsonpath.h"
#include "ctl/object.h"
#include "ctl/table_print.h"

struct entry {
    const struct jval *key; /* NULL: the object has no such field */
    size_t place;           /* before sorting */
};

static bool is_digit(char ch) {
    return ch >= '0' && ch <= '9';
}

/* Numbers in texts count as numbers: a2 before a10. */
static int natural_cmp(struct str a, struct str b) {
    size_t i = 0, k = 0;
    while (i < a.n && k < b.n) {
        if (!is_digit(a.p[i]) || !is_digit(b.p[k])) {
            if (a.p[i] != b.p[k])
                return (unsigned char)a.p[i] < (unsigned char)b.p[k] ? -1 : 1;
            i++, k++;
            continue;
        }
        size_t zi = i, zk = k;
        while (zi < a.n && a.p[zi] == '0')
            zi++;
        while (zk < b.n && b.p[zk] == '0')
            zk++;
        size_t ei = zi, ek = zk;
        while (ei < a.n && is_digit(a.p[ei]))
            ei++;
        while (ek < b.n && is_digit(b.p[ek]))
            ek++;
        if (ei - zi != ek - zk)
            return ei - zi < ek - zk ? -1 : 1;
        int by_digits = str_cmp(str_make(a.p + zi, ei - zi), str_make(b.p + zk, ek - zk));
        if (by_digits)
            return by_digits;
        if (ei - i != ek - k)
            return ei - i < ek - k ? -1 : 1;
        i = ei, k = ek;
    }
    return (a.n - i > 0) - (b.n - k > 0);
}

static int text_cmp(struct str a, struct str b) {
    struct quantity x, y;
    if (quantity_parse(a, &x, NULL) == 0 && quantity_parse(b, &y, NULL) == 0)
        return quantity_cmp(&x, &y);
    return natural_cmp(a, b);
}

static double number_of(const struct jval *v) {
    return v->kind == J_INT ? (double)v->i : v->d;
}

static bool is_number(const struct jval *v) {
    return v->kind == J_INT || v->kind == J_DOUBLE;
}

static int value_cmp(const struct jval *a, const struct jval *b) {
    if (!a || !b)
        return (a != NULL) - (b != NULL); /* what is missing comes first */
    if (is_number(a) && is_number(b)) {
        double x = number_of(a), y = number_of(b);
        return (x > y) - (x < y);
    }
    if (a->kind == J_STRING && b->kind == J_STRING)
        return text_cmp(jval_as_str(a), jval_as_str(b));
    if (a->kind == J_BOOL && b->kind == J_BOOL)
        return a->b - b->b;
    return 0;
}

static int entry_cmp(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    int c = value_cmp(x->key, y->key);
    return c ? c : (x->place > y->place) - (x->place < y->place);
}

/* The template of --sort-by. */
static int read_path(struct ctl *c, struct str by, struct jsonpath **ret, struct problem *p) {
    struct err err = ERR_INIT;
    struct str template;
    if (jsonpath_relaxed(&c->arena, by, &template, &err) || jsonpath_parse(&c->arena, template, ret, &err))
        return problem_of_err(c, p, &err);
    return 0;
}

static const struct jval *key_of(struct ctl *c, const struct jval *o, const struct jsonpath *path) {
    struct jsonpath_values found = {0};
    if (!o || jsonpath_find(path, o, true, &c->arena, &found, NULL) || !found.n)
        return NULL;
    return found.v[0];
}

static struct entry *order(struct ctl *c, size_t n,
                           const struct jval *(*object_at)(const void *from, size_t i), const void *from,
                           struct str by, struct problem *p) {
    struct entry *e = arena_new_n(&c->arena, n + 1, struct entry);
    struct jsonpath *path;
    if (read_path(c, by, &path, p))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        e[i] = (struct entry){key_of(c, object_at(from, i), path), i};
        if (e[i].key && (e[i].key->kind == J_OBJECT || e[i].key->kind == J_ARRAY)) {
            (void)problem_set(c, p, "%.*s is not a field that can be sorted by", STR_ARG(by));
            return NULL;
        }
    }
    qsort(e, n, sizeof *e, entry_cmp);
    return e;
}

static const struct jval *row_object(const void *from, size_t i) {
    return jval_get(&((const struct jval *)from)->items[i], S("object"));
}

static const struct jval *list_item(const void *from, size_t i) {
    return &((const struct jval *)from)->items[i];
}

int sort_table(struct ctl *c, struct jval *table, struct str by, struct problem *p) {
    bool is_table = table_is(table);
    struct str name = is_table ? S("rows") : S("items");
    const struct jval *rows = jval_get(table, name);
    struct jlist sorted = {0};
    if (!rows || rows->kind != J_ARRAY)
        return 0;
    const struct entry *e = order(c, rows->n, is_table ? row_object : list_item, rows, by, p);
    if (!e)
        return CTL_PROBLEM;
    for (size_t i = 0; i < rows->n; i++)
        jlist_add(&c->arena, &sorted, rows->items[e[i].place]);
    *table = jval_with(&c->arena, table, name, jlist_done(&sorted));
    return 0;
}

static const struct jval *target_object(const void *from, size_t i) {
    return &((const struct targets *)from)->v[i].object;
}

int sort_targets(struct ctl *c, struct targets *t, struct str by, struct problem *p) {
    const struct entry *e = order(c, t->n, target_object, t, by, p);
    if (!e)
        return CTL_PROBLEM;
    struct target *sorted = arena_new_n(&c->arena, t->n + 1, struct target);
    for (size_t i = 0; i < t->n; i++)
        sorted[i] = t->v[e[i].place];
    t->v = sorted;
    return 0;
}
