/* Look-ups over descriptors. */
#include "api/schema.h"
#include "api/types/ids.h"
#include "unit/unit.h"

/* The built-in set as one without a hash table. */
static struct ty_set without_hash(void) {
    struct ty_set set = builtin;
    set.by_hash = NULL;
    return set;
}

static bool in_json(const struct ty_field *f) {
    return f->name && !(f->flags & FIELD_INLINE);
}

TEST(test_schema__every_field_is_found_by_name_with_and_without_hash) {
    struct ty_set plain = without_hash();
    for (uint32_t t = 1; t < builtin.n_types; t++) {
        const struct ty_field *f = ty_fields(&builtin, t);
        for (uint32_t i = 0; i < builtin.types[t].n; i++, f++) {
            if (!in_json(f))
                continue;
            assert_ptr_equal(ty_find(&builtin, t, ty_field_name(&builtin, f)), f);
            assert_ptr_equal(ty_find(&plain, t, ty_field_name(&builtin, f)), f);
        }
    }
}

TEST(test_schema__other_names_are_not_found) {
    static const char *const names[] = {"",      "x",         "Name",       "nam",
                                        "names", "metadata ", "apiversion", "a long name that no field has"};
    struct ty_set plain = without_hash();
    for (uint32_t t = 1; t < builtin.n_types; t++) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            bool there = false;
            const struct ty_field *f = ty_fields(&builtin, t);
            for (uint32_t k = 0; k < builtin.types[t].n; k++)
                there |= in_json(&f[k]) && str_eq(ty_field_name(&builtin, &f[k]), str_from(names[i]));
            assert_int_equal(ty_find(&builtin, t, str_from(names[i])) != NULL, there);
            assert_int_equal(ty_find(&plain, t, str_from(names[i])) != NULL, there);
        }
    }
}

TEST(test_schema__types_without_fields_find_nothing) {
    struct ty_set plain = without_hash();
    for (uint32_t t = 1; t < builtin.n_types; t++) {
        if (builtin.types[t].n)
            continue;
        assert_null(ty_find(&builtin, t, S("name")));
        assert_null(ty_find(&plain, t, S("name")));
    }
}

TEST(test_schema__names_stand_as_json_writes_them) {
    for (uint32_t i = 0; i < builtin.n_names; i++) {
        struct str name = ty_name(&builtin, i), quoted = ty_quoted_name(&builtin, i);
        assert_int_equal(quoted.n, name.n + 3);
        assert_int_equal(quoted.p[0], '"');
        assert_ptr_equal(quoted.p + 1, name.p);
        assert_int_equal(memcmp(name.p + name.n, "\":", 2), 0);
    }
    assert_int_equal(builtin.pool[builtin.names[builtin.n_names - 1].offset +
                                  builtin.names[builtin.n_names - 1].n + TY_POOL_SLACK],
                     ' ');
}

TEST(test_schema__hash_tables_have_short_runs) {
    uint32_t worst = 0;
    for (uint32_t t = 1; t < builtin.n_types; t++) {
        const struct ty_type *ty = &builtin.types[t];
        const uint16_t *table = builtin.by_hash + ty->hash;
        uint32_t slots = ty_hash_slots(ty->n), run = 0;
        for (uint32_t i = 0; i < 2 * slots; i++) {
            run = table[i % slots] == 0xffff ? 0 : run + 1;
            worst = run > worst ? run : worst;
        }
    }
    assert_true(worst <= 16);
}
