/* api/validation: Job and CronJob. */
#include "valid.h"

#define POD_TEMPLATE(labels)                                                                                 \
    "'template':{'metadata':{'labels':{" labels "}},'spec':{'restartPolicy':'Never','dnsPolicy':"            \
    "'ClusterFirst','containers':[{'name':'c','image':'i','imagePullPolicy':'Always',"                       \
    "'terminationMessagePolicy':'File'}],'terminationGracePeriodSeconds':30}}"
#define LABELS                                                                                               \
    "'controller-uid':'1a','job-name':'n','batch.kubernetes.io/controller-uid':'1a',"                        \
    "'batch.kubernetes.io/job-name':'n'"
static const char job[] =
    "{'metadata':{'name':'n','namespace':'ns','uid':'1a'},'spec':{"
    "'parallelism':1,'completions':1,'completionMode':'NonIndexed','backoffLimit':6,"
    "'selector':{'matchLabels':{'batch.kubernetes.io/controller-uid':'1a'}}," POD_TEMPLATE(LABELS) "}}";
static const char cron_job[] =
    "{'metadata':{'name':'n','namespace':'ns'},'spec':{'schedule':'*/5 * * * *','concurrencyPolicy':'Allow',"
    "'jobTemplate':{'spec':{'parallelism':1,'completions':1," POD_TEMPLATE("'a':'b'") "}}}}";

#define JOB(edits, expected) assert_create(KIND_BATCH_JOB, job, edits, expected)
#define JOB_UPDATE(old, new, expected) assert_update(KIND_BATCH_JOB, job, old, new, expected)
#define JOB_STATUS(old, new, expected) assert_status_update(KIND_BATCH_JOB, job, old, new, expected)
#define CRON_JOB(edits, expected) assert_create(KIND_BATCH_CRON_JOB, cron_job, edits, expected)
#define INDEXED "spec.completionMode = 'Indexed' ;; "

TEST(test_job__name_fits_host_names) {
    JOB("", "");
    JOB("metadata.name = 'A'",
        "metadata.name: Invalid value: \"A\": *\n"
        "spec.template.metadata.labels[job-name]: Invalid value: *\n"
        "spec.template.metadata.labels[batch.kubernetes.io/job-name]: Invalid value: *");
    JOB("spec.manualSelector = true ;; metadata.name = 'a.b'", "");
    JOB(INDEXED "spec.manualSelector = true ;; metadata.name = 'a.b'",
        "metadata.name: Invalid value: \"a.b\": *");
    /* 61 letters, a dash, one digit. */
    JOB(INDEXED "spec.manualSelector = true ;; spec.completions = 10 ;; metadata.name = "
                "'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg'",
        "");
    JOB(INDEXED "spec.manualSelector = true ;; spec.completions = 11 ;; metadata.name = "
                "'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg'",
        "metadata.name: Invalid value: *");
}

TEST(test_job__numbers_are_not_negative) {
    JOB(INDEXED
        "spec.parallelism = -1 ;; spec.completions = -1 ;; spec.activeDeadlineSeconds = -1 ;; "
        "spec.backoffLimit = -1 ;; spec.ttlSecondsAfterFinished = -1 ;; spec.backoffLimitPerIndex = -1 "
        ";; spec.maxFailedIndexes = -1",
        "spec.parallelism: Invalid value: -1: *\nspec.completions: Invalid value: -1: *\n"
        "spec.activeDeadlineSeconds: Invalid value: -1: *\nspec.backoffLimit: Invalid value: -1: *\n"
        "spec.ttlSecondsAfterFinished: Invalid value: -1: *\n"
        "spec.backoffLimitPerIndex: Invalid value: -1: *\nspec.maxFailedIndexes: Invalid value: -1: *");
}

