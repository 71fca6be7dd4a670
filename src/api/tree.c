/* Packed structs to JSON trees and back. See json.h. */
#include "api/json_priv.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/base64.h"

/* --- from trees --- */

static int message_from_tree(struct reading *r, uint32_t type, const struct jval *v, char *out);

static const char *kind_name(const struct jval *v) {
    static const char *const names[] = {
        [J_NULL] = "null",     [J_BOOL] = "bool",   [J_INT] = "number",   [J_DOUBLE] = "number",
        [J_STRING] = "string", [J_ARRAY] = "array", [J_OBJECT] = "object"};
    return names[v->kind];
}

static bool keeps_text(uint8_t leaf) {
    return leaf == LEAF_STRING || leaf == LEAF_INT_OR_STRING;
}

static int raw_from_tree(struct reading *r, const struct jval *v, struct str *out) {
    _cleanup_buf struct buf b = BUF_INIT;
    json_write(&b, v);
    *out = buf_to_arena(&b, r->arena);
    return 0;
}

static int number_from_tree(struct reading *r, const struct ty_field *f, enum json_want want,
                            const struct jval *v, char *at) {
    if (f->leaf == LEAF_F64) {
        *(double *)at = v->kind == J_INT ? (double)v->i : v->d;
        return 0;
    }
    _cleanup_buf struct buf b = BUF_INIT;
    json_write(&b, v);
    struct json_number n = {b.p, b.n, v->kind == J_INT, v->kind == J_INT ? v->i : 0};
    return json_leaf_from_number(r, f, want, &n, at);
}

/* One value that is no list or map; null leaves it as it is. */
static int one_from_tree(struct reading *r, const struct ty_field *f, enum json_want want,
                         const struct jval *v, char *at) {
    if (v->kind == J_NULL)
        return 0;
    if (f->leaf == LEAF_TREE) {
        *(struct jval *)at = jval_copy(r->arena, v);
        return 0;
    }
    if (json_leaf_is_raw(f->leaf))
        return raw_from_tree(r, v, (struct str *)at);
    if (v->kind == J_STRING) {
        struct str s = jval_as_str(v);
        return json_leaf_from_string(r, f, want, keeps_text(f->leaf) ? arena_str(r->arena, s) : s, at);
    }
    if (f->leaf == LEAF_MESSAGE)
        return message_from_tree(r, f->type, v, at);
    if (v->kind == J_BOOL)
        return json_leaf_from_bool(r, f, want, v->b, at);
    if (v->kind == J_INT || v->kind == J_DOUBLE)
        return number_from_tree(r, f, want, v, at);
    return reading_wrong_type(r, f, want, str_from(kind_name(v)));
}

/* Counts against budget and depth, until leave(). */
static int enter(struct reading *r, struct json_step *step, size_t bytes) {
    if (r->depth == r->depth_max)
        return err_set(r->err, ERR_TOO_LARGE, "JSON is nested deeper than %u levels", r->depth_max);
    r->depth++;
    r->top = step;
    return reading_spend(r, bytes);
}

static void leave(struct reading *r, const struct json_step *step) {
    r->depth--;
    r->top = step->up;
}

static int list_from_tree(struct reading *r, const struct ty_field *f, const struct jval *v,
                          struct any_array *out) {
    if (v->kind == J_NULL)
        return 0;
    if (v->kind != J_ARRAY)
        return reading_wrong_type(r, f, WANT_FIELD, str_from(kind_name(v)));
    size_t size = ty_item_size(r->set, f);
    struct json_step step = {.up = r->top, .kind = STEP_INDEX};
    int rc = enter(r, &step, v->n * size);
    if (rc)
        return rc;
    char *items = v->n ? arena_array(r->arena, v->n, size) : (void *)json_empty;
    for (; step.index < v->n; step.index++) {
        rc = one_from_tree(r, f, WANT_ITEM, &v->items[step.index], items + step.index * size);
        if (rc)
            return rc;
    }
    leave(r, &step);
    *out = (struct any_array){items, v->n};
    return 0;
}

