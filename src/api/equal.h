/* api/equal: deep equality and hash of packed structs, straight over the descriptors.
 *
 * Equality is that of meaning, as upstream compares objects to see whether a write changes anything:
 * quantities are equal by value, times by instant, an absent list or map equals an empty one, raw JSON is
 * compared as text. An absent optional field differs from one that is there with its zero. CONFORMS:
 * equality.Semantic.DeepEqual.
 *
 * Nothing is allocated; parts that both objects share (same pointer) cost nothing. Any thread, on objects
 * that are not being built.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/schema.h"

bool api_equal(const struct ty_set *set, uint32_t type, const void *a, const void *b);

/* One field, by JSON name; the type must have it. */
bool api_equal_field(const struct ty_set *set, uint32_t type, const void *a, const void *b,
                     struct str json_name);

/* All fields but those with the given JSON names. */
bool api_equal_but(const struct ty_set *set, uint32_t type, const void *a, const void *b,
                   const struct str *ignored, size_t n);

/* The same for two values of a field: its lists, its maps (shape), or one plain value (SHAPE_ONE). */
bool api_equal_value(const struct ty_set *set, const struct ty_field *f, uint8_t shape, const void *a,
                     const void *b);

/* What is equal has the same hash. The same in every process, so a peer can find collisions: for comparing
 * and for caches, not as the only key of anything that a peer fills. */
uint64_t api_hash(const struct ty_set *set, uint32_t type, const void *object);
