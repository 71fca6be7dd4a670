/* Reconcilers: watching, running, starting and stopping. See reconciler.h, reconciler_priv.h.
 *
 * A slot is one submission to the shared pool. It runs one key and submits itself again when more wait, so
 * that reconcilers take turns. Locks, outermost first: an informer's notes, the reconciler's, the pool's.
 */
#include "client/reconciler.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/meta.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "client/reconciler_priv.h"

#define RETRY_MIN_NS (5 * NS_PER_MS)
#define RETRY_MAX_NS (1000 * NS_PER_SEC)
#define POOL_FULL_NS (10 * NS_PER_MS) /* until the pool is asked again */
#define METRICS_NS (500 * NS_PER_MS)

/* -- running; the lock is held where a comment does not say otherwise -- */

static void dispatch(struct reconciler *rc) {
    while (rc->started && !rc->stopping && rc->n_queued > rc->n_busy_slots - rc->n_running &&
           rc->free_slots) {
        struct slot *s = rc->free_slots;
        int r = workers_submit(rc->options.workers, &s->work);
        if (r == ERR_AGAIN && !rc->pool_full) {
            rc->pool_full = true;
            reconciler_arm(rc);
        }
        if (r)
            return;
        rc->free_slots = s->next;
        rc->n_busy_slots++;
    }
}

/* The first failure of a key in a row, and then more and more rarely. */
static void log_failure(const struct reconciler *rc, const struct rkey *k, int code, const struct err *err) {
    unsigned n = k->failures + 1;
    if (code == ERR_CONFLICT || (n & (n - 1)) != 0)
        log_v(2, "reconcile failed", kv("controller", rc->name), kv("key", k->key), kv("err", err));
    else
        log_error("reconcile failed", kv("controller", rc->name), kv("key", k->key), kv("failures", n),
                  kv("err", err));
}

/* Without the lock. *ret_writes: what it has written. */
static bool run_key(struct reconciler *rc, const struct rkey *k, struct writes **ret_writes,
                    int64_t *ret_requeue_ns) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct reconcile r = {
        .client = rc->options.client,
        .writer = *ret_writes ? writes_client(*ret_writes) : NULL,
        .events = rc->options.events,
        .clock = client_clock(rc->options.client),
        .rand = client_rand(rc->options.client),
        .arena = &a,
        .arg = rc->options.arg,
        .failures = k->failures,
    };
    world_init(&r.world, rc->informers, rc->n_watches, &a);
    int code = rc->options.reconcile(&r, k->key, &err);
    world_fini(&r.world);
    *ret_requeue_ns = r.requeue_after_ns;
    if (r.at_latest_ns > 0 && (r.requeue_after_ns <= 0 || r.at_latest_ns < r.requeue_after_ns))
        *ret_requeue_ns = r.at_latest_ns;
    if (code == 0)
        return true;
    log_failure(rc, k, code, &err);
    return false;
}

/* Asks what became of writes without an answer; then it is the queue's again. */
static void settle_key(struct slot *s, struct rkey *k) {
    struct reconciler *rc = s->rc;
    struct err err = ERR_INIT;
    mutex_unlock(&rc->lock);
    int code = writes_settle(k->writes, &err);
    if (code)
        log_failure(rc, k, code, &err);
    mutex_lock(&rc->lock);
    if (code)
        queue_done(rc, k, true, 0);
    else
        queue_put_back(rc, k);
}

/* The lock is held, but not meanwhile. */
static void run_in(struct slot *s, struct rkey *k) {
    struct reconciler *rc = s->rc;
    int64_t requeue_ns = 0;
    s->runs = k;
    if (k->writes) {
        settle_key(s, k);
        s->runs = NULL;
        return;
    }
    mutex_unlock(&rc->lock);
    struct client *inner = rc->options.writer;
    struct writes *writes = inner ? writes_new(inner, rc->informers, rc->n_watches) : NULL;
    bool done = run_key(rc, k, &writes, &requeue_ns);
    mutex_lock(&rc->lock);
    s->runs = NULL;
    queue_await(rc, k, writes);
    queue_done(rc, k, !done, requeue_ns);
}

