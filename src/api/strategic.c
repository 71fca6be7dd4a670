/* Strategic merge patch: merging maps. See strategic.h.
 *
 * Maps keep their members sorted, and so are the directives of one kind inside a patch. So a map is merged in
 * one walk over four sorted lists: the original's members, the patch's plain members, its deletions from
 * lists and its list orders. All that concerns one member is decided in one place, whatever the order of
 * directives in the text.
 */
#include "api/strategic.h"

#include <stdlib.h>

#include "api/strategic_priv.h"
#include "base/arena.h"
#include "codec/json.h"

int smp_spend(struct smp *s, uint32_t n) {
    if (n > STRATEGIC_WORK_MAX - s->work)
        return err_set(s->err, ERR_TOO_LARGE, "merging the patch takes too much work");
    s->work += n;
    return 0;
}

int smp_enter(struct smp *s) {
    if (s->depth == JSON_DEPTH_MAX)
        return err_set(s->err, ERR_TOO_LARGE, "the patch is nested deeper than %u levels", JSON_DEPTH_MAX);
    s->depth++;
    return 0;
}

struct smp_field smp_field(struct pos map, struct str name) {
    struct pos p = pos_member(map, name, NULL);
    const struct ty_rule *rule = pos_rule(p);
    return (struct smp_field){
        .pos = p,
        .merge = rule->patch & PATCH_MERGE,
        .replace = rule->patch & PATCH_REPLACE,
        .retain_keys = rule->patch & PATCH_RETAIN_KEYS,
        .merge_key = p.set ? ty_name(p.set, rule->merge_key) : S(""),
    };
}

static bool is_null(const struct jval *v) {
    return v->kind == J_NULL;
}

/* The list name of a directive member, "$setElementOrder/name". */
static int directive_field(struct smp *s, struct str key, struct str directive, struct str *ret_name) {
    struct str rest = str_from_byte(key, directive.n);
    if (!rest.n || rest.p[0] != '/')
        return err_set(s->err, ERR_INVALID, "\"%.*s\" must be followed by a slash and the name of a list",
                       STR_ARG(str_cut(key, 128)));
    *ret_name = str_from_byte(rest, 1);
    return 0;
}

/* The range of members whose key begins with the directive. */
struct range {
    uint32_t next, end;
};

