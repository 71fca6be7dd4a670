/* Strategic merge patch: merging lists. See strategic.h.
 *
 * Items are found by key in sorted indexes, never by scanning, because both lists come from outside.
 *
 * CONFORMS: the order of a merged list. Items that the patch (or its $setElementOrder) names stand in the
 * patch's order; the others stay in the original's order; where the two meet, an item of the original goes
 * first only if both are in the original and it stood first there. So what is new in the patch goes to the
 * front.
 */
#include <stdlib.h>

#include "api/strategic_priv.h"
#include "base/arena.h"
#include "base/buf.h"

#define NOT_THERE UINT32_MAX

/* Keys. */

static int rank_of(const struct jval *v) {
    return v->kind == J_DOUBLE ? J_INT : v->kind;
}

static int number_cmp(const struct jval *a, const struct jval *b) {
    if (a->kind == J_INT && b->kind == J_INT)
        return (a->i > b->i) - (a->i < b->i);
    long double x = a->kind == J_INT ? (long double)a->i : (long double)a->d;
    long double y = b->kind == J_INT ? (long double)b->i : (long double)b->d;
    return (x > y) - (x < y);
}

int smp_key_cmp(const struct jval *a, const struct jval *b) {
    if (rank_of(a) != rank_of(b))
        return rank_of(a) - rank_of(b);
    switch ((enum jkind)a->kind) {
    case J_BOOL: return a->b - b->b;
    case J_INT:
    case J_DOUBLE: return number_cmp(a, b);
    case J_STRING: return str_cmp(jval_as_str(a), jval_as_str(b));
    case J_NULL:
    case J_ARRAY:
    case J_OBJECT: break;
    }
    return 0;
}

static int key_order(const void *pa, const void *pb) {
    const struct smp_key *a = pa, *b = pb;
    int c = smp_key_cmp(&a->v, &b->v);
    return c ? c : (a->i > b->i) - (a->i < b->i);
}

/* A value as upstream's messages show it: map[name:a ports:[80 443]]. */
static void show(struct buf *out, const struct jval *v, uint32_t depth) {
    switch ((enum jkind)v->kind) {
    case J_NULL: buf_lit(out, "<nil>"); break;
    case J_BOOL: buf_str(out, v->b ? S("true") : S("false")); break;
    case J_INT: buf_i64(out, v->i); break;
    case J_DOUBLE: buf_printf(out, "%g", v->d); break;
    case J_STRING: buf_str(out, jval_as_str(v)); break;
    case J_ARRAY:
    case J_OBJECT: {
        buf_str(out, v->kind == J_OBJECT ? S("map[") : S("["));
        for (uint32_t i = 0; i < v->n && depth < 8 && !out->overflow; i++) {
            if (i)
                buf_byte(out, ' ');
            if (v->kind == J_OBJECT) {
                buf_str(out, v->members[i].key);
                buf_byte(out, ':');
            }
            show(out, v->kind == J_OBJECT ? &v->members[i].value : &v->items[i], depth + 1);
        }
        buf_byte(out, ']');
    }
    }
}

static int no_merge_key(struct smp *s, const struct jval *item, struct str merge_key) {
    _cleanup_buf struct buf text = {.limit = 256};
    show(&text, item, 0);
    return err_set(s->err, ERR_INVALID, "map: %.*s does not contain declared merge key: %.*s",
                   STR_ARG(buf_view(&text)), STR_ARG(merge_key));
}

int smp_key_of(struct smp *s, const struct jval *item, struct str merge_key, struct jval *ret_key) {
    const struct jval *key = merge_key.n ? jval_get(item, merge_key) : item;
    if (!key)
        return no_merge_key(s, item, merge_key);
    if (key->kind == J_OBJECT || key->kind == J_ARRAY)
        return err_set(s->err, ERR_INVALID, "merge key %.*s must be a string, number or boolean",
                       STR_ARG(merge_key));
    *ret_key = *key;
    return 0;
}

