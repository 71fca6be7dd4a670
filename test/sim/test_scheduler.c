/* The scheduler in a whole cluster: server, controllers, nodes, and faults between them. */
#include <stdio.h>

#include "api/meta.h"
#include "api/types/apps.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/timefmt.h"
#include "client/reconciler.h"
#include "cluster.h"
#include "scheduler/scheduler.h"
#include "unit/unit.h"

#define SPREAD_OUT                                                                                           \
    "\"affinity\":{\"podAntiAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{"               \
    "\"labelSelector\":{\"matchLabels\":{\"app\":\"web\"}},\"topologyKey\":\"kubernetes.io/hostname\"}]}},"

#define DEPLOYMENT(replicas, spec)                                                                           \
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"namespace\":"      \
    "\"default\"},\"spec\":{\"replicas\":" replicas ",\"selector\":{\"matchLabels\":{\"app\":\"web\"}},"     \
    "\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{" spec                              \
    "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"1\"}}}]}}}}"

static bool are_available(struct cluster *c, void *arg) {
    const int64_t *wanted = arg;
    const struct object *o = cluster_get(c, KIND(APPS_DEPLOYMENT), "default", "web");
    return o && ((const struct apps_deployment *)o->body)->status.available_replicas == *wanted;
}

static struct scheduler *start_scheduler(struct cluster *c) {
    struct scheduler *s;
    struct err err = ERR_INIT;
    assert_ok(scheduler_start(&(struct scheduler_options){.client = cluster_client(c)}, &s, &err), &err);
    return s;
}

static struct cluster *start(uint64_t seed, unsigned nodes) {
    struct cluster *c = cluster_new(&(struct cluster_options){.seed = seed, .nodes = nodes});
    cluster_invariant(c, invariant_nodes_are_not_full, NULL);
    cluster_invariant(c, invariant_host_ports_are_apart, NULL);
    cluster_controllers(c, NULL);
    return c;
}

TEST(test_sim_scheduler__fills_nodes_and_no_further) {
    struct cluster *c = start(0, 3); /* of 4 cpus each */
    struct scheduler *s = start_scheduler(c);
    int64_t wanted = 12;
    cluster_apply(c, DEPLOYMENT("14", ""));
    assert_true(cluster_until(c, are_available, &wanted, 120));
    cluster_pass(c, 30);
    assert_true(are_available(c, &wanted));
    scheduler_stop(s);
    cluster_free(c);
}

TEST(test_sim_scheduler__keeps_replicas_apart) {
    struct cluster *c = start(0, 4);
    struct scheduler *s = start_scheduler(c);
    int64_t wanted = 4;
    cluster_apply(c, DEPLOYMENT("6", SPREAD_OUT));
    assert_true(cluster_until(c, are_available, &wanted, 120));
    cluster_pass(c, 30);
    assert_true(are_available(c, &wanted));
    scheduler_stop(s);
    cluster_free(c);
}

/* Calls are lost or take long, and the scheduler is replaced in between. */
TEST(test_sim_scheduler__survives_faults_and_restarts) {
    unsigned seeds = cluster_seeds(5);
    for (unsigned i = 0; i < seeds; i++) {
        struct cluster *c = start(unit_seed() + i, 3);
        struct scheduler *s = start_scheduler(c);
        int64_t wanted = 12;
        cluster_set_faults(
            c, &(struct faulty_faults){
                   .conflict = 0.05, .unavailable = 0.05, .lost_answer = 0.05, .delay_ns = NS_PER_SEC / 5});
        cluster_apply(c, DEPLOYMENT("13", ""));
        cluster_pass(c, 2);
        scheduler_stop(s);
        s = start_scheduler(c);
        cluster_pass(c, 60);
        cluster_set_faults(c, NULL);
        assert_true(cluster_until(c, are_available, &wanted, 400));
        scheduler_stop(s);
        cluster_free(c);
    }
}

/* What was assumed is not forgotten while watches are late, even when the answer was lost. */
TEST(test_sim_scheduler__late_watches_do_not_overfill_nodes) {
    unsigned seeds = cluster_seeds(5);
    for (unsigned i = 0; i < seeds; i++) {
        struct cluster *c = start(unit_seed() + i, 3);
        struct scheduler *s = start_scheduler(c);
        int64_t wanted = 12;
        cluster_set_faults(c, &(struct faulty_faults){.lost_answer = 0.2, .watch_delay_ns = 2 * NS_PER_SEC});
        cluster_apply(c, DEPLOYMENT("13", ""));
        cluster_pass(c, 60);
        cluster_set_faults(c, NULL);
        assert_true(cluster_until(c, are_available, &wanted, 400));
        scheduler_stop(s);
        cluster_free(c);
    }
}
