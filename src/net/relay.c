/* Requests that are handed on. See relay.h. */
#include "net/relay.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "net/transport.h"
#include "net/websocket.h"
#include "net/ws_channels.h"

#define FORWARD_PROTOCOL "portforward.k8s.io"
#define FORWARD_TUNNEL "SPDY/3.1+" FORWARD_PROTOCOL

struct relay {
    struct http_request *r;
    const struct relay_ops *ops;
    void *user;
    enum relay_upgrade upgrade;
    struct translate_streams streams;
    struct backend *backend;
    struct transport client; /* of the tunnel */
    bool streaming, tunnel, ended;
    bool collects_refusals;
    int refused;     /* the status of a refusal that is collected; 0: none */
    struct buf held; /* what the client did not take yet; of a refusal: why */
};

void relay_free(struct relay *y) {
    if (!y)
        return;
    backend_close(y->backend);
    buf_fini(&y->held);
    free(y);
}

static void fail(struct relay *y, int code, const char *what) {
    struct err err = ERR_INIT;
    const struct relay_ops *ops = y->ops;
    void *user = y->user;
    (void)err_set(&err, code, "%s", what);
    relay_free(y);
    ops->on_fail(user, &err);
}

/* -- to the client -- */

/* ERR_AGAIN: nothing was taken. */
static int write_client(struct relay *y, struct str bytes) {
    char *copy = malloc(bytes.n);
    if (!copy)
        panic("out of memory");
    memcpy(copy, bytes.p, bytes.n);
    struct http_chunk c = {.bytes = {copy, bytes.n}, .release = free, .arg = copy};
    int rc = y->tunnel ? y->client.ops->write(y->client.t, &c, 1) : http_stream_write(y->r, &c, 1);
    if (rc < 0)
        free(copy);
    return rc;
}

/* The answer or the tunnel has ended, and all of it was handed over. */
static void finish(struct relay *y) {
    if (y->tunnel) {
        y->client.ops->finish(y->client.t); /* on_close follows */
        return;
    }
    struct http_request *r = y->r;
    const struct relay_ops *ops = y->ops;
    void *user = y->user;
    relay_free(y);
    if (ops->on_end)
        ops->on_end(user);
    http_stream_end(r);
}

void relay_writable(struct relay *y) {
    if (y->held.n) {
        if (write_client(y, buf_view(&y->held)) < 0)
            return;
        buf_clear(&y->held);
    }
    if (y->ended)
        finish(y);
    else
        backend_pause(y->backend, false);
}

static void on_data(void *user, struct str bytes) {
    struct relay *y = user;
    if (y->refused) {
        buf_str(&y->held, str_cut(bytes, RELAY_REFUSAL_MAX - y->held.n));
        return;
    }
    if (bytes.n == 0 || (y->held.n == 0 && write_client(y, bytes) == 0))
        return;
    buf_str(&y->held, bytes);
    backend_pause(y->backend, true);
}

static void refuse(struct relay *y) {
    _cleanup_buf struct buf why = y->held;
    const struct relay_ops *ops = y->ops;
    void *user = y->user;
    int status = y->refused;
    y->held = (struct buf)BUF_INIT;
    relay_free(y);
    ops->on_refused(user, status, buf_view(&why));
}

static void on_end(void *user, const struct err *why) {
    struct relay *y = user;
    y->ended = true;
    if (y->refused)
        refuse(y);
    else if (!y->streaming && !y->tunnel)
        fail(y, why ? why->code : ERR_CLOSED, why ? why->msg : "there was no answer");
    else if (y->held.n == 0)
        finish(y);
}

/* -- from the client, in a tunnel -- */

static void tunnel_data(void *user, struct str bytes) {
    struct relay *y = user;
    if (bytes.n == 0) {
        backend_shutdown(y->backend);
        return;
    }
    backend_write(y->backend, bytes);
    if (backend_queued(y->backend) > BACKEND_OUTPUT_MAX)
        y->client.ops->pause(y->client.t, true);
}

static void tunnel_writable(void *user) {
    relay_writable(user);
}

static void tunnel_close(void *user, const struct err *why) {
    (void)why;
    relay_free(user);
}

static const struct http_raw_ops tunnel_ops = {
    .on_data = tunnel_data, .on_writable = tunnel_writable, .on_close = tunnel_close};

static void on_writable(void *user) {
    struct relay *y = user;
    if (y->tunnel)
        y->client.ops->pause(y->client.t, false);
}

/* -- the answer's head -- */

static struct http_header *copy_headers(struct relay *y, const struct backend_head *head, size_t *ret_n) {
    struct arena *a = http_arena(y->r);
    struct http_header *h = arena_new_n(a, head->n_headers + 1, struct http_header);
    size_t n = 0;
    for (size_t i = 0; i < head->n_headers; i++) {
        const struct http_header *from = &head->headers[i];
        bool own = str_eq(from->name, S("connection")) || str_eq(from->name, S("upgrade"));
        if (!own && y->ops->passes(from->name, head->upgraded))
            h[n++] = (struct http_header){arena_str(a, from->name), arena_str(a, from->value)};
    }
    *ret_n = n;
    return h;
}

