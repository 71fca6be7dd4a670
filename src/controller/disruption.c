/* controller/disruption: how many pods of an application may be disrupted now: the status of disruption
 * budgets. Keys are budgets. A second reconciler takes conditions back from pods that were to be disrupted
 * and then were not.
 */
#include "api/equal.h"
#include "api/intstr.h"
#include "api/label_selector.h"
#include "api/meta.h"
#include "api/time.h"
#include "api/types/apps.h"
#include "api/types/autoscaling.h"
#include "api/types/policy.h"
#include "base/map.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "controller/controller_priv.h"
#include "controller/pods.h"
#include "controller/rows.h"

#define DISRUPTED_NS (2 * NS_PER_MIN) /* a granted eviction has to show by then */

struct disruption {
    struct informer *budgets;
};

struct budget_run {
    struct controller *c;
    struct reconcile *r;
    const struct object *object;
    struct policy_pod_disruption_budget pdb;
    struct objects pods;
    int32_t expected, desired, healthy;
};

/* -- how many there should be -- */

static int32_t or_one(struct opt_i32 n) {
    return n.set ? n.v : 1;
}

/* The owner in the cache whose uid the reference names, or NULL. */
static const struct object *owner_in(struct reconcile *r, const struct kind *k, struct str ns,
                                     const struct meta_owner_reference *ref) {
    if (!str_eq(ref->kind, k->name))
        return NULL;
    const struct object *o = world_get(&r->world, k, ns, ref->name);
    return o && str_eq(o->meta->uid, ref->uid) ? o : NULL;
}

/* Asks the scale subresource, for kinds that we do not know ourselves. */
static int ask_scale(struct budget_run *x, const struct meta_owner_reference *ref, int32_t *ret,
                     struct err *err) {
    struct str group, version;
    const struct kind *k = NULL;
    if (api_version_split(ref->api_version, &group, &version))
        k = kind_find(group, version, ref->kind);
    if (!k || !k->plural.n)
        return err_set(err, ERR_UNSUPPORTED, "%.*s %.*s has no scale that is known", STR_ARG(ref->kind),
                       STR_ARG(ref->name));
    _cleanup_client_answer struct client_answer answer = CLIENT_ANSWER_INIT;
    struct client_call call = {.verb = CLIENT_GET,
                               .kind = k,
                               .ns = x->object->meta->namespace,
                               .name = ref->name,
                               .subresource = S("scale")};
    int rc = client_do(x->c->client, &call, &answer, err);
    if (!rc && answer.type == TY_AUTOSCALING_SCALE)
        *ret = ((const struct autoscaling_scale *)answer.body)->spec.replicas;
    return rc;
}

/* The number of pods that the controller behind a pod wants; *ret_uid: who that is. */
static int scale_of(struct budget_run *x, const struct object *pod, struct str *ret_uid, int32_t *ret,
                    struct err *err) {
    const struct meta_owner_reference *ref = meta_controller(pod->meta);
    struct str ns = pod->meta->namespace;
    *ret_uid = ref->uid;
    const struct object *o = owner_in(x->r, KIND(APPS_REPLICA_SET), ns, ref);
    if (o) {
        const struct meta_owner_reference *up = meta_controller(o->meta);
        const struct object *d = up ? owner_in(x->r, KIND(APPS_DEPLOYMENT), ns, up) : NULL;
        *ret = or_one(d ? ((const struct apps_deployment *)d->body)->spec.replicas
                        : ((const struct apps_replica_set *)o->body)->spec.replicas);
        *ret_uid = d ? d->meta->uid : ref->uid;
        return 0;
    }
    if ((o = owner_in(x->r, KIND(APPS_STATEFUL_SET), ns, ref))) {
        *ret = or_one(((const struct apps_stateful_set *)o->body)->spec.replicas);
        return 0;
    }
    if ((o = owner_in(x->r, KIND(CORE_REPLICATION_CONTROLLER), ns, ref))) {
        *ret = or_one(((const struct core_replication_controller *)o->body)->spec.replicas);
        return 0;
    }
    return ask_scale(x, ref, ret, err);
}

