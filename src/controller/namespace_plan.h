/* namespace_plan: what is left of a namespace that is being deleted, and how that is told.
 *
 * Pure but for the arena. CONFORMS: upstream's five conditions, their reasons and messages.
 */
#pragma once

#include "api/types/core.h"
#include "base/arena.h"
#include "base/map.h"

struct kind;
struct object;

struct leftovers {
    struct arena *a;
    struct map kinds;      /* "pods." → number */
    struct map finalizers; /* name → number of objects */
    struct map failures;   /* message → 1 */
    uint64_t total;
    int64_t grace_seconds; /* the longest of a pod that still runs */
};
void leftovers_init(struct leftovers *l, struct arena *a);
void leftovers_fini(struct leftovers *l);
void leftovers_add(struct leftovers *l, const struct object *o);
/* More objects of that kind than were looked at. */
void leftovers_add_more(struct leftovers *l, const struct kind *k, uint64_t n);
void leftovers_fail(struct leftovers *l, struct str message);

/* The conditions as they should be; those that did not change keep their times. */
struct core_namespace_condition_array namespace_conditions(const struct core_namespace_condition_array *from,
                                                           const struct leftovers *l, struct timestamp now);
