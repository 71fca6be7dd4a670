/* base/buf: a growable byte buffer on the heap, for output that is built piece by piece.
 *
 * Owned by whoever declares it (`_cleanup_buf struct buf b = BUF_INIT;`). With a limit set, appends past it
 * are dropped and `overflow` is set: check it once at the end. Not thread-safe.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;

struct buf {
    char *p;
    size_t n;      /* bytes used */
    size_t cap;    /* bytes allocated */
    size_t limit;  /* 0: none */
    bool overflow; /* something did not fit within limit */
};

#define BUF_INIT                                                                                             \
    { 0 }

void buf_fini(struct buf *b);
#define _cleanup_buf __attribute__((cleanup(buf_fini)))

/* Room for n more bytes; returns where they go, or NULL when the limit forbids it (overflow is set). The
 * caller writes and then adds to b->n. */
char *buf_reserve_slow(struct buf *b, size_t n);
static inline char *buf_reserve(struct buf *b, size_t n) {
    return b->cap - b->n >= n ? b->p + b->n : buf_reserve_slow(b, n);
}

static inline void buf_put(struct buf *b, const void *p, size_t n) {
    char *to = n ? buf_reserve(b, n) : NULL;
    if (to) {
        memcpy(to, p, n);
        b->n += n;
    }
}

static inline void buf_byte(struct buf *b, char c) {
    char *to = buf_reserve(b, 1);
    if (to) {
        *to = c;
        b->n++;
    }
}

static inline void buf_str(struct buf *b, struct str s) {
    buf_put(b, s.p, s.n);
}

#define buf_lit(b, lit) buf_put((b), ("" lit), sizeof(lit) - 1)

void buf_i64(struct buf *b, int64_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Opens a gap of n bytes at offset `at`, or cuts n bytes out there. */
void buf_insert(struct buf *b, size_t at, const void *p, size_t n);
void buf_remove(struct buf *b, size_t at, size_t n);

/* Empties, keeps the memory. */
static inline void buf_clear(struct buf *b) {
    b->n = 0;
    b->overflow = false;
}

/* A view; valid until the next append. */
static inline struct str buf_view(const struct buf *b) {
    return (struct str){b->p ? b->p : "", b->n};
}

/* A copy in the arena. */
struct str buf_to_arena(const struct buf *b, struct arena *a);

/* NUL behind the content (not counted); returns the text, valid until the next append. */
const char *buf_cstr(struct buf *b);
