/* The kubelet put together: what is started, in which order, and the two threads that look regularly.
 *
 *     relist     once a second: what the runtime has
 *     housekeep  evictions every 10 s, dead containers every minute, images every 5 minutes
 */
#include <stdlib.h>

#include "api/types/ids.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/workers.h"
#include "client/events.h"
#include "client/reconciler.h"
#include "kubelet/evict.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/node.h"
#include "kubelet/pod_gc.h"
#include "kubelet/server.h"
#include "kubelet/static_pods.h"
#include "runtime/runtime.h"

#define SECOND 1000000000ll
#define RELIST_NS (1 * SECOND)         /* without events of the runtime */
#define RELIST_EVENTS_NS (10 * SECOND) /* with them */
#define EVICT_NS (10 * SECOND)
#define DEAD_NS (60 * SECOND)
#define IMAGES_NS (300 * SECOND)
#define POD_WORKERS 48
#define PROBE_WORKERS 12

/* -- regular looks -- */

static bool keep_going(struct kubelet *k, int64_t until_ns) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->stop_lock);
    while (!k->stopping)
        if (!cond_wait_until(&k->stop_cond, &k->stop_lock, until_ns))
            break;
    return !k->stopping;
}

/* -- events of the runtime -- */

/* An event comes before the runtime's lists show what happened, the end of a container up to seconds before:
 * it is looked for again and again, at growing distances. */
#define LOOKS 2
#define LOOKS_FOR_END 7
#define LOOK_STEP_NS (SECOND / 20)

static void relist_soon(struct kubelet *k, unsigned looks) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->stop_lock);
    k->poked = true;
    k->looks = looks > k->looks ? looks : k->looks;
    k->look_step_ns = LOOK_STEP_NS;
    cond_broadcast(&k->stop_cond);
}

static void on_runtime_event(void *arg, const struct cri_container_event_response *event) {
    bool end = event->container_event_type == CRI_CONTAINER_EVENT_TYPE_CONTAINER_STOPPED_EVENT;
    relist_soon(arg, end ? LOOKS_FOR_END : LOOKS);
}

/* After a look: when the next one is due. */
static int64_t next_look_ns(struct kubelet *k, bool events) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->stop_lock);
    int64_t step = k->look_step_ns;
    if (k->looks)
        k->looks--;
    if (!events || !k->looks)
        return events ? RELIST_EVENTS_NS : RELIST_NS;
    k->look_step_ns *= 2;
    return step;
}

static void on_runtime_silent(void *arg, int code, const struct err *err) {
    struct kubelet *k = arg;
    (void)err;
    mutex_lock(&k->stop_lock);
    k->watch_ended = true;
    k->no_events |= code == ERR_UNSUPPORTED;
    mutex_unlock(&k->stop_lock);
    relist_soon(k, LOOKS);
}

/* Whether events come; starts listening again when they have ended. The relist thread alone. */
static bool events_come(struct kubelet *k) {
    mutex_lock(&k->stop_lock);
    bool ended = k->watch_ended, never = k->no_events;
    k->watch_ended = false;
    mutex_unlock(&k->stop_lock);
    if (ended) {
        runtime_watch_stop(k->o.runtime, k->watch);
        k->watch = NULL;
    }
    if (!k->watch && !never) {
        struct runtime_watch_options o = {
            .on_event = on_runtime_event, .on_end = on_runtime_silent, .arg = k};
        (void)runtime_watch_start(k->o.runtime, &o, &k->watch, NULL);
    }
    return k->watch && !ended;
}

/* False: stop. Also ends when the runtime said something. */
static bool wait_for_relist(struct kubelet *k, int64_t until_ns) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->stop_lock);
    while (!k->stopping && !k->poked)
        if (!cond_wait_until(&k->stop_cond, &k->stop_lock, until_ns))
            break;
    k->poked = false;
    return !k->stopping;
}

static void on_changed(void *arg, struct str uid) {
    struct kubelet *k = arg;
    mutex_lock(&k->pods_lock);
    bool known = map_has(&k->pods, uid);
    mutex_unlock(&k->pods_lock);
    if (known)
        kpod_wake(k, uid);
}

