/* Strategic merge patch: making patches. See strategic.h.
 *
 * CONFORMS: upstream's two-way and three-way patches, down to which directives they carry. A three-way patch
 * is made of two differences: what current lacks of modified, without deletions; and what of original is no
 * longer in modified, only deletions. Merged into each other as patches they are the answer.
 */
#include "api/strategic_priv.h"
#include "base/arena.h"
#include "base/vec.h"

enum diff_flag {
    DIFF_NO_DELETIONS = 1 << 0,
    DIFF_NO_CHANGES = 1 << 1, /* neither changes nor additions */
    DIFF_ORDER = 1 << 2,      /* say the order of lists that differ */
    DIFF_RETAIN_KEYS = 1 << 3 /* of this map only */
};

static int diff_maps(struct smp *s, const struct jval *original, const struct jval *modified, struct pos pos,
                     unsigned flags, struct jval *ret_patch);

static struct jval list_of(const struct jval *v, size_t n) {
    return jval_array(v, n);
}

static void put(struct smp *s, struct jobject *patch, struct str directive, struct str name,
                struct jval value) {
    struct str key = arena_printf(s->arena, "%.*s/%.*s", STR_ARG(directive), STR_ARG(name));
    jobject_set(s->arena, patch, key, value);
}

static struct jval with_one(struct smp *s, struct str key, struct jval value) {
    struct jmember *m = arena_new(s->arena, struct jmember);
    *m = (struct jmember){key, value};
    return jval_object(m, 1);
}

/* Lists of plain values. */

static int diff_scalars(struct smp *s, struct str name, const struct jval *original,
                        const struct jval *modified, unsigned flags, struct jobject *patch) {
    struct smp_keys before, after;
    int rc = smp_keys_of(s, original, S(""), &before);
    if (rc == 0)
        rc = smp_keys_of(s, modified, S(""), &after);
    if (rc)
        return rc;
    struct jval *added = arena_new_n(s->arena, modified->n, struct jval);
    struct jval *gone = arena_new_n(s->arena, original->n, struct jval);
    uint32_t n_added = 0, n_gone = 0;
    for (uint32_t i = 0; i < modified->n && !(flags & DIFF_NO_CHANGES); i++)
        if (smp_keys_find(&before, &modified->items[i]) == UINT32_MAX)
            added[n_added++] = modified->items[i];
    for (uint32_t i = 0; i < before.n && !(flags & DIFF_NO_DELETIONS); i++) {
        const struct jval *v = &before.v[i].v;
        bool again = i && smp_key_cmp(v, &before.v[i - 1].v) == 0;
        if (!again && smp_keys_find(&after, v) == UINT32_MAX)
            gone[n_gone++] = *v;
    }
    if (n_added)
        jobject_set(s->arena, patch, name, list_of(added, n_added));
    if (n_gone)
        put(s, patch, DIRECTIVE_DELETE, name, list_of(gone, n_gone));
    bool changed = !(flags & DIFF_NO_CHANGES) && !jval_equal(original, modified);
    if ((flags & DIFF_ORDER) && modified->n && (n_gone || changed))
        put(s, patch, DIRECTIVE_ORDER, name, *modified);
    return 0;
}

/* Lists of maps. */

struct pairing {
    const struct smp_field *field;
    unsigned flags;
    struct jval *changed;   /* by index in modified; null: nothing to say */
    struct jval *deletions; /* in key order */
    uint32_t n_deletions;
};

/* One item of each list with the same key, or one that has no partner (UINT32_MAX). */
static int diff_pair(struct smp *s, const struct jval *original, const struct jval *modified, uint32_t before,
                     uint32_t after, const struct jval *key, struct pairing *p) {
    struct str merge_key = p->field->merge_key;
    if (after == UINT32_MAX) {
        if (p->flags & DIFF_NO_DELETIONS)
            return 0;
        struct jval directive = with_one(s, DIRECTIVE_PATCH, jval_str(S("delete")));
        p->deletions[p->n_deletions++] = jval_with(s->arena, &directive, merge_key, *key);
        return 0;
    }
    if (before == UINT32_MAX) {
        if (!(p->flags & DIFF_NO_CHANGES))
            p->changed[after] = modified->items[after];
        return 0;
    }
    struct jval patch;
    int rc = diff_maps(s, &original->items[before], &modified->items[after], pos_item(p->field->pos),
                       p->flags, &patch);
    if (rc == 0 && patch.n)
        p->changed[after] = jval_with(s->arena, &patch, merge_key, *key);
    return rc;
}