static struct range directive_range(const struct jval *patch, struct str directive) {
    uint32_t low = 0, high = patch->n;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (str_cmp(patch->members[mid].key, directive) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    struct range r = {low, low};
    while (r.end < patch->n && str_has_prefix(patch->members[r.end].key, directive))
        r.end++;
    return r;
}

static bool is_directive(struct str key) {
    return key.n && key.p[0] == '$' &&
           (str_eq(key, DIRECTIVE_PATCH) || str_eq(key, DIRECTIVE_RETAIN_KEYS) ||
            str_has_prefix(key, DIRECTIVE_DELETE) || str_has_prefix(key, DIRECTIVE_ORDER));
}

/* The walk over one map. */

struct walk {
    const struct jval *original; /* an object, or NULL */
    const struct jval *patch;
    uint32_t i, j;
    struct range deletions, orders;
    struct str key; /* of this step; NULL below: not there */
    const struct jval *have, *plain, *deletion, *order;
};

static void take_smallest(struct str key, struct str *smallest) {
    if (!smallest->p || str_cmp(key, *smallest) < 0)
        *smallest = key;
}

static int walk_next(struct smp *s, struct walk *w, bool *ret_more) {
    while (w->j < w->patch->n && is_directive(w->patch->members[w->j].key))
        w->j++;
    struct str least = STR_NONE, deletion = STR_NONE, order = STR_NONE;
    const struct jmember *have = w->original && w->i < w->original->n ? &w->original->members[w->i] : NULL;
    const struct jmember *plain = w->j < w->patch->n ? &w->patch->members[w->j] : NULL;
    int rc = 0;
    if (w->deletions.next < w->deletions.end)
        rc = directive_field(s, w->patch->members[w->deletions.next].key, DIRECTIVE_DELETE, &deletion);
    if (rc == 0 && w->orders.next < w->orders.end)
        rc = directive_field(s, w->patch->members[w->orders.next].key, DIRECTIVE_ORDER, &order);
    if (rc)
        return rc;
    if (have)
        take_smallest(have->key, &least);
    if (plain)
        take_smallest(plain->key, &least);
    if (deletion.p)
        take_smallest(deletion, &least);
    if (order.p)
        take_smallest(order, &least);
    *ret_more = least.p != NULL;
    w->key = least;
    w->have = have && str_eq(have->key, least) ? &w->original->members[w->i++].value : NULL;
    w->plain = plain && str_eq(plain->key, least) ? &w->patch->members[w->j++].value : NULL;
    w->deletion =
        deletion.p && str_eq(deletion, least) ? &w->patch->members[w->deletions.next++].value : NULL;
    w->order = order.p && str_eq(order, least) ? &w->patch->members[w->orders.next++].value : NULL;
    return 0;
}

/* $retainKeys. */

struct names {
    struct str *v;
    uint32_t n;
    bool set;
};

static bool names_has(const struct names *names, struct str name) {
    return bsearch(&name, names->v, names->n, sizeof *names->v, str_cmp_qsort) != NULL;
}

static int retain_keys(struct smp *s, const struct jval *patch, struct names *ret_names) {
    *ret_names = (struct names){0};
    const struct jval *list = jval_get(patch, DIRECTIVE_RETAIN_KEYS);
    if (!list)
        return 0;
    if (list->kind != J_ARRAY)
        return err_set(s->err, ERR_INVALID, "$retainKeys must be a list of names");
    struct names names = {arena_new_n(s->arena, list->n, struct str), list->n, true};
    for (uint32_t i = 0; i < list->n; i++) {
        if (list->items[i].kind != J_STRING)
            return err_set(s->err, ERR_INVALID, "$retainKeys must be a list of names");
        names.v[i] = jval_as_str(&list->items[i]);
    }
    if (names.n)
        qsort(names.v, names.n, sizeof *names.v, str_cmp_qsort);
    for (uint32_t i = 0; i < patch->n; i++) {
        const struct jmember *m = &patch->members[i];
        if (!is_directive(m->key) && !is_null(&m->value) && !names_has(&names, m->key))
            return err_set(s->err, ERR_INVALID, "$retainKeys does not list \"%.*s\", which the patch sets",
                           STR_ARG(str_cut(m->key, 128)));
    }
    *ret_names = names;
    return smp_spend(s, names.n);
}

/* Values with nothing below them to merge with. */

/* "$patch" of a map: replace, delete or "" when there is none. */
static int patch_directive(struct smp *s, const struct jval *map, struct str *ret_directive) {
    const struct jval *d = jval_get(map, DIRECTIVE_PATCH);
    *ret_directive = d && d->kind == J_STRING ? jval_as_str(d) : S("");
    if (!d || str_eq(*ret_directive, S("replace")) || str_eq(*ret_directive, S("delete")))
        return 0;
    return err_set(s->err, ERR_INVALID, "$patch must be \"replace\" or \"delete\"");
}

static int fresh_map(struct smp *s, const struct jval *map, struct jval *ret_value) {
    struct jmember *out = arena_new_n(s->arena, map->n, struct jmember);
    uint32_t n = 0;
    for (uint32_t i = 0; i < map->n; i++) {
        const struct jmember *m = &map->members[i];
        bool keep = !is_null(&m->value) && !is_directive(m->key);
        out[n].key = m->key;
        int rc = keep ? smp_fresh(s, &m->value, false, &out[n].value, &keep) : 0;
        if (rc)
            return rc;
        n += keep;
    }
    *ret_value = jval_object(out, n);
    return 0;
}

static int fresh_list(struct smp *s, const struct jval *list, struct jval *ret_value) {
    struct jval *out = arena_new_n(s->arena, list->n, struct jval);
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->n; i++) {
        bool keep;
        int rc = smp_fresh(s, &list->items[i], true, &out[n], &keep);
        if (rc)
            return rc;
        n += keep;
    }
    *ret_value = jval_array(out, n);
    return 0;
}

int smp_fresh(struct smp *s, const struct jval *value, bool is_item, struct jval *ret_value, bool *ret_keep) {
    *ret_keep = true;
    if (s->combining || (value->kind != J_OBJECT && value->kind != J_ARRAY)) {
        *ret_value = *value;
        return 0;
    }
    struct str directive;
    int rc = smp_spend(s, value->n);
    if (rc == 0)
        rc = patch_directive(s, value, &directive);
    if (rc == 0)
        rc = smp_enter(s);
    if (rc)
        return rc;
    if (directive.n && (is_item || !str_eq(directive, S("replace"))))
        *ret_keep = false;
    else
        rc = value->kind == J_OBJECT ? fresh_map(s, value, ret_value) : fresh_list(s, value, ret_value);
    smp_leave(s);
    return rc;
}

/* Merging. */

static int must_be_list(struct smp *s, struct str key, const struct jval *v) {
    if (!v || v->kind == J_ARRAY)
        return 0;
    return err_set(s->err, ERR_INVALID, "\"%.*s\" must be a list", STR_ARG(str_cut(key, 128)));
}

/* A list whose order the patch gives. */
static int merge_ordered(struct smp *s, const struct smp_field *f, const struct walk *w,
                         struct jval *ret_value) {
    int rc = must_be_list(s, w->key, w->order);
    if (rc == 0)
        rc = must_be_list(s, w->key, w->have);
    if (rc == 0)
        rc = must_be_list(s, w->key, w->plain);
    if (rc)
        return rc;
    if (!f->merge)
        return err_set(s->err, ERR_INVALID, "the order of \"%.*s\" cannot be set: the list is not merged",
                       STR_ARG(str_cut(w->key, 128)));
    return smp_merge_list(s, w->have, w->plain, f, w->order, ret_value);
}

