/* HTTP/2 with nghttp2's client side as the peer. */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "unit/unit.h"

#define STREAMS 300

struct peer {
    struct test_conn conn;
    nghttp2_session *session;
    struct {
        struct buf body;
        int status;
        bool closed;
        uint32_t error;
    } streams[STREAMS];
    unsigned closed;
    bool goaway, read_nothing;
    uint32_t goaway_error;
};

static ssize_t on_send(nghttp2_session *s, const uint8_t *data, size_t n, int flags, void *arg) {
    (void)s;
    (void)flags;
    test_send(&((struct peer *)arg)->conn, data, n);
    return (ssize_t)n;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *arg) {
    (void)s;
    (void)flags;
    buf_put(&((struct peer *)arg)->streams[id / 2].body, data, n);
    return 0;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
                     const uint8_t *value, size_t value_n, uint8_t flags, void *arg) {
    (void)s;
    (void)flags;
    int64_t status = 0;
    if (str_eq(str_make((const char *)name, name_n), S(":status")) &&
        str_to_i64(str_make((const char *)value, value_n), &status))
        ((struct peer *)arg)->streams[f->hd.stream_id / 2].status = (int)status;
    return 0;
}

static int on_close(nghttp2_session *s, int32_t id, uint32_t error, void *arg) {
    struct peer *p = arg;
    (void)s;
    p->streams[id / 2].closed = true;
    p->streams[id / 2].error = error;
    p->closed++;
    return 0;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *arg) {
    struct peer *p = arg;
    (void)s;
    if (f->hd.type == NGHTTP2_GOAWAY) {
        p->goaway = true;
        p->goaway_error = f->goaway.error_code;
    }
    return 0;
}

static void peer_open(struct peer *p, const struct test_server *s) {
    nghttp2_session_callbacks *cb;
    memset(p, 0, sizeof *p);
    test_connect(&p->conn, s, "h2");
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_send_callback(cb, on_send);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_client_new(&p->session, cb, p);
    nghttp2_session_callbacks_del(cb);
    nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20};
    nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, &window, 1);
}

static void peer_close(struct peer *p) {
    nghttp2_session_del(p->session);
    test_disconnect(&p->conn);
    for (int i = 0; i < STREAMS; i++)
        buf_fini(&p->streams[i].body);
}

/* Reads frames without giving any room back, until n streams are closed. */
static void peer_read_until_reset(struct peer *p, unsigned n) {
    uint8_t buffer[16384];
    while (p->closed < n) {
        size_t got = test_read(&p->conn, buffer, sizeof buffer);
        assert_true(got > 0 && nghttp2_session_mem_recv(p->session, buffer, got) > 0);
    }
}

static nghttp2_nv nv(const char *name, const char *value) {
    return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static int32_t peer_get(struct peer *p, const char *path) {
    nghttp2_nv h[] = {nv(":method", "GET"), nv(":scheme", "https"), nv(":authority", "h"), nv(":path", path)};
    return nghttp2_submit_request(p->session, NULL, h, 4, NULL, NULL);
}

/* Sends what is queued and reads until n streams are closed, or the connection ends. */
static void peer_run(struct peer *p, unsigned n) {
    uint8_t buffer[16384];
    nghttp2_session_send(p->session);
    while (p->closed < n && !p->goaway) {
        size_t got = test_read(&p->conn, buffer, sizeof buffer);
        if (got == 0 || nghttp2_session_mem_recv(p->session, buffer, got) < 0)
            break;
        nghttp2_session_send(p->session);
    }
}

#define H2_TEST(name, ...)                                                                                   \
    static void name##_with(struct test_server *s, struct peer *p);                                          \
    TEST(name) {                                                                                             \
        struct test_server s;                                                                                \
        static struct peer p;                                                                                \
        test_server_start(&s, &(struct test_server_options){__VA_ARGS__});                                   \
        peer_open(&p, &s);                                                                                   \
        name##_with(&s, &p);                                                                                 \
        peer_close(&p);                                                                                      \
        test_server_stop(&s);                                                                                \
    }                                                                                                        \
    static void name##_with(struct test_server *s, struct peer *p)

H2_TEST(test_http2__requests_share_a_connection, .tls = true) {
    (void)s;
    for (int i = 0; i < 100; i++)
        peer_get(p, i % 2 ? "/echo?odd" : "/later");
    peer_run(p, 100);
    assert_int_equal(p->closed, 100);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(p->streams[i].status, 200);
        assert_str(buf_view(&p->streams[i].body), i % 2 ? "GET /echo ?odd []" : "later");
    }
}

