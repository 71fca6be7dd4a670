/* Protobuf to objects. See proto.h and proto_read.h.
 *
 * A record finds its row by its number; records of a list are counted ahead while they follow each other, as
 * writers put them, so that the list gets its exact size at once. Lists that arrive in pieces grow by
 * doubling: in front of the items of every list and map stands a list_head while its message is read.
 */
#include "api/proto.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/proto_priv.h"
#include "api/proto_read.h"
#include "api/types/ids.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

struct list_head {
    uint32_t cap;
    uint32_t unsorted; /* a map whose keys are not in order; it stands in reader.unsorted */
};

/* --- errors --- */

static void print_path(struct buf *b, const struct proto_reader *r, const struct proto_frame *fr) {
    if (!fr->field)
        return;
    struct str name = ty_field_name(r->set, ty_fields(r->set, fr->type) + fr->field->row);
    if (b->n)
        buf_byte(b, '.');
    if (name.n)
        buf_str(b, name);
    else
        buf_printf(b, "<%u>", fr->field->number);
    if (proto_shape(fr->field) == SHAPE_LIST)
        buf_printf(b, "[%u]", fr->index);
}

int proto_fail(const struct proto_reader *r, const struct proto_frame *fr, int code, const char *what) {
    const struct proto_frame *trail[PROTO_PATH_MAX];
    _cleanup_buf struct buf path = BUF_INIT;
    size_t n = 0, skipped = 0;
    for (; fr; fr = fr->up) {
        if (n == PROTO_PATH_MAX) {
            memmove(trail, trail + 1, (PROTO_PATH_MAX - 1) * sizeof *trail);
            n--;
            skipped++;
        }
        trail[n++] = fr;
    }
    while (n-- > 0)
        print_path(&path, r, trail[n]);
    if (skipped)
        buf_lit(&path, "…");
    if (path.n)
        return err_set(r->err, code, "protobuf: %s: %s", buf_cstr(&path), what);
    return err_set(r->err, code, "protobuf: %s", what);
}

/* --- memory --- */

int proto_alloc(struct proto_reader *r, const struct proto_frame *fr, size_t n, void **ret_memory) {
    if (n > r->budget)
        return proto_fail(r, fr, ERR_TOO_LARGE, "too many items for a message of this size");
    r->budget -= n;
    *ret_memory = arena_alloc(r->arena, n);
    return 0;
}

static struct list_head *head_of(const struct any_array *list) {
    return (struct list_head *)list->v - 1;
}

/* Room for `more` items at the end of a list or map. */
static int list_room(struct proto_reader *r, const struct proto_frame *fr, struct any_array *list,
                     size_t more, size_t size) {
    size_t cap = list->v ? head_of(list)->cap : 0, need = list->n + more;
    if (list->v && need <= cap)
        return 0;
    if (need < 2 * cap)
        need = 2 * cap;
    if (need > UINT32_MAX / 2)
        return proto_fail(r, fr, ERR_TOO_LARGE, "too many items");
    void *memory;
    int rc = proto_alloc(r, fr, need * size + sizeof(struct list_head), &memory);
    if (rc)
        return rc;
    struct list_head *head = memory;
    *head = (struct list_head){(uint32_t)need, list->v ? head_of(list)->unsorted : 0};
    if (list->n)
        memcpy(head + 1, list->v, list->n * size);
    list->v = head + 1;
    return 0;
}

/* --- values --- */

static int read_message(struct proto_reader *r, const struct proto_frame *up, uint32_t type, char *base,
                        struct pb_in in);

static int read_number(struct proto_reader *r, const struct proto_frame *fr, uint8_t wire, struct pb_in *in,
                       void *p) {
    uint64_t v = 0;
    uint8_t leaf = proto_leaf(fr->field);
    if (__builtin_expect(wire != (leaf == LEAF_F64 ? PB_FIXED64 : PB_VARINT), 0))
        return proto_fail(r, fr, ERR_INVALID, "wrong wire type");
    enum pb_fault fault = leaf == LEAF_F64 ? pb_get_fixed64(in, &v) : pb_get_varint(in, &v);
    if (__builtin_expect(fault != PB_OK, 0))
        return proto_fault(r, fr, fault);
    switch ((enum leaf)leaf) {
    case LEAF_BOOL: *(bool *)p = v != 0; break;
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: *(uint32_t *)p = (uint32_t)v; break;
    default: memcpy(p, &v, sizeof v);
    }
    return 0;
}

