/* Names of the cluster, by the schema 1.1. */
#include "dns/zone.h"

#include "dns_world.h"
#include "unit/unit.h"

static struct dns_zone *zone_of(void) {
    struct dns_zone *z = dns_zone_new(&(struct dns_zone_options){.domain = S("cluster.local")});
    assert_non_null(z);
    dns_zone_put_namespace(z, S("d"));
    dns_zone_set_namespaces_known(z);
    world_put_service(
        z, "{\"metadata\":{\"namespace\":\"d\",\"name\":\"web\"},\"spec\":{\"clusterIP\":\"10.96.0.1\","
           "\"clusterIPs\":[\"10.96.0.1\",\"fd00::1\"],\"ports\":[{\"name\":\"http\",\"port\":80},"
           "{\"name\":\"dns\",\"port\":53,\"protocol\":\"UDP\"}]}}");
    world_put_service(
        z, "{\"metadata\":{\"namespace\":\"d\",\"name\":\"db\"},\"spec\":{\"clusterIP\":\"None\"}}");
    world_put_slice(
        z, "{\"metadata\":{\"namespace\":\"d\",\"name\":\"db-1\",\"labels\":{\"kubernetes.io/service-name\":"
           "\"db\"}},\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"sql\",\"port\":5432}],\"endpoints\":["
           "{\"addresses\":[\"10.1.0.5\"],\"hostname\":\"db-0\"},{\"addresses\":[\"10.1.0.6\"]},"
           "{\"addresses\":[\"10.1.0.7\"],\"hostname\":\"db-2\",\"conditions\":{\"ready\":false}}]}");
    world_put_service(
        z, "{\"metadata\":{\"namespace\":\"d\",\"name\":\"ext\"},\"spec\":{\"type\":\"ExternalName\","
           "\"externalName\":\"Example.ORG\"}}");
    world_put_service(
        z, "{\"metadata\":{\"namespace\":\"d\",\"name\":\"none\"},\"spec\":{\"clusterIP\":\"None\"}}");
    return z;
}

static void answers(const char *name, uint16_t type, const char *text) {
    struct dns_zone *z = zone_of();
    _cleanup_buf struct buf out = BUF_INIT;
    world_ask(z, name, type, &out);
    assert_str(buf_view(&out), text);
    dns_zone_free(z);
}

#define NODATA "NOERROR\n? cluster.local. SOA ns.dns.cluster.local. opt"
#define NXDOMAIN "NXDOMAIN\n? cluster.local. SOA ns.dns.cluster.local. opt"

TEST(test_zone__services_have_addresses) {
    answers("web.d.svc.cluster.local", DNS_A, "NOERROR\nweb.d.svc.cluster.local. A 10.96.0.1 opt");
    answers("WEB.d.SVC.cluster.local", DNS_AAAA, "NOERROR\nWEB.d.SVC.cluster.local. AAAA fd00::1 opt");
    answers("web.d.svc.cluster.local", DNS_TXT, NODATA);
}

TEST(test_zone__names_that_do_not_exist_differ_from_those_without_records) {
    answers("none.d.svc.cluster.local", DNS_A, NXDOMAIN);
    answers("nope.d.svc.cluster.local", DNS_A, NXDOMAIN);
    answers("web.nope.svc.cluster.local", DNS_A, NXDOMAIN);
    answers("a.web.d.svc.cluster.local", DNS_A, NXDOMAIN);
    answers("d.svc.cluster.local", DNS_A, NODATA);
    answers("nope.svc.cluster.local", DNS_A, NXDOMAIN);
    answers("svc.cluster.local", DNS_A, NODATA);
    answers("x.cluster.local", DNS_A, NXDOMAIN);
    answers("_tcp.web.d.svc.cluster.local", DNS_SRV, NODATA);
    answers("_sctp.web.d.svc.cluster.local", DNS_SRV, NXDOMAIN);
    answers("_http._tcp.web.d.svc.cluster.local", DNS_A, NODATA);
}

