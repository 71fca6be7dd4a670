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
    struct pb_out *out;
    const struct ty_set *set;
};

static void put_message(const struct writer *w, uint32_t type, const char *base);

/* Both fields always; not set is an empty message. CONFORMS: metav1.Time and MicroTime: whole seconds, and
 * microseconds. */
static void put_time(struct pb_out *out, const struct timestamp *t, int32_t nsec) {
    if (!t->set || (t->sec == PROTO_ZERO_TIME && t->nsec == 0))
        return;
    pb_put_u64(out, 2, (uint64_t)nsec);
    pb_put_u64(out, 1, (uint64_t)t->sec);
}

/* google.protobuf.Timestamp: zeros left out. */
static void put_timestamp(struct pb_out *out, const struct timestamp *t) {
    if (t->nsec)
        pb_put_u64(out, 2, (uint64_t)t->nsec);
    if (t->sec)
        pb_put_u64(out, 1, (uint64_t)t->sec);
}

static void put_int_or_string(struct pb_out *out, const struct int_or_string *v) {
    pb_put_str(out, 3, v->is_str ? v->s : STR_NONE);
    pb_put_u64(out, 2, v->is_str ? 0 : (uint64_t)(int64_t)v->i);
    pb_put_u64(out, 1, v->is_str);
}

static void put_quantity(struct pb_out *out, const struct quantity *q) {
    char text[QUANTITY_TEXT_MAX];
    pb_put_str(out, 1, str_make(text, quantity_format(q, text)));
}

/* The content of a value that is a message on the wire. */
static void put_content(const struct writer *w, const struct ty_field *f, const void *p) {
    struct pb_out *out = w->out;
    switch ((enum leaf)f->leaf) {
    case LEAF_MESSAGE: put_message(w, f->type, p); return;
    case LEAF_QUANTITY: put_quantity(out, p); return;
    case LEAF_TIME: put_time(out, p, 0); return;
    case LEAF_MICRO_TIME: {
        const struct timestamp *t = p;
        put_time(out, t, t->nsec / 1000 * 1000);
        return;
    }
    case LEAF_TIMESTAMP: put_timestamp(out, p); return;
    case LEAF_DURATION: pb_put_u64(out, 1, (uint64_t)((const struct duration *)p)->ns); return;
    case LEAF_INT_OR_STRING: put_int_or_string(out, p); return;
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON: {
        const struct str *s = p;
        if (s->n)
            pb_put_str(out, 1, *s);
        return;
    }
    case LEAF_INT64_VALUE: {
        int64_t v = *(const int64_t *)p;
        if (v)
            pb_put_u64(out, 1, (uint64_t)v);
        return;
    }
    case LEAF_BOOL_VALUE:
        if (*(const bool *)p)
            pb_put_u64(out, 1, 1);
        return;
    default: panic("leaf %u is no message", f->leaf);
    }
}

/* A number without its tag; also an item of a packed list. */
static void put_number(struct pb_out *out, uint8_t leaf, const void *p) {
    switch ((enum leaf)leaf) {
    case LEAF_BOOL: pb_put_varint(out, *(const bool *)p); return;
    case LEAF_I32:
    case LEAF_ENUM: pb_put_varint(out, (uint64_t)(int64_t) * (const int32_t *)p); return;
    case LEAF_U32: pb_put_varint(out, *(const uint32_t *)p); return;
    case LEAF_I64:
    case LEAF_U64: pb_put_varint(out, *(const uint64_t *)p); return;
    case LEAF_F64: {
        uint64_t bits;
        memcpy(&bits, p, sizeof bits);
        pb_put_fixed64(out, bits);
        return;
    }
    default: panic("leaf %u is no number", leaf);
    }
}

