/* Thresholds, conditions and evictions. */
#include "kubelet/evict.h"

#include <stdlib.h>

#include "api/pod_requests.h"
#include "api/quantity.h"
#include "api/types/core.h"
#include "api/types/cri.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "client/events.h"
#include "kubelet/cri_names.h"
#include "kubelet/evict_local.h"
#include "kubelet/evict_rank.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/node.h"
#include "kubelet/pod_gc.h"
#include "runtime/runtime.h"

static const struct {
    const char *name, *resource;
} signals[EVICT_SIGNALS] = {
    [EVICT_MEMORY] = {"memory.available", "memory"},
    [EVICT_DISK] = {"nodefs.available", "ephemeral-storage"},
    [EVICT_INODES] = {"nodefs.inodesFree", "inodes"},
    [EVICT_PIDS] = {"pid.available", "pids"},
};

struct evictor {
    struct kubelet *k;
    struct eviction_threshold thresholds[EVICT_SIGNALS];
    int64_t met_ns[EVICT_SIGNALS]; /* when it was last met; 0: never */
};

struct evictor *evictor_new(struct kubelet *k) {
    struct evictor *e = calloc(1, sizeof *e);
    if (!e)
        panic("out of memory");
    e->k = k;
    kubelet_config_eviction(&k->o.config, e->thresholds);
    return e;
}

void evictor_free(struct evictor *e) {
    free(e);
}

static bool below(const struct eviction_threshold *t, uint64_t free, uint64_t total) {
    return total && (double)free < (double)t->value + t->part * (double)total;
}

static bool met(const struct evictor *e, enum eviction_signal s, const struct node_free *f,
                const struct node_facts *facts) {
    const struct eviction_threshold *t = &e->thresholds[s];
    switch (s) {
    case EVICT_MEMORY: return f->memory_bytes && below(t, f->memory_bytes, facts->memory_bytes);
    case EVICT_DISK: return below(t, f->disk_bytes, facts->disk_bytes);
    case EVICT_INODES: return below(t, f->disk_inodes, f->disk_inodes_total);
    default: return below(t, f->pids, f->pids_max);
    }
}

/* A condition holds on for a while, so that it does not flap. */
static bool holds(const struct evictor *e, enum eviction_signal s, int64_t now) {
    return e->met_ns[s] && now - e->met_ns[s] < e->k->o.config.eviction_transition_ns;
}

/* -- what pods use -- */

static uint64_t value_of(const struct cri_u_int64_value *v) {
    return v ? v->value : 0;
}

static uint64_t usage_of(const struct cri_container_stats *s, enum eviction_signal sig) {
    if (sig == EVICT_MEMORY)
        return s->memory ? value_of(s->memory->working_set_bytes) : 0;
    return sig == EVICT_INODES && s->writable_layer ? value_of(s->writable_layer->inodes_used) : 0;
}

static struct local_usage_of local_of(const struct evictor *e, const struct core_pod *p,
                                      const struct cri_list_container_stats_response *stats,
                                      struct arena *a) {
    return (struct local_usage_of){.pod = p,
                                   .pods_dir = arena_printf(a, "%.*s/pods", STR_ARG(e->k->o.root_dir)).p,
                                   .logs_dir = arena_strz(a, e->k->o.pod_logs_dir),
                                   .stats = stats};
}

static uint64_t usage_of_pod(const struct cri_list_container_stats_response *stats, struct str uid,
                             enum eviction_signal sig) {
    uint64_t sum = 0;
    for (uint32_t i = 0; stats && i < stats->stats.n; i++) {
        const struct cri_container_stats *s = &stats->stats.v[i];
        if (s->attributes && str_eq(str_map_get(s->attributes->labels, CRI_LABEL_POD_UID), uid))
            sum += usage_of(s, sig);
    }
    return sum;
}

static uint64_t request_of(const struct core_pod *p, enum eviction_signal sig, struct arena *a) {
    struct quantity_map m = pod_requests(&p->spec, a);
    const struct quantity *q = quantity_map_get(m, str_from(signals[sig].resource));
    return q ? (uint64_t)quantity_value(q) : 0;
}

static bool critical(const struct pods_item *i) {
    const struct core_pod *p = i->object->body;
    return i->is_static || (p->spec.priority.set && p->spec.priority.v >= 2000000000);
}

static bool has_ended(const struct core_pod *p) {
    return pod_phase_is_final(p->status.phase) || p->metadata.deletion_timestamp.set;
}

static const struct cri_list_container_stats_response *stats_now(struct evictor *e, struct arena *a) {
    const struct cri_list_container_stats_response *stats = NULL;
    struct runtime_call call = {.arena = a};
    (void)runtime_list_container_stats(e->k->o.runtime, &call, &(struct cri_list_container_stats_request){0},
                                       &stats, NULL);
    return stats;
}

