/* api/validation: Workload and PodGroup. */
#include "valid.h"

static const char workload[] = "{'metadata':{'name':'w','namespace':'ns'},'spec':{'podGroupTemplates':[{'"
                               "name':'a','schedulingPolicy':{'basic':{}},'schedulingConstraints':null}]}}";
static const char group[] = "{'metadata':{'name':'g','namespace':'ns'},'spec':{'podGroupTemplateRef':null,'"
                            "schedulingPolicy':{'gang':{'minCount':2}}}}";

#define WORKLOAD(edits, expected) assert_create(KIND_SCHEDULING_V1ALPHA2_WORKLOAD, workload, edits, expected)
#define GROUP(edits, expected) assert_create(KIND_SCHEDULING_V1ALPHA2_POD_GROUP, group, edits, expected)
#define T "spec.podGroupTemplates"

TEST(test_workload__templates_are_few_and_named) {
    WORKLOAD("", "");
    WORKLOAD(T " = []", T ": Required value");
    WORKLOAD(T "[0].name = ''", T "[0].name: Required value");
    WORKLOAD(T "[0].name = 'a.b'", T "[0].name: Invalid value: \"a.b\": *");
    WORKLOAD(T "[1] = {'name':'a','schedulingPolicy':{'basic':{}},'schedulingConstraints':null}",
             T "[1]: Duplicate value: \"a\"");
    WORKLOAD(T " = "
               "[{'name':'a'},{'name':'b'},{'name':'c'},{'name':'d'},{'name':'e'},{'name':'f'},{'name':'g'},{"
               "'name':'h'},{'name':'i'}]",
             T ": Too many: 9: must have at most 8 items\n" T "[0].schedulingPolicy: Invalid value: *\n" T
               "[1].schedulingPolicy: Invalid value: *\n" T "[2].schedulingPolicy: Invalid value: *\n" T
               "[3].schedulingPolicy: Invalid value: *\n" T "[4].schedulingPolicy: Invalid value: *\n" T
               "[5].schedulingPolicy: Invalid value: *\n" T "[6].schedulingPolicy: Invalid value: *\n" T
               "[7].schedulingPolicy: Invalid value: *\n" T "[8].schedulingPolicy: Invalid value: *");
}

TEST(test_workload__controllers_are_named) {
    WORKLOAD("spec.controllerRef = {'apiGroup':'a.b','kind':'K','name':'n'}", "");
    WORKLOAD("spec.controllerRef = {'apiGroup':'A','kind':'','name':'a/b'}",
             "spec.controllerRef.apiGroup: Invalid value: \"A\": *\nspec.controllerRef.kind: Required "
             "value\nspec.controllerRef.name: Invalid value: \"a/b\": *");
}

TEST(test_workload__does_not_change) {
    assert_update(KIND_SCHEDULING_V1ALPHA2_WORKLOAD, workload, "", "metadata.labels.a = 'b'", "");
    assert_update(KIND_SCHEDULING_V1ALPHA2_WORKLOAD, workload, "",
                  "spec.controllerRef = {'kind':'K','name':'n'} ;; " T "[0].name = 'z'",
                  "spec.controllerRef: Invalid value: *\nspec.podGroupTemplates: Invalid value: *");
}

TEST(test_pod_group__has_one_policy) {
    GROUP("", "");
    GROUP("spec.schedulingPolicy = {}",
          "spec.schedulingPolicy: Invalid value: \"\": must specify exactly one of: `basic`, `gang`");
    GROUP("spec.schedulingPolicy = {'basic':{},'gang':{'minCount':1}}",
          "spec.schedulingPolicy: Invalid value: *");
    GROUP("spec.schedulingPolicy = {'gang':{'minCount':0}}",
          "spec.schedulingPolicy.gang.minCount: Required value");
    GROUP("spec.schedulingPolicy = {'gang':{'minCount':-1}}",
          "spec.schedulingPolicy.gang.minCount: Invalid value: -1: must be greater than or equal to 1");
}

