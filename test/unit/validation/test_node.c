/* api/validation: Node and Namespace. */
#include "base/arena.h"
#include "valid.h"

static const char node[] = "{'metadata':{'name':'n'},'spec':{},'status':{}}";
static const char namespace_[] =
    "{'metadata':{'name':'n'},'spec':{'finalizers':['kubernetes']},'status':{'phase':'Active'}}";

#define NODE(edits, expected) assert_create(KIND_CORE_NODE, node, edits, expected)
#define UPDATE(old, new, expected) assert_update(KIND_CORE_NODE, node, old, new, expected)
#define STATUS(old, new, expected) assert_status_update(KIND_CORE_NODE, node, old, new, expected)

TEST(test_node__name_is_a_subdomain) {
    NODE("metadata.name = 'a.b'", "");
    NODE("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
}

TEST(test_node__taints_are_unique) {
    NODE("spec.taints = [{'key':'a/b','value':'c','effect':'NoSchedule'},{'key':'a/b','effect':'NoExecute'}]",
         "");
    NODE("spec.taints = [{'key':'a b','value':'c d','effect':'x'}]",
         "spec.taints[0].key: Invalid value: \"a b\": *\nspec.taints[0].value: Invalid value: \"c d\": *\n"
         "spec.taints[0].effect: Unsupported value: \"x\": supported values: \"NoSchedule\", "
         "\"PreferNoSchedule\", \"NoExecute\"");
    NODE("spec.taints = [{'key':'a','effect':''}]", "spec.taints[0].effect: Required value");
    NODE("spec.taints = [{'key':'a','effect':'NoSchedule'},{'key':'a','value':'b','effect':'NoSchedule'}]",
         "spec.taints[1]: Duplicate value: {\"effect\":\"NoSchedule\",\"key\":\"a\",\"value\":\"b\"}");
    UPDATE("", "spec.taints = [{'key':'a','effect':''}]", "spec.taints[0].effect: Required value");
}

TEST(test_node__pod_networks_are_one_per_family) {
    NODE("spec.podCIDR = '10.0.0.0/24' ;; spec.podCIDRs = ['10.0.0.0/24','fd00::/64']", "");
    NODE("spec.podCIDRs = ['x']", "spec.podCIDRs[0]: Invalid value: \"x\": *");
    NODE("spec.podCIDRs = ['10.0.0.0/24','10.0.1.0/24']", "spec.podCIDRs: Invalid value: 2: *");
}

TEST(test_node__pod_networks_are_set_once) {
    UPDATE("", "spec.podCIDRs = ['10.0.0.0/24']", "");
    UPDATE("spec.podCIDRs = ['10.0.0.0/24']", "spec.podCIDRs = ['10.0.1.0/24']",
           "spec.podCIDRs: Forbidden: *");
    UPDATE("spec.podCIDRs = ['10.0.0.0/24']", "spec.podCIDRs = -", "spec.podCIDRs: Forbidden: *");
    UPDATE("spec.podCIDRs = ['010.0.0.0/24']", "", "");
}

TEST(test_node__provider_is_set_once) {
    UPDATE("", "spec.providerID = 'a'", "");
    UPDATE("spec.providerID = 'a'", "spec.providerID = 'b'", "spec.providerID: Forbidden: *");
    UPDATE("", "spec.externalID = 'b'", "spec.externalID: Forbidden: may not be updated");
}

#define MAP "{'configMap':{'name':'m','namespace':'ns','kubeletConfigKey':'k'}}"

TEST(test_node__configuration_is_one_reference) {
    UPDATE("", "spec.configSource = " MAP, "");
    UPDATE("", "spec.configSource = {}", "spec.configSource: Invalid value: {}: *");
    UPDATE("",
           "spec.configSource = "
           "{'configMap':{'name':'','namespace':'','kubeletConfigKey':'','uid':'u','resourceVersion':'1'}}",
           "spec.configSource.configMap.uid: Forbidden: *\nspec.configSource.configMap.resourceVersion: "
           "Forbidden: *\n"
           "spec.configSource.configMap.kubeletConfigKey: Required value\nspec.configSource.configMap.name: "
           "Required value\n"
           "spec.configSource.configMap.namespace: Required value");
    STATUS("",
           "status.config = {'assigned':" MAP
           ",'active':{},'lastKnownGood':{'configMap':{'name':'A','namespace':'A','kubeletConfigKey':'a "
           "b','uid':'u','resourceVersion':'1'}}}",
           "status.config.assigned.configMap.uid: Required "
           "value\nstatus.config.assigned.configMap.resourceVersion: Required value\n"
           "status.config.active: Invalid value: *\nstatus.config.lastKnownGood.configMap.kubeletConfigKey: "
           "Invalid value: \"a b\": *\n"
           "status.config.lastKnownGood.configMap.name: Invalid value: \"A\": "
           "*\nstatus.config.lastKnownGood.configMap.namespace: Invalid value: \"A\": *");
}

TEST(test_node__amounts_fit_their_resources) {
    STATUS("", "status.capacity = {'cpu':'500m','example.com/x':'2'} ;; status.allocatable = {'pods':'110'}",
           "");
    STATUS("",
           "status.capacity = {'cpu':'-1','example.com/x':'500m'} ;; status.allocatable = {'pods':'1500m'}",
           "status.capacity[cpu]: Invalid value: \"-1\": *\nstatus.capacity[example.com/x]: Invalid value: "
           "\"500m\": must be an integer\n"
           "status.allocatable[pods]: Invalid value: \"1500m\": must be an integer");
}

TEST(test_node__addresses_are_unique) {
    STATUS("",
           "status.addresses = "
           "[{'type':'InternalIP','address':'1.2.3.4'},{'type':'Hostname','address':'1.2.3.4'}]",
           "");
    STATUS("", "status.addresses = [{'type':'InternalIP','address':'a'},{'type':'InternalIP','address':'a'}]",
           "status.addresses[1]: Duplicate value: *");
}

TEST(test_node__declared_features_are_sorted) {
    STATUS("", "status.declaredFeatures = ['A','B/c']", "");
    STATUS("", "status.declaredFeatures = ['B','A','A','a b']",
           "status.declaredFeatures[1]: Invalid value: \"A\": must be sorted\nstatus.declaredFeatures[2]: "
           "Duplicate value: \"A\"\n"
           "status.declaredFeatures[3]: Invalid value: \"a b\": *");
    _cleanup_arena struct arena a = ARENA_INIT;
    char text[255];
    memset(text, 'A', 254);
    text[254] = 0;
    STATUS("", arena_printf(&a, "status.declaredFeatures = ['%s']", text).p,
           "status.declaredFeatures[0]: Invalid value: *");
}

TEST(test_node__pods_to_avoid_have_controllers) {
    const char *key = "metadata.annotations[scheduler.alpha.kubernetes.io/preferAvoidPods]";
    _cleanup_arena struct arena a = ARENA_INIT;
    NODE(arena_printf(&a, "%s = 'x'", key).p, arena_printf(&a, "%s: Invalid value: \"AvoidPods\": *", key).p);
    NODE(arena_printf(&a,
                      "%s = "
                      "'{\\u0022preferAvoidPods\\u0022:[{},{\\u0022podSignature\\u0022:{"
                      "\\u0022podController\\u0022:{\\u0022kind\\u0022:\\u0022x\\u0022}}}]}'",
                      key)
             .p,
         arena_printf(&a,
                      "%s[0].PodSignature: Required value\n%s[1].PodSignature.PodController.Controller: "
                      "Invalid value: *",
                      key, key)
             .p);
}

TEST(test_node__annotated_taints_are_taints) {
    const char *key = "metadata.annotations[scheduler.alpha.kubernetes.io/taints]";
    _cleanup_arena struct arena a = ARENA_INIT;
    NODE(arena_printf(&a, "%s = 'x'", key).p, arena_printf(&a, "%s: Invalid value: \"x\": *", key).p);
    NODE(arena_printf(&a, "%s = '[{\\u0022key\\u0022:\\u0022k\\u0022}]'", key).p,
         arena_printf(&a, "%s[0].effect: Required value", key).p);
}

/* ---- namespaces ---- */

TEST(test_namespace__name_is_a_label) {
    assert_create(KIND_CORE_NAMESPACE, namespace_, "", "");
    assert_create(KIND_CORE_NAMESPACE, namespace_, "metadata.name = 'a.b'",
                  "metadata.name: Invalid value: \"a.b\": *");
}

TEST(test_namespace__finalizers_are_names) {
    assert_create(KIND_CORE_NAMESPACE, namespace_, "spec.finalizers = ['a.b/c','orphan']", "");
    assert_create(KIND_CORE_NAMESPACE, namespace_, "spec.finalizers = ['x']",
                  "spec.finalizers[0]: Invalid value: \"x\": *");
    assert_subresource(KIND_CORE_NAMESPACE, "finalize", namespace_, "", "spec.finalizers = []", "");
    assert_subresource(KIND_CORE_NAMESPACE, "finalize", namespace_, "", "spec.finalizers = ['a b']",
                       "spec.finalizers[0]: Invalid value: \"a b\": *\n"
                       "spec.finalizers[0]: Invalid value: \"a b\": is neither a standard finalizer name *");
    assert_update(KIND_CORE_NAMESPACE, namespace_, "", "metadata.labels.a = 'b'", "");
}

#define NS_STATUS(old, new, expected)                                                                        \
    assert_status_update(KIND_CORE_NAMESPACE, namespace_, old, new, expected)
#define DELETED "metadata.deletionTimestamp = '2026-01-01T00:00:00Z'"

TEST(test_namespace__phase_tells_of_deletion) {
    NS_STATUS("", "", "");
    NS_STATUS(
        "", "status.phase = 'Terminating'",
        "status.phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty");
    NS_STATUS(DELETED, "status.phase = 'Terminating'", "");
    NS_STATUS(DELETED, "", "status.phase: Invalid value: \"Active\": *");
}
