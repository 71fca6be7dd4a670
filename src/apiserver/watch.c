/* Watches. See watch.h; the bytes are made in watch_form.c. */
#include "apiserver/watch.h"

#include <stddef.h>
#include <stdlib.h>

#include "api/meta.h"
#include "api/status.h"
#include "api/types/meta.h"
#include "apiserver/server_priv.h"
#include "apiserver/watch_priv.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/rand.h"
#include "base/timefmt.h"

#define TIMEOUT_MIN_SEC 1800 /* without timeoutSeconds: this long, up to twice as long */
#define TIMEOUT_MAX_SEC (366ll * 86400)
#define BOOKMARK_NS (60 * NS_PER_SEC)
#define LAST_BOOKMARK_NS (2 * NS_PER_SEC) /* before the time-out */
#define LOOPS_MAX 64u

/* -- all watches -- */

struct watch_list {
    _Atomic(struct loop *) loop;
    struct watches *all;
    struct watch *first; /* on the loop only */
};

struct watches {
    struct watch_list v[LOOPS_MAX];
    atomic_uint n;
    atomic_bool draining;
};

struct watches *watches_new(void) {
    struct watches *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    for (unsigned i = 0; i < LOOPS_MAX; i++)
        w->v[i].all = w;
    return w;
}

void watches_free(struct watches *w) {
    free(w);
}

unsigned watches_count(struct watches *w) {
    return atomic_load(&w->n);
}

static struct watch_list *list_of(struct watches *w, struct loop *loop) {
    for (unsigned i = 0; i < LOOPS_MAX; i++) {
        struct loop *there = NULL;
        if (atomic_compare_exchange_strong(&w->v[i].loop, &there, loop) || there == loop)
            return &w->v[i];
    }
    panic("more than %u loops", LOOPS_MAX);
}

static void link_watch(struct watch *w) {
    struct watches *all = w->f->front->server->watches;
    struct watch_list *l = list_of(all, w->f->call.loop);
    w->next = l->first;
    if (l->first)
        l->first->prev = w;
    l->first = w;
    atomic_fetch_add(&all->n, 1);
}

static void unlink_watch(struct watch *w) {
    struct watches *all = w->f->front->server->watches;
    if (w->prev)
        w->prev->next = w->next;
    else
        list_of(all, w->f->call.loop)->first = w->next;
    if (w->next)
        w->next->prev = w->prev;
    atomic_fetch_sub(&all->n, 1);
}

/* -- the end -- */

static void watch_free(struct watch *w) {
    struct loop *loop = w->f->call.loop;
    if (w->cursor_set)
        cache_unwatch(&w->cursor);
    if (w->initial)
        cache_snapshot_fini(&w->snapshot);
    for (unsigned i = 0; i < w->n_batch; i++)
        if (w->batch[i].release)
            w->batch[i].release(w->batch[i].arg);
    loop_timer_stop(loop, &w->end_timer);
    loop_timer_stop(loop, &w->bookmark_timer);
    unlink_watch(w);
    arena_fini(&w->scratch);
    free(w);
}

static void on_gone(struct front_call *f) {
    watch_free(f->watch);
    front_gone(f);
}

static void end(struct watch *w) {
    struct front_call *f = w->f;
    watch_free(w);
    front_done(f, 200);
    http_stream_end(f->r);
}

/* -- reading -- */

static void put_bookmark(struct watch *w, uint64_t rv, bool initial_end) {
    struct object *o = watch_bookmark_object(w->f->call.info.kind->hub, rv, initial_end);
    watch_put(w, WATCH_BOOKMARK, o);
    object_unref(o);
    w->marked = rv;
}

/* An object that leaves the selection is deleted for this watcher, with its last state that was in it. */
static void put_left(struct watch *w, const struct cache_event *e) {
    struct object *o = watch_with_version(e->previous, e->revision);
    watch_put(w, WATCH_DELETED, o);
    object_unref(o);
}

static void put_event(struct watch *w, const struct cache_event *e) {
    const struct selection *s = &w->selection;
    bool was = e->previous && selection_matches(s, e->previous, &w->scratch);
    bool is = e->type != CACHE_DELETED && selection_matches(s, e->object, &w->scratch);
    if (e->type == CACHE_DELETED) {
        if (was || (!e->previous && selection_matches(s, e->object, &w->scratch)))
            watch_put(w, WATCH_DELETED, e->object);
    } else if (is) {
        watch_put(w, was ? WATCH_MODIFIED : WATCH_ADDED, e->object);
    } else if (was) {
        put_left(w, e);
    }
}

static void put_expired(struct watch *w, struct str message) {
    watch_put_status(w, status_expired(&w->scratch, message));
    w->ending = true;
}

