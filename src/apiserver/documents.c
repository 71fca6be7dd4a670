/* Documents that are made once. See documents.h. */
#include "apiserver/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "api/kind.h"
#include "api/openapi.h"
#include "api/openapi_proto.h"
#include "api/status.h"
#include "apiserver/documents_priv.h"
#include "apiserver/front_priv.h"
#include "apiserver/respond_priv.h"
#include "apiserver/server_priv.h"
#include "base/buf.h"
#include "base/cell.h"
#include "base/err.h"
#include "base/hash.h"
#include "codec/url.h"

#define GROUPS_MAX 64u
#define GZIP_LEVEL 6
#define V2_PROTO "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
#define V2_PROTO_OLD S("application/com.github.proto-openapi.spec.v2@v1.0+protobuf")
#define IMMUTABLE S("public, immutable")
#define EXPIRES S("Fri, 31 Dec 2100 00:00:00 GMT")

/* A document, compressed. */
struct document {
    struct shared shared;
    char *gzip;
    size_t n, n_plain;
    char etag[SHA256_HEX_SIZE + 2]; /* in quotes */
};

struct documents {
    struct cell aggregated[2][2]; /* core or not; v2, v2beta1 */
    struct cell v2, v2_proto, v3[GROUPS_MAX];
    struct cell v3_index; /* struct document; the hashes of all */
    const struct kind **served;
    uint32_t n_served;
};

/* -- making and keeping -- */

static void document_release(struct shared *s) {
    struct document *d = (struct document *)s;
    free(d->gzip);
    free(d);
}

static void document_drop(void *d) {
    shared_unref(d);
}

static void compress_text(struct document *d, struct str text) {
    z_stream z = {0};
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        panic("out of memory");
    size_t max = deflateBound(&z, text.n);
    char *to = malloc(max);
    if (!to)
        panic("out of memory");
    z.next_in = (Bytef *)text.p;
    z.avail_in = (uInt)text.n;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)max;
    check(deflate(&z, Z_FINISH) == Z_STREAM_END);
    d->n = max - z.avail_out;
    d->n_plain = text.n;
    d->gzip = realloc(to, d->n);
    if (!d->gzip)
        panic("out of memory");
    deflateEnd(&z);
}

static void hash_text(struct str text, char *etag) {
    char hex[SHA256_HEX_SIZE];
    sha256_hex(text, hex);
    for (size_t i = 0; hex[i]; i++)
        if (hex[i] >= 'a')
            hex[i] = (char)(hex[i] - 'a' + 'A');
    snprintf(etag, SHA256_HEX_SIZE + 2, "\"%s\"", hex);
}

static struct document *document_new(struct str text) {
    struct document *d = calloc(1, sizeof *d);
    if (!d)
        panic("out of memory");
    shared_init(&d->shared, document_release);
    hash_text(text, d->etag);
    compress_text(d, text);
    return d;
}

/* The document of a cell, made by `make` when it is not there. One reference. */
static struct document *get(struct cell *cell,
                            void (*make)(struct documents *all, unsigned which, struct buf *out),
                            struct documents *all, unsigned which) {
    struct document *d = (struct document *)cell_get(cell);
    if (d)
        return d;
    _cleanup_buf struct buf out = BUF_INIT;
    make(all, which, &out);
    d = document_new(buf_view(&out));
    cell_set(cell, shared_ref(&d->shared));
    return d;
}

struct documents *documents_new(void) {
    struct documents *d = calloc(1, sizeof *d);
    if (!d || !(d->served = calloc(n_kinds, sizeof *d->served)))
        panic("out of memory");
    for (uint32_t i = 0; i < n_kinds; i++)
        if (kinds[i].served)
            d->served[d->n_served++] = &kinds[i];
    check(n_api_groups <= GROUPS_MAX);
    return d;
}

void documents_free(struct documents *d) {
    if (!d)
        return;
    for (int i = 0; i < 4; i++)
        cell_fini(&d->aggregated[i / 2][i % 2]);
    for (unsigned i = 0; i < GROUPS_MAX; i++)
        cell_fini(&d->v3[i]);
    cell_fini(&d->v2);
    cell_fini(&d->v2_proto);
    cell_fini(&d->v3_index);
    free(d->served);
    free(d);
}

/* -- answering -- */

static bool accepts_gzip(struct front_call *f) {
    struct str rest = http_header(f->r, S("accept-encoding")), item;
    while (rest.n) {
        str_split(rest, ',', &item, &rest);
        item = str_trim(item);
        if (str_eq_nocase(item, S("gzip")) ||
            (str_has_prefix(item, S("gzip;")) && !str_has_suffix(item, S("q=0"))))
            return true;
    }
    return false;
}

