/* Objects to protobuf. See proto.h.
 *
 * Backwards, as pbwire.h says: the rows of a type from the highest number down, lists and maps from their
 * last item, each message's content before its head. Nothing is allocated but the output.
 */
#include "api/proto.h"

#include "api/leaf.h"
#include "api/proto_priv.h"
#include "api/quantity.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/pbwire.h"

struct writer {
    struct pb_out out;
    const struct ty_set *set;
};

/* All put_ functions write in front of `at` and return the new place. */
static char *put_message(struct writer *w, char *at, uint32_t type, const char *base);

/* Both fields always; not set is an empty message. CONFORMS: metav1.Time and MicroTime: whole seconds, and
 * microseconds. */
static char *put_time(struct pb_out *out, char *at, const struct timestamp *t, int32_t nsec) {
    if (!t->set || (t->sec == PROTO_ZERO_TIME && t->nsec == 0))
        return at;
    at = pb_put_u64(out, at, 2, (uint64_t)nsec);
    return pb_put_u64(out, at, 1, (uint64_t)t->sec);
}

/* A field that is left out when zero. */
static char *put_unless_zero(struct pb_out *out, char *at, uint32_t number, uint64_t v) {
    return v ? pb_put_u64(out, at, number, v) : at;
}

static char *put_int_or_string(struct pb_out *out, char *at, const struct int_or_string *v) {
    at = pb_put_str(out, at, 3, v->is_str ? v->s : STR_NONE);
    at = pb_put_u64(out, at, 2, v->is_str ? 0 : (uint64_t)(int64_t)v->i);
    return pb_put_u64(out, at, 1, v->is_str);
}

static char *put_quantity(struct pb_out *out, char *at, const struct quantity *q) {
    char text[QUANTITY_TEXT_MAX];
    return pb_put_str(out, at, 1, str_make(text, quantity_format(q, text)));
}

/* The content of a value that is a message on the wire. */
static char *put_content(struct writer *w, char *at, const struct ty_wire *f, const void *p) {
    struct pb_out *out = &w->out;
    const struct timestamp *t = p;
    const struct str *s = p;
    switch ((enum leaf)proto_leaf(f)) {
    case LEAF_MESSAGE: return put_message(w, at, f->type, p);
    case LEAF_QUANTITY: return put_quantity(out, at, p);
    case LEAF_TIME: return put_time(out, at, t, 0);
    case LEAF_MICRO_TIME: return put_time(out, at, t, t->nsec / 1000 * 1000);
    case LEAF_TIMESTAMP: /* google.protobuf.Timestamp */
        at = put_unless_zero(out, at, 2, (uint64_t)t->nsec);
        return put_unless_zero(out, at, 1, (uint64_t)t->sec);
    case LEAF_DURATION: return pb_put_u64(out, at, 1, (uint64_t)((const struct duration *)p)->ns);
    case LEAF_INT_OR_STRING: return put_int_or_string(out, at, p);
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON: return s->n ? pb_put_str(out, at, 1, *s) : at;
    case LEAF_INT64_VALUE: return put_unless_zero(out, at, 1, *(const uint64_t *)p);
    case LEAF_BOOL_VALUE: return put_unless_zero(out, at, 1, *(const bool *)p);
    default: panic("leaf %u is no message", proto_leaf(f));
    }
}

/* A number without its tag; also an item of a packed list. */
static char *put_number(struct pb_out *out, char *at, uint8_t leaf, const void *p) {
    switch ((enum leaf)leaf) {
    case LEAF_BOOL: return pb_put_varint(out, at, *(const bool *)p);
    case LEAF_I32:
    case LEAF_ENUM: return pb_put_varint(out, at, (uint64_t)(int64_t) * (const int32_t *)p);
    case LEAF_U32: return pb_put_varint(out, at, *(const uint32_t *)p);
    case LEAF_I64:
    case LEAF_U64: return pb_put_varint(out, at, *(const uint64_t *)p);
    case LEAF_F64: {
        uint64_t bits;
        memcpy(&bits, p, sizeof bits);
        return pb_put_fixed64(out, at, bits);
    }
    default: panic("leaf %u is no number", leaf);
    }
}

/* A whole record under `number`, whatever the value is. */
static char *put_record(struct writer *w, char *at, const struct ty_wire *f, uint32_t number, const void *p) {
    struct pb_out *out = &w->out;
    uint8_t leaf = proto_leaf(f);
    if (leaf == LEAF_STRING || leaf == LEAF_BYTES)
        return pb_put_str(out, at, number, *(const struct str *)p);
    if (proto_packable(leaf)) {
        at = put_number(out, at, leaf, p);
        return pb_put_tag(out, at, number, leaf == LEAF_F64 ? PB_FIXED64 : PB_VARINT);
    }
    size_t before = pb_written(out, at);
    at = put_content(w, at, f, p);
    return pb_put_head(out, at, number, pb_written(out, at) - before);
}

