/* Carrying out a plan: killing what must go, the sandbox, then containers in order.
 *
 * What hinders one container (its image, its configuration, its back-off) becomes its waiting reason; the
 * others go on.
 */
#include <stdio.h>

#include "api/types/cri.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "client/events.h"
#include "kubelet/hooks.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/pod_actions.h"
#include "runtime/runtime.h"

#define RETRY_NS 10000000000ll
#define RETRY_CONFIG_NS 2000000000ll

static int64_t grace_of(const struct core_pod *pod) {
    return pod->spec.termination_grace_period_seconds.set ? pod->spec.termination_grace_period_seconds.v : 30;
}

/* -- kills -- */

static struct str kill_text(const struct pod_run *r, const struct container_kill *kill) {
    static const char *const why[] = {
        [KILL_UNKNOWN] = "is in an unknown state, will be restarted",
        [KILL_CHANGED] = "definition changed, will be restarted",
        [KILL_LIVENESS] = "failed liveness probe, will be restarted",
        [KILL_STARTUP] = "failed startup probe, will be restarted",
        [KILL_POD_RESTART] = "is stopped, since all containers of the pod are restarted",
    };
    return arena_printf(r->a, "Container %.*s %s", STR_ARG(kill->container->name), why[kill->reason]);
}

/* CONFORMS: a probe may bring a grace period of its own. */
static int64_t kill_grace(const struct pod_run *r, const struct container_kill *kill) {
    struct container_ref c;
    if (!container_find(r->pod, kill->container->name, r->a, &c))
        return grace_of(r->pod);
    const struct core_probe *p = kill->reason == KILL_LIVENESS  ? c.spec->liveness_probe
                                 : kill->reason == KILL_STARTUP ? c.spec->startup_probe
                                                                : NULL;
    return p && p->termination_grace_period_seconds.set ? p->termination_grace_period_seconds.v
                                                        : grace_of(r->pod);
}

static int carry_out_kills(struct pod_run *r, const struct pod_actions *plan, struct err *err) {
    for (uint32_t i = 0; i < plan->n_kills; i++) {
        const struct container_kill *kill = &plan->kills[i];
        int rc =
            container_stop(r->k, r->object, kill->container, kill_grace(r, kill), kill_text(r, kill), err);
        pod_cache_touch(r->k->cache, str_from(r->p->uid));
        if (rc < 0)
            return err_wrap(err, "stopping container %.*s", STR_ARG(kill->container->name));
    }
    return 0;
}

/* -- the sandbox -- */

static int sandbox_failed(struct pod_run *r, const struct err *why) {
    event_record(r->k->events, r->object, "Warning", "FailedCreatePodSandBox",
                 "Failed to create pod sandbox: %s", why->msg);
    run_requeue(r, RETRY_NS);
    return why->code;
}

static int make_sandbox(struct pod_run *r, uint32_t attempt, struct err *err) {
    struct cri_run_pod_sandbox_request request = {0};
    struct setup_problem problem = {0};
    int rc = pod_setup_sandbox(r->k->setup, r->object, attempt, r->a, &request.config,
                               &request.runtime_handler, &problem, err);
    if (rc < 0)
        return sandbox_failed(r, err);
    const struct cri_run_pod_sandbox_response *made = NULL;
    struct runtime_call call = {.arena = r->a, .timeout_ms = 4 * 60 * 1000};
    rc = runtime_run_pod_sandbox(r->k->o.runtime, &call, &request, &made, err);
    pod_cache_touch(r->k->cache, str_from(r->p->uid));
    if (rc < 0)
        return sandbox_failed(r, err);
    return run_refresh(r, err);
}

/* -- one container -- */

struct starting {
    struct pod_run *r;
    const struct container_ref *c;
    const struct sandbox_view *sandbox;
    struct cri_pod_sandbox_config *sandbox_config;
    const struct image_credentials *credentials;
    struct image_got image;
};

static void on_image_event(void *arg, const char *type, const char *reason, struct str message) {
    const struct starting *s = arg;
    event_record(s->r->k->events, s->r->object, type, reason, "%.*s", STR_ARG(message));
}

static void hold_back(struct starting *s, const char *reason, struct str message, int64_t retry_ns) {
    (void)kpod_waits(s->r->p, s->c->spec->name, str_from(reason), message);
    run_requeue(s->r, retry_ns > 0 ? retry_ns : RETRY_NS);
}

static struct str pod_text(const struct pod_run *r) {
    return arena_printf(r->a, "%.*s_%.*s(%s)", STR_ARG(r->pod->metadata.name),
                        STR_ARG(r->pod->metadata.namespace), r->p->uid);
}

