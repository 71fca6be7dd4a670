/* controller/job: runs pods until enough of them have succeeded.
 *
 * One run: look at the job's pods, decide whether the job is to fail or has succeeded, make or delete pods,
 * count what ended (job_track.h says how). Pods whose job is gone are let go by a second reconciler.
 */
#include "api/label_selector.h"
#include "api/meta.h"
#include "api/time.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "client/expect.h"
#include "controller/claim.h"
#include "controller/job_priv.h"
#include "controller/rows.h"

#define JOB_BATCH_NS (100 * NS_PER_MS) /* pods that end shortly after each other are counted together */

struct job_controller {
    struct jobs jobs; /* first: what job_priv.h knows */
    struct claim_map pods;
    struct informer *pod_informer;
};

/* -- conditions -- */

struct batch_job_condition job_condition_now(const struct job_run *x, const char *type, bool status,
                                             struct str reason, struct str message) {
    struct timestamp now = now_stamp(x->r);
    return (struct batch_job_condition){.type = str_from(type),
                                        .status = status ? S("True") : S("False"),
                                        .last_probe_time = now,
                                        .last_transition_time = now,
                                        .reason = reason,
                                        .message = message};
}

bool job_set_condition(struct arena *a, struct batch_job_status *s, const struct batch_job_condition *c) {
    struct batch_job_condition *v = arena_new_n(a, s->conditions.n + 1, struct batch_job_condition);
    uint32_t at = 0;
    while (at < s->conditions.n && !str_eq(s->conditions.v[at].type, c->type))
        at++;
    if (at < s->conditions.n && str_eq(s->conditions.v[at].status, c->status) &&
        str_eq(s->conditions.v[at].reason, c->reason))
        return false;
    if (s->conditions.n)
        memcpy(v, s->conditions.v, s->conditions.n * sizeof *v);
    v[at] = *c;
    s->conditions.n += at == s->conditions.n;
    s->conditions.v = v;
    return true;
}

/* -- looking -- */

static void count_pod(struct job_run *x, const struct object *pod) {
    const struct core_pod *p = pod_of(pod);
    if (pod_is_active(p)) {
        vec_push_in(x->a, &x->active, pod);
        x->ready += pod_is_ready(p);
    } else if (meta_is_deleting(pod->meta) && !pod_is_finished(p)) {
        x->terminating++;
    }
    if (!job_pod_is_tracked(pod) || job_is_uncounted(&x->job.status, pod->meta->uid))
        return;
    if (str_eq(p->status.phase, S("Succeeded")))
        x->succeeded++;
    else if (job_pod_failed(&x->job, p))
        x->failed += job_failure_action(&x->job, p, x->a, NULL) != FAILURE_IGNORED;
}

static void look_at_indexes(struct job_run *x) {
    int32_t end = x->job.spec.completions.v;
    int32_t *done = arena_new_n(x->a, x->pods.n + 1, int32_t),
            *lost = arena_new_n(x->a, x->pods.n + 1, int32_t);
    size_t n_done = 0, n_lost = 0;
    for (size_t i = 0; i < x->pods.n; i++) {
        const struct core_pod *p = pod_of(x->pods.v[i]);
        int32_t index = job_pod_index(p);
        if (index < 0 || index >= end || !job_pod_is_tracked(x->pods.v[i]))
            continue;
        if (str_eq(p->status.phase, S("Succeeded")))
            done[n_done++] = index;
        else if (job_index_failed(&x->job, p, x->a))
            lost[n_lost++] = index;
    }
    x->done = indexes_parse(x->a, x->job.status.completed_indexes, end);
    x->done = indexes_with(x->a, &x->done, done, n_done);
    x->lost = indexes_parse(x->a, x->job.status.failed_indexes, end);
    x->lost = indexes_with(x->a, &x->lost, lost, n_lost);
    x->succeeded = indexes_count(&x->done);
}

