/* api/schema: descriptors of API types: what the generator makes of schema/, as index tables without
 * pointers.
 *
 * Every generic operation (JSON, protobuf, defaults, validation, patch, apply, OpenAPI, tables) walks these
 * rows; no operation is generated per type. There is one constant set for the built-in types (`builtin`), and
 * one heap set of the same form per custom resource version. Read-only, any thread.
 *
 * A type's rows stand in JSON declaration order. An inlined struct is there twice: once as a row with
 * FIELD_INLINE (protobuf and the C struct see it nested; JSON does not see it), followed by its own fields as
 * rows with FIELD_FLAT (JSON sees them; protobuf does not). So JSON walkers skip FIELD_INLINE, protobuf
 * walkers skip FIELD_FLAT.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/value.h"
#include "base/str.h"

/* What a value is, shape aside. The C type of each is in value.h. */
enum leaf {
    LEAF_MESSAGE,       /* struct of type .type */
    LEAF_STRING,        /* struct str */
    LEAF_BOOL,          /* bool, struct opt_bool */
    LEAF_I32,           /* int32_t, struct opt_i32 */
    LEAF_I64,           /* int64_t, struct opt_i64 */
    LEAF_U32,           /* uint32_t, struct opt_u32 */
    LEAF_U64,           /* uint64_t, struct opt_u64 */
    LEAF_F64,           /* double, struct opt_f64 */
    LEAF_ENUM,          /* int32_t: a protobuf enum; gRPC types only */
    LEAF_BYTES,         /* struct str, decoded; base64 in JSON */
    LEAF_QUANTITY,      /* struct quantity */
    LEAF_TIME,          /* struct timestamp; seconds in JSON */
    LEAF_MICRO_TIME,    /* struct timestamp; exactly six digits in JSON */
    LEAF_DURATION,      /* struct duration; Go duration text in JSON */
    LEAF_INT_OR_STRING, /* struct int_or_string */
    LEAF_RAW,           /* struct str: compact JSON text of any object (RawExtension) */
    LEAF_FIELDS_V1,     /* struct str: compact JSON text (managed fields) */
    LEAF_JSON,          /* struct str: compact JSON text of any value */
    LEAF_ANY,           /* struct str: compact JSON text; table cells; JSON only */
    LEAF_TIMESTAMP,     /* struct timestamp: google.protobuf.Timestamp; gRPC types only */
    LEAF_INT64_VALUE,   /* struct opt_i64: google.protobuf.Int64Value; gRPC types only */
    LEAF_BOOL_VALUE,    /* struct opt_bool: google.protobuf.BoolValue; gRPC types only */
    LEAF_TREE,          /* struct jval: any JSON value; custom resources only */
};

enum shape {
    SHAPE_ONE,  /* the plain value, embedded */
    SHAPE_OPT,  /* may be absent: struct opt_*, NULL struct str, !set, or NULL pointer for messages */
    SHAPE_LIST, /* struct any_array */
    SHAPE_MAP,  /* struct any_array of entries: struct str key, then the value */
};

enum field_flag {
    FIELD_OMITEMPTY = 1 << 0, /* JSON leaves it out when zero (a plain message never is) */
    FIELD_REQUIRED = 1 << 1,  /* listed as required in OpenAPI */
    FIELD_OPTIONAL = 1 << 2,  /* marked optional upstream */
    FIELD_INLINE = 1 << 3,    /* embedded struct: protobuf only, see above */
    FIELD_FLAT = 1 << 4,      /* a field of an embedded struct: JSON only, see above */
    FIELD_OMITZERO = 1 << 5,  /* JSON leaves a zero time out although it is no pointer */
    FIELD_PROTO3 = 1 << 6,    /* protobuf leaves zero scalars out */
    FIELD_SECRET = 1 << 7,    /* never logged */
    FIELD_CLOSED = 1 << 8,    /* the enum is closed: other values are invalid */
};

struct ty_field {
    uint16_t name;   /* names[] */
    uint16_t type;   /* LEAF_MESSAGE: types[]; LEAF_STRING, LEAF_ENUM: enums[], 0 is none */
    uint16_t offset; /* in the C struct, bytes */
    uint16_t number; /* protobuf; 0: not in protobuf */
    uint8_t leaf;    /* enum leaf */
    uint8_t shape;   /* enum shape */
    uint16_t flags;  /* enum field_flag */
    uint16_t rule;   /* rules[] */
    uint16_t dflt;   /* defaults[]; 0 is none */
};

