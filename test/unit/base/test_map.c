/* base/map: against a plain array as the model. */
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/rand.h"
#include "unit/unit.h"

#define UNIVERSE 2000

static struct str key_text(unsigned i, char out[16]) {
    return str_make(out, (size_t)snprintf(out, 16, "key-%u", i));
}

TEST(test_map__put_get_take) {
    int a, b;
    _cleanup_map struct map m = MAP_INIT;
    assert_null(map_get(&m, S("x")));
    assert_null(map_take(&m, S("x")));
    assert_null(map_put(&m, S("x"), &a));
    assert_ptr_equal(map_put(&m, S("x"), &b), &a);
    assert_ptr_equal(map_get(&m, S("x")), &b);
    assert_int_equal(map_count(&m), 1);
    assert_ptr_equal(map_take(&m, S("x")), &b);
    assert_false(map_has(&m, S("x")));
    map_check(&m);
}

TEST(test_map__empty_key_is_a_key) {
    int a;
    _cleanup_map struct map m = MAP_INIT;
    map_put(&m, S(""), &a);
    assert_ptr_equal(map_get(&m, STR_NONE), &a);
    assert_true(map_remove(&m, S("")));
    assert_false(map_remove(&m, S("")));
}

TEST(test_map__put_replaces_a_borrowed_key) {
    int a, b;
    char first[] = "key", second[] = "key";
    _cleanup_map struct map m = MAP_INIT;
    map_put(&m, str_from(first), &a);
    map_put(&m, str_from(second), &b);
    first[0] = 'X';
    assert_ptr_equal(map_get(&m, S("key")), &b);
    assert_ptr_equal(map_find(&m, S("key"))->key.p, second);
}

TEST(test_map__owning_map_copies_keys) {
    int a;
    char text[] = "key";
    _cleanup_map struct map m = MAP_INIT_OWNING;
    map_put(&m, str_from(text), &a);
    text[0] = 'X';
    assert_ptr_equal(map_get(&m, S("key")), &a);
    struct map_entry *e = map_find(&m, S("key"));
    assert_ptr_equal(map_take(&m, e->key), &a); /* by its own copy */
    map_put(&m, S("other"), &a);
    map_clear(&m);
    assert_int_equal(map_count(&m), 0);
    map_put(&m, S("again"), &a);
}

TEST(test_map__upsert_tells_new_from_old) {
    bool is_new;
    _cleanup_map struct map m = MAP_INIT;
    map_upsert(&m, S("n"), &is_new)->u64 += 2;
    assert_true(is_new);
    map_upsert(&m, S("n"), &is_new)->u64 += 3;
    assert_false(is_new);
    assert_int_equal(map_find(&m, S("n"))->u64, 5);
}

TEST(test_map__iterates_in_insertion_order_until_removal) {
    static const char *const names[] = {"c", "a", "d", "b"};
    _cleanup_map struct map m = MAP_INIT;
    for (size_t i = 0; i < 4; i++)
        map_put_u64(&m, str_from(names[i]), i);
    size_t i = 0;
    map_foreach(e, &m) assert_str(e->key, names[i++]);
    assert_int_equal(i, 4);
    map_remove(&m, S("a")); /* the last moves into the gap */
    static const char *const left[] = {"c", "b", "d"};
    i = 0;
    map_foreach(e, &m) assert_str(e->key, left[i++]);
    assert_int_equal(i, 3);
}

TEST(test_map__reverse_iteration_may_remove) {
    char text[16];
    _cleanup_map struct map m = MAP_INIT_OWNING;
    for (unsigned i = 0; i < 1000; i++)
        map_put_u64(&m, key_text(i, text), i);
    unsigned seen = 0;
    map_foreach_reverse(e, &m) {
        seen++;
        if (e->u64 % 3)
            map_remove_entry(&m, e);
    }
    assert_int_equal(seen, 1000);
    assert_int_equal(map_count(&m), 334);
    map_check(&m);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(map_has(&m, key_text(i, text)), i % 3 == 0);
}

