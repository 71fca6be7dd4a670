/* Channels: what is the same for all carriers. See channels.h.
 *
 * Owners may do anything from within a callback, so nothing is freed while one is on the stack: channels and
 * connections that ended are only marked, and freed by the outermost channels_leave.
 */
#include <stdlib.h>

#include "net/channels_priv.h"

/* -- life -- */

void channels_init(struct channels *cs, const struct channels_impl *impl, const struct channels_ops *ops,
                   void *user, struct transport transport, struct str protocol) {
    cs->impl = impl;
    cs->ops = ops;
    cs->user = user;
    cs->transport = transport;
    check(protocol.n < sizeof cs->protocol);
    if (protocol.n)
        memcpy(cs->protocol, protocol.p, protocol.n);
}

void channels_enter(struct channels *cs) {
    cs->inside++;
}

static void free_channel(struct channels *cs, struct channel *ch) {
    cs->held -= ch->held.n;
    buf_fini(&ch->held);
    arena_fini(&ch->arena);
    free(ch);
}

static void update_reading(struct channels *cs) {
    bool stop = cs->held > (cs->reading_stopped ? CHANNELS_HELD_MAX / 2 : CHANNELS_HELD_MAX);
    if (cs->finishing || stop == cs->reading_stopped)
        return;
    cs->reading_stopped = stop;
    cs->transport.ops->pause(cs->transport.t, stop);
}

static void sweep(struct channels *cs) {
    for (struct channel **at = &cs->first; *at;) {
        struct channel *ch = *at;
        if (!ch->dead && !cs->gone) {
            at = &ch->next;
            continue;
        }
        *at = ch->next;
        cs->n_open--;
        free_channel(cs, ch);
    }
    update_reading(cs);
}

void channels_leave(struct channels *cs) {
    check(cs->inside > 0);
    if (cs->inside > 1) {
        cs->inside--;
        return;
    }
    sweep(cs);
    cs->inside--;
    if (cs->gone && cs->inside == 0)
        cs->impl->free(cs);
}

struct channel *channels_open(struct channels *cs, uint32_t id) {
    struct channel *ch = calloc(1, sizeof *ch);
    if (!ch)
        panic("out of memory");
    *ch = (struct channel){.of = cs, .id = id, .next = cs->first};
    arena_init(&ch->arena);
    cs->first = ch;
    cs->n_open++;
    return ch;
}

bool channels_admit(struct channels *cs, struct channel *ch) {
    ch->dead = !cs->ops->on_open(cs->user, ch);
    return !ch->dead;
}

struct channel *channels_find(struct channels *cs, uint32_t id) {
    for (struct channel *ch = cs->first; ch; ch = ch->next)
        if (ch->id == id && !ch->dead)
            return ch;
    return NULL;
}

static void bury_if_over(struct channel *ch) {
    ch->dead |= ch->end_told && ch->out_ended;
}

/* -- from the peer -- */

static void deliver(struct channels *cs, struct channel *ch, struct str bytes) {
    cs->ops->on_data(cs->user, ch, bytes);
    if (!ch->dead && !cs->finishing && cs->impl->consumed)
        cs->impl->consumed(cs, ch, bytes.n);
}

void channels_data(struct channels *cs, struct channel *ch, struct str bytes) {
    if (cs->finishing || ch->dead || ch->in_ended || bytes.n == 0)
        return;
    if (!ch->paused && ch->held.n == 0) {
        deliver(cs, ch, bytes);
        return;
    }
    buf_put(&ch->held, bytes.p, bytes.n);
    cs->held += bytes.n;
}

static void tell_end(struct channels *cs, struct channel *ch) {
    if (cs->finishing || ch->dead || ch->end_told || !ch->in_ended || ch->held.n)
        return;
    ch->end_told = true;
    cs->ops->on_end(cs->user, ch);
    bury_if_over(ch);
}

void channels_end(struct channels *cs, struct channel *ch) {
    ch->in_ended = true;
    tell_end(cs, ch);
}

void channels_was_reset(struct channels *cs, struct channel *ch) {
    if (cs->finishing || ch->dead)
        return;
    ch->dead = true;
    cs->ops->on_reset(cs->user, ch);
}

void channels_writable(struct channels *cs) {
    for (struct channel *ch = cs->first; ch && !cs->finishing && channels_room(cs); ch = ch->next) {
        if (!ch->blocked || ch->dead)
            continue;
        ch->blocked = false;
        cs->ops->on_writable(cs->user, ch);
    }
}

void channels_tell_close(struct channels *cs, const struct err *why) {
    cs->finishing = true;
    if (cs->told)
        return;
    channels_enter(cs);
    cs->told = true;
    cs->ops->on_close(cs->user, why);
    channels_leave(cs);
}

void channels_gone(struct channels *cs, const struct err *why) {
    struct err err = ERR_INIT;
    if (!why && !cs->finishing) {
        (void)err_set(&err, ERR_CLOSED, "the peer closed the connection");
        why = &err;
    }
    channels_enter(cs);
    cs->gone = true;
    channels_tell_close(cs, why);
    channels_leave(cs);
}