/* A value of which the length-delimited bytes are known. */
static inline int read_piece(struct proto_reader *r, const struct proto_frame *fr, struct pb_in piece,
                             void *p) {
    switch ((enum leaf)proto_leaf(fr->field)) {
    case LEAF_STRING:
    case LEAF_BYTES: *(struct str *)p = pb_rest(&piece); return 0;
    case LEAF_MESSAGE: return read_message(r, fr, fr->field->type, p, piece);
    default: return proto_read_content(r, fr, piece, p);
    }
}

static inline int get_piece(const struct proto_reader *r, const struct proto_frame *fr, uint8_t wire,
                            struct pb_in *in, struct pb_in *ret_piece) {
    if (__builtin_expect(wire != PB_LEN, 0))
        return proto_fail(r, fr, ERR_INVALID, "wrong wire type");
    return proto_fault(r, fr, pb_get_piece(in, ret_piece));
}

/* Any single value at p. */
static int read_value(struct proto_reader *r, const struct proto_frame *fr, uint8_t wire, struct pb_in *in,
                      void *p) {
    struct pb_in piece = {NULL, NULL};
    if (proto_packable(proto_leaf(fr->field)))
        return read_number(r, fr, wire, in, p);
    int rc = get_piece(r, fr, wire, in, &piece);
    return rc ? rc : read_piece(r, fr, piece, p);
}

/* --- fields by shape --- */

static int read_plain(struct proto_reader *r, const struct proto_frame *fr, uint8_t wire, struct pb_in *in,
                      void *p) {
    int rc = read_value(r, fr, wire, in, p);
    if (rc)
        return rc;
    if (proto_leaf(fr->field) == LEAF_STRING && ((struct str *)p)->n == 0) {
        *(struct str *)p = STR_NONE; /* plain strings that are empty are absent: gogo writes them */
    } else if (proto_leaf(fr->field) == LEAF_MESSAGE && r->set->types[fr->field->type].flags & TYPE_ALIAS) {
        struct any_array *list = p;
        if (!list->v) /* an alias that is there is a list that is there */
            rc = list_room(r, fr, list, 0, 1);
    }
    return rc;
}

static int read_optional(struct proto_reader *r, const struct proto_frame *fr, uint8_t wire, struct pb_in *in,
                         void *p) {
    const struct ty_wire *f = fr->field;
    if (proto_leaf(f) == LEAF_MESSAGE) {
        void **message = p;
        int rc = *message ? 0 : proto_alloc(r, fr, r->set->types[f->type].size, message);
        return rc ? rc : read_value(r, fr, wire, in, *message);
    }
    int rc = read_value(r, fr, wire, in, p);
    if (rc)
        return rc;
    switch ((enum leaf)proto_leaf(f)) {
    case LEAF_BOOL: ((struct opt_bool *)p)->set = true; break;
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: ((struct opt_i32 *)p)->set = true; break;
    case LEAF_I64:
    case LEAF_U64:
    case LEAF_F64: ((struct opt_i64 *)p)->set = true; break;
    default: break; /* the others know themselves whether they are set */
    }
    return 0;
}

/* Numbers in one piece: counted first (each ends with a byte that has its high bit clear). */
static int read_packed(struct proto_reader *r, struct proto_frame *fr, struct pb_in piece,
                       struct any_array *list) {
    size_t size = fr->field->size, n = 0;
    uint8_t wire = proto_leaf(fr->field) == LEAF_F64 ? PB_FIXED64 : PB_VARINT;
    if (wire == PB_FIXED64)
        n = (pb_left(&piece) + 7) / 8;
    else
        for (const uint8_t *p = piece.p; p < piece.end; p++)
            n += *p < 0x80;
    int rc = list_room(r, fr, list, n, size);
    while (!rc && pb_left(&piece)) {
        check(list->n <= head_of(list)->cap);
        fr->index = list->n;
        if (list->n == head_of(list)->cap)
            return proto_fault(r, fr, PB_TRUNCATED); /* the last number does not end */
        rc = read_number(r, fr, wire, &piece, (char *)list->v + list->n * size);
        list->n += !rc;
    }
    return rc;
}

