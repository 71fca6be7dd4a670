/* See channel_world.h. */
#include "fuzz/channel_world.h"

#include "fuzz/fuzz.h"

#define WRITES_MAX 64

static struct {
    const struct http_raw_ops *up;
    void *user;
    uint8_t how;
    unsigned writes;
    bool closed; /* the transport */
    unsigned told;
    struct channel *paused;
} w;

static int t_write(void *t, const struct http_chunk *chunks, size_t n) {
    (void)t;
    if (w.closed)
        return ERR_CLOSED;
    if ((w.how & 1) && w.writes++ > WRITES_MAX)
        return ERR_AGAIN;
    for (size_t i = 0; i < n; i++)
        if (chunks[i].release)
            chunks[i].release(chunks[i].arg);
    return 0;
}

static size_t t_queued(void *t) {
    (void)t;
    return (w.how & 1) ? w.writes * 8192 : 0;
}

static void t_pause(void *t, bool pause) {
    (void)t;
    (void)pause;
}

static void t_finish(void *t) {
    (void)t;
}

static void t_close(void *t) {
    (void)t;
    if (w.closed)
        return;
    w.closed = true;
    w.up->on_close(w.user, NULL);
}

struct transport channel_world_transport(void) {
    static const struct transport_ops ops = {t_write, t_queued, t_pause, t_finish, t_close};
    return (struct transport){&ops, NULL};
}

static void forget(struct channel *ch) {
    if (w.paused == ch)
        w.paused = NULL;
}

static bool on_open(void *user, struct channel *ch) {
    (void)user;
    must(w.told == 0);
    struct str type = channel_header(ch, S("streamtype"));
    if (type.n == 5)
        (void)channel_write(ch, type);
    return type.n != 1;
}

static void on_data(void *user, struct channel *ch, struct str bytes) {
    (void)user;
    must(w.told == 0 && bytes.n > 0);
    switch (bytes.p[0]) {
    case 'a': channels_abort(channel_owner(ch), "abort"); return;
    case 'f': channels_finish(channel_owner(ch)); return;
    case 'r':
        forget(ch);
        channel_reset(ch);
        return;
    case 'e': channel_end(ch); return;
    case 'p':
        if (!w.paused) {
            w.paused = ch;
            channel_pause(ch, true);
        }
        return;
    case 'g':
        if (w.paused) {
            ch = w.paused;
            w.paused = NULL;
            channel_pause(ch, false);
        }
        return;
    default: must(channel_write(ch, bytes) <= (int)CHANNEL_WRITE_MAX); return;
    }
}

/* A channel may be over after this: it is not held. */
static void on_end(void *user, struct channel *ch) {
    (void)user;
    must(w.told == 0);
    forget(ch);
    if (channel_id(ch) % 4 == 1)
        channel_end(ch);
}

static void on_reset(void *user, struct channel *ch) {
    (void)user;
    must(w.told == 0);
    forget(ch);
}

static void on_writable(void *user, struct channel *ch) {
    (void)user;
    must(w.told == 0);
    (void)channel_write(ch, S("more"));
}

static void on_close(void *user, const struct err *why) {
    (void)user;
    must(!why || why->msg[0]);
    w.told++;
    w.paused = NULL;
}

const struct channels_ops channel_world_ops = {on_open, on_data, on_end, on_reset, on_writable, on_close};

void channel_world_begin(uint8_t how) {
    w.how = how;
    w.writes = w.told = 0;
    w.closed = false;
    w.paused = NULL;
}

void channel_world_run(const struct http_raw_ops *up, void *user, const uint8_t *data, size_t n) {
    size_t piece = (size_t)1 << (w.how >> 4);
    w.up = up;
    w.user = user;
    for (size_t at = 0; at < n && !w.closed; at += piece) {
        up->on_data(user, fuzz_text(data + at, n - at < piece ? n - at : piece));
        if (!w.closed && (w.how & 2)) {
            w.writes = 0;
            up->on_writable(user);
        }
    }
    t_close(NULL);
    must(w.told == 1);
}
