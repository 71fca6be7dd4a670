/* net/websocket: the server's side of WebSockets, on a transport. CONFORMS: RFC 6455, framing by wslay.
 *
 * Messages are not collected: their bytes are handed on as they come, so a message costs no memory however
 * long it is (message_bytes_max bounds it all the same). Pings are answered here; a peer that breaks the
 * protocol is told why in a close frame, and on_close says so. A peer that makes us answer and does not read
 * is let go once the transport's queue is full.
 *
 * One loop, as the transport. A websocket is freed after its on_close; any call may be made from callbacks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http.h"
#include "net/transport.h"

struct websocket;

#define WEBSOCKET_MESSAGE_MAX (32u * 1024 * 1024) /* default */

enum websocket_code {
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_GOING_AWAY = 1001,
    WEBSOCKET_PROTOCOL_ERROR = 1002,
    WEBSOCKET_TOO_LARGE = 1009,
    WEBSOCKET_INTERNAL_ERROR = 1011,
};

/* A piece of a message; both first and last when it is all of it. */
struct websocket_piece {
    struct str bytes;
    bool text, first, last;
};

struct websocket_ops {
    void (*on_piece)(void *user, const struct websocket_piece *piece);
    void (*on_writable)(void *user); /* the transport has room again */
    /* Last call. why NULL: either side closed as one does. */
    void (*on_close)(void *user, const struct err *why);
};

struct websocket_options {
    const struct websocket_ops *ops;
    void *user;
    struct transport transport;
    uint64_t message_bytes_max; /* 0: WEBSOCKET_MESSAGE_MAX */
};

struct websocket *websocket_new(const struct websocket_options *options);

/* What the transport calls, with the websocket as user. */
extern const struct http_raw_ops websocket_raw_ops;

/* Sends one message, a copy of the parts. 0, ERR_AGAIN when the transport is full, ERR_CLOSED. */
int websocket_send(struct websocket *w, bool text, const struct str *parts, size_t n);
int websocket_ping(struct websocket *w, struct str bytes); /* at most 125 bytes */
size_t websocket_queued(const struct websocket *w);
void websocket_pause(struct websocket *w, bool pause);

/* Says goodbye and ends the connection once what waits is sent; nothing more is delivered. reason: at most
 * 123 bytes are sent. */
void websocket_close(struct websocket *w, enum websocket_code code, struct str reason);

/* Ends at once; on_close may be called before this returns. */
void websocket_abort(struct websocket *w);

/* -- the handshake -- */

/* Whether the request asks for a WebSocket. */
bool websocket_asked(struct http_request *r);

/* The first protocol the client offers that is one of ours (an empty one stands for no offer at all);
 * STR_NONE when there is none. */
struct str websocket_choose(struct http_request *r, const struct str *ours, size_t n);

/* Upgrades; protocol may be empty. On failure the request has been answered. The websocket was made with
 * http_transport(r); when this fails it is freed without on_close. */
int websocket_accept(struct http_request *r, struct str protocol, struct websocket *w, struct err *err);
