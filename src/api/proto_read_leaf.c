/* Leaf values that are messages on the wire, and sorting of maps. See proto_read.h. */
#include "api/proto_read.h"

#include <stdlib.h>

#include "api/proto_priv.h"
#include "api/quantity.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "codec/json.h"
#include "codec/json_lex.h"

/* The fields of a small message with numbers 1 to 3; what is not there stays as it was. */
struct small {
    uint64_t number[4];
    struct str text[4];
};

/* `numbers` and `texts` are sets of field numbers (bit n). */
static int read_small(const struct proto_reader *r, const struct proto_frame *fr, struct pb_in in,
                      unsigned numbers, unsigned texts, struct small *ret) {
    while (pb_left(&in)) {
        struct pb_tag tag;
        struct pb_in piece;
        enum pb_fault fault = pb_get_tag(&in, &tag);
        if (fault)
            return proto_fault(r, fr, fault);
        unsigned bit = tag.number < 4 ? 1u << tag.number : 0;
        if (bit & numbers && tag.wire == PB_VARINT) {
            fault = pb_get_varint(&in, &ret->number[tag.number]);
        } else if (bit & texts && tag.wire == PB_LEN) {
            fault = pb_get_piece(&in, &piece);
            if (!fault)
                ret->text[tag.number] = pb_rest(&piece);
        } else if (bit & (numbers | texts)) {
            return proto_fail(r, fr, ERR_INVALID, "wrong wire type");
        } else {
            fault = pb_skip(&in, tag);
        }
        if (fault)
            return proto_fault(r, fr, fault);
    }
    return 0;
}

/* An empty message is the zero time, which is no time at all; upstream drops what a form cannot carry.
 * CONFORMS: metav1.Time (whole seconds), metav1.MicroTime (microseconds), time.Unix (any nanoseconds). */
static int read_time(const struct proto_reader *r, const struct proto_frame *fr, struct pb_in in,
                     struct timestamp *t) {
    struct small m = {0};
    bool google = proto_leaf(fr->field) == LEAF_TIMESTAMP, empty = pb_left(&in) == 0;
    int rc = read_small(r, fr, in, 1u << 1 | 1u << 2, 0, &m);
    if (rc)
        return rc;
    int64_t sec = (int64_t)m.number[1], nsec = proto_leaf(fr->field) == LEAF_TIME ? 0 : (int32_t)m.number[2];
    int64_t carry = nsec / NS_PER_SEC - (nsec % NS_PER_SEC < 0);
    if (__builtin_add_overflow(sec, carry, &sec))
        return proto_fail(r, fr, ERR_INVALID, "time out of range");
    nsec -= carry * NS_PER_SEC;
    if (!google)
        nsec = nsec / 1000 * 1000;
    bool none = !google && (empty || (sec == PROTO_ZERO_TIME && nsec == 0));
    *t = none ? (struct timestamp){0} : (struct timestamp){sec, (int32_t)nsec, true};
    return 0;
}

static int read_quantity(const struct proto_reader *r, const struct proto_frame *fr, struct pb_in in,
                         struct quantity *q) {
    struct small m = {0};
    int rc = read_small(r, fr, in, 0, 1u << 1, &m);
    if (rc)
        return rc;
    if (m.text[1].p && quantity_parse(m.text[1], q, NULL))
        return proto_fail(r, fr, ERR_INVALID, "not a quantity");
    q->set = true;
    return 0;
}

static int read_int_or_string(const struct proto_reader *r, const struct proto_frame *fr, struct pb_in in,
                              struct int_or_string *v) {
    struct small m = {.number = {0, v->is_str, (uint64_t)(int64_t)v->i}, .text[3] = v->s};
    int rc = read_small(r, fr, in, 1u << 1 | 1u << 2, 1u << 3, &m);
    if (rc)
        return rc;
    bool is_str = m.number[1] == 1;
    struct str s = m.text[3].p ? m.text[3] : S("");
    *v = (struct int_or_string){is_str ? s : STR_NONE, is_str ? 0 : (int32_t)m.number[2], is_str, true};
    return 0;
}

/* Behind the key that begins at p, whose quote is behind it already, and any keys after it that have an empty
 * map and a sibling; NULL when it is not plain. Escaped quotes are plain enough. */
static const char *skip_plain_keys(const char *p, const char *end) {
    static const char leaf[] = "\":{},\"";
    for (;;) {
        p = json_plain_end(p, end);
        if (end - p < 5) /* "":{}}" must follow at least */
            return NULL;
        if (end - p >= 6 && memcmp(p, leaf, 6) == 0)
            p += 6;
        else if (p[0] == '\\' && p[1] == '"')
            p += 2;
        else
            return p[0] == '"' ? p + 1 : NULL;
    }
}

/* Whether the text is nothing but maps of maps, compact, with plain keys: what field sets look like. That is
 * checked in a quick loop; everything else goes the long way. */
