/* Connections. See conn.h. */
#include "net/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "net/server_priv.h"

#define IOV_BATCH 64
#define LINGER_MS 2000
#define TLS_RECORD_BYTES 16384

static void on_poll(uv_poll_t *h, int status, int events);

/* -- polling -- */

static void update_events(struct conn *c) {
    int events = 0;
    if (!c->read_paused && !c->eof)
        events |= UV_READABLE;
    if (c->want_write)
        events |= UV_WRITABLE;
    if (c->state == CONN_CLOSING || events == c->events)
        return;
    c->events = events;
    if (events)
        check(uv_poll_start(&c->poll, events, on_poll) == 0);
    else
        (void)uv_poll_stop(&c->poll);
}

void conn_pause(struct conn *c, bool pause) {
    c->read_paused = pause;
    update_events(c);
}

/* -- closing -- */

static bool all_sent(const struct conn *c) {
    return chunkq_empty(&c->out) && c->cipher.n == 0;
}

static void say_goodbye(struct conn *c) {
    if (!c->ssl)
        return;
    (void)SSL_shutdown(c->ssl);
    (void)conn_tls_flush(c);
    ERR_clear_error();
}

static void on_closed(uv_handle_t *h) {
    struct conn *c = h->data;
    close(c->fd);
    server_conn_removed(c->loop, c);
    chunkq_fini(&c->out);
    if (c->upgraded)
        request_free(c->upgraded);
    conn_tls_free(c);
    free(c);
}

static void sent_now(struct conn *c) {
    if (!c->unsent)
        return;
    c->unsent = false;
    *(c->unsent_prev ? &c->unsent_prev->unsent_next : &c->loop->unsent) = c->unsent_next;
    if (c->unsent_next)
        c->unsent_next->unsent_prev = c->unsent_prev;
    c->unsent_prev = c->unsent_next = NULL;
}

void conn_close(struct conn *c) {
    if (c->state == CONN_CLOSING)
        return;
    c->state = CONN_CLOSING;
    sent_now(c);
    loop_timer_stop(c->loop->loop, &c->timer);
    (void)uv_poll_stop(&c->poll);
    if (c->protocol)
        c->protocol->on_close(c);
    say_goodbye(c);
    uv_close((uv_handle_t *)&c->poll, on_closed);
}

void conn_finish(struct conn *c) {
    c->close_when_sent = true;
    if (c->state == CONN_CLOSING)
        return;
    conn_deadline(c, c->loop->server->o.idle_timeout_ms);
    if (all_sent(c) && !c->in_callback)
        conn_close(c);
}

/* -- finishing writing -- */

static bool discard(struct conn *c, const char *p, size_t n) {
    (void)c;
    (void)p;
    (void)n;
    return true;
}

static void ignore(struct conn *c) {
    (void)c;
}

static bool give_up(struct conn *c) {
    (void)c;
    return true;
}

/* The answer is sent; what the peer still sends does not matter any more. */
static const struct conn_protocol linger_protocol = {
    .on_data = discard,
    .on_eof = conn_close,
    .on_writable = ignore,
    .on_close = ignore,
    .on_drain = conn_close,
    .on_timeout = give_up,
};

static void shut(struct conn *c) {
    c->shut = true;
    say_goodbye(c);
    (void)shutdown(c->fd, SHUT_WR);
}

/* All is sent: does what was to be done then. */
static void after_sent(struct conn *c) {
    if (c->close_when_sent || c->eof) {
        conn_close(c);
        return;
    }
    if (!c->shut)
        shut(c);
    if (c->linger_when_sent && c->protocol != &linger_protocol) {
        c->protocol->on_close(c);
        c->protocol = &linger_protocol;
        conn_deadline(c, LINGER_MS);
        conn_pause(c, false);
    }
    update_events(c);
}

static bool acts_when_sent(const struct conn *c) {
    return c->close_when_sent || c->linger_when_sent || c->shut_when_sent;
}

void conn_shutdown(struct conn *c) {
    c->shut_when_sent = true;
    if (c->state == CONN_OPEN && all_sent(c) && !c->in_callback && !c->shut)
        shut(c);
}

void conn_linger(struct conn *c) {
    c->linger_when_sent = true;
    conn_deadline(c, c->loop->server->o.idle_timeout_ms);
}

static void on_timer(struct timer *t) {
    struct conn *c = (struct conn *)((char *)t - offsetof(struct conn, timer));
    if (c->state == CONN_HANDSHAKE || !c->protocol || c->protocol->on_timeout(c))
        conn_close(c);
}

