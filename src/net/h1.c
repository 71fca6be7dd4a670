/* HTTP/1.1. CONFORMS: RFC 9112.
 *
 * One request at a time: while it is answered, what else comes in is kept (CONN_INPUT_MAX) and read on when
 * the answer is complete. Framing that could be read in two ways is refused: a body length together with
 * chunked coding, two lengths, any coding but chunked, folded headers, names that are no tokens (white space
 * before the colon), control characters, lines and chunks that do not end in CR LF. http_parser, as Debian
 * builds it, does not mind most of these, so the lines are looked at here too: it is paused wherever lines
 * end and bytes of a body begin. An answer that cannot be framed on HTTP/1.0 ends with the connection.
 */
#include <http_parser.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/server_priv.h"

#define KEPT_BUFFER_MAX 4096       /* of an idle connection */
#define FRAMING_SLACK (16u * 1024) /* bytes of a chunked body that are no body, besides ... */
#define FRAMING_PER_CHUNK 24u      /* ... these for each chunk */

struct h1 {
    http_parser parser;
    struct http_request *request;   /* being read or answered */
    struct buf target, name, value; /* being read */
    bool in_value;
    struct buf input;   /* what came in meanwhile */
    uint64_t sent_seen; /* conn.sent at the last time-out */
    int error;          /* status to answer a malformed request with */
    bool complete, keep_alive, chunked, expect_continue, length_seen;
    bool coded;                   /* there was a transfer-encoding */
    bool trailers;                /* read and forgotten: they must not pass for headers */
    bool chunk_ended;             /* its data did */
    bool in_data, data_next;      /* bytes of a body, no lines; from where the parser pauses next */
    char line_last, data_tail[2]; /* byte of a line */
    uint64_t framing, chunks;     /* of a chunked body: bytes that came, how many */
    bool answering;               /* the handler has the request */
    bool processing;              /* inside h1_run: do not start over */
};

static const struct request_ops h1_ops;

static struct http_request *current(struct h1 *h) {
    return h->request;
}

/* -- parsing -- */

static int on_begin(http_parser *p) {
    struct conn *c = p->data;
    struct h1 *h = c->p;
    h->request = request_new(c, &h1_ops, 1);
    h->request->protocol = h;
    buf_clear(&h->target);
    buf_clear(&h->name);
    buf_clear(&h->value);
    h->in_value = h->expect_continue = h->length_seen = h->complete = h->trailers = h->coded = false;
    h->framing = h->chunks = 0;
    return 0;
}

static int on_target(http_parser *p, const char *at, size_t n) {
    struct h1 *h = ((struct conn *)p->data)->p;
    if (h->target.n + n > HTTP_HEADER_BYTES_MAX) {
        h->error = 431;
        return 1;
    }
    buf_put(&h->target, at, n);
    return 0;
}

static int finish_header(struct h1 *h) {
    struct str name = buf_view(&h->name), value = str_trim(buf_view(&h->value));
    if (name.n == 0)
        return 0;
    if (!request_safe_name(name))
        h->error = 400;
    bool length = str_eq_nocase(name, S("content-length"));
    if (length && h->length_seen)
        h->error = 400;
    h->length_seen |= length;
    if (str_eq_nocase(name, S("transfer-encoding"))) {
        if (h->coded || !str_eq_nocase(value, S("chunked")) || h->parser.http_minor == 0)
            h->error = 400;
        h->coded = true;
    }
    if (str_eq_nocase(name, S("expect")))
        h->expect_continue = str_eq_nocase(value, S("100-continue"));
    int status = request_add_header(current(h), name, value);
    if (status && !h->error)
        h->error = status;
    buf_clear(&h->name);
    buf_clear(&h->value);
    return h->error ? 1 : 0;
}

static int on_name(http_parser *p, const char *at, size_t n) {
    struct h1 *h = ((struct conn *)p->data)->p;
    if (h->trailers)
        return 0;
    if (h->in_value && finish_header(h))
        return 1;
    h->in_value = false;
    if (h->name.n + n > HTTP_HEADER_BYTES_MAX) {
        h->error = 431;
        return 1;
    }
    buf_put(&h->name, at, n);
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t n) {
    struct h1 *h = ((struct conn *)p->data)->p;
    if (h->trailers)
        return 0;
    h->in_value = true;
    if (h->value.n + n > HTTP_HEADER_BYTES_MAX) {
        h->error = 431;
        return 1;
    }
    buf_put(&h->value, at, n);
    return 0;
}