static void run_relist(void *arg) {
    struct kubelet *k = arg;
    int64_t next = 0;
    while (wait_for_relist(k, next)) {
        struct err err = ERR_INIT;
        bool events = events_come(k);
        int rc = pod_cache_relist(k->cache, on_changed, k, &err);
        if (rc < 0 && log_every(10000))
            log_warn("the runtime does not say what it runs", kv_err("err", &err));
        if (rc == 0 && informer_synced(k->pod_informer))
            gc_orphans(k);
        next = clock_mono_ns(k->clock) + next_look_ns(k, events && rc == 0);
    }
    runtime_watch_stop(k->o.runtime, k->watch);
}

static void run_housekeeping(void *arg) {
    struct kubelet *k = arg;
    struct evictor *e = evictor_new(k);
    int64_t now = clock_mono_ns(k->clock), dead = now + DEAD_NS, images = now + IMAGES_NS;
    while (keep_going(k, clock_mono_ns(k->clock) + EVICT_NS)) {
        now = clock_mono_ns(k->clock);
        evictor_run(e);
        gc_logs(k);
        if (now >= dead) {
            gc_dead(k);
            backoff_collect(&k->restarts, clock_wall_ns(k->clock));
            dead = now + DEAD_NS;
        }
        if (now >= images) {
            gc_images(k, (unsigned)k->o.config.image_gc_high_percent,
                      (unsigned)k->o.config.image_gc_low_percent);
            images = now + IMAGES_NS;
        }
    }
    evictor_free(e);
}

/* -- pods of the API -- */

static bool is_mirror(const struct object *o) {
    return str_map_get(o->meta->annotations, S("kubernetes.io/config.mirror")).p != NULL;
}

static void on_pod(struct informer_listener *l, const struct informer_event *e) {
    struct kubelet *k = (struct kubelet *)((char *)l - offsetof(struct kubelet, pod_listener));
    if (is_mirror(e->object)) {
        pods_set_mirror(k, str_map_get(e->object->meta->annotations, S("kubernetes.io/config.mirror")),
                        e->type == INFORMER_DELETED ? NULL : e->object);
        return;
    }
    bool gone = e->type == INFORMER_DELETED;
    /* Replaced under the same name between two looks. */
    if (e->previous && !str_eq(e->previous->meta->uid, e->object->meta->uid))
        pods_set(k, e->previous->meta->uid, NULL, false);
    pods_set(k, e->object->meta->uid, gone ? NULL : e->object, false);
}

static int follow_pods(struct kubelet *k, struct err *err) {
    struct informer_options o = {
        .kind = KIND(CORE_POD),
        .field_selector = arena_printf(&k->arena, "spec.nodeName=%.*s", STR_ARG(k->o.node_name)),
    };
    int rc = informer_get(k->o.client, &o, &k->pod_informer, err);
    if (rc < 0)
        return rc;
    k->pod_listener = (struct informer_listener){.loop = k->loop, .on_event = on_pod};
    informer_listen(k->pod_informer, &k->pod_listener);
    return 0;
}

static void unfollow(void *arg) {
    struct kubelet *k = arg;
    informer_unlisten(k->pod_informer, &k->pod_listener);
    waiter_signal(&k->unfollowed);
}

/* -- probes -- */

static void probe_changed(void *arg, struct str uid) {
    kpod_wake(arg, uid);
}

static void probe_unhealthy(void *arg, const struct object *pod, struct str container, enum probe_kind kind,
                            bool errored, struct str output) {
    static const char *const names[] = {"Startup", "Liveness", "Readiness"};
    struct kubelet *k = arg;
    (void)container;
    event_record(k->events, pod, "Warning", "Unhealthy", "%s probe %s: %.*s", names[kind],
                 errored ? "errored" : "failed", STR_ARG(output));
}

/* -- start -- */

static struct str_array copy_array(struct arena *a, struct str_array from) {
    struct str *v = arena_new_n(a, from.n, struct str);
    for (uint32_t i = 0; i < from.n; i++)
        v[i] = arena_str(a, from.v[i]);
    return (struct str_array){v, from.n};
}

