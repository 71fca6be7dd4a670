/* controller/replicas: as many pods as asked for. */
#include "controller/replicas.h"

#include "api/equal.h"
#include "api/intstr.h"
#include "api/meta.h"
#include "api/status.h"
#include "api/time.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "client/expect.h"
#include "controller/scaler.h"

#define LARGE 500                                  /* pods of a set */
#define DELAY_PER_POD_NS (INT64_C(20) * NS_PER_US) /* a fifth of a second at ten thousand */

struct replicas {
    const struct replica_ops *ops;
    struct expectations *expectations;
    struct claim_map pods;
};

/* One run over one key. */
struct run {
    struct controller *c;
    struct replicas *self;
    struct reconcile *r;
    struct str key;
    struct replica_view v;
    struct objects pods; /* all that belong to it */
    struct err failure;
    struct str reason;
};

int64_t replicas_diff(int32_t wanted, size_t active) {
    return (int64_t)wanted - (int64_t)active;
}

int64_t replicas_delay_ns(int32_t size) {
    return size < LARGE ? 0 : size * DELAY_PER_POD_NS;
}

/* -- the status -- */

static struct apps_replica_set_condition_array
with_failure(const struct apps_replica_set_condition_array *from, const struct err *failure,
             struct str reason, int64_t at_ns, struct arena *a) {
    struct apps_replica_set_condition *v = arena_new_n(a, from->n + 1, struct apps_replica_set_condition);
    uint32_t n = 0;
    bool had = false;
    for (uint32_t i = 0; i < from->n; i++) {
        bool same = str_eq(from->v[i].type, S("ReplicaFailure"));
        if (same && !failure->code)
            continue;
        had = had || same;
        v[n++] = from->v[i];
    }
    if (failure->code && !had)
        v[n++] =
            (struct apps_replica_set_condition){.type = S("ReplicaFailure"),
                                                .status = S("True"),
                                                .reason = reason,
                                                .message = arena_str(a, str_from(failure->msg)),
                                                .last_transition_time = timestamp_from_ns_in_seconds(at_ns)};
    return (struct apps_replica_set_condition_array){v, n};
}

struct apps_replica_set_status replicas_status(const struct replica_view *v, const struct objects *pods,
                                               const struct err *failure, struct str reason, int64_t at_ns,
                                               struct arena *a, int64_t *ret_wait_ns) {
    struct apps_replica_set_status s = {.observed_generation = v->object->meta->generation,
                                        .terminating_replicas = {.set = true}};
    for (size_t i = 0; i < pods->n; i++) {
        const struct core_pod *p = pod_of(pods->v[i]);
        if (pod_is_finished(p))
            continue;
        if (meta_is_deleting(&p->metadata)) {
            s.terminating_replicas.v++;
            continue;
        }
        s.replicas++;
        s.fully_labeled_replicas += label_map_matches(v->template->metadata.labels, p->metadata.labels);
        s.ready_replicas += pod_is_ready(p);
        s.available_replicas += pod_is_available(p, v->min_ready_seconds, at_ns, ret_wait_ns);
    }
    s.conditions = with_failure(&v->status.conditions, failure, reason, at_ns, a);
    return s;
}

static int write_status(struct run *x, struct err *err) {
    int64_t wait = 0;
    struct apps_replica_set_status s =
        replicas_status(&x->v, &x->pods, &x->failure, x->reason, now_ns(x->r), x->r->arena, &wait);
    s.terminating_replicas.set = x->self->ops->counts_terminating;
    if (!s.terminating_replicas.set)
        s.terminating_replicas.v = 0;
    if (wait)
        x->r->requeue_after_ns = wait;
    if (api_equal(&builtin, TY_APPS_REPLICA_SET_STATUS, &s, &x->v.status))
        return 0;
    return unless_gone(x->self->ops->write_status(x->c->client, x->v.object, &s, x->r->arena, err));
}

/* -- making pods -- */

static struct scaler scaler_of(struct run *x) {
    return (struct scaler){.c = x->c,
                           .a = x->r->arena,
                           .owner = x->v.object,
                           .expectations = x->self->expectations,
                           .key = x->key};
}

/* All pods are made from the same body. */
static struct core_pod *same_pod(void *arg, uint32_t i) {
    (void)i;
    return arg;
}

static int note_failure(struct run *x, int rc, struct str reason, const struct err *err) {
    if (rc) {
        x->failure = *err;
        x->reason = reason;
    }
    return rc;
}

static int create_pods(struct run *x, uint32_t n, struct err *err) {
    struct scaler s = scaler_of(x);
    uint32_t made;
    expect_creations(x->self->expectations, x->key, n);
    int rc = scaler_create(&s, n, same_pod, pod_from_template(s.a, x->v.template, x->v.object), &made, err);
    return note_failure(x, rc, S("FailedCreate"), err);
}

/* -- deleting pods -- */