/* Without the lock. */
static void on_slot(struct work *w) {
    struct slot *s = (struct slot *)w;
    struct reconciler *rc = s->rc;
    mutex_lock(&rc->lock);
    struct rkey *k = rc->stopping ? NULL : queue_take(rc);
    if (k)
        run_in(s, k);
    rc->n_busy_slots--;
    s->next = rc->free_slots;
    rc->free_slots = s;
    dispatch(rc);
    struct waiter *idle = rc->n_busy_slots == 0 ? rc->idle : NULL;
    mutex_unlock(&rc->lock);
    if (idle)
        waiter_signal(idle); /* the reconciler may be gone now */
}

void reconciler_enqueue(struct reconciler *rc, struct str key) {
    _cleanup_unlock struct mutex *held = mutex_hold(&rc->lock);
    if (rc->stopping)
        return;
    queue_add(rc, key);
    dispatch(rc);
}

void reconciler_enqueue_after(struct reconciler *rc, struct str key, int64_t after_ns) {
    _cleanup_unlock struct mutex *held = mutex_hold(&rc->lock);
    if (rc->stopping)
        return;
    queue_add_after(rc, key, after_ns);
    dispatch(rc);
}

/* -- the alarm -- */

void reconciler_arm(struct reconciler *rc) {
    if (rc->arming || rc->stopping)
        return;
    rc->arming = loop_post(rc->options.loop, &rc->arm) == 0;
}

/* On the loop, without the lock. */
static void ring(struct reconciler *rc) {
    _cleanup_unlock struct mutex *held = mutex_hold(&rc->lock);
    if (rc->stopping)
        return;
    rc->pool_full = false;
    int64_t due = queue_due(rc);
    dispatch(rc);
    int64_t now = clock_mono_ns(loop_clock(rc->options.loop));
    int64_t after = due == INT64_MAX ? INT64_MAX : due > now ? due - now : 0;
    if (rc->pool_full && after > POOL_FULL_NS)
        after = POOL_FULL_NS;
    if (rc->has_metrics) {
        queue_metrics_running(rc);
        if (rc->n_running && after > METRICS_NS)
            after = METRICS_NS;
    }
    if (after != INT64_MAX)
        loop_timer_start(rc->options.loop, &rc->alarm, after);
}

static void on_alarm(struct timer *t) {
    ring((struct reconciler *)((char *)t - offsetof(struct reconciler, alarm)));
}

static void on_arm(struct loop_msg *msg) {
    struct reconciler *rc = (struct reconciler *)((char *)msg - offsetof(struct reconciler, arm));
    mutex_lock(&rc->lock);
    rc->arming = false;
    mutex_unlock(&rc->lock);
    ring(rc);
}

/* -- watching -- */

static void one_synced(struct reconciler *rc) {
    if (atomic_fetch_sub(&rc->unsynced, 1) != 1)
        return;
    _cleanup_unlock struct mutex *held = mutex_hold(&rc->lock);
    rc->started = true;
    dispatch(rc);
}

static struct rwatch *watch_of(struct informer_listener *l) {
    return (struct rwatch *)((char *)l - offsetof(struct rwatch, listener));
}

static void look_again(struct reconciler *rc) {
    _cleanup_unlock struct mutex *held = mutex_hold(&rc->lock);
    if (rc->stopping || !rc->awaiting.n)
        return;
    queue_look_again(rc);
    dispatch(rc);
}

static void on_event(struct informer_listener *l, const struct informer_event *e) {
    struct rwatch *w = watch_of(l);
    if (w->map)
        w->map(w->rc, e, w->arg);
    if (w->rc->options.writer)
        look_again(w->rc);
}

static void on_synced(struct informer_listener *l) {
    one_synced(watch_of(l)->rc);
}

