/* dns/dns: cluster DNS as a part of the node: follows the API and serves (zone.h, server.h).
 *
 * Everything runs on one loop of its own. Until the first lists are complete, names of the cluster are
 * answered with SERVFAIL, which resolvers ask again for; others are answered at once.
 *
 * Start and stop from a thread that is not the loop's; options are borrowed for the call, the client and the
 * metrics until dns_stop has returned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/ip.h"
#include "base/str.h"

struct client;
struct dns;
struct err;
struct metrics;

#define DNS_PORT 53u
#define DNS_DOMAIN "cluster.local"

struct dns_options {
    struct client *client;
    struct str domain; /* "": DNS_DOMAIN */
    /* Where to listen: the service address of kube-dns (network/ puts it on the loopback interface), and
     * others. At most DNS_ADDRESSES_MAX of server.h. */
    const struct ip *addresses;
    size_t n_addresses;
    uint16_t port;           /* 0: DNS_PORT */
    const char *resolv_conf; /* the servers of the host; NULL: /etc/resolv.conf. Read again when it changes */
    struct metrics *metrics; /* may be NULL */
};

/* Fails when it cannot listen; says why. */
int dns_start(const struct dns_options *o, struct dns **ret, struct err *err);
/* NULL is fine. */
void dns_stop(struct dns *d);

/* Makes the service kube-dns at this address, if there is none of that name. For the control plane, once;
 * blocks. Its selector is the usual one: who runs another DNS server in the cluster takes over. */
int dns_ensure_service(struct client *c, struct ip ip, struct err *err);

/* Whether names of the cluster are answered. Any thread. */
bool dns_ready(const struct dns *d);
uint16_t dns_port(const struct dns *d);
