/* The API server as a whole. See server.h.
 *
 *     keys → store → cache → authn, authz → first objects → admission → doors
 */
#include "apiserver/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/ip.h"
#include "apiserver/admission.h"
#include "apiserver/alloc_ip.h"
#include "apiserver/alloc_port.h"
#include "apiserver/authn.h"
#include "apiserver/authz.h"
#include "apiserver/cache.h"
#include "apiserver/documents.h"
#include "apiserver/event_expiry.h"
#include "apiserver/first_objects.h"
#include "apiserver/front.h"
#include "apiserver/health.h"
#include "apiserver/node_proxy.h"
#include "apiserver/server_files.h"
#include "apiserver/server_parts.h"
#include "apiserver/server_priv.h"
#include "apiserver/watch.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rand.h"
#include "base/sim.h"
#include "base/thread.h"
#include "base/timefmt.h"
#include "base/workers.h"
#include "net/http.h"
#include "net/jwt.h"
#include "store/store.h"

#define KEEP_INTERVAL_NS (10 * NS_PER_SEC)
#define RENEW_INTERVAL_NS (NS_PER_HOUR)
#define EXPIRY_INTERVAL_NS (60 * NS_PER_SEC)
#define PORT_DEFAULT 6443

static const char *or_default(const char *text, const char *dflt) {
    return text && *text ? text : dflt;
}

/* -- addresses -- */

/* The address from which others would be reached; no packet is sent. */
static struct str default_address(struct arena *a) {
    struct sockaddr_in far = {.sin_family = AF_INET, .sin_port = htons(9)}, near;
    socklen_t n = sizeof near;
    char text[INET_ADDRSTRLEN];
    _cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    far.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, of no network */
    if (fd < 0 || connect(fd, (struct sockaddr *)&far, sizeof far) < 0 ||
        getsockname(fd, (struct sockaddr *)&near, &n) < 0 || near.sin_addr.s_addr == 0 ||
        !inet_ntop(AF_INET, &near.sin_addr, text, sizeof text))
        return S("127.0.0.1");
    return arena_str(a, str_from(text));
}

