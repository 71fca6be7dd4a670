/* scheduler/framework: the extension points of scheduling, and the cycle that plugins see.
 *
 * A plugin is a constant table of functions, one per extension point, NULL where it has nothing to do. A
 * profile is a list of plugins with weights and settings under a scheduler's name. For each pod a cycle runs:
 *
 *     PreFilter → Filter (each candidate) → [PostFilter when none is left] → PreScore → Score, NormalizeScore
 *     → Reserve → Permit → PreBind → Bind → PostBind;  Unreserve, in reverse, when something failed
 *
 * Everything runs on the scheduler's thread and must not block. What a plugin keeps for a cycle lies in
 * c->arena and is found at c->state[plugin->index]. Filters that have nothing to say of a pod return
 * CODE_SKIP from PreFilter and are then not asked for any node; the same for PreScore and Score.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "scheduler/nodes.h"
#include "scheduler/pod.h"

struct err;
struct plugin;
struct sched_event;
struct scheduler;

/* CONFORMS: the framework's status codes. */
enum code {
    CODE_SUCCESS,
    CODE_SKIP,
    CODE_UNSCHEDULABLE,
    CODE_UNRESOLVABLE, /* removing pods would not help */
    CODE_PENDING,      /* unschedulable, and back as soon as its event comes, without backoff */
    CODE_WAIT,         /* goes on with binding_continue */
    CODE_ERROR,
};

#define PLUGINS_MAX 64u
#define SCORE_MAX 100

struct cycle {
    struct scheduler *s;
    struct nodes *nodes;
    struct sched_pod *pod;
    const struct pod_facts *facts;
    const struct profile *profile;
    struct arena *arena;      /* emptied after the cycle */
    void *state[PLUGINS_MAX]; /* of each plugin */
    uint64_t skip_filter, skip_score;

    /* set by PreFilter: only these are looked at (NULL: all) */
    const struct str *only;
    uint32_t n_only;
    uint32_t only_by; /* plugin */

    /* what came of filtering, by the index of the node */
    uint8_t *codes; /* enum code */
    uint64_t rejected_by;
    bool filters_ran;   /* PreFilter passed */
    bool quiet;         /* reasons are not collected: filters run for a trial */
    struct map reasons; /* owning: text → how many nodes */
    struct buf prefilter_text, postfilter_text, error_text;

    struct sched_node **feasible;
    uint32_t n_feasible;
    int64_t *scores; /* of the feasible */
};

struct plugin_ops {
    const char *name;
    int32_t weight;  /* of Score, by default */
    uint32_t events; /* enum sched_event_type that may make a pod schedulable that it rejected */

    /* Anything but CODE_SUCCESS keeps the pod out of the queue. */
    enum code (*pre_enqueue)(const struct plugin *p, const struct sched_pod *pod);
    /* Whether a comes before b. Exactly one plugin of a profile has it. */
    bool (*before)(const struct sched_pod *a, const struct sched_pod *b);
    enum code (*pre_filter)(const struct plugin *p, struct cycle *c);
    enum code (*filter)(const struct plugin *p, struct cycle *c, const struct sched_node *n);
    /* A pod comes to a node, or leaves it (sign -1), for a trial: adjusts what PreFilter has counted. */
    void (*adjust)(const struct plugin *p, struct cycle *c, const struct sched_node *n,
                   const struct sched_pod *pod, int sign);
    /* No node is left. *ret_nominated is where room was being made before; it becomes where it is being made
     * now, or NULL. CODE_SUCCESS ends the search. */
    enum code (*post_filter)(const struct plugin *p, struct cycle *c, struct sched_node **ret_nominated);
    enum code (*pre_score)(const struct plugin *p, struct cycle *c);
    /* Fills in one raw score for each feasible node. */
    void (*score)(const struct plugin *p, struct cycle *c, int64_t *ret_scores);
    /* Brings raw scores to 0…100. NULL: they are already. */
    void (*normalize)(const struct plugin *p, struct cycle *c, int64_t *scores);
    enum code (*reserve)(const struct plugin *p, struct cycle *c, struct sched_node *n);
    void (*unreserve)(const struct plugin *p, struct scheduler *s, struct sched_pod *pod);
    enum code (*permit)(const struct plugin *p, struct cycle *c, const struct sched_node *n);
    /* CODE_WAIT: the plugin calls binding_continue later. */
    enum code (*pre_bind)(const struct plugin *p, struct scheduler *s, struct binding *b);
    /* CODE_SKIP: the next one does it. CODE_WAIT as above. */
    enum code (*bind)(const struct plugin *p, struct scheduler *s, struct binding *b);
    void (*post_bind)(const struct plugin *p, struct scheduler *s, struct sched_pod *pod);

