/* kubelet/pod_setup: what a pod needs on the node before and around its containers: folders, cgroups,
 * volumes, and the requests the runtime is given.
 *
 * Blocks (mounts, reads of secrets and config maps): workers only. One pod on one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "kubelet/container_spec.h"
#include "kubelet/images.h"
#include "kubelet/pod_view.h"

struct arena;
struct core_pod;
struct cri_container_config;
struct cri_pod_sandbox_config;
struct err;
struct object;
struct pod_setup;

/* Why a step failed, for the container's waiting reason and for events. */
struct setup_problem {
    const char *reason; /* CreateContainerConfigError, FailedMount, … */
    struct str message; /* in the arena */
    bool final;         /* it will not get better: the pod fails */
};

struct kubelet;
int pod_setup_new(struct kubelet *k, struct pod_setup **ret, struct err *err);
void pod_setup_free(struct pod_setup *s);

/* Borrowed. */
struct cgroups;
struct cgroups *pod_setup_cgroups(struct pod_setup *s);

/* Folders, cgroup and volumes; fine when they are there already: then what changed in secrets, config maps
 * and tokens is written. keep_cgroup: its values stay. ERR_AGAIN when something is not there yet. */
int pod_setup_prepare(struct pod_setup *s, const struct object *pod, bool keep_cgroup, struct arena *a,
                      struct setup_problem *ret_problem, struct err *err);

/* Sets the values of the pod's cgroup anew. */
int pod_setup_cgroup(struct pod_setup *s, const struct core_pod *pod, struct err *err);

/* What a container of it may use, in the runtime's terms. In the arena. */
struct cri_linux_container_resources *pod_setup_resources(struct pod_setup *s, const struct core_pod *pod,
                                                          const struct core_container *c, struct arena *a);

/* The request for its sandbox. *ret_handler: of its RuntimeClass, "" the default. */
int pod_setup_sandbox(struct pod_setup *s, const struct object *pod, uint32_t attempt, struct arena *a,
                      struct cri_pod_sandbox_config **ret, struct str *ret_handler,
                      struct setup_problem *ret_problem, struct err *err);

/* The request for one container. */
struct setup_container {
    const struct object *pod;
    const struct container_ref *container;
    const struct pod_view *view;
    const struct image_got *image;
    uint32_t attempt;
};
int pod_setup_container(struct pod_setup *s, const struct setup_container *c, struct arena *a,
                        struct cri_container_config **ret, struct setup_problem *ret_problem,
                        struct err *err);

/* After a container has started: links its log. After it ended: its termination message, in the arena. */
void pod_setup_started(struct pod_setup *s, const struct object *pod, const struct container_ref *c,
                       uint32_t attempt, struct str container_id);
struct str pod_setup_message(struct pod_setup *s, const struct core_pod *pod, const struct container_ref *c,
                             const struct container_view *v, struct arena *a);

/* Credentials of its pull secrets. What cannot be read is left out. */
void pod_setup_credentials(struct pod_setup *s, const struct object *pod, struct arena *a,
                           struct image_credentials *ret);

/* When nothing of the pod runs any more: unmounts and removes its volumes and its cgroup. Logs and last words
 * stay for as long as the pod is known. */
int pod_setup_end(struct pod_setup *s, struct str uid, struct err *err);

/* Also removes its folders and logs; nothing of the pod runs any more. Also for pods of which only
 * the uid is known. Fine when there is nothing. */
int pod_setup_remove(struct pod_setup *s, struct str uid, struct err *err);

/* Removes what all pods shared: nothing of the kubelet is left in the kernel. */
int pod_setup_clear(struct pod_setup *s, struct err *err);

/* Uids that have folders on this node, in the arena. */
uint32_t pod_setup_uids(struct pod_setup *s, struct arena *a, struct str **ret);
