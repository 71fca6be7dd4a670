/* dns/zone: the names of the cluster: what services, their endpoints and pods are called.
 *
 * CONFORMS: Kubernetes DNS-Based Service Discovery, schema 1.1. Fed with Service, EndpointSlice and Namespace
 * objects (references are taken); a change costs what that one service has. Answers are written straight from
 * here into a message, without allocation.
 *
 * One thread: the loop that is told of events and gets the queries.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "dns/wire.h"

struct dns_zone;
struct object;

#define DNS_ZONE_TTL 5u

struct dns_zone_options {
    struct str domain; /* "cluster.local" */
    uint32_t ttl;      /* seconds; 0: DNS_ZONE_TTL */
};

/* NULL when the domain is no name. */
struct dns_zone *dns_zone_new(const struct dns_zone_options *options);
void dns_zone_free(struct dns_zone *z);

void dns_zone_put_service(struct dns_zone *z, const struct object *service);
void dns_zone_remove_service(struct dns_zone *z, struct str ns, struct str name);
void dns_zone_put_slice(struct dns_zone *z, const struct object *slice);
void dns_zone_remove_slice(struct dns_zone *z, struct str ns, struct str name);
void dns_zone_put_namespace(struct dns_zone *z, struct str name);
void dns_zone_remove_namespace(struct dns_zone *z, struct str name);
/* All namespaces are known from now on. Before (or for ever, for who may not list them) every namespace
 * counts as one that exists. */
void dns_zone_set_namespaces_known(struct dns_zone *z);

size_t dns_zone_services(const struct dns_zone *z);

/* Whether the name is in the cluster's domain. */
bool dns_zone_has(const struct dns_zone *z, const struct dns_query *q);

/* The answer to a query of the domain: its length. limit: of the message. */
size_t dns_zone_answer(struct dns_zone *z, const struct dns_query *q, uint8_t *out, size_t limit);

/* The same for names below in-addr.arpa and ip6.arpa; 0 when the address is not known here. */
size_t dns_zone_answer_reverse(struct dns_zone *z, const struct dns_query *q, uint8_t *out, size_t limit);

/* Where an ExternalName service leads, which the caller may look up: a name as on the wire, or 0 bytes when
 * the query is not for such a service. */
size_t dns_zone_alias(const struct dns_zone *z, const struct dns_query *q, uint8_t out[DNS_NAME_MAX]);