    /* Whether an event of `events` may have made a pod schedulable that this plugin rejected. NULL: yes. */
    bool (*hint)(const struct plugin *p, struct scheduler *s, const struct sched_pod *pod,
                 const struct sched_event *e);
};

/* A plugin of a profile. */
struct plugin {
    const struct plugin_ops *ops;
    int32_t weight;
    uint32_t index; /* in the profile; bit of rejected_by */
    const void *args;
};

struct profile {
    struct str name; /* spec.schedulerName */
    struct plugin plugins[PLUGINS_MAX];
    uint32_t n_plugins;
    int32_t percentage_of_nodes; /* 0: adaptive */
};

/* What happened in the cluster, in so far as a pod may become schedulable by it. */
enum sched_event_type {
    EVENT_NODE_ADD = 1 << 0,
    EVENT_NODE_ALLOCATABLE = 1 << 1,
    EVENT_NODE_LABEL = 1 << 2,
    EVENT_NODE_TAINT = 1 << 3,
    EVENT_POD_ADD = 1 << 4,    /* now on a node */
    EVENT_POD_UPDATE = 1 << 5, /* on a node: labels, requests */
    EVENT_POD_DELETE = 1 << 6, /* gone from a node */
    EVENT_SELF = 1 << 7,       /* the pod itself was changed */
    EVENT_CLAIM = 1 << 8,
    EVENT_VOLUME = 1 << 9,
    EVENT_CLASS = 1 << 10,
    EVENT_NODE_DELETE = 1 << 11,
    EVENT_CSI = 1 << 12,
};
struct sched_event {
    uint32_t type;
    const struct sched_node *node;     /* of node events */
    const struct pod_facts *pod;       /* of pod events */
    const struct pod_facts *previous;  /* of EVENT_POD_UPDATE */
    const struct sched_node *pod_node; /* where that pod is */
    const struct object *object;       /* of the others */
};

/* Counts a reason why a node is refused. */
void cycle_reason(struct cycle *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The reason that holds for all nodes; for PreFilter. */
void cycle_prefilter(struct cycle *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cycle_error(struct cycle *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A number per node, by its index. */
#define cycle_per_node(c, type) arena_new_n((c)->arena, (c)->nodes->v.n ? (c)->nodes->v.n : 1, type)

/* Ready NormalizeScores: 100 × s / max, turned around when reverse. */
void normalize_by_max(struct cycle *c, int64_t *scores, bool reverse);

/* What plugins may look at outside of a cycle. */
struct nodes *scheduler_nodes(struct scheduler *s);
/* Labels of a namespace; empty when it is not known. */
struct str_map scheduler_namespace_labels(const struct scheduler *s, struct str ns);

/* What selects the pod: the services of its namespace that do, and the controller that owns it. False:
 * nothing does. In the arena. */
bool scheduler_default_selector(struct scheduler *s, const struct sched_pod *pod, struct arena *a,
                                struct label_selector *ret);

/* -- running the plugins (framework.c) -- */

void cycle_begin(struct cycle *c, struct scheduler *s, struct sched_pod *pod);
void cycle_end(struct cycle *c);

enum code run_pre_filter(struct cycle *c);
/* All filters on one node; reasons and the rejecting plugin are noted. */
enum code run_filters(struct cycle *c, const struct sched_node *n);
/* The same with pods taken into account that wait for room on it and are as important. */
enum code run_filters_with_nominated(struct cycle *c, struct sched_node *n);
void run_adjust(struct cycle *c, const struct sched_node *n, const struct sched_pod *pod, int sign);
/* Fills in c->scores. */
enum code run_scores(struct cycle *c);