/* A whole record under `number`, whatever the value is. */
static void put_record(const struct writer *w, const struct ty_field *f, uint32_t number, const void *p) {
    struct pb_out *out = w->out;
    if (f->leaf == LEAF_STRING || f->leaf == LEAF_BYTES) {
        pb_put_str(out, number, *(const struct str *)p);
    } else if (proto_leaf_packable(f->leaf)) {
        put_number(out, f->leaf, p);
        pb_put_tag(out, number, f->leaf == LEAF_F64 ? PB_FIXED64 : PB_VARINT);
    } else {
        size_t before = pb_written(out);
        put_content(w, f, p);
        pb_put_head(out, number, pb_written(out) - before);
    }
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

static void put_plain(const struct writer *w, const struct ty_field *f, const char *p) {
    if (f->flags & FIELD_PROTO3 && is_zero(f->leaf, p))
        return;
    /* CONFORMS: gogo writes plain values even when zero, byte strings only when there. */
    if (f->leaf == LEAF_BYTES && !((const struct str *)p)->p)
        return;
    put_record(w, f, f->number, p);
}

static void put_optional(const struct writer *w, const struct ty_field *f, const char *p) {
    if (f->leaf == LEAF_MESSAGE) {
        const char *message = *(const char *const *)p;
        if (message)
            put_record(w, f, f->number, message);
    } else if (leaf_opt_present(f->leaf, p)) {
        put_record(w, f, f->number, p); /* the value of a struct opt_* comes first */
    }
}

static void put_list(const struct writer *w, const struct ty_field *f, const struct any_array *list) {
    size_t size = list->n ? ty_item_size(w->set, f) : 0;
    const char *items = list->v;
    if (f->flags & FIELD_PROTO3 && proto_leaf_packable(f->leaf)) {
        size_t before = pb_written(w->out);
        for (uint32_t i = list->n; i-- > 0;)
            put_number(w->out, f->leaf, items + i * size);
        if (list->n)
            pb_put_head(w->out, f->number, pb_written(w->out) - before);
        return;
    }
    for (uint32_t i = list->n; i-- > 0;)
        put_record(w, f, f->number, items + i * size);
}

static void put_map(const struct writer *w, const struct ty_field *f, const struct any_array *map) {
    size_t size = map->n ? ty_entry_size(w->set, f) : 0;
    for (uint32_t i = map->n; i-- > 0;) {
        const char *entry = (const char *)map->v + i * size, *value = entry + PROTO_ENTRY_VALUE;
        size_t before = pb_written(w->out);
        if (f->leaf != LEAF_BYTES || ((const struct str *)value)->p)
            put_record(w, f, 2, value);
        pb_put_str(w->out, 1, *(const struct str *)entry);
        pb_put_head(w->out, f->number, pb_written(w->out) - before);
    }
}

static void put_message(const struct writer *w, uint32_t type, const char *base) {
    const struct ty_type *t = &w->set->types[type];
    const uint16_t *order = w->set->by_number + t->first;
    for (uint32_t i = t->n; i-- > 0;) {
        if (order[i] == 0xffff)
            continue;
        const struct ty_field *f = &w->set->fields[t->first + order[i]];
        const char *p = base + f->offset;
        switch ((enum shape)f->shape) {
        case SHAPE_ONE: put_plain(w, f, p); break;
        case SHAPE_OPT: put_optional(w, f, p); break;
        case SHAPE_LIST: put_list(w, f, (const struct any_array *)p); break;
        case SHAPE_MAP: put_map(w, f, (const struct any_array *)p); break;
        }
    }
}

void proto_put_object(struct pb_out *out, const struct ty_set *set, uint32_t type, const void *object) {
    const struct writer w = {out, set};
    check(type > 0 && type < set->n_types);
    put_message(&w, type, object);
}

void api_write_proto(struct buf *buf, const struct ty_set *set, uint32_t type, const void *object) {
    struct pb_out out;
    pb_out_init(&out, buf);
    proto_put_object(&out, set, type, object);
    pb_out_done(&out);
}

size_t api_proto_size(const struct ty_set *set, uint32_t type, const void *object) {
    struct pb_out out;
    pb_out_init(&out, NULL);
    proto_put_object(&out, set, type, object);
    return pb_written(&out);
}
