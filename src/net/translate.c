/* WebSocket's channels and SPDY's streams. See translate.h.
 *
 *     client  ── stdin, resize ──▶  lane  ──▶  backend
 *             ◀── stdout, stderr, error ──
 *
 * It is over when all that comes from the backend has ended and was handed over. What the client cannot take
 * stops the backend's connection as a whole, not a stream of it: an end of the connection is then seen only
 * after everything before it was handed over.
 */
#include "net/translate.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/backend.h"
#include "net/channels.h"
#include "net/spdy.h"
#include "net/transport.h"

/* CONFORMS: the numbers of channel.k8s.io. */
enum lane_number { LANE_IN, LANE_OUT, LANE_ERR, LANE_STATUS, LANE_RESIZE, LANES };

static const struct str types[LANES] = {
    STR_INIT("stdin"), STR_INIT("stdout"), STR_INIT("stderr"), STR_INIT("error"), STR_INIT("resize"),
};

/* One stream, which flows one way. */
struct lane {
    struct channel *client, *backend; /* NULL: not there (any more) */
    struct buf held;                  /* what the receiver does not take yet */
    bool used, ended, passed_end;
    bool spoke; /* bytes came */
};

struct translate {
    struct channels *client, *spdy; /* NULL: has ended */
    struct channels *session;       /* spdy, until it is freed */
    struct backend *backend;
    struct lane lanes[LANES];
    unsigned inside; /* calls on the stack */
};

static bool to_backend(const struct translate *t, const struct lane *l) {
    return l == &t->lanes[LANE_IN] || l == &t->lanes[LANE_RESIZE];
}

static void enter(struct translate *t) {
    t->inside++;
}

static void leave(struct translate *t) {
    if (--t->inside || t->client || t->session)
        return;
    backend_close(t->backend);
    for (size_t i = 0; i < LANES; i++)
        buf_fini(&t->lanes[i].held);
    free(t);
}

static struct lane *lane_of(struct translate *t, const struct channel *ch) {
    for (size_t i = 0; i < LANES; i++)
        if (t->lanes[i].client == ch || t->lanes[i].backend == ch)
            return &t->lanes[i];
    return NULL;
}

/* -- handing over -- */

/* What is left of the bytes; nothing when the receiver is gone. */
static struct str write_to(struct channel *to, struct str bytes) {
    while (to && bytes.n) {
        struct str piece = str_cut(bytes, CHANNEL_WRITE_MAX);
        int n = channel_write(to, piece);
        if (n < 0)
            return STR_NONE;
        bytes = str_from_byte(bytes, (size_t)n);
        if ((size_t)n < piece.n)
            return bytes;
    }
    return to ? bytes : STR_NONE;
}

static const struct channel *sender(const struct translate *t, const struct lane *l) {
    return to_backend(t, l) ? l->client : l->backend;
}

static struct channel *receiver(const struct translate *t, const struct lane *l) {
    return to_backend(t, l) ? l->backend : l->client;
}

/* Whoever sends is stopped while something is held. */
static void update_flow(struct translate *t, struct lane *l) {
    bool held = false;
    if (to_backend(t, l)) {
        if (l->client)
            channel_pause(l->client, l->held.n > 0);
        return;
    }
    for (size_t i = LANE_OUT; i <= LANE_STATUS; i++)
        held |= t->lanes[i].held.n > 0;
    if (t->spdy)
        backend_pause(t->backend, held);
}

static void finish_if_over(struct translate *t) {
    for (size_t i = LANE_OUT; i <= LANE_STATUS; i++)
        if (t->lanes[i].used && !t->lanes[i].passed_end)
            return;
    if (t->client)
        channels_finish(t->client);
}

static void pass_end(struct translate *t, struct lane *l) {
    if (!l->ended || l->held.n || l->passed_end)
        return;
    struct channel *ch = l->backend;
    l->passed_end = true;
    if (!to_backend(t, l)) {
        finish_if_over(t);
    } else if (ch) {
        l->backend = NULL; /* it may be no more once both have finished */
        channel_end(ch);
    }
}

