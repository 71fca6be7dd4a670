/* base/chan: a bounded channel of values between threads.
 *
 * Items have one size and are copied in and out; usually they are pointers to frozen objects, whose reference
 * goes with them. Any number of senders and receivers, any thread, order kept. After close nothing can be
 * sent; what is inside can still be received. Not for a loop's thread (it would block); loops have mailboxes
 * (loop.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"

/* Embed by value; chan_init first, chan_fini when nobody uses it any more. */
struct chan {
    struct mutex lock;
    struct cond can_send, can_recv;
    char *ring; /* owned */
    size_t item_bytes, cap, head, n;
    bool closed;
};

#define CHAN_FOREVER INT64_MAX

void chan_init(struct chan *c, size_t item_bytes, size_t cap);

/* Items left inside are dropped: receive them first when they own something. */
void chan_fini(struct chan *c);

/* Wait for room; 0 or ERR_CLOSED. */
int chan_send(struct chan *c, const void *item);
/* ERR_AGAIN when it is full. */
int chan_try_send(struct chan *c, const void *item);
/* ERR_TIMEOUT when there is still no room at the (system's) monotonic time. */
int chan_send_until(struct chan *c, const void *item, int64_t mono_ns);

/* Wait for an item; 0, or ERR_CLOSED when it is closed and empty. */
int chan_recv(struct chan *c, void *ret_item);
/* ERR_AGAIN when it is empty. */
int chan_try_recv(struct chan *c, void *ret_item);
int chan_recv_until(struct chan *c, void *ret_item, int64_t mono_ns);

/* Waits for one item and takes up to max: *ret_n of them. 0 or ERR_CLOSED. */
int chan_recv_many(struct chan *c, void *ret_items, size_t max, size_t *ret_n);

/* Wakes all who wait. May be called more than once. */
void chan_close(struct chan *c);

/* A number that may be old when it is read. */
size_t chan_count(struct chan *c);