static const char *copy_path(struct arena *a, const char *p) {
    return p ? arena_strz(a, str_from(p)) : NULL;
}

static void copy_options(struct kubelet *k, const struct kubelet_options *o) {
    struct arena *a = &k->arena;
    k->o = *o;
    k->o.node_name = arena_str(a, o->node_name);
    k->o.node_ips = copy_array(a, o->node_ips);
    k->o.root_dir = arena_str(a, o->root_dir.n ? o->root_dir : S("/var/lib/kubelet"));
    k->o.pod_logs_dir = arena_str(a, o->pod_logs_dir.n ? o->pod_logs_dir : S("/var/log/pods"));
    k->o.container_logs_dir = arena_str(a, o->container_logs_dir);
    k->o.static_pod_dir = arena_str(a, o->static_pod_dir);
    k->o.cgroup_root = arena_str(a, o->cgroup_root);
    k->o.cgroup_mount = copy_path(a, o->cgroup_mount);
    k->o.cluster_domain = arena_str(a, o->cluster_domain.n ? o->cluster_domain : S("cluster.local"));
    k->o.cluster_dns = copy_array(a, o->cluster_dns);
    k->o.resolv_conf = arena_str(a, o->resolv_conf.n ? o->resolv_conf : S("/etc/resolv.conf"));
    k->o.address = arena_str(a, o->address);
    k->o.image_name_pause = arena_str(a, o->image_name_pause);
    k->o.cert_path = copy_path(a, o->cert_path);
    k->o.key_path = copy_path(a, o->key_path);
    k->o.client_ca_path = copy_path(a, o->client_ca_path);
    struct str_map labels = {arena_new_n(a, o->node_labels.n, struct str_entry), o->node_labels.n};
    for (uint32_t i = 0; i < labels.n; i++)
        labels.v[i] = (struct str_entry){arena_str(a, o->node_labels.v[i].key),
                                         arena_str(a, o->node_labels.v[i].value)};
    k->o.node_labels = labels;
    k->o.max_pods = o->max_pods ? o->max_pods : 110;
    k->o.port = o->port ? o->port : 10250;
    k->o.healthz_port = o->healthz_port ? o->healthz_port : 10248;
    k->node_ips = k->o.node_ips;
}

/* What /configz tells: the options, as far as KubeletConfiguration has them. */
static void complete_config(struct kubelet *k) {
    struct arena *a = &k->arena;
    struct kubelet_config *c = &k->o.config;
    if (!c->max_pods)
        kubelet_config_init(c);
    c->static_pod_path = arena_strz(a, k->o.static_pod_dir);
    c->pod_logs_dir = arena_strz(a, k->o.pod_logs_dir);
    c->address = arena_strz(a, k->o.address);
    c->port = k->o.port;
    c->healthz_port = k->o.healthz_port;
    c->tls_cert_file = k->o.cert_path;
    c->tls_key_file = k->o.key_path;
    c->client_ca_file = k->o.client_ca_path;
    c->cluster_domain = arena_strz(a, k->o.cluster_domain);
    c->resolv_conf = arena_strz(a, k->o.resolv_conf);
    c->cgroup_root = arena_strz(a, k->o.cgroup_root);
    c->register_node = k->o.register_node;
    c->max_pods = k->o.max_pods;
    const char **dns = arena_new_n(a, k->o.cluster_dns.n + 1, const char *);
    for (uint32_t i = 0; i < k->o.cluster_dns.n; i++)
        dns[i] = arena_strz(a, k->o.cluster_dns.v[i]);
    c->cluster_dns = dns;
}

static struct kubelet *new_kubelet(const struct kubelet_options *o) {
    struct kubelet *k = calloc(1, sizeof *k);
    if (!k)
        panic("out of memory");
    arena_init(&k->arena);
    copy_options(k, o);
    complete_config(k);
    k->clock = client_clock(o->client);
    k->rand = client_rand(o->client);
    k->started_ns = clock_mono_ns(k->clock);
    mutex_init(&k->pods_lock);
    mutex_init(&k->stop_lock);
    cond_init(&k->stop_cond);
    int64_t longest = k->o.config.restart_max_ns;
    backoffs_init(&k->restarts, longest < BACKOFF_MIN_NS ? longest : BACKOFF_MIN_NS, longest);
    return k;
}

