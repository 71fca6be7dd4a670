/* runtime/grpc: calls to a gRPC server on this machine, over a Unix socket or plain TCP.
 *
 * One connection carries all calls at once (HTTP/2 with prior knowledge). It is made when it is needed and
 * made again after the server has gone; a call that was under way then fails with ERR_CLOSED, one that the
 * server said it did not begin is sent again. The connection lives on an event loop; callers wait.
 *
 * Codes: OK 0, CANCELLED ERR_CANCELLED, INVALID_ARGUMENT and OUT_OF_RANGE ERR_INVALID, DEADLINE_EXCEEDED
 * ERR_TIMEOUT, NOT_FOUND ERR_NOT_FOUND, ALREADY_EXISTS ERR_EXISTS, PERMISSION_DENIED ERR_FORBIDDEN,
 * UNAUTHENTICATED ERR_UNAUTHORIZED, RESOURCE_EXHAUSTED and UNAVAILABLE ERR_AGAIN, FAILED_PRECONDITION and
 * ABORTED ERR_CONFLICT, UNIMPLEMENTED ERR_UNSUPPORTED, DATA_LOSS ERR_CORRUPT, UNKNOWN and INTERNAL
 * ERR_INTERNAL. The message is the server's. What is not gRPC at all is ERR_CORRUPT.
 *
 * Threads: calls from any thread but the loop's. Why not libcurl: docs/decisions/0004.
 * CONFORMS: gRPC over HTTP/2; no compression is offered.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf;
struct err;
struct grpc;
struct grpc_stream;
struct loop;

#define GRPC_ANSWER_MAX (16u * 1024 * 1024) /* bytes of one message, as the kubelet has it */

struct grpc_options {
    const char *socket;  /* path of a Unix socket; NULL: TCP to address and port */
    const char *address; /* numeric */
    uint16_t port;
    struct loop *loop; /* to live on, must outlive it; NULL: one of its own */
    size_t answer_max; /* 0: GRPC_ANSWER_MAX */
};

/* Does not connect yet. */
int grpc_new(const struct grpc_options *options, struct grpc **ret, struct err *err);

/* Closes the connection; no calls may be under way, no streams left. NULL is fine. */
void grpc_free(struct grpc *g);

struct grpc_call {
    const char *path;   /* "/runtime.v1.RuntimeService/Version" */
    struct str request; /* the message; borrowed until the call is over */
    int64_t timeout_ms; /* 0: none. The server is told, too */
};

/* One message there, one message back: appended to *ret_answer, which is as it was on failure. Blocks. */
int grpc_unary(struct grpc *g, const struct grpc_call *call, struct buf *ret_answer, struct err *err);

struct grpc_stream_options {
    /* A message of the server, borrowed for the call. On the loop's thread: must not block. */
    void (*on_message)(void *arg, struct str message);
    /* Called once when it is over, with 0 when the server ended it in order. The same thread. */
    void (*on_end)(void *arg, int code, const struct err *err);
    void *arg;
};

/* One message there, any number back. The request is copied. Does not block. */
int grpc_stream_start(struct grpc *g, const struct grpc_call *call, const struct grpc_stream_options *options,
                      struct grpc_stream **ret, struct err *err);

/* Ends it with ERR_CANCELLED when it still runs, waits until on_end has returned, frees it. NULL is fine. */
void grpc_stream_stop(struct grpc_stream *s);
