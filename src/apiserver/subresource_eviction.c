/* pods/eviction: a pod goes, if its disruption budget can spare it. See subresource.h.
 *
 *     subresource_evict → admission → decide: no budget is in the way → remove
 *                                     a budget: take one of it (compare and swap) → mark the pod → remove
 *
 * CONFORMS: policy/v1 Eviction: budgets, unhealthyPodEvictionPolicy, dry run, the condition DisruptionTarget.
 */
#include "api/field_error.h"
#include "api/label_selector.h"
#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/types/policy.h"
#include "api/validate.h"
#include "apiserver/admission_priv.h"
#include "apiserver/deletion.h"
#include "apiserver/registry.h"
#include "apiserver/strategy_priv.h"
#include "apiserver/subresource_priv.h"

#define DISRUPTED_PODS_MAX 2000u
#define RETRY_SECONDS 10

struct eviction {
    struct policy_eviction *body;
    struct meta_delete_options *options;
    const struct object *pod; /* the call's arena holds it */
    bool spare;               /* an unhealthy pod that costs its budget nothing */
    struct str budget;
};

static const struct core_pod *pod_of(const struct eviction *e) {
    return e->pod->body;
}

static struct status_target pod_target(struct str name) {
    return status_of(&kinds[KIND_CORE_POD], name);
}

/* -- the end -- */

static void removed(struct deletion *d, struct object *object, bool gone, struct status *failure) {
    struct call *c = d->call;
    (void)object;
    (void)gone;
    if (failure) {
        call_answer_status(c, failure);
        return;
    }
    struct status_target nothing = {.name = S("")};
    struct status *st = status_success(c->arena, nothing, STR_NONE);
    st->body.code = 201;
    call_answer_status(c, st);
}

static void remove_pod(struct call *c, struct eviction *e) {
    struct deletion *d = arena_new(c->arena, struct deletion);
    *d = (struct deletion){
        .call = c,
        .asked = &kinds[KIND_CORE_POD],
        .ns = c->info.access.ns,
        .name = c->info.access.name,
        .options = e->options,
        .dry_run = c->options.dry_run,
        .after = removed,
    };
    deletion_start(d);
}

/* -- the condition that says why -- */

static int mark_pod(struct call *c, void *arg, void *object, struct arena *arena,
                    struct status **ret_status) {
    struct core_pod *p = object;
    struct core_pod_condition_array *list = &p->status.conditions;
    (void)arg;
    (void)ret_status;
    uint32_t at = 0;
    while (at < list->n && !str_eq(list->v[at].type, S("DisruptionTarget")))
        at++;
    struct core_pod_condition *v = arena_new_n(arena, list->n + 1u, struct core_pod_condition);
    if (list->n)
        memcpy(v, list->v, list->n * sizeof *v);
    v[at] = (struct core_pod_condition){
        .type = S("DisruptionTarget"),
        .status = S("True"),
        .reason = S("EvictionByEvictionAPI"),
        .message = S("Eviction API: evicting"),
        .observed_generation = p->metadata.generation,
        .last_transition_time = strategy_now(c),
    };
    list->n += at == list->n;
    list->v = v;
    return 0;
}

static void marked(struct call *c, void *arg, struct object *object, struct status *failure) {
    struct eviction *e = arg;
    (void)object;
    if (failure) {
        call_answer_status(c, failure);
        return;
    }
    if (e->options->preconditions)
        e->options->preconditions->resource_version = STR_NONE; /* it has changed by our own mark */
    remove_pod(c, e);
}

static void mark_and_remove(struct call *c, struct eviction *e) {
    uint64_t rv = 0;
    const struct meta_preconditions *p = e->options->preconditions;
    if (p && p->resource_version.p)
        (void)str_to_u64(p->resource_version, &rv);
    registry_update(c, &(struct registry_change){
                           .kind = &kinds[KIND_CORE_POD],
                           .ns = c->info.access.ns,
                           .name = c->info.access.name,
                           .subresource = S("status"),
                           .expect_rv = e->spare ? e->pod->rv : rv,
                           .expect_uid = pod_of(e)->metadata.uid,
                           .skip_admission = true,
                           .change = mark_pod,
                           .after = marked,
                           .arg = e,
                       });
}

/* -- the budget -- */

