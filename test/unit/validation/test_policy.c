/* api/validation: PodDisruptionBudget. */
#include "valid.h"

static const char base[] = "{'metadata':{'name':'n','namespace':'ns'},'spec':{'minAvailable':1,'selector':{'"
                           "matchLabels':{'a':'b'}}}}";

#define BUDGET(edits, expected) assert_create(KIND_POLICY_POD_DISRUPTION_BUDGET, base, edits, expected)

TEST(test_disruption_budget__has_one_bound) {
    BUDGET("", "");
    BUDGET("spec.minAvailable = -", "");
    BUDGET("spec.maxUnavailable = 1", "spec: Invalid value: *");
}

TEST(test_disruption_budget__bound_is_a_number_or_percentage) {
    BUDGET("spec.minAvailable = '100%'", "");
    BUDGET("spec.minAvailable = '101%'", "spec.minAvailable: Invalid value: \"101%\": *");
    BUDGET("spec.minAvailable = -1", "spec.minAvailable: Invalid value: -1: *");
    BUDGET("spec.minAvailable = 'x'", "spec.minAvailable: Invalid value: \"x\": *");
    BUDGET("spec.minAvailable = - ;; spec.maxUnavailable = '5'",
           "spec.maxUnavailable: Invalid value: \"5\": *");
}

TEST(test_disruption_budget__eviction_policy_is_known) {
    BUDGET("spec.unhealthyPodEvictionPolicy = 'AlwaysAllow'", "");
    BUDGET("spec.unhealthyPodEvictionPolicy = 'x'",
           "spec.unhealthyPodEvictionPolicy: Unsupported value: \"x\": *");
}

TEST(test_disruption_budget__odd_selector_stays_once_stored) {
    BUDGET("spec.selector.matchExpressions = [{'key':'a','operator':'In','values':['a b']}]",
           "spec.selector.matchExpressions[0].values[0]: Invalid value: \"a b\": *");
    assert_update(KIND_POLICY_POD_DISRUPTION_BUDGET, base,
                  "spec.selector.matchExpressions = [{'key':'a','operator':'In','values':['a b']}]",
                  "spec.minAvailable = 2", "");
}

TEST(test_disruption_budget__status_is_not_negative) {
    assert_status_update(
        KIND_POLICY_POD_DISRUPTION_BUDGET, base, "",
        "status = {'disruptionsAllowed':-1,'currentHealthy':-1,'desiredHealthy':-1,"
        "'expectedPods':-1}",
        "status.disruptionsAllowed: Invalid value: -1: *\n"
        "status.currentHealthy: Invalid value: -1: *\n"
        "status.desiredHealthy: Invalid value: -1: *\nstatus.expectedPods: Invalid value: -1: *");
}