static bool is_any(const char *address) {
    return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

static int read_addresses(struct server_state *x, const struct apiserver_options *o, struct err *err) {
    struct cidr range;
    struct ip first;
    char text[IP_TEXT_MAX];
    struct str all = str_from(or_default(o->service_cluster_ip_range, SERVICE_CIDR_DEFAULT)), cidr, rest;
    const char *bind = or_default(o->bind_address, "0.0.0.0");
    str_split(all, ',', &cidr, &rest);
    if (!cidr_parse(cidr, IP_STRICT, &range) || !ip_add(cidr_first(range), 1, &first))
        return err_set(err, ERR_INVALID,
                       "--service-cluster-ip-range: \"%.*s\" is no network such as 10.96.0.0/12",
                       STR_ARG(cidr));
    x->first.service_cidr = arena_str(&x->arena, all);
    x->first.service_address = arena_str(&x->arena, str_make(text, ip_format(first, text)));
    if (o->advertise_address && *o->advertise_address)
        x->first.advertise_address = arena_str(&x->arena, str_from(o->advertise_address));
    else
        x->first.advertise_address =
            is_any(bind) ? default_address(&x->arena) : arena_str(&x->arena, str_from(bind));
    struct ip ip;
    if (!ip_parse(x->first.advertise_address, IP_STRICT, &ip))
        return err_set(err, ERR_INVALID, "--advertise-address: \"%.*s\" is no IP address",
                       STR_ARG(x->first.advertise_address));
    x->server.advertise_address = x->first.advertise_address;
    return 0;
}

/* A free port, held until the doors are bound to it as well. */
static int reserve_port(struct server_state *x, const struct apiserver_options *o, struct err *err) {
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof a;
    int one = 1;
    const char *bind_to = or_default(o->bind_address, "0.0.0.0");
    x->server.port = o->secure_port ? o->secure_port : PORT_DEFAULT;
    if (!o->port_any || o->no_door)
        return 0;
    if (inet_pton(AF_INET, bind_to, &a.sin_addr) != 1)
        return err_set(err, ERR_INVALID, "--bind-address: %s: a free port is found for IPv4 addresses only",
                       bind_to);
    x->reserved_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (x->reserved_fd < 0 || setsockopt(x->reserved_fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0 ||
        bind(x->reserved_fd, (struct sockaddr *)&a, sizeof a) < 0 ||
        getsockname(x->reserved_fd, (struct sockaddr *)&a, &n) < 0)
        return err_errno(err, errno, "no free port on %s", bind_to);
    x->server.port = ntohs(a.sin_port);
    return 0;
}

/* -- the parts, from below -- */

static int open_files(struct server_state *x, const struct apiserver_options *o, struct err *err) {
    struct server_files_options f = {
        .server = o,
        .advertise_address = x->first.advertise_address,
        .service_address = x->first.service_address,
        .cluster_domain = x->server.cluster_domain,
        .clock = x->server.clock,
    };
    int r = server_files_open(&f, &x->server.files, err);
    if (r == 0)
        x->first.ca_pem = x->server.files->ca_pem;
    return r;
}

static int open_store(struct server_state *x, const struct apiserver_options *o, struct err *err) {
    struct apiserver *s = &x->server;
    if (o->memory_store || !o->data_dir) {
        s->store = store_memory_new(o->sim != NULL);
    } else {
        struct store_sqlite_options so = {.path = arena_printf(&x->arena, "%s/state.db", o->data_dir).p};
        int r = store_sqlite_open(&so, &s->store, err);
        if (r < 0)
            return r;
    }
    return cache_open(s->store, &s->cache, err);
}

static int open_auth(struct server_state *x, const struct apiserver_options *o, struct err *err) {
    struct apiserver *s = &x->server;
    struct authn_options a = {
        .token_file = o->token_auth_file,
        .sa_public_key_pem = s->files->sa_key_pem,
        .sa_issuer = s->token_issuer.p,
        .cache = s->cache,
        .clock = s->clock,
    };
    int r = jwt_signer_new(s->files->sa_key_pem, &s->token_signer, err);
    if (r == 0)
        r = authn_new(&a, &s->authn, err);
    return r < 0 ? r : authz_new(s->cache, &s->authz, err);
}

static int open_proxy(struct apiserver *s, struct err *err) {
    const struct server_files *f = s->files;
    return node_proxy_new(f->kubelet_cert, f->kubelet_key, f->kubelet_ca, &s->node_proxy, err);
}

static int open_door(struct server_state *x, const struct apiserver_options *o, struct err *err) {
    struct apiserver *s = &x->server;
    struct http_server_options h = {
        .address = str_from(or_default(o->bind_address, "")),
        .port = s->port,
        .loops = o->loops,
        .cert_path = s->files->cert,
        .key_path = s->files->key,
        .client_ca_path = s->files->client_ca,
        .handler = front_handle,
    };
    if (h.address.n && strcmp(h.address.p, "0.0.0.0") == 0)
        h.address = S("0.0.0.0");
    s->watches = watches_new();
    s->documents = documents_new();
    h.arg = s->front = front_new(s);
    int r = http_server_start(&h, &s->http, err);
    if (x->reserved_fd >= 0)
        close(x->reserved_fd);
    x->reserved_fd = -1;
    return r;
}

static void make_url(struct server_state *x, const struct apiserver_options *o) {
    struct apiserver *s = &x->server;
    const char *bind = or_default(o->bind_address, "0.0.0.0");
    const char *host = is_any(bind) ? "127.0.0.1" : bind;
    x->local_url = strchr(host, ':') ? arena_printf(&x->arena, "https://[%s]:%u", host, s->port)
                                     : arena_printf(&x->arena, "https://%s:%u", host, s->port);
    bool six = str_find_byte(s->advertise_address, ':') >= 0;
    s->external_url = arena_printf(&x->arena, "https://%s%.*s%s:%u", six ? "[" : "",
                                   STR_ARG(s->advertise_address), six ? "]" : "", s->port);
}

/* -- looking after things -- */

#define TRIM_GROUPS 50u  /* so many leave holes that are worth giving back */
#define QUIET_GROUPS 20u /* in an interval: whoever trims now is in nobody's way */
#define TRIM_AT_LEAST 6u /* intervals, however much goes on */

struct trim {
    uint64_t commits, trimmed_at; /* of the store */
    unsigned intervals;
};

/* Requests under way lie between the objects that stay. What they leave is whole pages for the most part,
 * which the allocator keeps unless it is asked. */
static void give_memory_back(struct store *s, struct trim *t) {
    struct store_stat now;
    s->ops->stat(s, &now);
    bool quiet = now.commits - t->commits <= QUIET_GROUPS || ++t->intervals >= TRIM_AT_LEAST;
    t->commits = now.commits;
    if (!quiet || now.commits - t->trimmed_at < TRIM_GROUPS)
        return;
    (void)malloc_trim(0);
    *t = (struct trim){.commits = now.commits, .trimmed_at = now.commits};
}

static void keep(void *arg) {
    struct server_state *x = arg;
    int64_t renew_ns = 0, expiry_ns = 0;
    struct trim trim = {0};
    while (!waiter_wait_ns(&x->stop, KEEP_INTERVAL_NS)) {
        struct err err = ERR_INIT;
        if (first_objects_keep_endpoints(&x->server, &x->first, &err) < 0 && log_every(60000))
            log_warn("the endpoints of the service kubernetes could not be written", kv("err", &err));
        give_memory_back(x->server.store, &trim);
        expiry_ns += KEEP_INTERVAL_NS;
        if (expiry_ns >= EXPIRY_INTERVAL_NS) {
            expiry_ns = 0;
            (void)event_expiry_run(&x->server, EVENT_TTL_SEC);
            admission_trim(x->server.admission);
        }
        renew_ns += KEEP_INTERVAL_NS;
        if (renew_ns < RENEW_INTERVAL_NS)
            continue;
        renew_ns = 0;
        service_ips_repair(x->server.service_ips);
        service_ports_repair(x->server.service_ports);
        if (server_files_renew(x->server.files, x->local_url) && x->server.http)
            (void)http_server_reload(x->server.http, &err);
    }
}

static int start_keeper(struct server_state *x, struct err *err) {
    waiter_init(&x->stop, NULL);
    x->keeper_ready = true;
    return thread_start(&x->keeper, &(struct thread_options){.name = "keeper"}, keep, x, err);
}

/* -- start and stop -- */

static void init(struct server_state *x, const struct apiserver_options *o) {
    struct apiserver *s = &x->server;
    arena_init(&x->arena);
    x->reserved_fd = -1;
    s->sim = o->sim;
    s->clock = o->sim ? sim_clock(o->sim) : clock_system();
    s->rand = o->sim ? sim_rand(o->sim) : rand_system();
    x->own_metrics = !o->metrics;
    s->metrics = o->metrics ? o->metrics : metrics_new();
    s->cluster_domain = arena_str(&x->arena, str_from(or_default(o->cluster_domain, "cluster.local")));
    const char *issuer = o->service_account_issuer;
    s->token_issuer =
        issuer && *issuer
            ? arena_str(&x->arena, str_from(issuer))
            : arena_join(&x->arena, (struct str[]){S("https://kubernetes.default.svc"), s->cluster_domain}, 2,
                         S("."));
}

static int start(struct server_state *x, const struct apiserver_options *o, struct err *err) {
    struct apiserver *s = &x->server;
    int r = o->data_dir ? file_mkdir_p(o->data_dir, 0700, err) : 0;
    if (r == 0)
        r = read_addresses(x, o, err);
    if (r == 0)
        r = reserve_port(x, o, err);
    if (r == 0)
        r = open_files(x, o, err);
    if (r == 0)
        r = open_store(x, o, err);
    if (r == 0)
        r = open_auth(x, o, err);
    x->first.port = s->port;
    make_url(x, o);
    x->first.url = s->external_url;
    if (r == 0)
        r = first_objects_make(s, &x->first, err);
    if (r == 0)
        r = server_parts_open(s, o, err);
    if (r == 0 && !o->no_door)
        r = open_proxy(s, err);
    if (r == 0 && !o->no_door)
        r = open_door(x, o, err);
    if (r == 0 && !o->no_door)
        r = server_files_kubeconfigs(s->files, x->local_url, err);
    if (r == 0 && !o->sim)
        r = start_keeper(x, err);
    return r;
}

int apiserver_start(const struct apiserver_options *o, struct apiserver **ret, struct err *err) {
    struct server_state *x = calloc(1, sizeof *x);
    if (!x)
        panic("out of memory");
    check(o->no_door || o->data_dir);
    init(x, o);
    int r = start(x, o, err);
    if (r < 0) {
        apiserver_stop(&x->server, 0);
        return r;
    }
    atomic_store(&x->server.started, true);
    *ret = &x->server;
    return 0;
}

void apiserver_stop(struct apiserver *s, unsigned drain_ms) {
    struct server_state *x = (struct server_state *)s;
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    if (x->keeper_ready) {
        waiter_signal(&x->stop);
        thread_join(&x->keeper);
        waiter_fini(&x->stop);
    }
    if (s->watches)
        watches_drain(s->watches);
    if (s->http)
        http_server_stop(s->http, drain_ms);
    front_free(s->front);
    node_proxy_free(s->node_proxy);
    watches_free(s->watches);
    documents_free(s->documents);
    server_parts_close(s);
    authz_free(s->authz);
    authn_free(s->authn);
    jwt_signer_free(s->token_signer);
    cache_close(s->cache);
    store_close(s->store);
    server_files_free(s->files);
    if (x->reserved_fd >= 0)
        close(x->reserved_fd);
    if (x->own_metrics)
        metrics_free(s->metrics);
    arena_fini(&x->arena);
    free(x);
}

uint16_t apiserver_port(const struct apiserver *s) {
    return s->port;
}

const char *apiserver_admin_kubeconfig(const struct apiserver *s) {
    return s->files->admin_conf;
}

struct str apiserver_ca_pem(const struct apiserver *s) {
    return s->files->ca_pem;
}

bool apiserver_ready(const struct apiserver *s) {
    return health_ready((struct apiserver *)s);
}