static struct status *too_many(struct call *c, int32_t retry, struct str cause) {
    struct status *st = status_too_many_requests(
        c->arena, S("Cannot evict pod as it would violate the pod's disruption budget."), retry);
    status_add_cause(c->arena, st, S("DisruptionBudget"), STR_NONE, cause);
    return st;
}

static struct status *refusal(struct call *c, const struct policy_pod_disruption_budget *b) {
    const struct policy_pod_disruption_budget_status *s = &b->status;
    struct status_target t = status_of(&kinds[KIND_POLICY_POD_DISRUPTION_BUDGET], b->metadata.name);
    if (s->observed_generation < b->metadata.generation)
        return too_many(c, RETRY_SECONDS,
                        arena_printf(c->arena,
                                     "The disruption budget %.*s is still being processed by the server.",
                                     STR_ARG(b->metadata.name)));
    if (s->disruptions_allowed < 0)
        return status_forbidden(c->arena, t, S("pdb disruptions allowed is negative"));
    if (s->disrupted_pods.n > DISRUPTED_PODS_MAX)
        return status_forbidden(
            c->arena, t, S("DisruptedPods map too big - too many evictions not confirmed by PDB controller"));
    if (s->disruptions_allowed == 0)
        return too_many(c, 0,
                        arena_printf(c->arena,
                                     "The disruption budget %.*s needs %d healthy pods and has %d currently",
                                     STR_ARG(b->metadata.name), s->desired_healthy, s->current_healthy));
    return NULL;
}

static void note_disrupted(struct arena *a, struct timestamp_map *m, struct str pod, struct timestamp now) {
    struct timestamp_entry *v = arena_new_n(a, m->n + 1u, struct timestamp_entry);
    uint32_t n = 0, i = 0;
    for (; i < m->n && str_cmp(m->v[i].key, pod) < 0; i++)
        v[n++] = m->v[i];
    v[n++] = (struct timestamp_entry){.key = pod, .value = now};
    for (i += i < m->n && str_eq(m->v[i].key, pod); i < m->n; i++)
        v[n++] = m->v[i];
    *m = (struct timestamp_map){v, n};
}

/* What the budget's controller would say of it. */
static void say_used_up(struct call *c, struct policy_pod_disruption_budget *b) {
    for (uint32_t i = 0; i < b->status.conditions.n; i++) {
        struct meta_condition *m = &b->status.conditions.v[i];
        if (!str_eq(m->type, S("DisruptionAllowed")))
            continue;
        if (!str_eq(m->status, S("False")))
            m->last_transition_time = strategy_now(c);
        m->status = S("False");
        m->reason = S("InsufficientPods");
        m->observed_generation = b->status.observed_generation;
    }
}

static int take_one(struct call *c, void *arg, void *object, struct arena *arena,
                    struct status **ret_status) {
    struct eviction *e = arg;
    struct policy_pod_disruption_budget *b = object;
    *ret_status = refusal(c, b);
    if (*ret_status)
        return -1;
    b->status.disruptions_allowed--;
    if (b->status.disruptions_allowed == 0)
        say_used_up(c, b);
    note_disrupted(arena, &b->status.disrupted_pods, pod_of(e)->metadata.name, strategy_now(c));
    return 0;
}

static void taken(struct call *c, void *arg, struct object *object, struct status *failure) {
    (void)object;
    if (failure)
        call_answer_status(c, failure);
    else
        mark_and_remove(c, arg);
}

static void take_from_budget(struct call *c, struct eviction *e) {
    registry_update(c, &(struct registry_change){
                           .kind = &kinds[KIND_POLICY_POD_DISRUPTION_BUDGET],
                           .ns = c->info.access.ns,
                           .name = e->budget,
                           .subresource = S("status"),
                           .skip_admission = true,
                           .change = take_one,
                           .after = taken,
                           .arg = e,
                       });
}

/* -- deciding -- */

/* Pods that count for no budget: they do not serve, or are going already. */
static bool is_free(const struct core_pod *p) {
    return str_eq(p->status.phase, S("Succeeded")) || str_eq(p->status.phase, S("Failed")) ||
           str_eq(p->status.phase, S("Pending")) || p->metadata.deletion_timestamp.set;
}

static bool is_ready(const struct core_pod *p) {
    for (uint32_t i = 0; i < p->status.conditions.n; i++)
        if (str_eq(p->status.conditions.v[i].type, S("Ready")))
            return str_eq(p->status.conditions.v[i].status, S("True"));
    return false;
}

