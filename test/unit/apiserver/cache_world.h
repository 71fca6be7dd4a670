/* A cache on a store, for tests: writes that wait for their answer, watchers that collect what they read.
 *
 * Loops and the inline memory store run on the test's thread (base/sim), unless a test brings others.
 */
#pragma once

#include "api/kind.h"
#include "apiserver/cache.h"
#include "base/sim.h"
#include "base/str.h"
#include "store/store.h"

struct world {
    struct sim *sim;
    struct store *store;
    struct cache *cache;
    struct loop *loop, *other; /* of the simulation */
};

void world_init(struct world *w);
void world_fini(struct world *w);

/* Closes the cache and opens it again on the same store. */
void world_reopen(struct world *w);

/* The outcome of a write. */
struct outcome {
    int code;
    uint64_t rv;
    int calls;
};

/* {"metadata":{"name":…,"namespace":…},"data":{"v":value}} */
struct outcome world_put_config_map(struct world *w, enum cache_op op, const char *ns, const char *name,
                                    const char *value, uint64_t expect_rv);
struct outcome world_put_pod(struct world *w, enum cache_op op, const char *ns, const char *name,
                             const char *node, uint64_t expect_rv);
struct outcome world_delete(struct world *w, const struct kind *k, const char *ns, const char *name,
                            uint64_t expect_rv);

/* Any body as JSON; its metadata must say ns and name. Inline stores only. */
struct outcome world_put(struct world *w, enum cache_op op, const struct kind *k, const char *ns,
                         const char *name, const char *json, uint64_t expect_rv);

struct cached *world_config_maps(struct world *w);
struct cached *world_pods(struct world *w);

/* A watcher that reads all there is when it is woken, and writes it down: "+ns/name@rv=value" for added, "~"
 * for modified, "-" for deleted, with a space between. */
struct recorder {
    struct cache_watcher watcher;
    int wakes, code;
    unsigned batch; /* events read at once; 0: 16 */
    uint64_t revision;
    char log[8192];
    size_t n;
};

/* -> the code of cache_watch. ns and node: NULL is all. */
int recorder_start(struct recorder *r, struct cached *resource, struct loop *loop, const char *ns,
                   const char *node, uint64_t revision);
/* What was written down since the last call. */
const char *recorder_take(struct recorder *r);
void recorder_read(struct recorder *r);
