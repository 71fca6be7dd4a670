/* Requests and answers, whatever the protocol. See http.h. */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "codec/url.h"
#include "net/server_priv.h"

#define GZIP_WORTHWHILE_BYTES (128u * 1024) /* as upstream; below, bytes cost less than time */
#define GZIP_LEVEL 1

/* -- life -- */

static void on_timer(struct timer *t) {
    struct http_request *r = (struct http_request *)((char *)t - offsetof(struct http_request, timer));
    uint64_t taken = r->ops->taken(r);
    if (r->stalling && taken != r->taken_seen) {
        request_watch_reader(r);
        return;
    }
    r->ops->expired(r, r->stalling);
}

void request_deadline(struct http_request *r, unsigned ms) {
    r->stalling = false;
    if (ms)
        loop_timer_start(r->conn->loop->loop, &r->timer, (int64_t)ms * NS_PER_MS);
    else
        loop_timer_stop(r->conn->loop->loop, &r->timer);
}

void request_watch_reader(struct http_request *r) {
    request_deadline(r, r->conn->loop->server->o.idle_timeout_ms);
    r->stalling = true;
    r->taken_seen = r->ops->taken(r);
}

struct http_request *request_new(struct conn *c, const struct request_ops *ops, int version) {
    struct http_request *r = calloc(1, sizeof *r);
    if (!r)
        panic("out of memory");
    r->ops = ops;
    r->conn = c;
    r->in.version = version;
    r->in.headers = r->headers;
    r->in.peer = c->peer;
    r->in.path = S("/");
    r->timer.fire = on_timer;
    arena_init(&r->arena);
    return r;
}

void request_free(struct http_request *r) {
    check(!timer_running(&r->timer));
    chunkq_fini(&r->out);
    free(r->body);
    arena_fini(&r->arena);
    free(r);
}

static void free_any(void *r) {
    request_free(r);
}

void request_free_when_sent(struct http_request *r) {
    conn_send(r->conn, (struct http_chunk){.bytes = S(""), .release = free_any, .arg = r});
}

void request_gone(struct http_request *r) {
    bool owed = r->state == REQ_HANDLING || r->state == REQ_STREAMING;
    request_deadline(r, 0);
    r->state = REQ_DONE;
    if (owed && r->on_gone)
        r->on_gone(r->user);
    request_free_when_sent(r);
}

/* -- what comes in -- */

static bool has_control(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
            return true;
    return false;
}

int request_add_header(struct http_request *r, struct str name, struct str value) {
    r->header_bytes += name.n + value.n + 4;
    if (r->in.n_headers == HTTP_HEADERS_MAX || r->header_bytes > HTTP_HEADER_BYTES_MAX)
        return 431;
    if (has_control(value))
        return 400;
    struct str lower = arena_str(&r->arena, name);
    for (size_t i = 0; i < lower.n; i++)
        ((char *)lower.p)[i] = (char)tolower((unsigned char)lower.p[i]);
    value = arena_str(&r->arena, str_trim(value));
    r->headers[r->in.n_headers++] = (struct http_header){lower, value.p ? value : S("")};
    if (str_eq(lower, S("host"))) {
        if (r->in.host.p)
            return 400;
        r->in.host = value;
    }
    return 0;
}

bool request_set_target(struct http_request *r, struct str target) {
    struct str path, query;
    if (target.n == 0 || target.p[0] != '/')
        return false;
    for (size_t i = 0; i < target.n; i++)
        if ((unsigned char)target.p[i] <= ' ' || target.p[i] == 0x7f)
            return false;
    str_split(target, '?', &path, &query);
    r->in.query = arena_str(&r->arena, query.p ? query : S(""));
    return url_decode(&r->arena, path, &r->in.path) && str_find_byte(r->in.path, 0) < 0;
}

void request_set_method(struct http_request *r, struct str method) {
    static const struct {
        struct str text;
        enum http_verb method;
    } methods[] = {
        {STR_INIT("GET"), HTTP_VERB_GET},         {STR_INIT("HEAD"), HTTP_VERB_HEAD},
        {STR_INIT("POST"), HTTP_VERB_POST},       {STR_INIT("PUT"), HTTP_VERB_PUT},
        {STR_INIT("PATCH"), HTTP_VERB_PATCH},     {STR_INIT("DELETE"), HTTP_VERB_DELETE},
        {STR_INIT("OPTIONS"), HTTP_VERB_OPTIONS}, {STR_INIT("CONNECT"), HTTP_VERB_CONNECT},
    };
    r->in.method = HTTP_VERB_OTHER;
    r->in.method_text = arena_str(&r->arena, method);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (str_eq(methods[i].text, method))
            r->in.method = methods[i].method;
}

