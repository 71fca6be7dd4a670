/* WebSockets to the API server. See wsclient.h.
 *
 * libcurl connects (TLS, proxies, certificates, as for all requests) and hands out the connection; the
 * handshake is written and read here, and what follows goes through wslay, driven by uv_poll on the loop.
 */
#include "client/wsclient.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdlib.h>
#include <uv.h>
#include <wslay/wslay.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/timefmt.h"
#include "client/fetch_priv.h"
#include "client/remote_priv.h"
#include "codec/base64.h"

#define HEAD_MAX ((size_t)64 << 10)
#define GOODBYE_NS (2 * NS_PER_SEC)
#define KEY_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_TEXT 24 /* base64 of 16 bytes */

struct wsclient {
    struct loop *loop;
    const struct wsclient_ops *ops;
    void *user;
    CURL *easy;
    struct curl_slist *connect_to;
    struct remote_creds *creds;
    curl_socket_t fd;
    struct arena arena;
    struct str protocol;
    struct buf early; /* what came with the handshake's answer */
    wslay_event_context_ptr ws;
    uv_poll_t poll;
    struct loop_msg begin;
    struct timer goodbye;
    bool polling, paused, closing, over, full, eof, inside;
    char why[CURL_ERROR_SIZE];
};

static void free_wsclient(struct wsclient *w) {
    if (w->ws)
        wslay_event_context_free(w->ws);
    if (w->easy)
        curl_easy_cleanup(w->easy);
    curl_slist_free_all(w->connect_to);
    shared_unref(w->creds ? &w->creds->shared : NULL);
    buf_fini(&w->early);
    arena_fini(&w->arena);
    free(w);
}

/* -- opening -- */

