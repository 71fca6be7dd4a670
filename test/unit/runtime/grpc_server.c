/* A gRPC server for tests. See grpc_server.h. */
#include "grpc_server.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/thread.h"

#define CONNS_MAX 16

struct stream {
    struct stream *next;
    int32_t id;
    char path[200];
    struct buf in;
    struct grpc_reply reply;
    size_t sent;
};

struct conn {
    int fd;
    nghttp2_session *session;
    struct grpc_server *server;
    struct stream *streams;
    bool dropped;
};

struct grpc_server {
    struct grpc_server_options o;
    int listener, stop;
    struct thread thread;
    struct conn conns[CONNS_MAX];
    atomic_uint accepted, cancelled;
    char timeout[32];
};

struct str grpc_frame(char *out, struct str message) {
    out[0] = 0;
    for (int i = 0; i < 4; i++)
        out[1 + i] = (char)(message.n >> (24 - 8 * i));
    if (message.n)
        memcpy(out + 5, message.p, message.n);
    return str_make(out, message.n + 5);
}

static struct stream *find(struct conn *c, int32_t id) {
    struct stream *s = c->streams;
    while (s && s->id != id)
        s = s->next;
    return s;
}

static nghttp2_nv nv(const char *name, const char *value) {
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value)};
}

static size_t add_status(const struct grpc_reply *r, char number[16], nghttp2_nv *out) {
    snprintf(number, 16, "%d", r->status);
    out[0] = nv("grpc-status", number);
    if (!r->message)
        return 1;
    out[1] = nv("grpc-message", r->message);
    return 2;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *arg) {
    (void)source;
    struct stream *s = find(arg, id);
    struct str part = str_cut(str_from_byte(s->reply.body, s->sent), room);
    if (part.n)
        memcpy(to, part.p, part.n);
    s->sent += part.n;
    if (s->sent < s->reply.body.n)
        return (ssize_t)part.n;
    if (s->reply.hang)
        return part.n ? (ssize_t)part.n : NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (s->reply.reset) {
        nghttp2_submit_rst_stream(session, 0, id, NGHTTP2_INTERNAL_ERROR);
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    } else if (s->reply.status >= 0) {
        nghttp2_nv trailers[2];
        char number[16];
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(session, id, trailers, add_status(&s->reply, number, trailers));
    }
    return (ssize_t)part.n;
}