static void inflate_to(const struct document *d, struct buf *out) {
    z_stream z = {.next_in = (Bytef *)d->gzip, .avail_in = (uInt)d->n};
    char *to = buf_reserve(out, d->n_plain + 1);
    check(inflateInit2(&z, 15 + 16) == Z_OK);
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)d->n_plain + 1;
    check(inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out == d->n_plain);
    inflateEnd(&z);
    out->n = d->n_plain;
}

static bool etag_matches(struct front_call *f, const char *etag) {
    struct str rest = http_header(f->r, S("if-none-match")), item;
    while (rest.n) {
        str_split(rest, ',', &item, &rest);
        item = str_trim(item);
        if (str_has_prefix(item, S("W/")))
            item = str_from_byte(item, 2);
        if (str_eq(item, str_from(etag)) || str_eq(item, S("*")))
            return true;
    }
    return false;
}

struct answer {
    struct str type, vary;
    bool immutable;
};

/* Takes over the reference. */
static void respond_document(struct front_call *f, struct document *d, const struct answer *a) {
    arena_hold(&f->arena, document_drop, d);
    struct http_header h[5];
    size_t n = 0;
    h[n++] = (struct http_header){S("etag"), str_from(d->etag)};
    h[n++] = (struct http_header){S("vary"), a->vary};
    if (a->immutable) {
        h[n++] = (struct http_header){S("cache-control"), IMMUTABLE};
        h[n++] = (struct http_header){S("expires"), EXPIRES};
    }
    if (etag_matches(f, d->etag)) {
        respond_chunks(f, 304, S(""), h, n, NULL, 0);
    } else if (accepts_gzip(f)) {
        h[n++] = (struct http_header){S("content-encoding"), S("gzip")};
        struct http_chunk c = {.bytes = str_make(d->gzip, d->n)};
        respond_chunks(f, 200, a->type, h, n, &c, 1);
    } else {
        struct buf out = BUF_INIT;
        inflate_to(d, &out);
        respond_buf(f, 200, a->type, h, n, &out);
    }
}

/* -- aggregated discovery -- */

static void make_aggregated(struct documents *all, unsigned which, struct buf *out) {
    (void)all;
    discovery_write_aggregated(out, which & 2, which & 1 ? S("v2beta1") : S("v2"));
}

/* The first range of the header that names an aggregated form: 0 is v2, 1 is v2beta1; -1: none. */
static int aggregated_version(struct str accept) {
    struct str range;
    while (accept.n) {
        str_split(accept, ',', &range, &accept);
        if (str_find(range, S("as=APIGroupDiscoveryList")) < 0 ||
            str_find(range, S("g=apidiscovery.k8s.io")) < 0 ||
            !str_has_prefix(str_trim(range), S("application/json")))
            continue;
        if (str_find(range, S("v=v2beta1")) >= 0)
            return 1;
        if (str_find(range, S("v=v2")) >= 0)
            return 0;
    }
    return -1;
}

bool documents_aggregated(struct front_call *f, bool core) {
    static const struct str types[] = {
        STR_INIT("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"),
        STR_INIT("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"),
    };
    struct documents *all = f->front->server->documents;
    int version = aggregated_version(http_header(f->r, S("accept")));
    if (version < 0)
        return false;
    struct document *d =
        get(&all->aggregated[core][version], make_aggregated, all, (unsigned)core << 1 | (unsigned)version);
    respond_document(f, d, &(struct answer){.type = types[version], .vary = S("Accept")});
    return true;
}

/* -- OpenAPI -- */

static struct openapi_options options_of(const struct documents *all) {
    return (struct openapi_options){
        .kinds = all->served, .n_kinds = all->n_served, .server_version = S(KUBERNETES_GIT_VERSION)};
}

static void make_v2(struct documents *all, unsigned which, struct buf *out) {
    struct openapi_options o = options_of(all);
    (void)which;
    openapi_v2(out, &o);
}

static void make_v2_proto(struct documents *all, unsigned which, struct buf *out) {
    _cleanup_arena struct arena scratch = ARENA_INIT;
    _cleanup_buf struct buf json = BUF_INIT;
    make_v2(all, which, &json);
    check(openapi_v2_proto(out, buf_view(&json), &scratch, NULL) == 0); /* we wrote it */
}

