/* Promises that are kept at every step, whatever else goes wrong: how many pods a rollout takes away or adds,
 * one pod an ordinal, quotas, disruption budgets, one leader at a time. */
#include <stdio.h>

#include "api/meta.h"
#include "api/types/apps.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/types/policy.h"
#include "base/rand.h"
#include "base/timefmt.h"
#include "client/reconciler.h"
#include "cluster.h"
#include "scheduler/scheduler.h"
#include "unit/unit.h"

/* No pod dies by itself here, but everything else goes wrong. Watches are so late that a controller would
 * often act again before it sees what it did, if it did not wait for that (client/writes.h). */
static const struct faulty_faults faults = {
    .conflict = 0.05,
    .unavailable = 0.05,
    .lost_answer = 0.05,
    .delay_ns = 100 * NS_PER_MS,
    .watch_delay_ns = 4 * NS_PER_SEC,
    .watch_cut = 0.02,
    .watch_down_ns = 10 * NS_PER_SEC,
};

struct stage {
    struct cluster *c;
    struct scheduler *scheduler;
    struct rand *rand;
};

static struct scheduler *new_scheduler(struct cluster *c, const char *identity) {
    struct scheduler *s;
    struct err err = ERR_INIT;
    struct scheduler_options o = {
        .client = cluster_client(c), .leader_elect = identity != NULL, .identity = str_from(identity)};
    assert_ok(scheduler_start(&o, &s, &err), &err);
    return s;
}

static struct stage start(uint64_t seed) {
    struct cluster_options o = {.seed = seed, .nodes = 4, .node = {.leases = true}};
    struct stage w = {.c = cluster_new(&o)};
    w.rand = sim_rand(cluster_sim(w.c));
    cluster_invariant(w.c, invariant_pods_have_living_owners, NULL);
    cluster_invariant(w.c, invariant_nodes_are_not_full, NULL);
    cluster_controllers(w.c, NULL);
    w.scheduler = new_scheduler(w.c, NULL);
    return w;
}

static void stop(struct stage *w) {
    scheduler_stop(w->scheduler);
    cluster_free(w->c);
}

/* Now and then a part is replaced by one that knows nothing. */
static void restart_some(struct stage *w) {
    switch (rand_below(w->rand, 4)) {
    case 0: cluster_controllers(w->c, NULL); break;
    case 1:
        scheduler_stop(w->scheduler);
        w->scheduler = new_scheduler(w->c, NULL);
        break;
    default: break;
    }
}

static bool is_ready(const struct core_pod *p) {
    for (uint32_t i = 0; i < p->status.conditions.n; i++)
        if (str_eq(p->status.conditions.v[i].type, S("Ready")))
            return str_eq(p->status.conditions.v[i].status, S("True"));
    return false;
}

/* Pods of an app in default; only ready ones that nobody deletes, or all. */
static int64_t count_pods(struct cluster *c, const char *app, bool only_ready) {
    const struct informer_snapshot *s = cluster_snapshot(c, KIND(CORE_POD));
    struct cow_iter it;
    int64_t n = 0;
    cow_foreach (item, &it, cow_all(&it, &s->tree)) {
        const struct core_pod *p = ((const struct object *)item->value)->body;
        bool counts = !only_ready || (is_ready(p) && !p->metadata.deletion_timestamp.set);
        n += counts && str_eq(str_map_get(p->metadata.labels, S("app")), str_from(app));
    }
    return n;
}

static void apply_deployment(struct cluster *c, int replicas, int image, const char *strategy) {
    char json[1024];
    (void)snprintf(
        json, sizeof json,
        "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"namespace\":"
        "\"default\"},\"spec\":{\"replicas\":%d,\"selector\":{\"matchLabels\":{\"app\":\"web\"}},"
        "\"strategy\":{\"rollingUpdate\":%s},\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"}},"
        "\"spec\":{\"terminationGracePeriodSeconds\":2,\"containers\":[{\"name\":\"c\",\"image\":\"i%d\"}]}}}"
        "}",
        replicas, strategy, image);
    cluster_apply(c, json);
}

static bool is_rolled_out(struct cluster *c, void *arg) {
    (void)arg;
    const struct object *o = cluster_get(c, KIND(APPS_DEPLOYMENT), "default", "web");
    const struct apps_deployment *d = o->body;
    int64_t n = d->spec.replicas.v;
    return d->status.observed_generation == o->meta->generation && d->status.updated_replicas == n &&
           d->status.replicas == n && d->status.available_replicas == n;
}

