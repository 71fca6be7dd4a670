/* dns/resolv: which servers the host asks.
 *
 * CONFORMS: resolv.conf(5), nameserver lines. Pure; any thread.
 */
#pragma once

#include <stddef.h>

#include "api/ip.h"

#define RESOLV_SERVERS_MAX 8u

struct resolv {
    struct ip servers[RESOLV_SERVERS_MAX];
    size_t n;
};

/* Of the text of such a file; servers that are in `without` (our own addresses) are left out. */
void resolv_parse(struct str text, const struct ip *without, size_t n_without, struct resolv *ret);