static int sum_scales(struct budget_run *x, struct err *err) {
    _cleanup_map struct map seen = MAP_INIT;
    for (size_t i = 0; i < x->pods.n; i++) {
        const struct meta_owner_reference *ref = meta_controller(x->pods.v[i]->meta);
        struct str uid;
        int32_t n = 0;
        bool is_new;
        if (!ref || map_has(&seen, ref->uid))
            continue;
        int rc = scale_of(x, x->pods.v[i], &uid, &n, err);
        if (rc)
            return rc;
        map_put_u64(&seen, ref->uid, 1);
        (void)map_upsert(&seen, uid, &is_new);
        if (is_new || str_eq(uid, ref->uid))
            x->expected += n;
    }
    return 0;
}

static int set_expectations(struct budget_run *x, struct err *err) {
    const struct policy_pod_disruption_budget_spec *s = &x->pdb.spec;
    int32_t n = 0;
    if (!s->max_unavailable.set && !s->min_available.is_str) {
        x->expected = (int32_t)x->pods.n;
        x->desired = s->min_available.set ? s->min_available.i : 0;
        return 0;
    }
    int rc = sum_scales(x, err);
    if (rc)
        return rc;
    rc = intstr_scaled(s->max_unavailable.set ? s->max_unavailable : s->min_available, x->expected, true, &n,
                       err);
    x->desired = s->max_unavailable.set ? x->expected - n : n;
    if (x->desired < 0)
        x->desired = 0;
    return rc;
}

/* -- what there is -- */

static const struct object *pod_named(const struct budget_run *x, struct str name) {
    for (size_t i = 0; i < x->pods.n; i++)
        if (str_eq(x->pods.v[i]->meta->name, name))
            return x->pods.v[i];
    return NULL;
}

/* What is granted is noted before the pod is deleted: a picture of the pods that is older than the note may
 * not have the pod yet. */
static bool shows_gone(const struct budget_run *x, const struct object *pod) {
    if (pod)
        return meta_is_deleting(pod->meta);
    return world_revision(&x->r->world, KIND(CORE_POD)) >= x->object->rv;
}

/* Evictions that were granted and do not show yet; looks again when the first is too old. */
static struct timestamp_map fresh_disruptions(struct budget_run *x) {
    const struct timestamp_map *from = &x->pdb.status.disrupted_pods;
    struct timestamp_map out = {arena_new_n(x->r->arena, from->n + 1, struct timestamp_entry), 0};
    for (uint32_t i = 0; i < from->n; i++) {
        const struct object *pod = pod_named(x, from->v[i].key);
        int64_t left = timestamp_to_ns(from->v[i].value) + DISRUPTED_NS - now_ns(x->r);
        if (shows_gone(x, pod) || left <= 0)
            continue;
        out.v[out.n++] = from->v[i];
        if (!x->r->requeue_after_ns || left < x->r->requeue_after_ns)
            x->r->requeue_after_ns = left;
    }
    if (!out.n)
        out.v = NULL;
    return out;
}

static bool is_disrupted(const struct timestamp_map *m, struct str name) {
    for (uint32_t i = 0; i < m->n; i++)
        if (str_eq(m->v[i].key, name))
            return true;
    return false;
}

static void count_healthy(struct budget_run *x, const struct timestamp_map *disrupted) {
    for (size_t i = 0; i < x->pods.n; i++) {
        const struct object *o = x->pods.v[i];
        x->healthy +=
            !meta_is_deleting(o->meta) && pod_is_ready(pod_of(o)) && !is_disrupted(disrupted, o->meta->name);
    }
}

/* -- status -- */

