/* Field sets and the schema: elements of list items, the set of a value, sets as the schema sees them. See
 * fieldset.h.
 */
#include "api/fieldset.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"

/* The default of a key field, or null. */
static struct jval default_of(struct arena *a, struct pos p) {
    struct jval v = jval_null();
    if (!p.set || !p.field || !p.field->dflt)
        return v;
    const struct ty_name *d = &p.set->defaults[p.field->dflt];
    struct str text = str_make(p.set->default_text + d->offset, d->n);
    if (text.n >= 2 && text.p[0] == '"' && str_find_byte(text, '\\') < 0)
        return jval_str(str_make(text.p + 1, text.n - 2));
    if (json_parse(a, text, NULL, NULL, &v, NULL) < 0)
        return jval_null();
    return v;
}

/* CONFORMS: an item is identified by all keys of its list; a key that is left out has its schema default. */
static struct path_el el_of_keys(struct arena *a, struct pos list, struct ref item, bool *ret_complete) {
    const struct ty_rule *rule = pos_rule(list);
    struct jmember *m = arena_new_n(a, rule->n_keys, struct jmember);
    uint32_t n = 0;
    *ret_complete = true;
    for (uint32_t k = 0; k < rule->n_keys; k++) {
        struct str name = ty_name(list.set, rule->keys[k]);
        struct ref key = ref_get(item, name);
        enum ref_kind kind = ref_kind(key);
        struct jval v = kind == REF_ABSENT || kind == REF_NULL
                            ? default_of(a, pos_member(item.pos, name, NULL))
                            : ref_tree(key, a);
        if (v.kind == J_NULL) {
            *ret_complete = false;
            continue;
        }
        uint32_t at = n++;
        for (; at > 0 && str_cmp(m[at - 1].key, name) > 0; at--)
            m[at] = m[at - 1];
        m[at] = (struct jmember){name, v};
    }
    return (struct path_el){PATH_KEY, jval_object(m, n)};
}

struct path_el path_el_of_item(struct arena *a, struct pos list, struct ref item, uint32_t i,
                               bool *ret_complete) {
    *ret_complete = true;
    switch (pos_rule(list)->list_type) {
    case LIST_MAP: return el_of_keys(a, list, item, ret_complete);
    case LIST_SET: return (struct path_el){PATH_VALUE, ref_tree(item, a)};
    default: return (struct path_el){PATH_INDEX, jval_int(i)};
    }
}

static int item_cmp(const void *a, const void *b) {
    const struct item *x = a, *y = b;
    int c = path_el_cmp(&x->el, &y->el);
    return c ? c : (x->i > y->i) - (x->i < y->i);
}

struct item *list_items(struct arena *a, struct ref list) {
    uint32_t n = ref_len(list);
    struct item *items = arena_new_n(a, n, struct item);
    bool sorted = true;
    for (uint32_t i = 0; i < n; i++) {
        items[i].i = i;
        items[i].el = path_el_of_item(a, list.pos, ref_at(list, i), i, &items[i].complete);
        sorted = sorted && (i == 0 || path_el_cmp(&items[i - 1].el, &items[i].el) <= 0);
    }
    if (!sorted)
        qsort(items, n, sizeof *items, item_cmp);
    for (uint32_t i = 1; i < n; i++)
        if (path_el_cmp(&items[i - 1].el, &items[i].el) == 0)
            items[i - 1].twice = items[i].twice = true;
    return items;
}

bool ref_granular(struct ref r) {
    switch (ref_kind(r)) {
    case REF_LIST: return !pos_open(r.pos) && r.pos.shape == SHAPE_LIST && !pos_atomic(r.pos);
    case REF_MAP:
        return pos_open(r.pos) || ((r.pos.shape == SHAPE_MAP || r.pos.leaf == LEAF_MESSAGE) &&
                                   r.pos.shape != SHAPE_LIST && !pos_atomic(r.pos));
    default: return false;
    }
}

struct ref ref_unpack(struct ref r, struct arena *a) {
    if (ref_kind(r) != REF_RAW)
        return r;
    static const struct json_limits limits = {.depth = FIELDSET_DEPTH_MAX};
    struct jval *tree = arena_new(a, struct jval);
    if (json_parse(a, *(const struct str *)r.p, &limits, NULL, tree, NULL) < 0)
        return r;
    return ref_tree_at((struct pos){.leaf = LEAF_TREE}, tree);
}

/* depth: how many elements lead to the node. */
static void collect(struct arena *a, struct fieldset *node, const struct ref *r, uint32_t depth);

