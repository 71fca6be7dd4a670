/* A whole cluster in one thread on a simulated clock: the API server over the memory store, controllers,
 * nodes that play their kubelets, and faults between them. The same seed gives the same run, other seeds give
 * other interleavings.
 *
 *     struct cluster *c = cluster_new(&(struct cluster_options){.seed = seed, .nodes = 3, .placer = true});
 *     cluster_controllers(c, NULL);
 *     cluster_apply(c, "{…deployment…}");
 *     assert_true(cluster_until(c, is_rolled_out, c, 60));
 *     cluster_free(c);
 *
 * SIM_LOG=1 in the environment shows what the parts log, SIM_SEEDS=n how many seeds the long tests take.
 *
 * After every step in which something was written the invariants are looked at; one that is broken fails the
 * test with the seed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/sim.h"
#include "client/client.h"
#include "client/informer.h"
#include "controller/controller.h"
#include "faulty.h"
#include "simulate/nodes.h"

struct cluster;

struct cluster_options {
    uint64_t seed; /* 0: unit_seed() */
    unsigned nodes;
    struct simnodes_options node; /* capacity, leases, zones */
    bool placer;                  /* pods are bound without a scheduler */
};

struct cluster *cluster_new(const struct cluster_options *o);
/* Everything started by it is stopped. */
void cluster_free(struct cluster *c);

/* -- parts, to plug others in -- */

struct sim *cluster_sim(struct cluster *c);
/* The administrator, without faults: for the test itself. */
struct client *cluster_admin(struct cluster *c);
/* The administrator behind the faults: for what is tested. */
struct client *cluster_client(struct cluster *c);
/* Of the nodes and the placer; anybody may use them. */
struct loop *cluster_loop(struct cluster *c);
struct workers *cluster_workers(struct cluster *c);
struct simnodes *cluster_nodes(struct cluster *c);

/* In force until they are changed: all but the first calls suffer. NULL: none. */
void cluster_set_faults(struct cluster *c, const struct faulty_faults *faults);

/* Starts the controllers that are named, with spaces between (NULL: all that are on), or replaces those that
 * run: what they knew is lost. options (may be NULL) for the rest. */
void cluster_controllers(struct cluster *c, const char *names);
void cluster_controllers_with(struct cluster *c, const char *names,
                              const struct controllers_options *options);

/* -- acting, as the administrator; a refusal fails the test -- */

/* Server-side apply of JSON with apiVersion and kind. */
void cluster_apply(struct cluster *c, const char *json);
void cluster_patch(struct cluster *c, const struct kind *k, const char *ns, const char *name,
                   const char *merge_patch);
void cluster_delete(struct cluster *c, const struct kind *k, const char *ns, const char *name,
                    const char *propagation);

/* -- looking -- */

/* What is stored now; kept until the cluster goes, or NULL. */
const struct object *cluster_get(struct cluster *c, const struct kind *k, const char *ns, const char *name);
/* A snapshot of a kind, kept until the cluster goes. */
const struct informer_snapshot *cluster_snapshot(struct cluster *c, const struct kind *k);
/* Objects of a kind in a namespace ("" all) that have the label (NULL: any). */
size_t cluster_count(struct cluster *c, const struct kind *k, const char *ns, const char *label,
                     const char *value);

/* Prints all objects of these kinds as JSON lines to standard error, for a look at a failure. */
void cluster_dump(struct cluster *c, const struct kind *const *list, size_t n);

/* -- time -- */

void cluster_pass(struct cluster *c, double seconds);
/* Steps until it holds; false when it still does not after so many (simulated) seconds. */
bool cluster_until(struct cluster *c, bool (*holds)(struct cluster *c, void *arg), void *arg, double seconds);

/* -- invariants -- */

/* NULL: all is well; else what is wrong. Called after each step that changed a resource. */
typedef const char *(*cluster_invariant_fn)(struct cluster *c, void *arg);
void cluster_invariant(struct cluster *c, cluster_invariant_fn holds, void *arg);

/* Ready ones. */
const char *invariant_pods_have_living_owners(struct cluster *c, void *arg);
const char *invariant_host_ports_are_apart(struct cluster *c, void *arg);
const char *invariant_nodes_are_not_full(struct cluster *c, void *arg); /* number of pods and cpu */
/* arg: "ns/name" of a Deployment: pods that exist stay within replicas and surge. */
const char *invariant_surge(struct cluster *c, void *arg);

/* How many seeds a long test takes: SIM_SEEDS, or so many. */
unsigned cluster_seeds(unsigned by_default);

/* A hash of everything that was written, to compare runs. */
uint64_t cluster_fingerprint(struct cluster *c);
