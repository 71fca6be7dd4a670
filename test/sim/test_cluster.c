/* Tests of the simulation itself: the whole cluster works, the same seed gives the same run, faults are
 * survived. */
#include <stdio.h>

#include "api/meta.h"
#include "api/types/apps.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/rand.h"
#include "base/timefmt.h"
#include "client/reconciler.h"
#include "cluster.h"
#include "unit/unit.h"

#define DEPLOYMENT(replicas, image)                                                                          \
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"namespace\":"      \
    "\"default\"},\"spec\":{\"replicas\":" replicas ",\"selector\":{\"matchLabels\":{\"app\":\"web\"}},"     \
    "\"strategy\":{\"rollingUpdate\":{\"maxSurge\":1,\"maxUnavailable\":1}},"                                \
    "\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[{\"name\":\"c\","   \
    "\"image\":\"" image "\"}]}}}}"

static bool is_rolled_out(struct cluster *c, void *arg) {
    const int64_t *wanted = arg;
    const struct object *o = cluster_get(c, KIND(APPS_DEPLOYMENT), "default", "web");
    const struct apps_deployment *d = o->body;
    return d->status.observed_generation == o->meta->generation && d->status.available_replicas == *wanted &&
           d->status.updated_replicas == *wanted && d->status.replicas == *wanted;
}

static struct cluster *start(uint64_t seed) {
    struct cluster *c = cluster_new(&(struct cluster_options){.seed = seed, .nodes = 3, .placer = true});
    cluster_invariant(c, invariant_pods_have_living_owners, NULL);
    cluster_invariant(c, invariant_nodes_are_not_full, NULL);
    cluster_invariant(c, invariant_surge, (void *)(uintptr_t) "default/web");
    return c;
}

TEST(test_cluster__a_deployment_rolls_out) {
    struct cluster *c = start(0);
    int64_t wanted = 5;
    cluster_controllers(c, NULL);
    cluster_apply(c, DEPLOYMENT("5", "one"));
    assert_true(cluster_until(c, is_rolled_out, &wanted, 120));
    cluster_apply(c, DEPLOYMENT("5", "two"));
    assert_true(cluster_until(c, is_rolled_out, &wanted, 120));
    assert_int_equal(cluster_count(c, KIND(APPS_REPLICA_SET), "default", NULL, NULL), 2);
    cluster_delete(c, KIND(APPS_DEPLOYMENT), "default", "web", "Background");
    cluster_pass(c, 60);
    assert_int_equal(cluster_count(c, KIND(CORE_POD), "default", NULL, NULL), 0);
    cluster_free(c);
}

static uint64_t run(uint64_t seed, uint64_t *ret_steps) {
    struct cluster *c = start(seed);
    int64_t wanted = 4;
    cluster_controllers(c, NULL);
    cluster_apply(c, DEPLOYMENT("4", "one"));
    assert_true(cluster_until(c, is_rolled_out, &wanted, 120));
    uint64_t print = cluster_fingerprint(c);
    *ret_steps = sim_steps(cluster_sim(c));
    cluster_free(c);
    return print;
}

TEST(test_cluster__the_same_seed_gives_the_same_run) {
    uint64_t a, b, other;
    assert_true(run(7, &a) == run(7, &b));
    assert_int_equal(a, b);
    assert_true(run(8, &other) != run(7, &a));
}

TEST(test_cluster__faults_are_survived) {
    static const struct faulty_faults faults = {
        .conflict = 0.05,
        .unavailable = 0.05,
        .lost_answer = 0.05,
        .delay_ns = 50 * NS_PER_MS,
        .watch_delay_ns = 500 * NS_PER_MS,
        .watch_cut = 0.02,
        .watch_down_ns = 2 * NS_PER_SEC,
    };
    for (uint64_t seed = unit_seed(); seed < unit_seed() + cluster_seeds(5); seed++) {
        struct cluster *c = start(seed);
        int64_t wanted = 6;
        cluster_set_faults(c, &faults);
        cluster_controllers(c, NULL);
        cluster_apply(c, DEPLOYMENT("6", "one"));
        cluster_pass(c, (double)rand_below(sim_rand(cluster_sim(c)), 10));
        cluster_controllers(c, NULL); /* others take over and know nothing */
        cluster_apply(c, DEPLOYMENT("6", "two"));
        if (!cluster_until(c, is_rolled_out, &wanted, 600))
            fail_msg("seed %llu: not rolled out", (unsigned long long)seed);
        cluster_free(c);
    }
}

static bool all_gone(struct cluster *c, void *arg) {
    (void)arg;
    return cluster_count(c, KIND(CORE_POD), "default", NULL, NULL) == 0;
}

TEST(test_cluster__annotations_say_how_pods_fare) {
    struct cluster *c = start(0);
    cluster_apply(
        c, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":\"default\","
           "\"annotations\":{\"sim/ready-after\":\"5s\",\"sim/runs-for\":\"20s\",\"sim/exit-code\":\"3\"}},"
           "\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    cluster_pass(c, 3);
    const struct core_pod *p = cluster_get(c, KIND(CORE_POD), "default", "p")->body;
    assert_str(p->status.phase, "Running");
    assert_false(p->status.container_statuses.v[0].ready);
    cluster_pass(c, 4);
    p = cluster_get(c, KIND(CORE_POD), "default", "p")->body;
    assert_true(p->status.container_statuses.v[0].ready);
    cluster_pass(c, 20);
    p = cluster_get(c, KIND(CORE_POD), "default", "p")->body;
    assert_str(p->status.phase, "Failed");
    assert_int_equal(p->status.container_statuses.v[0].state.terminated->exit_code, 3);
    cluster_delete(c, KIND(CORE_POD), "default", "p", "");
    assert_true(cluster_until(c, all_gone, NULL, 60));
    cluster_free(c);
}

TEST(test_cluster__containers_that_end_start_again) {
    struct cluster *c = start(0);
    cluster_apply(
        c, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":\"default\","
           "\"annotations\":{\"sim/runs-for\":\"10s\"}},"
           "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    cluster_pass(c, 26);
    const struct core_pod *p = cluster_get(c, KIND(CORE_POD), "default", "p")->body;
    assert_str(p->status.phase, "Running");
    assert_int_equal(p->status.container_statuses.v[0].restart_count, 2);
    cluster_free(c);
}

TEST(test_cluster__failed_nodes_do_nothing_until_they_are_back) {
    struct cluster *c = start(0);
    for (unsigned i = 0; i < 3; i++)
        simnodes_fail(cluster_nodes(c), i);
    cluster_apply(
        c, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":\"default\"},"
           "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    cluster_pass(c, 10);
    const struct core_pod *p = cluster_get(c, KIND(CORE_POD), "default", "p")->body;
    assert_str(p->status.phase, "Pending");
    for (unsigned i = 0; i < 3; i++)
        simnodes_recover(cluster_nodes(c), i);
    cluster_pass(c, 10);
    p = cluster_get(c, KIND(CORE_POD), "default", "p")->body;
    assert_str(p->status.phase, "Running");
    cluster_free(c);
}
