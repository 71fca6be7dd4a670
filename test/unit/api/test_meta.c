/* api/meta */
#include "api/meta.h"

#include "api/kind.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/rand.h"
#include "unit/unit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct str text_of(const char *s) {
    return str_make(s, strlen(s));
}

TEST(test_meta__reads_resource_versions) {
    static const struct {
        const char *text;
        uint64_t value;
        const char *problem;
    } table[] = {
        {"", 0, NULL},
        {"0", 0, NULL},
        {"1", 1, NULL},
        {"007", 7, NULL},
        {"18446744073709551615", UINT64_MAX, NULL},
        {"0000000000000000000000000000018446744073709551615", UINT64_MAX, NULL},
        {"18446744073709551616", 0, "must be below 2^64"},
        {"99999999999999999999999999", 0, "must be below 2^64"},
        {"-1", 0, "must be a decimal number"},
        {"+1", 0, "must be a decimal number"},
        {" 1", 0, "must be a decimal number"},
        {"1.0", 0, "must be a decimal number"},
        {"abc", 0, "must be a decimal number"},
        {"0x1", 0, "must be a decimal number"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        uint64_t v = 99;
        struct err err = ERR_INIT;
        int rc = rv_parse(text_of(table[i].text), &v, &err);
        if (!table[i].problem) {
            assert_ok(rc, &err);
            assert_int_equal(v, table[i].value);
            continue;
        }
        assert_fails(rc, ERR_INVALID);
        assert_int_equal(v, 99);
        assert_non_null(strstr(err.msg, "resourceVersion: Invalid value: \""));
        assert_non_null(strstr(err.msg, table[i].problem));
    }
    uint64_t v;
    struct err err = ERR_INIT;
    assert_fails(rv_parse(S("a\"b"), &v, &err), ERR_INVALID);
    assert_string_equal(err.msg, "resourceVersion: Invalid value: \"a\\\"b\": must be a decimal number");
}

TEST(test_meta__compares_resource_versions) {
    static const char *const ascending[] = {
        "1", "9", "10", "123", "18446744073709551615", "18446744073709551616", "99999999999999999999999999"};
    for (size_t i = 0; i < COUNT(ascending); i++) {
        for (size_t j = 0; j < COUNT(ascending); j++) {
            int c = 99;
            assert_ok(rv_compare(text_of(ascending[i]), text_of(ascending[j]), &c, NULL), NULL);
            assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
        }
    }
    static const char *const bad[] = {"", "0", "01", "-1", "a", "1 "};
    for (size_t i = 0; i < COUNT(bad); i++) {
        int c = 99;
        assert_fails(rv_compare(text_of(bad[i]), S("1"), &c, NULL), ERR_INVALID);
        assert_fails(rv_compare(S("1"), text_of(bad[i]), &c, NULL), ERR_INVALID);
        assert_int_equal(c, 99);
    }
}

TEST(test_meta__prints_resource_versions) {
    static const uint64_t table[] = {0, 1, 10, 123456, UINT64_MAX};
    for (size_t i = 0; i < COUNT(table); i++) {
        char out[RV_TEXT_MAX];
        uint64_t back = 99;
        size_t n = rv_format(table[i], out);
        assert_int_equal(out[n], '\0');
        assert_ok(rv_parse(str_make(out, n), &back, NULL), NULL);
        assert_int_equal(back, table[i]);
    }
}

static void assert_map(struct str_map m, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str text = S("");
    for (uint32_t i = 0; i < m.n; i++) {
        assert_true(i == 0 || str_cmp(m.v[i - 1].key, m.v[i].key) < 0);
        text = arena_printf(&a, "%.*s%.*s=%.*s ", STR_ARG(text), STR_ARG(m.v[i].key), STR_ARG(m.v[i].value));
    }
    assert_str(text, expected);
}

TEST(test_meta__maps_change_by_copy) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str_map empty = {0};
    struct str_map b = str_map_with(&a, empty, S("b"), S("1"));
    struct str_map ab = str_map_with(&a, b, S("a"), S("2"));
    struct str_map abc = str_map_with(&a, ab, S("c"), S("3"));
    assert_map(empty, "");
    assert_map(b, "b=1 ");
    assert_map(abc, "a=2 b=1 c=3 ");
    assert_map(str_map_with(&a, abc, S("b"), S("9")), "a=2 b=9 c=3 ");
    assert_ptr_equal(str_map_with(&a, abc, S("b"), S("1")).v, abc.v);
    assert_map(str_map_without(&a, abc, S("a")), "b=1 c=3 ");
    assert_map(str_map_without(&a, abc, S("b")), "a=2 c=3 ");
    assert_map(str_map_without(&a, abc, S("c")), "a=2 b=1 ");
    assert_ptr_equal(str_map_without(&a, abc, S("d")).v, abc.v);
    assert_map(str_map_without(&a, empty, S("d")), "");
    assert_map(abc, "a=2 b=1 c=3 ");
}

