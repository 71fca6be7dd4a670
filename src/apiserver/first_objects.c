/* Making the first objects: one batch of writes, waited for. See first_objects.h. */
#include "apiserver/first_objects_priv.h"

#include "api/default.h"
#include "api/types/meta.h"
#include "apiserver/cache.h"
#include "apiserver/server_priv.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/timefmt.h"

struct object *first_find(struct apiserver *s, const struct kind *k, struct str ns, struct str name) {
    return cache_get(cache_of(s->cache, k), ns, name);
}

static void finish_one(struct first_batch *b) {
    if (atomic_fetch_sub(&b->pending, 1) == 1)
        waiter_signal(&b->done);
}

static void fail(struct first_batch *b, const struct err *err) {
    _cleanup_unlock struct mutex *held = mutex_hold(&b->lock);
    if (!b->err.code)
        b->err = *err;
}

/* Somebody else may have been faster. */
static void on_written(void *arg, int code, const struct object *object, const struct err *err) {
    struct first_batch *b = arg;
    (void)object;
    if (code < 0 && code != ERR_EXISTS && code != ERR_CONFLICT)
        fail(b, err);
    finish_one(b);
}

static void fill_new(struct apiserver *s, struct meta_object_meta *m, struct arena *arena) {
    char uid[RAND_UUID_SIZE];
    rand_uuid(s->rand, uid);
    m->uid = arena_str(arena, str_from(uid));
    m->creation_timestamp = (struct timestamp){.sec = clock_wall_sec(s->clock), .set = true};
}

void first_write(struct first_batch *b, const struct kind *k, void *body, struct arena *arena,
                 const struct object *old) {
    struct apiserver *s = b->server;
    struct meta_object_meta *m = object_meta_in(k, body);
    struct meta_type_meta *t = body;
    struct err err = ERR_INIT;
    t->kind = k->name;
    t->api_version = k->api_version;
    api_default(arena, k->set, k->type, body, s->clock);
    if (!old)
        fill_new(s, m, arena);
    struct cache_write w = {
        .op = old ? CACHE_UPDATE : CACHE_CREATE,
        .kind = k,
        .ns = m->namespace,
        .name = m->name,
        .body = body,
        .arena = arena,
        .expect_rv = old ? old->rv : 0,
        .done = on_written,
        .arg = b,
    };
    atomic_fetch_add(&b->pending, 1);
    if (cache_submit(s->cache, &w, &err) < 0) {
        fail(b, &err);
        finish_one(b);
    }
}

static void batch_init(struct first_batch *b, struct apiserver *s) {
    *b = (struct first_batch){.server = s, .lock = MUTEX_INIT, .err = ERR_INIT};
    atomic_init(&b->pending, 1);
    waiter_init(&b->done, s->sim);
}

static int batch_wait(struct first_batch *b, struct err *err) {
    if (atomic_fetch_sub(&b->pending, 1) != 1)
        waiter_wait(&b->done);
    waiter_fini(&b->done);
    mutex_fini(&b->lock);
    if (b->err.code && err)
        *err = b->err;
    return b->err.code;
}

int first_objects_make(struct apiserver *s, const struct first_objects *o, struct err *err) {
    struct first_batch b;
    batch_init(&b, s);
    first_static(&b);
    first_roles(&b);
    first_kubernetes(&b, o);
    first_endpoints(&b, o);
    return batch_wait(&b, err);
}

int first_objects_keep_endpoints(struct apiserver *s, const struct first_objects *o, struct err *err) {
    struct first_batch b;
    batch_init(&b, s);
    first_endpoints(&b, o);
    return batch_wait(&b, err);
}
