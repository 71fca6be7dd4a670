/* Jobs: completions, indexes, failures, policies, suspension. */
#include "api/meta.h"
#include "api/types/batch.h"
#include "controller/job_indexes.h"
#include "unit/controller/cluster.h"

#include <stdio.h>
#include <stdlib.h>

static void put_job(struct cluster *w, const char *spec) {
    char json[2048];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"work\",\"namespace\":\"default\"},\"spec\":{%s,\"selector\":{"
        "\"matchLabels\":{\"job-name\":\"work\"}},\"template\":{\"metadata\":{\"labels\":{\"job-name\":"
        "\"work\"}},\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]"
        "}}}}",
        spec);
    fake_put(w->fake, KIND(BATCH_JOB), json);
    cluster_pass(w, 0.5);
}

static const struct batch_job *get(struct cluster *w) {
    return body_of(w, batch_job, BATCH_JOB, "default", "work");
}

static const struct batch_job_condition *condition(struct cluster *w, const char *type) {
    const struct batch_job *j = get(w);
    for (uint32_t i = 0; i < j->status.conditions.n; i++)
        if (str_eq(j->status.conditions.v[i].type, str_from(type)))
            return &j->status.conditions.v[i];
    return NULL;
}

/* Ends up to n pods that run (or all of one index); returns how many. */
static int end_pods(struct cluster *w, int n, const char *phase, int code, const char *index) {
    struct object **all;
    size_t count = fake_all(w->fake, KIND(CORE_POD), &all);
    int ended = 0;
    for (size_t i = 0; i < count; i++) {
        const struct core_pod *p = all[i]->body;
        struct str at = str_map_get(p->metadata.annotations, S("batch.kubernetes.io/job-completion-index"));
        bool open = !str_eq(p->status.phase, S("Succeeded")) && !str_eq(p->status.phase, S("Failed")) &&
                    !meta_is_deleting(&p->metadata);
        if (open && ended < n && (!index || str_eq(at, str_from(index)))) {
            char name[128];
            (void)snprintf(name, sizeof name, "%.*s", STR_ARG(p->metadata.name));
            cluster_finish_pod(w, "default", name, phase, code);
            ended++;
        }
        object_unref(all[i]);
    }
    free(all);
    cluster_pass(w, 0.5);
    return ended;
}

/* Pods that are not ended and not ending. */
static int open_pods(struct cluster *w) {
    struct object **all;
    size_t count = fake_all(w->fake, KIND(CORE_POD), &all);
    int n = 0;
    for (size_t i = 0; i < count; i++) {
        const struct core_pod *p = all[i]->body;
        n += !str_eq(p->status.phase, S("Succeeded")) && !str_eq(p->status.phase, S("Failed")) &&
             !meta_is_deleting(&p->metadata);
        object_unref(all[i]);
    }
    free(all);
    return n;
}

TEST(test_job_indexes__are_read_and_written_as_ranges) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct index_set s = indexes_parse(&a, S("1,3-5,7,x,9-8,20"), 10);
    assert_str(indexes_format(&a, &s), "1,3-5,7");
    assert_int_equal(indexes_count(&s), 5);
    assert_true(indexes_has(&s, 4) && !indexes_has(&s, 2) && !indexes_has(&s, 20));
    int32_t more[] = {2, 0, 6, 2};
    s = indexes_with(&a, &s, more, 4);
    assert_str(indexes_format(&a, &s), "0-7");
    int32_t two[] = {8, 10};
    struct index_set t = {.n = 0};
    t = indexes_with(&a, &t, two, 2);
    assert_str(indexes_format(&a, &t), "8,10");
    assert_int_equal(indexes_common(&s, &t), 0);
    int32_t pair[] = {3, 4};
    struct index_set u = {.n = 0};
    u = indexes_with(&a, &u, pair, 2);
    assert_str(indexes_format(&a, &u), "3,4");
    assert_int_equal(indexes_common(&s, &u), 2);
}

TEST(test_job__runs_until_enough_succeeded) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "job-controller");
    put_job(&w, "\"completions\":5,\"parallelism\":2");
    assert_int_equal(open_pods(&w), 2);
    assert_int_equal(get(&w)->status.active, 2);
    assert_true(get(&w)->status.start_time.set);
    while (!condition(&w, "Complete"))
        assert_true(end_pods(&w, 1, "Succeeded", 0, NULL) == 1);
    assert_int_equal(get(&w)->status.succeeded, 5);
    assert_int_equal(get(&w)->status.active, 0);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 5);
    assert_str(condition(&w, "SuccessCriteriaMet")->reason, "CompletionsReached");
    assert_true(get(&w)->status.completion_time.set);
    struct object **all;
    size_t n = fake_all(w.fake, KIND(CORE_POD), &all);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(all[i]->meta->finalizers.n, 0); /* counted, so let go */
        object_unref(all[i]);
    }
    free(all);
}

