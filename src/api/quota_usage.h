/* api/quota_usage: how much of a ResourceQuota's resources an object uses.
 *
 * A resource of a quota ("pods", "requests.cpu", "count/deployments.apps", …) is used by the objects of one
 * kind. Pure functions, any thread; shared by admission and by the controller that counts again.
 *
 * CONFORMS: upstream's evaluators: pods that have ended use nothing but count/pods; node ports of services;
 * storage by class; scopes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/kind.h"
#include "api/value.h"

struct arena;
struct core_pod;
struct core_resource_quota_spec;

/* The kind (hub) whose objects use it; NULL: none that is known. */
const struct kind *quota_resource_kind(struct str resource);

/* Whether an object falls under the quota's scopes. */
bool quota_scopes_match(const struct core_resource_quota_spec *quota, const struct kind *kind,
                        const void *object);

/* What the object uses of a resource of its kind; zero (set) for none. now_sec: pods whose time to end is
 * over have ended. */
struct quantity quota_usage_of(const struct kind *kind, const void *object, struct str resource,
                               int64_t now_sec);

/* Whether each object uses exactly one, whatever is in it: so they need not be looked at. */
bool quota_resource_is_count(struct str resource);

/* Of the compute resources (cpu, memory and their requests. and limits. forms) that a quota names, those that
 * a container of the pod leaves out: "limits.cpu for: a,b; requests.cpu for: c". Empty: none. */
struct str quota_pod_omissions(struct arena *a, struct quantity_map hard, const struct core_pod *pod);
