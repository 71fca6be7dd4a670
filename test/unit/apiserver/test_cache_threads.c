/* The cache with real threads: writers, readers and watchers at once, on a store with a thread of its own. */
#include <stdatomic.h>
#include <stdio.h>

#include "api/json.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/cache.h"
#include "base/arena.h"
#include "base/loop.h"
#include "base/thread.h"
#include "store/store.h"
#include "unit/unit.h"

#define WRITERS 6
#define READERS 2
#define LOOPS 2
#define WATCHERS 4 /* on each loop */
#define ROUNDS 60  /* of each writer */

static const struct kind *config_map(void) {
    return &kinds[KIND_CORE_CONFIG_MAP];
}

/* -- waiting for something that happens elsewhere -- */

struct waiter {
    struct mutex lock;
    struct cond done;
    bool finished;
    int code;
    uint64_t rv;
};

static void waiter_init(struct waiter *w) {
    *w = (struct waiter){0};
    mutex_init(&w->lock);
    cond_init(&w->done);
}

static void waiter_finish(struct waiter *w, int code, uint64_t rv) {
    mutex_lock(&w->lock);
    w->code = code;
    w->rv = rv;
    w->finished = true;
    cond_signal(&w->done);
    mutex_unlock(&w->lock);
}

static void waiter_wait(struct waiter *w) {
    mutex_lock(&w->lock);
    while (!w->finished)
        cond_wait(&w->done, &w->lock);
    mutex_unlock(&w->lock);
    mutex_fini(&w->lock);
    cond_fini(&w->done);
}

static void on_done(void *arg, int code, const struct object *object, const struct err *err) {
    (void)err;
    waiter_finish(arg, code, object ? object->rv : 0);
}

/* -- the test's world -- */

struct watching {
    struct cache_watcher watcher; /* first */
    uint64_t last, counter_rv, seen;
};

struct threads {
    struct cache *cache;
    struct cached *resource;
    struct loop *loops[LOOPS];
    struct watching watching[LOOPS][WATCHERS];
    atomic_bool writers_done;
    atomic_uint writes;
};

static int put(struct threads *t, struct loop *loop, enum cache_op op, const char *name, unsigned value,
               uint64_t expect_rv, uint64_t *ret_rv) {
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\"},\"data\":{\"v\":\"%u\"}}", name,
                   value);
    struct arena a = ARENA_INIT;
    void *body = NULL;
    check(api_read_json(&a, &builtin, TY_CORE_CONFIG_MAP, str_from(json), NULL, &body, NULL) == 0);
    struct waiter w;
    waiter_init(&w);
    struct cache_write cw = {
        .op = op,
        .kind = config_map(),
        .ns = S("ns"),
        .name = str_from(name),
        .body = body,
        .arena = &a,
        .expect_rv = expect_rv,
        .loop = loop,
        .done = on_done,
        .arg = &w,
    };
    check(cache_submit(t->cache, &cw, NULL) == 0);
    waiter_wait(&w);
    if (w.code == 0)
        atomic_fetch_add(&t->writes, 1);
    *ret_rv = w.rv;
    return w.code;
}

static unsigned value_of(const struct object *o) {
    uint64_t v;
    check(str_to_u64(str_map_get(((const struct core_config_map *)o->body)->data, S("v")), &v));
    return (unsigned)v;
}

/* Adds one to the counter; tries again as long as others come first. */
static void count(struct threads *t) {
    for (;;) {
        struct object *o = cache_get(t->resource, S("ns"), S("counter"));
        uint64_t rv, expect = o->rv;
        int code = put(t, NULL, CACHE_UPDATE, "counter", value_of(o) + 1, expect, &rv);
        object_unref(o);
        if (code == 0)
            return;
        check(code == ERR_CONFLICT);
    }
}

static void write_much(void *arg) {
    struct threads *t = arg;
    static atomic_uint names;
    char name[32];
    uint64_t rv, read;
    (void)snprintf(name, sizeof name, "own-%u", atomic_fetch_add(&names, 1));
    for (unsigned i = 0; i < ROUNDS; i++) {
        count(t);
        check(put(t, t->loops[i % LOOPS], CACHE_CREATE, name, i, 0, &rv) == 0);
        struct object *o = cache_get(t->resource, S("ns"), str_from(name));
        check(o && o->rv == rv && value_of(o) == i);
        object_unref(o);
        check(put(t, NULL, CACHE_DELETE, name, i, rv, &read) == 0);
        check(read > rv && !cache_get(t->resource, S("ns"), str_from(name)));
    }
}