static uint32_t candidates(struct evictor *e, enum eviction_signal sig, struct arena *a,
                           struct evict_candidate **ret) {
    struct pods_item *pods;
    uint32_t n_pods = pods_all(e->k, a, &pods), n = 0;
    const struct cri_list_container_stats_response *stats = stats_now(e, a);
    struct evict_candidate *v = arena_new_n(a, n_pods, struct evict_candidate);
    for (uint32_t i = 0; i < n_pods; i++) {
        const struct core_pod *p = pods[i].object->body;
        if (critical(&pods[i]) || has_ended(p))
            continue;
        struct local_usage_of local = local_of(e, p, stats, a);
        v[n++] = (struct evict_candidate){
            .uid = p->metadata.uid,
            .priority = p->spec.priority.set ? p->spec.priority.v : 0,
            .usage = sig == EVICT_DISK ? local_usage(&local, a) : usage_of_pod(stats, p->metadata.uid, sig),
            .request = request_of(p, sig, a)};
    }
    evict_rank(v, n);
    *ret = v;
    return n;
}

/* Ends one pod; its own run does the rest. */
static void end_pod(struct evictor *e, struct str uid, struct str message, const char *why) {
    struct kpod *p = kpod_use(e->k, uid);
    const struct object *o = kpod_object(e->k, p);
    if (o) {
        event_record(e->k->events, o, "Warning", "Evicted", "%.*s", STR_ARG(message));
        log_warn("pod evicted", kv_ref("pod", o->meta->namespace, o->meta->name), kv_text("why", why));
        kpod_evict(e->k, p, message);
    }
    object_unref(o);
    kpod_done(e->k, p);
}

static void evict_pod(struct evictor *e, const struct evict_candidate *c, enum eviction_signal sig,
                      struct arena *a) {
    struct str message = arena_printf(
        a, "The node was low on resource: %s. Threshold quantity reached, usage: %llu, request: %llu. ",
        signals[sig].resource, (unsigned long long)c->usage, (unsigned long long)c->request);
    end_pod(e, c->uid, message, signals[sig].name);
}

/* -- limits of pods -- */

/* Whether anything of it has to be measured. */
static bool has_local_limits(const struct core_pod *p, struct arena *a) {
    for (uint32_t i = 0; i < p->spec.volumes.n; i++)
        if (p->spec.volumes.v[i].volume_source.empty_dir &&
            p->spec.volumes.v[i].volume_source.empty_dir->size_limit.set)
            return true;
    return quantity_map_get(pod_limits(&p->spec, a), S("ephemeral-storage")) != NULL;
}

static void check_limits(struct evictor *e, struct arena *a) {
    struct pods_item *pods;
    uint32_t n = pods_all(e->k, a, &pods);
    const struct cri_list_container_stats_response *stats = NULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct core_pod *p = pods[i].object->body;
        struct str message;
        if (has_ended(p) || !has_local_limits(p, a))
            continue;
        if (!stats)
            stats = stats_now(e, a);
        struct local_usage_of u = local_of(e, p, stats, a);
        if (local_usage_exceeds(&u, a, &message))
            end_pod(e, p->metadata.uid, message, "local storage");
    }
}

/* -- thresholds -- */

/* CONFORMS: disk signals free dead containers and unused images before any pod is ended. */
static bool freed(struct evictor *e, enum eviction_signal sig) {
    if (sig != EVICT_DISK && sig != EVICT_INODES)
        return false;
    struct node_free f;
    const struct node_facts *facts = kubelet_node_facts(e->k->node);
    _cleanup_arena struct arena a = ARENA_INIT;
    gc_dead(e->k);
    gc_images(e->k, 0, 0);
    node_free_read(arena_strz(&a, e->k->o.root_dir), facts, &f);
    return !met(e, sig, &f, facts);
}

static void relieve(struct evictor *e, enum eviction_signal sig) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct object *node = kubelet_node_object(e->k->node);
    if (node)
        event_record(e->k->events, node, "Warning", "EvictionThresholdMet", "Attempting to reclaim %s",
                     signals[sig].resource);
    object_unref(node);
    if (freed(e, sig))
        return;
    struct evict_candidate *v;
    if (candidates(e, sig, &a, &v) > 0) /* one a pass */
        evict_pod(e, &v[0], sig, &a);
}

void evictor_run(struct evictor *e) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct node_facts *facts = kubelet_node_facts(e->k->node);
    struct node_free f;
    node_free_read(arena_strz(&a, e->k->o.root_dir), facts, &f);
    int64_t now = clock_mono_ns(e->k->clock);
    int first = -1;
    for (int s = 0; s < EVICT_SIGNALS; s++)
        if (met(e, (enum eviction_signal)s, &f, facts)) {
            e->met_ns[s] = now;
            first = first < 0 ? s : first;
        }
    kubelet_node_set_pressure(e->k->node,
                              (struct node_pressure){
                                  .memory = holds(e, EVICT_MEMORY, now),
                                  .disk = holds(e, EVICT_DISK, now) || holds(e, EVICT_INODES, now),
                                  .pid = holds(e, EVICT_PIDS, now),
                              });
    check_limits(e, &a);
    if (first >= 0)
        relieve(e, (enum eviction_signal)first);
}
