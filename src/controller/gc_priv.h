/* gc_priv: the garbage collector's two halves: garbagecollector.c hears of events and keeps the graph,
 * gc_sweep.c deletes, orphans and lets go.
 */
#pragma once

#include "api/meta.h"
#include "controller/controller_priv.h"
#include "controller/gc_graph.h"

struct gc;

/* One kind that is followed. */
struct gc_kind {
    struct informer_listener listener;
    struct informer *informer;
    struct gc *gc;
};

struct gc {
    struct controller *c;
    struct reconciler *reconciler;
    struct gc_graph graph;
    struct gc_kind *kinds; /* parallel to kinds[]; informer NULL: not followed */
};

/* Keys: "d/<uid>": the dependents of an owner that is gone or ends in the foreground;
 * "o/<kind index>/<ns>/<name>": one object: its finalizers of ours, its references. */
int gc_reconcile(struct reconcile *r, struct str key, struct err *err);

/* The informer of a kind, NULL when it is not followed. */
struct informer *gc_informer(const struct gc *gc, const struct kind *k);
struct str gc_object_key(struct arena *a, const struct kind *k, struct str ns, struct str name);
/* The kind a reference names, or NULL. */
const struct kind *gc_kind_of(const struct meta_owner_reference *ref);

static inline bool gc_in_foreground(const struct meta_object_meta *m) {
    return meta_is_deleting(m) && meta_has_finalizer(m, S("foregroundDeletion"));
}
static inline bool gc_is_orphaning(const struct meta_object_meta *m) {
    return meta_is_deleting(m) && meta_has_finalizer(m, S("orphan"));
}
