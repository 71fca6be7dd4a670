/* api/validation: Ingress, IngressClass, NetworkPolicy, IPAddress, ServiceCIDR. */
#include "valid.h"

#define BACKEND "{'service':{'name':'s','port':{'number':80}}}"
static const char ingress[] =
    "{'metadata':{'name':'n','namespace':'ns'},'spec':{'rules':[{'host':'a.example.com','http':{'paths':[{"
    "'path':'/x','pathType':'Prefix','backend':" BACKEND "}]}}]}}";

#define INGRESS(edits, expected) assert_create(KIND_NETWORKING_INGRESS, ingress, edits, expected)
#define PATH "spec.rules[0].http.paths[0]"

TEST(test_ingress__has_rules_or_a_backend) {
    INGRESS("", "");
    INGRESS("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
    INGRESS("spec.rules = []", "spec: Invalid value: null: *");
    INGRESS("spec = {'defaultBackend':" BACKEND "}", "");
}

TEST(test_ingress__class_is_named_once) {
    INGRESS("spec.ingressClassName = 'A'", "spec.ingressClassName: Invalid value: \"A\": *");
    INGRESS("metadata.annotations[kubernetes.io/ingress.class] = 'a' ;; spec.ingressClassName = 'a'", "");
    INGRESS("metadata.annotations[kubernetes.io/ingress.class] = 'a' ;; spec.ingressClassName = 'b'",
            "metadata.annotations[kubernetes.io/ingress.class]: Invalid value: \"a\": *");
    assert_update(KIND_NETWORKING_INGRESS, ingress, "metadata.annotations[kubernetes.io/ingress.class] = 'a'",
                  "spec.ingressClassName = 'b'", "");
}

TEST(test_ingress__host_is_a_domain) {
    INGRESS("spec.rules[0].host = '*.example.com'", "");
    INGRESS("spec.rules[0].host = ''", "");
    INGRESS("spec.rules[0].host = '10.0.0.1'", "spec.rules[0].host: Invalid value: \"10.0.0.1\": *");
    INGRESS("spec.rules[0].host = 'a.*.com'", "spec.rules[0].host: Invalid value: \"a.*.com\": *");
    INGRESS("spec.rules[0].host = 'A'", "spec.rules[0].host: Invalid value: \"A\": *");
}

TEST(test_ingress__paths_have_a_form) {
    INGRESS("spec.rules[0].http.paths = []", "spec.rules[0].http.paths: Required value");
    INGRESS(PATH ".pathType = -", PATH ".pathType: Required value: *");
    INGRESS(PATH ".pathType = 'x'", PATH ".pathType: Unsupported value: \"x\": *");
    INGRESS(PATH ".path = ''", PATH ".path: Invalid value: \"\": *");
    INGRESS(PATH ".path = '' ;; " PATH ".pathType = 'ImplementationSpecific'", "");
    INGRESS(PATH ".path = 'x' ;; " PATH ".pathType = 'ImplementationSpecific'",
            PATH ".path: Invalid value: \"x\": *");
    static const char *const wrong[] = {"/a//b", "/a/./b", "/a/../b", "/a%2fb", "/a%2Fb", "/a/..", "/a/."};
    static const char *const edits[] = {
        PATH ".path = '/a//b'",  PATH ".path = '/a/./b'", PATH ".path = '/a/../b'", PATH ".path = '/a%2fb'",
        PATH ".path = '/a%2Fb'", PATH ".path = '/a/..'",  PATH ".path = '/a/.'"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        INGRESS(edits[i], PATH ".path: Invalid value: *");
}

TEST(test_ingress__backend_is_a_service_or_a_resource) {
#define B PATH ".backend"
    INGRESS(B " = {'resource':{'apiGroup':'a.b','kind':'K','name':'n'}}", "");
    INGRESS(B " = {}", B ": Required value: *");
    INGRESS(B ".resource = {'kind':'K','name':'n'}", B ": Invalid value: *");
    INGRESS(B " = {'resource':{'kind':'','name':''}}",
            B ".resource.apiGroup: Required value\n" B ".resource.kind: Required value\n" B
              ".resource.name: Required value");
    INGRESS(B ".service.name = 'A'", B ".service.name: Invalid value: \"A\": *");
    INGRESS(B ".service.port = {}", B ".service: Required value: *");
    INGRESS(B ".service.port = {'name':'a','number':1}", B ".service: Invalid value: *");
    INGRESS(B ".service.port = {'number':65536}", B ".service.port.number: Invalid value: 65536: *");
    INGRESS(B ".service.port = {'name':'1'}", B ".service.port.name: Invalid value: \"1\": *");
#undef B
}

TEST(test_ingress__tls_names_hosts_and_a_secret) {
    INGRESS("spec.tls = [{'hosts':['*.a.b','c'],'secretName':'s'}]", "");
    INGRESS(
        "spec.tls = [{'hosts':['*a'],'secretName':'A'}]",
        "spec.tls[0].hosts[0]: Invalid value: \"*a\": *\nspec.tls[0].secretName: Invalid value: \"A\": *");
    assert_update(KIND_NETWORKING_INGRESS, ingress, "spec.tls = [{'secretName':'A'}]",
                  "spec.rules[0].host = 'b'", "");
}

TEST(test_ingress__status_has_addresses) {
#define AT "status.loadBalancer.ingress"
    assert_status_update(KIND_NETWORKING_INGRESS, ingress, "", AT " = [{'ip':'10.0.0.1'},{'hostname':'a.b'}]",
                         "");
    assert_status_update(KIND_NETWORKING_INGRESS, ingress, "", AT " = [{'ip':'x'},{'hostname':'10.0.0.1'}]",
                         AT "[0].ip: Invalid value: \"x\": *\n" AT
                            "[1].hostname: Invalid value: \"10.0.0.1\": *");
#undef AT
}

/* ---- IngressClass ---- */

static const char class[] = "{'metadata':{'name':'n'},'spec':{'controller':'a.b/c'}}";
#define CLASS(edits, expected) assert_create(KIND_NETWORKING_INGRESS_CLASS, class, edits, expected)

TEST(test_ingress_class__controller_is_a_path_with_a_domain) {
    CLASS("", "");
    CLASS("spec.controller = ''", "spec.controller: Required value");
    CLASS("spec.controller = 'x'", "spec.controller: Invalid value: \"x\": *");
    assert_update(KIND_NETWORKING_INGRESS_CLASS, class, "", "spec.controller = 'a.b/d'",
                  "spec.controller: Invalid value: \"a.b/d\": field is immutable");
}

TEST(test_ingress_class__parameters_have_a_scope) {
#define P "spec.parameters"
    CLASS(P " = {'kind':'K','name':'n','scope':'Cluster'}", "");
    CLASS(P " = {'kind':'K','name':'n','scope':'Namespace','namespace':'x'}", "");
    CLASS(P " = {'kind':'','name':''}",
          P ".kind: Required value\n" P ".name: Required value\n" P ".scope: Required value");
    CLASS(P " = {'kind':'a/b','name':'n','scope':'x'}",
          P ".kind: Invalid value: \"a/b\": *\n" P ".scope: Unsupported value: \"x\": *");
    CLASS(P " = {'kind':'K','name':'n','scope':'Cluster','namespace':'x'}", P ".namespace: Forbidden: *");
    CLASS(P " = {'kind':'K','name':'n','scope':'Namespace'}", P ".namespace: Required value: *");
#undef P
}

/* ---- NetworkPolicy ---- */

static const char policy[] =
    "{'metadata':{'name':'n','namespace':'ns'},'spec':{'podSelector':{},'policyTypes':['Ingress'],'ingress':["
    "{"
    "'ports':[{'protocol':'TCP','port':80}],'from':[{'ipBlock':{'cidr':'10.0.0.0/8'}}]}]}}";
#define POLICY(edits, expected) assert_create(KIND_NETWORKING_NETWORK_POLICY, policy, edits, expected)

TEST(test_network_policy__ports_have_a_form) {
#define PORT "spec.ingress[0].ports[0]"
    POLICY("", "");
    POLICY("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
    POLICY(PORT " = {'protocol':'x','port':0}",
           PORT ".protocol: Unsupported value: \"x\": *\n" PORT ".port: Invalid value: 0: *");
    POLICY(PORT " = {'port':'a_b'}", PORT ".port: Invalid value: \"a_b\": *");
    POLICY(PORT " = {'port':5,'endPort':6}", "");
    POLICY(PORT " = {'port':5,'endPort':4}", PORT ".endPort: Invalid value: 4: *");
    POLICY(PORT " = {'port':5,'endPort':65536}", PORT ".endPort: Invalid value: 65536: *");
    POLICY(PORT " = {'port':'http','endPort':4}", PORT ".endPort: Invalid value: 4: *");
    POLICY(PORT " = {'endPort':4}", PORT ".endPort: Invalid value: 4: *");
#undef PORT
}

TEST(test_network_policy__peers_are_given) {
#define PEER "spec.ingress[0].from[0]"
    POLICY(PEER " = {}", PEER ": Required value: *");
    POLICY(PEER ".podSelector = {}", PEER ": Forbidden: *");
    POLICY(PEER " = {'namespaceSelector':{'matchLabels':{'a b':''}}}",
           PEER ".namespaceSelector.matchLabels: Invalid value: \"a b\": *");
    POLICY("spec.egress = [{'to':[{}]}]", "spec.egress[0].to[0]: Required value: *");
}

TEST(test_network_policy__blocks_contain_their_exceptions) {
    POLICY(PEER ".ipBlock.except = ['10.1.0.0/16']", "");
    POLICY(PEER ".ipBlock = {'cidr':''}", PEER ".ipBlock.cidr: Required value");
    POLICY(PEER ".ipBlock = {'cidr':'10.0.0.1'}", PEER ".ipBlock.cidr: Invalid value: \"10.0.0.1\": *");
    POLICY(PEER ".ipBlock.except = ['10.0.0.0/8','11.0.0.0/16','x']",
           PEER ".ipBlock.except[0]: Invalid value: \"10.0.0.0/8\": *\n" PEER
                ".ipBlock.except[1]: Invalid value: \"11.0.0.0/16\": *\n" PEER
                ".ipBlock.except[2]: Invalid value: \"x\": *");
    POLICY(PEER ".ipBlock = {'cidr':'010.0.0.0/8'}", PEER ".ipBlock.cidr: Invalid value: \"010.0.0.0/8\": *");
    assert_update(KIND_NETWORKING_NETWORK_POLICY, policy, PEER ".ipBlock = {'cidr':'010.0.0.0/8'}",
                  "metadata.labels.a = 'b'", "");
#undef PEER
}

TEST(test_network_policy__types_are_known) {
    POLICY("spec.policyTypes = ['Ingress','x']", "spec.policyTypes[1]: Unsupported value: \"x\": *");
    POLICY("spec.policyTypes = ['Ingress','Egress','Egress']", "spec.policyTypes: Invalid value: *");
}

/* ---- IPAddress, ServiceCIDR ---- */

static const char address[] = "{'metadata':{'name':'10.0.0.1'},'spec':{'parentRef':{'resource':'services','"
                              "name':'s','namespace':'ns'}}}";
#define ADDRESS(edits, expected) assert_create(KIND_NETWORKING_IP_ADDRESS, address, edits, expected)

TEST(test_ip_address__name_is_canonical) {
    ADDRESS("", "");
    ADDRESS("metadata.name = '2001:db8::1'", "");
    ADDRESS("metadata.name = '2001:DB8::1'", "metadata.name: Invalid value: \"2001:DB8::1\": *");
    ADDRESS("metadata.name = 'x'", "metadata.name: Invalid value: \"x\": *");
}

TEST(test_ip_address__parent_stays) {
    ADDRESS("spec = {}", "spec.parentRef: Required value");
    ADDRESS(
        "spec.parentRef = {'group':'A','resource':'','name':'a/b','namespace':'..'}",
        "spec.parentRef.group: Invalid value: \"A\": *\nspec.parentRef.resource: Required value\n"
        "spec.parentRef.name: Invalid value: \"a/b\": *\nspec.parentRef.namespace: Invalid value: \"..\": *");
    assert_update(KIND_NETWORKING_IP_ADDRESS, address, "", "spec.parentRef.name = 't'",
                  "spec.parentRef: Invalid value: *");
}

static const char cidr[] = "{'metadata':{'name':'n'},'spec':{'cidrs':['10.0.0.0/16']}}";
#define CIDR(edits, expected) assert_create(KIND_NETWORKING_SERVICE_CIDR, cidr, edits, expected)
#define CIDR_UPDATE(new, expected) assert_update(KIND_NETWORKING_SERVICE_CIDR, cidr, "", new, expected)

TEST(test_service_cidr__has_one_per_family) {
    CIDR("", "");
    CIDR("spec.cidrs = ['10.0.0.0/16','2001:db8::/64']", "");
    CIDR("spec.cidrs = []", "spec.cidrs: Required value: *");
    CIDR("spec.cidrs = ['10.0.0.0/16','10.1.0.0/16']", "spec.cidrs: Invalid value: \"10.1.0.0/16\": *");
    CIDR("spec.cidrs = ['10.0.0.1/16']", "spec.cidrs[0]: Invalid value: \"10.0.0.1/16\": *");
    CIDR("spec.cidrs = ['a','b','c']", "spec.cidrs: Invalid value: *");
}

TEST(test_service_cidr__a_second_family_may_join) {
    CIDR_UPDATE("spec.cidrs = ['10.0.0.0/16','2001:db8::/64']", "");
    CIDR_UPDATE("spec.cidrs = ['10.1.0.0/16','2001:db8::/64']",
                "spec.cidrs[0]: Invalid value: \"10.1.0.0/16\": *");
    CIDR_UPDATE("spec.cidrs = ['10.0.0.0/16','10.1.0.0/16']", "spec.cidrs: Invalid value: *");
    CIDR_UPDATE("spec.cidrs = ['10.1.0.0/16']", "spec.cidrs: Invalid value: *");
}
