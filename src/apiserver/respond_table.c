/* Tables: rows of cells, as kubectl shows them. See respond.h. */
#include <stdlib.h>

#include "api/table.h"
#include "api/types/ids.h"
#include "apiserver/front_priv.h"
#include "apiserver/list.h"
#include "apiserver/respond_priv.h"
#include "apiserver/server_priv.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/url.h"

static const struct str includes[] = {[TABLE_NONE] = STR_INIT("None"),
                                      [TABLE_METADATA] = STR_INIT("Metadata"),
                                      [TABLE_OBJECT] = STR_INIT("Object")};

bool respond_table_include(struct front_call *f, enum table_include *ret) {
    struct str text = url_query(&f->arena, f->query, S("includeObject"));
    *ret = TABLE_METADATA;
    for (unsigned i = 0; text.n && i < sizeof includes / sizeof *includes; i++)
        if (str_eq(text, includes[i])) {
            *ret = i;
            return true;
        }
    if (text.n == 0)
        return true;
    respond_status(f,
                   status_bad_request(&f->arena,
                                      "includeObject: Invalid value: \"%.*s\": must be 'Metadata', 'Object', "
                                      "'None', or empty",
                                      STR_ARG(text)));
    return false;
}

void respond_table_row(struct buf *out, struct arena *a, const struct kind *kind, const struct object *o,
                       enum table_include include, int64_t now_ns) {
    buf_lit(out, "{\"cells\":");
    table_cells(out, kind, o->body, now_ns);
    table_row_conditions(out, kind, o->body);
    buf_lit(out, ",\"object\":");
    if (include == TABLE_OBJECT) {
        buf_str(out, respond_form(a, kind, o, MEDIA_JSON, true));
    } else if (include == TABLE_METADATA) {
        buf_str(out, RESPOND_PARTIAL_HEAD);
        buf_str(out, respond_metadata(o, MEDIA_JSON));
        buf_byte(out, '}');
    } else {
        buf_lit(out, "null");
    }
    buf_byte(out, '}');
}

static void table_head(struct buf *out, const struct list_result *l) {
    buf_lit(out, "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":");
    respond_list_meta(out, l);
    buf_lit(out, ",\"columnDefinitions\":");
    table_columns(out, l->kind);
    buf_lit(out, ",\"rows\":[");
}

/* One text: for people, YAML, and rows with whole objects or none. */
static void table_text(struct front_call *f, int code, const struct list_result *l,
                       enum table_include include) {
    int64_t now = clock_wall_ns(f->front->server->clock);
    struct buf out = BUF_INIT;
    table_head(&out, l);
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            buf_byte(&out, ',');
        respond_table_row(&out, &f->arena, l->kind, l->items[i], include, now);
    }
    buf_lit(&out, "]}");
    respond_json(f, code, &out);
}

static void free_text(void *text) {
    free(text);
}

/* Rows with metadata, which is most of them: borrowed from the objects. Between two pieces of metadata stands
 * the end of one row and the beginning of the next; all of these lie in one text. */
static void table_chunks(struct front_call *f, int code, const struct list_result *l) {
    int64_t now = clock_wall_ns(f->front->server->clock);
    struct buf out = BUF_INIT;
    struct http_chunk *chunks = arena_new_n(&f->arena, 2 * l->n + 1, struct http_chunk);
    size_t *ends = arena_array(&f->arena, l->n + 1, sizeof *ends);
    table_head(&out, l);
    for (size_t i = 0; i < l->n; i++) {
        buf_lit(&out, "{\"cells\":");
        table_cells(&out, l->kind, l->items[i]->body, now);
        table_row_conditions(&out, l->kind, l->items[i]->body);
        buf_lit(&out, ",\"object\":" RESPOND_PARTIAL_HEAD_TEXT);
        ends[i] = out.n;
        buf_str(&out, i + 1 < l->n ? S("}},") : S("}}"));
        chunks[2 * i + 1].bytes = object_metadata_json(l->items[i]);
    }
    buf_lit(&out, "]}\n");
    ends[l->n] = out.n;
    for (size_t i = 0, from = 0; i <= l->n; from = ends[i++])
        chunks[2 * i].bytes = str_make(out.p + from, ends[i] - from);
    arena_hold(&f->arena, free_text, out.p);
    respond_chunks(f, code, S("application/json"), NULL, 0, chunks, 2 * l->n + 1);
}

static void table(struct front_call *f, int code, const struct list_result *l) {
    enum table_include include;
    if (!respond_table_include(f, &include))
        return;
    if (include == TABLE_METADATA && f->accept.media == MEDIA_JSON && !respond_for_people(f))
        table_chunks(f, code, l);
    else
        table_text(f, code, l, include);
}

void respond_table(struct front_call *f, int code, const struct kind *kind, const struct object *o) {
    struct list_result l = {.kind = kind, .items = &o, .n = 1, .revision = o->rv};
    arena_hold(&f->arena, object_release_any, object_ref(o));
    table(f, code, &l);
}

void respond_table_list(struct front_call *f, const struct list_result *l) {
    table(f, 200, l);
}