int request_add_body(struct http_request *r, const char *p, size_t n) {
    if (n > r->conn->loop->server->o.body_bytes_max - r->in.body.n)
        return 413;
    size_t need = r->in.body.n + n;
    if (need > r->body_cap) {
        size_t cap = r->body_cap ? r->body_cap * 2 : 4096;
        r->body_cap = cap < need ? need : cap;
        r->body = realloc(r->body, r->body_cap);
        if (!r->body)
            panic("out of memory");
    }
    memcpy(r->body + r->in.body.n, p, n);
    r->in.body = (struct str){r->body, need};
    return 0;
}

void request_dispatch(struct http_request *r) {
    const struct http_server_options *o = &r->conn->loop->server->o;
    r->state = REQ_HANDLING;
    o->handler(o->arg, r);
}

/* -- what handlers read -- */

const struct http_in *http_in(struct http_request *r) {
    return &r->in;
}

struct arena *http_arena(struct http_request *r) {
    return &r->arena;
}

struct loop *http_request_loop(struct http_request *r) {
    return r->conn->loop->loop;
}

struct str http_header(struct http_request *r, struct str name) {
    for (size_t i = 0; i < r->in.n_headers; i++)
        if (str_eq(r->headers[i].name, name))
            return r->headers[i].value;
    return STR_NONE;
}

bool http_list_has(struct str list, struct str token) {
    struct str item;
    while (list.n) {
        str_split(list, ',', &item, &list);
        if (str_eq_nocase(str_trim(item), token))
            return true;
    }
    return false;
}

static struct str one_of(struct str item, const struct str *ours, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(item, ours[i]))
            return ours[i];
    return STR_NONE;
}

struct str http_choose(struct http_request *r, struct str name, const struct str *ours, size_t n) {
    bool any = false;
    for (size_t i = 0; i < r->in.n_headers; i++) {
        struct str item, chosen, list = r->headers[i].value;
        if (!str_eq(r->headers[i].name, name))
            continue;
        while (list.n) {
            str_split(list, ',', &item, &list);
            item = str_trim(item);
            any |= item.n > 0;
            chosen = item.n ? one_of(item, ours, n) : STR_NONE;
            if (chosen.p)
                return chosen;
        }
    }
    return any ? STR_NONE : one_of(S(""), ours, n);
}

struct str http_query(struct http_request *r, struct str name) {
    return url_query(&r->arena, r->in.query, name);
}

void http_set_user(struct http_request *r, void *user, void (*on_gone)(void *user)) {
    r->user = user;
    r->on_gone = on_gone;
}

void *http_user(struct http_request *r) {
    return r->user;
}

/* -- answers -- */

/* Whether a quality parameter is zero ("q=0", "q=0.000"): the coding is refused. CONFORMS: RFC 9110 12.4.2.
 */
static bool quality_is_zero(struct str params) {
    struct str param, key, value;
    while (params.n) {
        str_split(params, ';', &param, &params);
        str_split(param, '=', &key, &value);
        value = str_trim(value);
        if (!str_eq_nocase(str_trim(key), S("q")) || value.n == 0)
            continue;
        size_t i = 0;
        while (i < value.n && (value.p[i] == '0' || value.p[i] == '.'))
            i++;
        return i == value.n;
    }
    return false;
}

static bool accepts_gzip(struct http_request *r) {
    struct str rest = http_header(r, S("accept-encoding")), item, coding, params;
    while (rest.n) {
        str_split(rest, ',', &item, &rest);
        str_split(item, ';', &coding, &params);
        if (str_eq_nocase(str_trim(coding), S("gzip")) && !quality_is_zero(params))
            return true;
    }
    return false;
}

static bool already_encoded(const struct http_header *headers, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(headers[i].name, S("content-encoding")))
            return true;
    return false;
}

static void compress_chunks(const struct http_chunk *chunks, size_t n, struct buf *out) {
    z_stream z = {0};
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        panic("out of memory");
    for (size_t i = 0; i <= n; i++) {
        z.next_in = (Bytef *)(i < n ? chunks[i].bytes.p : NULL);
        z.avail_in = (uInt)(i < n ? chunks[i].bytes.n : 0);
        do {
            z.next_out = (Bytef *)buf_reserve(out, 64 * 1024);
            z.avail_out = 64 * 1024;
            (void)deflate(&z, i < n ? Z_NO_FLUSH : Z_FINISH);
            out->n += 64 * 1024 - z.avail_out;
        } while (z.avail_out == 0);
    }
    deflateEnd(&z);
}

static bool status_without_body(int status) {
    return status < 200 || status == 204 || status == 304;
}

/* CONFORMS: RFC 9110 5.5: control characters become spaces, so that a value cannot end its field. */
struct str request_safe_value(struct http_request *r, struct str s) {
    if (!has_control(s))
        return s;
    char *p = arena_bytes(&r->arena, s.n);
    for (size_t i = 0; i < s.n; i++)
        p[i] = (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i];
    return (struct str){p, s.n};
}

