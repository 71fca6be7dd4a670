/* controller/node_ttl: the annotation node.alpha.kubernetes.io/ttl: how long kubelets may keep secrets, by
 * the number of nodes.
 */
#include "api/meta.h"
#include "controller/controller_priv.h"
#include "controller/rows.h"

#define TTL_KEY S("node.alpha.kubernetes.io/ttl")

static const struct {
    uint32_t min, max; /* nodes; the bounds overlap so that a node more or less does not rewrite all */
    int seconds;
} steps[] = {{0, 100, 0}, {90, 500, 15}, {450, 1000, 30}, {900, 2000, 60}, {1800, UINT32_MAX, 300}};

/* The present value while the number of nodes is within its bounds, else the lowest that fits. */
static int ttl_for(uint32_t nodes, struct str present) {
    int64_t now = -1;
    (void)str_to_i64(present, &now);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i].seconds == now && nodes >= steps[i].min && nodes <= steps[i].max)
            return (int)now;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (nodes >= steps[i].min && nodes <= steps[i].max)
            return steps[i].seconds;
    return 0;
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(CORE_NODE), key);
    struct cow_iter it;
    uint32_t n = 0;
    if (!o)
        return 0;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_NODE), S("")))
        n++;
    struct str present = str_map_get(o->meta->annotations, TTL_KEY);
    struct str wanted = arena_printf(r->arena, "%d", ttl_for(n, present));
    if (str_eq(present, wanted))
        return 0;
    struct str patch =
        arena_printf(r->arena, "{\"metadata\":{\"annotations\":{\"node.alpha.kubernetes.io/ttl\":\"%.*s\"}}}",
                     STR_ARG(wanted));
    return unless_gone(
        client_patch(c->client, o->kind, S(""), key, STR_NONE, CLIENT_PATCH_STRATEGIC, patch, NULL, err));
}

static void map_node(struct reconciler *rc, const struct informer_event *e, void *arg) {
    if (e->type == INFORMER_ADDED ||
        (e->type == INFORMER_MODIFIED &&
         !str_map_equal(e->object->meta->annotations, e->previous->meta->annotations)))
        map_self(rc, e, arg);
}

int node_ttl_start(struct controller *c, struct err *err) {
    const struct reconciler_watch watches[] = {WATCH_ALL(CORE_NODE, map_node, NULL)};
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 1, .reconcile = reconcile}, NULL,
        err);
}
