/* base/cow: against a model, a sorted array of all possible keys that marks which are present. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cow.h"
#include "base/rand.h"
#include "unit/unit.h"

#define UNIVERSE 3000

/* A counted value with its key inside. */
struct thing {
    _Atomic(int) refs;
    unsigned number;
    size_t key_len;
    char key[];
};

static _Atomic(int) things_alive;

static void thing_retain(void *value) {
    struct thing *t = value;
    check(atomic_fetch_add(&t->refs, 1) > 0);
}

static void thing_release(void *value) {
    struct thing *t = value;
    int before = atomic_fetch_sub(&t->refs, 1);
    check(before > 0);
    if (before == 1) {
        (void)atomic_fetch_sub(&things_alive, 1);
        free(t);
    }
}

static const struct cow_ops thing_ops = {.retain = thing_retain, .release = thing_release};

static struct thing *thing_new(struct str key, unsigned number) {
    struct thing *t = malloc(sizeof *t + key.n);
    check(t);
    atomic_init(&t->refs, 1);
    t->number = number;
    t->key_len = key.n;
    if (key.n)
        memcpy(t->key, key.p, key.n);
    (void)atomic_fetch_add(&things_alive, 1);
    return t;
}

static struct str thing_key(const struct thing *t) {
    return str_make(t->key, t->key_len);
}

static void put(struct cow *c, struct str key, unsigned number) {
    struct thing *t = thing_new(key, number);
    struct thing *old = cow_put(c, thing_key(t), t);
    if (old)
        thing_release(old);
}

static bool take(struct cow *c, struct str key) {
    struct thing *old = cow_take(c, key);
    if (old)
        thing_release(old);
    return old != NULL;
}

static unsigned number_of(const struct cow *c, struct str key) {
    const struct thing *t = cow_get(c, key);
    return t ? t->number : 0;
}

/* -- the model -- */

struct model {
    struct cow tree;
    unsigned number[UNIVERSE]; /* 0: absent */
    unsigned n;
};

static struct str universe[UNIVERSE];

/* Keys that share prefixes, are prefixes of each other, hold zeros and 0xff, differ early and late. */
static size_t make_key(struct rand *r, char *out) {
    static const char *const fronts[] = {"/registry/pods/ns-1/", "/registry/pods/ns-12/", "/registry/", "",
                                         "a"};
    const char *front = fronts[rand_below(r, 5)];
    size_t n = strlen(front);
    memcpy(out, front, n);
    if (rand_chance(r, 0.02))
        for (size_t i = 0; i < 150; i++)
            out[n++] = 'x';
    for (size_t part = rand_below(r, 4); part > 0; part--) {
        static const char bytes[] = {0, 1, 'a', 'b', '-', (char)0xff, '0', '1'};
        for (size_t i = rand_below(r, 9); i > 0; i--)
            out[n++] = bytes[rand_below(r, sizeof bytes)];
    }
    return n;
}

static void make_universe(struct rand *r) {
    size_t n = 0;
    while (n < UNIVERSE) {
        for (; n < UNIVERSE; n++) {
            char text[512];
            size_t len = make_key(r, text);
            char *p = malloc(len + 1);
            check(p);
            memcpy(p, text, len);
            universe[n] = str_make(p, len);
        }
        qsort(universe, n, sizeof *universe, str_cmp_qsort);
        size_t kept = 1;
        for (size_t i = 1; i < n; i++) {
            if (str_eq(universe[kept - 1], universe[i]))
                free((char *)universe[i].p);
            else
                universe[kept++] = universe[i];
        }
        n = kept;
    }
}

static void free_universe(void) {
    for (size_t i = 0; i < UNIVERSE; i++)
        free((char *)universe[i].p);
}

static void model_put(struct model *m, unsigned i, unsigned number) {
    m->n += m->number[i] == 0;
    m->number[i] = number;
    put(&m->tree, universe[i], number);
}

