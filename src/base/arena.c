/* Bump allocation. See arena.h.
 *
 * Each chunk carries its size in front; chunks form a list, newest first. Considered and rejected: returning
 * single allocations (no user needs it), and size classes shared between arenas (a lock on a hot path).
 */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1 /* clang */
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define poison(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define unpoison(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#define REDZONE 8 /* poisoned bytes behind each allocation */
#else
#define poison(p, n) ((void)0)
#define unpoison(p, n) ((void)0)
#define REDZONE 0
#endif

struct arena_chunk {
    struct arena_chunk *prev;
    size_t size; /* header included */
};

struct arena_hold {
    struct arena_hold *prev;
    void (*release)(void *thing);
    void *thing;
};

void arena_init(struct arena *a) {
    *a = (struct arena)ARENA_INIT;
}

void arena_init_sized(struct arena *a, size_t first_chunk_bytes) {
    arena_init(a);
    if (first_chunk_bytes > ARENA_CHUNK_MAX)
        first_chunk_bytes = ARENA_CHUNK_MAX;
    if (first_chunk_bytes > ARENA_CHUNK_MIN)
        a->chunk_next_bytes = (first_chunk_bytes + 15) & ~(size_t)15;
}

static struct arena_chunk *chunk_new(struct arena *a, size_t size) {
    struct arena_chunk *c = malloc(size);
    if (!c)
        panic("out of memory (%zu bytes)", size);
    c->size = size;
    a->total_bytes += size;
    return c;
}

static void release_holds(struct arena *a) {
    while (a->holds) {
        struct arena_hold *h = a->holds;
        a->holds = h->prev;
        h->release(h->thing);
    }
}

void arena_fini(struct arena *a) {
    release_holds(a);
    for (struct arena_chunk *c = a->chunks, *prev; c; c = prev) {
        prev = c->prev;
        unpoison(c, c->size);
        free(c);
    }
    arena_init(a);
}

void arena_reset(struct arena *a) {
    release_holds(a);
    struct arena_chunk *c = a->chunks;
    if (!c)
        return;
    for (struct arena_chunk *old = c->prev, *prev; old; old = prev) {
        prev = old->prev;
        a->total_bytes -= old->size;
        unpoison(old, old->size);
        free(old);
    }
    c->prev = NULL;
    a->next = (char *)(c + 1);
    a->end = (char *)c + c->size;
    poison(a->next, (size_t)(a->end - a->next));
}

/* A chunk in which n more bytes fit becomes current, or, for a large n, serves just that request. */
static char *take_slow(struct arena *a, size_t n) {
    if (n > SIZE_MAX / 2)
        panic("arena request of %zu bytes", n);
    size_t need = sizeof(struct arena_chunk) + n + 2 * REDZONE;
    if (need > a->chunk_next_bytes / 2 && a->chunks) {
        struct arena_chunk *c = chunk_new(a, need);
        c->prev = a->chunks->prev;
        a->chunks->prev = c;
        poison((char *)(c + 1) + n, 2 * REDZONE);
        return (char *)(c + 1);
    }
    size_t size = a->chunk_next_bytes > need ? a->chunk_next_bytes : need;
    struct arena_chunk *c = chunk_new(a, size);
    c->prev = a->chunks;
    a->chunks = c;
    a->next = (char *)(c + 1) + n + REDZONE;
    a->end = (char *)c + size;
    if (a->next > a->end)
        a->next = a->end;
    poison(a->next, (size_t)(a->end - a->next));
    if (a->chunk_next_bytes < ARENA_CHUNK_MAX)
        a->chunk_next_bytes *= 2;
    return (char *)(c + 1);
}

static inline char *take(struct arena *a, size_t n, size_t align) {
    uintptr_t at = ((uintptr_t)a->next + align - 1) & ~(uintptr_t)(align - 1);
    if (a->next && at <= (uintptr_t)a->end && (uintptr_t)a->end - at >= n + REDZONE) {
        char *p = (char *)at;
        a->next = p + n + REDZONE;
        unpoison(p, n);
        return p;
    }
    return take_slow(a, n);
}

void *arena_alloc(struct arena *a, size_t n) {
    return memset(take(a, n, 8), 0, n);
}

char *arena_bytes(struct arena *a, size_t n) {
    return take(a, n, REDZONE ? 8 : 1);
}

void *arena_array(struct arena *a, size_t count, size_t size) {
    size_t n;
    if (__builtin_mul_overflow(count, size, &n))
        panic("arena array of %zu × %zu bytes", count, size);
    return arena_alloc(a, n);
}

char *arena_strz(struct arena *a, struct str s) {
    char *p = arena_bytes(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

struct str arena_str(struct arena *a, struct str s) {
    return s.p ? (struct str){arena_strz(a, s), s.n} : STR_NONE;
}

struct str arena_vprintf(struct arena *a, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    check(n >= 0);
    char *p = arena_bytes(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (struct str){p, (size_t)n};
}

struct str arena_printf(struct arena *a, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}

struct str arena_join(struct arena *a, const struct str *parts, size_t n, struct str sep) {
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += parts[i].n + (i ? sep.n : 0);
    char *p = arena_bytes(a, total + 1), *at = p;
    for (size_t i = 0; i < n; i++) {
        if (i && sep.n)
            at = mempcpy(at, sep.p, sep.n);
        if (parts[i].n)
            at = mempcpy(at, parts[i].p, parts[i].n);
    }
    *at = 0;
    return (struct str){p, total};
}

void arena_hold(struct arena *a, void (*release)(void *thing), void *thing) {
    struct arena_hold *h = arena_new(a, struct arena_hold);
    *h = (struct arena_hold){a->holds, release, thing};
    a->holds = h;
}

size_t arena_total_bytes(const struct arena *a) {
    return a->total_bytes;
}
