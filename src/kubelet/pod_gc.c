/* Collecting what is left behind. */
#include "kubelet/pod_gc.h"

#include "api/types/cri.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "client/reconciler.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/log_file.h"
#include "runtime/runtime.h"

static bool known(struct kubelet *k, struct str uid) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->pods_lock);
    return map_has(&k->pods, uid);
}

void gc_orphans(struct kubelet *k) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str *uids;
    uint32_t n = pod_cache_uids(k->cache, &a, &uids);
    for (uint32_t i = 0; i < n; i++)
        if (!known(k, uids[i]))
            kpod_wake(k, uids[i]);
    n = pod_setup_uids(k->setup, &a, &uids);
    for (uint32_t i = 0; i < n; i++)
        if (!known(k, uids[i]))
            kpod_wake(k, uids[i]);
}

static bool remove_container(struct kubelet *k, const struct container_view *c) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct cri_remove_container_response *r = NULL;
    struct runtime_call call = {.arena = &a};
    return runtime_remove_container(k->o.runtime, &call,
                                    &(struct cri_remove_container_request){.container_id = c->id}, &r,
                                    NULL) == 0;
}

static void remove_sandbox(struct kubelet *k, const struct sandbox_view *s) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct cri_stop_pod_sandbox_response *stopped = NULL;
    const struct cri_remove_pod_sandbox_response *removed = NULL;
    struct runtime_call call = {.arena = &a};
    (void)runtime_stop_pod_sandbox(
        k->o.runtime, &call, &(struct cri_stop_pod_sandbox_request){.pod_sandbox_id = s->id}, &stopped, NULL);
    (void)runtime_remove_pod_sandbox(k->o.runtime, &call,
                                     &(struct cri_remove_pod_sandbox_request){.pod_sandbox_id = s->id},
                                     &removed, NULL);
}

/* The newest of a name stays, and one that ended before it: they show how it went. */
static bool superseded(const struct pod_view *v, uint32_t at) {
    const struct container_view *c = &v->containers[at];
    if (c->state != CONTAINER_EXITED)
        return false;
    uint32_t newer_dead = 0;
    for (uint32_t i = 0; i < at; i++)
        newer_dead += str_eq(v->containers[i].name, c->name) && v->containers[i].state == CONTAINER_EXITED;
    return newer_dead > 0;
}

static void collect_pod(struct kubelet *k, const struct pod_view *v) {
    bool any = false;
    for (uint32_t i = 0; i < v->n_containers; i++)
        if (superseded(v, i))
            any |= remove_container(k, &v->containers[i]);
    for (uint32_t i = 1; i < v->n_sandboxes; i++) {
        bool used = v->sandboxes[i].ready;
        for (uint32_t c = 0; c < v->n_containers && !used; c++)
            used = str_eq(v->containers[c].sandbox_id, v->sandboxes[i].id) && !superseded(v, c);
        if (!used) {
            remove_sandbox(k, &v->sandboxes[i]);
            any = true;
        }
    }
    if (any)
        pod_cache_touch(k->cache, v->uid);
}

void gc_dead(struct kubelet *k) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str *uids;
    uint32_t n = pod_cache_uids(k->cache, &a, &uids);
    for (uint32_t i = 0; i < n; i++) {
        const struct pod_view *v;
        if (pod_cache_view(k->cache, uids[i], &a, &v, NULL) == 0)
            collect_pod(k, v);
    }
}

/* -- logs -- */

struct reopening {
    struct kubelet *k;
    struct str id;
};

static int reopen(void *arg, struct err *err) {
    const struct reopening *x = arg;
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct cri_reopen_container_log_response *r = NULL;
    struct runtime_call call = {.arena = &a};
    return runtime_reopen_container_log(
        x->k->o.runtime, &call, &(struct cri_reopen_container_log_request){.container_id = x->id}, &r, err);
}

static void rotate(struct kubelet *k, const struct container_view *c) {
    struct reopening x = {.k = k, .id = c->id};
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    bool rotated;
    struct log_rotation r = {.path = arena_strz(&a, c->log_path),
                             .max_bytes = kubelet_config_log_bytes(&k->o.config),
                             .max_files = (unsigned)k->o.config.log_max_files,
                             .clock = k->clock,
                             .reopen = reopen,
                             .arg = &x};
    if (log_file_rotate(&r, &rotated, &err) < 0 && log_every(60000))
        log_warn("the log of a container could not be rotated", kv_str("log", c->log_path),
                 kv_err("err", &err));
}

void gc_logs(struct kubelet *k) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str *uids;
    uint32_t n = pod_cache_uids(k->cache, &a, &uids);
    for (uint32_t i = 0; i < n; i++) {
        const struct pod_view *v;
        if (pod_cache_view(k->cache, uids[i], &a, &v, NULL) < 0)
            continue;
        for (uint32_t c = 0; c < v->n_containers; c++)
            if (v->containers[c].state == CONTAINER_RUNNING && v->containers[c].log_path.n)
                rotate(k, &v->containers[c]);
    }
}

void gc_images(struct kubelet *k, unsigned high_percent, unsigned low_percent) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct cri_list_containers_response *list = NULL;
    struct runtime_call call = {.arena = &a};
    struct err err = ERR_INIT;
    if (runtime_list_containers(k->o.runtime, &call, &(struct cri_list_containers_request){0}, &list, &err) <
        0)
        return;
    struct str *in_use = arena_new_n(&a, 2 * list->containers.n + 1, struct str);
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->containers.n; i++) {
        in_use[n++] = list->containers.v[i].image_ref;
        if (list->containers.v[i].image)
            in_use[n++] = list->containers.v[i].image->image;
    }
    (void)images_collect(k->images, in_use, n, high_percent, low_percent, &err);
    if (err.code && log_every(60000))
        log_warn("unused images could not be looked at", kv_err("err", &err));
}
