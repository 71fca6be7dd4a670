/* base/rand */
#include "base/hash.h"
#include "base/rand.h"
#include "unit/unit.h"

static struct rand_seeded seeded;

static struct rand *start(void) {
    return rand_seeded_init(&seeded, unit_seed());
}

TEST(test_rand__same_seed_same_sequence) {
    struct rand_seeded a, b, c;
    struct rand *ra = rand_seeded_init(&a, 7), *rb = rand_seeded_init(&b, 7), *rc = rand_seeded_init(&c, 8);
    bool differs = false;
    for (int i = 0; i < 100; i++) {
        uint64_t v = rand_u64(ra);
        assert_true(v == rand_u64(rb));
        differs = differs || v != rand_u64(rc);
    }
    assert_true(differs);
}

/* A replay file depends on it: the sequence of a seed never changes. */
TEST(test_rand__sequence_of_seed_1_is_fixed) {
    struct rand_seeded r;
    (void)rand_seeded_init(&r, 1);
    assert_true(rand_u64(&r.rand) == 0xb3f2af6d0fc710c5u);
    assert_true(rand_u64(&r.rand) == 0x853b559647364ceau);
}

TEST(test_rand__below_is_uniform_and_bounded) {
    struct rand *r = start();
    unsigned seen[7] = {0};
    for (int i = 0; i < 70000; i++) {
        uint64_t v = rand_below(r, 7);
        assert_true(v < 7);
        seen[v]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 9500, 10500);
    assert_int_equal(rand_below(r, 1), 0);
    for (int i = 0; i < 100; i++)
        assert_true(rand_below(r, UINT64_MAX) < UINT64_MAX);
}

TEST(test_rand__below_zero_is_refused) {
    struct rand *r = start();
    assert_aborts((void)rand_below(r, 0));
}

TEST(test_rand__range_includes_both_ends) {
    struct rand *r = start();
    bool low = false, high = false;
    for (int i = 0; i < 1000; i++) {
        int64_t v = rand_range(r, -2, 2);
        assert_true(v >= -2 && v <= 2);
        low = low || v == -2;
        high = high || v == 2;
    }
    assert_true(low && high);
    assert_int_equal(rand_range(r, 5, 5), 5);
    (void)rand_range(r, INT64_MIN, INT64_MAX);
}

TEST(test_rand__chance_of_zero_and_one) {
    struct rand *r = start();
    for (int i = 0; i < 1000; i++) {
        assert_false(rand_chance(r, 0));
        assert_true(rand_chance(r, 1));
        double v = rand_unit(r);
        assert_true(v >= 0 && v < 1);
    }
}

TEST(test_rand__jitter_only_lengthens) {
    struct rand *r = start();
    for (int i = 0; i < 1000; i++) {
        int64_t v = rand_jitter(r, 1000, 0.5);
        assert_true(v >= 1000 && v < 1500);
        v = rand_jitter(r, 1000, 0);
        assert_true(v >= 1000 && v < 2000);
    }
}

TEST(test_rand__shuffle_keeps_items) {
    struct rand *r = start();
    unsigned char items[200][3];
    bool seen[200] = {0}, moved = false;
    for (unsigned i = 0; i < 200; i++)
        items[i][0] = items[i][1] = items[i][2] = (unsigned char)i;
    rand_shuffle(r, items, 200, 3);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(items[i][0], items[i][2]);
        assert_false(seen[items[i][0]]);
        seen[items[i][0]] = true;
        moved = moved || items[i][0] != i;
    }
    assert_true(moved);
    rand_shuffle(r, items, 0, 3);
}

TEST(test_rand__shuffle_reaches_every_order) {
    struct rand *r = start();
    unsigned seen[27] = {0};
    for (int i = 0; i < 6000; i++) {
        unsigned v[3] = {0, 1, 2};
        rand_shuffle(r, v, 3, sizeof *v);
        seen[v[0] * 9 + v[1] * 3 + v[2]]++;
    }
    unsigned orders = 0;
    for (int i = 0; i < 27; i++) {
        orders += seen[i] > 0;
        assert_true(seen[i] == 0 || (seen[i] > 850 && seen[i] < 1150));
    }
    assert_int_equal(orders, 6);
}

TEST(test_rand__suffix_has_five_safe_characters) {
    char text[RAND_SUFFIX_LEN + 1];
    rand_suffix(start(), text);
    assert_int_equal(strlen(text), 5);
    assert_int_equal(strspn(text, HASH_SAFE_ALPHABET), 5);
}

TEST(test_rand__uuid_has_version_and_variant) {
    char text[RAND_UUID_SIZE];
    for (int i = 0; i < 100; i++) {
        rand_uuid(start(), text);
        assert_int_equal(strlen(text), 36);
        assert_int_equal(strspn(text, "0123456789abcdef-"), 36);
        assert_true(text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-');
        assert_int_equal(text[14], '4');
        assert_non_null(strchr("89ab", text[19]));
    }
}

TEST(test_rand__system_fills_any_length) {
    static unsigned char bytes[1000];
    for (size_t n = 0; n < sizeof bytes; n += 37)
        rand_fill(rand_system(), bytes, n);
    rand_fill(rand_system(), bytes, sizeof bytes);
    unsigned zeros = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        zeros += bytes[i] == 0;
    assert_true(zeros < 50);
    assert_true(rand_u64(rand_system()) != rand_u64(rand_system()));
}
