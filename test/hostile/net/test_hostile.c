/* What one client, or ten thousand, can do to the server: each test ends with a well-behaved client that is
 * answered. Memory is that of this whole process, so the client's share is in it. */
#include <fcntl.h>
#include <malloc.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "unit/unit.h"

#define REQUEST "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n"
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"

#define HOSTILE_TEST(name, ...)                                                                              \
    static void name##_with(struct test_server *s);                                                          \
    TEST(name) {                                                                                             \
        struct test_server s;                                                                                \
        test_server_start(&s, &(struct test_server_options){__VA_ARGS__});                                   \
        name##_with(&s);                                                                                     \
        still_serves(&s);                                                                                    \
        test_server_stop(&s);                                                                                \
    }                                                                                                        \
    static void name##_with(struct test_server *s)

static void still_serves(const struct test_server *s) {
    struct test_conn c;
    struct buf out = BUF_INIT;
    test_connect(&c, s, "http/1.1");
    test_send_text(&c, REQUEST);
    test_receive(&c, &out, "GET /echo");
    test_disconnect(&c);
    buf_fini(&out);
}

static size_t memory_bytes(void) {
    long pages = 0;
    (void)malloc_trim(0); /* so that tests do not live on what earlier ones freed */
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*d %ld", &pages), 1);
    fclose(f);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Sanitizers keep what was freed, and a shadow of everything. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_FACTOR 20
#else
#define MEMORY_FACTOR 1
#endif

static void assert_grew_less(size_t before, size_t limit, const char *what, size_t n) {
    size_t after = memory_bytes(), grew = after > before ? after - before : 0;
    printf("    %zu %s: %zu KiB, %zu bytes each\n", n, what, grew / 1024, grew / n);
    if (grew > limit * MEMORY_FACTOR)
        fail_msg("%zu %s took %zu bytes, more than %zu", n, what, grew, limit);
}

/* How many connections this process may have to itself. */
static size_t connections_possible(size_t wanted) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    size_t possible = limit.rlim_cur > 300 ? (limit.rlim_cur - 200) / 2 : 50;
    return possible < wanted ? possible : wanted;
}

struct many {
    struct test_conn *v;
    size_t n;
};

static struct many connect_many(const struct test_server *s, size_t wanted) {
    struct many m = {.n = connections_possible(wanted)};
    m.v = calloc(m.n, sizeof *m.v);
    assert_non_null(m.v);
    for (size_t i = 0; i < m.n; i++)
        test_connect(&m.v[i], s, "http/1.1");
    return m;
}

static void disconnect_many(struct many *m) {
    for (size_t i = 0; i < m->n; i++)
        test_disconnect(&m->v[i]);
    free(m->v);
}

/* -- idle connections -- */

HOSTILE_TEST(test_hostile__ten_thousand_idle_connections, .idle_timeout_ms = 60000) {
    struct buf out = BUF_INIT;
    still_serves(s);
    size_t before = memory_bytes();
    struct many m = connect_many(s, 10000);
    for (size_t i = 0; i < m.n; i++)
        test_send_text(&m.v[i], REQUEST);
    for (size_t i = 0; i < m.n; i++) {
        buf_clear(&out);
        test_receive(&m.v[i], &out, "GET /echo");
    }
    assert_grew_less(before, m.n * 4096, "idle connections", m.n);
    still_serves(s);
    disconnect_many(&m);
    buf_fini(&out);
}

HOSTILE_TEST(test_hostile__large_requests_leave_nothing_behind, .idle_timeout_ms = 60000) {
    struct buf out = BUF_INIT, request = BUF_INIT;
    buf_lit(&request, "GET /echo HTTP/1.1\r\nHost: h\r\nx: ");
    for (int i = 0; i < 60000; i++)
        buf_byte(&request, 'x');
    buf_lit(&request, "\r\n\r\n");
    still_serves(s);
    size_t before = memory_bytes();
    struct many m = connect_many(s, 2000);
    for (size_t i = 0; i < m.n; i++) {
        test_send(&m.v[i], request.p, request.n);
        buf_clear(&out);
        test_receive(&m.v[i], &out, "GET /echo");
    }
    assert_grew_less(before, m.n * 8192, "connections after large requests", m.n);
    disconnect_many(&m);
    buf_fini(&out);
    buf_fini(&request);
}

/* Waits until the server has closed it. */
static void assert_closed(struct test_conn *c) {
    char sink[4096];
    while (test_read(c, sink, sizeof sink) > 0)
        continue;
}

