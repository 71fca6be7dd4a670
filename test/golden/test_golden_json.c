/* Upstream's JSON, read and written back, byte for byte but for white space. */
#include "unit/unit.h"

#include "api/equal.h"
#include "api/json.h"
#include "base/arena.h"
#include "base/buf.h"
#include "golden/golden.h"

/* Kinds of versions that a 1.36 server still has; golden.c lists the others. */
#define OWN 134

/* Reads v strictly and writes it; false when it has fields that the type does not know. */
static bool comes_back(struct arena *a, const struct golden *v, bool borrow) {
    _cleanup_buf struct buf out = BUF_INIT;
    struct strict_errors strict = {.arena = a};
    struct json_read_options options = {.strict = &strict, .borrow = borrow};
    struct err err = ERR_INIT;
    void *object;
    if (api_read_json(a, &builtin, v->type, v->json, &options, &object, &err))
        fail_msg("%s: %s", v->name, err.msg);
    if (strict.n) {
        print_message("%s: %.*s\n", v->name, STR_ARG(strict.v[0]));
        return false;
    }
    api_write_json(&out, &builtin, v->type, object);
    if (!str_eq(buf_view(&out), v->json))
        fail_msg("%s: %.*s", v->name, STR_ARG(buf_view(&out)));
    return true;
}

TEST(test_golden_json__round_trips_byte_for_byte) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct golden all[GOLDEN_MAX];
    size_t n = golden_load(&a, all), own = 0;
    for (size_t i = 0; i < n; i++) {
        if (!all[i].own)
            continue;
        own++;
        for (int borrow = 0; borrow < 2; borrow++)
            if (!comes_back(&a, &all[i], borrow))
                fail_msg("%s has unknown fields", all[i].name);
    }
    assert_int_equal(own, OWN);
}

TEST(test_golden_json__trees_say_the_same) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct golden all[GOLDEN_MAX];
    size_t n = golden_load(&a, all);
    for (size_t i = 0; i < n; i++) {
        if (!all[i].own)
            continue;
        struct err err = ERR_INIT;
        struct jval tree, back;
        void *from_text, *from_tree;
        assert_ok(json_parse(&a, all[i].json, NULL, NULL, &tree, &err), &err);
        assert_ok(api_from_tree(&a, &builtin, all[i].type, &tree, NULL, &from_tree, &err), &err);
        assert_ok(api_read_json(&a, &builtin, all[i].type, all[i].json, NULL, &from_text, &err), &err);
        back = api_to_tree(&a, &builtin, all[i].type, from_text);
        if (!api_equal(&builtin, all[i].type, from_text, from_tree) || !jval_equal(&tree, &back))
            fail_msg("%s differs as a tree", all[i].name);
    }
}

/* Cut anywhere, JSON is refused: never read past, never a crash. */
TEST(test_golden_json__refuses_truncation_at_every_byte) {
    _cleanup_arena struct arena keep = ARENA_INIT;
    struct golden all[GOLDEN_MAX];
    size_t n = golden_load(&keep, all);
    for (size_t i = 0; i < n; i++) {
        if (!all[i].own)
            continue;
        for (size_t cut = 0; cut < all[i].json.n; cut += 1 + all[i].json.n / 200) {
            _cleanup_arena struct arena a = ARENA_INIT;
            struct err err = ERR_INIT;
            void *object;
            char *exact = arena_bytes(&a, cut);
            memcpy(exact, all[i].json.p, cut);
            assert_fails(api_read_json(&a, &builtin, all[i].type, str_make(exact, cut), NULL, &object, &err),
                         ERR_INVALID);
            assert_true(str_has_prefix(str_from(err.msg), S("invalid JSON: ")));
        }
    }
}
