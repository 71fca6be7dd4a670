/* The simulation's scheduler. See sim.h. */
#include "base/sim.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/vec.h"

struct sim {
    struct clock_sim clock;
    struct rand_seeded rand;
    VEC(struct sim_source *) sources; /* borrowed */
    uint64_t steps;
};

static int64_t now(const struct sim *s) {
    return clock_mono_ns(&s->clock.clock);
}

static int64_t next_ns(const struct sim *s) {
    int64_t next = INT64_MAX;
    vec_foreach (src, &s->sources) {
        int64_t its = (*src)->next_ns ? (*src)->next_ns(*src) : INT64_MAX;
        if (its < next)
            next = its;
    }
    return next;
}

static bool is_ready(const struct sim *s, const struct sim_source *src) {
    return src->ready(src) || (src->next_ns && src->next_ns(src) <= now(s));
}

/* One thing of a source chosen at random; false when none is ready. */
static bool run_one(struct sim *s) {
    size_t ready = 0;
    vec_foreach (src, &s->sources)
        ready += is_ready(s, *src);
    if (ready == 0)
        return false;
    size_t pick = rand_below(&s->rand.rand, ready);
    vec_foreach (src, &s->sources) {
        if (!is_ready(s, *src) || pick-- > 0)
            continue;
        s->steps++;
        (*src)->run(*src);
        return true;
    }
    panic("sim: a source changed its mind");
}

static void run_to(struct sim *s, int64_t mono_ns) {
    while (now(s) < mono_ns) {
        if (run_one(s))
            continue;
        int64_t next = next_ns(s);
        clock_sim_advance_to(&s->clock, next < mono_ns ? next : mono_ns);
    }
}

static void on_sleep(void *arg, int64_t mono_ns) {
    run_to(arg, mono_ns);
}

struct sim *sim_new(uint64_t seed, int64_t wall_ns) {
    struct sim *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    clock_sim_init(&s->clock, wall_ns);
    s->clock.on_sleep = on_sleep;
    s->clock.on_sleep_arg = s;
    rand_seeded_init(&s->rand, seed);
    return s;
}

void sim_free(struct sim *s) {
    if (!s)
        return;
    check(s->sources.n == 0);
    vec_fini(&s->sources);
    free(s);
}

struct clock *sim_clock(struct sim *s) {
    return &s->clock.clock;
}

struct rand *sim_rand(struct sim *s) {
    return &s->rand.rand;
}

uint64_t sim_steps(const struct sim *s) {
    return s->steps;
}

bool sim_step(struct sim *s) {
    if (run_one(s))
        return true;
    int64_t next = next_ns(s);
    if (next == INT64_MAX)
        return false;
    clock_sim_advance_to(&s->clock, next);
    return true;
}

void sim_run_ns(struct sim *s, int64_t ns) {
    run_to(s, now(s) + ns);
}

void sim_settle(struct sim *s) {
    while (run_one(s))
        ;
}

bool sim_run_until(struct sim *s, bool (*condition)(void *arg), void *arg, int64_t max_ns) {
    int64_t end;
    if (__builtin_add_overflow(now(s), max_ns, &end))
        end = INT64_MAX;
    while (!condition(arg)) {
        if (run_one(s))
            continue;
        int64_t next = next_ns(s);
        if (next == INT64_MAX || next > end) {
            if (end != INT64_MAX)
                clock_sim_advance_to(&s->clock, end);
            return false;
        }
        clock_sim_advance_to(&s->clock, next);
    }
    return true;
}

void sim_add(struct sim *s, struct sim_source *src) {
    check(src->ready && src->run && !src->sim);
    src->sim = s;
    vec_push(&s->sources, src);
}

void sim_remove(struct sim_source *src) {
    struct sim *s = src->sim;
    if (!s)
        return;
    for (size_t i = 0; i < s->sources.n; i++) {
        if (s->sources.v[i] != src)
            continue;
        vec_remove(&s->sources, i);
        src->sim = NULL;
        return;
    }
    panic("sim: unknown source");
}
