/* Shared by the tests of patches: documents as text. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "unit/unit.h"

/* Text as a tree. Single quotes stand for double ones, so that C strings stay readable. */
static inline struct jval tree(struct arena *a, const char *text) {
    char *copy = arena_strz(a, str_from(text));
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    struct jval v;
    struct err err = ERR_INIT;
    assert_ok(json_parse(a, str_from(copy), NULL, NULL, &v, &err), &err);
    return v;
}

/* A tree against text. */
static inline void assert_tree(struct arena *a, const struct jval *actual, const char *expected) {
    struct buf have = BUF_INIT, want = BUF_INIT;
    struct jval e = tree(a, expected);
    json_write(&have, actual);
    json_write(&want, &e);
    struct str have_text = buf_to_arena(&have, a), want_text = buf_to_arena(&want, a);
    buf_fini(&have);
    buf_fini(&want);
    assert_str_equal(have_text, want_text);
}
