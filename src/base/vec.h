/* base/vec: a typed growable array on the heap or in an arena.
 *
 *     struct vec_int { int *v; size_t n, cap; };   or   VEC(int) numbers = {0};
 *     vec_push(&numbers, 7);
 *
 * Heap arrays are freed with vec_fini; arena arrays (vec_push_in) die with their arena, growing leaves the
 * old copy behind, so reserve when the size is known. Not thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct arena;

#define VEC(type)                                                                                            \
    struct {                                                                                                 \
        type *v;                                                                                             \
        size_t n, cap;                                                                                       \
    }

void vec_grow(void **v, size_t *cap, size_t n_min, size_t item_bytes);
void vec_grow_in(struct arena *a, void **v, size_t *cap, size_t n, size_t n_min, size_t item_bytes);

#define vec_reserve(vec, extra)                                                                              \
    do {                                                                                                     \
        if ((vec)->cap - (vec)->n < (size_t)(extra))                                                         \
            vec_grow((void **)&(vec)->v, &(vec)->cap, (vec)->n + (size_t)(extra), sizeof *(vec)->v);         \
    } while (0)

#define vec_push(vec, item)                                                                                  \
    do {                                                                                                     \
        vec_reserve((vec), 1);                                                                               \
        (vec)->v[(vec)->n++] = (item);                                                                       \
    } while (0)

#define vec_push_in(arena, vec, item)                                                                        \
    do {                                                                                                     \
        if ((vec)->n == (vec)->cap)                                                                          \
            vec_grow_in((arena), (void **)&(vec)->v, &(vec)->cap, (vec)->n, (vec)->n + 1, sizeof *(vec)->v); \
        (vec)->v[(vec)->n++] = (item);                                                                       \
    } while (0)

/* Removes item i, order kept. */
#define vec_remove(vec, i)                                                                                   \
    do {                                                                                                     \
        size_t vec_i_ = (i);                                                                                 \
        memmove(&(vec)->v[vec_i_], &(vec)->v[vec_i_ + 1], ((vec)->n - vec_i_ - 1) * sizeof *(vec)->v);       \
        (vec)->n--;                                                                                          \
    } while (0)

#define vec_foreach(item, vec)                                                                               \
    for (__typeof__(*(vec)->v) *item = (vec)->v; item && item < (vec)->v + (vec)->n; item++)

#define vec_fini(vec)                                                                                        \
    do {                                                                                                     \
        free((vec)->v);                                                                                      \
        (vec)->v = NULL;                                                                                     \
        (vec)->n = (vec)->cap = 0;                                                                           \
    } while (0)
