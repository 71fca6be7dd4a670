/* One connection of a gRPC channel. See grpc_priv.h.
 *
 * A connection that was told to go away (GOAWAY) leaves its channel, ends its calls and then itself; the
 * channel opens another one. nghttp2 must not be asked for output from within its own callbacks: flush() is
 * called behind them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/workers.h"
#include "runtime/grpc_priv.h"

#define READ_BYTES 16384
#define WRITE_BYTES_MAX 65536

struct grpc_conn {
    struct grpc_conn *next; /* of the channel */
    struct grpc *g;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_pipe_t pipe;
        uv_tcp_t tcp;
    } io;
    uv_connect_t connect;
    uv_write_t write;
    struct buf out; /* being written */
    nghttp2_session *session;
    struct grpc_exchange *calls;
    bool ready, writing, receiving, closing;
    char in[READ_BYTES];
};

static void flush(struct grpc_conn *c);

bool grpc_conn_ready(const struct grpc_conn *c) {
    return c->ready;
}

/* Takes no more calls. */
static void leave_channel(struct grpc_conn *c) {
    if (c->g->conn == c)
        c->g->conn = NULL;
}

/* --- ending --- */

static void on_closed(uv_handle_t *h) {
    struct grpc_conn *c = h->data;
    struct grpc *g = c->g;
    struct grpc_conn **at = &g->conns;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    buf_fini(&c->out);
    free(c);
    if (!g->conns && g->empty)
        waiter_signal(g->empty);
}

void grpc_conn_close(struct grpc_conn *c, int code, const char *why) {
    if (c->closing)
        return;
    c->closing = true;
    leave_channel(c);
    nghttp2_session_del(c->session);
    c->session = NULL;
    char target[160];
    grpc_target(c->g, target, sizeof target);
    while (c->calls) {
        struct grpc_exchange *x = c->calls;
        (void)err_set(&x->err, code, "%s: %s", target, why);
        grpc_exchange_finish(x, code);
    }
    uv_close(&c->io.handle, on_closed);
}

void grpc_conn_close_all(struct grpc *g, int code, const char *why) {
    for (struct grpc_conn *c = g->conns; c; c = c->next) /* they leave the list later */
        grpc_conn_close(c, code, why);
}

/* A connection ends itself when it left its channel and has nothing to do any more, and when nghttp2 has
 * given up on the peer. */
static void close_if_over(struct grpc_conn *c) {
    if (c->closing || c->receiving)
        return;
    if (c->g->conn != c && !c->calls)
        grpc_conn_close(c, ERR_CLOSED, "the server is going away");
    else if (!nghttp2_session_want_read(c->session) && !nghttp2_session_want_write(c->session))
        grpc_conn_close(c, ERR_CORRUPT, "the server does not speak HTTP/2");
}

/* --- output --- */

static void on_written(uv_write_t *w, int status) {
    struct grpc_conn *c = w->data;
    c->writing = false;
    if (status < 0)
        grpc_conn_close(c, ERR_CLOSED, uv_strerror(status));
    else
        flush(c);
}

static void write_rest(struct grpc_conn *c, size_t from) {
    uv_buf_t rest = uv_buf_init(c->out.p + from, (unsigned)(c->out.n - from));
    c->write.data = c;
    c->writing = true;
    int rc = uv_write(&c->write, &c->io.stream, &rest, 1, on_written);
    if (rc < 0) {
        c->writing = false;
        grpc_conn_close(c, ERR_CLOSED, uv_strerror(rc));
    }
}

/* Fills c->out; false when the session is broken. */
static bool collect(struct grpc_conn *c) {
    buf_clear(&c->out);
    while (c->out.n < WRITE_BYTES_MAX) {
        const uint8_t *p;
        ssize_t n = nghttp2_session_mem_send(c->session, &p);
        if (n <= 0)
            return n == 0;
        buf_put(&c->out, p, (size_t)n);
    }
    return true;
}

static void flush(struct grpc_conn *c) {
    while (!c->closing && c->ready && !c->writing && !c->receiving) {
        if (!collect(c)) {
            grpc_conn_close(c, ERR_INTERNAL, "no frame can be made");
            return;
        }
        if (c->out.n == 0)
            break;
        uv_buf_t all = uv_buf_init(c->out.p, (unsigned)c->out.n);
        int n = uv_try_write(&c->io.stream, &all, 1);
        size_t done = n > 0 ? (size_t)n : 0;
        if (done < c->out.n)
            write_rest(c, done); /* also tells what went wrong */
    }
    close_if_over(c);
}

