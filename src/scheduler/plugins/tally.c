/* scheduler/plugins/tally: see tally.h. */
#include "scheduler/plugins/tally.h"

void tally_init(struct tally *t, struct cycle *c) {
    *t = (struct tally){.n_heads = (uint32_t)c->nodes->facts->by_id.n};
    t->heads = arena_new_n(c->arena, t->n_heads ? t->n_heads : 1, uint32_t);
}

int64_t *tally_counts(struct cycle *c, uint32_t topology) {
    return arena_new_n(c->arena, nodes_topology_values(c->nodes, topology) + 1, int64_t);
}

void tally_add(struct tally *t, struct cycle *c, const struct pod_facts *f, uint32_t topology,
               int64_t *counts, int64_t weight, uint32_t bit) {
    struct tally_entry e = {t->heads[f->id], topology, counts, weight, bit};
    vec_push_in(c->arena, &t->entries, e);
    t->heads[f->id] = (uint32_t)t->entries.n;
}

static void add_node(const struct tally *t, const struct sched_node *node, uint32_t mask) {
    vec_foreach (k, &node->kinds)
        for (uint32_t i = t->heads[k->facts->id]; i; i = t->entries.v[i - 1].next) {
            const struct tally_entry *e = &t->entries.v[i - 1];
            uint32_t value = node_topology(node, e->topology);
            if (value != TOPOLOGY_NONE && (mask >> e->bit & 1))
                e->counts[value] += e->weight * (int64_t)k->n;
        }
}

void tally_run(const struct tally *t, const struct cycle *c, const uint32_t *masks) {
    if (!t->entries.n)
        return;
    vec_foreach (node, &c->nodes->v)
        if ((*node)->object && (!masks || masks[(*node)->index]))
            add_node(t, *node, masks ? masks[(*node)->index] : UINT32_MAX);
}
