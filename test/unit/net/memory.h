/* test/unit/net/memory: a transport whose bytes lie in memory, and an owner of channels that writes down what
 * it is told. */
#pragma once

#include "base/buf.h"
#include "net/channels.h"
#include "net/transport.h"

struct memory {
    const struct http_raw_ops *up; /* who runs on it */
    void *user;
    struct buf out; /* what was written */
    size_t queued;  /* what it says waits */
    bool full;      /* refuses */
    bool paused, finished, closed;
};

struct transport memory_transport(struct memory *m);
void memory_feed(struct memory *m, const void *p, size_t n);
void memory_writable(struct memory *m);

/* Ends it, unless it was closed, and frees. */
void memory_fini(struct memory *m);

/* What it is told becomes lines: "open 1 error", "data 1 abc", "end 1", "reset 1", "writable 1", "close",
 * "close: why". */
struct witness {
    struct channels *channels;
    struct buf log;
    struct channel *last; /* opened */
    bool refuse, quiet;   /* quiet: data is only counted */
    size_t bytes;
};

extern const struct channels_ops witness_ops;

/* Compares the log and clears it. */
void witness_saw(struct witness *w, const char *lines);
