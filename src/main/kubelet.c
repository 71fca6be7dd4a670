/* coxswain kubelet: the kubelet as a process of its own, as upstream's is started: beside a container
 * runtime, a pod network and a service proxy of somebody else's.
 *
 * Who it is comes from a kubeconfig (--kubeconfig); where that is not there yet, from a client certificate
 * that it asks for with --bootstrap-kubeconfig, and writes down there. Flags win over --config.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "client/client.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "kubelet/kubelet.h"
#include "main/applet.h"
#include "main/flags.h"
#include "main/join.h"
#include "main/node_identity.h"
#include "main/signals.h"
#include "main/version.h"
#include "net/pki.h"
#include "runtime/cri.h"
#include "runtime/runtime.h"

#define RUNTIME_ENDPOINT "unix:///run/containerd/containerd.sock"
#define MODE_SECRET 0600

struct settings {
    struct arena arena;
    struct kubelet_config c;
    const char *config, *kubeconfig, *bootstrap, *root_dir, *cert_dir, *host_name, *node_ip;
    struct flag_list labels, dns;
    bool version;
    /* what runs */
    struct node_identity id;
    struct client *client;
    struct runtime *runtime;
    struct kubelet *kubelet;
    struct identity_renewal *renewal;
    struct metrics *metrics;
};

