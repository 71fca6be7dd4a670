/* apiserver/jwt */
#include "net/jwt.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "keys.h"
#include "unit/unit.h"

/* RFC 7515 A.3 */
#define RFC_TOKEN                                                                                            \
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19y"  \
    "b290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

static struct jwt_signer *signer(const char *pem) {
    struct jwt_signer *s = NULL;
    struct err err = ERR_INIT;
    assert_ok(jwt_signer_new(str_from(pem), &s, &err), &err);
    return s;
}

static struct jwt_keys *keys(const char *pem) {
    struct jwt_keys *k = jwt_keys_new();
    struct err err = ERR_INIT;
    assert_ok(jwt_keys_add(k, str_from(pem), &err), &err);
    return k;
}

static struct jval claims(struct arena *a) {
    struct jobject o = {0};
    jobject_set(a, &o, S("sub"), jval_str(S("me")));
    jobject_set(a, &o, S("exp"), jval_int(1893456000));
    return jobject_done(&o);
}

static struct str sign(const char *pem, struct arena *a) {
    struct jwt_signer *s = signer(pem);
    struct jval c = claims(a);
    struct str token;
    struct err err = ERR_INIT;
    assert_ok(jwt_sign(s, &c, a, &token, &err), &err);
    jwt_signer_free(s);
    return token;
}

static int verify(const struct jwt_keys *k, struct str token) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval c;
    return jwt_verify(k, token, &a, &c, NULL);
}

static struct str base64(struct arena *a, struct str text) {
    char *to = arena_bytes(a, base64_encoded_len(text.n, BASE64_URL) + 1);
    return str_make(to, base64_encode(BASE64_URL, text, to));
}

/* The token with another header. */
static struct str with_header(struct arena *a, struct str token, const char *header) {
    struct str head, rest;
    assert_true(str_split(token, '.', &head, &rest));
    return arena_printf(a, "%.*s.%.*s", STR_ARG(base64(a, str_from(header))), STR_ARG(rest));
}

TEST(test_jwt__verifies_the_token_of_rfc_7515) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jwt_keys *k = keys(KEY_RFC7515_A3);
    struct jval c;
    struct err err = ERR_INIT;
    assert_ok(jwt_verify(k, S(RFC_TOKEN), &a, &c, &err), &err);
    assert_str(jval_get_str(&c, S("iss")), "joe");
    assert_true(jval_get(&c, S("exp"))->i == 1300819380);
    jwt_keys_free(k);
}

TEST(test_jwt__signs_and_verifies_each_algorithm) {
    static const struct {
        const char *pem, *algorithm;
        size_t signature_bytes;
    } cases[] = {
        {KEY_P256, "ES256", 64}, {KEY_P384, "ES384", 96}, {KEY_P521, "ES512", 132}, {KEY_RSA, "RS256", 256}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct jwt_keys *k = keys(cases[i].pem);
        struct str token = sign(cases[i].pem, &a), head, rest, payload, signature;
        struct jval c;
        struct err err = ERR_INIT;
        assert_ok(jwt_verify(k, token, &a, &c, &err), &err);
        assert_str(jval_get_str(&c, S("sub")), "me");
        str_split(token, '.', &head, &rest);
        str_split(rest, '.', &payload, &signature);
        assert_int_equal(signature.n, base64_encoded_len(cases[i].signature_bytes, BASE64_URL));
        struct str text = arena_printf(&a, "{\"alg\":\"%s\",", cases[i].algorithm);
        assert_true(str_has_prefix(head, str_cut(base64(&a, text), text.n / 3 * 4)));
        jwt_keys_free(k);
    }
}

TEST(test_jwt__refuses_other_keys) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str token = sign(KEY_P256, &a);
    static const char *const others[] = {KEY_P256_OTHER, KEY_P384, KEY_RSA};
    for (size_t i = 0; i < 3; i++) {
        struct jwt_keys *k = keys(others[i]);
        assert_int_equal(verify(k, token), ERR_UNAUTHORIZED);
        /* without an id each key is tried, and none fits */
        assert_int_equal(verify(k, with_header(&a, token, "{\"alg\":\"ES256\"}")), ERR_UNAUTHORIZED);
        jwt_keys_free(k);
    }
    struct jwt_keys *none = jwt_keys_new();
    assert_int_equal(verify(none, token), ERR_UNAUTHORIZED);
    jwt_keys_free(none);
}

TEST(test_jwt__finds_the_key_by_its_id) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jwt_keys *k = keys(KEY_P256_OTHER KEY_RSA KEY_P256);
    assert_int_equal(jwt_keys_count(k), 3);
    assert_int_equal(verify(k, sign(KEY_P256, &a)), 0);
    assert_int_equal(verify(k, sign(KEY_RSA, &a)), 0);
    assert_int_equal(verify(k, sign(KEY_P384, &a)), ERR_UNAUTHORIZED);
    jwt_keys_free(k);
}

