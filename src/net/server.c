/* The server: listeners, loops, certificates, draining. See http.h.
 *
 * Every loop listens on a socket of its own (SO_REUSEPORT), so the kernel spreads connections and loops share
 * nothing. A unix socket is one file; loop 0 serves it alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/thread.h"
#include "base/timefmt.h"
#include "net/server_priv.h"
#include "net/tls.h"

#define LOOPS_MAX 8
#define BACKLOG 1024
#define ACCEPTS_AT_ONCE 64
#define ACCEPT_PAUSE_NS (100 * NS_PER_MS) /* after file descriptors ran out */
#define CERT_CHECK_NS (10 * NS_PER_SEC)
#define DRAIN_POLL_NS (5 * NS_PER_MS)

/* Looks at the certificate files now and then. */
struct http_cert_watch {
    struct timer timer;
    struct http_server *server;
    struct mutex lock; /* files, old: the timer's loop and whoever asks for a reload */
    struct tls_files files;
    SSL_CTX **old; /* replaced ones; freed with the server */
    size_t n_old, cap_old;
};

/* -- connections of a loop -- */

void server_conn_added(struct server_loop *l, struct conn *c) {
    c->next = l->conns;
    if (l->conns)
        l->conns->prev = c;
    l->conns = c;
    atomic_fetch_add(&l->n_conns, 1);
    atomic_fetch_add(&l->server->connections, 1);
}

void server_conn_removed(struct server_loop *l, struct conn *c) {
    if (c->prev)
        c->prev->next = c->next;
    else
        l->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    atomic_fetch_sub(&l->n_conns, 1);
    atomic_fetch_sub(&l->server->connections, 1);
}

static void on_listener(uv_poll_t *h, int status, int events);

static void on_resume(struct timer *t) {
    struct server_loop *l = (struct server_loop *)((char *)t - offsetof(struct server_loop, resume));
    check(uv_poll_start(&l->listener, UV_READABLE, on_listener) == 0);
}

/* The listener stays readable as long as connections wait: polling it on would only spin. */
static void pause_listening(struct server_loop *l) {
    (void)uv_poll_stop(&l->listener);
    l->resume.fire = on_resume;
    loop_timer_start(l->loop, &l->resume, ACCEPT_PAUSE_NS);
}

static void on_listener(uv_poll_t *h, int status, int events) {
    struct server_loop *l = h->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int fd = accept4(l->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_listening(l);
            return;
        }
        if (atomic_load(&l->server->connections) >= l->server->o.connections_max) {
            close(fd);
            continue;
        }
        conn_accept(l, fd);
    }
}

/* -- sockets -- */

static int bind_unix(const char *path, struct err *err) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof a.sun_path)
        return err_set(err, ERR_INVALID, "the socket path %s is too long", path);
    memcpy(a.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, errno, "socket");
    (void)unlink(path);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, BACKLOG) < 0) {
        int r = err_errno(err, errno, "listen on %s", path);
        close(fd);
        return r;
    }
    return fd;
}

static int fill_address(struct str text, uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_n,
                        struct err *err) {
    char z[64];
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    memset(ret, 0, sizeof *ret);
    if (text.n >= sizeof z)
        return err_set(err, ERR_INVALID, "%.*s is no IP address", STR_ARG(text));
    memcpy(z, text.p ? text.p : "", text.n);
    z[text.n] = 0;
    if (uv_inet_pton(AF_INET, z, &v4->sin_addr) == 0) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *ret_n = sizeof *v4;
        return 0;
    }
    if (text.n && uv_inet_pton(AF_INET6, z, &v6->sin6_addr) != 0)
        return err_set(err, ERR_INVALID, "%s is no IP address", z);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    *ret_n = sizeof *v6;
    return 0;
}

static int bind_tcp(const struct http_server *s, uint16_t port, struct err *err) {
    struct sockaddr_storage a;
    socklen_t n = 0;
    int one = 1, off = 0, r = fill_address(s->o.address, port, &a, &n, err);
    if (r < 0)
        return r;
    int fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, errno, "socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (a.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, (struct sockaddr *)&a, n) < 0 || listen(fd, BACKLOG) < 0) {
        r = err_errno(err, errno, "listen on %.*s port %u", STR_ARG(s->o.address), port);
        close(fd);
        return r;
    }
    return fd;
}