static struct str find_header(const struct backend_head *head, struct str name) {
    for (size_t i = 0; i < head->n_headers; i++)
        if (str_eq(head->headers[i].name, name))
            return head->headers[i].value;
    return S("");
}

/* The relay may be gone when the upgrade returns. */
static void open_tunnel(struct relay *y, const struct backend_head *head) {
    struct http_request *r = y->r;
    struct err err = ERR_INIT;
    size_t n;
    struct http_header *h = copy_headers(y, head, &n);
    struct str protocol = arena_str(http_arena(r), find_header(head, S("upgrade")));
    y->client = http_transport(r);
    if (http_upgrade(r, protocol, h, n, &tunnel_ops, y, &err) == 0)
        return;
    relay_free(y);
    http_respond_text(r, 502, S("text/plain; charset=utf-8"), S("the connection cannot be upgraded\n"));
}

static void open_websocket(struct relay *y) {
    struct websocket *ws;
    struct err err = ERR_INIT;
    struct ws_tunnel *t = ws_tunnel_new(&tunnel_ops, http_transport(y->r), &ws);
    ws_tunnel_set_user(t, y);
    y->client = ws_tunnel_transport(t);
    if (websocket_accept(y->r, S(FORWARD_TUNNEL), ws, &err) == 0)
        return;
    ws_tunnel_discard(t);
    relay_free(y);
}

static void open_channels(struct relay *y) {
    struct backend *b = y->backend;
    struct http_request *r = y->r;
    struct translate_streams streams = y->streams;
    y->backend = NULL;
    relay_free(y);
    translate_start(r, b, &streams);
}

static const char *what_is_wrong(const struct relay *y, const struct backend_head *head) {
    if (y->upgrade == RELAY_PLAIN)
        return "the backend upgraded a connection that nobody asked it to";
    if (y->upgrade == RELAY_TUNNEL)
        return NULL;
    struct str agreed = find_header(head, S("x-stream-protocol-version"));
    struct str wanted = y->upgrade == RELAY_CHANNELS ? S(TRANSLATE_BACKEND_PROTOCOL) : S(FORWARD_PROTOCOL);
    return str_eq(agreed, wanted) ? NULL : "the backend agreed to another protocol than it was asked for";
}

static void on_upgraded(struct relay *y, const struct backend_head *head) {
    const char *wrong = what_is_wrong(y, head);
    if (wrong) {
        fail(y, ERR_INVALID, wrong);
        return;
    }
    y->tunnel = true;
    if (y->ops->on_head)
        y->ops->on_head(y->user, 101);
    switch (y->upgrade) {
    case RELAY_CHANNELS: open_channels(y); return;
    case RELAY_IN_WEBSOCKET: open_websocket(y); return;
    default: open_tunnel(y, head); return;
    }
}

static void on_head(void *user, const struct backend_head *head) {
    struct relay *y = user;
    size_t n;
    if (head->upgraded) {
        on_upgraded(y, head);
        return;
    }
    if (y->collects_refusals && (head->status < 200 || head->status > 206)) {
        y->refused = head->status;
        return;
    }
    struct http_header *h = copy_headers(y, head, &n);
    y->streaming = true;
    if (y->ops->on_head)
        y->ops->on_head(y->user, head->status);
    http_stream_begin(y->r, head->status, h, n, y->ops->on_stream_writable);
}

static const struct backend_ops backend_ops = {
    .on_head = on_head, .on_data = on_data, .on_writable = on_writable, .on_end = on_end};

/* -- the beginning -- */

enum relay_upgrade relay_upgrade_of(struct http_request *r, bool forward) {
    static const struct str tunnel[] = {STR_INIT(FORWARD_TUNNEL)};
    if (!websocket_asked(r))
        return RELAY_TUNNEL;
    if (forward)
        return websocket_choose(r, tunnel, 1).p ? RELAY_IN_WEBSOCKET : RELAY_TUNNEL;
    return translate_choose(r).p ? RELAY_CHANNELS : RELAY_TUNNEL;
}

void relay_put_upgrade(struct buf *out, enum relay_upgrade upgrade) {
    buf_lit(out, "connection: Upgrade\r\nupgrade: SPDY/3.1\r\nx-stream-protocol-version: ");
    buf_str(out, upgrade == RELAY_CHANNELS ? S(TRANSLATE_BACKEND_PROTOCOL) : S(FORWARD_PROTOCOL));
    buf_lit(out, "\r\n");
}

int relay_open(const struct relay_options *o, struct relay **ret, struct err *err) {
    struct relay *y = calloc(1, sizeof *y);
    if (!y)
        panic("out of memory");
    *y = (struct relay){.r = o->r,
                        .ops = o->ops,
                        .user = o->user,
                        .upgrade = o->upgrade,
                        .streams = o->streams,
                        .collects_refusals = o->collects_refusals};
    struct backend_options b = o->backend;
    b.loop = http_request_loop(o->r);
    b.ops = &backend_ops;
    b.user = y;
    int rc = backend_open(&b, &y->backend, err);
    if (rc < 0) {
        free(y);
        return rc;
    }
    *ret = y;
    return 0;
}
