/* api/proto_priv: what the protobuf reader and writer share. */
#pragma once

#include <stdint.h>

#include "api/schema.h"

/* Seconds of Go's zero time, 0001-01-01T00:00:00Z, which upstream writes as an empty message. */
#define PROTO_ZERO_TIME (-62135596800)

static inline uint8_t proto_leaf(const struct ty_wire *f) {
    return f->form & 31;
}

static inline uint8_t proto_shape(const struct ty_wire *f) {
    return f->form >> 5;
}

/* Whether values of the leaf are varints or fixed-width on the wire, so that lists of them may be packed. */
static inline bool proto_packable(uint8_t leaf) {
    const uint32_t packable = 1u << LEAF_BOOL | 1u << LEAF_I32 | 1u << LEAF_I64 | 1u << LEAF_U32 |
                              1u << LEAF_U64 | 1u << LEAF_F64 | 1u << LEAF_ENUM;
    return packable >> leaf & 1;
}

/* Where the value stands in an entry of a map (value.h): behind its key. */
#define PROTO_ENTRY_VALUE sizeof(struct str)

/* What stands in front of an envelope, and the numbers of runtime.Unknown and of the runtime.TypeMeta in it.
 */
static const struct str proto_magic = STR_INIT("k8s\0");
enum { UNKNOWN_TYPE_META = 1, UNKNOWN_RAW = 2, UNKNOWN_ENCODING = 3, UNKNOWN_TYPE = 4 };
enum { TYPE_META_API_VERSION = 1, TYPE_META_KIND = 2 };
