/* apiserver/authn: who asks: client certificates, static tokens, bootstrap tokens, service account tokens.
 *
 * Tried in this order; a credential that is there but bad is 401, none at all is system:anonymous. Does not
 * block; any thread. CONFORMS: upstream's authenticators of the same names.
 */
#pragma once

#include "apiserver/user.h"

struct arena;
struct cache;
struct clock;
struct err;
struct http_request;

struct authn_options {
    const char
        *client_ca_path;    /* certificates were verified by TLS already; needed for the user's name only */
    const char *token_file; /* CSV token,user,uid,"group,group"; NULL: none */
    const char *sa_public_key_path; /* PEM, of service account tokens; more keys may follow in the file */
    struct str sa_public_key_pem;   /* the same as text; absent: none */
    const char *sa_issuer;          /* https://kubernetes.default.svc.cluster.local */
    const char *const *audiences;   /* NULL-terminated; tokens for others are refused */
    struct cache *cache;            /* bound objects must exist: secrets, service accounts, pods, nodes */
    struct clock *clock;
};

struct authn;
int authn_new(const struct authn_options *o, struct authn **ret_authn, struct err *err);
void authn_free(struct authn *a);

/* 0 and *ret_user (system:anonymous in system:unauthenticated when no credential was given), or
 * ERR_UNAUTHORIZED. */
int authn_request(struct authn *a, struct http_request *r, struct arena *arena, struct user *ret_user,
                  struct err *err);

/* A bearer token alone, for TokenReview. audiences empty: the server's own. */
int authn_token(struct authn *a, struct str token, struct str_array audiences, struct arena *arena,
                struct user *ret_user, struct str_array *ret_audiences, struct err *err);

/* The public keys of service account tokens, for the key set that is published. */
struct jwt_keys;
const struct jwt_keys *authn_keys(const struct authn *a);
