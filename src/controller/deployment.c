/* controller/deployment: rollouts through replica sets.
 *
 * One run: claim the replica sets, find the one of the present template, decide sizes (deployment_plan.h),
 * write those that changed, write the status. A run that scaled something stops there: what comes of it
 * brings the key back.
 */
#include "api/meta.h"
#include "controller/claim.h"
#include "controller/deployment_priv.h"
#include "controller/rows.h"

struct deployments {
    struct claim_map sets;
};

/* -- Recreate -- */

/* Pods of old sets that still run, or are ending. */
static bool old_pods_remain(struct rollout *x) {
    for (size_t i = 0; i < x->sets.n; i++) {
        if ((int32_t)i == x->fresh)
            continue;
        if (replica_set_of(x->sets.v[i])->status.replicas > 0)
            return true;
        struct cow_iter it;
        cow_foreach (item, &it, world_owned(&x->r->world, &it, KIND(CORE_POD), x->sets.v[i]->meta->uid)) {
            const struct core_pod *p = pod_of(item->value);
            if (!pod_is_finished(p) && !str_eq(p->status.phase, S("Unknown")))
                return true;
        }
    }
    return false;
}

static int finish_rollout(struct rollout *x, struct err *err) {
    struct apps_deployment_status s = rollout_status(x);
    int rc = rollout_complete(x, &s) ? rollout_cleanup(x, err) : 0;
    return rc ? rc : rollout_write_progress(x, err);
}

static int roll_recreate(struct rollout *x, struct err *err) {
    bool scaled = false;
    int rc = rollout_sync_new(x, false, err);
    if (!rc && deployment_plan_recreate_down(x->states, (uint32_t)x->sets.n))
        rc = rollout_apply(x, &scaled, err);
    if (rc || scaled || old_pods_remain(x))
        return rc ? rc : rollout_write_progress(x, err);
    if (x->fresh < 0)
        rc = rollout_sync_new(x, true, err);
    if (rc)
        return rc;
    x->states[x->fresh].target = x->limits.replicas;
    rc = rollout_apply(x, &scaled, err);
    return rc ? rc : finish_rollout(x, err);
}

/* -- RollingUpdate -- */

static int roll(struct rollout *x, struct err *err) {
    bool scaled = false;
    int rc = rollout_sync_new(x, true, err);
    if (rc)
        return rc;
    deployment_plan_rolling(&x->limits, x->states, (uint32_t)x->sets.n, x->a);
    rc = rollout_apply(x, &scaled, err);
    if (rc)
        return rc;
    return scaled ? rollout_write_progress(x, err) : finish_rollout(x, err);
}

/* -- paused, or another number -- */

static int scale_in_place(struct rollout *x, struct err *err) {
    bool scaled = false;
    int rc = rollout_sync_new(x, false, err);
    if (rc)
        return rc;
    deployment_plan_scale(&x->limits, x->states, (uint32_t)x->sets.n, x->a);
    rc = rollout_apply(x, &scaled, err);
    if (!rc && x->d.spec.paused)
        rc = rollout_cleanup(x, err);
    if (rc)
        return rc;
    struct apps_deployment_status s = rollout_status(x);
    return rollout_write_status(x, &s, err);
}

/* Pausing and resuming start the clock of the deadline again. */
static int note_pause(struct rollout *x, struct err *err) {
    const struct apps_deployment_condition *c = deployment_condition(&x->d.status, S("Progressing"));
    if (!rollout_has_deadline(x) || (c && str_eq(c->reason, S("ProgressDeadlineExceeded"))))
        return 0;
    bool noted = c && str_eq(c->reason, S("DeploymentPaused"));
    if (x->d.spec.paused == noted)
        return 0;
    struct apps_deployment_status s = x->d.status;
    deployment_set_condition(x, &s, S("Progressing"), S("Unknown"),
                             x->d.spec.paused ? S("DeploymentPaused") : S("DeploymentResumed"),
                             x->d.spec.paused ? S("Deployment is paused") : S("Deployment is resumed"));
    return rollout_write_status(x, &s, err);
}

