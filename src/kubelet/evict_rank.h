/* kubelet/evict_rank: who is ended first when something runs out. Pure; any thread.
 *
 * CONFORMS: usage above the request first, then lower priority, then the larger excess.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct evict_candidate {
    struct str uid;
    int32_t priority;
    uint64_t usage, request; /* of what runs out */
};

/* Sorts: the first to go comes first. */
void evict_rank(struct evict_candidate *v, uint32_t n);
