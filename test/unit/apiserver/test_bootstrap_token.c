/* apiserver/bootstrap_token */
#include "api/types/core.h"
#include "apiserver/bootstrap_token.h"
#include "base/arena.h"
#include "unit/unit.h"

#define TOKEN S("abcdef.0123456789abcdef")
#define EXPIRES 1893456000 /* 2030-01-01T00:00:00Z */

static struct str_entry entries[] = {
    {STR_INIT("auth-extra-groups"), STR_INIT("system:bootstrappers:b:c,system:bootstrappers:a")},
    {STR_INIT("expiration"), STR_INIT("2030-01-01T00:00:00Z")},
    {STR_INIT("token-id"), STR_INIT("abcdef")},
    {STR_INIT("token-secret"), STR_INIT("0123456789abcdef")},
    {STR_INIT("usage-bootstrap-authentication"), STR_INIT("true")},
};

static struct core_secret secret(struct str_entry *data) {
    memcpy(data, entries, sizeof entries);
    return (struct core_secret){.type = S("bootstrap.kubernetes.io/token"), .data = {data, 5}};
}

static int result(const struct core_secret *s, struct str token, int64_t now) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct user u;
    return bootstrap_token_check(s, token, now, &a, &u, NULL);
}

TEST(test_bootstrap_token__splits_well_formed_only) {
    struct str id, word;
    assert_true(bootstrap_token_split(TOKEN, &id, &word));
    assert_str(id, "abcdef");
    assert_str(word, "0123456789abcdef");
    static const char *const bad[] = {"",
                                      "abcdef",
                                      "abcdef.0123456789abcde",
                                      "abcdef.0123456789abcdef0",
                                      "Abcdef.0123456789abcdef",
                                      "abcdef-0123456789abcdef",
                                      "abcdef.0123456789abcde\n",
                                      "abc.ef.0123456789abcdef",
                                      "abcdef.0123456789abc.ef"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(bootstrap_token_split(str_from(bad[i]), &id, &word));
    assert_false(bootstrap_token_split(STR_NONE, &id, &word));
}

TEST(test_bootstrap_token__names_secret) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_str(bootstrap_token_name(&a, S("abcdef")), "bootstrap-token-abcdef");
}

TEST(test_bootstrap_token__gives_user_and_sorted_groups) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str_entry data[5];
    struct core_secret s = secret(data);
    struct user u;
    struct err err = ERR_INIT;
    assert_ok(bootstrap_token_check(&s, TOKEN, EXPIRES - 1, &a, &u, &err), &err);
    assert_str(u.name, "system:bootstrap:abcdef");
    assert_int_equal(u.groups.n, 3);
    assert_str(u.groups.v[0], "system:bootstrappers");
    assert_str(u.groups.v[1], "system:bootstrappers:a");
    assert_str(u.groups.v[2], "system:bootstrappers:b:c");
    data[0].value = S("system:bootstrappers:a,system:bootstrappers:a");
    assert_ok(bootstrap_token_check(&s, TOKEN, EXPIRES - 1, &a, &u, &err), &err);
    assert_int_equal(u.groups.n, 2);
}

TEST(test_bootstrap_token__refuses_what_does_not_match) {
    struct str_entry data[5];
    struct core_secret s = secret(data);
    assert_int_equal(result(&s, TOKEN, 0), 0);
    assert_int_equal(result(&s, S("abcdef.0123456789abcdee"), 0), ERR_UNAUTHORIZED);
    assert_int_equal(result(&s, S("abcdee.0123456789abcdef"), 0), ERR_UNAUTHORIZED);
    assert_int_equal(result(&s, S("garbage"), 0), ERR_UNAUTHORIZED);
    s.type = S("Opaque");
    assert_int_equal(result(&s, TOKEN, 0), ERR_UNAUTHORIZED);
    s = secret(data);
    s.metadata.deletion_timestamp.set = true;
    assert_int_equal(result(&s, TOKEN, 0), ERR_UNAUTHORIZED);
    s = secret(data);
    data[3].value = S("");
    assert_int_equal(result(&s, TOKEN, 0), ERR_UNAUTHORIZED);
    s = (struct core_secret){.type = S("bootstrap.kubernetes.io/token")};
    assert_int_equal(result(&s, TOKEN, 0), ERR_UNAUTHORIZED);
}

TEST(test_bootstrap_token__expires) {
    struct str_entry data[5];
    struct core_secret s = secret(data);
    assert_int_equal(result(&s, TOKEN, EXPIRES - 1), 0);
    assert_int_equal(result(&s, TOKEN, EXPIRES), ERR_UNAUTHORIZED);
    data[1].value = S("tomorrow");
    assert_int_equal(result(&s, TOKEN, 0), ERR_UNAUTHORIZED);
    data[1].value = S("");
    assert_int_equal(result(&s, TOKEN, EXPIRES * 2ll), 0);
}

TEST(test_bootstrap_token__must_be_for_authentication) {
    struct str_entry data[5];
    struct core_secret s = secret(data);
    data[4].value = S("True");
    assert_int_equal(result(&s, TOKEN, 0), ERR_UNAUTHORIZED);
    s.data.n = 4;
    assert_int_equal(result(&s, TOKEN, 0), ERR_UNAUTHORIZED);
}

TEST(test_bootstrap_token__refuses_foreign_groups) {
    struct str_entry data[5];
    struct core_secret s = secret(data);
    data[0].value = S("system:bootstrappers:a,system:masters");
    assert_int_equal(result(&s, TOKEN, 0), ERR_UNAUTHORIZED);
    assert_true(bootstrap_token_group_valid(S("system:bootstrappers:kubeadm:default-node-token")));
    assert_false(bootstrap_token_group_valid(S("system:bootstrappers")));
    assert_false(bootstrap_token_group_valid(S("system:bootstrappers:")));
    assert_false(bootstrap_token_group_valid(S("system:bootstrappers:a-")));
    assert_false(bootstrap_token_group_valid(S("system:bootstrappers:A")));
    assert_false(bootstrap_token_group_valid(S("system:bootstrappers:a b")));
}
