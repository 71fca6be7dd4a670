/* DNS as a part of the node, on an API in memory. */
#include "dns/dns.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/object.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "dns_world.h"
#include "unit/client/fake_client.h"
#include "unit/unit.h"

static void ask(uint16_t port, const char *name, struct buf *out) {
    uint8_t in[DNS_UDP_BYTES], answer[DNS_UDP_BYTES_MAX];
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {10, 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    size_t n = world_query(in, 1, name, DNS_A, 0);
    assert_int_equal(send(fd, in, n, 0), n);
    ssize_t got = recv(fd, answer, sizeof answer, 0);
    (void)close(fd);
    assert_true(got > 0);
    buf_clear(out);
    world_print(answer, (size_t)got, out);
}

/* Events come on their own; the answer is asked for until it is there. */
static void becomes(uint16_t port, const char *name, const char *text) {
    _cleanup_buf struct buf out = BUF_INIT;
    for (int i = 0; i < 2000; i++) {
        ask(port, name, &out);
        if (str_eq(buf_view(&out), str_from(text)))
            return;
        clock_sleep_ns(clock_system(), 1000000);
    }
    assert_str(buf_view(&out), text);
}

static uint16_t free_port(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    (void)close(fd);
    return ntohs(a.sin_port);
}

TEST(test_dns__follows_the_api) {
    _cleanup_arena struct arena arena = ARENA_INIT;
    struct fake *f = fake_new(NULL);
    struct ip ip = {.family = 4, .lo = 0x7f000001};
    struct dns *d = NULL;
    struct err err = ERR_INIT;
    const char *conf = arena_printf(&arena, "%s/resolv.conf", unit_tmpdir()).p;
    assert_ok(file_write_atomic(conf, S(""), 0644, &err), &err);
    fake_put(f, KIND(CORE_NAMESPACE), "{\"metadata\":{\"name\":\"d\"}}");
    fake_put(f, KIND(CORE_SERVICE),
             "{\"metadata\":{\"namespace\":\"d\",\"name\":\"a\"},\"spec\":{\"clusterIP\":"
             "\"10.96.0.1\"}}");
    struct dns_options o = {.client = fake_client(f),
                            .addresses = &ip,
                            .n_addresses = 1,
                            .port = free_port(),
                            .resolv_conf = conf};
    assert_ok(dns_start(&o, &d, &err), &err);
    becomes(o.port, "a.d.svc.cluster.local", "NOERROR\na.d.svc.cluster.local. A 10.96.0.1");
    assert_true(dns_ready(d));
    fake_put(f, KIND(CORE_SERVICE),
             "{\"metadata\":{\"namespace\":\"d\",\"name\":\"b\"},\"spec\":{\"clusterIP\":"
             "\"10.96.0.2\"}}");
    fake_remove(f, KIND(CORE_SERVICE), "d", "a");
    becomes(o.port, "b.d.svc.cluster.local", "NOERROR\nb.d.svc.cluster.local. A 10.96.0.2");
    becomes(o.port, "a.d.svc.cluster.local", "NXDOMAIN\n? cluster.local. SOA ns.dns.cluster.local.");
    becomes(o.port, "example.org", "SERVFAIL"); // there is nobody to ask
    dns_stop(d);
    fake_free(f);
}

TEST(test_dns__says_when_it_cannot_listen) {
    struct fake *f = fake_new(NULL);
    struct ip ip = {.family = 4, .lo = 0x7f000001};
    struct dns *d = NULL, *second = NULL;
    struct dns_options o = {
        .client = fake_client(f), .addresses = &ip, .n_addresses = 1, .port = free_port()};
    assert_ok(dns_start(&o, &d, NULL), NULL);
    assert_fails(dns_start(&o, &second, NULL), ERR_IO);
    o.domain = S("a..b");
    assert_fails(dns_start(&o, &second, NULL), ERR_INVALID);
    dns_stop(d);
    fake_free(f);
}

TEST(test_dns__makes_its_service_once) {
    struct fake *f = fake_new(NULL);
    struct ip ip = {.family = 4, .lo = 0x0a60000a};
    struct err err = ERR_INIT;
    assert_ok(dns_ensure_service(fake_client(f), ip, &err), &err);
    assert_ok(dns_ensure_service(fake_client(f), ip, &err), &err);
    assert_string_equal(fake_calls(f), "create services kube-system/kube-dns\n");
    fake_free(f);
}