static uint16_t bound_port(int fd) {
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n) < 0)
        return 0;
    return ntohs(a.ss_family == AF_INET ? ((struct sockaddr_in *)&a)->sin_port
                                        : ((struct sockaddr_in6 *)&a)->sin6_port);
}

static int open_listeners(struct http_server *s, struct err *err) {
    for (unsigned i = 0; i < s->n_loops; i++) {
        struct server_loop *l = &s->loops[i];
        if (s->o.unix_path && i > 0)
            break;
        int fd = s->o.unix_path ? bind_unix(s->o.unix_path, err) : bind_tcp(s, s->port, err);
        if (fd < 0)
            return fd;
        l->listen_fd = fd;
        if (!s->o.unix_path && s->port == 0)
            s->port = bound_port(fd);
    }
    return 0;
}

/* -- loops -- */

static void on_listener_closed(uv_handle_t *h) {
    struct server_loop *l = h->data;
    close(l->listen_fd);
    l->listen_fd = -1;
}

static void stop_listening(struct server_loop *l) {
    if (!l->listening)
        return;
    l->listening = false;
    loop_timer_stop(l->loop, &l->resume);
    (void)uv_poll_stop(&l->listener);
    uv_close((uv_handle_t *)&l->listener, on_listener_closed);
}

static void begin_listening(void *arg) {
    struct server_loop *l = arg;
    if (l->listen_fd < 0)
        return;
    l->listener.data = l;
    check(uv_poll_init(loop_uv(l->loop), &l->listener, l->listen_fd) == 0);
    check(uv_poll_start(&l->listener, UV_READABLE, on_listener) == 0);
    l->listening = true;
}

static void on_quit(struct loop *loop, void *arg) {
    struct server_loop *l = arg;
    (void)loop;
    stop_listening(l);
    for (struct conn *c = l->conns, *next; c; c = next) {
        next = c->next;
        conn_close(c);
    }
}

static int start_loops(struct http_server *s, struct err *err) {
    for (unsigned i = 0; i < s->n_loops; i++) {
        struct server_loop *l = &s->loops[i];
        char name[16];
        snprintf(name, sizeof name, "http-%u", i);
        struct loop_options o = {.name = name, .on_quit = on_quit, .on_quit_arg = l};
        l->read_buffer = malloc(CONN_READ_BYTES);
        l->cipher = s->gathering ? malloc(CONN_CIPHER_BYTES) : NULL;
        if (!l->read_buffer || (s->gathering && !l->cipher))
            panic("out of memory");
        int r = loop_start(&o, &l->loop, err);
        if (r < 0)
            return r;
    }
    for (unsigned i = 0; i < s->n_loops; i++)
        (void)loop_call(s->loops[i].loop, begin_listening, &s->loops[i]);
    return 0;
}

/* -- certificates -- */

static void keep_old(struct http_cert_watch *w, SSL_CTX *old) {
    if (w->n_old == w->cap_old) {
        w->cap_old = w->cap_old ? w->cap_old * 2 : 4;
        w->old = realloc(w->old, w->cap_old * sizeof *w->old);
        if (!w->old)
            panic("out of memory");
    }
    w->old[w->n_old++] = old;
}

/* Connections hold a reference of their own; an old context stays until the server ends, since another loop
 * may be about to use it. */
static int reload(struct http_server *s, struct err *err) {
    SSL_CTX *fresh;
    _cleanup_unlock struct mutex *held = mutex_hold(&s->watch->lock);
    int r = tls_server_context(&s->watch->files, &fresh, err);
    if (r < 0)
        return r;
    SSL_CTX *old = atomic_exchange(&s->ctx, fresh);
    if (old)
        keep_old(s->watch, old);
    return 0;
}

static bool files_changed(struct http_cert_watch *w) {
    _cleanup_unlock struct mutex *held = mutex_hold(&w->lock);
    return tls_files_changed(&w->files);
}

static void on_cert_timer(struct timer *t) {
    struct http_cert_watch *w = (struct http_cert_watch *)t;
    struct err err = ERR_INIT;
    if (files_changed(w))
        (void)reload(w->server, &err); /* a half-written pair is tried again at the next change */
    loop_timer_start(w->server->loops[0].loop, t, CERT_CHECK_NS);
}

