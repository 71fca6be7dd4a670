/* See client.h. */
#include "client.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/loop.h"
#include "net/channels.h"
#include "unit/unit.h"

static atomic_uint gone;
static struct http_request *held; /* touched by its loop only, which is */
static _Atomic(struct loop *) held_by;

/* -- the handler -- */

static void answer_echo(struct http_request *r) {
    const struct http_in *in = http_in(r);
    struct str text = arena_printf(http_arena(r), "%.*s %.*s ?%.*s [%.*s]", STR_ARG(in->method_text),
                                   STR_ARG(in->path), STR_ARG(in->query), STR_ARG(in->body));
    http_respond_text(r, 200, S("text/plain"), text);
}

static uint64_t number(struct http_request *r) {
    uint64_t n = 0;
    (void)str_to_u64(http_query(r, S("n")), &n);
    return n;
}

static void answer_big(struct http_request *r) {
    size_t n = number(r);
    char *p = malloc(n + 1);
    check(p != NULL);
    memset(p, 'x', n);
    struct http_header h = {S("content-type"), S("text/plain")};
    struct http_chunk c = {.bytes = {p, n}, .release = free, .arg = p};
    http_respond(r, 200, &h, 1, &c, 1);
}

static void later(void *arg) {
    http_respond_text(arg, 200, S("text/plain"), S("later"));
}

struct stream {
    struct http_request *r;
    unsigned i, n;
    bool ended;
};

static void pump(void *user) {
    struct stream *s = user;
    while (s->i < s->n) {
        struct str line = arena_printf(http_arena(s->r), "line %u\n", s->i);
        struct http_chunk c = {.bytes = line};
        if (http_stream_write(s->r, &c, 1) < 0)
            return;
        s->i++;
    }
    if (!s->ended) {
        s->ended = true;
        http_stream_end(s->r);
    }
}

static void on_gone(void *user) {
    (void)user;
    atomic_fetch_add(&gone, 1);
}

static void answer_stream(struct http_request *r) {
    struct stream *s = arena_new(http_arena(r), struct stream);
    struct http_header h = {S("content-type"), S("text/plain")};
    *s = (struct stream){.r = r, .n = (unsigned)number(r)};
    http_set_user(r, s, on_gone);
    http_stream_begin(r, 200, &h, 1, pump);
    pump(s);
}

static void raw_data(void *user, struct str bytes) {
    struct http_request *r = user;
    struct http_chunk bye = {.bytes = S(", bye")};
    if (bytes.n == 0 && str_eq(http_header(r, S("upgrade")), S("half"))) {
        (void)http_raw_write(r, &bye, 1);
        http_raw_shutdown(r);
        return;
    }
    if (bytes.n == 0) {
        http_raw_close(r);
        return;
    }
    char *copy = malloc(bytes.n);
    check(copy != NULL);
    memcpy(copy, bytes.p, bytes.n);
    struct http_chunk c = {.bytes = {copy, bytes.n}, .release = free, .arg = copy};
    (void)http_raw_write(r, &c, 1);
}

static void raw_close(void *user, const struct err *why) {
    (void)user;
    (void)why;
    atomic_fetch_add(&gone, 1);
}

static const struct http_raw_ops raw_ops = {.on_data = raw_data, .on_close = raw_close};

static void answer_cert(struct http_request *r) {
    char name[128] = "none";
    const X509 *cert = http_in(r)->peer.cert;
    if (cert)
        X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
    http_respond_text(r, 200, S("text/plain"), str_from(name));
}

/* Begins a stream from a posted message and writes nothing. */
static void begin_later(void *arg) {
    http_stream_begin(arg, 200, NULL, 0, NULL);
}

/* Writes again and again until it is refused, as one does with an event for a watch. */
static void write_many(void *arg) {
    struct stream *s = arg;
    static char bytes[10000];
    bool end = s->ended || ++s->i == 200;
    for (int i = 0; i < 100 && !end; i++) {
        struct http_chunk c = {.bytes = {bytes, sizeof bytes}};
        if (http_stream_write(s->r, &c, 1) < 0)
            break;
        check(!s->ended); /* nobody is called back amid a write */
    }
    if (!end) {
        (void)loop_call(http_request_loop(s->r), write_many, s);
        return;
    }
    if (!s->ended)
        http_stream_end(s->r);
    free(s);
}

static void events_gone(void *user) {
    ((struct stream *)user)->ended = true;
    on_gone(user);
}

