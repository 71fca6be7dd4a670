/* apiserver/bootstrap_token: tokens with which new nodes join, kept in secrets of kube-system.
 *
 * Pure functions over the token's text and its secret; any thread. Times come from the caller.
 *
 * CONFORMS: bootstrap tokens: "id.secret" of six and sixteen characters a-z and 0-9, the secret named
 * bootstrap-token-<id> of type bootstrap.kubernetes.io/token.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "apiserver/user.h"

struct arena;
struct core_secret;
struct err;

#define BOOTSTRAP_TOKEN_NAMESPACE S("kube-system")

/* False when the text is none; then it may be a token of another sort. */
bool bootstrap_token_split(struct str token, struct str *ret_id, struct str *ret_secret);

/* Name of the secret of an id. */
struct str bootstrap_token_name(struct arena *a, struct str id);

/* Who the token stands for, or ERR_UNAUTHORIZED (wrong, expired, not for authentication). now_sec: wall
 * time. */
int bootstrap_token_check(const struct core_secret *secret, struct str token, int64_t now_sec,
                          struct arena *a, struct user *ret_user, struct err *err);

/* Whether this may be a group of bootstrap tokens besides system:bootstrappers. */
bool bootstrap_token_group_valid(struct str group);
