/* api/validation: registry, duplicate sets, shared checks, formats. */
#include "api/resource_name.h"
#include "api/types/core.h"
#include "api/validation/by_name.h"
#include "api/validation/validation.h"
#include "base/arena.h"
#include "valid.h"

TEST(test_validators__are_sorted_by_type) {
    for (uint32_t i = 1; i < n_validators; i++)
        assert_true(validators[i - 1]->type < validators[i]->type);
    for (uint32_t i = 0; i < n_validators; i++)
        assert_ptr_equal(validator_find(validators[i]->type), validators[i]);
    assert_null(validator_find(TY_META_STATUS));
}

TEST(test_validators__are_of_hubs_and_know_names) {
    for (uint32_t i = 0; i < n_validators; i++) {
        bool found = false;
        for (uint32_t k = 0; k < n_kinds_all; k++)
            if (kinds[k].hub->type == validators[i]->type) {
                found = true;
                assert_true(validators[i]->name != NULL || kinds[k].virtual_ || k >= n_kinds);
            }
        assert_true(found);
    }
}

TEST(test_seen__finds_what_was_added) {
    SEEN(s);
    assert_false(seen_before(&s, S("a")));
    assert_true(seen_before(&s, S("a")));
    assert_false(seen_before2(&s, S("a"), S("b")));
    assert_true(seen_before2(&s, S("a"), S("b")));
    assert_false(seen_before2(&s, S("ab"), STR_NONE));
    assert_true(seen_has(&s, (struct seen_key){{S("ab")}}));
    assert_false(seen_has(&s, (struct seen_key){{S("abc")}}));
}

TEST(test_seen__long_lists_keep_parts_apart) {
    _cleanup_arena struct arena a = ARENA_INIT;
    SEEN(s);
    for (int i = 0; i < 1000; i++) {
        struct str key = arena_printf(&a, "%d", i % 500);
        assert_int_equal(seen_before2(&s, key, S("x")), i >= 500);
        assert_false(seen_has(&s, (struct seen_key){{key, S("y")}}));
    }
    assert_false(seen_before2(&s, S("49"), S("9x")));
}

TEST(test_seen__numbers_are_parts_of_keys) {
    SEEN(s);
    int32_t numbers[] = {80, 81, 80};
    assert_false(seen_before2(&s, S("TCP"), seen_number(&numbers[0])));
    assert_false(seen_before2(&s, S("TCP"), seen_number(&numbers[1])));
    assert_true(seen_before2(&s, S("TCP"), seen_number(&numbers[2])));
}

TEST(test_by_name__finds_the_first_in_short_and_long_lists) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_container items[100];
    for (uint32_t i = 0; i < 100; i++)
        items[i] = (struct core_container){.name = arena_printf(&a, "c%u", i % 60)};
    for (uint32_t n = 0; n <= 100; n += 5) {
        const struct core_container_array list = {items, n};
        BY_NAME(index, &list);
        for (uint32_t i = 0; i < n; i++)
            assert_ptr_equal(by_name_find(&index, items[i].name), &items[i % 60]);
        assert_null(by_name_find(&index, S("none")));
    }
}

#define CHECKED(call, expected)                                                                              \
    do {                                                                                                     \
        _cleanup_arena struct arena a = ARENA_INIT;                                                          \
        struct field_errors errors = FIELD_ERRORS_INIT(&a), *e = &errors;                                    \
        const struct field_path *p = at_field(NULL, "x");                                                    \
        assert_int_equal(call, (expected)[0] == 0);                                                          \
        assert_errors(e, expected, __FILE__, __LINE__);                                                      \
    } while (0)

TEST(test_checks__enums) {
    static const struct str ab[] = {STR_INIT("B"), STR_INIT("A")};
    CHECKED(check_enum(e, p, S("A"), STR_SET(ab)), "");
    CHECKED(check_enum(e, p, S(""), STR_SET(ab)), "x: Required value");
    CHECKED(check_enum(e, p, S("C"), STR_SET(ab)),
            "x: Unsupported value: \"C\": supported values: \"B\", \"A\"");
    CHECKED(check_optional_enum(e, p, S(""), STR_SET(ab)), "");
    CHECKED(check_supported(e, p, S(""), STR_SET(ab)),
            "x: Unsupported value: \"\": supported values: \"B\", \"A\"");
}