/* Pairs items in the order of their keys, the first with the first of that key, and so on. */
static int pair_up(struct smp *s, const struct jval *original, const struct jval *modified,
                   const struct smp_keys *before, const struct smp_keys *after, struct pairing *p) {
    uint32_t i = 0, j = 0;
    int rc = 0;
    while (rc == 0 && (i < before->n || j < after->n)) {
        int c = i == before->n ? 1 : j == after->n ? -1 : smp_key_cmp(&before->v[i].v, &after->v[j].v);
        rc = diff_pair(s, original, modified, c <= 0 ? before->v[i].i : UINT32_MAX,
                       c >= 0 ? after->v[j].i : UINT32_MAX, c <= 0 ? &before->v[i].v : &after->v[j].v, p);
        i += c <= 0;
        j += c >= 0;
    }
    return rc;
}

static bool same_order(const struct jval *original, const struct jval *modified, struct str merge_key) {
    if (original->n != modified->n)
        return false;
    for (uint32_t i = 0; i < original->n; i++)
        if (smp_key_cmp(jval_get(&original->items[i], merge_key), jval_get(&modified->items[i], merge_key)))
            return false;
    return true;
}

static int diff_items(struct smp *s, struct str name, const struct jval *original,
                      const struct jval *modified, const struct smp_field *f, unsigned flags,
                      struct jobject *patch) {
    struct smp_keys before, after;
    int rc = smp_keys_of(s, original, f->merge_key, &before);
    if (rc == 0)
        rc = smp_keys_of(s, modified, f->merge_key, &after);
    if (rc)
        return rc;
    struct pairing p = {.field = f,
                        .flags = flags | (f->retain_keys ? DIFF_RETAIN_KEYS : 0),
                        .changed = arena_new_n(s->arena, modified->n, struct jval),
                        .deletions = arena_new_n(s->arena, original->n, struct jval)};
    rc = pair_up(s, original, modified, &before, &after, &p);
    if (rc)
        return rc;
    struct jval *out = arena_new_n(s->arena, (size_t)modified->n + p.n_deletions, struct jval);
    uint32_t n = 0;
    for (uint32_t i = 0; i < modified->n; i++)
        if (p.changed[i].kind == J_OBJECT)
            out[n++] = p.changed[i];
    for (uint32_t i = 0; i < p.n_deletions; i++)
        out[n++] = p.deletions[i];
    if (n)
        jobject_set(s->arena, patch, name, list_of(out, n));
    bool moved = !(flags & DIFF_NO_CHANGES) && !same_order(original, modified, f->merge_key);
    if (!(flags & DIFF_ORDER) || !modified->n || !(n || moved))
        return 0;
    struct jval *order = arena_new_n(s->arena, modified->n, struct jval);
    for (uint32_t i = 0; i < modified->n; i++)
        order[i] = with_one(s, f->merge_key, *jval_get(&modified->items[i], f->merge_key));
    put(s, patch, DIRECTIVE_ORDER, name, list_of(order, modified->n));
    return 0;
}

static int diff_lists(struct smp *s, struct str name, const struct jval *original,
                      const struct jval *modified, const struct smp_field *f, unsigned flags,
                      struct jobject *patch) {
    bool maps;
    flags &= ~(unsigned)DIFF_RETAIN_KEYS;
    if (!original->n) {
        if (modified->n && !(flags & DIFF_NO_CHANGES))
            jobject_set(s->arena, patch, name, *modified);
        return 0;
    }
    int rc = smp_items_are_maps(s, original, modified, &maps);
    if (rc)
        return rc;
    if (maps && !f->merge_key.n)
        return err_set(s->err, ERR_INVALID, "a list of objects without a merge key cannot be merged");
    return maps ? diff_items(s, name, original, modified, f, flags, patch)
                : diff_scalars(s, name, original, modified, flags, patch);
}

/* Maps. */

