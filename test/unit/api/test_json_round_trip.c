/* Random objects of every kind through JSON, trees and copies. */
#include <stdio.h>

#include "api/equal.h"
#include "api/json.h"
#include "base/arena.h"
#include "base/buf.h"
#include "fill.h"
#include "unit/unit.h"

/* Calls check_one for every root type, with objects of different fullness. */
static void each(void (*check_one)(uint32_t type, const void *object, const char *what)) {
    static const struct fill_options fills[] = {
        {.depth = 4, .presence = 1},
        {.depth = 4, .presence = 0.5, .emptiness = 0.3},
        {.depth = 6, .presence = 0.2, .emptiness = 0.7},
        {.depth = 4, .presence = 1, .emptiness = 1},
        {.depth = 0, .presence = 0},
    };
    for (uint32_t type = 1; type < builtin.n_types; type++) {
        if (!(builtin.types[type].flags & TYPE_ROOT))
            continue;
        for (size_t i = 0; i < sizeof fills / sizeof *fills; i++) {
            _cleanup_arena struct arena a = ARENA_INIT;
            struct fill_options options = fills[i];
            options.seed = unit_seed() * 1000003 + type * 17 + i;
            char what[160];
            snprintf(what, sizeof what, "%.*s, fill %zu",
                     STR_ARG(ty_name(&builtin, builtin.types[type].name)), i);
            check_one(type, fill_object(&a, &builtin, type, &options), what);
        }
    }
}

static void write(struct buf *out, uint32_t type, const void *object) {
    api_write_json(out, &builtin, type, object);
}

/* Fails with what surrounds the first difference. */
static void same_text(const struct buf *got, const struct buf *want, const char *what) {
    if (str_eq(buf_view(got), buf_view(want)))
        return;
    size_t at = 0;
    while (at < got->n && at < want->n && got->p[at] == want->p[at])
        at++;
    size_t from = at < 80 ? 0 : at - 80;
    struct str g = str_cut(str_from_byte(buf_view(got), from), 160);
    struct str w = str_cut(str_from_byte(buf_view(want), from), 160);
    fail_msg("%s, byte %zu:\n  got  %.*s\n  want %.*s", what, at, STR_ARG(g), STR_ARG(w));
}

/* Fails with the text of both when they differ. */
static void same_object(uint32_t type, const void *got, const void *want, const char *what) {
    if (api_equal(&builtin, type, got, want))
        return;
    _cleanup_buf struct buf g = BUF_INIT, w = BUF_INIT;
    write(&g, type, got);
    write(&w, type, want);
    same_text(&g, &w, what);
    fail_msg("%s: differs in what JSON does not show", what);
}

static void through_text(uint32_t type, const void *object, const char *what) {
    for (int borrow = 0; borrow < 2; borrow++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf text = BUF_INIT, again = BUF_INIT;
        struct strict_errors strict = {.arena = &a};
        struct json_read_options options = {.strict = &strict, .borrow = borrow};
        struct err err = ERR_INIT;
        void *back;
        write(&text, type, object);
        if (api_read_json(&a, &builtin, type, buf_view(&text), &options, &back, &err))
            fail_msg("%s: %s in %.*s", what, err.msg, STR_ARG(buf_view(&text)));
        if (strict.n)
            fail_msg("%s: %.*s", what, STR_ARG(strict.v[0]));
        write(&again, type, back);
        same_text(&again, &text, what);
        same_object(type, back, object, what);
    }
}

static void through_indented_text(uint32_t type, const void *object, const char *what) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf text = BUF_INIT, wide = BUF_INIT, again = BUF_INIT;
    struct err err = ERR_INIT;
    void *back;
    write(&text, type, object);
    json_indent(&wide, buf_view(&text), "  ");
    if (api_read_json(&a, &builtin, type, buf_view(&wide), NULL, &back, &err))
        fail_msg("%s: %s in %.*s", what, err.msg, STR_ARG(buf_view(&wide)));
    write(&again, type, back);
    same_text(&again, &text, what);
}

static void through_tree(uint32_t type, const void *object, const char *what) {
    _cleanup_arena struct arena a = ARENA_INIT, other = ARENA_INIT;
    _cleanup_buf struct buf text = BUF_INIT, again = BUF_INIT, sorted = BUF_INIT, parsed = BUF_INIT;
    struct strict_errors strict = {.arena = &a};
    struct err err = ERR_INIT;
    void *back;
    write(&text, type, object);
    struct jval tree = api_to_tree(&a, &builtin, type, object), from_text;
    assert_ok(json_parse(&a, buf_view(&text), NULL, NULL, &from_text, &err), &err);
    json_write(&sorted, &tree);
    json_write(&parsed, &from_text);
    same_text(&sorted, &parsed, what);
    if (api_from_tree(&other, &builtin, type, &tree, &strict, &back, &err))
        fail_msg("%s: %s", what, err.msg);
    if (strict.n)
        fail_msg("%s: %.*s", what, STR_ARG(strict.v[0]));
    arena_fini(&a); /* the object shares nothing with the tree */
    write(&again, type, back);
    same_object(type, back, object, what);
}

static void through_copy(uint32_t type, const void *object, const char *what) {
    _cleanup_arena struct arena a = ARENA_INIT, other = ARENA_INIT;
    _cleanup_buf struct buf text = BUF_INIT, again = BUF_INIT;
    write(&text, type, object);
    void *first = api_copy(&a, &builtin, type, object), *second = api_copy(&other, &builtin, type, first);
    same_object(type, first, object, what);
    arena_fini(&a);
    write(&again, type, second);
    same_text(&again, &text, what);
}

TEST(test_json_round_trip__text_comes_back_byte_for_byte) {
    each(through_text);
}

TEST(test_json_round_trip__white_space_does_not_matter) {
    each(through_indented_text);
}

TEST(test_json_round_trip__trees_are_what_parsing_the_text_gives) {
    each(through_tree);
}

TEST(test_json_round_trip__copies_share_nothing) {
    each(through_copy);
}

/* Text with its members in name order, as many clients send it, reads the same. */
static void through_sorted_text(uint32_t type, const void *object, const char *what) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf text = BUF_INIT, sorted = BUF_INIT, again = BUF_INIT;
    struct err err = ERR_INIT;
    struct jval tree = api_to_tree(&a, &builtin, type, object);
    void *back;
    write(&text, type, object);
    json_write(&sorted, &tree);
    if (api_read_json(&a, &builtin, type, buf_view(&sorted), NULL, &back, &err))
        fail_msg("%s: %s in %.*s", what, err.msg, STR_ARG(buf_view(&sorted)));
    same_object(type, back, object, what);
}

TEST(test_json_round_trip__order_of_members_does_not_matter) {
    each(through_sorted_text);
}
