/* test/bench/bench: how benchmarks time and print.
 *
 * One line a figure: `name value unit peer=… goal=… ok|short`. A figure without a goal says goal=- and ok.
 * Single-threaded programs; times are monotonic.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline uint64_t bench_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

enum bench_better { BENCH_HIGHER, BENCH_LOWER };

/* peer and goal: NaN for none. */
static inline void bench_print(const char *name, double value, const char *unit, double peer, double goal,
                               enum bench_better better) {
    int ok = goal != goal || (better == BENCH_HIGHER ? value >= goal : value <= goal);
    printf("%s %.4g %s peer=", name, value, unit);
    if (peer == peer)
        printf("%.4g", peer);
    else
        printf("-");
    if (goal == goal)
        printf(" goal=%.4g", goal);
    else
        printf(" goal=-");
    printf(" %s\n", ok ? "ok" : "short");
    fflush(stdout);
}
