/* api/pod_amounts: what a pod asks for and may use of a resource, all in all.
 *
 * CONFORMS: KEP-753: containers and sidecars are added up; an init container counts together with the
 * sidecars that were started before it, and the largest of these counts if it is more; what the pod as a
 * whole asks for (KEP-2837) takes the place of the sum; overhead comes on top. Pure functions, any thread.
 */
#pragma once

#include "api/value.h"

struct core_pod;
struct core_pod_spec;

enum pod_amount { POD_REQUEST, POD_LIMIT };

/* Not set: nothing in the pod names the resource. */
struct quantity pod_spec_amount(const struct core_pod_spec *spec, enum pod_amount what, struct str resource);

/* The same, but while a pod is resized whatever is more of what was asked for and what it has. CONFORMS:
 * KEP-1287. */
struct quantity pod_request(const struct core_pod *pod, struct str resource);
