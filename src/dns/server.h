/* dns/server: sockets, and what becomes of each query.
 *
 *     the cluster's domain   from the zone                      (SERVFAIL until the zone is complete)
 *     reverse names          from the zone, when it knows the address
 *     everything else        from the cache, or from the host's servers
 *
 * UDP is read and written in batches (recvmmsg, sendmmsg); TCP has a bounded number of connections, each with
 * a bounded number of questions and of idle seconds. All on one loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/ip.h"
#include "dns/resolv.h"

struct dns_server;
struct dns_zone;
struct err;
struct loop;
struct metrics;

#define DNS_TCP_CONNECTIONS_MAX 256u
#define DNS_TCP_QUESTIONS_MAX 32u /* of one connection on their way */
#define DNS_TCP_IDLE_MS 10000u
#define DNS_ADDRESSES_MAX 8u

struct dns_server_options {
    struct loop *loop;
    struct dns_zone *zone; /* of the same loop */
    const struct ip *addresses;
    size_t n_addresses; /* at most DNS_ADDRESSES_MAX */
    uint16_t port;      /* 0: any free one, see dns_server_port; then one address */
    struct resolv upstream;
    uint16_t upstream_port; /* 0: 53 */
    unsigned upstream_try_ms;
    struct metrics *metrics; /* may be NULL */
};

/* On the loop, or before it runs. */
int dns_server_start(const struct dns_server_options *o, struct dns_server **ret, struct err *err);
/* On the loop: closes the sockets; memory goes with the last of them. */
void dns_server_close(struct dns_server *s);

uint16_t dns_server_port(const struct dns_server *s);
void dns_server_set_upstream(struct dns_server *s, const struct resolv *upstream);
/* The zone knows everything from now on. */
void dns_server_set_synced(struct dns_server *s);
