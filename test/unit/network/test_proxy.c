/* Plans of the service proxy: what services and endpoints become, and how little a change is. */
#include "network/proxy.h"

#include "api/json.h"
#include "api/object.h"
#include "api/types/ids.h"
#include "base/buf.h"
#include "unit/unit.h"

static struct object *object_of(const struct kind *kind, uint32_t type, const char *json) {
    struct arena a = ARENA_INIT;
    void *body;
    struct err err = ERR_INIT;
    assert_ok(api_read_json(&a, &builtin, type, str_from(json), NULL, &body, &err), &err);
    return object_freeze(kind, body, &a);
}

static void put_service(struct proxy *p, const char *json) {
    struct object *o = object_of(&kinds[KIND_CORE_SERVICE], TY_CORE_SERVICE, json);
    proxy_put_service(p, o);
    object_unref(o);
}

static void put_slice(struct proxy *p, const char *json) {
    struct object *o = object_of(&kinds[KIND_DISCOVERY_ENDPOINT_SLICE], TY_DISCOVERY_ENDPOINT_SLICE, json);
    proxy_put_slice(p, o);
    object_unref(o);
}

static struct proxy *proxy_of(void) {
    static const struct ip dns = {.family = 4, .lo = 0x0a60000a};
    return proxy_new(&(struct proxy_config){.node = S("n1"), .zone = S("z1"), .local = &dns, .n_local = 1});
}

static void assert_plan(struct proxy *p, const char *text) {
    struct proxy_plan plan;
    _cleanup_buf struct buf out = BUF_INIT;
    proxy_plan_next(p, &plan);
    proxy_plan_print(&plan, &out);
    assert_str(buf_view(&out), text);
    assert_int_equal(proxy_plan_empty(&plan), !*text);
    proxy_plan_fini(&plan);
}

#define META(name_) "\"metadata\":{\"namespace\":\"d\",\"name\":\"" name_ "\"}"
#define SLICE(owner, ports, endpoints)                                                                       \
    "{\"metadata\":{\"namespace\":\"d\",\"name\":\"" owner                                                   \
    "-1\",\"labels\":{\"kubernetes.io/service-name\":\"" owner                                               \
    "\"}},\"addressType\":\"IPv4\",\"ports\":[" ports "],\"endpoints\":[" endpoints "]}"
#define WEB "{\"name\":\"web\",\"port\":8080}"
#define EP(ip, node) "{\"addresses\":[\"" ip "\"],\"nodeName\":\"" node "\"}"
#define SERVICE(more)                                                                                        \
    "{" META("s") ",\"spec\":{\"clusterIP\":\"10.96.0.1\",\"type\":\"ClusterIP\",\"ports\":[{\"name\":"      \
                  "\"web\",\"port\":80,"                                                                     \
                  "\"protocol\":\"TCP\",\"nodePort\":30080}]" more "}}"

TEST(test_proxy__a_service_becomes_elements) {
    struct proxy *p = proxy_of();
    put_service(p, SERVICE(""));
    put_slice(p, SLICE("s", WEB, EP("10.1.0.5", "n1") "," EP("10.1.1.5", "n2")));
    assert_plan(p, "add chain ip svc-2\n"
                   "add element ip services { 10.96.0.1 . tcp . 80 : svc-2 }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.0.5 . 8080 }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 1 : 10.1.1.5 . 8080 }\n"
                   "add element ip cluster_ips { 10.96.0.1 }\n"
                   "add element ip hairpin { 10.1.0.5 . 10.1.0.5 }\n");
    assert_plan(p, "");
    proxy_free(p);
}

TEST(test_proxy__without_endpoints_it_is_refused) {
    struct proxy *p = proxy_of();
    put_service(p, SERVICE(""));
    assert_plan(p, "add element ip refused { 10.96.0.1 . tcp . 80 : reject }\n"
                   "add element ip cluster_ips { 10.96.0.1 }\n");
    put_slice(p, SLICE("s", WEB, EP("10.1.1.5", "n2")));
    assert_plan(p, "add chain ip svc-1\n"
                   "delete element ip refused { 10.96.0.1 . tcp . 80 : reject }\n"
                   "add element ip services { 10.96.0.1 . tcp . 80 : svc-1 }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.1.5 . 8080 }\n");
    proxy_remove_slice(p, S("d"), S("s-1"));
    proxy_remove_service(p, S("d"), S("s"));
    assert_plan(p, "delete element ip services { 10.96.0.1 . tcp . 80 : svc-1 }\n"
                   "delete element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.1.5 . 8080 }\n"
                   "delete element ip cluster_ips { 10.96.0.1 }\n"
                   "delete chain ip svc-1\n");
    assert_int_equal(proxy_service_count(p), 0);
    proxy_free(p);
}

