/* Random objects. See fill.h. */
#include "fill.h"

#include "api/quantity.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/rand.h"
#include "codec/json.h"

struct filler {
    const struct ty_set *set;
    struct arena *arena;
    const struct fill_options *options;
    struct rand *rand;
    unsigned depth_left;
};

static void fill_message(struct filler *fl, uint32_t type, char *out);

static bool chance(struct filler *fl, double p) {
    return rand_chance(fl->rand, p);
}

/* --- leaves --- */

static struct str random_string(struct filler *fl) {
    static const char *const pieces[] = {"a",
                                         "name",
                                         "x-y.z/",
                                         "0123456789",
                                         " ",
                                         "\"",
                                         "\\",
                                         "<&>",
                                         "\n",
                                         "\t\x01",
                                         "\u00e9",
                                         "\u2028",
                                         "\U0001f600",
                                         "/",
                                         "{[,]}",
                                         "value",
                                         "\u2029\u20ac",
                                         "a longer piece of text "};
    _cleanup_buf struct buf b = BUF_INIT;
    uint64_t n = rand_below(fl->rand, 5) + !chance(fl, fl->options->emptiness);
    for (uint64_t i = 0; i < n; i++)
        buf_str(&b, str_from(pieces[rand_below(fl->rand, sizeof pieces / sizeof *pieces)]));
    struct str s = buf_to_arena(&b, fl->arena);
    return s.p ? s : S("");
}

static struct str random_bytes(struct filler *fl) {
    size_t n = (size_t)rand_below(fl->rand, 20);
    char *p = arena_bytes(fl->arena, n + 1);
    rand_fill(fl->rand, p, n);
    return (struct str){p, n};
}

static int64_t random_int(struct filler *fl, int64_t low, int64_t high) {
    switch (rand_below(fl->rand, 4)) {
    case 0: return low;
    case 1: return high;
    case 2: return rand_range(fl->rand, low < -1000 ? -1000 : low, 1000);
    default: return rand_range(fl->rand, low, high);
    }
}

static double random_double(struct filler *fl) {
    switch (rand_below(fl->rand, 3)) {
    case 0: return (double)rand_range(fl->rand, -1000, 1000);
    case 1: return (double)rand_range(fl->rand, -1000000, 1000000) / 1024;
    default: return (rand_unit(fl->rand) - 0.5) * 1e30;
    }
}

/* As it comes out of reading: text says less of the format than a quantity knows, so a few are not what was
 * made. */
static struct quantity random_quantity(struct filler *fl) {
    static const enum quantity_format formats[] = {QUANTITY_DECIMAL_SI, QUANTITY_BINARY_SI,
                                                   QUANTITY_DECIMAL_EXPONENT};
    int64_t value = random_int(fl, -INT64_MAX, INT64_MAX);
    struct quantity q =
        quantity_from_scaled(value, (int)rand_range(fl->rand, -9, 6), formats[rand_below(fl->rand, 3)]);
    char text[QUANTITY_TEXT_MAX];
    size_t n = quantity_format(&q, text);
    check(quantity_parse(str_make(text, n), &q, NULL) == 0);
    return q;
}

/* Years 1 to 9999, without upstream's zero time. */
static struct timestamp random_time(struct filler *fl, uint8_t leaf) {
    struct timestamp t = {.sec = rand_range(fl->rand, -62135596799ll, 253402300799ll), .set = true};
    if (leaf == LEAF_MICRO_TIME)
        t.nsec = (int32_t)rand_below(fl->rand, 1000000) * 1000;
    if (leaf == LEAF_TIMESTAMP)
        t.nsec = (int32_t)rand_below(fl->rand, 1000000000);
    return t;
}

static struct int_or_string random_int_or_string(struct filler *fl) {
    if (chance(fl, 0.5))
        return (struct int_or_string){.s = random_string(fl), .is_str = true, .set = true};
    return (struct int_or_string){.i = (int32_t)random_int(fl, INT32_MIN, INT32_MAX), .set = true};
}

