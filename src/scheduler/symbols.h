/* scheduler/symbols: texts that the scheduler compares often, as small numbers: names of resources and
 * topology keys.
 *
 * A number is given once and never changes; texts are copied and never forgotten, since the set of them is
 * small in any cluster. The scheduler's thread only.
 */
#pragma once

#include <stdint.h>

#include "base/map.h"
#include "base/str.h"

#define SYMBOL_NONE UINT32_MAX

struct symbols {
    struct map map; /* owning; its entries lie in the order of their numbers */
};
#define SYMBOLS_INIT                                                                                         \
    { .map = MAP_INIT_OWNING }

/* The number of the text, given now when it is new. */
static inline uint32_t symbol_of(struct symbols *s, struct str text) {
    uint32_t next = (uint32_t)map_count(&s->map);
    bool is_new;
    struct map_entry *e = map_upsert(&s->map, text, &is_new);
    if (is_new)
        e->u64 = next;
    return (uint32_t)e->u64;
}

/* SYMBOL_NONE when it was never seen. */
static inline uint32_t symbol_find(const struct symbols *s, struct str text) {
    const struct map_entry *e = map_find(&s->map, text);
    return e ? (uint32_t)e->u64 : SYMBOL_NONE;
}

static inline struct str symbol_text(const struct symbols *s, uint32_t id) {
    return s->map.entries[id].key;
}

static inline uint32_t symbols_count(const struct symbols *s) {
    return (uint32_t)map_count(&s->map);
}

/* Resources that are always there, in this order. Cpu counts in thousandths, all others in units. */
enum { RESOURCE_CPU, RESOURCE_MEMORY, RESOURCE_EPHEMERAL_STORAGE, RESOURCE_PODS, RESOURCE_OTHERS };
void symbols_init_resources(struct symbols *s);
