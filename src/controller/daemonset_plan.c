/* controller/daemonset_plan: which nodes need a pod of a daemon set. */
#include "controller/daemonset_plan.h"

#include "api/intstr.h"
#include "api/label_selector.h"
#include "api/meta.h"
#include "api/node_selector.h"
#include "base/err.h"
#include "base/vec.h"
#include "controller/taints.h"

/* -- the pod -- */

struct core_toleration_array daemon_tolerations(struct arena *a, const struct core_pod_spec *spec) {
    static const struct {
        const char *key, *effect;
        bool host_network_only;
    } own[] = {
        {"node.kubernetes.io/not-ready", "NoExecute", false},
        {"node.kubernetes.io/unreachable", "NoExecute", false},
        {"node.kubernetes.io/disk-pressure", "NoSchedule", false},
        {"node.kubernetes.io/memory-pressure", "NoSchedule", false},
        {"node.kubernetes.io/pid-pressure", "NoSchedule", false},
        {"node.kubernetes.io/unschedulable", "NoSchedule", false},
        {"node.kubernetes.io/network-unavailable", "NoSchedule", true},
    };
    const uint32_t n_own = sizeof own / sizeof *own;
    struct core_toleration_array out = {arena_new_n(a, spec->tolerations.n + n_own, struct core_toleration),
                                        spec->tolerations.n};
    if (out.n)
        memcpy(out.v, spec->tolerations.v, out.n * sizeof *out.v);
    for (uint32_t i = 0; i < n_own; i++)
        if (!own[i].host_network_only || spec->host_network)
            out.v[out.n++] = (struct core_toleration){
                .key = str_from(own[i].key), .operator= S("Exists"), .effect = str_from(own[i].effect)};
    return out;
}

static struct core_affinity *affinity_to(struct arena *a, const struct core_affinity *from, struct str node) {
    struct core_affinity *out = arena_new(a, struct core_affinity);
    struct core_node_affinity *na = arena_new(a, struct core_node_affinity);
    struct core_node_selector *sel = arena_new(a, struct core_node_selector);
    struct core_node_selector_term *term = arena_new(a, struct core_node_selector_term);
    struct core_node_selector_requirement *req = arena_new(a, struct core_node_selector_requirement);
    struct str *name = arena_new(a, struct str);
    *name = node;
    *req = (struct core_node_selector_requirement){
        .key = S("metadata.name"), .operator= S("In"), .values = {name, 1}};
    term->match_fields = (struct core_node_selector_requirement_array){req, 1};
    sel->node_selector_terms = (struct core_node_selector_term_array){term, 1};
    if (from)
        *out = *from;
    if (out->node_affinity)
        *na = *out->node_affinity;
    na->required_during_scheduling_ignored_during_execution = sel;
    out->node_affinity = na;
    return out;
}

struct core_pod *daemon_pod(struct arena *a, const struct object *set, struct str node, struct str hash) {
    const struct apps_daemon_set *ds = set->body;
    struct core_pod *p = pod_from_template(a, &ds->spec.template, set);
    struct str generation =
        str_map_get(ds->metadata.annotations, S("deprecated.daemonset.template.generation"));
    p->metadata.labels = str_map_with(a, p->metadata.labels, S("controller-revision-hash"), hash);
    if (generation.n)
        p->metadata.labels = str_map_with(a, p->metadata.labels, S("pod-template-generation"), generation);
    p->spec.tolerations = daemon_tolerations(a, &p->spec);
    p->spec.affinity = affinity_to(a, p->spec.affinity, node);
    return p;
}

struct str daemon_target(const struct core_pod *p) {
    const struct core_node_selector *sel =
        p->spec.affinity && p->spec.affinity->node_affinity
            ? p->spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution
            : NULL;
    if (p->spec.node_name.n || !sel)
        return p->spec.node_name;
    for (uint32_t i = 0; i < sel->node_selector_terms.n; i++) {
        const struct core_node_selector_requirement_array *f = &sel->node_selector_terms.v[i].match_fields;
        for (uint32_t j = 0; j < f->n; j++)
            if (str_eq(f->v[j].key, S("metadata.name")) && str_eq(f->v[j].operator, S("In")) &&
                f->v[j].values.n == 1)
                return f->v[j].values.v[0];
    }
    return S("");
}

