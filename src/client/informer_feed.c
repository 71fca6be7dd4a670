/* Telling one listener what happens, on its loop. See informer.h, informer_priv.h.
 *
 *     telling the state ──all told──▶ telling events ──fell behind──▶ telling the difference ──▶ telling
 * events
 *
 * A turn of the loop tells a bounded number of events, so that others have their turn.
 */
#include <stdlib.h>

#include "api/types/meta.h"
#include "base/err.h"
#include "base/map.h"
#include "client/informer_priv.h"

#define TURN_MAX 512u /* events told in one turn */
#define READ_MAX 32u  /* events taken from the source at once */

/* An addition or a deletion that was told and may not be in base. */
struct told {
    struct object *object;
    bool deleted;
};

struct feed {
    struct loop_msg msg;
    _Atomic(bool) posted;
    bool running, synced_told;
    struct informer *informer;
    struct loop *loop;
    struct informer_listener *listener; /* NULL: it is gone, and the feed goes with the posted message */
    void *cursor;

    /* what was told */
    struct cow base;
    uint64_t told_rv; /* latest revision of an event that was told */
    VEC(struct told) log;
    bool has_next; /* a later state, for base once it is told */
    struct cow next;
    uint64_t next_rv;

    /* a state that is being told, as the difference to base and log */
    bool telling;
    struct informer_snapshot now;
    struct cow_iter at, gone_at;
    bool gone_told;
    struct map since; /* "ns/name" → struct told, of log */
    uint32_t since_at;
};

static void run(struct loop_msg *msg);

/* Any thread. */
static void on_wake(void *arg) {
    struct feed *f = arg;
    if (!atomic_exchange(&f->posted, true) && loop_post(f->loop, &f->msg))
        atomic_store(&f->posted, false); /* the loop has quit: nobody listens */
}

static void log_clear(struct feed *f, uint64_t up_to_rv) {
    size_t kept = 0;
    for (size_t i = 0; i < f->log.n; i++) {
        if (f->log.v[i].object->rv > up_to_rv)
            f->log.v[kept++] = f->log.v[i];
        else
            object_unref(f->log.v[i].object);
    }
    f->log.n = kept;
}

static void free_feed(struct feed *f) {
    cow_fini(&f->base);
    cow_fini(&f->next);
    informer_snapshot_fini(&f->now);
    map_fini(&f->since);
    log_clear(f, UINT64_MAX);
    vec_fini(&f->log);
    informer_unref(f->informer);
    free(f);
}

static bool is_alive(const struct feed *f) {
    return f->listener != NULL;
}

static void tell(struct feed *f, enum informer_event_type type, const struct object *object,
                 const struct object *previous) {
    struct informer_event e = {.type = type, .object = object, .previous = previous};
    f->listener->on_event(f->listener, &e);
}

/* -- the difference -- */

static void begin_telling(struct feed *f) {
    f->telling = true;
    f->since_at = 0;
    map_clear(&f->since);
    for (size_t i = 0; i < f->log.n; i++) {
        const struct meta_object_meta *m = f->log.v[i].object->meta;
        _cleanup_arena struct arena a = ARENA_INIT;
        struct str key =
            m->namespace.n ? arena_printf(&a, "%.*s/%.*s", STR_ARG(m->namespace), STR_ARG(m->name)) : m->name;
        map_put(&f->since, key, &f->log.v[i]);
    }
    f->gone_told = f->base.n == 0 && f->log.n == 0;
    cow_all(&f->gone_at, &f->base);
    cow_all(&f->at, &f->now.tree);
}

/* What the listener knows of a key, or NULL. */
static const struct object *known(const struct feed *f, struct str key) {
    const struct told *t = map_get(&f->since, key);
    if (t)
        return t->deleted ? NULL : t->object;
    return cow_get(&f->base, key);
}

static bool is_gone(const struct feed *f, struct str key) {
    return !cow_get(&f->now.tree, key);
}

/* One that is there no more; false when there is none left. */
static bool tell_one_gone(struct feed *f) {
    const struct cow_item *item;
    while ((item = cow_next(&f->gone_at))) {
        if (!is_gone(f, item->key) || map_has(&f->since, item->key))
            continue;
        tell(f, INFORMER_DELETED, item->value, item->value);
        return true;
    }
    while (f->since_at < f->since.n) {
        const struct map_entry *e = &f->since.entries[f->since_at++];
        const struct told *t = e->value;
        if (t->deleted || !is_gone(f, e->key))
            continue;
        tell(f, INFORMER_DELETED, t->object, t->object);
        return true;
    }
    return false;
}

/* One that is new or changed; false when there is none left. */
static bool tell_one_there(struct feed *f) {
    const struct cow_item *item;
    while ((item = cow_next(&f->at))) {
        const struct object *o = item->value, *before = known(f, item->key);
        if (before && o->rv <= f->told_rv)
            continue;
        tell(f, before ? INFORMER_MODIFIED : INFORMER_ADDED, o, before);
        return true;
    }
    return false;
}