void conn_deadline(struct conn *c, unsigned ms) {
    if (ms)
        loop_timer_start(c->loop->loop, &c->timer, (int64_t)ms * NS_PER_MS);
    else
        loop_timer_stop(c->loop->loop, &c->timer);
}

/* -- writing -- */

void conn_send(struct conn *c, struct http_chunk chunk) {
    chunkq_push(&c->out, chunk);
}

void conn_send_copy(struct conn *c, const void *p, size_t n) {
    chunkq_push_copy(&c->out, p, n);
}

/* Bytes taken, 0: would block, -1: broken. */
static ssize_t write_plain(struct conn *c) {
    struct iovec iov[IOV_BATCH];
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = (size_t)chunkq_iov(&c->out, iov, IOV_BATCH)};
    ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    return n;
}

/* Small chunks are gathered into one record; a retry after "would block" must offer at least the same bytes,
 * which the front of the queue does. */
static ssize_t write_tls(struct conn *c) {
    char gathered[TLS_RECORD_BYTES];
    const struct http_chunk *first = &c->out.v[c->out.head];
    const char *p = first->bytes.p;
    size_t n = first->bytes.n;
    if (n < TLS_RECORD_BYTES) {
        p = gathered;
        n = chunkq_peek(&c->out, gathered, sizeof gathered);
    } else {
        n = TLS_RECORD_BYTES;
    }
    ERR_clear_error();
    int r = SSL_write(c->ssl, p, (int)n);
    if (r > 0)
        return r;
    int e = SSL_get_error(c->ssl, r);
    return e == SSL_ERROR_WANT_WRITE || e == SSL_ERROR_WANT_READ ? 0 : -1;
}

static bool write_out(struct conn *c) {
    bool full = false;
    if (c->ssl && !conn_tls_flush(c))
        return false;
    while (!full && !chunkq_empty(&c->out)) {
        ssize_t n = c->ssl ? write_tls(c) : write_plain(c);
        if (n < 0)
            return false;
        full = n == 0;
        c->sent += (uint64_t)n;
        chunkq_consume(&c->out, (size_t)n);
    }
    if (c->ssl && !conn_tls_flush(c))
        return false;
    c->want_write = full || c->cipher.n;
    return true;
}

static void push_now(struct conn *c) {
    bool more = c->want_write || acts_when_sent(c) || c->out.bytes >= CONN_OUTPUT_LOW;
    c->broken = !write_out(c);
    c->owed |= more;
    c->want_write |= more || c->broken;
    update_events(c);
}

static void send_unsent(struct timer *t) {
    struct server_loop *l = (struct server_loop *)((char *)t - offsetof(struct server_loop, send));
    while (l->unsent) {
        struct conn *c = l->unsent;
        sent_now(c);
        if (c->state == CONN_OPEN && !c->broken)
            push_now(c);
    }
}

void conn_push(struct conn *c) {
    if (c->state != CONN_OPEN || c->in_callback || c->broken)
        return;
    if (c->out.bytes >= TLS_RECORD_BYTES || acts_when_sent(c)) {
        push_now(c);
        return;
    }
    struct server_loop *l = c->loop;
    if (c->unsent || c->want_write)
        return;
    if (!l->unsent) {
        l->send.fire = send_unsent;
        loop_timer_start(l->loop, &l->send, 0);
    }
    c->unsent = true;
    c->unsent_next = l->unsent;
    if (l->unsent)
        l->unsent->unsent_prev = c;
    l->unsent = c;
}

void conn_flush(struct conn *c) {
    if (c->state != CONN_OPEN)
        return;
    sent_now(c);
    bool broken = c->broken;
    do {
        size_t before = c->out.bytes + c->cipher.n;
        broken = broken || !write_out(c);
        if (broken || c->want_write || (before == 0 && !c->owed))
            break;
        c->owed = false;
        c->in_callback = true;
        c->protocol->on_writable(c);
        c->in_callback = false;
    } while (c->state == CONN_OPEN && !chunkq_empty(&c->out));
    if (c->state != CONN_OPEN)
        return;
    if (broken)
        conn_close(c);
    else if (acts_when_sent(c) && all_sent(c))
        after_sent(c);
    else
        update_events(c);
}

/* -- reading -- */

