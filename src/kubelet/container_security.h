/* kubelet/container_security: a container's security context in CRI's terms.
 *
 * What the container says wins over what the pod says. CONFORMS: kubelet.tsv, security. Results live in the
 * arena and borrow from the pod. Any thread.
 */
#pragma once

#include "api/value.h"
#include "base/str.h"

struct arena;
struct container_node;
struct core_container;
struct core_pod;
struct core_pod_security_context;
struct core_se_linux_options;
struct core_seccomp_profile;
struct cri_linux_container_security_context;
struct cri_linux_sandbox_security_context;
struct cri_namespace_option;
struct cri_se_linux_option;
struct cri_security_profile;
struct err;

/* Who the image says it runs as. */
struct image_user {
    struct opt_i64 uid;
    struct str name; /* "": none */
};

/* ERR_INVALID when it must not run as root and would, or cannot be known not to (a
 * CreateContainerConfigError). target_id: the container whose processes an ephemeral one sees; "" none. */
int container_security(const struct core_pod *pod, const struct core_container *c,
                       const struct image_user *user, struct str target_id, const struct container_node *node,
                       struct arena *a, struct cri_linux_container_security_context **ret, struct err *err);

struct cri_linux_sandbox_security_context *
sandbox_security(const struct core_pod *pod, const struct container_node *node, struct arena *a);

/* The node's user id a container runs as, when the pod says so. */
struct opt_i64 container_run_as_user(const struct core_pod *pod, const struct core_container *c);
