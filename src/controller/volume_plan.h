/* volume_plan: which volume a claim gets.
 *
 * Pure functions; any thread. CONFORMS: upstream's matching: modes, size, class, selector, volume mode,
 * attributes class; the smallest that fits, one that was kept for the claim first.
 */
#pragma once

#include <stdbool.h>

#include "api/object.h"
#include "api/types/core.h"
#include "base/arena.h"

struct err;

/* The name of the class: annotation (old), spec, or "". */
struct str claim_class(const struct core_persistent_volume_claim *c);
struct str volume_class(const struct core_persistent_volume *v);

/* The volume's reference names this claim; with a uid it is the very one. */
bool volume_is_for(const struct core_persistent_volume *v, const struct core_persistent_volume_claim *c);

/* Why a volume does not do for a claim; absent: it does. Bindings apart. */
struct str volume_mismatch(struct arena *a, const struct core_persistent_volume *v,
                           const struct core_persistent_volume_claim *c);

/* The best of these volumes, or NULL. only_kept: none but those that were kept for the claim (its pod's place
 * is not decided yet). node: the one chosen for the pod, or NULL. */
const struct object *volume_best(struct arena *a, const struct object *const *volumes, size_t n,
                                 const struct core_persistent_volume_claim *c, bool only_kept,
                                 const struct core_node *node);
