/* simulate/nodes: nodes without machines: what kubelets do as far as the rest of the cluster sees it. Node
 * objects with capacity and leases; pods that start, become ready, crash, end and go. For rehearsing at scale
 * (coxswain simulate) and for tests.
 *
 * A pod's annotations say how it fares; they go into templates:
 *     sim/ready-after: "2s"       after its start; default 1s; "never"
 *     sim/runs-for: "30s"         then its containers end with sim/exit-code (0), and start again as
 * restartPolicy says sim/stops-after: "3s"       once deleted; default 1s and a node's: sim/silent: "true" it
 * does nothing any more, not even renew its lease, until that is taken away
 *
 * A role like others: it uses client/ only. Start and stop: a thread that is no loop's; in a simulation its
 * thread. Options are borrowed until simnodes_stop has returned.
 */
#pragma once

#include <stdbool.h>

#include "client/client.h"

struct err;
struct loop;
struct simnodes;
struct workers;

struct simnodes_options {
    struct client *client;
    struct loop *loop;
    struct workers *workers;
    unsigned n;
    const char *prefix;              /* of their names, before a number from 0; NULL: "node-" */
    const char *cpu, *memory, *pods; /* capacity; NULL: "4", "8Gi", "110" */
    const char *const *labels;       /* "key=value"; NULL-terminated, NULL: none */
    const char *const *taints;       /* "key=value:NoSchedule"; the same */
    unsigned zones;                  /* topology.kubernetes.io/zone: z0, z1, …; 0: none */
    bool leases;                     /* renew them, every ten seconds */
};

/* Creates the nodes that are not there yet. Blocks. */
int simnodes_start(const struct simnodes_options *o, struct simnodes **ret, struct err *err);
/* The nodes and pods stay as they are. NULL is fine. */
void simnodes_stop(struct simnodes *n);
/* Deletes the Node objects. Blocks. */
int simnodes_remove(struct simnodes *n, struct err *err);

/* A node that does not do anything any more, and comes back. */
void simnodes_fail(struct simnodes *n, unsigned i);
void simnodes_recover(struct simnodes *n, unsigned i);