static int look(struct job_run *x, struct err *err) {
    struct label_selector selector;
    const struct batch_uncounted_terminated_pods *u = x->job.status.uncounted_terminated_pods;
    int rc = label_selector_compile(x->a, x->job.spec.selector, &selector, err);
    struct claim claim = {.controller = x->c,
                          .r = x->r,
                          .owner = x->object,
                          .selector = &selector,
                          .kind = KIND(CORE_POD),
                          .finalizer = JOB_TRACKING};
    if (!rc)
        rc = claim_objects(&claim, &x->pods, err);
    if (rc)
        return rc;
    x->succeeded = x->job.status.succeeded + (u ? u->succeeded.n : 0);
    x->failed = x->job.status.failed + (u ? u->failed.n : 0);
    for (size_t i = 0; i < x->pods.n; i++)
        count_pod(x, x->pods.v[i]);
    if (job_is_indexed(&x->job))
        look_at_indexes(x);
    return 0;
}

/* -- deciding -- */

static void set_goal(struct job_run *x, bool failure, const char *reason, struct str message) {
    x->goal = job_condition_now(x, failure ? "FailureTarget" : "SuccessCriteriaMet", true, str_from(reason),
                                message);
}

static bool past_deadline(struct job_run *x) {
    const struct batch_job *j = &x->job;
    if (!j->spec.active_deadline_seconds.set || !j->status.start_time.set || j->spec.suspend.v)
        return false;
    int64_t left =
        timestamp_to_ns(j->status.start_time) + j->spec.active_deadline_seconds.v * NS_PER_SEC - now_ns(x->r);
    if (left > 0)
        x->r->requeue_after_ns = left;
    return left <= 0;
}

static bool policy_fails(struct job_run *x, struct str *ret_message) {
    for (size_t i = 0; x->job.spec.pod_failure_policy && i < x->pods.n; i++) {
        const struct core_pod *p = pod_of(x->pods.v[i]);
        if (job_pod_failed(&x->job, p) && job_failure_action(&x->job, p, x->a, ret_message) == FAILURE_OF_JOB)
            return true;
    }
    return false;
}

static void decide_by_indexes(struct job_run *x) {
    const struct batch_job *j = &x->job;
    int64_t lost = indexes_count(&x->lost);
    if (j->spec.max_failed_indexes.set && lost > j->spec.max_failed_indexes.v)
        set_goal(x, true, "MaxFailedIndexesExceeded",
                 S("Job has exceeded the specified maximal number of failed indexes"));
    else if (lost && lost + x->succeeded >= j->spec.completions.v)
        set_goal(x, true, "FailedIndexes", S("Job has failed indexes"));
    int32_t rule = job_has_goal(x) ? -1 : job_success_rule(j, &x->done, x->a);
    if (rule >= 0)
        set_goal(x, false, "SuccessPolicy", arena_printf(x->a, "Matched rules at index %d", rule));
}

/* Whether the job is to end, by what there was before or what is seen now. */
static void decide(struct job_run *x) {
    const struct batch_job *j = &x->job;
    const struct batch_job_condition *c = job_condition(&j->status, S("FailureTarget"));
    struct str message = S("");
    if (!c)
        c = job_condition(&j->status, S("SuccessCriteriaMet"));
    int64_t limit = j->spec.backoff_limit.set             ? j->spec.backoff_limit.v
                    : j->spec.backoff_limit_per_index.set ? INT32_MAX
                                                          : 6;
    if (c && str_eq(c->status, S("True")))
        x->goal = *c;
    else if (policy_fails(x, &message))
        set_goal(x, true, "PodFailurePolicy", message);
    else if (x->failed > limit || job_restarts_exceed(j, &x->pods))
        set_goal(x, true, "BackoffLimitExceeded", S("Job has reached the specified backoff limit"));
    else if (past_deadline(x))
        set_goal(x, true, "DeadlineExceeded", S("Job was active longer than specified deadline"));
    else if (job_is_indexed(j))
        decide_by_indexes(x);
}

static bool has_enough(const struct job_run *x) {
    if (x->active.n || x->made)
        return false;
    return x->job.spec.completions.set ? x->succeeded >= x->job.spec.completions.v : x->succeeded > 0;
}

