/* Tables: columns, cells that are fields, and the helpers of the others. See table.h. */
#include "api/table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/label_selector.h"
#include "api/ref.h"
#include "api/table_priv.h"
#include "api/types/core.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "codec/json.h"

/* -- what each column of each kind does, found out once -- */

struct plan {
    cell_fn fn;   /* NULL: a field */
    uint8_t leaf; /* enum leaf of the field */
};

static struct plan *plans;     /* one a column, kinds one after the other */
static uint32_t *plan_of_kind; /* index of a kind's first plan */
static pthread_once_t plans_once = PTHREAD_ONCE_INIT;

static const struct kind_column default_columns[] = {
    {.name = STR_INIT("Name"),
     .type = STR_INIT("string"),
     .format = STR_INIT("name"),
     .description = STR_INIT("Name of the object."),
     .path = STR_INIT("metadata.name")},
    {.name = STR_INIT("Created At"),
     .type = STR_INIT("date"),
     .description = STR_INIT("When the object was created."),
     .path = STR_INIT("metadata.creationTimestamp")},
};

static const struct kind_column *columns_of(const struct kind *k, uint32_t *ret_n) {
    *ret_n = k->columns ? k->n_columns : 2;
    return k->columns ? k->columns : default_columns;
}

static cell_fn find_fn(const struct kind *k, const struct kind_column *column) {
    static const struct cell_row *const files[] = {cells_core, cells_pod, cells_workload, cells_policy};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        for (const struct cell_row *r = files[i]; r->type; r++)
            if (r->type == k->hub->type && str_eq(str_from(r->column), column->name))
                return r->fn;
    return NULL;
}

static uint8_t field_leaf(const struct kind *k, struct str path) {
    struct pos p = pos_type(k->set, k->hub->type);
    while (path.n) {
        struct str head;
        str_split(path, '.', &head, &path);
        p = pos_member(p, head, NULL);
    }
    return p.leaf;
}

static void make_plans(void) {
    uint32_t total = 0, n;
    for (uint32_t i = 0; i < n_kinds; i++) {
        (void)columns_of(&kinds[i], &n);
        total += n;
    }
    plans = calloc(total, sizeof *plans);
    plan_of_kind = calloc(n_kinds, sizeof *plan_of_kind);
    if (!plans || !plan_of_kind)
        panic("out of memory");
    uint32_t at = 0;
    for (uint32_t i = 0; i < n_kinds; i++) {
        const struct kind_column *columns = columns_of(&kinds[i], &n);
        plan_of_kind[i] = at;
        for (uint32_t c = 0; c < n; c++, at++) {
            if (columns[c].path.n)
                plans[at].leaf = field_leaf(&kinds[i], columns[c].path);
            else
                plans[at].fn = find_fn(&kinds[i], &columns[c]);
            check(columns[c].path.n || plans[at].fn);
        }
    }
}

/* -- columns -- */

static void put_member(struct buf *out, const char *name, struct str value) {
    buf_printf(out, "\"%s\":", name);
    json_write_string(out, value);
    buf_byte(out, ',');
}

void table_columns(struct buf *out, const struct kind *k) {
    uint32_t n;
    const struct kind_column *c = columns_of(k, &n);
    buf_byte(out, '[');
    for (uint32_t i = 0; i < n; i++) {
        buf_str(out, i ? S(",{") : S("{"));
        put_member(out, "name", c[i].name);
        put_member(out, "type", c[i].type);
        put_member(out, "format", c[i].format);
        put_member(out, "description", c[i].description);
        buf_printf(out, "\"priority\":%d}", c[i].priority);
    }
    buf_byte(out, ']');
}

/* -- cells that are fields -- */

static void absent_cell(struct cell *c, const struct kind_column *column, uint8_t leaf) {
    bool number = leaf == LEAF_I32 || leaf == LEAF_I64 || str_eq(column->type, S("integer"));
    if (column->absent.n)
        cell_str(c, column->absent);
    else if (number)
        cell_int(c, 0);
    else if (leaf == LEAF_BOOL || str_eq(column->type, S("boolean")))
        cell_bool(c, false);
}

static void time_cell(struct cell *c, const struct kind_column *column, struct ref r) {
    struct timestamp t = *(const struct timestamp *)r.p;
    char text[TIME_TEXT_SIZE];
    if (str_eq(column->type, S("date")) && t.set)
        cell_str(c, str_make(text, time_format(text, t.sec, t.nsec, TIME_SECONDS)));
    else
        cell_since(c, t, column->absent.p);
}

static void field_cell(struct cell *c, const struct kind *k, const struct kind_column *column, uint8_t leaf) {
    struct ref r = ref_path(ref_packed(k->set, k->hub->type, c->object), column->path);
    struct arena a = ARENA_INIT;
    struct str text;
    if ((leaf == LEAF_TIME || leaf == LEAF_MICRO_TIME) && r.rep == REP_PACKED) {
        time_cell(c, column, r);
        return;
    }
    switch (ref_kind(r)) {
    case REF_INT: cell_int(c, ref_int(r)); break;
    case REF_BOOL: cell_bool(c, ref_bool(r)); break;
    case REF_STRING:
        text = ref_str(r, &a);
        if (text.n)
            cell_str(c, text);
        else
            absent_cell(c, column, leaf);
        break;
    default: absent_cell(c, column, leaf);
    }
    arena_fini(&a);
}

