/* HTTP/2. CONFORMS: RFC 9113, by nghttp2.
 *
 * Each stream is a request with a queue of its own; nghttp2 asks for data as the peer's windows allow and
 * gets the queued chunks without copying. A slow reader costs its stream's queue (HTTP_STREAM_QUEUE_MAX) and
 * no more.
 *
 * Floods: nghttp2 bounds queued SETTINGS and PING answers and the parts of a header block. Streams that are
 * reset as fast as they are opened (CVE-2023-44487), or that make us reset them (CVE-2025-8671), end the
 * connection once more than RESETS_MAX resets went either way within RESET_WINDOW_NS. Bodies that are being
 * collected share BODIES_MAX times the limit of one. A stream has its own limits of time: for its headers,
 * its body, and for a peer that does not read.
 *
 * Streams may end while a handler writes (what nghttp2 had queued is sent then). Their own handlers are told
 * by a timer in the next turn of the loop: until then such requests are lost, and what is written to them is
 * dropped.
 */
#include <nghttp2/nghttp2.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "net/server_priv.h"

#define RESETS_MAX 500
#define RESET_WINDOW_NS (10 * NS_PER_SEC)
#define STREAM_WINDOW (256 * 1024)
#define CONNECTION_WINDOW (1024 * 1024)
#define BODIES_MAX 8
#define OUTBOUND_ACKS_MAX 200 /* SETTINGS and PING answers that wait */

struct h2 {
    struct conn *conn;
    nghttp2_session *session;
    unsigned streams;
    unsigned resets;
    int64_t resets_since_ns;
    bool draining, running;
    bool pushing;              /* a handler is on the stack */
    struct http_request *lost; /* see there */
    struct timer tell_lost;
    size_t body_bytes;                                /* of all requests that have not been answered */
    struct http_request *requests[HTTP2_STREAMS_MAX]; /* open, in no order */
};

static const struct request_ops h2_ops;

static void drop_request(struct h2 *h, struct http_request *r) {
    h->body_bytes -= r->in.body.n;
    for (unsigned i = 0; i < h->streams; i++)
        if (h->requests[i] == r) {
            h->requests[i] = h->requests[--h->streams];
            return;
        }
}

/* Has nghttp2 make frames while there is room for them. */
static bool run(struct h2 *h) {
    struct conn *c = h->conn;
    if (h->running)
        return true;
    h->running = true;
    int e = 0;
    while (e == 0 && c->out.bytes < CONN_OUTPUT_LOW && nghttp2_session_want_write(h->session)) {
        size_t before = c->out.bytes;
        e = nghttp2_session_send(h->session);
        if (c->out.bytes == before)
            break;
    }
    h->running = false;
    return e == 0 && (nghttp2_session_want_read(h->session) || nghttp2_session_want_write(h->session));
}

/* Runs and, outside of the connection's own callbacks, sends. */
static void kick(struct h2 *h) {
    struct conn *c = h->conn;
    if (h->running)
        return;
    h->pushing = true;
    if (!run(h))
        conn_linger(c);
    h->pushing = false;
    conn_push(c);
}

/* -- coming in -- */

static int on_begin_headers(nghttp2_session *s, const nghttp2_frame *f, void *arg) {
    struct h2 *h = arg;
    if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    if (h->streams == HTTP2_STREAMS_MAX)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    struct http_request *r = request_new(h->conn, &h2_ops, 2);
    r->protocol = h;
    r->stream_id = f->hd.stream_id;
    h->requests[h->streams++] = r;
    nghttp2_session_set_stream_user_data(s, f->hd.stream_id, r);
    conn_deadline(h->conn, 0);
    request_deadline(r, h->conn->loop->server->o.header_timeout_ms);
    return 0;
}

static void respond_status(struct http_request *r, int status) {
    struct http_header retry = {S("retry-after"), S("1")};
    struct str text = status == 413   ? S("Request Entity Too Large")
                      : status == 408 ? S("Request Timeout")
                      : status == 429 ? S("Too Many Requests")
                      : status == 431 ? S("Request Header Fields Too Large")
                                      : S("Bad Request");
    struct http_chunk body = {.bytes = text};
    r->state = REQ_HANDLING;
    http_respond(r, status, &retry, status == 429, &body, 1);
}

