/* evict: ending pods that others than their owners want gone: the condition DisruptionTarget, phases,
 * deletion at once. Workers only.
 */
#pragma once

#include "controller/controller_priv.h"
#include "controller/pods.h"

/* Adds DisruptionTarget (reason "": not) and, when fail is true, the phase Failed to what has not ended. A
 * pod that is gone is no failure. */
int pod_mark_disrupted(struct controller *c, struct reconcile *r, const struct object *pod,
                       const char *reason, const char *message, bool fail, struct err *err);
/* Deletes with the pod's own grace, or at once. */
int pod_evict(struct controller *c, const struct object *pod, bool at_once, struct err *err);
