/* A stack of items in chunks. See json_scratch.h. */
#include "codec/json_scratch.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void json_scratch_init(struct json_scratch *s) {
    memset(s->chunks, 0, sizeof s->chunks);
    s->chunks[0] = (struct scratch_chunk){s->first, 0, sizeof s->first};
    s->top = 0;
}

void json_scratch_fini(struct json_scratch *s) {
    for (uint32_t i = 1; i < SCRATCH_CHUNKS_MAX && s->chunks[i].p; i++)
        free(s->chunks[i].p);
}

void *json_scratch_push_slow(struct json_scratch *s, size_t n) {
    check(s->top + 1 < SCRATCH_CHUNKS_MAX);
    struct scratch_chunk *c = &s->chunks[s->top + 1];
    if (c->cap < n) {
        size_t cap = s->chunks[s->top].cap * 2;
        cap = cap < n ? n : cap;
        free(c->p);
        c->p = malloc(cap);
        if (!c->p)
            panic("out of memory (%zu bytes)", cap);
        c->cap = cap;
    }
    c->used = n;
    s->top++;
    return c->p;
}

void json_scratch_pop(struct json_scratch *s, struct scratch_mark mark, void *to) {
    char *at = to;
    size_t from = mark.used;
    for (uint32_t i = mark.chunk; i <= s->top; i++) {
        size_t n = s->chunks[i].used - from;
        if (at && n)
            at = mempcpy(at, s->chunks[i].p + from, n);
        from = 0;
    }
    s->top = mark.chunk;
    s->chunks[mark.chunk].used = mark.used;
}
