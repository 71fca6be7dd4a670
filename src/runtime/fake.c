/* A container runtime in memory. See fake.h. */
#include "runtime/fake.h"

#include <stdlib.h>

#include "api/schema.h"
#include "api/types/ids.h"
#include "runtime/fake_priv.h"

#define NS_PER_S INT64_C(1000000000)
#define RUNNING 1

static struct fake_runtime *fake_of(struct runtime *r) {
    return (struct fake_runtime *)((char *)r - offsetof(struct fake_runtime, runtime));
}

/* --- events --- */

/* Tells the watchers what has gathered. Called without the lock. */
static void tell_events(struct fake_runtime *f) {
    mutex_lock(&f->lock);
    __typeof__(f->events) events = f->events;
    memset(&f->events, 0, sizeof f->events);
    mutex_unlock(&f->lock);
    mutex_lock(&f->watch_lock); /* who stops a watch waits until it was told */
    vec_foreach (e, &events) {
        struct cri_container_event_response told = {
            .container_id = e->id, .container_event_type = e->type, .created_at = clock_wall_ns(f->clock)};
        for (struct runtime_watch *w = f->watches; w; w = w->next)
            if (!w->ended)
                w->o.on_event(w->o.arg, &told);
    }
    mutex_unlock(&f->watch_lock);
    vec_fini(&events);
}

static int fake_watch_start(struct runtime *r, const struct runtime_watch_options *options,
                            struct runtime_watch **ret, struct err *err) {
    (void)err;
    struct fake_runtime *f = fake_of(r);
    struct runtime_watch *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    w->o = *options;
    mutex_lock(&f->lock);
    w->ended = f->no_events;
    mutex_unlock(&f->lock);
    mutex_lock(&f->watch_lock);
    w->next = f->watches;
    f->watches = w;
    mutex_unlock(&f->watch_lock);
    *ret = w;
    struct err why = ERR_INIT;
    if (w->ended)
        w->o.on_end(w->o.arg, err_set(&why, ERR_UNSUPPORTED, "unknown method GetContainerEvents"), &why);
    return 0;
}

static void fake_watch_stop(struct runtime *r, struct runtime_watch *w) {
    struct fake_runtime *f = fake_of(r);
    mutex_lock(&f->watch_lock);
    struct runtime_watch **at = &f->watches;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    mutex_unlock(&f->watch_lock);
    struct err why = ERR_INIT;
    if (!w->ended)
        w->o.on_end(w->o.arg, err_set(&why, ERR_CANCELLED, "cancelled"), &why);
    free(w);
}

/* --- calls --- */

/* How long the call takes on the clock, 0 mostly. */
static int64_t time_of(struct fake_runtime *f, enum runtime_method method, const void *in) {
    int64_t ns = f->delays[method];
    if (method != RUNTIME_STOP_CONTAINER || !f->ignores_term)
        return ns;
    const struct cri_stop_container_request *q = in;
    const struct fake_container *c = fake_find_container(f, q->container_id);
    return c && c->state == RUNNING && q->timeout > 0 ? ns + q->timeout * NS_PER_S : ns;
}

/* A container that ignores its signal ends the wait when it ends for another reason. */
static bool waits_on(struct fake_runtime *f, enum runtime_method method, const void *in) {
    if (method != RUNTIME_STOP_CONTAINER || !f->ignores_term)
        return true;
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    const struct fake_container *c =
        fake_find_container(f, ((const struct cri_stop_container_request *)in)->container_id);
    return c && c->state == RUNNING;
}

static void sleep_through(struct fake_runtime *f, enum runtime_method method, const void *in, int64_t ns) {
    int64_t step = method == RUNTIME_STOP_CONTAINER && f->ignores_term ? NS_PER_S / 20 : ns;
    for (int64_t left = ns; left > 0 && waits_on(f, method, in); left -= step)
        clock_sleep_ns(f->clock, left < step ? left : step);
}

static int do_call(struct fake_runtime *f, enum runtime_method method, const struct runtime_call *call,
                   const void *in, const void **ret_out, struct err *err) {
    struct fake_fault *fault = &f->faults[method];
    bool fails = fault->times > 0;
    if (fails)
        fault->times--;
    if (fails && !fault->after)
        return err_set(err, fault->code, "%s", fault->message);
    fake_settle(f);
    const struct runtime_method_info *m = &runtime_methods[method];
    if (!fake_methods[method])
        return err_set(err, ERR_UNSUPPORTED, "unknown method %s", m->name);
    void *out = arena_alloc(call->arena, builtin.types[m->out_type].size);
    int rc = fake_methods[method](f, call->arena, in, out, err);
    if (rc == 0 && fails)
        rc = err_set(err, fault->code, "%s", fault->message);
    if (rc == 0)
        *ret_out = out;
    return rc;
}

static int fake_call(struct runtime *r, enum runtime_method method, const struct runtime_call *call,
                     const void *in, const void **ret_out, struct err *err) {
    struct fake_runtime *f = fake_of(r);
    int64_t limit = (call->timeout_ms ? call->timeout_ms : RUNTIME_TIMEOUT_MS) * 1000000;
    mutex_lock(&f->lock);
    f->calls[method]++;
    int64_t takes = time_of(f, method, in);
    mutex_unlock(&f->lock);
    sleep_through(f, method, in, takes < limit ? takes : limit);
    if (takes > limit)
        return err_set(err, ERR_TIMEOUT, "%s: no answer in time", runtime_methods[method].name);
    mutex_lock(&f->lock);
    int rc = do_call(f, method, call, in, ret_out, err);
    mutex_unlock(&f->lock);
    tell_events(f);
    return rc;
}