static int connect_to_server(struct wsclient *w, const struct remote *r, struct str server, long timeout_ms,
                             struct err *err) {
    w->easy = curl_easy_init();
    if (!w->easy)
        panic("out of memory");
    w->connect_to = fetch_set_url(w->easy, w->creds->tls, server, &w->arena);
    fetch_set_tls(w->easy, w->creds->tls);
    (void)curl_easy_setopt(w->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(w->easy, CURLOPT_ERRORBUFFER, w->why);
    (void)curl_easy_setopt(w->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(w->easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
    (void)curl_easy_setopt(w->easy, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(w->easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    if (r->config.proxy_url.n)
        (void)curl_easy_setopt(w->easy, CURLOPT_PROXY, arena_strz(&w->arena, r->config.proxy_url));
    CURLcode rc = curl_easy_perform(w->easy);
    if (rc != CURLE_OK)
        return err_set(err, rc == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_IO, "%.*s: %s",
                       STR_ARG(server), w->why[0] ? w->why : curl_easy_strerror(rc));
    if (curl_easy_getinfo(w->easy, CURLINFO_ACTIVESOCKET, &w->fd) != CURLE_OK || w->fd == CURL_SOCKET_BAD)
        return err_set(err, ERR_IO, "%.*s: the connection is gone", STR_ARG(server));
    return 0;
}

/* Waits for the socket, until the monotonic time. */
static int await(const struct wsclient *w, short events, int64_t until_ns, struct err *err) {
    int64_t left = until_ns - clock_mono_ns(clock_system());
    struct pollfd p = {.fd = w->fd, .events = events};
    if (left <= 0 || poll(&p, 1, (int)(left / NS_PER_MS) + 1) == 0)
        return err_set(err, ERR_TIMEOUT, "the server did not answer in time");
    return 0;
}

static int send_all(struct wsclient *w, struct str text, int64_t until_ns, struct err *err) {
    while (text.n) {
        size_t n = 0;
        CURLcode rc = curl_easy_send(w->easy, text.p, text.n, &n);
        if (rc == CURLE_AGAIN) {
            int code = await(w, POLLOUT, until_ns, err);
            if (code)
                return code;
        } else if (rc != CURLE_OK) {
            return err_set(err, ERR_IO, "the connection broke off: %s", curl_easy_strerror(rc));
        }
        text = str_from_byte(text, n);
    }
    return 0;
}

/* One read; *ret_n 0: the end. */
static int read_some(struct wsclient *w, struct buf *to, size_t *ret_n, int64_t until_ns, struct err *err) {
    char *room = buf_reserve(to, 4096);
    if (!room)
        return err_set(err, ERR_TOO_LARGE, "the server's answer is too long");
    for (;;) {
        CURLcode rc = curl_easy_recv(w->easy, room, 4096, ret_n);
        if (rc == CURLE_OK)
            break;
        if (rc != CURLE_AGAIN)
            return err_set(err, ERR_IO, "the connection broke off: %s", curl_easy_strerror(rc));
        int code = await(w, POLLIN, until_ns, err);
        if (code)
            return code;
    }
    to->n += *ret_n;
    return 0;
}

static void add_line(struct buf *out, const char *name, struct str value) {
    buf_printf(out, "%s: %.*s\r\n", name, STR_ARG(value));
}

static struct str host_of(struct str server) {
    ptrdiff_t at = str_find(server, S("://"));
    struct str rest = at < 0 ? server : str_from_byte(server, (size_t)at + 3), host, path;
    (void)str_split(rest, '/', &host, &path);
    return host;
}

static struct str prefix_of(struct str server) {
    struct str host = host_of(server);
    return str_from_byte(server, (size_t)(host.p - server.p) + host.n);
}

static void write_request(const struct wsclient_options *o, const struct remote_client *c,
                          const struct remote_creds *creds, struct str server, struct str key,
                          struct buf *out) {
    buf_printf(out, "GET %.*s%.*s HTTP/1.1\r\n", STR_ARG(prefix_of(server)), STR_ARG(o->path));
    add_line(out, "Host", host_of(server));
    buf_lit(out, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
    add_line(out, "Sec-WebSocket-Key", key);
    buf_lit(out, "Sec-WebSocket-Protocol: ");
    for (size_t i = 0; i < o->n_protocols; i++)
        buf_printf(out, "%s%.*s", i ? ", " : "", STR_ARG(o->protocols[i]));
    buf_lit(out, "\r\n");
    for (uint32_t i = 0; i < c->as_headers.n; i++)
        buf_printf(out, "%.*s\r\n", STR_ARG(c->as_headers.v[i]));
    if (creds->authorization)
        buf_printf(out, "%s\r\n", creds->authorization);
    add_line(out, "User-Agent", client_name(&c->client));
    buf_lit(out, "\r\n");
}

/* The value of a header in the answer's head. */
static struct str header_in(struct str head, struct str name) {
    struct str line, key, value;
    while (head.n) {
        (void)str_split(head, '\n', &line, &head);
        if (str_split(line, ':', &key, &value) && str_eq_nocase(str_trim(key), name))
            return str_trim(value);
    }
    return STR_NONE;
}

static void accept_of(struct str key, char out[32]) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char both[KEY_TEXT + sizeof KEY_GUID];
    memcpy(both, key.p, KEY_TEXT);
    memcpy(both + KEY_TEXT, KEY_GUID, sizeof KEY_GUID - 1);
    check(EVP_Digest(both, KEY_TEXT + sizeof KEY_GUID - 1, digest, &n, EVP_sha1(), NULL) == 1);
    out[base64_encode(BASE64_STD, str_make((const char *)digest, n), out)] = '\0';
}

/* "HTTP/1.1 101 …" */
static int http_code_of(struct str head) {
    struct str line, version, rest, code;
    uint64_t n;
    (void)str_split(head, '\r', &line, &rest);
    (void)str_split(line, ' ', &version, &rest);
    (void)str_split(rest, ' ', &code, &rest);
    return str_has_prefix(version, S("HTTP/1.")) && str_to_u64(code, &n) && n < 1000 ? (int)n : 0;
}

/* The bytes of a body in chunks. False: it is not all there. */
static bool dechunk(struct str raw, struct arena *a, struct str *ret) {
    struct str line, body = S("");
    while (str_split(raw, '\n', &line, &raw)) {
        uint64_t n = 0;
        line = str_trim(line);
        for (size_t i = 0; i < line.n && isxdigit((unsigned char)line.p[i]) && n < REMOTE_STATUS_MAX; i++) {
            int c = tolower((unsigned char)line.p[i]);
            n = n * 16 + (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        if (n == 0) {
            *ret = body;
            return true;
        }
        if (raw.n < n + 2)
            return false;
        body = arena_printf(a, "%.*s%.*s", STR_ARG(body), STR_ARG(str_cut(raw, (size_t)n)));
        raw = str_from_byte(raw, (size_t)n + 2);
    }
    return false;
}

/* Reads what belongs to a refusal, as far as it comes, and turns it into an error. */
static int refusal(struct wsclient *w, struct str head, struct buf *in, size_t head_n, int http_code,
                   int64_t until_ns, struct err *err) {
    uint64_t length = REMOTE_STATUS_MAX;
    size_t n = 1;
    bool sized = str_to_u64(header_in(head, S("content-length")), &length);
    bool chunked = !sized && str_eq_nocase(header_in(head, S("transfer-encoding")), S("chunked"));
    bool proto = remote_is_proto(header_in(head, S("content-type")));
    struct str body = S("");
    while (in->n - head_n < length && n &&
           !(chunked && dechunk(str_from_byte(buf_view(in), head_n), &w->arena, &body)) &&
           read_some(w, in, &n, until_ns, NULL) == 0)
        ;
    if (!chunked)
        body = str_from_byte(buf_view(in), head_n);
    const struct meta_status *st = remote_read_status(&w->arena, proto, body);
    int code = client_error(http_code < 400 ? 500 : http_code, st, err);
    if (!st)
        return err_set(err, code, "unable to upgrade connection: %.*s (%d)",
                       STR_ARG(str_cut(str_trim(body), 200)), http_code);
    return code;
}

static int read_answer(struct wsclient *w, struct str key, int64_t until_ns, struct err *err) {
    struct buf in = {.limit = HEAD_MAX + REMOTE_STATUS_MAX};
    ptrdiff_t end = -1;
    size_t n;
    int rc = 0;
    while (rc == 0 && end < 0) {
        rc = read_some(w, &in, &n, until_ns, err);
        if (rc == 0 && n == 0)
            rc = err_set(err, ERR_CLOSED, "the server closed the connection");
        if (rc == 0 && in.n > HEAD_MAX)
            rc = err_set(err, ERR_TOO_LARGE, "the server's answer is too long");
        end = rc ? -1 : str_find(buf_view(&in), S("\r\n\r\n"));
    }
    if (rc == 0) {
        size_t head_n = (size_t)end + 4;
        struct str head = arena_str(&w->arena, str_cut(buf_view(&in), head_n));
        int http_code = http_code_of(head);
        char wanted[32];
        accept_of(key, wanted);
        if (http_code != 101)
            rc = refusal(w, head, &in, head_n, http_code, until_ns, err);
        else if (!str_eq(header_in(head, S("sec-websocket-accept")), str_from(wanted)))
            rc = err_set(err, ERR_INVALID, "the server's WebSocket handshake is wrong");
        w->protocol = arena_str(&w->arena, header_in(head, S("sec-websocket-protocol")));
        if (rc == 0)
            buf_str(&w->early, str_from_byte(buf_view(&in), head_n));
    }
    buf_fini(&in);
    return rc;
}

static bool was_offered(const struct wsclient_options *o, struct str protocol) {
    for (size_t i = 0; i < o->n_protocols; i++)
        if (str_eq(o->protocols[i], protocol))
            return true;
    return o->n_protocols == 0 && !protocol.n;
}

static int shake_hands(struct wsclient *w, const struct wsclient_options *o, const struct remote_client *c,
                       struct err *err) {
    unsigned ms = o->timeout_ms ? o->timeout_ms : CLIENT_TIMEOUT_MS;
    int64_t until_ns = clock_mono_ns(clock_system()) + ms * NS_PER_MS;
    struct str server = c->remote->config.servers.v[__atomic_load_n(&c->remote->server, __ATOMIC_RELAXED)];
    unsigned char random[16];
    char key[KEY_TEXT + 1];
    rand_fill(rand_system(), random, sizeof random);
    check(base64_encode(BASE64_STD, str_make((const char *)random, sizeof random), key) == KEY_TEXT);
    _cleanup_buf struct buf request = BUF_INIT;
    int rc = connect_to_server(w, c->remote, server, (long)ms, err);
    if (rc)
        return rc;
    write_request(o, c, w->creds, server, str_make(key, KEY_TEXT), &request);
    rc = send_all(w, buf_view(&request), until_ns, err);
    if (rc == 0)
        rc = read_answer(w, str_make(key, KEY_TEXT), until_ns, err);
    if (rc == 0 && !was_offered(o, w->protocol))
        rc = err_set(err, ERR_UNSUPPORTED, "the server chose the protocol \"%.*s\", which was not offered",
                     STR_ARG(w->protocol));
    return rc;
}

/* -- wslay -- */

static ssize_t ws_recv(wslay_event_context_ptr ws, uint8_t *to, size_t len, int flags, void *arg) {
    struct wsclient *w = arg;
    (void)flags;
    if (w->early.n) {
        size_t n = len < w->early.n ? len : w->early.n;
        memcpy(to, w->early.p, n);
        buf_remove(&w->early, 0, n);
        return (ssize_t)n;
    }
    size_t n = 0;
    CURLcode rc = w->paused ? CURLE_AGAIN : curl_easy_recv(w->easy, to, len, &n);
    if (rc == CURLE_OK && n > 0)
        return (ssize_t)n;
    if (rc != CURLE_AGAIN)
        w->eof = true;
    wslay_event_set_error(ws, rc == CURLE_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t ws_send(wslay_event_context_ptr ws, const uint8_t *p, size_t len, int flags, void *arg) {
    struct wsclient *w = arg;
    (void)flags;
    size_t n = 0;
    CURLcode rc = curl_easy_send(w->easy, p, len, &n);
    if (rc == CURLE_OK)
        return (ssize_t)n;
    if (rc != CURLE_AGAIN)
        w->eof = true;
    wslay_event_set_error(ws, rc == CURLE_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static int ws_mask(wslay_event_context_ptr ws, uint8_t *to, size_t len, void *arg) {
    (void)ws;
    (void)arg;
    rand_fill(rand_system(), to, len);
    return 0;
}

static void ws_message(wslay_event_context_ptr ws, const struct wslay_event_on_msg_recv_arg *m, void *arg) {
    struct wsclient *w = arg;
    (void)ws;
    if (wslay_is_ctrl_frame(m->opcode) || w->closing)
        return;
    w->ops->on_message(w->user, m->opcode == WSLAY_TEXT_FRAME, str_make((const char *)m->msg, m->msg_length));
}

/* -- on the loop -- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void on_closed(uv_handle_t *h) {
    free_wsclient(h->data);
}

static void finish(struct wsclient *w) {
    struct err err = ERR_INIT;
    bool clean = wslay_event_get_close_received(w->ws) || (w->closing && w->eof);
    unsigned code = wslay_event_get_status_code_received(w->ws);
    if (clean && code != WSLAY_CODE_NORMAL_CLOSURE && code != WSLAY_CODE_NO_STATUS_RCVD && code != 0 &&
        code != WSLAY_CODE_GOING_AWAY && !w->closing)
        clean = false, (void)err_set(&err, ERR_IO, "the server ended the connection with code %u", code);
    else if (!clean)
        (void)err_set(&err, ERR_CLOSED, "the connection broke off");
    w->over = true;
    loop_timer_stop(w->loop, &w->goodbye);
    (void)uv_poll_stop(&w->poll);
    w->ops->on_close(w->user, clean ? NULL : &err);
    uv_close((uv_handle_t *)&w->poll, on_closed);
}

static void watch(struct wsclient *w) {
    int events = (wslay_event_want_read(w->ws) && !w->paused ? UV_READABLE : 0) |
                 (wslay_event_want_write(w->ws) ? UV_WRITABLE : 0);
    if (events)
        (void)uv_poll_start(&w->poll, events, on_poll);
    else
        (void)uv_poll_stop(&w->poll);
}

/* Reads and writes what can be, and sees whether that was all. */
static void pump(struct wsclient *w) {
    if (w->over || w->inside)
        return;
    w->inside = true;
    bool failed = (!w->paused && wslay_event_recv(w->ws) != 0) || wslay_event_send(w->ws) != 0;
    if (!failed && w->full && !w->closing &&
        wslay_event_get_queued_msg_length(w->ws) < WSCLIENT_QUEUE_MAX / 2) {
        w->full = false;
        if (w->ops->on_writable)
            w->ops->on_writable(w->user);
        failed = wslay_event_send(w->ws) != 0;
    }
    w->inside = false;
    bool both = wslay_event_get_close_received(w->ws) && wslay_event_get_close_sent(w->ws);
    if (failed || w->eof || both)
        finish(w);
    else
        watch(w);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    struct wsclient *w = poll->data;
    (void)events;
    if (status < 0)
        w->eof = true;
    pump(w);
}

static void on_begin(struct loop_msg *msg) {
    struct wsclient *w = (struct wsclient *)((char *)msg - offsetof(struct wsclient, begin));
    check(uv_poll_init_socket(loop_uv(w->loop), &w->poll, w->fd) == 0);
    w->poll.data = w;
    w->polling = true;
    pump(w);
}

static void on_goodbye_over(struct timer *t) {
    struct wsclient *w = (struct wsclient *)((char *)t - offsetof(struct wsclient, goodbye));
    w->eof = true;
    finish(w);
}

int wsclient_open(const struct wsclient_options *o, struct wsclient **ret, struct err *err) {
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = ws_recv,
        .send_callback = ws_send,
        .genmask_callback = ws_mask,
        .on_msg_recv_callback = ws_message,
    };
    struct remote_client *c = remote_client_of(o->client);
    if (!c)
        return err_set(err, ERR_UNSUPPORTED, "a WebSocket needs a connection to the server");
    struct wsclient *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    arena_init(&w->arena);
    w->loop = o->loop;
    w->ops = o->ops;
    w->user = o->user;
    w->creds = remote_creds(c->remote);
    w->begin.run = on_begin;
    w->goodbye.fire = on_goodbye_over;
    int rc = shake_hands(w, o, c, err);
    if (rc == 0) {
        check(wslay_event_context_client_init(&w->ws, &callbacks, w) == 0);
        wslay_event_config_set_max_recv_msg_length(w->ws, WSCLIENT_MESSAGE_MAX);
        *ret = w; /* callbacks may come at once */
        if (loop_post(w->loop, &w->begin))
            rc = err_set(err, ERR_CLOSED, "the loop has ended");
    }
    if (rc)
        free_wsclient(w);
    return rc;
}

struct str wsclient_protocol(const struct wsclient *w) {
    return w->protocol;
}

int wsclient_send(struct wsclient *w, bool text, const struct str *parts, size_t n) {
    if (w->over || w->closing)
        return ERR_CLOSED;
    if (wslay_event_get_queued_msg_length(w->ws) >= WSCLIENT_QUEUE_MAX) {
        w->full = true;
        return ERR_AGAIN;
    }
    _cleanup_buf struct buf all = BUF_INIT;
    for (size_t i = 0; i < n; i++)
        buf_str(&all, parts[i]);
    struct wslay_event_msg m = {
        .opcode = text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME,
        .msg = (const uint8_t *)(all.p ? all.p : ""),
        .msg_length = all.n,
    };
    if (wslay_event_queue_msg(w->ws, &m))
        return ERR_CLOSED;
    if (w->polling && !w->inside)
        watch(w);
    return 0;
}

void wsclient_pause(struct wsclient *w, bool pause) {
    w->paused = pause;
    if (w->polling && !w->over && !w->inside)
        uv_poll_start(&w->poll, UV_READABLE | UV_WRITABLE, on_poll); /* TLS may hold bytes already */
}

void wsclient_close(struct wsclient *w) {
    if (w->over || w->closing)
        return;
    w->closing = true;
    w->paused = false;
    (void)wslay_event_queue_close(w->ws, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0);
    loop_timer_start(w->loop, &w->goodbye, GOODBYE_NS);
    if (w->polling && !w->inside)
        watch(w);
}
