/* SPDY/3.1. See spdy.h.
 *
 * Input is cut into frames as it comes: control frames are collected (SPDY_CONTROL_MAX), data goes to its
 * channel piece by piece. Windows are counted from the start, but kept to only from when the peer shows that
 * it counts too.
 */
#include "net/spdy.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/channels_priv.h"
#include "net/spdy_header.h"

#define HEAD 8
#define VERSION 3
#define WINDOW_INITIAL (64 * 1024)
#define WINDOW_MAX 0x7fffffff
#define ACK_BYTES (32u * 1024) /* consumed, before the peer is told */
#define FLAG_FIN 1
#define FLAG_UNIDIRECTIONAL 2
#define SETTING_INITIAL_WINDOW 7

enum frame_type {
    SYN_STREAM = 1,
    SYN_REPLY = 2,
    RST_STREAM = 3,
    SETTINGS = 4,
    PING = 6,
    GOAWAY = 7,
    HEADERS = 8,
    WINDOW_UPDATE = 9,
};

enum reset_status {
    RESET_INVALID_STREAM = 2,
    RESET_REFUSED_STREAM = 3,
    RESET_CANCEL = 5,
};

struct spdy {
    struct channels cs;
    struct spdy_inflate in;
    struct spdy_deflate out;
    /* the frame that is being read */
    unsigned char head[HEAD];
    size_t head_n, left; /* bytes of its head that are here, bytes that it still has */
    bool body_done;
    struct buf control;
    bool client;      /* we open the streams */
    uint32_t last_id; /* the latest stream */
    bool windows;     /* the peer knows them */
    int64_t window, window_initial;
    uint32_t unacked;
};

/* -- bytes -- */

static uint32_t get_u32(const void *at) {
    const unsigned char *p = at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void set_u32(unsigned char *p, uint32_t v) {
    p[0] = (unsigned char)(v >> 24);
    p[1] = (unsigned char)(v >> 16);
    p[2] = (unsigned char)(v >> 8);
    p[3] = (unsigned char)v;
}

static void make_head(unsigned char h[HEAD], uint32_t first, uint8_t flags, size_t n) {
    set_u32(h, first);
    set_u32(h + 4, (uint32_t)n);
    h[4] = flags;
}

static void make_control(unsigned char h[HEAD], enum frame_type type, size_t n) {
    make_head(h, 0x80000000u | VERSION << 16 | type, 0, n);
}

/* A control frame of one or two numbers. */
static bool send_numbers(struct spdy *s, enum frame_type type, uint32_t a, uint32_t b, size_t n) {
    unsigned char f[HEAD + 8];
    make_control(f, type, n);
    set_u32(f + HEAD, a);
    set_u32(f + HEAD + 4, b);
    return channels_control(&s->cs, f, HEAD + n);
}

static bool send_reset(struct spdy *s, uint32_t id, enum reset_status status) {
    return send_numbers(s, RST_STREAM, id, status, 8);
}

/* A control frame about a stream with headers; between them stand some bytes that are zero. */
static bool send_headers(struct spdy *s, enum frame_type type, uint32_t id, size_t zeros,
                         const struct channel_headers *headers) {
    _cleanup_buf struct buf b = BUF_INIT;
    unsigned char head[HEAD + 10] = {0};
    check(zeros <= 6);
    buf_put(&b, head, HEAD + 4 + zeros);
    spdy_headers_write(&s->out, headers->v, headers->n, &b);
    make_control((unsigned char *)b.p, type, b.n - HEAD);
    set_u32((unsigned char *)b.p + HEAD, id);
    return channels_control(&s->cs, b.p, b.n);
}

static bool send_reply(struct spdy *s, uint32_t id) {
    struct channel_headers none = {NULL, 0};
    return send_headers(s, SYN_REPLY, id, 0, &none);
}

static void send_end(struct spdy *s, uint32_t id) {
    unsigned char f[HEAD];
    make_head(f, id, FLAG_FIN, 0);
    (void)channels_control(&s->cs, f, sizeof f);
}

/* -- control frames -- */

static void open_stream(struct spdy *s, uint32_t id, uint8_t flags, struct channel *ch) {
    ch->window = s->window_initial;
    ch->out_ended = flags & FLAG_UNIDIRECTIONAL;
    if (!channels_admit(&s->cs, ch)) {
        if (!s->cs.finishing)
            (void)send_reset(s, id, RESET_REFUSED_STREAM);
        return;
    }
    if (s->cs.finishing || ch->dead || !send_reply(s, id))
        return;
    if (flags & FLAG_FIN)
        channels_end(&s->cs, ch);
}

static void on_syn_stream(struct spdy *s, uint8_t flags, struct str body) {
    if (body.n < 10) {
        channels_fail(&s->cs, "SPDY: a SYN_STREAM that is too short");
        return;
    }
    uint32_t id = get_u32(body.p) & 0x7fffffff;
    bool in_order = s->client ? id % 2 == 0 && id > 0 : id % 2 == 1 && id > s->last_id;
    struct channel *ch = channels_open(&s->cs, id);
    struct http_header *headers = NULL;
    ch->dead = true; /* until all is well */
    int r = spdy_headers_read(&s->in, str_from_byte(body, 10), &ch->arena, &headers, &ch->headers.n);
    ch->headers.v = headers;
    if (r < 0 || !in_order) {
        channels_fail(&s->cs, r == ERR_TOO_LARGE ? "SPDY: headers that are too large"
                              : r < 0            ? "SPDY: headers that are no headers"
                                                 : "SPDY: a stream that is out of order");
        return;
    }
    if (s->client) { /* the runtime's side has nothing to open */
        (void)send_reset(s, id, RESET_REFUSED_STREAM);
        return;
    }
    s->last_id = id;
    if (s->cs.n_open > SPDY_STREAMS_MAX) {
        (void)send_reset(s, id, RESET_REFUSED_STREAM);
        return;
    }
    ch->dead = false;
    open_stream(s, id, flags, ch);
}

/* CONFORMS: upstream's servers drop data of streams that they have not answered, so it waits until then. */
static void on_syn_reply(struct spdy *s, uint8_t flags, struct str body) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct http_header *headers;
    size_t n;
    if (!s->client) {
        channels_fail(&s->cs, "SPDY: a SYN_REPLY, but nothing was opened");
        return;
    }
    if (body.n < 4 || spdy_headers_read(&s->in, str_from_byte(body, 4), &a, &headers, &n) < 0) {
        channels_fail(&s->cs, "SPDY: headers that are no headers");
        return;
    }
    struct channel *ch = channels_find(&s->cs, get_u32(body.p) & 0x7fffffff);
    if (!ch || !ch->unanswered)
        return;
    ch->unanswered = false;
    if (ch->out_ended)
        send_end(s, ch->id);
    if (flags & FLAG_FIN && !s->cs.finishing)
        channels_end(&s->cs, ch);
    channels_writable(&s->cs);
}

