/* net/http: what HTTP/1.1 and HTTP/2 have in common: requests that come in, responses that go out, streams.
 *
 * A server runs N identical loops (base/loop.h), each with its own connections and no shared state; a request
 * lives on one loop from its first byte to its last, and everything below is called on that loop's thread
 * only. Other threads post to the loop (loop of a request: http_request_loop).
 *
 * Life of a request: the body is collected (bounded), then the handler is called once. It answers at once or
 * later, with one response, a stream, or an upgrade, each exactly once. If the peer goes away first, on_gone
 * is called (not from within a write) and the request must not be touched after it returns. The request's
 * arena lives until the answer is sent.
 *
 * Output is chunks that borrow shared bytes (frozen objects' encodings) and give them back through release,
 * so a response of many objects is written with writev and copies nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;
struct http_server;
struct http_request;
struct loop;

#define HTTP_HEADERS_MAX 128u
#define HTTP_HEADER_BYTES_MAX (64u * 1024)     /* request line and headers; more is answered with 431 */
#define HTTP_BODY_BYTES_MAX (3u * 1024 * 1024) /* default; more is answered with 413 */
#define HTTP_STREAM_QUEUE_MAX                                                                                \
    (1u << 20)                 /* bytes waiting for a slow reader before http_stream_write refuses */
#define HTTP2_STREAMS_MAX 250u /* concurrent streams of a connection */

enum http_verb {
    HTTP_VERB_GET,
    HTTP_VERB_HEAD,
    HTTP_VERB_POST,
    HTTP_VERB_PUT,
    HTTP_VERB_PATCH,
    HTTP_VERB_DELETE,
    HTTP_VERB_OPTIONS,
    HTTP_VERB_CONNECT,
    HTTP_VERB_OTHER, /* the text is in method_text */
};

struct http_header {
    struct str name; /* lower case */
    struct str value;
};

/* Who is at the other end. */
struct http_peer {
    struct str address; /* text, without port */
    uint16_t port;
    bool tls;
    const void *cert; /* X509 *, verified against the client CAs; NULL: none was presented */
};

/* What a handler reads. Borrowed from the request. */
struct http_in {
    enum http_verb method;
    struct str method_text;
    struct str
        path; /* percent-decoded, starts with '/', no empty, "." or ".." segments taken away: as sent */
    struct str query; /* raw, without '?' */
    struct str host;  /* Host or :authority */
    const struct http_header *headers;
    size_t n_headers;
    struct str body;
    int version; /* 1 or 2 */
    struct http_peer peer;
};

/* Bytes to send. release (may be NULL) is called once when they are no longer needed. */
struct http_chunk {
    struct str bytes;
    void (*release)(void *arg);
    void *arg;
};

typedef void (*http_handler_fn)(void *arg, struct http_request *r);

const struct http_in *http_in(struct http_request *r);
struct arena *http_arena(struct http_request *r);
struct loop *http_request_loop(struct http_request *r);

/* First header of that (lower case) name, STR_NONE when there is none. */
struct str http_header(struct http_request *r, struct str name);

/* Whether a comma-separated list holds the token, in any case. */
bool http_list_has(struct str list, struct str token);

/* The first item of a header's lists (it may be there many times) that is one of ours, exactly. An empty one
 * of ours stands for a client that names nothing. STR_NONE when there is none. */
struct str http_choose(struct http_request *r, struct str name, const struct str *ours, size_t n);

/* First value of a query parameter, percent-decoded into the arena; STR_NONE when there is none. */
struct str http_query(struct http_request *r, struct str name);

/* A slot for the handler's own state, and what to call when the peer goes away before the answer is complete.
 */
void http_set_user(struct http_request *r, void *user, void (*on_gone)(void *user));
void *http_user(struct http_request *r);

