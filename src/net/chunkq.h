/* net/chunkq: bytes on their way out: a queue of borrowed chunks, given back as they are sent. Inside net/.
 *
 * Lives on one loop. A chunk's release runs when its last byte was consumed, or when the queue ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "net/http.h"

struct chunkq {
    struct http_chunk *v;
    size_t head, n, cap; /* chunks v[head..n) wait */
    size_t bytes;        /* that wait */
};

void chunkq_fini(struct chunkq *q);

/* An empty chunk is a mark: it is released once all before it went. */
void chunkq_push(struct chunkq *q, struct http_chunk c);

/* Copies the bytes. */
void chunkq_push_copy(struct chunkq *q, const void *p, size_t n);

static inline bool chunkq_empty(const struct chunkq *q) {
    return q->bytes == 0;
}

/* Fills iov with what waits, from the front; returns how many entries. */
int chunkq_iov(const struct chunkq *q, struct iovec *iov, int max);

/* Copies up to n bytes from the front without consuming; returns how many. */
size_t chunkq_peek(const struct chunkq *q, char *to, size_t n);

void chunkq_consume(struct chunkq *q, size_t n);

/* Moves the first n bytes to the end of another queue without copying. */
void chunkq_move(struct chunkq *from, struct chunkq *to, size_t n);
