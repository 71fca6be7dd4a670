/* coxswain controller-manager, also called kube-controller-manager: the controllers as a process of their
 * own, against a remote API server. Health and metrics are served on loopback.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/timefmt.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "controller/controller.h"
#include "main/applet.h"
#include "main/flags.h"
#include "main/health.h"
#include "main/signals.h"
#include "main/version.h"

#define PEM_MAX (256u * 1024)

struct manager {
    struct arena arena;
    struct controllers_options o;
    struct client *client;
    struct controllers *controllers;
    struct health *health;
    /* flags */
    const char *config, *kubeconfig, *master, *root_ca, *account_key, *signing_cert, *signing_key;
    const char *cluster_cidr, *service_cidr, *bind_address, *logging_format;
    const char *eviction_rate, *secondary_eviction_rate, *zone_threshold;
    const char *lease_namespace, *lease_name, *cidr_allocator;
    struct flag_list controllers_list;
    int64_t port, mask, mask_v4, mask_v6, large_cluster, terminated, per_slice, verbosity, threads;
    bool version, leader_elect;
};

/* -- options -- */

static int read_pem(struct manager *m, const char *path, struct str *ret, struct err *err) {
    _cleanup_buf struct buf b = BUF_INIT;
    if (!path || !*path)
        return 0;
    int rc = file_read(path, PEM_MAX, &b, err);
    if (!rc)
        *ret = buf_to_arena(&b, &m->arena);
    return rc;
}

static int read_rate(const char *flag, const char *text, double *ret, struct err *err) {
    char *end = NULL;
    if (!text || !*text)
        return 0;
    *ret = strtod(text, &end);
    return *end || *ret < 0 ? err_set(err, ERR_INVALID, "--%s: \"%s\" is no rate", flag, text) : 0;
}

static int finish_options(struct manager *m, struct err *err) {
    struct controllers_options *o = &m->o;
    struct str *names = arena_new_n(&m->arena, m->controllers_list.n + 1, struct str);
    for (size_t i = 0; i < m->controllers_list.n; i++)
        names[i] = str_from(m->controllers_list.v[i]);
    o->controllers = names;
    o->n_controllers = (uint32_t)m->controllers_list.n;
    o->leader_elect = m->leader_elect;
    o->lease_namespace = str_from(m->lease_namespace);
    o->lease_name = str_from(m->lease_name);
    o->cluster_cidrs = str_from(m->cluster_cidr);
    o->service_cidrs = str_from(m->service_cidr);
    o->node_cidr_mask_v4 = (int)(m->mask_v4 ? m->mask_v4 : m->mask);
    o->node_cidr_mask_v6 = (int)m->mask_v6;
    o->large_cluster_threshold = (uint32_t)m->large_cluster;
    o->terminated_pod_threshold = m->terminated > 0 ? (int32_t)m->terminated : -1;
    o->max_endpoints_per_slice = (int32_t)m->per_slice;
    o->threads = (unsigned)m->threads;
    if (m->per_slice < 1 || m->per_slice > 1000)
        return err_set(err, ERR_INVALID, "--max-endpoints-per-slice: a number from 1 to 1000");
    if (m->threads < 1 || m->threads > 64)
        return err_set(err, ERR_INVALID, "--threads: a number from 1 to 64");
    int rc = read_pem(m, m->root_ca, &o->root_ca_pem, err);
    if (!rc)
        rc = read_pem(m, m->account_key, &o->service_account_key, err);
    if (!rc)
        rc = read_pem(m, m->signing_cert, &o->signing_cert_pem, err);
    if (!rc)
        rc = read_pem(m, m->signing_key, &o->signing_key_pem, err);
    if (!rc)
        rc = read_rate("node-eviction-rate", m->eviction_rate, &o->node_eviction_rate, err);
    if (!rc)
        rc = read_rate("secondary-node-eviction-rate", m->secondary_eviction_rate,
                       &o->secondary_node_eviction_rate, err);
    return rc ? rc
              : read_rate("unhealthy-zone-threshold", m->zone_threshold, &o->unhealthy_zone_threshold, err);
}

