/* net/spdy: SPDY/3.1 as a carrier of channels (channels.h): what clients use for exec, attach and
 * port-forward that do not speak WebSockets yet, and what the streaming servers of container runtimes speak.
 *
 * CONFORMS: SPDY draft 3.1, with two exceptions that upstream's clients need. They neither send nor heed
 * WINDOW_UPDATE: so the peer's windows are kept to only once it has shown that it knows them (WINDOW_UPDATE
 * or SETTINGS came), and it is never reset for ignoring ours; what a channel cannot take stops the connection
 * instead. Streams are opened by the client only; what
 * it writes to one before the server's answer waits (upstream's servers drop it).
 *
 * Hostile peers: header blocks, headers, streams and frames that are kept are bounded (below); what the peer
 * makes us send is bounded by the transport's queue. One loop, as the transport.
 */
#pragma once

#include <stddef.h>

#include "net/channels.h"
#include "net/transport.h"

#define SPDY_STREAMS_MAX 1000u
#define SPDY_CONTROL_MAX (16u * 1024)      /* bytes of a control frame */
#define SPDY_HEADER_BYTES_MAX (16u * 1024) /* of one stream, uncompressed */
#define SPDY_HEADERS_MAX 64u

/* A session on a transport; `protocol` is what channels_protocol tells. It is freed after its on_close. */
struct channels *spdy_new(const struct channels_ops *ops, void *user, struct transport transport,
                          struct str protocol);

/* What the transport calls, with the session as user. */
extern const struct http_raw_ops spdy_raw_ops;

/* The client's side of one. on_open is never called. */
struct channels *spdy_client_new(const struct channels_ops *ops, void *user, struct transport transport,
                                 struct str protocol);

/* Opens a stream with headers (names in lower case; copied). NULL: the session ends, or there are too many.
 */
struct channel *spdy_open(struct channels *cs, const struct http_header *headers, size_t n);
