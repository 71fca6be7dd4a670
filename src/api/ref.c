/* Positions and references. See ref.h.
 *
 * A packed reference always points at a value of its position as if the field were plain: optional fields
 * (struct opt_*, pointers) are resolved when they are reached, and types whose JSON form is not that of their
 * struct (TYPE_ALIAS, TYPE_OR_*) are replaced by what they show in JSON. So everything behind settle() deals
 * with plain values, lists, maps and messages only.
 */
#include "api/ref.h"

#include "api/leaf.h"

/* Aliases of aliases end after this many steps; the schema has none, custom resources nest a few lists. */
#define ALIAS_STEPS_MAX 8

static const struct jval null_value;

#define OR_FLAGS (TYPE_OR_ARRAY | TYPE_OR_BOOL | TYPE_OR_STRINGS)

static bool leaf_open(uint8_t leaf) {
    return leaf == LEAF_RAW || leaf == LEAF_JSON || leaf == LEAF_ANY || leaf == LEAF_TREE ||
           leaf == LEAF_FIELDS_V1;
}

bool pos_open(struct pos p) {
    return !p.set || (p.shape == SHAPE_ONE && leaf_open(p.leaf));
}

static struct pos pos_untyped(void) {
    return (struct pos){.leaf = LEAF_TREE, .shape = SHAPE_ONE};
}

static uint32_t pos_type_flags(struct pos p) {
    return p.set && p.leaf == LEAF_MESSAGE && p.shape == SHAPE_ONE ? p.set->types[p.type].flags : 0;
}

/* The position of a field's value, or of its items when `shape` says so. */
static struct pos pos_of_field(const struct ty_set *set, const struct ty_field *f, uint8_t shape) {
    if (shape == SHAPE_OPT)
        shape = SHAPE_ONE;
    struct pos p = {.set = set,
                    .field = f,
                    .type = f->leaf == LEAF_MESSAGE ? f->type : 0,
                    .leaf = f->leaf,
                    .shape = shape};
    for (int i = 0; i < ALIAS_STEPS_MAX && (pos_type_flags(p) & TYPE_ALIAS); i++) {
        f = ty_fields(set, p.type);
        p = (struct pos){.set = set,
                         .field = f,
                         .type = f->leaf == LEAF_MESSAGE ? f->type : 0,
                         .leaf = f->leaf,
                         .shape = f->shape == SHAPE_OPT ? SHAPE_ONE : f->shape};
    }
    return p;
}

struct pos pos_type(const struct ty_set *set, uint32_t type) {
    return (struct pos){.set = set, .type = (uint16_t)type, .leaf = LEAF_MESSAGE, .shape = SHAPE_ONE};
}

/* Of an or-type: the position of its message or of its list; itself otherwise. */
static struct pos pos_or_side(struct pos p, bool list) {
    uint32_t flags = pos_type_flags(p) & OR_FLAGS;
    if (!flags)
        return p;
    const struct ty_field *f = ty_fields(p.set, p.type);
    if (list)
        return flags & TYPE_OR_BOOL ? pos_untyped() : pos_of_field(p.set, &f[1], f[1].shape);
    const struct ty_field *message = flags & TYPE_OR_BOOL ? &f[1] : &f[0];
    return pos_of_field(p.set, message, message->shape);
}

struct pos pos_member(struct pos p, struct str name, bool *ret_known) {
    struct pos out = pos_untyped();
    bool known = false;
    p = pos_or_side(p, false);
    if (p.set && p.shape == SHAPE_MAP) {
        known = true;
        out = pos_of_field(p.set, p.field, SHAPE_ONE);
    } else if (p.set && p.shape == SHAPE_ONE && p.leaf == LEAF_MESSAGE) {
        const struct ty_field *f = ty_find(p.set, p.type, name);
        known = f != NULL;
        if (f)
            out = pos_of_field(p.set, f, f->shape);
    }
    if (ret_known)
        *ret_known = known;
    return out;
}

struct pos pos_item(struct pos p) {
    p = pos_or_side(p, true);
    if (!p.set || p.shape != SHAPE_LIST)
        return pos_untyped();
    return pos_of_field(p.set, p.field, SHAPE_ONE);
}

const struct ty_rule *pos_rule(struct pos p) {
    static const struct ty_rule none;
    if (!p.set || !p.field)
        return &none;
    /* The items of a list share its row, but not its rule. */
    uint8_t shape = p.field->shape == SHAPE_OPT ? SHAPE_ONE : p.field->shape;
    return shape == p.shape ? &p.set->rules[p.field->rule] : &none;
}

