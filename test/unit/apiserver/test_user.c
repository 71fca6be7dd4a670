/* apiserver/user */
#include "apiserver/user.h"

#include "base/arena.h"
#include "unit/unit.h"

TEST(test_user__knows_its_groups) {
    struct str groups[] = {S("a"), S("system:masters")};
    struct user u = {.name = S("root"), .groups = {.v = groups, .n = 2}};
    assert_true(user_in_group(&u, S("system:masters")));
    assert_false(user_in_group(&u, S("system:master")));
    assert_false(user_in_group(&(struct user){.name = S("x")}, S("a")));
}

TEST(test_user__quotes_as_go_does) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_str(user_quote(&a, S("system:node:n1")), "\"system:node:n1\"");
    assert_str(user_quote(&a, S("")), "\"\"");
    assert_str(user_quote(&a, STR_NONE), "\"\"");
    assert_str(user_quote(&a, S("a\"b\\c")), "\"a\\\"b\\\\c\"");
    assert_str(user_quote(&a, S("\n\t\a\r")), "\"\\n\\t\\a\\r\"");
    assert_str(user_quote(&a, S("\x01\x7f")), "\"\\x01\\x7f\"");
    assert_str(user_quote(&a, S("J\xc3\xbcrgen \xe2\x82\xac")), "\"J\xc3\xbcrgen \xe2\x82\xac\"");
    assert_str(user_quote(&a, S("\xc3")), "\"\\xc3\"");
    assert_str(user_quote(&a, S("\xff\x80z")), "\"\\xff\\x80z\"");
}

TEST(test_access_denial__in_a_namespace) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct user u = {.name = S("jane")};
    struct access what = {.user = &u,
                          .verb = S("list"),
                          .is_resource = true,
                          .group = S(""),
                          .resource = S("pods"),
                          .ns = S("default")};
    assert_str(access_denial(&what, S(""), &a),
               "User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"");
}

TEST(test_access_denial__at_the_cluster_scope_with_a_reason) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct user u = {.name = S("jane")};
    struct access what = {.user = &u,
                          .verb = S("update"),
                          .is_resource = true,
                          .group = S("apps"),
                          .resource = S("deployments"),
                          .subresource = S("scale")};
    assert_str(access_denial(&what, S("because"), &a),
               "User \"jane\" cannot update resource \"deployments/scale\" in API group \"apps\" at the "
               "cluster scope: because");
}

TEST(test_access_denial__of_a_path) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct user u = {.name = S("system:anonymous")};
    struct access what = {.user = &u, .verb = S("get"), .path = S("/metrics")};
    assert_str(access_denial(&what, S(""), &a), "User \"system:anonymous\" cannot get path \"/metrics\"");
}
