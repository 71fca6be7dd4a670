/* One run of one pod: where it stands, and the next step.
 *
 *     first seen ─▶ admitted? ──no──▶ Failed, done
 *          │yes
 *          ▼
 *       running: prepare → plan → carry out → tell ◀─┐ events, probes, time
 *          │ deleted, evicted, deadline, all ended   ┘
 *          ▼
 *       ending: tell → stop → tell → remove volumes and cgroup → delete from the API (when that was asked
 * for) ▼ gone: what the runtime still has of it is removed, its folders and its logs
 */
#include <stdlib.h>

#include "api/meta.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "client/events.h"
#include "client/reconciler.h"
#include "kubelet/kubelet_priv.h"

#define SECOND 1000000000ll
#define RESYNC_NS (60 * SECOND)

void run_requeue(struct pod_run *r, int64_t after_ns) {
    if (after_ns < 1)
        after_ns = 1;
    if (!r->requeue_ns || after_ns < r->requeue_ns)
        r->requeue_ns = after_ns;
}

int run_refresh(struct pod_run *r, struct err *err) {
    return pod_cache_view(r->k->cache, str_from(r->p->uid), r->a, &r->view, err);
}

struct str run_key(const struct pod_run *r, struct str container) {
    return arena_printf(r->a, "%s/%.*s", r->p->uid, STR_ARG(container));
}

/* -- what decides that it ends -- */

static void check_deadline(struct pod_run *r) {
    const struct core_pod *pod = r->pod;
    if (!pod->spec.active_deadline_seconds.set || !pod->status.start_time.set ||
        pod_phase_is_final(pod->status.phase))
        return;
    int64_t left =
        pod->status.start_time.sec + pod->spec.active_deadline_seconds.v - clock_wall_sec(r->k->clock);
    if (left > 0) {
        run_requeue(r, left * SECOND);
        return;
    }
    kpod_end(r->p, S("Failed"), S("DeadlineExceeded"),
             S("Pod was active on the node longer than the specified deadline"));
}

/* CONFORMS: eviction grace, hard thresholds: 1 s. */
static void check_eviction(struct pod_run *r) {
    mutex_lock(&r->k->pods_lock);
    struct str message = r->p->evict_message; /* once set it stays */
    mutex_unlock(&r->k->pods_lock);
    if (!message.p || r->p->end_phase.n)
        return;
    kpod_end(r->p, S("Failed"), S("Evicted"), message);
    r->p->disrupted = true;
    r->p->grace_override = 1;
}

static void check_admission(struct pod_run *r) {
    if (r->p->admitted || r->p->end_phase.n)
        return;
    /* What runs already was admitted by the kubelet that started it. */
    if (r->view->n_sandboxes || r->view->n_containers) {
        r->p->admitted = true;
        return;
    }
    struct str reason, message;
    if (pod_admit(r, &reason, &message)) {
        r->p->admitted = true;
        return;
    }
    kpod_end(r->p, S("Failed"), reason, message);
    event_record(r->k->events, r->object, "Warning", arena_strz(r->a, reason), "%.*s", STR_ARG(message));
}

static int64_t ending_grace(const struct pod_run *r) {
    const struct core_pod *pod = r->pod;
    if (r->p->grace_override >= 0)
        return r->p->grace_override;
    if (meta_is_deleting(&pod->metadata) && pod->metadata.deletion_grace_period_seconds.set)
        return pod->metadata.deletion_grace_period_seconds.v;
    return pod->spec.termination_grace_period_seconds.set ? pod->spec.termination_grace_period_seconds.v : 30;
}

/* -- ending -- */

static int take_down(struct pod_run *r, struct err *err) {
    if (r->p->taken_down)
        return 0;
    int rc = pod_setup_end(r->k->setup, str_from(r->p->uid), err);
    r->p->taken_down = rc == 0;
    return rc;
}

/* CONFORMS: the API's copy goes with grace 0, by uid, when nothing of the pod is left on the node. */
static int delete_from_api(struct pod_run *r, struct err *err) {
    struct client_delete o = {.uid = r->pod->metadata.uid, .grace_seconds = 0};
    int rc = client_delete(r->k->o.client, KIND(CORE_POD), r->pod->metadata.namespace, r->pod->metadata.name,
                           &o, err);
    return rc == ERR_NOT_FOUND || rc == ERR_CONFLICT ? 0 : rc;
}

