/* kubelet/container_config: a container and a sandbox as the runtime is asked to make them.
 *
 * Pure: everything that had to be fetched, mounted or looked up is in the inputs. Results live in the arena
 * and borrow from the inputs. Any thread.
 */
#pragma once

#include "api/types/cri.h"
#include "base/str.h"
#include "kubelet/container_resources.h"
#include "kubelet/container_security.h"
#include "kubelet/resolv_conf.h"

struct arena;
struct core_container;
struct core_pod;
struct err;

/* Labels and annotations by which the kubelet knows its own again. */

struct container_config_inputs {
    const struct core_pod *pod;
    const struct core_container *container;
    uint32_t attempt;     /* restarts so far */
    struct str hash;      /* of the specification */
    struct str image_ref; /* what the runtime knows the image by */
    struct image_user user;
    struct str target_id; /* ephemeral: whose processes it sees; "" */
    struct cri_key_value_array env;
    struct cri_mount_array mounts;
    struct cri_device_array devices;
    const struct container_node *node;
};

/* ERR_INVALID: a CreateContainerConfigError. */
int container_config_make(const struct container_config_inputs *in, struct arena *a,
                          struct cri_container_config **ret, struct err *err);

struct sandbox_config_inputs {
    const struct core_pod *pod;
    uint32_t attempt;
    struct str hostname; /* pod_name_of */
    const struct dns_config *dns;
    struct str cgroup_parent; /* of the pod; systemd: the slice's name */
    struct str logs_dir;      /* "/var/log/pods" */
    const struct container_node *node;
};
struct cri_pod_sandbox_config *sandbox_config_make(const struct sandbox_config_inputs *in, struct arena *a);

/* "<ns>_<pod>_<uid>", the folder of its logs below logs_dir. */
struct str pod_log_dir(const struct core_pod *pod, struct arena *a);

/* The first sysctl of the pod that is neither safe nor allowed by one of the patterns ("net.core.*"),
 * STR_NONE when all are fine: such a pod fails with SysctlForbidden. */
struct str pod_forbidden_sysctl(const struct core_pod *pod, struct str_array allowed_unsafe);
