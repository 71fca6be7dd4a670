/* api/strategic: what its files share: the running operation, schema look-ups, list keys and list order. */
#pragma once

#include "api/jpairs.h"
#include "api/strategic.h"
#include "base/err.h"

#define DIRECTIVE_PATCH S("$patch")
#define DIRECTIVE_RETAIN_KEYS S("$retainKeys")
#define DIRECTIVE_DELETE S("$deleteFromPrimitiveList")
#define DIRECTIVE_ORDER S("$setElementOrder")

/* One call of a public function. */
struct smp {
    struct arena *arena;
    struct err *err;
    uint32_t work;
    uint32_t depth;
    bool combining; /* both sides are patches: directives and nulls are data */
};

/* What the schema says of a member. */
struct smp_field {
    struct pos pos;
    bool merge, replace, retain_keys;
    struct str merge_key; /* "" for lists of scalars */
};

struct smp_field smp_field(struct pos map, struct str name);

/* Counts n more members or items; ERR_TOO_LARGE past the limit. */
int smp_spend(struct smp *s, uint32_t n);

/* Around each step down; enter fails past the depth limit. */
int smp_enter(struct smp *s);
static inline void smp_leave(struct smp *s) {
    s->depth--;
}

/* Merges a patch into a map; original may be NULL or anything (no object: nothing is there). */
int smp_merge_map(struct smp *s, const struct jval *original, const struct jval *patch, struct pos pos,
                  struct jval *ret_result);

/* A patch value where there is nothing to merge it into: without nulls and directives. *ret_keep is false
 * when nothing of it stays. */
int smp_fresh(struct smp *s, const struct jval *value, bool is_item, struct jval *ret_value, bool *ret_keep);

/* Merges two lists of a field with merge strategy. patch_order, when not NULL, is a $setElementOrder list. */
int smp_merge_list(struct smp *s, const struct jval *original, const struct jval *patch,
                   const struct smp_field *f, const struct jval *order, struct jval *ret_result);

/* original without the values in `gone`. */
int smp_delete_values(struct smp *s, const struct jval *original, const struct jval *gone,
                      struct jval *ret_result);

/* Keys of list items: the merge key's value, or the item itself in lists of scalars. */
struct smp_key {
    struct jval v; /* a scalar */
    uint32_t i;    /* index in the list */
};

/* Items sorted by key, equal keys in list order. */
struct smp_keys {
    struct smp_key *v;
    uint32_t n;
};

/* ERR_INVALID when an item has no merge key, or one that is no scalar. */
int smp_key_of(struct smp *s, const struct jval *item, struct str merge_key, struct jval *ret_key);
int smp_keys_of(struct smp *s, const struct jval *list, struct str merge_key, struct smp_keys *ret_keys);
int smp_key_cmp(const struct jval *a, const struct jval *b);

/* Index of the first item with that key, or UINT32_MAX. */
uint32_t smp_keys_find(const struct smp_keys *keys, const struct jval *key);

/* Whether the items of two lists are maps; ERR_INVALID for lists of lists and mixed lists. */
int smp_items_are_maps(struct smp *s, const struct jval *left, const struct jval *right, bool *ret_maps);

/* Whether an item of a patch list is there to delete its namesake. */
bool smp_is_deletion(const struct jval *item);

/* ERR_CONFLICT when both patches set something and not to the same. */
int smp_conflict(struct smp *s, const struct jval *patch, const struct jval *since, struct pos pos);
