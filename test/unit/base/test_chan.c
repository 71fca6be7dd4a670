/* base/chan, base/cell, base/thread */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cell.h"
#include "base/chan.h"
#include "base/clock.h"
#include "unit/unit.h"

static int64_t soon(void) {
    return clock_mono_ns(clock_system()) + 5000000;
}

TEST(test_chan__keeps_order_and_bound) {
    struct chan c;
    chan_init(&c, sizeof(int), 3);
    int v;
    assert_fails(chan_try_recv(&c, &v), ERR_AGAIN);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3; i++)
            assert_int_equal(chan_try_send(&c, &(int){round * 3 + i}), 0);
        assert_fails(chan_try_send(&c, &(int){99}), ERR_AGAIN);
        assert_int_equal(chan_count(&c), 3);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(chan_recv(&c, &v), 0);
            assert_int_equal(v, round * 3 + i);
        }
    }
    chan_fini(&c);
}

TEST(test_chan__times_out) {
    struct chan c;
    int v = 7;
    chan_init(&c, sizeof v, 1);
    assert_fails(chan_recv_until(&c, &v, soon()), ERR_TIMEOUT);
    assert_int_equal(chan_send_until(&c, &v, soon()), 0);
    assert_fails(chan_send_until(&c, &v, soon()), ERR_TIMEOUT);
    chan_fini(&c);
}

TEST(test_chan__closed_can_be_emptied_but_not_filled) {
    struct chan c;
    int v = 1;
    chan_init(&c, sizeof v, 4);
    assert_int_equal(chan_send(&c, &v), 0);
    chan_close(&c);
    chan_close(&c);
    assert_fails(chan_send(&c, &v), ERR_CLOSED);
    assert_int_equal(chan_recv(&c, &v), 0);
    assert_fails(chan_recv(&c, &v), ERR_CLOSED);
    assert_fails(chan_try_recv(&c, &v), ERR_CLOSED);
    chan_fini(&c);
}

