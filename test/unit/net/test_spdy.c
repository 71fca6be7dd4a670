/* SPDY/3.1 against a client written by hand. */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "memory.h"
#include "net/spdy.h"
#include "net/spdy_header.h"
#include "unit/unit.h"

struct client {
    struct memory m;
    struct witness w;
    struct spdy_deflate deflate;
    struct spdy_inflate inflate;
    size_t read; /* of what the server wrote */
};

static void client_init(struct client *c) {
    *c = (struct client){.read = 0};
    c->w.channels = spdy_new(&witness_ops, &c->w, memory_transport(&c->m), S("v4.channel.k8s.io"));
    c->m.up = &spdy_raw_ops;
    c->m.user = c->w.channels;
    spdy_deflate_init(&c->deflate);
    spdy_inflate_init(&c->inflate);
}

static void client_fini(struct client *c) {
    memory_fini(&c->m);
    buf_fini(&c->w.log);
    spdy_deflate_fini(&c->deflate);
    spdy_inflate_fini(&c->inflate);
}

#define SPDY_TEST(name)                                                                                      \
    static void name##_with(struct client *c);                                                               \
    TEST(name) {                                                                                             \
        struct client c;                                                                                     \
        client_init(&c);                                                                                     \
        name##_with(&c);                                                                                     \
        client_fini(&c);                                                                                     \
    }                                                                                                        \
    static void name##_with(struct client *c)

/* -- sending -- */

