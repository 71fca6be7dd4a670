/* kubelet/evict_local: what pods use of the node's disk, and those that use more than they said they would.
 *
 * Walks folders; blocks. The housekeeping thread. CONFORMS: kubelet.tsv, eviction: limits of emptyDir and of
 * ephemeral-storage.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct core_pod;
struct cri_list_container_stats_response;

struct local_usage_of {
    const struct core_pod *pod;
    const char *pods_dir;                                  /* folders of pods, by uid */
    const char *logs_dir;                                  /* of all logs */
    const struct cri_list_container_stats_response *stats; /* of all containers; NULL: none */
};

/* Bytes on disk: emptyDirs, what containers wrote, logs. */
uint64_t local_usage(const struct local_usage_of *u, struct arena *a);

/* True: it has more than one of its limits allows; *ret_message, in the arena, says which. */
bool local_usage_exceeds(const struct local_usage_of *u, struct arena *a, struct str *ret_message);