TEST(test_job__completion_mode_is_known) {
    JOB(INDEXED "spec.completions = 3", "");
    JOB("spec.completionMode = 'x'", "spec.completionMode: Unsupported value: \"x\": supported values: "
                                     "\"NonIndexed\", \"Indexed\"");
    JOB_UPDATE("", INDEXED "spec.parallelism = 1", "spec.completionMode: Invalid value: \"Indexed\": *");
}

TEST(test_job__indexed_needs_completions) {
    JOB(INDEXED "spec.completions = -", "spec.completions: Required value: *");
    JOB("spec.completions = -", "");
}

TEST(test_job__completions_change_with_parallelism) {
    JOB_UPDATE("", "spec.completions = 2", "spec.completions: Invalid value: 2: field is immutable");
    JOB_UPDATE(INDEXED "spec.completions = 3 ;; spec.parallelism = 3",
               "spec.completions = 2 ;; spec.parallelism = 2", "");
    JOB_UPDATE(INDEXED "spec.completions = 3 ;; spec.parallelism = 3", "spec.completions = 2",
               "spec.completions: Invalid value: 2: *");
}

TEST(test_job__indexed_parallelism_is_bounded) {
    JOB(INDEXED "spec.parallelism = 100000", "");
    JOB(INDEXED "spec.parallelism = 100001", "spec.parallelism: Invalid value: 100001: *");
    JOB("spec.parallelism = 100001", "");
    JOB(INDEXED
        "spec.completions = 100001 ;; spec.backoffLimitPerIndex = 1 ;; spec.maxFailedIndexes = 10000 ;; "
        "spec.parallelism = 10000",
        "");
    JOB(INDEXED
        "spec.completions = 100001 ;; spec.backoffLimitPerIndex = 1 ;; spec.maxFailedIndexes = 10001 ;; "
        "spec.parallelism = 10001",
        "spec.maxFailedIndexes: Invalid value: 10001: *\nspec.parallelism: Invalid value: 10001: *");
}

TEST(test_job__failed_indexes_are_bounded) {
    JOB(INDEXED "spec.maxFailedIndexes = 1", "spec.backoffLimitPerIndex: Required value: *");
    JOB(INDEXED "spec.backoffLimitPerIndex = 1 ;; spec.maxFailedIndexes = 2",
        "spec.maxFailedIndexes: Invalid value: 2: must be less than or equal to 1");
    JOB(INDEXED
        "spec.completions = 200000 ;; spec.backoffLimitPerIndex = 1 ;; spec.maxFailedIndexes = 100001",
        "spec.maxFailedIndexes: Invalid value: 100001: must be less than or equal to 100000\n"
        "spec.maxFailedIndexes: Invalid value: 100001: must be less than or equal to 10000");
    JOB(INDEXED "spec.completions = 100001 ;; spec.backoffLimitPerIndex = 1",
        "spec.maxFailedIndexes: Required value: *");
    JOB("spec.backoffLimitPerIndex = 1 ;; spec.maxFailedIndexes = 1",
        "spec.backoffLimitPerIndex: Invalid value: 1: *\nspec.maxFailedIndexes: Invalid value: 1: *");
    JOB_UPDATE(INDEXED "spec.parallelism = 1", "spec.backoffLimitPerIndex = 1",
               "spec.backoffLimitPerIndex: Invalid value: 1: field is immutable");
}

TEST(test_job__manager_is_a_path_with_a_domain) {
    JOB("spec.managedBy = 'example.com/x'", "");
    JOB("spec.managedBy = 'x'", "spec.managedBy: Invalid value: \"x\": *");
    JOB("spec.managedBy = ''", "spec.managedBy: *");
    JOB("spec.managedBy = 'example.com/aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff'",
        "spec.managedBy: Too long: *");
    JOB_UPDATE("spec.managedBy = 'a.b/c'", "spec.managedBy = 'a.b/d'", "spec.managedBy: Invalid value: *");
}

#define POLICY(rule) "spec.podFailurePolicy.rules = [" rule "]"
#define RULES "spec.podFailurePolicy.rules"