static void answer(struct conn *c, struct stream *s) {
    struct grpc_reply *r = &s->reply;
    if (r->go_away && r->refuse)
        nghttp2_submit_goaway(c->session, 0, s->id - 2 > 0 ? s->id - 2 : 0, NGHTTP2_NO_ERROR, NULL, 0);
    else if (r->go_away)
        nghttp2_submit_goaway(c->session, 0, s->id, NGHTTP2_NO_ERROR, NULL, 0);
    if (r->refuse)
        nghttp2_submit_rst_stream(c->session, 0, s->id, NGHTTP2_REFUSED_STREAM);
    c->dropped |= r->drop;
    if (r->refuse || r->drop || r->silent)
        return;
    nghttp2_nv headers[80];
    char http[16], number[16], *pad = NULL;
    snprintf(http, sizeof http, "%d", r->http_status ? r->http_status : 200);
    size_t n = 0;
    headers[n++] = nv(":status", http);
    headers[n++] = nv("content-type", r->content_type ? r->content_type : "application/grpc");
    if (r->padding) {
        pad = calloc(1, 1025);
        check(pad);
        memset(pad, 'x', 1024);
    }
    for (unsigned i = 0; i < r->padding && n < 76; i++)
        headers[n++] = nv("x-padding", pad);
    nghttp2_data_provider body = {.read_callback = read_body};
    if (r->trailers_only)
        n += add_status(r, number, headers + n);
    nghttp2_submit_response(c->session, s->id, headers, n, r->trailers_only ? NULL : &body);
    free(pad);
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *f, void *arg) {
    (void)session;
    struct conn *c = arg;
    struct stream *s = calloc(1, sizeof *s);
    check(s);
    s->id = f->hd.stream_id;
    s->next = c->streams;
    c->streams = s;
    c->server->timeout[0] = 0;
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *f, const uint8_t *name, size_t name_n,
                     const uint8_t *value, size_t value_n, uint8_t flags, void *arg) {
    (void)session;
    (void)flags;
    struct conn *c = arg;
    struct stream *s = find(c, f->hd.stream_id);
    struct str k = {(const char *)name, name_n};
    if (s && str_eq(k, S(":path")))
        snprintf(s->path, sizeof s->path, "%.*s", (int)value_n, value);
    if (str_eq(k, S("grpc-timeout")))
        snprintf(c->server->timeout, sizeof c->server->timeout, "%.*s", (int)value_n, value);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
                   void *arg) {
    (void)session;
    (void)flags;
    buf_put(&find(arg, id)->in, p, n);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *f, void *arg) {
    (void)session;
    struct conn *c = arg;
    if (f->hd.type == NGHTTP2_RST_STREAM)
        c->server->cancelled++;
    if (f->hd.type != NGHTTP2_DATA || !(f->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    struct stream *s = find(c, f->hd.stream_id);
    if (!s || s->in.n < 5)
        return 0;
    c->server->o.serve(c->server->o.arg, s->path, str_from_byte(buf_view(&s->in), 5), &s->reply);
    answer(c, s);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error, void *arg) {
    (void)session;
    (void)error;
    struct conn *c = arg;
    for (struct stream **at = &c->streams; *at; at = &(*at)->next) {
        if ((*at)->id != id)
            continue;
        struct stream *s = *at;
        *at = s->next;
        buf_fini(&s->in);
        free(s);
        break;
    }
    return 0;
}

static void open_conn(struct grpc_server *s, int fd) {
    struct conn *c = s->conns;
    while (c->fd >= 0)
        check(++c < s->conns + CONNS_MAX);
    nghttp2_session_callbacks *cb;
    check(nghttp2_session_callbacks_new(&cb) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    *c = (struct conn){.fd = fd, .server = s};
    check(nghttp2_session_server_new(&c->session, cb, c) == 0);
    nghttp2_session_callbacks_del(cb);
    check(nghttp2_submit_settings(c->session, 0, NULL, 0) == 0);
    s->accepted++;
    if (s->o.garbage.n)
        check(send(fd, s->o.garbage.p, s->o.garbage.n, MSG_NOSIGNAL) >= 0);
}

static void close_conn(struct conn *c) {
    if (c->fd < 0)
        return;
    nghttp2_session_del(c->session);
    while (c->streams) {
        struct stream *s = c->streams;
        c->streams = s->next;
        buf_fini(&s->in);
        free(s);
    }
    close(c->fd);
    c->fd = -1;
}

static bool send_out(struct conn *c) {
    const uint8_t *p;
    ssize_t n;
    while (!c->server->o.garbage.n && (n = nghttp2_session_mem_send(c->session, &p)) > 0)
        for (ssize_t at = 0; at < n;) {
            ssize_t w = send(c->fd, p + at, (size_t)(n - at), MSG_NOSIGNAL);
            if (w <= 0)
                return false;
            at += w;
        }
    return true;
}

static bool serve_conn(struct conn *c) {
    uint8_t in[16384];
    ssize_t n = read(c->fd, in, sizeof in);
    if (n <= 0 || nghttp2_session_mem_recv(c->session, in, (size_t)n) < 0)
        return false;
    return send_out(c) && !c->dropped;
}

static void server_main(void *arg) {
    struct grpc_server *s = arg;
    for (;;) {
        struct pollfd fds[2 + CONNS_MAX] = {{.fd = s->stop, .events = POLLIN},
                                            {.fd = s->listener, .events = POLLIN}};
        for (int i = 0; i < CONNS_MAX; i++)
            fds[2 + i] = (struct pollfd){.fd = s->conns[i].fd, .events = POLLIN};
        check(poll(fds, 2 + CONNS_MAX, -1) > 0);
        if (fds[0].revents)
            break;
        for (int i = 0; i < CONNS_MAX; i++)
            if (fds[2 + i].revents && !serve_conn(&s->conns[i]))
                close_conn(&s->conns[i]);
        if (fds[1].revents)
            open_conn(s, accept4(s->listener, NULL, NULL, SOCK_CLOEXEC));
    }
    for (int i = 0; i < CONNS_MAX; i++)
        close_conn(&s->conns[i]);
}

struct grpc_server *grpc_server_start(const struct grpc_server_options *options) {
    struct grpc_server *s = calloc(1, sizeof *s);
    check(s);
    s->o = *options;
    for (int i = 0; i < CONNS_MAX; i++)
        s->conns[i].fd = -1;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", options->socket);
    (void)unlink(options->socket);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(bind(s->listener, (struct sockaddr *)&a, sizeof a) == 0 && listen(s->listener, 16) == 0);
    s->stop = eventfd(0, EFD_CLOEXEC);
    check(thread_start(&s->thread, &(struct thread_options){.name = "grpc-server"}, server_main, s, NULL) ==
          0);
    return s;
}

void grpc_server_stop(struct grpc_server *s) {
    uint64_t one = 1;
    check(write(s->stop, &one, sizeof one) == sizeof one);
    thread_join(&s->thread);
    close(s->listener);
    close(s->stop);
    free(s);
}

unsigned grpc_server_accepted(struct grpc_server *s) {
    return s->accepted;
}

unsigned grpc_server_cancelled(struct grpc_server *s) {
    return s->cancelled;
}

const char *grpc_server_timeout(struct grpc_server *s) {
    return s->timeout;
}