TEST(test_map__empty_map_iterates_over_nothing) {
    struct map m = MAP_INIT;
    map_foreach(e, &m) fail();
    map_foreach_reverse(e, &m) fail();
    map_fini(&m);
    map_clear(&m);
    map_check(&m);
}

TEST(test_map__reserve_keeps_entries) {
    char text[16];
    _cleanup_map struct map m = MAP_INIT_OWNING;
    map_put_u64(&m, S("before"), 7);
    map_reserve(&m, 5000);
    const struct map_entry *entries = m.entries;
    for (unsigned i = 0; i < 4999; i++)
        map_put_u64(&m, key_text(i, text), i);
    assert_ptr_equal(m.entries, entries);
    assert_int_equal(map_find(&m, S("before"))->u64, 7);
}

TEST(test_map__random_changes_match_model) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    static uint64_t model[UNIVERSE];
    memset(model, 0, sizeof model);
    size_t n = 0;
    char text[16];
    _cleanup_map struct map m = MAP_INIT_OWNING;
    for (unsigned step = 1; step < 60000; step++) {
        unsigned i = (unsigned)rand_below(r, UNIVERSE);
        if (rand_chance(r, step / 10000 % 2 ? 0.2 : 0.8)) {
            n += model[i] == 0;
            model[i] = step;
            map_put_u64(&m, key_text(i, text), step);
        } else {
            assert_int_equal(map_remove(&m, key_text(i, text)), model[i] != 0);
            n -= model[i] != 0;
            model[i] = 0;
        }
        assert_int_equal(map_count(&m), n);
        if (step % 5000 == 0)
            map_check(&m);
    }
    for (unsigned i = 0; i < UNIVERSE; i++) {
        const struct map_entry *e = map_find(&m, key_text(i, text));
        assert_int_equal(e ? e->u64 : 0, model[i]);
    }
}

TEST(test_map64__random_changes_match_model) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    static uint64_t model[UNIVERSE];
    memset(model, 0, sizeof model);
    _cleanup_map64 struct map64 m = MAP_INIT;
    for (unsigned step = 1; step < 60000; step++) {
        uint64_t i = rand_below(r, UNIVERSE), key = i * 4096; /* like addresses */
        if (rand_chance(r, step / 10000 % 2 ? 0.2 : 0.8)) {
            model[i] = step;
            map64_put_u64(&m, key, step);
        } else {
            size_t before = map64_count(&m);
            (void)map64_take(&m, key);
            assert_int_equal(before - map64_count(&m), model[i] != 0);
            model[i] = 0;
        }
        if (step % 5000 == 0)
            map64_check(&m);
    }
    for (uint64_t i = 0; i < UNIVERSE; i++) {
        const struct map64_entry *e = map64_find(&m, i * 4096);
        assert_int_equal(e ? e->u64 : 0, model[i]);
    }
    map64_foreach_reverse(e, &m) map64_remove_entry(&m, e);
    assert_int_equal(map64_count(&m), 0);
    map64_clear(&m);
}

TEST(test_map64__pointers_are_keys) {
    int a, b;
    _cleanup_map64 struct map64 m = MAP_INIT;
    assert_null(map64_put(&m, map64_key(&a), &b));
    assert_ptr_equal(map64_get(&m, map64_key(&a)), &b);
    assert_false(map64_has(&m, map64_key(&b)));
    assert_ptr_equal(map64_put(&m, map64_key(&a), &a), &b);
    map64_foreach(e, &m) assert_ptr_equal(e->value, &a);
}

TEST(test_map__entry_of_another_map_is_refused) {
    struct map_entry stray = {.key = S("x")};
    struct map m = MAP_INIT;
    map_put_u64(&m, S("x"), 1);
    assert_aborts(map_remove_entry(&m, &stray));
    map_fini(&m);
}