bool pos_atomic(struct pos p) {
    if (pos_open(p))
        return false;
    const struct ty_rule *rule = pos_rule(p);
    switch ((enum shape)p.shape) {
    case SHAPE_LIST: return rule->list_type == LIST_ATOMIC;
    case SHAPE_MAP: return rule->map_atomic;
    case SHAPE_ONE:
    case SHAPE_OPT: break;
    }
    return p.leaf != LEAF_MESSAGE || rule->map_atomic || (p.set->types[p.type].flags & TYPE_ATOMIC);
}

static struct ref ref_absent(struct pos p) {
    return (struct ref){.pos = p, .rep = REP_NONE};
}

static struct ref ref_null(struct pos p) {
    return (struct ref){.pos = p, .rep = REP_TREE, .p = &null_value};
}

struct ref ref_tree_at(struct pos p, const struct jval *v) {
    if (!v)
        return ref_absent(p);
    if (pos_type_flags(p) & OR_FLAGS) {
        if (v->kind == J_ARRAY)
            p = pos_or_side(p, true);
        else if (v->kind == J_OBJECT)
            p = pos_or_side(p, false);
        else
            p = pos_untyped();
    }
    return (struct ref){.pos = p, .rep = REP_TREE, .p = v};
}

/* Whether the value of an optional field is there; *p becomes a pointer to the plain value. */
static bool opt_present(const struct ty_field *f, const void **p) {
    if (f->leaf != LEAF_MESSAGE)
        return leaf_opt_present(f->leaf, *p);
    *p = *(const void *const *)*p;
    return *p != NULL;
}

/* Whether a plain value is one that omitempty leaves out. CONFORMS: encoding/json: structs, which quantities,
 * times, durations, int-or-strings and raw objects are upstream, are never left out. */
static bool plain_empty(const struct ty_field *f, const void *p) {
    switch ((enum leaf)f->leaf) {
    case LEAF_STRING:
    case LEAF_BYTES:
    case LEAF_ANY: return ((const struct str *)p)->n == 0;
    case LEAF_BOOL: return !*(const bool *)p;
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: return *(const int32_t *)p == 0;
    case LEAF_I64:
    case LEAF_U64: return *(const int64_t *)p == 0;
    case LEAF_F64: return !(*(const double *)p < 0 || *(const double *)p > 0);
    case LEAF_INT64_VALUE: return !((const struct opt_i64 *)p)->set;
    case LEAF_BOOL_VALUE: return !((const struct opt_bool *)p)->set;
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP: return (f->flags & FIELD_OMITZERO) && !((const struct timestamp *)p)->set;
    case LEAF_TREE: return ((const struct jval *)p)->kind == J_NULL;
    case LEAF_MESSAGE:
    case LEAF_QUANTITY:
    case LEAF_DURATION:
    case LEAF_INT_OR_STRING:
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON: break;
    }
    return false;
}

static struct ref settle(struct pos p, const void *value);

/* What an or-type shows in JSON. CONFORMS: upstream's marshallers of JSONSchemaPropsOr*. */
static struct ref settle_or(struct pos p, uint32_t flags, const char *value) {
    const struct ty_field *f = ty_fields(p.set, p.type);
    if (flags & TYPE_OR_BOOL) {
        const void *message = *(const void *const *)(value + f[1].offset);
        if (message)
            return settle(pos_of_field(p.set, &f[1], SHAPE_ONE), message);
        return settle(pos_of_field(p.set, &f[0], SHAPE_ONE), value + f[0].offset);
    }
    const struct any_array *list = (const void *)(value + f[1].offset);
    if (list->n)
        return settle(pos_of_field(p.set, &f[1], SHAPE_LIST), list);
    const void *message = *(const void *const *)(value + f[0].offset);
    return message ? settle(pos_of_field(p.set, &f[0], SHAPE_ONE), message) : ref_null(pos_untyped());
}

/* A reference to a plain value in a struct. */
static struct ref settle(struct pos p, const void *value) {
    uint32_t flags = pos_type_flags(p) & OR_FLAGS;
    if (flags)
        return settle_or(p, flags, value);
    if (p.leaf == LEAF_TREE && p.shape == SHAPE_ONE)
        return ref_tree_at(pos_untyped(), value);
    return (struct ref){.pos = p, .rep = REP_PACKED, .p = value};
}

