/* apiserver/impersonate: acting as somebody else, with the permission to.
 *
 * Reads the Impersonate-* headers; each user, group, uid and extra value named there must be one that the
 * asker may impersonate. Any thread.
 *
 * CONFORMS: Impersonate-User, -Group, -Uid and -Extra-KEY; the resources users, groups, serviceaccounts,
 * uids and userextras of authorisation.
 */
#pragma once

#include "apiserver/user.h"

struct arena;
struct authz;
struct err;
struct http_request;
struct status;

/* 0: *user is who the call is made as (unchanged when nothing was asked). Negative: *ret_status is the
 * refusal. */
int impersonate(struct authz *authz, struct http_request *r, struct arena *arena, struct user *user,
                struct status **ret_status);
