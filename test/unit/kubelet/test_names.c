/* kubelet/resolv_conf, hosts_file: names in pods. */
#include "api/types/core.h"
#include "base/buf.h"
#include "kubelet/hosts_file.h"
#include "kubelet/resolv_conf.h"
#include "sources.h"
#include "unit/unit.h"

static struct str text_of(const struct dns_config *c, struct arena *a) {
    return arena_printf(a, "%.*s|%.*s|%.*s", STR_ARG(arena_join(a, c->servers.v, c->servers.n, S(" "))),
                        STR_ARG(arena_join(a, c->searches.v, c->searches.n, S(" "))),
                        STR_ARG(arena_join(a, c->options.v, c->options.n, S(" "))));
}

TEST(test_resolv_conf__is_read) {
    struct arena a = ARENA_INIT;
    struct dns_config c =
        resolv_conf_read(S("# note\n; other\nnameserver 1.1.1.1\n  nameserver\t::1  \nnameserver\n"
                           "search old\nsearch a.example. b.example .\noptions ndots:2 edns0\nodd x"),
                         &a);
    assert_str(text_of(&c, &a), "1.1.1.1 ::1|a.example b.example .|ndots:2 edns0");
    c = resolv_conf_read(S(""), &a);
    assert_str(text_of(&c, &a), "||");
    arena_fini(&a);
}

static struct str dns(struct fake_sources *s, const char *spec, struct dns_result *ret) {
    struct dns_config host = resolv_conf_read(S("nameserver 9.9.9.9\nsearch home\noptions rotate"), &s->a);
    static struct str cluster[] = {STR_INIT("10.0.0.10")};
    struct dns_node node = {
        .cluster_servers = {cluster, 1}, .cluster_domain = S("cluster.local"), .host = &host};
    struct str json = arena_printf(&s->a, "{\"metadata\":{\"namespace\":\"ns\"},\"spec\":{%s}}", spec);
    struct dns_result r = dns_for_pod(sources_object(s, "Pod", json.p), &node, &s->a);
    if (ret)
        *ret = r;
    return text_of(&r.config, &s->a);
}

TEST(test_resolv_conf__policies) {
    struct fake_sources s;
    sources_init(&s);
    static const char cluster[] =
        "10.0.0.10|ns.svc.cluster.local svc.cluster.local cluster.local home|ndots:5";
    assert_str(dns(&s, "\"dnsPolicy\":\"ClusterFirst\"", NULL), cluster);
    assert_str(dns(&s, "\"dnsPolicy\":\"ClusterFirst\",\"hostNetwork\":true", NULL), "9.9.9.9|home|rotate");
    assert_str(dns(&s, "\"dnsPolicy\":\"ClusterFirstWithHostNet\",\"hostNetwork\":true", NULL), cluster);
    assert_str(dns(&s, "\"dnsPolicy\":\"Default\"", NULL), "9.9.9.9|home|rotate");
    assert_str(dns(&s, "\"dnsPolicy\":\"None\",\"dnsConfig\":{\"nameservers\":[\"8.8.8.8\"]}", NULL),
               "8.8.8.8||");
    assert_str(dns(&s,
                   "\"dnsConfig\":{\"nameservers\":[\"10.0.0.10\",\"8.8.8.8\"],\"searches\":[\"home\",\"x\"],"
                   "\"options\":[{\"name\":\"ndots\",\"value\":\"2\"},{\"name\":\"edns0\"}]}",
                   NULL),
               "10.0.0.10 8.8.8.8|ns.svc.cluster.local svc.cluster.local cluster.local home x|ndots:2 edns0");
    sources_fini(&s);
}

