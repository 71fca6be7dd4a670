/* test/unit/net/client: a small blocking client and an echoing server for tests of net/. Everything on
 * loopback. */
#pragma once

#include <openssl/ssl.h>

#include "base/buf.h"
#include "net/http.h"

/* A server whose handler answers by path:
 *   /echo            method, path, query and body as text
 *   /big?n=N         N bytes of 'x'
 *   /later           answers from a posted message
 *   /stream?n=N      N chunks "line i\n"
 *   /never           does not answer; counts gone requests
 *   /upgrade         echoes raw bytes
 *   /begin           begins a stream from a posted message and writes nothing
 *   /events          writes to a stream from posted messages, many times each
 *   /split           headers that try to split the answer
 *   /user            the header x-user
 *   /held            begins a stream that ends when the server drains
 *   /channels        channels that send back what comes
 *   /cert            the common name of the client's certificate
 */
struct test_server {
    struct http_server *server;
    char cert[300], key[300], ca[300]; /* files; empty without TLS */
};

struct test_server_options {
    bool tls;
    unsigned header_timeout_ms, body_timeout_ms, idle_timeout_ms, connections_max;
    size_t body_bytes_max;
};

void test_server_start(struct test_server *s, const struct test_server_options *o);
void test_server_stop(struct test_server *s);

/* Requests whose peer went away. */
unsigned test_server_gone(void);

/* Connects; with tls, offers the given ALPN protocol ("h2", "http/1.1"). */
struct test_conn {
    int fd;
    SSL *ssl;
    SSL_CTX *ctx;
};
void test_connect(struct test_conn *c, const struct test_server *s, const char *alpn);
void test_disconnect(struct test_conn *c);
void test_shutdown(struct test_conn *c); /* finishes writing */
void test_send(struct test_conn *c, const void *p, size_t n);
void test_send_text(struct test_conn *c, const char *text);

/* Reads until the peer closes or `until` was seen (NULL: until closed). Fails the test after 10 s. */
void test_receive(struct test_conn *c, struct buf *into, const char *until);

/* One read; 0 at the end. */
size_t test_read(struct test_conn *c, void *p, size_t n);
