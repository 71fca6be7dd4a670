/* runtime/grpc_priv: what the files of the gRPC client share.
 *
 * grpc.c     channels: queueing calls on the loop, waiting for them, streams
 * grpc_conn.c  one connection: socket, HTTP/2 session, its calls
 * grpc_read.c  what comes back in one call: headers, messages, status
 *
 * Everything here happens on the channel's loop, so nothing is locked. A call is in at most one list: the
 * channel's waiting ones or a connection's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/str.h"
#include "base/timer.h"

struct grpc_conn;
struct waiter;

#define GRPC_PREFIX_BYTES 5
#define GRPC_HEADER_BYTES_MAX (32u * 1024) /* of one call, with trailers */
#define GRPC_WINDOW (1 << 20)              /* of one call */
#define GRPC_CONN_WINDOW (4 << 20)         /* of all */
#define GRPC_STATUS_NONE (-1)

/* One call. Lives with its caller; grpc_exchange_finish is the last that touches it on the loop. */
struct grpc_exchange {
    struct grpc_exchange *next, **link; /* in a list; link NULL: in none */
    struct grpc *channel;
    struct grpc_conn *conn; /* NULL while it waits */
    int32_t stream_id;
    const char *path;
    struct str request;
    char prefix[GRPC_PREFIX_BYTES];
    size_t sent; /* bytes of prefix and request */
    int64_t timeout_ms;
    struct timer timer;
    bool many;    /* any number of messages */
    bool resent;  /* once is enough */
    bool started; /* the server has answered with headers */

    /* what has come back */
    size_t header_bytes;
    int http_status;
    bool is_grpc; /* by its content type */
    int status;   /* GRPC_STATUS_NONE: not yet */
    struct buf text;
    char head[GRPC_PREFIX_BYTES]; /* of the message that is coming */
    size_t n_head, want;
    struct buf message;
    uint32_t messages;

    int code; /* a fault of ours, or the result */
    struct err err;
    void (*on_message)(struct grpc_exchange *x);
    void (*done)(struct grpc_exchange *x);
};

struct grpc {
    char *socket, *address; /* owned; one of them */
    uint16_t port;
    size_t answer_max;
    struct loop *loop;
    bool owns_loop;
    struct grpc_conn *conn;        /* the one that takes new calls; NULL: none */
    struct grpc_conn *conns;       /* all, with those that drain */
    struct grpc_exchange *waiting; /* for the connection */
    struct waiter *empty;          /* signalled when the last connection is gone; NULL: nobody waits */
};

/* For messages: "unix:///run/x.sock", "tcp://127.0.0.1:80". */
void grpc_target(const struct grpc *g, char *out, size_t size);

void grpc_list_add(struct grpc_exchange **list, struct grpc_exchange *x);
void grpc_list_remove(struct grpc_exchange *x);

/* Ends it with a fault of ours (code is negative), or as the answer says (0). */
void grpc_exchange_finish(struct grpc_exchange *x, int code);

/* -- grpc_conn.c -- */

/* Makes g->conn and begins to connect. */
int grpc_conn_open(struct grpc *g, struct err *err);

/* Begins the call on the connection, which is ready. */
void grpc_conn_submit(struct grpc_conn *c, struct grpc_exchange *x);
bool grpc_conn_ready(const struct grpc_conn *c);

/* Forgets the call: the server is told. */
void grpc_conn_cancel(struct grpc_conn *c, struct grpc_exchange *x);

/* Fails its calls and closes it; it frees itself later. */
void grpc_conn_close(struct grpc_conn *c, int code, const char *why);
void grpc_conn_close_all(struct grpc *g, int code, const char *why);

/* -- grpc_read.c: each returns false when the call has a fault (code and err are set) -- */

bool grpc_read_header(struct grpc_exchange *x, struct str name, struct str value);
bool grpc_read_data(struct grpc_exchange *x, struct str data);

/* The result after the server has ended the call. */
int grpc_read_end(struct grpc_exchange *x);
