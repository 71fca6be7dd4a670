/* Whole values behind references: text of leaves, equality, trees. See ref.h. */
#include "api/ref.h"

#include "api/equal.h"
#include "api/leaf.h"
#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"

struct str ref_str(struct ref r, struct arena *a) {
    if (ref_kind(r) != REF_STRING)
        return STR_NONE;
    if (r.rep == REP_TREE)
        return jval_as_str(r.p);
    return leaf_text(r.pos.leaf, r.p, a);
}

/* Equality walks with pointers and small frames, one for each kind of level (noinline): values nest deep and
 * stacks are small. */
static bool equal(const struct ref *a, const struct ref *b);

__attribute__((noinline)) static bool lists_equal(const struct ref *a, const struct ref *b) {
    uint32_t n = ref_len(*a);
    if (n != ref_len(*b))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct ref x = ref_at(*a, i), y = ref_at(*b, i);
        if (!equal(&x, &y))
            return false;
    }
    return true;
}

__attribute__((noinline)) static bool maps_equal(const struct ref *a, const struct ref *b) {
    struct ref_iter x = ref_iter(*a), y = ref_iter(*b);
    for (;;) {
        bool more = ref_next(&x);
        if (more != ref_next(&y))
            return false;
        if (!more)
            return true;
        if (!str_eq(x.name, y.name) || !equal(&x.value, &y.value))
            return false;
    }
}

__attribute__((noinline)) static bool strings_equal(const struct ref *a, const struct ref *b) {
    uint8_t leaf = a->pos.set && a->pos.shape == SHAPE_ONE ? a->pos.leaf : LEAF_STRING;
    if (a->rep == REP_PACKED && b->rep == REP_PACKED && leaf == b->pos.leaf)
        return leaf_equal(leaf, a->p, b->p);
    _cleanup_arena struct arena tmp = ARENA_INIT;
    struct str x = ref_str(*a, &tmp), y = ref_str(*b, &tmp);
    return str_eq(x, y) || leaf_text_equal(leaf, x, y);
}

static bool numbers_equal(const struct ref *a, const struct ref *b) {
    if (ref_kind(*a) == REF_INT && ref_kind(*b) == REF_INT)
        return ref_int(*a) == ref_int(*b);
    double x = ref_double(*a), y = ref_double(*b);
    return !(x < y) && !(x > y);
}

/* At least one side is raw text: compares trees. */
__attribute__((noinline)) static bool raw_equal(const struct ref *a, const struct ref *b) {
    if (ref_kind(*a) == REF_RAW && ref_kind(*b) == REF_RAW &&
        str_eq(*(const struct str *)a->p, *(const struct str *)b->p))
        return true;
    _cleanup_arena struct arena tmp = ARENA_INIT;
    struct jval x = ref_tree(*a, &tmp), y = ref_tree(*b, &tmp);
    return jval_equal(&x, &y);
}

static bool same_nodes(const struct jval *x, const struct jval *y) {
    return x == y || (x->kind >= J_STRING && x->kind == y->kind && x->n == y->n && x->items == y->items);
}

bool ref_same(const struct ref *a, const struct ref *b) {
    const struct pos *p = &a->pos, *q = &b->pos;
    if (a->rep == REP_TREE && b->rep == REP_TREE)
        return same_nodes(a->p, b->p);
    if (a->rep != REP_PACKED || b->rep != REP_PACKED || p->set != q->set || p->shape != q->shape ||
        p->leaf != q->leaf)
        return false;
    if (p->shape == SHAPE_ONE && p->leaf == LEAF_MESSAGE)
        return p->type == q->type && api_equal(p->set, p->type, a->p, b->p);
    return p->field == q->field && api_equal_value(p->set, p->field, p->shape, a->p, b->p);
}

static bool equal(const struct ref *a, const struct ref *b) {
    if (ref_same(a, b))
        return true;
    enum ref_kind ka = ref_kind(*a), kb = ref_kind(*b);
    if (ka == REF_RAW || kb == REF_RAW)
        return ka != REF_ABSENT && kb != REF_ABSENT && raw_equal(a, b);
    if ((ka == REF_INT || ka == REF_DOUBLE) && (kb == REF_INT || kb == REF_DOUBLE))
        return numbers_equal(a, b);
    if (ka != kb)
        return false;
    switch (ka) {
    case REF_BOOL: return ref_bool(*a) == ref_bool(*b);
    case REF_STRING: return strings_equal(a, b);
    case REF_LIST: return lists_equal(a, b);
    case REF_MAP: return maps_equal(a, b);
    default: return true;
    }
}

bool ref_equal(struct ref a, struct ref b) {
    return equal(&a, &b);
}

static struct jval raw_tree(struct str text, struct arena *a) {
    struct jval v;
    /* Raw text was checked when the object was read; what is not JSON is kept as a string. */
    if (json_parse(a, text, NULL, NULL, &v, NULL) < 0)
        return jval_str(text);
    return v;
}

static struct jval list_tree(struct ref r, struct arena *a) {
    uint32_t n = ref_len(r);
    struct jval *items = arena_new_n(a, n, struct jval);
    for (uint32_t i = 0; i < n; i++)
        items[i] = ref_tree(ref_at(r, i), a);
    return jval_array(items, n);
}

static struct jval map_tree(struct ref r, struct arena *a) {
    uint32_t n = 0;
    for (struct ref_iter it = ref_iter(r); ref_next(&it);)
        n++;
    struct jmember *members = arena_new_n(a, n, struct jmember);
    uint32_t i = 0;
    for (struct ref_iter it = ref_iter(r); ref_next(&it);)
        members[i++] = (struct jmember){it.name, ref_tree(it.value, a)};
    return jval_object(members, n);
}

struct jval ref_tree(struct ref r, struct arena *a) {
    if (r.rep == REP_TREE)
        return *(const struct jval *)r.p;
    switch (ref_kind(r)) {
    case REF_BOOL: return jval_bool(ref_bool(r));
    case REF_INT: return jval_int(ref_int(r));
    case REF_DOUBLE: return jval_double(ref_double(r));
    case REF_STRING: return jval_str(ref_str(r, a));
    case REF_LIST: return list_tree(r, a);
    case REF_MAP: return map_tree(r, a);
    case REF_RAW: return raw_tree(*(const struct str *)r.p, a);
    case REF_ABSENT:
    case REF_NULL: break;
    }
    return jval_null();
}