static int map_from_tree(struct reading *r, const struct ty_field *f, const struct jval *v,
                         struct any_array *out) {
    if (v->kind == J_NULL)
        return 0;
    if (v->kind != J_OBJECT)
        return reading_wrong_type(r, f, WANT_FIELD, str_from(kind_name(v)));
    size_t size = ty_entry_size(r->set, f);
    struct json_step step = {.up = r->top, .kind = STEP_KEY};
    int rc = enter(r, &step, v->n * size);
    if (rc)
        return rc;
    char *entries = v->n ? arena_array(r->arena, v->n, size) : (void *)json_empty;
    for (uint32_t i = 0; i < v->n; i++) {
        struct str *entry = (struct str *)(entries + i * size);
        step.key = v->members[i].key;
        *entry = arena_str(r->arena, step.key);
        rc = one_from_tree(r, f, WANT_ITEM, &v->members[i].value, (char *)(entry + 1));
        if (rc)
            return rc;
    }
    leave(r, &step);
    *out = (struct any_array){entries, v->n};
    return 0;
}

static int optional_from_tree(struct reading *r, const struct ty_field *f, const struct jval *v, char *at) {
    if (v->kind == J_NULL)
        return 0;
    void *message = NULL;
    int rc = f->leaf == LEAF_MESSAGE ? reading_new(r, f->type, &message) : 0;
    if (rc == 0)
        rc = one_from_tree(r, f, WANT_FIELD, v, message ? message : at);
    if (rc)
        return rc;
    if (message)
        *(void **)at = message;
    else
        leaf_mark_set(f->leaf, at);
    return 0;
}

static int field_from_tree(struct reading *r, const struct ty_field *f, const struct jval *v, char *at) {
    switch ((enum shape)f->shape) {
    case SHAPE_ONE: return one_from_tree(r, f, WANT_FIELD, v, at);
    case SHAPE_OPT: return optional_from_tree(r, f, v, at);
    case SHAPE_LIST: return list_from_tree(r, f, v, (struct any_array *)at);
    case SHAPE_MAP: return map_from_tree(r, f, v, (struct any_array *)at);
    }
    panic("shape %u", f->shape);
}

static int message_from_tree(struct reading *r, uint32_t type, const struct jval *v, char *out) {
    if (v->kind == J_NULL)
        return 0;
    if (r->set->types[type].flags & TYPE_AS_FIELD) {
        const struct ty_field *f = json_read_as(r->set, type, *kind_name(v), out);
        return field_from_tree(r, f, v, out + f->offset);
    }
    if (v->kind != J_OBJECT)
        return reading_wrong_message(r, type, kind_name(v));
    struct json_step step = {.up = r->top, .kind = STEP_FIELD, .type = (uint16_t)type};
    int rc = enter(r, &step, 0);
    for (uint32_t i = 0; i < v->n && rc == 0; i++) {
        const struct ty_field *f = ty_find(r->set, type, v->members[i].key);
        step.field = f ? f : step.field;
        if (f)
            rc = field_from_tree(r, f, &v->members[i].value, out + f->offset);
        else
            reading_report(r, "unknown field", v->members[i].key);
    }
    if (rc == 0)
        leave(r, &step);
    return rc;
}

int api_from_tree(struct arena *a, const struct ty_set *set, uint32_t type, const struct jval *tree,
                  struct strict_errors *strict, void **ret_object, struct err *err) {
    struct err mine = ERR_INIT;
    struct reading r = {.set = set,
                        .arena = a,
                        .strict = strict,
                        .err = err ? err : &mine,
                        .depth_max = API_DEPTH_MAX,
                        .budget = reading_budget(JSON_SIZE_MAX)};
    void *object = arena_alloc(a, set->types[type].size);
    int rc = message_from_tree(&r, type, tree, object);
    if (rc == 0)
        *ret_object = object;
    return rc;
}

/* --- to trees --- */

struct making {
    const struct ty_set *set;
    struct arena *arena;
};

static struct jval message_to_tree(const struct making *m, uint32_t type, const char *object);

static struct jval text_to_tree(const struct making *m, uint8_t leaf, const void *at) {
    char text[JSON_LEAF_TEXT_MAX];
    size_t n = json_leaf_text(leaf, at, text);
    return jval_str(arena_str(m->arena, (struct str){text, n}));
}

static struct jval bytes_to_tree(const struct making *m, struct str s) {
    char *to = arena_bytes(m->arena, base64_encoded_len(s.n, BASE64_STD));
    return jval_str((struct str){to, base64_encode(BASE64_STD, s, to)});
}

/* Raw values were checked when they were read, so this fails only on what came in by another way. */
static struct jval raw_to_tree(const struct making *m, struct str text) {
    struct jval v = jval_null();
    (void)json_parse(m->arena, text, NULL, NULL, &v, NULL);
    return v;
}

