/* Lists: a head, the encodings of the objects, borrowed, with what is between them, and an end. See
 * respond.h. */
#include <stdlib.h>

#include "api/json.h"
#include "api/meta.h"
#include "api/proto.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "apiserver/front_priv.h"
#include "apiserver/list.h"
#include "apiserver/respond_priv.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/pbwire.h"

#define PARTIAL_HEAD RESPOND_PARTIAL_HEAD_TEXT
#define PB_HEAD_MAX 11u /* a tag of one byte and a length */

void respond_list_meta(struct buf *out, const struct list_result *l) {
    char rv[RV_TEXT_MAX];
    rv_format(l->revision, rv);
    buf_printf(out, "{\"resourceVersion\":\"%s\"", rv);
    if (l->continue_token.n) {
        buf_lit(out, ",\"continue\":");
        json_write_string(out, l->continue_token);
        if (l->remaining)
            buf_printf(out, ",\"remainingItemCount\":%lld", (long long)l->remaining);
    }
    buf_byte(out, '}');
}

/* What is around the items, and what one item is. */
struct list_form {
    struct str kind, api_version;
    bool partial;
};

static struct list_form form_of(const struct front_call *f, const struct list_result *l) {
    if (f->accept.form == RESPONSE_OBJECT)
        return (struct list_form){
            .kind = arena_join((struct arena *)&f->arena, (struct str[]){l->kind->name, S("List")}, 2, S("")),
            .api_version = l->kind->api_version,
        };
    return (struct list_form){
        .kind = S("PartialObjectMetadataList"), .api_version = S("meta.k8s.io/v1"), .partial = true};
}

/* -- JSON -- */

static void json_head(struct buf *out, const struct list_form *form, const struct list_result *l) {
    buf_printf(out, "{\"kind\":\"%.*s\",\"apiVersion\":\"%.*s\",\"metadata\":", STR_ARG(form->kind),
               STR_ARG(form->api_version));
    respond_list_meta(out, l);
    buf_lit(out, ",\"items\":[");
}

/* Chunks of the item are two: what stands before it, and the borrowed piece. */
static void json_chunks(struct front_call *f, const struct list_result *l, bool partial,
                        struct http_chunk *to) {
    for (size_t i = 0; i < l->n; i++) {
        if (partial) {
            to[2 * i].bytes = i ? S("}," PARTIAL_HEAD) : S(PARTIAL_HEAD);
            to[2 * i + 1].bytes = respond_metadata(l->items[i], MEDIA_JSON);
        } else {
            to[2 * i].bytes = i ? S(",{") : S("{");
            to[2 * i + 1].bytes = respond_form(&f->arena, l->kind, l->items[i], MEDIA_JSON, false);
        }
    }
}

static void list_json(struct front_call *f, const struct list_result *l) {
    struct list_form form = form_of(f, l);
    _cleanup_buf struct buf head = BUF_INIT;
    json_head(&head, &form, l);
    size_t n = 2 * l->n + 2;
    struct http_chunk *chunks = arena_new_n(&f->arena, n, struct http_chunk);
    chunks[0].bytes = buf_to_arena(&head, &f->arena);
    json_chunks(f, l, form.partial, chunks + 1);
    chunks[n - 1].bytes = form.partial && l->n ? S("}]}\n") : S("]}\n");
    respond_chunks(f, 200, S("application/json"), NULL, 0, chunks, n);
}

/* Indented or YAML: one text that has to be made. */
static void list_text(struct front_call *f, const struct list_result *l) {
    struct list_form form = form_of(f, l);
    struct buf out = BUF_INIT;
    struct http_chunk *chunks = arena_new_n(&f->arena, 2 * l->n + 1, struct http_chunk);
    json_head(&out, &form, l);
    json_chunks(f, l, form.partial, chunks);
    for (size_t i = 0; i < 2 * l->n; i++)
        buf_str(&out, chunks[i].bytes);
    buf_str(&out, form.partial && l->n ? S("}]}") : S("]}"));
    respond_json(f, 200, &out);
}

