/* The wire format: every fault of hostile bytes, and the backward writer against its own reader. */
#include "unit/unit.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/rand.h"
#include "codec/pbwire.h"

#define BYTES(lit) pb_in_init(S(lit))

static enum pb_fault varint_fault(struct pb_in in) {
    uint64_t v = 77;
    const uint8_t *before = in.p;
    enum pb_fault fault = pb_get_varint(&in, &v);
    assert_int_equal(v, 77);
    assert_ptr_equal(in.p, before);
    return fault;
}

static uint64_t varint(struct pb_in in) {
    uint64_t v = 0;
    assert_int_equal(pb_get_varint(&in, &v), PB_OK);
    assert_int_equal(pb_left(&in), 0);
    return v;
}

TEST(test_pbwire__reads_varints) {
    assert_int_equal(varint(BYTES("\x00")), 0);
    assert_int_equal(varint(BYTES("\x7f")), 127);
    assert_int_equal(varint(BYTES("\x80\x01")), 128);
    assert_int_equal(varint(BYTES("\xac\x02")), 300);
    assert_true(varint(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")) == UINT64_MAX);
    assert_true(varint(BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")) == (uint64_t)1 << 63);
}

TEST(test_pbwire__reads_varints_longer_than_needed) {
    assert_int_equal(varint(BYTES("\x80\x00")), 0);
    assert_int_equal(varint(BYTES("\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00")), 1);
}

TEST(test_pbwire__refuses_overlong_varints) {
    assert_int_equal(varint_fault(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")), PB_OVERLONG);
    assert_int_equal(varint_fault(BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00")), PB_OVERLONG);
    assert_int_equal(varint_fault(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")), PB_OVERLONG);
}

TEST(test_pbwire__refuses_truncated_varints) {
    assert_int_equal(varint_fault(BYTES("")), PB_TRUNCATED);
    assert_int_equal(varint_fault(BYTES("\x80")), PB_TRUNCATED);
    assert_int_equal(varint_fault(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff")), PB_TRUNCATED);
    assert_int_equal(varint_fault(pb_in_init(STR_NONE)), PB_TRUNCATED);
}

static enum pb_fault tag_fault(struct pb_in in) {
    struct pb_tag tag = {0};
    return pb_get_tag(&in, &tag);
}

TEST(test_pbwire__reads_tags) {
    struct pb_tag tag;
    struct pb_in in = BYTES("\x08\x12\x79\x7d\x82\x08\xfd\xff\xff\xff\x0f");
    const struct pb_tag expected[] = {{1, PB_VARINT},   {2, PB_LEN},   {15, PB_FIXED64},
                                      {15, PB_FIXED32}, {128, PB_LEN}, {PB_NUMBER_MAX, PB_FIXED32}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(pb_get_tag(&in, &tag), PB_OK);
        assert_int_equal(tag.number, expected[i].number);
        assert_int_equal(tag.wire, expected[i].wire);
    }
    assert_int_equal(pb_left(&in), 0);
}

TEST(test_pbwire__refuses_bad_tags) {
    assert_int_equal(tag_fault(BYTES("")), PB_TRUNCATED);
    assert_int_equal(tag_fault(BYTES("\x88")), PB_TRUNCATED);
    assert_int_equal(tag_fault(BYTES("\x00")), PB_BAD_NUMBER);
    assert_int_equal(tag_fault(BYTES("\x02")), PB_BAD_NUMBER);
    assert_int_equal(tag_fault(BYTES("\x80\x80\x80\x80\x10")), PB_BAD_NUMBER);
    assert_int_equal(tag_fault(BYTES("\xfa\xff\xff\xff\xff\xff\xff\xff\xff\x01")), PB_BAD_NUMBER);
    assert_int_equal(tag_fault(BYTES("\x0e")), PB_BAD_WIRE);
    assert_int_equal(tag_fault(BYTES("\x0f")), PB_BAD_WIRE);
    assert_int_equal(tag_fault(BYTES("\x0c")), PB_BAD_GROUP);
}

static enum pb_fault piece_fault(struct pb_in in) {
    struct pb_in piece, before = in;
    enum pb_fault fault = pb_get_piece(&in, &piece);
    assert_ptr_equal(in.p, before.p);
    return fault;
}

TEST(test_pbwire__reads_pieces) {
    struct pb_in in = BYTES("\x02hi\x00!"), piece;
    assert_int_equal(pb_get_piece(&in, &piece), PB_OK);
    assert_str(pb_rest(&piece), "hi");
    assert_int_equal(pb_get_piece(&in, &piece), PB_OK);
    assert_str(pb_rest(&piece), "");
    assert_str(pb_rest(&in), "!");
}

TEST(test_pbwire__refuses_lengths_past_the_end) {
    assert_int_equal(piece_fault(BYTES("")), PB_TRUNCATED);
    assert_int_equal(piece_fault(BYTES("\x03hi")), PB_BAD_LENGTH);
    assert_int_equal(piece_fault(BYTES("\xff\xff\xff\xff\x0fhi")), PB_BAD_LENGTH);
    assert_int_equal(piece_fault(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01hi")), PB_BAD_LENGTH);
    assert_int_equal(piece_fault(BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01hi")), PB_BAD_LENGTH);
}

TEST(test_pbwire__reads_fixed_width) {
    uint64_t v64;
    uint32_t v32;
    struct pb_in in = BYTES("\x01\x02\x03\x04\x05\x06\x07\x88\x01\x02\x03\x84\x00\x00\x00");
    assert_int_equal(pb_get_fixed64(&in, &v64), PB_OK);
    assert_true(v64 == 0x8807060504030201u);
    assert_int_equal(pb_get_fixed32(&in, &v32), PB_OK);
    assert_true(v32 == 0x84030201u);
    assert_int_equal(pb_get_fixed32(&in, &v32), PB_TRUNCATED);
    assert_int_equal(pb_get_fixed64(&in, &v64), PB_TRUNCATED);
    assert_int_equal(pb_left(&in), 3);
}

/* Reads a tag and skips its value; what is left, or the fault as a negative number. */
static int skip_first(struct pb_in in) {
    struct pb_tag tag;
    enum pb_fault fault = pb_get_tag(&in, &tag);
    if (!fault)
        fault = pb_skip(&in, tag);
    return fault ? -(int)fault : (int)pb_left(&in);
}

TEST(test_pbwire__skips_every_wire_type) {
    assert_int_equal(skip_first(BYTES("\x08\xac\x02.")), 1);
    assert_int_equal(skip_first(BYTES("\x09"
                                      "12345678.")),
                     1);
    assert_int_equal(skip_first(BYTES("\x0a\x03"
                                      "abc.")),
                     1);
    assert_int_equal(skip_first(BYTES("\x0d"
                                      "1234.")),
                     1);
    assert_int_equal(skip_first(BYTES("\x0b\x0c.")), 1);
    assert_int_equal(skip_first(BYTES("\x0b\x08\x01\x13\x12\x01x\x14\x1d"
                                      "1234\x11"
                                      "12345678\x0c.")),
                     1);
}

TEST(test_pbwire__skip_refuses_what_is_cut_off) {
    assert_int_equal(skip_first(BYTES("\x08\xac")), -PB_TRUNCATED);
    assert_int_equal(skip_first(BYTES("\x09"
                                      "1234567")),
                     -PB_TRUNCATED);
    assert_int_equal(skip_first(BYTES("\x0a\x03"
                                      "ab")),
                     -PB_BAD_LENGTH);
    assert_int_equal(skip_first(BYTES("\x0d"
                                      "123")),
                     -PB_TRUNCATED);
    assert_int_equal(skip_first(BYTES("\x0b")), -PB_TRUNCATED);
    assert_int_equal(skip_first(BYTES("\x0b\x08")), -PB_TRUNCATED);
}

TEST(test_pbwire__skip_refuses_groups_that_do_not_match) {
    assert_int_equal(skip_first(BYTES("\x0b\x14")), -PB_BAD_GROUP);
    assert_int_equal(skip_first(BYTES("\x0b\x13\x0c\x14")), -PB_BAD_GROUP);
    assert_int_equal(skip_first(BYTES("\x0b\x00\x0c")), -PB_BAD_NUMBER);
    assert_int_equal(skip_first(BYTES("\x0b\x0e\x0c")), -PB_BAD_WIRE);
}

TEST(test_pbwire__skip_bounds_groups) {
    char bytes[2 * PB_GROUP_DEPTH_MAX + 2];
    memset(bytes, 0x0b, PB_GROUP_DEPTH_MAX);
    memset(bytes + PB_GROUP_DEPTH_MAX, 0x0c, PB_GROUP_DEPTH_MAX);
    assert_int_equal(skip_first(pb_in_init(str_make(bytes, 2 * PB_GROUP_DEPTH_MAX))), 0);
    memset(bytes, 0x0b, sizeof bytes);
    assert_int_equal(skip_first(pb_in_init(str_make(bytes, PB_GROUP_DEPTH_MAX + 1))), -PB_TOO_DEEP);
}

TEST(test_pbwire__counts_pieces_of_one_number) {
    assert_int_equal(pb_count_pieces(BYTES("\x0a\x00\x0a\x01x\x0a\x00\x12\x00\x0a\x00"), 1, 10), 3);
    assert_int_equal(pb_count_pieces(BYTES("\x0a\x00\x0a\x01x\x0a\x00"), 1, 2), 2);
    assert_int_equal(pb_count_pieces(BYTES("\x0a\x00\x08\x00"), 1, 10), 1);
    assert_int_equal(pb_count_pieces(BYTES("\x0a\x00\x0a\x05x"), 1, 10), 1);
    assert_int_equal(pb_count_pieces(BYTES("\x0a\x00\x0a"), 1, 10), 1);
    assert_int_equal(pb_count_pieces(BYTES(""), 1, 10), 0);
}

TEST(test_pbwire__names_each_fault) {
    for (int f = PB_TRUNCATED; f <= PB_TOO_DEEP; f++)
        assert_string_not_equal(pb_fault_text((enum pb_fault)f), "unknown fault");
}

/* --- writing --- */

TEST(test_pbwire__varint_len_is_exact) {
    assert_int_equal(pb_varint_len(0), 1);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t v = (uint64_t)1 << bit;
        assert_int_equal(pb_varint_len(v), bit / 7 + 1);
        assert_int_equal(pb_varint_len(v | (v - 1)), bit / 7 + 1);
    }
}

TEST(test_pbwire__writes_backwards) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct pb_out w;
    buf_lit(&b, ">");
    char *at = pb_out_init(&w, &b);
    at = pb_put_u64(&w, at, 16, 300);
    size_t before = pb_written(&w, at);
    at = pb_put_str(&w, at, 2, S("two"));
    at = pb_put_fixed32(&w, at, 0x84030201);
    at = pb_put_tag(&w, at, 1, PB_FIXED32);
    at = pb_put_head(&w, at, 3, pb_written(&w, at) - before);
    pb_out_done(&w, at);
    assert_str(buf_view(&b), ">\x1a\x0a\x0d\x01\x02\x03\x84\x12\x03two\x80\x01\xac\x02");
}

TEST(test_pbwire__writes_nothing_when_nothing_was_put) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct pb_out w;
    char *at = pb_out_init(&w, &b);
    at = pb_put_bytes(&w, at, STR_NONE);
    assert_int_equal(pb_written(&w, at), 0);
    pb_out_done(&w, at);
    assert_int_equal(b.n, 0);
}

TEST(test_pbwire__writes_strings_of_every_length) {
    char text[300], expected[310];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 26);
    for (size_t n = 0; n <= sizeof text; n++) {
        _cleanup_buf struct buf b = BUF_INIT;
        struct pb_out w;
        pb_out_done(&w, pb_put_str(&w, pb_out_init(&w, &b), 100, str_make(text, n)));
        size_t head =
            (size_t)snprintf(expected, sizeof expected, "\xa2\x06%c%s", (char)(n < 128 ? n : n % 128 + 128),
                             n < 128   ? ""
                             : n < 256 ? "\x01"
                                       : "\x02");
        head += n == 0; /* the length is a NUL then */
        memcpy(expected + head - (n == 0), n ? text : "", n);
        assert_int_equal(b.n, n + (n < 128 ? 3 : 4));
        assert_memory_equal(b.p, expected, b.n);
    }
}

/* Records of random sizes, the same to any writer of this seed. */
static char *put_records(struct pb_out *w, char *at, uint64_t seed, unsigned n, const char *text,
                         size_t text_max) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, seed);
    for (unsigned i = 0; i < n; i++) {
        uint64_t x = rand_u64(r);
        uint32_t number = 1 + (uint32_t)(x >> 8) % 40;
        switch (x % 4) {
        case 0: at = pb_put_u64(w, at, number, rand_u64(r) >> (x >> 32) % 64); break;
        case 1: at = pb_put_str(w, at, number, str_make(text, (x >> 32) % text_max)); break;
        case 2: at = pb_put_str(w, at, 3, STR_NONE); break;
        default: at = pb_put_fixed64(w, at, x); at = pb_put_tag(w, at, PB_NUMBER_MAX, PB_FIXED64);
        }
    }
    return at;
}

TEST(test_pbwire__counting_equals_writing) {
    static char text[5000];
    memset(text, 'x', sizeof text);
    for (uint64_t seed = 0; seed < 200; seed++) {
        _cleanup_buf struct buf b = BUF_INIT;
        struct pb_out w, count;
        size_t text_max = seed % 2 ? 50 : sizeof text;
        char *at = pb_out_init(&w, &b), *counted = pb_out_init(&count, NULL);
        at = put_records(&w, at, unit_seed() + seed, (unsigned)seed, text, text_max);
        counted = put_records(&count, counted, unit_seed() + seed, (unsigned)seed, text, text_max);
        size_t n = pb_written(&count, counted);
        assert_int_equal(pb_written(&w, at), n);
        pb_out_done(&w, at);
        pb_out_done(&count, counted);
        assert_int_equal(b.n, n);
        struct pb_in in = pb_in_init(buf_view(&b));
        while (pb_left(&in)) {
            struct pb_tag tag;
            assert_int_equal(pb_get_tag(&in, &tag), PB_OK);
            assert_int_equal(pb_skip(&in, tag), PB_OK);
        }
    }
}

TEST(test_pbwire__writing_keeps_what_the_buffer_held) {
    static char text[3000];
    memset(text, 'y', sizeof text);
    for (size_t held = 0; held < 600; held += 37) {
        _cleanup_buf struct buf b = BUF_INIT, alone = BUF_INIT;
        struct pb_out w;
        for (size_t i = 0; i < held; i++)
            buf_byte(&b, (char)('a' + i % 26));
        pb_out_done(&w, put_records(&w, pb_out_init(&w, &b), held, 20, text, sizeof text));
        pb_out_done(&w, put_records(&w, pb_out_init(&w, &alone), held, 20, text, sizeof text));
        for (size_t i = 0; i < held; i++)
            assert_int_equal(b.p[i], 'a' + i % 26);
        assert_str_equal(str_from_byte(buf_view(&b), held), buf_view(&alone));
    }
}

TEST(test_pbwire__stops_at_the_limit_of_the_buffer) {
    for (size_t limit = 1; limit <= 20; limit++) {
        _cleanup_buf struct buf b = {.limit = limit};
        struct pb_out w;
        buf_byte(&b, '>');
        char *at = pb_out_init(&w, &b);
        at = pb_put_str(&w, at, 1, S("12345678"));
        at = pb_put_str(&w, at, 1, S("1234"));
        assert_int_equal(pb_written(&w, at), 16);
        pb_out_done(&w, at);
        assert_int_equal(b.overflow, limit < 17);
        assert_int_equal(b.n, limit < 17 ? 1 : 17);
    }
}

TEST(test_pbwire__a_limit_bounds_memory) {
    static char text[5000];
    _cleanup_buf struct buf b = {.limit = 10000};
    struct pb_out w;
    char *at = pb_out_init(&w, &b);
    for (int i = 0; i < 1000; i++)
        at = pb_put_str(&w, at, 1, str_make(text, sizeof text));
    assert_true(w.own.cap <= 40000);
    assert_int_equal(pb_written(&w, at), 1000 * 5003);
    pb_out_done(&w, at);
    assert_true(b.overflow && b.n == 0);
}
