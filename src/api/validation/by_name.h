/* api/validation: finding items of a list by their name, for lists that point at each other.
 *
 * Short lists are searched through; for longer ones a hash map is made, so that two hostile lists cost no
 * more than their lengths. Borrows the list. Names are the first field of the items.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/str.h"

#define BY_NAME_SHORT 16

struct by_name {
    const char *items;
    size_t item_bytes;
    uint32_t n;
    struct map map;
};

void by_name_init(struct by_name *b, const void *items, uint32_t n, size_t item_bytes);
void by_name_fini(struct by_name *b);

/* Declares the index of a generated list, whose items begin with `struct str name`; it ends with the block.
 */
#define BY_NAME(index_, list_)                                                                               \
    __attribute__((cleanup(by_name_fini))) struct by_name index_;                                            \
    _Static_assert(offsetof(__typeof__(*(list_)->v), name) == 0, "items begin with their name");             \
    by_name_init(&index_, (list_)->v, (list_)->n, sizeof *(list_)->v)

/* The first item of that name, or NULL. */
const void *by_name_find(const struct by_name *b, struct str name);
