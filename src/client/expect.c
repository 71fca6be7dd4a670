/* Expectations of controllers. See expect.h. */
#include "client/expect.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/timefmt.h"
#include "client/reconciler.h"

#define EXPECT_MOST_NS (5 * NS_PER_MIN)

struct expected {
    uint32_t creations;
    struct map deletions; /* uids */
    int64_t since_ns;
};

struct expectations {
    struct clock *clock;
    struct mutex lock;
    struct map keys; /* key → struct expected */
};

struct expectations *expectations_new(struct clock *clock) {
    struct expectations *x = calloc(1, sizeof *x);
    if (!x)
        panic("out of memory");
    x->clock = clock;
    x->keys = (struct map)MAP_INIT_OWNING;
    mutex_init(&x->lock);
    return x;
}

static void free_expected(struct expected *e) {
    if (e)
        map_fini(&e->deletions);
    free(e);
}

void expectations_free(struct expectations *x) {
    if (!x)
        return;
    map_foreach(e, &x->keys) free_expected(e->value);
    map_fini(&x->keys);
    mutex_fini(&x->lock);
    free(x);
}

static struct expected *raise_(struct expectations *x, struct str key) {
    struct expected *e = map_get(&x->keys, key);
    if (!e) {
        e = calloc(1, sizeof *e);
        if (!e)
            panic("out of memory");
        e->deletions = (struct map)MAP_INIT_OWNING;
        (void)map_put(&x->keys, key, e);
    }
    e->since_ns = clock_mono_ns(x->clock);
    return e;
}

void expect_creations(struct expectations *x, struct str key, uint32_t n) {
    _cleanup_unlock struct mutex *held = mutex_hold(&x->lock);
    raise_(x, key)->creations = n;
}

void expect_deletions(struct expectations *x, struct str key, const struct str *uids, uint32_t n) {
    _cleanup_unlock struct mutex *held = mutex_hold(&x->lock);
    struct expected *e = raise_(x, key);
    map_clear(&e->deletions);
    for (uint32_t i = 0; i < n; i++)
        map_put_u64(&e->deletions, uids[i], 1);
}

void expect_creation_seen(struct expectations *x, struct str key) {
    _cleanup_unlock struct mutex *held = mutex_hold(&x->lock);
    struct expected *e = map_get(&x->keys, key);
    if (e && e->creations > 0)
        e->creations--;
}

void expect_deletion_seen(struct expectations *x, struct str key, struct str uid) {
    _cleanup_unlock struct mutex *held = mutex_hold(&x->lock);
    struct expected *e = map_get(&x->keys, key);
    if (e)
        (void)map_remove(&e->deletions, uid);
}

/* How long it may still be awaited; <= 0: it is met. */
static int64_t left_ns(struct expectations *x, struct str key) {
    _cleanup_unlock struct mutex *held = mutex_hold(&x->lock);
    const struct expected *e = map_get(&x->keys, key);
    if (!e || (e->creations == 0 && map_count(&e->deletions) == 0))
        return 0;
    return e->since_ns + EXPECT_MOST_NS + 1 - clock_mono_ns(x->clock);
}

bool expectations_met(struct expectations *x, struct str key) {
    return left_ns(x, key) <= 0;
}

bool expectations_met_in(struct expectations *x, struct str key, struct reconcile *r) {
    int64_t left = left_ns(x, key);
    if (left <= 0)
        return true;
    if (!r->at_latest_ns || left < r->at_latest_ns)
        r->at_latest_ns = left;
    return false;
}

void expectations_forget(struct expectations *x, struct str key) {
    _cleanup_unlock struct mutex *held = mutex_hold(&x->lock);
    free_expected(map_take(&x->keys, key));
}