/* Letters, digits and the marks a token may have; others take the header out of the answer. */
bool request_safe_name(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && !strchr("!#$%&'*+-.^_`|~", s.p[i]))
            return false;
    return s.n > 0 && str_find_byte(s, 0) < 0;
}

static void release_all(const struct http_chunk *chunks, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (chunks[i].release)
            chunks[i].release(chunks[i].arg);
}

static void finish(struct http_request *r) {
    struct conn *c = r->conn;
    r->state = REQ_DONE;
    request_deadline(r, 0);
    r->ops->end(r);
    conn_push(c);
}

static void respond_gzip(struct http_request *r, int status, const struct http_header *headers,
                         size_t n_headers, const struct http_chunk *chunks, size_t n_chunks) {
    struct buf out = BUF_INIT;
    struct http_header *more = arena_new_n(&r->arena, n_headers + 2, struct http_header);
    if (n_headers)
        memcpy(more, headers, n_headers * sizeof *more);
    more[n_headers] = (struct http_header){S("content-encoding"), S("gzip")};
    more[n_headers + 1] = (struct http_header){S("vary"), S("accept-encoding")};
    compress_chunks(chunks, n_chunks, &out);
    release_all(chunks, n_chunks);
    r->ops->head(r, status, more, n_headers + 2, (int64_t)out.n, false);
    struct http_chunk packed = {.bytes = buf_view(&out), .release = free, .arg = out.p};
    r->ops->body(r, &packed, 1);
    finish(r);
}

void http_respond(struct http_request *r, int status, const struct http_header *headers, size_t n_headers,
                  const struct http_chunk *chunks, size_t n_chunks) {
    check(r->state == REQ_HANDLING);
    size_t bytes = 0;
    for (size_t i = 0; i < n_chunks; i++)
        bytes += chunks[i].bytes.n;
    bool no_body = r->in.method == HTTP_VERB_HEAD || status_without_body(status);
    if (!no_body && bytes >= GZIP_WORTHWHILE_BYTES && accepts_gzip(r) &&
        !already_encoded(headers, n_headers)) {
        respond_gzip(r, status, headers, n_headers, chunks, n_chunks);
        return;
    }
    r->ops->head(r, status, headers, n_headers, (int64_t)bytes, no_body);
    if (no_body)
        release_all(chunks, n_chunks);
    else
        r->ops->body(r, chunks, n_chunks);
    finish(r);
}

void http_respond_text(struct http_request *r, int status, struct str content_type, struct str body) {
    struct http_header h = {S("content-type"), content_type};
    char *copy = malloc(body.n + 1);
    if (!copy)
        panic("out of memory");
    if (body.n)
        memcpy(copy, body.p, body.n);
    struct http_chunk c = {.bytes = {copy, body.n}, .release = free, .arg = copy};
    http_respond(r, status, &h, 1, &c, 1);
}

/* -- streams -- */

void http_stream_begin(struct http_request *r, int status, const struct http_header *headers,
                       size_t n_headers, void (*on_writable)(void *user)) {
    check(r->state == REQ_HANDLING);
    r->on_writable = on_writable;
    r->no_body = r->in.method == HTTP_VERB_HEAD || status_without_body(status);
    r->ops->head(r, status, headers, n_headers, -1, r->no_body);
    r->state = REQ_STREAMING;
    r->ops->body(r, NULL, 0); /* the head goes out now, not with the first bytes */
    conn_push(r->conn);
}

size_t http_stream_queued(struct http_request *r) {
    return r->ops->queued(r);
}

int http_stream_write(struct http_request *r, const struct http_chunk *chunks, size_t n_chunks) {
    check(r->state == REQ_STREAMING);
    if (r->ops->queued(r) >= HTTP_STREAM_QUEUE_MAX) {
        if (!r->blocked)
            request_watch_reader(r);
        r->blocked = true;
        return ERR_AGAIN;
    }
    if (r->no_body) {
        release_all(chunks, n_chunks);
        return 0;
    }
    r->ops->body(r, chunks, n_chunks);
    conn_push(r->conn);
    return 0;
}

void request_writable(struct http_request *r) {
    if (!r->blocked || r->ops->queued(r) > HTTP_STREAM_QUEUE_MAX / 2)
        return;
    r->blocked = false;
    request_deadline(r, 0);
    if (r->on_writable)
        r->on_writable(r->user);
}

void http_stream_end(struct http_request *r) {
    check(r->state == REQ_STREAMING);
    finish(r);
}

struct str server_date(struct server_loop *l) {
    int64_t now = clock_wall_sec(loop_clock(l->loop));
    if (now != l->date_sec) {
        l->date_sec = now;
        (void)time_format_http(l->date_text, now);
    }
    return str_from(l->date_text);
}