/* CONFORMS: container backoff: measured from the end of the last run; the first restart is immediate. */
static bool backing_off(struct starting *s) {
    struct pod_run *r = s->r;
    const struct container_view *last = pod_view_container(r->view, s->c->spec->name);
    if (!last || last->state != CONTAINER_EXITED)
        return false;
    struct str key = run_key(r, s->c->spec->name);
    int64_t now = clock_wall_ns(r->k->clock);
    int64_t left = backoff_remaining(&r->k->restarts, key, last->finished_ns, now);
    if (left == 0) {
        backoff_next(&r->k->restarts, key, last->finished_ns, now);
        return false;
    }
    char delay[DURATION_TEXT_SIZE];
    duration_format(delay, backoff_delay(&r->k->restarts, key));
    struct str message = arena_printf(r->a, "back-off %s restarting failed container=%.*s pod=%.*s", delay,
                                      STR_ARG(s->c->spec->name), STR_ARG(pod_text(r)));
    event_record(r->k->events, r->object, "Warning", "BackOff",
                 "Back-off restarting failed container %.*s in pod %.*s", STR_ARG(s->c->spec->name),
                 STR_ARG(pod_text(r)));
    hold_back(s, "CrashLoopBackOff", message, left + 1000000);
    return true;
}

static bool has_image(struct starting *s) {
    struct image_want want = {.container = s->c->spec,
                              .pod_key = str_from(s->r->p->uid),
                              .credentials = s->credentials,
                              .sandbox = s->sandbox_config,
                              .event = on_image_event,
                              .arg = s};
    if (image_ensure(s->r->k->images, &want, s->r->a, &s->image) == 0)
        return true;
    (void)kpod_waits(s->r->p, s->c->spec->name, s->image.reason, s->image.message);
    run_requeue(s->r, s->image.retry_ns > 0 ? s->image.retry_ns : RETRY_NS);
    return false;
}

/* What is told of a failure comes back as a change of the pod, which is no reason to try again at once. */
static bool failed(struct starting *s, const char *reason, const char *message) {
    struct pod_run *r = s->r;
    event_record(r->k->events, r->object, "Warning", "Failed", "Error: %s", message);
    struct waiting_reason *w = kpod_waits(r->p, s->c->spec->name, str_from(reason), str_from(message));
    bool config = strcmp(reason, "CreateContainerConfigError") == 0; /* something of the API is missing */
    int64_t retry = config ? RETRY_CONFIG_NS : RETRY_NS;
    w->until_ns = clock_mono_ns(r->k->clock) + retry;
    w->generation = r->pod->metadata.generation;
    run_requeue(r, retry);
    return false;
}

static bool held_back(struct starting *s) {
    struct pod_run *r = s->r;
    int64_t now = clock_mono_ns(r->k->clock);
    vec_foreach (w, &r->p->waiting)
        if (str_eq(w->container, s->c->spec->name) && w->until_ns > now &&
            w->generation == r->pod->metadata.generation) {
            run_requeue(r, w->until_ns - now);
            return true;
        }
    return false;
}

static uint32_t next_attempt(const struct starting *s) {
    const struct container_view *last = pod_view_container(s->r->view, s->c->spec->name);
    if (last)
        return last->attempt + 1;
    /* The runtime has lost it: go on from what was told. */
    const struct core_pod_status *st = &s->r->pod->status;
    const struct core_container_status_array *lists[] = {&st->container_statuses,
                                                         &st->init_container_statuses};
    for (int l = 0; l < 2; l++)
        for (uint32_t i = 0; i < lists[l]->n; i++) {
            const struct core_container_status *c = &lists[l]->v[i];
            if (str_eq(c->name, s->c->spec->name) && c->container_id.n)
                return (uint32_t)c->restart_count + 1;
        }
    return 0;
}

static bool create(struct starting *s, uint32_t attempt, struct str *ret_id) {
    struct pod_run *r = s->r;
    struct err err = ERR_INIT;
    struct setup_problem problem = {.reason = "CreateContainerConfigError"};
    struct cri_container_config *config = NULL;
    struct setup_container want = {
        .pod = r->object, .container = s->c, .view = r->view, .image = &s->image, .attempt = attempt};
    if (pod_setup_container(r->k->setup, &want, r->a, &config, &problem, &err) < 0)
        return failed(s, problem.reason, err.msg);
    struct cri_create_container_request request = {
        .pod_sandbox_id = s->sandbox->id, .config = config, .sandbox_config = s->sandbox_config};
    const struct cri_create_container_response *made = NULL;
    struct runtime_call call = {.arena = r->a};
    if (runtime_create_container(r->k->o.runtime, &call, &request, &made, &err) < 0)
        return failed(s, "CreateContainerError", err.msg);
    *ret_id = made->container_id;
    event_record(r->k->events, r->object, "Normal", "Created", "Created container: %.*s",
                 STR_ARG(s->c->spec->name));
    return true;
}

