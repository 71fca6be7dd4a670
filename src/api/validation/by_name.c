/* Look-ups by name. See by_name.h. */
#include "api/validation/by_name.h"

static const struct str *name_at(const struct by_name *b, uint32_t i) {
    return (const struct str *)(const void *)(b->items + i * b->item_bytes);
}

void by_name_init(struct by_name *b, const void *items, uint32_t n, size_t item_bytes) {
    *b = (struct by_name){.items = items, .item_bytes = item_bytes, .n = n, .map = MAP_INIT};
    if (n <= BY_NAME_SHORT)
        return;
    map_reserve(&b->map, n);
    for (uint32_t i = n; i-- > 0;)
        map_put_u64(&b->map, *name_at(b, i), i);
}

void by_name_fini(struct by_name *b) {
    map_fini(&b->map);
}

const void *by_name_find(const struct by_name *b, struct str name) {
    if (b->n > BY_NAME_SHORT) {
        const struct map_entry *found = map_find(&b->map, name);
        return found ? name_at(b, (uint32_t)found->u64) : NULL;
    }
    for (uint32_t i = 0; i < b->n; i++)
        if (str_eq(*name_at(b, i), name))
            return name_at(b, i);
    return NULL;
}
