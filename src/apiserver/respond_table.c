/* Tables: rows of cells, as kubectl shows them. See respond.h. */
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

static void table(struct front_call *f, int code, const struct list_result *l) {
    enum table_include include;
    if (!respond_table_include(f, &include))
        return;
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

void respond_table(struct front_call *f, int code, const struct kind *kind, const struct object *o) {
    struct list_result l = {.kind = kind, .items = &o, .n = 1, .revision = o->rv};
    table(f, code, &l);
}

void respond_table_list(struct front_call *f, const struct list_result *l) {
    table(f, 200, l);
}
