/* main/signals: a process ends by SIGTERM or SIGINT, which its first thread waits for. */
#pragma once

#include <pthread.h>
#include <signal.h>

struct signals {
    sigset_t set;
};

/* Before other threads start. */
static inline void signals_block(struct signals *s) {
    sigemptyset(&s->set);
    sigaddset(&s->set, SIGTERM);
    sigaddset(&s->set, SIGINT);
    sigaddset(&s->set, SIGUSR1); /* of nodes: remove everything */
    (void)pthread_sigmask(SIG_BLOCK, &s->set, NULL);
}

/* The number of the one that came. */
static inline int signals_wait(const struct signals *s) {
    int number = 0;
    (void)sigwait(&s->set, &number);
    return number;
}