static void note_suspension(struct job_run *x) {
    bool suspended = x->job.spec.suspend.v;
    const struct batch_job_condition *c = job_condition(&x->job.status, S("Suspended"));
    if (!suspended && !c)
        return;
    struct batch_job_condition now =
        suspended ? job_condition_now(x, "Suspended", true, S("JobSuspended"), S("Job suspended"))
                  : job_condition_now(x, "Suspended", false, S("JobResumed"), S("Job resumed"));
    if (!job_set_condition(x->a, &x->job.status, &now))
        return;
    if (!suspended)
        x->job.status.start_time = now_stamp(x->r);
    event_record(x->c->events, x->object, "Normal", suspended ? "Suspended" : "Resumed", "%.*s",
                 STR_ARG(now.message));
}

/* -- one run -- */

static int act(struct job_run *x, bool may_act, struct err *err) {
    bool managed = false;
    int rc = 0;
    if (job_has_goal(x)) {
        rc = may_act ? job_delete_pods(x, &x->active, err) : 0;
    } else if (may_act && !meta_is_deleting(x->object->meta)) {
        rc = job_manage(x, err);
        managed = true;
    }
    x->job.status.active = (int32_t)(x->active.n + x->made);
    if (!job_has_goal(x) && managed && has_enough(x))
        set_goal(x, false, "CompletionsReached", S("Reached expected number of succeeded pods"));
    if (!job_has_goal(x) && managed)
        note_suspension(x);
    struct err second = ERR_INIT;
    int rc_track = job_track(x, &second);
    if (!rc && rc_track)
        *err = second;
    return rc ? rc : rc_track;
}

static bool is_ours(const struct batch_job *j) {
    return !j->spec.managed_by.n || str_eq(j->spec.managed_by, S("kubernetes.io/job-controller"));
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct job_run x = {.c = controller_in(r), .r = r, .a = r->arena, .key = key};
    x.self = x.c->state;
    x.object = world_get_key(&r->world, KIND(BATCH_JOB), key);
    if (!x.object) {
        expectations_forget(x.self->pods, key);
        expectations_forget(x.self->finalizers, key);
        return 0;
    }
    x.job = *(const struct batch_job *)x.object->body;
    if (!is_ours(&x.job) || job_is_finished(&x.job) || !expectations_met_in(x.self->finalizers, key, r))
        return 0;
    bool may_act = expectations_met_in(x.self->pods, key, r);
    int rc = look(&x, err);
    if (rc)
        return unless_gone(rc);
    if (!x.job.status.start_time.set && !x.job.spec.suspend.v)
        x.job.status.start_time = now_stamp(r);
    decide(&x);
    return unless_gone(act(&x, may_act, err));
}

/* -- pods whose job is gone -- */

static bool is_orphan(struct world *w, const struct object *pod) {
    const struct meta_owner_reference *owner = meta_controller(pod->meta);
    if (!owner || !str_eq(owner->kind, S("Job")))
        return owner == NULL;
    const struct object *job = world_get(w, KIND(BATCH_JOB), pod->meta->namespace, owner->name);
    return !job || !str_eq(job->meta->uid, owner->uid) || job_is_finished(job->body);
}

static int reconcile_orphan(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *pod = world_get_key(&r->world, KIND(CORE_POD), key);
    if (!pod || !job_pod_is_tracked(pod) || !is_orphan(&r->world, pod))
        return 0;
    struct str patch =
        arena_printf(r->arena,
                     "{\"metadata\":{\"uid\":\"%.*s\",\"$deleteFromPrimitiveList/finalizers\":["
                     "\"batch.kubernetes.io/job-tracking\"]}}",
                     STR_ARG(pod->meta->uid));
    int rc = client_patch(c->client, KIND(CORE_POD), pod->meta->namespace, pod->meta->name, STR_NONE,
                          CLIENT_PATCH_STRATEGIC, patch, NULL, err);
    return unless_gone(rc);
}

static void map_orphan(struct reconciler *rc, const struct informer_event *e, void *arg) {
    if (e->type != INFORMER_DELETED && job_pod_is_tracked(e->object) &&
        (meta_is_deleting(e->object->meta) || !meta_controller(e->object->meta) ||
         e->type == INFORMER_ADDED || pod_is_finished(pod_of(e->object))))
        map_self(rc, e, arg);
}