/* Shape and leaf in one number. */
#define TY_FORM(shape, leaf) ((unsigned)(shape) << 5 | (unsigned)(leaf))

/* A row once more as protobuf sees it, in one piece for the loops that read and write it. */
struct ty_wire {
    uint16_t number;
    uint16_t offset;
    uint16_t type; /* as in ty_field */
    uint16_t row;  /* fields[], from the first of the type */
    uint16_t size; /* bytes of an item of a list or an entry of a map, else 0 */
    uint8_t form;  /* TY_FORM */
    uint8_t proto3;
};

enum type_flag {
    TYPE_ROOT = 1 << 0,        /* has apiVersion, kind */
    TYPE_LIST = 1 << 1,        /* a list kind */
    TYPE_ATOMIC = 1 << 2,      /* owned and replaced as a whole */
    TYPE_ALIAS = 1 << 3,       /* JSON form is that of its only field (a list) */
    TYPE_OR_ARRAY = 1 << 4,    /* JSON: the message of field 1, or a list of it (field 2) */
    TYPE_OR_BOOL = 1 << 5,     /* JSON: a bool (field 1), or the message of field 2 */
    TYPE_OR_STRINGS = 1 << 6,  /* JSON: the message of field 1, or a list of strings (field 2) */
    TYPE_OBJECT_META = 1 << 7, /* root with metadata of type ObjectMeta */
    TYPE_LIST_META = 1 << 8,
    TYPE_PRESERVE = 1 << 9,        /* custom resources: unknown fields are kept */
    TYPE_GVK = 1 << 10,            /* OpenAPI names its group, version and kind: its own, */
    TYPE_GVK_CORE = 1 << 11,       /* that of core v1, */
    TYPE_GVK_EVERYWHERE = 1 << 12, /* or one in each group version of gvk_everywhere (kind.h) */
    TYPE_AS_FIELD = TYPE_ALIAS | TYPE_OR_ARRAY | TYPE_OR_BOOL | TYPE_OR_STRINGS,
};

struct ty_type {
    uint16_t name;    /* names[]: Pod */
    uint16_t gv;      /* gvs[] */
    uint16_t first;   /* fields[], by_name[] start here */
    uint16_t n;       /* rows */
    uint16_t size;    /* of the C struct, bytes */
    uint16_t flags;   /* enum type_flag */
    uint16_t openapi; /* names[]: package of the OpenAPI definition; 0: not published */
    uint16_t hash;    /* by_hash[]: the type's slots start here */
};

struct ty_gv {
    uint16_t group; /* names[]; "" for core */
    uint16_t version;
    uint16_t prefix; /* names[]: short name, first word of C names */
    uint16_t served; /* by default */
};

enum list_type { LIST_ATOMIC, LIST_SET, LIST_MAP };
enum patch_flag { PATCH_MERGE = 1, PATCH_REPLACE = 2, PATCH_RETAIN_KEYS = 4 };
#define RULE_KEYS_MAX 4

struct ty_rule {
    uint8_t list_type;            /* enum list_type; the default is atomic */
    uint8_t list_said;            /* the schema names the list type (OpenAPI shows it) */
    uint8_t map_atomic;           /* the map or struct is replaced as a whole */
    uint8_t patch;                /* enum patch_flag */
    uint8_t n_keys;               /* of keys[] */
    uint16_t merge_key;           /* names[]; strategic merge */
    uint16_t keys[RULE_KEYS_MAX]; /* names[]; list type map */
};

struct ty_name {
    uint32_t offset; /* pool[] */
    uint16_t n;
    uint16_t hash; /* low bits of the FNV-1a hash of the name */
};

struct ty_enum {
    uint16_t first; /* enum_values[] */
    uint16_t n;
    uint16_t name; /* names[] */
    uint16_t closed;
};

/* Bytes behind the last name of a pool that may be read. */
#define TY_POOL_SLACK 64

