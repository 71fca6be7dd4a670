/* Look-ups over descriptors. See schema.h. */
#include "api/schema.h"

#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>

#include "api/types/docs.h"
#include "base/err.h"

static const struct ty_field *find_by_hash(const struct ty_set *set, const struct ty_type *t,
                                           struct str json_name) {
    const uint16_t *table = set->by_hash + t->hash;
    uint32_t slots = ty_hash_slots(t->n);
    for (uint32_t i = ty_hash(json_name, slots); table[i] != 0xffff; i = (i + 1) & (slots - 1)) {
        const struct ty_field *f = &set->fields[t->first + table[i]];
        if (str_eq(json_name, ty_name(set, f->name)))
            return f;
    }
    return NULL;
}

static const struct ty_field *find_by_name(const struct ty_set *set, const struct ty_type *t,
                                           struct str json_name) {
    const uint16_t *order = set->by_name + t->first;
    uint32_t low = 0, high = t->n;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (order[mid] == 0xffff) {
            high = mid;
            continue;
        }
        const struct ty_field *f = &set->fields[t->first + order[mid]];
        int c = str_cmp(json_name, ty_name(set, f->name));
        if (c == 0)
            return f;
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const struct ty_field *ty_find(const struct ty_set *set, uint32_t type, struct str json_name) {
    const struct ty_type *t = &set->types[type];
    return set->by_hash ? find_by_hash(set, t, json_name) : find_by_name(set, t, json_name);
}

const struct ty_field *ty_find_number(const struct ty_set *set, uint32_t type, uint32_t number) {
    if (!set->wire)
        return NULL;
    uint32_t low = set->wire_first[type], high = set->wire_first[type + 1];
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        const struct ty_wire *w = &set->wire[mid];
        if (w->number == number)
            return &set->fields[set->types[type].first + w->row];
        if (number < w->number)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

uint32_t ty_find_type(const struct ty_set *set, struct str group, struct str version, struct str name) {
    for (uint32_t i = 1; i < set->n_types; i++) {
        const struct ty_type *t = &set->types[i];
        const struct ty_gv *gv = &set->gvs[t->gv];
        if (str_eq(ty_name(set, t->name), name) && str_eq(ty_name(set, gv->group), group) &&
            str_eq(ty_name(set, gv->version), version))
            return i;
    }
    return 0;
}

size_t ty_item_size(const struct ty_set *set, const struct ty_field *f) {
    switch ((enum leaf)f->leaf) {
    case LEAF_MESSAGE: return set->types[f->type].size;
    case LEAF_BOOL: return sizeof(bool);
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: return sizeof(int32_t);
    case LEAF_I64:
    case LEAF_U64:
    case LEAF_F64: return sizeof(int64_t);
    case LEAF_QUANTITY: return sizeof(struct quantity);
    case LEAF_TIME:
    case LEAF_MICRO_TIME:
    case LEAF_TIMESTAMP: return sizeof(struct timestamp);
    case LEAF_DURATION: return sizeof(struct duration);
    case LEAF_INT_OR_STRING: return sizeof(struct int_or_string);
    case LEAF_INT64_VALUE: return sizeof(struct opt_i64);
    case LEAF_BOOL_VALUE: return sizeof(struct opt_bool);
    case LEAF_STRING:
    case LEAF_BYTES:
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON:
    case LEAF_ANY: return sizeof(struct str);
    case LEAF_TREE: return 16;
    }
    panic("leaf %d", f->leaf);
}

size_t ty_entry_size(const struct ty_set *set, const struct ty_field *f) {
    return sizeof(struct str) + ((ty_item_size(set, f) + 7) & ~(size_t)7);
}

static char *docs;
static pthread_once_t docs_once = PTHREAD_ONCE_INIT;

static void unpack_docs(void) {
    uLongf n = DOCS_BYTES;
    docs = malloc(DOCS_BYTES + 1);
    if (!docs)
        panic("out of memory (%u bytes)", DOCS_BYTES);
    if (uncompress((Bytef *)docs, &n, docs_packed, DOCS_PACKED_BYTES) != Z_OK || n != DOCS_BYTES)
        panic("built-in descriptions do not unpack");
    docs[n] = 0;
}

static const char *doc_at(const struct ty_set *set, uint32_t offset) {
    if (set != &builtin || offset == UINT32_MAX)
        return "";
    pthread_once(&docs_once, unpack_docs);
    check(offset < DOCS_BYTES);
    return docs + offset;
}

const char *ty_field_doc(const struct ty_set *set, const struct ty_field *f) {
    return set->field_docs ? doc_at(set, set->field_docs[f - set->fields]) : "";
}

const char *ty_type_doc(const struct ty_set *set, uint32_t type) {
    return set->type_docs ? doc_at(set, set->type_docs[type]) : "";
}
