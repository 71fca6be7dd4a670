/* api/proto_read: the state of one reading of protobuf, shared by the reader's files.
 *
 * The reader recurses along messages, at most PROTO_DEPTH_MAX deep; its frames form a list from the innermost
 * outwards, from which the path of a fault is printed. What it allocates is charged to a budget that grows
 * with the input, so that two bytes of an empty item cannot claim a kilobyte of struct without end.
 */
#pragma once

#include <stdint.h>

#include "api/schema.h"
#include "base/arena.h"
#include "base/err.h"
#include "codec/pbwire.h"

#define PROTO_PATH_MAX 32 /* messages named in the path of a fault; those further in are left out */

/* Bytes of structs that may be allocated: some for any input, and some for each byte of it. */
#define PROTO_BUDGET_MIN ((size_t)1 << 20)
#define PROTO_GROWTH_MAX ((size_t)64)

/* A map whose entries arrived out of order, to be sorted when nothing can be added any more. */
struct proto_unsorted {
    size_t size; /* of an entry */
    struct any_array *map;
};

struct proto_reader {
    struct arena *arena;
    const struct ty_set *set;
    struct err *err;
    size_t budget; /* bytes of structs that may still be allocated */
    struct {
        struct proto_unsorted *v;
        size_t n, cap;
    } unsorted;
    bool opaque_raw; /* RawExtension need not be JSON */
};

/* One message being read. */
struct proto_frame {
    const struct proto_frame *up;
    const struct ty_wire *field; /* being read; NULL: none */
    uint32_t type;
    uint32_t index; /* of the item, in lists */
    uint32_t depth; /* 1 for the root */
};

/* Reports `what` with the path of the frame's field. */
int proto_fail(const struct proto_reader *r, const struct proto_frame *fr, int code, const char *what)
    __attribute__((cold));

static inline int proto_fault(const struct proto_reader *r, const struct proto_frame *fr,
                              enum pb_fault fault) {
    return fault ? proto_fail(r, fr, ERR_INVALID, pb_fault_text(fault)) : 0;
}

/* Room for list items, entries and messages, zeroed and charged to the budget. */
int proto_alloc(struct proto_reader *r, const struct proto_frame *fr, size_t n, void **ret_memory);

/* Reads the piece of a leaf that is a message on the wire (times, quantities, raw values) into the value at
 * `p`, which holds what an earlier record of the field left there. */
int proto_read_content(struct proto_reader *r, const struct proto_frame *fr, struct pb_in piece, void *p);

/* Sorts the maps noted since there were `from` of them, by key; of equal keys the last stays. */
void proto_sort_maps(struct proto_reader *r, size_t from);
