/* kubelet/volume: the volumes of a pod: set up, kept up to date, taken down.
 *
 * One file per type behind struct volume_type. Setting up does nothing where it was done before, so it is
 * called at every sync; it is also how changed config maps, secrets and tokens come into running pods. Taking
 * down goes by what lies on disk, not by the specification, so that a kubelet that has forgotten a pod can
 * still clean up after it.
 *
 * CONFORMS: upstream's folders: <pods_dir>/<uid>/volumes/<plugin with ~>/<name>, volume-subpaths/…. Blocking;
 * workers. One caller per pod at a time. Needs root.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct atomic_file;
struct clock;
struct core_pod;
struct core_volume;
struct err;
struct pod_facts;
struct pod_sources;
struct rand;

/* Of the node, the same for every pod. */
struct volume_node {
    const char *pods_dir; /* "/var/lib/kubelet/pods" */
    struct clock *clock;
    struct rand *rand;
    bool no_tmpfs; /* secrets lie on disk: for tests without rights */
};

struct volume_inputs {
    const struct volume_node *node;
    const struct core_pod *pod;
    const struct pod_facts *facts;
    struct pod_sources *sources;
};

/* A volume that is there. */
struct volume {
    struct str name;
    struct str path; /* on the host: what is mounted into containers, or a device */
    bool read_only;  /* whatever the container says */
    bool is_block;   /* a device */
};
struct volume_array {
    struct volume *v;
    uint32_t n;
};

/* What happens at one volume. */
struct volume_context {
    const struct volume_inputs *in;
    const struct core_volume *volume;
    struct arena *arena;
    struct err *err;
};

struct volume_type {
    const char *plugin; /* "kubernetes.io~empty-dir" */
    bool (*handles)(const struct core_volume *v);
    /* Fills in path and what else it knows; name is set. */
    int (*setup)(const struct volume_context *x, struct volume *ret);
};
extern const struct volume_type volume_empty_dir, volume_host_path, volume_config_map, volume_secret,
    volume_downward_api, volume_projected, volume_claim;

/* Sets up all of them, in the arena. Errors name the volume: ERR_NOT_FOUND and others that may pass,
 * ERR_UNSUPPORTED for types this node does not have. */
int volumes_setup(const struct volume_inputs *in, struct arena *a, struct volume_array *ret, struct err *err);

const struct volume *volume_named(const struct volume_array *all, struct str name);

/* Unmounts everything of a pod below pods_dir and removes its volumes; volumes_forget: also the folder
 * itself. ERR_CONFLICT when something cannot be unmounted: then nothing below it is touched. */
int volumes_teardown(const struct volume_node *node, struct str pod_uid, struct err *err);
int volumes_forget(const struct volume_node *node, struct str pod_uid, struct err *err);

/* -- for the types -- */

/* <pods_dir>/<uid>/volumes/<plugin>/<name>; made with this mode when mode is not 0. */
int volume_dir(const struct volume_context *x, const char *plugin, unsigned mode, struct str *ret_path);

/* The same on a tmpfs, where nothing of it comes to a disk. */
int volume_memory_dir(const struct volume_context *x, const char *plugin, struct str *ret_path);

bool volume_is_mounted(const char *path);

/* fsGroup of the pod, -1: none. */
int64_t volume_fs_group(const struct core_pod *pod);

/* Files of config maps, secrets, the downward API and tokens, gathered before they are written. */
struct volume_files {
    struct atomic_file *v;
    size_t n, cap;
};
struct core_config_map_projection;
struct core_secret_projection;
struct core_downward_api_volume_file_array;
int volume_add_config_map(const struct volume_context *x, const struct core_config_map_projection *from,
                          unsigned default_mode, struct volume_files *out);
int volume_add_secret(const struct volume_context *x, const struct core_secret_projection *from,
                      unsigned default_mode, struct volume_files *out);
int volume_add_downward(const struct volume_context *x,
                        const struct core_downward_api_volume_file_array *items, unsigned default_mode,
                        struct volume_files *out);
int volume_write_files(const struct volume_context *x, struct str dir, const struct volume_files *files);