TEST(test_job__failure_policy_rules_have_an_action_and_one_condition) {
    JOB(POLICY("{'action':'FailJob','onExitCodes':{'operator':'In','values':[1,2],'containerName':'c'}},"
               "{'action':'Ignore','onPodConditions':[{'type':'DisruptionTarget','status':'True'}]}"),
        "");
    JOB(POLICY("{'action':'','onPodConditions':[{'type':'X','status':'True'}]}"),
        RULES "[0].action: Required value");
    JOB(POLICY("{'action':'x','onPodConditions':[{'type':'X','status':'True'}]}"),
        RULES "[0].action: Unsupported value: \"x\": *");
    JOB(POLICY("{'action':'FailIndex','onPodConditions':[{'type':'X','status':'True'}]}"),
        RULES "[0].action: Invalid value: \"FailIndex\": *");
    JOB(POLICY("{'action':'Count'}"), RULES "[0]: Invalid value: *");
    JOB(POLICY("{'action':'Count','onExitCodes':{'operator':'In','values':[1]},"
               "'onPodConditions':[{'type':'X','status':'True'}]}"),
        RULES "[0]: Invalid value: *");
    JOB(POLICY("") " ;; spec.template.spec.restartPolicy = 'OnFailure'",
        "spec.template.spec.restartPolicy: Invalid value: \"OnFailure\": *");
    JOB_UPDATE("", POLICY(""), "spec.podFailurePolicy: Invalid value: *");
}

TEST(test_job__failure_policy_has_a_number_of_rules) {
#define R "{'action':'Count','onPodConditions':[{'type':'X','status':'True'}]},"
#define R5 R R R R R
    JOB("spec.podFailurePolicy.rules = [" R5 R5 R5 R R R R "{'action':'Ignore','onPodConditions':"
        "[{'type':'X','status':'True'}]}]",
        "");
    JOB("spec.podFailurePolicy.rules = [" R5 R5 R5 R5 "{}]",
        RULES ": Too many: 21: must have at most 20 items");
#undef R5
#undef R
}

TEST(test_job__failure_policy_exit_codes_have_a_form) {
#define CODES(json) POLICY("{'action':'Count','onExitCodes':" json "}")
#define AT RULES "[0].onExitCodes"
    JOB(CODES("{'operator':'NotIn','values':[0,1]}"), "");
    JOB(CODES("{'operator':'','values':[1]}"), AT ".operator: Required value");
    JOB(CODES("{'operator':'x','values':[1]}"), AT ".operator: Unsupported value: \"x\": *");
    JOB(CODES("{'operator':'In','values':[1],'containerName':'y'}"),
        AT ".containerName: Invalid value: \"y\": *");
    JOB(CODES("{'operator':'In','values':[]}"), AT ".values: Invalid value: []: *");
    JOB(CODES("{'operator':'In','values':[0,1]}"), AT ".values[0]: Invalid value: 0: *");
    JOB(CODES("{'operator':'In','values':[1,1]}"), AT ".values[1]: Duplicate value: 1");
    JOB(CODES("{'operator':'In','values':[2,1]}"), AT ".values: Invalid value: *");
#undef AT
#undef CODES
}

TEST(test_job__failure_policy_conditions_have_a_form) {
#define CONDITION(type, status)                                                                              \
    POLICY("{'action':'Count','onPodConditions':[{'type':" type ",'status':" status "}]}")
#define AT RULES "[0].onPodConditions[0]"
    JOB(CONDITION("'a b'", "'True'"), AT ".type: Invalid value: \"a b\": *");
    JOB(CONDITION("'a'", "''"), AT ".status: Required value");
    JOB(CONDITION("'a'", "'x'"), AT ".status: Unsupported value: \"x\": *");
#undef AT
#undef CONDITION
}