static void put_u32(struct buf *b, uint32_t v) {
    buf_put(b, (const char[4]){(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v}, 4);
}

static void frame(struct buf *b, uint32_t first, uint8_t flags, const void *p, size_t n) {
    put_u32(b, first);
    put_u32(b, (uint32_t)n | (uint32_t)flags << 24);
    buf_put(b, p, n);
}

static void send_control(struct client *c, unsigned type, uint8_t flags, const void *p, size_t n) {
    _cleanup_buf struct buf b = BUF_INIT;
    frame(&b, 0x80030000u | type, flags, p, n);
    memory_feed(&c->m, b.p, b.n);
}

static void send_numbers(struct client *c, unsigned type, uint32_t x, uint32_t y, size_t n) {
    _cleanup_buf struct buf b = BUF_INIT;
    put_u32(&b, x);
    put_u32(&b, y);
    send_control(c, type, 0, b.p, n);
}

static void send_data(struct client *c, uint32_t id, uint8_t flags, const void *p, size_t n) {
    _cleanup_buf struct buf b = BUF_INIT;
    frame(&b, id, flags, p, n);
    memory_feed(&c->m, b.p, b.n);
}

static void syn(struct client *c, uint32_t id, uint8_t flags, const struct http_header *h, size_t n) {
    _cleanup_buf struct buf b = BUF_INIT;
    put_u32(&b, id);
    put_u32(&b, 0);
    buf_put(&b, "\0", 2);
    spdy_headers_write(&c->deflate, h, n, &b);
    send_control(c, 1, flags, b.p, b.n);
}

static void open_type(struct client *c, uint32_t id, const char *type) {
    struct http_header h = {S("streamtype"), str_from(type)};
    syn(c, id, 0, &h, 1);
}

/* -- reading -- */

static uint32_t u32_at(struct client *c, size_t at) {
    const unsigned char *p = (const unsigned char *)c->m.out.p + c->read + at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The next frame as text: "REPLY 1", "DATA 1 abc", "DATA 1 fin", "RST 1 3", "PING 1", "GOAWAY 1",
 * "WINDOW 1 32768"; "" when there is none. */
static const char *next(struct client *c) {
    static char text[300];
    text[0] = '\0';
    if (c->read == c->m.out.n)
        return text;
    assert_true(c->m.out.n - c->read >= 8);
    uint32_t first = u32_at(c, 0), n = u32_at(c, 4) & 0xffffff, a = u32_at(c, 8),
             b = n >= 8 ? u32_at(c, 12) : 0;
    bool fin = u32_at(c, 4) >> 24 & 1;
    if (!(first & 0x80000000u)) {
        snprintf(text, sizeof text, "DATA %u %.*s%s", first, (int)(n > 200 ? 200 : n),
                 c->m.out.p + c->read + 8, fin ? "fin" : "");
    } else {
        _cleanup_arena struct arena arena = ARENA_INIT;
        struct http_header *h;
        size_t n_headers;
        switch (first & 0xffff) {
        case 1:
            assert_int_equal(spdy_headers_read(&c->inflate, str_make(c->m.out.p + c->read + 18, n - 10),
                                               &arena, &h, &n_headers),
                             0);
            snprintf(text, sizeof text, "SYN %u %.*s", a, n_headers ? (int)h[0].value.n : 0,
                     n_headers ? h[0].value.p : "");
            break;
        case 2:
            assert_int_equal(spdy_headers_read(&c->inflate, str_make(c->m.out.p + c->read + 12, n - 4),
                                               &arena, &h, &n_headers),
                             0);
            snprintf(text, sizeof text, "REPLY %u", a);
            break;
        case 3: snprintf(text, sizeof text, "RST %u %u", a, b); break;
        case 6: snprintf(text, sizeof text, "PING %u", a); break;
        case 7: snprintf(text, sizeof text, "GOAWAY %u", a); break;
        case 9: snprintf(text, sizeof text, "WINDOW %u %u", a, b); break;
        default: fail_msg("frame of type %u", first & 0xffff);
        }
    }
    c->read += 8 + n;
    return text;
}

/* -- what clients do -- */

/* Made with Python's zlib. */
static const unsigned char two_streams[] = {
    0x80, 0x03, 0x00, 0x01, 0x01, 0x00, 0x00, 0x29, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x78, 0xf9, 0xe3, 0xc6, 0xa7, 0xc2, 0x02, 0xa6, 0x23, 0x46, 0x50, 0xca, 0x0a, 0x2e,
    0x29, 0x4a, 0x4d, 0xcc, 0x85, 0x16, 0x25, 0xac, 0xa9, 0xa0, 0x80, 0x06, 0x00, 0x00, 0x00, 0xff,
    0xff, 0x80, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x26, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x02, 0x65, 0x1c, 0x0c, 0x29, 0x60, 0x62, 0x4e, 0xc9, 0x07, 0x97, 0xd1, 0xec,
    0x11, 0xba, 0xfe, 0xc0, 0x84, 0x0f, 0x52, 0xc6, 0x98, 0x08, 0x00, 0x00, 0x00, 0xff, 0xff};

SPDY_TEST(test_spdy__streams_open_with_their_headers) {
    memory_feed(&c->m, two_streams, sizeof two_streams);
    assert_str_equal(channel_header(c->w.last, S("x-other")), S("a"));
    assert_null(channel_header(c->w.last, S("x-none")).p);
    witness_saw(&c->w, "open 1 error\nend 1\nopen 3 stdout\n");
    assert_string_equal(next(c), "REPLY 1");
    assert_string_equal(next(c), "REPLY 3");
    assert_str_equal(channels_protocol(c->w.channels), S("v4.channel.k8s.io"));
}

TEST(test_spdy__input_cut_anywhere_is_the_same) {
    struct buf all = BUF_INIT;
    buf_put(&all, two_streams, sizeof two_streams);
    frame(&all, 3, 0, "", 0);
    frame(&all, 3, 1, "hello", 5);
    for (size_t cut = 1; cut < all.n; cut++) {
        struct client c;
        client_init(&c);
        c.w.quiet = true;
        memory_feed(&c.m, all.p, cut);
        memory_feed(&c.m, all.p + cut, all.n - cut);
        witness_saw(&c.w, "open 1 error\nend 1\nopen 3 stdout\nend 3\n");
        assert_int_equal(c.w.bytes, 5);
        client_fini(&c);
    }
    buf_fini(&all);
}

SPDY_TEST(test_spdy__bytes_go_both_ways_until_both_ends_finish) {
    open_type(c, 1, "stdin");
    struct channel *ch = c->w.last;
    send_data(c, 1, 0, "in", 2);
    assert_int_equal(channel_write(ch, S("out")), 3);
    send_data(c, 1, 1, "put", 3);
    assert_int_equal(channel_write(ch, S("more")), 4);
    channel_end(ch);
    witness_saw(&c->w, "open 1 stdin\ndata 1 in\ndata 1 put\nend 1\n");
    assert_string_equal(next(c), "REPLY 1");
    assert_string_equal(next(c), "DATA 1 out");
    assert_string_equal(next(c), "DATA 1 more");
    assert_string_equal(next(c), "DATA 1 fin");
    send_data(c, 1, 0, "late", 4); /* the stream is over: not worth a word */
    witness_saw(&c->w, "");
    assert_string_equal(next(c), "");
}

SPDY_TEST(test_spdy__pings_of_the_peer_are_answered) {
    send_numbers(c, 6, 7, 0, 4);
    send_numbers(c, 6, 8, 0, 4); /* would be an answer to ours */
    assert_string_equal(next(c), "PING 7");
    assert_string_equal(next(c), "");
}

SPDY_TEST(test_spdy__streams_can_be_reset_from_either_side) {
    open_type(c, 1, "data");
    open_type(c, 3, "data");
    struct channel *ours = c->w.last;
    send_numbers(c, 3, 1, 5, 8);
    channel_reset(ours);
    send_data(c, 1, 0, "x", 1);
    send_data(c, 3, 0, "x", 1);
    witness_saw(&c->w, "open 1 data\nopen 3 data\nreset 1\n");
    next(c);
    next(c);
    assert_string_equal(next(c), "RST 3 5");
    assert_string_equal(next(c), "");
}

SPDY_TEST(test_spdy__refused_streams_are_reset) {
    c->w.refuse = true;
    open_type(c, 1, "nonsense");
    assert_string_equal(next(c), "RST 1 3");
    send_data(c, 5, 0, "x", 1);
    assert_string_equal(next(c), "RST 5 2"); /* never opened */
    c->w.refuse = false;
    open_type(c, 7, "data");
    assert_string_equal(next(c), "REPLY 7");
}

/* -- windows -- */

SPDY_TEST(test_spdy__peer_without_windows_is_sent_all_there_is_room_for) {
    static char bytes[100000];
    open_type(c, 1, "stdout");
    struct channel *ch = c->w.last;
    size_t all = 0;
    for (int n; (n = channel_write(ch, str_make(bytes, sizeof bytes))) > 0; c->m.queued = all)
        all += (size_t)n;
    assert_int_equal(all, CHANNELS_QUEUE_MAX);
    c->m.queued = 0;
    memory_writable(&c->m);
    memory_writable(&c->m);
    witness_saw(&c->w, "open 1 stdout\nwritable 1\n");
}

SPDY_TEST(test_spdy__windows_of_a_peer_that_has_them_are_kept_to) {
    static char bytes[100000];
    open_type(c, 1, "stdout");
    struct channel *ch = c->w.last;
    assert_int_equal(channel_write(ch, str_make(bytes, 60000)), 60000);
    send_numbers(c, 9, 1, 1000, 8); /* the stream's is 6536 now, the session's 5536 */
    assert_int_equal(channel_write(ch, str_make(bytes, 10000)), 5536);
    assert_int_equal(channel_write(ch, str_make(bytes, 10000)), 0);
    send_numbers(c, 9, 0, 100000, 8);
    witness_saw(&c->w, "open 1 stdout\nwritable 1\n");
    assert_int_equal(channel_write(ch, str_make(bytes, 10000)), 1000);
    static const unsigned char settings[] = {0, 0, 0, 1, 0, 0, 0, 7, 0, 1, 0, 10}; /* ten more */
    send_control(c, 4, 0, settings, sizeof settings);
    assert_int_equal(channel_write(ch, str_make(bytes, 10000)), 10);
}

SPDY_TEST(test_spdy__what_was_consumed_is_acknowledged) {
    static char bytes[20000];
    c->w.quiet = true;
    open_type(c, 1, "stdin");
    next(c);
    send_data(c, 1, 0, bytes, sizeof bytes);
    assert_string_equal(next(c), "");
    send_data(c, 1, 0, bytes, sizeof bytes);
    assert_string_equal(next(c), "WINDOW 1 40000");
    assert_string_equal(next(c), "WINDOW 0 40000");
}

SPDY_TEST(test_spdy__paused_channels_hold_a_bounded_amount) {
    static char bytes[100000];
    c->w.quiet = true;
    open_type(c, 1, "stdin");
    struct channel *ch = c->w.last;
    channel_pause(ch, true);
    for (int i = 0; i < 11; i++) {
        assert_int_equal(c->m.paused, false);
        send_data(c, 1, 0, bytes, sizeof bytes);
    }
    assert_int_equal(c->m.paused, true);
    send_data(c, 1, 1, "end", 3);
    assert_int_equal(c->w.bytes, 0);
    witness_saw(&c->w, "open 1 stdin\n");
    channel_pause(ch, false);
    assert_int_equal(c->w.bytes, 1100003);
    assert_int_equal(c->m.paused, false);
    witness_saw(&c->w, "end 1\n");
}

/* -- the end -- */

SPDY_TEST(test_spdy__owner_finishes) {
    open_type(c, 1, "error");
    next(c);
    assert_int_equal(channel_write(c->w.last, S("status")), 6);
    channels_finish(c->w.channels);
    assert_int_equal(channel_write(c->w.last, S("late")), ERR_CLOSED);
    assert_string_equal(next(c), "DATA 1 status");
    assert_string_equal(next(c), "GOAWAY 1");
    assert_true(c->m.finished);
    send_data(c, 1, 0, "late", 4);
    witness_saw(&c->w, "open 1 error\n");
    memory_transport(&c->m).ops->close(&c->m);
    witness_saw(&c->w, "close\n");
}

SPDY_TEST(test_spdy__peer_leaves) {
    open_type(c, 1, "stdin");
    memory_feed(&c->m, "", 0);
    witness_saw(&c->w, "open 1 stdin\nclose: the peer closed the connection\n");
}

SPDY_TEST(test_spdy__owner_aborts) {
    open_type(c, 1, "stdin");
    channels_abort(c->w.channels, "no more");
    witness_saw(&c->w, "open 1 stdin\nclose: no more\n");
    assert_true(c->m.closed);
}

/* -- hostile -- */

static void refused(struct client *c, const char *why) {
    char line[200];
    snprintf(line, sizeof line, "close: SPDY: %s\n", why);
    witness_saw(&c->w, line);
    assert_true(c->m.finished);
    memory_feed(&c->m, two_streams, sizeof two_streams);
    witness_saw(&c->w, "");
}

#define REFUSED_TEST(name, why)                                                                              \
    static void name##_do(struct client *c);                                                                 \
    SPDY_TEST(name) {                                                                                        \
        name##_do(c);                                                                                        \
        refused(c, why);                                                                                     \
    }                                                                                                        \
    static void name##_do(struct client *c)

REFUSED_TEST(test_spdy__other_versions_are_refused, "another version than 3") {
    _cleanup_buf struct buf b = BUF_INIT;
    frame(&b, 0x80020006u, 0, "\0\0\0\1", 4);
    memory_feed(&c->m, b.p, b.n);
}

REFUSED_TEST(test_spdy__large_frames_are_refused_before_they_come, "a frame that is too large") {
    memory_feed(&c->m, "\x80\x03\0\1\0\xff\xff\xff\0\0\0\1", 12);
}

REFUSED_TEST(test_spdy__header_bombs_are_refused, "headers that are too large") {
    char *large = calloc(1, 2000000);
    assert_non_null(large);
    struct http_header h = {S("x"), str_make(large, 2000000)};
    syn(c, 1, 0, &h, 1);
    free(large);
}

REFUSED_TEST(test_spdy__too_many_headers_are_refused, "headers that are too large") {
    struct http_header h[SPDY_HEADERS_MAX + 1];
    for (size_t i = 0; i < sizeof h / sizeof *h; i++)
        h[i] = (struct http_header){S("a"), S("b")};
    syn(c, 1, 0, h, sizeof h / sizeof *h);
}

REFUSED_TEST(test_spdy__garbage_headers_are_refused, "headers that are no headers") {
    send_control(c, 1, 0, "\0\0\0\1\0\0\0\0\0\0garbage", 17);
}

REFUSED_TEST(test_spdy__even_streams_are_refused, "a stream that is out of order") {
    open_type(c, 2, "error");
}

REFUSED_TEST(test_spdy__answers_to_nothing_are_refused, "a SYN_REPLY, but nothing was opened") {
    send_numbers(c, 2, 1, 0, 4);
}

REFUSED_TEST(test_spdy__windows_that_overflow_are_refused, "a window that is too large") {
    send_numbers(c, 9, 0, 0x7fffffff, 8);
}

REFUSED_TEST(test_spdy__settings_that_lie_about_their_number_are_refused, "SETTINGS of the wrong length") {
    send_control(c, 4, 0, "\x20\0\0\0", 4);
}

SPDY_TEST(test_spdy__streams_of_a_session_are_bounded) {
    for (uint32_t i = 0; i <= SPDY_STREAMS_MAX; i++)
        open_type(c, 1 + 2 * i, "data");
    const char *f = "";
    for (uint32_t i = 0; i <= SPDY_STREAMS_MAX; i++)
        f = next(c);
    assert_string_equal(f, "RST 2001 3");
}

SPDY_TEST(test_spdy__peer_that_pings_and_does_not_read_is_let_go) {
    c->m.full = true;
    send_numbers(c, 6, 1, 0, 4);
    witness_saw(&c->w, "close: the peer does not read\n");
    assert_true(c->m.closed);
}

/* -- the client's side, against a server written by hand -- */

#define SPDY_CLIENT_TEST(name)                                                                               \
    static void name##_with(struct client *c);                                                               \
    TEST(name) {                                                                                             \
        struct client c;                                                                                     \
        client_init(&c);                                                                                     \
        memory_fini(&c.m);                                                                                   \
        c.m = (struct memory){.up = &spdy_raw_ops};                                                          \
        buf_clear(&c.w.log);                                                                                 \
        c.w.channels = spdy_client_new(&witness_ops, &c.w, memory_transport(&c.m), S("v4.channel.k8s.io"));  \
        c.m.user = c.w.channels;                                                                             \
        name##_with(&c);                                                                                     \
        client_fini(&c);                                                                                     \
    }                                                                                                        \
    static void name##_with(struct client *c)

static struct channel *we_open(struct client *c, const char *type) {
    struct http_header h = {S("streamtype"), str_from(type)};
    struct channel *ch = spdy_open(c->w.channels, &h, 1);
    assert_non_null(ch);
    channel_set_user(ch, &c->w);
    return ch;
}

static void reply(struct client *c, uint32_t id, uint8_t flags) {
    _cleanup_buf struct buf b = BUF_INIT;
    put_u32(&b, id);
    spdy_headers_write(&c->deflate, NULL, 0, &b);
    send_control(c, 2, flags, b.p, b.n);
}

SPDY_CLIENT_TEST(test_spdy_client__streams_have_odd_numbers_and_their_headers) {
    assert_int_equal(channel_id(we_open(c, "error")), 1);
    assert_int_equal(channel_id(we_open(c, "stdin")), 3);
    assert_string_equal(next(c), "SYN 1 error");
    assert_string_equal(next(c), "SYN 3 stdin");
    witness_saw(&c->w, "");
}

/* Upstream's servers drop what comes before they have answered. */
SPDY_CLIENT_TEST(test_spdy_client__nothing_is_sent_to_a_stream_before_it_is_answered) {
    struct channel *a = we_open(c, "stdin"), *b = we_open(c, "stdin");
    next(c);
    next(c);
    assert_int_equal(channel_write(a, S("early")), 0);
    channel_end(b);
    assert_string_equal(next(c), "");
    reply(c, 1, 0);
    reply(c, 3, 0);
    witness_saw(&c->w, "writable 1\n");
    assert_string_equal(next(c), "DATA 3 fin");
    assert_int_equal(channel_write(a, S("now")), 3);
    assert_string_equal(next(c), "DATA 1 now");
}

SPDY_CLIENT_TEST(test_spdy_client__bytes_and_ends_come_back) {
    struct channel *ch = we_open(c, "stdout");
    reply(c, 1, 0);
    send_data(c, 1, 1, "out", 3);
    witness_saw(&c->w, "data 1 out\nend 1\n");
    channel_end(ch);
    send_data(c, 1, 0, "late", 4);
    witness_saw(&c->w, "");
}

/* A server that closes with bytes of ours unread would reset the connection, and what it sent would be lost.
 */
SPDY_CLIENT_TEST(test_spdy_client__nothing_is_acknowledged_to_a_server_without_windows) {
    static char bytes[40000];
    c->w.quiet = true;
    we_open(c, "stdout");
    next(c);
    reply(c, 1, 0);
    send_data(c, 1, 0, bytes, sizeof bytes);
    assert_string_equal(next(c), "");
    send_numbers(c, 9, 0, 1000, 8);
    send_data(c, 1, 0, bytes, sizeof bytes);
    assert_string_equal(next(c), "WINDOW 1 40000");
}

SPDY_CLIENT_TEST(test_spdy_client__streams_of_the_server_are_refused) {
    we_open(c, "error");
    next(c);
    open_type(c, 2, "surprise");
    assert_string_equal(next(c), "RST 2 3");
    witness_saw(&c->w, "");
}

SPDY_CLIENT_TEST(test_spdy_client__pings_of_the_server_are_answered) {
    send_numbers(c, 6, 8, 0, 4);
    send_numbers(c, 6, 7, 0, 4);
    assert_string_equal(next(c), "PING 8");
    assert_string_equal(next(c), "");
}

SPDY_CLIENT_TEST(test_spdy_client__answers_that_are_no_answers) {
    we_open(c, "error");
    reply(c, 9, 0); /* to nothing: ignored, but the compression goes on */
    reply(c, 1, 1);
    witness_saw(&c->w, "end 1\n");
    send_numbers(c, 2, 1, 7, 8);
    witness_saw(&c->w, "close: SPDY: headers that are no headers\n");
}