static void model_take(struct model *m, unsigned i) {
    assert_int_equal(take(&m->tree, universe[i]), m->number[i] != 0);
    m->n -= m->number[i] != 0;
    m->number[i] = 0;
}

/* Items [from, to) of the universe, against an iterator in both directions. */
static void model_check_scan(const struct model *m, struct cow_iter *it, unsigned from, unsigned to) {
    const struct cow_item *item;
    for (unsigned i = from; i < to; i++) {
        if (!m->number[i])
            continue;
        item = cow_next(it);
        assert_non_null(item);
        assert_str_equal(item->key, universe[i]);
        assert_int_equal(((struct thing *)item->value)->number, m->number[i]);
    }
    assert_null(cow_next(it));
    assert_null(cow_next(it));
    cow_seek_end(it);
    assert_null(cow_next(it));
    for (unsigned i = to; i > from; i--) {
        if (!m->number[i - 1])
            continue;
        item = cow_prev(it);
        assert_non_null(item);
        assert_str_equal(item->key, universe[i - 1]);
    }
    assert_null(cow_prev(it));
    assert_null(cow_prev(it));
}

static void model_check_all(const struct model *m) {
    cow_check(&m->tree);
    assert_int_equal(cow_count(&m->tree), m->n);
    uint64_t rank = 0;
    for (unsigned i = 0; i < UNIVERSE; i++) {
        assert_int_equal(number_of(&m->tree, universe[i]), m->number[i]);
        assert_int_equal(cow_rank(&m->tree, universe[i]), rank);
        if (m->number[i])
            assert_str_equal(cow_nth(&m->tree, rank++)->key, universe[i]);
    }
    assert_null(cow_nth(&m->tree, rank));
    struct cow_iter it;
    model_check_scan(m, cow_all(&it, &m->tree), 0, UNIVERSE);
}

static unsigned model_count(const struct model *m, unsigned from, unsigned to) {
    unsigned n = 0;
    for (unsigned i = from; i < to; i++)
        n += m->number[i] != 0;
    return n;
}

static void model_check_range(const struct model *m, struct rand *r) {
    unsigned from = (unsigned)rand_below(r, UNIVERSE), to = (unsigned)rand_below(r, UNIVERSE);
    struct cow_iter it;
    model_check_scan(m, cow_range(&it, &m->tree, universe[from], universe[to]), from, to > from ? to : from);
    assert_int_equal(cow_count_range(&m->tree, universe[from], universe[to]), model_count(m, from, to));
    model_check_scan(m, cow_range(&it, &m->tree, universe[from], STR_NONE), from, UNIVERSE);
    assert_int_equal(cow_count_range(&m->tree, universe[from], STR_NONE), model_count(m, from, UNIVERSE));
}

static void model_check_prefix(const struct model *m, struct rand *r) {
    struct str key = universe[rand_below(r, UNIVERSE)];
    struct str prefix = str_cut(key, rand_below(r, key.n + 1));
    unsigned from = 0, to;
    while (from < UNIVERSE && !str_has_prefix(universe[from], prefix))
        from++;
    for (to = from; to < UNIVERSE && str_has_prefix(universe[to], prefix); to++)
        ;
    struct cow_iter it;
    model_check_scan(m, cow_prefix(&it, &m->tree, prefix), from, to);
    assert_int_equal(cow_count_prefix(&m->tree, prefix), model_count(m, from, to));
    unsigned after = (unsigned)rand_below(r, UNIVERSE);
    unsigned first = after + 1 < from ? from : after + 1 > to ? to : after + 1;
    model_check_scan(m, cow_prefix_after(&it, &m->tree, prefix, universe[after]), first, to);
}

static void model_copy(const struct model *from, struct model *to) {
    memcpy(to, from, sizeof *to);
    cow_snapshot(&from->tree, &to->tree);
}