/* -- protobuf -- */

static size_t varint(char *to, uint64_t v) {
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        to[n++] = (char)(v | 0x80);
    to[n++] = (char)v;
    return n;
}

/* A tag of field 1…15 with a length. */
static size_t pb_head(char *to, unsigned field, size_t length) {
    to[0] = (char)(field << 3 | 2);
    return 1 + varint(to + 1, length);
}

/* The head of each item, and the item; returns their bytes. */
static size_t proto_chunks(struct front_call *f, const struct list_result *l, bool partial,
                           struct http_chunk *to) {
    char *heads = arena_bytes(&f->arena, 2 * PB_HEAD_MAX * l->n + 1);
    size_t total = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct str item = partial ? respond_metadata(l->items[i], MEDIA_PROTO)
                                  : respond_form(&f->arena, l->kind, l->items[i], MEDIA_PROTO, false);
        char inner[PB_HEAD_MAX];
        size_t n_inner = partial ? pb_head(inner, 1, item.n) : 0;
        size_t n = pb_head(heads, 2, n_inner + item.n);
        memcpy(heads + n, inner, n_inner);
        to[2 * i].bytes = str_make(heads, n + n_inner);
        to[2 * i + 1].bytes = item;
        heads += n + n_inner;
        total += n + n_inner + item.n;
    }
    return total;
}

static void proto_head(struct buf *out, const struct list_form *form, struct str meta, size_t items) {
    char head[PB_HEAD_MAX];
    size_t n_av = form->api_version.n, n_kind = form->kind.n; /* each shorter than 128 */
    check(n_av < 62 && n_kind < 62);
    buf_put(out, "k8s\0\x0a", 5);
    buf_byte(out, (char)(n_av + n_kind + 4));
    buf_byte(out, 1 << 3 | 2);
    buf_byte(out, (char)n_av);
    buf_str(out, form->api_version);
    buf_byte(out, 2 << 3 | 2);
    buf_byte(out, (char)n_kind);
    buf_str(out, form->kind);
    size_t n_meta = pb_head(head, 1, meta.n);
    char raw[PB_HEAD_MAX];
    buf_put(out, raw, pb_head(raw, 2, n_meta + meta.n + items));
    buf_put(out, head, n_meta);
    buf_str(out, meta);
}

static void list_proto(struct front_call *f, const struct list_result *l) {
    struct list_form form = form_of(f, l);
    char rv[RV_TEXT_MAX];
    struct meta_list_meta meta = {.resource_version = {rv, rv_format(l->revision, rv)}};
    meta.continue_ = l->continue_token;
    meta.remaining_item_count = (struct opt_i64){.v = l->remaining, .set = l->remaining > 0};
    _cleanup_buf struct buf meta_text = BUF_INIT, head = BUF_INIT;
    api_write_proto(&meta_text, &builtin, TY_META_LIST_META, &meta);
    size_t n = 2 * l->n + 2;
    struct http_chunk *chunks = arena_new_n(&f->arena, n, struct http_chunk);
    size_t items = proto_chunks(f, l, form.partial, chunks + 1);
    proto_head(&head, &form, buf_view(&meta_text), items);
    chunks[0].bytes = buf_to_arena(&head, &f->arena);
    chunks[n - 1].bytes = str_make("\x1a\0\x22\0", 4); /* contentEncoding, contentType: empty */
    respond_chunks(f, 200, media_text(MEDIA_PROTO), NULL, 0, chunks, n);
}

void respond_list(struct front_call *f, const struct list_result *l) {
    if (f->accept.form == RESPONSE_TABLE)
        respond_table_list(f, l);
    else if (f->accept.media == MEDIA_PROTO)
        list_proto(f, l);
    else if (f->accept.media == MEDIA_YAML || respond_for_people(f))
        list_text(f, l);
    else
        list_json(f, l);
}
