/* WebSockets: frames, and channels in their messages. */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "memory.h"
#include "net/websocket.h"
#include "net/ws_channels.h"
#include "unit/unit.h"

/* A frame as a client sends it: masked. */
static void put_frame(struct buf *b, uint8_t first, const void *p, size_t n) {
    static const char mask[4] = {'M', 'a', 's', 'k'};
    buf_byte(b, (char)first);
    if (n < 126) {
        buf_byte(b, (char)(0x80 | n));
    } else {
        check(n < 65536);
        buf_put(b, (const char[3]){(char)(0x80 | 126), (char)(n >> 8), (char)n}, 3);
    }
    buf_put(b, mask, 4);
    for (size_t i = 0; i < n; i++)
        buf_byte(b, (char)(((const char *)p)[i] ^ mask[i % 4]));
}

static void send_frame(struct memory *m, uint8_t first, const void *p, size_t n) {
    _cleanup_buf struct buf b = BUF_INIT;
    put_frame(&b, first, p, n);
    memory_feed(m, b.p, b.n);
}

#define TEXT 0x81
#define BINARY 0x82
#define CLOSE 0x88
#define PING 0x89

/* -- plain websockets -- */

struct plain {
    struct memory m;
    struct websocket *ws;
    struct buf log;
};

static void on_piece(void *user, const struct websocket_piece *p) {
    struct plain *w = user;
    buf_printf(&w->log, "%s%s %.*s%s\n", p->first ? "<" : "", p->text ? "text" : "binary", STR_ARG(p->bytes),
               p->last ? ">" : "");
}

static void on_writable(void *user) {
    buf_lit(&((struct plain *)user)->log, "writable\n");
}

static void on_close(void *user, const struct err *why) {
    buf_printf(&((struct plain *)user)->log, why ? "close: %s\n" : "close\n", why ? why->msg : "");
}

static const struct websocket_ops plain_ops = {on_piece, on_writable, on_close};

static void saw(struct plain *w, const char *lines) {
    assert_string_equal(buf_cstr(&w->log), lines);
    buf_clear(&w->log);
}

static void sent(struct memory *m, const char *p, size_t n) {
    assert_str_equal(buf_view(&m->out), str_make(p, n));
    buf_clear(&m->out);
}

#define WS_TEST(name)                                                                                        \
    static void name##_with(struct plain *w);                                                                \
    TEST(name) {                                                                                             \
        struct plain w = {.ws = NULL};                                                                       \
        struct websocket_options o = {                                                                       \
            .ops = &plain_ops, .user = &w, .transport = memory_transport(&w.m), .message_bytes_max = 1000};  \
        w.ws = websocket_new(&o);                                                                            \
        w.m.up = &websocket_raw_ops;                                                                         \
        w.m.user = w.ws;                                                                                     \
        name##_with(&w);                                                                                     \
        memory_fini(&w.m);                                                                                   \
        buf_fini(&w.log);                                                                                    \
    }                                                                                                        \
    static void name##_with(struct plain *w)

WS_TEST(test_websocket__messages_come_and_go) {
    send_frame(&w->m, TEXT, "hello", 5);
    send_frame(&w->m, BINARY, "", 0);
    saw(w, "<text hello>\n<binary >\n");
    struct str parts[] = {S("good"), S("bye")};
    assert_int_equal(websocket_send(w->ws, false, parts, 2), 0);
    sent(&w->m, "\x82\x07goodbye", 9);
    static char large[70000];
    struct str one = {large, 300};
    assert_int_equal(websocket_send(w->ws, true, &one, 1), 0);
    assert_memory_equal(w->m.out.p, "\x81\x7e\x01\x2c", 4);
    buf_clear(&w->m.out);
    one.n = sizeof large;
    assert_int_equal(websocket_send(w->ws, true, &one, 1), 0);
    assert_memory_equal(w->m.out.p, "\x81\x7f\0\0\0\0\0\x01\x11\x70", 10);
}

