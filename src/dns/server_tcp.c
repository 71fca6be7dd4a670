/* See server.h: TCP. CONFORMS: RFC 7766: several questions on a connection, answered as they come. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/loop.h"
#include "dns/server_priv.h"
#include "dns/sockaddr.h"

#define MS 1000000ll
#define BACKLOG 128

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);
static void take_questions(struct tcp_connection *c);

static void on_connection_closed(uv_handle_t *h) {
    struct tcp_connection *c = h->data;
    struct dns_server *s = c->server;
    free(c);
    server_unref(s);
}

void tcp_close_connection(struct tcp_connection *c) {
    struct dns_server *s = c->server;
    if (c->closing)
        return;
    c->closing = true;
    for (struct ask *a = s->asks; a; a = a->next)
        if (a->tcp == c)
            a->tcp = NULL;
    *(c->previous ? &c->previous->next : &s->connections) = c->next;
    if (c->next)
        c->next->previous = c->previous;
    s->n_connections--;
    loop_timer_stop(s->options.loop, &c->idle);
    uv_close((uv_handle_t *)&c->tcp, on_connection_closed);
}

static void on_idle(struct timer *t) {
    tcp_close_connection((struct tcp_connection *)((char *)t - offsetof(struct tcp_connection, idle)));
}

static void touch(struct tcp_connection *c) {
    loop_timer_start(c->server->options.loop, &c->idle, DNS_TCP_IDLE_MS * MS);
}

/* -- writing -- */

struct answer_write {
    uv_write_t write;
    struct tcp_connection *connection;
    uint8_t bytes[];
};

static void on_written(uv_write_t *write, int status) {
    struct answer_write *w = write->data;
    struct tcp_connection *c = w->connection;
    free(w);
    c->n_writes--;
    if (status < 0)
        tcp_close_connection(c);
    else if (!c->closing)
        take_questions(c);
}

void tcp_write(struct tcp_connection *c, const uint8_t *p, size_t n) {
    if (c->closing)
        return;
    struct answer_write *w = malloc(sizeof *w + 2 + n);
    check(w != NULL && n <= DNS_MESSAGE_MAX);
    w->connection = c;
    w->write.data = w;
    w->bytes[0] = (uint8_t)(n >> 8);
    w->bytes[1] = (uint8_t)n;
    memcpy(w->bytes + 2, p, n);
    uv_buf_t buf = uv_buf_init((char *)w->bytes, (unsigned)(2 + n));
    c->n_writes++;
    if (uv_write(&w->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written)) {
        c->n_writes--;
        free(w);
        tcp_close_connection(c);
    }
}

/* -- reading -- */

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf) {
    (void)size;
    struct tcp_connection *c = h->data;
    *buf = uv_buf_init((char *)c->in + c->in_bytes, (unsigned)(sizeof c->in - c->in_bytes));
}

/* Reading stops while too many questions and answers are on their way: the peer's window is the bound. */
static void pause_or_go_on(struct tcp_connection *c) {
    bool pause = c->n_asks + c->n_writes >= DNS_TCP_QUESTIONS_MAX;
    if (pause == c->paused || c->closing)
        return;
    c->paused = pause;
    if (pause)
        (void)uv_read_stop((uv_stream_t *)&c->tcp);
    else if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read))
        tcp_close_connection(c);
}

static void take_question(struct tcp_connection *c, const uint8_t *p, size_t n) {
    struct dns_server *s = c->server;
    struct origin from = {.tcp = c};
    size_t len = server_handle(s, &from, p, n, s->answer, sizeof s->answer);
    if (len)
        tcp_write(c, s->answer, len);
}

static void take_questions(struct tcp_connection *c) {
    size_t at = 0;
    while (!c->closing && c->in_bytes - at >= 2 && c->n_asks + c->n_writes < DNS_TCP_QUESTIONS_MAX) {
        size_t n = dns_u16(c->in + at);
        if (n > DNS_UDP_BYTES_MAX) { // no query is that long
            tcp_close_connection(c);
            return;
        }
        if (c->in_bytes - at < 2 + n)
            break;
        take_question(c, c->in + at + 2, n);
        at += 2 + n;
    }
    memmove(c->in, c->in + at, c->in_bytes - at);
    c->in_bytes -= at;
    pause_or_go_on(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    (void)buf;
    struct tcp_connection *c = stream->data;
    if (n < 0) {
        tcp_close_connection(c);
        return;
    }
    c->in_bytes += (size_t)n;
    touch(c);
    take_questions(c);
}

void tcp_answered(struct tcp_connection *c) {
    check(c->n_asks > 0);
    c->n_asks--;
    if (!c->closing && c->paused)
        take_questions(c);
}

/* -- connections -- */

static void on_connection(uv_stream_t *stream, int status) {
    struct tcp_listener *l = stream->data;
    struct dns_server *s = l->server;
    if (status < 0)
        return;
    struct tcp_connection *c = calloc(1, sizeof *c);
    check(c != NULL && uv_tcp_init(loop_uv(s->options.loop), &c->tcp) == 0);
    c->server = s;
    c->tcp.data = c;
    c->idle.fire = on_idle;
    s->handles++;
    s->n_connections++;
    c->next = s->connections;
    if (c->next)
        c->next->previous = c;
    s->connections = c;
    if (uv_accept(stream, (uv_stream_t *)&c->tcp) || s->n_connections > DNS_TCP_CONNECTIONS_MAX ||
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read)) {
        tcp_close_connection(c);
        return;
    }
    (void)uv_tcp_nodelay(&c->tcp, 1);
    touch(c);
}

static void on_listener_closed(uv_handle_t *h) {
    struct tcp_listener *l = h->data;
    server_unref(l->server);
}

int tcp_open(struct tcp_listener *l, struct dns_server *s, struct ip ip, uint16_t port, struct err *err) {
    struct sockaddr_storage a;
    (void)dns_sockaddr(ip, port, &a);
    l->server = s;
    int rc = uv_tcp_init_ex(loop_uv(s->options.loop), &l->tcp, a.ss_family), on = 1;
    uv_os_fd_t fd;
    if (rc)
        return err_set(err, ERR_IO, "cannot open a socket for DNS: %s", uv_strerror(rc));
    l->tcp.data = l;
    l->open = true;
    s->handles++;
    if (uv_fileno((uv_handle_t *)&l->tcp, &fd) == 0)
        (void)setsockopt(fd, SOL_IP, IP_FREEBIND, &on, sizeof on); // the address may come later
    rc = uv_tcp_bind(&l->tcp, (struct sockaddr *)&a, 0);
    if (!rc)
        rc = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    char text[IP_TEXT_MAX];
    (void)ip_format(ip, text);
    return rc ? err_set(err, ERR_IO, "cannot listen for DNS on %s port %u (TCP): %s", text, port,
                        uv_strerror(rc))
              : 0;
}

void tcp_close(struct tcp_listener *l) {
    if (l->open)
        uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
    l->open = false;
}
