/* Plans: see the header for the order of things. */
#include "kubelet/pod_actions.h"

#include "api/types/core.h"
#include "base/arena.h"

struct plan {
    const struct core_pod *pod;
    const struct pod_view *view;
    const struct probe_results *probes;
    struct pod_actions *out;
    struct container_ref *refs; /* init, app, ephemeral */
    uint32_t n_refs;
    uint32_t kept; /* app containers and sidecars that go on running, or are about to start */
};

static void start(struct plan *p, const struct container_ref *c) {
    p->out->starts[p->out->n_starts++] = *c;
}

static void kill_container(struct plan *p, const struct container_view *v, enum kill_reason reason) {
    p->out->kills[p->out->n_kills++] = (struct container_kill){.container = v, .reason = reason};
}

static const struct container_view *current(const struct plan *p, const struct container_ref *c) {
    return pod_view_container_in(p->view, p->out->sandbox_id, c->spec->name);
}

static enum restart restart_of(const struct plan *p, const struct container_ref *c,
                               const struct container_view *v) {
    return container_restart(p->pod, c, v->exit_code);
}

/* -- the sandbox -- */

/* CONFORMS: a sandbox is replaced when it is not the only ready one, has other namespaces than asked for, or
 * no address. */
static bool sandbox_usable(const struct plan *p) {
    const struct sandbox_view *s = pod_view_sandbox(p->view);
    if (!s || !s->ready || s->host_network != p->pod->spec.host_network)
        return false;
    for (uint32_t i = 1; i < p->view->n_sandboxes; i++)
        if (p->view->sandboxes[i].ready)
            return false;
    return s->host_network || s->ips.n > 0;
}

/* Whether some container of the pod would still be started on a new sandbox. */
static bool wants_to_run(const struct plan *p) {
    bool any_ran = false;
    for (uint32_t i = 0; i < p->n_refs; i++) {
        const struct container_ref *c = &p->refs[i];
        if (c->list != LIST_APP)
            continue;
        const struct container_view *v = pod_view_container(p->view, c->spec->name);
        if (!v)
            continue;
        any_ran = true;
        if (v->state != CONTAINER_EXITED || restart_of(p, c, v) != RESTART_NO)
            return true;
    }
    return !any_ran;
}

/* Failed for good: an init container that is not to run again. */
static bool init_failed_for_good(const struct plan *p) {
    for (uint32_t i = 0; i < p->n_refs; i++) {
        const struct container_ref *c = &p->refs[i];
        const struct container_view *v =
            c->list == LIST_INIT ? pod_view_container(p->view, c->spec->name) : NULL;
        if (v && v->state == CONTAINER_EXITED && v->exit_code != 0 && restart_of(p, c, v) == RESTART_NO)
            return true;
    }
    return false;
}

static bool any_app_missing(const struct plan *p) {
    for (uint32_t i = 0; i < p->n_refs; i++)
        if (p->refs[i].list == LIST_APP && !pod_view_container(p->view, p->refs[i].spec->name))
            return true;
    return false;
}

/* App containers of a fresh sandbox: those that have not ended for good. */
static void start_apps(struct plan *p) {
    for (uint32_t i = 0; i < p->n_refs; i++) {
        const struct container_ref *c = &p->refs[i];
        const struct container_view *v = pod_view_container(p->view, c->spec->name);
        bool ended = v && v->state == CONTAINER_EXITED && restart_of(p, c, v) == RESTART_NO;
        if (c->list == LIST_APP && !ended)
            start(p, c);
    }
}

static void plan_new_sandbox(struct plan *p) {
    struct pod_actions *out = p->out;
    const struct sandbox_view *s = pod_view_sandbox(p->view);
    out->stop_pod = pod_view_running(p->view);
    out->sandbox_id = STR_NONE;
    if (init_failed_for_good(p) || (!wants_to_run(p) && !any_app_missing(p)))
        return;
    out->make_sandbox = true;
    out->attempt = s ? s->attempt + 1 : 0;
    if (p->n_refs && p->refs[0].list == LIST_INIT)
        start(p, &p->refs[0]);
    else
        start_apps(p);
}

/* -- one container that should run -- */

/* Kills it when it must not go on; true: it goes on. */
static bool healthy(struct plan *p, const struct container_ref *c, const struct container_view *v) {
    char hash[9];
    container_hash(c->spec, hash);
    enum kill_reason why;
    if (v->hash.n && !str_eq(v->hash, str_from(hash)))
        why = KILL_CHANGED;
    else if (probe_result_of(p->probes, v->id, PROBE_LIVENESS) == PROBE_FAILURE)
        why = KILL_LIVENESS;
    else if (probe_result_of(p->probes, v->id, PROBE_STARTUP) == PROBE_FAILURE)
        why = KILL_STARTUP;
    else
        return true;
    kill_container(p, v, why);
    /* What exit code it will have is not known: what was killed has failed. */
    if (why == KILL_CHANGED || container_restart(p->pod, c, 137) != RESTART_NO) {
        p->kept++;
        start(p, c);
    }
    return false;
}

