/* Addresses and ports: bands, exhaustion, repair. */
#include "api/types/ids.h"
#include "apiserver/alloc_ip.h"
#include "apiserver/alloc_port.h"
#include "apiserver/cache.h"
#include "base/err.h"
#include "base/sim.h"
#include "full_world.h"
#include "unit/unit.h"

#define SERVICES "/api/v1/namespaces/default/services"

static struct ip address(const char *text) {
    struct ip ip;
    assert_true(ip_parse(str_from(text), IP_STRICT, &ip));
    return ip;
}

TEST(test_alloc_ip__takes_from_the_upper_part_first) {
    struct server_world w;
    full_world_init(&w);
    struct service_ips *s = w.server.service_ips;
    struct err err = ERR_INIT;
    struct ip ip;
    int upper = 0;
    for (int i = 0; i < 254; i++) {
        assert_ok(service_ips_take_any(s, 4, &w, &ip, &err), &err);
        bool is_upper = (ip.lo & 0xff) > 16;
        upper += is_upper;
        assert_true(is_upper == (i < 238));
    }
    assert_int_equal(upper, 238);
    assert_fails(service_ips_take_any(s, 4, &w, &ip, &err), ERR_NO_SPACE);
    assert_string_equal(err.msg, "range is full");
    service_ips_drop(s, &w);
    assert_int_equal(service_ips_count(s), 0);
    full_world_fini(&w);
}

TEST(test_alloc_ip__one_holder_at_a_time) {
    struct server_world w;
    full_world_init(&w);
    struct service_ips *s = w.server.service_ips;
    struct err err = ERR_INIT;
    assert_ok(service_ips_take(s, address("10.96.0.5"), &w, &err), &err);
    assert_ok(service_ips_take(s, address("10.96.0.5"), &w, &err), &err);
    assert_fails(service_ips_take(s, address("10.96.0.5"), s, &err), ERR_EXISTS);
    assert_fails(service_ips_take(s, address("10.96.0.0"), &w, &err), ERR_INVALID);
    assert_fails(service_ips_take(s, address("10.96.0.255"), &w, &err), ERR_INVALID);
    service_ips_drop(s, &w);
    assert_ok(service_ips_take(s, address("10.96.0.5"), s, &err), &err);
    service_ips_drop(s, s);
    full_world_fini(&w);
}

TEST(test_alloc_ip__ranges_are_checked) {
    struct server_world w;
    full_world_init(&w);
    struct service_ips *s = NULL;
    struct err err = ERR_INIT;
    assert_fails(service_ips_new(&w.server, S("10.96.0.0"), &s, &err), ERR_INVALID);
    assert_fails(service_ips_new(&w.server, S("10.96.0.0/16,10.97.0.0/16"), &s, &err), ERR_INVALID);
    assert_fails(service_ips_new(&w.server, S("10.96.0.0/16,fd00::/112,fd01::/112"), &s, &err), ERR_INVALID);
    assert_ok(service_ips_new(&w.server, S("10.96.0.0/16,fd00::/112"), &s, &err), &err);
    assert_int_equal(service_ips_family(s, 0), 4);
    assert_int_equal(service_ips_family(s, 1), 6);
    service_ips_free(s);
    full_world_fini(&w);
}

TEST(test_alloc_ip__both_families_when_both_are_there) {
    struct server_world w;
    full_world_init(&w);
    struct err err = ERR_INIT;
    service_ips_free(w.server.service_ips);
    assert_ok(service_ips_new(&w.server, S("10.96.0.0/24,fd00::/112"), &w.server.service_ips, &err), &err);
    struct server_answer r = full_world_make(&w, SERVICES,
                                             "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"ipFamilyPolicy\":"
                                             "\"PreferDualStack\",\"ports\":[{\"port\":80}]}}");
    assert_field(r, "spec.ipFamilies", "[\"IPv4\",\"IPv6\"]");
    assert_true(str_has_prefix(server_field(&w, &r, "spec.clusterIPs.1"), S("fd00::")));
    assert_int_equal(service_ips_count(w.server.service_ips), 2);
    r = server_patch(&w, SERVICES "/a", "merge", "{\"spec\":{\"ipFamilyPolicy\":\"SingleStack\"}}");
    assert_answer(r, 200);
    assert_field(r, "spec.ipFamilies", "[\"IPv4\"]");
    assert_int_equal(service_ips_count(w.server.service_ips), 1);
    full_world_fini(&w);
}

