/* kubelet/env: the environment of a container, from every source, with $(NAME) expanded.
 *
 * CONFORMS: upstream's order: variables of services, then envFrom in order, then env in order; the later
 * wins.
 * $(NAME) refers to variables that were defined before and to those of services; unknown ones stay as they
 * are,
 * $$ is a dollar sign. Blocks for its sources: workers only. Results live in the arena.
 */
#pragma once

#include <stdint.h>

#include "base/map.h"
#include "base/str.h"

struct arena;
struct core_container;
struct core_pod;
struct core_service;
struct cri_key_value_array;
struct err;
struct pod_facts;
struct pod_sources;

struct env_inputs {
    const struct core_pod *pod;
    const struct core_container *container;
    const struct pod_facts *facts;
    struct pod_sources *sources;
    const char *volumes_dir; /* the pod's, for fileKeyRef; NULL: such variables fail */
};

/* ERR_NOT_FOUND when something that is not optional is missing (a CreateContainerConfigError). */
int env_make(const struct env_inputs *in, struct arena *a, struct cri_key_value_array *ret, struct err *err);

/* $(NAME) from a map of `struct str *`; returns the text itself when there is nothing to do. */
struct str env_expand(struct str text, const struct map *vars, struct arena *a);

/* The same from finished variables: for commands, arguments and subPathExpr. *ret_missing (may be NULL): a
 * name that is not defined, STR_NONE when all are. */
struct str env_expand_with(struct str text, const struct cri_key_value_array *env, struct arena *a,
                           struct str *ret_missing);

/* Variables of services, in the order the services come in: NAME_SERVICE_HOST and so on. */
void env_services(const struct core_service *const *services, uint32_t n, struct arena *a,
                  struct cri_key_value_array *ret);

/* The value of a key in a file of KEY=VALUE lines; STR_NONE when it has none. CONFORMS: KEP 3721. */
struct str env_file_get(struct str text, struct str key, struct arena *a);