TEST(test_pod_group__claims_are_few_and_of_one_source) {
    GROUP("spec.resourceClaims = "
          "[{'name':'a','resourceClaimName':'c'},{'name':'b','resourceClaimTemplateName':'t'}]",
          "");
    GROUP("spec.resourceClaims = "
          "[{'name':'','resourceClaimName':'C','resourceClaimTemplateName':'T'},{'name':'a'},{'name':'a','"
          "resourceClaimName':'c'}]",
          "spec.resourceClaims[0].name: Required value\nspec.resourceClaims[0]: Invalid value: *\n"
          "spec.resourceClaims[0].resourceClaimName: Invalid value: \"C\": "
          "*\nspec.resourceClaims[0].resourceClaimTemplateName: Invalid value: \"T\": *\n"
          "spec.resourceClaims[1]: Invalid value: *\nspec.resourceClaims[2]: Duplicate value: \"a\"");
    GROUP("spec.resourceClaims = "
          "[{'name':'a','resourceClaimName':'c'},{'name':'b','resourceClaimName':'c'},{'name':'d','"
          "resourceClaimName':'c'},"
          "{'name':'e','resourceClaimName':'c'},{'name':'f','resourceClaimName':'c'}]",
          "spec.resourceClaims: Too many: 5: must have at most 4 items");
}

TEST(test_pod_group__placement_is_checked) {
    GROUP("spec.schedulingConstraints = {'topology':[{'key':'a/b'}]} ;; spec.disruptionMode = 'PodGroup' ;; "
          "spec.priorityClassName = 'a.b' ;; spec.priority = 1000000000",
          "");
    GROUP("spec.schedulingConstraints = {'topology':[{'key':''},{'key':'a b'}]} ;; spec.disruptionMode = 'x' "
          ";; spec.priorityClassName = 'A' ;; spec.priority = 1000000001",
          "spec.schedulingConstraints.topology: Too many: 2: must have at most 1 "
          "item\nspec.schedulingConstraints.topology[0].key: Required value\n"
          "spec.schedulingConstraints.topology[1].key: Invalid value: \"a b\": *\n"
          "spec.disruptionMode: Unsupported value: \"x\": supported values: \"Pod\", \"PodGroup\"\n"
          "spec.priorityClassName: Invalid value: \"A\": *\nspec.priority: Invalid value: 1000000001: *");
}

TEST(test_pod_group__template_is_named) {
    GROUP("spec.podGroupTemplateRef = {'workload':{'workloadName':'a.b','podGroupTemplateName':'c'}}", "");
    GROUP("spec.podGroupTemplateRef = {'workload':null}",
          "spec.podGroupTemplateRef: Invalid value: \"\": must specify exactly one of: `workload`");
    GROUP("spec.podGroupTemplateRef = {'workload':{'workloadName':'','podGroupTemplateName':'a.b'}}",
          "spec.podGroupTemplateRef.workload.workloadName: Required value\n"
          "spec.podGroupTemplateRef.workload.podGroupTemplateName: Invalid value: \"a.b\": *");
}

TEST(test_pod_group__does_not_change) {
    assert_update(KIND_SCHEDULING_V1ALPHA2_POD_GROUP, group, "", "spec.schedulingPolicy.gang.minCount = 3",
                  "spec.schedulingPolicy: Invalid value: {\"gang\":{\"minCount\":3}}: field is immutable");
    assert_status_update(KIND_SCHEDULING_V1ALPHA2_POD_GROUP, group, "",
                         "status.resourceClaimStatuses = [{'name':'a','resourceClaimName':'C'},{'name':'a'}]",
                         "status.resourceClaimStatuses[0].resourceClaimName: Invalid value: \"C\": *\n"
                         "status.resourceClaimStatuses[1]: Duplicate value: \"a\"");
}
