/* job_priv: one run over one job: what job.c (looking, deciding), job_pods.c (making and deleting pods) and
 * job_track.c (counting what ended) share.
 */
#pragma once

#include "api/meta.h"
#include "api/types/batch.h"
#include "controller/controller_priv.h"
#include "controller/job_policy.h"

struct expectations;

#define JOB_PODS_AT_ONCE 500u

struct jobs {
    struct expectations *pods;       /* creations and deletions */
    struct expectations *finalizers; /* pods whose tracking finalizer was removed and is still seen */
};

struct job_run {
    struct controller *c;
    struct jobs *self;
    struct reconcile *r;
    struct arena *a;
    struct str key;
    const struct object *object;
    struct batch_job job; /* as the server has it after our writes */
    struct objects pods, active;
    uint32_t made;             /* pods that were created in this run */
    int64_t succeeded, failed; /* all that ended so far, counted or not */
    int32_t ready, terminating;
    struct index_set done, lost;     /* indexes that succeeded, that failed for good */
    struct batch_job_condition goal; /* FailureTarget or SuccessCriteriaMet; type empty: neither */
};

static inline bool job_has_goal(const struct job_run *x) {
    return x->goal.type.n > 0;
}
static inline bool job_goal_is_failure(const struct job_run *x) {
    return str_eq(x->goal.type, S("FailureTarget"));
}

/* -- job.c -- */
struct batch_job_condition job_condition_now(const struct job_run *x, const char *type, bool status,
                                             struct str reason, struct str message);
/* Sets it unless one of the same status and reason is there; true when that changed something. */
bool job_set_condition(struct arena *a, struct batch_job_status *s, const struct batch_job_condition *c);

/* -- job_pods.c -- */
/* Makes or deletes pods; x->active and x->terminating follow. */
int job_manage(struct job_run *x, struct err *err);
int job_delete_pods(struct job_run *x, const struct objects *pods, struct err *err);
/* Failed pods of indexes that wait for their replacement, which takes over their number of failures: one of
 * each index. NULL: none for that index. */
const struct object *job_delayed_pod(const struct job_run *x, int32_t index);

/* -- job_track.c -- */
/* Counts what ended, lets those pods go, writes the status. */
int job_track(struct job_run *x, struct err *err);
bool job_is_uncounted(const struct batch_job_status *s, struct str uid);
/* The pod still waits to be counted. */
static inline bool job_pod_is_tracked(const struct object *pod) {
    return meta_has_finalizer(pod->meta, JOB_TRACKING);
}