/* The budgets that select the pod: how many, and one of them. */
static unsigned find_budgets(struct call *c, const struct core_pod *p,
                             const struct policy_pod_disruption_budget **ret_budget) {
    const struct cache_snapshot *s = call_snapshot(c, KIND_POLICY_POD_DISRUPTION_BUDGET);
    struct str prefix = arena_printf(c->arena, "%.*s/", STR_ARG(p->metadata.namespace));
    unsigned n = 0;
    struct cow_iter it;
    cow_foreach (item, &it, cow_prefix(&it, &s->tree, prefix)) {
        const struct policy_pod_disruption_budget *b = ((const struct object *)item->value)->body;
        if (!b->spec.selector || !label_selector_struct_matches(b->spec.selector, p->metadata.labels))
            continue;
        *ret_budget = b;
        n++;
    }
    return n;
}

/* A pod that is not ready may go although its budget is used up. */
static bool may_spare(const struct core_pod *p, const struct policy_pod_disruption_budget *b) {
    if (is_ready(p))
        return false;
    if (str_eq(b->spec.unhealthy_pod_eviction_policy, S("AlwaysAllow")))
        return true;
    return b->status.current_healthy >= b->status.desired_healthy && b->status.desired_healthy > 0;
}

static void decide(struct call *c, void *arg) {
    struct eviction *e = arg;
    const struct core_pod *p = pod_of(e);
    const struct policy_pod_disruption_budget *b = NULL;
    unsigned n = is_free(p) ? 0 : find_budgets(c, p, &b);
    if (is_free(p)) {
        remove_pod(c, e);
    } else if (n > 1) {
        struct status *st = status_internal_error(c->arena, S(""));
        st->body.message =
            S("This pod has more than one PodDisruptionBudget, which the eviction subresource does "
              "not support.");
        call_answer_status(c, st);
    } else if (n == 0 || may_spare(p, b)) {
        e->spare = n == 1;
        mark_and_remove(c, e);
    } else {
        e->budget = b->metadata.name;
        take_from_budget(c, e);
    }
}

/* -- what is asked -- */

static struct status *check_pod(struct call *c, struct eviction *e) {
    struct str name = c->info.access.name;
    e->pod = call_lookup(c, KIND_CORE_POD, c->info.access.ns, name);
    if (!e->pod)
        return status_not_found(c->arena, pod_target(name));
    struct meta_preconditions *p = e->options->preconditions;
    if (p && p->uid.p && !str_eq(p->uid, e->pod->meta->uid))
        return status_conflict(
            c->arena, pod_target(name),
            S("the UID in the precondition does not match the UID in record. The object might "
              "have been deleted and then recreated"));
    /* The pod that was decided about is the one that goes. */
    if (!p)
        p = e->options->preconditions = arena_new(c->arena, struct meta_preconditions);
    if (!p->uid.p)
        p->uid = e->pod->meta->uid;
    return NULL;
}

static struct status *read_options(struct call *c, struct eviction *e) {
    e->options = e->body->delete_options;
    if (!e->options)
        e->options = arena_new(c->arena, struct meta_delete_options);
    struct field_errors errors = FIELD_ERRORS_INIT(c->arena);
    validate_delete_options(e->options, &errors);
    if (field_errors_count(&errors)) {
        struct status_target t = {.group = S("meta.k8s.io"), .kind = S("DeleteOptions")};
        return status_invalid(c->arena, t, &errors);
    }
    normalise_delete_options(e->options);
    if (e->options->dry_run.n)
        c->options.dry_run = true;
    return NULL;
}

void subresource_evict(struct call *c) {
    struct eviction *e = arena_new(c->arena, struct eviction);
    e->body = subresource_body(c);
    if (!e->body)
        return;
    struct status *failure = NULL;
    if (!str_empty(e->body->metadata.name) && !str_eq(e->body->metadata.name, c->info.access.name))
        failure = status_bad_request(c->arena, "name in URL does not match name in Eviction object");
    if (!failure)
        failure = read_options(c, e);
    if (!failure)
        failure = check_pod(c, e);
    if (failure) {
        call_answer_status(c, failure);
        return;
    }
    subresource_admit(&(struct subresource_walk){
        .call = c,
        .object = e->body,
        .object_type = TY_POLICY_EVICTION,
        .name = c->info.access.name,
        .next = decide,
        .arg = e,
    });
}
