/* Threads and locks. See thread.h. A lock call that fails is a bug of ours. */
#include "base/thread.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_FACTOR 4
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STACK_FACTOR 4
#endif
#endif
#ifndef STACK_FACTOR
#define STACK_FACTOR 1
#endif

static void must(int rc, const char *what) {
    if (rc)
        panic("%s: %s", what, strerror(rc));
}

void mutex_init(struct mutex *m) {
    must(pthread_mutex_init(&m->m, NULL), "mutex_init");
}

void mutex_fini(struct mutex *m) {
    must(pthread_mutex_destroy(&m->m), "mutex_fini");
}

void mutex_lock(struct mutex *m) {
    must(pthread_mutex_lock(&m->m), "mutex_lock");
}

void mutex_unlock(struct mutex *m) {
    must(pthread_mutex_unlock(&m->m), "mutex_unlock");
}

void cond_init(struct cond *c) {
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr), "condattr_init");
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "condattr_setclock");
    must(pthread_cond_init(&c->c, &attr), "cond_init");
    (void)pthread_condattr_destroy(&attr);
}

void cond_fini(struct cond *c) {
    must(pthread_cond_destroy(&c->c), "cond_fini");
}

void cond_wait(struct cond *c, struct mutex *m) {
    must(pthread_cond_wait(&c->c, &m->m), "cond_wait");
}

bool cond_wait_until(struct cond *c, struct mutex *m, int64_t mono_ns) {
    if (mono_ns < 0)
        mono_ns = 0;
    struct timespec until = {.tv_sec = mono_ns / 1000000000, .tv_nsec = mono_ns % 1000000000};
    int rc = pthread_cond_timedwait(&c->c, &m->m, &until);
    if (rc == ETIMEDOUT)
        return false;
    must(rc, "cond_wait_until");
    return true;
}

void cond_signal(struct cond *c) {
    must(pthread_cond_signal(&c->c), "cond_signal");
}

void cond_broadcast(struct cond *c) {
    must(pthread_cond_broadcast(&c->c), "cond_broadcast");
}

static void *thread_main(void *arg) {
    struct thread *t = arg;
    (void)pthread_setname_np(pthread_self(), t->name);
    t->run(t->arg);
    return NULL;
}

static int create(struct thread *t, size_t stack_bytes) {
    pthread_attr_t attr;
    must(pthread_attr_init(&attr), "attr_init");
    if (stack_bytes < (size_t)PTHREAD_STACK_MIN)
        stack_bytes = (size_t)PTHREAD_STACK_MIN;
    must(pthread_attr_setstacksize(&attr, (stack_bytes * STACK_FACTOR + 4095) & ~(size_t)4095), "stack size");
    sigset_t all, before;
    sigfillset(&all);
    must(pthread_sigmask(SIG_SETMASK, &all, &before), "sigmask");
    int rc = pthread_create(&t->id, &attr, thread_main, t);
    must(pthread_sigmask(SIG_SETMASK, &before, NULL), "sigmask");
    (void)pthread_attr_destroy(&attr);
    return rc;
}

int thread_start(struct thread *t, const struct thread_options *options, void (*run)(void *arg), void *arg,
                 struct err *err) {
    *t = (struct thread){.run = run, .arg = arg};
    snprintf(t->name, sizeof t->name, "%s", options->name ? options->name : "thread");
    int rc = create(t, options->stack_bytes ? options->stack_bytes : THREAD_STACK_BYTES);
    if (rc)
        return err_errno(err, rc, "start thread %s", t->name);
    t->started = true;
    return 0;
}

void thread_join(struct thread *t) {
    if (!t->started)
        return;
    must(pthread_join(t->id, NULL), "join");
    t->started = false;
}

bool thread_is_current(const struct thread *t) {
    return t->started && pthread_equal(t->id, pthread_self());
}