static void read_initial(struct watch *w) {
    const struct cow_item *item;
    for (unsigned i = 0; i < WATCH_BATCH && (item = cow_next(&w->it));) {
        if (!selection_matches(&w->selection, item->value, &w->scratch))
            continue;
        watch_put(w, WATCH_ADDED, item->value);
        i++;
        if (i == WATCH_BATCH - 1)
            return; /* room for the bookmark */
    }
    w->initial = false;
    cache_snapshot_fini(&w->snapshot);
    if (w->mark_initial_end)
        put_bookmark(w, w->seen, true);
}

/* False: there is nothing now. */
static bool read_events(struct watch *w) {
    struct cache_event e[WATCH_BATCH];
    int n = cache_next(&w->cursor, e, WATCH_BATCH, &w->seen);
    if (n == 0)
        return false;
    if (n < 0) {
        put_expired(w, S("the watcher was too slow: events that it has not seen are gone"));
        return true;
    }
    for (int i = 0; i < n; i++) {
        put_event(w, &e[i]);
        cache_event_fini(&e[i]);
    }
    return true;
}

/* False: the stream is full; on_writable comes. */
static bool flush(struct watch *w) {
    if (w->n_batch && http_stream_write(w->f->r, w->batch, w->n_batch) < 0)
        return false;
    w->n_batch = 0;
    arena_reset(&w->scratch);
    return true;
}

/* Reads and writes until there is nothing to read or the peer takes no more. */
static void pump(struct watch *w) {
    while (flush(w)) {
        if (w->ending) {
            end(w);
            return;
        }
        if (w->initial)
            read_initial(w);
        else if (!w->cursor_set || !read_events(w))
            return;
    }
}

static void on_wake(struct cache_watcher *c) {
    struct watch *w = (struct watch *)((char *)c - offsetof(struct watch, cursor));
    if (!w->initial && w->n_batch == 0)
        pump(w);
}

/* A stream that was ended while it was full has no user any more. */
static void on_writable(void *user) {
    struct front_call *f = user;
    if (f)
        pump(f->watch);
}

/* -- time -- */

static void on_end(struct timer *t) {
    struct watch *w = (struct watch *)((char *)t - offsetof(struct watch, end_timer));
    end(w);
}

/* A peer that is behind needs none. */
static void on_bookmark(struct timer *t) {
    struct watch *w = (struct watch *)((char *)t - offsetof(struct watch, bookmark_timer));
    struct loop *loop = w->f->call.loop;
    int64_t left = w->end_ns - clock_mono_ns(loop_clock(loop));
    if (left > LAST_BOOKMARK_NS)
        loop_timer_start(loop, t,
                         left - LAST_BOOKMARK_NS < BOOKMARK_NS ? left - LAST_BOOKMARK_NS : BOOKMARK_NS);
    if (w->initial || w->n_batch)
        return;
    if (w->cursor_set && read_events(w)) {
        pump(w);
        return;
    }
    if (w->seen > w->marked)
        put_bookmark(w, w->seen, false);
    (void)flush(w);
}

static void start_timers(struct watch *w) {
    const struct opt_i64 *asked = &w->f->call.options.timeout_seconds;
    struct loop *loop = w->f->call.loop;
    int64_t sec = asked->set && asked->v > 0 ? asked->v : 0;
    int64_t ns = (sec > TIMEOUT_MAX_SEC ? TIMEOUT_MAX_SEC : sec) * NS_PER_SEC;
    if (ns == 0)
        ns = rand_jitter(w->f->front->server->rand, TIMEOUT_MIN_SEC * NS_PER_SEC, 1.0);
    w->end_ns = clock_mono_ns(loop_clock(loop)) + ns;
    w->end_timer.fire = on_end;
    loop_timer_start(loop, &w->end_timer, ns);
    if (!w->bookmarks)
        return;
    w->bookmark_timer.fire = on_bookmark;
    int64_t first = ns - LAST_BOOKMARK_NS;
    loop_timer_start(loop, &w->bookmark_timer, first < BOOKMARK_NS ? (first > 0 ? first : 0) : BOOKMARK_NS);
}

/* -- the beginning -- */

/* CONFORMS: the rules of list options for watches. */
static struct status *check_options(struct front_call *f, uint64_t *ret_rv) {
    const struct request_options *o = &f->call.options;
    struct arena *a = &f->arena;
    struct err err = ERR_INIT;
    if (rv_parse(o->resource_version, ret_rv, &err) < 0)
        return status_bad_request(a, "%s", err.msg);
    bool newer = str_eq(o->resource_version_match, S("NotOlderThan"));
    if (o->resource_version_match.n && !o->send_initial_events.set)
        return status_bad_request(
            a, "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch "
               "unless sendInitialEvents is provided");
    if (o->send_initial_events.set && !newer)
        return status_bad_request(a, "resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
                                     "resourceVersionMatch to NotOlderThan");
    if (o->continue_token.n)
        return status_bad_request(a, "continue: Forbidden: continue is forbidden for watch");
    return NULL;
}

