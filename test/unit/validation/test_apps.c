/* api/validation: Deployment, ReplicaSet, DaemonSet, StatefulSet, ControllerRevision. */
#include "valid.h"

#define POD_TEMPLATE                                                                                         \
    "'template':{'metadata':{'labels':{'a':'b'}},'spec':{'restartPolicy':'Always','dnsPolicy':"              \
    "'ClusterFirst','containers':[{'name':'c','image':'i','imagePullPolicy':'Always',"                       \
    "'terminationMessagePolicy':'File'}],'terminationGracePeriodSeconds':30}}"
#define SELECTOR "'selector':{'matchLabels':{'a':'b'}}"
#define META "'metadata':{'name':'n','namespace':'ns'}"

static const char deployment[] =
    "{" META ",'spec':{'replicas':1," SELECTOR
    ",'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':'25%','maxUnavailable':'25%'}},"
    "'progressDeadlineSeconds':600,'revisionHistoryLimit':10," POD_TEMPLATE "}}";
static const char replica_set[] = "{" META ",'spec':{'replicas':1," SELECTOR "," POD_TEMPLATE "}}";
static const char daemon_set[] =
    "{" META ",'spec':{" SELECTOR ",'updateStrategy':{'type':'RollingUpdate','rollingUpdate':{'"
    "maxUnavailable':1,'maxSurge':0}}," POD_TEMPLATE "}}";
static const char stateful_set[] =
    "{" META ",'spec':{'replicas':1," SELECTOR ",'serviceName':'s','podManagementPolicy':'OrderedReady',"
    "'updateStrategy':{'type':'RollingUpdate'}," POD_TEMPLATE "}}";
static const char revision[] = "{" META ",'data':{'a':1},'revision':1}";

#define DEPLOYMENT(edits, expected) assert_create(KIND_APPS_DEPLOYMENT, deployment, edits, expected)
#define REPLICA_SET(edits, expected) assert_create(KIND_APPS_REPLICA_SET, replica_set, edits, expected)
#define DAEMON_SET(edits, expected) assert_create(KIND_APPS_DAEMON_SET, daemon_set, edits, expected)
#define STATEFUL_SET(edits, expected) assert_create(KIND_APPS_STATEFUL_SET, stateful_set, edits, expected)

/* ---- Deployment ---- */

