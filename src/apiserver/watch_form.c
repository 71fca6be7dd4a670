/* Events as bytes. See watch.h.
 *
 * JSON: {"type":"ADDED","object":{…}} and a line end. Protobuf: four bytes of length, big endian, then a
 * WatchEvent whose object is the enveloped one.
 */
#include <stdlib.h>

#include "api/json.h"
#include "api/meta.h"
#include "api/proto.h"
#include "api/table.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "apiserver/respond_priv.h"
#include "apiserver/server_priv.h"
#include "apiserver/watch_priv.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define PROTO_HEAD_MAX 40u

static const struct str type_texts[] = {
    [WATCH_ADDED] = STR_INIT("ADDED"),     [WATCH_MODIFIED] = STR_INIT("MODIFIED"),
    [WATCH_DELETED] = STR_INIT("DELETED"), [WATCH_BOOKMARK] = STR_INIT("BOOKMARK"),
    [WATCH_ERROR] = STR_INIT("ERROR"),
};

static const struct str json_heads[] = {
    [WATCH_ADDED] = STR_INIT("{\"type\":\"ADDED\",\"object\":"),
    [WATCH_MODIFIED] = STR_INIT("{\"type\":\"MODIFIED\",\"object\":"),
    [WATCH_DELETED] = STR_INIT("{\"type\":\"DELETED\",\"object\":"),
    [WATCH_BOOKMARK] = STR_INIT("{\"type\":\"BOOKMARK\",\"object\":"),
    [WATCH_ERROR] = STR_INIT("{\"type\":\"ERROR\",\"object\":"),
};

static void put_chunk(struct watch *w, struct str bytes, void (*release)(void *), void *arg) {
    check(w->n_batch < WATCH_BATCH * WATCH_EVENT_CHUNKS);
    w->batch[w->n_batch++] = (struct http_chunk){.bytes = bytes, .release = release, .arg = arg};
}

/* -- protobuf -- */

static size_t varint(char *to, uint64_t v) {
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        to[n++] = (char)(v | 0x80);
    to[n++] = (char)v;
    return n;
}

static size_t varint_size(uint64_t v) {
    char to[10];
    return varint(to, v);
}

/* What stands before the object. */
static size_t proto_head(char *to, enum watch_event_type type, size_t object_bytes) {
    struct str text = type_texts[type];
    size_t raw = 1 + varint_size(object_bytes) + object_bytes; /* RawExtension{1: raw} */
    size_t total = 2 + text.n + 1 + varint_size(raw) + raw, n = 0;
    check(total <= UINT32_MAX);
    for (int shift = 24; shift >= 0; shift -= 8)
        to[n++] = (char)(total >> shift);
    to[n++] = 1 << 3 | 2;
    to[n++] = (char)text.n;
    memcpy(to + n, text.p, text.n);
    n += text.n;
    to[n++] = 2 << 3 | 2;
    n += varint(to + n, raw);
    to[n++] = 1 << 3 | 2;
    n += varint(to + n, object_bytes);
    return n;
}

/* -- frames -- */

/* Around bytes that `release` gives back. */
static void put_frame(struct watch *w, enum watch_event_type type, struct str bytes, void (*release)(void *),
                      void *arg) {
    if (w->f->accept.media == MEDIA_PROTO) {
        char *head = malloc(PROTO_HEAD_MAX);
        if (!head)
            panic("out of memory");
        put_chunk(w, str_make(head, proto_head(head, type, bytes.n)), free, head);
        put_chunk(w, bytes, release, arg);
        return;
    }
    put_chunk(w, json_heads[type], NULL, NULL);
    put_chunk(w, bytes, release, arg);
    put_chunk(w, S("}\n"), NULL, NULL);
}

static void put_made(struct watch *w, enum watch_event_type type, struct buf *text) {
    put_frame(w, type, buf_view(text), free, text->p);
    *text = (struct buf)BUF_INIT;
}

/* -- forms -- */

