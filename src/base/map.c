/* Hash maps. See map.h.
 *
 * The index maps a hash to the position of its entry. A slot holds the upper 32 bits of the hash and position
 * + 1 (0: free). Its home is the top bits of those 32; linear probing with Robin Hood order (a slot is never
 * farther from home than the one it would displace), so a search ends at the first slot that is nearer to its
 * home than the search has come. Removal shifts the following slots back; there are no tombstones. Growing
 * re-inserts the stored hashes and does not touch the keys.
 *
 * Considered and rejected: entries inside the slots (iteration order would follow the random hash, and keys
 * would be hashed again on growth); SIMD groups (no faster below a million entries, and two code paths).
 */
#include "base/map.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/hash.h"

#define SLOTS_MIN 8u
#define NOT_FOUND UINT32_MAX

struct map_slot {
    uint32_t hash;
    uint32_t position_plus_1;
};

static inline uint32_t home_of(const struct map_index *ix, uint32_t hash) {
    return hash >> ix->shift;
}

static inline uint32_t distance(const struct map_index *ix, uint32_t at, uint32_t hash) {
    return (at - home_of(ix, hash)) & ix->mask;
}

/* Entries that fit before the index must grow: seven of eight slots. */
static inline uint32_t capacity(const struct map_index *ix) {
    return ix->slots ? (uint32_t)(((uint64_t)ix->mask + 1) * 7 / 8) : 0;
}

static void index_add(struct map_index *ix, uint32_t hash, uint32_t position) {
    struct map_slot carry = {hash, position + 1};
    uint32_t far = 0;
    for (uint32_t at = home_of(ix, hash);; at = (at + 1) & ix->mask, far++) {
        struct map_slot *slot = &ix->slots[at];
        if (!slot->position_plus_1) {
            *slot = carry;
            return;
        }
        uint32_t its = distance(ix, at, slot->hash);
        if (its < far) {
            struct map_slot displaced = *slot;
            *slot = carry;
            carry = displaced;
            far = its;
        }
    }
}

static void index_resize(struct map_index *ix, uint32_t slots) {
    struct map_index old = *ix;
    ix->slots = calloc(slots, sizeof *ix->slots);
    if (!ix->slots)
        panic("out of memory (%u map slots)", slots);
    ix->mask = slots - 1;
    ix->shift = 32 - (uint32_t)__builtin_ctz(slots);
    for (uint32_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i].position_plus_1)
            index_add(ix, old.slots[i].hash, old.slots[i].position_plus_1 - 1);
    free(old.slots);
}

static void index_reserve(struct map_index *ix, size_t entries) {
    if (entries <= capacity(ix))
        return;
    if (entries > MAP_ENTRIES_MAX)
        panic("map of %zu entries", entries);
    uint32_t slots = ix->slots ? ix->mask + 1 : SLOTS_MIN;
    while ((uint64_t)slots * 7 / 8 < entries)
        slots *= 2;
    index_resize(ix, slots);
}

/* The slot that points at a position. */
static uint32_t index_slot_of(const struct map_index *ix, uint32_t hash, uint32_t position) {
    uint32_t at = home_of(ix, hash);
    while (ix->slots[at].position_plus_1 != position + 1) {
        check(ix->slots[at].position_plus_1);
        at = (at + 1) & ix->mask;
    }
    return at;
}

static void index_remove_slot(struct map_index *ix, uint32_t at) {
    for (;;) {
        uint32_t next = (at + 1) & ix->mask;
        struct map_slot s = ix->slots[next];
        if (!s.position_plus_1 || distance(ix, next, s.hash) == 0)
            break;
        ix->slots[at] = s;
        at = next;
    }
    ix->slots[at] = (struct map_slot){0, 0};
}

/* Every slot but the free ones holds a hash that its distance admits. Returns how many are taken. */
static uint32_t index_check(const struct map_index *ix) {
    uint32_t taken = 0;
    for (uint32_t at = 0; ix->slots && at <= ix->mask; at++) {
        struct map_slot s = ix->slots[at], before = ix->slots[(at - 1) & ix->mask];
        if (!s.position_plus_1)
            continue;
        taken++;
        uint32_t far = distance(ix, at, s.hash);
        check(far == 0 || before.position_plus_1);
        check(far == 0 || distance(ix, (at - 1) & ix->mask, before.hash) + 1 >= far);
    }
    return taken;
}