static size_t add_flags(struct manager *m, struct flag *v, size_t max) {
    struct controllers_options *o = &m->o;
    const struct flag rows[] = {
        {"config", 0, FLAG_STRING, &m->config, "YAML file with flags as keys; the command line wins"},
        {"kubeconfig", 0, FLAG_STRING, &m->kubeconfig, "how to reach the API server"},
        {"master", 0, FLAG_STRING, &m->master, "its address instead of the one in the kubeconfig"},
        {"controllers", 0, FLAG_LIST, &m->controllers_list,
         "* for all that are on by default, name for one more, -name for not that one"},
        {"use-service-account-credentials", 0, FLAG_BOOL, &o->service_accounts,
         "each controller acts as its own service account; wants the right to impersonate these"},
        {"threads", 0, FLAG_INT, &m->threads, "threads of the pool"},
        {"leader-elect", 0, FLAG_BOOL, &m->leader_elect, "act only while holding the lease"},
        {"leader-elect-lease-duration", 0, FLAG_DURATION, &o->lease_ns, "how long the lease is valid"},
        {"leader-elect-renew-deadline", 0, FLAG_DURATION, &o->renew_ns, "how long renewing is tried"},
        {"leader-elect-retry-period", 0, FLAG_DURATION, &o->retry_ns, "time between attempts"},
        {"leader-elect-resource-namespace", 0, FLAG_STRING, &m->lease_namespace, "namespace of the lease"},
        {"leader-elect-resource-name", 0, FLAG_STRING, &m->lease_name, "name of the lease"},
        {"root-ca-file", 0, FLAG_STRING, &m->root_ca, "authority that is published to every namespace"},
        {"service-account-private-key-file", 0, FLAG_STRING, &m->account_key, "key that signs tokens"},
        {"cluster-signing-cert-file", 0, FLAG_STRING, &m->signing_cert, "authority that signs requests"},
        {"cluster-signing-key-file", 0, FLAG_STRING, &m->signing_key, "its key"},
        {"cluster-signing-duration", 0, FLAG_DURATION, &o->signing_duration_ns,
         "longest life of certificates"},
        {"allocate-node-cidrs", 0, FLAG_BOOL, &o->allocate_node_cidrs, "give nodes ranges for pods"},
        {"cidr-allocator-type", 0, FLAG_STRING, &m->cidr_allocator, "RangeAllocator: the only one there is"},
        {"cluster-cidr", 0, FLAG_STRING, &m->cluster_cidr, "networks of pods, one a family"},
        {"service-cluster-ip-range", 0, FLAG_STRING, &m->service_cidr, "networks of services"},
        {"node-cidr-mask-size", 0, FLAG_INT, &m->mask, "prefix of a node's range"},
        {"node-cidr-mask-size-ipv4", 0, FLAG_INT, &m->mask_v4, "the same of IPv4"},
        {"node-cidr-mask-size-ipv6", 0, FLAG_INT, &m->mask_v6, "the same of IPv6"},
        {"node-monitor-period", 0, FLAG_DURATION, &o->node_monitor_period_ns,
         "how often nodes are looked at"},
        {"node-monitor-grace-period", 0, FLAG_DURATION, &o->node_monitor_grace_ns,
         "silence after which a node is unknown"},
        {"node-startup-grace-period", 0, FLAG_DURATION, &o->node_startup_grace_ns, "the same of a new node"},
        {"node-eviction-rate", 0, FLAG_STRING, &m->eviction_rate, "nodes a second that are emptied"},
        {"secondary-node-eviction-rate", 0, FLAG_STRING, &m->secondary_eviction_rate,
         "the same in a zone of which much is down"},
        {"unhealthy-zone-threshold", 0, FLAG_STRING, &m->zone_threshold, "how much of a zone that is"},
        {"large-cluster-size-threshold", 0, FLAG_INT, &m->large_cluster, "nodes of a large zone"},
        {"terminated-pod-gc-threshold", 0, FLAG_INT, &m->terminated, "ended pods that are kept; 0: all"},
        {"max-endpoints-per-slice", 0, FLAG_INT, &m->per_slice, "endpoints in one EndpointSlice"},
        {"endpointslice-updates-batch-period", 0, FLAG_DURATION, &o->endpoint_updates_batch_ns,
         "pods that change are gathered for so long"},
        {"resource-quota-sync-period", 0, FLAG_DURATION, &o->quota_resync_ns, "how often quotas are counted"},
        {"pvclaimbinder-sync-period", 0, FLAG_DURATION, &o->volume_sync_ns,
         "how often volumes are looked at"},
        {"bind-address", 0, FLAG_STRING, &m->bind_address, "address of health and metrics"},
        {"secure-port", 0, FLAG_INT, &m->port, "port of health and metrics; 0: none"},
        {"logging-format", 0, FLAG_STRING, &m->logging_format, "text or json"},
        {"v", 'v', FLAG_INT, &m->verbosity, "how much is logged"},
        {"version", 0, FLAG_BOOL, &m->version, "print the version and end"},
    };
    check(sizeof rows / sizeof *rows <= max);
    memcpy(v, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

/* -- running -- */

static int reach_server(struct manager *m, struct err *err) {
    struct client_config config;
    struct kubeconfig_flags flags = {.server = str_from(m->master)};
    int rc = client_config_load(m->kubeconfig, &flags, &config, err);
    return rc ? rc : client_remote_new(&config, S("kube-controller-manager"), &m->client, err);
}

static int start(struct manager *m, struct err *err) {
    m->o.metrics = metrics_new();
    int rc = reach_server(m, err);
    if (rc)
        return rc;
    m->o.client = m->client;
    rc = controllers_start(&m->o, &m->controllers, err);
    return rc ? rc : health_start(m->bind_address, m->port, m->o.metrics, &m->health, err);
}

static void stop(struct manager *m) {
    health_stop(m->health);
    controllers_stop(m->controllers);
    client_free(m->client);
    metrics_free(m->o.metrics);
}

static int serve(struct manager *m) {
    struct err err = ERR_INIT;
    struct signals signals;
    signals_block(&signals);
    int rc = finish_options(m, &err);
    if (!rc)
        rc = start(m, &err);
    if (rc)
        log_error("the controllers cannot start", kv("err", &err));
    else
        log_info("the controllers end", kv("signal", signals_wait(&signals)));
    stop(m);
    return rc ? 1 : 0;
}

int applet_controller_manager(int argc, char **argv) {
    struct manager m = {.bind_address = "127.0.0.1",
                        .logging_format = "text",
                        .lease_namespace = "kube-system",
                        .lease_name = "kube-controller-manager",
                        .leader_elect = true,
                        .port = 10257,
                        .mask = 24,
                        .mask_v6 = 64,
                        .large_cluster = 50,
                        .terminated = 12500,
                        .per_slice = 100,
                        .threads = 4};
    struct flag table[64];
    arena_init(&m.arena);
    struct flags f = {.program = "kube-controller-manager",
                      .about = "Moves the cluster's state towards what was asked for.",
                      .v = table,
                      .n = add_flags(&m, table, sizeof table / sizeof *table),
                      .arena = &m.arena};
    struct flag_list args;
    int status = 0;
    if (!flags_parse_or_end(&f, argc, argv, &args, &status)) {
        arena_fini(&m.arena);
        return status;
    }
    if (m.version) {
        puts("Kubernetes " KUBERNETES_VERSION);
    } else {
        log_setup(&(struct log_options){.format = strcmp(m.logging_format, "json") == 0 ? LOG_JSON : LOG_TEXT,
                                        .verbosity = (int)m.verbosity});
        status = serve(&m);
    }
    arena_fini(&m.arena);
    return status;
}