/* --- input --- */

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *ret) {
    (void)hint;
    struct grpc_conn *c = h->data;
    *ret = uv_buf_init(c->in, sizeof c->in);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *data) {
    struct grpc_conn *c = s->data;
    if (c->closing || n == 0)
        return;
    if (n < 0) {
        grpc_conn_close(c, ERR_CLOSED,
                        n == UV_EOF ? "the server closed the connection" : uv_strerror((int)n));
        return;
    }
    c->receiving = true;
    ssize_t rc = nghttp2_session_mem_recv(c->session, (const uint8_t *)data->base, (size_t)n);
    c->receiving = false;
    if (rc < 0)
        grpc_conn_close(c, ERR_CORRUPT, "the server does not speak HTTP/2");
    else
        flush(c);
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *frame, void *arg) {
    (void)s;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        leave_channel(arg);
    return 0;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name, size_t name_n,
                     const uint8_t *value, size_t value_n, uint8_t flags, void *arg) {
    (void)flags;
    struct grpc_exchange *x = nghttp2_session_get_stream_user_data(s, frame->hd.stream_id);
    if (x &&
        !grpc_read_header(x, str_make((const char *)name, name_n), str_make((const char *)value, value_n))) {
        grpc_conn_cancel(arg, x);
        grpc_exchange_finish(x, x->code);
    }
    return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *arg) {
    (void)flags;
    struct grpc_exchange *x = nghttp2_session_get_stream_user_data(s, id);
    if (x && !grpc_read_data(x, str_make((const char *)data, n))) {
        grpc_conn_cancel(arg, x);
        grpc_exchange_finish(x, x->code);
    }
    return 0;
}

/* The server has not begun with it: it goes to the connection that takes calls now. */
static void resend(struct grpc_exchange *x) {
    grpc_list_remove(x);
    x->resent = true;
    x->conn = NULL;
    x->sent = 0;
    struct grpc *g = x->channel;
    if (!g->conn && grpc_conn_open(g, &x->err) < 0)
        grpc_exchange_finish(x, x->err.code);
    else if (grpc_conn_ready(g->conn))
        grpc_conn_submit(g->conn, x);
    else
        grpc_list_add(&g->waiting, x);
}

static int on_stream_close(nghttp2_session *s, int32_t id, uint32_t error, void *arg) {
    (void)arg;
    struct grpc_exchange *x = nghttp2_session_get_stream_user_data(s, id);
    if (!x)
        return 0;
    if (error == NGHTTP2_REFUSED_STREAM && !x->started && !x->resent) {
        resend(x);
    } else if (error != NGHTTP2_NO_ERROR && x->status == GRPC_STATUS_NONE) {
        int code = error == NGHTTP2_CANCEL ? ERR_CANCELLED : ERR_CLOSED;
        (void)err_set(&x->err, code, "%s: the server ended the call: %s", x->path,
                      nghttp2_http2_strerror(error));
        grpc_exchange_finish(x, code);
    } else {
        grpc_exchange_finish(x, 0);
    }
    return 0;
}

/* --- calls --- */

static ssize_t read_request(nghttp2_session *s, int32_t id, uint8_t *to, size_t room, uint32_t *flags,
                            nghttp2_data_source *source, void *arg) {
    (void)source;
    (void)arg;
    struct grpc_exchange *x = nghttp2_session_get_stream_user_data(s, id);
    if (!x)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* cancelled */
    size_t n = 0;
    for (; x->sent < GRPC_PREFIX_BYTES && n < room; n++)
        to[n] = (uint8_t)x->prefix[x->sent++];
    struct str part = str_cut(str_from_byte(x->request, x->sent - GRPC_PREFIX_BYTES), room - n);
    if (x->sent >= GRPC_PREFIX_BYTES && part.n) {
        memcpy(to + n, part.p, part.n);
        x->sent += part.n;
        n += part.n;
    }
    if (x->sent == GRPC_PREFIX_BYTES + x->request.n)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static nghttp2_nv header(struct str name, struct str value) {
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.p,
                        .value = (uint8_t *)(uintptr_t)value.p,
                        .namelen = name.n,
                        .valuelen = value.n};
}

static void fill_prefix(struct grpc_exchange *x) {
    for (int i = 0; i < 4; i++)
        x->prefix[1 + i] = (char)(x->request.n >> (24 - 8 * i) & 0xff);
}

