/* deployment_plan: how large each replica set of a deployment should be next.
 *
 * Pure arithmetic over the sets as they were seen; nothing is written here. deployment.c acts on the targets.
 * Any thread, nothing is allocated but in the caller's arena.
 *
 * CONFORMS: upstream's rolling update, Recreate and proportional scaling.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "base/arena.h"

struct err;

/* A replica set as the plan sees it. */
struct set_state {
    int32_t replicas;               /* asked for */
    int32_t actual;                 /* status.replicas */
    int32_t available;              /* status.availableReplicas */
    int32_t desired_mark, max_mark; /* its annotations of the last scaling; -1: none */
    int64_t created_sec;
    struct str name; /* orders sets of one second */
    bool is_new;     /* of the present template */
    int32_t target;  /* out: what to ask for; begins as replicas */
};

struct deployment_limits {
    int32_t replicas; /* wanted in all */
    int32_t surge;    /* above that */
    int32_t unavailable;
    bool rolling;
    int32_t status_replicas; /* of the deployment's last status */
};

/* Resolves maxSurge (percentages up) and maxUnavailable (down, at most replicas); both zero: one unavailable.
 */
int deployment_limits(int32_t replicas, bool rolling, struct int_or_string max_surge,
                      struct int_or_string max_unavailable, struct deployment_limits *ret, struct err *err);

/* Whether the wanted number changed since the sets were scaled last. */
bool deployment_is_scaling(const struct deployment_limits *l, const struct set_state *sets, uint32_t n);

/* Paused, or the number changed: scales what is there in proportion. */
void deployment_plan_scale(const struct deployment_limits *l, struct set_state *sets, uint32_t n,
                           struct arena *a);

/* One step of a rolling update: first the new set up, and only if that changes nothing the old ones down. */
void deployment_plan_rolling(const struct deployment_limits *l, struct set_state *sets, uint32_t n,
                             struct arena *a);

/* Recreate: old sets to nothing. True when that changes something. */
bool deployment_plan_recreate_down(struct set_state *sets, uint32_t n);

/* The size a new set begins with, beside those that are there. */
int32_t deployment_plan_new_size(const struct deployment_limits *l, const struct set_state *sets, uint32_t n,
                                 int32_t present);