TEST(test_job__replacement_policy_goes_with_the_failure_policy) {
    JOB("spec.podReplacementPolicy = 'TerminatingOrFailed'", "");
    JOB("spec.podReplacementPolicy = 'x'", "spec.podReplacementPolicy: Unsupported value: \"x\": *");
    JOB(POLICY("") " ;; spec.podReplacementPolicy = 'Failed'", "");
    JOB(POLICY("") " ;; spec.podReplacementPolicy = 'TerminatingOrFailed'",
        "spec.podReplacementPolicy: Unsupported value: \"TerminatingOrFailed\": supported values: "
        "\"Failed\"");
}

TEST(test_job__success_policy_is_for_indexed_jobs) {
#define SUCCESS(rules) INDEXED "spec.completions = 10 ;; spec.successPolicy.rules = [" rules "]"
#define AT "spec.successPolicy.rules"
    JOB(SUCCESS("{'succeededIndexes':'0,2-5,9','succeededCount':6}"), "");
    JOB("spec.successPolicy.rules = [{'succeededCount':1}]", "spec.successPolicy: Invalid value: *");
    JOB(SUCCESS(""), AT ": Required value: *");
    JOB(SUCCESS("{}"), AT "[0]: Required value: *");
    JOB(SUCCESS("{'succeededCount':-1}"), AT "[0].succeededCount: Invalid value: -1: *");
    JOB(SUCCESS("{'succeededCount':11}"), AT "[0].succeededCount: Invalid value: 11: *");
    JOB(SUCCESS("{'succeededIndexes':'1-2','succeededCount':3}"),
        AT "[0].succeededCount: Invalid value: 3: *");
    JOB_UPDATE(SUCCESS("{'succeededCount':1}") " ;; spec.parallelism = 1", AT " = [{'succeededCount':2}]",
               "spec.successPolicy: Invalid value: *");
#undef SUCCESS
}

TEST(test_job__success_policy_indexes_ascend_below_completions) {
    static const char *const wrong[] = {"10",    "3-10", "2-2", "3-2", "1,1",  "2,1",
                                        "1-3,3", "a",    "1-",  "-1",  "1,,2", "1,"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char edits[200], expected[200];
        struct str parts[] = {str_from(INDEXED "spec.completions = 10 ;; " AT " = [{'succeededIndexes':'"),
                              str_from(wrong[i]), str_from("'}]")};
        size_t n = 0;
        for (size_t k = 0; k < 3; k++) {
            memcpy(edits + n, parts[k].p, parts[k].n);
            n += parts[k].n;
        }
        edits[n] = '\0';
        struct str more[] = {str_from(AT "[0].succeededIndexes: Invalid value: \""), str_from(wrong[i]),
                             str_from("\": *")};
        n = 0;
        for (size_t k = 0; k < 3; k++) {
            memcpy(expected + n, more[k].p, more[k].n);
            n += more[k].n;
        }
        expected[n] = '\0';
        JOB(edits, expected);
    }
#undef AT
}

TEST(test_job__selector_is_generated) {
    JOB("spec.selector = -", "spec.selector: Required value");
    JOB("spec.selector.matchLabels = {'batch.kubernetes.io/controller-uid':'2'}",
        "spec.selector: Invalid value: *\nspec.template.metadata.labels: Invalid value: *");
    JOB("spec.manualSelector = true ;; spec.selector.matchLabels = {'x':'y'} ;; "
        "spec.template.metadata.labels "
        "= {'x':'y'}",
        "");
    JOB("spec.manualSelector = true ;; spec.selector.matchLabels = {'x':'y'}",
        "spec.template.metadata.labels: Invalid value: *");
    JOB_UPDATE("spec.manualSelector = true ;; spec.template.metadata.labels.x = 'y'",
               "spec.selector.matchLabels = {'x':'y'}", "spec.selector: Invalid value: *");
}

TEST(test_job__template_has_the_generated_labels) {
    JOB("spec.template.metadata.labels[job-name] = -",
        "spec.template.metadata.labels[job-name]: Required value: must be 'n'");
    JOB("spec.template.metadata.labels[controller-uid] = 'x'",
        "spec.template.metadata.labels[controller-uid]: Invalid value: *");
    JOB("spec.template.metadata.labels[batch.kubernetes.io/job-name] = 'x'",
        "spec.template.metadata.labels[batch.kubernetes.io/job-name]: Invalid value: *");
    JOB("metadata.uid = ''", "metadata.uid: Required value");
}