static void take(struct translate *t, struct lane *l, struct str bytes) {
    l->spoke = true;
    if (l->held.n == 0)
        bytes = write_to(receiver(t, l), bytes);
    if (bytes.n == 0)
        return;
    buf_str(&l->held, bytes);
    update_flow(t, l);
}

static void go_on(struct translate *t, struct lane *l) {
    if (l->held.n) {
        struct str rest = write_to(receiver(t, l), buf_view(&l->held));
        buf_remove(&l->held, 0, l->held.n - rest.n);
    }
    pass_end(t, l);
    update_flow(t, l);
}

/* -- what both sides tell -- */

static void on_data(void *user, struct channel *ch, struct str bytes) {
    struct translate *t = user;
    struct lane *l = lane_of(t, ch);
    enter(t);
    if (l && l->used && ch == sender(t, l))
        take(t, l, bytes);
    leave(t);
}

/* A stream of the backend's is not finished from this side too: a server that closes before it has read that
 * would lose what it still had to send. */
static void on_end(void *user, struct channel *ch) {
    struct translate *t = user;
    struct lane *l = lane_of(t, ch);
    enter(t);
    if (l && l->used && ch == sender(t, l)) {
        l->ended = true;
        pass_end(t, l);
    }
    leave(t);
}

/* A stream that the command reads from no more, or that ends without a word. */
static void on_reset(void *user, struct channel *ch) {
    struct translate *t = user;
    struct lane *l = lane_of(t, ch);
    enter(t);
    if (l && l->backend == ch) {
        l->backend = NULL;
        l->ended = true;
        if (to_backend(t, l))
            buf_clear(&l->held);
        pass_end(t, l);
        update_flow(t, l);
    }
    leave(t);
}

static void on_writable(void *user, struct channel *ch) {
    struct translate *t = user;
    struct lane *l = lane_of(t, ch);
    enter(t);
    if (l && l->used)
        go_on(t, l);
    leave(t);
}

/* -- the client -- */

static bool client_open(void *user, struct channel *ch) {
    struct translate *t = user;
    t->client = channel_owner(ch);
    t->lanes[channel_id(ch)].client = ch;
    return true;
}

static void client_close(void *user, const struct err *why) {
    struct translate *t = user;
    (void)why;
    enter(t);
    t->client = NULL;
    for (size_t i = 0; i < LANES; i++)
        t->lanes[i].client = NULL;
    if (t->spdy)
        channels_abort(t->spdy, "the client is gone");
    leave(t);
}

static const struct channels_ops client_ops = {client_open, on_data,     on_end,
                                               on_reset,    on_writable, client_close};

/* -- the backend -- */

static bool backend_opens(void *user, struct channel *ch) {
    (void)user;
    (void)ch;
    return false;
}

/* CONFORMS: v4: the error channel carries a v1 Status. */
static const char lost[] =
    "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
    "\"message\":\"the connection to the container ended before the command did\","
    "\"reason\":\"InternalError\",\"code\":500}";

/* Nothing more comes from the backend. */
static void end_lanes(struct translate *t) {
    struct lane *status = &t->lanes[LANE_STATUS];
    if (!status->spoke)
        take(t, status, str_from(lost));
    for (size_t i = LANE_OUT; i <= LANE_STATUS && t->client; i++) {
        t->lanes[i].ended = true;
        pass_end(t, &t->lanes[i]);
    }
}

static void backend_gone(void *user, const struct err *why) {
    struct translate *t = user;
    (void)why;
    enter(t);
    t->spdy = NULL;
    for (size_t i = 0; i < LANES; i++)
        t->lanes[i].backend = NULL;
    if (t->client)
        end_lanes(t);
    leave(t);
}

static const struct channels_ops spdy_ops = {backend_opens, on_data,     on_end,
                                             on_reset,      on_writable, backend_gone};

/* -- the backend's connection as a transport -- */