TEST(test_chan__takes_many_at_once) {
    struct chan c;
    chan_init(&c, sizeof(int), 8);
    for (int i = 0; i < 6; i++)
        assert_int_equal(chan_send(&c, &i), 0);
    int got[4];
    size_t n;
    assert_int_equal(chan_recv_many(&c, got, 4, &n), 0);
    assert_int_equal(n, 4);
    assert_int_equal(got[3], 3);
    assert_int_equal(chan_recv_many(&c, got, 4, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(got[1], 5);
    chan_close(&c);
    assert_fails(chan_recv_many(&c, got, 4, &n), ERR_CLOSED);
    chan_fini(&c);
}

#define SENDERS 3
#define PER_SENDER 2000

struct traffic {
    struct chan chan;
    _Atomic(unsigned) from[SENDERS]; /* how many of each sender's came, in order */
    _Atomic(unsigned) next_sender;
};

static void send_all(void *arg) {
    struct traffic *t = arg;
    unsigned me = atomic_fetch_add(&t->next_sender, 1);
    for (unsigned i = 0; i < PER_SENDER; i++)
        check(chan_send(&t->chan, &(unsigned){me * PER_SENDER + i}) == 0);
}

static void receive_all(void *arg) {
    struct traffic *t = arg;
    unsigned v;
    while (chan_recv(&t->chan, &v) == 0)
        (void)atomic_fetch_add(&t->from[v / PER_SENDER], 1);
}

TEST(test_chan__many_senders_and_receivers_lose_nothing) {
    static struct traffic t;
    chan_init(&t.chan, sizeof(unsigned), 5);
    struct thread senders[SENDERS], receivers[2];
    struct thread_options options = {.name = "a-name-that-is-too-long"};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(thread_start(&receivers[i], &options, receive_all, &t, NULL), 0);
    for (size_t i = 0; i < SENDERS; i++)
        assert_int_equal(thread_start(&senders[i], &options, send_all, &t, NULL), 0);
    assert_false(thread_is_current(&senders[0]));
    for (size_t i = 0; i < SENDERS; i++)
        thread_join(&senders[i]);
    chan_close(&t.chan);
    for (size_t i = 0; i < 2; i++)
        thread_join(&receivers[i]);
    for (size_t i = 0; i < SENDERS; i++)
        assert_int_equal(t.from[i], PER_SENDER);
    chan_fini(&t.chan);
}

/* -- cells -- */

struct thing {
    struct shared shared;
    unsigned a, b; /* always equal while it is alive */
};

static _Atomic(int) alive;

static void thing_free(struct shared *s) {
    struct thing *t = (struct thing *)s;
    t->a = t->b + 1;
    (void)atomic_fetch_sub(&alive, 1);
    free(t);
}

static struct shared *thing_new(unsigned n) {
    struct thing *t = malloc(sizeof *t);
    check(t);
    shared_init(&t->shared, thing_free);
    t->a = t->b = n;
    (void)atomic_fetch_add(&alive, 1);
    return &t->shared;
}

TEST(test_cell__holds_one_reference) {
    struct cell c;
    cell_init(&c, NULL);
    assert_null(cell_get(&c));
    cell_set(&c, thing_new(1));
    struct shared *s = cell_get(&c);
    assert_int_equal(((struct thing *)s)->a, 1);
    cell_set(&c, thing_new(2));
    assert_int_equal(alive, 2);
    shared_unref(s);
    assert_int_equal(alive, 1);
    cell_set(&c, NULL);
    assert_int_equal(alive, 0);
    shared_unref(NULL);
    cell_fini(&c);
}

TEST(test_cell__same_thing_may_be_published_again) {
    struct cell c;
    struct shared *s = thing_new(1);
    cell_init(&c, shared_ref(s));
    cell_set(&c, shared_ref(s));
    assert_ptr_equal(cell_get(&c), s);
    shared_unref(s);
    shared_unref(s);
    assert_int_equal(alive, 1);
    cell_fini(&c);
    assert_int_equal(alive, 0);
}

struct readers {
    struct cell cell;
    _Atomic(bool) stop;
};

static void read_all(void *arg) {
    struct readers *r = arg;
    unsigned last = 0;
    while (!atomic_load(&r->stop)) {
        struct shared *s = cell_get(&r->cell);
        struct thing *t = (struct thing *)s;
        check(t->a == t->b);
        check(t->a >= last); /* never an older one */
        last = t->a;
        shared_unref(s);
    }
}

TEST(test_cell__readers_get_whole_things_while_writer_publishes) {
    static struct readers r;
    cell_init(&r.cell, thing_new(0));
    struct thread threads[3];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            thread_start(&threads[i], &(struct thread_options){.name = "reader"}, read_all, &r, NULL), 0);
    for (unsigned i = 1; i <= 20000; i++)
        cell_set(&r.cell, thing_new(i));
    atomic_store(&r.stop, true);
    for (size_t i = 0; i < 3; i++)
        thread_join(&threads[i]);
    cell_fini(&r.cell);
    assert_int_equal(alive, 0);
}

/* Two things take turns, so that readers meet the same address again and again. */
TEST(test_cell__republishing_while_readers_take) {
    static struct readers r;
    struct shared *a = thing_new(5), *b = thing_new(5);
    atomic_store(&r.stop, false);
    cell_init(&r.cell, shared_ref(a));
    struct thread threads[3];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            thread_start(&threads[i], &(struct thread_options){.name = "reader"}, read_all, &r, NULL), 0);
    for (unsigned i = 0; i < 20000; i++)
        cell_set(&r.cell, shared_ref(i % 2 ? a : b));
    atomic_store(&r.stop, true);
    for (size_t i = 0; i < 3; i++)
        thread_join(&threads[i]);
    cell_fini(&r.cell);
    assert_int_equal(atomic_load(&a->refs), 1);
    assert_int_equal(atomic_load(&b->refs), 1);
    shared_unref(a);
    shared_unref(b);
    assert_int_equal(alive, 0);
}
