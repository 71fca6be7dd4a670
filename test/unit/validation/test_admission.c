/* api/validation: webhook configurations, admission policies and their bindings. */
#include "valid.h"

#define RULE "{'operations':['CREATE'],'apiGroups':[''],'apiVersions':['v1'],'resources':['pods']}"
static const char hooks[] =
    "{'metadata':{'name':'n'},'webhooks':[{'name':'a.b.c','clientConfig':{'service':{'namespace':'ns','name':"
    "'s',"
    "'path':'/x/y','port':443}},'rules':[" RULE "],'failurePolicy':'Fail','matchPolicy':'Exact',"
    "'sideEffects':'None','timeoutSeconds':30,'admissionReviewVersions':['v1']}]}";
#define HOOK(edits, expected)                                                                                \
    do {                                                                                                     \
        assert_create(KIND_ADMISSIONREGISTRATION_VALIDATING_WEBHOOK_CONFIGURATION, hooks, edits, expected);  \
        assert_create(KIND_ADMISSIONREGISTRATION_MUTATING_WEBHOOK_CONFIGURATION, hooks, edits, expected);    \
    } while (0)
#define W "webhooks[0]"

TEST(test_webhook__name_is_qualified_and_unique) {
    HOOK("", "");
    HOOK(W ".name = ''", W ".name: Required value");
    HOOK(W ".name = 'a.b'", W ".name: Invalid value: \"a.b\": *");
    HOOK("webhooks[1] = {'name':'a.b.c','clientConfig':{'url':'https://a'},'sideEffects':'None',"
         "'admissionReviewVersions':['v1']}",
         "webhooks[1].name: Duplicate value: \"a.b.c\"");
}

TEST(test_webhook__client_is_a_url_or_a_service) {
#define C W ".clientConfig"
    HOOK(C " = {}", C ": Required value: *");
    HOOK(C " = {'url':'https://a.b:8443/x'}", "");
    HOOK(C " = {'url':'http://a'}", C ".url: Invalid value: \"http://a\": *");
    HOOK(C " = {'url':'https:///x'}", C ".url: Invalid value: *");
    HOOK(C " = {'url':'https://u:p@a/'}", C ".url: Invalid value: *");
    HOOK(C ".service = {'namespace':'','name':'','path':'x','port':65536}",
         C ".service.name: Required value\n" C ".service.namespace: Required value\n" C
           ".service.path: Invalid value: \"x\": *\n" C ".service.port: Invalid value: 65536: *");
    HOOK(C ".service.path = '/a//b'", C ".service.path: Invalid value: *");
    HOOK(C ".service.path = '/A'", C ".service.path: Invalid value: *");
#undef C
}

TEST(test_webhook__choices_are_known) {
    HOOK(W ".sideEffects = -", W ".sideEffects: Required value: *");
    HOOK(W ".sideEffects = 'Some'", W ".sideEffects: Unsupported value: \"Some\": *");
    HOOK(W ".failurePolicy = 'x' ;; " W ".matchPolicy = 'y'",
         W ".failurePolicy: Unsupported value: \"x\": *\n" W ".matchPolicy: Unsupported value: \"y\": *");
    assert_create(KIND_ADMISSIONREGISTRATION_MUTATING_WEBHOOK_CONFIGURATION, hooks,
                  W ".reinvocationPolicy = 'x'", W ".reinvocationPolicy: Unsupported value: \"x\": *");
}

TEST(test_webhook__timeout_is_bounded) {
    HOOK(W ".timeoutSeconds = 0", W ".timeoutSeconds: Invalid value: 0: *");
    HOOK(W ".timeoutSeconds = 31", W ".timeoutSeconds: Invalid value: 31: *");
}

TEST(test_webhook__review_versions_have_a_known_one) {
#define A W ".admissionReviewVersions"
    HOOK(A " = []", A ": Required value: *");
    HOOK(A " = ['v2']", A ": Invalid value: \"v2\": *");
    HOOK(A " = ['v1','v1']", A "[1]: Invalid value: \"v1\": duplicate version");
    HOOK(A " = ['v1','V']", A "[1]: Invalid value: \"V\": *");
#undef A
}

TEST(test_webhook__rule_operations_are_known) {
#define R W ".rules[0]"
    HOOK(R ".operations = []", R ".operations: Required value");
    HOOK(R ".operations = ['x']", R ".operations[0]: Unsupported value: \"x\": *");
    HOOK(R ".operations = ['*','CREATE']", R ".operations: Invalid value: \"*\": *");
    HOOK(R ".scope = 'x'", R ".scope: Unsupported value: \"x\": *");
}

