/* The world of one reconcile: snapshots that are taken when they are first asked for. See reconciler.h. */
#include "api/types/ids.h"
#include "base/err.h"
#include "client/reconciler_priv.h"

static uint32_t place_of(const struct world *w, const struct kind *k) {
    for (uint32_t i = 0; i < w->n; i++)
        if (informer_kind(w->informers[i]) == k->hub)
            return i;
    panic("reconcile: %.*s is not among the watched kinds", STR_ARG(k->plural));
}

static struct informer_snapshot *snapshot_of(struct world *w, const struct kind *k) {
    uint32_t i = place_of(w, k);
    if (!w->taken[i])
        informer_snapshot(w->informers[i], &w->snapshots[i]);
    w->taken[i] = true;
    return &w->snapshots[i];
}

void world_init(struct world *w, struct informer *const *informers, uint32_t n, struct arena *arena) {
    check(n <= WORLD_KINDS_MAX);
    w->informers = informers;
    w->n = n;
    w->arena = arena;
    for (uint32_t i = 0; i < n; i++)
        w->taken[i] = false;
}

void world_fini(struct world *w) {
    for (uint32_t i = 0; i < w->n; i++)
        if (w->taken[i])
            informer_snapshot_fini(&w->snapshots[i]);
    w->n = 0;
}

const struct object *world_get_key(struct world *w, const struct kind *k, struct str key) {
    return cow_get(&snapshot_of(w, k)->tree, key);
}

const struct object *world_get(struct world *w, const struct kind *k, struct str ns, struct str name) {
    return world_get_key(w, k, ns.n ? arena_printf(w->arena, "%.*s/%.*s", STR_ARG(ns), STR_ARG(name)) : name);
}

/* The iterator borrows the prefix. */
static const struct cow_item *begin(struct world *w, struct cow_iter *it, const struct cow *tree,
                                    struct str first) {
    (void)cow_prefix(it, tree, arena_printf(w->arena, "%.*s/", STR_ARG(first)));
    return it->at;
}

const struct cow_item *world_in(struct world *w, struct cow_iter *it, const struct kind *k, struct str ns) {
    const struct cow *tree = &snapshot_of(w, k)->tree;
    if (ns.n)
        return begin(w, it, tree, ns);
    return cow_all(it, tree)->at;
}

const struct cow_item *world_owned(struct world *w, struct cow_iter *it, const struct kind *k,
                                   struct str uid) {
    return begin(w, it, &snapshot_of(w, k)->by_owner, uid);
}

const struct cow_item *world_on_node(struct world *w, struct cow_iter *it, struct str node) {
    return begin(w, it, &snapshot_of(w, &kinds[KIND_CORE_POD])->by_node, node);
}

uint64_t world_revision(struct world *w, const struct kind *k) {
    return snapshot_of(w, k)->revision;
}
