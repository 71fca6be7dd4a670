/* Upgrades to channels over real connections: who asks how, and gets what. */
#include <stdio.h>
#include <unistd.h>

#include "client.h"
#include "net/spdy_header.h"
#include "unit/unit.h"

static void assert_contains(struct str text, const char *part) {
    if (str_find(text, str_from(part)) < 0)
        fail_msg("\"%s\" is not in: %.*s", part, STR_ARG(text));
}

static void ask(struct test_conn *c, const struct test_server *s, struct buf *out, const char *headers,
                const char *early, size_t n, const char *until) {
    struct buf b = BUF_INIT;
    test_connect(c, s, "http/1.1");
    buf_printf(&b, "GET /channels HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n%s\r\n", headers);
    buf_put(&b, early, n);
    test_send(c, b.p, b.n);
    test_receive(c, out, until);
    buf_fini(&b);
}

#define CHANNELS_TEST(name, ...)                                                                             \
    static void name##_with(struct test_server *s, struct test_conn *c, struct buf *out);                    \
    TEST(name) {                                                                                             \
        struct test_server s;                                                                                \
        struct test_conn c;                                                                                  \
        struct buf out = BUF_INIT;                                                                           \
        test_server_start(&s, &(struct test_server_options){__VA_ARGS__});                                   \
        name##_with(&s, &c, &out);                                                                           \
        test_disconnect(&c);                                                                                 \
        test_server_stop(&s);                                                                                \
        buf_fini(&out);                                                                                      \
    }                                                                                                        \
    static void name##_with(struct test_server *s, struct test_conn *c, struct buf *out)

#define KEY                                                                                                  \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n"

CHANNELS_TEST(test_channels__websocket, .tls = true) {
    /* early bytes: channel 0, masked with zeros */
    ask(c, s, out, KEY "Sec-WebSocket-Protocol: v9.channel.k8s.io, v5.channel.k8s.io, v4.channel.k8s.io\r\n",
        "\x82\x83\0\0\0\0\0hi", 9, "hi");
    struct str a = buf_view(out);
    assert_contains(a, "HTTP/1.1 101 ");
    assert_contains(a, "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    assert_contains(a, "sec-websocket-protocol: v5.channel.k8s.io\r\n");
    /* opening told the client about channel 1; what goes to 0 comes back on 1 */
    assert_true(str_has_suffix(a, str_make("\r\n\r\n\x82\x01\x01\x82\x03\x01hi", 12)));
    buf_clear(out);
    test_send(c, "\x82\x82\0\0\0\0\xff\0", 8); /* stdin ends: so do we */
    test_receive(c, out, NULL);
    assert_str_equal(buf_view(out), str_make("\x88\x02\x03\xe8", 4));
}

CHANNELS_TEST(test_channels__websocket_that_names_no_protocol, .tls = false) {
    ask(c, s, out, KEY, "", 0, "\r\n\r\n\x82\x01\x01");
    assert_true(str_find(buf_view(out), S("sec-websocket-protocol")) < 0);
}

/* SYN_STREAM of a stdin stream, then bytes for it. */
static void put_spdy(struct buf *b, struct spdy_deflate *d) {
    struct http_header h = {S("streamType"), S("stdin")};
    struct buf block = BUF_INIT;
    spdy_headers_write(d, &h, 1, &block);
    buf_put(b, "\x80\x03\0\1\0\0\0", 7);
    buf_byte(b, (char)(10 + block.n));
    buf_put(b, "\0\0\0\1\0\0\0\0\0\0", 10);
    buf_put(b, block.p, block.n);
    buf_put(b, "\0\0\0\1\0\0\0\2hi", 10);
    buf_fini(&block);
}

CHANNELS_TEST(test_channels__spdy, .tls = true) {
    struct spdy_deflate d;
    struct buf b = BUF_INIT;
    spdy_deflate_init(&d);
    put_spdy(&b, &d);
    ask(c, s, out, "Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n", b.p, b.n, "hi");
    assert_contains(buf_view(out), "HTTP/1.1 101 ");
    assert_contains(buf_view(out), "upgrade: SPDY/3.1\r\n");
    assert_contains(buf_view(out), "x-stream-protocol-version: v4.channel.k8s.io\r\n");
    assert_true(str_has_suffix(buf_view(out), str_make("\0\0\0\1\0\0\0\2hi", 10)));
    buf_clear(out);
    test_send(c, "\0\0\0\1\1\0\0\0", 8); /* FIN: the server finishes too */
    test_receive(c, out, NULL);
    assert_true(str_has_suffix(buf_view(out), str_make("\x80\x03\0\7\0\0\0\x08\0\0\0\1\0\0\0\0", 16)));
    spdy_deflate_fini(&d);
    buf_fini(&b);
}

CHANNELS_TEST(test_channels__spdy_within_a_websocket, .tls = false) {
    struct spdy_deflate d;
    struct buf b = BUF_INIT, message = BUF_INIT;
    spdy_deflate_init(&d);
    put_spdy(&b, &d);
    buf_put(&message, (const char[]){(char)0x82, (char)(0x80 | b.n), 0, 0, 0, 0}, 6);
    buf_put(&message, b.p, b.n);
    ask(c, s, out, KEY "Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io\r\n", message.p, message.n, "hi");
    assert_contains(buf_view(out), "sec-websocket-protocol: SPDY/3.1+portforward.k8s.io\r\n");
    assert_true(str_has_suffix(buf_view(out), str_make("\x82\x0a\0\0\0\1\0\0\0\2hi", 12)));
    buf_clear(out);
    test_send(c, "\x82\x88\0\0\0\0\0\0\0\1\1\0\0\0", 14);
    test_receive(c, out, NULL);
    assert_true(str_has_suffix(buf_view(out), str_make("\x88\x02\x03\xe8", 4)));
    spdy_deflate_fini(&d);
    buf_fini(&b);
    buf_fini(&message);
}

static void assert_refused(const struct test_server *s, struct buf *out, const char *headers,
                           const char *part) {
    struct test_conn c;
    ask(&c, s, out, headers, "", 0, NULL);
    assert_contains(buf_view(out), part);
    test_disconnect(&c);
    buf_clear(out);
}

CHANNELS_TEST(test_channels__what_cannot_be_upgraded_is_told_why, .tls = false) {
    assert_refused(s, out, "Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v9, v8\r\n",
                   "client supports [v9, v8], server accepts [v4.channel.k8s.io]");
    assert_refused(s, out, "Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v9\r\n", "HTTP/1.1 403 ");
    assert_refused(s, out, KEY "Sec-WebSocket-Protocol: v9\r\n", "HTTP/1.1 403 ");
    assert_refused(s, out, "Upgrade: h2c\r\n", "HTTP/1.1 400 ");
    assert_refused(s, out,
                   "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n"
                   "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n",
                   "HTTP/1.1 400 ");
    assert_refused(s, out,
                   "Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n",
                   "sec-websocket-version: 13\r\n");
    assert_refused(s, out,
                   "Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io\r\n",
                   "HTTP/1.1 426 ");
    test_connect(c, s, "http/1.1");
}
