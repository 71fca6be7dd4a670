/* apiserver/registry: the generic verbs: get, create, update, patch, apply, delete, deletecollection and the
 * subresources that are updates of a part (status, scale, …).
 *
 *     decode → default → convert to the hub → strategy prepares → managed fields → mutating admission →
 * strategy validates → validating admission → commit (compare and swap) → answer
 *
 * One small strategy per kind that needs one (strategy.h); special subresources (binding, eviction, token, …)
 * are rows of their own (subresource.h). Lists are in list.h, watches in watch.h, forms of answers in
 * respond.h.
 *
 * Updates without a resourceVersion, and patches, read the newest state and try again as long as others come
 * first (registry_priv.h bounds it). An update that changes nothing writes nothing and answers with what is
 * there.
 *
 * CONFORMS: strategy.tsv, update-flags.tsv; upstream's generic registry: preconditions, dry run,
 * fieldValidation, 201 for creation by PUT and apply, finalizers, graceful deletion, propagation policies.
 */
#pragma once

#include "apiserver/call.h"

/* Runs an authorised call of any verb but list and watch, to its done. */
void registry_run(struct call *c);

/* -- for subresources and controllers inside the server: an update in steps -- */

/* Changes a copy of the newest state; a failure ends the call: 0, or a status in *ret_status. object: packed,
 * hub version, in arena, to be edited in place. May be called again with a newer state after a conflict. */
typedef int (*registry_change_fn)(struct call *c, void *arg, void *object, struct arena *arena,
                                  struct status **ret_status);

/* Reads, changes, validates, admits, commits, tries again on conflicts; then after(c, arg, code, object,
 * status) instead of done. kind: hub. subresource: for validation and admission ("" for the object itself).
 */
struct registry_change {
    const struct kind *kind;
    struct str ns, name, subresource;
    uint64_t expect_rv;    /* 0: any; else ERR_CONFLICT is final */
    struct str expect_uid; /* "": any */
    bool skip_admission;   /* internal writes: quota status, finalisation */
    registry_change_fn change;
    void (*after)(struct call *c, void *arg, struct object *object, struct status *failure);
    void *arg;
};
void registry_update(struct call *c, const struct registry_change *change);
