/* See memory.h. */
#include "memory.h"

#include "base/err.h"
#include "unit/unit.h"

static int m_write(void *t, const struct http_chunk *chunks, size_t n) {
    struct memory *m = t;
    if (m->full)
        return ERR_AGAIN;
    for (size_t i = 0; i < n; i++) {
        buf_str(&m->out, chunks[i].bytes);
        if (chunks[i].release)
            chunks[i].release(chunks[i].arg);
    }
    return 0;
}

static size_t m_queued(void *t) {
    return ((struct memory *)t)->queued;
}

static void m_pause(void *t, bool pause) {
    ((struct memory *)t)->paused = pause;
}

static void m_finish(void *t) {
    ((struct memory *)t)->finished = true;
}

static void m_close(void *t) {
    struct memory *m = t;
    if (m->closed)
        return;
    m->closed = true;
    m->up->on_close(m->user, NULL);
}

struct transport memory_transport(struct memory *m) {
    static const struct transport_ops ops = {m_write, m_queued, m_pause, m_finish, m_close};
    return (struct transport){&ops, m};
}

void memory_feed(struct memory *m, const void *p, size_t n) {
    if (!m->closed)
        m->up->on_data(m->user, str_make(p, n));
}

void memory_writable(struct memory *m) {
    if (!m->closed)
        m->up->on_writable(m->user);
}

void memory_fini(struct memory *m) {
    m_close(m);
    buf_fini(&m->out);
}

static bool on_open(void *user, struct channel *ch) {
    struct witness *w = user;
    struct str type = channel_header(ch, S("streamtype"));
    buf_printf(&w->log, "open %u %.*s\n", channel_id(ch), STR_ARG(type));
    channel_set_user(ch, w);
    w->last = ch;
    w->channels = channel_owner(ch);
    return !w->refuse;
}

static void on_data(void *user, struct channel *ch, struct str bytes) {
    struct witness *w = user;
    assert_ptr_equal(channel_user(ch), w);
    w->bytes += bytes.n;
    if (!w->quiet)
        buf_printf(&w->log, "data %u %.*s\n", channel_id(ch), STR_ARG(bytes));
}

static void on_end(void *user, struct channel *ch) {
    buf_printf(&((struct witness *)user)->log, "end %u\n", channel_id(ch));
}

static void on_reset(void *user, struct channel *ch) {
    buf_printf(&((struct witness *)user)->log, "reset %u\n", channel_id(ch));
}

static void on_writable(void *user, struct channel *ch) {
    buf_printf(&((struct witness *)user)->log, "writable %u\n", channel_id(ch));
}

static void on_close(void *user, const struct err *why) {
    struct witness *w = user;
    buf_printf(&w->log, why ? "close: %s\n" : "close\n", why ? why->msg : "");
    w->channels = NULL;
}

const struct channels_ops witness_ops = {on_open, on_data, on_end, on_reset, on_writable, on_close};

void witness_saw(struct witness *w, const char *lines) {
    assert_string_equal(buf_cstr(&w->log), lines);
    buf_clear(&w->log);
}
