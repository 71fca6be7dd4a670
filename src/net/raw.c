/* Upgraded connections: raw bytes both ways. See http.h and transport.h. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/server_priv.h"
#include "net/transport.h"

struct raw {
    struct http_request *request;
    const struct http_raw_ops *ops;
    void *user;
};

static bool raw_on_data(struct conn *c, const char *p, size_t n) {
    struct raw *w = c->p;
    w->ops->on_data(w->user, str_make(p, n));
    return true;
}

static void raw_on_eof(struct conn *c) {
    struct raw *w = c->p;
    w->ops->on_data(w->user, S(""));
    if (c->shut)
        conn_close(c);
}

static void raw_on_writable(struct conn *c) {
    struct raw *w = c->p;
    if (c->out.bytes < CONN_OUTPUT_LOW && w->ops->on_writable)
        w->ops->on_writable(w->user);
}

static void raw_on_close(struct conn *c) {
    struct raw *w = c->p;
    w->ops->on_close(w->user, NULL);
    c->upgraded = w->request;
    free(w);
    c->p = NULL;
}

static void raw_on_drain(struct conn *c) {
    (void)c;
}

static bool raw_on_timeout(struct conn *c) {
    (void)c;
    return true;
}

const struct conn_protocol raw_protocol = {
    .on_data = raw_on_data,
    .on_eof = raw_on_eof,
    .on_writable = raw_on_writable,
    .on_close = raw_on_close,
    .on_drain = raw_on_drain,
    .on_timeout = raw_on_timeout,
};

static void send_upgrade_head(struct http_request *r, struct str protocol, const struct http_header *headers,
                              size_t n) {
    struct buf b = BUF_INIT;
    buf_printf(&b, "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: %.*s\r\n",
               STR_ARG(request_safe_value(r, protocol)));
    h1_put_headers(&b, r, headers, n);
    buf_lit(&b, "\r\n");
    conn_send(r->conn, (struct http_chunk){.bytes = buf_view(&b), .release = free, .arg = b.p});
}

int http_upgrade(struct http_request *r, struct str protocol, const struct http_header *headers,
                 size_t n_headers, const struct http_raw_ops *ops, void *user, struct err *err) {
    struct conn *c = r->conn;
    check(r->state == REQ_HANDLING);
    if (r->in.version != 1)
        return err_set(err, ERR_UNSUPPORTED, "a connection of HTTP/2 cannot be upgraded");
    struct raw *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    *w = (struct raw){.request = r, .ops = ops, .user = user};
    send_upgrade_head(r, protocol, headers, n_headers);
    r->state = REQ_RAW;
    r->protocol = w;
    struct buf early = h1_leave(r);
    c->p = w;
    c->protocol = &raw_protocol;
    conn_deadline(c, 0);
    conn_pause(c, false); /* too much of it may have come before the answer */
    if (early.n)
        ops->on_data(user, buf_view(&early));
    buf_fini(&early);
    conn_push(c);
    return 0;
}

int http_raw_write(struct http_request *r, const struct http_chunk *chunks, size_t n_chunks) {
    struct conn *c = r->conn;
    if (c->shut_when_sent || c->linger_when_sent || c->state == CONN_CLOSING)
        return ERR_CLOSED;
    if (c->out.bytes >= HTTP_STREAM_QUEUE_MAX)
        return ERR_AGAIN;
    for (size_t i = 0; i < n_chunks; i++)
        conn_send(c, chunks[i]);
    conn_push(c);
    return 0;
}

void http_raw_pause(struct http_request *r, bool pause) {
    conn_pause(r->conn, pause);
}

void http_raw_shutdown(struct http_request *r) {
    conn_shutdown(r->conn);
}

void http_raw_close(struct http_request *r) {
    conn_close(r->conn);
}

void http_raw_finish(struct http_request *r) {
    conn_linger(r->conn);
    conn_push(r->conn);
}

size_t http_raw_queued(struct http_request *r) {
    return r->conn->out.bytes;
}

/* -- as a transport -- */

static int t_write(void *t, const struct http_chunk *chunks, size_t n) {
    return http_raw_write(t, chunks, n);
}

static size_t t_queued(void *t) {
    return http_raw_queued(t);
}

static void t_pause(void *t, bool pause) {
    http_raw_pause(t, pause);
}

static void t_finish(void *t) {
    http_raw_finish(t);
}

static void t_close(void *t) {
    http_raw_close(t);
}

struct transport http_transport(struct http_request *r) {
    static const struct transport_ops ops = {t_write, t_queued, t_pause, t_finish, t_close};
    return (struct transport){&ops, r};
}
