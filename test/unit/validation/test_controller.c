/* api/validation: ReplicationController, ServiceAccount, Binding, log options. */
#include "api/types/core.h"
#include "base/arena.h"
#include "valid.h"

static const char controller[] = "{'metadata':{'name':'r','namespace':'ns'},'spec':{'replicas':1,'selector':{"
                                 "'a':'b'},'template':{'metadata':{'labels':{'a':'b'}},'spec':{"
                                 "'restartPolicy':'Always','dnsPolicy':'ClusterFirst','"
                                 "terminationGracePeriodSeconds':30,'securityContext':{},"
                                 "'containers':[{'name':'a','image':'x','terminationMessagePolicy':'File','"
                                 "imagePullPolicy':'Always'}]}}}}";

#define RC(edits, expected) assert_create(KIND_CORE_REPLICATION_CONTROLLER, controller, edits, expected)
#define RC_STATUS(edits, expected)                                                                           \
    assert_status_update(KIND_CORE_REPLICATION_CONTROLLER, controller, "", edits, expected)

TEST(test_replication_controller__name_is_a_subdomain) {
    RC("", "");
    RC("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
}

TEST(test_replication_controller__numbers_are_not_negative) {
    RC("spec.replicas = -", "spec.replicas: Required value");
    RC("spec.replicas = -1 ;; spec.minReadySeconds = -2",
       "spec.minReadySeconds: Invalid value: -2: *\nspec.replicas: Invalid value: -1: must be greater than "
       "or equal to 0");
}

TEST(test_replication_controller__selector_matches_the_template) {
    RC("spec.selector = {}", "spec.selector: Required value");
    RC("spec.selector.c = 'd'", "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` "
                                "does not match template `labels`");
}

TEST(test_replication_controller__template_restarts_always) {
    RC("spec.template = -", "spec.template: Required value");
    RC("spec.template.spec.restartPolicy = 'Never'",
       "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"");
    RC("spec.template.spec.activeDeadlineSeconds = 5",
       "spec.template.spec.activeDeadlineSeconds: Forbidden: *");
    RC("spec.template.spec.containers = []", "spec.template.spec.containers: Required value");
    assert_update(KIND_CORE_REPLICATION_CONTROLLER, controller, "", "spec.replicas = -1",
                  "spec.replicas: Invalid value: -1: *");
}

TEST(test_replication_controller__counts_are_parts_of_each_other) {
    RC_STATUS("status = {'replicas':3,'fullyLabeledReplicas':3,'readyReplicas':2,'availableReplicas':1}", "");
    RC_STATUS("status = {'replicas':-1,'observedGeneration':-1}",
              "status.replicas: Invalid value: -1: *\nstatus.observedGeneration: Invalid value: -1: *\n"
              "status.fullyLabeledReplicas: Invalid value: 0: *\nstatus.readyReplicas: Invalid value: 0: "
              "*\nstatus.availableReplicas: Invalid value: 0: *");
    RC_STATUS("status = {'replicas':1,'fullyLabeledReplicas':2,'readyReplicas':3,'availableReplicas':4}",
              "status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than status.replicas\n"
              "status.readyReplicas: Invalid value: 3: *\nstatus.availableReplicas: Invalid value: 4: cannot "
              "be greater than status.replicas\n"
              "status.availableReplicas: Invalid value: 4: cannot be greater than readyReplicas");
    RC_STATUS("status = {'replicas':5,'fullyLabeledReplicas':-2,'readyReplicas':-3,'availableReplicas':-4}",
              "status.fullyLabeledReplicas: Invalid value: -2: *\nstatus.readyReplicas: Invalid value: -3: "
              "*\nstatus.availableReplicas: Invalid value: -4: *");
}

TEST(test_service_account__name_is_a_subdomain) {
    const char *account = "{'metadata':{'name':'s','namespace':'ns'}}";
    assert_create(KIND_CORE_SERVICE_ACCOUNT, account, "", "");
    assert_create(KIND_CORE_SERVICE_ACCOUNT, account, "metadata.name = 'A'",
                  "metadata.name: Invalid value: \"A\": *");
}

static const char binding[] = "{'metadata':{'name':'p','namespace':'ns'},'target':{'name':'n'}}";

TEST(test_binding__targets_are_nodes) {
    assert_create(KIND_CORE_BINDING, binding, "target.kind = 'Node'", "");
    assert_create(KIND_CORE_BINDING, binding, "target.kind = 'Pod'",
                  "target.kind: Unsupported value: \"Pod\": supported values: \"Node\", \"<empty>\"");
}

TEST(test_binding__targets_are_named) {
    assert_create(KIND_CORE_BINDING, binding, "target.name = ''", "target.name: Required value");
}

static void assert_log_options(const char *json, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    validate_pod_log_options(valid_read(&a, TY_CORE_POD_LOG_OPTIONS, json), &e);
    assert_errors(&e, expected, __FILE__, __LINE__);
}

TEST(test_log_options__numbers_are_in_range) {
    assert_log_options("{'tailLines':0,'limitBytes':1,'sinceSeconds':1}", "");
    assert_log_options("{'tailLines':-1}", "tailLines: Invalid value: -1: *");
    assert_log_options("{'limitBytes':0}", "limitBytes: Invalid value: 0: must be greater than 0");
    assert_log_options("{'sinceSeconds':0}", "sinceSeconds: Invalid value: 0: must be greater than 0");
}

TEST(test_log_options__begin_is_given_once) {
    assert_log_options("{'sinceSeconds':1,'sinceTime':'2026-01-01T00:00:00Z'}", ": Forbidden: *");
}

TEST(test_log_options__streams_are_known) {
    assert_log_options("{'stream':'All','tailLines':5}", "");
    assert_log_options("{'stream':''}", "stream: Required value");
    assert_log_options("{'stream':'x'}",
                       "stream: Unsupported value: \"x\": supported values: \"All\", \"Stdout\", \"Stderr\"");
    assert_log_options("{'stream':'Stdout','tailLines':5}", ": Forbidden: *");
}