TEST(test_proxy__a_replaced_endpoint_is_one_element) {
    struct proxy *p = proxy_of();
    put_service(p, SERVICE(""));
    put_slice(p, SLICE("s", WEB, EP("10.1.1.5", "n2") "," EP("10.1.1.6", "n2") "," EP("10.1.1.7", "n2")));
    struct proxy_plan plan;
    proxy_plan_next(p, &plan);
    proxy_plan_fini(&plan);
    put_slice(p, SLICE("s", WEB, EP("10.1.1.9", "n2") "," EP("10.1.1.6", "n2") "," EP("10.1.1.7", "n2")));
    assert_plan(p, "delete element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.1.5 . 8080 }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.1.9 . 8080 }\n");
    proxy_free(p);
}

TEST(test_proxy__node_ports_and_local_policy) {
    struct proxy *p = proxy_of();
    put_service(p, SERVICE(",\"type\":\"NodePort\",\"externalTrafficPolicy\":\"Local\""));
    put_slice(p, SLICE("s", WEB, EP("10.1.0.5", "n1") "," EP("10.1.1.5", "n2")));
    assert_plan(p, "add chain ip node-ext-1\n"
                   "add chain ip node-2\n"
                   "add chain ip svc-2\n"
                   "add element ip services { 10.96.0.1 . tcp . 80 : svc-2 }\n"
                   "add element ip node_ports { tcp . 30080 : node-2 }\n"
                   "add element ip node_ports_external { tcp . 30080 : node-ext-1 }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.0.5 . 8080 }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 1 : 10.1.1.5 . 8080 }\n"
                   "add element ip endpoints_node_ports { tcp . 30080 . 0 : 10.1.0.5 . 8080 }\n"
                   "add element ip endpoints_node_ports { tcp . 30080 . 1 : 10.1.1.5 . 8080 }\n"
                   "add element ip endpoints_node_ports_external { tcp . 30080 . 0 : 10.1.0.5 . 8080 }\n"
                   "add element ip cluster_ips { 10.96.0.1 }\n"
                   "add element ip hairpin { 10.1.0.5 . 10.1.0.5 }\n");
    put_slice(p, SLICE("s", WEB, EP("10.1.1.5", "n2")));
    struct proxy_plan plan;
    _cleanup_buf struct buf out = BUF_INIT;
    proxy_plan_next(p, &plan);
    proxy_plan_print(&plan, &out);
    assert_true(str_find(buf_view(&out), S("refused_node_ports_external { tcp . 30080 : drop }")) > 0);
    proxy_plan_fini(&plan);
    proxy_free(p);
}

TEST(test_proxy__external_addresses_are_masqueraded) {
    struct proxy *p = proxy_of();
    put_service(
        p,
        "{" META("s") ",\"spec\":{\"clusterIP\":\"10.96.0.1\",\"type\":\"LoadBalancer\",\"externalIPs\":"
                      "[\"198.51.100.7\"],\"loadBalancerSourceRanges\":[\"10.0.0.0/8\",\"10.1.0.0/16\"],"
                      "\"ports\":[{\"name\":\"web\",\"port\":80}]},\"status\":{\"loadBalancer\":{\"ingress\":"
                      "[{\"ip\":\"198.51.100.8\"},{\"ip\":\"198.51.100.9\",\"ipMode\":\"Proxy\"}]}}}");
    put_slice(p, SLICE("s", WEB, EP("10.1.1.5", "n2")));
    assert_plan(p, "add chain ip svc-1\n"
                   "add element ip services { 10.96.0.1 . tcp . 80 : svc-1 }\n"
                   "add element ip services { 198.51.100.7 . tcp . 80 : svc-1 }\n"
                   "add element ip services { 198.51.100.8 . tcp . 80 : svc-1 }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.1.5 . 8080 }\n"
                   "add element ip endpoints { 198.51.100.7 . tcp . 80 . 0 : 10.1.1.5 . 8080 }\n"
                   "add element ip endpoints { 198.51.100.8 . tcp . 80 . 0 : 10.1.1.5 . 8080 }\n"
                   "add element ip masquerade { 198.51.100.7 . tcp . 80 }\n"
                   "add element ip masquerade { 198.51.100.8 . tcp . 80 }\n"
                   "add element ip cluster_ips { 10.96.0.1 }\n"
                   "add element ip firewalled { 198.51.100.8 . tcp . 80 }\n"
                   "add element ip allowed { 198.51.100.8 . tcp . 80 . 10.0.0.0 to 198.51.100.8 . tcp . 80 . "
                   "10.255.255.255 }\n");
    proxy_free(p);
}

