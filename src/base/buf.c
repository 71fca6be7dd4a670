/* Byte buffer. See buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"

void buf_fini(struct buf *b) {
    free(b->p);
    *b = (struct buf)BUF_INIT;
}

char *buf_reserve_slow(struct buf *b, size_t n) {
    size_t need;
    if (__builtin_add_overflow(b->n, n, &need) || need > SIZE_MAX / 4)
        panic("buffer of %zu and %zu more bytes", b->n, n);
    if (b->limit && need > b->limit) {
        b->overflow = true;
        return NULL;
    }
    size_t cap = b->cap ? b->cap * 2 : 256;
    if (cap < need)
        cap = need;
    if (b->limit && cap > b->limit)
        cap = b->limit;
    char *p = realloc(b->p, cap ? cap : 1);
    if (!p)
        panic("out of memory (%zu bytes)", cap);
    b->p = p;
    b->cap = cap;
    return b->p + b->n;
}

void buf_u64(struct buf *b, uint64_t v) {
    char tmp[20], *p = tmp + sizeof tmp;
    do {
        *--p = (char)('0' + v % 10);
    } while (v /= 10);
    buf_put(b, p, (size_t)(tmp + sizeof tmp - p));
}

void buf_i64(struct buf *b, int64_t v) {
    if (v < 0)
        buf_byte(b, '-');
    buf_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    check(n >= 0);
    char *to = buf_reserve(b, (size_t)n + 1);
    if (to) {
        vsnprintf(to, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_insert(struct buf *b, size_t at, const void *p, size_t n) {
    check(at <= b->n);
    if (!buf_reserve(b, n) || n == 0)
        return;
    memmove(b->p + at + n, b->p + at, b->n - at);
    memcpy(b->p + at, p, n);
    b->n += n;
}

void buf_remove(struct buf *b, size_t at, size_t n) {
    check(at <= b->n && n <= b->n - at);
    memmove(b->p + at, b->p + at + n, b->n - at - n);
    b->n -= n;
}

struct str buf_to_arena(const struct buf *b, struct arena *a) {
    return arena_str(a, buf_view(b));
}

const char *buf_cstr(struct buf *b) {
    char *to = buf_reserve(b, 1);
    if (!to) {
        check(b->n > 0);
        to = b->p + b->n - 1;
    }
    *to = 0;
    return b->p;
}
