/* scheduler/default_selector: which pods belong together with a pod: those that its services and its
 * controller select. */
#include "api/meta.h"
#include "api/types/apps.h"
#include "base/err.h"
#include "scheduler/scheduler_priv.h"

/* Selectors of services that select the pod, merged. */
static struct str_map service_labels(struct scheduler *s, const struct sched_pod *pod, struct arena *a) {
    struct informer_snapshot snapshot;
    struct str_map merged = {0};
    struct cow_iter it;
    informer_snapshot(s->followed[FOLLOW_SERVICES].informer, &snapshot);
    struct str prefix = arena_printf(a, "%.*s/", STR_ARG(pod->facts->ns));
    cow_foreach (item, &it, cow_prefix(&it, &snapshot.tree, prefix)) {
        const struct object *o = item->value;
        const struct core_service *service = o->body;
        if (!service->spec.selector.n || !label_map_matches(service->spec.selector, pod->facts->labels))
            continue;
        arena_hold(a, object_release_any, object_ref(o));
        merged = str_map_merge(a, merged, service->spec.selector);
    }
    informer_snapshot_fini(&snapshot);
    return merged;
}

static void add_requirements(struct label_selector *to, const struct label_selector *more, struct arena *a) {
    struct label_requirement *v = arena_new_n(a, to->n + more->n, struct label_requirement);
    for (uint32_t i = 0; i < to->n; i++)
        v[i] = to->v[i];
    for (uint32_t i = 0; i < more->n; i++)
        v[to->n + i] = more->v[i];
    *to = label_selector_of(v, to->n + more->n);
}

static const struct object *owner_of(struct scheduler *s, const struct sched_pod *pod, struct arena *a,
                                     struct str kind, enum followed_kind followed) {
    const struct meta_owner_reference *owner = meta_controller(pod->object->meta);
    if (!owner || !str_eq(owner->kind, kind))
        return NULL;
    struct object *o = scheduler_find(s, followed, pod->facts->ns, owner->name);
    if (o)
        arena_hold(a, object_release_any, o);
    return o;
}

static void add_owner(struct scheduler *s, const struct sched_pod *pod, struct arena *a,
                      struct label_selector *to) {
    const struct meta_label_selector *from = NULL;
    struct label_selector more;
    const struct object *o = owner_of(s, pod, a, S("ReplicationController"), FOLLOW_CONTROLLERS);
    if (o) {
        more = label_selector_of_map(a, ((const struct core_replication_controller *)o->body)->spec.selector);
        add_requirements(to, &more, a);
        return;
    }
    if ((o = owner_of(s, pod, a, S("ReplicaSet"), FOLLOW_REPLICA_SETS)))
        from = ((const struct apps_replica_set *)o->body)->spec.selector;
    else if ((o = owner_of(s, pod, a, S("StatefulSet"), FOLLOW_STATEFUL_SETS)))
        from = ((const struct apps_stateful_set *)o->body)->spec.selector;
    if (from && label_selector_compile(a, from, &more, NULL) == 0)
        add_requirements(to, &more, a);
}

bool scheduler_default_selector(struct scheduler *s, const struct sched_pod *pod, struct arena *a,
                                struct label_selector *ret) {
    *ret = label_selector_of_map(a, service_labels(s, pod, a));
    add_owner(s, pod, a, ret);
    return ret->n > 0;
}