void daemon_judge(struct arena *a, const struct apps_daemon_set *ds, struct daemon_node *node) {
    const struct core_pod_spec *spec = &ds->spec.template.spec;
    const struct core_node *n = node->node;
    node->should_run = node->may_stay = false;
    if (!n || (spec->node_name.n && !str_eq(spec->node_name, node->name)) ||
        !label_map_matches(spec->node_selector, n->metadata.labels))
        return;
    const struct core_node_selector *required =
        spec->affinity && spec->affinity->node_affinity
            ? spec->affinity->node_affinity->required_during_scheduling_ignored_during_execution
            : NULL;
    if (required) {
        struct node_selector sel;
        node_selector_compile(a, required, &sel);
        if (!node_selector_matches(&sel, n->metadata.labels, node->name))
            return;
    }
    struct core_toleration_array by = daemon_tolerations(a, spec);
    node->may_stay = taints_tolerated(&n->spec.taints, &by, S("NoExecute"), S(""));
    node->should_run = node->may_stay && taints_tolerated(&n->spec.taints, &by, S("NoSchedule"), S(""));
}

/* -- placing -- */

static bool is_going(const struct object *o) {
    return meta_is_deleting(o->meta);
}

static bool is_updated(const struct daemon_view *v, const struct object *o) {
    return str_eq(str_map_get(o->meta->labels, S("controller-revision-hash")), v->hash);
}

static bool is_available(const struct daemon_view *v, const struct object *o) {
    return pod_is_available(pod_of(o), v->ds->spec.min_ready_seconds, v->now_ns, NULL);
}

static bool allows_surge(const struct apps_daemon_set *ds) {
    const struct apps_rolling_update_daemon_set *ru = ds->spec.update_strategy.rolling_update;
    if (!ru || !ru->max_surge.set || !str_eq(ds->spec.update_strategy.type, S("RollingUpdate")))
        return false;
    int32_t n = 0;
    return !intstr_scaled(ru->max_surge, 100, true, &n, NULL) && n > 0;
}

/* Two on one node while the new one comes up; else only the oldest stays. */
static void drop_doubles(struct arena *a, const struct daemon_view *v, const struct objects *running,
                         struct daemon_plan *plan) {
    const struct object *oldest_new = NULL, *oldest_old = NULL;
    if (running->n <= 1)
        return;
    if (!allows_surge(v->ds)) {
        for (size_t i = 1; i < running->n; i++)
            vec_push_in(a, &plan->remove, running->v[i]);
        return;
    }
    for (size_t i = 0; i < running->n; i++) {
        const struct object **kept = is_updated(v, running->v[i]) ? &oldest_new : &oldest_old;
        if (*kept)
            vec_push_in(a, &plan->remove, running->v[i]);
        else
            *kept = running->v[i];
    }
    if (oldest_new && oldest_old && (!pod_is_ready(pod_of(oldest_old)) || is_available(v, oldest_new)))
        vec_push_in(a, &plan->remove, oldest_old);
}

static void sort_out(struct arena *a, const struct daemon_view *v, const struct daemon_node *node,
                     daemon_may_retry_fn may_retry, void *arg, struct daemon_plan *plan) {
    struct objects running = {.n = 0};
    for (size_t i = 0; i < node->pods.n; i++) {
        const struct object *o = node->pods.v[i];
        struct str phase = pod_of(o)->status.phase;
        int64_t wait = 0;
        if (is_going(o))
            continue;
        if (str_eq(phase, S("Failed"))) {
            if (may_retry(arg, node->name, &wait)) {
                vec_push_in(a, &plan->remove, o);
                vec_push_in(a, &plan->failed, o);
            } else if (!plan->retry_ns || wait < plan->retry_ns) {
                plan->retry_ns = wait;
            }
        } else if (str_eq(phase, S("Succeeded"))) {
            vec_push_in(a, &plan->remove, o);
            vec_push_in(a, &plan->succeeded, o);
        } else {
            vec_push_in(a, &running, o);
        }
    }
    drop_doubles(a, v, &running, plan);
}

void daemon_plan_place(struct arena *a, const struct daemon_view *v, daemon_may_retry_fn may_retry, void *arg,
                       struct daemon_plan *plan) {
    *plan = (struct daemon_plan){.create = arena_new_n(a, v->n + 1, struct str)};
    for (size_t i = 0; i < v->n; i++) {
        const struct daemon_node *node = &v->nodes[i];
        if (node->should_run && !node->pods.n)
            plan->create[plan->n_create++] = node->name;
        else if (node->may_stay)
            sort_out(a, v, node, may_retry, arg, plan);
        else
            for (size_t j = 0; j < node->pods.n; j++)
                if (!is_going(node->pods.v[j]))
                    vec_push_in(a, &plan->remove, node->pods.v[j]);
    }
}

/* -- rolling -- */