TEST(test_zone__ports_have_srv_records) {
    answers("_http._tcp.web.d.svc.cluster.local", DNS_SRV,
            "NOERROR\n_http._tcp.web.d.svc.cluster.local. SRV 0 100 80 web.d.svc.cluster.local.\n"
            "+ web.d.svc.cluster.local. A 10.96.0.1\n+ web.d.svc.cluster.local. AAAA fd00::1 opt");
    answers("_dns._tcp.web.d.svc.cluster.local", DNS_SRV, NXDOMAIN);
    answers("_sql._tcp.db.d.svc.cluster.local", DNS_SRV,
            "NOERROR\n_sql._tcp.db.d.svc.cluster.local. SRV 0 50 5432 10-1-0-6.db.d.svc.cluster.local.\n"
            "_sql._tcp.db.d.svc.cluster.local. SRV 0 50 5432 db-0.db.d.svc.cluster.local.\n"
            "+ 10-1-0-6.db.d.svc.cluster.local. A 10.1.0.6\n+ db-0.db.d.svc.cluster.local. A 10.1.0.5 opt");
}

TEST(test_zone__headless_services_are_their_ready_endpoints) {
    answers("db.d.svc.cluster.local", DNS_A,
            "NOERROR\ndb.d.svc.cluster.local. A 10.1.0.6\ndb.d.svc.cluster.local. A 10.1.0.5 opt");
    answers("db-0.db.d.svc.cluster.local", DNS_A, "NOERROR\ndb-0.db.d.svc.cluster.local. A 10.1.0.5 opt");
    answers("db-0.db.d.svc.cluster.local", DNS_AAAA, NODATA);
    answers("db-2.db.d.svc.cluster.local", DNS_A, NXDOMAIN);
    answers("10-1-0-6.db.d.svc.cluster.local", DNS_A,
            "NOERROR\n10-1-0-6.db.d.svc.cluster.local. A 10.1.0.6 opt");
}

TEST(test_zone__several_addresses_take_turns) {
    struct dns_zone *z = zone_of();
    _cleanup_buf struct buf one = BUF_INIT, two = BUF_INIT;
    world_ask(z, "db.d.svc.cluster.local", DNS_A, &one);
    world_ask(z, "db.d.svc.cluster.local", DNS_A, &two);
    assert_int_equal(one.n, two.n);
    assert_false(str_eq(buf_view(&one), buf_view(&two)));
    dns_zone_free(z);
}

TEST(test_zone__external_names_are_aliases) {
    answers("ext.d.svc.cluster.local", DNS_CNAME, "NOERROR\next.d.svc.cluster.local. CNAME example.org. opt");
    answers("a.ext.d.svc.cluster.local", DNS_A, NXDOMAIN);
}

TEST(test_zone__pods_are_called_by_their_address) {
    answers("10-1-0-9.d.pod.cluster.local", DNS_A, "NOERROR\n10-1-0-9.d.pod.cluster.local. A 10.1.0.9 opt");
    answers("fd00--9.d.pod.cluster.local", DNS_AAAA,
            "NOERROR\nfd00--9.d.pod.cluster.local. AAAA fd00::9 opt");
    answers("10-1-0-9.d.pod.cluster.local", DNS_AAAA, NODATA);
    answers("10-1-0-9.nope.pod.cluster.local", DNS_A, NXDOMAIN);
    answers("10-1-0-999.d.pod.cluster.local", DNS_A, NXDOMAIN);
    answers("x.d.pod.cluster.local", DNS_A, NXDOMAIN);
}

TEST(test_zone__the_domain_says_what_it_is) {
    answers("cluster.local", DNS_SOA, "NOERROR\ncluster.local. SOA ns.dns.cluster.local. opt");
    answers("cluster.local", DNS_NS, "NOERROR\ncluster.local. NS ns.dns.cluster.local. opt");
    answers("dns-version.cluster.local", DNS_TXT, "NOERROR\ndns-version.cluster.local. TXT 1.1.0 opt");
}