/* -- rollouts -- */

#define REPLICAS 5

static const char *never_too_few(struct cluster *c, void *arg) {
    (void)arg;
    static char wrong[128];
    int64_t n = count_pods(c, "web", true);
    if (n >= REPLICAS - 1)
        return NULL;
    (void)snprintf(wrong, sizeof wrong, "%lld pods of %d are available, one may be away", (long long)n,
                   REPLICAS);
    return wrong;
}

TEST(test_promises__a_rollout_takes_no_more_pods_away_than_it_may) {
    unsigned seeds = cluster_seeds(5);
    for (unsigned i = 0; i < seeds; i++) {
        struct stage w = start(unit_seed() + i);
        apply_deployment(w.c, REPLICAS, 1, "{\"maxSurge\":1,\"maxUnavailable\":1}");
        assert_true(cluster_until(w.c, is_rolled_out, NULL, 120));
        cluster_pass(w.c, 5);
        cluster_invariant(w.c, never_too_few, NULL);
        cluster_set_faults(w.c, &faults);
        for (int image = 2; image < 5; image++) {
            apply_deployment(w.c, REPLICAS, image, "{\"maxSurge\":1,\"maxUnavailable\":1}");
            cluster_pass(w.c, rand_unit(w.rand) * 15);
            restart_some(&w);
        }
        cluster_set_faults(w.c, NULL);
        assert_true(cluster_until(w.c, is_rolled_out, NULL, 900));
        stop(&w);
    }
}

/* Between them the sets ask for no more than the surge allows. (Pods of a set that was made smaller may live
 * on until its controller has heard of it.) */
TEST(test_promises__a_rollout_asks_for_no_more_pods_than_it_may) {
    static char name[] = "default/web";
    unsigned seeds = cluster_seeds(5);
    for (unsigned i = 0; i < seeds; i++) {
        struct stage w = start(unit_seed() + i);
        cluster_invariant(w.c, invariant_surge, name);
        cluster_set_faults(w.c, &faults);
        for (int image = 1; image < 6; image++) {
            apply_deployment(w.c, REPLICAS, image, "{\"maxSurge\":1,\"maxUnavailable\":1}");
            cluster_pass(w.c, rand_unit(w.rand) * 25);
            restart_some(&w);
        }
        cluster_set_faults(w.c, NULL);
        assert_true(cluster_until(w.c, is_rolled_out, NULL, 900));
        stop(&w);
    }
}

static const char *never_too_many(struct cluster *c, void *arg) {
    (void)arg;
    static char wrong[128];
    const struct informer_snapshot *s = cluster_snapshot(c, KIND(CORE_POD));
    struct cow_iter it;
    int64_t n = 0;
    cow_foreach (item, &it, cow_all(&it, &s->tree))
        n += !((const struct object *)item->value)->meta->deletion_timestamp.set;
    if (n <= REPLICAS)
        return NULL;
    (void)snprintf(wrong, sizeof wrong, "%lld pods, %d are asked for", (long long)n, REPLICAS);
    return wrong;
}

static void delete_some_pod(struct stage *w) {
    const struct informer_snapshot *s = cluster_snapshot(w->c, KIND(CORE_POD));
    if (!cow_count(&s->tree))
        return;
    const struct object *o = cow_nth(&s->tree, rand_below(w->rand, cow_count(&s->tree)))->value;
    struct client_delete options = {.uid = o->meta->uid, .grace_seconds = rand_chance(w->rand, 0.5) ? 0 : -1};
    (void)client_delete(cluster_admin(w->c), o->kind, o->meta->namespace, o->meta->name, &options, NULL);
}

TEST(test_promises__a_replica_set_makes_no_pod_too_many) {
    unsigned seeds = cluster_seeds(5);
    for (unsigned i = 0; i < seeds; i++) {
        struct stage w = start(unit_seed() + i);
        cluster_invariant(w.c, never_too_many, NULL);
        cluster_set_faults(w.c, &faults);
        apply_deployment(w.c, REPLICAS, 1, "{}");
        for (int k = 0; k < 12; k++) {
            cluster_pass(w.c, rand_unit(w.rand) * 6);
            delete_some_pod(&w);
            if (k % 4 == 3)
                restart_some(&w);
        }
        cluster_set_faults(w.c, NULL);
        assert_true(cluster_until(w.c, is_rolled_out, NULL, 900));
        stop(&w);
    }
}

