/* Answers with one object, a status or a text. See respond.h; lists are in respond_list.c, tables in
 * respond_table.c. */
#include "apiserver/respond.h"

#include <stdlib.h>

#include "api/convert.h"
#include "api/json.h"
#include "api/proto.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "apiserver/front_priv.h"
#include "apiserver/respond_priv.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/url.h"
#include "codec/yaml.h"

#define INDENT "  "

/* -- headers -- */

/* CONFORMS: RFC 9111 5.5 as upstream writes it: 299 - "text", quotes and backslashes escaped, one line. */
static struct str warning_text(struct arena *a, struct str text) {
    _cleanup_buf struct buf out = BUF_INIT;
    buf_lit(&out, "299 - \"");
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            buf_byte(&out, '\\');
        buf_byte(&out, (unsigned char)text.p[i] < ' ' ? ' ' : text.p[i]);
    }
    buf_byte(&out, '"');
    return buf_to_arena(&out, a);
}

struct http_header *respond_headers(struct front_call *f, struct str type, size_t more, size_t *ret_n) {
    const struct call *c = &f->call;
    struct http_header *h = arena_new_n(&f->arena, 4 + c->warnings.n + more, struct http_header);
    size_t n = 0;
    h[n++] = (struct http_header){S("audit-id"), str_from(f->audit_id)};
    h[n++] = (struct http_header){S("cache-control"), S("no-cache, private")};
    if (type.n)
        h[n++] = (struct http_header){S("content-type"), type};
    for (size_t i = 0; i < c->warnings.n; i++)
        h[n++] = (struct http_header){S("warning"), warning_text(&f->arena, c->warnings.v[i])};
    *ret_n = n;
    return h;
}

void respond_chunks(struct front_call *f, int code, struct str type, const struct http_header *more,
                    size_t n_more, const struct http_chunk *chunks, size_t n_chunks) {
    size_t n;
    struct http_header *h = respond_headers(f, type, n_more, &n);
    for (size_t i = 0; i < n_more; i++) {
        if (str_eq(more[i].name, S("cache-control")))
            h[1].value = more[i].value;
        else
            h[n++] = more[i];
    }
    front_done(f, code);
    http_respond(f->r, code, h, n, chunks, n_chunks);
}

void respond_buf(struct front_call *f, int code, struct str type, const struct http_header *more,
                 size_t n_more, struct buf *out) {
    struct http_chunk c = {.bytes = buf_view(out), .release = free, .arg = out->p};
    *out = (struct buf)BUF_INIT;
    respond_chunks(f, code, type, more, n_more, &c, 1);
}

void respond_text(struct front_call *f, int code, struct str type, struct str text) {
    _cleanup_buf struct buf out = BUF_INIT;
    buf_str(&out, text);
    respond_buf(f, code, type, NULL, 0, &out);
}

bool respond_negotiate(struct front_call *f, bool transforms, bool watch) {
    static const struct str types[] = {
        STR_INIT("application/json"),
        STR_INIT("application/yaml"),
        STR_INIT("application/vnd.kubernetes.protobuf"),
        STR_INIT("application/json;stream=watch"),
        STR_INIT("application/vnd.kubernetes.protobuf;stream=watch"),
    };
    if (accept_negotiate(http_header(f->r, S("accept")), transforms, watch, &f->accept)) {
        f->accept.indent |= f->call.options.pretty;
        f->negotiated = true;
        return true;
    }
    f->accept = (struct accept){.media = MEDIA_JSON};
    respond_status(f, watch ? status_not_acceptable(&f->arena, types + 3, 2)
                            : status_not_acceptable(&f->arena, types, 3));
    return false;
}

/* -- what is sent as JSON text first -- */

/* People at the other end read better with line ends. CONFORMS: upstream's user agents of people. */
bool respond_for_people(struct front_call *f) {
    if (f->accept.indent || f->call.options.pretty)
        return true;
    if (url_query(&f->arena, f->query, S("pretty")).p)
        return false;
    struct str agent = f->call.user_agent;
    return str_has_prefix(agent, S("curl")) || str_has_prefix(agent, S("Wget")) ||
           str_has_prefix(agent, S("Mozilla/5.0"));
}

static void to_yaml(struct arena *a, struct buf *text) {
    struct buf out = BUF_INIT;
    struct jval tree;
    check(json_parse(a, buf_view(text), NULL, NULL, &tree, NULL) == 0); /* we wrote it */
    yaml_write(&out, &tree);
    buf_fini(text);
    *text = out;
}

/* Takes the text: compact JSON. */
void respond_json(struct front_call *f, int code, struct buf *text) {
    if (f->accept.media == MEDIA_YAML) {
        to_yaml(&f->arena, text);
        respond_buf(f, code, S("application/yaml"), NULL, 0, text);
        return;
    }
    if (respond_for_people(f)) {
        struct buf out = BUF_INIT;
        json_indent(&out, buf_view(text), INDENT);
        buf_fini(text);
        *text = out;
    }
    buf_byte(text, '\n');
    respond_buf(f, code, S("application/json"), NULL, 0, text);
}

