/* controller/clusterrole_aggregation: the rules of cluster roles that are put together from others. */
#include "api/equal.h"
#include "api/rbac_aggregate.h"
#include "api/types/rbac.h"
#include "controller/controller_priv.h"
#include "controller/rows.h"

struct role_watch {
    struct informer *roles;
};

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(RBAC_CLUSTER_ROLE), key);
    struct cow_iter it;
    uint32_t n = 0;
    if (!o || !((const struct rbac_cluster_role *)o->body)->aggregation_rule)
        return 0;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(RBAC_CLUSTER_ROLE), S("")))
        n++;
    const struct rbac_cluster_role **all = arena_new_n(r->arena, n + 1, const struct rbac_cluster_role *);
    n = 0;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(RBAC_CLUSTER_ROLE), S("")))
        all[n++] = ((const struct object *)item->value)->body;
    struct rbac_cluster_role role = *(const struct rbac_cluster_role *)o->body;
    role.rules = rbac_aggregate(&role, all, n, r->arena);
    if (api_equal(&builtin, TY_RBAC_CLUSTER_ROLE, &role, o->body))
        return 0;
    return unless_gone(client_update(c->client, o->kind, &role, NULL, err));
}

/* Any role may be a part of those that aggregate. */
static void map_role(struct reconciler *rc, const struct informer_event *e, void *arg) {
    struct informer_snapshot s;
    struct cow_iter it;
    (void)e;
    informer_snapshot(((struct role_watch *)arg)->roles, &s);
    cow_foreach (item, &it, cow_all(&it, &s.tree))
        if (((const struct rbac_cluster_role *)((const struct object *)item->value)->body)->aggregation_rule)
            reconciler_enqueue(rc, item->key);
    informer_snapshot_fini(&s);
}

int clusterrole_aggregation_start(struct controller *c, struct err *err) {
    struct role_watch *s = controller_state(c, sizeof *s);
    int rc =
        informer_get(c->watcher, &(struct informer_options){.kind = KIND(RBAC_CLUSTER_ROLE)}, &s->roles, err);
    if (rc)
        return rc;
    const struct reconciler_watch watches[] = {WATCH_ALL(RBAC_CLUSTER_ROLE, map_role, s)};
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 1, .reconcile = reconcile}, NULL,
        err);
}

void clusterrole_aggregation_stop(struct controller *c) {
    informer_unref(((struct role_watch *)c->state)->roles);
}
