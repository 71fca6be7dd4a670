/* A cluster for tests of controllers: the API in memory, the controllers that are named, a kubelet by hand,
 * all in one simulation.
 */
#pragma once

#include "api/types/apps.h"
#include "api/types/core.h"
#include "base/sim.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "client/client.h"
#include "controller/controller.h"
#include "unit/client/fake_client.h"
#include "unit/unit.h"

struct cluster {
    struct sim *sim;
    struct fake *fake;
    struct client *client;
    struct controllers *controllers;
    struct controllers_options options;
    struct str *names;
    VEC(struct object *) held; /* what cluster_get_body has handed out */
    size_t n_addresses;
};

/* names: of controllers, with spaces between. */
void cluster_open(struct cluster *w, const char *names);
/* The same with options; client and controllers are filled in. */
void cluster_open_with(struct cluster *w, const char *names, struct controllers_options options);
void cluster_close(struct cluster *w);
#define _cleanup_cluster __attribute__((cleanup(cluster_close)))

/* Stops the controllers and starts new ones that know nothing. */
void cluster_restart(struct cluster *w);

/* Until nobody has anything to do now. */
void cluster_settle(struct cluster *w);
/* Lets so much time pass. */
void cluster_pass(struct cluster *w, double seconds);

/* The kubelet: all pods that are not deleted get an address and are running and ready from now on; pods that
 * are being deleted go. Then all settles. Returns how many pods there are. */
size_t cluster_run_pods(struct cluster *w);
/* The same until nothing changes any more. */
void cluster_run_all(struct cluster *w);
/* A pod that has ended. */
void cluster_finish_pod(struct cluster *w, const char *ns, const char *name, const char *phase,
                        int exit_code);

/* Body of an object, kept until the world closes; fails the test when it is not there. */
const void *cluster_get_body(struct cluster *w, const struct kind *k, const char *ns, const char *name);
#define body_of(w, type, kind_id, ns, name)                                                                  \
    ((const struct type *)cluster_get_body((w), KIND(kind_id), (ns), (name)))
bool cluster_has(struct cluster *w, const struct kind *k, const char *ns, const char *name);
/* Objects of a kind that controller owns by uid. */
uint32_t cluster_count_owned(struct cluster *w, const struct kind *k, struct str uid);
/* The first of them, kept until the cluster closes, or NULL. */
const struct object *cluster_first_owned(struct cluster *w, const struct kind *k, struct str uid);
