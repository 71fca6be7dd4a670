/* Probe workers. All of a worker's state belongs to the loop, but for `results`, which are under the lock so
 * that pods' workers can read them; a run on the pool sees a copy of what it needs.
 *
 *     idle ──timer──▶ gated? ──no──▶ running (on the pool) ──message──▶ judged ──▶ idle
 */
#include "kubelet/prober.h"

#include <stdlib.h>

#include "api/meta.h"
#include "api/object.h"
#include "api/types/core.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/rand.h"
#include "base/thread.h"
#include "base/vec.h"
#include "base/workers.h"
#include "kubelet/container_spec.h"
#include "kubelet/probe_run.h"
#include "kubelet/text.h"

#define SECOND 1000000000ll
#define RUN_TRIES 3

struct probe_worker {
    struct timer timer;
    struct work work;
    struct loop_msg done;
    struct prober *prober;
    struct probed_pod *pod;
    struct probe_worker *next;
    const struct object *object; /* whose specification it runs; one reference */
    const struct core_container *container;
    const struct core_probe *probe;
    enum probe_kind kind;
    bool sidecar;
    char *id; /* of the container that runs now; NULL: none does */
    int64_t started_ns;
    bool busy, ended; /* a run is under way; to be freed after it */
    bool hold;        /* until the container id changes */
    enum probe_result last;
    int32_t same; /* how often in a row */
    /* of the run under way */
    struct arena run_arena;
    struct str run_id, run_ip, run_output;
    enum probe_result run_result;
};

struct probed_pod {
    char *uid;
    struct str ip; /* owned */
    struct probe_worker *workers;
};

struct result {
    char *container_id;
    enum probe_kind kind;
    enum probe_result result;
};

struct prober {
    struct prober_options o;
    int64_t started_ns;
    struct map pods; /* by uid: struct probed_pod; the loop's, like the next two */
    uint32_t running;
    struct waiter *stopped; /* signalled when nothing runs any more; NULL: not stopping */
    struct mutex lock;      /* results */
    struct map results;     /* by uid: struct result_list */
};

struct result_list {
    char *uid;
    VEC(struct result) v;
};

/* -- results -- */

static struct result *find_result(struct result_list *l, struct str id, enum probe_kind kind) {
    vec_foreach (r, &l->v)
        if (r->kind == kind && str_eq(str_from(r->container_id), id))
            return r;
    return NULL;
}

/* True when it is another one than before. */
static bool publish(struct prober *p, struct str uid, struct str id, enum probe_kind kind,
                    enum probe_result value) {
    _cleanup_unlock struct mutex *held = mutex_hold(&p->lock);
    struct result_list *l = map_get(&p->results, uid);
    if (!l) {
        l = calloc(1, sizeof *l);
        if (!l)
            panic("out of memory");
        l->uid = text_copy(uid);
        map_put(&p->results, str_from(l->uid), l);
    }
    struct result *r = find_result(l, id, kind);
    if (r && r->result == value)
        return false;
    if (r)
        r->result = value;
    else
        vec_push(&l->v, ((struct result){.container_id = text_copy(id), .kind = kind, .result = value}));
    return true;
}

static void drop_results_of(struct prober *p, struct str uid, struct str id) {
    _cleanup_unlock struct mutex *held = mutex_hold(&p->lock);
    struct result_list *l = map_get(&p->results, uid);
    for (size_t i = l ? l->v.n : 0; i-- > 0;)
        if (str_eq(str_from(l->v.v[i].container_id), id)) {
            free(l->v.v[i].container_id);
            vec_remove(&l->v, i);
        }
}

static void free_results(struct result_list *l) {
    if (!l)
        return;
    vec_foreach (r, &l->v)
        free(r->container_id);
    vec_fini(&l->v);
    free(l->uid);
    free(l);
}

void prober_results(struct prober *p, struct str uid, struct arena *a, struct probe_results *ret) {
    *ret = (struct probe_results){0};
    _cleanup_unlock struct mutex *held = mutex_hold(&p->lock);
    const struct result_list *l = map_get(&p->results, uid);
    if (!l)
        return;
    struct probe_entry *v = arena_new_n(a, l->v.n, struct probe_entry);
    for (size_t i = 0; i < l->v.n; i++)
        v[i] = (struct probe_entry){.container_id = arena_str(a, str_from(l->v.v[i].container_id)),
                                    .kind = l->v.v[i].kind,
                                    .result = l->v.v[i].result};
    *ret = (struct probe_results){v, (uint32_t)l->v.n};
}