H2_TEST(test_http2__plain_with_prior_knowledge, .tls = false) {
    (void)s;
    peer_get(p, "/echo");
    peer_run(p, 1);
    assert_int_equal(p->streams[0].status, 200);
}

H2_TEST(test_http2__large_answers_and_streams_arrive_whole, .tls = true) {
    (void)s;
    peer_get(p, "/big?n=3000000");
    peer_get(p, "/stream?n=50000");
    peer_run(p, 2);
    assert_int_equal(p->streams[0].body.n, 3000000);
    assert_true(str_has_suffix(buf_view(&p->streams[1].body), S("line 49999\n")));
}

struct upload {
    size_t left;
    bool never_ends;
};

static ssize_t read_upload(nghttp2_session *s, int32_t id, uint8_t *to, size_t n, uint32_t *flags,
                           nghttp2_data_source *source, void *arg) {
    struct upload *u = source->ptr;
    (void)s;
    (void)id;
    (void)arg;
    size_t part = u->left < n ? u->left : n;
    if (part == 0 && u->never_ends)
        return NGHTTP2_ERR_DEFERRED;
    memset(to, 'y', part);
    u->left -= part;
    if (u->left == 0 && !u->never_ends)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)part;
}

static void post(struct peer *p, struct upload *u) {
    nghttp2_nv h[] = {nv(":method", "POST"), nv(":scheme", "https"), nv(":authority", "h"),
                      nv(":path", "/echo")};
    nghttp2_data_provider source = {.source = {.ptr = u}, .read_callback = read_upload};
    nghttp2_submit_request(p->session, NULL, h, 4, &source, NULL);
}

H2_TEST(test_http2__bodies_are_bounded, .tls = true, .body_bytes_max = 100000) {
    struct upload fits = {100000}, too_large = {100001};
    (void)s;
    post(p, &fits);
    post(p, &too_large);
    peer_run(p, 2);
    assert_int_equal(p->streams[0].status, 200);
    assert_int_equal(p->streams[0].body.n, 100000 + strlen("POST /echo ? []"));
    assert_int_equal(p->streams[1].status, 413);
}

/* A stream that never ends its headers or its body; `head`: whether the headers are complete. */
static void send_open(struct peer *p, uint32_t id, bool head) {
    static const uint8_t block[] = "\x83\x87\x04\x05/echo\x41\x01h"; /* POST, https, /echo, authority h */
    enum { BLOCK = sizeof block - 1 };
    uint8_t frame[9 + BLOCK] = {0, 0, BLOCK, NGHTTP2_HEADERS, head ? 4 : 0, 0, 0, 0, (uint8_t)id};
    memcpy(frame + 9, block, BLOCK);
    test_send(&p->conn, frame, sizeof frame);
}

H2_TEST(test_http2__slow_bodies_are_answered, .tls = true, .body_timeout_ms = 100) {
    (void)s;
    struct upload half = {.left = 100, .never_ends = true};
    post(p, &half);
    peer_run(p, 1);
    assert_int_equal(p->streams[0].status, 408);
    peer_get(p, "/echo");
    peer_run(p, 2);
    assert_int_equal(p->streams[1].status, 200);
}

