/* kubelet/container_mounts: where the volumes of a pod come into a container, subPath included.
 *
 * subPath is where a pod can trick the kubelet: whoever writes to the volume can put a link at the path. It
 * is opened once, inside the volume (safe_open.h), and what was opened is bound to a place only the kubelet
 * can write to, through its descriptor; the runtime is given that place. Blocking; workers. Needs root.
 */
#pragma once

#include <stdbool.h>

#include "api/types/cri.h"
#include "base/str.h"

struct arena;
struct core_container;
struct core_pod;
struct err;
struct volume_array;

struct container_mounts_inputs {
    const char *pod_dir; /* <pods_dir>/<uid> */
    const struct core_container *container;
    const struct volume_array *volumes;
    const struct cri_key_value_array *env; /* for subPathExpr */
    struct str hosts_file;    /* mounted at /etc/hosts unless the container mounts there; "": none */
    struct str message_file;  /* mounted at the termination message path; "": none */
    bool recursive_read_only; /* the runtime and the kernel can */
};

/* ERR_INVALID for what is wrong in the specification, ERR_NOT_FOUND for a volume that is not there. */
int container_mounts_make(const struct container_mounts_inputs *in, struct arena *a,
                          struct cri_mount_array *ret_mounts, struct cri_device_array *ret_devices,
                          struct err *err);

/* A path of the volume, bound below pod_dir/volume-subpaths/<volume>/<container>/<index>; made as a folder
 * when it is missing. *ret_path in the arena. */
struct subpath {
    const char *pod_dir;
    struct str volume, volume_path, path, container;
    unsigned index;
};
int subpath_bind(const struct subpath *s, struct arena *a, struct str *ret_path, struct err *err);
