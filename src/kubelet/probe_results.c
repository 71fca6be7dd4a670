/* What probe results mean for a container. */
#include "kubelet/probe_results.h"

#include "api/types/core.h"

enum probe_result probe_result_of(const struct probe_results *r, struct str container_id,
                                  enum probe_kind kind) {
    for (uint32_t i = 0; r && i < r->n; i++)
        if (r->v[i].kind == kind && str_eq(r->v[i].container_id, container_id))
            return r->v[i].result;
    return PROBE_UNKNOWN;
}

bool probe_started(const struct probe_results *r, const struct core_container *c, struct str container_id) {
    return !c->startup_probe || probe_result_of(r, container_id, PROBE_STARTUP) == PROBE_SUCCESS;
}

bool probe_ready(const struct probe_results *r, const struct core_container *c, struct str container_id) {
    return probe_started(r, c, container_id) &&
           (!c->readiness_probe || probe_result_of(r, container_id, PROBE_READINESS) == PROBE_SUCCESS);
}
