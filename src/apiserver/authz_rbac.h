/* apiserver/authz_rbac: what roles and bindings allow.
 *
 * A pure core. It reads roles and bindings through a view, and makes an index of them once: from each user
 * and group to what they were granted, with the roles already found. A check then looks at the few grants of
 * the asker, however many bindings there are. An index never changes: any thread may read it; it borrows from
 * the objects of the view, which must live as long.
 *
 * Rejected: asking the view at each check (a walk over all bindings), and changing the index with each event
 * (roles and bindings change rarely; making it anew takes about a microsecond a binding).
 */
#pragma once

#include "api/rbac_aggregate.h"
#include "apiserver/authz.h"
#include "apiserver/user.h"

struct arena;
struct rbac_cluster_role;
struct rbac_cluster_role_binding;
struct rbac_policy_rule;
struct rbac_policy_rule_array;
struct rbac_role;
struct rbac_role_binding;

struct rbac_view_ops {
    /* NULL: there is none. */
    const struct rbac_role *(*find_role)(void *arg, struct str ns, struct str name);
    const struct rbac_cluster_role *(*find_cluster_role)(void *arg, struct str name);
    /* Call fn for each: of all namespaces, and of the cluster. */
    void (*each_role_binding)(void *arg, void (*fn)(void *fn_arg, const struct rbac_role_binding *b),
                              void *fn_arg);
    void (*each_cluster_role_binding)(void *arg,
                                      void (*fn)(void *fn_arg, const struct rbac_cluster_role_binding *b),
                                      void *fn_arg);
};

struct rbac_view {
    const struct rbac_view_ops *ops;
    void *arg;
};

/* Whether one rule, or any of them, allows what is asked. */
bool rbac_rule_allows(const struct rbac_policy_rule *rule, const struct access *what);
bool rbac_rules_allow(const struct rbac_policy_rule_array *rules, const struct access *what);

struct rbac_index;
struct rbac_index *rbac_index_new(const struct rbac_view *view);
void rbac_index_free(struct rbac_index *x);

/* AUTHZ_ALLOW or AUTHZ_NO_OPINION. ret_reason may be NULL: it costs as much as the check. */
enum decision rbac_check(const struct rbac_index *x, const struct access *what, struct arena *arena,
                         struct str *ret_reason);

/* All rules of a user in a namespace ("": of the cluster only); *ret_incomplete when a role is missing. */
void rbac_rules(const struct rbac_index *x, const struct user *u, struct str ns, struct arena *arena,
                struct rbac_policy_rule_array *ret_rules, bool *ret_incomplete);
