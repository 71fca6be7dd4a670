/* api/validation: sets for finding duplicates in a list while walking it.
 *
 *     SEEN(names);
 *     for (…)
 *         if (seen_before(&names, port->name))
 *             field_duplicate(e, at_field(p, "name"), bad(port->name));
 *
 * Short lists live on the stack; longer ones move to a hash map, so that hostile lists cost no more than
 * their length. Keys have up to four parts and are borrowed until the set ends. Numbers take part through
 * seen_number.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/str.h"

#define SEEN_SHORT 16
#define SEEN_PARTS 4

struct seen_key {
    struct str part[SEEN_PARTS];
};

struct seen {
    struct seen_key keys[SEEN_SHORT];
    uint32_t n; /* of keys; the map is used when it is full */
    struct map map;
};

/* The short keys are left as they are: a set costs next to nothing until it is used. */
static inline void seen_init(struct seen *s) {
    s->n = 0;
    s->map = (struct map)MAP_INIT_OWNING;
}

static inline void seen_fini(struct seen *s) {
    if (s->map.n)
        map_fini(&s->map);
}

/* Declares an empty set that ends with the block. */
#define SEEN(name_)                                                                                          \
    __attribute__((cleanup(seen_fini))) struct seen name_;                                                   \
    seen_init(&name_)

/* Adds a key; true when it was there already. */
bool seen_add(struct seen *s, struct seen_key key);

static inline bool seen_before(struct seen *s, struct str a) {
    return seen_add(s, (struct seen_key){{a}});
}
static inline bool seen_before2(struct seen *s, struct str a, struct str b) {
    return seen_add(s, (struct seen_key){{a, b}});
}
static inline bool seen_before3(struct seen *s, struct str a, struct str b, struct str c) {
    return seen_add(s, (struct seen_key){{a, b, c}});
}

/* Whether the key is in the set, without adding it. */
bool seen_has(const struct seen *s, struct seen_key key);

/* A number that lives in the object, as a part of a key. */
static inline struct str seen_number(const int32_t *number) {
    return (struct str){(const char *)number, sizeof *number};
}
