/* net/translate: the channels of a client's WebSocket (exec, attach) as the streams of SPDY/3.1 that
 * container runtimes serve. Inside net/, for relay.h.
 *
 * CONFORMS: KEP-4006. Half-close (v5), sizes of the terminal and the exit status go through; an end without a
 * status becomes one on the error channel.
 *
 * Memory: each way holds what the other side does not take, then reading stops: at most CHANNELS_HELD_MAX
 * from the client and one read from the backend beside the queues of both connections. One loop; frees
 * itself.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct backend;
struct http_request;

/* Which streams the command has. */
struct translate_streams {
    bool in, out, err, tty;
};

/* The protocol that the client is to be given, of those it offers; STR_NONE: none of these. */
struct str translate_choose(struct http_request *r);

/* What the backend is asked for, and has to agree to. */
#define TRANSLATE_BACKEND_PROTOCOL "v4.channel.k8s.io"

/* The backend has agreed: it is taken over, and the client's request is upgraded, or answered with what is
 * wrong with it. May be called from the backend's callback. */
void translate_start(struct http_request *r, struct backend *b, const struct translate_streams *streams);
