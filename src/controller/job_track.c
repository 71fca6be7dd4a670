/* controller/job_track: counts the pods of a job that ended, each exactly once.
 *
 *     ended, with finalizer ──▶ uid written to status.uncountedTerminatedPods
 *                           ──▶ finalizer removed from the pod
 *                           ──▶ counted in status, uid removed
 *
 * A crash at any point leaves enough behind to go on. A pod whose finalizer was removed but is still seen
 * with it is an expectation: no run counts while there are such.
 *
 * CONFORMS: KEP-2307.
 */
#include "api/equal.h"
#include "base/vec.h"
#include "client/expect.h"
#include "controller/calls.h"
#include "controller/job_priv.h"

struct tracking {
    struct job_run *x;
    struct batch_job_status s;      /* as it will be */
    struct objects let_go;          /* pods to remove the finalizer from */
    struct str *succeeded, *failed; /* uncounted uids */
    uint32_t n_succeeded, n_failed;
    size_t left; /* for another run */
};

static bool has_uid(const struct str *v, uint32_t n, struct str uid) {
    for (uint32_t i = 0; i < n; i++)
        if (str_eq(v[i], uid))
            return true;
    return false;
}

bool job_is_uncounted(const struct batch_job_status *s, struct str uid) {
    const struct batch_uncounted_terminated_pods *u = s->uncounted_terminated_pods;
    return u && (has_uid(u->succeeded.v, u->succeeded.n, uid) || has_uid(u->failed.v, u->failed.n, uid));
}

/* -- what ended -- */

static void take_success(struct tracking *t, const struct object *pod) {
    if (!job_is_indexed(&t->x->job) && !job_is_uncounted(&t->x->job.status, pod->meta->uid))
        t->succeeded[t->n_succeeded++] = pod->meta->uid;
    vec_push_in(t->x->a, &t->let_go, pod);
}

static void take_failure(struct tracking *t, const struct object *pod) {
    struct job_run *x = t->x;
    const struct core_pod *p = pod_of(pod);
    int32_t index = job_pod_index(p);
    bool counts = !job_is_indexed(&x->job) || (index >= 0 && index < x->job.spec.completions.v);
    counts = counts && job_failure_action(&x->job, p, x->a, NULL) != FAILURE_IGNORED;
    if (index >= 0 && job_delayed_pod(x, index) == pod)
        return;
    if (counts && !job_is_uncounted(&x->job.status, pod->meta->uid))
        t->failed[t->n_failed++] = pod->meta->uid;
    vec_push_in(x->a, &t->let_go, pod);
}

static void collect(struct tracking *t) {
    struct job_run *x = t->x;
    const struct batch_uncounted_terminated_pods *u = x->job.status.uncounted_terminated_pods;
    uint32_t before_s = u ? u->succeeded.n : 0, before_f = u ? u->failed.n : 0;
    t->succeeded = arena_new_n(x->a, before_s + x->pods.n + 1, struct str);
    t->failed = arena_new_n(x->a, before_f + x->pods.n + 1, struct str);
    for (uint32_t i = 0; i < before_s; i++)
        t->succeeded[t->n_succeeded++] = u->succeeded.v[i];
    for (uint32_t i = 0; i < before_f; i++)
        t->failed[t->n_failed++] = u->failed.v[i];
    for (size_t i = 0; i < x->pods.n; i++) {
        const struct object *pod = x->pods.v[i];
        if (!job_pod_is_tracked(pod))
            continue;
        if (t->let_go.n >= JOB_PODS_AT_ONCE)
            t->left++;
        else if (str_eq(pod_of(pod)->status.phase, S("Succeeded")))
            take_success(t, pod);
        else if (job_pod_failed(&x->job, pod_of(pod)))
            take_failure(t, pod);
    }
}

/* -- writing -- */

static struct batch_uncounted_terminated_pods *uncounted(struct tracking *t) {
    struct batch_uncounted_terminated_pods *u = arena_new(t->x->a, struct batch_uncounted_terminated_pods);
    u->succeeded = (struct str_array){t->n_succeeded ? t->succeeded : NULL, t->n_succeeded};
    u->failed = (struct str_array){t->n_failed ? t->failed : NULL, t->n_failed};
    return u;
}

static int write_status(struct tracking *t, struct err *err) {
    struct job_run *x = t->x;
    if (api_equal(&builtin, TY_BATCH_JOB_STATUS, &t->s, &((const struct batch_job *)x->object->body)->status))
        return 0;
    struct object *written = NULL;
    x->job.status = t->s;
    int rc = client_update_status(x->c->client, x->object->kind, &x->job, &written, err);
    if (rc || !written)
        return rc;
    arena_hold(x->a, object_release_any, written);
    x->job = *(const struct batch_job *)written->body;
    x->object = written;
    return 0;
}