static void *entries_grow(void *entries, uint32_t *cap, size_t n, size_t entry_bytes) {
    if (n <= *cap)
        return entries;
    size_t grown = *cap ? (size_t)*cap + *cap / 2 : 8;
    if (grown < n)
        grown = n;
    if (grown > MAP_ENTRIES_MAX)
        panic("map of %zu entries", n);
    void *p = realloc(entries, grown * entry_bytes);
    if (!p)
        panic("out of memory (%zu map entries)", grown);
    *cap = (uint32_t)grown;
    return p;
}

/* -- keyed by text -- */

static inline uint32_t hash_text(struct str key) {
    return (uint32_t)(hash_bytes(key) >> 32);
}

/* Position of the entry and, when asked, of its slot. */
static inline uint32_t find_text(const struct map *m, struct str key, uint32_t hash, uint32_t *ret_slot) {
    const struct map_index *ix = &m->index;
    if (m->n == 0)
        return NOT_FOUND;
    uint32_t far = 0;
    for (uint32_t at = home_of(ix, hash);; at = (at + 1) & ix->mask, far++) {
        struct map_slot s = ix->slots[at];
        if (!s.position_plus_1 || distance(ix, at, s.hash) < far)
            return NOT_FOUND;
        if (s.hash == hash && str_eq(m->entries[s.position_plus_1 - 1].key, key)) {
            if (ret_slot)
                *ret_slot = at;
            return s.position_plus_1 - 1;
        }
    }
}

static void drop_key(struct map *m, struct map_entry *e) {
    if (m->owns_keys)
        free((char *)e->key.p);
}

void map_fini(struct map *m) {
    bool owns_keys = m->owns_keys;
    map_clear(m);
    free(m->entries);
    free(m->index.slots);
    *m = (struct map){.owns_keys = owns_keys};
}

void map_clear(struct map *m) {
    map_foreach(e, m) drop_key(m, e);
    m->n = 0;
    if (m->index.slots)
        memset(m->index.slots, 0, ((size_t)m->index.mask + 1) * sizeof *m->index.slots);
}

void map_reserve(struct map *m, size_t n) {
    index_reserve(&m->index, n);
    m->entries = entries_grow(m->entries, &m->cap, n, sizeof *m->entries);
}

struct map_entry *map_find(const struct map *m, struct str key) {
    uint32_t at = find_text(m, key, hash_text(key), NULL);
    return at == NOT_FOUND ? NULL : &m->entries[at];
}

static struct str copy_key(struct str key) {
    char *p = malloc(key.n + 1);
    if (!p)
        panic("out of memory (%zu bytes)", key.n);
    if (key.n)
        memcpy(p, key.p, key.n);
    p[key.n] = 0;
    return str_make(p, key.n);
}

struct map_entry *map_upsert(struct map *m, struct str key, bool *ret_new) {
    uint32_t hash = hash_text(key);
    uint32_t at = find_text(m, key, hash, NULL);
    if (ret_new)
        *ret_new = at == NOT_FOUND;
    if (at != NOT_FOUND)
        return &m->entries[at];
    map_reserve(m, (size_t)m->n + 1);
    m->entries[m->n] = (struct map_entry){.key = m->owns_keys ? copy_key(key) : key};
    index_add(&m->index, hash, m->n);
    return &m->entries[m->n++];
}

void *map_put(struct map *m, struct str key, void *value) {
    struct map_entry *e = map_upsert(m, key, NULL);
    void *old = e->value;
    if (!m->owns_keys)
        e->key = key;
    e->value = value;
    return old;
}

static void remove_at(struct map *m, uint32_t position, uint32_t slot) {
    index_remove_slot(&m->index, slot);
    drop_key(m, &m->entries[position]);
    uint32_t last = --m->n;
    if (position == last)
        return;
    struct map_entry moved = m->entries[last];
    uint32_t at = index_slot_of(&m->index, hash_text(moved.key), last);
    m->index.slots[at].position_plus_1 = position + 1;
    m->entries[position] = moved;
}

void *map_take(struct map *m, struct str key) {
    uint32_t slot = 0;
    uint32_t at = find_text(m, key, hash_text(key), &slot);
    if (at == NOT_FOUND)
        return NULL;
    void *value = m->entries[at].value;
    remove_at(m, at, slot);
    return value;
}

