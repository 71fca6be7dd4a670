/* A user who does this and that to a Deployment while everything goes wrong now and then; when it stops going
 * wrong, the cluster is what was asked for. */
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

struct wish {
    int64_t replicas;
    int image;
};

static void apply(struct cluster *c, const struct wish *w) {
    char json[1024];
    (void)snprintf(
        json, sizeof json,
        "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"namespace\":"
        "\"default\"},\"spec\":{\"replicas\":%d,\"selector\":{\"matchLabels\":{\"app\":\"web\"}},"
        "\"strategy\":{\"rollingUpdate\":{\"maxSurge\":2,\"maxUnavailable\":1}},\"template\":{"
        "\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"terminationGracePeriodSeconds\":2,"
        "\"containers\":[{\"name\":\"c\",\"image\":\"i%d\"}]}}}}",
        (int)w->replicas, w->image);
    cluster_apply(c, json);
}

static void delete_some_pod(struct cluster *c, struct rand *r) {
    const struct informer_snapshot *s = cluster_snapshot(c, KIND(CORE_POD));
    if (!cow_count(&s->tree))
        return;
    const struct object *o = cow_nth(&s->tree, rand_below(r, cow_count(&s->tree)))->value;
    struct client_delete options = {.uid = o->meta->uid, .grace_seconds = rand_chance(r, 0.3) ? 0 : -1};
    (void)client_delete(cluster_admin(c), o->kind, o->meta->namespace, o->meta->name, &options, NULL);
}

static void act(struct cluster *c, struct wish *w, struct rand *r) {
    switch (rand_below(r, 6)) {
    case 0:
        w->replicas = (int64_t)rand_below(r, 9);
        apply(c, w);
        break;
    case 1:
        w->image++;
        apply(c, w);
        break;
    case 2: delete_some_pod(c, r); break;
    case 3: cluster_controllers(c, NULL); break;
    case 4: simnodes_fail(cluster_nodes(c), (unsigned)rand_below(r, 3)); break;
    default:
        for (unsigned i = 0; i < 3; i++)
            simnodes_recover(cluster_nodes(c), i);
        break;
    }
    cluster_pass(c, rand_unit(r) * 20);
}

static bool is_done(struct cluster *c, void *arg) {
    const struct wish *w = arg;
    const struct object *o = cluster_get(c, KIND(APPS_DEPLOYMENT), "default", "web");
    const struct apps_deployment *d = o->body;
    return d->status.observed_generation == o->meta->generation &&
           d->status.updated_replicas == w->replicas && d->status.replicas == w->replicas &&
           d->status.available_replicas == w->replicas &&
           (int64_t)cluster_count(c, KIND(CORE_POD), "default", NULL, NULL) == w->replicas;
}

static void live(uint64_t seed) {
    static const struct faulty_faults faults = {
        .conflict = 0.05,
        .unavailable = 0.05,
        .lost_answer = 0.05,
        .delay_ns = 100 * NS_PER_MS,
        .watch_delay_ns = NS_PER_SEC,
        .watch_cut = 0.02,
        .watch_down_ns = 5 * NS_PER_SEC,
    };
    struct cluster *c = cluster_new(&(struct cluster_options){.seed = seed, .nodes = 3, .placer = true});
    struct wish w = {.replicas = 3};
    cluster_invariant(c, invariant_pods_have_living_owners, NULL);
    cluster_invariant(c, invariant_nodes_are_not_full, NULL);
    cluster_invariant(c, invariant_host_ports_are_apart, NULL);
    cluster_controllers(c, NULL);
    cluster_set_faults(c, &faults);
    apply(c, &w);
    for (int i = 0; i < 8; i++)
        act(c, &w, sim_rand(cluster_sim(c)));
    cluster_set_faults(c, NULL);
    for (unsigned i = 0; i < 3; i++)
        simnodes_recover(cluster_nodes(c), i);
    if (!cluster_until(c, is_done, &w, 3600)) {
        cluster_dump(c,
                     (const struct kind *const[]){KIND(APPS_DEPLOYMENT), KIND(APPS_REPLICA_SET),
                                                  KIND(CORE_POD), KIND(CORE_NODE)},
                     3);
        fail_msg("seed %llu: not what was asked for after an hour", (unsigned long long)seed);
    }
    cluster_free(c);
}

TEST(test_random__ends_up_as_asked_for) {
    for (uint64_t seed = unit_seed(); seed < unit_seed() + cluster_seeds(20); seed++)
        live(seed);
}
