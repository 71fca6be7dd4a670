/* Deployments: rollouts, scaling, pausing, history, deadlines. */
#include "api/meta.h"
#include "unit/controller/cluster.h"

#include <stdio.h>
#include <stdlib.h>

#define DEPLOYMENT_CONTROLLERS "replicaset-controller deployment-controller"

static void put(struct cluster *w, int replicas, const char *image, const char *more) {
    char json[2048];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\",\"annotations\":{\"note\":\"n\"}},"
        "\"spec\":{\"replicas\":%d,%s\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"template\":{"
        "\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[{\"name\":\"c\","
        "\"image\":\"%s\"}]}}}}",
        replicas, more, image);
    fake_put(w->fake, KIND(APPS_DEPLOYMENT), json);
    cluster_settle(w);
}

static void change(struct cluster *w, const char *json) {
    fake_merge(w->fake, KIND(APPS_DEPLOYMENT), "default", "web", json);
    cluster_settle(w);
}

static void set_image(struct cluster *w, const char *image) {
    char json[512];
    (void)snprintf(
        json, sizeof json,
        "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"%s\","
        "\"terminationMessagePath\":\"/dev/termination-log\",\"terminationMessagePolicy\":\"File\","
        "\"imagePullPolicy\":\"Always\"}]}}}}",
        image);
    change(w, json);
}

static const struct apps_deployment *get(struct cluster *w) {
    return body_of(w, apps_deployment, APPS_DEPLOYMENT, "default", "web");
}

static const struct apps_deployment_condition *condition(const struct apps_deployment *d, const char *type) {
    for (uint32_t i = 0; i < d->status.conditions.n; i++)
        if (str_eq(d->status.conditions.v[i].type, str_from(type)))
            return &d->status.conditions.v[i];
    fail_msg("no condition %s", type);
    return NULL;
}

/* The set whose pods have this image, or NULL. */
static const struct apps_replica_set *set_of(struct cluster *w, const char *image) {
    struct object **all;
    size_t n = fake_all(w->fake, KIND(APPS_REPLICA_SET), &all);
    const struct apps_replica_set *found = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct apps_replica_set *rs = all[i]->body;
        if (str_eq(rs->spec.template.spec.containers.v[0].image, str_from(image)))
            found = rs;
        vec_push(&w->held, all[i]);
    }
    free(all);
    return found;
}

TEST(test_deployment__makes_a_replica_set_named_after_its_template) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, DEPLOYMENT_CONTROLLERS);
    put(&w, 3, "v1", "");
    const struct apps_replica_set *rs = set_of(&w, "v1");
    assert_non_null(rs);
    struct str hash = str_map_get(rs->metadata.labels, S("pod-template-hash"));
    char name[64];
    (void)snprintf(name, sizeof name, "web-%.*s", STR_ARG(hash));
    assert_str(rs->metadata.name, name);
    assert_str_equal(str_map_get(rs->spec.selector->match_labels, S("pod-template-hash")), hash);
    assert_str_equal(str_map_get(rs->spec.template.metadata.labels, S("pod-template-hash")), hash);
    assert_str(str_map_get(rs->metadata.annotations, S("deployment.kubernetes.io/revision")), "1");
    assert_str(str_map_get(rs->metadata.annotations, S("deployment.kubernetes.io/desired-replicas")), "3");
    assert_str(str_map_get(rs->metadata.annotations, S("deployment.kubernetes.io/max-replicas")), "4");
    assert_str(str_map_get(rs->metadata.annotations, S("note")), "n");
    cluster_run_all(&w);
    const struct apps_deployment *d = get(&w);
    assert_str(str_map_get(d->metadata.annotations, S("deployment.kubernetes.io/revision")), "1");
    assert_int_equal(d->status.available_replicas, 3);
    assert_int_equal(d->status.updated_replicas, 3);
    assert_int_equal(d->status.unavailable_replicas, 0);
    assert_str(condition(d, "Available")->status, "True");
    assert_str(condition(d, "Progressing")->reason, "NewReplicaSetAvailable");
}