static int start_threads(struct kubelet *k, struct err *err) {
    int rc = loop_start(&(struct loop_options){.name = "kubelet"}, &k->loop, err);
    if (rc == 0)
        rc = workers_start(
            &(struct workers_options){.name = "pods", .threads = POD_WORKERS, .queue_max = 4096},
            &k->pod_workers, err);
    if (rc == 0)
        rc = workers_start(
            &(struct workers_options){.name = "probes", .threads = PROBE_WORKERS, .queue_max = 4096},
            &k->probe_workers, err);
    return rc;
}

static int start_parts(struct kubelet *k, struct err *err) {
    int rc = event_recorder_new(k->o.client, k->loop, "kubelet", k->o.node_name, &k->events, err);
    if (rc < 0)
        return rc;
    k->cache = pod_cache_new(k->o.runtime, k->clock);
    k->images = images_new(k->o.runtime, k->clock);
    k->prober = prober_new(&(struct prober_options){.loop = k->loop,
                                                    .workers = k->probe_workers,
                                                    .runtime = k->o.runtime,
                                                    .clock = k->clock,
                                                    .rand = k->rand,
                                                    .changed = probe_changed,
                                                    .unhealthy = probe_unhealthy,
                                                    .arg = k});
    rc = pod_setup_new(k, &k->setup, err);
    if (rc == 0)
        rc = kubelet_node_start(k, &k->node, err);
    return rc;
}

static bool sync_begin(struct kubelet *k) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->stop_lock);
    k->syncing += !k->removing;
    return !k->removing;
}

static void sync_end(struct kubelet *k) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->stop_lock);
    if (--k->syncing == 0 && k->removing)
        cond_broadcast(&k->stop_cond);
}

static int sync_unless_removing(struct reconcile *rc, struct str uid, struct err *err) {
    struct kubelet *k = rc->arg;
    if (!sync_begin(k))
        return 0;
    int code = pod_sync(rc, uid, err);
    sync_end(k);
    return code;
}

static int start_pods(struct kubelet *k, struct err *err) {
    struct reconciler_options o = {
        .name = "pods",
        .client = k->o.client,
        .loop = k->loop,
        .workers = k->pod_workers,
        .concurrency = POD_WORKERS,
        .reconcile = sync_unless_removing,
        .arg = k,
        .retry_min_ns = SECOND / 2,
        .retry_max_ns = 10 * SECOND,
        .events = k->events,
        .metrics = k->o.metrics,
    };
    int rc = reconciler_start(&o, &k->reconciler, err);
    if (rc == 0)
        rc = follow_pods(k, err);
    if (rc == 0 && k->o.static_pod_dir.n)
        rc = static_pods_start(k, &k->static_pods, err);
    if (rc == 0)
        rc = thread_start(&k->relist, &(struct thread_options){.name = "relist"}, run_relist, k, err);
    if (rc == 0)
        rc = thread_start(&k->housekeeping, &(struct thread_options){.name = "housekeeping"},
                          run_housekeeping, k, err);
    return rc;
}

int kubelet_start(const struct kubelet_options *o, struct kubelet **ret, struct err *err) {
    struct kubelet *k = new_kubelet(o);
    int rc = start_threads(k, err);
    if (rc == 0)
        rc = start_parts(k, err);
    if (rc == 0)
        rc = start_pods(k, err);
    if (rc < 0) {
        kubelet_stop(k);
        return err_wrap(err, "kubelet");
    }
    log_info("kubelet started", kv_str("node", k->o.node_name));
    *ret = k;
    return 0;
}

int kubelet_serve(struct kubelet *k, struct err *err) {
    return kubelet_server_start(k, &k->server, err);
}

static void stop_following(struct kubelet *k) {
    if (!k->pod_informer)
        return;
    waiter_init(&k->unfollowed, NULL);
    if (loop_call(k->loop, unfollow, k) == 0)
        waiter_wait(&k->unfollowed);
    waiter_fini(&k->unfollowed);
    informer_unref(k->pod_informer);
}