void map_remove_entry(struct map *m, struct map_entry *e) {
    check(e >= m->entries && e < m->entries + m->n);
    uint32_t position = (uint32_t)(e - m->entries);
    remove_at(m, position, index_slot_of(&m->index, hash_text(e->key), position));
}

void map_check(const struct map *m) {
    check(m->n <= m->cap && m->n <= capacity(&m->index));
    check(index_check(&m->index) == m->n);
    map_foreach(e, m) check(map_find(m, e->key) == e);
}

/* -- keyed by number -- */

static inline uint32_t hash_number(uint64_t key) {
    return (uint32_t)(hash_u64(key) >> 32);
}

static inline uint32_t find_number(const struct map64 *m, uint64_t key, uint32_t hash, uint32_t *ret_slot) {
    const struct map_index *ix = &m->index;
    if (m->n == 0)
        return NOT_FOUND;
    uint32_t far = 0;
    for (uint32_t at = home_of(ix, hash);; at = (at + 1) & ix->mask, far++) {
        struct map_slot s = ix->slots[at];
        if (!s.position_plus_1 || distance(ix, at, s.hash) < far)
            return NOT_FOUND;
        if (s.hash == hash && m->entries[s.position_plus_1 - 1].key == key) {
            if (ret_slot)
                *ret_slot = at;
            return s.position_plus_1 - 1;
        }
    }
}

void map64_fini(struct map64 *m) {
    free(m->entries);
    free(m->index.slots);
    *m = (struct map64)MAP_INIT;
}

void map64_clear(struct map64 *m) {
    m->n = 0;
    if (m->index.slots)
        memset(m->index.slots, 0, ((size_t)m->index.mask + 1) * sizeof *m->index.slots);
}

void map64_reserve(struct map64 *m, size_t n) {
    index_reserve(&m->index, n);
    m->entries = entries_grow(m->entries, &m->cap, n, sizeof *m->entries);
}

struct map64_entry *map64_find(const struct map64 *m, uint64_t key) {
    uint32_t at = find_number(m, key, hash_number(key), NULL);
    return at == NOT_FOUND ? NULL : &m->entries[at];
}

struct map64_entry *map64_upsert(struct map64 *m, uint64_t key, bool *ret_new) {
    uint32_t hash = hash_number(key);
    uint32_t at = find_number(m, key, hash, NULL);
    if (ret_new)
        *ret_new = at == NOT_FOUND;
    if (at != NOT_FOUND)
        return &m->entries[at];
    map64_reserve(m, (size_t)m->n + 1);
    m->entries[m->n] = (struct map64_entry){.key = key};
    index_add(&m->index, hash, m->n);
    return &m->entries[m->n++];
}

void *map64_put(struct map64 *m, uint64_t key, void *value) {
    struct map64_entry *e = map64_upsert(m, key, NULL);
    void *old = e->value;
    e->value = value;
    return old;
}

static void remove_number_at(struct map64 *m, uint32_t position, uint32_t slot) {
    index_remove_slot(&m->index, slot);
    uint32_t last = --m->n;
    if (position == last)
        return;
    struct map64_entry moved = m->entries[last];
    uint32_t at = index_slot_of(&m->index, hash_number(moved.key), last);
    m->index.slots[at].position_plus_1 = position + 1;
    m->entries[position] = moved;
}

void *map64_take(struct map64 *m, uint64_t key) {
    uint32_t slot = 0;
    uint32_t at = find_number(m, key, hash_number(key), &slot);
    if (at == NOT_FOUND)
        return NULL;
    void *value = m->entries[at].value;
    remove_number_at(m, at, slot);
    return value;
}

void map64_remove_entry(struct map64 *m, struct map64_entry *e) {
    check(e >= m->entries && e < m->entries + m->n);
    uint32_t position = (uint32_t)(e - m->entries);
    remove_number_at(m, position, index_slot_of(&m->index, hash_number(e->key), position));
}

void map64_check(const struct map64 *m) {
    check(m->n <= m->cap && m->n <= capacity(&m->index));
    check(index_check(&m->index) == m->n);
    map64_foreach(e, m) check(map64_find(m, e->key) == e);
}
