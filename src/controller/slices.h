/* slices: packs the endpoints of a service into EndpointSlices with as few writes as possible.
 *
 * The caller says which endpoints there should be, grouped by their ports, and which slices there are; the
 * plan keeps endpoints where they are, fills gaps, and uses emptied slices again. Shared by the controllers
 * of EndpointSlices and of mirrored Endpoints.
 *
 * Pure but for the arena, in which all results lie.
 */
#pragma once

#include "api/types/discovery.h"
#include "controller/pods.h"

struct wanted_endpoint {
    struct discovery_endpoint endpoint;
    struct timestamp changed; /* when its readiness changed last; absent: not known */
    bool placed;              /* the plan's */
};

/* Endpoints with the same ports. */
struct wanted_group {
    struct str port_key; /* equal for equal ports */
    struct discovery_endpoint_port_array ports;
    struct wanted_endpoint *v;
    size_t n, cap;
};

struct wanted_groups {
    struct wanted_group *v;
    size_t n, cap;
};

/* Text that is the same for equal ports in any order. */
struct str slice_port_key(struct arena *a, const struct discovery_endpoint_port_array *ports);
/* The group of these ports, made when new. */
struct wanted_group *slice_group(struct arena *a, struct wanted_groups *groups,
                                 struct discovery_endpoint_port_array ports);

struct slice_options {
    struct str address_type; /* IPv4, IPv6 */
    uint32_t max;            /* endpoints of a slice */
    bool placeholder;        /* without endpoints there is one empty slice all the same */
    /* What all slices have: labels, annotations (but for the trigger time), owner, names. */
    struct str generate_name, ns;
    struct str_map labels, annotations;
    struct meta_owner_reference owner;
    bool trigger_time; /* keep endpoints.kubernetes.io/last-change-trigger-time */
};

struct slice_plan {
    struct discovery_endpoint_slice **create, **update;
    const struct object **remove;
    size_t n_create, n_update, n_remove;
};

/* existing: slices of that address type. */
struct slice_plan slices_plan(struct arena *a, const struct slice_options *o, struct wanted_groups *groups,
                              const struct objects *existing);

/* Carries a plan out, all calls at once. made: how many creations to expect before, and each that failed. */
struct client;
struct err;
struct expectations;
int slices_act(struct client *c, const struct slice_plan *plan, struct str ns, struct expectations *x,
               struct str key, struct arena *a, struct err *err);