static int read_list_number(struct proto_reader *r, struct proto_frame *fr, uint8_t wire, struct pb_in *in,
                            struct any_array *list) {
    size_t size = fr->field->size;
    if (wire == PB_LEN) {
        struct pb_in piece;
        int rc = get_piece(r, fr, wire, in, &piece);
        return rc ? rc : read_packed(r, fr, piece, list);
    }
    int rc = list_room(r, fr, list, list->v ? 1 : 4, size);
    if (!rc)
        rc = read_number(r, fr, wire, in, (char *)list->v + list->n * size);
    list->n += !rc;
    return rc;
}

/* The key and value of a map entry; of repeated ones the last counts. CONFORMS: protobuf maps: both may be
 * missing. */
static int read_entry(struct proto_reader *r, const struct proto_frame *fr, struct pb_in in, char *entry) {
    struct str *key = (struct str *)entry;
    bool has_value = false;
    *key = S("");
    while (pb_left(&in)) {
        struct pb_tag tag;
        struct pb_in piece = {NULL, NULL};
        int rc = proto_fault(r, fr, pb_get_tag(&in, &tag));
        if (rc)
            return rc;
        if (tag.number == 1) {
            rc = get_piece(r, fr, tag.wire, &in, &piece);
            *key = rc ? *key : pb_rest(&piece);
        } else if (tag.number == 2) {
            rc = read_value(r, fr, tag.wire, &in, entry + PROTO_ENTRY_VALUE);
            has_value = true;
        } else {
            rc = proto_fault(r, fr, pb_skip(&in, tag));
        }
        if (rc)
            return rc;
    }
    if (!has_value && !proto_packable(proto_leaf(fr->field)) && proto_leaf(fr->field) != LEAF_MESSAGE)
        return read_piece(r, fr, pb_in_init(S("")), entry + PROTO_ENTRY_VALUE);
    return 0;
}

/* Notes a map whose newest entry does not come behind the one before it. */
static void check_order(struct proto_reader *r, struct any_array *map, const char *entry, size_t size) {
    if (map->n == 0 || head_of(map)->unsorted ||
        str_cmp(*(const struct str *)(entry - size), *(const struct str *)entry) < 0)
        return;
    head_of(map)->unsorted = 1;
    struct proto_unsorted u = {size, map};
    vec_push(&r->unsorted, u);
}

/* The records of a list or map that follow each other, beginning with the one at `in`. */
static int read_items(struct proto_reader *r, struct proto_frame *fr, uint8_t wire, struct pb_in *in,
                      struct any_array *list, bool map) {
    size_t size = fr->field->size;
    struct pb_in piece;
    int rc = get_piece(r, fr, wire, in, &piece);
    if (rc)
        return rc;
    size_t n = 1 + pb_count_pieces(*in, fr->field->number, UINT32_MAX);
    rc = list_room(r, fr, list, n, size);
    while (!rc) {
        size_t unsorted = r->unsorted.n;
        char *at = (char *)list->v + list->n * size;
        fr->index = list->n;
        rc = map ? read_entry(r, fr, piece, at) : read_piece(r, fr, piece, at);
        if (rc)
            return rc;
        /* Nothing can be merged into an item that is read: its maps are complete. */
        if (r->unsorted.n > unsorted)
            proto_sort_maps(r, unsorted);
        if (map)
            check_order(r, list, at, size);
        list->n++;
        if (--n == 0)
            return 0;
        struct pb_tag tag;
        check(pb_get_tag(in, &tag) == PB_OK && pb_get_piece(in, &piece) == PB_OK);
    }
    return rc;
}

static int read_any(struct proto_reader *r, struct proto_frame *fr, uint8_t wire, struct pb_in *in, void *p) {
    switch ((enum shape)proto_shape(fr->field)) {
    case SHAPE_ONE: return read_plain(r, fr, wire, in, p);
    case SHAPE_OPT: return read_optional(r, fr, wire, in, p);
    case SHAPE_LIST:
        if (proto_packable(proto_leaf(fr->field)))
            return read_list_number(r, fr, wire, in, p);
        return read_items(r, fr, wire, in, p, false);
    case SHAPE_MAP: return read_items(r, fr, wire, in, p, true);
    }
    panic("shape %u", proto_shape(fr->field));
}

