/* Growable arrays. See vec.h. */
#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

static size_t grown(size_t cap, size_t n_min) {
    size_t n = cap ? cap * 2 : 8;
    return n < n_min ? n_min : n;
}

void vec_grow(void **v, size_t *cap, size_t n_min, size_t item_bytes) {
    size_t n = grown(*cap, n_min), bytes;
    if (__builtin_mul_overflow(n, item_bytes, &bytes))
        panic("array of %zu × %zu bytes", n, item_bytes);
    void *p = realloc(*v, bytes);
    if (!p)
        panic("out of memory (%zu bytes)", bytes);
    *v = p;
    *cap = n;
}

void vec_grow_in(struct arena *a, void **v, size_t *cap, size_t n, size_t n_min, size_t item_bytes) {
    size_t new_cap = grown(*cap, n_min);
    void *p = arena_array(a, new_cap, item_bytes);
    if (n)
        memcpy(p, *v, n * item_bytes);
    *v = p;
    *cap = new_cap;
}