/* The value of a row in the struct at `object`. */
static struct ref ref_of_field(const struct ty_set *set, const struct ty_field *f, const void *object) {
    const void *p = (const char *)object + f->offset;
    struct pos pos = pos_of_field(set, f, f->shape);
    bool omit = f->flags & FIELD_OMITEMPTY;
    switch ((enum shape)f->shape) {
    case SHAPE_LIST:
    case SHAPE_MAP: return omit && !((const struct any_array *)p)->n ? ref_absent(pos) : settle(pos, p);
    case SHAPE_OPT:
        if (!opt_present(f, &p))
            return omit ? ref_absent(pos) : ref_null(pos);
        return settle(pos, p);
    case SHAPE_ONE: break;
    }
    if ((omit || (f->flags & FIELD_OMITZERO)) && plain_empty(f, p))
        return ref_absent(pos);
    return settle(pos, p);
}

struct ref ref_packed(const struct ty_set *set, uint32_t type, const void *object) {
    struct pos p = pos_type(set, type);
    if (!object)
        return ref_absent(p);
    if (pos_type_flags(p) & TYPE_ALIAS) {
        const struct ty_field *f = ty_fields(set, type);
        return settle(pos_of_field(set, f, f->shape), (const char *)object + f->offset);
    }
    return settle(p, object);
}

static enum ref_kind tree_kind(const struct jval *v) {
    switch ((enum jkind)v->kind) {
    case J_NULL: return REF_NULL;
    case J_BOOL: return REF_BOOL;
    case J_INT: return REF_INT;
    case J_DOUBLE: return REF_DOUBLE;
    case J_STRING: return REF_STRING;
    case J_ARRAY: return REF_LIST;
    case J_OBJECT: break;
    }
    return REF_MAP;
}

static enum ref_kind leaf_kind(uint8_t leaf, const void *p) {
    switch ((enum leaf)leaf) {
    case LEAF_MESSAGE: return REF_MAP;
    case LEAF_STRING:
    case LEAF_QUANTITY:
    case LEAF_DURATION: return REF_STRING;
    case LEAF_BOOL: return REF_BOOL;
    case LEAF_I32:
    case LEAF_I64:
    case LEAF_U32:
    case LEAF_U64:
    case LEAF_ENUM: return REF_INT;
    case LEAF_F64: return REF_DOUBLE;
    case LEAF_BYTES: return ((const struct str *)p)->p ? REF_STRING : REF_NULL;
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP: return ((const struct timestamp *)p)->set ? REF_STRING : REF_NULL;
    case LEAF_INT_OR_STRING: return ((const struct int_or_string *)p)->is_str ? REF_STRING : REF_INT;
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON:
    case LEAF_ANY: return ((const struct str *)p)->n ? REF_RAW : REF_NULL;
    case LEAF_INT64_VALUE: return ((const struct opt_i64 *)p)->set ? REF_INT : REF_NULL;
    case LEAF_BOOL_VALUE: return ((const struct opt_bool *)p)->set ? REF_BOOL : REF_NULL;
    case LEAF_TREE: return tree_kind(p);
    }
    return REF_NULL;
}

enum ref_kind ref_kind(struct ref r) {
    if (r.rep == REP_NONE)
        return REF_ABSENT;
    if (r.rep == REP_TREE)
        return tree_kind(r.p);
    if (r.pos.shape == SHAPE_LIST || r.pos.shape == SHAPE_MAP) {
        if (!((const struct any_array *)r.p)->v)
            return REF_NULL;
        return r.pos.shape == SHAPE_LIST ? REF_LIST : REF_MAP;
    }
    return leaf_kind(r.pos.leaf, r.p);
}

bool ref_bool(struct ref r) {
    if (ref_kind(r) != REF_BOOL)
        return false;
    return r.rep == REP_TREE ? ((const struct jval *)r.p)->b : *(const bool *)r.p;
}

int64_t ref_int(struct ref r) {
    enum ref_kind kind = ref_kind(r);
    if (kind == REF_DOUBLE) {
        double d = ref_double(r);
        return d >= -0x1p63 && d < 0x1p63 ? (int64_t)d : 0;
    }
    if (kind != REF_INT)
        return 0;
    if (r.rep == REP_TREE)
        return ((const struct jval *)r.p)->i;
    switch ((enum leaf)r.pos.leaf) {
    case LEAF_U32: return *(const uint32_t *)r.p;
    case LEAF_I32:
    case LEAF_ENUM: return *(const int32_t *)r.p;
    case LEAF_INT_OR_STRING: return ((const struct int_or_string *)r.p)->i;
    default: return *(const int64_t *)r.p;
    }
}

