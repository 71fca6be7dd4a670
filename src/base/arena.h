/* base/arena: bump allocation with one lifetime.
 *
 * One arena per request, per reconcile and per decoded object, passed explicitly; everything in it dies with
 * it. Memory is zeroed and aligned to 8 bytes. An arena may hold references to shared things (arena_hold)
 * that are released with it. Not thread-safe while it grows; once its owner stops allocating, any thread may
 * read.
 *
 * Chunks double from the first size up to ARENA_CHUNK_MAX; larger requests get a chunk of their own. Under
 * AddressSanitizer unused space is poisoned, so that a stray read past an allocation is reported.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define ARENA_CHUNK_MIN 256
#define ARENA_CHUNK_MAX (256u * 1024)

struct arena_chunk;
struct arena_hold;

/* Embed by value; arena_init or = ARENA_INIT first, arena_fini last. */
struct arena {
    char *next; /* first free byte */
    char *end;  /* end of the current chunk */
    struct arena_chunk *chunks;
    struct arena_hold *holds;
    size_t chunk_next_bytes; /* size of the next chunk */
    size_t total_bytes;      /* sum of all chunk sizes, overhead included */
};

#define ARENA_INIT                                                                                           \
    { .chunk_next_bytes = ARENA_CHUNK_MIN }

void arena_init(struct arena *a);

/* first_chunk_bytes: a hint, clamped to [ARENA_CHUNK_MIN, ARENA_CHUNK_MAX]; nothing is allocated yet. */
void arena_init_sized(struct arena *a, size_t first_chunk_bytes);

/* Releases holds (latest first) and memory. The arena is empty and usable again. */
void arena_fini(struct arena *a);

/* Forgets all allocations (holds are released) but keeps the newest chunk, for loops. */
void arena_reset(struct arena *a);

/* n bytes, zeroed, 8-aligned, never NULL (out of memory aborts; callers bound n before). n == 0 gives a valid
 * pointer that must not be dereferenced. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((returns_nonnull, malloc, alloc_size(2)));

/* n bytes, not zeroed and not aligned: for text. */
char *arena_bytes(struct arena *a, size_t n) __attribute__((returns_nonnull));

/* count × size with overflow check. */
void *arena_array(struct arena *a, size_t count, size_t size) __attribute__((returns_nonnull));

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_new_n(a, count, type) ((type *)arena_array((a), (count), sizeof(type)))

/* Copies; a NUL follows the copy (not counted), so that .p can go to C interfaces. Absent stays absent. */
struct str arena_str(struct arena *a, struct str s);
char *arena_strz(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str arena_vprintf(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Joins n strings with a separator. */
struct str arena_join(struct arena *a, const struct str *parts, size_t n, struct str sep);

/* Calls release(thing) when the arena ends; for references to shared objects. */
void arena_hold(struct arena *a, void (*release)(void *thing), void *thing);

/* Bytes taken from the system. */
size_t arena_total_bytes(const struct arena *a);

/* `_cleanup_arena struct arena a = ARENA_INIT;` frees at scope end. */
#define _cleanup_arena __attribute__((cleanup(arena_fini)))