static void put_object(struct watch *w, enum watch_event_type type, const struct object *o) {
    const struct kind *kind = w->f->call.info.kind;
    if (kind == o->kind) {
        struct str bytes = object_form(o, w->f->accept.media == MEDIA_PROTO ? FORM_PROTO : FORM_JSON);
        put_frame(w, type, bytes, object_release_any, object_ref(o));
        return;
    }
    struct buf out = BUF_INIT;
    buf_str(&out, respond_form(&w->scratch, kind, o, w->f->accept.media, true));
    put_made(w, type, &out);
}

static void put_partial(struct watch *w, enum watch_event_type type, const struct object *o) {
    struct buf out = BUF_INIT;
    if (w->f->accept.media == MEDIA_PROTO) {
        struct meta_partial_object_metadata p = {.metadata = *o->meta};
        api_write_envelope(&out, &builtin, TY_META_PARTIAL_OBJECT_METADATA, &p, S("meta.k8s.io/v1"),
                           S("PartialObjectMetadata"));
    } else {
        buf_str(&out, RESPOND_PARTIAL_HEAD);
        buf_str(&out, respond_metadata(o, MEDIA_JSON));
        buf_byte(&out, '}');
    }
    put_made(w, type, &out);
}

/* Columns are described once. */
static void put_table(struct watch *w, enum watch_event_type type, const struct object *o) {
    const struct kind *kind = w->f->call.info.kind;
    struct buf out = BUF_INIT;
    buf_printf(
        &out,
        "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{\"resourceVersion\":\"%.*s\"},"
        "\"columnDefinitions\":",
        STR_ARG(o->meta->resource_version));
    if (w->headers_sent)
        buf_lit(&out, "null");
    else
        table_columns(&out, kind);
    w->headers_sent = true;
    buf_lit(&out, ",\"rows\":[");
    respond_table_row(&out, &w->scratch, kind, o, w->include, clock_wall_ns(w->f->front->server->clock));
    buf_lit(&out, "]}");
    put_made(w, type, &out);
}

void watch_put(struct watch *w, enum watch_event_type type, const struct object *o) {
    switch (w->f->accept.form) {
    case RESPONSE_TABLE: put_table(w, type, o); return;
    case RESPONSE_PARTIAL:
    case RESPONSE_PARTIAL_LIST: put_partial(w, type, o); return;
    case RESPONSE_OBJECT: put_object(w, type, o); return;
    }
}

void watch_put_status(struct watch *w, struct status *st) {
    struct buf out = BUF_INIT;
    if (w->f->accept.media == MEDIA_PROTO)
        api_write_envelope(&out, &builtin, TY_META_STATUS, &st->body, S("v1"), S("Status"));
    else
        api_write_json(&out, &builtin, TY_META_STATUS, &st->body);
    put_made(w, WATCH_ERROR, &out);
}

/* -- objects that are not stored so -- */

static struct str version_text(struct arena *a, uint64_t rv) {
    char text[RV_TEXT_MAX];
    return arena_str(a, str_make(text, rv_format(rv, text)));
}

struct object *watch_bookmark_object(const struct kind *kind, uint64_t rv, bool initial_end) {
    struct arena a = ARENA_INIT;
    void *body = arena_alloc(&a, kind->set->types[kind->type].size);
    struct meta_object_meta *m = object_meta_in(kind, body);
    struct meta_type_meta *t = body;
    t->kind = kind->name;
    t->api_version = kind->api_version;
    m->resource_version = version_text(&a, rv);
    if (initial_end)
        m->annotations = str_map_with(&a, m->annotations, S("k8s.io/initial-events-end"), S("true"));
    return object_freeze(kind, body, &a);
}

struct object *watch_with_version(const struct object *o, uint64_t rv) {
    struct arena a = ARENA_INIT;
    size_t n = o->kind->set->types[o->kind->type].size;
    void *body = arena_alloc(&a, n);
    memcpy(body, o->body, n);
    arena_hold(&a, object_release_any, object_ref(o));
    object_meta_in(o->kind, body)->resource_version = version_text(&a, rv);
    return object_freeze(o->kind, body, &a);
}
