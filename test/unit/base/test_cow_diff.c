/* What differs between two states of a tree. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cow.h"
#include "base/rand.h"
#include "unit/unit.h"

enum { KEYS = 2000 };

struct world {
    char keys[KEYS][16];
    int values[KEYS * 4]; /* addresses are the values */
    unsigned calls;
    int *old[KEYS], *now[KEYS];
};

static struct world *world_new(void) {
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    for (int i = 0; i < KEYS; i++)
        (void)snprintf(w->keys[i], sizeof w->keys[i], "%s/%04d", i % 3 ? "a" : "b", i);
    return w;
}

static void on_diff(void *arg, void *old, void *now) {
    struct world *w = arg;
    assert_true(old != now);
    w->calls++;
    int i = (int)((old ? (int *)old : (int *)now) - w->values) % KEYS;
    assert_ptr_equal(w->old[i], old);
    assert_ptr_equal(w->now[i], now);
    w->old[i] = w->now[i] = NULL;
}

/* Changes some keys at random; what must be told is in old and now. */
static void change(struct world *w, struct cow *c, struct rand *r, unsigned n, const char *prefix) {
    for (unsigned k = 0; k < n; k++) {
        int i = (int)rand_below(r, KEYS);
        struct str key = str_from(w->keys[i]);
        int *had = cow_get(c, key), *next = &w->values[i + KEYS * (1 + (int)rand_below(r, 3))];
        if (w->old[i] || w->now[i] || next == had)
            continue;
        if (rand_chance(r, 0.3)) {
            (void)cow_take(c, key);
            next = NULL;
        } else
            (void)cow_put(c, key, next);
        if (!str_has_prefix(key, str_from(prefix)) || had == next)
            continue;
        w->old[i] = had;
        w->now[i] = next;
    }
}

static void run(unsigned changes, const char *prefix) {
    struct world *w = world_new();
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed() + changes);
    struct cow c, before;
    cow_init(&c, NULL);
    for (int i = 0; i < KEYS; i += 2)
        (void)cow_put(&c, str_from(w->keys[i]), &w->values[i]);
    cow_snapshot(&c, &before);
    change(w, &c, r, changes, prefix);
    cow_diff(&before, &c, str_from(prefix), on_diff, w);
    for (int i = 0; i < KEYS; i++)
        assert_true(!w->old[i] && !w->now[i]);
    cow_fini(&before);
    cow_fini(&c);
    free(w);
}

TEST(test_cow_diff__tells_every_change_once) {
    for (unsigned n = 0; n < 300; n += 7)
        run(n, "");
    run(3000, "");
}

TEST(test_cow_diff__keeps_to_the_prefix) {
    for (unsigned n = 0; n < 300; n += 11)
        run(n, "a/");
    run(3000, "b/");
}

static void count(void *arg, void *old, void *now) {
    (void)old, (void)now;
    ++*(unsigned *)arg;
}

TEST(test_cow_diff__empty_trees) {
    struct cow a, b;
    unsigned n = 0;
    int v;
    cow_init(&a, NULL);
    cow_init(&b, NULL);
    cow_diff(&a, &b, S(""), count, &n);
    assert_int_equal(n, 0);
    (void)cow_put(&b, S("x"), &v);
    cow_diff(&a, &b, S(""), count, &n);
    cow_diff(&b, &a, S(""), count, &n);
    cow_diff(&b, &b, S(""), count, &n);
    assert_int_equal(n, 2);
    cow_fini(&a);
    cow_fini(&b);
}
