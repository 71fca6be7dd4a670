/* Tables that the server made. See table_print.h. */
#include "ctl/table_print.h"

#include <math.h>

#include "base/clock.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "codec/json.h"
#include "ctl/discovery.h"
#include "ctl/object.h"

void table_printer_init(struct table_printer *t, struct ctl *c) {
    *t = (struct table_printer){.c = c, .rows = ARENA_INIT};
    columns_init(&t->columns, &t->rows, 6, 3);
}

void table_printer_fini(struct table_printer *t) {
    arena_fini(&t->rows);
}

bool table_is(const struct jval *o) {
    return str_eq(object_kind(o), S("Table")) && object_array(o, "columnDefinitions");
}

/* -- values -- */

static void go_double(struct buf *out, double d) {
    char text[40];
    if (floor(d) == d && fabs(d) < 1e21 && fabs(d) >= 1e6) { /* 1e+06, as %v has it */
        for (int digits = 0; digits < 18; digits++) {
            (void)snprintf(text, sizeof text, "%.*e", digits, d);
            if (strtod(text, NULL) == d)
                break;
        }
        buf_str(out, str_from(text));
        return;
    }
    json_write_double(out, d);
}

void go_value(struct buf *out, const struct jval *v) {
    switch (v ? v->kind : J_NULL) {
    case J_NULL: buf_lit(out, "<nil>"); break;
    case J_BOOL: buf_str(out, v->b ? S("true") : S("false")); break;
    case J_INT: buf_i64(out, v->i); break;
    case J_DOUBLE: go_double(out, v->d); break;
    case J_STRING: buf_str(out, jval_as_str(v)); break;
    case J_ARRAY:
        buf_byte(out, '[');
        for (uint32_t i = 0; i < v->n; i++) {
            if (i)
                buf_byte(out, ' ');
            go_value(out, &v->items[i]);
        }
        buf_byte(out, ']');
        break;
    default:
        buf_lit(out, "map[");
        for (uint32_t i = 0; i < v->n; i++) {
            if (i)
                buf_byte(out, ' ');
            buf_str(out, v->members[i].key);
            buf_byte(out, ':');
            go_value(out, &v->members[i].value);
        }
        buf_byte(out, ']');
    }
}

/* Nothing that a terminal would obey. */
static void put_escaped(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\x1b')
            buf_lit(out, "^[");
        else if (s.p[i] == '\r')
            buf_lit(out, "\\r");
        else
            buf_byte(out, s.p[i] == '\t' ? ' ' : s.p[i]);
    }
}

void table_cell(struct buf *out, const struct jval *cell) {
    if (!cell || cell->kind == J_NULL)
        return;
    if (cell->kind != J_STRING) {
        go_value(out, cell);
        return;
    }
    struct str s = jval_as_str(cell);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\n' || s.p[i] == '\r' || s.p[i] == '\f') {
            put_escaped(out, str_cut(s, i));
            buf_lit(out, "...");
            return;
        }
    put_escaped(out, s);
}

struct str age_text(struct ctl *c, struct str time) {
    int64_t sec;
    int32_t nsec;
    char text[DURATION_TEXT_SIZE];
    if (!time_parse(time, TIME_NANO, &sec, &nsec))
        return S("<unknown>");
    size_t n = duration_format_human(text, clock_wall_ns(clock_system()) - sec * NS_PER_SEC - nsec);
    return arena_str(&c->arena, str_make(text, n));
}

/* -- rows -- */

struct cells {
    struct str *v;
    size_t n, cap;
};

static void add(struct table_printer *t, struct cells *r, struct str text) {
    vec_push_in(&t->rows, r, text);
}

static struct str upper(struct arena *a, struct str s) {
    char *p = arena_strz(a, s);
    for (size_t i = 0; i < s.n; i++)
        if (p[i] >= 'a' && p[i] <= 'z')
            p[i] = (char)(p[i] & ~0x20);
    return str_make(p, s.n);
}

static bool shown(const struct jval *definition, const struct table_style *style) {
    return style->wide || object_int(definition, "priority", 0) == 0;
}

static struct str label_title(struct arena *a, struct str label) {
    ptrdiff_t slash = str_rfind_byte(label, '/');
    return upper(a, str_from_byte(label, slash < 0 ? 0 : (size_t)slash + 1));
}

static void put_header(struct table_printer *t, const struct table_style *style) {
    struct cells r = {0};
    if (style->event.p)
        add(t, &r, S("EVENT"));
    if (style->namespaces)
        add(t, &r, S("NAMESPACE"));
    for (uint32_t i = 0; i < t->definitions->n; i++)
        if (shown(&t->definitions->items[i], style))
            add(t, &r, upper(&t->rows, object_str(&t->definitions->items[i], "name")));
    for (size_t i = 0; i < style->n_label_columns; i++)
        add(t, &r, label_title(&t->rows, style->label_columns[i]));
    if (style->show_labels)
        add(t, &r, S("LABELS"));
    struct str head = arena_join(&t->c->arena, r.v, r.n, S("\t"));
    if (str_eq(head, t->head))
        return;
    t->head = head;
    columns_row(&t->columns, r.v, r.n);
}