/* -- rows -- */

void table_cells(struct buf *out, const struct kind *k, const void *object, int64_t now_ns) {
    uint32_t n;
    const struct kind_column *columns = columns_of(k, &n);
    struct buf text = BUF_INIT;
    pthread_once(&plans_once, make_plans);
    const struct plan *plan = plans + plan_of_kind[k->index];
    buf_byte(out, '[');
    for (uint32_t i = 0; i < n; i++) {
        struct cell c = {.object = object, .now_ns = now_ns, .out = out, .text = &text};
        buf_clear(&text);
        if (i)
            buf_byte(out, ',');
        if (plan[i].fn)
            plan[i].fn(&c);
        else
            field_cell(&c, k, &columns[i], plan[i].leaf);
        if (!c.bare)
            json_write_string(out, buf_view(&text));
    }
    buf_byte(out, ']');
    buf_fini(&text);
}

void table_row_conditions(struct buf *out, const struct kind *k, const void *object) {
    if (k->hub->type != TY_CORE_POD)
        return;
    struct str phase = ((const struct core_pod *)object)->status.phase;
    if (str_eq(phase, S("Succeeded")) || str_eq(phase, S("Failed")))
        buf_printf(out,
                   ",\"conditions\":[{\"type\":\"Completed\",\"status\":\"True\",\"reason\":\"%.*s\","
                   "\"message\":\"The pod has completed and will not run again.\"}]",
                   STR_ARG(phase));
}

/* -- helpers of cell functions -- */

void cell_int(struct cell *c, int64_t v) {
    buf_i64(c->out, v);
    c->bare = true;
}

void cell_bool(struct cell *c, bool v) {
    buf_str(c->out, v ? S("true") : S("false"));
    c->bare = true;
}

void cell_str(struct cell *c, struct str s) {
    buf_str(c->text, s);
}

void cell_text(struct cell *c, const char *s) {
    buf_str(c->text, str_from(s));
}

void cell_or(struct cell *c, struct str s, const char *otherwise) {
    buf_str(c->text, s.n ? s : str_from(otherwise));
}

void cell_sep(struct cell *c, const char *sep) {
    if (c->text->n)
        buf_str(c->text, str_from(sep));
}

void cell_human(struct cell *c, int64_t ns) {
    char text[DURATION_TEXT_SIZE];
    cell_str(c, str_make(text, duration_format_human(text, ns)));
}

void cell_since(struct cell *c, struct timestamp t, const char *otherwise) {
    int64_t then;
    if (!t.set || __builtin_mul_overflow(t.sec, NS_PER_SEC, &then))
        cell_str(c, str_from(otherwise));
    else
        cell_human(c, c->now_ns - then - t.nsec);
}

void cell_map(struct cell *c, struct str_map m) {
    for (uint32_t i = 0; i < m.n; i++)
        buf_printf(c->text, "%s%.*s=%.*s", i ? "," : "", STR_ARG(m.v[i].key), STR_ARG(m.v[i].value));
    if (m.n == 0)
        cell_text(c, "<none>");
}

void cell_list(struct cell *c, struct str_array a, const char *sep, const char *otherwise) {
    for (uint32_t i = 0; i < a.n; i++)
        buf_printf(c->text, "%s%.*s", i ? sep : "", STR_ARG(a.v[i]));
    if (a.n == 0)
        cell_text(c, otherwise);
}

void cell_more(struct cell *c, uint32_t n) {
    buf_printf(c->text, " + %u more...", n);
}

void cell_strs(struct cell *c, struct str *v, size_t n) {
    if (n)
        qsort(v, n, sizeof *v, str_cmp_qsort);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !str_eq(v[i], v[i - 1])) {
            cell_sep(c, ",");
            cell_str(c, v[i]);
        }
}

void cell_lower(struct cell *c, struct str s) {
    for (size_t i = 0; i < s.n; i++)
        buf_byte(c->text, s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] - 'A' + 'a') : s.p[i]);
}

void cell_selector(struct cell *c, const struct meta_label_selector *s, const char *empty, const char *bad) {
    struct arena a = ARENA_INIT;
    struct label_selector compiled;
    struct err err = ERR_INIT;
    if (!s || (s->match_labels.n == 0 && s->match_expressions.n == 0))
        cell_text(c, empty);
    else if (label_selector_compile(&a, s, &compiled, &err) < 0)
        cell_text(c, bad);
    else
        label_selector_write(c->text, &compiled);
    arena_fini(&a);
}

void cell_container_names(struct cell *c, const struct core_pod_template_spec *t) {
    for (uint32_t i = 0; i < t->spec.containers.n; i++) {
        cell_sep(c, ",");
        cell_str(c, t->spec.containers.v[i].name);
    }
}

void cell_container_images(struct cell *c, const struct core_pod_template_spec *t) {
    for (uint32_t i = 0; i < t->spec.containers.n; i++) {
        cell_sep(c, ",");
        cell_str(c, t->spec.containers.v[i].image);
    }
}
