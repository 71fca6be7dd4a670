/* controller/deployment_status: what a deployment says of itself. */
#include "api/equal.h"
#include "api/meta.h"
#include "api/time.h"
#include "controller/deployment_priv.h"

bool rollout_has_deadline(const struct rollout *x) {
    return x->d.spec.progress_deadline_seconds.set && x->d.spec.progress_deadline_seconds.v != INT32_MAX;
}

const struct apps_deployment_condition *deployment_condition(const struct apps_deployment_status *s,
                                                             struct str type) {
    for (uint32_t i = 0; i < s->conditions.n; i++)
        if (str_eq(s->conditions.v[i].type, type))
            return &s->conditions.v[i];
    return NULL;
}

void deployment_remove_condition(struct arena *a, struct apps_deployment_status *s, struct str type) {
    if (!deployment_condition(s, type))
        return;
    struct apps_deployment_condition *v = arena_new_n(a, s->conditions.n, struct apps_deployment_condition);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->conditions.n; i++)
        if (!str_eq(s->conditions.v[i].type, type))
            v[n++] = s->conditions.v[i];
    s->conditions = (struct apps_deployment_condition_array){v, n};
}

static void put_condition(struct arena *a, struct apps_deployment_status *s,
                          const struct apps_deployment_condition *c) {
    deployment_remove_condition(a, s, c->type);
    struct apps_deployment_condition *v =
        arena_new_n(a, s->conditions.n + 1, struct apps_deployment_condition);
    if (s->conditions.n)
        memcpy(v, s->conditions.v, s->conditions.n * sizeof *v);
    v[s->conditions.n] = *c;
    s->conditions = (struct apps_deployment_condition_array){v, s->conditions.n + 1};
}

static struct apps_deployment_condition condition_now(const struct rollout *x, struct str type,
                                                      struct str status, struct str reason,
                                                      struct str message) {
    struct timestamp now = now_stamp(x->r);
    return (struct apps_deployment_condition){.type = type,
                                              .status = status,
                                              .reason = reason,
                                              .message = message,
                                              .last_update_time = now,
                                              .last_transition_time = now};
}

void deployment_set_condition(struct rollout *x, struct apps_deployment_status *s, struct str type,
                              struct str status, struct str reason, struct str message) {
    const struct apps_deployment_condition *old = deployment_condition(s, type);
    if (old && str_eq(old->status, status) && str_eq(old->reason, reason))
        return;
    struct apps_deployment_condition c = condition_now(x, type, status, reason, message);
    if (old && str_eq(old->status, status))
        c.last_transition_time = old->last_transition_time;
    put_condition(x->a, s, &c);
}

/* -- sums -- */

static void add_set(struct apps_deployment_status *s, const struct apps_replica_set *rs, int64_t *asked) {
    *asked += rs->spec.replicas.set ? rs->spec.replicas.v : 1;
    s->replicas += rs->status.replicas;
    s->ready_replicas += rs->status.ready_replicas;
    s->available_replicas += rs->status.available_replicas;
    if (rs->status.terminating_replicas.set)
        s->terminating_replicas.v += rs->status.terminating_replicas.v;
    else
        s->terminating_replicas.set = false; /* not known of one, not known of all */
}

struct apps_deployment_status rollout_status(const struct rollout *x) {
    struct apps_deployment_status s = {.observed_generation = x->d.metadata.generation,
                                       .terminating_replicas = {.set = true},
                                       .collision_count = x->d.status.collision_count,
                                       .conditions = x->d.status.conditions};
    int64_t asked = 0;
    for (size_t i = 0; i < x->sets.n; i++)
        add_set(&s, replica_set_of(x->sets.v[i]), &asked);
    if (!s.terminating_replicas.set)
        s.terminating_replicas.v = 0;
    if (x->fresh >= 0)
        s.updated_replicas = replica_set_of(x->sets.v[x->fresh])->status.replicas;
    s.unavailable_replicas = asked > s.available_replicas ? (int32_t)(asked - s.available_replicas) : 0;
    bool enough = s.available_replicas >= x->limits.replicas - x->limits.unavailable;
    struct rollout copy = *x;
    deployment_set_condition(&copy, &s, S("Available"), enough ? S("True") : S("False"),
                             enough ? S("MinimumReplicasAvailable") : S("MinimumReplicasUnavailable"),
                             enough ? S("Deployment has minimum availability.")
                                    : S("Deployment does not have minimum availability."));
    return s;
}

bool rollout_complete(const struct rollout *x, const struct apps_deployment_status *s) {
    return s->updated_replicas == x->limits.replicas && s->replicas == x->limits.replicas &&
           s->available_replicas == x->limits.replicas && s->observed_generation >= x->d.metadata.generation;
}

/* -- progress -- */

static bool has_progressed(const struct apps_deployment_status *old, const struct apps_deployment_status *s) {
    return s->updated_replicas > old->updated_replicas ||
           s->replicas - s->updated_replicas < old->replicas - old->updated_replicas ||
           s->ready_replicas > old->ready_replicas || s->available_replicas > old->available_replicas;
}