static void free_pods(struct kubelet *k) {
    _cleanup_arena struct arena a = ARENA_INIT;
    size_t n = map_count(&k->pods);
    struct str *uids = arena_new_n(&a, n, struct str);
    uint32_t i = 0;
    map_foreach(e, &k->pods) uids[i++] = arena_str(&a, e->key);
    for (i = 0; i < n; i++)
        pods_forget(k, uids[i]);
    map_fini(&k->pods);
}

void kubelet_stop(struct kubelet *k) {
    if (!k)
        return;
    mutex_lock(&k->stop_lock);
    k->stopping = true;
    cond_broadcast(&k->stop_cond);
    mutex_unlock(&k->stop_lock);
    kubelet_server_stop(k->server);
    thread_join(&k->relist);
    thread_join(&k->housekeeping);
    static_pods_stop(k->static_pods);
    stop_following(k);
    reconciler_stop(k->reconciler);
    k->reconciler = NULL;
    prober_free(k->prober);
    workers_stop(k->pod_workers);
    pods_hasten_collect(k, true);
    workers_stop(k->probe_workers);
    kubelet_node_stop(k->node);
    event_recorder_free(k->events);
    pod_setup_free(k->setup);
    loop_stop(k->loop);
    images_free(k->images);
    pod_cache_free(k->cache);
    backoffs_fini(&k->restarts);
    free_pods(k);
    cond_fini(&k->stop_cond);
    mutex_fini(&k->stop_lock);
    mutex_fini(&k->pods_lock);
    arena_fini(&k->arena);
    free(k);
}

struct removal {
    struct kubelet *k;
    struct str uid;
    int64_t grace_ms;
    struct thread thread;
    struct err err;
    int rc;
};

static void remove_pod(void *arg) {
    struct removal *r = arg;
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct pod_view *v;
    struct stop_options o = {.grace_seconds = r->grace_ms / 1000};
    r->rc = pod_cache_view(r->k->cache, r->uid, &a, &v, &r->err);
    if (r->rc == 0)
        r->rc = pod_stop(r->k, NULL, v, &o, &r->err);
    if (r->rc == 0)
        r->rc = pod_remove_from_runtime(r->k, v, &r->err);
    if (r->rc == 0)
        r->rc = pod_setup_remove(r->k->setup, r->uid, &r->err);
}

/* Nothing starts containers again or mounts volumes from here on. */
static void end_syncing(struct kubelet *k) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->stop_lock);
    k->removing = true;
    while (k->syncing)
        cond_wait(&k->stop_cond, &k->stop_lock);
}

/* Folders of pods that ended before, or had not yet begun. */
static int remove_leftovers(struct kubelet *k, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str *uids;
    int worst = 0;
    uint32_t n = pod_setup_uids(k->setup, &a, &uids);
    for (uint32_t i = 0; i < n; i++) {
        int rc = pod_setup_remove(k->setup, uids[i], err);
        worst = rc < 0 ? rc : worst;
    }
    return worst;
}

/* All at once: each may need its whole grace period. */
int kubelet_remove_pods(struct kubelet *k, int64_t grace_ms, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    end_syncing(k);
    int rc = pod_cache_relist(k->cache, NULL, NULL, err);
    struct str *uids;
    uint32_t n = pod_cache_uids(k->cache, &a, &uids);
    struct removal *v = arena_new_n(&a, n, struct removal);
    for (uint32_t i = 0; i < n; i++) {
        v[i] = (struct removal){.k = k, .uid = uids[i], .grace_ms = grace_ms};
        if (thread_start(&v[i].thread, &(struct thread_options){.name = "remove"}, remove_pod, &v[i], err) <
            0)
            remove_pod(&v[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        thread_join(&v[i].thread);
        if (v[i].rc < 0 && err)
            *err = v[i].err;
        rc = v[i].rc < 0 ? v[i].rc : rc;
    }
    if (rc == 0)
        rc = remove_leftovers(k, err);
    return rc < 0 ? rc : pod_setup_clear(k->setup, err);
}