TEST(test_job__without_completions_ends_with_the_first_success) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "job-controller");
    put_job(&w, "\"parallelism\":3");
    assert_int_equal(open_pods(&w), 3);
    (void)end_pods(&w, 1, "Succeeded", 0, NULL);
    assert_int_equal(open_pods(&w), 2); /* no new ones */
    assert_null(condition(&w, "Complete"));
    (void)end_pods(&w, 2, "Succeeded", 0, NULL);
    assert_non_null(condition(&w, "Complete"));
}

TEST(test_job__failures_wait_longer_each_time_and_end_the_job) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "job-controller");
    put_job(&w, "\"completions\":1,\"backoffLimit\":2");
    (void)end_pods(&w, 1, "Failed", 1, NULL);
    assert_int_equal(open_pods(&w), 0);
    cluster_pass(&w, 11);
    assert_int_equal(open_pods(&w), 1);
    (void)end_pods(&w, 1, "Failed", 1, NULL);
    cluster_pass(&w, 11);
    assert_int_equal(open_pods(&w), 0);
    cluster_pass(&w, 11);
    assert_int_equal(open_pods(&w), 1);
    (void)end_pods(&w, 1, "Failed", 1, NULL);
    cluster_pass(&w, 2);
    assert_str(condition(&w, "Failed")->reason, "BackoffLimitExceeded");
    assert_int_equal(get(&w)->status.failed, 3);
    cluster_pass(&w, 1000);
    assert_int_equal(open_pods(&w), 0);
}

TEST(test_job__indexed_pods_know_their_index) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "job-controller");
    put_job(&w, "\"completions\":4,\"parallelism\":4,\"completionMode\":\"Indexed\"");
    assert_int_equal(open_pods(&w), 4);
    struct object **all;
    size_t n = fake_all(w.fake, KIND(CORE_POD), &all);
    for (size_t i = 0; i < n; i++) {
        const struct core_pod *p = all[i]->body;
        char prefix[16];
        struct str index =
            str_map_get(p->metadata.annotations, S("batch.kubernetes.io/job-completion-index"));
        (void)snprintf(prefix, sizeof prefix, "work-%.*s", STR_ARG(index));
        assert_str(p->spec.hostname, prefix);
        assert_true(str_has_prefix(p->metadata.name, str_from(prefix)));
        assert_str(p->spec.containers.v[0].env.v[0].name, "JOB_COMPLETION_INDEX");
        object_unref(all[i]);
    }
    free(all);
    (void)end_pods(&w, 9, "Succeeded", 0, "0");
    (void)end_pods(&w, 9, "Succeeded", 0, "2");
    (void)end_pods(&w, 9, "Succeeded", 0, "3");
    assert_str(get(&w)->status.completed_indexes, "0,2,3");
    (void)end_pods(&w, 9, "Failed", 1, "1");
    cluster_pass(&w, 12);
    assert_int_equal(open_pods(&w), 1);
    (void)end_pods(&w, 9, "Succeeded", 0, "1");
    assert_str(get(&w)->status.completed_indexes, "0-3");
    assert_non_null(condition(&w, "Complete"));
    assert_int_equal(get(&w)->status.succeeded, 4);
    assert_int_equal(get(&w)->status.failed, 1);
}

TEST(test_job__an_index_may_fail_for_itself) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "job-controller");
    put_job(&w,
            "\"completions\":2,\"parallelism\":2,\"completionMode\":\"Indexed\",\"backoffLimitPerIndex\":1");
    (void)end_pods(&w, 9, "Failed", 1, "0");
    cluster_pass(&w, 12);
    assert_int_equal(open_pods(&w), 2);
    assert_null(get(&w)->status.failed_indexes.n ? "lost too early" : NULL);
    (void)end_pods(&w, 9, "Failed", 1, "0");
    cluster_pass(&w, 60);
    assert_str(get(&w)->status.failed_indexes, "0");
    assert_int_equal(open_pods(&w), 1);
    (void)end_pods(&w, 9, "Succeeded", 0, "1");
    cluster_pass(&w, 2);
    assert_str(condition(&w, "Failed")->reason, "FailedIndexes");
    assert_str(get(&w)->status.completed_indexes, "1");
}

