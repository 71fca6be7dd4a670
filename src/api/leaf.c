/* Single leaf values. See leaf.h. */
#include "api/leaf.h"

#include "api/quantity.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include "codec/base64.h"
#include "codec/jval.h"

static struct str time_text(const struct timestamp *t, enum time_form form, struct arena *a) {
    char text[TIME_TEXT_SIZE];
    return arena_str(a, str_make(text, time_format(text, t->sec, t->nsec, form)));
}

static struct str bytes_text(struct str bytes, struct arena *a) {
    char *to = arena_bytes(a, base64_encoded_len(bytes.n, BASE64_STD));
    return str_make(to, base64_encode(BASE64_STD, bytes, to));
}

static struct str quantity_text(const struct quantity *q, struct arena *a) {
    char text[QUANTITY_TEXT_MAX];
    return arena_str(a, str_make(text, quantity_format(q, text)));
}

static struct str duration_text(int64_t ns, struct arena *a) {
    char text[DURATION_TEXT_SIZE];
    return arena_str(a, str_make(text, duration_format(text, ns)));
}

struct str leaf_text(uint8_t leaf, const void *p, struct arena *a) {
    switch ((enum leaf)leaf) {
    case LEAF_STRING: {
        struct str s = *(const struct str *)p;
        return s.p ? s : S("");
    }
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON:
    case LEAF_ANY: return *(const struct str *)p;
    case LEAF_BYTES: return bytes_text(*(const struct str *)p, a);
    case LEAF_QUANTITY: return quantity_text(p, a);
    case LEAF_TIME: return time_text(p, TIME_SECONDS, a);
    case LEAF_MICRO_TIME: return time_text(p, TIME_MICRO, a);
    case LEAF_TIMESTAMP: return time_text(p, TIME_NANO, a);
    case LEAF_DURATION: return duration_text(((const struct duration *)p)->ns, a);
    case LEAF_INT_OR_STRING: {
        const struct int_or_string *v = p;
        return v->is_str ? (v->s.p ? v->s : S("")) : STR_NONE;
    }
    default: return STR_NONE;
    }
}

bool leaf_opt_present(uint8_t leaf, const void *p) {
    switch ((enum leaf)leaf) {
    case LEAF_BOOL:
    case LEAF_BOOL_VALUE: return ((const struct opt_bool *)p)->set;
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: return ((const struct opt_i32 *)p)->set;
    case LEAF_I64:
    case LEAF_U64:
    case LEAF_F64:
    case LEAF_INT64_VALUE: return ((const struct opt_i64 *)p)->set;
    case LEAF_QUANTITY: return ((const struct quantity *)p)->set;
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP: return ((const struct timestamp *)p)->set;
    case LEAF_DURATION: return ((const struct duration *)p)->set;
    case LEAF_INT_OR_STRING: return ((const struct int_or_string *)p)->set;
    case LEAF_STRING:
    case LEAF_BYTES:
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON:
    case LEAF_ANY: return ((const struct str *)p)->p != NULL;
    case LEAF_TREE: return ((const struct jval *)p)->kind != J_NULL;
    case LEAF_MESSAGE: break;
    }
    return p != NULL;
}

static bool time_equal(const struct timestamp *x, const struct timestamp *y) {
    return x->set == y->set && (!x->set || (x->sec == y->sec && x->nsec == y->nsec));
}

static bool int_or_string_equal(const struct int_or_string *x, const struct int_or_string *y) {
    return x->is_str == y->is_str && (x->is_str ? str_eq(x->s, y->s) : x->i == y->i);
}

static bool opt_i64_equal(const struct opt_i64 *x, const struct opt_i64 *y) {
    return x->set == y->set && (!x->set || x->v == y->v);
}

static bool opt_bool_equal(const struct opt_bool *x, const struct opt_bool *y) {
    return x->set == y->set && (!x->set || x->v == y->v);
}