static int on_headers(http_parser *p) {
    struct conn *c = p->data;
    struct h1 *h = c->p;
    struct http_request *r = current(h);
    if (finish_header(h))
        return -1;
    h->trailers = true;
    bool both = h->length_seen && p->flags & F_CHUNKED;
    bool bare = p->http_major == 1 && p->http_minor >= 1 && !r->in.host.p;
    request_set_method(r, str_from(http_method_str((enum http_method)p->method)));
    if (both || bare || p->http_major != 1 || !request_set_target(r, buf_view(&h->target))) {
        h->error = p->http_major != 1 ? 505 : 400;
        return -1;
    }
    if (p->content_length != ULLONG_MAX && p->content_length > c->loop->server->o.body_bytes_max) {
        h->error = 413;
        return -1;
    }
    bool has_body = p->flags & F_CHUNKED || (p->content_length && p->content_length != ULLONG_MAX);
    h->data_next = has_body && !(p->flags & F_CHUNKED);
    http_parser_pause(p, 1);
    if (h->expect_continue && has_body)
        conn_send(c, (struct http_chunk){.bytes = S("HTTP/1.1 100 Continue\r\n\r\n")});
    conn_deadline(c, c->loop->server->o.body_timeout_ms);
    return 0;
}

static int on_body(http_parser *p, const char *at, size_t n) {
    struct h1 *h = ((struct conn *)p->data)->p;
    h->error = request_add_body(current(h), at, n);
    return h->error ? 1 : 0;
}

static int on_chunk(http_parser *p) {
    struct h1 *h = ((struct conn *)p->data)->p;
    h->chunks++;
    h->data_next = p->content_length > 0;
    http_parser_pause(p, 1);
    return 0;
}

static int on_chunk_end(http_parser *p) {
    struct h1 *h = ((struct conn *)p->data)->p;
    h->data_next = false;
    h->chunk_ended = h->in_data;
    http_parser_pause(p, 1);
    return 0;
}

static int on_complete(http_parser *p) {
    struct h1 *h = ((struct conn *)p->data)->p;
    h->keep_alive = http_should_keep_alive(p) && !p->upgrade;
    h->complete = true;
    h->data_next = false;
    http_parser_pause(p, 1);
    return 0;
}

static const http_parser_settings settings = {
    .on_message_begin = on_begin,
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_headers,
    .on_body = on_body,
    .on_chunk_header = on_chunk,
    .on_chunk_complete = on_chunk_end,
    .on_message_complete = on_complete,
};

/* -- answers -- */

static void put_date_and_end(struct buf *b, struct conn *c) {
    buf_printf(b, "date: %s\r\n\r\n", server_date(c->loop).p);
}

void h1_put_headers(struct buf *b, struct http_request *r, const struct http_header *headers, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!request_safe_name(headers[i].name))
            continue;
        buf_str(b, headers[i].name);
        buf_lit(b, ": ");
        buf_str(b, request_safe_value(r, headers[i].value));
        buf_lit(b, "\r\n");
    }
}

static void h1_head(struct http_request *r, int status, const struct http_header *headers, size_t n,
                    int64_t body_bytes, bool no_body) {
    struct h1 *h = r->protocol;
    struct buf b = BUF_INIT;
    bool old = h->parser.http_minor == 0;
    h->chunked = body_bytes < 0 && !old && !no_body;
    if (body_bytes < 0 && old)
        h->keep_alive = false;
    if (atomic_load(&r->conn->loop->server->draining))
        h->keep_alive = false;
    const char *reason = http_status_str((enum http_status)status);
    buf_printf(&b, "HTTP/1.1 %d %s\r\n", status, reason);
    h1_put_headers(&b, r, headers, n);
    if (h->chunked)
        buf_lit(&b, "transfer-encoding: chunked\r\n");
    else if (body_bytes >= 0 && status != 204 && status != 304 &&
             (!no_body || r->in.method == HTTP_VERB_HEAD))
        buf_printf(&b, "content-length: %lld\r\n", (long long)body_bytes);
    if (!h->keep_alive)
        buf_lit(&b, "connection: close\r\n");
    put_date_and_end(&b, r->conn);
    conn_send(r->conn, (struct http_chunk){.bytes = buf_view(&b), .release = free, .arg = b.p});
}

static void h1_body(struct http_request *r, const struct http_chunk *chunks, size_t n) {
    struct h1 *h = r->protocol;
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += chunks[i].bytes.n;
    if (h->chunked && bytes) {
        char head[24];
        conn_send_copy(r->conn, head, (size_t)snprintf(head, sizeof head, "%zx\r\n", bytes));
    }
    for (size_t i = 0; i < n; i++)
        conn_send(r->conn, chunks[i]);
    if (h->chunked && bytes)
        conn_send(r->conn, (struct http_chunk){.bytes = S("\r\n")});
}

static bool h1_run(struct conn *c);