static bool post_start(struct starting *s, struct str id) {
    struct err err = ERR_INIT;
    struct str ip = s->sandbox->ips.n ? s->sandbox->ips.v[0] : STR_NONE;
    if (hook_post_start(s->r->k, s->r->object, s->c, id, ip, &err) == 0)
        return true;
    struct container_view started = {.id = id, .name = s->c->spec->name, .state = CONTAINER_RUNNING};
    struct str why =
        arena_printf(s->r->a, "Container %.*s failed its postStart hook", STR_ARG(s->c->spec->name));
    (void)container_stop(s->r->k, s->r->object, &started, grace_of(s->r->pod), why, NULL);
    return failed(s, "PostStartHookError", err.msg);
}

static bool start_one(struct starting *s) {
    struct pod_run *r = s->r;
    struct err err = ERR_INIT;
    struct str id = STR_NONE;
    if (held_back(s) || backing_off(s) || !has_image(s))
        return false;
    uint32_t attempt = next_attempt(s);
    bool created = create(s, attempt, &id);
    pod_cache_touch(r->k->cache, str_from(r->p->uid));
    if (!created)
        return false;
    const struct cri_start_container_response *answer = NULL;
    struct runtime_call call = {.arena = r->a};
    struct cri_start_container_request request = {.container_id = id};
    int rc = runtime_start_container(r->k->o.runtime, &call, &request, &answer, &err);
    pod_cache_touch(r->k->cache, str_from(r->p->uid));
    if (rc < 0)
        return failed(s, "RunContainerError", err.msg);
    event_record(r->k->events, r->object, "Normal", "Started", "Started container %.*s",
                 STR_ARG(s->c->spec->name));
    pod_setup_started(r->k->setup, r->object, s->c, attempt, id);
    kpod_waits_no_more(r->p, s->c->spec->name);
    return post_start(s, id);
}

static int start_containers(struct pod_run *r, const struct pod_actions *plan, struct err *err) {
    const struct sandbox_view *sandbox = pod_view_sandbox(r->view);
    if (!plan->n_starts || !sandbox)
        return 0;
    struct image_credentials credentials = {0};
    struct setup_problem problem = {0};
    struct str handler;
    struct cri_pod_sandbox_config *config = NULL;
    int rc =
        pod_setup_sandbox(r->k->setup, r->object, sandbox->attempt, r->a, &config, &handler, &problem, err);
    if (rc < 0)
        return sandbox_failed(r, err);
    pod_setup_credentials(r->k->setup, r->object, r->a, &credentials);
    for (uint32_t i = 0; i < plan->n_starts; i++) {
        struct starting s = {.r = r,
                             .c = &plan->starts[i],
                             .sandbox = sandbox,
                             .sandbox_config = config,
                             .credentials = &credentials};
        bool ok = start_one(&s);
        /* Init containers wait for each other. */
        if (!ok && plan->starts[i].list == LIST_INIT)
            break;
    }
    return 0;
}

/* -- all -- */

static int carry_out_stop(struct pod_run *r, struct err *err) {
    struct stop_options o = {.grace_seconds = grace_of(r->pod)};
    int rc = pod_stop(r->k, r->object, r->view, &o, err);
    return rc < 0 ? rc : run_refresh(r, err);
}

/* All containers of the pod go; the sandbox stays, and init containers run again. */
static int carry_out_restart_all(struct pod_run *r, struct err *err) {
    struct pod_view containers = *r->view;
    containers.n_sandboxes = 0;
    int rc = pod_remove_from_runtime(r->k, &containers, err);
    run_requeue(r, 1);
    return rc < 0 ? rc : run_refresh(r, err);
}

int pod_carry_out(struct pod_run *r, struct err *err) {
    struct probe_results results;
    struct pod_actions plan;
    prober_results(r->k->prober, str_from(r->p->uid), r->a, &results);
    pod_actions_compute(r->pod, r->view, &results, r->a, &plan);
    int rc = 0;
    if (plan.stop_pod)
        rc = carry_out_stop(r, err);
    else if (plan.n_kills)
        rc = carry_out_kills(r, &plan, err);
    if (rc == 0 && plan.restart_all)
        return carry_out_restart_all(r, err);
    if (rc == 0 && plan.n_kills)
        rc = run_refresh(r, err);
    if (rc == 0 && plan.make_sandbox)
        rc = make_sandbox(r, plan.attempt, err);
    return rc < 0 ? rc : start_containers(r, &plan, err);
}
