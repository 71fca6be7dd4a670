/* Connections to kubelets. See backend.h. */
#include "net/backend.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <http_parser.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/timefmt.h"
#include "base/vec.h"

#define READ_BYTES (32u * 1024)
#define CONNECT_TIMEOUT_NS (10 * NS_PER_SEC)
#define HEAD_TIMEOUT_MS 60000u
#define READS_AT_ONCE 8 /* then others of the loop have their turn */

enum backend_state { B_CONNECTING, B_HANDSHAKE, B_OPEN };

struct backend {
    uv_poll_t poll;
    struct loop *loop;
    int fd;
    SSL *ssl;
    enum backend_state state;
    const struct backend_ops *ops;
    void *user;
    struct buf out;
    size_t sent; /* of out */
    bool paused, shut, was_full;
    bool no_body;
    bool upgraded, head_done, complete, ended, closed;
    bool want_write; /* TLS wants to write to go on reading */
    unsigned depth;  /* callbacks on the stack */
    struct timer timer;
    unsigned head_timeout_ms;
    /* the answer */
    http_parser parser;
    struct arena arena;
    VEC(struct http_header) headers;
    struct buf name, value;
    bool in_value;
    size_t head_bytes;
    struct err err;
};

static void run(struct backend *b);

/* -- the end -- */

static void on_closed(uv_handle_t *h) {
    struct backend *b = h->data;
    if (b->ssl)
        SSL_free(b->ssl);
    close(b->fd);
    buf_fini(&b->out);
    buf_fini(&b->name);
    buf_fini(&b->value);
    arena_fini(&b->arena);
    free(b);
}

static void free_now(struct backend *b) {
    loop_timer_stop(b->loop, &b->timer);
    (void)uv_poll_stop(&b->poll);
    uv_close((uv_handle_t *)&b->poll, on_closed);
}

void backend_close(struct backend *b) {
    if (!b || b->closed)
        return;
    b->closed = true;
    if (b->depth == 0)
        free_now(b);
}

static void enter(struct backend *b) {
    b->depth++;
}

static void leave(struct backend *b) {
    if (--b->depth == 0 && b->closed)
        free_now(b);
}

static void end(struct backend *b, const struct err *why) {
    if (b->ended || b->closed)
        return;
    b->ended = true;
    loop_timer_stop(b->loop, &b->timer);
    b->ops->on_end(b->user, why);
}

static void fail(struct backend *b, int code, const char *what) {
    struct err err = ERR_INIT;
    err_set(&err, code, "%s", what);
    end(b, &err);
}

/* -- the answer's head -- */

static void keep_header(struct backend *b) {
    if (b->name.n == 0)
        return;
    struct str name = buf_to_arena(&b->name, &b->arena);
    for (size_t i = 0; i < name.n; i++)
        ((char *)name.p)[i] = (char)tolower((unsigned char)name.p[i]);
    if (b->headers.n < HTTP_HEADERS_MAX)
        vec_push_in(&b->arena, &b->headers, ((struct http_header){name, buf_to_arena(&b->value, &b->arena)}));
    buf_clear(&b->name);
    buf_clear(&b->value);
}

static int count_bytes(struct backend *b, size_t n) {
    b->head_bytes += n;
    return b->head_bytes > HTTP_HEADER_BYTES_MAX;
}

static int on_field(http_parser *p, const char *at, size_t n) {
    struct backend *b = p->data;
    if (b->in_value)
        keep_header(b);
    b->in_value = false;
    buf_put(&b->name, at, n);
    return count_bytes(b, n);
}

static int on_value(http_parser *p, const char *at, size_t n) {
    struct backend *b = p->data;
    b->in_value = true;
    buf_put(&b->value, at, n);
    return count_bytes(b, n);
}

/* 1: no body follows (101); 0: read on. */
static int on_head_complete(http_parser *p) {
    struct backend *b = p->data;
    keep_header(b);
    b->in_value = false;
    if (p->status_code / 100 == 1 && p->status_code != 101) {
        b->headers.n = 0;
        return 0;
    }
    b->head_done = true;
    b->upgraded = p->status_code == 101;
    loop_timer_stop(b->loop, &b->timer);
    struct backend_head head = {p->status_code, b->headers.v, b->headers.n, b->upgraded};
    b->ops->on_head(b->user, &head);
    return b->upgraded ? 2 : b->no_body;
}

static int on_body(http_parser *p, const char *at, size_t n) {
    struct backend *b = p->data;
    if (!b->closed)
        b->ops->on_data(b->user, str_make(at, n));
    return b->closed;
}

static int on_complete(http_parser *p) {
    struct backend *b = p->data;
    b->complete = b->head_done;
    return 0;
}

