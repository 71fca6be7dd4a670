/* net/jwt: signed JSON tokens, and the documents by which others verify them.
 *
 * A key decides its own algorithm: P-256 signs ES256, P-384 ES384, P-521 ES512, RSA of 2,048 bits or more
 * RS256. A token that names another algorithm than its key's is refused, so "none" and symmetric algorithms
 * do not exist here. Keys are constant once made: any thread may sign and verify.
 *
 * CONFORMS: RFC 7515 compact form, RFC 7518, RFC 7517; header fields that must be understood ("crit") and
 * duplicate fields are refused.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "codec/jval.h"

struct arena;
struct err;

#define JWT_BYTES_MAX (64u * 1024)
#define JWT_DEPTH_MAX 32u
#define JWT_KEYS_MAX 64u
#define JWT_PEM_BYTES_MAX (256u * 1024)

/* A private key that signs. */
struct jwt_signer;
int jwt_signer_new(struct str pem, struct jwt_signer **ret_signer, struct err *err);
void jwt_signer_free(struct jwt_signer *s);

/* claims: an object. ERR_TOO_LARGE when nobody would accept the token. */
int jwt_sign(const struct jwt_signer *s, const struct jval *claims, struct arena *a, struct str *ret_token,
             struct err *err);

/* Public keys that verify, in the order they were added. */
struct jwt_keys;
struct jwt_keys *jwt_keys_new(void);
void jwt_keys_free(struct jwt_keys *k);

/* All keys of a PEM text: public keys, certificates, private keys (their public half). ERR_INVALID when there
 * is none. A key that is there already is not added twice. */
int jwt_keys_add(struct jwt_keys *k, struct str pem, struct err *err);
size_t jwt_keys_count(const struct jwt_keys *k);

/* The claims of a token whose signature is right; ERR_UNAUTHORIZED otherwise, ERR_INVALID for what is no
 * token at all. With a key id only that key is tried, without all of them. Claims lie in the arena. */
int jwt_verify(const struct jwt_keys *k, struct str token, struct arena *a, struct jval *ret_claims,
               struct err *err);

/* Claims without any check of the signature, to see whose token it may be. */
int jwt_peek(struct str token, struct arena *a, struct jval *ret_claims, struct err *err);

/* {"keys": …}. CONFORMS: RFC 7517. */
struct jval jwt_key_set(const struct jwt_keys *k, struct arena *a);

/* The provider's document below /.well-known/openid-configuration. */
struct jval jwt_discovery(const struct jwt_keys *k, struct str issuer, struct str jwks_uri, struct arena *a);