static struct meta_condition_array with_condition(struct budget_run *x, bool allowed, const char *reason,
                                                  struct str message) {
    const struct meta_condition_array *from = &x->pdb.status.conditions;
    struct meta_condition_array out = {arena_new_n(x->r->arena, from->n + 1, struct meta_condition), from->n};
    struct meta_condition c = {.type = S("DisruptionAllowed"),
                               .status = allowed ? S("True") : S("False"),
                               .observed_generation = x->object->meta->generation,
                               .last_transition_time = now_stamp(x->r),
                               .reason = str_from(reason),
                               .message = message};
    uint32_t i = 0;
    if (from->n)
        memcpy(out.v, from->v, from->n * sizeof *out.v);
    while (i < out.n && !str_eq(out.v[i].type, c.type))
        i++;
    if (i < out.n && str_eq(out.v[i].status, c.status))
        c.last_transition_time = out.v[i].last_transition_time;
    out.v[i] = c;
    out.n += i == out.n;
    return out;
}

static int write_status(struct budget_run *x, const struct policy_pod_disruption_budget_status *s,
                        struct err *err) {
    if (api_equal(&builtin, TY_POLICY_POD_DISRUPTION_BUDGET_STATUS, s, &x->pdb.status))
        return 0;
    x->pdb.status = *s;
    return unless_gone(client_update_status(x->c->client, x->object->kind, &x->pdb, NULL, err));
}

static int write_failure(struct budget_run *x, struct err *err) {
    struct err why = *err, second = ERR_INIT;
    struct policy_pod_disruption_budget_status s = x->pdb.status;
    event_record(x->c->events, x->object, "Warning", "CalculateExpectedPodCountFailed",
                 "Failed to calculate the number of expected pods: %s", why.msg);
    s.disruptions_allowed = 0; /* rather none than too many */
    s.observed_generation = x->object->meta->generation;
    s.conditions = with_condition(x, false, "SyncFailed", arena_str(x->r->arena, str_from(why.msg)));
    (void)write_status(x, &s, &second);
    return why.code;
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct budget_run x = {.c = controller_in(r), .r = r};
    struct label_selector selector;
    struct cow_iter it;
    x.object = world_get_key(&r->world, KIND(POLICY_POD_DISRUPTION_BUDGET), key);
    if (!x.object)
        return 0;
    x.pdb = *(const struct policy_pod_disruption_budget *)x.object->body;
    int rc = label_selector_compile(r->arena, x.pdb.spec.selector, &selector, err);
    if (rc)
        return write_failure(&x, err);
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_POD), x.object->meta->namespace)) {
        const struct object *o = item->value;
        if (label_selector_matches(&selector, o->meta->labels) && !pod_is_finished(pod_of(o)))
            vec_push_in(r->arena, &x.pods, o);
    }
    rc = set_expectations(&x, err);
    if (rc)
        return write_failure(&x, err);
    struct policy_pod_disruption_budget_status s = x.pdb.status;
    s.disrupted_pods = fresh_disruptions(&x);
    count_healthy(&x, &s.disrupted_pods);
    int32_t allowed = x.expected > 0 && x.healthy > x.desired ? x.healthy - x.desired : 0;
    s.current_healthy = x.healthy;
    s.desired_healthy = x.desired;
    s.expected_pods = x.expected;
    s.disruptions_allowed = allowed;
    s.observed_generation = x.object->meta->generation;
    s.conditions =
        with_condition(&x, allowed > 0, allowed > 0 ? "SufficientPods" : "InsufficientPods", S(""));
    return write_status(&x, &s, err);
}

/* -- conditions that came to nothing -- */

