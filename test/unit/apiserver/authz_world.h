/* test/unit: a small world of roles and bindings, for tests of authorisation. Everything lives in its arena.
 */
#pragma once

#include "api/types/rbac.h"
#include "apiserver/authz_rbac.h"
#include "base/arena.h"

#define WORLD_MAX 2048u

struct authz_world {
    struct arena arena;
    const struct rbac_role *roles[WORLD_MAX];
    const struct rbac_cluster_role *cluster_roles[WORLD_MAX];
    const struct rbac_role_binding *bindings[WORLD_MAX];
    const struct rbac_cluster_role_binding *cluster_bindings[WORLD_MAX];
    uint32_t n_roles, n_cluster_roles, n_bindings, n_cluster_bindings;
};

/* An empty world of the heap; free with world_free. */
struct authz_world *world_new(void);
void world_free(struct authz_world *w);

/* Everything that clusters start with. */
void world_bootstrap(struct authz_world *w);

/* Texts are words with a comma between them: "get,list". "-" is the one empty text (the core group), "" none.
 */
struct str_array world_words(struct authz_world *w, const char *text);

/* One rule, of resources or of paths. */
struct rbac_policy_rule world_rule(struct authz_world *w, const char *verbs, const char *groups,
                                   const char *resources, const char *names);
struct rbac_policy_rule world_paths(struct authz_world *w, const char *verbs, const char *paths);

/* Roles with one rule; ns "" makes a cluster role. */
void world_role(struct authz_world *w, const char *ns, const char *name, struct rbac_policy_rule rule);

/* A binding; ns "" makes a cluster role binding. role: "ClusterRole/x" or "Role/x". subjects: "User:a",
 * "Group:b", "ServiceAccount:ns/name", with a comma between them. */
void world_bind(struct authz_world *w, const char *ns, const char *name, const char *role,
                const char *subjects);

struct rbac_view world_view(struct authz_world *w);

/* A user of these groups. */
struct user world_user(struct authz_world *w, const char *name, const char *groups);
