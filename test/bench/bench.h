/* test/bench: what all benchmarks share: a clock and the line they print.
 *
 * One line per figure: `name value unit peer=… goal=… ok|short`. A goal with a leading "<" is an upper bound.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline double bench_now(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* More is better. peer: what others reach, as text, "-" when not measured. Returns whether the goal is met.
 */
static inline bool bench_at_least(const char *name, double value, const char *unit, const char *peer,
                                  double goal) {
    bool ok = value >= goal;
    printf("%s %.3g %s peer=%s goal=%g %s\n", name, value, unit, peer, goal, ok ? "ok" : "short");
    return ok;
}

/* Less is better. */
static inline bool bench_at_most(const char *name, double value, const char *unit, const char *peer,
                                 double goal) {
    bool ok = value <= goal;
    printf("%s %.3g %s peer=%s goal=<%g %s\n", name, value, unit, peer, goal, ok ? "ok" : "short");
    return ok;
}

/* A figure without a goal. */
static inline void bench_figure(const char *name, double value, const char *unit) {
    printf("%s %.3g %s peer=- goal=- ok\n", name, value, unit);
}