WS_TEST(test_websocket__fragments_are_one_message_with_pings_between) {
    send_frame(&w->m, 0x02, "ab", 2);
    send_frame(&w->m, PING, "p", 1);
    send_frame(&w->m, 0x00, "cd", 2);
    send_frame(&w->m, 0x80, "", 0);
    saw(w, "<binary ab\nbinary cd\nbinary >\n");
    sent(&w->m, "\x8a\x01p", 3);
}

TEST(test_websocket__frames_cut_anywhere_are_handed_on) {
    struct buf all = BUF_INIT;
    put_frame(&all, BINARY, "abcdef", 6);
    put_frame(&all, TEXT, "gh", 2);
    for (size_t cut = 1; cut < all.n; cut++) {
        struct plain w = {.ws = NULL};
        struct websocket_options o = {.ops = &plain_ops, .user = &w, .transport = memory_transport(&w.m)};
        w.ws = websocket_new(&o);
        w.m.up = &websocket_raw_ops;
        w.m.user = w.ws;
        memory_feed(&w.m, all.p, cut);
        memory_feed(&w.m, all.p + cut, all.n - cut);
        assert_true(str_has_suffix(buf_view(&w.log), S("h>\n")));
        assert_true(str_has_prefix(buf_view(&w.log), S("<binary a")));
        memory_fini(&w.m);
        buf_fini(&w.log);
    }
    buf_fini(&all);
}

WS_TEST(test_websocket__close_is_answered) {
    send_frame(&w->m, CLOSE, "\x03\xe8 bye", 6);
    saw(w, "close\n");
    assert_memory_equal(w->m.out.p, "\x88", 1);
    assert_true(w->m.finished);
    send_frame(&w->m, TEXT, "late", 4);
    saw(w, "");
}

WS_TEST(test_websocket__closing_says_why) {
    websocket_close(w->ws, WEBSOCKET_INTERNAL_ERROR, S("broken"));
    sent(&w->m,
         "\x88\x08\x03\xf3"
         "broken",
         10);
    assert_true(w->m.finished);
    assert_int_equal(websocket_send(w->ws, true, NULL, 0), ERR_CLOSED);
    saw(w, "");
}

WS_TEST(test_websocket__peer_that_leaves) {
    memory_feed(&w->m, "", 0);
    saw(w, "close: the peer closed the connection\n");
}

WS_TEST(test_websocket__unmasked_frames_are_refused) {
    memory_feed(&w->m, "\x81\x02hi", 4);
    saw(w, "close: the peer broke the WebSocket protocol\n");
    assert_memory_equal(w->m.out.p + 2, "\x03\xea", 2);
    assert_true(w->m.finished);
}

WS_TEST(test_websocket__reserved_bits_and_opcodes_are_refused) {
    send_frame(&w->m, 0xc1, "hi", 2);
    saw(w, "close: the peer broke the WebSocket protocol\n");
}

WS_TEST(test_websocket__text_that_is_no_utf8_is_refused) {
    send_frame(&w->m, TEXT, "\xff", 1);
    assert_true(str_has_suffix(buf_view(&w->log), S("close: the peer sent text that is no UTF-8\n")));
    assert_memory_equal(w->m.out.p + 2, "\x03\xef", 2);
}

WS_TEST(test_websocket__messages_are_bounded_over_all_their_frames) {
    static char half[600];
    send_frame(&w->m, 0x02, half, sizeof half);
    buf_clear(&w->log);
    send_frame(&w->m, 0x80, half, sizeof half);
    saw(w, "close: the message is too large\n");
    assert_memory_equal(w->m.out.p + 2, "\x03\xf1", 2);
}

WS_TEST(test_websocket__peer_that_pings_and_does_not_read_is_let_go) {
    w->m.full = true;
    send_frame(&w->m, PING, "", 0);
    saw(w, "close: the peer does not read\n");
    assert_true(w->m.closed);
}

/* -- channels -- */

static const struct str types[] = {STR_INIT("stdin"), STR_INIT("stdout"), STR_INIT("error")};
static const struct channels_offer offer = {.types = types, .n_types = 3};

