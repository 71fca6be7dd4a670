/* Percent-encoding and queries. */
#include "codec/url.h"

#include "base/arena.h"
#include "unit/unit.h"

TEST(test_url__decodes_escapes_and_keeps_plus) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str s;
    assert_true(url_decode(&a, S("/a%20b%2Fc+d%7e"), &s));
    assert_str(s, "/a b/c+d~");
    assert_true(url_decode(&a, S(""), &s));
    assert_str(s, "");
}

TEST(test_url__plus_is_a_space_in_queries) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str s;
    assert_true(url_decode_query(&a, S("exit+7%2B"), &s));
    assert_str(s, "exit 7+");
    assert_false(url_decode_query(&a, S("a+%"), &s));
}

TEST(test_url__malformed_escapes_are_refused) {
    static const char *const bad[] = {"%", "a%", "%4", "%zz", "%4g", "x%%20"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct str s = S("untouched");
        assert_false(url_decode(&a, str_from(bad[i]), &s));
        assert_str(s, "untouched");
    }
}

TEST(test_url_query__finds_the_first_decoded_value) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_str(url_query(&a, S("a=1&b=x+y%3D&b=2"), S("b")), "x y=");
    assert_str(url_query(&a, S("%61=1"), S("a")), "1");
    assert_str(url_query(&a, S("flag&x="), S("flag")), "");
    assert_str(url_query(&a, S("flag&x="), S("x")), "");
    assert_null(url_query(&a, S("a=1"), S("c")).p);
    assert_null(url_query(&a, S("a=%z"), S("a")).p);
}