/* Headers after the first ones mean nothing here, but the compression goes on. */
static void on_headers(struct spdy *s, uint8_t flags, struct str body) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct http_header *headers;
    size_t n;
    if (body.n < 4 || spdy_headers_read(&s->in, str_from_byte(body, 4), &a, &headers, &n) < 0) {
        channels_fail(&s->cs, "SPDY: headers that are no headers");
        return;
    }
    struct channel *ch = channels_find(&s->cs, get_u32(body.p) & 0x7fffffff);
    if (ch && flags & FLAG_FIN)
        channels_end(&s->cs, ch);
}

static void on_settings(struct spdy *s, struct str body) {
    uint32_t n = body.n >= 4 ? get_u32(body.p) : 0;
    if (body.n < 4 || n > (body.n - 4) / 8 || body.n != 4 + (size_t)n * 8) {
        channels_fail(&s->cs, "SPDY: SETTINGS of the wrong length");
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        const char *entry = body.p + 4 + (size_t)i * 8;
        uint32_t value = get_u32(entry + 4);
        if ((get_u32(entry) & 0xffffff) != SETTING_INITIAL_WINDOW || value > WINDOW_MAX)
            continue;
        for (struct channel *ch = s->cs.first; ch; ch = ch->next)
            ch->window += (int64_t)value - s->window_initial;
        s->window_initial = value;
        s->windows = true;
    }
    channels_writable(&s->cs);
}

static void on_window_update(struct spdy *s, struct str body) {
    if (body.n != 8) {
        channels_fail(&s->cs, "SPDY: a WINDOW_UPDATE of the wrong length");
        return;
    }
    uint32_t id = get_u32(body.p) & 0x7fffffff, delta = get_u32(body.p + 4) & 0x7fffffff;
    struct channel *ch = id ? channels_find(&s->cs, id) : NULL;
    s->windows = true;
    int64_t *window = id == 0 ? &s->window : ch ? &ch->window : NULL;
    if (window && *window + delta > WINDOW_MAX) {
        channels_fail(&s->cs, "SPDY: a window that is too large");
        return;
    }
    if (window)
        *window += delta;
    channels_writable(&s->cs);
}