static void answer_events(struct http_request *r) {
    struct stream *s = calloc(1, sizeof *s);
    check(s != NULL);
    s->r = r;
    http_set_user(r, s, events_gone);
    http_stream_begin(r, 200, NULL, 0, NULL);
    (void)loop_call(http_request_loop(r), write_many, s);
}

static void answer_held(struct http_request *r) {
    http_set_user(r, r, on_gone);
    http_stream_begin(r, 200, NULL, 0, NULL);
    held = r;
    atomic_store(&held_by, http_request_loop(r));
}

static void on_drain(void *arg, struct loop *l) {
    (void)arg;
    if (atomic_load(&held_by) != l)
        return;
    struct http_request *r = held;
    atomic_store(&held_by, NULL);
    struct http_chunk last = {.bytes = S("drained")};
    (void)http_stream_write(r, &last, 1);
    http_stream_end(r);
}

/* -- channels that send back what comes -- */

struct echo {
    struct channels *channels;
    struct channel *out; /* a WebSocket's stdout */
};

static bool echo_open(void *user, struct channel *ch) {
    struct echo *e = user;
    check(e->channels == channel_owner(ch));
    if (str_eq(channel_header(ch, S("streamtype")), S("stdout"))) {
        e->out = ch;
        (void)channel_write(ch, S(""));
    }
    return true;
}

static void echo_data(void *user, struct channel *ch, struct str bytes) {
    struct echo *e = user;
    check(channel_write(e->out ? e->out : ch, bytes) == (int)bytes.n);
}

static void echo_end(void *user, struct channel *ch) {
    (void)user;
    channels_finish(channel_owner(ch));
}

static void echo_ignore(void *user, struct channel *ch) {
    (void)user;
    (void)ch;
}

static void echo_close(void *user, const struct err *why) {
    (void)why;
    free(user);
    atomic_fetch_add(&gone, 1);
}

static void answer_channels(struct http_request *r) {
    static const struct str spdy[] = {STR_INIT("v4.channel.k8s.io")};
    static const struct str websocket[] = {STR_INIT("v5.channel.k8s.io"), STR_INIT("v4.channel.k8s.io"),
                                           STR_INIT(""), STR_INIT("SPDY/3.1+portforward.k8s.io")};
    static const struct str types[] = {STR_INIT("stdin"), STR_INIT("stdout")};
    static const struct channels_ops ops = {echo_open,   echo_data,   echo_end,
                                            echo_ignore, echo_ignore, echo_close};
    static const struct channels_offer offer = {
        .spdy = spdy, .n_spdy = 1, .websocket = websocket, .n_websocket = 4, .types = types, .n_types = 2};
    struct echo *e = calloc(1, sizeof *e);
    struct err err = ERR_INIT;
    check(e != NULL);
    if (channels_upgrade(r, &offer, &ops, e, &e->channels, &err) < 0)
        free(e);
}

static void answer_split(struct http_request *r) {
    const struct http_header h[] = {{S("warning"), S("a\r\nx-evil: 1")}, {S("x\r\ny-evil"), S("1")}};
    http_respond(r, 200, h, 2, NULL, 0);
}

static void answer_header(struct http_request *r) {
    struct str v = http_header(r, S("x-user"));
    http_respond_text(r, 200, S("text/plain"), v.p ? v : S("nobody"));
}

static void handle(void *arg, struct http_request *r) {
    (void)arg;
    struct str path = http_in(r)->path;
    struct err err = ERR_INIT;
    if (str_eq(path, S("/big")))
        answer_big(r);
    else if (str_eq(path, S("/later")))
        (void)loop_call(http_request_loop(r), later, r);
    else if (str_eq(path, S("/stream")))
        answer_stream(r);
    else if (str_eq(path, S("/never")))
        http_set_user(r, r, on_gone);
    else if (str_eq(path, S("/upgrade")))
        check(http_upgrade(r, S("echo"), NULL, 0, &raw_ops, r, &err) == 0);
    else if (str_eq(path, S("/begin")))
        (void)loop_call(http_request_loop(r), begin_later, r);
    else if (str_eq(path, S("/events")))
        answer_events(r);
    else if (str_eq(path, S("/held")))
        answer_held(r);
    else if (str_eq(path, S("/channels")))
        answer_channels(r);
    else if (str_eq(path, S("/split")))
        answer_split(r);
    else if (str_eq(path, S("/user")))
        answer_header(r);
    else if (str_eq(path, S("/cert")))
        answer_cert(r);
    else
        answer_echo(r);
}

