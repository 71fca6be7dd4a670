/* Channels and tunnels in WebSockets. See ws_channels.h. */
#include "net/ws_channels.h"

#include <stdlib.h>

#include "codec/base64.h"
#include "net/channels_priv.h"
#include "net/websocket.h"

#define CHANNEL_OF_ENDS 255
#define BASE64_MESSAGE_MAX (1024u * 1024) /* these are collected */

/* -- channels -- */

struct ws_channels {
    struct channels cs;
    struct websocket *ws;
    bool base64, ends;                  /* the protocol's */
    uint32_t to;                        /* of the message that is coming in; the channel may end meanwhile */
    bool is_end;                        /* it says that a channel ends */
    bool numbered;                      /* its first byte was here */
    struct buf text;                    /* of base64 */
    const struct channels_offer *offer; /* until the channels are open */
};

static void take_data(struct ws_channels *w, struct str bytes) {
    struct channel *ch = channels_find(&w->cs, w->to);
    if (ch)
        channels_data(&w->cs, ch, bytes);
}

static void finish_base64(struct ws_channels *w) {
    char *bytes = malloc(base64_decoded_max(w->text.n));
    size_t n;
    if (!bytes)
        panic("out of memory");
    if (base64_decode(BASE64_STD, buf_view(&w->text), bytes, &n, NULL) < 0)
        channels_fail(&w->cs, "a message that is no base64");
    else
        take_data(w, str_make(bytes, n));
    free(bytes);
    buf_fini(&w->text);
}

static void take_number(struct ws_channels *w, unsigned char c) {
    w->numbered = true;
    w->is_end = w->ends && c == CHANNEL_OF_ENDS;
    w->to = c;
    if (w->base64)
        w->to = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : UINT32_MAX;
}

static void take_bytes(struct ws_channels *w, struct str bytes) {
    if (w->is_end) {
        struct channel *ch = channels_find(&w->cs, (unsigned char)bytes.p[0]);
        if (ch)
            channels_end(&w->cs, ch);
    } else if (w->base64 && w->text.n + bytes.n > BASE64_MESSAGE_MAX) {
        channels_fail(&w->cs, "a base64 message that is too large");
    } else if (w->base64) {
        buf_str(&w->text, bytes);
    } else {
        take_data(w, bytes);
    }
}

/* CONFORMS: messages for channels that are not there, and empty ones, are ignored. */
static void on_piece(void *user, const struct websocket_piece *piece) {
    struct ws_channels *w = user;
    struct str bytes = piece->bytes;
    channels_enter(&w->cs);
    ws_channels_start(&w->cs);
    if (piece->first)
        w->numbered = false;
    if (!w->numbered && bytes.n) {
        take_number(w, (unsigned char)bytes.p[0]);
        bytes = str_from_byte(bytes, 1);
    }
    if (bytes.n)
        take_bytes(w, bytes);
    if (piece->last && w->base64 && w->text.n && !w->cs.finishing)
        finish_base64(w);
    channels_leave(&w->cs);
}

static void on_writable(void *user) {
    struct ws_channels *w = user;
    channels_enter(&w->cs);
    channels_writable(&w->cs);
    channels_leave(&w->cs);
}

static void on_close(void *user, const struct err *why) {
    channels_gone(&((struct ws_channels *)user)->cs, why);
}

static const struct websocket_ops ws_ops = {on_piece, on_writable, on_close};

static size_t ws_write(struct channels *cs, struct channel *ch, struct str bytes) {
    struct ws_channels *w = (struct ws_channels *)cs;
    char number = (char)(w->base64 ? '0' + ch->id : ch->id);
    struct str parts[2] = {{&number, 1}, bytes};
    _cleanup_buf struct buf text = BUF_INIT;
    if (w->base64 && bytes.n) {
        size_t n = base64_encoded_len(bytes.n, BASE64_STD);
        text.n = base64_encode(BASE64_STD, bytes, buf_reserve(&text, n));
        parts[1] = buf_view(&text);
    }
    return websocket_send(w->ws, w->base64, parts, 2) == 0 ? bytes.n : 0;
}

static void ws_nothing(struct channels *cs, struct channel *ch) {
    (void)cs;
    (void)ch;
}

/* The transport of the channels is the websocket; its finish says goodbye. */
static void ws_goodbye(struct channels *cs) {
    (void)cs;
}

static void ws_free(struct channels *cs) {
    struct ws_channels *w = (struct ws_channels *)cs;
    buf_fini(&w->text);
    free(w);
}