/* The pod of the present and the one of an older template on a node; false when there are more than that. */
static bool find_pods(const struct daemon_view *v, const struct daemon_node *node,
                      const struct object **ret_new, const struct object **ret_old) {
    *ret_new = *ret_old = NULL;
    for (size_t i = 0; i < node->pods.n; i++) {
        const struct object *o = node->pods.v[i];
        if (is_going(o))
            continue;
        const struct object **at = is_updated(v, o) ? ret_new : ret_old;
        if (*at)
            return false;
        *at = o;
    }
    return true;
}

static void roll_in_place(struct arena *a, const struct daemon_view *v, int64_t max_unavailable,
                          struct daemon_plan *plan) {
    struct objects candidates = {.n = 0};
    int64_t unavailable = 0;
    for (size_t i = 0; i < v->n; i++) {
        const struct object *now, *old;
        if (!v->nodes[i].should_run && !v->nodes[i].pods.n)
            continue;
        if (!find_pods(v, &v->nodes[i], &now, &old) || !now == !old)
            unavailable++; /* placing is not done with this node */
        else if (now)
            unavailable += !is_available(v, now);
        else if (!is_available(v, old))
            vec_push_in(a, &plan->remove, old); /* costs nothing */
        else
            vec_push_in(a, &candidates, old);
    }
    /* what was not available and goes now is still missing afterwards */
    unavailable += (int64_t)plan->remove.n;
    for (size_t i = 0; i < candidates.n && unavailable < max_unavailable; i++, unavailable++)
        vec_push_in(a, &plan->remove, candidates.v[i]);
}

static void roll_by_surge(struct arena *a, const struct daemon_view *v, int64_t max_surge,
                          struct daemon_plan *plan) {
    int64_t surge = 0;
    struct str *candidates = arena_new_n(a, v->n + 1, struct str);
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        const struct object *now, *old;
        const struct daemon_node *node = &v->nodes[i];
        if (!find_pods(v, node, &now, &old))
            surge++;
        else if (old && !now && node->should_run && !is_available(v, old))
            plan->create[plan->n_create++] = node->name;
        else if (old && !now && node->should_run)
            candidates[n++] = node->name;
        else if (old && now && is_available(v, now))
            vec_push_in(a, &plan->remove, old);
        else if (old && now)
            surge++;
    }
    for (size_t i = 0; i < n && surge < max_surge; i++, surge++)
        plan->create[plan->n_create++] = candidates[i];
}

int daemon_plan_roll(struct arena *a, const struct daemon_view *v, struct daemon_plan *plan,
                     struct err *err) {
    const struct apps_rolling_update_daemon_set *ru = v->ds->spec.update_strategy.rolling_update;
    int32_t desired = 0, surge = 0, unavailable = 1;
    *plan = (struct daemon_plan){.create = arena_new_n(a, v->n + 1, struct str)};
    for (size_t i = 0; i < v->n; i++)
        desired += v->nodes[i].should_run;
    int rc = 0;
    if (ru && ru->max_surge.set)
        rc = intstr_scaled(ru->max_surge, desired, true, &surge, err);
    if (!rc && ru && ru->max_unavailable.set)
        rc = intstr_scaled(ru->max_unavailable, desired, true, &unavailable, err);
    if (rc)
        return rc;
    if (desired > 0 && surge == 0 && unavailable == 0)
        unavailable = 1;
    if (surge > 0)
        roll_by_surge(a, v, surge, plan);
    else
        roll_in_place(a, v, unavailable, plan);
    return 0;
}

/* -- status -- */

struct apps_daemon_set_status daemon_status(const struct daemon_view *v, int64_t *ret_wait_ns) {
    struct apps_daemon_set_status s = {.observed_generation = v->ds->metadata.generation,
                                       .collision_count = v->ds->status.collision_count,
                                       .conditions = v->ds->status.conditions};
    for (size_t i = 0; i < v->n; i++) {
        const struct daemon_node *node = &v->nodes[i];
        const struct object *pod = NULL;
        for (size_t j = 0; j < node->pods.n && !pod; j++)
            if (!is_going(node->pods.v[j]) || j + 1 == node->pods.n)
                pod = node->pods.v[j];
        if (node->should_run)
            s.desired_number_scheduled++;
        else
            s.number_misscheduled += pod != NULL;
        if (!node->should_run || !pod)
            continue;
        s.current_number_scheduled++;
        s.number_ready += pod_is_ready(pod_of(pod));
        s.number_available +=
            pod_is_available(pod_of(pod), v->ds->spec.min_ready_seconds, v->now_ns, ret_wait_ns);
        s.updated_number_scheduled += is_updated(v, pod);
    }
    s.number_unavailable = s.desired_number_scheduled - s.number_available;
    return s;
}
