/* controller/quota: counts again what resource quotas say is used. Keys are quotas.
 *
 * Admission counts for itself; this keeps the status right when objects go, end or change.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "api/equal.h"
#include "api/meta.h"
#include "api/quantity.h"
#include "api/quota_usage.h"
#include "base/timefmt.h"
#include "controller/controller_priv.h"
#include "controller/pods.h"
#include "controller/rows.h"

#define GATHER_NS (NS_PER_SEC / 5) /* changes shortly after each other are counted together */
#define SYNC_WAIT_NS (30 * NS_PER_SEC)

struct quotas {
    struct informer *quotas;
    struct informer *_Atomic *kinds; /* parallel to kinds[], on first use */
};

/* The objects of a kind that some quota counts. Two workers may both get it: informers are counted. */
static int kind_informer(struct controller *c, const struct kind *k, struct informer **ret, struct err *err) {
    struct quotas *s = c->state;
    struct informer *i = s->kinds[k->index], *none = NULL;
    int rc = 0;
    if (!i) {
        rc = informer_get(c->watcher, &(struct informer_options){.kind = k}, &i, err);
        if (!rc && !atomic_compare_exchange_strong(&s->kinds[k->index], &none, i)) {
            informer_unref(i);
            i = none;
        }
    }
    if (!rc)
        rc = informer_wait_synced(i, SYNC_WAIT_NS, err);
    *ret = i;
    return rc;
}

static int count(struct reconcile *r, const struct core_resource_quota *q, struct str resource,
                 struct quantity *ret, struct err *err) {
    struct controller *c = r->arg;
    const struct kind *k = quota_resource_kind(resource);
    struct informer *informer;
    struct informer_snapshot s;
    struct cow_iter it;
    *ret = (struct quantity){.format = q->spec.hard.v[0].value.format, .set = true};
    if (!k)
        return 0;
    int rc = kind_informer(c, k, &informer, err);
    if (rc)
        return rc;
    informer_snapshot(informer, &s);
    struct str prefix = arena_printf(r->arena, "%.*s/", STR_ARG(q->metadata.namespace));
    cow_foreach (item, &it, cow_prefix(&it, &s.tree, prefix)) {
        const struct object *o = item->value;
        if (!quota_scopes_match(&q->spec, k, o->body))
            continue;
        struct quantity used = quota_usage_of(k, o->body, resource, now_ns(r) / NS_PER_SEC);
        quantity_add(ret, &used);
    }
    informer_snapshot_fini(&s);
    return 0;
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(CORE_RESOURCE_QUOTA), key);
    if (!o || meta_is_deleting(o->meta))
        return 0;
    struct core_resource_quota q = *(const struct core_resource_quota *)o->body;
    struct quantity_map used = {arena_new_n(r->arena, q.spec.hard.n + 1, struct quantity_entry), 0};
    for (uint32_t i = 0; i < q.spec.hard.n; i++) {
        struct str resource = q.spec.hard.v[i].key;
        struct quantity n;
        int rc = count(r, &q, resource, &n, err);
        if (rc)
            return rc;
        used.v[used.n++] = (struct quantity_entry){resource, n};
    }
    r->requeue_after_ns = c->options->quota_resync_ns;
    struct core_resource_quota_status before = q.status;
    q.status = (struct core_resource_quota_status){.hard = q.spec.hard, .used = used};
    if (api_equal(&builtin, TY_CORE_RESOURCE_QUOTA_STATUS, &q.status, &before))
        return 0;
    return unless_gone(client_update_status(c->client, o->kind, &q, NULL, err));
}

static void map_quota(struct reconciler *rc, const struct informer_event *e, void *arg) {
    const struct core_resource_quota *q = e->object->body, *old = e->previous ? e->previous->body : NULL;
    if (e->type == INFORMER_MODIFIED &&
        api_equal(&builtin, TY_CORE_RESOURCE_QUOTA_SPEC, &q->spec, &old->spec))
        return;
    map_self(rc, e, arg);
}

/* Something of a namespace came, went or ended. */
static void map_usage(struct reconciler *rc, const struct informer_event *e, void *arg) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct informer_snapshot s;
    struct cow_iter it;
    informer_snapshot(((struct quotas *)arg)->quotas, &s);
    struct str prefix = arena_printf(&a, "%.*s/", STR_ARG(e->object->meta->namespace));
    cow_foreach (item, &it, cow_prefix(&it, &s.tree, prefix))
        reconciler_enqueue_after(rc, item->key, GATHER_NS);
    informer_snapshot_fini(&s);
}

static void map_pod(struct reconciler *rc, const struct informer_event *e, void *arg) {
    bool ended = e->previous && pod_is_finished(pod_of(e->object)) && !pod_is_finished(pod_of(e->previous));
    if (e->type != INFORMER_MODIFIED || ended)
        map_usage(rc, e, arg);
}

int quota_start(struct controller *c, struct err *err) {
    struct quotas *s = controller_state(c, sizeof *s);
    s->kinds = calloc(n_kinds, sizeof *s->kinds);
    if (!s->kinds)
        panic("out of memory");
    int rc = informer_get(c->watcher, &(struct informer_options){.kind = KIND(CORE_RESOURCE_QUOTA)},
                          &s->quotas, err);
    if (rc)
        return rc;
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_RESOURCE_QUOTA, map_quota, NULL),
        WATCH_ALL(CORE_POD, map_pod, s),
        WATCH_ALL(CORE_SERVICE, map_usage, s),
        WATCH_ALL(CORE_PERSISTENT_VOLUME_CLAIM, map_usage, s),
        WATCH_ALL(CORE_SECRET, map_usage, s),
        WATCH_ALL(CORE_CONFIG_MAP, map_usage, s),
    };
    return controller_add(c,
                          &(struct reconciler_options){.watches = watches,
                                                       .n_watches = sizeof watches / sizeof *watches,
                                                       .reconcile = reconcile,
                                                       .concurrency = 2},
                          NULL, err);
}

void quota_stop(struct controller *c) {
    struct quotas *s = c->state;
    for (uint32_t i = 0; i < n_kinds; i++)
        informer_unref(s->kinds[i]);
    informer_unref(s->quotas);
    free(s->kinds);
}
