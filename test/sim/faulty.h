/* A client whose world is worse than it could be: calls that take time, fail, or succeed without an answer;
 * watches that are late or break off. Wraps any client of a simulation.
 *
 * Faults may be changed at any time; with none of them it only passes on.
 */
#pragma once

#include <stdint.h>

#include "client/client.h"

struct faulty_faults {
    double conflict;        /* chance that an update or patch fails with 409, not done */
    double unavailable;     /* chance that a call fails with 503, not done */
    double lost_answer;     /* chance that a call is done and its caller hears ERR_CLOSED */
    int64_t delay_ns;       /* answers come up to so much later */
    int64_t watch_delay_ns; /* events come up to so much later */
    double watch_cut;       /* chance, for each event, that its watch breaks off */
    int64_t watch_down_ns;  /* and comes back within so long */
};

/* The inner client and the faults are the caller's, and outlive it. */
struct client *faulty_new(struct client *inner, const struct faulty_faults *faults);
