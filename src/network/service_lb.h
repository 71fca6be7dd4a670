/* network/service_lb: a small load balancer for services of type LoadBalancer: the nodes themselves.
 *
 * Where no cloud gives addresses, the status of such a service lists the addresses of the nodes that are
 * ready; every node's proxy takes packets for them (proxy.h). A reconciler of the control plane
 * (reconciler.h); a service with another loadBalancerClass is left to whoever has that class.
 */
#pragma once

#include "base/str.h"

struct client;
struct err;
struct event_recorder;
struct loop;
struct metrics;
struct reconciler;
struct workers;

#define SERVICE_LB_CLASS "coxswain.dev/node"

struct service_lb_options {
    struct client *client;
    struct loop *loop;
    struct workers *workers;
    struct event_recorder *events; /* may be NULL */
    struct metrics *metrics;       /* may be NULL */
};

/* End it with reconciler_stop. */
int service_lb_start(const struct service_lb_options *o, struct reconciler **ret, struct err *err);
