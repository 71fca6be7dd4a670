/* Ending containers and pods.
 *
 * CONFORMS: kubelet.tsv, termination: preStop within the grace period, the rest of it for the stop signal, at
 * least two seconds; app containers at once, then sidecars in reverse order in what is left; then sandboxes.
 */
#include <stdlib.h>

#include "api/types/cri.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "client/events.h"
#include "kubelet/hooks.h"
#include "kubelet/kubelet_priv.h"
#include "runtime/runtime.h"

#define MILLISECOND 1000000ll
#define SECOND 1000000000ll
#define GRACE_MIN_SECONDS 2

static int64_t left_seconds(const struct kubelet *k, int64_t until_ns) {
    int64_t left = (until_ns - clock_mono_ns(k->clock) + SECOND - 1) / SECOND;
    return left > GRACE_MIN_SECONDS ? left : GRACE_MIN_SECONDS;
}

static int stop_in_runtime(struct kubelet *k, struct str id, int64_t grace_seconds, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct cri_stop_container_response *r = NULL;
    /* The runtime needs a while after the last signal. */
    struct runtime_call call = {.arena = &a, .timeout_ms = (grace_seconds + 120) * 1000};
    struct cri_stop_container_request request = {.container_id = id, .timeout = grace_seconds};
    int rc = runtime_stop_container(k->o.runtime, &call, &request, &r, err);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int container_stop_now(struct kubelet *k, struct str id, int64_t until_ns, struct err *err) {
    return stop_in_runtime(k, id, left_seconds(k, until_ns), err);
}

static void run_pre_stop(struct kubelet *k, const struct object *pod, const struct container_ref *c,
                         const struct container_view *v, struct stop_under_way *s) {
    int64_t left_ns = stop_until(k, s) - clock_mono_ns(k->clock);
    if (left_ns <= 0)
        return;
    stop_set_in_hook(k, s, true);
    hook_pre_stop(k, pod, c, v, s, left_ns / MILLISECOND);
    stop_set_in_hook(k, s, false);
}

static int stop_with_hook(struct kubelet *k, const struct object *pod, const struct container_view *v,
                          int64_t until_ns, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct container_ref c;
    struct stop_under_way s;
    struct kpod *p = kpod_use(k, pod->meta->uid);
    stop_begin(k, p, v->id, until_ns, &s);
    if (v->state == CONTAINER_RUNNING && container_find(pod->body, v->name, &a, &c))
        run_pre_stop(k, pod, &c, v, &s);
    int rc = container_stop_now(k, v->id, stop_until(k, &s), err);
    stop_end(k, &s);
    kpod_done(k, p);
    return rc;
}

int container_stop(struct kubelet *k, const struct object *pod, const struct container_view *v,
                   int64_t grace_seconds, struct str why, struct err *err) {
    int64_t until = clock_mono_ns(k->clock) + grace_seconds * SECOND;
    if (pod && why.n)
        event_record(k->events, pod, "Normal", "Killing", "%.*s", STR_ARG(why));
    else if (pod)
        event_record(k->events, pod, "Normal", "Killing", "Stopping container %.*s", STR_ARG(v->name));
    return pod ? stop_with_hook(k, pod, v, until, err) : container_stop_now(k, v->id, until, err);
}

/* -- several at once -- */

struct stopping {
    struct kubelet *k;
    const struct object *pod;
    const struct container_view *v;
    int64_t grace_seconds;
    struct str why;
    struct thread thread;
    struct err err;
    int rc;
};

static void run_stop(void *arg) {
    struct stopping *s = arg;
    s->rc = container_stop(s->k, s->pod, s->v, s->grace_seconds, s->why, &s->err);
}

/* All but the first on threads of their own. */
static int stop_at_once(struct stopping *v, uint32_t n, struct err *err) {
    for (uint32_t i = 1; i < n; i++)
        if (thread_start(&v[i].thread, &(struct thread_options){.name = "stop"}, run_stop, &v[i], err) < 0)
            run_stop(&v[i]);
    if (n)
        run_stop(&v[0]);
    int rc = 0;
    for (uint32_t i = 0; i < n; i++) {
        thread_join(&v[i].thread);
        if (v[i].rc < 0) {
            rc = v[i].rc;
            if (err)
                *err = v[i].err;
        }
    }
    return rc;
}

static bool sidecar_of(const struct core_pod *pod, struct str name, uint32_t *ret_index) {
    for (uint32_t i = 0; pod && i < pod->spec.init_containers.n; i++)
        if (str_eq(pod->spec.init_containers.v[i].name, name) &&
            str_eq(pod->spec.init_containers.v[i].restart_policy, S("Always"))) {
            *ret_index = i;
            return true;
        }
    return false;
}

static bool may_run(const struct container_view *v) {
    return v->state == CONTAINER_RUNNING || v->state == CONTAINER_UNKNOWN || v->state == CONTAINER_CREATED;
}

static int stop_apps(struct kubelet *k, const struct object *pod, const struct pod_view *view,
                     const struct stop_options *o, struct arena *a, struct err *err) {
    struct stopping *v = arena_new_n(a, view->n_containers, struct stopping);
    uint32_t n = 0, index;
    for (uint32_t i = 0; i < view->n_containers; i++) {
        const struct container_view *c = &view->containers[i];
        if (may_run(c) && !sidecar_of(pod ? pod->body : NULL, c->name, &index))
            v[n++] = (struct stopping){
                .k = k, .pod = pod, .v = c, .grace_seconds = o->grace_seconds, .why = o->why};
    }
    return stop_at_once(v, n, err);
}

/* Of a pod that is known, within the grace period as it is by then. */
static int stop_sidecars(struct kubelet *k, const struct object *pod, const struct pod_view *view,
                         const struct stop_under_way *whole, struct err *err) {
    const struct core_pod *p = pod->body;
    for (uint32_t i = p->spec.init_containers.n; i-- > 0;) {
        uint32_t index;
        const struct core_container *c = &p->spec.init_containers.v[i];
        if (!sidecar_of(p, c->name, &index))
            continue;
        const struct container_view *v = pod_view_container(view, c->name);
        if (!v || !may_run(v))
            continue;
        int rc = container_stop(k, pod, v, left_seconds(k, stop_until(k, whole)), STR_NONE, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int stop_sandboxes(struct kubelet *k, const struct pod_view *view, struct err *err) {
    for (uint32_t i = 0; i < view->n_sandboxes; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        const struct cri_stop_pod_sandbox_response *r = NULL;
        struct runtime_call call = {.arena = &a};
        struct cri_stop_pod_sandbox_request request = {.pod_sandbox_id = view->sandboxes[i].id};
        if (!view->sandboxes[i].ready && i > 0)
            continue;
        int rc = runtime_stop_pod_sandbox(k->o.runtime, &call, &request, &r, err);
        if (rc < 0 && rc != ERR_NOT_FOUND)
            return err_wrap(err, "stopping sandbox %.*s", STR_ARG(view->sandboxes[i].id));
    }
    return 0;
}

static int stop_known(struct kubelet *k, const struct object *pod, const struct pod_view *view,
                      const struct stop_options *o, struct arena *a, struct err *err) {
    struct stop_under_way whole;
    struct kpod *p = kpod_use(k, pod->meta->uid);
    stop_begin(k, p, STR_NONE, clock_mono_ns(k->clock) + o->grace_seconds * SECOND, &whole);
    int rc = stop_apps(k, pod, view, o, a, err);
    if (rc == 0)
        rc = stop_sidecars(k, pod, view, &whole, err);
    stop_end(k, &whole);
    kpod_done(k, p);
    return rc;
}

int pod_stop(struct kubelet *k, const struct object *pod, const struct pod_view *view,
             const struct stop_options *o, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    int rc = pod ? stop_known(k, pod, view, o, &a, err) : stop_apps(k, NULL, view, o, &a, err);
    if (rc == 0)
        rc = stop_sandboxes(k, view, err);
    pod_cache_touch(k->cache, view->uid);
    if (rc < 0 && pod)
        event_record(k->events, pod, "Warning", "FailedKillPod", "error killing pod: %s",
                     err ? err->msg : "");
    return rc;
}

int pod_remove_from_runtime(struct kubelet *k, const struct pod_view *view, struct err *err) {
    int worst = 0;
    for (uint32_t i = 0; i < view->n_containers; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        const struct cri_remove_container_response *r = NULL;
        struct runtime_call call = {.arena = &a};
        int rc = runtime_remove_container(
            k->o.runtime, &call,
            &(struct cri_remove_container_request){.container_id = view->containers[i].id}, &r, err);
        if (rc < 0 && rc != ERR_NOT_FOUND)
            worst = rc;
    }
    for (uint32_t i = 0; i < view->n_sandboxes; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        const struct cri_remove_pod_sandbox_response *r = NULL;
        struct runtime_call call = {.arena = &a};
        int rc = runtime_remove_pod_sandbox(
            k->o.runtime, &call,
            &(struct cri_remove_pod_sandbox_request){.pod_sandbox_id = view->sandboxes[i].id}, &r, err);
        if (rc < 0 && rc != ERR_NOT_FOUND)
            worst = rc;
    }
    pod_cache_touch(k->cache, view->uid);
    return worst;
}