static void begin_cert_watch(void *arg) {
    struct http_cert_watch *w = arg;
    w->timer.fire = on_cert_timer;
    loop_timer_start(w->server->loops[0].loop, &w->timer, CERT_CHECK_NS);
}

static int open_tls(struct http_server *s, struct err *err) {
    if (!s->o.cert_path)
        return 0;
    s->watch = calloc(1, sizeof *s->watch);
    if (!s->watch)
        panic("out of memory");
    s->watch->server = s;
    s->gathering = conn_tls_method();
    mutex_init(&s->watch->lock);
    tls_files_init(&s->watch->files, s->o.cert_path, s->o.key_path, s->o.client_ca_path);
    return reload(s, err);
}

int http_server_reload(struct http_server *s, struct err *err) {
    return s->watch ? reload(s, err) : 0;
}

/* -- starting and stopping -- */

static void default_to(unsigned *v, unsigned value) {
    if (*v == 0)
        *v = value;
}

static void set_defaults(struct http_server *s) {
    struct http_server_options *o = &s->o;
    unsigned cores = uv_available_parallelism();
    default_to(&o->loops, cores > LOOPS_MAX ? LOOPS_MAX : cores);
    default_to(&o->header_timeout_ms, 10000);
    default_to(&o->body_timeout_ms, 60000);
    default_to(&o->idle_timeout_ms, 90000);
    default_to(&o->connections_max, 20000);
    if (o->body_bytes_max == 0)
        o->body_bytes_max = HTTP_BODY_BYTES_MAX;
    s->n_loops = o->loops;
    s->port = o->port;
}

static void free_server(struct http_server *s) {
    for (unsigned i = 0; i < s->n_loops; i++) {
        loop_stop(s->loops[i].loop);
        if (s->loops[i].listen_fd >= 0)
            close(s->loops[i].listen_fd);
        free(s->loops[i].read_buffer);
        free(s->loops[i].cipher);
    }
    if (s->watch) {
        for (size_t i = 0; i < s->watch->n_old; i++)
            SSL_CTX_free(s->watch->old[i]);
        free(s->watch->old);
        tls_files_fini(&s->watch->files);
        mutex_fini(&s->watch->lock);
        free(s->watch);
    }
    SSL_CTX_free(atomic_load(&s->ctx));
    BIO_meth_free(s->gathering);
    free(s->loops);
    free(s);
}

int http_server_start(const struct http_server_options *options, struct http_server **ret_server,
                      struct err *err) {
    struct http_server *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    s->o = *options;
    set_defaults(s);
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    s->loops = calloc(s->n_loops, sizeof *s->loops);
    if (!s->loops)
        panic("out of memory");
    for (unsigned i = 0; i < s->n_loops; i++) {
        s->loops[i].server = s;
        s->loops[i].listen_fd = -1;
    }
    int r = open_tls(s, err);
    if (r == 0)
        r = open_listeners(s, err);
    if (r == 0)
        r = start_loops(s, err);
    if (r < 0) {
        free_server(s);
        return r;
    }
    if (s->watch)
        (void)loop_call(s->loops[0].loop, begin_cert_watch, s->watch);
    *ret_server = s;
    return 0;
}

uint16_t http_server_port(const struct http_server *s) {
    return s->port;
}

static void drain_loop(void *arg) {
    struct server_loop *l = arg;
    const struct http_server_options *o = &l->server->o;
    if (o->on_drain)
        o->on_drain(o->arg, l->loop);
    stop_listening(l);
    for (struct conn *c = l->conns, *next; c; c = next) {
        next = c->next;
        if (c->state == CONN_OPEN)
            c->protocol->on_drain(c);
        else
            conn_close(c);
    }
}

void http_server_stop(struct http_server *s, unsigned drain_ms) {
    struct clock *clock = clock_system();
    int64_t end = clock_mono_ns(clock) + (int64_t)drain_ms * NS_PER_MS;
    atomic_store(&s->draining, true);
    for (unsigned i = 0; i < s->n_loops; i++)
        (void)loop_call(s->loops[i].loop, drain_loop, &s->loops[i]);
    while (atomic_load(&s->connections) && clock_mono_ns(clock) < end)
        clock_sleep_ns(clock, DRAIN_POLL_NS);
    free_server(s);
}
