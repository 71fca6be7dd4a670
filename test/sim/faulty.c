/* See faulty.h. */
#include "faulty.h"

#include <stdlib.h>

#include "api/json.h"
#include "api/meta.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/rand.h"
#include "base/sim.h"
#include "base/vec.h"
#include "client/informer.h"
#include "client/mirror.h"

struct faulty {
    struct client client;
    struct client *inner;
    bool owns_inner;
    const struct faulty_faults *faults;
    struct loop *loop;
    unsigned in_flight;
};

/* -- calls -- */

struct faulty_call {
    struct timer timer;
    struct loop_msg msg;
    struct faulty *f;
    struct loop *loop;
    client_done_fn done;
    void *arg;
    struct client_answer answer;
    int code;
    struct err err;
};

static void on_deliver(struct loop_msg *msg) {
    struct faulty_call *c = (struct faulty_call *)((char *)msg - offsetof(struct faulty_call, msg));
    c->f->in_flight--;
    c->done(c->arg, c->code, &c->answer, c->code ? &c->err : NULL);
    client_answer_fini(&c->answer);
    free(c);
}

static void on_delayed(struct timer *t) {
    struct faulty_call *c = (struct faulty_call *)((char *)t - offsetof(struct faulty_call, timer));
    c->msg.run = on_deliver;
    if (!c->loop || loop_post(c->loop, &c->msg))
        on_deliver(&c->msg);
}

static void answer_later(struct faulty_call *c) {
    int64_t most = c->f->faults->delay_ns;
    c->timer.fire = on_delayed;
    loop_timer_start(c->f->loop, &c->timer, most ? rand_range(c->f->client.rand, 0, most) : 0);
}

static void on_answer(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct faulty_call *c = arg;
    c->code = code;
    if (code)
        c->err = *err;
    c->answer = *answer;
    *answer = (struct client_answer)CLIENT_ANSWER_INIT;
    if (rand_chance(c->f->client.rand, c->f->faults->lost_answer)) {
        client_answer_fini(&c->answer);
        c->code = err_set(&c->err, ERR_CLOSED, "the connection was lost");
    }
    answer_later(c);
}

static void fail(struct faulty_call *c, int http_code, const char *reason) {
    struct meta_status *st = arena_new(&c->answer.arena, struct meta_status);
    *st = (struct meta_status){.reason = str_from(reason), .message = S("a fault"), .code = http_code};
    c->answer.http_code = http_code;
    c->answer.status = st;
    c->code = client_error(http_code, st, &c->err);
    answer_later(c);
}

static int submit(struct client *client, const struct client_call *call, struct loop *loop,
                  client_done_fn done, void *arg, struct err *err) {
    struct faulty *f = (struct faulty *)client;
    struct rand *r = client->rand;
    bool changes = call->verb == CLIENT_UPDATE || call->verb == CLIENT_PATCH;
    struct faulty_call *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    *c = (struct faulty_call){.f = f, .loop = loop, .done = done, .arg = arg, .answer = CLIENT_ANSWER_INIT};
    f->in_flight++;
    if (rand_chance(r, f->faults->unavailable)) {
        fail(c, 503, "ServiceUnavailable");
        return 0;
    }
    if (changes && rand_chance(r, f->faults->conflict)) {
        fail(c, 409, "Conflict");
        return 0;
    }
    int rc = client_submit(f->inner, call, f->loop, on_answer, c, err);
    if (rc) {
        f->in_flight--;
        free(c);
    }
    return rc;
}

/* -- sources -- */

struct late_event {
    struct object *object;
    bool deleted;
    int64_t due_ns;
};

struct faulty_source {
    struct informer_source source;
    struct faulty *f;
    const struct kind *kind;
    struct informer_source *inner;
    void *cursor; /* of inner; NULL: the watch is broken off */
    struct mirror *mirror;
    struct loop_msg msg;
    struct timer timer; /* the next event is due, or the watch comes back */
    bool posted, gone;
    VEC(struct late_event) late;
};