HOSTILE_TEST(test_hostile__slow_headers_of_many, .header_timeout_ms = 400) {
    struct many m = connect_many(s, 500);
    static const char slow[] = "GET / HTTP/1.1\r\nHost: h\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (size_t k = 0; k < sizeof slow - 1; k++) { /* a byte each now and then does not help */
        for (size_t i = 0; i < m.n; i++)
            test_send(&m.v[i], slow + k, 1);
        if (k % 8 == 0)
            still_serves(s);
        usleep(5000);
    }
    for (size_t i = 0; i < m.n; i++)
        assert_closed(&m.v[i]);
    disconnect_many(&m);
}

HOSTILE_TEST(test_hostile__handshakes_that_do_not_end, .tls = true, .header_timeout_ms = 200) {
    struct test_server plain = *s;
    plain.cert[0] = '\0'; /* the client is to speak no TLS */
    struct many m = connect_many(&plain, 200);
    for (size_t i = 0; i < m.n; i++)
        test_send(&m.v[i], "\x16\x03\x01\x02\x00\x01", i % 7);
    for (size_t i = 0; i < m.n; i++)
        assert_closed(&m.v[i]);
    disconnect_many(&m);
}

/* -- readers -- */

HOSTILE_TEST(test_hostile__readers_that_do_not_read, .idle_timeout_ms = 60000) {
    size_t before = memory_bytes();
    struct many m = connect_many(s, 50);
    for (size_t i = 0; i < m.n; i++)
        test_send_text(&m.v[i], "GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
    usleep(500000);
    assert_grew_less(before, m.n * 1200000, "streams that nobody reads", m.n);
    disconnect_many(&m);
}

/* -- HTTP/2 -- */

static void put_frame(struct buf *b, uint8_t type, uint8_t flags, uint32_t id, const void *p, size_t n) {
    const char head[9] = {(char)(n >> 16),  (char)(n >> 8),   (char)n,         (char)type, (char)flags,
                          (char)(id >> 24), (char)(id >> 16), (char)(id >> 8), (char)id};
    buf_put(b, head, sizeof head);
    buf_put(b, p, n);
}

static void put_request(struct buf *b, uint32_t id, const char *path) {
    _cleanup_buf struct buf block = BUF_INIT;
    buf_lit(&block, "\x82\x87\x04"); /* GET, https, path */
    buf_byte(&block, (char)strlen(path));
    buf_str(&block, str_from(path));
    buf_lit(&block, "\x41\x01h"); /* authority */
    put_frame(b, NGHTTP2_HEADERS, 5, id, block.p, block.n);
}

static void connect_h2(struct test_conn *c, const struct test_server *s, const struct buf *frames) {
    test_connect(c, s, "h2");
    test_send(c, PREFACE, sizeof PREFACE - 1);
    test_send(c, frames->p, frames->n);
}

HOSTILE_TEST(test_hostile__five_thousand_watches, .idle_timeout_ms = 60000) {
    enum { CONNECTIONS = 20, STREAMS = HTTP2_STREAMS_MAX };
    struct test_conn c[CONNECTIONS];
    struct buf frames = BUF_INIT;
    for (uint32_t i = 0; i < STREAMS; i++)
        put_request(&frames, 1 + 2 * i, "/begin");
    put_frame(&frames, NGHTTP2_PING, 0, 0, "watching", 8);
    still_serves(s);
    size_t before = memory_bytes();
    for (int i = 0; i < CONNECTIONS; i++) {
        struct buf out = BUF_INIT;
        connect_h2(&c[i], s, &frames);
        test_receive(&c[i], &out, "watching");
        buf_fini(&out);
    }
    usleep(200000); /* the streams begin from posted messages */
    assert_grew_less(before, CONNECTIONS * STREAMS * 10000, "watches", CONNECTIONS * STREAMS);
    still_serves(s);
    for (int i = 0; i < CONNECTIONS; i++)
        test_disconnect(&c[i]);
    buf_fini(&frames);
}

/* Sends the frames again and again without reading, until the server closes or stops reading. */
static void flood(const struct test_server *s, const struct buf *first, const struct buf *frames,
                  unsigned times, const char *what) {
    struct test_conn c;
    size_t before = memory_bytes();
    struct timeval limit = {.tv_usec = 300000};
    connect_h2(&c, s, first);
    setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    for (unsigned i = 0; i < times; i++)
        test_send(&c, frames->p, frames->n);
    still_serves(s);
    assert_grew_less(before, 8000000, what, 1);
    test_disconnect(&c);
}

HOSTILE_TEST(test_hostile__floods_of_frames_that_want_answers, .idle_timeout_ms = 60000) {
    struct buf none = BUF_INIT, b = BUF_INIT;
    for (int i = 0; i < 1000; i++)
        put_frame(&b, NGHTTP2_PING, 0, 0, "12345678", 8);
    flood(s, &none, &b, 100, "flood of pings");
    buf_clear(&b);
    for (int i = 0; i < 1000; i++)
        put_frame(&b, NGHTTP2_SETTINGS, 0, 0, "\0\4\0\0\x10\0", 6);
    flood(s, &none, &b, 100, "flood of settings");
    buf_fini(&b);
}

HOSTILE_TEST(test_hostile__header_block_without_end, .idle_timeout_ms = 60000) {
    struct buf first = BUF_INIT, b = BUF_INIT;
    put_frame(&first, NGHTTP2_HEADERS, 1, 1, "\x82\x87", 2);
    for (int i = 0; i < 1000; i++)
        put_frame(&b, NGHTTP2_CONTINUATION, 0, 1, "\x40\x01y\x01z", 5);
    flood(s, &first, &b, 100, "endless header block");
    buf_fini(&first);
    buf_fini(&b);
}

/* A header of 4,000 bytes goes into the table once, and is named by one byte ever after. */
HOSTILE_TEST(test_hostile__headers_that_grow, .idle_timeout_ms = 60000) {
    struct buf block = BUF_INIT, b = BUF_INIT;
    struct test_conn c;
    buf_lit(&block, "\x82\x87\x84\x41\x01h\x40\x01x\x7f\xa1\x1e"); /* 127 + 3873 bytes follow */
    for (int i = 0; i < 4000; i++)
        buf_byte(&block, 'x');
    for (int i = 0; i < 12000; i++)
        buf_byte(&block, (char)0xbe);
    put_frame(&b, NGHTTP2_HEADERS, 5, 1, block.p, block.n);
    size_t before = memory_bytes();
    connect_h2(&c, s, &b);
    still_serves(s);
    assert_grew_less(before, 4000000, "header bomb", 1);
    test_disconnect(&c);
    buf_fini(&b);
    buf_fini(&block);
}

/* CONFORMS: CVE-2025-8671: frames that make the server reset the streams it has just begun to serve. */
HOSTILE_TEST(test_hostile__resets_that_the_server_is_made_to_send, .idle_timeout_ms = 60000) {
    struct test_conn c;
    struct buf b = BUF_INIT;
    for (uint32_t id = 1; id < 4001; id += 2) {
        put_request(&b, id, "/never");
        put_frame(&b, NGHTTP2_WINDOW_UPDATE, 0, id, "\x7f\xff\xff\xff", 4);
    }
    connect_h2(&c, s, &b);
    assert_closed(&c);
    assert_true(test_server_gone() <= 600);
    test_disconnect(&c);
    buf_fini(&b);
}

HOSTILE_TEST(test_hostile__bodies_that_never_end, .idle_timeout_ms = 60000) {
    enum { STREAMS = 200 };
    struct test_conn c;
    struct buf b = BUF_INIT;
    static char piece[16384];
    size_t before = memory_bytes();
    for (uint32_t i = 0; i < STREAMS; i++)
        put_frame(&b, NGHTTP2_HEADERS, 4, 1 + 2 * i, "\x83\x87\x84\x41\x01h", 6);
    connect_h2(&c, s, &b);
    buf_clear(&b);
    int flags = fcntl(c.fd, F_GETFL);
    fcntl(c.fd, F_SETFL, flags | O_NONBLOCK);
    for (int k = 0; k < 4000; k++) { /* as far as the windows go, and beyond */
        char sink[65536];
        buf_clear(&b);
        put_frame(&b, NGHTTP2_DATA, 0, 1 + 2 * (uint32_t)(k % STREAMS), piece, sizeof piece);
        for (size_t at = 0; at < b.n;) {
            ssize_t n = send(c.fd, b.p + at, b.n - at, MSG_NOSIGNAL);
            if (n < 0 && recv(c.fd, sink, sizeof sink, 0) == 0)
                break;
            at += n > 0 ? (size_t)n : 0;
            if (n < 0 && k > 3500)
                break;
        }
        while (recv(c.fd, sink, sizeof sink, 0) > 0)
            continue;
    }
    still_serves(s);
    assert_grew_less(before, 60000000, "bytes of bodies", 4000 * sizeof piece);
    test_disconnect(&c);
    buf_fini(&b);
}