static void map_gone_job(struct reconciler *rc, const struct informer_event *e, void *arg) {
    struct informer_snapshot s;
    struct cow_iter it;
    bool finished = e->type == INFORMER_MODIFIED && job_is_finished(e->object->body) &&
                    !job_is_finished(e->previous->body);
    if (e->type != INFORMER_DELETED && !finished)
        return;
    _cleanup_arena struct arena a = ARENA_INIT;
    informer_snapshot((struct informer *)arg, &s);
    cow_foreach (item, &it,
                 cow_prefix(&it, &s.by_owner, arena_printf(&a, "%.*s/", STR_ARG(e->object->meta->uid))))
        reconciler_enqueue(rc, object_key_of(&a, item->value));
    informer_snapshot_fini(&s);
}

/* -- events -- */

static bool selects(const struct object *o, struct str_map labels) {
    const struct meta_label_selector *s = ((const struct batch_job *)o->body)->spec.selector;
    return s && (s->match_labels.n || s->match_expressions.n) && label_selector_struct_matches(s, labels);
}

/* The finalizer that we removed is seen to be gone. */
static void map_pod(struct reconciler *rc, const struct informer_event *e, void *arg) {
    struct job_controller *s = arg;
    const struct meta_owner_reference *owner = meta_controller(e->object->meta);
    if (owner && str_eq(owner->kind, S("Job")) &&
        (e->type == INFORMER_DELETED || !job_pod_is_tracked(e->object))) {
        _cleanup_arena struct arena a = ARENA_INIT;
        expect_deletion_seen(s->jobs.finalizers, key_of(&a, e->object->meta->namespace, owner->name),
                             e->object->meta->uid);
    }
    claim_map_event(rc, e, &s->pods);
}

static int start_orphans(struct controller *c, struct informer *pods, struct err *err) {
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_POD, map_orphan, NULL),
        WATCH_ALL(BATCH_JOB, map_gone_job, pods),
    };
    return controller_add(c,
                          &(struct reconciler_options){.name = "job-orphans",
                                                       .watches = watches,
                                                       .n_watches = 2,
                                                       .reconcile = reconcile_orphan,
                                                       .concurrency = 2},
                          NULL, err);
}

int job_start(struct controller *c, struct err *err) {
    struct job_controller *s = controller_state(c, sizeof *s);
    s->jobs.pods = expectations_new(c->clock);
    s->jobs.finalizers = expectations_new(c->clock);
    s->pods = (struct claim_map){.controller = c,
                                 .owner_kind = KIND(BATCH_JOB),
                                 .selects = selects,
                                 .expectations = s->jobs.pods,
                                 .delay_ns = JOB_BATCH_NS};
    int rc =
        informer_get(c->watcher, &(struct informer_options){.kind = KIND(BATCH_JOB)}, &s->pods.owners, err);
    if (!rc)
        rc = informer_get(c->watcher, &(struct informer_options){.kind = KIND(CORE_POD)}, &s->pod_informer,
                          err);
    if (rc)
        return rc;
    const struct reconciler_watch watches[] = {
        WATCH_ALL(BATCH_JOB, map_self, NULL),
        WATCH_ALL(CORE_POD, map_pod, s),
    };
    rc = controller_add(c,
                        &(struct reconciler_options){.watches = watches,
                                                     .n_watches = 2,
                                                     .reconcile = reconcile,
                                                     .writer = c->client,
                                                     .concurrency = 5,
                                                     .retry_min_ns = NS_PER_SEC,
                                                     .retry_max_ns = NS_PER_MIN},
                        NULL, err);
    return rc ? rc : start_orphans(c, s->pod_informer, err);
}

void job_stop(struct controller *c) {
    struct job_controller *s = c->state;
    informer_unref(s->pods.owners);
    informer_unref(s->pod_informer);
    expectations_free(s->jobs.pods);
    expectations_free(s->jobs.finalizers);
}