TEST(test_meta__maps_merge) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str_entry under[] = {{S("a"), S("1")}, {S("c"), S("1")}, {S("d"), S("1")}};
    struct str_entry over[] = {{S("b"), S("2")}, {S("c"), S("2")}, {S("e"), S("2")}};
    struct str_map u = {under, 3}, o = {over, 3}, none = {0};
    assert_map(str_map_merge(&a, u, o), "a=1 b=2 c=2 d=1 e=2 ");
    assert_map(str_map_merge(&a, u, none), "a=1 c=1 d=1 ");
    assert_map(str_map_merge(&a, none, o), "b=2 c=2 e=2 ");
    assert_map(str_map_merge(&a, none, none), "");
    assert_true(str_map_equal(u, u));
    assert_true(str_map_equal(none, none));
    assert_false(str_map_equal(u, o));
    assert_false(str_map_equal(u, none));
    assert_true(str_map_equal(str_map_merge(&a, none, o), o));
    assert_int_equal(str_map_bytes(u), 6);
    assert_int_equal(str_map_bytes(none), 0);
}

TEST(test_meta__property_maps_stay_sorted) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    _cleanup_arena struct arena a = ARENA_INIT;
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    const char *model[8] = {0};
    struct str_map m = {0};
    for (int i = 0; i < 2000; i++) {
        uint64_t k = rand_below(r, 8);
        bool set = rand_chance(r, 0.6);
        model[k] = set ? (rand_chance(r, 0.5) ? "x" : "y") : NULL;
        m = set ? str_map_with(&a, m, text_of(keys[k]), text_of(model[k]))
                : str_map_without(&a, m, text_of(keys[k]));
        uint32_t n = 0;
        for (size_t j = 0; j < 8; j++) {
            assert_str(str_map_get(m, text_of(keys[j])), model[j]);
            n += model[j] != NULL;
        }
        assert_int_equal(m.n, n);
        for (uint32_t j = 1; j < m.n; j++)
            assert_true(str_cmp(m.v[j - 1].key, m.v[j].key) < 0);
    }
}

TEST(test_meta__owners) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct meta_object_meta m = {0}, owner = {.name = S("web"), .uid = S("u1")};
    assert_null(meta_controller(&m));
    assert_false(meta_is_controlled_by(&m, S("")));
    struct meta_owner_reference ref = meta_controller_ref(&kinds[KIND_APPS_REPLICA_SET], &owner);
    assert_str(ref.api_version, "apps/v1");
    assert_str(ref.kind, "ReplicaSet");
    assert_true(ref.controller.set && ref.controller.v && ref.block_owner_deletion.v);

    struct meta_owner_reference other = {.kind = S("Node"), .name = S("n1"), .uid = S("u2")};
    meta_set_owner(&a, &m, &other);
    meta_set_owner(&a, &m, &ref);
    assert_int_equal(m.owner_references.n, 2);
    assert_str(meta_controller(&m)->name, "web");
    assert_true(meta_is_controlled_by(&m, S("u1")));
    assert_false(meta_is_controlled_by(&m, S("u2")));
    assert_str(meta_owner(&m, S("u2"))->kind, "Node");
    assert_null(meta_owner(&m, S("u3")));
    assert_null(meta_owner(&m, S("")));

    other.name = S("n2");
    struct meta_owner_reference_array before = m.owner_references;
    meta_set_owner(&a, &m, &other);
    assert_int_equal(m.owner_references.n, 2);
    assert_str(m.owner_references.v[0].name, "n2");
    assert_str(before.v[0].name, "n1");

    assert_true(meta_remove_owner(&a, &m, S("u1")));
    assert_false(meta_remove_owner(&a, &m, S("u1")));
    assert_int_equal(m.owner_references.n, 1);
    assert_null(meta_controller(&m));
    assert_int_equal(before.n, 2);
    other.controller = (struct opt_bool){.v = false, .set = true};
    meta_set_owner(&a, &m, &other);
    assert_null(meta_controller(&m));
}

TEST(test_meta__finalizers) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct meta_object_meta m = {0};
    assert_false(meta_remove_finalizer(&a, &m, S("x")));
    assert_true(meta_add_finalizer(&a, &m, S("x")));
    assert_true(meta_add_finalizer(&a, &m, S("y")));
    assert_false(meta_add_finalizer(&a, &m, S("x")));
    assert_int_equal(m.finalizers.n, 2);
    struct str_array before = m.finalizers;
    assert_true(meta_remove_finalizer(&a, &m, S("x")));
    assert_false(meta_has_finalizer(&m, S("x")));
    assert_true(meta_has_finalizer(&m, S("y")));
    assert_int_equal(before.n, 2);
    assert_str(before.v[0], "x");
    assert_true(meta_remove_finalizer(&a, &m, S("y")));
    assert_int_equal(m.finalizers.n, 0);
}

TEST(test_meta__deleting) {
    struct meta_object_meta m = {0};
    assert_false(meta_is_deleting(&m));
    m.deletion_timestamp.set = true;
    assert_true(meta_is_deleting(&m));
}
