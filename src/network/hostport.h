/* network/hostport: ports of the node that lead to pods (containers[].ports[].hostPort).
 *
 * They live in nftables tables of their own, `ip coxswain-ports` and `ip6 coxswain-ports`, which are replaced
 * as a whole, in one transaction, whenever the list changes: so nothing can be left over, whatever crashed.
 *
 * Called by the CNI plugin, under its lock. Blocking; nothing is kept.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "api/ip.h"

struct err;

struct hostport {
    uint8_t protocol; /* IPPROTO_TCP, _UDP, _SCTP */
    uint16_t host_port, pod_port;
    struct ip host; /* family 0 or an unspecified address: any address of the node */
    struct ip pod;
};

/* These ports and no others, in the network namespace of the caller. */
int hostport_apply(const struct hostport *ports, size_t n, struct err *err);
