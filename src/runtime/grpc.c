/* Channels of the gRPC client. See grpc.h, grpc_priv.h. */
#include "runtime/grpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "base/workers.h"
#include "runtime/grpc_priv.h"

#define NS_PER_MS 1000000

void grpc_target(const struct grpc *g, char *out, size_t size) {
    if (g->socket)
        snprintf(out, size, "unix://%s", g->socket);
    else
        snprintf(out, size, "tcp://%s:%u", g->address, g->port);
}

void grpc_list_add(struct grpc_exchange **list, struct grpc_exchange *x) {
    check(!x->link);
    while (*list)
        list = &(*list)->next; /* in order; there are never many */
    x->next = NULL;
    x->link = list;
    *list = x;
}

void grpc_list_remove(struct grpc_exchange *x) {
    if (!x->link)
        return;
    *x->link = x->next;
    if (x->next)
        x->next->link = x->link;
    x->link = NULL;
    x->next = NULL;
}

/* --- one call, on the loop --- */

void grpc_exchange_finish(struct grpc_exchange *x, int code) {
    loop_timer_stop(x->channel->loop, &x->timer);
    grpc_list_remove(x);
    x->conn = NULL;
    x->code = code ? code : grpc_read_end(x);
    x->done(x);
}

static void give_up(struct grpc_exchange *x, int code, const char *why) {
    (void)err_set(&x->err, code, "%s: %s", x->path, why);
    if (x->conn)
        grpc_conn_cancel(x->conn, x);
    grpc_exchange_finish(x, code);
}

static void on_deadline(struct timer *t) {
    struct grpc_exchange *x = (struct grpc_exchange *)((char *)t - offsetof(struct grpc_exchange, timer));
    give_up(x, ERR_TIMEOUT, "no answer in time");
}

static void begin(struct grpc_exchange *x) {
    struct grpc *g = x->channel;
    x->timer.fire = on_deadline;
    if (x->timeout_ms)
        loop_timer_start(g->loop, &x->timer, x->timeout_ms * NS_PER_MS);
    if (!g->conn && grpc_conn_open(g, &x->err) < 0)
        grpc_exchange_finish(x, x->err.code);
    else if (grpc_conn_ready(g->conn))
        grpc_conn_submit(g->conn, x);
    else
        grpc_list_add(&g->waiting, x);
}

static void fill_exchange(struct grpc_exchange *x, struct grpc *g, const struct grpc_call *call) {
    x->channel = g;
    x->path = call->path;
    x->request = call->request;
    x->timeout_ms = call->timeout_ms;
    x->status = GRPC_STATUS_NONE;
    x->text.limit = ERR_MESSAGE_MAX;
}

static void fini_exchange(struct grpc_exchange *x) {
    buf_fini(&x->text);
    buf_fini(&x->message);
}

/* --- unary --- */

struct unary {
    struct loop_msg msg;
    struct grpc_exchange x;
    struct waiter done;
};

static void unary_begin(struct loop_msg *m) {
    begin(&((struct unary *)((char *)m - offsetof(struct unary, msg)))->x);
}

static void unary_done(struct grpc_exchange *x) {
    waiter_signal(&((struct unary *)((char *)x - offsetof(struct unary, x)))->done);
}

int grpc_unary(struct grpc *g, const struct grpc_call *call, struct buf *ret_answer, struct err *err) {
    struct unary u = {.msg.run = unary_begin, .x.done = unary_done};
    fill_exchange(&u.x, g, call);
    waiter_init(&u.done, NULL);
    int rc = loop_post(g->loop, &u.msg);
    if (rc == 0) {
        waiter_wait(&u.done);
        rc = u.x.code;
    } else {
        (void)err_set(&u.x.err, rc, "the client has ended");
    }
    if (rc == 0)
        buf_str(ret_answer, buf_view(&u.x.message));
    else if (err)
        *err = u.x.err;
    waiter_fini(&u.done);
    fini_exchange(&u.x);
    return rc;
}

/* --- streams --- */

struct grpc_stream {
    struct loop_msg begin, cancel;
    struct grpc_exchange x;
    struct grpc_stream_options o;
    char *path, *request; /* owned */
    bool over;            /* the loop's */
    struct waiter done, cancelled;
};

static struct grpc_stream *stream_of(struct grpc_exchange *x) {
    return (struct grpc_stream *)((char *)x - offsetof(struct grpc_stream, x));
}

static void stream_begin(struct loop_msg *m) {
    begin(&((struct grpc_stream *)((char *)m - offsetof(struct grpc_stream, begin)))->x);
}

