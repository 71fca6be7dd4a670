/* What the carriers of channels share. Inside net/. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "net/channels.h"
#include "net/transport.h"

struct channel_headers {
    const struct http_header *v;
    size_t n;
};

struct channel {
    struct channels *of;
    struct channel *next;
    uint32_t id;
    struct channel_headers headers;
    struct arena arena; /* of the headers */
    void *user;
    struct buf held;                          /* came while paused */
    bool paused, blocked;                     /* blocked: on_writable is owed */
    bool in_ended, end_told, out_ended, dead; /* end_told: on_end was called */
    bool unanswered;                          /* SPDY: ours, and no SYN_REPLY came yet */
    uint32_t unacked;                         /* SPDY: bytes consumed since the last WINDOW_UPDATE */
    int64_t window;                           /* SPDY: the peer's */
};

/* How a carrier does what channels are asked to. */
struct channels_impl {
    /* Bytes of `bytes` (not empty) that it takes; there is room in the queue. */
    size_t (*write)(struct channels *cs, struct channel *ch, struct str bytes);
    void (*end)(struct channels *cs, struct channel *ch);
    void (*reset)(struct channels *cs, struct channel *ch);
    /* So many bytes of a channel were delivered. May be NULL. */
    void (*consumed)(struct channels *cs, struct channel *ch, size_t n);
    void (*say_goodbye)(struct channels *cs);
    /* Frees the carrier. */
    void (*free)(struct channels *cs);
};

/* Embedded first in a carrier. */
struct channels {
    const struct channels_impl *impl;
    const struct channels_ops *ops;
    void *user;
    struct transport transport;
    struct channel *first;
    size_t n_open;
    size_t held; /* bytes */
    char protocol[64];
    unsigned inside; /* callbacks, or the carrier's own work, that are on the stack */
    bool finishing;  /* nothing is delivered any more */
    bool reading_stopped;
    bool told; /* on_close was called */
    bool gone; /* the transport is: free once nothing is inside */
};

void channels_init(struct channels *cs, const struct channels_impl *impl, const struct channels_ops *ops,
                   void *user, struct transport transport, struct str protocol);

/* Around whatever may call back: at the outermost leave, what died meanwhile is freed. */
void channels_enter(struct channels *cs);
void channels_leave(struct channels *cs);

/* A new channel, known to its carrier only so far; the owner is asked: NULL when he refuses. */
struct channel *channels_open(struct channels *cs, uint32_t id);
bool channels_admit(struct channels *cs, struct channel *ch);
struct channel *channels_find(struct channels *cs, uint32_t id);

/* From the peer. */
void channels_data(struct channels *cs, struct channel *ch, struct str bytes);
void channels_end(struct channels *cs, struct channel *ch);
void channels_was_reset(struct channels *cs, struct channel *ch);

/* Room to write, as far as the carrier lets each channel. */
void channels_writable(struct channels *cs);

/* Tells the owner, once, that it is over. */
void channels_tell_close(struct channels *cs, const struct err *why);

/* The transport has ended; frees the carrier. why NULL: nothing went wrong there. */
void channels_gone(struct channels *cs, const struct err *why);

/* The peer finished writing: ends the connection. */
void channels_eof(struct channels *cs);

/* The peer breaks the protocol. */
void channels_fail(struct channels *cs, const char *why);

/* What a carrier sends of its own accord; a peer that makes us send and does not read is let go. False: gone.
 */
bool channels_control(struct channels *cs, const void *p, size_t n);

/* Bytes that may be queued now. */
size_t channels_room(const struct channels *cs);
