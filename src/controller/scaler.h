/* scaler: makes and deletes pods of an owner, with events and expectations.
 *
 * What replicas.c, daemonset.c and job.c have in common. Workers only.
 */
#pragma once

#include "controller/controller_priv.h"
#include "controller/pods.h"

struct expectations;

struct scaler {
    struct controller *c;
    struct arena *a;
    const struct object *owner;
    struct expectations *expectations; /* of key; raised by who calls, lowered here for what fails */
    struct str key;
};

/* The pod number i. */
typedef struct core_pod *(*scaler_pod_fn)(void *arg, uint32_t i);

/* Creates n pods by slow start; *ret_made: how many came to be. 0, or the code of a failure, which is told in
 * an event. A namespace that is ending is no failure. */
int scaler_create(const struct scaler *s, uint32_t n, scaler_pod_fn pod, void *arg, uint32_t *ret_made,
                  struct err *err);
/* Deletes them all at once. Those that are gone already count as deleted. */
int scaler_delete(const struct scaler *s, const struct objects *pods, struct err *err);