static void on_news(void *arg) {
    struct faulty_source *s = arg;
    if (!s->posted)
        s->posted = loop_post(s->f->loop, &s->msg) == 0;
}

static void ignore_news(void *arg) {
    (void)arg;
}

static struct mirror_item copy_item(const struct kind *k, const struct object *o) {
    struct arena a = ARENA_INIT;
    return mirror_freeze(k, api_copy(&a, k->set, k->type, o->body), &a);
}

static void forget_late(struct faulty_source *s) {
    vec_foreach (e, &s->late)
        object_unref(e->object);
    s->late.n = 0;
}

static void close_cursor(struct faulty_source *s) {
    if (s->cursor)
        s->inner->ops->cursor_close(s->cursor);
    s->cursor = NULL;
}

/* Lists, and watches from there. */
static void connect(struct faulty_source *s) {
    struct informer_snapshot now;
    struct err err = ERR_INIT;
    VEC(struct mirror_item) items = {0};
    if (s->inner->ops->cursor_open(s->inner, s->f->loop, on_news, s, &now, &s->cursor, &err))
        panic("faulty: %s", err.msg);
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &now.tree))
        vec_push(&items, copy_item(s->kind, item->value));
    uint64_t revision = now.revision;
    informer_snapshot_fini(&now);
    mirror_replace(s->mirror, items.v, items.n, revision);
    vec_fini(&items);
}

static void cut(struct faulty_source *s) {
    close_cursor(s);
    forget_late(s);
    int64_t most = s->f->faults->watch_down_ns;
    loop_timer_start(s->f->loop, &s->timer, most ? rand_range(s->f->client.rand, 0, most) : 0);
}

static void take_event(struct faulty_source *s, const struct source_event *e) {
    struct rand *r = s->f->client.rand;
    int64_t most = s->f->faults->watch_delay_ns;
    int64_t due = clock_mono_ns(s->f->client.clock) + (most ? rand_range(r, 0, most) : 0);
    if (s->late.n && s->late.v[s->late.n - 1].due_ns > due)
        due = s->late.v[s->late.n - 1].due_ns;
    vec_push(&s->late, ((struct late_event){e->object, e->type == INFORMER_DELETED, due}));
    object_unref(e->previous);
}

static void tell_due(struct faulty_source *s) {
    int64_t now = clock_mono_ns(s->f->client.clock);
    size_t n = 0;
    for (; n < s->late.n && s->late.v[n].due_ns <= now; n++) {
        struct mirror_item item = copy_item(s->kind, s->late.v[n].object);
        if (s->late.v[n].deleted)
            mirror_remove(s->mirror, item.object);
        else
            mirror_put(s->mirror, &item);
        object_unref(s->late.v[n].object);
    }
    memmove(s->late.v, s->late.v + n, (s->late.n - n) * sizeof *s->late.v);
    s->late.n -= n;
    if (s->late.n)
        loop_timer_start(s->f->loop, &s->timer, s->late.v[0].due_ns - now);
}

static void pump(struct faulty_source *s) {
    struct source_event e;
    int n = 0;
    while (s->cursor && (n = s->inner->ops->cursor_next(s->cursor, &e, 1)) == 1) {
        take_event(s, &e);
        if (rand_chance(s->f->client.rand, s->f->faults->watch_cut))
            n = ERR_CLOSED;
        if (n < 0)
            break;
    }
    if (n < 0)
        cut(s);
    else if (s->late.n)
        tell_due(s);
}

static void free_source(struct faulty_source *s) {
    loop_timer_stop(s->f->loop, &s->timer);
    close_cursor(s);
    forget_late(s);
    vec_fini(&s->late);
    s->inner->ops->free(s->inner);
    mirror_free(s->mirror);
    free(s);
}