static void on_note(struct sync_note *n) {
    struct rwatch *w = (struct rwatch *)((char *)n - offsetof(struct rwatch, note));
    one_synced(w->rc);
}

static int open_watches(struct reconciler *rc, const struct reconciler_options *o, struct err *err) {
    for (size_t i = 0; i < o->n_watches; i++) {
        const struct reconciler_watch *from = &o->watches[i];
        struct rwatch *w = &rc->watches[i];
        *w = (struct rwatch){
            .rc = rc,
            .map = from->map,
            .written = from->written,
            .arg = from->arg ? from->arg : o->arg,
            .listener = {.loop = o->loop, .on_event = on_event, .on_synced = on_synced},
            .note = {.synced = on_note},
        };
        int rc_ = informer_get(o->client, &from->of, &w->informer, err);
        if (rc_)
            return rc_;
        rc->informers[i] = w->informer;
        rc->n_watches++;
    }
    return 0;
}

static bool is_listened(const struct rwatch *w) {
    return w->map || w->written;
}

/* On the loop. */
static void listen_all(void *arg) {
    struct reconciler *rc = arg;
    mutex_lock(&rc->lock);
    bool stopping = rc->stopping;
    mutex_unlock(&rc->lock);
    for (uint32_t i = 0; i < rc->n_watches && !stopping; i++)
        if (is_listened(&rc->watches[i]))
            informer_listen(rc->watches[i].informer, &rc->watches[i].listener);
}

static void begin(struct reconciler *rc) {
    atomic_init(&rc->unsynced, rc->n_watches + 1);
    (void)loop_call(rc->options.loop, listen_all, rc); /* a loop that has quit has nothing to tell */
    for (uint32_t i = 0; i < rc->n_watches; i++)
        if (!is_listened(&rc->watches[i])) {
            rc->watches[i].noted = true;
            informer_note(rc->watches[i].informer, &rc->watches[i].note);
        }
    one_synced(rc);
}

/* -- life -- */

static void *alloc(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size);
    if (!p)
        panic("out of memory");
    return p;
}

static void free_reconciler(struct reconciler *rc) {
    for (uint32_t i = 0; i < rc->n_watches; i++)
        informer_unref(rc->watches[i].informer);
    queue_fini(rc);
    mutex_fini(&rc->lock);
    free(rc->watches);
    free(rc->informers);
    free(rc->slots);
    free(rc);
}

static struct reconciler *new_reconciler(const struct reconciler_options *o) {
    struct reconciler *rc = alloc(1, sizeof *rc);
    rc->options = *o;
    (void)snprintf(rc->name, sizeof rc->name, "%s", o->name);
    rc->options.name = rc->name;
    rc->options.watches = NULL;
    if (!rc->options.concurrency)
        rc->options.concurrency = 1;
    if (!rc->options.retry_min_ns)
        rc->options.retry_min_ns = RETRY_MIN_NS;
    if (!rc->options.retry_max_ns)
        rc->options.retry_max_ns = RETRY_MAX_NS;
    rc->watches = alloc(o->n_watches, sizeof *rc->watches);
    rc->informers = alloc(o->n_watches, sizeof(struct informer *));
    rc->slots = alloc(rc->options.concurrency, sizeof *rc->slots);
    for (unsigned i = 0; i < rc->options.concurrency; i++) {
        rc->slots[i] = (struct slot){.work = {.run = on_slot}, .rc = rc, .next = rc->free_slots};
        rc->free_slots = &rc->slots[i];
    }
    mutex_init(&rc->lock);
    rc->delays = (struct timers)TIMERS_INIT;
    rc->arm.run = on_arm;
    rc->alarm.fire = on_alarm;
    if (o->metrics)
        queue_metrics_init(rc);
    return rc;
}

