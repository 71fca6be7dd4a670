/* Delays by key. */
#include "kubelet/backoff.h"

#include <stdlib.h>

#include "base/err.h"

struct entry {
    int64_t delay_ns, last_ns;
};

void backoffs_init(struct backoffs *b, int64_t min_ns, int64_t max_ns) {
    *b = (struct backoffs){.map = MAP_INIT_OWNING, .min_ns = min_ns, .max_ns = max_ns};
    mutex_init(&b->lock);
}

void backoffs_fini(struct backoffs *b) {
    map_foreach(e, &b->map) free(e->value);
    map_fini(&b->map);
    mutex_fini(&b->lock);
}

static bool expired(const struct backoffs *b, const struct entry *e, int64_t at_ns) {
    return at_ns - e->last_ns > 2 * b->max_ns;
}

int64_t backoff_remaining(struct backoffs *b, struct str key, int64_t event_ns, int64_t now_ns) {
    _cleanup_unlock struct mutex *held = mutex_hold(&b->lock);
    const struct entry *e = map_get(&b->map, key);
    if (!e || expired(b, e, event_ns))
        return 0;
    int64_t left = event_ns + e->delay_ns - now_ns;
    return left > 0 ? left : 0;
}

int64_t backoff_remaining_since_try(struct backoffs *b, struct str key, int64_t now_ns) {
    _cleanup_unlock struct mutex *held = mutex_hold(&b->lock);
    const struct entry *e = map_get(&b->map, key);
    int64_t left = e ? e->last_ns + e->delay_ns - now_ns : 0;
    return left > 0 ? left : 0;
}

int64_t backoff_delay(struct backoffs *b, struct str key) {
    _cleanup_unlock struct mutex *held = mutex_hold(&b->lock);
    const struct entry *e = map_get(&b->map, key);
    return e ? e->delay_ns : 0;
}

void backoff_next(struct backoffs *b, struct str key, int64_t event_ns, int64_t now_ns) {
    _cleanup_unlock struct mutex *held = mutex_hold(&b->lock);
    struct entry *e = map_get(&b->map, key);
    if (!e) {
        e = calloc(1, sizeof *e);
        if (!e)
            panic("out of memory");
        map_put(&b->map, key, e);
    }
    bool fresh = e->delay_ns == 0 || expired(b, e, event_ns);
    e->delay_ns = fresh ? b->min_ns : e->delay_ns * 2 < b->max_ns ? e->delay_ns * 2 : b->max_ns;
    e->last_ns = now_ns;
}

void backoff_forget(struct backoffs *b, struct str key) {
    _cleanup_unlock struct mutex *held = mutex_hold(&b->lock);
    free(map_take(&b->map, key));
}

void backoff_collect(struct backoffs *b, int64_t now_ns) {
    _cleanup_unlock struct mutex *held = mutex_hold(&b->lock);
    map_foreach_reverse(e, &b->map) if (expired(b, e->value, now_ns)) {
        free(e->value);
        map_remove_entry(&b->map, e);
    }
}
