/* The service proxy with the real kernel, in network namespaces of its own: programming services from empty,
 * one change among them, and connections through a service beside those straight to the pod.
 *
 *   build/release/test/bench/bench_proxy     needs root
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/json.h"
#include "api/object.h"
#include "api/types/ids.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/thread.h"
#include "bench/bench.h"
#include "network/netlink.h"
#include "network/proxy.h"
#include "network/proxy_apply.h"
#include "network/route.h"

#define CHANGES 200
#define CONNECTIONS 4000
#define ROUNDS 5

static struct object *object_of(const struct kind *kind, uint32_t type, const struct buf *json) {
    struct arena a = ARENA_INIT;
    void *body;
    check(api_read_json(&a, &builtin, type, buf_view(json), NULL, &body, NULL) == 0);
    return object_freeze(kind, body, &a);
}

static void put_service(struct proxy *p, unsigned i) {
    _cleanup_buf struct buf b = BUF_INIT;
    buf_printf(&b,
               "{\"metadata\":{\"namespace\":\"d\",\"name\":\"s%u\"},\"spec\":{\"clusterIP\":\"10.96.%u.%u\","
               "\"type\":"
               "\"ClusterIP\",\"ports\":[{\"name\":\"web\",\"port\":80,\"protocol\":\"TCP\"}]}}",
               i, i / 250, i % 250 + 1);
    struct object *o = object_of(&kinds[KIND_CORE_SERVICE], TY_CORE_SERVICE, &b);
    proxy_put_service(p, o);
    object_unref(o);
}

/* Two endpoints, one of which is the given one. */
static void put_slice(struct proxy *p, unsigned i, unsigned last) {
    _cleanup_buf struct buf b = BUF_INIT;
    buf_printf(&b,
               "{\"metadata\":{\"namespace\":\"d\",\"name\":\"s%u-1\",\"labels\":{\"kubernetes.io/"
               "service-name\":\"s%u\"}},"
               "\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"web\",\"port\":8080}],\"endpoints\":[{"
               "\"addresses\":["
               "\"10.244.1.2\"]},{\"addresses\":[\"10.244.2.%u\"]}]}",
               i, i, last);
    struct object *o = object_of(&kinds[KIND_DISCOVERY_ENDPOINT_SLICE], TY_DISCOVERY_ENDPOINT_SLICE, &b);
    proxy_put_slice(p, o);
    object_unref(o);
}

