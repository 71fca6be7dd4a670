/* net/relay: a request that is handed on to a backend, and the answer that comes back: streams both ways,
 * with back-pressure.
 *
 *     waiting ──head──▶ streaming ──end──▶ done
 *        └─────101────▶ tunnel ──either side ends──▶ done
 *
 * CONFORMS: there is a tunnel only when the backend has answered 101; any other answer is passed on as one.
 *
 * Everything on the request's loop. A relay belongs to its request: it frees itself before the last of its
 * calls, or is freed by the owner whose client went away while it waited or streamed (http_set_user).
 */
#pragma once

#include <stdbool.h>

#include "net/backend.h"
#include "net/http.h"
#include "net/translate.h"

struct buf;
struct relay;

#define RELAY_REFUSAL_MAX 2048u

enum relay_upgrade {
    RELAY_PLAIN,  /* the client asked for none: a backend that upgrades is wrong */
    RELAY_TUNNEL, /* bytes both ways, as the two agreed */
    /* The client has a WebSocket, the backend SPDY/3.1: its bytes go in messages (port-forward), or each of
     * its streams is a channel (exec, attach). */
    RELAY_IN_WEBSOCKET,
    RELAY_CHANNELS,
};

struct relay_ops {
    /* Whether a header of the answer goes on; Connection and Upgrade never do. */
    bool (*passes)(struct str name, bool upgraded);
    /* The answer begins. 101: last call. May be NULL. */
    void (*on_head)(void *user, int status);
    /* What http_stream_begin is given: calls relay_writable. */
    void (*on_stream_writable)(void *http_user);
    /* A streamed answer is complete; last call. May be NULL. */
    void (*on_end)(void *user);
    /* The answer is a refusal, whose text (RELAY_REFUSAL_MAX) is here, and the owner answers; last call. Only
     * with collects_refusals. */
    void (*on_refused)(void *user, int status, struct str text);
    /* There is no answer, and the owner gives one; last call. */
    void (*on_fail)(void *user, const struct err *why);
};

struct relay_options {
    struct http_request *r;
    struct backend_options backend; /* loop, ops and user are the relay's */
    enum relay_upgrade upgrade;
    struct translate_streams streams; /* of RELAY_CHANNELS */
    bool collects_refusals;           /* answers but 200 to 206 go to on_refused */
    const struct relay_ops *ops;
    void *user;
};

/* How a request for the streams of exec and attach, or (forward) of port-forward goes on: a WebSocket that
 * has to be translated, or a tunnel. */
enum relay_upgrade relay_upgrade_of(struct http_request *r, bool forward);

/* Appends the headers by which the backend is asked for what translation needs. */
void relay_put_upgrade(struct buf *out, enum relay_upgrade upgrade);

/* Nothing is called from within. */
int relay_open(const struct relay_options *o, struct relay **ret, struct err *err);
void relay_writable(struct relay *y);
void relay_free(struct relay *y);
