/* api/validation: PriorityClass, Lease, RuntimeClass, EndpointSlice. */
#include "api/types/discovery.h"
#include "base/arena.h"
#include "valid.h"

/* ---- PriorityClass ---- */

static const char priority[] = "{'metadata':{'name':'n'},'value':5,'preemptionPolicy':'Never'}";
#define PRIORITY(edits, expected) assert_create(KIND_SCHEDULING_PRIORITY_CLASS, priority, edits, expected)

TEST(test_priority_class__system_names_have_their_values) {
    PRIORITY("", "");
    PRIORITY("metadata.name = 'system-x'", "metadata.name: Forbidden: *");
    PRIORITY("metadata.name = 'system-node-critical' ;; value = 2000001000", "");
    PRIORITY("metadata.name = 'system-node-critical' ;; value = 2000000000", "metadata.name: Forbidden: *");
    PRIORITY("metadata.name = 'system-cluster-critical' ;; value = 2000000000 ;; globalDefault = true",
             "metadata.name: Forbidden: *");
}

TEST(test_priority_class__value_is_bounded_and_stays) {
    PRIORITY("value = 1000000000", "");
    PRIORITY("value = 1000000001", "value: Forbidden: *");
    PRIORITY("value = -2147483648", "");
    assert_update(KIND_SCHEDULING_PRIORITY_CLASS, priority, "", "value = 6", "value: Forbidden: *");
}

TEST(test_priority_class__preemption_policy_is_known_and_stays) {
    PRIORITY("preemptionPolicy = ''", "preemptionPolicy: Required value");
    PRIORITY("preemptionPolicy = 'x'", "preemptionPolicy: Unsupported value: \"x\": *");
    assert_update(KIND_SCHEDULING_PRIORITY_CLASS, priority, "", "preemptionPolicy = 'PreemptLowerPriority'",
                  "preemptionPolicy: Invalid value: *");
    assert_update(KIND_SCHEDULING_PRIORITY_CLASS, priority, "", "globalDefault = true", "");
}

/* ---- Lease ---- */

static const char lease[] = "{'metadata':{'name':'n','namespace':'ns'},'spec':{'leaseDurationSeconds':1}}";
#define LEASE(edits, expected) assert_create(KIND_COORDINATION_LEASE, lease, edits, expected)

TEST(test_lease__numbers_have_bounds) {
    LEASE("", "");
    LEASE("spec.leaseDurationSeconds = 0 ;; spec.leaseTransitions = -1",
          "spec.leaseDurationSeconds: Invalid value: 0: *\nspec.leaseTransitions: Invalid value: -1: *");
}

TEST(test_lease__strategy_is_known) {
    LEASE("spec.strategy = 'OldestEmulationVersion' ;; spec.preferredHolder = 'x'", "");
    LEASE("spec.strategy = 'a.b/c'", "");
    LEASE("spec.strategy = 'x'", "spec.strategy: Unsupported value: \"x\": *");
    LEASE("spec.strategy = 'a b/c'", "spec.strategy: Invalid value: \"a b/c\": *");
    LEASE("spec.preferredHolder = 'x'", "spec.preferredHolder: Forbidden: *");
}

/* ---- RuntimeClass ---- */

static const char runtime[] = "{'metadata':{'name':'n'},'handler':'h'}";
#define RUNTIME(edits, expected) assert_create(KIND_NODE_RUNTIME_CLASS, runtime, edits, expected)

TEST(test_runtime_class__handler_is_a_label_and_stays) {
    RUNTIME("", "");
    RUNTIME("handler = ''", "handler: Required value");
    RUNTIME("handler = 'A'", "handler: Invalid value: \"A\": *");
    assert_update(KIND_NODE_RUNTIME_CLASS, runtime, "", "handler = 'i'", "handler: Invalid value: *");
}

TEST(test_runtime_class__overhead_is_an_amount) {
    RUNTIME("overhead = {'podFixed':{'cpu':'10m'}}", "");
    RUNTIME("overhead = {'podFixed':{'cpu':'-1'}}", "overhead*");
}

TEST(test_runtime_class__tolerations_are_unique) {
#define T "scheduling.tolerations"
    RUNTIME(T " = [{'key':'a','operator':'Exists'},{'key':'a','operator':'Exists','effect':'NoExecute'},"
              "{'key':'a','operator':'Exists','effect':'NoExecute','tolerationSeconds':1},"
              "{'key':'a','operator':'Exists','effect':'NoExecute','tolerationSeconds':2}]",
            "");
    RUNTIME(T " = [{'key':'a','operator':'Exists'},{'key':'b','operator':'Exists'},"
              "{'key':'a','operator':'Exists'}]",
            T "[2]: Duplicate value: *");
    RUNTIME(T " = [{'key':'a','operator':'x'}]", T "[0].operator: Unsupported value: \"x\": *");
    RUNTIME("scheduling.nodeSelector = {'a b':'c'}", "scheduling.nodeSelector: Invalid value: \"a b\": *");
#undef T
}

/* ---- EndpointSlice ---- */

static const char slice[] =
    "{'metadata':{'name':'n','namespace':'ns'},'addressType':'IPv4','endpoints':[{'addresses':['10.0.0.1']}],"
    "'ports':[{'name':'a','protocol':'TCP','port':80}]}";
#define SLICE(edits, expected) assert_create(KIND_DISCOVERY_ENDPOINT_SLICE, slice, edits, expected)

