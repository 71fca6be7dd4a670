/* api/proto_priv: what the protobuf reader and writer share. */
#pragma once

#include <stdint.h>

#include "api/schema.h"

/* Seconds of Go's zero time, 0001-01-01T00:00:00Z, which upstream writes as an empty message. */
#define PROTO_ZERO_TIME (-62135596800)

/* Whether values of the leaf are varints or fixed-width on the wire, so that lists of them may be packed. */
static inline bool proto_leaf_packable(uint8_t leaf) {
    switch ((enum leaf)leaf) {
    case LEAF_BOOL:
    case LEAF_I32:
    case LEAF_I64:
    case LEAF_U32:
    case LEAF_U64:
    case LEAF_F64:
    case LEAF_ENUM: return true;
    default: return false;
    }
}

/* Where the value stands in an entry of a map (value.h): behind its key. */
#define PROTO_ENTRY_VALUE sizeof(struct str)

struct pb_out;

/* Writes the object's fields in front of what is there. */
void proto_put_object(struct pb_out *w, const struct ty_set *set, uint32_t type, const void *object);