/* Rolls while no step may break the limits. */
static void roll_within(struct cluster *w, int replicas, int surge, int unavailable) {
    for (int i = 0; i < 300; i++) {
        struct object **pods;
        size_t n = fake_all(w->fake, KIND(CORE_POD), &pods);
        int ready = 0, alive = 0;
        for (size_t j = 0; j < n; j++) {
            const struct core_pod *p = pods[j]->body;
            bool going = meta_is_deleting(&p->metadata);
            alive += !going;
            ready += !going && str_eq(p->status.phase, S("Running"));
            object_unref(pods[j]);
        }
        free(pods);
        assert_true(alive <= replicas + surge);
        assert_true(ready >= replicas - unavailable);
        uint64_t before = fake_revision(w->fake);
        (void)cluster_run_pods(w);
        cluster_pass(w, 1);
        if (fake_revision(w->fake) == before)
            return;
    }
    fail_msg("the rollout does not end");
}

TEST(test_deployment__rolls_within_surge_and_unavailable) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, DEPLOYMENT_CONTROLLERS);
    put(&w, 10, "v1",
        "\"strategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":\"30%\",\"maxUnavailable\":"
        "1}},");
    cluster_run_all(&w);
    set_image(&w, "v2");
    roll_within(&w, 10, 3, 1);
    assert_int_equal(set_of(&w, "v1")->spec.replicas.v, 0);
    assert_int_equal(set_of(&w, "v2")->spec.replicas.v, 10);
    const struct apps_deployment *d = get(&w);
    assert_int_equal(d->status.updated_replicas, 10);
    assert_int_equal(d->status.replicas, 10);
    assert_str(str_map_get(d->metadata.annotations, S("deployment.kubernetes.io/revision")), "2");
}

TEST(test_deployment__undo_takes_the_old_set_again_under_a_new_revision) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, DEPLOYMENT_CONTROLLERS);
    put(&w, 2, "v1", "");
    cluster_run_all(&w);
    set_image(&w, "v2");
    cluster_run_all(&w);
    set_image(&w, "v1");
    cluster_run_all(&w);
    assert_int_equal(fake_count(w.fake, KIND(APPS_REPLICA_SET)), 2);
    const struct apps_replica_set *rs = set_of(&w, "v1");
    assert_int_equal(rs->spec.replicas.v, 2);
    assert_str(str_map_get(rs->metadata.annotations, S("deployment.kubernetes.io/revision")), "3");
    assert_str(str_map_get(rs->metadata.annotations, S("deployment.kubernetes.io/revision-history")), "1");
    assert_str(str_map_get(get(&w)->metadata.annotations, S("deployment.kubernetes.io/revision")), "3");
}

TEST(test_deployment__recreate_waits_until_the_last_old_pod_is_gone) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, DEPLOYMENT_CONTROLLERS);
    put(&w, 3, "v1", "\"strategy\":{\"type\":\"Recreate\"},");
    cluster_run_all(&w);
    struct str old_uid = set_of(&w, "v1")->metadata.uid;
    set_image(&w, "v2");
    assert_int_equal(set_of(&w, "v1")->spec.replicas.v, 0);
    if (cluster_count_owned(&w, KIND(CORE_POD), old_uid))
        assert_null(set_of(&w, "v2"));
    cluster_run_all(&w);
    assert_int_equal(set_of(&w, "v2")->spec.replicas.v, 3);
    assert_int_equal(get(&w)->status.available_replicas, 3);
}

TEST(test_deployment__paused_ones_scale_but_do_not_roll) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, DEPLOYMENT_CONTROLLERS);
    put(&w, 2, "v1", "");
    cluster_run_all(&w);
    change(&w, "{\"spec\":{\"paused\":true}}");
    assert_str(condition(get(&w), "Progressing")->reason, "DeploymentPaused");
    set_image(&w, "v2");
    change(&w, "{\"spec\":{\"replicas\":5}}");
    cluster_run_all(&w);
    assert_null(set_of(&w, "v2"));
    assert_int_equal(set_of(&w, "v1")->spec.replicas.v, 5);
    change(&w, "{\"spec\":{\"paused\":false}}");
    cluster_run_all(&w);
    assert_int_equal(set_of(&w, "v2")->spec.replicas.v, 5);
    assert_int_equal(set_of(&w, "v1")->spec.replicas.v, 0);
}

TEST(test_deployment__scaling_in_the_middle_of_a_rollout_is_proportional) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, DEPLOYMENT_CONTROLLERS);
    put(&w, 10, "v1",
        "\"strategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":3,\"maxUnavailable\":2}},");
    cluster_run_all(&w);
    set_image(&w, "broken"); /* its pods are not run here, so the rollout stands still at 8 and 5 */
    assert_int_equal(set_of(&w, "v1")->spec.replicas.v, 8);
    assert_int_equal(set_of(&w, "broken")->spec.replicas.v, 5);
    change(&w, "{\"spec\":{\"replicas\":15}}");
    assert_int_equal(set_of(&w, "v1")->spec.replicas.v + set_of(&w, "broken")->spec.replicas.v, 18);
    assert_int_equal(set_of(&w, "v1")->spec.replicas.v, 11);
}

