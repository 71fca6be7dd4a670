/* kubelet/pod_cache: what the runtime has of all pods, as of the last look, and when to look again.
 *
 * A relist asks the runtime for short lists of all sandboxes and containers and compares them with the last
 * ones; pods that changed are told of. The full view of one pod is fetched when it is asked for and kept
 * until the pod changes, so a quiet node asks for two lists a second and nothing else. Runtimes that send
 * events make relists rare.
 *
 * Threads: relist and refresh from one thread at a time each; views from any thread. Blocks: workers only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kubelet/pod_view.h"

struct arena;
struct clock;
struct err;
struct pod_cache;
struct runtime;

struct pod_cache *pod_cache_new(struct runtime *r, struct clock *clock);
void pod_cache_free(struct pod_cache *c);

/* Looks at all pods; changed (may be NULL) is called for each that is other than at the last relist, also for
 * those that are gone. */
int pod_cache_relist(struct pod_cache *c, void (*changed)(void *arg, struct str uid), void *arg,
                     struct err *err);

/* Monotonic time of the last relist that succeeded; 0: none. */
int64_t pod_cache_relisted_ns(struct pod_cache *c);

/* The pod as the runtime has it now; the arena holds it. A pod the runtime does not know has no sandboxes and
 * no containers. */
int pod_cache_view(struct pod_cache *c, struct str uid, struct arena *a, const struct pod_view **ret,
                   struct err *err);

/* The caller has changed something about the pod: the next view is fetched anew. */
void pod_cache_touch(struct pod_cache *c, struct str uid);

/* All uids that have a sandbox or a container, in the arena. */
uint32_t pod_cache_uids(struct pod_cache *c, struct arena *a, struct str **ret);