TEST(test_cow__empty_tree_answers) {
    struct cow c;
    cow_init(&c, &thing_ops);
    struct cow_iter it;
    assert_null(cow_get(&c, S("a")));
    assert_null(cow_take(&c, S("a")));
    assert_null(cow_first(&c));
    assert_null(cow_last(&c));
    assert_null(cow_next(cow_all(&it, &c)));
    assert_null(cow_prev(cow_seek_end(&it)));
    assert_null(cow_next(cow_prefix(&it, &c, S("a"))));
    assert_int_equal(cow_count_range(&c, S(""), STR_NONE), 0);
    assert_int_equal(cow_count_prefix(&c, S("")), 0);
    struct cow snap;
    cow_snapshot(&c, &snap);
    cow_fini(&snap);
    cow_check(&c);
    cow_fini(&c);
}

TEST(test_cow__put_replaces_and_hands_back_the_old_value) {
    struct cow c;
    cow_init(&c, &thing_ops);
    struct thing *one = thing_new(S("key"), 1), *two = thing_new(S("key"), 2);
    assert_null(cow_put(&c, thing_key(one), one));
    assert_ptr_equal(cow_put(&c, thing_key(two), two), one);
    thing_release(one); /* the key now lies in the second value */
    assert_int_equal(number_of(&c, S("key")), 2);
    assert_int_equal(cow_count(&c), 1);
    cow_check(&c);
    cow_fini(&c);
    assert_int_equal(things_alive, 0);
}

TEST(test_cow__take_of_absent_key_copies_nothing) {
    struct cow c, snap;
    cow_init(&c, &thing_ops);
    put(&c, S("a"), 1);
    cow_snapshot(&c, &snap);
    assert_false(take(&c, S("b")));
    assert_true(cow_same(&c, &snap));
    assert_true(take(&c, S("a")));
    assert_false(cow_same(&c, &snap));
    assert_int_equal(number_of(&snap, S("a")), 1);
    cow_fini(&snap);
    cow_fini(&c);
    assert_int_equal(things_alive, 0);
}

/* Nothing is copied without a snapshot: the value's count stays 1, and the node in place. */
TEST(test_cow__changes_in_place_when_alone) {
    struct cow c, snap;
    cow_init(&c, &thing_ops);
    put(&c, S("a"), 1);
    struct cow_node *root = c.root;
    const struct thing *a = cow_get(&c, S("a"));
    put(&c, S("b"), 2);
    assert_ptr_equal(c.root, root);
    assert_int_equal(a->refs, 1);
    cow_snapshot(&c, &snap);
    put(&c, S("c"), 3);
    assert_ptr_not_equal(c.root, root);
    assert_int_equal(a->refs, 2);
    cow_fini(&snap);
    assert_int_equal(a->refs, 1);
    root = c.root;
    put(&c, S("d"), 4);
    assert_ptr_equal(c.root, root);
    cow_fini(&c);
}

TEST(test_cow__random_changes_match_model) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    make_universe(r);
    struct model m = {.n = 0};
    cow_init(&m.tree, &thing_ops);
    for (unsigned round = 0; round < 24; round++) {
        /* phases that grow and phases that shrink, so that nodes split and join at all levels */
        double p_put = round % 6 < 3 ? 0.9 : 0.1;
        for (unsigned step = 0; step < 1500; step++) {
            unsigned i = (unsigned)rand_below(r, UNIVERSE);
            if (rand_chance(r, p_put))
                model_put(&m, i, round * 1500 + step + 1);
            else
                model_take(&m, i);
            if (step % 100 == 0)
                cow_check(&m.tree);
        }
        model_check_all(&m);
        for (unsigned k = 0; k < 20; k++) {
            model_check_range(&m, r);
            model_check_prefix(&m, r);
        }
    }
    for (unsigned i = 0; i < UNIVERSE; i++)
        model_take(&m, i);
    assert_null(m.tree.root);
    cow_fini(&m.tree);
    free_universe();
    assert_int_equal(things_alive, 0);
}

