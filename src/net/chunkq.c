/* Queue of outgoing chunks. See chunkq.h. */
#include "net/chunkq.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/vec.h"

static void release(struct http_chunk *c) {
    if (c->release)
        c->release(c->arg);
}

void chunkq_fini(struct chunkq *q) {
    for (size_t i = q->head; i < q->n; i++)
        release(&q->v[i]);
    free(q->v);
    *q = (struct chunkq){0};
}

/* Closes the gap in front once it is half of the array. */
static void compact(struct chunkq *q) {
    if (q->head < 16 || q->head < q->n / 2)
        return;
    memmove(q->v, q->v + q->head, (q->n - q->head) * sizeof *q->v);
    q->n -= q->head;
    q->head = 0;
}

void chunkq_push(struct chunkq *q, struct http_chunk c) {
    if (c.bytes.n == 0 && chunkq_empty(q)) {
        release(&c);
        return;
    }
    compact(q);
    vec_push(q, c);
    q->bytes += c.bytes.n;
}

void chunkq_push_copy(struct chunkq *q, const void *p, size_t n) {
    if (n == 0)
        return;
    char *copy = malloc(n);
    if (!copy)
        panic("out of memory (%zu bytes)", n);
    memcpy(copy, p, n);
    chunkq_push(q, (struct http_chunk){.bytes = {copy, n}, .release = free, .arg = copy});
}

int chunkq_iov(const struct chunkq *q, struct iovec *iov, int max) {
    int k = 0;
    for (size_t i = q->head; i < q->n && k < max; i++)
        iov[k++] = (struct iovec){.iov_base = (void *)q->v[i].bytes.p, .iov_len = q->v[i].bytes.n};
    return k;
}

size_t chunkq_peek(const struct chunkq *q, char *to, size_t n) {
    size_t done = 0;
    for (size_t i = q->head; i < q->n && done < n; i++) {
        size_t part = q->v[i].bytes.n < n - done ? q->v[i].bytes.n : n - done;
        memcpy(to + done, q->v[i].bytes.p, part);
        done += part;
    }
    return done;
}

void chunkq_consume(struct chunkq *q, size_t n) {
    check(n <= q->bytes);
    q->bytes -= n;
    while (q->head < q->n) {
        struct http_chunk *c = &q->v[q->head];
        if (n < c->bytes.n) {
            c->bytes = str_from_byte(c->bytes, n);
            return;
        }
        n -= c->bytes.n;
        struct http_chunk done = *c;
        q->head++;
        release(&done);
    }
    q->head = q->n = 0;
}

/* A chunk whose parts are in two queues: given back when the last part is. One loop, so a plain count. */
struct split {
    unsigned parts;
    void (*release)(void *arg);
    void *arg;
};

static void release_part(void *arg) {
    struct split *s = arg;
    if (--s->parts)
        return;
    s->release(s->arg);
    free(s);
}

/* The first n bytes of a chunk as one of its own. */
static struct http_chunk cut_front(struct http_chunk *c, size_t n) {
    struct http_chunk front = {.bytes = str_cut(c->bytes, n)};
    c->bytes = str_from_byte(c->bytes, n);
    if (!c->release)
        return front;
    if (c->release != release_part) {
        struct split *s = malloc(sizeof *s);
        if (!s)
            panic("out of memory");
        *s = (struct split){.parts = 1, .release = c->release, .arg = c->arg};
        c->release = release_part;
        c->arg = s;
    }
    ((struct split *)c->arg)->parts++;
    front.release = c->release;
    front.arg = c->arg;
    return front;
}

void chunkq_move(struct chunkq *from, struct chunkq *to, size_t n) {
    check(n <= from->bytes);
    from->bytes -= n;
    while (n) {
        struct http_chunk *c = &from->v[from->head];
        if (n < c->bytes.n) {
            chunkq_push(to, cut_front(c, n));
            return;
        }
        n -= c->bytes.n;
        struct http_chunk whole = *c;
        from->head++;
        chunkq_push(to, whole);
    }
    if (from->head == from->n)
        from->head = from->n = 0;
}