/* -- one run -- */

static int write_observed(struct rollout *x, struct err *err) {
    event_record(x->c->events, x->object, "Warning", "SelectingAll",
                 "This deployment is selecting all pods. A non-empty selector is required.");
    struct apps_deployment_status s = x->d.status;
    s.observed_generation = x->d.metadata.generation;
    return rollout_write_status(x, &s, err);
}

static bool selects_all(const struct meta_label_selector *s) {
    return !s || (!s->match_labels.n && !s->match_expressions.n);
}

static int look(struct rollout *x, struct err *err) {
    struct label_selector selector;
    const struct apps_rolling_update_deployment *ru = x->d.spec.strategy.rolling_update;
    bool rolling = !str_eq(x->d.spec.strategy.type, S("Recreate"));
    int rc = label_selector_compile(x->a, x->d.spec.selector, &selector, err);
    if (!rc)
        rc = deployment_limits(x->d.spec.replicas.set ? x->d.spec.replicas.v : 1, rolling,
                               ru ? ru->max_surge : (struct int_or_string){.set = false},
                               ru ? ru->max_unavailable : (struct int_or_string){.set = false}, &x->limits,
                               err);
    if (rc)
        return rc;
    x->limits.status_replicas = x->d.status.replicas;
    struct claim claim = {.controller = x->c,
                          .r = x->r,
                          .owner = x->object,
                          .selector = &selector,
                          .kind = KIND(APPS_REPLICA_SET)};
    rc = claim_objects(&claim, &x->sets, err);
    if (!rc)
        rollout_look(x);
    return rc;
}

static int act(struct rollout *x, struct err *err) {
    if (meta_is_deleting(x->object->meta)) {
        struct apps_deployment_status s = rollout_status(x);
        return rollout_write_status(x, &s, err);
    }
    int rc = note_pause(x, err);
    if (rc)
        return rc;
    if (x->d.spec.paused || deployment_is_scaling(&x->limits, x->states, (uint32_t)x->sets.n))
        return scale_in_place(x, err);
    return x->limits.rolling ? roll(x, err) : roll_recreate(x, err);
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    const struct object *o = world_get_key(&r->world, KIND(APPS_DEPLOYMENT), key);
    if (!o)
        return 0;
    struct rollout x = {.c = controller_in(r), .r = r, .a = r->arena, .object = o, .fresh = -1};
    x.d = *(const struct apps_deployment *)o->body;
    if (selects_all(x.d.spec.selector))
        return unless_gone(write_observed(&x, err));
    int rc = look(&x, err);
    return unless_gone(rc ? rc : act(&x, err));
}

static bool selects(const struct object *o, struct str_map labels) {
    const struct meta_label_selector *s = ((const struct apps_deployment *)o->body)->spec.selector;
    return !selects_all(s) && label_selector_struct_matches(s, labels);
}

static void map_set(struct reconciler *rc, const struct informer_event *e, void *arg) {
    claim_map_event(rc, e, arg);
}

int deployment_start(struct controller *c, struct err *err) {
    struct deployments *s = controller_state(c, sizeof *s);
    s->sets = (struct claim_map){.controller = c, .owner_kind = KIND(APPS_DEPLOYMENT), .selects = selects};
    int rc = informer_get(c->watcher, &(struct informer_options){.kind = KIND(APPS_DEPLOYMENT)},
                          &s->sets.owners, err);
    if (rc)
        return rc;
    const struct reconciler_watch watches[] = {
        WATCH_ALL(APPS_DEPLOYMENT, map_self, NULL),
        WATCH_ALL(APPS_REPLICA_SET, map_set, &s->sets),
        WATCH_ALL(CORE_POD, NULL, NULL),
    };
    return controller_add(c,
                          &(struct reconciler_options){.watches = watches,
                                                       .n_watches = 3,
                                                       .reconcile = reconcile,
                                                       .writer = c->client,
                                                       .concurrency = 5},
                          NULL, err);
}

void deployment_stop(struct controller *c) {
    informer_unref(((struct deployments *)c->state)->sets.owners);
}
