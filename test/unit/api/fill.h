/* test/unit/api/fill: objects of any type with every field filled at random, for round trips through codecs.
 *
 * What it makes survives JSON and protobuf unchanged: times have the precision of their leaf, raw values are
 * compact JSON, of types that stand for one of their fields exactly one is set. The same seed gives the same
 * object.
 */
#pragma once

#include <stdint.h>

#include "api/schema.h"

struct arena;

struct fill_options {
    uint64_t seed;
    unsigned
        depth; /* messages within messages, below which pointers, lists and maps of messages stay absent */
    double presence;    /* chance of each optional value, list and map to be there; 1 fills everything */
    double emptiness;   /* chance of each list and map that is there, and of each plain scalar, to be empty or
                           zero */
    unsigned items_max; /* of lists and maps; 0: 3 */
};

/* In the arena, never NULL. */
void *fill_object(struct arena *a, const struct ty_set *set, uint32_t type,
                  const struct fill_options *options);