static int reconcile_pod(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(CORE_POD), key);
    const struct core_pod_condition *old = o ? pod_condition(pod_of(o), S("DisruptionTarget")) : NULL;
    if (!old || !str_eq(old->status, S("True")) || meta_is_deleting(o->meta) || pod_is_finished(pod_of(o)))
        return 0;
    int64_t left = timestamp_to_ns(old->last_transition_time) + DISRUPTED_NS - now_ns(r);
    if (left > 0) {
        r->requeue_after_ns = left;
        return 0;
    }
    struct core_pod p = *pod_of(o);
    struct core_pod_condition wanted = {
        .type = S("DisruptionTarget"), .status = S("False"), .last_transition_time = now_stamp(r)};
    (void)pod_set_condition(r->arena, &p.status.conditions, &wanted);
    return unless_gone(client_update_status(c->client, o->kind, &p, NULL, err));
}

static void map_disrupted(struct reconciler *rc, const struct informer_event *e, void *arg) {
    const struct core_pod_condition *c = pod_condition(pod_of(e->object), S("DisruptionTarget"));
    if (e->type != INFORMER_DELETED && c && str_eq(c->status, S("True")))
        map_self(rc, e, arg);
}

/* -- events -- */

static bool matters(const struct informer_event *e) {
    if (e->type != INFORMER_MODIFIED || !e->previous)
        return true;
    const struct core_pod *a = pod_of(e->previous), *b = pod_of(e->object);
    return pod_is_ready(a) != pod_is_ready(b) || pod_is_finished(a) != pod_is_finished(b) ||
           meta_is_deleting(&a->metadata) != meta_is_deleting(&b->metadata) ||
           !str_map_equal(a->metadata.labels, b->metadata.labels);
}

static bool selects(const struct policy_pod_disruption_budget *b, const struct object *pod) {
    return pod && b->spec.selector && label_selector_struct_matches(b->spec.selector, pod->meta->labels);
}

static void map_pod(struct reconciler *rc, const struct informer_event *e, void *arg) {
    struct informer_snapshot s;
    struct cow_iter it;
    if (!matters(e))
        return;
    _cleanup_arena struct arena a = ARENA_INIT;
    informer_snapshot(((struct disruption *)arg)->budgets, &s);
    struct str prefix = arena_printf(&a, "%.*s/", STR_ARG(e->object->meta->namespace));
    cow_foreach (item, &it, cow_prefix(&it, &s.tree, prefix)) {
        const struct policy_pod_disruption_budget *b = ((const struct object *)item->value)->body;
        if (selects(b, e->object) || selects(b, e->previous))
            reconciler_enqueue(rc, item->key);
    }
    informer_snapshot_fini(&s);
}

int disruption_start(struct controller *c, struct err *err) {
    struct disruption *s = controller_state(c, sizeof *s);
    int rc = informer_get(c->watcher, &(struct informer_options){.kind = KIND(POLICY_POD_DISRUPTION_BUDGET)},
                          &s->budgets, err);
    if (rc)
        return rc;
    const struct reconciler_watch watches[] = {
        WATCH_ALL(POLICY_POD_DISRUPTION_BUDGET, map_self, NULL),
        WATCH_ALL(CORE_POD, map_pod, s),
        WATCH_ALL(APPS_REPLICA_SET, NULL, NULL),
        WATCH_ALL(APPS_DEPLOYMENT, NULL, NULL),
        WATCH_ALL(APPS_STATEFUL_SET, NULL, NULL),
        WATCH_ALL(CORE_REPLICATION_CONTROLLER, NULL, NULL),
    };
    const struct reconciler_watch pods[] = {WATCH_ALL(CORE_POD, map_disrupted, NULL)};
    rc = controller_add(c,
                        &(struct reconciler_options){
                            .watches = watches, .n_watches = 6, .reconcile = reconcile, .writer = c->client},
                        NULL, err);
    return rc ? rc
              : controller_add(c,
                               &(struct reconciler_options){.name = "disruption-conditions",
                                                            .watches = pods,
                                                            .n_watches = 1,
                                                            .reconcile = reconcile_pod},
                               NULL, err);
}

void disruption_stop(struct controller *c) {
    informer_unref(((struct disruption *)c->state)->budgets);
}