static void on_rst_stream(struct spdy *s, struct str body) {
    struct channel *ch = body.n == 8 ? channels_find(&s->cs, get_u32(body.p) & 0x7fffffff) : NULL;
    if (body.n != 8)
        channels_fail(&s->cs, "SPDY: a RST_STREAM of the wrong length");
    else if (ch)
        channels_was_reset(&s->cs, ch);
}

/* Of pings that come, half would be answers; we send none. */
static void on_ping(struct spdy *s, struct str body) {
    if (body.n != 4)
        channels_fail(&s->cs, "SPDY: a PING of the wrong length");
    else if (get_u32(body.p) % 2 == (s->client ? 0 : 1))
        (void)send_numbers(s, PING, get_u32(body.p), 0, 4);
}

static void on_control(struct spdy *s, struct str body) {
    uint32_t first = get_u32(s->head);
    uint8_t flags = s->head[4];
    if ((first >> 16 & 0x7fff) != VERSION) {
        channels_fail(&s->cs, "SPDY: another version than 3");
        return;
    }
    switch (first & 0xffff) {
    case SYN_STREAM: on_syn_stream(s, flags, body); return;
    case SYN_REPLY: on_syn_reply(s, flags, body); return;
    case RST_STREAM: on_rst_stream(s, body); return;
    case SETTINGS: on_settings(s, body); return;
    case PING: on_ping(s, body); return;
    case HEADERS: on_headers(s, flags, body); return;
    case WINDOW_UPDATE: on_window_update(s, body); return;
    default: return; /* GOAWAY: there is nothing to wait for; CONFORMS: 2.2.1, unknown ones are ignored */
    }
}

/* -- data -- */

static void acknowledge(struct spdy *s, uint32_t id, uint32_t *unacked, size_t n) {
    *unacked += (uint32_t)n;
    if (*unacked < ACK_BYTES || s->cs.finishing)
        return;
    uint32_t delta = *unacked;
    *unacked = 0;
    (void)send_numbers(s, WINDOW_UPDATE, id, delta, 8);
}

static void spdy_consumed(struct channels *cs, struct channel *ch, size_t n) {
    struct spdy *s = (struct spdy *)cs;
    if (s->client && !s->windows)
        return; /* a server that closes before it has read this would lose what it still had to send */
    if (!ch->in_ended)
        acknowledge(s, ch->id, &ch->unacked, n);
    acknowledge(s, 0, &s->unacked, n);
}

/* A piece of a data frame; the last one when nothing of the frame is left. */
static void on_data(struct spdy *s, struct str piece) {
    uint32_t id = get_u32(s->head);
    struct channel *ch = channels_find(&s->cs, id);
    bool last = s->left == 0;
    if (!ch || ch->in_ended) {
        if (!s->client || s->windows)
            acknowledge(s, 0, &s->unacked, piece.n);
        if (!ch && last && (id > s->last_id || id % 2 == 0) && !s->cs.finishing)
            (void)send_reset(s, id, RESET_INVALID_STREAM);
        return;
    }
    channels_data(&s->cs, ch, piece);
    if (last && s->head[4] & FLAG_FIN && !ch->dead)
        channels_end(&s->cs, ch);
}

/* -- frames -- */

/* Bytes of `in` that were used. */
static size_t read_head(struct spdy *s, struct str in) {
    size_t n = HEAD - s->head_n < in.n ? HEAD - s->head_n : in.n;
    memcpy(s->head + s->head_n, in.p, n);
    s->head_n += n;
    if (s->head_n == HEAD)
        s->left = get_u32(s->head + 4) & 0xffffff;
    return n;
}

static size_t read_body(struct spdy *s, struct str in) {
    bool control = s->head[0] & 0x80;
    struct str piece = str_cut(in, s->left);
    s->left -= piece.n;
    s->body_done = s->left == 0;
    if (!control) {
        on_data(s, piece);
        return piece.n;
    }
    if (s->control.n + s->left + piece.n > SPDY_CONTROL_MAX) {
        channels_fail(&s->cs, "SPDY: a frame that is too large");
        return piece.n;
    }
    bool whole = s->control.n == 0 && s->left == 0;
    if (!whole)
        buf_put(&s->control, piece.p, piece.n);
    if (s->left == 0)
        on_control(s, whole ? piece : buf_view(&s->control));
    return piece.n;
}

/* A frame may be complete with its head. */
static void feed(struct spdy *s, struct str in) {
    while (!s->cs.finishing && in.n) {
        in = str_from_byte(in, s->head_n < HEAD ? read_head(s, in) : read_body(s, in));
        if (s->head_n == HEAD && s->left == 0 && !s->body_done)
            (void)read_body(s, STR_NONE);
        if (s->body_done) {
            s->head_n = 0;
            s->body_done = false;
            buf_clear(&s->control);
        }
    }
}