static enum probe_result result_now(struct prober *p, const struct probe_worker *w, enum probe_kind kind) {
    _cleanup_unlock struct mutex *held = mutex_hold(&p->lock);
    struct result_list *l = map_get(&p->results, str_from(w->pod->uid));
    struct result *r = l && w->id ? find_result(l, str_from(w->id), kind) : NULL;
    return r ? r->result : PROBE_UNKNOWN;
}

/* -- one worker -- */

static int64_t period_ns(const struct probe_worker *w) {
    return SECOND * (w->probe->period_seconds > 0 ? w->probe->period_seconds : 10);
}

static void free_worker(struct probe_worker *w) {
    object_unref(w->object);
    arena_fini(&w->run_arena);
    free(w->id);
    free(w);
}

static void end_worker(struct probe_worker *w) {
    loop_timer_stop(w->prober->o.loop, &w->timer);
    w->ended = true;
    if (!w->busy)
        free_worker(w);
}

/* CONFORMS: gating. */
static bool gated(struct probe_worker *w) {
    if (!w->id || w->hold || w->busy)
        return true;
    const struct core_pod *pod = w->object->body;
    if (meta_is_deleting(&pod->metadata) && w->kind != PROBE_READINESS)
        return true;
    bool started = !w->container->startup_probe || result_now(w->prober, w, PROBE_STARTUP) == PROBE_SUCCESS;
    if (started == (w->kind == PROBE_STARTUP))
        return true;
    int64_t since = clock_wall_ns(w->prober->o.clock) - w->started_ns;
    return since < SECOND * (int64_t)w->probe->initial_delay_seconds;
}

static void run_on_pool(struct work *work) {
    struct probe_worker *w = (struct probe_worker *)((char *)work - offsetof(struct probe_worker, work));
    struct probe_target t = {.runtime = w->prober->o.runtime,
                             .container = w->container,
                             .container_id = w->run_id,
                             .pod_ip = w->run_ip};
    for (int i = 0; i < RUN_TRIES; i++) {
        w->run_result = probe_run(&t, w->probe, &w->run_arena, &w->run_output);
        if (w->run_result != PROBE_UNKNOWN)
            break;
    }
    if (loop_post(w->prober->o.loop, &w->done) < 0)
        check(false); /* the prober ends before its loop */
}

static void judge(struct probe_worker *w) {
    struct prober *p = w->prober;
    struct str uid = str_from(w->pod->uid);
    enum probe_result r = w->run_result;
    if (r != PROBE_SUCCESS && p->o.unhealthy)
        p->o.unhealthy(p->o.arg, w->object, w->container->name, w->kind, r == PROBE_UNKNOWN, w->run_output);
    if (r == PROBE_UNKNOWN || !w->id || !str_eq(str_from(w->id), w->run_id))
        return;
    w->same = r == w->last ? w->same + 1 : 1;
    w->last = r;
    int32_t need = r == PROBE_SUCCESS ? w->probe->success_threshold : w->probe->failure_threshold;
    if (w->same < (need > 0 ? need : r == PROBE_SUCCESS ? 1 : 3))
        return;
    bool changed = publish(p, uid, w->run_id, w->kind, r);
    /* CONFORMS: hold: nothing more is to be found out about this container. */
    if (w->kind == PROBE_STARTUP || (w->kind == PROBE_LIVENESS && r == PROBE_FAILURE))
        w->hold = true;
    if (changed)
        p->o.changed(p->o.arg, uid);
}

static void on_done(struct loop_msg *msg) {
    struct probe_worker *w = (struct probe_worker *)((char *)msg - offsetof(struct probe_worker, done));
    struct prober *p = w->prober;
    w->busy = false;
    p->running--;
    if (w->ended) {
        free_worker(w);
        if (p->stopped && !p->running)
            waiter_signal(p->stopped);
        return;
    }
    judge(w);
    arena_reset(&w->run_arena);
}

static void run(struct probe_worker *w) {
    w->busy = true;
    w->run_id = arena_str(&w->run_arena, str_from(w->id));
    w->run_ip = arena_str(&w->run_arena, w->pod->ip);
    w->run_output = STR_NONE;
    w->prober->running++;
    if (workers_submit(w->prober->o.workers, &w->work) == 0)
        return;
    w->busy = false; /* the pool is full: next time */
    w->prober->running--;
}

static void on_timer(struct timer *t) {
    struct probe_worker *w = (struct probe_worker *)t;
    loop_timer_start(w->prober->o.loop, t, period_ns(w));
    if (!gated(w))
        run(w);
}