TEST(test_webhook__rule_resources_do_not_overlap) {
    HOOK(R " = {'operations':['*']}",
         R ".apiGroups: Required value\n" R ".apiVersions: Required value\n" R ".resources: Required value");
    HOOK(R ".apiGroups = ['*','a'] ;; " R ".apiVersions = ['*','v1']",
         R ".apiGroups: Invalid value: \"*\": *\n" R ".apiVersions: Invalid value: \"*\": *");
    HOOK(R ".apiVersions = ['']", R ".apiVersions[0]: Required value");
    HOOK(R ".resources = ['*','pods/*','a/b']", "");
    HOOK(R ".resources = ['']", R ".resources[0]: Required value");
    HOOK(R ".resources = ['*/*','pods']", R ".resources: Invalid value: \"*/*\": *");
    HOOK(R ".resources = ['*','pods']", R ".resources: Invalid value: \"pods\": *");
    HOOK(R ".resources = ['pods/*','pods/status']", R ".resources[1]: Invalid value: \"pods/status\": *");
    HOOK(R ".resources = ['pods/status','*/status']", R ".resources[0]: Invalid value: \"pods/status\": *");
#undef R
}

TEST(test_webhook__match_conditions_are_named) {
#define M W ".matchConditions"
    HOOK(M " = [{'name':'a','expression':'true'}]", "");
    HOOK(M " = [{'name':'','expression':' '},{'name':'a','expression':'x'},{'name':'a','expression':'x'},"
           "{'name':'a b','expression':'x'}]",
         M "[0].expression: Required value\n" M "[0].name: Required value\n" M
           "[2].name: Duplicate value: \"a\"\n" M "[3].name: Invalid value: \"a b\": *");
#undef M
}

/* ---- policies ---- */

#define MATCH                                                                                                \
    "{'matchPolicy':'Equivalent','namespaceSelector':{},'objectSelector':{},'resourceRules':[" RULE "]}"
static const char policy[] =
    "{'metadata':{'name':'n'},'spec':{'failurePolicy':'Fail','matchConstraints':" MATCH
    ",'validations':[{'expression':'true'}]}}";
#define POLICY(edits, expected)                                                                              \
    assert_create(KIND_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY, policy, edits, expected)

TEST(test_admission_policy__choices_are_known) {
    POLICY("", "");
    POLICY("spec.failurePolicy = -", "spec.failurePolicy: Required value");
    POLICY("spec.failurePolicy = 'x'", "spec.failurePolicy: Unsupported value: \"x\": *");
}

TEST(test_admission_policy__matches_something) {
#define M "spec.matchConstraints"
    POLICY(M " = -", M ": Required value");
    POLICY(M " = {}", M ".matchPolicy: Required value\n" M ".namespaceSelector: Required value\n" M
                        ".objectSelector: Required value\n" M ".resourceRules: Required value");
    POLICY(M ".resourceRules[0].resourceNames = ['a','a','b/c']",
           M ".resourceRules[0].resourceNames[1]: Duplicate value: \"a\"\n" M
             ".resourceRules[0].resourceNames[2]: Invalid value: \"b/c\": *");
}

TEST(test_admission_policy__says_something) {
    POLICY("spec.validations = []",
           "spec.validations: Required value: *\nspec.auditAnnotations: Required value: *");
    POLICY("spec.validations = [{'expression':''}]", "spec.validations[0].expression: Required value: *");
    POLICY("spec.validations = [{'expression':'a\\nb'}]", "spec.validations[0].message: Required value: *");
    POLICY("spec.validations = [{'expression':'a','message':'a\\nb','reason':'x','messageExpression':' '}]",
           "spec.validations[0].message: Invalid value: *\nspec.validations[0].messageExpression: Invalid "
           "value: *\n"
           "spec.validations[0].reason: Unsupported value: \"x\": *");
}

TEST(test_admission_policy__annotations_have_keys) {
#define A "spec.auditAnnotations"
    POLICY("spec.validations = [] ;; " A " = [{'key':'k','valueExpression':'x'}]", "");
    POLICY(
        A " = "
          "[{'key':'','valueExpression':''},{'key':'a/b','valueExpression':'x'},{'key':'a','valueExpression':"
          "'x'},{'key':'a','valueExpression':'x'}]",
        A "[0].key: Required value\n" A "[0].valueExpression: Required value: *\n" A
          "[1].key: Invalid value: \"a/b\": *\n" A "[3].key: Duplicate value: \"a\"");
#undef A
}

