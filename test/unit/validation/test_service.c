/* api/validation: Service. */
#include "base/arena.h"
#include "valid.h"

static const char service[] =
    "{'metadata':{'name':'s','namespace':'ns'},'spec':{'type':'ClusterIP','sessionAffinity':'None','"
    "internalTrafficPolicy':'Cluster',"
    "'clusterIP':'10.0.0.1','clusterIPs':['10.0.0.1'],'ipFamilies':['IPv4'],'ipFamilyPolicy':'SingleStack',"
    "'ports':[{'port':80,'protocol':'TCP','targetPort':80}]}}";

#define SERVICE(edits, expected) assert_create(KIND_CORE_SERVICE, service, edits, expected)
#define UPDATE(old, new, expected) assert_update(KIND_CORE_SERVICE, service, old, new, expected)
#define STATUS(edits, expected) assert_status_update(KIND_CORE_SERVICE, service, BALANCED, edits, expected)

#define BALANCED                                                                                             \
    "spec.type = 'LoadBalancer' ;; spec.allocateLoadBalancerNodePorts = true ;; spec.externalTrafficPolicy " \
    "= 'Cluster'"
#define NODE_PORT "spec.type = 'NodePort' ;; spec.externalTrafficPolicy = 'Cluster'"
#define HEADLESS "spec.clusterIP = 'None' ;; spec.clusterIPs = ['None']"
#define NAMED                                                                                                \
    "spec.type = 'ExternalName' ;; spec.externalName = 'a.b' ;; spec.clusterIP = - ;; spec.clusterIPs = - "  \
    ";; spec.ipFamilies = - ;; spec.ipFamilyPolicy = -"
#define DUAL                                                                                                 \
    "spec.clusterIPs[1] = '::1' ;; spec.ipFamilies[1] = 'IPv6' ;; spec.ipFamilyPolicy = 'PreferDualStack'"

TEST(test_service__plain_ones_are_fine) {
    SERVICE("", "");
    SERVICE(BALANCED, "");
    SERVICE(NODE_PORT " ;; spec.ports[0].nodePort = 30000", "");
    SERVICE(HEADLESS, "");
    SERVICE(NAMED, "");
    SERVICE(DUAL, "");
    UPDATE("", "", "");
    STATUS("", "");
}

TEST(test_service__name_is_a_label) {
    SERVICE("metadata.name = '9a'", "");
    SERVICE("metadata.name = 'a.b'", "metadata.name: Invalid value: \"a.b\": *");
}

TEST(test_service__type_is_known) {
    SERVICE("spec.type = ''", "spec.type: Required value");
    SERVICE("spec.type = 'x'", "spec.type: Unsupported value: \"x\": supported values: \"ClusterIP\", "
                               "\"ExternalName\", \"LoadBalancer\", \"NodePort\"");
}

TEST(test_service__ports_are_given_unless_not_needed) {
    SERVICE("spec.ports = []", "spec.ports: Required value");
    SERVICE(HEADLESS " ;; spec.ports = []", "");
    SERVICE(NAMED " ;; spec.ports = []", "");
}

#define TWO(a, b)                                                                                            \
    "spec.ports = [{'port':80,'protocol':'TCP','targetPort':80" a                                            \
    "},{'port':81,'protocol':'TCP','targetPort':81" b "}]"

TEST(test_service__port_names_are_unique_labels) {
    SERVICE(TWO(",'name':'a'", ",'name':'b'"), "");
    SERVICE(TWO(",'name':'a'", ""), "spec.ports[1].name: Required value");
    SERVICE(TWO(",'name':'a'", ",'name':'a'"), "spec.ports[1].name: Duplicate value: \"a\"");
    SERVICE("spec.ports[0].name = 'A'", "spec.ports[0].name: Invalid value: \"A\": *");
}

