/* Shared by the tests of defaults: objects as text, looked at by JSON pointer. */
#pragma once

#include "api/default.h"
#include "api/json.h"
#include "api/types/ids.h"
#include "base/clock.h"
#include "unit/api/patch_test.h"

#define DEFAULT_TEST_NOW_SEC 1700000000

/* The value at a pointer such as /spec/containers/0/image; ~1 stands for a slash in a key. NULL: absent. */
static inline const struct jval *pointed(struct arena *a, const struct jval *v, struct str pointer) {
    struct str rest = str_from_byte(pointer, 1), step;
    for (bool more = pointer.n > 0; v && more;) {
        more = str_split(rest, '/', &step, &rest);
        uint64_t i;
        if (v->kind == J_ARRAY && str_to_u64(step, &i)) {
            v = i < v->n ? &v->items[i] : NULL;
            continue;
        }
        char *key = arena_strz(a, step), *slash;
        while ((slash = strstr(key, "~1"))) {
            *slash = '/';
            memmove(slash + 1, slash + 2, strlen(slash + 2) + 1);
        }
        v = jval_get(v, str_from(key));
    }
    return v;
}

/* The object of that text with its defaults. */
static inline struct jval with_defaults(struct arena *a, uint32_t type, const char *text) {
    struct clock_sim clock;
    struct err err = ERR_INIT;
    struct jval in = tree(a, text);
    void *object;
    assert_ok(api_from_tree(a, &builtin, type, &in, NULL, &object, &err), &err);
    const struct clock *now = clock_sim_init(&clock, (int64_t)DEFAULT_TEST_NOW_SEC * 1000000000 + 999999999);
    api_default(a, &builtin, type, object, now);
    struct jval out = api_to_tree(a, &builtin, type, object);
    api_default(a, &builtin, type, object, now);
    struct jval again = api_to_tree(a, &builtin, type, object);
    assert_true(jval_equal(&out, &again)); /* defaults of defaults are no more */
    return out;
}

/* With its defaults the object has `expected` (text; NULL: nothing) at the pointer. */
static inline void defaults_to(uint32_t type, const char *text, const char *pointer, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval out = with_defaults(&a, type, text);
    const struct jval *v = pointed(&a, &out, str_from(pointer));
    if (!expected) {
        assert_null(v);
        return;
    }
    if (!v)
        fail_msg("%s has nothing at %s", text, pointer);
    assert_tree(&a, v, expected);
}
