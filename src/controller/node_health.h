/* node_health: what the conditions of a node mean: taints, and when a silent node counts as unreachable.
 *
 * Pure functions; any thread. CONFORMS: upstream's node lifecycle controller.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/types/core.h"
#include "base/arena.h"

#define TAINT_NOT_READY S("node.kubernetes.io/not-ready")
#define TAINT_UNREACHABLE S("node.kubernetes.io/unreachable")

const struct core_node_condition *node_condition(const struct core_node *n, struct str type);
/* "True", "False", "Unknown"; "Unknown" when it was never said. */
struct str node_readiness(const struct core_node *n);

/* The taints that the node should have; those that are not ours stay. NoExecute taints for nodes that are not
 * ready are only kept or taken away here: adding them is limited (execute: add them now). */
struct core_taint_array node_wanted_taints(struct arena *a, const struct core_node *n, bool execute,
                                           struct timestamp now);
bool taints_equal(const struct core_taint_array *x, const struct core_taint_array *y);
/* The NoExecute taint that a node in this state has to have and has not; NULL text: none. */
struct str node_missing_execute_taint(const struct core_node *n);

/* Conditions of a node that has been silent for too long; true when that changes any. */
bool node_set_unknown(struct arena *a, struct core_node *n, struct timestamp now);

enum zone_state { ZONE_NORMAL, ZONE_PARTIAL, ZONE_FULL };
enum zone_state zone_state_of(uint32_t ready, uint32_t not_ready, double threshold);
/* Evictions a second in a zone of so many nodes. */
double zone_rate(enum zone_state state, uint32_t nodes, uint32_t large, double rate, double secondary);