static const http_parser_settings settings = {
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_head_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

static void take(struct backend *b, const char *p, size_t n) {
    if (b->upgraded) {
        b->ops->on_data(b->user, str_make(p, n));
        return;
    }
    size_t used = http_parser_execute(&b->parser, &settings, p, n);
    if (b->closed || b->ended)
        return;
    if (b->upgraded) {
        if (used < n)
            b->ops->on_data(b->user, str_make(p + used, n - used));
    } else if (HTTP_PARSER_ERRNO(&b->parser) != HPE_OK) {
        fail(b, ERR_INVALID, "the answer is no proper HTTP");
    } else if (b->complete) {
        end(b, NULL);
    }
}

/* The peer has finished: fine where that ends the answer. */
static void take_eof(struct backend *b) {
    if (b->upgraded) {
        end(b, NULL);
        return;
    }
    (void)http_parser_execute(&b->parser, &settings, NULL, 0);
    if (b->closed || b->ended)
        return;
    if (b->complete)
        end(b, NULL);
    else
        fail(b, ERR_CLOSED, "the connection was closed before the answer was complete");
}

/* -- reading and writing -- */

/* >0 bytes, 0 end, -1 not now, -2 broken */
static long result_of(struct backend *b, int n) {
    if (n > 0)
        return n;
    switch (SSL_get_error(b->ssl, n)) {
    case SSL_ERROR_WANT_WRITE: b->want_write = true; return -1;
    case SSL_ERROR_WANT_READ: return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: ERR_clear_error(); return -2;
    }
}

static long read_some(struct backend *b, char *to, size_t n) {
    if (b->ssl) {
        ERR_clear_error();
        return result_of(b, SSL_read(b->ssl, to, (int)n));
    }
    ssize_t r = recv(b->fd, to, n, 0);
    return r >= 0 ? r : errno == EAGAIN || errno == EINTR ? -1 : -2;
}

static long write_some(struct backend *b, const char *from, size_t n) {
    if (b->ssl) {
        ERR_clear_error();
        return result_of(b, SSL_write(b->ssl, from, n > READ_BYTES ? (int)READ_BYTES : (int)n));
    }
    ssize_t r = send(b->fd, from, n, MSG_NOSIGNAL);
    return r >= 0 ? r : errno == EAGAIN || errno == EINTR ? -1 : -2;
}

static void finish_writing(struct backend *b) {
    if (b->ssl)
        (void)SSL_shutdown(b->ssl);
    else
        (void)shutdown(b->fd, SHUT_WR);
}

static void flush(struct backend *b) {
    while (b->sent < b->out.n) {
        long n = write_some(b, b->out.p + b->sent, b->out.n - b->sent);
        if (n == -1)
            return;
        if (n <= 0) {
            fail(b, ERR_CLOSED, "the connection was closed while the request was sent");
            return;
        }
        b->sent += (size_t)n;
    }
    if (b->out.n && b->shut)
        finish_writing(b);
    b->out.n = b->sent = 0;
    if (b->was_full) {
        b->was_full = false;
        b->ops->on_writable(b->user);
    }
}

static void read_all(struct backend *b) {
    char bytes[READ_BYTES];
    for (int i = 0; i < READS_AT_ONCE && !b->paused && !b->ended && !b->closed; i++) {
        long n = read_some(b, bytes, sizeof bytes);
        if (n == -1)
            return;
        if (n > 0)
            take(b, bytes, (size_t)n);
        else if (n == 0 || b->upgraded || !b->ssl)
            take_eof(b); /* kubelets close without TLS's farewell */
        else
            fail(b, ERR_CLOSED, "the connection broke");
    }
}

/* -- opening -- */

static bool connected(struct backend *b) {
    int error = 0;
    socklen_t n = sizeof error;
    if (getsockopt(b->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 || error) {
        struct err err = ERR_INIT;
        err_errno(&err, error ? error : errno, "connect");
        end(b, &err);
        return false;
    }
    b->state = b->ssl ? B_HANDSHAKE : B_OPEN;
    loop_timer_start(b->loop, &b->timer, (int64_t)b->head_timeout_ms * NS_PER_MS);
    return true;
}

static bool shaken(struct backend *b) {
    ERR_clear_error();
    int n = SSL_do_handshake(b->ssl);
    if (n == 1) {
        b->state = B_OPEN;
        return true;
    }
    if (result_of(b, n) == -1)
        return false;
    long verdict = SSL_get_verify_result(b->ssl);
    struct err err = ERR_INIT;
    if (verdict != X509_V_OK && SSL_CTX_get_verify_mode(SSL_get_SSL_CTX(b->ssl)) != SSL_VERIFY_NONE)
        err_set(&err, ERR_INVALID, "tls: failed to verify certificate: %s",
                X509_verify_cert_error_string(verdict));
    else
        err_set(&err, ERR_IO, "the TLS handshake failed");
    end(b, &err);
    return false;
}

static void on_poll(uv_poll_t *h, int status, int events);

static void poll_again(struct backend *b) {
    int events = 0;
    if (b->state == B_CONNECTING || b->want_write || (b->state == B_OPEN && b->sent < b->out.n))
        events |= UV_WRITABLE;
    if (b->state == B_HANDSHAKE || (b->state == B_OPEN && !b->paused))
        events |= UV_READABLE;
    if (events && !b->ended)
        check(uv_poll_start(&b->poll, events, on_poll) == 0);
    else
        (void)uv_poll_stop(&b->poll);
}

static void run(struct backend *b) {
    enter(b);
    b->want_write = false;
    bool go = b->state != B_CONNECTING || connected(b);
    if (go && b->state == B_HANDSHAKE)
        go = shaken(b);
    if (go && !b->ended && !b->closed)
        flush(b);
    if (go && !b->ended && !b->closed)
        read_all(b);
    if (!b->closed)
        poll_again(b);
    leave(b);
}

static void on_poll(uv_poll_t *h, int status, int events) {
    (void)status;
    (void)events;
    run(h->data);
}

static void on_timer(struct timer *t) {
    struct backend *b = (struct backend *)((char *)t - offsetof(struct backend, timer));
    enter(b);
    fail(b, ERR_TIMEOUT,
         b->state == B_OPEN ? "there was no answer in time" : "no connection was made in time");
    if (!b->closed)
        poll_again(b);
    leave(b);
}

static int open_socket(const struct backend_options *o, char text[64], struct err *err) {
    struct sockaddr_storage a = {0};
    int one = 1;
    bool six = str_find_byte(o->address, ':') >= 0;
    if (o->address.n >= 64)
        return err_set(err, ERR_INVALID, "%.*s is no address", STR_ARG(o->address));
    memcpy(text, o->address.p, o->address.n);
    text[o->address.n] = 0;
    if ((six ? uv_ip6_addr(text, o->port, (struct sockaddr_in6 *)&a)
             : uv_ip4_addr(text, o->port, (struct sockaddr_in *)&a)) != 0)
        return err_set(err, ERR_INVALID, "%s is no address", text);
    int fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, errno, "socket");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    socklen_t n = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (connect(fd, (struct sockaddr *)&a, n) < 0 && errno != EINPROGRESS) {
        int code = err_errno(err, errno, "connect to %s port %u", text, o->port);
        close(fd);
        return code;
    }
    return fd;
}

/* A context that verifies takes only certificates that name the address. */
static SSL *tls_open(const struct backend_options *o, const char *address, int fd) {
    SSL *ssl = SSL_new(o->tls);
    if (!ssl || SSL_set_fd(ssl, fd) != 1)
        panic("out of memory");
    SSL_set_connect_state(ssl);
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    check(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address) == 1);
    return ssl;
}

