/* api/pod_requests: what a pod asks of its node: the sum over its containers as scheduling and quota count
 * it.
 *
 * App containers and sidecars run together; init containers run before them, each beside the sidecars that
 * have started by then, so the largest of these counts. Pod-level resources replace the sum for what they
 * name; overhead is added. CONFORMS: KEP-753 (sidecars), KEP-2837 (pod-level resources), KEP-688 (overhead).
 * Pure; any thread; results in the arena.
 */
#pragma once

#include "api/value.h"

struct arena;
struct core_pod_spec;

/* Sorted by name. */
struct quantity_map pod_requests(const struct core_pod_spec *spec, struct arena *a);
struct quantity_map pod_limits(const struct core_pod_spec *spec, struct arena *a);

/* x + y, name by name; the larger of both, name by name. */
struct quantity_map quantity_map_add(struct quantity_map x, struct quantity_map y, struct arena *a);
struct quantity_map quantity_map_max(struct quantity_map x, struct quantity_map y, struct arena *a);
