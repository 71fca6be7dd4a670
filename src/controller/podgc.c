/* controller/podgc: deletes pods that nobody else will: too many that have ended, those of nodes that are
 * gone, those that end without a node. One key, every 20 seconds.
 */
#include <stdlib.h>

#include "api/meta.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "controller/evict.h"
#include "controller/rows.h"
#include "controller/taints.h"

#define PERIOD_NS (20 * NS_PER_SEC)
#define QUARANTINE_NS (40 * NS_PER_SEC)

/* Since when (monotonic) nodes that pods name have been missing; only the one key's runs use it. */
struct podgc {
    struct map missing;
};

static bool was_evicted(const struct core_pod *p) {
    return str_eq(p->status.reason, S("Evicted"));
}

static int cmp_ended(const void *pa, const void *pb) {
    const struct core_pod *a = pod_of(*(const struct object *const *)pa);
    const struct core_pod *b = pod_of(*(const struct object *const *)pb);
    if (was_evicted(a) != was_evicted(b))
        return was_evicted(a) ? -1 : 1;
    int64_t x = a->metadata.creation_timestamp.sec, y = b->metadata.creation_timestamp.sec;
    return x != y ? (x < y ? -1 : 1) : str_cmp(a->metadata.name, b->metadata.name);
}

static int drop_ended(struct controller *c, struct objects *ended, struct err *err) {
    int64_t excess = (int64_t)ended->n - c->options->terminated_pod_threshold;
    int rc = 0;
    if (c->options->terminated_pod_threshold <= 0 || excess <= 0)
        return 0;
    qsort(ended->v, ended->n, sizeof *ended->v, cmp_ended);
    for (int64_t i = 0; i < excess && !rc; i++)
        rc = pod_evict(c, ended->v[i], true, err);
    return rc;
}

/* Long enough missing, and the server does not know it either. */
static bool node_is_gone(struct reconcile *r, struct str name) {
    struct controller *c = r->arg;
    struct podgc *s = c->state;
    struct map_entry *e = map_upsert(&s->missing, name, NULL);
    int64_t now = clock_mono_ns(r->clock);
    if (!e->u64)
        e->u64 = (uint64_t)now;
    if (now - (int64_t)e->u64 < QUARANTINE_NS)
        return false;
    struct err err = ERR_INIT;
    return client_get(c->client, KIND(CORE_NODE), S(""), name, NULL, &err) == ERR_NOT_FOUND;
}

static void forget_found(struct reconcile *r) {
    struct podgc *s = ((struct controller *)r->arg)->state;
    map_foreach_reverse(e, &s->missing) {
        struct cow_iter it;
        (void)world_on_node(&r->world, &it, e->key);
        bool named = cow_next(&it) != NULL;
        if (!named || world_get_key(&r->world, KIND(CORE_NODE), e->key))
            map_remove_entry(&s->missing, e);
    }
}

static bool out_of_service(const struct object *node) {
    const struct core_node *n = node->body;
    bool tainted = taint_find(&n->spec.taints, S("node.kubernetes.io/out-of-service"), S("NoExecute")) ||
                   taint_find(&n->spec.taints, S("node.kubernetes.io/out-of-service"), S("NoSchedule"));
    for (uint32_t i = 0; tainted && i < n->status.conditions.n; i++)
        if (str_eq(n->status.conditions.v[i].type, S("Ready")))
            return !str_eq(n->status.conditions.v[i].status, S("True"));
    return false;
}

static int look_at(struct reconcile *r, const struct object *pod, struct objects *ended, struct err *err) {
    struct controller *c = r->arg;
    const struct core_pod *p = pod_of(pod);
    bool going = meta_is_deleting(pod->meta);
    const struct object *node =
        p->spec.node_name.n ? world_get_key(&r->world, KIND(CORE_NODE), p->spec.node_name) : NULL;
    if (pod_is_finished(p) && !going)
        vec_push_in(r->arena, ended, pod);
    if (going && !p->spec.node_name.n) {
        int rc = pod_mark_disrupted(c, r, pod, "", "", true, err);
        return rc ? rc : pod_evict(c, pod, true, err);
    }
    if (node && going && out_of_service(node)) {
        int rc = pod_mark_disrupted(c, r, pod, "", "", true, err);
        return rc ? rc : pod_evict(c, pod, true, err);
    }
    if (node || !p->spec.node_name.n || !node_is_gone(r, p->spec.node_name))
        return 0;
    int rc = pod_mark_disrupted(c, r, pod, "DeletionByPodGC", "PodGC: node no longer exists", true, err);
    return rc ? rc : pod_evict(c, pod, true, err);
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct objects ended = {.n = 0};
    struct cow_iter it;
    (void)key;
    r->requeue_after_ns = PERIOD_NS;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_POD), S(""))) {
        int rc = look_at(r, item->value, &ended, err);
        if (rc && rc != ERR_CONFLICT)
            return rc;
    }
    forget_found(r);
    return drop_ended(r->arg, &ended, err);
}

int podgc_start(struct controller *c, struct err *err) {
    struct podgc *s = controller_state(c, sizeof *s);
    struct reconciler *rc = NULL;
    s->missing = (struct map)MAP_INIT_OWNING;
    const struct reconciler_watch watches[] = {WATCH_ALL(CORE_POD, NULL, NULL),
                                               WATCH_ALL(CORE_NODE, NULL, NULL)};
    int code = controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 2, .reconcile = reconcile}, &rc,
        err);
    if (!code)
        reconciler_enqueue(rc, S("pods"));
    return code;
}

void podgc_stop(struct controller *c) {
    map_fini(&((struct podgc *)c->state)->missing);
}
