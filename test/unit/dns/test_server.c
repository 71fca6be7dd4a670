/* The server on loopback, with a server behind it that the test plays. */
#include "dns/server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/thread.h"
#include "base/workers.h"
#include "dns/zone.h"
#include "dns_world.h"
#include "unit/unit.h"

/* -- the server behind: answers any name with 1.2.3.4, but for those that say otherwise -- */

struct upstream {
    struct thread thread;
    int udp, tcp;
    uint16_t port;
    atomic_bool stop;
    atomic_int asked;
};

static size_t upstream_answer(const uint8_t *in, size_t n, bool tcp, uint8_t *out) {
    struct dns_query q;
    struct dns_out o;
    check(dns_read_query(in, n, &q) == DNS_NOERROR);
    const char *name = (const char *)q.name + 1;
    if (memcmp(name, "silent", 6) == 0)
        return 0;
    dns_begin(&o, out, DNS_MESSAGE_MAX, &q);
    if (memcmp(name, "nope", 4) == 0)
        return dns_finish(&o, &q, DNS_NXDOMAIN, DNS_RA);
    unsigned count = memcmp(name, "big", 3) == 0 ? 200 : 1;
    if (count > 1 && !tcp)
        return dns_finish(&o, &q, DNS_NOERROR, DNS_TC | DNS_RA);
    for (unsigned i = 0; i < count; i++)
        (void)dns_put_address(&o, DNS_HEADER_BYTES, (struct ip){.family = 4, .lo = 0x01020304 + i}, 60,
                              &o.answers);
    n = dns_finish(&o, &q, DNS_NOERROR, DNS_RA);
    if (memcmp(name, "forged", 6) == 0)
        out[0] ^= 1;
    return n;
}

static void upstream_udp(struct upstream *u) {
    uint8_t in[DNS_UDP_BYTES], out[DNS_MESSAGE_MAX];
    struct sockaddr_in who;
    socklen_t len = sizeof who;
    ssize_t n = recvfrom(u->udp, in, sizeof in, 0, (struct sockaddr *)&who, &len);
    if (n <= 0)
        return;
    atomic_fetch_add(&u->asked, 1);
    size_t w = upstream_answer(in, (size_t)n, false, out);
    if (w)
        (void)sendto(u->udp, out, w, 0, (struct sockaddr *)&who, len);
}

static void upstream_tcp(struct upstream *u) {
    uint8_t in[2 + DNS_UDP_BYTES], out[2 + DNS_MESSAGE_MAX];
    int c = accept(u->tcp, NULL, NULL);
    ssize_t n = c >= 0 ? recv(c, in, sizeof in, 0) : 0;
    if (n > 2) {
        size_t w = upstream_answer(in + 2, (size_t)n - 2, true, out + 2);
        out[0] = (uint8_t)(w >> 8);
        out[1] = (uint8_t)w;
        check(send(c, out, 2 + w, 0) == (ssize_t)(2 + w));
    }
    if (c >= 0)
        (void)close(c);
}

static void upstream_run(void *arg) {
    struct upstream *u = arg;
    while (!atomic_load(&u->stop)) {
        struct pollfd p[2] = {{.fd = u->udp, .events = POLLIN}, {.fd = u->tcp, .events = POLLIN}};
        (void)poll(p, 2, 20);
        if (p[0].revents)
            upstream_udp(u);
        if (p[1].revents)
            upstream_tcp(u);
    }
}

