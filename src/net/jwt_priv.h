/* net/jwt_priv: keys of tokens, shared by jwt.c and jwt_key.c. */
#pragma once

#include <stdbool.h>

#include "net/crypto.h"
#include "net/jwt.h"

#define JWT_KID_LEN 43u /* base64url of a SHA-256 */
#define JWT_SIGNATURE_MAX 1024u

struct jwt_algorithm {
    struct str name;
    const char *curve; /* OpenSSL's name; NULL: RSA */
    struct str crv;    /* the name in key sets */
    const char *digest;
    size_t number_bytes; /* of a coordinate, of r and of s; 0: RSA */
};

struct jwt_key {
    const struct jwt_algorithm *algorithm;
    EVP_PKEY *key;
    char kid[JWT_KID_LEN];
};

struct jwt_signer {
    struct jwt_key key;
};

struct jwt_keys {
    struct jwt_key v[JWT_KEYS_MAX];
    size_t n;
};

/* Takes over a reference to the key when it is fit, else leaves it. */
int jwt_key_init(struct jwt_key *k, EVP_PKEY *key, struct err *err);

static inline struct str jwt_key_id(const struct jwt_key *k) {
    return str_make(k->kid, JWT_KID_LEN);
}

int jwt_key_sign(const struct jwt_key *k, struct str text, unsigned char out[JWT_SIGNATURE_MAX],
                 size_t *ret_n, struct err *err);
bool jwt_key_verify(const struct jwt_key *k, struct str text, struct str signature);
