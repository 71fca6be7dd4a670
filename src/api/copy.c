/* Deep copies of packed structs. See json.h. */
#include "api/json_priv.h"

#include "base/arena.h"
#include "base/err.h"

struct copying {
    const struct ty_set *set;
    struct arena *arena;
    struct str from; /* a copy of this text is at `to` */
    const char *to;
};

static void fix_message(const struct copying *c, uint32_t type, char *object);

static void fix_str(const struct copying *c, struct str *s) {
    if (!s->p)
        return;
    if (s->p >= c->from.p && s->p < c->from.p + c->from.n) {
        s->p = c->to + (s->p - c->from.p);
        return;
    }
    char *to = arena_bytes(c->arena, s->n);
    if (s->n)
        memcpy(to, s->p, s->n);
    s->p = to;
}

/* What `at` was copied from shares its pointers: gives it its own. */
static void fix_one(const struct copying *c, const struct ty_field *f, char *at) {
    switch ((enum leaf)f->leaf) {
    case LEAF_MESSAGE: fix_message(c, f->type, at); return;
    case LEAF_STRING:
    case LEAF_BYTES:
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON:
    case LEAF_ANY: fix_str(c, (struct str *)at); return;
    case LEAF_INT_OR_STRING: fix_str(c, &((struct int_or_string *)at)->s); return;
    case LEAF_TREE: *(struct jval *)at = jval_copy(c->arena, (const struct jval *)at); return;
    default: return;
    }
}

static void fix_pointer(const struct copying *c, const struct ty_field *f, char **at) {
    if (!*at)
        return;
    size_t size = c->set->types[f->type].size;
    *at = memcpy(arena_alloc(c->arena, size), *at, size);
    fix_message(c, f->type, *at);
}

static void fix_list(const struct copying *c, const struct ty_field *f, struct any_array *list) {
    if (!list->v)
        return;
    size_t key = f->shape == SHAPE_MAP ? sizeof(struct str) : 0;
    size_t size = key ? ty_entry_size(c->set, f) : ty_item_size(c->set, f);
    const void *old = list->v;
    list->v =
        list->n ? memcpy(arena_array(c->arena, list->n, size), old, list->n * size) : (void *)json_empty;
    char *item = list->v;
    for (uint32_t i = 0; i < list->n; i++, item += size) {
        if (key)
            fix_str(c, (struct str *)item);
        fix_one(c, f, item + key);
    }
}

static void fix_message(const struct copying *c, uint32_t type, char *object) {
    const struct ty_type *t = &c->set->types[type];
    const struct ty_field *f = c->set->fields + t->first, *end = f + t->n;
    for (; f < end; f++) {
        if (f->flags & FIELD_FLAT)
            continue; /* reached through the embedded struct */
        char *at = object + f->offset;
        if (f->shape == SHAPE_LIST || f->shape == SHAPE_MAP)
            fix_list(c, f, (struct any_array *)at);
        else if (f->shape == SHAPE_OPT && f->leaf == LEAF_MESSAGE)
            fix_pointer(c, f, (char **)at);
        else
            fix_one(c, f, at);
    }
}

void *api_copy_onto(struct arena *a, const struct ty_set *set, uint32_t type, const void *object,
                    struct str from, const char *to) {
    struct copying c = {set, a, from, to};
    size_t size = set->types[type].size;
    void *copy = memcpy(arena_alloc(a, size), object, size);
    fix_message(&c, type, copy);
    return copy;
}

void *api_copy(struct arena *a, const struct ty_set *set, uint32_t type, const void *object) {
    return api_copy_onto(a, set, type, object, S(""), NULL);
}
