/* controller/cronjob: makes jobs when their time has come, and forgets old ones. */
#include <stdlib.h>

#include "api/cron.h"
#include "api/equal.h"
#include "api/meta.h"
#include "api/time.h"
#include "api/time_zone.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "controller/controller_priv.h"
#include "controller/cronjob_plan.h"
#include "controller/job_policy.h"
#include "controller/rows.h"

#define LATE_NS (100 * NS_PER_MS)       /* behind the full minute, so that it has surely come */
#define LOOK_AGAIN_NS (10 * NS_PER_MIN) /* at the latest: wall clocks are set */

struct cron_run {
    struct controller *c;
    struct reconcile *r;
    struct arena *a;
    const struct object *object;
    struct batch_cron_job cj; /* with the status as it is to be */
    struct objects jobs;
    struct core_object_reference *active;
    uint32_t n_active;
};

static const struct batch_job *job_of(const struct object *o) {
    return o->body;
}

/* -- what has become of the jobs -- */

static const struct object *owned_job(const struct cron_run *x, struct str uid) {
    for (size_t i = 0; i < x->jobs.n; i++)
        if (str_eq(x->jobs.v[i]->meta->uid, uid))
            return x->jobs.v[i];
    return NULL;
}

static void note_success(struct cron_run *x, const struct batch_job *j) {
    struct timestamp t = j->status.completion_time;
    if (job_condition_is_true(&j->status, S("Complete")) && t.set &&
        timestamp_cmp(t, x->cj.status.last_successful_time) > 0)
        x->cj.status.last_successful_time = t;
}

/* 0: drop the reference. 1: keep it. < 0: an error. */
static int keep_active(struct cron_run *x, const struct core_object_reference *ref, struct err *err) {
    const struct object *job = owned_job(x, ref->uid);
    struct object *fresh = NULL;
    if (!job) { /* the cache may not have it yet */
        int rc =
            client_get(x->c->client, KIND(BATCH_JOB), x->object->meta->namespace, ref->name, &fresh, err);
        if (rc && rc != ERR_NOT_FOUND)
            return rc;
        bool there = fresh && str_eq(fresh->meta->uid, ref->uid);
        object_unref(fresh);
        if (!there)
            event_record(x->c->events, x->object, "Normal", "MissingJob", "Active job went missing: %.*s",
                         STR_ARG(ref->name));
        return there;
    }
    if (!job_is_finished(job->body))
        return 1;
    bool failed = job_condition_is_true(&job_of(job)->status, S("Failed"));
    event_record(x->c->events, x->object, "Normal", "SawCompletedJob",
                 "Saw completed job: %.*s, condition: %s", STR_ARG(ref->name),
                 failed ? "Failed" : "Complete");
    return 0;
}

static int sync_active(struct cron_run *x, struct err *err) {
    x->active = arena_new_n(x->a, x->cj.status.active.n + 1, struct core_object_reference);
    for (uint32_t i = 0; i < x->cj.status.active.n; i++) {
        int keep = keep_active(x, &x->cj.status.active.v[i], err);
        if (keep < 0)
            return keep;
        if (keep)
            x->active[x->n_active++] = x->cj.status.active.v[i];
    }
    for (size_t i = 0; i < x->jobs.n; i++)
        note_success(x, x->jobs.v[i]->body);
    return 0;
}

static int cmp_started(const void *pa, const void *pb) {
    const struct object *a = *(const struct object *const *)pa, *b = *(const struct object *const *)pb;
    int c = timestamp_cmp(job_of(a)->status.start_time, job_of(b)->status.start_time);
    return c ? c : str_cmp(a->meta->name, b->meta->name);
}

static int trim(struct cron_run *x, const char *condition, struct opt_i32 limit, struct err *err) {
    struct objects ended = {.n = 0};
    for (size_t i = 0; limit.set && i < x->jobs.n; i++)
        if (job_condition_is_true(&job_of(x->jobs.v[i])->status, str_from(condition)) &&
            !meta_is_deleting(x->jobs.v[i]->meta))
            vec_push_in(x->a, &ended, x->jobs.v[i]);
    if (ended.n)
        qsort(ended.v, ended.n, sizeof *ended.v, cmp_started);
    for (size_t i = 0; i + (size_t)limit.v < ended.n; i++) {
        int rc = delete_object(x->c->client, ended.v[i], S("Background"), err);
        if (rc)
            return rc;
        event_record(x->c->events, x->object, "Normal", "SuccessfulDelete", "Deleted job %.*s",
                     STR_ARG(ended.v[i]->meta->name));
    }
    return 0;
}

