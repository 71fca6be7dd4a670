/* api/validation: HorizontalPodAutoscaler, Scale. */
#include "valid.h"

static const char base[] =
    "{'metadata':{'name':'n','namespace':'ns'},'spec':{'scaleTargetRef':{'kind':'Deployment','name':'d',"
    "'apiVersion':'apps/v1'},'minReplicas':1,'maxReplicas':3,'metrics':[{'type':'Resource','resource':{"
    "'name':'cpu','target':{'type':'Utilization','averageUtilization':80}}}]}}";

#define HPA(edits, expected) assert_create(KIND_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER, base, edits, expected)
#define METRIC(json, expected) HPA("spec.metrics = [" json "]", expected)
#define AT "spec.metrics[0]"

TEST(test_autoscaler__replicas_have_an_order) {
    HPA("", "");
    HPA("spec.minReplicas = 0", "spec.minReplicas: Invalid value: 0: *");
    HPA("spec.maxReplicas = 0", "spec.maxReplicas: Required value: *\nspec.maxReplicas: Invalid value: 0: *");
    HPA("spec.maxReplicas = -1 ;; spec.minReplicas = -", "spec.maxReplicas: Invalid value: -1: *");
    HPA("spec.minReplicas = 4", "spec.maxReplicas: Invalid value: 3: *");
}

TEST(test_autoscaler__target_is_named) {
    HPA("spec.scaleTargetRef = {'kind':'','name':''}",
        "spec.scaleTargetRef.kind: Required value\nspec.scaleTargetRef.name: Required value");
    HPA("spec.scaleTargetRef = {'kind':'a/b','name':'..','apiVersion':'a/b/c'}",
        "spec.scaleTargetRef.kind: Invalid value: \"a/b\": *\nspec.scaleTargetRef.name: Invalid value: "
        "\"..\": *\n"
        "spec.scaleTargetRef.apiVersion: Invalid value: \"a/b/c\": *");
}

TEST(test_autoscaler__metric_has_the_member_of_its_type) {
    METRIC("{'type':''}", AT ".type: Required value");
    METRIC("{'type':'x'}", AT ".type: Unsupported value: \"x\": *");
    METRIC("{'type':'Pods'}", AT ".pods: Required value: *");
    METRIC(
        "{'type':'Pods','pods':{'metric':{'name':'m'},'target':{'type':'AverageValue','averageValue':'1'}},"
        "'resource':{'name':'cpu','target':{'type':'AverageValue','averageValue':'1'}}}",
        AT ".resource: Forbidden: *");
}

TEST(test_autoscaler__target_values_are_positive) {
    METRIC("{'type':'Resource','resource':{'name':'','target':{'type':'','averageUtilization':0}}}",
           AT ".resource.name: Required value\n" AT ".resource.target.type: Required value\n" AT
              ".resource.target.averageUtilization: Invalid value: 0: *");
    METRIC("{'type':'Object','object':{'describedObject':{'kind':'K','name':'n'},'metric':{'name':'m'},"
           "'target':{'type':'x','value':'0','averageValue':'-1'}}}",
           AT ".object.target.type: Invalid value: \"x\": *\n" AT
              ".object.target.value: Invalid value: \"0\": *\n" AT
              ".object.target.averageValue: Invalid value: \"-1\": *");
}

TEST(test_autoscaler__resource_target_is_one_of_two) {
    METRIC("{'type':'Resource','resource':{'name':'cpu','target':{'type':'Value'}}}",
           AT ".resource.target.averageUtilization: Required value: *");
    METRIC("{'type':'ContainerResource','containerResource':{'name':'','container':'','target':{'type':"
           "'Utilization','averageUtilization':1,'averageValue':'1'}}}",
           AT ".containerResource.name: Required value\n" AT
              ".containerResource.container: Required value\n" AT
              ".containerResource.target.averageValue: Forbidden: *");
}

TEST(test_autoscaler__other_targets_have_their_values) {
    METRIC("{'type':'Pods','pods':{'metric':{'name':''},'target':{'type':'Value'}}}",
           AT ".pods.metric.name: Required value\n" AT ".pods.target.averageValue: Required value: *");
    METRIC("{'type':'Object','object':{'describedObject':{'kind':'K','name':'n'},'metric':{'name':'a/b'},"
           "'target':{'type':'Value'}}}",
           AT ".object.metric.name: Invalid value: \"a/b\": *\n" AT
              ".object.target.averageValue: Required value: *");
    METRIC("{'type':'External','external':{'metric':{'name':'m'},'target':{'type':'Value'}}}",
           AT ".external.target.averageValue: Required value: *");
    METRIC("{'type':'External','external':{'metric':{'name':'m'},'target':{'type':'Value','value':'1',"
           "'averageValue':'1'}}}",
           AT ".external.target.value: Forbidden: *");
}

TEST(test_autoscaler__behavior_is_bounded) {
#define POLICIES "'policies':[{'type':'Pods','value':1,'periodSeconds':1800}]"
#define UP "spec.behavior.scaleUp"
    HPA(UP " = {'stabilizationWindowSeconds':3600,'selectPolicy':'Disabled','tolerance':'0.1'," POLICIES "}",
        "");
    HPA(UP " = {'stabilizationWindowSeconds':3601,'selectPolicy':'x','tolerance':'-1'," POLICIES "}",
        UP ".stabilizationWindowSeconds: Invalid value: 3601: *\n" UP
           ".selectPolicy: Unsupported value: \"x\": *\n" UP ".tolerance: Invalid value: \"-1\": *");
    HPA("spec.behavior.scaleDown = {}", "spec.behavior.scaleDown.policies: Required value: *");
    HPA(UP ".policies = "
           "[{'type':'x','value':0,'periodSeconds':0},{'type':'Percent','value':1,'periodSeconds':1801}]",
        UP ".policies[0].type: Unsupported value: \"x\": *\n" UP
           ".policies[0].value: Invalid value: 0: *\n" UP
           ".policies[0].periodSeconds: Invalid value: 0: *\n" UP
           ".policies[1].periodSeconds: Invalid value: 1801: *");
#undef UP
#undef POLICIES
}

TEST(test_autoscaler__status_is_not_negative) {
    assert_status_update(KIND_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER, base, "",
                         "status = {'currentReplicas':-1,'desiredReplicas':-1}",
                         "status.currentReplicas: Invalid value: -1: *\n"
                         "status.desiredReplicas: Invalid value: -1: *");
}

TEST(test_scale__replicas_are_not_negative) {
    static const char scale[] = "{'metadata':{'name':'n','namespace':'ns'},'spec':{'replicas':1}}";
    assert_create(KIND_AUTOSCALING_SCALE, scale, "", "");
    assert_create(KIND_AUTOSCALING_SCALE, scale, "spec.replicas = -1", "spec.replicas: Invalid value: -1: *");
}
