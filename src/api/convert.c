/* Conversion between versions. See convert.h. */
#include "api/convert.h"

#include "api/convert_priv.h"
#include "api/types/meta.h"
#include "base/err.h"

/* Types nest no deeper than objects, which their readers have bounded; this bounds cycles of types. */
#define DEPTH_MAX 1000

static const struct convert_rules *const rule_sets[] = {
    &autoscaling_conversions,
    &networking_conversions,
    &resource_conversions,
};

/* Kinds that have another group in another version. */
static const uint16_t other_groups[][2] = {
    {TY_CORE_EVENT, TY_EVENTS_EVENT},
    {TY_CORE_EVENT_LIST, TY_EVENTS_EVENT_LIST},
};

/* Fields that have another name in another version. */
static const struct {
    uint16_t left, right;
    struct str left_name, right_name;
} renamed[] = {
    {TY_CORE_EVENT, TY_EVENTS_EVENT, STR_INIT("involvedObject"), STR_INIT("regarding")},
    {TY_CORE_EVENT, TY_EVENTS_EVENT, STR_INIT("message"), STR_INIT("note")},
    {TY_CORE_EVENT, TY_EVENTS_EVENT, STR_INIT("source"), STR_INIT("deprecatedSource")},
    {TY_CORE_EVENT, TY_EVENTS_EVENT, STR_INIT("firstTimestamp"), STR_INIT("deprecatedFirstTimestamp")},
    {TY_CORE_EVENT, TY_EVENTS_EVENT, STR_INIT("lastTimestamp"), STR_INIT("deprecatedLastTimestamp")},
    {TY_CORE_EVENT, TY_EVENTS_EVENT, STR_INIT("count"), STR_INIT("deprecatedCount")},
    {TY_CORE_EVENT, TY_EVENTS_EVENT, STR_INIT("reportingComponent"), STR_INIT("reportingController")},
    {TY_NETWORKING_INGRESS_SPEC, TY_NETWORKING_V1BETA1_INGRESS_SPEC, STR_INIT("defaultBackend"),
     STR_INIT("backend")},
};

/* The name that a field of `to` has in `from`. */
static struct str name_in_from(uint32_t from, uint32_t to, struct str name) {
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++) {
        if (renamed[i].left == from && renamed[i].right == to && str_eq(renamed[i].right_name, name))
            return renamed[i].left_name;
        if (renamed[i].right == from && renamed[i].left == to && str_eq(renamed[i].left_name, name))
            return renamed[i].right_name;
    }
    return name;
}

static const struct convert_rule *find_rule(uint32_t from, uint32_t to) {
    for (size_t i = 0; i < sizeof rule_sets / sizeof *rule_sets; i++)
        for (uint32_t k = 0; k < rule_sets[i]->n; k++)
            if (rule_sets[i]->v[k].from == from && rule_sets[i]->v[k].to == to)
                return &rule_sets[i]->v[k];
    return NULL;
}

static void *new_message(struct converting *c, uint32_t type) {
    return arena_alloc(c->arena, builtin.types[type].size);
}

/* Bytes of a value in its struct. */
static size_t value_size(const struct ty_field *f) {
    if (f->shape == SHAPE_LIST || f->shape == SHAPE_MAP)
        return sizeof(struct any_array);
    if (f->shape == SHAPE_ONE)
        return ty_item_size(&builtin, f);
    switch ((enum leaf)f->leaf) {
    case LEAF_MESSAGE: return sizeof(void *);
    case LEAF_BOOL: return sizeof(struct opt_bool);
    case LEAF_I32: return sizeof(struct opt_i32);
    case LEAF_U32: return sizeof(struct opt_u32);
    case LEAF_I64: return sizeof(struct opt_i64);
    case LEAF_U64: return sizeof(struct opt_u64);
    case LEAF_F64: return sizeof(struct opt_f64);
    default: return ty_item_size(&builtin, f);
    }
}

/* Lists and maps of messages of different types. */
static int convert_items(struct converting *c, const struct ty_field *ff, const struct any_array *from,
                         const struct ty_field *tf, struct any_array *to) {
    bool map = ff->shape == SHAPE_MAP;
    size_t from_step = map ? ty_entry_size(&builtin, ff) : ty_item_size(&builtin, ff);
    size_t to_step = map ? ty_entry_size(&builtin, tf) : ty_item_size(&builtin, tf);
    size_t value_at = map ? sizeof(struct str) : 0;
    if (!from->v)
        return 0;
    char *out = arena_array(c->arena, from->n, to_step);
    *to = (struct any_array){out, from->n};
    for (uint32_t i = 0; i < from->n; i++) {
        const char *in = (const char *)from->v + i * from_step;
        if (map)
            memcpy(out + i * to_step, in, sizeof(struct str));
        int rc = convert_message(c, ff->type, in + value_at, tf->type, out + i * to_step + value_at);
        if (rc)
            return rc;
    }
    return 0;
}

static int convert_messages(struct converting *c, const struct ty_field *ff, const char *from,
                            const struct ty_field *tf, char *to) {
    if (ff->shape == SHAPE_LIST || ff->shape == SHAPE_MAP)
        return convert_items(c, ff, (const struct any_array *)(const void *)from, tf,
                             (struct any_array *)(void *)to);
    const void *source = ff->shape == SHAPE_OPT ? *(const void *const *)(const void *)from : from;
    if (!source)
        return 0;
    if (tf->shape == SHAPE_OPT) {
        void *made = new_message(c, tf->type);
        *(void **)(void *)to = made;
        to = made;
    }
    return convert_message(c, ff->type, source, tf->type, to);
}

