/* scheduler: what its files share. Everything is the scheduler's thread's. */
#pragma once

#include <stdatomic.h>

#include "base/loop.h"
#include "base/map.h"
#include "base/timer.h"
#include "base/workers.h"
#include "client/client.h"
#include "client/informer.h"
#include "scheduler/framework.h"
#include "scheduler/nodes.h"
#include "scheduler/plugins/plugins.h"
#include "scheduler/pod_facts.h"
#include "scheduler/pod_queue.h"
#include "scheduler/sched_metrics.h"
#include "scheduler/scheduler.h"

struct event_recorder;
struct leader;

/* Informers that it follows. */
enum followed_kind {
    FOLLOW_NODES,
    FOLLOW_PODS,
    FOLLOW_NAMESPACES,
    FOLLOW_SERVICES,
    FOLLOW_CONTROLLERS, /* ReplicationController */
    FOLLOW_REPLICA_SETS,
    FOLLOW_STATEFUL_SETS,
    FOLLOW_CLAIMS,
    FOLLOW_VOLUMES,
    FOLLOW_CLASSES,
    FOLLOW_BUDGETS,
    FOLLOW_COUNT,
};

struct followed {
    struct scheduler *s;
    enum followed_kind kind;
    struct informer *informer;
    struct informer_listener listener;
    bool listening, synced;
};

#define PROFILES_MAX 16u

struct scheduler {
    struct scheduler_options options;
    struct client *client;
    struct loop *loop;
    struct clock *clock;
    struct rand *rand;
    struct event_recorder *events; /* one queue, a name for each profile */
    struct event_recorder *profile_events[PROFILES_MAX];
    struct profile *profiles;
    uint32_t n_profiles;
    struct arena arena; /* of the configuration */
    struct leader *leader;
    struct sched_metrics *metrics;
    atomic_bool acting;

    struct followed followed[FOLLOW_COUNT];
    bool synced;

    struct facts_table facts;
    struct nodes nodes;
    struct pod_queue queue;
    struct map pods;       /* by uid */
    struct map namespaces; /* name → object, one reference */
    size_t next_start;     /* where the next scan of candidates begins */

    struct cycle cycle;
    struct arena cycle_arena;
    struct loop_msg turn; /* runs cycles */
    bool turn_posted, stopping;
    struct timer flush;

    struct map taken_volumes;           /* owning: names of volumes that are being given to claims */
    VEC(struct binding *) volume_waits; /* until claims are bound */

    uint32_t n_bindings; /* calls under way */
    struct waiter *idle; /* signalled when there are none any more */
    atomic_uint_fast64_t bound;
    atomic_size_t waiting;
};

/* -- intake.c: events of informers -- */

int intake_start(struct scheduler *s, struct err *err);
/* On the loop, all three. */
void intake_listen(struct scheduler *s);
void intake_stop(struct scheduler *s);
void intake_release(struct scheduler *s);
/* The object of a kind that is followed; one reference, or NULL. */
struct object *scheduler_find(struct scheduler *s, enum followed_kind kind, struct str ns, struct str name);
void scheduler_event(struct scheduler *s, const struct sched_event *e);

/* -- cycle.c: choosing a node -- */

/* Posts a turn when there is something to do. */
void cycle_wake(struct scheduler *s);
void cycle_turn(struct loop_msg *msg);

/* -- binding.c: from a chosen node to a bound pod -- */

#define BINDINGS_MAX 1024u

struct binding {
    struct scheduler *s;
    struct sched_pod *pod;       /* NULL: gone meanwhile */
    const struct object *object; /* one reference */
    struct str node;             /* copied */
    const struct profile *profile;
    uint32_t step;    /* next plugin */
    bool binds;       /* PreBind is through */
    uint32_t n_calls; /* of PreBind, under way; of Bind, made */
};

/* Reserves, permits and starts binding; the pod is on the node from now on. */
void binding_start(struct scheduler *s, struct cycle *c, struct sched_node *node);
/* What a plugin that said CODE_WAIT calls later, on the loop. */
void binding_continue(struct binding *b, enum code code, const char *why);
/* Takes the pod off its node. */
void binding_forget(struct scheduler *s, struct sched_pod *pod);

/* -- volume_plan.c: what PreBind writes of volumes -- */

struct volume_patch {
    const struct kind *kind;
    struct str ns, name, text;
};
struct volume_plan {
    struct arena arena;
    struct volume_patch *patches;
    uint32_t n_patches;
    const char *failed;
    int64_t started_ns;
};
struct volume_plan *volume_plan_new(uint32_t n_max);
void volume_plan_drop(struct scheduler *s, struct sched_pod *pod);
enum code volume_plan_start(struct scheduler *s, struct binding *b);
/* Claims have changed, or time has passed. */
void volume_plans_check(struct scheduler *s);

/* -- report.c: telling why not -- */

/* "2 Insufficient cpu, 3 node(s) …", sorted. */
void report_reasons(struct cycle *c, struct map *reasons, struct buf *out);
/* Condition, event and nomination of a pod that was not placed. */
void report_failure(struct scheduler *s, struct cycle *c, enum code code);
void report_error(struct scheduler *s, struct sched_pod *pod, const char *why);
struct event_recorder *report_events(const struct scheduler *s, const struct profile *p);
/* A patch of a pod's status whose failure does not matter much. */
void report_patch(struct scheduler *s, const struct object *pod, struct str patch);

/* -- profiles.c -- */

int profiles_make(struct scheduler *s, struct err *err);
const struct profile *profile_find(const struct scheduler *s, struct str name);