TEST(test_zone__addresses_lead_back_to_names) {
    answers("1.0.96.10.in-addr.arpa", DNS_PTR,
            "NOERROR\n1.0.96.10.in-addr.arpa. PTR web.d.svc.cluster.local. opt");
    answers("5.0.1.10.in-addr.arpa", DNS_PTR,
            "NOERROR\n5.0.1.10.in-addr.arpa. PTR db-0.db.d.svc.cluster.local. opt");
    answers("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", DNS_PTR,
            "NOERROR\n1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa. PTR "
            "web.d.svc.cluster.local. opt");
    answers("9.9.9.9.in-addr.arpa", DNS_PTR, "");
}

TEST(test_zone__changes_are_seen_at_once) {
    struct dns_zone *z = zone_of();
    _cleanup_buf struct buf out = BUF_INIT;
    dns_zone_remove_service(z, S("d"), S("web"));
    world_ask(z, "web.d.svc.cluster.local", DNS_A, &out);
    assert_str(buf_view(&out), NXDOMAIN);
    buf_clear(&out);
    world_ask(z, "1.0.96.10.in-addr.arpa", DNS_PTR, &out);
    assert_str(buf_view(&out), "");
    dns_zone_remove_slice(z, S("d"), S("db-1"));
    buf_clear(&out);
    world_ask(z, "db.d.svc.cluster.local", DNS_A, &out);
    assert_str(buf_view(&out), NXDOMAIN);
    dns_zone_remove_namespace(z, S("d"));
    buf_clear(&out);
    world_ask(z, "d.svc.cluster.local", DNS_A, &out);
    assert_str(buf_view(&out), NXDOMAIN);
    dns_zone_free(z);
}

TEST(test_zone__without_a_list_every_namespace_exists) {
    struct dns_zone *z = dns_zone_new(&(struct dns_zone_options){.domain = S("cluster.local")});
    _cleanup_buf struct buf out = BUF_INIT;
    world_ask(z, "10-1-0-9.x.pod.cluster.local", DNS_A, &out);
    assert_str(buf_view(&out), "NOERROR\n10-1-0-9.x.pod.cluster.local. A 10.1.0.9 opt");
    buf_clear(&out);
    world_ask(z, "x.svc.cluster.local", DNS_A, &out);
    assert_str(buf_view(&out), NODATA);
    dns_zone_free(z);
}

TEST(test_zone__only_the_domain_is_ours) {
    struct dns_zone *z = zone_of();
    uint8_t in[DNS_UDP_BYTES];
    static const char *const foreign[] = {"local", "xcluster.local", "cluster.local.org", "org"};
    for (size_t i = 0; i < 4; i++) {
        struct dns_query q = world_read(in, world_query(in, 1, foreign[i], DNS_A, 0));
        assert_false(dns_zone_has(z, &q));
    }
    dns_zone_free(z);
}

TEST(test_zone__what_does_not_fit_is_cut) {
    struct dns_zone *z = zone_of();
    _cleanup_buf struct buf json = BUF_INIT, out = BUF_INIT;
    buf_lit(&json, "{\"metadata\":{\"namespace\":\"d\",\"name\":\"db-1\",\"labels\":{\"kubernetes.io/"
                   "service-name\":\"db\"}},"
                   "\"addressType\":\"IPv4\",\"endpoints\":[");
    for (int i = 0; i < 100; i++)
        buf_printf(&json, "%s{\"addresses\":[\"10.2.0.%d\"]}", i ? "," : "", i);
    buf_lit(&json, "]}");
    world_put_slice(z, buf_cstr(&json));
    uint8_t in[DNS_UDP_BYTES], answer[DNS_UDP_BYTES];
    struct dns_query q = world_read(in, world_query(in, 1, "db.d.svc.cluster.local", DNS_A, 0));
    size_t n = dns_zone_answer(z, &q, answer, sizeof answer);
    assert_true(n <= sizeof answer && n > 400);
    assert_true(dns_u16(answer + 2) & DNS_TC);
    world_print(answer, n, &out); // well-formed
    dns_zone_free(z);
}
