/* api/validation: roles and bindings. */
#include "valid.h"

static const char role[] = "{'metadata':{'name':'n','namespace':'ns'},'rules':[{'verbs':['get'],'apiGroups':"
                           "[''],'resources':['pods']}]}";
static const char cluster_role[] = "{'metadata':{'name':'n'},'rules':[{'verbs':['get'],'apiGroups':[''],"
                                   "'resources':['pods']}]}";
static const char binding[] = "{'metadata':{'name':'n','namespace':'ns'},'roleRef':{'apiGroup':'rbac."
                              "authorization.k8s.io','kind':'Role',"
                              "'name':'r'},'subjects':[{'kind':'ServiceAccount','name':'s','namespace':'ns'},"
                              "{'kind':'User','name':'u','apiGroup':'rbac.authorization.k8s.io'}]}";
static const char cluster_binding[] =
    "{'metadata':{'name':'n'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole',"
    "'name':'r'},'subjects':[{'kind':'ServiceAccount','name':'s','namespace':'ns'}]}";

#define ROLE(edits, expected) assert_create(KIND_RBAC_ROLE, role, edits, expected)
#define CLUSTER_ROLE(edits, expected) assert_create(KIND_RBAC_CLUSTER_ROLE, cluster_role, edits, expected)
#define BINDING(edits, expected) assert_create(KIND_RBAC_ROLE_BINDING, binding, edits, expected)
#define CLUSTER_BINDING(edits, expected)                                                                     \
    assert_create(KIND_RBAC_CLUSTER_ROLE_BINDING, cluster_binding, edits, expected)

TEST(test_role__name_is_a_path_segment) {
    ROLE("metadata.name = 'system:A_b'", "");
    ROLE("metadata.name = 'a/b'", "metadata.name: Invalid value: \"a/b\": *");
    BINDING("metadata.name = 'system:A_b'", "");
}

TEST(test_role__rules_have_verbs_and_resources) {
    ROLE("rules = [{}]", "rules[0].verbs: Required value: *\nrules[0].apiGroups: Required value: *\n"
                         "rules[0].resources: Required value: *");
    CLUSTER_ROLE("rules = [{'verbs':['get'],'nonResourceURLs':['/x']}]", "");
}

TEST(test_role__urls_stand_alone_in_cluster_roles) {
    ROLE("rules = [{'verbs':['get'],'nonResourceURLs':['/x']}]",
         "rules[0].nonResourceURLs: Invalid value: [\"/x\"]: *");
    CLUSTER_ROLE("rules[0].nonResourceURLs = ['/x']", "rules[0].nonResourceURLs: Invalid value: [\"/x\"]: *");
}

TEST(test_cluster_role__aggregation_selects) {
    CLUSTER_ROLE("aggregationRule = {'clusterRoleSelectors':[{'matchLabels':{'a':'b'}}]}", "");
    CLUSTER_ROLE("aggregationRule = {}", "aggregationRule.clusterRoleSelectors: Required value: *");
    CLUSTER_ROLE("aggregationRule = {'clusterRoleSelectors':[{'matchLabels':{'a b':'b'}}]}",
                 "aggregationRule.clusterRoleSelectors[0].matchLabels: Invalid value: \"a b\": *");
}

TEST(test_role_binding__refers_to_a_role) {
    BINDING("", "");
    BINDING("roleRef.kind = 'ClusterRole'", "");
    BINDING("roleRef = {'apiGroup':'','kind':'x','name':''}",
            "roleRef.apiGroup: Unsupported value: \"\": *\nroleRef.kind: Unsupported value: \"x\": supported "
            "values: \"ClusterRole\", \"Role\"\nroleRef.name: Required value");
    BINDING("roleRef.name = 'a/b'", "roleRef.name: Invalid value: \"a/b\": *");
    assert_update(KIND_RBAC_ROLE_BINDING, binding, "", "roleRef.name = 'x'", "roleRef: Invalid value: *");
    assert_update(KIND_RBAC_ROLE_BINDING, binding, "", "subjects = []", "");
}

TEST(test_cluster_role_binding__refers_to_a_cluster_role) {
    CLUSTER_BINDING("", "");
    CLUSTER_BINDING("roleRef.kind = 'Role'",
                    "roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\"");
    assert_update(KIND_RBAC_CLUSTER_ROLE_BINDING, cluster_binding, "", "roleRef.name = 'x'",
                  "roleRef: Invalid value: *");
}

TEST(test_binding__subjects_are_known) {
    BINDING("subjects = [{'kind':'x','name':''}]",
            "subjects[0].name: Required value\nsubjects[0].kind: Unsupported value: \"x\": *");
    BINDING("subjects = [{'kind':'ServiceAccount','name':'A','apiGroup':'x'}]",
            "subjects[0].name: Invalid value: \"A\": *\nsubjects[0].apiGroup: Unsupported value: \"x\": *");
    BINDING("subjects = [{'kind':'Group','name':'g'}]", "subjects[0].apiGroup: Unsupported value: \"\": *");
    BINDING("subjects = [{'kind':'ServiceAccount','name':'a'}]", "");
    CLUSTER_BINDING("subjects = [{'kind':'ServiceAccount','name':'a'}]",
                    "subjects[0].namespace: Required value");
}
