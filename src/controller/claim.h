/* claim: which objects belong to a controller: those it owns and selects; others it lets go, and those that
 * nobody owns it takes.
 *
 * Adopting asks the server, not the cache, whether the owner still is what we think, and writes with the uid
 * as precondition. Workers only.
 *
 * CONFORMS: upstream's controller reference manager.
 */
#pragma once

#include "api/label_selector.h"
#include "controller/controller_priv.h"
#include "controller/pods.h"

struct claim {
    struct controller *controller;
    struct reconcile *r;
    const struct object *owner;
    const struct label_selector *selector;
    const struct kind *kind; /* of what is claimed; the reconciler watches it */
    /* Which objects may be adopted, besides selecting them; NULL: all. */
    bool (*wants)(const struct claim *c, const struct object *o);
    struct str finalizer; /* removed from what is let go; "": none */
};

/* Objects that belong to the owner, in the reconcile's arena, borrowed. */
int claim_objects(const struct claim *c, struct objects *ret, struct err *err);

/* The map of what is claimed: tells the owner, or, of what has none, all of ns that might take it.
 * match: whether an object of the owners' kind selects these labels. */
struct claim_map {
    struct controller *controller;
    const struct kind *owner_kind;
    struct informer *owners; /* of owner_kind */
    bool (*selects)(const struct object *owner, struct str_map labels);
    struct expectations *expectations; /* told of what is seen; may be NULL */
    int64_t delay_ns;                  /* changes are looked at so much later, together; 0: at once */
    /* The same by owner; NULL: delay_ns. */
    int64_t (*delay)(const struct object *owner, const struct claim_map *m);
};
void claim_map_event(struct reconciler *rc, const struct informer_event *e, struct claim_map *m);
