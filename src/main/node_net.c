/* Network and DNS of a node, out of the node's options. */
#include "main/node_net.h"

#include <stdlib.h>
#include <unistd.h>

#include "api/ip.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "client/client.h"
#include "dns/dns.h"
#include "main/node.h"
#include "main/node_identity.h"
#include "network/conflist.h"
#include "network/network.h"

struct node_net {
    struct network *network;
    struct dns *dns;
    struct arena arena;
    const char *state_dir;
};

/* One or two networks, separated by a comma. */
static int read_networks(const char *text, struct cidr ret[2], unsigned *ret_n, struct err *err) {
    struct str rest = str_from(text), item;
    *ret_n = 0;
    while (rest.n && *ret_n < 2) {
        (void)str_split(rest, ',', &item, &rest);
        if (!cidr_parse(item, IP_STRICT, &ret[*ret_n]))
            return err_set(err, ERR_INVALID, "\"%.*s\" is no network; one looks like 10.244.0.0/16",
                           STR_ARG(item));
        (*ret_n)++;
    }
    return 0;
}

int node_net_prepare(const struct node_options *o, const struct node_identity *id, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    (void)id;
    const char *bin = arena_printf(&a, "%s/cni/bin", o->data_dir).p,
               *conf = arena_printf(&a, "%s/cni/net.d", o->data_dir).p;
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return err_set(err, ERR_IO, "this program cannot be found");
    self[n] = 0;
    int rc = file_mkdir_p(bin, 0755, err);
    if (rc == 0)
        rc = file_mkdir_p(conf, 0755, err);
    return rc < 0 ? rc : conflist_link_plugins(bin, self, err);
}

static int start_network(struct node_net *n, const struct node_options *o, const struct node_identity *id,
                         struct client *c, const struct ip *dns, struct err *err) {
    struct cidr pods[2], services[2];
    struct network_options no = {.client = c,
                                 .node = id->name,
                                 .pods = pods,
                                 .services = services,
                                 .local = dns,
                                 .n_local = 1,
                                 .cni_conf_dir = arena_printf(&n->arena, "%s/cni/net.d", o->data_dir).p,
                                 .cni_bin_dir = arena_printf(&n->arena, "%s/cni/bin", o->data_dir).p,
                                 .cni_state_dir = n->state_dir,
                                 .health_port = NETWORK_HEALTH_PORT};
    int rc = read_networks(o->cluster_cidr ? o->cluster_cidr : "10.244.0.0/16", pods, &no.n_pods, err);
    if (rc == 0)
        rc = read_networks(o->service_cidr ? o->service_cidr : "10.96.0.0/12", services, &no.n_services, err);
    return rc < 0 ? rc : network_start(&no, &n->network, err);
}

int node_net_start(const struct node_options *o, const struct node_identity *id, struct client *c,
                   struct node_net **ret, struct err *err) {
    struct node_net *n = calloc(1, sizeof *n);
    if (!n)
        panic("out of memory");
    arena_init(&n->arena);
    n->state_dir = arena_printf(&n->arena, "%s/cni/state", o->data_dir).p;
    struct ip dns;
    int rc = ip_parse(str_from(o->cluster_dns ? o->cluster_dns : "10.96.0.10"), IP_STRICT, &dns)
                 ? 0
                 : err_set(err, ERR_INVALID, "--cluster-dns: \"%s\" is no address", o->cluster_dns);
    if (rc == 0)
        rc = start_network(n, o, id, c, &dns, err);
    struct dns_options d = {.client = c,
                            .domain = str_from(o->cluster_domain),
                            .addresses = &dns,
                            .n_addresses = 1,
                            .resolv_conf = o->resolv_conf};
    if (rc == 0)
        rc = dns_start(&d, &n->dns, err);
    if (rc < 0) {
        node_net_stop(n);
        return err_wrap(err, "the node's network");
    }
    *ret = n;
    return 0;
}

void node_net_stop(struct node_net *n) {
    if (!n)
        return;
    dns_stop(n->dns);
    network_stop(n->network);
    arena_fini(&n->arena);
    free(n);
}

void node_net_remove(struct node_net *n) {
    struct err err = ERR_INIT;
    node_net_stop(n);
    if (network_clear(&err) < 0)
        log_warn("not everything of the node's network could be removed", kv_err("err", &err));
}
