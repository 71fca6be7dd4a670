/* What the files of authentication share. */
#pragma once

#include "apiserver/authn.h"
#include "apiserver/cache.h"
#include "base/arena.h"
#include "base/cell.h"

#define AUTHN_VERIFIED 256u /* tokens whose signature is remembered; a power of two */

struct authn {
    struct arena arena; /* texts of options */
    struct cache *cache;
    struct clock *clock;
    struct token_file *tokens; /* NULL: none */
    struct jwt_keys *keys;
    struct str issuer;
    struct str_array audiences;
    struct cell verified[AUTHN_VERIFIED]; /* struct verified_token, by the digest of the token */
};

/* A service account's token: its signature, its time, and whether account and bound objects still exist. */
int authn_sa_token(struct authn *a, struct str token, struct str_array audiences, struct arena *arena,
                   struct user *ret_user, struct str_array *ret_audiences, struct err *err);

/* Adds one value. */
void authn_extra(struct arena *arena, struct user *u, struct str key, struct str value);
