/* network/network: the node's network as a part of the node: follows the API, and keeps the kernel as it
 * should be.
 *
 *     Node objects               routes and tunnels between nodes (overlay.h)
 *     our own Node's podCIDRs    the configuration for CNI plugins (conflist.h)
 *     Services, EndpointSlices   the service proxy (proxy.h)
 *
 * Everything runs on one loop of its own, which may block in the kernel for some milliseconds. What fails is
 * logged and tried again. When it stops, pods' connections and services stay as they are: another start takes
 * over. network_clear takes everything away.
 *
 * Start and stop from a thread that is not the loop's; options are borrowed for the call, the client and the
 * metrics until network_stop has returned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/ip.h"
#include "base/str.h"
#include "network/overlay.h"

struct client;
struct err;
struct metrics;
struct network;

#define NETWORK_HEALTH_PORT 10256u

struct network_options {
    struct client *client;
    struct str node;         /* our node's name */
    const struct cidr *pods; /* of the whole cluster */
    unsigned n_pods;
    const struct cidr *services; /* of service addresses */
    unsigned n_services;
    /* Service addresses that this machine answers itself (kube-dns): they are put on the loopback interface.
     */
    const struct ip *local;
    unsigned n_local;
    enum overlay_mode mode;
    const char *cni_conf_dir;  /* where the runtime looks for configurations; NULL: none is written */
    const char *cni_bin_dir;   /* where it looks for plugins; NULL: none are linked */
    const char *cni_state_dir; /* NULL: the plugin's default */
    const char *bridge;        /* NULL: the plugin's default */
    const char *program;     /* this program, for the plugins' links (to the coxswain-cni beside it, if there
                                is one); NULL: /proc/self/exe */
    bool no_overlay;         /* somebody else makes routes */
    bool no_proxy;           /* somebody else serves services */
    uint16_t health_port;    /* of the proxy; 0: none (NETWORK_HEALTH_PORT is the usual one) */
    struct metrics *metrics; /* may be NULL */
};

int network_start(const struct network_options *o, struct network **ret, struct err *err);
/* NULL is fine. */
void network_stop(struct network *n);

/* Whether pods can be connected, and services work. Any thread. */
bool network_ready(const struct network *n);

/* Removes what this program left in the kernel: tables, tunnels, routes. */
int network_clear(struct err *err);
