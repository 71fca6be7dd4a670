/* codec/json_scratch: where the items of a list stand until their number is known.
 *
 * A stack of items that never move, in chunks that double: a reader pushes the items of a list (lists within
 * them push and pop above), then takes them off into one exact array. So a list costs one copy, whatever its
 * length. Heap memory, freed by json_scratch_fini; belongs to one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SCRATCH_CHUNKS_MAX 40
#define SCRATCH_FIRST_BYTES 2048u

struct scratch_chunk {
    char *p;
    size_t used, cap;
};

struct json_scratch {
    struct scratch_chunk chunks[SCRATCH_CHUNKS_MAX];
    uint32_t top; /* the chunk in use */
    char first[SCRATCH_FIRST_BYTES] __attribute__((aligned(16)));
};

/* A height of the stack. */
struct scratch_mark {
    uint32_t chunk;
    size_t used;
};

void json_scratch_init(struct json_scratch *s);
void json_scratch_fini(struct json_scratch *s);

void *json_scratch_push_slow(struct json_scratch *s, size_t n);

/* n bytes, not zeroed, at an address that holds until they are popped. n is a multiple of 8, so that all is
 * aligned; a list of smaller scalars may push its items unrounded, since nothing comes between them. */
static inline void *json_scratch_push(struct json_scratch *s, size_t n) {
    struct scratch_chunk *c = &s->chunks[s->top];
    if (c->cap - c->used < n)
        return json_scratch_push_slow(s, n);
    c->used += n;
    return c->p + c->used - n;
}

static inline struct scratch_mark json_scratch_mark(const struct json_scratch *s) {
    return (struct scratch_mark){s->top, s->chunks[s->top].used};
}

/* Copies all that was pushed since the mark to `to` (NULL: nowhere), in order, and drops it. */
void json_scratch_pop(struct json_scratch *s, struct scratch_mark mark, void *to);
