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

struct cache_world {
    struct sim *sim;
    struct store *store;
    struct cache *cache;
    struct loop *loop, *other; /* of the simulation */
};

void cache_world_init(struct cache_world *w);
void cache_world_fini(struct cache_world *w);

/* Closes the cache and opens it again on the same store. */
void cache_world_reopen(struct cache_world *w);

/* The outcome of a write. */
struct outcome {
    int code;
    uint64_t rv;
    int calls;
};

/* {"metadata":{"name":…,"namespace":…},"data":{"v":value}} */
struct outcome cache_world_put_config_map(struct cache_world *w, enum cache_op op, const char *ns,
                                          const char *name, const char *value, uint64_t expect_rv);
struct outcome cache_world_put_pod(struct cache_world *w, enum cache_op op, const char *ns, const char *name,
                                   const char *node, uint64_t expect_rv);
struct outcome cache_world_delete(struct cache_world *w, const struct kind *k, const char *ns,
                                  const char *name, uint64_t expect_rv);

/* Any body as JSON; its metadata must say ns and name. Inline stores only. */
struct outcome cache_world_put(struct cache_world *w, enum cache_op op, const struct kind *k, const char *ns,
                               const char *name, const char *json, uint64_t expect_rv);

struct cached *cache_world_config_maps(struct cache_world *w);
struct cached *cache_world_pods(struct cache_world *w);

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
