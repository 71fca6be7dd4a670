/* base/loop: event loops, each on one thread with one role, and the mailboxes by which others reach them.
 *
 *     struct loop *l;
 *     loop_start(&(struct loop_options){.name = "api-0"}, &l, &err);
 *     loop_post(l, &request->msg);          // request->msg.run = on_request; runs on the loop's thread
 *     loop_stop(l);
 *
 * A loop runs libuv (loop_uv gives the uv_loop_t for sockets), messages and timers. In a simulation (sim.h)
 * it has no thread and no libuv, but messages and timers all the same.
 *
 * Threads: loop_post, loop_call, loop_quit and loop_is_current from any thread; timers and loop_uv on the
 * loop's thread (or before it runs); starting and stopping by the owner, who is on another thread.
 *
 * Memory: a message lies in its sender's object, which must live until the message has run; so the number of
 * such objects bounds the mailbox. Messages that come from outside, without such a bound, go through
 * loop_try_post.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/timer.h"

struct clock;
struct err;
struct loop;
struct sim;
struct uv_loop_s;

struct loop_msg {
    struct loop_msg *next; /* the mailbox's */
    void (*run)(struct loop_msg *msg);
};

#define LOOP_QUEUE_MAX 4096

struct loop_options {
    const char *name;
    size_t stack_bytes; /* of loop_start's thread; 0: THREAD_STACK_BYTES */
    uint32_t queue_max; /* of loop_try_post; 0: LOOP_QUEUE_MAX */
    /* Called on the loop's thread when it was told to quit, before the mailbox closes: closes the libuv
     * handles that were opened on it. May be NULL. */
    void (*on_quit)(struct loop *l, void *arg);
    void *on_quit_arg;
};

/* A loop on a new thread. */
int loop_start(const struct loop_options *options, struct loop **ret, struct err *err);

/* Quits, waits for the thread, frees. Messages posted before have run. NULL is fine. */
void loop_stop(struct loop *l);

/* A loop that the caller runs himself. */
int loop_new(const struct loop_options *options, struct loop **ret, struct err *err);

/* Runs until loop_quit; once. */
void loop_run(struct loop *l);
void loop_quit(struct loop *l);

/* After loop_run has returned, or without it ever having been called. NULL is fine. */
void loop_free(struct loop *l);

/* A loop of a simulation: runs by sim_step. End it with loop_free. */
struct loop *sim_loop_new(struct sim *s, const char *name);

/* Runs the message on the loop's thread, in the order of posting. 0, or ERR_CLOSED when the loop has quit:
 * the message then stays with the caller. */
int loop_post(struct loop *l, struct loop_msg *msg);

/* The same, but ERR_AGAIN when queue_max messages wait. */
int loop_try_post(struct loop *l, struct loop_msg *msg);

/* Runs fn(arg); allocates the message. */
int loop_call(struct loop *l, void (*fn)(void *arg), void *arg);

/* Messages that wait; may be old when it is read. */
size_t loop_queued(const struct loop *l);

/* Fires t after so many nanoseconds; moves a running timer. Rounded up to milliseconds outside of
 * simulations. */
void loop_timer_start(struct loop *l, struct timer *t, int64_t after_ns);
void loop_timer_stop(struct loop *l, struct timer *t);

bool loop_is_current(const struct loop *l);
const char *loop_name(const struct loop *l);
struct clock *loop_clock(const struct loop *l);

/* NULL in a simulation. */
struct uv_loop_s *loop_uv(struct loop *l);
struct sim *loop_sim(const struct loop *l);
