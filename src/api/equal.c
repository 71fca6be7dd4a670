/* Deep equality and hash of packed structs. See equal.h.
 *
 * Rows are walked in declaration order over the C struct as it lies there: rows with FIELD_INLINE are nested
 * structs, rows with FIELD_FLAT would be the same bytes again. Recursion is as deep as the type is nested or,
 * for the few recursive types, as the decoders allowed.
 */
#include "api/equal.h"

#include "api/leaf.h"
#include "base/err.h"
#include "codec/jval.h"

static bool plain_equal(const struct ty_set *set, const struct ty_field *f, const void *a, const void *b) {
    if (f->leaf == LEAF_MESSAGE)
        return api_equal(set, f->type, a, b);
    if (f->leaf == LEAF_TREE)
        return jval_equal(a, b);
    return leaf_equal(f->leaf, a, b);
}

static bool opt_equal(const struct ty_set *set, const struct ty_field *f, const void *a, const void *b) {
    if (f->leaf == LEAF_MESSAGE) {
        const void *x = *(const void *const *)a, *y = *(const void *const *)b;
        return x == y || (x && y && api_equal(set, f->type, x, y));
    }
    bool present = leaf_opt_present(f->leaf, a);
    return present == leaf_opt_present(f->leaf, b) && (!present || plain_equal(set, f, a, b));
}

static bool list_equal(const struct ty_set *set, const struct ty_field *f, const struct any_array *a,
                       const struct any_array *b) {
    if (a->n != b->n)
        return false;
    if (a->v == b->v)
        return true;
    size_t size = ty_item_size(set, f);
    const char *x = a->v, *y = b->v;
    for (uint32_t i = 0; i < a->n; i++, x += size, y += size)
        if (!plain_equal(set, f, x, y))
            return false;
    return true;
}

static bool map_equal(const struct ty_set *set, const struct ty_field *f, const struct any_array *a,
                      const struct any_array *b) {
    if (a->n != b->n)
        return false;
    if (a->v == b->v)
        return true;
    size_t size = ty_entry_size(set, f);
    const char *x = a->v, *y = b->v;
    for (uint32_t i = 0; i < a->n; i++, x += size, y += size)
        if (!str_eq(*(const struct str *)x, *(const struct str *)y) ||
            !plain_equal(set, f, x + sizeof(struct str), y + sizeof(struct str)))
            return false;
    return true;
}

static bool field_equal(const struct ty_set *set, const struct ty_field *f, const void *a, const void *b) {
    const void *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
    switch ((enum shape)f->shape) {
    case SHAPE_ONE: return plain_equal(set, f, x, y);
    case SHAPE_OPT: return opt_equal(set, f, x, y);
    case SHAPE_LIST: return list_equal(set, f, x, y);
    case SHAPE_MAP: return map_equal(set, f, x, y);
    }
    return false;
}

bool api_equal(const struct ty_set *set, uint32_t type, const void *a, const void *b) {
    const struct ty_type *t = &set->types[type];
    /* Same bytes, same pointers: much of any object is zero. */
    if (a == b || memcmp(a, b, t->size) == 0)
        return true;
    const struct ty_field *f = &set->fields[t->first], *end = f + t->n;
    for (; f < end; f++)
        if (!(f->flags & FIELD_FLAT) && !field_equal(set, f, a, b))
            return false;
    return true;
}

bool api_equal_field(const struct ty_set *set, uint32_t type, const void *a, const void *b,
                     struct str json_name) {
    const struct ty_field *f = ty_find(set, type, json_name);
    check(f != NULL);
    return field_equal(set, f, a, b);
}

/* Walks the rows that have JSON names: those of embedded structs flat. */
bool api_equal_but(const struct ty_set *set, uint32_t type, const void *a, const void *b,
                   const struct str *ignored, size_t n) {
    const struct ty_type *t = &set->types[type];
    const struct ty_field *f = &set->fields[t->first], *end = f + t->n;
    for (; f < end; f++) {
        bool skip = f->flags & FIELD_INLINE;
        for (size_t i = 0; i < n && !skip; i++)
            skip = str_eq(ty_field_name(set, f), ignored[i]);
        if (!skip && !field_equal(set, f, a, b))
            return false;
    }
    return true;
}

