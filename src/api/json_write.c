/* Packed structs to JSON text. See json.h.
 *
 * Output goes straight into the buffer: room is reserved before each piece, names are copied with quotes and
 * colon from the pool, strings are scanned and copied in one pass. Every field ends with a comma, the last of
 * which its container's bracket overwrites.
 */
#include "api/json_priv.h"

#include "base/buf.h"
#include "base/err.h"
#include "codec/base64.h"
#include "codec/json_esc.h"

/* What may be written past what is needed: a buffer's limit is moved by as much meanwhile. */
#define WRITE_SLACK 64

static void write_message(struct buf *out, const struct ty_set *set, uint32_t type, const char *object);

/* --- pieces --- */

/* Overwrites the comma behind the last item, if there is one. */
static inline void close_bracket(struct buf *out, char bracket) {
    if (out->n && out->p[out->n - 1] == ',')
        out->p[out->n - 1] = bracket;
    else
        buf_byte(out, bracket);
}

static inline void write_name(struct buf *out, const struct ty_set *set, uint32_t name) {
    struct str s = ty_quoted_name(set, name);
    char *to = buf_reserve(out, s.n + 32);
    if (!to)
        return;
    if (s.n <= 32)
        memcpy(to, s.p, 32); /* the pool has slack */
    else
        memcpy(to, s.p, s.n);
    out->n += s.n;
}

static inline void write_string(struct buf *out, struct str s) {
    char *to = buf_reserve(out, s.n + 18);
    if (!to)
        return;
    *to = '"';
    if (!json_copy_plain(to + 1, s, JSON_ESCAPE_STRING)) {
        json_write_string(out, s);
        return;
    }
    to[s.n + 1] = '"';
    out->n += s.n + 2;
}

/* JSON text as it is, except for what Go escapes in it too. */
static void write_raw(struct buf *out, struct str s) {
    char *to = buf_reserve(out, s.n + 16);
    if (!to)
        return;
    if (json_copy_plain(to, s, JSON_ESCAPE_RAW))
        out->n += s.n;
    else
        json_put_escaped(out, s, JSON_ESCAPE_RAW);
}

static void write_bytes(struct buf *out, struct str s) {
    size_t n = base64_encoded_len(s.n, BASE64_STD);
    char *to = buf_reserve(out, n + 2);
    if (!to)
        return;
    to[0] = '"';
    (void)base64_encode(BASE64_STD, s, to + 1);
    to[n + 1] = '"';
    out->n += n + 2;
}

static void write_text(struct buf *out, uint8_t leaf, const void *at) {
    char *to = buf_reserve(out, JSON_LEAF_TEXT_MAX + 2);
    if (!to)
        return;
    size_t n = json_leaf_text(leaf, at, to + 1);
    to[0] = '"';
    to[n + 1] = '"';
    out->n += n + 2;
}

/* --- values --- */

/* One value that is no list or map, present or not. */
static void write_one(struct buf *out, const struct ty_set *set, const struct ty_field *f, const char *at) {
    switch ((enum leaf)f->leaf) {
    case LEAF_MESSAGE: write_message(out, set, f->type, at); return;
    case LEAF_STRING: write_string(out, *(const struct str *)at); return;
    case LEAF_BOOL:
        if (*(const bool *)at)
            buf_lit(out, "true");
        else
            buf_lit(out, "false");
        return;
    case LEAF_I32:
    case LEAF_ENUM: buf_i64(out, *(const int32_t *)at); return;
    case LEAF_U32: buf_u64(out, *(const uint32_t *)at); return;
    case LEAF_I64: buf_i64(out, *(const int64_t *)at); return;
    case LEAF_U64: buf_u64(out, *(const uint64_t *)at); return;
    case LEAF_F64: json_write_double(out, *(const double *)at); return;
    case LEAF_INT_OR_STRING:
        if (((const struct int_or_string *)at)->is_str)
            write_string(out, ((const struct int_or_string *)at)->s);
        else
            buf_i64(out, ((const struct int_or_string *)at)->i);
        return;
    case LEAF_QUANTITY: /* the zero of these two is a value */
    case LEAF_DURATION: write_text(out, f->leaf, at); return;
    default: break;
    }
    if (leaf_absent(f->leaf, at)) {
        buf_lit(out, "null");
        return;
    }
    switch ((enum leaf)f->leaf) {
    case LEAF_BYTES: write_bytes(out, *(const struct str *)at); return;
    case LEAF_INT64_VALUE: buf_i64(out, ((const struct opt_i64 *)at)->v); return;
    case LEAF_BOOL_VALUE: buf_str(out, ((const struct opt_bool *)at)->v ? S("true") : S("false")); return;
    case LEAF_TREE: json_write(out, (const struct jval *)at); return;
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP: write_text(out, f->leaf, at); return;
    default: write_raw(out, *(const struct str *)at); return;
    }
}