TEST(test_proxy__affinity_has_a_memory) {
    struct proxy *p = proxy_of();
    put_service(p, SERVICE(",\"sessionAffinity\":\"ClientIP\""));
    put_slice(p, SLICE("s", WEB, EP("10.1.1.5", "n2") "," EP("10.1.1.6", "n2")));
    assert_plan(p, "add chain ip remember-10800s\n"
                   "add chain ip svc-2-sticky\n"
                   "add element ip services { 10.96.0.1 . tcp . 80 : svc-2-sticky }\n"
                   "add element ip sticky { 10.96.0.1 . tcp . 80 : remember-10800s }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.1.5 . 8080 }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 1 : 10.1.1.6 . 8080 }\n"
                   "add element ip cluster_ips { 10.96.0.1 }\n");
    put_slice(p, SLICE("s", WEB, EP("10.1.1.6", "n2")));
    assert_plan(p, "add chain ip svc-1\n"
                   "delete element ip services { 10.96.0.1 . tcp . 80 : svc-2-sticky }\n"
                   "delete element ip sticky { 10.96.0.1 . tcp . 80 : remember-10800s }\n"
                   "delete element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.1.5 . 8080 }\n"
                   "delete element ip endpoints { 10.96.0.1 . tcp . 80 . 1 : 10.1.1.6 . 8080 }\n"
                   "add element ip services { 10.96.0.1 . tcp . 80 : svc-1 }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.1.6 . 8080 }\n"
                   "delete chain ip remember-10800s\n"
                   "delete chain ip svc-2-sticky\n"
                   "forget clients of tcp *:80 to 10.1.1.5:8080\n"
                   "forget clients of tcp *:30080 to 10.1.1.5:8080\n");
    proxy_free(p);
}

TEST(test_proxy__headless_and_foreign_services_are_left_alone) {
    struct proxy *p = proxy_of();
    put_service(p, "{" META("a") ",\"spec\":{\"clusterIP\":\"None\",\"ports\":[{\"port\":80}]}}");
    put_service(p, "{" META("b") ",\"spec\":{\"type\":\"ExternalName\",\"externalName\":\"x\"}}");
    put_service(p, "{\"metadata\":{\"namespace\":\"d\",\"name\":\"c\",\"labels\":"
                   "{\"service.kubernetes.io/service-proxy-name\":\"x\"}},"
                   "\"spec\":{\"clusterIP\":\"10.96.0.2\",\"ports\":[{\"port\":80}]}}");
    put_slice(p, SLICE("nobody", WEB, EP("10.1.1.5", "n2")));
    assert_plan(p, "");
    proxy_free(p);
}

TEST(test_proxy__what_this_machine_answers_is_not_refused) {
    struct proxy *p = proxy_of();
    put_service(p, "{" META("dns") ",\"spec\":{\"clusterIP\":\"10.96.0.10\",\"ports\":[{\"port\":53,"
                                   "\"protocol\":\"UDP\"}]}}");
    assert_plan(p, "");
    put_slice(p, SLICE("dns", "{\"port\":53,\"protocol\":\"UDP\"}", EP("10.1.1.5", "n2")));
    assert_plan(p, "add chain ip svc-1\n"
                   "add element ip services { 10.96.0.10 . udp . 53 : svc-1 }\n"
                   "add element ip endpoints { 10.96.0.10 . udp . 53 . 0 : 10.1.1.5 . 53 }\n"
                   "add element ip cluster_ips { 10.96.0.10 }\n"
                   "forget flows of udp 10.96.0.10:53\n");
    proxy_free(p);
}