/* -- packed structs -- */

static void fill_type_meta(uint16_t type, const void *body) {
    const struct ty_type *t = &builtin.types[type];
    const struct ty_gv *gv = &builtin.gvs[t->gv];
    struct meta_type_meta *m = (struct meta_type_meta *)body; /* in the call's arena; roots begin with it */
    if (m->kind.n)
        return;
    const struct kind *k =
        kind_find(ty_name(&builtin, gv->group), ty_name(&builtin, gv->version), ty_name(&builtin, t->name));
    if (!k || !(t->flags & TYPE_ROOT))
        return;
    m->kind = k->name;
    m->api_version = k->api_version;
}

static void respond_typed(struct front_call *f, int code, uint16_t type, const void *body) {
    const struct meta_type_meta *m = body;
    struct buf out = BUF_INIT;
    if (f->accept.media != MEDIA_PROTO) {
        api_write_json(&out, &builtin, type, body);
        respond_json(f, code, &out);
        return;
    }
    api_write_envelope(&out, &builtin, type, body, m->api_version, m->kind);
    respond_buf(f, code, media_text(MEDIA_PROTO), NULL, 0, &out);
}

void respond_packed(struct front_call *f, int code, uint16_t type, const void *body) {
    fill_type_meta(type, body);
    respond_typed(f, code, type, body);
}

void respond_status(struct front_call *f, struct status *st) {
    if (!f->negotiated) /* before the Accept header counts, errors do already look at it */
        (void)accept_negotiate(http_header(f->r, S("accept")), false, false, &f->accept);
    int32_t retry = st->body.details ? st->body.details->retry_after_seconds : 0;
    int code = st->body.code ? st->body.code : 200;
    if (retry <= 0) {
        respond_typed(f, code, TY_META_STATUS, &st->body);
        return;
    }
    struct buf out = BUF_INIT;
    bool proto = f->accept.media == MEDIA_PROTO;
    if (proto)
        api_write_envelope(&out, &builtin, TY_META_STATUS, &st->body, S("v1"), S("Status"));
    else
        api_write_json(&out, &builtin, TY_META_STATUS, &st->body);
    struct http_header h = {S("retry-after"), arena_printf(&f->arena, "%d", retry)};
    respond_buf(f, code, proto ? media_text(MEDIA_PROTO) : S("application/json"), &h, 1, &out);
}

/* -- objects -- */

static void respond_form_text(struct front_call *f, int code, const struct kind *kind,
                              const struct object *o) {
    enum media_type media = f->accept.media == MEDIA_PROTO ? MEDIA_PROTO : MEDIA_JSON;
    struct str bytes = respond_form(&f->arena, kind, o, media, true);
    if (f->accept.media == MEDIA_YAML || (media == MEDIA_JSON && respond_for_people(f))) {
        struct buf copy = BUF_INIT;
        buf_str(&copy, bytes);
        respond_json(f, code, &copy);
        return;
    }
    arena_hold(&f->arena, object_release_any, object_ref(o));
    struct http_chunk chunks[] = {{.bytes = bytes}, {.bytes = S("\n")}};
    respond_chunks(f, code, media_text(media), NULL, 0, chunks, media == MEDIA_JSON ? 2 : 1);
}

static void respond_partial(struct front_call *f, int code, const struct object *o) {
    struct buf out = BUF_INIT;
    if (f->accept.media == MEDIA_PROTO) {
        struct meta_partial_object_metadata p = {.metadata = *o->meta};
        api_write_envelope(&out, &builtin, TY_META_PARTIAL_OBJECT_METADATA, &p, S("meta.k8s.io/v1"),
                           S("PartialObjectMetadata"));
        respond_buf(f, code, media_text(MEDIA_PROTO), NULL, 0, &out);
        return;
    }
    buf_str(&out, RESPOND_PARTIAL_HEAD);
    buf_str(&out, respond_metadata(o, MEDIA_JSON));
    buf_byte(&out, '}');
    respond_json(f, code, &out);
}

void respond_object(struct front_call *f, int code, const struct kind *kind, const struct object *o) {
    switch (f->accept.form) {
    case RESPONSE_TABLE: respond_table(f, code, kind, o); return;
    case RESPONSE_PARTIAL: respond_partial(f, code, o); return;
    case RESPONSE_PARTIAL_LIST:
        respond_status(f, status_not_acceptable(&f->arena, (struct str[]){media_text(f->accept.media)}, 1));
        return;
    case RESPONSE_OBJECT: respond_form_text(f, code, kind, o); return;
    }
}
