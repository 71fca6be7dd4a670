/* apiserver/sa_token: what tokens of service accounts say.
 *
 * Builds the claims of tokens to be signed and reads those of verified ones (jwt.h); whether the account and
 * the bound objects still exist is the caller's to look up. Pure; any thread.
 *
 * CONFORMS: upstream's bound tokens (claim kubernetes.io) and the older ones kept in secrets (claims
 * that begin with kubernetes.io/serviceaccount/).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "codec/jval.h"

struct arena;
struct err;

#define SA_TOKEN_LEEWAY_SEC 60
#define SA_TOKEN_LEGACY_ISSUER S("kubernetes/serviceaccount")
#define SA_TOKEN_AUDIENCES_MAX 64u

/* An object a token is bound to; no name: none. */
struct sa_token_ref {
    struct str name, uid;
};

struct sa_token {
    struct str ns;
    struct sa_token_ref account, pod, secret, node;
    struct str issuer, id; /* id: jti */
    struct str_array audiences;
    int64_t issued_sec, not_before_sec, expires_sec, warn_after_sec; /* 0: none */
    bool legacy;                                                     /* kept in `secret`, never expires */
};

/* Claims of a token; those of a legacy one are its names only. */
struct jval sa_token_claims(const struct sa_token *t, struct arena *a);

struct sa_token_expected {
    struct str issuer;
    struct str_array audiences; /* one must be among the token's */
    int64_t now_sec;
};

/* Reads and checks verified claims; ERR_UNAUTHORIZED with the reason. *ret_audiences: those both sides name;
 * of legacy tokens all that were expected. Borrows from the claims. */
int sa_token_read(const struct jval *claims, const struct sa_token_expected *expected, struct arena *a,
                  struct sa_token *ret_token, struct str_array *ret_audiences, struct err *err);