static struct str labels_text(struct table_printer *t, const struct jval *labels) {
    _cleanup_buf struct buf out = BUF_INIT;
    if (!labels || labels->kind != J_OBJECT || labels->n == 0)
        return S("<none>");
    for (uint32_t i = 0; i < labels->n; i++) {
        if (i)
            buf_byte(&out, ',');
        buf_str(&out, labels->members[i].key);
        buf_byte(&out, '=');
        buf_str(&out, jval_as_str(&labels->members[i].value));
    }
    return buf_to_arena(&out, &t->rows);
}

static void put_row(struct table_printer *t, const struct jval *row, const struct table_style *style) {
    struct cells r = {0};
    const struct jval *cells = object_array(row, "cells"), *object = jval_get(row, S("object"));
    if (style->event.p)
        add(t, &r, arena_printf(&t->rows, "%-8.*s", STR_ARG(style->event)));
    if (style->namespaces)
        add(t, &r, object_namespace(object).p ? object_namespace(object) : S(""));
    for (uint32_t i = 0; cells && i < cells->n && i < t->definitions->n; i++) {
        const struct jval *definition = &t->definitions->items[i];
        if (!shown(definition, style))
            continue;
        _cleanup_buf struct buf text = BUF_INIT;
        if (style->kinds && t->resource && str_eq(object_str(definition, "format"), S("name")) &&
            str_eq_nocase(object_str(definition, "name"), S("name")))
            buf_printf(&text, "%.*s/", STR_ARG(resource_kind_name(t->c, t->resource)));
        table_cell(&text, &cells->items[i]);
        add(t, &r, buf_to_arena(&text, &t->rows));
    }
    const struct jval *labels = jval_path(object, "metadata.labels");
    for (size_t i = 0; i < style->n_label_columns; i++) {
        struct str value = jval_get_str(labels, style->label_columns[i]);
        add(t, &r, value.p ? arena_str(&t->rows, value) : S(""));
    }
    if (style->show_labels)
        add(t, &r, labels_text(t, labels));
    columns_row(&t->columns, r.v, r.n);
}

/* -- of servers that make no tables -- */

static struct jval plain_definition(struct ctl *c, const char *name, const char *format) {
    struct jobject o = {0};
    jobject_set(&c->arena, &o, S("name"), jval_str(str_from(name)));
    jobject_set(&c->arena, &o, S("format"), jval_str(str_from(format)));
    return jobject_done(&o);
}

static struct jval plain_row(struct ctl *c, const struct jval *object) {
    struct jlist cells = {0};
    struct jobject o = {0};
    struct str made = object_str(object, "metadata.creationTimestamp");
    jlist_add(&c->arena, &cells, jval_str(object_name(object)));
    jlist_add(&c->arena, &cells, jval_str(age_text(c, made)));
    jobject_set(&c->arena, &o, S("cells"), jlist_done(&cells));
    jobject_set(&c->arena, &o, S("object"), *object);
    return jobject_done(&o);
}

static struct jval plain_table(struct ctl *c, const struct jval *o) {
    struct jlist definitions = {0}, rows = {0};
    struct jobject table = {0};
    const struct jval *items = object_array(o, "items");
    jlist_add(&c->arena, &definitions, plain_definition(c, "Name", "name"));
    jlist_add(&c->arena, &definitions, plain_definition(c, "Age", ""));
    if (!items)
        jlist_add(&c->arena, &rows, plain_row(c, o));
    for (uint32_t i = 0; items && i < items->n; i++)
        jlist_add(&c->arena, &rows, plain_row(c, &items->items[i]));
    jobject_set(&c->arena, &table, S("columnDefinitions"), jlist_done(&definitions));
    jobject_set(&c->arena, &table, S("rows"), jlist_done(&rows));
    return jobject_done(&table);
}

/* -- all of it -- */

void table_begin(struct table_printer *t) {
    t->head = STR_NONE;
    t->definitions = NULL;
    t->columns.widths = NULL;
    t->columns.n_widths = 0;
}

void table_print(struct table_printer *t, const struct jval *table, const struct resource *r,
                 const struct table_style *style) {
    struct jval made;
    const struct jval *definitions = object_array(table, "columnDefinitions");
    if (!definitions) {
        made = plain_table(t->c, table);
        table = &made;
        definitions = object_array(table, "columnDefinitions");
    }
    const struct jval *rows = object_array(table, "rows");
    if (definitions->n || !t->definitions) { /* of a watch only the first event has them */
        struct jval *kept = arena_new(&t->c->arena, struct jval);
        *kept = t->definitions && jval_equal(definitions, t->definitions)
                    ? *t->definitions
                    : jval_copy(&t->c->arena, definitions);
        t->definitions = kept;
    }
    t->resource = r;
    if (!rows || !rows->n)
        return;
    if (!style->no_headers)
        put_header(t, style);
    for (uint32_t i = 0; i < rows->n; i++)
        put_row(t, &rows->items[i], style);
}

void table_flush(struct table_printer *t) {
    _cleanup_buf struct buf out = BUF_INIT;
    columns_flush(&t->columns, &out, true);
    ctl_put(t->c, buf_view(&out));
    /* widths stay, everything else of these rows can go */
    if (t->columns.n_widths > t->n_kept) {
        t->n_kept = t->columns.n_widths;
        t->kept = arena_new_n(&t->c->arena, t->n_kept, unsigned);
    }
    for (size_t i = 0; i < t->columns.n_widths; i++)
        t->kept[i] = t->columns.widths[i];
    arena_reset(&t->rows);
    t->columns.widths = t->columns.n_widths ? t->kept : NULL;
}