TEST(test_deployment__progress_that_stops_is_told_after_the_deadline) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, DEPLOYMENT_CONTROLLERS);
    put(&w, 2, "v1", "\"progressDeadlineSeconds\":60,");
    cluster_run_all(&w);
    set_image(&w, "broken");
    assert_str(condition(get(&w), "Progressing")->status, "True");
    cluster_pass(&w, 50);
    assert_str(condition(get(&w), "Progressing")->status, "True");
    cluster_pass(&w, 20);
    assert_str(condition(get(&w), "Progressing")->status, "False");
    assert_str(condition(get(&w), "Progressing")->reason, "ProgressDeadlineExceeded");
    assert_str(condition(get(&w), "Available")->status, "True");
    cluster_run_all(&w);
    assert_str(condition(get(&w), "Progressing")->reason, "NewReplicaSetAvailable");
}

TEST(test_deployment__keeps_so_many_old_sets_as_asked_for) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, DEPLOYMENT_CONTROLLERS);
    put(&w, 1, "v0", "\"revisionHistoryLimit\":2,");
    cluster_run_all(&w);
    for (int i = 1; i <= 5; i++) {
        char image[8];
        (void)snprintf(image, sizeof image, "v%d", i);
        set_image(&w, image);
        cluster_run_all(&w);
    }
    assert_int_equal(fake_count(w.fake, KIND(APPS_REPLICA_SET)), 3);
    assert_non_null(set_of(&w, "v5"));
    assert_non_null(set_of(&w, "v4"));
    assert_non_null(set_of(&w, "v3"));
}

TEST(test_deployment__a_taken_name_gives_another_hash) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, DEPLOYMENT_CONTROLLERS);
    put(&w, 0, "v1", "");
    const struct apps_replica_set *rs = set_of(&w, "v1");
    char name[64], json[1024];
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(rs->metadata.name));
    fake_remove(w.fake, KIND(APPS_DEPLOYMENT), "default", "web");
    fake_remove(w.fake, KIND(APPS_REPLICA_SET), "default", name);
    cluster_settle(&w);
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},\"spec\":{\"replicas\":0,"
        "\"selector\":{\"matchLabels\":{\"app\":\"other\"}},\"template\":{\"metadata\":{\"labels\":{"
        "\"app\":\"other\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"x\"}]}}}}",
        name);
    fake_put(w.fake, KIND(APPS_REPLICA_SET), json);
    put(&w, 1, "v1", "");
    cluster_run_all(&w);
    assert_int_equal(get(&w)->status.collision_count.v, 1);
    rs = set_of(&w, "v1");
    assert_non_null(rs);
    assert_false(str_eq(rs->metadata.name, str_from(name)));
    assert_int_equal(get(&w)->status.available_replicas, 1);
}

TEST(test_deployment__survives_conflicts_lost_answers_and_restarts) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, DEPLOYMENT_CONTROLLERS);
    put(&w, 6, "v1", "");
    cluster_run_all(&w);
    fake_set_faults(w.fake, &(struct fake_faults){.conflict = 0.2,
                                                  .unavailable = 0.1,
                                                  .lost_answer = 0.1,
                                                  .watch_cut = 0.05,
                                                  .watch_delay_ns = NS_PER_SEC / 5});
    set_image(&w, "v2");
    for (int i = 0; i < 30; i++) {
        (void)cluster_run_pods(&w);
        cluster_pass(&w, 3);
        if (i == 7)
            cluster_restart(&w);
    }
    fake_set_faults(w.fake, &(struct fake_faults){0});
    cluster_pass(&w, 400); /* delayed retries and lost creations (expectations) run out */
    cluster_run_all(&w);
    assert_int_equal(get(&w)->status.available_replicas, 6);
    assert_int_equal(set_of(&w, "v1")->spec.replicas.v, 0);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 6);
}

TEST(test_deployment__at_rest_writes_nothing) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, DEPLOYMENT_CONTROLLERS);
    put(&w, 3, "v1", "");
    cluster_run_all(&w);
    fake_calls_clear(w.fake);
    cluster_restart(&w);
    cluster_pass(&w, 1200);
    assert_string_equal(fake_calls(w.fake), "");
}