TEST(test_jwt__key_decides_the_algorithm) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jwt_keys *k = keys(KEY_P256 KEY_P384 KEY_RSA_PUBLIC);
    struct str token = sign(KEY_P256, &a), rsa = sign(KEY_RSA, &a);
    static const char *const headers[] = {"{\"alg\":\"none\"}",
                                          "{\"alg\":\"None\"}",
                                          "{\"alg\":\"HS256\"}",
                                          "{\"alg\":\"ES384\"}",
                                          "{\"alg\":\"RS256\"}",
                                          "{\"alg\":\"\"}",
                                          "{}",
                                          "{\"alg\":null}",
                                          "{\"alg\":[\"ES256\"]}"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct str changed = with_header(&a, token, headers[i]);
        assert_int_equal(verify(k, changed), ERR_UNAUTHORIZED);
        assert_int_equal(verify(k, str_cut(changed, (size_t)str_rfind_byte(changed, '.') + 1)),
                         ERR_UNAUTHORIZED);
    }
    assert_int_equal(verify(k, with_header(&a, rsa, "{\"alg\":\"HS256\"}")), ERR_UNAUTHORIZED);
    assert_int_equal(verify(k, with_header(&a, rsa, "{\"alg\":\"PS256\"}")), ERR_UNAUTHORIZED);
    jwt_keys_free(k);
}

TEST(test_jwt__refuses_headers_it_does_not_understand) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jwt_keys *k = keys(KEY_P256);
    struct str token = sign(KEY_P256, &a);
    assert_int_equal(verify(k, with_header(&a, token, "{\"alg\":\"ES256\",\"crit\":[\"b64\"]}")),
                     ERR_UNAUTHORIZED);
    assert_int_equal(verify(k, with_header(&a, token, "{\"alg\":\"ES256\",\"kid\":7}")), ERR_UNAUTHORIZED);
    assert_int_equal(verify(k, with_header(&a, token, "{\"alg\":\"none\",\"alg\":\"ES256\"}")), ERR_INVALID);
    assert_int_equal(verify(k, with_header(&a, token, "[\"ES256\"]")), ERR_INVALID);
    assert_int_equal(verify(k, with_header(&a, token, "{\"alg\":")), ERR_INVALID);
    jwt_keys_free(k);
}

TEST(test_jwt__refuses_every_changed_byte) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jwt_keys *k = keys(KEY_P256);
    struct str token = sign(KEY_P256, &a);
    for (size_t i = 0; i < token.n; i++) {
        _cleanup_arena struct arena b = ARENA_INIT;
        char *copy = arena_strz(&b, token);
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        int r = verify(k, str_make(copy, token.n));
        assert_true(r == ERR_UNAUTHORIZED || r == ERR_INVALID);
    }
    jwt_keys_free(k);
}

TEST(test_jwt__refuses_every_truncation) {
    struct jwt_keys *k = keys(KEY_RFC7515_A3);
    static const char token[] = RFC_TOKEN;
    for (size_t n = 0; n < sizeof token - 1; n++) {
        char *copy = malloc(n + 1); /* exact, so that reading past the end shows */
        check(copy);
        memcpy(copy, token, n);
        int r = verify(k, str_make(copy, n));
        assert_true(r == ERR_UNAUTHORIZED || r == ERR_INVALID);
        free(copy);
    }
    jwt_keys_free(k);
}

TEST(test_jwt__takes_one_spelling_only) {
    struct jwt_keys *k = keys(KEY_RFC7515_A3);
    assert_int_equal(verify(k, S(RFC_TOKEN)), 0);
    assert_int_equal(verify(k, S(RFC_TOKEN "=")), ERR_INVALID);
    assert_int_equal(verify(k, S(RFC_TOKEN "\n")), ERR_INVALID);
    assert_int_equal(verify(k, S(" " RFC_TOKEN)), ERR_INVALID);
    assert_int_equal(verify(k, S(RFC_TOKEN ".")), ERR_INVALID);
    assert_int_equal(verify(k, S(RFC_TOKEN ".AA")), ERR_INVALID);
    char last[] = RFC_TOKEN; /* four bits of the last character do not count */
    check(last[sizeof last - 2] == 'Q');
    last[sizeof last - 2] = 'R';
    assert_int_equal(verify(k, str_from(last)), ERR_INVALID);
    jwt_keys_free(k);
}

