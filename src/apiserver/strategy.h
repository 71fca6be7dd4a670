/* apiserver/strategy: what is special about a kind when it is written.
 *
 * Updates: the registry first sets metadata.generation back to the stored one and restores the status (or,
 * for the status subresource, everything but status and metadata), then calls the slot, then counts the
 * generation up where spec_generation says so. A slot may set the generation itself (to old + 1).
 *
 * One row per hub kind that needs one; slots may be NULL. All run on the call's thread, do not block, and
 * edit packed structs of the hub version in place (memory from the call's arena). Rules: strategy.tsv. One
 * file for kinds that belong together: strategy_core.c, strategy_apps.c, strategy_service.c, ….
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "apiserver/call.h"

struct field_errors;

struct strategy {
    uint16_t kind;        /* KIND_* of the hub */
    bool soft;            /* may be lost in a crash: events, leases */
    bool spec_generation; /* metadata.generation is 1 at creation and grows when anything but metadata and
                             status changed */

    /* After mutating admission, before validation (prepare_subresource: before admission). Generic work (uid,
     * creationTimestamp, generateName, status of the main resource reset to the old one, deletion fields
     * kept) is done by the registry. */
    void (*prepare_create)(struct call *c, void *object);
    void (*prepare_update)(struct call *c, void *object, const void *old);
    void (*prepare_status)(struct call *c, void *object, const void *old);
    /* Updates through another subresource whose body is the object itself: "ephemeralcontainers", "resize",
     * "approval", "finalize". Everything that the subresource is not for is set back to what it was. */
    void (*prepare_subresource)(struct call *c, struct str subresource, void *object, const void *old);

    /* After mutating admission and before validation: things that must be taken from somewhere (cluster IPs,
     * node ports). They are given back by settle. 0, or *ret_status. With dry run: nothing is really taken.
     * old: NULL for creation. */
    int (*allocate)(struct call *c, void *object, const void *old, struct status **ret_status);
    /* The outcome of a write that allocate saw: give back what is not needed (any more). object: stored
     * state, NULL when the write failed; old: NULL for creation. Also called for deletions with object NULL
     * and old the last state. */
    void (*settle)(struct call *c, bool stored, const void *object, const void *old);

    /* Warnings for clients (deprecated fields, …). old: NULL for creation. */
    void (*warn)(struct call *c, const void *object, const void *old);

    /* A deletion that no finalizer of metadata stops: whether something of the kind's own does (namespaces:
     * spec.finalizers). object: what is to be kept, of which the top struct may be edited (phase
     * Terminating); its deletion time is set already. Also asked again when the object is deleting already.
     */
    bool (*outlives_delete)(struct call *c, void *object);

    /* Seconds a deletion waits; < 0: the kind knows no graceful deletion. asked: what the client wants, < 0:
     * nothing. Pods: spec.terminationGracePeriodSeconds, 0 when not bound or already ended. May edit the
     * object that is kept. */
    int64_t (*grace)(struct call *c, const void *object, int64_t asked);

    /* Propagation policy when the client names none: "background" or "orphan"; NULL: background. */
    const char *propagation_default;
};

/* NULL: nothing is special. */
const struct strategy *strategy_of(const struct kind *hub);
