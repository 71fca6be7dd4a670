/* net/transport: the bytes of one connection both ways, for protocols that run on top of one: an upgraded
 * HTTP connection, the messages of a WebSocket, memory in tests.
 *
 * Downwards the protocol calls transport_ops. Upwards it is told through struct http_raw_ops (http.h): data,
 * room to write, the end. All on the connection's loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "net/http.h"

struct transport_ops {
    /* 0; ERR_AGAIN when HTTP_STREAM_QUEUE_MAX bytes wait already; ERR_CLOSED. On failure nothing is taken. */
    int (*write)(void *t, const struct http_chunk *chunks, size_t n);
    /* Bytes that wait to be sent. */
    size_t (*queued)(void *t);
    /* Stops reading: back-pressure. */
    void (*pause)(void *t, bool pause);
    /* Sends what waits, then ends; on_close follows. */
    void (*finish)(void *t);
    /* Ends at once; on_close may be called before this returns. */
    void (*close)(void *t);
};

struct transport {
    const struct transport_ops *ops;
    void *t;
};

/* Of a request that was upgraded, or is about to be. */
struct transport http_transport(struct http_request *r);
