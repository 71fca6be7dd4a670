/* A cluster for tests of the scheduler: the API in memory, the scheduler, nodes and pods by hand, all in one
 * simulation. */
#pragma once

#include "api/types/core.h"
#include "base/sim.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "scheduler/scheduler.h"
#include "unit/client/fake_client.h"
#include "unit/unit.h"

struct world {
    struct sim *sim;
    struct fake *fake;
    struct client *client;
    struct scheduler *scheduler;
    VEC(struct object *) held; /* what was handed out */
    struct arena arena;
};

void world_open(struct world *w);
void world_close(struct world *w);
#define _cleanup_world __attribute__((cleanup(world_close)))

/* Stops the scheduler and starts one that knows nothing. */
void world_restart(struct world *w);
/* Until nobody has anything to do now; for so many seconds. */
void world_settle(struct world *w);
void world_pass(struct world *w, double seconds);

/* A node with cpu, memory and 110 pods; labels and spec are JSON, "" for none ("\"zone\":\"a\""). */
void world_node(struct world *w, const char *name, const char *cpu, const char *memory, const char *labels,
                const char *spec);
/* A pod with one container; requests ("\"cpu\":\"1\""), labels and spec are JSON without braces. */
void world_pod(struct world *w, const char *name, const char *labels, const char *requests, const char *spec);

const struct core_pod *world_get(struct world *w, const char *name);
/* Where it is, "" for nowhere; valid until the world closes. */
const char *world_where(struct world *w, const char *name);
/* The message of its condition PodScheduled False, "" when there is none. */
const char *world_why(struct world *w, const char *name);
/* How many events with this reason there are. */
size_t world_events(struct world *w, const char *reason);
