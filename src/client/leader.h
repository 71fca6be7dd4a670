/* leader: one of several equal processes acts: leader election on a Lease.
 *
 * CONFORMS: upstream's leader election (leaseDuration 15 s, renewDeadline 10 s, retryPeriod 2 s, jitter 1.2),
 * so that it works beside upstream's own components. In-process or alone, the lease is held all the same.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct client;
struct err;
struct leader;
struct loop;

struct leader_options {
    struct client *client;
    struct loop *loop;
    struct str ns, name;                  /* of the Lease: kube-system, kube-controller-manager */
    struct str identity;                  /* host name and a random part */
    int64_t lease_ns, renew_ns, retry_ns; /* 0: 15 s, 10 s, 2 s */
    /* On the loop. on_lost: somebody else leads now, or renewing failed for too long: stop acting at once. */
    void (*on_leading)(void *arg);
    void (*on_lost)(void *arg);
    void *arg;
};
int leader_start(const struct leader_options *o, struct leader **ret, struct err *err);
bool leader_is(const struct leader *l);
/* Gives the lease back so that the next one takes over at once. */
void leader_stop(struct leader *l);