/* CONFORMS: proto3: a scalar of value zero is not on the wire. A double counts by its bits: -0 is. */
static bool is_zero(uint8_t leaf, const void *p) {
    switch ((enum leaf)leaf) {
    case LEAF_STRING:
    case LEAF_BYTES: return ((const struct str *)p)->n == 0;
    case LEAF_BOOL: return !*(const bool *)p;
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: return *(const uint32_t *)p == 0;
    case LEAF_I64:
    case LEAF_U64:
    case LEAF_F64: return *(const uint64_t *)p == 0;
    case LEAF_MESSAGE: return false;
    default: return !leaf_opt_present(leaf, p);
    }
}

static char *put_plain(struct writer *w, char *at, const struct ty_wire *f, const char *p) {
    uint8_t leaf = proto_leaf(f);
    if (f->proto3 && is_zero(leaf, p))
        return at;
    /* CONFORMS: gogo writes plain values even when zero, byte strings and lists under a name only when there.
     */
    if (leaf == LEAF_BYTES && !((const struct str *)p)->p)
        return at;
    if (leaf == LEAF_MESSAGE && w->set->types[f->type].flags & TYPE_ALIAS &&
        !((const struct any_array *)p)->v)
        return at;
    return put_record(w, at, f, f->number, p);
}

static char *put_optional(struct writer *w, char *at, const struct ty_wire *f, const char *p) {
    /* the value of a struct opt_* comes first */
    return leaf_opt_present(proto_leaf(f), p) ? put_record(w, at, f, f->number, p) : at;
}

static char *put_list(struct writer *w, char *at, const struct ty_wire *f, const struct any_array *list) {
    const char *items = list->v;
    if (list->n && f->proto3 && proto_packable(proto_leaf(f))) {
        size_t before = pb_written(&w->out, at);
        for (uint32_t i = list->n; i-- > 0;)
            at = put_number(&w->out, at, proto_leaf(f), items + (size_t)i * f->size);
        return pb_put_head(&w->out, at, f->number, pb_written(&w->out, at) - before);
    }
    for (uint32_t i = list->n; i-- > 0;)
        at = put_record(w, at, f, f->number, items + (size_t)i * f->size);
    return at;
}

static char *put_map(struct writer *w, char *at, const struct ty_wire *f, const struct any_array *map) {
    for (uint32_t i = map->n; i-- > 0;) {
        const char *entry = (const char *)map->v + (size_t)i * f->size, *value = entry + PROTO_ENTRY_VALUE;
        size_t before = pb_written(&w->out, at);
        if (proto_leaf(f) != LEAF_BYTES || ((const struct str *)value)->p)
            at = put_record(w, at, f, 2, value);
        at = pb_put_str(&w->out, at, 1, *(const struct str *)entry);
        at = pb_put_head(&w->out, at, f->number, pb_written(&w->out, at) - before);
    }
    return at;
}

static char *put_string_map(struct pb_out *out, char *at, uint32_t number, const struct str_map *map) {
    for (uint32_t i = map->n; i-- > 0;) {
        size_t before = pb_written(out, at);
        at = pb_put_str(out, at, 2, map->v[i].value);
        at = pb_put_str(out, at, 1, map->v[i].key);
        at = pb_put_head(out, at, number, pb_written(out, at) - before);
    }
    return at;
}

static inline char *put_nested(struct writer *w, char *at, const struct ty_wire *f, const char *message) {
    size_t before = pb_written(&w->out, at);
    at = put_message(w, at, f->type, message);
    return pb_put_head(&w->out, at, f->number, pb_written(&w->out, at) - before);
}

static char *put_messages(struct writer *w, char *at, const struct ty_wire *f, const struct any_array *list) {
    for (uint32_t i = list->n; i-- > 0;)
        at = put_nested(w, at, f, (const char *)list->v + (size_t)i * f->size);
    return at;
}

static char *put_any(struct writer *w, char *at, const struct ty_wire *f, const char *p) {
    switch ((enum shape)proto_shape(f)) {
    case SHAPE_ONE: return put_plain(w, at, f, p);
    case SHAPE_OPT: return put_optional(w, at, f, p);
    case SHAPE_LIST: return put_list(w, at, f, (const struct any_array *)p);
    case SHAPE_MAP: return put_map(w, at, f, (const struct any_array *)p);
    }
    panic("shape %u", proto_shape(f));
}

