/* base/thread: threads with names and small stacks, and the locks that base/ is built with.
 *
 * Locks are for base/'s own primitives (chan.h, workers.h, …); other code exchanges frozen objects through
 * those. A thread's memory is its struct thread, which the starter owns and joins.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct mutex {
    pthread_mutex_t m;
};

#define MUTEX_INIT                                                                                           \
    { PTHREAD_MUTEX_INITIALIZER }

void mutex_init(struct mutex *m);
void mutex_fini(struct mutex *m);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);

/* `_cleanup_unlock struct mutex *held = mutex_hold(&m);` until the end of the scope. */
static inline struct mutex *mutex_hold(struct mutex *m) {
    mutex_lock(m);
    return m;
}
static inline void mutex_unlock_held(struct mutex **m) {
    if (*m)
        mutex_unlock(*m);
}
#define _cleanup_unlock __attribute__((cleanup(mutex_unlock_held), unused))

struct cond {
    pthread_cond_t c; /* on the monotonic clock */
};

void cond_init(struct cond *c);
void cond_fini(struct cond *c);
/* May wake without cause: test the condition in a loop. */
void cond_wait(struct cond *c, struct mutex *m);
/* False when the monotonic time has come (the system's clock). */
bool cond_wait_until(struct cond *c, struct mutex *m, int64_t mono_ns);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

#define THREAD_STACK_BYTES (256u * 1024)

struct thread_options {
    const char *name;   /* shown by ps and debuggers, cut to 15 bytes */
    size_t stack_bytes; /* 0: THREAD_STACK_BYTES; more under a sanitizer */
};

struct thread {
    pthread_t id;
    bool started;
    void (*run)(void *arg);
    void *arg;
    char name[16];
};

/* Starts run(arg) on a new thread, which has all signals blocked: they are the first thread's business. */
int thread_start(struct thread *t, const struct thread_options *options, void (*run)(void *arg), void *arg,
                 struct err *err);

/* Waits for its end. Fine when it was never started. */
void thread_join(struct thread *t);

/* Whether the caller runs on it. */
bool thread_is_current(const struct thread *t);
