/* Old events. See event_expiry.h. */
#include "apiserver/event_expiry.h"

#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/cache.h"
#include "apiserver/server_priv.h"
#include "base/clock.h"

static void later(int64_t *last, struct timestamp t) {
    if (t.set && t.sec > *last)
        *last = t.sec;
}

static int64_t last_seen(const struct core_event *e) {
    int64_t last = INT64_MIN;
    later(&last, e->metadata.creation_timestamp);
    later(&last, e->last_timestamp);
    later(&last, e->event_time);
    if (e->series)
        later(&last, e->series->last_observed_time);
    return last;
}

static void ignore_outcome(void *arg, int code, const struct object *object, const struct err *err) {
    (void)arg, (void)code, (void)object, (void)err; /* one that was seen again meanwhile stays */
}

static int expire(struct apiserver *server, const struct object *o) {
    return cache_submit(server->cache,
                        &(struct cache_write){
                            .op = CACHE_DELETE,
                            .kind = &kinds[KIND_CORE_EVENT],
                            .ns = o->meta->namespace,
                            .name = o->meta->name,
                            .expect_rv = o->rv,
                            .soft = true,
                            .done = ignore_outcome,
                        },
                        NULL);
}

/* A time ahead of ours does not keep an event: clocks of those who report differ. */
static bool is_old(const struct core_event *e, int64_t now, int64_t ttl_sec) {
    int64_t last = last_seen(e);
    if (last > now)
        last = e->metadata.creation_timestamp.set ? e->metadata.creation_timestamp.sec : now;
    return now - last > ttl_sec;
}

unsigned event_expiry_run(struct apiserver *server, int64_t ttl_sec) {
    struct cache_snapshot s;
    int64_t now = clock_wall_sec(server->clock);
    unsigned n = 0;
    cache_snapshot(cache_of(server->cache, &kinds[KIND_CORE_EVENT]), &s);
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &s.tree)) {
        const struct object *o = item->value;
        if (!is_old(o->body, now, ttl_sec))
            continue;
        if (expire(server, o) < 0)
            break;
        n++;
    }
    cache_snapshot_fini(&s);
    return n;
}