static void raw_data(void *user, struct str bytes) {
    struct spdy *s = user;
    channels_enter(&s->cs);
    if (bytes.n == 0)
        channels_eof(&s->cs);
    else
        feed(s, bytes);
    channels_leave(&s->cs);
}

static void raw_writable(void *user) {
    struct spdy *s = user;
    channels_enter(&s->cs);
    channels_writable(&s->cs);
    channels_leave(&s->cs);
}

static void raw_close(void *user, const struct err *why) {
    channels_gone(&((struct spdy *)user)->cs, why);
}

const struct http_raw_ops spdy_raw_ops = {raw_data, raw_writable, raw_close};

/* -- what the owner does -- */

static size_t spdy_write(struct channels *cs, struct channel *ch, struct str bytes) {
    struct spdy *s = (struct spdy *)cs;
    int64_t window = ch->window < s->window ? ch->window : s->window;
    if (s->windows && (int64_t)bytes.n > window)
        bytes = str_cut(bytes, window > 0 ? (size_t)window : 0);
    if (bytes.n == 0 || ch->unanswered)
        return 0;
    unsigned char *p = malloc(HEAD + bytes.n);
    if (!p)
        panic("out of memory");
    make_head(p, ch->id, 0, bytes.n);
    memcpy(p + HEAD, bytes.p, bytes.n);
    struct http_chunk c = {.bytes = {(const char *)p, HEAD + bytes.n}, .release = free, .arg = p};
    if (cs->transport.ops->write(cs->transport.t, &c, 1) < 0) {
        free(p);
        return 0;
    }
    ch->window -= (int64_t)bytes.n;
    s->window -= (int64_t)bytes.n;
    return bytes.n;
}

static void spdy_end(struct channels *cs, struct channel *ch) {
    if (!ch->unanswered)
        send_end((struct spdy *)cs, ch->id);
}

static void spdy_reset(struct channels *cs, struct channel *ch) {
    (void)send_reset((struct spdy *)cs, ch->id, RESET_CANCEL);
}

static void spdy_goodbye(struct channels *cs) {
    struct spdy *s = (struct spdy *)cs;
    (void)send_numbers(s, GOAWAY, s->client ? 0 : s->last_id, 0, 8);
}

static void spdy_free(struct channels *cs) {
    struct spdy *s = (struct spdy *)cs;
    spdy_inflate_fini(&s->in);
    spdy_deflate_fini(&s->out);
    buf_fini(&s->control);
    free(s);
}

static const struct channels_impl impl = {
    .write = spdy_write,
    .end = spdy_end,
    .reset = spdy_reset,
    .consumed = spdy_consumed,
    .say_goodbye = spdy_goodbye,
    .free = spdy_free,
};

struct channels *spdy_new(const struct channels_ops *ops, void *user, struct transport transport,
                          struct str protocol) {
    struct spdy *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    channels_init(&s->cs, &impl, ops, user, transport, protocol);
    spdy_inflate_init(&s->in);
    spdy_deflate_init(&s->out);
    s->window = s->window_initial = WINDOW_INITIAL;
    return &s->cs;
}

struct channels *spdy_client_new(const struct channels_ops *ops, void *user, struct transport transport,
                                 struct str protocol) {
    struct channels *cs = spdy_new(ops, user, transport, protocol);
    ((struct spdy *)cs)->client = true;
    return cs;
}

struct channel *spdy_open(struct channels *cs, const struct http_header *headers, size_t n) {
    struct spdy *s = (struct spdy *)cs;
    check(s->client && cs->impl == &impl);
    if (cs->finishing || cs->n_open >= SPDY_STREAMS_MAX)
        return NULL;
    uint32_t id = s->last_id ? s->last_id + 2 : 1;
    struct channel *ch = channels_open(cs, id);
    struct http_header *copy = arena_new_n(&ch->arena, n ? n : 1, struct http_header);
    for (size_t i = 0; i < n; i++)
        copy[i] = (struct http_header){arena_str(&ch->arena, headers[i].name),
                                       arena_str(&ch->arena, headers[i].value)};
    ch->headers = (struct channel_headers){copy, n};
    ch->window = s->window_initial;
    ch->unanswered = true;
    s->last_id = id;
    channels_enter(cs);
    bool sent = send_headers(s, SYN_STREAM, id, 6, &ch->headers);
    channels_leave(cs);
    return sent ? ch : NULL;
}