static void stream_message(struct grpc_exchange *x) {
    struct grpc_stream *s = stream_of(x);
    s->o.on_message(s->o.arg, buf_view(&x->message));
}

static void stream_done(struct grpc_exchange *x) {
    struct grpc_stream *s = stream_of(x);
    s->over = true;
    s->o.on_end(s->o.arg, x->code, &x->err);
    waiter_signal(&s->done);
}

static void stream_cancel(struct loop_msg *m) {
    struct grpc_stream *s = (struct grpc_stream *)((char *)m - offsetof(struct grpc_stream, cancel));
    if (!s->over)
        give_up(&s->x, ERR_CANCELLED, "cancelled");
    waiter_signal(&s->cancelled);
}

static void *copy_of(const void *p, size_t n) {
    char *copy = malloc(n + 1);
    if (!copy)
        panic("out of memory");
    if (n)
        memcpy(copy, p, n);
    copy[n] = 0;
    return copy;
}

static void stream_free(struct grpc_stream *s) {
    waiter_fini(&s->done);
    waiter_fini(&s->cancelled);
    fini_exchange(&s->x);
    free(s->path);
    free(s->request);
    free(s);
}

int grpc_stream_start(struct grpc *g, const struct grpc_call *call, const struct grpc_stream_options *options,
                      struct grpc_stream **ret, struct err *err) {
    struct grpc_stream *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    s->o = *options;
    s->begin.run = stream_begin;
    s->cancel.run = stream_cancel;
    fill_exchange(&s->x, g, call);
    s->x.path = s->path = copy_of(call->path, strlen(call->path));
    s->request = copy_of(call->request.p, call->request.n);
    s->x.request.p = s->request;
    s->x.many = true;
    s->x.on_message = stream_message;
    s->x.done = stream_done;
    waiter_init(&s->done, NULL);
    waiter_init(&s->cancelled, NULL);
    if (loop_post(g->loop, &s->begin)) {
        stream_free(s);
        return err_set(err, ERR_CLOSED, "the client has ended");
    }
    *ret = s;
    return 0;
}

void grpc_stream_stop(struct grpc_stream *s) {
    if (!s)
        return;
    if (loop_post(s->x.channel->loop, &s->cancel) == 0)
        waiter_wait(&s->cancelled);
    waiter_wait(&s->done);
    stream_free(s);
}

/* --- channels --- */

static char *copy_text(const char *text) {
    return text ? copy_of(text, strlen(text)) : NULL;
}

static int check_options(const struct grpc_options *o, struct err *err) {
    if (!o->socket && !o->address)
        return err_set(err, ERR_INVALID, "a server needs a socket or an address");
    if (o->socket && strlen(o->socket) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return err_set(err, ERR_INVALID, "the path of the socket is too long: %s", o->socket);
    return 0;
}

int grpc_new(const struct grpc_options *options, struct grpc **ret, struct err *err) {
    int rc = check_options(options, err);
    if (rc)
        return rc;
    struct loop *loop = options->loop;
    if (!loop && (rc = loop_start(&(struct loop_options){.name = "grpc"}, &loop, err)) < 0)
        return rc;
    struct grpc *g = calloc(1, sizeof *g);
    if (!g)
        panic("out of memory");
    g->socket = copy_text(options->socket);
    g->address = options->socket ? NULL : copy_text(options->address);
    g->port = options->port;
    g->answer_max = options->answer_max ? options->answer_max : GRPC_ANSWER_MAX;
    g->loop = loop;
    g->owns_loop = !options->loop;
    *ret = g;
    return 0;
}

struct ending {
    struct loop_msg msg;
    struct grpc *g;
    struct waiter done;
};

static void end_on_loop(struct loop_msg *m) {
    struct ending *e = (struct ending *)((char *)m - offsetof(struct ending, msg));
    check(!e->g->waiting);
    e->g->empty = &e->done;
    grpc_conn_close_all(e->g, ERR_CANCELLED, "the client has ended");
    if (!e->g->conns)
        waiter_signal(&e->done);
}

void grpc_free(struct grpc *g) {
    if (!g)
        return;
    struct ending e = {.msg.run = end_on_loop, .g = g};
    waiter_init(&e.done, NULL);
    if (loop_post(g->loop, &e.msg) == 0)
        waiter_wait(&e.done);
    waiter_fini(&e.done);
    if (g->owns_loop)
        loop_stop(g->loop);
    free(g->socket);
    free(g->address);
    free(g);
}