static int t_write(void *user, const struct http_chunk *chunks, size_t n) {
    struct translate *t = user;
    if (backend_queued(t->backend) > BACKEND_OUTPUT_MAX)
        return ERR_AGAIN;
    for (size_t i = 0; i < n; i++) {
        backend_write(t->backend, chunks[i].bytes);
        if (chunks[i].release)
            chunks[i].release(chunks[i].arg);
    }
    return 0;
}

static size_t t_queued(void *user) {
    return backend_queued(((struct translate *)user)->backend);
}

static void t_pause(void *user, bool pause) {
    (void)user; /* nothing is ever held on that side: see update_flow */
    (void)pause;
}

static void end_session(struct translate *t, const struct err *why) {
    struct channels *session = t->session;
    enter(t);
    t->session = NULL;
    if (session)
        spdy_raw_ops.on_close(session, why);
    leave(t);
}

/* The session is told at once: there is nobody to wait for. */
static void t_close(void *user) {
    end_session(user, NULL);
}

static void b_data(void *user, struct str bytes) {
    struct translate *t = user;
    enter(t);
    if (t->session && bytes.n)
        spdy_raw_ops.on_data(t->session, bytes);
    leave(t);
}

static void b_writable(void *user) {
    struct translate *t = user;
    enter(t);
    if (t->session)
        spdy_raw_ops.on_writable(t->session);
    leave(t);
}

static void b_end(void *user, const struct err *why) {
    end_session(user, why);
}

static const struct backend_ops backend_ops = {.on_data = b_data, .on_writable = b_writable, .on_end = b_end};

/* -- the beginning -- */

static const struct str protocols[] = {STR_INIT("v5.channel.k8s.io"), STR_INIT("v4.channel.k8s.io")};

struct str translate_choose(struct http_request *r) {
    return http_choose(r, S("sec-websocket-protocol"), protocols, sizeof protocols / sizeof *protocols);
}

/* CONFORMS: the error stream first; standard error only without a terminal, sizes only with one. */
static void open_lanes(struct translate *t, const struct translate_streams *s) {
    static const enum lane_number order[LANES] = {LANE_STATUS, LANE_IN, LANE_OUT, LANE_ERR, LANE_RESIZE};
    const bool wanted[LANES] = {s->in, s->out, s->err && !s->tty, true, s->tty};
    for (size_t i = 0; i < LANES && t->spdy; i++) {
        struct lane *l = &t->lanes[order[i]];
        struct http_header h = {S("streamtype"), types[order[i]]};
        l->used = wanted[order[i]];
        if (l->used)
            l->backend = spdy_open(t->spdy, &h, 1);
    }
}

/* CONFORMS: an empty message on the first channel that is written to says that all is well. */
static void greet(struct translate *t) {
    for (size_t i = LANE_OUT; i <= LANE_STATUS; i++)
        if (t->lanes[i].used && t->lanes[i].client) {
            (void)channel_write(t->lanes[i].client, S(""));
            return;
        }
}

void translate_start(struct http_request *r, struct backend *b, const struct translate_streams *streams) {
    static const struct transport_ops transport = {t_write, t_queued, t_pause, t_close, t_close};
    static const struct channels_offer offer = {.websocket = protocols,
                                                .n_websocket = sizeof protocols / sizeof *protocols,
                                                .types = types,
                                                .n_types = LANES};
    struct translate *t = calloc(1, sizeof *t);
    struct err err = ERR_INIT;
    if (!t)
        panic("out of memory");
    enter(t);
    t->backend = b;
    backend_hand_over(b, &backend_ops, t);
    t->spdy = t->session =
        spdy_client_new(&spdy_ops, t, (struct transport){&transport, t}, S(TRANSLATE_BACKEND_PROTOCOL));
    open_lanes(t, streams);
    struct channels *client = NULL;
    if (channels_upgrade(r, &offer, &client_ops, t, &client, &err) < 0) {
        t->client = NULL;
        if (t->spdy)
            channels_abort(t->spdy, "the client is gone");
    } else if (t->client) {
        greet(t);
        if (!t->spdy)
            end_lanes(t);
    }
    leave(t);
}
