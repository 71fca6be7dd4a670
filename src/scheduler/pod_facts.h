/* scheduler/pod_facts: what scheduling reads of a pod, compiled once.
 *
 * Pods that look the same to the scheduler (replicas of one template) share one struct pod_facts, so that
 * compiling, matching of selectors and memory cost once per template, not once per pod. Two pods share facts
 * when namespace, labels, being deleted, and all parts of the spec that are read here are equal, byte by
 * byte.
 *
 * Counted without atomics: the scheduler's thread only. Facts keep one object they were compiled from, since
 * selectors and texts borrow from it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/label_selector.h"
#include "api/node_selector.h"
#include "api/object.h"
#include "api/types/core.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "scheduler/symbols.h"

struct facts_request {
    uint32_t resource;
    int64_t amount;
};

struct facts_port {
    struct str protocol, ip; /* ip absent: all */
    int32_t port;
};

/* A term of pod affinity, of the pods it selects and of where. */
struct affinity_term {
    struct label_selector labels;
    struct label_selector namespace_labels; /* when by_namespace_labels */
    const struct str *namespaces;
    uint32_t n_namespaces;
    bool by_namespace_labels;
    uint32_t topology; /* key */
    int32_t weight;    /* of preferred terms; < 0: rather not there */
};
struct affinity_terms {
    const struct affinity_term *v;
    uint32_t n;
};

struct spread {
    struct label_selector labels;
    uint32_t topology; /* key */
    int32_t skew_max, domains_min;
    bool hard; /* DoNotSchedule */
    bool honor_affinity, honor_taints;
    bool counts_self; /* the pod matches its own selector */
};
struct spreads {
    const struct spread *v;
    uint32_t n;
};

struct facts_claim {
    struct str name;
    bool ephemeral; /* made for this pod by a controller */
};

struct pod_facts {
    uint32_t id, refs;
    struct str key;
    const struct object *of;
    const struct core_pod *pod; /* inside `of`: for what all pods with these facts have in common */
    struct arena arena;

    struct str ns;
    struct str_map labels;
    bool deleting;
    int32_t priority;
    bool never_preempts;

    const struct facts_request *requests; /* more than zero, each resource once; without pods */
    uint32_t n_requests;
    int64_t scored_cpu, scored_memory; /* with the defaults of containers that ask for nothing */
    bool best_effort;                  /* asks for nothing at all */

    struct label_selector node_labels; /* spec.nodeSelector */
    bool has_node_terms;
    struct node_selector node_terms, node_preferred;

    struct affinity_terms affinity, anti_affinity, preferred; /* required, required, preferred of both */
    struct spreads spreads;

    const struct facts_port *ports;
    uint32_t n_ports;
    const struct str *images; /* as nodes name them */
    uint32_t n_images, n_containers;

    const struct facts_claim *claims;
    uint32_t n_claims;
    bool has_disks; /* volumes that exclude each other */

    uint32_t n_pods; /* on nodes now */
};

struct facts_table {
    struct map by_key;
    VEC(struct pod_facts *) by_id; /* NULL: free */
    VEC(uint32_t) free_ids;
    struct symbols resources, topology;
    struct buf scratch;
};

void facts_table_init(struct facts_table *t);
/* All facts must have been released. */
void facts_table_fini(struct facts_table *t);

/* One reference. */
struct pod_facts *facts_get(struct facts_table *t, const struct object *pod);
void facts_release(struct facts_table *t, struct pod_facts *f);

/* The pod's amount of a resource. */
int64_t facts_amount(const struct pod_facts *f, uint32_t resource);

/* Whether a term means pods with these facts; namespace_labels: of a namespace (may be empty). */
bool affinity_term_matches(const struct affinity_term *t, const struct pod_facts *f,
                           struct str_map namespace_labels);

/* Whether a taint is tolerated. */
bool facts_tolerate(const struct pod_facts *f, const struct core_taint *taint);
bool toleration_matches(const struct core_toleration *t, const struct core_taint *taint);

static inline bool facts_have_pod_affinity(const struct pod_facts *f) {
    return f->affinity.n || f->anti_affinity.n || f->preferred.n;
}
