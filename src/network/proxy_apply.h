/* network/proxy_apply: brings plans of the service proxy to the kernel.
 *
 * Each IP family's changes are one nftables transaction. Then the kernel forgets the UDP flows, and clients'
 * endpoints, that the plan says are stale. Blocking; one thread; acts in the network namespace in which it
 * was opened.
 */
#pragma once

#include <stdbool.h>

#include "network/netlink.h"
#include "network/proxy.h"

struct err;

struct proxy_kernel {
    struct netlink nft, conntrack;
    bool ipv6; /* there is a table for it */
};

int proxy_kernel_open(struct proxy_kernel *k, struct err *err);
void proxy_kernel_close(struct proxy_kernel *k);

/* After a failure the kernel has what it had; only a full plan is right then. */
int proxy_apply(struct proxy_kernel *k, const struct proxy_config *c, const struct proxy_plan *plan,
                struct err *err);

/* Whether our table is still there: others may flush everything. */
bool proxy_kernel_present(struct proxy_kernel *k);

/* Takes the tables away. */
int proxy_kernel_clear(struct proxy_kernel *k, struct err *err);