static void apply(struct proxy *p, struct proxy_kernel *k, bool full) {
    struct proxy_plan plan;
    struct err err = ERR_INIT;
    if (full)
        proxy_plan_full(p, &plan);
    else
        proxy_plan_next(p, &plan);
    if (proxy_apply(k, proxy_config(p), &plan, &err))
        panic("%s", err.msg);
    proxy_plan_fini(&plan);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_changes(const char *name, double *ms, double goal) {
    char text[64];
    qsort(ms, CHANGES, sizeof *ms, by_value);
    (void)snprintf(text, sizeof text, "%s_p50", name);
    bench_at_most(text, ms[CHANGES / 2], "ms", "-", goal);
    (void)snprintf(text, sizeof text, "%s_p99", name);
    bench_at_most(text, ms[CHANGES * 99 / 100], "ms", "-", goal);
}

static void bench_programming(struct proxy_kernel *k, unsigned n, double goal_ms) {
    struct proxy *p = proxy_new(&(struct proxy_config){.node = S("n1")});
    char name[64];
    for (unsigned i = 0; i < n; i++) {
        put_service(p, i);
        put_slice(p, i, 7);
    }
    double start = bench_now();
    apply(p, k, true);
    (void)snprintf(name, sizeof name, "proxy_program_%u", n);
    bench_at_most(name, (bench_now() - start) * 1e3, "ms", "-", goal_ms);
    double endpoint[CHANGES], service[CHANGES];
    for (unsigned i = 0; i < CHANGES; i++) {
        put_slice(p, i * (n / CHANGES), 8 + i % 2);
        start = bench_now();
        apply(p, k, false);
        endpoint[i] = (bench_now() - start) * 1e3;
    }
    for (unsigned i = 0; i < CHANGES; i++) {
        put_service(p, n + i);
        put_slice(p, n + i, 7);
        start = bench_now();
        apply(p, k, false);
        service[i] = (bench_now() - start) * 1e3;
    }
    (void)snprintf(name, sizeof name, "proxy_endpoint_change_%u", n);
    print_changes(name, endpoint, 5);
    (void)snprintf(name, sizeof name, "proxy_new_service_%u", n);
    print_changes(name, service, 5);
    proxy_free(p);
}

/* -- connections -- */

static atomic_int server_netns = -1, server_go;

static struct sockaddr_in address_of(const char *ip, uint16_t port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    check(inet_pton(AF_INET, ip, &a.sin_addr) == 1);
    return a;
}

/* Accepts and closes, in a namespace of its own. */
static void serve(void *arg) {
    (void)arg;
    check(unshare(CLONE_NEWNET) == 0);
    atomic_store(&server_netns, open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    while (!atomic_load(&server_go))
        sched_yield();
    struct netlink nl = NETLINK_INIT;
    struct link l;
    struct cidr own = {{.family = 4, .lo = 0x0af40102}, 24};
    check(netlink_open(&nl, NETLINK_ROUTE, NULL) == 0 && link_find(&nl, "eth0", &l, NULL) == 0);
    check(address_add(&nl, l.index, own, NULL) == 0 && link_set_up(&nl, l.index, NULL) == 0);
    netlink_close(&nl);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = address_of("0.0.0.0", 8080);
    check(s >= 0 && bind(s, (struct sockaddr *)&a, sizeof a) == 0 && listen(s, 1024) == 0);
    atomic_store(&server_go, 2);
    for (int c; (c = accept(s, NULL, NULL)) >= 0;) {
        char byte;
        bool last = recv(c, &byte, 1, 0) == 1;
        (void)close(c);
        if (last)
            break;
    }
    (void)close(s);
}

static void connect_once(const struct sockaddr_in *a, bool last) {
    int c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct linger reset = {1, 0}; // so that ports are free again at once
    check(c >= 0 && setsockopt(c, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
    if (connect(c, (const struct sockaddr *)a, sizeof *a) != 0)
        panic("cannot connect");
    if (last)
        check(send(c, "x", 1, 0) == 1);
    (void)close(c);
}

/* The best of several rounds: what else the machine does is not measured. */
static double connections_per_second(const char *ip, uint16_t port) {
    struct sockaddr_in a = address_of(ip, port);
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = bench_now();
        for (int i = 0; i < CONNECTIONS; i++)
            connect_once(&a, false);
        double rate = CONNECTIONS / (bench_now() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

static void bench_connections(struct proxy_kernel *k) {
    struct thread t = {.started = false};
    struct netlink nl = NETLINK_INIT;
    struct link bridge, lo;
    struct cidr own = {{.family = 4, .lo = 0x0af40101}, 24};
    check(thread_start(&t, &(struct thread_options){.name = "server"}, serve, NULL, NULL) == 0);
    while (atomic_load(&server_netns) < 0)
        sched_yield();
    check(netlink_open(&nl, NETLINK_ROUTE, NULL) == 0 && link_find(&nl, "lo", &lo, NULL) == 0);
    check(link_set_up(&nl, lo.index, NULL) == 0);
    check(link_add_bridge(&nl, "br0", (uint8_t[]){2, 0, 0, 0, 0, 1}, 1500, NULL) == 0);
    check(link_find(&nl, "br0", &bridge, NULL) == 0 && address_add(&nl, bridge.index, own, NULL) == 0);
    struct link_veth v = {.name = "v0",
                          .master = bridge.index,
                          .peer_name = "eth0",
                          .peer_netns_fd = atomic_load(&server_netns),
                          .peer_mac = {2, 0, 0, 0, 0, 2},
                          .mtu = 1500};
    struct route all = {
        .to = {.ip = {.family = 4}}, .via = {.family = 4, .lo = 0x0af40102}, .index = bridge.index};
    check(link_add_veth(&nl, &v, NULL) == 0 && route_set(&nl, &all, NULL) == 0);
    netlink_close(&nl);
    atomic_store(&server_go, 1);
    while (atomic_load(&server_go) != 2)
        sched_yield();
    struct err err = ERR_INIT;
    if (proxy_kernel_clear(k, &err))
        panic("%s", err.msg);
    double bare = connections_per_second("10.244.1.2", 8080);
    struct cidr pods = {{.family = 4, .lo = 0x0af40000}, 16}; // the client counts as one
    struct proxy *p = proxy_new(&(struct proxy_config){.node = S("n1"), .pods = &pods, .n_pods = 1});
    for (unsigned i = 0; i < 10000; i++) {
        put_service(p, i);
        put_slice(p, i, 2);
    }
    _cleanup_buf struct buf one = BUF_INIT; // the service that is used has only the server as an endpoint
    buf_printf(
        &one,
        "{\"metadata\":{\"namespace\":\"d\",\"name\":\"s5000-1\",\"labels\":{\"kubernetes.io/service-name\":"
        "\"s5000\"}},\"addressType\":\"IPv4\",\"ports\":[{\"name\":\"web\",\"port\":8080}],\"endpoints\":[{"
        "\"addresses\":[\"10.244.1.2\"]}]}");
    struct object *o = object_of(&kinds[KIND_DISCOVERY_ENDPOINT_SLICE], TY_DISCOVERY_ENDPOINT_SLICE, &one);
    proxy_put_slice(p, o);
    object_unref(o);
    apply(p, k, true);
    double through = connections_per_second("10.96.20.1", 80);
    bench_figure("proxy_connections_bare", bare, "1/s");
    char peer[32];
    (void)snprintf(peer, sizeof peer, "%.0f(bare)", bare);
    bench_at_least("proxy_connections_service", through, "1/s", peer, bare * 0.6);
    struct sockaddr_in a = address_of("10.244.1.2", 8080);
    connect_once(&a, true);
    thread_join(&t);
    proxy_free(p);
}

int main(void) {
    static struct proxy_kernel k;
    struct err err = ERR_INIT;
    if (unshare(CLONE_NEWNET) != 0) {
        printf("bench_proxy needs root: skipped\n");
        return 0;
    }
    if (proxy_kernel_open(&k, &err))
        panic("%s", err.msg);
    bench_programming(&k, 1000, 100);
    bench_programming(&k, 10000, 1000);
    bench_connections(&k);
    proxy_kernel_close(&k);
    return 0;
}
