/* kubelet/probe_results: what the probes of a pod's containers have found so far.
 *
 * A plain value, taken from the prober (prober.h) for one run; borrows its container ids. A container without
 * an entry has no probe of that sort or was not probed yet; what that means is said by the functions.
 *
 * CONFORMS: initial results: readiness failure, liveness success, startup unknown.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct core_container;

enum probe_kind { PROBE_STARTUP, PROBE_LIVENESS, PROBE_READINESS, PROBE_KINDS };
enum probe_result { PROBE_UNKNOWN, PROBE_SUCCESS, PROBE_FAILURE };

struct probe_entry {
    struct str container_id;
    enum probe_kind kind;
    enum probe_result result;
};

struct probe_results {
    const struct probe_entry *v;
    uint32_t n;
};

/* PROBE_UNKNOWN when there is none. */
enum probe_result probe_result_of(const struct probe_results *r, struct str container_id,
                                  enum probe_kind kind);

/* Of a container that runs: whether it has started (its startup probe passed, or it has none), and is ready.
 */
bool probe_started(const struct probe_results *r, const struct core_container *c, struct str container_id);
bool probe_ready(const struct probe_results *r, const struct core_container *c, struct str container_id);