static size_t add_flags(struct settings *s, struct flag *v, size_t max) {
    struct kubelet_config *c = &s->c;
    const struct flag rows[] = {
        {"config", 0, FLAG_STRING, &s->config, "file with a KubeletConfiguration"},
        {"kubeconfig", 0, FLAG_STRING, &s->kubeconfig, "how to reach the API server, and as whom"},
        {"bootstrap-kubeconfig", 0, FLAG_STRING, &s->bootstrap,
         "how to ask for a client certificate when the kubeconfig is not there"},
        {"root-dir", 0, FLAG_STRING, &s->root_dir, "volumes and other files of pods"},
        {"cert-dir", 0, FLAG_STRING, &s->cert_dir, "certificates that the kubelet makes or asks for"},
        {"hostname-override", 0, FLAG_STRING, &s->host_name, "name of the node instead of the host's"},
        {"node-ip", 0, FLAG_STRING, &s->node_ip, "address of the node"},
        {"node-labels", 0, FLAG_LIST, &s->labels, "labels of the node: key=value,…"},
        {"register-node", 0, FLAG_BOOL, &c->register_node, "make the Node object"},
        {"container-runtime-endpoint", 0, FLAG_STRING, &c->runtime_endpoint, "socket of the CRI runtime"},
        {"pod-manifest-path", 0, FLAG_STRING, &c->static_pod_path, "folder of static pods"},
        {"address", 0, FLAG_STRING, &c->address, "address to serve on"},
        {"port", 0, FLAG_INT, &c->port, "port to serve on"},
        {"healthz-bind-address", 0, FLAG_STRING, &c->healthz_address, "address of the health"},
        {"healthz-port", 0, FLAG_INT, &c->healthz_port, "port of the health"},
        {"tls-cert-file", 0, FLAG_STRING, &c->tls_cert_file, "serving certificate"},
        {"tls-private-key-file", 0, FLAG_STRING, &c->tls_key_file, "its key"},
        {"client-ca-file", 0, FLAG_STRING, &c->client_ca_file, "authorities of clients' certificates"},
        {"rotate-certificates", 0, FLAG_BOOL, &c->rotate_certificates, "renew the client certificate"},
        {"rotate-server-certificates", 0, FLAG_BOOL, &c->server_tls_bootstrap,
         "ask the cluster for the serving certificate"},
        {"cluster-dns", 0, FLAG_LIST, &s->dns, "addresses of the cluster's DNS"},
        {"cluster-domain", 0, FLAG_STRING, &c->cluster_domain, "domain of the cluster's names"},
        {"resolv-conf", 0, FLAG_STRING, &c->resolv_conf, "the host's resolvers"},
        {"max-pods", 0, FLAG_INT, &c->max_pods, "pods on this node at most"},
        {"pod-max-pids", 0, FLAG_INT, &c->pod_pids_limit, "processes of a pod at most; -1: no limit"},
        {"cgroup-driver", 0, FLAG_STRING, &c->cgroup_driver, "cgroupfs or systemd, as the runtime has it"},
        {"cgroup-root", 0, FLAG_STRING, &c->cgroup_root, "cgroup above those of pods"},
        {"cpu-cfs-quota", 0, FLAG_BOOL, &c->cpu_quota, "enforce limits of cpu"},
        {"image-gc-high-threshold", 0, FLAG_INT, &c->image_gc_high_percent,
         "percent of the disk in use, from which on images are removed"},
        {"image-gc-low-threshold", 0, FLAG_INT, &c->image_gc_low_percent, "and to which they are"},
        {"container-log-max-size", 0, FLAG_STRING, &c->log_max_size, "size at which a log is rotated"},
        {"container-log-max-files", 0, FLAG_INT, &c->log_max_files, "files of a container's log"},
        {"node-status-update-frequency", 0, FLAG_DURATION, &c->status_period_ns,
         "how often the node's status is looked at"},
        {"provider-id", 0, FLAG_STRING, &c->provider_id, "the machine's name at its cloud"},
        {"logging-format", 0, FLAG_STRING, &c->log_format, "text or json"},
        {"v", 'v', FLAG_INT, &c->log_verbosity, "how much is logged"},
        {"version", 0, FLAG_BOOL, &s->version, "print the version and end"},
    };
    check(sizeof rows / sizeof *rows <= max);
    memcpy(v, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

/* -- who it is -- */

static const char *in_dir(struct settings *s, const char *name) {
    return arena_printf(&s->arena, "%s/%s", s->cert_dir, name).p;
}

static int connect_as(struct settings *s, const char *path, struct client **ret, struct str *ret_server,
                      struct err *err) {
    _cleanup_client_config struct client_config config = CLIENT_CONFIG_INIT;
    int rc = client_config_load(path, NULL, &config, err);
    if (rc < 0)
        return rc;
    if (config.servers.n)
        *ret_server = arena_str(&s->arena, config.servers.v[0]);
    return client_remote_new(&config, S("kubelet"), ret, err);
}

/* The kubeconfig of the bootstrap with the certificate instead of the token. */
static int write_kubeconfig(struct settings *s, struct err *err) {
    _cleanup_client_config struct client_config config = CLIENT_CONFIG_INIT;
    _cleanup_buf struct buf ca = BUF_INIT, out = BUF_INIT;
    int rc = client_config_load(s->bootstrap, NULL, &config, err);
    if (rc == 0 && config.ca_path.n)
        rc = file_read(arena_strz(&s->arena, config.ca_path), PKI_PEM_BYTES_MAX, &ca, err);
    if (rc == 0 && config.ca_pem.n)
        buf_str(&ca, config.ca_pem);
    const char *ca_path = in_dir(s, "bootstrap-ca.crt");
    if (rc == 0 && ca.n)
        rc = file_write_atomic(ca_path, buf_view(&ca), 0644, err);
    if (rc < 0)
        return rc;
    buf_printf(&out,
               "apiVersion: v1\nkind: Config\nclusters:\n- name: default-cluster\n  cluster:\n"
               "    server: \"%.*s\"\n",
               STR_ARG(config.servers.n ? config.servers.v[0] : S("")));
    if (ca.n)
        buf_printf(&out, "    certificate-authority: \"%s\"\n", ca_path);
    buf_printf(&out,
               "users:\n- name: default-auth\n  user:\n    client-certificate: \"%s\"\n"
               "    client-key: \"%s\"\ncontexts:\n- name: default-context\n  context:\n"
               "    cluster: default-cluster\n    user: default-auth\ncurrent-context: default-context\n",
               s->id.client_cert, s->id.client_key);
    return file_write_atomic(s->kubeconfig, buf_view(&out), MODE_SECRET, err);
}

static int bootstrap(struct settings *s, struct err *err) {
    struct client *c = NULL;
    struct str cert, key, server;
    struct join_request r = {.signer = S("kubernetes.io/kube-apiserver-client-kubelet"),
                             .node_name = s->id.name};
    log_info("asking for a client certificate", kv_str("node", s->id.name));
    int rc = connect_as(s, s->bootstrap, &c, &server, err);
    if (rc == 0)
        rc = join_certificate(c, &r, &s->arena, &cert, &key, err);
    client_free(c);
    if (rc == 0)
        rc = file_write_atomic(s->id.client_key, key, MODE_SECRET, err);
    if (rc == 0)
        rc = file_write_atomic(s->id.client_cert, cert, MODE_SECRET, err);
    return rc < 0 ? rc : write_kubeconfig(s, err);
}

static int identify(struct settings *s, struct err *err) {
    struct str server = STR_NONE;
    s->id = (struct node_identity){.dir = s->cert_dir,
                                   .client_cert = in_dir(s, "kubelet-client.crt"),
                                   .client_key = in_dir(s, "kubelet-client.key"),
                                   .serving_cert = in_dir(s, "kubelet.crt"),
                                   .serving_key = in_dir(s, "kubelet.key")};
    s->id.name = node_identity_name(s->host_name, &s->arena);
    int rc = file_mkdir_p(s->cert_dir, 0700, err);
    if (rc == 0 && s->bootstrap && !file_exists(s->kubeconfig))
        rc = bootstrap(s, err);
    if (rc == 0)
        rc = connect_as(s, s->kubeconfig, &s->client, &server, err);
    if (rc < 0)
        return rc;
    ptrdiff_t path = str_find_byte(str_from_byte(server, sizeof "https://"), '/');
    server = str_cut(server, path < 0 ? server.n : (size_t)path + sizeof "https://");
    s->id.ip = s->node_ip ? arena_str(&s->arena, str_from(s->node_ip))
                          : node_identity_address(arena_strz(&s->arena, server), &s->arena);
    return 0;
}

/* -- its serving certificate -- */

/* CONFORMS: a certificate of its own where none is given and the cluster is not asked. */
static int sign_own(struct settings *s, struct err *err) {
    struct pki_pair ca_pair, pair;
    struct pki_ca *ca = NULL;
    struct str ip = s->id.ip, dns = s->id.name;
    struct pki_names names = {.cn = arena_printf(&s->arena, "%.*s@kubelet", STR_ARG(s->id.name)),
                              .dns = {&dns, 1},
                              .ips = {&ip, 1}};
    if (file_exists(s->id.serving_cert) && file_exists(s->id.serving_key))
        return 0;
    int rc = pki_ca_new(arena_printf(&s->arena, "%.*s-ca@kubelet", STR_ARG(s->id.name)), STR_NONE,
                        PKI_LEAF_LIFETIME_SEC, clock_system(), &s->arena, &ca_pair, err);
    if (rc == 0)
        rc = pki_ca_load(ca_pair.cert_pem, ca_pair.key_pem, &ca, err);
    if (rc == 0)
        rc = pki_issue(ca, &names, PKI_SERVER_AUTH | PKI_DIGITAL_SIGNATURE, PKI_LEAF_LIFETIME_SEC,
                       clock_system(), &s->arena, &pair, err);
    pki_ca_free(ca);
    if (rc == 0)
        rc = file_write_atomic(s->id.serving_key, pair.key_pem, MODE_SECRET, err);
    return rc < 0 ? rc : file_write_atomic(s->id.serving_cert, pair.cert_pem, 0644, err);
}

/* Where the certificate is, once the node is registered. */
static int serving(struct settings *s, struct err *err) {
    if (s->c.tls_cert_file)
        return 0;
    return s->c.server_tls_bootstrap ? node_identity_serving(s->client, &s->id, err) : sign_own(s, err);
}

/* -- all -- */

static struct str_array addresses(struct settings *s) {
    size_t n = 0;
    while (s->c.cluster_dns && s->c.cluster_dns[n])
        n++;
    struct str *v = arena_new_n(&s->arena, n + 1, struct str);
    for (size_t i = 0; i < n; i++)
        v[i] = str_from(s->c.cluster_dns[i]);
    return (struct str_array){v, (uint32_t)n};
}

static struct str text(const char *s) {
    return s ? str_from(s) : S("");
}

static int start_kubelet(struct settings *s, struct err *err) {
    const struct kubelet_config *c = &s->c;
    struct str ip = s->id.ip;
    struct kubelet_options o = {
        .client = s->client,
        .runtime = s->runtime,
        .node_name = s->id.name,
        .node_ips = {&ip, 1},
        .root_dir = str_from(s->root_dir),
        .pod_logs_dir = text(c->pod_logs_dir),
        .container_logs_dir = c->pod_logs_dir ? S("") : S("/var/log/containers"),
        .static_pod_dir = text(c->static_pod_path),
        .cgroup_root = text(c->cgroup_root),
        .cluster_domain = text(c->cluster_domain),
        .cluster_dns = addresses(s),
        .resolv_conf = text(c->resolv_conf),
        .node_labels = node_identity_labels(s->labels.v, &s->arena),
        .register_node = c->register_node,
        .max_pods = (uint32_t)c->max_pods,
        .cert_path = c->tls_cert_file ? c->tls_cert_file : s->id.serving_cert,
        .key_path = c->tls_cert_file ? c->tls_key_file : s->id.serving_key,
        .client_ca_path = c->client_ca_file,
        .address = text(c->address),
        .port = (uint16_t)c->port,
        .healthz_port = (uint16_t)c->healthz_port,
        .metrics = s->metrics,
        .config = *c,
    };
    return kubelet_start(&o, &s->kubelet, err);
}

static int start(struct settings *s, struct err *err) {
    const char *endpoint = s->c.runtime_endpoint ? s->c.runtime_endpoint : RUNTIME_ENDPOINT;
    int rc = identify(s, err);
    if (rc == 0)
        rc = cri_new(&(struct cri_options){.endpoint = endpoint}, &s->runtime, err);
    if (rc == 0)
        rc = start_kubelet(s, err);
    if (rc == 0)
        rc = serving(s, err);
    if (rc == 0)
        rc = kubelet_serve(s->kubelet, err);
    bool renews = s->bootstrap || s->c.server_tls_bootstrap;
    return rc || !renews ? rc : identity_renewal_start(s->client, &s->id, &s->renewal, err);
}

static int run(struct settings *s) {
    struct err err = ERR_INIT;
    struct signals signals;
    signals_block(&signals);
    s->metrics = metrics_new();
    int rc = start(s, &err);
    if (rc < 0)
        log_error("the kubelet cannot start", kv("err", &err));
    else
        log_info("the kubelet ends", kv("signal", signals_wait(&signals)));
    identity_renewal_stop(s->renewal);
    kubelet_stop(s->kubelet);
    client_free(s->client);
    runtime_free(s->runtime);
    metrics_free(s->metrics);
    return rc < 0;
}

static int complain(const char *what) {
    fprintf(stderr, "kubelet: %s\n", what);
    return 1;
}

static int read_config(struct settings *s, struct str *ret_idle) {
    struct err err = ERR_INIT;
    return kubelet_config_read(s->config, &s->arena, &s->c, ret_idle, &err) < 0 ? complain(err.msg) : 0;
}

static int finish(struct settings *s) {
    struct err err = ERR_INIT;
    if (!s->kubeconfig)
        return complain("--kubeconfig is wanted: how to reach the API server");
    if (s->dns.v)
        s->c.cluster_dns = s->dns.v;
    if (!s->cert_dir)
        s->cert_dir = arena_printf(&s->arena, "%s/pki", s->root_dir).p;
    if (kubelet_config_check(&s->c, &err) < 0)
        return complain(err.msg);
    if (s->c.port < 1 || s->c.port > 65535 || s->c.healthz_port < 0 || s->c.healthz_port > 65535)
        return complain("a port is a number from 1 to 65535");
    log_setup(&(struct log_options){.format = strcmp(s->c.log_format, "json") == 0 ? LOG_JSON : LOG_TEXT,
                                    .verbosity = (int)s->c.log_verbosity});
    return 0;
}

int applet_kubelet(int argc, char **argv) {
    struct settings s = {.root_dir = "/var/lib/kubelet"};
    struct flag table[48];
    struct str idle = STR_NONE;
    kubelet_config_init(&s.c);
    arena_init(&s.arena);
    struct flags f = {.program = "kubelet",
                      .about = "Runs the pods of a node, with a container runtime and a network of others.",
                      .v = table,
                      .n = add_flags(&s, table, sizeof table / sizeof *table),
                      .arena = &s.arena,
                      .own_config = true};
    struct flag_list args;
    int status = 0;
    bool go_on = flags_parse_or_end(&f, argc, argv, &args, &status);
    if (go_on && s.version)
        puts("Kubernetes " KUBERNETES_VERSION);
    go_on = go_on && !s.version;
    if (go_on && s.config) {
        status = read_config(&s, &idle);
        go_on = status == 0 && flags_parse_or_end(&f, argc, argv, &args, &status);
    }
    if (go_on)
        status = finish(&s);
    if (go_on && status == 0) {
        if (idle.n)
            log_warn("settings that have no effect here", kv_str("fields", idle));
        status = run(&s);
    }
    arena_fini(&s.arena);
    return status;
}