static void start_iterator(struct watch *w) {
    const struct access *x = &w->f->call.info.access;
    struct arena *a = &w->f->arena;
    struct str parts[3];
    size_t n = 0;
    const struct cow *tree = &w->snapshot.tree;
    if (w->selection.node.p) {
        tree = &w->snapshot.by_node;
        parts[n++] = w->selection.node;
    }
    if (x->ns.n && w->f->call.info.kind->namespaced)
        parts[n++] = x->ns;
    parts[n++] = S("");
    (void)cow_prefix(&w->it, tree, arena_join(a, parts, n, S("/")));
}

static void start_initial(struct watch *w) {
    cache_snapshot(cache_of(w->f->front->server->cache, w->f->call.info.kind), &w->snapshot);
    w->initial = true;
    w->seen = w->snapshot.revision;
    start_iterator(w);
}

/* Where the events start: behind the first states, at the version asked for, or now. */
static void start_cursor(struct watch *w, uint64_t rv) {
    struct cached *resource = cache_of(w->f->front->server->cache, w->f->call.info.kind);
    struct err err = ERR_INIT;
    bool namespaced = w->f->call.info.kind->namespaced;
    w->cursor = (struct cache_watcher){
        .loop = w->f->call.loop,
        .wake = on_wake,
        .ns = namespaced ? w->f->call.info.access.ns : S(""),
        .node = w->selection.node.p ? w->selection.node : S(""),
    };
    if (cache_watch(resource, &w->cursor, rv, &err) < 0)
        put_expired(w, str_from(err.msg));
    else
        w->cursor_set = true;
}

static void begin_stream(struct watch *w) {
    struct front_call *f = w->f;
    size_t n;
    bool proto = f->accept.media == MEDIA_PROTO;
    struct str type = proto ? S("application/vnd.kubernetes.protobuf;stream=watch") : S("application/json");
    struct http_header *h = respond_headers(f, type, 0, &n);
    http_stream_begin(f->r, 200, h, n, on_writable);
}

static void begin(struct front_call *f, const struct selection *selection, uint64_t rv,
                  enum table_include include) {
    struct watch *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    const struct request_options *o = &f->call.options;
    w->f = f;
    w->selection = *selection;
    w->include = include;
    w->bookmarks = o->bookmarks;
    arena_init(&w->scratch);
    f->watch = w;
    f->gone = on_gone;
    f->long_running = true;
    link_watch(w);
    bool initial = o->send_initial_events.set ? o->send_initial_events.v : rv == 0;
    w->mark_initial_end = o->send_initial_events.set && initial && w->bookmarks;
    w->seen = rv ? rv : cache_revision(f->front->server->cache);
    if (initial)
        start_initial(w);
    begin_stream(w);
    start_cursor(w, w->seen);
    start_timers(w);
    w->ending |= atomic_load(&f->front->server->watches->draining);
    pump(w);
}

void watch_serve(struct front_call *f) {
    struct selection s;
    struct err err = ERR_INIT;
    uint64_t rv = 0;
    enum table_include include = TABLE_METADATA;
    struct status *st = check_options(f, &rv);
    if (!st && selection_make(&f->arena, f->call.info.kind, f->call.options.label_selector,
                              f->call.options.field_selector, &s, &err) < 0)
        st = status_bad_request(&f->arena, "%s", err.msg);
    if (st) {
        respond_status(f, st);
        return;
    }
    if (f->accept.form == RESPONSE_TABLE && !respond_table_include(f, &include))
        return;
    /* a watch of one object by its path: /watch/…/name */
    if (f->call.info.access.name.n && !s.name.p) {
        s.name = f->call.info.access.name;
        s.everything = false;
        s.by_path = true;
    }
    begin(f, &s, rv, include);
}

/* -- draining -- */

static void drain_list(void *arg) {
    struct watch_list *l = arg;
    for (struct watch *w = l->first, *next; w; w = next) {
        next = w->next;
        w->ending = true;
        if (w->n_batch == 0)
            end(w);
    }
}

void watches_drain(struct watches *w) {
    atomic_store(&w->draining, true);
    for (unsigned i = 0; i < LOOPS_MAX; i++) {
        struct loop *loop = atomic_load(&w->v[i].loop);
        if (loop)
            (void)loop_call(loop, drain_list, &w->v[i]);
    }
}