/* -- disruption budgets -- */

static const char *budget_holds(struct cluster *c, void *arg) {
    (void)arg;
    static char wrong[128];
    int64_t n = count_pods(c, "web", true);
    if (n >= REPLICAS - 2)
        return NULL;
    (void)snprintf(wrong, sizeof wrong, "%lld pods are healthy, the budget wants %d", (long long)n,
                   REPLICAS - 2);
    return wrong;
}

static void evict_some_pod(struct stage *w) {
    const struct informer_snapshot *s = cluster_snapshot(w->c, KIND(CORE_POD));
    if (!cow_count(&s->tree))
        return;
    const struct object *o = cow_nth(&s->tree, rand_below(w->rand, cow_count(&s->tree)))->value;
    struct policy_eviction e = {.metadata = {.name = o->meta->name, .namespace = o->meta->namespace}};
    struct client_call call = {.verb = CLIENT_CREATE,
                               .kind = KIND(CORE_POD),
                               .ns = o->meta->namespace,
                               .name = o->meta->name,
                               .subresource = S("eviction"),
                               .body = &e,
                               .body_type = TY_POLICY_EVICTION};
    struct client_answer answer = CLIENT_ANSWER_INIT;
    (void)client_do(cluster_client(w->c), &call, &answer, NULL); /* often refused, which is the point */
    client_answer_fini(&answer);
}

TEST(test_promises__evictions_keep_to_the_budget) {
    unsigned seeds = cluster_seeds(5);
    for (unsigned i = 0; i < seeds; i++) {
        struct stage w = start(unit_seed() + i);
        apply_deployment(w.c, REPLICAS, 1, "{}");
        cluster_apply(
            w.c,
            "{\"apiVersion\":\"policy/v1\",\"kind\":\"PodDisruptionBudget\",\"metadata\":{\"name\":\"web\","
            "\"namespace\":\"default\"},\"spec\":{\"maxUnavailable\":2,\"selector\":{\"matchLabels\":{"
            "\"app\":\"web\"}}}}");
        assert_true(cluster_until(w.c, is_rolled_out, NULL, 120));
        cluster_pass(w.c, 5);
        cluster_invariant(w.c, budget_holds, NULL);
        cluster_set_faults(w.c, &faults);
        for (int k = 0; k < 25; k++) {
            evict_some_pod(&w);
            cluster_pass(w.c, rand_unit(w.rand) * 3);
            if (k % 8 == 7)
                restart_some(&w);
        }
        cluster_set_faults(w.c, NULL);
        assert_true(cluster_until(w.c, is_rolled_out, NULL, 900));
        stop(&w);
    }
}

/* -- quotas -- */

#define QUOTA 4

static const char *quota_holds(struct cluster *c, void *arg) {
    (void)arg;
    static char wrong[128];
    int64_t n = count_pods(c, "web", false);
    if (n <= QUOTA)
        return NULL;
    (void)snprintf(wrong, sizeof wrong, "%lld pods, the quota allows %d", (long long)n, QUOTA);
    return wrong;
}

static bool quota_is_used_up(struct cluster *c, void *arg) {
    (void)arg;
    return count_pods(c, "web", true) == QUOTA;
}

TEST(test_promises__no_more_pods_than_the_quota_allows) {
    unsigned seeds = cluster_seeds(5);
    for (unsigned i = 0; i < seeds; i++) {
        struct stage w = start(unit_seed() + i);
        cluster_apply(
            w.c,
            "{\"apiVersion\":\"v1\",\"kind\":\"ResourceQuota\",\"metadata\":{\"name\":\"q\",\"namespace\":"
            "\"default\"},\"spec\":{\"hard\":{\"pods\":\"4\"}}}");
        cluster_pass(w.c, 10);
        cluster_invariant(w.c, quota_holds, NULL);
        cluster_set_faults(w.c, &faults);
        for (int k = 1; k < 5; k++) {
            apply_deployment(w.c, QUOTA + (int)rand_below(w.rand, 4), k, "{}");
            cluster_pass(w.c, rand_unit(w.rand) * 15);
            restart_some(&w);
        }
        cluster_set_faults(w.c, NULL);
        apply_deployment(w.c, QUOTA, 9, "{\"maxUnavailable\":1}");
        assert_true(cluster_until(w.c, quota_is_used_up, NULL, 2000));
        stop(&w);
    }
}