static void trim(struct buf *b) {
    if (b->n == 0 && b->cap > KEPT_BUFFER_MAX)
        buf_fini(b);
}

/* Idle connections are many: what one request was large in does not stay. */
static void trim_buffers(struct h1 *h) {
    buf_clear(&h->target);
    buf_clear(&h->name);
    buf_clear(&h->value);
    trim(&h->target);
    trim(&h->name);
    trim(&h->value);
    trim(&h->input);
}

/* The next request was here already. As inside a callback: whoever ended the answer flushes. */
static void run_again(struct conn *c) {
    bool inside = c->in_callback;
    c->in_callback = true;
    if (!h1_run(c))
        conn_linger(c);
    c->in_callback = inside;
}

static void h1_end(struct http_request *r) {
    struct h1 *h = r->protocol;
    struct conn *c = r->conn;
    if (h->chunked)
        conn_send(c, (struct http_chunk){.bytes = S("0\r\n\r\n")});
    h->chunked = false;
    h->request = NULL;
    h->answering = false;
    request_free_when_sent(r);
    if (!h->keep_alive) {
        conn_finish(c);
        return;
    }
    conn_deadline(c, c->loop->server->o.idle_timeout_ms);
    trim_buffers(h);
    if (c->read_paused)
        conn_pause(c, false);
    if (!h->processing && h->input.n)
        run_again(c);
}

static size_t h1_queued(struct http_request *r) {
    return r->conn->out.bytes;
}

static uint64_t h1_taken(struct http_request *r) {
    return r->conn->sent;
}

static void h1_expired(struct http_request *r, bool stalled) {
    check(stalled); /* the other limits are the connection's */
    conn_close(r->conn);
}

static const struct request_ops h1_ops = {h1_head, h1_body, h1_end, h1_queued, h1_taken, h1_expired};

/* A request that cannot be understood, or is too large: an answer, then the end. */
static void answer_error(struct conn *c, int status) {
    struct buf b = BUF_INIT;
    const char *reason = http_status_str((enum http_status)status);
    buf_printf(&b,
               "HTTP/1.1 %d %s\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %zu\r\n"
               "connection: close\r\n",
               status, reason, strlen(reason));
    put_date_and_end(&b, c);
    buf_printf(&b, "%s", reason);
    conn_send(c, (struct http_chunk){.bytes = buf_view(&b), .release = free, .arg = b.p});
}

/* -- the connection -- */

/* CONFORMS: RFC 9112 2.2, 5.2: lines end in CR LF, a CR stands nowhere else, none is folded. */
static bool lines_are_plain(struct h1 *h, const char *p, size_t n) {
    char last = h->line_last;
    for (size_t i = 0; i < n; i++) {
        bool folded = last == '\n' && (p[i] == ' ' || p[i] == '\t');
        if ((p[i] == '\n') != (last == '\r') || folded)
            return false;
        last = p[i];
    }
    h->line_last = last;
    return true;
}

/* Of a body: its first byte may still be the last of the head's, and chunks end in CR LF. */
static bool data_is_framed(struct h1 *h, const char *p, size_t n) {
    if (n == 0)
        return true;
    if (h->line_last == '\r' && *p != '\n')
        return false;
    h->line_last = 0;
    h->data_tail[0] = n > 1 ? p[n - 2] : h->data_tail[1];
    h->data_tail[1] = p[n - 1];
    return !h->chunk_ended || (h->data_tail[0] == '\r' && h->data_tail[1] == '\n');
}

static bool too_much_framing(const struct h1 *h) {
    return h->chunks && h->framing > FRAMING_SLACK + h->chunks * FRAMING_PER_CHUNK + h->request->in.body.n;
}

/* Feeds the parser until it pauses, where lines end and a body begins or the other way round. */
static size_t parse(struct conn *c, const char *p, size_t n, bool *ret_paused) {
    struct h1 *h = c->p;
    if (HTTP_PARSER_ERRNO(&h->parser) == HPE_PAUSED)
        http_parser_pause(&h->parser, 0);
    bool body = h->trailers;
    size_t used = http_parser_execute(&h->parser, &settings, p, n);
    enum http_errno e = HTTP_PARSER_ERRNO(&h->parser);
    *ret_paused = e == HPE_PAUSED;
    if (e != HPE_OK && e != HPE_PAUSED && !h->error)
        h->error = e == HPE_HEADER_OVERFLOW ? 431 : 400;
    h->framing += body ? used : 0;
    bool plain = h->in_data ? data_is_framed(h, p, used) : lines_are_plain(h, p, used);
    h->chunk_ended = false;
    if (!h->error && (!plain || too_much_framing(h)))
        h->error = 400;
    if (*ret_paused)
        h->in_data = h->data_next;
    if (h->complete)
        h->line_last = 0;
    return used;
}