/* CONFORMS: worker start: right after the kubelet has started, probes of many pods are spread over their
 * period. */
static int64_t first_delay(const struct probe_worker *w) {
    struct prober *p = w->prober;
    int64_t period = period_ns(w);
    if (clock_mono_ns(p->o.clock) - p->started_ns >= period)
        return 0;
    return (int64_t)(rand_unit(p->o.rand) * (double)period);
}

static struct probe_worker *new_worker(struct prober *p, struct probed_pod *pod, enum probe_kind kind) {
    struct probe_worker *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    w->prober = p;
    w->pod = pod;
    w->kind = kind;
    w->timer.fire = on_timer;
    w->work.run = run_on_pool;
    w->done.run = on_done;
    arena_init(&w->run_arena);
    w->next = pod->workers;
    pod->workers = w;
    return w;
}

/* -- pods -- */

static const struct core_probe *probe_of(const struct core_container *c, enum probe_kind kind) {
    return kind == PROBE_STARTUP    ? c->startup_probe
           : kind == PROBE_LIVENESS ? c->liveness_probe
                                    : c->readiness_probe;
}

static struct probe_worker *find_worker(struct probed_pod *pod, struct str container, enum probe_kind kind) {
    for (struct probe_worker *w = pod->workers; w; w = w->next)
        if (w->kind == kind && str_eq(w->container->name, container))
            return w;
    return NULL;
}

/* Another container runs under the name now, or none. */
static void set_container(struct probe_worker *w, const struct container_view *v) {
    bool running = v && v->state == CONTAINER_RUNNING;
    if (running && w->id && str_eq(v->id, str_from(w->id)))
        return;
    if (w->id)
        drop_results_of(w->prober, str_from(w->pod->uid), str_from(w->id));
    free(w->id);
    w->id = running ? text_copy(v->id) : NULL;
    w->started_ns = running ? v->started_ns : 0;
    w->hold = false;
    w->last = PROBE_UNKNOWN;
    w->same = 0;
}

/* The present specification; a run under way goes on with the old one, which it must be able to read. */
static bool set_spec(struct probe_worker *w, const struct object *o, const struct container_ref *c) {
    if (w->busy && w->object != o)
        return false;
    const struct object *old = w->object;
    w->object = object_ref(o);
    object_unref(old);
    w->container = c->spec;
    w->probe = probe_of(c->spec, w->kind);
    w->sidecar = container_is_sidecar(c);
    return true;
}

static void update_container(struct prober *p, struct probed_pod *pod, const struct object *o,
                             const struct container_ref *c, const struct pod_view *view) {
    for (int kind = 0; kind < PROBE_KINDS; kind++) {
        if (!probe_of(c->spec, (enum probe_kind)kind))
            continue;
        struct probe_worker *w = find_worker(pod, c->spec->name, (enum probe_kind)kind);
        bool fresh = !w;
        if (fresh)
            w = new_worker(p, pod, (enum probe_kind)kind);
        (void)set_spec(w, o, c);
        bool had = w->id != NULL;
        set_container(w, pod_view_container(view, c->spec->name));
        if (fresh)
            loop_timer_start(p->o.loop, &w->timer, first_delay(w));
        else if (!had && w->id) /* CONFORMS: a container that has just started is probed at once */
            loop_timer_start(p->o.loop, &w->timer, 0);
    }
}

struct update {
    struct prober *prober;
    const struct object *object;
    struct arena arena;
    struct pod_view view;
};

static struct probed_pod *pod_of(struct prober *p, struct str uid) {
    struct probed_pod *pod = map_get(&p->pods, uid);
    if (pod)
        return pod;
    pod = calloc(1, sizeof *pod);
    if (!pod)
        panic("out of memory");
    pod->uid = text_copy(uid);
    map_put(&p->pods, str_from(pod->uid), pod);
    return pod;
}

static void set_ip(struct probed_pod *pod, const struct pod_view *view) {
    const struct sandbox_view *s = pod_view_sandbox(view);
    struct str ip = s && s->ips.n ? s->ips.v[0] : STR_NONE;
    if (!ip.n || str_eq(ip, pod->ip))
        return;
    free((char *)pod->ip.p);
    pod->ip = str_make(text_copy(ip), ip.n);
}

static void do_update(void *arg) {
    struct update *u = arg;
    struct probed_pod *pod = pod_of(u->prober, u->object->meta->uid);
    set_ip(pod, &u->view);
    struct container_ref *refs;
    uint32_t n = container_refs(u->object->body, &u->arena, &refs);
    for (uint32_t i = 0; i < n; i++)
        if (refs[i].list == LIST_APP || container_is_sidecar(&refs[i]))
            update_container(u->prober, pod, u->object, &refs[i], &u->view);
    object_unref(u->object);
    arena_fini(&u->arena);
    free(u);
}

