/* kubelet/pod_sources: where the parts of a pod that live elsewhere come from, and what only the node knows.
 *
 * The kubelet implements the table with its client and caches; tests with maps. Calls may block: workers
 * only. What is returned lives as long as the arena (which may hold references). ERR_NOT_FOUND when there is
 * no such object; other codes are worth another try later.
 */
#pragma once

#include <stdint.h>

#include "api/value.h"
#include "base/str.h"

struct arena;
struct core_config_map;
struct core_persistent_volume;
struct core_persistent_volume_claim;
struct core_pod;
struct core_secret;
struct core_service;
struct err;
struct pod_sources;

struct token_request {
    const struct core_pod *pod; /* the token is bound to it */
    struct str audience;        /* "": the API server's own */
    int64_t expiration_seconds;
};

struct pod_sources_ops {
    int (*config_map)(struct pod_sources *s, struct str ns, struct str name, struct arena *a,
                      const struct core_config_map **ret, struct err *err);
    int (*secret)(struct pod_sources *s, struct str ns, struct str name, struct arena *a,
                  const struct core_secret **ret, struct err *err);
    int (*claim)(struct pod_sources *s, struct str ns, struct str name, struct arena *a,
                 const struct core_persistent_volume_claim **ret, struct err *err);
    int (*volume)(struct pod_sources *s, struct str name, struct arena *a,
                  const struct core_persistent_volume **ret, struct err *err);
    /* A token of the pod's service account, cached and renewed at 80 % of its life by the implementation. */
    int (*token)(struct pod_sources *s, const struct token_request *q, struct arena *a, struct str *ret_token,
                 struct err *err);
    /* Services of the namespace and "kubernetes" of namespace default, for environment variables. */
    int (*services)(struct pod_sources *s, struct str ns, struct arena *a,
                    const struct core_service *const **ret, uint32_t *ret_n, struct err *err);
};

struct pod_sources {
    const struct pod_sources_ops *ops;
};

/* What the node knows of a pod besides its object. */
struct pod_facts {
    struct str node_name;
    struct str_array host_ips;       /* of the node, the first is its address */
    struct str_array pod_ips;        /* of the sandbox; empty before there is one */
    struct quantity_map allocatable; /* of the node: what limits default to in the downward API */
    struct str cluster_domain;
};
