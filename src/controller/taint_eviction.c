/* controller/taint_eviction: ends pods on nodes whose NoExecute taints they do not bear, or no longer. Keys
 * are pods. A pod's time begins with the taint (timeAdded), or when the pod is first seen with it.
 */
#include <stdlib.h>

#include "api/equal.h"
#include "api/meta.h"
#include "api/time.h"
#include "base/map.h"
#include "base/timefmt.h"
#include "controller/evict.h"
#include "controller/rows.h"
#include "controller/taints.h"

/* One run at a time uses the map. */
struct eviction_notes {
    struct informer *pods;
    struct map seen; /* uid → wall time */
};

static int64_t began_ns(const struct core_taint_array *taints, int64_t now) {
    int64_t ns = now;
    for (uint32_t i = 0; i < taints->n; i++)
        if (str_eq(taints->v[i].effect, S("NoExecute")) && taints->v[i].time_added.set &&
            timestamp_to_ns(taints->v[i].time_added) < ns)
            ns = timestamp_to_ns(taints->v[i].time_added);
    return ns;
}

/* Taints without a time: counted from when a run first saw the pod with them. */
static int64_t first_seen_ns(struct reconcile *r, const struct object *pod, int64_t now) {
    struct eviction_notes *s = ((struct controller *)r->arg)->state;
    struct map_entry *e = map_upsert(&s->seen, pod->meta->uid, NULL);
    if (!e->u64)
        e->u64 = (uint64_t)now;
    return (int64_t)e->u64;
}

static void forget(struct reconcile *r, const struct object *pod) {
    struct eviction_notes *s = ((struct controller *)r->arg)->state;
    (void)map_remove(&s->seen, pod->meta->uid);
}

static int evict(struct reconcile *r, const struct object *pod, struct err *err) {
    struct controller *c = r->arg;
    forget(r, pod);
    event_record(c->events, pod, "Normal", "TaintManagerEviction", "Marking for deletion Pod %.*s/%.*s",
                 STR_ARG(pod->meta->namespace), STR_ARG(pod->meta->name));
    int rc = pod_mark_disrupted(c, r, pod, "DeletionByTaintManager",
                                "Taint manager: deleting due to NoExecute taint", false, err);
    return rc ? rc : pod_evict(c, pod, false, err);
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    const struct object *pod = world_get_key(&r->world, KIND(CORE_POD), key);
    if (!pod || meta_is_deleting(pod->meta) || !pod_of(pod)->spec.node_name.n || pod_is_finished(pod_of(pod)))
        return 0;
    const struct object *node = world_get_key(&r->world, KIND(CORE_NODE), pod_of(pod)->spec.node_name);
    const struct core_taint_array *taints =
        node ? &((const struct core_node *)node->body)->spec.taints : NULL;
    int64_t stay = taints ? taints_stay_ns(taints, &pod_of(pod)->spec.tolerations) : -1;
    if (stay < 0) {
        forget(r, pod);
        return 0;
    }
    int64_t now = now_ns(r), began = began_ns(taints, first_seen_ns(r, pod, now));
    if (stay > 0 && began + stay > now) {
        r->requeue_after_ns = began + stay - now;
        return 0;
    }
    return evict(r, pod, err);
}

static void map_pod(struct reconciler *rc, const struct informer_event *e, void *arg) {
    const struct core_pod *p = pod_of(e->object), *old = e->previous ? pod_of(e->previous) : NULL;
    if (e->type == INFORMER_DELETED || !p->spec.node_name.n)
        return;
    if (!old || !str_eq(p->spec.node_name, old->spec.node_name) ||
        p->spec.tolerations.n != old->spec.tolerations.n)
        map_self(rc, e, arg);
}

static void map_node(struct reconciler *rc, const struct informer_event *e, void *arg) {
    const struct core_node *n = e->object->body, *old = e->previous ? e->previous->body : NULL;
    struct informer_snapshot s;
    struct cow_iter it;
    if (e->type == INFORMER_DELETED || (!old && !n->spec.taints.n) ||
        (old && api_equal_field(&builtin, TY_CORE_NODE_SPEC, &n->spec, &old->spec, S("taints"))))
        return;
    _cleanup_arena struct arena a = ARENA_INIT;
    informer_snapshot(((struct eviction_notes *)arg)->pods, &s);
    cow_foreach (item, &it, cow_prefix(&it, &s.by_node, arena_printf(&a, "%.*s/", STR_ARG(n->metadata.name))))
        reconciler_enqueue(rc, object_key_of(&a, item->value));
    informer_snapshot_fini(&s);
}

int taint_eviction_start(struct controller *c, struct err *err) {
    struct eviction_notes *s = controller_state(c, sizeof *s);
    s->seen = (struct map)MAP_INIT_OWNING;
    int rc = informer_get(c->watcher, &(struct informer_options){.kind = KIND(CORE_POD)}, &s->pods, err);
    if (rc)
        return rc;
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_POD, map_pod, s),
        WATCH_ALL(CORE_NODE, map_node, s),
    };
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 2, .reconcile = reconcile}, NULL,
        err);
}

void taint_eviction_stop(struct controller *c) {
    struct eviction_notes *s = c->state;
    map_fini(&s->seen);
    informer_unref(s->pods);
}
