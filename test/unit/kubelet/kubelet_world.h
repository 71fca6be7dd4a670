/* test/unit/kubelet/kubelet_world: a whole kubelet, node n1, whose API and container runtime are in memory,
 * on the system's clock. Its folders are the test's; its cgroups are folders there, too.
 *
 * Images: "r.io/run:1" runs for ever, "r.io/done:1" ends with 0 at once, "r.io/fail:1" with 1.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "kubelet/kubelet_priv.h"
#include "runtime/fake.h"
#include "unit/client/fake_client.h"

struct kubelet_world {
    struct fake *api;
    struct fake_runtime *runtime;
    struct kubelet *k;
    struct kubelet_options o; /* what the kubelet is started with */
    struct arena a;
};

/* Everything but the kubelet: options may be changed before kubelet_world_start. */
void kubelet_world_init(struct kubelet_world *w);
void kubelet_world_start(struct kubelet_world *w);
void kubelet_world_fini(struct kubelet_world *w);

/* A path in the test's folder. */
const char *kubelet_world_path(struct kubelet_world *w, const char *name);

/* A pod default/<name> on the node, uid "uid-<name>"; spec: JSON of the spec's fields. */
void kubelet_world_pod(struct kubelet_world *w, const char *name, const char *spec);

/* Waits until the condition holds; fails the test after ten seconds. */
#define kubelet_world_wait(condition)                                                                        \
    do {                                                                                                     \
        int64_t kw_end = clock_mono_ns(clock_system()) + 10000000000ll;                                      \
        while (!(condition)) {                                                                               \
            if (clock_mono_ns(clock_system()) > kw_end)                                                      \
                fail_msg("in ten seconds there was no: %s", #condition);                                     \
            clock_sleep_ns(clock_system(), 2000000);                                                         \
        }                                                                                                    \
    } while (0)

/* "Running", "Pending", …; "" none; "gone" when there is no such pod. In the arena. */
const char *kubelet_world_phase(struct kubelet_world *w, const char *name);

/* The reason a container waits for, or ended with; "" none. */
const char *kubelet_world_reason(struct kubelet_world *w, const char *name);

/* The pod as it is, held by the arena; NULL: gone. */
const struct core_pod *kubelet_world_get(struct kubelet_world *w, const char *name);

/* Whether there is an event with that reason about anything. */
bool kubelet_world_event(struct kubelet_world *w, const char *reason);