/* The forms that fill most objects, in their right wire type, are read here; read_any knows everything. */
static inline int read_field(struct proto_reader *r, struct proto_frame *fr, uint8_t wire, struct pb_in *in,
                             void *p) {
    struct pb_in piece;
    uint64_t v;
    switch (fr->field->form) {
    case TY_FORM(SHAPE_ONE, LEAF_STRING):
        if (wire != PB_LEN || pb_get_piece(in, &piece))
            break;
        *(struct str *)p = pb_left(&piece) ? pb_rest(&piece) : STR_NONE;
        return 0;
    case TY_FORM(SHAPE_ONE, LEAF_I32):
        if (wire != PB_VARINT || pb_get_varint(in, &v))
            break;
        *(int32_t *)p = (int32_t)v;
        return 0;
    case TY_FORM(SHAPE_ONE, LEAF_BOOL):
        if (wire != PB_VARINT || pb_get_varint(in, &v))
            break;
        *(bool *)p = v != 0;
        return 0;
    case TY_FORM(SHAPE_LIST, LEAF_MESSAGE): return read_items(r, fr, wire, in, p, false);
    case TY_FORM(SHAPE_MAP, LEAF_STRING): return read_items(r, fr, wire, in, p, true);
    default: break;
    }
    return read_any(r, fr, wire, in, p);
}

/* --- messages --- */

/* The row of a number, or NULL. Rows are in number order and numbers begin at 1, so that row `number - 1` is
 * the furthest that can be it; in types without gaps it is. */
static inline const struct ty_wire *row_of(const struct ty_wire *rows, uint32_t n, uint32_t number) {
    uint32_t i = number < n ? number : n;
    while (i > 0 && rows[i - 1].number > number)
        i--;
    return i > 0 && rows[i - 1].number == number ? &rows[i - 1] : NULL;
}

static int read_message(struct proto_reader *r, const struct proto_frame *up, uint32_t type, char *base,
                        struct pb_in in) {
    const struct ty_wire *rows = r->set->wire + r->set->wire_first[type];
    uint32_t n = r->set->wire_first[type + 1] - r->set->wire_first[type];
    struct proto_frame fr = {.up = up, .type = type, .depth = up ? up->depth + 1 : 1};
    if (fr.depth > PROTO_DEPTH_MAX)
        return proto_fail(r, up, ERR_TOO_LARGE, "nested too deep");
    while (pb_left(&in)) {
        struct pb_tag tag;
        enum pb_fault fault = pb_get_tag(&in, &tag);
        fr.field = fault ? NULL : row_of(rows, n, tag.number);
        if (__builtin_expect(fr.field != NULL, 1)) {
            int rc = read_field(r, &fr, tag.wire, &in, base + fr.field->offset);
            if (__builtin_expect(rc != 0, 0))
                return rc;
            continue;
        }
        if (!fault)
            fault = pb_skip(&in, tag);
        if (fault)
            return proto_fault(r, &fr, fault);
    }
    return 0;
}

int api_read_proto(struct arena *a, const struct ty_set *set, uint32_t type, struct str bytes, bool borrow,
                   void **ret_object, struct err *err) {
    check(type > 0 && type < set->n_types);
    struct proto_reader r = {.arena = a, .set = set, .err = err};
    if (__builtin_mul_overflow(bytes.n, PROTO_GROWTH_MAX, &r.budget) ||
        __builtin_add_overflow(r.budget, PROTO_BUDGET_MIN, &r.budget))
        return err_set(err, ERR_TOO_LARGE, "protobuf: %zu bytes are too many", bytes.n);
    /* CONFORMS: metav1.WatchEvent: its object may be an enveloped protobuf instead of JSON. */
    r.opaque_raw = set == &builtin && type == TY_META_WATCH_EVENT;
    if (!borrow && bytes.n) {
        char *copy = arena_bytes(a, bytes.n);
        memcpy(copy, bytes.p, bytes.n);
        bytes.p = copy;
    }
    void *object = arena_alloc(a, set->types[type].size);
    int rc = read_message(&r, NULL, type, object, pb_in_init(bytes));
    if (!rc)
        proto_sort_maps(&r, 0);
    vec_fini(&r.unsorted);
    if (!rc)
        *ret_object = object;
    return rc;
}