unsigned test_server_gone(void) {
    return atomic_load(&gone);
}

/* -- certificates -- */

static void write_pem(const char *path, X509 *cert, EVP_PKEY *key) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    if (cert)
        PEM_write_X509(f, cert);
    if (key)
        PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
}

/* One self-signed certificate serves as server's, client's and CA. */
static void make_certificate(struct test_server *s) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    snprintf(s->cert, sizeof s->cert, "%s/cert.pem", unit_tmpdir());
    snprintf(s->key, sizeof s->key, "%s/key.pem", unit_tmpdir());
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"tester", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    write_pem(s->cert, cert, NULL);
    write_pem(s->key, NULL, key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void test_server_start(struct test_server *s, const struct test_server_options *o) {
    static const struct test_server_options none;
    struct err err = ERR_INIT;
    o = o ? o : &none;
    *s = (struct test_server){0};
    atomic_store(&gone, 0);
    atomic_store(&held_by, NULL);
    struct http_server_options ho = {
        .address = S("127.0.0.1"),
        .loops = 2,
        .handler = handle,
        .on_drain = on_drain,
        .header_timeout_ms = o->header_timeout_ms,
        .body_timeout_ms = o->body_timeout_ms,
        .idle_timeout_ms = o->idle_timeout_ms,
        .connections_max = o->connections_max,
        .body_bytes_max = o->body_bytes_max,
    };
    if (o->tls) {
        make_certificate(s);
        ho.cert_path = s->cert;
        ho.key_path = s->key;
        ho.client_ca_path = s->cert;
    }
    assert_ok(http_server_start(&ho, &s->server, &err), &err);
}

void test_server_stop(struct test_server *s) {
    http_server_stop(s->server, 0);
}

/* -- the client -- */

static void start_tls(struct test_conn *c, const struct test_server *s, const char *alpn) {
    unsigned char protos[16];
    size_t n = strlen(alpn);
    c->ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_use_certificate_file(c->ctx, s->cert, SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(c->ctx, s->key, SSL_FILETYPE_PEM);
    protos[0] = (unsigned char)n;
    memcpy(protos + 1, alpn, n);
    c->ssl = SSL_new(c->ctx);
    SSL_set_alpn_protos(c->ssl, protos, (unsigned)n + 1);
    SSL_set_fd(c->ssl, c->fd);
    assert_int_equal(SSL_connect(c->ssl), 1);
}

void test_connect(struct test_conn *c, const struct test_server *s, const char *alpn) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(http_server_port(s->server))};
    struct timeval limit = {.tv_sec = 10};
    *c = (struct test_conn){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&a, sizeof a), 0);
    if (s->cert[0])
        start_tls(c, s, alpn);
}

void test_disconnect(struct test_conn *c) {
    if (c->ssl)
        SSL_free(c->ssl);
    if (c->ctx)
        SSL_CTX_free(c->ctx);
    close(c->fd);
}

void test_shutdown(struct test_conn *c) {
    if (c->ssl)
        (void)SSL_shutdown(c->ssl);
    shutdown(c->fd, SHUT_WR);
}

void test_send(struct test_conn *c, const void *p, size_t n) {
    for (size_t done = 0; done < n;) {
        ssize_t r = c->ssl ? SSL_write(c->ssl, (const char *)p + done, (int)(n - done))
                           : send(c->fd, (const char *)p + done, n - done, MSG_NOSIGNAL);
        if (r <= 0)
            return; /* the server refused and closed */
        done += (size_t)r;
    }
}

void test_send_text(struct test_conn *c, const char *text) {
    test_send(c, text, strlen(text));
}

size_t test_read(struct test_conn *c, void *p, size_t n) {
    ssize_t r = c->ssl ? SSL_read(c->ssl, p, (int)n) : recv(c->fd, p, n, 0);
    return r > 0 ? (size_t)r : 0;
}

void test_receive(struct test_conn *c, struct buf *into, const char *until) {
    char part[16384];
    while (!until || str_find(buf_view(into), str_from(until)) < 0) {
        size_t n = test_read(c, part, sizeof part);
        if (n == 0) {
            if (until)
                fail_msg("closed before \"%s\": %.*s", until, STR_ARG(buf_view(into)));
            return;
        }
        buf_put(into, part, n);
    }
}
