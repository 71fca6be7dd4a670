/* scheduler/plugins/tally: counting pods by topology value, for all nodes at once.
 *
 * Who counts says for each kind of pod (facts) which counters it goes to, then one walk over the nodes adds
 * them all up. All memory is the cycle's.
 */
#pragma once

#include "scheduler/framework.h"

struct tally_entry {
    uint32_t next;
    uint32_t topology; /* key */
    int64_t *counts;   /* by value */
    int64_t weight;
    uint32_t bit; /* of the node's mask that must be set */
};

struct tally {
    uint32_t *heads; /* by facts id: entry + 1 */
    uint32_t n_heads;
    VEC(struct tally_entry) entries; /* in the arena */
};

void tally_init(struct tally *t, struct cycle *c);
/* Counters of a key, zero. */
int64_t *tally_counts(struct cycle *c, uint32_t topology);
void tally_add(struct tally *t, struct cycle *c, const struct pod_facts *f, uint32_t topology,
               int64_t *counts, int64_t weight, uint32_t bit);
/* masks: by the index of the node; NULL: all nodes count. */
void tally_run(const struct tally *t, const struct cycle *c, const uint32_t *masks);