static void on_pump(struct loop_msg *msg) {
    struct faulty_source *s = (struct faulty_source *)((char *)msg - offsetof(struct faulty_source, msg));
    s->posted = false;
    if (s->gone)
        free_source(s);
    else if (!mirror_synced(s->mirror))
        connect(s);
    else
        pump(s);
}

static void on_timer(struct timer *t) {
    struct faulty_source *s = (struct faulty_source *)((char *)t - offsetof(struct faulty_source, timer));
    if (s->cursor)
        tell_due(s);
    else
        connect(s);
}

static int start(struct informer_source *source, void (*wake)(void *arg), void *arg, struct err *err) {
    struct faulty_source *s = (struct faulty_source *)source;
    mirror_set_wake(s->mirror, wake, arg);
    int rc = s->inner->ops->start(s->inner, ignore_news, NULL, err);
    if (rc == 0)
        on_news(s);
    return rc;
}

static bool synced(const struct informer_source *source) {
    return mirror_synced(((const struct faulty_source *)source)->mirror);
}

static void snapshot(struct informer_source *source, struct informer_snapshot *ret) {
    mirror_snapshot(((struct faulty_source *)source)->mirror, ret);
}

static int cursor_open(struct informer_source *source, struct loop *loop, void (*wake)(void *arg), void *arg,
                       struct informer_snapshot *ret_snapshot, void **ret_cursor, struct err *err) {
    (void)loop;
    (void)err;
    *ret_cursor = mirror_cursor_open(((struct faulty_source *)source)->mirror, wake, arg, ret_snapshot);
    return 0;
}

static void free_(struct informer_source *source) {
    struct faulty_source *s = (struct faulty_source *)source;
    mirror_set_wake(s->mirror, NULL, NULL);
    s->gone = true;
    on_news(s);
}

static int open_source(struct client *c, const struct informer_options *o, struct informer_source **ret,
                       struct err *err) {
    static const struct informer_source_ops ops = {
        start, synced, snapshot, cursor_open, mirror_cursor_next, mirror_cursor_close, free_};
    struct faulty *f = (struct faulty *)c;
    struct faulty_source *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    int rc = f->inner->ops->open_source(f->inner, o, &s->inner, err);
    if (rc) {
        free(s);
        return rc;
    }
    s->source.ops = &ops;
    s->f = f;
    s->kind = o->kind->hub;
    s->mirror = mirror_new(s->kind, 0);
    s->msg.run = on_pump;
    s->timer.fire = on_timer;
    *ret = &s->source;
    return 0;
}

/* -- clients -- */

static void free_client(struct client *c) {
    struct faulty *f = (struct faulty *)c;
    while (f->in_flight && sim_step(c->sim))
        ;
    sim_settle(c->sim); /* sources that are gone */
    loop_free(f->loop);
    if (f->owns_inner)
        client_free(f->inner);
    free(f);
}

static int as(struct client *c, struct str user_name, const struct str *groups, uint32_t n_groups,
              struct client **ret, struct err *err) {
    struct faulty *f = (struct faulty *)c;
    struct client *inner;
    int rc = client_as(f->inner, user_name, groups, n_groups, &inner, err);
    if (rc)
        return rc;
    *ret = faulty_new(inner, f->faults);
    ((struct faulty *)*ret)->owns_inner = true;
    client_set_name(*ret, client_name(c));
    return 0;
}

struct client *faulty_new(struct client *inner, const struct faulty_faults *faults) {
    static const struct client_ops ops = {submit, open_source, as, free_client};
    struct faulty *f = calloc(1, sizeof *f);
    if (!f)
        panic("out of memory");
    client_init(&f->client, &ops, client_sim(inner));
    client_set_name(&f->client, client_name(inner));
    f->inner = inner;
    f->faults = faults;
    f->loop = sim_loop_new(client_sim(inner), "faulty");
    return &f->client;
}