double ref_double(struct ref r) {
    switch (ref_kind(r)) {
    case REF_INT: return (double)ref_int(r);
    case REF_DOUBLE: return r.rep == REP_TREE ? ((const struct jval *)r.p)->d : *(const double *)r.p;
    default: return 0;
    }
}

/* The value of entry i of a packed map. */
static struct ref entry_value(struct ref map, uint32_t i, struct str *ret_key) {
    const struct ty_set *set = map.pos.set;
    const struct any_array *m = map.p;
    const char *entry = (const char *)m->v + (size_t)i * ty_entry_size(set, map.pos.field);
    const void *value = entry + sizeof(struct str);
    *ret_key = *(const struct str *)entry;
    return settle(pos_of_field(set, map.pos.field, SHAPE_ONE), value);
}

static struct ref packed_map_get(struct ref map, struct str key) {
    const struct any_array *m = map.p;
    uint32_t low = 0, high = m->n;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        struct str at;
        struct ref value = entry_value(map, mid, &at);
        int c = str_cmp(key, at);
        if (c == 0)
            return value;
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return ref_absent(pos_of_field(map.pos.set, map.pos.field, SHAPE_ONE));
}

struct ref ref_get(struct ref r, struct str name) {
    if (r.rep == REP_TREE)
        return ref_tree_at(pos_member(r.pos, name, NULL), jval_get(r.p, name));
    if (r.rep == REP_PACKED && r.pos.shape == SHAPE_MAP)
        return packed_map_get(r, name);
    if (r.rep == REP_PACKED && r.pos.shape == SHAPE_ONE && r.pos.leaf == LEAF_MESSAGE) {
        const struct ty_field *f = ty_find(r.pos.set, r.pos.type, name);
        return f ? ref_of_field(r.pos.set, f, r.p) : ref_absent(pos_untyped());
    }
    return ref_absent(pos_member(r.pos, name, NULL));
}

struct ref ref_path(struct ref r, struct str dotted) {
    while (dotted.n && r.rep != REP_NONE) {
        struct str head;
        str_split(dotted, '.', &head, &dotted);
        r = ref_get(r, head);
    }
    return r;
}

uint32_t ref_len(struct ref r) {
    if (ref_kind(r) != REF_LIST)
        return 0;
    return r.rep == REP_TREE ? ((const struct jval *)r.p)->n : ((const struct any_array *)r.p)->n;
}

struct ref ref_at(struct ref r, uint32_t i) {
    if (i >= ref_len(r))
        return ref_absent(pos_item(r.pos));
    if (r.rep == REP_TREE)
        return ref_tree_at(pos_item(r.pos), &((const struct jval *)r.p)->items[i]);
    const struct any_array *list = r.p;
    size_t size = ty_item_size(r.pos.set, r.pos.field);
    return settle(pos_of_field(r.pos.set, r.pos.field, SHAPE_ONE), (const char *)list->v + i * size);
}

struct ref_iter ref_iter(struct ref r) {
    struct ref_iter it = {.map = r};
    if (ref_kind(r) != REF_MAP)
        it.map.rep = REP_NONE;
    return it;
}

static bool next_field(struct ref_iter *it) {
    const struct ty_set *set = it->map.pos.set;
    const struct ty_type *t = &set->types[it->map.pos.type];
    const uint16_t *order = set->by_name + t->first;
    while (it->i < t->n && order[it->i] != 0xffff) {
        const struct ty_field *f = &set->fields[t->first + order[it->i++]];
        it->value = ref_of_field(set, f, it->map.p);
        if (it->value.rep != REP_NONE) {
            it->name = ty_field_name(set, f);
            return true;
        }
    }
    return false;
}

bool ref_next(struct ref_iter *it) {
    if (it->map.rep == REP_NONE)
        return false;
    if (it->map.rep == REP_TREE) {
        const struct jval *v = it->map.p;
        if (it->i >= v->n)
            return false;
        const struct jmember *m = &v->members[it->i++];
        it->name = m->key;
        it->value = ref_tree_at(pos_member(it->map.pos, m->key, NULL), &m->value);
        return true;
    }
    if (it->map.pos.shape != SHAPE_MAP)
        return next_field(it);
    if (it->i >= ((const struct any_array *)it->map.p)->n)
        return false;
    it->value = entry_value(it->map, it->i++, &it->name);
    return true;
}