int smp_keys_of(struct smp *s, const struct jval *list, struct str merge_key, struct smp_keys *ret_keys) {
    int rc = smp_spend(s, list->n);
    if (rc)
        return rc;
    struct smp_keys keys = {arena_new_n(s->arena, list->n, struct smp_key), list->n};
    for (uint32_t i = 0; i < list->n; i++) {
        keys.v[i].i = i;
        rc = smp_key_of(s, &list->items[i], merge_key, &keys.v[i].v);
        if (rc)
            return rc;
    }
    if (keys.n)
        qsort(keys.v, keys.n, sizeof *keys.v, key_order);
    *ret_keys = keys;
    return 0;
}

uint32_t smp_keys_find(const struct smp_keys *keys, const struct jval *key) {
    uint32_t low = 0, high = keys->n;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (smp_key_cmp(&keys->v[mid].v, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < keys->n && smp_key_cmp(&keys->v[low].v, key) == 0 ? keys->v[low].i : NOT_THERE;
}

/* Order. */

struct ranked {
    uint32_t patch, server; /* where the item stands in either order, or NOT_THERE */
    uint32_t i;             /* and in the merged list */
    bool deletion;
};

static int by_patch(const void *pa, const void *pb) {
    const struct ranked *a = pa, *b = pb;
    if (a->deletion != b->deletion)
        return a->deletion - b->deletion;
    if (a->patch != b->patch)
        return a->patch < b->patch ? -1 : 1;
    return (a->i > b->i) - (a->i < b->i);
}

static int by_server(const void *pa, const void *pb) {
    const struct ranked *a = pa, *b = pb;
    if (a->deletion != b->deletion)
        return a->deletion - b->deletion;
    if (a->server != b->server)
        return a->server < b->server ? -1 : 1;
    return (a->i > b->i) - (a->i < b->i);
}

bool smp_is_deletion(const struct jval *item) {
    return str_eq(jval_get_str(item, DIRECTIVE_PATCH), S("delete"));
}

/* The merged items in the order of the rule above. */
static int put_in_order(struct smp *s, const struct jval *merged, struct str merge_key,
                        const struct smp_keys *patch_order, const struct smp_keys *server_order,
                        struct jval *ret_list) {
    uint32_t n = merged->n, n_patch = 0, n_server = 0;
    int rc = smp_spend(s, n);
    if (rc)
        return rc;
    struct ranked *ranked = arena_new_n(s->arena, n, struct ranked);
    struct ranked *patch = ranked, *server = ranked + n; /* filled from both ends */
    for (uint32_t i = 0; i < n; i++) {
        struct jval key;
        rc = smp_key_of(s, &merged->items[i], merge_key, &key);
        if (rc)
            return rc;
        struct ranked r = {smp_keys_find(patch_order, &key), smp_keys_find(server_order, &key), i,
                           s->combining && smp_is_deletion(&merged->items[i])};
        if (r.patch != NOT_THERE) {
            patch[n_patch++] = r;
        } else {
            n_server++;
            *--server = r;
        }
    }
    if (n_patch)
        qsort(patch, n_patch, sizeof *patch, by_patch);
    if (n_server)
        qsort(server, n_server, sizeof *server, by_server);
    struct jval *out = arena_new_n(s->arena, n, struct jval);
    for (uint32_t k = 0, i = 0, j = 0; k < n; k++) {
        bool server_first = j == n_patch || (i < n_server && patch[j].server != NOT_THERE &&
                                             server[i].server < patch[j].server);
        out[k] = merged->items[server_first ? server[i++].i : patch[j++].i];
    }
    *ret_list = jval_array(out, n);
    return 0;
}

/* Merging. */

int smp_items_are_maps(struct smp *s, const struct jval *left, const struct jval *right, bool *ret_maps) {
    uint32_t maps = 0, n = left->n + right->n;
    for (uint32_t i = 0; i < n; i++) {
        const struct jval *item = i < left->n ? &left->items[i] : &right->items[i - left->n];
        if (item->kind == J_ARRAY)
            return err_set(s->err, ERR_INVALID, "lists of lists cannot be merged");
        maps += item->kind == J_OBJECT;
    }
    if (maps && maps < n)
        return err_set(s->err, ERR_INVALID, "a list of objects has an item that is none");
    *ret_maps = maps > 0;
    return 0;
}

static int merge_scalars(struct smp *s, const struct jval *original, const struct jval *patch,
                         const struct smp_keys *originals, const struct smp_keys *patches,
                         struct jval *ret_merged) {
    struct jval *out = arena_new_n(s->arena, (size_t)original->n + patch->n, struct jval);
    uint32_t n = 0;
    for (uint32_t i = 0; i < original->n; i++)
        if (smp_keys_find(originals, &original->items[i]) == i)
            out[n++] = original->items[i];
    for (uint32_t i = 0; i < patch->n; i++)
        if (smp_keys_find(originals, &patch->items[i]) == NOT_THERE &&
            smp_keys_find(patches, &patch->items[i]) == i)
            out[n++] = patch->items[i];
    *ret_merged = jval_array(out, n);
    return 0;
}

/* A patch list of maps, its directives carried out on the original and taken out. */
static int split_directives(struct smp *s, struct jval *original, struct jval *patch, struct str merge_key) {
    struct jval *plain = arena_new_n(s->arena, patch->n, struct jval);
    struct jval *gone = arena_new_n(s->arena, patch->n, struct jval);
    uint32_t n_plain = 0, n_gone = 0;
    bool replace = false;
    for (uint32_t i = 0; i < patch->n; i++) {
        const struct jval *item = &patch->items[i], *directive = jval_get(item, DIRECTIVE_PATCH);
        if (!directive) {
            plain[n_plain++] = *item;
        } else if (smp_is_deletion(item)) {
            int rc = smp_key_of(s, item, merge_key, &gone[n_gone++]);
            if (rc)
                return rc;
        } else if (str_eq(jval_get_str(item, DIRECTIVE_PATCH), S("replace"))) {
            replace = true;
        } else {
            return err_set(s->err, ERR_INVALID, "$patch of a list item must be \"replace\" or \"delete\"");
        }
    }
    struct jval plain_list = jval_array(plain, n_plain), gone_list = jval_array(gone, n_gone);
    *patch = plain_list;
    if (replace) {
        bool keep;
        *patch = jval_array(NULL, 0);
        return smp_fresh(s, &plain_list, false, original, &keep);
    }
    if (!n_gone)
        return 0;
    struct smp_keys keys;
    struct jval *left = arena_new_n(s->arena, original->n, struct jval);
    uint32_t n = 0;
    int rc = smp_keys_of(s, &gone_list, S(""), &keys);
    for (uint32_t i = 0; i < original->n && rc == 0; i++) {
        const struct jval *key = jval_get(&original->items[i], merge_key);
        if (!key || smp_keys_find(&keys, key) == NOT_THERE)
            left[n++] = original->items[i];
    }
    *original = jval_array(left, n);
    return rc ? rc : smp_spend(s, n);
}

static int merge_maps(struct smp *s, const struct jval *original, const struct jval *patch,
                      const struct smp_field *f, const struct smp_keys *originals,
                      const struct smp_keys *patches, struct jval *ret_merged) {
    struct pos pos = pos_item(f->pos);
    struct jval *out = arena_new_n(s->arena, (size_t)original->n + patch->n, struct jval);
    uint32_t *added = arena_new_n(s->arena, patch->n, uint32_t); /* where new patch items went */
    uint32_t n = original->n;
    if (n)
        memcpy(out, original->items, n * sizeof *out);
    for (uint32_t i = 0; i < patch->n; i++) {
        const struct jval *item = &patch->items[i];
        struct jval key;
        bool keep;
        int rc = smp_key_of(s, item, f->merge_key, &key);
        if (rc)
            return rc;
        uint32_t at = smp_keys_find(originals, &key), first = smp_keys_find(patches, &key);
        if (at == NOT_THERE && first == i) {
            added[i] = n;
            rc = smp_fresh(s, item, true, &out[n++], &keep);
        } else {
            at = at == NOT_THERE ? added[first] : at;
            rc = smp_merge_map(s, &out[at], item, pos, &out[at]);
        }
        if (rc)
            return rc;
    }
    *ret_merged = jval_array(out, n);
    return 0;
}

/* The plain items of a patch must stand in the same order in its $setElementOrder list. */
static int check_order(struct smp *s, const struct jval *patch, const struct jval *order,
                       struct str merge_key) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < patch->n; i++, at++) {
        struct jval wanted, key;
        int rc = smp_key_of(s, &patch->items[i], merge_key, &wanted);
        for (; rc == 0 && at < order->n; at++) {
            rc = smp_key_of(s, &order->items[at], merge_key, &key);
            if (rc == 0 && smp_key_cmp(&key, &wanted) == 0)
                break;
        }
        if (rc)
            return rc;
        if (at == order->n)
            return err_set(s->err, ERR_INVALID,
                           "the patch's list is not in the order of its $setElementOrder");
    }
    return 0;
}

