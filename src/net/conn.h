/* net/conn: one accepted connection: socket, TLS, what waits to be sent, time limits. Inside net/.
 *
 * The transport reads and writes the socket itself (through OpenSSL when there is TLS) and is told by a poll
 * handle when that may go on. What the bytes mean is the protocol's: h1.c, h2.c, or raw bytes after an
 * upgrade. A connection belongs to its loop; nothing here is called from elsewhere.
 *
 *     handshake ──ALPN h2──> h2
 *         └──────else──────> h1 ──upgrade──> raw
 */
#pragma once

#include <openssl/ssl.h>
#include <uv.h>

#include "base/buf.h"
#include "base/timer.h"
#include "net/chunkq.h"
#include "net/http.h"

struct server_loop;
struct conn;
struct h2;

#define CONN_READ_BYTES (64u * 1024)    /* one read; a buffer of the loop */
#define CONN_INPUT_MAX (64u * 1024)     /* kept while a request is being answered; then reading stops */
#define CONN_CIPHER_BYTES (128u * 1024) /* written at once; a buffer of the loop */
#define CONN_OUTPUT_LOW (64u * 1024)    /* below it, protocols hand over more */

enum conn_state { CONN_HANDSHAKE, CONN_OPEN, CONN_CLOSING };

/* What a protocol does with a connection. */
struct conn_protocol {
    /* Bytes came in; returns false when the connection is to end: conn_linger. */
    bool (*on_data)(struct conn *c, const char *p, size_t n);
    /* The peer finished writing. */
    void (*on_eof)(struct conn *c);
    /* Output has fallen below CONN_OUTPUT_LOW. */
    void (*on_writable)(struct conn *c);
    /* The connection ends: free what is the protocol's. Last call. */
    void (*on_close)(struct conn *c);
    /* The server drains: end when idle, say so to the peer. */
    void (*on_drain)(struct conn *c);
    /* A time limit passed; true: close. */
    bool (*on_timeout)(struct conn *c);
};

struct conn {
    struct server_loop *loop;
    struct conn *prev, *next;               /* of the loop */
    struct conn *unsent_prev, *unsent_next; /* of those that conn_push left for the end of the loop's turn */
    uv_poll_t poll;
    int events; /* polled for now */
    int fd;
    SSL *ssl;
    enum conn_state state;
    const struct conn_protocol *protocol; /* NULL during the handshake */
    void *p;                              /* the protocol's */
    struct chunkq out;
    struct buf cipher; /* of TLS: what the socket did not take yet */
    uint64_t sent;     /* bytes */
    struct timer timer;
    struct http_peer peer;
    char address[64];
    struct http_request *upgraded; /* freed with the connection */
    bool read_paused, eof, want_write;
    bool close_when_sent, shut_when_sent, linger_when_sent;
    bool shut; /* wrote its last byte */
    bool unsent;
    bool owed, broken; /* after conn_push: on_writable is, the connection is */
    bool in_callback;  /* closing waits until the protocol returns */
};

/* Takes over fd. */
void conn_accept(struct server_loop *l, int fd);

/* Queues bytes; flushed when the protocol returns, or now with conn_flush. */
void conn_send(struct conn *c, struct http_chunk chunk);
void conn_send_copy(struct conn *c, const void *p, size_t n);

/* Sends what waits as far as the socket takes it, then calls the protocol for more, and closes when it is to.
 * Not while a handler is on the stack: conn_push. */
void conn_flush(struct conn *c);

/* Sends as far as the socket takes it and calls nobody back: handlers may be amid writing. The loop's next
 * turn does the rest (more output, closing). Less than a TLS record waits for the end of the loop's turn, so
 * that what many streams of a connection have to say goes out at once. */
void conn_push(struct conn *c);

/* Reads no more (or again): back-pressure. */
void conn_pause(struct conn *c, bool pause);

/* Closes as soon as what waits is sent. */
void conn_finish(struct conn *c);

/* Finishes writing as soon as what waits is sent; reading goes on. */
void conn_shutdown(struct conn *c);

/* Ends the connection once what waits is sent, but lets a peer that is still sending read that first: a close
 * with bytes unread would reset the connection and take the answer from it. */
void conn_linger(struct conn *c);

/* Closes now. The protocol's on_close runs before this returns, unless it is the protocol that calls. */
void conn_close(struct conn *c);

/* Starts the one time limit there is (0: none), in milliseconds from now. */
void conn_deadline(struct conn *c, unsigned ms);

/* -- TLS, conn_tls.c -- */

BIO_METHOD *conn_tls_method(void);
/* False: out of memory. */
bool conn_tls_open(struct conn *c, SSL_CTX *ctx);
void conn_tls_free(struct conn *c);
/* After every call of OpenSSL that may write. False: the connection is broken. What the socket did not take
 * waits in c->cipher. */
bool conn_tls_flush(struct conn *c);

extern const struct conn_protocol h1_protocol, h2_protocol, raw_protocol;

/* Whether it will end without reading another request. */
static inline bool conn_is_ending(const struct conn *c) {
    return c->close_when_sent || c->linger_when_sent;
}

/* Called once, when the handshake is over (or there is none). */
void h1_start(struct conn *c);
void h2_start(struct conn *c);
