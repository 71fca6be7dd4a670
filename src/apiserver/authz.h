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

struct authz; /* made once, follows the cache, which outlives it */
int authz_new(struct cache *c, struct authz **ret_authz, struct err *err);
void authz_free(struct authz *a);

/* AUTHZ_ALLOW or AUTHZ_NO_OPINION; *ret_reason (in the arena, may be empty) says why, for reviews and for
 * access_denial. ret_reason may be NULL. */
enum decision authz_check(struct authz *a, const struct access *what, struct arena *arena,
                          struct str *ret_reason);

struct rbac_policy_rule_array;

/* All rules that apply to the user in a namespace, for SelfSubjectRulesReview and escalation checks.
 * *ret_incomplete when a binding's role is missing, and for nodes. The arena holds what the rules borrow. */
void authz_rules(struct authz *a, const struct user *u, struct str ns, struct arena *arena,
                 struct rbac_policy_rule_array *ret_rules, bool *ret_incomplete);

/* Whether rules `owned` cover `wanted`; if not, *ret_missing describes what is missing, a line each (64 KiB
 * at most). Lists with too many combinations to check are not covered. For escalation checks. CONFORMS:
 * upstream's rule covering: verbs, groups, resources, names and paths with their wildcards. */
bool authz_covers(const struct rbac_policy_rule_array *owned, const struct rbac_policy_rule_array *wanted,
                  struct arena *arena, struct str *ret_missing);
