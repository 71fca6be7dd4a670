/* Cluster DNS on loopback: queries per second, and how long one takes, with 1,000 services.
 *
 *   build/release/test/bench/bench_dns [seconds]
 *
 * Clients keep a window of questions on their way each, as many resolvers together do. The peer's figure is
 * the one that CoreDNS publishes for two cores.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/json.h"
#include "api/object.h"
#include "api/types/ids.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/thread.h"
#include "base/workers.h"
#include "bench/bench.h"
#include "dns/server.h"
#include "dns/wire.h"
#include "dns/zone.h"

#define SERVICES 1000
#define WINDOW 32

static struct dns_zone *make_zone(void) {
    struct dns_zone *z = dns_zone_new(&(struct dns_zone_options){.domain = S("cluster.local")});
    for (unsigned i = 0; i < SERVICES; i++) {
        struct arena a = ARENA_INIT;
        _cleanup_buf struct buf json = BUF_INIT;
        void *body;
        buf_printf(
            &json,
            "{\"metadata\":{\"namespace\":\"d\",\"name\":\"s%u\"},\"spec\":{\"clusterIP\":\"10.96.%u.%u\"}}",
            i, i / 250, i % 250 + 1);
        check(api_read_json(&a, &builtin, TY_CORE_SERVICE, buf_view(&json), NULL, &body, NULL) == 0);
        struct object *o = object_freeze(&kinds[KIND_CORE_SERVICE], body, &a);
        dns_zone_put_service(z, o);
        object_unref(o);
    }
    return z;
}

/* -- the server -- */

struct world {
    struct loop *loop;
    struct dns_zone *zone;
    struct dns_server *server;
    struct waiter ready;
};

static void start(void *arg) {
    struct world *w = arg;
    struct ip ip = {.family = 4, .lo = 0x7f000001};
    struct dns_server_options o = {.loop = w->loop, .zone = w->zone, .addresses = &ip, .n_addresses = 1};
    check(dns_server_start(&o, &w->server, NULL) == 0);
    dns_server_set_synced(w->server);
    waiter_signal(&w->ready);
}

static void stop(struct loop *l, void *arg) {
    (void)l;
    dns_server_close(((struct world *)arg)->server);
}

/* -- the clients -- */

struct client {
    int fd;
    double until;
    uint64_t answers;
    double *took; /* seconds, of all answers that were timed */
    size_t n_took, cap;
    double sent_at[WINDOW];
    uint8_t query[WINDOW][64];
    size_t query_bytes[WINDOW];
};

static size_t make_query(uint8_t *out, uint16_t id, unsigned service) {
    char name[64];
    (void)snprintf(name, sizeof name, "s%u.d.svc.cluster.local", service);
    uint8_t head[DNS_HEADER_BYTES] = {(uint8_t)(id >> 8), (uint8_t)id, 1, 0, 0, 1};
    memcpy(out, head, sizeof head);
    size_t n = DNS_HEADER_BYTES + dns_name_from_text(str_from(name), out + DNS_HEADER_BYTES);
    memcpy(out + n, "\0\1\0\1", 4);
    return n + 4;
}

static void send_from(struct client *c, unsigned first, unsigned n, const unsigned *slots) {
    struct mmsghdr heads[WINDOW];
    struct iovec vecs[WINDOW];
    memset(heads, 0, sizeof heads);
    double now = bench_now();
    for (unsigned i = 0; i < n; i++) {
        unsigned slot = slots ? slots[i] : first + i;
        vecs[i] = (struct iovec){c->query[slot], c->query_bytes[slot]};
        heads[i].msg_hdr = (struct msghdr){.msg_iov = &vecs[i], .msg_iovlen = 1};
        c->sent_at[slot] = now;
    }
    check(n == 0 || sendmmsg(c->fd, heads, n, 0) == (int)n);
}

static void run_client(struct client *c) {
    static _Thread_local uint8_t in[WINDOW][DNS_UDP_BYTES];
    struct mmsghdr heads[WINDOW];
    struct iovec vecs[WINDOW];
    send_from(c, 0, WINDOW, NULL);
    while (bench_now() < c->until) {
        memset(heads, 0, sizeof heads);
        for (unsigned i = 0; i < WINDOW; i++) {
            vecs[i] = (struct iovec){in[i], sizeof in[i]};
            heads[i].msg_hdr = (struct msghdr){.msg_iov = &vecs[i], .msg_iovlen = 1};
        }
        int n = recvmmsg(c->fd, heads, WINDOW, MSG_WAITFORONE, NULL);
        check(n > 0);
        double now = bench_now();
        unsigned slots[WINDOW];
        for (int i = 0; i < n; i++) {
            check(heads[i].msg_len > DNS_HEADER_BYTES && dns_u16(in[i] + 6) == 1);
            slots[i] = dns_u16(in[i]) % WINDOW;
            if (c->n_took < c->cap)
                c->took[c->n_took++] = now - c->sent_at[slots[i]];
        }
        c->answers += (uint64_t)n;
        send_from(c, 0, (unsigned)n, slots);
    }
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    struct world w = {.zone = make_zone()};
    struct loop_options lo = {.name = "dns", .on_quit = stop, .on_quit_arg = &w};
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;
    waiter_init(&w.ready, NULL);
    check(loop_start(&lo, &w.loop, NULL) == 0 && loop_call(w.loop, start, &w) == 0);
    waiter_wait(&w.ready);
    struct client c = {.cap = 4u << 20};
    c.took = calloc(c.cap, sizeof *c.took);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(dns_server_port(w.server)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check(c.took != NULL && c.fd >= 0 && connect(c.fd, (struct sockaddr *)&a, sizeof a) == 0);
    for (unsigned i = 0; i < WINDOW; i++)
        c.query_bytes[i] = make_query(c.query[i], (uint16_t)i, i * 31 % SERVICES);
    c.until = bench_now() + 0.2; // warm
    run_client(&c);
    // what is still on its way from the first run is read before the second
    uint8_t rest[DNS_UDP_BYTES];
    for (unsigned i = 0; i < WINDOW; i++)
        (void)recv(c.fd, rest, sizeof rest, 0);
    c.n_took = 0;
    c.answers = 0;
    c.until = bench_now() + seconds;
    run_client(&c);
    bench_at_least("dns_queries_per_second", (double)c.answers / seconds, "1/s", "33669(coredns,published)",
                   100000);
    qsort(c.took, c.n_took, sizeof *c.took, by_value);
    bench_figure("dns_p50", c.took[c.n_took / 2] * 1e3, "ms");
    bench_at_most("dns_p99", c.took[c.n_took * 99 / 100] * 1e3, "ms", "-", 1);
    (void)close(c.fd);
    free(c.took);
    loop_stop(w.loop);
    waiter_fini(&w.ready);
    dns_zone_free(w.zone);
    return 0;
}