static void start_protocol(struct conn *c) {
    const unsigned char *alpn = NULL;
    unsigned n = 0;
    c->state = CONN_OPEN;
    if (c->ssl) {
        SSL_get0_alpn_selected(c->ssl, &alpn, &n);
        if (SSL_get_verify_result(c->ssl) == X509_V_OK)
            c->peer.cert = SSL_get0_peer_certificate(c->ssl);
    }
    if (n == 2 && memcmp(alpn, "h2", 2) == 0)
        h2_start(c);
    else
        h1_start(c);
}

/* False when the connection is to be closed. */
static bool handshake(struct conn *c) {
    ERR_clear_error();
    int r = SSL_accept(c->ssl), e = SSL_get_error(c->ssl, r);
    if (!conn_tls_flush(c))
        return false;
    c->want_write = e == SSL_ERROR_WANT_WRITE || c->cipher.n;
    if (r == 1) {
        start_protocol(c);
        return true;
    }
    update_events(c);
    return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE;
}

/* Bytes read, 0: would block, -1: the end, -2: broken. */
static ssize_t read_some(struct conn *c, char *to, size_t n) {
    if (!c->ssl) {
        ssize_t r = recv(c->fd, to, n, 0);
        if (r == 0)
            return -1;
        return r > 0 ? r : errno == EAGAIN || errno == EINTR ? 0 : -2;
    }
    ERR_clear_error();
    int r = SSL_read(c->ssl, to, (int)n);
    if (r > 0)
        return r;
    switch (SSL_get_error(c->ssl, r)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return 0;
    case SSL_ERROR_ZERO_RETURN: return -1;
    default: return -2;
    }
}

static bool hand_over(struct conn *c, const char *p, size_t n) {
    c->in_callback = true;
    bool go_on = c->protocol->on_data(c, p, n);
    c->in_callback = false;
    return go_on;
}

/* A plain connection may speak HTTP/2 right away. CONFORMS: RFC 9113 3.3, prior knowledge. */
static void read_all(struct conn *c) {
    for (int round = 0; round < 16 && c->state == CONN_OPEN && !c->read_paused; round++) {
        ssize_t n = read_some(c, c->loop->read_buffer, CONN_READ_BYTES);
        if (n == 0)
            break;
        if (n < 0) {
            c->eof = true;
            if (n == -1)
                c->protocol->on_eof(c);
            else
                conn_close(c);
            break;
        }
        if (!hand_over(c, c->loop->read_buffer, (size_t)n))
            conn_linger(c);
        if (conn_is_ending(c))
            break;
    }
    if (c->state == CONN_OPEN)
        conn_flush(c);
}

static void on_poll(uv_poll_t *h, int status, int events) {
    struct conn *c = h->data;
    if (status < 0 || (c->state == CONN_HANDSHAKE && !handshake(c))) {
        conn_close(c);
        return;
    }
    if (c->state != CONN_OPEN)
        return;
    if (events & UV_WRITABLE)
        conn_flush(c);
    if (c->state == CONN_OPEN && !c->eof)
        read_all(c);
}

/* -- accepting -- */

static void note_peer(struct conn *c) {
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    if (getpeername(c->fd, (struct sockaddr *)&a, &n) < 0)
        return;
    if (a.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&a;
        inet_ntop(AF_INET, &in->sin_addr, c->address, sizeof c->address);
        c->peer.port = ntohs(in->sin_port);
    } else if (a.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a;
        const void *v4 = (const char *)&in6->sin6_addr + 12;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
        inet_ntop(mapped ? AF_INET : AF_INET6, mapped ? v4 : &in6->sin6_addr, c->address, sizeof c->address);
        c->peer.port = ntohs(in6->sin6_port);
    }
    c->peer.address = str_from(c->address);
}

void conn_accept(struct server_loop *l, int fd) {
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    *c = (struct conn){.loop = l, .fd = fd, .state = CONN_HANDSHAKE};
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    c->timer.fire = on_timer;
    c->poll.data = c;
    note_peer(c);
    if (uv_poll_init(loop_uv(l->loop), &c->poll, fd) != 0) {
        close(fd);
        free(c);
        return;
    }
    server_conn_added(l, c);
    conn_deadline(c, l->server->o.header_timeout_ms);
    SSL_CTX *ctx = atomic_load(&l->server->ctx);
    if (!ctx)
        start_protocol(c);
    else if (!conn_tls_open(c, ctx)) {
        conn_close(c);
        return;
    }
    update_events(c);
}
