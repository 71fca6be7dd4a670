/* What the files of net/'s server share. */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/loop.h"
#include "net/conn.h"

struct http_server {
    struct http_server_options o;
    struct server_loop *loops;
    unsigned n_loops;
    uint16_t port;
    SSL_CTX *_Atomic ctx; /* replaced when certificates change; old ones live until their connections end */
    atomic_uint connections;
    atomic_bool draining;
    struct http_cert_watch *watch;
    BIO_METHOD *gathering; /* conn_tls.c; NULL without TLS */
};

/* One loop with its listener and connections. */
struct server_loop {
    struct http_server *server;
    struct loop *loop;
    uv_poll_t listener;
    struct timer resume; /* listens again after file descriptors ran out */
    int listen_fd;
    bool listening;
    struct conn *conns;
    struct conn *unsent; /* conn_push */
    struct timer send;   /* at the end of this turn */
    char *read_buffer;   /* CONN_READ_BYTES */
    char *cipher;        /* CONN_CIPHER_BYTES; conn_tls.c */
    size_t n_cipher;
    int64_t date_sec; /* of date_text */
    char date_text[48];
    atomic_uint n_conns;
};

/* A request, on either protocol. */
enum request_state { REQ_HEADERS, REQ_BODY, REQ_HANDLING, REQ_STREAMING, REQ_RAW, REQ_DONE };

struct request_ops {
    /* Sends the head; body_bytes < 0: a stream follows. no_body: HEAD, 204, 304. */
    void (*head)(struct http_request *r, int status, const struct http_header *headers, size_t n,
                 int64_t body_bytes, bool no_body);
    void (*body)(struct http_request *r, const struct http_chunk *chunks, size_t n);
    /* The answer is complete. */
    void (*end)(struct http_request *r);
    size_t (*queued)(struct http_request *r);
    /* Bytes of it that the peer has made room for, ever more. */
    uint64_t (*taken)(struct http_request *r);
    /* A time limit of the request has passed: ends it (stalled: the peer does not read). */
    void (*expired)(struct http_request *r, bool stalled);
};

struct http_request {
    const struct request_ops *ops;
    struct conn *conn;
    struct arena arena;
    struct http_in in;
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_bytes;
    char *body; /* malloc */
    size_t body_cap;
    enum request_state state;
    void *user;
    void (*on_gone)(void *user);
    void (*on_writable)(void *user);
    bool no_body; /* of a stream: what is written is dropped */
    bool blocked; /* a stream write was refused; on_writable is owed */
    const struct http_raw_ops *raw_ops;
    void *protocol;    /* h1's or h2's own */
    int32_t stream_id; /* HTTP/2 */
    struct chunkq out; /* HTTP/2: waits for the peer's window */
    bool out_ended;
    bool headers_done;         /* HTTP/2 */
    uint64_t taken;            /* HTTP/2: bytes that left `out` */
    struct http_request *lost; /* HTTP/2: next of those whose handler is to be told that the peer left */
    bool is_lost;
    struct timer timer; /* HTTP/2: headers, body; both: a peer that does not read */
    bool stalling;      /* the timer's purpose is the last of these */
    uint64_t taken_seen;
};

struct http_request *request_new(struct conn *c, const struct request_ops *ops, int version);

/* Tells the handler when it has not finished; frees. */
void request_gone(struct http_request *r);
void request_free(struct http_request *r);

/* Frees once what was sent is out: chunks may lie in the request's arena. */
void request_free_when_sent(struct http_request *r);

/* 0, or the status to answer with: 431 for too many or too large headers, 400 for bad ones. */
int request_add_header(struct http_request *r, struct str name, struct str value);

/* Headers of an answer as text of HTTP/1.1. */
void h1_put_headers(struct buf *b, struct http_request *r, const struct http_header *headers, size_t n);

/* HTTP/1.1 leaves the connection to an upgrade; returns what came behind the request. */
struct buf h1_leave(struct http_request *r);

/* Splits and decodes the request target. False: malformed (400). */
bool request_set_target(struct http_request *r, struct str target);
void request_set_method(struct http_request *r, struct str method);

/* 0, or 413. */
int request_add_body(struct http_request *r, const char *p, size_t n);

/* Headers and body are there: calls the handler. */
void request_dispatch(struct http_request *r);

/* Headers of answers come from handlers: neither may end its line. */
struct str request_safe_value(struct http_request *r, struct str value);
bool request_safe_name(struct str name);

/* Ends the request unless it goes on within so many milliseconds; 0: no limit. */
void request_deadline(struct http_request *r, unsigned ms);

/* Ends the request when the peer takes nothing of what waits for a while. */
void request_watch_reader(struct http_request *r);

/* The queue of a stream has room again. */
void request_writable(struct http_request *r);

/* The Date header's text, made once a second. */
struct str server_date(struct server_loop *l);

void server_conn_added(struct server_loop *l, struct conn *c);
void server_conn_removed(struct server_loop *l, struct conn *c);
