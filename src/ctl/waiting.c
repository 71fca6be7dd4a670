/* Waiting for objects. See delete.h. */
#include "base/clock.h"
#include "base/timefmt.h"
#include "ctl/delete.h"
#include "ctl/object.h"

#define RETRY_NS (200 * NS_PER_MS)

struct look {
    struct ctl *c;
    const struct resource *resource;
    struct str ns, name;
    int64_t until_ns; /* monotonic; INT64_MAX: for ever */
    int (*found)(void *arg, const struct jval *object, struct problem *p);
    void *arg;
};

static int64_t left_ms(const struct look *l) {
    if (l->until_ns == INT64_MAX)
        return -1;
    int64_t left = l->until_ns - clock_mono_ns(clock_system());
    return left > 0 ? (left + NS_PER_MS - 1) / NS_PER_MS : 0;
}

/* As it is now: what found says. */
static int look_now(struct look *l, struct str *ret_version, struct problem *p) {
    struct jval object;
    *ret_version = S("");
    if (object_get(l->c, l->resource, l->ns, l->name, &object, p)) {
        if (!problem_not_found(p))
            return CTL_PROBLEM;
        return l->found(l->arg, NULL, p);
    }
    *ret_version = object_str(&object, "metadata.resourceVersion");
    return l->found(l->arg, &object, p);
}

/* Follows it until found says so, time is up or the watch ends. */
static int follow(struct look *l, struct str version, struct problem *p) {
    struct ctl *c = l->c;
    struct jval object;
    struct str type;
    _cleanup_watch struct watch *w = NULL;
    _cleanup_arena struct arena event = ARENA_INIT;
    struct watch_options o = {
        .field_selector = arena_printf(&c->arena, "metadata.name=%.*s", STR_ARG(l->name)),
        .resource_version = version,
    };
    if (watch_open(c, l->resource, l->ns, &o, &w, p))
        return CTL_PROBLEM;
    for (;;) {
        arena_reset(&event);
        int64_t ms = left_ms(l);
        if (watch_next(w, &event, ms, &type, &object, p))
            return p->http_code == 410 ? 0 : CTL_PROBLEM; /* too old: look again */
        if (!type.p || !type.n)
            return 0;
        int rc = l->found(l->arg, str_eq(type, S("DELETED")) ? NULL : &object, p);
        if (rc)
            return rc;
    }
}

int wait_until(struct ctl *c, const struct resource *r, struct str ns, struct str name, int64_t timeout_ns,
               int (*found)(void *arg, const struct jval *object, struct problem *p), void *arg,
               bool *ret_met, struct problem *p) {
    struct look l = {c, r, ns, name, INT64_MAX, found, arg};
    struct str version;
    if (timeout_ns >= 0)
        l.until_ns = clock_mono_ns(clock_system()) + timeout_ns;
    *ret_met = false;
    for (;;) {
        int rc = look_now(&l, &version, p);
        if (rc == 0 && left_ms(&l) != 0 && resource_can(r, "watch") && version.n)
            rc = follow(&l, version, p);
        if (rc < 0)
            return CTL_PROBLEM;
        *ret_met = rc > 0;
        if (rc > 0 || left_ms(&l) == 0)
            return 0;
        if (!version.n)
            clock_sleep_ns(clock_system(), RETRY_NS);
    }
}

static int is_gone(void *arg, const struct jval *object, struct problem *p) {
    const struct str *uid = arg;
    (void)p;
    return !object || (uid->n && !str_eq(object_str(object, "metadata.uid"), *uid));
}

int wait_gone(struct ctl *c, const struct resource *r, struct str ns, struct str name, struct str uid,
              int64_t timeout_ns, bool *ret_gone, struct problem *p) {
    return wait_until(c, r, ns, name, timeout_ns, is_gone, &uid, ret_gone, p);
}
