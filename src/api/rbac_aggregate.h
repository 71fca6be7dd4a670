/* api/rbac_aggregate: the rules of cluster roles that are put together from others.
 *
 * Pure; any thread; results in the arena.
 */
#pragma once

#include <stdint.h>

#include "api/types/rbac.h"

struct arena;

/* The rules of an aggregating role: those of all others that one of its selectors chooses, in the order of
 * selectors and names, each rule once. The texts are borrowed from the roles. A role without an aggregation
 * rule keeps its own. CONFORMS: upstream's clusterrole-aggregation-controller. */
struct rbac_policy_rule_array rbac_aggregate(const struct rbac_cluster_role *role,
                                             const struct rbac_cluster_role *const *all, uint32_t n,
                                             struct arena *arena);
