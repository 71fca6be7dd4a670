/* The rarer parts of the wire format, and the writer's memory. See pbwire.h.
 *
 * Writing backwards into the free end of the buffer costs one move of the whole result, which is far cheaper
 * than a pass that computes sizes (considered and rejected, as were lengths padded to a fixed width, which
 * peers compare byte for byte).
 */
#include "codec/pbwire.h"

#include "base/buf.h"
#include "base/err.h"

const char *pb_fault_text(enum pb_fault fault) {
    switch (fault) {
    case PB_OK: return "no fault";
    case PB_TRUNCATED: return "truncated";
    case PB_OVERLONG: return "varint of more than 64 bits";
    case PB_BAD_LENGTH: return "length past the end";
    case PB_BAD_NUMBER: return "invalid field number";
    case PB_BAD_WIRE: return "invalid wire type";
    case PB_BAD_GROUP: return "end of a group that is not open";
    case PB_TOO_DEEP: return "groups nested too deep";
    }
    return "unknown fault";
}

/* --- reading --- */

enum pb_fault pb_get_varint_slow(struct pb_in *in, uint64_t *ret_value) {
    uint64_t v = 0;
    const uint8_t *p = in->p;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (p == in->end)
            return PB_TRUNCATED;
        uint8_t b = *p++;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            if (shift == 63 && b > 1)
                return PB_OVERLONG;
            in->p = p;
            *ret_value = v;
            return PB_OK;
        }
    }
    return PB_OVERLONG;
}

/* The next tag, of any wire type. */
static enum pb_fault get_any_tag(struct pb_in *in, struct pb_tag *ret_tag) {
    uint64_t v;
    struct pb_in at = *in;
    enum pb_fault fault = pb_get_varint(&at, &v);
    if (fault)
        return fault;
    if (v >> 3 == 0 || v >> 3 > PB_NUMBER_MAX)
        return PB_BAD_NUMBER;
    if ((v & 7) > PB_FIXED32)
        return PB_BAD_WIRE;
    *in = at;
    *ret_tag = (struct pb_tag){(uint32_t)(v >> 3), v & 7};
    return PB_OK;
}

enum pb_fault pb_get_tag_slow(struct pb_in *in, struct pb_tag *ret_tag) {
    struct pb_in at = *in;
    struct pb_tag tag;
    enum pb_fault fault = get_any_tag(&at, &tag);
    if (fault)
        return fault;
    if (tag.wire == PB_GROUP_END)
        return PB_BAD_GROUP;
    *in = at;
    *ret_tag = tag;
    return PB_OK;
}

static enum pb_fault skip_bytes(struct pb_in *in, uint64_t n) {
    if (n > pb_left(in))
        return PB_TRUNCATED;
    in->p += n;
    return PB_OK;
}

/* Little-endian, any alignment. */
enum pb_fault pb_get_fixed64(struct pb_in *in, uint64_t *ret_value) {
    uint64_t v = 0;
    if (pb_left(in) < 8)
        return PB_TRUNCATED;
    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)in->p[i] << 8 * i;
    in->p += 8;
    *ret_value = v;
    return PB_OK;
}

enum pb_fault pb_get_fixed32(struct pb_in *in, uint32_t *ret_value) {
    uint32_t v = 0;
    if (pb_left(in) < 4)
        return PB_TRUNCATED;
    for (unsigned i = 0; i < 4; i++)
        v |= (uint32_t)in->p[i] << 8 * i;
    in->p += 4;
    *ret_value = v;
    return PB_OK;
}

static enum pb_fault skip_plain(struct pb_in *in, unsigned wire) {
    struct pb_in piece;
    uint64_t v;
    switch (wire) {
    case PB_VARINT: return pb_get_varint(in, &v);
    case PB_FIXED64: return skip_bytes(in, 8);
    case PB_LEN: return pb_get_piece(in, &piece);
    case PB_FIXED32: return skip_bytes(in, 4);
    default: return PB_BAD_WIRE;
    }
}

/* The open groups are kept on a stack of their numbers: no recursion on what a peer sent. */
static enum pb_fault skip_group(struct pb_in *in, uint32_t number) {
    uint32_t open[PB_GROUP_DEPTH_MAX];
    unsigned n = 0;
    open[n++] = number;
    while (n > 0) {
        struct pb_tag tag;
        enum pb_fault fault = get_any_tag(in, &tag);
        if (fault)
            return fault;
        if (tag.wire == PB_GROUP_END) {
            if (open[--n] != tag.number)
                return PB_BAD_GROUP;
        } else if (tag.wire == PB_GROUP) {
            if (n == PB_GROUP_DEPTH_MAX)
                return PB_TOO_DEEP;
            open[n++] = tag.number;
        } else {
            fault = skip_plain(in, tag.wire);
            if (fault)
                return fault;
        }
    }
    return PB_OK;
}

