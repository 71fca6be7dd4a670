/* test/unit/runtime/grpc_server: a small gRPC server on a Unix socket that does what a test tells it, also
 * wrong things. It has a thread of its own; `serve` is called on it. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct grpc_server;

/* What a call is answered with. The fields that are zero mean a proper answer. */
struct grpc_reply {
    int http_status;          /* 0: 200 */
    const char *content_type; /* NULL: application/grpc */
    struct str body;          /* raw bytes with their prefixes; lives as long as the server */
    int status;               /* grpc-status; -1: no trailers at all */
    const char *message;      /* grpc-message, as it goes over the wire; NULL: none */
    bool trailers_only;       /* the status is in the headers, no body */
    bool hang;                /* headers and body, but no end */
    bool silent;              /* nothing at all */
    bool refuse;              /* REFUSED_STREAM */
    bool reset;               /* INTERNAL_ERROR after headers and body */
    bool go_away;             /* GOAWAY besides; with refuse: before this call */
    bool drop;                /* the connection is closed */
    unsigned padding;         /* so many headers of a kilobyte more */
};

struct grpc_server_options {
    const char *socket;
    void (*serve)(void *arg, const char *path, struct str request, struct grpc_reply *reply);
    void *arg;
    struct str garbage; /* not empty: sent on connecting instead of HTTP/2 */
};

struct grpc_server *grpc_server_start(const struct grpc_server_options *options);

/* Closes all connections, ends. */
void grpc_server_stop(struct grpc_server *s);

/* Connections accepted and calls cancelled (RST_STREAM received) so far. */
unsigned grpc_server_accepted(struct grpc_server *s);
unsigned grpc_server_cancelled(struct grpc_server *s);
/* The value of grpc-timeout of the last call, "" when it had none; valid until the next call. */
const char *grpc_server_timeout(struct grpc_server *s);

/* The bytes of one message with its prefix. Static buffer of the caller. */
struct str grpc_frame(char *out, struct str message);