TEST(test_endpoint_slice__address_type_is_known_and_stays) {
    SLICE("", "");
    SLICE("addressType = ''", "addressType: Required value");
    SLICE("addressType = 'x'", "addressType: Unsupported value: \"x\": *");
    assert_update(KIND_DISCOVERY_ENDPOINT_SLICE, slice, "", "addressType = 'FQDN' ;; endpoints = []",
                  "addressType: Invalid value: \"FQDN\": *");
}

TEST(test_endpoint_slice__addresses_match_the_type) {
#define A "endpoints[0].addresses"
    SLICE(A " = []", A ": Required value: *");
    SLICE(A " = ['x']", A "[0]: Invalid value: \"x\": *");
    SLICE(A " = ['2001:db8::1']", A "[0]: Invalid value: \"2001:db8::1\": must be an IPv4 address");
    SLICE("addressType = 'IPv6' ;; " A " = ['2001:db8::1']", "");
    SLICE("addressType = 'IPv6' ;; " A " = ['2001:DB8::1']", A "[0]: Invalid value: *");
    SLICE("addressType = 'FQDN' ;; " A " = ['a.b']", "");
    SLICE("addressType = 'FQDN' ;; " A " = ['a']", A "[0]: Invalid value: \"a\": *");
    SLICE(A " = ['0.0.0.0','127.0.0.1','169.254.1.1','224.0.0.1']",
          A "[0]: Invalid value: \"0.0.0.0\": *\n" A "[1]: Invalid value: \"127.0.0.1\": *\n" A
            "[2]: Invalid value: \"169.254.1.1\": *\n" A "[3]: Invalid value: \"224.0.0.1\": *");
    assert_update(KIND_DISCOVERY_ENDPOINT_SLICE, slice, A " = ['010.0.0.1']", "metadata.labels.a = 'b'", "");
    SLICE(A " = ['010.0.0.1']", A "[0]: Invalid value: *");
#undef A
}

TEST(test_endpoint_slice__places_have_names) {
    SLICE("endpoints[0].nodeName = 'A' ;; endpoints[0].hostname = 'a.b'",
          "endpoints[0].nodeName: Invalid value: \"A\": *\nendpoints[0].hostname: Invalid value: \"a.b\": *");
}

TEST(test_endpoint_slice__old_topology_is_bounded) {
    SLICE("endpoints[0].deprecatedTopology = {'a b':'c'}",
          "endpoints[0].deprecatedTopology: Invalid value: \"a b\": *");
    SLICE("endpoints[0].deprecatedTopology = {'a':'','b':'','c':'','d':'','e':'','f':'','g':'','h':'','i':'',"
          "'j':'','k':'','l':'','m':'','n':'','o':'','p':'','q':''}",
          "endpoints[0].deprecatedTopology: Too many: 17: *");
}

TEST(test_endpoint_slice__hints_are_unique) {
#define H "endpoints[0].hints"
    SLICE(H " = {'forZones':[{'name':'z'}],'forNodes':[{'name':'n'}]}", "");
    SLICE(H " = {'forZones':[{'name':'z'},{'name':'z'},{'name':'a b'}],'forNodes':[{'name':'n'},{'name':'n'},"
            "{'name':'A'}]}",
          H ".forZones[1].name: Duplicate value: \"z\"\n" H ".forZones[2].name: Invalid value: \"a b\": *\n" H
            ".forNodes[1].name: Duplicate value: \"n\"\n" H ".forNodes[2].name: Invalid value: \"A\": *");
    SLICE(H " = {'forZones':[{'name':'1'},{'name':'2'},{'name':'3'},{'name':'4'},{'name':'5'},{'name':'6'},"
            "{'name':'7'},{'name':'8'},{'name':'9'}]}",
          H ".forZones: Too many: 9: *");
#undef H
}

TEST(test_endpoint_slice__ports_are_unique) {
    SLICE("ports = [{'name':'','protocol':'TCP'},{'protocol':'UDP'}]",
          "ports[1].name: Duplicate value: \"\"");
    SLICE("ports = [{'name':'A','protocol':'x','appProtocol':'a b'}]",
          "ports[0].name: Invalid value: \"A\": *\nports[0].protocol: Unsupported value: \"x\": *\n"
          "ports[0].appProtocol: Invalid value: \"a b\": *");
    SLICE("ports = [{'name':'a'}]", "ports[0].protocol: Required value");
}

TEST(test_endpoint_slice__lists_are_bounded) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct discovery_endpoint_slice *s = valid_read(&a, TY_DISCOVERY_ENDPOINT_SLICE, slice);
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    struct discovery_endpoint *endpoints = arena_new_n(&a, 1001, struct discovery_endpoint);
    for (uint32_t i = 0; i < 1001; i++)
        endpoints[i] = s->endpoints.v[0];
    s->endpoints.v = endpoints;
    s->endpoints.n = 1000;
    validate_create(NULL, &kinds[KIND_DISCOVERY_ENDPOINT_SLICE], s, &e);
    assert_errors(&e, "", __FILE__, __LINE__);
    s->endpoints.n = 1001;
    s->ports.n = 20001;
    validate_create(NULL, &kinds[KIND_DISCOVERY_ENDPOINT_SLICE], s, &e);
    assert_errors(&e, "endpoints: Too many: 1001: *\nports: Too many: 20001: *", __FILE__, __LINE__);
}