static int bound(int type, uint16_t port, uint16_t *ret_port) {
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    check(fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 &&
          getsockname(fd, (struct sockaddr *)&a, &n) == 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

/* -- both together -- */

struct world {
    struct upstream upstream;
    struct loop *loop;
    struct dns_zone *zone;
    struct dns_server *server;
    struct waiter done;
    uint16_t port;
    int rc;
};

static void start_server(void *arg) {
    struct world *w = arg;
    struct ip ip = {.family = 4, .lo = 0x7f000001};
    struct dns_server_options o = {.loop = w->loop,
                                   .zone = w->zone,
                                   .addresses = &ip,
                                   .n_addresses = 1,
                                   .upstream = {.servers = {ip}, .n = 1},
                                   .upstream_port = w->upstream.port,
                                   .upstream_try_ms = 60};
    w->rc = dns_server_start(&o, &w->server, NULL);
    if (!w->rc) {
        w->port = dns_server_port(w->server);
        dns_server_set_synced(w->server);
    }
    waiter_signal(&w->done);
}

static void close_server(struct loop *l, void *arg) {
    (void)l;
    struct world *w = arg;
    dns_server_close(w->server);
}

static void world_start(struct world *w) {
    *w = (struct world){.zone = dns_zone_new(&(struct dns_zone_options){.domain = S("cluster.local")})};
    w->upstream.udp = bound(SOCK_DGRAM, 0, &w->upstream.port);
    w->upstream.tcp = bound(SOCK_STREAM, w->upstream.port, &w->upstream.port);
    check(listen(w->upstream.tcp, 8) == 0);
    assert_ok(thread_start(&w->upstream.thread, &(struct thread_options){.name = "upstream"}, upstream_run,
                           &w->upstream, NULL),
              NULL);
    world_put_service(
        w->zone,
        "{\"metadata\":{\"namespace\":\"d\",\"name\":\"web\"},\"spec\":{\"clusterIP\":\"10.96.0.1\"}}");
    world_put_service(
        w->zone, "{\"metadata\":{\"namespace\":\"d\",\"name\":\"ext\"},\"spec\":{\"type\":\"ExternalName\","
                 "\"externalName\":\"example.org\"}}");
    world_put_service(
        w->zone, "{\"metadata\":{\"namespace\":\"d\",\"name\":\"in\"},\"spec\":{\"type\":\"ExternalName\","
                 "\"externalName\":\"web.d.svc.cluster.local\"}}");
    waiter_init(&w->done, NULL);
    struct loop_options o = {.name = "dns", .on_quit = close_server, .on_quit_arg = w};
    assert_ok(loop_start(&o, &w->loop, NULL), NULL);
    assert_ok(loop_call(w->loop, start_server, w), NULL);
    waiter_wait(&w->done);
    assert_int_equal(w->rc, 0);
}

static void world_stop(struct world *w) {
    loop_stop(w->loop);
    waiter_fini(&w->done);
    dns_zone_free(w->zone);
    atomic_store(&w->upstream.stop, true);
    thread_join(&w->upstream.thread);
    (void)close(w->upstream.udp);
    (void)close(w->upstream.tcp);
}

static int client(const struct world *w, int type) {
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(w->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    check(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    struct timeval limit = {10, 0};
    check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0);
    return fd;
}

/* Over UDP; the answer as text. */
static void answers(const struct world *w, const char *name, uint16_t type, uint16_t edns, const char *text) {
    uint8_t in[DNS_UDP_BYTES], out[DNS_MESSAGE_MAX];
    _cleanup_buf struct buf got = BUF_INIT;
    int fd = client(w, SOCK_DGRAM);
    size_t n = world_query(in, 0x77, name, type, edns);
    assert_int_equal(send(fd, in, n, 0), n);
    ssize_t r = recv(fd, out, sizeof out, 0);
    (void)close(fd);
    assert_true(r > 0);
    assert_int_equal(dns_u16(out), 0x77);
    world_print(out, (size_t)r, &got);
    assert_str(buf_view(&got), text);
}

static void read_exactly(int fd, uint8_t *p, size_t n) {
    while (n) {
        ssize_t r = recv(fd, p, n, 0);
        assert_true(r > 0);
        p += r;
        n -= (size_t)r;
    }
}

static size_t tcp_answer(int fd, uint8_t *out) {
    uint8_t head[2];
    read_exactly(fd, head, 2);
    read_exactly(fd, out, dns_u16(head));
    return dns_u16(head);
}

static void tcp_ask(int fd, uint16_t id, const char *name, uint16_t type) {
    uint8_t in[2 + DNS_UDP_BYTES];
    size_t n = world_query(in + 2, id, name, type, 0);
    in[0] = 0;
    in[1] = (uint8_t)n;
    assert_int_equal(send(fd, in, 2 + n, 0), 2 + n);
}

TEST(test_server__answers_the_cluster_and_asks_others) {
    struct world w;
    world_start(&w);
    answers(&w, "web.d.svc.cluster.local", DNS_A, 0, "NOERROR\nweb.d.svc.cluster.local. A 10.96.0.1");
    answers(&w, "example.org", DNS_A, 0, "NOERROR\nexample.org. A 1.2.3.4");
    answers(&w, "Example.org", DNS_A, 1232, "NOERROR\nExample.org. A 1.2.3.4 opt");
    assert_int_equal(atomic_load(&w.upstream.asked), 1); // the second came from the cache
    answers(&w, "nope.org", DNS_A, 0, "NXDOMAIN");
    world_stop(&w);
}

TEST(test_server__an_alias_comes_with_its_addresses) {
    struct world w;
    world_start(&w);
    for (int i = 0; i < 2; i++)
        answers(&w, "ext.d.svc.cluster.local", DNS_A, 0,
                "NOERROR\next.d.svc.cluster.local. CNAME example.org.\nexample.org. A 1.2.3.4");
    answers(&w, "in.d.svc.cluster.local", DNS_A, 0,
            "NOERROR\nin.d.svc.cluster.local. CNAME web.d.svc.cluster.local.\nweb.d.svc.cluster.local. A "
            "10.96.0.1");
    world_stop(&w);
}

TEST(test_server__silence_and_forgery_are_failures) {
    struct world w;
    world_start(&w);
    answers(&w, "silent.org", DNS_A, 0, "SERVFAIL");
    answers(&w, "forged.org", DNS_A, 0, "SERVFAIL");
    assert_true(atomic_load(&w.upstream.asked) >= 4); // it was tried again
    world_stop(&w);
}

TEST(test_server__a_cut_answer_is_asked_for_over_tcp) {
    struct world w;
    world_start(&w);
    answers(&w, "big.org", DNS_A, 0, "NOERROR tc");
    uint8_t out[DNS_MESSAGE_MAX];
    int fd = client(&w, SOCK_STREAM);
    tcp_ask(fd, 5, "big.org", DNS_A);
    (void)tcp_answer(fd, out);
    assert_int_equal(dns_u16(out + 6), 200);
    (void)close(fd);
    world_stop(&w);
}

TEST(test_server__tcp_takes_several_questions) {
    struct world w;
    world_start(&w);
    uint8_t out[DNS_MESSAGE_MAX];
    int fd = client(&w, SOCK_STREAM);
    unsigned seen = 0;
    for (uint16_t i = 0; i < 100; i++)
        tcp_ask(fd, i, i % 2 ? "web.d.svc.cluster.local" : "example.org", DNS_A);
    for (unsigned i = 0; i < 100; i++) {
        (void)tcp_answer(fd, out);
        assert_int_equal(dns_u16(out + 6), 1);
        seen += dns_u16(out);
    }
    assert_int_equal(seen, 99 * 100 / 2);
    (void)close(fd);
    world_stop(&w);
}

TEST(test_server__rubbish_is_refused_or_ignored) {
    struct world w;
    world_start(&w);
    uint8_t out[DNS_UDP_BYTES], in[DNS_UDP_BYTES] = {0};
    int fd = client(&w, SOCK_DGRAM);
    assert_int_equal(send(fd, in, 3, 0), 3);
    in[1] = 9;
    assert_int_equal(send(fd, in, 40, 0), 40); // no question
    assert_int_equal(recv(fd, out, sizeof out, 0), 12);
    assert_int_equal(out[1], 9);
    assert_int_equal(out[3] & 15, DNS_FORMERR);
    (void)close(fd);
    fd = client(&w, SOCK_STREAM);
    memset(in, 0xff, 4);
    assert_int_equal(send(fd, in, 4, 0), 4);
    assert_int_equal(recv(fd, out, sizeof out, 0), 0); // closed
    (void)close(fd);
    world_stop(&w);
}

TEST(test_server__ends_with_questions_on_their_way) {
    struct world w;
    world_start(&w);
    uint8_t in[DNS_UDP_BYTES];
    int udp = client(&w, SOCK_DGRAM), tcp = client(&w, SOCK_STREAM);
    size_t n = world_query(in, 1, "silent.org", DNS_A, 0);
    assert_int_equal(send(udp, in, n, 0), n);
    tcp_ask(tcp, 2, "silent.net", DNS_A);
    answers(&w, "web.d.svc.cluster.local", DNS_A, 0, "NOERROR\nweb.d.svc.cluster.local. A 10.96.0.1");
    world_stop(&w);
    (void)close(udp);
    (void)close(tcp);
}