TEST(test_job__pods_may_end) {
    JOB("spec.template.spec.restartPolicy = 'OnFailure'", "");
    JOB("spec.template.spec.restartPolicy = 'Always'", "spec.template.spec.restartPolicy: Required value: *");
}

TEST(test_job__template_changes_only_while_suspended) {
#define RESOURCES "spec.template.spec.containers[0].resources = {'limits':{'cpu':'1'}}"
    JOB_UPDATE("", "spec.parallelism = 3 ;; spec.suspend = true", "");
    JOB_UPDATE("", "spec.template.spec.containers[0].image = 'j'", "spec.template: Invalid value: *");
    JOB_UPDATE("", RESOURCES, "spec.template: Invalid value: *");
    JOB_UPDATE("spec.suspend = true",
               RESOURCES
               " ;; spec.template.spec.nodeSelector = {'a':'b'} ;; "
               "spec.template.metadata.labels.z = 'y' ;; spec.template.metadata.annotations.z = 'y' ;; "
               "spec.template.spec.tolerations = [{'key':'a','operator':'Exists'}] ;; "
               "spec.template.spec.schedulingGates = [{'name':'a.b/c'}] ;; "
               "spec.template.spec.affinity = {'nodeAffinity':{}}",
               "");
    JOB_UPDATE("spec.suspend = true ;; status.active = 1", RESOURCES, "spec.template: Invalid value: *");
    JOB_UPDATE("spec.suspend = true", "spec.template.spec.containers[0].image = 'j'",
               "spec.template: Invalid value: *");
    JOB_UPDATE("spec.suspend = true", "spec.template.spec.affinity = {'podAffinity':{}}",
               "spec.template: Invalid value: *");
#undef RESOURCES
}

#define COMPLETE "{'type':'SuccessCriteriaMet','status':'True'},{'type':'Complete','status':'True'}"
#define TIMES "'startTime':'2020-01-01T00:00:00Z','completionTime':'2020-01-01T00:00:01Z'"

TEST(test_job_status__counters_are_not_negative_and_grow) {
    JOB_STATUS("", "status = {'active':-1,'succeeded':-1,'failed':-1,'ready':-1,'terminating':-1}",
               "status.active: Invalid value: -1: *\nstatus.succeeded: Invalid value: -1: *\n"
               "status.failed: Invalid value: -1: *\nstatus.ready: Invalid value: -1: *\n"
               "status.terminating: Invalid value: -1: *\nstatus.failed: Invalid value: -1: cannot be *\n"
               "status.succeeded: Invalid value: -1: cannot be *");
    JOB_STATUS("status = {'succeeded':2,'failed':2}", "status = {'succeeded':1,'failed':1}",
               "status.failed: Invalid value: 1: cannot be decremented\n"
               "status.succeeded: Invalid value: 1: cannot be decremented");
    JOB_STATUS(INDEXED "status = {'succeeded':2}", "status = {'succeeded':1}", "");
    JOB_STATUS("", "status = {'active':1,'ready':2}", "status.ready: Invalid value: 2: *");
}

TEST(test_job_status__uncounted_pods_are_unique) {
    JOB_STATUS("", "status.uncountedTerminatedPods = {'succeeded':['a',''],'failed':['a']}",
               "status.uncountedTerminatedPods.succeeded[1]: Invalid value: \"\": *\n"
               "status.uncountedTerminatedPods.failed[0]: Duplicate value: \"a\"");
}

