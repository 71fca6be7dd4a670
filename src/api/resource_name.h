/* api/resource_name: what the name of a resource (cpu, memory, hugepages-2Mi, example.com/gpu) says about it.
 *
 * Native names have no domain, or one of kubernetes.io; extended ones have another domain and are counted in
 * whole numbers. Pure functions, any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct quantity;

/* Without a domain, or with "kubernetes.io/" in it. */
bool resource_name_is_native(struct str name);

/* Of another domain, and not a quota's "requests." form. */
bool resource_name_is_extended(struct str name);

/* hugepages-<size> */
bool resource_name_is_hugepages(struct str name);

/* Known without a domain: anywhere (quotas, limits and counts of objects included), in a container, in a
 * quota. */
bool resource_name_is_standard(struct str name);
bool resource_name_is_container_standard(struct str name);
bool resource_name_is_quota_standard(struct str name);

/* Counted in whole numbers: objects and extended resources. */
bool resource_name_is_integer(struct str name);

/* Whether requests may be lower than limits. */
bool resource_name_can_overcommit(struct str name);

/* Whether the amount is a whole number of the pages that a hugepages-<size> name speaks of; false when the
 * size is malformed. */
bool resource_name_fits_hugepages(struct str name, const struct quantity *amount);