struct ty_set {
    const char
        *pool; /* every name quoted and with a colon behind it, as JSON writes it; then TY_POOL_SLACK bytes */
    const struct ty_name *names; /* sorted by bytes, so name order is index order; names[0] is "" */
    const struct ty_type *types; /* types[0] is unused */
    const struct ty_field *fields;
    const uint16_t
        *by_name; /* per type: row numbers (from first) of JSON-visible rows, in name order, then 0xffff */
    const struct ty_wire *wire; /* per type: protobuf-visible rows, in number order; NULL: no protobuf */
    const uint16_t *wire_first; /* per type, and one behind: its rows of wire[] */
    const uint16_t
        *by_hash; /* per type: ty_hash_slots() row numbers of JSON-visible rows or 0xffff; NULL: not made */
    const struct ty_gv *gvs;
    const struct ty_rule *rules;
    const struct ty_name *defaults; /* JSON text; defaults[0] is unused */
    const char *default_text;
    const struct ty_enum *enums; /* enums[0] is unused */
    const uint16_t *enum_values; /* names[], or protobuf numbers for LEAF_ENUM */
    const uint32_t *field_docs;  /* per row: offset in docs, 0xffffffff is none */
    const uint32_t *type_docs;
    uint32_t n_names, n_types, n_fields, n_gvs, n_rules, n_defaults, n_enums;
};

/* The built-in types. */
extern const struct ty_set builtin;

static inline struct str ty_name(const struct ty_set *set, uint32_t name) {
    return (struct str){set->pool + set->names[name].offset, set->names[name].n};
}

static inline const struct ty_field *ty_fields(const struct ty_set *set, uint32_t type) {
    return set->fields + set->types[type].first;
}

static inline struct str ty_field_name(const struct ty_set *set, const struct ty_field *f) {
    return ty_name(set, f->name);
}

/* The name as JSON writes it: "name": */
static inline struct str ty_quoted_name(const struct ty_set *set, uint32_t name) {
    return (struct str){set->pool + set->names[name].offset - 1, set->names[name].n + 3u};
}

/* Slots of the hash table of a type with n rows: a power of two, at least twice as many. */
static inline uint32_t ty_hash_slots(uint32_t n) {
    return n ? 2u << (32 - __builtin_clz(n)) >> ((n & (n - 1)) == 0) : 1;
}

/* The slot to look at first (then the next ones, around the end) in a table of `slots`. Of the name it takes
 * only the length and the four bytes at either end, which tells the fields of every type apart well enough.
 */
static inline uint32_t ty_hash(struct str name, uint32_t slots) {
    uint32_t head = 0, tail = 0;
    if (name.n >= 4) {
        memcpy(&head, name.p, 4);
        memcpy(&tail, name.p + name.n - 4, 4);
    } else if (name.n) {
        head = (uint32_t)(unsigned char)name.p[0] | (uint32_t)(unsigned char)name.p[name.n / 2] << 8 |
               (uint32_t)(unsigned char)name.p[name.n - 1] << 16;
    }
    uint64_t mixed = ((uint64_t)tail << 32 | head) + name.n;
    return (uint32_t)(mixed * 0x9e3779b97f4a7c15u >> 40) & (slots - 1);
}

/* The JSON-visible row of that name, or NULL. */
const struct ty_field *ty_find(const struct ty_set *set, uint32_t type, struct str json_name);

/* The protobuf-visible row of that number, or NULL. */
const struct ty_field *ty_find_number(const struct ty_set *set, uint32_t type, uint32_t number);

/* The type of that group, version and name ("" is the core group), or 0. Linear: for set-up and tests. */
uint32_t ty_find_type(const struct ty_set *set, struct str group, struct str version, struct str name);

/* Bytes of one value in a list, and of one entry in a map. */
size_t ty_item_size(const struct ty_set *set, const struct ty_field *f);
size_t ty_entry_size(const struct ty_set *set, const struct ty_field *f);

/* Description of a field or a type: NUL-terminated text, "" when there is none. Unpacks the texts on first
 * use and keeps them. Any thread. */
const char *ty_field_doc(const struct ty_set *set, const struct ty_field *f);
const char *ty_type_doc(const struct ty_set *set, uint32_t type);
