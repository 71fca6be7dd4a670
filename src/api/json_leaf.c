/* Single values between JSON and the C values of leaves. See json_priv.h. */
#include <stdio.h>

#include "api/json_priv.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/base64.h"

#define GO_ZERO_TIME_SEC                                                                                     \
    (-62135596800ll) /* 0001-01-01T00:00:00Z, which upstream cannot tell from no time                        \
                      */

static int bad_text(struct reading *r, const char *what, struct str s) {
    (void)err_set(r->err, ERR_INVALID, "%s \"%.*s\" is malformed", what, STR_ARG(str_cut(s, 64)));
    return reading_bad_value(r);
}

static int bytes_from_string(struct reading *r, struct str s, struct str *ret) {
    char *to = arena_bytes(r->arena, base64_decoded_max(s.n));
    size_t n;
    if (base64_decode(BASE64_STD, s, to, &n, r->err))
        return reading_bad_value(r);
    *ret = (struct str){to, n};
    return 0;
}

static int time_from_string(struct reading *r, enum time_form form, struct str s, struct timestamp *ret) {
    struct timestamp t = {.set = true};
    if (!time_parse(s, form, &t.sec, &t.nsec))
        return bad_text(r, "time", s);
    t.set = t.sec != GO_ZERO_TIME_SEC || t.nsec != 0;
    *ret = t.set ? t : (struct timestamp){0};
    return 0;
}

static int duration_from_string(struct reading *r, struct str s, struct duration *ret) {
    struct duration d = {.set = true};
    if (!duration_parse(s, &d.ns))
        return bad_text(r, "duration", s);
    *ret = d;
    return 0;
}

static int quantity_from_text(struct reading *r, struct str s, struct quantity *ret) {
    return quantity_parse_json(s, ret, r->err) ? reading_bad_value(r) : 0;
}

int json_leaf_from_string(struct reading *r, const struct ty_field *f, enum json_want want, struct str s,
                          void *at) {
    switch ((enum leaf)f->leaf) {
    case LEAF_STRING: *(struct str *)at = s; return 0;
    case LEAF_BYTES: return bytes_from_string(r, s, at);
    case LEAF_QUANTITY: return quantity_from_text(r, s, at);
    case LEAF_TIME: return time_from_string(r, TIME_SECONDS, s, at);
    case LEAF_MICRO_TIME: return time_from_string(r, TIME_MICRO, s, at);
    case LEAF_TIMESTAMP: return time_from_string(r, TIME_NANO, s, at);
    case LEAF_DURATION: return duration_from_string(r, s, at);
    case LEAF_INT_OR_STRING:
        *(struct int_or_string *)at = (struct int_or_string){.s = s, .is_str = true, .set = true};
        return 0;
    default: return reading_wrong_type(r, f, want, S("string"));
    }
}

static int wrong_number(struct reading *r, const struct ty_field *f, enum json_want want,
                        const struct json_number *n) {
    char got[64];
    snprintf(got, sizeof got, "number %.*s", STR_ARG(str_cut((struct str){n->p, n->n}, 48)));
    return reading_wrong_type(r, f, want, str_from(got));
}

static bool double_from_number(const struct json_number *n, double *ret) {
    if (n->is_int && n->i > -(1ll << 53) && n->i < 1ll << 53 && !(n->i == 0 && n->p[0] == '-')) {
        *ret = (double)n->i;
        return true;
    }
    return json_number_double((struct str){n->p, n->n}, ret);
}

int json_leaf_from_number(struct reading *r, const struct ty_field *f, enum json_want want,
                          const struct json_number *n, void *at) {
    switch ((enum leaf)f->leaf) {
    case LEAF_I32:
    case LEAF_ENUM:
        if (!n->is_int || n->i < INT32_MIN || n->i > INT32_MAX)
            break;
        *(int32_t *)at = (int32_t)n->i;
        return 0;
    case LEAF_U32:
        if (!n->is_int || n->i < 0 || n->i > UINT32_MAX)
            break;
        *(uint32_t *)at = (uint32_t)n->i;
        return 0;
    case LEAF_I64:
        if (!n->is_int)
            break;
        *(int64_t *)at = n->i;
        return 0;
    case LEAF_INT64_VALUE:
        if (!n->is_int)
            break;
        *(struct opt_i64 *)at = (struct opt_i64){n->i, true};
        return 0;
    case LEAF_U64:
        if (!str_to_u64((struct str){n->p, n->n}, at))
            break;
        return 0;
    case LEAF_F64:
        if (!double_from_number(n, at))
            break;
        return 0;
    case LEAF_INT_OR_STRING:
        if (!n->is_int || n->i < INT32_MIN || n->i > INT32_MAX)
            break;
        *(struct int_or_string *)at = (struct int_or_string){.i = (int32_t)n->i, .set = true};
        return 0;
    case LEAF_QUANTITY: return quantity_from_text(r, (struct str){n->p, n->n}, at);
    default: return reading_wrong_type(r, f, want, S("number"));
    }
    return wrong_number(r, f, want, n);
}

int json_leaf_from_bool(struct reading *r, const struct ty_field *f, enum json_want want, bool b, void *at) {
    if (f->leaf == LEAF_BOOL)
        *(bool *)at = b;
    else if (f->leaf == LEAF_BOOL_VALUE)
        *(struct opt_bool *)at = (struct opt_bool){b, true};
    else
        return reading_wrong_type(r, f, want, S("bool"));
    return 0;
}

size_t json_leaf_text(uint8_t leaf, const void *at, char out[JSON_LEAF_TEXT_MAX]) {
    const struct timestamp *t = at;
    switch ((enum leaf)leaf) {
    case LEAF_QUANTITY: return quantity_format(at, out);
    case LEAF_TIME: return time_format(out, t->sec, t->nsec, TIME_SECONDS);
    case LEAF_MICRO_TIME: return time_format(out, t->sec, t->nsec, TIME_MICRO);
    case LEAF_TIMESTAMP: return time_format(out, t->sec, t->nsec, TIME_NANO);
    case LEAF_DURATION: return duration_format(out, ((const struct duration *)at)->ns);
    default: panic("leaf %u has no text of its own", leaf);
    }
}

const struct ty_field *json_shown_field(const struct ty_set *set, uint32_t type, const char *object) {
    uint16_t flags = set->types[type].flags;
    const struct ty_field *first = ty_fields(set, type), *second = first + 1;
    if (flags & TYPE_ALIAS)
        return first;
    const void *message = *(const void *const *)(object + (flags & TYPE_OR_BOOL ? second : first)->offset);
    if (flags & TYPE_OR_BOOL)
        return message ? second : first;
    if (((const struct any_array *)(object + second->offset))->n)
        return second;
    return message ? first : NULL;
}

const struct ty_field *json_read_as(const struct ty_set *set, uint32_t type, char c, char *object) {
    uint16_t flags = set->types[type].flags;
    const struct ty_field *first = ty_fields(set, type), *second = first + 1;
    if (flags & TYPE_ALIAS)
        return first;
    if (!(flags & TYPE_OR_BOOL))
        return c == '{' || c == 'o' ? first : second;
    bool schema = c != 't' && c != 'f' && c != 'b';
    if (schema)
        *(bool *)(object + first->offset) = true;
    return schema ? second : first;
}