static int64_t deadline_left_ns(const struct rollout *x, const struct apps_deployment_condition *c) {
    return timestamp_to_ns(c->last_update_time) +
           (int64_t)x->d.spec.progress_deadline_seconds.v * NS_PER_SEC - now_ns(x->r);
}

static bool has_timed_out(const struct rollout *x, const struct apps_deployment_status *s) {
    const struct apps_deployment_condition *c = deployment_condition(s, S("Progressing"));
    if (!c || str_eq(c->reason, S("NewReplicaSetAvailable")))
        return false;
    return str_eq(c->reason, S("ProgressDeadlineExceeded")) || deadline_left_ns(x, c) < 0;
}

static struct str progress_text(const struct rollout *x, const char *what) {
    bool set = x->fresh >= 0;
    return arena_printf(x->a, "%s \"%.*s\" %s", set ? "ReplicaSet" : "Deployment",
                        STR_ARG(set ? x->sets.v[x->fresh]->meta->name : x->d.metadata.name), what);
}

static void note_progress(struct rollout *x, struct apps_deployment_status *s) {
    const struct apps_deployment_condition *old = deployment_condition(s, S("Progressing"));
    struct apps_deployment_condition c = condition_now(x, S("Progressing"), S("True"), S("ReplicaSetUpdated"),
                                                       progress_text(x, "is progressing."));
    if (old && str_eq(old->status, S("True")))
        c.last_transition_time = old->last_transition_time;
    put_condition(x->a, s, &c);
}

static void set_progress(struct rollout *x, struct apps_deployment_status *s) {
    const struct apps_deployment_condition *c = deployment_condition(s, S("Progressing"));
    bool was_complete =
        s->replicas == s->updated_replicas && c && str_eq(c->reason, S("NewReplicaSetAvailable"));
    if (was_complete)
        return;
    if (rollout_complete(x, s))
        deployment_set_condition(x, s, S("Progressing"), S("True"), S("NewReplicaSetAvailable"),
                                 progress_text(x, "has successfully progressed."));
    else if (has_progressed(&x->d.status, s))
        note_progress(x, s);
    else if (has_timed_out(x, s))
        deployment_set_condition(x, s, S("Progressing"), S("False"), S("ProgressDeadlineExceeded"),
                                 progress_text(x, "has timed out progressing."));
}

static const struct apps_replica_set_condition *failure_of(const struct object *o) {
    const struct apps_replica_set_condition_array *list = &replica_set_of(o)->status.conditions;
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i].type, S("ReplicaFailure")))
            return &list->v[i];
    return NULL;
}

/* The new set's failure, or else that of any other. */
static void set_failure(struct rollout *x, struct apps_deployment_status *s) {
    const struct apps_replica_set_condition *f = x->fresh >= 0 ? failure_of(x->sets.v[x->fresh]) : NULL;
    for (size_t i = 0; i < x->sets.n && !f; i++)
        f = failure_of(x->sets.v[i]);
    if (f)
        deployment_set_condition(x, s, S("ReplicaFailure"), f->status, f->reason, f->message);
    else
        deployment_remove_condition(x->a, s, S("ReplicaFailure"));
}

static void watch_deadline(struct rollout *x, const struct apps_deployment_status *s) {
    const struct apps_deployment_condition *c = deployment_condition(s, S("Progressing"));
    if (!rollout_has_deadline(x) || !c || rollout_complete(x, s) ||
        str_eq(c->reason, S("ProgressDeadlineExceeded")) || str_eq(c->reason, S("NewReplicaSetAvailable")))
        return;
    int64_t left = deadline_left_ns(x, c);
    x->r->requeue_after_ns = (left > 0 ? left : 0) + NS_PER_SEC;
}

int rollout_write_progress(struct rollout *x, struct err *err) {
    struct apps_deployment_status s = rollout_status(x);
    if (rollout_has_deadline(x))
        set_progress(x, &s);
    else
        deployment_remove_condition(x->a, &s, S("Progressing"));
    set_failure(x, &s);
    watch_deadline(x, &s);
    return rollout_write_status(x, &s, err);
}

/* -- writing -- */

int rollout_write(struct rollout *x, struct err *err) {
    struct object *fresh = NULL;
    int rc = client_update_status(x->c->client, KIND(APPS_DEPLOYMENT), &x->d, &fresh, err);
    if (rc || !fresh)
        return rc;
    arena_hold(x->a, object_release_any, fresh);
    x->d = *(const struct apps_deployment *)fresh->body;
    return 0;
}

int rollout_write_status(struct rollout *x, const struct apps_deployment_status *s, struct err *err) {
    if (api_equal(&builtin, TY_APPS_DEPLOYMENT_STATUS, s, &x->d.status))
        return 0;
    x->d.status = *s;
    return rollout_write(x, err);
}
