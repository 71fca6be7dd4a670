/* WebSockets over wslay. See websocket.h. */
#include "net/websocket.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <wslay/wslay.h>

#include "base/arena.h"
#include "base/err.h"
#include "codec/base64.h"

#define REASON_MAX 123

struct websocket {
    const struct websocket_ops *ops;
    void *user;
    struct transport transport;
    wslay_event_context_ptr ctx;
    struct str in;                             /* what wslay may still read of the present bytes */
    uint8_t opcode;                            /* of the frame that is being read */
    bool text, fin;                            /* the message's, the frame's */
    bool first;                                /* nothing of the message was handed on */
    bool empty_end;                            /* the message's last frame has no bytes */
    uint64_t frame_left;                       /* bytes of the frame */
    uint64_t message_bytes, message_bytes_max; /* so far, with all of the present frame */
    unsigned inside;
    bool ending, told, gone; /* nothing is delivered any more; on_close was called; the transport has ended */
};

/* -- life -- */

static void enter(struct websocket *w) {
    w->inside++;
}

static void leave(struct websocket *w) {
    if (--w->inside || !w->gone)
        return;
    wslay_event_context_free(w->ctx);
    free(w);
}

static void tell(struct websocket *w, const struct err *why) {
    w->ending = true;
    if (w->told)
        return;
    w->told = true;
    w->ops->on_close(w->user, why);
}

/* -- out -- */

static int write_copy(struct websocket *w, const void *p, size_t n) {
    if (w->gone)
        return ERR_CLOSED;
    char *copy = malloc(n);
    if (!copy)
        panic("out of memory");
    memcpy(copy, p, n);
    struct http_chunk c = {.bytes = {copy, n}, .release = free, .arg = copy};
    int r = w->transport.ops->write(w->transport.t, &c, 1);
    if (r < 0)
        free(copy);
    return r;
}

/* Frames that wslay sends of itself. */
static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t n, int flags, void *arg) {
    struct websocket *w = arg;
    (void)flags;
    if (write_copy(w, data, n) == 0)
        return (ssize_t)n;
    wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static size_t put_head(uint8_t head[10], uint8_t opcode, uint64_t n) {
    head[0] = 0x80 | opcode;
    size_t bytes = n < 126 ? 0 : n < 65536 ? 2 : 8;
    head[1] = bytes == 0 ? (uint8_t)n : bytes == 2 ? 126 : 127;
    for (size_t i = 0; i < bytes; i++)
        head[2 + i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
    return 2 + bytes;
}

/* One frame is one message, written as one chunk. */
static int send_frame(struct websocket *w, uint8_t opcode, const struct str *parts, size_t n) {
    uint8_t head[10];
    size_t bytes = 0;
    if (w->ending || w->gone)
        return ERR_CLOSED;
    for (size_t i = 0; i < n; i++)
        bytes += parts[i].n;
    size_t at = put_head(head, opcode, bytes);
    char *p = malloc(at + bytes);
    if (!p)
        panic("out of memory");
    memcpy(p, head, at);
    for (size_t i = 0; i < n; at += parts[i++].n)
        if (parts[i].n)
            memcpy(p + at, parts[i].p, parts[i].n);
    struct http_chunk c = {.bytes = {p, at}, .release = free, .arg = p};
    int r = w->transport.ops->write(w->transport.t, &c, 1);
    if (r < 0)
        free(p);
    return r;
}

int websocket_send(struct websocket *w, bool text, const struct str *parts, size_t n) {
    return send_frame(w, text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, parts, n);
}

int websocket_ping(struct websocket *w, struct str bytes) {
    check(bytes.n <= 125);
    return send_frame(w, WSLAY_PING, &bytes, 1);
}

size_t websocket_queued(const struct websocket *w) {
    return w->gone ? 0 : w->transport.ops->queued(w->transport.t);
}

void websocket_pause(struct websocket *w, bool pause) {
    if (!w->gone)
        w->transport.ops->pause(w->transport.t, pause);
}

void websocket_close(struct websocket *w, enum websocket_code code, struct str reason) {
    if (w->ending)
        return;
    reason = str_cut(reason, REASON_MAX);
    reason.n = utf8_valid_prefix(reason);
    enter(w);
    w->ending = true;
    (void)wslay_event_queue_close(w->ctx, (uint16_t)code, (const uint8_t *)reason.p, reason.n);
    (void)wslay_event_send(w->ctx);
    w->transport.ops->finish(w->transport.t);
    leave(w);
}

void websocket_abort(struct websocket *w) {
    enter(w);
    w->ending = true;
    if (!w->gone)
        w->transport.ops->close(w->transport.t);
    leave(w);
}

/* -- in -- */

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *to, size_t n, int flags, void *arg) {
    struct websocket *w = arg;
    (void)flags;
    if (w->in.n == 0 || w->ending) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    n = n < w->in.n ? n : w->in.n;
    memcpy(to, w->in.p, n);
    w->in = str_from_byte(w->in, n);
    return (ssize_t)n;
}

static void hand_on(struct websocket *w, struct str bytes, bool last) {
    struct websocket_piece piece = {.bytes = bytes, .text = w->text, .first = w->first, .last = last};
    w->first = false;
    if (!w->ending)
        w->ops->on_piece(w->user, &piece);
}

/* The peer is told in a close frame, the owner at once. */
static void fail(struct websocket *w, enum websocket_code code, const char *reason) {
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_INVALID, "%s", reason);
    websocket_close(w, code, str_from(reason));
    tell(w, &err);
}

