/* Where authorisation reads the world: trees of frozen objects. The cache is one (authz_cache.c), tests bring
 * their own. Inside apiserver/authz*.c only.
 */
#pragma once

#include "apiserver/authz.h"
#include "base/cow.h"

/* Keys are "ns/name" or "name"; of pods "node/ns/name". */
enum authz_tree {
    AUTHZ_ROLES,
    AUTHZ_CLUSTER_ROLES,
    AUTHZ_ROLE_BINDINGS,
    AUTHZ_CLUSTER_ROLE_BINDINGS,
    AUTHZ_RBAC_TREES, /* how many of them RBAC needs */
    AUTHZ_PODS = AUTHZ_RBAC_TREES,
    AUTHZ_VOLUMES,
    AUTHZ_ATTACHMENTS,
    AUTHZ_SLICES,
    AUTHZ_POD_CERTIFICATES,
    AUTHZ_TREES,
};

struct authz_source_ops {
    /* The present state; any thread. The caller ends it with cow_fini. */
    void (*snapshot)(void *arg, enum authz_tree tree, struct cow *ret_tree);
    /* When authorisation ends; NULL: nothing to do. */
    void (*release)(void *arg);
};

struct authz *authz_new_of(const struct authz_source_ops *ops, void *arg);
