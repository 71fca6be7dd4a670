/* Addresses, ports and types of services. */
#include "apiserver/alloc_ip.h"
#include "apiserver/alloc_port.h"
#include "full_world.h"
#include "unit/unit.h"

#define SERVICES "/api/v1/namespaces/default/services"
#define PORT "\"ports\":[{\"port\":80}]"

static struct server_answer make(struct server_world *w, const char *name, const char *spec) {
    struct str body = arena_printf(&w->arena, "{\"metadata\":{\"name\":\"%s\"},\"spec\":{%s}}", name, spec);
    return server_post(w, SERVICES, body.p);
}

TEST(test_strategy_service__gets_an_address) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = make(&w, "a", PORT);
    assert_answer(r, 201);
    struct str ip = server_field(&w, &r, "spec.clusterIP");
    assert_true(str_has_prefix(ip, S("10.96.0.")));
    assert_str_equal(server_field(&w, &r, "spec.clusterIPs.0"), ip);
    assert_field(r, "spec.ipFamilyPolicy", "SingleStack");
    assert_field(r, "spec.ipFamilies", "[\"IPv4\"]");
    struct str url = arena_printf(&w.arena, "/apis/networking.k8s.io/v1/ipaddresses/%.*s", STR_ARG(ip));
    r = server_get(&w, url.p);
    assert_answer(r, 200);
    assert_field(r, "spec.parentRef", "{\"name\":\"a\",\"namespace\":\"default\",\"resource\":\"services\"}");
    assert_field(r, "metadata.labels",
                 "{\"ipaddress.kubernetes.io/ip-family\":\"IPv4\",\"ipaddress.kubernetes.io/managed-by\":"
                 "\"ipallocator.k8s.io\"}");
    full_world_fini(&w);
}

TEST(test_strategy_service__gets_the_address_it_asks_for_once) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = make(&w, "a", "\"clusterIP\":\"10.96.0.10\"," PORT);
    assert_answer(r, 201);
    assert_field(r, "spec.clusterIPs", "[\"10.96.0.10\"]");
    r = make(&w, "b", "\"clusterIP\":\"10.96.0.10\"," PORT);
    assert_answer(r, 422);
    assert_str(r.message,
               "Service \"b\" is invalid: spec.clusterIPs: Invalid value: [\"10.96.0.10\"]: failed to "
               "allocate IP 10.96.0.10: provided IP is already allocated");
    r = make(&w, "b", "\"clusterIP\":\"10.97.0.10\"," PORT);
    assert_answer(r, 422);
    assert_true(str_find(r.message, S("is not in the valid range. The range of valid IPs is 10.96.0.0/24")) >
                0);
    assert_int_equal(service_ips_count(w.server.service_ips), 1);
    full_world_fini(&w);
}

TEST(test_strategy_service__gives_back_what_was_not_stored) {
    struct server_world w;
    full_world_init(&w);
    assert_answer(make(&w, "a", "\"type\":\"NodePort\"," PORT), 201);
    assert_answer(make(&w, "a", "\"type\":\"NodePort\"," PORT), 409);
    assert_answer(make(&w, "b", "\"type\":\"NodePort\",\"sessionAffinity\":\"No\"," PORT), 422);
    assert_answer(server_post(&w, SERVICES "?dryRun=All",
                              "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"type\":\"NodePort\"," PORT "}}"),
                  201);
    assert_int_equal(service_ips_count(w.server.service_ips), 1);
    assert_int_equal(service_ports_count(w.server.service_ports), 1);
    full_world_fini(&w);
}

TEST(test_strategy_service__gives_back_when_deleted) {
    struct server_world w;
    full_world_init(&w);
    assert_answer(make(&w, "a", "\"type\":\"NodePort\",\"clusterIP\":\"10.96.0.9\"," PORT), 201);
    assert_answer(server_delete(&w, SERVICES "/a", NULL), 200);
    assert_int_equal(service_ips_count(w.server.service_ips), 0);
    assert_int_equal(service_ports_count(w.server.service_ports), 0);
    assert_answer(server_get(&w, "/apis/networking.k8s.io/v1/ipaddresses/10.96.0.9"), 404);
    assert_answer(make(&w, "b", "\"clusterIP\":\"10.96.0.9\"," PORT), 201);
    full_world_fini(&w);
}

TEST(test_strategy_service__node_ports_are_unique) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r =
        make(&w, "a",
             "\"type\":\"NodePort\",\"ports\":[{\"name\":\"t\",\"port\":53,\"nodePort\":30053},{\"name\":"
             "\"u\",\"port\":53,\"protocol\":\"UDP\"}]");
    assert_answer(r, 201);
    assert_field(r, "spec.ports.1.nodePort", "30053");
    r = make(&w, "b", "\"type\":\"NodePort\",\"ports\":[{\"port\":80,\"nodePort\":30053}]");
    assert_answer(r, 422);
    assert_str(r.message,
               "Service \"b\" is invalid: spec.ports[0].nodePort: Invalid value: 30053: provided port is "
               "already allocated");
    r = make(&w, "b", "\"type\":\"NodePort\",\"ports\":[{\"port\":80,\"nodePort\":31000}]");
    assert_answer(r, 422);
    assert_true(str_find(r.message, S("The range of valid ports is 30000-30063")) > 0);
    full_world_fini(&w);
}

