/* apiserver/sa_token */
#include "apiserver/sa_token.h"
#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "unit/unit.h"

#define NOW 1800000000ll
#define ISSUER "https://here"

static struct str own[] = {STR_INIT("api"), STR_INIT("vault")};

static struct sa_token bound(void) {
    return (struct sa_token){.ns = S("ns"),
                             .account = {S("sa"), S("u1")},
                             .pod = {S("p"), S("u2")},
                             .node = {S("n"), S("u3")},
                             .issuer = S(ISSUER),
                             .id = S("j"),
                             .audiences = {own, 2},
                             .issued_sec = NOW,
                             .not_before_sec = NOW,
                             .expires_sec = NOW + 3600,
                             .warn_after_sec = NOW + 3000};
}

static int read_at(const struct jval *claims, int64_t now, struct str audience, struct arena *a,
                   struct sa_token *ret) {
    struct sa_token_expected e = {.issuer = S(ISSUER), .audiences = {&audience, 1}, .now_sec = now};
    struct str_array both;
    return sa_token_read(claims, &e, a, ret, &both, NULL);
}

static int result(const struct sa_token *t, int64_t now, struct str audience) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval claims = sa_token_claims(t, &a);
    struct sa_token got;
    return read_at(&claims, now, audience, &a, &got);
}

TEST(test_sa_token__claims_are_upstreams) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct sa_token t = bound();
    struct jval claims = sa_token_claims(&t, &a);
    _cleanup_buf struct buf text = BUF_INIT;
    json_write(&text, &claims);
    assert_str(
        buf_view(&text),
        "{\"aud\":[\"api\",\"vault\"],\"exp\":1800003600,\"iat\":1800000000,\"iss\":\"https://here\","
        "\"jti\":\"j\",\"kubernetes.io\":{\"namespace\":\"ns\",\"node\":{\"name\":\"n\",\"uid\":\"u3\"},"
        "\"pod\":{\"name\":\"p\",\"uid\":\"u2\"},\"serviceaccount\":{\"name\":\"sa\",\"uid\":\"u1\"},"
        "\"warnafter\":1800003000},\"nbf\":1800000000,\"sub\":\"system:serviceaccount:ns:sa\"}");
}

TEST(test_sa_token__reads_what_it_wrote) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct sa_token t = bound(), got;
    struct jval claims = sa_token_claims(&t, &a);
    assert_int_equal(read_at(&claims, NOW, S("vault"), &a, &got), 0);
    assert_str(got.ns, "ns");
    assert_str(got.account.uid, "u1");
    assert_str(got.pod.name, "p");
    assert_str(got.node.uid, "u3");
    assert_int_equal(got.secret.name.n, 0);
    assert_str(got.id, "j");
    assert_true(got.warn_after_sec == NOW + 3000);
    assert_false(got.legacy);
}

TEST(test_sa_token__times_have_a_minute_of_leeway) {
    struct sa_token t = bound();
    assert_int_equal(result(&t, NOW - 60, S("api")), 0);
    assert_int_equal(result(&t, NOW - 61, S("api")), ERR_UNAUTHORIZED);
    assert_int_equal(result(&t, NOW + 3660, S("api")), 0);
    assert_int_equal(result(&t, NOW + 3661, S("api")), ERR_UNAUTHORIZED);
    t.not_before_sec = NOW - 1000;
    assert_int_equal(result(&t, NOW - 61, S("api")), ERR_UNAUTHORIZED); /* issued later */
    t.expires_sec = 0;
    assert_int_equal(result(&t, NOW, S("api")), ERR_UNAUTHORIZED);
}

TEST(test_sa_token__refuses_other_issuers_and_audiences) {
    struct sa_token t = bound();
    assert_int_equal(result(&t, NOW, S("other")), ERR_UNAUTHORIZED);
    t.audiences.n = 0;
    assert_int_equal(result(&t, NOW, S("api")), ERR_UNAUTHORIZED);
    t = bound();
    t.issuer = S("https://elsewhere");
    assert_int_equal(result(&t, NOW, S("api")), ERR_UNAUTHORIZED);
}

TEST(test_sa_token__names_must_agree) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct sa_token t = bound(), got;
    struct jval claims = sa_token_claims(&t, &a);
    struct jval other = jval_with(&a, &claims, S("sub"), jval_str(S("system:serviceaccount:ns:admin")));
    assert_int_equal(read_at(&other, NOW, S("api"), &a, &got), ERR_UNAUTHORIZED);
    other = jval_without(&a, &claims, S("kubernetes.io"));
    assert_int_equal(read_at(&other, NOW, S("api"), &a, &got), ERR_UNAUTHORIZED);
    const struct jval *private = jval_get(&claims, S("kubernetes.io"));
    struct jval broken =
        jval_with(&a, private, S("pod"), jval_str(S("p"))); /* a binding that would be lost */
    other = jval_with(&a, &claims, S("kubernetes.io"), broken);
    assert_int_equal(read_at(&other, NOW, S("api"), &a, &got), ERR_UNAUTHORIZED);
    other = jval_with(&a, &claims, S("exp"), jval_str(S("never")));
    assert_int_equal(read_at(&other, NOW, S("api"), &a, &got), ERR_UNAUTHORIZED);
    other = jval_null();
    assert_int_equal(read_at(&other, NOW, S("api"), &a, &got), ERR_UNAUTHORIZED);
}

TEST(test_sa_token__audience_may_be_one_text) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct sa_token t = bound(), got;
    struct jval claims = sa_token_claims(&t, &a);
    struct jval one = jval_with(&a, &claims, S("aud"), jval_str(S("api")));
    assert_int_equal(read_at(&one, NOW, S("api"), &a, &got), 0);
    assert_int_equal(got.audiences.n, 1);
    one = jval_with(&a, &claims, S("aud"), jval_int(7));
    assert_int_equal(read_at(&one, NOW, S("api"), &a, &got), ERR_UNAUTHORIZED);
}

TEST(test_sa_token__legacy_tokens_name_their_secret) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct sa_token t = {.legacy = true, .ns = S("ns"), .account = {S("sa"), S("u1")}, .secret = {S("s")}},
                    got;
    struct jval claims = sa_token_claims(&t, &a);
    assert_int_equal(read_at(&claims, NOW, S("api"), &a, &got), 0);
    assert_true(got.legacy);
    assert_str(got.secret.name, "s");
    assert_str(got.account.name, "sa");
    struct jval other = jval_without(&a, &claims, S("kubernetes.io/serviceaccount/secret.name"));
    assert_int_equal(read_at(&other, NOW, S("api"), &a, &got), ERR_UNAUTHORIZED);
}