#define CHANNELS_TEST(name, protocol)                                                                        \
    static void name##_with(struct memory *m, struct witness *w);                                            \
    TEST(name) {                                                                                             \
        struct memory m = {.up = &websocket_raw_ops};                                                        \
        struct witness w = {.channels = NULL};                                                               \
        struct websocket *ws;                                                                                \
        struct channels *cs =                                                                                \
            ws_channels_new(&witness_ops, &w, memory_transport(&m), S(protocol), &offer, &ws);               \
        m.user = ws;                                                                                         \
        ws_channels_start(cs);                                                                               \
        witness_saw(&w, "open 0 stdin\nopen 1 stdout\nopen 2 error\n");                                      \
        name##_with(&m, &w);                                                                                 \
        memory_fini(&m);                                                                                     \
        buf_fini(&w.log);                                                                                    \
    }                                                                                                        \
    static void name##_with(struct memory *m, struct witness *w)

CHANNELS_TEST(test_ws_channels__first_byte_is_the_channel, "v4.channel.k8s.io") {
    send_frame(m, BINARY, "\0abc", 4);
    send_frame(m, BINARY, "\1def", 4);
    send_frame(m, BINARY, "\7no such", 8);
    send_frame(m, BINARY, "", 0);
    send_frame(m, 0x02, "\0gh", 3);
    send_frame(m, 0x80, "\1i", 2);
    send_frame(m, BINARY, "\xff\0", 2); /* means nothing before v5 */
    witness_saw(w, "data 0 abc\ndata 1 def\ndata 0 gh\ndata 0 \1i\n");
    assert_int_equal(channel_write(w->last, S("x")), 1);
    assert_int_equal(channel_write(w->last, S("")), 0);
    sent(m, "\x82\2\2x\x82\1\2", 7);
    channels_finish(w->channels);
    sent(m, "\x88\2\x03\xe8", 4);
    assert_true(m->finished);
    memory_transport(m).ops->close(m);
    witness_saw(w, "close\n");
}

CHANNELS_TEST(test_ws_channels__v5_says_when_a_channel_ends, "v5.channel.k8s.io") {
    send_frame(m, BINARY, "\0abc", 4);
    send_frame(m, BINARY, "\xff\0", 2);
    send_frame(m, BINARY, "\0late", 5);
    send_frame(m, BINARY, "\xff\7", 2);
    witness_saw(w, "data 0 abc\nend 0\n");
}

CHANNELS_TEST(test_ws_channels__base64_is_text, "v4.base64.channel.k8s.io") {
    send_frame(m, TEXT, "0YWJj", 5);
    send_frame(m, 0x01, "1ZG", 3);
    send_frame(m, 0x80, "Vm", 2);
    witness_saw(w, "data 0 abc\ndata 1 def\n");
    assert_int_equal(channel_write(w->last, S("abc")), 3);
    sent(m,
         "\x81\5"
         "2YWJj",
         7);
    send_frame(m, TEXT, "0!", 2);
    witness_saw(w, "close: a message that is no base64\n");
}

CHANNELS_TEST(test_ws_channels__channel_that_is_reset_amid_a_message, "v4.channel.k8s.io") {
    send_frame(m, 0x02, "\2abc", 4);
    channel_reset(w->last);
    send_frame(m, 0x80, "def", 3);
    witness_saw(w, "data 2 abc\n");
}

CHANNELS_TEST(test_ws_channels__peer_that_breaks_the_protocol, "v4.channel.k8s.io") {
    memory_feed(m, "\x81\x02hi", 4);
    witness_saw(w, "close: the peer broke the WebSocket protocol\n");
}

CHANNELS_TEST(test_ws_channels__paused_channels_hold, "v4.channel.k8s.io") {
    channel_pause(w->last, true);
    send_frame(m, BINARY, "\2abc", 4);
    witness_saw(w, "");
    channel_pause(w->last, false);
    witness_saw(w, "data 2 abc\n");
}
