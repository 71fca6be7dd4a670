/* apiserver/door: what upstream's conversions do to objects on their way in although versions are alike:
 * fields that are names for other fields, and types that are written out.
 *
 * After each reading of a client's object, and again after admission has changed it. Idempotent. The caller's
 * thread. CONFORMS: PodSpec.serviceAccount, PodStatus.podIP, NodeSpec.podCIDR,
 * StatefulSet.spec.volumeClaimTemplates.
 */
#pragma once

struct arena;
struct kind;

/* object: of the hub's type, the caller's own down to its pod template. */
void door_normalise(struct arena *a, const struct kind *hub, void *object);
