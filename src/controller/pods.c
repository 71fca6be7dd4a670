/* controller/pods: what controllers ask of pods. */
#include "controller/pods.h"

#include <stdlib.h>

#include "api/meta.h"
#include "api/time.h"
#include "base/map.h"

const struct core_pod_condition *pod_condition(const struct core_pod *p, struct str type) {
    for (uint32_t i = 0; i < p->status.conditions.n; i++)
        if (str_eq(p->status.conditions.v[i].type, type))
            return &p->status.conditions.v[i];
    return NULL;
}

bool pod_is_ready(const struct core_pod *p) {
    const struct core_pod_condition *c = pod_condition(p, S("Ready"));
    return c && str_eq(c->status, S("True"));
}

bool pod_is_finished(const struct core_pod *p) {
    return str_eq(p->status.phase, S("Succeeded")) || str_eq(p->status.phase, S("Failed"));
}

bool pod_is_active(const struct core_pod *p) {
    return !pod_is_finished(p) && !meta_is_deleting(&p->metadata);
}

bool pod_is_available(const struct core_pod *p, int32_t min_ready_seconds, int64_t at_ns,
                      int64_t *ret_wait_ns) {
    const struct core_pod_condition *c = pod_condition(p, S("Ready"));
    if (!c || !str_eq(c->status, S("True")))
        return false;
    if (min_ready_seconds <= 0)
        return true;
    if (!c->last_transition_time.set)
        return false;
    int64_t wait = timestamp_to_ns(c->last_transition_time) + min_ready_seconds * NS_PER_SEC - at_ns;
    if (wait > 0 && ret_wait_ns && (!*ret_wait_ns || wait < *ret_wait_ns))
        *ret_wait_ns = wait;
    return wait <= 0;
}

int32_t pod_restarts_max(const struct core_pod *p) {
    int32_t max = 0;
    for (uint32_t i = 0; i < p->status.container_statuses.n; i++)
        if (p->status.container_statuses.v[i].restart_count > max)
            max = p->status.container_statuses.v[i].restart_count;
    return max;
}

struct core_pod *pod_from_template(struct arena *a, const struct core_pod_template_spec *template,
                                   const struct object *owner) {
    struct core_pod *p = arena_new(a, struct core_pod);
    p->metadata.generate_name = arena_printf(a, "%.*s-", STR_ARG(owner->meta->name));
    p->metadata.namespace = owner->meta->namespace;
    p->metadata.labels = template->metadata.labels;
    p->metadata.annotations = template->metadata.annotations;
    p->metadata.finalizers = template->metadata.finalizers;
    struct meta_owner_reference ref = meta_controller_ref(owner->kind, owner->meta);
    meta_set_owner(a, &p->metadata, &ref);
    p->spec = template->spec;
    return p;
}

/* -- which goes first -- */

struct ranked {
    const struct object *object;
    const struct core_pod *pod;
    uint32_t neighbours;
    bool ready;
    int64_t cost, ready_age, age; /* log2 of nanoseconds, -1: none */
    struct timestamp ready_since;
};

static int phase_rank(struct str phase) {
    return str_eq(phase, S("Pending")) ? 0 : str_eq(phase, S("Unknown")) ? 1 : 2;
}

static int64_t log_age(struct timestamp since, int64_t at_ns) {
    int64_t d = at_ns - timestamp_to_ns(since);
    return d <= 0 ? -1 : 63 - __builtin_clzll((unsigned long long)d);
}

static int64_t deletion_cost(const struct core_pod *p) {
    int64_t v = 0;
    struct str text = str_map_get(p->metadata.annotations, S("controller.kubernetes.io/pod-deletion-cost"));
    return text.p && str_to_i64(text, &v) && v >= INT32_MIN && v <= INT32_MAX ? v : 0;
}

static int cmp_ages(const struct ranked *a, const struct ranked *b, int64_t x, int64_t y) {
    if (x != y)
        return x < y ? -1 : 1;
    return str_cmp(a->pod->metadata.uid, b->pod->metadata.uid);
}

static int cmp_ranked(const void *pa, const void *pb) {
    const struct ranked *a = pa, *b = pb;
    int c = (a->pod->spec.node_name.n > 0) - (b->pod->spec.node_name.n > 0);
    if (!c)
        c = phase_rank(a->pod->status.phase) - phase_rank(b->pod->status.phase);
    if (!c)
        c = a->ready - b->ready;
    if (!c)
        c = (a->cost > b->cost) - (a->cost < b->cost);
    if (!c)
        c = (a->neighbours < b->neighbours) - (a->neighbours > b->neighbours);
    if (!c && a->ready && !timestamp_equal(a->ready_since, b->ready_since))
        c = cmp_ages(a, b, a->ready_age, b->ready_age);
    if (!c)
        c = pod_restarts_max(b->pod) - pod_restarts_max(a->pod);
    if (!c && !timestamp_equal(a->pod->metadata.creation_timestamp, b->pod->metadata.creation_timestamp))
        c = cmp_ages(a, b, a->age, b->age);
    return c ? c : str_cmp(a->pod->metadata.name, b->pod->metadata.name);
}

static struct ranked rank(const struct object *o, const struct map *on_node, int64_t at_ns) {
    const struct core_pod *p = pod_of(o);
    const struct core_pod_condition *ready = pod_condition(p, S("Ready"));
    const struct map_entry *e = map_find(on_node, p->spec.node_name);
    struct ranked r = {.object = o,
                       .pod = p,
                       .neighbours = e ? (uint32_t)e->u64 : 0,
                       .ready = ready && str_eq(ready->status, S("True")),
                       .cost = deletion_cost(p),
                       .age = log_age(p->metadata.creation_timestamp, at_ns)};
    if (r.ready) {
        r.ready_since = ready->last_transition_time;
        r.ready_age = log_age(r.ready_since, at_ns);
    }
    return r;
}

void pods_rank(struct objects *pods, const struct objects *family, int64_t at_ns, struct arena *a) {
    _cleanup_map struct map on_node = MAP_INIT;
    for (size_t i = 0; i < family->n; i++)
        if (pod_is_active(pod_of(family->v[i])))
            map_upsert(&on_node, pod_of(family->v[i])->spec.node_name, NULL)->u64++;
    struct ranked *r = arena_new_n(a, pods->n ? pods->n : 1, struct ranked);
    for (size_t i = 0; i < pods->n; i++)
        r[i] = rank(pods->v[i], &on_node, at_ns);
    if (pods->n)
        qsort(r, pods->n, sizeof *r, cmp_ranked);
    for (size_t i = 0; i < pods->n; i++)
        pods->v[i] = r[i].object;
}

/* -- conditions -- */

bool pod_set_condition(struct arena *a, struct core_pod_condition_array *list,
                       const struct core_pod_condition *wanted) {
    uint32_t i = 0;
    while (i < list->n && !str_eq(list->v[i].type, wanted->type))
        i++;
    struct core_pod_condition c = *wanted;
    if (i < list->n) {
        const struct core_pod_condition *old = &list->v[i];
        if (str_eq(old->status, c.status))
            c.last_transition_time = old->last_transition_time;
        c.last_probe_time = old->last_probe_time;
        if (str_eq(old->status, c.status) && str_eq(old->reason, c.reason) && str_eq(old->message, c.message))
            return false;
    }
    struct core_pod_condition *v = arena_new_n(a, list->n + 1, struct core_pod_condition);
    if (list->n)
        memcpy(v, list->v, list->n * sizeof *v);
    v[i] = c;
    list->v = v;
    list->n += i == list->n;
    return true;
}
