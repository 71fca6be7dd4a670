/* apiserver/authz: the cache as the source of what authorisation reads. */
#include <stdlib.h>

#include "api/types/ids.h"
#include "apiserver/authz_priv.h"
#include "apiserver/cache.h"
#include "base/err.h"

static const uint16_t tree_kinds[AUTHZ_TREES] = {
    [AUTHZ_ROLES] = KIND_RBAC_ROLE,
    [AUTHZ_CLUSTER_ROLES] = KIND_RBAC_CLUSTER_ROLE,
    [AUTHZ_ROLE_BINDINGS] = KIND_RBAC_ROLE_BINDING,
    [AUTHZ_CLUSTER_ROLE_BINDINGS] = KIND_RBAC_CLUSTER_ROLE_BINDING,
    [AUTHZ_PODS] = KIND_CORE_POD,
    [AUTHZ_VOLUMES] = KIND_CORE_PERSISTENT_VOLUME,
    [AUTHZ_ATTACHMENTS] = KIND_STORAGE_VOLUME_ATTACHMENT,
    [AUTHZ_SLICES] = KIND_RESOURCE_RESOURCE_SLICE,
    [AUTHZ_POD_CERTIFICATES] = KIND_CERTIFICATES_V1BETA1_POD_CERTIFICATE_REQUEST,
};

struct cache_source {
    struct cached *resources[AUTHZ_TREES];
};

static void snapshot(void *arg, enum authz_tree tree, struct cow *ret_tree) {
    const struct cache_source *s = arg;
    struct cache_snapshot snapshot;
    cache_snapshot(s->resources[tree], &snapshot);
    cow_snapshot(tree == AUTHZ_PODS ? &snapshot.by_node : &snapshot.tree, ret_tree);
    cache_snapshot_fini(&snapshot);
}

static const struct authz_source_ops cache_source_ops = {.snapshot = snapshot, .release = free};

int authz_new(struct cache *c, struct authz **ret_authz, struct err *err) {
    struct cache_source *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    for (int i = 0; i < AUTHZ_TREES; i++) {
        const struct kind *k = &kinds[tree_kinds[i]];
        s->resources[i] = cache_of(c, k);
        if (!s->resources[i]) {
            free(s);
            return err_set(err, ERR_NOT_FOUND, "authorisation needs a resource that is not stored: %.*s",
                           STR_ARG(k->name));
        }
    }
    *ret_authz = authz_new_of(&cache_source_ops, s);
    return 0;
}
