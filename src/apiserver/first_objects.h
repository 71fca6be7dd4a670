/* apiserver/first_objects: what every cluster has: system namespaces, roles and bindings, priority classes,
 * flow schemas, the service `kubernetes` and its endpoints.
 *
 * Looked after at start and, where others may break it, every ten seconds. What is missing is made, in one
 * batch of writes; roles and bindings are completed unless their annotation forbids it. On a thread that may
 * block.
 *
 * CONFORMS: upstream's post-start hooks of the same purposes.
 */
#pragma once

#include <stdint.h>

#include "api/value.h"

struct apiserver;
struct err;

struct first_objects {
    struct str advertise_address;
    uint16_t port;
    struct str service_address, service_cidr; /* 10.96.0.1, 10.96.0.0/12 */
    struct str ca_pem;
    struct str url; /* https://10.0.0.1:6443, for nodes that join */
};

/* All of it; waits until it is stored. */
int first_objects_make(struct apiserver *s, const struct first_objects *o, struct err *err);

/* The endpoints of `kubernetes` alone. */
int first_objects_keep_endpoints(struct apiserver *s, const struct first_objects *o, struct err *err);