static int pseudo_header(struct http_request *r, struct str name, struct str value) {
    if (str_eq(name, S(":method")))
        request_set_method(r, value);
    else if (str_eq(name, S(":path")))
        return request_set_target(r, value) ? 0 : 400;
    else if (str_eq(name, S(":authority")))
        r->in.host = arena_str(&r->arena, value);
    return 0;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
                     const uint8_t *value, size_t value_n, uint8_t flags, void *arg) {
    (void)flags;
    (void)arg;
    if (f->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0; /* trailers must not pass for headers */
    struct http_request *r = nghttp2_session_get_stream_user_data(s, f->hd.stream_id);
    struct str k = {(const char *)name, name_n}, v = {(const char *)value, value_n};
    if (!r || r->state != REQ_HEADERS)
        return 0;
    bool host = str_eq(k, S("host")) && r->in.host.p; /* :authority goes first */
    int status = k.n && k.p[0] == ':' ? pseudo_header(r, k, v) : host ? 0 : request_add_header(r, k, v);
    if (status)
        respond_status(r, status);
    return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t stream_id, const uint8_t *data, size_t n,
                   void *arg) {
    (void)flags;
    struct h2 *h = arg;
    struct http_request *r = nghttp2_session_get_stream_user_data(s, stream_id);
    if (!r || r->state != REQ_HEADERS)
        return 0;
    int status = request_add_body(r, (const char *)data, n);
    h->body_bytes += status ? 0 : n;
    if (status == 0 && h->body_bytes > BODIES_MAX * h->conn->loop->server->o.body_bytes_max)
        status = 429;
    if (status)
        respond_status(r, status);
    return 0;
}

/* Counts streams that either side takes back; ends the connection when there are too many. */
static void count_reset(struct h2 *h) {
    int64_t now = clock_mono_ns(loop_clock(h->conn->loop->loop));
    if (now - h->resets_since_ns > RESET_WINDOW_NS) {
        h->resets_since_ns = now;
        h->resets = 0;
    }
    if (++h->resets > RESETS_MAX)
        (void)nghttp2_session_terminate_session(h->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *arg) {
    struct h2 *h = arg;
    if (f->hd.type == NGHTTP2_RST_STREAM)
        count_reset(h);
    bool carries = f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA;
    struct http_request *r = carries ? nghttp2_session_get_stream_user_data(s, f->hd.stream_id) : NULL;
    if (!r || r->state != REQ_HEADERS)
        return 0;
    if (f->hd.flags & NGHTTP2_FLAG_END_STREAM) {
        request_deadline(r, 0);
        request_dispatch(r);
    } else if (!r->headers_done) {
        r->headers_done = true;
        request_deadline(r, h->conn->loop->server->o.body_timeout_ms);
    }
    return 0;
}

/* An answer that ends before its request did: the rest of that is not wanted. CONFORMS: RFC 9113 8.1. */
static int on_frame_sent(nghttp2_session *s, const nghttp2_frame *f, void *arg) {
    struct h2 *h = arg;
    if (f->hd.type == NGHTTP2_RST_STREAM)
        count_reset(h);
    bool carries = f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA;
    if (carries && f->hd.flags & NGHTTP2_FLAG_END_STREAM &&
        nghttp2_session_get_stream_remote_close(s, f->hd.stream_id) == 0)
        (void)nghttp2_submit_rst_stream(s, NGHTTP2_FLAG_NONE, f->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
}

static void lose(struct h2 *h, struct http_request *r) {
    r->is_lost = true;
    r->lost = h->lost;
    h->lost = r;
    loop_timer_start(h->conn->loop->loop, &h->tell_lost, 0);
}

static void tell_lost(struct h2 *h) {
    for (struct http_request *r; (r = h->lost) != NULL;) {
        h->lost = r->lost;
        request_gone(r);
    }
}

static void on_tell_lost(struct timer *t) {
    tell_lost((struct h2 *)((char *)t - offsetof(struct h2, tell_lost)));
}

static int on_stream_close(nghttp2_session *s, int32_t stream_id, uint32_t error, void *arg) {
    struct h2 *h = arg;
    struct http_request *r = nghttp2_session_get_stream_user_data(s, stream_id);
    (void)error;
    if (!r)
        return 0;
    drop_request(h, r);
    nghttp2_session_set_stream_user_data(s, stream_id, NULL);
    request_deadline(r, 0);
    if (h->pushing && r->state != REQ_DONE)
        lose(h, r);
    else
        request_gone(r);
    if (h->streams == 0)
        conn_deadline(h->conn, h->conn->loop->server->o.idle_timeout_ms);
    return 0;
}

/* -- going out -- */

static ssize_t on_send(nghttp2_session *s, const uint8_t *data, size_t n, int flags, void *arg) {
    (void)s;
    (void)flags;
    struct h2 *h = arg;
    if (h->conn->out.bytes >= CONN_OUTPUT_LOW)
        return NGHTTP2_ERR_WOULDBLOCK;
    conn_send_copy(h->conn, data, n);
    return (ssize_t)n;
}

static ssize_t read_queue(nghttp2_session *s, int32_t stream_id, uint8_t *to, size_t n, uint32_t *flags,
                          nghttp2_data_source *source, void *arg) {
    (void)s;
    (void)stream_id;
    (void)to;
    (void)arg;
    struct http_request *r = source->ptr;
    if (chunkq_empty(&r->out) && !r->out_ended)
        return NGHTTP2_ERR_DEFERRED;
    size_t take = r->out.bytes < n ? r->out.bytes : n;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (take == r->out.bytes && r->out_ended)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)take;
}

static int on_send_data(nghttp2_session *s, nghttp2_frame *f, const uint8_t *head, size_t n,
                        nghttp2_data_source *source, void *arg) {
    (void)s;
    struct h2 *h = arg;
    struct http_request *r = source->ptr;
    if (h->conn->out.bytes >= CONN_OUTPUT_LOW)
        return NGHTTP2_ERR_WOULDBLOCK;
    check(f->data.padlen == 0);
    r->taken += n;
    conn_send_copy(h->conn, head, 9);
    chunkq_move(&r->out, &h->conn->out, n);
    return 0;
}

static nghttp2_nv make_nv(struct str name, struct str value) {
    return (nghttp2_nv){
        .name = (uint8_t *)name.p, .value = (uint8_t *)value.p, .namelen = name.n, .valuelen = value.n};
}

static void h2_head(struct http_request *r, int status, const struct http_header *headers, size_t n,
                    int64_t body_bytes, bool no_body) {
    struct h2 *h = r->protocol;
    nghttp2_nv nv[HTTP_HEADERS_MAX];
    char status_text[8], length_text[24];
    size_t k = 0;
    if (r->is_lost)
        return;
    check(n + 3 <= HTTP_HEADERS_MAX);
    int status_n = snprintf(status_text, sizeof status_text, "%d", status);
    nv[k++] = make_nv(S(":status"), str_make(status_text, (size_t)status_n));
    for (size_t i = 0; i < n; i++)
        if (request_safe_name(headers[i].name))
            nv[k++] = make_nv(headers[i].name, request_safe_value(r, headers[i].value));
    nv[k++] = make_nv(S("date"), server_date(r->conn->loop));
    if (body_bytes >= 0 && status != 204 && status != 304) {
        int length_n = snprintf(length_text, sizeof length_text, "%lld", (long long)body_bytes);
        nv[k++] = make_nv(S("content-length"), str_make(length_text, (size_t)length_n));
    }
    nghttp2_data_provider source = {.source = {.ptr = r}, .read_callback = read_queue};
    bool empty = (no_body && body_bytes >= 0) || body_bytes == 0;
    (void)nghttp2_submit_response(h->session, r->stream_id, nv, k, empty ? NULL : &source);
}

static void h2_body(struct http_request *r, const struct http_chunk *chunks, size_t n) {
    struct h2 *h = r->protocol;
    for (size_t i = 0; i < n; i++)
        chunkq_push(&r->out, chunks[i]);
    if (r->is_lost)
        chunkq_consume(&r->out, r->out.bytes);
    else if (r->state == REQ_STREAMING) {
        (void)nghttp2_session_resume_data(h->session, r->stream_id);
        kick(h);
    }
}

static void h2_end(struct http_request *r) {
    struct h2 *h = r->protocol;
    r->out_ended = true;
    if (r->is_lost)
        return;
    request_watch_reader(r);
    (void)nghttp2_session_resume_data(h->session, r->stream_id);
    kick(h);
}

static size_t h2_queued(struct http_request *r) {
    return r->out.bytes;
}

static uint64_t h2_taken(struct http_request *r) {
    return r->taken;
}

static void h2_expired(struct http_request *r, bool stalled) {
    struct h2 *h = r->protocol;
    if (!stalled && !r->headers_done) {
        conn_close(r->conn); /* amid a header block nothing else can be read */
    } else if (!stalled) {
        respond_status(r, 408);
    } else {
        (void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, r->stream_id, NGHTTP2_CANCEL);
        kick(h);
    }
}

static const struct request_ops h2_ops = {h2_head, h2_body, h2_end, h2_queued, h2_taken, h2_expired};

/* -- the connection -- */

static bool h2_on_data(struct conn *c, const char *p, size_t n) {
    struct h2 *h = c->p;
    h->running = true; /* nghttp2 must not be asked to send while it calls us */
    ssize_t used = nghttp2_session_mem_recv(h->session, (const uint8_t *)p, n);
    h->running = false;
    if (used < 0)
        return false;
    return run(h);
}

static void h2_on_eof(struct conn *c) {
    conn_close(c);
}

static void h2_on_writable(struct conn *c) {
    struct h2 *h = c->p;
    if (!run(h))
        conn_linger(c);
    for (unsigned i = h->streams; i-- > 0;)
        if (i < h->streams)
            request_writable(h->requests[i]);
}

static void h2_on_close(struct conn *c) {
    struct h2 *h = c->p;
    h->running = true; /* nothing is sent any more */
    loop_timer_stop(c->loop->loop, &h->tell_lost);
    tell_lost(h);
    while (h->streams) {
        struct http_request *r = h->requests[--h->streams];
        nghttp2_session_set_stream_user_data(h->session, r->stream_id, NULL);
        request_gone(r);
    }
    nghttp2_session_del(h->session);
    free(h);
    c->p = NULL;
}

static void h2_on_drain(struct conn *c) {
    struct h2 *h = c->p;
    if (h->draining)
        return;
    h->draining = true;
    (void)nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR, NULL,
                                0);
    kick(h);
}

static bool h2_on_timeout(struct conn *c) {
    struct h2 *h = c->p;
    (void)nghttp2_session_terminate_session(h->session, NGHTTP2_NO_ERROR);
    (void)run(h);
    return true;
}

const struct conn_protocol h2_protocol = {
    .on_data = h2_on_data,
    .on_eof = h2_on_eof,
    .on_writable = h2_on_writable,
    .on_close = h2_on_close,
    .on_drain = h2_on_drain,
    .on_timeout = h2_on_timeout,
};

static nghttp2_session_callbacks *make_callbacks(void) {
    nghttp2_session_callbacks *cb;
    if (nghttp2_session_callbacks_new(&cb) != 0)
        panic("out of memory");
    nghttp2_session_callbacks_set_send_callback(cb, on_send);
    nghttp2_session_callbacks_set_send_data_callback(cb, on_send_data);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    return cb;
}

void h2_start(struct conn *c) {
    struct h2 *h = calloc(1, sizeof *h);
    if (!h)
        panic("out of memory");
    h->conn = c;
    h->tell_lost.fire = on_tell_lost;
    nghttp2_session_callbacks *cb = make_callbacks();
    nghttp2_option *o;
    if (nghttp2_option_new(&o) != 0)
        panic("out of memory");
    nghttp2_option_set_max_outbound_ack(o, OUTBOUND_ACKS_MAX);
    nghttp2_option_set_no_closed_streams(o, 1);
    if (nghttp2_session_server_new2(&h->session, cb, h, o) != 0)
        panic("out of memory");
    nghttp2_option_del(o);
    nghttp2_session_callbacks_del(cb);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP2_STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEADER_BYTES_MAX},
    };
    (void)nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
                                  sizeof settings / sizeof *settings);
    (void)nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
    c->p = h;
    c->protocol = &h2_protocol;
    conn_deadline(c, c->loop->server->o.idle_timeout_ms);
    (void)run(h);
    if (!c->in_callback)
        conn_flush(c);
}
