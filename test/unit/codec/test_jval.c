/* JSON trees. */
#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "unit/unit.h"

static struct jval tree(struct arena *a, const char *text) {
    struct err err = ERR_INIT;
    struct jval v;
    assert_ok(json_parse(a, str_from(text), NULL, NULL, &v, &err), &err);
    return v;
}

static void is(const struct jval *v, const char *expected) {
    _cleanup_buf struct buf b = BUF_INIT;
    json_write(&b, v);
    assert_str(buf_view(&b), expected);
}

TEST(test_jval__members_are_found) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval v = tree(&a, "{\"a\":1,\"b\":{\"c\":{\"d\":\"x\"}},\"e\":[]}");
    is(jval_get(&v, S("a")), "1");
    assert_null(jval_get(&v, S("aa")));
    assert_null(jval_get(&v, S("")));
    assert_null(jval_get(jval_get(&v, S("a")), S("a")));
    assert_null(jval_get(NULL, S("a")));
    is(jval_path(&v, "b.c.d"), "\"x\"");
    assert_null(jval_path(&v, "b.x.d"));
    assert_null(jval_path(&v, "e.0"));
    assert_str(jval_get_str(jval_path(&v, "b.c"), S("d")), "x");
    assert_null(jval_get_str(&v, S("a")).p);
}

TEST(test_jval__equality_is_deep) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval x = tree(&a, "{\"a\":[1,2,{\"b\":null}],\"c\":true}");
    struct jval same = tree(&a, " {\"c\":true,\"a\":[1.0,2,{\"b\":null}]}");
    assert_true(jval_equal(&x, &same));
    static const char *const others[] = {"{\"a\":[1,2,{\"b\":null}],\"c\":false}",
                                         "{\"a\":[1,2,{}],\"c\":true}",
                                         "{\"a\":[1,2],\"c\":true}",
                                         "{\"a\":[1,3,{\"b\":null}],\"c\":true}",
                                         "{\"a\":[1,2,{\"b\":null}],\"d\":true}",
                                         "[]",
                                         "null",
                                         "\"a\""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct jval other = tree(&a, others[i]);
        assert_false(jval_equal(&x, &other));
    }
}

TEST(test_jval__copies_share_nothing) {
    struct arena source = ARENA_INIT;
    _cleanup_arena struct arena a = ARENA_INIT;
    char text[] = "{\"a\":[1,{\"b\":\"text\"}],\"c\":{}}";
    struct jval v = tree(&source, text);
    struct jval copy = jval_copy(&a, &v);
    memset(text, 'x', sizeof text - 1);
    arena_fini(&source);
    is(&copy, "{\"a\":[1,{\"b\":\"text\"}],\"c\":{}}");
}

TEST(test_jval__with_and_without_leave_the_old_one) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval v = tree(&a, "{\"b\":1,\"d\":2}"), null = jval_null(), out;
    out = jval_with(&a, &v, S("a"), jval_int(0));
    is(&out, "{\"a\":0,\"b\":1,\"d\":2}");
    out = jval_with(&a, &v, S("c"), jval_bool(true));
    is(&out, "{\"b\":1,\"c\":true,\"d\":2}");
    out = jval_with(&a, &v, S("d"), jval_null());
    is(&out, "{\"b\":1,\"d\":null}");
    out = jval_with(&a, &v, S("e"), jval_str(S("x")));
    is(&out, "{\"b\":1,\"d\":2,\"e\":\"x\"}");
    out = jval_with(&a, &null, S("a"), jval_int(1));
    is(&out, "{\"a\":1}");
    out = jval_without(&a, &v, S("b"));
    is(&out, "{\"d\":2}");
    out = jval_without(&a, &v, S("x"));
    is(&out, "{\"b\":1,\"d\":2}");
    out = jval_without(&a, &null, S("x"));
    is(&out, "{}");
    is(&v, "{\"b\":1,\"d\":2}");
}

TEST(test_jval__objects_are_collected_in_any_order) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jobject o = {0};
    for (int i = 0; i < 50; i++)
        jobject_set(&a, &o, arena_printf(&a, "k%02d", i * 37 % 50), jval_int(i));
    jobject_set(&a, &o, S("k07"), jval_str(S("last")));
    struct jval v = jobject_done(&o);
    assert_int_equal(v.n, 50);
    for (uint32_t i = 1; i < v.n; i++)
        assert_true(str_cmp(v.members[i - 1].key, v.members[i].key) < 0);
    assert_str(jval_get_str(&v, S("k07")), "last");
    struct jobject empty = {0};
    v = jobject_done(&empty);
    is(&v, "{}");
}