TEST(test_resolv_conf__limits_cut) {
    struct fake_sources s;
    struct dns_result r;
    sources_init(&s);
    dns(&s, "\"dnsConfig\":{\"nameservers\":[\"1.1.1.1\",\"1.1.1.2\",\"1.1.1.3\"]}", &r);
    assert_true(r.cut);
    assert_int_equal(r.config.servers.n, 3);
    _cleanup_buf struct buf b = BUF_INIT;
    buf_lit(&b, "\"dnsPolicy\":\"None\",\"dnsConfig\":{\"searches\":[");
    for (int i = 0; i < 32; i++)
        buf_printf(&b, "%s\"%063d.%02d\"", i ? "," : "", i, i);
    buf_lit(&b, "]}");
    dns(&s, buf_cstr(&b), &r);
    assert_true(r.cut);
    assert_int_equal(r.config.searches.n, 30); /* 30 × 66 + 29 = 2009 bytes, one more does not fit */
    dns(&s, "", &r);
    assert_false(r.cut);
    sources_fini(&s);
}

TEST(test_resolv_conf__without_cluster_dns_the_hosts_is_used) {
    struct fake_sources s;
    sources_init(&s);
    struct dns_config host = resolv_conf_read(S("nameserver 9.9.9.9"), &s.a);
    struct dns_node node = {.cluster_domain = S("cluster.local"), .host = &host};
    struct dns_result r = dns_for_pod(sources_object(&s, "Pod", "{}"), &node, &s.a);
    assert_true(r.missing_cluster);
    assert_str(text_of(&r.config, &s.a), "9.9.9.9||");
    sources_fini(&s);
}

static struct str name_of(struct fake_sources *s, const char *name, const char *spec, int *ret_code) {
    struct str json = arena_printf(
        &s->a, "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ns\"},\"spec\":{%s}}", name, spec);
    struct pod_name n = {0};
    struct err err = ERR_INIT;
    *ret_code = pod_name_of(sources_object(s, "Pod", json.p), S("cluster.local"), &s->a, &n, &err);
    return arena_printf(&s->a, "%.*s|%.*s|%.*s", STR_ARG(n.hostname), STR_ARG(n.host), STR_ARG(n.domain));
}

TEST(test_hosts_file__names_of_pods) {
    struct fake_sources s;
    int rc;
    sources_init(&s);
    assert_str(name_of(&s, "web-0", "", &rc), "web-0|web-0|");
    assert_str(name_of(&s, "web-0", "\"hostname\":\"h\",\"subdomain\":\"sub\"", &rc),
               "h|h|sub.ns.svc.cluster.local");
    assert_str(name_of(&s, "web-0", "\"subdomain\":\"sub\",\"setHostnameAsFQDN\":true", &rc),
               "web-0.sub.ns.svc.cluster.local|web-0|sub.ns.svc.cluster.local");
    assert_str(name_of(&s, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff01-.x", "", &rc),
               "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff01|"
               "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff01|");
    assert_str(name_of(&s, "web-0", "\"hostnameOverride\":\"own.example\"", &rc), "own.example|own.example|");
    name_of(&s, "a-pod-with-quite-a-long-name-for-a-host-name",
            "\"subdomain\":\"sub\",\"setHostnameAsFQDN\":true", &rc);
    assert_fails(rc, ERR_INVALID);
    sources_fini(&s);
}

TEST(test_hosts_file__text) {
    struct fake_sources s;
    sources_init(&s);
    const struct core_pod *pod = sources_object(
        &s, "Pod", "{\"spec\":{\"hostAliases\":[{\"ip\":\"1.2.3.4\",\"hostnames\":[\"a\",\"b\"]}]}}");
    struct pod_name name = {.hostname = S("h"), .host = S("h"), .domain = S("d.e")};
    _cleanup_buf struct buf b = BUF_INIT;
    hosts_file_write(pod, &name, &s.facts.pod_ips, &b);
    struct str text = buf_view(&b);
    assert_true(str_has_prefix(text, S("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")));
    assert_true(str_find(text, S("\n10.1.0.5\th.d.e\th\nfd00::5\th.d.e\th\n")) > 0);
    assert_true(str_has_suffix(text, S("\n1.2.3.4\ta\tb\n")));
    buf_clear(&b);
    hosts_file_write_host(pod, S("127.0.0.1 node\n"), &b);
    text = buf_view(&b);
    assert_true(str_find(text, S("\n127.0.0.1 node\n")) > 0);
    assert_true(str_has_suffix(text, S("\n1.2.3.4\ta\tb\n")));
    sources_fini(&s);
}
