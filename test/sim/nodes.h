/* Simulated nodes: what kubelets do as far as the rest of the cluster sees it. Node objects with capacity and
 * leases; pods that become ready after a while, end when their work is done, and go when they are deleted.
 *
 * A pod's annotations say how it fares, so that tests write it into templates:
 *     sim/ready-after: "2s"       after its start; default 1s; "never"
 *     sim/runs-for: "30s"         then it ends, with sim/exit-code (0): for jobs
 *     sim/stops-after: "3s"       once deleted; default 1s
 */
#pragma once

#include <stdbool.h>

#include "client/client.h"

struct loop;
struct nodes;
struct workers;

struct nodes_options {
    struct client *client;
    struct loop *loop;
    struct workers *workers;
    unsigned n;                      /* node-0 … */
    const char *cpu, *memory, *pods; /* capacity; NULL: "4", "8Gi", "110" */
    bool leases;                     /* renew them, every ten seconds: for node lifecycle tests */
    unsigned zones;                  /* topology.kubernetes.io/zone: z0, z1, …; 0: none */
};
struct nodes *nodes_start(const struct nodes_options *o);
void nodes_stop(struct nodes *n);

/* A node that does not do anything any more, and comes back. */
void nodes_fail(struct nodes *n, unsigned i);
void nodes_recover(struct nodes *n, unsigned i);
