/* network/conntrack: makes the kernel forget flows that go where they should not any more.
 *
 * Only those that are named: of one frontend, or of one endpoint behind it. Blocking; one thread per socket.
 */
#pragma once

#include <stddef.h>

#include "network/proxy.h"

struct err;
struct netlink;

/* Over a NETLINK_NETFILTER socket. Flows that are gone meanwhile are fine. */
int conntrack_forget(struct netlink *nl, const struct proxy_stale *stale, size_t n, struct err *err);
