/* Strategic merge patch: whether two patches want different things of the same field. See strategic.h.
 *
 * CONFORMS: upstream's conflict rules: maps are compared member by member where both have it, merged lists
 * item by item where both have the key, other lists as a whole (plain values in any order); a map that one of
 * the patches replaces or deletes conflicts with one that the other edits.
 */
#include <stdlib.h>

#include "api/strategic_priv.h"
#include "base/arena.h"

static int conflict(struct smp *s, struct str name) {
    return err_set(s->err, ERR_CONFLICT, "\"%.*s\" has been changed by others since it was last applied",
                   STR_ARG(str_cut(name, 128)));
}

static int lists_conflict(struct smp *s, const struct jval *left, const struct jval *right,
                          const struct smp_field *f, struct str name);

static int maps_conflict(struct smp *s, const struct jval *left, const struct jval *right, struct pos pos);

static int values_conflict(struct smp *s, const struct jval *left, const struct jval *right,
                           const struct smp_field *f, struct str name) {
    if (left->kind != right->kind)
        return jval_equal(left, right) ? 0 : conflict(s, name);
    if (left->kind == J_ARRAY)
        return lists_conflict(s, left, right, f, name);
    if (left->kind != J_OBJECT)
        return jval_equal(left, right) ? 0 : conflict(s, name);
    const struct jval *l = jval_get(left, DIRECTIVE_PATCH), *r = jval_get(right, DIRECTIVE_PATCH);
    if ((l || r) && (!l || !r || !jval_equal(l, r)))
        return conflict(s, name);
    return f->replace ? 0 : maps_conflict(s, left, right, f->pos);
}

static int maps_conflict(struct smp *s, const struct jval *left, const struct jval *right, struct pos pos) {
    struct jpairs p = jpairs(left, right);
    int rc = smp_spend(s, jpairs_max(&p));
    if (rc == 0)
        rc = smp_enter(s);
    if (rc)
        return rc;
    while (rc == 0 && jpairs_next(&p)) {
        if (!p.l || !p.r || str_eq(p.key, DIRECTIVE_PATCH) || str_eq(p.key, DIRECTIVE_RETAIN_KEYS))
            continue;
        struct smp_field f = smp_field(pos, p.key);
        rc = values_conflict(s, p.l, p.r, &f, p.key);
    }
    smp_leave(s);
    return rc;
}

/* Items of two merged lists, each with the first of its key on the other side. */
static int items_conflict(struct smp *s, const struct jval *left, const struct jval *right,
                          const struct smp_field *f, struct str name) {
    struct smp_keys keys;
    struct smp_field item = {.pos = pos_item(f->pos)};
    int rc = smp_keys_of(s, right, f->merge_key, &keys);
    for (uint32_t i = 0; i < left->n && rc == 0; i++) {
        struct jval key;
        rc = smp_key_of(s, &left->items[i], f->merge_key, &key);
        uint32_t at = rc ? UINT32_MAX : smp_keys_find(&keys, &key);
        if (at != UINT32_MAX)
            rc = values_conflict(s, &left->items[i], &right->items[at], &item, name);
    }
    return rc;
}

static int lists_conflict(struct smp *s, const struct jval *left, const struct jval *right,
                          const struct smp_field *f, struct str name) {
    bool maps;
    int rc = smp_items_are_maps(s, left, right, &maps);
    if (rc)
        return rc;
    if (f->merge)
        return maps && f->merge_key.n ? items_conflict(s, left, right, f, name) : 0;
    if (left->n != right->n)
        return conflict(s, name);
    struct smp_keys l, r;
    struct smp_field untyped = {0};
    if (!maps) {
        rc = smp_keys_of(s, left, S(""), &l);
        if (rc == 0)
            rc = smp_keys_of(s, right, S(""), &r);
    }
    for (uint32_t i = 0; i < left->n && rc == 0; i++)
        rc = maps ? values_conflict(s, &left->items[i], &right->items[i], &untyped, name)
             : smp_key_cmp(&l.v[i].v, &r.v[i].v) ? conflict(s, name)
                                                 : 0;
    return rc;
}

int smp_conflict(struct smp *s, const struct jval *patch, const struct jval *since, struct pos pos) {
    return maps_conflict(s, patch, since, pos);
}