static void on_frame_start(wslay_event_context_ptr ctx, const struct wslay_event_on_frame_recv_start_arg *f,
                           void *arg) {
    struct websocket *w = arg;
    (void)ctx;
    w->opcode = f->opcode;
    if (wslay_is_ctrl_frame(f->opcode))
        return;
    if (f->opcode != WSLAY_CONTINUATION_FRAME) {
        w->text = f->opcode == WSLAY_TEXT_FRAME;
        w->first = true;
        w->message_bytes = 0;
    }
    w->fin = f->fin;
    w->empty_end = f->fin && f->payload_length == 0;
    w->frame_left = f->payload_length;
    w->message_bytes += f->payload_length;
    if (w->message_bytes > w->message_bytes_max)
        fail(w, WEBSOCKET_TOO_LARGE, "the message is too large");
}

static void on_frame_chunk(wslay_event_context_ptr ctx, const struct wslay_event_on_frame_recv_chunk_arg *f,
                           void *arg) {
    struct websocket *w = arg;
    (void)ctx;
    if (wslay_is_ctrl_frame(w->opcode) || f->data_length == 0)
        return;
    w->frame_left -= f->data_length;
    hand_on(w, str_make((const char *)f->data, f->data_length), w->fin && w->frame_left == 0);
}

/* A message whose last frame has no bytes ends here. */
static void on_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *m, void *arg) {
    struct websocket *w = arg;
    (void)ctx;
    if (!wslay_is_ctrl_frame(m->opcode) && w->empty_end)
        hand_on(w, S(""), true);
}

static const char *describe(uint16_t code) {
    switch (code) {
    case WSLAY_CODE_PROTOCOL_ERROR: return "the peer broke the WebSocket protocol";
    case WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA: return "the peer sent text that is no UTF-8";
    case WSLAY_CODE_MESSAGE_TOO_BIG: return "the peer sent a message that is too large";
    default: return "the WebSocket failed";
    }
}

/* wslay reads nothing more: a close frame came, or it queued one because of an error. */
static void end_reading(struct websocket *w, bool broken) {
    struct err err = ERR_INIT;
    bool came = wslay_event_get_close_received(w->ctx);
    if (broken)
        (void)err_set(&err, ERR_CLOSED, "the peer does not read");
    else if (!came)
        (void)err_set(&err, ERR_INVALID, "%s", describe(wslay_event_get_status_code_sent(w->ctx)));
    tell(w, broken || !came ? &err : NULL);
    if (w->gone)
        return;
    if (broken)
        w->transport.ops->close(w->transport.t);
    else
        w->transport.ops->finish(w->transport.t);
}

static void raw_data(void *user, struct str bytes) {
    struct websocket *w = user;
    struct err err = ERR_INIT;
    if (w->ending)
        return;
    enter(w);
    if (bytes.n == 0) {
        (void)err_set(&err, ERR_CLOSED, "the peer closed the connection");
        tell(w, &err);
        if (!w->gone)
            w->transport.ops->finish(w->transport.t);
        leave(w);
        return;
    }
    w->in = bytes;
    bool broken = wslay_event_recv(w->ctx) != 0;
    w->in = STR_NONE;
    if (!w->ending && wslay_event_want_write(w->ctx))
        broken |= wslay_event_send(w->ctx) != 0;
    if (!w->ending && (broken || !wslay_event_want_read(w->ctx)))
        end_reading(w, broken);
    leave(w);
}

