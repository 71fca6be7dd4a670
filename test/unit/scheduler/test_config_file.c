/* Configuration files of the scheduler. */
#include <stdio.h>

#include "api/types/scheduler_config.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "scheduler/config_file.h"
#include "unit/unit.h"

#define HEAD "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

typedef const struct scheduler_config_kube_scheduler_configuration config;

static int read_text(const char *text, struct arena *a, config **ret, struct err *err) {
    char path[600];
    (void)snprintf(path, sizeof path, "%s/scheduler.yaml", unit_tmpdir());
    assert_ok(file_write_atomic(path, str_from(text), 0600, err), err);
    return scheduler_config_read(path, a, ret, err);
}

static void assert_refused(const char *text, const char *why) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    config *c = NULL;
    assert_true(read_text(text, &a, &c, &err) < 0);
    if (!strstr(err.msg, why) || !strstr(err.msg, "scheduler.yaml"))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
}

TEST(test_config_file__is_read) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    config *c = NULL;
    assert_ok(read_text(HEAD
                        "percentageOfNodesToScore: 40\nprofiles:\n- schedulerName: one\n  pluginConfig:\n"
                        "  - name: NodeResourcesFit\n    args: {scoringStrategy: {type: MostAllocated}}\n"
                        "- schedulerName: two\n  plugins: {score: {disabled: [{name: '*'}]}}\n",
                        &a, &c, &err),
              &err);
    assert_int_equal(c->percentage_of_nodes_to_score.v, 40);
    assert_int_equal(c->profiles.n, 2);
    assert_str(c->profiles.v[1].scheduler_name, "two");
    assert_true(c->profiles.v[0].plugin_config.v[0].args.n > 0);
}

TEST(test_config_file__of_another_kind_is_refused) {
    assert_refused("apiVersion: v1\nkind: Pod\n",
                   "kubescheduler.config.k8s.io/v1 KubeSchedulerConfiguration");
    assert_refused("{}", "kubescheduler.config.k8s.io/v1 KubeSchedulerConfiguration");
}

TEST(test_config_file__that_says_what_nobody_knows_is_refused) {
    assert_refused(HEAD "percentOfNodes: 3\n", "unknown field \"percentOfNodes\"");
    assert_refused(HEAD "parallelism: 3\nparallelism: 4\n", "parallelism");
    assert_refused(HEAD "parallelism: many\n", "parallelism");
    assert_refused(HEAD "profiles: [\n", "yaml");
}

TEST(test_config_file__with_numbers_out_of_range_is_refused) {
    assert_refused(HEAD "percentageOfNodesToScore: 101\n", "percentageOfNodesToScore");
    assert_refused(HEAD "parallelism: 0\n", "parallelism: must be greater than 0");
    assert_refused(HEAD "podInitialBackoffSeconds: 20\n", "podMaxBackoffSeconds");
}

TEST(test_config_file__that_would_not_be_obeyed_is_refused) {
    assert_refused(HEAD "extenders:\n- urlPrefix: http://x\n  weight: 1\n", "extenders");
    assert_refused(HEAD "profiles: [{schedulerName: a}, {schedulerName: a}]\n", "twice");
}
