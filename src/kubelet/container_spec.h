/* kubelet/container_spec: the containers of a pod's specification, whatever list they stand in, and their
 * restart rules.
 *
 * Pure; any thread. Results borrow from the pod.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct container_view;
struct core_container;
struct core_ephemeral_container;
struct core_pod;

enum container_list { LIST_INIT, LIST_APP, LIST_EPHEMERAL };

struct container_ref {
    const struct core_container *spec; /* ephemeral ones: a copy in the arena */
    enum container_list list;
    uint32_t index;
    struct str target; /* ephemeral: whose processes it sees */
};

/* All containers: init, app, ephemeral, in this order. *ret in the arena; returns how many. */
uint32_t container_refs(const struct core_pod *pod, struct arena *a, struct container_ref **ret);

/* False when the pod has none of that name. */
bool container_find(const struct core_pod *pod, struct str name, struct arena *a, struct container_ref *ret);

/* An init container that goes on running: a sidecar. */
bool container_is_sidecar(const struct container_ref *c);

/* What happens after it has ended with this code. CONFORMS: restartPolicyRules first, then the container's
 * own policy, then the pod's; init containers of Always pods restart on failure only. */
enum restart { RESTART_NO, RESTART_CONTAINER, RESTART_POD };
enum restart container_restart(const struct core_pod *pod, const struct container_ref *c, int32_t exit_code);

/* Eight hexadecimal digits and a NUL over what cannot change without a new container: name and image. */
void container_hash(const struct core_container *c, char out[9]);
