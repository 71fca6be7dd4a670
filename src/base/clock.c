/* Clocks. See clock.h. */
#include "base/clock.h"

#include <errno.h>
#include <time.h>

#include "base/err.h"

static int64_t read_clock(clockid_t id) {
    struct timespec ts;
    if (clock_gettime(id, &ts) != 0)
        panic("clock_gettime failed");
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t system_wall(const struct clock *c) {
    (void)c;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono(const struct clock *c) {
    (void)c;
    return read_clock(CLOCK_MONOTONIC);
}

static void system_sleep(struct clock *c, int64_t mono_ns) {
    (void)c;
    struct timespec until = {.tv_sec = mono_ns / 1000000000, .tv_nsec = mono_ns % 1000000000};
    int rc;
    do {
        rc = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    } while (rc == EINTR);
    check(rc == 0);
}

static const struct clock_ops system_ops = {
    .wall_ns = system_wall,
    .mono_ns = system_mono,
    .sleep_until = system_sleep,
};
static struct clock system_clock = {.ops = &system_ops};

struct clock *clock_system(void) {
    return &system_clock;
}

static int64_t sim_wall(const struct clock *c) {
    return atomic_load_explicit(&((const struct clock_sim *)c)->wall, memory_order_acquire);
}

static int64_t sim_mono(const struct clock *c) {
    return atomic_load_explicit(&((const struct clock_sim *)c)->mono, memory_order_acquire);
}

static void sim_sleep(struct clock *base, int64_t mono_ns) {
    struct clock_sim *c = (struct clock_sim *)base;
    if (c->on_sleep)
        c->on_sleep(c->on_sleep_arg, mono_ns);
    else
        clock_sim_advance_to(c, mono_ns);
    check(sim_mono(base) >= mono_ns);
}

static const struct clock_ops sim_ops = {
    .wall_ns = sim_wall,
    .mono_ns = sim_mono,
    .sleep_until = sim_sleep,
};

struct clock *clock_sim_init(struct clock_sim *c, int64_t wall_ns) {
    *c = (struct clock_sim){.clock = {.ops = &sim_ops}};
    atomic_init(&c->wall, wall_ns);
    atomic_init(&c->mono, 1000000000);
    return &c->clock;
}

void clock_sim_advance(struct clock_sim *c, int64_t ns) {
    check(ns >= 0);
    (void)atomic_fetch_add(&c->wall, ns);
    (void)atomic_fetch_add(&c->mono, ns);
}

void clock_sim_advance_to(struct clock_sim *c, int64_t mono_ns) {
    int64_t now = sim_mono(&c->clock);
    if (mono_ns > now)
        clock_sim_advance(c, mono_ns - now);
}

void clock_sim_set_wall(struct clock_sim *c, int64_t wall_ns) {
    atomic_store(&c->wall, wall_ns);
}