int smp_merge_list(struct smp *s, const struct jval *original, const struct jval *patch,
                   const struct smp_field *f, const struct jval *order, struct jval *ret_result) {
    struct jval left = original ? *original : jval_array(NULL, 0),
                right = patch ? *patch : jval_array(NULL, 0);
    struct jval merged;
    struct smp_keys originals, patches, orders;
    bool maps;
    int rc = smp_items_are_maps(s, &left, &right, &maps);
    if (rc)
        return rc;
    if (maps && !f->merge_key.n)
        return err_set(s->err, ERR_INVALID, "a list of objects without a merge key cannot be merged");
    struct str merge_key = maps ? f->merge_key : S("");
    if (maps)
        rc = split_directives(s, &left, &right, merge_key);
    if (rc == 0)
        rc = smp_keys_of(s, &left, merge_key, &originals);
    if (rc == 0)
        rc = smp_keys_of(s, &right, merge_key, &patches);
    if (rc == 0)
        rc = maps ? merge_maps(s, &left, &right, f, &originals, &patches, &merged)
                  : merge_scalars(s, &left, &right, &originals, &patches, &merged);
    if (rc)
        return rc;
    if (!order)
        return put_in_order(s, &merged, merge_key, &patches, &originals, ret_result);
    rc = check_order(s, &right, order, merge_key);
    if (rc == 0)
        rc = smp_keys_of(s, order, merge_key, &orders);
    return rc ? rc : put_in_order(s, &merged, merge_key, &orders, &originals, ret_result);
}

int smp_delete_values(struct smp *s, const struct jval *original, const struct jval *gone,
                      struct jval *ret_result) {
    struct smp_keys keys;
    bool maps;
    int rc = smp_items_are_maps(s, original, gone, &maps);
    if (rc == 0 && maps)
        rc = err_set(s->err, ERR_INVALID, "$deleteFromPrimitiveList is for lists of plain values");
    if (rc == 0)
        rc = smp_keys_of(s, gone, S(""), &keys);
    if (rc)
        return rc;
    struct jval *out = arena_new_n(s->arena, original->n, struct jval);
    uint32_t n = 0;
    for (uint32_t i = 0; i < original->n; i++)
        if (smp_keys_find(&keys, &original->items[i]) == NOT_THERE)
            out[n++] = original->items[i];
    *ret_result = jval_array(out, n);
    return smp_spend(s, original->n);
}