TEST(test_service__port_numbers_are_ports) {
    SERVICE("spec.ports[0].port = 0",
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive");
    SERVICE("spec.ports[0].targetPort = 'http'", "");
    SERVICE("spec.ports[0].targetPort = 65536", "spec.ports[0].targetPort: Invalid value: 65536: *");
    SERVICE("spec.ports[0].targetPort = '80'", "spec.ports[0].targetPort: Invalid value: \"80\": *");
    SERVICE(BALANCED " ;; spec.ports[0].port = 10250", "spec.ports[0]: Invalid value: 10250: *");
}

TEST(test_service__protocols_are_known) {
    SERVICE("spec.ports[0].protocol = ''", "spec.ports[0].protocol: Required value");
    SERVICE("spec.ports[0].protocol = 'x'",
            "spec.ports[0].protocol: Unsupported value: \"x\": supported values: \"SCTP\", \"TCP\", \"UDP\"");
    SERVICE("spec.ports[0].appProtocol = 'a.b/c'", "");
    SERVICE("spec.ports[0].appProtocol = 'a b'", "spec.ports[0].appProtocol: Invalid value: \"a b\": *");
}

TEST(test_service__node_ports_are_for_reachable_services) {
    SERVICE("spec.ports[0].nodePort = 30000",
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'");
}

TEST(test_service__node_ports_are_unique) {
    SERVICE(NODE_PORT " ;; " TWO(",'name':'a','nodePort':30000", ",'name':'b','nodePort':30000"),
            "spec.ports[1].nodePort: Duplicate value: 30000");
    SERVICE(NODE_PORT
            " ;; " TWO(",'name':'a','nodePort':30000", ",'name':'b','protocol':'UDP','nodePort':30000"),
            "");
}

TEST(test_service__ports_are_unique) {
    SERVICE(TWO(",'name':'a'", ",'name':'b','port':80"), "spec.ports[1]: Duplicate value: \"TCP/80\"");
    SERVICE(TWO(",'name':'a'", ",'name':'b','port':80,'protocol':'UDP'"), "");
}

/* ---- addresses ---- */

TEST(test_service__cluster_ips_begin_with_the_first) {
    SERVICE("spec.clusterIPs = ['10.0.0.2']",
            "spec.clusterIPs: Invalid value: [\"10.0.0.2\"]: first value must match `clusterIP`");
    SERVICE("spec.clusterIPs = []", "spec.clusterIPs: Required value");
    SERVICE(
        "spec.clusterIP = ''",
        "spec.clusterIPs: Invalid value: [\"10.0.0.1\"]: must be empty when `clusterIP` is not specified");
    SERVICE("spec.clusterIP = - ;; spec.clusterIPs = -", "");
}

TEST(test_service__cluster_ips_are_one_per_family) {
    SERVICE("spec.clusterIP = 'x' ;; spec.clusterIPs = ['x']", "spec.clusterIPs[0]: Invalid value: \"x\": *");
    SERVICE("spec.clusterIPs = ['10.0.0.1','10.0.0.2']", "spec.clusterIPs: Invalid value: *");
    SERVICE(DUAL " ;; spec.clusterIPs[2] = '::2'", "spec.clusterIPs: Invalid value: *");
    SERVICE("spec.clusterIPs = ['10.0.0.1','None']", "spec.clusterIPs: Invalid value: *");
    SERVICE("spec.clusterIP = '010.0.0.1' ;; spec.clusterIPs = ['010.0.0.1']",
            "spec.clusterIPs[0]: Invalid value: \"010.0.0.1\": *");
    UPDATE("spec.clusterIP = '010.0.0.1' ;; spec.clusterIPs = ['010.0.0.1']", "spec.selector = {'a':'b'}",
           "");
}

TEST(test_service__headless_ones_are_cluster_ip) {
    SERVICE(
        BALANCED " ;; " HEADLESS,
        "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services");
    SERVICE(NODE_PORT " ;; " HEADLESS,
            "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services");
}

TEST(test_service__addresses_stay) {
    UPDATE("", "spec.clusterIP = '10.0.0.2' ;; spec.clusterIPs = ['10.0.0.2']",
           "spec.clusterIPs[0]: Invalid value: \"10.0.0.2\": may not change once set");
    UPDATE("", "spec.clusterIP = - ;; spec.clusterIPs = -",
           "spec.clusterIPs[0]: Invalid value: null: primary clusterIP can not be unset");
    UPDATE("", DUAL, "");
    UPDATE("", NAMED, "");
    UPDATE(NAMED,
           "spec.type = 'ClusterIP' ;; spec.clusterIP = '10.0.0.9' ;; spec.clusterIPs = ['10.0.0.9'] ;; "
           "spec.ipFamilies = ['IPv4']",
           "");
    UPDATE("", HEADLESS, "spec.clusterIPs[0]: Invalid value: \"None\": may not change once set");
}

TEST(test_service__the_second_address_is_dropped_by_policy) {
    UPDATE(DUAL, "spec.clusterIPs[1] = - ;; spec.ipFamilies[1] = - ;; spec.ipFamilyPolicy = 'SingleStack'",
           "");
    UPDATE(DUAL, "spec.clusterIPs[1] = -",
           "spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be set to 'SingleStack' when "
           "releasing the secondary clusterIP");
    UPDATE(DUAL, "spec.ipFamilies[1] = - ;; spec.ipFamilyPolicy = -",
           "spec.ipFamilyPolicy: Invalid value: null: *");
}

TEST(test_service__external_names_have_no_addresses) {
    SERVICE(
        NAMED " ;; spec.clusterIP = 'x' ;; spec.clusterIPs = ['x'] ;; spec.ipFamilies = ['IPv4'] ;; "
              "spec.ipFamilyPolicy = 'SingleStack'",
        "spec.clusterIPs: Forbidden: *\nspec.ipFamilies: Forbidden: *\nspec.ipFamilyPolicy: Forbidden: *");
}

TEST(test_service__external_names_are_domains) {
    SERVICE(NAMED " ;; spec.externalName = 'a.b.'", "");
    SERVICE(NAMED " ;; spec.externalName = ''", "spec.externalName: Required value");
    SERVICE(NAMED " ;; spec.externalName = 'A'", "spec.externalName: Invalid value: \"A\": *");
}

TEST(test_service__families_are_known_and_fit) {
    SERVICE("spec.ipFamilies = ['x']",
            "spec.ipFamilies[0]: Unsupported value: \"x\": supported values: \"IPv4\", \"IPv6\"");
    SERVICE("spec.ipFamilies = ['IPv4','IPv4']", "spec.ipFamilies[1]: Duplicate value: \"IPv4\"");
    SERVICE("spec.ipFamilies = ['IPv6']", "spec.clusterIPs[0]: Invalid value: \"10.0.0.1\": expected an IPv6 "
                                          "value as indicated by `ipFamilies[0]`");
    UPDATE(
        DUAL,
        "spec.ipFamilies = ['IPv6','IPv4'] ;; spec.clusterIPs = ['::1','10.0.0.1'] ;; spec.clusterIP = '::1'",
        "spec.clusterIPs[0]: Invalid value: \"::1\": may not change once set\nspec.clusterIPs[1]: Invalid "
        "value: \"10.0.0.1\": *\n"
        "spec.ipFamilies[0]: Invalid value: \"IPv6\": may not change once set\nspec.ipFamilies[1]: Invalid "
        "value: \"IPv4\": *");
}

TEST(test_service__family_policy_is_known) {
    SERVICE("spec.ipFamilyPolicy = 'x'", "spec.ipFamilyPolicy: Unsupported value: \"x\": supported values: "
                                         "\"PreferDualStack\", \"RequireDualStack\", \"SingleStack\"");
}

TEST(test_service__selector_is_labels) {
    SERVICE("spec.selector = {'a b':'c d'}",
            "spec.selector: Invalid value: \"a b\": *\nspec.selector: Invalid value: \"c d\": *");
}

/* ---- affinity ---- */

TEST(test_service__affinity_is_known) {
    SERVICE("spec.sessionAffinity = ''", "spec.sessionAffinity: Required value");
    SERVICE("spec.sessionAffinity = 'x'",
            "spec.sessionAffinity: Unsupported value: \"x\": supported values: \"ClientIP\", \"None\"");
}

TEST(test_service__affinity_to_clients_is_configured) {
    SERVICE("spec.sessionAffinity = 'ClientIP' ;; spec.sessionAffinityConfig = "
            "{'clientIP':{'timeoutSeconds':86400}}",
            "");
    SERVICE("spec.sessionAffinity = 'ClientIP'", "spec.sessionAffinityConfig: Required value: *");
    SERVICE("spec.sessionAffinity = 'ClientIP' ;; spec.sessionAffinityConfig = {}",
            "spec.sessionAffinityConfig.clientIP: Required value: *");
    SERVICE("spec.sessionAffinityConfig = {'clientIP':{'timeoutSeconds':1}}",
            "spec.sessionAffinityConfig: Forbidden: *");
}

TEST(test_service__affinity_ends_within_a_day) {
    SERVICE("spec.sessionAffinity = 'ClientIP' ;; spec.sessionAffinityConfig = {'clientIP':{}}",
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Required value: *");
    SERVICE(
        "spec.sessionAffinity = 'ClientIP' ;; spec.sessionAffinityConfig = {'clientIP':{'timeoutSeconds':0}}",
        "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be between 1 and 86400, "
        "inclusive");
    SERVICE("spec.sessionAffinity = 'ClientIP' ;; spec.sessionAffinityConfig = "
            "{'clientIP':{'timeoutSeconds':86401}}",
            "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: *");
}

/* ---- from outside ---- */

TEST(test_service__external_ips_are_no_special_ones) {
    SERVICE("spec.externalIPs = ['1.2.3.4'] ;; spec.externalTrafficPolicy = 'Cluster'", "");
    SERVICE(
        "spec.externalIPs = ['x','0.0.0.0','127.0.0.1','169.254.1.1','fe80::1','224.0.0.1'] ;; "
        "spec.externalTrafficPolicy = 'Cluster'",
        "spec.externalIPs[0]: Invalid value: \"x\": *\nspec.externalIPs[1]: Invalid value: \"0.0.0.0\": *\n"
        "spec.externalIPs[2]: Invalid value: \"127.0.0.1\": *\nspec.externalIPs[3]: Invalid value: "
        "\"169.254.1.1\": *\n"
        "spec.externalIPs[4]: Invalid value: \"fe80::1\": *\nspec.externalIPs[5]: Invalid value: "
        "\"224.0.0.1\": *");
}

TEST(test_service__source_ranges_are_for_load_balancers) {
    SERVICE(BALANCED " ;; spec.loadBalancerSourceRanges = ['10.0.0.0/8']", "");
    SERVICE("spec.loadBalancerSourceRanges = ['10.0.0.0/8']", "spec.loadBalancerSourceRanges: Forbidden: *");
    SERVICE(BALANCED " ;; spec.loadBalancerSourceRanges = ['x','10.0.0.1/8']",
            "spec.loadBalancerSourceRanges[0]: Invalid value: \"x\": *\nspec.loadBalancerSourceRanges[1]: "
            "Invalid value: \"10.0.0.1/8\": *");
    SERVICE("metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges] = '10.0.0.0/8'",
            "metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: Forbidden: *");
    UPDATE(BALANCED " ;; spec.loadBalancerSourceRanges = ['10.0.0.1/8']", "", "");
}

TEST(test_service__node_ports_are_allocated_for_load_balancers) {
    SERVICE("spec.allocateLoadBalancerNodePorts = true", "spec.allocateLoadBalancerNodePorts: Forbidden: *");
    SERVICE(BALANCED " ;; spec.allocateLoadBalancerNodePorts = -",
            "spec.allocateLoadBalancerNodePorts: Required value");
}

TEST(test_service__load_balancer_class_is_set_once) {
    SERVICE(BALANCED " ;; spec.loadBalancerClass = 'a.b/c'", "");
    SERVICE("spec.loadBalancerClass = 'a'", "spec.loadBalancerClass: Forbidden: *");
    SERVICE(BALANCED " ;; spec.loadBalancerClass = 'a b'",
            "spec.loadBalancerClass: Invalid value: \"a b\": *");
    UPDATE(BALANCED, "spec.loadBalancerClass = 'a'",
           "spec.loadBalancerClass: Invalid value: \"a\": may not change once set");
    UPDATE(BALANCED " ;; spec.loadBalancerClass = 'a'", "spec.loadBalancerClass = -",
           "spec.loadBalancerClass: Invalid value: null: *");
    UPDATE("", BALANCED " ;; spec.loadBalancerClass = 'a'", "");
}

TEST(test_service__external_traffic_policy_is_for_reachable_services) {
    SERVICE("spec.externalTrafficPolicy = 'Local'",
            "spec.externalTrafficPolicy: Invalid value: \"Local\": *");
    SERVICE(NODE_PORT " ;; spec.externalTrafficPolicy = ''", "spec.externalTrafficPolicy: Required value");
    SERVICE(NODE_PORT " ;; spec.externalTrafficPolicy = 'x'",
            "spec.externalTrafficPolicy: Unsupported value: \"x\": supported values: \"Cluster\", \"Local\"");
}

#define LOCAL BALANCED " ;; spec.externalTrafficPolicy = 'Local'"

TEST(test_service__health_checks_go_with_local_load_balancing) {
    SERVICE(LOCAL " ;; spec.healthCheckNodePort = 30001", "");
    SERVICE(LOCAL, "spec.healthCheckNodePort: Required value");
    SERVICE(LOCAL " ;; spec.healthCheckNodePort = 65536",
            "spec.healthCheckNodePort: Invalid value: 65536: *");
    SERVICE(BALANCED " ;; spec.healthCheckNodePort = 30001",
            "spec.healthCheckNodePort: Invalid value: 30001: *");
    UPDATE(LOCAL " ;; spec.healthCheckNodePort = 30001", "spec.healthCheckNodePort = 30002",
           "spec.healthCheckNodePort: Forbidden: field is immutable");
}

TEST(test_service__internal_traffic_policy_is_known) {
    SERVICE("spec.internalTrafficPolicy = 'Local'", "");
    SERVICE("spec.internalTrafficPolicy = -", "spec.internalTrafficPolicy: Required value");
    SERVICE(NAMED " ;; spec.internalTrafficPolicy = -", "");
    SERVICE("spec.internalTrafficPolicy = 'x'",
            "spec.internalTrafficPolicy: Unsupported value: \"x\": supported values: \"Cluster\", \"Local\"");
}

TEST(test_service__traffic_distribution_is_known) {
    SERVICE("spec.trafficDistribution = 'PreferClose'", "");
    SERVICE("spec.trafficDistribution = 'x'",
            "spec.trafficDistribution: Unsupported value: \"x\": supported values: \"PreferClose\", "
            "\"PreferSameNode\", \"PreferSameZone\"");
}

TEST(test_service__topology_annotations_agree) {
    const char *hints = "metadata.annotations[service.kubernetes.io/topology-aware-hints] = 'auto' ;; ";
    _cleanup_arena struct arena a = ARENA_INIT;
    SERVICE(arena_printf(&a, "%smetadata.annotations[service.kubernetes.io/topology-mode] = 'auto'", hints).p,
            "");
    SERVICE(arena_printf(&a, "%smetadata.annotations[service.kubernetes.io/topology-mode] = 'x'", hints).p,
            "metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: \"x\": *");
}

/* ---- status ---- */

#define I0 "status.loadBalancer.ingress[0]"

TEST(test_service_status__ingress_is_of_load_balancers) {
    STATUS("status.loadBalancer.ingress = [{'ip':'1.2.3.4','ipMode':'VIP'},{'hostname':'a.b'}]", "");
    assert_status_update(KIND_CORE_SERVICE, service, "", "status.loadBalancer.ingress = [{'hostname':'a.b'}]",
                         "status.loadBalancer.ingress: Forbidden: *");
}

TEST(test_service_status__ingress_is_by_address_or_name) {
    STATUS("status.loadBalancer.ingress = [{'ip':'x','ipMode':'y'}]",
           I0 ".ip: Invalid value: \"x\": *\n" I0
              ".ipMode: Unsupported value: \"y\": supported values: \"Proxy\", \"VIP\"");
    STATUS("status.loadBalancer.ingress = [{'ip':'1.2.3.4'}]",
           I0 ".ipMode: Required value: must be specified when `ip` is set");
    STATUS("status.loadBalancer.ingress = [{'hostname':'a','ipMode':'VIP'}]", I0 ".ipMode: Forbidden: *");
    STATUS("status.loadBalancer.ingress = [{'hostname':'A'}]", I0 ".hostname: Invalid value: \"A\": *");
    STATUS("status.loadBalancer.ingress = [{'hostname':'1.2.3.4'}]",
           I0 ".hostname: Invalid value: \"1.2.3.4\": *");
    assert_status_update(KIND_CORE_SERVICE, service,
                         BALANCED " ;; status.loadBalancer.ingress = [{'ip':'01.2.3.4','ipMode':'VIP'}]", "",
                         "");
}