/* -- ordinals -- */

/* Names tell pods of one ordinal apart; but before the next one comes, those before it are ready
 * (OrderedReady), and while one is updated no other is away. */
static const char *at_most_one_is_away(struct cluster *c, void *arg) {
    (void)arg;
    static char wrong[128];
    int64_t ready = count_pods(c, "db", true);
    if (ready >= 2)
        return NULL;
    (void)snprintf(wrong, sizeof wrong, "%lld pods of 3 are ready; only one may be away", (long long)ready);
    return wrong;
}

static void apply_stateful_set(struct cluster *c, int image) {
    char json[1024];
    (void)snprintf(
        json, sizeof json,
        "{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\",\"metadata\":{\"name\":\"db\",\"namespace\":"
        "\"default\"},\"spec\":{\"replicas\":3,\"serviceName\":\"db\",\"selector\":{\"matchLabels\":{\"app\":"
        "\"db\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"db\"}},\"spec\":{"
        "\"terminationGracePeriodSeconds\":2,\"containers\":[{\"name\":\"c\",\"image\":\"i%d\"}]}}}}",
        image);
    cluster_apply(c, json);
}

static bool set_is_updated(struct cluster *c, void *arg) {
    (void)arg;
    const struct object *o = cluster_get(c, KIND(APPS_STATEFUL_SET), "default", "db");
    const struct apps_stateful_set *s = o->body;
    return s->status.observed_generation == o->meta->generation && s->status.updated_replicas == 3 &&
           s->status.ready_replicas == 3 && s->status.replicas == 3;
}

TEST(test_promises__a_stateful_set_updates_one_ordinal_at_a_time) {
    unsigned seeds = cluster_seeds(5);
    for (unsigned i = 0; i < seeds; i++) {
        struct stage w = start(unit_seed() + i);
        apply_stateful_set(w.c, 1);
        assert_true(cluster_until(w.c, set_is_updated, NULL, 120));
        cluster_pass(w.c, 5);
        cluster_invariant(w.c, at_most_one_is_away, NULL);
        cluster_set_faults(w.c, &faults);
        for (int image = 2; image < 4; image++) {
            apply_stateful_set(w.c, image);
            cluster_pass(w.c, rand_unit(w.rand) * 25);
            restart_some(&w);
        }
        cluster_set_faults(w.c, NULL);
        assert_true(cluster_until(w.c, set_is_updated, NULL, 900));
        stop(&w);
    }
}

/* -- leaders -- */

struct pair {
    struct scheduler *a, *b;
};

static const char *one_leads(struct cluster *c, void *arg) {
    (void)c;
    const struct pair *p = arg;
    return p->a && p->b && scheduler_leading(p->a) && scheduler_leading(p->b) ? "two schedulers lead" : NULL;
}

TEST(test_promises__one_scheduler_leads_and_another_takes_over) {
    unsigned seeds = cluster_seeds(5);
    for (unsigned i = 0; i < seeds; i++) {
        struct pair p = {NULL, NULL};
        struct stage w = start(unit_seed() + i);
        scheduler_stop(w.scheduler);
        w.scheduler = NULL;
        cluster_invariant(w.c, one_leads, &p);
        p.a = new_scheduler(w.c, "a");
        p.b = new_scheduler(w.c, "b");
        apply_deployment(w.c, 3, 1, "{}");
        assert_true(cluster_until(w.c, is_rolled_out, NULL, 120));
        cluster_set_faults(w.c, &faults);
        struct scheduler **leads = scheduler_leading(p.a) ? &p.a : &p.b;
        scheduler_stop(*leads);
        *leads = NULL;
        apply_deployment(w.c, 6, 1, "{}");
        cluster_pass(w.c, 20);
        cluster_set_faults(w.c, NULL);
        assert_true(cluster_until(w.c, is_rolled_out, NULL, 300));
        scheduler_stop(p.a);
        scheduler_stop(p.b);
        p = (struct pair){NULL, NULL};
        cluster_free(w.c);
    }
}
