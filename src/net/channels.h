/* net/channels: several streams of bytes on one upgraded connection, whatever carries them: SPDY/3.1 (spdy.h)
 * or the messages of a WebSocket (ws_channels.h). What exec, attach and port-forward are made of; who serves
 * them need not know which it is.
 *
 *     static const struct channels_ops ops = {.on_open = opened, .on_data = got, …};
 *     if (channels_upgrade(r, &offer, &ops, session, &session->channels, &err) < 0)
 *         return;                     // answered already
 *
 * Everything runs on the connection's loop. A channel ends by itself: it lives until both sides have finished
 * writing (on_end was called, and channel_end was), or on_reset was called; the connection, until on_close.
 * Any of the calls may be made from within any of the callbacks.
 *
 * Memory: what waits to be sent is bounded by CHANNELS_QUEUE_MAX for all channels together, what waits for a
 * paused channel by CHANNELS_HELD_MAX; then the connection is not read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "net/http.h"

struct channel;
struct channels;
struct err;

#define CHANNELS_QUEUE_MAX (256u * 1024)
#define CHANNELS_HELD_MAX (1024u * 1024)
#define CHANNEL_WRITE_MAX (64u * 1024) /* of one write */

struct channels_ops {
    /* The peer opened a channel (SPDY), or one of those that were offered is there (WebSocket: in order,
     * before anything else). False refuses it. */
    bool (*on_open)(void *user, struct channel *ch);
    void (*on_data)(void *user, struct channel *ch, struct str bytes);
    /* The peer finished writing. */
    void (*on_end)(void *user, struct channel *ch);
    /* The peer gave the channel up both ways: last call for it. */
    void (*on_reset)(void *user, struct channel *ch);
    /* There is room again after channel_write took less than all. */
    void (*on_writable)(void *user, struct channel *ch);
    /* Last call: the channels are gone, without further calls for each. why NULL: ended as it should. */
    void (*on_close)(void *user, const struct err *why);
};

/* -- one channel -- */

uint32_t channel_id(const struct channel *ch);
struct channels *channel_owner(const struct channel *ch);

/* A header it was opened with (lower case: "streamtype", "port", "requestid"), STR_NONE when there is none.
 */
struct str channel_header(const struct channel *ch, struct str name);

void channel_set_user(struct channel *ch, void *user);
void *channel_user(const struct channel *ch);

/* Sends a copy of what there is room for: returns how many bytes that was (on_writable is called later when
 * it was not all), or ERR_CLOSED when nobody will read it. No bytes: a WebSocket's client gets an empty
 * message, by which it sees that the channel works. */
int channel_write(struct channel *ch, struct str bytes);

/* Finishes writing. */
void channel_end(struct channel *ch);

/* Gives it up both ways; the channel is not to be used after the present callback. */
void channel_reset(struct channel *ch);

/* Delivers nothing more (or again). */
void channel_pause(struct channel *ch, bool pause);

/* -- all of them -- */

/* The protocol that was agreed on: "v4.channel.k8s.io". */
struct str channels_protocol(const struct channels *cs);

/* Sends what waits, then ends the connection; on_close follows, nothing else does. */
void channels_finish(struct channels *cs);

/* Ends it at once; on_close may be called before this returns. */
void channels_abort(struct channels *cs, const char *reason);

/* -- coming from a request -- */

struct channels_offer {
    /* Of SPDY/3.1 (X-Stream-Protocol-Version), and of WebSockets (Sec-WebSocket-Protocol), best first. An
     * empty name stands for clients that name none. "SPDY/3.1+NAME" is NAME in SPDY/3.1 within a WebSocket.
     */
    const struct str *spdy, *websocket;
    size_t n_spdy, n_websocket;
    /* A WebSocket's channels, by number: the value of the header streamtype of each, and headers for all. */
    const struct str *types;
    size_t n_types;
    const struct http_header *const *headers; /* of each type; may be NULL */
    const size_t *n_headers;
};

/* Whether the client asks for an upgrade to channels at all. */
bool channels_asked(struct http_request *r);

/* Upgrades the request. On failure it has been answered with a text that says why, and err says it too.
 * *ret_channels is set before the first callback, which may come before this returns. */
int channels_upgrade(struct http_request *r, const struct channels_offer *offer,
                     const struct channels_ops *ops, void *user, struct channels **ret_channels,
                     struct err *err);