/* --- beginning and end --- */

static void fake_free(struct runtime *r) {
    struct fake_runtime *f = fake_of(r);
    check(!f->watches);
    vec_foreach (s, &f->sandboxes) {
        arena_fini(&(*s)->arena);
        free(*s);
    }
    vec_foreach (c, &f->containers) {
        arena_fini(&(*c)->arena);
        free(*c);
    }
    vec_foreach (i, &f->images) {
        arena_fini(&(*i)->arena);
        free(*i);
    }
    vec_fini(&f->sandboxes);
    vec_fini(&f->containers);
    vec_fini(&f->images);
    vec_fini(&f->answers);
    vec_fini(&f->conditions);
    vec_fini(&f->events);
    buf_fini(&f->journal);
    arena_fini(&f->arena);
    mutex_fini(&f->watch_lock);
    mutex_fini(&f->lock);
    free(f);
}

static const struct runtime_ops fake_ops = {
    .call = fake_call, .watch_start = fake_watch_start, .watch_stop = fake_watch_stop, .free = fake_free};

struct fake_runtime *fake_runtime_new(struct clock *clock) {
    struct fake_runtime *f = calloc(1, sizeof *f);
    if (!f)
        panic("out of memory");
    f->runtime.ops = &fake_ops;
    f->clock = clock;
    mutex_init(&f->lock);
    mutex_init(&f->watch_lock);
    fake_condition(f, "RuntimeReady", true, "");
    fake_condition(f, "NetworkReady", true, "");
    return f;
}

struct runtime *fake_runtime(struct fake_runtime *f) {
    return &f->runtime;
}

/* --- what the test does --- */

void fake_image(struct fake_runtime *f, const struct fake_image *image) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    struct fake_known *k = fake_find_image(f, image->name);
    if (!k) {
        k = calloc(1, sizeof *k);
        if (!k)
            panic("out of memory");
        vec_push(&f->images, k);
    }
    k->image = *image;
    k->image.name = arena_str(&k->arena, image->name);
    k->image.user = arena_str(&k->arena, image->user);
}

void fake_exit(struct fake_runtime *f, struct str container, int32_t code, const char *reason) {
    mutex_lock(&f->lock);
    struct fake_container *c = fake_find_container(f, container);
    check(c);
    fake_end_container(f, c, code, reason);
    mutex_unlock(&f->lock);
    tell_events(f);
}

void fake_sandbox_die(struct fake_runtime *f, struct str sandbox) {
    mutex_lock(&f->lock);
    struct fake_sandbox *s = fake_find_sandbox(f, sandbox);
    check(s);
    s->state = 1;
    vec_foreach (c, &f->containers)
        if (str_eq((*c)->sandbox, sandbox))
            fake_end_container(f, *c, 137, "Error");
    mutex_unlock(&f->lock);
    tell_events(f);
}

void fake_exec(struct fake_runtime *f, const char *command, int32_t code, const char *output) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    struct fake_answer answer = {.command = arena_str(&f->arena, str_from(command)),
                                 .output = arena_str(&f->arena, str_from(output ? output : "")),
                                 .code = code};
    vec_push(&f->answers, answer); /* the last one counts */
}

void fake_ignore_term(struct fake_runtime *f, bool ignore) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    f->ignores_term = ignore;
}

void fake_fail(struct fake_runtime *f, enum runtime_method method, unsigned times, int code,
               const char *message, bool after) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    f->faults[method] = (struct fake_fault){times, code, arena_strz(&f->arena, str_from(message)), after};
}

void fake_delay(struct fake_runtime *f, enum runtime_method method, int64_t ns) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    f->delays[method] = ns;
}

void fake_condition(struct fake_runtime *f, const char *type, bool status, const char *reason) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    struct cri_runtime_condition c = {.type = arena_str(&f->arena, str_from(type)),
                                      .status = status,
                                      .reason = arena_str(&f->arena, str_from(reason))};
    vec_foreach (at, &f->conditions)
        if (str_eq(at->type, c.type)) {
            *at = c;
            return;
        }
    vec_push(&f->conditions, c);
}

void fake_events(struct fake_runtime *f, bool supported) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    f->no_events = !supported;
}

unsigned fake_runtime_calls(struct fake_runtime *f, enum runtime_method method) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    return f->calls[method];
}

struct str fake_journal(struct fake_runtime *f, struct arena *a) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    struct str s = buf_to_arena(&f->journal, a);
    buf_clear(&f->journal);
    return s;
}

unsigned fake_running(struct fake_runtime *f) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    unsigned n = 0;
    fake_settle(f);
    vec_foreach (c, &f->containers)
        n += (*c)->state == RUNNING;
    return n;
}

unsigned fake_ready(struct fake_runtime *f) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    unsigned n = 0;
    vec_foreach (s, &f->sandboxes)
        n += (*s)->state == 0;
    return n;
}

const struct cri_container_config *fake_container_config(struct fake_runtime *f, struct str id) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    const struct fake_container *c = fake_find_container(f, id);
    return c ? c->config : NULL;
}

const struct cri_pod_sandbox_config *fake_sandbox_config(struct fake_runtime *f, struct str id) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    const struct fake_sandbox *s = fake_find_sandbox(f, id);
    return s ? s->config : NULL;
}