TEST(test_cow__snapshots_keep_their_state) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    make_universe(r);
    static struct model now, kept[6];
    memset(&now, 0, sizeof now);
    memset(kept, 0, sizeof kept);
    cow_init(&now.tree, &thing_ops);
    for (unsigned step = 1; step < 12000; step++) {
        unsigned i = (unsigned)rand_below(r, UNIVERSE);
        if (rand_chance(r, step % 4000 < 2500 ? 0.8 : 0.2))
            model_put(&now, i, step);
        else
            model_take(&now, i);
        if (step % 37 == 0) {
            struct model *m = &kept[rand_below(r, 6)];
            cow_fini(&m->tree);
            model_copy(&now, m);
        }
        if (step % 1000 == 0)
            for (size_t k = 0; k < 6; k++)
                if (kept[k].tree.root)
                    model_check_all(&kept[k]);
    }
    model_check_all(&now);
    cow_fini(&now.tree);
    for (size_t k = 0; k < 6; k++)
        cow_fini(&kept[k].tree);
    free_universe();
    assert_int_equal(things_alive, 0);
}

/* Both handles may be changed, each sees its own changes only. */
TEST(test_cow__handles_part_ways) {
    struct cow a, b;
    cow_init(&a, &thing_ops);
    char text[32];
    for (unsigned i = 0; i < 1000; i++)
        put(&a, str_make(text, (size_t)snprintf(text, sizeof text, "key-%04u", i)), i + 1);
    cow_snapshot(&a, &b);
    for (unsigned i = 0; i < 1000; i += 2) {
        struct str key = str_make(text, (size_t)snprintf(text, sizeof text, "key-%04u", i));
        assert_true(take(&a, key));
        put(&b, key, i + 5000);
    }
    cow_check(&a);
    cow_check(&b);
    assert_int_equal(cow_count(&a), 500);
    assert_int_equal(cow_count(&b), 1000);
    assert_int_equal(number_of(&b, S("key-0000")), 5000);
    assert_int_equal(number_of(&a, S("key-0000")), 0);
    assert_int_equal(number_of(&a, S("key-0001")), 2);
    cow_fini(&a);
    cow_check(&b);
    cow_fini(&b);
    assert_int_equal(things_alive, 0);
}

static void fill_in_order(struct cow *c, unsigned n, bool descending) {
    char text[32];
    for (unsigned i = 0; i < n; i++) {
        unsigned number = descending ? n - 1 - i : i;
        put(c, str_make(text, (size_t)snprintf(text, sizeof text, "/events/%08u", number)), number + 1);
    }
}

TEST(test_cow__ascending_keys_fill_leaves) {
    struct cow c;
    cow_init(&c, &thing_ops);
    fill_in_order(&c, 20000, false);
    cow_check(&c);
    assert_true(cow_memory_bytes(&c) < 20000 * 100); /* 39 with nodes of full width */
    struct cow_iter it;
    unsigned expect = 1;
    cow_foreach (item, &it, cow_all(&it, &c))
        assert_int_equal(((struct thing *)item->value)->number, expect++);
    assert_int_equal(expect, 20001);
    cow_fini(&c);
}

TEST(test_cow__descending_keys_and_removal_from_either_end) {
    struct cow c;
    cow_init(&c, &thing_ops);
    fill_in_order(&c, 20000, true);
    cow_check(&c);
    for (unsigned i = 0; i < 20000; i++) {
        struct str key = i % 2 ? cow_first(&c)->key : cow_last(&c)->key;
        struct thing *t = cow_take(&c, key);
        assert_int_equal(t->number, i % 2 ? i / 2 + 1 : 20000 - i / 2);
        thing_release(t);
        if (i % 500 == 0)
            cow_check(&c);
    }
    assert_null(c.root);
    assert_int_equal(things_alive, 0);
}

TEST(test_cow__counts_prefixes_of_long_keys) {
    struct cow c;
    cow_init(&c, &thing_ops);
    char text[512];
    memset(text, 'p', 300);
    for (unsigned i = 0; i < 2000; i++)
        put(&c, str_make(text, 300 + (size_t)snprintf(text + 300, sizeof text - 300, "/%u", i)), i + 1);
    cow_check(&c);
    assert_int_equal(cow_count_prefix(&c, str_make(text, 300)), 2000);
    memcpy(text + 300, "/19", 3);
    assert_int_equal(cow_count_prefix(&c, str_make(text, 303)), 111);
    assert_int_equal(number_of(&c, str_make(text, 303)), 20);
    assert_int_equal(cow_count_prefix(&c, str_make(text, 299)), 2000);
    cow_fini(&c);
}