TEST(test_strategy_service__updates_may_leave_out_what_was_allocated) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer made = make(
        &w, "a", "\"type\":\"NodePort\",\"selector\":{\"a\":\"b\"},\"ports\":[{\"name\":\"x\",\"port\":80}]");
    assert_answer(made, 201);
    struct server_answer r = server_put(
        &w, SERVICES "/a",
        "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"type\":\"NodePort\",\"selector\":{\"a\":\"c\"},"
        "\"ports\":[{\"name\":\"x\",\"port\":81}]}}");
    assert_answer(r, 200);
    assert_str_equal(server_field(&w, &r, "spec.clusterIP"), server_field(&w, &made, "spec.clusterIP"));
    assert_str_equal(server_field(&w, &r, "spec.ports.0.nodePort"),
                     server_field(&w, &made, "spec.ports.0.nodePort"));
    assert_field(r, "spec.ipFamilies", "[\"IPv4\"]");
    assert_int_equal(service_ports_count(w.server.service_ports), 1);
    full_world_fini(&w);
}

TEST(test_strategy_service__changes_its_type) {
    struct server_world w;
    full_world_init(&w);
    assert_answer(make(&w, "a", PORT), 201);
    struct server_answer r = server_patch(&w, SERVICES "/a", "merge", "{\"spec\":{\"type\":\"NodePort\"}}");
    assert_answer(r, 200);
    assert_true(server_field(&w, &r, "spec.ports.0.nodePort").p);
    assert_field(r, "spec.externalTrafficPolicy", "Cluster");
    r = server_patch(&w, SERVICES "/a", "merge", "{\"spec\":{\"type\":\"ClusterIP\"}}");
    assert_answer(r, 200);
    assert_true(!server_field(&w, &r, "spec.ports.0.nodePort").p);
    assert_int_equal(service_ports_count(w.server.service_ports), 0);
    r = server_patch(&w, SERVICES "/a", "merge",
                     "{\"spec\":{\"type\":\"ExternalName\",\"externalName\":\"example.com\"}}");
    assert_answer(r, 200);
    assert_true(!server_field(&w, &r, "spec.clusterIP").p);
    assert_int_equal(service_ips_count(w.server.service_ips), 0);
    r = server_patch(&w, SERVICES "/a", "merge", "{\"spec\":{\"type\":\"ClusterIP\",\"externalName\":null}}");
    assert_answer(r, 200);
    assert_int_equal(service_ips_count(w.server.service_ips), 1);
    full_world_fini(&w);
}

TEST(test_strategy_service__addresses_do_not_change) {
    struct server_world w;
    full_world_init(&w);
    assert_answer(make(&w, "a", "\"clusterIP\":\"10.96.0.9\"," PORT), 201);
    struct server_answer r = server_patch(&w, SERVICES "/a", "merge",
                                          "{\"spec\":{\"clusterIP\":\"10.96.0.8\",\"clusterIPs\":null}}");
    assert_answer(r, 422);
    assert_int_equal(service_ips_count(w.server.service_ips), 1);
    full_world_fini(&w);
}

TEST(test_strategy_service__headless_ones_have_none) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = make(&w, "a", "\"clusterIP\":\"None\",\"selector\":{\"a\":\"b\"}");
    assert_answer(r, 201);
    assert_field(r, "spec.clusterIPs", "[\"None\"]");
    assert_field(r, "spec.ipFamilies", "[\"IPv4\"]");
    r = make(&w, "b", "\"clusterIP\":\"None\"");
    assert_answer(r, 201);
    assert_field(r, "spec.ipFamilyPolicy", "RequireDualStack");
    assert_field(r, "spec.ipFamilies", "[\"IPv4\",\"IPv6\"]");
    assert_int_equal(service_ips_count(w.server.service_ips), 0);
    full_world_fini(&w);
}

TEST(test_strategy_service__families_are_those_of_the_cluster) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = make(&w, "a", "\"ipFamilyPolicy\":\"PreferDualStack\"," PORT);
    assert_answer(r, 201);
    assert_field(r, "spec.ipFamilies", "[\"IPv4\"]");
    r = make(&w, "b", "\"ipFamilyPolicy\":\"RequireDualStack\"," PORT);
    assert_answer(r, 422);
    assert_true(str_find(r.message, S("this cluster is not configured for dual-stack services")) > 0);
    r = make(&w, "b", "\"ipFamilies\":[\"IPv6\"]," PORT);
    assert_answer(r, 422);
    assert_true(str_find(r.message, S("not configured on this cluster")) > 0);
    full_world_fini(&w);
}

TEST(test_strategy_service__load_balancers_have_a_port_for_health) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r =
        make(&w, "a", "\"type\":\"LoadBalancer\",\"externalTrafficPolicy\":\"Local\"," PORT);
    assert_answer(r, 201);
    assert_true(server_field(&w, &r, "spec.healthCheckNodePort").p);
    assert_true(server_field(&w, &r, "spec.ports.0.nodePort").p);
    assert_int_equal(service_ports_count(w.server.service_ports), 2);
    assert_answer(
        server_patch(&w, SERVICES "/a", "merge", "{\"spec\":{\"externalTrafficPolicy\":\"Cluster\"}}"), 200);
    assert_int_equal(service_ports_count(w.server.service_ports), 1);
    full_world_fini(&w);
}

TEST(test_strategy_service__takes_its_endpoints_along) {
    struct server_world w;
    full_world_init(&w);
    assert_answer(make(&w, "a", PORT), 201);
    full_world_make(&w, "/api/v1/namespaces/default/endpoints", "{\"metadata\":{\"name\":\"a\"}}");
    assert_answer(server_delete(&w, SERVICES "/a", NULL), 200);
    assert_answer(server_get(&w, "/api/v1/namespaces/default/endpoints/a"), 404);
    full_world_fini(&w);
}