int backend_open(const struct backend_options *o, struct backend **ret, struct err *err) {
    char address[64];
    int fd = open_socket(o, address, err);
    if (fd < 0)
        return fd;
    struct backend *b = calloc(1, sizeof *b);
    if (!b)
        panic("out of memory");
    b->fd = fd;
    b->loop = o->loop;
    b->ops = o->ops;
    b->user = o->user;
    b->no_body = o->no_body;
    b->head_timeout_ms = o->head_timeout_ms ? o->head_timeout_ms : HEAD_TIMEOUT_MS;
    arena_init(&b->arena);
    http_parser_init(&b->parser, HTTP_RESPONSE);
    b->parser.data = b;
    b->poll.data = b;
    b->timer.fire = on_timer;
    buf_str(&b->out, o->head);
    buf_str(&b->out, o->body);
    if (o->tls)
        b->ssl = tls_open(o, address, fd);
    check(uv_poll_init(loop_uv(o->loop), &b->poll, fd) == 0);
    loop_timer_start(b->loop, &b->timer, CONNECT_TIMEOUT_NS);
    poll_again(b);
    *ret = b;
    return 0;
}

/* -- the owner -- */

void backend_hand_over(struct backend *b, const struct backend_ops *ops, void *user) {
    check(!b->ended && !b->closed);
    b->ops = ops;
    b->user = user;
}

void backend_write(struct backend *b, struct str bytes) {
    if (b->ended || b->closed || b->shut)
        return;
    if (b->sent > b->out.n / 2) {
        buf_remove(&b->out, 0, b->sent);
        b->sent = 0;
    }
    buf_str(&b->out, bytes);
    b->was_full |= backend_queued(b) >= BACKEND_OUTPUT_LOW;
    if (b->depth == 0)
        poll_again(b);
}

size_t backend_queued(const struct backend *b) {
    return b->out.n - b->sent;
}

void backend_pause(struct backend *b, bool pause) {
    b->paused = pause;
    if (b->depth == 0 && !b->closed)
        poll_again(b);
}

void backend_shutdown(struct backend *b) {
    if (b->shut || b->closed || b->ended)
        return;
    b->shut = true;
    if (b->state == B_OPEN && backend_queued(b) == 0)
        finish_writing(b);
}
