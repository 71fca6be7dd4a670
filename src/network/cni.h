/* network/cni: the CNI plugin, which connects pods to the node's bridge.
 *
 * CONFORMS: CNI 1.1.0, 1.0.0, 0.4.0, 0.3.1 and 0.3.0; types "coxswain-cni" and "loopback". A container
 * runtime runs this program for every pod: environment and standard input say what to do, standard output is
 * the answer. The program has one thread, so it may enter a pod's network namespace.
 *
 * A pod gets one address from each subnet of the configuration, on an interface of its own. The address has
 * the full prefix length: all traffic of the pod passes the node's own routing, also to its neighbours on the
 * same bridge, so that services and policies work without bridge netfilter.
 *
 * ADD that fails leaves nothing behind. DEL may come any number of times, also without a namespace.
 */
#pragma once

#include "base/str.h"

struct buf;

/* What the runtime asks, as it stands in the environment; NULL: not set. */
struct cni_request {
    const char *command, *container, *netns, *ifname;
    struct str config; /* standard input */
};

/* Appends the answer; returns the exit status. */
int cni_handle(const struct cni_request *r, struct buf *out);

/* The applet: environment, standard input and output. */
int cni_main(int argc, char **argv);
