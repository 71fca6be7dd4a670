/* kubelet/probe_run: one run of a probe: exec, HTTP, TCP or gRPC; also what lifecycle hooks of HTTP do.
 *
 * Blocks for at most the probe's time-out; workers only. Answers are bounded (10 KiB are looked at).
 * CONFORMS: kubelet.tsv, probe exec/http/tcp/grpc.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "kubelet/probe_results.h"

struct arena;
struct core_container;
struct core_http_get_action;
struct core_probe;
struct err;
struct runtime;

#define PROBE_OUTPUT_MAX 10240u

struct probe_target {
    struct runtime *runtime;
    const struct core_container *container; /* for named ports */
    struct str container_id, pod_ip;
};

/* PROBE_SUCCESS, PROBE_FAILURE with *ret_output saying why (in the arena), or PROBE_UNKNOWN when the probe
 * could not be carried out at all. A warning (a redirect that was not followed) is a success with an output.
 */
enum probe_result probe_run(const struct probe_target *target, const struct core_probe *probe,
                            struct arena *a, struct str *ret_output);

/* A GET as hooks do it; 0 for any status below 400. */
int probe_http_get(const struct core_http_get_action *action, const struct probe_target *target,
                   int64_t timeout_ms, struct arena *a, struct err *err);

/* The number of a port given by number or by name of a container's port; 0: there is none. */
struct int_or_string;
uint16_t probe_port(const struct core_container *c, const struct int_or_string *port);