static void end_with(struct channels *cs, int code, const char *reason) {
    struct err err = ERR_INIT;
    (void)err_set(&err, code, "%s", reason);
    channels_enter(cs);
    channels_tell_close(cs, &err);
    if (!cs->gone)
        cs->transport.ops->finish(cs->transport.t);
    channels_leave(cs);
}

void channels_fail(struct channels *cs, const char *why) {
    if (!cs->finishing)
        end_with(cs, ERR_INVALID, why);
}

void channels_eof(struct channels *cs) {
    if (!cs->finishing)
        end_with(cs, ERR_CLOSED, "the peer closed the connection");
}

bool channels_control(struct channels *cs, const void *p, size_t n) {
    char *copy = malloc(n);
    if (!copy)
        panic("out of memory");
    memcpy(copy, p, n);
    struct http_chunk c = {.bytes = {copy, n}, .release = free, .arg = copy};
    if (!cs->gone && cs->transport.ops->write(cs->transport.t, &c, 1) == 0)
        return true;
    free(copy);
    if (!cs->finishing)
        channels_abort(cs, "the peer does not read");
    return false;
}

size_t channels_room(const struct channels *cs) {
    size_t queued = cs->gone ? CHANNELS_QUEUE_MAX : cs->transport.ops->queued(cs->transport.t);
    return queued < CHANNELS_QUEUE_MAX ? CHANNELS_QUEUE_MAX - queued : 0;
}

/* -- from the owner -- */

uint32_t channel_id(const struct channel *ch) {
    return ch->id;
}

struct channels *channel_owner(const struct channel *ch) {
    return ch->of;
}

struct str channel_header(const struct channel *ch, struct str name) {
    for (size_t i = 0; i < ch->headers.n; i++)
        if (str_eq(ch->headers.v[i].name, name))
            return ch->headers.v[i].value;
    return STR_NONE;
}

void channel_set_user(struct channel *ch, void *user) {
    ch->user = user;
}

void *channel_user(const struct channel *ch) {
    return ch->user;
}

int channel_write(struct channel *ch, struct str bytes) {
    struct channels *cs = ch->of;
    if (cs->finishing || ch->dead || ch->out_ended)
        return ERR_CLOSED;
    bytes = str_cut(bytes, CHANNEL_WRITE_MAX);
    channels_enter(cs);
    size_t room = channels_room(cs);
    size_t taken = room ? cs->impl->write(cs, ch, str_cut(bytes, room)) : 0;
    bool closed = cs->finishing;
    ch->blocked = taken < bytes.n;
    channels_leave(cs);
    return closed ? ERR_CLOSED : (int)taken;
}

void channel_end(struct channel *ch) {
    struct channels *cs = ch->of;
    if (cs->finishing || ch->dead || ch->out_ended)
        return;
    channels_enter(cs);
    ch->out_ended = true;
    cs->impl->end(cs, ch);
    bury_if_over(ch);
    channels_leave(cs);
}

void channel_reset(struct channel *ch) {
    struct channels *cs = ch->of;
    if (cs->finishing || ch->dead)
        return;
    channels_enter(cs);
    ch->dead = true;
    cs->impl->reset(cs, ch);
    channels_leave(cs);
}

/* What was held is delivered, unless the owner pauses again meanwhile. */
static void deliver_held(struct channels *cs, struct channel *ch) {
    struct buf b = ch->held;
    ch->held = (struct buf)BUF_INIT;
    cs->held -= b.n;
    size_t done = 0;
    while (done < b.n && !ch->paused && !ch->dead && !cs->finishing) {
        size_t n = b.n - done < CHANNEL_WRITE_MAX ? b.n - done : CHANNEL_WRITE_MAX;
        deliver(cs, ch, str_make(b.p + done, n));
        done += n;
    }
    if (done < b.n && !ch->dead && !cs->finishing) {
        buf_put(&ch->held, b.p + done, b.n - done);
        cs->held += b.n - done;
    }
    buf_fini(&b);
}

void channel_pause(struct channel *ch, bool pause) {
    struct channels *cs = ch->of;
    if (cs->finishing || ch->dead || ch->paused == pause)
        return;
    channels_enter(cs);
    ch->paused = pause;
    if (!pause && ch->held.n)
        deliver_held(cs, ch);
    if (!ch->paused)
        tell_end(cs, ch);
    channels_leave(cs);
}

struct str channels_protocol(const struct channels *cs) {
    return str_from(cs->protocol);
}

void channels_finish(struct channels *cs) {
    if (cs->finishing)
        return;
    channels_enter(cs);
    cs->impl->say_goodbye(cs);
    cs->finishing = true;
    if (!cs->gone)
        cs->transport.ops->finish(cs->transport.t);
    channels_leave(cs);
}

void channels_abort(struct channels *cs, const char *reason) {
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_CLOSED, "%s", reason);
    channels_enter(cs);
    channels_tell_close(cs, &err);
    if (!cs->gone)
        cs->transport.ops->close(cs->transport.t);
    channels_leave(cs);
}
