/* Cron jobs: when they fire, what they forget. */
#include "api/meta.h"
#include "api/types/batch.h"
#include "unit/controller/cluster.h"

#include <stdio.h>
#include <stdlib.h>

static void put(struct cluster *w, const char *schedule, const char *more) {
    char json[2048];
    /* the simulation begins at 2027-01-15T08:00:00Z */
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"tick\",\"namespace\":\"default\",\"creationTimestamp\":"
                   "\"2027-01-15T08:00:00Z\"},\"spec\":{\"schedule\":\"%s\",%s\"jobTemplate\":{\"metadata\":{"
                   "\"labels\":{"
                   "\"a\":\"b\"}},\"spec\":{\"template\":{\"spec\":{\"restartPolicy\":\"Never\","
                   "\"containers\":[{\"name\":"
                   "\"c\",\"image\":\"i\"}]}}}}}}",
                   schedule, more);
    fake_put(w->fake, KIND(BATCH_CRON_JOB), json);
    cluster_settle(w);
}

static const struct batch_cron_job *get(struct cluster *w) {
    return body_of(w, batch_cron_job, BATCH_CRON_JOB, "default", "tick");
}

static size_t jobs(struct cluster *w) {
    return fake_count(w->fake, KIND(BATCH_JOB));
}

static void finish_all(struct cluster *w, const char *type) {
    struct object **all;
    size_t n = fake_all(w->fake, KIND(BATCH_JOB), &all);
    for (size_t i = 0; i < n; i++) {
        char name[64], json[256];
        (void)snprintf(name, sizeof name, "%.*s", STR_ARG(all[i]->meta->name));
        (void)snprintf(json, sizeof json,
                       "{\"status\":{\"startTime\":\"2027-01-15T08:%02zu:00Z\",\"completionTime\":"
                       "\"2027-01-15T08:%02zu:30Z\",\"conditions\":[{\"type\":\"%s\",\"status\":\"True\"}]}}",
                       i, i, type);
        fake_merge(w->fake, KIND(BATCH_JOB), "default", name, json);
        object_unref(all[i]);
    }
    free(all);
    cluster_settle(w);
}

TEST(test_cronjob__fires_on_the_minute_with_a_name_of_its_time) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "cronjob-controller");
    put(&w, "*/5 * * * *", "");
    cluster_pass(&w, 299);
    assert_int_equal(jobs(&w), 0);
    cluster_pass(&w, 2);
    assert_int_equal(jobs(&w), 1);
    const struct batch_cron_job *cj = get(&w);
    const struct batch_job *j = cluster_first_owned(&w, KIND(BATCH_JOB), cj->metadata.uid)->body;
    assert_str(j->metadata.name, "tick-30000005");
    assert_str(str_map_get(j->metadata.annotations, S("batch.kubernetes.io/cronjob-scheduled-timestamp")),
               "2027-01-15T08:05:00Z");
    assert_str(str_map_get(j->metadata.labels, S("a")), "b");
    assert_int_equal(cj->status.active.n, 1);
    assert_int_equal(cj->status.last_schedule_time.sec, 1800000300);
    cluster_pass(&w, 600);
    assert_int_equal(jobs(&w), 3);
    assert_int_equal(get(&w)->status.active.n, 3);
}

TEST(test_cronjob__forbid_waits_for_the_one_that_runs) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "cronjob-controller");
    put(&w, "* * * * *", "\"concurrencyPolicy\":\"Forbid\",");
    cluster_pass(&w, 200);
    assert_int_equal(jobs(&w), 1);
    finish_all(&w, "Complete");
    cluster_pass(&w, 61);
    assert_int_equal(jobs(&w), 2);
    assert_true(get(&w)->status.last_successful_time.set);
}

TEST(test_cronjob__replace_ends_the_one_that_runs) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "cronjob-controller");
    put(&w, "* * * * *", "\"concurrencyPolicy\":\"Replace\",");
    cluster_pass(&w, 200);
    assert_int_equal(jobs(&w), 1);
    assert_int_equal(get(&w)->status.active.n, 1);
}

TEST(test_cronjob__suspended_ones_do_not_fire) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "cronjob-controller");
    put(&w, "* * * * *", "\"suspend\":true,");
    cluster_pass(&w, 300);
    assert_int_equal(jobs(&w), 0);
}

TEST(test_cronjob__missed_times_are_one_run_or_none) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "serviceaccount-controller");
    put(&w, "*/10 * * * *", "\"startingDeadlineSeconds\":120,");
    cluster_pass(&w, 3600 + 60);
    struct str name = S("cronjob-controller");
    w.options.controllers = &name;
    cluster_restart(&w);
    assert_int_equal(jobs(&w), 1); /* nine o'clock, a minute ago */
    assert_int_equal(get(&w)->status.last_schedule_time.sec, 1800003600);
    w.options.controllers = w.names;
    cluster_restart(&w);
    cluster_pass(&w, 800);
    w.options.controllers = &name;
    cluster_restart(&w);
    assert_int_equal(jobs(&w), 1); /* ten past nine is too long ago by now */
}

TEST(test_cronjob__keeps_so_many_as_asked_for) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "cronjob-controller");
    put(&w, "* * * * *", "\"successfulJobsHistoryLimit\":2,\"failedJobsHistoryLimit\":1,");
    for (int i = 0; i < 8; i++) {
        cluster_pass(&w, 60.5);
        finish_all(&w, i < 5 ? "Complete" : "Failed");
    }
    assert_true(jobs(&w) <= 3);
    assert_int_equal(get(&w)->status.active.n, 0);
}

TEST(test_cronjob__local_times_follow_the_zone) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "cronjob-controller");
    put(&w, "5 9 * * *", "\"timeZone\":\"Europe/Berlin\",");
    cluster_pass(&w, 310);
    assert_int_equal(jobs(&w), 1); /* 09:05 in Berlin is 08:05 UTC in January */
}

TEST(test_cronjob__bad_schedules_do_nothing) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "cronjob-controller");
    put(&w, "61 * * * *", "");
    cluster_pass(&w, 7200);
    assert_int_equal(jobs(&w), 0);
}