static bool refuse(struct conn *c) {
    struct h1 *h = c->p;
    answer_error(c, h->error);
    if (h->request)
        request_free(h->request);
    h->request = NULL;
    return false;
}

static void dispatch(struct conn *c) {
    struct h1 *h = c->p;
    h->complete = false;
    h->answering = true;
    conn_deadline(c, 0);
    request_dispatch(h->request);
}

/* Reads requests from input until one is being answered or more bytes are needed. False: close. */
static bool h1_run(struct conn *c) {
    struct h1 *h = c->p;
    bool go_on = true;
    h->processing = true;
    while (go_on && h->input.n && !h->answering && c->protocol == &h1_protocol && !conn_is_ending(c) &&
           c->out.bytes < HTTP_STREAM_QUEUE_MAX) {
        bool paused;
        size_t used = parse(c, h->input.p, h->input.n, &paused);
        if (h->error) {
            go_on = refuse(c);
            break;
        }
        buf_remove(&h->input, 0, used);
        if (h->complete)
            dispatch(c);
        else if (!paused)
            break;
    }
    h->processing = false;
    return go_on;
}

/* CONFORMS: RFC 9113 3.4: a client that knows may begin with HTTP/2's preface. */
static bool starts_h2(const char *p, size_t n) {
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    return n >= sizeof preface - 1 && memcmp(p, preface, sizeof preface - 1) == 0;
}

static void h1_free(struct h1 *h) {
    buf_fini(&h->target);
    buf_fini(&h->name);
    buf_fini(&h->value);
    buf_fini(&h->input);
    free(h);
}

static bool h1_on_data(struct conn *c, const char *p, size_t n) {
    struct h1 *h = c->p;
    if (!h->request && h->input.n == 0 && starts_h2(p, n)) {
        h1_free(h);
        h2_start(c);
        return c->protocol->on_data(c, p, n);
    }
    if (conn_is_ending(c))
        return true; /* nothing of it will be looked at */
    buf_put(&h->input, p, n);
    if (h->answering || c->out.bytes >= HTTP_STREAM_QUEUE_MAX) {
        if (h->input.n >= CONN_INPUT_MAX)
            conn_pause(c, true);
        return true;
    }
    return h1_run(c);
}

/* A peer that finished writing may still read the answers that wait. */
static void h1_on_eof(struct conn *c) {
    struct h1 *h = c->p;
    if (h->answering)
        conn_close(c);
    else
        conn_finish(c);
}

static void h1_on_writable(struct conn *c) {
    struct h1 *h = c->p;
    if (h->request && h->answering) {
        request_writable(h->request);
        return;
    }
    if (c->read_paused)
        conn_pause(c, false);
    if (h->input.n) /* requests that came while too many answers waited */
        run_again(c);
}

static void h1_on_close(struct conn *c) {
    struct h1 *h = c->p;
    if (h->request && h->answering)
        request_gone(h->request);
    else if (h->request)
        request_free(h->request);
    h1_free(h);
    c->p = NULL;
}

static void h1_on_drain(struct conn *c) {
    struct h1 *h = c->p;
    h->keep_alive = false;
    if (!h->request)
        conn_finish(c); /* an answer may be on its way */
}

/* A slow reader of the last answer is not idle as long as it reads. */
static bool h1_on_timeout(struct conn *c) {
    struct h1 *h = c->p;
    if (chunkq_empty(&c->out) || c->sent == h->sent_seen)
        return true;
    h->sent_seen = c->sent;
    conn_deadline(c, c->loop->server->o.idle_timeout_ms);
    return false;
}

const struct conn_protocol h1_protocol = {
    .on_data = h1_on_data,
    .on_eof = h1_on_eof,
    .on_writable = h1_on_writable,
    .on_close = h1_on_close,
    .on_drain = h1_on_drain,
    .on_timeout = h1_on_timeout,
};

void h1_start(struct conn *c) {
    struct h1 *h = calloc(1, sizeof *h);
    if (!h)
        panic("out of memory");
    http_parser_init(&h->parser, HTTP_REQUEST);
    h->parser.data = c;
    c->p = h;
    c->protocol = &h1_protocol;
    conn_deadline(c, c->loop->server->o.header_timeout_ms);
}

/* -- upgrades -- */

/* h1_run still looks at h when this is called from a handler: it is freed with the request. */
struct buf h1_leave(struct http_request *r) {
    struct conn *c = r->conn;
    struct h1 *h = c->p;
    struct buf early = h->input;
    h->input = (struct buf)BUF_INIT;
    h->request = NULL;
    h->answering = true;
    c->p = NULL;
    arena_hold(&r->arena, (void (*)(void *))h1_free, h);
    return early;
}
