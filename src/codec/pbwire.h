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

#include "base/buf.h"
#include "base/str.h"

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

/* --- reading --- A cursor stays where it is when there is a fault. */

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

/* One or two bytes inline: most tags, lengths and small numbers. */
static inline enum pb_fault pb_get_varint(struct pb_in *in, uint64_t *ret_value) {
    const uint8_t *p = in->p;
    if (__builtin_expect(pb_left(in) >= 2, 1)) {
        if (p[0] < 0x80) {
            *ret_value = p[0];
            in->p += 1;
            return PB_OK;
        }
        if (p[1] < 0x80) {
            *ret_value = (p[0] & 0x7fu) | (uint32_t)p[1] << 7;
            in->p += 2;
            return PB_OK;
        }
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
    if (__builtin_expect(pb_left(in) >= 2, 1)) {
        const uint8_t *p = in->p;
        unsigned two = p[0] >= 0x80; /* bytes more than one */
        uint32_t v = (p[0] & 0x7fu) | (two ? (uint32_t)p[1] << 7 : 0);
        if (__builtin_expect((v & 7) <= PB_LEN && v >= 8 && v < 1u << 14, 1)) {
            in->p += 1 + two;
            *ret_tag = (struct pb_tag){v >> 3, v & 7};
            return PB_OK;
        }
    }
    return pb_get_tag_slow(in, ret_tag);
}

/* A length and that many bytes: *ret_piece is a cursor over them, `in` goes behind them. */
static inline enum pb_fault pb_get_piece(struct pb_in *in, struct pb_in *ret_piece) {
    uint64_t n;
    const uint8_t *before = in->p;
    enum pb_fault fault = pb_get_varint(in, &n);
    if (__builtin_expect(fault != PB_OK, 0))
        return fault;
    if (__builtin_expect(n > pb_left(in), 0)) {
        in->p = before;
        return PB_BAD_LENGTH;
    }
    ret_piece->p = in->p;
    ret_piece->end = in->p += n;
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

/* The place written to last is not in the struct: each function takes it and returns the new one, so that it
 * stays in a register. */
struct pb_out {
    char *floor; /* the place must not go below it */
    char *end;   /* behind the last byte */
    size_t gone; /* bytes that were counted and dropped */
    struct buf *out;
    struct buf *buf;  /* where the bytes are until the end: *out, or *own; NULL: only counted */
    struct buf own;   /* when *out has a limit, since room is asked for generously */
    char scratch[64]; /* what a counting writer writes to */
};

#define PB_SMALL_MAX 32 /* bytes that any writer finds room for, if only to count them */

/* Starts a writer whose bytes are appended to `out` by pb_out_done; until then nobody else touches it.
 * NULL: the bytes are only counted. Returns the place to write in front of. */
char *pb_out_init(struct pb_out *w, struct buf *out);

/* Appends what was written. Nothing is appended when the limit of the buffer forbids it (overflow is set). */
void pb_out_done(struct pb_out *w, char *at);

/* Bytes written since the start. The length of a message is the difference of two readings. */
static inline size_t pb_written(const struct pb_out *w, const char *at) {
    return w->gone + (size_t)(w->end - at);
}

char *pb_room_slow(struct pb_out *w, char *at, size_t n);

/* Room for n bytes, at most PB_SMALL_MAX, in front of the place that is returned. */
static inline char *pb_room(struct pb_out *w, char *at, size_t n) {
    return __builtin_expect((size_t)(at - w->floor) >= n, 1) ? at : pb_room_slow(w, at, n);
}

static inline unsigned pb_varint_len(uint64_t v) {
    unsigned bits = 64u - (unsigned)__builtin_clzll(v | 1);
    return (bits * 9 + 64) / 64; /* ⌈bits / 7⌉ for 1 to 64 */
}

/* Writes the varint forwards; `to` has room for pb_varint_len bytes. */
static inline void pb_varint_at(char *to, uint64_t v) {
    for (; v >= 0x80; v >>= 7)
        *to++ = (char)(v | 0x80);
    *to = (char)v;
}

static inline char *pb_put_varint(struct pb_out *w, char *at, uint64_t v) {
    at = pb_room(w, at, PB_VARINT_MAX);
    at -= __builtin_expect(v < 0x80, 1) ? 1 : pb_varint_len(v);
    pb_varint_at(at, v);
    return at;
}

static inline char *pb_put_tag(struct pb_out *w, char *at, uint32_t number, enum pb_wire wire) {
    return pb_put_varint(w, at, number << 3 | wire);
}

/* Copies n bytes that do not overlap; short ones without a call. */
static inline void pb_copy(char *to, const char *from, size_t n) {
    if (n >= 32) {
        memcpy(to, from, n);
    } else if (n >= 16) {
        memcpy(to, from, 16);
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else if (n > 0) {
        to[0] = from[0];
        to[n / 2] = from[n / 2];
        to[n - 1] = from[n - 1];
    }
}

char *pb_put_bytes_slow(struct pb_out *w, char *at, struct str s);

static inline char *pb_put_bytes(struct pb_out *w, char *at, struct str s) {
    if (__builtin_expect((size_t)(at - w->floor) < s.n, 0))
        return pb_put_bytes_slow(w, at, s);
    at -= s.n;
    pb_copy(at, s.p, s.n);
    return at;
}

/* Tag and another number, which is what most fields begin with. */
static inline char *pb_put_pair(struct pb_out *w, char *at, uint32_t number, enum pb_wire wire, uint64_t v) {
    at = pb_room(w, at, 2 * PB_VARINT_MAX);
    if (__builtin_expect(v < 0x80 && number < 16, 1)) {
        at[-1] = (char)v;
        at[-2] = (char)(number << 3 | wire);
        return at - 2;
    }
    at -= pb_varint_len(v);
    pb_varint_at(at, v);
    at -= pb_varint_len(number << 3);
    pb_varint_at(at, number << 3 | wire);
    return at;
}

/* Tag and length of a piece of n bytes that were just written. */
static inline char *pb_put_head(struct pb_out *w, char *at, uint32_t number, size_t n) {
    return pb_put_pair(w, at, number, PB_LEN, n);
}

/* A whole record. */
static inline char *pb_put_str(struct pb_out *w, char *at, uint32_t number, struct str s) {
    return pb_put_head(w, pb_put_bytes(w, at, s), number, s.n);
}

static inline char *pb_put_u64(struct pb_out *w, char *at, uint32_t number, uint64_t v) {
    return pb_put_pair(w, at, number, PB_VARINT, v);
}

char *pb_put_fixed64(struct pb_out *w, char *at, uint64_t v);
char *pb_put_fixed32(struct pb_out *w, char *at, uint32_t v);
