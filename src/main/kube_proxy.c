/* coxswain kube-proxy and coxswain dns: parts of the node as processes of their own. */
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "client/client.h"
#include "client/config.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "dns/dns.h"
#include "main/applet.h"
#include "main/flags.h"
#include "main/signals.h"
#include "main/version.h"
#include "network/network.h"

#define LIST_MAX 8u
#define HOST_NAME_BYTES 256

static int connect_client(const char *kubeconfig, struct str name, struct client **ret, struct err *err) {
    _cleanup_client_config struct client_config config = CLIENT_CONFIG_INIT;
    int rc = client_config_load(kubeconfig, NULL, &config, err);
    return rc ? rc : client_remote_new(&config, name, ret, err);
}

static int read_networks(const struct flag_list *list, const char *flag, struct cidr out[LIST_MAX],
                         unsigned *ret_n, struct err *err) {
    for (size_t i = 0; i < list->n; i++) {
        if (*ret_n == LIST_MAX || !cidr_parse(str_from(list->v[i]), IP_STRICT, &out[*ret_n]))
            return err_set(err, ERR_INVALID, "--%s: \"%s\" is no network like 10.244.0.0/16, or one too many",
                           flag, list->v[i]);
        (*ret_n)++;
    }
    return 0;
}

/* Runs until a signal comes, with what the two callbacks start and stop. */
struct service {
    const char *name, *kubeconfig;
    int (*start)(struct service *s, struct client *c, struct err *err);
    void (*stop)(struct service *s);
    void *options, *running;
};

static int serve(struct service *s) {
    struct client *client = NULL;
    struct err err = ERR_INIT;
    struct signals signals;
    signals_block(&signals);
    int rc = connect_client(s->kubeconfig, str_from(s->name), &client, &err);
    if (!rc)
        rc = s->start(s, client, &err);
    if (rc) {
        log_error("cannot start", kv("program", s->name), kv("err", &err));
        client_free(client);
        return 1;
    }
    log_info("started", kv("program", s->name));
    log_info("ends", kv("program", s->name), kv("signal", signals_wait(&signals)));
    s->stop(s);
    client_free(client);
    return 0;
}

/* Whether to go on; prints the usage, the version, or what is wrong. */
static bool parse(const struct flags *f, int argc, char **argv, const bool *version, int *ret_status) {
    struct flag_list args;
    if (!flags_parse_or_end(f, argc, argv, &args, ret_status))
        return false;
    if (*version)
        puts("Kubernetes " KUBERNETES_VERSION);
    return !*version;
}

/* -- kube-proxy -- */

static int start_network(struct service *s, struct client *c, struct err *err) {
    struct network_options *o = s->options;
    o->client = c;
    return network_start(o, (struct network **)&s->running, err);
}

static void stop_network(struct service *s) {
    network_stop(s->running);
}

static int clean_up(void) {
    struct err err = ERR_INIT;
    if (network_clear(&err) == 0)
        return 0;
    log_error("cannot clean up", kv("err", &err));
    return 1;
}