/* Children are appended in order; one that came to nothing goes again. */
static void collect_kid(struct arena *a, struct fieldset *node, const struct path_el *el,
                        const struct ref *value, bool member, uint32_t depth) {
    struct fieldset *kid = fieldset_push(a, node, el);
    collect(a, kid, value, depth + 1);
    kid->member |= member;
    if (!kid->member && !kid->n)
        node->n--;
}

static bool map_is_empty(const struct ref *map) {
    struct ref_iter it = ref_iter(*map);
    return !ref_next(&it);
}

__attribute__((noinline)) static void collect_map(struct arena *a, struct fieldset *node, const struct ref *r,
                                                  uint32_t depth) {
    bool is_struct = !pos_open(r->pos) && r->pos.shape == SHAPE_ONE;
    for (struct ref_iter it = ref_iter(*r); ref_next(&it);) {
        struct path_el el = path_field(it.name);
        bool field = is_struct && it.value.pos.set; /* else an entry of a map */
        it.value = ref_unpack(it.value, a);
        enum ref_kind kind = ref_kind(it.value);
        bool member = !field || kind == REF_NULL || (kind == REF_MAP && map_is_empty(&it.value));
        collect_kid(a, node, &el, &it.value, member, depth);
    }
}

__attribute__((noinline)) static void collect_list(struct arena *a, struct fieldset *node,
                                                   const struct ref *r, uint32_t depth) {
    const struct item *items = list_items(a, *r);
    uint32_t n = ref_len(*r);
    for (uint32_t i = 0; i < n; i++) {
        if (!items[i].twice) {
            struct ref item = ref_unpack(ref_at(*r, items[i].i), a);
            collect_kid(a, node, &items[i].el, &item, true, depth);
        } else if (i == 0 || path_el_cmp(&items[i - 1].el, &items[i].el) != 0) {
            fieldset_push(a, node, &items[i].el)->member = true;
        }
    }
}

static void collect(struct arena *a, struct fieldset *node, const struct ref *r, uint32_t depth) {
    enum ref_kind kind = ref_kind(*r);
    if (depth == FIELDSET_DEPTH_MAX || !ref_granular(*r))
        node->member = kind != REF_ABSENT && kind != REF_NULL;
    else if (kind == REF_MAP)
        collect_map(a, node, r, depth);
    else
        collect_list(a, node, r, depth);
}

struct fieldset fieldset_of(struct arena *a, struct ref r) {
    struct fieldset set = {0};
    collect(a, &set, &r, 0);
    set.member = false;
    return set;
}

/* The position that an element leads to. *ret_field: it is a field of a struct. */
static struct pos pos_below(struct pos p, const struct path_el *el, bool *ret_field) {
    *ret_field = false;
    if (el->kind != PATH_FIELD)
        return pos_item(p);
    bool known;
    struct pos below = pos_member(p, jval_as_str(&el->v), &known);
    *ret_field = known && p.shape == SHAPE_ONE;
    return below;
}

struct fieldset fieldset_with_structs(struct arena *a, const struct fieldset *set, struct pos p) {
    struct fieldset out = *set;
    out.kids = arena_new_n(a, set->n, struct fieldset);
    out.cap = set->n;
    for (uint32_t i = 0; i < set->n; i++) {
        bool field;
        struct pos below = pos_below(p, &set->kids[i].el, &field);
        out.kids[i] = fieldset_with_structs(a, &set->kids[i], below);
        out.kids[i].member |= field && out.kids[i].n;
    }
    return out;
}

static bool became_atomic(const struct fieldset *node, struct pos p) {
    return node->n && !pos_open(p) && pos_atomic(p) && (p.shape != SHAPE_ONE || p.leaf == LEAF_MESSAGE);
}

static bool outdated(const struct fieldset *set, struct pos p) {
    if (pos_open(p))
        return false;
    for (uint32_t i = 0; i < set->n; i++) {
        const struct fieldset *kid = &set->kids[i];
        if (!kid->n)
            continue;
        bool field;
        struct pos below = pos_below(p, &kid->el, &field);
        if (became_atomic(kid, below) || outdated(kid, below))
            return true;
    }
    return false;
}

static struct fieldset renew(struct arena *a, const struct fieldset *set, struct pos p) {
    if (became_atomic(set, p))
        return (struct fieldset){.el = set->el, .member = true};
    struct fieldset out = *set;
    out.kids = arena_new_n(a, set->n, struct fieldset);
    out.cap = set->n;
    for (uint32_t i = 0; i < set->n; i++) {
        bool field;
        struct pos below = pos_below(p, &set->kids[i].el, &field);
        out.kids[i] = renew(a, &set->kids[i], below);
    }
    return out;
}

struct fieldset fieldset_for_schema(struct arena *a, const struct fieldset *set, struct pos p) {
    return outdated(set, p) ? renew(a, set, p) : *set;
}