TEST(test_job_status__complete_needs_its_signs) {
    JOB_STATUS("", "status = {" TIMES ",'conditions':[" COMPLETE "]}", "");
    JOB_STATUS("", "status = {" TIMES ",'conditions':[{'type':'Complete','status':'True'}]}",
               "status.conditions: Invalid value: *");
    JOB_STATUS("", "status = {'startTime':'2020-01-01T00:00:00Z','conditions':[" COMPLETE "]}",
               "status.completionTime: Required value: *");
    JOB_STATUS("", "status = {" TIMES "}", "status.completionTime: Invalid value: *");
}

TEST(test_job_status__failed_needs_its_target) {
    JOB_STATUS("",
               "status = {'startTime':'2020-01-01T00:00:00Z','conditions':[{'type':'FailureTarget','status':"
               "'True'},{'type':'Failed','status':'True'}]}",
               "");
    JOB_STATUS(
        "", "status = {'startTime':'2020-01-01T00:00:00Z','conditions':[{'type':'Failed','status':'True'}]}",
        "status.conditions: Invalid value: *");
}

TEST(test_job_status__ends_exclude_each_other) {
    JOB_STATUS("",
               "status = {" TIMES ",'conditions':[" COMPLETE ",{'type':'FailureTarget','status':'True'},"
               "{'type':'Failed','status':'True'}]}",
               "status.conditions: Invalid value: [*\nstatus.conditions: Invalid value: [*\n"
               "status.conditions: Invalid value: [*");
    JOB_STATUS("status = {" TIMES ",'conditions':[" COMPLETE "]}", "status = {" TIMES "}",
               "status.completionTime: Invalid value: *\n"
               "status.conditions: Invalid value: null: condition Complete *\n"
               "status.conditions: Invalid value: null: condition SuccessCriteriaMet *");
}

TEST(test_job_status__finished_has_no_pods_left) {
    JOB_STATUS("",
               "status = {'completionTime':'2020-01-01T00:00:01Z','conditions':[" COMPLETE
               "],'active':1,'terminating':1,'uncountedTerminatedPods':{'failed':['a']}}",
               "status.active: Invalid value: 1: *\nstatus.terminating: Invalid value: 1: *\n"
               "status.startTime: Required value: *\nstatus.uncountedTerminatedPods: Invalid value: *");
}

TEST(test_job_status__times_are_in_order_and_stay) {
    JOB_STATUS("",
               "status = {'startTime':'2020-01-01T00:00:01Z','completionTime':'2020-01-01T00:00:00Z',"
               "'conditions':[" COMPLETE "]}",
               "status.completionTime: Invalid value: \"2020-01-01T00:00:00Z\": *");
    JOB_STATUS("status = {" TIMES ",'conditions':[" COMPLETE "]}",
               "status.completionTime = '2020-01-01T00:00:09Z'",
               "status.completionTime: Invalid value: \"2020-01-01T00:00:09Z\": field is immutable");
    JOB_STATUS("status.startTime = '2020-01-01T00:00:00Z'", "status.startTime = '2020-01-01T00:00:01Z'",
               "status.startTime: Invalid value: *");
    JOB_STATUS("spec.suspend = true ;; status.startTime = '2020-01-01T00:00:00Z'", "status.startTime = -",
               "");
}

TEST(test_job_status__indexes_belong_to_indexed_jobs) {
    JOB_STATUS("", "status.completedIndexes = '1'", "status.completedIndexes: Invalid value: \"1\": *");
    JOB_STATUS("", "status.failedIndexes = '1'", "status.failedIndexes: Invalid value: \"1\": *");
#define BOTH INDEXED "spec.completions = 9 ;; spec.backoffLimitPerIndex = 1"
    JOB_STATUS(BOTH, "status = {'completedIndexes':'0,2-4','failedIndexes':'1,5-8'}", "");
    JOB_STATUS(
        BOTH, "status = {'completedIndexes':'9','failedIndexes':'x'}",
        "status.completedIndexes: Invalid value: \"9\": *\nstatus.failedIndexes: Invalid value: \"x\": *");
    JOB_STATUS(BOTH, "status = {'completedIndexes':'0,2-4','failedIndexes':'1,4-8'}",
               "status.failedIndexes: Invalid value: \"1,4-8\": *");
#undef BOTH
}