int applet_kube_proxy(int argc, char **argv) {
    char host[HOST_NAME_BYTES] = "";
    const char *kubeconfig = NULL, *node = host;
    struct flag_list pods = {NULL, 0}, services = {NULL, 0};
    int64_t health_port = NETWORK_HEALTH_PORT;
    bool cleanup = false, version = false;
    (void)gethostname(host, sizeof host - 1);
    const struct flag table[] = {
        {"kubeconfig", 0, FLAG_STRING, &kubeconfig, "how to reach the API server"},
        {"hostname-override", 0, FLAG_STRING, &node, "name of this node, if it is not the host's"},
        {"cluster-cidr", 0, FLAG_LIST, &pods, "networks of all pods; other senders get the node's address"},
        {"service-cluster-ip-range", 0, FLAG_LIST, &services,
         "networks of services; their packets never leave"},
        {"healthz-port", 0, FLAG_INT, &health_port,
         "where load balancers ask for the node's health; 0: nowhere"},
        {"cleanup", 0, FLAG_BOOL, &cleanup, "remove what the node's network left in the kernel, and end"},
        {"version", 0, FLAG_BOOL, &version, "print the version and end"},
    };
    _cleanup_arena struct arena arena = ARENA_INIT;
    struct flags f = {.program = "kube-proxy",
                      .about = "Brings packets for services to their endpoints, with nftables.",
                      .v = table,
                      .n = sizeof table / sizeof *table,
                      .arena = &arena};
    int status = 0;
    if (!parse(&f, argc, argv, &version, &status))
        return status;
    if (cleanup)
        return clean_up();
    struct cidr pod_networks[LIST_MAX], service_networks[LIST_MAX];
    struct network_options o = {.node = str_from(node),
                                .pods = pod_networks,
                                .services = service_networks,
                                .no_overlay = true,
                                .health_port = (uint16_t)health_port};
    struct err err = ERR_INIT;
    if (read_networks(&pods, "cluster-cidr", pod_networks, &o.n_pods, &err) ||
        read_networks(&services, "service-cluster-ip-range", service_networks, &o.n_services, &err)) {
        fprintf(stderr, "kube-proxy: %s\n", err.msg);
        return 2;
    }
    struct service s = {"kube-proxy", kubeconfig, start_network, stop_network, &o, NULL};
    return serve(&s);
}

/* -- dns -- */

static int start_dns(struct service *s, struct client *c, struct err *err) {
    struct dns_options *o = s->options;
    o->client = c;
    return dns_start(o, (struct dns **)&s->running, err);
}

static void stop_dns(struct service *s) {
    dns_stop(s->running);
}

static int read_addresses(const struct flag_list *list, struct ip out[LIST_MAX], size_t *ret_n,
                          struct err *err) {
    for (size_t i = 0; i < list->n; i++) {
        if (*ret_n == LIST_MAX || !ip_parse(str_from(list->v[i]), IP_STRICT, &out[*ret_n]))
            return err_set(err, ERR_INVALID, "--listen: \"%s\" is no IP address, or one too many",
                           list->v[i]);
        (*ret_n)++;
    }
    return *ret_n ? 0 : err_set(err, ERR_INVALID, "--listen says at least one address");
}

int applet_dns(int argc, char **argv) {
    const char *kubeconfig = NULL, *domain = DNS_DOMAIN, *resolv_conf = NULL;
    struct flag_list listen = {NULL, 0};
    int64_t port = DNS_PORT;
    bool version = false;
    const struct flag table[] = {
        {"kubeconfig", 0, FLAG_STRING, &kubeconfig, "how to reach the API server"},
        {"cluster-domain", 0, FLAG_STRING, &domain, "domain of the cluster's names"},
        {"listen", 0, FLAG_LIST, &listen, "addresses to serve on"},
        {"port", 0, FLAG_INT, &port, "port to serve on"},
        {"resolv-conf", 0, FLAG_STRING, &resolv_conf, "file that names the servers for all other names"},
        {"version", 0, FLAG_BOOL, &version, "print the version and end"},
    };
    _cleanup_arena struct arena arena = ARENA_INIT;
    struct flags f = {.program = "coxswain dns",
                      .about = "Serves the names of the cluster, and forwards all others.",
                      .v = table,
                      .n = sizeof table / sizeof *table,
                      .arena = &arena};
    int status = 0;
    if (!parse(&f, argc, argv, &version, &status))
        return status;
    struct ip addresses[LIST_MAX];
    struct dns_options o = {.domain = str_from(domain),
                            .addresses = addresses,
                            .port = (uint16_t)port,
                            .resolv_conf = resolv_conf};
    struct err err = ERR_INIT;
    if (port < 1 || port > 65535 || read_addresses(&listen, addresses, &o.n_addresses, &err)) {
        fprintf(stderr, "coxswain dns: %s\n", err.code ? err.msg : "--port is no port");
        return 2;
    }
    struct service s = {"coxswain-dns", kubeconfig, start_dns, stop_dns, &o, NULL};
    return serve(&s);
}
