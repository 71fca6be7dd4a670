/* Lifecycle hooks: exec, HTTP, sleep. */
#include "kubelet/hooks.h"

#include "api/types/cri.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "client/events.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/probe_run.h"
#include "runtime/runtime.h"

/* Upstream lets postStart take as long as it wants; a runtime call has to end some day. */
#define POST_START_MS (3600ll * 1000)
#define SECOND 1000000000ll

static int run_exec(struct kubelet *k, const struct core_exec_action *e, struct str id, int64_t timeout_ms,
                    struct arena *a, struct err *err) {
    const struct cri_exec_sync_response *r = NULL;
    struct runtime_call call = {.arena = a, .timeout_ms = timeout_ms + 2000};
    struct cri_exec_sync_request request = {
        .container_id = id, .cmd = e->command, .timeout = timeout_ms >= 1000 ? timeout_ms / 1000 : 1};
    int rc = runtime_exec_sync(k->o.runtime, &call, &request, &r, err);
    if (rc < 0)
        return rc;
    return r->exit_code == 0 ? 0
                             : err_set(err, ERR_IO, "command '%.*s' exited with %d: %.*s",
                                       STR_ARG(e->command.n ? e->command.v[0] : STR_NONE), r->exit_code,
                                       STR_ARG(r->stderr));
}

static int run_hook(struct kubelet *k, const struct core_lifecycle_handler *h, const struct container_ref *c,
                    struct str id, struct str ip, int64_t timeout_ms, struct arena *a, struct err *err) {
    struct probe_target t = {.runtime = k->o.runtime, .container = c->spec, .container_id = id, .pod_ip = ip};
    if (h->exec)
        return run_exec(k, h->exec, id, timeout_ms, a, err);
    if (h->http_get)
        return probe_http_get(h->http_get, &t, timeout_ms, a, err);
    if (h->sleep) {
        int64_t ms = h->sleep->seconds * 1000;
        clock_sleep_ns(k->clock, 1000000 * (ms < timeout_ms ? ms : timeout_ms));
        return 0;
    }
    return err_set(err, ERR_INVALID, "the hook has no handler");
}

int hook_post_start(struct kubelet *k, const struct object *pod, const struct container_ref *c, struct str id,
                    struct str pod_ip, struct err *err) {
    const struct core_lifecycle *l = c->spec->lifecycle;
    if (!l || !l->post_start)
        return 0;
    _cleanup_arena struct arena a = ARENA_INIT;
    int rc = run_hook(k, l->post_start, c, id, pod_ip, POST_START_MS, &a, err);
    if (rc < 0)
        event_record(k->events, pod, "Warning", "FailedPostStartHook", "PostStartHook failed: %s", err->msg);
    return rc;
}

void hook_pre_stop(struct kubelet *k, const struct object *pod, const struct container_ref *c,
                   const struct container_view *v, const struct stop_under_way *stop, int64_t timeout_ms) {
    const struct core_lifecycle *l = c->spec->lifecycle;
    if (!l || !l->pre_stop)
        return;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str ip = ((const struct core_pod *)pod->body)->status.pod_ip;
    if (l->pre_stop->sleep)
        stop_sleep(k, stop, l->pre_stop->sleep->seconds * SECOND);
    else if (run_hook(k, l->pre_stop, c, v->id, ip, timeout_ms, &a, &err) < 0)
        event_record(k->events, pod, "Warning", "FailedPreStopHook", "PreStopHook failed: %s", err.msg);
}