/* -- the next job -- */

static struct batch_job *make_job(struct cron_run *x, int64_t due_sec) {
    const struct batch_job_template_spec *t = &x->cj.spec.job_template;
    struct batch_job *j = arena_new(x->a, struct batch_job);
    char text[TIME_TEXT_SIZE];
    size_t n = time_format(text, due_sec, 0, TIME_SECONDS);
    j->metadata.name =
        arena_printf(x->a, "%.*s-%lld", STR_ARG(x->object->meta->name), (long long)(due_sec / 60));
    j->metadata.namespace = x->object->meta->namespace;
    j->metadata.labels = t->metadata.labels;
    j->metadata.annotations =
        str_map_with(x->a, t->metadata.annotations, S("batch.kubernetes.io/cronjob-scheduled-timestamp"),
                     arena_str(x->a, str_make(text, n)));
    j->metadata.finalizers = t->metadata.finalizers;
    struct meta_owner_reference ref = meta_controller_ref(x->object->kind, x->object->meta);
    meta_set_owner(x->a, &j->metadata, &ref);
    j->spec = t->spec;
    return j;
}

/* There is one of that name: the one we made and forgot, or somebody else's. */
static int find_made(struct cron_run *x, const struct batch_job *j, struct object **ret, struct err *err) {
    int rc = client_get(x->c->client, KIND(BATCH_JOB), j->metadata.namespace, j->metadata.name, ret, err);
    if (rc)
        return rc;
    if (meta_is_controlled_by((*ret)->meta, x->object->meta->uid))
        return 0;
    object_unref(*ret);
    *ret = NULL;
    return err_set(err, ERR_EXISTS, "a job named %.*s exists and is not of this cron job",
                   STR_ARG(j->metadata.name));
}

static void add_active(struct cron_run *x, const struct object *job) {
    if (job_is_finished(job->body))
        return;
    x->active[x->n_active++] =
        (struct core_object_reference){.kind = S("Job"),
                                       .api_version = S("batch/v1"),
                                       .namespace = job->meta->namespace,
                                       .name = job->meta->name,
                                       .uid = job->meta->uid,
                                       .resource_version = job->meta->resource_version};
}

static int start_job(struct cron_run *x, int64_t due_sec, struct err *err) {
    struct batch_job *j = make_job(x, due_sec);
    struct object *made = NULL;
    int rc = client_create(x->c->client, KIND(BATCH_JOB), j->metadata.namespace, j, &made, err);
    if (rc == ERR_EXISTS) {
        rc = find_made(x, j, &made, err);
    } else if (rc) {
        event_record(x->c->events, x->object, "Warning", "FailedCreate", "Error creating job: %s", err->msg);
    } else {
        event_record(x->c->events, x->object, "Normal", "SuccessfulCreate", "Created job %.*s",
                     STR_ARG(j->metadata.name));
    }
    if (rc)
        return rc;
    arena_hold(x->a, object_release_any, made);
    add_active(x, made);
    x->cj.status.last_schedule_time = (struct timestamp){.sec = due_sec, .set = true};
    return 0;
}

static int drop_active(struct cron_run *x, struct err *err) {
    for (uint32_t i = 0; i < x->n_active; i++) {
        struct client_delete how = CLIENT_DELETE_DEFAULT;
        how.uid = x->active[i].uid;
        how.propagation = S("Background");
        int rc = client_delete(x->c->client, KIND(BATCH_JOB), x->object->meta->namespace, x->active[i].name,
                               &how, err);
        if (rc && rc != ERR_NOT_FOUND && rc != ERR_CONFLICT)
            return rc;
        event_record(x->c->events, x->object, "Normal", "SuccessfulDelete", "Deleted job %.*s",
                     STR_ARG(x->active[i].name));
    }
    x->n_active = 0;
    return 0;
}

static bool was_started(const struct cron_run *x, int64_t due_sec) {
    return x->cj.status.last_schedule_time.set && x->cj.status.last_schedule_time.sec >= due_sec;
}

