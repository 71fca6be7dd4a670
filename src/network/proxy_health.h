/* network/proxy_health: small HTTP servers that tell load balancers whether to send to this node.
 *
 * One for each service with a health check port: 200 while it has ready endpoints on this node, else 503. And
 * one for the node as a whole. Owner: the network's loop; answers are made on the servers' own threads from
 * numbers that are published.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network/proxy.h"

struct proxy_healths;

/* port: of the whole node; 0: none. What cannot listen is logged. */
struct proxy_healths *proxy_healths_new(uint16_t port);
void proxy_healths_free(struct proxy_healths *h);

/* These and no others. */
void proxy_healths_update(struct proxy_healths *h, const struct proxy_health *list, size_t n);

/* Whether the node's own answer is 200. */
void proxy_healths_set_healthy(struct proxy_healths *h, bool healthy);