static struct jval one_to_tree(const struct making *m, const struct ty_field *f, const char *at) {
    switch ((enum leaf)f->leaf) {
    case LEAF_MESSAGE: return message_to_tree(m, f->type, at);
    case LEAF_STRING: return jval_str(*(const struct str *)at);
    case LEAF_BOOL: return jval_bool(*(const bool *)at);
    case LEAF_I32:
    case LEAF_ENUM: return jval_int(*(const int32_t *)at);
    case LEAF_U32: return jval_int(*(const uint32_t *)at);
    case LEAF_I64: return jval_int(*(const int64_t *)at);
    case LEAF_U64: {
        uint64_t v = *(const uint64_t *)at;
        return v > INT64_MAX ? jval_double((double)v) : jval_int((int64_t)v);
    }
    case LEAF_F64: return jval_double(*(const double *)at);
    case LEAF_INT_OR_STRING: {
        const struct int_or_string *v = (const struct int_or_string *)at;
        return v->is_str ? jval_str(v->s) : jval_int(v->i);
    }
    case LEAF_QUANTITY:
    case LEAF_DURATION: return text_to_tree(m, f->leaf, at);
    default: break;
    }
    if (leaf_absent(f->leaf, at))
        return jval_null();
    switch ((enum leaf)f->leaf) {
    case LEAF_BYTES: return bytes_to_tree(m, *(const struct str *)at);
    case LEAF_INT64_VALUE: return jval_int(((const struct opt_i64 *)at)->v);
    case LEAF_BOOL_VALUE: return jval_bool(((const struct opt_bool *)at)->v);
    case LEAF_TREE: return *(const struct jval *)at;
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP: return text_to_tree(m, f->leaf, at);
    default: return raw_to_tree(m, *(const struct str *)at);
    }
}

static struct jval list_to_tree(const struct making *m, const struct ty_field *f,
                                const struct any_array *list) {
    if (!list->v)
        return jval_null();
    struct jval *items = arena_new_n(m->arena, list->n, struct jval);
    size_t size = ty_item_size(m->set, f);
    for (uint32_t i = 0; i < list->n; i++)
        items[i] = one_to_tree(m, f, (const char *)list->v + i * size);
    return jval_array(items, list->n);
}

static struct jval map_to_tree(const struct making *m, const struct ty_field *f,
                               const struct any_array *map) {
    if (!map->v)
        return jval_null();
    struct jmember *members = arena_new_n(m->arena, map->n, struct jmember);
    size_t size = ty_entry_size(m->set, f);
    for (uint32_t i = 0; i < map->n; i++) {
        const struct str *entry = (const struct str *)((const char *)map->v + i * size);
        members[i] = (struct jmember){*entry, one_to_tree(m, f, (const char *)(entry + 1))};
    }
    return jval_object(members, map->n);
}

static struct jval field_to_tree(const struct making *m, const struct ty_field *f, const char *at) {
    switch ((enum shape)f->shape) {
    case SHAPE_ONE: return one_to_tree(m, f, at);
    case SHAPE_OPT:
        if (leaf_absent(f->leaf, at))
            return jval_null();
        return one_to_tree(m, f, f->leaf == LEAF_MESSAGE ? *(const char *const *)at : at);
    case SHAPE_LIST: return list_to_tree(m, f, (const struct any_array *)at);
    case SHAPE_MAP: return map_to_tree(m, f, (const struct any_array *)at);
    }
    panic("shape %u", f->shape);
}

/* Members that JSON shows, in name order; out may be NULL to count them. */
static uint32_t shown(const struct making *m, uint32_t type, const char *object, struct jmember *out) {
    const struct ty_type *t = &m->set->types[type];
    const uint16_t *order = m->set->by_name + t->first;
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n && order[i] != 0xffff; i++) {
        const struct ty_field *f = &m->set->fields[t->first + order[i]];
        if (field_omitted(f, object + f->offset))
            continue;
        if (out)
            out[n] = (struct jmember){ty_field_name(m->set, f), field_to_tree(m, f, object + f->offset)};
        n++;
    }
    return n;
}

static struct jval message_to_tree(const struct making *m, uint32_t type, const char *object) {
    if (m->set->types[type].flags & TYPE_AS_FIELD) {
        const struct ty_field *f = json_shown_field(m->set, type, object);
        return f ? field_to_tree(m, f, object + f->offset) : jval_null();
    }
    uint32_t n = shown(m, type, object, NULL);
    struct jmember *members = arena_new_n(m->arena, n, struct jmember);
    (void)shown(m, type, object, members);
    return jval_object(members, n);
}

struct jval api_to_tree(struct arena *a, const struct ty_set *set, uint32_t type, const void *object) {
    struct making m = {set, a};
    return message_to_tree(&m, type, object);
}