H2_TEST(test_http2__slow_headers_end_the_connection, .tls = true, .header_timeout_ms = 100) {
    (void)s;
    uint8_t buffer[16384];
    peer_get(p, "/never"); /* that another request is being answered does not matter */
    nghttp2_session_send(p->session);
    send_open(p, 3, false);
    while (test_read(&p->conn, buffer, sizeof buffer) > 0)
        continue;
    assert_int_equal(test_server_gone(), 1);
}

H2_TEST(test_http2__peer_that_opens_no_window_is_left, .tls = true, .idle_timeout_ms = 100) {
    (void)s;
    peer_get(p, "/big?n=3000000");
    nghttp2_session_send(p->session);
    peer_read_until_reset(p, 1);
    assert_int_equal(p->streams[0].error, NGHTTP2_CANCEL);
}

H2_TEST(test_http2__bodies_of_a_connection_share_a_budget, .tls = true, .body_bytes_max = 100000) {
    (void)s;
    struct upload parts[12];
    for (int i = 0; i < 12; i++) {
        parts[i] = (struct upload){.left = 90000, .never_ends = true};
        post(p, &parts[i]);
    }
    peer_run(p, 1);
    unsigned refused = 0;
    for (int i = 0; i < 12; i++)
        refused += p->streams[i].status == 429;
    assert_true(refused >= 1);
}

/* A stream whose window overflows is reset by the server, which it may find out while a handler writes. */
H2_TEST(test_http2__reset_amid_writes_is_told_later, .tls = false) {
    static const uint8_t overflow[13] = {0,    0,    4,   NGHTTP2_WINDOW_UPDATE, 0, 0, 0, 0, 1, 0x7f,
                                         0xff, 0xff, 0xff};
    peer_close(p);
    for (int i = 0; i < 20; i++) {
        uint8_t buffer[16384];
        peer_open(p, s);
        peer_get(p, "/events");
        nghttp2_session_send(p->session);
        for (int k = 0; k < 1 + i % 5; k++) {
            size_t got = test_read(&p->conn, buffer, sizeof buffer);
            assert_true(got > 0 && nghttp2_session_mem_recv(p->session, buffer, got) > 0);
        }
        test_send(&p->conn, overflow, sizeof overflow);
        peer_run(p, 1);
        assert_true(p->closed == 1);
        peer_close(p);
    }
    peer_open(p, s);
}

H2_TEST(test_http2__requests_in_flight_finish_when_the_server_stops, .tls = true) {
    peer_get(p, "/held");
    nghttp2_session_send(p->session);
    uint8_t buffer[16384];
    while (p->streams[0].status == 0) {
        size_t got = test_read(&p->conn, buffer, sizeof buffer);
        assert_true(got > 0 && nghttp2_session_mem_recv(p->session, buffer, got) > 0);
    }
    http_server_stop(s->server, 5000);
    while (p->closed == 0 || !p->goaway) {
        size_t got = test_read(&p->conn, buffer, sizeof buffer);
        assert_true(got > 0 && nghttp2_session_mem_recv(p->session, buffer, got) > 0);
    }
    assert_true(p->goaway);
    assert_str_equal(buf_view(&p->streams[0].body), S("drained"));
    assert_int_equal(p->streams[0].error, NGHTTP2_NO_ERROR);
    test_server_start(s, &(struct test_server_options){.tls = false});
}

H2_TEST(test_http2__answer_before_the_body_ends_the_stream, .tls = true, .body_bytes_max = 1000) {
    (void)s;
    struct upload large = {.left = 5000, .never_ends = true};
    post(p, &large);
    peer_run(p, 1);
    assert_int_equal(p->streams[0].status, 413);
    assert_int_equal(p->streams[0].error, NGHTTP2_NO_ERROR);
}

