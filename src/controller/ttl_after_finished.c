/* controller/ttl_after_finished: deletes finished jobs when their time has passed. */
#include "api/meta.h"
#include "api/time.h"
#include "api/types/batch.h"
#include "controller/controller_priv.h"
#include "controller/job_policy.h"
#include "controller/rows.h"

static struct timestamp finish_time(const struct batch_job *j) {
    const struct batch_job_condition *c = job_condition(&j->status, S("Complete"));
    if (!c || !str_eq(c->status, S("True")))
        c = job_condition(&j->status, S("Failed"));
    return c ? c->last_transition_time : (struct timestamp){.set = false};
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(BATCH_JOB), key);
    const struct batch_job *j = o ? o->body : NULL;
    if (!j || meta_is_deleting(o->meta) || !j->spec.ttl_seconds_after_finished.set || !job_is_finished(j))
        return 0;
    struct timestamp finished = finish_time(j);
    if (!finished.set)
        return 0;
    int64_t left =
        timestamp_to_ns(finished) + (int64_t)j->spec.ttl_seconds_after_finished.v * NS_PER_SEC - now_ns(r);
    if (left > 0) {
        r->requeue_after_ns = left;
        return 0;
    }
    struct client_delete how = CLIENT_DELETE_DEFAULT;
    how.uid = o->meta->uid;
    how.resource_version = o->meta->resource_version; /* its time may have been changed */
    how.propagation = S("Foreground");
    return unless_gone(client_delete(c->client, o->kind, o->meta->namespace, o->meta->name, &how, err));
}

int ttl_after_finished_start(struct controller *c, struct err *err) {
    const struct reconciler_watch watches[] = {WATCH_ALL(BATCH_JOB, map_self, NULL)};
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 1, .reconcile = reconcile}, NULL,
        err);
}