static const struct channels_impl impl = {
    .write = ws_write,
    .end = ws_nothing,
    .reset = ws_nothing,
    .say_goodbye = ws_goodbye,
    .free = ws_free,
};

/* -- a websocket as a transport -- */

static int t_write(void *t, const struct http_chunk *chunks, size_t n) {
    struct str parts[16] = {{NULL, 0}};
    check(n <= sizeof parts / sizeof *parts);
    for (size_t i = 0; i < n; i++)
        parts[i] = chunks[i].bytes;
    int r = websocket_send(t, false, parts, n);
    for (size_t i = 0; i < n && r == 0; i++)
        if (chunks[i].release)
            chunks[i].release(chunks[i].arg);
    return r;
}

static size_t t_queued(void *t) {
    return websocket_queued(t);
}

static void t_pause(void *t, bool pause) {
    websocket_pause(t, pause);
}

static void t_finish(void *t) {
    websocket_close(t, WEBSOCKET_NORMAL, S(""));
}

static void t_close(void *t) {
    websocket_abort(t);
}

static const struct transport_ops websocket_transport = {t_write, t_queued, t_pause, t_finish, t_close};

struct channels *ws_channels_new(const struct channels_ops *ops, void *user, struct transport transport,
                                 struct str protocol, const struct channels_offer *offer,
                                 struct websocket **ret_websocket) {
    struct ws_channels *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    struct websocket_options o = {.ops = &ws_ops, .user = w, .transport = transport};
    w->ws = websocket_new(&o);
    w->offer = offer;
    w->base64 = str_find(protocol, S("base64.")) >= 0;
    w->ends = str_has_prefix(protocol, S("v5."));
    channels_init(&w->cs, &impl, ops, user, (struct transport){&websocket_transport, w->ws}, protocol);
    *ret_websocket = w->ws;
    return &w->cs;
}

/* Each with its streamtype, and what else was offered. */
static void open_one(struct channels *cs, const struct channels_offer *offer, size_t i) {
    struct channel *ch = channels_open(cs, (uint32_t)i);
    size_t n = offer->headers ? offer->n_headers[i] : 0;
    struct http_header *h = arena_new_n(&ch->arena, n + 1, struct http_header);
    h[0] = (struct http_header){S("streamtype"), arena_str(&ch->arena, offer->types[i])};
    for (size_t k = 0; k < n; k++)
        h[k + 1] = (struct http_header){arena_str(&ch->arena, offer->headers[i][k].name),
                                        arena_str(&ch->arena, offer->headers[i][k].value)};
    ch->headers = (struct channel_headers){h, n + 1};
    (void)channels_admit(cs, ch);
}

void ws_channels_start(struct channels *cs) {
    struct ws_channels *w = (struct ws_channels *)cs;
    const struct channels_offer *offer = w->offer;
    w->offer = NULL;
    if (!offer)
        return;
    channels_enter(cs);
    for (size_t i = 0; i < offer->n_types && !cs->finishing; i++)
        open_one(cs, offer, i);
    channels_leave(cs);
}

void ws_channels_discard(struct channels *cs) {
    ws_free(cs);
}

/* -- tunnels -- */

struct ws_tunnel {
    struct websocket *ws;
    const struct http_raw_ops *ops;
    void *user;
};

static void tunnel_piece(void *user, const struct websocket_piece *piece) {
    struct ws_tunnel *t = user;
    if (piece->bytes.n) /* none would be the end */
        t->ops->on_data(t->user, piece->bytes);
}

static void tunnel_writable(void *user) {
    struct ws_tunnel *t = user;
    t->ops->on_writable(t->user);
}

static void tunnel_close(void *user, const struct err *why) {
    struct ws_tunnel *t = user;
    t->ops->on_close(t->user, why);
    free(t);
}

static const struct websocket_ops tunnel_ops = {tunnel_piece, tunnel_writable, tunnel_close};

struct ws_tunnel *ws_tunnel_new(const struct http_raw_ops *ops, struct transport below,
                                struct websocket **ret_websocket) {
    struct ws_tunnel *t = calloc(1, sizeof *t);
    if (!t)
        panic("out of memory");
    struct websocket_options o = {.ops = &tunnel_ops, .user = t, .transport = below};
    t->ops = ops;
    *ret_websocket = t->ws = websocket_new(&o);
    return t;
}

struct transport ws_tunnel_transport(struct ws_tunnel *t) {
    return (struct transport){&websocket_transport, t->ws};
}

void ws_tunnel_set_user(struct ws_tunnel *t, void *user) {
    t->user = user;
}

void ws_tunnel_discard(struct ws_tunnel *t) {
    free(t);
}
