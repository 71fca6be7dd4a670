/* HTTP/1.1 as clients see it. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "unit/unit.h"

/* Sends one text on a new connection and returns all that comes until the server closes or `until`. */
static struct str talk(struct buf *out, const struct test_server *s, const char *text, const char *until) {
    struct test_conn c;
    test_connect(&c, s, "http/1.1");
    test_send_text(&c, text);
    test_receive(&c, out, until);
    test_disconnect(&c);
    return buf_view(out);
}

static void assert_contains(struct str text, const char *part) {
    if (str_find(text, str_from(part)) < 0)
        fail_msg("\"%s\" is not in: %.*s", part, STR_ARG(text));
}

static void assert_status(const struct test_server *s, const char *request, const char *status) {
    struct buf out = BUF_INIT;
    struct str answer = talk(&out, s, request, NULL);
    if (!str_has_prefix(answer, str_from(status)))
        fail_msg("expected %s, got: %.*s", status, STR_ARG(answer));
    buf_fini(&out);
}

/* A test body with a running server. */
#define SERVER_TEST(name, ...)                                                                               \
    static void name##_with(struct test_server *s);                                                          \
    TEST(name) {                                                                                             \
        struct test_server s;                                                                                \
        test_server_start(&s, &(struct test_server_options){__VA_ARGS__});                                   \
        name##_with(&s);                                                                                     \
        test_server_stop(&s);                                                                                \
    }                                                                                                        \
    static void name##_with(struct test_server *s)

SERVER_TEST(test_http1__get_and_post, .tls = false) {
    struct buf out = BUF_INIT;
    struct str a =
        talk(&out, s, "GET /echo/a%20b?x=1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", NULL);
    assert_contains(a, "HTTP/1.1 200 OK\r\n");
    assert_contains(a, "connection: close\r\n");
    assert_contains(a, "\r\n\r\nGET /echo/a b ?x=1 []");
    buf_clear(&out);
    a = talk(&out, s, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
             NULL);
    assert_contains(a, "POST /echo ? [hello]");
    buf_fini(&out);
}

SERVER_TEST(test_http1__tls_and_client_certificate, .tls = true) {
    struct buf out = BUF_INIT;
    struct str a = talk(&out, s, "GET /cert HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", NULL);
    assert_contains(a, "\r\n\r\ntester");
    buf_fini(&out);
}

SERVER_TEST(test_http1__chunked_bodies_both_ways, .tls = false) {
    struct buf out = BUF_INIT;
    struct str a =
        talk(&out, s,
             "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
             "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
             NULL);
    assert_contains(a, "[abcde]");
    buf_clear(&out);
    a = talk(&out, s, "GET /stream?n=2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", NULL);
    assert_contains(a, "transfer-encoding: chunked\r\n");
    assert_contains(a, "7\r\nline 0\n\r\n7\r\nline 1\n\r\n0\r\n\r\n");
    buf_fini(&out);
}

SERVER_TEST(test_http1__pipelined_requests_are_answered_in_order, .tls = false) {
    struct buf out = BUF_INIT;
    struct str a =
        talk(&out, s,
             "GET /later HTTP/1.1\r\nHost: h\r\n\r\n"
             "GET /echo/2 HTTP/1.1\r\nHost: h\r\n\r\n"
             "POST /echo/3 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
             NULL);
    ptrdiff_t first = str_find(a, S("later")), second = str_find(a, S("GET /echo/2")),
              third = str_find(a, S("POST /echo/3 ? [ok]"));
    assert_true(first > 0 && second > first && third > second);
    buf_fini(&out);
}

SERVER_TEST(test_http1__request_cut_at_every_byte_is_put_together, .tls = false) {
    static const char text[] =
        "POST /echo?q HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
    for (size_t cut = 1; cut < sizeof text - 1; cut += 7) {
        struct test_conn c;
        struct buf out = BUF_INIT;
        test_connect(&c, s, "http/1.1");
        test_send(&c, text, cut);
        test_send(&c, text + cut, sizeof text - 1 - cut);
        test_receive(&c, &out, NULL);
        assert_contains(buf_view(&out), "POST /echo ?q [abc]");
        test_disconnect(&c);
        buf_fini(&out);
    }
}