TEST(test_checks__numbers) {
    CHECKED(check_non_negative(e, p, 0), "");
    CHECKED(check_non_negative(e, p, -1), "x: Invalid value: -1: must be greater than or equal to 0");
    CHECKED(check_positive(e, p, 1), "");
    CHECKED(check_positive(e, p, 0), "x: Invalid value: 0: must be greater than 0");
    CHECKED(check_range(e, p, 5, 5, 7), "");
    CHECKED(check_range(e, p, 8, 5, 7), "x: Invalid value: 8: must be between 5 and 7, inclusive");
    CHECKED(check_port(e, p, 65536), "x: Invalid value: 65536: must be between 1 and 65535, inclusive");
    CHECKED(check_user_id(e, p, 0), "");
    CHECKED(check_user_id(e, p, -1), "x: Invalid value: -1: *");
    CHECKED(check_user_id(e, p, 1ll << 31), "x: Invalid value: 2147483648: *");
}

TEST(test_checks__sizes) {
    CHECKED(check_max_bytes(e, p, S("ab"), 2), "");
    CHECKED(check_max_bytes(e, p, S("abc"), 2), "x: Too long: may not be more than 2 bytes");
    CHECKED(check_max_items(e, p, 3, 2), "x: Too many: 3: must have at most 2 items");
}

TEST(test_checks__formats) {
    CHECKED(check_dns_label(e, p, S("a-b")), "");
    CHECKED(check_dns_label(e, p, S("a.b")), "x: Invalid value: \"a.b\": *");
    CHECKED(check_required_format(e, p, S(""), name_check_dns1123_label), "x: Required value");
    CHECKED(check_optional_format(e, p, S(""), name_check_dns1123_label), "");
    CHECKED(check_local_unreserved_path(e, p, S("a/..b")), "");
    CHECKED(check_local_unreserved_path(e, p, S("..a")),
            "x: Invalid value: \"..a\": must not start with '..'");
    CHECKED(check_local_path(e, p, S("/a")), "x: Invalid value: \"/a\": *");
    CHECKED(check_local_path(e, p, S("a/../b")), "x: Invalid value: \"a/../b\": *");
    CHECKED(check_port_or_name(e, p, ((struct int_or_string){.i = 80, .set = true})), "");
    CHECKED(check_port_or_name(e, p, ((struct int_or_string){.i = 0, .set = true})),
            "x: Invalid value: 0: *");
    CHECKED(check_port_or_name(e, p, ((struct int_or_string){.s = S("http"), .is_str = true, .set = true})),
            "");
    CHECKED(check_port_or_name(e, p, ((struct int_or_string){.s = S("8"), .is_str = true, .set = true})),
            "x: Invalid value: \"8\": *");
}

TEST(test_checks__signer_names) {
    CHECKED(check_signer_name(e, p, S("example.com/a.b")), "");
    CHECKED(check_signer_name(e, p, S("")), "x: Required value");
    CHECKED(check_signer_name(e, p, S("example.com")), "x: Invalid value: \"example.com\": *");
    CHECKED(check_signer_name(e, p, S("example/a")), "x: Invalid value: \"example/a\": *");
    CHECKED(check_signer_name(e, p, S("example.com/A")), "x: Invalid value: \"A\": *");
}

TEST(test_checks__csi_drivers) {
    CHECKED(check_csi_driver(e, p, S("Example.com")), "");
    CHECKED(check_csi_driver(e, p, S("")), "x: Required value");
    CHECKED(check_csi_driver(e, p, S("a_b")), "x: Invalid value: \"a_b\": *");
    CHECKED(check_csi_driver(e, p, S("0123456789012345678901234567890123456789012345678901234567890123")),
            "x: Too long: may not be more than 63 bytes");
}