static int run_due(struct cron_run *x, const struct cronjob_times *t, struct err *err) {
    const struct batch_cron_job_spec *s = &x->cj.spec;
    int64_t now = now_ns(x->r) / NS_PER_SEC;
    if (t->missed > CRONJOB_MISSED_MANY)
        event_record(x->c->events, x->object, "Warning", "TooManyMissedTimes",
                     "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check "
                     "clock skew");
    if (s->starting_deadline_seconds.set && t->due_sec + s->starting_deadline_seconds.v < now) {
        event_record(x->c->events, x->object, "Warning", "MissSchedule",
                     "Missed scheduled time to start a job: %lld", (long long)t->due_sec);
        return 0;
    }
    if (was_started(x, t->due_sec))
        return 0;
    if (str_eq(s->concurrency_policy, S("Forbid")) && x->n_active) {
        event_record(x->c->events, x->object, "Normal", "JobAlreadyActive",
                     "Not starting job because prior execution is running and concurrency policy is Forbid");
        return 0;
    }
    int rc = str_eq(s->concurrency_policy, S("Replace")) ? drop_active(x, err) : 0;
    return rc ? rc : start_job(x, t->due_sec, err);
}

/* -- one run -- */

static int find_times(struct cron_run *x, struct cronjob_times *ret, bool *ret_valid, struct err *err) {
    struct cron schedule;
    struct time_zone *zone = NULL;
    *ret_valid = false;
    if (cron_parse(x->cj.spec.schedule, &schedule, err)) {
        event_record(x->c->events, x->object, "Warning", "UnparseableSchedule",
                     "unparseable schedule: \"%.*s\" : %s", STR_ARG(x->cj.spec.schedule), err->msg);
        return 0;
    }
    struct str name = x->cj.spec.time_zone.n ? x->cj.spec.time_zone : schedule.zone;
    if (name.n && time_zone_load(name, &zone, err)) {
        event_record(x->c->events, x->object, "Warning", "UnknownTimeZone", "invalid timeZone: \"%.*s\": %s",
                     STR_ARG(name), err->msg);
        return 0;
    }
    *ret = cronjob_times(&x->cj, &schedule, zone, now_ns(x->r) / NS_PER_SEC);
    time_zone_free(zone);
    *ret_valid = true;
    return 0;
}

static void come_back(struct cron_run *x, const struct cronjob_times *t) {
    int64_t wait = t->has_next ? t->next_sec * NS_PER_SEC - now_ns(x->r) + LATE_NS : LOOK_AGAIN_NS;
    x->r->requeue_after_ns = wait < 1 ? 1 : wait < LOOK_AGAIN_NS ? wait : LOOK_AGAIN_NS;
}

static int run_schedule(struct cron_run *x, struct err *err) {
    struct cronjob_times t;
    bool valid;
    if (x->cj.spec.suspend.v || meta_is_deleting(x->object->meta))
        return 0;
    int rc = find_times(x, &t, &valid, err);
    if (rc || !valid)
        return rc;
    come_back(x, &t);
    return t.due ? run_due(x, &t, err) : 0;
}

static int write_status(struct cron_run *x, struct err *err) {
    const struct batch_cron_job *before = x->object->body;
    x->cj.status.active = (struct core_object_reference_array){x->n_active ? x->active : NULL, x->n_active};
    if (api_equal(&builtin, TY_BATCH_CRON_JOB_STATUS, &x->cj.status, &before->status))
        return 0;
    return unless_gone(client_update_status(x->c->client, x->object->kind, &x->cj, NULL, err));
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct cron_run x = {.c = r->arg, .r = r, .a = r->arena};
    struct cow_iter it;
    x.object = world_get_key(&r->world, KIND(BATCH_CRON_JOB), key);
    if (!x.object)
        return 0;
    x.cj = *(const struct batch_cron_job *)x.object->body;
    cow_foreach (item, &it, world_owned(&r->world, &it, KIND(BATCH_JOB), x.object->meta->uid))
        vec_push_in(r->arena, &x.jobs, (const struct object *)item->value);
    int rc = sync_active(&x, err);
    if (!rc)
        rc = trim(&x, "Complete", x.cj.spec.successful_jobs_history_limit, err);
    if (!rc)
        rc = trim(&x, "Failed", x.cj.spec.failed_jobs_history_limit, err);
    if (rc)
        return rc;
    rc = run_schedule(&x, err);
    struct err second = ERR_INIT;
    int rc_status = write_status(&x, &second);
    if (!rc && rc_status)
        *err = second;
    return rc ? rc : rc_status;
}

int cronjob_start(struct controller *c, struct err *err) {
    const struct reconciler_watch watches[] = {
        WATCH_ALL(BATCH_CRON_JOB, map_self, NULL),
        WATCH_ALL(BATCH_JOB, map_owner, KIND(BATCH_CRON_JOB)),
    };
    return controller_add(c,
                          &(struct reconciler_options){
                              .watches = watches, .n_watches = 2, .reconcile = reconcile, .concurrency = 5},
                          NULL, err);
}