/* One complete answer. content-length, date and gzip (when asked, allowed and worthwhile) are added here. */
void http_respond(struct http_request *r, int status, const struct http_header *headers, size_t n_headers,
                  const struct http_chunk *chunks, size_t n_chunks);

/* Copies body. */
void http_respond_text(struct http_request *r, int status, struct str content_type, struct str body);

/* A streamed answer. write: 0, or ERR_AGAIN when HTTP_STREAM_QUEUE_MAX bytes wait already (nothing is taken,
 * release is not called); then on_writable is called once the queue is half empty. */
void http_stream_begin(struct http_request *r, int status, const struct http_header *headers,
                       size_t n_headers, void (*on_writable)(void *user));
int http_stream_write(struct http_request *r, const struct http_chunk *chunks, size_t n_chunks);
size_t http_stream_queued(struct http_request *r);
void http_stream_end(struct http_request *r);

/* Upgrades (HTTP/1.1 only; extended CONNECT of RFC 8441 on HTTP/2 for WebSockets): answers 101 with the
 * headers and hands over the raw bytes both ways. */
struct http_raw_ops {
    void (*on_data)(void *user, struct str bytes); /* bytes.n == 0: the peer finished writing */
    void (*on_writable)(void *user);
    void (*on_close)(void *user, const struct err *why); /* last call; why NULL: clean */
};
int http_upgrade(struct http_request *r, struct str protocol, const struct http_header *headers,
                 size_t n_headers, const struct http_raw_ops *ops, void *user, struct err *err);

/* 0, ERR_AGAIN when HTTP_STREAM_QUEUE_MAX bytes wait already (on_writable is called later), ERR_CLOSED after
 * http_raw_shutdown or the end; on failure nothing is taken and release is not called. */
int http_raw_write(struct http_request *r, const struct http_chunk *chunks, size_t n_chunks);
void http_raw_pause(struct http_request *r, bool pause); /* stop reading: back-pressure */
void http_raw_shutdown(struct http_request *r);          /* finish writing; closes once the peer does too */
/* Ends the connection once what waits is sent (a peer that still sends gets to read it); on_close follows. */
void http_raw_finish(struct http_request *r);
size_t http_raw_queued(struct http_request *r);
void http_raw_close(struct http_request *r); /* both ways, at once */

struct http_server_options {
    struct str address;               /* IP, "" is any */
    uint16_t port;                    /* 0: any free, see http_server_port */
    const char *unix_path;            /* instead of address and port */
    unsigned loops;                   /* 0: number of cores, at most 8 */
    const char *cert_path, *key_path; /* TLS; NULL: plain. Reloaded when the files change */
    const char *client_ca_path; /* certificates of clients are asked for and verified; NULL: not asked */
    size_t body_bytes_max;      /* 0: HTTP_BODY_BYTES_MAX */
    unsigned header_timeout_ms; /* 0: 10,000: from connection to complete headers (slow-loris) */
    unsigned body_timeout_ms;   /* 0: 60,000 */
    unsigned idle_timeout_ms;   /* 0: 90,000 */
    unsigned connections_max;   /* 0: 20,000; more are refused */
    http_handler_fn handler;
    void *arg;
    /* The server stops: called first on each loop, so that the owner ends the streams and upgraded
     * connections that it has there. May be NULL. */
    void (*on_drain)(void *arg, struct loop *l);
};

/* Starts listening and serving on its own threads. The process ignores SIGPIPE from then on. */
int http_server_start(const struct http_server_options *options, struct http_server **ret_server,
                      struct err *err);
uint16_t http_server_port(const struct http_server *s);

/* Stops accepting, tells HTTP/2 peers to go away, lets requests in flight finish for at most drain_ms, then
 * closes everything and joins the threads. on_drain is called first on each loop so that the owner ends its
 * streams. */
void http_server_stop(struct http_server *s, unsigned drain_ms);

/* Reads certificate and key again now (also done by itself when the files change). */
int http_server_reload(struct http_server *s, struct err *err);
