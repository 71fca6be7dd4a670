/* network/conflist: the network configuration by which a container runtime finds our plugin.
 *
 * Any other configuration in the folder wins: who installs another network (Calico, Cilium, …) gets it. Then
 * ours is taken away. Blocking; nothing is kept.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/ip.h"

struct buf;
struct err;

#define CONFLIST_NAME "90-coxswain.conflist" /* runtimes take the first by name */

struct conflist {
    const char *dir;            /* where the runtime looks, "/etc/cni/net.d" or a private one */
    const char *state_dir;      /* NULL: the plugin's default */
    const char *bridge;         /* NULL: the plugin's default */
    const struct cidr *subnets; /* the node's podCIDRs */
    unsigned n_subnets;
    uint32_t mtu; /* 0: the kernel's */
};

/* Its text. */
void conflist_print(const struct conflist *c, struct buf *out);

/* Writes it when it has changed. *ret_foreign: another configuration is there, and so ours is not. */
int conflist_write(const struct conflist *c, bool *ret_foreign, struct err *err);

/* Links the names by which a runtime calls the plugins ("coxswain-cni", "loopback") to this program. What is
 * there under another program's name stays. */
int conflist_link_plugins(const char *bin_dir, const char *program, struct err *err);