TEST(test_alloc_ip__objects_of_others_are_taken) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, "/apis/networking.k8s.io/v1/ipaddresses",
                    "{\"metadata\":{\"name\":\"10.96.0.7\"},\"spec\":{\"parentRef\":{\"resource\":"
                    "\"gateways\",\"name\":\"g\","
                    "\"group\":\"x.io\",\"namespace\":\"default\"}}}");
    struct err err = ERR_INIT;
    assert_fails(service_ips_take(w.server.service_ips, address("10.96.0.7"), &w, &err), ERR_EXISTS);
    service_ips_repair(w.server.service_ips);
    sim_settle(w.sim);
    assert_answer(server_get(&w, "/apis/networking.k8s.io/v1/ipaddresses/10.96.0.7"), 200);
    full_world_fini(&w);
}

TEST(test_alloc_ip__repair_makes_and_deletes_objects) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(
        &w, SERVICES,
        "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"clusterIP\":\"10.96.0.9\",\"ports\":[{\"port\":80}]}}");
    assert_answer(server_delete(&w, "/apis/networking.k8s.io/v1/ipaddresses/10.96.0.9", NULL), 200);
    full_world_make(
        &w, "/apis/networking.k8s.io/v1/ipaddresses",
        "{\"metadata\":{\"name\":\"10.96.0.8\",\"labels\":{\"ipaddress.kubernetes.io/managed-by\":"
        "\"ipallocator.k8s.io\"}},\"spec\":{\"parentRef\":{\"resource\":\"services\",\"name\":\"gone\","
        "\"namespace\":\"default\"}}}");
    service_ips_repair(w.server.service_ips);
    sim_settle(w.sim);
    assert_answer(server_get(&w, "/apis/networking.k8s.io/v1/ipaddresses/10.96.0.9"), 200);
    assert_answer(server_get(&w, "/apis/networking.k8s.io/v1/ipaddresses/10.96.0.8"), 404);
    assert_int_equal(service_ips_count(w.server.service_ips), 1);
    full_world_fini(&w);
}

TEST(test_alloc_ip__more_networks_come_from_objects) {
    struct server_world w;
    full_world_init(&w);
    struct err err = ERR_INIT;
    assert_fails(service_ips_take(w.server.service_ips, address("10.99.0.7"), &w, &err), ERR_INVALID);
    full_world_make(&w, "/apis/networking.k8s.io/v1/servicecidrs",
                    "{\"metadata\":{\"name\":\"more\"},\"spec\":{\"cidrs\":[\"10.99.0.0/24\"]}}");
    assert_ok(service_ips_take(w.server.service_ips, address("10.99.0.7"), &w, &err), &err);
    service_ips_drop(w.server.service_ips, &w);
    full_world_fini(&w);
}

TEST(test_alloc_port__takes_from_the_upper_part_first) {
    struct server_world w;
    full_world_init(&w);
    struct service_ports *s = w.server.service_ports;
    struct err err = ERR_INIT;
    int port;
    for (int i = 0; i < 64; i++) {
        assert_ok(service_ports_take_any(s, &w, &port, &err), &err);
        assert_true((port >= 30016) == (i < 48));
    }
    assert_fails(service_ports_take_any(s, &w, &port, &err), ERR_NO_SPACE);
    service_ports_drop(s, &w);
    assert_int_equal(service_ports_count(s), 0);
    full_world_fini(&w);
}

TEST(test_alloc_port__ranges_are_checked) {
    struct server_world w;
    full_world_init(&w);
    struct service_ports *s = NULL;
    struct err err = ERR_INIT;
    assert_fails(service_ports_new(&w.server, S("30000"), &s, &err), ERR_INVALID);
    assert_fails(service_ports_new(&w.server, S("0-10"), &s, &err), ERR_INVALID);
    assert_fails(service_ports_new(&w.server, S("10-5"), &s, &err), ERR_INVALID);
    assert_fails(service_ports_new(&w.server, S("10-65536"), &s, &err), ERR_INVALID);
    full_world_fini(&w);
}

TEST(test_alloc_port__repair_reads_the_services) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, SERVICES,
                    "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"type\":\"NodePort\",\"ports\":[{\"port\":80,"
                    "\"nodePort\":30001}]}}");
    struct err err = ERR_INIT;
    service_ports_stored(w.server.service_ports, 30050); /* leaked */
    service_ports_released(w.server.service_ports, 30001);
    service_ports_repair(w.server.service_ports);
    assert_int_equal(service_ports_count(w.server.service_ports), 1);
    assert_fails(service_ports_take(w.server.service_ports, 30001, &w, &err), ERR_EXISTS);
    full_world_fini(&w);
}
