/* The compact form of tokens: three parts of base64url between dots. */
#include "base/buf.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "net/jwt_priv.h"

struct parts {
    struct str header, payload, signature; /* as written */
    struct str signed_text;                /* header and payload with the dot between */
};

static bool split(struct str token, struct parts *ret_parts) {
    struct str rest;
    struct parts p;
    if (!str_split(token, '.', &p.header, &rest) || !str_split(rest, '.', &p.payload, &p.signature))
        return false;
    if (p.header.n == 0 || p.payload.n == 0 || str_find_byte(p.signature, '.') >= 0)
        return false;
    p.signed_text = str_cut(token, p.header.n + 1 + p.payload.n);
    *ret_parts = p;
    return true;
}

/* Each text of bytes has one spelling only: what does not come back the same is refused. */
static int decode(struct str text, struct arena *a, struct str *ret_bytes, struct err *err) {
    char *to = arena_bytes(a, base64_decoded_max(text.n));
    size_t n;
    int r = base64_decode(BASE64_URL, text, to, &n, err);
    if (r < 0)
        return r;
    _cleanup_buf struct buf again = BUF_INIT;
    char *back = base64_encoded_len(n, BASE64_URL) == text.n ? buf_reserve(&again, text.n + 1) : NULL;
    if (!back || base64_encode(BASE64_URL, str_make(to, n), back) != text.n ||
        memcmp(back, text.p, text.n) != 0)
        return err_set(err, ERR_INVALID, "a part of the token is no plain base64url");
    *ret_bytes = str_make(to, n);
    return 0;
}

/* An object of which each field is there once. */
static int decode_object(struct str text, struct arena *a, struct jval *ret_object, struct err *err) {
    struct str bytes;
    int r = decode(text, a, &bytes, err);
    if (r < 0)
        return r;
    struct json_limits limits = {.depth = JWT_DEPTH_MAX, .size_bytes = JWT_BYTES_MAX};
    struct strict_errors strict = {.arena = a};
    struct jval v;
    r = json_parse(a, bytes, &limits, &strict, &v, err);
    if (r < 0)
        return r;
    if (v.kind != J_OBJECT || strict.n > 0)
        return err_set(err, ERR_INVALID, "a part of the token is no object with each field once");
    *ret_object = v;
    return 0;
}

static int open_token(struct str token, struct arena *a, struct parts *ret_parts, struct jval *ret_header,
                      struct err *err) {
    if (token.n > JWT_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "the token has more than %u bytes", JWT_BYTES_MAX);
    if (!split(token, ret_parts))
        return err_set(err, ERR_INVALID, "this is no token of three parts");
    int r = decode_object(ret_parts->header, a, ret_header, err);
    if (r < 0)
        (void)err_wrap(err, "header");
    return r;
}

int jwt_peek(struct str token, struct arena *a, struct jval *ret_claims, struct err *err) {
    struct parts parts;
    struct jval header;
    int r = open_token(token, a, &parts, &header, err);
    return r < 0 ? r : decode_object(parts.payload, a, ret_claims, err);
}

static bool any_key_verifies(const struct jwt_keys *k, const struct jval *header, const struct parts *parts,
                             struct str signature) {
    struct str algorithm = jval_get_str(header, S("alg")), kid = jval_get_str(header, S("kid"));
    for (size_t i = 0; i < k->n; i++) {
        if (kid.n > 0 && !str_eq(kid, jwt_key_id(&k->v[i])))
            continue;
        if (str_eq(algorithm, k->v[i].algorithm->name) &&
            jwt_key_verify(&k->v[i], parts->signed_text, signature))
            return true;
    }
    return false;
}

int jwt_verify(const struct jwt_keys *k, struct str token, struct arena *a, struct jval *ret_claims,
               struct err *err) {
    struct parts parts;
    struct jval header;
    struct str signature;
    int r = open_token(token, a, &parts, &header, err);
    if (r == 0)
        r = decode(parts.signature, a, &signature, err);
    if (r < 0)
        return r;
    const struct jval *kid = jval_get(&header, S("kid"));
    /* CONFORMS: RFC 7515 4.1.11 and RFC 7797: no extension is understood here. */
    if (jval_get(&header, S("crit")) || (kid && kid->kind != J_STRING))
        return err_set(err, ERR_UNAUTHORIZED, "the token's header is not understood");
    if (!any_key_verifies(k, &header, &parts, signature))
        return err_set(err, ERR_UNAUTHORIZED, "the token's signature is not by a known key");
    return decode_object(parts.payload, a, ret_claims, err);
}

/* Appends the base64url of bytes. */
static void put_base64(struct buf *out, struct str bytes) {
    char *to = buf_reserve(out, base64_encoded_len(bytes.n, BASE64_URL) + 1);
    if (to)
        out->n += base64_encode(BASE64_URL, bytes, to);
}

int jwt_sign(const struct jwt_signer *s, const struct jval *claims, struct arena *a, struct str *ret_token,
             struct err *err) {
    _cleanup_buf struct buf text = BUF_INIT, json = BUF_INIT;
    struct jobject header = {0};
    jobject_set(a, &header, S("alg"), jval_str(s->key.algorithm->name));
    jobject_set(a, &header, S("kid"), jval_str(jwt_key_id(&s->key)));
    struct jval top = jobject_done(&header);
    json_write(&json, &top);
    put_base64(&text, buf_view(&json));
    buf_byte(&text, '.');
    buf_clear(&json);
    json_write(&json, claims);
    put_base64(&text, buf_view(&json));
    unsigned char signature[JWT_SIGNATURE_MAX];
    size_t n;
    int r = jwt_key_sign(&s->key, buf_view(&text), signature, &n, err);
    if (r < 0)
        return r;
    buf_byte(&text, '.');
    put_base64(&text, str_make((const char *)signature, n));
    if (text.n > JWT_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "the token has more than %u bytes", JWT_BYTES_MAX);
    *ret_token = buf_to_arena(&text, a);
    return 0;
}