static void raw_writable(void *user) {
    struct websocket *w = user;
    enter(w);
    if (!w->ending)
        w->ops->on_writable(w->user);
    leave(w);
}

static void raw_close(void *user, const struct err *why) {
    struct websocket *w = user;
    struct err err = ERR_INIT;
    if (!why && !w->ending) {
        (void)err_set(&err, ERR_CLOSED, "the peer closed the connection");
        why = &err;
    }
    enter(w);
    w->gone = true;
    tell(w, why);
    leave(w);
}

const struct http_raw_ops websocket_raw_ops = {raw_data, raw_writable, raw_close};

struct websocket *websocket_new(const struct websocket_options *o) {
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .on_frame_recv_start_callback = on_frame_start,
        .on_frame_recv_chunk_callback = on_frame_chunk,
        .on_msg_recv_callback = on_message,
    };
    struct websocket *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    *w = (struct websocket){.ops = o->ops, .user = o->user, .transport = o->transport};
    if (wslay_event_context_server_init(&w->ctx, &callbacks, w) != 0)
        panic("out of memory");
    wslay_event_config_set_no_buffering(w->ctx, 1);
    w->message_bytes_max = o->message_bytes_max ? o->message_bytes_max : WEBSOCKET_MESSAGE_MAX;
    wslay_event_config_set_max_recv_msg_length(w->ctx, INT64_MAX); /* it counts single frames here */
    return w;
}

/* -- the handshake -- */

bool websocket_asked(struct http_request *r) {
    return http_list_has(http_header(r, S("connection")), S("upgrade")) &&
           http_list_has(http_header(r, S("upgrade")), S("websocket"));
}

struct str websocket_choose(struct http_request *r, const struct str *ours, size_t n) {
    return http_choose(r, S("sec-websocket-protocol"), ours, n);
}

static bool key_is_valid(struct str key) {
    char bytes[32];
    size_t n;
    return key.n == 24 && base64_decode(BASE64_STD, key, bytes, &n, NULL) == 0 && n == 16;
}

/* CONFORMS: RFC 6455 4.2.2, 5.4. */
static struct str accept_key(struct http_request *r, struct str key) {
    unsigned char digest[SHA_DIGEST_LENGTH];
    struct str text = arena_printf(http_arena(r), "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", STR_ARG(key));
    unsigned n = 0;
    check(EVP_Digest(text.p, text.n, digest, &n, EVP_sha1(), NULL) == 1 && n == sizeof digest);
    char *to = arena_bytes(http_arena(r), base64_encoded_len(n, BASE64_STD));
    return str_make(to, base64_encode(BASE64_STD, str_make((const char *)digest, n), to));
}

static const char *what_is_wrong(struct http_request *r) {
    const struct http_in *in = http_in(r);
    if (in->version != 1 || in->method != HTTP_VERB_GET)
        return "a WebSocket begins with a GET request of HTTP/1.1";
    if (!websocket_asked(r))
        return "the request does not ask for an upgrade to a WebSocket";
    if (!key_is_valid(str_trim(http_header(r, S("sec-websocket-key")))))
        return "the header Sec-WebSocket-Key is missing or malformed";
    return NULL;
}

static void discard(struct websocket *w) {
    wslay_event_context_free(w->ctx);
    free(w);
}

int websocket_accept(struct http_request *r, struct str protocol, struct websocket *w, struct err *err) {
    const char *wrong = what_is_wrong(r);
    if (wrong) {
        discard(w);
        http_respond_text(r, 400, S("text/plain; charset=utf-8"), str_from(wrong));
        return err_set(err, ERR_INVALID, "%s", wrong);
    }
    if (!str_eq(str_trim(http_header(r, S("sec-websocket-version"))), S("13"))) {
        struct http_header h = {S("sec-websocket-version"), S("13")};
        struct http_chunk body = {.bytes = S("only version 13 of WebSockets is supported")};
        discard(w);
        http_respond(r, 426, &h, 1, &body, 1);
        return err_set(err, ERR_UNSUPPORTED, "only version 13 of WebSockets is supported");
    }
    struct str key = accept_key(r, str_trim(http_header(r, S("sec-websocket-key"))));
    struct http_header h[] = {{S("sec-websocket-accept"), key}, {S("sec-websocket-protocol"), protocol}};
    return http_upgrade(r, S("websocket"), h, protocol.n ? 2 : 1, &websocket_raw_ops, w, err);
}