static void make_v3(struct documents *all, unsigned which, struct buf *out) {
    struct openapi_options o = options_of(all);
    openapi_v3(out, &o, api_groups[which].group, api_groups[which].version);
}

static void write_path(struct buf *out, const struct api_group_row *g) {
    if (g->group.n)
        buf_printf(out, "apis/%.*s/", STR_ARG(g->group));
    else
        buf_lit(out, "api/");
    buf_str(out, g->version);
}

/* The documents themselves are not kept here: most are never asked for. */
static void make_index(struct documents *all, unsigned which, struct buf *out) {
    _cleanup_buf struct buf text = BUF_INIT;
    char etag[SHA256_HEX_SIZE + 2];
    (void)which;
    buf_lit(out, "{\"paths\":{");
    for (uint32_t i = 0, n = 0; i < n_api_groups; i++) {
        if (!api_groups[i].served)
            continue;
        buf_clear(&text);
        make_v3(all, i, &text);
        hash_text(buf_view(&text), etag);
        buf_str(out, n++ ? S(",\"") : S("\""));
        write_path(out, &api_groups[i]);
        buf_lit(out, "\":{\"serverRelativeURL\":\"/openapi/v3/");
        write_path(out, &api_groups[i]);
        buf_printf(out, "?hash=%.*s\"}", (int)strlen(etag) - 2, etag + 1);
    }
    buf_lit(out, "}}\n");
}

/* The first type of the Accept header that can be had: 0 is JSON, 1 is `proto`; -1: none. */
static int negotiate(struct front_call *f, struct str proto) {
    struct str accept = http_header(f->r, S("accept")), range;
    if (str_trim(accept).n == 0)
        return 0;
    while (accept.n) {
        struct str type, params;
        str_split(accept, ',', &range, &accept);
        str_split(range, ';', &type, &params);
        type = str_trim(type);
        if (str_eq(type, S("application/json")) || str_eq(type, S("*/*")) || str_eq(type, S("application/*")))
            return 0;
        if (proto.n && (str_eq(type, proto) || str_eq(type, V2_PROTO_OLD)))
            return 1;
    }
    return -1;
}

static void refuse(struct front_call *f, const struct str *types, size_t n) {
    respond_status(f, status_not_acceptable(&f->arena, types, n));
}

void documents_openapi_v2(struct front_call *f) {
    static const struct str types[] = {STR_INIT("application/json"), STR_INIT(V2_PROTO)};
    struct documents *all = f->front->server->documents;
    int form = negotiate(f, S(V2_PROTO));
    if (form < 0) {
        refuse(f, types, 2);
        return;
    }
    struct document *d = form ? get(&all->v2_proto, make_v2_proto, all, 0) : get(&all->v2, make_v2, all, 0);
    respond_document(f, d, &(struct answer){.type = types[form], .vary = S("Accept")});
}

void documents_openapi_v3_index(struct front_call *f) {
    struct documents *all = f->front->server->documents;
    respond_document(f, get(&all->v3_index, make_index, all, 0),
                     &(struct answer){.type = S("application/json"), .vary = S("Accept")});
}

static bool find_group(struct str path, unsigned *ret) {
    for (uint32_t i = 0; i < n_api_groups; i++) {
        _cleanup_buf struct buf text = BUF_INIT;
        write_path(&text, &api_groups[i]);
        *ret = i;
        if (api_groups[i].served && str_eq(buf_view(&text), path))
            return true;
    }
    return false;
}

void documents_openapi_v3(struct front_call *f, struct str path) {
    struct documents *all = f->front->server->documents;
    unsigned which;
    if (!find_group(path, &which)) {
        respond_text(f, 404, S("text/plain; charset=utf-8"), S("404 page not found\n"));
        return;
    }
    if (negotiate(f, S("")) < 0) {
        refuse(f, (struct str[]){S("application/json")}, 1);
        return;
    }
    struct document *d = get(&all->v3[which], make_v3, all, which);
    struct str hash = url_query(&f->arena, f->query, S("hash")),
               right = str_make(d->etag + 1, strlen(d->etag) - 2);
    if (hash.n && !str_eq(hash, right)) {
        struct http_header to = {S("location"), arena_printf(&f->arena, "/openapi/v3/%.*s?hash=%.*s",
                                                             STR_ARG(path), STR_ARG(right))};
        shared_unref(&d->shared);
        respond_chunks(f, 301, S(""), &to, 1, NULL, 0);
        return;
    }
    respond_document(
        f, d, &(struct answer){.type = S("application/json"), .vary = S("Accept"), .immutable = hash.n > 0});
}