static int run_ending(struct pod_run *r, struct err *err) {
    struct stop_options o = {.grace_seconds = ending_grace(r)};
    int rc = pod_tell(r, true, NULL, err);
    prober_update(r->k->prober, r->object, r->view);
    if (rc == 0 && pod_view_running(r->view))
        rc = pod_stop(r->k, r->object, r->view, &o, err);
    if (rc == 0)
        rc = run_refresh(r, err);
    struct core_pod_status status;
    if (rc == 0)
        rc = pod_tell(r, true, &status, err);
    if (rc < 0)
        return rc;
    if (pod_view_running(r->view)) {
        run_requeue(r, SECOND);
        return 0;
    }
    prober_forget(r->k->prober, str_from(r->p->uid));
    rc = take_down(r, err);
    if (rc == 0 && meta_is_deleting(&r->pod->metadata))
        rc = delete_from_api(r, err);
    return rc;
}

/* -- running -- */

static int prepare(struct pod_run *r, bool keep_cgroup, struct err *err) {
    struct setup_problem problem = {.reason = "FailedMount"};
    int rc = pod_setup_prepare(r->k->setup, r->object, keep_cgroup, r->a, &problem, err);
    r->p->prepared = rc == 0;
    r->p->taken_down = false;
    if (rc == 0)
        return 0;
    event_record(r->k->events, r->object, "Warning", problem.reason, "%s", err->msg);
    if (problem.final)
        kpod_end(r->p, S("Failed"), str_from(problem.reason), problem.message);
    run_requeue(r, r->p->end_phase.n ? 1 : 2 * SECOND);
    return rc;
}

static int run_running(struct pod_run *r, struct err *err) {
    struct core_pod_status status;
    run_use_newest(r);
    pod_resize_decide(r);
    int rc = pod_tell(r, false, &status, err);
    if (rc < 0)
        return rc;
    struct err why = ERR_INIT;
    pod_resize_decide(r); /* the run has the newest version again */
    bool shrinks = pod_resize_shrinks(r);
    rc = prepare(r, shrinks, &why);
    if (rc == 0) {
        pod_resize_actuate(r, shrinks);
        rc = pod_carry_out(r, &why);
    }
    int refreshed = run_refresh(r, err);
    if (refreshed < 0)
        return refreshed;
    pod_resize_note(r);
    prober_update(r->k->prober, r->object, r->view);
    int told = pod_tell(r, false, &status, err);
    if (told < 0)
        return told;
    if (rc < 0 && err)
        *err = why;
    if (pod_phase_is_final(pod_phase(r->pod, &status))) {
        r->p->over = true;
        run_requeue(r, 1);
    }
    return rc;
}

/* -- gone from its source -- */

static int run_gone(struct pod_run *r, struct err *err) {
    struct stop_options o = {.grace_seconds = r->p->grace_override >= 0 ? r->p->grace_override : 1};
    int rc = 0;
    if (pod_view_running(r->view))
        rc = pod_stop(r->k, NULL, r->view, &o, err);
    if (rc == 0)
        rc = run_refresh(r, err);
    if (rc == 0)
        rc = pod_remove_from_runtime(r->k, r->view, err);
    if (rc == 0)
        rc = pod_setup_remove(r->k->setup, str_from(r->p->uid), err);
    if (rc < 0)
        return rc;
    prober_forget(r->k->prober, str_from(r->p->uid));
    pods_forget(r->k, str_from(r->p->uid));
    return 0;
}

static int run_present(struct pod_run *r, struct err *err) {
    check_eviction(r);
    check_admission(r);
    check_deadline(r);
    bool ending = meta_is_deleting(&r->pod->metadata) || r->p->end_phase.n || r->p->over ||
                  pod_phase_is_final(r->pod->status.phase);
    if (ending)
        return run_ending(r, err);
    run_requeue(r, RESYNC_NS);
    return run_running(r, err);
}

int pod_sync(struct reconcile *rc, struct str uid, struct err *err) {
    struct kubelet *k = rc->arg;
    struct pod_run r = {.k = k, .p = kpod_use(k, uid), .a = rc->arena};
    int code = run_refresh(&r, err);
    r.object = kpod_object(k, r.p);
    if (r.object) {
        arena_hold(r.a, object_release_any, (void *)r.object);
        r.pod = r.object->body;
        if (r.p->is_static)
            run_use_newest(&r);
    }
    if (code == 0)
        code = r.object ? run_present(&r, err) : run_gone(&r, err);
    if (code == 0)
        rc->requeue_after_ns = r.requeue_ns;
    kpod_done(k, r.p);
    return code;
}