#define HINTED(ip, zone)                                                                                     \
    "{\"addresses\":[\"" ip "\"],\"nodeName\":\"n2\",\"hints\":{\"forZones\":[{\"name\":\"" zone "\"}]}}"

TEST(test_proxy__hints_count_when_all_endpoints_have_them) {
    struct proxy *p = proxy_of();
    put_service(p, SERVICE(""));
    put_slice(p, SLICE("s", WEB, HINTED("10.1.1.5", "z1") "," HINTED("10.1.1.6", "z2")));
    assert_plan(p, "add chain ip svc-1\n"
                   "add element ip services { 10.96.0.1 . tcp . 80 : svc-1 }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.1.5 . 8080 }\n"
                   "add element ip cluster_ips { 10.96.0.1 }\n");
    put_slice(p, SLICE("s", WEB, HINTED("10.1.1.5", "z1") "," EP("10.1.1.6", "n2")));
    assert_plan(p, "add chain ip svc-2\n"
                   "delete element ip services { 10.96.0.1 . tcp . 80 : svc-1 }\n"
                   "add element ip services { 10.96.0.1 . tcp . 80 : svc-2 }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 1 : 10.1.1.6 . 8080 }\n"
                   "delete chain ip svc-1\n");
    put_slice(p, SLICE("s", WEB, HINTED("10.1.1.5", "z2") "," HINTED("10.1.1.6", "z3")));
    assert_plan(p, ""); // none for us
    proxy_free(p);
}

TEST(test_proxy__two_services_of_one_address) {
    struct proxy *p = proxy_of();
    put_service(p, SERVICE(""));
    put_slice(p, SLICE("s", WEB, EP("10.1.1.5", "n2")));
    struct proxy_plan plan;
    proxy_plan_next(p, &plan);
    proxy_plan_fini(&plan);
    put_service(
        p,
        "{" META("t") ",\"spec\":{\"clusterIP\":\"10.96.0.1\",\"ports\":[{\"name\":\"web\",\"port\":80}]}}");
    put_slice(p, SLICE("t", WEB, EP("10.1.1.7", "n2")));
    assert_plan(p, "");
    proxy_remove_service(p, S("d"), S("s"));
    assert_plan(p, "delete element ip services { 10.96.0.1 . tcp . 80 : svc-1 }\n"
                   "delete element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.1.5 . 8080 }\n"
                   "delete element ip cluster_ips { 10.96.0.1 }\n"
                   "add element ip services { 10.96.0.1 . tcp . 80 : svc-1 }\n"
                   "add element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.1.7 . 8080 }\n"
                   "add element ip cluster_ips { 10.96.0.1 }\n");
    proxy_free(p);
}

TEST(test_proxy__the_full_plan_is_all_there_is) {
    struct proxy *p = proxy_of();
    put_service(p, SERVICE(""));
    put_slice(p, SLICE("s", WEB, EP("10.1.0.5", "n1")));
    struct proxy_plan plan;
    _cleanup_buf struct buf out = BUF_INIT;
    proxy_plan_next(p, &plan);
    proxy_plan_fini(&plan);
    proxy_plan_full(p, &plan);
    proxy_plan_print(&plan, &out);
    assert_str(buf_view(&out), "everything anew\n"
                               "add chain ip svc-1\n"
                               "add element ip services { 10.96.0.1 . tcp . 80 : svc-1 }\n"
                               "add element ip endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.1.0.5 . 8080 }\n"
                               "add element ip cluster_ips { 10.96.0.1 }\n"
                               "add element ip hairpin { 10.1.0.5 . 10.1.0.5 }\n");
    proxy_plan_fini(&plan);
    proxy_free(p);
}

TEST(test_proxy__health_ports_count_local_endpoints) {
    struct proxy *p = proxy_of();
    put_service(
        p,
        SERVICE(
            ",\"type\":\"LoadBalancer\",\"externalTrafficPolicy\":\"Local\",\"healthCheckNodePort\":30999"));
    put_slice(p, SLICE("s", WEB, EP("10.1.0.5", "n1") "," EP("10.1.1.5", "n2")));
    struct proxy_plan plan;
    proxy_plan_next(p, &plan);
    proxy_plan_fini(&plan);
    struct proxy_health h;
    assert_int_equal(proxy_health(p, &h, 1), 1);
    assert_int_equal(h.port, 30999);
    assert_int_equal(h.local, 1);
    assert_str(h.name, "s");
    proxy_free(p);
}