TEST(test_deployment__name_is_a_subdomain) {
    DEPLOYMENT("metadata.name = 'a.b'", "");
    DEPLOYMENT("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
}

TEST(test_deployment__numbers_are_not_negative) {
    DEPLOYMENT("spec.replicas = -1 ;; spec.minReadySeconds = -1 ;; spec.revisionHistoryLimit = -1 ;; "
               "spec.progressDeadlineSeconds = -1",
               "spec.replicas: Invalid value: -1: must be greater than or equal to 0\n"
               "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0\n"
               "spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0\n"
               "spec.progressDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0\n"
               "spec.progressDeadlineSeconds: Invalid value: -1: must be greater than minReadySeconds");
}

TEST(test_deployment__deadline_is_after_readiness) {
    DEPLOYMENT("spec.minReadySeconds = 599", "");
    DEPLOYMENT("spec.minReadySeconds = 600", "spec.progressDeadlineSeconds: Invalid value: 600: *");
}

TEST(test_deployment__selector_is_not_empty_and_matches) {
    DEPLOYMENT("spec.selector = -", "spec.selector: Required value");
    DEPLOYMENT("spec.selector = {}", "spec.selector: Invalid value: {}: *");
    DEPLOYMENT("spec.selector.matchLabels.a = 'c'",
               "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match *");
    DEPLOYMENT("spec.selector.matchLabels[a b] = 'c'",
               "spec.selector.matchLabels: Invalid value: \"a b\": *");
}

TEST(test_deployment__selector_does_not_change) {
    assert_update(KIND_APPS_DEPLOYMENT, deployment, "",
                  "spec.selector.matchLabels.c = 'd' ;; spec.template.metadata.labels.c = 'd'",
                  "spec.selector: Invalid value: *");
    assert_update(KIND_APPS_DEPLOYMENT, deployment, "", "spec.replicas = 5", "");
    assert_update(KIND_APPS_DEPLOYMENT, deployment, "", "spec.replicas = -5",
                  "spec.replicas: Invalid value: *");
}

TEST(test_deployment__pods_run_for_ever) {
    DEPLOYMENT(
        "spec.template.spec.restartPolicy = 'Never'",
        "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"");
    DEPLOYMENT("spec.template.spec.activeDeadlineSeconds = 5",
               "spec.template.spec.activeDeadlineSeconds: Forbidden: *");
}

TEST(test_deployment__strategy_is_one_of_two) {
    DEPLOYMENT("spec.strategy = {'type':'Recreate'}", "");
    DEPLOYMENT("spec.strategy.type = 'Recreate'", "spec.strategy.rollingUpdate: Forbidden: *");
    DEPLOYMENT("spec.strategy = {'type':'RollingUpdate'}", "spec.strategy.rollingUpdate: Required value");
    DEPLOYMENT("spec.strategy = {'type':'x'}", "spec.strategy: Unsupported value: \"x\": supported values: "
                                               "\"Recreate\", \"RollingUpdate\"");
}

TEST(test_deployment__rolling_update_makes_progress) {
    DEPLOYMENT("spec.strategy.rollingUpdate.maxUnavailable = '0%'", "");
    DEPLOYMENT("spec.strategy.rollingUpdate.maxSurge = '300%'", "");
    DEPLOYMENT(
        "spec.strategy.rollingUpdate = {'maxUnavailable':0,'maxSurge':'0%'}",
        "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0");
    DEPLOYMENT("spec.strategy.rollingUpdate.maxUnavailable = '101%'",
               "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": must not be greater *");
    DEPLOYMENT("spec.strategy.rollingUpdate.maxUnavailable = '99999999999999999999%'",
               "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: *");
    DEPLOYMENT("spec.strategy.rollingUpdate = {'maxUnavailable':'x','maxSurge':-1}",
               "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"x\": *\n"
               "spec.strategy.rollingUpdate.maxSurge: Invalid value: -1: *");
}

TEST(test_deployment__status_counts_fit_together) {
#define STATUS(old, new, expected) assert_status_update(KIND_APPS_DEPLOYMENT, deployment, old, new, expected)
    STATUS("", "status = {'replicas':3,'updatedReplicas':3,'readyReplicas':2,'availableReplicas':2}", "");
    STATUS("", "status = {'replicas':1,'updatedReplicas':2,'readyReplicas':3,'availableReplicas':4}",
           "status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas\n"
           "status.readyReplicas: Invalid value: 3: cannot be greater than status.replicas\n"
           "status.availableReplicas: Invalid value: 4: cannot be greater than status.replicas\n"
           "status.availableReplicas: Invalid value: 4: cannot be greater than readyReplicas");
    STATUS(
        "", "status = {'observedGeneration':-1,'unavailableReplicas':-1,'terminatingReplicas':-1}",
        "status.observedGeneration: Invalid value: -1: *\nstatus.unavailableReplicas: Invalid value: -1: *\n"
        "status.terminatingReplicas: Invalid value: -1: *");
    STATUS("status.collisionCount = 3", "status.collisionCount = 2",
           "status.collisionCount: Invalid value: 2: cannot be decremented");
    STATUS("status.collisionCount = 3", "status = {}", "status.collisionCount: Invalid value: 0: *");
#undef STATUS
}

/* ---- ReplicaSet ---- */

TEST(test_replica_set__spec_is_like_a_deployments) {
    REPLICA_SET("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
    REPLICA_SET("spec.replicas = -1 ;; spec.minReadySeconds = -2",
                "spec.replicas: Invalid value: -1: *\nspec.minReadySeconds: Invalid value: -2: *");
    REPLICA_SET("spec.selector = -", "spec.selector: Required value");
    REPLICA_SET("spec.selector = {}", "spec.selector: Invalid value: {}: *");
    REPLICA_SET("spec.selector.matchLabels.x = 'y'", "spec.template.metadata.labels: Invalid value: *");
    REPLICA_SET("spec.template.spec.restartPolicy = 'OnFailure'",
                "spec.template.spec.restartPolicy: Unsupported value: \"OnFailure\": *");
    REPLICA_SET("spec.template.spec.activeDeadlineSeconds = 1",
                "spec.template.spec.activeDeadlineSeconds: Forbidden: *");
    assert_update(KIND_APPS_REPLICA_SET, replica_set, "",
                  "spec.selector.matchLabels.c = 'd' ;; spec.template.metadata.labels.c = 'd'",
                  "spec.selector: Invalid value: *");
}

TEST(test_replica_set__status_counts_fit_together) {
#define STATUS(new, expected) assert_status_update(KIND_APPS_REPLICA_SET, replica_set, "", new, expected)
    STATUS("status = {'replicas':2,'fullyLabeledReplicas':2,'readyReplicas':2,'availableReplicas':1}", "");
    STATUS("status = {'replicas':1,'fullyLabeledReplicas':2,'readyReplicas':3,'availableReplicas':4}",
           "status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than replicas\n"
           "status.readyReplicas: Invalid value: 3: *\nstatus.availableReplicas: Invalid value: 4: *\n"
           "status.availableReplicas: Invalid value: 4: cannot be greater than readyReplicas");
    STATUS("status = {'replicas':-1}",
           "status.replicas: Invalid value: -1: *\n"
           "status.fullyLabeledReplicas: Invalid value: 0: *\nstatus.readyReplicas: Invalid value: 0: *\n"
           "status.availableReplicas: Invalid value: 0: *");
#undef STATUS
}

/* ---- DaemonSet ---- */

TEST(test_daemon_set__selector_is_not_empty_and_matches) {
    DAEMON_SET("", "");
    DAEMON_SET("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
    DAEMON_SET("spec.selector = -", "spec.template.metadata.labels: Invalid value: *");
    DAEMON_SET("spec.selector = {}", "spec.selector: Invalid value: {}: *");
    DAEMON_SET("spec.selector.matchLabels.a = 'x'", "spec.template.metadata.labels: Invalid value: *");
    assert_update(KIND_APPS_DAEMON_SET, daemon_set, "",
                  "spec.selector.matchLabels.c = 'd' ;; spec.template.metadata.labels.c = 'd'",
                  "spec.selector: Invalid value: *");
}

TEST(test_daemon_set__pods_run_for_ever) {
    DAEMON_SET("spec.template.spec.restartPolicy = 'Never' ;; spec.template.spec.activeDeadlineSeconds = 1",
               "spec.template.spec.restartPolicy: Unsupported value: \"Never\": *\n"
               "spec.template.spec.activeDeadlineSeconds: Forbidden: *");
}

TEST(test_daemon_set__strategy_is_one_of_two) {
    DAEMON_SET("spec.updateStrategy = {'type':'OnDelete'}", "");
    DAEMON_SET("spec.updateStrategy = {'type':'RollingUpdate'}",
               "spec.updateStrategy.rollingUpdate: Required value");
    DAEMON_SET("spec.updateStrategy = {'type':'x'}", "spec.updateStrategy.type: Unsupported value: \"x\": *");
}

TEST(test_daemon_set__rolling_update_has_one_of_both) {
    DAEMON_SET("spec.updateStrategy.rollingUpdate = {'maxUnavailable':0,'maxSurge':'100%'}", "");
    DAEMON_SET("spec.updateStrategy.rollingUpdate.maxSurge = 1",
               "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: *");
    DAEMON_SET("spec.updateStrategy.rollingUpdate.maxUnavailable = 0",
               "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: *");
    DAEMON_SET("spec.updateStrategy.rollingUpdate = {'maxUnavailable':'101%','maxSurge':0}",
               "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": *");
    DAEMON_SET("spec.updateStrategy.rollingUpdate = {'maxUnavailable':0,'maxSurge':'101%'}",
               "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: \"101%\": *");
}

TEST(test_daemon_set__numbers_are_not_negative) {
    DAEMON_SET("spec.minReadySeconds = -1 ;; spec.revisionHistoryLimit = -1",
               "spec.minReadySeconds: Invalid value: -1: *\nspec.revisionHistoryLimit: Invalid value: -1: *");
    assert_status_update(KIND_APPS_DAEMON_SET, daemon_set, "status.collisionCount = 1",
                         "status = {'numberReady':-1}",
                         "status.numberReady: Invalid value: -1: *\n"
                         "status.collisionCount: Invalid value: 0: cannot be decremented");
}

/* ---- StatefulSet ---- */

TEST(test_stateful_set__names_are_labels) {
    STATEFUL_SET("", "");
    STATEFUL_SET("metadata.name = 'a.b'", "metadata.name: Invalid value: \"a.b\": *");
    STATEFUL_SET("spec.serviceName = 'a.b'", "spec.serviceName: Invalid value: \"a.b\": *");
    STATEFUL_SET("spec.serviceName = ''", "");
    assert_update(KIND_APPS_STATEFUL_SET, stateful_set, "spec.serviceName = 'a.b'", "spec.replicas = 2", "");
}

TEST(test_stateful_set__policies_are_known) {
    STATEFUL_SET("spec.podManagementPolicy = 'Parallel'", "");
    STATEFUL_SET("spec.podManagementPolicy = ''", "spec.podManagementPolicy: Required value");
    STATEFUL_SET("spec.podManagementPolicy = 'x'", "spec.podManagementPolicy: Invalid value: \"x\": *");
    STATEFUL_SET("spec.persistentVolumeClaimRetentionPolicy = {'whenDeleted':'Delete','whenScaled':'Retain'}",
                 "");
    STATEFUL_SET("spec.persistentVolumeClaimRetentionPolicy = {'whenDeleted':'x','whenScaled':'y'}",
                 "spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: \"x\": *\n"
                 "spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: \"y\": *");
}

TEST(test_stateful_set__update_strategy_has_a_form) {
    STATEFUL_SET("spec.updateStrategy = {'type':'OnDelete'}", "");
    STATEFUL_SET("spec.updateStrategy = {}", "spec.updateStrategy: Required value");
    STATEFUL_SET("spec.updateStrategy = {'type':'x'}",
                 "spec.updateStrategy: Invalid value: {\"type\":\"x\"}: *");
    STATEFUL_SET("spec.updateStrategy = {'type':'OnDelete','rollingUpdate':{'partition':1}}",
                 "spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: *");
    STATEFUL_SET("spec.updateStrategy.rollingUpdate = {'partition':2,'maxUnavailable':'50%'}", "");
    STATEFUL_SET("spec.updateStrategy.rollingUpdate = {'partition':-1,'maxUnavailable':0}",
                 "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: *\n"
                 "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0");
    STATEFUL_SET("spec.updateStrategy.rollingUpdate = {'maxUnavailable':'101%'}",
                 "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": *");
}

TEST(test_stateful_set__numbers_are_not_negative) {
    STATEFUL_SET("spec.replicas = -1 ;; spec.minReadySeconds = -1 ;; spec.ordinals.start = -1",
                 "spec.replicas: Invalid value: -1: *\nspec.minReadySeconds: Invalid value: -1: *\n"
                 "spec.ordinals.start: Invalid value: -1: *");
}

TEST(test_stateful_set__selector_and_template_are_like_a_deployments) {
    STATEFUL_SET("spec.selector = -", "spec.selector: Required value");
    STATEFUL_SET("spec.selector = {}", "spec.selector: Invalid value: {}: *");
    STATEFUL_SET("spec.selector.matchLabels.a = 'x'", "spec.template.metadata.labels: Invalid value: *");
    STATEFUL_SET("spec.template.spec.restartPolicy = 'Never' ;; spec.template.spec.activeDeadlineSeconds = 1",
                 "spec.template.spec.restartPolicy: Unsupported value: \"Never\": *\n"
                 "spec.template.spec.activeDeadlineSeconds: Forbidden: *");
}

TEST(test_stateful_set__few_fields_change) {
#define UPDATE(new, expected) assert_update(KIND_APPS_STATEFUL_SET, stateful_set, "", new, expected)
    UPDATE("spec.replicas = 2 ;; spec.ordinals.start = 3 ;; spec.updateStrategy.type = 'OnDelete' ;; "
           "spec.revisionHistoryLimit = 4 ;; spec.minReadySeconds = 5 ;; "
           "spec.template.spec.containers[0].image = 'j' ;; "
           "spec.persistentVolumeClaimRetentionPolicy = {'whenDeleted':'Delete','whenScaled':'Retain'}",
           "");
    UPDATE("spec.serviceName = 'other'", "spec: Forbidden: *");
    UPDATE("spec.podManagementPolicy = 'Parallel'", "spec: Forbidden: *");
#undef UPDATE
}

TEST(test_stateful_set__status_counts_fit_together) {
#define STATUS(old, new, expected)                                                                           \
    assert_status_update(KIND_APPS_STATEFUL_SET, stateful_set, old, new, expected)
    STATUS("", "status = {'replicas':2,'readyReplicas':2,'currentReplicas':2,'updatedReplicas':2}", "");
    STATUS("",
           "status = {'replicas':1,'readyReplicas':2,'currentReplicas':2,'updatedReplicas':2,"
           "'availableReplicas':3}",
           "status.readyReplicas: Invalid value: 2: *\nstatus.currentReplicas: Invalid value: 2: *\n"
           "status.updatedReplicas: Invalid value: 2: *\nstatus.availableReplicas: Invalid value: 3: *\n"
           "status.availableReplicas: Invalid value: 3: cannot be greater than status.readyReplicas");
    STATUS("status = {'replicas':1,'collisionCount':2}", "status = {'replicas':1,'collisionCount':1}",
           "status.collisionCount: Invalid value: 1: *");
#undef STATUS
}

/* ---- ControllerRevision ---- */

TEST(test_controller_revision__data_is_a_frozen_object) {
    assert_create(KIND_APPS_CONTROLLER_REVISION, revision, "", "");
    assert_create(KIND_APPS_CONTROLLER_REVISION, revision, "data = -", "data: Required value");
    assert_create(KIND_APPS_CONTROLLER_REVISION, revision, "data = [1]", "data: Invalid value: \"[1]\": *");
    assert_create(KIND_APPS_CONTROLLER_REVISION, revision, "revision = -1", "revision: Invalid value: -1: *");
    assert_update(KIND_APPS_CONTROLLER_REVISION, revision, "", "revision = 2", "");
    assert_update(KIND_APPS_CONTROLLER_REVISION, revision, "", "data = {}",
                  "data: Invalid value: {}: field is immutable");
}