static struct jval random_tree(struct filler *fl, unsigned depth, bool object) {
    struct jobject members = {0};
    switch (object ? 6 : rand_below(fl->rand, depth ? 7 : 5)) {
    case 0: return jval_bool(chance(fl, 0.5));
    case 1: return jval_int(random_int(fl, INT64_MIN, INT64_MAX));
    case 2: return jval_double(random_double(fl) + 0.5);
    case 3:
    case 4: return jval_str(random_string(fl));
    case 5: {
        size_t n = (size_t)rand_below(fl->rand, 4);
        struct jval *items = arena_new_n(fl->arena, n, struct jval);
        for (size_t i = 0; i < n; i++)
            items[i] = random_tree(fl, depth - 1, false);
        return jval_array(items, n);
    }
    default:
        for (uint64_t n = rand_below(fl->rand, 4); n; n--)
            jobject_set(fl->arena, &members, random_string(fl),
                        depth ? random_tree(fl, depth - 1, false) : jval_null());
        return jobject_done(&members);
    }
}

static struct str random_raw(struct filler *fl, bool object) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct jval v = random_tree(fl, 3, object);
    json_write(&b, &v);
    return buf_to_arena(&b, fl->arena);
}

static int32_t random_enum(struct filler *fl, const struct ty_field *f) {
    const struct ty_enum *e = &fl->set->enums[f->type];
    return e->n ? fl->set->enum_values[e->first + rand_below(fl->rand, e->n)] : 0;
}

static struct str random_text(struct filler *fl, const struct ty_field *f) {
    const struct ty_enum *e = &fl->set->enums[f->type];
    if (f->type && e->n && chance(fl, 0.8))
        return ty_name(fl->set, fl->set->enum_values[e->first + rand_below(fl->rand, e->n)]);
    return random_string(fl);
}

static void fill_one(struct filler *fl, const struct ty_field *f, char *at) {
    switch ((enum leaf)f->leaf) {
    case LEAF_MESSAGE: fill_message(fl, f->type, at); return;
    case LEAF_STRING: *(struct str *)at = random_text(fl, f); return;
    case LEAF_BOOL: *(bool *)at = chance(fl, 0.5); return;
    case LEAF_I32: *(int32_t *)at = (int32_t)random_int(fl, INT32_MIN, INT32_MAX); return;
    case LEAF_ENUM: *(int32_t *)at = random_enum(fl, f); return;
    case LEAF_U32: *(uint32_t *)at = (uint32_t)random_int(fl, 0, UINT32_MAX); return;
    case LEAF_I64: *(int64_t *)at = random_int(fl, INT64_MIN, INT64_MAX); return;
    case LEAF_U64: *(uint64_t *)at = rand_u64(fl->rand); return;
    case LEAF_F64: *(double *)at = random_double(fl); return;
    case LEAF_BYTES: *(struct str *)at = random_bytes(fl); return;
    case LEAF_QUANTITY: *(struct quantity *)at = random_quantity(fl); return;
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP: *(struct timestamp *)at = random_time(fl, f->leaf); return;
    case LEAF_DURATION:
        *(struct duration *)at = (struct duration){random_int(fl, -INT64_MAX, INT64_MAX), true};
        return;
    case LEAF_INT_OR_STRING: *(struct int_or_string *)at = random_int_or_string(fl); return;
    case LEAF_RAW:
    case LEAF_FIELDS_V1: *(struct str *)at = random_raw(fl, true); return;
    case LEAF_JSON:
    case LEAF_ANY: *(struct str *)at = random_raw(fl, false); return;
    case LEAF_INT64_VALUE:
        *(struct opt_i64 *)at = (struct opt_i64){random_int(fl, INT64_MIN, INT64_MAX), true};
        return;
    case LEAF_BOOL_VALUE: *(struct opt_bool *)at = (struct opt_bool){chance(fl, 0.5), true}; return;
    case LEAF_TREE: *(struct jval *)at = random_tree(fl, 3, true); return;
    }
}

/* --- shapes --- */

static uint32_t random_count(struct filler *fl) {
    unsigned max = fl->options->items_max ? fl->options->items_max : 3;
    return chance(fl, fl->options->emptiness) ? 0 : 1 + (uint32_t)rand_below(fl->rand, max);
}

static void fill_list(struct filler *fl, const struct ty_field *f, struct any_array *out, uint32_t n) {
    size_t size = ty_item_size(fl->set, f);
    out->v = arena_array(fl->arena, n, size);
    out->n = n;
    for (uint32_t i = 0; i < n; i++)
        fill_one(fl, f, (char *)out->v + i * size);
}

