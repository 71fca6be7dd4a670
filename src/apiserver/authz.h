/* apiserver/authz: may they? The node authoriser, then RBAC; what neither allows is forbidden.
 *
 * Decides on the cache's present state, without blocking; any thread. CONFORMS: upstream's
 * --authorization-mode=Node,RBAC with system:masters above all.
 */
#pragma once

#include "apiserver/user.h"

struct arena;
struct cache;
struct err;

enum decision { AUTHZ_DENY, AUTHZ_NO_OPINION, AUTHZ_ALLOW };

struct authz; /* made once, follows the cache */
int authz_new(struct cache *c, struct authz **ret_authz, struct err *err);
void authz_free(struct authz *a);

/* The verdict; *ret_reason (in the arena) says why, for reviews and 403 messages. */
enum decision authz_check(struct authz *a, const struct access *what, struct arena *arena,
                          struct str *ret_reason);

struct rbac_policy_rule_array;

/* All rules that apply to the user in a namespace, for SelfSubjectRulesReview and escalation checks.
 * *ret_incomplete when a binding's role is missing. */
void authz_rules(struct authz *a, const struct user *u, struct str ns, struct arena *arena,
                 struct rbac_policy_rule_array *ret_rules, bool *ret_incomplete);

/* Whether rules `owned` cover `wanted`; missing ones are described in *ret_missing. For escalation checks.
 * CONFORMS: upstream's rule covering: verbs, groups, resources, names and paths with their wildcards. */
bool authz_covers(const struct rbac_policy_rule_array *owned, const struct rbac_policy_rule_array *wanted,
                  struct arena *arena, struct str *ret_missing);