static bool has_probes(const struct core_pod *pod) {
    const struct core_container_array *lists[] = {&pod->spec.containers, &pod->spec.init_containers};
    for (int l = 0; l < 2; l++)
        for (uint32_t i = 0; i < lists[l]->n; i++) {
            const struct core_container *c = &lists[l]->v[i];
            if (c->startup_probe || c->liveness_probe || c->readiness_probe)
                return true;
        }
    return false;
}

static void copy_view(const struct pod_view *from, struct arena *a, struct pod_view *to) {
    *to = (struct pod_view){.n_containers = from->n_containers};
    to->containers = arena_new_n(a, from->n_containers, struct container_view);
    for (uint32_t i = 0; i < from->n_containers; i++) {
        const struct container_view *c = &from->containers[i];
        to->containers[i] = (struct container_view){.id = arena_str(a, c->id),
                                                    .name = arena_str(a, c->name),
                                                    .state = c->state,
                                                    .started_ns = c->started_ns};
    }
    const struct sandbox_view *s = pod_view_sandbox(from);
    if (!s || !s->ips.n)
        return;
    struct str *ip = arena_new(a, struct str);
    *ip = arena_str(a, s->ips.v[0]);
    to->sandboxes = arena_new(a, struct sandbox_view);
    to->sandboxes[0].ips = (struct str_array){ip, 1};
    to->n_sandboxes = 1;
}

void prober_update(struct prober *p, const struct object *pod, const struct pod_view *view) {
    if (!has_probes(pod->body))
        return;
    struct update *u = calloc(1, sizeof *u);
    if (!u)
        panic("out of memory");
    u->prober = p;
    u->object = object_ref(pod);
    arena_init(&u->arena);
    copy_view(view, &u->arena, &u->view);
    if (loop_call(p->o.loop, do_update, u) < 0) {
        object_unref(u->object);
        arena_fini(&u->arena);
        free(u);
    }
}

struct forget {
    struct prober *prober;
    char uid[];
};

static void free_pod(struct probed_pod *pod) {
    for (struct probe_worker *w = pod->workers, *next; w; w = next) {
        next = w->next;
        end_worker(w);
    }
    free((char *)pod->ip.p);
    free(pod->uid);
    free(pod);
}

static void do_forget(void *arg) {
    struct forget *f = arg;
    struct prober *p = f->prober;
    struct probed_pod *pod = map_take(&p->pods, str_from(f->uid));
    if (pod)
        free_pod(pod);
    mutex_lock(&p->lock);
    struct result_list *l = map_take(&p->results, str_from(f->uid));
    mutex_unlock(&p->lock);
    free_results(l);
    free(f);
}

void prober_forget(struct prober *p, struct str uid) {
    struct forget *f = malloc(sizeof *f + uid.n + 1);
    if (!f)
        panic("out of memory");
    f->prober = p;
    memcpy(f->uid, uid.p, uid.n);
    f->uid[uid.n] = 0;
    if (loop_call(p->o.loop, do_forget, f) < 0)
        free(f);
}

struct prober *prober_new(const struct prober_options *o) {
    struct prober *p = calloc(1, sizeof *p);
    if (!p)
        panic("out of memory");
    p->o = *o;
    p->started_ns = clock_mono_ns(o->clock);
    mutex_init(&p->lock);
    return p;
}

struct stop {
    struct prober *prober;
    struct waiter done;
};

static void do_stop(void *arg) {
    struct stop *s = arg;
    map_foreach_reverse(e, &s->prober->pods) {
        struct probed_pod *pod = e->value; /* the key lies in it */
        map_remove_entry(&s->prober->pods, e);
        free_pod(pod);
    }
    s->prober->stopped = &s->done;
    if (!s->prober->running)
        waiter_signal(&s->done);
}

void prober_free(struct prober *p) {
    if (!p)
        return;
    struct stop s = {.prober = p};
    waiter_init(&s.done, loop_sim(p->o.loop));
    if (loop_call(p->o.loop, do_stop, &s) == 0)
        waiter_wait(&s.done);
    waiter_fini(&s.done);
    map_foreach(e, &p->results) free_results(e->value);
    map_fini(&p->results);
    map_fini(&p->pods);
    mutex_fini(&p->lock);
    free(p);
}