void grpc_conn_submit(struct grpc_conn *c, struct grpc_exchange *x) {
    char authority[96], timeout[16];
    int n_authority = c->g->socket
                          ? snprintf(authority, sizeof authority, "localhost")
                          : snprintf(authority, sizeof authority, "%s:%u", c->g->address, c->g->port);
    int64_t ms = x->timeout_ms < 99999999 ? x->timeout_ms : 99999999; /* eight digits are allowed */
    int n_timeout = snprintf(timeout, sizeof timeout, "%lldm", (long long)ms);
    fill_prefix(x);
    nghttp2_nv headers[] = {
        header(S(":method"), S("POST")),
        header(S(":scheme"), S("http")),
        header(S(":path"), str_from(x->path)),
        header(S(":authority"), str_make(authority, (size_t)n_authority)),
        header(S("te"), S("trailers")),
        header(S("content-type"), S("application/grpc")),
        header(S("user-agent"), S("coxswain")),
        header(S("grpc-timeout"), str_make(timeout, (size_t)n_timeout)),
    };
    size_t n = sizeof headers / sizeof *headers - (x->timeout_ms ? 0 : 1);
    nghttp2_data_provider body = {.read_callback = read_request};
    x->stream_id = nghttp2_submit_request(c->session, NULL, headers, n, &body, x);
    x->conn = c;
    grpc_list_add(&c->calls, x);
    if (x->stream_id < 0) {
        x->stream_id = 0;
        leave_channel(c); /* its numbers are used up */
        grpc_exchange_finish(x, err_set(&x->err, ERR_AGAIN, "%s: no more calls on this connection", x->path));
    }
    flush(c);
}

void grpc_conn_cancel(struct grpc_conn *c, struct grpc_exchange *x) {
    if (c->closing || !x->stream_id)
        return;
    (void)nghttp2_session_set_stream_user_data(c->session, x->stream_id, NULL);
    (void)nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, x->stream_id, NGHTTP2_CANCEL);
    x->stream_id = 0;
    flush(c);
}

/* --- beginning --- */

static nghttp2_session *new_session(struct grpc_conn *c) {
    nghttp2_session_callbacks *cb;
    nghttp2_session *s;
    if (nghttp2_session_callbacks_new(&cb))
        panic("out of memory");
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
    if (nghttp2_session_client_new(&s, cb, c))
        panic("out of memory");
    nghttp2_session_callbacks_del(cb);
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                         {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, GRPC_WINDOW},
                                         {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_HEADER_BYTES_MAX}};
    if (nghttp2_submit_settings(s, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings) ||
        nghttp2_session_set_local_window_size(s, NGHTTP2_FLAG_NONE, 0, GRPC_CONN_WINDOW))
        panic("out of memory");
    return s;
}

static void fail_waiting(struct grpc *g, int code, const char *why) {
    char target[160];
    grpc_target(g, target, sizeof target);
    while (g->waiting) {
        struct grpc_exchange *x = g->waiting;
        (void)err_set(&x->err, code, "cannot connect to %s: %s", target, why);
        grpc_exchange_finish(x, code);
    }
}

static void on_connected(uv_connect_t *connect, int status) {
    struct grpc_conn *c = connect->data;
    if (c->closing)
        return;
    struct grpc *g = c->g;
    if (status == 0)
        status = uv_read_start(&c->io.stream, on_alloc, on_read);
    if (status < 0) {
        grpc_conn_close(c, ERR_CLOSED, uv_strerror(status));
        fail_waiting(g, ERR_CLOSED, uv_strerror(status));
        return;
    }
    c->ready = true;
    while (g->waiting && g->conn == c) {
        struct grpc_exchange *x = g->waiting;
        grpc_list_remove(x);
        grpc_conn_submit(c, x);
    }
    flush(c);
}

static int connect_pipe(struct grpc_conn *c) {
    (void)uv_pipe_init(loop_uv(c->g->loop), &c->io.pipe, 0);
    uv_pipe_connect(&c->connect, &c->io.pipe, c->g->socket, on_connected);
    return 0;
}

static int connect_tcp(struct grpc_conn *c) {
    struct sockaddr_storage a;
    (void)uv_tcp_init(loop_uv(c->g->loop), &c->io.tcp);
    int rc = uv_ip4_addr(c->g->address, c->g->port, (struct sockaddr_in *)&a);
    if (rc < 0)
        rc = uv_ip6_addr(c->g->address, c->g->port, (struct sockaddr_in6 *)&a);
    if (rc == 0)
        rc = uv_tcp_connect(&c->connect, &c->io.tcp, (struct sockaddr *)&a, on_connected);
    (void)uv_tcp_nodelay(&c->io.tcp, 1);
    return rc;
}

int grpc_conn_open(struct grpc *g, struct err *err) {
    struct grpc_conn *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    c->g = g;
    c->session = new_session(c);
    g->conn = c;
    c->next = g->conns;
    g->conns = c;
    c->connect.data = c;
    int rc = g->socket ? connect_pipe(c) : connect_tcp(c);
    c->io.handle.data = c;
    if (rc < 0) {
        grpc_conn_close(c, ERR_CLOSED, uv_strerror(rc));
        return err_set(err, ERR_CLOSED, "cannot connect to %s port %u: %s", g->address, g->port,
                       uv_strerror(rc));
    }
    return 0;
}
