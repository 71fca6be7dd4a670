/* base/sim: one thread that plays all loops and workers of a cluster, in an order that a seed decides.
 *
 * Loops (sim_loop_new in loop.h) and worker pools (workers.h) of a simulation have no threads. sim_step picks
 * one that has something to do, at random, and lets it do one thing; when nobody has, it moves the clock to
 * the next timer. So a cluster runs as fast as it computes, the same seed gives the same run, and other seeds
 * give other interleavings.
 *
 * Work that blocks (a sleep on the simulated clock, a waiter) steps the simulation from inside until it may
 * go on; what it waits for must not be further down the same stack, which a check reports as a deadlock.
 *
 * One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct rand;
struct sim;

/* Starts at this wall time. */
struct sim *sim_new(uint64_t seed, int64_t wall_ns);

/* All sources must be gone. */
void sim_free(struct sim *s);

/* Borrowed from the simulation. */
struct clock *sim_clock(struct sim *s);
struct rand *sim_rand(struct sim *s);

/* Lets one source do one thing, or moves the clock to the next timer. False when nobody will ever have
 * anything to do. */
bool sim_step(struct sim *s);

/* Steps for so much simulated time. */
void sim_run_ns(struct sim *s, int64_t ns);

/* Steps until nobody has anything to do now; does not move the clock. */
void sim_settle(struct sim *s);

/* Steps until the condition holds; false when it still does not after so much simulated time. INT64_MAX: no
 * limit; false when nobody will ever have anything to do. */
bool sim_run_until(struct sim *s, bool (*condition)(void *arg), void *arg, int64_t max_ns);

/* How many things were done since the start. */
uint64_t sim_steps(const struct sim *s);

/* What the simulation plays; embedded in a loop or a pool. */
struct sim_source {
    struct sim *sim;
    /* Whether there is something to do now. */
    bool (*ready)(const struct sim_source *src);
    /* Does one thing. Called when ready. */
    void (*run)(struct sim_source *src);
    /* Monotonic time of its next timer, INT64_MAX: none. NULL: never has one. */
    int64_t (*next_ns)(const struct sim_source *src);
};

/* The callbacks are set before. */
void sim_add(struct sim *s, struct sim_source *src);
void sim_remove(struct sim_source *src);