TEST(test_cow__uncounted_values_need_no_ops) {
    struct cow c, snap;
    static int values[3];
    cow_init(&c, NULL);
    assert_null(cow_put(&c, S("a"), &values[0]));
    cow_snapshot(&c, &snap);
    assert_ptr_equal(cow_put(&c, S("a"), &values[1]), &values[0]);
    assert_ptr_equal(cow_get(&snap, S("a")), &values[0]);
    assert_ptr_equal(cow_take(&c, S("a")), &values[1]);
    cow_fini(&snap);
    cow_fini(&c);
}

TEST(test_cow__refuses_absent_value) {
    struct cow c;
    cow_init(&c, NULL);
    assert_aborts((void)cow_put(&c, S("a"), NULL));
}

/* -- threads: one writer publishes snapshots, readers check and drop them -- */

#define READERS 3
#define KEYS 400
#define VERSIONS 300

struct exchange {
    pthread_mutex_t lock;
    struct cow published;
    unsigned version;
    bool stop;
};

static unsigned take_published(struct exchange *x, struct cow *ret, bool *ret_stop) {
    pthread_mutex_lock(&x->lock);
    cow_snapshot(&x->published, ret);
    unsigned version = x->version;
    *ret_stop = x->stop;
    pthread_mutex_unlock(&x->lock);
    return version;
}

/* In version v every present key has number v or less, and key 0 has exactly v. */
static void check_version(const struct cow *c, unsigned version) {
    struct cow_iter it;
    uint64_t n = 0;
    cow_foreach (item, &it, cow_all(&it, c)) {
        check(((struct thing *)item->value)->number <= version);
        n++;
    }
    check(n == cow_count(c));
    check(number_of(c, S("key-0")) == version);
    check(cow_count_prefix(c, S("key-1")) <= n);
}

static void *reader(void *arg) {
    struct exchange *x = arg;
    bool stop = false;
    while (!stop) {
        struct cow snap;
        unsigned version = take_published(x, &snap, &stop);
        check_version(&snap, version);
        cow_fini(&snap);
    }
    return NULL;
}

static void publish(struct exchange *x, const struct cow *c, unsigned version, bool stop) {
    struct cow old;
    pthread_mutex_lock(&x->lock);
    old = x->published;
    cow_snapshot(c, &x->published);
    x->version = version;
    x->stop = stop;
    pthread_mutex_unlock(&x->lock);
    cow_fini(&old);
}

TEST(test_cow__readers_see_whole_versions_while_writer_goes_on) {
    static struct exchange x;
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    struct cow c;
    cow_init(&c, &thing_ops);
    put(&c, S("key-0"), 1);
    pthread_mutex_init(&x.lock, NULL);
    cow_init(&x.published, &thing_ops);
    publish(&x, &c, 1, false);
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++)
        check(pthread_create(&threads[i], NULL, reader, &x) == 0);
    for (unsigned version = 2; version <= VERSIONS; version++) {
        for (unsigned k = 0; k < 60; k++) {
            char text[32];
            struct str key = str_make(
                text, (size_t)snprintf(text, sizeof text, "key-%u", 1 + (unsigned)rand_below(r, KEYS)));
            if (rand_chance(r, version % 100 < 50 ? 0.8 : 0.2))
                put(&c, key, version);
            else
                (void)take(&c, key);
        }
        put(&c, S("key-0"), version);
        publish(&x, &c, version, version == VERSIONS);
    }
    for (size_t i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    cow_fini(&x.published);
    cow_check(&c);
    cow_fini(&c);
    assert_int_equal(things_alive, 0);
}