static void read_much(void *arg) {
    struct threads *t = arg;
    uint64_t last = 0;
    while (!atomic_load(&t->writers_done)) {
        struct cache_snapshot s;
        struct cow_iter it;
        uint64_t before = cache_revision(t->cache);
        cache_snapshot(t->resource, &s);
        check(s.revision >= last && s.revision >= before);
        last = s.revision;
        cow_foreach (item, &it, cow_all(&it, &s.tree)) {
            const struct object *o = item->value;
            check(o->rv <= s.revision && object_form(o, FORM_JSON).n && object_form(o, FORM_PROTO).n);
        }
        cache_snapshot_fini(&s);
    }
}

/* -- watchers -- */

/* A change of the counter must follow the one seen before: none is lost, none comes twice. */
static void look(struct watching *w, const struct cache_event *e) {
    check(e->revision > w->last && e->object->rv == e->revision);
    w->last = e->revision;
    w->seen++;
    if (!str_eq(e->object->meta->name, S("counter")))
        return;
    check((e->type == CACHE_ADDED) == (w->counter_rv == 0));
    check(e->type == CACHE_ADDED || e->previous->rv == w->counter_rv);
    w->counter_rv = e->revision;
}

static void on_wake(struct cache_watcher *watcher) {
    struct watching *w = (struct watching *)watcher;
    struct cache_event events[7];
    uint64_t revision;
    int n;
    while ((n = cache_next(watcher, events, 7, &revision)) > 0)
        for (int i = 0; i < n; i++) {
            look(w, &events[i]);
            cache_event_fini(&events[i]);
        }
    check(n == 0 && revision >= w->last);
}

struct on_loop {
    struct threads *t;
    int loop;
    void (*run)(struct threads *t, int loop);
    struct waiter waiter;
};

static void on_loop_run(void *arg) {
    struct on_loop *o = arg;
    o->run(o->t, o->loop);
    waiter_finish(&o->waiter, 0, 0);
}

static void on_each_loop(struct threads *t, void (*run)(struct threads *t, int loop)) {
    for (int i = 0; i < LOOPS; i++) {
        struct on_loop o = {.t = t, .loop = i, .run = run};
        waiter_init(&o.waiter);
        check(loop_call(t->loops[i], on_loop_run, &o) == 0);
        waiter_wait(&o.waiter);
    }
}

static void start_watchers(struct threads *t, int loop) {
    for (int i = 0; i < WATCHERS; i++) {
        struct watching *w = &t->watching[loop][i];
        w->watcher.loop = t->loops[loop];
        w->watcher.wake = on_wake;
        w->watcher.ns = i % 2 ? S("ns") : S("");
        check(cache_watch(t->resource, &w->watcher, 0, NULL) == 0);
    }
}

static void end_watchers(struct threads *t, int loop) {
    for (int i = 0; i < WATCHERS; i++) {
        struct watching *w = &t->watching[loop][i];
        on_wake(&w->watcher);
        check(w->seen == atomic_load(&t->writes));
        cache_unwatch(&w->watcher);
    }
}

TEST(test_cache_threads__no_write_is_lost_and_no_event) {
    static struct threads t;
    struct err err = ERR_INIT;
    struct store *store = store_memory_new(false);
    struct thread writers[WRITERS], readers[READERS];
    uint64_t rv;
    assert_ok(cache_open(store, &t.cache, &err), &err);
    t.resource = cache_of(t.cache, config_map());
    for (int i = 0; i < LOOPS; i++)
        assert_ok(loop_start(&(struct loop_options){.name = "watch"}, &t.loops[i], &err), &err);
    on_each_loop(&t, start_watchers);
    assert_int_equal(put(&t, NULL, CACHE_CREATE, "counter", 0, 0, &rv), 0);
    for (int i = 0; i < WRITERS; i++)
        assert_ok(thread_start(&writers[i], &(struct thread_options){.name = "writer"}, write_much, &t, &err),
                  &err);
    for (int i = 0; i < READERS; i++)
        assert_ok(thread_start(&readers[i], &(struct thread_options){.name = "reader"}, read_much, &t, &err),
                  &err);
    for (int i = 0; i < WRITERS; i++)
        thread_join(&writers[i]);
    atomic_store(&t.writers_done, true);
    for (int i = 0; i < READERS; i++)
        thread_join(&readers[i]);
    struct object *o = cache_get(t.resource, S("ns"), S("counter"));
    assert_int_equal(value_of(o), WRITERS * ROUNDS);
    object_unref(o);
    assert_int_equal(t.writes, 1 + WRITERS * ROUNDS * 3);
    on_each_loop(&t, end_watchers);
    for (int i = 0; i < LOOPS; i++)
        loop_stop(t.loops[i]);
    cache_close(t.cache);
    store_close(store);
}