static struct str finalizer_patch(struct arena *a, const struct object *pod) {
    return arena_printf(a,
                        "{\"metadata\":{\"uid\":\"%.*s\",\"$deleteFromPrimitiveList/finalizers\":["
                        "\"batch.kubernetes.io/job-tracking\"]}}",
                        STR_ARG(pod->meta->uid));
}

/* Removes the finalizers; pods for which that failed keep their uids uncounted. */
static int let_go(struct tracking *t, struct err *err) {
    struct job_run *x = t->x;
    uint32_t n = (uint32_t)t->let_go.n;
    if (!n)
        return 0;
    struct client_call *calls = arena_new_n(x->a, n, struct client_call);
    struct call_result *results = arena_new_n(x->a, n, struct call_result);
    struct str *uids = arena_new_n(x->a, n, struct str);
    for (uint32_t i = 0; i < n; i++) {
        const struct object *pod = t->let_go.v[i];
        uids[i] = pod->meta->uid;
        calls[i] = (struct client_call){.verb = CLIENT_PATCH,
                                        .kind = KIND(CORE_POD),
                                        .ns = pod->meta->namespace,
                                        .name = pod->meta->name,
                                        .patch = CLIENT_PATCH_STRATEGIC,
                                        .patch_text = finalizer_patch(x->a, pod)};
    }
    struct err first = ERR_INIT;
    expect_deletions(x->self->finalizers, x->key, uids, n);
    (void)calls_all(x->c->client, calls, n, results, &first);
    int rc = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (results[i].code)
            expect_deletion_seen(x->self->finalizers, x->key, uids[i]);
        if (results[i].code && results[i].code != ERR_NOT_FOUND)
            rc = results[i].code;
    }
    call_results_release(results, n);
    if (rc)
        *err = first;
    return rc;
}

static void count(struct tracking *t) {
    if (!job_is_indexed(&t->x->job))
        t->s.succeeded += (int32_t)t->n_succeeded;
    t->s.failed += (int32_t)t->n_failed;
    t->n_succeeded = t->n_failed = 0;
    t->s.uncounted_terminated_pods = uncounted(t);
}

/* -- the end -- */

static void finish(struct tracking *t) {
    struct job_run *x = t->x;
    bool failed = job_goal_is_failure(x);
    if (!job_has_goal(x) || t->left || x->active.n || x->terminating)
        return;
    struct batch_job_condition c =
        job_condition_now(x, failed ? "Failed" : "Complete", true, x->goal.reason, x->goal.message);
    if (!job_set_condition(x->a, &t->s, &c))
        return;
    t->s.active = 0;
    t->s.ready = (struct opt_i32){0, true};
    t->s.terminating = (struct opt_i32){0, true};
    if (!failed)
        t->s.completion_time = now_stamp(x->r);
    if (failed)
        event_record(x->c->events, x->object, "Warning", "Failed", "%.*s", STR_ARG(x->goal.message));
    else
        event_record(x->c->events, x->object, "Normal", "Completed", "Job completed");
}

static void set_indexes(struct tracking *t) {
    struct job_run *x = t->x;
    if (!job_is_indexed(&x->job))
        return;
    t->s.completed_indexes = indexes_format(x->a, &x->done);
    t->s.succeeded = (int32_t)indexes_count(&x->done);
    if (x->job.spec.backoff_limit_per_index.set)
        t->s.failed_indexes = indexes_format(x->a, &x->lost);
    if (!t->s.failed_indexes.p && x->job.spec.backoff_limit_per_index.set)
        t->s.failed_indexes = S("");
}

int job_track(struct job_run *x, struct err *err) {
    struct tracking t = {.x = x, .s = x->job.status};
    collect(&t);
    t.s.ready = (struct opt_i32){x->ready, true};
    t.s.terminating = (struct opt_i32){x->terminating, true};
    t.s.uncounted_terminated_pods = uncounted(&t);
    set_indexes(&t);
    if (job_has_goal(x))
        (void)job_set_condition(x->a, &t.s, &x->goal);
    /* what ended is on record before its pod is let go */
    int rc = t.let_go.n ? write_status(&t, err) : 0;
    if (!rc)
        rc = let_go(&t, err);
    if (rc)
        return rc;
    count(&t);
    finish(&t);
    rc = write_status(&t, err);
    if (!rc && t.left)
        x->r->requeue_after_ns = 1;
    return rc;
}
