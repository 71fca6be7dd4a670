/* See cache_world.h. */
#include "cache_world.h"

#include <stdio.h>

#include "api/json.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/loop.h"
#include "unit/unit.h"

void cache_world_init(struct cache_world *w) {
    struct err err = ERR_INIT;
    *w = (struct cache_world){.sim = sim_new(unit_seed(), 0), .store = store_memory_new(true)};
    w->loop = sim_loop_new(w->sim, "one");
    w->other = sim_loop_new(w->sim, "two");
    assert_ok(cache_open(w->store, &w->cache, &err), &err);
}

void cache_world_fini(struct cache_world *w) {
    sim_settle(w->sim);
    cache_close(w->cache);
    store_close(w->store);
    loop_free(w->loop);
    loop_free(w->other);
    sim_free(w->sim);
}

void cache_world_reopen(struct cache_world *w) {
    struct err err = ERR_INIT;
    sim_settle(w->sim);
    cache_close(w->cache);
    w->cache = NULL;
    assert_ok(cache_open(w->store, &w->cache, &err), &err);
}

static void on_done(void *arg, int code, const struct object *object, const struct err *err) {
    struct outcome *o = arg;
    (void)err;
    o->code = code;
    o->rv = object ? object->rv : 0;
    o->calls++;
}

static struct outcome submit(struct cache_world *w, const struct cache_write *like) {
    struct outcome o = {0};
    struct err err = ERR_INIT;
    struct cache_write cw = *like;
    cw.done = on_done;
    cw.arg = &o;
    int r = cache_submit(w->cache, &cw, &err);
    if (r < 0)
        o.code = r;
    else
        assert_int_equal(o.calls, 1);
    return o;
}

struct outcome cache_world_put(struct cache_world *w, enum cache_op op, const struct kind *k, const char *ns,
                               const char *name, const char *json, uint64_t expect_rv) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    void *body = NULL;
    assert_ok(api_read_json(&a, k->set, k->type, str_from(json), NULL, &body, &err), &err);
    return submit(w, &(struct cache_write){
                         .op = op,
                         .kind = k,
                         .ns = str_from(ns),
                         .name = str_from(name),
                         .body = body,
                         .arena = &a,
                         .expect_rv = expect_rv,
                     });
}

struct outcome cache_world_put_config_map(struct cache_world *w, enum cache_op op, const char *ns,
                                          const char *name, const char *value, uint64_t expect_rv) {
    char json[1024];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\"},\"data\":{\"v\":\"%s\"}}", name, ns,
                   value);
    return cache_world_put(w, op, &kinds[KIND_CORE_CONFIG_MAP], ns, name, json, expect_rv);
}

struct outcome cache_world_put_pod(struct cache_world *w, enum cache_op op, const char *ns, const char *name,
                                   const char *node, uint64_t expect_rv) {
    char json[1024];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\"},\"spec\":{\"nodeName\":\"%s\","
                   "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
                   name, ns, node);
    return cache_world_put(w, op, &kinds[KIND_CORE_POD], ns, name, json, expect_rv);
}

struct outcome cache_world_delete(struct cache_world *w, const struct kind *k, const char *ns,
                                  const char *name, uint64_t expect_rv) {
    return submit(w, &(struct cache_write){
                         .op = CACHE_DELETE,
                         .kind = k,
                         .ns = str_from(ns),
                         .name = str_from(name),
                         .expect_rv = expect_rv,
                     });
}

struct cached *cache_world_config_maps(struct cache_world *w) {
    return cache_of(w->cache, &kinds[KIND_CORE_CONFIG_MAP]);
}

struct cached *cache_world_pods(struct cache_world *w) {
    return cache_of(w->cache, &kinds[KIND_CORE_POD]);
}

/* -- recorders -- */

static void write_down(struct recorder *r, const struct cache_event *e) {
    const struct object *o = e->object;
    struct str value = S("");
    if (o->kind->index == KIND_CORE_CONFIG_MAP)
        value = str_map_get(((const struct core_config_map *)o->body)->data, S("v"));
    else
        value = ((const struct core_pod *)o->body)->spec.node_name;
    check(e->revision == o->rv);
    check((e->type == CACHE_ADDED) == (e->previous == NULL));
    int n = snprintf(r->log + r->n, sizeof r->log - r->n, "%s%c%.*s/%.*s@%llu=%.*s", r->n ? " " : "",
                     "+~-"[e->type], STR_ARG(o->meta->namespace), STR_ARG(o->meta->name),
                     (unsigned long long)o -> rv, STR_ARG(value));
    check(n > 0 && (size_t)n < sizeof r->log - r->n);
    r->n += (size_t)n;
}

void recorder_read(struct recorder *r) {
    struct cache_event events[16];
    int n;
    while ((n = cache_next(&r->watcher, events, r->batch ? r->batch : 16, &r->revision)) > 0)
        for (int i = 0; i < n; i++) {
            write_down(r, &events[i]);
            cache_event_fini(&events[i]);
        }
    r->code = n;
}

static void on_wake(struct cache_watcher *w) {
    struct recorder *r = (struct recorder *)w; /* the first member */
    r->wakes++;
    recorder_read(r);
}

int recorder_start(struct recorder *r, struct cached *resource, struct loop *loop, const char *ns,
                   const char *node, uint64_t revision) {
    unsigned batch = r->batch;
    *r = (struct recorder){.batch = batch};
    r->watcher.loop = loop;
    r->watcher.wake = on_wake;
    r->watcher.ns = str_from(ns ? ns : "");
    r->watcher.node = str_from(node ? node : "");
    return cache_watch(resource, &r->watcher, revision, NULL);
}

const char *recorder_take(struct recorder *r) {
    static char taken[sizeof r->log];
    memcpy(taken, r->log, r->n);
    taken[r->n] = 0;
    r->n = 0;
    return taken;
}