SERVER_TEST(test_http1__expect_continue_is_answered_before_the_body, .tls = false) {
    struct test_conn c;
    struct buf out = BUF_INIT;
    test_connect(&c, s, "http/1.1");
    test_send_text(&c, "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    test_receive(&c, &out, "100 Continue\r\n\r\n");
    test_send_text(&c, "hi");
    test_receive(&c, &out, "[hi]");
    test_disconnect(&c);
    buf_fini(&out);
}

SERVER_TEST(test_http1__head_has_length_but_no_body, .tls = false) {
    struct buf out = BUF_INIT;
    struct str a = talk(&out, s, "HEAD /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", NULL);
    assert_contains(a, "content-length: 15\r\n");
    assert_true(str_has_suffix(a, S("\r\n\r\n")));
    buf_fini(&out);
}

SERVER_TEST(test_http1__old_clients_get_no_chunks, .tls = false) {
    struct buf out = BUF_INIT;
    struct str a = talk(&out, s, "GET /stream?n=2 HTTP/1.0\r\n\r\n", NULL);
    assert_true(str_find(a, S("chunked")) < 0);
    assert_contains(a, "\r\n\r\nline 0\nline 1\n");
    buf_fini(&out);
}

SERVER_TEST(test_http1__large_answers_arrive_whole, .tls = true) {
    struct buf out = BUF_INIT;
    struct str a = talk(&out, s, "GET /big?n=5000000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", NULL);
    ptrdiff_t body = str_find(a, S("\r\n\r\n"));
    assert_int_equal(a.n - (size_t)body - 4, 5000000);
    buf_fini(&out);
}

SERVER_TEST(test_http1__large_answers_are_compressed_when_asked, .tls = false) {
    struct buf out = BUF_INIT;
    struct str a = talk(
        &out, s,
        "GET /big?n=500000 HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n", NULL);
    assert_contains(a, "content-encoding: gzip\r\n");
    assert_true(a.n < 100000);
    buf_clear(&out);
    a = talk(&out, s,
             "GET /big?n=5000 HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
             NULL);
    assert_true(str_find(a, S("content-encoding")) < 0);
    buf_clear(&out);
    a = talk(&out, s,
             "GET /big?n=500000 HTTP/1.1\r\nHost: h\r\nAccept-Encoding: br, gzip;q=0.5\r\nConnection: "
             "close\r\n\r\n",
             NULL);
    assert_contains(a, "content-encoding: gzip\r\n");
    buf_clear(&out);
    a = talk(
        &out, s,
        "GET /big?n=500000 HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip;q=0.0\r\nConnection: close\r\n\r\n",
        NULL);
    assert_true(str_find(a, S("content-encoding")) < 0);
    buf_fini(&out);
}

SERVER_TEST(test_http1__ambiguous_framing_is_refused, .tls = false) {
    assert_status(
        s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 400");
    assert_status(s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
                  "HTTP/1.1 400");
    assert_status(s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
                  "HTTP/1.1 400");
    assert_status(s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc", "HTTP/1.1 400");
    assert_status(s, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
                  "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\nHost : h\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET /a%00b HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "nonsense\r\n\r\n", "HTTP/1.1 400");
}

SERVER_TEST(test_http1__only_chunked_is_a_transfer_coding, .tls = false) {
    static const char *const bad[] = {"gzip, chunked", "identity",    "xchunked", "chunked, chunked",
                                      "chunked;q=1",   "\"chunked\"", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf b = BUF_INIT;
        buf_printf(&b, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: %s\r\n\r\n0\r\n\r\n", bad[i]);
        assert_status(s, buf_cstr(&b), "HTTP/1.1 400");
        buf_fini(&b);
    }
    assert_status(s, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400");
    assert_status(s,
                  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                  "HTTP/1.1 400");
}

SERVER_TEST(test_http1__lines_that_end_otherwise_are_refused, .tls = false) {
    assert_status(s, "GET / HTTP/1.1\nHost: h\n\n", "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\nHost: h\r\nX: a\nY: b\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\nHost: h\r\nX: a\rY: b\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\nHost: h\r\n\n", "HTTP/1.1 400");
#define CHUNKED "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert_status(s, CHUNKED "2;\n\r\nab\r\n0\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, CHUNKED "2\nab\r\n0\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, CHUNKED "2\r\nab\n0\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, CHUNKED "2\r\nabc\r\n0\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, CHUNKED "2\r\nabXY0\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, CHUNKED "2\rXab\r\n0\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\rXab", "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\nHost: h\r\nContent Length: 3\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\nHost: h\r\n: 3\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\nHost: h\r\nX:\x01y\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET / HTTP/1.1\r\nHost: h\r\nX: \x7fy\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, "GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, CHUNKED "2\r\nab\r\n0\r\nX: a\nY: b\r\n\r\n", "HTTP/1.1 400");
    assert_status(s, CHUNKED "2\r\nab\r\n0\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 400");
}

SERVER_TEST(test_http1__chunks_that_are_mostly_framing_are_refused, .tls = false) {
    struct buf b = BUF_INIT;
    buf_lit(&b, CHUNKED);
    for (int i = 0; i < 100; i++) {
        buf_lit(&b, "1;");
        for (int k = 0; k < 1000; k++)
            buf_byte(&b, 'x');
        buf_lit(&b, "\r\ny\r\n");
    }
    buf_lit(&b, "0\r\n\r\n");
    assert_status(s, buf_cstr(&b), "HTTP/1.1 400");
    buf_clear(&b);
    buf_lit(&b, "POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 20000; i++)
        buf_lit(&b, "1\r\n\n\r\n"); /* small chunks are only slow; and data may be any bytes */
    buf_lit(&b, "0\r\n\r\n");
    assert_status(s, buf_cstr(&b), "HTTP/1.1 200");
    buf_fini(&b);
}

SERVER_TEST(test_http1__chunked_request_cut_at_every_byte_is_put_together, .tls = false) {
    static const char text[] = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3;e=f\r\na\n \r\n2\r\nde\r\n0\r\nx: y\r\n\r\n";
    struct test_conn c;
    struct buf out = BUF_INIT;
    test_connect(&c, s, "http/1.1");
    for (size_t cut = 1; cut < sizeof text - 1; cut++) {
        test_send(&c, text, cut);
        test_send(&c, text + cut, sizeof text - 1 - cut);
        test_receive(&c, &out, "[a\n de]");
        buf_clear(&out);
    }
    for (size_t i = 0; i < sizeof text - 1; i++)
        test_send(&c, text + i, 1);
    test_receive(&c, &out, "[a\n de]");
    test_disconnect(&c);
    buf_fini(&out);
}

SERVER_TEST(test_http1__peer_that_still_sends_can_read_why_it_was_refused, .body_bytes_max = 1000) {
    struct test_conn c;
    struct buf out = BUF_INIT;
    char *body = malloc(4000000);
    assert_non_null(body);
    memset(body, 'x', 4000000);
    test_connect(&c, s, "http/1.1");
    test_send_text(&c, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n");
    test_send(&c, body, 4000000);
    test_shutdown(&c);
    test_receive(&c, &out, NULL);
    assert_contains(buf_view(&out), "HTTP/1.1 413 ");
    test_disconnect(&c);
    free(body);
    buf_fini(&out);
}

SERVER_TEST(test_http1__limits_are_answered, .body_bytes_max = 1000) {
    struct buf out = BUF_INIT;
    assert_status(s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", "HTTP/1.1 413");
    buf_lit(&out, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n");
    for (int i = 0; i < 1001; i++)
        buf_byte(&out, 'x');
    assert_status(s, buf_cstr(&out), "HTTP/1.1 413");
    buf_clear(&out);
    buf_lit(&out, "GET / HTTP/1.1\r\nHost: h\r\n");
    for (int i = 0; i < 200; i++)
        buf_printf(&out, "x-%d: y\r\n", i);
    buf_lit(&out, "\r\n");
    assert_status(s, buf_cstr(&out), "HTTP/1.1 431");
    buf_clear(&out);
    buf_lit(&out, "GET /");
    for (int i = 0; i < 70000; i++)
        buf_byte(&out, 'x');
    buf_lit(&out, " HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_status(s, buf_cstr(&out), "HTTP/1.1 431");
    buf_fini(&out);
}

SERVER_TEST(test_http1__slow_headers_are_cut_off, .header_timeout_ms = 100) {
    struct buf out = BUF_INIT;
    (void)talk(&out, s, "GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ", NULL);
    assert_int_equal(out.n, 0);
    buf_fini(&out);
}

SERVER_TEST(test_http1__slow_bodies_are_cut_off, .body_timeout_ms = 100) {
    struct buf out = BUF_INIT;
    (void)talk(&out, s, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc", NULL);
    assert_int_equal(out.n, 0);
    buf_fini(&out);
}

SERVER_TEST(test_http1__idle_connections_end, .idle_timeout_ms = 100) {
    struct buf out = BUF_INIT;
    struct str a = talk(&out, s, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n", NULL);
    assert_contains(a, "200 OK");
    buf_fini(&out);
}

SERVER_TEST(test_http1__too_many_connections_are_refused, .connections_max = 2) {
    struct test_conn c[3];
    struct buf out = BUF_INIT;
    for (int i = 0; i < 2; i++) {
        test_connect(&c[i], s, "http/1.1");
        test_send_text(&c[i], "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
        test_receive(&c[i], &out, "[]");
        buf_clear(&out);
    }
    test_connect(&c[2], s, "http/1.1");
    test_send_text(&c[2], "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    test_receive(&c[2], &out, NULL);
    assert_int_equal(out.n, 0);
    for (int i = 0; i < 3; i++)
        test_disconnect(&c[i]);
    buf_fini(&out);
}

static void wait_gone(unsigned n) {
    for (int i = 0; i < 5000 && test_server_gone() < n; i++)
        usleep(1000);
    assert_int_equal(test_server_gone(), n);
}

SERVER_TEST(test_http1__peer_that_leaves_is_noticed, .tls = false) {
    struct test_conn c;
    test_connect(&c, s, "http/1.1");
    test_send_text(&c, "GET /never HTTP/1.1\r\nHost: h\r\n\r\n");
    test_disconnect(&c);
    wait_gone(1);
}

SERVER_TEST(test_http1__slow_reader_of_a_stream_is_held_back, .tls = false) {
    struct test_conn c;
    struct buf out = BUF_INIT;
    test_connect(&c, s, "http/1.1");
    test_send_text(&c, "GET /stream?n=400000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    test_receive(&c, &out, "line 0\n");
    test_receive(&c, &out, NULL);
    assert_contains(buf_view(&out), "line 399999\n");
    test_disconnect(&c);
    buf_fini(&out);
}

SERVER_TEST(test_http1__upgrade_hands_over_the_bytes, .tls = false) {
    struct test_conn c;
    struct buf out = BUF_INIT;
    test_connect(&c, s, "http/1.1");
    test_send_text(&c,
                   "GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly");
    test_receive(&c, &out, "\r\n\r\nearly");
    assert_contains(buf_view(&out), "HTTP/1.1 101");
    test_send_text(&c, " and late");
    test_receive(&c, &out, "early and late");
    test_disconnect(&c);
    wait_gone(1);
    buf_fini(&out);
}

TEST(test_http1__draining_lets_requests_finish) {
    struct test_server s;
    struct test_conn c;
    struct buf out = BUF_INIT;
    test_server_start(&s, NULL);
    test_connect(&c, &s, "http/1.1");
    test_send_text(&c, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    test_receive(&c, &out, "[]");
    http_server_stop(s.server, 1000); /* the connection is idle: closed at once */
    buf_clear(&out);
    test_receive(&c, &out, NULL);
    assert_int_equal(out.n, 0);
    test_disconnect(&c);
    buf_fini(&out);
}

TEST(test_http1__streams_end_when_the_server_drains) {
    struct test_server s;
    struct test_conn c;
    struct buf out = BUF_INIT;
    test_server_start(&s, NULL);
    test_connect(&c, &s, "http/1.1");
    test_send_text(&c, "GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
    test_receive(&c, &out, "\r\n\r\n");
    http_server_stop(s.server, 5000); /* were it not ended, this would take that long */
    test_receive(&c, &out, NULL);
    assert_contains(buf_view(&out), "7\r\ndrained\r\n0\r\n\r\n");
    assert_int_equal(test_server_gone(), 0);
    test_disconnect(&c);
    buf_fini(&out);
}

SERVER_TEST(test_http1__upgraded_peer_may_finish_writing_first, .tls = false) {
    struct test_conn c;
    struct buf out = BUF_INIT;
    test_connect(&c, s, "http/1.1");
    test_send_text(&c,
                   "GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: half\r\n\r\nhello");
    test_shutdown(&c);
    test_receive(&c, &out, NULL);
    assert_true(str_has_suffix(buf_view(&out), S("\r\n\r\nhello, bye")));
    wait_gone(1);
    test_disconnect(&c);
    buf_fini(&out);
}

/* -- hostile -- */

SERVER_TEST(test_http1__reader_that_stops_amid_a_stream_is_left, .idle_timeout_ms = 100) {
    struct test_conn c;
    test_connect(&c, s, "http/1.1");
    test_send_text(&c, "GET /stream?n=4000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_gone(1);
    test_disconnect(&c);
}

SERVER_TEST(test_http1__slow_reader_of_a_large_answer_is_not_idle, .idle_timeout_ms = 300) {
    struct test_conn c;
    char part[100000];
    size_t all = 0;
    test_connect(&c, s, "http/1.1");
    test_send_text(&c, "GET /big?n=20000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    for (size_t n; (n = test_read(&c, part, sizeof part)) > 0; all += n)
        usleep(3000);
    assert_true(all > 20000000);
    test_disconnect(&c);
}

SERVER_TEST(test_http1__peer_that_leaves_amid_writes_is_safe, .tls = false) {
    for (int i = 0; i < 20; i++) {
        struct test_conn c;
        struct buf out = BUF_INIT;
        struct linger reset = {.l_onoff = 1};
        test_connect(&c, s, "http/1.1");
        test_send_text(&c, "GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
        test_receive(&c, &out, "\r\n\r\n");
        setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        test_disconnect(&c);
        buf_fini(&out);
    }
    struct buf out = BUF_INIT;
    talk(&out, s, "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", NULL);
    buf_fini(&out);
}

SERVER_TEST(test_http1__headers_cannot_split_an_answer, .tls = false) {
    struct buf out = BUF_INIT;
    struct str a = talk(&out, s, "GET /split HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", NULL);
    assert_contains(a, "warning: a  x-evil: 1\r\n");
    assert_true(str_find(a, S("\nx-evil")) < 0 && str_find(a, S("y-evil")) < 0);
    buf_fini(&out);
}

SERVER_TEST(test_http1__trailers_are_no_headers, .tls = false) {
    struct buf out = BUF_INIT;
    struct str a = talk(&out, s,
                        "POST /user HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                        "Connection: close\r\n\r\n0\r\nx-user: root\r\nx-more: 1\r\n\r\n",
                        NULL);
    assert_contains(a, "nobody");
    buf_fini(&out);
}

SERVER_TEST(test_http1__streams_of_head_requests_are_empty, .tls = false) {
    struct buf out = BUF_INIT;
    struct str a = talk(&out, s,
                        "HEAD /stream?n=2 HTTP/1.1\r\nHost: h\r\n\r\n"
                        "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                        NULL);
    assert_contains(a, "\r\n\r\nHTTP/1.1 200 OK\r\n");
    assert_true(str_find(a, S("line 0")) < 0);
    buf_fini(&out);
}

SERVER_TEST(test_http1__peer_that_finished_writing_gets_its_answer, .tls = false) {
    struct test_conn c;
    struct buf out = BUF_INIT;
    test_connect(&c, s, "http/1.1");
    test_send_text(&c, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
    shutdown(c.fd, SHUT_WR);
    test_receive(&c, &out, NULL);
    assert_contains(buf_view(&out), "GET /echo");
    test_disconnect(&c);
    buf_fini(&out);
}

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

SERVER_TEST(test_http1__no_file_descriptors_left_does_not_spin, .tls = false) {
    struct rlimit old, none;
    struct test_conn c;
    getrlimit(RLIMIT_NOFILE, &old);
    int probe = socket(AF_INET, SOCK_STREAM, 0); /* the client's takes its place */
    close(probe);
    none = (struct rlimit){(rlim_t)probe + 1, old.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    test_connect(&c, s, "http/1.1");
    double before = cpu_seconds();
    usleep(500000);
    double used = cpu_seconds() - before;
    setrlimit(RLIMIT_NOFILE, &old);
    struct buf out = BUF_INIT;
    test_send_text(&c, "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    test_receive(&c, &out, NULL);
    assert_contains(buf_view(&out), "GET /echo");
    test_disconnect(&c);
    buf_fini(&out);
    assert_true(used < 0.25);
}
