/* api/name_generate */
#include "api/name_generate.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/rand.h"
#include "unit/unit.h"

TEST(test_name_generate__adds_five_safe_characters) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str name = name_generate(&a, rand_system(), S("web-"));
    assert_int_equal(name.n, 9);
    assert_true(str_has_prefix(name, S("web-")));
    for (size_t i = 4; i < name.n; i++)
        assert_non_null(memchr(HASH_SAFE_ALPHABET, name.p[i], HASH_SAFE_ALPHABET_SIZE));
    assert_int_equal(name_generate(&a, rand_system(), STR_NONE).n, 5);
}

TEST(test_name_generate__cuts_long_bases) {
    _cleanup_arena struct arena a = ARENA_INIT;
    char base[100];
    memset(base, 'x', sizeof base);
    base[58] = 'y';
    struct str name = name_generate(&a, rand_system(), str_make(base, sizeof base));
    assert_int_equal(name.n, 63);
    assert_int_equal(name.p[57], 'x');
    assert_int_equal(name_generate(&a, rand_system(), str_make(base, 58)).n, 63);
    assert_int_equal(name_generate(&a, rand_system(), str_make(base, 57)).n, 62);
}

TEST(test_name_generate__repeats_with_a_seed) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct rand_seeded one, two;
    struct rand *r1 = rand_seeded_init(&one, 7), *r2 = rand_seeded_init(&two, 7);
    struct str first = name_generate(&a, r1, S("x-"));
    assert_str_equal(first, name_generate(&a, r2, S("x-")));
    assert_false(str_eq(first, name_generate(&a, r1, S("x-"))));
    assert_str_equal(uid_generate(&a, r1), (name_generate(&a, r2, S("x-")), uid_generate(&a, r2)));
}

TEST(test_name_generate__uids_are_uuids) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str uid = uid_generate(&a, rand_system());
    assert_int_equal(uid.n, 36);
    assert_int_equal(uid.p[14], '4');
    assert_non_null(strchr("89ab", uid.p[19]));
    assert_int_equal(uid.p[8], '-');
    assert_false(str_eq(uid, uid_generate(&a, rand_system())));
}

/* 32-bit FNV-1a of "" is 2166136261, of "a" 3826002220; each digit d becomes the alphabet's character at
 * place ('0' + d) mod 27. */
TEST(test_name_generate__template_hashes) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct opt_i32 none = {0}, zero = {.set = true}, one = {.v = 1, .set = true};
    assert_str(name_template_hash(&a, S(""), none), "65bb57b6b5");
    assert_str(name_template_hash(&a, S("a"), none), "7d6b446664");
    assert_str_equal(name_revision_hash(&a, S("a"), none), name_template_hash(&a, S("a"), none));
    assert_str_equal(name_template_hash(&a, S("a"), zero),
                     name_template_hash(&a, S("a\0\0\0\0\0\0\0\0"), none));
    assert_str_equal(name_template_hash(&a, S("a"), one),
                     name_template_hash(&a, S("a\1\0\0\0\0\0\0\0"), none));
    assert_str_equal(name_revision_hash(&a, S("a"), one), name_template_hash(&a, S("a1"), none));
}

TEST(test_name_generate__controller_revisions) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_str(name_controller_revision(&a, S("db"), S("5c9")), "db-5c9");
    char parent[300];
    memset(parent, 'x', sizeof parent);
    assert_int_equal(name_controller_revision(&a, str_make(parent, sizeof parent), S("5c9")).n, 227);
}