/* The pods of all sets that one owner (a Deployment) controls: who shares nodes with whom. */
static struct objects family_of(struct run *x) {
    const struct meta_owner_reference *owner = meta_controller(x->v.object->meta);
    struct objects all = {.n = 0};
    struct cow_iter sets, it;
    if (!owner)
        return x->pods;
    cow_foreach (set, &sets, world_owned(&x->r->world, &sets, x->self->ops->kind, owner->uid)) {
        struct str uid = ((const struct object *)set->value)->meta->uid;
        cow_foreach (pod, &it, world_owned(&x->r->world, &it, KIND(CORE_POD), uid))
            vec_push_in(x->r->arena, &all, (const struct object *)pod->value);
    }
    return all;
}

static int delete_pods(struct run *x, struct objects *active, uint32_t n, struct err *err) {
    struct scaler s = scaler_of(x);
    struct objects family = family_of(x);
    if (n < active->n)
        pods_rank(active, &family, now_ns(x->r), s.a);
    struct str *uids = arena_new_n(s.a, n, struct str);
    for (uint32_t i = 0; i < n; i++)
        uids[i] = active->v[i]->meta->uid;
    struct objects first = {active->v, n, n};
    expect_deletions(x->self->expectations, x->key, uids, n);
    return note_failure(x, scaler_delete(&s, &first, err), S("FailedDelete"), err);
}

static int scale(struct run *x, struct err *err) {
    struct objects active = {.n = 0};
    for (size_t i = 0; i < x->pods.n; i++)
        if (pod_is_active(pod_of(x->pods.v[i])))
            vec_push_in(x->r->arena, &active, x->pods.v[i]);
    int64_t diff = replicas_diff(x->v.replicas, active.n);
    uint32_t n = (uint32_t)(diff < 0 ? -diff : diff);
    if (n > REPLICAS_BURST)
        n = REPLICAS_BURST;
    if (diff > 0)
        return create_pods(x, n, err);
    return diff < 0 ? delete_pods(x, &active, n, err) : 0;
}

static bool wants_pod(const struct claim *c, const struct object *o) {
    (void)c;
    return pod_is_active(pod_of(o));
}

static int claim_pods(struct run *x, struct err *err) {
    struct claim claim = {.controller = x->c,
                          .r = x->r,
                          .owner = x->v.object,
                          .selector = &x->v.selector,
                          .kind = KIND(CORE_POD),
                          .wants = wants_pod};
    return claim_objects(&claim, &x->pods, err);
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct run x = {.c = controller_in(r), .r = r, .key = key, .failure = ERR_INIT};
    x.self = x.c->state;
    const struct object *o = world_get_key(&r->world, x.self->ops->kind, key);
    if (!o) {
        expectations_forget(x.self->expectations, key);
        return 0;
    }
    /* The run waits for what earlier ones wrote: what is still expected came and went without an event. */
    expectations_forget(x.self->expectations, key);
    bool may_act = !meta_is_deleting(o->meta);
    struct err second = ERR_INIT;
    int rc = x.self->ops->view(o, r->arena, &x.v, err);
    if (!rc)
        rc = claim_pods(&x, err);
    if (rc)
        return rc;
    if (may_act)
        rc = scale(&x, err);
    int rc_status = write_status(&x, &second);
    if (!rc && rc_status)
        *err = second;
    return rc ? rc : rc_status;
}

static int64_t delay(const struct object *owner, const struct claim_map *m) {
    const struct replicas *s = m->controller->state;
    return replicas_delay_ns(s->ops->size(owner));
}

static void map_pod(struct reconciler *rc, const struct informer_event *e, void *arg) {
    claim_map_event(rc, e, arg);
}

int replicas_start(struct controller *c, const struct replica_ops *ops, struct err *err) {
    struct replicas *s = controller_state(c, sizeof *s);
    s->ops = ops;
    s->expectations = expectations_new(c->clock);
    s->pods = (struct claim_map){.controller = c,
                                 .owner_kind = ops->kind,
                                 .selects = ops->selects,
                                 .delay = delay,
                                 .expectations = s->expectations};
    int rc = informer_get(c->watcher, &(struct informer_options){.kind = ops->kind}, &s->pods.owners, err);
    if (rc)
        return rc;
    const struct reconciler_watch watches[] = {
        {.of = {.kind = ops->kind}, .map = map_self},
        {.of = {.kind = KIND(CORE_POD)}, .map = map_pod, .arg = &s->pods},
    };
    return controller_add(c,
                          &(struct reconciler_options){.watches = watches,
                                                       .n_watches = 2,
                                                       .reconcile = reconcile,
                                                       .writer = c->client,
                                                       .concurrency = 5},
                          NULL, err);
}

void replicas_stop(struct controller *c) {
    struct replicas *s = c->state;
    informer_unref(s->pods.owners);
    expectations_free(s->expectations);
}
