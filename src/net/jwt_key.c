/* Keys of tokens: reading, signing, verifying, showing. */
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "base/arena.h"
#include "base/vec.h"
#include "codec/base64.h"
#include "net/jwt_priv.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define NUMBER_BYTES_MAX (RSA_BITS_MAX / 8)

static const struct jwt_algorithm algorithms[] = {
    {STR_INIT("RS256"), NULL, STR_INIT(""), "SHA256", 0},
    {STR_INIT("ES256"), "prime256v1", STR_INIT("P-256"), "SHA256", 32},
    {STR_INIT("ES384"), "secp384r1", STR_INIT("P-384"), "SHA384", 48},
    {STR_INIT("ES512"), "secp521r1", STR_INIT("P-521"), "SHA512", 66},
};

/* CONFORMS: RFC 7518 3.1: the algorithm of a key is a matter of its type and curve alone. */
static const struct jwt_algorithm *algorithm_of(EVP_PKEY *key) {
    if (EVP_PKEY_is_a(key, "RSA")) {
        int bits = EVP_PKEY_get_bits(key);
        return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX ? &algorithms[0] : NULL;
    }
    char curve[64];
    size_t n;
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, curve, sizeof curve, &n) != 1)
        return NULL;
    for (size_t i = 1; i < sizeof algorithms / sizeof *algorithms; i++)
        if (strcmp(curve, algorithms[i].curve) == 0)
            return &algorithms[i];
    return NULL;
}

/* CONFORMS: upstream's key ids: base64url of the SHA-256 of the public key's DER. */
static bool key_id(EVP_PKEY *key, char out[JWT_KID_LEN]) {
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    if (n <= 0)
        return false;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(der, (size_t)n, digest);
    OPENSSL_free(der);
    base64_encode(BASE64_URL, str_make((const char *)digest, sizeof digest), out);
    return true;
}

int jwt_key_init(struct jwt_key *k, EVP_PKEY *key, struct err *err) {
    const struct jwt_algorithm *algorithm = algorithm_of(key);
    if (!algorithm)
        return err_set(err, ERR_UNSUPPORTED,
                       "only keys on P-256, P-384 and P-521 and RSA keys of 2048 to 8192 bits sign tokens");
    if (!key_id(key, k->kid))
        return crypto_fail(err, ERR_INVALID, "the public key has no DER form");
    k->algorithm = algorithm;
    k->key = key;
    return 0;
}

/* CONFORMS: RFC 7518 3.4: r and s behind each other, each as wide as the curve. */
static int raw_signature(const struct jwt_key *k, unsigned char *bytes, size_t *n) {
    const unsigned char *der = bytes;
    _scoped_sig *sig = d2i_ECDSA_SIG(NULL, &der, (long)*n);
    int width = (int)k->algorithm->number_bytes;
    if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), bytes, width) != width ||
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), bytes + width, width) != width)
        return ERR_INTERNAL;
    *n = 2 * k->algorithm->number_bytes;
    return 0;
}

int jwt_key_sign(const struct jwt_key *k, struct str text, unsigned char out[JWT_SIGNATURE_MAX],
                 size_t *ret_n, struct err *err) {
    _scoped_md *md = EVP_MD_CTX_new();
    size_t n = JWT_SIGNATURE_MAX;
    if (!md || EVP_DigestSignInit_ex(md, NULL, k->algorithm->digest, NULL, NULL, k->key, NULL) != 1 ||
        EVP_DigestSign(md, out, &n, (const unsigned char *)text.p, text.n) != 1)
        return crypto_fail(err, ERR_INTERNAL, "cannot sign");
    if (k->algorithm->curve && raw_signature(k, out, &n) < 0)
        return crypto_fail(err, ERR_INTERNAL, "cannot sign");
    *ret_n = n;
    return 0;
}

/* DER of a raw signature; 0 when it is none. Allocated by OpenSSL. */
static int der_signature(const struct jwt_key *k, struct str raw, unsigned char **ret_der) {
    size_t width = k->algorithm->number_bytes;
    if (raw.n != 2 * width)
        return 0;
    _scoped_sig *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn((const unsigned char *)raw.p, (int)width, NULL);
    BIGNUM *s = BN_bin2bn((const unsigned char *)raw.p + width, (int)width, NULL);
    if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return 0;
    }
    return i2d_ECDSA_SIG(sig, ret_der);
}

