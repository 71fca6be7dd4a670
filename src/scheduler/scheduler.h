/* scheduler: gives every pod a node.
 *
 *     struct scheduler *s;
 *     scheduler_start(&(struct scheduler_options){.client = c}, &s, &err);
 *     …
 *     scheduler_stop(s);
 *
 * One thread (a loop) follows the cluster, keeps the queue and runs the scheduling cycles one after another
 * on plain arrays; bindings are calls under way whose answers come back to that loop, so that no cycle waits
 * for the network. In a simulation the cycles run as messages on a simulated loop.
 *
 * Start and stop from one thread that is not the loop. Options are copied; texts and the client are borrowed
 * until scheduler_stop has returned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct client;
struct err;
struct metrics;
struct scheduler;
struct scheduler_config_kube_scheduler_configuration;

/* Zero is a default everywhere. */
struct scheduler_options {
    struct client *client;
    struct metrics *metrics; /* may be NULL */

    /* KubeSchedulerConfiguration v1, borrowed; NULL: one profile default-scheduler with all defaults */
    const struct scheduler_config_kube_scheduler_configuration *config;

    bool leader_elect;
    struct str lease_namespace, lease_name; /* kube-system, kube-scheduler */
    struct str identity;
    int64_t lease_ns, renew_ns, retry_ns;
};

int scheduler_start(const struct scheduler_options *options, struct scheduler **ret, struct err *err);

/* Waits for the bindings under way, gives the lease back. NULL is fine. */
void scheduler_stop(struct scheduler *s);

/* Whether this process schedules now; always without leader election. Any thread. */
bool scheduler_leading(const struct scheduler *s);

/* Pods bound since the start, and pods that wait in any queue; any thread. */
uint64_t scheduler_bound(const struct scheduler *s);
size_t scheduler_waiting(const struct scheduler *s);
