/* base/map: hash maps, from text (struct map) and from 64-bit numbers or pointers (struct map64).
 *
 *     struct map pods = MAP_INIT;
 *     map_put(&pods, pod->name, pod);
 *     struct pod *p = map_get(&pods, S("web-0"));
 *     map_foreach (e, &pods) use(e->key, e->value);
 *     map_fini(&pods);
 *
 * Entries lie densely in one array, in insertion order until something is removed (the last one moves into
 * the gap); so the order of iteration depends only on the calls made, never on the hash, and a run with a
 * seed replays. Beside it lies an open addressing index (Robin Hood). The hash is keyed with random words of
 * the process, so peers cannot choose colliding keys.
 *
 * Keys are borrowed: their bytes must live as long as the entry; they usually lie inside the value. With
 * MAP_INIT_OWNING the map keeps copies of its own. Values belong to the caller, who frees them before
 * map_fini. Pointers to entries are valid until the next put or removal. Not thread-safe; reads by many
 * threads are fine while nobody writes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define MAP_ENTRIES_MAX (1u << 30)

struct map_slot;

struct map_index {
    struct map_slot *slots; /* NULL while the map is empty and new */
    uint32_t mask;          /* number of slots - 1 */
    uint32_t shift;         /* 32 - log2(number of slots) */
};

struct map_entry {
    struct str key;
    union {
        void *value;
        uint64_t u64;
    };
};

struct map {
    struct map_entry *entries;
    uint32_t n, cap;
    struct map_index index;
    bool owns_keys;
};

#define MAP_INIT                                                                                             \
    { .n = 0 }
#define MAP_INIT_OWNING                                                                                      \
    { .owns_keys = true }

void map_fini(struct map *m);
#define _cleanup_map __attribute__((cleanup(map_fini)))

/* Room for n entries in all. */
void map_reserve(struct map *m, size_t n);

/* Removes all entries, keeps the memory. */
void map_clear(struct map *m);

static inline size_t map_count(const struct map *m) {
    return m->n;
}

/* The entry of the key, or NULL. The caller may change its value. */
struct map_entry *map_find(const struct map *m, struct str key);

/* The value, or NULL. */
static inline void *map_get(const struct map *m, struct str key) {
    const struct map_entry *e = map_find(m, key);
    return e ? e->value : NULL;
}

static inline bool map_has(const struct map *m, struct str key) {
    return map_find(m, key) != NULL;
}

/* The entry of the key, made with value 0 when there was none. An entry that existed keeps its key pointer.
 */
struct map_entry *map_upsert(struct map *m, struct str key, bool *ret_new);

/* Sets the value; returns the one it replaces, or NULL. A borrowed key is replaced too, so that it may lie
 * inside the value. */
void *map_put(struct map *m, struct str key, void *value);

static inline void map_put_u64(struct map *m, struct str key, uint64_t v) {
    map_upsert(m, key, NULL)->u64 = v;
}

/* Removes the key; returns its value, or NULL when there was none. */
void *map_take(struct map *m, struct str key);

static inline bool map_remove(struct map *m, struct str key) {
    uint32_t before = m->n;
    (void)map_take(m, key);
    return m->n < before;
}

/* Removes an entry that was found or is being iterated over; use map_foreach_reverse for that. */
void map_remove_entry(struct map *m, struct map_entry *e);

static inline struct map_entry *map_end(const struct map *m) {
    return m->n ? m->entries + m->n : m->entries;
}

/* The body must not add or remove. */
#define map_foreach(e, m) for (struct map_entry *e = (m)->entries, *e##_end_ = map_end(m); e != e##_end_; e++)

/* Last to first; the body may remove the current entry. */
#define map_foreach_reverse(e, m) for (struct map_entry *e = map_end(m); e != (m)->entries && (e--, true);)

/* Aborts when an invariant is broken. */
void map_check(const struct map *m);

/* The same, keyed by a number or, through map64_key, a pointer. */
struct map64_entry {
    uint64_t key;
    union {
        void *value;
        uint64_t u64;
    };
};

struct map64 {
    struct map64_entry *entries;
    uint32_t n, cap;
    struct map_index index;
};

static inline uint64_t map64_key(const void *p) {
    return (uint64_t)(uintptr_t)p;
}

void map64_fini(struct map64 *m);
#define _cleanup_map64 __attribute__((cleanup(map64_fini)))
void map64_reserve(struct map64 *m, size_t n);
void map64_clear(struct map64 *m);

static inline size_t map64_count(const struct map64 *m) {
    return m->n;
}

struct map64_entry *map64_find(const struct map64 *m, uint64_t key);

static inline void *map64_get(const struct map64 *m, uint64_t key) {
    const struct map64_entry *e = map64_find(m, key);
    return e ? e->value : NULL;
}

static inline bool map64_has(const struct map64 *m, uint64_t key) {
    return map64_find(m, key) != NULL;
}

struct map64_entry *map64_upsert(struct map64 *m, uint64_t key, bool *ret_new);
void *map64_put(struct map64 *m, uint64_t key, void *value);

static inline void map64_put_u64(struct map64 *m, uint64_t key, uint64_t v) {
    map64_upsert(m, key, NULL)->u64 = v;
}

void *map64_take(struct map64 *m, uint64_t key);
void map64_remove_entry(struct map64 *m, struct map64_entry *e);

static inline struct map64_entry *map64_end(const struct map64 *m) {
    return m->n ? m->entries + m->n : m->entries;
}

/* The body must not add or remove. */
#define map64_foreach(e, m)                                                                                  \
    for (struct map64_entry *e = (m)->entries, *e##_end_ = map64_end(m); e != e##_end_; e++)
#define map64_foreach_reverse(e, m)                                                                          \
    for (struct map64_entry *e = map64_end(m); e != (m)->entries && (e--, true);)

void map64_check(const struct map64 *m);