/* The forms that fill most objects are decided here; put_any knows the rest. */
static inline char *put_field(struct writer *w, char *at, const struct ty_wire *f, const char *p) {
    struct pb_out *out = &w->out;
    switch (f->form) {
    case TY_FORM(SHAPE_ONE, LEAF_STRING): {
        const struct str *s = (const struct str *)p;
        return s->n || !f->proto3 ? pb_put_str(out, at, f->number, *s) : at;
    }
    case TY_FORM(SHAPE_ONE, LEAF_I32): {
        int32_t v = *(const int32_t *)p;
        return v || !f->proto3 ? pb_put_u64(out, at, f->number, (uint64_t)(int64_t)v) : at;
    }
    case TY_FORM(SHAPE_ONE, LEAF_I64): {
        uint64_t v = *(const uint64_t *)p;
        return v || !f->proto3 ? pb_put_u64(out, at, f->number, v) : at;
    }
    case TY_FORM(SHAPE_ONE, LEAF_BOOL): {
        bool v = *(const bool *)p;
        return v || !f->proto3 ? pb_put_u64(out, at, f->number, v) : at;
    }
    case TY_FORM(SHAPE_ONE, LEAF_TIME): {
        size_t before = pb_written(out, at);
        at = put_time(out, at, (const struct timestamp *)p, 0);
        return pb_put_head(out, at, f->number, pb_written(out, at) - before);
    }
    case TY_FORM(SHAPE_OPT, LEAF_MESSAGE): {
        const char *message = *(const char *const *)p;
        return message ? put_nested(w, at, f, message) : at;
    }
    case TY_FORM(SHAPE_OPT, LEAF_STRING): {
        const struct str *s = (const struct str *)p;
        return s->p ? pb_put_str(out, at, f->number, *s) : at;
    }
    case TY_FORM(SHAPE_OPT, LEAF_BOOL): {
        const struct opt_bool *v = (const struct opt_bool *)p;
        return v->set ? pb_put_u64(out, at, f->number, v->v) : at;
    }
    case TY_FORM(SHAPE_OPT, LEAF_I64): {
        const struct opt_i64 *v = (const struct opt_i64 *)p;
        return v->set ? pb_put_u64(out, at, f->number, (uint64_t)v->v) : at;
    }
    case TY_FORM(SHAPE_LIST, LEAF_MESSAGE): return put_messages(w, at, f, (const struct any_array *)p);
    case TY_FORM(SHAPE_MAP, LEAF_STRING):
        return put_string_map(out, at, f->number, (const struct str_map *)p);
    default: return put_any(w, at, f, p);
    }
}

static char *put_message(struct writer *w, char *at, uint32_t type, const char *base) {
    const struct ty_wire *first = w->set->wire + w->set->wire_first[type];
    const struct ty_wire *f = w->set->wire + w->set->wire_first[type + 1];
    while (f > first) {
        f--;
        at = put_field(w, at, f, base + f->offset);
    }
    return at;
}

/* Lists of objects can be long: their items are written one after another, each backwards in a scratch buffer
 * that stays in the cache, instead of moving the whole in the end. */
static void append_list(struct writer *w, struct buf *buf, uint32_t type, const char *base) {
    _cleanup_buf struct buf scratch = BUF_INIT;
    const struct ty_wire *end = w->set->wire + w->set->wire_first[type + 1];
    for (const struct ty_wire *f = w->set->wire + w->set->wire_first[type]; f < end; f++) {
        const char *p = base + f->offset;
        bool messages = f->form == TY_FORM(SHAPE_LIST, LEAF_MESSAGE);
        const struct any_array *list = (const struct any_array *)p;
        for (uint32_t i = 0; i < (messages ? list->n : 1); i++) {
            char *at = pb_out_init(&w->out, &scratch);
            at = messages ? put_nested(w, at, f, (const char *)list->v + (size_t)i * f->size)
                          : put_any(w, at, f, p);
            buf_put(buf, at, pb_written(&w->out, at));
        }
    }
}

void api_write_proto(struct buf *buf, const struct ty_set *set, uint32_t type, const void *object) {
    struct writer w = {.set = set};
    check(type > 0 && type < set->n_types);
    if (set->types[type].flags & TYPE_LIST) {
        append_list(&w, buf, type, object);
        return;
    }
    char *at = pb_out_init(&w.out, buf);
    at = put_message(&w, at, type, object);
    pb_out_done(&w.out, at);
}

size_t api_proto_size(const struct ty_set *set, uint32_t type, const void *object) {
    struct writer w = {.set = set};
    check(type > 0 && type < set->n_types);
    char *at = pb_out_init(&w.out, NULL);
    return pb_written(&w.out, put_message(&w, at, type, object));
}

void api_write_envelope(struct buf *buf, const struct ty_set *set, uint32_t type, const void *object,
                        struct str api_version, struct str kind) {
    struct writer w = {.set = set};
    struct pb_out *out = &w.out;
    check(type > 0 && type < set->n_types);
    char *at = pb_out_init(out, buf);
    at = pb_put_str(out, at, UNKNOWN_TYPE, STR_NONE);
    at = pb_put_str(out, at, UNKNOWN_ENCODING, STR_NONE);
    size_t before = pb_written(out, at);
    at = put_message(&w, at, type, object);
    at = pb_put_head(out, at, UNKNOWN_RAW, pb_written(out, at) - before);
    before = pb_written(out, at);
    at = pb_put_str(out, at, TYPE_META_KIND, kind);
    at = pb_put_str(out, at, TYPE_META_API_VERSION, api_version);
    at = pb_put_head(out, at, UNKNOWN_TYPE_META, pb_written(out, at) - before);
    at = pb_put_bytes(out, at, proto_magic);
    pb_out_done(out, at);
}