/* ---- CronJob ---- */

TEST(test_cron_job__name_leaves_room_for_jobs) {
    CRON_JOB("metadata.name = 'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeff'", "");
    CRON_JOB("metadata.name = 'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefff'",
             "metadata.name: Invalid value: *");
    CRON_JOB("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
}

TEST(test_cron_job__schedule_is_one) {
    CRON_JOB("spec.schedule = '@daily'", "");
    CRON_JOB("spec.schedule = ''", "spec.schedule: Required value");
    CRON_JOB("spec.schedule = '* * * *'", "spec.schedule: Invalid value: \"* * * *\": *");
    CRON_JOB("spec.schedule = 'TZ=UTC 0 * * * *'", "spec.schedule: Invalid value: \"TZ=UTC 0 * * * *\": *");
    CRON_JOB("spec.schedule = 'CRON_TZ=UTC 0 * * * *'", "spec.schedule: Invalid value: *");
    assert_update(KIND_BATCH_CRON_JOB, cron_job, "spec.schedule = 'TZ=UTC 0 * * * *'",
                  "spec.schedule = 'TZ=UTC 1 * * * *'", "");
    assert_update(KIND_BATCH_CRON_JOB, cron_job, "spec.schedule = 'TZ=UTC 0 * * * *'",
                  "spec.timeZone = 'UTC'", "spec.schedule: Invalid value: *");
}

TEST(test_cron_job__time_zone_is_known) {
    CRON_JOB("spec.timeZone = 'UTC'", "");
    CRON_JOB("spec.timeZone = ''", "spec.timeZone: Invalid value: \"\": *");
    CRON_JOB("spec.timeZone = 'Local'", "spec.timeZone: Invalid value: \"Local\": *");
    CRON_JOB("spec.timeZone = 'lOcal'", "spec.timeZone: Invalid value: \"lOcal\": *");
    CRON_JOB("spec.timeZone = 'No/Such_Zone'", "spec.timeZone: Invalid value: \"No/Such_Zone\": unknown *");
    CRON_JOB("spec.timeZone = 'a b'", "spec.timeZone: Invalid value: \"a b\": *");
    CRON_JOB("spec.timeZone = 'America//X'", "spec.timeZone: Invalid value: *");
    CRON_JOB("spec.timeZone = 'abcdefghijklmno'", "spec.timeZone: Invalid value: *");
    CRON_JOB("spec.timeZone = '../../etc/passwd'", "spec.timeZone: Invalid value: *");
}

TEST(test_cron_job__numbers_are_not_negative) {
    CRON_JOB("spec.startingDeadlineSeconds = -1 ;; spec.successfulJobsHistoryLimit = -1 ;; "
             "spec.failedJobsHistoryLimit = -1",
             "spec.startingDeadlineSeconds: Invalid value: -1: *\n"
             "spec.successfulJobsHistoryLimit: Invalid value: -1: *\n"
             "spec.failedJobsHistoryLimit: Invalid value: -1: *");
}

TEST(test_cron_job__concurrency_policy_is_known) {
    CRON_JOB("spec.concurrencyPolicy = ''", "spec.concurrencyPolicy: Required value");
    CRON_JOB("spec.concurrencyPolicy = 'x'", "spec.concurrencyPolicy: Unsupported value: \"x\": *");
}

TEST(test_cron_job__jobs_get_their_selector) {
    CRON_JOB("spec.jobTemplate.spec.selector = {'matchLabels':{'a':'b'}} ;; "
             "spec.jobTemplate.spec.manualSelector = true",
             "spec.jobTemplate.spec.selector: Invalid value: *\n"
             "spec.jobTemplate.spec.manualSelector: Unsupported value: true: *");
    CRON_JOB("spec.jobTemplate.spec.parallelism = -1",
             "spec.jobTemplate.spec.parallelism: Invalid value: -1: *");
}