int reconciler_start(const struct reconciler_options *o, struct reconciler **ret, struct err *err) {
    check(o->name && o->client && o->loop && o->workers && o->reconcile && o->n_watches <= WORLD_KINDS_MAX);
    struct reconciler *rc = new_reconciler(o);
    int code = open_watches(rc, o, err);
    if (code) {
        free_reconciler(rc);
        return code;
    }
    *ret = rc;
    begin(rc);
    return 0;
}

struct stopping {
    struct loop_msg msg;
    struct reconciler *rc;
    struct waiter waiter;
};

/* On the loop, or when it has quit. */
static void unlisten_all(struct reconciler *rc) {
    loop_timer_stop(rc->options.loop, &rc->alarm);
    for (uint32_t i = 0; i < rc->n_watches; i++)
        informer_unlisten(rc->watches[i].informer, &rc->watches[i].listener);
}

static void on_stop(struct loop_msg *msg) {
    struct stopping *s = (struct stopping *)msg;
    unlisten_all(s->rc);
    waiter_signal(&s->waiter);
}

static void wait_for_runs(struct reconciler *rc, struct waiter *w) {
    mutex_lock(&rc->lock);
    bool busy = rc->n_busy_slots > 0;
    rc->idle = busy ? w : NULL;
    mutex_unlock(&rc->lock);
    if (busy)
        waiter_wait(w);
}

void reconciler_stop(struct reconciler *rc) {
    if (!rc)
        return;
    struct sim *sim = loop_sim(rc->options.loop);
    check(sim || !loop_is_current(rc->options.loop));
    mutex_lock(&rc->lock);
    rc->stopping = true;
    mutex_unlock(&rc->lock);
    for (uint32_t i = 0; i < rc->n_watches; i++)
        if (rc->watches[i].noted)
            (void)informer_unnote(rc->watches[i].informer, &rc->watches[i].note);
    struct stopping s = {.msg = {.run = on_stop}, .rc = rc};
    waiter_init(&s.waiter, sim);
    if (loop_post(rc->options.loop, &s.msg) == 0)
        waiter_wait(&s.waiter);
    else
        unlisten_all(rc);
    waiter_fini(&s.waiter);
    struct waiter idle;
    waiter_init(&idle, sim);
    wait_for_runs(rc, &idle);
    waiter_fini(&idle);
    free_reconciler(rc);
}

struct client *reconciler_client(struct reconciler *rc) {
    return rc->options.client;
}

void *reconciler_arg(struct reconciler *rc) {
    return rc->options.arg;
}

size_t reconciler_busy(struct reconciler *rc) {
    _cleanup_unlock struct mutex *held = mutex_hold(&rc->lock);
    return rc->n_queued + rc->n_running;
}

/* -- maps -- */

void map_self(struct reconciler *rc, const struct informer_event *e, void *arg) {
    (void)arg;
    const struct meta_object_meta *m = e->object->meta;
    _cleanup_arena struct arena a = ARENA_INIT;
    reconciler_enqueue(rc, m->namespace.n
                               ? arena_printf(&a, "%.*s/%.*s", STR_ARG(m->namespace), STR_ARG(m->name))
                               : m->name);
}

static void enqueue_owner(struct reconciler *rc, const struct meta_object_meta *m, const struct kind *owner) {
    const struct meta_owner_reference *ref = meta_controller(m);
    if (!ref || !str_eq(ref->kind, owner->name))
        return;
    struct str group, version;
    if (!api_version_split(ref->api_version, &group, &version) || !str_eq(group, owner->group))
        return;
    _cleanup_arena struct arena a = ARENA_INIT;
    reconciler_enqueue(rc, owner->namespaced
                               ? arena_printf(&a, "%.*s/%.*s", STR_ARG(m->namespace), STR_ARG(ref->name))
                               : ref->name);
}

void map_owner(struct reconciler *rc, const struct informer_event *e, void *arg) {
    enqueue_owner(rc, e->object->meta, arg);
    if (e->previous && e->previous != e->object)
        enqueue_owner(rc, e->previous->meta, arg);
}