/* App containers and sidecars. */
static void keep_running(struct plan *p, const struct container_ref *c) {
    const struct container_view *v = current(p, c);
    if (v && v->state == CONTAINER_RUNNING) {
        if (healthy(p, c, v))
            p->kept++;
        return;
    }
    if (v && v->state == CONTAINER_EXITED && restart_of(p, c, v) == RESTART_NO)
        return;
    if (v && v->state == CONTAINER_UNKNOWN)
        kill_container(p, v, KILL_UNKNOWN);
    p->kept++;
    start(p, c);
}

/* -- init containers -- */

static bool any_app_created(const struct plan *p) {
    for (uint32_t i = 0; i < p->n_refs; i++)
        if (p->refs[i].list == LIST_APP && current(p, &p->refs[i]))
            return true;
    return false;
}

static bool sidecar_started(const struct plan *p, const struct container_ref *c) {
    const struct container_view *v = current(p, c);
    return v && v->state == CONTAINER_RUNNING && probe_started(p->probes, c->spec, v->id);
}

/* One init container whose predecessors are done: true when it is done, too. */
static bool init_step(struct plan *p, const struct container_ref *c, bool *ret_failed) {
    const struct container_view *v = current(p, c);
    if (!v || v->state == CONTAINER_CREATED) {
        start(p, c);
        return false;
    }
    if (v->state == CONTAINER_RUNNING) {
        (void)healthy(p, c, v);
        return false;
    }
    if (v->state == CONTAINER_UNKNOWN) {
        kill_container(p, v, KILL_UNKNOWN);
        start(p, c);
        return false;
    }
    if (v->exit_code == 0)
        return true;
    if (restart_of(p, c, v) == RESTART_NO)
        *ret_failed = true;
    else
        start(p, c);
    return false;
}

/* True when all are done and the app containers may run. *ret_failed: one has failed for good. */
static bool plan_init(struct plan *p, bool *ret_failed) {
    bool done = any_app_created(p);
    for (uint32_t i = 0; i < p->n_refs && p->refs[i].list == LIST_INIT; i++) {
        const struct container_ref *c = &p->refs[i];
        if (container_is_sidecar(c)) {
            keep_running(p, c);
            if (!done && !sidecar_started(p, c))
                return false;
        } else if (!done && !init_step(p, c, ret_failed)) {
            return false;
        }
    }
    return true;
}

/* -- RestartAllContainers -- */

static bool restart_all_asked(const struct plan *p) {
    for (uint32_t i = 0; i < p->n_refs; i++) {
        const struct container_view *v = current(p, &p->refs[i]);
        if (v && v->state == CONTAINER_EXITED && restart_of(p, &p->refs[i], v) == RESTART_POD)
            return true;
    }
    return false;
}

static void plan_restart_all(struct plan *p) {
    p->out->restart_all = true;
    for (uint32_t i = 0; i < p->view->n_containers; i++)
        if (p->view->containers[i].state == CONTAINER_RUNNING)
            kill_container(p, &p->view->containers[i], KILL_POD_RESTART);
}

/* -- all -- */

static void plan_ephemeral(struct plan *p) {
    for (uint32_t i = 0; i < p->n_refs; i++)
        if (p->refs[i].list == LIST_EPHEMERAL && !pod_view_container(p->view, p->refs[i].spec->name))
            start(p, &p->refs[i]);
}

/* Sidecars alone do not keep a pod alive. */
static void plan_present_sandbox(struct plan *p) {
    bool failed = false;
    plan_ephemeral(p);
    if (!plan_init(p, &failed)) {
        p->out->stop_pod = failed;
        if (failed)
            p->out->n_starts = 0;
        return;
    }
    uint32_t sidecars = p->kept;
    for (uint32_t i = 0; i < p->n_refs; i++)
        if (p->refs[i].list == LIST_APP)
            keep_running(p, &p->refs[i]);
    if (p->kept == sidecars) {
        p->out->stop_pod = true;
        p->out->n_starts = 0;
    }
}

void pod_actions_compute(const struct core_pod *pod, const struct pod_view *view,
                         const struct probe_results *probes, struct arena *a, struct pod_actions *ret) {
    *ret = (struct pod_actions){.sandbox_id = STR_NONE};
    struct plan p = {.pod = pod, .view = view, .probes = probes, .out = ret};
    p.n_refs = container_refs(pod, a, &p.refs);
    ret->starts = arena_new_n(a, p.n_refs + 1, struct container_ref);
    ret->kills = arena_new_n(a, p.n_refs + view->n_containers + 1, struct container_kill);
    if (!sandbox_usable(&p)) {
        plan_new_sandbox(&p);
        return;
    }
    ret->sandbox_id = pod_view_sandbox(view)->id;
    ret->attempt = pod_view_sandbox(view)->attempt;
    if (restart_all_asked(&p))
        plan_restart_all(&p);
    else
        plan_present_sandbox(&p);
}

bool pod_actions_any(const struct pod_actions *p) {
    return p->stop_pod || p->make_sandbox || p->restart_all || p->n_starts || p->n_kills;
}
