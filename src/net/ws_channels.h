/* net/ws_channels: channels (channels.h) in the messages of a WebSocket. Each message begins with the number
 * of its channel: a byte, or in the base64 protocols a digit, the rest being base64 text. In v5, a message to
 * channel 255 with one byte says that the client finished writing to that channel. Channels cannot end from
 * our side or singly; nobody is told.
 *
 * CONFORMS: KEP-4006 and the protocols channel.k8s.io, v4 and v5, and base64 forms. What the numbers mean is
 * the owner's: every channel is opened at once with the headers it was offered with.
 */
#pragma once

#include "net/channels.h"
#include "net/transport.h"

struct websocket;

/* The channels of the offer are opened by ws_channels_start, or before the first message if that is earlier;
 * the offer must live until then. */
struct channels *ws_channels_new(const struct channels_ops *ops, void *user, struct transport transport,
                                 struct str protocol, const struct channels_offer *offer,
                                 struct websocket **ret_websocket);
void ws_channels_start(struct channels *cs);

/* Frees what was never accepted, without on_close (websocket_accept has freed the websocket). */
void ws_channels_discard(struct channels *cs);

/* The messages of a WebSocket as the bytes of a transport, for "SPDY/3.1+…": what runs on it, the user, is
 * told through ops. Freed with the websocket; discard, when that was never accepted. */
struct ws_tunnel;
struct ws_tunnel *ws_tunnel_new(const struct http_raw_ops *ops, struct transport below,
                                struct websocket **ret_websocket);
struct transport ws_tunnel_transport(struct ws_tunnel *t);
void ws_tunnel_set_user(struct ws_tunnel *t, void *user);
void ws_tunnel_discard(struct ws_tunnel *t);