bool jwt_key_verify(const struct jwt_key *k, struct str text, struct str signature) {
    unsigned char *der = NULL;
    int der_n = k->algorithm->curve ? der_signature(k, signature, &der) : 0;
    const unsigned char *p = der ? der : (const unsigned char *)signature.p;
    size_t n = der ? (size_t)der_n : signature.n;
    bool ok = false;
    if (!k->algorithm->curve || der_n > 0) {
        _scoped_md *md = EVP_MD_CTX_new();
        ok = md && EVP_DigestVerifyInit_ex(md, NULL, k->algorithm->digest, NULL, NULL, k->key, NULL) == 1 &&
             EVP_DigestVerify(md, p, n, (const unsigned char *)text.p, text.n) == 1;
    }
    OPENSSL_free(der);
    ERR_clear_error();
    return ok;
}

int jwt_signer_new(struct str pem, struct jwt_signer **ret_signer, struct err *err) {
    if (pem.n > JWT_PEM_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "the key has more than %u bytes", JWT_PEM_BYTES_MAX);
    _scoped_bio *bio = BIO_new_mem_buf(pem.p ? pem.p : "", (int)pem.n);
    _scoped_pkey *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, crypto_no_password, NULL) : NULL;
    if (!key)
        return crypto_fail(err, ERR_INVALID, "this is no private key in PEM");
    struct jwt_signer *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    int r = jwt_key_init(&s->key, key, err);
    if (r < 0) {
        free(s);
        return r;
    }
    key = NULL;
    *ret_signer = s;
    return 0;
}

void jwt_signer_free(struct jwt_signer *s) {
    if (!s)
        return;
    EVP_PKEY_free(s->key.key);
    free(s);
}

struct jwt_keys *jwt_keys_new(void) {
    struct jwt_keys *k = calloc(1, sizeof *k);
    if (!k)
        panic("out of memory");
    return k;
}

void jwt_keys_free(struct jwt_keys *k) {
    if (!k)
        return;
    for (size_t i = 0; i < k->n; i++)
        EVP_PKEY_free(k->v[i].key);
    free(k);
}

size_t jwt_keys_count(const struct jwt_keys *k) {
    return k->n;
}

/* The public key of a PEM block of this name; NULL for other blocks. */
static EVP_PKEY *public_key(const char *name, const unsigned char *der, long n) {
    if (strcmp(name, "PUBLIC KEY") == 0)
        return d2i_PUBKEY(NULL, &der, n);
    if (strcmp(name, "RSA PUBLIC KEY") == 0)
        return d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, n);
    if (strcmp(name, "CERTIFICATE") == 0) {
        _scoped_x509 *x = d2i_X509(NULL, &der, n);
        return x ? X509_get_pubkey(x) : NULL;
    }
    if (strcmp(name, "PRIVATE KEY") != 0 && strcmp(name, "EC PRIVATE KEY") != 0 &&
        strcmp(name, "RSA PRIVATE KEY") != 0)
        return NULL;
    /* only the public half is kept */
    _scoped_pkey *private = d2i_AutoPrivateKey(NULL, &der, n);
    unsigned char *spki = NULL;
    int spki_n = private ? i2d_PUBKEY(private, &spki) : 0;
    const unsigned char *p = spki;
    EVP_PKEY *key = spki_n > 0 ? d2i_PUBKEY(NULL, &p, spki_n) : NULL;
    OPENSSL_free(spki);
    return key;
}

/* Takes over the reference. */
static int add_key(struct jwt_keys *k, EVP_PKEY *key, struct err *err) {
    struct jwt_key new = {0};
    int r = k->n == JWT_KEYS_MAX ? err_set(err, ERR_TOO_LARGE, "more than %u keys", JWT_KEYS_MAX)
                                 : jwt_key_init(&new, key, err);
    bool known = false;
    for (size_t i = 0; r == 0 && i < k->n; i++)
        known = known || str_eq(jwt_key_id(&k->v[i]), jwt_key_id(&new));
    if (r < 0 || known)
        EVP_PKEY_free(key);
    else
        k->v[k->n++] = new;
    return r;
}