bool api_equal_value(const struct ty_set *set, const struct ty_field *f, uint8_t shape, const void *a,
                     const void *b) {
    switch ((enum shape)shape) {
    case SHAPE_LIST: return list_equal(set, f, a, b);
    case SHAPE_MAP: return map_equal(set, f, a, b);
    case SHAPE_ONE:
    case SHAPE_OPT: break;
    }
    return plain_equal(set, f, a, b);
}

static uint64_t hash_message(uint64_t h, const struct ty_set *set, uint32_t type, const void *object);

static uint64_t hash_number(uint64_t h, uint64_t v) {
    return leaf_hash(h, LEAF_U64, &v);
}

static uint64_t hash_tree(uint64_t h, const struct jval *v) {
    bool number = v->kind == J_INT || v->kind == J_DOUBLE;
    h = hash_number(h, number ? J_INT : v->kind);
    switch ((enum jkind)v->kind) {
    case J_NULL: return h;
    case J_BOOL: return hash_number(h, v->b);
    case J_INT: {
        double d = (double)v->i; /* an integer equals the double of its value */
        return leaf_hash(h, LEAF_F64, &d);
    }
    case J_DOUBLE: return leaf_hash(h, LEAF_F64, &v->d);
    case J_STRING: {
        struct str s = jval_as_str(v);
        return leaf_hash(h, LEAF_STRING, &s);
    }
    case J_ARRAY:
        for (uint32_t i = 0; i < v->n; i++)
            h = hash_tree(h, &v->items[i]);
        return hash_number(h, v->n);
    case J_OBJECT: break;
    }
    for (uint32_t i = 0; i < v->n; i++) {
        h = leaf_hash(h, LEAF_STRING, &v->members[i].key);
        h = hash_tree(h, &v->members[i].value);
    }
    return hash_number(h, v->n);
}

static uint64_t hash_plain(uint64_t h, const struct ty_set *set, const struct ty_field *f, const void *p) {
    if (f->leaf == LEAF_MESSAGE)
        return hash_message(h, set, f->type, p);
    if (f->leaf == LEAF_TREE)
        return hash_tree(h, p);
    return leaf_hash(h, f->leaf, p);
}

static uint64_t hash_array(uint64_t h, const struct ty_set *set, const struct ty_field *f,
                           const struct any_array *array) {
    bool map = f->shape == SHAPE_MAP;
    size_t size = map ? ty_entry_size(set, f) : ty_item_size(set, f);
    const char *p = array->v;
    for (uint32_t i = 0; i < array->n; i++, p += size) {
        if (map)
            h = leaf_hash(h, LEAF_STRING, p);
        h = hash_plain(h, set, f, map ? p + sizeof(struct str) : p);
    }
    return hash_number(h, array->n);
}

/* An optional value that is absent adds nothing, one that is there adds its row number first. */
static uint64_t hash_opt(uint64_t h, const struct ty_set *set, const struct ty_field *f, uint64_t row,
                         const void *p) {
    if (f->leaf == LEAF_MESSAGE) {
        p = *(const void *const *)p;
        return p ? hash_message(hash_number(h, row), set, f->type, p) : h;
    }
    return leaf_opt_present(f->leaf, p) ? hash_plain(hash_number(h, row), set, f, p) : h;
}

static uint64_t hash_message(uint64_t h, const struct ty_set *set, uint32_t type, const void *object) {
    const struct ty_type *t = &set->types[type];
    const struct ty_field *rows = &set->fields[t->first];
    for (uint32_t i = 0; i < t->n; i++) {
        const struct ty_field *f = &rows[i];
        if (f->flags & FIELD_FLAT)
            continue;
        const void *p = (const char *)object + f->offset;
        switch ((enum shape)f->shape) {
        case SHAPE_ONE: h = hash_plain(h, set, f, p); break;
        case SHAPE_OPT: h = hash_opt(h, set, f, i + 1, p); break;
        case SHAPE_LIST:
        case SHAPE_MAP: h = hash_array(h, set, f, p); break;
        }
    }
    return h;
}

uint64_t api_hash(const struct ty_set *set, uint32_t type, const void *object) {
    return hash_message(type, set, type, object);
}