bool leaf_equal(uint8_t leaf, const void *x, const void *y) {
    switch ((enum leaf)leaf) {
    case LEAF_STRING:
    case LEAF_BYTES:
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON:
    case LEAF_ANY: return str_eq(*(const struct str *)x, *(const struct str *)y);
    case LEAF_BOOL: return *(const bool *)x == *(const bool *)y;
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: return *(const int32_t *)x == *(const int32_t *)y;
    case LEAF_I64:
    case LEAF_U64: return *(const int64_t *)x == *(const int64_t *)y;
    case LEAF_F64: {
        double a = *(const double *)x, b = *(const double *)y;
        return a <= b && a >= b;
    }
    case LEAF_QUANTITY: return quantity_equal(x, y);
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP: return time_equal(x, y);
    case LEAF_DURATION: return ((const struct duration *)x)->ns == ((const struct duration *)y)->ns;
    case LEAF_INT_OR_STRING: return int_or_string_equal(x, y);
    case LEAF_INT64_VALUE: return opt_i64_equal(x, y);
    case LEAF_BOOL_VALUE: return opt_bool_equal(x, y);
    case LEAF_MESSAGE:
    case LEAF_TREE: break;
    }
    return false;
}

bool leaf_text_equal(uint8_t leaf, struct str x, struct str y) {
    if (str_eq(x, y))
        return true;
    switch ((enum leaf)leaf) {
    case LEAF_QUANTITY: {
        struct quantity a, b;
        return quantity_parse(x, &a, NULL) == 0 && quantity_parse(y, &b, NULL) == 0 && quantity_equal(&a, &b);
    }
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP: {
        int64_t sx, sy;
        int32_t nx, ny;
        enum time_form form = leaf == LEAF_MICRO_TIME ? TIME_MICRO : TIME_NANO;
        return time_parse(x, form, &sx, &nx) && time_parse(y, form, &sy, &ny) && sx == sy && nx == ny;
    }
    case LEAF_DURATION: {
        int64_t dx, dy;
        return duration_parse(x, &dx) && duration_parse(y, &dy) && dx == dy;
    }
    default: return false;
    }
}

static const struct hash_key key = {
    {0x2d358dccaa6c78a5u, 0x8bb84b93962eacc9u, 0x4b33a62ed433d4a3u, 0x4d5a2da51de1aa47u}};

static uint64_t hash_u64_add(uint64_t h, uint64_t v) {
    return hash_u64_keyed(&key, h ^ v);
}

static uint64_t hash_str_add(uint64_t h, struct str s) {
    return hash_u64_add(h, hash_bytes_keyed(&key, s));
}

static uint64_t hash_time_add(uint64_t h, const struct timestamp *t) {
    return t->set ? hash_u64_add(hash_u64_add(h, (uint64_t)t->sec), (uint64_t)t->nsec + 1)
                  : hash_u64_add(h, 0);
}

uint64_t leaf_hash(uint64_t h, uint8_t leaf, const void *p) {
    switch ((enum leaf)leaf) {
    case LEAF_STRING:
    case LEAF_BYTES:
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON:
    case LEAF_ANY: return hash_str_add(h, *(const struct str *)p);
    case LEAF_BOOL: return hash_u64_add(h, *(const bool *)p);
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: return hash_u64_add(h, *(const uint32_t *)p);
    case LEAF_I64:
    case LEAF_U64: return hash_u64_add(h, *(const uint64_t *)p);
    case LEAF_F64: {
        double d = *(const double *)p + 0.0; /* -0 becomes 0 */
        uint64_t bits;
        memcpy(&bits, &d, sizeof bits);
        return hash_u64_add(h, bits);
    }
    case LEAF_QUANTITY: {
        const struct quantity *q = p;
        return hash_u64_add(hash_u64_add(h, (uint64_t)q->units), (uint64_t)q->nanos);
    }
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP: return hash_time_add(h, p);
    case LEAF_DURATION: return hash_u64_add(h, (uint64_t)((const struct duration *)p)->ns);
    case LEAF_INT_OR_STRING: {
        const struct int_or_string *v = p;
        return v->is_str ? hash_str_add(h, v->s) : hash_u64_add(h, (uint64_t)v->i);
    }
    case LEAF_INT64_VALUE: {
        const struct opt_i64 *v = p;
        return hash_u64_add(h, v->set ? (uint64_t)v->v + 1 : 0);
    }
    case LEAF_BOOL_VALUE: {
        const struct opt_bool *v = p;
        return hash_u64_add(h, v->set ? 1u + v->v : 0);
    }
    case LEAF_MESSAGE:
    case LEAF_TREE: break;
    }
    return h;
}