int jwt_keys_add(struct jwt_keys *k, struct str pem, struct err *err) {
    if (pem.n > JWT_PEM_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "the keys have more than %u bytes", JWT_PEM_BYTES_MAX);
    _scoped_bio *bio = BIO_new_mem_buf(pem.p ? pem.p : "", (int)pem.n);
    if (!bio)
        return crypto_fail(err, ERR_INTERNAL, "cannot read the keys");
    size_t found = 0;
    int r = 0;
    char *name, *header;
    unsigned char *der;
    long n;
    while (r == 0 && PEM_read_bio(bio, &name, &header, &der, &n) == 1) {
        EVP_PKEY *key = public_key(name, der, n);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)n);
        if (key)
            r = add_key(k, key, err);
        found += key != NULL;
    }
    ERR_clear_error();
    if (r == 0 && found == 0)
        return err_set(err, ERR_INVALID, "there is no key in PEM");
    return r;
}

/* A number of the key as base64url, padded with zeros to `width` bytes, or as short as it is. */
static struct jval number(const struct jwt_key *k, const char *name, size_t width, struct arena *a) {
    BIGNUM *raw = NULL;
    unsigned char bytes[NUMBER_BYTES_MAX];
    int got = EVP_PKEY_get_bn_param(k->key, name, &raw);
    _scoped_bn *bn = raw;
    int n = got != 1 ? 0 : width ? (int)width : BN_num_bytes(bn);
    check(n > 0 && (size_t)n <= sizeof bytes && BN_bn2binpad(bn, bytes, n) == n);
    struct str text = str_make((const char *)bytes, (size_t)n);
    char *out = arena_bytes(a, base64_encoded_len(text.n, BASE64_URL));
    size_t len = base64_encode(BASE64_URL, text, out);
    return jval_str(str_make(out, len));
}

static struct jval shown_key(const struct jwt_key *k, struct arena *a) {
    struct jobject o = {0};
    jobject_set(a, &o, S("alg"), jval_str(k->algorithm->name));
    jobject_set(a, &o, S("kid"), jval_str(arena_str(a, jwt_key_id(k))));
    jobject_set(a, &o, S("use"), jval_str(S("sig")));
    if (k->algorithm->curve) {
        size_t width = k->algorithm->number_bytes;
        jobject_set(a, &o, S("kty"), jval_str(S("EC")));
        jobject_set(a, &o, S("crv"), jval_str(k->algorithm->crv));
        jobject_set(a, &o, S("x"), number(k, OSSL_PKEY_PARAM_EC_PUB_X, width, a));
        jobject_set(a, &o, S("y"), number(k, OSSL_PKEY_PARAM_EC_PUB_Y, width, a));
    } else {
        jobject_set(a, &o, S("kty"), jval_str(S("RSA")));
        jobject_set(a, &o, S("n"), number(k, OSSL_PKEY_PARAM_RSA_N, 0, a));
        jobject_set(a, &o, S("e"), number(k, OSSL_PKEY_PARAM_RSA_E, 0, a));
    }
    return jobject_done(&o);
}

struct jval jwt_key_set(const struct jwt_keys *k, struct arena *a) {
    struct jval *items = arena_new_n(a, k->n + 1, struct jval);
    for (size_t i = 0; i < k->n; i++)
        items[i] = shown_key(&k->v[i], a);
    struct jobject o = {0};
    jobject_set(a, &o, S("keys"), jval_array(items, k->n));
    return jobject_done(&o);
}

static struct jval one_text(struct arena *a, struct str text) {
    struct jval *item = arena_new(a, struct jval);
    *item = jval_str(text);
    return jval_array(item, 1);
}

struct jval jwt_discovery(const struct jwt_keys *k, struct str issuer, struct str jwks_uri, struct arena *a) {
    size_t n_all = sizeof algorithms / sizeof *algorithms, n = 0;
    struct jval *used = arena_new_n(a, n_all, struct jval);
    for (size_t i = 0; i < n_all; i++) {
        bool has = false;
        for (size_t j = 0; j < k->n; j++)
            has = has || k->v[j].algorithm == &algorithms[i];
        if (has)
            used[n++] = jval_str(algorithms[i].name);
    }
    struct jobject o = {0};
    jobject_set(a, &o, S("issuer"), jval_str(issuer));
    jobject_set(a, &o, S("jwks_uri"), jval_str(jwks_uri));
    jobject_set(a, &o, S("response_types_supported"), one_text(a, S("id_token")));
    jobject_set(a, &o, S("subject_types_supported"), one_text(a, S("public")));
    jobject_set(a, &o, S("id_token_signing_alg_values_supported"), jval_array(used, n));
    return jobject_done(&o);
}