static void write_list(struct buf *out, const struct ty_set *set, const struct ty_field *f, const char *at) {
    const struct any_array *list = (const struct any_array *)at;
    if (!list->v) {
        buf_lit(out, "null");
        return;
    }
    size_t size = ty_item_size(set, f);
    const char *item = list->v;
    buf_byte(out, '[');
    for (uint32_t i = 0; i < list->n; i++, item += size) {
        write_one(out, set, f, item);
        buf_byte(out, ',');
    }
    close_bracket(out, ']');
}

static void write_map(struct buf *out, const struct ty_set *set, const struct ty_field *f, const char *at) {
    const struct any_array *map = (const struct any_array *)at;
    if (!map->v) {
        buf_lit(out, "null");
        return;
    }
    size_t size = ty_entry_size(set, f);
    const char *entry = map->v;
    buf_byte(out, '{');
    for (uint32_t i = 0; i < map->n; i++, entry += size) {
        write_string(out, *(const struct str *)entry);
        buf_byte(out, ':');
        write_one(out, set, f, entry + sizeof(struct str));
        buf_byte(out, ',');
    }
    close_bracket(out, '}');
}

static void write_optional(struct buf *out, const struct ty_set *set, const struct ty_field *f,
                           const char *at) {
    if (leaf_absent(f->leaf, at))
        buf_lit(out, "null");
    else
        write_one(out, set, f, f->leaf == LEAF_MESSAGE ? *(const char *const *)at : at);
}

static void write_field(struct buf *out, const struct ty_set *set, const struct ty_field *f, const char *at) {
    switch ((enum shape)f->shape) {
    case SHAPE_ONE: write_one(out, set, f, at); return;
    case SHAPE_OPT: write_optional(out, set, f, at); return;
    case SHAPE_LIST: write_list(out, set, f, at); return;
    case SHAPE_MAP: write_map(out, set, f, at); return;
    }
    panic("shape %u", f->shape);
}

/* Types whose JSON is that of one of their fields. */
static void write_as_field(struct buf *out, const struct ty_set *set, uint32_t type, const char *object) {
    const struct ty_field *f = json_shown_field(set, type, object);
    if (f)
        write_field(out, set, f, object + f->offset);
    else
        buf_lit(out, "null");
}

static void write_message(struct buf *out, const struct ty_set *set, uint32_t type, const char *object) {
    const struct ty_type *t = &set->types[type];
    if (t->flags & TYPE_AS_FIELD) {
        write_as_field(out, set, type, object);
        return;
    }
    const struct ty_field *f = set->fields + t->first, *end = f + t->n;
    buf_byte(out, '{');
    for (; f < end; f++) {
        const char *at = object + f->offset;
        if (!f->name || (f->flags & FIELD_INLINE) || field_omitted(f, at))
            continue;
        write_name(out, set, f->name);
        write_field(out, set, f, at);
        buf_byte(out, ',');
    }
    close_bracket(out, '}');
}

void api_write_json(struct buf *out, const struct ty_set *set, uint32_t type, const void *object) {
    size_t before = out->n, limit = out->limit;
    if (limit)
        out->limit = limit + WRITE_SLACK;
    write_message(out, set, type, object);
    out->limit = limit;
    if (limit && out->n > limit)
        out->overflow = true;
    if (out->overflow)
        out->n = before;
}