static int diff_both(struct smp *s, struct str name, const struct jval *original, const struct jval *modified,
                     struct pos pos, unsigned flags, struct jobject *patch) {
    struct smp_field f = smp_field(pos, name);
    bool same_kind = original->kind == modified->kind;
    if (same_kind && modified->kind == J_OBJECT && !f.replace) {
        struct jval inner;
        flags = (flags & ~(unsigned)DIFF_RETAIN_KEYS) | (f.retain_keys ? DIFF_RETAIN_KEYS : 0);
        int rc = diff_maps(s, original, modified, f.pos, flags, &inner);
        if (rc == 0 && inner.n)
            jobject_set(s->arena, patch, name, inner);
        return rc;
    }
    if (same_kind && modified->kind == J_ARRAY && f.merge)
        return diff_lists(s, name, original, modified, &f, flags, patch);
    if (!(flags & DIFF_NO_CHANGES) && !jval_equal(original, modified))
        jobject_set(s->arena, patch, name, *modified);
    return 0;
}

/* $retainKeys goes with a patch that changes something, and wherever something must be cleared. */
static void diff_retain_keys(struct smp *s, const struct jval *original, const struct jval *modified,
                             struct jobject *patch) {
    struct jval *names = arena_new_n(s->arena, modified->n, struct jval);
    uint32_t n = 0;
    bool extra = false;
    for (uint32_t i = 0; i < modified->n; i++)
        if (modified->members[i].value.kind != J_NULL)
            names[n++] = jval_str(modified->members[i].key);
    for (struct jpairs p = jpairs(original, modified); jpairs_next(&p);)
        extra = extra || (!p.r && p.l->kind != J_NULL);
    if (n && (patch->n || extra))
        jobject_set(s->arena, patch, DIRECTIVE_RETAIN_KEYS, list_of(names, n));
}

static int diff_maps(struct smp *s, const struct jval *original, const struct jval *modified, struct pos pos,
                     unsigned flags, struct jval *ret_patch) {
    struct jpairs p = jpairs(original, modified);
    struct jobject patch = {0};
    int rc = smp_spend(s, jpairs_max(&p));
    if (rc == 0)
        rc = smp_enter(s);
    if (rc)
        return rc;
    while (rc == 0 && jpairs_next(&p)) {
        if (!p.r && !(flags & DIFF_NO_DELETIONS))
            jobject_set(s->arena, &patch, p.key, jval_null());
        else if (p.r && !p.l && !(flags & DIFF_NO_CHANGES))
            jobject_set(s->arena, &patch, p.key, *p.r);
        else if (p.l && p.r)
            rc = diff_both(s, p.key, p.l, p.r, pos, flags, &patch);
    }
    smp_leave(s);
    if (rc)
        return rc;
    if (flags & DIFF_RETAIN_KEYS)
        diff_retain_keys(s, original, modified, &patch);
    *ret_patch = jobject_done(&patch);
    return 0;
}

static int must_be_objects(struct err *err, const struct jval *const *values, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (values[i]->kind != J_OBJECT)
            return err_set(err, ERR_INVALID, "a strategic merge patch is made from objects");
    return 0;
}

int strategic_create(struct arena *a, struct pos schema, const struct jval *original,
                     const struct jval *modified, struct jval *ret_patch, struct err *err) {
    struct smp s = {.arena = a, .err = err};
    const struct jval *const values[] = {original, modified};
    int rc = must_be_objects(err, values, 2);
    return rc ? rc : diff_maps(&s, original, modified, schema, DIFF_ORDER, ret_patch);
}

int strategic_create_three_way(struct arena *a, struct pos schema, const struct jval *original,
                               const struct jval *modified, const struct jval *current, bool overwrite,
                               struct jval *ret_patch, struct err *err) {
    struct smp s = {.arena = a, .err = err};
    const struct jval *const values[] = {original, modified, current};
    struct jval changes, deletions, patch, since;
    int rc = must_be_objects(err, values, 3);
    if (rc == 0)
        rc = diff_maps(&s, current, modified, schema, DIFF_NO_DELETIONS | DIFF_ORDER, &changes);
    if (rc == 0)
        rc = diff_maps(&s, original, modified, schema, DIFF_NO_CHANGES | DIFF_ORDER, &deletions);
    s.combining = true;
    if (rc == 0)
        rc = smp_merge_map(&s, &deletions, &changes, schema, &patch);
    if (rc == 0 && !overwrite) {
        rc = diff_maps(&s, original, current, schema, 0, &since);
        if (rc == 0)
            rc = smp_conflict(&s, &patch, &since, schema);
    }
    if (rc == 0)
        *ret_patch = patch;
    return rc;
}
