/* api/bootstrap: the roles and bindings that every cluster starts with, as API objects.
 *
 * For the API server, which makes or completes them when it starts, unless the object's annotation
 * rbac.authorization.kubernetes.io/autoupdate has been set to false. They come from
 * schema/rbac/bootstrap.roles. Roles stand before the bindings that name them. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct arena;

enum bootstrap_kind {
    BOOTSTRAP_CLUSTER_ROLE,
    BOOTSTRAP_ROLE,
    BOOTSTRAP_CLUSTER_ROLE_BINDING,
    BOOTSTRAP_ROLE_BINDING,
};

struct bootstrap_object {
    enum bootstrap_kind kind;
    struct str name, namespace; /* namespace is empty for cluster roles and their bindings */
    void *body;                 /* struct rbac_cluster_role, rbac_role, … as kind says; NULL: see below */
};

/* Says whether a resource is served by any version of the group. */
typedef bool (*bootstrap_served_fn)(struct str group, struct str resource, void *arg);

/* How many there are. */
uint32_t bootstrap_count(void);

/* Makes object i < bootstrap_count() in the arena (its texts are constant). Rules for resources that are off
 * by default are left out unless served says that one of theirs is on (NULL: none is); a role that only has
 * such rules then has no body, and is not to be made. */
struct bootstrap_object bootstrap_make(struct arena *a, uint32_t i, bootstrap_served_fn served, void *arg);