/* The state that was being told is what the listener knows now. */
static void end_telling(struct feed *f) {
    f->telling = false;
    cow_fini(&f->base);
    cow_snapshot(&f->now.tree, &f->base);
    f->told_rv = f->now.revision;
    log_clear(f, UINT64_MAX);
    map_clear(&f->since);
    informer_snapshot_fini(&f->now);
    if (f->has_next)
        cow_fini(&f->next);
    f->has_next = false;
}

static unsigned tell_state(struct feed *f, unsigned max) {
    unsigned n = 0;
    while (n < max && is_alive(f)) {
        if (!f->gone_told && !tell_one_gone(f)) {
            f->gone_told = true;
            continue;
        }
        if (f->gone_told && !tell_one_there(f)) {
            end_telling(f);
            break;
        }
        n++;
    }
    return n;
}

/* -- events -- */

static int open_cursor(struct feed *f, struct err *err) {
    struct informer_source *s = f->informer->source;
    int rc = s->ops->cursor_open(s, f->loop, on_wake, f, &f->now, &f->cursor, err);
    if (rc == 0)
        begin_telling(f);
    return rc;
}

static void close_cursor(struct feed *f) {
    if (f->cursor)
        f->informer->source->ops->cursor_close(f->cursor);
    f->cursor = NULL;
}

/* All that was there is told: the present state may become base as soon as an event shows that it is told. */
static void note_state(struct feed *f) {
    if (f->has_next && f->told_rv >= f->next_rv) {
        cow_fini(&f->base);
        f->base = f->next;
        f->has_next = false;
        log_clear(f, f->next_rv);
    }
    if (f->has_next)
        return;
    struct informer_snapshot s;
    informer_snapshot(f->informer, &s);
    f->next_rv = s.revision;
    cow_snapshot(&s.tree, &f->next);
    f->has_next = true;
    informer_snapshot_fini(&s);
}

static void tell_event(struct feed *f, const struct source_event *e) {
    if (is_alive(f))
        tell(f, e->type, e->object, e->previous);
    if (e->object->rv > f->told_rv)
        f->told_rv = e->object->rv;
    if (e->type != INFORMER_MODIFIED)
        vec_push(&f->log, ((struct told){object_ref(e->object), e->type == INFORMER_DELETED}));
    object_unref(e->object);
    object_unref(e->previous);
}

/* Tells up to max; -> their number, or ERR_EXPIRED. */
static int tell_events(struct feed *f, unsigned max) {
    unsigned told = 0;
    while (told < max && is_alive(f)) {
        struct source_event events[READ_MAX];
        int n = f->informer->source->ops->cursor_next(f->cursor, events, READ_MAX);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        for (int i = 0; i < n; i++)
            tell_event(f, &events[i]);
        told += (unsigned)n;
    }
    return (int)told;
}

/* Fell behind: starts again from the present state. */
static void start_over(struct feed *f) {
    struct err err = ERR_INIT;
    close_cursor(f);
    (void)open_cursor(f, &err); /* when it fails the source has closed: no more events come */
}

/* -> whether there is more to do. */
static bool turn(struct feed *f) {
    bool synced = informer_synced(f->informer);
    unsigned left = TURN_MAX;
    if (f->telling)
        left -= tell_state(f, left);
    if (!is_alive(f) || f->telling || left == 0)
        return is_alive(f);
    int n = f->cursor ? tell_events(f, left) : 0;
    if (!is_alive(f))
        return false;
    if (n < 0) {
        start_over(f);
        return f->telling;
    }
    if ((unsigned)n >= left)
        return true;
    if (n > 0)
        note_state(f);
    if (synced && !f->synced_told) {
        f->synced_told = true;
        if (f->listener->on_synced)
            f->listener->on_synced(f->listener);
    }
    return false;
}

static void run(struct loop_msg *msg) {
    struct feed *f = (struct feed *)((char *)msg - offsetof(struct feed, msg));
    atomic_store(&f->posted, false);
    if (is_alive(f)) {
        f->running = true;
        bool more = turn(f);
        f->running = false;
        if (is_alive(f)) {
            if (more)
                on_wake(f);
            return;
        }
    }
    if (!atomic_load(&f->posted))
        free_feed(f);
}

void informer_listen(struct informer *i, struct informer_listener *l) {
    check(l->loop && l->on_event && !l->private_);
    struct feed *f = calloc(1, sizeof *f);
    if (!f)
        panic("out of memory");
    f->msg.run = run;
    f->informer = informer_ref(i);
    f->loop = l->loop;
    f->listener = l;
    f->since = (struct map)MAP_INIT_OWNING;
    l->private_ = f;
    struct err err = ERR_INIT;
    if (open_cursor(f, &err) == 0)
        on_wake(f);
}

void informer_unlisten(struct informer *i, struct informer_listener *l) {
    struct feed *f = l->private_;
    if (!f)
        return;
    check(f->informer == i);
    l->private_ = NULL;
    close_cursor(f);
    f->listener = NULL;
    if (!f->running && !atomic_load(&f->posted))
        free_feed(f);
}