TEST(test_admission_policy__variables_have_names) {
    POLICY("spec.variables = [{'name':'a','expression':'x'}]", "");
    POLICY(
        "spec.variables = "
        "[{'name':'','expression':''},{'name':'in','expression':'x'},{'name':'1','expression':'x'}]",
        "spec.variables[0].name: Required value\nspec.variables[0].expression: Required value: *\n"
        "spec.variables[1].name: Invalid value: \"in\": *\nspec.variables[2].name: Invalid value: \"1\": *");
}

TEST(test_admission_policy__parameter_kind_is_one) {
#define P "spec.paramKind"
    POLICY(P " = {'apiVersion':'a.b/v1','kind':'Foo'}", "");
    POLICY(P " = {'apiVersion':'','kind':''}", P ".apiVersion: Required value\n" P ".kind: Required value");
    POLICY(P " = {'apiVersion':'A/V','kind':'1'}",
           P ".apiVersion: Invalid value: \"A\": *\n" P ".apiVersion: Invalid value: \"V\": *\n" P
             ".kind: Invalid value: *");
    POLICY(P " = {'apiVersion':'a/b/c','kind':'Foo'}", P ".apiVersion: Invalid value: \"a/b/c\": *");
#undef P
}

TEST(test_admission_policy__status_is_complete) {
    assert_status_update(KIND_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY, policy, "",
                         "status.typeChecking.expressionWarnings = [{'fieldRef':'','warning':''}]",
                         "status.typeChecking.expressionWarnings[0].warning: Required value\n"
                         "status.typeChecking.expressionWarnings[0].fieldRef: Required value");
}

TEST(test_mutating_policy__has_mutations) {
    static const char base[] = "{'metadata':{'name':'n'},'spec':{'failurePolicy':'Fail','reinvocationPolicy':"
                               "'Never','matchConstraints':" MATCH
                               ",'mutations':[{'patchType':'JSONPatch','jsonPatch':{'expression':'x'}}]}}";
    const uint32_t kind = KIND_ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY;
    assert_create(kind, base, "", "");
    assert_create(kind, base, "spec.mutations = []", "spec.mutations: Required value: *");
    assert_create(kind, base, "spec.mutations[0].patchType = 'x'",
                  "spec.mutations[0].patchType: Unsupported value: *");
    assert_create(
        kind, base, "spec.mutations[0].patchType = 'ApplyConfiguration'",
        "spec.mutations[0].applyConfiguration: Required value: *\nspec.mutations[0].jsonPatch: Forbidden: *");
    assert_create(kind, base, "spec.reinvocationPolicy = ''", "spec.reinvocationPolicy: Required value");
    assert_create(kind, base, "spec.reinvocationPolicy = 'x'",
                  "spec.reinvocationPolicy: Unsupported value: \"x\": *");
    assert_create(kind, base, M ".resourceRules[0].operations = ['DELETE']",
                  M ".resourceRules[0].operations[0]: Unsupported value: \"DELETE\": *");
}
#undef M

/* ---- bindings ---- */

static const char binding[] =
    "{'metadata':{'name':'n'},'spec':{'policyName':'p','validationActions':['Deny']}}";
#define BINDING(edits, expected)                                                                             \
    assert_create(KIND_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY_BINDING, binding, edits, expected)

TEST(test_policy_binding__names_a_policy) {
    BINDING("", "");
    BINDING("spec.policyName = ''", "spec.policyName: Required value");
    BINDING("spec.policyName = 'A'", "spec.policyName: Invalid value: \"A\": *");
}

TEST(test_policy_binding__actions_are_known) {
#define A "spec.validationActions"
    BINDING(A " = []", A ": Required value: *");
    BINDING(A " = ['x']", A "[0]: Unsupported value: \"x\": *");
    BINDING(A " = ['Warn','Warn']", A "[1]: Duplicate value: \"Warn\"");
    BINDING(A " = ['Warn','Audit','Deny']", A ": Invalid value: *");
#undef A
}

TEST(test_policy_binding__parameters_are_named_or_selected) {
#define P "spec.paramRef"
    BINDING(P " = {'name':'n','parameterNotFoundAction':'Deny'}", "");
    BINDING(P " = {}", P ": Required value: *\n" P ".parameterNotFoundAction: Required value");
    BINDING(P " = {'name':'n','selector':{},'parameterNotFoundAction':'x'}",
            P ".name: Forbidden: *\n" P ".selector: Forbidden: *\n" P
              ".parameterNotFoundAction: Unsupported value: \"x\": *");
    static const char mutating[] = "{'metadata':{'name':'n'},'spec':{'policyName':'p'}}";
    assert_create(KIND_ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY_BINDING, mutating, "", "");
    assert_create(KIND_ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY_BINDING, mutating, P " = {}",
                  P ": Required value: *\n" P ".parameterNotFoundAction: Required value");
#undef P
}