/* A plain value where the other version has an optional one: zero is absent. Other leaves are the same plain
 * or optional. */
static void convert_presence(const struct ty_field *ff, const char *from, const struct ty_field *tf,
                             char *to) {
    bool optional = tf->shape == SHAPE_OPT;
    switch ((enum leaf)ff->leaf) {
    case LEAF_BOOL: {
        bool v = *(const bool *)from; /* of opt_bool too, which begins with it */
        if (optional)
            *(struct opt_bool *)(void *)to = (struct opt_bool){v, v};
        else
            *(bool *)to = v;
        return;
    }
    case LEAF_STRING: {
        struct str s = *(const struct str *)(const void *)from;
        *(struct str *)(void *)to = optional && !s.n ? STR_NONE : s;
        return;
    }
    default: memcpy(to, from, value_size(tf));
    }
}

static bool is_list_or_map(const struct ty_field *f) {
    return f->shape == SHAPE_LIST || f->shape == SHAPE_MAP;
}

static int convert_field(struct converting *c, const struct ty_field *ff, const char *from,
                         const struct ty_field *tf, char *to) {
    bool same_shape = ff->shape == tf->shape;
    if (ff->leaf != tf->leaf || (!same_shape && (is_list_or_map(ff) || is_list_or_map(tf))))
        return 0; /* not the same thing: a rule's business */
    if (ff->leaf == LEAF_MESSAGE && (ff->type != tf->type || !same_shape))
        return convert_messages(c, ff, from, tf, to);
    if (same_shape)
        memcpy(to, from, value_size(ff));
    else
        convert_presence(ff, from, tf, to);
    return 0;
}

/* A new version has a new name. */
static void set_api_version(struct converting *c, uint32_t type, char *object) {
    const struct ty_field *f = ty_find(&builtin, type, S("apiVersion"));
    struct str *version = (struct str *)(void *)(object + f->offset);
    const struct ty_gv *gv = &builtin.gvs[builtin.types[type].gv];
    struct str group = ty_name(&builtin, gv->group), name = ty_name(&builtin, gv->version);
    if (version->n)
        *version = group.n ? arena_printf(c->arena, "%.*s/%.*s", STR_ARG(group), STR_ARG(name)) : name;
}

static int convert_fields(struct converting *c, uint32_t from_type, const char *from, uint32_t to_type,
                          char *to) {
    const struct ty_field *tf = ty_fields(&builtin, to_type), *end = tf + builtin.types[to_type].n;
    for (; tf < end; tf++) {
        if (tf->flags & FIELD_INLINE)
            continue; /* its fields follow */
        struct str name = name_in_from(from_type, to_type, ty_field_name(&builtin, tf));
        const struct ty_field *ff = ty_find(&builtin, from_type, name);
        int rc = ff ? convert_field(c, ff, from + ff->offset, tf, to + tf->offset) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

int convert_message(struct converting *c, uint32_t from_type, const void *from, uint32_t to_type, void *to) {
    if (from_type == to_type) {
        memcpy(to, from, builtin.types[to_type].size);
        return 0;
    }
    if (c->depth == DEPTH_MAX)
        return err_set(c->err, ERR_TOO_LARGE, "nested deeper than %d levels", DEPTH_MAX);
    c->depth++;
    int rc = convert_fields(c, from_type, from, to_type, to);
    if (rc == 0 && (builtin.types[to_type].flags & TYPE_ROOT))
        set_api_version(c, to_type, to);
    const struct convert_rule *rule = find_rule(from_type, to_type);
    if (rc == 0 && rule)
        rc = rule->run(c, from, to);
    c->depth--;
    return rc;
}

bool api_convertible(const struct ty_set *set, uint32_t from_type, uint32_t to_type) {
    if (from_type == to_type)
        return true;
    for (size_t i = 0; i < sizeof other_groups / sizeof *other_groups; i++)
        for (int k = 0; k < 2; k++)
            if (set == &builtin && other_groups[i][k] == from_type && other_groups[i][1 - k] == to_type)
                return true;
    const struct ty_type *from = &set->types[from_type], *to = &set->types[to_type];
    return from->name == to->name && set->gvs[from->gv].group == set->gvs[to->gv].group;
}

int api_convert(struct arena *a, const struct ty_set *set, uint32_t from_type, const void *from,
                uint32_t to_type, void **ret_to, struct err *err) {
    check(set == &builtin && from_type < set->n_types && to_type < set->n_types);
    if (!api_convertible(set, from_type, to_type))
        return err_set(err, ERR_UNSUPPORTED, "%.*s is no version of %.*s",
                       STR_ARG(ty_name(set, set->types[from_type].name)),
                       STR_ARG(ty_name(set, set->types[to_type].name)));
    struct converting c = {.arena = a, .err = err};
    void *to = new_message(&c, to_type);
    int rc = convert_message(&c, from_type, from, to_type, to);
    if (rc == 0)
        *ret_to = to;
    return rc;
}