enum pb_fault pb_skip(struct pb_in *in, struct pb_tag tag) {
    return tag.wire == PB_GROUP ? skip_group(in, tag.number) : skip_plain(in, tag.wire);
}

size_t pb_count_pieces(struct pb_in in, uint32_t number, size_t max) {
    size_t n = 0;
    while (n < max && in.p < in.end) {
        struct pb_tag tag;
        struct pb_in piece;
        if (pb_get_tag(&in, &tag) || tag.number != number || tag.wire != PB_LEN || pb_get_piece(&in, &piece))
            break;
        n++;
    }
    return n;
}

/* --- writing --- */

_Static_assert(2 * PB_VARINT_MAX <= PB_SMALL_MAX && PB_SMALL_MAX <= sizeof((struct pb_out){0}.scratch),
               "small writes fit the scratch bytes");

/* Counting: the place runs through the scratch bytes again and again. */
static char *only_count(struct pb_out *w) {
    w->buf = NULL;
    w->floor = w->scratch;
    w->end = w->scratch + sizeof w->scratch;
    return w->end;
}

char *pb_out_init(struct pb_out *w, struct buf *out) {
    w->gone = 0;
    w->own = (struct buf)BUF_INIT;
    w->out = out;
    w->buf = out && out->limit ? &w->own : out;
    if (!out)
        return only_count(w);
    w->floor = w->buf->p ? w->buf->p + w->buf->n : w->scratch;
    w->end = w->buf->p ? w->buf->p + w->buf->cap : w->scratch;
    return w->end;
}

/* More than the limit of the buffer allows, whatever is still to come. */
static bool is_beyond_limit(const struct pb_out *w, size_t written) {
    return w->buf == &w->own && written > w->out->limit - w->out->n;
}

static char *drop(struct pb_out *w, char *at) {
    w->gone += (size_t)(w->end - at);
    if (w->buf)
        w->out->overflow = true;
    return only_count(w);
}

static char *grow(struct pb_out *w, char *at, size_t n) {
    struct buf *b = w->buf;
    size_t written = (size_t)(w->end - at), old_cap = b->cap;
    if (n > SIZE_MAX / 4)
        panic("protobuf of %zu and %zu more bytes", written, n);
    buf_reserve_slow(b, written + n);
    check(b->cap >= old_cap && b->cap - b->n >= written + n);
    w->floor = b->p + b->n;
    w->end = b->p + b->cap;
    at = w->end - written;
    if (written)
        memmove(at, b->p + old_cap - written, written);
    return at;
}

char *pb_room_slow(struct pb_out *w, char *at, size_t n) {
    check(n <= PB_SMALL_MAX);
    return w->buf && !is_beyond_limit(w, (size_t)(w->end - at)) ? grow(w, at, n) : drop(w, at);
}

char *pb_put_bytes_slow(struct pb_out *w, char *at, struct str s) {
    if (w->buf && !is_beyond_limit(w, (size_t)(w->end - at) + s.n)) {
        at = grow(w, at, s.n) - s.n;
        memcpy(at, s.p, s.n);
        return at;
    }
    at = drop(w, at);
    w->gone += s.n;
    return at;
}

void pb_out_done(struct pb_out *w, char *at) {
    size_t written = (size_t)(w->end - at);
    if (w->buf == &w->own) {
        buf_put(w->out, at, written);
    } else if (w->buf && written) {
        memmove(w->floor, at, written);
        w->buf->n += written;
    }
    buf_fini(&w->own);
}

char *pb_put_fixed64(struct pb_out *w, char *at, uint64_t v) {
    at = pb_room(w, at, 8) - 8;
    for (unsigned i = 0; i < 8; i++)
        at[i] = (char)(v >> 8 * i);
    return at;
}

char *pb_put_fixed32(struct pb_out *w, char *at, uint32_t v) {
    at = pb_room(w, at, 4) - 4;
    for (unsigned i = 0; i < 4; i++)
        at[i] = (char)(v >> 8 * i);
    return at;
}