static bool is_plain_field_set(struct str text) {
    const char *p = text.p, *end = text.p + text.n;
    uint32_t depth = 0;
    while (end - p >= 2 && p[0] == '{' && p[1] == '"' && depth < JSON_DEPTH_MAX) {
        depth++;
        p += 2;
        for (;;) {
            p = skip_plain_keys(p, end);
            if (!p || *p++ != ':')
                return false;
            if (p[0] != '{' || p[1] != '}')
                break; /* a map with something in it */
            p += 2;
            while (p < end && *p == '}' && depth > 0) {
                p++;
                depth--;
            }
            if (p == end)
                return depth == 0;
            if (depth == 0 || end - p < 2 || p[0] != ',' || p[1] != '"')
                return false;
            p += 2;
        }
    }
    return false;
}

/* JSON text without white space around or within its values: itself, or a copy. */
static int compact_json(const struct proto_reader *r, const struct proto_frame *fr, struct str *text) {
    if (is_plain_field_set(*text))
        return 0;
    struct err why = ERR_INIT;
    struct json_lex l = json_lex_init(*text, &why);
    bool compact;
    json_space(&l);
    const char *start = l.p;
    int rc = json_skip(&l, JSON_DEPTH_MAX, &compact);
    if (rc == 0 && l.too_large.p)
        rc = json_fail_number(&why, l.too_large);
    if (rc)
        return proto_fail(r, fr, why.code, why.msg);
    compact = compact && start == text->p && l.p == l.end;
    if (json_end(&l))
        return proto_fail(r, fr, why.code, why.msg);
    if (!compact) {
        char *to = arena_bytes(r->arena, text->n);
        *text = str_make(to, json_squeeze(to, *text));
    }
    return 0;
}

/* The text of a raw value must be JSON, since it is passed on as such without a further look, and is kept
 * compact, as schema.h says. CONFORMS: one without text is null in JSON. */
static int read_raw(const struct proto_reader *r, const struct proto_frame *fr, struct pb_in in,
                    struct str *s) {
    struct small m = {.text[1] = *s};
    int rc = read_small(r, fr, in, 0, 1u << 1, &m);
    if (!rc && m.text[1].n == 0)
        m.text[1] = proto_shape(fr->field) == SHAPE_ONE ? STR_NONE : S("null");
    else if (!rc && !r->opaque_raw)
        rc = compact_json(r, fr, &m.text[1]);
    if (!rc)
        *s = m.text[1];
    return rc;
}

/* google.protobuf.Int64Value and BoolValue: the value is there, zero when its field is not. */
static int read_wrapped(const struct proto_reader *r, const struct proto_frame *fr, struct pb_in in,
                        uint64_t *ret_value) {
    struct small m = {0};
    int rc = read_small(r, fr, in, 1u << 1, 0, &m);
    *ret_value = m.number[1];
    return rc;
}

int proto_read_content(struct proto_reader *r, const struct proto_frame *fr, struct pb_in in, void *p) {
    uint64_t v;
    int rc;
    switch ((enum leaf)proto_leaf(fr->field)) {
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP: return read_time(r, fr, in, p);
    case LEAF_QUANTITY: return read_quantity(r, fr, in, p);
    case LEAF_INT_OR_STRING: return read_int_or_string(r, fr, in, p);
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON: return read_raw(r, fr, in, p);
    case LEAF_DURATION:
        rc = read_wrapped(r, fr, in, &v);
        if (!rc)
            *(struct duration *)p = (struct duration){(int64_t)v, true};
        return rc;
    case LEAF_INT64_VALUE:
        rc = read_wrapped(r, fr, in, &v);
        if (!rc)
            *(struct opt_i64 *)p = (struct opt_i64){(int64_t)v, true};
        return rc;
    case LEAF_BOOL_VALUE:
        rc = read_wrapped(r, fr, in, &v);
        if (!rc)
            *(struct opt_bool *)p = (struct opt_bool){v != 0, true};
        return rc;
    default: panic("leaf %u is no message", proto_leaf(fr->field));
    }
}

/* --- maps --- */

struct sort_key {
    struct str key;
    uint32_t at;
};

static int by_key_then_place(const void *a, const void *b) {
    const struct sort_key *x = a, *y = b;
    int c = str_cmp(x->key, y->key);
    return c ? c : (x->at > y->at) - (x->at < y->at);
}

static void sort_map(struct proto_reader *r, const struct proto_unsorted *u) {
    size_t size = u->size;
    uint32_t n = u->map->n, kept = 0;
    char *from = u->map->v, *to = arena_array(r->arena, n, size);
    struct sort_key *keys = malloc(n * sizeof *keys);
    if (!keys)
        panic("out of memory (%u keys)", n);
    for (uint32_t i = 0; i < n; i++)
        keys[i] = (struct sort_key){*(const struct str *)(from + i * size), i};
    qsort(keys, n, sizeof *keys, by_key_then_place);
    for (uint32_t i = 0; i < n; i++)
        if (i + 1 == n || !str_eq(keys[i].key, keys[i + 1].key))
            memcpy(to + kept++ * size, from + keys[i].at * size, size);
    free(keys);
    *u->map = (struct any_array){to, kept};
}

void proto_sort_maps(struct proto_reader *r, size_t from) {
    for (size_t i = from; i < r->unsorted.n; i++)
        sort_map(r, &r->unsorted.v[i]);
    r->unsorted.n = from;
}