static void fill_map(struct filler *fl, const struct ty_field *f, struct any_array *out) {
    size_t size = ty_entry_size(fl->set, f);
    out->n = random_count(fl);
    out->v = arena_array(fl->arena, out->n, size);
    for (uint32_t i = 0; i < out->n; i++) {
        struct str *entry = (struct str *)((char *)out->v + i * size);
        *entry = arena_printf(fl->arena, "%c%llu", (int)('a' + i),
                              (unsigned long long)rand_below(fl->rand, 1000000));
        fill_one(fl, f, (char *)(entry + 1));
    }
}

static void set_flag(const struct ty_field *f, char *at) {
    switch ((enum leaf)f->leaf) {
    case LEAF_BOOL: ((struct opt_bool *)at)->set = true; return;
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: ((struct opt_i32 *)at)->set = true; return;
    case LEAF_I64:
    case LEAF_U64:
    case LEAF_F64: ((struct opt_i64 *)at)->set = true; return;
    default: return;
    }
}

static void fill_optional(struct filler *fl, const struct ty_field *f, char *at) {
    if (f->leaf == LEAF_MESSAGE) {
        *(void **)at = arena_alloc(fl->arena, fl->set->types[f->type].size);
        at = *(char **)at;
    }
    fill_one(fl, f, at);
    if (f->leaf != LEAF_MESSAGE)
        set_flag(f, at);
}

static void fill_field(struct filler *fl, const struct ty_field *f, char *at) {
    bool plain_message = f->shape == SHAPE_ONE && f->leaf == LEAF_MESSAGE;
    if (!plain_message && f->leaf == LEAF_MESSAGE && fl->depth_left == 0)
        return;
    if (f->shape != SHAPE_ONE && !chance(fl, fl->options->presence))
        return;
    if (f->shape == SHAPE_ONE && !plain_message && chance(fl, fl->options->emptiness))
        return;
    unsigned depth = fl->depth_left;
    fl->depth_left -= !plain_message && f->leaf == LEAF_MESSAGE;
    switch ((enum shape)f->shape) {
    case SHAPE_ONE: fill_one(fl, f, at); break;
    case SHAPE_OPT: fill_optional(fl, f, at); break;
    case SHAPE_LIST: fill_list(fl, f, (struct any_array *)at, random_count(fl)); break;
    case SHAPE_MAP: fill_map(fl, f, (struct any_array *)at); break;
    }
    fl->depth_left = depth;
}

/* Exactly one of the fields, filled. */
static void fill_as_field(struct filler *fl, uint32_t type, char *out) {
    uint16_t flags = fl->set->types[type].flags;
    const struct ty_field *first = ty_fields(fl->set, type), *second = first + 1;
    bool deeper = fl->depth_left > 0;
    fl->depth_left -= deeper;
    if (flags & TYPE_ALIAS) {
        fill_list(fl, first, (struct any_array *)(out + first->offset), random_count(fl));
    } else if (flags & TYPE_OR_BOOL) {
        bool schema = deeper && chance(fl, 0.7);
        *(bool *)(out + first->offset) = schema || chance(fl, 0.5);
        if (schema)
            fill_optional(fl, second, out + second->offset);
    } else if (second->leaf == LEAF_MESSAGE && (!deeper || chance(fl, 0.5))) {
        fill_optional(fl, first, out + first->offset);
    } else {
        fill_list(fl, second, (struct any_array *)(out + second->offset),
                  1 + (uint32_t)rand_below(fl->rand, 3));
    }
    fl->depth_left += deeper;
}

static void fill_message(struct filler *fl, uint32_t type, char *out) {
    const struct ty_type *t = &fl->set->types[type];
    if (t->flags & TYPE_AS_FIELD) {
        fill_as_field(fl, type, out);
        return;
    }
    for (const struct ty_field *f = fl->set->fields + t->first, *end = f + t->n; f < end; f++)
        if (!(f->flags & FIELD_FLAT))
            fill_field(fl, f, out + f->offset);
}

void *fill_object(struct arena *a, const struct ty_set *set, uint32_t type,
                  const struct fill_options *options) {
    struct rand_seeded seeded;
    struct filler fl = {.set = set, .arena = a, .options = options, .depth_left = options->depth};
    fl.rand = rand_seeded_init(&seeded, options->seed);
    void *object = arena_alloc(a, set->types[type].size);
    fill_message(&fl, type, object);
    return object;
}