static int merge_plain(struct smp *s, const struct smp_field *f, const struct jval *have,
                       const struct jval *plain, struct jval *ret_value, bool *ret_keep) {
    *ret_keep = true;
    if (!have || have->kind != plain->kind)
        return smp_fresh(s, plain, false, ret_value, ret_keep);
    if (plain->kind == J_OBJECT && !f->replace)
        return smp_merge_map(s, have, plain, f->pos, ret_value);
    if (plain->kind == J_ARRAY && f->merge)
        return smp_merge_list(s, have, plain, f, NULL, ret_value);
    return smp_fresh(s, plain, false, ret_value, ret_keep);
}

/* All that the patch says of one member. */
static int merge_member(struct smp *s, struct pos pos, const struct walk *w, struct jval *ret_value,
                        bool *ret_keep) {
    struct smp_field f = smp_field(pos, w->key);
    const struct jval *have = w->have, *plain = w->plain;
    struct jval value;
    int rc;
    if (w->order && (have || plain)) {
        rc = merge_ordered(s, &f, w, &value);
        if (rc)
            return rc;
        have = &value;
        plain = NULL;
    }
    if (w->deletion && have && have->kind == J_ARRAY) {
        rc = must_be_list(s, w->key, w->deletion);
        if (rc == 0)
            rc = smp_delete_values(s, have, w->deletion, &value);
        if (rc)
            return rc;
        have = &value;
    }
    if (plain && !is_null(plain))
        return merge_plain(s, &f, have, plain, ret_value, ret_keep);
    *ret_keep = have && !plain;
    if (*ret_keep)
        *ret_value = *have;
    return 0;
}

static int merge_members(struct smp *s, const struct jval *original, const struct jval *patch, struct pos pos,
                         struct jval *ret_result) {
    struct names retain;
    struct walk w = {.original = original && original->kind == J_OBJECT ? original : NULL,
                     .patch = patch,
                     .deletions = directive_range(patch, DIRECTIVE_DELETE),
                     .orders = directive_range(patch, DIRECTIVE_ORDER)};
    uint32_t n_max = patch->n + (w.original ? w.original->n : 0), n = 0;
    int rc = retain_keys(s, patch, &retain);
    if (rc == 0)
        rc = smp_spend(s, n_max);
    if (rc)
        return rc;
    struct jmember *out = arena_new_n(s->arena, n_max, struct jmember);
    for (;;) {
        bool keep = true, more;
        rc = walk_next(s, &w, &more);
        if (rc)
            return rc;
        if (!more)
            break;
        if (w.have && retain.set && !names_has(&retain, w.key))
            w.have = NULL;
        out[n].key = w.key;
        if (w.plain || w.deletion || w.order)
            rc = merge_member(s, pos, &w, &out[n].value, &keep);
        else if (w.have)
            out[n].value = *w.have;
        else
            keep = false;
        if (rc)
            return rc;
        n += keep;
    }
    *ret_result = jval_object(out, n);
    return 0;
}

/* Two patches into one: what was a directive stays one. */
static int combine_members(struct smp *s, const struct jval *original, const struct jval *patch,
                           struct pos pos, struct jval *ret_result) {
    struct jpairs p = jpairs(original, patch);
    uint32_t n = 0;
    int rc = smp_spend(s, jpairs_max(&p));
    if (rc)
        return rc;
    struct jmember *out = arena_new_n(s->arena, jpairs_max(&p), struct jmember);
    while (jpairs_next(&p)) {
        bool keep;
        out[n] = (struct jmember){p.key, p.r ? *p.r : *p.l};
        if (p.l && p.r && is_directive(p.key)) {
            bool may_differ = str_has_prefix(p.key, DIRECTIVE_DELETE);
            if (!may_differ && !jval_equal(p.l, p.r))
                return err_set(s->err, ERR_INVALID, "the patches have different \"%.*s\"",
                               STR_ARG(str_cut(p.key, 128)));
        } else if (p.l && p.r && !is_null(p.r)) {
            struct smp_field f = smp_field(pos, p.key);
            rc = merge_plain(s, &f, p.l, p.r, &out[n].value, &keep);
        }
        if (rc)
            return rc;
        n++;
    }
    *ret_result = jval_object(out, n);
    return 0;
}

int smp_merge_map(struct smp *s, const struct jval *original, const struct jval *patch, struct pos pos,
                  struct jval *ret_result) {
    struct str directive;
    int rc = patch_directive(s, patch, &directive);
    if (rc == 0)
        rc = smp_enter(s);
    if (rc)
        return rc;
    struct jval result = jval_object(NULL, 0);
    if (s->combining && directive.n)
        result = *patch;
    else if (s->combining)
        rc = combine_members(s, original, patch, pos, &result);
    else if (str_eq(directive, S("replace")))
        rc = fresh_map(s, patch, &result);
    else if (!directive.n)
        rc = merge_members(s, original, patch, pos, &result);
    smp_leave(s);
    if (rc == 0)
        *ret_result = result;
    return rc;
}

int strategic_apply(struct arena *a, struct pos schema, const struct jval *original, const struct jval *patch,
                    struct jval *ret_result, struct err *err) {
    struct smp s = {.arena = a, .err = err};
    if (patch->kind != J_OBJECT)
        return err_set(err, ERR_INVALID, "a strategic merge patch is an object");
    return smp_merge_map(&s, original, patch, schema, ret_result);
}