H2_TEST(test_http2__reset_stream_tells_the_handler, .tls = true) {
    (void)s;
    int32_t id = peer_get(p, "/never");
    peer_get(p, "/echo");
    peer_run(p, 1);
    nghttp2_submit_rst_stream(p->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    nghttp2_session_send(p->session);
    for (int i = 0; i < 5000 && test_server_gone() < 1; i++)
        usleep(1000);
    assert_int_equal(test_server_gone(), 1);
}

H2_TEST(test_http2__reset_while_bytes_wait_is_safe, .tls = true) {
    (void)s;
    for (int i = 0; i < 20; i++)
        peer_get(p, "/big?n=2000000");
    nghttp2_session_send(p->session);
    uint8_t first[1000]; /* some of it is on its way */
    assert_true(nghttp2_session_mem_recv(p->session, first, test_read(&p->conn, first, sizeof first)) > 0);
    for (int i = 0; i < 20; i++)
        nghttp2_submit_rst_stream(p->session, NGHTTP2_FLAG_NONE, 1 + 2 * i, NGHTTP2_CANCEL);
    peer_get(p, "/echo");
    peer_run(p, 21);
    assert_int_equal(p->streams[20].status, 200);
}

/* Opens a stream and takes it back at once, by hand: nghttp2's client would count them. */
static void send_open_and_reset(struct peer *p, uint32_t id) {
    static const uint8_t block[] = "\x82\x87\x04\x06/never\x41\x01h"; /* GET, https, /never, authority h */
    enum { BLOCK = sizeof block - 1 };
    uint8_t ids[4] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
    uint8_t frames[9 + BLOCK + 13] = {0, 0, BLOCK, NGHTTP2_HEADERS, 5, ids[0], ids[1], ids[2], ids[3]};
    const uint8_t reset[13] = {0, 0, 4, NGHTTP2_RST_STREAM, 0, ids[0], ids[1], ids[2], ids[3],
                               0, 0, 0, NGHTTP2_CANCEL};
    memcpy(frames + 9, block, BLOCK);
    memcpy(frames + 9 + BLOCK, reset, sizeof reset);
    test_send(&p->conn, frames, sizeof frames);
}

H2_TEST(test_http2__rapid_reset_ends_the_connection, .tls = true) {
    (void)s;
    uint8_t buffer[16384];
    peer_get(p, "/echo");
    peer_run(p, 1);
    for (uint32_t id = 3; id < 4003; id += 2)
        send_open_and_reset(p, id);
    while (test_read(&p->conn, buffer, sizeof buffer) > 0)
        continue;
    assert_true(test_server_gone() <= 501);
}

H2_TEST(test_http2__garbage_ends_the_connection, .tls = true) {
    (void)s;
    static const char garbage[100] = {1, 2, 3};
    peer_get(p, "/echo");
    peer_run(p, 1);
    test_send(&p->conn, garbage, sizeof garbage);
    char byte[1000];
    while (test_read(&p->conn, byte, sizeof byte) > 0)
        continue;
}

H2_TEST(test_http2__server_that_stops_says_so, .tls = true) {
    peer_get(p, "/echo");
    peer_run(p, 1);
    http_server_stop(s->server, 200);
    peer_run(p, 2);
    assert_true(p->goaway);
    assert_int_equal(p->goaway_error, NGHTTP2_NO_ERROR);
    test_server_start(s, &(struct test_server_options){.tls = false});
}

H2_TEST(test_http2__stream_begun_later_shows_its_head, .tls = true) {
    uint8_t buffer[16384];
    (void)s;
    peer_get(p, "/begin");
    nghttp2_session_send(p->session);
    while (p->streams[0].status == 0) {
        size_t got = test_read(&p->conn, buffer, sizeof buffer);
        assert_true(got > 0);
        assert_true(nghttp2_session_mem_recv(p->session, buffer, got) > 0);
        nghttp2_session_send(p->session);
    }
    assert_int_equal(p->streams[0].status, 200);
}

H2_TEST(test_http2__headers_cannot_split_an_answer, .tls = true) {
    (void)s;
    peer_get(p, "/split");
    peer_run(p, 1);
    assert_int_equal(p->streams[0].status, 200);
}