TEST(test_job__a_failure_policy_decides) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "job-controller");
    put_job(&w,
            "\"completions\":1,\"backoffLimit\":0,\"podFailurePolicy\":{\"rules\":[{\"action\":\"Ignore\","
            "\"onExitCodes\":{\"operator\":\"In\",\"values\":[5]}},{\"action\":\"FailJob\",\"onExitCodes\":{"
            "\"operator\":\"In\",\"values\":[42]}}]}");
    (void)end_pods(&w, 1, "Failed", 5, NULL);
    cluster_pass(&w, 12);
    assert_int_equal(get(&w)->status.failed, 0);
    assert_int_equal(open_pods(&w), 1);
    (void)end_pods(&w, 1, "Failed", 42, NULL);
    cluster_pass(&w, 2);
    assert_str(condition(&w, "Failed")->reason, "PodFailurePolicy");
}

TEST(test_job__a_success_policy_ends_early) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "job-controller");
    put_job(
        &w,
        "\"completions\":3,\"parallelism\":3,\"completionMode\":\"Indexed\",\"successPolicy\":{\"rules\":[{"
        "\"succeededIndexes\":\"0\"}]}");
    (void)end_pods(&w, 9, "Succeeded", 0, "0");
    cluster_pass(&w, 2);
    (void)cluster_run_pods(&w);
    cluster_pass(&w, 2);
    cluster_run_all(&w);
    assert_str(condition(&w, "SuccessCriteriaMet")->reason, "SuccessPolicy");
    assert_non_null(condition(&w, "Complete"));
    assert_int_equal(open_pods(&w), 0);
}

TEST(test_job__suspended_ones_have_no_pods) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "job-controller");
    put_job(&w, "\"completions\":2,\"parallelism\":2,\"suspend\":true");
    assert_int_equal(open_pods(&w), 0);
    assert_str(condition(&w, "Suspended")->status, "True");
    assert_false(get(&w)->status.start_time.set);
    fake_merge(w.fake, KIND(BATCH_JOB), "default", "work", "{\"spec\":{\"suspend\":false}}");
    cluster_pass(&w, 1);
    assert_int_equal(open_pods(&w), 2);
    assert_str(condition(&w, "Suspended")->status, "False");
    assert_true(get(&w)->status.start_time.set);
    fake_merge(w.fake, KIND(BATCH_JOB), "default", "work", "{\"spec\":{\"suspend\":true}}");
    cluster_pass(&w, 1);
    cluster_run_all(&w);
    assert_int_equal(open_pods(&w), 0);
    assert_int_equal(get(&w)->status.active, 0);
}

TEST(test_job__ends_at_its_deadline) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "job-controller");
    put_job(&w, "\"completions\":1,\"activeDeadlineSeconds\":30");
    cluster_pass(&w, 25);
    assert_int_equal(open_pods(&w), 1);
    cluster_pass(&w, 10);
    cluster_run_all(&w);
    assert_int_equal(open_pods(&w), 0);
    assert_str(condition(&w, "Failed")->reason, "DeadlineExceeded");
}

TEST(test_job__others_manage_theirs) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "job-controller");
    put_job(&w, "\"completions\":1,\"managedBy\":\"example.com/other\"");
    assert_int_equal(open_pods(&w), 0);
}

TEST(test_job__pods_of_a_deleted_job_are_let_go) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "job-controller garbage-collector-controller");
    put_job(&w, "\"completions\":2,\"parallelism\":2");
    assert_int_equal(open_pods(&w), 2);
    assert_ok(client_delete(w.client, KIND(BATCH_JOB), S("default"), S("work"), NULL, NULL), NULL);
    cluster_pass(&w, 2);
    cluster_run_all(&w);
    assert_int_equal(fake_count(w.fake, KIND(CORE_POD)), 0);
}

TEST(test_job__counts_each_pod_once_whatever_goes_wrong) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "job-controller");
    put_job(&w, "\"completions\":30,\"parallelism\":6,\"backoffLimit\":1000");
    fake_set_faults(w.fake, &(struct fake_faults){.conflict = 0.2,
                                                  .unavailable = 0.1,
                                                  .lost_answer = 0.1,
                                                  .watch_cut = 0.05,
                                                  .watch_delay_ns = NS_PER_SEC / 2});
    int succeeded = 0;
    for (int i = 0; i < 200 && !condition(&w, "Complete"); i++) {
        succeeded += end_pods(&w, 2, "Succeeded", 0, NULL);
        cluster_pass(&w, 20);
        if (i % 17 == 5)
            cluster_restart(&w);
    }
    fake_set_faults(w.fake, &(struct fake_faults){0});
    cluster_pass(&w, 600);
    assert_non_null(condition(&w, "Complete"));
    assert_int_equal(get(&w)->status.succeeded, succeeded);
    assert_true(succeeded >= 30);
}