TEST(test_jwt__limits_size) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jwt_keys *k = keys(KEY_P256);
    char *big = arena_bytes(&a, JWT_BYTES_MAX + 1);
    memset(big, 'A', JWT_BYTES_MAX + 1);
    assert_int_equal(verify(k, str_make(big, JWT_BYTES_MAX + 1)), ERR_TOO_LARGE);
    struct jwt_signer *s = signer(KEY_P256);
    struct jobject o = {0};
    jobject_set(&a, &o, S("sub"), jval_str(str_make(big, JWT_BYTES_MAX)));
    struct jval c = jobject_done(&o);
    struct str token;
    assert_fails(jwt_sign(s, &c, &a, &token, NULL), ERR_TOO_LARGE);
    jwt_signer_free(s);
    _cleanup_buf struct buf deep = BUF_INIT;
    for (int i = 0; i < 1000; i++)
        buf_lit(&deep, "{\"a\":");
    struct str header = base64(&a, buf_view(&deep));
    assert_int_not_equal(verify(k, arena_printf(&a, "%.*s.e30.AA", STR_ARG(header))), 0);
    jwt_keys_free(k);
}

TEST(test_jwt__peeks_without_checking) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval c;
    assert_int_equal(jwt_peek(S("e30.eyJpc3MiOiJqb2UifQ.AA"), &a, &c, NULL), 0);
    assert_str(jval_get_str(&c, S("iss")), "joe");
    assert_fails(jwt_peek(S("opaque"), &a, &c, NULL), ERR_INVALID);
    assert_fails(jwt_peek(S("abcdef.0123456789abcdef"), &a, &c, NULL), ERR_INVALID);
}

TEST(test_jwt__reads_only_fit_keys) {
    static const char *const bad[] = {KEY_K256, KEY_RSA_SHORT, KEY_RSA_PUBLIC, "garbage", ""};
    for (size_t i = 0; i < 5; i++) {
        struct jwt_signer *s = NULL;
        assert_int_not_equal(jwt_signer_new(str_from(bad[i]), &s, NULL), 0);
        assert_null(s);
    }
    struct jwt_keys *k = jwt_keys_new();
    assert_fails(jwt_keys_add(k, S(KEY_K256), NULL), ERR_UNSUPPORTED);
    assert_fails(jwt_keys_add(k, S(KEY_RSA_SHORT), NULL), ERR_UNSUPPORTED);
    assert_fails(jwt_keys_add(k, S("garbage"), NULL), ERR_INVALID);
    assert_int_equal(jwt_keys_count(k), 0);
    assert_int_equal(jwt_keys_add(k, S(KEY_RSA), NULL), 0);
    assert_int_equal(jwt_keys_add(k, S(KEY_RSA_PUBLIC), NULL), 0); /* the same key again */
    assert_int_equal(jwt_keys_count(k), 1);
    jwt_keys_free(k);
    static const char pem[] = KEY_P256;
    for (size_t n = 0; n < sizeof pem - 2; n += 3) {
        struct jwt_keys *cut = jwt_keys_new();
        (void)jwt_keys_add(cut, str_make(pem, n), NULL);
        assert_true(jwt_keys_count(cut) <= 1);
        jwt_keys_free(cut);
    }
}

TEST(test_jwt__shows_public_keys) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jwt_keys *k = keys(KEY_RFC7515_A3);
    struct jval v = jwt_key_set(k, &a);
    _cleanup_buf struct buf text = BUF_INIT;
    json_write(&text, &v);
    assert_str(buf_view(&text),
               "{\"keys\":[{\"alg\":\"ES256\",\"crv\":\"P-256\","
               "\"kid\":\"K9G7DESol8MKeqCZHN442AYv5EHeUNoPRoJTRPYC6Cc\",\"kty\":\"EC\",\"use\":\"sig\","
               "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
               "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}");
    jwt_keys_free(k);
    k = keys(KEY_P521 KEY_RSA);
    v = jwt_key_set(k, &a);
    const struct jval *set = jval_get(&v, S("keys"));
    assert_int_equal(set->n, 2);
    assert_int_equal(jval_get_str(&set->items[0], S("x")).n, 88); /* 66 bytes, padded with zeros */
    assert_str(jval_get_str(&set->items[1], S("e")), "AQAB");
    assert_int_equal(jval_get_str(&set->items[1], S("n")).n, 342);
    assert_null(jval_get(&set->items[1], S("d")));
    jwt_keys_free(k);
}

TEST(test_jwt__describes_the_provider) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jwt_keys *k = keys(KEY_P256 KEY_P256_OTHER KEY_RSA);
    struct jval v = jwt_discovery(k, S("https://here"), S("https://here/openid/v1/jwks"), &a);
    _cleanup_buf struct buf text = BUF_INIT;
    json_write(&text, &v);
    assert_str(buf_view(&text),
               "{\"id_token_signing_alg_values_supported\":[\"RS256\",\"ES256\"],\"issuer\":\"https://here\","
               "\"jwks_uri\":\"https://here/openid/v1/jwks\",\"response_types_supported\":[\"id_token\"],"
               "\"subject_types_supported\":[\"public\"]}");
    jwt_keys_free(k);
}
