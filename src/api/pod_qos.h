/* api/pod_qos: the quality-of-service class of a pod, from its requests and limits of cpu and memory.
 *
 * CONFORMS: upstream's rule: Guaranteed when every container (or the pod as a whole) has limits of both and
 * requests equal to them, BestEffort when nothing asks for either, else Burstable. Pure function, any thread.
 */
#pragma once

#include "base/str.h"

struct core_pod_spec;

/* "Guaranteed", "Burstable" or "BestEffort"; constant. */
struct str pod_qos_class(const struct core_pod_spec *spec);
