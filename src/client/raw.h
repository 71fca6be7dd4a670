/* client/raw: requests to the API server that are no calls on objects: discovery, OpenAPI, tables, logs,
 * proxies. For the command line, and where somebody must see what the server really says.
 *
 * Only clients of the remote transport can do it; others answer ERR_UNSUPPORTED.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

struct arena;
struct client;
struct err;
struct raw_stream;

#define RAW_FOREVER 0xffffffffu

struct raw_call {
    const char *method;        /* GET */
    struct str path;           /* "/apis?x=y", escaped already */
    const struct str *headers; /* "name: value" */
    size_t n_headers;
    struct str body;     /* sent when it is not absent */
    unsigned timeout_ms; /* 0: CLIENT_TIMEOUT_MS; RAW_FOREVER */
    size_t answer_max;   /* bytes; 0: 256 MiB */
};

struct raw_answer {
    int http_code;
    struct str content_type;
    struct str warning; /* all of them, with ", " between; in the arena, as all headers */
    struct str etag;
    int retry_after_seconds;
    struct str body;
    struct arena *arena;
};

/* Blocks until the whole answer is there, which lies in the arena. 0 for every HTTP code; else ERR_IO,
 * ERR_TIMEOUT, ERR_CLOSED, ERR_TOO_LARGE. */
int client_raw(struct client *c, const struct raw_call *call, struct arena *a, struct raw_answer *ret,
               struct err *err);

/* An answer that comes piece by piece. The callbacks run on the transport's thread and should not block for
 * long; on_data != 0 ends it. on_done: once, last; code as above. */
struct raw_sink {
    void (*on_head)(void *arg, int http_code, struct str content_type);
    int (*on_data)(void *arg, struct str bytes);
    void (*on_done)(void *arg, int code, const struct err *err);
    void *arg;
};
/* The same, waiting for the end. */
int client_raw_stream(struct client *c, const struct raw_call *call, const struct raw_sink *sink,
                      struct err *err);
/* Without waiting. Ends it with raw_stream_free, which waits until no callback runs any more (not from
 * within one). */
int client_raw_start(struct client *c, const struct raw_call *call, const struct raw_sink *sink,
                     struct raw_stream **ret, struct err *err);
void raw_stream_free(struct raw_stream *s);
