/* codec/pbwire: the wire format of protocol buffers, without any schema: varints, tags, length-delimited
 * pieces.
 *
 * Reading is a cursor over borrowed bytes; each step says what is wrong with them by an enum pb_fault.
 * Writing goes backwards, from the last field to the first, so that the length of a message is known when
 * its header is written: one pass, no sizes computed beforehand. A writer fills the free end of a struct buf
 * and moves the result into place at the end, or only counts.
 *
 * CONFORMS: the protocol buffers encoding, wire types 0 to 5. Varints have at most ten bytes and 64 bits,
 * field numbers lie within 1 and 2²⁹−1. One thread per cursor or writer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

struct buf;

enum pb_wire { PB_VARINT, PB_FIXED64, PB_LEN, PB_GROUP, PB_GROUP_END, PB_FIXED32 };

#define PB_NUMBER_MAX ((1u << 29) - 1)
#define PB_VARINT_MAX 10 /* bytes */
#define PB_GROUP_DEPTH_MAX 100

enum pb_fault {
    PB_OK,
    PB_TRUNCATED,  /* the bytes end within a value */
    PB_OVERLONG,   /* a varint of more than ten bytes or 64 bits */
    PB_BAD_LENGTH, /* a length past the end of the bytes */
    PB_BAD_NUMBER, /* a field number of 0 or above PB_NUMBER_MAX */
    PB_BAD_WIRE,   /* wire type 6 or 7 */
    PB_BAD_GROUP,  /* the end of a group that is not open */
    PB_TOO_DEEP,   /* groups within groups, too many */
};

/* What is wrong, for messages: "truncated". */
const char *pb_fault_text(enum pb_fault fault);

/* --- reading --- */

struct pb_in {
    const uint8_t *p, *end;
};

static inline struct pb_in pb_in_init(struct str bytes) {
    const uint8_t *p = (const uint8_t *)(bytes.p ? bytes.p : "");
    return (struct pb_in){p, p + bytes.n};
}

static inline size_t pb_left(const struct pb_in *in) {
    return (size_t)(in->end - in->p);
}

enum pb_fault pb_get_varint_slow(struct pb_in *in, uint64_t *ret_value);

static inline enum pb_fault pb_get_varint(struct pb_in *in, uint64_t *ret_value) {
    if (__builtin_expect(in->p < in->end && *in->p < 0x80, 1)) {
        *ret_value = *in->p++;
        return PB_OK;
    }
    return pb_get_varint_slow(in, ret_value);
}

struct pb_tag {
    uint32_t number;
    uint8_t wire; /* enum pb_wire */
};

enum pb_fault pb_get_tag_slow(struct pb_in *in, struct pb_tag *ret_tag);

/* An end of a group is a fault here: pb_skip() reads those that belong to a group. */
static inline enum pb_fault pb_get_tag(struct pb_in *in, struct pb_tag *ret_tag) {
    if (__builtin_expect(in->p < in->end, 1)) {
        uint8_t b = *in->p;
        if (__builtin_expect(b >= 8 && b < 0x80 && (b & 7) <= PB_LEN, 1)) {
            in->p++;
            *ret_tag = (struct pb_tag){b >> 3, b & 7};
            return PB_OK;
        }
    }
    return pb_get_tag_slow(in, ret_tag);
}

/* A length and that many bytes: *ret_piece is a cursor over them, `in` goes behind them. */
static inline enum pb_fault pb_get_piece(struct pb_in *in, struct pb_in *ret_piece) {
    uint64_t n;
    enum pb_fault fault = pb_get_varint(in, &n);
    if (__builtin_expect(fault != PB_OK, 0))
        return fault;
    if (__builtin_expect(n > pb_left(in), 0))
        return PB_BAD_LENGTH;
    *ret_piece = (struct pb_in){in->p, in->p + n};
    in->p += n;
    return PB_OK;
}

static inline struct str pb_rest(const struct pb_in *in) {
    return (struct str){(const char *)in->p, pb_left(in)};
}

enum pb_fault pb_get_fixed64(struct pb_in *in, uint64_t *ret_value);
enum pb_fault pb_get_fixed32(struct pb_in *in, uint32_t *ret_value);

/* Goes behind the value that belongs to `tag`, groups included. */
enum pb_fault pb_skip(struct pb_in *in, struct pb_tag tag);

/* How many of the next records, in unbroken sequence, have this number and length-delimited values; 0 to
 * `max`. `in` stays where it is. For sizing lists: faults end the count, the reader meets them later. */
size_t pb_count_pieces(struct pb_in in, uint32_t number, size_t max);

/* --- writing --- */

#define PB_SCRATCH_BYTES 64

struct pb_out {
    char *p;     /* first byte written so far */
    char *floor; /* p must not go below it */
    char *end;   /* behind the last byte */
    size_t gone; /* bytes that were counted and dropped */
    struct buf *buf;
    char scratch[PB_SCRATCH_BYTES]; /* what a counting writer writes to */
};

/* Starts a writer whose bytes are appended to `out` by pb_out_done; until then nobody else touches it.
 * NULL: the bytes are only counted. */
void pb_out_init(struct pb_out *w, struct buf *out);

/* Appends what was written. Nothing is appended when the limit of the buffer forbids it (overflow is set). */
void pb_out_done(struct pb_out *w);

/* Bytes written since the start. The length of a message is the difference of two readings. */
static inline size_t pb_written(const struct pb_out *w) {
    return w->gone + (size_t)(w->end - w->p);
}

char *pb_take_slow(struct pb_out *w, size_t n);

/* Room for n bytes in front of what is there; NULL when they are only counted. */
static inline char *pb_take(struct pb_out *w, size_t n) {
    if (__builtin_expect((size_t)(w->p - w->floor) >= n, 1))
        return w->p -= n;
    return pb_take_slow(w, n);
}

static inline unsigned pb_varint_len(uint64_t v) {
    unsigned bits = 64u - (unsigned)__builtin_clzll(v | 1);
    return (bits * 9 + 64) / 64; /* ⌈bits / 7⌉ for 1 to 64 */
}

static inline void pb_put_varint(struct pb_out *w, uint64_t v) {
    if (__builtin_expect(v < 0x80, 1)) {
        char *to = pb_take(w, 1);
        if (to)
            *to = (char)v;
        return;
    }
    char *to = pb_take(w, pb_varint_len(v));
    if (!to)
        return;
    for (; v >= 0x80; v >>= 7)
        *to++ = (char)(v | 0x80);
    *to = (char)v;
}

static inline void pb_put_tag(struct pb_out *w, uint32_t number, enum pb_wire wire) {
    pb_put_varint(w, number << 3 | wire);
}

static inline void pb_put_bytes(struct pb_out *w, struct str s) {
    char *to = pb_take(w, s.n);
    if (to && s.n)
        memcpy(to, s.p, s.n);
}

/* Tag and length of a piece of n bytes that were just written. */
static inline void pb_put_head(struct pb_out *w, uint32_t number, size_t n) {
    pb_put_varint(w, n);
    pb_put_tag(w, number, PB_LEN);
}

/* A whole record. */
static inline void pb_put_str(struct pb_out *w, uint32_t number, struct str s) {
    pb_put_bytes(w, s);
    pb_put_head(w, number, s.n);
}

static inline void pb_put_u64(struct pb_out *w, uint32_t number, uint64_t v) {
    pb_put_varint(w, v);
    pb_put_tag(w, number, PB_VARINT);
}

void pb_put_fixed64(struct pb_out *w, uint64_t v);
void pb_put_fixed32(struct pb_out *w, uint32_t v);
