/* Bounded channels. See chan.h. A ring under a lock; senders and receivers wait on a condition each. */
#include "base/chan.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void chan_init(struct chan *c, size_t item_bytes, size_t cap) {
    check(item_bytes > 0 && cap > 0);
    *c = (struct chan){.item_bytes = item_bytes, .cap = cap};
    c->ring = calloc(cap, item_bytes);
    if (!c->ring)
        panic("out of memory (%zu × %zu bytes)", cap, item_bytes);
    mutex_init(&c->lock);
    cond_init(&c->can_send);
    cond_init(&c->can_recv);
}

void chan_fini(struct chan *c) {
    free(c->ring);
    c->ring = NULL;
    mutex_fini(&c->lock);
    cond_fini(&c->can_send);
    cond_fini(&c->can_recv);
}

static char *slot(const struct chan *c, size_t i) {
    return c->ring + (c->head + i) % c->cap * c->item_bytes;
}

/* mono_ns: when to give up; 0 or less: at once. */
static int wait_or_fail(struct chan *c, struct cond *cond, int64_t mono_ns) {
    if (mono_ns <= 0)
        return ERR_AGAIN;
    if (mono_ns == CHAN_FOREVER)
        cond_wait(cond, &c->lock);
    else if (!cond_wait_until(cond, &c->lock, mono_ns))
        return ERR_TIMEOUT;
    return 0;
}

static int send_locked(struct chan *c, const void *item, int64_t mono_ns) {
    while (c->n == c->cap && !c->closed) {
        int rc = wait_or_fail(c, &c->can_send, mono_ns);
        if (rc && (c->n == c->cap || c->closed))
            return c->closed ? ERR_CLOSED : rc;
    }
    if (c->closed)
        return ERR_CLOSED;
    memcpy(slot(c, c->n), item, c->item_bytes);
    c->n++;
    cond_signal(&c->can_recv);
    return 0;
}

static int wait_item(struct chan *c, int64_t mono_ns) {
    while (c->n == 0) {
        if (c->closed)
            return ERR_CLOSED;
        int rc = wait_or_fail(c, &c->can_recv, mono_ns);
        if (rc && c->n == 0)
            return c->closed ? ERR_CLOSED : rc;
    }
    return 0;
}

static void take_first(struct chan *c, void *ret_item) {
    memcpy(ret_item, slot(c, 0), c->item_bytes);
    c->head = (c->head + 1) % c->cap;
    c->n--;
}

int chan_send_until(struct chan *c, const void *item, int64_t mono_ns) {
    _cleanup_unlock struct mutex *held = mutex_hold(&c->lock);
    return send_locked(c, item, mono_ns);
}

int chan_send(struct chan *c, const void *item) {
    return chan_send_until(c, item, CHAN_FOREVER);
}

int chan_try_send(struct chan *c, const void *item) {
    return chan_send_until(c, item, 0);
}

int chan_recv_until(struct chan *c, void *ret_item, int64_t mono_ns) {
    _cleanup_unlock struct mutex *held = mutex_hold(&c->lock);
    int rc = wait_item(c, mono_ns);
    if (rc)
        return rc;
    take_first(c, ret_item);
    cond_signal(&c->can_send);
    return 0;
}

int chan_recv(struct chan *c, void *ret_item) {
    return chan_recv_until(c, ret_item, CHAN_FOREVER);
}

int chan_try_recv(struct chan *c, void *ret_item) {
    return chan_recv_until(c, ret_item, 0);
}

int chan_recv_many(struct chan *c, void *ret_items, size_t max, size_t *ret_n) {
    check(max > 0);
    _cleanup_unlock struct mutex *held = mutex_hold(&c->lock);
    int rc = wait_item(c, CHAN_FOREVER);
    if (rc)
        return rc;
    size_t n = c->n < max ? c->n : max;
    for (size_t i = 0; i < n; i++)
        take_first(c, (char *)ret_items + i * c->item_bytes);
    cond_broadcast(&c->can_send);
    *ret_n = n;
    return 0;
}

void chan_close(struct chan *c) {
    _cleanup_unlock struct mutex *held = mutex_hold(&c->lock);
    c->closed = true;
    cond_broadcast(&c->can_send);
    cond_broadcast(&c->can_recv);
}

size_t chan_count(struct chan *c) {
    _cleanup_unlock struct mutex *held = mutex_hold(&c->lock);
    return c->n;
}
